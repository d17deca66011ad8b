//! Rows that are kept: by whom they are read, when they are computed, and what becomes of them when tables change or memory is short.

use tidemill::functions::{col, count, lit, sum};
use tidemill::{DataFrame, KeepIn, Session};

use crate::support::session;

/// How many rows there are, and the sum of their `id`s.
async fn sums_of(frame: &DataFrame) -> tidemill::Result<(i64, i64)> {
    let row = &frame.agg([count(lit(1)).alias("n"), sum("id").alias("s")]).to_json_rows().await?[0];
    Ok((row["n"].as_i64().unwrap(), row["s"].as_i64().unwrap_or(0)))
}

async fn sums(frame: &DataFrame) -> (i64, i64) {
    sums_of(frame).await.unwrap()
}

/// Whether a plan reads kept rows.
async fn reads_kept(frame: &DataFrame) -> bool {
    frame.explain().await.unwrap().contains("KeptScanExec")
}

async fn written(session: &Session, path: &str, rows: i64) -> DataFrame {
    session.range(0, rows).await.unwrap().write().format("parquet").mode("overwrite").save(path).await.unwrap();
    session.read().parquet(path).await.unwrap()
}

#[tokio::test]
async fn who_has_the_same_steps_reads_what_is_kept() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t").display().to_string();
    let frame = written(&session, &path, 1000).await.filter(col("id").gt(lit(9)));
    assert_eq!(frame.storage_level().unwrap(), None);
    frame.cache().unwrap();
    assert_eq!(frame.storage_level().unwrap(), Some(KeepIn::MEMORY_AND_DISK));
    assert!(!reads_kept(&frame).await, "nothing is computed before an action");
    let expected = (990, (10..1000).sum());
    assert_eq!(sums(&frame).await, expected);
    // The rows are in memory: nobody misses the files.
    for file in std::fs::read_dir(&path).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    assert!(reads_kept(&frame).await);
    assert_eq!(sums(&frame).await, expected);
    let later = frame.select([(col("id") * lit(2)).alias("id")]).filter(col("id").lt(lit(100)));
    assert!(reads_kept(&later).await);
    assert_eq!(sums(&later).await, (40, (10..50).map(|id| id * 2).sum()));
    let joined = frame.alias("a").join(&frame.alias("b"), ["id"], "inner");
    assert_eq!(sums(&joined).await, expected, "twice in one tree");
    assert!(frame.unpersist().unwrap().storage_level().unwrap().is_none());
    let error = sums_of(&later).await.unwrap_err();
    assert!(error.message().contains("FILE_NOT_EXIST"), "the files are read again: {error}");
}

#[tokio::test]
async fn what_the_session_writes_is_seen() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t").display().to_string();
    let frame = written(&session, &path, 100).await;
    frame.cache().unwrap();
    assert_eq!(sums(&frame).await, (100, 4950));
    written(&session, &path, 10).await;
    assert_eq!(sums(&session.read().parquet(&path).await.unwrap()).await, (10, 45));
    let local = session.range(0, 5).await.unwrap();
    local.cache().unwrap();
    assert_eq!(sums(&local).await, (5, 10));
    written(&session, &path, 20).await;
    assert!(reads_kept(&local).await, "it reads no table");
}

#[tokio::test]
async fn cache_table() {
    let session = session();
    let run = |text: &'static str| {
        let session = session.clone();
        async move { session.sql(text).await.unwrap().collect().await.unwrap() }
    };
    session.range(0, 100).await.unwrap().create_temp_view("v").unwrap();
    run("CACHE TABLE v").await;
    let of_v = |session: &Session| {
        let session = session.clone();
        async move { session.sql("SELECT id FROM v WHERE id < 10").await.unwrap() }
    };
    assert!(reads_kept(&of_v(&session).await).await, "computed at once");
    assert_eq!(sums(&of_v(&session).await).await, (10, 45));
    // Another view of the name.
    session.range(0, 5).await.unwrap().create_or_replace_temp_view("v").unwrap();
    assert_eq!(sums(&of_v(&session).await).await, (5, 10));
    run("UNCACHE TABLE v").await;
    assert!(!reads_kept(&of_v(&session).await).await);
    run("CACHE LAZY TABLE w OPTIONS ('storageLevel' 'DISK_ONLY') AS SELECT id * 3 AS id FROM v").await;
    let of_w = session.sql("SELECT id FROM w").await.unwrap();
    assert!(!reads_kept(&of_w).await, "computed when it is asked for");
    assert_eq!(sums(&of_w).await, (5, 30));
    assert!(reads_kept(&of_w).await);
    run("CLEAR CACHE").await;
    assert!(!reads_kept(&of_w).await);
    let error = session.sql("CACHE TABLE v OPTIONS ('storageLevel' 'SHELF')").await.unwrap_err();
    assert!(error.message().contains("MEMORY_ONLY"), "{error}");
    // A query in SQL that is kept, and the same said once more.
    let said = session.sql("SELECT id + 1 AS id FROM v").await.unwrap();
    said.cache().unwrap();
    assert_eq!(sums(&said).await, (5, 15));
    assert!(reads_kept(&said.filter(col("id").gt(lit(2)))).await);
    assert!(reads_kept(&session.sql("SELECT id + 1 AS id FROM v").await.unwrap()).await);
    said.unpersist().unwrap();
    assert!(!reads_kept(&said).await);
    // A view of a DataFrame that is kept.
    let kept = session.range(0, 7).await.unwrap();
    kept.schema().unwrap();
    kept.cache().unwrap();
    kept.create_or_replace_temp_view("k").unwrap();
    let of_k = session.sql("SELECT id FROM k").await.unwrap();
    assert_eq!(sums(&of_k).await, (7, 21));
    assert!(reads_kept(&of_k).await);
}

