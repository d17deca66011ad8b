//! EXECUTE IMMEDIATE: a statement in a text, with values for its parameters.

use tidemill_spark::error::error;
use tidemill_spark::plan::{Expression, Statement};
use tidemill_spark::types::SparkType;

use super::{Context, parameters, rows, variable};
use crate::catalog::{Variable, no_variable};
use crate::dataframe::DataFrame;
use tidemill_planner::{Error, Result};

/// EXECUTE IMMEDIATE.
pub(super) async fn run(cx: &Context<'_>, query: &Expression, into: &[Vec<String>], using: &[Expression]) -> Result<DataFrame> {
    let computed = cx.values(&[(query, None)]).await?.into_iter().next();
    let (data_type, value) = computed.ok_or_else(|| Error::internal("the text to execute was lost"))?;
    if !data_type.is_string() {
        let message = format!("EXECUTE IMMEDIATE takes a text, not a value of type \"{}\"", data_type.sql());
        return Err(error("INVALID_EXPR_TYPE_FOR_QUERY_EXECUTE_IMMEDIATE", message));
    }
    if value.is_null() {
        return Err(error("NULL_QUERY_STRING_EXECUTE_IMMEDIATE", "EXECUTE IMMEDIATE was given NULL for a statement: give a text"));
    }
    let array = value.to_array()?;
    let text = tidemill_spark::types::render::text_at(&array, 0, &SparkType::String, &cx.settings)?;
    let text = parameters::bound(cx, &text, using).await?;
    let statement = tidemill_spark::parse::parse_statement(&text, &tidemill_spark::parse::ParseOptions::new(&cx.settings)?)?;
    if matches!(statement, Statement::Command(tidemill_spark::plan::Command::ExecuteImmediate { .. })) {
        return Err(error("NESTED_EXECUTE_IMMEDIATE", "EXECUTE IMMEDIATE does not execute another one: give the inner statement"));
    }
    if matches!(statement, Statement::Command(tidemill_spark::plan::Command::Script { .. })) {
        return Err(error("SQL_SCRIPT_IN_EXECUTE_IMMEDIATE", "EXECUTE IMMEDIATE takes one statement: BEGIN … END is none"));
    }
    match statement {
        Statement::Query(relation) if into.is_empty() => crate::dataframe::query(cx.session, &relation).await,
        Statement::Query(relation) => {
            let mut targets: Vec<(String, Variable)> = Vec::new();
            for name in into {
                let (key, found) = cx.catalog().variable(name)?;
                if targets.iter().any(|(other, _)| *other == key) {
                    return Err(error("DUPLICATE_ASSIGNMENTS", format!("the variable `{key}` is set twice: set it once")));
                }
                targets.push((key.clone(), found.ok_or_else(|| no_variable(&key))?));
            }
            let types: Vec<SparkType> = targets.iter().map(|(_, variable)| variable.data_type.clone()).collect();
            let values = variable::one_row(cx, &relation, &types).await?;
            for ((key, variable), value) in targets.into_iter().zip(values) {
                cx.catalog().put_variable(key, Variable { value, ..variable }, true)?;
            }
            rows::nothing(cx)
        }
        Statement::Command(_) if !into.is_empty() => {
            Err(error("INVALID_STATEMENT_FOR_EXECUTE_INTO", "INTO takes the row of a query, and the statement is none: leave INTO out"))
        }
        Statement::Command(command) => Box::pin(super::run(cx.session, &command, &text)).await,
    }
}
