//! Sums and counts by group: what `sum` and `avg` are made of. Whole numbers, decimals and intervals are summed exactly and checked
//! at the end; doubles one after the other.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Int64Array, PrimitiveArray};
use arrow::datatypes::{DataType, Decimal128Type, DurationMicrosecondType, Float64Type, Int64Type, IntervalYearMonthType, i256};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

use super::udaf::Spec;
use crate::error::error;
use crate::types::{SparkType, to_arrow};
use crate::{Error, Result};

/// What happens to a total that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overflow {
    /// An error.
    Error,
    /// Null.
    Null,
    /// The low bits; null for decimals.
    Wrap,
}

/// A total by group: exact in an `i128`, or a double.
trait Total: Copy + Debug + Default + Send + Sync + 'static {
    /// How totals are kept between two steps.
    type Kept: ArrowPrimitiveType<Native = Self>;

    fn add(self, other: Self) -> Self;
    /// The same where it is known that nothing is lost; `None` where every addition is like any other.
    const FREELY: Option<fn(Self, Self) -> Self>;
    fn take(self, other: Self) -> Option<Self>;
    fn kept_type() -> DataType;
    fn finish(finish: &Finish, totals: Vec<Self>, counts: &[i64]) -> Result<ArrayRef>;
}

/// A total beyond 128 bits; nothing brings it back.
const LOST: i128 = i128::MAX;

impl Total for i128 {
    type Kept = Decimal128Type;

    fn add(self, other: Self) -> Self {
        if self == LOST || other == LOST { LOST } else { self.checked_add(other).unwrap_or(LOST) }
    }

    const FREELY: Option<fn(Self, Self) -> Self> = Some(i128::wrapping_add);

    fn take(self, other: Self) -> Option<Self> {
        Some(if self == LOST { LOST } else { self.checked_sub(other).unwrap_or(LOST) })
    }

    fn kept_type() -> DataType {
        DataType::Decimal128(38, 0)
    }

    fn finish(finish: &Finish, totals: Vec<Self>, counts: &[i64]) -> Result<ArrayRef> {
        let results = totals.into_iter().zip(counts).map(|(total, &count)| finish.exact(total, count));
        let out = to_arrow(&finish.out);
        Ok(match out {
            DataType::Int64 => Arc::new(narrow::<Int64Type>(results, |x| x as i64)?),
            DataType::Duration(_) => Arc::new(narrow::<DurationMicrosecondType>(results, |x| x as i64)?),
            DataType::Interval(_) => Arc::new(narrow::<IntervalYearMonthType>(results, |x| x as i32)?),
            _ => Arc::new(narrow::<Decimal128Type>(results, |x| x)?.with_data_type(out)),
        })
    }
}

fn narrow<T: ArrowPrimitiveType>(
    results: impl Iterator<Item = Result<Option<i128>>>,
    low_bits: fn(i128) -> T::Native,
) -> Result<PrimitiveArray<T>> {
    results.map(|result| Ok(result?.map(low_bits))).collect()
}

impl Total for f64 {
    type Kept = Float64Type;

    fn add(self, other: Self) -> Self {
        self + other
    }

    /// The first value stands as it is: nothing and −0.0 are 0.0 together.
    const FREELY: Option<fn(Self, Self) -> Self> = None;

    /// What a double swallowed does not come back.
    fn take(self, _: Self) -> Option<Self> {
        None
    }

    fn kept_type() -> DataType {
        DataType::Float64
    }

    fn finish(finish: &Finish, totals: Vec<Self>, counts: &[i64]) -> Result<ArrayRef> {
        let results = totals.into_iter().zip(counts).map(|(total, &count)| {
            let result = if finish.mean { total / count as f64 } else { total };
            (count != 0).then_some(result)
        });
        Ok(Arc::new(results.collect::<PrimitiveArray<Float64Type>>()))
    }
}

/// What becomes of totals.
#[derive(Debug, Clone)]
pub(super) struct Finish {
    /// Divided by the count.
    mean: bool,
    of: SparkType,
    out: SparkType,
    overflow: Overflow,
}

impl Finish {
    /// By the flags of a call: whether it is a mean, and what happens on overflow.
    pub(super) fn of(spec: &Spec) -> Self {
        let overflow = match spec.constants.get(1) {
            Some(ScalarValue::Int8(Some(0))) => Overflow::Error,
            Some(ScalarValue::Int8(Some(1))) => Overflow::Null,
            _ => Overflow::Wrap,
        };
        let of = spec.types.first().cloned().unwrap_or(SparkType::Null);
        Self { mean: super::flag(&spec.constants, 0), of, out: spec.out.clone(), overflow }
    }

