//! Calls of the functions over text, hashes and URLs with constants, and what Spark answers: by Spark's own descriptions of them.

use std::sync::Arc;

use datafusion::common::ScalarValue;

use crate::functions::{Arg, Build, Call, Lambda, LambdaResolver, lookup};
use crate::plan::Expression;
use crate::types::{SparkType, render};
use crate::{Result, Settings, Typed};

struct NoLambdas;

impl LambdaResolver for NoLambdas {
    fn lambda(&mut self, _: &Expression, _: &[(SparkType, bool)]) -> Result<Lambda> {
        Err(crate::error::error("INTERNAL_ERROR", "no lambdas here"))
    }
}

/// A constant argument: `null`, `x:6162` (bytes), `d:1.25` (a decimal), `f:1.5` (a double), `l:5` (a bigint), `t:text`, a number, or text.
fn constant(text: &str) -> Typed {
    let (value, data_type) = match text.split_once(':') {
        Some(("x", digits)) => (ScalarValue::Binary(hex::decode(digits).ok()), SparkType::Binary),
        Some(("f", number)) => (ScalarValue::Float64(number.parse().ok()), SparkType::Double),
        Some(("l", number)) => (ScalarValue::Int64(number.parse().ok()), SparkType::Long),
        Some(("b", flag)) => (ScalarValue::Boolean(flag.parse().ok()), SparkType::Boolean),
        Some(("d", number)) => {
            let scale = number.split_once('.').map_or(0, |(_, fraction)| fraction.len());
            let digits = number.replace('.', "");
            let (precision, scale) = (digits.trim_start_matches('-').len().max(1) as u8, scale as u8);
            (ScalarValue::Decimal128(digits.parse().ok(), precision, scale as i8), SparkType::Decimal(precision, scale))
        }
        Some(("t", text)) => (ScalarValue::Utf8(Some(text.to_owned())), SparkType::String),
        _ if text == "null" => (ScalarValue::Null, SparkType::Null),
        _ => match text.parse::<i32>() {
            Ok(number) => (ScalarValue::Int32(Some(number)), SparkType::Integer),
            Err(_) => (ScalarValue::Utf8(Some(text.to_owned())), SparkType::String),
        },
    };
    Typed::literal(value, data_type, text)
}

fn call(name: &str, args: Vec<Typed>, settings: Settings) -> Result<Typed> {
    let row = lookup(name).ok_or_else(|| crate::error::error("UNRESOLVED_ROUTINE", name))?;
    let Build::Scalar(build) = row.build else { return Err(crate::error::error("INTERNAL_ERROR", "not a scalar")) };
    let settings = Arc::new(settings);
    build(&mut Call {
        name: row.name,
        args: args.into_iter().map(Arg::Value).collect(),
        distinct: false,
        filter: None,
        order_by: Vec::new(),
        ignore_nulls: None,
        window: None,
        span: None,
        settings: &settings,
        lambdas: &mut NoLambdas,
    })
}

fn answer(name: &str, args: Vec<Typed>, settings: &Settings) -> Result<String> {
    let made = call(name, args, settings.clone())?;
    let value = crate::functions::constant(&made)?.unwrap_or(ScalarValue::Null);
    assert_eq!(value.data_type(), crate::types::to_arrow(&made.data_type), "{name}");
    if value.is_null() {
        return Ok("NULL".to_owned());
    }
    render::hive_text_at(&value.to_array()?, 0, &made.data_type, settings)
}

/// The answer, or the condition of the error.
fn eval(name: &str, args: &[&str], settings: &Settings) -> String {
    match answer(name, args.iter().map(|arg| constant(arg)).collect(), settings) {
        Ok(text) => text,
        Err(problem) => {
            let text = problem.to_string();
            text.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or(text.clone(), |(condition, _)| format!("!{condition}"))
        }
    }
}

