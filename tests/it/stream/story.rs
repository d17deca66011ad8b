//! A streaming query told as a script: rows are appended, the query is restarted or taken over, and the transcript shows what
//! each epoch read, what each sink got and what stayed in state. What the query computes is each test's.
//!
//! ```text
//! + ann:a@3 bob:b@4      append the events a of ann at minute 3 and b of bob at minute 4, and wait until they are worked
//! restart 7              stop the query, and start it in a new session of 7 tasks a stage
//! takeover 2             start it in a new session while the run before it is still at work
//! ```

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use tempfile::TempDir;
use tidemill::{DataFrame, ErrorKind, MemoryTable, Session, StreamSink, StreamingQuery};
use tidemill_streaming::checkpoint::Checkpoint;
use tidemill_streaming::source::MemoryStream;
use tidemill_streaming::state::ImagePolicy;

pub(super) const MINUTE_US: i64 = 60_000_000;

/// What a query makes of the events: a DataFrame per sink, by the sink's name.
pub(super) type Program = fn(&DataFrame) -> tidemill::Result<Vec<(&'static str, DataFrame)>>;

/// `user, id, t, v`.
pub(super) fn event_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("user", DataType::Utf8, false),
        Field::new("id", DataType::Utf8, false),
        Field::new("t", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        Field::new("v", DataType::Int64, false),
    ]))
}

/// An event: user, id, minute, value. Without a minute it has no time.
pub(super) type Event = (String, String, Option<i64>, i64);

pub(super) fn batch_of(events: &[Event]) -> RecordBatch {
    let times: TimestampMicrosecondArray = events.iter().map(|e| e.2.map(|minute| minute * MINUTE_US)).collect();
    RecordBatch::try_new(
        event_schema(),
        vec![
            Arc::new(StringArray::from_iter_values(events.iter().map(|e| &e.0))),
            Arc::new(StringArray::from_iter_values(events.iter().map(|e| &e.1))),
            Arc::new(times.with_timezone("UTC")),
            Arc::new(Int64Array::from_iter_values(events.iter().map(|e| e.3))),
        ],
    )
    .expect("the columns are of one length")
}

/// `ann:a@3=7`: user, id, minute (`-` for none) and value (1 when it is left out).
fn parse(text: &str) -> Event {
    let (user, rest) = text.split_once(':').expect("user:id");
    let (id, rest) = rest.split_once('@').expect("id@minute");
    let (minute, value) = rest.split_once('=').unwrap_or((rest, "1"));
    let minute = (minute != "-").then(|| minute.parse().expect("a minute"));
    (user.to_owned(), id.to_owned(), minute, value.parse().expect("a value"))
}

/// A query and what has been told of it.
pub(super) struct Story {
    dir: TempDir,
    stream: MemoryStream,
    program: Program,
    images: ImagePolicy,
    sinks: Vec<(&'static str, MemoryTable, usize)>,
    query: Option<StreamingQuery>,
    epochs_told: usize,
    transcript: String,
}

impl Story {
    /// A story that has not begun: `start` begins it.
    pub(super) fn new(program: Program) -> Self {
        Self {
            dir: tempfile::tempdir().expect("a directory for the checkpoint"),
            stream: MemoryStream::new("events", event_schema()),
            program,
            images: ImagePolicy::default(),
            sinks: Vec::new(),
            query: None,
            epochs_told: 0,
            transcript: String::new(),
        }
    }

    /// With an image after so many epochs.
    pub(super) fn with_image_every(mut self, epochs: u64) -> Self {
        self.images.epochs = epochs;
        self
    }

    pub(super) fn checkpoint(&self) -> std::path::PathBuf {
        self.dir.path().join("checkpoint")
    }

    /// The log as it ever was: clean-up lets old records go.
    pub(super) fn records(&self) -> std::path::PathBuf {
        self.dir.path().join("records")
    }

    pub(super) fn query(&self) -> &StreamingQuery {
        self.query.as_ref().expect("the query has been started")
    }

    /// All rows that a sink has got.
    pub(super) fn rows(&self, sink: &str) -> Vec<RecordBatch> {
        self.sinks.iter().find(|(name, ..)| *name == sink).map(|(_, table, _)| table.batches()).expect("a sink of the program")
    }

    /// Starts the query in a session of its own.
    pub(super) async fn start(&mut self, parallelism: usize) {
        let session = Session::builder().parallelism(parallelism).build().expect("a session");
        let events = session.stream(Arc::new(self.stream.clone())).expect("the stream is a DataFrame");
        let outputs = (self.program)(&events).expect("the program fits the events");
        let mut query = session.streaming_query("story").checkpoint_location(self.checkpoint()).images(self.images);
        for (name, frame) in &outputs {
            let at = self.sinks.iter().position(|(known, ..)| known == name).unwrap_or_else(|| {
                self.sinks.push((name, MemoryTable::default(), 0));
                self.sinks.len() - 1
            });
            query = query.add(frame, StreamSink::memory(*name, &self.sinks[at].1));
        }
        self.query = Some(query.start().await.expect("the query starts"));
        self.epochs_told = 0;
    }

