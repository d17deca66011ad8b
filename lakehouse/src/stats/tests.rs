//! What bounds become of the texts that writers put into the log: tables of cases, models of the writers, and our own writer.

use std::sync::Arc;

use arrow::array::{Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::common::ScalarValue;
use proptest::prelude::*;
use serde_json::Value;

use super::FileStats;
use crate::write::{Codec, FileOptions, encode};

type Bounds = (Option<ScalarValue>, Option<ScalarValue>);

/// The bounds of a column of which the log says this.
fn bounds(data_type: &DataType, min: &str, max: &str) -> Bounds {
    let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("c", data_type.clone(), true)]));
    let text = format!(r#"{{"numRecords":2,"minValues":{{"c":{min}}},"maxValues":{{"c":{max}}}}}"#);
    let stats = FileStats::parse(&text, &schema);
    assert_eq!(stats.num_records, Some(2), "{text}");
    let column = stats.columns.get("c").cloned().unwrap_or_default();
    (column.min, column.max)
}

/// Whether a file with these bounds may hold the value.
fn may_hold((min, max): &Bounds, value: &ScalarValue) -> bool {
    let above = min.as_ref().and_then(|min| value.partial_cmp(min)).is_none_or(|order| order.is_ge());
    let below = max.as_ref().and_then(|max| value.partial_cmp(max)).is_none_or(|order| order.is_le());
    above && below
}

/// Asserts that a file of which the log says this may hold each of `held`, and is left out for each of `outside`.
fn check(data_type: &DataType, min: &str, max: &str, held: &[ScalarValue], outside: &[ScalarValue]) {
    let bounds = bounds(data_type, min, max);
    for value in held {
        assert!(may_hold(&bounds, value), "{data_type}, {min} to {max}: {value:?} is lost by {bounds:?}");
    }
    for value in outside {
        assert!(!may_hold(&bounds, value), "{data_type}, {min} to {max}: {value:?} is not told from {bounds:?}");
    }
}

