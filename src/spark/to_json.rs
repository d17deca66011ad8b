//! `to_json`: a struct, map or array as the JSON text that Spark writes. Rows of a result as JSON are another matter, with rules
//! of their own in [`crate::rows`].
//!
//! | type | JSON |
//! |---|---|
//! | numbers, decimals too | a number; `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | date, binary | a string; base64 |
//! | timestamp | a string in UTC, `2026-01-31T08:30:00.000Z`, with microseconds where there are any; timestamp_ntz without `Z` |
//! | struct | an object without the fields that are null |
//! | map | an object with its null values, keys as text |

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float32Type, Float64Type, TimeUnit, TimestampMicrosecondType};
use base64::Engine;
use datafusion::common::{exec_datafusion_err, exec_err, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use crate::ddl::timestamp;
use crate::rows::text_value;

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
            [one] if one.is_nested() => {
                writable(one)?;
                Ok(types.to_vec())
            }
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

fn writable(data_type: &DataType) -> Result<()> {
    match data_type {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => writable(item.data_type()),
        DataType::Struct(fields) => fields.iter().try_for_each(|field| writable(field.data_type())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if is_key(pair[0].data_type()) => writable(pair[1].data_type()),
            DataType::Struct(pair) => {
                plan_err!("`to_json` writes no map with keys of {}: make the map with `cast(key as string)`", pair[0].data_type())
            }
            other => plan_err!("`to_json` writes no map of {other}"),
        },
        DataType::Interval(_) | DataType::Duration(_) => {
            plan_err!("`to_json` writes no interval: use a number, such as the difference of two `unix_micros`")
        }
        _ => Ok(()),
    }
}

/// Keys that Spark writes as the text that they are cast to; those of dates and instants it writes as their numbers inside.
fn is_key(data_type: &DataType) -> bool {
    data_type.is_string() || data_type.is_integer() || data_type.is_floating() || data_type.is_decimal() || *data_type == DataType::Boolean
}

fn texts(values: &ArrayRef) -> Result<ArrayRef> {
    let mut texts = StringBuilder::new();
    for row in 0..values.len() {
        if values.is_null(row) {
            texts.append_null();
        } else {
            let mut text = String::new();
            write(&mut text, values, row)?;
            texts.append_value(text);
        }
    }
    Ok(Arc::new(texts.finish()))
}

fn write(out: &mut String, array: &ArrayRef, row: usize) -> Result<()> {
    if array.is_null(row) || array.data_type().is_null() {
        out.push_str("null");
        return Ok(());
    }
    match array.data_type() {
        DataType::List(_) => list(out, &array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(out, &array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => list(out, &array.as_fixed_size_list().value(row)),
        DataType::Struct(fields) => {
            let there = fields.iter().zip(array.as_struct().columns()).filter(|(_, column)| {
                let null = column.is_null(row) || column.data_type().is_null();
                !null
            });
            object(out, there, |out, (field, column)| {
                string(out, field.name())?;
                out.push(':');
                write(out, column, row)
            })
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            object(out, 0..entries.len(), |out, i| {
                string(out, &key(keys, i)?)?;
                out.push(':');
                write(out, values, i)
            })
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            write(out, dictionary.values(), dictionary.normalized_keys()[row])
        }
        DataType::Float64 if !array.as_primitive::<Float64Type>().value(row).is_finite() => string(out, &text(array, row)?),
        DataType::Float32 if !array.as_primitive::<Float32Type>().value(row).is_finite() => string(out, &text(array, row)?),
        DataType::Decimal128(_, scale) => {
            out.push_str(&decimal(array.as_primitive::<Decimal128Type>().value(row), *scale));
            Ok(())
        }
        number if number.is_numeric() || *number == DataType::Boolean => {
            out.push_str(&text(array, row)?);
            Ok(())
        }
        DataType::Binary => base64(out, array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => base64(out, array.as_binary::<i64>().value(row)),
        DataType::BinaryView => base64(out, array.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => base64(out, array.as_fixed_size_binary().value(row)),
        DataType::Timestamp(_, zone) => instant(out, array, row, zone.is_some()),
        _ => string(out, &text(array, row)?),
    }
}

fn text(array: &ArrayRef, row: usize) -> Result<String> {
    Ok(text_value(array, row)?)
}

fn key(keys: &ArrayRef, row: usize) -> Result<String> {
    match keys.data_type() {
        DataType::Decimal128(_, scale) => Ok(decimal(keys.as_primitive::<Decimal128Type>().value(row), *scale)),
        _ => text(keys, row),
    }
}

fn object<T>(out: &mut String, entries: impl Iterator<Item = T>, mut entry: impl FnMut(&mut String, T) -> Result<()>) -> Result<()> {
    out.push('{');
    for (i, each) in entries.enumerate() {
        if i > 0 {
            out.push(',');
        }
        entry(out, each)?;
    }
    out.push('}');
    Ok(())
}

fn list(out: &mut String, items: &ArrayRef) -> Result<()> {
    out.push('[');
    for i in 0..items.len() {
        if i > 0 {
            out.push(',');
        }
        write(out, items, i)?;
    }
    out.push(']');
    Ok(())
}

fn string(out: &mut String, text: &str) -> Result<()> {
    out.push_str(&serde_json::to_string(text).map_err(|e| DataFusionError::External(Box::new(e)))?);
    Ok(())
}

fn base64(out: &mut String, bytes: &[u8]) -> Result<()> {
    string(out, &base64::engine::general_purpose::STANDARD.encode(bytes))
}

/// Java's `BigDecimal.toString`, which gives small numbers an exponent.
fn decimal(unscaled: i128, scale: i8) -> String {
    let (sign, digits) = (if unscaled < 0 { "-" } else { "" }, unscaled.unsigned_abs().to_string());
    let exponent = digits.len() as i32 - 1 - i32::from(scale);
    if scale < 0 || exponent < -6 {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        return format!("{sign}{first}{point}{rest}E{exponent:+}");
    }
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    let padded = format!("{digits:0>width$}", width = scale as usize + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale as usize);
    format!("{sign}{whole}.{fraction}")
}

/// Milliseconds always, microseconds where there are any.
fn instant(out: &mut String, array: &ArrayRef, row: usize, zoned: bool) -> Result<()> {
    let to = if zoned { timestamp() } else { DataType::Timestamp(TimeUnit::Microsecond, None) };
    let value = cast(&array.slice(row, 1), &to)?;
    let micros = value.as_primitive::<TimestampMicrosecondType>().value(0);
    let Some(at) = arrow::temporal_conversions::timestamp_us_to_datetime(micros) else {
        return exec_err!("`to_json`: the timestamp is beyond the years that can be written");
    };
    let format = if micros % 1_000 == 0 { "%Y-%m-%dT%H:%M:%S%.3f" } else { "%Y-%m-%dT%H:%M:%S%.6f" };
    let zone = if zoned { "Z" } else { "" };
    write!(out, "\"{}{zone}\"", at.format(format)).map_err(|e| exec_datafusion_err!("{e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_written_as_java_does() {
        for (unscaled, scale, expected) in
            [(150, 2, "1.50"), (-5, 1, "-0.5"), (7, 0, "7"), (1, 6, "0.000001"), (1, 7, "1E-7"), (-123, 12, "-1.23E-10"), (0, 18, "0E-18")]
        {
            assert_eq!(decimal(unscaled, scale), expected);
        }
    }
}
