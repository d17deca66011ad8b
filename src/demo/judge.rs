//! The judge: the same program, run once as a batch over all the files less the late rows, against what the stream wrote, row for row.
//! What is late it works out itself, from which files each epoch read.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::{cast, concat_batches, filter_record_batch, not};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type, Schema, SchemaRef, TimeUnit};
use arrow::row::{OwnedRow, RowConverter, SortField};
use tidemill_executor::files::{FileEntry, NameFilter, list_names};
use tidemill_streaming::progress::timestamp;

use super::epochs::{EPOCH, RecordedEpoch, recorded_epochs, recorded_events};
use super::job::split_by_range;
use super::lateness::{Bounds, bounds};
use super::{Layout, TABLES, job};
use crate::functions::col;
use crate::{DataFrame, Error, Result, Session};

/// Where the verdict says what is wrong with the epochs.
const EPOCHS: &str = "epochs";

/// How late an event may be, as the job says.
const DELAY_US: i64 = 2 * 60 * 1_000_000;

/// What the judge found.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// Per table: rows, and what differs, in words; nothing when it agrees.
    pub tables: BTreeMap<&'static str, (u64, Option<String>)>,
    /// What is wrong with the epochs, in words: files that none read or two did, watermarks that are not the model's.
    pub epochs: Option<String>,
    /// The names of the files that each epoch read.
    pub epoch_files: Vec<Vec<String>>,
    /// Well-formed rows, copies and late ones included.
    pub events: u64,
    /// Rows that were copies of an earlier one (late copies count as late).
    pub duplicates: u64,
    /// The stream's final watermark, milliseconds since the Unix epoch; `None` when no event ever moved it.
    pub watermark_ms: Option<i64>,
}

impl Verdict {
    /// Whether stream and batch agree in every table, and the epochs are right.
    pub fn agree(&self) -> bool {
        self.differences().is_empty()
    }

    /// What differs, by table; under `epochs` what is wrong with them.
    pub fn differences(&self) -> BTreeMap<&'static str, String> {
        let tables = self.tables.iter().filter_map(|(name, (_, difference))| Some((*name, difference.clone()?)));
        tables.chain(self.epochs.clone().map(|wrong| (EPOCHS, wrong))).collect()
    }

    /// The rows of a table.
    pub fn rows(&self, table: &str) -> u64 {
        self.tables.get(table).map_or(0, |(rows, _)| *rows)
    }
}

/// Judges the run in `layout`.
///
/// # Errors
/// When the files, the tables or the records cannot be read.
pub async fn judge(session: &Session, layout: &Layout) -> Result<Verdict> {
    let epochs = recorded_epochs(layout)?;
    let input = recorded_events(session, layout, &epochs)?;
    let dead_letters = job(&input.drop([EPOCH]), Some(input.malformed_rows()), None)?.dead_letters;
    // The rows leave their plan, so that each of the batch's tables starts from them and not from the files again.
    let rows = split_by_range(&input)?.0.collect().await?;
    let bounds = bounds(&maxima_us(&rows, epochs.len())?, DELAY_US);
    let events: u64 = rows.iter().map(|batch| batch.num_rows() as u64).sum();
    let Parted { on_time, late } = part(input.schema()?.as_ref(), rows, &bounds)?;
    let (on_time, late) = (session.create_dataframe(on_time)?, session.create_dataframe(late)?);
    let ended_us = bounds.last().and_then(|next| next.final_us);
    // Before any event has moved the watermark, no session has ended.
    let batch = job(&on_time, None, Some(ended_us.unwrap_or(i64::MIN / 2)))?;

    let recorded_us = epochs.last().map(|last| last.watermarks.eviction_us).filter(|us| *us != i64::MIN);
    let mut verdict = Verdict {
        epochs: wrong_files(layout, &epochs)?.or_else(|| wrong_watermarks(&epochs, &bounds)),
        epoch_files: epochs.iter().map(|epoch| epoch.files.iter().map(|file| file.path.clone()).collect()).collect(),
        events,
        watermark_ms: recorded_us.map(|us| us.div_euclid(1000)),
        ..Verdict::default()
    };
    verdict.duplicates = on_time.count().await?.saturating_sub(batch.events.count().await?);
    let expected = [&dead_letters, &late, &batch.session_metrics, &batch.user_baselines, &batch.alerts];
    for (name, expected) in TABLES.into_iter().zip(expected) {
        let table = session.read().delta(&layout.table(name)).await?;
        verdict.tables.insert(name, compare(&table, expected).await?);
    }
    Ok(verdict)
}

