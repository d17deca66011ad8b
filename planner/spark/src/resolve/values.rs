//! VALUES, and rows that a program holds.

use datafusion::logical_expr::{Expr, LogicalPlanBuilder};

use super::scope::Scope;
use super::select::{has_aggregate, has_window, project};
use super::subquery_join::has_subquery;
use super::{Rel, Resolver};
use crate::error::{at, error};
use crate::functions;
use crate::plan::{CastMode, Expression, ExpressionKind, Span};
use crate::types::{cast, lattice};
use crate::{Result, Typed};

impl Resolver<'_> {
    pub(crate) fn values(&mut self, rows: &[Vec<Expression>], span: Option<Span>) -> Result<Rel> {
        let width = rows.first().map_or(0, Vec::len);
        let mut names: Vec<String> = (1..=width).map(|i| format!("col{i}")).collect();
        let mut resolved: Vec<Vec<Typed>> = Vec::with_capacity(rows.len());
        for (number, row) in rows.iter().enumerate() {
            if row.len() != width {
                let message = format!("VALUES: row {} has {} values, and the first has {width}", number + 1, row.len());
                return Err(at(error("INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH", message), span));
            }
            let mut values = Vec::with_capacity(width);
            for (i, value) in row.iter().enumerate() {
                let typed = match self.expression(value, &Scope::default()) {
                    Ok(typed) => typed,
                    Err(cause) if super::select::is_unknown_column(&cause) && self.outer.is_empty() => {
                        let message = format!("VALUES takes constants: {}", cause.message());
                        return Err(at(error("INVALID_INLINE_TABLE.CANNOT_EVALUATE_EXPRESSION_IN_INLINE_TABLE", message), value.span));
                    }
                    Err(cause) => return Err(cause),
                };
                if has_aggregate(&typed.expr) || has_window(&typed.expr) || typed.expr.is_volatile() || has_subquery(&typed.expr) {
                    let message = format!("VALUES takes constants, not \"{}\"", typed.sql);
                    return Err(at(error("INVALID_INLINE_TABLE.CANNOT_EVALUATE_EXPRESSION_IN_INLINE_TABLE", message), value.span));
                }
                if number == 0
                    && let ExpressionKind::Alias { name, .. } = &value.kind
                    && let [name] = name.as_slice()
                {
                    names[i].clone_from(name);
                }
                values.push(typed);
            }
            resolved.push(values);
        }
        let mut attributes = Vec::with_capacity(width);
        for (i, name) in names.iter().enumerate() {
            let Some(common) = lattice::common_type_of(resolved.iter().map(|row| &row[i].data_type), self.settings.ansi) else {
                let message = format!("VALUES: the values of column `{name}` have no type in common: cast them");
                return Err(at(error("INVALID_INLINE_TABLE.INCOMPATIBLE_TYPES_IN_INLINE_TABLE", message), span));
            };
            for row in &mut resolved {
                row[i] = cast::cast(row[i].clone(), &common, CastMode::Session, &self.settings, span)?;
            }
            let nullable = resolved.iter().any(|row| row[i].nullable);
            attributes.push(self.attribute(name, common, nullable));
        }
        // Constants are computed here, so that what they raise is raised for the statement.
        let exprs: Vec<Vec<Expr>> = resolved
            .iter()
            .map(|row| {
                row.iter()
                    .map(|value| Ok(functions::constant(value)?.map_or_else(|| value.expr.clone(), |scalar| Expr::Literal(scalar, None))))
                    .collect::<Result<Vec<_>>>()
            })
            .collect::<Result<_>>()?;
        let fields: Vec<_> = attributes
            .iter()
            .enumerate()
            .map(|(i, a)| {
                let field = crate::types::StructField::new(format!("column{}", i + 1), a.data_type.clone()).with_nullable(true);
                crate::types::field_of(&field)
            })
            .collect();
        let schema = datafusion::common::DFSchema::from_unqualified_fields(fields.into(), std::collections::HashMap::new())?;
        let plan = LogicalPlanBuilder::values_with_schema(exprs, &std::sync::Arc::new(schema))?.build()?;
        let columns = plan.schema().columns();
        let plan = project(plan, columns.into_iter().zip(&attributes).map(|(c, a)| Expr::Column(c).alias(&a.id)).collect())?;
        Ok(Rel::new(plan, Scope::new(attributes)))
    }
}
