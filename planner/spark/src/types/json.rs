//! Types as JSON, as Spark's `DataType.json` and `StructType.json` have them: what PySpark and Delta exchange schemas in.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{DayTimeField, SparkType, StructField, YearMonthField};
use crate::error::error;
use crate::parse::{ParseOptions, parse_data_type};
use crate::{Error, Result};

impl SparkType {
    /// The type as JSON: a text for a plain type, an object for a nested one.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Array(element, nulls) => json!({"type": "array", "elementType": element.to_json(), "containsNull": nulls}),
            Self::Map(key, value, nulls) => {
                json!({"type": "map", "keyType": key.to_json(), "valueType": value.to_json(), "valueContainsNull": nulls})
            }
            Self::Struct(fields) => json!({"type": "struct", "fields": fields.iter().map(StructField::to_json).collect::<Vec<_>>()}),
            Self::Byte => "byte".into(),
            Self::Short => "short".into(),
            Self::Integer => "integer".into(),
            Self::Long => "long".into(),
            other => other.to_string().into(),
        }
    }

    /// The type that a JSON value is.
    ///
    /// # Errors
    /// `INVALID_JSON_DATA_TYPE` for what is none.
    pub fn from_json(value: &Value) -> Result<Self> {
        let wrong = || error("INVALID_JSON_DATA_TYPE", format!("`{value}` is no type: see Spark's DataType.json"));
        if let Some(name) = value.as_str() {
            return match name {
                "byte" => Ok(Self::Byte),
                "short" => Ok(Self::Short),
                "integer" => Ok(Self::Integer),
                "long" => Ok(Self::Long),
                // The fields of intervals stand in the text.
                "interval" => Ok(Self::CalendarInterval),
                "interval day to second" => Ok(Self::DayTimeInterval(DayTimeField::Day, DayTimeField::Second)),
                "interval year to month" => Ok(Self::YearMonthInterval(YearMonthField::Year, YearMonthField::Month)),
                name => parse_data_type(name, &ParseOptions::default()).map_err(|_| wrong()),
            };
        }
        let part = |name: &str| value.get(name).ok_or_else(wrong);
        let nulls = |name: &str| part(name)?.as_bool().ok_or_else(wrong);
        match part("type")?.as_str() {
            Some("array") => Ok(Self::Array(Box::new(Self::from_json(part("elementType")?)?), nulls("containsNull")?)),
            Some("map") => Ok(Self::Map(
                Box::new(Self::from_json(part("keyType")?)?),
                Box::new(Self::from_json(part("valueType")?)?),
                nulls("valueContainsNull")?,
            )),
            Some("struct") => {
                let fields = part("fields")?.as_array().ok_or_else(wrong)?;
                Ok(Self::Struct(fields.iter().map(StructField::from_json).collect::<Result<_>>()?))
            }
            _ => Err(wrong()),
        }
    }
}

impl StructField {
    /// The field as JSON.
    pub fn to_json(&self) -> Value {
        json!({"name": self.name, "type": self.data_type.to_json(), "nullable": self.nullable, "metadata": self.metadata})
    }

    /// The field that a JSON object is. Remarks that are no text are kept as JSON.
    ///
    /// # Errors
    /// `INVALID_JSON_DATA_TYPE` for what is none.
    pub fn from_json(value: &Value) -> Result<Self> {
        let wrong = || error("INVALID_JSON_DATA_TYPE", format!("`{value}` is no field of a struct: see Spark's StructType.json"));
        let name = value.get("name").and_then(Value::as_str).ok_or_else(wrong)?;
        let data_type =
            SparkType::from_json(value.get("type").ok_or_else(wrong)?).map_err(|e: Error| e.context(format!("field `{name}`")))?;
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let metadata: BTreeMap<String, String> = match value.get("metadata") {
            None | Some(Value::Null) => BTreeMap::new(),
            Some(remarks) => remarks.as_object().ok_or_else(wrong)?.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
        };
        let nullable = value.get("nullable").and_then(Value::as_bool).unwrap_or(true);
        Ok(Self { name: name.to_owned(), data_type, nullable, metadata })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_go_into_json_and_come_back() {
        for (ddl, expected) in [
            ("bigint", r#""long""#),
            ("decimal(10,2)", r#""decimal(10,2)""#),
            ("varchar(3)", r#""varchar(3)""#),
            ("timestamp_ntz", r#""timestamp_ntz""#),
            ("interval day to minute", r#""interval day to minute""#),
            ("interval year", r#""interval year""#),
            ("time(3)", r#""time(3)""#),
            ("void", r#""void""#),
            ("array<int>", r#"{"containsNull":true,"elementType":"integer","type":"array"}"#),
            (
                "map<string,struct<a:smallint not null comment 'x'>>",
                concat!(
                    r#"{"keyType":"string","type":"map","valueContainsNull":true,"valueType":{"fields":["#,
                    r#"{"metadata":{"comment":"x"},"name":"a","nullable":false,"type":"short"}],"type":"struct"}}"#
                ),
            ),
        ] {
            let data_type = parse_data_type(ddl, &ParseOptions::default()).unwrap();
            assert_eq!(data_type.to_json().to_string(), expected, "{ddl}");
            assert_eq!(SparkType::from_json(&data_type.to_json()).unwrap(), data_type, "{ddl}");
        }
        for wrong in [json!("bigin"), json!(1), json!({"type": "array"}), json!({"type": "struct", "fields": [{"name": "a"}]})] {
            let error = SparkType::from_json(&wrong).unwrap_err();
            assert_eq!(error.condition().map(|c| c.name.as_str()), Some("INVALID_JSON_DATA_TYPE"), "{wrong}");
        }
    }
}
