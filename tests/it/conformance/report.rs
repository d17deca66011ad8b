//! What came of the statements of a file or group: counts, a summary for people, details as JSON, and the table of the docs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::compare::{Class, Verdict};

/// A statement and what came of it.
pub(super) struct Judged {
    /// Its number in the file, or the function that it is an example of.
    pub(super) label: String,
    pub(super) sql: String,
    pub(super) class: Class,
    pub(super) verdict: Verdict,
}

/// All statements of a file or group.
pub(super) struct Report {
    pub(super) name: String,
    pub(super) judged: Vec<Judged>,
    /// What of the set-up did not work.
    pub(super) troubles: Vec<String>,
}

const CLASSES: [(Class, &str); 3] = [(Class::Query, "queries"), (Class::Error, "errors"), (Class::Command, "commands")];

impl Judged {
    /// The statement and what is wrong, for people.
    pub(super) fn told(&self, name: &str) -> String {
        format!("{name} {}: {}\n    {}: {}", self.label, self.sql, self.verdict.kind(), self.verdict.note())
    }
}

impl Report {
    /// How many queries, errors and commands agree.
    pub(super) fn counts(&self) -> [usize; 3] {
        CLASSES.map(|(class, _)| self.judged.iter().filter(|case| case.class == class && case.verdict.is_good()).count())
    }

    /// What does not agree.
    pub(super) fn differences(&self) -> impl Iterator<Item = &Judged> {
        self.judged.iter().filter(|case| !case.verdict.is_good())
    }

    /// The labels of what does not agree, each once.
    pub(super) fn missing(&self) -> Vec<String> {
        let mut labels: Vec<String> = Vec::new();
        for case in self.differences() {
            if !labels.contains(&case.label) {
                labels.push(case.label.clone());
            }
        }
        labels
    }
}

fn share(good: usize, all: usize) -> String {
    if all == 0 {
        return "–".to_owned();
    }
    format!("{:.1} %", 100.0 * good as f64 / all as f64)
}

