//! Aggregates and window functions through the engine: in one step, in two, by groups, with DISTINCT, and over moving frames.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Decimal128Array, DurationMicrosecondArray, Float64Array, Int32Array, Int64Array,
    IntervalYearMonthArray, ListArray, StringArray,
};
use arrow::datatypes::Int32Type;
use arrow::record_batch::RecordBatch;
use datafusion::datasource::MemTable;
use datafusion::logical_expr::{Expr, WindowFrame, WindowFrameBound, WindowFrameUnits, col, lit};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::scalar::ScalarValue;

use crate::functions::{Arg, Build, Call, Lambda, LambdaResolver, SortKey, WindowContext, lookup};
use crate::plan::Expression;
use crate::types::SparkType::{self, Binary, Boolean, Decimal, Double, Integer, Long, String as Text};
use crate::types::{StructField, field_of, render};
use crate::{Result, Settings, Typed};

struct NoLambdas;

impl LambdaResolver for NoLambdas {
    fn lambda(&mut self, _: &Expression, _: &[(SparkType, bool)]) -> Result<Lambda> {
        Err(crate::error::error("INTERNAL_ERROR", "no lambdas in these tests"))
    }
}

/// A column `name` of the rows: its type and values.
type Column = (&'static str, SparkType, ArrayRef);

fn ints(name: &'static str, values: &[Option<i32>]) -> Column {
    (name, Integer, Arc::new(Int32Array::from(values.to_vec())))
}

fn doubles(name: &'static str, values: &[Option<f64>]) -> Column {
    (name, Double, Arc::new(Float64Array::from(values.to_vec())))
}

fn texts(name: &'static str, values: &[Option<&str>]) -> Column {
    (name, Text, Arc::new(StringArray::from(values.to_vec())))
}

fn column(columns: &[Column], name: &str) -> Typed {
    let data_type = columns.iter().find(|(n, _, _)| *n == name).map(|(_, t, _)| t.clone()).unwrap();
    Typed::new(col(name), data_type, true, name)
}

fn int(value: i32) -> Typed {
    Typed::literal(ScalarValue::Int32(Some(value)), Integer, value.to_string())
}

fn double(value: f64) -> Typed {
    Typed::literal(ScalarValue::Float64(Some(value)), Double, value.to_string())
}

fn text(value: &str) -> Typed {
    Typed::literal(ScalarValue::from(value), Text, value)
}

fn truth(value: bool) -> Typed {
    Typed::literal(ScalarValue::Boolean(Some(value)), Boolean, value.to_string())
}

/// What a call is besides its name and arguments.
#[derive(Default, Clone)]
struct With {
    distinct: bool,
    ignore_nulls: Option<bool>,
    /// Name and whether rising.
    order: Option<(&'static str, bool)>,
    legacy: bool,
    /// Rows before and after, over a window that is ordered by `o`.
    frame: Option<(Option<u64>, Option<u64>)>,
}

fn built(name: &str, columns: &[Column], args: Vec<Typed>, with: &With) -> Result<Typed> {
    let function = lookup(name).unwrap();
    let settings = Arc::new(Settings { ansi: !with.legacy, ..Settings::default() });
    let bound = |rows: Option<u64>, before: bool| {
        let rows = ScalarValue::UInt64(rows);
        if before { WindowFrameBound::Preceding(rows) } else { WindowFrameBound::Following(rows) }
    };
    let mut call = Call {
        name: function.name,
        args: args.into_iter().map(Arg::Value).collect(),
        distinct: with.distinct,
        filter: None,
        order_by: with
            .order
            .iter()
            .map(|(name, ascending)| SortKey { key: column(columns, name), ascending: *ascending, nulls_first: *ascending })
            .collect(),
        ignore_nulls: with.ignore_nulls,
        window: with.frame.map(|(before, after)| WindowContext {
            partition_by: vec![],
            order_by: vec![col("o").sort(true, true)],
            frame: WindowFrame::new_bounds(WindowFrameUnits::Rows, bound(before, true), bound(after, false)),
            frame_given: true,
        }),
        span: None,
        settings: &settings,
        lambdas: &mut NoLambdas,
    };
    match function.build {
        Build::Scalar(build) | Build::Aggregate(build) | Build::Window(build) => build(&mut call),
        _ => Err(crate::error::error("INTERNAL_ERROR", "no such tests")),
    }
}

/// The result's rows as text; `parts` is over how many partitions.
fn run(name: &str, columns: &[Column], args: Vec<Typed>, with: &With, parts: usize, grouped: bool) -> String {
    let made = match built(name, columns, args, with) {
        Ok(made) => made,
        Err(error) => return error.condition().map_or_else(|| error.to_string(), |c| c.name.clone()),
    };
    let fields: Vec<_> = columns.iter().map(|(name, t, _)| field_of(&StructField::new(*name, t.clone()))).collect();
    let schema = Arc::new(arrow::datatypes::Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns.iter().map(|(_, _, array)| Arc::clone(array)).collect()).unwrap();
    let rows = batch.num_rows();
    let per = rows.div_ceil(parts);
    let partitions: Vec<Vec<RecordBatch>> =
        (0..parts).map(|p| vec![batch.slice((p * per).min(rows), per.min(rows - (p * per).min(rows)))]).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(parts));
        let frame = context.read_table(Arc::new(MemTable::try_new(schema, partitions).unwrap())).unwrap();
        let made_type = made.data_type.clone();
        let windowed = with.frame.is_some();
        let frame = if windowed {
            frame.select(vec![col("o"), made.expr.alias("r")]).and_then(|f| f.sort_by(vec![col("o")]))
        } else if grouped {
            frame.aggregate(vec![lit(1).alias("g")], vec![]).map(|_| ()).unwrap();
            let frame = context.read_batch(batch).unwrap();
            frame.aggregate(vec![col("g")], vec![made.expr.alias("r")]).and_then(|f| f.sort_by(vec![col("g")]))
        } else {
            let (inner, outer) = split(made.expr);
            frame.aggregate(vec![], vec![inner.alias("a")]).and_then(|f| f.select(vec![outer.alias("r")]))
        };
        let batches = match frame {
            Ok(frame) => frame.collect().await,
            Err(error) => Err(error),
        };
        let batches = match batches {
            Ok(batches) => batches,
            Err(error) => {
                let error = crate::Error::from(error);
                return error.condition().map_or_else(|| error.to_string(), |c| c.name.clone());
            }
        };
        let mut lines = Vec::new();
        for batch in batches {
            let array = batch.column_by_name("r").unwrap();
            assert_eq!(array.data_type(), &crate::types::to_arrow(&made_type), "{name}");
            for row in 0..array.len() {
                lines.push(render::hive_text_at(array, row, &made_type, &Settings::default()).unwrap());
            }
        }
        lines.join(" ")
    })
}

