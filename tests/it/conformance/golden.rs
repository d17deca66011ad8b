//! Golden files of Spark's SQL suite: which are run, what stands in them, and the session that each of them is.
//!
//! Only files are read whose name's MD5 has an even first byte; the other half is kept closed, so that it can judge later.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use tidemill::Session;
use tokio::runtime::Handle;

use super::compare;
use super::report::{Judged, Report};
use super::run::{Sitting, ZONE};
use super::{is_ours, material, tables};

/// The folder with `sql-tests/` and `test-data/`.
pub(super) fn material() -> Result<PathBuf, String> {
    let parts = ["sql-tests/inputs", "sql-tests/results", "test-data/postgresql"];
    material::unpacked("spark-sql-tests", "spark-sql_2.13", "tests", &parts)
}

/// A golden file.
pub(super) struct File {
    /// Its path below `sql-tests/inputs`.
    pub(super) name: String,
    /// Its statements.
    pub(super) cases: Vec<Case>,
    /// The same as another version of Java answers some of them; empty when there is none.
    others: Vec<Case>,
}

/// A statement and Spark's answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Case {
    /// The statement.
    pub(super) sql: String,
    /// `struct<name:type,…>`; `struct<>` for a command without rows, and for an error.
    pub(super) schema: String,
    /// The rows, one a line, columns parted by tabs; or the error.
    pub(super) output: String,
}

/// What is not about an SQL engine: it needs Python, a JVM, Hive or a script's process, a type or a collation that is not there, shows
/// Spark's own plans or parser, or gives other values in every run.
const FOREIGN: &[Rule] = &[
    Rule::Begins("udf/"),
    Rule::Begins("udaf/"),
    Rule::Begins("udtf/"),
    Rule::Begins("scripting/"),
    Rule::Holds("variant"),
    Rule::Holds("collation"),
    Rule::Begins("transform.sql"),
    Rule::Begins("to_from_avro.sql"),
    Rule::Begins("try_reflect.sql"),
    Rule::Begins("st-functions"),
    Rule::Holds("explain"),
    Rule::Holds("single-pass"),
    Rule::Begins("subexp-elimination.sql"),
    Rule::Begins("binary_base64"),
    Rule::Begins("binary_basic"),
    Rule::Begins("binary_hex"),
    Rule::Holds("-legacy.sql"),
    Rule::Begins("cte-legacy"),
    Rule::Begins("current_database_catalog.sql"),
    Rule::Begins("sql-path.sql"),
    Rule::Begins("view-conf.sql"),
    Rule::Begins("keywords"),
    Rule::Begins("nonansi/keywords"),
    Rule::Holds("parse-query-correctness-old"),
    Rule::Begins("random.sql"),
];

/// What is not run yet: how a catalog's content is printed, sketches, the session's own language, corners of names.
const LATER: &[Rule] = &[
    Rule::Begins("describe"),
    Rule::Begins("show"),
    Rule::Begins("change-column"),
    Rule::Begins("charvarchar"),
    Rule::Begins("view-schema"),
    Rule::Begins("sql-on-files"),
    Rule::Begins("sql-udf"),
    Rule::Begins("sql-session-var"),
    Rule::Begins("session-variable"),
    Rule::Begins("execute-immed"),
    Rule::Begins("identifier-clause"),
    Rule::Begins("kll"),
    Rule::Begins("theta"),
    Rule::Begins("tuple"),
    Rule::Begins("hll"),
    Rule::Begins("vector-"),
    Rule::Begins("xml"),
    Rule::Begins("metadata_column"),
    Rule::Begins("columnresolution"),
    Rule::Begins("query_regex"),
    Rule::Begins("parameterless"),
    Rule::Holds("edge-cases"),
    Rule::Begins("parse-query"),
    Rule::Begins("parse-schema"),
    Rule::Begins("order-by-and-having"),
    Rule::Begins("having-and-order"),
    Rule::Begins("name-precedence"),
    Rule::Begins("time.sql"),
    Rule::Begins("time-bucket"),
    Rule::Begins("join-nearest"),
    Rule::Begins("linear-reg"),
    Rule::Begins("typeCoercion/native/decimalPrecision"),
    Rule::Begins("cte-command"),
    Rule::Begins("mask-functions"),
    Rule::Begins("pipe-operators"),
];

