//! Rows that are kept, as a table of the engine's: a partition of it is a partition of the query that made them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result as DfResult, Statistics};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, TryStreamExt, stream};
use tidemill_planner::{Error, Result};

use super::KeptRows;
use crate::shuffle::Block;

/// Kept rows to be read by plans.
#[derive(Debug)]
pub struct KeptTable(pub Arc<KeptRows>);

#[async_trait]
impl TableProvider for KeptTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.0.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(KeptScanExec::new(Arc::clone(&self.0), projection.cloned())?))
    }
}

/// Reads kept rows.
#[derive(Debug)]
struct KeptScanExec {
    rows: Arc<KeptRows>,
    projection: Option<Vec<usize>>,
    properties: Arc<PlanProperties>,
}

impl KeptScanExec {
    fn new(rows: Arc<KeptRows>, projection: Option<Vec<usize>>) -> DfResult<Self> {
        let schema = match &projection {
            Some(columns) => Arc::new(rows.schema.project(columns)?),
            None => Arc::clone(&rows.schema),
        };
        let partitioning = Partitioning::UnknownPartitioning(rows.rows.len().max(1));
        let properties =
            PlanProperties::new(EquivalenceProperties::new(schema), partitioning, EmissionType::Incremental, Boundedness::Bounded);
        Ok(Self { rows, projection, properties: Arc::new(properties) })
    }
}

impl DisplayAs for KeptScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeptScanExec: rows={}, partitions={}", self.rows.rows(), self.rows.rows.len())
    }
}

impl ExecutionPlan for KeptScanExec {
    fn name(&self) -> &'static str {
        "KeptScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(&self, _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>, _: ReplaceChildrenOptions) -> DfResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn statistics_from_inputs(&self, _: &[Arc<Statistics>], args: &StatisticsArgs) -> DfResult<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.schema());
        let rows = match args.partition() {
            None => self.rows.rows(),
            Some(partition) => self.rows.rows.get(partition).copied().unwrap_or(0),
        };
        statistics.num_rows = Precision::Exact(rows as usize);
        if args.partition().is_none() && self.projection.is_none() {
            statistics.total_byte_size = Precision::Inexact(self.rows.bytes as usize);
        }
        Ok(Arc::new(statistics))
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let (rows, projection) = (Arc::clone(&self.rows), self.projection.clone());
        let batches = stream::iter(self.rows.blocks(partition)).then(move |block| {
            let (rows, projection) = (Arc::clone(&rows), projection.clone());
            async move {
                let batches = batches_of(&rows, block).await?;
                let projected = batches.into_iter().map(move |batch| match &projection {
                    Some(columns) => Ok(batch.project(columns)?),
                    None => Ok(batch),
                });
                Ok::<_, datafusion::error::DataFusionError>(stream::iter(projected))
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches.try_flatten())))
    }
}

async fn batches_of(rows: &KeptRows, block: Block) -> Result<Vec<RecordBatch>> {
    let block = match block {
        Block::Memory(batch) => return Ok(vec![batch]),
        Block::Disk(block) => block,
    };
    let reading = block.clone();
    let read = tokio::task::spawn_blocking(move || reading.read())
        .await
        .map_err(|e| Error::internal("a spill read did not end").with_source(e))?;
    read.and_then(|bytes| block.decode(bytes)).map_err(|error| {
        // Not the blocks of a task of this run, which could be asked for again.
        rows.damaged.store(true, Ordering::Relaxed);
        Error::corrupt(format!("rows that were kept cannot be read any more, and are computed anew when they are next asked for: {error}"))
    })
}
