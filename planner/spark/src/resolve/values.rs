//! VALUES, and rows that a program holds.

use datafusion::logical_expr::{Expr, LogicalPlanBuilder};

use super::holds::has_subquery;
use super::holds::{has_aggregate, has_window};
use super::nodes::project;
use super::scope::Scope;
use super::{Rel, Resolver};
use crate::error::{at, error};
use crate::functions;
use crate::plan::{CastMode, Expression, ExpressionKind, Span};
use crate::types::{cast, lattice};
use crate::{Result, Typed};

fn has_outer(expr: &Expr) -> bool {
    use datafusion::common::tree_node::TreeNode;
    expr.exists(|e| Ok(matches!(e, Expr::OuterReferenceColumn(..)))).unwrap_or(false)
}

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
                let typed = self.expression(value, &Scope::default())?;
                if has_aggregate(&typed.expr)
                    || has_window(&typed.expr)
                    || typed.expr.is_volatile()
                    || has_outer(&typed.expr)
                    || has_subquery(&typed.expr)
                {
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
            // Spark goes by the rules of its legacy mode here, whatever the mode.
            let Some(common) = lattice::common_type_without_strings(resolved.iter().map(|row| &row[i].data_type), false) else {
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
                    .map(|value| {
                        let constant = functions::constant(value).map_err(|cause| {
                            let message = format!("VALUES: \"{}\" cannot be computed: {}", value.sql, cause.message());
                            at(error("INVALID_INLINE_TABLE.FAILED_SQL_EXPRESSION_EVALUATION", message), span).with_source(cause)
                        })?;
                        Ok(constant.map_or_else(|| value.expr.clone(), |scalar| Expr::Literal(scalar, None)))
                    })
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
