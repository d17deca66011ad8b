//! The source rows of a MERGE: in the table's columns, one row per key, with the ranges that prune files.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::row::Rows;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::min_max::{MaxAccumulator, MinAccumulator};
use datafusion::logical_expr::Accumulator;
use tidemill_planner::ident::did_you_mean;
use tidemill_planner::key::{KeyEncoder, stable_hash};
use tidemill_planner::{Error, Result};

use super::cache::{KeyIndex, nulls_in};
use crate::commit::conflict::KeyRange;

/// Source rows, ready to be looked for.
#[derive(Debug)]
pub(crate) struct Source {
    /// In the table's columns.
    pub(crate) rows: RecordBatch,
    pub(crate) keys: Rows,
    /// Rows whose key has no null, with the key's hash.
    pub(crate) matchable: Vec<(u32, u64)>,
    pub(crate) ranges: Vec<KeyRange>,
}

/// The positions of the key columns in the table.
///
/// # Errors
/// `Analysis` for a name that the table does not have, or no name at all.
pub(crate) fn key_positions(what: &str, on: &[String], schema: &SchemaRef) -> Result<Vec<usize>> {
    if on.is_empty() {
        return Err(Error::analysis(format!("MERGE into {what} needs at least one key column")));
    }
    on.iter()
        .map(|name| {
            schema.fields().iter().position(|f| f.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
                let hint = did_you_mean(name, schema.fields().iter().map(|f| f.name().as_str()));
                Error::analysis(format!("{what} has no column `{name}` to merge on{hint}"))
            })
        })
        .collect()
}

/// Refuses source rows without a column of the table: an update would put a null over the value that is there.
///
/// # Errors
/// `Analysis`, naming the column.
pub(crate) fn check_complete(what: &str, source: &Schema, table: &SchemaRef) -> Result<()> {
    let given = |name: &str| source.fields().iter().any(|f| f.name().eq_ignore_ascii_case(name));
    match table.fields().iter().find(|f| !given(f.name())) {
        None => Ok(()),
        Some(missing) => Err(Error::analysis(format!(
            "the source of MERGE into {what} has no column `{}`, so an update would lose the value that is there; add it to the source",
            missing.name()
        ))),
    }
}

/// The encoder of keys of these columns.
pub(crate) fn key_encoder(schema: &SchemaRef, on: &[usize]) -> Result<KeyEncoder> {
    let types: Vec<_> = on.iter().map(|i| schema.field(*i).data_type().clone()).collect();
    KeyEncoder::try_new(&types)
}

impl Source {
    /// # Errors
    /// `Data`, naming the key, when two rows have the same one.
    pub(crate) fn try_new(what: &str, schema: &SchemaRef, on: &[usize], batches: &[RecordBatch]) -> Result<Self> {
        let rows = match batches {
            [one] => one.clone(),
            many => concat_batches(schema, many)?,
        };
        let columns: Vec<ArrayRef> = on.iter().map(|i| Arc::clone(rows.column(*i))).collect();
        let encoder = key_encoder(schema, on)?;
        if let Some((first, _)) = KeyIndex::build(&encoder, &columns)?.duplicate() {
            return Err(two_rows_for_one_key(what, &describe_key(&rows, on, first as usize)?));
        }
        let keys = encoder.encode(&columns)?;
        let null = nulls_in(&columns)?;
        let matchable = (0..rows.num_rows())
            .filter(|row| null.as_ref().is_none_or(|null| !null[*row]))
            .map(|row| (row as u32, stable_hash(keys.row(row).as_ref())))
            .collect();
        // Files have no statistics of nested columns, and nested values no order that the engine knows: they prune nothing.
        let flat = on.iter().filter(|i| !schema.field(**i).data_type().is_nested());
        let ranges = flat.map(|i| range_of(schema.field(*i).name(), rows.column(*i))).collect::<Result<_>>()?;
        Ok(Self { rows, keys, matchable, ranges })
    }
}

fn range_of(column: &str, values: &ArrayRef) -> Result<KeyRange> {
    let mut min = MinAccumulator::try_new(values.data_type())?;
    let mut max = MaxAccumulator::try_new(values.data_type())?;
    min.update_batch(std::slice::from_ref(values))?;
    max.update_batch(std::slice::from_ref(values))?;
    let (low, high) = (min.evaluate()?, max.evaluate()?);
    let bounds = (!low.is_null() && !high.is_null()).then_some((low, high));
    Ok(KeyRange { column: column.to_owned(), bounds: bounds.map(widen_floats) })
}

