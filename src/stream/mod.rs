//! Streams at the DataFrame: `read_stream`, `write_stream`, and queries with several sinks. A query is planned here, once;
//! running it is the streaming crate's business.

mod memory_view;
mod plan;
mod query;
mod reader;
mod sink;
mod table_place;
mod writer;

pub use query::StreamingQueryBuilder;
pub use reader::DataStreamReader;
pub use sink::StreamSink;
pub use writer::DataStreamWriter;

use tidemill_planner::interval::parse_interval_us;
use tidemill_streaming::trigger;

use tidemill_planner::{Error, Result};

/// When a query's epochs run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trigger(pub(crate) trigger::Trigger);

impl Trigger {
    /// At multiples of `interval` (`"5 seconds"`); `"0 seconds"`, the default, is as soon as there is something to do.
    ///
    /// # Errors
    /// `Analysis` for an interval that is none, or is no whole number of milliseconds.
    pub fn processing_time(interval: &str) -> Result<Self> {
        let us = parse_interval_us(interval)?;
        if us % 1000 != 0 {
            return Err(Error::analysis(format!("a trigger's interval is a whole number of milliseconds, and `{interval}` is not")));
        }
        Ok(Self(trigger::Trigger::ProcessingTime(us / 1000)))
    }

    /// Until all is read that was there at the start, in as many epochs as the sources' limits make of it; then the query ends.
    pub fn available_now() -> Self {
        Self(trigger::Trigger::AvailableNow)
    }
}
