//! The job as one streaming query with five sinks, or six. What the job computes is [`job`]'s.

use super::generate::EVENT_COLUMNS;
use super::{Layout, direct, job};
use tidemill_lakehouse::SinkOptions;
use tidemill_streaming::state::{ImagePolicy, Retention};

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
    /// Whether the alerts go to a sink that cannot stage, too: one file per epoch.
    pub direct: bool,
    /// Every so many epochs there is an image, and so many epochs keep their records; `None` for the defaults.
    pub keep_epochs: Option<u64>,
}

impl QueryConfig {
    /// JSON files, small outputs inside the record, five sinks that stage, the default retention.
    pub fn json(max_files: usize) -> Self {
        Self { format: "json", max_files, stage_files: false, direct: false, keep_epochs: None }
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
    let outputs = job(&events, Some(events.malformed_rows()), None)?;
    let mut query = session.streaming_query("behaviour").checkpoint_location(layout.checkpoint());
    if let Some(epochs) = config.keep_epochs {
        query = query
            .images(ImagePolicy { epochs, ..ImagePolicy::default() })
            .retention(Retention { min_epochs: epochs, ..Retention::default() });
    }
    let query = query
        .add(&outputs.dead_letters, append("dead_letters"))
        .with_late_rows(&outputs.events, append("late_events"))
        .add(&outputs.session_metrics, merge("session_metrics", &["userId", "sessionStart"]))
        .add(&outputs.user_baselines, merge("user_baselines", &["userId"]))
        .add(&outputs.alerts, append("alerts"));
    Ok(if config.direct { query.add(&outputs.alerts, direct::sink(layout.direct())) } else { query })
}
