//! What EXPLAIN shows in each mode, and what a run that is analyzed says of itself.

use tidemill::functions::{col, concat, lit};
use tidemill::plan::ExplainMode;
use tidemill::{ErrorKind, Session};

use crate::support::{clicks, session};

const GROUPED: &str = "SELECT id % 10 AS v, count(*) AS n FROM range(1000) GROUP BY id % 10";

const PHYSICAL: &str = "== Physical Plan ==\n";

/// The one value of a statement's one row.
async fn answer(session: &Session, sql: &str) -> tidemill::Result<String> {
    let rows = session.sql(sql).await?.to_json_rows().await?;
    assert_eq!(rows.len(), 1, "{sql}");
    Ok(rows[0]["plan"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn each_mode_shows_its_plans() {
    let session = session();
    session.sql("SET spark.sql.adaptive.enabled = true").await.unwrap();
    for (mode, begins, holds, lacks) in [
        (
            ExplainMode::Simple,
            PHYSICAL,
            vec!["\nStage 0: ", "isFinalPlan=false", "\nRoots: "],
            vec!["Logical", " (1)\n", "rowCount", "metrics"],
        ),
        (
            ExplainMode::Extended,
            "== Analyzed Logical Plan ==\n",
            vec!["== Optimized Logical Plan ==\n", PHYSICAL, "isFinalPlan=false"],
            vec!["metrics"],
        ),
        (ExplainMode::Formatted, PHYSICAL, vec![" (1)\n", "\n(1) ", "\nOutput [2]: ["], vec!["Logical", "metrics"]),
        (ExplainMode::Cost, "== Optimized Logical Plan ==\n", vec![PHYSICAL, "rowCount="], vec!["Analyzed", "metrics"]),
        (ExplainMode::Codegen, "Found 0 WholeStageCodegen subtrees", vec![PHYSICAL], vec!["Logical", "metrics"]),
        (
            ExplainMode::Analyze,
            PHYSICAL,
            vec!["isFinalPlan=true", "\n  * ran in ", "metrics=[output_rows=10, elapsed_compute=", "\nRows: 10\n"],
            vec!["Logical", "isFinalPlan=false"],
        ),
    ] {
        let frame = session.sql(GROUPED).await.unwrap();
        let word = if mode == ExplainMode::Simple { "" } else { mode.name() };
        for text in [
            frame.explain_as(&mode.name().to_uppercase()).await.unwrap(),
            answer(&session, &format!("EXPLAIN {word} {GROUPED}")).await.unwrap(),
        ] {
            assert!(text.starts_with(begins), "{mode:?}: {text}");
            for part in &holds {
                assert!(text.contains(part), "{mode:?}, {part:?}: {text}");
            }
            for part in &lacks {
                assert!(!text.contains(part), "{mode:?}, {part:?}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn a_plan_is_final_where_nothing_can_change() {
    let session = session();
    session.sql("SET spark.sql.adaptive.enabled = false").await.unwrap();
    for sql in [GROUPED, "SELECT 1"] {
        for mode in ExplainMode::ALL {
            let text = session.sql(sql).await.unwrap().explain_as(mode.name()).await.unwrap();
            assert!(!text.contains("isFinalPlan"), "{mode:?}: {text}");
        }
    }
    session.sql("SET spark.sql.adaptive.enabled = true").await.unwrap();
    let text = session.sql("SELECT 1").await.unwrap().explain().await.unwrap();
    assert!(!text.contains("isFinalPlan"), "a single stage is what it is: {text}");
}

#[tokio::test]
async fn what_adaptive_execution_changed_is_said() {
    let session = session();
    // Each user of two rows or more, with all its rows: a join of two exchanges, of which the one that is built is small.
    let sql = "SELECT a.id, b.id AS other FROM range(200) a JOIN range(4000) b ON a.id = b.id % 500";
    for (on, rows) in [(true, 1_600), (false, 1_600)] {
        session.sql(&format!("SET spark.sql.adaptive.enabled = {on}")).await.unwrap();
        let profile = session.sql(sql).await.unwrap().explain_analyze().await.unwrap();
        assert_eq!(profile.rows(), rows);
        let (text, json) = (profile.to_string(), profile.to_json());
        assert_eq!(text.contains("\n  * broadcast: stage "), on, "{text}");
        assert_eq!(text.contains("became part of stage"), on, "{text}");
        let changes: Vec<&str> = json["stages"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|stage| stage["changes"].as_array().unwrap())
            .filter_map(|change| change.as_str())
            .collect();
        assert_eq!(changes.iter().any(|change| change.starts_with("broadcast: ")), on, "{json}");
        assert_eq!(changes.is_empty(), !on, "{json}");
    }
}

#[tokio::test]
async fn figures_as_data() {
    let session = session();
    let profile = session.sql(GROUPED).await.unwrap().explain_analyze().await.unwrap();
    let json = profile.to_json();
    assert_eq!((profile.rows(), &json["rows"]), (10, &serde_json::json!(10)));
    let stages = json["stages"].as_array().unwrap();
    let root = stages.iter().find(|stage| stage["id"] == json["roots"][0]).unwrap();
    assert_eq!((&root["rows_written"], &root["metrics"][0]["output_rows"]), (&serde_json::json!(10), &serde_json::json!(10)));
    for stage in stages {
        assert_eq!(stage["attempts"], stage["tasks"], "nothing failed: {stage}");
        assert_eq!(stage["spilled_bytes"], 0, "{stage}");
        assert_eq!(stage["operators"].as_array().unwrap().len(), stage["metrics"].as_array().unwrap().len(), "{stage}");
    }
    // What is read gave a thousand rows, of all its tasks together.
    let read = |metric: &serde_json::Value| metric["output_rows"] == 1_000;
    assert!(stages.iter().flat_map(|stage| stage["metrics"].as_array().unwrap()).any(read), "{json}");
}

#[tokio::test]
async fn rows_are_dropped_and_not_held() {
    let session = Session::builder().parallelism(2).config("spark.driver.maxResultSize", "10").build().unwrap();
    let frame = session.range(0, 5_000).await.unwrap();
    assert_eq!(frame.collect().await.unwrap_err().kind(), ErrorKind::Resources);
    assert_eq!(frame.explain_analyze().await.unwrap().rows(), 5_000);
}

#[tokio::test]
async fn a_sort_beyond_memory_says_what_it_spilled() {
    let folder = tempfile::tempdir().unwrap();
    let sorted = |memory: &'static str| {
        let session = Session::builder()
            .parallelism(2)
            .config("tidemill.threads", "2")
            .config("tidemill.memoryBytes", memory)
            .config("tidemill.spillDir", folder.path().display().to_string());
        async move {
            let text = concat([lit("a text that takes some room "), col("id").cast("string")]);
            let frame = session.build().unwrap().range(0, 1_000_000).await.unwrap();
            frame.select([col("id"), text.alias("t")]).order_by([col("t").desc()]).explain_analyze().await.unwrap().to_json()
        }
    };
    for (memory, spills) in [("48MB", true), ("8GB", false)] {
        let json = sorted(memory).await;
        assert_eq!(json["rows"], 1_000_000);
        let stages = json["stages"].as_array().unwrap();
        let metrics: Vec<_> = stages.iter().flat_map(|stage| stage["metrics"].as_array().unwrap()).collect();
        let sum = |name: &str| metrics.iter().filter_map(|metric| metric[name].as_u64()).sum::<u64>();
        assert_eq!((sum("spill_count") > 0, sum("spilled_bytes") > 0), (spills, spills), "{memory}: {json}");
    }
}

#[tokio::test]
async fn analyzing_runs_the_query() {
    let session = session();
    // What fails while it runs is an answer of EXPLAIN only when nothing runs.
    let fails = "SELECT raise_error(concat('row ', id)) FROM range(3)";
    assert!(answer(&session, &format!("EXPLAIN {fails}")).await.is_ok());
    let error = answer(&session, &format!("EXPLAIN ANALYZE {fails}")).await.unwrap_err();
    assert!(error.message().contains("row "), "{error}");
    let error = answer(&session, "EXPLAIN ANALYZE SELECT nothing").await.unwrap_err();
    assert!(error.condition().is_some_and(|condition| condition.name.starts_with("UNRESOLVED_COLUMN")), "{error}");
    let error = answer(&session, "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1 AS a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(!session.catalog().table_exists("t").await.unwrap(), "a command is not carried out");
    // Rows are kept by the run that needs them, as by any action.
    let kept = clicks(&session);
    kept.cache().unwrap();
    assert_eq!(kept.explain_analyze().await.unwrap().rows(), 6);
    assert!(kept.explain().await.unwrap().contains("KeptScanExec"));
}
