//! The rows that a MERGE writes: a file's rows with some replaced, and source rows to insert. Pure computation.

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{concat, interleave, take_record_batch};
use tidemill_planner::Result;

/// One target row and the source row that matches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pair {
    pub(crate) target: u32,
    pub(crate) source: u32,
}

/// `target` with the rows of `pairs` (rising, by target row) replaced by source rows; the others keep their place.
pub(crate) fn replace(target: &RecordBatch, source: &RecordBatch, pairs: &[Pair]) -> Result<RecordBatch> {
    let few = pairs.len() * 16 < target.num_rows();
    let columns = target
        .columns()
        .iter()
        .zip(source.columns())
        .map(|(target, source)| if few { splice(target, source, pairs) } else { weave(target, source, pairs) })
        .collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(target.schema(), columns)?)
}

/// Few replacements: runs of the target are copied whole.
fn splice(target: &ArrayRef, source: &ArrayRef, pairs: &[Pair]) -> Result<ArrayRef> {
    let mut runs: Vec<ArrayRef> = Vec::with_capacity(2 * pairs.len() + 1);
    let mut at = 0;
    for pair in pairs {
        let row = pair.target as usize;
        if row > at {
            runs.push(target.slice(at, row - at));
        }
        runs.push(source.slice(pair.source as usize, 1));
        at = row + 1;
    }
    if at < target.len() {
        runs.push(target.slice(at, target.len() - at));
    }
    let runs: Vec<&dyn Array> = runs.iter().map(|run| run.as_ref()).collect();
    Ok(concat(&runs)?)
}

/// Many replacements: row by row.
fn weave(target: &ArrayRef, source: &ArrayRef, pairs: &[Pair]) -> Result<ArrayRef> {
    let mut from: Vec<(usize, usize)> = (0..target.len()).map(|row| (0, row)).collect();
    for pair in pairs {
        from[pair.target as usize] = (1, pair.source as usize);
    }
    Ok(interleave(&[target.as_ref(), source.as_ref()], &from)?)
}

/// These rows of a batch.
pub(crate) fn pick(batch: &RecordBatch, rows: impl IntoIterator<Item = u32>) -> Result<RecordBatch> {
    Ok(take_record_batch(batch, &UInt32Array::from_iter_values(rows))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};

    #[test]
    fn both_ways_of_replacing_agree() {
        let schema = Arc::new(Schema::new(vec![Field::new("s", DataType::Utf8, true), Field::new("n", DataType::Int64, true)]));
        let rows = |prefix: &str, count: i64| {
            let s = StringArray::from_iter((0..count).map(|i| (i % 3 != 0).then(|| format!("{prefix}{i}"))));
            RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(s), Arc::new(Int64Array::from_iter_values(0..count))]).unwrap()
        };
        let (target, source) = (rows("t", 50), rows("s", 5));
        for targets in [vec![], vec![0], vec![49], vec![0, 1, 2], vec![3, 17, 49], (0..50).collect()] {
            let pairs: Vec<Pair> = targets.iter().map(|t| Pair { target: *t, source: t % 5 }).collect();
            for (t, s) in target.columns().iter().zip(source.columns()) {
                assert_eq!(&splice(t, s, &pairs).unwrap(), &weave(t, s, &pairs).unwrap(), "{targets:?}");
            }
            assert_eq!(replace(&target, &source, &pairs).unwrap().num_rows(), 50);
        }
    }
}