/// NaN compares like no other value, so a range with one says nothing.
fn widen_floats((low, high): (ScalarValue, ScalarValue)) -> (ScalarValue, ScalarValue) {
    match (&low, &high) {
        (ScalarValue::Float64(Some(a)), ScalarValue::Float64(Some(b))) if a.is_nan() || b.is_nan() => {
            (ScalarValue::Float64(Some(f64::NEG_INFINITY)), ScalarValue::Float64(Some(f64::NAN)))
        }
        (ScalarValue::Float32(Some(a)), ScalarValue::Float32(Some(b))) if a.is_nan() || b.is_nan() => {
            (ScalarValue::Float32(Some(f32::NEG_INFINITY)), ScalarValue::Float32(Some(f32::NAN)))
        }
        // −0.0 and 0.0 are one key but order apart.
        (ScalarValue::Float64(Some(a)), ScalarValue::Float64(Some(b))) => {
            (ScalarValue::Float64(Some(if *a == 0.0 { -0.0 } else { *a })), ScalarValue::Float64(Some(b + 0.0)))
        }
        (ScalarValue::Float32(Some(a)), ScalarValue::Float32(Some(b))) => {
            (ScalarValue::Float32(Some(if *a == 0.0 { -0.0 } else { *a })), ScalarValue::Float32(Some(b + 0.0)))
        }
        _ => (low, high),
    }
}

/// `userId=u-7, sessionStart=…` of one row.
pub(crate) fn describe_key(rows: &RecordBatch, on: &[usize], row: usize) -> Result<String> {
    let parts = on
        .iter()
        .map(|i| {
            let column = rows.column(*i);
            let value = if column.is_null(row) {
                "NULL".to_owned()
            } else {
                ArrayFormatter::try_new(column, &FormatOptions::default())?.value(row).to_string()
            };
            Ok(format!("{}={value}", rows.schema_ref().field(*i).name()))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(parts.join(", "))
}

/// The error for a source that would update one row twice.
pub(crate) fn two_rows_for_one_key(what: &str, key: &str) -> Error {
    Error::data(format!(
        "DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE: two source rows for MERGE into {what} have the key {key}; \
         keep one row per key before merging, the latest say"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float64Array, Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field};

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("userId", DataType::Utf8, true), Field::new("n", DataType::Int64, true)]))
    }

    fn batch(ids: Vec<Option<&str>>) -> RecordBatch {
        let n = Int64Array::from_iter_values(0..ids.len() as i64);
        RecordBatch::try_new(schema(), vec![Arc::new(StringArray::from(ids)), Arc::new(n)]).unwrap()
    }

    #[test]
    fn two_rows_for_a_key_are_refused_by_name_but_null_is_no_key() {
        let merge = |batches: &[RecordBatch]| Source::try_new("table t", &schema(), &[0], batches);
        let source = merge(&[batch(vec![Some("b"), None]), batch(vec![None, Some("a")])]).unwrap();
        assert_eq!(source.matchable.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [0, 3]);
        assert_eq!(source.ranges[0].bounds, Some((ScalarValue::Utf8(Some("a".into())), ScalarValue::Utf8(Some("b".into())))));
        let error = merge(&[batch(vec![Some("a"), Some("b")]), batch(vec![Some("a")])]).unwrap_err();
        assert!(error.message().contains("MULTIPLE_SOURCE_ROW") && error.message().contains("userId=a"), "{error}");
        let half = Schema::new(vec![Field::new("N", DataType::Int64, true)]);
        assert!(check_complete("table t", &half, &schema()).unwrap_err().message().contains("`userId`"));
        check_complete("table t", &schema(), &schema()).unwrap();
        assert!(merge(&[]).unwrap().matchable.is_empty());
        assert!(key_positions("t", &["USERID".into()], &schema()).unwrap() == [0]);
        assert!(key_positions("t", &["usrId".into()], &schema()).unwrap_err().message().contains("did you mean `userId`"));
    }

    #[test]
    fn ranges_of_floats_hold_every_equal_key() {
        let range = |values: Vec<f64>| range_of("x", &(Arc::new(Float64Array::from(values)) as ArrayRef)).unwrap().bounds.unwrap();
        let (low, high) = range(vec![0.0]);
        assert!(
            low.partial_cmp(&ScalarValue::Float64(Some(-0.0))).unwrap().is_le()
                && high.partial_cmp(&ScalarValue::Float64(Some(0.0))).unwrap().is_ge()
        );
        let (low, _) = range(vec![1.0, f64::NAN]);
        assert_eq!(low, ScalarValue::Float64(Some(f64::NEG_INFINITY)));
    }
}
