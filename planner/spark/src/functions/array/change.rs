//! Arrays with elements added and taken away: array_append, array_prepend, array_insert, array_remove, array_compact, slice, flatten.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Int32Type;
use datafusion::common::ScalarValue;

use crate::error::error;
use crate::functions::compare::{is_null, keys};
use crate::functions::nested::{Gather, Lists, MAX_LENGTH, argument, as_nullable, element_of, exceeds, index_zero, merged, row};
use crate::functions::{Call, Function, Group, KernelArgs, Want};
use crate::types::{SparkType, lattice};
use crate::{Error, Result, Typed};

/// The rows of this file.
pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "array_append",
        Group::Array,
        "array_append(array, element) - The array with the element at its end; a null array stays null.",
        &[
            ("SELECT array_append(array('b', 'd', 'c', 'a'), 'd')", "[\"b\",\"d\",\"c\",\"a\",\"d\"]"),
            ("SELECT array_append(array(1, 2, 3, null), null)", "[1,2,3,null,null]"),
            ("SELECT array_append(CAST(null as Array<Int>), 2)", "NULL"),
        ],
        |call| pend(call, -1),
    ),
    row(
        "array_prepend",
        Group::Array,
        "array_prepend(array, element) - The array with the element before it; a null array stays null.",
        &[
            ("SELECT array_prepend(array('b', 'd', 'c', 'a'), 'd')", "[\"d\",\"b\",\"d\",\"c\",\"a\"]"),
            ("SELECT array_prepend(array(1, 2, 3, null), null)", "[null,1,2,3,null]"),
        ],
        |call| pend(call, 1),
    ),
    row(
        "array_insert",
        Group::Array,
        "array_insert(x, pos, val) - The array with `val` at place `pos`, counted from 1, or from the end where negative; nulls fill a gap.",
        &[
            ("SELECT array_insert(array(1, 2, 3, 4), 5, 5)", "[1,2,3,4,5]"),
            ("SELECT array_insert(array(5, 4, 3, 2), -1, 1)", "[5,4,3,2,1]"),
            ("SELECT array_insert(array(5, 3, 2, 1), -4, 4)", "[5,4,3,2,1]"),
        ],
        array_insert,
    ),
    row(
        "array_remove",
        Group::Array,
        "array_remove(array, element) - The array without the elements that equal this one.",
        &[("SELECT array_remove(array(1, 2, 3, null, 3), 3)", "[1,2,null]")],
        array_remove,
    ),
    row(
        "array_compact",
        Group::Array,
        "array_compact(array) - The array without nulls.",
        &[("SELECT array_compact(array(1, 2, 3, null))", "[1,2,3]"), ("SELECT array_compact(array('a', 'b'))", "[\"a\",\"b\"]")],
        array_compact,
    ),
    row(
        "slice",
        Group::Array,
        "slice(x, start, length) - So many elements from place `start`, counted from 1, or from the end where negative.",
        &[("SELECT slice(array(1, 2, 3, 4), 2, 2)", "[2,3]"), ("SELECT slice(array(1, 2, 3, 4), -2, 2)", "[3,4]")],
        slice,
    ),
    row(
        "flatten",
        Group::Array,
        "flatten(arrayOfArrays) - The elements of the inner arrays, one after the other; null if one of them is null.",
        &[("SELECT flatten(array(array(1, 2), array(3, 4)))", "[1,2,3,4]")],
        flatten,
    ),
];

fn tightest(left: &SparkType, right: &SparkType) -> Option<SparkType> {
    lattice::tightest_common_type(left, right, false)
}

/// An element at the end or at the beginning.
fn pend(call: &mut Call<'_>, place: i32) -> Result<Typed> {
    call.arity(2..=2)?;
    let array = call.arg(0)?;
    if element_of(&array.data_type).is_none() {
        return Err(call.unexpected_type(0, &array, "\"ARRAY\""));
    }
    let (array, value) = call.array_and_value(tightest, 1)?;
    let (out, nullable) = (inserted(&array, &value), array.nullable);
    Ok(call.scalar_with(pend_kernel, vec![array, value], vec![ScalarValue::Int32(Some(place))], out, nullable))
}

