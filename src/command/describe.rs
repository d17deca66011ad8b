//! DESCRIBE QUERY and DESCRIBE FUNCTION.

use tidemill_spark::error::error;
use tidemill_spark::plan::{FunctionReturns, Relation};
use tidemill_spark::types::{StructField, from_field};

use super::{Context, rows};
use crate::catalog::{CatalogFunction, shown};
use crate::dataframe::DataFrame;
use tidemill_planner::Result;

/// A column as DESCRIBE shows it.
pub(super) fn line(field: &StructField) -> [Option<String>; 3] {
    let declared = field.metadata.get("__CHAR_VARCHAR_TYPE_STRING").cloned();
    [Some(field.name.clone()), Some(declared.unwrap_or_else(|| field.data_type.to_string())), field.metadata.get("comment").cloned()]
}

/// DESCRIBE QUERY.
pub(super) async fn query(cx: &Context<'_>, query: &Relation) -> Result<DataFrame> {
    let resolved = crate::open::resolved(cx.session, query).await?;
    let found = resolved.output.iter().map(|column| {
        let [name, _, comment] = line(&column.field);
        [name, Some(column.field.data_type.to_string()), comment]
    });
    rows::text(cx, ["col_name", "data_type", "comment"], found.collect())
}

/// DESCRIBE FUNCTION.
pub(super) async fn function(cx: &Context<'_>, name: &[String], extended: bool) -> Result<DataFrame> {
    let mut lines: Vec<String> = Vec::new();
    let operators = ["<>", "!=", "between", "case", "||"];
    if let Some(found) = cx.catalog().function(name, &cx.settings).await? {
        let function = match &found.function {
            CatalogFunction::Sql(function) => function,
            CatalogFunction::User(function) => {
                lines.push(format!("Function: {}", found.name.join(".")));
                lines.push(format!("Type:     {}", if function.is_aggregate() { "AGGREGATE" } else { "SCALAR" }));
                lines.push(format!("Returns:  {}", from_field(function.output()).data_type.sql()));
                return rows::text(cx, ["function_desc"], lines.into_iter().map(|line| [Some(line)]).collect());
            }
        };
        lines.push(format!("Function: {}", found.name.join(".")));
        lines.push(format!("Type:     {}", if super::function::is_table(function) { "TABLE" } else { "SCALAR" }));
        if function.parameters.is_empty() {
            lines.push("Input:    ()".to_owned());
        }
        for (place, parameter) in function.parameters.iter().enumerate() {
            let label = if place == 0 { "Input:    " } else { "          " };
            lines.push(format!("{label}{} {}", parameter.name, parameter.data_type.sql()));
        }
        match &function.returns {
            FunctionReturns::Inferred => {}
            FunctionReturns::Scalar(data_type) => lines.push(format!("Returns:  {}", data_type.sql())),
            FunctionReturns::Table(columns) => {
                for (place, (name, data_type)) in columns.iter().enumerate() {
                    let label = if place == 0 { "Returns:  " } else { "          " };
                    lines.push(format!("{label}{name} {}", data_type.sql()));
                }
            }
        }
        if extended {
            lines.extend(function.comment.as_ref().map(|comment| format!("Comment:  {comment}")));
            let deterministic = function.deterministic.unwrap_or(true);
            lines.push(format!("Deterministic: {deterministic}"));
            lines.push(format!("Body:     {}", function.body_text));
        }
    } else if let Some(row) = name.last().filter(|_| name.len() == 1).and_then(|name| tidemill_spark::functions::lookup(name)) {
        lines.push(format!("Function: {}", row.name));
        lines.push(format!("Class: tidemill.{}", row.group.name()));
        lines.push(format!("Usage: {}", row.usage));
        if extended {
            lines.push("Extended Usage:".to_owned());
            let mut examples = "    Examples:\n".to_owned();
            for (statement, answer) in row.examples {
                examples.push_str(&format!("      > {statement};\n"));
                for line in answer.lines() {
                    examples.push_str(&format!("       {line}\n"));
                }
            }
            lines.push(examples);
        }
    } else if let [only] = name
        && (operators.contains(&only.to_lowercase().as_str())
            || tidemill_spark::plan::operator::ALL.contains(&only.to_lowercase().as_str()))
    {
        lines.push(format!("Function: {only}"));
        lines.push(format!("Usage: expr1 {only} expr2 - An operator; see the manual for what it does."));
    } else {
        let message = format!("there is no function {}; SHOW FUNCTIONS lists them", shown(name));
        return Err(error("UNRESOLVED_ROUTINE", message).with_parameter("routineName", shown(name)));
    }
    rows::text(cx, ["function_desc"], lines.into_iter().map(|line| [Some(line)]).collect())
}
