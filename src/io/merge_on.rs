//! The condition of a MERGE as the engine can join by it: the columns that both sides must agree in. Conditions of its clauses get the
//! engine's own names for the sides.

use tidemill_planner::{Error, Result};
use tidemill_spark::parse::{ParseOptions, parse_expression};
use tidemill_spark::plan::{Expression, ExpressionKind, FunctionCall};

/// The names of the two sides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sides<'a> {
    pub(crate) source: &'a str,
    pub(crate) target: &'a str,
}

/// The key columns of `target.a = source.a AND target.b = source.b`.
///
/// # Errors
/// `Unsupported` for any other condition.
pub(crate) fn keys_of(condition: &Expression, sides: Sides<'_>, options: &ParseOptions) -> Result<Vec<String>> {
    let mut keys = Vec::new();
    let mut open = vec![condition.clone()];
    while let Some(next) = open.pop() {
        match &next.kind {
            ExpressionKind::ExpressionString(text) => open.push(parse_expression(text, options)?),
            ExpressionKind::UnresolvedFunction(call) => match (call.name.as_slice(), call.arguments.as_slice()) {
                ([and], [one, other]) if and == "and" => open.extend([other.clone(), one.clone()]),
                ([equal], [one, other]) if equal == "=" => keys.push(key_of(one, other, sides).ok_or_else(|| no_key(&next, sides))?),
                _ => return Err(no_key(&next, sides)),
            },
            _ => return Err(no_key(&next, sides)),
        }
    }
    Ok(keys)
}

/// The column that both sides of an equation name.
fn key_of(one: &Expression, other: &Expression, sides: Sides<'_>) -> Option<String> {
    let (one, other) = (attribute(one)?, attribute(other)?);
    let is = |name: &str, side: &str| name.eq_ignore_ascii_case(side);
    let opposite = (is(one.0, sides.source) && is(other.0, sides.target)) || (is(one.0, sides.target) && is(other.0, sides.source));
    (opposite && one.1.eq_ignore_ascii_case(other.1)).then(|| one.1.to_owned())
}

fn attribute(expression: &Expression) -> Option<(&str, &str)> {
    match &expression.kind {
        ExpressionKind::UnresolvedAttribute { name, .. } => match name.as_slice() {
            [side, column] => Some((side, column)),
            _ => None,
        },
        _ => None,
    }
}

fn no_key(part: &Expression, sides: Sides<'_>) -> Error {
    let Sides { source, target } = sides;
    Error::unsupported(format!(
        "rows are merged where columns of one name are equal, as in `{target}.id = {source}.id AND {target}.day = {source}.day`, and `{part}` \
         says something else: give both sides a column with what they shall agree in"
    ))
}

/// A condition of a clause, its sides called `source` and `target`.
///
/// # Errors
/// `Unsupported` for an expression in which the sides cannot be renamed.
pub(crate) fn with_our_names(condition: &Expression, sides: Sides<'_>, options: &ParseOptions) -> Result<Expression> {
    let same = |one: &Expression| with_our_names(one, sides, options);
    let kind = match &condition.kind {
        ExpressionKind::ExpressionString(text) => return same(&parse_expression(text, options)?),
        ExpressionKind::UnresolvedAttribute { name, plan_id } => {
            let mut name = name.clone();
            if let [side, _, ..] = name.as_mut_slice() {
                if side.eq_ignore_ascii_case(sides.source) {
                    "source".clone_into(side);
                } else if side.eq_ignore_ascii_case(sides.target) {
                    "target".clone_into(side);
                }
            }
            ExpressionKind::UnresolvedAttribute { name, plan_id: *plan_id }
        }
        ExpressionKind::UnresolvedFunction(call) => {
            let arguments = call.arguments.iter().map(same).collect::<Result<_>>()?;
            ExpressionKind::UnresolvedFunction(Box::new(FunctionCall { arguments, ..call.as_ref().clone() }))
        }
        ExpressionKind::Cast { expr, to_type, mode } => {
            ExpressionKind::Cast { expr: Box::new(same(expr)?), to_type: to_type.clone(), mode: *mode }
        }
        ExpressionKind::UnresolvedCast { expr, to_type, mode } => {
            ExpressionKind::UnresolvedCast { expr: Box::new(same(expr)?), to_type: to_type.clone(), mode: *mode }
        }
        ExpressionKind::UnresolvedExtractValue { child, extraction, dotted } => ExpressionKind::UnresolvedExtractValue {
            child: Box::new(same(child)?),
            extraction: Box::new(same(extraction)?),
            dotted: *dotted,
        },
        ExpressionKind::Case { operand, branches, otherwise } => ExpressionKind::Case {
            operand: operand.as_deref().map(same).transpose()?.map(Box::new),
            branches: branches.iter().map(|(when, then)| Ok((same(when)?, same(then)?))).collect::<Result<_>>()?,
            otherwise: otherwise.as_deref().map(same).transpose()?.map(Box::new),
        },
        ExpressionKind::Literal(_) => condition.kind.clone(),
        _ if sides.source == "source" && sides.target == "target" => condition.kind.clone(),
        _ => {
            return Err(Error::unsupported(format!(
                "`{condition}` in a clause of a merge whose sides are called `{}` and `{}`: call them `source` and `target`",
                sides.source, sides.target
            )));
        }
    };
    Ok(Expression { kind, span: condition.span })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDES: Sides<'static> = Sides { source: "s", target: "t" };

    fn parsed(text: &str) -> Expression {
        parse_expression(text, &ParseOptions::default()).unwrap()
    }

    #[test]
    fn keys() {
        for (condition, keys) in [
            ("t.id = s.id", Some(vec!["id"])),
            ("s.ID = t.id", Some(vec!["ID"])),
            ("(t.id = s.id) AND s.day = t.day AND t.c = s.c", Some(vec!["id", "day", "c"])),
            ("t.id = s.key", None),
            ("t.id = t.id", None),
            ("t.id = s.id OR t.k = s.k", None),
            ("t.id <=> s.id", None),
            ("id = s.id", None),
            ("t.id = s.id + 1", None),
            ("true", None),
        ] {
            let found = keys_of(&parsed(condition), SIDES, &ParseOptions::default());
            assert_eq!(found.as_ref().ok(), keys.map(|keys| keys.into_iter().map(str::to_owned).collect()).as_ref(), "{condition}");
        }
    }

    #[test]
    fn sides_are_renamed() {
        for (condition, renamed) in [
            ("s.at > t.at", "source.at > target.at"),
            ("coalesce(S.x, 1) BETWEEN t.a AND CAST(t.b AS INT)", "coalesce(source.x, 1) BETWEEN target.a AND CAST(target.b AS INT)"),
            ("CASE WHEN s.x IS NULL THEN t.y ELSE false END", "CASE WHEN source.x IS NULL THEN target.y ELSE false END"),
        ] {
            let made = with_our_names(&parsed(condition), SIDES, &ParseOptions::default()).unwrap();
            assert_eq!(made.to_string(), parsed(renamed).to_string());
        }
        let error = with_our_names(&parsed("EXISTS (SELECT s.a)"), SIDES, &ParseOptions::default()).unwrap_err();
        assert!(error.message().contains("call them `source` and `target`"), "{error}");
    }
}
