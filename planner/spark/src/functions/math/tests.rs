//! Functions of numbers over constants; the doubles are what Java gives.

use std::sync::Arc;

use datafusion::common::ScalarValue;

use crate::functions::{Arg, Build, Call, Lambda, LambdaResolver, constant, lookup};
use crate::plan::Expression;
use crate::types::SparkType::{self, Byte, Decimal, Double, Float, Integer, Long};
use crate::types::render;
use crate::{Result, Settings, Typed};

struct NoLambdas;

impl LambdaResolver for NoLambdas {
    fn lambda(&mut self, _: &Expression, _: &[(SparkType, bool)]) -> Result<Lambda> {
        Err(crate::error::error("INTERNAL_ERROR", "no lambdas in these tests"))
    }
}

fn value(name: &str, args: &[Typed], ansi: bool) -> Result<(String, SparkType)> {
    let function = lookup(name).unwrap();
    let settings = Arc::new(Settings { ansi, ..Settings::default() });
    let Build::Scalar(build) = function.build else { panic!("{name} is no scalar function") };
    let mut call = Call {
        name: function.name,
        args: args.iter().cloned().map(Arg::Value).collect(),
        distinct: false,
        filter: None,
        order_by: vec![],
        ignore_nulls: None,
        window: None,
        span: None,
        settings: &settings,
        lambdas: &mut NoLambdas,
    };
    let made = build(&mut call)?;
    let found = constant(&made)?.unwrap().to_array()?;
    assert_eq!(found.data_type(), &crate::types::to_arrow(&made.data_type), "{name}");
    Ok((render::hive_text_at(&found, 0, &made.data_type, &settings)?, made.data_type))
}

fn d(value: f64) -> Typed {
    Typed::literal(ScalarValue::Float64(Some(value)), Double, "x")
}

fn i(value: i32) -> Typed {
    Typed::literal(ScalarValue::Int32(Some(value)), Integer, "x")
}

fn n(value: i128, digits: u8, places: u8) -> Typed {
    let scale = i8::try_from(places).unwrap();
    Typed::literal(ScalarValue::Decimal128(Some(value), digits, scale), Decimal(digits, places), "x")
}

fn b(value: i8) -> Typed {
    Typed::literal(ScalarValue::Int8(Some(value)), Byte, "x")
}

fn f(value: f32) -> Typed {
    Typed::literal(ScalarValue::Float32(Some(value)), Float, "x")
}

