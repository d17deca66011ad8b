//! Several fields of JSON text at once: json_tuple, a generator of one row.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use arrow::datatypes::DataType;

use super::token::{Liberties, Malformed, Reader, Token};
use super::writer::Writer;
use crate::functions::nested::{list_field, list_of};
use crate::functions::{Call, Generator, KernelArgs};
use crate::kernel::retype::{struct_of, wrong_layout};
use crate::types::{SparkType, StructField};
use crate::{Error, Result};

/// json_tuple(json, names…): one row of the columns c0, c1, …
pub(in crate::functions) fn json_tuple(call: &mut Call<'_>) -> Result<Generator> {
    if call.len() < 2 {
        return Err(call.wrong_arity("2 or more"));
    }
    let args = call.values()?;
    if args.iter().any(|arg| !arg.data_type.is_string()) {
        let reason = "`json_tuple` takes text alone: cast the arguments to string";
        return Err(call.mismatch("DATATYPE_MISMATCH.NON_STRING_TYPE", reason));
    }
    let columns: Vec<(String, SparkType, bool)> = (0..args.len() - 1).map(|i| (format!("c{i}"), SparkType::String, true)).collect();
    let fields = columns.iter().map(|(name, data_type, _)| StructField::new(name, data_type.clone())).collect();
    let out = SparkType::Array(Box::new(SparkType::Struct(fields)), false);
    let collection = call.scalar(kernel, args, out, false);
    Ok(Generator { collection, outer: false, position: false, inline: true, columns })
}

fn kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let texts: Vec<&StringArray> = args.arrays.iter().map(|array| array.as_string::<i32>()).collect();
    let [json, names @ ..] = texts.as_slice() else { return Err(Error::internal("json_tuple without text")) };
    let mut columns: Vec<StringBuilder> = names.iter().map(|_| StringBuilder::new()).collect();
    for row in 0..args.rows {
        let wanted: Vec<Option<&str>> = names.iter().map(|names| names.is_valid(row).then(|| names.value(row))).collect();
        let found = if json.is_null(row) { None } else { fields(json.value(row), &wanted).ok().flatten() };
        let found = found.unwrap_or_else(|| vec![None; wanted.len()]);
        for (column, value) in columns.iter_mut().zip(found) {
            column.append_option(value);
        }
    }
    let field = list_field(args.out)?;
    let DataType::Struct(struct_fields) = field.data_type() else { return Err(wrong_layout("a struct", field.data_type())) };
    let columns: Vec<ArrayRef> = columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
    let values = struct_of(struct_fields, &columns, None, args.rows)?;
    let offsets = (0..=args.rows).map(|row| i32::try_from(row).unwrap_or(i32::MAX)).collect();
    list_of(&field, offsets, &vec![true; args.rows], values)
}

/// The values of the outermost object's fields of these names, as text.
fn fields(json: &str, names: &[Option<&str>]) -> std::result::Result<Option<Vec<Option<String>>>, Malformed> {
    let mut reader = Reader::new(json, Liberties::SHARED);
    if reader.next()? != Some(Token::StartObject) {
        return Ok(None);
    }
    let mut found = vec![None; names.len()];
    while reader.next_until(Token::EndObject)? {
        let name = reader.value().to_owned();
        let wanted = names.contains(&Some(name.as_str()));
        let token = reader.next()?;
        if wanted && token != Some(Token::Null) {
            let text = if token == Some(Token::Text) {
                reader.value().to_owned()
            } else {
                let mut writer = Writer::default();
                writer.copy(&mut reader)?;
                writer.out
            };
            for (value, wanted) in found.iter_mut().zip(names) {
                if *wanted == Some(name.as_str()) {
                    *value = Some(text.clone());
                }
            }
        } else {
            reader.skip_children()?;
        }
    }
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_taken_by_name() {
        let text = |values: &[Option<&str>]| Ok(Some(values.iter().map(|v| v.map(str::to_owned)).collect::<Vec<_>>()));
        let names = [Some("a"), Some("b"), None, Some("a")];
        assert_eq!(fields(r#"{"a":1, "b":{"c":[2]}}"#, &names), text(&[Some("1"), Some(r#"{"c":[2]}"#), None, Some("1")]));
        assert_eq!(fields(r#"{"a":null}"#, &names), text(&[None; 4]));
        assert_eq!(fields("[1]", &names), Ok(None));
        assert!(fields(r#"{"a":1"#, &names).is_err());
    }
}
