//! Expressions as people read them: about the SQL that says the same. It is for messages and histories; nothing reads it again.

use std::fmt::{self, Display, Formatter};

use super::deep::deeper;
use super::{CastMode, Expression, ExpressionKind, Literal};

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        deeper(|| self.fmt_here(f))
    }
}

impl Expression {
    fn fmt_here(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExpressionKind::Literal(literal) => literal.fmt(f),
            ExpressionKind::UnresolvedAttribute { name, .. } => f.write_str(&name.join(".")),
            ExpressionKind::UnresolvedStar { target, .. } if target.is_empty() => f.write_str("*"),
            ExpressionKind::UnresolvedStar { target, .. } => write!(f, "{}.*", target.join(".")),
            ExpressionKind::UnresolvedFunction(call) if call.is_operator => match (call.name.join("."), call.arguments.as_slice()) {
                (op, [one]) => match op.as_str() {
                    "isnull" => write!(f, "({one} IS NULL)"),
                    "isnotnull" => write!(f, "({one} IS NOT NULL)"),
                    "negative" => write!(f, "(- {one})"),
                    op => write!(f, "({} {one})", op.to_uppercase()),
                },
                (op, [one, low, high]) if op == "between" => write!(f, "({one} BETWEEN {low} AND {high})"),
                (op, [one, rest @ ..]) if op == "in" => write!(f, "({one} IN ({}))", list(rest)),
                (op, [left, right]) => write!(f, "({left} {} {right})", op.to_uppercase()),
                (op, arguments) => write!(f, "{op}({})", list(arguments)),
            },
            ExpressionKind::UnresolvedFunction(call) => {
                let distinct = if call.is_distinct { "DISTINCT " } else { "" };
                write!(f, "{}({distinct}{})", call.name.join("."), list(&call.arguments))
            }
            ExpressionKind::Alias { expr, name } => write!(f, "{expr} AS {}", name.join(", ")),
            ExpressionKind::Cast { expr, to_type, mode } => write!(f, "{}({expr} AS {})", cast(*mode), to_type.sql()),
            ExpressionKind::UnresolvedCast { expr, to_type, mode } => write!(f, "{}({expr} AS {to_type})", cast(*mode)),
            ExpressionKind::UnresolvedExtractValue { child, extraction, dotted } => match (&extraction.kind, dotted) {
                (ExpressionKind::Literal(Literal::String(field)), true) => write!(f, "{child}.{field}"),
                _ => write!(f, "{child}[{extraction}]"),
            },
            ExpressionKind::Case { operand, branches, otherwise } => {
                f.write_str("CASE")?;
                operand.iter().try_for_each(|operand| write!(f, " {operand}"))?;
                branches.iter().try_for_each(|(when, then)| write!(f, " WHEN {when} THEN {then}"))?;
                otherwise.iter().try_for_each(|otherwise| write!(f, " ELSE {otherwise}"))?;
                f.write_str(" END")
            }
            ExpressionKind::ExpressionString(text) => f.write_str(text),
            other => write!(f, "{other:?}"),
        }
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null(_) => f.write_str("NULL"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Byte(value) => write!(f, "{value}"),
            Self::Short(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Long(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Double(value) => write!(f, "{value:?}"),
            Self::String(text) => write!(f, "'{text}'"),
            other => write!(f, "{other:?}"),
        }
    }
}

fn cast(mode: CastMode) -> &'static str {
    match mode {
        CastMode::Session => "CAST",
        CastMode::Try => "TRY_CAST",
    }
}

fn list(expressions: &[Expression]) -> String {
    expressions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
