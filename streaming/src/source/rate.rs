//! Spark's `rate` stream: so many rows a second, numbered from 0, each with the time at which it was due. For a first look, and for load
//! without files. It measures no time but that since its query began.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use tidemill_planner::options::{OptionSpec, Options};
use tidemill_planner::seam::{Clock, Offset, ReadLimit, Slice, StreamSource, SystemClock, TaskScope};
use tidemill_planner::{Error, Result, SourceId};

/// How many rows of a slice are made at once.
const ROWS_AT_ONCE: i64 = 8192;

/// The options of the rate stream.
const RATE_OPTIONS: &[OptionSpec] = &[
    OptionSpec { name: "rowsPerSecond", default: "1", doc: "How many rows fall due in a second." },
    OptionSpec { name: "rampUpTime", default: "0s", doc: "Only `0s`: it begins at full speed." },
    OptionSpec { name: "numPartitions", default: "", doc: "How many tasks make the rows is the engine's choice, whatever is given." },
];

/// `timestamp` and `value`, as Spark's `RateStreamProvider` has them: row `n` is due `n / rowsPerSecond` seconds after the query's first
/// look, and is there from then on (Spark gives the rows of a second at its end). The first look is kept in every offset, so that the
/// rows are the same after a restart; those that fell due while the query was down come then.
#[derive(Debug)]
pub struct RateStream {
    id: SourceId,
    rows_per_second: i64,
    schema: SchemaRef,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default, Clone, Copy)]
struct State {
    start_ms: Option<i64>,
    /// Rows that fall due later are left to the next run.
    frozen_ms: Option<i64>,
}

/// How far it has been read.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    /// When the query first looked, milliseconds since the Unix epoch.
    start_ms: i64,
    /// How many rows had fallen due.
    rows: i64,
    rows_per_second: i64,
}

