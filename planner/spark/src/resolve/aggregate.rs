//! Grouping: GROUP BY and its kinds, and how a list over groups is computed.
//!
//! Several grouping sets are Spark's `Expand`: each row comes once per set, the keys that are not of the set null.

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::{Case, Exists, InSubquery};
use datafusion::logical_expr::{Aggregate, Cast, Expr, LogicalPlan, LogicalPlanBuilder, Subquery, lit};
use datafusion::scalar::ScalarValue;
use std::sync::Arc;
use tidemill_planner::logical::{Groups, WindowAggregate};

use super::nodes::{filtered, project};
use super::scope::{Attribute, Scope};
use super::select::{Output, Under, has_aggregate};
use super::stream::TimeWindow;
use super::subquery::{outer_references, renamed_outer};
use super::{Rel, Resolver};
use crate::error::{at, error};
use crate::plan::{Expression, ExpressionKind, GroupType, Literal, Relation, Span};
use crate::types::SparkType;
use crate::{Result, Sql, Typed};

/// Rows in groups.
#[derive(Debug, Clone)]
pub(crate) struct Grouped {
    input: LogicalPlan,
    /// The rows' columns.
    pub(crate) scope: Scope,
    /// (key, the column that it becomes)
    keys: Vec<(Typed, Attribute)>,
    /// (aggregate, the column that it becomes)
    aggregates: Vec<(Expr, String)>,
    /// HAVING's conditions over the groups' columns.
    pub(crate) filters: Vec<Expr>,
    /// Which keys are of each set, if there are several.
    sets: Option<Vec<Vec<usize>>>,
    /// The window of time that is one of the keys, as the column of its id.
    pub(crate) window: Option<TimeWindow>,
    /// What the program calls each aggregate, where there is a window.
    texts: Vec<String>,
    /// What `grouping()` means.
    pub(crate) grouping: Option<GroupingContext>,
}

/// What `grouping()` is computed from.
#[derive(Debug, Clone)]
pub(crate) struct GroupingContext {
    /// The keys.
    keys: Vec<Expr>,
    /// The column that holds a bit per key, the first key's the highest: 1 where the key is not of the set.
    id: Attribute,
}

impl Grouped {
    pub(crate) fn new(input: LogicalPlan, scope: Scope, keys: Vec<(Typed, Attribute)>) -> Self {
        Self {
            input,
            scope,
            keys,
            aggregates: Vec::new(),
            filters: Vec::new(),
            sets: None,
            window: None,
            texts: Vec::new(),
            grouping: None,
        }
    }

