//! The statements that the fuzzer changes, and the tables and views that they may name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use md5::Digest;
use tidemill_spark::functions;
use tidemill_spark::parse::{ParseOptions, parse_query, parse_statement};
use tidemill_spark::plan::{Command, Relation, Statement};
use tidemill_spark::resolve::{Opened, OpenedFunction, OpenedRelation, Request, requests};
use tidemill_spark::{Result, Settings};

use crate::queries;

/// A statement, and the file that it stands in.
pub(super) struct Seed {
    pub(super) text: String,
    pub(super) file: usize,
}

/// All statements, always in the same order.
pub(super) struct Corpus {
    pub(super) seeds: Vec<Seed>,
    /// The statements of each file that make views.
    views: Vec<Vec<String>>,
}

pub(super) static CORPUS: LazyLock<Corpus> = LazyLock::new(|| {
    let mut seeds: Vec<Seed> = queries::CASES.iter().map(|(text, _)| Seed { text: (*text).to_owned(), file: 0 }).collect();
    for function in functions::all() {
        seeds.extend(function.examples.iter().map(|(text, _)| Seed { text: (*text).to_owned(), file: 0 }));
    }
    let mut views = vec![Vec::new()];
    for file in golden_files() {
        let statements = statements(&std::fs::read_to_string(file).unwrap_or_default());
        views.push(statements.iter().filter(|text| makes_view(text)).cloned().collect());
        let file = views.len() - 1;
        seeds.extend(statements.into_iter().map(|text| Seed { text, file }));
    }
    Corpus { seeds, views }
});

/// Spark's published golden files of the open half, where the conformance test has brought them.
fn golden_files() -> Vec<PathBuf> {
    let suites = match (std::env::var_os("TIDEMILL_SUITES"), std::env::var_os("HOME")) {
        (Some(given), _) => PathBuf::from(given),
        (None, Some(home)) => Path::new(&home).join(".cache/tidemill-suites"),
        (None, None) => return Vec::new(),
    };
    let top = suites.join("spark-sql-tests/sql-tests/results");
    let mut files = Vec::new();
    collect(&top, &mut files);
    let is_open = |file: &PathBuf| {
        let name = file.strip_prefix(&top).ok().and_then(Path::to_str).and_then(|name| name.strip_suffix(".out"));
        name.is_some_and(|name| md5::Md5::digest(name.as_bytes())[0].is_multiple_of(2))
    };
    files.retain(is_open);
    files.sort();
    files
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

fn statements(golden: &str) -> Vec<String> {
    let statement = |part: &str| part.split("\n-- !query ").next().unwrap_or_default().trim().to_owned();
    golden.split("-- !query\n").skip(1).map(statement).collect()
}

fn makes_view(text: &str) -> bool {
    let start: String = text.chars().take(60).collect::<String>().to_lowercase();
    start.contains("create") && start.contains("view")
}

/// A table with a column of every type, and rows of ordinary and extreme values.
const ALL_TYPES: &str = "SELECT * FROM VALUES \
    (1, 'a', 1.5D, 2.50, true, DATE '2024-02-29', TIMESTAMP '2024-03-10 01:30:00', TIMESTAMP_NTZ '1970-01-01 00:00:00', 1Y, 2S, 3L, \
     CAST(1.5 AS FLOAT), map('k', 1), X'00FF', named_struct('x', 1, 'y', 'z'), array(1, 2, NULL), array(named_struct('x', 1)), \
     INTERVAL '1 02:03:04.5' DAY TO SECOND, INTERVAL '1-2' YEAR TO MONTH, 1.000000000000000001BD, array('b', 'a'), TIME '12:34:56'), \
    (2147483647, '', DOUBLE('NaN'), 99999999.99, false, DATE '9999-12-31', TIMESTAMP '9999-12-31 23:59:59.999999', \
     TIMESTAMP_NTZ '0001-01-01 00:00:00', 127Y, 32767S, 9223372036854775807L, FLOAT('Infinity'), map(), X'', \
     named_struct('x', -2147483648, 'y', ''), array(), array(), INTERVAL '106751991 04:00:54.775807' DAY TO SECOND, \
     INTERVAL '178956970-7' YEAR TO MONTH, 99999999999999999999.999999999999999999BD, array(), TIME '23:59:59.999999'), \
    (-2147483648, '\u{1F600}e\u{301}', -0.0D, -99999999.99, NULL, DATE '0001-01-01', TIMESTAMP '0001-01-01 00:00:00', NULL, -128Y, -32768S, \
     -9223372036854775808L, CAST(-0.0 AS FLOAT), NULL, NULL, NULL, NULL, NULL, -INTERVAL '106751991 04:00:54.775807' DAY TO SECOND, \
     -INTERVAL '178956970-7' YEAR TO MONTH, 0BD, NULL, NULL), \
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) \
    t(a, b, c, d, e, f, g, h, i, j, k, l, m, n, s, u, v, w, y, z, x, t)";

/// What names stand for, opened once per file.
pub(super) struct Tables {
    any: Relation,
    files: BTreeMap<usize, Vec<(String, Relation)>>,
}

impl Tables {
    pub(super) fn new() -> Self {
        let any = parse_query(ALL_TYPES, &ParseOptions::default()).expect("the table of all types is a query");
        Self { any, files: BTreeMap::new() }
    }

    /// All that a tree names: the views of its file; what is unknown is the table of all types.
    pub(super) fn opened(&mut self, relation: &Relation, file: usize, settings: &Arc<Settings>) -> Result<Opened> {
        let mut opened = Opened::default();
        loop {
            let missing = requests(relation, &opened, settings)?;
            if missing.is_empty() {
                return Ok(opened);
            }
            for request in missing {
                if let Request::Function { .. } = request {
                    opened.functions.insert(request, OpenedFunction::Missing);
                } else {
                    let found = self.relation(&request, file);
                    opened.relations.insert(request, found);
                }
            }
        }
    }

    fn relation(&mut self, request: &Request, file: usize) -> OpenedRelation {
        let name = match request {
            Request::Table { name, .. } => name.clone(),
            _ => vec!["files".to_owned()],
        };
        let views = self.files.entry(file).or_insert_with(|| views_of(file));
        let last = name.last().map(|last| last.to_lowercase()).unwrap_or_default();
        let found = views.iter().rev().find(|(view, _)| *view == last);
        let relation = found.map_or(&self.any, |(_, relation)| relation).clone();
        OpenedRelation::View { name, relation, columns: Vec::new(), query_columns: Vec::new(), settings: None }
    }
}

fn views_of(file: usize) -> Vec<(String, Relation)> {
    let read = |text: &String| match parse_statement(text, &ParseOptions::default()) {
        Ok(Statement::Command(Command::CreateView { name: tidemill_spark::plan::TableName::Parts(name), query, columns, .. })) => {
            // A view with names for its columns is left to the table of all types.
            columns.is_empty().then(|| (name.last().map(|last| last.to_lowercase()).unwrap_or_default(), query))
        }
        _ => None,
    };
    CORPUS.views.get(file).into_iter().flatten().filter_map(read).collect()
}
