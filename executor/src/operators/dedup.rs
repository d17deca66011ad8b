//! Keeps the first row of each key. Keys that hold the event time live in panes of ten seconds, dropped whole when the
//! watermark has passed them; a late row never reaches the lookup, so a pane that is only partly past costs memory, not
//! correctness. Within the watermark a key is due when the watermark passes its first row's time and the delay.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, BooleanBufferBuilder, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::PhysicalExpr;
use datafusion::physical_plan::expressions::Column;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::TryStreamExt;
use tidemill_planner::key::KeyEncoder;
use tidemill_planner::seam::OperatorMetrics;
use tidemill_planner::seam::state::{Entry, NO_PANE, Overlay, StateColumn, StateTypes};
use tidemill_planner::{OperatorId, Result};

use super::exec::{Operator, OperatorTask};
use super::keys::RowKeys;
use super::late;

/// The width of a pane; part of the state's format.
const PANE_US: i64 = 10_000_000;

/// The kernel of `drop_duplicates`.
#[derive(Debug)]
pub(super) struct DedupOperator {
    pub(super) id: OperatorId,
    pub(super) keys: Vec<usize>,
    /// The event-time column, if a watermark was defined upstream.
    pub(super) event_time: Option<usize>,
    /// How long after its first row's time a key is kept, if it is not for ever.
    pub(super) within_us: Option<i64>,
    pub(super) schema: SchemaRef,
    pub(super) late_schema: SchemaRef,
}

impl Operator for DedupOperator {
    fn name(&self) -> &'static str {
        "DedupExec"
    }

    fn id(&self) -> &OperatorId {
        &self.id
    }

    fn describe(&self) -> String {
        let keys: Vec<&str> = self.keys.iter().map(|&k| self.schema.field(k).name().as_str()).collect();
        format!("{} keys=[{}]", self.id, keys.join(", "))
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn keys(&self) -> Option<Vec<Arc<dyn PhysicalExpr>>> {
        let column = |&k: &usize| Arc::new(Column::new(self.schema.field(k).name(), k)) as Arc<dyn PhysicalExpr>;
        Some(self.keys.iter().map(column).collect())
    }

    fn state_types(&self) -> Result<StateTypes> {
        let column = |&k: &usize| StateColumn::new(self.schema.field(k).name(), [self.schema.field(k).data_type()]);
        Ok(StateTypes { key: self.keys.iter().map(column).collect(), value: Vec::new() })
    }

    fn run(self: Arc<Self>, input: SendableRecordBatchStream, task: OperatorTask) -> SendableRecordBatchStream {
        let schema = self.schema();
        let start = async move { Ok::<_, DataFusionError>((input, Run::new(self, task)?)) };
        let rows = futures::stream::once(start)
            .map_ok(|(input, run)| {
                futures::stream::try_unfold((input, Some(run)), |(mut input, run)| async move {
                    let Some(mut run) = run else { return Ok(None) };
                    match input.try_next().await? {
                        Some(batch) => {
                            let kept = run.take(&batch)?;
                            Ok(Some((kept, (input, Some(run)))))
                        }
                        None => {
                            run.finish();
                            Ok::<_, DataFusionError>(None)
                        }
                    }
                })
            })
            .try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }
}

struct Run {
    operator: Arc<DedupOperator>,
    task: OperatorTask,
    encoder: KeyEncoder,
    overlay: Overlay,
    metrics: OperatorMetrics,
    /// Whether keys fall into panes: the event time is one of them.
    paned: bool,
    buffer: Vec<u8>,
}

impl Run {
    fn new(operator: Arc<DedupOperator>, task: OperatorTask) -> Result<Self> {
        let types: Vec<_> = operator.keys.iter().map(|&k| operator.schema.field(k).data_type().clone()).collect();
        Ok(Self {
            encoder: KeyEncoder::try_new(&types)?,
            paned: operator.within_us.is_none() && operator.event_time.is_some_and(|t| operator.keys.contains(&t)),
            operator,
            task,
            overlay: Overlay::default(),
            metrics: OperatorMetrics::default(),
            buffer: Vec::new(),
        })
    }