    /// An expression over the rows as one over the groups' columns.
    pub(crate) fn rewrite(&mut self, resolver: &mut Resolver<'_>, typed: &Typed) -> Result<Expr> {
        let mut nested = false;
        let mut stray_outer = None;
        let expr = typed
            .expr
            .clone()
            .transform_down(|e| {
                if let Some((_, attribute)) = self.keys.iter().find(|(key, _)| key.expr == e) {
                    return Ok(Transformed::new(attribute.expr(), true, TreeNodeRecursion::Jump));
                }
                let mut e = e;
                match e {
                    Expr::AggregateFunction(ref function) => {
                        nested |= function.params.args.iter().any(has_aggregate);
                        let known = self.aggregates.iter().find(|(known, _)| *known == e).map(|(_, id)| id.clone());
                        let id = known.unwrap_or_else(|| {
                            let id = resolver.fresh(function.func.name());
                            self.texts.push(resolver.aggregate_text(&e));
                            self.aggregates.push((e.clone(), id.clone()));
                            id
                        });
                        Ok(Transformed::new(Expr::Column(Column::new_unqualified(id)), true, TreeNodeRecursion::Jump))
                    }
                    // What a subquery takes from the row around it has to be a key.
                    Expr::ScalarSubquery(ref mut subquery)
                    | Expr::Exists(Exists { ref mut subquery, .. })
                    | Expr::InSubquery(InSubquery { ref mut subquery, .. }) => match self.over_groups(subquery) {
                        Ok(over) => {
                            *subquery = over;
                            Ok(Transformed::yes(e))
                        }
                        Err(cause) => {
                            stray_outer = Some(cause);
                            Ok(Transformed::no(e))
                        }
                    },
                    other => Ok(Transformed::no(other)),
                }
            })
            .data()?;
        if nested {
            return Err(error(
                "NESTED_AGGREGATE_FUNCTION",
                format!("\"{}\": an aggregate of an aggregate; compute the inner one in a subquery", typed.sql),
            ));
        }
        if let Some(cause) = stray_outer {
            return Err(cause);
        }
        let known = |name: &str| {
            self.keys.iter().any(|(_, a)| a.id == name)
                || self.aggregates.iter().any(|(_, id)| id == name)
                || self.grouping.as_ref().is_some_and(|g| g.id.id == name)
        };
        if let Some(stray) = expr.column_refs().into_iter().find(|column| !known(&column.name)) {
            let name = self
                .scope
                .columns
                .iter()
                .chain(&self.scope.hidden)
                .find(|a| a.id == stray.name)
                .map_or(stray.name.as_str(), |a| a.name.as_str());
            let condition = if self.keys.is_empty() && self.sets.is_none() { "MISSING_GROUP_BY" } else { "MISSING_AGGREGATION" };
            return Err(error(
                condition,
                format!(
                    "\"{}\": the column `{name}` is neither grouped by nor aggregated: add it to GROUP BY, or take `any_value({name})`",
                    typed.sql
                ),
            )
            .with_parameter("expression", format!("\"{name}\"")));
        }
        Ok(expr)
    }

    /// A subquery of a row, as one of a group: what it takes from around are keys.
    fn over_groups(&self, subquery: &Subquery) -> Result<Subquery> {
        let mut names = Vec::new();
        for reference in outer_references(&subquery.subquery) {
            let Expr::OuterReferenceColumn(_, column) = reference else { continue };
            let Some(found) = self.scope.columns.iter().chain(&self.scope.hidden).find(|a| a.id == column.name) else { continue };
            let key = self.keys.iter().find(|(key, _)| key.expr.try_as_col().is_some_and(|known| known.name == column.name));
            match key {
                Some((_, attribute)) if attribute.id == column.name => {}
                Some((_, attribute)) => names.push((column.name, attribute.id.clone())),
                None => {
                    let message = format!("a subquery names the column `{}`, which is not grouped by: add it to GROUP BY", found.name);
                    return Err(error("MISSING_AGGREGATION", message).with_parameter("expression", format!("\"{}\"", found.name)));
                }
            }
        }
        if names.is_empty() { Ok(subquery.clone()) } else { Ok(super::subquery::subquery(renamed_outer(&subquery.subquery, &names)?)) }
    }

    /// The columns of the rows that are keys.
    pub(crate) fn key_columns(&self) -> Scope {
        let column = |key: &Typed| key.expr.try_as_col().map(|c| c.name.clone());
        let is_key = |a: &&Attribute| self.keys.iter().any(|(key, _)| column(key).as_deref() == Some(a.id.as_str()));
        Scope::new(self.scope.columns.iter().chain(&self.scope.hidden).filter(is_key).cloned().collect())
    }

