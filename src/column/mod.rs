//! Column expressions: what programs say about columns, as the same unresolved tree that SQL text becomes. They mean nothing until a
//! DataFrame's rows are asked for, and making one cannot fail.

mod methods;
mod ops;
mod window;

use tidemill_spark::plan::{Expression, ExpressionKind, Literal, SortOrder};

use crate::held::Held;

pub use methods::TypeName;
pub use window::{Window, WindowSpec};

/// An expression over the columns of a DataFrame, made by [`functions`](crate::functions) and combined by its methods.
#[derive(Debug, Clone)]
pub struct Column {
    pub(crate) expression: Expression,
    /// What the queries in it hold, if there are any.
    pub(crate) held: Held,
}

impl Column {
    /// The column that an expression of the tree is.
    pub(crate) fn new(expression: impl Into<Expression>) -> Self {
        Self { expression: expression.into(), held: Held::default() }
    }

    /// The column that an expression over queries is, with what those hold.
    pub(crate) fn holding(expression: impl Into<Expression>, held: Held) -> Self {
        Self { expression: expression.into(), held }
    }

    /// The column that something makes of it.
    pub(crate) fn map<E: Into<Expression>>(self, make: impl FnOnce(Expression) -> E) -> Self {
        Self { expression: make(self.expression).into(), held: self.held }
    }

    /// A call of a function.
    pub(crate) fn call(name: impl Into<String>, arguments: impl IntoIterator<Item = Self>) -> Self {
        let (arguments, held) = taken(arguments);
        Self::holding(Expression::call(name, arguments), held)
    }

    /// An operator of SQL over columns, by the name that [`operator`](tidemill_spark::plan::operator) has for it.
    pub fn operator(name: &str, arguments: impl IntoIterator<Item = Self>) -> Self {
        let (arguments, held) = taken(arguments);
        Self::holding(Expression::operator(name, arguments), held)
    }

    /// The unresolved tree that it is.
    pub fn expression(&self) -> &Expression {
        &self.expression
    }

    /// The key to sort by that it is: rising with nulls first unless it says otherwise.
    pub(crate) fn into_sort_order(self) -> SortOrder {
        let span = self.expression.span;
        match self.expression.into_kind() {
            ExpressionKind::SortOrder(order) => *order,
            kind => {
                let child = Expression { kind, span };
                SortOrder { child, ascending: true, nulls_first: true }
            }
        }
    }
}

/// The expressions of columns, and what they hold.
pub(crate) fn taken<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> (Vec<Expression>, Held) {
    let mut held = Held::default();
    let expressions = columns.into_iter().map(|column| {
        let column: Column = column.into();
        held = held.and(&column.held);
        column.expression
    });
    (expressions.collect(), held)
}

impl From<Expression> for Column {
    fn from(expression: Expression) -> Self {
        Self::new(expression)
    }
}

impl From<&str> for Column {
    /// The column of that name.
    fn from(name: &str) -> Self {
        Self::new(Expression::named(name))
    }
}

impl From<String> for Column {
    fn from(name: String) -> Self {
        Self::from(name.as_str())
    }
}

impl From<&String> for Column {
    fn from(name: &String) -> Self {
        Self::from(name.as_str())
    }
}

impl From<&Column> for Column {
    fn from(column: &Column) -> Self {
        column.clone()
    }
}

/// The right side of an operator: a column, or a plain value that stands for itself. A string here is text, not a name.
pub trait Operand {
    /// The operand as an expression.
    fn into_operand(self) -> Column;
}

impl Operand for Column {
    fn into_operand(self) -> Column {
        self
    }
}

impl Operand for &Column {
    fn into_operand(self) -> Column {
        self.clone()
    }
}

impl Operand for Literal {
    fn into_operand(self) -> Column {
        Column::new(ExpressionKind::Literal(self))
    }
}

macro_rules! literal_operands {
    ($($type:ty),* $(,)?) => {
        $(
            impl Operand for $type {
                fn into_operand(self) -> Column {
                    Column::new(Expression::literal(self))
                }
            }
        )*
    };
}

literal_operands!(bool, i8, i16, i32, i64, f32, f64, &str, String);

macro_rules! columns_of_numbers {
    ($($type:ty),* $(,)?) => {
        $(
            impl From<$type> for Column {
                /// The value itself, as where Spark's functions take a column or a number.
                fn from(value: $type) -> Self {
                    Self::new(Expression::literal(value))
                }
            }
        )*
    };
}

columns_of_numbers!(bool, i8, i16, i32, i64, f32, f64);

impl Operand for &String {
    fn into_operand(self) -> Column {
        self.as_str().into_operand()
    }
}

impl Operand for &[u8] {
    fn into_operand(self) -> Column {
        Literal::Binary(self.to_vec()).into_operand()
    }
}

impl<O: Operand> Operand for Vec<O> {
    /// An array of the values.
    fn into_operand(self) -> Column {
        Column::call("array", self.into_iter().map(Operand::into_operand))
    }
}
