//! Patterns against what Java's formatter does with them.

use super::*;

fn error_of<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn writes_what_java_writes() {
    let zone = TimeZone::parse("America/Los_Angeles").unwrap();
    let micros = 1_599_116_709_123_456; // 2020-09-03T07:05:09.123456Z
    for (pattern, expected) in [
        ("yyyy-MM-dd HH:mm:ss.SSSSSS", "2020-09-03 00:05:09.123456"),
        ("G GGGG", "AD Anno Domini"),
        ("y yy yyy yyyyy", "2020 20 2020 02020"),
        ("E EEEE a", "Thu Thursday AM"),
        ("M MM MMM MMMM L LLL LLLL", "9 09 Sep September 9 Sep September"),
        ("Q QQ QQQ QQQQ", "3 03 Q3 3rd quarter"),
        ("z zzzz VV", "PDT Pacific Daylight Time America/Los_Angeles"),
        ("Z ZZZZ ZZZZZ", "-0700 GMT-07:00 -07:00"),
        ("O OOOO", "GMT-7 GMT-07:00"),
        ("X XX XXX XXXX XXXXX", "-07 -0700 -07:00 -0700 -07:00"),
        ("x xx xxx xxxx xxxxx", "-07 -0700 -07:00 -0700 -07:00"),
        ("F D DDD", "3 247 247"),
        ("h hh H k K KK", "12 12 0 24 0 00"),
        ("S SS SSSSSSSSS", "1 12 123456000"),
        ("'at' yyyy ''[MM]", "at 2020 '09"),
    ] {
        let written = Pattern::compile(pattern, Use::Format).unwrap().format(&Moment::of_timestamp(micros, zone)).unwrap();
        assert_eq!(written, expected, "{pattern}");
    }
    for (zone, expected) in [
        ("+01:00", "+01:00|+01:00|+01:00|GMT+1|+01:00"),
        ("UTC", "UTC|UTC|Coordinated Universal Time|GMT|Z"),
        ("Europe/Berlin", "Europe/Berlin|CEST|Central European Summer Time|GMT+2|+02:00"),
        ("Asia/Kolkata", "Asia/Kolkata|IST|India Standard Time|GMT+5:30|+05:30"),
    ] {
        let moment = Moment::of_timestamp(micros, TimeZone::parse(zone).unwrap());
        assert_eq!(Pattern::compile("VV|z|zzzz|O|XXX", Use::Format).unwrap().format(&moment).unwrap(), expected);
    }
}

#[test]
fn reads_what_java_reads() {
    let utc = TimeZone::utc();
    for (pattern, text, expected) in [
        ("yyyy-MM-dd", "2016-12-31", Some("2016-12-31 00:00:00.000000")),
        ("yyyy-MM-dd", "2016-12-31 ", None),
        ("yyyy-MM-dd", "2016-02-30", None),
        ("yyyyMMdd", "20161231", Some("2016-12-31 00:00:00.000000")),
        ("yyyyMMddHHmmss", "20161231235959", Some("2016-12-31 23:59:59.000000")),
        ("yyMMdd", "161231", Some("2016-12-31 00:00:00.000000")),
        ("yy-M-d", "99-1-2", Some("2099-01-02 00:00:00.000000")),
        ("yyyy-MM-dd HH:mm:ss.SSSSSS", "2016-12-31 01:02:03.12", Some("2016-12-31 01:02:03.120000")),
        ("yyyy-MM-dd HH:mm:ss.SSS", "2016-12-31 01:02:03.1234", None),
        ("yyyy-MM-dd[ HH:mm]", "2016-12-31", Some("2016-12-31 00:00:00.000000")),
        ("yyyy-MM-dd[ HH:mm]", "2016-12-31 10:20", Some("2016-12-31 10:20:00.000000")),
        ("dd MMM yyyy", "03 sep 2020", Some("2020-09-03 00:00:00.000000")),
        ("MMMM d, yyyy", "September 3, 2020", Some("2020-09-03 00:00:00.000000")),
        ("hh:mm a", "01:02 pm", Some("1970-01-01 13:02:00.000000")),
        ("yyyy DDD", "2020 366", Some("2020-12-31 00:00:00.000000")),
        ("yyyy DDD", "2021 366", None),
        ("yyyy-MM-dd HH:mm:ssXXX", "2020-01-01 00:00:00+01:00", Some("2019-12-31 23:00:00.000000")),
        ("yyyy-MM-dd HH:mm:ss z", "2020-01-01 00:00:00 PST", Some("2020-01-01 08:00:00.000000")),
        ("yyyy-MM-dd HH:mm VV", "2020-07-01 00:00 Europe/Berlin", Some("2020-06-30 22:00:00.000000")),
        ("yyyy-MM-dd HH:mm VV", "2020-07-01 00:00 UTC+01:00", Some("2020-06-30 23:00:00.000000")),
        ("y G", "44 BC", Some("-0043-01-01 00:00:00.000000")),
        ("kk", "24", Some("1970-01-01 00:00:00.000000")),
        ("ss", "60", None),
        ("yyyy", "12345", None),
        ("yyyy", "+12345", Some("+12345-01-01 00:00:00.000000")),
        ("MM", "13", None),
        ("K a", "20 AM", None),
        ("kk:K:ss", "23:111:57", Some("1970-01-01 23:00:57.000000")),
        ("O", "GMT+5:90", Some("1969-12-31 17:30:00.000000")),
        ("yyyy-MM-dd'T'HH:mm", "2020-01-02T03:04", Some("2020-01-02 03:04:00.000000")),
    ] {
        let compiled = Pattern::compile(pattern, Use::Parse).unwrap();
        let read = compiled.parse(text).and_then(|parsed| parsed.micros(utc));
        let plain = Pattern::compile("yyyy-MM-dd HH:mm:ss.SSSSSS", Use::Format).unwrap();
        let read = read.ok().map(|micros| plain.format(&Moment::of_timestamp(micros, utc)).unwrap());
        assert_eq!(read.as_deref(), expected, "{pattern} of {text}");
    }
}

#[test]
fn refuses_what_spark_refuses() {
    for (pattern, purpose, condition) in [
        ("YYYY", Use::Format, "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION"),
        ("e", Use::Format, "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_WEEK_BASED_PATTERN"),
        ("E", Use::Parse, "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION"),
        ("A", Use::Format, "INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER"),
        ("q", Use::Parse, "INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER"),
        ("QQQQQ", Use::Format, "INVALID_DATETIME_PATTERN.LENGTH"),
        ("MMMMM", Use::Format, "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION"),
        ("yyyy'", Use::Format, "INVALID_DATETIME_PATTERN.WITH_SUGGESTION"),
        ("b", Use::Format, "INVALID_DATETIME_PATTERN.WITH_SUGGESTION"),
        ("aa", Use::Format, "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION"),
        ("A", Use::ParseNew, "INVALID_DATETIME_PATTERN.WITH_SUGGESTION"),
    ] {
        let error = error_of(Pattern::compile(pattern, purpose));
        assert!(error.contains(&format!("[{condition}]")), "{pattern}: {error}");
    }
}
