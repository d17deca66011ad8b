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
    ExcludeSelectItem, Expr, GroupByExpr, Ident, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, OneOrManyWithParens,
    OrderByKind, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, TableAlias, TableAliasColumnDef, TableFactor,
    TableWithJoins, VisitMut, VisitorMut, WildcardAdditionalOptions,
};
use tidemill_planner::ident::did_you_mean;

use super::pretty::pretty;
use super::provider::Tables;
use crate::column::bind::same;
use crate::{Error, Result};

#[derive(Debug, Clone)]
struct Output {
    name: String,
    /// Known for columns of tables, so that struct fields resolve too.
    data_type: Option<DataType>,
}

/// The columns of a relation, or `None` when only planning will tell.
type Columns = Option<Vec<Output>>;

#[derive(Debug, Clone)]
struct Relation {
    /// What qualifies its columns, the last part last.
    name: Vec<String>,
    columns: Columns,
}

struct Scope<'a> {
    relations: Vec<Relation>,
    outer: Option<&'a Scope<'a>>,
}

pub(super) struct Names<'a> {
    tables: &'a Tables,
    ctes: Vec<(String, Columns)>,
}

/// Settles every name in a query.
pub(super) fn resolve(query: &mut Query, tables: &Tables) -> Result<()> {
    Names { tables, ctes: Vec::new() }.query(query, None).map(|_| ())
}

