//! Arrays, maps, structs, and rows from them: printed from the table of functions by `tests/it/api_names/functions.rs`; change the table.

use super::{call, call_function};
use crate::column::{Column, Operand};

/// An array of these values.
pub fn array<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Column {
    call_function("array", columns)
}

/// The array with the element at its end; a null array stays null.
pub fn array_append(array: impl Into<Column>, element: impl Operand) -> Column {
    call("array_append", [array.into(), element.into_operand()])
}

/// The array without nulls.
pub fn array_compact(array: impl Into<Column>) -> Column {
    call("array_compact", [array.into()])
}

/// Whether the array has the value; null if it has not but has nulls.
pub fn array_contains(array: impl Into<Column>, value: impl Operand) -> Column {
    call("array_contains", [array.into(), value.into_operand()])
}

/// The array without elements that came before.
pub fn array_distinct(array: impl Into<Column>) -> Column {
    call("array_distinct", [array.into()])
}

/// The elements of the first array that the second has not, each once.
pub fn array_except(array1: impl Into<Column>, array2: impl Into<Column>) -> Column {
    call("array_except", [array1.into(), array2.into()])
}

/// The array with `val` at place `pos`, counted from 1, or from the end where negative; nulls fill a gap.
pub fn array_insert(x: impl Into<Column>, pos: impl Into<Column>, val: impl Operand) -> Column {
    call("array_insert", [x.into(), pos.into(), val.into_operand()])
}

/// The elements of the first array that the second has too, each once.
pub fn array_intersect(array1: impl Into<Column>, array2: impl Into<Column>) -> Column {
    call("array_intersect", [array1.into(), array2.into()])
}

/// The elements as one text with the delimiter between them; nulls are passed over, or replaced.
pub fn array_join(array: impl Into<Column>, delimiter: impl Operand) -> Column {
    call("array_join", [array.into(), delimiter.into_operand()])
}

/// The elements as one text with the delimiter between them; nulls are passed over, or replaced.
pub fn array_join_with(array: impl Into<Column>, delimiter: impl Operand, null_replacement: impl Operand) -> Column {
    call("array_join", [array.into(), delimiter.into_operand(), null_replacement.into_operand()])
}

/// The largest element; nulls are passed over, and NaN is the largest number.
pub fn array_max(array: impl Into<Column>) -> Column {
    call("array_max", [array.into()])
}

/// The smallest element; nulls are passed over, and NaN is the largest number.
pub fn array_min(array: impl Into<Column>) -> Column {
    call("array_min", [array.into()])
}

/// The place, from 1, of the first such element; 0 if there is none.
pub fn array_position(array: impl Into<Column>, element: impl Operand) -> Column {
    call("array_position", [array.into(), element.into_operand()])
}

/// The array with the element before it; a null array stays null.
pub fn array_prepend(array: impl Into<Column>, element: impl Operand) -> Column {
    call("array_prepend", [array.into(), element.into_operand()])
}

/// The array without the elements that equal this one.
pub fn array_remove(array: impl Into<Column>, element: impl Operand) -> Column {
    call("array_remove", [array.into(), element.into_operand()])
}

/// An array that has the element `count` times.
pub fn array_repeat(element: impl Into<Column>, count: impl Into<Column>) -> Column {
    call("array_repeat", [element.into(), count.into()])
}

/// How many elements the array has; null of null.
pub fn array_size(expr: impl Into<Column>) -> Column {
    call("array_size", [expr.into()])
}

/// The elements of both arrays, each once.
pub fn array_union(array1: impl Into<Column>, array2: impl Into<Column>) -> Column {
    call("array_union", [array1.into(), array2.into()])
}

/// Whether both arrays have an element in common; null if they have not, neither is empty, and one has nulls.
pub fn arrays_overlap(a1: impl Into<Column>, a2: impl Into<Column>) -> Column {
    call("arrays_overlap", [a1.into(), a2.into()])
}

/// An array of structs: the n-th has the n-th elements of all arrays, null for arrays that are shorter.
pub fn arrays_zip<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Column {
    call_function("arrays_zip", columns)
}

/// How many elements the array or map has, as size(expr).
pub fn cardinality(expr: impl Into<Column>) -> Column {
    call("cardinality", [expr.into()])
}

/// The collations that there are, one row each.
pub fn collations() -> Column {
    call("collations", [])
}

/// The texts, binary values or arrays one after the other; null where one of them is.
pub fn concat<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Column {
    call_function("concat", columns)
}

/// The element at a place counted from 1, or from -1 backwards; an error beyond the array, null with ANSI mode off. element_at(map,
/// key) - The key's value, null without the key.
pub fn element_at(array: impl Into<Column>, index: impl Into<Column>) -> Column {
    call("element_at", [array.into(), index.into()])
}

/// A row per element of the array (column `col`), or per entry of the map (columns `key` and `value`).
pub fn explode(expr: impl Into<Column>) -> Column {
    call("explode", [expr.into()])
}

/// As explode, and a row of nulls where there is no element.
pub fn explode_outer(expr: impl Into<Column>) -> Column {
    call("explode_outer", [expr.into()])
}

/// The elements of the inner arrays, one after the other; null if one of them is null.
pub fn flatten(array_of_arrays: impl Into<Column>) -> Column {
    call("flatten", [array_of_arrays.into()])
}

