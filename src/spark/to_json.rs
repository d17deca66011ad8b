//! `to_json`: a struct, map or array as JSON text, nulls in structs left out as in Spark. What a value looks like is
//! [`crate::rows`]'s.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{exec_err, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use crate::rows::{Json, json_rows};

#[derive(Debug, PartialEq, Eq, Hash)]
struct ToJson {
    signature: Signature,
}

/// The function.
pub(super) fn function() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(ToJson { signature: Signature::user_defined(Volatility::Immutable) }))
}

impl ScalarUDFImpl for ToJson {
    fn name(&self) -> &str {
        "to_json"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [one] if one.is_nested() => Ok(types.to_vec()),
            [other] => plan_err!("`to_json` takes a struct, a map or an array, not {other}: wrap it with `struct(…)`"),
            _ => plan_err!("`to_json` takes one argument, not {}; options are not there yet", types.len()),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [arg] = args.args.as_slice() else { return exec_err!("`to_json` takes one argument") };
        let values = arg.to_array(args.number_rows)?;
        Ok(ColumnarValue::Array(texts(&values)?))
    }
}

fn texts(values: &ArrayRef) -> Result<ArrayRef> {
    let schema = Schema::new(vec![Field::new("value", values.data_type().clone(), true)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![Arc::clone(values)])?;
    let rows = json_rows(&batch).map_err(DataFusionError::from)?;
    let text = |(row, mut json): (usize, Vec<Json>)| -> Result<Option<String>> {
        if values.is_null(row) {
            return Ok(None);
        }
        let json = json.pop().map(without_nulls);
        Ok(Some(serde_json::to_string(&json).map_err(|e| DataFusionError::External(Box::new(e)))?))
    };
    let texts: StringArray = rows.into_iter().enumerate().map(text).collect::<Result<_>>()?;
    Ok(Arc::new(texts))
}

fn without_nulls(json: Json) -> Json {
    match json {
        Json::Object(fields) => {
            let there = fields.into_iter().filter(|(_, value)| *value != Json::Plain(serde_json::Value::Null));
            Json::Object(there.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(without_nulls).collect()),
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StructArray};

    use super::*;

    #[test]
    fn nulls_in_structs_are_left_out() {
        let names: ArrayRef = Arc::new(StringArray::from(vec![Some("a \"b\""), None]));
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX, 2]));
        let field = |name: &str, of: &ArrayRef| Arc::new(Field::new(name, of.data_type().clone(), true));
        let values: ArrayRef =
            Arc::new(StructArray::from(vec![(field("name", &names), Arc::clone(&names)), (field("n", &numbers), numbers)]));
        let texts = texts(&values).unwrap();
        assert_eq!(texts.as_ref(), &StringArray::from(vec![r#"{"name":"a \"b\"","n":9223372036854775807}"#, r#"{"n":2}"#]) as &dyn Array);
    }
}
