//! How many elements an array or a map has: size, cardinality, array_size.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;

use crate::functions::nested::{Lists, Maps, argument, row};
use crate::functions::{Call, Function, Group, KernelArgs, Want};
use crate::types::SparkType;
use crate::{Result, Typed};

/// The rows of this file.
pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "size",
        Group::Collection,
        "size(expr) - How many elements the array or map has. Of null it is null, or -1 with ANSI mode off and spark.sql.legacy.sizeOfNull on.",
        &[("SELECT size(array('b', 'd', 'c', 'a'))", "4"), ("SELECT size(map('a', 1, 'b', 2))", "2")],
        size,
    ),
    row(
        "cardinality",
        Group::Collection,
        "cardinality(expr) - How many elements the array or map has, as size(expr).",
        &[("SELECT cardinality(array('b', 'd', 'c', 'a'))", "4"), ("SELECT cardinality(map('a', 1, 'b', 2))", "2")],
        size,
    ),
    row(
        "array_size",
        Group::Array,
        "array_size(expr) - How many elements the array has; null of null.",
        &[("SELECT array_size(array('b', 'd', 'c', 'a'))", "4")],
        array_size,
    ),
];

fn size(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=1)?;
    let value = call.expect(0, &Want::OneOf(vec![Want::Array, Want::Map]))?;
    let legacy = !call.settings.ansi && call.settings.flag("spark.sql.legacy.sizeOfNull", true)?;
    let nullable = value.nullable && !legacy;
    let legacy = ScalarValue::Boolean(Some(legacy));
    Ok(call.scalar_with(size_kernel, vec![value], vec![legacy], SparkType::Integer, nullable))
}

fn array_size(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=1)?;
    let value = call.want(0, &Want::Array)?;
    let nullable = value.nullable;
    Ok(call.scalar(size_kernel, vec![value], SparkType::Integer, nullable))
}

fn size_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let array = argument(args, 0)?;
    let of_null = matches!(args.constants.first(), Some(ScalarValue::Boolean(Some(true)))).then_some(-1);
    let count = |range: Option<std::ops::Range<usize>>| range.map(|range| i32::try_from(range.len()).unwrap_or(i32::MAX)).or(of_null);
    let sizes: Int32Array = if matches!(array.data_type(), DataType::Map(..)) {
        let maps = Maps::new(array)?;
        (0..args.rows).map(|row| count(maps.range(row))).collect()
    } else {
        let lists = Lists::new(array)?;
        (0..args.rows).map(|row| count(lists.range(row))).collect()
    };
    Ok(Arc::new(sizes))
}
