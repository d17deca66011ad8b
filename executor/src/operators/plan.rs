//! From our logical nodes to their kernels. What the nodes mean is decided in the planner crate; this only binds
//! expressions to columns.

use std::sync::Arc;

use arrow::compute::SortOptions;
use arrow::datatypes::Schema;
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::DFSchema;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, LogicalPlan, SortExpr, UserDefinedLogicalNode};
use datafusion::physical_expr::aggregate::LoweredAggregateBuilder;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, PhysicalExpr};
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};
use tidemill_planner::logical::{
    Dealing, Dedup, Exchange, FlatMapGroups, MapBatches, RowStep, SidePort, SortWithin, Watermark, WindowAggregate, event_time_column,
    late_schema, watermark_delay_us,
};
use tidemill_planner::scan::ScanExec;
use tidemill_planner::seam::state::StateTypes;
use tidemill_planner::stage::{CoalesceExec, ExchangeBy, ExchangeExec, Origin, SidePortExec, StageGraph};
use tidemill_planner::{Error, OperatorId, Result};

use super::accumulate::Aggregate;
use super::dedup::DedupOperator;
use super::exec::{Operator, OperatorExec};
use super::groups::GroupsOperator;
use super::map_batches::MapBatchesExec;
use super::ranges::Ranges;
use super::row_step::RowStepExec;
use super::sort_within::SortWithinExec;
use super::watermark::WatermarkOperator;
use super::window::WindowOperator;

/// Plans [`Watermark`], [`Dedup`], [`WindowAggregate`], [`FlatMapGroups`], [`MapBatches`], [`SidePort`], [`RowStep`], [`Exchange`] and
/// [`SortWithin`].
#[derive(Debug, Clone, Copy, Default)]
pub struct StatefulPlanner;

/// The identity of physical nodes that are executed once however many consumers they have: operators, shared rows and scans.
pub fn identity(plan: &Arc<dyn ExecutionPlan>) -> Option<String> {
    let any: &dyn std::any::Any = plan.as_ref();
    if let Some(exec) = any.downcast_ref::<OperatorExec>() {
        return Some(exec.operator().id().as_str().to_owned());
    }
    if let Some(step) = any.downcast_ref::<RowStepExec>() {
        return step.pass().shared_as();
    }
    any.downcast_ref::<ScanExec>().map(|scan| format!("scan:{}", scan.id()))
}

/// An operator of a graph that keeps state.
#[derive(Debug, Clone)]
pub struct StatefulOperator {
    /// Its identity.
    pub id: OperatorId,
    /// Its kind, as a person would say it.
    pub name: String,
    /// How many tasks it has.
    pub tasks: usize,
    /// The types of what it keeps.
    pub types: StateTypes,
}

/// The operators of a graph that keep state, in order of first use.
///
/// # Errors
/// `Internal` when an aggregate does not say what its state is.
pub fn stateful_operators(graph: &StageGraph) -> Result<Vec<StatefulOperator>> {
    let mut found = Vec::new();
    for stage in &graph.stages {
        collect_stateful(&stage.plan, &mut found)?;
    }
    Ok(found)
}

fn collect_stateful(plan: &Arc<dyn ExecutionPlan>, found: &mut Vec<StatefulOperator>) -> Result<()> {
    for child in plan.children() {
        collect_stateful(child, found)?;
    }
    let any: &dyn std::any::Any = plan.as_ref();
    let Some(exec) = any.downcast_ref::<OperatorExec>() else { return Ok(()) };
    let operator = exec.operator();
    if operator.keys().is_some() && !found.iter().any(|known| known.id == *operator.id()) {
        found.push(StatefulOperator {
            id: operator.id().clone(),
            name: operator.name().trim_end_matches("Exec").to_owned(),
            tasks: plan.output_partitioning().partition_count(),
            types: operator.state_types()?,
        });
    }
    Ok(())
}

fn named(id: Option<&OperatorId>) -> DfResult<OperatorId> {
    id.cloned().ok_or_else(|| Error::internal("an operator reached physical planning without a name").into())
}

fn index_of(schema: &DFSchema, column: &datafusion::common::Column) -> DfResult<usize> {
    schema.index_of_column(column)
}