    /// The rows of `batch` whose keys are new.
    fn take(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        self.metrics.rows_in += batch.num_rows() as u64;
        let on_time;
        let batch = match self.without_late(batch)? {
            Some(rows) => {
                on_time = rows;
                &on_time
            }
            None => batch,
        };
        let columns: Vec<_> = self.operator.keys.iter().map(|&k| Arc::clone(batch.column(k))).collect();
        let keys = RowKeys::encode(&self.encoder, &columns, self.task.key_groups)?;
        let within_us = self.operator.within_us;
        let timed = self.paned || within_us.is_some();
        let times = self.operator.event_time.filter(|_| timed).map(|t| batch.column(t).as_primitive::<TimestampMicrosecondType>());
        let mut keep = BooleanBufferBuilder::new(batch.num_rows());
        for i in 0..batch.num_rows() {
            let time = times.filter(|times| times.is_valid(i)).map(|times| times.value(i));
            let (pane, due_us) = match (time, within_us) {
                (Some(time), None) => (time.div_euclid(PANE_US), i64::MAX),
                // A row without a time is due at once.
                (time, Some(delay)) => (NO_PANE, time.map_or(i64::MIN, |time| time.saturating_add(delay))),
                (None, None) => (NO_PANE, i64::MAX),
            };
            keys.write(i, &mut self.buffer);
            let fresh = !self.overlay.changes.get(&pane).is_some_and(|keys| keys.contains_key(self.buffer.as_slice()))
                && !self.task.state.contains(pane, &self.buffer);
            if fresh {
                self.overlay.put(pane, &self.buffer, Entry { due_us, value: Box::default() });
            }
            keep.append(fresh);
        }
        let keep = with_one_dropped(BooleanArray::new(keep.finish(), None));
        let kept = filter_record_batch(batch, &keep)?;
        self.metrics.rows_updated += kept.num_rows() as u64;
        self.metrics.rows_dropped_as_duplicates += (batch.num_rows() - kept.num_rows()) as u64;
        Ok(RecordBatch::try_new(Arc::clone(&self.operator.schema), kept.columns().to_vec())?)
    }

    /// The rows that the watermark has not passed, or `None` when that is all of them. A row without a time is never late.
    fn without_late(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        let (Some(column), Some(watermarks)) = (self.operator.event_time, self.task.watermarks) else { return Ok(None) };
        let times = batch.column(column).as_primitive::<TimestampMicrosecondType>();
        let late: BooleanArray = times.iter().map(|t| Some(t.is_some_and(|t| t <= watermarks.late_us))).collect();
        let late = if watermarks.late_us == i64::MIN { late } else { with_one_too_many(late) };
        if late.true_count() == 0 {
            return Ok(None);
        }
        self.metrics.rows_dropped_by_watermark += late::set_aside(&self.task, &self.operator.id, &self.operator.late_schema, batch, &late)?;
        Ok(Some(filter_record_batch(batch, &arrow::compute::not(&late)?)?))
    }

    /// Forgets what the watermark has passed, and hands the changes in.
    fn finish(mut self) {
        if let (true, Some(watermarks)) = (self.paned, self.task.watermarks) {
            // Pane p holds the times below (p + 1) * PANE_US: all of them are past when its last microsecond is.
            let through = watermarks.eviction_us.saturating_add(1).div_euclid(PANE_US) - 1;
            let mut gone = self.task.state.panes_through(through);
            let own: Vec<i64> = self.overlay.changes.range(NO_PANE + 1..=through.max(NO_PANE + 1)).map(|(p, _)| *p).collect();
            gone.extend(own.into_iter().filter(|p| *p <= through));
            gone.sort_unstable();
            gone.dedup();
            for pane in gone {
                let mut stored = 0;
                self.task.state.for_each(pane, &mut |_, _| stored += 1);
                self.metrics.rows_removed += stored;
                self.overlay.drop_pane(pane);
            }
        }
        if let (Some(_), Some(watermarks)) = (self.operator.within_us, self.task.watermarks) {
            let mut gone = self.task.state.due(watermarks.eviction_us);
            let own = self.overlay.changes.get(&NO_PANE).into_iter().flatten();
            let past = |entry: &Option<Entry>| entry.as_ref().is_some_and(|entry| entry.due_us <= watermarks.eviction_us);
            gone.extend(own.filter(|(_, entry)| past(entry)).map(|(key, _)| key.clone()));
            self.metrics.rows_removed += gone.len() as u64;
            for key in gone {
                self.overlay.remove(NO_PANE, &key);
            }
        }
        let mut report = self.task.scope.report();
        report.metrics.entry(self.operator.id.clone()).or_default().add(&self.metrics);
        if self.task.watermarks.is_some() {
            report.overlays.insert(self.operator.id.clone(), self.overlay);
        }
    }
}

/// A place at which a fault test has a row vanish that is to be kept: `FAILPOINTS=executor::drop_one_row=1*return`. Nothing in other
/// builds.
fn with_one_dropped(keep: BooleanArray) -> BooleanArray {
    let Some(one) = keep.iter().position(|keep| keep == Some(true)) else { return keep };
    fail::fail_point!("executor::drop_one_row", |_| {
        keep.iter().enumerate().map(|(row, keep)| Some(row != one && keep == Some(true))).collect::<BooleanArray>()
    });
    // Without the feature the row is not looked at.
    let _ = one;
    keep
}

/// A place at which a fault test has a row called late that is on time: `FAILPOINTS=executor::call_one_on_time_row_late=1*return`.
/// Nothing in other builds.
fn with_one_too_many(late: BooleanArray) -> BooleanArray {
    let Some(on_time) = late.iter().position(|late| late == Some(false)) else { return late };
    fail::fail_point!("executor::call_one_on_time_row_late", |_| {
        late.iter().enumerate().map(|(row, late)| Some(row == on_time || late == Some(true))).collect::<BooleanArray>()
    });
    // Without the feature the row is not looked at.
    let _ = on_time;
    late
}