#[test]
fn answers() {
    let settings = Settings::default();
    for (name, args, wanted) in [
        ("upper", &["sparkß"][..], "SPARKSS"),
        ("ascii", &["222"], "50"),
        ("ascii", &[""], "0"),
        ("chr", &["65"], "A"),
        ("char", &["-1"], ""),
        ("length", &["x:537061726b"], "5"),
        ("length", &["äö "], "3"),
        ("bit_length", &["ä"], "16"),
        ("octet_length", &["null"], "NULL"),
        ("levenshtein", &["kitten", "sitting"], "3"),
        ("levenshtein", &["kitten", "sitting", "2"], "-1"),
        ("soundex", &["Miller"], "M460"),
        ("luhn_check", &["79927398713"], "true"),
        ("sentences", &["Hi there! Good morning."], r#"[["Hi","there"],["Good","morning"]]"#),
        ("substring", &["Spark SQL", "5"], "k SQL"),
        ("substr", &["Spark SQL", "-3"], "SQL"),
        ("substring", &["x:616263", "2", "1"], "b"),
        ("left", &["Spark SQL", "3"], "Spa"),
        ("right", &["Spark SQL", "3"], "SQL"),
        ("right", &["Spark SQL", "0"], ""),
        ("right", &["null", "0"], "NULL"),
        ("substring_index", &["www.apache.org", ".", "-2"], "apache.org"),
        ("trim", &["    SparkSQL   "], "SparkSQL"),
        ("trim", &["SL", "SSparkSQLS"], "parkSQ"),
        ("ltrim", &["SL", "SSparkSQLS"], "parkSQLS"),
        ("rtrim", &["LQSa", "SSparkSQLS"], "SSpark"),
        ("btrim", &["SSparkSQLS", "SL"], "parkSQ"),
        ("contains", &["Spark SQL", "null"], "NULL"),
        ("contains", &["x:537061", "x:7061"], "true"),
        ("startswith", &["Spark SQL", "Spark"], "true"),
        ("endswith", &["x:537061", "x:7061"], "true"),
        ("instr", &["SparkSQL", "SQL"], "6"),
        ("locate", &["bar", "foobarbar", "5"], "7"),
        ("locate", &["bar", "foobarbar", "null"], "0"),
        ("position", &["bar", "foobarbar"], "4"),
        ("find_in_set", &["ab", "abc,b,ab,c,def"], "3"),
        ("replace", &["ABCabc", "abc", "DEF"], "ABCDEF"),
        ("replace", &["ABCabc", "abc"], "ABC"),
        ("overlay", &["Spark SQL", "tructured", "2", "4"], "Structured SQL"),
        ("overlay", &["Spark SQL", "ANSI ", "7", "0"], "Spark ANSI SQL"),
        ("overlay", &["x:616263", "x:5f", "2"], "a_c"),
        ("overlay", &["abc", "x:5f", "2"], "!DATATYPE_MISMATCH.DATA_DIFF_TYPES"),
        ("translate", &["AaBbCc", "abc", "12"], "A1B2C"),
        ("initcap", &["sPark sql"], "Spark Sql"),
        ("quote", &["Don't"], r"'Don\'t'"),
        ("mask", &["abcd-EFGH-8765-4321"], "xxxx-XXXX-nnnn-nnnn"),
        ("mask", &["AbCD123-@$#", "null", "q", "d", "o"], "AqCDdddoooo"),
        ("mask", &["null", "null", "null", "null", "o"], "NULL"),
        ("mask", &["a", "QQ"], "!DATATYPE_MISMATCH.INPUT_SIZE_NOT_ONE"),
        ("mask", &["1"], "!DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
        ("concat", &["Spark", "1"], "Spark1"),
        ("concat", &["a", "null"], "NULL"),
        ("concat", &["x:61", "x:62"], "ab"),
        ("concat", &[], ""),
        ("concat_ws", &["/", "foo", "null", "bar"], "foo/bar"),
        ("concat_ws", &["null", "a"], "NULL"),
        ("concat_ws", &["s"], ""),
        ("elt", &["2", "a", "1"], "1"),
        ("elt", &["3", "a", "1"], "!INVALID_ARRAY_INDEX"),
        ("elt", &["1"], "!WRONG_NUM_ARGS.WITHOUT_SUGGESTION"),
        ("repeat", &["123", "2"], "123123"),
        ("repeat", &["123", "-2"], ""),
        ("repeat", &["123", "2147483647"], "!COLLECTION_SIZE_LIMIT_EXCEEDED.FUNCTION"),
        ("space", &["2"], "  "),
        ("lpad", &["hi", "5", "??"], "???hi"),
        ("lpad", &["hi", "1", "??"], "h"),
        ("rpad", &["hi", "5"], "hi   "),
        ("rpad", &["x:6162", "3", "x:63"], "abc"),
        ("lpad", &["x:6162", "4", "x:6364"], "cdab"),
        ("reverse", &["Spark SQL"], "LQS krapS"),
        ("split", &["oneAtwoBthreeC", "[ABC]"], r#"["one","two","three",""]"#),
        ("split", &["abc", ""], r#"["a","b","c"]"#),
        ("split", &["abc", "", "2"], r#"["a","bc"]"#),
        ("split_part", &["11.12.13", ".", "3"], "13"),
        ("split_part", &["11.12.13", ".", "-1"], "13"),
        ("split_part", &["11.12.13", ".", "9"], ""),
        ("split_part", &["11.12.13", ".", "0"], "!INVALID_INDEX_OF_ZERO"),
        ("regexp_extract", &["100-200", r"(\d+)-(\d+)", "2"], "200"),
        ("regexp_extract", &["100-200", r"(\d+)", "3"], "!INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX"),
        ("regexp_extract", &["100-200", "("], "!INVALID_PARAMETER_VALUE.PATTERN"),
        ("regexp_extract", &["foo", r"(\d+)", "9"], ""),
        ("regexp_extract_all", &["100-200, 300-400", r"(\d+)-(\d+)"], r#"["100","300"]"#),
        ("regexp_replace", &["100-200", r"(\d+)", "num"], "num-num"),
        ("regexp_replace", &["aaa", "a", "b", "2"], "abb"),
        ("regexp_replace", &["aaa", "a", "b", "0"], "!DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE"),
        ("regexp_replace", &["aaa", "a", "$1"], "!INVALID_REGEXP_REPLACE"),
        ("regexp_count", &["Steven Jones and Stephen Smith", "Ste(v|ph)en"], "2"),
        ("regexp_substr", &["Steven Jones", "Jeck"], "NULL"),
        ("regexp_instr", &["user@spark.apache.org", "@[^.]*"], "5"),
        ("encode", &["abc", "utf-16"], "\u{FFFD}\u{FFFD}\0a\0b\0c"),
        ("encode", &["ä", "us-ascii"], "!MALFORMED_CHARACTER_CODING"),
        ("encode", &["ä", "latin2"], "!INVALID_PARAMETER_VALUE.CHARSET"),
        ("decode", &["x:616263", "utf-8"], "abc"),
        ("decode", &["2", "1", "Southlake", "2", "San Francisco", "t:no"], "San Francisco"),
        ("decode", &["6", "1", "Southlake"], "NULL"),
        ("decode", &["null", "6", "Spark", "null", "SQL"], "SQL"),
        ("base64", &["Spark SQL"], "U3BhcmsgU1FM"),
        ("unbase64", &["U3BhcmsgU1FM"], "Spark SQL"),
        ("unhex", &["537061726B2053514C"], "Spark SQL"),
        ("unhex", &["GG"], "NULL"),
        ("to_binary", &["abc", "utf-8"], "abc"),
        ("to_binary", &["GG"], "!CONVERSION_INVALID_INPUT"),
        ("to_binary", &["GG", "zip"], "!DATATYPE_MISMATCH.INVALID_ARG_VALUE"),
        ("try_to_binary", &["a!", "base64"], "NULL"),
        ("try_to_binary", &["a", "zip"], "NULL"),
        ("is_valid_utf8", &["x:80"], "false"),
        ("make_valid_utf8", &["x:61C262"], "a\u{FFFD}b"),
        ("validate_utf8", &["x:80"], "!INVALID_UTF8_STRING"),
        ("try_validate_utf8", &["x:80"], "NULL"),
        ("hex", &["17"], "11"),
        ("hex", &["Spark SQL"], "537061726B2053514C"),
        ("hex", &["-1"], "FFFFFFFFFFFFFFFF"),
        ("hex", &["x:00ff"], "00FF"),
        ("bin", &["13"], "1101"),
        ("conv", &["t:100", "2", "10"], "4"),
        ("conv", &["-10", "16", "-10"], "-16"),
        ("to_number", &["t:12,454.8-", "99,999.9S"], "-12454.8"),
        ("to_number", &["t:x", "t:99"], "!INVALID_FORMAT.MISMATCH_INPUT"),
        ("try_to_number", &["t:x", "t:99"], "NULL"),
        ("to_number", &["t:x", "t:"], "!INVALID_FORMAT.EMPTY"),
        ("to_char", &["d:-12454.8", "99G999D9S"], "12,454.8-"),
        ("to_char", &["454", "t:999"], "454"),
        ("to_char", &["d:78.12", "$99.99"], "$78.12"),
        ("to_varchar", &["x:537061", "hex"], "537061"),
        ("to_char", &["x:537061", "zip"], "!INVALID_PARAMETER_VALUE.BINARY_FORMAT"),
        ("format_number", &["d:12332.123456", "4"], "12,332.1235"),
        ("format_number", &["d:12332.123456", "##################.###"], "12332.123"),
        ("format_number", &["f:-0.5", "0"], "-0"),
        ("format_number", &["5", "-1"], "NULL"),
        ("format_number", &["t:5", "1"], "!DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
        ("format_string", &["Hello World %d %s", "100", "days"], "Hello World 100 days"),
        ("printf", &["%s %s", "f:1", "b:true"], "1.0 true"),
        ("format_string", &["%0$s", "1"], "!INVALID_PARAMETER_VALUE.ZERO_INDEX"),
        ("collation", &["Spark SQL"], "SYSTEM.BUILTIN.UTF8_BINARY"),
        ("collate", &["a", "UTF8_BINARY"], "a"),
        ("collate", &["a", "UNICODE_CI"], "!UNSUPPORTED_COLLATION"),
        ("collate", &["a", "nothing"], "!COLLATION_INVALID_NAME"),
        ("url_encode", &["https://spark.apache.org"], "https%3A%2F%2Fspark.apache.org"),
        ("url_decode", &["https%3A%2F%2Fspark.apache.org"], "https://spark.apache.org"),
        ("url_decode", &["%2"], "!CANNOT_DECODE_URL"),
        ("try_url_decode", &["%2"], "NULL"),
        ("parse_url", &["http://spark.apache.org/path?query=1", "QUERY", "query"], "1"),
        ("parse_url", &["http://spark.apache.org/path?query=1", "FILE"], "/path?query=1"),
        ("parse_url", &["inva lid://spark.apache.org/path?query=1", "QUERY"], "!INVALID_URL"),
        ("try_parse_url", &["inva lid://spark.apache.org/path?query=1", "QUERY"], "NULL"),
        ("md5", &["Spark"], "8cde774d6f7333752ed72cacddb05126"),
        ("sha1", &["Spark"], "85f5955f4b27a9a4c2aab6ffe5d7189fc298b92c"),
        ("sha2", &["Spark", "256"], "529bc3b07127ecb7e53a4dcf1991d9152c24537d919178022b2c42657f79a26b"),
        ("sha2", &["Spark", "1"], "NULL"),
        ("crc32", &["Spark"], "1557323817"),
        ("hash", &["null"], "42"),
        ("xxhash64", &["null"], "42"),
    ] {
        assert_eq!(eval(name, args, &settings), wanted, "{name}{args:?}");
    }
    let legacy = Settings { ansi: false, ..Settings::default() };
    for (name, args, wanted) in [
        ("elt", &["3", "a", "1"][..], "NULL"),
        ("parse_url", &["inva lid://x", "HOST"], "NULL"),
        ("conv", &["99999999999999999999", "10", "10"], "18446744073709551615"),
    ] {
        assert_eq!(eval(name, args, &legacy), wanted, "{name}{args:?}, legacy");
    }
}

fn list(items: &[i32]) -> Typed {
    let values: Vec<ScalarValue> = items.iter().map(|item| ScalarValue::Int32(Some(*item))).collect();
    let field = crate::types::to_arrow(&SparkType::array(SparkType::Integer));
    let array = ScalarValue::new_list_nullable(&values, &arrow::datatypes::DataType::Int32);
    let array = arrow::compute::cast(array.as_ref(), &field).expect("an array");
    Typed::literal(ScalarValue::try_from_array(&array, 0).expect("a value"), SparkType::array(SparkType::Integer), "array")
}

#[test]
fn arrays() {
    let settings = Settings::default();
    let one = |name: &str, args: Vec<Typed>| answer(name, args, &settings).unwrap_or_else(|problem| problem.to_string());
    assert_eq!(one("concat", vec![list(&[1, 2]), list(&[]), list(&[3])]), "[1,2,3]");
    assert_eq!(one("reverse", vec![list(&[2, 1, 4, 3])]), "[3,4,1,2]");
    assert_eq!(one("hash", vec![constant("Spark"), list(&[123]), constant("2")]), "-1321691492");
    assert_eq!(one("xxhash64", vec![constant("Spark"), list(&[123]), constant("2")]), "5602566077635097486");

    assert!(one("concat", vec![list(&[1]), constant("a")]).contains("DATA_DIFF_TYPES"));
}

#[test]
fn what_is_shown() {
    for (name, args, wanted) in [
        ("lpad", &["hi", "5"][..], "lpad(hi, 5,  )"),
        ("substr", &["hi", "5"], "substr(hi, 5, 2147483647)"),
        ("trim", &["a", "b"], "TRIM(BOTH a FROM b)"),
        ("ltrim", &["a"], "ltrim(a)"),
        ("btrim", &["a", "b"], "btrim(a, b)"),
        ("mask", &["a"], "mask(a, X, x, n, NULL)"),
        ("regexp_extract", &["a", "b"], "regexp_extract(a, b, 1)"),
        ("to_char", &["x:61", "base64"], "base64(x:61)"),
        ("to_varchar", &["x:61", "base64"], "to_varchar(x:61)"),
        ("to_varchar", &["1", "t:9"], "to_char(1, t:9)"),
        ("ucase", &["a"], "ucase(a)"),
        ("sha", &["a"], "sha(a)"),
    ] {
        let made = call(name, args.iter().map(|arg| constant(arg)).collect(), Settings::default());
        assert_eq!(made.map(|made| made.sql.to_string()).ok().as_deref(), Some(wanted), "{name}");
    }
}