    /// The groups.
    pub(crate) fn plan(&self, resolver: &mut Resolver<'_>) -> Result<LogicalPlan> {
        // Subqueries of keys and of aggregates' arguments are joined below.
        let exprs = self.keys.iter().map(|(key, _)| key.expr.clone()).chain(self.aggregates.iter().map(|(expr, _)| expr.clone())).collect();
        let (input, exprs) = resolver.without_subqueries(self.input.clone(), exprs)?;
        let mut joined = Self { input, ..self.clone() };
        let places = joined.keys.iter_mut().map(|(key, _)| &mut key.expr).chain(joined.aggregates.iter_mut().map(|(expr, _)| expr));
        places.zip(exprs).for_each(|(place, expr)| *place = expr);
        let this = &joined;
        let aggregates: Vec<Expr> = this.aggregates.iter().map(|(expr, id)| expr.clone().alias(id)).collect();
        let (input, keys) = match (&this.sets, &this.grouping) {
            (Some(sets), Some(grouping)) => this.expanded(sets, grouping)?,
            _ => {
                let keys = this.keys.iter().map(|(key, attribute)| super::select::under_id(key.expr.clone(), &attribute.id)).collect();
                (this.input.clone(), keys)
            }
        };
        let plan = if keys.is_empty() && aggregates.is_empty() {
            // One group of which nothing is asked: one row.
            LogicalPlanBuilder::empty(true).build()?
        } else if let Some(window) = this.window.as_ref().filter(|window| !window.is_column) {
            this.windowed(window, aggregates)?
        } else {
            LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(input), keys, aggregates)?)
        };
        let (mut plan, filters) = resolver.with_subqueries(plan, this.filters.clone(), true)?;
        if let Some(filter) = filters.into_iter().reduce(Expr::and) {
            plan = filtered(plan, filter)?;
        }
        Ok(plan)
    }

    /// The groups, one of whose keys is a window of time.
    fn windowed(&self, window: &TimeWindow, aggregates: Vec<Expr>) -> Result<LogicalPlan> {
        let is_window = |key: &Typed| key.expr == window.attribute.expr();
        let window_position = self.keys.iter().position(|(key, _)| is_window(key)).unwrap_or(0);
        let others: Vec<&(Typed, Attribute)> = self.keys.iter().filter(|(key, _)| !is_window(key)).collect();
        let texts: Vec<String> = others.iter().map(|(key, _)| key.sql.to_string()).collect();
        let keys = others.iter().map(|(key, attribute)| super::select::under_id(key.expr.clone(), &attribute.id)).collect();
        let groups = Groups { keys, aggregates, window_position };
        let definition = window.definition(&texts, &self.texts);
        let (time, id) = (window.event_time(), &window.attribute.id);
        Ok(super::stream::windowed(WindowAggregate::try_new(self.input.clone(), window.kind, time, id, groups, definition)?))
    }

    /// Each row once per set, and the keys to group by.
    fn expanded(&self, sets: &[Vec<usize>], grouping: &GroupingContext) -> Result<(LogicalPlan, Vec<Expr>)> {
        let set = format!("{}_set", grouping.id.id);
        let numbers: Vec<ScalarValue> = (0..sets.len()).map(|i| ScalarValue::Int32(i32::try_from(i).ok())).collect();
        let list = ScalarValue::List(ScalarValue::new_list(&numbers, &arrow::datatypes::DataType::Int32, false));
        let mut columns: Vec<Expr> = self.input.schema().columns().into_iter().map(Expr::Column).collect();
        columns.push(Expr::Literal(list, None).alias(&set));
        let plan = project(self.input.clone(), columns)?;
        let plan = LogicalPlanBuilder::from(plan).unnest_column(Column::new_unqualified(set.clone()))?.build()?;
        let set_column = Expr::Column(Column::new_unqualified(set.clone()));
        let mut columns: Vec<Expr> = self.input.schema().columns().into_iter().map(Expr::Column).collect();
        columns.push(set_column.clone());
        let mut keys = Vec::new();
        for (at, (key, attribute)) in self.keys.iter().enumerate() {
            let of: Vec<Expr> = sets
                .iter()
                .enumerate()
                .filter(|(_, set)| set.contains(&at))
                .map(|(i, _)| lit(i32::try_from(i).unwrap_or(i32::MAX)))
                .collect();
            let name = format!("{}_key", attribute.id);
            let value = if of.is_empty() {
                Expr::Literal(ScalarValue::try_from(&crate::types::to_arrow(&key.data_type))?, None)
            } else if of.len() == sets.len() {
                key.expr.clone()
            } else {
                Expr::Case(Case::new(None, vec![(Box::new(set_column.clone().in_list(of, false)), Box::new(key.expr.clone()))], None))
            };
            columns.push(value.alias(&name));
            keys.push(Expr::Column(Column::new_unqualified(name)).alias(&attribute.id));
        }
        let bits = |set: &Vec<usize>| (0..self.keys.len()).fold(0_i64, |bits, at| bits << 1 | i64::from(!set.contains(&at)));
        let branches = sets
            .iter()
            .enumerate()
            .map(|(i, set)| (Box::new(set_column.clone().eq(lit(i32::try_from(i).unwrap_or(i32::MAX)))), Box::new(lit(bits(set)))));
        let id = format!("{}_bits", grouping.id.id);
        columns.push(Expr::Case(Case::new(None, branches.collect(), Some(Box::new(lit(0_i64))))).alias(&id));
        keys.push(Expr::Column(Column::new_unqualified(id)).alias(&grouping.id.id));
        keys.push(set_column);
        Ok((project(plan, columns)?, keys))
    }
}

