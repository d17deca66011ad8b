//! Rows in partitions that the program asks for, as the files of a write show them: how many there are, which rows are together, and in
//! which order.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use tidemill::functions::col;
use tidemill::{Column, DataFrame, MemoryTable, Session, StreamSink};

use crate::support::session;

/// The rows of each file that a write of `frame` makes, in the files' order.
async fn files(frame: &DataFrame) -> Vec<Vec<Value>> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out");
    frame.write().format("json").save(path.to_str().unwrap()).await.unwrap();
    parts(&path)
}

fn parts(folder: &Path) -> Vec<Vec<Value>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut parts: Vec<_> = entries.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect();
    parts.sort();
    let lines = |text: String| -> Vec<Value> { text.lines().map(|line| serde_json::from_str(line).unwrap()).collect() };
    parts.iter().map(|path| lines(std::fs::read_to_string(path).unwrap())).collect()
}

fn ints(file: &[Value], name: &str) -> Vec<i64> {
    file.iter().map(|row| row[name].as_i64().unwrap()).collect()
}

/// `id` from 0 up to 1000, and `k` of 50 values, in four partitions.
async fn numbers(session: &Session) -> DataFrame {
    session.range(0, 1000).await.unwrap().with_column("k", col("id") % 50).repartition(4)
}

/// Values that stand in two files, of which there should be none where rows are dealt by them.
fn torn(files: &[Vec<Value>], name: &str) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, file) in files.iter().enumerate() {
        for row in file {
            let places = places.entry(row[name].to_string()).or_default();
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
    }
    places.into_iter().filter(|(_, places)| places.len() > 1).map(|(value, _)| value).collect()
}

type Step = fn(&DataFrame) -> DataFrame;

#[tokio::test]
async fn a_write_makes_a_file_of_each_partition() {
    let session = session();
    let numbers = numbers(&session).await;
    let cases: [(&str, Step, usize); 17] = [
        ("as it is", |df| df.filter(col("id").geq(0)), 4),
        ("repartition(1)", |df| df.repartition(1), 1),
        ("repartition(3)", |df| df.repartition(3), 3),
        ("repartition(7)", |df| df.repartition(7), 7),
        ("the last one counts", |df| df.repartition(7).repartition(2), 2),
        ("coalesce(1)", |df| df.coalesce(1), 1),
        ("coalesce(3)", |df| df.coalesce(3), 3),
        ("there are never more than before", |df| df.coalesce(9), 4),
        ("coalesce of groups", |df| df.group_by(["k"]).agg([tidemill::functions::max("id").alias("id")]).coalesce(1), 1),
        ("repartition(4, k)", |df| df.repartition_into(4, ["k"]), 4),
        ("next to nothing is read by one task", |df| df.repartition_by(["k"]), 1),
        ("ranges", |df| df.repartition_by_range_into(3, ["k"]), 3),
        ("falling ranges", |df| df.repartition_by_range_into(3, [col("k").desc()]), 3),
        ("ranges of next to nothing", |df| df.repartition_by_range(["k"]), 1),
        ("one range", |df| df.repartition_by_range_into(1, ["k"]), 1),
        ("sorted within", |df| df.repartition(3).sort_within_partitions(["id"]), 3),
        ("sorted", |df| df.order_by(["id"]).coalesce(1), 1),
    ];
    for (name, step, expected) in cases {
        let frame = step(&numbers);
        let files = files(&frame).await;
        assert_eq!(files.len(), expected, "{name}");
        let mut ids: Vec<i64> = files.iter().flat_map(|file| ints(file, "id")).collect();
        ids.sort_unstable();
        let all: Vec<i64> = if name == "coalesce of groups" { (950..1000).collect() } else { (0..1000).collect() };
        assert_eq!(ids, all, "{name}: every row once");
    }
}

