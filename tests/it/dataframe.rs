//! DataFrames: what each method gives, as Spark would show it.

use expect_test::{Expect, expect};
use tidemill::functions::{col, count_distinct, expr, lit, when};
use tidemill::{DataFrame, functions as F};

use crate::support::{clicks, grid, session};

async fn check(frame: DataFrame, expected: Expect) {
    expected.assert_eq(&grid(&frame).await);
}

#[tokio::test]
async fn select_filter_and_columns() {
    let df = clicks(&session());
    let shaped = df
        .filter(col("USERID").eq("ann").and(col("clicks").gt(2)))
        .with_column("double", col("Clicks") * 2)
        .with_column_renamed("country", "land")
        .order_by([col("double").desc()]);
    check(
        shaped,
        expect![[r#"
        +------+------+----+------+
        |userId|clicks|land|double|
        +------+------+----+------+
        |   ann|     4|  de|     8|
        |   ann|     3|  de|     6|
        +------+------+----+------+
    "#]],
    )
    .await;
    check(
        df.select_expr(["userid", "clicks / 2", "clicks + 1 AS more", "upper(country)"]),
        expect![[r#"
            +------+------------+----+--------------+
            |userid|(clicks / 2)|more|upper(country)|
            +------+------------+----+--------------+
            |   ann|         1.5|   4|            DE|
            |   bob|         2.5|   6|            FR|
            |   ann|         2.0|   5|            DE|
            |   cid|        NULL|NULL|          NULL|
            |   bob|         0.5|   2|            FR|
            |   ann|         1.0|   3|            NL|
            +------+------------+----+--------------+
        "#]],
    )
    .await;
    check(
        df.select([col("clicks") / 2, when(col("clicks").is_null(), "none").otherwise("some").alias("known")]),
        expect![[r#"
        +------------+-----+
        |(clicks / 2)|known|
        +------------+-----+
        |         1.5| some|
        |         2.5| some|
        |         2.0| some|
        |        NULL| none|
        |         0.5| some|
        |         1.0| some|
        +------------+-----+
    "#]],
    )
    .await;
}

#[tokio::test]
async fn groups() {
    let df = clicks(&session());
    let grouped = df
        .group_by(["userid"])
        .agg([
            F::sum("clicks"),
            F::avg("clicks").alias("mean"),
            F::count("*"),
            count_distinct("country"),
            F::max("clicks") - F::min("clicks"),
        ])
        .order_by(["userId"]);
    check(
        grouped,
        expect![[r#"
            +------+-----------+----+--------+-----------------------+---------------------------+
            |userid|sum(clicks)|mean|count(1)|count(DISTINCT country)|(max(clicks) - min(clicks))|
            +------+-----------+----+--------+-----------------------+---------------------------+
            |   ann|          9| 3.0|       3|                      2|                          2|
            |   bob|          6| 3.0|       2|                      1|                          4|
            |   cid|       NULL|NULL|       1|                      0|                       NULL|
            +------+-----------+----+--------+-----------------------+---------------------------+
        "#]],
    )
    .await;
    check(
        df.agg([F::count("*").alias("rows"), expr("sum(clicks) / count(1)").alias("ratio")]),
        expect![[r#"
        +----+-----+
        |rows|ratio|
        +----+-----+
        |   6|  2.5|
        +----+-----+
    "#]],
    )
    .await;
}

#[tokio::test]
async fn joins() {
    let df = clicks(&session());
    let totals = df.group_by(["userId"]).sum(&["clicks"]).with_column_renamed("sum(clicks)", "total");
    check(
        df.join(&totals, "userid", "inner").order_by(["userId", "clicks"]),
        expect![[r#"
        +------+------+-------+-----+
        |userId|clicks|country|total|
        +------+------+-------+-----+
        |   ann|     2|     nl|    9|
        |   ann|     3|     de|    9|
        |   ann|     4|     de|    9|
        |   bob|     1|     fr|    6|
        |   bob|     5|     fr|    6|
        |   cid|  NULL|   NULL| NULL|
        +------+------+-------+-----+
    "#]],
    )
    .await;
    let few = totals.filter(col("total").gt(6));
    check(
        few.join(&df, ["userId"], "left_anti"),
        expect![[r#"
        +------+-----+
        |userId|total|
        +------+-----+
        +------+-----+
    "#]],
    )
    .await;
    check(
        df.join(&few, ["userId"], "left_anti").order_by(["clicks"]),
        expect![[r#"
        +------+------+-------+
        |userId|clicks|country|
        +------+------+-------+
        |   cid|  NULL|   NULL|
        |   bob|     1|     fr|
        |   bob|     5|     fr|
        +------+------+-------+
    "#]],
    )
    .await;
    let (a, b) = (df.alias("a"), df.alias("b"));
    let pairs = a.join(&b, col("a.userId").eq(col("B.userid")).and(col("a.clicks").lt(col("b.clicks"))), "inner");
    check(
        pairs.select(["a.userId", "a.clicks"]).order_by(["a.clicks"]),
        expect![[r#"
        +------+------+
        |userId|clicks|
        +------+------+
        |   bob|     1|
        |   ann|     2|
        |   ann|     2|
        |   ann|     3|
        +------+------+
    "#]],
    )
    .await;
    let error = a.join(&b, "userId", "iner").schema().unwrap_err();
    assert!(error.message().contains("did you mean `inner`?"), "{error}");
}

#[tokio::test]
async fn parameters_of_statements_get_values() {
    let session = session();
    let text = "SELECT :n + 1 AS n, array_contains(:list, 2) AS list, :map['k'] AS map, :row.b AS row, ':n' AS text, hex(:bytes) AS bytes,
        :none IS NULL AS none, typeof(:empty) AS empty, :day AS day, typeof(:d) AS d";
    let values = [
        lit(-5).alias("n"),
        lit(vec![1, 2]).alias("LIST"),
        F::map([lit("k"), lit("it's \\ so")]).alias("map"),
        F::named_struct([lit("b"), lit(2.5)]).alias("row"),
        lit([0xab_u8, 0x00].as_slice()).alias("bytes"),
        F::null().alias("none"),
        lit(Vec::<i64>::new()).cast("array<bigint>").alias("empty"),
        lit("2024-02-29").cast("date").alias("day"),
        lit("1.50").cast("decimal(5,2)").alias("d"),
    ];
    check(
        session.sql_with(text, values).await.unwrap(),
        expect![[r#"
        +---+----+---------+---+----+-----+----+-------------+----------+------------+
        |  n|list|      map|row|text|bytes|none|        empty|       day|           d|
        +---+----+---------+---+----+-----+----+-------------+----------+------------+
        | -4|true|it's \ so|2.5|  :n| AB00|true|array<bigint>|2024-02-29|decimal(5,2)|
        +---+----+---------+---+----+-----+----+-------------+----------+------------+
    "#]],
    )
    .await;
    check(
        session.sql_with("SELECT id FROM range(?) ORDER BY id DESC LIMIT ?", [lit(5), lit(2)]).await.unwrap(),
        expect![[r#"
        +---+
        | id|
        +---+
        |  4|
        |  3|
        +---+
    "#]],
    )
    .await;
    for (text, values, condition) in [
        ("SELECT :a", vec![lit(1).alias("b")], "UNBOUND_SQL_PARAMETER"),
        ("SELECT ?", vec![], "UNBOUND_SQL_PARAMETER"),
        ("SELECT :a + ?", vec![lit(1), lit(1).alias("a")], "INVALID_QUERY_MIXED_QUERY_PARAMETERS"),
        ("SELECT :a", vec![F::expr("make_interval(1, 2, 3, 4)").alias("a")], "INVALID_SQL_ARG"),
    ] {
        let error = session.sql_with(text, values).await.unwrap_err();
        assert_eq!(error.condition().map(|c| c.name.as_str()), Some(condition), "{text}: {error}");
    }
}

#[tokio::test]
async fn names_that_are_wrong_say_what_is_right() {
    let df = clicks(&session());
    for (error, expected) in [
        (df.select(["userIdd"]).schema().unwrap_err(), "there is no column `userIdd` here; did you mean one of [`userId`"),
        (df.select([F::call_function("uper", ["userId"])]).schema().unwrap_err(), "there is no function `uper`; did you mean `upper`?"),
        (df.select([col("clicks").cast("bigin")]).schema().unwrap_err(), "there is no type BIGIN"),
        (df.with_column("s", F::sum("clicks")).schema().unwrap_err(), "is an aggregate"),
    ] {
        assert!(error.message().contains(expected), "{error}");
    }
    let twice = df.with_column("USERID2", col("clicks")).select([col("userId"), col("clicks").alias("USERID")]);
    let error = twice.select(["userid"]).schema().unwrap_err();
    assert!(error.message().contains("USERID") && error.message().contains("userId"), "{error}");
}

#[tokio::test]
async fn whole_numbers_do_not_wrap_and_nothing_is_divided_by_zero() {
    let df = clicks(&session());
    let overflow = df.select([lit(i64::MAX) + col("clicks")]).collect().await.unwrap_err();
    assert!(overflow.message().contains("overflow"), "{overflow}");
    let zero = df.select([col("clicks") / (col("clicks") - col("clicks"))]).collect().await.unwrap_err();
    assert!(zero.message().contains("division by zero"), "{zero}");
}

#[tokio::test]
async fn unions_and_distinct() {
    let df = clicks(&session());
    let swapped = df.select(["clicks", "country", "userId"]);
    assert_eq!(df.union_by_name(&swapped).count().await.unwrap(), 12);
    assert_eq!(df.union_by_name(&swapped).distinct().count().await.unwrap(), 6);
    assert!(df.union(&swapped.drop(["clicks"])).schema().is_err());
    assert_eq!(df.columns().unwrap(), ["userId", "clicks", "country"]);
}

#[tokio::test]
async fn operators_are_chosen_when_types_are_known() {
    let frame = clicks(&session()).limit(1);
    let half = when(col("clicks").gt(100), 0).otherwise(expr("0.5"));
    let shaped = frame.select([(half.clone() * 100).alias("x"), (col("clicks") / 2).alias("y"), half.alias("z")]);
    assert_eq!(format!("{shaped:?}"), "DataFrame[x: decimal(15,1), y: double, z: decimal(11,1)]");
    let united = frame.select([lit(1).alias("a")]).union(&frame.select([lit(2.5).alias("a")]));
    assert_eq!(format!("{united:?}"), "DataFrame[a: double]");
    let summed = united.agg([F::sum(col("a") + 1).alias("s")]);
    assert_eq!(summed.to_json_rows().await.unwrap(), [serde_json::json!({ "s": 5.5 })]);
}

#[tokio::test]
async fn a_long_chain_resolves_once() {
    let mut df = clicks(&session());
    for i in 0..200 {
        df = match i % 4 {
            0 => df.with_column("clicks", col("clicks") + 1),
            1 => df.filter(col("clicks").gt(i)),
            2 => df.select(["userId", "clicks", "country"]),
            _ => df.with_column_renamed("none", "other"),
        };
    }
    let start = std::time::Instant::now();
    assert_eq!(df.columns().unwrap(), ["userId", "clicks", "country"]);
    let first = start.elapsed();
    // Room for a debug build on a busy machine.
    assert!(first.as_millis() < 400, "{first:?}");
    eprintln!("a chain of 200 steps: {first:?}");
}
