//! Subqueries as values: scalar, EXISTS and IN.

use std::sync::Arc;

use datafusion::logical_expr::expr::{Case, Exists, InSubquery};
use datafusion::logical_expr::{Expr, LogicalPlan, lit};
use datafusion::scalar::ScalarValue;

use super::holds::has_subquery;
use super::nodes::{filtered, project};
use super::outer::{OuterUse, as_outer, as_subquery, from_inside, outer_references};
use super::scope::Scope;
use super::{Rel, Resolver};
use crate::error::error;
use crate::plan::{CastMode, Expression, ExpressionKind, Relation};
use crate::types::{SparkType, cast, lattice};
use crate::{Result, Sql, Typed};

/// How many queries there may be around one. The engine's rules look at a query inside others twice for each.
const MOST_AROUND: usize = 10;

impl Resolver<'_> {
    /// A query that may name columns of `scope`.
    ///
    /// With it come the names of those that it takes, once for each place that names one, as Spark shows a subquery.
    pub(crate) fn inner(&mut self, plan: &Relation, scope: &Scope) -> Result<(Rel, Vec<String>)> {
        if self.outer.len() >= MOST_AROUND {
            let message = format!("queries stand in one another more than {MOST_AROUND} deep: name inner ones with WITH and join them");
            return Err(error("FAILED_TO_PARSE_TOO_COMPLEX", message));
        }
        let depth = self.outer.len();
        self.outer.push(scope.clone());
        let aliases = std::mem::take(&mut self.aliases);
        let lambdas = std::mem::take(&mut self.lambdas);
        let windows = std::mem::take(&mut self.windows);
        let (definitions, grouping) = (self.definitions.take(), self.grouping.take());
        let asked = self.asked.take();
        let rel = self.relation(plan);
        self.asked = asked;
        (self.aliases, self.lambdas, self.windows) = (aliases, lambdas, windows);
        (self.definitions, self.grouping) = (definitions, grouping);
        self.outer.pop();
        let mut taken: Vec<OuterUse> = self.outer_uses.extract_if(.., |taken| taken.depth >= depth).collect();
        let rel = rel?;
        refuse_outer(&rel.plan)?;
        taken.sort_by_key(|taken| taken.span.map(|span| span.start));
        // A place may have been looked at more than once.
        taken.dedup_by(|a, b| a.span == b.span && a.name == b.name);
        Ok((rel, taken.into_iter().map(|taken| taken.name).collect()))
    }

    /// A subquery; in a grouped list the same one that was there before, so that it is known as a key.
    pub(crate) fn asked_once(&mut self, expression: &Expression, scope: &Scope) -> Result<Typed> {
        let text = self.asked.is_some().then(|| unplaced(expression)).transpose()?;
        if let (Some(asked), Some(text)) = (&self.asked, &text)
            && let Some((_, known)) = asked.iter().find(|(other, _)| other == text)
        {
            return Ok(known.clone());
        }
        let made = match &expression.kind {
            ExpressionKind::ScalarSubquery(plan) => self.scalar_subquery(plan, scope)?,
            ExpressionKind::Exists(plan) => self.exists(plan, scope)?,
            ExpressionKind::InSubquery { values, plan } => self.in_subquery(values, plan, scope, false)?,
            _ => return Err(error("INTERNAL_ERROR", "a subquery was expected: please report it")),
        };
        if let (Some(asked), Some(text)) = (&mut self.asked, text) {
            asked.push((text, made.clone()));
        }
        Ok(made)
    }

    pub(crate) fn scalar_subquery(&mut self, plan: &Relation, scope: &Scope) -> Result<Typed> {
        let (rel, references) = self.inner(plan, scope)?;
        let [column] = rel.scope.columns.as_slice() else {
            let message = format!("a subquery as a value gives one column, and this one gives {}", rel.scope.columns.len());
            return Err(error("INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN", message));
        };
        let data_type = column.data_type.clone();
        let sql = Sql::from(format!("scalarsubquery({})", references.join(", ")));
        if let Some(value) = value_of_nothing(&rel.plan, &column.id) {
            return Ok(Typed::new(from_inside(value.clone(), scope)?, data_type, true, sql));
        }
        let plan = self.one_row_of(project(rel.plan.clone(), vec![column.expr()])?)?;
        Ok(Typed::new(Expr::ScalarSubquery(as_subquery(plan)), data_type, true, sql))
    }

    pub(crate) fn exists(&mut self, plan: &Relation, scope: &Scope) -> Result<Typed> {
        let (rel, references) = self.inner(plan, scope)?;
        let sql = Sql::from(format!("exists({})", references.join(", ")));
        let expr = Expr::Exists(Exists { subquery: as_subquery(rel.plan), negated: false });
        Ok(Typed::new(expr, SparkType::Boolean, false, sql))
    }

    pub(crate) fn in_subquery(&mut self, values: &[Expression], plan: &Relation, scope: &Scope, negated: bool) -> Result<Typed> {
        // (a, b) IN … comes as one row value, too.
        let values: Vec<Expression> = match values {
            [only] => match &only.kind {
                ExpressionKind::UnresolvedFunction(call) if call.name == ["struct"] => call.arguments.clone(),
                _ => values.to_vec(),
            },
            _ => values.to_vec(),
        };
        let left = self.expressions(&values, scope)?;
        let (rel, references) = self.inner(plan, scope)?;
        if left.len() != rel.scope.columns.len() {
            let message =
                format!("IN compares {} values with a query of {} columns: make them as many", left.len(), rel.scope.columns.len());
            return Err(error("DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH", message));
        }
        let lead = match left.as_slice() {
            [only] => only.sql.clone(),
            several => {
                let named = several.iter().enumerate().flat_map(|(at, value)| {
                    let name = value.name.clone().unwrap_or_else(|| format!("col{}", at + 1));
                    [Sql::from(format!("'{name}'")), value.sql.clone()]
                });
                Sql::call("named_struct", &named.collect::<Vec<Sql>>())
            }
        };
        let mut compared = Vec::with_capacity(left.len());
        for (value, column) in left.into_iter().zip(&rel.scope.columns) {
            let Some(common) = lattice::comparison_type(&value.data_type, &column.data_type, self.settings.ansi) else {
                let message = format!(
                    "IN compares \"{}\", which is \"{}\", with a column of \"{}\": cast one of them",
                    value.sql,
                    value.data_type.sql(),
                    column.data_type.sql()
                );
                return Err(error("DATATYPE_MISMATCH.IN_SUBQUERY_DATA_TYPE_MISMATCH", message));
            };
            let item = column.typed(&column.name);
            let value = cast::cast(value, &common, CastMode::Session, &self.settings, None)?;
            let item = cast::cast(item, &common, CastMode::Session, &self.settings, None)?;
            compared.push((value, item));
        }
        let query = format!("listquery({})", references.join(", "));
        let mut sql = Sql::concat(vec!["(".into(), lead, format!(" IN ({query}))").into()]);
        if negated {
            sql = Sql::concat(vec!["(NOT ".into(), sql, ")".into()]);
        }
        let expr = match compared.as_slice() {
            [(value, item)] => {
                let id = self.fresh("item");
                let plan = project(rel.plan, vec![item.expr.clone().alias(id)])?;
                Expr::InSubquery(InSubquery { expr: Box::new(value.expr.clone()), subquery: as_subquery(plan), negated })
            }
            several => {
                // A row value is in the query if some row equals it in all parts, and may be if some row could.
                let equal = several
                    .iter()
                    .map(|(value, item)| as_outer(&value.expr, scope).map(|value| value.eq(item.expr.clone())))
                    .collect::<Result<Vec<_>>>()?
                    .into_iter()
                    .reduce(Expr::and)
                    .unwrap_or_else(|| lit(true));
                let some = |condition: Expr| -> Result<Expr> {
                    let plan = filtered(rel.plan.clone(), condition)?;
                    Ok(Expr::Exists(Exists { subquery: as_subquery(plan), negated: false }))
                };
                let (sure, maybe) = (some(equal.clone())?, some(equal.is_not_false())?);
                let null = Expr::Literal(ScalarValue::Boolean(None), None);
                let branches = vec![(Box::new(sure), Box::new(lit(!negated))), (Box::new(maybe), Box::new(null))];
                Expr::Case(Case::new(None, branches, Some(Box::new(lit(negated)))))
            }
        };
        Ok(Typed::new(expr, SparkType::Boolean, true, sql))
    }
}

