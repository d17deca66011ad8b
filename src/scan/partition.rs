//! Folders that stand for partitions: `a=1/b=x`, with Spark's escapes. It opens no data file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt32Array};
use datafusion::scalar::ScalarValue;
use tidemill_spark::Settings;
use tidemill_spark::error::error;
use tidemill_spark::plan::CastMode;
use tidemill_spark::types::{SparkType, StructField, cast, from_field, render};

use super::save_record::place_of;
use tidemill_planner::Result;

/// The folder's name of null.
pub(crate) const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// Columns that are kept in files, and those that folders stand for, in the order in which they are named.
///
/// # Errors
/// `COLUMN_NOT_DEFINED_IN_TABLE`, `INVALID_PARTITION_COLUMN_DATA_TYPE`, `ALL_PARTITION_COLUMNS_NOT_ALLOWED`.
pub(crate) fn split<C>(
    mut columns: Vec<C>,
    by: &[String],
    field: impl Fn(&C) -> Result<StructField>,
    settings: &Settings,
) -> Result<(Vec<C>, Vec<C>)> {
    let mut partitions = Vec::with_capacity(by.len());
    for name in by {
        let names = columns.iter().map(|column| Ok(field(column)?.name)).collect::<Result<Vec<_>>>()?;
        let Some(place) = names.iter().position(|known| settings.same(known, name)) else {
            let message = format!("there is no column `{name}` to partition by (columns: {})", names.join(", "));
            return Err(error("COLUMN_NOT_DEFINED_IN_TABLE", message).with_parameter("colName", format!("`{name}`")));
        };
        let column = columns.remove(place);
        let data_type = field(&column)?.data_type;
        if data_type.is_nested() || matches!(data_type, SparkType::CalendarInterval) {
            let message = format!("the column `{name}` of type \"{}\" cannot be a partition's: use a plain type", data_type.sql());
            return Err(error("INVALID_PARTITION_COLUMN_DATA_TYPE", message));
        }
        partitions.push(column);
    }
    if columns.is_empty() && !partitions.is_empty() {
        return Err(error("ALL_PARTITION_COLUMNS_NOT_ALLOWED", "all columns are partitions': leave one that is kept in files"));
    }
    Ok((columns, partitions))
}

/// Rows, by the partition's folder.
pub(crate) type Cut = Vec<(String, RecordBatch)>;

/// Sorts rows into the folders that the last `columns` columns name, and takes those columns off.
pub(crate) fn cut(batch: &RecordBatch, columns: usize, settings: &Settings) -> Result<Cut> {
    let kept = batch.num_columns().saturating_sub(columns);
    let data = batch.project(&(0..kept).collect::<Vec<_>>())?;
    let mut rows: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    let schema = batch.schema();
    let keys: Vec<(&str, &ArrayRef, SparkType)> = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .skip(kept)
        .map(|(field, array)| (field.name().as_str(), array, from_field(field).data_type))
        .collect();
    for row in 0..batch.num_rows() {
        let mut folder = String::new();
        for (name, array, data_type) in &keys {
            let value = if array.is_null(row) { None } else { Some(render::text_at(array, row, data_type, settings)?) };
            if !folder.is_empty() {
                folder.push('/');
            }
            folder.push_str(&folder_of(name, value.as_deref()));
        }
        rows.entry(folder).or_default().push(u32::try_from(row).unwrap_or(u32::MAX));
    }
    rows.into_iter().map(|(folder, rows)| Ok((folder, arrow::compute::take_record_batch(&data, &UInt32Array::from(rows))?))).collect()
}

/// `name=value`; null and the empty text are one folder.
pub(crate) fn folder_of(name: &str, value: Option<&str>) -> String {
    match value {
        None | Some("") => format!("{}={HIVE_NULL}", escaped(name)),
        Some(value) => format!("{}={}", escaped(name), escaped(value)),
    }
}

/// The name and value that a folder stands for, if it stands for a partition.
pub(crate) fn parse(folder: &str) -> Option<(String, Option<String>)> {
    let (name, value) = folder.split_once('=')?;
    Some((unescaped(name), (value != HIVE_NULL).then(|| unescaped(value))))
}

/// What the folders between `base` and a file stand for, wherever the file is for now.
pub(crate) fn values_of(file: &Path, base: &Path) -> Vec<(String, Option<String>)> {
    let place = place_of(file);
    let folders = place.strip_prefix(base).ok().and_then(Path::parent).unwrap_or(Path::new(""));
    folders.iter().filter_map(|folder| parse(folder.to_str()?)).collect()
}

/// The value that a folder's text is.
///
/// # Errors
/// `INVALID_PARTITION_VALUE`.
pub(crate) fn typed_value(text: Option<&str>, data_type: &SparkType, settings: &Settings) -> Result<ScalarValue> {
    let array: ArrayRef = Arc::new(StringArray::from(vec![text]));
    if matches!(data_type, SparkType::String | SparkType::Char(_) | SparkType::Varchar(_)) {
        return Ok(ScalarValue::try_from_array(&array, 0)?);
    }
    let cast = cast::cast_array(&array, &SparkType::String, data_type, CastMode::Session, settings).map_err(|e| {
        let message = format!("the partition value `{}` is no {data_type}: rename its folder ({e})", text.unwrap_or("null"));
        error("INVALID_PARTITION_VALUE", message)
    })?;
    Ok(ScalarValue::try_from_array(&cast, 0)?)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{1}'..='\u{1f}' | '"' | '#' | '%' | '\'' | '*' | '/' | ':' | '=' | '?' | '\\' | '\u{7f}' | '{' | '[' | ']' | '^' => {
                out.push_str(&format!("%{:02X}", u32::from(c)));
            }
            other => out.push(other),
        }
    }
    out
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail
            .get(..2)
            .filter(|hex| *first == b'%' && hex.iter().all(u8::is_ascii_hexdigit))
            .and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders() {
        for (name, value, folder) in [
            ("a", Some("1"), "a=1"),
            ("a", None, "a=__HIVE_DEFAULT_PARTITION__"),
            ("t", Some("2024-01-01 10:00:00"), "t=2024-01-01 10%3A00%3A00"),
            ("a b", Some("x/y=ü%"), "a b=x%2Fy%3Dü%25"),
        ] {
            assert_eq!(folder_of(name, value), folder);
            assert_eq!(parse(folder), Some((name.to_owned(), value.map(str::to_owned))));
        }
        assert_eq!(parse("plain"), None);
        assert_eq!(parse("a=%+1%"), Some(("a".to_owned(), Some("%+1%".to_owned()))));
    }
}
