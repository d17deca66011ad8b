//! PIVOT: values of a column into columns. Each aggregate is computed per value, over the rows that have it.

use datafusion::logical_expr::{lit, when};

use super::grouped::Grouped;
use super::holds::has_aggregate;
use super::{Rel, Resolver};
use crate::error::{at, error};
use crate::plan::{CastMode, Expression, ExpressionKind, Literal, Relation};
use crate::types::{SparkType, cast, lattice};
use crate::{Result, Typed, functions};

impl Resolver<'_> {
    pub(crate) fn pivot(
        &mut self,
        input: &Relation,
        grouping: Option<&[Expression]>,
        aggregates: &[Expression],
        column: &Expression,
        values: &[Expression],
    ) -> Result<Rel> {
        let rel = self.relation(input)?;
        let scope = rel.scope.clone();
        let pivoted = self.expression(column, &scope)?;
        if !lattice::is_orderable(&pivoted.data_type) {
            let message = format!("\"{}\" is \"{}\", whose values cannot be compared", pivoted.sql, pivoted.data_type.sql());
            return Err(error("INCOMPARABLE_PIVOT_COLUMN", message));
        }
        let mut wanted: Vec<(Typed, String)> = Vec::with_capacity(values.len());
        for value in values {
            let typed = self.expression(value, &super::Scope::default()).map_err(|cause| {
                if super::refused::is_unknown_column(&cause) {
                    at(error("NON_LITERAL_PIVOT_VALUES", "the values of PIVOT are constants"), value.span)
                } else {
                    cause
                }
            })?;
            if functions::constant(&typed)?.is_none() {
                return Err(at(
                    error("NON_LITERAL_PIVOT_VALUES", format!("the values of PIVOT are constants, not \"{}\"", typed.sql)),
                    value.span,
                ));
            }
            let name = match &typed.name {
                Some(name) => name.clone(),
                None => self.pivot_name(&typed)?,
            };
            if !lattice::can_cast(&typed.data_type, &pivoted.data_type, self.settings.ansi, false) {
                let message =
                    format!("the value \"{}\" is \"{}\", and the column \"{}\"", typed.sql, typed.data_type.sql(), pivoted.data_type.sql());
                return Err(at(error("PIVOT_VALUE_DATA_TYPE_MISMATCH", message), value.span));
            }
            let typed = cast::cast(typed, &pivoted.data_type, CastMode::Session, &self.settings, value.span)?;
            wanted.push((typed, name));
        }
        // What the aggregates compute with decides what is grouped by: all other columns.
        let mut used = pivoted.expr.column_refs().into_iter().map(|c| c.name.clone()).collect::<Vec<_>>();
        let mut plain = Vec::with_capacity(aggregates.len());
        for aggregate in aggregates {
            let typed = self.expression(aggregate, &scope)?;
            if !has_aggregate(&typed.expr) {
                let message = format!("PIVOT takes aggregates, not \"{}\"", typed.sql);
                return Err(at(error("_LEGACY_ERROR_TEMP_1006", message), aggregate.span));
            }
            used.extend(typed.expr.column_refs().into_iter().map(|c| c.name.clone()));
            plain.push(typed);
        }
        let keys: Vec<Typed> = match grouping {
            Some(grouping) => self.expressions(grouping, &scope)?,
            None => scope.columns.iter().filter(|a| !used.contains(&a.id)).map(|a| a.typed(&a.name)).collect(),
        };
        let keys = keys
            .into_iter()
            .map(|key| {
                let attribute = self.output_attribute(&key, false, &scope, &[]);
                (key, attribute)
            })
            .collect::<Vec<_>>();
        let mut items: Vec<(Typed, bool, _)> = keys.iter().map(|(key, _)| (key.clone(), false, None)).collect();
        // Of values without rows there is nothing, not even a count of 0, unless a type is none that Spark pivots at once.
        let is_at_once = plain.iter().all(|typed| typed.data_type.is_numeric() || typed.data_type == SparkType::Boolean);
        let one = Expression::from(ExpressionKind::Literal(Literal::Integer(1)));
        let count = Expression::call("count", vec![one]);
        for (value, name) in &wanted {
            let condition = self.apply("<=>", vec![pivoted.clone(), value.clone()])?;
            let rows = self.filtered(&count, &condition, &scope)?;
            for (aggregate, shown) in aggregates.iter().zip(&plain) {
                let mut of_value = self.filtered(aggregate, &condition, &scope)?;
                if is_at_once {
                    of_value.expr = when(rows.expr.clone().gt(lit(0_i64)), of_value.expr).end()?;
                }
                let label = match (&shown.name, aggregates.len()) {
                    (Some(alias), n) if n > 1 => format!("{name}_{alias}"),
                    (None, n) if n > 1 => format!("{name}_{}", shown.sql),
                    _ => name.clone(),
                };
                let mut typed = of_value;
                typed.name = Some(label);
                typed.nullable = true;
                items.push((typed, true, aggregate.span));
            }
        }
        let grouped = Grouped::new(rel.plan, rel.scope, keys);
        let rel = self.aggregated(grouped, items)?;
        Ok(Rel { under: None, ..rel })
    }

    /// The aggregates of an expression over the rows of which `condition` holds.
    fn filtered(&mut self, expression: &Expression, condition: &Typed, scope: &super::Scope) -> Result<Typed> {
        use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
        use datafusion::logical_expr::Expr;
        let typed = self.expression(expression, scope)?;
        let expr = typed
            .expr
            .clone()
            .transform(|e| match e {
                Expr::AggregateFunction(mut f) => {
                    let filter = match f.params.filter.take() {
                        Some(own) => own.and(condition.expr.clone()),
                        None => condition.expr.clone(),
                    };
                    f.params.filter = Some(Box::new(filter));
                    Ok(Transformed::yes(Expr::AggregateFunction(f)))
                }
                other => Ok(Transformed::no(other)),
            })
            .data()?;
        Ok(Typed { expr, ..typed })
    }

    /// A value as a column's name.
    fn pivot_name(&mut self, value: &Typed) -> Result<String> {
        let text = cast::cast(value.clone(), &crate::types::SparkType::String, CastMode::Session, &self.settings, None)?;
        Ok(match functions::constant(&text)? {
            Some(scalar) => scalar.try_as_str().flatten().map_or_else(|| "null".to_owned(), str::to_owned),
            None => value.sql.to_string(),
        })
    }
}
