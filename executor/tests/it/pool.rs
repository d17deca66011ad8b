//! The pool: nobody starves, a panic stays where it happens, cancelled work ends, and nested spawns run on the pool.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use datafusion::common::runtime::SpawnedTask;
use futures::FutureExt;
use tidemill_executor::pool::{Engine, EngineConfig, Priority, yield_now};

fn engine(threads: usize) -> Engine {
    Engine::new(EngineConfig { threads, ..EngineConfig::default() }).unwrap()
}

/// Hogs of one query, on one thread, until the waiter of another has had its turns.
fn turns_of_hogs(hogs: Priority, waiter: Priority) -> usize {
    const TURNS: usize = 200;
    let engine = engine(1);
    let (polls, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let hogging = engine.query(hogs, "hogs");
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (polls, done) = (Arc::clone(&polls), Arc::clone(&done));
            hogging.spawn(async move {
                while !done.load(Ordering::SeqCst) && polls.fetch_add(1, Ordering::SeqCst) < 10_000_000 {
                    yield_now().await;
                }
            })
        })
        .collect();
    let waiting = engine.query(waiter, "waiter");
    let (counted, ended) = (Arc::clone(&polls), Arc::clone(&done));
    let waited = waiting.spawn(async move {
        let before = counted.load(Ordering::SeqCst);
        for _ in 0..TURNS {
            yield_now().await;
        }
        ended.store(true, Ordering::SeqCst);
        counted.load(Ordering::SeqCst) - before
    });
    let between = futures::executor::block_on(waited).unwrap();
    for task in tasks {
        futures::executor::block_on(task).unwrap();
    }
    between / TURNS
}

#[test]
fn eight_hogs_of_another_query_take_one_turn_to_the_waiters_one() {
    assert!(turns_of_hogs(Priority::Batch, Priority::Batch) <= 1);
}

#[test]
fn a_stream_does_not_wait_for_batch_hogs() {
    assert_eq!(turns_of_hogs(Priority::Batch, Priority::Streaming), 0);
}

#[test]
fn batch_gets_a_turn_beside_streaming_hogs() {
    assert!(turns_of_hogs(Priority::Streaming, Priority::Batch) <= 32);
}

#[test]
fn a_wake_from_an_io_thread_gets_through_hogs() {
    let engine = engine(1);
    let hogging = engine.query(Priority::Batch, "hogs");
    let done = Arc::new(AtomicBool::new(false));
    let hog = {
        let done = Arc::clone(&done);
        hogging.spawn(async move {
            while !done.load(Ordering::SeqCst) {
                yield_now().await;
            }
        })
    };
    let waiting = engine.query(Priority::Batch, "waiter");
    let (send, receive) = tokio::sync::oneshot::channel::<u64>();
    let waiter = waiting.spawn(async move {
        let answer = receive.await.unwrap();
        done.store(true, Ordering::SeqCst);
        answer
    });
    engine.io().spawn(async move { send.send(7).unwrap() });
    assert_eq!(futures::executor::block_on(waiter), Some(7));
    assert_eq!(futures::executor::block_on(hog), Some(()));
}

#[test]
fn a_panic_reaches_whoever_waits_and_the_pool_lives() {
    let engine = engine(1);
    let query = engine.query(Priority::Batch, "q");
    let failed = query.spawn(async { panic!("deliberate") });
    let outcome = futures::executor::block_on(std::panic::AssertUnwindSafe(failed).catch_unwind());
    assert_eq!(*outcome.unwrap_err().downcast_ref::<&str>().unwrap(), "deliberate");
    assert_eq!(futures::executor::block_on(query.spawn(async { 3 })), Some(3));
    // What the panicking poll had set on the thread is gone: a spawn outside any poll stays on its runtime.
    let name =
        engine.io().block_on(async { SpawnedTask::spawn(async { std::thread::current().name().map(str::to_owned) }).await }).unwrap();
    assert!(!name.unwrap().starts_with("tidemill-0"));
}

struct Flag(Arc<AtomicBool>);

impl Drop for Flag {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn dropping_the_query_drops_its_futures() {
    let engine = engine(2);
    let query = engine.query(Priority::Batch, "q");
    let (dropped, (began, begun)) = (Arc::new(AtomicBool::new(false)), std::sync::mpsc::channel());
    let flag = Flag(Arc::clone(&dropped));
    let task = query.spawn(async move {
        let _flag = flag;
        began.send(()).unwrap();
        std::future::pending::<()>().await;
    });
    begun.recv().unwrap();
    drop(query);
    assert_eq!(futures::executor::block_on(task), None);
    assert!(dropped.load(Ordering::SeqCst));
}

#[test]
fn a_cancelled_query_takes_nothing_more() {
    let engine = engine(1);
    let query = engine.query(Priority::Batch, "q");
    query.cancel();
    assert_eq!(futures::executor::block_on(query.spawn(async { 1 })), None);
}

#[test]
fn what_operators_spawn_runs_on_the_pool() {
    let engine = engine(2);
    let query = engine.query(Priority::Batch, "q");
    let name = || std::thread::current().name().unwrap_or_default().to_owned();
    let nested = query.spawn(async move {
        let inner = SpawnedTask::spawn(async move {
            let innermost = SpawnedTask::spawn(async move { name() }).await.unwrap();
            (name(), innermost)
        });
        let blocking = SpawnedTask::spawn_blocking(name).await.unwrap();
        (name(), inner.await.unwrap(), blocking)
    });
    let (outer, (inner, innermost), blocking) = futures::executor::block_on(nested).unwrap();
    for name in [outer, inner, innermost] {
        assert!(name == "tidemill-0" || name == "tidemill-1", "{name}");
    }
    assert!(blocking.starts_with("tidemill-io"), "{blocking}");
}

#[test]
fn timers_and_io_work_within_tasks() {
    let engine = engine(1);
    let query = engine.query(Priority::Batch, "q");
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_owned();
    let task = query.spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        tokio::fs::write(&path, b"rows").await.unwrap();
        tokio::fs::read(&path).await.unwrap()
    });
    assert_eq!(futures::executor::block_on(task).unwrap(), b"rows");
}
