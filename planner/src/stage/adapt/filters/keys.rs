//! The keys in a column of a stage's rows: the least, the greatest, and a filter over their hashes. A task notes its own while it writes
//! them; those of all tasks are put together when the stage is done.

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::common::hash_utils::create_hashes;
use datafusion::functions_aggregate::min_max::{MaxAccumulator, MinAccumulator};
use datafusion::logical_expr::Accumulator;
use datafusion::physical_plan::repartition::REPARTITION_RANDOM_STATE;

use super::bloom::{Bloom, KEY_BITS};
use crate::Result;

/// So many bytes the filters of a stage's tasks may have together.
const MOST_BYTES: u64 = 64 << 20;

/// Whether two values of this type are equal exactly when their bytes are, so that equal keys have equal hashes. Floats are not: −0.0 is
/// 0.0, and all NaNs are one.
pub(super) fn has_keys(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(
            data_type,
            DataType::Date32
                | DataType::Date64
                | DataType::Timestamp(..)
                | DataType::Decimal128(..)
                | DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Utf8View
                | DataType::Binary
                | DataType::LargeBinary
                | DataType::BinaryView
        )
}

/// What a task notes of a column while it writes its rows.
#[derive(Debug)]
pub struct KeyNotes {
    data_type: DataType,
    least: MinAccumulator,
    greatest: MaxAccumulator,
    hashes: Vec<u64>,
    /// Hashes of one batch.
    batch: Vec<u64>,
    most_keys: usize,
    most_bits: u64,
    tasks: u64,
    given_up: bool,
}

/// What a task has noted of a column.
#[derive(Debug)]
pub struct TaskKeys {
    least: ScalarValue,
    greatest: ScalarValue,
    bloom: Bloom,
    keys: u64,
}

impl KeyNotes {
    /// Nothing yet, of a column of this type; all `tasks` of the stage together make a filter of at most so many bits.
    ///
    /// # Errors
    /// What DataFusion says of a type that has no order.
    pub fn new(data_type: &DataType, tasks: usize, most_bits: u64) -> Result<Self> {
        let tasks = tasks.max(1) as u64;
        Ok(Self {
            data_type: data_type.clone(),
            least: MinAccumulator::try_new(data_type)?,
            greatest: MaxAccumulator::try_new(data_type)?,
            hashes: Vec::new(),
            batch: Vec::new(),
            most_keys: usize::try_from(most_bits / KEY_BITS / tasks).unwrap_or(usize::MAX).max(1),
            most_bits,
            tasks,
            given_up: false,
        })
    }

    /// Notes the keys of more rows. Nulls are none: nothing equals them.
    ///
    /// # Errors
    /// What DataFusion says of values that it cannot hash.
    pub fn add(&mut self, column: &ArrayRef) -> Result<()> {
        // Values that are kept otherwise than was said have other hashes.
        if *column.data_type() != self.data_type {
            self.give_up();
        }
        if self.given_up {
            return Ok(());
        }
        self.least.update_batch(std::slice::from_ref(column))?;
        self.greatest.update_batch(std::slice::from_ref(column))?;
        hash_into(column, &mut self.batch)?;
        for (row, hash) in self.batch.iter().enumerate() {
            // Neighbours are often alike.
            if column.is_valid(row) && self.hashes.last() != Some(hash) {
                self.hashes.push(*hash);
            }
        }
        if self.hashes.len() > self.most_keys {
            self.give_up();
        }
        Ok(())
    }

    /// How many bytes the notes take.
    pub fn bytes(&self) -> u64 {
        (self.hashes.capacity() * size_of::<u64>()) as u64
    }

    /// Nothing is noted any more: there is no place for it.
    pub fn give_up(&mut self) {
        self.given_up = true;
        self.hashes = Vec::new();
    }

    /// What was noted; `None` where it was too much.
    ///
    /// # Errors
    /// None, in fact: DataFusion's values may have some.
    pub fn finish(mut self) -> Result<Option<TaskKeys>> {
        if self.given_up {
            return Ok(None);
        }
        let keys = self.hashes.len() as u64;
        // Each task's filter is as large as the one that they make together, and stays until the stage is done.
        if keys.saturating_mul(self.tasks).saturating_mul(self.tasks).saturating_mul(KEY_BITS) / 8 > MOST_BYTES {
            return Ok(None);
        }
        // Tasks mostly have about as many as their fellows, and filters of one size are put together best.
        let mut bloom = Bloom::for_keys(keys.saturating_mul(self.tasks), self.most_bits);
        self.hashes.iter().for_each(|hash| bloom.insert(*hash));
        Ok(Some(TaskKeys { least: self.least.evaluate()?, greatest: self.greatest.evaluate()?, bloom, keys }))
    }
}

