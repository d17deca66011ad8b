//! Steps that add, rename, replace or leave out columns.

use std::collections::BTreeMap;

use datafusion::common::Column;
use datafusion::logical_expr::Expr;

use super::holds::has_aggregate;
use super::nodes::project;
use super::nodes::{project_windows, under_id};
use super::scope::{Attribute, Found, Scope};
use super::{Rel, Resolver};
use crate::Result;
use crate::error::{at, error};
use crate::plan::{Expression, ExpressionKind, Relation, WithColumnsMode};

impl Resolver<'_> {
    pub(crate) fn with_columns(&mut self, input: &Relation, aliases: &[Expression], mode: WithColumnsMode) -> Result<Rel> {
        let rel = self.relation(input)?;
        let outer = std::mem::take(&mut self.aliases);
        let made = self.with_columns_over(rel, aliases, mode);
        self.aliases = outer;
        made
    }

    fn with_columns_over(&mut self, rel: Rel, aliases: &[Expression], mode: WithColumnsMode) -> Result<Rel> {
        let mut columns = rel.scope.columns.clone();
        let mut computed: Vec<(Expr, String)> = Vec::new();
        let mut replaced: Vec<String> = Vec::new();
        let mut rel = rel;
        for expression in aliases {
            let (inner, names) = match &expression.kind {
                ExpressionKind::Alias { expr, name } => (expr.as_ref(), name.as_slice()),
                _ => (expression, &[] as &[String]),
            };
            if let Some(generator) = self.generator(inner, &rel.scope)? {
                let (next, added) = self.generate(rel, generator, names, None)?;
                rel = next;
                columns.extend(added);
                continue;
            }
            if mode == WithColumnsMode::Extend && matches!(inner.kind, ExpressionKind::UnresolvedStar { .. }) {
                for typed in self.star(inner, &rel.scope)? {
                    let attribute = self.attribute(&typed.column_name(), typed.data_type.clone(), typed.nullable);
                    computed.push((typed.expr, attribute.id.clone()));
                    columns.push(attribute);
                }
                continue;
            }
            let typed = self.expression(expression, &rel.scope)?;
            if has_aggregate(&typed.expr) {
                let message = format!("\"{}\" is an aggregate: group first", typed.sql);
                let condition =
                    if mode == WithColumnsMode::Upsert { "MISSING_GROUP_BY" } else { "PIPE_OPERATOR_CONTAINS_AGGREGATE_FUNCTION" };
                return Err(at(error(condition, message), expression.span));
            }
            let name = typed.column_name();
            let attribute = self.attribute(&name, typed.data_type.clone(), typed.nullable);
            computed.push((typed.expr.clone(), attribute.id.clone()));
            self.aliases.push((name.clone(), typed));
            let same: Vec<usize> = (0..columns.len()).filter(|i| self.settings.same(&columns[*i].name, &name)).collect();
            match mode {
                WithColumnsMode::Extend => columns.push(attribute),
                WithColumnsMode::Set if same.is_empty() => {
                    let hints = rel.scope.suggestions(std::slice::from_ref(&name));
                    let message = format!("there is no column `{name}` to set; did you mean one of [{}]?", hints.join(", "));
                    return Err(at(error("UNRESOLVED_COLUMN.WITH_SUGGESTION", message), expression.span));
                }
                _ if same.is_empty() => columns.push(attribute),
                _ => {
                    if replaced.iter().any(|r| self.settings.same(r, &name)) && mode == WithColumnsMode::Upsert {
                        let message = format!("the column `{name}` is set twice: set it once");
                        return Err(error("COLUMN_ALREADY_EXISTS", message));
                    }
                    replaced.push(name);
                    for i in same {
                        let qualifier = std::mem::take(&mut columns[i].qualifier);
                        columns[i] =
                            Attribute { qualifier: if mode == WithColumnsMode::Set { qualifier } else { Vec::new() }, ..attribute.clone() };
                    }
                }
            }
        }
        let exprs = unique(&columns).into_iter().map(|column| {
            match &column {
                Expr::Column(Column { name, .. }) => {
                    computed.iter().find(|(_, id)| id == name).map(|(expr, id)| under_id(expr.clone(), id))
                }
                _ => None,
            }
            .unwrap_or(column)
        });
        let plan = project_windows(rel.plan, exprs.collect())?;
        Ok(Rel::new(plan, Scope::new(columns)))
    }

    pub(crate) fn renamed(&mut self, input: &Relation, renames: &[(String, String)]) -> Result<Rel> {
        let mut rel = self.relation(input)?;
        for (from, to) in renames {
            for attribute in &mut rel.scope.columns {
                if self.settings.same(&attribute.name, from) {
                    attribute.name.clone_from(to);
                    attribute.plan_ids.clear();
                }
            }
        }
        Ok(Rel::new(rel.plan, rel.scope))
    }

    pub(crate) fn with_metadata(&mut self, input: &Relation, column: &str, metadata: &BTreeMap<String, String>) -> Result<Rel> {
        let mut rel = self.relation(input)?;
        let mut found = false;
        for attribute in rel.scope.columns.iter_mut().filter(|a| self.settings.same(&a.name, column)) {
            attribute.metadata.clone_from(metadata);
            found = true;
        }
        if !found {
            let hints = rel.scope.suggestions(&[column.to_owned()]);
            let message = format!("there is no column `{column}` here; did you mean one of [{}]?", hints.join(", "));
            return Err(error("UNRESOLVED_COLUMN.WITH_SUGGESTION", message));
        }
        Ok(Rel::new(rel.plan, rel.scope))
    }

    pub(crate) fn named_anew(&mut self, input: &Relation, names: &[String]) -> Result<Rel> {
        let mut rel = self.relation(input)?;
        if names.len() != rel.scope.columns.len() {
            let message = format!("`toDF` takes a name for each of the {} columns, and {} are given", rel.scope.columns.len(), names.len());
            return Err(error("ASSIGNMENT_ARITY_MISMATCH", message));
        }
        for (attribute, name) in rel.scope.columns.iter_mut().zip(names) {
            attribute.name.clone_from(name);
            attribute.qualifier.clear();
            attribute.plan_ids.clear();
        }
        Ok(Rel::new(rel.plan, rel.scope))
    }

    pub(crate) fn drop(&mut self, input: &Relation, columns: &[Expression], must_exist: bool) -> Result<Rel> {
        let rel = self.relation(input)?;
        let mut gone: Vec<String> = Vec::new();
        for column in columns {
            let ExpressionKind::UnresolvedAttribute { name, plan_id } = &column.kind else {
                let typed = self.expression(column, &rel.scope)?;
                gone.extend(typed.expr.try_as_col().map(|c| c.name.clone()));
                continue;
            };
            let found = match plan_id {
                Some(plan) => match name.as_slice() {
                    [only] => rel.scope.find_in_plan(only, *plan, &self.settings),
                    _ => Found::Nothing,
                },
                None => rel.scope.find(name, &self.settings),
            };
            match found {
                Found::One(attribute, fields) if fields.is_empty() => gone.push(attribute.id.clone()),
                // By name all columns of that name go.
                Found::Several(found) if !must_exist => gone.extend(found.into_iter().map(|a| a.id.clone())),
                Found::Several(_) => {
                    return Err(at(error("AMBIGUOUS_REFERENCE", format!("`{}` may be several columns", name.join("."))), column.span));
                }
                _ if must_exist => {
                    let hints = rel.scope.suggestions(name);
                    let message = format!("there is no column `{}` to drop; did you mean one of [{}]?", name.join("."), hints.join(", "));
                    return Err(at(error("UNRESOLVED_COLUMN.WITH_SUGGESTION", message), column.span));
                }
                _ => {}
            }
        }
        let left: Vec<Attribute> = rel.scope.columns.into_iter().filter(|a| !gone.contains(&a.id)).collect();
        let plan = project(rel.plan, unique(&left))?;
        Ok(Rel::new(plan, Scope::new(left)))
    }

    /// The first of all rows that are equal in some columns.
    pub(crate) fn deduplicate_by(&mut self, rel: Rel, names: &[String], within_watermark: bool) -> Result<Rel> {
        let mut keys = Vec::with_capacity(names.len());
        for name in names {
            let of_name: Vec<&Attribute> = rel.scope.columns.iter().filter(|a| self.settings.same(&a.name, name)).collect();
            if of_name.is_empty() {
                let hints = rel.scope.suggestions(std::slice::from_ref(name));
                let message = format!("there is no column `{name}` to compare by; did you mean one of [{}]?", hints.join(", "));
                return Err(error("UNRESOLVED_COLUMN.WITH_SUGGESTION", message));
            }
            keys.extend(of_name.into_iter().cloned());
        }
        Ok(self.dedup(rel, &keys, within_watermark))
    }
}

/// The columns, each id once.
fn unique(columns: &[Attribute]) -> Vec<Expr> {
    let mut seen: Vec<&str> = Vec::with_capacity(columns.len());
    let mut exprs = Vec::with_capacity(columns.len());
    for a in columns {
        if !seen.contains(&a.id.as_str()) {
            seen.push(&a.id);
            exprs.push(a.expr());
        }
    }
    exprs
}
