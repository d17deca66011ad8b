//! Tables of calls of the functions of arrays, maps, structs, lambdas, JSON and CSV, and what they give.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array, ListArray};
use arrow::datatypes::{Field, Int32Type, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, Operator, binary_expr, col, lit};

use super::{Arg, Build, Call, Lambda, LambdaResolver, lookup};
use crate::plan::{Expression, ExpressionKind};
use crate::types::{SparkType, render, to_arrow};
use crate::{Result, Settings, Typed};

type Body = fn(&[(SparkType, bool)], &[String]) -> Typed;

/// Gives the bodies in the order in which they are asked for.
struct Bodies(Vec<Body>, usize);

impl LambdaResolver for Bodies {
    fn lambda(&mut self, _: &Expression, parameters: &[(SparkType, bool)]) -> Result<Lambda> {
        self.1 += 1;
        let names: Vec<String> = (0..parameters.len()).map(|i| format!("lambda_{}_{i}", self.1)).collect();
        let body = self.0.remove(0);
        Ok(Lambda { body: body(parameters, &names), parameters: names })
    }
}

fn int(value: i32) -> Typed {
    Typed::literal(ScalarValue::Int32(Some(value)), SparkType::Integer, value.to_string())
}

fn long(value: i64) -> Typed {
    Typed::literal(ScalarValue::Int64(Some(value)), SparkType::Long, value.to_string())
}

fn double(value: f64) -> Typed {
    Typed::literal(ScalarValue::Float64(Some(value)), SparkType::Double, format!("{value}"))
}

fn text(value: &str) -> Typed {
    Typed::literal(ScalarValue::Utf8(Some(value.to_owned())), SparkType::String, value)
}

fn flag(value: bool) -> Typed {
    Typed::literal(ScalarValue::Boolean(Some(value)), SparkType::Boolean, value.to_string())
}

fn null() -> Typed {
    Typed::literal(ScalarValue::Null, SparkType::Null, "NULL")
}

fn null_of(data_type: SparkType) -> Typed {
    Typed::literal(ScalarValue::try_from(&to_arrow(&data_type)).unwrap(), data_type, "NULL")
}

fn date(days: i32) -> Typed {
    Typed::literal(ScalarValue::Date32(Some(days)), SparkType::Date, "date")
}

fn moment(micros: i64) -> Typed {
    Typed::literal(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())), SparkType::Timestamp, "moment")
}

fn settings(conf: &[(&str, &str)]) -> Arc<Settings> {
    Arc::new(Settings::from_conf(conf.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()).unwrap())
}

fn resolve(name: &str, args: Vec<Typed>, bodies: Vec<Body>, settings: &Arc<Settings>) -> Result<Typed> {
    let function = lookup(name).unwrap_or_else(|| panic!("no function {name}"));
    let lambda = |count: usize| {
        let arguments = (0..count).map(|i| format!("p{i}")).collect();
        Arg::Lambda(Expression::from(ExpressionKind::LambdaFunction { arguments, function: Box::new(Expression::literal(1)) }))
    };
    let mut all: Vec<Arg> = args.into_iter().map(Arg::Value).collect();
    all.extend(bodies.iter().map(|_| lambda(if name.starts_with("transform_i") { 2 } else { 1 })));
    let mut lambdas = Bodies(bodies, 0);
    let mut call = Call {
        name: function.name,
        args: all,
        distinct: false,
        filter: None,
        order_by: Vec::new(),
        ignore_nulls: None,
        window: None,
        span: None,
        settings,
        lambdas: &mut lambdas,
    };
    match function.build {
        Build::Scalar(build) => build(&mut call),
        Build::Generator(build) => build(&mut call).map(|generator| generator.collection),
        _ => panic!("{name} is no scalar"),
    }
}

