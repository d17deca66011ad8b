//! Tables of casts: from text, to text, and between types.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, Decimal128Array, Float64Array, Int64Array, StringArray};

use super::*;
use crate::types::{DayTimeField, StructField, TimeZone, YearMonthField};

fn settings(ansi: bool) -> Settings {
    Settings { ansi, time_zone: TimeZone::parse("America/Los_Angeles").unwrap(), ..Settings::default() }
}

/// What a cast gives: its text, `NULL`, or the condition of its error.
fn run(array: &ArrayRef, from: &SparkType, to: &SparkType, mode: CastMode, ansi: bool) -> String {
    let settings = settings(ansi);
    match cast_array(array, from, to, mode, &settings) {
        Ok(made) => {
            assert_eq!(*made.data_type(), to_arrow(to), "{from} to {to}");
            if made.is_null(0) { "NULL".to_owned() } else { render::text_at(&made, 0, to, &settings).unwrap() }
        }
        Err(error) => error.condition().map(|c| c.name.clone()).unwrap_or_else(|| error.to_string()),
    }
}

fn text(value: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![value]))
}

/// A value made from text, so that tables may say all of them so.
fn value(text_of_it: &str, data_type: &SparkType) -> ArrayRef {
    let made = cast_array(&text(text_of_it), &SparkType::String, data_type, CastMode::Session, &settings(true)).unwrap();
    assert!(made.is_valid(0), "{text_of_it} as {data_type}");
    made
}

use CastMode::{Session, Try};
use SparkType as T;

const DAY: SparkType = T::DayTimeInterval(DayTimeField::Day, DayTimeField::Day);
const SECOND: SparkType = T::DayTimeInterval(DayTimeField::Second, DayTimeField::Second);
const YEAR: SparkType = T::YearMonthInterval(YearMonthField::Year, YearMonthField::Year);

#[test]
fn from_text() {
    let bad = "CAST_INVALID_INPUT";
    for (input, to, ansi, legacy) in [
        ("1", T::Integer, "1", "1"),
        (" +1 ", T::Byte, "1", "1"),
        ("128", T::Byte, bad, "NULL"),
        ("1.5", T::Integer, bad, "1"),
        ("abc", T::Long, bad, "NULL"),
        ("", T::Long, bad, "NULL"),
        ("9223372036854775808", T::Long, bad, "NULL"),
        ("1e5", T::Double, "100000.0", "100000.0"),
        ("-inf", T::Double, "-Infinity", "-Infinity"),
        ("1f", T::Float, "1.0", "1.0"),
        ("x", T::Double, bad, "NULL"),
        ("12.345", T::Decimal(5, 2), "12.35", "12.35"),
        ("-12.345", T::Decimal(5, 2), "-12.35", "-12.35"),
        ("12345", T::Decimal(4, 0), "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", "NULL"),
        ("1e40", T::Decimal(38, 0), "NUMERIC_OUT_OF_SUPPORTED_RANGE", "NULL"),
        ("1x", T::Decimal(4, 0), bad, "NULL"),
        ("T", T::Boolean, "true", "true"),
        (" no ", T::Boolean, "false", "false"),
        ("on", T::Boolean, bad, "NULL"),
        ("2020-1-2", T::Date, "2020-01-02", "2020-01-02"),
        ("today", T::Date, bad, "NULL"),
        ("2020-02-30", T::Date, bad, "NULL"),
        ("2020-07-01 10:00:00.123456Z", T::Timestamp, "2020-07-01 03:00:00.123456", "2020-07-01 03:00:00.123456"),
        ("2020-07-01", T::Timestamp, "2020-07-01 00:00:00", "2020-07-01 00:00:00"),
        ("2020-03-08 02:30:00", T::Timestamp, "2020-03-08 03:30:00", "2020-03-08 03:30:00"),
        ("x", T::Timestamp, bad, "NULL"),
        ("2020-07-01 10:00:00Z", T::TimestampNtz, "2020-07-01 10:00:00", "2020-07-01 10:00:00"),
        ("1:02:03.4", T::Time(6), "01:02:03.4", "01:02:03.4"),
        ("25:00", T::Time(6), bad, "NULL"),
        ("1 day 2 hours", T::CalendarInterval, "1 days 2 hours", "1 days 2 hours"),
        ("1 dayz", T::CalendarInterval, "NULL", "NULL"),
        ("1 2:3:4.5", T::DAY_TIME, "INTERVAL '1 02:03:04.5' DAY TO SECOND", "INTERVAL '1 02:03:04.5' DAY TO SECOND"),
        (
            "1",
            T::DAY_TIME,
            "INVALID_INTERVAL_FORMAT.UNMATCHED_FORMAT_STRING_WITH_NOTICE",
            "INVALID_INTERVAL_FORMAT.UNMATCHED_FORMAT_STRING_WITH_NOTICE",
        ),
        ("-1-2", T::YEAR_MONTH, "INTERVAL '-1-2' YEAR TO MONTH", "INTERVAL '-1-2' YEAR TO MONTH"),
        ("abc", T::Binary, "abc", "abc"),
        ("ab   ", T::Char(3), "ab ", "ab "),
        ("a", T::Char(3), "a  ", "a  "),
        ("abcd", T::Varchar(3), "EXCEED_LIMIT_LENGTH", "EXCEED_LIMIT_LENGTH"),
    ] {
        assert_eq!(run(&text(input), &T::String, &to, Session, true), ansi, "{input:?} as {to}");
        assert_eq!(run(&text(input), &T::String, &to, Session, false), legacy, "{input:?} as {to}, legacy");
        let tried =
            if ansi.contains("_INVALID_") || ansi.contains("_OUT_OF_") || ansi.contains("INTERVAL_FORMAT") || ansi.contains("EXCEED") {
                "NULL"
            } else {
                ansi
            };
        assert_eq!(run(&text(input), &T::String, &to, Try, true), tried, "try {input:?} as {to}");
    }
}