impl Resolver<'_> {
    /// A column that is said to be one of the query around.
    pub(crate) fn outer_column(&mut self, child: &Expression) -> Result<Typed> {
        let Some(around) = self.outer.pop() else {
            let message =
                "`outer` names a column of the query around, and there is none: it stands in a DataFrame that is a part of another";
            return Err(crate::Error::analysis(message));
        };
        let made = self.expression(child, &around);
        let made = made.and_then(|typed| Ok(Typed { expr: as_outer(&typed.expr, &around)?, ..typed }));
        self.outer.push(around);
        made
    }

    /// The plan, which gives one column, with one row at most: more are an error. Where there may be none, the column may be null: the
    /// engine goes by the column when it asks whether the value may be.
    fn one_row_of(&mut self, plan: LogicalPlan) -> Result<LogicalPlan> {
        if is_one_row(&plan) && (has_a_row(&plan) || plan.schema().field(0).is_nullable()) {
            return Ok(plan);
        }
        let column = Expr::Column(plan.schema().columns().remove(0));
        let id = self.fresh("value");
        let value = super::single_value::single_value().call(vec![column]).alias(id);
        Ok(LogicalPlan::Aggregate(datafusion::logical_expr::Aggregate::try_new(Arc::new(plan), Vec::new(), vec![value])?))
    }
}

