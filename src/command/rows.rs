//! The answers of commands: columns as Spark has them, rows as text.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::logical_expr::LogicalPlanBuilder;

use super::Context;
use crate::dataframe::DataFrame;
use tidemill_planner::Result;

/// The answer to a command that has none: no columns, no rows.
pub(super) fn nothing(cx: &Context<'_>) -> Result<DataFrame> {
    Ok(cx.session.dataframe(LogicalPlanBuilder::empty(false).build()?))
}

/// Rows of text.
pub(super) fn text<const N: usize>(cx: &Context<'_>, names: [&str; N], rows: Vec<[Option<String>; N]>) -> Result<DataFrame> {
    let fields: Vec<Field> = names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
    let columns: Vec<ArrayRef> = (0..N)
        .map(|place| Arc::new(rows.iter().map(|row| row.get(place).cloned().flatten()).collect::<StringArray>()) as ArrayRef)
        .collect();
    batch(cx, fields, columns)
}

/// Rows about tables: where, which, whether it is temporary, and what else there is to say.
pub(super) fn tables(cx: &Context<'_>, name: &str, rows: Vec<(String, String, bool, String)>, information: bool) -> Result<DataFrame> {
    let column = |of: fn(&(String, String, bool, String)) -> &str| {
        Arc::new(rows.iter().map(|row| Some(of(row))).collect::<StringArray>()) as ArrayRef
    };
    let mut fields = vec![
        Field::new("namespace", DataType::Utf8, false),
        Field::new(name, DataType::Utf8, false),
        Field::new("isTemporary", DataType::Boolean, false),
    ];
    let temporary = Arc::new(BooleanArray::from(rows.iter().map(|row| row.2).collect::<Vec<_>>()));
    let mut columns: Vec<ArrayRef> = vec![column(|row| &row.0), column(|row| &row.1), temporary];
    if information {
        fields.push(Field::new("information", DataType::Utf8, false));
        columns.push(column(|row| &row.3));
    }
    batch(cx, fields, columns)
}

fn batch(cx: &Context<'_>, fields: Vec<Field>, columns: Vec<ArrayRef>) -> Result<DataFrame> {
    cx.session.create_dataframe(vec![RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?])
}
