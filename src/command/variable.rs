//! Session variables: DECLARE, SET and DROP.

use datafusion::scalar::ScalarValue;
use tidemill_spark::error::error;
use tidemill_spark::plan::{Expression, ExpressionKind, Literal, Relation, TableName};
use tidemill_spark::types::{SparkType, StructField, to_arrow};

use super::context::column_of;
use super::{Context, rows};
use crate::catalog::Variable;
use crate::dataframe::DataFrame;
use tidemill_planner::{Error, Result};

/// DECLARE VARIABLE.
pub(super) async fn declare(
    cx: &Context<'_>,
    names: &[TableName],
    data_type: Option<&SparkType>,
    default: Option<&(Expression, String)>,
    or_replace: bool,
) -> Result<DataFrame> {
    let null = Expression::literal(Literal::Null(SparkType::Null));
    let expression = default.map_or(&null, |(expression, _)| expression);
    let mut keys: Vec<String> = Vec::new();
    for name in names {
        let (key, found) = cx.catalog().variable(&cx.parts(name)?)?;
        if keys.contains(&key) {
            return Err(error("DUPLICATE_VARIABLE_NAME_INSIDE_DECLARE", format!("`{key}` is declared twice: name it once")));
        }
        if found.is_some() && !or_replace {
            let message = format!("there is a variable `{key}` already: choose another name, or say DECLARE OR REPLACE VARIABLE");
            return Err(error("VARIABLE_ALREADY_EXISTS", message).with_parameter("variableName", format!("`system`.`session`.`{key}`")));
        }
        keys.push(key);
    }
    let computed = cx.values(&[(expression, data_type)]).await?.into_iter().next();
    let (data_type, value) = computed.ok_or_else(|| Error::internal("a variable's value was lost"))?;
    for key in keys {
        let variable = Variable { data_type: data_type.clone(), value: value.clone(), default: Some(expression.clone()) };
        cx.catalog().put_variable(key, variable, true)?;
    }
    rows::nothing(cx)
}

/// SET VARIABLE.
pub(super) async fn set(cx: &Context<'_>, names: &[Vec<String>], values: &[Expression], query: Option<&Relation>) -> Result<DataFrame> {
    let mut targets: Vec<(String, Variable)> = Vec::new();
    for name in names {
        let (key, found) = cx.catalog().variable(name)?;
        let Some(variable) = found else {
            let message = format!("there is no session variable `{key}`: make it with DECLARE VARIABLE");
            return Err(error("UNRESOLVED_VARIABLE", message).with_parameter("variableName", format!("`{key}`")));
        };
        if targets.iter().any(|(other, _)| *other == key) {
            return Err(error("DUPLICATE_ASSIGNMENTS", format!("the variable `{key}` is set twice: set it once"))
                .with_parameter("nameList", format!("`{key}`")));
        }
        targets.push((key, variable));
    }
    let computed: Vec<ScalarValue> = match query {
        None => {
            if values.len() != targets.len() {
                let message = format!("{} variables and {} values: give one each", targets.len(), values.len());
                return Err(error("ASSIGNMENT_ARITY_MISMATCH", message));
            }
            let null = Expression::literal(Literal::Null(SparkType::Null));
            let values: Vec<&Expression> = values
                .iter()
                .zip(&targets)
                .map(|(value, (_, variable))| match value.kind {
                    ExpressionKind::Default => variable.default.as_ref().unwrap_or(&null),
                    _ => value,
                })
                .collect();
            let wanted: Vec<(&Expression, Option<&SparkType>)> =
                values.into_iter().zip(&targets).map(|(value, (_, variable))| (value, Some(&variable.data_type))).collect();
            cx.values(&wanted).await?.into_iter().map(|(_, value)| value).collect()
        }
        Some(query) => one_row(cx, query, &targets.iter().map(|(_, variable)| variable.data_type.clone()).collect::<Vec<_>>()).await?,
    };
    for ((key, variable), value) in targets.into_iter().zip(computed) {
        cx.catalog().put_variable(key, Variable { value, ..variable }, true)?;
    }
    rows::nothing(cx)
}

/// The values of a query's one row in these types; nulls if it has no row.
pub(super) async fn one_row(cx: &Context<'_>, query: &Relation, types: &[SparkType]) -> Result<Vec<ScalarValue>> {
    let resolved = crate::open::resolved(cx.session, query).await?;
    if resolved.output.len() != types.len() {
        let message = format!("{} variables and a query of {} columns: give one each", types.len(), resolved.output.len());
        return Err(error("ASSIGNMENT_ARITY_MISMATCH", message));
    }
    let mut columns = Vec::new();
    for (place, (column, data_type)) in resolved.output.iter().zip(types).enumerate() {
        let field = StructField::new(format!("value {place}"), data_type.clone());
        columns.push((cx.assigned(column_of(column), &field, None)?, field));
    }
    let batches = cx.project(resolved.plan, columns)?.take(2).await?;
    let found: usize = batches.iter().map(arrow::array::RecordBatch::num_rows).sum();
    if found > 1 {
        return Err(error("ROW_SUBQUERY_TOO_MANY_ROWS", "the query gives more than one row: say LIMIT 1, or filter"));
    }
    match batches.iter().find(|batch| batch.num_rows() > 0) {
        Some(row) => row.columns().iter().map(|column| Ok(ScalarValue::try_from_array(column, 0)?)).collect(),
        None => types.iter().map(|data_type| Ok(ScalarValue::try_from(&to_arrow(data_type))?)).collect(),
    }
}

/// DROP TEMPORARY VARIABLE.
pub(super) fn drop(cx: &Context<'_>, name: &TableName, if_exists: bool) -> Result<DataFrame> {
    cx.catalog().drop_variable(&cx.parts(name)?, if_exists)?;
    rows::nothing(cx)
}
