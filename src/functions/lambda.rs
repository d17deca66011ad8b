//! Functions that call a function of a program for each element: the closure builds a lambda's body, once.

use std::sync::atomic::{AtomicU64, Ordering};

use tidemill_spark::plan::{Expression, ExpressionKind};

use super::call;
use crate::column::Column;

/// A lambda whose body names its parameters, for [`call_function`](super::call_function).
pub fn lambda(parameters: impl IntoIterator<Item = String>, body: Column) -> Column {
    let arguments = parameters.into_iter().collect();
    body.map(|body| ExpressionKind::LambdaFunction { arguments, function: Box::new(body) })
}

/// A lambda with parameters of its own names, so that one inside another does not take its parameters.
fn made<const N: usize>(names: [&str; N], body: impl FnOnce([Column; N]) -> Column) -> Column {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let arguments: Vec<String> = names.iter().map(|name| format!("{name}_{number}")).collect();
    let columns = std::array::from_fn(|i| Column::new(Expression::attribute([arguments[i].clone()])));
    lambda(arguments, body(columns))
}

/// An array of what the function makes of each element.
pub fn transform(array: impl Into<Column>, function: impl FnOnce(Column) -> Column) -> Column {
    call("transform", [array.into(), made(["x"], |[x]| function(x))])
}

/// An array of what the function makes of each element and its place from 0.
pub fn transform_with_index(array: impl Into<Column>, function: impl FnOnce(Column, Column) -> Column) -> Column {
    call("transform", [array.into(), made(["x", "i"], |[x, i]| function(x, i))])
}

/// The elements for which the function is true.
pub fn filter(array: impl Into<Column>, function: impl FnOnce(Column) -> Column) -> Column {
    call("filter", [array.into(), made(["x"], |[x]| function(x))])
}

/// The elements for which the function of the element and its place from 0 is true.
pub fn filter_with_index(array: impl Into<Column>, function: impl FnOnce(Column, Column) -> Column) -> Column {
    call("filter", [array.into(), made(["x", "i"], |[x, i]| function(x, i))])
}

/// Whether the function is true for an element.
pub fn exists(array: impl Into<Column>, function: impl FnOnce(Column) -> Column) -> Column {
    call("exists", [array.into(), made(["x"], |[x]| function(x))])
}

/// Whether the function is true for all elements.
pub fn forall(array: impl Into<Column>, function: impl FnOnce(Column) -> Column) -> Column {
    call("forall", [array.into(), made(["x"], |[x]| function(x))])
}

/// What the function makes of `start` and the elements one after the other.
pub fn aggregate(array: impl Into<Column>, start: impl Into<Column>, merge: impl FnOnce(Column, Column) -> Column) -> Column {
    call("aggregate", [array.into(), start.into(), made(["acc", "x"], |[acc, x]| merge(acc, x))])
}

/// What the function makes of `start` and the elements one after the other, and `finish` of the last.
pub fn aggregate_with(
    array: impl Into<Column>,
    start: impl Into<Column>,
    merge: impl FnOnce(Column, Column) -> Column,
    finish: impl FnOnce(Column) -> Column,
) -> Column {
    let (merge, finish) = (made(["acc", "x"], |[acc, x]| merge(acc, x)), made(["acc"], |[acc]| finish(acc)));
    call("aggregate", [array.into(), start.into(), merge, finish])
}

/// The same as [`aggregate`].
pub fn reduce(array: impl Into<Column>, start: impl Into<Column>, merge: impl FnOnce(Column, Column) -> Column) -> Column {
    aggregate(array, start, merge)
}

/// An array of what the function makes of the elements at the same place; null for an array that is shorter.
pub fn zip_with(left: impl Into<Column>, right: impl Into<Column>, function: impl FnOnce(Column, Column) -> Column) -> Column {
    call("zip_with", [left.into(), right.into(), made(["x", "y"], |[x, y]| function(x, y))])
}

/// The entries for which the function of key and value is true.
pub fn map_filter(map: impl Into<Column>, function: impl FnOnce(Column, Column) -> Column) -> Column {
    call("map_filter", [map.into(), made(["k", "v"], |[k, v]| function(k, v))])
}

/// The map with the keys that the function makes of key and value.
pub fn transform_keys(map: impl Into<Column>, function: impl FnOnce(Column, Column) -> Column) -> Column {
    call("transform_keys", [map.into(), made(["k", "v"], |[k, v]| function(k, v))])
}

/// The map with the values that the function makes of key and value.
pub fn transform_values(map: impl Into<Column>, function: impl FnOnce(Column, Column) -> Column) -> Column {
    call("transform_values", [map.into(), made(["k", "v"], |[k, v]| function(k, v))])
}

/// A map of what the function makes of each key and both maps' values.
pub fn map_zip_with(left: impl Into<Column>, right: impl Into<Column>, function: impl FnOnce(Column, Column, Column) -> Column) -> Column {
    call("map_zip_with", [left.into(), right.into(), made(["k", "v1", "v2"], |[k, v1, v2]| function(k, v1, v2))])
}

/// The array in rising order, nulls last.
pub fn array_sort(array: impl Into<Column>) -> Column {
    call("array_sort", [array.into()])
}

/// The array in the order in which the function of two elements is negative, 0 or positive.
pub fn array_sort_by(array: impl Into<Column>, function: impl FnOnce(Column, Column) -> Column) -> Column {
    call("array_sort", [array.into(), made(["x", "y"], |[x, y]| function(x, y))])
}
