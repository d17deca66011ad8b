//! The same values in Arrow types that differ in what may be null, in names and in remarks only.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, new_null_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};

use crate::{Error, Result};

/// The error for values that are not in the Arrow type of their Spark type.
pub(crate) fn wrong_layout(wanted: &str, found: &DataType) -> Error {
    Error::internal(format!("a function was given {found} where {wanted} was settled"))
}

/// The same values in a type that differs in what may be null, in names and in remarks only. Values of no type become nulls.
///
/// # Errors
/// `Internal` for other types, and for a null where there may be none.
pub(crate) fn retype(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if array.data_type() == to {
        return Ok(Arc::clone(array));
    }
    let wrong = || wrong_layout(&to.to_string(), array.data_type());
    Ok(match (array.data_type(), to) {
        (DataType::Null, _) => new_null_array(to, array.len()),
        (DataType::List(_), DataType::List(field)) => {
            let list = array.as_list_opt::<i32>().ok_or_else(wrong)?;
            let values = retype(list.values(), field.data_type())?;
            Arc::new(ListArray::try_new(Arc::clone(field), list.offsets().clone(), values, list.nulls().cloned())?)
        }
        (DataType::Struct(from), DataType::Struct(fields)) if from.len() == fields.len() => {
            let from = array.as_struct_opt().ok_or_else(wrong)?;
            struct_of(fields, from.columns(), from.nulls().cloned(), from.len())?
        }
        (DataType::Map(..), DataType::Map(field, ordered)) => {
            let map = array.as_map_opt().ok_or_else(wrong)?;
            let entries: ArrayRef = Arc::new(map.entries().clone());
            let entries = retype(&entries, field.data_type())?;
            let entries = entries.as_struct_opt().ok_or_else(wrong)?.clone();
            Arc::new(MapArray::try_new(Arc::clone(field), map.offsets().clone(), entries, map.nulls().cloned(), *ordered)?)
        }
        (from, to) if from.equals_datatype(to) => Arc::clone(array),
        _ => return Err(wrong()),
    })
}

/// The type with everything in it nullable, so that two types that differ in nothing else are one.
pub(crate) fn all_nullable(data_type: &DataType) -> DataType {
    let open = |field: &FieldRef, name: &str| Arc::new(Field::new(name, all_nullable(field.data_type()), true));
    match data_type {
        DataType::List(item) => DataType::List(open(item, "element")),
        DataType::Struct(fields) => {
            // By place, not by name: names that differ in case only are one to Spark.
            DataType::Struct(fields.iter().enumerate().map(|(i, field)| open(field, &format!("c{i}"))).collect())
        }
        DataType::Map(entries, ordered) => match entries.data_type() {
            DataType::Struct(pair) => {
                let pair: Fields = pair
                    .iter()
                    .enumerate()
                    .map(|(i, field)| {
                        let name = if i == 0 { "key" } else { "value" };
                        Arc::new(Field::new(name, all_nullable(field.data_type()), i > 0))
                    })
                    .collect();
                DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), *ordered)
            }
            _ => data_type.clone(),
        },
        other => other.clone(),
    }
}

/// A struct of these columns, which are retyped to its fields.
///
/// # Errors
/// As [`retype`].
pub(crate) fn struct_of(fields: &Fields, columns: &[ArrayRef], nulls: Option<NullBuffer>, rows: usize) -> Result<ArrayRef> {
    let columns = columns.iter().zip(fields).map(|(column, field)| retype(column, field.data_type())).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, rows)?))
}
