//! The columns that an expression may name, and how a dotted name finds one of them. Source: Spark's `AttributeSeq.resolve`.

use datafusion::common::Column;
use datafusion::logical_expr::Expr;

use crate::plan::PlanId;
use crate::types::SparkType;
use crate::{Settings, Sql, Typed};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A column of a relation that is being resolved.
#[derive(Debug, Clone)]
pub(crate) struct Attribute {
    /// Its name in the engine's plan: no two columns have one id.
    pub(crate) id: String,
    /// Its name for the user.
    pub(crate) name: String,
    /// What may stand before the name: parts of the relation's.
    pub(crate) qualifier: Vec<String>,
    pub(crate) data_type: SparkType,
    pub(crate) nullable: bool,
    /// The relations of a program that it is a column of.
    pub(crate) plan_ids: PlanIds,
    /// Its comment and other remarks.
    pub(crate) metadata: BTreeMap<String, String>,
    /// The id of the column that it repeats: `SELECT a, a` has one column twice.
    pub(crate) repeats: Option<String>,
}

impl Attribute {
    pub(crate) fn new(id: String, name: impl Into<String>, data_type: SparkType, nullable: bool) -> Self {
        Self {
            id,
            name: name.into(),
            qualifier: Vec::new(),
            data_type,
            nullable,
            plan_ids: PlanIds::default(),
            metadata: BTreeMap::new(),
            repeats: None,
        }
    }

    /// The engine's column.
    pub(crate) fn column(&self) -> Column {
        Column::new_unqualified(self.id.clone())
    }

    pub(crate) fn expr(&self) -> Expr {
        Expr::Column(self.column())
    }

    /// The column as an expression, spelled as `name`.
    pub(crate) fn typed(&self, name: &str) -> Typed {
        let mut typed = Typed::new(self.expr(), self.data_type.clone(), self.nullable, Sql::from(name));
        typed.name = Some(name.to_owned());
        typed
    }
}

/// Relations of a program, the newest first. A copy shares them, so that a step of a long chain does not copy those before it.
#[derive(Debug, Clone, Default)]
pub(crate) struct PlanIds(Option<Arc<(PlanId, PlanIds)>>);

impl PlanIds {
    /// Adds one, unless it was the last to be added.
    pub(crate) fn push(&mut self, id: PlanId) {
        if self.0.as_ref().is_none_or(|newest| newest.0 != id) {
            self.0 = Some(Arc::new((id, std::mem::take(self))));
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn contains(&self, id: PlanId) -> bool {
        std::iter::successors(self.0.as_deref(), |(_, older)| older.0.as_deref()).any(|(one, _)| *one == id)
    }
}

impl Drop for PlanIds {
    /// In a loop: a long chain has more of them than the stack has room for.
    fn drop(&mut self) {
        let mut next = self.0.take();
        while let Some((_, mut older)) = next.and_then(Arc::into_inner) {
            next = older.0.take();
        }
    }
}

/// The columns of a relation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// Those that `*` stands for.
    pub(crate) columns: Vec<Attribute>,
    /// Those that can only be named in full: the keys of both sides of a USING join.
    pub(crate) hidden: Vec<Attribute>,
}

/// What a name is in a scope.
pub(crate) enum Found<'a> {
    /// A column, and the fields of it that were named behind.
    One(&'a Attribute, Vec<String>),
    /// Several columns.
    Several(Vec<&'a Attribute>),
    Nothing,
}

impl Scope {
    pub(crate) fn new(columns: Vec<Attribute>) -> Self {
        Self { columns, hidden: Vec::new() }
    }

    /// The column that a dotted name means.
    pub(crate) fn find(&self, name: &[String], settings: &Settings) -> Found<'_> {
        // The most qualified reading wins: catalog.database.table.column, database.table.column, table.column, column.
        for prefix in (0..name.len().min(4)).rev() {
            let (qualifier, rest) = name.split_at(prefix);
            let Some((column, fields)) = rest.split_first() else { continue };
            let matches = |a: &&Attribute| settings.same(&a.name, column) && (prefix == 0 || qualifies(&a.qualifier, qualifier, settings));
            let mut found: Vec<&Attribute> = self.columns.iter().filter(matches).collect();
            if found.is_empty() && prefix > 0 {
                found = self.hidden.iter().filter(matches).collect();
            }
            once(&mut found);
            match found.as_slice() {
                [] => {}
                [one] => return Found::One(one, fields.to_vec()),
                _ => return Found::Several(found),
            }
        }
        Found::Nothing
    }

    /// The column of a program's relation.
    pub(crate) fn find_in_plan(&self, name: &str, plan: PlanId, settings: &Settings) -> Found<'_> {
        let matches = |a: &&Attribute| settings.same(&a.name, name) && a.plan_ids.contains(plan);
        let mut found: Vec<&Attribute> = self.columns.iter().filter(matches).collect();
        if found.is_empty() {
            found = self.hidden.iter().filter(matches).collect();
        }
        once(&mut found);
        match found.as_slice() {
            [] => Found::Nothing,
            [one] => Found::One(one, Vec::new()),
            _ => Found::Several(found),
        }
    }

    /// The columns that `qualifier.*` stands for.
    pub(crate) fn under(&self, qualifier: &[String], settings: &Settings) -> Vec<&Attribute> {
        let mut found: Vec<&Attribute> = self.hidden.iter().filter(|a| qualifies(&a.qualifier, qualifier, settings)).collect();
        found.extend(self.columns.iter().filter(|a| qualifies(&a.qualifier, qualifier, settings)));
        found
    }

    /// Columns of both, for expressions over two relations.
    pub(crate) fn joined(&self, other: &Self) -> Self {
        Self {
            columns: self.columns.iter().chain(&other.columns).cloned().collect(),
            hidden: self.hidden.iter().chain(&other.hidden).cloned().collect(),
        }
    }

    /// Names for a hint, nearest first.
    pub(crate) fn suggestions(&self, name: &[String]) -> Vec<String> {
        let wanted = name.join(".").to_lowercase();
        let mut known: Vec<(usize, String)> = self
            .columns
            .iter()
            .map(|a| {
                let full = a.qualifier.last().map_or_else(|| a.name.clone(), |q| format!("{q}.{}", a.name));
                let distance = strsim::levenshtein(&wanted, &full.to_lowercase()).min(strsim::levenshtein(&wanted, &a.name.to_lowercase()));
                (distance, a.name.clone())
            })
            .collect();
        known.sort();
        known.dedup();
        known.into_iter().take(5).map(|(_, name)| format!("`{name}`")).collect()
    }
}

/// Leaves out what repeats a column that is there.
fn once(found: &mut Vec<&Attribute>) {
    let mut seen: Vec<&str> = Vec::new();
    found.retain(|a| {
        let id = a.repeats.as_deref().unwrap_or(&a.id);
        let is_new = !seen.contains(&id);
        if is_new {
            seen.push(id);
        }
        is_new
    });
}

/// Whether `parts` are the last parts of a qualifier.
fn qualifies(qualifier: &[String], parts: &[String], settings: &Settings) -> bool {
    !parts.is_empty() && parts.len() <= qualifier.len() && qualifier.iter().rev().zip(parts.iter().rev()).all(|(a, b)| settings.same(a, b))
}