#[tokio::test]
async fn what_does_not_fit_goes_to_disk_and_the_oldest_first() {
    let dir = tempfile::tempdir().unwrap();
    let session = Session::builder()
        .config("tidemill.memoryBytes", "8MB")
        .config("tidemill.spillDir", dir.path().display().to_string())
        .build()
        .unwrap();
    let files = || {
        let folders = std::fs::read_dir(dir.path()).unwrap().map(|folder| folder.unwrap().path());
        folders.flat_map(|folder| std::fs::read_dir(folder).unwrap()).filter(|f| f.as_ref().unwrap().path().extension().is_some()).count()
    };
    let rows = |from: i64| {
        let session = session.clone();
        async move { session.range(from, from + 400_000).await.unwrap() }
    };
    let (first, second, third) = (rows(0).await, rows(1).await, rows(2).await);
    first.cache().unwrap();
    second.cache().unwrap();
    let expected = |from: i64| (400_000, (from..from + 400_000).sum());
    assert_eq!(sums(&first).await, expected(0));
    assert_eq!(files(), 0, "3.2 MB are in memory");
    assert_eq!(sums(&second).await, expected(1));
    assert!(files() > 0, "both are too much: the first went to disk");
    third.persist(KeepIn { memory: true, disk: false }).unwrap();
    for _ in 0..2 {
        assert_eq!((sums(&first).await, sums(&second).await, sums(&third).await), (expected(0), expected(1), expected(2)));
    }
    let large = session.range(0, 3_000_000).await.unwrap();
    large.persist(KeepIn { memory: true, disk: false }).unwrap();
    assert_eq!(sums(&large).await, (3_000_000, (0..3_000_000).sum()), "in memory alone it has no place");
    assert!(!reads_kept(&large).await);
    for frame in [&first, &second, &third, &large] {
        frame.unpersist().unwrap();
    }
    assert_eq!(files(), 0, "nothing is left");
}

#[tokio::test]
async fn rows_that_are_lost_are_computed_again() {
    let dir = tempfile::tempdir().unwrap();
    let session = Session::builder().config("tidemill.spillDir", dir.path().display().to_string()).build().unwrap();
    let frame = session.range(0, 1000).await.unwrap().select([col("id")]);
    frame.persist(KeepIn { memory: false, disk: true }).unwrap();
    assert_eq!(sums(&frame).await, (1000, 499_500));
    for folder in std::fs::read_dir(dir.path()).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap().map(|file| file.unwrap().path()) {
            if file.extension().is_some() {
                std::fs::write(&file, "other bytes").unwrap();
            }
        }
    }
    let error = frame.collect().await.unwrap_err();
    assert!(error.to_string().contains("computed anew"), "{error}");
    assert_eq!(sums(&frame).await, (1000, 499_500));
}

#[tokio::test]
async fn a_checkpoint_is_cut_off_from_what_made_it() {
    let session = session();
    let drawn = session.range(0, 100).await.unwrap().select([col("id"), tidemill::functions::rand().alias("r"), col("id").alias("r")]);
    let kept = drawn.local_checkpoint().await.unwrap();
    assert_eq!(kept.columns().unwrap(), ["id", "r", "r"], "two columns of one name");
    let rows = kept.to_json_rows().await.unwrap();
    assert_eq!(rows, kept.to_json_rows().await.unwrap());
    assert_eq!(sums(&kept).await, (100, 4950));
}