fn inserted(array: &Typed, value: &Typed) -> SparkType {
    let element = element_of(&array.data_type).map_or(SparkType::Null, |(element, _)| merged(element, &value.data_type));
    as_nullable(&SparkType::array(element))
}

fn pend_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (lists, values) = (Lists::of(args, 0)?, argument(args, 1)?);
    let at_end = matches!(args.constants.first(), Some(ScalarValue::Int32(Some(-1))));
    let mut gather = Gather::new(args.rows);
    for row in 0..args.rows {
        let Some(range) = lists.range(row) else {
            gather.end_null();
            continue;
        };
        gather.reserve(range.len() + 1)?;
        if at_end {
            gather.extend(0, range);
            gather.push(1, row);
        } else {
            gather.push(1, row);
            gather.extend(0, range);
        }
        gather.end()?;
    }
    gather.list(&[lists.values(), values], args.out)
}

fn array_insert(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(3..=3)?;
    let (array, place) = (call.arg(0)?, call.arg(1)?);
    let small = matches!(place.data_type, SparkType::Byte | SparkType::Short | SparkType::Integer);
    if element_of(&array.data_type).is_some() && !small {
        return Err(call.unexpected_type(1, &place, "\"INT\""));
    }
    let place = if small { call.cast(place, &SparkType::Integer)? } else { place };
    let (array, value) = call.array_and_value(tightest, 2)?;
    let legacy = call.settings.flag("spark.sql.legacy.negativeIndexInArrayInsert", false)?;
    let (out, nullable) = (inserted(&array, &value), array.nullable || place.nullable);
    let legacy = ScalarValue::Boolean(Some(legacy));
    Ok(call.scalar_with(insert_kernel, vec![array, place, value], vec![legacy], out, nullable))
}

fn insert_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (lists, places, values) = (Lists::of(args, 0)?, argument(args, 1)?.as_primitive::<Int32Type>(), argument(args, 2)?);
    let legacy = matches!(args.constants.first(), Some(ScalarValue::Boolean(Some(true))));
    let mut gather = Gather::new(args.rows);
    for row in 0..args.rows {
        let Some(range) = lists.range(row).filter(|_| !places.is_null(row)) else {
            gather.end_null();
            continue;
        };
        insert(&mut gather, range, i64::from(places.value(row)), row, legacy)?;
        gather.end()?;
    }
    gather.list(&[lists.values(), values], args.out)
}

/// One row with the value of that row at a place.
fn insert(gather: &mut Gather, range: std::ops::Range<usize>, place: i64, row: usize, legacy: bool) -> Result<()> {
    let length = i64::try_from(range.len()).unwrap_or(i64::MAX);
    let count = |n: i64| usize::try_from(n).map_err(|_| Error::internal("a negative count of elements"));
    if place == 0 {
        return Err(index_zero());
    }
    if place < 0 && -place > length {
        // Left of the beginning: the value, then nulls, then the array.
        let offset = i64::from(legacy);
        let total = -place + offset;
        if total > MAX_LENGTH {
            return Err(exceeds("array_insert", total));
        }
        gather.push(1, row);
        gather.nulls(count(total - 1 - length)?)?;
        gather.extend(0, range);
        return Ok(());
    }
    let at = if place < 0 { place + length + i64::from(!legacy) } else { place - 1 };
    let total = (length + 1).max(at + 1);
    if total > MAX_LENGTH {
        return Err(exceeds("array_insert", total));
    }
    if at >= length {
        gather.extend(0, range);
        gather.nulls(count(at - length)?)?;
        gather.push(1, row);
    } else {
        let middle = range.start + count(at)?;
        gather.extend(0, range.start..middle);
        gather.push(1, row);
        gather.extend(0, middle..range.end);
    }
    Ok(())
}

fn array_remove(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    let (array, value) = call.array_and_value(tightest, 1)?;
    call.orderable(&value.data_type)?;
    let (out, nullable) = (array.data_type.clone(), array.nullable || value.nullable);
    Ok(call.scalar(remove_kernel, vec![array, value], out, nullable))
}

