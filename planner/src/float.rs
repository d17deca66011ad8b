//! Floats that are one: −0.0 is 0.0 and every NaN is the same NaN, wherever they stand in a value. Who compares what with
//! whom is decided elsewhere.
//!
//! Source: Spark, `NormalizeFloatingNumbers.scala`.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, FixedSizeListArray, GenericListArray, MapArray, OffsetSizeTrait, PrimitiveArray,
    StructArray,
};
use arrow::datatypes::{DataType, FieldRef, Float32Type, Float64Type};

use crate::Result;

/// How alike floats become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Normal {
    /// As keys: every NaN is one NaN, and −0.0 is 0.0.
    Key,
    /// As values that are put in order and given out: every NaN is one NaN, greater than any number; a zero keeps its sign.
    Value,
}

/// Whether there are floats in values of this type.
pub fn holds_floats(data_type: &DataType) -> bool {
    match data_type {
        DataType::Float32 | DataType::Float64 => true,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) | DataType::Map(item, _) => {
            holds_floats(item.data_type())
        }
        DataType::Struct(fields) => fields.iter().any(|field| holds_floats(field.data_type())),
        DataType::Dictionary(_, values) => holds_floats(values),
        _ => false,
    }
}

/// The array with its floats made alike; itself, not a copy, where they are already.
///
/// # Errors
/// What Arrow finds wrong with a nested array that is put together again.
pub fn normalize(array: &ArrayRef, normal: Normal) -> Result<ArrayRef> {
    Ok(changed(array, normal)?.unwrap_or_else(|| Arc::clone(array)))
}

/// The array with its floats made alike, if that is another one.
fn changed(array: &ArrayRef, normal: Normal) -> Result<Option<ArrayRef>> {
    let zeros = normal == Normal::Key;
    Ok(match array.data_type() {
        DataType::Float64 => floats::<Float64Type>(array, |v| {
            if v.is_nan() {
                (v.to_bits() != f64::NAN.to_bits()).then_some(f64::NAN)
            } else {
                (zeros && v.to_bits() == (-0.0_f64).to_bits()).then_some(0.0)
            }
        }),
        DataType::Float32 => floats::<Float32Type>(array, |v| {
            if v.is_nan() {
                (v.to_bits() != f32::NAN.to_bits()).then_some(f32::NAN)
            } else {
                (zeros && v.to_bits() == (-0.0_f32).to_bits()).then_some(0.0)
            }
        }),
        DataType::List(item) => list::<i32>(array, item, normal)?,
        DataType::LargeList(item) => list::<i64>(array, item, normal)?,
        DataType::FixedSizeList(item, size) => {
            let lists = array.as_fixed_size_list();
            match changed(lists.values(), normal)? {
                None => None,
                Some(values) => Some(Arc::new(FixedSizeListArray::try_new(Arc::clone(item), *size, values, lists.nulls().cloned())?)),
            }
        }
        DataType::Struct(_) => structs(array.as_struct(), normal)?.map(|rows| Arc::new(rows) as ArrayRef),
        DataType::Map(entries, ordered) => {
            let maps = array.as_map();
            match structs(maps.entries(), normal)? {
                None => None,
                Some(pairs) => {
                    let (offsets, nulls) = (maps.offsets().clone(), maps.nulls().cloned());
                    Some(Arc::new(MapArray::try_new(Arc::clone(entries), offsets, pairs, nulls, *ordered)?))
                }
            }
        }
        DataType::Dictionary(..) => {
            let words = array.as_any_dictionary();
            changed(words.values(), normal)?.map(|values| words.with_values(values))
        }
        _ => None,
    })
}

/// `other` gives the value to take in place of one, or nothing where it may stay.
fn floats<T: ArrowPrimitiveType>(array: &ArrayRef, other: impl Fn(T::Native) -> Option<T::Native>) -> Option<ArrayRef> {
    let values = array.as_primitive::<T>();
    // Most arrays have none to change, and are looked through without a copy.
    if !values.values().iter().any(|value| other(*value).is_some()) {
        return None;
    }
    let alike: PrimitiveArray<T> = values.unary(|value| other(value).unwrap_or(value));
    Some(Arc::new(alike))
}

fn list<O: OffsetSizeTrait>(array: &ArrayRef, item: &FieldRef, normal: Normal) -> Result<Option<ArrayRef>> {
    let lists = array.as_list::<O>();
    let Some(values) = changed(lists.values(), normal)? else { return Ok(None) };
    let lists = GenericListArray::<O>::try_new(Arc::clone(item), lists.offsets().clone(), values, lists.nulls().cloned())?;
    Ok(Some(Arc::new(lists)))
}