impl Resolver<'_> {
    pub(crate) fn aggregate(
        &mut self,
        input: &Relation,
        group_type: &GroupType,
        grouping_expressions: &[Expression],
        aggregate_expressions: &[Expression],
        keep_grouping: bool,
    ) -> Result<Rel> {
        let rel = self.relation(input)?;
        // Stars first, so that positions count.
        let mut list: Vec<Expression> = Vec::with_capacity(aggregate_expressions.len());
        for expression in aggregate_expressions {
            match &expression.kind {
                ExpressionKind::UnresolvedStar { .. } | ExpressionKind::UnresolvedRegex { .. } => {
                    if !grouping_expressions.is_empty()
                        && matches!(&expression.kind, ExpressionKind::UnresolvedStar { target, .. } if target.is_empty())
                        && grouping_expressions.iter().any(|e| ordinal(e).is_some())
                    {
                        return Err(at(
                            error("STAR_GROUP_BY_POS", "`*` and positions in GROUP BY do not go together: name the columns"),
                            expression.span,
                        ));
                    }
                    for typed in self.star(expression, &rel.scope)? {
                        let id = typed.expr.try_as_col().map(|c| c.name.clone());
                        let attribute = rel.scope.columns.iter().chain(&rel.scope.hidden).find(|a| Some(&a.id) == id.as_ref());
                        let name = match attribute {
                            Some(a) => a.qualifier.iter().cloned().chain([a.name.clone()]).collect(),
                            None => vec![typed.column_name()],
                        };
                        let kind = ExpressionKind::UnresolvedAttribute { name, plan_id: None };
                        list.push(Expression { kind, span: expression.span });
                    }
                }
                _ => list.push(expression.clone()),
            }
        }
        let mut rel = rel;
        let (keys, in_sets) = members(group_type, grouping_expressions);
        let mut window = self.time_window(&keys, &rel.scope)?;
        if let Some(window) = &mut window {
            self.remember(&rel.scope);
            if in_sets {
                rel.plan = self.with_window_column(rel.plan, window)?;
            }
            // Its column can be named from here on.
            rel.scope.columns.push(window.attribute.clone());
        }
        let outer_window = std::mem::replace(&mut self.window, window.clone());
        let asked = self.asked.replace(Vec::new());
        let made = self.grouped(rel, group_type, grouping_expressions, list, keep_grouping, window);
        (self.window, self.asked) = (outer_window, asked);
        made
    }

    fn grouped(
        &mut self,
        rel: Rel,
        group_type: &GroupType,
        grouping_expressions: &[Expression],
        list: Vec<Expression>,
        keep_grouping: bool,
        window: Option<TimeWindow>,
    ) -> Result<Rel> {
        let mut grouping = Grouping { keys: Vec::new(), sets: None };
        match group_type {
            GroupType::All => {
                for expression in &list {
                    let typed = self.expression(expression, &rel.scope)?;
                    if !has_aggregate(&typed.expr) && !super::select::has_window(&typed.expr) {
                        grouping.key(typed);
                    }
                }
            }
            GroupType::GroupBy => {
                let mut product: Option<Vec<Vec<usize>>> = None;
                let mut plain: Vec<usize> = Vec::new();
                for expression in grouping_expressions {
                    match self.analytic(expression, &rel.scope, &list, &mut grouping)? {
                        Some(sets) => {
                            let count = product.as_ref().map_or(1, Vec::len).saturating_mul(sets.len());
                            if count > MOST_SETS {
                                let message =
                                    format!("GROUP BY makes {count} sets of keys, and {MOST_SETS} are the most: write those needed");
                                return Err(error("GROUPING_SIZE_LIMIT_EXCEEDED", message));
                            }
                            product = Some(match product {
                                None => sets,
                                Some(before) => {
                                    before.iter().flat_map(|a| sets.iter().map(move |b| a.iter().chain(b).copied().collect())).collect()
                                }
                            });
                        }
                        None => {
                            let key = self.group_key(expression, &rel.scope, &list)?;
                            plain.push(grouping.key(key));
                        }
                    }
                }
                grouping.sets =
                    product.map(|sets| sets.into_iter().map(|set: Vec<usize>| plain.iter().copied().chain(set).collect()).collect());
            }
            GroupType::Rollup | GroupType::Cube => {
                if grouping_expressions.len() > MOST_KEYS {
                    return Err(too_many_keys(grouping_expressions.len()));
                }
                let mut elements = Vec::new();
                for expression in grouping_expressions {
                    elements.push(self.group_element(expression, &rel.scope, &list, &mut grouping)?);
                }
                grouping.sets = Some(if matches!(group_type, GroupType::Rollup) { rollup(&elements) } else { cube(&elements)? });
            }
            GroupType::GroupingSets(sets) => {
                for expression in grouping_expressions {
                    let key = self.group_key(expression, &rel.scope, &list)?;
                    grouping.key(key);
                }
                let mut made = Vec::new();
                for set in sets {
                    let mut of = Vec::new();
                    for expression in set {
                        let key = self.group_key(expression, &rel.scope, &list)?;
                        of.push(grouping.key(key));
                    }
                    made.push(of);
                }
                grouping.sets = Some(made);
            }
        }
        if grouping.sets.is_some() && grouping.keys.len() > MOST_KEYS {
            return Err(too_many_keys(grouping.keys.len()));
        }
        let mut keys = Vec::new();
        for key in grouping.keys {
            if !crate::types::lattice::is_equatable(&key.data_type) {
                return Err(error(
                    "GROUP_EXPRESSION_TYPE_IS_NOT_ORDERABLE",
                    format!(
                        "\"{}\" is \"{}\", by which rows cannot be grouped: group by `map_entries` or `to_json` of it",
                        key.sql,
                        key.data_type.sql()
                    ),
                ));
            }
            let column = match &key.expr {
                Expr::Column(column) => rel.scope.columns.iter().chain(&rel.scope.hidden).find(|a| a.id == column.name).cloned(),
                _ => None,
            };
            let mut attribute = match column {
                Some(attribute) if grouping.sets.is_none() => attribute,
                Some(attribute) => Attribute { id: self.fresh(&attribute.name), ..attribute },
                None => self.attribute(&key.column_name(), key.data_type.clone(), key.nullable),
            };
            attribute.nullable |= grouping.sets.is_some();
            keys.push((key, attribute));
        }
        let mut grouped = Grouped::new(rel.plan, rel.scope, keys);
        grouped.window = window;
        if let Some(sets) = grouping.sets {
            let id = self.attribute("grouping_id", SparkType::Long, false);
            grouped.grouping = Some(GroupingContext { keys: grouped.keys.iter().map(|(key, _)| key.expr.clone()).collect(), id });
            grouped.sets = Some(sets);
        }
        let outer = std::mem::replace(&mut self.grouping, grouped.grouping.clone());
        let rel = Rel::new(grouped.input.clone(), grouped.scope.clone());
        let items = self.select_list(rel, &list, true);
        self.grouping = outer;
        let (rel, mut items, deferred) = items?;
        grouped.input = rel.plan;
        grouped.scope = rel.scope;
        if keep_grouping {
            let keys: Vec<_> = grouped.keys.iter().map(|(key, _)| (key.clone(), key.expr.try_as_col().is_none(), None)).collect();
            items.splice(0..0, keys);
        }
        for (key, _) in &grouped.keys {
            let is_correlated = matches!(&key.expr, Expr::ScalarSubquery(s) if !outer_references(&s.subquery).is_empty());
            if is_correlated && !items.iter().any(|(typed, ..)| typed.expr.exists(|e| Ok(*e == key.expr)).unwrap_or(false)) {
                let message = "GROUP BY has a subquery that names a column of the row around it: let it stand in the list, too";
                return Err(error("UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.MUST_AGGREGATE_CORRELATED_SCALAR_SUBQUERY", message));
            }
        }
        let is_without_keys = matches!(group_type, GroupType::All) && grouped.keys.is_empty();
        let rel = self.aggregated(grouped, items).map_err(|cause| {
            if !is_without_keys || !super::select::is_missing_aggregation(&cause) {
                return cause;
            }
            let message = "GROUP BY ALL finds no key: no column of the list is free of aggregates; write the keys";
            at(error("UNRESOLVED_ALL_IN_GROUP_BY", message), None)
        })?;
        self.generated(rel, deferred)
    }

    /// The relation of a list over groups.
    pub(crate) fn aggregated(&mut self, mut grouped: Grouped, items: Vec<(Typed, bool, Option<Span>)>) -> Result<Rel> {
        let mut outputs: Vec<Output> = Vec::with_capacity(items.len());
        for (typed, aliased, span) in items {
            let expr = grouped.rewrite(self, &typed).map_err(|e| at(e, span))?;
            let keys = Scope::new(grouped.keys.iter().map(|(_, a)| a.clone()).collect());
            let as_key = Typed { expr: expr.clone(), ..typed.clone() };
            let mut attribute = self.output_attribute(&as_key, aliased, &keys, &outputs);
            attribute.nullable |= grouped.sets.is_some();
            outputs.push(Output { attribute, definition: typed, expr });
        }
        self.listed(Under::Aggregate { grouped, outputs })
    }

    /// A key: a position of the list, an expression, or an alias of the list.
    fn group_key(&mut self, expression: &Expression, scope: &Scope, list: &[Expression]) -> Result<Typed> {
        if self.settings.flag("spark.sql.groupByOrdinal", true)?
            && let Some(position) = ordinal(expression)
        {
            let item = usize::try_from(position).ok().and_then(|p| p.checked_sub(1)).and_then(|p| list.get(p));
            let Some(item) = item else {
                return Err(at(
                    error(
                        "GROUP_BY_POS_OUT_OF_RANGE",
                        format!("GROUP BY position {position} is not in the list of {} columns", list.len()),
                    ),
                    expression.span,
                ));
            };
            let typed = self.expression(item, scope)?;
            refuse_window_key(&typed).map_err(|e| at(e, expression.span))?;
            if has_aggregate(&typed.expr) {
                return Err(at(
                    error(
                        "GROUP_BY_POS_AGGREGATE",
                        format!("GROUP BY position {position} is \"{}\", an aggregate: group by something else", typed.sql),
                    ),
                    expression.span,
                ));
            }
            return Ok(typed);
        }
        let made = match self.expression(expression, scope) {
            Ok(typed) => typed,
            Err(cause) if super::select::is_unknown_column(&cause) && self.settings.flag("spark.sql.groupByAliases", true)? => {
                let alias = match &expression.kind {
                    ExpressionKind::UnresolvedAttribute { name, plan_id: None } if name.len() == 1 => {
                        list.iter().find_map(|item| match &item.kind {
                            ExpressionKind::Alias { expr, name: alias } if alias.len() == 1 && self.settings.same(&alias[0], &name[0]) => {
                                Some((expr.as_ref().clone(), alias[0].clone()))
                            }
                            _ => None,
                        })
                    }
                    _ => None,
                };
                let Some((inner, alias)) = alias else { return Err(cause) };
                let mut typed = self.expression(&inner, scope)?;
                typed.name = Some(alias);
                typed
            }
            Err(cause) => return Err(cause),
        };
        refuse_window_key(&made).map_err(|e| at(e, expression.span))?;
        if has_aggregate(&made.expr) {
            return Err(at(
                error("GROUP_BY_AGGREGATE", format!("\"{}\" is an aggregate: group by something else", made.sql)),
                expression.span,
            ));
        }
        Ok(made)
    }

    /// The keys of one element of ROLLUP or CUBE: `a`, or `(a, b)`.
    fn group_element(
        &mut self,
        expression: &Expression,
        scope: &Scope,
        list: &[Expression],
        grouping: &mut Grouping,
    ) -> Result<Vec<usize>> {
        let members = match &expression.kind {
            ExpressionKind::UnresolvedFunction(call) if call.name == ["struct"] => call.arguments.as_slice(),
            _ => std::slice::from_ref(expression),
        };
        members.iter().map(|member| Ok(grouping.key(self.group_key(member, scope, list)?))).collect()
    }

    /// The sets of ROLLUP(…), CUBE(…) and GROUPING SETS(…); `None` for a plain key.
    fn analytic(
        &mut self,
        expression: &Expression,
        scope: &Scope,
        list: &[Expression],
        grouping: &mut Grouping,
    ) -> Result<Option<Vec<Vec<usize>>>> {
        let ExpressionKind::UnresolvedFunction(call) = &expression.kind else { return Ok(None) };
        let [name] = call.name.as_slice() else { return Ok(None) };
        match name.to_lowercase().as_str() {
            kind @ ("rollup" | "cube") => {
                if call.arguments.len() > MOST_KEYS {
                    return Err(too_many_keys(call.arguments.len()));
                }
                let mut elements = Vec::new();
                for argument in &call.arguments {
                    elements.push(self.group_element(argument, scope, list, grouping)?);
                }
                Ok(Some(if kind == "rollup" { rollup(&elements) } else { cube(&elements)? }))
            }
            "grouping_sets" => {
                let mut sets = Vec::new();
                for argument in &call.arguments {
                    match self.analytic(argument, scope, list, grouping)? {
                        Some(nested) => sets.extend(nested),
                        None => sets.push(self.group_element(argument, scope, list, grouping)?),
                    }
                }
                Ok(Some(sets))
            }
            _ => Ok(None),
        }
    }

    /// `grouping(key)`: 1 where the key is not of the row's set.
    pub(crate) fn grouping(&mut self, arguments: &[Expression], scope: &Scope) -> Result<Typed> {
        let [argument] = arguments else {
            return Err(error(
                "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
                format!("`grouping` takes one key, and the call has {}", arguments.len()),
            ));
        };
        let key = self.expression(argument, scope)?;
        let Some(grouping) = self.grouping.clone() else {
            return Err(error("UNSUPPORTED_GROUPING_EXPRESSION", "`grouping` stands with GROUPING SETS, ROLLUP and CUBE alone"));
        };
        let Some(place) = grouping.keys.iter().position(|k| *k == key.expr) else {
            return Err(error("GROUPING_COLUMN_MISMATCH", format!("\"{}\" is not one of the keys of GROUP BY", key.sql)));
        };
        let shift = i64::try_from(grouping.keys.len() - 1 - place).unwrap_or(0);
        let bit = (grouping.id.expr() / lit(1_i64 << shift)) % lit(2_i64);
        let expr = Expr::Cast(Cast::new(Box::new(bit), arrow::datatypes::DataType::Int8));
        Ok(Typed::new(expr, SparkType::Byte, false, Sql::call("grouping", [&key.sql])))
    }

    /// `grouping_id()`: a bit per key.
    pub(crate) fn grouping_id(&mut self, arguments: &[Expression], scope: &Scope) -> Result<Typed> {
        let keys = self.expressions(arguments, scope)?;
        let Some(grouping) = self.grouping.clone() else {
            return Err(error("UNSUPPORTED_GROUPING_EXPRESSION", "`grouping_id` stands with GROUPING SETS, ROLLUP and CUBE alone"));
        };
        if !keys.is_empty() && (keys.len() != grouping.keys.len() || keys.iter().zip(&grouping.keys).any(|(a, b)| a.expr != *b)) {
            return Err(error("GROUPING_ID_COLUMN_MISMATCH", "`grouping_id` takes all keys of GROUP BY in their order, or none"));
        }
        let shown: Vec<&Sql> = keys.iter().map(|key| &key.sql).collect();
        Ok(Typed::new(grouping.id.expr(), SparkType::Long, false, Sql::call("grouping_id", shown)))
    }
}

