//! One expression whose operands' types are final, with Spark's meaning: operators, casts, common types, and functions whose
//! engine namesake takes other types. It looks at one node and leaves the tree to its caller.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{DFSchema, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{InSubquery, ScalarFunction};
use datafusion::logical_expr::expr_schema::cast_subquery;
use datafusion::logical_expr::{Case, Expr, ExprSchemable, Operator, lit};
use datafusion::scalar::ScalarValue;
use tidemill_planner::catalog_string::catalog_string;

use super::types::{Meeting, common_of};
use super::{arithmetic, cast, nullif, spans, unary};

/// `expr` as Spark means it.
pub(super) fn resolve(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    Ok(match expr {
        Expr::BinaryExpr(mut b) if is_comparison(b.op) => {
            let mut sides = [*b.left, *b.right];
            meet(&mut sides, Meeting::Compared, schema)?;
            let [left, right] = sides;
            (b.left, b.right) = (Box::new(left), Box::new(right));
            Expr::BinaryExpr(b)
        }
        Expr::BinaryExpr(_) => arithmetic::resolve(expr, schema)?,
        Expr::Between(mut b) => {
            let mut operands = [*b.expr, *b.low, *b.high];
            meet(&mut operands, Meeting::Compared, schema)?;
            let [expr, low, high] = operands;
            (b.expr, b.low, b.high) = (Box::new(expr), Box::new(low), Box::new(high));
            Expr::Between(b)
        }
        Expr::InList(mut list) => {
            let mut operands = vec![*list.expr];
            operands.append(&mut list.list);
            meet(&mut operands, Meeting::Compared, schema)?;
            list.expr = Box::new(operands.remove(0));
            list.list = operands;
            Expr::InList(list)
        }
        Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
            let types = [expr.get_type(schema)?, subquery.subquery.schema().field(0).data_type().clone()];
            spans::refuse_inside(&types)?;
            match common_of(&types, Meeting::Compared) {
                Some(met) => {
                    let expr = Box::new(cast::to(*expr, &met, schema)?);
                    Expr::InSubquery(InSubquery::new(expr, cast_subquery(subquery, &met)?, negated))
                }
                None => Expr::InSubquery(InSubquery::new(expr, subquery, negated)),
            }
        }
        Expr::Case(case) => Expr::Case(branches(case, schema)?),
        Expr::Negative(operand) if operand.get_type(schema)?.is_integer() => unary::negate(*operand),
        Expr::Cast(_) | Expr::TryCast(_) => cast::resolve(expr, schema)?,
        Expr::ScalarFunction(call) => function(call, schema)?,
        Expr::AggregateFunction(call) => {
            spans::refuse_aggregate(&call, schema)?;
            Expr::AggregateFunction(call)
        }
        Expr::WindowFunction(call) => {
            spans::refuse_window(&call, schema)?;
            Expr::WindowFunction(call)
        }
        other => other,
    })
}

