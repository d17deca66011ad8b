//! Functions whose parameters are no list of columns and values: DISTINCT, several spellings, an order inside.

use tidemill_spark::plan::{ExpressionKind, FunctionCall};

use super::{call, call_distinct, call_function, lit};
use crate::column::{Column, Operand, taken};

/// Rows for which the column is not null; `"*"` counts all rows.
pub fn count(column: impl Into<Column>) -> Column {
    call("count", [column.into()])
}

/// Distinct values that are not null.
pub fn count_distinct(column: impl Into<Column>) -> Column {
    call_distinct("count", [column.into()])
}

/// Distinct rows of these columns in which none is null.
pub fn count_distinct_of<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Column {
    call_distinct("count", columns.into_iter().map(Into::into))
}

/// The sum of the distinct values.
pub fn sum_distinct(column: impl Into<Column>) -> Column {
    call_distinct("sum", [column.into()])
}

/// The distinct values as one text with a delimiter between them.
pub fn listagg_distinct(column: impl Into<Column>, delimiter: impl Operand) -> Column {
    call_distinct("listagg", [column.into(), delimiter.into_operand()])
}

/// The same as [`listagg_distinct`].
pub fn string_agg_distinct(column: impl Into<Column>, delimiter: impl Operand) -> Column {
    call_distinct("string_agg", [column.into(), delimiter.into_operand()])
}

/// The columns as one struct, under their own names.
pub fn struct_<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Column {
    call_function("struct", columns)
}

/// The texts joined by a separator, nulls skipped.
pub fn concat_ws<C: Into<Column>>(separator: &str, columns: impl IntoIterator<Item = C>) -> Column {
    call_function("concat_ws", std::iter::once(lit(separator)).chain(columns.into_iter().map(Into::into)))
}

/// Text without leading and trailing blanks.
pub fn trim(text: impl Into<Column>) -> Column {
    call("trim", [text.into()])
}

/// Text without any of these characters at both ends.
pub fn trim_with(text: impl Into<Column>, characters: impl Operand) -> Column {
    call("trim", [characters.into_operand(), text.into()])
}

/// Text without leading blanks.
pub fn ltrim(text: impl Into<Column>) -> Column {
    call("ltrim", [text.into()])
}

/// Text without any of these characters at its beginning.
pub fn ltrim_with(text: impl Into<Column>, characters: impl Operand) -> Column {
    call("ltrim", [characters.into_operand(), text.into()])
}

/// Text without trailing blanks.
pub fn rtrim(text: impl Into<Column>) -> Column {
    call("rtrim", [text.into()])
}

/// Text without any of these characters at its end.
pub fn rtrim_with(text: impl Into<Column>, characters: impl Operand) -> Column {
    call("rtrim", [characters.into_operand(), text.into()])
}

/// A field of a date, time or interval, such as `"year"`.
pub fn extract(field: impl Operand, source: impl Into<Column>) -> Column {
    call("date_part", [field.into_operand(), source.into()])
}

/// The value that stands at a share (0 to 1) of the values in order, between two of them if need be.
pub fn percentile_cont(share: impl Into<Column>, order: impl Into<Column>) -> Column {
    within_group("percentile_cont", share.into(), order.into())
}

/// The first value that stands at a share (0 to 1) of the values in order, or behind it.
pub fn percentile_disc(share: impl Into<Column>, order: impl Into<Column>) -> Column {
    within_group("percentile_disc", share.into(), order.into())
}

fn within_group(name: &str, argument: Column, order: Column) -> Column {
    let (arguments, held) = taken([argument]);
    let held = held.and(&order.held);
    let call = FunctionCall { order_by: vec![order.into_sort_order()], ..FunctionCall::new(name, arguments) };
    Column::holding(ExpressionKind::UnresolvedFunction(Box::new(call)), held)
}

/// 1 where the key is not of the row's grouping set.
pub fn grouping(key: impl Into<Column>) -> Column {
    call("grouping", [key.into()])
}

/// A bit per key of a grouping: 1 where it is not of the row's set.
pub fn grouping_id<C: Into<Column>>(keys: impl IntoIterator<Item = C>) -> Column {
    call_function("grouping_id", keys)
}

/// Windows of event time of a length such as `"10 minutes"`, one after the other, to group by: a struct of `start` and `end`.
pub fn window(time: impl Into<Column>, length: impl Operand) -> Column {
    call("window", [time.into(), length.into_operand()])
}

/// Windows of event time that begin every `slide`, `start` after the hour say, and overlap where that is less than their length.
pub fn window_with(time: impl Into<Column>, length: impl Operand, slide: impl Operand, start: impl Operand) -> Column {
    call("window", [time.into(), length.into_operand(), slide.into_operand(), start.into_operand()])
}