    /// Stops the query in order.
    pub(super) async fn stop(&mut self) {
        if let Some(query) = self.query.take() {
            query.stop().await.expect("the query stops in order");
        }
    }

    /// Adds the events as one batch, and waits until the query has worked them.
    pub(super) async fn append(&mut self, events: &[Event]) {
        self.stream.add(batch_of(events)).expect("the events fit the stream");
        self.settle().await;
    }

    /// Waits until there is nothing to do.
    pub(super) async fn settle(&self) {
        self.query().process_all_available().await.expect("the query is well");
        // An append makes two epochs at most, and clean-up leaves more than those.
        Checkpoint::keep_log(&self.checkpoint(), &self.records()).expect("the log can be kept");
    }

    /// Carries out one line of a script, and tells what came of it.
    async fn step(&mut self, line: &str) {
        writeln!(self.transcript, "> {line}").expect("text");
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "+" => {
                let events: Vec<Event> = rest.split_whitespace().map(parse).collect();
                self.append(&events).await;
            }
            "restart" => {
                self.stop().await;
                self.start(rest.parse().expect("a number of tasks")).await;
                self.settle().await;
            }
            "takeover" => {
                let old = self.query().clone();
                self.start(rest.parse().expect("a number of tasks")).await;
                self.settle().await;
                // The old run knows nothing yet: the next rows will tell it.
                let new = self.query().run_id().to_owned();
                self.stream.add(batch_of(&[])).expect("no rows fit the stream");
                let error = old.await_termination().await.expect_err("the old run has lost");
                assert_eq!(error.kind(), ErrorKind::Fenced, "{error}");
                assert!(error.message().contains(&new), "the error names the run that has won, {new}: {error}");
                self.settle().await;
            }
            other => panic!("a script has no word `{other}`"),
        }
        self.tell();
    }

    fn tell(&mut self) {
        let epochs = self.query().recent_progress();
        for epoch in &epochs[self.epochs_told..] {
            let watermark = epoch.event_time.get("watermark").map_or("none", String::as_str);
            let watermark = watermark.strip_prefix("1970-01-01T").and_then(|t| t.strip_suffix(":00.000Z")).unwrap_or(watermark);
            write!(self.transcript, "  epoch {}: {} rows, watermark {watermark}", epoch.batch_id, epoch.num_input_rows).expect("text");
            for operator in &epoch.state_operators {
                write!(self.transcript, "; {} {}", operator.operator_name, operator.num_rows_total).expect("text");
                let copies = operator.custom_metrics.get("numDroppedDuplicateRows").copied().unwrap_or(0);
                for (what, count) in [("late", operator.num_rows_dropped_by_watermark), ("copies", copies)] {
                    if count > 0 {
                        write!(self.transcript, " ({count} {what})").expect("text");
                    }
                }
            }
            self.transcript.push('\n');
        }
        self.epochs_told = epochs.len();
        for (name, table, told) in &mut self.sinks {
            let epochs = table.epochs();
            for (epoch, rows) in &epochs[*told..] {
                for row in rows_as_text(rows) {
                    writeln!(self.transcript, "  {name}[{epoch}]: {row}").expect("text");
                }
            }
            *told = epochs.len();
        }
    }
}

/// Plays a script at a parallelism of two, to begin with, and gives the transcript.
pub(super) async fn play(program: Program, script: &str) -> String {
    let mut story = Story::new(program);
    story.start(2).await;
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        story.step(line).await;
    }
    story.stop().await;
    story.transcript
}

/// Rows as text, sorted: minutes for times, and of an operator's id its kind alone.
pub(super) fn rows_as_text(rows: &[RecordBatch]) -> Vec<String> {
    let mut lines = Vec::new();
    for batch in rows {
        for row in 0..batch.num_rows() {
            let value = |(column, field): (&Arc<dyn Array>, &Arc<Field>)| {
                if column.is_null(row) {
                    return "null".to_owned();
                }
                match column.data_type() {
                    DataType::Timestamp(TimeUnit::Microsecond, _) => {
                        let us = column.as_primitive::<TimestampMicrosecondType>().value(row);
                        assert_eq!(us % MINUTE_US, 0, "stories have whole minutes: {us} us");
                        format!("{:02}:{:02}", us / MINUTE_US / 60, us / MINUTE_US % 60)
                    }
                    _ => {
                        let text = arrow::util::display::array_value_to_string(column, row).expect("a value has a text");
                        let kind = || text.split(|c: char| !c.is_ascii_alphabetic() && c != '_').next().unwrap_or_default().to_owned();
                        if field.name() == "operator" { kind() } else { text }
                    }
                }
            };
            let columns = batch.columns().iter().zip(batch.schema_ref().fields());
            lines.push(columns.map(value).collect::<Vec<_>>().join(" "));
        }
    }
    lines.sort_unstable();
    lines
}
