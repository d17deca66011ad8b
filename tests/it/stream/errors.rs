//! What a stream refuses, in words that name the way out: plans that have no meaning, and checkpoints of other queries.

use std::fmt::Write as _;
use std::sync::Arc;

use expect_test::expect;
use tidemill::functions as F;
use tidemill::functions::{col, expr};
use tidemill::{DataFrame, Error, MemoryTable, Result, Session, StreamSink};
use tidemill_streaming::source::MemoryStream;

use super::operators::running;
use super::story::{batch_of, event_schema};

type Make = fn(&DataFrame) -> DataFrame;

async fn start(make: Make, source: &str, checkpoint: &std::path::Path, sink: &str) -> Result<tidemill::StreamingQuery> {
    let session = Session::builder().parallelism(2).build()?;
    let stream = MemoryStream::new(source, event_schema());
    stream.add(batch_of(&[("ann".into(), "a".into(), Some(1), 1)]))?;
    let frame = make(&session.stream(Arc::new(stream))?);
    let sink = StreamSink::memory(sink, &MemoryTable::default());
    session.streaming_query("refused").checkpoint_location(checkpoint).add(&frame, sink).start().await
}

async fn refusal(make: Make) -> Error {
    let dir = tempfile::tempdir().unwrap();
    match start(make, "events", dir.path(), "sink").await {
        Ok(_) => Error::internal("it was not refused"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn plans_that_have_no_meaning_as_a_stream() {
    let cases: &[(&str, Make)] = &[
        ("a sort", |e| e.order_by(["t"])),
        ("a limit", |e| e.limit(3)),
        ("an aggregation of all rows", |e| e.agg([F::count("*")])),
        ("an aggregation without a window", |e| e.group_by(["user"]).count()),
        ("a window without a watermark", |e| e.group_by([F::window(col("t"), "1 minute")]).count()),
        ("a window of another column", |e| {
            let e = e.with_column("u", col("t")).with_watermark("t", "1 minute");
            e.group_by([F::window(col("u"), "1 minute")]).count()
        }),
        ("a window of an expression", |e| {
            let e = e.with_watermark("t", "1 minute");
            e.group_by([F::window(F::date_trunc("hour", col("t")), "1 minute")]).count()
        }),
        ("a window of a cast", |e| {
            let e = e.with_watermark("t", "1 minute").with_column("t", col("t").cast("date").cast("timestamp"));
            e.group_by([F::window(col("t"), "1 minute")]).count()
        }),
        ("a window over a join", |e| {
            let one = e.with_watermark("t", "1 minute");
            let table = e.session().create_dataframe(vec![batch_of(&[])]).unwrap().select([col("user"), col("v").alias("w")]);
            one.join(&table, ["user"], "inner").group_by([F::window(col("t"), "1 minute")]).count()
        }),
        ("a session for all", |e| e.with_watermark("t", "1 minute").group_by([F::session_window(col("t"), "1 minute")]).count()),
        ("a distinct aggregate", |e| {
            let windows = e.with_watermark("t", "1 minute").group_by([F::window(col("t"), "1 minute")]);
            windows.agg([F::count_distinct(col("user"))])
        }),
        ("a window function", |e| e.select([expr("row_number() OVER (PARTITION BY user ORDER BY t)")])),
        ("two watermarks", |e| e.with_watermark("t", "1 minute").with_watermark("t", "2 minutes")),
        ("a watermark of no time", |e| e.with_watermark("v", "1 minute")),
        ("the time of the clock", |e| e.with_column("now", F::current_timestamp())),
        ("late rows of no operator", |e| e.late_rows()),
        ("malformed rows of rows in memory", |e| e.malformed_rows()),
        ("groups by an expression", |e| e.group_by([F::upper(col("user"))]).flat_map_groups_with_state(running("running"))),
        ("like operators over unlike inputs", |e| {
            let one = e.filter(col("v").gt(1)).drop_duplicates(["id"]);
            one.union(&e.filter(col("v").leq(1)).drop_duplicates(["id"]))
        }),
    ];
    let mut told = String::new();
    for (what, make) in cases {
        let error = refusal(*make).await;
        writeln!(told, "{what}\n    {:?}: {error}", error.kind()).unwrap();
    }
    expect![[r#"
        a sort
            Analysis: a stream has no end to sort by: sort in `for_each_batch`, or when you read the table
        a limit
            Unsupported: `limit` on a stream is not there yet: limit when you read the table
        an aggregation of all rows
            Unsupported: a streaming aggregation needs a window of event time in append mode: group by `window(…)` or `session_window(…)`; update mode is not there yet
        an aggregation without a window
            Unsupported: a streaming aggregation needs a window of event time in append mode: group by `window(…)` or `session_window(…)`; update mode is not there yet
        a window without a watermark
            Analysis: in append mode a window ends when the watermark passes it: window the very column that `with_watermark` was called on, not `t`; put an expression into a column first (`with_column`), and call `with_watermark` on that
        a window of another column
            Analysis: in append mode a window ends when the watermark passes it: window the very column that `with_watermark` was called on, not `u`; put an expression into a column first (`with_column`), and call `with_watermark` on that
        a window of an expression
            Analysis: in append mode a window ends when the watermark passes it: window the very column that `with_watermark` was called on, not `date_trunc(Utf8("hour"), t)`; put an expression into a column first (`with_column`), and call `with_watermark` on that
        a window of a cast
            Analysis: in append mode a window ends when the watermark passes it: window the very column that `with_watermark` was called on, not `t#2`; put an expression into a column first (`with_column`), and call `with_watermark` on that
        a window over a join
            Unsupported: joins on streams are not there yet: join in `for_each_batch`, or when you read the tables
        a session for all
            Analysis: a streaming session window needs a further key: group by a column beside `session_window(…)`
        a distinct aggregate
            Analysis: `count(DISTINCT user) AS count`: distinct aggregates have no bounded state on a stream; drop duplicates first
        a window function
            Analysis: window functions such as `row_number` have no meaning on a stream: use `window(…)` in a GROUP BY
        two watermarks
            Analysis: column `t` has a watermark already, and a query branch can have one: remove one of the two `with_watermark` calls
        a watermark of no time
            Analysis: `with_watermark` needs a timestamp column, and `v` is Int64: convert it first, with `timestamp_millis` say
        the time of the clock
            Unsupported: `current_timestamp` on a stream is not there yet: use the event time, or add the time where the table is read
        late rows of no operator
            Analysis: late rows come from a stateful operator: ask for them on the result of `drop_duplicates` or a windowed aggregation
        malformed rows of rows in memory
            Analysis: malformed rows come from a source: ask for them on the result of `load`, before any other step
        groups by an expression
            Analysis: [UNSUPPORTED_EXPR_FOR_OPERATOR] `flat_map_groups_with_state` groups by plain columns, not by "upper(user)": add it as a column first, with `with_column` SQLSTATE: 42K0E
        like operators over unlike inputs
            Unsupported: two operators of the query are alike, `Dedup: keys=[id]`, over inputs that differ only in filters or columns, so that their state could not be told apart after a restart: run them as two queries, or filter after the operator
    "#]].assert_eq(&told);
}

#[tokio::test]
async fn a_stream_and_a_table_do_not_mix() {
    let mixed: Make = |events| {
        let rows = events.session().create_dataframe(vec![batch_of(&[])]).unwrap();
        events.union(&rows)
    };
    let batch_alone: Make = |events| events.session().create_dataframe(vec![batch_of(&[])]).unwrap();
    let mut told = String::new();
    for make in [mixed, batch_alone] {
        let error = refusal(make).await;
        writeln!(told, "{:?}: {error}", error.kind()).unwrap();
    }
    // A stream is no table: an action on it is refused.
    let session = Session::builder().build().unwrap();
    let events = session.stream(Arc::new(MemoryStream::new("events", event_schema()))).unwrap();
    let error = events.collect().await.unwrap_err();
    writeln!(told, "{:?}: {error}", error.kind()).unwrap();
    expect![[r#"
        Analysis: a stream and a table cannot be united: write the table's rows in a query of their own
        Analysis: `write_stream` needs a DataFrame that reads a stream: use `read_stream`, or `write` for a batch
        Analysis: a stream has no last row to collect: start a query with `write_stream`, or use `read()` for the files
    "#]]
    .assert_eq(&told);
}

#[tokio::test]
async fn writers_that_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let session = Session::builder().build().unwrap();
    let events = session.stream(Arc::new(MemoryStream::new("events", event_schema()))).unwrap();
    let mut told = String::new();
    let mut tell = |error: Error| writeln!(told, "{:?}: {error}", error.kind()).unwrap();
    tell(session.streaming_query("q").start().await.unwrap_err());
    tell(session.streaming_query("q").checkpoint_location(dir.path()).start().await.unwrap_err());
    let sink = || StreamSink::memory("one", &MemoryTable::default());
    let twice = session.streaming_query("q").checkpoint_location(dir.path()).add(&events, sink()).add(&events, sink());
    tell(twice.start().await.unwrap_err());
    for mode in ["update", "complete", "upsert"] {
        tell(events.write_stream().output_mode(mode).unwrap_err());
    }
    tell(events.write_stream().format("kafka").option("checkpointLocation", dir.path().display()).start().await.unwrap_err());
    tell(events.write_stream().option("checkpointlocatoin", "x").format("console").start().await.unwrap_err());
    tell(events.write_stream().option("checkpointLocation", dir.path().display()).start().await.unwrap_err());
    expect![[r#"
        Analysis: a streaming query needs a directory for its log and state: give it with `checkpointLocation`, or one for all queries with the setting `spark.sql.streaming.checkpointLocation`
        Analysis: a query needs a sink: add one with `add`
        Analysis: two sinks of the query have the id `one`: give each a name of its own, since the second one's epochs would be taken for the first one's
        Unsupported: output mode `update` is not there yet: use `append` with a window and a watermark, and `merge_into` for rows that replace others
        Unsupported: output mode `complete` is not there yet: use `append` with a window and a watermark, and `merge_into` for rows that replace others
        Analysis: unknown output mode `upsert`: it is `append`, `update` or `complete`
        Unsupported: stream sink `kafka` is not there: it is `delta`, `console`, `memory` or `for_each_batch`
        Analysis: unknown option `checkpointlocatoin` for streaming writes; did you mean `checkpointLocation`? (known options: checkpointLocation, numRows, truncate, maxInlineBytes, path, sinkName)
        Analysis: a Delta sink needs the table's path: `to_table(path)`, or option `path`
    "#]].assert_eq(&told);
}

#[tokio::test]
async fn a_checkpoint_of_another_query() {
    let dir = tempfile::tempdir().unwrap();
    let first: Make = |e| e.with_watermark("t", "1 minute").drop_duplicates(["id", "t"]);
    let query = start(first, "events", dir.path(), "sink").await.unwrap();
    query.process_all_available().await.unwrap();
    query.stop().await.unwrap();
    let cases: [(&str, Make, &str); 3] = [
        ("an operator of other keys", |e| e.with_watermark("t", "1 minute").drop_duplicates(["id", "t", "user"]), "events"),
        ("an operator less", |e| e.select(["id"]), "events"),
        ("another source", |e| e.with_watermark("t", "1 minute").drop_duplicates(["id", "t"]), "others"),
    ];
    for (what, make, source) in cases {
        let error = start(make, source, dir.path(), "sink").await.expect_err(what);
        assert!(error.message().contains("start with a new checkpoint"), "{what}: {error}");
        assert!(error.message().contains("dedup-") || error.message().contains("`events`"), "{what}: {error}");
    }
    // A filter and other columns after the operator change nothing of its state.
    let same: Make = |e| e.filter(col("v").gt(0)).with_watermark("t", "1 minute").drop_duplicates(["id", "t"]).select(["id"]);
    start(same, "events", dir.path(), "sink").await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn what_has_no_meaning_as_a_stream_has_one_as_a_table() {
    let session = Session::builder().parallelism(2).build().unwrap();
    let rows = [("ann", "a", 3), ("ann", "b", 1), ("bob", "c", 2)].map(|(user, id, t)| (user.to_owned(), id.to_owned(), Some(t), 1));
    let table = session.create_dataframe(vec![batch_of(&rows)]).unwrap();
    let numbered = table.select([col("id"), expr("row_number() OVER (PARTITION BY user ORDER BY t) AS n")]);
    assert_eq!(super::story::rows_as_text(&numbered.collect().await.unwrap()), ["a 2", "b 1", "c 1"]);
}
