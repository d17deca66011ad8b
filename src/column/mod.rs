//! Column expressions: what programs say about columns, as the same unresolved tree that SQL text becomes. They mean nothing until a
//! DataFrame's rows are asked for, and making one cannot fail.

mod methods;
mod ops;
mod window;

use tidemill_spark::plan::{Expression, ExpressionKind, Literal, SortOrder};

pub use methods::TypeName;
pub use window::{Window, WindowSpec};

/// An expression over the columns of a DataFrame, made by [`functions`](crate::functions) and combined by its methods.
#[derive(Debug, Clone)]
pub struct Column {
    pub(crate) expression: Expression,
}

impl Column {
    /// The column that an expression of the tree is.
    pub(crate) fn new(expression: impl Into<Expression>) -> Self {
        Self { expression: expression.into() }
    }

    /// A call of a function.
    pub(crate) fn call(name: impl Into<String>, arguments: impl IntoIterator<Item = Self>) -> Self {
        Self::new(Expression::call(name, arguments.into_iter().map(|a| a.expression).collect()))
    }

    /// An operator over columns.
    pub(crate) fn operator(name: &str, arguments: impl IntoIterator<Item = Self>) -> Self {
        Self::new(Expression::operator(name, arguments.into_iter().map(|a| a.expression).collect()))
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

impl From<Expression> for Column {
    fn from(expression: Expression) -> Self {
        Self { expression }
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