#[test]
fn bounds_of_decimals() {
    // Type, text of both bounds, unscaled values that the file may hold, and some that it cannot.
    type Case = ((u8, i8), &'static str, &'static [i128], &'static [i128]);
    const CASES: &[Case] = &[
        // All digits, as Spark writes them.
        ((10, 2), "12.34", &[1234], &[1233, 1235]),
        ((10, 2), "-0.05", &[-5], &[-6, -4]),
        ((19, 2), "9007199254740993.00", &[900_719_925_474_099_300], &[900_719_925_474_199_300, 900_719_925_473_999_300]),
        ((38, 10), "123456789012.3456789012", &[1_234_567_890_123_456_789_012], &[1_234_567_890_123_400_000_000]),
        (
            (38, 38),
            "0.12345678901234567890123456789012345678",
            &[12_345_678_901_234_567_890_123_456_789_012_345_678],
            &[12_345_678_901_200_000_000_000_000_000_000_000_000],
        ),
        ((38, 0), "99999999999999999999999999999999999999", &[10_i128.pow(38) - 1], &[10_i128.pow(37)]),
        // Java's own text of small ones.
        ((38, 18), "0E-18", &[0], &[-1, 1]),
        ((38, 10), "1E-10", &[1], &[0, 2]),
        ((10, 2), "\"12.34\"", &[1234], &[1233, 1235]),
        // Through a double: deltalake prints its shortest digits, others an exponent, or more digits than there are.
        ((18, 2), "1234567890123456.8", &[123_456_789_012_345_678], &[123_456_789_012_346_678, 123_456_789_012_344_678]),
        ((19, 2), "9007199254740992.0", &[900_719_925_474_099_300], &[900_719_925_474_199_300]),
        ((38, 10), "1.2345678901234567E15", &[12_345_678_901_234_567_800_000_000], &[12_345_678_901_300_000_000_000_000]),
        ((38, 0), "123456789012345683968", &[123_456_789_012_345_678_901], &[123_456_789_013_000_000_000]),
        ((10, 2), "0.30000000000000004", &[30], &[28, 32]),
        ((10, 2), "0.29999999999999999", &[30], &[27, 32]),
        ((38, 0), "1e38", &[10_i128.pow(38) - 1], &[]),
        // Through a float, or with its zeros cut off.
        ((10, 2), "12345679", &[1_234_567_891, 1_234_567_900], &[1_234_567_000, 1_234_569_000]),
        ((10, 2), "1.5", &[150], &[139, 161]),
        // deltalake holds no more than 64 bits of a decimal without a fraction.
        ((38, 0), "9223372036854775807", &[10_i128.pow(30), i64::MAX as i128], &[5]),
        ((38, 0), "-9223372036854775808", &[-(10_i128.pow(30)), i64::MIN as i128], &[5]),
        // Nothing that can be read, or that can be meant.
        ((10, 2), "1e400", &[0, 10_i128.pow(10) - 1], &[]),
        ((10, 2), "0E+999999999", &[0, 1], &[]),
        ((10, 2), "1e-999999999", &[0], &[100]),
        ((10, 2), "\"1.5 EUR\"", &[0, 10_i128.pow(10) - 1], &[]),
        ((10, 2), "\"\"", &[0], &[]),
        ((10, 2), "\".\"", &[0], &[]),
        ((10, 2), "null", &[0], &[]),
        ((10, 2), "{\"x\":1}", &[0], &[]),
        ((10, 2), "true", &[0], &[]),
    ];
    for ((precision, scale), text, held, outside) in CASES {
        let decimals = |units: &[i128]| units.iter().map(|u| ScalarValue::Decimal128(Some(*u), *precision, *scale)).collect::<Vec<_>>();
        check(&DataType::Decimal128(*precision, *scale), text, text, &decimals(held), &decimals(outside));
    }
}

#[test]
fn bounds_of_whole_numbers() {
    let long = |n: i64| ScalarValue::Int64(Some(n));
    let cases = [
        ("9007199254740993", vec![long(9_007_199_254_740_993)], vec![long(9_007_199_254_740_992)]),
        ("9223372036854775807", vec![long(i64::MAX)], vec![long(i64::MAX - 1)]),
        ("\"7\"", vec![long(7)], vec![long(8)]),
        // What went through a double is not the number any more.
        ("9.007199254740992E15", vec![long(9_007_199_254_740_993)], vec![]),
        ("9007199254740992.0", vec![long(9_007_199_254_740_993)], vec![]),
        ("9223372036854775808", vec![long(i64::MAX)], vec![]),
        ("true", vec![long(0)], vec![]),
    ];
    for (text, held, outside) in cases {
        check(&DataType::Int64, text, text, &held, &outside);
    }
    check(&DataType::Int8, "1000", "1000", &[ScalarValue::Int8(Some(5))], &[]);
    check(&DataType::Int16, "-7", "7", &[ScalarValue::Int16(Some(7))], &[ScalarValue::Int16(Some(8)), ScalarValue::Int16(Some(-8))]);
    check(&DataType::Int32, "-7", "7", &[ScalarValue::Int32(Some(7))], &[ScalarValue::Int32(Some(8))]);
    for data_type in [DataType::Boolean, DataType::Binary] {
        assert_eq!(bounds(&data_type, "false", "true"), (None, None), "{data_type}");
        assert_eq!(bounds(&data_type, "\"a\"", "\"b\""), (None, None), "{data_type}");
    }
}

#[test]
fn bounds_of_doubles_and_floats() {
    let double = |x: f64| ScalarValue::Float64(Some(x));
    let float = |x: f32| ScalarValue::Float32(Some(x));
    let exact = 449.491_064_788_738_13_f64;
    // A greatest value is unknown: NaN is greater than all numbers, and writers leave it out.
    let cases = [
        ("449.49106478873813", vec![double(exact)], vec![double(exact.next_down())]),
        ("4.4949106478873813E2", vec![double(exact), double(f64::NAN)], vec![double(exact.next_down())]),
        // Zero has two signs, and one value.
        ("0.0", vec![double(0.0), double(-0.0)], vec![double(-f64::MIN_POSITIVE)]),
        ("-0.0", vec![double(0.0), double(-0.0)], vec![double(-f64::MIN_POSITIVE)]),
        // A file whose column is narrower than the table's prints a float.
        ("0.1", vec![double(0.1), double(f64::from(0.1_f32))], vec![double(0.099)]),
        ("3.4028235E38", vec![double(f64::from(f32::MAX))], vec![double(3.3e38)]),
        ("1.5", vec![double(1.5)], vec![double(1.5_f64.next_down())]),
        // What JSON has no number for stands as text.
        ("\"Infinity\"", vec![double(f64::INFINITY)], vec![double(f64::MAX)]),
        ("\"-Infinity\"", vec![double(f64::NEG_INFINITY)], vec![]),
        ("\"NaN\"", vec![double(f64::NAN), double(1.0), double(f64::INFINITY)], vec![]),
        ("1e999", vec![double(1.0), double(f64::MAX)], vec![]),
        ("null", vec![double(1.0)], vec![]),
    ];
    for (text, held, outside) in cases {
        check(&DataType::Float64, text, text, &held, &outside);
    }
    check(&DataType::Float64, "\"-Infinity\"", "\"Infinity\"", &[double(f64::MIN), double(f64::MAX)], &[]);
    let cases = [
        ("0.1", vec![float(0.1)], vec![float(0.1_f32.next_down())]),
        ("0.10000000149011612", vec![float(0.1)], vec![float(0.1_f32.next_down())]),
        ("-0.0", vec![float(0.0), float(-0.0)], vec![float(-f32::MIN_POSITIVE)]),
        ("\"NaN\"", vec![float(f32::NAN), float(1.0)], vec![]),
        ("1e39", vec![float(1.0), float(f32::MAX)], vec![]),
    ];
    for (text, held, outside) in cases {
        check(&DataType::Float32, text, text, &held, &outside);
    }
}

/// 2024-01-01 00:00:00, in seconds since the Unix epoch.
const NEW_YEAR_S: i64 = 1_704_067_200;

#[test]
fn bounds_of_dates_and_timestamps() {
    let day = |days: i32| ScalarValue::Date32(Some(days));
    check(&DataType::Date32, "\"1970-01-02\"", "\"1970-01-03\"", &[day(1), day(2)], &[day(0), day(3)]);
    check(&DataType::Date32, "\"0001-01-01\"", "\"+10000-01-01\"", &[day(-719_162), day(2_932_897)], &[day(-719_163)]);
    check(&DataType::Date32, "\"1970-01-02T00:00:00Z\"", "\"2.1.1970\"", &[day(-9), day(99)], &[]);

    let after = |us: i64| NEW_YEAR_S * 1_000_000 + us;
    // Text of both bounds; microseconds that the file may hold, and some that it cannot.
    type Case = (&'static str, Vec<i64>, Vec<i64>);
    let common = |text: [&'static str; 4]| -> Vec<Case> {
        let [second, millis, micros, nanos] = text;
        vec![
            (second, vec![after(0), after(999_999)], vec![after(-1), after(1_000_000)]),
            (millis, vec![after(123_000), after(123_999)], vec![after(122_999), after(124_000)]),
            (micros, vec![after(123_456)], vec![after(123_455), after(123_457)]),
            (nanos, vec![after(123_456)], vec![after(123_455), after(123_457)]),
        ]
    };
    let mut zoned =
        common(["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.123Z", "2024-01-01T00:00:00.123456Z", "2024-01-01T00:00:00.123456789Z"]);
    zoned.extend(common([
        "2024-01-01T02:00:00+02:00",
        "2023-12-31T18:30:00.123-05:30",
        "2024-01-01T02:00:00.123456+02:00",
        "2024-01-01T02:00:00.123456789+02:00",
    ]));
    // Shanghai's midnight was 8 h 5 min 43 s before Greenwich's until 1901, New York's 4 h 56 min 2 s after it until 1883; the seconds are
    // not printed.
    zoned.push(("1900-01-01T00:00:00.000+08:05", vec![-2_209_017_943_000_000], vec![-2_209_018_200_000_000, -2_209_017_700_000_000]));
    zoned.push(("1850-01-01T00:00:00.000-04:56", vec![-3_786_807_838_000_000], vec![-3_786_808_200_000_000, -3_786_807_400_000_000]));
    zoned.push(("1960-01-01T00:00:00.000Z", vec![-315_619_200_000_000], vec![-315_619_200_000_001, -315_619_199_999_000]));
    // Without a zone it may be a time of another day.
    zoned.push(("2024-01-01 00:00:00.123", vec![after(-14 * 3_600_000_000), after(14 * 3_600_000_000)], vec![]));
    zoned.push(("yesterday", vec![after(0)], vec![]));
    let mut local =
        common(["2024-01-01 00:00:00", "2024-01-01T00:00:00.123", "2024-01-01 00:00:00.123456", "2024-01-01T00:00:00.123456789"]);
    local.push(("2024-01-01T00:00:00.123Z", vec![after(123_999)], vec![after(122_999), after(124_000)]));
    local.push(("2024-01-01T02:00:00.123+02:00", vec![after(123_000), after(2 * 3_600_000_000)], vec![]));
    for (cases, zone) in [(zoned, Some("UTC")), (local, None)] {
        let zone = zone.map(Arc::<str>::from);
        for (text, held, outside) in cases {
            let times = |us: &[i64]| us.iter().map(|t| ScalarValue::TimestampMicrosecond(Some(*t), zone.clone())).collect::<Vec<_>>();
            let text = format!("\"{text}\"");
            check(&DataType::Timestamp(TimeUnit::Microsecond, zone.clone()), &text, &text, &times(&held), &times(&outside));
        }
    }
}

#[test]
fn bounds_of_texts() {
    let text = |s: &str| ScalarValue::Utf8(Some(s.to_owned()));
    let x = |n: usize| "x".repeat(n);
    let json = |s: &str| Value::from(s).to_string();
    // The least and the greatest as the log has them; texts that the file may hold, and some that it cannot.
    let cases = [
        ("abc".to_owned(), "abd".to_owned(), vec!["abc".to_owned(), "abd".to_owned()], vec!["abb".to_owned(), "abe".to_owned()]),
        // Cut without a mark, at 32 characters or elsewhere.
        (x(32), x(32), vec![x(32), x(32) + "zzz", x(40)], vec!["w".to_owned(), "y".to_owned()]),
        (x(10), x(10), vec![x(10) + "zzz"], vec![x(9), "y".to_owned()]),
        // Cut with Spark's mark, with that of its old releases, and with ours.
        (x(32), x(32) + "\u{7f}", vec![x(40)], vec!["y".to_owned()]),
        (x(32), x(32) + "\u{fffd}", vec![x(40), x(32) + "😀"], vec!["y".to_owned()]),
        (x(32), x(32) + "\u{10ffff}", vec![x(32) + "😀"], vec!["y".to_owned()]),
        // Cut within a character that takes two of Java's.
        (x(31) + "😀", x(31) + "?\u{fffd}", vec![x(31) + "😀y"], vec!["y".to_owned()]),
        (x(7) + "😀", x(7) + "?\u{fffd}", vec![x(7) + "😀y"], vec!["y".to_owned()]),
        // Cut within the bytes of a character.
        (
            "ab\u{fffd}".to_owned(),
            "ab\u{fffd}".to_owned(),
            vec!["abé".to_owned(), "ab😀".to_owned()],
            vec!["aa".to_owned(), "ac".to_owned()],
        ),
        (String::new(), String::new(), vec![String::new(), "z".to_owned()], vec![]),
    ];
    for (min, max, held, outside) in cases {
        let texts = |texts: &[String]| texts.iter().map(|t| text(t)).collect::<Vec<_>>();
        check(&DataType::Utf8, &json(&min), &json(&max), &texts(&held), &texts(&outside));
    }
    // Half a character is no text, and spoils no other column.
    check(&DataType::Utf8, "\"a\\ud83d\"", "\"a\\ud83d\"", &[text(""), text("z")], &[]);
    check(&DataType::Utf8, "7", "7", &[text("1"), text("9")], &[]);
}

#[test]
fn unreadable_statistics_are_unknown() {
    let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("n", DataType::Int8, true)]));
    for text in ["", "[]", r#"{"minValues":{"n":"x"}}"#, r#"{"minValues":{"n":1000}}"#, r#"{"minValues":3}"#, r#"{"minValues":null}"#] {
        assert_eq!(FileStats::parse(text, &schema), FileStats::default(), "{text}");
    }
    // What can be read beside it is read; columns of structs are left alone.
    let text = r#"{"numRecords":3,"minValues":{"n":1.5,"s":{"a":1}},"maxValues":3,"nullCount":{"n":2,"s":{"a":0}},"tightBounds":true}"#;
    let stats = FileStats::parse(text, &schema);
    assert_eq!((stats.num_records, stats.columns.len()), (Some(3), 1));
    assert_eq!((&stats.columns["n"].min, &stats.columns["n"].max, stats.columns["n"].null_count), (&None, &None, Some(2)));
}

