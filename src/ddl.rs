//! Spark's DDL for types and schemas (`"eventId STRING NOT NULL, tags ARRAY<STRING>"`) as Arrow types, for programs that read files and
//! streams.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use tidemill_planner::Result;
use tidemill_spark::Settings;
use tidemill_spark::error::error;
use tidemill_spark::parse::{ParseOptions, parse_data_type, parse_table_schema};
use tidemill_spark::types::{field_of, to_arrow};

/// The schema that a DDL text like `"id BIGINT NOT NULL, tags ARRAY<STRING>"` describes. CHAR and VARCHAR are STRING in it.
///
/// # Errors
/// `Analysis` when the text is not Spark DDL (`PARSE_SYNTAX_ERROR`, `UNSUPPORTED_DATATYPE`), or names two columns alike
/// (`COLUMN_ALREADY_EXISTS`).
pub fn parse_schema(ddl: &str) -> Result<SchemaRef> {
    let fields = parse_table_schema(ddl, &options()?).map_err(|e| e.context(format!("schema `{ddl}`")))?;
    let mut seen = HashMap::new();
    for field in &fields {
        if let Some(first) = seen.insert(field.name.to_lowercase(), &field.name) {
            let message = format!("schema `{ddl}` names a column twice: `{first}` and `{}`", field.name);
            return Err(error("COLUMN_ALREADY_EXISTS", message).with_parameter("columnName", format!("`{}`", field.name)));
        }
    }
    Ok(Arc::new(Schema::new(fields.iter().map(field_of).collect::<Vec<_>>())))
}

/// The type that a DDL text like `"decimal(10,2)"` names. CHAR and VARCHAR are STRING.
///
/// # Errors
/// `Analysis` when it names none: `PARSE_SYNTAX_ERROR`, `UNSUPPORTED_DATATYPE`.
pub fn parse_type(ddl: &str) -> Result<DataType> {
    let data_type = parse_data_type(ddl, &options()?).map_err(|e| e.context(format!("type `{ddl}`")))?;
    Ok(to_arrow(&data_type))
}

/// Lengths of CHAR and VARCHAR bound what is written into tables; files and streams hold text.
fn options() -> Result<ParseOptions> {
    Ok(ParseOptions { char_varchar_as_string: true, ..ParseOptions::new(&Settings::default())? })
}

#[cfg(test)]
mod tests {
    use tidemill_planner::catalog_string::catalog_string;

    use super::*;

    #[test]
    fn types() {
        for (ddl, expected) in [
            ("BIGINT", "bigint"),
            ("long", "bigint"),
            ("decimal(10,2)", "decimal(10,2)"),
            ("DECIMAL", "decimal(10,0)"),
            ("varchar(20)", "string"),
            ("timestamp", "timestamp"),
            ("timestamp_ntz", "timestamp_ntz"),
            ("array<struct<a:int,b:map<string,double>>>", "array<struct<a:int,b:map<string,double>>>"),
            ("STRUCT<a INT NOT NULL, `b c`: DATE COMMENT 'x'>", "struct<a:int,b c:date>"),
        ] {
            assert_eq!(catalog_string(&parse_type(ddl).unwrap()), expected, "{ddl}");
        }
        for (ddl, condition) in [
            ("bigin", "UNSUPPORTED_DATATYPE"),
            ("decimal(40,2)", "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION"),
            ("array<int", "PARSE_SYNTAX_ERROR"),
            ("int(3)", "PARSE_SYNTAX_ERROR"),
            ("", "PARSE_EMPTY_STATEMENT"),
        ] {
            let error = parse_type(ddl).unwrap_err();
            assert_eq!(error.condition().map(|c| c.name.as_str()), Some(condition), "{ddl}: {error}");
        }
    }

    #[test]
    fn schemas() {
        let schema = parse_schema("eventId STRING NOT NULL, dwellMs bigint, `odd name` array<int>").unwrap();
        let shown: Vec<String> =
            schema.fields().iter().map(|f| format!("{} {} {}", f.name(), catalog_string(f.data_type()), f.is_nullable())).collect();
        assert_eq!(shown, ["eventId string false", "dwellMs bigint true", "odd name array<int> true"]);
        let twice = parse_schema("a int, A int").unwrap_err();
        assert!(twice.message().contains("`a` and `A`"), "{twice}");
        assert!(parse_schema("a int b int").is_err());
    }
}