fn structs(rows: &StructArray, normal: Normal) -> Result<Option<StructArray>> {
    let columns = rows.columns().iter().map(|column| changed(column, normal)).collect::<Result<Vec<_>>>()?;
    if columns.iter().all(Option::is_none) {
        return Ok(None);
    }
    let columns = columns.into_iter().zip(rows.columns()).map(|(alike, column)| alike.unwrap_or_else(|| Arc::clone(column)));
    Ok(Some(StructArray::try_new(rows.fields().clone(), columns.collect(), rows.nulls().cloned())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    use arrow::array::{DictionaryArray, Float32Array, Float64Array, Int32Array, Int64Array, ListArray};
    use arrow::buffer::{NullBuffer, OffsetBuffer};
    use arrow::datatypes::{Field, Fields, Int32Type};

    /// NaN as the processor makes it of `0.0 / 0.0`, its sign set.
    fn made_nan() -> f64 {
        f64::from_bits(f64::NAN.to_bits() | (1 << 63))
    }

    fn doubles(values: [f64; 4]) -> ArrayRef {
        Arc::new(Float64Array::from(values.to_vec()))
    }

    /// Every kind of array that has these doubles in it.
    fn wrapped(values: &ArrayRef) -> Vec<ArrayRef> {
        let item = Arc::new(Field::new_list_field(DataType::Float64, true));
        let pairs = OffsetBuffer::from_lengths([2, 2]);
        let nulls = NullBuffer::from(vec![true, false, true, true]);
        let fields = Fields::from(vec![Field::new("k", DataType::Int64, true), Field::new("x", DataType::Float64, true)]);
        let keys: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
        let rows = StructArray::new(fields.clone(), vec![keys, Arc::clone(values)], Some(nulls));
        let entries_fields = Fields::from(vec![Field::new("key", DataType::Float64, false), Field::new("value", DataType::Float64, true)]);
        let entries = StructArray::new(entries_fields.clone(), vec![Arc::clone(values), Arc::clone(values)], None);
        let entry = Arc::new(Field::new("entries", DataType::Struct(entries_fields), false));
        let lists = ListArray::new(Arc::clone(&item), pairs.clone(), Arc::clone(values), None);
        let list_of_rows = Arc::new(Field::new_list_field(DataType::Struct(fields), true));
        let words = DictionaryArray::<Int32Type>::new(Int32Array::from(vec![3, 0, 1, 2, 2]), Arc::clone(values));
        vec![
            Arc::clone(values),
            Arc::new(rows.clone()),
            Arc::new(lists.slice(1, 1)),
            Arc::new(lists),
            Arc::new(FixedSizeListArray::new(item, 2, Arc::clone(values), None)),
            Arc::new(MapArray::new(entry, pairs.clone(), entries, None, false)),
            Arc::new(ListArray::new(list_of_rows, pairs, Arc::new(rows), None)),
            Arc::new(words),
        ]
    }

    #[test]
    fn floats_are_one_wherever_they_stand() {
        let odd = wrapped(&doubles([-0.0, made_nan(), 1.5, 0.0]));
        // Arrays are compared by the bits of their floats.
        let keys = wrapped(&doubles([0.0, f64::NAN, 1.5, 0.0]));
        let values = wrapped(&doubles([-0.0, f64::NAN, 1.5, 0.0]));
        for ((odd, key), value) in odd.iter().zip(&keys).zip(&values) {
            assert!(holds_floats(odd.data_type()), "{}", odd.data_type());
            assert_eq!(&normalize(odd, Normal::Key).unwrap(), key, "{}", odd.data_type());
            assert_eq!(&normalize(odd, Normal::Value).unwrap(), value, "{}", odd.data_type());
            assert!(Arc::ptr_eq(&normalize(key, Normal::Key).unwrap(), key), "{} was copied", odd.data_type());
        }
    }

    #[test]
    fn other_values_stay() {
        let singles: ArrayRef = Arc::new(Float32Array::from(vec![Some(-0.0), None, Some(-f32::NAN)]));
        let alike: ArrayRef = Arc::new(Float32Array::from(vec![Some(0.0), None, Some(f32::NAN)]));
        assert_eq!(normalize(&singles, Normal::Key).unwrap().as_ref(), alike.as_ref());
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![0, -1]));
        assert!(!holds_floats(numbers.data_type()) && Arc::ptr_eq(&normalize(&numbers, Normal::Key).unwrap(), &numbers));
    }
}
