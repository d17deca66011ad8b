//! Running sums that fail instead of wrapping around, with how many values they hold: what `sum` and the average of decimals
//! are made of. What is done with a sum at the end is the aggregate's business.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowNativeTypeOp, ArrowPrimitiveType, AsArray, BooleanArray, Int64Array, PrimitiveArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::exec_datafusion_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};
use datafusion::scalar::ScalarValue;

/// What becomes of sums and counts.
pub(super) trait Finish<T: ArrowPrimitiveType>: std::fmt::Debug + Send + Sync + Clone + 'static {
    /// The result of a group that has values.
    fn finish(&self, sum: T::Native, count: i64) -> Result<T::Native>;

    /// The type of results.
    fn data_type(&self) -> &DataType;

    /// Whether the count is part of what is kept between two steps.
    const COUNTED: bool;
}

/// Sums by group.
#[derive(Debug)]
pub(super) struct Running<T: ArrowPrimitiveType + std::fmt::Debug, F: Finish<T>> {
    sums: Vec<T::Native>,
    counts: Vec<i64>,
    /// The type of a sum that is kept.
    kept: DataType,
    finish: F,
}

pub(super) fn overflow() -> DataFusionError {
    exec_datafusion_err!("overflow in `sum`: the total does not fit its type; cast the argument to a wider decimal or to double")
}

impl<T: ArrowPrimitiveType + std::fmt::Debug, F: Finish<T>> Running<T, F> {
    pub(super) fn new(kept: DataType, finish: F) -> Self {
        Self { sums: Vec::new(), counts: Vec::new(), kept, finish }
    }

    fn add(&mut self, group: usize, value: T::Native, count: i64) -> Result<()> {
        self.sums[group] = self.sums[group].add_checked(value).map_err(|_| overflow())?;
        self.counts[group] += count;
        Ok(())
    }

    fn grow(&mut self, groups: usize) {
        self.sums.resize(groups, T::default_value());
        self.counts.resize(groups, 0);
    }

    fn results(&self, sums: Vec<T::Native>, counts: &[i64]) -> Result<ArrayRef> {
        let results: Result<PrimitiveArray<T>> = sums
            .into_iter()
            .zip(counts)
            .map(|(sum, &count)| if count == 0 { Ok(None) } else { self.finish.finish(sum, count).map(Some) })
            .collect();
        Ok(Arc::new(results?.with_data_type(self.finish.data_type().clone())))
    }

    fn kept(&self, sums: Vec<T::Native>, counts: Vec<i64>) -> Vec<ArrayRef> {
        let kept: PrimitiveArray<T> = sums.into_iter().zip(&counts).map(|(sum, &count)| (count > 0).then_some(sum)).collect();
        let kept: ArrayRef = Arc::new(kept.with_data_type(self.kept.clone()));
        if F::COUNTED { vec![kept, Arc::new(Int64Array::from(counts))] } else { vec![kept] }
    }
}

impl<T: ArrowPrimitiveType + std::fmt::Debug, F: Finish<T>> GroupsAccumulator for Running<T, F> {
    fn update_batch(&mut self, values: &[ArrayRef], groups: &[usize], filter: Option<&BooleanArray>, total: usize) -> Result<()> {
        self.grow(total);
        let values = values[0].as_primitive::<T>();
        if filter.is_none() && values.null_count() == 0 {
            for (&group, &value) in groups.iter().zip(values.values()) {
                self.add(group, value, 1)?;
            }
            return Ok(());
        }
        for (row, &group) in groups.iter().enumerate() {
            let holds = filter.is_none_or(|f| f.is_valid(row) && f.value(row));
            if holds && values.is_valid(row) {
                self.add(group, values.value(row), 1)?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let sums = emit_to.take_needed(&mut self.sums);
        let counts = emit_to.take_needed(&mut self.counts);
        self.results(sums, &counts)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let sums = emit_to.take_needed(&mut self.sums);
        let counts = emit_to.take_needed(&mut self.counts);
        Ok(self.kept(sums, counts))
    }

    fn merge_batch(&mut self, kept: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.grow(total);
        let sums = kept[0].as_primitive::<T>();
        let counts = if F::COUNTED { Some(kept[1].as_primitive::<Int64Type>()) } else { None };
        for (row, &group) in groups.iter().enumerate() {
            if sums.is_valid(row) {
                self.add(group, sums.value(row), counts.map_or(1, |counts| counts.value(row)))?;
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let values = values[0].as_primitive::<T>();
        let counts = (0..values.len()).map(|row| {
            let holds = filter.is_none_or(|f| f.is_valid(row) && f.value(row));
            i64::from(holds && values.is_valid(row))
        });
        Ok(self.kept(values.values().to_vec(), counts.collect()))
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<T::Native>() + self.counts.capacity() * size_of::<i64>()
    }
}

/// The sum of one group, from which values can be taken back.
#[derive(Debug)]
pub(super) struct Single<T: ArrowPrimitiveType + std::fmt::Debug, F: Finish<T>>(Running<T, F>);

impl<T: ArrowPrimitiveType + std::fmt::Debug, F: Finish<T>> Single<T, F> {
    pub(super) fn new(mut running: Running<T, F>) -> Self {
        running.grow(1);
        Self(running)
    }
}

impl<T: ArrowPrimitiveType + std::fmt::Debug, F: Finish<T>> Accumulator for Single<T, F> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let groups = vec![0; values[0].len()];
        self.0.update_batch(values, &groups, None, 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let result = self.0.results(self.0.sums.clone(), &self.0.counts)?;
        ScalarValue::try_from_array(&result, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + GroupsAccumulator::size(&self.0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let kept = self.0.kept(self.0.sums.clone(), self.0.counts.clone());
        kept.iter().map(|column| ScalarValue::try_from_array(column, 0)).collect()
    }

    fn merge_batch(&mut self, kept: &[ArrayRef]) -> Result<()> {
        let groups = vec![0; kept[0].len()];
        self.0.merge_batch(kept, &groups, 1)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in values[0].as_primitive::<T>().iter().flatten() {
            self.0.sums[0] = self.0.sums[0].sub_checked(value).map_err(|_| overflow())?;
            self.0.counts[0] -= 1;
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }
}