/// The aggregate inside of a cast, and the rest over it.
fn split(expr: Expr) -> (Expr, Expr) {
    match expr {
        Expr::Cast(cast) => (*cast.expr, datafusion::logical_expr::cast(col("a"), cast.field.data_type().clone())),
        other => (other, col("a")),
    }
}

/// In one step, and in two over parts.
fn check(name: &str, columns: &[Column], args: &[Typed], with: &With, expected: &str) {
    for parts in [1, 3] {
        let found = run(name, columns, args.to_vec(), with, parts, false);
        assert_eq!(found, expected, "{name} over {parts} parts");
    }
}

fn months(values: &[i32]) -> Column {
    ("i", SparkType::YEAR_MONTH, Arc::new(IntervalYearMonthArray::from(values.to_vec())))
}

fn micros(values: &[i64]) -> Column {
    ("t", SparkType::DAY_TIME, Arc::new(DurationMicrosecondArray::from(values.to_vec())))
}

#[test]
fn of_whole_numbers() {
    let columns =
        [ints("c", &[Some(5), None, Some(10), Some(15), Some(5)]), texts("s", &[Some("a"), Some("b"), None, Some("b"), Some("a")])];
    let (c, s) = (column(&columns, "c"), column(&columns, "s"));
    let (plain, distinct) = (With::default(), With { distinct: true, ..With::default() });
    for (name, args, with, expected) in [
        ("sum", vec![c.clone()], &plain, "35"),
        ("try_sum", vec![c.clone()], &plain, "35"),
        ("sum", vec![c.clone()], &distinct, "30"),
        ("avg", vec![c.clone()], &plain, "8.75"),
        ("avg", vec![c.clone()], &distinct, "10.0"),
        ("count", vec![c.clone()], &plain, "4"),
        ("count", vec![int(1)], &plain, "5"),
        ("count", vec![c.clone(), s.clone()], &plain, "3"),
        ("count", vec![c.clone()], &distinct, "3"),
        ("count", vec![c.clone(), s.clone()], &distinct, "2"),
        ("regr_count", vec![c.clone(), c.clone()], &plain, "4"),
        ("min", vec![c.clone()], &plain, "5"),
        ("max", vec![c.clone()], &plain, "15"),
        ("max", vec![s.clone()], &plain, "b"),
        ("bit_and", vec![c.clone()], &plain, "0"),
        ("bit_or", vec![c.clone()], &plain, "15"),
        ("bit_xor", vec![c.clone()], &plain, "5"),
        ("bit_xor", vec![c.clone()], &distinct, "0"),
        ("first", vec![c.clone()], &plain, "5"),
        ("last", vec![s.clone()], &plain, "a"),
        ("first", vec![s.clone(), truth(true)], &plain, "a"),
        ("collect_list", vec![c.clone()], &plain, "[5,10,15,5]"),
        ("collect_list", vec![c.clone()], &distinct, "[5,10,15]"),
        ("collect_set", vec![c.clone()], &plain, "[5,10,15]"),
        ("max_by", vec![s.clone(), c.clone()], &plain, "b"),
        ("min_by", vec![s.clone(), c.clone()], &plain, "a"),
        ("max_by", vec![c.clone(), c.clone(), int(2)], &plain, "[15,10]"),
        ("min_by", vec![c.clone(), c.clone(), int(0)], &plain, "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE"),
        ("mode", vec![c.clone()], &plain, "5"),
        ("median", vec![c.clone()], &plain, "7.5"),
        ("percentile", vec![c.clone(), double(0.3)], &plain, "5.0"),
        ("percentile_approx", vec![c.clone(), double(0.5)], &plain, "5"),
        ("listagg", vec![s.clone()], &plain, "abba"),
        ("listagg", vec![s.clone()], &distinct, "ab"),
        ("string_agg", vec![s.clone(), text(", ")], &plain, "a, b, b, a"),
        ("approx_count_distinct", vec![c.clone()], &plain, "3"),
        ("stddev", vec![c.clone()], &plain, "4.7871355387816905"),
        ("var_pop", vec![c.clone()], &plain, "17.1875"),
        ("corr", vec![c.clone(), c.clone()], &plain, "1.0"),
        ("regr_avgx", vec![c.clone(), c.clone()], &plain, "8.75"),
        ("histogram_numeric", vec![c.clone(), int(5)], &plain, "[{\"x\":5,\"y\":2.0},{\"x\":10,\"y\":1.0},{\"x\":15,\"y\":1.0}]"),
        ("percentile", vec![c.clone(), double(1.5)], &plain, "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE"),
        ("percentile_cont", vec![double(0.5)], &plain, "INVALID_WITHIN_GROUP_EXPRESSION.WITHIN_GROUP_MISSING"),
        ("row_number", vec![], &plain, "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE"),
        ("sum", vec![], &plain, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION"),
    ] {
        check(name, &columns, &args, with, expected);
    }
}

#[test]
fn in_an_order() {
    let columns = [ints("c", &[Some(5), None, Some(10), Some(10)]), texts("s", &[Some("a"), Some("x"), Some("c"), Some("b")])];
    let s = column(&columns, "s");
    let by = |name, ascending| With { order: Some((name, ascending)), ..With::default() };
    for (name, args, with, expected) in [
        ("listagg", vec![s.clone()], by("s", false), "xcba"),
        ("listagg", vec![s.clone(), text("-")], by("c", true), "x-a-c-b"),
        ("listagg", vec![s.clone()], With { distinct: true, ..by("s", true) }, "abcx"),
        (
            "listagg",
            vec![s.clone()],
            With { distinct: true, ..by("c", true) },
            "INVALID_WITHIN_GROUP_EXPRESSION.MISMATCH_WITH_DISTINCT_INPUT",
        ),
        ("percentile_cont", vec![double(0.25)], by("c", true), "7.5"),
        ("percentile_cont", vec![double(0.25)], by("c", false), "10.0"),
        ("percentile_disc", vec![double(0.25)], by("c", true), "5.0"),
        ("mode", vec![], by("c", true), "10"),
        ("mode", vec![], by("s", true), "a"),
        ("mode", vec![], by("s", false), "x"),
        ("mode", vec![s.clone()], by("s", true), "INVALID_WITHIN_GROUP_EXPRESSION.WRONG_NUM_ORDERINGS"),
        ("mode", vec![s.clone()], With { distinct: true, ..With::default() }, "INVALID_WITHIN_GROUP_EXPRESSION.DISTINCT_UNSUPPORTED"),
        ("sum", vec![column(&columns, "c")], by("c", true), "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX"),
    ] {
        check(name, &columns, &args, &with, expected);
    }
}

#[test]
fn of_nothing() {
    let columns = [ints("c", &[None, None])];
    let c = column(&columns, "c");
    for (name, expected) in [
        ("sum", "NULL"),
        ("avg", "NULL"),
        ("count", "0"),
        ("max", "NULL"),
        ("bit_or", "NULL"),
        ("collect_list", "[]"),
        ("collect_set", "[]"),
        ("mode", "NULL"),
        ("median", "NULL"),
        ("stddev", "NULL"),
        ("first", "NULL"),
        ("listagg", "NULL"),
    ] {
        check(name, &columns, std::slice::from_ref(&c), &With::default(), expected);
    }
}

#[test]
fn of_other_types() {
    let nan = f64::NAN;
    let decimals: ArrayRef = Arc::new(Decimal128Array::from(vec![100, 250, 325]).with_precision_and_scale(5, 2).unwrap());
    let lists: ArrayRef =
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), Some(vec![Some(1), Some(2)]), None]));
    let lists = arrow::compute::cast(&lists, &crate::types::to_arrow(&SparkType::array(Integer))).unwrap();
    let columns = [
        doubles("d", &[Some(1.0), Some(nan), Some(-0.0)]),
        doubles("z", &[Some(0.0), Some(-0.0), Some(-nan)]),
        ("n", Decimal(5, 2), decimals),
        ("l", SparkType::array(Integer), lists),
        months(&[1, 2, 10]),
        micros(&[1_000_000, 2_000_000, 10_000_000]),
        ("b", Boolean, Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
        ("y", Binary, Arc::new(BinaryArray::from(vec![Some(&b"ab"[..]), None, Some(&b"c"[..])]))),
    ];
    let distinct = With { distinct: true, ..With::default() };
    for (name, of, with, expected) in [
        ("max", "d", With::default(), "NaN"),
        ("min", "d", With::default(), "-0.0"),
        ("max", "z", With::default(), "NaN"),
        ("count", "z", distinct.clone(), "2"),
        ("collect_set", "z", With::default(), "[0.0,NaN]"),
        ("collect_list", "z", distinct.clone(), "[0.0,NaN]"),
        ("sum", "d", With::default(), "NaN"),
        ("sum", "n", With::default(), "6.75"),
        ("avg", "n", With::default(), "2.250000"),
        ("max", "l", With::default(), "[1,2]"),
        ("min", "l", With::default(), "[1,null]"),
        ("sum", "i", With::default(), "1-1"),
        ("avg", "i", With::default(), "0-4"),
        ("median", "i", With::default(), "0-2"),
        ("percentile_approx", "i", With::default(), "0-2"),
        ("sum", "t", With::default(), "0 00:00:13.000000000"),
        ("avg", "t", With::default(), "0 00:00:04.333333000"),
        ("max", "t", With::default(), "0 00:00:10.000000000"),
        ("every", "b", With::default(), "false"),
        ("any", "b", With::default(), "true"),
        ("count_if", "b", With::default(), "1"),
        ("listagg", "y", With::default(), "abc"),
    ] {
        let mut args = vec![column(&columns, of)];
        args.extend((name == "percentile_approx").then(|| double(0.5)));
        check(name, &columns, &args, &with, expected);
    }
}