/// Settles the names in an expression over a DataFrame's columns.
pub(super) fn resolve_expression(expr: &mut Expr, schema: &DFSchema, tables: &Tables) -> Result<()> {
    let mut relations: Vec<Relation> = Vec::new();
    for (qualifier, field) in schema.iter() {
        let name = qualifier.map(TableReference::to_vec).unwrap_or_default();
        let output = Output { name: field.name().clone(), data_type: Some(field.data_type().clone()) };
        match relations.iter_mut().find(|r| r.name == name) {
            Some(Relation { columns: Some(columns), .. }) => columns.push(output),
            _ => relations.push(Relation { name, columns: Some(vec![output]) }),
        }
    }
    Names { tables, ctes: Vec::new() }.expr(expr, &Scope { relations, outer: None })
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
        let (columns, relations) = self.body(&mut query.body, outer)?;
        if let Some(order_by) = &mut query.order_by
            && let OrderByKind::Expressions(keys) = &mut order_by.kind
        {
            let scope = Scope { relations, outer };
            let output = Relation { name: Vec::new(), columns: columns.clone() };
            for key in keys {
                self.preferring(&mut key.expr, &output, &scope)?;
            }
        }
        self.ctes.truncate(known);
        Ok(columns)
    }

    /// The output columns of a query's body, and the relations that its ORDER BY may name.
    fn body(&mut self, body: &mut SetExpr, outer: Option<&Scope<'_>>) -> Result<(Columns, Vec<Relation>)> {
        match body {
            SetExpr::Select(select) => self.select(select, outer),
            SetExpr::Query(query) => Ok((self.query(query, outer)?, Vec::new())),
            SetExpr::SetOperation { left, right, .. } => {
                let (columns, _) = self.body(left, outer)?;
                self.body(right, outer)?;
                Ok((columns, Vec::new()))
            }
            SetExpr::Values(values) => {
                let scope = Scope { relations: Vec::new(), outer };
                let width = values.rows.first().map_or(0, |row| row.len());
                for expr in values.rows.iter_mut().flat_map(|row| row.iter_mut()) {
                    self.expr(expr, &scope)?;
                }
                let named = (1..=width).map(|i| Output { name: format!("column{i}"), data_type: None });
                Ok((Some(named.collect()), Vec::new()))
            }
            other => Err(Error::unsupported(format!("`{other}` is not supported inside a query"))),
        }
    }

    fn select(&mut self, select: &mut Select, outer: Option<&Scope<'_>>) -> Result<(Columns, Vec<Relation>)> {
        let mut scope = Scope { relations: Vec::new(), outer };
        for from in &mut select.from {
            self.from(from, &mut scope)?;
        }
        for expr in select.selection.iter_mut() {
            self.expr(expr, &scope)?;
        }
        let mut columns: Columns = Some(Vec::new());
        for item in &mut select.projection {
            let outputs = self.item(item, &scope)?;
            match (&mut columns, outputs) {
                (Some(all), Some(outputs)) => all.extend(outputs),
                _ => columns = None,
            }
        }
        let output = Relation { name: Vec::new(), columns: columns.clone() };
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
        Ok((columns, scope.relations))
    }

    fn from(&mut self, from: &mut TableWithJoins, scope: &mut Scope<'_>) -> Result<()> {
        let relations = self.relation(&mut from.relation, scope)?;
        scope.relations.extend(relations);
        for join in &mut from.joins {
            let relations = self.relation(&mut join.relation, scope)?;
            scope.relations.extend(relations);
            let constraint = match &mut join.join_operator {
                JoinOperator::Join(c)
                | JoinOperator::Inner(c)
                | JoinOperator::Left(c)
                | JoinOperator::LeftOuter(c)
                | JoinOperator::Right(c)
                | JoinOperator::RightOuter(c)
                | JoinOperator::FullOuter(c)
                | JoinOperator::CrossJoin(c)
                | JoinOperator::Semi(c)
                | JoinOperator::LeftSemi(c)
                | JoinOperator::RightSemi(c)
                | JoinOperator::Anti(c)
                | JoinOperator::LeftAnti(c)
                | JoinOperator::RightAnti(c) => c,
                other => return Err(Error::unsupported(format!("this kind of join is not supported: {other:?}"))),
            };
            match constraint {
                JoinConstraint::On(condition) => self.expr(condition, scope)?,
                JoinConstraint::Using(names) => names.iter_mut().try_for_each(|name| using(name, scope))?,
                JoinConstraint::Natural | JoinConstraint::None => {}
            }
        }
        Ok(())
    }

    fn relation(&mut self, factor: &mut TableFactor, scope: &Scope<'_>) -> Result<Vec<Relation>> {
        let one = |alias: &Option<TableAlias>, own: Vec<String>, columns: Columns| match alias {
            Some(alias) => vec![Relation { name: vec![alias.name.value.clone()], columns: alias_columns(alias, columns) }],
            None => vec![Relation { name: own, columns }],
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
                let mut inner = Scope { relations: Vec::new(), outer: scope.outer };
                self.from(table_with_joins, &mut inner)?;
                Ok(inner.relations)
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
                Ok(Some(vec![Output { name: alias.value.clone(), data_type: type_of(expr, scope) }]))
            }
            SelectItem::UnnamedExpr(expr) => {
                let shown = pretty(expr);
                self.expr(expr, scope)?;
                let data_type = type_of(expr, scope);
                let (name, plain) = match expr {
                    Expr::Identifier(ident) => (ident.value.clone(), true),
                    // A qualified column keeps its name; a struct's field is named after the field.
                    Expr::CompoundIdentifier(parts) => (parts.last().map(|p| p.value.clone()).unwrap_or(shown), data_type.is_some()),
                    _ => (shown, false),
                };
                if !plain {
                    let alias = Ident::with_quote('`', &name);
                    *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
                }
                Ok(Some(vec![Output { name, data_type }]))
            }
            SelectItem::Wildcard(options) => {
                let relations: Vec<&Relation> = scope.relations.iter().collect();
                except(options, &relations)?;
                Ok(star(&relations, options))
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                let parts: Vec<String> = name.0.iter().filter_map(|p| p.as_ident()).map(|i| i.value.clone()).collect();
                let Some(relation) = scope.relations.iter().find(|r| ends_with(&r.name, &parts)) else {
                    let known: Vec<&str> = scope.relations.iter().filter_map(|r| r.name.last()).map(String::as_str).collect();
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
        let first = Scope { relations: vec![output.clone()], outer: None };
        self.visit(expr, &[&first, scope])
    }

    /// Names that the relations have mean those, others the output: GROUP BY and HAVING.
    fn falling_back(&mut self, expr: &mut Expr, output: &Relation, scope: &Scope<'_>) -> Result<()> {
        let last = Scope { relations: vec![output.clone()], outer: None };
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
                Ok(())
            }
            Expr::Identifier(ident) if self.bound.contains(&ident.value) => Ok(()),
            Expr::CompoundIdentifier(parts) if parts.first().is_some_and(|p| self.bound.contains(&p.value)) => Ok(()),
            Expr::Identifier(ident) => settle(std::slice::from_mut(ident), self.scopes),
            Expr::CompoundIdentifier(parts) => settle(parts, self.scopes),
            _ => Ok(()),
        };
        match settled {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

/// Rewrites the parts of one name to the spelling of what they mean.
fn settle(parts: &mut [Ident], scopes: &[&Scope<'_>]) -> Result<()> {
    let mut unknown = false;
    for start in scopes {
        let mut scope = Some(*start);
        while let Some(here) = scope {
            let mut found = meanings(parts, &here.relations);
            unknown |= here.relations.iter().any(|r| r.columns.is_none());
            found.dedup();
            match found.as_slice() {
                [] => {}
                [one] => {
                    for (ident, spelling) in parts.iter_mut().zip(one) {
                        if ident.value != *spelling {
                            *ident = Ident::with_quote('`', spelling);
                        }
                    }
                    return Ok(());
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
        return Ok(());
    }
    let columns: Vec<&str> =
        scopes.iter().flat_map(|s| &s.relations).flat_map(|r| r.columns.iter().flatten()).map(|c| c.name.as_str()).collect();
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
            for output in relation.columns.iter().flatten().filter(|c| same(&c.name, &column.value)) {
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

/// The type of a plain column.
fn type_of(expr: &Expr, scope: &Scope<'_>) -> Option<DataType> {
    let (qualifier, name) = match expr {
        Expr::Identifier(ident) => (&[][..], &ident.value),
        Expr::CompoundIdentifier(parts) => {
            let (last, qualifier) = parts.split_last()?;
            (qualifier, &last.value)
        }
        _ => return None,
    };
    let qualifier: Vec<String> = qualifier.iter().map(|p| p.value.clone()).collect();
    let mut relations = scope.relations.iter().filter(|r| qualifier.is_empty() || ends_with(&r.name, &qualifier));
    relations.find_map(|r| r.columns.as_ref()?.iter().find(|c| c.name == *name)?.data_type.clone())
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
    let owned = Scope { relations: relations.iter().map(|r| (*r).clone()).collect(), outer: None };
    let mut idents: Vec<&mut Ident> = vec![&mut except.first_element];
    idents.extend(except.additional_elements.iter_mut());
    idents.into_iter().try_for_each(|ident| settle(std::slice::from_mut(ident), &[&owned]))
}

fn using(name: &mut ObjectName, scope: &Scope<'_>) -> Result<()> {
    let [ObjectNamePart::Identifier(ident)] = name.0.as_mut_slice() else {
        return Err(Error::analysis(format!("`USING ({name})` takes plain column names")));
    };
    let spellings = meanings(std::slice::from_ref(ident), &scope.relations);
    if spellings.len() > 1 {
        return Err(Error::analysis(format!(
            "`USING ({})`: the two sides spell it differently (`{}`): join with ON",
            ident.value,
            spellings.iter().map(|s| s.join(".")).collect::<Vec<_>>().join("`, `")
        )));
    }
    settle(std::slice::from_mut(ident), &[scope])
}

fn ends_with(name: &[String], parts: &[String]) -> bool {
    parts.len() <= name.len() && name.iter().rev().zip(parts.iter().rev()).all(|(a, b)| same(a, b))
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

fn text(parts: &[Ident]) -> String {
    parts.iter().map(|p| p.value.as_str()).collect::<Vec<_>>().join(".")
}
