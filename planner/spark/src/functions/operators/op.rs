//! The arithmetic operators: their symbols, names and operands, and the errors that their kernels share.

use datafusion::common::ScalarValue;

use super::coerce::Takes;
use crate::error::error;
use crate::types::SparkType as T;
use crate::{Error, ErrorKind};

/// An arithmetic operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
    IntegralDivide,
    Remainder,
    Pmod,
}

impl Op {
    pub(super) const ALL: [Self; 7] =
        [Self::Add, Self::Subtract, Self::Multiply, Self::Divide, Self::IntegralDivide, Self::Remainder, Self::Pmod];

    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::IntegralDivide => "div",
            Self::Remainder => "%",
            Self::Pmod => "pmod",
        }
    }

    /// The function that gives null where this operator fails.
    pub(super) fn try_name(self) -> &'static str {
        match self {
            Self::Add => "try_add",
            Self::Subtract => "try_subtract",
            Self::Multiply => "try_multiply",
            Self::Divide | Self::IntegralDivide => "try_divide",
            Self::Remainder | Self::Pmod => "try_mod",
        }
    }

    pub(super) fn takes(self) -> Takes {
        match self {
            Self::Add | Self::Subtract => Takes::NumberOrInterval,
            Self::Multiply | Self::Remainder | Self::Pmod => Takes::Number,
            Self::Divide => Takes::Fraction,
            Self::IntegralDivide => Takes::Whole,
        }
    }

    /// Whether it has no result for some operands, as for zero.
    pub(super) fn divides(self) -> bool {
        matches!(self, Self::Divide | Self::IntegralDivide | Self::Remainder | Self::Pmod)
    }

    pub(super) fn constant(self) -> ScalarValue {
        ScalarValue::Int8(Some(self as i8))
    }

    pub(super) fn from_constant(value: Option<&ScalarValue>) -> Self {
        match value {
            Some(ScalarValue::Int8(Some(at))) => usize::try_from(*at).ok().and_then(|at| Self::ALL.get(at)).copied().unwrap_or(Self::Add),
            _ => Self::Add,
        }
    }
}

/// The error for a kernel that was given what it was not made for.
pub(super) fn unforeseen(symbol: &str, found: Option<&T>) -> Error {
    let found = found.map_or_else(|| "nothing".to_owned(), T::sql);
    Error::new(ErrorKind::Internal, format!("`{symbol}` was given {found}: report this"))
}

/// The error for a division by zero.
pub(super) fn by_zero(op: Op) -> Error {
    if matches!(op, Op::Remainder | Op::Pmod) {
        return error("REMAINDER_BY_ZERO", "remainder by zero; `try_mod` gives null instead");
    }
    error("DIVIDE_BY_ZERO", "division by zero; `try_divide` gives null instead")
}
