//! Two handles at one version, one commits first: the second must end as if it had run after it, or before it, or be
//! refused. No threads are needed.

use std::sync::{Arc, Condvar, Mutex};

use tidemill_lakehouse::{DeltaTable, MergeRequest, TableOptions, TableWrite, WriteEnd};
use tidemill_planner::seam::{Clock, SystemClock};

use crate::helpers::{Place, content, fast, rows, schema};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Op {
    /// Appends a key that no other operation names.
    AppendNew,
    /// Appends a key that the merges name.
    AppendSame,
    Overwrite,
    /// Updates a key of the first file and inserts one.
    MergeBoth,
    /// Inserts a key that no file has.
    MergeInsert,
    /// Updates a key of the second file.
    MergeOther,
}

const OPS: [Op; 6] = [Op::AppendNew, Op::AppendSame, Op::Overwrite, Op::MergeBoth, Op::MergeInsert, Op::MergeOther];

async fn run(table: &DeltaTable, op: Op, mark: i64) {
    let merge = |source: &[(&str, i64, f64)]| MergeRequest {
        on: vec!["userId".into()],
        source: vec![rows(source)],
        update_condition: None,
        txn: None,
    };
    match op {
        Op::AppendNew => drop(table.append(vec![rows(&[("z", mark, 0.0)])], None).await.unwrap()),
        Op::AppendSame => drop(table.append(vec![rows(&[("m", mark, 0.0)])], None).await.unwrap()),
        Op::Overwrite => drop(table.overwrite(vec![rows(&[("o", mark, 0.0)])], None).await.unwrap()),
        Op::MergeBoth => drop(table.merge(merge(&[("a", mark, 0.0), ("m", mark, 0.0)])).await.unwrap()),
        Op::MergeInsert => drop(table.merge(merge(&[("m", mark, 0.0)])).await.unwrap()),
        Op::MergeOther => drop(table.merge(merge(&[("p", mark, 0.0)])).await.unwrap()),
    }
}

async fn start(place: &Place) -> DeltaTable {
    let table = place.create().await;
    table.append(vec![rows(&[("a", 0, 0.0), ("b", 0, 0.0)])], None).await.unwrap();
    table.append(vec![rows(&[("p", 0, 0.0), ("q", 0, 0.0)])], None).await.unwrap();
    table
}

async fn serially(first: Op, second: Op) -> Vec<String> {
    let place = Place::new();
    let table = start(&place).await;
    run(&table, first, 1).await;
    run(&table, second, 2).await;
    content(&table).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn every_pair_ends_in_serial_order() {
    for first in OPS {
        for second in OPS {
            let place = Place::new();
            let one = start(&place).await;
            let gate = GateClock::new();
            let two = DeltaTable::open_with(&place.path(), TableOptions { clock: Arc::clone(&gate) as _, ..fast() }).await.unwrap();
            run_both(&one, two.clone(), &gate, second, first).await;
            assert_eq!(content(&one).await, serially(first, second).await, "{first:?}, then {second:?}");
            assert_eq!(content(&place.open().await).await, content(&two).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn of_two_creators_one_makes_the_table() {
    let place = Place::new();
    let gate = GateClock::new();
    gate.close();
    let options = TableOptions { clock: Arc::clone(&gate) as _, ..fast() };
    let path = place.path();
    let later = tokio::spawn(async move { create_holding("late", &path, options).await });
    gate.reached().await;
    assert_eq!(create_holding("early", &place.path(), fast()).await, WriteEnd::Done { version: 0 });
    gate.open();
    assert!(matches!(later.await.unwrap(), WriteEnd::TableChanged(_)), "there is a table by now");
    let made = place.open().await;
    assert_eq!(content(&made).await, ["early 1 0"]);
    assert_eq!(made.history(None).await.unwrap().len(), 1);
    let names = std::fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    assert_eq!(names.filter(|name| name.ends_with(".parquet")).count(), 1, "the late one's file is gone");
}

/// Makes a table of one row.
async fn create_holding(name: &str, path: &str, options: TableOptions) -> WriteEnd {
    let write = TableWrite::create(path, &schema(), "ErrorIfExists", None, options).await.unwrap().expect("there is no table yet");
    let mut task = write.sink(&schema(), 0).unwrap().open(0).unwrap();
    task.push(rows(&[(name, 1, 0.0)])).await.unwrap();
    let receipt = task.finish().await.unwrap();
    write.commit(vec![receipt]).await.unwrap()
}

/// `second` is planned at the version that `first` was planned at, and committed after it.
async fn run_both(one: &DeltaTable, two: DeltaTable, gate: &GateClock, second: Op, first: Op) {
    gate.close();
    let later = tokio::spawn(async move { run(&two, second, 2).await });
    gate.reached().await;
    run(one, first, 1).await;
    gate.open();
    later.await.unwrap();
}

/// A clock that holds up whoever asks it for the time: every write asks once it has planned, before it commits.
#[derive(Debug)]
struct GateClock {
    closed: Mutex<bool>,
    opened: Condvar,
    arrived: tokio::sync::Notify,
}

impl GateClock {
    fn new() -> Arc<Self> {
        Arc::new(Self { closed: Mutex::new(false), opened: Condvar::new(), arrived: tokio::sync::Notify::new() })
    }

    fn close(&self) {
        *self.closed.lock().unwrap() = true;
    }

    fn open(&self) {
        *self.closed.lock().unwrap() = false;
        self.opened.notify_all();
    }

    async fn reached(&self) {
        self.arrived.notified().await;
    }
}

impl Clock for GateClock {
    fn now_ms(&self) -> i64 {
        let mut closed = self.closed.lock().unwrap();
        if *closed {
            self.arrived.notify_one();
        }
        while *closed {
            closed = self.opened.wait(closed).unwrap();
        }
        SystemClock.now_ms()
    }
}
