//! Keys as bytes, their stable hash and the key group: what decides which task sees a row, today and after a restart at
//! another parallelism. It stores nothing.
//!
//! ```text
//! key columns ─ normalise −0.0 and NaN ─► arrow-row bytes ─ xxh3-64 ─► hash ─ mod GROUPS ─► key group
//!                                                                        key group × tasks ÷ GROUPS ─► task
//! ```

use std::ops::Range;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, Rows, SortField};

use crate::float::{Normal, normalize};
use crate::{Error, Result};

/// How many key groups a query has unless its checkpoint says otherwise.
pub const DEFAULT_KEY_GROUPS: u16 = 4096;

/// Turns key columns into bytes that are equal exactly when the keys are (nulls equal nulls, −0.0 equals 0.0 and NaN equals NaN,
/// inside structs and arrays too), and stored values into bytes and back.
#[derive(Debug)]
pub struct KeyEncoder {
    converter: RowConverter,
}

impl KeyEncoder {
    /// An encoder for keys of these column types.
    pub fn try_new(types: &[DataType]) -> Result<Self> {
        let fields = types.iter().cloned().map(SortField::new).collect();
        Ok(Self { converter: RowConverter::new(fields)? })
    }

    /// One row of bytes per row of the columns, which are keys.
    ///
    /// # Errors
    /// `Data` when the columns are not of the encoder's types.
    pub fn encode(&self, columns: &[ArrayRef]) -> Result<Rows> {
        let alike = columns.iter().map(|column| normalize(column, Normal::Key)).collect::<Result<Vec<_>>>()?;
        self.encode_values(&alike)
    }

    /// One row of bytes per row of the columns, which are values as they are: what is stored with a key, and looked for by none.
    ///
    /// # Errors
    /// `Data` when the columns are not of the encoder's types.
    pub fn encode_values(&self, columns: &[ArrayRef]) -> Result<Rows> {
        Ok(self.converter.convert_columns(columns)?)
    }

    /// The columns that these bytes were made from.
    ///
    /// # Errors
    /// `Corrupt` when the bytes were not made by an encoder of the same types.
    pub fn decode<'a>(&self, rows: impl Iterator<Item = &'a [u8]>) -> Result<Vec<ArrayRef>> {
        let parser = self.converter.parser();
        self.converter
            .convert_rows(rows.map(|bytes| parser.parse(bytes)))
            .map_err(|e| Error::corrupt(format!("state bytes do not decode: {e}")).with_source(e))
    }
}

/// The stable hash of a key's bytes: xxh3-64 with seed 0.
pub fn stable_hash(key: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(key)
}

/// The key group of a stable hash.
pub fn key_group(hash: u64, groups: u16) -> u16 {
    (hash % u64::from(groups)) as u16
}

/// The task, of `tasks`, that owns a key group. Every task owns one contiguous range.
pub fn task_of_group(group: u16, tasks: usize, groups: u16) -> usize {
    usize::from(group) * tasks / usize::from(groups)
}

/// The key groups that a task owns: the inverse of [`task_of_group`].
pub fn groups_of_task(task: usize, tasks: usize, groups: u16) -> Range<u16> {
    let edge = |t: usize| (t * usize::from(groups)).div_ceil(tasks) as u16;
    edge(task)..edge(task + 1)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use arrow::array::{Float64Array, Int64Array, ListArray, StringArray, StructArray};
    use arrow::datatypes::{Field, Float64Type};

    #[test]
    fn key_bytes_and_hash_are_frozen() {
        let encoder = KeyEncoder::try_new(&[DataType::Utf8, DataType::Int64]).unwrap();
        let columns: Vec<ArrayRef> =
            vec![Arc::new(StringArray::from(vec![Some("user-7"), None])), Arc::new(Int64Array::from(vec![42, -1]))];
        let rows = encoder.encode(&columns).unwrap();
        let hex = |b: &[u8]| b.iter().map(|x| format!("{x:02x}")).collect::<String>();
        // Golden bytes: a release that changes them would lose the state of every running query.
        let golden: Vec<(String, u64)> = rows.iter().map(|r| (hex(r.as_ref()), stable_hash(r.as_ref()))).collect();
        let frozen = [
            ("02757365722d3700000601800000000000002a".to_owned(), 16_771_480_142_696_009_691),
            ("00017fffffffffffffff".to_owned(), 6_092_902_714_684_840_002),
        ];
        assert_eq!(golden, frozen);
    }

    #[test]
    fn equal_floats_are_one_key() {
        let encoder = KeyEncoder::try_new(&[DataType::Float64]).unwrap();
        let other_nan = f64::from_bits(f64::NAN.to_bits() ^ 1);
        let rows = encoder.encode(&[Arc::new(Float64Array::from(vec![0.0, -0.0, f64::NAN, other_nan, -f64::NAN]))]).unwrap();
        assert_eq!(rows.row(0), rows.row(1));
        assert_eq!(rows.row(2), rows.row(3));
        assert_eq!(rows.row(2), rows.row(4));
    }

    /// Lists, and structs of lists, that hold each of these alone.
    fn nested(values: [f64; 4]) -> [ArrayRef; 2] {
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(values.map(|v| Some([Some(v)]))));
        let fields = vec![Field::new("items", lists.data_type().clone(), true)];
        let structs: ArrayRef = Arc::new(StructArray::new(fields.into(), vec![Arc::clone(&lists)], None));
        [lists, structs]
    }

    #[test]
    fn equal_floats_inside_structs_and_arrays_are_one_key() {
        for column in nested([0.0, -0.0, f64::NAN, -f64::NAN]) {
            let encoder = KeyEncoder::try_new(&[column.data_type().clone()]).unwrap();
            let keys = encoder.encode(&[Arc::clone(&column)]).unwrap();
            assert_eq!(keys.row(0), keys.row(1), "{}", column.data_type());
            assert_eq!(keys.row(2), keys.row(3), "{}", column.data_type());
            assert_ne!(keys.row(0), keys.row(2), "{}", column.data_type());
        }
    }

    #[test]
    fn stored_values_stay_as_they_are() {
        let doubles: ArrayRef = Arc::new(Float64Array::from(vec![-0.0, -f64::NAN]));
        for column in nested([0.0, -0.0, f64::NAN, -f64::NAN]).into_iter().chain([doubles]) {
            let encoder = KeyEncoder::try_new(&[column.data_type().clone()]).unwrap();
            let stored = encoder.encode_values(&[Arc::clone(&column)]).unwrap();
            // Arrays are compared by the bits of their floats.
            assert_eq!(encoder.decode(stored.iter().map(|row| row.data())).unwrap(), [column]);
        }
    }

    #[test]
    fn every_group_has_one_owner() {
        for tasks in [1, 2, 3, 7, 64, 4096] {
            for task in 0..tasks {
                for group in groups_of_task(task, tasks, DEFAULT_KEY_GROUPS) {
                    assert_eq!(task_of_group(group, tasks, DEFAULT_KEY_GROUPS), task);
                }
            }
            let total: usize = (0..tasks).map(|t| groups_of_task(t, tasks, DEFAULT_KEY_GROUPS).len()).sum();
            assert_eq!(total, 4096);
        }
    }
}
