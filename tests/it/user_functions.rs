//! Functions of the program: over columns, groups and batches, called from DataFrames and by name from SQL.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::compute::kernels::numeric::add;
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type, Schema, SchemaRef};
use expect_test::expect;
use tidemill::functions as F;
use tidemill::functions::col;
use tidemill::{BatchesFunction, Error, Result, UserFunction};

use crate::support::{grid, session};

type Body = fn(&[ArrayRef], usize) -> Result<ArrayRef>;

struct Function {
    name: &'static str,
    output: FieldRef,
    deterministic: bool,
    aggregate: bool,
    calls: AtomicUsize,
    body: Body,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl UserFunction for Function {
    fn name(&self) -> &str {
        self.name
    }

    fn output(&self) -> &FieldRef {
        &self.output
    }

    fn is_deterministic(&self) -> bool {
        self.deterministic
    }

    fn is_aggregate(&self) -> bool {
        self.aggregate
    }

    fn call(&self, arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        (self.body)(arguments, rows)
    }
}

fn function(name: &'static str, body: Body) -> Function {
    let output = Arc::new(Field::new("", DataType::Int64, true));
    Function { name, output, deterministic: true, aggregate: false, calls: AtomicUsize::new(0), body }
}

fn sum(arguments: &[ArrayRef], _rows: usize) -> Result<ArrayRef> {
    Ok(add(&arguments[0], &arguments[1])?)
}

/// The difference of the greatest and the least value of a group.
fn spread(arguments: &[ArrayRef], _rows: usize) -> Result<ArrayRef> {
    let values = arguments[0].as_primitive::<Int64Type>();
    let spread = arrow::compute::max(values).zip(arrow::compute::min(values)).map(|(most, least)| most - least);
    Ok(Arc::new(Int64Array::from(vec![spread])))
}

#[tokio::test]
async fn over_columns_and_groups() {
    let session = session();
    let plus = Arc::new(function("plus", sum));
    let width: Arc<dyn UserFunction> = Arc::new(Function { aggregate: true, ..function("width", spread) });
    session.register_function("plus_in_sql", plus.clone()).unwrap();
    session.register_function("width", Arc::clone(&width)).unwrap();
    let numbers = session.range(0, 4).await.unwrap();
    let both = numbers.select([col("id"), F::user_function(plus.clone(), [col("id"), F::lit(10i64)])]).filter(col("id").gt(1));
    expect![[r#"
        +---+------------+
        | id|plus(id, 10)|
        +---+------------+
        |  2|          12|
        |  3|          13|
        +---+------------+
    "#]]
    .assert_eq(&grid(&both.order_by(["id"])).await);
    let in_sql =
        "SELECT id % 2 AS odd, width(plus_in_sql(id, id)) AS w, count(*) AS n FROM range(7) GROUP BY 1 HAVING width(id) > 1 ORDER BY 1";
    expect![[r#"
        +---+---+---+
        |odd|  w|  n|
        +---+---+---+
        |  0| 12|  4|
        |  1|  8|  3|
        +---+---+---+
    "#]]
    .assert_eq(&grid(&session.sql(in_sql).await.unwrap()).await);
    // A group without rows is a group where there are no keys.
    let empty = numbers.filter(F::lit(false)).agg([F::user_function(width, [col("id")])]);
    assert!(empty.collect().await.unwrap().iter().all(|batch| batch.column(0).is_null(0)));
}

#[tokio::test]
async fn over_constants_it_is_called_when_the_query_runs() {
    let session = session();
    let plus = Arc::new(function("plus", sum));
    let frame = session.range(0, 3).await.unwrap().select([F::user_function(plus.clone(), [F::lit(1i64), F::lit(2i64)])]);
    frame.explain().await.unwrap();
    assert_eq!(plus.calls.load(Ordering::SeqCst), 0);
    assert_eq!(frame.count().await.unwrap(), 3);
    frame.collect().await.unwrap();
    assert!(plus.calls.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn what_does_not_fit_ends_the_query() {
    let session = session();
    let short: Body = |arguments, _| Ok(arguments[0].slice(0, 1));
    let other: Body = |arguments, _| Ok(arrow::compute::cast(&arguments[0], &DataType::Utf8)?);
    let nulls: Body = |_, rows| Ok(Arc::new(Int64Array::new_null(rows)));
    let fails: Body = |_, _| Err(Error::data("it does not like the rows"));
    let never = Arc::new(Field::new("", DataType::Int64, false));
    for (function, says) in [
        (function("short", short), "`short` was called with 3 rows and gave 1 values"),
        (function("other", other), "`other` was called with 3 rows and gave Utf8 in place of Int64"),
        (Function { output: never, ..function("nulls", nulls) }, "gave nulls, though it said that it gives none"),
        (function("fails", fails), "it does not like the rows"),
        (
            Function { aggregate: true, ..function("many", |arguments, _| Ok(Arc::clone(&arguments[0]))) },
            "`many` gave 3 values of Int64 for a group",
        ),
    ] {
        let numbers = session.range(0, 3).await.unwrap().coalesce(1);
        let made = F::user_function(Arc::new(function), [col("id")]);
        let error = numbers.select([made]).collect().await.unwrap_err();
        assert!(error.message().contains(says), "{error}");
    }
    let error = session.register_function("upper", Arc::new(function("upper", sum))).unwrap_err();
    assert!(error.message().contains("one of Spark's own"), "{error}");
    session.register_function("plus", Arc::new(function("plus", sum))).unwrap();
    let error = session.sql("SELECT plus(DISTINCT 1, 2)").await.unwrap_err();
    assert!(error.message().contains("DISTINCT"), "{error}");
}

/// Gives each batch's first number, `twice` times, and may end early, fail or panic.
#[derive(Debug)]
struct First {
    output: SchemaRef,
    how: &'static str,
}

impl BatchesFunction for First {
    fn name(&self) -> &str {
        "first"
    }

    fn output_schema(&self) -> &SchemaRef {
        &self.output
    }

    fn call(
        &self,
        input: Box<dyn Iterator<Item = Result<RecordBatch>> + Send>,
        output: &mut (dyn FnMut(RecordBatch) -> Result<()> + Send),
    ) -> Result<()> {
        for batch in input {
            let batch = batch?;
            let first = RecordBatch::try_new(Arc::clone(&self.output), vec![batch.column_by_name("id").unwrap().slice(0, 1)])?;
            output(first.clone())?;
            output(first)?;
            match self.how {
                "ends" => return Ok(()),
                "fails" => return Err(Error::data("enough of it")),
                "panics" => panic!("it fell over"),
                _ => {}
            }
        }
        Ok(())
    }
}

fn first(how: &'static str) -> Arc<First> {
    Arc::new(First { output: Arc::new(Schema::new(vec![Field::new("first", DataType::Int64, true)])), how })
}

const ROWS_AT_ONCE: &str = "spark.sql.execution.arrow.maxRecordsPerBatch";

#[tokio::test]
async fn a_call_gets_more_rows_than_a_batch_has_and_no_more_than_the_setting_says() {
    let session = tidemill::Session::builder().config("tidemill.batchSize", "100").parallelism(1).build().unwrap();
    // The number of rows of its call, for each row.
    let counted: Body = |_, rows| Ok(Arc::new(Int64Array::from_value(rows as i64, rows)));
    let counted = Arc::new(function("counted", counted));
    let numbers = session.range(0, 2_500).await.unwrap();
    for (setting, sizes, batches) in [("1000", vec![500, 1_000], 3), ("30", vec![10, 30], 100), ("0", vec![2_500], 1)] {
        session.sql(&format!("SET {ROWS_AT_ONCE} = {setting}")).await.unwrap();
        for numbers in [numbers.clone(), numbers.repartition(1)] {
            let made = numbers.select([F::user_function(counted.clone(), [col("id")]).alias("n")]);
            let rows = made.distinct().order_by(["n"]).to_json_rows().await.unwrap();
            assert_eq!(rows.iter().map(|row| row["n"].as_i64().unwrap()).collect::<Vec<_>>(), sizes, "{setting}");
            let firsts = numbers.map_batches(first("all")).distinct();
            assert_eq!(firsts.count().await.unwrap(), batches, "{setting}");
        }
    }
}

#[tokio::test]
async fn over_batches() {
    let session = tidemill::Session::builder().config(ROWS_AT_ONCE, "10").parallelism(2).build().unwrap();
    let numbers = session.range(0, 1_000).await.unwrap().repartition(2);
    let all = numbers.map_batches(first("all"));
    let rows = all.count().await.unwrap();
    assert!(rows >= 200 && rows % 2 == 0, "{rows}");
    // Two rows of each task.
    let ends = numbers.map_batches(first("ends"));
    let stages = ends.stages().await.unwrap();
    assert_eq!(stages["stages"].as_array().unwrap().last().unwrap()["tasks"], 2);
    assert_eq!(ends.count().await.unwrap(), 4);
    // Who reads no further lets the function end.
    assert_eq!(all.limit(3).count().await.unwrap(), 3);
    for (how, says) in [("fails", "enough of it"), ("panics", "`first` panicked: it fell over")] {
        let error = numbers.map_batches(first(how)).collect().await.unwrap_err();
        assert!(error.message().contains(says), "{error}");
    }
    let odd = all.filter(col("first").gt(-1)).group_by([col("first") % 2]).agg([F::count("*").alias("n")]);
    assert!(odd.collect().await.unwrap().iter().map(|batch| batch.num_rows()).sum::<usize>() >= 1);
}
