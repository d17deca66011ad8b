//! Spark's order of values of any type: nulls first within arrays and structs, NaN the greatest number, -0.0 equal to 0.0.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    IntervalUnit, IntervalYearMonthType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::ScalarValue;

use super::lanes::{is_valid, nulls, nulls_of, row_of};
use super::op::unforeseen;
use crate::Result;
use crate::error::error;
use crate::functions::KernelArgs;
use crate::plan::CastMode;
use crate::types::cast::cast_array;

/// Compares a value of one array with a value of another; both are not null.
pub(crate) type Comparator = Box<dyn Fn(usize, usize) -> Ordering>;

/// The comparator of two arrays of one type.
///
/// # Errors
/// `DATATYPE_MISMATCH.INVALID_ORDERING_TYPE` for maps and other types without an order.
pub(crate) fn comparator(left: &ArrayRef, right: &ArrayRef) -> Result<Comparator> {
    use DataType as D;
    Ok(match (left.data_type(), right.data_type()) {
        (D::Null, _) | (_, D::Null) => Box::new(|_, _| Ordering::Equal),
        (D::Boolean, D::Boolean) => {
            let (a, b) = (left.as_boolean().clone(), right.as_boolean().clone());
            Box::new(move |i, j| a.value(i).cmp(&b.value(j)))
        }
        (D::Int8, D::Int8) => ordered::<Int8Type>(left, right),
        (D::Int16, D::Int16) => ordered::<Int16Type>(left, right),
        (D::Int32, D::Int32) => ordered::<Int32Type>(left, right),
        (D::Int64, D::Int64) => ordered::<Int64Type>(left, right),
        (D::Date32, D::Date32) => ordered::<Date32Type>(left, right),
        (D::Decimal128(..), D::Decimal128(..)) => ordered::<Decimal128Type>(left, right),
        (D::Timestamp(TimeUnit::Microsecond, _), D::Timestamp(TimeUnit::Microsecond, _)) => {
            ordered::<TimestampMicrosecondType>(left, right)
        }
        (D::Time64(TimeUnit::Nanosecond), D::Time64(TimeUnit::Nanosecond)) => ordered::<Time64NanosecondType>(left, right),
        (D::Duration(TimeUnit::Microsecond), D::Duration(TimeUnit::Microsecond)) => ordered::<DurationMicrosecondType>(left, right),
        (D::Interval(IntervalUnit::YearMonth), D::Interval(IntervalUnit::YearMonth)) => ordered::<IntervalYearMonthType>(left, right),
        (D::Float32, D::Float32) => {
            let (a, b) = (left.as_primitive::<Float32Type>().clone(), right.as_primitive::<Float32Type>().clone());
            Box::new(move |i, j| compare_doubles(a.value(i).into(), b.value(j).into()))
        }
        (D::Float64, D::Float64) => {
            let (a, b) = (left.as_primitive::<Float64Type>().clone(), right.as_primitive::<Float64Type>().clone());
            Box::new(move |i, j| compare_doubles(a.value(i), b.value(j)))
        }
        (D::Utf8, D::Utf8) => {
            let (a, b) = (left.as_string::<i32>().clone(), right.as_string::<i32>().clone());
            Box::new(move |i, j| a.value(i).as_bytes().cmp(b.value(j).as_bytes()))
        }
        (D::Binary, D::Binary) => {
            let (a, b) = (left.as_binary::<i32>().clone(), right.as_binary::<i32>().clone());
            Box::new(move |i, j| a.value(i).cmp(b.value(j)))
        }
        (D::List(_), D::List(_)) => lists(left, right)?,
        (D::Struct(_), D::Struct(_)) => structs(left, right)?,
        (other, _) => {
            return Err(error("DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", format!("values of the Arrow type {other} have no order")));
        }
    })
}

fn ordered<P: ArrowPrimitiveType>(left: &ArrayRef, right: &ArrayRef) -> Comparator
where
    P::Native: Ord,
{
    let (a, b) = (left.as_primitive::<P>().clone(), right.as_primitive::<P>().clone());
    Box::new(move |i, j| a.value(i).cmp(&b.value(j)))
}