/// The expressions that are grouped by, those inside of sets among them; and whether there are sets.
fn members<'e>(group_type: &'e GroupType, grouping: &'e [Expression]) -> (Vec<&'e Expression>, bool) {
    fn inside<'e>(expression: &'e Expression, found: &mut Vec<&'e Expression>) -> bool {
        if let ExpressionKind::UnresolvedFunction(call) = &expression.kind
            && let [name] = call.name.as_slice()
            && matches!(name.to_lowercase().as_str(), "rollup" | "cube" | "grouping_sets" | "struct")
        {
            let sets = call.arguments.iter().map(|argument| inside(argument, found)).fold(false, |one, other| one | other);
            return sets || name != "struct";
        }
        found.push(expression);
        false
    }
    let mut found = Vec::new();
    let mut in_sets = matches!(group_type, GroupType::Rollup | GroupType::Cube | GroupType::GroupingSets(_));
    for expression in grouping {
        in_sets |= inside(expression, &mut found);
    }
    if let GroupType::GroupingSets(sets) = group_type {
        sets.iter().flatten().for_each(|expression| {
            inside(expression, &mut found);
        });
    }
    (found, in_sets)
}

/// Window functions are computed over the groups, and are no keys.
fn refuse_window_key(key: &Typed) -> Result<()> {
    if !super::select::has_window(&key.expr) {
        return Ok(());
    }
    let message = format!("\"{}\" is a window function: group by something else", key.sql);
    Err(error("UNSUPPORTED_EXPR_FOR_OPERATOR", message))
}