fn ok(name: &str, args: Vec<Typed>) -> Typed {
    resolve(name, args, Vec::new(), &settings(&[])).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn value(typed: &Typed, settings: &Settings) -> Result<String> {
    let value = super::constant(typed)?.expect("a constant");
    let array = value.to_array()?;
    assert_eq!(*array.data_type(), to_arrow(&typed.data_type), "{}", typed.sql);
    assert!(typed.nullable || !array.is_null(0), "{} is null", typed.sql);
    render::hive_text_at(&array, 0, &typed.data_type, settings)
}

fn run_with(name: &str, args: Vec<Typed>, bodies: Vec<Body>, conf: &[(&str, &str)]) -> String {
    let settings = settings(conf);
    let made = resolve(name, args, bodies, &settings).and_then(|typed| value(&typed, &settings));
    match made {
        Ok(text) => text,
        Err(error) => error.condition().map_or_else(|| format!("error: {error}"), |condition| condition.name.clone()),
    }
}

fn run(name: &str, args: Vec<Typed>) -> String {
    run_with(name, args, Vec::new(), &[])
}

fn ints(values: &[i32]) -> Typed {
    ok("array", values.iter().map(|v| int(*v)).collect())
}

fn with_null(values: &[i32]) -> Typed {
    ok("array", values.iter().map(|v| int(*v)).chain([null()]).collect())
}

fn map(entries: Vec<(Typed, Typed)>) -> Typed {
    ok("map", entries.into_iter().flat_map(|(k, v)| [k, v]).collect())
}

fn structure(fields: Vec<(&str, Typed)>) -> Typed {
    ok("named_struct", fields.into_iter().flat_map(|(name, value)| [text(name), value]).collect())
}

#[test]
fn arrays() {
    let nan = f64::NAN;
    let nested = || ok("array", vec![ints(&[1, 2]), ints(&[3])]);
    for (name, args, expected) in [
        ("array", vec![int(1), long(2), null()], "[1,2,null]"),
        ("array", vec![], "[]"),
        ("array_append", vec![ints(&[1, 2]), int(3)], "[1,2,3]"),
        ("array_append", vec![ints(&[1, 2]), long(3)], "[1,2,3]"),
        ("array_append", vec![null_of(SparkType::array(SparkType::Integer)), int(2)], "NULL"),
        ("array_append", vec![ints(&[1]), null()], "[1,null]"),
        ("array_append", vec![int(1), int(1)], "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
        ("array_append", vec![ints(&[1]), text("a")], "DATATYPE_MISMATCH.ARRAY_FUNCTION_DIFF_TYPES"),
        ("array_prepend", vec![ints(&[1, 2]), int(3)], "[3,1,2]"),
        ("array_insert", vec![ints(&[1, 2, 3, 4]), int(5), int(5)], "[1,2,3,4,5]"),
        ("array_insert", vec![ints(&[5, 4, 3, 2]), int(-1), int(1)], "[5,4,3,2,1]"),
        ("array_insert", vec![ints(&[5, 3, 2, 1]), int(-4), int(4)], "[5,4,3,2,1]"),
        ("array_insert", vec![ints(&[1]), int(4), int(9)], "[1,null,null,9]"),
        ("array_insert", vec![ints(&[1]), int(-4), int(9)], "[9,null,null,1]"),
        ("array_insert", vec![ints(&[1]), int(0), int(9)], "INVALID_INDEX_OF_ZERO"),
        ("array_insert", vec![ints(&[1]), int(i32::MAX), int(9)], "COLLECTION_SIZE_LIMIT_EXCEEDED.FUNCTION"),
        ("array_remove", vec![with_null(&[1, 2, 3, 3]), int(3)], "[1,2,null]"),
        ("array_compact", vec![with_null(&[1, 2])], "[1,2]"),
        ("slice", vec![ints(&[1, 2, 3, 4]), int(2), int(2)], "[2,3]"),
        ("slice", vec![ints(&[1, 2, 3, 4]), int(-2), int(2)], "[3,4]"),
        ("slice", vec![ints(&[1, 2]), int(5), int(2)], "[]"),
        ("slice", vec![ints(&[1, 2]), int(0), int(2)], "INVALID_PARAMETER_VALUE.START"),
        ("slice", vec![ints(&[1, 2]), int(1), int(-1)], "INVALID_PARAMETER_VALUE.LENGTH"),
        ("flatten", vec![nested()], "[1,2,3]"),
        ("flatten", vec![ok("array", vec![ints(&[1]), null()])], "NULL"),
        ("flatten", vec![ints(&[1])], "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
        ("array_contains", vec![ints(&[1, 2]), int(2)], "true"),
        ("array_contains", vec![with_null(&[1]), int(2)], "NULL"),
        ("array_contains", vec![ints(&[1]), long(2)], "false"),
        ("array_contains", vec![ints(&[1]), null()], "DATATYPE_MISMATCH.NULL_TYPE"),
        ("array_contains", vec![ok("array", vec![double(nan), double(-0.0)]), double(nan)], "true"),
        ("array_contains", vec![ok("array", vec![double(nan), double(-0.0)]), double(0.0)], "true"),
        ("array_contains", vec![nested(), ints(&[3])], "true"),
        ("array_position", vec![ints(&[312, 773, 708, 708]), int(708)], "3"),
        ("array_position", vec![ints(&[1]), int(7)], "0"),
        ("arrays_overlap", vec![ints(&[1, 2]), ints(&[2, 3])], "true"),
        ("arrays_overlap", vec![with_null(&[1]), ints(&[2])], "NULL"),
        ("arrays_overlap", vec![with_null(&[]), ints(&[])], "false"),
        ("array_min", vec![with_null(&[20, 1, 3])], "1"),
        ("array_max", vec![ok("array", vec![double(1.0), double(nan)])], "NaN"),
        ("array_max", vec![ok("array", vec![null_of(SparkType::Integer)])], "NULL"),
        ("array_max", vec![nested()], "[3]"),
        ("array_distinct", vec![ok("array", vec![int(1), null(), int(1), null()])], "[1,null]"),
        ("array_union", vec![ints(&[1, 2, 3]), ints(&[1, 3, 5])], "[1,2,3,5]"),
        ("array_intersect", vec![with_null(&[1, 2, 3]), with_null(&[1, 3, 5])], "[1,3,null]"),
        ("array_except", vec![with_null(&[1, 2, 3]), ints(&[1, 3, 5])], "[2,null]"),
        ("array_except", vec![ints(&[1]), ok("array", vec![text("a")])], "DATATYPE_MISMATCH.BINARY_ARRAY_DIFF_TYPES"),
        ("array_repeat", vec![text("ab"), int(2)], "[\"ab\",\"ab\"]"),
        ("array_repeat", vec![int(1), int(-1)], "[]"),
        ("array_repeat", vec![int(1), int(i32::MAX)], "COLLECTION_SIZE_LIMIT_EXCEEDED.PARAMETER"),
        ("array_join", vec![ok("array", vec![text("a"), null(), text("b")]), text("-")], "a-b"),
        ("array_join", vec![ok("array", vec![text("a"), null(), text("b")]), text("-"), text("?")], "a-?-b"),
        ("array_join", vec![ints(&[1, 2]), text(",")], "1,2"),
        ("arrays_zip", vec![ints(&[1, 2]), ints(&[3])], "[{\"0\":1,\"1\":3},{\"0\":2,\"1\":null}]"),
        ("sort_array", vec![with_null(&[3, 1, 2])], "[null,1,2,3]"),
        ("sort_array", vec![with_null(&[3, 1, 2]), flag(false)], "[3,2,1,null]"),
        ("array_sort", vec![with_null(&[3, 1, 2])], "[1,2,3,null]"),
        ("sort_array", vec![ok("array", vec![map(vec![(int(1), int(1))])])], "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE"),
        ("size", vec![ints(&[1, 2])], "2"),
        ("size", vec![map(vec![(int(1), int(1))])], "1"),
        ("size", vec![null()], "NULL"),
        ("size", vec![text("a")], "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
        ("get", vec![ints(&[1, 2]), int(0)], "1"),
        ("get", vec![ints(&[1, 2]), int(-1)], "NULL"),
        ("element_at", vec![ints(&[1, 2]), int(-1)], "2"),
        ("element_at", vec![ints(&[1, 2]), int(3)], "INVALID_ARRAY_INDEX_IN_ELEMENT_AT"),
        ("element_at", vec![ints(&[1, 2]), int(0)], "INVALID_INDEX_OF_ZERO"),
        ("element_at", vec![map(vec![(int(1), text("a"))]), int(1)], "a"),
        ("element_at", vec![map(vec![(int(1), text("a"))]), int(2)], "NULL"),
        ("try_element_at", vec![ints(&[1, 2]), int(3)], "NULL"),
        ("sequence", vec![int(1), int(5)], "[1,2,3,4,5]"),
        ("sequence", vec![int(5), long(1), int(-2)], "[5,3,1]"),
        ("sequence", vec![date(0), date(2)], "[1970-01-01,1970-01-02,1970-01-03]"),
        ("sequence", vec![moment(0), moment(-86_400_000_000)], "[1970-01-01 00:00:00,1969-12-31 00:00:00]"),
        ("sequence", vec![text("a"), text("b")], "DATATYPE_MISMATCH.SEQUENCE_WRONG_INPUT_TYPES"),
    ] {
        let shown = args.iter().map(|arg| arg.sql.to_string()).collect::<Vec<_>>().join(", ");
        assert_eq!(run(name, args), expected, "{name}({shown})");
    }
    assert_eq!(run_with("size", vec![null()], Vec::new(), &[("spark.sql.ansi.enabled", "false")]), "-1");
    assert_eq!(run_with("element_at", vec![ints(&[1]), int(3)], Vec::new(), &[("spark.sql.ansi.enabled", "false")]), "NULL");
}

#[test]
fn maps_and_structs() {
    let ab = || map(vec![(int(1), text("a")), (int(2), text("b"))]);
    let pairs = || {
        let pair = |k, v| ok("struct", vec![int(k), text(v)]);
        ok("array", vec![pair(1, "a"), pair(2, "b")])
    };
    for (name, args, expected) in [
        ("map", vec![int(1), text("a"), int(2), null()], "{1:\"a\",2:null}"),
        ("map", vec![], "{}"),
        ("map", vec![int(1)], "WRONG_NUM_ARGS.WITHOUT_SUGGESTION"),
        ("map", vec![int(1), int(1), int(1), int(2)], "DUPLICATED_MAP_KEY"),
        ("map", vec![double(0.0), int(1), double(-0.0), int(2)], "DUPLICATED_MAP_KEY"),
        ("map", vec![null_of(SparkType::Integer), int(1)], "NULL_MAP_KEY"),
        ("map", vec![ab(), int(1)], "DATATYPE_MISMATCH.INVALID_MAP_KEY_TYPE"),
        ("map_concat", vec![ab(), map(vec![(int(3), text("c"))])], "{1:\"a\",2:\"b\",3:\"c\"}"),
        ("map_concat", vec![], "{}"),
        ("map_concat", vec![int(1)], "DATATYPE_MISMATCH.MAP_CONCAT_DIFF_TYPES"),
        ("map_contains_key", vec![ab(), int(1)], "true"),
        ("map_contains_key", vec![ab(), text("x")], "DATATYPE_MISMATCH.MAP_FUNCTION_DIFF_TYPES"),
        ("map_entries", vec![ab()], "[{\"key\":1,\"value\":\"a\"},{\"key\":2,\"value\":\"b\"}]"),
        ("map_keys", vec![ab()], "[1,2]"),
        ("map_values", vec![ab()], "[\"a\",\"b\"]"),
        ("map_from_arrays", vec![ints(&[1, 2]), ok("array", vec![text("a"), text("b")])], "{1:\"a\",2:\"b\"}"),
        ("map_from_entries", vec![pairs()], "{1:\"a\",2:\"b\"}"),
        ("map_from_entries", vec![ok("array", vec![pairs()])], "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
        ("str_to_map", vec![text("a:1,b:2,c"), text(","), text(":")], "{\"a\":\"1\",\"b\":\"2\",\"c\":null}"),
        ("str_to_map", vec![text("a")], "{\"a\":null}"),
        ("str_to_map", vec![text("a1b2"), text("\\d"), text(":")], "{\"\":null,\"a\":null,\"b\":null}"),
        ("struct", vec![int(1), text("a")], "{\"col1\":1,\"col2\":\"a\"}"),
        ("named_struct", vec![text("a"), int(1)], "{\"a\":1}"),
        ("named_struct", vec![int(1), int(1)], "DATATYPE_MISMATCH.CREATE_NAMED_STRUCT_WITHOUT_FOLDABLE_STRING"),
        ("named_struct", vec![null_of(SparkType::String), int(1)], "DATATYPE_MISMATCH.UNEXPECTED_NULL"),
    ] {
        let shown = args.iter().map(|arg| arg.sql.to_string()).collect::<Vec<_>>().join(", ");
        assert_eq!(run(name, args), expected, "{name}({shown})");
    }
    let last = [("spark.sql.mapKeyDedupPolicy", "LAST_WIN")];
    assert_eq!(run_with("map", vec![int(1), int(1), int(2), int(2), int(1), int(3)], Vec::new(), &last), "{1:3,2:2}");
}

#[test]
fn parts_of_values() {
    let settings = settings(&[]);
    let show = |typed: Result<Typed>| match typed.and_then(|typed| Ok((typed.sql.to_string(), value(&typed, &settings)?))) {
        Ok((sql, value)) => format!("{sql} = {value}"),
        Err(error) => error.condition().map(|condition| condition.name.clone()).unwrap_or_default(),
    };
    let field = |base: Typed, name: &str| show(super::collection::access::get_field(&base.shown("x"), name, &settings));
    let item = |base: Typed, key: Typed| show(super::collection::access::extract_value(base.shown("x"), key, &settings, None));
    let one = || structure(vec![("a", int(1)), ("B", text("b"))]);
    assert_eq!(field(one(), "b"), "x.b = b");
    assert_eq!(field(one(), "c"), "FIELD_NOT_FOUND");
    assert_eq!(field(structure(vec![("a", int(1)), ("A", int(2))]), "a"), "AMBIGUOUS_REFERENCE_TO_FIELDS");
    assert_eq!(field(ok("array", vec![one(), one()]), "a"), "x.a = [1,1]");
    assert_eq!(field(map(vec![(text("k"), int(1))]), "k"), "x.k = 1");
    assert_eq!(field(int(1), "k"), "INVALID_EXTRACT_BASE_FIELD_TYPE");
    assert_eq!(item(ints(&[1, 2]), int(1)), "x[1] = 2");
    assert_eq!(item(ints(&[1, 2]), int(2)), "INVALID_ARRAY_INDEX");
    assert_eq!(item(ints(&[1, 2]), text("a")), "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE");
    assert_eq!(item(map(vec![(text("k"), int(1))]), text("z")), "x[z] = NULL");
    assert_eq!(item(one(), text("a")), "x.a = 1");
    assert_eq!(item(one(), int(1)), "INVALID_EXTRACT_FIELD_TYPE");
}

/// `operator` over a parameter and something else.
fn of(data_type: SparkType, left: Expr, operator: Operator, right: Expr) -> Typed {
    Typed::new(binary_expr(left, operator, right), data_type, true, "body")
}

#[test]
fn lambdas() {
    let plus_one: Body = |_, p| of(SparkType::Integer, col(&p[0]), Operator::Plus, lit(1_i32));
    let sum: Body = |_, p| of(SparkType::Integer, col(&p[0]), Operator::Plus, col(&p[1]));
    let above_one: Body = |_, p| of(SparkType::Boolean, col(&p[0]), Operator::Gt, lit(1_i32));
    let times_ten: Body = |_, p| of(SparkType::Integer, col(&p[0]), Operator::Multiply, lit(10_i32));
    let text_body: Body = |_, _| text("x");
    // Fails for 0.
    let quotient: Body = |_, p| {
        let quotient = binary_expr(lit(1_i32), Operator::Divide, col(&p[0]));
        of(SparkType::Boolean, quotient, Operator::Gt, lit(0_i32))
    };
    let falling: Body = |_, p| of(SparkType::Integer, col(&p[1]), Operator::Minus, col(&p[0]));
    let nothing: Body = |_, _| null_of(SparkType::Integer);
    let numbers = || map(vec![(int(1), int(0)), (int(2), int(2))]);
    let array = || ints(&[1, 2, 3]);
    for (name, args, bodies, expected) in [
        ("transform", vec![array()], vec![plus_one], "[2,3,4]"),
        ("transform", vec![null_of(SparkType::array(SparkType::Integer))], vec![plus_one], "NULL"),
        ("transform", vec![int(1)], vec![plus_one], "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
        ("filter", vec![with_null(&[1, 2, 3])], vec![above_one], "[2,3]"),
        ("filter", vec![array()], vec![text_body], "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
        ("exists", vec![array()], vec![above_one], "true"),
        ("exists", vec![with_null(&[0])], vec![above_one], "NULL"),
        ("exists", vec![ints(&[1, 0])], vec![quotient], "true"),
        ("forall", vec![array()], vec![above_one], "false"),
        ("forall", vec![with_null(&[2])], vec![above_one], "NULL"),
        ("forall", vec![ints(&[])], vec![above_one], "true"),
        ("aggregate", vec![array(), int(0)], vec![sum], "6"),
        ("aggregate", vec![array(), int(0)], vec![sum, times_ten], "60"),
        ("reduce", vec![ints(&[]), int(7)], vec![sum], "7"),
        ("aggregate", vec![array(), long(0)], vec![sum], "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
        ("zip_with", vec![ints(&[1, 2]), ints(&[3])], vec![sum], "[4,null]"),
        ("map_filter", vec![numbers()], vec![above_one], "{2:2}"),
        ("transform_keys", vec![numbers()], vec![plus_one], "{2:0,3:2}"),
        ("transform_keys", vec![numbers()], vec![nothing], "NULL_MAP_KEY"),
        ("transform_values", vec![numbers()], vec![sum], "{1:1,2:4}"),
        ("map_zip_with", vec![numbers(), map(vec![(int(2), int(5)), (int(3), int(6))])], vec![sum], "{1:1,2:4,3:null}"),
        ("array_sort", vec![array()], vec![falling], "[3,2,1]"),
        ("array_sort", vec![array()], vec![nothing], "COMPARATOR_RETURNS_NULL"),
        ("array_sort", vec![array()], vec![text_body], "DATATYPE_MISMATCH.UNEXPECTED_RETURN_TYPE"),
    ] {
        assert_eq!(run_with(name, args, bodies, &[]), expected, "{name}");
    }
}

/// Adds to the sum the product of the outer lambda's parameter and the element.
fn inner(_: &[(SparkType, bool)], p: &[String]) -> Typed {
    let product = binary_expr(col("outer_0"), Operator::Multiply, col(&p[1]));
    of(SparkType::Integer, col(&p[0]), Operator::Plus, product)
}

#[test]
fn lambdas_see_columns_of_their_row() {
    // transform(xs, x -> aggregate(xs, 0, (s, y) -> s + x * y) + k)
    let settings = settings(&[]);
    let xs = || Typed::new(col("xs"), SparkType::array(SparkType::Integer), true, "xs");
    let outer: Body = |_, p| {
        let settings = Arc::new(Settings::default());
        let xs = Typed::new(col("xs"), SparkType::array(SparkType::Integer), true, "xs");
        let sum = resolve("aggregate", vec![xs, int(0)], vec![inner], &settings).unwrap();
        let body = of(SparkType::Integer, sum.expr, Operator::Plus, col("k"));
        // The resolver gives every lambda names of its own.
        let expr = body.expr.transform(|e| match &e {
            Expr::Column(column) if column.name == "outer_0" => Ok(Transformed::yes(col(&p[0]))),
            _ => Ok(Transformed::no(e)),
        });
        Typed { expr: expr.unwrap().data, ..body }
    };
    let typed = resolve("transform", vec![xs()], vec![outer], &settings).unwrap();
    let mut columns: Vec<String> = typed.expr.column_refs().into_iter().map(|c: &Column| c.name.clone()).collect();
    columns.sort();
    assert_eq!(columns, ["k", "xs"]);
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
        Some(vec![Some(1), Some(2)]),
        None,
        Some(vec![]),
        Some(vec![Some(3)]),
    ]));
    let lists = crate::kernel::retype::retype(&lists, &to_arrow(&SparkType::array(SparkType::Integer))).unwrap();
    let ks: ArrayRef = Arc::new(Int32Array::from(vec![100, 200, 300, 400]));
    let schema =
        Arc::new(Schema::new(vec![Field::new("xs", lists.data_type().clone(), true), Field::new("k", ks.data_type().clone(), true)]));
    let names = DFSchema::try_from(Arc::clone(&schema)).unwrap();
    let physical =
        datafusion::physical_expr::create_physical_expr(&typed.expr, &names, &ExecutionProps::new(), &PhysicalPlanningContext::default())
            .unwrap();
    let batch = RecordBatch::try_new(schema, vec![lists, ks]).unwrap();
    let made = physical.evaluate(&batch).unwrap().into_array(4).unwrap();
    let shown: Vec<String> = (0..4).map(|row| render::hive_text_at(&made, row, &typed.data_type, &settings).unwrap()).collect();
    assert_eq!(shown, ["[103,106]", "NULL", "[]", "[409]"]);
}

#[test]
fn json() {
    let options = |entries: &[(&str, &str)]| map(entries.iter().map(|(k, v)| (text(k), text(v))).collect());
    for (args, expected) in [
        (vec![text("{\"a\":1, \"b\":0.8}"), text("a INT, b DOUBLE")], "{\"a\":1,\"b\":0.8}"),
        (vec![text("{\"a\":\"x\", \"b\":0.8}"), text("a INT, b DOUBLE")], "{\"a\":null,\"b\":0.8}"),
        (vec![text("{\"a\":1"), text("a INT")], "{\"a\":null}"),
        (vec![text("{\"a\":1"), text("a INT, _corrupt_record STRING")], "{\"a\":null,\"_corrupt_record\":\"{\"a\":1\"}"),
        (vec![text(""), text("a INT")], "NULL"),
        (vec![null_of(SparkType::String), text("a INT")], "NULL"),
        (vec![text("[1,2]"), text("array<int>")], "[1,2]"),
        (vec![text("[1,\"x\"]"), text("array<int>")], "NULL"),
        (vec![text("{\"a\":1}"), text("array<struct<a:int>>")], "[{\"a\":1}]"),
        (vec![text("{\"a\":1,\"b\":2}"), text("map<string,int>")], "{\"a\":1,\"b\":2}"),
        (vec![text("{\"a\":{\"b\":1.10}}"), text("a string")], "{\"a\":\"{\"b\":1.1}\"}"),
        (vec![text("{\"t\":\"2015-08-26 01:02:03\"}"), text("t timestamp")], "{\"t\":2015-08-26 01:02:03}"),
        (
            vec![text("{\"time\":\"26/08/2015\"}"), text("time Timestamp"), options(&[("timestampFormat", "dd/MM/yyyy")])],
            "{\"time\":2015-08-26 00:00:00}",
        ),
        (vec![text("{\"d\":1.005}"), text("d decimal(5,2)")], "{\"d\":1.01}"),
        (vec![text("{\"d\":\"1,000.5\"}"), text("d decimal(6,1)")], "{\"d\":1000.5}"),
        (vec![text("{\"a\":1}"), text("map<int,int>")], "DATATYPE_MISMATCH.INVALID_JSON_MAP_KEY_TYPE"),
        (vec![text("1"), text("int")], "DATATYPE_MISMATCH.INVALID_JSON_SCHEMA"),
        (vec![text("1"), int(1)], "INVALID_SCHEMA.NON_STRING_LITERAL"),
        (vec![text("1"), text("a INT"), text("x")], "INVALID_OPTIONS.NON_MAP_FUNCTION"),
        (vec![text("1"), text("a INT"), map(vec![(text("mode"), int(1))])], "INVALID_OPTIONS.NON_STRING_TYPE"),
        (vec![text("1"), text("a INT"), options(&[("mode", "DROPMALFORMED")])], "PARSE_MODE_UNSUPPORTED"),
        (vec![text("{"), text("a INT"), options(&[("mode", "FAILFAST")])], "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION"),
        (
            vec![text("[1]"), text("a INT"), options(&[("mode", "FAILFAST")])],
            "MALFORMED_RECORD_IN_PARSING.CANNOT_PARSE_JSON_ARRAYS_AS_STRUCTS",
        ),
        (vec![text("{\"a\":1}"), text("a INT, _corrupt_record INT")], "INVALID_CORRUPT_RECORD_TYPE"),
        (vec![text("{\"a\":1}"), text("a SOMETHING")], "INVALID_SCHEMA.PARSE_ERROR"),
        (vec![text("{\"a\":1}"), text("a VARCHAR(2)")], "UNSUPPORTED_CHAR_OR_VARCHAR_AS_STRING"),
        (
            vec![
                text("{\"a\":[1]}"),
                text("{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":{\"type\":\"array\",\"elementType\":\"long\"}}]}"),
            ],
            "{\"a\":[1]}",
        ),
    ] {
        let shown = args.iter().map(|arg| arg.sql.to_string()).collect::<Vec<_>>().join(", ");
        assert_eq!(run("from_json", args), expected, "{shown}");
    }
    let two = || structure(vec![("b", int(1)), ("a", null_of(SparkType::Integer)), ("c", text("é\n"))]);
    for (args, expected) in [
        (vec![structure(vec![("a", int(1)), ("b", int(2))])], "{\"a\":1,\"b\":2}"),
        (vec![two()], "{\"b\":1,\"c\":\"é\\n\"}"),
        (vec![two(), options(&[("ignoreNullFields", "false"), ("sortKeys", "true")])], "{\"a\":null,\"b\":1,\"c\":\"é\\n\"}"),
        (vec![two(), options(&[("writeNonAsciiCharacterAsCodePoint", "true")])], "{\"b\":1,\"c\":\"\\u00E9\\n\"}"),
        (vec![ok("array", vec![structure(vec![("a", int(1))])]), options(&[("pretty", "true")])], "[ {\n  \"a\" : 1\n} ]"),
        (vec![structure(vec![("t", moment(1_440_547_200_123_456))])], "{\"t\":\"2015-08-26T00:00:00.123Z\"}"),
        (vec![structure(vec![("d", double(f64::NAN)), ("e", double(1e10))])], "{\"d\":\"NaN\",\"e\":1.0E10}"),
        (vec![map(vec![(structure(vec![("a", int(1))]), structure(vec![("b", int(2))]))])], "{\"[1]\":{\"b\":2}}"),
        (vec![int(1)], "DATATYPE_MISMATCH.INVALID_JSON_SCHEMA"),
    ] {
        let shown = args.iter().map(|arg| arg.sql.to_string()).collect::<Vec<_>>().join(", ");
        assert_eq!(run("to_json", args), expected, "{shown}");
    }
    for (name, args, expected) in [
        ("schema_of_json", vec![text("[{\"col\":0}]")], "ARRAY<STRUCT<col: BIGINT>>"),
        ("schema_of_json", vec![null_of(SparkType::String)], "DATATYPE_MISMATCH.UNEXPECTED_NULL"),
        ("get_json_object", vec![text("{\"a\":\"b\"}"), text("$.a")], "b"),
        ("json_array_length", vec![text("[1,2,3]")], "3"),
        ("json_object_keys", vec![text("{\"a\":1}")], "[\"a\"]"),
        ("json_tuple", vec![text("{\"a\":1, \"b\":2}"), text("a"), text("b")], "[{\"c0\":\"1\",\"c1\":\"2\"}]"),
        ("stack", vec![int(2), int(1), int(2), int(3)], "[{\"col0\":1,\"col1\":2},{\"col0\":3,\"col1\":null}]"),
        ("stack", vec![int(2), int(1), text("a")], "DATATYPE_MISMATCH.STACK_COLUMN_DIFF_TYPES"),
        ("stack", vec![int(0), int(1)], "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE"),
        ("explode", vec![int(1)], "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
        ("inline", vec![ints(&[1])], "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE"),
    ] {
        assert_eq!(run(name, args), expected, "{name}");
    }
}

#[test]
fn csv() {
    let options = |entries: &[(&str, &str)]| map(entries.iter().map(|(k, v)| (text(k), text(v))).collect());
    for (name, args, expected) in [
        ("from_csv", vec![text("1, 0.8"), text("a INT, b DOUBLE")], "{\"a\":1,\"b\":0.8}"),
        ("from_csv", vec![text("x,2"), text("a INT, b INT")], "{\"a\":null,\"b\":2}"),
        ("from_csv", vec![text("1"), text("a INT, b INT, _corrupt_record STRING")], "{\"a\":1,\"b\":null,\"_corrupt_record\":\"1\"}"),
        ("from_csv", vec![text("1|2"), text("a INT, b INT"), options(&[("sep", "|")])], "{\"a\":1,\"b\":2}"),
        (
            "from_csv",
            vec![text("26/08/2015"), text("time Timestamp"), options(&[("timestampFormat", "dd/MM/yyyy")])],
            "{\"time\":2015-08-26 00:00:00}",
        ),
        ("from_csv", vec![text("1"), text("int")], "INVALID_SCHEMA.NON_STRUCT_TYPE"),
        ("from_csv", vec![text("x"), text("a INT"), options(&[("mode", "FAILFAST")])], "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION"),
        ("to_csv", vec![structure(vec![("a", int(1)), ("b", int(2))])], "1,2"),
        (
            "to_csv",
            vec![structure(vec![("a", text("x,y")), ("b", null_of(SparkType::Integer)), ("c", ints(&[1, 2]))])],
            "\"x,y\",,\"[1, 2]\"",
        ),
        ("to_csv", vec![int(1)], "DATATYPE_MISMATCH.UNSUPPORTED_INPUT_TYPE"),
        ("schema_of_csv", vec![text("1,abc")], "STRUCT<_c0: INT, _c1: STRING>"),
    ] {
        let shown = args.iter().map(|arg| arg.sql.to_string()).collect::<Vec<_>>().join(", ");
        assert_eq!(run(name, args), expected, "{name}({shown})");
    }
}
