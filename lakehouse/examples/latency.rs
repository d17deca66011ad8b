//! Prints how long commits take: appends of some rows, and MERGEs of some rows into a table of many, durable and not.
//!
//! ```text
//! cargo run --release -p tidemill-lakehouse --example latency -- [target rows] [source rows] [commits] [folder]
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use tidemill_lakehouse::{DeltaTable, MergeRequest, TableOptions};
use tidemill_planner::Result;

fn rows(users: &[u64], round: i64) -> Result<RecordBatch> {
    let schema = Schema::new(vec![
        Field::new("userId", DataType::Utf8, false),
        Field::new("emaAsdMs", DataType::Float64, true),
        Field::new("seen", DataType::Int64, true),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(users.iter().map(|u| format!("user-{u:08}")))),
        Arc::new(Float64Array::from_iter_values(users.iter().map(|u| *u as f64 * 1.25 + round as f64))),
        Arc::new(Int64Array::from_iter_values(users.iter().map(|_| round))),
    ];
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}

fn median(times: &[Duration]) -> f64 {
    let mut times = times.to_vec();
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}

fn report(what: &str, mut times: Vec<Duration>) {
    let quarter = times.len().div_ceil(4);
    let (young, old) = (median(&times[..quarter]), median(&times[times.len() - quarter..]));
    let slope = (old - young) / (times.len() - quarter).max(1) as f64;
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("{what:<44} p50 {:>8.2} ms   p99 {:>8.2} ms   {slope:>+7.2} µs per version", at(0.5), at(0.99));
}

async fn run(folder: &std::path::Path, durable: bool, [target, source, commits]: [u64; 3]) -> Result<()> {
    let mark = if durable { "durable" } else { "not durable" };
    let options = TableOptions { durable, ..TableOptions::default() };
    let location = |name: &str| folder.join(format!("{name}-{}", if durable { "durable" } else { "fast" })).display().to_string();

    let table = DeltaTable::create(&location("append"), rows(&[], 0)?.schema(), options.clone()).await?;
    let mut times = Vec::new();
    for round in 0..commits {
        let batch = rows(&(0..source).collect::<Vec<_>>(), round as i64)?;
        let start = Instant::now();
        table.append(vec![batch], None).await?;
        times.push(start.elapsed());
    }
    report(&format!("append {source} rows, {mark}"), times);

    let table = DeltaTable::create(&location("merge"), rows(&[], 0)?.schema(), options).await?;
    let request = |batch| MergeRequest { on: vec!["userId".into()], source: vec![batch], update_condition: None, txn: None };
    for part in (0..target).collect::<Vec<_>>().chunks(25_000) {
        table.append(vec![rows(part, 0)?], None).await?;
    }
    let (mut times, mut first, mut state) = (Vec::new(), None, 88_172_645_463_325_252u64);
    for round in 0..commits {
        let mut users: Vec<u64> = (0..source)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state % (target + target / 10)
            })
            .collect();
        users.sort_unstable();
        users.dedup();
        let batch = rows(&users, round as i64)?;
        let start = Instant::now();
        let merged = table.merge(request(batch)).await?;
        match first {
            None => first = Some((start.elapsed(), merged)),
            Some(_) => times.push(start.elapsed()),
        }
    }
    if let Some((time, merged)) = first {
        println!("first merge, nothing remembered: {:.1} ms, {merged:?}", time.as_secs_f64() * 1e3);
    }
    let snapshot = table.snapshot().await?;
    println!("{} files, {} bytes, {:?} rows", snapshot.files().len(), snapshot.bytes(), snapshot.num_records());
    report(&format!("merge {source} rows into {target}, {mark}"), times);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default: u64| arguments.get(i).and_then(|text| text.parse().ok()).unwrap_or(default);
    let sizes = [number(0, 100_000), number(1, 50), number(2, 100)];
    let kept = arguments.get(3).map(std::path::PathBuf::from);
    let folder = kept.unwrap_or_else(|| std::env::temp_dir().join(format!("tidemill-latency-{}", uuid::Uuid::new_v4())));
    for durable in [false, true] {
        run(&folder, durable, sizes).await?;
    }
    println!("tables in {}", folder.display());
    Ok(())
}
