//! TPC-H's queries over Parquet files, run once each by Tidemill or by the DataFusion that it is built with, a line of JSON per query. Who
//! compares them with whom is `benches/python/tpch.py`; what the figures were is in `benches/README.md`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use clap::{Parser, ValueEnum};
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use tidemill::Session;
use tidemill_benches::{cpu_time, peak_memory_mib};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(Parser)]
struct Args {
    #[arg(long, value_enum, default_value_t = Engine::Tidemill)]
    engine: Engine,
    /// The folder with a file or folder `NAME.parquet` per table.
    #[arg(long)]
    data: PathBuf,
    /// A JSON array of the 22 queries.
    #[arg(long)]
    queries: PathBuf,
    /// Which of them, counted from 1; all where none is named.
    #[arg(long)]
    query: Vec<usize>,
    /// How often each is run.
    #[arg(long, default_value_t = 1)]
    runs: u32,
    /// Threads and tasks.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// A setting of the session, `name=value`.
    #[arg(long)]
    conf: Vec<String>,
    /// Also prints each query's rows.
    #[arg(long)]
    rows: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Engine {
    Tidemill,
    Datafusion,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let queries: Vec<String> = serde_json::from_str(&std::fs::read_to_string(&args.queries)?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(args.threads).enable_all().build()?;
    runtime.block_on(run(&args, &queries))
}

/// Someone who answers SQL.
enum Answers {
    Tidemill(Session),
    DataFusion(SessionContext),
}

async fn run(args: &Args, queries: &[String]) -> Result<()> {
    let engine = opened(args).await?;
    let numbers = if args.query.is_empty() { (1..=queries.len()).collect() } else { args.query.clone() };
    for number in numbers {
        let sql = queries.get(number - 1).ok_or_else(|| format!("there is no query {number}"))?;
        for _ in 0..args.runs {
            let (started, cpu) = (Instant::now(), cpu_time());
            let batches = match &engine {
                Answers::Tidemill(session) => session.sql(sql).await?.collect().await?,
                Answers::DataFusion(session) => session.sql(sql).await?.collect().await?,
            };
            let mut line = serde_json::json!({
                "query": number,
                "seconds": started.elapsed().as_secs_f64(),
                "cpu_seconds": (cpu_time() - cpu).as_secs_f64(),
                "peak_mib": peak_memory_mib(),
            });
            if args.rows {
                line["rows"] = serde_json::to_value(shown(&batches)?)?;
            }
            println!("{line}");
        }
    }
    Ok(())
}

async fn opened(args: &Args) -> Result<Answers> {
    let tables = ["customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier"];
    let path = |table: &str| Path::new(&args.data).join(format!("{table}.parquet")).display().to_string();
    match args.engine {
        Engine::Tidemill => {
            let threads = args.threads.to_string();
            let mut session = Session::builder().config("tidemill.threads", &threads).config("tidemill.parallelism", &threads);
            for conf in &args.conf {
                let (name, value) = conf.split_once('=').ok_or_else(|| format!("`{conf}` is not of the form name=value"))?;
                session = session.config(name, value);
            }
            let session = session.build()?;
            for table in tables {
                session.sql(&format!("CREATE TEMPORARY VIEW {table} AS SELECT * FROM parquet.`{}`", path(table))).await?;
            }
            Ok(Answers::Tidemill(session))
        }
        Engine::Datafusion => {
            let session = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(args.threads));
            for table in tables {
                session.register_parquet(table, path(table), ParquetReadOptions::default()).await?;
            }
            Ok(Answers::DataFusion(session))
        }
    }
}

/// The rows as text; null as null.
fn shown(batches: &[RecordBatch]) -> Result<Vec<Vec<Option<String>>>> {
    let options = FormatOptions::default();
    let mut rows = Vec::new();
    for batch in batches {
        let columns =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options)).collect::<std::result::Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let cell = |(at, column): (usize, &ArrayFormatter<'_>)| batch.column(at).is_valid(row).then(|| column.value(row).to_string());
            rows.push(columns.iter().enumerate().map(cell).collect());
        }
    }
    Ok(rows)
}