pub(super) fn is_comparison(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// Casts operands to their common type, where it is not the engine's.
fn meet(operands: &mut [Expr], why: Meeting, schema: &DFSchema) -> Result<()> {
    let types: Vec<DataType> = operands.iter().map(|e| e.get_type(schema)).collect::<Result<_>>()?;
    if why == Meeting::Compared {
        spans::refuse_inside(&types)?;
    }
    let Some(met) = common_of(&types, why) else { return Ok(()) };
    for operand in operands {
        *operand = cast::to(std::mem::take(operand), &met, schema)?;
    }
    Ok(())
}

fn branches(mut case: Case, schema: &DFSchema) -> Result<Case> {
    if let Some(base) = case.expr.take() {
        let mut compared = vec![*base];
        compared.extend(case.when_then_expr.iter().map(|(when, _)| when.as_ref().clone()));
        meet(&mut compared, Meeting::Compared, schema)?;
        case.expr = Some(Box::new(compared.remove(0)));
        for ((when, _), met) in case.when_then_expr.iter_mut().zip(compared) {
            **when = met;
        }
    }
    let mut values: Vec<Expr> = case.when_then_expr.iter().map(|(_, then)| then.as_ref().clone()).collect();
    values.extend(case.else_expr.as_deref().cloned());
    meet(&mut values, Meeting::Unified, schema)?;
    let mut values = values.into_iter();
    for (_, then) in &mut case.when_then_expr {
        **then = values.next().unwrap_or_default();
    }
    case.else_expr = values.next().map(Box::new);
    Ok(case)
}

/// Functions whose arguments from this place on are values of one column.
const UNIFYING: [(&str, usize); 7] =
    [("coalesce", 0), ("nvl2", 1), ("greatest", 0), ("least", 0), ("if", 1), ("array", 0), ("make_array", 0)];

fn function(mut call: ScalarFunction, schema: &DFSchema) -> Result<Expr> {
    let name = call.name().to_owned();
    spans::refuse_function(&call, schema)?;
    if let Some((_, from)) = UNIFYING.iter().find(|(known, _)| *known == name)
        && let Some(values) = call.args.get_mut(*from..)
    {
        meet(values, Meeting::Unified, schema)?;
    }
    match (name.as_str(), call.args.as_slice()) {
        ("nullif", [_, _]) => nullif::resolve(call.args, schema),
        ("reverse", [array]) if is_list(&array.get_type(schema)?) => {
            Ok(datafusion::functions_nested::reverse::array_reverse_udf().call(call.args))
        }
        ("get_field", [map, _]) => {
            if let DataType::Map(entries, _) = map.get_type(schema)?
                && let DataType::Struct(pair) = entries.data_type()
            {
                keyed(&mut call.args[1], pair[0].data_type(), schema)?;
            }
            Ok(Expr::ScalarFunction(call))
        }
        ("array_join" | "array_to_string", [array, ..]) if !joins_as_text(&array.get_type(schema)?) => {
            plan_err!("`{name}` takes an array of text: cast its items where the array is made, as in `array(cast(x as string))`")
        }
        ("date_part", [Expr::Literal(part, _), _]) if is_epoch(part) => {
            plan_err!("`extract(epoch …)` is not Spark's: use `unix_seconds(timestamp)`")
        }
        _ => arithmetic::resolve(Expr::ScalarFunction(call), schema),
    }
}

/// A map's key is found by its exact type, so a key takes that one, as far as Spark would without being asked to.
fn keyed(key: &mut Expr, to: &DataType, schema: &DFSchema) -> Result<()> {
    spans::refuse_inside(std::slice::from_ref(to))?;
    let from = key.get_type(schema)?;
    if let Expr::Literal(value, _) = key
        && let Some(same) = as_key(value, to)
    {
        *key = lit(same);
        return Ok(());
    }
    if !is_wider(&from, to) {
        let (from, to) = (catalog_string(&from), catalog_string(to));
        return plan_err!(
            "the keys of the map are {to}, and `{}` is {from}: cast it, as in `map[cast(key as {to})]`",
            crate::column::spark_name(key)
        );
    }
    *key = cast::to(std::mem::take(key), to, schema)?;
    Ok(())
}

/// A number that is the same as a key; literals have the least type that holds them.
fn as_key(value: &ScalarValue, to: &DataType) -> Option<ScalarValue> {
    let from = value.data_type();
    let exact = |t: &DataType| t.is_integer() || t.is_decimal();
    if !exact(&from) || !exact(to) || (from.is_decimal() && to.is_integer()) {
        return None;
    }
    let key = value.cast_to(to).ok()?;
    (key.cast_to(&from).ok()? == *value).then_some(key)
}

/// Whether every value of `from` has its like among those of `to`; text is read as whatever the keys are.
fn is_wider(from: &DataType, to: &DataType) -> bool {
    use DataType::{Date32, Decimal128, Float32, Float64, Timestamp};
    match (from, to) {
        (from, to) if from == to || from.is_null() || from.is_string() && !to.is_nested() => true,
        (from, to) if from.is_integer() && to.is_integer() => {
            from.primitive_width() <= to.primitive_width() && from.is_unsigned_integer() == to.is_unsigned_integer()
        }
        (Decimal128(p, s), Decimal128(q, t)) => s <= t && i32::from(*p) - i32::from(*s) <= i32::from(*q) - i32::from(*t),
        // What does not fit is an error of the cast.
        (from, Decimal128(..)) if from.is_integer() => true,
        (from, Float32 | Float64) if from.is_integer() || from.is_decimal() => true,
        (Float32, Float64) | (Date32, Timestamp(..)) => true,
        (Timestamp(_, zone), Timestamp(TimeUnit::Microsecond, other)) => zone == other,
        _ => false,
    }
}

fn is_list(data_type: &DataType) -> bool {
    matches!(data_type, DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..))
}

/// Items that the engine and Spark write alike.
fn joins_as_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(item) | DataType::LargeList(item) => {
            item.data_type().is_string() || item.data_type().is_integer() || item.data_type().is_null()
        }
        _ => true,
    }
}

fn is_epoch(part: &ScalarValue) -> bool {
    matches!(part, ScalarValue::Utf8(Some(text)) if text.eq_ignore_ascii_case("epoch"))
}
