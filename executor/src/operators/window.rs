//! Windowed aggregation: an epoch's rows and the open windows of their keys become windows again; those that the watermark
//! has passed are given out, the others are stored. Windows of a fixed length are panes by their start, and a row comes once for
//! each that holds its time; a key's open sessions are one entry, due when its earliest session ends.
//!
//! Source: Spark, `MergingSortWithSessionWindowStateIterator`, `statefulOperators.scala` (append mode).

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StructArray, TimestampMicrosecondArray, UInt32Array};
use arrow::compute::{concat_batches, filter_record_batch, not, take_record_batch};
use arrow::datatypes::{DataType, Fields, SchemaRef, TimestampMicrosecondType};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::TryStreamExt;
use tidemill_planner::key::KeyEncoder;
use tidemill_planner::logical::WindowKind;
use tidemill_planner::seam::OperatorMetrics;
use tidemill_planner::seam::state::{Entry, NO_PANE, Overlay, StateColumn, StateTypes};
use tidemill_planner::{Error, OperatorId, Result};

use super::accumulate::{Accumulators, Aggregate};
use super::exec::{Operator, OperatorTask};
use super::keys::{RowKeys, without_group};
use super::late;
use super::sessions::{self, Interval};

/// The kernel of a windowed `group_by`.
#[derive(Debug)]
pub(super) struct WindowOperator {
    pub(super) id: OperatorId,
    pub(super) kind: WindowKind,
    pub(super) time: Arc<dyn PhysicalExpr>,
    /// When a row's own session would end, where each says that for itself.
    pub(super) ends: Option<Arc<dyn PhysicalExpr>>,
    pub(super) keys: Vec<Arc<dyn PhysicalExpr>>,
    pub(super) key_types: Vec<DataType>,
    pub(super) aggregates: Arc<[Aggregate]>,
    /// Where the window stands among the grouping columns.
    pub(super) window_position: usize,
    pub(super) input_schema: SchemaRef,
    pub(super) late_schema: SchemaRef,
    pub(super) schema: SchemaRef,
}