#[test]
fn statistics_print_as_delta_has_them_and_bound_what_they_describe() {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let schema: SchemaRef = Arc::new(Schema::new(vec![
        Field::new("n", DataType::Int64, true),
        Field::new("x", DataType::Float64, true),
        Field::new("nan", DataType::Float64, true),
        Field::new("s", DataType::Utf8, true),
        Field::new("at", utc.clone(), true),
        Field::new("d", DataType::Date32, true),
        Field::new("m", DataType::Decimal128(10, 2), true),
        Field::new("wide", DataType::Decimal128(38, 2), true),
        Field::new("none", DataType::Int64, true),
    ]));
    let long = "x".repeat(40);
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        vec![
            Arc::new(Int64Array::from(vec![Some(3), None, Some(-1)])),
            Arc::new(Float64Array::from(vec![1.5, 0.25, 9.0])),
            Arc::new(Float64Array::from(vec![1.5, f64::NAN, 9.0])),
            Arc::new(StringArray::from(vec![Some("a"), Some(long.as_str()), None])),
            Arc::new(TimestampMicrosecondArray::from(vec![1_001, 1_700_000_000_000_001, 5]).with_timezone("UTC")),
            Arc::new(Date32Array::from(vec![0, 1, 2])),
            Arc::new(Decimal128Array::from(vec![150, -205, 0]).with_precision_and_scale(10, 2).unwrap()),
            Arc::new(Decimal128Array::from(vec![150, -205, 0]).with_precision_and_scale(38, 2).unwrap()),
            Arc::new(Int64Array::from(vec![None, None, None])),
        ],
    )
    .unwrap();
    let options = FileOptions { codec: Codec::Snappy, distinct: Vec::new(), durable: false };
    let text = encode(&[batch.clone(), batch.slice(0, 1)], &schema, &options).unwrap().stats;
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["numRecords"], 4);
    assert_eq!(
        (&json["minValues"]["n"], &json["maxValues"]["n"], &json["nullCount"]["n"]),
        (&Value::from(-1), &Value::from(3), &Value::from(1))
    );
    assert_eq!(json["minValues"]["x"], 0.25);
    assert!(json["maxValues"].get("nan").is_none() && json["nullCount"]["nan"] == 0);
    assert_eq!(json["minValues"]["at"], "1970-01-01T00:00:00.000Z");
    assert_eq!(json["maxValues"]["at"], "2023-11-14T22:13:20.001Z");
    assert_eq!(json["maxValues"]["d"], "1970-01-03");
    assert_eq!(json["minValues"]["m"], -2.05);
    assert_eq!((&json["minValues"]["wide"], &json["maxValues"]["wide"]), (&Value::from(-2.05), &Value::from(1.5)));
    assert!(json["minValues"].get("none").is_none() && json["nullCount"]["none"] == 4);
    let max = json["maxValues"]["s"].as_str().unwrap();
    assert!(max > long.as_str() && max.chars().count() == 33);

    let parsed = FileStats::parse(&text, &schema);
    assert_eq!(parsed.num_records, Some(4));
    assert_eq!(parsed.columns["m"].min, Some(ScalarValue::Decimal128(Some(-205), 10, 2)));
    let at_max = parsed.columns["at"].max.clone().unwrap();
    assert!(matches!(at_max, ScalarValue::TimestampMicrosecond(Some(v), _) if v >= 1_700_000_000_000_001));
    assert_eq!(parsed.columns["nan"].max, None);
}