#[test]
fn beyond_the_type() {
    let big: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX, 1]));
    let columns = [("c", Long, big), months(&[i32::MAX, 1]), ints("p", &[Some(1), Some(40_000)])];
    let (c, i) = (column(&columns, "c"), column(&columns, "i"));
    let legacy = With { legacy: true, ..With::default() };
    check("sum", &columns, std::slice::from_ref(&c), &With::default(), "ARITHMETIC_OVERFLOW");
    check("sum", &columns, std::slice::from_ref(&c), &legacy, "-9223372036854775808");
    check("try_sum", &columns, std::slice::from_ref(&c), &With::default(), "NULL");
    check("try_avg", &columns, std::slice::from_ref(&c), &With::default(), "4.611686018427388E18");
    check("sum", &columns, std::slice::from_ref(&i), &With::default(), "INTERVAL_ARITHMETIC_OVERFLOW.WITH_SUGGESTION");
    check("bitmap_construct_agg", &columns, &[column(&columns, "p")], &With::default(), "INVALID_BITMAP_POSITION");
}

#[test]
fn by_groups() {
    let columns = [ints("g", &[Some(1), Some(2), Some(1), Some(2)]), ints("c", &[Some(1), Some(2), Some(3), None])];
    let c = column(&columns, "c");
    for (name, expected) in [
        ("sum", "4 2"),
        ("avg", "2.0 2.0"),
        ("count", "2 1"),
        ("stddev", "1.4142135623730951 NULL"),
        ("collect_list", "[1,3] [2]"),
        ("median", "2.0 2.0"),
        ("bit_or", "3 2"),
        ("last", "3 NULL"),
    ] {
        assert_eq!(run(name, &columns, vec![c.clone()], &With::default(), 1, true), expected, "{name}");
    }
}

