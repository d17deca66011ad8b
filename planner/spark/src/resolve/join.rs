//! Joins: of every kind, by condition, by common columns, and lateral ones.

use datafusion::common::JoinType as EngineJoin;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::split_conjunction_owned;

use super::holds::has_subquery;
use super::holds::{has_aggregate, has_window};
use super::joined::joined;
use super::nodes::{filtered, project};
use super::refused::outside_select;
use super::scope::{Attribute, Scope};
use super::{Rel, Resolver};
use crate::error::{at, error};
use crate::functions;
use crate::plan::{Join, JoinCriteria, JoinType, Span};
use crate::{Result, Typed};

impl Resolver<'_> {
    pub(crate) fn join(&mut self, join: &Join, span: Option<Span>) -> Result<Rel> {
        let left = self.relation(&join.left)?;
        let right = if join.is_lateral { self.inner(&join.right, &left.scope)?.0 } else { self.relation(&join.right)? };
        self.join_rels(left, right, join, span)
    }

    pub(crate) fn join_rels(&mut self, left: Rel, right: Rel, join: &Join, span: Option<Span>) -> Result<Rel> {
        let refuse = |condition: &'static str, message: String| at(error(condition, message), span);
        let names: Vec<String> = match &join.criteria {
            JoinCriteria::Using(names) => names.clone(),
            JoinCriteria::Natural => {
                // Each name as often as both sides have it.
                let mut others: Vec<&str> = right.scope.columns.iter().map(|b| b.name.as_str()).collect();
                let mut is_common = |a: &&Attribute| {
                    let place = others.iter().position(|other| self.settings.same(&a.name, other));
                    place.map(|place| others.swap_remove(place)).is_some()
                };
                left.scope.columns.iter().filter(|a| is_common(a)).map(|a| a.name.clone()).collect()
            }
            _ => Vec::new(),
        };
        let mut keys = Vec::with_capacity(names.len());
        for name in &names {
            // Of several columns of the name the first is taken, as in Spark.
            let side = |scope: &Scope, which: &str| match scope.columns.iter().find(|a| self.settings.same(&a.name, name)) {
                Some(attribute) => Ok(attribute.clone()),
                None => {
                    let hints = scope.suggestions(std::slice::from_ref(name));
                    Err(refuse(
                        "UNRESOLVED_USING_COLUMN_FOR_JOIN",
                        format!("the USING column `{name}` is not on the {which} side of the join (columns: [{}])", hints.join(", ")),
                    ))
                }
            };
            keys.push((side(&left.scope, "left")?, side(&right.scope, "right")?));
        }
        let condition = match &join.criteria {
            JoinCriteria::On(condition) => {
                let both = left.scope.joined(&right.scope);
                let typed = self.expression(condition, &both).map_err(outside_select)?;
                if has_aggregate(&typed.expr) || has_window(&typed.expr) {
                    let message =
                        format!("the join condition \"{}\" is of one row of each side: compute aggregates below the join", typed.sql);
                    return Err(at(error("UNSUPPORTED_EXPR_FOR_OPERATOR", message), condition.span));
                }
                if typed.data_type != crate::types::SparkType::Boolean && typed.data_type != crate::types::SparkType::Null {
                    let message = format!("the join condition \"{}\" is \"{}\" and not a boolean", typed.sql, typed.data_type.sql());
                    return Err(at(error("JOIN_CONDITION_IS_NOT_BOOLEAN_TYPE", message), condition.span));
                }
                if has_window(&typed.expr) || has_aggregate(&typed.expr) {
                    let message = format!("\"{}\" does not stand in a join's condition: compute it in a subquery", typed.sql);
                    return Err(at(error("UNSUPPORTED_EXPR_FOR_OPERATOR", message), condition.span));
                }
                Some(self.boolean(typed, condition.span)?.expr)
            }
            _ => {
                let mut equal = Vec::new();
                for (l, r) in &keys {
                    equal.push(self.equal(l.typed(&l.name), r.typed(&r.name))?.expr);
                }
                equal.into_iter().reduce(Expr::and)
            }
        };
        let join_type = match join.join_type {
            JoinType::Inner | JoinType::Cross => EngineJoin::Inner,
            JoinType::LeftOuter => EngineJoin::Left,
            JoinType::RightOuter => EngineJoin::Right,
            JoinType::FullOuter => EngineJoin::Full,
            JoinType::LeftSemi => EngineJoin::LeftSemi,
            JoinType::LeftAnti => EngineJoin::LeftAnti,
        };
        // Subqueries of the condition: above an inner join as in WHERE, else below it.
        let (mut left, mut right) = (left, right);
        let (asking, plain): (Vec<Expr>, Vec<Expr>) =
            condition.map(split_conjunction_owned).unwrap_or_default().into_iter().partition(has_subquery);
        let mut plain = plain;
        let mut above = Vec::new();
        for conjunct in asking {
            if join_type == EngineJoin::Inner {
                Self::check_sides(&left.plan, &right.plan, &conjunct)?;
                above.push(conjunct);
            } else {
                plain.push(self.beside(&mut left.plan, &mut right.plan, conjunct)?);
            }
        }
        let condition = plain.into_iter().reduce(Expr::and);
        let plan = if join.is_lateral && !super::outer::outer_references(&right.plan).is_empty() {
            if !matches!(join_type, EngineJoin::Inner | EngineJoin::Left) {
                return Err(refuse("INVALID_LATERAL_JOIN_TYPE", "a lateral join is an inner, cross or left join".to_owned()));
            }
            super::decorrelate::lateral(self, left.plan, right.plan, condition, join_type)?
        } else {
            joined(left.plan, right.plan, condition, join_type)?
        };
        let (mut plan, above) = self.with_subqueries(plan, above, true)?;
        if let Some(condition) = above.into_iter().reduce(Expr::and) {
            plan = filtered(plan, condition)?;
        }
        let (mut left_scope, mut right_scope) = (left.scope, right.scope);
        let nullable = |scope: &mut Scope| scope.columns.iter_mut().chain(&mut scope.hidden).for_each(|a| a.nullable = true);
        if matches!(join_type, EngineJoin::Right | EngineJoin::Full) {
            nullable(&mut left_scope);
        }
        if matches!(join_type, EngineJoin::Left | EngineJoin::Full) {
            nullable(&mut right_scope);
        }
        if matches!(join_type, EngineJoin::LeftSemi | EngineJoin::LeftAnti) {
            if !keys.is_empty() {
                left_scope.columns = keys_first(&keys.iter().map(|(l, _)| l.clone()).collect::<Vec<_>>(), &left_scope, &Scope::default());
            }
            return Ok(Rel::new(plan, left_scope));
        }
        if keys.is_empty() {
            return Ok(Rel::new(plan, left_scope.joined(&right_scope)));
        }
        // The common columns come once, first; those of the sides can still be named in full.
        let mut first = Vec::with_capacity(keys.len());
        let mut made: Vec<Expr> = Vec::new();
        for (l, r) in &keys {
            let of = |scope: &Scope, a: &Attribute| scope.columns.iter().find(|b| b.id == a.id).cloned().unwrap_or_else(|| a.clone());
            let (l, r) = (of(&left_scope, l), of(&right_scope, r));
            first.push(match join_type {
                EngineJoin::Right => Attribute { name: r.name.clone(), ..r },
                EngineJoin::Full => {
                    let merged = self.coalesce(l.typed(&l.name), r.typed(&r.name))?;
                    let attribute = self.attribute(&l.name, merged.data_type.clone(), true);
                    made.push(merged.expr.alias(&attribute.id));
                    attribute
                }
                _ => l,
            });
        }
        if !made.is_empty() {
            let mut all: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
            all.extend(made);
            plan = project(plan, all)?;
        }
        let hidden: Vec<Attribute> = keys.iter().flat_map(|(l, r)| [l, r]).cloned().collect();
        let is_key = |a: &Attribute| keys.iter().any(|(l, r)| l.id == a.id || r.id == a.id);
        let mut scope = left_scope.joined(&right_scope);
        scope.columns.retain(|a| !is_key(a));
        let hidden: Vec<Attribute> = hidden.into_iter().filter(|a| !first.iter().any(|f| f.id == a.id)).collect();
        scope.hidden.extend(hidden);
        scope.columns.splice(0..0, first);
        Ok(Rel::new(plan, scope))
    }

    /// `left = right` by Spark's rules.
    pub(crate) fn equal(&mut self, left: Typed, right: Typed) -> Result<Typed> {
        self.apply("=", vec![left, right])
    }

    pub(crate) fn coalesce(&mut self, left: Typed, right: Typed) -> Result<Typed> {
        self.apply("coalesce", vec![left, right])
    }

    /// A function of the table over resolved arguments.
    pub(crate) fn apply(&mut self, name: &'static str, args: Vec<Typed>) -> Result<Typed> {
        let Some(function) = functions::lookup(name) else { return Err(self.unknown_function(&[name.to_owned()])) };
        let functions::Build::Scalar(build) = function.build else {
            return Err(error("INTERNAL_ERROR", format!("`{name}` is not a function of values")));
        };
        self.with_call(function.name, args, build)
    }

    /// What is made of a call of a function of the table over resolved arguments.
    pub(crate) fn with_call<T>(
        &mut self,
        name: &'static str,
        args: Vec<Typed>,
        make: impl FnOnce(&mut functions::Call<'_>) -> Result<T>,
    ) -> Result<T> {
        let settings = std::sync::Arc::clone(&self.settings);
        let scope = Scope::default();
        let mut lambdas = super::expression::Lambdas { resolver: self, scope: &scope };
        make(&mut functions::Call {
            name,
            args: args.into_iter().map(functions::Arg::Value).collect(),
            distinct: false,
            filter: None,
            order_by: Vec::new(),
            ignore_nulls: None,
            window: None,
            span: None,
            settings: &settings,
            lambdas: &mut lambdas,
        })
    }
}

fn keys_first(keys: &[Attribute], left: &Scope, right: &Scope) -> Vec<Attribute> {
    let rest = left.columns.iter().chain(&right.columns).filter(|a| !keys.iter().any(|k| k.id == a.id));
    keys.iter().chain(rest).cloned().collect()
}
