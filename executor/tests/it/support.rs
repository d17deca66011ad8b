//! Tables, a node that counts, fails and leaves side rows on demand, and rows as sorted text.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::MemTable;
use datafusion::common::Result as DfResult;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::ReplaceChildrenOptions;
use datafusion::physical_plan::{ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use datafusion::prelude::{SessionConfig, SessionContext};
use tidemill_planner::stage::AdaptiveSettings;

/// Sorted text of every row: what two runs are compared by.
pub(crate) fn rows(batches: &[RecordBatch]) -> Vec<String> {
    let mut rows = rows_in_order(batches);
    rows.sort();
    rows
}

/// Text of every row, in the order in which they came.
pub(crate) fn rows_in_order(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::default().with_null("NULL");
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<_> = batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            rows.push(columns.iter().map(|c| c.value(row).to_string()).collect::<Vec<_>>().join(" | "));
        }
    }
    rows
}

/// A small generator of its own, so that every run sees the same rows.
pub(crate) fn numbers(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    }
}

pub(crate) fn batch(seed: u64, rows: usize, keys: u64) -> RecordBatch {
    let mut next = numbers(seed);
    let mut k = Vec::new();
    let mut v = Vec::new();
    let mut s = Vec::new();
    let mut f = Vec::new();
    for _ in 0..rows {
        k.push((next(11) != 0).then(|| next(keys) as i64));
        v.push(next(1000) as i64);
        s.push((next(9) != 0).then(|| format!("s{}", next(7))));
        f.push(next(100) as f64 / 8.0);
    }
    let schema = table_schema();
    let columns: Vec<arrow::array::ArrayRef> =
        vec![Arc::new(Int64Array::from(k)), Arc::new(Int64Array::from(v)), Arc::new(StringArray::from(s)), Arc::new(Float64Array::from(f))];
    RecordBatch::try_new(schema, columns).unwrap()
}

pub(crate) fn table_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("k", DataType::Int64, true),
        Field::new("v", DataType::Int64, false),
        Field::new("s", DataType::Utf8, true),
        Field::new("f", DataType::Float64, false),
    ]))
}

/// A session over the tables `a` (3 partitions), `b` (2), `one` (a single partition) and `none` (no rows).
pub(crate) fn session(config: SessionConfig) -> SessionContext {
    let context = SessionContext::new_with_config(config);
    let tables: [(&str, Vec<Vec<RecordBatch>>); 4] = [
        ("a", vec![vec![batch(1, 40, 20), batch(2, 10, 20)], vec![batch(3, 30, 20)], vec![]]),
        ("b", vec![vec![batch(4, 25, 30)], vec![batch(5, 5, 30), batch(6, 20, 30)]]),
        ("one", vec![vec![batch(7, 12, 20)]]),
        ("none", vec![vec![], vec![]]),
    ];
    for (name, partitions) in tables {
        context.register_table(name, Arc::new(MemTable::try_new(table_schema(), partitions).unwrap())).unwrap();
    }
    context
}

type OnBatch = dyn Fn(&TaskContext, usize, RecordBatch) -> DfResult<RecordBatch> + Send + Sync;

/// Passes its input through, counts its executions, and does what the test says with every batch.
pub(crate) struct Tap {
    pub(crate) id: Option<String>,
    pub(crate) input: Arc<dyn ExecutionPlan>,
    pub(crate) executions: Arc<AtomicUsize>,
    /// When set, the rows never come, and whoever waits for them holds this.
    pub(crate) hangs: Option<Arc<()>>,
    pub(crate) on_execute: Arc<dyn Fn(usize) -> DfResult<()> + Send + Sync>,
    pub(crate) on_batch: Arc<OnBatch>,
}

impl Tap {
    pub(crate) fn over(input: Arc<dyn ExecutionPlan>) -> Self {
        Self {
            id: None,
            input,
            executions: Arc::default(),
            hangs: None,
            on_execute: Arc::new(|_| Ok(())),
            on_batch: Arc::new(|_, _, b| Ok(b)),
        }
    }
}

/// The identity that `split` is asked for: a tap's.
pub(crate) fn identity(plan: &Arc<dyn ExecutionPlan>) -> Option<String> {
    plan.downcast_ref::<Tap>().and_then(|tap| tap.id.clone())
}

impl Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap").field("id", &self.id).finish_non_exhaustive()
    }
}

impl DisplayAs for Tap {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tap")
    }
}

impl ExecutionPlan for Tap {
    fn name(&self) -> &'static str {
        "Tap"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(&self, _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self {
            id: self.id.clone(),
            input: children.swap_remove(0),
            executions: Arc::clone(&self.executions),
            hangs: self.hangs.clone(),
            on_execute: Arc::clone(&self.on_execute),
            on_batch: Arc::clone(&self.on_batch),
        }))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        self.executions.fetch_add(1, Ordering::SeqCst);
        (self.on_execute)(partition)?;
        let input = self.input.execute(partition, Arc::clone(&context))?;
        let on_batch = Arc::clone(&self.on_batch);
        let schema = input.schema();
        if let Some(held) = self.hangs.clone() {
            let never = futures::stream::poll_fn(move |_| {
                let _held = &held;
                std::task::Poll::Pending
            });
            return Ok(Box::pin(datafusion::physical_plan::stream::RecordBatchStreamAdapter::new(schema, never)));
        }
        let rows = futures::StreamExt::map(input, move |batch| on_batch(&context, partition, batch?));
        Ok(Box::pin(datafusion::physical_plan::stream::RecordBatchStreamAdapter::new(schema, rows)))
    }
}

/// A run that changes while it goes, whatever is known.
pub(crate) fn adaptive() -> AdaptiveSettings {
    AdaptiveSettings::usual(2)
}