#[async_trait]
impl ExtensionPlanner for StatefulPlanner {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        planning_ctx: &PhysicalPlanningContext,
    ) -> DfResult<Option<Arc<dyn ExecutionPlan>>> {
        let ([logical], [physical]) = (logical_inputs, physical_inputs) else { return Ok(None) };
        let any = node.as_any();
        let operator: Arc<dyn Operator> = if let Some(n) = any.downcast_ref::<Watermark>() {
            Arc::new(WatermarkOperator {
                id: named(n.id.as_ref())?,
                column: index_of(logical.schema(), &n.column)?,
                delay_us: n.delay_us,
                schema: Arc::clone(node.schema().inner()),
            })
        } else if let Some(n) = any.downcast_ref::<Dedup>() {
            let event_time = event_time_column(logical.schema().as_arrow());
            let delay = event_time.filter(|_| n.within_watermark).and_then(|at| watermark_delay_us(logical.schema().as_arrow(), at));
            Arc::new(DedupOperator {
                id: named(n.id.as_ref())?,
                keys: n.keys.iter().map(|k| index_of(logical.schema(), k)).collect::<DfResult<_>>()?,
                event_time,
                within_us: delay,
                schema: Arc::clone(node.schema().inner()),
                late_schema: late_schema(logical.schema().as_arrow()),
            })
        } else if let Some(n) = any.downcast_ref::<WindowAggregate>() {
            Arc::new(window_operator(n, logical, physical, planner, session, planning_ctx)?)
        } else if let Some(n) = any.downcast_ref::<FlatMapGroups>() {
            Arc::new(GroupsOperator {
                id: named(n.id.as_ref())?,
                keys: n.keys.iter().map(|k| index_of(logical.schema(), k)).collect::<DfResult<_>>()?,
                function: Arc::clone(&n.function),
                input_schema: physical.schema(),
            })
        } else if let Some(n) = any.downcast_ref::<RowStep>() {
            return Ok(Some(Arc::new(RowStepExec::new(Arc::clone(&n.pass), Arc::clone(physical)))));
        } else if let Some(n) = any.downcast_ref::<Exchange>() {
            let bind = |expr: &Expr| planner.create_physical_expr(expr, logical.schema(), session, planning_ctx);
            return exchange(n, physical, session.config().target_partitions(), &bind).map(Some);
        } else if let Some(n) = any.downcast_ref::<SortWithin>() {
            let bind = |expr: &Expr| planner.create_physical_expr(expr, logical.schema(), session, planning_ctx);
            let input = Arc::clone(physical);
            let sorted: Arc<dyn ExecutionPlan> = match ordering(&n.keys, &bind)? {
                Some(ordering) => Arc::new(SortWithinExec::new(ordering, input)),
                None => input,
            };
            return Ok(Some(sorted));
        } else if let Some(n) = any.downcast_ref::<MapBatches>() {
            return Ok(Some(Arc::new(MapBatchesExec::new(Arc::clone(&n.function), n.rows_at_once, Arc::clone(physical)))));
        } else if let Some(n) = any.downcast_ref::<SidePort>() {
            let exec = SidePortExec::new(Arc::clone(physical), n.owner()?, n.port, Arc::clone(node.schema().inner()));
            return Ok(Some(Arc::new(exec)));
        } else {
            return Ok(None);
        };
        Ok(Some(Arc::new(OperatorExec::new(operator, Arc::clone(physical)))))
    }
}

/// A logical expression as one over the columns of the rows.
type Bind<'a> = &'a dyn Fn(&Expr) -> DfResult<Arc<dyn PhysicalExpr>>;

/// The rows in other partitions; where the program has given no number, in `tasks` of them.
fn exchange(node: &Exchange, rows: &Arc<dyn ExecutionPlan>, tasks: usize, bind: Bind<'_>) -> DfResult<Arc<dyn ExecutionPlan>> {
    let rows = Arc::clone(rows);
    let origin = if node.partitions.is_some() { Origin::ProgramInNumber } else { Origin::Program };
    let partitions = node.partitions.unwrap_or(tasks).max(1);
    let by = match &node.dealing {
        Dealing::Merged => return Ok(Arc::new(CoalesceExec::new(rows, partitions))),
        Dealing::InTurn => ExchangeBy::Turn,
        Dealing::ByKey(keys) => ExchangeBy::Key(keys.iter().map(bind).collect::<DfResult<_>>()?),
        Dealing::ByRange(keys) => {
            ordering(keys, bind)?.map_or(ExchangeBy::Turn, |key| ExchangeBy::Range(Arc::new(Ranges { key, partitions })))
        }
    };
    Ok(Arc::new(ExchangeExec::new(rows, by, partitions, origin)))
}

fn ordering(keys: &[SortExpr], bind: Bind<'_>) -> DfResult<Option<LexOrdering>> {
    let key = |key: &SortExpr| Ok(PhysicalSortExpr::new(bind(&key.expr)?, SortOptions::new(!key.asc, key.nulls_first)));
    Ok(LexOrdering::new(keys.iter().map(key).collect::<DfResult<Vec<_>>>()?))
}

fn window_operator(
    node: &WindowAggregate,
    logical: &LogicalPlan,
    physical: &Arc<dyn ExecutionPlan>,
    planner: &dyn PhysicalPlanner,
    session: &dyn Session,
    planning_ctx: &PhysicalPlanningContext,
) -> DfResult<WindowOperator> {
    let input = logical.schema();
    let bind = |expr: &datafusion::logical_expr::Expr| -> DfResult<Arc<dyn PhysicalExpr>> {
        planner.create_physical_expr(&expr.clone().unalias(), input, session, planning_ctx)
    };
    let physical_schema = physical.schema();
    let keys = node.keys.iter().map(bind).collect::<DfResult<Vec<_>>>()?;
    let key_types = keys.iter().map(|k| k.data_type(&physical_schema)).collect::<DfResult<Vec<_>>>()?;
    let aggregates = node
        .aggregates
        .iter()
        .map(|expr| {
            let lowered =
                LoweredAggregateBuilder::new(expr, input, &physical_schema as &Schema, session.execution_props(), planning_ctx).build()?;
            // The operator takes rows as they come: what orders rows does so itself, with the keys of the order beside its arguments.
            if lowered.aggregate.order_sensitivity().hard_requires() {
                return Err(DataFusionError::from(Error::unsupported(format!("ORDER BY inside an aggregate of a window: `{expr}`"))));
            }
            Ok(Aggregate { function: lowered.aggregate, filter: lowered.filter })
        })
        .collect::<DfResult<Vec<_>>>()?;
    Ok(WindowOperator {
        id: named(node.id.as_ref())?,
        kind: node.kind,
        time: bind(&node.time)?,
        ends: node.ends.as_ref().map(bind).transpose()?,
        keys,
        key_types,
        aggregates: aggregates.into(),
        window_position: node.window_position,
        input_schema: physical_schema,
        late_schema: late_schema(input.as_arrow()),
        schema: Arc::clone(datafusion::logical_expr::UserDefinedLogicalNodeCore::schema(node).inner()),
    })
}
