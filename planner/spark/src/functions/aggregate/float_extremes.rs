//! `min` and `max` of floats in groups. DataFusion's accumulator of many groups takes every value after a NaN for better than it, and knows
//! nothing beyond the greatest finite number; here the values are compared as whole numbers of the same order, NaN above all.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type, Int32Type, Int64Type};
use datafusion::common::Result as DfResult;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature};

/// `min` or `max` of floats whose NaNs are all the same.
pub(super) fn of(greatest: bool) -> AggregateUDF {
    AggregateUDF::new_from_impl(FloatExtreme { of: if greatest { max_udaf() } else { min_udaf() } })
}

#[derive(Debug, Clone)]
struct FloatExtreme {
    /// What compares the rows of one group, and whole numbers in many.
    of: Arc<AggregateUDF>,
}

impl PartialEq for FloatExtreme {
    fn eq(&self, other: &Self) -> bool {
        self.of.name() == other.of.name()
    }
}

impl Eq for FloatExtreme {}

impl Hash for FloatExtreme {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.of.name().hash(state);
    }
}

impl AggregateUDFImpl for FloatExtreme {
    fn name(&self) -> &str {
        self.of.name()
    }

    fn signature(&self) -> &Signature {
        self.of.signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> DfResult<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn return_type(&self, types: &[DataType]) -> DfResult<DataType> {
        self.of.return_type(types)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> DfResult<Vec<FieldRef>> {
        self.of.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> DfResult<Box<dyn Accumulator>> {
        self.of.accumulator(args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> DfResult<Box<dyn Accumulator>> {
        self.of.create_sliding_accumulator(args)
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> DfResult<Box<dyn GroupsAccumulator>> {
        let floats = args.return_field.data_type().clone();
        let numbers = if floats == DataType::Float32 { DataType::Int32 } else { DataType::Int64 };
        let return_field = Arc::new(Field::new(args.return_field.name(), numbers, true));
        let inner = self.of.create_groups_accumulator(AccumulatorArgs { return_field, ..args })?;
        Ok(Box::new(InOrder { floats, inner }))
    }
}

/// Gives whole numbers to the accumulator of them, and takes floats back.
struct InOrder {
    floats: DataType,
    inner: Box<dyn GroupsAccumulator>,
}

impl InOrder {
    fn all_to_numbers(&self, values: &[ArrayRef]) -> Vec<ArrayRef> {
        values.iter().map(to_numbers).collect()
    }

    fn to_floats(&self, numbers: &ArrayRef) -> ArrayRef {
        match self.floats {
            DataType::Float32 => {
                Arc::new(numbers.as_primitive::<Int32Type>().unary::<_, Float32Type>(|n| f32::from_bits(ordered32(n) as u32)))
            }
            _ => Arc::new(numbers.as_primitive::<Int64Type>().unary::<_, Float64Type>(|n| f64::from_bits(ordered64(n) as u64))),
        }
    }
}

/// Numbers in the order of the floats.
fn to_numbers(floats: &ArrayRef) -> ArrayRef {
    match floats.data_type() {
        DataType::Float32 => Arc::new(floats.as_primitive::<Float32Type>().unary::<_, Int32Type>(|f| ordered32(f.to_bits() as i32))),
        _ => Arc::new(floats.as_primitive::<Float64Type>().unary::<_, Int64Type>(|f| ordered64(f.to_bits() as i64))),
    }
}

/// Between the bits of a float and a number with the float's place among floats, both ways: IEEE 754's total order.
fn ordered64(bits: i64) -> i64 {
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

fn ordered32(bits: i32) -> i32 {
    bits ^ (((bits >> 31) as u32) >> 1) as i32
}

impl GroupsAccumulator for InOrder {
    fn update_batch(&mut self, values: &[ArrayRef], groups: &[usize], filter: Option<&BooleanArray>, total: usize) -> DfResult<()> {
        self.inner.update_batch(&self.all_to_numbers(values), groups, filter, total)
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> DfResult<()> {
        self.inner.merge_batch(&self.all_to_numbers(values), groups, total)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> DfResult<ArrayRef> {
        let numbers = self.inner.evaluate(emit_to)?;
        Ok(self.to_floats(&numbers))
    }

    fn state(&mut self, emit_to: EmitTo) -> DfResult<Vec<ArrayRef>> {
        let state = self.inner.state(emit_to)?;
        Ok(state.iter().map(|numbers| self.to_floats(numbers)).collect())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> DfResult<Vec<ArrayRef>> {
        let state = self.inner.convert_to_state(&self.all_to_numbers(values), filter)?;
        Ok(state.iter().map(|numbers| self.to_floats(numbers)).collect())
    }

    fn size(&self) -> usize {
        self.inner.size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_the_order_of_the_floats() {
        let floats = [f64::NEG_INFINITY, f64::MIN, -1.5, -0.0, 0.0, f64::MIN_POSITIVE, 1.5, f64::MAX, f64::INFINITY, f64::NAN];
        let numbers: Vec<i64> = floats.iter().map(|f| ordered64(f.to_bits() as i64)).collect();
        assert!(numbers.is_sorted() && numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
        assert!(floats.iter().zip(&numbers).all(|(f, n)| ordered64(*n) as u64 == f.to_bits()));
        let single: Vec<i32> = floats.iter().map(|f| ordered32((*f as f32).to_bits() as i32)).collect();
        assert!(single.is_sorted(), "{single:?}");
    }
}
