//! Names in a statement resolve without regard to case: each is rewritten to the spelling of the column, relation or alias
//! that it means. It follows SQL's scopes and judges nothing else; a name that no scope holds is an error with the nearest.
//!
//! ```text
//! before  SELECT USERID, count(*) FROM clicks C GROUP BY c.UserId
//! after   SELECT userId, count(*) AS `count(1)` FROM clicks C GROUP BY C.userId
//! ```

use std::ops::ControlFlow;

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, TableReference};
use datafusion::sql::sqlparser::ast::{
    ExcludeSelectItem, Expr, GroupByExpr, Ident, JoinConstraint, ObjectName, ObjectNamePart, OneOrManyWithParens, OrderByKind, Query,
    Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, TableAlias, TableAliasColumnDef, TableFactor, TableWithJoins, VisitMut,
    VisitorMut, WildcardAdditionalOptions, visit_expressions,
};
use tidemill_planner::ident::did_you_mean;

use super::access::accesses_by_text;
use super::merged::{Kind, expand_stars, join_kind, merge, merges};
use super::pretty::pretty;
use super::provider::Tables;
use super::scope::{Columns, Output, Relation, Scope, Visible, column_of, ends_with, settle, text};
use crate::{Error, Result};
use tidemill_planner::ident::same;

pub(super) struct Names<'a> {
    tables: &'a Tables,
    ctes: Vec<(String, Columns)>,
    /// Subqueries that were given a name.
    named_apart: usize,
}

/// Settles every name in a query.
pub(super) fn resolve(query: &mut Query, tables: &Tables) -> Result<()> {
    Names { tables, ctes: Vec::new(), named_apart: 0 }.query(query, None).map(|_| ())
}

/// Settles the names in an expression over a DataFrame's columns.
pub(super) fn resolve_expression(expr: &mut Expr, schema: &DFSchema, tables: &Tables) -> Result<()> {
    let mut relations: Vec<Relation> = Vec::new();
    for (qualifier, field) in schema.iter() {
        let name = qualifier.map(TableReference::to_vec).unwrap_or_default();
        let output = Output { name: field.name().clone(), data_type: Some(field.data_type().clone()) };
        match relations.iter_mut().find(|r| r.name == name) {
            Some(Relation { columns: Some(columns), .. }) => columns.push(output),
            _ => relations.push(Relation::new(name, Some(vec![output]))),
        }
    }
    Names { tables, ctes: Vec::new(), named_apart: 0 }.expr(expr, &Scope::new(relations, None))
}

