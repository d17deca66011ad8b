//! AND and OR as Spark evaluates them: the right side only for rows that the left side has not decided, so that `b <> 0 AND a / b > 1`
//! divides by no zero. The engine evaluates both sides over all rows of a batch.
//!
//! ```text
//! before  Filter: a / b > 1 AND b <> 0 AND c = 2
//! after   Filter: CASE WHEN b <> 0 AND c = 2 THEN a / b > 1 ELSE false END
//! ```
//! Sides that cannot fail are left alone, and come first: the optimizer puts a filter before those that stood below it.
//!
//! The rule comes after the optimizer, which would make AND and OR of a CASE of booleans again.

use std::borrow::Cow;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator, lit};

/// Functions that give a value, or null, whatever they are given. Any other may be an error for some row.
const CALM: [&str; 28] = [
    "array_contains",
    "ascii",
    "bit_length",
    "char_length",
    "coalesce",
    "concat",
    "contains",
    "endswith",
    "get_json_object",
    "instr",
    "isnan",
    "isnotnull",
    "isnull",
    "length",
    "lower",
    "ltrim",
    "normalize_float",
    "normalize_nan",
    "nullif",
    "nvl",
    "octet_length",
    "reverse",
    "rtrim",
    "size",
    "startswith",
    "substring",
    "trim",
    "upper",
];

/// How many nodes a side may have that is written twice.
const MOST_NODES: usize = 200;

/// What of a condition matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// Whether it is true: of a filter.
    Truth,
    /// Its value, null among them.
    Value,
}

