//! Missing values: null, and NaN of floats, filled, dropped or replaced as `df.na` says.

use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Expr, lit};

use super::nodes::under_id;
use super::nodes::{filtered, project};
use super::scope::{Attribute, Scope};
use super::{Rel, Resolver};
use crate::error::error;
use crate::plan::{CastMode, Literal, NaAction, NaFunction};
use crate::types::{SparkType, cast};
use crate::{Result, Typed};

impl Resolver<'_> {
    pub(crate) fn na_function(&mut self, function: &NaFunction) -> Result<Rel> {
        let rel = self.relation(&function.input)?;
        for name in &function.columns {
            if !rel.scope.columns.iter().any(|a| self.settings.same(&a.name, name)) {
                let hints = rel.scope.suggestions(std::slice::from_ref(name));
                let message = format!("there is no column `{name}` here; did you mean one of [{}]?", hints.join(", "));
                return Err(error("UNRESOLVED_COLUMN.WITH_SUGGESTION", message));
            }
        }
        match &function.action {
            NaAction::Drop { min_non_nulls } => self.without_missing(rel, &function.columns, *min_non_nulls),
            NaAction::Fill(values) => {
                let chosen = |at: usize| if values.len() > 1 { values.get(at) } else { values.first() };
                self.changed(rel, &function.columns, |resolver, attribute, at| match chosen(at) {
                    Some(value) => resolver.filled(attribute, value),
                    None => Ok(None),
                })
            }
            NaAction::Replace(pairs) => self.changed(rel, &function.columns, |resolver, attribute, _| resolver.replaced(attribute, pairs)),
        }
    }

    /// The relation with some columns computed anew; `None` leaves a column as it is. A column's number is its place in `names`.
    fn changed(
        &mut self,
        rel: Rel,
        names: &[String],
        mut change: impl FnMut(&mut Self, &Attribute, usize) -> Result<Option<Typed>>,
    ) -> Result<Rel> {
        let mut exprs = Vec::with_capacity(rel.scope.columns.len());
        let mut columns = Vec::with_capacity(rel.scope.columns.len());
        for attribute in rel.scope.columns {
            let at = if names.is_empty() { Some(0) } else { names.iter().position(|name| self.settings.same(name, &attribute.name)) };
            let made = match at {
                Some(at) => change(self, &attribute, at)?,
                None => None,
            };
            match made {
                None => {
                    exprs.push(attribute.expr());
                    columns.push(attribute);
                }
                Some(typed) => {
                    let mut fresh = self.attribute(&attribute.name, typed.data_type.clone(), typed.nullable);
                    fresh.qualifier = attribute.qualifier;
                    fresh.plan_ids = attribute.plan_ids;
                    exprs.push(under_id(typed.expr, &fresh.id));
                    columns.push(fresh);
                }
            }
        }
        Ok(Rel::new(project(rel.plan, exprs)?, Scope::new(columns)))
    }

    fn filled(&mut self, attribute: &Attribute, value: &Literal) -> Result<Option<Typed>> {
        if !of_kind(value, &attribute.data_type) {
            return Ok(None);
        }
        let column = attribute.typed(&attribute.name);
        let value = self.literal(value)?;
        let value = cast::cast(value, &attribute.data_type, CastMode::Session, &self.settings, None)?;
        let column = if attribute.data_type.is_fractional_binary() {
            let is_nan = self.apply("isnan", vec![column.clone()])?;
            let null =
                cast::cast(self.literal(&Literal::Null(SparkType::Null))?, &attribute.data_type, CastMode::Session, &self.settings, None)?;
            self.apply("if", vec![is_nan, null, column])?
        } else {
            column
        };
        self.apply("coalesce", vec![column, value]).map(Some)
    }

    fn replaced(&mut self, attribute: &Attribute, pairs: &[(Literal, Literal)]) -> Result<Option<Typed>> {
        let mut branches = Vec::new();
        let mut nullable = attribute.nullable;
        for (old, new) in pairs {
            if !of_kind(old, &attribute.data_type) {
                continue;
            }
            let in_type = |resolver: &mut Self, value: &Literal| {
                let value = resolver.literal(value)?;
                cast::cast(value, &attribute.data_type, CastMode::Session, &resolver.settings, None)
            };
            let (old, new) = (in_type(self, old)?, in_type(self, new)?);
            nullable |= new.nullable;
            branches.push((Box::new(attribute.expr().eq(old.expr)), Box::new(new.expr)));
        }
        if branches.is_empty() {
            return Ok(None);
        }
        let expr = Expr::Case(Case::new(None, branches, Some(Box::new(attribute.expr()))));
        Ok(Some(Typed::new(expr, attribute.data_type.clone(), nullable, attribute.name.as_str())))
    }

    fn without_missing(&mut self, rel: Rel, names: &[String], min_non_nulls: Option<i32>) -> Result<Rel> {
        let chosen: Vec<Attribute> = rel
            .scope
            .columns
            .iter()
            .filter(|a| names.is_empty() || names.iter().any(|name| self.settings.same(name, &a.name)))
            .cloned()
            .collect();
        let mut present = Vec::with_capacity(chosen.len());
        for attribute in &chosen {
            let there = attribute.expr().is_not_null();
            present.push(if attribute.data_type.is_fractional_binary() {
                let is_nan = self.apply("isnan", vec![attribute.typed(&attribute.name)])?;
                there.and(Expr::Not(Box::new(is_nan.expr)))
            } else {
                there
            });
        }
        let all = i32::try_from(present.len()).unwrap_or(i32::MAX);
        let condition = match min_non_nulls {
            Some(wanted) if wanted < all => present
                .into_iter()
                .map(|there| Expr::Case(Case::new(None, vec![(Box::new(there), Box::new(lit(1_i32)))], Some(Box::new(lit(0_i32))))))
                .reduce(|a, b| a + b)
                .map(|sum| sum.gt_eq(lit(wanted))),
            _ => present.into_iter().reduce(Expr::and),
        };
        let Some(condition) = condition else { return Ok(Rel::new(rel.plan, rel.scope)) };
        let plan = filtered(rel.plan, condition)?;
        Ok(Rel::new(plan, rel.scope))
    }
}

/// Whether a value is for columns of that type: numbers for numbers, text for text, truth values for truth values.
fn of_kind(value: &Literal, data_type: &SparkType) -> bool {
    match value {
        Literal::Byte(_)
        | Literal::Short(_)
        | Literal::Integer(_)
        | Literal::Long(_)
        | Literal::Float(_)
        | Literal::Double(_)
        | Literal::Decimal { .. } => data_type.is_numeric(),
        Literal::String(_) => data_type.is_string(),
        Literal::Boolean(_) => *data_type == SparkType::Boolean,
        _ => false,
    }
}
