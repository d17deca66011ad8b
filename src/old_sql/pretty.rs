//! The names that Spark gives to the columns of a SELECT list without an alias: `count(1)`, `(a + 1)`. Text only.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DuplicateTreatment, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, UnaryOperator, Value,
};

pub(super) fn pretty(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(ident) => ident.value.clone(),
        Expr::CompoundIdentifier(parts) => parts.last().map(|p: &Ident| p.value.clone()).unwrap_or_default(),
        Expr::Nested(inner) => pretty(inner),
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => text.clone(),
            other => other.to_string(),
        },
        Expr::BinaryOp { left, op: BinaryOperator::MyIntegerDivide, right } => format!("({} div {})", pretty(left), pretty(right)),
        Expr::BinaryOp { left, op, right } => format!("({} {op} {})", pretty(left), pretty(right)),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } if matches!(**expr, Expr::Value(_) | Expr::TypedString(_)) => {
            format!("-{}", pretty(expr))
        }
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => format!("(- {})", pretty(expr)),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => format!("(NOT {})", pretty(expr)),
        // A number with a suffix is called after its digits.
        Expr::TypedString(literal) if super::respell::is_number(&literal.data_type) => match &literal.value.value {
            Value::SingleQuotedString(text) => text.clone(),
            other => other.to_string(),
        },
        Expr::IsNull(inner) => format!("({} IS NULL)", pretty(inner)),
        Expr::IsNotNull(inner) => format!("({} IS NOT NULL)", pretty(inner)),
        Expr::Cast { expr, data_type, .. } => format!("CAST({} AS {})", pretty(expr), data_type.to_string().to_uppercase()),
        Expr::Function(function) if function.over.is_none() && function.filter.is_none() => {
            let name = function.name.to_string().to_lowercase();
            match &function.args {
                FunctionArguments::List(list) => {
                    let args: Vec<String> = list.args.iter().map(|arg| argument(&name, arg)).collect();
                    let distinct = if list.duplicate_treatment == Some(DuplicateTreatment::Distinct) { "DISTINCT " } else { "" };
                    format!("{name}({distinct}{})", args.join(", "))
                }
                _ => format!("{name}()"),
            }
        }
        Expr::Substring { expr, substring_from, substring_for, .. } => {
            let places = substring_from.iter().chain(substring_for).map(|place| format!(", {}", pretty(place)));
            format!("substring({}{})", pretty(expr), places.collect::<String>())
        }
        other => other.to_string().replace('`', ""),
    }
}

fn argument(function: &str, arg: &FunctionArg) -> String {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => pretty(expr),
        FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if function == "count" => "1".to_owned(),
        other => other.to_string(),
    }
}