struct Grouping {
    keys: Vec<Typed>,
    sets: Option<Vec<Vec<usize>>>,
}

impl Grouping {
    /// The key's number; equal keys are one.
    fn key(&mut self, key: Typed) -> usize {
        match self.keys.iter().position(|k| k.expr == key.expr) {
            Some(at) => at,
            None => {
                self.keys.push(key);
                self.keys.len() - 1
            }
        }
    }
}

/// All leading parts, longest first.
fn rollup(elements: &[Vec<usize>]) -> Vec<Vec<usize>> {
    (0..=elements.len()).rev().map(|n| elements[..n].concat()).collect()
}

/// How many keys `grouping_id` has bits for.
const MOST_KEYS: usize = 64;

/// How many sets of keys there may be: those of a CUBE of 16.
const MOST_SETS: usize = 1 << 16;

fn too_many_keys(count: usize) -> crate::Error {
    let message = format!("GROUPING SETS, ROLLUP and CUBE have {count} keys, and {MOST_KEYS} are the most: group by fewer");
    error("GROUPING_SIZE_LIMIT_EXCEEDED", message)
}

/// All subsets.
fn cube(elements: &[Vec<usize>]) -> Result<Vec<Vec<usize>>> {
    if elements.len() > 16 {
        return Err(error("GROUPING_SIZE_LIMIT_EXCEEDED", "CUBE of more than 16 elements: write the GROUPING SETS that are needed"));
    }
    let subset = |bits: usize| {
        let of = elements.iter().enumerate().filter(|(i, _)| bits >> (elements.len() - 1 - i) & 1 == 1);
        of.flat_map(|(_, element)| element.iter().copied()).collect()
    };
    Ok((0..1_usize << elements.len()).rev().map(subset).collect())
}

/// The position that a literal in GROUP BY or ORDER BY is.
pub(super) fn ordinal(expression: &Expression) -> Option<i64> {
    match &expression.kind {
        ExpressionKind::Literal(Literal::Integer(position)) => Some(i64::from(*position)),
        _ => None,
    }
}