#[test]
fn over_windows() {
    let columns = [ints("o", &[Some(1), Some(2), Some(3), Some(4)]), ints("c", &[Some(1), None, Some(3), Some(1)])];
    let (c, o) = (column(&columns, "c"), column(&columns, "o"));
    let moving = With { frame: Some((Some(1), Some(0))), ..With::default() };
    let growing = With { frame: Some((None, Some(0))), ..With::default() };
    let nulls = |with: &With| With { ignore_nulls: Some(true), ..with.clone() };
    for (name, args, with, expected) in [
        ("sum", vec![c.clone()], moving.clone(), "1 1 3 4"),
        ("sum", vec![c.clone()], growing.clone(), "1 1 4 5"),
        ("avg", vec![c.clone()], moving.clone(), "1.0 1.0 3.0 2.0"),
        ("count", vec![c.clone()], moving.clone(), "1 1 1 2"),
        ("max", vec![c.clone()], moving.clone(), "1 1 3 3"),
        ("bit_or", vec![c.clone()], moving.clone(), "1 1 3 3"),
        ("collect_list", vec![c.clone()], moving.clone(), "[1] [1] [3] [3,1]"),
        ("collect_list", vec![c.clone()], growing.clone(), "[1] [1] [1,3] [1,3,1]"),
        ("collect_list", vec![c.clone()], With { distinct: true, ..growing.clone() }, "[1] [1] [1,3] [1,3]"),
        ("var_pop", vec![c.clone()], moving.clone(), "0.0 0.0 0.0 1.0"),
        ("first", vec![c.clone()], moving.clone(), "1 1 NULL 3"),
        ("first", vec![c.clone()], nulls(&moving), "1 1 3 3"),
        ("last_value", vec![c.clone()], growing.clone(), "1 NULL 3 1"),
        ("last_value", vec![c.clone(), truth(true)], growing.clone(), "1 1 3 1"),
        ("nth_value", vec![c.clone(), int(2)], growing.clone(), "NULL NULL NULL NULL"),
        ("nth_value", vec![c.clone(), int(2)], nulls(&growing), "NULL NULL 3 3"),
        ("nth_value", vec![c.clone(), int(0)], growing.clone(), "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE"),
        ("row_number", vec![], growing.clone(), "1 2 3 4"),
        ("rank", vec![], growing.clone(), "1 2 3 4"),
        ("percent_rank", vec![], growing.clone(), "0.0 0.3333333333333333 0.6666666666666666 1.0"),
        ("cume_dist", vec![], growing.clone(), "0.25 0.5 0.75 1.0"),
        ("ntile", vec![int(3)], growing.clone(), "1 1 2 3"),
        ("lag", vec![c.clone()], growing.clone(), "NULL 1 NULL 3"),
        ("lag", vec![c.clone(), int(1), int(-1)], growing.clone(), "-1 1 NULL 3"),
        ("lag", vec![c.clone(), int(-1)], growing.clone(), "NULL 3 1 NULL"),
        ("lead", vec![c.clone(), int(2), o.clone()], growing.clone(), "3 1 3 4"),
        ("lead", vec![c.clone(), int(0)], growing.clone(), "1 NULL 3 1"),
        ("lag", vec![c.clone()], nulls(&growing), "NULL 1 1 3"),
        ("lag", vec![c.clone(), int(1), o.clone()], nulls(&growing), "1 1 1 3"),
        ("median", vec![c.clone()], growing.clone(), "INVALID_WINDOW_SPEC_FOR_AGGREGATION_FUNC"),
    ] {
        assert_eq!(run(name, &columns, args, &with, 1, false), expected, "{name}");
    }
}

