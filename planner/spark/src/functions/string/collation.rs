//! Collations: text is compared byte by byte, by `UTF8_BINARY`, and by no other.

use arrow::array::{ArrayRef, ListArray, StringArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use std::sync::Arc;

use super::column::{constant_text, row, takes};
use crate::functions::{Build, Call, Function, Generator, Group};
use crate::types::{SparkType, StructField};
use crate::{Result, Sql, Typed};

/// The one collation, with its catalog and schema.
const BINARY: &str = "SYSTEM.BUILTIN.UTF8_BINARY";

pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "collate",
        "collate(expr, collationName) - The text under a collation; UTF8_BINARY is the only one.",
        &[("SELECT collate('Spark', 'UTF8_BINARY')", "Spark")],
        collate,
    ),
    row("collation", "collation(expr) - The name of the text's collation.", &[("SELECT collation('Spark SQL')", BINARY)], |call| {
        call.arity(1..=1)?;
        takes(call, 0, SparkType::is_string, &SparkType::String, "\"STRING\"")?;
        Ok(call.made(datafusion::logical_expr::lit(BINARY), SparkType::String, false))
    }),
    Function {
        name: "collations",
        group: Group::Generator,
        parameters: &[],
        usage: "collations() - The collations that there are, one row each.",
        examples: &[("SELECT NAME FROM collations()", "UTF8_BINARY")],
        build: Build::Generator(collations),
    },
];

fn collate(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    let value = takes(call, 0, SparkType::is_string, &SparkType::String, "\"STRING\"")?;
    let name = call.arg(1)?;
    if !name.data_type.is_string() {
        return Err(call.unexpected_type(1, &name, "\"STRING\""));
    }
    if crate::functions::constant(&name)?.is_none() {
        let message = format!("`collationName` of `collate` has to be a constant, and \"{}\" is none", name.sql);
        return Err(call.refuse("NON_FOLDABLE_ARGUMENT", message));
    }
    let Some(name) = constant_text(call, 1)? else {
        return Err(call.refuse("DATATYPE_MISMATCH.UNEXPECTED_NULL", "`collationName` of `collate` is NULL: give UTF8_BINARY"));
    };
    checked(call, &name)?;
    let sql = Sql::concat(vec!["collate(".into(), value.sql.clone(), format!(", {BINARY})").into()]);
    Ok(Typed { data_type: SparkType::String, ..value }.shown(sql))
}

/// Refuses every collation but the one.
fn checked(call: &Call<'_>, name: &str) -> Result<()> {
    const OTHERS: &[&str] = &["UTF8_LCASE", "UNICODE", "UTF8_BINARY_RTRIM"];
    let plain = name.trim().replace('`', "").to_uppercase();
    let plain = plain.strip_prefix("SYSTEM.BUILTIN.").unwrap_or(&plain);
    if plain == "UTF8_BINARY" {
        return Ok(());
    }
    let is_other = OTHERS.iter().any(|other| plain == *other || plain.starts_with(&format!("{other}_")));
    if is_other {
        let message = format!("the collation {name} is not supported: UTF8_BINARY is the only one");
        return Err(call.refuse("UNSUPPORTED_COLLATION", message));
    }
    Err(call.refuse("COLLATION_INVALID_NAME", format!("there is no collation {name}: UTF8_BINARY is the only one")))
}

/// One row, for the one collation.
fn collations(call: &mut Call<'_>) -> Result<Generator> {
    call.arity(0..=0)?;
    const COLUMNS: [(&str, Option<&str>, bool); 9] = [
        ("CATALOG", Some("SYSTEM"), false),
        ("SCHEMA", Some("BUILTIN"), false),
        ("NAME", Some("UTF8_BINARY"), false),
        ("LANGUAGE", None, true),
        ("COUNTRY", None, true),
        ("ACCENT_SENSITIVITY", Some("ACCENT_SENSITIVE"), false),
        ("CASE_SENSITIVITY", Some("CASE_SENSITIVE"), false),
        ("PAD_ATTRIBUTE", Some("NO_PAD"), false),
        ("ICU_VERSION", None, true),
    ];
    let fields: Vec<StructField> =
        COLUMNS.iter().map(|(name, _, nullable)| StructField::new(*name, SparkType::String).with_nullable(*nullable)).collect();
    let arrow: Fields = fields.iter().map(crate::types::field_of).collect();
    let columns = COLUMNS.iter().map(|(_, value, _)| Arc::new(StringArray::from(vec![*value])) as ArrayRef).collect();
    let items = StructArray::try_new(arrow.clone(), columns, None)?;
    let element = Arc::new(Field::new("element", DataType::Struct(arrow), false));
    let list = ListArray::try_new(element, OffsetBuffer::from_lengths([1]), Arc::new(items), None)?;
    let expr = Expr::Literal(ScalarValue::List(Arc::new(list)), None);
    let data_type = SparkType::Array(Box::new(SparkType::Struct(fields)), false);
    Ok(Generator {
        collection: Typed::new(expr, data_type, false, call.sql()),
        outer: false,
        position: false,
        inline: true,
        columns: COLUMNS.iter().map(|(name, _, nullable)| ((*name).to_owned(), SparkType::String, *nullable)).collect(),
    })
}