impl Names<'_> {
    fn query(&mut self, query: &mut Query, outer: Option<&Scope<'_>>) -> Result<Columns> {
        let known = self.ctes.len();
        if let Some(with) = &mut query.with {
            for cte in &mut with.cte_tables {
                let name = cte.alias.name.value.clone();
                if with.recursive {
                    // Its own columns are not known while it is read.
                    let columns = alias_columns(&cte.alias, None);
                    self.ctes.push((name.clone(), columns));
                }
                let columns = self.query(&mut cte.query, outer)?;
                self.ctes.push((name, alias_columns(&cte.alias, columns)));
            }
        }
        let (columns, from) = self.body(&mut query.body, outer)?;
        if let Some(order_by) = &mut query.order_by
            && let OrderByKind::Expressions(keys) = &mut order_by.kind
        {
            let scope = Scope { from, outer };
            let output = Relation::new(Vec::new(), columns.clone());
            for key in keys {
                self.preferring(&mut key.expr, &output, &scope)?;
                if let SetExpr::Select(select) = query.body.as_ref() {
                    refuse_hidden_key(&key.expr, &select.projection, &scope)?;
                }
            }
        }
        self.ctes.truncate(known);
        Ok(columns)
    }

    /// The output columns of a query's body, and what its ORDER BY may name beside them.
    fn body(&mut self, body: &mut SetExpr, outer: Option<&Scope<'_>>) -> Result<(Columns, Visible)> {
        match body {
            SetExpr::Select(select) => self.select(select, outer),
            SetExpr::Query(query) => Ok((self.query(query, outer)?, Visible::default())),
            SetExpr::SetOperation { left, right, .. } => {
                let (columns, _) = self.body(left, outer)?;
                self.body(right, outer)?;
                Ok((columns, Visible::default()))
            }
            SetExpr::Values(values) => {
                let scope = Scope::new(Vec::new(), outer);
                let width = values.rows.first().map_or(0, |row| row.len());
                for expr in values.rows.iter_mut().flat_map(|row| row.iter_mut()) {
                    self.expr(expr, &scope)?;
                }
                let named = (1..=width).map(|i| Output { name: format!("column{i}"), data_type: None });
                Ok((Some(named.collect()), Visible::default()))
            }
            other => Err(Error::unsupported(format!("`{other}` is not supported inside a query"))),
        }
    }

    fn select(&mut self, select: &mut Select, outer: Option<&Scope<'_>>) -> Result<(Columns, Visible)> {
        let mut scope = Scope::new(Vec::new(), outer);
        for from in &mut select.from {
            self.from(from, &mut scope)?;
        }
        for expr in select.selection.iter_mut() {
            self.expr(expr, &scope)?;
        }
        expand_stars(&mut select.projection, &scope.from)?;
        let mut columns: Columns = Some(Vec::new());
        for item in &mut select.projection {
            let outputs = self.item(item, &scope)?;
            match (&mut columns, outputs) {
                (Some(all), Some(outputs)) => all.extend(outputs),
                _ => columns = None,
            }
        }
        refuse_twice(&select.projection)?;
        let output = Relation::new(Vec::new(), columns.clone());
        if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
            for key in keys {
                self.falling_back(key, &output, &scope)?;
            }
        }
        for expr in select.having.iter_mut().chain(select.qualify.iter_mut()) {
            self.falling_back(expr, &output, &scope)?;
        }
        for window in &mut select.named_window {
            self.visit(&mut window.1, &[&scope])?;
        }
        Ok((columns, scope.from))
    }

    fn from(&mut self, from: &mut TableWithJoins, scope: &mut Scope<'_>) -> Result<()> {
        if from.joins.iter().any(|join| merges(&join.join_operator)) {
            std::iter::once(&mut from.relation)
                .chain(from.joins.iter_mut().map(|join| &mut join.relation))
                .for_each(|f| self.name_apart(f));
        }
        // What a join merges is of its own FROM item, not of those before a comma.
        let (first_relation, first_merged) = (scope.from.relations.len(), scope.from.merged.len());
        let offered = self.relation(&mut from.relation, scope)?;
        scope.from.relations.extend(offered.relations);
        scope.from.merged.extend(offered.merged);
        for join in &mut from.joins {
            let right = self.relation(&mut join.relation, scope)?;
            let (kind, constraint) = join_kind(&mut join.join_operator)?;
            let left =
                Visible { relations: scope.from.relations.split_off(first_relation), merged: scope.from.merged.split_off(first_merged) };
            let joined = match constraint {
                JoinConstraint::On(_) | JoinConstraint::None => (left, right),
                JoinConstraint::Using(_) | JoinConstraint::Natural => merge(left, right, kind, constraint)?,
            };
            let (mut left, right) = joined;
            let width = left.relations.len();
            left.relations.extend(right.relations);
            scope.from.relations.extend(left.relations);
            scope.from.merged.extend(left.merged.into_iter().chain(right.merged));
            if let JoinConstraint::On(condition) = constraint {
                self.expr(condition, scope)?;
            }
            // The other side of a semi or anti join gives no columns.
            match kind {
                Kind::LeftOnly => scope.from.relations.truncate(first_relation + width),
                Kind::RightOnly => drop(scope.from.relations.drain(first_relation..first_relation + width)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Gives a subquery without a name one, so that its columns can be told from the other side's.
    fn name_apart(&mut self, factor: &mut TableFactor) {
        if let TableFactor::Derived { alias: alias @ None, .. } = factor {
            self.named_apart += 1;
            let name = Ident::new(format!("__side{}", self.named_apart));
            *alias = Some(TableAlias { explicit: true, name, columns: Vec::new(), at: None });
        }
    }

    fn relation(&mut self, factor: &mut TableFactor, scope: &Scope<'_>) -> Result<Visible> {
        let one = |alias: &Option<TableAlias>, own: Vec<String>, columns: Columns| {
            let relation = match alias {
                Some(alias) => Relation::new(vec![alias.name.value.clone()], alias_columns(alias, columns)),
                None => Relation::new(own, columns),
            };
            Visible { relations: vec![relation], merged: Vec::new() }
        };
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let (own, columns) = self.table(name)?;
                Ok(one(alias, own, columns))
            }
            TableFactor::Derived { lateral, subquery, alias, .. } => {
                name_values(subquery, alias);
                let columns = if *lateral { self.query(subquery, Some(scope))? } else { self.query(subquery, scope.outer)? };
                Ok(one(alias, Vec::new(), columns))
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                let mut inner = Scope::new(Vec::new(), scope.outer);
                self.from(table_with_joins, &mut inner)?;
                Ok(inner.from)
            }
            // Functions and UNNEST: their columns are known only to the planner.
            TableFactor::Table { alias, .. } | TableFactor::Function { alias, .. } | TableFactor::UNNEST { alias, .. } => {
                Ok(one(alias, Vec::new(), None))
            }
            other => Err(Error::unsupported(format!("`{other}` is not supported in FROM"))),
        }
    }

    fn table(&self, name: &mut ObjectName) -> Result<(Vec<String>, Columns)> {
        if let [ObjectNamePart::Identifier(ident)] = name.0.as_mut_slice()
            && let Some((spelling, columns)) = self.ctes.iter().rev().find(|(cte, _)| same(cte, &ident.value))
        {
            ident.value.clone_from(spelling);
            return Ok((vec![spelling.clone()], columns.clone()));
        }
        let parts: Vec<String> = name.0.iter().filter_map(|p| p.as_ident()).map(|i| i.value.clone()).collect();
        let reference = super::relations::reference(&parts);
        let found = reference.and_then(|r| self.tables.by_name.iter().find(|(known, _)| same_reference(known, &r)));
        let Some((known, source)) = found else {
            return Err((self.tables.unknown)(&parts.join(".")));
        };
        let spelled = known.to_vec();
        *name = ObjectName(spelled.iter().map(|part| ObjectNamePart::Identifier(Ident::with_quote('`', part))).collect());
        let columns =
            source.schema().fields().iter().map(|f| Output { name: f.name().clone(), data_type: Some(f.data_type().clone()) }).collect();
        Ok((spelled, Some(columns)))
    }

    /// Settles one item of a SELECT list and names it; the columns that it gives.
    fn item(&mut self, item: &mut SelectItem, scope: &Scope<'_>) -> Result<Columns> {
        match item {
            SelectItem::ExprWithAlias { expr, alias } => {
                self.expr(expr, scope)?;
                Ok(Some(vec![Output { name: alias.value.clone(), data_type: column_of(expr, scope).and_then(|c| c.data_type.clone()) }]))
            }
            SelectItem::UnnamedExpr(expr) => {
                let mut shown = pretty(expr);
                if let Expr::Identifier(ident) = expr
                    && let Some(merged) = scope.from.merged.iter().find(|m| same(&m.name, &ident.value))
                {
                    shown.clone_from(&merged.name);
                }
                self.expr(expr, scope)?;
                let column = column_of(expr, scope);
                let (known, data_type) = (column.is_some(), column.and_then(|c| c.data_type.clone()));
                let (name, plain) = match expr {
                    Expr::Identifier(ident) => (ident.value.clone(), true),
                    // A qualified column keeps its name; a struct's field is named after the field.
                    Expr::CompoundIdentifier(parts) => (parts.last().map(|p| p.value.clone()).unwrap_or(shown), known),
                    _ => (shown, false),
                };
                if !plain {
                    let alias = Ident::with_quote('`', &name);
                    *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
                }
                Ok(Some(vec![Output { name, data_type }]))
            }
            SelectItem::Wildcard(options) => {
                let relations: Vec<&Relation> = scope.from.relations.iter().collect();
                except(options, &relations)?;
                Ok(star(&relations, options))
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                let parts: Vec<String> = name.0.iter().filter_map(|p| p.as_ident()).map(|i| i.value.clone()).collect();
                let Some(relation) = scope.from.relations.iter().find(|r| ends_with(&r.name, &parts)) else {
                    let known: Vec<&str> = scope.from.relations.iter().filter_map(|r| r.name.last()).map(String::as_str).collect();
                    let hint = did_you_mean(&parts.join("."), known.iter().copied());
                    return Err(Error::analysis(format!("`{}.*`: there is no such relation in FROM{hint}", parts.join("."))));
                };
                *name = ObjectName(relation.name.iter().map(|p| ObjectNamePart::Identifier(Ident::with_quote('`', p))).collect());
                except(options, &[relation])?;
                Ok(star(&[relation], options))
            }
            other => Err(Error::unsupported(format!("`{other}` is not supported in a SELECT list"))),
        }
    }

    fn expr(&mut self, expr: &mut Expr, scope: &Scope<'_>) -> Result<()> {
        self.visit(expr, &[scope])
    }

    /// Names that the output has mean the output, others the relations: ORDER BY.
    fn preferring(&mut self, expr: &mut Expr, output: &Relation, scope: &Scope<'_>) -> Result<()> {
        let first = Scope::new(vec![output.clone()], None);
        self.visit(expr, &[&first, scope])
    }

    /// Names that the relations have mean those, others the output: GROUP BY and HAVING.
    fn falling_back(&mut self, expr: &mut Expr, output: &Relation, scope: &Scope<'_>) -> Result<()> {
        let last = Scope::new(vec![output.clone()], None);
        self.visit(expr, &[scope, &last])
    }

    fn visit(&mut self, node: &mut impl VisitMut, scopes: &[&Scope<'_>]) -> Result<()> {
        let mut visitor = InExpr { names: self, scopes, queries: 0, bound: Vec::new() };
        match node.visit(&mut visitor) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(error) => Err(error),
        }
    }
}

/// Rewrites the names of an expression; subqueries get scopes of their own.
struct InExpr<'n, 't, 's> {
    names: &'n mut Names<'t>,
    scopes: &'s [&'s Scope<'s>],
    /// How many subqueries deep the visit is: their names are settled already.
    queries: usize,
    /// Parameters of lambdas, which are no columns.
    bound: Vec<String>,
}

