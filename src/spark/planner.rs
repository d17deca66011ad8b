//! The hooks through which SQL gets Spark's operators and type names: DataFusion asks these before its own planners.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Column, DFSchema, ScalarValue, TableReference, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr, RawFieldAccessExpr, TypePlanner};
use datafusion::logical_expr::{Expr, ExprSchemable, GetFieldAccess, Operator, lit};
use datafusion::sql::sqlparser::ast::{BinaryOperator, DataType as SqlType};
use tidemill_planner::ident::did_you_mean;

use super::arithmetic;
use tidemill_planner::ident::same;

/// Plans `+ - * / DIV` and `array[index]` as Spark does.
#[derive(Debug)]
pub(crate) struct OperatorPlanner;

impl ExprPlanner for OperatorPlanner {
    fn plan_binary_op(&self, expr: RawBinaryExpr, _: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let op = match expr.op {
            BinaryOperator::Plus => Operator::Plus,
            BinaryOperator::Minus => Operator::Minus,
            BinaryOperator::Multiply => Operator::Multiply,
            BinaryOperator::Divide => Operator::Divide,
            BinaryOperator::MyIntegerDivide => Operator::IntegerDivide,
            BinaryOperator::Modulo => Operator::Modulo,
            _ => return Ok(PlannerResult::Original(expr)),
        };
        Ok(PlannerResult::Planned(arithmetic::binary(expr.left, op, expr.right)))
    }

    /// `array[i]` counts from 0 in Spark and from 1 in the planner that comes next.
    fn plan_field_access(&self, access: RawFieldAccessExpr, schema: &DFSchema) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let RawFieldAccessExpr { expr, field_access } = access;
        let field_access = match field_access {
            GetFieldAccess::ListIndex { key } if is_array(&expr.get_type(schema)?) => {
                return Ok(PlannerResult::Planned(super::item::item(expr, *key)));
            }
            // Fields are found without regard to case.
            GetFieldAccess::NamedStructField { name } => {
                let name = match (expr.get_type(schema)?, &name) {
                    (DataType::Struct(fields), ScalarValue::Utf8(Some(text))) => spelled(&fields, text)?,
                    _ => name,
                };
                GetFieldAccess::NamedStructField { name }
            }
            other => other,
        };
        Ok(PlannerResult::Original(RawFieldAccessExpr { field_access, expr }))
    }

    fn plan_compound_identifier(
        &self,
        field: &Field,
        qualifier: Option<&TableReference>,
        nested: &[String],
    ) -> Result<PlannerResult<Vec<Expr>>> {
        let mut expr = Expr::Column(Column::from((qualifier, field)));
        let mut data_type = field.data_type().clone();
        for name in nested {
            let name = match &data_type {
                DataType::Struct(fields) => spelled(fields, name)?,
                _ => ScalarValue::from(name.as_str()),
            };
            let inner = match (&data_type, &name) {
                (DataType::Struct(fields), ScalarValue::Utf8(Some(text))) => fields.iter().find(|f| f.name() == text),
                _ => None,
            };
            data_type = inner.map_or(DataType::Null, |f| f.data_type().clone());
            expr = datafusion::functions::core::get_field().call(vec![expr, lit(name)]);
        }
        Ok(PlannerResult::Planned(expr))
    }
}

fn is_array(data_type: &DataType) -> bool {
    matches!(data_type, DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..))
}

/// The spelling of a struct's field.
fn spelled(fields: &Fields, name: &str) -> Result<ScalarValue> {
    let Some(field) = fields.iter().find(|f| f.name() == name).or_else(|| fields.iter().find(|f| same(f.name(), name))) else {
        let names: Vec<&str> = fields.iter().map(|f| f.name().as_str()).collect();
        return plan_err!("there is no field `{name}`{} (fields: {})", did_you_mean(name, names.iter().copied()), names.join(", "));
    };
    Ok(ScalarValue::from(field.name().as_str()))
}

/// Reads type names as Spark does: TIMESTAMP is an instant in microseconds, STRING is Utf8.
#[derive(Debug)]
pub(crate) struct SparkTypes;

impl TypePlanner for SparkTypes {
    fn plan_type_field(&self, sql_type: &SqlType) -> Result<Option<FieldRef>> {
        // What our DDL does not know is left to DataFusion.
        Ok(crate::ddl::parse_type(&sql_type.to_string()).ok().map(|data_type| Arc::new(Field::new("", data_type, true))))
    }
}
