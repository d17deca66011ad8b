//! Loops over value buffers: a column against a column or against one value, without a look at each value's null bit.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanBufferBuilder, PrimitiveArray};
use arrow::buffer::NullBuffer;

use crate::Result;
use crate::functions::KernelArgs;
use crate::types::{SparkType, to_arrow};

/// The values of an argument.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lane<'a, T> {
    /// One per row.
    Column(&'a [T]),
    /// The same for all rows.
    One(T),
}

impl<T: Copy + Default> Lane<'_, T> {
    /// The value of a row.
    #[inline]
    pub(super) fn at(&self, row: usize) -> T {
        match self {
            Self::Column(values) => values.get(row).copied().unwrap_or_default(),
            Self::One(value) => *value,
        }
    }

    /// Whether any value is `wanted`.
    pub(super) fn any(&self, wanted: impl Fn(T) -> bool) -> bool {
        match self {
            Self::Column(values) => values.iter().fold(false, |found, value| found | wanted(*value)),
            Self::One(value) => wanted(*value),
        }
    }
}

/// The values of an argument as `T`.
pub(super) fn lane<T: ArrowPrimitiveType>(array: &ArrayRef, rows: usize) -> Lane<'_, T::Native> {
    let values: &[T::Native] = array.as_primitive::<T>().values();
    match values {
        [one] if rows != 1 => Lane::One(*one),
        values => Lane::Column(values),
    }
}

/// `f` of each pair.
pub(super) fn map2<A: Copy, B: Copy, O: Clone>(a: Lane<'_, A>, b: Lane<'_, B>, rows: usize, f: impl Fn(A, B) -> O) -> Vec<O> {
    match (a, b) {
        (Lane::Column(a), Lane::Column(b)) => a.iter().zip(b).map(|(x, y)| f(*x, *y)).collect(),
        (Lane::Column(a), Lane::One(y)) => a.iter().map(|x| f(*x, y)).collect(),
        (Lane::One(x), Lane::Column(b)) => b.iter().map(|y| f(x, *y)).collect(),
        (Lane::One(x), Lane::One(y)) => vec![f(x, y); rows],
    }
}

/// Whether `f` holds for any pair, nulls' values included.
pub(super) fn any2<A: Copy, B: Copy>(a: Lane<'_, A>, b: Lane<'_, B>, f: impl Fn(A, B) -> bool) -> bool {
    match (a, b) {
        (Lane::Column(a), Lane::Column(b)) => a.iter().zip(b).fold(false, |found, (x, y)| found | f(*x, *y)),
        (Lane::Column(a), Lane::One(y)) => a.iter().fold(false, |found, x| found | f(*x, y)),
        (Lane::One(x), Lane::Column(b)) => b.iter().fold(false, |found, y| found | f(x, *y)),
        (Lane::One(x), Lane::One(y)) => f(x, y),
    }
}

/// Where all arguments have a value.
pub(super) fn nulls(args: &KernelArgs<'_>) -> Option<NullBuffer> {
    args.arrays.iter().fold(None, |all, array| NullBuffer::union(all.as_ref(), nulls_of(array, args.rows).as_ref()))
}

/// Where an argument has a value; a constant's holds for all rows.
pub(super) fn nulls_of(array: &ArrayRef, rows: usize) -> Option<NullBuffer> {
    if array.len() == 1 && rows != 1 {
        return (array.null_count() == 1).then(|| NullBuffer::new_null(rows));
    }
    array.logical_nulls()
}

/// Whether a row has a value.
pub(super) fn is_valid(nulls: Option<&NullBuffer>, row: usize) -> bool {
    nulls.is_none_or(|nulls| nulls.is_valid(row))
}

/// An array of `out`'s Arrow type.
pub(super) fn finish<T: ArrowPrimitiveType>(values: Vec<T::Native>, nulls: Option<NullBuffer>, out: &SparkType) -> Result<ArrayRef> {
    let array = PrimitiveArray::<T>::try_new(values.into(), nulls)?;
    Ok(std::sync::Arc::new(array.with_data_type(to_arrow(out))))
}

/// Goes through the rows that have a value and are `lost`: the error that `refuse` gives ends it, and where it gives none the row
/// becomes null.
pub(super) fn lose(
    nulls: Option<NullBuffer>,
    rows: usize,
    lost: impl Fn(usize) -> bool,
    refuse: impl Fn(usize) -> Option<crate::Error>,
) -> Result<Option<NullBuffer>> {
    let mut valid = BooleanBufferBuilder::new(rows);
    for row in 0..rows {
        let here = is_valid(nulls.as_ref(), row);
        let gone = here && lost(row);
        if gone && let Some(error) = refuse(row) {
            return Err(error);
        }
        valid.append(here && !gone);
    }
    Ok(Some(NullBuffer::new(valid.finish())))
}

/// The row of an array that is `rows` long or has one value for all.
#[inline]
pub(super) fn row_of(array: &ArrayRef, row: usize) -> usize {
    if array.len() == 1 { 0 } else { row }
}