#[test]
fn between_types() {
    let over = "CAST_OVERFLOW";
    let digits = "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION";
    for (input, from, to, ansi, legacy) in [
        ("300", T::Integer, T::Byte, over, "44"),
        ("-129", T::Long, T::Byte, over, "127"),
        ("4294967297", T::Long, T::Integer, over, "1"),
        ("1.9", T::Double, T::Integer, "1", "1"),
        ("-1.9", T::Double, T::Integer, "-1", "-1"),
        ("1e20", T::Double, T::Integer, over, "2147483647"),
        ("70000.5", T::Double, T::Short, over, "4464"),
        ("nan", T::Double, T::Long, over, "0"),
        ("9.3e18", T::Double, T::Long, over, "9223372036854775807"),
        ("127.9", T::Decimal(4, 1), T::Byte, "127", "127"),
        ("128.0", T::Decimal(4, 1), T::Byte, over, "-128"),
        ("123.456", T::Decimal(6, 3), T::Decimal(4, 1), "123.5", "123.5"),
        ("123.456", T::Decimal(6, 3), T::Decimal(3, 1), digits, "NULL"),
        ("100", T::Integer, T::Decimal(4, 2), digits, "NULL"),
        ("1", T::Boolean, T::Decimal(1, 1), digits, "NULL"),
        ("0.1", T::Float, T::Decimal(20, 18), "0.100000001490116120", "0.100000001490116120"),
        ("inf", T::Double, T::Decimal(10, 2), "NULL", "NULL"),
        ("0.1", T::Decimal(2, 1), T::Double, "0.1", "0.1"),
        ("0", T::Double, T::Boolean, "false", "false"),
        ("true", T::Boolean, T::Double, "1.0", "1.0"),
        ("true", T::Boolean, T::Long, "1", "1"),
        ("5", T::Integer, T::Timestamp, "1969-12-31 16:00:05", "1969-12-31 16:00:05"),
        ("1.5", T::Double, T::Timestamp, "1969-12-31 16:00:01.5", "1969-12-31 16:00:01.5"),
        ("nan", T::Double, T::Timestamp, "CAST_INVALID_INPUT", "NULL"),
        ("1.123456789", T::Decimal(20, 9), T::Timestamp, "1969-12-31 16:00:01.123456", "1969-12-31 16:00:01.123456"),
        ("1969-12-31 15:59:59.5", T::Timestamp, T::Long, "-1", "-1"),
        ("2100-01-01", T::Timestamp, T::Integer, over, "NULL"),
        ("1969-12-31 16:00:01.5", T::Timestamp, T::Double, "1.5", "1.5"),
        ("1969-12-31 16:00:01.5", T::Timestamp, T::Decimal(10, 1), "1.5", "1.5"),
        ("2020-07-01 23:00:00", T::Timestamp, T::Date, "2020-07-01", "2020-07-01"),
        ("2020-07-01 23:00:00", T::Timestamp, T::TimestampNtz, "2020-07-01 23:00:00", "2020-07-01 23:00:00"),
        ("2020-07-01 23:00:00", T::TimestampNtz, T::Timestamp, "2020-07-01 23:00:00", "2020-07-01 23:00:00"),
        ("2020-07-01", T::Date, T::Timestamp, "2020-07-01 00:00:00", "2020-07-01 00:00:00"),
        ("2020-07-01", T::Date, T::TimestampNtz, "2020-07-01 00:00:00", "2020-07-01 00:00:00"),
        ("+5000000-01-01", T::Date, T::Timestamp, "DATETIME_OVERFLOW", "DATETIME_OVERFLOW"),
        ("10:00:00.5", T::Time(6), T::Decimal(10, 2), "36000.50", "36000.50"),
        ("10:00:00.5", T::Time(6), T::Time(0), "10:00:00", "10:00:00"),
        ("10:00:00", T::Time(6), T::Short, over, "NULL"),
        ("3", T::Integer, DAY, "INTERVAL '3' DAY", "INTERVAL '3' DAY"),
        ("9223372036854775807", T::Long, DAY, over, over),
        ("1.5", T::Decimal(3, 1), SECOND, "INTERVAL '01.5' SECOND", "INTERVAL '01.5' SECOND"),
        ("3 04:00:00", T::DAY_TIME, DAY, "INTERVAL '3' DAY", "INTERVAL '3' DAY"),
        ("3 04:00:00", T::DAY_TIME, T::Integer, "273600", "273600"),
        ("2-6", T::YEAR_MONTH, YEAR, "INTERVAL '2' YEAR", "INTERVAL '2' YEAR"),
        ("2-6", T::YEAR_MONTH, T::Byte, "30", "30"),
        ("1.5", T::Double, T::String, "1.5", "1.5"),
        ("0.0000001", T::Decimal(8, 7), T::String, "0.0000001", "1E-7"),
        ("12.50", T::Decimal(4, 2), T::String, "12.50", "12.50"),
        ("-1-2", T::YEAR_MONTH, T::String, "INTERVAL '-1-2' YEAR TO MONTH", "INTERVAL '-1-2' YEAR TO MONTH"),
    ] {
        let array = value(input, &from);
        assert_eq!(run(&array, &from, &to, Session, true), ansi, "{input} {from} as {to}");
        assert_eq!(run(&array, &from, &to, Session, false), legacy, "{input} {from} as {to}, legacy");
    }
    // What only legacy mode has.
    assert_eq!(run(&value("7", &T::Short), &T::Short, &T::Binary, Session, false), "\u{0}\u{7}");
    assert_eq!(run(&value("2020-01-01", &T::Date), &T::Date, &T::Integer, Session, false), "NULL");
    assert_eq!(run(&value("true", &T::Boolean), &T::Boolean, &T::Timestamp, Session, false), "1969-12-31 16:00:00.000001");
}

