//! Tasks that fail and disks that are full, as a user meets them: in a process of its own, since failpoints are armed for a whole one.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// Its first stage has one task, and leaves three blocks.
const SQL: &str = "SELECT id % 3 AS k, count(*) AS n FROM range(0, 30000) GROUP BY 1 ORDER BY 1";

/// What each statement gives where a failpoint is armed, one object each.
fn answers(failpoint: &str, spill: &Path, args: &[&str]) -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_tidemill"))
        .env("FAILPOINTS", failpoint)
        .args(["sql", "--output", "json", "--continue-on-error"])
        .args(["--conf", &format!("tidemill.spillDir={}", spill.display())])
        .args(args)
        .output()
        .expect("the binary runs");
    let text = String::from_utf8(output.stdout).expect("output is UTF-8");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect();
    assert!(!lines.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    lines
}

fn right_rows() -> Value {
    json!([[0, 10000], [1, 10000], [2, 10000]])
}

#[test]
fn a_task_fails_as_often_as_its_master_or_its_setting_says() {
    let spill = tempfile::tempdir().unwrap();
    let gave_up = |attempts: u32| Some(format!("stage 0, task 0, after {attempts} attempts: boom"));
    let cases: [(&[&str], u32, Option<String>); 6] = [
        (&[], 3, None),
        (&[], 4, gave_up(4)),
        (&["--conf", "spark.task.maxFailures=3"], 2, None),
        (&["--conf", "spark.task.maxFailures=2"], 2, gave_up(2)),
        (&["--master", "local[2,2]", "--conf", "spark.task.maxFailures=3"], 2, gave_up(2)),
        (&["--master", "local[2,1]"], 1, Some("boom".to_owned())),
    ];
    for (settings, failures, said) in cases {
        let args = [settings, &["-e", SQL]].concat();
        let answer = answers(&format!("executor::task={failures}*return(boom)"), spill.path(), &args).remove(0);
        match said {
            None => assert_eq!(answer["rows"], right_rows(), "{settings:?}, {failures} failures: {answer}"),
            Some(said) => assert_eq!(answer["error"]["message"], json!(said), "{settings:?}, {failures} failures: {answer}"),
        }
    }
}

#[test]
fn executors_that_are_lost_cost_no_rows() {
    let spill = tempfile::tempdir().unwrap();
    let sql = "SELECT k, count(*) AS n FROM (SELECT /*+ REPARTITION(8) */ id % 3 AS k FROM range(0, 30000)) GROUP BY k ORDER BY k";
    // At the first task, at later ones, at two in a row; and the last of three executors stays, however often it is to be lost.
    for failpoint in ["1*return", "3*off->1*return", "9*off->1*return", "2*return", "3*off->1*return->2*off->1*return", "99*return"] {
        for settings in [&[][..], &["--conf", "tidemill.shuffle.memoryBytes=1"]] {
            let script = format!("{sql}; {sql}");
            let args = [&["--master", "local-cluster[3,2,256]"][..], settings, &["-e", &script]].concat();
            let answers = answers(&format!("executor::lose={failpoint}"), spill.path(), &args);
            assert_eq!(answers.len(), 2, "{answers:?}");
            for answer in answers {
                assert_eq!(answer["rows"], right_rows(), "{failpoint}, {settings:?}: {answer}");
            }
            assert_eq!(std::fs::read_dir(spill.path()).unwrap().count(), 0, "nothing is left on disk");
        }
    }
}

#[test]
fn a_full_disk_fails_the_query_that_meets_it_and_no_other() {
    let spill = tempfile::tempdir().unwrap();
    // No room for blocks in memory, and operators that sort more than they may hold.
    let sorted = "SELECT max(n) AS n FROM (SELECT row_number() OVER (ORDER BY s) AS n \
                  FROM (SELECT repeat(CAST(id AS STRING), 40) AS s FROM range(0, 60000)))";
    let blocks = ["--conf", "tidemill.shuffle.memoryBytes=1"];
    let operators = ["--conf", "tidemill.memoryBytes=12MB"];
    for (settings, sql, rows) in [(blocks, SQL, right_rows()), (operators, sorted, json!([[60000]]))] {
        let script = format!("{sql}; SELECT 1 AS one; {sql}");
        let args = [&["--master", "local[2]"][..], &settings, &["-e", &script]].concat();
        let answers = answers("executor::spill.write=1*return", spill.path(), &args);
        assert_eq!(answers.len(), 3, "{answers:?}");
        let (kind, message) = (&answers[0]["error"]["kind"], answers[0]["error"]["message"].as_str().unwrap_or_default());
        assert_eq!(kind, "resources", "{:?}", answers[0]);
        let folder = spill.path().display().to_string();
        for part in ["cannot spill, no space is left", &folder, "tidemill.spillDir", "tidemill.memoryBytes"] {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert_eq!(answers[1]["rows"], json!([[1]]), "{:?}", answers[1]);
        assert_eq!(answers[2]["rows"], rows, "there is space again: {:?}", answers[2]);
        assert_eq!(std::fs::read_dir(spill.path()).unwrap().count(), 0, "nothing is left on disk");
    }
}
