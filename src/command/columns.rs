//! Columns as CREATE TABLE and ALTER TABLE say them.

use tidemill_spark::error::error;
use tidemill_spark::plan::{ColumnDefinition, Expression, ExpressionKind};
use tidemill_spark::types::SparkType;

use super::Context;
use crate::catalog::ColumnRecord;
use tidemill_planner::Result;

/// The column that a definition describes.
///
/// # Errors
/// For nested names, types that cannot be kept, and defaults that do not go into the column.
pub(super) async fn record(cx: &Context<'_>, column: &ColumnDefinition, nulls: bool) -> Result<ColumnRecord> {
    let [name] = column.name.as_slice() else {
        let shown = column.name.join(".");
        return Err(error(
            "UNSUPPORTED_FEATURE.TABLE_OPERATION",
            format!("`{shown}` is a field of a column: fields are not added one by one"),
        ));
    };
    if column.generated.is_some() {
        let message = format!("`{name}`: GENERATED ALWAYS AS is not supported: compute the column when rows are inserted");
        return Err(error("UNSUPPORTED_FEATURE.TABLE_OPERATION", message));
    }
    let mut record = ColumnRecord::new(name, &column.data_type, nulls || column.nullable);
    record.comment.clone_from(&column.comment);
    if let Some((expression, text)) = &column.default {
        check_default(cx, name, &column.data_type, expression).await?;
        record.default = Some(text.trim().to_owned());
    }
    Ok(record)
}

/// Refuses a default that is no constant of the column's type.
pub(super) async fn check_default(cx: &Context<'_>, name: &str, data_type: &SparkType, expression: &Expression) -> Result<()> {
    cx.values(&[(expression, Some(data_type))]).await.map(|_| ()).map_err(|e| {
        let condition = e.condition().map(|c| c.name.clone()).unwrap_or_default();
        if condition.starts_with("DATATYPE_MISMATCH.CAST") {
            let message = format!("the default of the column `{name}` is no {data_type}: {}", e.message());
            error("INVALID_DEFAULT_VALUE.DATA_TYPE", message)
        } else if condition.starts_with("UNRESOLVED_COLUMN") {
            error(
                "INVALID_DEFAULT_VALUE.UNRESOLVED_EXPRESSION",
                format!("the default of the column `{name}` names a column: {}", e.message()),
            )
        } else {
            e.context(format!("the default of the column `{name}`"))
        }
    })
}

/// The column that `PARTITIONED BY` names.
///
/// # Errors
/// `UNSUPPORTED_PARTITION_TRANSFORM`-like refusals for functions of columns.
pub(super) fn partition_column(expression: &Expression) -> Result<String> {
    match &expression.kind {
        ExpressionKind::UnresolvedAttribute { name, .. } => match name.as_slice() {
            [name] => Ok(name.clone()),
            _ => Err(error(
                "UNSUPPORTED_FEATURE.PARTITION_WITH_NESTED_COLUMN_IS_UNSUPPORTED",
                format!("`{}` is a field of a column: partition by whole columns", name.join(".")),
            )),
        },
        _ => Err(error(
            "UNSUPPORTED_PARTITION_TRANSFORM",
            "tables are partitioned by columns, not by functions of them: add a column with the function's value",
        )),
    }
}

/// Refuses names that are there twice.
///
/// # Errors
/// `COLUMN_ALREADY_EXISTS`
pub(super) fn distinct<'n>(cx: &Context<'_>, names: impl IntoIterator<Item = &'n str>) -> Result<()> {
    let mut seen: Vec<&str> = Vec::new();
    for name in names {
        if seen.iter().any(|other| cx.settings.same(other, name)) {
            let shown = format!("`{}`", if cx.settings.case_sensitive { name.to_owned() } else { name.to_lowercase() });
            let message = format!("the column {shown} is there twice: give the columns names that differ");
            return Err(error("COLUMN_ALREADY_EXISTS", message).with_parameter("columnName", shown));
        }
        seen.push(name);
    }
    Ok(())
}
