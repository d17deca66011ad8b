//! Statistics of a data file, as the log has them: a bound is exact or unknown, or it is widened by what its writer may have lost.
//! Who prunes by them is elsewhere.
//!
//! ```json
//! {"numRecords":3,"minValues":{"n":1},"maxValues":{"n":7},"nullCount":{"n":0}}
//! ```

pub(crate) mod bound;
pub(crate) mod decimal;
pub(crate) mod print;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use arrow::datatypes::SchemaRef;
use datafusion::common::ScalarValue;
use serde_json::value::RawValue;

use bound::End;

/// What is known of one column of one file. `min` and `max` are bounds: no value lies outside, none need be reached.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColumnStats {
    /// No value is smaller.
    pub min: Option<ScalarValue>,
    /// No value is greater.
    pub max: Option<ScalarValue>,
    /// How many values are null.
    pub null_count: Option<u64>,
}

/// What is known of one file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FileStats {
    /// Rows of the file.
    pub num_records: Option<u64>,
    /// By the column's name; only top-level columns of simple types.
    pub columns: HashMap<String, ColumnStats>,
}

impl FileStats {
    /// Reads Delta's JSON; what cannot be read is unknown, never wrong. Numbers are read from their text: a JSON parser's double
    /// has lost digits of a decimal already, and may be off in a double's last place.
    pub(crate) fn parse(text: &str, schema: &SchemaRef) -> Self {
        let parts = object(text);
        let part = |name: &str| parts.get(name).map(|part| object(part.get())).unwrap_or_default();
        let (mins, maxs, nulls) = (part("minValues"), part("maxValues"), part("nullCount"));
        let mut columns = HashMap::new();
        for field in schema.fields() {
            let bound_of = |values: &HashMap<String, &RawValue>, end: End| {
                values.get(field.name()).and_then(|value| bound::read(value.get(), field.data_type(), end))
            };
            let stats = ColumnStats {
                min: bound_of(&mins, End::Min),
                max: bound_of(&maxs, End::Max),
                null_count: nulls.get(field.name()).and_then(|count| count.get().parse().ok()),
            };
            if stats != ColumnStats::default() {
                columns.insert(field.name().clone(), stats);
            }
        }
        Self { num_records: parts.get("numRecords").and_then(|count| count.get().parse().ok()), columns }
    }
}

/// The members of a JSON object, each as its text; none where it is no object.
fn object(text: &str) -> HashMap<String, &RawValue> {
    serde_json::from_str(text).unwrap_or_default()
}
