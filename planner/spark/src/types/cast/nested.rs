//! Casts of arrays, maps and structs, part by part.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, UInt32Array, make_array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Fields};

use super::{Cx, no_cast};
use crate::Result;
use crate::types::{SparkType, to_arrow};

impl Cx<'_> {
    /// From an array to an array, a map to a map, a struct to a struct.
    pub(super) fn nested(&self, array: &ArrayRef, from: &SparkType, to: &SparkType) -> Result<ArrayRef> {
        let out = to_arrow(to);
        match (from, to, &out) {
            (SparkType::Array(from_item, _), SparkType::Array(to_item, _), DataType::List(field)) => {
                let array = dense(array, array.as_list_opt::<i32>().map(ListArray::offsets))?;
                let list = array.as_list_opt::<i32>().ok_or_else(|| no_cast(from, to))?;
                let (values, offsets) = window(list.values(), list.offsets());
                let items = self.cast(&values, from_item, to_item)?;
                Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, items, list.nulls().cloned())?))
            }
            (SparkType::Map(from_key, from_value, _), SparkType::Map(to_key, to_value, _), DataType::Map(field, sorted)) => {
                let array = dense(array, array.as_map_opt().map(MapArray::offsets))?;
                let map = array.as_map_opt().ok_or_else(|| no_cast(from, to))?;
                let DataType::Struct(pair) = field.data_type() else { return Err(no_cast(from, to)) };
                let (keys, offsets) = window(map.keys(), map.offsets());
                let (values, _) = window(map.values(), map.offsets());
                let keys = self.cast(&keys, from_key, to_key)?;
                let values = self.cast(&values, from_value, to_value)?;
                // A key that became null takes its map with it: a map has no null keys.
                let nulls = NullBuffer::union(map.nulls(), keys_nulls(&keys, &offsets).as_ref());
                if keys.null_count() > 0 {
                    return without_lost_keys(pair, field, *sorted, &keys, &values, &offsets, nulls);
                }
                let entries = StructArray::try_new(pair.clone(), vec![keys, values], None)?;
                Ok(Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, nulls, *sorted)?))
            }
            (SparkType::Struct(from_fields), SparkType::Struct(to_fields), DataType::Struct(fields)) => {
                let record = array.as_struct_opt().ok_or_else(|| no_cast(from, to))?;
                let mut columns = Vec::with_capacity(fields.len());
                for ((from, to), column) in from_fields.iter().zip(to_fields).zip(record.columns()) {
                    columns.push(self.cast(&masked(column, record.nulls())?, &from.data_type, &to.data_type)?);
                }
                if fields.is_empty() {
                    return Ok(Arc::new(StructArray::new_empty_fields(record.len(), record.nulls().cloned())));
                }
                Ok(Arc::new(StructArray::try_new(fields.clone(), columns, record.nulls().cloned())?))
            }
            _ => Err(no_cast(from, to)),
        }
    }
}

/// What a null list holds is nobody's value, and must not fail: it is let go of.
fn dense(array: &ArrayRef, offsets: Option<&OffsetBuffer<i32>>) -> Result<ArrayRef> {
    let Some(offsets) = offsets else { return Ok(Arc::clone(array)) };
    let hidden = (0..array.len()).any(|row| array.is_null(row) && offsets.get(row) != offsets.get(row + 1));
    if !hidden {
        return Ok(Arc::clone(array));
    }
    let rows: UInt32Array = (0..array.len()).map(|row| array.is_valid(row).then(|| u32::try_from(row).unwrap_or(u32::MAX))).collect();
    Ok(arrow::compute::take(array, &rows, None)?)
}

/// The values that the offsets reach, and offsets from 0.
fn window(values: &ArrayRef, offsets: &OffsetBuffer<i32>) -> (ArrayRef, OffsetBuffer<i32>) {
    let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
    let (start, length) = (usize::try_from(first).unwrap_or(0), usize::try_from(last - first).unwrap_or(0));
    if start == 0 && length == values.len() {
        return (Arc::clone(values), offsets.clone());
    }
    let moved = offsets.iter().map(|offset| offset - first).collect::<Vec<_>>();
    (values.slice(start, length), OffsetBuffer::new(moved.into()))
}

/// A field's values, null where the struct is.
fn masked(column: &ArrayRef, nulls: Option<&NullBuffer>) -> Result<ArrayRef> {
    let Some(nulls) = nulls.filter(|nulls| nulls.null_count() > 0) else { return Ok(Arc::clone(column)) };
    if *column.data_type() == DataType::Null {
        return Ok(Arc::clone(column));
    }
    let both = NullBuffer::union(column.nulls(), Some(nulls));
    Ok(make_array(column.to_data().into_builder().nulls(both).build()?))
}

fn keys_nulls(keys: &ArrayRef, offsets: &OffsetBuffer<i32>) -> Option<NullBuffer> {
    if keys.null_count() == 0 {
        return None;
    }
    let whole = offsets.windows(2).map(|pair| match pair {
        [from, to] => (*from..*to).all(|at| keys.is_valid(usize::try_from(at).unwrap_or(0))),
        _ => true,
    });
    Some(NullBuffer::from(whole.collect::<Vec<bool>>()))
}

fn without_lost_keys(
    pair: &Fields,
    field: &arrow::datatypes::FieldRef,
    sorted: bool,
    keys: &ArrayRef,
    values: &ArrayRef,
    offsets: &OffsetBuffer<i32>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let (mut kept, mut lengths) = (Vec::new(), Vec::new());
    for (row, bounds) in offsets.windows(2).enumerate() {
        let [from, to] = bounds else { continue };
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            lengths.push(0);
            continue;
        }
        kept.extend((*from..*to).map(|at| u32::try_from(at).unwrap_or(0)));
        lengths.push(usize::try_from(to - from).unwrap_or(0));
    }
    let kept = UInt32Array::from(kept);
    let columns = vec![arrow::compute::take(keys, &kept, None)?, arrow::compute::take(values, &kept, None)?];
    let entries = StructArray::try_new(pair.clone(), columns, None)?;
    Ok(Arc::new(MapArray::try_new(Arc::clone(field), OffsetBuffer::from_lengths(lengths), entries, nulls, sorted)?))
}
