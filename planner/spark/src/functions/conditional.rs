//! `if`, `when`, `coalesce` and functions that choose between their arguments.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Expr, Operator};

use super::operators::coerce::{self, Takes};
use super::operators::comparison::{Comparison, compare, refuse_unordered};
use super::operators::{kernel, nested, null_of, row};
use super::{Call, Function, Group, Want};
use crate::types::SparkType as T;
use crate::{Result, Sql, Typed};

fn same_types(values: &[Typed]) -> bool {
    values.windows(2).all(|pair| matches!(pair, [a, b] if a.data_type == b.data_type))
}

fn merged(call: &Call<'_>, values: Vec<Typed>) -> Result<Vec<Typed>> {
    if same_types(&values) { Ok(values) } else { call.same_type(values) }
}

fn type_of(values: &[Typed]) -> T {
    values.first().map_or(T::Null, |value| value.data_type.clone())
}

/// A condition: a boolean, or null as one.
fn condition(call: &Call<'_>, at: usize) -> Result<Typed> {
    let value = call.arg(at)?;
    match value.data_type {
        T::Boolean => Ok(value),
        T::Null => null_of(&T::Boolean, &value),
        _ => Err(call.unexpected_type(at, &value, "\"BOOLEAN\"")),
    }
}

fn chosen(branches: Vec<(Expr, Expr)>, otherwise: Option<Expr>) -> Expr {
    let branches = branches.into_iter().map(|(condition, value)| (Box::new(condition), Box::new(value))).collect();
    Expr::Case(Case::new(None, branches, otherwise.map(Box::new)))
}

fn if_(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(3..=3)?;
    let condition = condition(call, 0)?;
    let (yes, no) = (call.arg(1)?, call.arg(2)?);
    let shown = Sql::concat(vec![Sql::from("("), Sql::call("IF", [&condition.sql, &yes.sql, &no.sql]), Sql::from(")")]);
    Ok(either(call, condition.expr, yes, no)?.shown(shown))
}

/// `yes` where the condition is true, else `no`.
fn either(call: &Call<'_>, condition: Expr, yes: Typed, no: Typed) -> Result<Typed> {
    let values = merged(call, vec![yes, no])?;
    let (out, nullable) = (type_of(&values), values.iter().any(|value| value.nullable));
    let mut exprs = values.into_iter().map(|value| value.expr);
    let (Some(yes), Some(no)) = (exprs.next(), exprs.next()) else { return Err(call.wrong_arity("3")) };
    Ok(call.made(chosen(vec![(condition, yes)], Some(no)), out, nullable))
}

/// `CASE WHEN c THEN v … ELSE e END`
fn when(call: &mut Call<'_>) -> Result<Typed> {
    if call.len() < 2 {
        return Err(call.wrong_arity("2 or more"));
    }
    let has_else = call.len() % 2 == 1;
    let branches = call.len() / 2;
    let mut parts = vec![Sql::from("CASE")];
    let (mut conditions, mut values) = (Vec::with_capacity(branches), Vec::with_capacity(branches + 1));
    for branch in 0..branches {
        let (condition, value) = (condition(call, branch * 2)?, call.arg(branch * 2 + 1)?);
        parts.extend([Sql::from(" WHEN "), condition.sql.clone(), Sql::from(" THEN "), value.sql.clone()]);
        conditions.push(condition.expr);
        values.push(value);
    }
    if has_else {
        let otherwise = call.arg(call.len() - 1)?;
        parts.extend([Sql::from(" ELSE "), otherwise.sql.clone()]);
        values.push(otherwise);
    }
    parts.push(Sql::from(" END"));
    let values = merged(call, values)?;
    let out = type_of(&values);
    let nullable = !has_else || values.iter().any(|value| value.nullable);
    let mut values = values.into_iter().map(|value| value.expr);
    let branches = conditions.into_iter().zip(values.by_ref()).collect();
    let otherwise = values.next();
    Ok(call.made(chosen(branches, otherwise), out, nullable).shown(Sql::concat(parts)))
}

fn coalesce(call: &mut Call<'_>) -> Result<Typed> {
    if call.is_empty() {
        return Err(call.wrong_arity("1 or more"));
    }
    first_of(call, call.values()?)
}

