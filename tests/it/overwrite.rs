//! Saves to folders of plain files that end by a kill, or that several writers make at once: the folder is all that was there
//! or all that is new.

use tidemill::{DataFrame, ErrorKind, Session};

use crate::support::session;

/// Six rows in two files, numbered from `from`.
async fn rows(session: &Session, from: i64) -> DataFrame {
    let sql = format!("SELECT id FROM range({from}, {0}) UNION ALL SELECT id FROM range({0}, {1})", from + 3, from + 6);
    session.sql(&sql).await.unwrap()
}

fn numbered(from: i64) -> Vec<i64> {
    (from..from + 6).collect()
}

/// The numbers that a DataFrame has in its one column.
async fn ids(frame: tidemill::Result<DataFrame>, story: &str) -> Vec<i64> {
    let frame = frame.unwrap_or_else(|e| panic!("{story}: {e}"));
    let rows = frame.to_json_rows().await.unwrap_or_else(|e| panic!("{story}: {e}"));
    // Those of a CSV file are text.
    let number = |value: &serde_json::Value| value.as_i64().or_else(|| value.as_str()?.parse().ok());
    let value = |row: &serde_json::Value| row.as_object().and_then(|columns| columns.values().next().and_then(number));
    let mut ids: Vec<i64> = rows.iter().map(|row| value(row).unwrap_or_else(|| panic!("{story}: {row}"))).collect();
    ids.sort_unstable();
    ids
}

