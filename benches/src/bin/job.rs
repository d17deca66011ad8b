//! The main job, measured: throughput from files to committed tables, latency per sink at a steady rate, the cost of a trigger
//! that finds nothing, and the start of a process. What the figures were is in `benches/README.md`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use clap::{Parser, Subcommand};
use parquet::arrow::ArrowWriter;
use tidemill::demo::generate::{EVENT_COLUMNS, Generator, GeneratorConfig, write_file_by_rename};
use tidemill::demo::{Layout, QueryConfig, behaviour};
use tidemill::{MemoryTable, Session, StreamSink, Trigger};
use tidemill_benches::{cpu_time, peak_memory_mib, percentile};
use tidemill_executor::files::JsonDecoder;
use tidemill_streaming::progress::StreamingQueryProgress;
use tidemill_streaming::query::{Phase, PhaseObserver};
use tidemill_streaming::source::MemoryStream;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(Parser)]
struct Args {
    /// The folder for input, checkpoint and tables.
    #[arg(long, default_value = "tidemill-bench")]
    dir: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// All files are there; the query reads them in epochs of `max-files`.
    Throughput {
        #[arg(long, default_value_t = 2_000_000)]
        events: u64,
        #[arg(long, default_value = "json", value_parser = ["json", "parquet"])]
        format: String,
        #[arg(long, default_value_t = 20)]
        max_files: usize,
        #[arg(long)]
        users: Option<u32>,
    },
    /// A file of `rate`/10 events every tenth of a second, after `warm` events read at once.
    Latency {
        #[arg(long, default_value_t = 10_000)]
        rate: u64,
        #[arg(long, default_value_t = 30)]
        seconds: u64,
        #[arg(long, default_value_t = 2_500_000)]
        warm: u64,
        #[arg(long, default_value_t = 400_000)]
        users: u32,
    },
    /// From the start of a process to the first row of `select 1`.
    Start {
        #[arg(long, default_value_t = 100)]
        runs: u32,
    },
    /// A small job that is run again and again, with data each time: what a start costs, and what is left in the checkpoint.
    Runs {
        #[arg(long, default_value_t = 10_000)]
        runs: u32,
    },
    /// Looks for data that find none, and epochs of one row.
    Trigger {
        #[arg(long, default_value_t = 300)]
        epochs: u32,
    },
}

fn main() -> Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match args.what {
            What::Throughput { events, format, max_files, users } => throughput(&args.dir, events, &format, max_files, users).await,
            What::Latency { rate, seconds, warm, users } => latency(&args.dir, rate, seconds, warm, users).await,
            What::Start { runs } => start(runs),
            What::Runs { runs } => short_runs(&args.dir, runs).await,
            What::Trigger { epochs } => trigger(&args.dir, epochs).await,
        }
    })
}

async fn throughput(dir: &std::path::Path, events: u64, format: &str, max_files: usize, users: Option<u32>) -> Result<()> {
    let layout = Layout::prepare(dir, None)?;
    let mut config = GeneratorConfig::new(events, 42);
    config.users = users.unwrap_or(config.users);
    let (mut generator, mut index, mut bytes_in) = (Generator::new(config), 0, 0);
    while let Some(bytes) = generator.next_file() {
        if format == "parquet" {
            bytes_in += write_parquet(&layout, index, &bytes)?;
        } else {
            bytes_in += bytes.len() as u64;
            write_file_by_rename(layout.input(), index, &bytes)?;
        }
        index += 1;
    }
    let session = Session::builder().build()?;
    let (cpu, started) = (cpu_time(), Instant::now());
    let query = behaviour(
        &session,
        &layout,
        &QueryConfig { format: if format == "parquet" { "parquet" } else { "json" }, ..QueryConfig::json(max_files) },
    )?
    .trigger(Trigger::available_now())
    .start()
    .await?;
    let mut told = query.progress_stream();
    query.await_termination().await?;
    let (wall, cpu) = (started.elapsed(), cpu_time() - cpu);
    let (mut rows, mut epochs, mut state) = (0, 0, 0);
    while let Ok(progress) = told.try_recv() {
        rows += progress.num_input_rows;
        epochs += 1;
        state = state.max(progress.tidemill.state_rows);
    }
    println!(
        "{format}: {rows} rows in {index} files of {:.1} MB in all, {epochs} epochs, at most {state} entries in state",
        bytes_in as f64 / 1e6
    );
    println!(
        "  {:.0} events/s; {:.0} CPU-ns per event; {:.2} s",
        rows as f64 / wall.as_secs_f64(),
        cpu.as_nanos() as f64 / rows as f64,
        wall.as_secs_f64()
    );
    println!("  peak memory {} MiB", peak_memory_mib());
    Ok(())
}