/// The first value that is not null.
fn first_of(call: &Call<'_>, values: Vec<Typed>) -> Result<Typed> {
    let values = merged(call, values)?;
    let out = type_of(&values);
    let nullable = values.iter().all(|value| value.nullable);
    if values.len() == 1 {
        return Ok(values.into_iter().next().map_or_else(|| Typed::literal(ScalarValue::Null, T::Null, ""), |v| v.shown(call.sql())));
    }
    // A CASE computes what it tests twice: harmless for columns, not for random numbers, and long chains grow beyond bounds.
    let cheap = |value: &Typed| matches!(value.expr, Expr::Column(_) | Expr::Literal(..));
    let (tested, after_first) = (values.get(..values.len() - 1).unwrap_or_default(), values.get(1..).unwrap_or_default());
    let once = !tested.iter().all(cheap) && (after_first.iter().all(cheap) || tested.iter().any(|value| value.expr.is_volatile()));
    if once && out != T::Null {
        return Ok(kernel(call, "coalesce", nested::first_of, values, Vec::new(), out, nullable));
    }
    let mut exprs: Vec<Expr> = values.into_iter().map(|value| value.expr).collect();
    let last = exprs.pop();
    let branches = exprs.into_iter().map(|expr| (Expr::IsNotNull(Box::new(expr.clone())), expr)).collect();
    Ok(call.made(chosen(branches, last), out, nullable))
}

fn nvl(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    first_of(call, call.values()?)
}

fn nvl2(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(3..=3)?;
    let tested = call.arg(0)?;
    either(call, Expr::IsNotNull(Box::new(tested.expr)), call.arg(1)?, call.arg(2)?)
}

fn nanvl(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    let float = Want::OneOf(vec![Want::Type(T::Double), Want::Type(T::Float)]);
    let values = call.same_type(vec![call.want(0, &float)?, call.want(1, &float)?])?;
    let [value, otherwise] = <[Typed; 2]>::try_from(values).map_err(|_| call.wrong_arity("2"))?;
    let is_nan = datafusion::functions::math::isnan().call(vec![value.expr.clone()]);
    either(call, is_nan, otherwise, value)
}

fn null_if(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    null_where_equal(call, call.arg(0)?, call.arg(1)?)
}

/// `left`, null where it equals `right`. A CASE would compute `left` twice, which chains of these and random numbers do not bear: the
/// kernel takes it as it is, and casts it for the comparison itself.
fn null_where_equal(call: &Call<'_>, left: Typed, right: Typed) -> Result<Typed> {
    let out = left.data_type.clone();
    let equal = compare(call, Comparison::Equal, left.clone(), right.clone())?;
    if out == T::Null {
        return Ok(left.shown(call.sql()));
    }
    let is_plain = match &equal.expr {
        Expr::BinaryExpr(b) => b.op == Operator::Eq,
        Expr::ScalarFunction(f) => f.name() == "=",
        _ => false,
    };
    match coerce::operands(call, "=", Takes::Equality, left.clone(), right) {
        Ok((_, right)) if is_plain => Ok(kernel(call, "nullif", nested::null_if, vec![left, right], Vec::new(), out, true)),
        // Legacy mode compares booleans with numbers in a way of its own.
        _ => {
            let null = null_of(&out, &left)?;
            Ok(call.made(chosen(vec![(equal.expr, null.expr)], Some(left.expr)), out, true))
        }
    }
}

fn zero() -> Typed {
    Typed::literal(ScalarValue::Int32(Some(0)), T::Integer, "0")
}

fn null_if_zero(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=1)?;
    null_where_equal(call, call.arg(0)?, zero())
}

fn zero_if_null(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=1)?;
    first_of(call, vec![call.arg(0)?, zero()])
}