fn remove_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (lists, values) = (Lists::of(args, 0)?, argument(args, 1)?);
    let both = keys(&[lists.values(), values])?;
    let [element_keys, value_keys] = both.as_slice() else { return Err(Error::internal("keys of two arrays")) };
    let mut gather = Gather::new(args.rows);
    for row in 0..args.rows {
        let Some(range) = lists.range(row).filter(|_| !is_null(values, row)) else {
            gather.end_null();
            continue;
        };
        for i in range {
            if is_null(lists.values(), i) || element_keys.row(i) != value_keys.row(row) {
                gather.push(0, i);
            }
        }
        gather.end()?;
    }
    gather.list(&[lists.values()], args.out)
}

fn array_compact(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=1)?;
    let array = call.want(0, &Want::Array)?;
    let out = match &array.data_type {
        SparkType::Array(element, _) => SparkType::Array(element.clone(), false),
        other => other.clone(),
    };
    let nullable = array.nullable;
    Ok(call.scalar(compact_kernel, vec![array], out, nullable))
}

fn compact_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let lists = Lists::of(args, 0)?;
    let mut gather = Gather::new(args.rows);
    for row in 0..args.rows {
        let Some(range) = lists.range(row) else {
            gather.end_null();
            continue;
        };
        for i in range.filter(|i| !is_null(lists.values(), *i)) {
            gather.push(0, i);
        }
        gather.end()?;
    }
    gather.list(&[lists.values()], args.out)
}

fn slice(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(3..=3)?;
    let array = call.want(0, &Want::Array)?;
    let (start, length) = (call.want_type(1, SparkType::Integer)?, call.want_type(2, SparkType::Integer)?);
    let (out, nullable) = (array.data_type.clone(), array.nullable || start.nullable || length.nullable);
    Ok(call.scalar(slice_kernel, vec![array, start, length], out, nullable))
}

fn slice_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let lists = Lists::of(args, 0)?;
    let (starts, lengths) = (argument(args, 1)?.as_primitive::<Int32Type>(), argument(args, 2)?.as_primitive::<Int32Type>());
    let mut gather = Gather::new(args.rows);
    for row in 0..args.rows {
        let Some(range) = lists.range(row).filter(|_| !starts.is_null(row) && !lengths.is_null(row)) else {
            gather.end_null();
            continue;
        };
        let (start, length) = (i64::from(starts.value(row)), lengths.value(row));
        if start == 0 {
            return Err(error(
                "INVALID_PARAMETER_VALUE.START",
                "`slice` counts from 1, and `start` is 0: give 1 for the first element, or -1 for the last",
            ));
        }
        let Ok(length) = usize::try_from(length) else {
            return Err(error(
                "INVALID_PARAMETER_VALUE.LENGTH",
                format!("`slice` takes a `length` of 0 or more, not {length}: give how many elements are wanted"),
            ));
        };
        let size = i64::try_from(range.len()).unwrap_or(i64::MAX);
        let first = if start < 0 { start + size } else { start - 1 };
        if first >= 0 && first < size {
            let from = range.start + usize::try_from(first).unwrap_or(0);
            gather.extend(0, from..from.saturating_add(length).min(range.end));
        }
        gather.end()?;
    }
    gather.list(&[lists.values()], args.out)
}

fn flatten(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=1)?;
    let array = call.arg(0)?;
    let SparkType::Array(inner, nulls) = &array.data_type else { return Err(call.unexpected_type(0, &array, "\"ARRAY\" of \"ARRAY\"")) };
    if !matches!(**inner, SparkType::Array(..)) {
        return Err(call.unexpected_type(0, &array, "\"ARRAY\" of \"ARRAY\""));
    }
    let (out, nullable) = ((**inner).clone(), array.nullable || *nulls);
    Ok(call.scalar(flatten_kernel, vec![array], out, nullable))
}

fn flatten_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let outer = Lists::of(args, 0)?;
    let inner = Lists::new(outer.values())?;
    let mut gather = Gather::new(args.rows);
    for row in 0..args.rows {
        let ranges: Option<Vec<_>> = outer.range(row).and_then(|range| range.map(|i| inner.range(i)).collect());
        let Some(ranges) = ranges else {
            gather.end_null();
            continue;
        };
        for range in ranges {
            gather.reserve(range.len())?;
            gather.extend(0, range);
        }
        gather.end()?;
    }
    gather.list(&[inner.values()], args.out)
}
