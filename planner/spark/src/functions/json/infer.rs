//! The type that JSON text has: schema_of_json.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use datafusion::common::ScalarValue;

use super::options::{Options, ReadFormats, option_map, shown};
use super::read::liberties;
use super::token::{Liberties, Malformed, Reader, Token};
use crate::error::error;
use crate::functions::nested::row;
use crate::functions::{Call, Function, Group, KernelArgs, constant};
use crate::types::number_text::BigNumber;
use crate::types::{SparkType, StructField, lattice};
use crate::{Result, Settings, Typed};

/// The rows of this file.
pub(super) const ROWS: &[Function] = &[row(
    "schema_of_json",
    Group::Json,
    "schema_of_json(json[, options]) - The type of constant JSON text, in DDL.",
    &[
        ("SELECT schema_of_json('[{\"col\":0}]')", "ARRAY<STRUCT<col: BIGINT>>"),
        ("SELECT schema_of_json('[{\"col\":01}]', map('allowNumericLeadingZeros', 'true'))", "ARRAY<STRUCT<col: BIGINT>>"),
    ],
    schema_of_json,
)];

impl Call<'_> {
    /// The first argument, which is constant text.
    ///
    /// # Errors
    /// `DATATYPE_MISMATCH.NON_FOLDABLE_INPUT`, `DATATYPE_MISMATCH.UNEXPECTED_NULL`, `DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE`
    pub(in crate::functions) fn constant_text(&self, what: &str) -> Result<(Typed, String)> {
        let value = self.arg(0)?;
        match constant(&value)? {
            None => {
                let reason = format!("`{what}` has to be a constant, and \"{}\" is none", value.sql);
                Err(self.mismatch("DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", reason))
            }
            Some(ScalarValue::Utf8(Some(text))) if value.data_type.is_string() => Ok((value, text)),
            Some(literal) if literal.is_null() => {
                let reason = format!("`{what}` is not null: give a text");
                Err(self.mismatch("DATATYPE_MISMATCH.UNEXPECTED_NULL", reason))
            }
            Some(_) => Err(self.unexpected_type(0, &value, "\"STRING\"")),
        }
    }
}

fn schema_of_json(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=2)?;
    let (value, text) = call.constant_text("json")?;
    let mut constants = vec![ScalarValue::Utf8(Some("json".to_owned())), ScalarValue::Utf8(Some(text))];
    constants.extend(option_map(call, 1)?);
    let made = call.scalar_with(kernel, Vec::new(), constants, SparkType::String, false);
    Ok(shown(call, made, &value))
}

fn kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let Some(ScalarValue::Utf8(Some(text))) = args.constants.get(1) else {
        return Err(crate::Error::internal("schema_of_json without text"));
    };
    let options = Options::of(args.constants.get(2..).unwrap_or_default());
    let inference = Inference::new(&options, args.settings)?;
    let ddl = inference.schema(text)?.sql();
    Ok(Arc::new(StringArray::from(vec![ddl; args.rows])))
}

/// How types are inferred.
struct Inference {
    liberties: Liberties,
    formats: ReadFormats,
    primitives_as_text: bool,
    prefers_decimal: bool,
    timestamps: bool,
    default_ntz: bool,
    drop_nulls: bool,
}

impl Inference {
    fn new(options: &Options, settings: &Settings) -> Result<Self> {
        Ok(Self {
            liberties: liberties(options)?,
            formats: ReadFormats::new(options, settings)?,
            primitives_as_text: options.flag("primitivesAsString", false)?,
            prefers_decimal: options.flag("prefersDecimal", false)?,
            timestamps: options.flag("inferTimestamp", false)?,
            default_ntz: settings.timestamp_is_ntz,
            drop_nulls: options.flag("dropFieldIfAllNull", false)?,
        })
    }

    fn schema(&self, text: &str) -> Result<SparkType> {
        let mut reader = Reader::new(text, self.liberties);
        let inferred = reader.next().and_then(|_| self.value(&mut reader)).map_err(|malformed| {
            error(
                "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
                format!("`schema_of_json` was given `{text}`, which is no JSON: {}", malformed.0),
            )
        })?;
        let empty = || SparkType::Struct(Vec::new());
        Ok(match inferred {
            structure @ SparkType::Struct(_) => self.canonical(structure).unwrap_or_else(empty),
            SparkType::Array(element, nulls) if matches!(*element, SparkType::Struct(_)) => {
                SparkType::Array(Box::new(self.canonical(*element).unwrap_or_else(empty)), nulls)
            }
            other => self.canonical(other).unwrap_or(SparkType::String),
        })
    }

    fn value(&self, reader: &mut Reader<'_>) -> std::result::Result<SparkType, Malformed> {
        if reader.current() == Some(Token::Name) {
            reader.next()?;
        }
        Ok(match reader.current() {
            None | Some(Token::Null) => SparkType::Null,
            // Empty text may stand for null.
            Some(Token::Text) if reader.value().is_empty() => SparkType::Null,
            Some(Token::Text) => self.text(reader.value()),
            Some(Token::StartObject) => {
                let mut fields = Vec::new();
                while reader.next_until(Token::EndObject)? {
                    let name = reader.value().to_owned();
                    fields.push(StructField::new(name, self.value(reader)?));
                }
                fields.sort_by(|a, b| a.name.cmp(&b.name));
                SparkType::Struct(fields)
            }
            Some(Token::StartArray) => {
                let mut element = SparkType::Null;
                while reader.next_until(Token::EndArray)? {
                    element = compatible(element, self.value(reader)?);
                }
                SparkType::array(element)
            }
            Some(Token::Int | Token::Float | Token::True | Token::False) if self.primitives_as_text => SparkType::String,
            Some(Token::True | Token::False) => SparkType::Boolean,
            Some(Token::Int) if reader.value().parse::<i64>().is_ok() => SparkType::Long,
            Some(Token::Int) => decimal(reader.value()).unwrap_or(SparkType::Double),
            Some(Token::Float) if self.prefers_decimal => decimal(reader.value()).unwrap_or(SparkType::Double),
            Some(Token::Float) => SparkType::Double,
            Some(Token::Name | Token::EndObject | Token::EndArray) => SparkType::String,
        })
    }