#[test]
fn results_and_types() {
    for (name, args, expected, data_type) in [
        ("pow", vec![d(1.0), d(f64::NAN)], "NaN", Double),
        ("pow", vec![d(-1.0), d(f64::INFINITY)], "NaN", Double),
        ("pow", vec![i(2), i(10)], "1024.0", Double),
        ("log", vec![i(2), i(8)], "3.0", Double),
        ("log", vec![i(0)], "NULL", Double),
        ("log10", vec![i(1000)], "3.0", Double),
        ("log2", vec![i(8)], "3.0", Double),
        ("ln", vec![d(0.0)], "NULL", Double),
        ("ln", vec![d(f64::NAN)], "NaN", Double),
        ("log1p", vec![i(-1)], "NULL", Double),
        ("expm1", vec![d(1e-10)], "1.00000000005E-10", Double),
        ("cot", vec![i(1)], "0.6420926159343306", Double),
        ("degrees", vec![d(std::f64::consts::PI)], "180.0", Double),
        ("radians", vec![i(180)], "3.141592653589793", Double),
        ("sign", vec![i(0)], "0.0", Double),
        ("signum", vec![i(-7)], "-1.0", Double),
        ("rint", vec![d(2.5)], "2.0", Double),
        ("atanh", vec![i(2)], "NaN", Double),
        ("abs", vec![n(-15, 3, 1)], "1.5", Decimal(3, 1)),
        ("factorial", vec![i(20)], "2432902008176640000", Long),
        ("factorial", vec![i(21)], "NULL", Long),
        ("ceil", vec![d(-0.1)], "0", Long),
        ("ceil", vec![d(f64::NAN)], "0", Long),
        ("ceil", vec![i(5)], "5", Long),
        ("ceil", vec![n(-1, 1, 1)], "0", Decimal(1, 0)),
        ("floor", vec![n(-1, 1, 1)], "-1", Decimal(1, 0)),
        ("ceil", vec![n(31_411, 5, 4), i(3)], "3.142", Decimal(5, 3)),
        ("ceil", vec![n(31_411, 5, 4), i(-3)], "1000", Decimal(4, 0)),
        ("floor", vec![n(31_411, 5, 4), i(-3)], "0", Decimal(4, 0)),
        ("round", vec![n(25, 2, 1), i(0)], "3", Decimal(2, 0)),
        ("bround", vec![n(25, 2, 1), i(0)], "2", Decimal(2, 0)),
        ("round", vec![i(25), i(-1)], "30", Integer),
        ("bround", vec![i(25), i(-1)], "20", Integer),
        ("round", vec![d(1.005), i(2)], "1.01", Double),
        ("round", vec![f(2.5)], "3.0", Float),
        ("round", vec![n(99_999, 5, 4), i(2)], "10.00", Decimal(4, 2)),
        ("width_bucket", vec![d(5.3), d(0.2), d(10.6), i(5)], "3", Long),
    ] {
        let (found, found_type) = value(name, &args, true).unwrap();
        assert_eq!((found.as_str(), found_type), (expected, data_type), "{name}");
    }
}

#[test]
fn beyond_the_type() {
    for (name, args) in [("round", vec![b(127), i(-1)]), ("abs", vec![b(-128)]), ("abs", vec![i(i32::MIN)])] {
        let error = value(name, &args, true).unwrap_err();
        assert_eq!(error.condition().map(|c| c.name.as_str()), Some("ARITHMETIC_OVERFLOW"), "{name}");
        assert!(value(name, &args, false).is_ok(), "{name}");
    }
    assert_eq!(value("round", &[b(127), i(-1)], false).unwrap().0, "-126");
}

/// Whatever is put into a function, it answers or refuses.
#[test]
fn of_every_type() {
    let literal = |value: ScalarValue, data_type: SparkType| Typed::literal(value, data_type, "x");
    let values = [
        literal(ScalarValue::Null, SparkType::Null),
        literal(ScalarValue::Float64(None), Double),
        literal(ScalarValue::from("1"), SparkType::String),
        literal(ScalarValue::IntervalYearMonth(Some(-5)), SparkType::YEAR_MONTH),
        literal(ScalarValue::DurationMicrosecond(Some(-5)), SparkType::DAY_TIME),
        literal(ScalarValue::Boolean(Some(true)), SparkType::Boolean),
        i(i32::MIN),
        i(i32::MAX),
        n(10_i128.pow(38) - 1, 38, 0),
        n(-5, 38, 38),
        d(f64::MAX),
        d(f64::NAN),
        b(-128),
    ];
    for function in crate::functions::all().into_iter().filter(|f| f.group == crate::functions::Group::Math) {
        if !matches!(function.build, Build::Scalar(_)) {
            continue;
        }
        for ansi in [true, false] {
            for x in &values {
                value_or_error(function.name, std::slice::from_ref(x), ansi);
                for y in &values {
                    value_or_error(function.name, &[x.clone(), y.clone()], ansi);
                    value_or_error(function.name, &[x.clone(), y.clone(), x.clone(), y.clone()], ansi);
                }
            }
        }
    }
}

fn value_or_error(name: &str, args: &[Typed], ansi: bool) {
    // Random numbers are no constants.
    if !["rand", "random", "randn", "uniform"].contains(&name) {
        drop(value(name, args, ansi));
    }
}
