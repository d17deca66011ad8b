//! Finished columns as Arrow arrays: the buffers move, nothing is copied but narrow integers. What is in them was decided
//! when it was appended.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Float32Array, Float64Array, ListArray, MapArray, PrimitiveArray, RecordBatch,
    RecordBatchOptions, StringArray, StructArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Int8Type, Int16Type, Int32Type, Int64Type, SchemaRef, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use tidemill_planner::{Error, Result};

use super::column::{Column, Columns, Store};

/// Takes the `rows` rows out of `columns`, with a column more at some place, if there is one.
pub(super) fn batch(columns: &mut Columns, more: Option<(usize, ArrayRef)>, schema: &SchemaRef, rows: usize) -> Result<RecordBatch> {
    let mut arrays = columns.columns.iter_mut().map(array).collect::<Result<Vec<_>>>()?;
    if let Some((at, array)) = more {
        arrays.insert(at, array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)?)
}

fn array(column: &mut Column) -> Result<ArrayRef> {
    let rows = column.valid.len();
    let valid = take_with_room(&mut column.valid);
    let nulls = valid.contains(&false).then(|| NullBuffer::from(valid));
    let data_type = column.field.data_type();
    Ok(match &mut column.store {
        Store::Boolean(values) => Arc::new(BooleanArray::new(take_with_room(values).into(), nulls)),
        Store::Integer(values) => integers(data_type, take_with_room(values), nulls)?,
        Store::Float(values) if *data_type == DataType::Float32 => {
            let values: Vec<f32> = take_with_room(values).into_iter().map(|v| v as f32).collect();
            Arc::new(Float32Array::try_new(values.into(), nulls)?)
        }
        Store::Float(values) => Arc::new(Float64Array::try_new(take_with_room(values).into(), nulls)?),
        Store::Decimal(values) => {
            Arc::new(Decimal128Array::try_new(take_with_room(values).into(), nulls)?.with_data_type(data_type.clone()))
        }
        Store::Text(texts) => {
            let bytes = Buffer::from(take_with_room(&mut texts.bytes));
            Arc::new(StringArray::try_new(offsets(&mut texts.ends), bytes, nulls)?)
        }
        Store::Binary(texts) => {
            let bytes = Buffer::from(take_with_room(&mut texts.bytes));
            Arc::new(BinaryArray::try_new(offsets(&mut texts.ends), bytes, nulls)?)
        }
        Store::Struct(columns) => Arc::new(match data_type {
            DataType::Struct(fields) if fields.is_empty() => StructArray::new_empty_fields(rows, nulls),
            DataType::Struct(fields) => {
                let arrays = columns.columns.iter_mut().map(array).collect::<Result<Vec<_>>>()?;
                StructArray::try_new(fields.clone(), arrays, nulls)?
            }
            other => return Err(mixed_up(other)),
        }),
        Store::List(ends, child) => {
            let DataType::List(item) = data_type else { return Err(mixed_up(data_type)) };
            Arc::new(ListArray::try_new(item.clone(), offsets(ends), array(child)?, nulls)?)
        }
        Store::Map(ends, pair) => {
            let DataType::Map(entries, sorted) = data_type else { return Err(mixed_up(data_type)) };
            let DataType::Struct(fields) = entries.data_type() else { return Err(mixed_up(data_type)) };
            let columns = StructArray::try_new(fields.clone(), vec![array(&mut pair.0)?, array(&mut pair.1)?], None)?;
            Arc::new(MapArray::try_new(entries.clone(), offsets(ends), columns, nulls, *sorted)?)
        }
    })
}

fn integers(data_type: &DataType, values: Vec<i64>, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    fn narrow<T: ArrowPrimitiveType>(values: Vec<i64>, nulls: Option<NullBuffer>, as_native: fn(i64) -> T::Native) -> Result<ArrayRef> {
        let values: Vec<T::Native> = values.into_iter().map(as_native).collect();
        Ok(Arc::new(PrimitiveArray::<T>::try_new(values.into(), nulls)?))
    }
    fn wide<T: ArrowPrimitiveType<Native = i64>>(data_type: &DataType, values: Vec<i64>, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        Ok(Arc::new(PrimitiveArray::<T>::try_new(values.into(), nulls)?.with_data_type(data_type.clone())))
    }
    match data_type {
        DataType::Int8 => narrow::<Int8Type>(values, nulls, |v| v as i8),
        DataType::Int16 => narrow::<Int16Type>(values, nulls, |v| v as i16),
        DataType::Int32 => narrow::<Int32Type>(values, nulls, |v| v as i32),
        DataType::Date32 => narrow::<Date32Type>(values, nulls, |v| v as i32),
        DataType::Int64 => wide::<Int64Type>(data_type, values, nulls),
        DataType::Timestamp(TimeUnit::Second, _) => wide::<TimestampSecondType>(data_type, values, nulls),
        DataType::Timestamp(TimeUnit::Millisecond, _) => wide::<TimestampMillisecondType>(data_type, values, nulls),
        DataType::Timestamp(TimeUnit::Microsecond, _) => wide::<TimestampMicrosecondType>(data_type, values, nulls),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => wide::<TimestampNanosecondType>(data_type, values, nulls),
        other => Err(mixed_up(other)),
    }
}

fn mixed_up(data_type: &DataType) -> Error {
    Error::internal(format!("a JSON column of type {data_type} has the store of another type"))
}

/// Takes a vector away and leaves one with room for as much again.
fn take_with_room<T>(values: &mut Vec<T>) -> Vec<T> {
    let room = Vec::with_capacity(values.len());
    std::mem::replace(values, room)
}

fn offsets(ends: &mut Vec<i32>) -> OffsetBuffer<i32> {
    let ends = take_with_room(ends);
    let offsets: Vec<i32> = std::iter::once(0).chain(ends).collect();
    OffsetBuffer::new(ScalarBuffer::from(offsets))
}