impl Operator for WindowOperator {
    fn name(&self) -> &'static str {
        "WindowAggregateExec"
    }

    fn id(&self) -> &OperatorId {
        &self.id
    }

    fn describe(&self) -> String {
        let keys: Vec<String> = self.keys.iter().map(ToString::to_string).collect();
        let aggregates: Vec<&str> = self.aggregates.iter().map(|a| a.function.name()).collect();
        format!("{} {} on {}, keys=[{}], aggr=[{}]", self.id, self.kind, self.time, keys.join(", "), aggregates.join(", "))
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn keys(&self) -> Option<Vec<Arc<dyn PhysicalExpr>>> {
        Some(self.keys.clone())
    }

    fn state_types(&self) -> Result<StateTypes> {
        // In the rows that it gives, the window stands among the keys.
        let name = |i: usize| self.schema.field(if i < self.window_position { i } else { i + 1 }).name();
        let key = self.key_types.iter().enumerate().map(|(i, data_type)| StateColumn::new(name(i), [data_type])).collect();
        let aggregate = |aggregate: &Aggregate| {
            let fields = aggregate.function.state_fields()?;
            Ok(StateColumn::new(aggregate.function.fun().name(), fields.iter().map(|field| field.data_type())))
        };
        Ok(StateTypes { key, value: self.aggregates.iter().map(aggregate).collect::<Result<_>>()? })
    }

    fn run(self: Arc<Self>, input: SendableRecordBatchStream, task: OperatorTask) -> SendableRecordBatchStream {
        let schema = self.schema();
        let rows = futures::stream::once(async move {
            let batches: Vec<RecordBatch> = input.try_collect().await?;
            Ok::<_, DataFusionError>(Run::new(self, task)?.run(&batches)?)
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }
}

/// A window that is final: what it is of, and the state of its aggregates.
struct Closed {
    /// The operator's key bytes, without the group.
    key: Vec<u8>,
    start_us: i64,
    end_us: i64,
    state: Vec<u8>,
}

/// A window of this epoch's rows, by number.
struct Open {
    /// The number of its key.
    key: usize,
    start_us: i64,
    end_us: i64,
}

/// A window that a row falls into.
#[derive(Debug, Clone, Copy)]
struct Placed {
    start_us: i64,
    end_us: i64,
}

impl Placed {
    fn of(start_us: i64, size_us: i64) -> Self {
        Self { start_us, end_us: start_us.saturating_add(size_us) }
    }
}

struct Run {
    operator: Arc<WindowOperator>,
    task: OperatorTask,
    key_encoder: KeyEncoder,
    overlay: Overlay,
    closed: Vec<Closed>,
    metrics: OperatorMetrics,
}

impl Run {
    fn new(operator: Arc<WindowOperator>, task: OperatorTask) -> Result<Self> {
        let key_encoder = KeyEncoder::try_new(&operator.key_types)?;
        Ok(Self { operator, task, key_encoder, overlay: Overlay::default(), closed: Vec::new(), metrics: OperatorMetrics::default() })
    }

    fn run(mut self, batches: &[RecordBatch]) -> Result<RecordBatch> {
        let rows = concat_batches(&self.operator.input_schema, batches.iter().map(|b| b as &RecordBatch))?;
        self.metrics.rows_in = rows.num_rows() as u64;
        let (rows, placed) = self.placed(rows)?;
        let (rows, placed) = self.on_time(rows, placed)?;
        let touched = self.fold_rows(&rows, &placed)?;
        self.close_untouched(&touched)?;
        self.finish()
    }

    /// Each row once per window that it falls into, and that window: of a session the one that the row alone would make. Rows without a
    /// time are in no window, as in Spark.
    fn placed(&self, rows: RecordBatch) -> Result<(RecordBatch, Vec<Placed>)> {
        let times = self.operator.time.evaluate(&rows)?.into_array(rows.num_rows())?;
        let times = times.as_primitive::<TimestampMicrosecondType>();
        let ends = self.operator.ends.as_ref().map(|ends| ends.evaluate(&rows)?.into_array(rows.num_rows())).transpose()?;
        let ends = ends.as_ref().map(|ends| ends.as_primitive::<TimestampMicrosecondType>());
        let mut placed = Vec::with_capacity(rows.num_rows());
        let mut of_row: Vec<u32> = Vec::with_capacity(rows.num_rows());
        for (row, time) in times.iter().enumerate() {
            let Some(time) = time else { continue };
            let before = placed.len();
            match self.operator.kind {
                WindowKind::Tumbling { size_us } => placed.push(Placed::of(time.div_euclid(size_us).saturating_mul(size_us), size_us)),
                WindowKind::Sliding { size_us, slide_us, start_us } => {
                    let last = time.saturating_sub(time.saturating_sub(start_us).rem_euclid(slide_us));
                    let starts = std::iter::successors(Some(last), |start| start.checked_sub(slide_us));
                    placed.extend(starts.take_while(|start| time < start.saturating_add(size_us)).map(|start| Placed::of(start, size_us)));
                }
                WindowKind::Session { gap_us } => placed.push(Placed::of(time, gap_us)),
                WindowKind::SessionByRow => {
                    let end = ends.filter(|ends| ends.is_valid(row)).map(|ends| ends.value(row)).filter(|end| *end > time);
                    placed.extend(end.map(|end_us| Placed { start_us: time, end_us }));
                }
            }
            of_row.extend(std::iter::repeat_n(row as u32, placed.len() - before));
        }
        if of_row.len() == rows.num_rows() && times.null_count() == 0 && !matches!(self.operator.kind, WindowKind::Sliding { .. }) {
            return Ok((rows, placed));
        }
        Ok((take_record_batch(&rows, &UInt32Array::from(of_row))?, placed))
    }

    /// The rows whose window is still open.
    fn on_time(&mut self, rows: RecordBatch, placed: Vec<Placed>) -> Result<(RecordBatch, Vec<Placed>)> {
        let late_us = self.task.watermarks.map_or(i64::MIN, |w| w.late_us);
        let late: BooleanArray = placed.iter().map(|window| Some(late_us != i64::MIN && window.end_us <= late_us)).collect();
        if late.true_count() == 0 {
            return Ok((rows, placed));
        }
        self.metrics.rows_dropped_by_watermark += late::set_aside(&self.task, &self.operator.id, &self.operator.late_schema, &rows, &late)?;
        let kept = placed.into_iter().zip(late.values()).filter(|(_, late)| !late).map(|(window, _)| window).collect();
        Ok((filter_record_batch(&rows, &not(&late)?)?, kept))
    }

    /// Adds the rows to their windows; what is still open is stored, what is final is closed. Returns the state keys seen,
    /// with the panes in which they were seen (windows of a fixed length).
    fn fold_rows(&mut self, rows: &RecordBatch, placed: &[Placed]) -> Result<HashMap<Vec<u8>, Vec<i64>>> {
        if rows.num_rows() == 0 {
            return Ok(HashMap::new());
        }
        let columns =
            self.operator.keys.iter().map(|k| Ok(k.evaluate(rows)?.into_array(rows.num_rows())?)).collect::<Result<Vec<ArrayRef>>>()?;
        let (numbers, state_keys) = if columns.is_empty() {
            (vec![0; rows.num_rows()], vec![vec![0, 0]])
        } else {
            RowKeys::encode(&self.key_encoder, &columns, self.task.key_groups)?.number(rows.num_rows())
        };
        let mut accumulators = Accumulators::try_new(&self.operator.aggregates)?;
        let stored = if self.fixed_size_us().is_some() { HashMap::new() } else { self.stored_sessions(&state_keys) };
        let (windows, of_row, merged_states, merged_into, had_state) = match self.fixed_size_us() {
            Some(_) => self.fixed(placed, &numbers, &state_keys),
            None => session_windows(placed, &numbers, state_keys.len(), &stored)?,
        };
        accumulators.update(rows, &of_row, windows.len())?;
        accumulators.merge(merged_states.iter().map(|s| s.as_ref()), &merged_into, windows.len())?;
        let states = accumulators.states()?;
        self.store(&windows, &state_keys, &had_state, |i| states.get(i))?;
        let mut touched: HashMap<Vec<u8>, Vec<i64>> = HashMap::with_capacity(state_keys.len());
        for window in &windows {
            touched.entry(state_keys[window.key].clone()).or_default().push(window.start_us);
        }
        Ok(touched)
    }

    fn stored_sessions(&self, state_keys: &[Vec<u8>]) -> HashMap<usize, Entry> {
        state_keys.iter().enumerate().filter_map(|(i, key)| Some((i, self.task.state.get(NO_PANE, key)?))).collect()
    }

    /// The length of windows that all have one.
    fn fixed_size_us(&self) -> Option<i64> {
        match self.operator.kind {
            WindowKind::Tumbling { size_us } | WindowKind::Sliding { size_us, .. } => Some(size_us),
            WindowKind::Session { .. } | WindowKind::SessionByRow => None,
        }
    }

    fn fixed(&self, placed: &[Placed], numbers: &[u32], state_keys: &[Vec<u8>]) -> Windows {
        let mut of_row = Vec::with_capacity(placed.len());
        let mut windows: Vec<Open> = Vec::new();
        let mut number_of: HashMap<(u32, i64), usize> = HashMap::new();
        let (mut states, mut into, mut had_state) = (Vec::new(), Vec::new(), Vec::new());
        for (&Placed { start_us, end_us }, &key) in placed.iter().zip(numbers) {
            let number = *number_of.entry((key, start_us)).or_insert_with(|| {
                let number = windows.len();
                let stored = self.task.state.get(start_us, &state_keys[key as usize]);
                had_state.push(stored.is_some());
                if let Some(entry) = stored {
                    states.push(entry.value);
                    into.push(number);
                }
                windows.push(Open { key: key as usize, start_us, end_us });
                number
            });
            of_row.push(number);
        }
        (windows, of_row, states, into, had_state)
    }

    /// Stores what is open, closes what is final.
    fn store<'a>(&mut self, windows: &[Open], state_keys: &[Vec<u8>], had_state: &[bool], state: impl Fn(usize) -> &'a [u8]) -> Result<()> {
        let final_us = self.task.watermarks.map_or(i64::MAX, |w| w.eviction_us);
        let mut open_sessions: Vec<(Vec<u8>, i64)> = vec![(Vec::new(), i64::MAX); state_keys.len()];
        for (number, window) in windows.iter().enumerate() {
            let key = &state_keys[window.key];
            if window.end_us <= final_us || self.task.watermarks.is_none() {
                self.closed.push(Closed {
                    key: without_group(key).to_vec(),
                    start_us: window.start_us,
                    end_us: window.end_us,
                    state: state(number).to_vec(),
                });
                continue;
            }
            if self.fixed_size_us().is_some() {
                self.metrics.rows_updated += 1;
                self.overlay.put(window.start_us, key, Entry { due_us: i64::MAX, value: state(number).into() });
            } else {
                let (value, due_us) = &mut open_sessions[window.key];
                sessions::push(value, window.start_us, window.end_us, state(number));
                *due_us = window.end_us.min(*due_us);
            }
        }
        if self.fixed_size_us().is_none() {
            for (number, (value, due_us)) in open_sessions.into_iter().enumerate() {
                self.put_sessions(&state_keys[number], value, due_us, had_state[number]);
            }
        }
        Ok(())
    }

    fn put_sessions(&mut self, state_key: &[u8], value: Vec<u8>, due_us: i64, had_state: bool) {
        if !value.is_empty() {
            self.metrics.rows_updated += 1;
            self.overlay.put(NO_PANE, state_key, Entry { due_us, value: value.into() });
        } else if had_state {
            self.metrics.rows_removed += 1;
            self.overlay.remove(NO_PANE, state_key);
        }
    }

    /// Closes the stored windows that are final and got no row in this epoch.
    fn close_untouched(&mut self, touched: &HashMap<Vec<u8>, Vec<i64>>) -> Result<()> {
        let Some(watermarks) = self.task.watermarks else { return Ok(()) };
        if watermarks.eviction_us == i64::MIN {
            return Ok(());
        }
        match self.fixed_size_us() {
            Some(size_us) => {
                for pane in self.task.state.panes_through(watermarks.eviction_us.saturating_sub(size_us)) {
                    let closed = &mut self.closed;
                    let mut removed = 0;
                    self.task.state.for_each(pane, &mut |key, entry| {
                        removed += 1;
                        if !touched.get(key).is_some_and(|panes| panes.contains(&pane)) {
                            closed.push(Closed {
                                key: without_group(key).to_vec(),
                                start_us: pane,
                                end_us: pane.saturating_add(size_us),
                                state: entry.value.to_vec(),
                            });
                        }
                    });
                    self.metrics.rows_removed += removed;
                    self.overlay.drop_pane(pane);
                }
            }
            None => {
                for key in self.task.state.due(watermarks.eviction_us) {
                    if touched.contains_key(key.as_ref()) {
                        continue;
                    }
                    let Some(entry) = self.task.state.get(NO_PANE, &key) else { continue };
                    let (mut value, mut due_us) = (Vec::new(), i64::MAX);
                    for session in sessions::parse(&entry.value)? {
                        if session.end_us <= watermarks.eviction_us {
                            let key = without_group(&key).to_vec();
                            self.closed.push(Closed {
                                key,
                                start_us: session.start_us,
                                end_us: session.end_us,
                                state: session.state.to_vec(),
                            });
                        } else {
                            sessions::push(&mut value, session.start_us, session.end_us, session.state);
                            due_us = session.end_us.min(due_us);
                        }
                    }
                    self.put_sessions(&key, value, due_us, true);
                }
            }
        }
        Ok(())
    }

    /// The closed windows as rows, in order of key and start, and the changes handed in.
    fn finish(mut self) -> Result<RecordBatch> {
        let mut closed = std::mem::take(&mut self.closed);
        closed.sort_unstable_by(|a, b| (&a.key, a.start_us).cmp(&(&b.key, b.start_us)));
        let rows = self.rows_of(&closed)?;
        let mut report = self.task.scope.report();
        report.metrics.entry(self.operator.id.clone()).or_default().add(&self.metrics);
        if self.task.watermarks.is_some() {
            report.overlays.insert(self.operator.id.clone(), self.overlay);
        }
        drop(report);
        Ok(rows)
    }

    fn rows_of(&self, closed: &[Closed]) -> Result<RecordBatch> {
        if closed.is_empty() {
            return Ok(RecordBatch::new_empty(Arc::clone(&self.operator.schema)));
        }
        let groups: Vec<usize> = (0..closed.len()).collect();
        let mut accumulators = Accumulators::try_new(&self.operator.aggregates)?;
        accumulators.merge(closed.iter().map(|c| c.state.as_slice()), &groups, closed.len())?;
        let mut columns =
            if self.operator.keys.is_empty() { Vec::new() } else { self.key_encoder.decode(closed.iter().map(|c| c.key.as_slice()))? };
        let window = self.operator.schema.field(self.operator.window_position).data_type();
        columns.insert(self.operator.window_position, window_column(closed, window)?);
        columns.extend(accumulators.finish()?);
        RecordBatch::try_new(Arc::clone(&self.operator.schema), columns)
            .map_err(|e| Error::internal(format!("operator {} gave rows that do not fit its columns: {e}", self.operator.id)))
    }
}

/// Windows by number; the window of each row; stored states with the windows they belong to; by key (sessions) or window
/// (tumbling) whether there was state.
type Windows = (Vec<Open>, Vec<usize>, Vec<Box<[u8]>>, Vec<usize>, Vec<bool>);

/// Who takes part in a merge of sessions.
#[derive(Clone, Copy)]
enum Member<'a> {
    Row(u32),
    Stored(&'a [u8]),
}

fn session_windows(placed: &[Placed], numbers: &[u32], keys: usize, stored: &HashMap<usize, Entry>) -> Result<Windows> {
    let mut rows_of_key: Vec<Vec<Interval<Member<'_>>>> = (0..keys).map(|_| Vec::new()).collect();
    for (row, (&Placed { start_us, end_us }, &key)) in placed.iter().zip(numbers).enumerate() {
        rows_of_key[key as usize].push(Interval { start_us, end_us, tag: Member::Row(row as u32) });
    }
    let mut of_row = vec![0; placed.len()];
    let (mut windows, mut states, mut into) = (Vec::new(), Vec::new(), Vec::new());
    for (key, mut intervals) in rows_of_key.into_iter().enumerate() {
        if let Some(entry) = stored.get(&key) {
            let open = sessions::parse(&entry.value)?;
            intervals.extend(open.iter().map(|s| Interval { start_us: s.start_us, end_us: s.end_us, tag: Member::Stored(s.state) }));
        }
        let first = windows.len();
        let merged = sessions::merge(intervals, first, |member, number| match member {
            Member::Row(row) => of_row[row as usize] = number,
            Member::Stored(state) => {
                states.push(Box::from(state));
                into.push(number);
            }
        });
        windows.extend(merged.into_iter().map(|(start_us, end_us)| Open { key, start_us, end_us }));
    }
    let had_state = (0..keys).map(|key| stored.contains_key(&key)).collect();
    Ok((windows, of_row, states, into, had_state))
}

fn window_column(closed: &[Closed], data_type: &DataType) -> Result<ArrayRef> {
    let DataType::Struct(fields) = data_type else { return Err(Error::internal("a window is a struct")) };
    let zone = match fields.first().map(|field| field.data_type()) {
        Some(DataType::Timestamp(_, zone)) => zone.clone(),
        _ => return Err(Error::internal("a window begins at a timestamp")),
    };
    let edge = |at: fn(&Closed) -> i64| {
        Arc::new(TimestampMicrosecondArray::from_iter_values(closed.iter().map(at)).with_timezone_opt(zone.clone())) as ArrayRef
    };
    let columns = vec![edge(|c| c.start_us), edge(|c| c.end_us)];
    Ok(Arc::new(StructArray::try_new(Fields::clone(fields), columns, None)?))
}
