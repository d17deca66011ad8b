//! Structs from values: struct, named_struct.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;

use super::nested::row;
use super::{Call, Function, Group, KernelArgs, constant};
use crate::kernel::retype::{struct_of, wrong_layout};
use crate::types::{SparkType, StructField, to_arrow};
use crate::{Result, Typed};

/// The rows of this file.
pub(super) const ROWS: &[Function] = &[
    row(
        "struct",
        Group::Struct,
        "struct(col1, col2, ...) - A struct of these values; a field is named as its column is, or else col1, col2, …",
        &[("SELECT struct(1, 2, 3)", "{\"col1\":1,\"col2\":2,\"col3\":3}")],
        structure,
    ),
    row(
        "named_struct",
        Group::Struct,
        "named_struct(name1, val1, name2, val2, ...) - A struct of these values under these names.",
        &[("SELECT named_struct('a', 1, 'b', 2, 'c', 3)", "{\"a\":1,\"b\":2,\"c\":3}")],
        named_struct,
    ),
];

fn structure(call: &mut Call<'_>) -> Result<Typed> {
    let values = call.values()?;
    let names: Vec<String> =
        values.iter().enumerate().map(|(i, value)| value.name.clone().unwrap_or_else(|| format!("col{}", i + 1))).collect();
    Ok(struct_value(call, names, values))
}

/// A struct of these values under these names, shown as the call.
pub(super) fn struct_value(call: &Call<'_>, names: Vec<String>, values: Vec<Typed>) -> Typed {
    let field = |(name, value): (String, &Typed)| StructField::new(name, value.data_type.clone()).with_nullable(value.nullable);
    let fields = names.into_iter().zip(&values).map(field).collect();
    call.scalar(struct_kernel, values, SparkType::Struct(fields), false)
}

fn struct_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    match to_arrow(args.out) {
        DataType::Struct(fields) => struct_of(&fields, args.arrays, None, args.rows),
        other => Err(wrong_layout("a struct", &other)),
    }
}

fn named_struct(call: &mut Call<'_>) -> Result<Typed> {
    let arguments = call.values()?;
    if arguments.len() % 2 != 0 {
        return Err(call.wrong_arity("an even number of"));
    }
    let (mut names, mut values, mut wrong, mut null) = (Vec::new(), Vec::new(), Vec::new(), false);
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { continue };
        match constant(name)? {
            Some(ScalarValue::Utf8(Some(text))) if name.data_type.is_string() => names.push(text),
            Some(_) if name.data_type.is_string() => null = true,
            _ => wrong.push(format!("\"{}\"", name.sql)),
        }
        values.push(value.clone());
    }
    if !wrong.is_empty() {
        let reason = format!("`named_struct` takes names that are constant text, and these are not: [{}]", wrong.join(", "));
        return Err(call.mismatch("DATATYPE_MISMATCH.CREATE_NAMED_STRUCT_WITHOUT_FOLDABLE_STRING", reason));
    }
    if null {
        return Err(call.mismatch("DATATYPE_MISMATCH.UNEXPECTED_NULL", "a field's name is not null: give it a name"));
    }
    Ok(struct_value(call, names, values))
}
