//! Functions over columns, by Spark's names: `use tidemill::functions as F`. They build unresolved calls; which function a name means is
//! settled when the rows of a DataFrame are asked for. What has no function here is called by name: [`call_function`].
//!
//! Text that is an option of a function (a pattern, a unit, a delimiter) stands for itself, text in the place of a column names one;
//! numbers stand for themselves. Where Spark lets arguments be left out, the function takes those that are needed, and one called
//! `…_with` takes all.
//!
//! All but `varied.rs` and `lambda.rs` is printed from the table of functions.

mod aggregate;
mod collection;
mod datetime;
mod lambda;
mod math;
mod other;
mod string;
mod varied;

use std::sync::Arc;

use tidemill_planner::logical::UserFunction;
use tidemill_spark::plan::{ExpressionKind, FunctionCall, Literal};
use tidemill_spark::types::SparkType;

pub use aggregate::*;
pub use collection::*;
pub use datetime::*;
pub use lambda::*;
pub use math::*;
pub use other::*;
pub use string::*;
pub use varied::*;

use crate::column::{Column, Operand, taken};
use crate::held::{Handle, Held};

/// The column of this name; `relation.column` and `struct.field` too, with backticks around unusual parts; `*` is all.
pub fn col(name: &str) -> Column {
    Column::from(name)
}

/// A plain value.
pub fn lit(value: impl Operand) -> Column {
    value.into_operand()
}

/// Null.
pub fn null() -> Column {
    Literal::Null(SparkType::Null).into_operand()
}

/// An expression written in SQL.
pub fn expr(sql: impl Into<String>) -> Column {
    Column::new(ExpressionKind::ExpressionString(sql.into()))
}

/// The function of this name over the arguments; every function that SQL knows can be called so.
pub fn call_function<C: Into<Column>>(name: &str, args: impl IntoIterator<Item = C>) -> Column {
    Column::call(name, args.into_iter().map(Into::into))
}

/// `value` where the condition holds; continue with [`Column::when`] and [`Column::otherwise`].
pub fn when(condition: Column, value: impl Operand) -> Column {
    let value = value.into_operand();
    let held = condition.held.and(&value.held);
    let branches = vec![(condition.expression, value.expression)];
    Column::holding(ExpressionKind::Case { operand: None, branches, otherwise: None }, held)
}

/// A function of the program over the arguments.
pub fn user_function<C: Into<Column>>(function: Arc<dyn UserFunction>, args: impl IntoIterator<Item = C>) -> Column {
    let (arguments, held) = taken(args);
    let name = function.name().to_owned();
    let (handle, own) = Held::of(Handle::Columns(function));
    Column::holding(ExpressionKind::UserFunction { name, handle, arguments }, held.and(&own))
}

fn call<const N: usize>(name: &str, arguments: [Column; N]) -> Column {
    Column::call(name, arguments)
}

/// The aggregate of this name over the distinct values of its arguments.
pub fn call_distinct(name: &str, arguments: impl IntoIterator<Item = Column>) -> Column {
    let (arguments, held) = taken(arguments);
    let call = FunctionCall { is_distinct: true, ..FunctionCall::new(name, arguments) };
    Column::holding(ExpressionKind::UnresolvedFunction(Box::new(call)), held)
}
