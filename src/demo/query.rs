//! The job as one streaming query with five sinks. What the job computes is [`job`]'s.

use super::generate::EVENT_COLUMNS;
use super::{Layout, job};
use tidemill_lakehouse::SinkOptions;

use crate::{Result, Session, StreamSink, StreamingQueryBuilder};

/// How the query reads and stages.
#[derive(Debug, Clone, Copy)]
pub struct QueryConfig {
    /// The format of the files: `json` or `parquet`.
    pub format: &'static str,
    /// Files per epoch at most.
    pub max_files: usize,
    /// Whether every output is staged as a file, as large ones are, rather than inside the record.
    pub stage_files: bool,
}

impl QueryConfig {
    /// JSON files, small outputs inside the record.
    pub fn json(max_files: usize) -> Self {
        Self { format: "json", max_files, stage_files: false }
    }
}

/// The query over the files in the layout's input folder. It is not started.
///
/// # Errors
/// `NotFound` when there is no input folder.
pub fn behaviour(session: &Session, layout: &Layout, config: &QueryConfig) -> Result<StreamingQueryBuilder> {
    let events = session
        .read_stream()
        .name("events")
        .format(config.format)
        .schema(EVENT_COLUMNS)?
        .option("maxFilesPerTrigger", config.max_files)
        .load(&layout.input().display().to_string())?;
    let defaults = SinkOptions::default();
    let inline_max_rows = if config.stage_files { 0 } else { defaults.inline_max_rows };
    let options = SinkOptions { inline_max_rows, ..defaults };
    let append = |name: &str| StreamSink::delta_append(layout.table(name)).named(name).with_options(options.clone());
    let merge = |name: &str, on: &[&'static str]| {
        StreamSink::delta_merge(layout.table(name), on.iter().copied()).named(name).with_options(options.clone())
    };
    let outputs = job(&events, Some(events.malformed_rows()?), None)?;
    let query = session.streaming_query("behaviour").checkpoint_location(layout.checkpoint());
    Ok(query
        .add(&outputs.dead_letters, append("dead_letters"))
        .with_late_rows(&outputs.events, append("late_events"))?
        .add(&outputs.session_metrics, merge("session_metrics", &["userId", "sessionStart"]))
        .add(&outputs.user_baselines, merge("user_baselines", &["userId"]))
        .add(&outputs.alerts, append("alerts")))
}