fn extreme(call: &mut Call<'_>, greatest: bool) -> Result<Typed> {
    if call.len() < 2 {
        return Err(call.wrong_arity("2 or more"));
    }
    let values = call.values()?;
    // Text is not made a number, nor a number text.
    let mixed = values.iter().any(|v| v.data_type.is_string()) && values.iter().any(|v| !v.data_type.is_string() && v.data_type != T::Null);
    if mixed {
        let types: Vec<String> = values.iter().map(|v| format!("\"{}\"", v.data_type.sql())).collect();
        let message = format!("the arguments of `{}` need one type, and they are [{}]; cast them", call.name, types.join(", "));
        return Err(call.refuse("DATATYPE_MISMATCH.DATA_DIFF_TYPES", message));
    }
    let values = merged(call, values)?;
    let out = type_of(&values);
    refuse_unordered(call, call.name, &out)?;
    let nullable = values.iter().all(|value| value.nullable);
    if out == T::Null {
        return Ok(Typed::literal(ScalarValue::Null, T::Null, call.sql()));
    }
    Ok(kernel(call, call.name, nested::extreme, values, vec![ScalarValue::Boolean(Some(greatest))], out, nullable))
}

/// The rows of this file.
pub(super) const ROWS: &[Function] = &[
    row(
        "if",
        Group::Conditional,
        "if(expr1, expr2, expr3) - `expr2` where `expr1` is true, else `expr3`.",
        &[("SELECT if(1 < 2, 'a', 'b')", "a"), ("SELECT if(NULL, 'a', 'b')", "b")],
        if_,
    ),
    row(
        "when",
        Group::Conditional,
        "CASE WHEN expr1 THEN expr2 [WHEN expr3 THEN expr4]* [ELSE expr5] END - The value of the first condition that is true.",
        &[("SELECT CASE WHEN 1 > 0 THEN 1 WHEN 2 > 0 THEN 2.0 ELSE 1.2 END", "1.0"), ("SELECT CASE WHEN 1 < 0 THEN 1 END", "NULL")],
        when,
    ),
    row(
        "case",
        Group::Conditional,
        "CASE WHEN expr1 THEN expr2 [WHEN expr3 THEN expr4]* [ELSE expr5] END - The value of the first condition that is true.",
        &[("SELECT CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' END", "b")],
        when,
    ),
    row(
        "coalesce",
        Group::Conditional,
        "coalesce(expr1, expr2, ...) - The first argument that is not null.",
        &[("SELECT coalesce(NULL, 1, NULL)", "1")],
        coalesce,
    ),
    row(
        "nvl",
        Group::Conditional,
        "nvl(expr1, expr2) - `expr1`, or `expr2` where it is null.",
        &[("SELECT nvl(NULL, array('2'))", "[\"2\"]")],
        nvl,
    ),
    row(
        "ifnull",
        Group::Conditional,
        "ifnull(expr1, expr2) - `expr1`, or `expr2` where it is null.",
        &[("SELECT ifnull(NULL, 2)", "2")],
        nvl,
    ),
    row(
        "nanvl",
        Group::Conditional,
        "nanvl(expr1, expr2) - `expr1`, or `expr2` where it is not a number.",
        &[("SELECT nanvl(double('NaN'), 123)", "123.0")],
        nanvl,
    ),
    row(
        "nvl2",
        Group::Conditional,
        "nvl2(expr1, expr2, expr3) - `expr2` where `expr1` is not null, else `expr3`.",
        &[("SELECT nvl2(NULL, 2, 1)", "1")],
        nvl2,
    ),
    row(
        "nullif",
        Group::Conditional,
        "nullif(expr1, expr2) - `expr1`, or null where both are equal.",
        &[("SELECT nullif(2, 2)", "NULL")],
        null_if,
    ),
    row(
        "nullifzero",
        Group::Conditional,
        "nullifzero(expr) - `expr`, or null where it is zero.",
        &[("SELECT nullifzero(0)", "NULL"), ("SELECT nullifzero(2)", "2")],
        null_if_zero,
    ),
    row(
        "zeroifnull",
        Group::Conditional,
        "zeroifnull(expr) - `expr`, or zero where it is null.",
        &[("SELECT zeroifnull(NULL)", "0"), ("SELECT zeroifnull(2)", "2")],
        zero_if_null,
    ),
    row(
        "greatest",
        Group::Math,
        "greatest(expr, ...) - The greatest argument; nulls do not count.",
        &[("SELECT greatest(10, 9, 2, 4, 3)", "10"), ("SELECT greatest(1, NULL)", "1")],
        |c| extreme(c, true),
    ),
    row(
        "least",
        Group::Math,
        "least(expr, ...) - The least argument; nulls do not count.",
        &[("SELECT least(10, 9, 2, 4, 3)", "2")],
        |c| extreme(c, false),
    ),
];
