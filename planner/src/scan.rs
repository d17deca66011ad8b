//! The leaf that reads a source: a table whose rows are an epoch's slice (stream) or a fixed slice (batch). How rows are
//! read is the slice's business.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::provider_as_source;
use datafusion::error::Result as DfResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableType};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties};

use crate::seam::{Slice, StreamSource, TaskScope};
use crate::{Error, Result, SourceId};

/// Where a scan's slice comes from.
#[derive(Debug, Clone)]
pub enum ScanInput {
    /// The same rows in every run: a batch read.
    Fixed(Arc<dyn Slice>),
    /// The epoch's slice of a stream source.
    Stream(Arc<dyn StreamSource>),
}

/// A source as a table.
#[derive(Debug)]
pub struct ScanTable {
    id: SourceId,
    schema: SchemaRef,
    malformed: Option<SchemaRef>,
    input: ScanInput,
}

impl ScanTable {
    /// A stream source as a table.
    pub fn stream(source: Arc<dyn StreamSource>) -> Self {
        Self { id: source.id().clone(), schema: source.schema(), malformed: source.malformed_schema(), input: ScanInput::Stream(source) }
    }

    /// A fixed slice as a table.
    pub fn batch(id: SourceId, schema: SchemaRef, malformed: Option<SchemaRef>, slice: Arc<dyn Slice>) -> Self {
        Self { id, schema, malformed, input: ScanInput::Fixed(slice) }
    }

    /// The source's name, under which side rows are reported.
    pub fn id(&self) -> &SourceId {
        &self.id
    }

    /// The columns of malformed rows, when there can be any.
    pub fn malformed_schema(&self) -> Option<SchemaRef> {
        self.malformed.clone()
    }

    /// The stream source behind it, unless it is a batch read.
    pub fn stream_source(&self) -> Option<&Arc<dyn StreamSource>> {
        match &self.input {
            ScanInput::Stream(source) => Some(source),
            ScanInput::Fixed(_) => None,
        }
    }

    /// The files of a batch read.
    pub fn paths(&self) -> Vec<PathBuf> {
        match &self.input {
            ScanInput::Fixed(slice) => slice.paths(),
            ScanInput::Stream(_) => Vec::new(),
        }
    }

    /// A logical plan that scans the table.
    pub fn into_plan(self) -> Result<LogicalPlan> {
        let name = self.id.as_str().to_owned();
        Ok(LogicalPlanBuilder::scan(datafusion::common::TableReference::bare(name), provider_as_source(Arc::new(self)), None)?.build()?)
    }
}

/// The scan table at the root of a plan, looking through aliases.
pub fn scan_table_of(plan: &LogicalPlan) -> Option<&ScanTable> {
    match plan {
        LogicalPlan::SubqueryAlias(alias) => scan_table_of(&alias.input),
        LogicalPlan::TableScan(scan) => {
            let source: &dyn std::any::Any = scan.source.as_ref();
            let source = source.downcast_ref::<datafusion::datasource::DefaultTableSource>()?;
            let provider: &dyn std::any::Any = source.table_provider.as_ref();
            provider.downcast_ref::<ScanTable>()
        }
        _ => None,
    }
}

#[async_trait]
impl TableProvider for ScanTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let partitions = state.config().target_partitions();
        let scan: Arc<dyn ExecutionPlan> =
            Arc::new(ScanExec::new(self.id.clone(), Arc::clone(&self.schema), self.input.clone(), partitions));
        // The scan itself keeps every column, so that all consumers of a source share one scan.
        let Some(projection) = projection.filter(|p| !p.iter().copied().eq(0..self.schema.fields().len())) else { return Ok(scan) };
        let exprs: Vec<(Arc<dyn PhysicalExpr>, String)> = projection
            .iter()
            .map(|&i| {
                let name = self.schema.field(i).name();
                (Arc::new(PhysicalColumn::new(name, i)) as Arc<dyn PhysicalExpr>, name.clone())
            })
            .collect();
        Ok(Arc::new(ProjectionExec::try_new(exprs, scan)?))
    }
}

/// Reads a source's slice, one partition per task.
#[derive(Debug)]
pub struct ScanExec {
    id: SourceId,
    input: ScanInput,
    properties: Arc<PlanProperties>,
}

impl ScanExec {
    fn new(id: SourceId, schema: SchemaRef, input: ScanInput, partitions: usize) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { id, input, properties: Arc::new(properties) }
    }

    /// The source's name: scans of one source in one query are one scan.
    pub fn id(&self) -> &SourceId {
        &self.id
    }
}

impl DisplayAs for ScanExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.input {
            ScanInput::Fixed(_) => "batch",
            ScanInput::Stream(_) => "stream",
        };
        write!(f, "ScanExec: {} {kind}", self.id)
    }
}

impl ExecutionPlan for ScanExec {
    fn name(&self) -> &str {
        "ScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(&self, _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _children: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let slice = match &self.input {
            ScanInput::Fixed(slice) => Arc::clone(slice),
            ScanInput::Stream(_) => {
                let scope = TaskScope::of(&context);
                let epoch = scope.epoch.as_ref().ok_or_else(|| {
                    Error::analysis(format!(
                        "source `{}` is a stream: start a query with `write_stream`, or read it with `read()` instead",
                        self.id
                    ))
                })?;
                match epoch.slices.get(&self.id) {
                    Some(slice) => Arc::clone(slice),
                    // Nothing new in this source in this epoch.
                    None => return Ok(Box::pin(datafusion::physical_plan::EmptyRecordBatchStream::new(self.schema()))),
                }
            }
        };
        let partitions = self.properties.output_partitioning().partition_count();
        Ok(slice.execute(partition, partitions, &self.id, context)?)
    }
}
