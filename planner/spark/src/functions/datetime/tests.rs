//! Calls with constant arguments, and what Spark says of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::ScalarValue;

use crate::functions::{Arg, Build, Call, Lambda, LambdaResolver, all, constant, lookup};
use crate::plan::Expression;
use crate::types::datetime_text::{parse_date, parse_time, parse_timestamp, parse_timestamp_ntz};
use crate::types::render::hive_text_at;
use crate::types::{SparkType, UTC};
use crate::{Result, Settings, Typed};

struct NoLambdas;

impl LambdaResolver for NoLambdas {
    fn lambda(&mut self, _: &Expression, _: &[(SparkType, bool)]) -> Result<Lambda> {
        Err(crate::error::error("INTERNAL_ERROR", "no lambdas here"))
    }
}

fn settings(zone: &str, ansi: bool) -> Arc<Settings> {
    let conf: BTreeMap<String, String> =
        [("spark.sql.session.timeZone", zone), ("spark.sql.ansi.enabled", if ansi { "true" } else { "false" })]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
    Arc::new(Settings::from_conf(conf).unwrap())
}

/// A constant: `date:…`, `ts:…`, `ntz:…`, `time:…`, `int:…`, `long:…`, `dec:…` (6 digits), `ym:months`, `dt:micros`, `null`, else text.
fn value(said: &str, settings: &Settings) -> Typed {
    let Some((kind, text)) =
        said.split_once(':').filter(|(kind, _)| ["date", "ts", "ntz", "time", "int", "long", "dec", "ym", "dt"].contains(kind))
    else {
        return if said == "null" {
            Typed::literal(ScalarValue::Null, SparkType::Null, "NULL")
        } else {
            Typed::literal(ScalarValue::Utf8(Some(said.to_owned())), SparkType::String, said)
        };
    };
    let (value, data_type) = match kind {
        "date" => (ScalarValue::Date32(parse_date(text)), SparkType::Date),
        "ts" => (ScalarValue::TimestampMicrosecond(parse_timestamp(text, &settings.time_zone), Some(UTC.into())), SparkType::Timestamp),
        "ntz" => (ScalarValue::TimestampMicrosecond(parse_timestamp_ntz(text, true), None), SparkType::TimestampNtz),
        "time" => (ScalarValue::Time64Nanosecond(parse_time(text)), SparkType::Time(6)),
        "int" => (ScalarValue::Int32(text.parse().ok()), SparkType::Integer),
        "long" => (ScalarValue::Int64(text.parse().ok()), SparkType::Long),
        "dec" => {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            let units: i128 = format!("{whole}{fraction:0<6}").parse().unwrap();
            (ScalarValue::Decimal128(Some(units), 18, 6), SparkType::Decimal(18, 6))
        }
        "ym" => (ScalarValue::IntervalYearMonth(text.parse().ok()), SparkType::YEAR_MONTH),
        _ => (ScalarValue::DurationMicrosecond(text.parse().ok()), SparkType::DAY_TIME),
    };
    Typed::literal(value, data_type, text)
}

/// The result's text, or the error's condition; and how the call is shown.
fn run(name: &str, args: &[&str], settings: &Arc<Settings>) -> (String, String) {
    let row = lookup(name).unwrap_or_else(|| panic!("no function {name}"));
    let Build::Scalar(build) = row.build else { panic!("{name} is no scalar") };
    let mut call = Call {
        name: row.name,
        args: args.iter().map(|arg| Arg::Value(value(arg, settings))).collect(),
        distinct: false,
        filter: None,
        order_by: Vec::new(),
        ignore_nulls: None,
        window: None,
        span: None,
        settings,
        lambdas: &mut NoLambdas,
    };
    let condition = |error: &crate::Error| error.condition().map_or_else(|| error.to_string(), |condition| condition.name.clone());
    let made = match build(&mut call) {
        Ok(made) => made,
        Err(error) => return (condition(&error), String::new()),
    };
    let shown = made.sql.to_string();
    match constant(&made) {
        Ok(Some(scalar)) => {
            let array = scalar.to_array().unwrap();
            assert_eq!(array.data_type(), &crate::types::to_arrow(&made.data_type), "{name}");
            (hive_text_at(&array, 0, &made.data_type, settings).unwrap(), shown)
        }
        Ok(None) => ("not constant".to_owned(), shown),
        Err(error) => (condition(&error), shown),
    }
}

