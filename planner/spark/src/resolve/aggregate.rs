//! Grouping: GROUP BY and its kinds, and the list over the groups.

use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::{Cast, Expr, lit};

use super::grouped::{Grouped, GroupingContext};
use super::grouping_sets::{Grouping, MOST_KEYS, MOST_SETS, cube, members, rollup, too_many_keys};
use super::holds::has_aggregate;
use super::outer::outer_references;
use super::scope::{Attribute, Scope};
use super::stream::TimeWindow;
use super::under::{Output, Under};
use super::{Rel, Resolver};
use crate::error::{at, error};
use crate::plan::{Expression, ExpressionKind, GroupType, Literal, Relation, Span};
use crate::types::SparkType;
use crate::{Result, Sql, Typed};

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
                    if !has_aggregate(&typed.expr) && !super::holds::has_window(&typed.expr) {
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
            if !is_without_keys || !super::refused::is_missing_aggregation(&cause) {
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
        self.listed(Under::Aggregate { grouped, outputs, dealt: None })
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
            Err(cause) if super::refused::is_unknown_column(&cause) && self.settings.flag("spark.sql.groupByAliases", true)? => {
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

/// Window functions are computed over the groups, and are no keys.
fn refuse_window_key(key: &Typed) -> Result<()> {
    if !super::holds::has_window(&key.expr) {
        return Ok(());
    }
    let message = format!("\"{}\" is a window function: group by something else", key.sql);
    Err(error("UNSUPPORTED_EXPR_FOR_OPERATOR", message))
}

/// The position that a literal in GROUP BY or ORDER BY is.
pub(super) fn ordinal(expression: &Expression) -> Option<i64> {
    match &expression.kind {
        ExpressionKind::Literal(Literal::Integer(position)) => Some(i64::from(*position)),
        _ => None,
    }
}
