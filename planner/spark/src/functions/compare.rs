//! How Spark compares values: nulls before everything, NaN after every number and equal to itself, −0.0 equal to 0.0, arrays
//! element by element, structs field by field.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef};
use arrow::row::{Row, RowConverter, Rows, SortField};
use tidemill_planner::float::{Normal, normalize};

use crate::kernel::retype::{all_nullable, retype};
use crate::{Error, Result};

/// The values of several arrays as keys that are equal, ordered and hashed as Spark does; keys of all arrays compare with one another.
/// The arrays' types may differ in what may be null.
///
/// # Errors
/// `Internal` for arrays of different types.
pub(crate) fn keys(arrays: &[&ArrayRef]) -> Result<Vec<Rows>> {
    let Some(first) = arrays.iter().find(|array| !array.data_type().is_null()).or(arrays.first()) else { return Ok(Vec::new()) };
    let data_type = all_nullable(first.data_type());
    let converter = RowConverter::new(vec![SortField::new(data_type.clone())])?;
    arrays
        .iter()
        .map(|array| {
            let column = normalize(&retype(array, &data_type)?, Normal::Key)?;
            Ok(converter.convert_columns(&[column])?)
        })
        .collect()
}

/// The keys of one array.
///
/// # Errors
/// As [`keys`].
pub(crate) fn keys_of(array: &ArrayRef) -> Result<Rows> {
    keys(&[array])?.pop().ok_or_else(|| Error::internal("keys of no array"))
}

/// Where one value stands to another.
///
/// # Errors
/// As [`keys`].
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) fn compare(left: &ArrayRef, i: usize, right: &ArrayRef, j: usize) -> Result<Ordering> {
    let (left, right) = (left.slice(i, 1), right.slice(j, 1));
    let keys = keys(&[&left, &right])?;
    Ok(match keys.as_slice() {
        [left, right] => left.row(0).cmp(&right.row(0)),
        _ => Ordering::Equal,
    })
}

/// Whether two values are one; null is null.
///
/// # Errors
/// As [`keys`].
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) fn equal_at(left: &ArrayRef, i: usize, right: &ArrayRef, j: usize) -> Result<bool> {
    Ok(compare(left, i, right, j)? == Ordering::Equal)
}

/// A hash of a value: values that are one have one hash.
///
/// # Errors
/// As [`keys`].
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) fn hash_at(array: &ArrayRef, i: usize) -> Result<u64> {
    let keys = keys_of(&array.slice(i, 1))?;
    Ok(tidemill_planner::key::stable_hash(keys.row(0).data()))
}

/// Which of an array's values are null, values of no type among them.
pub(crate) fn is_null(array: &ArrayRef, i: usize) -> bool {
    array.data_type().is_null() || array.is_null(i)
}

/// Orders nulls last instead of first.
pub(crate) fn nulls_last(left: (bool, Row<'_>), right: (bool, Row<'_>)) -> Ordering {
    left.0.cmp(&right.0).then_with(|| left.1.cmp(&right.1))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int32Array, ListArray};
    use arrow::datatypes::Int32Type;

    use super::*;

    #[test]
    fn values_are_ordered_as_spark_orders_them() {
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![Some(-0.0), Some(0.0), Some(f64::NAN), Some(-f64::NAN), None, Some(1.0)]));
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
            Some(vec![Some(1)]),
            Some(vec![Some(1), None]),
            Some(vec![None, Some(9)]),
            Some(vec![]),
            None,
        ]));
        let ints: ArrayRef = Arc::new(Int32Array::from(vec![Some(-1), Some(1)]));
        for (array, i, j, expected) in [
            (&floats, 0, 1, Ordering::Equal),
            (&floats, 2, 3, Ordering::Equal),
            (&floats, 2, 5, Ordering::Greater),
            (&floats, 4, 0, Ordering::Less),
            (&floats, 4, 4, Ordering::Equal),
            (&lists, 0, 1, Ordering::Less),
            (&lists, 2, 0, Ordering::Less),
            (&lists, 3, 2, Ordering::Less),
            (&lists, 4, 3, Ordering::Less),
            (&ints, 0, 1, Ordering::Less),
        ] {
            assert_eq!(compare(array, i, array, j).unwrap(), expected, "{i} {j}");
            assert_eq!(equal_at(array, i, array, j).unwrap(), expected == Ordering::Equal);
            assert!(expected != Ordering::Equal || hash_at(array, i).unwrap() == hash_at(array, j).unwrap());
        }
    }
}
