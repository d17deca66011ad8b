//! Spark's spellings that the engine has other words for: functions, operators, literals and grouping, on the syntax tree after
//! its names are settled.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, ExactNumberInfo, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    GroupByExpr, GroupByWithModifier, Ident, ObjectName, Query, Select, SetExpr, SetOperator, UnaryOperator, Value, VisitMut, VisitorMut,
};

use crate::Error;

/// Gives functions the names that the engine has for them; columns have been named by then.
pub(super) fn respell(node: &mut impl VisitMut) {
    let _ = node.visit(&mut Respelling);
}

fn minus_is_except(body: &mut SetExpr) {
    if let SetExpr::SetOperation { left, op, right, .. } = body {
        if *op == SetOperator::Minus {
            *op = SetOperator::Except;
        }
        minus_is_except(left);
        minus_is_except(right);
    }
}

/// Each value of VALUES under the mark that its column's type is settled by.
fn marked(body: &mut SetExpr) {
    match body {
        SetExpr::Values(values) => {
            for value in values.rows.iter_mut().flat_map(|row| row.content.iter_mut()) {
                *value = call(crate::spark::values::MARK, vec![std::mem::replace(value, string(""))]);
            }
        }
        SetExpr::SetOperation { left, right, .. } => {
            marked(left);
            marked(right);
        }
        _ => {}
    }
}

struct Respelling;

impl VisitorMut for Respelling {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        minus_is_except(&mut query.body);
        marked(&mut query.body);
        ControlFlow::Continue(())
    }

    /// `GROUP BY a WITH ROLLUP` is `GROUP BY ROLLUP (a)`; the planner would drop the modifier without a word.
    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        let GroupByExpr::Expressions(keys, modifiers) = &mut select.group_by else { return ControlFlow::Continue(()) };
        let each = |keys: &mut Vec<Expr>| std::mem::take(keys).into_iter().map(|key| vec![key]).collect();
        match modifiers.as_slice() {
            [GroupByWithModifier::Rollup] => *keys = vec![Expr::Rollup(each(keys))],
            [GroupByWithModifier::Cube] => *keys = vec![Expr::Cube(each(keys))],
            _ => {}
        }
        modifiers.clear();
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        match expr {
            // The engine numbers rows with unsigned types, which Spark does not have.
            Expr::Function(function) if function.over.is_some() && numbers_rows(&function.name) => {
                *expr = cast(expr.clone(), DataType::Int(None));
            }
            Expr::Function(function) if function.name.to_string() == "approx_distinct" => {
                *expr = cast(expr.clone(), DataType::BigInt(None));
            }
            Expr::Value(value) => {
                // A number with an exponent is a double.
                if let Value::Number(digits, _) = &value.value
                    && digits.to_string().contains(['e', 'E'])
                {
                    *expr = cast(string(&digits.to_string()), DataType::Double(ExactNumberInfo::None));
                }
            }
            Expr::UnaryOp { op: op @ UnaryOperator::BangNot, .. } => *op = UnaryOperator::Not,
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        match expr {
            Expr::Function(function) => respell_function(function),
            Expr::Struct { values, fields } if fields.is_empty() => *expr = named_struct(std::mem::take(values)),
            // The least value of a type has no opposite to negate.
            Expr::UnaryOp { op: UnaryOperator::Minus, expr: operand } => {
                if let Expr::TypedString(literal) = operand.as_mut()
                    && is_number(&literal.data_type)
                    && let Value::SingleQuotedString(text) = &mut literal.value.value
                {
                    text.insert(0, '-');
                    *expr = Expr::TypedString(literal.clone());
                }
            }
            Expr::RLike { negated, expr: text, pattern, .. } => {
                let matches = call("regexp_like", vec![(**text).clone(), (**pattern).clone()]);
                *expr = if *negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(matches) } } else { matches };
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn respell_function(function: &mut Function) {
    let FunctionArguments::List(list) = &mut function.args else { return };
    let name = function.name.to_string().to_lowercase();
    if name == "map" {
        function.name = ObjectName::from(vec![Ident::new("make_map")]);
    }
    let Some(respelled) = crate::spark::respelled(&name, list.args.len()) else { return };
    function.name = ObjectName::from(vec![Ident::new(respelled.name)]);
    list.args.extend(respelled.last_arguments.iter().map(|text| argument(string(text))));
    list.args.splice(0..0, respelled.first_argument.map(|text| argument(string(text))));
}

/// A type whose literals are numbers.
pub(super) fn is_number(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::TinyInt(_)
            | DataType::SmallInt(_)
            | DataType::BigInt(_)
            | DataType::Double(_)
            | DataType::Float(_)
            | DataType::Decimal(_)
    )
}

fn numbers_rows(function: &ObjectName) -> bool {
    matches!(function.to_string().to_lowercase().as_str(), "row_number" | "rank" | "dense_rank" | "ntile")
}

fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(expr), data_type, array: false, format: None }
}

/// `struct(a, b + 1)` names its fields after its columns.
fn named_struct(values: Vec<Expr>) -> Expr {
    let mut args = Vec::with_capacity(values.len() * 2);
    for (i, value) in values.into_iter().enumerate() {
        let (name, value) = match value {
            Expr::Named { expr, name } => (name.value, *expr),
            Expr::Identifier(ident) => (ident.value.clone(), Expr::Identifier(ident)),
            Expr::CompoundIdentifier(parts) => (parts.last().map(|p| p.value.clone()).unwrap_or_default(), Expr::CompoundIdentifier(parts)),
            other => (format!("col{}", i + 1), other),
        };
        args.extend([string(&name), value]);
    }
    call("named_struct", args)
}

pub(super) fn call(name: &str, args: Vec<Expr>) -> Expr {
    let list = FunctionArgumentList { duplicate_treatment: None, args: args.into_iter().map(argument).collect(), clauses: Vec::new() };
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(list),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn argument(expr: Expr) -> FunctionArg {
    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))
}

pub(super) fn string(text: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(text.to_owned()).into())
}
