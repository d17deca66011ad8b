//! Operator ids: a hash of what the program says, so that a restarted query finds its state. An id covers the operator's own
//! definition, which is the resolver's text, and the ids of its stateful inputs and sources; a filter or a projection in between
//! changes nothing. Equal ids are one operator, with all that is below it.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Extension, LogicalPlan, UserDefinedLogicalNode};

use crate::key::stable_hash;
use crate::logical::{Dedup, FlatMapGroups, Watermark, WindowAggregate, operator_id_of};
use crate::scan::scan_table_of;
use crate::{Error, OperatorId, Result};

/// What becomes of two operators that have one id although they are not the same: their plans below differ in what an id
/// does not cover, such as a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameId {
    /// They are told apart by their order: for batch runs, in which no state outlives the plan.
    TellApart,
    /// They are refused: for streams, whose state would go to the wrong one after a restart with another order.
    Refuse,
}

/// Gives every operator of `roots` its id, from the leaves up. Operators with equal ids are equal, with all that is below them.
///
/// # Errors
/// `Unsupported` for two different operators of one id, when they are to be refused.
pub fn name_operators(roots: Vec<LogicalPlan>, same_id: SameId) -> Result<Vec<LogicalPlan>> {
    let mut named = Named { operators: HashMap::new(), same_id };
    roots.into_iter().map(|root| root.transform_up(|node| named.name(node)).data().map_err(Error::from)).collect()
}

struct Named {
    operators: HashMap<OperatorId, LogicalPlan>,
    same_id: SameId,
}

impl Named {
    fn name(&mut self, node: LogicalPlan) -> DfResult<Transformed<LogicalPlan>> {
        if operator_id_of(&node).is_some() {
            return Ok(Transformed::no(node));
        }
        let Some(id) = derived_id(&node) else { return Ok(Transformed::no(node)) };
        let mut with_id = with_name(&node, id.clone());
        let mut copies = 1;
        while let Some(other) = self.operators.get(operator_id_of(&with_id).unwrap_or(&id)) {
            if *other == with_id {
                return Ok(Transformed::yes(with_id));
            }
            if self.same_id == SameId::Refuse {
                return Err(Error::unsupported(format!(
                    "two operators of the query are alike, `{}`, over inputs that differ only in filters or columns, so that their state \
                     could not be told apart after a restart: run them as two queries, or filter after the operator",
                    node.display()
                ))
                .into());
            }
            copies += 1;
            with_id = with_name(&node, OperatorId::new(format!("{id}-{copies}")));
        }
        if let Some(id) = operator_id_of(&with_id) {
            self.operators.insert(id.clone(), with_id.clone());
        }
        Ok(Transformed::yes(with_id))
    }
}

/// The id of an operator that has none yet, or `None` for any other node.
fn derived_id(node: &LogicalPlan) -> Option<OperatorId> {
    let LogicalPlan::Extension(extension) = node else { return None };
    let any = extension.node.as_any();
    if let Some(n) = any.downcast_ref::<Watermark>() {
        Some(id_of("watermark", &n.definition, &n.input))
    } else if let Some(n) = any.downcast_ref::<Dedup>() {
        Some(id_of("dedup", &n.definition, &n.input))
    } else if let Some(n) = any.downcast_ref::<WindowAggregate>() {
        Some(id_of(n.kind.name(), &n.definition, &n.input))
    } else {
        any.downcast_ref::<FlatMapGroups>().map(|n| id_of("groups", &n.definition, &n.input))
    }
}

/// The same operator under `id`.
fn with_name(node: &LogicalPlan, id: OperatorId) -> LogicalPlan {
    let LogicalPlan::Extension(extension) = node else { return node.clone() };
    let any = extension.node.as_any();
    let node: Arc<dyn UserDefinedLogicalNode> = if let Some(n) = any.downcast_ref::<Watermark>() {
        Arc::new(n.named(id))
    } else if let Some(n) = any.downcast_ref::<Dedup>() {
        Arc::new(n.named(id))
    } else if let Some(n) = any.downcast_ref::<WindowAggregate>() {
        Arc::new(n.named(id))
    } else if let Some(n) = any.downcast_ref::<FlatMapGroups>() {
        Arc::new(n.named(id))
    } else {
        Arc::clone(&extension.node)
    };
    LogicalPlan::Extension(Extension { node })
}

fn id_of(kind: &str, definition: &str, input: &LogicalPlan) -> OperatorId {
    let mut upstream = Vec::new();
    collect_upstream(input, &mut upstream);
    let text = format!("{kind}|{definition}|{}", upstream.join("|"));
    OperatorId::new(format!("{kind}-{:016x}", stable_hash(text.as_bytes())))
}

/// The nearest operators and sources below, left to right.
fn collect_upstream(plan: &LogicalPlan, out: &mut Vec<String>) {
    if let Some(id) = operator_id_of(plan) {
        out.push(id.as_str().to_owned());
    } else if let Some(table) = scan_table_of(plan) {
        out.push(table.id().as_str().to_owned());
    } else if let LogicalPlan::TableScan(scan) = plan {
        out.push(scan.table_name.to_string());
    } else {
        for input in plan.inputs() {
            collect_upstream(input, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::common::Column;
    use datafusion::logical_expr::{LogicalPlanBuilder, col, lit, table_scan};

    fn events() -> LogicalPlanBuilder {
        let schema = Schema::new(vec![Field::new("id", DataType::Int64, false), Field::new("clicks", DataType::Int64, false)]);
        table_scan(Some("events"), &schema, None).unwrap()
    }

    fn dedup(input: LogicalPlanBuilder, key: &str) -> LogicalPlan {
        let node = Dedup {
            input: input.build().unwrap(),
            keys: vec![Column::from_name(key)],
            within_watermark: false,
            definition: key.to_owned(),
            id: None,
        };
        LogicalPlan::Extension(Extension { node: Arc::new(node) })
    }

    fn ids(roots: Vec<LogicalPlan>, same_id: SameId) -> Result<Vec<OperatorId>> {
        let named = name_operators(roots, same_id)?;
        Ok(named.iter().map(|root| operator_id_of(root).expect("the root is an operator").clone()).collect())
    }

    #[test]
    fn an_id_covers_the_operator_and_its_source_alone() {
        let busy = || events().filter(col("clicks").gt(lit(2_i64))).unwrap();
        let plain = ids(vec![dedup(events(), "id")], SameId::Refuse).unwrap();
        assert_eq!(ids(vec![dedup(busy(), "id")], SameId::Refuse).unwrap(), plain, "a filter in between changes nothing");
        assert_ne!(ids(vec![dedup(events(), "clicks")], SameId::Refuse).unwrap(), plain);
        // Frozen: a release that changes it would lose the state of every running query.
        assert_eq!(plain[0].as_str(), "dedup-660f25024d2e65f7");
    }

    #[test]
    fn one_id_is_one_operator() {
        let low = || dedup(events().filter(col("clicks").lt_eq(lit(2_i64))).unwrap(), "id");
        let high = || dedup(events().filter(col("clicks").gt(lit(2_i64))).unwrap(), "id");
        let same = ids(vec![low(), low()], SameId::Refuse).unwrap();
        assert_eq!(same[0], same[1], "equal operators are one");
        let apart = ids(vec![low(), high(), low()], SameId::TellApart).unwrap();
        assert_ne!(apart[0], apart[1], "operators over other rows are others");
        assert_eq!(apart[0], apart[2]);
        let refused = ids(vec![low(), high()], SameId::Refuse).unwrap_err();
        assert!(refused.message().contains("run them as two queries"), "{refused}");
    }
}