/// How often each kind of difference came, the most frequent first.
fn kinds<'a>(cases: impl Iterator<Item = &'a Judged>) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for case in cases.filter(|case| !case.verdict.is_good()) {
        *counts.entry(case.verdict.kind()).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

fn listed(kinds: &[(String, usize)], most: usize) -> String {
    let mut parts: Vec<String> = kinds.iter().take(most).map(|(kind, count)| format!("{count} {kind}")).collect();
    let rest: usize = kinds.iter().skip(most).map(|(_, count)| count).sum();
    if rest > 0 {
        parts.push(format!("{rest} of other kinds"));
    }
    parts.join(", ")
}

/// Prints shares over all reports.
pub(super) fn print_summary(title: &str, reports: &[Report]) {
    let all: usize = reports.iter().map(|report| report.judged.len()).sum();
    println!("{title}: {} with {all} statements", reports.len());
    for (class, name) in CLASSES {
        let cases: Vec<&Judged> = reports.iter().flat_map(|report| &report.judged).filter(|case| case.class == class).collect();
        if cases.is_empty() {
            continue;
        }
        let good = cases.iter().filter(|case| case.verdict.is_good()).count();
        let kinds = listed(&kinds(cases.iter().copied()), 12);
        println!("  {name}: {good} of {} agree = {}; {kinds}", cases.len(), share(good, cases.len()));
    }
    let mut troubles: BTreeMap<&str, usize> = BTreeMap::new();
    for trouble in reports.iter().flat_map(|report| &report.troubles) {
        *troubles.entry(trouble).or_default() += 1;
    }
    for (trouble, times) in troubles {
        println!("  set-up failed {times} times: {trouble}");
    }
}

/// Writes every statement with what came of it, as JSON for people and their tools, into the build's folder.
pub(super) fn write_details(file: &str, reports: &[Report]) {
    let case = |case: &Judged| {
        let class = CLASSES.iter().find(|(class, _)| *class == case.class).map(|(_, name)| *name);
        json!({
            "label": case.label, "sql": case.sql, "class": class, "agrees": case.verdict.is_good(), "verdict": case.verdict.kind(),
            "note": case.verdict.note(),
        })
    };
    let report = |report: &Report| {
        let cases: Vec<Value> = report.judged.iter().map(case).collect();
        json!({"name": report.name, "agree": report.counts(), "setUpFailed": report.troubles, "statements": cases})
    };
    let total = |at: usize| {
        let (class, name) = CLASSES[at];
        let all = reports.iter().flat_map(|r| &r.judged).filter(|case| case.class == class).count();
        let good: usize = reports.iter().map(|r| r.counts()[at]).sum();
        (name.to_owned(), json!({"agree": good, "of": all, "share": share(good, all)}))
    };
    let totals: serde_json::Map<String, Value> = (0..CLASSES.len()).map(total).collect();
    let details = json!({"totals": totals, "reports": reports.iter().map(report).collect::<Vec<_>>()});
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(file);
    let text = serde_json::to_string_pretty(&details).expect("plain values are JSON");
    match std::fs::write(&path, text) {
        Ok(()) => println!("  details: {}", path.display()),
        Err(error) => println!("  no details: {}: {error}", path.display()),
    }
}

/// Whether the table of the docs is to be printed.
pub(super) fn is_table_asked() -> bool {
    std::env::var_os("TIDEMILL_TABLE").is_some_and(|value| value == "1")
}

/// The table of docs/conformance.md. The reasons, its last column, are written by people: those that stand there now are kept.
pub(super) fn table(reports: &[Report]) -> String {
    let docs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/conformance.md");
    let reasons = reasons(&std::fs::read_to_string(docs).unwrap_or_default());
    let mut lines = vec!["| file | agree | share | the others | why |".to_owned(), "|---|---|---|---|---|".to_owned()];
    for report in reports {
        let (good, all) = (report.counts().iter().sum::<usize>(), report.judged.len());
        let others = listed(&kinds(report.judged.iter()), 4);
        let why = reasons.get(&report.name).map_or("", String::as_str);
        lines.push(format!("| `{}` | {good} of {all} | {} | {others} | {why} |", report.name, share(good, all)));
    }
    lines.join("\n")
}

fn reasons(docs: &str) -> BTreeMap<String, String> {
    let mut reasons = BTreeMap::new();
    for line in docs.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let (Some(name), Some(why)) = (cells.first(), cells.get(4)) {
            reasons.insert(name.trim_matches('`').to_owned(), (*why).to_owned());
        }
    }
    reasons
}

#[test]
fn reasons_stay_with_their_files() {
    let docs = "words\n| file | agree | share | the others | why |\n|---|---|---|---|---|\n\
        | `a/b.sql` | 1 of 2 | 50.0 % | 1 panic | a bug |\n\
        | `c.sql` | 2 of 2 | 100.0 % |  |  |\n";
    let found = reasons(docs);
    assert_eq!(found.get("a/b.sql").map(String::as_str), Some("a bug"));
    assert_eq!(found.get("c.sql").map(String::as_str), Some(""));
}

#[test]
fn differences_are_counted_by_kind() {
    let case = |label: &str, verdict: Verdict| Judged { label: label.to_owned(), sql: String::new(), class: Class::Query, verdict };
    let judged = vec![
        case("1", Verdict::Good),
        case("2", Verdict::Unanswered),
        case("3", Verdict::Rows(String::new())),
        case("3", Verdict::Rows(String::new())),
    ];
    let report = Report { name: "x".to_owned(), judged, troubles: Vec::new() };
    assert_eq!(report.counts(), [1, 0, 0]);
    assert_eq!(report.missing(), ["2", "3"]);
    assert_eq!(listed(&kinds(report.judged.iter()), 1), "2 other rows, 1 of other kinds");
}