/// A file of the input that no epoch read, or that two did.
fn wrong_files(layout: &Layout, epochs: &[RecordedEpoch]) -> Result<Option<String>> {
    let mut read_by: HashMap<&str, usize> = HashMap::new();
    for (epoch, recorded) in epochs.iter().enumerate() {
        for file in &recorded.files {
            if let Some(before) = read_by.insert(&file.path, epoch) {
                return Ok(Some(format!("file {} was read in epoch {before} and in epoch {epoch}", file.path)));
            }
        }
    }
    // As the stream lists them: what is no file yet, or has no name in UTF-8, stops nobody.
    let mut files = list_names(layout.input(), &NameFilter::default())?.files;
    files.sort_unstable();
    for file in files.iter().filter(|file| !read_by.contains_key(file.as_str())) {
        if FileEntry::of(layout.input(), file)?.is_some() {
            return Ok(Some(format!("file {file} was read in no epoch")));
        }
    }
    Ok(None)
}

/// The first epoch that did not run by the model's watermarks, or that the last one is missing.
fn wrong_watermarks(epochs: &[RecordedEpoch], bounds: &[Bounds]) -> Option<String> {
    let text = |us: Option<i64>| us.filter(|us| *us != i64::MIN).map_or_else(|| "none".to_owned(), |us| timestamp(us.div_euclid(1000)));
    for (epoch, (recorded, bounds)) in epochs.iter().zip(bounds).enumerate() {
        let watermarks = &recorded.watermarks;
        if !bounds.agree_with(watermarks) {
            return Some(format!(
                "epoch {epoch} took rows as late by the watermark {} and ended sessions by {}; it had to by {} and {}",
                text(Some(watermarks.late_us)),
                text(Some(watermarks.eviction_us)),
                text(bounds.late_us),
                text(bounds.final_us)
            ));
        }
    }
    let [.., last, next] = bounds else { return None };
    (next.final_us != last.final_us).then(|| {
        format!("the last epoch ended sessions by the watermark {}, and none came that did by {}", text(last.final_us), text(next.final_us))
    })
}

/// A column of longs that are never null.
fn longs<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a [i64]> {
    let column = batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int64Type>());
    let column = column.filter(|column| column.null_count() == 0);
    Ok(column.ok_or_else(|| Error::internal(format!("the events have no column `{name}` of longs")))?.values())
}

/// The greatest event time of each epoch.
fn maxima_us(rows: &[RecordBatch], epochs: usize) -> Result<Vec<Option<i64>>> {
    let mut maxima_us: Vec<Option<i64>> = vec![None; epochs];
    for batch in rows {
        for (epoch, time_ms) in longs(batch, EPOCH)?.iter().zip(longs(batch, "eventTimeMs")?) {
            let max_us = &mut maxima_us[*epoch as usize];
            *max_us = (*max_us).max(Some(time_ms * 1000));
        }
    }
    Ok(maxima_us)
}

/// The events by whether they were late.
struct Parted {
    /// In the order in which they were read: the first of two with one id counts.
    on_time: Vec<RecordBatch>,
    /// As they have to stand in `late_events`, but for who dropped them.
    late: Vec<RecordBatch>,
}

/// Parts the events, which have these columns and that of their epoch, by the bounds of the epochs. Both parts have a batch, be it empty.
fn part(columns: &Schema, rows: Vec<RecordBatch>, bounds: &[Bounds]) -> Result<Parted> {
    let events: Vec<FieldRef> = columns.fields().iter().filter(|field| field.name() != EPOCH).cloned().collect();
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let mut late_events = events.clone();
    late_events.extend(["eventTime", "watermark"].map(|name| Arc::new(Field::new(name, time.clone(), false))));
    late_events.push(Arc::new(Field::new(EPOCH, DataType::Int64, false)));
    let (events, late_events) = (Arc::new(Schema::new(events)), Arc::new(Schema::new(late_events)));
    let mut parted =
        Parted { on_time: vec![RecordBatch::new_empty(Arc::clone(&events))], late: vec![RecordBatch::new_empty(Arc::clone(&late_events))] };
    for batch in rows {
        let read = longs(&batch, EPOCH)?.iter().zip(longs(&batch, "eventTimeMs")?);
        let is_late: BooleanArray = read.map(|(epoch, time_ms)| Some(bounds[*epoch as usize].is_late(Some(time_ms * 1000)))).collect();
        let mut columns = filter_record_batch(&batch, &not(&is_late)?)?.columns().to_vec();
        columns.truncate(events.fields().len());
        parted.on_time.push(RecordBatch::try_new(Arc::clone(&events), columns)?);
        if is_late.true_count() > 0 {
            parted.late.push(late_rows(&filter_record_batch(&batch, &is_late)?, &events, &late_events, bounds)?);
        }
    }
    Ok(parted)
}

