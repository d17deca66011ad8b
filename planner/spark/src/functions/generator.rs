//! Functions that make rows: explode, posexplode, inline, stack, json_tuple, and their outer forms, which give a row of nulls where
//! there is nothing.

use datafusion::common::ScalarValue;

use super::array::create::array_of;
use super::json::json_tuple;
use super::nested::merged;
use super::structs::struct_value;
use super::{Build, Call, Function, Generator, Group, constant};
use crate::types::{SparkType, lattice};
use crate::{Result, Typed};

/// How many rows `stack` makes at most: each is an expression.
const MAX_STACK: usize = 100_000;

const fn row(
    name: &'static str,
    parameters: &'static [&'static str],
    usage: &'static str,
    examples: &'static [(&'static str, &'static str)],
    build: fn(&mut Call<'_>) -> Result<Generator>,
) -> Function {
    Function { name, group: Group::Generator, parameters, usage, examples, build: Build::Generator(build) }
}

/// The rows of this file.
pub(super) const ROWS: &[Function] = &[
    row(
        "explode",
        &["collection"],
        "explode(expr) - A row per element of the array (column `col`), or per entry of the map (columns `key` and `value`).",
        &[("SELECT explode(array(10, 20))", "10\n20"), ("SELECT explode(collection => array(10, 20))", "10\n20")],
        |call| explode(call, false, false),
    ),
    row(
        "explode_outer",
        &["collection"],
        "explode_outer(expr) - As explode, and a row of nulls where there is no element.",
        &[("SELECT explode_outer(array(10, 20))", "10\n20")],
        |call| explode(call, true, false),
    ),
    row(
        "posexplode",
        &["collection"],
        "posexplode(expr) - As explode, with the element's place from 0 in the column `pos`.",
        &[("SELECT posexplode(array(10,20))", "0\t10\n1\t20")],
        |call| explode(call, false, true),
    ),
    row(
        "posexplode_outer",
        &["collection"],
        "posexplode_outer(expr) - As posexplode, and a row of nulls where there is no element.",
        &[("SELECT posexplode_outer(array(10,20))", "0\t10\n1\t20")],
        |call| explode(call, true, true),
    ),
    row(
        "inline",
        &["input"],
        "inline(expr) - A row per struct of the array, a column per field.",
        &[("SELECT inline(array(struct(1, 'a'), struct(2, 'b')))", "1\ta\n2\tb")],
        |call| inline(call, false),
    ),
    row(
        "inline_outer",
        &["input"],
        "inline_outer(expr) - As inline, and a row of nulls where there is no struct.",
        &[("SELECT inline_outer(array(struct(1, 'a'), struct(2, 'b')))", "1\ta\n2\tb")],
        |call| inline(call, true),
    ),
    row(
        "stack",
        &[],
        "stack(n, expr1, ..., exprk) - The values in `n` rows, in columns col0, col1, …; nulls fill the last row.",
        &[("SELECT stack(2, 1, 2, 3)", "1\t2\n3\tNULL")],
        stack,
    ),
    Function {
        name: "json_tuple",
        group: Group::Json,
        parameters: &[],
        usage: "json_tuple(jsonStr, p1, p2, ..., pn) - The values of these fields of the JSON text, as text, in columns c0, c1, …",
        examples: &[("SELECT json_tuple('{\"a\":1, \"b\":2}', 'a', 'b')", "1\t2")],
        build: Build::Generator(json_tuple),
    },
];

fn explode(call: &mut Call<'_>, outer: bool, position: bool) -> Result<Generator> {
    call.arity(1..=1)?;
    let collection = call.arg(0)?;
    let mut columns = Vec::new();
    if position {
        columns.push(("pos".to_owned(), SparkType::Integer, outer));
    }
    match &collection.data_type {
        SparkType::Array(element, nulls) => columns.push(("col".to_owned(), (**element).clone(), *nulls || outer)),
        SparkType::Map(key, value, nulls) => {
            columns.push(("key".to_owned(), (**key).clone(), outer));
            columns.push(("value".to_owned(), (**value).clone(), *nulls || outer));
        }
        _ => return Err(call.unexpected_type(0, &collection, "(\"ARRAY\" or \"MAP\")")),
    }
    Ok(Generator { collection, outer, position, inline: false, columns })
}

