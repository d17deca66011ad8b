//! USING and NATURAL JOIN: each pair of columns becomes one, as in Spark. The join gets an ON, plain names and `*` get the value
//! that the kind of join gives the pair, and qualified names still mean one side's.
//!
//! ```text
//! before  SELECT * FROM l FULL JOIN r USING (k)
//! after   SELECT coalesce(l.k, r.k) AS k, l.a, r.b FROM l FULL JOIN r ON l.k = r.k
//! ```

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, Expr, Ident, JoinConstraint, JoinOperator, ObjectNamePart, SelectItem, Subscript, WildcardAdditionalOptions,
};
use tidemill_planner::ident::did_you_mean;

use super::respell::{call, string};
use super::scope::{Relation, Visible};
use crate::{Error, Result};
use tidemill_planner::ident::same;

/// A column that stands for one of each side.
#[derive(Debug, Clone)]
pub(super) struct Merged {
    pub(super) name: String,
    value: Expr,
}

impl Merged {
    /// A field of it, or itself.
    pub(super) fn field(&self, fields: &[Ident]) -> Expr {
        match &self.value {
            value if fields.is_empty() => value.clone(),
            Expr::CompoundIdentifier(parts) => Expr::CompoundIdentifier(parts.iter().chain(fields).cloned().collect()),
            value => {
                let access = |field: &Ident| AccessExpr::Subscript(Subscript::Index { index: string(&field.value) });
                Expr::CompoundFieldAccess { root: Box::new(value.clone()), access_chain: fields.iter().map(access).collect() }
            }
        }
    }
}

/// Which side's rows a join keeps, as far as merged columns and visible ones go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Inner and left joins: the left column has every value.
    Left,
    Right,
    Full,
    /// Semi and anti joins give the columns of one side.
    LeftOnly,
    RightOnly,
}

/// The kind and the constraint of a join; SEMI and ANTI get the name that the planner knows.
pub(super) fn join_kind(operator: &mut JoinOperator) -> Result<(Kind, &mut JoinConstraint)> {
    if let JoinOperator::Semi(constraint) | JoinOperator::Anti(constraint) = operator {
        let constraint = std::mem::replace(constraint, JoinConstraint::None);
        *operator =
            if matches!(operator, JoinOperator::Semi(_)) { JoinOperator::LeftSemi(constraint) } else { JoinOperator::LeftAnti(constraint) };
    }
    Ok(match operator {
        JoinOperator::Join(c) | JoinOperator::Inner(c) | JoinOperator::CrossJoin(c) => (Kind::Left, c),
        JoinOperator::Left(c) | JoinOperator::LeftOuter(c) => (Kind::Left, c),
        JoinOperator::Right(c) | JoinOperator::RightOuter(c) => (Kind::Right, c),
        JoinOperator::FullOuter(c) => (Kind::Full, c),
        JoinOperator::LeftSemi(c) | JoinOperator::LeftAnti(c) => (Kind::LeftOnly, c),
        JoinOperator::RightSemi(c) | JoinOperator::RightAnti(c) => (Kind::RightOnly, c),
        _ => {
            return Err(Error::unsupported("this kind of join is not supported: INNER, LEFT, RIGHT, FULL, SEMI, ANTI and CROSS JOIN are"));
        }
    })
}

/// Whether a join merges columns.
pub(super) fn merges(operator: &JoinOperator) -> bool {
    let mut operator = operator.clone();
    matches!(join_kind(&mut operator), Ok((_, JoinConstraint::Using(_) | JoinConstraint::Natural)))
}

/// Merges the columns that `constraint` names and writes it as an ON; the merged columns stand on the left.
pub(super) fn merge(mut left: Visible, mut right: Visible, kind: Kind, constraint: &mut JoinConstraint) -> Result<(Visible, Visible)> {
    let names = match constraint {
        JoinConstraint::Using(names) => names
            .iter()
            .map(|name| match name.0.as_slice() {
                [ObjectNamePart::Identifier(ident)] => Ok(ident.value.clone()),
                _ => Err(Error::analysis(format!("`USING ({name})` takes plain column names"))),
            })
            .collect::<Result<Vec<_>>>()?,
        _ => common(&left, &right)?,
    };
    let mut merged: Vec<Merged> = Vec::new();
    let mut condition: Option<Expr> = None;
    for name in names {
        let (spelling, of_left) = side(&mut left, &name, "left")?;
        let (_, of_right) = side(&mut right, &name, "right")?;
        let equal = binary(of_left.clone(), BinaryOperator::Eq, of_right.clone());
        condition = Some(match condition {
            Some(others) => binary(others, BinaryOperator::And, equal),
            None => equal,
        });
        let value = match kind {
            Kind::Left | Kind::LeftOnly => of_left,
            Kind::Right | Kind::RightOnly => of_right,
            Kind::Full => call("coalesce", vec![of_left, of_right]),
        };
        merged.push(Merged { name: spelling, value });
    }
    // Sides without a common column are paired row by row.
    *constraint = JoinConstraint::On(condition.unwrap_or_else(|| binary(string(""), BinaryOperator::Eq, string(""))));
    for older in left.merged.drain(..).chain(right.merged.drain(..)) {
        if !merged.iter().any(|m| same(&m.name, &older.name)) {
            merged.push(older);
        }
    }
    left.merged = merged;
    Ok((left, right))
}

