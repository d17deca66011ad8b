//! Columns that nothing reads are left out before the optimizer begins. The resolver gives every column of a table its id in a projection
//! above the scan; the optimizer would look at all of them in each of its rules, and leave them out in the last ones.
//!
//! ```text
//! before  Projection: a                                   after  Projection: a
//!           Filter: b > Int32(1)                                   Filter: b > Int32(1)
//!             Projection: t.a AS a, t.b AS b, t.c AS c               Projection: t.a AS a, t.b AS b
//!               TableScan: t                                           TableScan: t
//! ```
//! A column whose id stands in no expression of the plan is read by nobody, unless a node above takes its input's columns by their places
//! (UNION, DISTINCT, our own operators, the end of the plan).

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion, TreeNodeRewriter};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};
use datafusion::optimizer::AnalyzerRule;

/// The rule.
#[derive(Debug)]
pub(crate) struct UnreadColumns;

impl AnalyzerRule for UnreadColumns {
    fn name(&self) -> &str {
        "unread_columns"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let mut pruning = Pruning { read: read_in(&plan)?, above: Vec::new() };
        plan.rewrite_with_subqueries(&mut pruning).data()
    }
}

/// Ids, by their hashes: two that share one keep a column too many.
#[derive(Default)]
struct Ids {
    hashes: HashSet<u64>,
    hasher: RandomState,
}

impl Ids {
    fn insert(&mut self, id: &str) {
        self.hashes.insert(self.hasher.hash_one(id));
    }

    fn contains(&self, id: &str) -> bool {
        self.hashes.contains(&self.hasher.hash_one(id))
    }
}

/// The ids that stand in expressions.
fn read_in(plan: &LogicalPlan) -> Result<Ids> {
    let mut read = Ids::default();
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                if let Expr::Column(column) | Expr::OuterReferenceColumn(_, column) = part
                    && column.relation.is_none()
                {
                    read.insert(&column.name);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(read)
}

/// The walk: down it notes what the nodes above take, up it leaves columns out.
struct Pruning {
    read: Ids,
    above: Vec<Above>,
}

/// A node whose inputs are being walked.
struct Above {
    /// Whether it takes its inputs' columns by their ids alone.
    by_id: bool,
    /// Whether the columns of an input have become fewer.
    is_changed: bool,
}

impl TreeNodeRewriter for Pruning {
    type Node = LogicalPlan;

    fn f_down(&mut self, node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        let by_id = match &node {
            LogicalPlan::Projection(_) | LogicalPlan::Aggregate(_) => true,
            // These give what they are given.
            LogicalPlan::Filter(_) | LogicalPlan::Sort(_) | LogicalPlan::Limit(_) | LogicalPlan::Join(_) | LogicalPlan::Window(_) => {
                self.is_by_id()
            }
            _ => false,
        };
        self.above.push(Above { by_id, is_changed: false });
        Ok(Transformed::no(node))
    }

    fn f_up(&mut self, node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        let is_changed = self.above.pop().is_some_and(|this| this.is_changed);
        let pruned = match node {
            LogicalPlan::Projection(list) if self.is_by_id() && list.expr.iter().any(|expr| self.is_unread(expr)) => {
                Transformed::yes(self.pruned(list)?)
            }
            other if is_changed => Transformed::yes(other.recompute_schema()?),
            other => Transformed::no(other),
        };
        if pruned.transformed
            && let Some(above) = self.above.last_mut()
        {
            above.is_changed = true;
        }
        Ok(pruned)
    }
}

impl Pruning {
    fn is_by_id(&self) -> bool {
        self.above.last().is_some_and(|above| above.by_id)
    }

    /// Whether it computes or names a column that nobody reads.
    fn is_unread(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::Alias(alias) if !self.read.contains(&alias.name))
    }

    /// The projection of the columns that are read; of one if none is, since it stands for the rows.
    fn pruned(&self, list: Projection) -> Result<LogicalPlan> {
        let mut kept: Vec<Expr> = list.expr.iter().filter(|expr| !self.is_unread(expr)).cloned().collect();
        if kept.is_empty() {
            kept.extend(list.expr.first().cloned());
        }
        Ok(LogicalPlan::Projection(Projection::try_new(kept, list.input)?))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::RecordBatch;
    use datafusion::optimizer::AnalyzerRule;
    use expect_test::{Expect, expect};

    use super::UnreadColumns;
    use crate::session::Session;

    async fn check(sql: &str, expected: Expect) {
        let session = Session::builder().build().unwrap();
        let schema = crate::ddl::parse_schema("a int, b int, c int").unwrap();
        let rows = session.create_dataframe(vec![RecordBatch::new_empty(schema)]).unwrap();
        rows.create_or_replace_temp_view("t").unwrap();
        let plan = session.sql(sql).await.unwrap().plan().await.unwrap();
        let plan = UnreadColumns.analyze(plan, &datafusion::config::ConfigOptions::default()).unwrap();
        expected.assert_eq(&format!("{}\n", plan.display_indent()));
    }

    #[tokio::test]
    async fn columns_that_nobody_reads_go() {
        check(
            "SELECT a FROM t WHERE b > 1",
            expect![[r#"
            Projection: a
              Filter: b > Int32(1)
                Projection: rows.a AS a, rows.b AS b
                  TableScan: rows
        "#]],
        )
        .await;
        check(
            "SELECT count(*) AS n FROM t",
            expect![[r#"
            Projection: count AS n
              Aggregate: groupBy=[[]], aggr=[[count(Int32(1)) AS count]]
                Projection: rows.a AS a
                  TableScan: rows
        "#]],
        )
        .await;
        check(
            "SELECT x.a FROM t x JOIN t y ON x.a = y.b",
            expect![[r#"
            Projection: a
              Inner Join:  Filter: a = b#2
                Projection: rows.a AS a, rows.b AS b, rows.c AS c
                  TableScan: rows
                Projection: b AS b#2
                  Projection: rows.a AS a, rows.b AS b, rows.c AS c
                    TableScan: rows
        "#]],
        )
        .await;
    }

    #[tokio::test]
    async fn columns_that_are_taken_by_place_stay() {
        check(
            "SELECT count(*) AS n FROM (TABLE t UNION ALL TABLE t)",
            expect![[r#"
            Projection: count AS n
              Aggregate: groupBy=[[]], aggr=[[count(Int32(1)) AS count]]
                Union
                  Projection: a AS a#2, b AS b#2, c AS c#2
                    Projection: rows.a AS a, rows.b AS b, rows.c AS c
                      TableScan: rows
                  Projection: a AS a#2, b AS b#2, c AS c#2
                    Projection: rows.a AS a, rows.b AS b, rows.c AS c
                      TableScan: rows
        "#]],
        )
        .await;
        check(
            "TABLE t",
            expect![[r#"
            Projection: rows.a AS a, rows.b AS b, rows.c AS c
              TableScan: rows
        "#]],
        )
        .await;
    }
}