#[test]
fn nested_values() {
    let from = T::Struct(vec![StructField::new("a", T::array(T::String)), StructField::new("m", T::map(T::String, T::Double))]);
    let to = T::Struct(vec![StructField::new("x", T::array(T::Integer)), StructField::new("y", T::map(T::Integer, T::String))]);
    let list = {
        let mut list = arrow::array::ListBuilder::new(arrow::array::StringBuilder::new()).with_field(arrow_item(&T::String));
        list.append_value([Some("1"), None, Some("x")]);
        list.finish()
    };
    let array = {
        let key: ArrayRef = Arc::new(StringArray::from(vec!["1", "2"]));
        let amount: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), None]));
        let arrow::datatypes::DataType::Map(field, _) = to_arrow(&T::map(T::String, T::Double)) else { panic!() };
        let arrow::datatypes::DataType::Struct(pair) = field.data_type() else { panic!() };
        let entries = arrow::array::StructArray::new(pair.clone(), vec![key, amount], None);
        let map = arrow::array::MapArray::new(field, arrow::buffer::OffsetBuffer::from_lengths([2]), entries, None, false);
        let arrow::datatypes::DataType::Struct(fields) = to_arrow(&from) else { panic!() };
        Arc::new(arrow::array::StructArray::new(fields, vec![Arc::new(list), Arc::new(map)], None)) as ArrayRef
    };
    assert_eq!(run(&array, &from, &T::String, Session, true), "{[1, null, x], {1 -> 1.0, 2 -> null}}");
    assert_eq!(run(&array, &from, &to, Session, true), "CAST_INVALID_INPUT");
    assert_eq!(run(&array, &from, &to, Session, false), "{[1, null, null], {1 -> 1.0, 2 -> null}}");
    assert_eq!(run(&array, &from, &to, Try, true), "{[1, null, null], {1 -> 1.0, 2 -> null}}");
    let shown = render::hive_text_at(&array, 0, &from, &settings(true)).unwrap();
    assert_eq!(shown, r#"{"a":["1",null,"x"],"m":{"1":1.0,"2":null}}"#);
}