#[tokio::test]
async fn rows_are_dealt_one_after_the_other() {
    let session = session();
    let sizes = |files: &[Vec<Value>]| files.iter().map(Vec::len).collect::<Vec<_>>();
    let one = session.range(0, 1000).await.unwrap();
    assert_eq!(sizes(&files(&one.repartition(4)).await), [250_usize; 4]);
    let uneven = sizes(&files(&numbers(&session).await.repartition(3)).await);
    assert!(uneven.iter().all(|size| (330..=337).contains(size)), "{uneven:?}");
    // Rows without columns are still rows.
    assert_eq!(one.repartition(3).count().await.unwrap(), 1000);
}

#[tokio::test]
async fn rows_of_a_key_are_together() {
    let session = session();
    let numbers = numbers(&session).await;
    for (name, dealt) in [
        ("by key", numbers.repartition_into(4, ["k"])),
        ("by an expression", numbers.repartition_into(4, [col("k") + 1])),
        ("by range", numbers.repartition_by_range_into(4, ["k"])),
        ("columns that the list leaves out", numbers.repartition_into(4, ["k"]).select([col("k"), col("id")])),
    ] {
        let files = files(&dealt).await;
        assert_eq!(files.len(), 4, "{name}");
        assert_eq!(torn(&files, "k"), Vec::<String>::new(), "{name}");
    }
    let apart = files(&numbers.repartition(4)).await;
    assert!(!torn(&apart, "k").is_empty(), "rows that are dealt in turn are not");
    // Which zero, and which NaN, is not told apart.
    let floats = "SELECT explode(array('0.0', '-0.0', 'NaN', '1.5', '2.5', '-0.0', 'NaN')) AS t FROM range(20)";
    let floats = session.sql(floats).await.unwrap().with_column("d", col("t").cast("double")).repartition_into(5, ["d"]).select([col("t")]);
    let files = files(&floats).await;
    let holds = |file: &[Value], text: &str| file.iter().any(|row| row["t"] == text);
    for file in &files {
        assert_eq!(holds(file, "0.0"), holds(file, "-0.0"));
    }
    assert_eq!(torn(&files, "t"), Vec::<String>::new());
}

#[tokio::test]
async fn ranges_follow_each_other() {
    let session = session();
    let numbers = numbers(&session).await;
    let bounds = |files: &[Vec<Value>]| -> Vec<(i64, i64)> {
        files.iter().map(|file| ints(file, "k")).map(|k| (*k.iter().min().unwrap(), *k.iter().max().unwrap())).collect()
    };
    let rising = bounds(&files(&numbers.repartition_by_range_into(5, ["k"])).await);
    assert!(rising.len() == 5 && rising.windows(2).all(|pair| pair[0].1 < pair[1].0), "{rising:?}");
    assert!(rising.iter().all(|(least, most)| (5..=16).contains(&(most - least + 1))), "about as large: {rising:?}");
    let falling = bounds(&files(&numbers.repartition_by_range_into(5, [col("k").desc()])).await);
    assert!(falling.len() == 5 && falling.windows(2).all(|pair| pair[0].0 > pair[1].1), "{falling:?}");
    // Nulls come first; a key of one value is one range.
    let nulls = session.sql("SELECT CASE WHEN id < 300 THEN NULL ELSE id END AS k FROM range(0, 900)").await.unwrap();
    let nulls = files(&nulls.repartition_by_range_into(3, ["k"])).await;
    let is_null = |row: &Value| row.get("k").is_none_or(Value::is_null);
    assert!(nulls[0].iter().all(is_null) && nulls[0].len() == 300, "{}", nulls[0].len());
    assert!(!nulls[1..].iter().flatten().any(is_null));
    let alike = session.sql("SELECT 7 AS k FROM range(0, 900)").await.unwrap();
    assert_eq!(files(&alike.repartition_by_range_into(3, ["k"])).await.len(), 1);
}

