//! `flatMapGroupsWithState`: a user's function sees the rows of one key together with the key's state, and gives rows. Over
//! a table each key is called once, with no state before it. Order of rows within a key is unspecified, as in Spark.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::SchemaRef;
use datafusion::common::{Column, DFSchema, DFSchemaRef};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use super::operator_node;
use crate::catalog_string::catalog_string;
use crate::value::{Value, array_of};
use crate::{Error, OperatorId, Result};

/// The rows of one key in one call.
#[derive(Debug, Clone, Copy)]
pub struct GroupRows<'a> {
    batch: &'a RecordBatch,
    rows: &'a [u32],
}

impl<'a> GroupRows<'a> {
    /// Rows `rows` of `batch`.
    pub fn new(batch: &'a RecordBatch, rows: &'a [u32]) -> Self {
        Self { batch, rows }
    }

    /// How many rows the group has in this call.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A column of the whole batch; this group's rows are at [`GroupRows::positions`].
    ///
    /// # Errors
    /// `Analysis` when there is no such column (names are matched without regard to case).
    pub fn column(&self, name: &str) -> Result<&'a ArrayRef> {
        let schema = self.batch.schema_ref();
        schema
            .fields()
            .iter()
            .position(|f| f.name() == name)
            .or_else(|| schema.fields().iter().position(|f| f.name().eq_ignore_ascii_case(name)))
            .map(|i| self.batch.column(i))
            .ok_or_else(|| Error::analysis(format!("the group function asks for column `{name}`, which its input does not have")))
    }

    /// The group's rows as a batch of their own.
    ///
    /// # Errors
    /// When there is no memory for them.
    pub fn to_batch(&self) -> Result<RecordBatch> {
        Ok(take_record_batch(self.batch, &UInt32Array::from(self.rows.to_vec()))?)
    }

    /// Where this group's rows stand in the batch's columns.
    pub fn positions(&self) -> impl Iterator<Item = usize> + use<'a> {
        self.rows.iter().map(|i| *i as usize)
    }
}

/// A key's state during one call: what was there, and what shall be there afterwards.
#[derive(Debug, Default)]
pub struct GroupState {
    value: Option<Vec<Value>>,
    changed: bool,
}

impl GroupState {
    /// The state as it was stored.
    pub fn stored(value: Option<Vec<Value>>) -> Self {
        Self { value, changed: false }
    }

    /// The state's fields, or `None` when the key has no state.
    pub fn get(&self) -> Option<&[Value]> {
        self.value.as_deref()
    }

    /// Sets the state's fields, in the order of the state schema.
    pub fn update(&mut self, fields: Vec<Value>) {
        self.value = Some(fields);
        self.changed = true;
    }

    /// Forgets the key.
    pub fn remove(&mut self) {
        self.changed |= self.value.take().is_some();
    }

    /// The change to store: `None` when there is none, `Some(None)` to remove the key.
    pub fn into_change(self) -> Option<Option<Vec<Value>>> {
        self.changed.then_some(self.value)
    }
}

/// The rows that group calls give, row by row in the order of the output schema, or by batches of its columns.
#[derive(Debug, Default)]
pub struct GroupOutput {
    rows: Vec<Vec<Value>>,
    batches: Vec<RecordBatch>,
}

impl GroupOutput {
    /// Adds a row.
    pub fn push(&mut self, row: Vec<Value>) {
        self.rows.push(row);
    }

    /// Adds a batch of rows.
    pub fn push_batch(&mut self, batch: RecordBatch) {
        self.batches.push(batch);
    }

    /// The rows as a batch: those that came one by one first.
    ///
    /// # Errors
    /// `Data` when a row does not fit the schema.
    pub fn into_batch(mut self, schema: &SchemaRef, function: &str) -> Result<RecordBatch> {
        if self.batches.is_empty() {
            return self.into_batch_of_rows(schema, function);
        }
        let batches = std::mem::take(&mut self.batches);
        let misfit = |e| Error::data(format!("group function `{function}` gave rows that do not fit its output columns: {e}"));
        let mut all = vec![self.into_batch_of_rows(schema, function)?];
        for batch in batches {
            all.push(RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec()).map_err(misfit)?);
        }
        Ok(concat_batches(schema, &all)?)
    }

    fn into_batch_of_rows(self, schema: &SchemaRef, function: &str) -> Result<RecordBatch> {
        let width = schema.fields().len();
        if let Some(row) = self.rows.iter().find(|r| r.len() != width) {
            return Err(Error::data(format!("group function `{function}` gave a row of {} values for {width} columns", row.len())));
        }
        if self.rows.is_empty() {
            return Ok(RecordBatch::new_empty(Arc::clone(schema)));
        }
        let mut columns: Vec<Vec<Value>> = (0..width).map(|_| Vec::with_capacity(self.rows.len())).collect();
        for row in self.rows {
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value);
            }
        }
        let arrays = columns
            .into_iter()
            .zip(schema.fields())
            .map(|(values, field)| array_of(values, field.data_type()))
            .collect::<Result<Vec<_>>>()
            .map_err(|e| {
                Error::data(format!("group function `{function}` gave rows that do not fit its output columns: {e}")).with_source(e)
            })?;
        RecordBatch::try_new(Arc::clone(schema), arrays).map_err(|e| {
            Error::data(format!("group function `{function}` gave rows that do not fit its output columns: {e}")).with_source(e)
        })
    }
}

