//! Operators end to end: what a call is shown as, which type it has, and what it gives.

use std::sync::Arc;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::ScalarValue as V;

use crate::functions::{Arg, Build, Call, Lambda, LambdaResolver, constant, lookup};
use crate::plan::Expression;
use crate::types::{SparkType as T, from_arrow};
use crate::{Result, Settings, Typed};

struct NoLambdas;

impl LambdaResolver for NoLambdas {
    fn lambda(&mut self, _: &Expression, _: &[(T, bool)]) -> Result<Lambda> {
        unreachable!("no case has a lambda")
    }
}

fn settings(conf: &[(&str, &str)]) -> Arc<Settings> {
    let conf = conf.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Arc::new(Settings::from_conf(conf).unwrap())
}

fn typed(value: V) -> Typed {
    let text = if value.is_null() { "NULL".to_owned() } else { value.to_string() };
    let data_type = from_arrow(&value.data_type());
    Typed::literal(value, data_type, text)
}

/// `text: type: value`, or the condition of the error.
fn run_with(settings: &Arc<Settings>, name: &str, args: Vec<Typed>) -> String {
    let function = lookup(name).unwrap_or_else(|| panic!("no function {name}"));
    let Build::Scalar(build) = function.build else { panic!("{name} is no scalar function") };
    let mut call = Call {
        name: function.name,
        args: args.into_iter().map(Arg::Value).collect(),
        distinct: false,
        filter: None,
        order_by: Vec::new(),
        ignore_nulls: None,
        window: None,
        span: None,
        settings,
        lambdas: &mut NoLambdas,
    };
    let made = build(&mut call).and_then(|made| Ok((constant(&made)?, made)));
    match made {
        Ok((value, made)) => {
            let value = value.expect("a constant");
            assert_eq!(value.data_type(), crate::types::to_arrow(&made.data_type), "{name}");
            let array = value.to_array().unwrap();
            let options = FormatOptions::default().with_null("NULL");
            let shown = ArrayFormatter::try_new(&array, &options).unwrap().value(0).to_string();
            format!("{}: {}: {shown}", made.sql, made.data_type)
        }
        Err(refused) => refused.condition().map_or_else(|| refused.to_string(), |condition| condition.name.clone()),
    }
}

fn run(name: &str, args: Vec<V>) -> String {
    run_with(&settings(&[]), name, args.into_iter().map(typed).collect())
}

fn int(v: i32) -> V {
    V::Int32(Some(v))
}

fn long(v: i64) -> V {
    V::Int64(Some(v))
}

fn double(v: f64) -> V {
    V::Float64(Some(v))
}

fn dec(v: i128, p: u8, s: i8) -> V {
    V::Decimal128(Some(v), p, s)
}

fn date(v: i32) -> V {
    V::Date32(Some(v))
}

fn ts(v: i64) -> V {
    V::TimestampMicrosecond(Some(v), Some("UTC".into()))
}

fn micros(v: i64) -> V {
    V::DurationMicrosecond(Some(v))
}

fn months(v: i32) -> V {
    V::IntervalYearMonth(Some(v))
}

fn text(v: &str) -> V {
    V::Utf8(Some(v.to_owned()))
}

fn flag(v: Option<bool>) -> V {
    V::Boolean(v)
}

fn check(wrong: &mut Vec<String>, expected: &str, found: String) {
    if found != expected {
        wrong.push(format!("expected {expected}, found {found}"));
    }
}

const DAY: i64 = 86_400_000_000;