/// The element at a place counted from 0; null beyond the array.
pub fn get(array: impl Into<Column>, index: impl Into<Column>) -> Column {
    call("get", [array.into(), index.into()])
}

/// A row per struct of the array, a column per field.
pub fn inline(expr: impl Into<Column>) -> Column {
    call("inline", [expr.into()])
}

/// As inline, and a row of nulls where there is no struct.
pub fn inline_outer(expr: impl Into<Column>) -> Column {
    call("inline_outer", [expr.into()])
}

/// A map with these entries.
pub fn map<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Column {
    call_function("map", columns)
}

/// A map with the entries of all these maps.
pub fn map_concat<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Column {
    call_function("map_concat", columns)
}

/// Whether the map has the key.
pub fn map_contains_key(map: impl Into<Column>, key: impl Operand) -> Column {
    call("map_contains_key", [map.into(), key.into_operand()])
}

/// The map's entries, an array of structs of key and value.
pub fn map_entries(map: impl Into<Column>) -> Column {
    call("map_entries", [map.into()])
}

/// A map from two arrays of the same length; no key is null.
pub fn map_from_arrays(keys: impl Into<Column>, values: impl Into<Column>) -> Column {
    call("map_from_arrays", [keys.into(), values.into()])
}

/// A map from an array of structs of two fields, key and value.
pub fn map_from_entries(array_of_entries: impl Into<Column>) -> Column {
    call("map_from_entries", [array_of_entries.into()])
}

/// The map's keys.
pub fn map_keys(map: impl Into<Column>) -> Column {
    call("map_keys", [map.into()])
}

/// The map's values.
pub fn map_values(map: impl Into<Column>) -> Column {
    call("map_values", [map.into()])
}

/// A struct of these values under these names.
pub fn named_struct<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Column {
    call_function("named_struct", columns)
}

/// As explode, with the element's place from 0 in the column `pos`.
pub fn posexplode(expr: impl Into<Column>) -> Column {
    call("posexplode", [expr.into()])
}

/// As posexplode, and a row of nulls where there is no element.
pub fn posexplode_outer(expr: impl Into<Column>) -> Column {
    call("posexplode_outer", [expr.into()])
}

/// The text, binary value or array from its end to its begin.
pub fn reverse(value: impl Into<Column>) -> Column {
    call("reverse", [value.into()])
}

/// The values from `start` to `stop`, both among them, a step apart: 1 or -1, for dates and timestamps a day.
pub fn sequence(start: impl Into<Column>, stop: impl Into<Column>) -> Column {
    call("sequence", [start.into(), stop.into()])
}

/// The values from `start` to `stop`, both among them, a step apart: 1 or -1, for dates and timestamps a day.
pub fn sequence_with(start: impl Into<Column>, stop: impl Into<Column>, step: impl Into<Column>) -> Column {
    call("sequence", [start.into(), stop.into(), step.into()])
}

/// The array's elements in an order that chance gives.
pub fn shuffle(array: impl Into<Column>) -> Column {
    call("shuffle", [array.into()])
}

/// The array's elements in an order that chance gives.
pub fn shuffle_with(array: impl Into<Column>, seed: impl Into<Column>) -> Column {
    call("shuffle", [array.into(), seed.into()])
}

/// How many elements the array or map has. Of null it is null, or -1 with ANSI mode off and spark.sql.legacy.sizeOfNull on.
pub fn size(expr: impl Into<Column>) -> Column {
    call("size", [expr.into()])
}

/// So many elements from place `start`, counted from 1, or from the end where negative.
pub fn slice(x: impl Into<Column>, start: impl Into<Column>, length: impl Into<Column>) -> Column {
    call("slice", [x.into(), start.into(), length.into()])
}

/// The array in rising order, nulls first; or in falling order, nulls last.
pub fn sort_array(array: impl Into<Column>) -> Column {
    call("sort_array", [array.into()])
}

/// The array in rising order, nulls first; or in falling order, nulls last.
pub fn sort_array_with(array: impl Into<Column>, ascending_order: impl Into<Column>) -> Column {
    call("sort_array", [array.into(), ascending_order.into()])
}

/// The values in `n` rows, in columns col0, col1, …; nulls fill the last row.
pub fn stack<C: Into<Column>>(n: impl Into<Column>, columns: impl IntoIterator<Item = C>) -> Column {
    Column::call("stack", [n.into()].into_iter().chain(columns.into_iter().map(Into::into)))
}

/// A map from text such as `a:1,b:2`; both delimiters are regular expressions.
pub fn str_to_map(text: impl Into<Column>) -> Column {
    call("str_to_map", [text.into()])
}

/// A map from text such as `a:1,b:2`; both delimiters are regular expressions.
pub fn str_to_map_with(text: impl Into<Column>, pair_delim: impl Operand, key_value_delim: impl Operand) -> Column {
    call("str_to_map", [text.into(), pair_delim.into_operand(), key_value_delim.into_operand()])
}

/// The element at a place counted from 1, or from -1 backwards; null beyond the array. try_element_at(map, key) - The key's value,
/// null without the key.
pub fn try_element_at(array: impl Into<Column>, index: impl Into<Column>) -> Column {
    call("try_element_at", [array.into(), index.into()])
}
