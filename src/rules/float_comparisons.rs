//! Comparisons of floats as Spark makes them: −0.0 equals 0.0, and every NaN equals every other and is greater than any number.
//! The engine's operators agree about the zeros, but order NaN by its sign and tell NaNs apart by their bits; inside structs and
//! arrays, in IN lists, CASE, `nullif` and functions of arrays they tell the zeros apart too.
//!
//! ```text
//! before  Filter: a.d = b.d AND a.d > Float64(5) AND sqrt(a.d) < Float64(1)
//! after   Filter: normalize_float(a.d) = normalize_float(b.d) AND (a.d > Float64(5) OR a.d < Float64(-inf))
//!                 AND normalize_float(sqrt(a.d)) < Float64(1)
//! ```
//! A column beside a number stays bare, so that statistics still say which files and row groups a filter needs: below −∞ stand
//! just the NaNs with a sign.
//!
//! The rule belongs to a plan that is about to run, and to that alone: it is no part of a DataFrame's own analysis, which comes
//! again whenever the plan grows, nor of what operators are named by.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Between, BinaryExpr, Case, Expr, ExprSchemable, LogicalPlan, Operator, lit};
use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::scalar::ScalarValue;
use tidemill_planner::float::Normal;

use super::floats::{has_floats, normalized};
use tidemill_spark::functions::SparkScalar;

/// The rule's name.
pub(super) const NAME: &str = "float_comparisons";

/// The rule.
#[derive(Debug)]
pub(crate) struct FloatComparisons;

impl AnalyzerRule for FloatComparisons {
    fn name(&self) -> &str {
        NAME
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(node).data()
    }
}

/// Functions that compare what they are given, or the items of it.
const COMPARING: [&str; 17] = [
    "array_has",
    "array_has_all",
    "array_has_any",
    "arrays_overlap",
    "array_contains",
    "array_position",
    "array_positions",
    "array_distinct",
    "array_union",
    "array_intersect",
    "array_except",
    "array_remove",
    "array_remove_n",
    "array_remove_all",
    "array_replace",
    "array_replace_n",
    "array_replace_all",
];

/// Functions that put what they are given in order, or the items of it.
const ORDERING: [&str; 5] = ["greatest", "least", "array_sort", "array_max", "array_min"];

