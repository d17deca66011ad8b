//! `array[index]`, which counts from 0 and fails beyond the array, and `get(array, index)`, which is null there.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, GenericListArray, OffsetSizeTrait, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use datafusion::scalar::ScalarValue;
use tidemill_planner::catalog_string::catalog_string;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Item {
    /// What lies beyond the array is null.
    lenient: bool,
    signature: Signature,
}

fn function(lenient: bool) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(Item { lenient, signature: Signature::user_defined(Volatility::Immutable) }))
}

/// The functions that have a name.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    vec![function(true)]
}

/// `array[index]`.
pub(super) fn item(array: Expr, index: Expr) -> Expr {
    function(false).call(vec![array, index])
}

impl ScalarUDFImpl for Item {
    fn name(&self) -> &str {
        if self.lenient { "get" } else { "array_item" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let what = if self.lenient { "get(array, index)" } else { "array[index]" };
        let [array, index] = types else { return plan_err!("`{what}` takes two arguments, not {}", types.len()) };
        let array = match array {
            DataType::List(_) | DataType::LargeList(_) => array.clone(),
            DataType::FixedSizeList(item, _) => DataType::List(Arc::clone(item)),
            other => return plan_err!("`{what}` takes an array, not {}", catalog_string(other)),
        };
        if !index.is_integer() && !index.is_null() {
            return plan_err!("`{what}` takes a whole number as the index, not {}: cast it to int", catalog_string(index));
        }
        Ok(vec![array, DataType::Int64])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types.first() {
            Some(DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _)) => Ok(item.data_type().clone()),
            _ => plan_err!("`{}` takes an array", self.name()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [array, index] = args.args.as_slice() else { return exec_err!("`{}` takes two arguments", self.name()) };
        let scalar = matches!((array, index), (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let (arrays, indices) = (array.to_array(rows)?, index.to_array(rows)?);
        let items = match arrays.data_type() {
            DataType::LargeList(_) => self.of(arrays.as_list::<i64>(), &indices)?,
            _ => self.of(arrays.as_list::<i32>(), &indices)?,
        };
        Ok(if scalar { ColumnarValue::Scalar(ScalarValue::try_from_array(&items, 0)?) } else { ColumnarValue::Array(items) })
    }
}

impl Item {
    fn of<O: OffsetSizeTrait>(&self, arrays: &GenericListArray<O>, indices: &ArrayRef) -> Result<ArrayRef> {
        let indices = indices.as_primitive::<Int64Type>();
        let place = |row: usize| {
            if arrays.is_null(row) || indices.is_null(row) {
                return Ok(None);
            }
            let (index, length) = (indices.value(row), arrays.value_length(row).as_usize());
            match usize::try_from(index) {
                Ok(index) if index < length => Ok(Some((arrays.value_offsets()[row].as_usize() + index) as u64)),
                _ if self.lenient => Ok(None),
                _ => exec_err!(
                    "index {index} is not in an array of {length} item(s), counted from 0: `get(array, index)` gives null instead"
                ),
            }
        };
        let places: Result<UInt64Array> = (0..arrays.len()).map(place).collect();
        Ok(take(arrays.values(), &places?, None)?)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, ListArray};
    use arrow::datatypes::Int32Type;

    use super::*;

    #[test]
    fn places() {
        let arrays = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), Some(2)]), None, Some(vec![None])]);
        for (indices, strict, lenient) in [
            ([Some(1), Some(9), Some(0)], Some([Some(2), None, None]), [Some(2), None, None]),
            ([Some(2), Some(0), Some(0)], None, [None, None, None]),
            ([Some(-1), None, None], None, [None, None, None]),
        ] {
            let indices: ArrayRef = Arc::new(Int64Array::from(indices.to_vec()));
            let of = |lenient| {
                let item = Item { lenient, signature: Signature::user_defined(Volatility::Immutable) };
                let found = item.of(&arrays, &indices).ok()?;
                Some(found.as_primitive::<Int32Type>().iter().collect::<Vec<_>>())
            };
            assert_eq!(of(false), strict.map(|items| items.to_vec()), "{indices:?}");
            assert_eq!(of(true), Some(lenient.to_vec()), "{indices:?}");
        }
    }
}
