//! Statements in case files, with Spark's answers as `tests/oracle/spark_answers.py` recorded them beside them.
//!
//! `cases/NAME.sql` holds statements, `cases/NAME.sql.out` what Spark answers, in the form of Spark's golden files. Where Tidemill answers
//! otherwise on purpose, `cases/differs.out` has the statement once more, with the reason and our answer.
//!
//! ```text
//! TIDEMILL_ONLY=text   only files that have the text in their name
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tokio::runtime::Handle;

use crate::conformance::compare::judge;
use crate::conformance::golden::{Case, cases};
use crate::conformance::only;
use crate::conformance::run::{Outcome, Sitting, in_parallel};

/// A case file.
struct File {
    name: String,
    cases: Vec<Case>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/sql/cases")
}

fn text(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap_or_else(|e| panic!("{name}: {e}; tests/oracle/spark_answers.py records answers"))
}

/// The statements of a case file: each ends with a semicolon at the end of a line.
fn statements(text: &str) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), String::new());
    for line in text.lines() {
        if open.is_empty() && (line.trim().is_empty() || line.starts_with("--")) {
            continue;
        }
        open.push_str(line);
        match open.trim_end().strip_suffix(';') {
            Some(statement) => {
                found.push(statement.trim_end().to_owned());
                open.clear();
            }
            None => open.push('\n'),
        }
    }
    assert!(open.is_empty(), "no semicolon ends {open}");
    found
}

fn files() -> Vec<File> {
    let entries = std::fs::read_dir(folder()).expect("the folder of cases is there");
    let names = entries.map(|entry| entry.expect("a folder lists").file_name().into_string().expect("names are text"));
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".sql")).collect();
    names.retain(|name| only().is_none_or(|text| name.contains(&text)));
    names.sort();
    let file = |name: String| {
        let cases = cases(&text(&format!("{name}.out")));
        let recorded = cases.iter().map(|case| &case.sql);
        let statements = statements(&text(&name));
        if !statements.iter().eq(recorded.clone()) {
            let first = statements.iter().zip(recorded).find(|(statement, recorded)| statement != recorded);
            panic!("the answers are not those to {name}, from {first:?} on; record them: tests/oracle/spark_answers.py {name}");
        }
        File { name, cases }
    };
    names.into_iter().map(file).collect()
}

/// What is wrong with the answers to a file's statements.
fn run(runtime: &Handle, file: &File, differing: &BTreeMap<String, Case>) -> Vec<String> {
    let mut sitting = Sitting::new(runtime, vec!["SET spark.sql.session.timeZone=UTC".to_owned()], &|_, _| Vec::new());
    let mut wrong = Vec::new();
    for case in &file.cases {
        let outcome = sitting.run(&case.sql);
        let spark = judge(case, &outcome);
        match differing.get(&case.sql) {
            None if spark.is_good() => {}
            None => wrong.push(format!("{}: {}\n    {}: {}", file.name, case.sql, spark.kind(), spark.note())),
            Some(_) if spark.is_good() => {
                wrong.push(format!("{}: {}\n    agrees with Spark: take it out of differs.out", file.name, case.sql))
            }
            Some(ours) => {
                let verdict = judge(ours, &outcome);
                if !verdict.is_good() {
                    wrong.push(format!("differs.out: {}\n    {}: {}", case.sql, verdict.kind(), verdict.note()));
                }
            }
        }
        if let Outcome::Panicked(words) = outcome {
            wrong.push(format!("{}: {}\n    panic: {words}", file.name, case.sql));
        }
    }
    wrong
}

#[test]
fn statements_are_answered_as_by_spark() {
    let files = files();
    let differing: BTreeMap<String, Case> = cases(&text("differs.out")).into_iter().map(|case| (case.sql.clone(), case)).collect();
    let known = |sql: &String| files.iter().any(|file| file.cases.iter().any(|case| case.sql == *sql));
    if only().is_none() {
        let strange: Vec<&String> = differing.keys().filter(|sql| !known(sql)).collect();
        assert!(strange.is_empty(), "no case file has these statements of differs.out: {strange:#?}");
    }
    let silent: Vec<&String> = differing.values().filter(|case| case.why.is_empty()).map(|case| &case.sql).collect();
    assert!(silent.is_empty(), "differs.out does not say why: {silent:#?}");
    let wrong: Vec<String> = in_parallel(&files, |file| file.cases.len(), |runtime, file| run(runtime, file, &differing)).concat();
    let all: usize = files.iter().map(|file| file.cases.len()).sum();
    assert!(wrong.is_empty(), "{} of {all} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn case_files_are_read() {
    let text = "-- About it.\n\nSELECT 1;\nSELECT\n  ';' AS a, -- why\n  2;\n";
    assert_eq!(statements(text), ["SELECT 1", "SELECT\n  ';' AS a, -- why\n  2"]);
}
