//! The queries of TPC-H and TPC-DS as Spark's tests have them: each resolves and is optimized over the tables of the benchmark, and where
//! Spark's answer is published its columns have the same names and types.

use std::path::{Path, PathBuf};

use tidemill::Session;
use tidemill_spark::types::from_field;
use tokio::runtime::Handle;

use super::run::in_parallel;
use super::{material, only};

#[path = "../../tpc/tables.rs"]
mod tables;

/// A folder of queries, which Spark publishes answers to some of.
struct Suite {
    /// The folder with the queries.
    queries: &'static str,
    /// The folder with the answers.
    answers: Option<&'static str>,
    /// The benchmark's tables.
    ddl: &'static str,
    /// How many queries there are, and how many answers to them.
    counts: (usize, usize),
}

const TPCH: &str = include_str!("../../tpc/tpch.ddl");
const TPCDS: &str = include_str!("../../tpc/tpcds.ddl");

const SUITES: [Suite; 4] = [
    Suite { queries: "tpch", answers: None, ddl: TPCH, counts: (22, 0) },
    Suite { queries: "tpcds", answers: Some("tpcds-query-results/v1_4"), ddl: TPCDS, counts: (103, 101) },
    Suite { queries: "tpcds-v2.7.0", answers: Some("tpcds-query-results/v2_7"), ddl: TPCDS, counts: (32, 32) },
    Suite { queries: "tpcds-modifiedQueries", answers: None, ddl: TPCDS, counts: (21, 0) },
];

/// A query, and its columns as `struct<name:type,…>` where Spark publishes them.
struct Query {
    name: String,
    sql: String,
    columns: Option<String>,
}

#[test]
fn tpc_queries_resolve() {
    let parts = ["tpch", "tpcds", "tpcds-v2.7.0", "tpcds-modifiedQueries", "tpcds-query-results"];
    let folder = material::unpacked("spark-tpc-queries", "spark-sql_2.13", "tests", &parts).unwrap_or_else(|why| panic!("{why}"));
    let mut wrong = Vec::new();
    for suite in SUITES {
        let queries = suite.read(&folder);
        let answers = queries.iter().filter(|query| query.columns.is_some()).count();
        assert_eq!((queries.len(), answers), suite.counts, "queries of {}, and answers to them", suite.queries);
        let asked: Vec<Query> = queries.into_iter().filter(|query| only().is_none_or(|text| query.name.contains(&text))).collect();
        let sitting = Sitting::new(suite.ddl);
        wrong.extend(in_parallel(&asked, |query| query.sql.len(), |runtime, query| sitting.trouble(runtime, query)).into_iter().flatten());
    }
    assert!(wrong.is_empty(), "{} queries are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

impl Suite {
    fn read(&self, folder: &Path) -> Vec<Query> {
        let files = |folder: PathBuf| {
            let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
            entries.map(|entry| entry.expect("a folder lists").path())
        };
        let text = |path: &Path| std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut queries: Vec<Query> = files(folder.join(self.queries))
            .filter(|path| path.extension().is_some_and(|e| e == "sql"))
            .map(|path| {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let answer = self.answers.map(|answers| folder.join(answers).join(format!("{stem}.sql.out"))).filter(|path| path.exists());
                let columns = answer.map(|path| {
                    let answer = text(&path);
                    let mut lines = answer.lines().skip_while(|line| *line != "-- !query schema");
                    lines.nth(1).unwrap_or_else(|| panic!("{} tells no schema", path.display())).to_owned()
                });
                Query { name: format!("{}/{stem}", self.queries), sql: text(&path), columns }
            })
            .collect();
        queries.sort_by(|one, other| one.name.cmp(&other.name));
        queries
    }
}

/// A session with the tables of a benchmark, which hold no rows.
struct Sitting {
    session: Session,
    _warehouse: tempfile::TempDir,
}

impl Sitting {
    fn new(ddl: &'static str) -> Self {
        let warehouse = tempfile::tempdir().expect("a temporary folder can be made");
        let folder = warehouse.path().display().to_string();
        let session = Session::builder().parallelism(1).config("spark.sql.warehouse.dir", folder).build().expect("a plain session builds");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        for (name, columns) in tables::tables(ddl) {
            let sql = format!("CREATE TABLE {name} ({columns}) USING parquet");
            runtime.block_on(session.sql(&sql)).unwrap_or_else(|e| panic!("{sql}: {e}"));
        }
        Self { session, _warehouse: warehouse }
    }

    /// What is wrong with a query, if anything.
    fn trouble(&self, runtime: &Handle, query: &Query) -> Option<String> {
        let planned = runtime.block_on(async {
            let frame = self.session.sql(&query.sql).await?;
            frame.optimized_plan().await?;
            frame.schema()
        });
        let columns = match planned {
            Ok(schema) => {
                schema.fields().iter().map(|field| from_field(field)).map(|c| format!("{}:{}", c.name, c.data_type)).collect::<Vec<_>>()
            }
            Err(error) => return Some(format!("{}: {error}", query.name)),
        };
        let columns = format!("struct<{}>", columns.join(","));
        match &query.columns {
            Some(wanted) if *wanted != columns => Some(format!("{}: columns\n  {columns}\nwhere Spark has\n  {wanted}", query.name)),
            _ => None,
        }
    }
}