#[tokio::test]
async fn rows_are_in_order_within_partitions() {
    let session = session();
    let numbers = numbers(&session).await;
    let sorted = numbers.repartition_into(3, ["k"]).sort_within_partitions([col("k").desc(), col("id")]);
    for (name, frame) in [
        ("sorted", sorted.clone()),
        ("a list over it", sorted.select([col("id"), col("k")])),
        ("a filter over it", sorted.filter(col("id").gt(100))),
        ("a key that the list leaves out", {
            let listed = numbers.repartition_into(3, ["k"]).with_column("twice", col("id") * 2);
            listed.sort_within_partitions([col("k").desc(), col("twice")]).select([col("id"), col("k")])
        }),
    ] {
        let files = files(&frame).await;
        assert_eq!(files.len(), 3, "{name}");
        for file in &files {
            let keys: Vec<(i64, i64)> = ints(file, "k").into_iter().map(|k| -k).zip(ints(file, "id")).collect();
            assert!(keys.is_sorted(), "{name}: {keys:?}");
        }
    }
    // Neighbours are read one after the other, each in its order.
    let whole = files(&numbers.order_by([col("id").desc()]).coalesce(1)).await;
    assert!(ints(&whole[0], "id").is_sorted_by(|one, other| one > other));
}

#[tokio::test]
async fn sql_says_the_same() {
    let session = session();
    numbers(&session).await.create_or_replace_temp_view("t").unwrap();
    for (sql, expected) in [
        ("SELECT /*+ REPARTITION(3) */ * FROM t", 3),
        ("SELECT /*+ repartition(3, k) */ * FROM t", 3),
        ("SELECT /*+ REPARTITION(k) */ * FROM t", 1),
        ("SELECT /*+ REPARTITION */ * FROM t", 1),
        ("SELECT /*+ REPARTITION_BY_RANGE(3, k) */ * FROM t", 3),
        ("SELECT /*+ COALESCE(2) */ * FROM t", 2),
        ("SELECT /*+ REBALANCE(k) */ * FROM t", 1),
        ("SELECT /*+ REBALANCE */ * FROM t", 1),
        ("SELECT /*+ REPARTITION(5) COALESCE(2) */ * FROM t", 5),
        ("SELECT /*+ BROADCAST(t), COALESCE(1) */ * FROM t", 1),
        ("SELECT * FROM t DISTRIBUTE BY k SORT BY id", 1),
        ("SELECT * FROM t CLUSTER BY k", 1),
        ("SELECT * FROM t SORT BY id", 4),
        ("SELECT * FROM (SELECT /*+ COALESCE(3) */ * FROM t) SORT BY k DESC, id", 3),
    ] {
        let frame = session.sql(sql).await.unwrap();
        let files = files(&frame).await;
        assert_eq!(files.len(), expected, "{sql}");
        assert_eq!(files.iter().map(Vec::len).sum::<usize>(), 1000, "{sql}");
    }
    // What the list leaves out may deal and sort.
    session.set("spark.sql.adaptive.enabled", "false").unwrap();
    session.set("spark.sql.shuffle.partitions", "3").unwrap();
    let listed = files(&session.sql("SELECT id FROM t DISTRIBUTE BY k SORT BY k, id").await.unwrap()).await;
    assert_eq!(listed.len(), 3);
    for file in &listed {
        let keys: Vec<(i64, i64)> = ints(file, "id").into_iter().map(|id| (id % 50, id)).collect();
        assert!(keys.is_sorted(), "{keys:?}");
    }
    assert_eq!(torn(&files(&session.sql("SELECT * FROM t CLUSTER BY k").await.unwrap()).await, "k"), Vec::<String>::new());
    assert_eq!(
        files(&session.sql("SELECT * FROM t").await.unwrap().repartition_by(["k"])).await.len(),
        3,
        "without a number, and nothing adapts"
    );
}

#[tokio::test]
async fn folders_have_a_file_of_each_partition() {
    let session = session();
    let numbers = numbers(&session).await.with_column("half", (col("k") % 2).cast("int"));
    let dir = tempfile::tempdir().unwrap();
    for (name, frame, expected) in
        [("in turn", numbers.repartition(3), 3), ("by the folder's column", numbers.repartition_into(6, ["half"]), 1)]
    {
        let path = dir.path().join(name);
        frame.write().format("json").partition_by(["half"]).save(path.to_str().unwrap()).await.unwrap();
        for half in [0, 1] {
            let parts = parts(&path.join(format!("half={half}")));
            assert_eq!(parts.len(), expected, "{name}, half={half}");
            assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), 500, "{name}, half={half}");
        }
    }
}

