//! EXPLAIN: the plans of a statement as text.

use tidemill_spark::plan::{ExplainMode, Statement};

use super::{Context, rows};
use crate::dataframe::DataFrame;
use tidemill_planner::Result;

/// EXPLAIN.
pub(super) async fn explain(cx: &Context<'_>, mode: ExplainMode, statement: &Statement) -> Result<DataFrame> {
    let text = match statement {
        Statement::Query(relation) => match crate::dataframe::query(cx.session, relation).await {
            Ok(frame) => {
                let all = frame.explain().await?;
                match mode {
                    ExplainMode::Simple | ExplainMode::Formatted => {
                        let physical = all.split("== Stages ==\n").nth(1).unwrap_or(&all);
                        format!("== Physical Plan ==\n{physical}")
                    }
                    ExplainMode::Extended | ExplainMode::Codegen | ExplainMode::Cost => all,
                }
            }
            // As in Spark, what is wrong with a query is the answer.
            Err(error) => format!("Error occurred during query planning: \n{error}"),
        },
        Statement::Command(command) => {
            let shown = format!("{command:?}");
            let name = shown.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            format!("== Physical Plan ==\nExecute {name}\n")
        }
    };
    rows::text(cx, ["plan"], vec![[Some(text)]])
}
