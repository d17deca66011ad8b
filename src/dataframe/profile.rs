//! A query that is run for its figures: how its stages went, what was changed in them meanwhile, and what each operator did.

use std::fmt;
use std::time::Duration;

use serde_json::Value;
use tidemill_executor::run::RunReport;

use super::DataFrame;
use tidemill_planner::Result;

/// How a query ran. It prints as the plan that was run in the end, each operator with its figures.
#[derive(Debug)]
pub struct RunProfile {
    report: RunReport,
    /// Whether stages could change while they ran.
    adapts: bool,
}

impl RunProfile {
    /// How many rows the query gave.
    pub fn rows(&self) -> u64 {
        self.report.rows()
    }

    /// How long it ran, without its planning.
    pub fn elapsed(&self) -> Duration {
        self.report.elapsed
    }

    /// The same as data: of each stage what [`DataFrame::stages`] says, and its figures. See [`RunReport::to_json`].
    pub fn to_json(&self) -> Value {
        self.report.to_json()
    }
}

impl fmt::Display for RunProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "== Physical Plan ==")?;
        if self.adapts {
            writeln!(f, "AdaptivePlan isFinalPlan=true")?;
        }
        f.write_str(&self.report.to_text())
    }
}

impl DataFrame {
    /// Runs the query, drops its rows, and says how its stages and operators did: rows, time, what went to disk, what scans left unread,
    /// and what adaptive execution changed.
    ///
    /// # Errors
    /// Those of [`DataFrame::collect`], but for rows that are too many to be held.
    pub async fn explain_analyze(&self) -> Result<RunProfile> {
        let (plan, _) = self.ready().await?;
        let report = self.session.run_measured(&plan).await?;
        let adapts = self.session.adapts(&report.graph);
        Ok(RunProfile { report, adapts })
    }
}
