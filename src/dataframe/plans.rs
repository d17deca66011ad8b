//! A DataFrame's plans, to be looked at: what its tree was found to mean, what the optimizer makes of that, and the
//! stages in which it would run. Nothing is run; what a run says is in `profile`.

use std::fmt;

use datafusion::logical_expr::LogicalPlan;

use super::DataFrame;
use tidemill_planner::ident::did_you_mean;
use tidemill_planner::stage::StageGraph;
use tidemill_planner::{Error, Result};
use tidemill_spark::plan::ExplainMode;

/// Stands over stages that have not run, in Spark's words.
const MAY_CHANGE: &str = "AdaptivePlan isFinalPlan=false: stages may change while they run, by what those before them gave\n";

/// Spark's words for a plan of which no code is generated.
const NO_CODE: &str = "Found 0 WholeStageCodegen subtrees: operators are compiled already.\n\n";

/// A plan that can be printed: a node per line, what it reads below it. `{:#}` adds the columns of each node.
#[derive(Clone)]
pub struct Plan(LogicalPlan);

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() { write!(f, "{}", self.0.display_indent_schema()) } else { write!(f, "{}", self.0.display_indent()) }
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl DataFrame {
    /// What the tree was found to mean.
    ///
    /// # Errors
    /// Those of an action that come before anything runs: names that mean nothing, types that do not go together.
    pub async fn analyzed_plan(&self) -> Result<Plan> {
        Ok(Plan(crate::session::named(&self.plan().await?)?))
    }

    /// The same as the optimizer leaves it.
    ///
    /// # Errors
    /// Those of [`DataFrame::analyzed_plan`], and what constants that are computed now give.
    pub async fn optimized_plan(&self) -> Result<Plan> {
        self.optimized(&self.analyzed_plan().await?)
    }

    fn optimized(&self, analyzed: &Plan) -> Result<Plan> {
        Ok(Plan(self.session.state_now().optimize(&analyzed.0)?))
    }

    /// What the query means, as optimized, and as it would run: Spark's mode `extended`.
    pub async fn explain(&self) -> Result<String> {
        let analyzed = self.analyzed_plan().await?;
        let optimized = self.optimized(&analyzed)?;
        let physical = self.physical(StageGraph::to_string).await?;
        Ok(format!("== Analyzed Logical Plan ==\n{analyzed}\n\n== Optimized Logical Plan ==\n{optimized}\n\n{physical}"))
    }

    /// The stages in which it would run, printed, with a line that says so where they may be others in the end.
    async fn physical(&self, printed: impl Fn(&StageGraph) -> String) -> Result<String> {
        let graph = self.session.stages(&self.plan().await?).await?;
        let adapts = if self.session.adapts(&graph) { MAY_CHANGE } else { "" };
        Ok(format!("== Physical Plan ==\n{adapts}{}", printed(&graph)))
    }

    /// What a mode shows.
    pub(crate) async fn explain_in(&self, mode: ExplainMode) -> Result<String> {
        match mode {
            ExplainMode::Simple => self.physical(StageGraph::to_string).await,
            ExplainMode::Formatted => self.physical(StageGraph::formatted).await,
            ExplainMode::Extended => self.explain().await,
            ExplainMode::Cost => {
                let optimized = self.optimized_plan().await?;
                let physical = self.physical(StageGraph::with_statistics).await?;
                Ok(format!("== Optimized Logical Plan ==\n{optimized}\n\n{physical}"))
            }
            ExplainMode::Codegen => Ok(format!("{NO_CODE}{}", self.physical(StageGraph::to_string).await?)),
            ExplainMode::Analyze => Ok(self.explain_analyze().await?.to_string()),
        }
    }

    /// The stages in which it would run, as data: see [`StageGraph::to_json`](tidemill_planner::stage::StageGraph::to_json).
    ///
    /// # Errors
    /// Those of [`DataFrame::explain`].
    pub async fn stages(&self) -> Result<serde_json::Value> {
        Ok(self.session.stages(&self.plan().await?).await?.to_json())
    }

    /// What a mode shows: `simple` how it would run, `extended` all plans, `cost` what is known of rows and bytes before it runs, `formatted`
    /// an outline with details below, `codegen` that no code is generated. `analyze` runs the query, and says how that went: see
    /// [`DataFrame::explain_analyze`].
    ///
    /// # Errors
    /// Those of [`DataFrame::explain`], and `Analysis` for another mode.
    pub async fn explain_as(&self, mode: &str) -> Result<String> {
        match ExplainMode::ALL.into_iter().find(|known| mode.eq_ignore_ascii_case(known.name())) {
            Some(mode) => self.explain_in(mode).await,
            None => {
                let modes = ExplainMode::ALL.map(ExplainMode::name);
                let hint = did_you_mean(mode, modes);
                Err(Error::analysis(format!("unknown mode `{mode}` of EXPLAIN{hint} ({})", modes.join(", "))))
            }
        }
    }
}