#[test]
fn our_decimals_are_printed_in_full() {
    /// Precision and scale, the least and the greatest unscaled value, and their texts.
    type Case = ((u8, i8), [i128; 2], [&'static str; 2]);
    let cases: &[Case] = &[
        ((10, 2), [-205, 150], ["-2.05", "1.50"]),
        ((5, 5), [-1, 12_345], ["-0.00001", "0.12345"]),
        ((38, 0), [-(10_i128.pow(38) - 1), 7], ["-99999999999999999999999999999999999999", "7"]),
        ((38, 10), [0, 1_234_567_890_123_456_789_012], ["0.0000000000", "123456789012.3456789012"]),
        ((18, 2), [123_456_789_012_345_678; 2], ["1234567890123456.78", "1234567890123456.78"]),
    ];
    for ((precision, scale), units, printed) in cases {
        let data_type = DataType::Decimal128(*precision, *scale);
        let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("d", data_type, true)]));
        let column = Decimal128Array::from(units.to_vec()).with_precision_and_scale(*precision, *scale).unwrap();
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(column)]).unwrap();
        let options = FileOptions { codec: Codec::Snappy, distinct: Vec::new(), durable: false };
        let text = encode(&[batch], &schema, &options).unwrap().stats;
        for (name, number) in ["minValues", "maxValues"].into_iter().zip(printed) {
            let wanted = format!(r#""{name}":{{"d":{number}}}"#);
            assert!(text.contains(&wanted), "{wanted} is not in {text}");
        }
    }
}

