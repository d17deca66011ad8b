//! Aggregates that go by the order of their rows: the rows are kept with the keys of that order, and put in it when all are there, since
//! they come from several tasks.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray, UInt32Array, new_empty_array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{SortOptions, concat, take};
use arrow::datatypes::{DataType, Field, Fields};
use arrow::row::{RowConverter, SortField};
use datafusion::common::ScalarValue;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::Accumulator;
use datafusion::logical_expr::function::AccumulatorArgs;

/// Functions whose answer depends on the order of the rows that they are given.
pub(crate) fn takes_rows_in_order(name: &str) -> bool {
    name.starts_with("collect_list") || matches!(name, "first" | "last" | "listagg" | "max_by" | "min_by")
}

/// The columns that are kept: the arguments, then the keys.
pub(super) fn ordered_fields(inputs: Vec<DataType>, keys: impl Iterator<Item = DataType>) -> Fields {
    inputs.into_iter().chain(keys).enumerate().map(|(i, data_type)| Field::new(format!("c{i}"), data_type, true)).collect()
}

/// Rows as one value of an accumulator's state.
pub(super) fn kept_rows(fields: Fields, columns: Vec<ArrayRef>) -> DfResult<ScalarValue> {
    let rows = columns.first().map_or(0, Array::len);
    let values = StructArray::try_new_with_length(fields.clone(), columns, None, rows)?;
    let item = Arc::new(Field::new_list_field(DataType::Struct(fields), true));
    let list = ListArray::try_new(item, OffsetBuffer::from_lengths([rows]), Arc::new(values), None)?;
    Ok(ScalarValue::List(Arc::new(list)))
}

/// An accumulator whose rows come to `made` in order.
#[derive(Debug)]
pub(super) struct InOrder {
    made: Box<dyn Accumulator>,
    /// How many columns are arguments.
    arguments: usize,
    fields: Fields,
    options: Vec<SortOptions>,
    chunks: Vec<Vec<ArrayRef>>,
}

impl InOrder {
    pub(super) fn new(made: Box<dyn Accumulator>, inputs: Vec<DataType>, args: &AccumulatorArgs<'_>) -> DfResult<Self> {
        let arguments = inputs.len();
        let keys = args.order_bys.iter().map(|key| key.expr.data_type(args.schema)).collect::<DfResult<Vec<_>>>()?;
        let options = args.order_bys.iter().map(|key| key.options).collect();
        Ok(Self { made, arguments, fields: ordered_fields(inputs, keys.into_iter()), options, chunks: Vec::new() })
    }

    /// All rows, a column after the other; there are none after that.
    fn columns(&mut self) -> DfResult<Vec<ArrayRef>> {
        let chunks = std::mem::take(&mut self.chunks);
        let column = |(at, field): (usize, &Arc<Field>)| {
            let parts: Vec<&dyn Array> = chunks.iter().filter_map(|chunk| chunk.get(at)).map(AsRef::as_ref).collect();
            Ok(if parts.is_empty() { new_empty_array(field.data_type()) } else { concat(&parts)? })
        };
        self.fields.iter().enumerate().map(column).collect()
    }
}

impl Accumulator for InOrder {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        self.chunks.push(values.to_vec());
        Ok(())
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        let columns = self.columns()?;
        let (values, keys) = columns.split_at(self.arguments.min(columns.len()));
        if keys.first().is_some_and(|key| !key.is_empty()) {
            let fields = keys.iter().zip(&self.options).map(|(key, how)| SortField::new_with_options(key.data_type().clone(), *how));
            let rows = RowConverter::new(fields.collect())?.convert_columns(keys)?;
            let mut order: Vec<u32> = (0..).take(rows.num_rows()).collect();
            order.sort_by(|a, b| rows.row(*a as usize).cmp(&rows.row(*b as usize)));
            let order = UInt32Array::from(order);
            let values = values.iter().map(|column| Ok(take(column, &order, None)?)).collect::<DfResult<Vec<_>>>()?;
            self.made.update_batch(&values)?;
        }
        self.made.evaluate()
    }

    fn size(&self) -> usize {
        let arrays: usize = self.chunks.iter().flatten().map(|array| array.get_array_memory_size()).sum();
        size_of_val(self) + arrays + self.made.size()
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        let columns = self.columns()?;
        Ok(vec![kept_rows(self.fields.clone(), columns)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        let Some(kept) = states.first() else { return Ok(()) };
        self.chunks.extend(kept.as_list::<i32>().iter().flatten().map(|rows| rows.as_struct().columns().to_vec()));
        Ok(())
    }
}