/// The names that both sides have.
fn common(left: &Visible, right: &Visible) -> Result<Vec<String>> {
    let names = |visible: &Visible| -> Result<Vec<String>> {
        let mut names: Vec<String> = visible.merged.iter().map(|m| m.name.clone()).collect();
        for relation in &visible.relations {
            if relation.columns.is_none() {
                return Err(unknown("NATURAL JOIN"));
            }
            names.extend(relation.shown().map(|column| column.name.clone()));
        }
        Ok(names)
    };
    let right = names(right)?;
    Ok(names(left)?.into_iter().filter(|name| right.iter().any(|other| same(name, other))).collect())
}

/// The spelling and the value of the one column of that name on a side, which is hidden from now on.
fn side(visible: &mut Visible, name: &str, which: &str) -> Result<(String, Expr)> {
    let mut found: Vec<(String, Expr)> = Vec::new();
    found.extend(visible.merged.iter().filter(|m| same(&m.name, name)).map(|m| (m.name.clone(), m.value.clone())));
    for relation in &mut visible.relations {
        let spellings: Vec<String> = relation.shown().filter(|c| same(&c.name, name)).map(|c| c.name.clone()).collect();
        for spelling in spellings {
            found.push((spelling.clone(), qualified(relation, &spelling)));
            relation.hidden.push(spelling);
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 if visible.relations.iter().any(|r| r.columns.is_none()) => Err(unknown("USING")),
        0 => {
            let columns: Vec<&str> = visible.relations.iter().flat_map(Relation::shown).map(|c| c.name.as_str()).collect();
            let hint = did_you_mean(name, columns.iter().copied());
            Err(Error::analysis(format!("`USING ({name})`: the {which} side has no such column{hint} (columns: {})", columns.join(", "))))
        }
        _ => Err(Error::analysis(format!("`USING ({name})`: the {which} side has several columns of that name: join with ON"))),
    }
}

fn unknown(what: &str) -> Error {
    Error::unsupported(format!("{what} over a function in FROM is not supported: its columns are not known yet; join with ON"))
}

fn qualified(relation: &Relation, column: &str) -> Expr {
    let parts = relation.name.iter().map(String::as_str).chain([column]);
    Expr::CompoundIdentifier(parts.map(|part| Ident::with_quote('`', part)).collect())
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

/// Writes `*` out where joins have merged columns: those first, then what is left of each relation.
pub(super) fn expand_stars(items: &mut Vec<SelectItem>, from: &Visible) -> Result<()> {
    if from.merged.is_empty() {
        return Ok(());
    }
    for item in std::mem::take(items) {
        let SelectItem::Wildcard(options) = &item else {
            items.push(item);
            continue;
        };
        let left_out = left_out(options, from)?;
        let kept = |name: &str| !left_out.iter().any(|other| same(other, name));
        for merged in from.merged.iter().filter(|m| kept(&m.name)) {
            items.push(match &merged.value {
                Expr::CompoundIdentifier(parts) if parts.last().is_some_and(|p| p.value == merged.name) => {
                    SelectItem::UnnamedExpr(merged.value.clone())
                }
                value => SelectItem::ExprWithAlias { expr: value.clone(), alias: Ident::with_quote('`', &merged.name) },
            });
        }
        for relation in &from.relations {
            if relation.columns.is_none() {
                return Err(unknown("`*` beside USING"));
            }
            let shown = relation.shown().filter(|c| kept(&c.name));
            items.extend(shown.map(|column| SelectItem::UnnamedExpr(qualified(relation, &column.name))));
        }
    }
    Ok(())
}

/// The names after EXCEPT.
fn left_out(options: &WildcardAdditionalOptions, from: &Visible) -> Result<Vec<String>> {
    let Some(except) = &options.opt_except else { return Ok(Vec::new()) };
    let named = std::iter::once(&except.first_element).chain(&except.additional_elements).map(|ident| ident.value.clone());
    let columns: Vec<&str> = from
        .merged
        .iter()
        .map(|m| m.name.as_str())
        .chain(from.relations.iter().flat_map(Relation::shown).map(|c| c.name.as_str()))
        .collect();
    named
        .map(|name| {
            if columns.iter().any(|column| same(column, &name)) {
                return Ok(name);
            }
            Err(Error::analysis(format!(
                "unknown column `{name}`{} (columns: {})",
                did_you_mean(&name, columns.iter().copied()),
                columns.join(", ")
            )))
        })
        .collect()
}