#[test]
fn arithmetic() {
    let mut wrong = Vec::new();
    for (name, args, expected) in [
        ("+", vec![int(1), int(2)], "(1 + 2): int: 3"),
        ("+", vec![int(i32::MAX), int(1)], "ARITHMETIC_OVERFLOW"),
        ("+", vec![V::Int8(Some(127)), V::Int8(Some(1))], "BINARY_ARITHMETIC_OVERFLOW"),
        ("+", vec![int(1), V::Null], "(1 + NULL): int: NULL"),
        ("+", vec![V::Null, V::Null], "(NULL + NULL): double: NULL"),
        ("+", vec![text("1"), text("2")], "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE"),
        ("+", vec![flag(Some(true)), int(2)], "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES"),
        ("-", vec![double(1.5), double(0.5)], "(1.5 - 0.5): double: 1.0"),
        ("*", vec![dec(15, 2, 1), dec(20, 2, 1)], "(1.5 * 2.0): decimal(5,2): 3.00"),
        ("*", vec![dec(15, 2, 1), int(2)], "(1.5 * 2): decimal(4,1): 3.0"),
        ("/", vec![dec(20, 2, 1), dec(30, 2, 1)], "(2.0 / 3.0): decimal(8,6): 0.666667"),
        ("/", vec![dec(20, 2, 1), dec(0, 2, 1)], "DIVIDE_BY_ZERO"),
        ("/", vec![double(1.0), double(0.0)], "DIVIDE_BY_ZERO"),
        ("/", vec![double(3.0), double(2.0)], "(3 / 2): double: 1.5"),
        ("%", vec![int(7), int(-4)], "(7 % -4): int: 3"),
        ("%", vec![int(7), int(0)], "REMAINDER_BY_ZERO"),
        ("mod", vec![int(7), int(4)], "mod(7, 4): int: 3"),
        ("pmod", vec![int(-7), int(4)], "pmod(-7, 4): int: 1"),
        ("pmod", vec![double(-7.0), double(4.0)], "pmod(-7, 4): double: 1.0"),
        ("pmod", vec![dec(-75, 2, 1), dec(5, 1, 0)], "pmod(-7.5, 5): decimal(2,1): 2.5"),
        ("div", vec![long(7), long(2)], "(7 div 2): bigint: 3"),
        ("div", vec![long(i64::MIN), long(-1)], "ARITHMETIC_OVERFLOW"),
        ("div", vec![dec(75, 2, 1), dec(5, 1, 0)], "(7.5 div 5): bigint: 1"),
        ("div", vec![months(13), months(-1)], "(13 div -1): bigint: -13"),
        ("negative", vec![int(5)], "(- 5): int: -5"),
        ("negative", vec![int(i32::MIN)], "ARITHMETIC_OVERFLOW"),
        ("positive", vec![int(5)], "(+ 5): int: 5"),
        ("+", vec![int(1), text("2")], "(1 + 2): bigint: 3"),
        ("+", vec![dec(15, 2, 1), text("2")], "(1.5 + 2): double: 3.5"),
        ("+", vec![V::Int8(Some(1)), V::Float32(Some(0.5))], "(1 + 0.5): double: 1.5"),
        ("/", vec![int(3), int(2)], "(3 / 2): double: 1.5"),
        ("/", vec![V::Null, dec(15, 2, 1)], "(NULL / 1.5): double: NULL"),
        ("/", vec![dec(15, 2, 1), V::Null], "(1.5 / NULL): decimal(8,6): NULL"),
        ("div", vec![int(7), V::Int8(Some(2))], "(7 div 2): bigint: 3"),
        ("div", vec![double(7.0), int(2)], "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES"),
        ("negative", vec![text("5")], "(- 5): double: -5.0"),
        ("try_add", vec![int(i32::MAX), int(1)], "try_add(2147483647, 1): int: NULL"),
        ("try_divide", vec![double(1.0), double(0.0)], "try_divide(1, 0): double: NULL"),
        ("try_mod", vec![int(1), int(0)], "try_mod(1, 0): int: NULL"),
        ("try_multiply", vec![long(i64::MAX), long(2)], "try_multiply(9223372036854775807, 2): bigint: NULL"),
    ] {
        check(&mut wrong, expected, run(name, args));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let legacy = settings(&[("spark.sql.ansi.enabled", "false")]);
    for (name, args, expected) in [
        ("+", vec![int(i32::MAX), int(1)], "(2147483647 + 1): int: -2147483648"),
        ("/", vec![double(1.0), double(0.0)], "(1 / 0): double: NULL"),
        ("%", vec![int(7), int(0)], "(7 % 0): int: NULL"),
        ("*", vec![dec(10_i128.pow(37), 38, 0), dec(100, 38, 0)], "(10000000000000000000000000000000000000 * 100): decimal(38,0): NULL"),
        ("negative", vec![int(i32::MIN)], "(- -2147483648): int: -2147483648"),
    ] {
        assert_eq!(run_with(&legacy, name, args.into_iter().map(typed).collect()), expected, "{name}");
    }
}

#[test]
fn days_moments_and_intervals() {
    let mut wrong = Vec::new();
    for (name, args, expected) in [
        ("+", vec![date(18_262), int(1)], "date_add(2020-01-01, 1): date: 2020-01-02"),
        ("+", vec![int(1), date(18_262)], "date_add(2020-01-01, 1): date: 2020-01-02"),
        ("-", vec![date(18_262), int(1)], "date_sub(2020-01-01, 1): date: 2019-12-31"),
        ("-", vec![date(18_262), date(18_261)], "(2020-01-01 - 2019-12-31): interval day: PT86400S"),
        ("+", vec![date(18_292), months(1)], "2020-01-31 + 1: date: 2020-02-29"),
        ("-", vec![date(18_321), months(12)], "2020-02-29 - 12: date: 2019-02-28"),
        ("-", vec![ts(DAY), ts(0)], "(86400000000 - 0): interval day to second: PT86400S"),
        ("+", vec![ts(0), micros(DAY)], "0 + 86400000000: timestamp: 1970-01-02T00:00:00Z"),
        ("+", vec![micros(DAY), micros(1)], "(86400000000 + 1): interval day to second: PT86400.000001S"),
        ("+", vec![micros(i64::MAX), micros(1)], "INTERVAL_ARITHMETIC_OVERFLOW.WITH_SUGGESTION"),
        ("*", vec![months(3), int(2)], "(3 * 2): interval year to month: 0 years 6 mons"),
        ("*", vec![int(2), months(3)], "(3 * 2): interval year to month: 0 years 6 mons"),
        ("/", vec![months(3), int(2)], "(3 / 2): interval year to month: 0 years 2 mons"),
        ("/", vec![months(3), int(0)], "INTERVAL_DIVIDED_BY_ZERO"),
        ("try_divide", vec![months(3), int(0)], "try_divide(3, 0): interval year to month: NULL"),
        ("+", vec![date(1), long(1)], "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
        ("+", vec![date(0), micros(3_600_000_000)], "1970-01-01 + 3600000000: timestamp: 1970-01-01T01:00:00Z"),
        ("+", vec![date(0), V::Null], "1970-01-01 + NULL: timestamp: NULL"),
        ("-", vec![V::Null, date(0)], "(NULL - 1970-01-01): interval day: NULL"),
        ("-", vec![ts(DAY), date(0)], "(86400000000 - 1970-01-01): interval day to second: PT86400S"),
        ("-", vec![text("1970-01-03"), date(0)], "(1970-01-03 - 1970-01-01): interval day: PT172800S"),
        ("-", vec![date(2), text("1970-01-01")], "(1970-01-03 - 1970-01-01): interval day: PT172800S"),
        ("+", vec![text("1970-01-01"), micros(1)], "1970-01-01 + 1: string: 1970-01-01 00:00:00.000001"),
        ("*", vec![months(3), text("1.5")], "(3 * 1.5): interval year to month: 0 years 5 mons"),
        ("+", vec![months(1), micros(1)], "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
        ("negative", vec![months(3)], "(- 3): interval year to month: -1 years 9 mons"),
    ] {
        check(&mut wrong, expected, run(name, args));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn predicates() {
    let mut wrong = Vec::new();
    let nan = f64::NAN;
    for (name, args, expected) in [
        ("=", vec![int(1), int(1)], "(1 = 1): boolean: true"),
        ("!=", vec![int(1), int(1)], "(NOT (1 = 1)): boolean: false"),
        ("<=>", vec![int(1), V::Null], "(1 <=> NULL): boolean: false"),
        ("<=>", vec![V::Null, V::Null], "(NULL <=> NULL): boolean: true"),
        ("=", vec![V::Null, V::Null], "(NULL = NULL): boolean: NULL"),
        ("<", vec![text("a"), text("b")], "(a < b): boolean: true"),
        ("=", vec![dec(10, 2, 1), int(1)], "(1.0 = 1): boolean: true"),
        ("between", vec![int(2), int(1), int(3)], "between(2, 1, 3): boolean: true"),
        ("in", vec![int(2), int(1), int(2)], "(2 IN (1, 2)): boolean: true"),
        ("in", vec![int(3), int(1), V::Int32(None)], "(3 IN (1, NULL)): boolean: NULL"),
        ("and", vec![flag(Some(true)), flag(None)], "(true AND NULL): boolean: NULL"),
        ("and", vec![V::Null, V::Null], "(NULL AND NULL): boolean: NULL"),
        ("or", vec![flag(Some(true)), V::Null], "(true OR NULL): boolean: true"),
        ("and", vec![int(1), flag(Some(true))], "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES"),
        ("not", vec![flag(Some(true))], "(NOT true): boolean: false"),
        ("isnull", vec![int(1)], "(1 IS NULL): boolean: false"),
        ("istrue", vec![flag(None)], "(NULL <=> true): boolean: false"),
        ("isunknown", vec![flag(None)], "(NULL IS UNKNOWN): boolean: true"),
        ("isnan", vec![double(nan)], "isnan(NaN): boolean: true"),
        ("like", vec![text("abc"), text("a%")], "abc LIKE a%: boolean: true"),
        ("like", vec![text("abc"), text("a/%"), text("/")], "abc LIKE a/% ESCAPE '/': boolean: false"),
        ("like", vec![text("abc"), text("a\\b")], "INVALID_FORMAT.ESC_IN_THE_MIDDLE"),
        ("ilike", vec![text("ABC"), text("a%")], "ilike(ABC, a%): boolean: true"),
        ("rlike", vec![text("abc"), text("b.$")], "RLIKE(abc, b.$): boolean: true"),
        ("regexp_like", vec![text("abc"), text("(")], "INVALID_PARAMETER_VALUE.PATTERN"),
        ("like_any", vec![text("abc"), text("x"), text("a%")], "likeany(abc): boolean: true"),
        ("not_like_all", vec![text("abc"), text("x"), text("a%")], "notlikeall(abc): boolean: false"),
        ("ilike_all", vec![text("ABC"), text("%c"), text("a%")], "likeall(lower(ABC)): boolean: true"),
        ("nullif", vec![int(1), int(1)], "nullif(1, 1): int: NULL"),
        ("nullif", vec![double(nan), double(nan)], "nullif(NaN, NaN): double: NULL"),
        ("coalesce", vec![V::Int32(None), int(2)], "coalesce(NULL, 2): int: 2"),
        ("coalesce", vec![V::Null, V::Null], "coalesce(NULL, NULL): void: NULL"),
        ("if", vec![flag(Some(true)), V::Null, V::Null], "(IF(true, NULL, NULL)): void: NULL"),
        ("nullif", vec![int(1), text("1")], "nullif(1, 1): int: NULL"),
        ("nullifzero", vec![double(0.0)], "nullifzero(0): double: NULL"),
        ("zeroifnull", vec![V::Float64(None)], "zeroifnull(NULL): double: 0.0"),
        ("if", vec![V::Null, int(1), text("2")], "(IF(NULL, 1, 2)): bigint: 2"),
        ("in", vec![int(3), text("3")], "(3 IN (3)): boolean: true"),
        ("=", vec![int(3), text("3")], "(3 = 3): boolean: true"),
        ("<", vec![date(0), ts(5)], "(1970-01-01 < 5): boolean: true"),
        ("nvl2", vec![V::Null, int(2), int(3)], "nvl2(NULL, 2, 3): int: 3"),
        ("if", vec![flag(Some(true)), int(2), int(3)], "(IF(true, 2, 3)): int: 2"),
        (
            "when",
            vec![flag(Some(false)), int(2), flag(Some(true)), int(3), int(4)],
            "CASE WHEN false THEN 2 WHEN true THEN 3 ELSE 4 END: int: 3",
        ),
        ("greatest", vec![double(1.0), double(nan), V::Float64(None)], "greatest(1, NaN, NULL): double: NaN"),
        ("least", vec![int(3), int(1), int(2)], "least(3, 1, 2): int: 1"),
        ("&", vec![int(3), int(5)], "(3 & 5): int: 1"),
        ("~", vec![int(0)], "~0: int: -1"),
        ("<<", vec![int(1), int(33)], "(1 << 33): int: 2"),
        ("shiftrightunsigned", vec![int(-1), int(28)], "shiftrightunsigned(-1, 28): int: 15"),
        ("bit_count", vec![int(-1)], "bit_count(-1): int: 64"),
        ("bit_get", vec![int(11), int(2)], "bit_get(11, 2): tinyint: 0"),
        ("bit_get", vec![int(11), int(32)], "INVALID_PARAMETER_VALUE.BIT_POSITION_RANGE"),
        ("bitmap_bit_position", vec![long(123)], "bitmap_bit_position(123): bigint: 122"),
        ("typeof", vec![int(1)], "typeof(1): string: int"),
        ("current_database", vec![], "current_schema(): string: default"),
    ] {
        check(&mut wrong, expected, run(name, args));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn columns() {
    use crate::functions::KernelArgs;
    use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
    let settings = settings(&[]);
    let run = |left: Vec<Option<i64>>, right: Vec<Option<i64>>, mode: super::Mode| {
        let arrays: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(left)), Arc::new(Int64Array::from(right))];
        let types = [T::Long, T::Long];
        let constants = [super::op::Op::Multiply.constant(), mode.constant()];
        let args = KernelArgs { arrays: &arrays, rows: 3, types: &types, out: &T::Long, constants: &constants, settings: &settings };
        super::numbers::arithmetic(&args).ok().map(|made| made.as_primitive::<arrow::datatypes::Int64Type>().iter().collect::<Vec<_>>())
    };
    let max = Some(i64::MAX);
    assert_eq!(run(vec![Some(1), None, Some(3)], vec![Some(2)], super::Mode::Ansi), Some(vec![Some(2), None, Some(6)]));
    assert_eq!(run(vec![Some(2)], vec![Some(1), None, Some(3)], super::Mode::Ansi), Some(vec![Some(2), None, Some(6)]));
    assert_eq!(run(vec![max, None, Some(3)], vec![Some(2)], super::Mode::Ansi), None);
    assert_eq!(run(vec![max, None, Some(3)], vec![Some(2)], super::Mode::Try), Some(vec![None, None, Some(6)]));
    assert_eq!(run(vec![max, None, Some(3)], vec![None], super::Mode::Ansi), Some(vec![None, None, None]));
    assert!(Int64Array::from(vec![1]).is_valid(0));
}