/// The keys of a stage's column.
#[derive(Debug)]
pub struct Keys {
    least: ScalarValue,
    greatest: ScalarValue,
    bloom: Bloom,
    /// How many there are at most.
    keys: u64,
}

impl Keys {
    /// What all tasks of a stage have noted; `None` where one of them has not.
    pub fn of_tasks(tasks: impl IntoIterator<Item = Option<TaskKeys>>) -> Option<Self> {
        let mut all: Option<Self> = None;
        for task in tasks {
            let TaskKeys { least, greatest, bloom, keys } = task?;
            let task = Self { least, greatest, bloom, keys };
            all = Some(match all {
                None => task,
                Some(so_far) => so_far.and(task),
            });
        }
        all
    }

    fn and(self, other: Self) -> Self {
        let least = if self.least.is_null() || (!other.least.is_null() && other.least < self.least) { other.least } else { self.least };
        let greatest = if self.greatest.is_null() || (!other.greatest.is_null() && other.greatest > self.greatest) {
            other.greatest
        } else {
            self.greatest
        };
        Self { least, greatest, bloom: self.bloom.or(other.bloom), keys: self.keys.saturating_add(other.keys) }
    }

    /// How many keys there are at most.
    pub(super) fn count(&self) -> u64 {
        self.keys
    }

    /// The least and the greatest, if there are any.
    pub(super) fn bounds(&self) -> Option<(&ScalarValue, &ScalarValue)> {
        (!self.least.is_null() && !self.greatest.is_null()).then_some((&self.least, &self.greatest))
    }

    /// Which values may be among the keys. Null is not; those of another type all may, since their hashes are others.
    pub(super) fn may_hold(&self, column: &ArrayRef) -> Result<BooleanArray> {
        if *column.data_type() != self.least.data_type() {
            return Ok(BooleanArray::from(vec![true; column.len()]));
        }
        let mut hashes = Vec::new();
        hash_into(column, &mut hashes)?;
        let held = BooleanBuffer::collect_bool(hashes.len(), |row| self.bloom.may_hold(hashes[row]));
        let held = match column.nulls() {
            Some(nulls) => &held & nulls.inner(),
            None => held,
        };
        Ok(BooleanArray::new(held, None))
    }
}

/// A hash of each value, in place of what stands in `hashes`.
fn hash_into(column: &ArrayRef, hashes: &mut Vec<u64>) -> Result<()> {
    hashes.clear();
    hashes.resize(column.len(), 0);
    create_hashes([column], REPARTITION_RANDOM_STATE.random_state(), hashes)?;
    // The bits of a hash that is made for tables are not all as good; the filter uses all of them.
    hashes.iter_mut().for_each(|hash| *hash = spread(*hash));
    Ok(())
}

