//! Types in text, for schemas: DDL, and the JSON in which Spark keeps and sends them.

use serde_json::Value;

use crate::parse::{ParseOptions, parse_data_type, parse_table_schema};
use crate::types::{SparkType, StructField};
use crate::{Result, Settings};

/// A type, the columns of a table as a struct, or Spark's JSON of a type.
///
/// # Errors
/// Those of reading a type, whatever else was tried.
pub(super) fn parse(text: &str, settings: &Settings) -> Result<SparkType> {
    let options = ParseOptions::new(settings)?;
    let table = || parse_table_schema(text, &options).map(SparkType::Struct);
    parse_data_type(text, &options)
        .or_else(|why| table().or_else(|_| serde_json::from_str(text).ok().and_then(|json| of_json(&json, &options)).ok_or(why)))
}

fn of_json(json: &Value, options: &ParseOptions) -> Option<SparkType> {
    let flag = |name: &str| json.get(name).and_then(Value::as_bool).unwrap_or(true);
    let part = |name: &str| json.get(name).and_then(|part| of_json(part, options)).map(Box::new);
    if let Some(name) = json.as_str() {
        return match name {
            "null" => Some(SparkType::Null),
            name => parse_data_type(name, options).ok(),
        };
    }
    match json.get("type")?.as_str()? {
        "array" => Some(SparkType::Array(part("elementType")?, flag("containsNull"))),
        "map" => Some(SparkType::Map(part("keyType")?, part("valueType")?, flag("valueContainsNull"))),
        "struct" => {
            let field = |field: &Value| {
                let data_type = of_json(field.get("type")?, options)?;
                let nullable = field.get("nullable").and_then(Value::as_bool).unwrap_or(true);
                Some(StructField::new(field.get("name")?.as_str()?, data_type).with_nullable(nullable))
            };
            json.get("fields")?.as_array()?.iter().map(field).collect::<Option<Vec<_>>>().map(SparkType::Struct)
        }
        _ => None,
    }
}