fn write_parquet(layout: &Layout, index: u32, json: &[u8]) -> Result<u64> {
    let schema = tidemill::parse_schema(EVENT_COLUMNS)?;
    let mut decoder = JsonDecoder::new(Arc::clone(&schema))?;
    for line in json.split(|b| *b == b'\n') {
        decoder.line(line);
    }
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, None)?;
    if let Some(batch) = decoder.flush()? {
        writer.write(&batch)?;
    }
    let bytes = writer.into_inner()?;
    let hidden = layout.input().join(format!(".events-{index:06}.parquet.tmp"));
    std::fs::write(&hidden, &bytes)?;
    std::fs::rename(hidden, layout.input().join(format!("events-{index:06}.parquet")))?;
    Ok(bytes.len() as u64)
}

async fn latency(dir: &std::path::Path, rate: u64, seconds: u64, warm: u64, users: u32) -> Result<()> {
    let layout = Layout::prepare(dir, None)?;
    let per_file = rate / 10;
    let steady_files = (seconds * 10) as u32;
    let events = warm + per_file * u64::from(steady_files);
    let config = GeneratorConfig { users, files: (events / per_file) as u32, ..GeneratorConfig::new(events, 42) };
    let warm_files = config.files - steady_files;
    let mut generator = Generator::new(config);
    for index in 0..warm_files {
        let bytes = generator.next_file().ok_or("the generator ended early")?;
        write_file_by_rename(layout.input(), index, &bytes)?;
    }
    let session = Session::builder().build()?;
    let query = behaviour(&session, &layout, &QueryConfig::json(50))?.start().await?;
    query.process_all_available().await?;
    let mut told = query.progress_stream();
    let (cpu, started) = (cpu_time(), Instant::now());
    for file in 0..steady_files {
        let due = started + Duration::from_millis(u64::from(file) * 100);
        tokio::time::sleep_until(due.into()).await;
        let Some(bytes) = generator.next_file() else { break };
        write_file_by_rename(layout.input(), warm_files + file, &bytes)?;
    }
    query.process_all_available().await?;
    query.stop().await?;
    let cpu = cpu_time() - cpu;
    let mut epochs: Vec<StreamingQueryProgress> = Vec::new();
    while let Ok(progress) = told.try_recv() {
        epochs.push(progress);
    }
    // The closing events end every session at once: that epoch is not the steady state.
    epochs.truncate(epochs.len().saturating_sub(2));
    let rows: u64 = epochs.iter().map(|e| e.num_input_rows).sum();
    println!("{rate} events/s for {seconds} s: {} epochs, {rows} rows", epochs.len());
    for (at, operator) in epochs.first().map_or(&[][..], |e| &e.state_operators).iter().enumerate() {
        let keys = epochs.iter().map(|e| e.state_operators[at].num_rows_total).min().unwrap_or(0);
        println!("  {}: at least {keys} keys in state", operator.operator_name);
    }
    println!("  a file of 20 kB written and synced on this disk: p50 {:.2} ms", sync_ms(layout.root())?);
    println!("  {:.0} CPU-ns per event; peak memory {} MiB", cpu.as_nanos() as f64 / rows.max(1) as f64, peak_memory_mib());
    println!(
        "  {:<16} {:>7} {:>9} {:>13} {:>13} {:>13} {:>13}",
        "sink", "epochs", "rows", "durable p50", "durable p99", "visible p50", "visible p99"
    );
    let mut sinks: BTreeMap<String, Vec<(f64, f64, i64)>> = BTreeMap::new();
    for epoch in &epochs {
        for sink in epoch.sinks.iter().filter(|s| s.num_output_rows > 0) {
            let ms = |name: &str| sink.metrics.get(name).and_then(|v| v.parse::<f64>().ok()).unwrap_or(f64::NAN);
            sinks.entry(sink.metrics["id"].clone()).or_default().push((ms("durableMs"), ms("visibleMs"), sink.num_output_rows));
        }
    }
    for (sink, samples) in &sinks {
        let durable: Vec<f64> = samples.iter().map(|s| s.0).collect();
        let visible: Vec<f64> = samples.iter().map(|s| s.1).collect();
        let rows: i64 = samples.iter().map(|s| s.2).sum();
        println!(
            "  {sink:<16} {:>7} {rows:>9} {:>10.1} ms {:>10.1} ms {:>10.1} ms {:>10.1} ms",
            samples.len(),
            percentile(&durable, 0.5),
            percentile(&durable, 0.99),
            percentile(&visible, 0.5),
            percentile(&visible, 0.99)
        );
    }
    let phase = |name: &str, of: fn(&StreamingQueryProgress) -> f64| {
        let values: Vec<f64> = epochs.iter().map(of).collect();
        println!("  {name:<8} p50 {:>7.2} ms  p99 {:>7.2} ms", percentile(&values, 0.5), percentile(&values, 0.99));
    };
    phase("run", |e| e.tidemill.run_ms);
    phase("stage", |e| e.tidemill.stage_ms);
    phase("record", |e| e.tidemill.record_ms);
    phase("publish", |e| e.tidemill.publish_ms);
    phase("settle", |e| e.tidemill.settle_ms);
    Ok(())
}