/// The finalizer of MurmurHash3.
fn spread(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Int64Array, StringArray, new_empty_array};
    use arrow::datatypes::{DataType, TimeUnit};
    use datafusion::common::ScalarValue;

    use super::{KeyNotes, Keys, has_keys};

    const BITS: u64 = 1 << 20;

    /// The keys of columns, each of which a task has written.
    fn keys(columns: &[ArrayRef]) -> Option<Keys> {
        let tasks = columns.iter().map(|column| {
            let mut notes = KeyNotes::new(column.data_type(), columns.len(), BITS).unwrap();
            notes.add(column).unwrap();
            notes.finish().unwrap()
        });
        Keys::of_tasks(tasks)
    }

    fn held(keys: &Keys, asked: &ArrayRef) -> Vec<bool> {
        keys.may_hold(asked).unwrap().values().iter().collect()
    }

    #[test]
    fn keys_of_every_type_are_held_and_nulls_are_not() {
        let decimal =
            |values: Vec<Option<i128>>| Arc::new(Decimal128Array::from(values).with_precision_and_scale(12, 2).unwrap()) as ArrayRef;
        let text = |values: Vec<Option<&str>>| Arc::new(StringArray::from(values)) as ArrayRef;
        let cases: [(ArrayRef, ArrayRef, ArrayRef); 4] = [
            (
                Arc::new(Int64Array::from(vec![Some(5), None, Some(-3), Some(5)])),
                Arc::new(Int64Array::from(vec![Some(90)])),
                Arc::new(Int64Array::from(vec![Some(-3), None, Some(90), Some(6), Some(5)])),
            ),
            (text(vec![Some("b"), None]), text(vec![Some(""), Some("ä")]), text(vec![Some("b"), None, Some(""), Some("c"), Some("ä")])),
            (decimal(vec![Some(100), None]), decimal(vec![Some(-1), Some(7)]), decimal(vec![Some(100), None, Some(7), Some(8), Some(-1)])),
            (
                Arc::new(Date32Array::from(vec![Some(1), None])),
                Arc::new(Date32Array::from(vec![Some(3), Some(9)])),
                Arc::new(Date32Array::from(vec![Some(1), None, Some(9), Some(2), Some(3)])),
            ),
        ];
        for (one, other, asked) in cases {
            let keys = keys(&[one, other]).unwrap();
            assert_eq!(held(&keys, &asked), [true, false, true, false, true], "{asked:?}");
            // A slice of the same values is the same values.
            assert_eq!(held(&keys, &asked.slice(1, 3)), [false, true, false], "{asked:?}");
        }
    }

    #[test]
    fn bounds_are_those_of_all_tasks() {
        let column = |values: Vec<Option<i64>>| Arc::new(Int64Array::from(values)) as ArrayRef;
        for (tasks, bounds) in [
            (vec![column(vec![Some(5), None, Some(7)]), column(vec![Some(6)])], Some((5_i64, 7_i64))),
            (vec![column(vec![None]), column(vec![Some(6), Some(-2)])], Some((-2, 6))),
            (vec![column(vec![Some(1)]), column(vec![])], Some((1, 1))),
            (vec![column(vec![None]), column(vec![])], None),
        ] {
            let keys = keys(&tasks).unwrap();
            let found = keys.bounds().map(|(least, greatest)| (least.clone(), greatest.clone()));
            assert_eq!(found, bounds.map(|(least, greatest)| (ScalarValue::from(least), ScalarValue::from(greatest))), "{tasks:?}");
        }
        assert_eq!(
            keys(&[column(vec![Some(5), Some(5), None, Some(6)])]).unwrap().count(),
            2,
            "nulls and some that are alike do not count"
        );
    }

    #[test]
    fn a_stage_with_a_task_that_has_too_many_has_no_keys() {
        let mut notes = KeyNotes::new(&DataType::Int64, 1, 80).unwrap();
        notes.add(&(Arc::new(Int64Array::from_iter_values(0..9)) as ArrayRef)).unwrap();
        assert!(notes.bytes() == 0 && notes.finish().unwrap().is_none());
        let empty = || KeyNotes::new(&DataType::Int64, 2, BITS).unwrap().finish().unwrap();
        assert!(Keys::of_tasks([empty(), None]).is_none());
        let none = Keys::of_tasks([empty(), empty()]).unwrap();
        assert_eq!(held(&none, &(Arc::new(Int64Array::from(vec![0, 1, 2])) as ArrayRef)), [false; 3]);
        assert!(Keys::of_tasks([]).is_none());
    }

    #[test]
    fn values_of_another_type_are_not_judged() {
        let numbers = || Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef;
        let keys = keys(&[numbers()]).unwrap();
        assert_eq!(held(&keys, &(Arc::new(Date32Array::from(vec![7, 8])) as ArrayRef)), [true, true]);
        let mut notes = KeyNotes::new(&DataType::Date32, 1, BITS).unwrap();
        notes.add(&numbers()).unwrap();
        assert!(notes.finish().unwrap().is_none());
    }

    #[test]
    fn only_types_whose_equal_values_have_equal_bytes_have_keys() {
        for (data_type, expected) in [
            (DataType::Int32, true),
            (DataType::Utf8, true),
            (DataType::Decimal128(38, 10), true),
            (DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
            (DataType::Float64, false),
            (DataType::Float32, false),
            (DataType::new_list(DataType::Float64, true), false),
            (DataType::Boolean, false),
            (DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)), false),
        ] {
            assert_eq!(has_keys(&data_type), expected, "{data_type}");
            if expected {
                let mut notes = KeyNotes::new(&data_type, 1, BITS).unwrap();
                notes.add(&new_empty_array(&data_type)).unwrap();
                assert!(notes.finish().unwrap().is_some(), "{data_type}");
            }
        }
    }
}