fn check(zone: &str, ansi: bool, cases: &[(&str, &[&str], &str)]) {
    let settings = settings(zone, ansi);
    let mut wrong = Vec::new();
    for (name, args, expected) in cases {
        let (answer, _) = run(name, args, &settings);
        if answer != *expected {
            wrong.push(format!("{name}({}) is {answer}, not {expected}", args.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rows_are_complete() {
    for row in all().into_iter().filter(|row| row.group == crate::functions::Group::Datetime) {
        assert!(!row.examples.is_empty() && row.usage.starts_with(row.name) && row.usage.ends_with('.'), "{}", row.name);
    }
}

#[test]
fn dates() {
    check(
        "America/Los_Angeles",
        true,
        &[
            ("add_months", &["date:2016-08-31", "int:1"], "2016-09-30"),
            ("add_months", &["date:2016-08-31", "int:2147483647"], "ARITHMETIC_OVERFLOW"),
            ("date_add", &["date:2016-07-30", "int:1"], "2016-07-31"),
            ("date_add", &["2016-07-30", "1"], "2016-07-31"),
            ("date_add", &["date:2016-07-30", "long:1"], "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
            ("date_sub", &["ts:2016-07-30 10:00:00", "int:1"], "2016-07-29"),
            ("datediff", &["date:2009-07-31", "date:2009-07-30"], "1"),
            ("last_day", &["date:2009-01-12"], "2009-01-31"),
            ("next_day", &["date:2015-01-14", "TU"], "2015-01-20"),
            ("next_day", &["date:2015-07-23", "thursday"], "2015-07-30"),
            ("next_day", &["date:2015-01-14", "xx"], "ILLEGAL_DAY_OF_WEEK"),
            ("months_between", &["ts:1997-02-28 10:30:00", "ts:1996-10-30 00:00:00"], "3.94959677"),
            ("trunc", &["date:2019-08-04", "week"], "2019-07-29"),
            ("trunc", &["date:2019-08-04", "quarter"], "2019-07-01"),
            ("trunc", &["date:2019-08-04", "day"], "NULL"),
            ("date_trunc", &["HOUR", "ts:2015-03-05 09:32:05.359"], "2015-03-05 09:00:00"),
            ("date_trunc", &["MILLISECOND", "ts:2015-03-05 09:32:05.123456"], "2015-03-05 09:32:05.123"),
            ("date_trunc", &["year", "ts:2015-07-05 09:32:05.123456"], "2015-01-01 00:00:00"),
            ("year", &["date:2016-07-30"], "2016"),
            ("dayofweek", &["date:2009-07-30"], "5"),
            ("weekday", &["date:2009-07-30"], "3"),
            ("weekofyear", &["date:2008-02-20"], "8"),
            ("dayname", &["date:2008-02-20"], "Wed"),
            ("monthname", &["date:2008-02-20"], "Feb"),
            ("hour", &["ts:2018-02-14 12:58:59"], "12"),
            ("hour", &["time:13:59:59.999999"], "13"),
            ("second", &["ntz:2018-02-14 12:58:59.5"], "59"),
            ("date_part", &["SECONDS", "ts:2019-10-01 00:00:01.000001"], "1.000001"),
            ("date_part", &["doy", "date:2019-08-12"], "224"),
            ("date_part", &["month", "ym:263"], "11"),
            ("date_part", &["minute", "dt:86159002001"], "55"),
            ("date_part", &["foo", "date:2019-08-12"], "INVALID_EXTRACT_FIELD"),
            ("date_part", &["year", "time:10:00"], "INVALID_EXTRACT_FIELD"),
            ("date_part", &["null", "date:2019-08-12"], "NULL"),
            ("extract", &["SECOND", "time:09:08:01.000001"], "1.000001"),
            ("unix_date", &["date:1970-01-02"], "1"),
            ("date_from_unix_date", &["int:1"], "1970-01-02"),
            ("year", &[], "WRONG_NUM_ARGS.WITHOUT_SUGGESTION"),
        ],
    );
}

#[test]
fn timestamps() {
    check(
        "America/Los_Angeles",
        true,
        &[
            ("make_date", &["int:2013", "int:7", "int:15"], "2013-07-15"),
            ("make_date", &["int:2013", "int:13", "int:15"], "DATETIME_FIELD_OUT_OF_BOUNDS.WITH_SUGGESTION"),
            ("make_timestamp", &["int:2014", "int:12", "int:28", "int:6", "int:30", "dec:45.887"], "2014-12-28 06:30:45.887"),
            ("make_timestamp", &["int:2014", "int:12", "int:28", "int:6", "int:30", "dec:45.887", "CET"], "2014-12-27 21:30:45.887"),
            ("make_timestamp", &["int:2019", "int:6", "int:30", "int:23", "int:59", "dec:60"], "2019-07-01 00:00:00"),
            ("make_timestamp", &["int:2019", "int:6", "int:30", "int:23", "int:59", "dec:60.5"], "INVALID_FRACTION_OF_SECOND"),
            ("make_timestamp", &["int:2019", "int:6", "int:30", "int:23", "int:59", "dec:1", "x/y"], "INVALID_TIMEZONE"),
            ("make_timestamp", &["date:2014-12-28"], "2014-12-28 00:00:00"),
            ("make_timestamp", &["date:2014-12-28", "time:6:30:45.887", "CET"], "2014-12-27 21:30:45.887"),
            ("make_timestamp_ntz", &["date:2014-12-28", "time:6:30:45.887"], "2014-12-28 06:30:45.887"),
            ("try_make_timestamp", &["int:2024", "int:13", "int:22", "int:15", "int:30", "dec:0"], "NULL"),
            ("timestampadd", &["HOUR", "int:8", "ntz:2022-02-11 20:30:00"], "2022-02-12 04:30:00"),
            ("timestampadd", &["MONTH", "int:1", "ts:2022-01-31 00:00:00"], "2022-02-28 00:00:00"),
            ("timestampadd", &["SECOND", "int:-10", "date:2022-01-01"], "2021-12-31 23:59:50"),
            ("timestampadd", &["YEAR", "long:3000000000", "date:2022-01-01"], "DATETIME_OVERFLOW"),
            ("timestampadd", &["foo", "int:1", "date:2022-01-01"], "INVALID_PARAMETER_VALUE.DATETIME_UNIT"),
            ("timestampdiff", &["MONTH", "ts:2022-01-01 00:00:00", "ts:2022-02-28 00:00:00"], "1"),
            ("timestampdiff", &["HOUR", "ts:2021-03-14 00:00:00", "ts:2021-03-14 12:00:00"], "12"),
            ("from_utc_timestamp", &["ts:2016-08-31", "Asia/Seoul"], "2016-08-31 09:00:00"),
            ("to_utc_timestamp", &["ts:2016-08-31", "Asia/Seoul"], "2016-08-30 15:00:00"),
            ("convert_timezone", &["Europe/Brussels", "America/Los_Angeles", "ntz:2021-12-06 00:00:00"], "2021-12-05 15:00:00"),
            ("convert_timezone", &["Europe/Brussels", "ntz:2021-12-05 15:00:00"], "2021-12-06 00:00:00"),
            ("unix_seconds", &["ts:1970-01-01 00:00:01Z"], "1"),
            ("unix_millis", &["date:1970-01-01"], "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
            ("timestamp_seconds", &["dec:1230219000.123"], "2008-12-25 07:30:00.123"),
            ("timestamp_millis", &["long:1230219000123"], "2008-12-25 07:30:00.123"),
            ("timestamp_millis", &["long:9223372036854775807"], "ARITHMETIC_OVERFLOW"),
            ("unix_timestamp", &["2016-04-08", "yyyy-MM-dd"], "1460098800"),
            ("from_unixtime", &["int:0", "yyyy-MM-dd HH:mm:ss"], "1969-12-31 16:00:00"),
            ("from_unixtime", &["int:0"], "1969-12-31 16:00:00"),
            ("date_format", &["ts:2016-04-08", "y EEE"], "2016 Fri"),
            ("date_format", &["ts:2016-04-08", "YYYY"], "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION"),
            ("to_timestamp", &["2016-12-31", "yyyy-MM-dd"], "2016-12-31 00:00:00"),
            ("to_timestamp", &["2016-12-31 00:12:00"], "2016-12-31 00:12:00"),
            ("to_timestamp", &["foo", "yyyy-MM-dd"], "CANNOT_PARSE_TIMESTAMP"),
            ("try_to_timestamp", &["foo", "yyyy-MM-dd"], "NULL"),
            ("try_to_timestamp", &["foo"], "NULL"),
            ("to_timestamp_ntz", &["2016-12-31 10", "yyyy-MM-dd HH"], "2016-12-31 10:00:00"),
            ("to_date", &["2009-07-30 04:17:52"], "2009-07-30"),
            ("to_date", &["2016-12-31", "yyyy-MM-dd"], "2016-12-31"),
            ("try_to_date", &["foo", "yyyy-MM-dd"], "NULL"),
            ("time_bucket", &["dt:900000000", "ts:2024-01-01 11:27:00"], "2024-01-01 11:15:00"),
            ("time_bucket", &["ym:1", "ts:2024-07-20 14:30:00", "ts:2024-06-15 09:00:00"], "2024-07-15 09:00:00"),
            ("time_bucket", &["dt:0", "ts:2024-01-01 11:27:00"], "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE"),
        ],
    );
    check(
        "UTC",
        false,
        &[
            ("next_day", &["date:2015-01-14", "xx"], "NULL"),
            ("make_date", &["int:2013", "int:13", "int:15"], "NULL"),
            ("to_timestamp", &["foo", "yyyy-MM-dd"], "NULL"),
            ("to_date", &["foo"], "NULL"),
            ("make_time", &["int:25", "int:0", "dec:0"], "DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION"),
        ],
    );
}

#[test]
fn times_and_intervals() {
    check(
        "UTC",
        true,
        &[
            ("make_time", &["int:6", "int:30", "dec:45.887"], "06:30:45.887"),
            ("to_time", &["00:12:00"], "00:12:00"),
            ("to_time", &["12.10.05", "HH.mm.ss"], "12:10:05"),
            ("to_time", &["foo"], "CANNOT_PARSE_TIME"),
            ("to_time", &["foo", "HH"], "CANNOT_PARSE_TIME"),
            ("try_to_time", &["foo", "HH:mm:ss"], "NULL"),
            ("time_diff", &["HOUR", "time:20:30:29", "time:21:30:28"], "0"),
            ("time_diff", &["HOUR", "time:20:30:29", "time:12:00:00"], "-8"),
            ("time_diff", &["DAY", "time:20:30:29", "time:12:00:00"], "INVALID_PARAMETER_VALUE.TIME_UNIT"),
            ("time_trunc", &["MILLISECOND", "time:09:32:05.123456"], "09:32:05.123"),
            ("time_from_seconds", &["dec:52200.5"], "14:30:00.5"),
            ("time_from_seconds", &["int:86400"], "DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION"),
            ("time_to_seconds", &["time:14:30:00.5"], "52200.500000"),
            ("time_to_millis", &["time:14:30:00.5"], "52200500"),
            (
                "make_interval",
                &["int:100", "int:11", "int:1", "int:1", "int:12", "int:30", "dec:1.001001"],
                "100 years 11 months 8 days 12 hours 30 minutes 1.001001 seconds",
            ),
            ("make_interval", &["int:2147483647"], "ARITHMETIC_OVERFLOW"),
            ("try_make_interval", &["int:2147483647"], "NULL"),
            ("make_dt_interval", &["int:1", "int:12", "int:30", "dec:1.001001"], "1 12:30:01.001001000"),
            ("make_ym_interval", &["int:-1", "int:1"], "-0-11"),
            ("make_ym_interval", &["int:178956970", "int:8"], "INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION"),
            ("window", &["ts:2021-01-01 00:04:30", "5 minutes"], "{\"start\":2021-01-01 00:00:00,\"end\":2021-01-01 00:05:00}"),
            (
                "window",
                &["ntz:1969-12-31 23:59:59", "1 minute", "1 minute", "10 seconds"],
                "{\"start\":1969-12-31 23:59:10,\"end\":1970-01-01 00:00:10}",
            ),
            ("window", &["ts:2021-01-01 00:04:30", "1 month"], "_LEGACY_ERROR_TEMP_3231"),
            ("window", &["ts:2021-01-01 00:04:30", "foo"], "CANNOT_PARSE_INTERVAL"),
            ("window", &["ts:2021-01-01 00:04:30", "5 minutes", "10 minutes"], "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION"),
            ("session_window", &["ts:2021-01-01 00:04:30", "5 minutes"], "{\"start\":2021-01-01 00:04:30,\"end\":2021-01-01 00:09:30}"),
        ],
    );
}

#[test]
fn the_policy_for_old_formats() {
    for (policy, text, expected) in [
        ("EXCEPTION", "2020-1-2", "INCONSISTENT_BEHAVIOR_CROSS_VERSION.PARSE_DATETIME_BY_NEW_PARSER"),
        ("EXCEPTION", "foo", "CANNOT_PARSE_TIMESTAMP"),
        ("CORRECTED", "2020-1-2", "CANNOT_PARSE_TIMESTAMP"),
        ("LEGACY", "2020-01-02", "2020-01-02 00:00:00"),
    ] {
        let conf = [("spark.sql.legacy.timeParserPolicy".to_owned(), policy.to_owned())].into();
        let settings = Arc::new(Settings::from_conf(conf).unwrap());
        assert_eq!(run("to_timestamp", &[text, "yyyy-MM-dd"], &settings).0, expected, "{policy} {text}");
    }
}

#[test]
fn texts_of_calls() {
    let settings = settings("UTC", true);
    for (name, args, expected) in [
        ("dateadd", &["date:2016-07-30", "int:1"][..], "date_add(2016-07-30, 1)"),
        ("from_unixtime", &["int:0"], "from_unixtime(0, yyyy-MM-dd HH:mm:ss)"),
        ("unix_timestamp", &[], "unix_timestamp(current_timestamp(), yyyy-MM-dd HH:mm:ss)"),
        ("months_between", &["ts:2020-01-01", "ts:2020-02-01"], "months_between(2020-01-01, 2020-02-01, true)"),
        ("extract", &["YEAR", "date:2020-01-01"], "extract(YEAR FROM 2020-01-01)"),
        ("date_part", &["YEAR", "date:2020-01-01"], "date_part(YEAR, 2020-01-01)"),
        ("curdate", &[], "current_date()"),
        ("current_time", &[], "current_time(6)"),
        ("make_ym_interval", &["int:1"], "make_ym_interval(1, 0)"),
        ("make_interval", &["int:1"], "make_interval(1, 0, 0, 0, 0, 0, 0.000000)"),
        ("timestampadd", &["HOUR", "int:8", "date:2020-01-01"], "timestampadd(HOUR, 8, 2020-01-01)"),
        ("try_to_time", &["foo"], "try_to_time(to_time(foo))"),
        ("time_bucket", &["dt:1", "ts:2020-01-01"], "time_bucket(1, 2020-01-01, TIMESTAMP '1970-01-01 00:00:00')"),
    ] {
        assert_eq!(run(name, args, &settings).1, expected, "{name}");
    }
}