/// The decimal types that the models write.
const DECIMALS: [(u8, i8); 11] = [(5, 2), (10, 2), (15, 0), (15, 15), (18, 2), (19, 2), (20, 0), (38, 0), (38, 10), (38, 18), (38, 38)];

/// All digits of a decimal.
fn plain(units: i128, scale: i8) -> String {
    let scale = scale as usize;
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if units < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// Java's `BigDecimal.toString`, which Spark prints: an exponent where the number is small.
fn java(units: i128, scale: i8) -> String {
    let digits = units.unsigned_abs().to_string();
    let exponent = digits.len() as i64 - 1 - i64::from(scale);
    if exponent >= -6 {
        return plain(units, scale);
    }
    let sign = if units < 0 { "-" } else { "" };
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{first}{point}{rest}E{exponent}")
}

/// The double that deltalake prints for a decimal.
fn deltalake(units: i128, precision: u8, scale: i8) -> f64 {
    let double = units as f64 / 10_f64.powi(i32::from(scale));
    let too_long = (double.trunc() as i128).to_string().len() > usize::from(precision) - scale as usize;
    if double.is_normal() && too_long { f64::from_bits(double.to_bits() - 1) } else { double }
}

/// What writers make of a decimal.
fn decimal_texts(units: i128, precision: u8, scale: i8) -> Vec<(&'static str, String)> {
    let all = plain(units, scale);
    let trimmed = if scale == 0 { all.clone() } else { all.trim_end_matches('0').trim_end_matches('.').to_owned() };
    let double = deltalake(units, precision, scale);
    let printed = if scale == 0 { (double.round() as i64).to_string() } else { Value::from(double).to_string() };
    vec![
        ("all digits", all),
        ("zeros cut off", trimmed),
        ("BigDecimal", java(units, scale)),
        ("deltalake", printed),
        ("a double", format!("{double}")),
        ("a double with an exponent", format!("{double:e}")),
        ("a double as Python has it", format!("{double:?}")),
        ("a double of 15 digits", format!("{double:.14e}")),
        ("a double of 17 digits", format!("{double:.16e}")),
        ("a double of the type's digits", format!("{double:.*}", scale as usize)),
        ("a double as text", format!("\"{double}\"")),
    ]
}

/// What writers make of a text: the least and the greatest of a file that holds it alone.
fn text_bounds(value: &str, length: usize) -> Vec<(&'static str, String, String)> {
    let cut: String = value.chars().take(length).collect();
    let next = value.chars().nth(length);
    // Spark before 3.5 counts in halves of characters, of which Java prints a lone one as a question mark.
    let units: Vec<u16> = value.encode_utf16().collect();
    let old = match units.len() > length {
        false => value.to_owned(),
        true => {
            let mark = std::iter::once(0xfffd);
            let kept = units[..length].iter().chain(units[length..].iter().take_while(|unit| **unit >= 0xfffd)).copied();
            char::decode_utf16(kept.chain(mark)).map(|c| c.unwrap_or('?')).collect()
        }
    };
    let mark = match next {
        None => "",
        Some(c) if c < '\u{7f}' => "\u{7f}",
        Some(_) => "\u{10ffff}",
    };
    vec![
        ("whole", value.to_owned(), value.to_owned()),
        ("cut", cut.clone(), cut.clone()),
        ("Spark's old mark", cut.clone(), old),
        ("Spark's mark", cut.clone(), format!("{cut}{mark}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_decimal_lies_within_what_any_writer_makes_of_it(
        (precision, scale) in proptest::sample::select(DECIMALS.to_vec()),
        digits in 0_u32..=38,
        raw in any::<u128>(),
        (nines, negative) in any::<(bool, bool)>(),
    ) {
        let limit = 10_u128.pow(digits.min(u32::from(precision)));
        let size = if nines { limit - 1 - raw % limit.min(3) } else { raw % limit };
        let size = size as i128;
        let units = if negative { -size } else { size };
        let value = ScalarValue::Decimal128(Some(units), precision, scale);
        for (writer, text) in decimal_texts(units, precision, scale) {
            let bounds = bounds(&DataType::Decimal128(precision, scale), &text, &text);
            prop_assert!(may_hold(&bounds, &value), "{}: {} is lost by {}: {:?}", writer, plain(units, scale), text, bounds);
            // All digits leave no more room than a double's rounding takes, so that files are still told apart.
            if writer == "all digits" && size != i64::MAX as i128 && size != -(i64::MIN as i128) {
                let room = (size >> 48) + 1;
                let limit = 10_i128.pow(u32::from(precision)) - 1;
                for far in [units - room, units + room].into_iter().filter(|far| far.abs() <= limit) {
                    let far = ScalarValue::Decimal128(Some(far), precision, scale);
                    prop_assert!(!may_hold(&bounds, &far), "{} is not told from {}: {:?}", text, far, bounds);
                }
            }
        }
    }

    #[test]
    fn a_double_lies_within_what_any_writer_makes_of_it(
        value in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO,
        everyday in -1000.0..1000.0_f64,
    ) {
        for value in [value, everyday] {
            let texts = [Value::from(value).to_string(), format!("{value}"), format!("{value:?}"), format!("{value:e}"), format!("\"{value}\"")];
            for text in texts {
                let bounds = bounds(&DataType::Float64, &text, &text);
                prop_assert!(may_hold(&bounds, &ScalarValue::Float64(Some(value))), "{} of {:?}: {:?}", text, value, bounds);
            }
        }
    }

    #[test]
    fn a_float_lies_within_what_any_writer_makes_of_it(
        value in proptest::num::f32::NORMAL | proptest::num::f32::SUBNORMAL | proptest::num::f32::ZERO,
    ) {
        let wide = f64::from(value);
        for text in [format!("{value}"), format!("{value:e}"), Value::from(wide).to_string(), format!("\"{value}\"")] {
            for (data_type, value) in
                [(DataType::Float32, ScalarValue::Float32(Some(value))), (DataType::Float64, ScalarValue::Float64(Some(wide)))]
            {
                let bounds = bounds(&data_type, &text, &text);
                prop_assert!(may_hold(&bounds, &value), "{} of {:?}: {:?}", text, value, bounds);
            }
        }
    }

    #[test]
    fn a_text_lies_within_what_any_writer_makes_of_it(
        chars in proptest::collection::vec(proptest::sample::select(vec!['a', 'b', '?', '\u{7f}', 'é', '\u{fffd}', '😀']), 0..45),
        length in proptest::sample::select(vec![1_usize, 8, 32]),
    ) {
        let value: String = chars.into_iter().collect();
        for (writer, min, max) in text_bounds(&value, length) {
            let bounds = bounds(&DataType::Utf8, &Value::from(min.as_str()).to_string(), &Value::from(max.as_str()).to_string());
            let value = ScalarValue::Utf8(Some(value.clone()));
            prop_assert!(may_hold(&bounds, &value), "{}: {:?} is lost by {:?} to {:?}: {:?}", writer, value, min, max, bounds);
        }
    }
}
