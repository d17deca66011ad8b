//! The condition of a MERGE over `source.*` and `target.*`: bound to the table's columns, evaluated over matched pairs.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use tidemill_planner::ident::did_you_mean;
use tidemill_planner::{Error, Result};

/// A condition, ready to be evaluated.
#[derive(Debug)]
pub(crate) struct Condition {
    predicate: Arc<dyn PhysicalExpr>,
    schema: DFSchema,
}

impl Condition {
    /// Binds `expr` to rows of `schema` on both sides.
    ///
    /// # Errors
    /// `Analysis` for a column that neither side has, one without a side, or an expression that is no truth value.
    pub(crate) fn bind(expr: &Expr, schema: &SchemaRef) -> Result<Self> {
        let side = |name: &str| DFSchema::try_from_qualified_schema(name, schema);
        let both = side("source")?.join(&side("target")?)?;
        let expr = resolve(expr, schema)?;
        let context = SimplifyContext::builder().with_schema(Arc::new(both.clone())).build();
        let expr = ExprSimplifier::new(context).coerce(expr, &both)?;
        let data_type = expr.get_type(&both)?;
        if data_type != arrow::datatypes::DataType::Boolean {
            return Err(Error::analysis(format!("the MERGE condition `{expr}` is a {data_type}, not a truth value")));
        }
        let predicate = create_physical_expr(&expr, &both, &ExecutionProps::new(), &PhysicalPlanningContext::default())?;
        Ok(Self { predicate, schema: both })
    }

    /// For each pair of rows, whether the condition holds; unknown is no.
    pub(crate) fn holds(&self, source: &RecordBatch, target: &RecordBatch) -> Result<BooleanArray> {
        let columns = source.columns().iter().chain(target.columns()).cloned().collect();
        let pairs = RecordBatch::try_new(Arc::clone(self.schema.inner()), columns)?;
        let value = self.predicate.evaluate(&pairs)?.into_array(pairs.num_rows())?;
        let value = value.as_boolean();
        Ok(match value.nulls() {
            None => value.clone(),
            Some(known) => BooleanArray::new(value.values() & known.inner(), None),
        })
    }
}

/// Spells every column as the table does.
fn resolve(expr: &Expr, schema: &SchemaRef) -> Result<Expr> {
    let resolved = expr.clone().transform(|node| {
        let Expr::Column(column) = node else { return Ok(Transformed::no(node)) };
        let side = match column.relation.as_ref().map(|r| r.table().to_lowercase()).as_deref() {
            Some("source") => "source",
            Some("target") => "target",
            _ => {
                return Err(Error::analysis(format!(
                    "column `{column}` of the MERGE condition belongs to neither side; write source.{0} or target.{0}",
                    column.name
                ))
                .into());
            }
        };
        let field = schema.fields().iter().find(|f| f.name().eq_ignore_ascii_case(&column.name)).ok_or_else(|| {
            let hint = did_you_mean(&column.name, schema.fields().iter().map(|f| f.name().as_str()));
            Error::analysis(format!("the table has no column `{}`, named in the MERGE condition{hint}", column.name))
        })?;
        Ok(Transformed::yes(Expr::Column(Column::new(Some(side), field.name()))))
    })?;
    Ok(resolved.data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int64Array;
    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::prelude::{col, ident, lit};

    #[test]
    fn conditions_hold_or_not_and_unknown_is_no() {
        let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("eventTime", DataType::Int64, true)]));
        let rows = |values: Vec<Option<i64>>| RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(Int64Array::from(values))]).unwrap();
        let side = |side: &str, name: &str| Expr::Column(Column::new(Some(side), name));
        let newer = side("source", "EVENTTIME").gt(side("target", "eventTime"));
        let condition = Condition::bind(&newer, &schema).unwrap();
        let holds = condition.holds(&rows(vec![Some(2), Some(1), None]), &rows(vec![Some(1), Some(1), Some(1)])).unwrap();
        assert_eq!(holds, BooleanArray::from(vec![true, false, false]));
        let bad = [
            (side("source", "evntTime").gt(lit(1)), "did you mean `eventTime`"),
            (ident("eventTime").gt(lit(1)), "source.eventTime or target.eventTime"),
            (col("other.eventTime").gt(lit(1)), "neither side"),
            (side("source", "eventTime") + lit(1), "truth value"),
        ];
        for (expr, named) in bad {
            let error = Condition::bind(&expr, &schema).unwrap_err();
            assert!(error.message().contains(named), "{error}");
        }
    }
}
