//! A value as `show` prints it: Spark's text for nulls, structs, arrays, maps and numbers.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::instant::in_utc;
use super::number;
use crate::Result;

const FORMAT: FormatOptions<'static> = FormatOptions::new()
    .with_display_error(false)
    .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
    .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f"));

/// The value of `array` at `row` as Spark shows it.
pub(crate) fn text_value(array: &dyn Array, row: usize) -> Result<String> {
    if array.is_null(row) || array.data_type() == &DataType::Null {
        return Ok("NULL".to_owned());
    }
    Ok(match array.data_type() {
        DataType::Float64 => number::double(array.as_primitive::<Float64Type>().value(row)),
        DataType::Float32 => number::float(array.as_primitive::<Float32Type>().value(row)),
        DataType::Timestamp(..) => {
            let instant = in_utc(array, row)?;
            trim_fraction(ArrayFormatter::try_new(&instant, &FORMAT)?.value(0).try_to_string()?)
        }
        DataType::Binary => hex(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => hex(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => hex(array.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => hex(array.as_fixed_size_binary().value(row)),
        DataType::Struct(_) => {
            let columns = array.as_struct().columns();
            let parts: Result<Vec<String>> = columns.iter().map(|column| text_value(column, row)).collect();
            format!("{{{}}}", parts?.join(", "))
        }
        DataType::List(_) => list(&array.as_list::<i32>().value(row))?,
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(row))?,
        DataType::FixedSizeList(..) => list(&array.as_fixed_size_list().value(row))?,
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let mut parts = Vec::new();
            for i in 0..entries.len() {
                parts.push(format!("{} -> {}", text_value(entries.column(0), i)?, text_value(entries.column(1), i)?));
            }
            format!("{{{}}}", parts.join(", "))
        }
        DataType::Dictionary(..) => {
            let values = array.as_any_dictionary();
            return text_value(values.values(), values.normalized_keys()[row]);
        }
        _ => ArrayFormatter::try_new(array, &FORMAT)?.value(row).try_to_string()?,
    })
}

fn list(items: &dyn Array) -> Result<String> {
    let parts: Result<Vec<String>> = (0..items.len()).map(|i| text_value(items, i)).collect();
    Ok(format!("[{}]", parts?.join(", ")))
}

fn hex(bytes: &[u8]) -> String {
    format!("[{}]", bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" "))
}

/// Spark prints no zeros at the end of a fraction of a second.
fn trim_fraction(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