impl RateStream {
    /// The stream `name` with these options.
    ///
    /// # Errors
    /// `Analysis` for an unknown option or one that is no positive number, `Unsupported` for a ramp.
    pub fn new<'a>(name: Option<&str>, options: impl IntoIterator<Item = (&'a String, &'a String)>) -> Result<Self> {
        Self::with_clock(name, options, Arc::new(SystemClock))
    }

    fn with_clock<'a>(
        name: Option<&str>,
        options: impl IntoIterator<Item = (&'a String, &'a String)>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let options = Options::check("the rate stream", RATE_OPTIONS, options)?;
        if let Some(ramp) = options.get("rampUpTime").filter(|ramp| !matches!(ramp.trim(), "0" | "0s" | "0 seconds")) {
            return Err(Error::unsupported(format!("option `rampUpTime` = `{ramp}` of the rate stream is not there yet: leave it out")));
        }
        let rows_per_second = options.get_positive("rowsPerSecond")?.unwrap_or(1);
        let schema = Schema::new(vec![
            Field::new("timestamp", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
            Field::new("value", DataType::Int64, true),
        ]);
        Ok(Self {
            id: SourceId::new(name.unwrap_or("rate")),
            rows_per_second: i64::try_from(rows_per_second).unwrap_or(i64::MAX),
            schema: Arc::new(schema),
            clock,
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn parse(&self, offset: &Offset) -> Result<Place> {
        let place: Place = serde_json::from_value(offset.0.clone())
            .map_err(|e| Error::corrupt(format!("source `{}`: {} is not an offset of a rate stream: {e}", self.id, offset.0)))?;
        if place.rows_per_second != self.rows_per_second {
            return Err(Error::analysis(format!(
                "the rate stream `{}` began with {} rows per second and is read with {} now, which would make other rows: keep \
                 `rowsPerSecond`, or start the query with a new checkpoint",
                self.id, place.rows_per_second, self.rows_per_second
            )));
        }
        Ok(place)
    }

    /// How many rows have fallen due `elapsed_ms` after the start.
    fn due(&self, elapsed_ms: i64) -> i64 {
        let rows = i128::from(elapsed_ms.max(0)) * i128::from(self.rows_per_second) / 1000;
        i64::try_from(rows).unwrap_or(i64::MAX)
    }
}

#[async_trait]
impl StreamSource for RateStream {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn reads(&self) -> String {
        format!("{} rows per second", self.rows_per_second)
    }

    fn for_query(&self) -> Arc<dyn StreamSource> {
        Arc::new(Self {
            id: self.id.clone(),
            rows_per_second: self.rows_per_second,
            schema: Arc::clone(&self.schema),
            clock: Arc::clone(&self.clock),
            state: Mutex::default(),
        })
    }

    fn description(&self) -> String {
        format!("RateStream[rowsPerSecond={}]", self.rows_per_second)
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn malformed_schema(&self) -> Option<SchemaRef> {
        None
    }

    async fn latest(&self, from: Option<&Offset>, _limit: ReadLimit) -> Result<Option<Offset>> {
        let from = from.map(|from| self.parse(from)).transpose()?;
        let now = self.clock.now_ms();
        let mut state = self.state();
        let start_ms = from.map_or_else(|| *state.start_ms.get_or_insert(now), |from| from.start_ms);
        let rows = self.due(state.frozen_ms.unwrap_or(now) - start_ms);
        let is_new = rows > from.map_or(0, |from| from.rows);
        Ok(if is_new { Some(Offset(serde_json::to_value(Place { start_ms, rows, rows_per_second: self.rows_per_second })?)) } else { None })
    }

    async fn freeze(&self) -> Result<()> {
        self.state().frozen_ms = Some(self.clock.now_ms());
        Ok(())
    }

    fn slice(&self, from: Option<&Offset>, to: &Offset) -> Result<Arc<dyn Slice>> {
        let to = self.parse(to)?;
        let from = from.map(|from| self.parse(from)).transpose()?.map_or(0, |from| from.rows);
        Ok(Arc::new(RateSlice {
            start_us: to.start_ms.saturating_mul(1000),
            rows: (from, to.rows),
            rows_per_second: self.rows_per_second,
            schema: Arc::clone(&self.schema),
        }))
    }

    fn restore(&self, _image: Option<&[u8]>, offsets: &[Offset]) -> Result<()> {
        let last = offsets.last().map(|offset| self.parse(offset)).transpose()?;
        *self.state() = State { start_ms: last.map(|last| last.start_ms), frozen_ms: None };
        Ok(())
    }

    fn recorded(&self, to: &Offset) -> Result<()> {
        self.parse(to).map(drop)
    }

    fn image(&self) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    async fn settled(&self, _to: &Offset) -> Result<()> {
        Ok(())
    }
}

/// Rows that fell due, dealt to tasks in contiguous runs.
#[derive(Debug)]
struct RateSlice {
    start_us: i64,
    rows: (i64, i64),
    rows_per_second: i64,
    schema: SchemaRef,
}

/// The rows from one number up to another.
fn batch(schema: &SchemaRef, start_us: i64, rows_per_second: i64, first: i64, last: i64) -> Result<RecordBatch> {
    let due = |row: i64| {
        let after = i128::from(row) * 1_000_000 / i128::from(rows_per_second);
        start_us.saturating_add(i64::try_from(after).unwrap_or(i64::MAX))
    };
    let times = TimestampMicrosecondArray::from_iter_values((first..last).map(due)).with_timezone("UTC");
    let columns: Vec<ArrayRef> = vec![Arc::new(times), Arc::new(Int64Array::from_iter_values(first..last))];
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

impl Slice for RateSlice {
    fn execute(
        &self,
        partition: usize,
        partitions: usize,
        scan: &SourceId,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let (first, last) = self.rows;
        let part = |p: usize| first + i64::try_from(i128::from(last - first) * p as i128 / partitions as i128).unwrap_or(0);
        let (begin, end) = (part(partition), part(partition + 1));
        let (scope, scan, schema) = (TaskScope::of(&context), scan.clone(), Arc::clone(&self.schema));
        let (start_us, rows_per_second) = (self.start_us, self.rows_per_second);
        let starts = (begin..end).step_by(ROWS_AT_ONCE as usize);
        let rows = futures::stream::iter(starts).map(move |at| {
            let batch = batch(&schema, start_us, rows_per_second, at, end.min(at + ROWS_AT_ONCE))?;
            *scope.report().source_rows.entry(scan.clone()).or_default() += batch.num_rows() as u64;
            Ok(batch)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows)))
    }

    fn bytes(&self) -> Option<u64> {
        Some((self.rows.1 - self.rows.0).unsigned_abs().saturating_mul(16))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use arrow::array::AsArray;
    use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
    use futures::TryStreamExt;

    use super::super::contract::{Fixture, source_contract};
    use super::*;

    #[derive(Debug, Default)]
    struct ByHand(AtomicI64);

    impl Clock for ByHand {
        fn now_ms(&self) -> i64 {
            self.0.load(Ordering::SeqCst)
        }
    }

    fn options(given: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[tokio::test]
    async fn it_keeps_the_contract() {
        let clock = Arc::new(ByHand::default());
        let shared = Arc::clone(&clock);
        source_contract(Fixture {
            column: 1,
            fresh: Box::new(move || {
                Arc::new(RateStream::with_clock(Some("r"), &options(&[("rowsPerSecond", "1000")]), Arc::clone(&shared) as _).unwrap())
            }),
            add: Box::new(move |ids| clock.0.store(ids.end, Ordering::SeqCst)),
        })
        .await;
    }

    #[tokio::test]
    async fn rows_have_the_times_at_which_they_were_due() {
        let clock = Arc::new(ByHand(AtomicI64::new(10_000)));
        let stream = RateStream::with_clock(None, &options(&[("rowsPerSecond", "4")]), Arc::clone(&clock) as _).unwrap();
        assert_eq!(stream.latest(None, ReadLimit::All).await.unwrap(), None);
        clock.0.store(10_600, Ordering::SeqCst);
        let to = stream.latest(None, ReadLimit::All).await.unwrap().unwrap();
        let slice = stream.slice(None, &to).unwrap();
        let rows = slice.execute(0, 1, &SourceId::new("scan"), Arc::new(TaskContext::default())).unwrap();
        let rows: Vec<RecordBatch> = rows.try_collect().await.unwrap();
        assert_eq!(rows[0].column(0).as_primitive::<TimestampMicrosecondType>().values(), &[10_000_000, 10_250_000]);
        assert_eq!(rows[0].column(1).as_primitive::<Int64Type>().values(), &[0, 1]);
    }

    #[tokio::test]
    async fn another_rate_is_another_stream() {
        let clock = Arc::new(ByHand::default());
        let of = |rate| RateStream::with_clock(None, &options(&[("rowsPerSecond", rate)]), Arc::clone(&clock) as _).unwrap();
        let before = of("10");
        assert_eq!(before.latest(None, ReadLimit::All).await.unwrap(), None);
        clock.0.store(1_000, Ordering::SeqCst);
        let offset = before.latest(None, ReadLimit::All).await.unwrap().unwrap();
        let error = of("20").restore(None, &[offset]).unwrap_err();
        assert!(error.message().contains("began with 10 rows per second"), "{error}");
    }

    #[test]
    fn options_are_checked() {
        for (name, value, says) in
            [("rowsPerSecond", "0", "rowsPerSecond"), ("rampUpTime", "5s", "not there yet"), ("rowsPerMinute", "5", "rowsPerMinute")]
        {
            let error = RateStream::new(None, &options(&[(name, value)])).unwrap_err();
            assert!(error.message().contains(says), "{error}");
        }
    }
}
