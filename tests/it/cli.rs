//! The command's contract: JSON per statement, exit codes, and what scripts may rely on.

use std::io::Read;
use std::process::{Command, Output, Stdio};

use expect_test::{Expect, expect};
use serde_json::{Value, json};

fn tidemill(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidemill")).args(args).output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

/// The objects that `tidemill sql --output json` prints.
fn json_lines(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect()
}

fn answer(sql: &str) -> Value {
    let output = tidemill(&["sql", "--output", "json", "-e", sql]);
    let mut lines = json_lines(&output);
    assert_eq!(lines.len(), 1, "{sql}: {}", text(&output.stderr));
    lines.remove(0)
}

#[test]
fn every_type_has_its_json() {
    for (sql, data_type, expected) in [
        ("CAST(1 AS TINYINT)", "tinyint", json!(1)),
        ("CAST(1 AS SMALLINT)", "smallint", json!(1)),
        ("1", "int", json!(1)),
        ("9223372036854775807", "bigint", json!(9223372036854775807i64)),
        ("CAST(0.1 AS FLOAT)", "float", json!(0.1)),
        ("CAST(0.5 AS DOUBLE)", "double", json!(0.5)),
        ("CAST('NaN' AS DOUBLE)", "double", json!("NaN")),
        ("CAST('-Infinity' AS DOUBLE)", "double", json!("-Infinity")),
        ("CAST('Infinity' AS FLOAT)", "float", json!("Infinity")),
        ("CAST(12.50 AS DECIMAL(10,2))", "decimal(10,2)", json!("12.50")),
        ("true", "boolean", json!(true)),
        ("'text'", "string", json!("text")),
        ("NULL", "void", json!(null)),
        ("CAST(NULL AS STRING)", "string", json!(null)),
        ("X'00FF10'", "binary", json!("AP8Q")),
        ("DATE '2026-01-31'", "date", json!("2026-01-31")),
        ("CAST('2026-01-31 08:30:00.5' AS TIMESTAMP)", "timestamp", json!("2026-01-31 08:30:00.5")),
        ("CAST('2026-01-31 08:30:00' AS TIMESTAMP)", "timestamp", json!("2026-01-31 08:30:00")),
        ("CAST('2026-01-31 08:30:00' AS TIMESTAMP_NTZ)", "timestamp_ntz", json!("2026-01-31 08:30:00")),
        ("array(1, 2, NULL)", "array<int>", json!([1, 2, null])),
        ("named_struct('b', 1, 'a', array('x'))", "struct<b:int,a:array<string>>", json!({"b": 1, "a": ["x"]})),
        ("map('k', 1.5)", "map<string,decimal(2,1)>", json!({"k": "1.5"})),
        ("map(1, 'a', 2, 'b')", "map<int,string>", json!([[1, "a"], [2, "b"]])),
    ] {
        let answer = answer(&format!("SELECT {sql} AS v"));
        assert_eq!(answer["error"], Value::Null, "{sql}: {answer}");
        assert_eq!(answer["schema"][0]["name"], "v", "{sql}");
        assert_eq!(answer["schema"][0]["type"], data_type, "{sql}");
        assert_eq!(answer["rows"], json!([[expected]]), "{sql}");
        assert!(answer["elapsed_ms"].is_number(), "{sql}");
    }
}

fn check(args: &[&str], code: i32, stdout: Expect) {
    let output = tidemill(args);
    stdout.assert_eq(&text(&output.stdout));
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", text(&output.stderr));
}

#[test]
fn grids_and_csv() {
    let sql = "SELECT 1 AS id, 'a,b' AS t, CAST(NULL AS STRING) AS n; CREATE TEMP VIEW v AS SELECT 'say \"hi\"' AS s; SELECT * FROM V";
    check(
        &["sql", "-e", sql],
        0,
        expect![[r#"
        +---+---+----+
        |id |t  |n   |
        +---+---+----+
        |1  |a,b|NULL|
        +---+---+----+
        +--------+
        |s       |
        +--------+
        |say "hi"|
        +--------+
    "#]],
    );
    check(
        &["sql", "-e", sql, "--output", "csv"],
        0,
        expect![[r#"
        id,t,n
        1,"a,b",

        s
        "say ""hi"""
    "#]],
    );
}

#[test]
fn statements_share_a_session_and_errors_have_a_kind() {
    let sql = "CREATE TEMP VIEW one AS SELECT 1 AS a; SELECT b FROM one; -- a comment; with a semicolon\nSELECT ';' AS a FROM one";
    let stop = tidemill(&["sql", "--output", "json", "-e", sql]);
    assert_eq!(stop.status.code(), Some(1));
    let lines = json_lines(&stop);
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["rows"], &lines[0]["schema"]), (&json!([]), &json!([])));
    assert_eq!(lines[1]["statement"], "SELECT b FROM one");
    assert_eq!(lines[1]["error"]["kind"], "analysis");
    assert!(lines[1]["error"]["message"].as_str().unwrap().contains("there is no column `b`"));

    let go_on = tidemill(&["sql", "--output", "json", "--continue-on-error", "-e", sql]);
    assert_eq!(go_on.status.code(), Some(1));
    let lines = json_lines(&go_on);
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2]["rows"], json!([[";"]]));
}

#[test]
fn errors_without_json_go_to_standard_error() {
    let output = tidemill(&["sql", "-e", "SELECT nothing"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    assert!(text(&output.stderr).contains("there is no column `nothing`"), "{}", text(&output.stderr));
}

#[test]
fn wrong_command_lines_have_a_code_of_their_own() {
    for args in [
        &["sql", "-e", "SELECT 1", "-f", "x.sql"][..],
        &["sql", "--conf", "no-value"],
        &["sql", "-e", "SELECT 1", "--output", "xml"],
        &["sqll"],
        &[],
    ] {
        assert_eq!(tidemill(args).status.code(), Some(2), "{args:?}");
    }
    let help = tidemill(&["sql", "--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("Exit codes: 0 all went well; 1 something failed; 2 the command line is wrong; 3 a demo"));
}

#[test]
fn a_master_is_given_beside_other_settings() {
    for args in [&["--master", "local[3]"][..], &["--conf", "spark.master=local[3]"]] {
        let script = "SET spark.master; SET tidemill.threads; SET tidemill.parallelism";
        let output = tidemill(&[&["sql", "--output", "json"][..], args, &["-e", script]].concat());
        let values: Vec<Value> = json_lines(&output).iter().map(|line| line["rows"][0][1].clone()).collect();
        assert_eq!(values, ["local[3]", "3", "3"], "{args:?}: {}", text(&output.stderr));
    }
    let script = "SET spark.master; SET tidemill.threads; SET tidemill.parallelism";
    let output = tidemill(&["sql", "--output", "json", "--master", "local-cluster[3,2,512]", "-e", script]);
    let values: Vec<Value> = json_lines(&output).iter().map(|line| line["rows"][0][1].clone()).collect();
    assert_eq!(values, ["local-cluster[3,2,512]", "2", "6"], "{}", text(&output.stderr));
    let output = tidemill(&["sql", "--master", "spark://elsewhere:7077", "-e", "SELECT 1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("say `local[n]`"), "{}", text(&output.stderr));
}

#[test]
fn files_of_statements() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("two.sql");
    std::fs::write(&file, "-- first\nSELECT 1 AS a;\n\n/* second; */ SELECT 'x;y' AS b;\n").unwrap();
    let output = tidemill(&["sql", "--output", "json", "-f", file.to_str().unwrap()]);
    let rows: Vec<Value> = json_lines(&output).into_iter().map(|line| line["rows"].clone()).collect();
    assert_eq!(rows, [json!([[1]]), json!([["x;y"]])]);
    assert_eq!(tidemill(&["sql", "-f", "/no/such/file.sql"]).status.code(), Some(1));
}

#[test]
fn standard_input_is_a_script_when_it_is_no_terminal() {
    let run = |script: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tidemill"))
            .args(["sql", "--output", "csv"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), script.as_bytes()).expect("it reads");
        child.wait_with_output().expect("it ends")
    };
    let output = run("SELECT 1 AS a;\nSELECT ';' AS b");
    assert_eq!((text(&output.stdout).as_str(), output.status.code()), ("a\n1\n\nb\n;\n", Some(0)));
    assert_eq!(run("-- nothing\n").status.code(), Some(1));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidemill"))
        .args(["sql", "-e", "SELECT id FROM range(0, 200000); SELECT 1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut some = [0u8; 16];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_script_may_begin_with_a_mark_and_what_is_left_out_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (script, lines) = (dir.path().join("s.sql"), dir.path().join("l.json"));
    std::fs::write(&lines, "{\"a\":1}\nGARBAGE\n").unwrap();
    let view = format!("\u{feff}CREATE TEMP VIEW l USING json OPTIONS (path '{}', mode 'DROPMALFORMED');", lines.display());
    std::fs::write(&script, format!("{view} SELECT a, null AS n, '' AS e FROM l")).unwrap();
    let output = tidemill(&["sql", "--output", "csv", "-f", script.to_str().unwrap()]);
    assert_eq!(text(&output.stdout), "a,n,e\n1,,\"\"\n");
    let warning = text(&output.stderr);
    assert!(warning.contains("WARN malformed lines were left out") && warning.contains("l.json"), "{warning}");
}

#[test]
fn versions_and_history_of_a_table() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t").display().to_string();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let session = tidemill::Session::builder().parallelism(1).build().unwrap();
        let rows = session.range(0, 3).await.unwrap();
        rows.write().save(&path).await.unwrap();
        // The two commits must not be of one millisecond, so that a time tells them apart: the next one begins when the clock has moved.
        let now_ms = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        let committed_ms = now_ms();
        while now_ms() <= committed_ms + 1 {
            std::thread::yield_now();
        }
        rows.write().mode("append").save(&path).await.unwrap();
    });
    let count = |at: &str| answer(&format!("SELECT count(*) AS n FROM delta.`{path}`{at}"))["rows"][0][0].clone();
    assert_eq!((count(" VERSION AS OF 0"), count(" VERSION AS OF 1"), count("")), (json!(3), json!(6), json!(6)));

    let output = tidemill(&["table", "history", &path, "--output", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let history = &json_lines(&output)[0];
    let operations: Vec<(i64, &str)> =
        history["rows"].as_array().unwrap().iter().map(|row| (row[0].as_i64().unwrap(), row[2].as_str().unwrap())).collect();
    assert_eq!(operations, [(1, "WRITE"), (0, "WRITE")]);
    let described = answer(&format!("DESCRIBE HISTORY delta.`{path}`"));
    assert_eq!(described["rows"], history["rows"]);
    let first_ms = history["rows"][1][1].as_str().unwrap().to_owned();
    let then = answer(&format!("SELECT count(*) FROM delta.`{path}` TIMESTAMP AS OF '{first_ms}'"));
    assert_eq!(then["rows"], json!([[3]]), "{then}");
    assert_eq!(tidemill(&["table", "history", "/no/such/table"]).status.code(), Some(1));
    assert_eq!(tidemill(&["checkpoint", "inspect", "/no/such/checkpoint"]).status.code(), Some(1));
}

/// Events of the user's own: one whose time no timestamp holds, two that differ under one id, and a line that is none.
const OWN_EVENTS: &[(&str, &str)] = &[
    (
        "1.json",
        r#"{"eventId":"a","userId":"u","contentId":"c","eventType":"view_end","eventTimeMs":1760000000000,"dwellMs":10,"completed":true}
{"eventId":"huge","userId":"u","contentId":"c","eventType":"click","eventTimeMs":9223372036854775807,"dwellMs":null,"completed":false}
{"eventId":"a","userId":"u","contentId":"c","eventType":"view_end","eventTimeMs":1760000000000,"dwellMs":99,"completed":false}
no event
"#,
    ),
    (
        "2.json",
        r#"{"eventId":"b","userId":"u","contentId":"c","eventType":"click","eventTimeMs":1760000060000,"dwellMs":null,"completed":false}
{"eventId":"z","userId":"w","contentId":"c","eventType":"click","eventTimeMs":1760099999000,"dwellMs":null,"completed":false}
"#,
    ),
];

#[test]
fn the_demo_over_own_files_sets_impossible_events_aside_and_agrees() {
    let dir = tempfile::tempdir().expect("a folder");
    let events = dir.path().join("events");
    std::fs::create_dir(&events).expect("a folder");
    for (name, lines) in OWN_EVENTS {
        std::fs::write(events.join(name), lines).expect("a file");
    }
    let demo = |input: &std::path::Path| {
        let (root, input) = (dir.path().join("demo").display().to_string(), input.display().to_string());
        tidemill(&["demo", "--output", "json", "--kills", "0", "--dir", &root, "--input", &input])
    };
    let output = demo(&events);
    let result: Value = serde_json::from_str(text(&output.stdout).lines().last().unwrap_or_default()).expect("one object");
    assert!(output.status.success(), "{}{result}", text(&output.stderr));
    let counts = ["events", "duplicates", "malformed", "sessions"].map(|name| result[name].as_u64());
    assert_eq!(counts, [4, 1, 2, 1].map(Some), "{result}");
    let dead = result["tables"]["dead_letters"].as_str().expect("a path");
    let dead = answer(&format!("SELECT line, text, reason FROM delta.`{dead}` ORDER BY line"));
    expect![[r#"[[null,"{\"eventId\":\"huge\",\"userId\":\"u\",\"contentId\":\"c\",\"eventType\":\"click\",\"eventTimeMs\":9223372036854775807,\"completed\":false}","eventTimeMs: no timestamp holds this time"],[4,"no event","`n` at byte 1 where a JSON value should stand"]]"#]]
        .assert_eq(&dead["rows"].to_string());

    // The demo empties its own folder, and never the user's.
    let own = dir.path().join("demo/input");
    std::fs::create_dir(&own).expect("a folder");
    std::fs::write(own.join("1.json"), OWN_EVENTS[0].1).expect("a file");
    let refused = demo(&own);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("lie in each other"), "{}", text(&refused.stderr));
    assert!(own.join("1.json").exists());

    let none = dir.path().join("none");
    std::fs::create_dir(&none).expect("a folder");
    std::fs::write(none.join("1.json"), "no event\n").expect("a file");
    let refused = demo(&none);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("no line of the files"), "{}", text(&refused.stderr));
}

#[test]
fn kills_that_find_no_epoch_are_told_and_are_a_failure_where_they_were_asked_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let events = dir.path().join("events");
    std::fs::create_dir(&events).expect("a folder");
    for (name, lines) in OWN_EVENTS {
        std::fs::write(events.join(name), lines).expect("a file");
    }
    let (root, input) = (dir.path().join("demo").display().to_string(), events.display().to_string());
    // Two small files are read in two epochs: what comes before a record can be killed again and again, fifty times it cannot.
    for (asked, wanted, code) in [(&["--kills", "50"][..], 50, 3), (&[], 3, 0), (&["--kills", "0", "--direct"], 0, 0)] {
        let mut args = vec!["demo", "--output", "json", "--dir", root.as_str(), "--input", input.as_str()];
        args.extend(asked);
        let output = tidemill(&args);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{asked:?}: {told}");
        let result: Value = serde_json::from_str(text(&output.stdout).lines().last().unwrap_or_default()).expect("one object");
        assert_eq!(result["agree"], true, "{asked:?}: {result}");
        let (made, missed) = (result["kills"].as_u64(), result["kills_missed"].as_u64());
        assert_eq!(made.zip(missed).map(|(made, missed)| made + missed), Some(wanted), "{asked:?}: {result}");
        assert_eq!(told.contains("the input is used up"), missed > Some(0), "{asked:?}: {told}");
        assert_eq!(result["direct_replays"].as_u64(), asked.contains(&"--direct").then_some(0), "{asked:?}: {result}");
    }
    let help = text(&tidemill(&["demo", "--help"]).stdout);
    assert!(help.contains("3 they agree, but the input"), "{help}");
}