enum Rule {
    Begins(&'static str),
    Holds(&'static str),
}

impl Rule {
    fn is_about(&self, name: &str) -> bool {
        match self {
            Self::Begins(text) => name.starts_with(text),
            Self::Holds(text) => name.contains(text),
        }
    }
}

fn is_run(name: &str) -> bool {
    is_ours(name) && !FOREIGN.iter().chain(LATER).any(|rule| rule.is_about(name))
}

/// The files that are run, by name.
pub(super) fn files(material: &Path) -> Vec<File> {
    let results = material.join("sql-tests/results");
    let mut names = Vec::new();
    collect_names(&results, &results, &mut names);
    names.sort();
    let file = |name: String| {
        let text = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
        let cases = cases(&text(results.join(format!("{name}.out"))));
        let others = self::cases(&text(results.join(format!("{name}.out.java21"))));
        let others = if others.len() == cases.len() { others } else { Vec::new() };
        File { name, cases, others }
    };
    names.into_iter().filter(|name| is_run(name)).map(file).collect()
}

fn collect_names(top: &Path, dir: &Path, names: &mut Vec<String>) {
    let entries = std::fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}; remove the folder to fetch it again", dir.display()));
    for entry in entries {
        let path = entry.expect("a folder lists").path();
        if path.is_dir() {
            collect_names(top, &path, names);
        } else if let Some(name) = path.strip_prefix(top).ok().and_then(Path::to_str).and_then(|name| name.strip_suffix(".out")) {
            names.push(name.to_owned());
        }
    }
}

/// The statements of a golden file.
fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut part = "";
    for line in text.split_inclusive('\n') {
        if let Some(rest) = line.strip_prefix("-- !query") {
            part = rest.trim();
            if part.is_empty() {
                cases.push(Case::default());
            }
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        match part {
            "" => case.sql.push_str(line),
            "schema" => case.schema.push_str(line),
            "output" => case.output.push_str(line),
            _ => {}
        }
    }
    for case in &mut cases {
        case.sql = case.sql.trim().to_owned();
        case.schema = case.schema.trim().to_owned();
        case.output = case.output.trim_end().to_owned();
    }
    cases
}

/// The settings that an input file asks for: lines `--SET name=value,name=value`.
fn asked_settings(input: &str) -> Vec<(String, String)> {
    let pairs = input.lines().filter_map(|line| line.strip_prefix("--SET ")).flat_map(|line| line.split(','));
    pairs.filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

/// The SET statements for a file: those of Spark's test sessions, those of its folder, its own.
fn settings(name: &str, input: &str) -> Vec<String> {
    let mut pairs = vec![
        ("spark.sql.session.timeZone".to_owned(), ZONE.to_owned()),
        ("spark.sql.timeType.enabled".to_owned(), "true".to_owned()),
        ("spark.sql.ansi.enabled".to_owned(), (!name.starts_with("nonansi/")).to_string()),
    ];
    if name.starts_with("postgreSQL/") {
        pairs.push(("spark.sql.legacy.interval.enabled".to_owned(), "true".to_owned()));
    }
    if name.starts_with("timestampNTZ/") {
        pairs.push(("spark.sql.timestampType".to_owned(), "TIMESTAMP_NTZ".to_owned()));
    }
    pairs.extend(asked_settings(input));
    pairs.into_iter().map(|(name, value)| format!("SET {name}={value}")).collect()
}

/// The functions of PostgreSQL's own tests that Spark's suite registers.
const FUNCTIONS: [(&str, &str); 3] = [
    ("booleq", "(x BOOLEAN, y BOOLEAN) RETURNS BOOLEAN RETURN x = y"),
    ("boolne", "(x BOOLEAN, y BOOLEAN) RETURNS BOOLEAN RETURN x != y"),
    ("vol", "(x STRING) RETURNS STRING RETURN x"),
];

/// Runs a file in a session of its own.
pub(super) fn run(runtime: &Handle, material: &Path, file: &File) -> Report {
    let text: String = file.cases.iter().map(|case| format!("{}\n", case.sql)).collect();
    let input = std::fs::read_to_string(material.join("sql-tests/inputs").join(&file.name)).unwrap_or_default();
    let mut statements = settings(&file.name, &input);
    if file.name.starts_with("postgreSQL/") {
        let meant = FUNCTIONS.iter().filter(|(name, _)| tables::has_word(&text, name));
        statements.extend(meant.map(|(name, rest)| format!("CREATE TEMPORARY FUNCTION {name}{rest}")));
    }
    let (data, meant) = (material.join("test-data/postgresql"), tables::meant_in(&text));
    let furnish = |runtime: &Handle, session: &Session| furnish(runtime, session, &data, &meant);
    let mut sitting = Sitting::new(runtime, statements, &furnish);
    let mut judged = Vec::new();
    for (at, case) in file.cases.iter().enumerate() {
        let class = compare::class(case);
        let outcome = sitting.run(&case.sql);
        let mut verdict = compare::judge(case, &outcome);
        if let Some(other) = file.others.get(at)
            && !verdict.is_good()
            && compare::judge(other, &outcome).is_good()
        {
            verdict = compare::judge(other, &outcome);
        }
        judged.push(Judged { label: (at + 1).to_string(), sql: case.sql.clone(), class, verdict });
    }
    Report { name: file.name.clone(), judged, troubles: sitting.troubles }
}

fn furnish(runtime: &Handle, session: &Session, data: &Path, names: &[&str]) -> Vec<String> {
    let mut troubles = Vec::new();
    for name in names {
        let made = std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(tables::make(session, data, name))));
        match made {
            Ok(Ok(())) => {}
            Ok(Err(error)) => troubles.push(format!("table {name}: {error}")),
            Err(_) => troubles.push(format!("table {name}: panic")),
        }
    }
    troubles
}