/// A user's function over groups, known by its name.
pub trait GroupFunction: fmt::Debug + Send + Sync {
    /// The registered name: part of the operator's identity.
    fn name(&self) -> &str;

    /// The columns of the rows it gives.
    fn output_schema(&self) -> &SchemaRef;

    /// The fields of a key's state.
    fn state_schema(&self) -> &SchemaRef;

    /// Whether it keeps a state; one that does not is called once with all rows of a group, and has no place on a stream.
    fn keeps_state(&self) -> bool {
        true
    }

    /// One call for one key. The same inputs must give the same outputs: an epoch may run again.
    fn call(&self, key: &[Value], rows: &GroupRows<'_>, state: &mut GroupState, output: &mut GroupOutput) -> Result<()>;
}

type GroupClosure = dyn Fn(&[Value], &GroupRows<'_>, &mut GroupState, &mut GroupOutput) -> Result<()> + Send + Sync;

/// A [`GroupFunction`] made of a closure and its schemas.
pub struct GroupFn {
    name: String,
    output: SchemaRef,
    state: SchemaRef,
    body: Box<GroupClosure>,
}

impl GroupFn {
    /// The closure `body` under `name`.
    pub fn new(
        name: impl Into<String>,
        output: SchemaRef,
        state: SchemaRef,
        body: impl Fn(&[Value], &GroupRows<'_>, &mut GroupState, &mut GroupOutput) -> Result<()> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { name: name.into(), output, state, body: Box::new(body) })
    }
}

impl fmt::Debug for GroupFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupFn").field("name", &self.name).finish_non_exhaustive()
    }
}

impl GroupFunction for GroupFn {
    fn name(&self) -> &str {
        &self.name
    }

    fn output_schema(&self) -> &SchemaRef {
        &self.output
    }

    fn state_schema(&self) -> &SchemaRef {
        &self.state
    }

    fn call(&self, key: &[Value], rows: &GroupRows<'_>, state: &mut GroupState, output: &mut GroupOutput) -> Result<()> {
        (self.body)(key, rows, state, output)
    }
}

/// Calls a [`GroupFunction`] once per key.
#[derive(Debug, Clone)]
pub struct FlatMapGroups {
    /// The rows.
    pub input: LogicalPlan,
    /// The key columns, one at least.
    pub keys: Vec<Column>,
    /// What is called.
    pub function: Arc<dyn GroupFunction>,
    /// What it does, in the user's words: names, functions and literals, never the engine's. Its id is made from it.
    pub definition: String,
    /// Given by [`crate::operator_id::name_operators`].
    pub id: Option<OperatorId>,
    schema: DFSchemaRef,
}

impl FlatMapGroups {
    /// `function` over the groups of `input` by `keys`; the input's columns have the user's names, by which the function asks for them.
    pub fn try_new(input: LogicalPlan, keys: Vec<Column>, function: Arc<dyn GroupFunction>) -> Result<Self> {
        let schema = Arc::new(DFSchema::try_from(Arc::clone(function.output_schema()))?);
        let names = keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join(",");
        let definition = format!("{} {names} {}", function.name(), columns(function.state_schema()));
        Ok(Self { input, keys, function, definition, id: None, schema })
    }
}

impl PartialEq for FlatMapGroups {
    fn eq(&self, other: &Self) -> bool {
        self.input == other.input
            && self.keys == other.keys
            && self.function.name() == other.function.name()
            && self.schema == other.schema
            && self.definition == other.definition
            && self.id == other.id
    }
}

impl Eq for FlatMapGroups {}

impl Hash for FlatMapGroups {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.input.hash(state);
        self.keys.hash(state);
        self.function.name().hash(state);
        self.id.hash(state);
    }
}

operator_node!(FlatMapGroups);

impl UserDefinedLogicalNodeCore for FlatMapGroups {
    fn name(&self) -> &str {
        "FlatMapGroups"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        self.keys.iter().cloned().map(Expr::Column).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> = self.keys.iter().map(|c| c.name.as_str()).collect();
        write!(f, "FlatMapGroups: {} keys=[{}]", self.function.name(), keys.join(", "))
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> DfResult<Self> {
        let (Some(input), true) = (inputs.pop(), inputs.is_empty()) else {
            return datafusion::common::internal_err!("flat_map_groups has one input");
        };
        let keys = exprs
            .into_iter()
            .map(|e| match e {
                Expr::Column(c) => Ok(c),
                other => datafusion::common::internal_err!("a group key is a column, not {other}"),
            })
            .collect::<DfResult<_>>()?;
        Ok(Self { input, keys, ..self.clone() })
    }
}

/// Names and types in words of our own, which no release of Arrow changes.
fn columns(schema: &SchemaRef) -> String {
    let column = |field: &arrow::datatypes::FieldRef| {
        format!("{}:{}{}", field.name(), catalog_string(field.data_type()), if field.is_nullable() { "" } else { "!" })
    };
    schema.fields().iter().map(column).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::{DataType, Field, Schema};

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, false)]));
        for (row, fits) in [(vec![Value::Long(1)], true), (vec![Value::Integer(1)], true), (vec![Value::Null], false), (vec![], false)] {
            let mut output = GroupOutput::default();
            output.push(row.clone());
            assert_eq!(output.into_batch(&schema, "f").is_ok(), fits, "{row:?}");
        }
    }
}
