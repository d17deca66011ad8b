//! The contract of `StreamSource` as a check that every source's tests call. Its rows have numbers in a column.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafusion::execution::TaskContext;
use futures::TryStreamExt;
use tidemill_planner::seam::{Offset, ReadLimit, Slice, StreamSource};
use tidemill_planner::{Result, SourceId};

/// How the suite handles a source that is empty at first.
pub(super) struct Fixture {
    /// Which column the ids are.
    pub(super) column: usize,
    /// The source as another process would open it.
    pub(super) fresh: Box<dyn Fn() -> Arc<dyn StreamSource>>,
    /// Lets rows with these ids arrive; each call's ids are greater than the ones before.
    pub(super) add: Box<dyn FnMut(Range<i64>)>,
}

/// The ids of a slice, partition by partition.
pub(super) async fn ids(slice: &dyn Slice, column: usize, partitions: usize) -> Result<Vec<i64>> {
    let mut ids = Vec::new();
    for partition in 0..partitions {
        let stream = slice.execute(partition, partitions, &SourceId::new("scan"), Arc::new(TaskContext::default()))?;
        let batches: Vec<_> = stream.try_collect().await?;
        batches.iter().for_each(|batch| ids.extend(batch.column(column).as_primitive::<Int64Type>().values()));
    }
    Ok(ids)
}

pub(super) async fn source_contract(mut fixture: Fixture) {
    let column = fixture.column;
    let source = (fixture.fresh)();
    source.restore(None, &[]).unwrap();
    let latest = |source: Arc<dyn StreamSource>, from: Option<Offset>| async move {
        source.latest(from.as_ref(), ReadLimit::SourceDefault).await.unwrap()
    };
    assert_eq!(latest(source.clone(), None).await, None, "nothing is new in an empty source");

    (fixture.add)(0..10);
    (fixture.add)(10..15);
    let a = latest(source.clone(), None).await.expect("rows have arrived");
    for partitions in [1, 2, 7] {
        for _ in 0..2 {
            let slice = source.slice(None, &a).unwrap();
            assert_eq!(ids(&*slice, column, partitions).await.unwrap(), (0..15).collect::<Vec<_>>(), "{partitions} partitions");
        }
    }
    let image_before = source.image().unwrap();
    source.recorded(&a).unwrap();
    let image_a = source.image().unwrap();
    assert_eq!(latest(source.clone(), Some(a.clone())).await, None, "nothing is new after the latest");

    (fixture.add)(15..20);
    let b = latest(source.clone(), Some(a.clone())).await.expect("more rows have arrived");
    assert_eq!(ids(&*source.slice(Some(&a), &b).unwrap(), column, 2).await.unwrap(), (15..20).collect::<Vec<_>>());
    source.recorded(&b).unwrap();
    source.recorded(&b).unwrap();

    // Another process, from whatever image and the offsets after it.
    for (image, offsets) in [(None, vec![a.clone(), b.clone()]), (image_before, vec![a.clone(), b.clone()]), (image_a, vec![b.clone()])] {
        let other = (fixture.fresh)();
        assert_eq!(other.id(), source.id());
        other.restore(image.as_deref(), &offsets).unwrap();
        assert_eq!(latest(other.clone(), Some(b.clone())).await, None, "what was recorded is not new");
        let text = serde_json::to_string(&a).unwrap();
        let a: Offset = serde_json::from_str(&text).unwrap();
        assert_eq!(ids(&*other.slice(None, &a).unwrap(), column, 3).await.unwrap(), (0..15).collect::<Vec<_>>());
        assert_eq!(ids(&*other.slice(Some(&a), &b).unwrap(), column, 1).await.unwrap(), (15..20).collect::<Vec<_>>());
    }

    (fixture.add)(20..25);
    source.freeze().await.unwrap();
    (fixture.add)(25..30);
    let c = latest(source.clone(), Some(b.clone())).await.expect("rows had arrived before the freeze");
    assert_eq!(ids(&*source.slice(Some(&b), &c).unwrap(), column, 1).await.unwrap(), (20..25).collect::<Vec<_>>());
    source.recorded(&c).unwrap();
    assert_eq!(latest(source.clone(), Some(c.clone())).await, None, "a frozen source shows nothing later");
    let next_run = (fixture.fresh)();
    next_run.restore(None, &[a, b, c.clone()]).unwrap();
    let d = latest(next_run.clone(), Some(c.clone())).await.expect("the next run sees the rest");
    assert_eq!(ids(&*next_run.slice(Some(&c), &d).unwrap(), column, 1).await.unwrap(), (25..30).collect::<Vec<_>>());
    next_run.settled(&d).await.unwrap();
}