#[test]
fn golden_files_are_read() {
    let case = |sql: &str, schema: &str, output: &str| Case { sql: sql.to_owned(), schema: schema.to_owned(), output: output.to_owned() };
    let one = "-- made by hand\n\n-- !query\nSELECT 1 AS a\n-- !query schema\nstruct<a:int>\n-- !query output\n1\n";
    let several = "-- !query\n-- why\nSELECT\n  'x' AS a,\n  NULL AS b\n-- !query schema\nstruct<a:string,b:void>\n\
        -- !query output\n\t x\tNULL\nsecond\n\n\n\
        -- !query\nCREATE VIEW v AS SELECT 1\n-- !query schema\nstruct<>\n-- !query output\n\n\n\n";
    let table: [(&str, Vec<Case>); 4] = [
        ("", vec![]),
        ("-- nothing here\n", vec![]),
        (one, vec![case("SELECT 1 AS a", "struct<a:int>", "1")]),
        (
            several,
            vec![
                case("-- why\nSELECT\n  'x' AS a,\n  NULL AS b", "struct<a:string,b:void>", "\t x\tNULL\nsecond"),
                case("CREATE VIEW v AS SELECT 1", "struct<>", ""),
            ],
        ),
    ];
    for (text, expected) in table {
        assert_eq!(cases(text), expected, "{text}");
    }
}

#[test]
fn settings_are_read() {
    let input = "-- about it\n--SET a.b=1, c.d = x\nSELECT 1;\n--SETUP\n--SET e.f=a=b\n";
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(asked_settings(input), [pair("a.b", "1"), pair("c.d", "x"), pair("e.f", "a=b")]);
    let off = "SET spark.sql.ansi.enabled=false".to_owned();
    assert!(settings("nonansi/x.sql", "").contains(&off));
    assert!(!settings("x.sql", "").contains(&off));
    assert_eq!(settings("x.sql", "--SET k=v\n").last().map(String::as_str), Some("SET k=v"));
}

#[test]
fn only_files_of_our_half_about_sql_are_run() {
    for (name, expected) in [("cast.sql", true), ("udf/cast.sql", false), ("show-tables.sql", false), ("nonansi/cast.sql", true)] {
        assert_eq!(is_run(name), expected, "{name}");
    }
}
