//! Operator ids: a hash of the analysed plan, so that a restarted query finds its state. An id covers the operator's own
//! definition and the ids of its stateful inputs and sources; a filter or a projection in between changes nothing. Equal
//! ids are one operator.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan};

use crate::key::stable_hash;
use crate::logical::{Dedup, FlatMapGroups, Watermark, WindowAggregate, operator_id_of};
use crate::scan::scan_table_of;
use crate::{Error, OperatorId, Result};

/// Gives every operator of `plan` its id, from the leaves up.
pub fn name_operators(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up(|node| {
        let LogicalPlan::Extension(extension) = &node else { return Ok(Transformed::no(node)) };
        if operator_id_of(&node).is_some() {
            return Ok(Transformed::no(node));
        }
        let any = extension.node.as_any();
        let named: Option<Extension> = if let Some(n) = any.downcast_ref::<Watermark>() {
            let id = id_of("watermark", &format!("{} {}", n.column.name, n.delay_us), &n.input);
            Some(Extension { node: Arc::new(n.named(id)) })
        } else if let Some(n) = any.downcast_ref::<Dedup>() {
            let keys: Vec<&str> = n.keys.iter().map(|k| k.name.as_str()).collect();
            Some(Extension { node: Arc::new(n.named(id_of("dedup", &keys.join(","), &n.input))) })
        } else if let Some(n) = any.downcast_ref::<WindowAggregate>() {
            let definition = format!("{} {} {} {}", n.kind, unqualified(&n.time)?, list(&n.keys)?, list(&n.aggregates)?);
            let kind = if matches!(n.kind, crate::logical::WindowKind::Session { .. }) { "session_window" } else { "window" };
            Some(Extension { node: Arc::new(n.named(id_of(kind, &definition, &n.input))) })
        } else if let Some(n) = any.downcast_ref::<FlatMapGroups>() {
            let keys: Vec<&str> = n.keys.iter().map(|k| k.name.as_str()).collect();
            let definition = format!("{} {} {:?}", n.function.name(), keys.join(","), n.function.state_schema());
            Some(Extension { node: Arc::new(n.named(id_of("groups", &definition, &n.input))) })
        } else {
            None
        };
        Ok(match named {
            Some(extension) => Transformed::yes(LogicalPlan::Extension(extension)),
            None => Transformed::no(node),
        })
    })
    .data()
    .map_err(Error::from)
}

fn list(exprs: &[Expr]) -> Result<String> {
    Ok(exprs.iter().map(unqualified).collect::<Result<Vec<_>>>()?.join(","))
}

/// The expression without table names and outer alias: what it computes, not what it is called.
fn unqualified(expr: &Expr) -> Result<String> {
    let expr = expr
        .clone()
        .transform(|e| {
            Ok(match e {
                Expr::Column(c) if c.relation.is_some() => {
                    Transformed::yes(Expr::Column(datafusion::common::Column::new_unqualified(c.name)))
                }
                other => Transformed::no(other),
            })
        })
        .data()?;
    Ok(expr.unalias().to_string())
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

/// Every operator of a plan with its node's text, from the leaves up, each once.
pub fn operators_of(plan: &LogicalPlan) -> Vec<(OperatorId, String)> {
    let mut found: Vec<(OperatorId, String)> = Vec::new();
    let visited = plan.apply(|node| {
        if let Some(id) = operator_id_of(node)
            && !found.iter().any(|(other, _)| other == id)
        {
            found.push((id.clone(), node.display().to_string()));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(visited.is_ok(), "the visitor never fails");
    found.reverse();
    found
}