fn node(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let mut compares = false;
    plan.apply_expressions(|expr| {
        compares |= expr.exists(|part| Ok(is_candidate(part)))?;
        Ok(if compares { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    if !compares {
        return Ok(Transformed::no(plan));
    }
    let schema = merge_schema(&plan.inputs());
    let names = NamePreserver::new(&plan);
    let one = |expr: Expr| {
        if !expr.exists(|part| Ok(is_candidate(part)))? {
            return Ok(Transformed::no(expr));
        }
        let name = names.save(&expr);
        Ok(expr.transform_up(|part| settled(part, &schema))?.update_data(|expr| name.restore(expr)))
    };
    let rewritten = plan.map_expressions(|expr| match expr {
        // Its keys have names; it has none that a plan could refer to.
        Expr::GroupingSet(_) => expr.map_children(one),
        expr => one(expr),
    })?;
    if rewritten.transformed { rewritten.map_data(LogicalPlan::recompute_schema) } else { Ok(rewritten) }
}

fn is_comparison(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

fn is_candidate(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryExpr(binary) => is_comparison(binary.op),
        Expr::Between(_) | Expr::InList(_) => true,
        Expr::Case(case) => case.expr.is_some(),
        // Our own functions know floats.
        Expr::ScalarFunction(call) if call.func.inner().downcast_ref::<SparkScalar>().is_some() => false,
        Expr::ScalarFunction(call) => COMPARING.contains(&call.name()) || ORDERING.contains(&call.name()),
        _ => false,
    }
}

/// A condition over rows of `schema`, compared by value.
pub(super) fn by_value(condition: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    condition.transform_up(|part| settled(part, schema))
}

/// One expression, whose parts are done.
fn settled(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::BinaryExpr(binary) if is_comparison(binary.op) => comparison(binary, schema),
        Expr::Between(between) => range(between, schema),
        Expr::InList(list) => one_of(list, schema),
        Expr::Case(case) if case.expr.is_some() => branches(case, schema),
        Expr::ScalarFunction(call) => function(call, schema),
        other => Ok(Transformed::no(other)),
    }
}

fn comparison(binary: BinaryExpr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let BinaryExpr { left, op, right } = binary;
    let same = |left, right| Expr::BinaryExpr(BinaryExpr { left, op, right });
    if !has_floats(&left, schema)? || !has_floats(&right, schema)? {
        return Ok(Transformed::no(same(left, right)));
    }
    // The engine turns this into a join by its shape; the join's keys are normalised, and what is left in its filter.
    if op == Operator::Eq && (left.contains_outer() || right.contains_outer()) {
        return Ok(Transformed::no(same(left, right)));
    }
    let (left_number, right_number) = (number(&left), number(&right));
    if (left_number.is_some() || is_exact(&left, schema)?) && (right_number.is_some() || is_exact(&right, schema)?) {
        return Ok(Transformed::no(same(left, right)));
    }
    Ok(Transformed::yes(match (left_number, right_number, op.swap()) {
        (None, Some(number), _) => with_number(*left, op, *right, &number, schema)?,
        (Some(number), None, Some(swapped)) => with_number(*right, swapped, *left, &number, schema)?,
        _ => same(key(*left), key(*right)),
    }))
}

/// `operand op number`; `written` is how the number was written.
fn with_number(operand: Expr, op: Operator, written: Expr, number: &ScalarValue, schema: &DFSchema) -> Result<Expr> {
    let compared = |operand: Expr, written: Expr| Expr::BinaryExpr(BinaryExpr::new(Box::new(operand), op, Box::new(written)));
    let ordered = matches!(op, Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq);
    if number.is_null() {
        return Ok(compared(operand, written));
    }
    if !is_column(&operand, schema)? {
        // No NaN equals a number, and the engine's operator takes both zeros for one.
        return Ok(compared(if ordered { normalized(operand, Normal::Key) } else { operand }, written));
    }
    let data_type = operand.get_type(schema)?;
    let least = || lit(float(f64::NEG_INFINITY, &data_type));
    Ok(match op {
        Operator::Gt | Operator::GtEq => compared(operand.clone(), written).or(operand.lt(least())),
        Operator::Lt | Operator::LtEq => compared(operand.clone(), written).and(operand.gt_eq(least())),
        // An equality with a zero may be merged into a list of values, or looked up in a filter of hashes, which know one zero.
        Operator::Eq if is_zero(number) => operand.between(lit(float(-0.0, &data_type)), lit(float(0.0, &data_type))),
        _ => compared(operand, written),
    })
}

fn range(mut between: Between, schema: &DFSchema) -> Result<Transformed<Expr>> {
    // Between two numbers there is no NaN, whatever its sign.
    let numbers = number(&between.low).is_some() && number(&between.high).is_some();
    if numbers || !has_floats(&between.expr, schema)? {
        return Ok(Transformed::no(Expr::Between(between)));
    }
    (between.expr, between.low, between.high) = (key(*between.expr), key(*between.low), key(*between.high));
    Ok(Transformed::yes(Expr::Between(between)))
}

fn one_of(mut list: InList, schema: &DFSchema) -> Result<Transformed<Expr>> {
    if !has_floats(&list.expr, schema)? {
        return Ok(Transformed::no(Expr::InList(list)));
    }
    let numbers: Option<Vec<ScalarValue>> = list.list.iter().map(number).collect();
    let Some(numbers) = numbers else {
        list.expr = key(*list.expr);
        list.list = list.list.into_iter().map(|value| normalized(value, Normal::Key)).collect();
        return Ok(Transformed::yes(Expr::InList(list)));
    };
    if !numbers.iter().any(is_zero) {
        return Ok(Transformed::no(Expr::InList(list)));
    }
    // The list is looked up by bits: either zero stands for both.
    let data_type = list.expr.get_type(schema)?;
    list.list.extend([0.0, -0.0].map(|zero| lit(float(zero, &data_type))));
    Ok(Transformed::yes(Expr::InList(list)))
}

fn branches(mut case: Case, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Some(base) = case.expr.take() else { return Ok(Transformed::no(Expr::Case(case))) };
    if !has_floats(&base, schema)? {
        case.expr = Some(base);
        return Ok(Transformed::no(Expr::Case(case)));
    }
    case.expr = Some(key(*base));
    for (when, _) in &mut case.when_then_expr {
        **when = normalized(std::mem::take(&mut **when), Normal::Key);
    }
    Ok(Transformed::yes(Expr::Case(case)))
}

fn function(mut call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let normal = match call.name() {
        _ if call.func.inner().downcast_ref::<SparkScalar>().is_some() => return Ok(Transformed::no(Expr::ScalarFunction(call))),
        name if COMPARING.contains(&name) => Normal::Key,
        name if ORDERING.contains(&name) => Normal::Value,
        _ => return Ok(Transformed::no(Expr::ScalarFunction(call))),
    };
    let mut changed = false;
    for arg in &mut call.args {
        if has_floats(arg, schema)? {
            *arg = normalized(std::mem::take(arg), normal);
            changed = true;
        }
    }
    Ok(if changed { Transformed::yes(Expr::ScalarFunction(call)) } else { Transformed::no(Expr::ScalarFunction(call)) })
}

fn key(expr: Expr) -> Box<Expr> {
    Box::new(normalized(expr, Normal::Key))
}

/// A column of floats, wider ones maybe: what is cheap to look at twice, and what statistics are about.
fn is_column(expr: &Expr, schema: &DFSchema) -> Result<bool> {
    match expr {
        Expr::Column(_) => Ok(true),
        Expr::Cast(cast) => Ok(has_floats(&cast.expr, schema)? && is_column(&cast.expr, schema)?),
        _ => Ok(false),
    }
}

/// Whether no value is NaN or −0.0: they were whole numbers or decimals.
fn is_exact(expr: &Expr, schema: &DFSchema) -> Result<bool> {
    match expr {
        Expr::Cast(cast) => cast.expr.get_type(schema).map(|from| from.is_integer() || from.is_decimal()),
        _ => Ok(false),
    }
}

/// The value of a constant that is a float, but not NaN; null is no NaN.
fn number(expr: &Expr) -> Option<ScalarValue> {
    let value = match expr {
        Expr::Literal(value, _) => value.clone(),
        other if other.any_column_refs() || other.contains_outer() => return None,
        other => match ExprSimplifier::new(SimplifyContext::default()).simplify(other.clone()).ok()? {
            Expr::Literal(value, _) => value,
            _ => return None,
        },
    };
    match value {
        ScalarValue::Float64(v) => (!v.is_some_and(f64::is_nan)).then_some(value),
        ScalarValue::Float32(v) => (!v.is_some_and(f32::is_nan)).then_some(value),
        _ => None,
    }
}

fn is_zero(number: &ScalarValue) -> bool {
    match number {
        ScalarValue::Float64(v) => *v == Some(0.0),
        ScalarValue::Float32(v) => *v == Some(0.0),
        _ => false,
    }
}

fn float(value: f64, data_type: &DataType) -> ScalarValue {
    match data_type {
        DataType::Float32 => ScalarValue::Float32(Some(value as f32)),
        _ => ScalarValue::Float64(Some(value)),
    }
}
