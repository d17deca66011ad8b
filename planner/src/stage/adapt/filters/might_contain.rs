//! The predicate that a row's key may be among those of another stage. Where nearly all rows pass, it lets them all pass for a while.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use datafusion::common::{Result as DfResult, ScalarValue};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;

use super::Keys;
use crate::Error;
use crate::stage::StageId;

/// After so many rows it is seen how many passed.
const ROWS_SEEN: u64 = 1 << 16;
/// Rows pass untested for so many times as long, where the test has shown nothing for it.
const TIMES_UNTESTED: u64 = 16;
/// The test is worth its while if it keeps one row of so many back.
const ONE_OF: u64 = 10;

/// `might_contain(keys of a stage, key)`.
#[derive(Debug, Clone)]
pub(super) struct MightContain {
    key: Arc<dyn PhysicalExpr>,
    /// Whose keys they are: a column of a stage's rows.
    source: (StageId, usize),
    keys: Arc<Keys>,
    seen: Arc<Seen>,
}

/// How many rows have been tested of late.
#[derive(Debug, Default)]
struct Seen {
    tested: AtomicU64,
    passed: AtomicU64,
    untested: AtomicU64,
}

impl Seen {
    /// Whether these rows pass untested.
    fn skips(&self, rows: u64) -> bool {
        let less = |left: u64| (left > 0).then(|| left.saturating_sub(rows));
        self.untested.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    fn note(&self, rows: u64, passed: u64) {
        let tested = self.tested.fetch_add(rows, Ordering::Relaxed) + rows;
        let passed = self.passed.fetch_add(passed, Ordering::Relaxed) + passed;
        if tested >= ROWS_SEEN {
            self.tested.store(0, Ordering::Relaxed);
            self.passed.store(0, Ordering::Relaxed);
            if tested.saturating_sub(passed) < tested / ONE_OF {
                self.untested.store(ROWS_SEEN * TIMES_UNTESTED, Ordering::Relaxed);
            }
        }
    }
}

impl MightContain {
    pub(super) fn new(key: Arc<dyn PhysicalExpr>, source: (StageId, usize), keys: Arc<Keys>) -> Self {
        Self { key, source, keys, seen: Arc::default() }
    }

    pub(super) fn key(&self) -> &Arc<dyn PhysicalExpr> {
        &self.key
    }

    pub(super) fn source(&self) -> (StageId, usize) {
        self.source
    }

    pub(super) fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }
}

impl fmt::Display for MightContain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stage, column) = self.source;
        write!(f, "might_contain(keys of stage {stage} column {column}, {})", self.key)
    }
}

impl PartialEq for MightContain {
    fn eq(&self, other: &Self) -> bool {
        self.key.eq(&other.key) && self.source == other.source && Arc::ptr_eq(&self.keys, &other.keys)
    }
}

impl Eq for MightContain {}

impl Hash for MightContain {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
        self.source.hash(state);
    }
}

impl PhysicalExpr for MightContain {
    fn data_type(&self, _: &Schema) -> DfResult<DataType> {
        Ok(DataType::Boolean)
    }

    fn nullable(&self, _: &Schema) -> DfResult<bool> {
        Ok(false)
    }

    fn evaluate(&self, batch: &RecordBatch) -> DfResult<ColumnarValue> {
        let rows = batch.num_rows() as u64;
        if self.seen.skips(rows) {
            return Ok(ColumnarValue::Scalar(ScalarValue::Boolean(Some(true))));
        }
        let key = self.key.evaluate(batch)?.into_array(batch.num_rows())?;
        let held = self.keys.may_hold(&key)?;
        self.seen.note(rows, held.true_count() as u64);
        Ok(ColumnarValue::Array(Arc::new(held)))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.key]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn PhysicalExpr>>) -> DfResult<Arc<dyn PhysicalExpr>> {
        let (Some(key), true) = (children.pop(), children.is_empty()) else {
            return Err(Error::internal("a test of keys has one key").into());
        };
        Ok(Arc::new(Self { key, ..(*self).clone() }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::{ROWS_SEEN, Seen, TIMES_UNTESTED};

    #[test]
    fn a_test_that_shows_nothing_is_left_out_for_a_while() {
        let seen = Seen::default();
        seen.note(ROWS_SEEN - 1, ROWS_SEEN - 1);
        assert!(!seen.skips(1), "too few rows to say anything");
        seen.note(1, 1);
        assert!(seen.skips(ROWS_SEEN * TIMES_UNTESTED - 1) && seen.skips(5), "all have passed");
        assert!(!seen.skips(1), "but rows are looked at again");
        seen.note(ROWS_SEEN, ROWS_SEEN / 2);
        assert!(!seen.skips(1), "half of them do not pass");
    }
}
