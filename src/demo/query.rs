//! The job as one streaming query with five sinks. What the job computes is [`job`]'s.

use super::generate::EVENT_COLUMNS;
use super::{Layout, job};
use crate::{Result, Session, StreamSink, StreamingQueryBuilder};

/// The query over the files of `format` in the layout's input folder, at most `max_files` per epoch. It is not started.
///
/// # Errors
/// `NotFound` when there is no input folder.
pub fn behaviour(session: &Session, layout: &Layout, format: &str, max_files: usize) -> Result<StreamingQueryBuilder> {
    let events = session
        .read_stream()
        .name("events")
        .format(format)
        .schema(EVENT_COLUMNS)?
        .option("maxFilesPerTrigger", max_files)
        .load(&layout.input().display().to_string())?;
    let append = |name: &str| StreamSink::delta_append(layout.table(name)).named(name);
    let merge = |name: &str, on: &[&'static str]| StreamSink::delta_merge(layout.table(name), on.iter().copied()).named(name);
    // A Parquet file is read whole or not at all: it has no malformed rows.
    let malformed = if format == "json" { Some(events.malformed_rows()?) } else { None };
    let outputs = job(&events, malformed, None)?;
    let query = session.streaming_query("behaviour").checkpoint_location(layout.checkpoint());
    Ok(query
        .add(&outputs.dead_letters, append("dead_letters"))
        .with_late_rows(&outputs.events, append("late_events"))?
        .add(&outputs.session_metrics, merge("session_metrics", &["userId", "sessionStart"]))
        .add(&outputs.user_baselines, merge("user_baselines", &["userId"]))
        .add(&outputs.alerts, append("alerts")))
}
