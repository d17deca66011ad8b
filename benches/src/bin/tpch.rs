//! Queries over TPC-H's tables in Parquet files, run by Tidemill or by the DataFusion that it is built with: a line of JSON that says which
//! version answers, then a line per query. Who compares them with whom is `benches/python/peers`; what the figures were is in
//! `benches/README.md`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use clap::{Parser, ValueEnum};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use serde_json::{Value, json};
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
    /// A JSON array of queries.
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
    /// A setting of Tidemill's session, `name=value`.
    #[arg(long)]
    conf: Vec<String>,
    /// The memory that DataFusion's operators share, as much as they like where none is named; Tidemill has a setting for it.
    #[arg(long)]
    memory_bytes: Option<usize>,
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
    println!("{}", json!({ "engine": engine.name(), "version": engine.version(), "settings": engine.settings(args) }));
    let numbers = if args.query.is_empty() { (1..=queries.len()).collect() } else { args.query.clone() };
    for number in numbers {
        let sql = queries.get(number - 1).ok_or_else(|| format!("there is no query {number}"))?;
        for _ in 0..args.runs {
            let (started, cpu) = (Instant::now(), cpu_time());
            let batches = match engine.rows(sql).await {
                Ok(batches) => batches,
                Err(error) => {
                    println!("{}", json!({ "query": number, "error": error.to_string() }));
                    continue;
                }
            };
            let mut line = json!({
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

impl Answers {
    fn name(&self) -> &'static str {
        match self {
            Self::Tidemill(_) => "tidemill",
            Self::DataFusion(_) => "datafusion-linked",
        }
    }

    fn version(&self) -> &'static str {
        match self {
            Self::Tidemill(_) => env!("CARGO_PKG_VERSION"),
            Self::DataFusion(_) => datafusion::DATAFUSION_VERSION,
        }
    }

    fn settings(&self, args: &Args) -> Value {
        match self {
            Self::Tidemill(_) => json!({ "threads": args.threads, "conf": args.conf }),
            Self::DataFusion(_) => json!({ "target_partitions": args.threads, "memory_bytes": args.memory_bytes }),
        }
    }

    /// A query's rows.
    async fn rows(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        Ok(match self {
            Self::Tidemill(session) => session.sql(sql).await?.collect().await?,
            Self::DataFusion(session) => session.sql(sql).await?.collect().await?,
        })
    }
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
            let mut runtime = RuntimeEnvBuilder::new();
            if let Some(bytes) = args.memory_bytes {
                runtime = runtime.with_memory_pool(Arc::new(FairSpillPool::new(bytes)));
            }
            let config = SessionConfig::new().with_target_partitions(args.threads);
            let session = SessionContext::new_with_config_rt(config, runtime.build_arc()?);
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
