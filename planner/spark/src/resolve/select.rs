//! SELECT lists, and the clauses that filter what they give.

use datafusion::common::Column;
use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::Expr;

use super::grouped::Grouped;
use super::holds::{has_aggregate, has_window};
use super::nodes::{filtered, project};
use super::refused::{is_missing_aggregation, is_unknown_column, not_grouped, outside_select};
use super::scope::{Attribute, Scope};
use super::under::{Output, Under};
use super::{Rel, Resolver};
use crate::error::{at, error};
use crate::plan::{Expression, ExpressionKind, Relation, Span};
use crate::{Result, Typed};

/// A column of a list that is being resolved: what it is, whether it has an alias, where it stands.
pub(crate) type Item = (Typed, bool, Option<Span>);

/// A generator that comes after the groups are made.
#[derive(Debug, Clone)]
pub(crate) struct Deferred {
    place: usize,
    generator: crate::functions::Generator,
    names: Vec<String>,
}

impl Resolver<'_> {
    pub(crate) fn project(&mut self, input: &Relation, expressions: &[Expression]) -> Result<Rel> {
        let rel = self.relation(input)?;
        self.project_over(rel, expressions)
    }

    pub(crate) fn project_over(&mut self, rel: Rel, expressions: &[Expression]) -> Result<Rel> {
        let (rel, items, deferred) = self.select_list(rel, expressions, false)?;
        if items.iter().any(|(typed, ..)| has_aggregate(&typed.expr)) {
            let grouped = Grouped::new(rel.plan, rel.scope, Vec::new());
            let rel = self.aggregated(grouped, items)?;
            return self.generated(rel, deferred);
        }
        let mut outputs = Vec::with_capacity(items.len());
        for (typed, aliased, span) in items {
            refuse_misplaced(&typed, span)?;
            let attribute = self.output_attribute(&typed, aliased, &rel.scope, &outputs);
            outputs.push(Output { attribute, expr: typed.expr.clone(), definition: typed });
        }
        self.listed(Under::Project { input: rel.plan, scope: rel.scope, outputs, dealt: None })
    }

    /// The relation that a list gives.
    pub(crate) fn listed(&mut self, under: Under) -> Result<Rel> {
        let plan = under.plan(self, &[])?;
        let scope = Scope::new(under.outputs().iter().map(|o| o.attribute.clone()).collect());
        Ok(Rel { plan, scope, under: Some(Box::new(under)) })
    }

    /// The columns of a list: (expression, whether it has an alias, place). A generator among them changes the rows; one over groups
    /// does so later: its collection stands in its place until then.
    pub(crate) fn select_list(
        &mut self,
        mut rel: Rel,
        expressions: &[Expression],
        grouped: bool,
    ) -> Result<(Rel, Vec<Item>, Option<Deferred>)> {
        let outer_aliases = std::mem::take(&mut self.aliases);
        let made = (|| {
            let mut items: Vec<Item> = Vec::with_capacity(expressions.len());
            let mut deferred = None;
            for expression in expressions {
                let (inner, names) = match &expression.kind {
                    ExpressionKind::Alias { expr, name } => (expr.as_ref(), name.as_slice()),
                    _ => (expression, &[] as &[String]),
                };
                if let Some(generator) = self.generator(inner, &rel.scope)? {
                    if deferred.is_some() {
                        let message = "a list over groups may have one generator: put the others into LATERAL VIEW";
                        return Err(at(error("UNSUPPORTED_GENERATOR.MULTI_GENERATOR", message), expression.span));
                    }
                    if grouped || has_aggregate(&generator.collection.expr) {
                        items.push((generator.collection.clone(), true, expression.span));
                        deferred = Some(Deferred { place: items.len() - 1, generator, names: names.to_vec() });
                        continue;
                    }
                    let (next, columns) = self.generate(rel, generator, names, None).map_err(|e| at(e, expression.span))?;
                    rel = next;
                    items.extend(columns.into_iter().map(|a| (a.typed(&a.name), true, expression.span)));
                    continue;
                }
                match &inner.kind {
                    ExpressionKind::UnresolvedStar { .. } | ExpressionKind::UnresolvedRegex { .. } if names.is_empty() => {
                        for typed in self.star(inner, &rel.scope)? {
                            items.push((typed, false, expression.span));
                        }
                    }
                    _ => {
                        let typed = self.expression(expression, &rel.scope)?;
                        let aliased = !names.is_empty();
                        if aliased && let Some(name) = &typed.name {
                            self.aliases.push((name.clone(), typed.clone()));
                        }
                        items.push((typed, aliased, expression.span));
                    }
                }
            }
            Ok((rel, items, deferred))
        })();
        self.aliases = outer_aliases;
        made
    }

    /// The rows of a generator over groups.
    pub(crate) fn generated(&mut self, mut rel: Rel, deferred: Option<Deferred>) -> Result<Rel> {
        let Some(Deferred { place, mut generator, names }) = deferred else { return Ok(rel) };
        if place >= rel.scope.columns.len() {
            return Err(error("INTERNAL_ERROR", "a generator has lost its place"));
        }
        let collection = rel.scope.columns.remove(place);
        generator.collection = collection.typed(&collection.name);
        rel.under = None;
        let (mut rel, added) = self.generate(rel, generator, &names, None)?;
        rel.scope.columns.splice(place..place, added);
        Ok(rel)
    }

    /// The column that an expression of a list becomes. A plain column keeps its id unless it is there already.
    pub(crate) fn output_attribute(&mut self, typed: &Typed, aliased: bool, scope: &Scope, before: &[Output]) -> Attribute {
        let name = typed.column_name();
        if let Expr::Column(column) = &typed.expr
            && let Some(attribute) = scope.columns.iter().chain(&scope.hidden).find(|a| a.id == column.name)
        {
            let mut attribute = attribute.clone();
            attribute.name.clone_from(&name);
            attribute.data_type = typed.data_type.clone();
            attribute.nullable = typed.nullable;
            if aliased {
                attribute.qualifier.clear();
                attribute.plan_ids.clear();
            }
            if before.iter().any(|o| o.attribute.id == attribute.id) {
                if !aliased && attribute.repeats.is_none() {
                    attribute.repeats = Some(attribute.id.clone());
                }
                attribute.id = self.fresh(&name);
            }
            return attribute;
        }
        self.attribute(&name, typed.data_type.clone(), typed.nullable)
    }

    /// An expression of a clause that stands above a list: it may name the list's columns, and those of what it was made from.
    pub(crate) fn over(&mut self, under: &Under, expression: &Expression) -> Result<Typed> {
        let outer = self.definitions.replace(under.definitions());
        let grouping = match under {
            Under::Aggregate { grouped, .. } => std::mem::replace(&mut self.grouping, grouped.grouping.clone()),
            Under::Project { .. } => self.grouping.take(),
        };
        let window = match under {
            Under::Aggregate { grouped, .. } => std::mem::replace(&mut self.window, grouped.window.clone()),
            Under::Project { .. } => self.window.take(),
        };
        let made = self.expression(expression, under.scope());
        self.definitions = outer;
        self.grouping = grouping;
        self.window = window;
        made
    }

    /// A filter above any relation.
    pub(crate) fn filter(&mut self, input: &Relation, condition: &Expression) -> Result<Rel> {
        let rel = self.relation(input)?;
        let typed = self.expression(condition, &rel.scope).map_err(outside_select);
        let typed = match typed {
            Ok(typed) => typed,
            Err(cause) => match (&rel.under, is_unknown_column(&cause)) {
                // A column that an earlier step has left out.
                (Some(_), true) => return self.filter_over(rel, condition).map_err(|e| if is_unknown_column(&e) { cause } else { e }),
                _ => return Err(cause),
            },
        };
        if has_window(&typed.expr) {
            refuse_in_where(&typed, condition.span)?;
        }
        let typed = self.boolean(typed, condition.span)?;
        refuse_in_where(&typed, condition.span)?;
        let (plan, mut exprs) = self.with_subqueries(rel.plan, vec![typed.expr], true)?;
        let plan = match exprs.pop() {
            Some(expr) => filtered(plan, expr)?,
            None => plan,
        };
        Ok(Rel::new(plan, rel.scope))
    }

    fn filter_over(&mut self, rel: Rel, condition: &Expression) -> Result<Rel> {
        let Some(mut under) = rel.under else { return Err(error("INTERNAL_ERROR", "a filter has lost its list")) };
        let typed = self.over(&under, condition)?;
        let typed = self.boolean(typed, condition.span)?;
        let expr = under.rewritten(self, &typed)?;
        let id = self.fresh("keep");
        let plan = under.plan(self, &[(expr, id.clone())])?;
        let plan = filtered(plan, Expr::Column(Column::new_unqualified(id)))?;
        let plan = project(plan, rel.scope.columns.iter().map(Attribute::expr).collect())?;
        Ok(Rel::new(plan, rel.scope))
    }

    pub(crate) fn having(&mut self, input: &Relation, condition: &Expression) -> Result<Rel> {
        let rel = self.relation(input)?;
        let under = match rel.under.map(|under| *under) {
            Some(aggregate @ Under::Aggregate { .. }) => aggregate,
            // Without GROUP BY all rows are one group.
            Some(Under::Project { input, scope, outputs, .. }) => {
                let items = outputs.into_iter().map(|o| (o.definition, true, None)).collect();
                let grouped = Grouped::new(input, scope, Vec::new());
                match self.aggregated(grouped, items)?.under {
                    Some(under) => *under,
                    None => return Err(error("INTERNAL_ERROR", "an aggregation has lost its list")),
                }
            }
            None => return self.filter(input, condition),
        };
        let typed = self.over(&under, condition)?;
        let typed = self.boolean(typed, condition.span)?;
        if has_window(&typed.expr) {
            return Err(at(
                error("WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE", "window functions do not stand in HAVING: use QUALIFY"),
                condition.span,
            ));
        }
        let mut under = under;
        let expr = match under.rewritten(self, &typed) {
            Ok(expr) => expr,
            Err(cause) if is_missing_aggregation(&cause) => {
                // Of groups only the keys and the list's columns are there.
                let listed = Scope::new(under.outputs().iter().map(|o| o.attribute.clone()).collect());
                let unknown = self.expression(condition, &listed).err().filter(is_unknown_column);
                return Err(unknown.unwrap_or_else(|| at(cause, condition.span)));
            }
            Err(cause) => return Err(at(not_grouped(cause), condition.span)),
        };
        if let Under::Aggregate { grouped, .. } = &mut under {
            grouped.filters.push(expr);
        }
        self.listed(under)
    }

    pub(crate) fn qualify(&mut self, input: &Relation, condition: &Expression) -> Result<Rel> {
        let rel = self.relation(input)?;
        let Some(mut under) = rel.under else { return self.filter(input, condition) };
        let typed = self.over(&under, condition)?;
        let typed = self.boolean(typed, condition.span)?;
        let mut any = has_window(&typed.expr);
        any |= under.outputs().iter().any(|o| has_window(&o.expr));
        if !any {
            return Err(at(
                error("QUALIFY_REQUIRES_WINDOW_FUNCTION", "QUALIFY is for window functions, and there is none: use WHERE or HAVING"),
                condition.span,
            ));
        }
        let expr = under.rewritten(self, &typed)?;
        let id = self.fresh("keep");
        let plan = under.plan(self, &[(expr, id.clone())])?;
        let plan = filtered(plan, Expr::Column(Column::new_unqualified(id)))?;
        let plan = project(plan, rel.scope.columns.iter().map(Attribute::expr).collect())?;
        Ok(Rel::new(plan, rel.scope))
    }
}

/// Window functions do not nest.
fn refuse_misplaced(typed: &Typed, span: Option<Span>) -> Result<()> {
    let nested = typed
        .expr
        .exists(|e| match e {
            Expr::WindowFunction(w) => Ok(w.params.args.iter().any(has_window)),
            _ => Ok(false),
        })
        .unwrap_or(false);
    if nested {
        return Err(at(
            error("UNSUPPORTED_EXPR_FOR_WINDOW", "a window function over a window function: compute the inner one in a subquery"),
            span,
        ));
    }
    Ok(())
}

/// Aggregates and window functions do not stand in WHERE.
fn refuse_in_where(typed: &Typed, span: Option<Span>) -> Result<()> {
    let what = if has_aggregate(&typed.expr) {
        "aggregates do not stand in WHERE: use HAVING, or compute them in a subquery"
    } else if has_window(&typed.expr) {
        "window functions do not stand in WHERE: use QUALIFY, or compute them in a subquery"
    } else {
        return Ok(());
    };
    let condition = if has_aggregate(&typed.expr) { "INVALID_WHERE_CONDITION" } else { "WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE" };
    Err(at(error(condition, format!("\"{}\": {what}", typed.sql)), span))
}
