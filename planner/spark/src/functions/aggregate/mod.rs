//! Aggregates: one file per topic over [`udaf`], which makes engine aggregates of plain accumulators and functions.

pub(super) mod bits;
pub(super) mod collect;
pub(super) mod counting;
mod distinct_texts;
pub(super) mod extremes;
mod float_extremes;
pub(super) mod histogram;
pub(super) mod listagg;
pub(super) mod moments;
mod ordered;
pub(super) mod percentiles;
pub(super) mod picks;
pub(super) mod quantiles;
pub(super) mod sums;
#[cfg(test)]
mod tests;
mod totals;
mod udaf;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, lit, when};
pub(crate) use ordered::takes_rows_in_order;
pub(crate) use udaf::user_aggregate;

use super::{Build, Call, Function, Group};
use crate::{Result, Sql, Typed};

type Examples = &'static [(&'static str, &'static str)];

/// A row of a function without named parameters.
const fn row(name: &'static str, usage: &'static str, examples: Examples, build: fn(&mut Call<'_>) -> Result<Typed>) -> Function {
    Function { name, group: Group::Aggregate, parameters: &[], usage, examples, build: Build::Aggregate(build) }
}

/// Refuses what only some aggregates take: an order of their input, and (unless `nulls`) IGNORE NULLS.
fn plain(call: &Call<'_>, nulls: bool) -> Result<()> {
    let syntax = if !call.order_by.is_empty() {
        "WITHIN GROUP (ORDER BY …)"
    } else if !nulls && call.ignore_nulls == Some(true) {
        "IGNORE NULLS"
    } else {
        return Ok(());
    };
    let message = format!("`{}` takes no {syntax}: leave it out", call.name);
    Err(call.refuse("INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX", message))
}

/// The value where all of them are known, else null.
fn where_known(values: &[&Typed], then: Expr) -> Result<Expr> {
    let nullable = values.iter().filter(|value| value.nullable).map(|value| value.expr.clone().is_not_null());
    match nullable.reduce(Expr::and) {
        None => Ok(then),
        Some(known) => Ok(when(known, then).end()?),
    }
}

/// A true where all of them are known, else null.
fn known(values: &[&Typed]) -> Result<Expr> {
    where_known(values, lit(true))
}

/// The call's text, with DISTINCT if it has one, under another name.
fn shown_as(call: &Call<'_>, name: &str) -> Result<Sql> {
    let values = call.values()?;
    let mut parts = vec![Sql::from(format!("{name}({}", if call.distinct { "DISTINCT " } else { "" }))];
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            parts.push(Sql::from(", "));
        }
        parts.push(value.sql.clone());
    }
    parts.push(Sql::from(")"));
    Ok(Sql::concat(parts))
}

/// The text with ` WITHIN GROUP (ORDER BY …)` behind it.
fn within_group(text: Sql, keys: &[super::SortKey], defaults: bool) -> Sql {
    let mut parts = vec![text, Sql::from(" WITHIN GROUP (ORDER BY ")];
    for (i, key) in keys.iter().enumerate() {
        if i > 0 {
            parts.push(Sql::from(", "));
        }
        parts.push(key.key.sql.clone());
        let direction = match (key.ascending, defaults) {
            (true, false) => "",
            (false, false) => " DESC",
            (true, true) => " ASC",
            (false, true) => " DESC",
        };
        parts.push(Sql::from(direction));
        if defaults {
            parts.push(Sql::from(if key.nulls_first { " NULLS FIRST" } else { " NULLS LAST" }));
        }
    }
    parts.push(Sql::from(")"));
    Sql::concat(parts)
}

/// A flag among constants.
fn flag(constants: &[ScalarValue], at: usize) -> bool {
    matches!(constants.get(at), Some(ScalarValue::Boolean(Some(true))))
}
