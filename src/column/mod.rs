//! Column expressions: unbound trees that name columns and functions as the user wrote them. They mean nothing until
//! [`bind`](self::bind) holds them against the columns of a DataFrame.

pub(crate) mod bind;
mod name;
mod ops;
pub(crate) mod sql_text;
pub(crate) mod unbound;

use datafusion::logical_expr::{Expr, SortExpr};
use datafusion::scalar::ScalarValue;

pub(crate) use name::spark_name;

/// An expression over the columns of a DataFrame, made by [`functions`](crate::functions) and combined by its methods.
#[derive(Debug, Clone)]
pub struct Column {
    pub(crate) expr: Expr,
    order: Option<Order>,
}

/// How rows are ordered by a column.
#[derive(Debug, Clone, Copy)]
struct Order {
    ascending: bool,
    nulls_first: bool,
}

impl Column {
    pub(crate) fn new(expr: Expr) -> Self {
        Self { expr, order: None }
    }

    pub(crate) fn named(name: &str) -> Self {
        Self::new(Expr::Column(datafusion::common::Column::new_unqualified(name)))
    }

    /// Rising order, nulls first, as in Spark.
    #[must_use]
    pub fn asc(self) -> Self {
        self.ordered(true, true)
    }

    /// Rising order, nulls last.
    #[must_use]
    pub fn asc_nulls_last(self) -> Self {
        self.ordered(true, false)
    }

    /// Falling order, nulls last, as in Spark.
    #[must_use]
    pub fn desc(self) -> Self {
        self.ordered(false, false)
    }

    /// Falling order, nulls first.
    #[must_use]
    pub fn desc_nulls_first(self) -> Self {
        self.ordered(false, true)
    }

    fn ordered(mut self, ascending: bool, nulls_first: bool) -> Self {
        self.order = Some(Order { ascending, nulls_first });
        self
    }

    /// The sort key that `bound`, this column after binding, stands for; rising with nulls first unless it says otherwise.
    pub(crate) fn sort_key(&self, bound: Expr) -> SortExpr {
        let Order { ascending, nulls_first } = self.order.unwrap_or(Order { ascending: true, nulls_first: true });
        SortExpr::new(bound, ascending, nulls_first)
    }
}

impl From<&str> for Column {
    /// The column of that name.
    fn from(name: &str) -> Self {
        Self::named(name)
    }
}

impl From<String> for Column {
    fn from(name: String) -> Self {
        Self::named(&name)
    }
}

impl From<&String> for Column {
    fn from(name: &String) -> Self {
        Self::named(name)
    }
}

impl From<Expr> for Column {
    /// An expression of the engine's. Its operators get Spark's meaning as those of columns do; its functions stay the engine's.
    fn from(expr: Expr) -> Self {
        Self::new(expr)
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

macro_rules! literal_operands {
    ($($type:ty),* $(,)?) => {
        $(
            impl Operand for $type {
                fn into_operand(self) -> Column {
                    Column::new(Expr::Literal(ScalarValue::from(self), None))
                }
            }
        )*
    };
}

literal_operands!(bool, i8, i16, i32, i64, f32, f64, &str, String);
