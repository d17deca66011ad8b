//! The types that a record of CSV has: schema_of_csv.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use datafusion::common::ScalarValue;

use super::convert::Parser;
use crate::functions::json::options::{Options, option_map, shown};
use crate::functions::nested::row;
use crate::functions::{Call, Function, Group, KernelArgs};
use crate::types::number_text::{BigNumber, parse_double};
use crate::types::{SparkType, StructField};
use crate::{Error, Result, Settings, Typed};

/// The rows of this file.
pub(super) const ROWS: &[Function] = &[row(
    "schema_of_csv",
    Group::Csv,
    "schema_of_csv(csv[, options]) - The type of a constant record of CSV, in DDL.",
    &[("SELECT schema_of_csv('1,abc')", "STRUCT<_c0: INT, _c1: STRING>")],
    schema_of_csv,
)];

fn schema_of_csv(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=2)?;
    let (value, text) = call.constant_text("csv")?;
    let mut constants = vec![ScalarValue::Utf8(Some("csv".to_owned())), ScalarValue::Utf8(Some(text))];
    constants.extend(option_map(call, 1)?);
    let made = call.scalar_with(kernel, Vec::new(), constants, SparkType::String, false);
    Ok(shown(call, made, &value))
}

fn kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let Some(ScalarValue::Utf8(Some(text))) = args.constants.get(1) else { return Err(Error::internal("schema_of_csv without text")) };
    let options = Options::of(args.constants.get(2..).unwrap_or_default());
    let ddl = schema(text, &options, args.settings)?.sql();
    Ok(Arc::new(StringArray::from(vec![ddl; args.rows])))
}

fn schema(text: &str, options: &Options, settings: &Settings) -> Result<SparkType> {
    let parser = Parser::new(options, settings)?;
    let prefer_date = options.flag("preferDate", true)?;
    let Some(values) = parser.format.split(text) else {
        return Err(Error::data("`schema_of_csv` was given a text without a record: give one such as '1,abc'"));
    };
    let fields =
        values.iter().enumerate().map(|(i, value)| StructField::new(format!("_c{i}"), infer(value, &parser, prefer_date, settings)));
    Ok(SparkType::Struct(fields.collect()))
}

/// The narrowest type of a text.
pub(super) fn infer(text: &str, parser: &Parser, prefer_date: bool, settings: &Settings) -> SparkType {
    if text.is_empty() || text == parser.format.null() {
        return SparkType::String;
    }
    if text.parse::<i32>().is_ok() {
        return SparkType::Integer;
    }
    if text.parse::<i64>().is_ok() {
        return SparkType::Long;
    }
    if let Some(decimal) = whole_decimal(text) {
        return decimal;
    }
    if parser.special(text).is_some() || (!text.trim().to_lowercase().contains("in") && parse_double(text).is_some()) {
        return SparkType::Double;
    }
    // Dates are inferred from whole dates only, by their pattern.
    if prefer_date && (!parser.formats.default_date() || is_plain_date(text)) && parser.formats.date(text).is_some() {
        return SparkType::Date;
    }
    if settings.timestamp_is_ntz && parser.formats.ntz(text).is_some() {
        return SparkType::TimestampNtz;
    }
    if parser.formats.timestamp(text).is_some() {
        return SparkType::Timestamp;
    }
    if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
        return SparkType::Boolean;
    }
    SparkType::String
}

/// A whole number beyond bigints, as a decimal.
fn whole_decimal(text: &str) -> Option<SparkType> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let precision = BigNumber::parse(text)?.integral_digits();
    u8::try_from(precision).ok().filter(|precision| (1..=38).contains(precision)).map(|precision| SparkType::Decimal(precision, 0))
}

/// `2020-01-31`
fn is_plain_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    matches!(parts.as_slice(), [year, month, day] if year.len() == 4 && month.len() == 2 && day.len() == 2)
        && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_inferred() {
        for (text, expected) in [
            ("1,abc", "STRUCT<_c0: INT, _c1: STRING>"),
            ("12345678901,1.5,true", "STRUCT<_c0: BIGINT, _c1: DOUBLE, _c2: BOOLEAN>"),
            ("2020-01-31,2020-01-31 10:00:00,", "STRUCT<_c0: DATE, _c1: TIMESTAMP, _c2: STRING>"),
            ("12345678901234567890,NaN", "STRUCT<_c0: DECIMAL(20,0), _c1: DOUBLE>"),
        ] {
            assert_eq!(schema(text, &Options::default(), &Settings::default()).unwrap().sql(), expected, "{text}");
        }
    }
}