/// NaN is the greatest number and equal to itself; the zeros are equal.
pub(crate) fn compare_doubles(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// A comparator for values that may be null: nulls are the least, and equal.
pub(crate) fn comparator_with_nulls(left: &ArrayRef, right: &ArrayRef) -> Result<Comparator> {
    let inner = comparator(left, right)?;
    let (a, b) = (left.logical_nulls(), right.logical_nulls());
    if a.is_none() && b.is_none() {
        return Ok(inner);
    }
    Ok(Box::new(move |i, j| match (is_valid(a.as_ref(), i), is_valid(b.as_ref(), j)) {
        (true, true) => inner(i, j),
        (left, right) => left.cmp(&right),
    }))
}

fn lists(left: &ArrayRef, right: &ArrayRef) -> Result<Comparator> {
    let (a, b) = (left.as_list::<i32>(), right.as_list::<i32>());
    let inner = comparator_with_nulls(a.values(), b.values())?;
    let (a, b) = (a.offsets().clone(), b.offsets().clone());
    let range = |offsets: &[i32], at: usize| {
        let offset = |at: usize| offsets.get(at).map_or(0, |o| usize::try_from(*o).unwrap_or(0));
        (offset(at), offset(at + 1))
    };
    Ok(Box::new(move |i, j| {
        let ((from_a, to_a), (from_b, to_b)) = (range(&a, i), range(&b, j));
        let differing = (from_a..to_a).zip(from_b..to_b).map(|(x, y)| inner(x, y)).find(|order| order.is_ne());
        differing.unwrap_or_else(|| (to_a - from_a).cmp(&(to_b - from_b)))
    }))
}

fn structs(left: &ArrayRef, right: &ArrayRef) -> Result<Comparator> {
    let fields = left.as_struct().columns().iter().zip(right.as_struct().columns());
    let inner = fields.map(|(a, b)| comparator_with_nulls(a, b)).collect::<Result<Vec<_>>>()?;
    Ok(Box::new(move |i, j| inner.iter().map(|field| field(i, j)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)))
}

/// A comparison of two values of one type; the constant says which (see `Comparison`).
pub(super) fn compare(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let [left, right] = args.arrays else { return Err(unforeseen("=", None)) };
    let order = comparator(left, right)?;
    let Some(ScalarValue::Int8(Some(op))) = args.constants.first() else { return Err(unforeseen("=", None)) };
    let holds = |order: Ordering| match *op {
        0 | 1 => order.is_eq(),
        2 => order.is_lt(),
        3 => order.is_le(),
        4 => order.is_gt(),
        _ => order.is_ge(),
    };
    let at = |row: usize| holds(order(row_of(left, row), row_of(right, row)));
    if *op == 1 {
        let (a, b) = (nulls_of(left, args.rows), nulls_of(right, args.rows));
        let made = (0..args.rows).map(|row| match (is_valid(a.as_ref(), row), is_valid(b.as_ref(), row)) {
            (true, true) => at(row),
            (a, b) => a == b,
        });
        return Ok(Arc::new(made.map(Some).collect::<BooleanArray>()));
    }
    let valid = nulls(args);
    Ok(Arc::new((0..args.rows).map(|row| is_valid(valid.as_ref(), row).then(|| at(row))).collect::<BooleanArray>()))
}

/// Whether the first value equals one of the others.
pub(super) fn one_of(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let Some((value, list)) = args.arrays.split_first() else { return Err(unforeseen("in", None)) };
    let valid = nulls_of(value, args.rows);
    let list = list.iter().map(|item| Ok((item, nulls_of(item, args.rows), comparator(value, item)?))).collect::<Result<Vec<_>>>()?;
    let at = |row: usize| {
        if !is_valid(valid.as_ref(), row) {
            return None;
        }
        let mut unknown = false;
        for (item, nulls, order) in &list {
            if !is_valid(nulls.as_ref(), row) {
                unknown = true;
            } else if order(row_of(value, row), row_of(item, row)).is_eq() {
                return Some(true);
            }
        }
        (!unknown).then_some(false)
    };
    Ok(Arc::new((0..args.rows).map(at).collect::<BooleanArray>()))
}

/// The first value where it does not equal the second, else null. They are compared in the second's type.
pub(crate) fn null_if(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let ([value, other], [from, to]) = (args.arrays, args.types) else { return Err(unforeseen("nullif", None)) };
    let compared = &cast_array(value, from, to, CastMode::Session, args.settings)?;
    let order = comparator(compared, other)?;
    let (a, b) = (nulls_of(compared, args.rows), nulls_of(other, args.rows));
    let equal =
        |row: usize| is_valid(a.as_ref(), row) && is_valid(b.as_ref(), row) && order(row_of(compared, row), row_of(other, row)).is_eq();
    let equal: BooleanArray = (0..args.rows).map(|row| Some(equal(row))).collect();
    let value = super::numbers::whole_length(Arc::clone(value), args.rows)?;
    Ok(arrow::compute::nullif(&value, &equal)?)
}

/// The first value that is not null.
pub(crate) fn first_of(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let mut arrays = args.arrays.iter().rev();
    let Some(last) = arrays.next() else { return Err(unforeseen("coalesce", None)) };
    let mut made = super::numbers::whole_length(Arc::clone(last), args.rows)?;
    for array in arrays {
        let array = super::numbers::whole_length(Arc::clone(array), args.rows)?;
        made = match array.logical_nulls() {
            None => array,
            Some(nulls) => arrow::compute::kernels::zip::zip(&BooleanArray::new(nulls.into_inner(), None), &array, &made)?,
        };
    }
    Ok(made)
}

/// The greatest (or least) of the arguments that are not null; constant 0: true for the greatest.
pub(crate) fn extreme(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let greatest = args.constants.first() == Some(&ScalarValue::Boolean(Some(true)));
    let mut arrays = args.arrays.iter();
    let Some(first) = arrays.next() else { return Err(unforeseen("greatest", None)) };
    let mut best = super::numbers::whole_length(Arc::clone(first), args.rows)?;
    for array in arrays {
        let array = super::numbers::whole_length(Arc::clone(array), args.rows)?;
        let order = comparator(&array, &best)?;
        let (of_array, of_best) = (array.logical_nulls(), best.logical_nulls());
        let picked = (0..args.rows).map(|row| {
            let is_better = match (is_valid(of_array.as_ref(), row), is_valid(of_best.as_ref(), row)) {
                (false, _) => false,
                (true, false) => true,
                (true, true) if greatest => order(row, row).is_gt(),
                (true, true) => order(row, row).is_lt(),
            };
            (usize::from(is_better), row)
        });
        let picked: Vec<(usize, usize)> = picked.collect();
        best = arrow::compute::interleave(&[best.as_ref(), array.as_ref()], &picked)?;
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float64Array, ListArray};

    #[test]
    fn orders() {
        let lists = |values: Vec<Option<Vec<Option<i32>>>>| Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(values)) as ArrayRef;
        let left = lists(vec![Some(vec![Some(1), None]), Some(vec![Some(1)]), Some(vec![]), Some(vec![None])]);
        let right = lists(vec![Some(vec![Some(1), Some(0)]), Some(vec![Some(1), None]), Some(vec![]), Some(vec![None])]);
        let order = comparator(&left, &right).unwrap();
        let found: Vec<_> = (0..4).map(|i| order(i, i)).collect();
        assert_eq!(found, [Ordering::Less, Ordering::Less, Ordering::Equal, Ordering::Equal]);
        let left: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN, -0.0, f64::NAN]));
        let right: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN, 0.0, f64::INFINITY]));
        let order = comparator(&left, &right).unwrap();
        assert_eq!([order(0, 0), order(1, 1), order(2, 2)], [Ordering::Equal, Ordering::Equal, Ordering::Greater]);
    }
}
