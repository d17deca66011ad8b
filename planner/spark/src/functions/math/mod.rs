//! Functions of numbers: one file per topic.

pub(super) mod buckets;
pub(super) mod elementary;
pub(super) mod random;
pub(super) mod rounding;
#[cfg(test)]
mod tests;
pub(super) mod whole;

use arrow::array::{ArrayRef, AsArray, Float64Array};
use arrow::datatypes::Float64Type;
use std::sync::Arc;

use super::{Build, Call, Function, Group, KernelArgs};
use crate::{Result, Sql, Typed};

type Examples = &'static [(&'static str, &'static str)];

/// A row of a function without named parameters.
const fn row(name: &'static str, usage: &'static str, examples: Examples, build: fn(&mut Call<'_>) -> Result<Typed>) -> Function {
    Function { name, group: Group::Math, parameters: &[], usage, examples, build: Build::Scalar(build) }
}

/// The same value shown as a call of another name: Spark writes many of these in capitals.
fn titled(call: &Call<'_>, name: &str, made: Typed) -> Result<Typed> {
    let values = call.values()?;
    Ok(made.shown(Sql::call(name, values.iter().map(|value| &value.sql))))
}

/// A double of each double; `None` is null.
fn map1(args: &KernelArgs<'_>, f: impl Fn(f64) -> Option<f64>) -> Result<ArrayRef> {
    let values: Float64Array = args.arrays[0].as_primitive::<Float64Type>().iter().map(|x| x.and_then(&f)).collect();
    Ok(Arc::new(values))
}

/// A double of each pair of doubles; `None` is null.
fn map2(args: &KernelArgs<'_>, f: impl Fn(f64, f64) -> Option<f64>) -> Result<ArrayRef> {
    let (x, y) = (args.arrays[0].as_primitive::<Float64Type>(), args.arrays[1].as_primitive::<Float64Type>());
    let values: Float64Array = x.iter().zip(y.iter()).map(|(x, y)| x.zip(y).and_then(|(x, y)| f(x, y))).collect();
    Ok(Arc::new(values))
}