/// Whatever is put into a function, it answers or refuses.
#[test]
fn of_every_type() {
    let null = Typed::literal(ScalarValue::Null, SparkType::Null, "NULL");
    let columns = [
        ints("o", &[Some(1), Some(2)]),
        doubles("d", &[Some(1.0), None]),
        texts("s", &[Some("1"), None]),
        months(&[1, 2]),
        micros(&[1, 2]),
        ("e", Decimal(5, 2), Arc::new(Decimal128Array::from(vec![100, 250]).with_precision_and_scale(5, 2).unwrap())),
        ("y", Binary, Arc::new(BinaryArray::from(vec![Some(&b"ab"[..]), None]))),
    ];
    let mut values: Vec<Typed> = columns.iter().map(|(name, _, _)| column(&columns, name)).collect();
    values.push(null);
    let window = With { frame: Some((Some(1), Some(0))), ..With::default() };
    let distinct = With { distinct: true, ..With::default() };
    for function in crate::functions::all() {
        let of_window = matches!(function.build, Build::Window(_));
        if !(of_window || matches!(function.build, Build::Aggregate(_))) {
            continue;
        }
        for value in &values {
            for args in
                [vec![value.clone()], vec![value.clone(), value.clone()], vec![value.clone(), double(0.5)], vec![value.clone(), int(2)]]
            {
                run(function.name, &columns, args.clone(), &window, 1, false);
                if !of_window {
                    run(function.name, &columns, args.clone(), &With::default(), 2, false);
                    run(function.name, &columns, args, &distinct, 1, false);
                }
            }
        }
    }
}

