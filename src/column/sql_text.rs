//! An unbound expression as SQL text, for what must be written down and read again. It knows the plain constructions; for the others
//! it has no words, and whoever asks says so.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{Between, InList, Like, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use super::unbound::Unbound;

/// The text, every operation in parentheses of its own; `None` where there are no words for a part.
pub(crate) fn sql_text(expr: &Expr) -> Option<String> {
    let text = |expr: &Expr| sql_text(expr);
    let not = |negated: bool| if negated { "NOT " } else { "" };
    let list = |exprs: &[Expr]| Some(exprs.iter().map(sql_text).collect::<Option<Vec<_>>>()?.join(", "));
    Some(match expr {
        Expr::Column(column) => match &column.relation {
            Some(relation) => format!("{}.{}", quoted(relation.table()), quoted(&column.name)),
            // A name with backticks is SQL already.
            None if column.name.contains('`') => column.name.clone(),
            None => column.name.split('.').map(quoted).collect::<Vec<_>>().join("."),
        },
        Expr::Literal(value, _) => literal(value)?,
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => format!("({} {} {})", text(left)?, operator(*op)?, text(right)?),
        Expr::Not(of) => format!("(NOT {})", text(of)?),
        Expr::Negative(of) => format!("(- {})", text(of)?),
        Expr::IsNull(of) => format!("({} IS NULL)", text(of)?),
        Expr::IsNotNull(of) => format!("({} IS NOT NULL)", text(of)?),
        Expr::IsTrue(of) => format!("({} IS TRUE)", text(of)?),
        Expr::IsFalse(of) => format!("({} IS FALSE)", text(of)?),
        Expr::Between(Between { expr, negated, low, high }) => {
            format!("({} {}BETWEEN {} AND {})", text(expr)?, not(*negated), text(low)?, text(high)?)
        }
        Expr::InList(InList { expr, list: items, negated }) => format!("({} {}IN ({}))", text(expr)?, not(*negated), list(items)?),
        Expr::Like(Like { negated, expr, pattern, escape_char: None, case_insensitive }) => {
            let like = if *case_insensitive { "ILIKE" } else { "LIKE" };
            format!("({} {}{like} {})", text(expr)?, not(*negated), text(pattern)?)
        }
        Expr::ScalarFunction(call) => marker(call, &list)?,
        _ => return None,
    })
}

fn marker(call: &ScalarFunction, list: &dyn Fn(&[Expr]) -> Option<String>) -> Option<String> {
    Some(match (Unbound::of(call)?, call.args.as_slice()) {
        // A comment at its end ends with the line.
        (Unbound::Sql(text), []) => format!("({text}\n)"),
        (Unbound::Call { name, distinct: false }, args) => format!("{name}({})", list(args)?),
        (Unbound::Field(name), [base]) => format!("{}.{}", sql_text(base)?, quoted(name)),
        (Unbound::Cast { ddl, strict: true }, [of]) => format!("CAST({} AS {ddl})", sql_text(of)?),
        (Unbound::Cast { ddl, strict: false }, [of]) => format!("TRY_CAST({} AS {ddl})", sql_text(of)?),
        _ => return None,
    })
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn operator(op: Operator) -> Option<&'static str> {
    Some(match op {
        Operator::Eq => "=",
        Operator::NotEq => "<>",
        Operator::Lt => "<",
        Operator::LtEq => "<=",
        Operator::Gt => ">",
        Operator::GtEq => ">=",
        Operator::Plus => "+",
        Operator::Minus => "-",
        Operator::Multiply => "*",
        Operator::Divide => "/",
        Operator::Modulo => "%",
        Operator::And => "AND",
        Operator::Or => "OR",
        Operator::IsNotDistinctFrom => "<=>",
        _ => return None,
    })
}

fn literal(value: &ScalarValue) -> Option<String> {
    Some(match value {
        ScalarValue::Null => "NULL".to_owned(),
        ScalarValue::Boolean(Some(value)) => value.to_string(),
        ScalarValue::Int8(Some(value)) => format!("{value}Y"),
        ScalarValue::Int16(Some(value)) => format!("{value}S"),
        ScalarValue::Int32(Some(value)) => value.to_string(),
        ScalarValue::Int64(Some(value)) => format!("{value}L"),
        ScalarValue::Float64(Some(value)) if value.is_finite() => format!("{value:?}D"),
        ScalarValue::Utf8(Some(text)) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        _ => return None,
    })
}