impl VisitorMut for InExpr<'_, '_, '_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        if self.queries == 0
            && let Err(error) = self.names.query(query, self.scopes.last().copied())
        {
            return ControlFlow::Break(error);
        }
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> ControlFlow<Error> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        if self.queries > 0 {
            return ControlFlow::Continue(());
        }
        let settled = match expr {
            Expr::Lambda(lambda) => {
                let params = match &lambda.params {
                    OneOrManyWithParens::One(param) => std::slice::from_ref(param),
                    OneOrManyWithParens::Many(params) => params.as_slice(),
                };
                self.bound.extend(params.iter().map(|p| p.name.value.clone()));
                Ok(None)
            }
            Expr::CompoundFieldAccess { root, access_chain } => {
                if let Some(plain) = accesses_by_text(root, access_chain) {
                    *expr = plain;
                    return self.pre_visit_expr(expr);
                }
                Ok(None)
            }
            Expr::Identifier(ident) if self.bound.contains(&ident.value) => Ok(None),
            Expr::CompoundIdentifier(parts) if parts.first().is_some_and(|p| self.bound.contains(&p.value)) => Ok(None),
            Expr::Identifier(ident) => settle(std::slice::from_mut(ident), self.scopes),
            Expr::CompoundIdentifier(parts) => settle(parts, self.scopes),
            _ => Ok(None),
        };
        let settled = settled.map(|value| {
            if let Some(value) = value {
                *expr = value;
            }
        });
        match settled {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

/// A result whose columns the engine could not tell apart; two sides' plain columns it can.
fn refuse_twice(items: &[SelectItem]) -> Result<()> {
    let mut seen: Vec<(&str, Option<String>)> = Vec::new();
    for item in items {
        let (name, plain) = match item {
            SelectItem::ExprWithAlias { alias, .. } => (alias.value.as_str(), None),
            SelectItem::UnnamedExpr(Expr::Identifier(ident)) => (ident.value.as_str(), Some(ident.value.clone())),
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => match parts.last() {
                Some(last) => (last.value.as_str(), Some(text(parts))),
                None => continue,
            },
            _ => continue,
        };
        if seen.iter().any(|(other, other_plain)| *other == name && (plain.is_none() || other_plain.is_none() || plain == *other_plain)) {
            return Err(Error::unsupported(format!("two columns of the result are called `{name}`: give one another name with AS")));
        }
        seen.push((name, plain));
    }
    Ok(())
}

/// A relation's column that rows are sorted by while the result has another column of that name, which the engine cannot tell
/// from it.
fn refuse_hidden_key(key: &Expr, items: &[SelectItem], scope: &Scope<'_>) -> Result<()> {
    let found = visit_expressions(key, |expr| {
        let Expr::CompoundIdentifier(parts) = expr else { return ControlFlow::Continue(()) };
        let [relation, column] = parts.as_slice() else { return ControlFlow::Continue(()) };
        let known = scope.from.relations.iter().any(|r| ends_with(&r.name, std::slice::from_ref(&relation.value)));
        let other = |item: &SelectItem| match item {
            SelectItem::ExprWithAlias { expr, alias } => {
                let same_column = match expr {
                    Expr::Identifier(ident) => ident.value == column.value,
                    Expr::CompoundIdentifier(others) => text(others) == text(parts),
                    _ => false,
                };
                alias.value == column.value && !same_column
            }
            _ => false,
        };
        if known && items.iter().any(other) { ControlFlow::Break(parts.clone()) } else { ControlFlow::Continue(()) }
    });
    let ControlFlow::Break(parts) = found else { return Ok(()) };
    let (name, column) = (text(&parts), parts.last().map_or("", |part| part.value.as_str()));
    Err(Error::unsupported(format!(
        "ORDER BY `{name}` is not supported where the result has another column `{column}`: order by `{column}`, or give `{name}` a name of its own in the SELECT list, as in `{name} AS sorted_by`, and order by that"
    )))
}

fn alias_columns(alias: &TableAlias, columns: Columns) -> Columns {
    if alias.columns.is_empty() {
        return columns;
    }
    let types: Vec<Option<DataType>> = columns.unwrap_or_default().into_iter().map(|c| c.data_type).collect();
    let named = alias.columns.iter().enumerate();
    Some(named.map(|(i, c)| Output { name: c.name.value.clone(), data_type: types.get(i).cloned().flatten() }).collect())
}

/// The columns of VALUES are `col1`, `col2`, … in Spark, where nothing else names them.
fn name_values(subquery: &Query, alias: &mut Option<TableAlias>) {
    let SetExpr::Values(values) = subquery.body.as_ref() else { return };
    let alias = alias.get_or_insert_with(|| TableAlias { explicit: true, name: Ident::new("values"), columns: Vec::new(), at: None });
    if alias.columns.is_empty() {
        let width = values.rows.first().map_or(0, |row| row.len());
        alias.columns = (1..=width).map(|i| TableAliasColumnDef { name: Ident::new(format!("col{i}")), data_type: None }).collect();
    }
}

fn star(relations: &[&Relation], options: &WildcardAdditionalOptions) -> Columns {
    let mut left_out: Vec<String> = Vec::new();
    if let Some(except) = &options.opt_except {
        left_out.push(except.first_element.value.clone());
        left_out.extend(except.additional_elements.iter().map(|i| i.value.clone()));
    }
    let mut all = Vec::new();
    for relation in relations {
        all.extend(relation.columns.as_ref()?.iter().filter(|c| !left_out.contains(&c.name)).cloned());
    }
    Some(all)
}

fn except(options: &mut WildcardAdditionalOptions, relations: &[&Relation]) -> Result<()> {
    let refused =
        options.opt_ilike.is_some() || options.opt_rename.is_some() || options.opt_alias.is_some() || options.opt_replace.is_some();
    if refused || matches!(options.opt_exclude, Some(ExcludeSelectItem::Single(_) | ExcludeSelectItem::Multiple(_))) {
        return Err(Error::unsupported(format!("`*{options}` is not supported: `* EXCEPT (columns)` is, or list the columns")));
    }
    let Some(except) = &mut options.opt_except else { return Ok(()) };
    let owned = Scope::new(relations.iter().map(|r| (*r).clone()).collect(), None);
    let mut idents: Vec<&mut Ident> = vec![&mut except.first_element];
    idents.extend(except.additional_elements.iter_mut());
    idents.into_iter().try_for_each(|ident| settle(std::slice::from_mut(ident), &[&owned]).map(|_| ()))
}

fn same_reference(left: &TableReference, right: &TableReference) -> bool {
    let (left, right) = (left.to_vec(), right.to_vec());
    match (left.as_slice(), right.as_slice()) {
        ([a], [b]) => same(a, b),
        // Paths keep their case.
        ([format, path], [other_format, other_path]) => same(format, other_format) && path == other_path,
        _ => false,
    }
}