/// What stands in a folder, hidden or not.
fn names(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn assert_clean(folder: &str, story: &str) {
    let names = names(folder);
    assert!(names.len() == 3 && names[0] == "_SUCCESS" && names[1..].iter().all(|name| name.starts_with("part-")), "{story}: {names:?}");
}

/// Saves each frame, all at once.
async fn all_at_once(frames: &[DataFrame], mode: &str, path: &str) -> Vec<tidemill::Result<()>> {
    let saves = frames.iter().map(|frame| async move { frame.write().format("parquet").mode(mode).save(path).await });
    futures::future::join_all(saves).await
}

#[tokio::test]
async fn of_saves_at_once_each_is_whole() {
    let session = session();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out").display().to_string();
    let mut frames = Vec::new();
    for n in 1..=8 {
        frames.push(rows(&session, n * 100).await);
    }
    let read = async || ids(session.read().parquet(&path).await, "after all saves").await;
    let first = all_at_once(&frames, "error", &path).await;
    assert_eq!(first.iter().filter(|saved| saved.is_ok()).count(), 1, "{first:?}");
    assert!(first.iter().filter_map(|saved| saved.as_ref().err()).all(|e| e.kind() == ErrorKind::Analysis), "{first:?}");
    let found = read().await;
    assert_eq!(found, numbered(found[0]), "one first save");
    for round in 0..4 {
        all_at_once(&frames, "overwrite", &path).await.into_iter().for_each(|saved| saved.unwrap());
        let found = read().await;
        assert_eq!(found, numbered(found[0]), "round {round}: one overwrite, the last");
        assert_clean(&path, "after overwrites");
    }
    all_at_once(&frames, "append", &path).await.into_iter().for_each(|saved| saved.unwrap());
    assert_eq!(read().await.len(), 9 * 6, "all appends beside what was there");
}

#[cfg(feature = "failpoints")]
mod killed {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use super::*;

    const SIGABRT: i32 = 6;

    /// Tells the process that is killed what to save where.
    const SAVE: &str = "TIDEMILL_TEST_SAVE";

    /// Where an overwrite of two files by two others dies, and whether its rows are saved by then.
    const DEATHS: [(&str, bool); 7] = [
        ("io::save.place=return", true),
        ("io::save.place=1*off->return", true),
        ("io::save.record=return", false),
        ("io::save.recorded=return", true),
        ("io::save.remove=return", true),
        ("io::save.remove=1*off->return", true),
        ("io::save.done=return", true),
    ];

    #[tokio::test]
    #[ignore = "it is the process that the next test kills"]
    async fn overwrite() {
        let Ok(told) = std::env::var(SAVE) else { return };
        let (format, path) = told.split_once(' ').unwrap();
        let _armed = fail::FailScenario::setup();
        rows(&session(), 20).await.write().format(format).mode("overwrite").save(path).await.unwrap();
    }

    fn overwrite_and_die(format: &str, path: &str, death: &str) {
        die("overwrite", &format!("{format} {path}"), death);
    }

    fn die(process: &str, told: &str, death: &str) {
        let ended = Command::new(std::env::current_exe().unwrap())
            .args([&format!("overwrite::killed::{process}"), "--exact", "--ignored"])
            .env("FAILPOINTS", death)
            .env(SAVE, told)
            .output()
            .unwrap();
        assert_eq!(ended.status.signal(), Some(SIGABRT), "{told}: {death} was not reached: {ended:?}");
    }

    /// Six rows from `from` in folders `odd=0` and `odd=1`.
    async fn save_by_odd(from: i64, path: &str) -> tidemill::Result<()> {
        let rows = rows(&session(), from).await;
        let rows = rows.with_column("odd", tidemill::functions::col("id") % 2);
        rows.write().mode("overwrite").partition_by(["odd"]).parquet(path).await
    }

    #[tokio::test]
    #[ignore = "it is the process that the next test kills"]
    async fn overwrite_by_odd() {
        let Ok(path) = std::env::var(SAVE) else { return };
        let _armed = fail::FailScenario::setup();
        save_by_odd(20, &path).await.unwrap();
    }

    #[tokio::test]
    #[ignore = "it is the process that the next test kills"]
    async fn append_to_one() {
        let Ok(path) = std::env::var(SAVE) else { return };
        let _armed = fail::FailScenario::setup();
        rows(&session(), 40).await.write().mode("append").parquet(&path).await.unwrap();
    }

    #[tokio::test]
    async fn a_killed_overwrite_of_partitions_leaves_each_as_old_or_as_new_as_the_others() {
        let session = session();
        for (death, saved) in DEATHS {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("out").display().to_string();
            save_by_odd(0, &path).await.unwrap();
            die("overwrite_by_odd", &path, death);
            let from = if saved { 20 } else { 0 };
            let read = async |path: &str| ids(session.read().parquet(path).await.map(|found| found.select(["id"])), death).await;
            assert_eq!(read(&path).await, numbered(from), "{death}");
            for odd in 0..2 {
                let expected: Vec<i64> = numbered(from).into_iter().filter(|id| id % 2 == odd).collect();
                assert_eq!(read(&format!("{path}/odd={odd}")).await, expected, "{death}: one partition");
                let based = session.read().option("basePath", &path).parquet(&format!("{path}/odd={odd}")).await.unwrap();
                assert_eq!(based.filter(tidemill::functions::col("odd").eq(odd)).count().await.unwrap(), 3, "{death}");
            }
            save_by_odd(60, &path).await.unwrap();
            assert_eq!(read(&path).await, numbered(60), "{death}: the next save");
        }
    }

    #[tokio::test]
    async fn an_overwrite_of_all_partitions_finishes_what_a_killed_append_to_one_has_left() {
        let session = session();
        for death in ["io::save.record=return", "io::save.recorded=return", "io::save.place=1*off->return", "io::save.done=return"] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("out").display().to_string();
            save_by_odd(0, &path).await.unwrap();
            die("append_to_one", &format!("{path}/odd=1"), death);
            save_by_odd(60, &path).await.unwrap();
            let read = async |path: &str| ids(session.read().parquet(path).await.map(|found| found.select(["id"])), death).await;
            assert_eq!(read(&path).await, numbered(60), "{death}");
            assert_eq!(read(&format!("{path}/odd=1")).await, [61, 63, 65], "{death}");
            rows(&session, 80).await.write().mode("append").parquet(&format!("{path}/odd=1")).await.unwrap();
            assert_eq!(read(&path).await.len(), 12, "{death}");
        }
    }

    #[tokio::test]
    async fn a_killed_overwrite_leaves_all_old_rows_or_all_new_ones() {
        let session = session();
        for format in ["parquet", "json", "csv"] {
            for (death, saved) in DEATHS {
                let story = format!("{format} after {death}");
                let dir = tempfile::tempdir().unwrap();
                let path = dir.path().join("out").display().to_string();
                let save = async |from: i64, mode: &str| {
                    let frame = rows(&session, from).await;
                    frame.write().format(format).mode(mode).save(&path).await.unwrap_or_else(|e| panic!("{story}: {e}"));
                };
                let found = async || ids(session.read().format(format).load(&path).await, &story).await;
                save(0, "error").await;
                assert_clean(&path, &story);
                let expected = numbered(if saved { 20 } else { 0 });
                // The second one dies while it finishes what the first has left, or in its own save.
                for _ in 0..2 {
                    overwrite_and_die(format, &path, death);
                    assert_eq!(found().await, expected, "{story}");
                }
                if format == "json" {
                    let strict = session.read().schema("id BIGINT").unwrap().json(&path).await;
                    assert_eq!(ids(strict, &story).await, expected, "{story}, with a schema");
                }
                save(40, "append").await;
                assert_eq!(found().await, [expected, numbered(40)].concat(), "{story}, and an append");
                overwrite_and_die(format, &path, death);
                save(60, "overwrite").await;
                assert_eq!(found().await, numbered(60), "{story}, and an overwrite");
                assert_clean(&path, &story);
            }
        }
    }
}
