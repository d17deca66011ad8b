//! Functions whose arguments are not one column each: lists of columns, DISTINCT, plain values.

use super::{call, call_distinct, call_function, lit};
use crate::column::{Column, Operand};

/// Rows for which the column is not null; `"*"` counts all rows.
pub fn count(column: impl Into<Column>) -> Column {
    call("count", [column.into()])
}

/// Distinct values that are not null.
pub fn count_distinct(column: impl Into<Column>) -> Column {
    call_distinct("count", [column.into()])
}

/// The sum of the distinct values.
pub fn sum_distinct(column: impl Into<Column>) -> Column {
    call_distinct("sum", [column.into()])
}

macro_rules! of_one {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $(
            $(#[$doc])*
            pub fn $name(column: impl Into<Column>) -> Column {
                call(stringify!($name), [column.into()])
            }
        )*
    };
}

of_one! {
    /// Sum of the values that are not null.
    sum;
    /// Average of the values that are not null.
    avg;
    /// The value of some row of the group: the first that is met.
    first;
    /// The value of some row of the group: the last that is met.
    last;
    /// Text without leading and trailing blanks.
    trim;
    /// Text without leading blanks.
    ltrim;
    /// Text without trailing blanks.
    rtrim;
    /// The array in rising order, nulls last.
    array_sort;
    /// One row per element of an array or entry of a map: only in a list of columns.
    explode;
    /// The same with a row of nulls for what is null or empty.
    explode_outer;
    /// The same as [`explode`] with the place of each.
    posexplode;
    /// The same as [`explode_outer`] with the place of each.
    posexplode_outer;
    /// One row per struct of an array, its fields as columns.
    inline;
    /// The same with a row of nulls for what is null or empty.
    inline_outer;
    /// Average of the values that are not null; the same as [`avg`].
    mean;
    /// Sample standard deviation.
    stddev;
    /// Sample variance.
    variance;
    /// Whether all values are true, null not counted.
    every;
    /// Whether at least one value is true, null not counted.
    some;
    /// Whether at least one value is true, null not counted.
    any;
    /// The value of some row of the group.
    any_value;
    /// The value of the first row.
    first_value;
    /// The value of the last row.
    last_value;
    /// An array of all values, without nulls.
    array_agg;
    /// -1.0, 0.0 or 1.0.
    sign;
    /// Least whole number that is not less; the same as [`ceil`](super::ceil).
    ceiling;
    /// A struct, map or array as JSON text.
    to_json;
    /// 1 where the key is not of the row's grouping set.
    grouping;
}

macro_rules! of_list {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $(
            $(#[$doc])*
            pub fn $name<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Column {
                call_function(stringify!($name), columns)
            }
        )*
    };
}

of_list! {
    /// The first value that is not null.
    coalesce;
    /// The greatest value, nulls skipped.
    greatest;
    /// The least value, nulls skipped.
    least;
    /// The texts, binaries or arrays one after the other; null when one is.
    concat;
    /// The values as an array.
    array;
    /// An array of structs: the n-th has the n-th elements of all arrays.
    arrays_zip;
    /// A map of keys and values, taken in turns.
    map;
    /// The entries of all maps.
    map_concat;
    /// A struct of names and values, taken in turns.
    named_struct;
    /// A hash of the values, an int.
    hash;
    /// A hash of the values, a bigint.
    xxhash64;
    /// A bit per key of a grouping: 1 where it is not of the row's set.
    grouping_id;
}

/// The columns as one struct, under their own names.
pub fn struct_<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Column {
    call_function("struct", columns)
}

/// The texts joined by a separator, nulls skipped.
pub fn concat_ws<C: Into<Column>>(separator: &str, columns: impl IntoIterator<Item = C>) -> Column {
    call_function("concat_ws", std::iter::once(lit(separator)).chain(columns.into_iter().map(Into::into)))
}

/// The values in a format of printf's kind.
pub fn format_string<C: Into<Column>>(format: &str, columns: impl IntoIterator<Item = C>) -> Column {
    call_function("format_string", std::iter::once(lit(format)).chain(columns.into_iter().map(Into::into)))
}

/// Rounded half up to a number of decimal places.
pub fn round(column: impl Into<Column>, places: impl Operand) -> Column {
    call("round", [column.into(), places.into_operand()])
}

/// A part of a text, from a place that counts from 1 and of a length.
pub fn substring(column: impl Into<Column>, position: impl Operand, length: impl Operand) -> Column {
    call("substring", [column.into(), position.into_operand(), length.into_operand()])
}

/// The same as [`substring`].
pub fn substr(column: impl Into<Column>, position: impl Operand, length: impl Operand) -> Column {
    call("substr", [column.into(), position.into_operand(), length.into_operand()])
}

/// A timestamp cut to a unit such as `"hour"`.
pub fn date_trunc(unit: &str, column: impl Into<Column>) -> Column {
    call("date_trunc", [lit(unit), column.into()])
}

/// Null where the two are equal, else the first.
pub fn nullif(left: impl Into<Column>, right: impl Into<Column>) -> Column {
    call("nullif", [left.into(), right.into()])
}

/// The first, or the second where that is null.
pub fn ifnull(left: impl Into<Column>, right: impl Into<Column>) -> Column {
    call("ifnull", [left.into(), right.into()])
}

/// The first, or the second where that is null.
pub fn nvl(left: impl Into<Column>, right: impl Into<Column>) -> Column {
    call("nvl", [left.into(), right.into()])
}

/// The value `offset` rows before this one in the window.
pub fn lag(column: impl Into<Column>, offset: impl Operand) -> Column {
    call("lag", [column.into(), offset.into_operand()])
}

/// The value `offset` rows after this one in the window.
pub fn lead(column: impl Into<Column>, offset: impl Operand) -> Column {
    call("lead", [column.into(), offset.into_operand()])
}

/// The value of the n-th row of the window's frame.
pub fn nth_value(column: impl Into<Column>, n: impl Operand) -> Column {
    call("nth_value", [column.into(), n.into_operand()])
}

/// The number of the row's part, of `parts` parts of one size.
pub fn ntile(parts: impl Operand) -> Column {
    call("ntile", [parts.into_operand()])
}

/// JSON text as a struct, map or array of a schema in DDL; text that is none gives null.
pub fn from_json(column: impl Into<Column>, schema: impl Operand) -> Column {
    call("from_json", [column.into(), schema.into_operand()])
}

/// What stands at a path such as `"$.a.b"` of JSON text.
pub fn get_json_object(column: impl Into<Column>, path: impl Operand) -> Column {
    call("get_json_object", [column.into(), path.into_operand()])
}

/// Tumbling windows of event time of a length such as `"10 minutes"`, to group by: a struct of `start` and `end`.
pub fn window(time: impl Into<Column>, length: &str) -> Column {
    call("window", [time.into(), lit(length)])
}

/// Sessions of event time that end after a silence such as `"30 minutes"`, to group by: a struct of `start` and `end`.
pub fn session_window(time: impl Into<Column>, gap: &str) -> Column {
    call("session_window", [time.into(), lit(gap)])
}