fn arrow_item(data_type: &SparkType) -> arrow::datatypes::FieldRef {
    crate::types::field_of(&StructField::new("element", data_type.clone()))
}

#[test]
fn what_is_refused() {
    let column = |data_type: &SparkType| Typed::new(datafusion::prelude::col("c"), data_type.clone(), true, "c");
    let (none, conf, function) = (
        "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION",
        "DATATYPE_MISMATCH.CAST_WITH_CONF_SUGGESTION",
        "DATATYPE_MISMATCH.CAST_WITH_FUNC_SUGGESTION",
    );
    for (from, to, mode, ansi, condition) in [
        (T::Date, T::Integer, Session, true, function),
        (T::Integer, T::Date, Session, true, function),
        (T::Integer, T::Date, Session, false, none),
        (T::Boolean, T::Timestamp, Session, true, conf),
        (T::Timestamp, T::Boolean, Session, true, conf),
        (T::Integer, T::Binary, Session, true, conf),
        (T::Integer, T::Binary, Try, true, none),
        (T::Binary, T::Integer, Session, true, none),
        (T::array(T::Integer), T::Integer, Session, true, none),
        (T::Integer, T::Unsupported("variant".to_owned()), Session, true, "UNSUPPORTED_DATATYPE"),
    ] {
        let error = cast(column(&from), &to, mode, &Arc::new(settings(ansi)), None).unwrap_err();
        assert_eq!(error.condition().map(|c| c.name.as_str()), Some(condition), "{from} as {to}");
    }
    // Literals are folded, nulls typed, and columns keep their names.
    let literal = Typed::literal(ScalarValue::Int32(Some(1)), T::Integer, "1");
    let made = cast(literal, &T::String, Session, &Arc::new(settings(true)), None).unwrap();
    assert_eq!(made.as_literal(), Some(&ScalarValue::Utf8(Some("1".to_owned()))));
    assert_eq!(made.column_name(), "CAST(1 AS STRING)");
    let null = Typed::literal(ScalarValue::Null, T::Null, "NULL");
    let made = cast(null, &T::array(T::Date), Session, &Arc::new(settings(true)), None).unwrap();
    assert!(made.nullable && made.as_literal().is_some_and(ScalarValue::is_null));
    let mut named = column(&T::String);
    named.name = Some("C".to_owned());
    let made = cast(named, &T::Date, Try, &Arc::new(settings(true)), None).unwrap();
    assert_eq!((made.column_name().as_str(), made.sql.to_string().as_str()), ("C", "TRY_CAST(c AS DATE)"));
}