#[tokio::test]
async fn answers_are_the_same_over_rows_that_were_dealt() {
    let session = session();
    let numbers = numbers(&session).await;
    let dealt: [(&str, Step); 7] = [
        ("in turn", |df| df.repartition(5)),
        ("by key", |df| df.repartition_into(5, ["k"])),
        ("by key, to as many tasks as settings say", |df| df.repartition_by(["k"])),
        ("by key, to one", |df| df.repartition_into(1, ["k"])),
        ("by range", |df| df.repartition_by_range_into(5, ["k"])),
        ("merged", |df| df.coalesce(2)),
        ("sorted within", |df| df.repartition(3).sort_within_partitions([col("k")])),
    ];
    let groups = async |df: &DataFrame| df.group_by(["k"]).count().order_by(["k"]).to_json_rows().await.unwrap();
    let expected = groups(&numbers).await;
    for (name, step) in dealt {
        let frame = step(&numbers);
        assert_eq!(groups(&frame).await, expected, "{name}: groups");
        assert_eq!(frame.distinct().count().await.unwrap(), 1000, "{name}: distinct");
        assert_eq!(frame.limit(10).count().await.unwrap(), 10, "{name}: limit");
        assert_eq!(frame.filter(col("k").lt(5)).count().await.unwrap(), 100, "{name}: filter");
        for (other_name, other) in dealt {
            let keys = other(&session.range(0, 25).await.unwrap().with_column("k", col("id"))).select([col("k")]);
            assert_eq!(frame.join(&keys, ["k"], "inner").count().await.unwrap(), 500, "{name} with {other_name}: join");
        }
    }
}

#[tokio::test]
async fn wrong_numbers_and_keys() {
    let numbers = numbers(&session()).await;
    for none in [0, -1] {
        let words = format!("requirement failed: Number of partitions ({none}) must be positive.");
        for frame in [
            numbers.repartition(none),
            numbers.coalesce(none),
            numbers.repartition_into(none, ["k"]),
            numbers.repartition_by_range_into(none, ["k"]),
        ] {
            assert_eq!(frame.schema().unwrap_err().message(), words);
        }
    }
    assert!(numbers.repartition_into(2, [col("k").desc()]).schema().unwrap_err().message().contains("repartition_by_range"));
    assert!(numbers.repartition_by_range([] as [Column; 0]).schema().unwrap_err().message().contains("at least one"));
    assert!(numbers.repartition_by(["nobody"]).schema().unwrap_err().message().contains("nobody"));
    let session = session();
    session.range(0, 3).await.unwrap().create_or_replace_temp_view("r").unwrap();
    for sql in ["SELECT /*+ COALESCE(id) */ * FROM r", "SELECT /*+ REPARTITION(2, id + 1) */ * FROM r"] {
        let refused = match session.sql(sql).await {
            Ok(frame) => frame.schema().unwrap_err(),
            Err(error) => error,
        };
        assert!(refused.message().contains("takes a number of partitions"), "{refused}");
    }
}

#[tokio::test]
async fn a_streams_rows_stay_where_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("in");
    std::fs::create_dir(&input).unwrap();
    std::fs::write(input.join("1.json"), "{\"n\": 1}\n{\"n\": 2}\n{\"n\": 3}\n").unwrap();
    let session = session();
    let frame = session.read_stream().format("json").schema("n BIGINT NOT NULL").unwrap().load(&input.display().to_string()).unwrap();
    let dealt = frame.repartition(3).repartition_into(2, ["n"]).filter(col("n").gt(1)).coalesce(1);
    let table = MemoryTable::default();
    let query = session.streaming_query("dealt").checkpoint_location(dir.path().join("checkpoint"));
    let query = query.add(&dealt, StreamSink::memory("rows", &table)).start().await.unwrap();
    query.process_all_available().await.unwrap();
    query.stop().await.unwrap();
    assert_eq!(table.batches().iter().map(arrow::array::RecordBatch::num_rows).sum::<usize>(), 2);
}
