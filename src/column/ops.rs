//! The operators and methods of [`Column`], by Spark's names. What they mean for given types is settled by binding.

use std::ops;

use datafusion::logical_expr::expr::{Between, Case, InList, Like};
use datafusion::logical_expr::{Expr, Operator, binary_expr};

use super::unbound::Unbound;
use super::{Column, Operand};

macro_rules! binary_methods {
    ($($(#[$doc:meta])* $name:ident => $op:ident),* $(,)?) => {
        impl Column {
            $(
                $(#[$doc])*
                #[must_use]
                #[allow(clippy::should_implement_trait)]
                pub fn $name(self, other: impl Operand) -> Self {
                    self.binary(Operator::$op, other)
                }
            )*
        }
    };
}

binary_methods! {
    /// Equal; null when a side is null.
    eq => Eq,
    /// Not equal; null when a side is null.
    neq => NotEq,
    /// Equal, where null equals null.
    eq_null_safe => IsNotDistinctFrom,
    /// Greater than.
    gt => Gt,
    /// Greater than or equal.
    geq => GtEq,
    /// Less than.
    lt => Lt,
    /// Less than or equal.
    leq => LtEq,
    /// Both hold.
    and => And,
    /// One of the two holds.
    or => Or,
}

impl Column {
    fn binary(self, op: Operator, other: impl Operand) -> Self {
        Self::new(binary_expr(self.expr, op, other.into_operand().expr))
    }

    /// The same values under another name.
    #[must_use]
    pub fn alias(self, name: impl Into<String>) -> Self {
        Self::new(self.expr.alias(name))
    }

    /// It does not hold.
    #[must_use]
    #[allow(clippy::should_implement_trait)]
    pub fn not(self) -> Self {
        Self::new(Expr::Not(Box::new(self.expr)))
    }

    /// It is null.
    #[must_use]
    pub fn is_null(self) -> Self {
        Self::new(self.expr.is_null())
    }

    /// It is not null.
    #[must_use]
    pub fn is_not_null(self) -> Self {
        Self::new(self.expr.is_not_null())
    }

    /// Its values as the type that Spark's DDL names (`"bigint"`, `"decimal(10,2)"`); a value that does not fit is an error.
    #[must_use]
    pub fn cast(self, ddl: impl Into<String>) -> Self {
        Self::new(Unbound::Cast { ddl: ddl.into(), strict: true }.over(vec![self.expr]))
    }

    /// Its values as the type that Spark's DDL names; a value that does not fit becomes null.
    #[must_use]
    pub fn try_cast(self, ddl: impl Into<String>) -> Self {
        Self::new(Unbound::Cast { ddl: ddl.into(), strict: false }.over(vec![self.expr]))
    }

    /// It matches a pattern in which `%` stands for any text and `_` for one character.
    #[must_use]
    pub fn like(self, pattern: impl Operand) -> Self {
        let pattern = Box::new(pattern.into_operand().expr);
        Self::new(Expr::Like(Like::new(false, Box::new(self.expr), pattern, None, false)))
    }

    /// It lies between the two, ends included.
    #[must_use]
    pub fn between(self, low: impl Operand, high: impl Operand) -> Self {
        let (low, high) = (low.into_operand().expr, high.into_operand().expr);
        Self::new(Expr::Between(Between::new(Box::new(self.expr), false, Box::new(low), Box::new(high))))
    }

    /// It is one of the values.
    #[must_use]
    pub fn isin<O: Operand>(self, values: impl IntoIterator<Item = O>) -> Self {
        let list = values.into_iter().map(|value| value.into_operand().expr).collect();
        Self::new(Expr::InList(InList::new(Box::new(self.expr), list, false)))
    }

    /// A field of a struct.
    #[must_use]
    pub fn get_field(self, name: impl Into<String>) -> Self {
        Self::new(Unbound::Field(name.into()).over(vec![self.expr]))
    }

    /// It starts with the text.
    #[must_use]
    pub fn startswith(self, prefix: impl Operand) -> Self {
        self.call("starts_with", prefix)
    }

    /// It ends with the text.
    #[must_use]
    pub fn endswith(self, suffix: impl Operand) -> Self {
        self.call("ends_with", suffix)
    }

    /// It contains the text.
    #[must_use]
    pub fn contains(self, part: impl Operand) -> Self {
        self.call("contains", part)
    }

    fn call(self, name: &str, other: impl Operand) -> Self {
        let name = name.to_owned();
        Self::new(Unbound::Call { name, distinct: false }.over(vec![self.expr, other.into_operand().expr]))
    }

    /// The next branch of a [`when`](crate::functions::when).
    #[must_use]
    pub fn when(self, condition: Self, value: impl Operand) -> Self {
        let mut case = self.into_case();
        case.when_then_expr.push((Box::new(condition.expr), Box::new(value.into_operand().expr)));
        Self::new(Expr::Case(case))
    }

    /// The value when no branch of a [`when`](crate::functions::when) holds; null if it is not called.
    #[must_use]
    pub fn otherwise(self, value: impl Operand) -> Self {
        let mut case = self.into_case();
        case.else_expr = Some(Box::new(value.into_operand().expr));
        Self::new(Expr::Case(case))
    }

    fn into_case(self) -> Case {
        match self.expr {
            Expr::Case(case) => case,
            // `x.otherwise(y)` on something that is no `when` has one branch that always holds.
            other => Case::new(None, vec![(Box::new(datafusion::prelude::lit(true)), Box::new(other))], None),
        }
    }
}

macro_rules! operators {
    ($($trait:ident $method:ident $op:ident),* $(,)?) => {
        $(
            impl<O: Operand> ops::$trait<O> for Column {
                type Output = Self;

                fn $method(self, other: O) -> Self {
                    self.binary(Operator::$op, other)
                }
            }
        )*
    };
}

operators!(Add add Plus, Sub sub Minus, Mul mul Multiply, Div div Divide, Rem rem Modulo);

impl ops::Neg for Column {
    type Output = Self;

    fn neg(self) -> Self {
        Self::new(Expr::Negative(Box::new(self.expr)))
    }
}

impl ops::Not for Column {
    type Output = Self;

    fn not(self) -> Self {
        Column::not(self)
    }
}
