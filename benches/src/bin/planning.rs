//! Planning, measured: TPC-H's queries from text to optimized plan beside DataFusion's own, and chains of DataFrame steps from the
//! first step to the schema. Nothing is run. What the figures were is in `benches/README.md`.

#[path = "../../../tests/it/conformance/material.rs"]
mod material;
#[path = "../../../tests/tpc/tables.rs"]
mod tables;

use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use clap::{Parser, Subcommand};
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use tidemill::functions::{col, lit, when};
use tidemill::{Column, DataFrame, Session};
use tidemill_benches::percentile;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// TPC-H's 22 queries from text to optimized plan, by Tidemill and by DataFusion in turns. The texts are those of Spark's test jar.
    Tpch {
        #[arg(long, default_value_t = 50)]
        runs: u32,
        /// All text is `string`: columns of `char(n)`, which Tidemill pads when they are read, are plain text to DataFusion anyway.
        #[arg(long)]
        plain_text: bool,
    },
    /// Chains of DataFrame steps (`with_column`, `filter`, `select`) over ten columns, from the first step to `schema()`.
    Chain {
        #[arg(long, default_values_t = [100, 200, 400])]
        steps: Vec<u32>,
        #[arg(long, default_value_t = 50)]
        runs: u32,
    },
}

fn main() -> Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match args.what {
        What::Tpch { runs, plain_text } => runtime.block_on(tpch(runs, plain_text)),
        What::Chain { steps, runs } => steps.into_iter().try_for_each(|steps| chain(steps, runs)),
    }
}

async fn tpch(runs: u32, plain_text: bool) -> Result<()> {
    let (session, peer) = (Session::builder().build()?, SessionContext::new());
    for (name, columns) in tables::tables(include_str!("../../../tests/tpc/tpch.ddl")) {
        let schema = tidemill::parse_schema(&if plain_text { without_lengths(&columns) } else { columns })?;
        session.create_dataframe(vec![RecordBatch::new_empty(Arc::clone(&schema))])?.create_or_replace_temp_view(name)?;
        peer.register_table(name, Arc::new(MemTable::try_new(schema, vec![Vec::new()])?))?;
    }
    println!("{:<8} {:>12} {:>12} {:>9}", "query", "tidemill", "DataFusion", "ratio");
    let line = |name: &str, ours: f64, theirs: f64| {
        println!("{name:<8} {ours:>9.2} ms {theirs:>9.2} ms {:>8.2}×", ours / theirs);
    };
    // Sums over the queries, a sum for each run.
    let (mut ours_in_all, mut theirs_in_all) = (vec![0.0; runs as usize], vec![0.0; runs as usize]);
    for (name, sql) in queries()? {
        // DataFusion has no `year`.
        let peers_sql = sql.replace("year(", "date_part('year', ");
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        // The first run is left out: it builds what later ones share.
        for run in 0..=runs {
            let started = Instant::now();
            let plan = session.sql(&sql).await?.optimized_plan().await?;
            let first = ms_since(started);
            let started = Instant::now();
            let state = peer.state();
            let peers_plan = state.create_logical_plan(&peers_sql).await.and_then(|plan| state.optimize(&plan))?;
            let second = ms_since(started);
            drop((plan, peers_plan));
            if let Some(run) = run.checked_sub(1) {
                ours.push(first);
                theirs.push(second);
                ours_in_all[run as usize] += first;
                theirs_in_all[run as usize] += second;
            }
        }
        line(&name, percentile(&ours, 0.5), percentile(&theirs, 0.5));
    }
    line("all", percentile(&ours_in_all, 0.5), percentile(&theirs_in_all, 0.5));
    println!("medians of {runs} runs");
    Ok(())
}

/// Columns with `string` for `char(n)` and `varchar(n)`.
fn without_lengths(columns: &str) -> String {
    let parts = columns.split_inclusive(')').map(|part| {
        let lower = part.to_lowercase();
        let start = lower.rfind("varchar(").or_else(|| lower.rfind("char("));
        start.and_then(|start| part.get(..start)).map_or_else(|| part.to_owned(), |before| format!("{before}string"))
    });
    parts.collect()
}

/// TPC-H's queries by name.
fn queries() -> Result<Vec<(String, String)>> {
    let folder = material::unpacked("spark-tpch-queries", "spark-sql_2.13", "tests", &["tpch"])?.join("tpch");
    let query = |n: u32| Ok((format!("q{n}"), std::fs::read_to_string(folder.join(format!("q{n}.sql")))?));
    (1..=22).map(query).collect()
}

fn chain(steps: u32, runs: u32) -> Result<()> {
    let session = Session::builder().build()?;
    let schema = tidemill::parse_schema("c0 int, c1 int, c2 int, c3 int, c4 int, c5 int, c6 int, c7 int, c8 int, c9 int")?;
    let rows = session.create_dataframe(vec![RecordBatch::new_empty(schema)])?;
    let (mut built, mut resolved) = (Vec::new(), Vec::new());
    for run in 0..=runs {
        let started = Instant::now();
        let last = (0..steps).fold(rows.clone(), step);
        let build = ms_since(started);
        let columns = last.schema()?.fields().len();
        let whole = ms_since(started);
        if columns != 10 {
            return Err(format!("the chain ends in {columns} columns, not 10").into());
        }
        if run > 0 {
            built.push(build);
            resolved.push(whole);
        }
    }
    println!(
        "{steps} steps: p50 {:.2} ms to the schema, {:.3} ms per step; building the tree takes {:.2} ms of it",
        percentile(&resolved, 0.5),
        percentile(&resolved, 0.5) / f64::from(steps),
        percentile(&built, 0.5)
    );
    Ok(())
}

/// The step of that number: it computes a column anew, leaves out rows, or gives the columns in another order.
fn step(rows: DataFrame, number: u32) -> DataFrame {
    let name = |offset: u32| format!("c{}", (number + offset) % 10);
    match number % 3 {
        0 => rows.with_column(&name(0), col(&name(1)) + col(&name(2)) * 2),
        1 => rows.filter(col(&name(0)).gt(-1).or(col(&name(3)).is_null())),
        _ => rows.select((0..10).map(|offset| match offset {
            0 => when(col(&name(0)).lt(0), lit(0)).otherwise(col(&name(0))).alias(name(0)),
            _ => Column::from(name(offset)),
        })),
    }
}

fn ms_since(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e3
}
