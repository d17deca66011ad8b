//! Operators: arithmetic on numbers, days and intervals, comparisons, logic.

pub(super) mod arithmetic;
pub(super) mod coerce;
pub(super) mod comparison;
pub(crate) mod datetime;
mod datetime_kernels;
mod decimals;
mod intervals;
mod lanes;
pub(super) mod logic;
pub(crate) mod nested;
mod numbers;
mod op;
mod sign;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use datafusion::common::ScalarValue;

use super::{Build, Call, Function, Group, ScalarKernel, SparkScalar};
use crate::types::SparkType;
use crate::{Result, Sql, Typed};

/// A row of the table.
pub(super) const fn row(
    name: &'static str,
    group: Group,
    usage: &'static str,
    examples: &'static [(&'static str, &'static str)],
    build: fn(&mut Call<'_>) -> Result<Typed>,
) -> Function {
    Function { name, group, parameters: &[], usage, examples, build: Build::Scalar(build) }
}

/// What happens where a result does not fit or does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// An error.
    Ansi,
    /// A wrapped number, or null.
    Legacy,
    /// Null.
    Try,
}

impl Mode {
    /// The session's.
    pub(super) fn of(call: &Call<'_>) -> Self {
        if call.settings.ansi { Self::Ansi } else { Self::Legacy }
    }

    fn constant(self) -> ScalarValue {
        ScalarValue::Int8(Some(self as i8))
    }

    fn from_constant(value: Option<&ScalarValue>) -> Self {
        match value {
            Some(ScalarValue::Int8(Some(1))) => Self::Legacy,
            Some(ScalarValue::Int8(Some(2))) => Self::Try,
            _ => Self::Ansi,
        }
    }
}

/// A kernel under a name of its own that takes constants as single values.
pub(super) fn kernel(
    call: &Call<'_>,
    name: &str,
    kernel: ScalarKernel,
    args: Vec<Typed>,
    constants: Vec<ScalarValue>,
    out: SparkType,
    nullable: bool,
) -> Typed {
    let types = args.iter().map(|arg| arg.data_type.clone()).collect();
    let function = SparkScalar::new(name, kernel, types, out.clone(), Arc::clone(call.settings))
        .with_constants(constants)
        .with_nullable(nullable)
        .taking_single_values()
        .at(call.span);
    Typed::new(function.call(args.into_iter().map(|arg| arg.expr).collect()), out, nullable, call.sql())
}

/// A null of a type, under the text of `value`.
pub(super) fn null_of(data_type: &SparkType, value: &Typed) -> Result<Typed> {
    let null = ScalarValue::try_from(&crate::types::to_arrow(data_type))?;
    let mut made = Typed::literal(null, data_type.clone(), value.sql.clone());
    made.name.clone_from(&value.name);
    Ok(made)
}

/// `a + b`, as Spark shows days and moments plus intervals.
pub(super) fn bare_infix(left: &Sql, operator: &str, right: &Sql) -> Sql {
    Sql::concat(vec![left.clone(), Sql::from(format!(" {operator} ")), right.clone()])
}

/// The operands of `& | ^`: two whole numbers of one type.
pub(super) fn binary_operands_of_bits(call: &Call<'_>, left: Typed, right: Typed) -> Result<(Typed, Typed)> {
    coerce::operands(call, call.name, coerce::Takes::Bits, left, right)
}