/// What the disk asks for one durable file, in the median, milliseconds: the floor under what is called durable here.
fn sync_ms(dir: &std::path::Path) -> Result<f64> {
    let path = dir.join(".sync");
    let mut ms = Vec::new();
    for _ in 0..100 {
        let started = Instant::now();
        let mut file = std::fs::File::create(&path)?;
        std::io::Write::write_all(&mut file, &[7; 20_000])?;
        file.sync_all()?;
        ms.push(started.elapsed().as_secs_f64() * 1e3);
        std::fs::remove_file(&path)?;
    }
    Ok(percentile(&ms, 0.5))
}

fn start(runs: u32) -> Result<()> {
    let beside = std::env::current_exe()?.with_file_name("tidemill");
    let mut ms = Vec::new();
    for _ in 0..runs {
        let started = Instant::now();
        let mut process = Command::new(&beside).args(["sql", "--output", "json", "-e", "select 1"]).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        ms.push(started.elapsed().as_secs_f64() * 1e3);
        if !process.wait()?.success() || !line.contains("[[1]]") {
            return Err(format!("{} answered {line}", beside.display()).into());
        }
    }
    println!("{runs} starts to the first row: p50 {:.1} ms, p99 {:.1} ms", percentile(&ms, 0.5), percentile(&ms, 0.99));
    Ok(())
}