    fn text(&self, text: &str) -> SparkType {
        if self.prefers_decimal
            && let Some(decimal) = decimal(&text.replace(',', ""))
        {
            return decimal;
        }
        if self.timestamps {
            if self.default_ntz && self.formats.ntz(text).is_some() {
                return SparkType::TimestampNtz;
            }
            if self.formats.timestamp(text).is_some() {
                return SparkType::Timestamp;
            }
        }
        SparkType::String
    }

    /// Without empty structs, and with text for what is null throughout.
    fn canonical(&self, data_type: SparkType) -> Option<SparkType> {
        match data_type {
            SparkType::Array(element, nulls) => Some(SparkType::Array(Box::new(self.canonical(*element)?), nulls)),
            SparkType::Struct(fields) => {
                let fields: Vec<StructField> = fields
                    .into_iter()
                    .filter(|field| !field.name.is_empty())
                    .filter_map(|field| Some(StructField { data_type: self.canonical(field.data_type)?, ..field }))
                    .collect();
                (!fields.is_empty()).then_some(SparkType::Struct(fields))
            }
            SparkType::Null => (!self.drop_nulls).then_some(SparkType::String),
            other => Some(other),
        }
    }
}

/// The decimal that holds a number.
fn decimal(text: &str) -> Option<SparkType> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    BigNumber::parse(text)?;
    let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let precision = i64::try_from(digits.trim_start_matches('0').len().max(1)).ok()?;
    let scale = i64::try_from(fraction).ok()? - exponent.parse::<i64>().ok()?;
    let precision = precision.max(scale);
    if scale < 0 || precision > 38 {
        return None;
    }
    Some(SparkType::Decimal(u8::try_from(precision).ok()?, u8::try_from(scale).ok()?))
}

/// The type of values of both.
fn compatible(left: SparkType, right: SparkType) -> SparkType {
    if let (SparkType::Struct(ls), SparkType::Struct(rs)) = (&left, &right)
        && left != right
    {
        let mut fields: Vec<StructField> = Vec::new();
        for field in ls.iter().chain(rs) {
            match fields.iter_mut().find(|known| known.name == field.name) {
                Some(known) if !ls.iter().any(|l| std::ptr::eq(l, field)) => {
                    known.data_type = compatible(known.data_type.clone(), field.data_type.clone());
                }
                _ => fields.push(field.clone()),
            }
        }
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        return SparkType::Struct(fields);
    }
    if let Some(common) = lattice::tightest_common_type(&left, &right, false) {
        return common;
    }
    match (left, right) {
        (SparkType::Double, SparkType::Decimal(..)) | (SparkType::Decimal(..), SparkType::Double) => SparkType::Double,
        (SparkType::Decimal(p1, s1), SparkType::Decimal(p2, s2)) => {
            let (scale, range) = (s1.max(s2), (p1.saturating_sub(s1)).max(p2.saturating_sub(s2)));
            if u16::from(range) + u16::from(scale) > 38 { SparkType::Double } else { SparkType::Decimal(range + scale, scale) }
        }
        (SparkType::Array(l, ln), SparkType::Array(r, rn)) => SparkType::Array(Box::new(compatible(*l, *r)), ln || rn),
        (whole, SparkType::Decimal(p, s)) | (SparkType::Decimal(p, s), whole) if whole.is_integral() => {
            let digits = if whole == SparkType::Long { 20 } else { 10 };
            compatible(SparkType::Decimal(digits, 0), SparkType::Decimal(p, s))
        }
        (SparkType::Timestamp, SparkType::TimestampNtz) | (SparkType::TimestampNtz, SparkType::Timestamp) => SparkType::Timestamp,
        _ => SparkType::String,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_inferred() {
        let inference = Inference::new(&Options::default(), &Settings::default()).unwrap();
        for (json, expected) in [
            (r#"[{"col":0}]"#, "ARRAY<STRUCT<col: BIGINT>>"),
            (r#"{"b":1.5,"a":"x","c":null,"d":{}}"#, "STRUCT<a: STRING, b: DOUBLE, c: STRING>"),
            (r#"[1, 2.5]"#, "ARRAY<DOUBLE>"),
            (r#"[{"a":1},{"b":true}]"#, "ARRAY<STRUCT<a: BIGINT, b: BOOLEAN>>"),
            (r#"{"a":12345678901234567890}"#, "STRUCT<a: DECIMAL(20,0)>"),
            ("{}", "STRUCT<>"),
            ("1", "BIGINT"),
            (r#"[1,"a"]"#, "ARRAY<STRING>"),
        ] {
            assert_eq!(inference.schema(json).unwrap().sql(), expected, "{json}");
        }
        assert!(inference.schema("{").is_err());
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        assert!(inference.schema(&deep).unwrap().sql().starts_with("ARRAY<ARRAY<"));
    }
}
