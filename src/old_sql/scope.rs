//! What a name can mean at one place of a statement: the columns of relations, merged columns, and those of the queries around
//! it. It looks names up and walks no tree.

use arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::{Expr, Ident};
use tidemill_planner::ident::did_you_mean;

use super::merged::Merged;
use crate::{Error, Result};
use tidemill_planner::ident::same;

/// A column that a query gives.
#[derive(Debug, Clone)]
pub(super) struct Output {
    pub(super) name: String,
    /// Known for columns of tables, so that struct fields resolve too.
    pub(super) data_type: Option<DataType>,
}

/// The columns of a relation, or `None` when only planning will tell.
pub(super) type Columns = Option<Vec<Output>>;

#[derive(Debug, Clone)]
pub(super) struct Relation {
    /// What qualifies its columns, the last part last.
    pub(super) name: Vec<String>,
    pub(super) columns: Columns,
    /// Columns that a join has merged with another side's: to be had by their qualified name only.
    pub(super) hidden: Vec<String>,
}

impl Relation {
    pub(super) fn new(name: Vec<String>, columns: Columns) -> Self {
        Self { name, columns, hidden: Vec::new() }
    }

    /// Its columns that `*` and plain names mean.
    pub(super) fn shown(&self) -> impl Iterator<Item = &Output> {
        self.columns.iter().flatten().filter(|column| !self.hidden.contains(&column.name))
    }
}

/// What the FROM of a query offers to names.
#[derive(Debug, Clone, Default)]
pub(super) struct Visible {
    pub(super) relations: Vec<Relation>,
    /// The columns that USING and NATURAL JOIN have merged.
    pub(super) merged: Vec<Merged>,
}

pub(super) struct Scope<'a> {
    pub(super) from: Visible,
    pub(super) outer: Option<&'a Scope<'a>>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(relations: Vec<Relation>, outer: Option<&'a Scope<'a>>) -> Self {
        Self { from: Visible { relations, merged: Vec::new() }, outer }
    }
}

/// Rewrites the parts of one name to the spelling of what they mean; a column that joins have merged has a value instead.
pub(super) fn settle(parts: &mut [Ident], scopes: &[&Scope<'_>]) -> Result<Option<Expr>> {
    let mut unknown = false;
    for start in scopes {
        let mut scope = Some(*start);
        while let Some(here) = scope {
            let mut found = meanings(parts, &here.from.relations);
            unknown |= here.from.relations.iter().any(|r| r.columns.is_none());
            found.dedup();
            let merged = here.from.merged.iter().find(|m| parts.first().is_some_and(|p| same(&m.name, &p.value)));
            match found.as_slice() {
                [] if merged.is_some() => return Ok(merged.map(|m| m.field(&parts[1..]))),
                [] => {}
                // A relation of that name comes before a merged column of that name.
                [one] if merged.is_none() || parts.len() > 1 => {
                    for (ident, spelling) in parts.iter_mut().zip(one) {
                        if ident.value != *spelling {
                            *ident = Ident::with_quote('`', spelling);
                        }
                    }
                    return Ok(None);
                }
                several => {
                    let shown: Vec<String> = several.iter().map(|s| format!("`{}`", s.join("."))).collect();
                    return Err(Error::analysis(format!(
                        "column `{}` is ambiguous: it may be {}; rename one of them, or write it with its relation",
                        text(parts),
                        shown.join(" or ")
                    )));
                }
            }
            scope = here.outer;
        }
    }
    if unknown {
        return Ok(None);
    }
    let columns: Vec<&str> =
        scopes.iter().flat_map(|s| &s.from.relations).flat_map(|r| r.columns.iter().flatten()).map(|c| c.name.as_str()).collect();
    let last = parts.last().map_or("", |p| p.value.as_str());
    let mut listed = columns.clone();
    listed.dedup();
    Err(Error::analysis(format!(
        "unknown column `{}`{} (columns: {})",
        text(parts),
        did_you_mean(last, columns.iter().copied()),
        if listed.is_empty() { "none".to_owned() } else { listed.join(", ") }
    )))
}

/// The spellings that `parts` may have among these relations, different ones only.
fn meanings(parts: &[Ident], relations: &[Relation]) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = Vec::new();
    // A relation and its column first, then a column and its field.
    for qualified in (0..parts.len()).rev() {
        let (qualifier, rest) = parts.split_at(qualified);
        let Some((column, fields)) = rest.split_first() else { continue };
        let qualifier: Vec<String> = qualifier.iter().map(|p| p.value.clone()).collect();
        for relation in relations {
            if qualified > 0 && !ends_with(&relation.name, &qualifier) {
                continue;
            }
            let hidden = |c: &Output| qualified == 0 && relation.hidden.contains(&c.name);
            for output in relation.columns.iter().flatten().filter(|c| same(&c.name, &column.value) && !hidden(c)) {
                let mut spelled: Vec<String> = relation.name[relation.name.len().saturating_sub(qualified)..].to_vec();
                spelled.truncate(qualified);
                spelled.push(output.name.clone());
                spelled.extend(field_spellings(output.data_type.as_ref(), fields));
                if !found.contains(&spelled) {
                    found.push(spelled);
                }
            }
        }
        if !found.is_empty() {
            break;
        }
    }
    found
}

fn field_spellings(data_type: Option<&DataType>, fields: &[Ident]) -> Vec<String> {
    let mut data_type = data_type;
    let mut spelled = Vec::with_capacity(fields.len());
    for field in fields {
        let known = match data_type {
            Some(DataType::Struct(known)) => known.iter().find(|f| same(f.name(), &field.value)),
            _ => None,
        };
        spelled.push(known.map_or_else(|| field.value.clone(), |f| f.name().clone()));
        data_type = known.map(|f| f.data_type());
    }
    spelled
}

/// The column that a settled name means, if it is a plain one.
pub(super) fn column_of<'s>(expr: &Expr, scope: &'s Scope<'_>) -> Option<&'s Output> {
    let (qualifier, name) = match expr {
        Expr::Identifier(ident) => (&[][..], &ident.value),
        Expr::CompoundIdentifier(parts) => {
            let (last, qualifier) = parts.split_last()?;
            (qualifier, &last.value)
        }
        _ => return None,
    };
    let qualifier: Vec<String> = qualifier.iter().map(|p| p.value.clone()).collect();
    let mut relations = scope.from.relations.iter().filter(|r| qualifier.is_empty() || ends_with(&r.name, &qualifier));
    relations.find_map(|r| r.columns.as_ref()?.iter().find(|c| c.name == *name))
}

pub(super) fn ends_with(name: &[String], parts: &[String]) -> bool {
    parts.len() <= name.len() && name.iter().rev().zip(parts.iter().rev()).all(|(a, b)| same(a, b))
}

pub(super) fn text(parts: &[Ident]) -> String {
    parts.iter().map(|p| p.value.as_str()).collect::<Vec<_>>().join(".")
}
