//! The execution node of [`MapBatches`](tidemill_planner::logical::MapBatches): each task hands its batches to the user's function on a
//! thread of its own, since the function decides when it takes the next one.
//!
//! ```text
//!            one batch ahead              one batch ahead
//! input ──────► channel ──► function (thread) ──► channel ──► output
//! ```

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::pool::CurrentQuery;
use arrow::array::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PhysicalExpr, PlanProperties,
};
use futures::{Stream, StreamExt};
use tidemill_planner::logical::{BatchesFunction, RowsAtOnce};
use tidemill_planner::{Error, ErrorKind, Result};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// A function over its input's batches.
#[derive(Debug)]
pub(crate) struct MapBatchesExec {
    function: Arc<dyn BatchesFunction>,
    rows_at_once: RowsAtOnce,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl MapBatchesExec {
    pub(super) fn new(function: Arc<dyn BatchesFunction>, rows_at_once: RowsAtOnce, input: Arc<dyn ExecutionPlan>) -> Self {
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(function.output_schema())),
            Partitioning::UnknownPartitioning(input.output_partitioning().partition_count()),
            input.pipeline_behavior(),
            input.boundedness(),
        ));
        Self { function, rows_at_once, input, properties }
    }

    /// How many rows a batch of the function's is best given.
    pub(crate) fn rows_at_once(&self) -> RowsAtOnce {
        self.rows_at_once
    }
}

impl DisplayAs for MapBatchesExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MapBatchesExec: {}", self.function.name())
    }
}

impl ExecutionPlan for MapBatchesExec {
    fn name(&self) -> &str {
        "MapBatchesExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(&self, _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self::new(Arc::clone(&self.function), self.rows_at_once, input))),
            _ => datafusion::common::internal_err!("map_batches has one input"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let (to_function, taken) = channel(1);
        let (given, from_function) = channel(1);
        let function = Arc::clone(&self.function);
        let query = CurrentQuery::get();
        std::thread::Builder::new()
            .name("tidemill-map-batches".to_owned())
            .spawn(move || match query {
                Some(query) => query.run(|| run(&*function, taken, &given)),
                None => run(&*function, taken, &given),
            })
            .map_err(|e| Error::new(ErrorKind::Resources, format!("no thread for a function over batches: {e}")))?;
        let rows = Ends { input, rows_at_once: self.rows_at_once, left: VecDeque::new(), to_function: Some(to_function), from_function };
        let rows = rows.into_rows();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

/// The function's whole life.
fn run(function: &dyn BatchesFunction, mut taken: Receiver<DfResult<RecordBatch>>, given: &Sender<DfResult<RecordBatch>>) {
    let schema = function.output_schema();
    let input = Box::new(std::iter::from_fn(move || Some(taken.blocking_recv()?.map_err(Error::from))));
    let mut output = |batch: RecordBatch| -> Result<()> {
        if batch.schema().fields().iter().map(|f| f.data_type()).ne(schema.fields().iter().map(|f| f.data_type())) {
            let (gave, promised) = (batch.schema(), schema);
            return Err(Error::data(format!(
                "`{}` gave rows of other columns than it promised: {gave}, and not {promised}",
                function.name()
            )));
        }
        let batch = RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec())
            .map_err(|e| Error::data(format!("`{}` gave rows that do not fit its columns: {e}", function.name())))?;
        given.blocking_send(Ok(batch)).map_err(|_| Error::new(ErrorKind::Cancelled, "nobody reads on"))
    };
    let ended = catch_unwind(AssertUnwindSafe(|| function.call(input, &mut output)))
        .unwrap_or_else(|panic| Err(Error::internal(format!("`{}` panicked: {}", function.name(), said(&*panic)))));
    if let Err(error) = ended {
        // When nobody reads on, nobody hears of it either.
        drop(given.blocking_send(Err(error.into())));
    }
}

fn said(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// What the task holds of the two channels.
struct Ends {
    input: SendableRecordBatchStream,
    rows_at_once: RowsAtOnce,
    /// Parts of a batch that was too large for one call.
    left: VecDeque<RecordBatch>,
    /// None when there is no more input, or the function wants none.
    to_function: Option<Sender<DfResult<RecordBatch>>>,
    from_function: Receiver<DfResult<RecordBatch>>,
}

impl Ends {
    /// The function's next batch.
    async fn next(&mut self) -> Option<DfResult<RecordBatch>> {
        if let Some(part) = self.left.pop_front() {
            return Some(Ok(part));
        }
        let batch = match self.input.next().await? {
            Ok(batch) if batch.num_rows() > 0 => batch,
            other => return Some(other),
        };
        self.left.extend(self.rows_at_once.parts(batch.num_rows()).map(|(from, rows)| batch.slice(from, rows)));
        self.left.pop_front().map(Ok)
    }

    fn into_rows(self) -> impl Stream<Item = Result<RecordBatch, DataFusionError>> + Send {
        futures::stream::unfold(self, |mut ends| async move {
            loop {
                let Some(to_function) = ends.to_function.clone() else {
                    return ends.from_function.recv().await.map(|batch| (batch, ends));
                };
                tokio::select! {
                    biased;
                    given = ends.from_function.recv() => return given.map(|batch| (batch, ends)),
                    room = to_function.reserve() => match room {
                        Err(_) => ends.to_function = None,
                        Ok(room) => match ends.next().await {
                            Some(batch) => room.send(batch),
                            None => ends.to_function = None,
                        },
                    },
                }
            }
        })
    }
}
