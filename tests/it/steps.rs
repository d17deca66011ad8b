//! DataFrame steps of Spark's beyond the plain ones: statistics, splits, transposes, queries inside of queries, fields of structs.

use arrow::array::RecordBatch;
use expect_test::{Expect, expect};
use tidemill::functions::{col, lit};
use tidemill::{DataFrame, Session, functions as F};

use crate::support::{clicks, grid, session};

async fn check(frame: DataFrame, expected: Expect) {
    expected.assert_eq(&grid(&frame).await);
}

fn rows(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

async fn numbers(session: &Session) -> DataFrame {
    session.sql("SELECT id, id % 3 AS m, CAST(id AS DOUBLE) / 2 AS half FROM range(0, 100)").await.unwrap()
}

#[tokio::test]
async fn summaries() {
    let df = clicks(&session());
    check(
        df.describe([]),
        expect![[r#"
        +-------+------+------------------+-------+
        |summary|userId|            clicks|country|
        +-------+------+------------------+-------+
        |  count|     6|                 5|      5|
        |   mean|  NULL|               3.0|   NULL|
        | stddev|  NULL|1.5811388300841898|   NULL|
        |    min|   ann|                 1|     de|
        |    max|   cid|                 5|     nl|
        +-------+------+------------------+-------+
    "#]],
    )
    .await;
    check(
        df.summary(["count", "50%", "count_distinct"]),
        expect![[r#"
        +--------------+------+------+-------+
        |       summary|userId|clicks|country|
        +--------------+------+------+-------+
        |         count|     6|     5|      5|
        |           50%|  NULL|     3|   NULL|
        |count_distinct|     3|     5|      3|
        +--------------+------+------+-------+
    "#]],
    )
    .await;
    check(
        df.describe(["country"]),
        expect![[r#"
        +-------+-------+
        |summary|country|
        +-------+-------+
        |  count|      5|
        |   mean|   NULL|
        | stddev|   NULL|
        |    min|     de|
        |    max|     nl|
        +-------+-------+
    "#]],
    )
    .await;
    let error = df.summary(["medium"]).schema().unwrap_err();
    assert_eq!(error.condition().map(|c| c.name.as_str()), Some("UNRECOGNIZED_STATISTIC"));
    assert!(df.summary(["200%"]).schema().unwrap_err().message().contains("between 0% and 100%"));
}

#[tokio::test]
async fn statistics() {
    let session = session();
    let df = clicks(&session);
    check(
        df.stat().crosstab("userId", "country").await.unwrap().order_by(["userId_country"]),
        expect![[r#"
        +--------------+---+---+---+----+
        |userId_country| de| fr| nl|null|
        +--------------+---+---+---+----+
        |           ann|  2|  0|  1|   0|
        |           bob|  0|  2|  0|   0|
        |           cid|  0|  0|  0|   1|
        +--------------+---+---+---+----+
    "#]],
    )
    .await;
    let frequent = df.stat().freq_items(["country", "userId"], 0.3);
    let frequent =
        frequent.select([F::array_sort("country_freqItems").alias("country"), F::array_sort("userId_freqItems").alias("userId")]);
    check(
        frequent,
        expect![[r#"
            +--------+----------+
            | country|    userId|
            +--------+----------+
            |[de, fr]|[ann, bob]|
            +--------+----------+
        "#]],
    )
    .await;
    let numbers = numbers(&session).await;
    let (corr, cov) = (numbers.stat().corr("id", "half").await.unwrap(), numbers.stat().cov("id", "half").await.unwrap());
    assert!((corr - 1.0).abs() < 1e-12, "{corr}");
    // The variance of 0..99 as a sample is 841.666…
    assert!((cov - 420.833_333_333_333_3).abs() < 1e-9, "{cov}");
    let quantiles = numbers.stat().approx_quantile(["id", "half"], [0.0, 0.25, 1.0], 0.0).await.unwrap();
    assert_eq!(quantiles, [[0.0, 24.0, 99.0], [0.0, 12.0, 49.5]]);
    assert!(numbers.stat().approx_quantile(["id"], [1.5], 0.0).await.is_err());
    let sampled = numbers.stat().sample_by("m", [(0_i64, 1.0), (1, 0.0)], Some(7));
    check(
        sampled.group_by(["m"]).count(),
        expect![[r#"
        +---+-----+
        |  m|count|
        +---+-----+
        |  0|   34|
        +---+-----+
    "#]],
    )
    .await;
}

#[tokio::test]
async fn splits_share_no_row_and_lose_none() {
    let numbers = numbers(&session()).await;
    let parts = numbers.random_split([1.0, 2.0, 1.0], Some(11));
    let mut sizes = Vec::new();
    for part in &parts {
        sizes.push(part.count().await.unwrap());
    }
    assert_eq!(sizes.iter().sum::<u64>(), 100);
    assert!(sizes.iter().all(|size| *size > 5), "{sizes:?}");
    let all = parts[0].union(&parts[1]).union(&parts[2]);
    assert_eq!(all.distinct().count().await.unwrap(), 100);
    let again = numbers.random_split([1.0, 2.0, 1.0], Some(11));
    assert_eq!(again[1].except(&parts[1]).count().await.unwrap(), 0);
    let fault = numbers.random_split([1.0, -1.0], None)[0].schema().unwrap_err();
    assert!(fault.message().contains("weights from 0 up"), "{fault}");
    // One number a row, wherever batches end.
    let many = numbers.session().range(0, 50_000).await.unwrap();
    let half = many.sample(0.5, Some(3));
    assert!((24_000..26_000).contains(&half.count().await.unwrap()));
    let places = half.filter((col("id") % 8192).lt(4096)).count().await.unwrap();
    assert!((11_000..14_500).contains(&places), "{places}");
}

#[tokio::test]
async fn rows_become_columns() {
    let session = session();
    let df = session.sql("SELECT * FROM VALUES ('B', 3, 4.5D), ('A', 1, NULL), (NULL, 7, 8D) AS t(k, a, b)").await.unwrap();
    check(
        df.transpose(None).await.unwrap(),
        expect![[r#"
        +---+----+---+
        |key|   A|  B|
        +---+----+---+
        |  a| 1.0|3.0|
        |  b|NULL|4.5|
        +---+----+---+
    "#]],
    )
    .await;
    check(
        df.select(["k", "a"]).transpose(Some("a")).await.unwrap(),
        expect![[r#"
        +---+---+---+----+
        |key|  1|  3|   7|
        +---+---+---+----+
        |  k|  A|  B|NULL|
        +---+---+---+----+
    "#]],
    )
    .await;
    assert!(df.transpose(Some("x")).await.is_err());
    let pivoted = clicks(&session).group_by(["userId"]).pivot_all("country").await.unwrap().sum(&["clicks"]);
    check(
        pivoted.order_by(["userId"]),
        expect![[r#"
        +------+----+----+----+----+
        |userId|null|  de|  fr|  nl|
        +------+----+----+----+----+
        |   ann|NULL|   7|NULL|   2|
        |   bob|NULL|NULL|   6|NULL|
        |   cid|NULL|NULL|NULL|NULL|
        +------+----+----+----+----+
    "#]],
    )
    .await;
}

#[tokio::test]
async fn queries_inside_of_queries() {
    let df = clicks(&session());
    let most = df.agg([F::max("clicks")]);
    check(
        df.filter(col("clicks").eq(most.scalar())),
        expect![[r#"
        +------+------+-------+
        |userId|clicks|country|
        +------+------+-------+
        |   bob|     5|     fr|
        +------+------+-------+
    "#]],
    )
    .await;
    let other = df.alias("o");
    let elsewhere = other.filter(col("o.userId").eq(col("userId").outer()).and(col("o.country").neq(col("country").outer())));
    check(
        df.filter(elsewhere.exists()).select(["userId", "country"]).order_by(["country"]),
        expect![[r#"
        +------+-------+
        |userId|country|
        +------+-------+
        |   ann|     de|
        |   ann|     de|
        |   ann|     nl|
        +------+-------+
    "#]],
    )
    .await;
    let busy = df.group_by(["userId"]).count().filter(col("count").gt(2)).select(["userId"]);
    check(
        df.filter(!col("userId").isin_query(&busy)).order_by(["userId", "clicks"]),
        expect![[r#"
        +------+------+-------+
        |userId|clicks|country|
        +------+------+-------+
        |   bob|     1|     fr|
        |   bob|     5|     fr|
        |   cid|  NULL|   NULL|
        +------+------+-------+
    "#]],
    )
    .await;
    let best = other
        .filter(col("o.userId").eq(col("userId").outer()))
        .select([(col("o.clicks") + 100).alias("c")])
        .order_by([col("c").desc()])
        .limit(1);
    check(
        df.select(["userId"]).distinct().lateral_join(&best, None, "left").order_by(["userId"]),
        expect![[r#"
        +------+----+
        |userId|   c|
        +------+----+
        |   ann| 104|
        |   bob| 105|
        |   cid|NULL|
        +------+----+
    "#]],
    )
    .await;
    let alone = col("userId").outer();
    assert!(df.select([alone]).schema().unwrap_err().message().contains("there is none"));
}

#[tokio::test]
async fn fields_of_structs() {
    let session = session();
    let df = session.sql("SELECT named_struct('a', 1, 'b', named_struct('c', 2, 'd', 3)) AS s UNION ALL SELECT NULL").await.unwrap();
    let changed = df.select([
        col("s").with_field("A", lit("x")).alias("replaced"),
        col("s").with_field("b.e", col("s.a") + 1).alias("inside"),
        col("s").drop_fields(["a", "b.d", "none"]).alias("dropped"),
    ]);
    assert_eq!(
        format!("{changed:?}"),
        "DataFrame[replaced: struct<A:string,b:struct<c:int,d:int>>, inside: struct<a:int,b:struct<c:int,d:int,e:int>>, dropped: struct<b:struct<c:int>>]"
    );
    check(
        changed,
        expect![[r#"
        +-----------+--------------+-------+
        |   replaced|        inside|dropped|
        +-----------+--------------+-------+
        |{x, {2, 3}}|{1, {2, 3, 2}}|  {{2}}|
        |       NULL|          NULL|   NULL|
        +-----------+--------------+-------+
    "#]],
    )
    .await;
    let error = df.select([col("s").drop_fields(["a", "b"])]).schema().unwrap_err();
    assert_eq!(error.condition().map(|c| c.name.as_str()), Some("DATATYPE_MISMATCH.CANNOT_DROP_ALL_FIELDS"));
    let metadata = serde_json::json!({ "comment": "how often", "unit": 1 });
    let marked = clicks(&session).with_metadata("CLICKS", metadata.as_object().unwrap());
    assert_eq!(marked.schema().unwrap().field(1).metadata().get("comment").map(String::as_str), Some("how often"));
}

#[tokio::test]
async fn missing_values() {
    let session = session();
    let df = session.sql("SELECT * FROM VALUES (1, 'x', 1D), (NULL, NULL, NULL), (3, NULL, double('NaN')) AS t(a, b, c)").await.unwrap();
    check(
        df.na().fill_each([("a", lit(0)), ("b", lit("-"))]),
        expect![[r#"
        +---+---+----+
        |  a|  b|   c|
        +---+---+----+
        |  1|  x| 1.0|
        |  0|  -|NULL|
        |  3|  -| NaN|
        +---+---+----+
    "#]],
    )
    .await;
    assert_eq!(df.dropna().count().await.unwrap(), 1);
    assert_eq!(df.na().drop_all_missing().count().await.unwrap(), 2);
    check(
        df.fillna(9).replace(["b"], [("x", "y")]),
        expect![[r#"
        +---+----+---+
        |  a|   b|  c|
        +---+----+---+
        |  1|   y|1.0|
        |  9|NULL|9.0|
        |  3|NULL|9.0|
        +---+----+---+
    "#]],
    )
    .await;
}

#[tokio::test]
async fn first_and_last_rows() {
    let df = clicks(&session());
    let ordered = df.order_by(["clicks"]);
    assert_eq!(rows(&ordered.tail(2).await.unwrap()), 2);
    let last = df.session().create_dataframe(ordered.tail(2).await.unwrap()).unwrap();
    check(
        last,
        expect![[r#"
        +------+------+-------+
        |userId|clicks|country|
        +------+------+-------+
        |   ann|     4|     de|
        |   bob|     5|     fr|
        +------+------+-------+
    "#]],
    )
    .await;
    assert_eq!(ordered.first().await.unwrap().map(|row| row.num_rows()), Some(1));
    assert!(df.filter(lit(false)).is_empty().await.unwrap() && df.filter(lit(false)).first().await.unwrap().is_none());
    assert_eq!(rows(&df.tail(100).await.unwrap()), 6);
    check(
        ordered.to_json().limit(2),
        expect![[r#"
        +--------------------+
        |               value|
        +--------------------+
        |    {"userId":"cid"}|
        |{"userId":"bob","...|
        +--------------------+
    "#]],
    )
    .await;
    assert_eq!(df.dtypes().unwrap()[1], ("clicks".to_owned(), "bigint".to_owned()));
    assert!(df.explain_as("formatted").await.unwrap().starts_with("== Physical Plan ==\n"));
    assert!(df.explain_as("formated").await.unwrap_err().message().contains("did you mean `formatted`?"));
}

#[tokio::test]
async fn the_same_steps_are_the_same() {
    let df = clicks(&session());
    let make = |limit: i64| df.filter(df.col("clicks").gt(limit)).select(["userId"]);
    assert!(make(1).same_semantics(&make(1)).unwrap());
    assert!(!make(1).same_semantics(&make(2)).unwrap());
    assert_eq!(make(1).semantic_hash().unwrap(), make(1).semantic_hash().unwrap());
    assert_ne!(make(1).semantic_hash().unwrap(), make(3).semantic_hash().unwrap());
}

#[tokio::test]
async fn windows_of_time_that_overlap() {
    let session = session();
    let events = session
        .sql("SELECT * FROM VALUES (timestamp_ntz'2024-01-01 00:07:00', 1), (timestamp_ntz'2024-01-01 00:12:00', 2), (NULL, 4) AS t(t, v)");
    let events = events.await.unwrap();
    let window = || F::window_with("t", "10 minutes", "5 minutes", "0 seconds");
    check(
        events.group_by([window()]).sum(&["v"]).select(["window.start", "window.end", "sum(v)"]).order_by(["start"]),
        expect![[r#"
        +-------------------+-------------------+------+
        |              start|                end|sum(v)|
        +-------------------+-------------------+------+
        |2024-01-01 00:00:00|2024-01-01 00:10:00|     1|
        |2024-01-01 00:05:00|2024-01-01 00:15:00|     3|
        |2024-01-01 00:10:00|2024-01-01 00:20:00|     2|
        +-------------------+-------------------+------+
    "#]],
    )
    .await;
    let sets = "SELECT window.start, v, count(*) AS n FROM e GROUP BY ROLLUP (window(t, '10 minutes', '5 minutes'), v) ORDER BY start NULLS FIRST, v NULLS FIRST";
    events.create_temp_view("e").unwrap();
    check(
        session.sql(sets).await.unwrap(),
        expect![[r#"
        +-------------------+----+---+
        |              start|   v|  n|
        +-------------------+----+---+
        |               NULL|NULL|  4|
        |2024-01-01 00:00:00|NULL|  1|
        |2024-01-01 00:00:00|   1|  1|
        |2024-01-01 00:05:00|NULL|  2|
        |2024-01-01 00:05:00|   1|  1|
        |2024-01-01 00:05:00|   2|  1|
        |2024-01-01 00:10:00|NULL|  1|
        |2024-01-01 00:10:00|   2|  1|
        +-------------------+----+---+
    "#]],
    )
    .await;
    let sessions = "SELECT session_window.end, count(*) AS n FROM e GROUP BY session_window(t, IF(v = 1, '3 minutes', '1 hour'))";
    check(
        session.sql(sessions).await.unwrap().order_by(["end"]),
        expect![[r#"
        +-------------------+---+
        |                end|  n|
        +-------------------+---+
        |2024-01-01 00:10:00|  1|
        |2024-01-01 01:12:00|  1|
        +-------------------+---+
    "#]],
    )
    .await;
    let error = session.sql("SELECT count(*) FROM e GROUP BY CUBE (session_window(t, '1 hour'))").await.unwrap_err();
    assert!(error.message().contains("a session in GROUPING SETS"), "{error}");
    let error = events.drop_duplicates_within_watermark(["v"]).schema().unwrap_err();
    assert!(error.message().contains("is for streams"), "{error}");
}

#[tokio::test]
async fn what_may_be_left_out() {
    let session = session();
    let one = session.range(0, 1).await.unwrap();
    check(
        one.select([
            F::to_date_with(lit("31.01.2024"), "dd.MM.yyyy").alias("d"),
            F::split_with(lit("a,b,c"), ",", 2).alias("s"),
            F::pow(lit(2), 10).alias("p"),
            F::trim_with(lit("xxaxx"), "x").alias("t"),
            F::transform_with_index(F::array([lit("a"), lit("b")]), |x, i| F::concat([x, i.cast("string")])).alias("i"),
            F::aggregate_with(F::array([lit(1), lit(2)]), lit(0), |acc, x| acc + x, |acc| acc * 10).alias("g"),
        ]),
        expect![[r#"
            +----------+--------+------+---+--------+---+
            |         d|       s|     p|  t|       i|  g|
            +----------+--------+------+---+--------+---+
            |2024-01-31|[a, b,c]|1024.0|  a|[a0, b1]| 30|
            +----------+--------+------+---+--------+---+
        "#]],
    )
    .await;
    let sets = clicks(&session)
        .grouping_sets([vec!["userId"], vec!["country"]], ["userId", "country"])
        .agg([F::sum("clicks"), F::grouping_id(["userId", "country"])]);
    check(
        sets.order_by(["userId", "country"]),
        expect![[r#"
        +------+-------+-----------+----------------------------+
        |userId|country|sum(clicks)|grouping_id(userId, country)|
        +------+-------+-----------+----------------------------+
        |  NULL|   NULL|       NULL|                           2|
        |  NULL|     de|          7|                           2|
        |  NULL|     fr|          6|                           2|
        |  NULL|     nl|          2|                           2|
        |   ann|   NULL|          9|                           1|
        |   bob|   NULL|          6|                           1|
        |   cid|   NULL|       NULL|                           1|
        +------+-------+-----------+----------------------------+
    "#]],
    )
    .await;
}
