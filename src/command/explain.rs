//! EXPLAIN: the plans of a statement as text, and with ANALYZE how a query ran.

use tidemill_spark::plan::{ExplainMode, Statement};

use super::{Context, rows};
use crate::dataframe::DataFrame;
use tidemill_planner::{Error, Result};

/// EXPLAIN.
pub(super) async fn explain(cx: &Context<'_>, mode: ExplainMode, statement: &Statement) -> Result<DataFrame> {
    let text = match statement {
        Statement::Query(relation) => match crate::dataframe::query(cx.session, relation).await {
            Ok(frame) => frame.explain_in(mode).await?,
            Err(error) if mode == ExplainMode::Analyze => return Err(error),
            // As in Spark, what is wrong with a query is the answer.
            Err(error) => format!("Error occurred during query planning: \n{error}"),
        },
        Statement::Command(command) => {
            let shown = format!("{command:?}");
            let name = shown.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            if mode == ExplainMode::Analyze {
                return Err(Error::unsupported(format!(
                    "EXPLAIN ANALYZE runs a query and drops its rows, and this is a command ({name}): give it the command's query alone, or \
                     leave ANALYZE out"
                )));
            }
            format!("== Physical Plan ==\nExecute {name}\n")
        }
    };
    rows::text(cx, ["plan"], vec![[Some(text)]])
}