fn inline(call: &mut Call<'_>, outer: bool) -> Result<Generator> {
    call.arity(1..=1)?;
    let collection = call.arg(0)?;
    let columns = match &collection.data_type {
        SparkType::Array(element, nulls) => match element.as_ref() {
            SparkType::Struct(fields) => {
                fields.iter().map(|f| (f.name.clone(), f.data_type.clone(), f.nullable || *nulls || outer)).collect()
            }
            _ => return Err(call.unexpected_type(0, &collection, "\"ARRAY<STRUCT>\"")),
        },
        _ => return Err(call.unexpected_type(0, &collection, "\"ARRAY<STRUCT>\"")),
    };
    Ok(Generator { collection, outer, position: false, inline: true, columns })
}

fn stack(call: &mut Call<'_>) -> Result<Generator> {
    if call.len() < 2 {
        return Err(call.wrong_arity("2 or more"));
    }
    let count = call.arg(0)?;
    if count.data_type != SparkType::Integer {
        return Err(call.unexpected_type(0, &count, "\"INT\""));
    }
    let rows = match constant(&count)? {
        None => {
            let reason = format!("the number of rows of `stack` has to be a constant, and \"{}\" is none", count.sql);
            return Err(call.mismatch("DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", reason));
        }
        Some(ScalarValue::Int32(Some(rows))) if rows >= 1 => usize::try_from(rows).unwrap_or(1),
        Some(_) => {
            let reason = format!("`stack` makes 1 row or more, and \"{}\" asks for another number", count.sql);
            return Err(call.mismatch("DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", reason));
        }
    };
    if rows > MAX_STACK {
        let message = format!("`stack` makes {rows} rows, and {MAX_STACK} is the most: use `sequence` and `explode` for many rows");
        return Err(crate::Error::new(crate::ErrorKind::Resources, message));
    }
    let mut values = call.values()?;
    values.remove(0);
    let width = values.len().div_ceil(rows);
    // A column's type is that of its first value that is no bare NULL.
    let mut types: Vec<SparkType> = Vec::with_capacity(width);
    for column in 0..width {
        let mut found = SparkType::Null;
        for value in values.iter().skip(column).step_by(width) {
            if found == SparkType::Null {
                found = value.data_type.clone();
            } else if lattice::same_type(&found, &value.data_type) {
                found = merged(&found, &value.data_type);
            } else if value.data_type != SparkType::Null {
                let reason = format!(
                    "column {column} of `stack` has values of \"{}\" and of \"{}\": cast them to one type",
                    found.sql(),
                    value.data_type.sql()
                );
                return Err(call.mismatch("DATATYPE_MISMATCH.STACK_COLUMN_DIFF_TYPES", reason));
            }
        }
        types.push(found);
    }
    let names: Vec<String> = (0..width).map(|column| format!("col{column}")).collect();
    let mut structs = Vec::with_capacity(rows.min(values.len() + 1));
    let mut remaining = values.into_iter();
    for _ in 0..rows {
        let mut fields = Vec::with_capacity(width);
        for data_type in &types {
            let value = match remaining.next() {
                Some(value) if value.data_type != SparkType::Null || *data_type == SparkType::Null => value,
                _ => Typed::literal(ScalarValue::try_from(&crate::types::to_arrow(data_type))?, data_type.clone(), "NULL"),
            };
            fields.push(Typed { nullable: true, ..value });
        }
        structs.push(struct_value(call, names.clone(), fields));
    }
    let columns: Vec<(String, SparkType, bool)> = names.into_iter().zip(types).map(|(name, data_type)| (name, data_type, true)).collect();
    let mut element = SparkType::Null;
    for value in &structs {
        element = merged(&element, &value.data_type);
    }
    let collection = array_of(call, structs, element);
    Ok(Generator { collection, outer: false, position: false, inline: true, columns })
}