    fn exact(&self, total: i128, count: i64) -> Result<Option<i128>> {
        if count == 0 {
            return Ok(None);
        }
        let (fits, interval) = match self.out {
            SparkType::Long => (i64::try_from(total).is_ok(), false),
            SparkType::DayTimeInterval(..) => (i64::try_from(total).is_ok(), true),
            SparkType::YearMonthInterval(..) => (i32::try_from(total).is_ok(), true),
            // A sum has ten digits more than its values, also the one that a mean is made of.
            _ => {
                let digits = if let SparkType::Decimal(p, _) = self.of { (p + 10).min(38) } else { 38 };
                (total != LOST && total.unsigned_abs() < 10_u128.pow(digits.into()), false)
            }
        };
        let result = match (&self.of, &self.out) {
            _ if !fits => None,
            _ if !self.mean => Some(total),
            (SparkType::Decimal(_, from), SparkType::Decimal(digits, to)) => decimal_mean(total, count, to.saturating_sub(*from), *digits),
            _ => Some(half_up(total, count.into())),
        };
        match (result, self.overflow) {
            (Some(result), _) => Ok(Some(result)),
            (None, Overflow::Null) => Ok(None),
            (None, Overflow::Wrap) if self.out == SparkType::Long => Ok(Some(total)),
            (None, Overflow::Wrap) if !interval => Ok(None),
            _ => Err(overflowed(interval, self.mean)),
        }
    }
}

fn overflowed(interval: bool, mean: bool) -> Error {
    let (name, tolerant) = if mean { ("avg", "try_avg") } else { ("sum", "try_sum") };
    if interval {
        let message = format!("the total of intervals in `{name}` does not fit an interval; `{tolerant}` gives null instead");
        return error("INTERVAL_ARITHMETIC_OVERFLOW.WITH_SUGGESTION", message);
    }
    let message =
        format!("the total in `{name}` does not fit its type; cast the values to a wider one, or use `{tolerant}`, which gives null");
    error("ARITHMETIC_OVERFLOW", message)
}

/// `total / count` with so many more places, half up; `None` where it has more than `digits`.
fn decimal_mean(total: i128, count: i64, more: u8, digits: u8) -> Option<i128> {
    let scaled = i256::from_i128(total).checked_mul(i256::from_i128(10).wrapping_pow(more.into()))?;
    let count = i256::from_i128(count.into());
    let (quotient, rest) = (scaled.checked_div(count)?, scaled.checked_rem(count)?);
    let twice = rest.wrapping_abs().wrapping_mul(i256::from_i128(2));
    let away = if twice < count { 0 } else { total.signum() };
    let mean = quotient.wrapping_add(i256::from_i128(away)).to_i128()?;
    (mean.unsigned_abs() < 10_u128.checked_pow(digits.into())?).then_some(mean)
}

/// `total / count`, halves away from zero.
fn half_up(total: i128, count: i128) -> i128 {
    let (quotient, rest) = (total / count, total % count);
    if rest.unsigned_abs() * 2 >= count.unsigned_abs() { quotient + total.signum() } else { quotient }
}

/// A type whose values make totals.
trait Summed: ArrowPrimitiveType + Debug {
    type Total: Total;

    fn lift(value: Self::Native) -> Self::Total;
}

macro_rules! summed {
    ($($of:ty => $total:ty, $lift:expr;)*) => {
        $(impl Summed for $of {
            type Total = $total;

            fn lift(value: Self::Native) -> $total {
                $lift(value)
            }
        })*
    };
}

summed! {
    Float64Type => f64, std::convert::identity;
    Decimal128Type => i128, std::convert::identity;
    Int64Type => i128, i128::from;
    DurationMicrosecondType => i128, i128::from;
    IntervalYearMonthType => i128, i128::from;
}

/// How many values of a type can be added before a total may be beyond 128 bits.
fn room_for(of: &SparkType) -> u64 {
    match of {
        SparkType::Decimal(digits, _) => u64::try_from(i128::MAX / 10_i128.pow((*digits).min(38).into())).unwrap_or(u64::MAX),
        // Of 64 bits each.
        _ => u64::MAX,
    }
}

/// Totals by group.
#[derive(Debug)]
struct Totals<T: Summed> {
    totals: Vec<T::Total>,
    counts: Vec<i64>,
    finish: Finish,
    /// How many more values can be added freely.
    room: u64,
}

impl<T: Summed> Totals<T> {
    fn grow(&mut self, groups: usize) {
        if groups > self.totals.len() {
            self.totals.resize(groups, T::Total::default());
            self.counts.resize(groups, 0);
        }
    }