/// Columns of the row around stand in a subquery's conditions and lists, windows among them, and not in its groups and orders.
fn refuse_outer(plan: &LogicalPlan) -> Result<()> {
    use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
    let is_outer = |e: &Expr| matches!(e, Expr::OuterReferenceColumn(..));
    let has_outer = |e: &Expr| e.exists(|e| Ok(is_outer(e))).unwrap_or(false);
    let mixes = |e: &Expr| {
        e.exists(|e| Ok(matches!(e, Expr::AggregateFunction(_)) && has_outer(e) && !e.column_refs().is_empty())).unwrap_or(false)
    };
    let is_grouped = |plan: &LogicalPlan| {
        let mut plan = plan;
        while let LogicalPlan::Filter(filter) = plan {
            plan = &filter.input;
        }
        matches!(plan, LogicalPlan::Aggregate(_))
    };
    let mut refused = None;
    plan.apply(|node| {
        let exprs: Vec<Expr> = match node {
            LogicalPlan::Aggregate(_) | LogicalPlan::Sort(_) => node.expressions(),
            LogicalPlan::Projection(p) if is_grouped(&p.input) => p.expr.clone(),
            _ => Vec::new(),
        };
        if let Some(found) = exprs.iter().find(|e| has_outer(e)) {
            refused = Some(if mixes(found) {
                error(
                    "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.AGGREGATE_FUNCTION_MIXED_OUTER_LOCAL_REFERENCES",
                    "an aggregate of a subquery takes columns of the subquery and of the row around it: take one or the other",
                )
            } else {
                error(
                    "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.CORRELATED_REFERENCE",
                    "a subquery names a column of the row around it beside its aggregates, or in an order: name it in WHERE",
                )
            });
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    refused.map_or(Ok(()), Err)
}

/// Where a value may stand that depends on no row around: a subquery that does, EXISTS and IN are refused.
pub(super) fn refuse_asking(expr: &Expr, place: &str) -> Result<()> {
    use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
    let mut refused = None;
    expr.apply(|e| {
        refused = match e {
            Expr::Exists(_) | Expr::InSubquery(_) => Some(error(
                "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.UNSUPPORTED_IN_EXISTS_SUBQUERY",
                format!("IN and EXISTS over a query do not stand in {place}: compute them in the SELECT list"),
            )),
            Expr::ScalarSubquery(s) if !outer_references(&s.subquery).is_empty() => Some(error(
                "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.UNSUPPORTED_CORRELATED_SCALAR_SUBQUERY",
                format!("a subquery in {place} names a column of the row around it: compute it in the SELECT list"),
            )),
            _ => None,
        };
        Ok(if refused.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    refused.map_or(Ok(()), Err)
}

/// An expression as data, without its places in the text.
fn unplaced(expression: &Expression) -> Result<serde_json::Value> {
    fn strip(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(fields) => {
                fields.remove("span");
                fields.values_mut().for_each(strip);
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(expression).map_err(|e| error("INTERNAL_ERROR", format!("a subquery is no data: {e}")))?;
    strip(&mut value);
    Ok(value)
}

/// What a query without FROM computes: `SELECT a + 1`.
fn value_of_nothing<'p>(plan: &'p LogicalPlan, id: &str) -> Option<&'p Expr> {
    let LogicalPlan::Projection(list) = plan else { return None };
    if !matches!(list.input.as_ref(), LogicalPlan::EmptyRelation(empty) if empty.produce_one_row) {
        return None;
    }
    let value = list.expr.iter().find_map(|expr| match expr {
        Expr::Alias(alias) if alias.name == id => Some(alias.expr.as_ref()),
        _ => None,
    })?;
    (!has_subquery(value)).then_some(value)
}

/// Whether a plan that cannot give two rows always gives one.
fn has_a_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(p) => has_a_row(&p.input),
        LogicalPlan::Sort(s) => s.fetch.is_none() && has_a_row(&s.input),
        LogicalPlan::Aggregate(a) => a.group_expr.is_empty(),
        LogicalPlan::EmptyRelation(empty) => empty.produce_one_row,
        _ => false,
    }
}

/// Whether a plan cannot give two rows: one group, or one row from the start.
fn is_one_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(p) => is_one_row(&p.input),
        LogicalPlan::Filter(f) => is_one_row(&f.input),
        LogicalPlan::Sort(s) => is_one_row(&s.input),
        LogicalPlan::Limit(l) => matches!(l.fetch.as_deref(), Some(Expr::Literal(ScalarValue::Int64(Some(0 | 1)), _))),
        LogicalPlan::Aggregate(a) => a.group_expr.is_empty(),
        LogicalPlan::EmptyRelation(_) => true,
        _ => false,
    }
}
