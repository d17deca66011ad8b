//! The hooks through which SQL gets Spark's operators and type names: DataFusion asks these before its own planners.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr, RawFieldAccessExpr, TypePlanner};
use datafusion::logical_expr::{ExprSchemable, GetFieldAccess, Operator, lit};
use datafusion::sql::sqlparser::ast::{BinaryOperator, DataType as SqlType};

use super::arithmetic;

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
            GetFieldAccess::ListIndex { key } if matches!(expr.get_type(schema)?, DataType::List(_) | DataType::LargeList(_)) => {
                GetFieldAccess::ListIndex { key: Box::new(*key + lit(1i64)) }
            }
            other => other,
        };
        Ok(PlannerResult::Original(RawFieldAccessExpr { field_access, expr }))
    }
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
