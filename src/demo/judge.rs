//! The judge: the same program, run once as a batch over all the files, against what the stream wrote, row for row.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::{cast, concat_batches, filter_record_batch};
use arrow::datatypes::{Field, Schema};
use arrow::row::{OwnedRow, RowConverter, SortField};
use tidemill_streaming::checkpoint::Checkpoint;

use super::generate::EVENT_COLUMNS;
use super::job::split_by_range;
use super::{Layout, Outputs, TABLES, job};
use crate::functions::col;
use crate::{DataFrame, Result, Session};

/// What the judge found.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// Per table: rows, and what differs, in words; nothing when it agrees.
    pub tables: BTreeMap<&'static str, (u64, Option<String>)>,
    /// Well-formed rows, copies and late ones included.
    pub events: u64,
    /// Rows that were copies of an earlier one (late copies count as late).
    pub duplicates: u64,
    /// The final watermark, milliseconds since the Unix epoch; `None` when no event ever moved it.
    pub watermark_ms: Option<i64>,
}

impl Verdict {
    /// Whether stream and batch agree in every table.
    pub fn agree(&self) -> bool {
        self.tables.values().all(|(_, difference)| difference.is_none())
    }

    /// The rows of a table.
    pub fn rows(&self, table: &str) -> u64 {
        self.tables.get(table).map_or(0, |(rows, _)| *rows)
    }
}

/// Judges the run in `layout`.
///
/// # Errors
/// When the files, the tables or the checkpoint cannot be read.
pub async fn judge(session: &Session, layout: &Layout) -> Result<Verdict> {
    let watermark_us = final_watermark_us(layout)?;
    let events = session.read().format("json").schema(EVENT_COLUMNS)?.load(&layout.input().display().to_string()).await?;
    let late = session.read().delta(&layout.table("late_events")).await?;
    let dead_letters = job(&events, Some(events.malformed_rows()?), None)?.dead_letters;
    let events = split_by_range(&events)?.0;
    let (on_time, foreign) = without_late(session, &events, &late).await?;
    // Before any event has moved the watermark, no session has ended.
    let batch = job(&on_time, None, Some(watermark_us.unwrap_or(i64::MIN / 2)))?;
    let mut verdict = Verdict { watermark_ms: watermark_us.map(|us| us.div_euclid(1000)), ..Verdict::default() };
    verdict.events = events.count().await?;
    let late_rows = late.count().await?;
    verdict.duplicates = verdict.events.saturating_sub(late_rows).saturating_sub(batch.events.count().await?);
    let foreign = (foreign > 0).then(|| format!("{foreign} late rows are no rows of the input"));
    verdict.tables.insert("late_events", (late_rows, foreign));
    let batch = Outputs { dead_letters, ..batch };
    for (name, expected) in expected(&batch) {
        let table = session.read().delta(&layout.table(name)).await?;
        verdict.tables.insert(name, compare(&table, expected).await?);
    }
    Ok(verdict)
}

/// The batch's side of each table, less the late rows, which are the stream's alone.
fn expected(batch: &Outputs) -> impl Iterator<Item = (&'static str, &DataFrame)> {
    let frames = [&batch.dead_letters, &batch.session_metrics, &batch.user_baselines, &batch.alerts];
    TABLES.into_iter().filter(|name| *name != "late_events").zip(frames)
}

/// The watermark of the last epoch: what it let end has been written.
fn final_watermark_us(layout: &Layout) -> Result<Option<i64>> {
    let shown = Checkpoint::inspect(&layout.checkpoint())?;
    let us = shown.pointer("/last_epoch/watermarks/eviction_us").and_then(serde_json::Value::as_i64);
    Ok(us.filter(|us| *us != i64::MIN))
}

/// The events less one instance per late row, and how many late rows there were too many. The others keep their order, in
/// which the first of two events with one id counts; of equal rows the last goes, as the late one is not the first.
async fn without_late(session: &Session, events: &DataFrame, late: &DataFrame) -> Result<(DataFrame, u64)> {
    let columns = events.columns();
    let schema = events.schema();
    let rows = events.collect().await?;
    let late = late.select(columns.iter().map(|c| col(c)))?.collect().await?;
    let converter = RowConverter::new(schema.fields().iter().map(|f| SortField::new(f.data_type().clone())).collect())?;
    let mut too_late: HashMap<OwnedRow, u64> = HashMap::new();
    for batch in &late {
        let batch = batch.columns().iter().zip(schema.fields()).map(|(c, f)| cast(c, f.data_type())).collect::<Result<Vec<_>, _>>()?;
        converter.convert_columns(&batch)?.iter().for_each(|row| *too_late.entry(row.owned()).or_default() += 1);
    }
    let mut left = Vec::with_capacity(rows.len());
    for batch in rows.iter().rev() {
        let encoded = converter.convert_columns(batch.columns())?;
        let mut stays = vec![true; batch.num_rows()];
        for row in (0..batch.num_rows()).rev() {
            if let Some(count) = too_late.get_mut(&encoded.row(row).owned()).filter(|count| **count > 0) {
                *count -= 1;
                stays[row] = false;
            }
        }
        left.push(filter_record_batch(batch, &BooleanArray::from(stays))?);
    }
    left.reverse();
    let left = if left.is_empty() { vec![RecordBatch::new_empty(schema)] } else { left };
    // The rows leave their plan, so that each of the batch's tables starts from them and not from the files again.
    Ok((session.create_dataframe(left)?, too_late.values().sum()))
}

async fn compare(table: &DataFrame, expected: &DataFrame) -> Result<(u64, Option<String>)> {
    let expected = sorted(expected).await?;
    let names = expected.names.clone();
    let found = sorted(&table.select(names.iter().map(|n| col(n)))?).await?;
    let rows = found.rows.len() as u64;
    let at = found.rows.iter().zip(&expected.rows).position(|(a, b)| a != b);
    let difference = match at {
        None if found.rows.len() == expected.rows.len() => None,
        at => {
            let at = at.unwrap_or_else(|| found.rows.len().min(expected.rows.len()));
            Some(format!(
                "{} rows in the table, {} in the batch; the first that differs: {} in the table, {} in the batch",
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
    let schema = tidemill_planner::logical::without_event_time(&frame.schema());
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
