//! `abs` and `factorial`, and what intervals are as numbers.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, AsArray, Float64Array, Int64Array, PrimitiveArray};
use arrow::datatypes::{
    Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, IntervalYearMonthType,
};

use super::row;
use crate::error::error;
use crate::functions::{Call, Function, KernelArgs, Want};
use crate::types::SparkType::{self, Double, Integer, Long};
use crate::{Result, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row("abs", "abs(expr) - A number or an interval without its sign.", &[("SELECT abs(-1)", "1")], |call| {
        call.arity(1..=1)?;
        let x = call.want(0, &Want::NumericOrInterval)?;
        let (out, nullable) = (x.data_type.clone(), x.nullable);
        Ok(call.scalar(abs, vec![x], out, nullable))
    }),
    row(
        "factorial",
        "factorial(expr) - The product of the whole numbers from 1 to `expr`; null unless `expr` is from 0 to 20.",
        &[("SELECT factorial(5)", "120"), ("SELECT factorial(21)", "NULL")],
        |call| {
            call.arity(1..=1)?;
            let x = call.want_type(0, Integer)?;
            Ok(call.scalar(factorial, vec![x], Long, true))
        },
    ),
];

fn factorial(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let values: Int64Array = args.arrays[0]
        .as_primitive::<Int32Type>()
        .iter()
        .map(|n| n.filter(|n| (0..=20).contains(n)).map(|n| (1..=i64::from(n)).product::<i64>()))
        .collect();
    Ok(Arc::new(values))
}

fn abs(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (array, ansi) = (&args.arrays[0], args.settings.ansi);
    let overflow = "ARITHMETIC_OVERFLOW";
    match &args.types[0] {
        SparkType::Byte => signed::<Int8Type>(array, ansi, overflow),
        SparkType::Short => signed::<Int16Type>(array, ansi, overflow),
        Integer => signed::<Int32Type>(array, ansi, overflow),
        Long => signed::<Int64Type>(array, ansi, overflow),
        SparkType::Decimal(..) => signed::<Decimal128Type>(array, true, overflow),
        // An interval overflows in every mode.
        SparkType::DayTimeInterval(..) => signed::<DurationMicrosecondType>(array, true, overflow),
        SparkType::YearMonthInterval(..) => signed::<IntervalYearMonthType>(array, true, overflow),
        SparkType::Float => Ok(Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float32Type>(f32::abs))),
        _ => Ok(Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::abs))),
    }
}

fn signed<T: ArrowPrimitiveType>(array: &ArrayRef, strict: bool, condition: &'static str) -> Result<ArrayRef> {
    let values: &PrimitiveArray<T> = array.as_primitive::<T>();
    let zero = T::Native::ZERO;
    let made = values.try_unary::<_, T, crate::Error>(|x| {
        if x.is_ge(zero) {
            return Ok(x);
        }
        match x.neg_checked() {
            Ok(positive) => Ok(positive),
            Err(_) if strict => {
                Err(error(condition, format!("the absolute value of {x:?} does not fit its type; cast the number to a wider one")))
            }
            Err(_) => Ok(x.neg_wrapping()),
        }
    })?;
    Ok(Arc::new(made.with_data_type(array.data_type().clone())))
}

/// The months or microseconds of an ANSI interval.
pub(in crate::functions) fn interval_as_double(call: &Call<'_>, value: Typed) -> Typed {
    let nullable = value.nullable;
    let (sql, name) = (value.sql.clone(), value.name.clone());
    let types = vec![value.data_type.clone()];
    let function = crate::functions::SparkScalar::new("interval_as_double", interval_kernel, types, Double, Arc::clone(call.settings))
        .with_nullable(nullable);
    Typed { expr: function.call(vec![value.expr]), data_type: Double, nullable, sql, name }
}

fn interval_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let array = &args.arrays[0];
    let values: Float64Array = match &args.types[0] {
        SparkType::YearMonthInterval(..) => array.as_primitive::<IntervalYearMonthType>().unary(f64::from),
        _ => array.as_primitive::<DurationMicrosecondType>().unary(|x| x as f64),
    };
    Ok(Arc::new(values))
}
