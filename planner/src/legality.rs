//! Which streaming queries have a meaning: Spark's rules for append mode, in which all of our sinks work, as one pure check
//! over the analysed plan.
//!
//! Source: Spark, `UnsupportedOperationChecker.scala`.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};

use crate::logical::{Dedup, FlatMapGroups, MapBatches, SidePort, WindowAggregate, WindowKind, event_time_column};
use crate::scan::scan_table_of;
use crate::{Error, Result};

/// Whether a plan reads a stream.
pub fn is_streaming(plan: &LogicalPlan) -> bool {
    plan.exists(|node| Ok(scan_table_of(node).is_some_and(|table| table.stream_source().is_some()))).unwrap_or(false)
}

/// Refuses plans that have no meaning as a stream in append mode.
///
/// # Errors
/// `Analysis` for what Spark refuses, `Unsupported` for what Spark has and we do not yet; the message names the way out.
pub fn check_streaming(plan: &LogicalPlan) -> Result<()> {
    if !is_streaming(plan) {
        return Err(Error::analysis("`write_stream` needs a DataFrame that reads a stream: use `read_stream`, or `write` for a batch"));
    }
    let mut refusal = None;
    plan.apply(|node| {
        refusal = refuse(node).err();
        Ok(if refusal.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    refusal.map_or(Ok(()), Err)
}

fn refuse(node: &LogicalPlan) -> Result<()> {
    let streaming = || node.inputs().iter().any(|input| is_streaming(input));
    match node {
        LogicalPlan::Extension(extension) => {
            let any = extension.node.as_any();
            if let Some(window) = any.downcast_ref::<WindowAggregate>() {
                return check_window(window);
            }
            if let Some(dedup) = any.downcast_ref::<Dedup>() {
                return check_dedup(dedup);
            }
            if let Some(step) = any.downcast_ref::<crate::logical::RowStep>() {
                let is_fine = step.pass.shared_as().is_some() || !streaming();
                let message = "a sample of a stream is not supported: take the rows that a hash of the key picks, as in \
                               `WHERE pmod(hash(id), 10) = 0`";
                return if is_fine { Ok(()) } else { Err(Error::analysis(message)) };
            }
            if let Some(groups) = any.downcast_ref::<FlatMapGroups>()
                && !groups.function.keeps_state()
                && streaming()
            {
                return Err(Error::analysis(format!(
                    "`{}` is called once with all rows of a group, and a stream's groups never end: keep a state \
                     (`flat_map_groups_with_state`), or call it on each epoch in `for_each_batch`",
                    groups.function.name()
                )));
            }
            let known =
                any.is::<FlatMapGroups>() || any.is::<MapBatches>() || any.is::<SidePort>() || any.is::<crate::logical::Watermark>();
            if known { Ok(()) } else { Err(Error::unsupported(format!("`{}` is not there for streams", extension.node.name()))) }
        }
        _ if !streaming() => Ok(()),
        LogicalPlan::Aggregate(_) => Err(Error::unsupported(
            "a streaming aggregation needs a window of event time in append mode: group by `window(…)` or `session_window(…)`; update mode is not there yet",
        )),
        LogicalPlan::Distinct(_) => {
            Err(Error::analysis("`distinct` on a stream keeps every row for ever: use `drop_duplicates` with the event-time column"))
        }
        LogicalPlan::Sort(_) => {
            Err(Error::analysis("a stream has no end to sort by: sort in `for_each_batch`, or when you read the table"))
        }
        LogicalPlan::Limit(_) => Err(Error::unsupported("`limit` on a stream is not there yet: limit when you read the table")),
        LogicalPlan::Window(_) => {
            Err(Error::analysis("window functions such as `row_number` have no meaning on a stream: use `window(…)` in a GROUP BY"))
        }
        LogicalPlan::Join(_) => {
            Err(Error::unsupported("joins on streams are not there yet: join in `for_each_batch`, or when you read the tables"))
        }
        LogicalPlan::Union(union) if union.inputs.iter().any(|i| !is_streaming(i)) => {
            Err(Error::analysis("a stream and a table cannot be united: write the table's rows in a query of their own"))
        }
        LogicalPlan::RecursiveQuery(_) | LogicalPlan::Subquery(_) | LogicalPlan::Repartition(_) | LogicalPlan::Unnest(_) => {
            Err(Error::unsupported(format!("`{}` on a stream is not there yet", node.display())))
        }
        _ => Ok(()),
    }
}

/// Whether column `index` of `plan` is the very column of a watermark, whatever it has been called since. The mark in its metadata does
/// not tell: the engine keeps metadata over casts.
fn is_watermarked(plan: &LogicalPlan, index: usize) -> bool {
    let below = |input: &LogicalPlan| is_watermarked(input, index);
    match plan {
        LogicalPlan::Extension(extension) => match extension.node.as_any().downcast_ref::<crate::logical::Watermark>() {
            Some(watermark) => watermark.input.schema().index_of_column(&watermark.column).is_ok_and(|i| i == index),
            // Dedup hands its rows on; of what other operators make, the mark says it, as they set it themselves.
            None if extension.node.as_any().is::<Dedup>() => extension.node.inputs().into_iter().all(below),
            None => event_time_column(plan.schema().as_arrow()) == Some(index),
        },
        LogicalPlan::Projection(projection) => match projection.expr.get(index).map(|expr| expr.clone().unalias()) {
            Some(Expr::Column(column)) => {
                projection.input.schema().index_of_column(&column).is_ok_and(|i| is_watermarked(&projection.input, i))
            }
            _ => false,
        },
        LogicalPlan::Filter(_) | LogicalPlan::SubqueryAlias(_) | LogicalPlan::Union(_) => plan.inputs().into_iter().all(below),
        // Scans have no watermark, and what else there is makes columns of its own and is refused on a stream by itself.
        other => event_time_column(other.schema().as_arrow()) == Some(index),
    }
}

/// A column that is computed from the event time keeps its mark, and would be taken for it.
fn check_dedup(dedup: &Dedup) -> Result<()> {
    match event_time_column(dedup.input.schema().as_arrow()) {
        Some(index) if !is_watermarked(&dedup.input, index) => Err(Error::analysis(format!(
            "`{}` is computed from the column that `with_watermark` was called on, and duplicates are forgotten by that very column: keep it, \
             before what is computed from it, or call `with_watermark` after the computation",
            dedup.input.schema().field(index).name()
        ))),
        None if dedup.within_watermark => {
            Err(Error::analysis("`drop_duplicates_within_watermark` forgets keys by the watermark: call `with_watermark` before it"))
        }
        _ => Ok(()),
    }
}

fn check_window(window: &WindowAggregate) -> Result<()> {
    // Of an expression the watermark says nothing: `date_trunc('hour', t)` lies before `t`, and its windows would end too soon.
    let on_marked = match window.time.clone().unalias() {
        Expr::Column(column) => window.input.schema().index_of_column(&column).is_ok_and(|i| is_watermarked(&window.input, i)),
        _ => false,
    };
    if !on_marked {
        return Err(Error::analysis(format!(
            "in append mode a window ends when the watermark passes it: window the very column that `with_watermark` was called on, not `{}`; \
             put an expression into a column first (`with_column`), and call `with_watermark` on that",
            window.time
        )));
    }
    if matches!(window.kind, WindowKind::Session { .. } | WindowKind::SessionByRow) && window.keys.is_empty() {
        return Err(Error::analysis("a streaming session window needs a further key: group by a column beside `session_window(…)`"));
    }
    if let Some(distinct) = window.aggregates.iter().find(|e| e.to_string().contains("DISTINCT")) {
        return Err(Error::analysis(format!("`{distinct}`: distinct aggregates have no bounded state on a stream; drop duplicates first")));
    }
    Ok(())
}
