//! A DataFrame's plans, to be looked at: what its tree was found to mean, and what the optimizer makes of that. Nothing is run.

use std::fmt;

use datafusion::logical_expr::LogicalPlan;

use super::DataFrame;
use tidemill_planner::ident::did_you_mean;
use tidemill_planner::{Error, Result};

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

    /// The plan as written, as optimized, and as it would run.
    pub async fn explain(&self) -> Result<String> {
        let analyzed = self.analyzed_plan().await?;
        let optimized = self.optimized(&analyzed)?;
        let stages = self.session.stages(&self.plan().await?).await?;
        Ok(format!("== Logical Plan ==\n{analyzed}\n\n== Optimized Logical Plan ==\n{optimized}\n\n== Stages ==\n{stages}"))
    }

    /// The stages in which it would run, as data: see [`StageGraph::to_json`](tidemill_planner::stage::StageGraph::to_json).
    ///
    /// # Errors
    /// Those of [`DataFrame::explain`].
    pub async fn stages(&self) -> Result<serde_json::Value> {
        Ok(self.session.stages(&self.plan().await?).await?.to_json())
    }

    /// What Spark's modes show: `simple` and `formatted` how it would run, `extended`, `codegen` and `cost` all plans.
    ///
    /// # Errors
    /// Those of [`DataFrame::explain`], and `Analysis` for another mode.
    pub async fn explain_as(&self, mode: &str) -> Result<String> {
        match mode.to_lowercase().as_str() {
            "simple" | "formatted" => Ok(format!("== Physical Plan ==\n{}", self.session.stages(&self.plan().await?).await?)),
            "extended" | "codegen" | "cost" => self.explain().await,
            other => {
                let modes = ["simple", "extended", "codegen", "cost", "formatted"];
                let hint = did_you_mean(other, modes);
                Err(Error::analysis(format!("unknown mode `{mode}` of EXPLAIN{hint} ({})", modes.join(", "))))
            }
        }
    }
}