async fn short_runs(dir: &std::path::Path, runs: u32) -> Result<()> {
    let checkpoint = dir.join("checkpoint");
    let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
    let stream = MemoryStream::new("numbers", Arc::clone(&schema) as _);
    let session = Session::builder().build()?;
    let table = MemoryTable::default();
    let mut start_ms = Vec::new();
    for run in 0..runs {
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![i64::from(run), i64::from(run / 2)]));
        stream.add(RecordBatch::try_new(Arc::clone(&schema) as _, vec![ids])?)?;
        let unique = session.stream(Arc::new(stream.clone()))?.drop_duplicates(["id"]);
        let query = session.streaming_query("runs").checkpoint_location(&checkpoint).trigger(Trigger::available_now());
        let query = query.add(&unique, StreamSink::memory("unique", &table));
        let started = Instant::now();
        let query = query.start().await?;
        start_ms.push(started.elapsed().as_secs_f64() * 1e3);
        query.await_termination().await?;
        if run == 9 || run + 1 == runs {
            let files = |name: &str| std::fs::read_dir(checkpoint.join(name)).map(|entries| entries.count());
            let last = &start_ms[start_ms.len().saturating_sub(100)..];
            let rows: usize = table.batches().iter().map(RecordBatch::num_rows).sum();
            println!(
                "after {} runs with data: {} entries and {} images; {rows} rows; the last {} starts p50 {:.1} ms, p99 {:.1} ms",
                run + 1,
                files("log")?,
                files("images")?,
                last.len(),
                percentile(last, 0.5),
                percentile(last, 0.99)
            );
        }
    }
    Ok(())
}

/// Times the looks for data that find none: from `Discover` to `Wait`.
#[derive(Debug, Default)]
struct Looks {
    begun: Mutex<Option<Instant>>,
    us: Mutex<Vec<f64>>,
}

impl PhaseObserver for Looks {
    fn enter(&self, _epoch: u64, phase: Phase) {
        let mut begun = self.begun.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match phase {
            Phase::Discover => *begun = Some(Instant::now()),
            Phase::Wait => {
                if let Some(begun) = begun.take() {
                    let mut us = self.us.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    us.push(begun.elapsed().as_secs_f64() * 1e6);
                }
            }
            // An epoch runs: this look found something.
            _ => *begun = None,
        }
    }
}

async fn trigger(dir: &std::path::Path, epochs: u32) -> Result<()> {
    let layout = Layout::prepare(dir, None)?;
    let looks = Arc::new(Looks::default());
    let session = Session::builder().build()?;
    let query = behaviour(&session, &layout, &QueryConfig::json(50))?.observer(looks.clone()).start().await?;
    let plans = session.plans_made();
    let mut told = query.progress_stream();
    for index in 0..epochs {
        // All at one time: the watermark moves once, and no epoch without data comes between.
        let line = format!("{{\"eventId\":\"e{index}\",\"userId\":\"u\",\"eventType\":\"click\",\"eventTimeMs\":1760000000000}}\n");
        write_file_by_rename(layout.input(), index, line.as_bytes())?;
        query.process_all_available().await?;
    }
    query.stop().await?;
    let plans_after = session.plans_made();
    let mut one_row = Vec::new();
    while let Ok(progress) = told.try_recv() {
        one_row.push(progress);
    }
    println!("plans made: {plans} when the query started (one per sink), {} in its epochs", plans_after - plans);
    let us = looks.us.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    println!("{} looks that found nothing: p50 {:.0} µs, p99 {:.0} µs", us.len(), percentile(&us, 0.5), percentile(&us, 0.99));
    let run: Vec<f64> = one_row.iter().map(|p| (p.tidemill.discover_ms + p.tidemill.run_ms + p.tidemill.stage_ms) * 1e3).collect();
    let whole: Vec<f64> = one_row.iter().map(|p| p.tidemill.visible_ms * 1e3).collect();
    println!(
        "{} epochs of one row: without the disk p50 {:.0} µs, p99 {:.0} µs; to visible p50 {:.0} µs",
        one_row.len(),
        percentile(&run, 0.5),
        percentile(&run, 0.99),
        percentile(&whole, 0.5)
    );
    Ok(())
}