#[test]
fn shown() {
    let columns = [ints("c", &[Some(1)])];
    let c = column(&columns, "c");
    let window = With { frame: Some((None, Some(0))), ..With::default() };
    for (name, args, with, expected) in [
        ("mean", vec![c.clone()], With::default(), "mean(c)"),
        ("count", vec![c.clone(), c.clone()], With { distinct: true, ..With::default() }, "count(DISTINCT c, c)"),
        ("mode", vec![], With { order: Some(("c", true)), ..With::default() }, "mode() WITHIN GROUP (ORDER BY c DESC)"),
        (
            "percentile_cont",
            vec![double(0.5)],
            With { order: Some(("c", false)), ..With::default() },
            "percentile_cont(0.5) WITHIN GROUP (ORDER BY c DESC)",
        ),
        (
            "listagg",
            vec![c.clone()],
            With { order: Some(("c", true)), ..With::default() },
            "listagg(c, NULL) WITHIN GROUP (ORDER BY c ASC NULLS FIRST)",
        ),
        ("percentile", vec![c.clone(), double(0.5)], With::default(), "percentile(c, 0.5, 1)"),
        ("lag", vec![c.clone()], window.clone(), "lag(c, 1, NULL)"),
        ("rank", vec![], window.clone(), "RANK()"),
        ("sin", vec![c.clone()], With::default(), "SIN(c)"),
        ("log", vec![c.clone()], With::default(), "LOG(E(), c)"),
        ("round", vec![c.clone()], With::default(), "round(c, 0)"),
    ] {
        assert_eq!(built(name, &columns, args, &with).unwrap().sql.to_string(), expected);
    }
}