    fn add(&mut self, group: usize, total: T::Total, count: i64) {
        if let (Some(sum), Some(seen)) = (self.totals.get_mut(group), self.counts.get_mut(group)) {
            *sum = if *seen == 0 { total } else { sum.add(total) };
            *seen += count;
        }
    }

    fn kept(totals: Vec<T::Total>, counts: Vec<i64>) -> Vec<ArrayRef> {
        let kept: PrimitiveArray<<T::Total as Total>::Kept> = PrimitiveArray::from_iter_values(totals);
        vec![Arc::new(kept.with_data_type(T::Total::kept_type())), Arc::new(Int64Array::from(counts))]
    }
}

impl<T: Summed> GroupsAccumulator for Totals<T> {
    fn update_batch(&mut self, values: &[ArrayRef], groups: &[usize], filter: Option<&BooleanArray>, total: usize) -> DfResult<()> {
        self.grow(total);
        let Some(values) = values.first() else { return Ok(()) };
        let values = values.as_primitive::<T>();
        if filter.is_none() && values.null_count() == 0 {
            let left = self.room.checked_sub(values.len() as u64);
            self.room = left.unwrap_or(0);
            if let (Some(freely), Some(_)) = (T::Total::FREELY, left) {
                let (totals, counts) = (&mut self.totals[..total], &mut self.counts[..total]);
                for (&group, &value) in groups.iter().zip(values.values()) {
                    totals[group] = freely(totals[group], T::lift(value));
                    counts[group] += 1;
                }
                return Ok(());
            }
            for (&group, &value) in groups.iter().zip(values.values()) {
                self.add(group, T::lift(value), 1);
            }
            return Ok(());
        }
        self.room = self.room.saturating_sub(values.len() as u64);
        for (row, &group) in groups.iter().enumerate() {
            if filter.is_none_or(|f| f.is_valid(row) && f.value(row)) && values.is_valid(row) {
                self.add(group, T::lift(values.value(row)), 1);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> DfResult<ArrayRef> {
        let (totals, counts) = (emit_to.take_needed(&mut self.totals), emit_to.take_needed(&mut self.counts));
        T::Total::finish(&self.finish, totals, &counts).map_err(DataFusionError::from)
    }

    fn state(&mut self, emit_to: EmitTo) -> DfResult<Vec<ArrayRef>> {
        Ok(Self::kept(emit_to.take_needed(&mut self.totals), emit_to.take_needed(&mut self.counts)))
    }

    fn merge_batch(&mut self, kept: &[ArrayRef], groups: &[usize], total: usize) -> DfResult<()> {
        self.grow(total);
        let [totals, counts] = kept else { return Ok(()) };
        let (totals, counts) = (totals.as_primitive::<<T::Total as Total>::Kept>(), counts.as_primitive::<Int64Type>());
        // What was lost before stays lost, which only a checked addition sees to.
        self.room = 0;
        for (row, &group) in groups.iter().enumerate() {
            if counts.is_valid(row) && counts.value(row) != 0 {
                self.add(group, totals.value(row), counts.value(row));
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> DfResult<Vec<ArrayRef>> {
        let Some(values) = values.first() else { return Ok(vec![]) };
        let values = values.as_primitive::<T>();
        let counts = (0..values.len()).map(|row| {
            let holds = filter.is_none_or(|f| f.is_valid(row) && f.value(row));
            i64::from(holds && values.is_valid(row))
        });
        let counts = counts.collect();
        Ok(Self::kept(values.values().iter().map(|&value| T::lift(value)).collect(), counts))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.totals.capacity() * size_of::<T::Total>() + self.counts.capacity() * size_of::<i64>()
    }
}

/// The total of one group, from which exact values can be taken back.
#[derive(Debug)]
struct Single<T: Summed>(Totals<T>);

impl<T: Summed> Accumulator for Single<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        let groups = vec![0; values.first().map_or(0, Array::len)];
        self.0.update_batch(values, &groups, None, 1)
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        let result = T::Total::finish(&self.0.finish, self.0.totals.clone(), &self.0.counts).map_err(DataFusionError::from)?;
        ScalarValue::try_from_array(&result, 0)
    }

    fn size(&self) -> usize {
        GroupsAccumulator::size(&self.0)
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        let kept = Totals::<T>::kept(self.0.totals.clone(), self.0.counts.clone());
        kept.iter().map(|column| ScalarValue::try_from_array(column, 0)).collect()
    }

    fn merge_batch(&mut self, kept: &[ArrayRef]) -> DfResult<()> {
        let groups = vec![0; kept.first().map_or(0, Array::len)];
        self.0.merge_batch(kept, &groups, 1)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        let Some(values) = values.first() else { return Ok(()) };
        for value in values.as_primitive::<T>().iter().flatten() {
            if let (Some(total), Some(count)) = (self.0.totals.first_mut(), self.0.counts.first_mut()) {
                *total = total.take(T::lift(value)).unwrap_or(*total);
                *count -= 1;
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        T::Total::default().take(T::Total::default()).is_some()
    }
}

/// What is kept between two steps.
pub(super) fn state(spec: &Spec) -> Vec<DataType> {
    let total = if spec.types.first() == Some(&SparkType::Double) { f64::kept_type() } else { i128::kept_type() };
    vec![total, DataType::Int64]
}

fn totals<T: Summed>(spec: &Spec) -> Totals<T> {
    let finish = Finish::of(spec);
    Totals { totals: Vec::new(), counts: Vec::new(), room: room_for(&finish.of), finish }
}

fn single<T: Summed>(spec: &Spec) -> Box<dyn Accumulator> {
    let mut totals = totals::<T>(spec);
    totals.grow(1);
    Box::new(Single(totals))
}

/// Totals of one group.
pub(super) fn one(spec: &Arc<Spec>) -> Result<Box<dyn Accumulator>> {
    Ok(match spec.types.first() {
        Some(SparkType::Double) => single::<Float64Type>(spec),
        Some(SparkType::Long) => single::<Int64Type>(spec),
        Some(SparkType::DayTimeInterval(..)) => single::<DurationMicrosecondType>(spec),
        Some(SparkType::YearMonthInterval(..)) => single::<IntervalYearMonthType>(spec),
        _ => single::<Decimal128Type>(spec),
    })
}

/// Totals of many groups.
pub(super) fn many(spec: &Arc<Spec>) -> Result<Box<dyn GroupsAccumulator>> {
    Ok(match spec.types.first() {
        Some(SparkType::Double) => Box::new(totals::<Float64Type>(spec)),
        Some(SparkType::Long) => Box::new(totals::<Int64Type>(spec)),
        Some(SparkType::DayTimeInterval(..)) => Box::new(totals::<DurationMicrosecondType>(spec)),
        Some(SparkType::YearMonthInterval(..)) => Box::new(totals::<IntervalYearMonthType>(spec)),
        _ => Box::new(totals::<Decimal128Type>(spec)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means() {
        for (total, count, more, expected) in
            [(10, 3, 4, Some(33_333)), (20, 3, 4, Some(66_667)), (-20, 3, 4, Some(-66_667)), (5, 2, 0, Some(3))]
        {
            assert_eq!(decimal_mean(total, count, more, 14), expected, "{total} {count}");
        }
        assert_eq!(decimal_mean(1_000, 1, 4, 5), None);
        for (total, count, expected) in [(5, 2, 3), (-5, 2, -3), (4, 3, 1), (-4, 3, -1)] {
            assert_eq!(half_up(total, count), expected, "{total} {count}");
        }
    }

    #[test]
    fn totals_of_the_longest_decimals_are_lost_and_stay_lost() {
        let finish = Finish { mean: false, of: SparkType::Decimal(38, 0), out: SparkType::Decimal(38, 0), overflow: Overflow::Null };
        let mut totals = Totals::<Decimal128Type> { totals: vec![], counts: vec![], room: room_for(&finish.of), finish };
        assert_eq!(totals.room, 1, "two of them may be too much");
        let largest = 10_i128.pow(38) - 1;
        let column = |values: Vec<i128>| Arc::new(PrimitiveArray::<Decimal128Type>::from(values)) as ArrayRef;
        for sign in [1, 1, -1, -1] {
            totals.update_batch(&[column(vec![sign * largest, 7])], &[0, 1], None, 2).unwrap();
        }
        let found = totals.evaluate(EmitTo::All).unwrap();
        let found = found.as_primitive::<Decimal128Type>();
        assert!(found.is_null(0) && found.value(1) == 28, "{found:?}");
    }

    #[test]
    fn totals_that_do_not_fit() {
        let finish = |of: SparkType, out: SparkType, overflow| Finish { mean: false, of, out, overflow };
        let beyond = i128::from(i64::MAX) + 1;
        let long = |overflow| finish(SparkType::Long, SparkType::Long, overflow).exact(beyond, 2);
        assert!(long(Overflow::Error).is_err());
        assert_eq!(long(Overflow::Null).ok(), Some(None));
        assert_eq!(long(Overflow::Wrap).ok(), Some(Some(beyond)));
        let decimal = |overflow| finish(SparkType::Decimal(38, 0), SparkType::Decimal(38, 0), overflow).exact(LOST, 2);
        assert!(decimal(Overflow::Error).is_err());
        assert_eq!(decimal(Overflow::Wrap).ok(), Some(None));
    }
}
