//! An epoch's rows on their way to its sinks: to those that take them as they are made from the tasks, to the others when the run is over.
//! What is staged is a manifest of the record.
//!
//! ```text
//! task ─ rows ─► Sink::begin … push … finish ─► receipt of the accepted attempt ─┐
//!                                                                               ├─► SinkManifest
//! task ─ rows ─► held until the run is over ─► Sink::stage ─► receipt ───────────┘
//! ```

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use futures::future::try_join_all;
use tidemill_executor::run::{Receipt as TaskReceipt, RootOutput, RootRows, RowSink, TaskSink};
use tidemill_planner::logical::without_event_time;
use tidemill_planner::seam::{Capability, Intake, PartitionStage, Receipt, Sink, SinkRun, SinkTarget};
use tidemill_planner::stage::StageId;
use tidemill_planner::{Error, Result};

use super::QueryPlan;
use crate::record::SinkManifest;

/// What becomes of the rows of each root of an epoch's run; those that a sink is given when all are made take so many bytes at most
/// (0 for any number), unless it has to have them all.
pub(super) fn root_rows(plan: &QueryPlan, run: &SinkRun, epoch: u64, max_held_bytes: u64) -> Vec<RootRows> {
    let of_root = |(sink, root): (&Arc<dyn Sink>, &StageId)| match sink.intake() {
        Intake::AsMade => {
            let schema = without_event_time(&plan.graph.stage(*root).plan.schema());
            RootRows::Delivered(Arc::new(EpochSink { sink: Arc::clone(sink), run: run.clone(), epoch, schema }))
        }
        Intake::Held => RootRows::Held { max_bytes: max_held_bytes },
        Intake::HeldWhole => RootRows::Held { max_bytes: 0 },
    };
    plan.sinks.iter().zip(&plan.graph.roots).map(of_root).collect()
}

/// Stages what is not staged yet, all side by side, and gives what each sink has staged. A sink that writes at once gets the whole epoch
/// in one call.
pub(super) async fn stage(
    plan: &QueryPlan,
    run: &SinkRun,
    targets: &[SinkTarget],
    epoch: u64,
    roots: Vec<RootOutput>,
) -> Result<Vec<SinkManifest>> {
    let staged = plan.sinks.iter().zip(roots).zip(targets).map(|((sink, root), target)| async move {
        let direct = sink.capability() == Capability::Direct;
        let receipts = match sink.intake() {
            Intake::AsMade => receipts_of(root),
            Intake::Held | Intake::HeldWhole => {
                let parts = parts_of(root, direct)?;
                try_join_all(parts.into_iter().map(|(partition, rows)| sink.stage(run, epoch, partition, rows))).await
            }
        };
        let receipts = receipts.map_err(|e| of_sink(sink.as_ref(), e))?;
        Ok::<_, Error>(SinkManifest { sink: sink.id().to_owned(), staged: !direct, target: target.clone(), receipts })
    });
    try_join_all(staged).await
}

/// What the accepted attempts have left, by partition, those without rows left out.
fn receipts_of(root: RootOutput) -> Result<Vec<Receipt>> {
    let mut receipts = Vec::with_capacity(root.receipts.len());
    for (partition, left) in root.receipts.into_iter().enumerate() {
        // An epoch that lacked a partition's rows would be recorded for good.
        let left = left.ok_or_else(|| Error::internal(format!("partition {partition} has left no receipt")))?;
        let receipt =
            left.downcast::<Receipt>().map_err(|_| Error::internal(format!("partition {partition} has left no sink's receipt")))?;
        if receipt.rows > 0 {
            receipts.push(*receipt);
        }
    }
    Ok(receipts)
}

/// A root's rows as a sink takes them that is given them when all are made: by partition, empty ones left out, or all together.
fn parts_of(root: RootOutput, together: bool) -> Result<Vec<(usize, Vec<RecordBatch>)>> {
    let schema = without_event_time(&root.schema);
    let mut parts = Vec::with_capacity(root.partitions.len());
    for (partition, rows) in root.partitions.into_iter().enumerate() {
        let rows: Vec<RecordBatch> = rows
            .into_iter()
            .filter(|batch| batch.num_rows() > 0)
            .map(|batch| Ok(RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec())?))
            .collect::<Result<_>>()?;
        if !rows.is_empty() {
            parts.push((partition, rows));
        }
    }
    if !together {
        return Ok(parts);
    }
    let all: Vec<RecordBatch> = parts.into_iter().flat_map(|(_, rows)| rows).collect();
    Ok(vec![(0, if all.is_empty() { vec![RecordBatch::new_empty(schema)] } else { all })])
}

fn of_sink(sink: &dyn Sink, error: Error) -> Error {
    error.context(format!("sink `{}`", sink.id()))
}

/// Gives a root's rows to a sink while they are made.
#[derive(Debug)]
struct EpochSink {
    sink: Arc<dyn Sink>,
    run: SinkRun,
    epoch: u64,
    /// The columns that the sink was opened with.
    schema: SchemaRef,
}

impl RowSink for EpochSink {
    fn open(&self, partition: usize) -> Result<Box<dyn TaskSink>> {
        let stage = self.sink.begin(&self.run, self.epoch, partition).map_err(|e| of_sink(self.sink.as_ref(), e))?;
        Ok(Box::new(EpochTask { stage, sink: Arc::clone(&self.sink), schema: Arc::clone(&self.schema) }))
    }
}

struct EpochTask {
    stage: Box<dyn PartitionStage>,
    sink: Arc<dyn Sink>,
    schema: SchemaRef,
}

#[async_trait]
impl TaskSink for EpochTask {
    async fn push(&mut self, batch: RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), batch.columns().to_vec())?;
        self.stage.push(rows).await.map_err(|e| of_sink(self.sink.as_ref(), e))
    }

    async fn finish(self: Box<Self>) -> Result<TaskReceipt> {
        let Self { stage, sink, .. } = *self;
        let receipt = stage.finish().await.map_err(|e| of_sink(sink.as_ref(), e))?;
        Ok(Box::new(receipt))
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Schema;

    use super::*;

    fn receipt(rows: u64) -> Receipt {
        Receipt { meta: serde_json::json!({ "rows": rows }), inline: None, rows }
    }

    #[test]
    fn an_epoch_without_all_of_its_receipts_is_refused() {
        let left = |receipts: Vec<Option<TaskReceipt>>| RootOutput { schema: Arc::new(Schema::empty()), partitions: Vec::new(), receipts };
        let of = |rows: u64| -> Option<TaskReceipt> { Some(Box::new(receipt(rows))) };
        let another = || -> Option<TaskReceipt> { Some(Box::new(())) };
        let cases: [(&str, RootOutput, Option<Vec<Receipt>>); 5] = [
            ("no partition", left(Vec::new()), Some(Vec::new())),
            ("partitions without rows are left out", left(vec![of(2), of(0), of(3)]), Some(vec![receipt(2), receipt(3)])),
            ("no rows at all", left(vec![of(0), of(0)]), Some(Vec::new())),
            ("a partition that has left nothing", left(vec![of(2), None]), None),
            ("what is no receipt of a sink", left(vec![of(2), another()]), None),
        ];
        for (what, root, expected) in cases {
            assert_eq!(receipts_of(root).ok(), expected, "{what}");
        }
    }
}
