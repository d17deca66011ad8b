//! Calls a user's function once per key of an epoch's rows, with the key's state. There are no timeouts: a key without rows
//! is not called.
//!
//! Source: Spark, `FlatMapGroupsWithStateExec.scala`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::PhysicalExpr;
use datafusion::physical_plan::expressions::Column;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::TryStreamExt;
use tidemill_planner::float::{Normal, normalize};
use tidemill_planner::key::KeyEncoder;
use tidemill_planner::logical::{GroupFunction, GroupOutput, GroupRows, GroupState};
use tidemill_planner::seam::OperatorMetrics;
use tidemill_planner::seam::state::{Entry, NO_PANE, Overlay, StateColumn, StateTypes};
use tidemill_planner::value::{Value, array_of};
use tidemill_planner::{Error, OperatorId, Result};

use super::exec::{Operator, OperatorTask};
use super::keys::RowKeys;

/// The kernel of `flat_map_groups_with_state`.
#[derive(Debug)]
pub(super) struct GroupsOperator {
    pub(super) id: OperatorId,
    pub(super) keys: Vec<usize>,
    pub(super) function: Arc<dyn GroupFunction>,
    pub(super) input_schema: SchemaRef,
}

impl Operator for GroupsOperator {
    fn name(&self) -> &'static str {
        "FlatMapGroupsExec"
    }

    fn id(&self) -> &OperatorId {
        &self.id
    }

    fn describe(&self) -> String {
        let keys: Vec<&str> = self.keys.iter().map(|&k| self.input_schema.field(k).name().as_str()).collect();
        format!("{} {} keys=[{}]", self.id, self.function.name(), keys.join(", "))
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(self.function.output_schema())
    }

    fn keys(&self) -> Option<Vec<Arc<dyn PhysicalExpr>>> {
        let column = |&k: &usize| Arc::new(Column::new(self.input_schema.field(k).name(), k)) as Arc<dyn PhysicalExpr>;
        Some(self.keys.iter().map(column).collect())
    }

    fn state_types(&self) -> Result<StateTypes> {
        let column = |field: &Field| StateColumn::new(field.name(), [field.data_type()]);
        let key = self.keys.iter().map(|&k| column(self.input_schema.field(k))).collect();
        Ok(StateTypes { key, value: self.function.state_schema().fields().iter().map(|field| column(field)).collect() })
    }

    fn run(self: Arc<Self>, input: SendableRecordBatchStream, task: OperatorTask) -> SendableRecordBatchStream {
        let schema = self.schema();
        let rows = futures::stream::once(async move {
            let batches: Vec<RecordBatch> = input.try_collect().await?;
            Ok::<_, DataFusionError>(self.call_all(&batches, &task)?)
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }
}

impl GroupsOperator {
    fn call_all(&self, batches: &[RecordBatch], task: &OperatorTask) -> Result<RecordBatch> {
        let rows = concat_batches(&self.input_schema, batches.iter())?;
        // The function sees one key, however a row may have written it.
        let columns = self.keys.iter().map(|&k| normalize(rows.column(k), Normal::Key)).collect::<Result<Vec<ArrayRef>>>()?;
        let types: Vec<DataType> = columns.iter().map(|c| c.data_type().clone()).collect();
        let (of_row, state_keys) = RowKeys::encode(&KeyEncoder::try_new(&types)?, &columns, task.key_groups)?.number(rows.num_rows());
        let mut positions: Vec<Vec<u32>> = vec![Vec::new(); state_keys.len()];
        for (row, &key) in of_row.iter().enumerate() {
            positions[key as usize].push(row as u32);
        }
        let codec = StateCodec::try_new(self.function.state_schema())?;
        let stored = codec.load(task, &state_keys)?;
        let mut output = GroupOutput::default();
        let mut updated: Vec<(usize, Vec<Value>)> = Vec::new();
        let mut overlay = Overlay::default();
        let mut metrics = OperatorMetrics { rows_in: rows.num_rows() as u64, ..OperatorMetrics::default() };
        for (number, (positions, value)) in positions.iter().zip(stored).enumerate() {
            let key: Vec<Value> = columns.iter().map(|c| Value::of(c, positions[0] as usize)).collect();
            let mut state = GroupState::stored(value);
            self.function
                .call(&key, &GroupRows::new(&rows, positions), &mut state, &mut output)
                .map_err(|e| e.context(format!("group function `{}` for key {key:?}", self.function.name())))?;
            match state.into_change() {
                None => {}
                Some(Some(fields)) => updated.push((number, fields)),
                Some(None) => {
                    metrics.rows_removed += 1;
                    overlay.remove(NO_PANE, &state_keys[number]);
                }
            }
        }
        metrics.rows_updated = updated.len() as u64;
        codec.save(self.function.name(), updated, &state_keys, &mut overlay)?;
        let mut report = task.scope.report();
        report.metrics.entry(self.id.clone()).or_default().add(&metrics);
        if task.watermarks.is_some() {
            report.overlays.insert(self.id.clone(), overlay);
        }
        drop(report);
        output.into_batch(self.function.output_schema(), self.function.name())
    }
}

/// States between values and stored bytes.
struct StateCodec {
    schema: SchemaRef,
    encoder: KeyEncoder,
}

impl StateCodec {
    fn try_new(schema: &SchemaRef) -> Result<Self> {
        let types: Vec<DataType> = schema.fields().iter().map(|f| f.data_type().clone()).collect();
        Ok(Self { schema: Arc::clone(schema), encoder: KeyEncoder::try_new(&types)? })
    }

    /// The stored state of each key.
    fn load(&self, task: &OperatorTask, state_keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<Value>>>> {
        let entries: Vec<Option<Entry>> = state_keys.iter().map(|key| task.state.get(NO_PANE, key)).collect();
        let columns = self.encoder.decode(entries.iter().flatten().map(|e| e.value.as_ref()))?;
        let mut next = 0;
        entries
            .iter()
            .map(|entry| {
                if entry.is_none() {
                    return Ok(None);
                }
                let fields = columns.iter().map(|c| Value::of(c, next)).collect();
                next += 1;
                Ok(Some(fields))
            })
            .collect()
    }

    fn save(&self, function: &str, updated: Vec<(usize, Vec<Value>)>, state_keys: &[Vec<u8>], overlay: &mut Overlay) -> Result<()> {
        if updated.is_empty() {
            return Ok(());
        }
        let width = self.schema.fields().len();
        let misfit = |why: String| Error::data(format!("group function `{function}` gave a state that does not fit its schema: {why}"));
        let mut columns: Vec<Vec<Value>> = (0..width).map(|_| Vec::with_capacity(updated.len())).collect();
        let mut numbers = Vec::with_capacity(updated.len());
        for (number, fields) in updated {
            if fields.len() != width {
                return Err(misfit(format!("{} values for {width} fields", fields.len())));
            }
            numbers.push(number);
            for (column, field) in columns.iter_mut().zip(fields) {
                column.push(field);
            }
        }
        let arrays = columns
            .into_iter()
            .zip(self.schema.fields())
            .map(|(values, field)| array_of(values, field.data_type()).map_err(|e| misfit(e.to_string())))
            .collect::<Result<Vec<ArrayRef>>>()?;
        let rows = self.encoder.encode_values(&arrays)?;
        for (i, number) in numbers.into_iter().enumerate() {
            overlay.put(NO_PANE, &state_keys[number], Entry { due_us: i64::MAX, value: rows.row(i).data().into() });
        }
        Ok(())
    }
}