#[test]
fn literals_as_spark_shows_them() {
    let settings = settings(true);
    for (input, data_type, name, shown) in [
        ("it's", T::String, "it's", "'it\\'s'"),
        ("1", T::Integer, "1", "1"),
        ("1", T::Long, "1", "1L"),
        ("1.5", T::Double, "1.5", "1.5D"),
        ("1.50", T::Decimal(3, 2), "1.50", "1.50BD"),
        ("2020-01-01", T::Date, "DATE '2020-01-01'", "DATE '2020-01-01'"),
        ("2020-01-01 00:00:00", T::Timestamp, "TIMESTAMP '2020-01-01 00:00:00'", "TIMESTAMP '2020-01-01 00:00:00'"),
        ("1", DAY, "INTERVAL '1' DAY", "INTERVAL '1' DAY"),
    ] {
        let scalar = ScalarValue::try_from_array(&value(input, &data_type), 0).unwrap();
        assert_eq!(render::sql_literal(&scalar, &data_type, &settings), name);
        assert_eq!(render::error_literal(&scalar, &data_type, &settings), shown);
    }
    let bytes = ScalarValue::Binary(Some(vec![0x1f]));
    assert_eq!(render::sql_literal(&bytes, &T::Binary, &settings), "X'1F'");
    let bytes: ArrayRef = Arc::new(BinaryArray::from_vec(vec![b"1F"]));
    assert_eq!(render::pretty_text_at(&bytes, 0, &T::Binary, &settings).unwrap(), "[31 46]");
}

#[test]
fn nulls_and_slices() {
    let array: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(1 << 40)]));
    let made = cast_array(&array.slice(0, 2), &T::Long, &T::Integer, Session, &settings(true)).unwrap();
    assert_eq!((made.len(), made.null_count()), (2, 1));
    let decimals: ArrayRef = Arc::new(Decimal128Array::from(vec![Some(125), None]).with_precision_and_scale(10, 2).unwrap());
    let made = cast_array(&decimals, &T::Decimal(10, 2), &T::Decimal(10, 1), Session, &settings(true)).unwrap();
    assert_eq!(made.as_primitive::<arrow::datatypes::Decimal128Type>().value(0), 13);
}

#[test]
fn casts_run_in_the_engine() {
    let settings = Arc::new(settings(true));
    let column = |of: ScalarValue, data_type: T| {
        // Not a literal, so that the kernel is called.
        let expr = Expr::Alias(datafusion::logical_expr::expr::Alias::new(Expr::Literal(of, None), None::<&str>, "x"));
        Typed::new(expr, data_type, true, "x")
    };
    let bad = cast(column(ScalarValue::from("x"), T::String), &T::Integer, Session, &settings, None).unwrap();
    let error = crate::functions::constant(&bad).unwrap_err();
    assert_eq!(error.condition().map(|c| c.name.as_str()), Some("CAST_INVALID_INPUT"));
    let stored = store_cast(column(ScalarValue::Int64(Some(300)), T::Long), &T::Byte, "b", &settings, None).unwrap();
    let error = crate::functions::constant(&stored).unwrap_err();
    assert_eq!(error.condition().map(|c| c.name.as_str()), Some("CAST_OVERFLOW_IN_TABLE_INSERT"));
    let stored = store_cast(column(ScalarValue::Int64(Some(3)), T::Long), &T::Char(3), "c", &settings, None).unwrap();
    assert_eq!(crate::functions::constant(&stored).unwrap(), Some(ScalarValue::from("3  ")));
    for (of, from, to, want) in [
        (ScalarValue::from("7"), T::String, T::Integer, ScalarValue::Int32(Some(7))),
        (ScalarValue::Int32(Some(7)), T::Integer, T::Decimal(12, 1), ScalarValue::Decimal128(Some(70), 12, 1)),
        (ScalarValue::Int8(Some(7)), T::Byte, T::String, ScalarValue::from("7")),
        (ScalarValue::Boolean(Some(true)), T::Boolean, T::Long, ScalarValue::Int64(Some(1))),
        (ScalarValue::Date32(Some(0)), T::Date, T::String, ScalarValue::from("1970-01-01")),
    ] {
        let made = cast(column(of, from), &to, Session, &settings, None).unwrap();
        assert_eq!(crate::functions::constant(&made).unwrap(), Some(want));
    }
}
