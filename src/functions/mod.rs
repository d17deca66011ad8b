//! Functions over columns, by Spark's names: `use tidemill::functions as F`. They build unresolved calls; which function a name means is
//! settled when the rows of a DataFrame are asked for. What has no function here is called by name: [`call_function`].
//!
//! Text that is an option of a function (a pattern, a unit, a delimiter) stands for itself, text in the place of a column names one.

mod aggregate;
mod collection;
mod datetime;
mod lambda;
mod math;
mod other;
mod string;
mod varied;

use tidemill_spark::plan::{Expression, ExpressionKind, FunctionCall, Literal};
use tidemill_spark::types::SparkType;

pub use aggregate::*;
pub use collection::*;
pub use datetime::*;
pub use lambda::*;
pub use math::*;
pub use other::*;
pub use string::*;
pub use varied::*;

use crate::column::{Column, Operand};

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
    let branches = vec![(condition.expression, value.into_operand().expression)];
    Column::new(ExpressionKind::Case { operand: None, branches, otherwise: None })
}

fn call<const N: usize>(name: &str, arguments: [Column; N]) -> Column {
    Column::call(name, arguments)
}

fn call_distinct(name: &str, arguments: impl IntoIterator<Item = Column>) -> Column {
    let arguments: Vec<Expression> = arguments.into_iter().map(|a| a.expression).collect();
    let call = FunctionCall { is_distinct: true, ..FunctionCall::new(name, arguments) };
    Column::new(ExpressionKind::UnresolvedFunction(Box::new(call)))
}
