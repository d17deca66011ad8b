//! From the DataFrames of a query to its plan: analysed, checked, named, planned once, cut into stages. It opens nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::LogicalPlan;
use tidemill_executor::batch::plan_stages;
use tidemill_executor::operators::{StatefulOperator, identity, stateful_operators};
use tidemill_planner::legality::check_streaming;
use tidemill_planner::logical::{Dedup, Watermark, WindowAggregate};
use tidemill_planner::operator_id::{SameId, name_operators};
use tidemill_planner::scan::scan_table_of;
use tidemill_planner::seam::{Intake, Sink, StreamSource};
use tidemill_planner::{OperatorId, SourceId};
use tidemill_streaming::query::QueryPlan;
use tidemill_streaming::record::OperatorInfo;

use crate::rules::clock_in;
use crate::session::Session;
use tidemill_planner::{Error, Result};

/// Plans a query: `roots` are the plans of its sinks' rows, in order. Rows that a sink takes while they are made are nobody else's.
///
/// # Errors
/// `Analysis` for a plan that has no meaning as a stream, `Unsupported` for what is not there yet.
pub(super) async fn plan(session: &Session, roots: Vec<LogicalPlan>, sinks: Vec<Arc<dyn Sink>>) -> Result<QueryPlan> {
    if roots.is_empty() {
        return Err(Error::analysis("a query needs a sink: add one with `add`"));
    }
    for root in &roots {
        check_streaming(root)?;
        refuse_now(root)?;
    }
    let roots = name_operators(roots, SameId::Refuse)?;
    let mut found = Found::default();
    for root in &roots {
        found.collect(root)?;
    }
    let mut graph = plan_stages(session.state(), &roots, &identity).await?;
    for (root, _) in sinks.iter().enumerate().filter(|(_, sink)| sink.intake() == Intake::AsMade) {
        graph.part_root(root);
    }
    let operators = stateful_operators(&graph)?
        .into_iter()
        .map(|StatefulOperator { id, name, tasks, types }| OperatorInfo { id, name, tasks, types: Some(types) })
        .collect();
    Ok(QueryPlan {
        task_ctx: Arc::new(TaskContext::from(session.state())),
        sources: found.sources.into_values().collect(),
        operators,
        watermarks: found.watermarks.into_iter().collect(),
        acts_on_watermark: found.acts_on_watermark,
        sinks,
        graph,
    })
}

#[derive(Default)]
struct Found {
    sources: BTreeMap<SourceId, Arc<dyn StreamSource>>,
    watermarks: BTreeMap<OperatorId, i64>,
    acts_on_watermark: bool,
}

impl Found {
    fn collect(&mut self, root: &LogicalPlan) -> Result<()> {
        let mut same_id = None;
        root.apply(|node| {
            if let LogicalPlan::TableScan(_) = node
                && let Some(source) = scan_table_of(node).and_then(|table| table.stream_source())
            {
                let there = self.sources.entry(source.id().clone()).or_insert_with(|| source.for_query());
                if there.reads() != source.reads() {
                    same_id = Some((Arc::clone(there), Arc::clone(source)));
                    return Ok(TreeNodeRecursion::Stop);
                }
            }
            if let LogicalPlan::Extension(extension) = node {
                let any = extension.node.as_any();
                if let Some(Watermark { id: Some(id), delay_us, .. }) = any.downcast_ref() {
                    self.watermarks.insert(id.clone(), *delay_us);
                }
                self.acts_on_watermark |= any.is::<WindowAggregate>() || any.is::<Dedup>();
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        let Some((one, other)) = same_id else { return Ok(()) };
        Err(Error::analysis(format!(
            "two sources of the query have the identity `{}`, and only one of them would be read: {}; and {}. Give each a name of its own with \
             `read_stream().name(…)`",
            one.id(),
            one.reads(),
            other.reads()
        )))
    }
}

/// DataFusion folds `now()` when it plans, and a stream is planned once: refused until it reads the epoch's own time.
fn refuse_now(root: &LogicalPlan) -> Result<()> {
    let mut refusal = Ok(());
    root.apply_with_subqueries(|node| {
        for expr in node.expressions() {
            if let Some(clock) = clock_in(&expr)? {
                refusal = Err(Error::unsupported(format!(
                    "`{clock}` on a stream is not there yet: use the event time, or add the time where the table is read"
                )));
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    refusal
}