/// The plan with its ANDs and ORs evaluated from the left.
pub(crate) fn lazy_logic(plan: &LogicalPlan) -> Result<Cow<'_, LogicalPlan>> {
    let mut is_needed = false;
    plan.apply_with_subqueries(|node| {
        is_needed = has_failing_logic(node)?;
        Ok(if is_needed { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    if !is_needed {
        return Ok(Cow::Borrowed(plan));
    }
    let lazy = plan.clone().transform_up_with_subqueries(|node| {
        if !has_failing_logic(&node)? {
            return Ok(Transformed::no(node));
        }
        let asked = if matches!(node, LogicalPlan::Filter(_)) { Asked::Truth } else { Asked::Value };
        let names = NamePreserver::new(&node);
        node.map_expressions(|expr| {
            let name = names.save(&expr);
            Ok(lazily(expr, asked)?.update_data(|expr| name.restore(expr)))
        })
    });
    lazy.data().map(Cow::Owned)
}

fn has_failing_logic(node: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    node.apply_expressions(|expr| {
        found |= expr.exists(|part| Ok(is_logic(part) && can_fail(part)))?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// An expression with its ANDs and ORs evaluated from the left.
fn lazily(expr: Expr, asked: Asked) -> Result<Transformed<Expr>> {
    let operator = match &expr {
        Expr::BinaryExpr(binary) if is_logic(&expr) && can_fail(&expr) => binary.op,
        _ => return expr.map_children(|part| lazily(part, Asked::Value)),
    };
    let parts = operands(expr, operator).into_iter().map(|part| lazily(part, asked).data()).collect::<Result<Vec<_>>>()?;
    Ok(Transformed::yes(match (operator, asked) {
        (Operator::And, Asked::Truth) => from_the_left(parts, Expr::and, |left, right| case(left, right, lit(false))),
        (Operator::And, Asked::Value) => from_the_left(parts, Expr::and, |left, right| match is_small(&left) {
            true => case(Expr::Not(Box::new(left.clone())), lit(false), left.and(right)),
            false => left.and(right),
        }),
        (_, Asked::Truth) => from_the_left(parts, Expr::or, |left, right| case(left, lit(true), right)),
        (_, Asked::Value) => from_the_left(parts, Expr::or, |left, right| match is_small(&left) {
            true => case(left.clone(), lit(true), left.or(right)),
            false => left.or(right),
        }),
    }))
}

/// Whether an operand may be written twice: it is small, and gives the same value each time.
fn is_small(expr: &Expr) -> bool {
    if expr.is_volatile() {
        return false;
    }
    let mut nodes = 0;
    let counted = expr.apply(|_| {
        nodes += 1;
        Ok(if nodes > MOST_NODES { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    counted.is_ok() && nodes <= MOST_NODES
}

/// Those that cannot fail together, then each of the others for the rows that those before it leave.
fn from_the_left(parts: Vec<Expr>, plain: fn(Expr, Expr) -> Expr, guarded: impl Fn(Expr, Expr) -> Expr) -> Expr {
    let is_fixed = parts.iter().all(|part| !part.is_volatile());
    let (calm, failing): (Vec<Expr>, Vec<Expr>) = if is_fixed {
        parts.into_iter().partition(|part| !can_fail(part))
    } else {
        // What draws a number stays where it stands.
        (Vec::new(), parts)
    };
    let calm = calm.into_iter().reduce(plain);
    let parts: Vec<Expr> = calm.into_iter().chain(failing).collect();
    parts.into_iter().rev().reduce(|rest, before| guarded(before, rest)).unwrap_or_else(|| lit(true))
}

fn case(when: Expr, then: Expr, otherwise: Expr) -> Expr {
    Expr::Case(Case::new(None, vec![(Box::new(when), Box::new(then))], Some(Box::new(otherwise))))
}

fn is_logic(expr: &Expr) -> bool {
    matches!(expr, Expr::BinaryExpr(BinaryExpr { op: Operator::And | Operator::Or, .. }))
}

fn can_fail(expr: &Expr) -> bool {
    let fails = |part: &Expr| match part {
        // A pattern that is written down was looked at before.
        Expr::ScalarFunction(call) if matches!(call.name(), "like" | "ilike" | "rlike" | "regexp_like") => {
            call.args.iter().skip(1).any(|pattern| !matches!(pattern, Expr::Literal(..)))
        }
        Expr::ScalarFunction(call) => !CALM.contains(&call.name()),
        _ => false,
    };
    expr.exists(|part| Ok(fails(part))).unwrap_or(true)
}

/// The sides of a chain of one operator.
fn operands(expr: Expr, operator: Operator) -> Vec<Expr> {
    let (mut found, mut left) = (Vec::new(), vec![expr]);
    while let Some(expr) = left.pop() {
        match expr {
            Expr::BinaryExpr(binary) if binary.op == operator => {
                left.push(*binary.right);
                left.push(*binary.left);
            }
            other => found.push(other),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use arrow::array::RecordBatch;
    use expect_test::{Expect, expect};

    use crate::session::Session;

    /// The condition of a query's filter, or its list, as the rule leaves it.
    async fn check(sql: &str, expected: Expect) {
        let session = Session::builder().build().unwrap();
        let schema = crate::ddl::parse_schema("a int, b int, c int").unwrap();
        session.create_dataframe(vec![RecordBatch::new_empty(schema)]).unwrap().create_or_replace_temp_view("t").unwrap();
        let plan = session.sql(sql).await.unwrap().plan().await.unwrap();
        let plan = session.state_now().optimize(&plan).unwrap();
        let text = super::lazy_logic(&plan).unwrap().display_indent().to_string();
        let line = text.lines().find(|line| line.contains("AND") || line.contains("OR") || line.contains("CASE")).unwrap_or_default();
        expected.assert_eq(&format!("{}\n", line.trim()));
    }

    #[tokio::test]
    async fn what_can_fail_comes_last_and_numbers_are_drawn_once() {
        check(
            "SELECT a FROM t WHERE 10 % a > 1 AND b <> 0 AND c = 2",
            expect![[r#"
            Filter: CASE WHEN rows.b != Int32(0) AND rows.c = Int32(2) THEN %(Int32(10), rows.a) > Int32(1) ELSE Boolean(false) END
        "#]],
        )
        .await;
        check(
            "SELECT a FROM t WHERE b = 0 OR 10 % a > 1",
            expect![[r#"
            Filter: CASE WHEN rows.b = Int32(0) THEN Boolean(true) ELSE %(Int32(10), rows.a) > Int32(1) END
        "#]],
        )
        .await;
        check(
            "SELECT b = 0 OR 10 % a > 1 AS d FROM t",
            expect![[r#"
            Projection: CASE WHEN rows.b = Int32(0) THEN Boolean(true) ELSE rows.b = Int32(0) OR %(Int32(10), rows.a) > Int32(1) END AS d
        "#]],
        )
        .await;
        check(
            "SELECT a FROM t WHERE b = 0 AND c = 1",
            expect![[r#"
            Filter: rows.b = Int32(0) AND rows.c = Int32(1)
        "#]],
        )
        .await;
        check(
            "SELECT rand(1) < 0.5 OR 10 % a > 1 AS d FROM t",
            expect![[r#"
            Projection: normalize_float(rand()) < Float64(0.5) OR %(Int32(10), rows.a) > Int32(1) AS d
        "#]],
        )
        .await;
    }
}