/// Late events with their times, the bounds that they missed and their epochs.
fn late_rows(late: &RecordBatch, events: &Schema, late_events: &SchemaRef, bounds: &[Bounds]) -> Result<RecordBatch> {
    let (epochs, times_ms) = (longs(late, EPOCH)?, longs(late, "eventTimeMs")?);
    let times_us: TimestampMicrosecondArray = times_ms.iter().map(|ms| Some(ms * 1000)).collect();
    let late_us: TimestampMicrosecondArray = epochs.iter().map(|epoch| bounds[*epoch as usize].late_us).collect();
    let mut columns = late.columns()[..events.fields().len()].to_vec();
    columns.push(Arc::new(times_us.with_timezone("UTC")));
    columns.push(Arc::new(late_us.with_timezone("UTC")));
    columns.push(Arc::new(Int64Array::from(epochs.to_vec())));
    Ok(RecordBatch::try_new(Arc::clone(late_events), columns)?)
}

async fn compare(table: &DataFrame, expected: &DataFrame) -> Result<(u64, Option<String>)> {
    let expected = sorted(expected).await?;
    let names = expected.names.clone();
    let found = sorted(&table.select(names.iter().map(|n| col(n)))).await?;
    let rows = found.rows.len() as u64;
    let at = found.rows.iter().zip(&expected.rows).position(|(a, b)| a != b);
    let difference = match at {
        None if found.rows.len() == expected.rows.len() => None,
        at => {
            let at = at.unwrap_or_else(|| found.rows.len().min(expected.rows.len()));
            Some(format!(
                "{} rows in the table, {} expected; the first that differs: {} in the table, {} expected",
                found.rows.len(),
                expected.rows.len(),
                found.show(at),
                expected.show(at)
            ))
        }
    };
    Ok((rows, difference))
}

/// All rows of a frame in one order, and as they are.
struct Sorted {
    names: Vec<String>,
    batch: RecordBatch,
    order: Vec<usize>,
    rows: Vec<OwnedRow>,
}

impl Sorted {
    fn show(&self, at: usize) -> String {
        let Some(&row) = self.order.get(at) else { return "no row".to_owned() };
        let value = |(name, column): (&String, &ArrayRef)| {
            let text = arrow::util::display::array_value_to_string(column, row).unwrap_or_default();
            format!("{name}={text}")
        };
        self.names.iter().zip(self.batch.columns()).map(value).collect::<Vec<_>>().join(", ")
    }
}

async fn sorted(frame: &DataFrame) -> Result<Sorted> {
    let schema = tidemill_planner::logical::without_event_time(frame.schema()?.as_ref());
    // Rows are compared, not whether a column could be null.
    let nullable: Vec<Field> = schema.fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect();
    let nullable = Arc::new(Schema::new(nullable));
    let plain = |batch: RecordBatch| {
        let columns = batch.columns().iter().zip(schema.fields()).map(|(c, f)| Ok(cast(c, f.data_type())?)).collect::<Result<Vec<_>>>()?;
        Ok(RecordBatch::try_new(Arc::clone(&nullable), columns)?)
    };
    let batches = frame.collect().await?.into_iter().map(plain).collect::<Result<Vec<_>>>()?;
    let batch = match batches.first() {
        Some(first) => concat_batches(&first.schema(), &batches)?,
        None => RecordBatch::new_empty(Arc::clone(&schema)),
    };
    let converter = RowConverter::new(schema.fields().iter().map(|f| SortField::new(f.data_type().clone())).collect())?;
    let encoded = converter.convert_columns(batch.columns())?;
    let mut order: Vec<usize> = (0..batch.num_rows()).collect();
    order.sort_unstable_by(|a, b| encoded.row(*a).cmp(&encoded.row(*b)));
    let rows = order.iter().map(|&i| encoded.row(i).owned()).collect();
    Ok(Sorted { names: schema.fields().iter().map(|f| f.name().clone()).collect(), batch, order, rows })
}

/// Rows that MERGE changed in place, over all commits of the tables that are merged into.
pub(super) async fn rows_updated(session: &Session, layout: &Layout) -> Result<u64> {
    let mut updated = 0;
    for name in ["session_metrics", "user_baselines"] {
        for entry in session.table(layout.table(name)).history().await? {
            let metric = entry.operation_metrics.get("numTargetRowsUpdated");
            let number = metric.and_then(|m| m.as_u64().or_else(|| m.as_str()?.parse().ok()));
            updated += number.unwrap_or(0);
        }
    }
    Ok(updated)
}
