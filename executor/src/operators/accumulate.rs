//! DataFusion's aggregates with their state taken in and out as rows of bytes: what lies between two epochs. Which rows
//! belong together is the caller's decision.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::DataType;
use arrow::row::Rows;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::GroupsAccumulatorAdapter;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_plan::PhysicalExpr;
use tidemill_planner::Result;
use tidemill_planner::key::KeyEncoder;

/// An aggregate of a query with its FILTER clause.
#[derive(Debug, Clone)]
pub(super) struct Aggregate {
    pub(super) function: Arc<AggregateFunctionExpr>,
    pub(super) filter: Option<Arc<dyn PhysicalExpr>>,
}

/// A query's aggregates over numbered groups.
pub(super) struct Accumulators {
    aggregates: Arc<[Aggregate]>,
    running: Vec<Box<dyn GroupsAccumulator>>,
    /// How many state columns each aggregate has.
    widths: Vec<usize>,
    encoder: KeyEncoder,
}

impl Accumulators {
    pub(super) fn try_new(aggregates: &Arc<[Aggregate]>) -> Result<Self> {
        let mut types: Vec<DataType> = Vec::new();
        let mut widths = Vec::with_capacity(aggregates.len());
        let mut running = Vec::with_capacity(aggregates.len());
        for aggregate in aggregates.iter() {
            let fields = aggregate.function.state_fields()?;
            widths.push(fields.len());
            types.extend(fields.iter().map(|f| f.data_type().clone()));
            running.push(start(&aggregate.function)?);
        }
        Ok(Self { aggregates: Arc::clone(aggregates), running, widths, encoder: KeyEncoder::try_new(&types)? })
    }

    /// Adds rows; row `i` belongs to `groups[i]`.
    pub(super) fn update(&mut self, rows: &RecordBatch, groups: &[usize], total: usize) -> Result<()> {
        for (aggregate, running) in self.aggregates.iter().zip(&mut self.running) {
            let (arguments, order) = (aggregate.function.expressions(), aggregate.function.order_bys());
            let args = arguments
                .iter()
                .chain(order.iter().map(|key| &key.expr))
                .map(|e| Ok(e.evaluate(rows)?.into_array(rows.num_rows())?))
                .collect::<Result<Vec<ArrayRef>>>()?;
            let filter = match &aggregate.filter {
                None => None,
                Some(filter) => {
                    let mask = filter.evaluate(rows)?.into_array(rows.num_rows())?;
                    let mask = mask.as_boolean();
                    // A null condition does not hold.
                    Some(if mask.null_count() == 0 { mask.clone() } else { arrow::compute::prep_null_mask_filter(mask) } as BooleanArray)
                }
            };
            running.update_batch(&args, groups, filter.as_ref(), total)?;
        }
        Ok(())
    }

    /// Adds stored states; state `i` belongs to `groups[i]`.
    pub(super) fn merge<'a>(&mut self, states: impl Iterator<Item = &'a [u8]>, groups: &[usize], total: usize) -> Result<()> {
        if groups.is_empty() || self.running.is_empty() {
            return Ok(());
        }
        let columns = self.encoder.decode(states)?;
        let mut columns = columns.as_slice();
        for (running, width) in self.running.iter_mut().zip(&self.widths) {
            let (own, rest) = columns.split_at(*width);
            running.merge_batch(own, groups, total)?;
            columns = rest;
        }
        Ok(())
    }

    /// The states of all groups, in order of their numbers; the accumulators start again from nothing.
    pub(super) fn states(&mut self) -> Result<States> {
        if self.running.is_empty() {
            return Ok(States(None));
        }
        let mut columns = Vec::new();
        for running in &mut self.running {
            columns.extend(running.state(EmitTo::All)?);
        }
        Ok(States(Some(self.encoder.encode_values(&columns)?)))
    }

    /// The results of all groups, a column per aggregate.
    pub(super) fn finish(mut self) -> Result<Vec<ArrayRef>> {
        self.running.iter_mut().map(|running| Ok(running.evaluate(EmitTo::All)?)).collect()
    }
}

/// The stored form of numbered groups; nothing when a query has no aggregates.
pub(super) struct States(Option<Rows>);

impl States {
    pub(super) fn get(&self, group: usize) -> &[u8] {
        self.0.as_ref().map_or(&[], |rows| rows.row(group).data())
    }
}

fn start(function: &Arc<AggregateFunctionExpr>) -> Result<Box<dyn GroupsAccumulator>> {
    if function.groups_accumulator_supported() {
        return Ok(function.create_groups_accumulator()?);
    }
    let function = Arc::clone(function);
    Ok(Box::new(GroupsAccumulatorAdapter::new(move || function.create_accumulator())))
}
