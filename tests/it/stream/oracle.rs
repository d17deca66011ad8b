//! Any events, cut into any epochs, with a restart at any parallelism between any two of them: what the stream has written is
//! what the same program makes of the same rows as a table, less the late ones. Which are late a model says, from what each epoch read.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, TimeUnit, TimestampMicrosecondType};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tidemill::Value;
use tidemill::demo::lateness::{Bounds, bounds};
use tidemill::functions as F;
use tidemill::functions::{col, lit};
use tidemill::{DataFrame, GroupFn, GroupFunction, Result, Session};
use tidemill_planner::seam::Offset;
use tidemill_streaming::checkpoint::Checkpoint;
use tidemill_streaming::record::Cut;

use super::story::{Event, MINUTE_US, Story, batch_of, rows_as_text};

const DELAY_MINUTES: i64 = 10;

const WINDOW_MINUTES: i64 = 5;

/// The event that ends every session before it, and is in none that ends.
const CLOSING_MINUTE: i64 = 10_000;

/// Gives each session with the user's events in all sessions up to it.
fn so_far() -> Arc<dyn GroupFunction> {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let output = Schema::new(vec![
        Field::new("user", DataType::Utf8, false),
        Field::new("start", time, false),
        Field::new("so_far", DataType::Int64, false),
    ]);
    let state = Schema::new(vec![Field::new("so_far", DataType::Int64, false)]);
    GroupFn::new("so_far", Arc::new(output), Arc::new(state), |key, rows, state, output| {
        let starts = rows.column("start")?.as_primitive::<TimestampMicrosecondType>();
        let counts = rows.column("n")?.as_primitive::<Int64Type>();
        let mut so_far = match state.get() {
            Some([Value::Long(n)]) => *n,
            _ => 0,
        };
        let mut sessions: Vec<usize> = rows.positions().collect();
        sessions.sort_unstable_by_key(|&i| starts.value(i));
        for i in sessions {
            so_far += counts.value(i);
            let start = Value::Timestamp(starts.value(i));
            output.push(vec![key[0].clone(), start, Value::from(so_far)]);
        }
        state.update(vec![Value::from(so_far)]);
        Ok(())
    })
}

fn outputs(events: &DataFrame, ended_by_minute: Option<i64>) -> Result<Vec<(&'static str, DataFrame)>> {
    let unique = events.with_watermark("t", &format!("{DELAY_MINUTES} minutes")).drop_duplicates(["id", "t"]);
    let sessions = unique
        .group_by([F::session_window(col("t"), "7 minutes"), col("user")])
        .agg([F::count("*").alias("n"), F::sum(col("v")).alias("v")])
        .select([col("user"), col("session_window.start").alias("start"), col("session_window.end").alias("end"), col("n"), col("v")]);
    let sessions = match ended_by_minute {
        None => sessions,
        Some(minute) => sessions.filter(col("end").leq(F::timestamp_micros(lit(minute * MINUTE_US)))),
    };
    let so_far = sessions.group_by(["user"]).flat_map_groups_with_state(so_far());
    Ok(vec![("unique", unique), ("sessions", sessions), ("so_far", so_far)])
}

/// Windows over the events themselves: they are late by the end of their window, and nothing above has taken the late ones out.
fn counted(events: &DataFrame) -> DataFrame {
    let marked = events.with_watermark("t", &format!("{DELAY_MINUTES} minutes"));
    marked.group_by([F::window(col("t"), format!("{WINDOW_MINUTES} minutes")), col("user")]).agg([F::count("*").alias("n")])
}

fn windows(counted: &DataFrame, ended_by_minute: Option<i64>) -> DataFrame {
    let windows = counted.select([col("user"), col("window.start").alias("start"), col("window.end").alias("end"), col("n")]);
    match ended_by_minute {
        None => windows,
        Some(minute) => windows.filter(col("end").leq(F::timestamp_micros(lit(minute * MINUTE_US)))),
    }
}

fn program(events: &DataFrame) -> Result<Vec<(&'static str, DataFrame)>> {
    let late_columns = ["user", "id", "t", "v", "watermark", "epoch"];
    let mut sinks = outputs(events, None)?;
    let late = sinks[0].1.late_rows().select(late_columns);
    let counted = counted(events);
    sinks.push(("late", late));
    sinks.push(("late_for_windows", counted.late_rows().select(late_columns)));
    sinks.push(("windows", windows(&counted, None)));
    sinks.push(("read", events.clone()));
    Ok(sinks)
}

/// An epoch's events, and the parallelism to restart at before it.
type Epoch = (Vec<Event>, Option<usize>);

/// Events of three users within an hour, in no order; equal id and minute make equal events, so that it does not matter which
/// copy stays.
fn event() -> impl Strategy<Value = Event> {
    (0..8_i64, 0..60_i64).prop_map(|(id, minute)| (format!("user-{}", id % 3), format!("id-{id}"), Some(minute), id * 100 + minute))
}

fn epochs() -> impl Strategy<Value = Vec<Epoch>> {
    let epoch = (prop::collection::vec(event(), 0..12), prop::option::weighted(0.4, 1..8_usize));
    prop::collection::vec(epoch, 1..8)
}

async fn stream(epochs: &[Epoch], parallelism: usize) -> Story {
    let mut story = Story::new(program).with_image_every(2);
    story.start(parallelism).await;
    for (events, restart) in epochs {
        if let Some(parallelism) = restart {
            story.stop().await;
            story.start(*parallelism).await;
        }
        story.append(events).await;
    }
    story.append(&[closing()]).await;
    story.stop().await;
    story
}

fn closing() -> Event {
    ("closing".to_owned(), "closing".to_owned(), Some(CLOSING_MINUTE), 0)
}

/// What the model makes of the epochs.
struct Modelled {
    /// By the event's own time, as a deduplication drops rows.
    by_time: Parted,
    /// By the end of the event's window.
    by_window: Parted,
    /// The bounds of every epoch, and of the one that would come next.
    bounds: Vec<Bounds>,
}

/// Events by whether they are late.
#[derive(Default)]
struct Parted {
    /// The late rows as text, sorted.
    late: Vec<String>,
    /// The other events, in the order in which they were read.
    on_time: Vec<Event>,
}

/// Parts the events of each epoch by when the latest bound is that they meet.
fn parted(read: &[Vec<Event>], bounds: &[Bounds], due_us: impl Fn(i64) -> i64) -> Parted {
    let mut parted = Parted::default();
    for (epoch, (events, bounds)) in read.iter().zip(bounds).enumerate() {
        for event in events {
            let due_us = event.2.map(|minute| due_us(minute * MINUTE_US));
            match bounds.late_us.filter(|_| bounds.is_late(due_us)) {
                None => parted.on_time.push(event.clone()),
                Some(late_us) => {
                    let minute = late_us / MINUTE_US;
                    let row = rows_as_text(&[batch_of(std::slice::from_ref(event))]).concat();
                    parted.late.push(format!("{row} {:02}:{:02} {epoch}", minute / 60, minute % 60));
                }
            }
        }
    }
    parted.late.sort_unstable();
    parted
}

/// How many batches an offset says were read.
fn batches_read(offset: &Option<Offset>) -> usize {
    offset.as_ref().map_or(0, |offset| offset.0.as_u64().expect("a number of batches") as usize)
}

/// The model of a query that read these batches of events in these cuts.
fn modelled(batches: &[Vec<Event>], cuts: &BTreeMap<u64, Cut>) -> Modelled {
    let read = |cut: &Cut| -> Vec<Event> {
        cut.sources.iter().flat_map(|source| batches[batches_read(&source.from)..batches_read(&source.to)].concat()).collect()
    };
    let read: Vec<Vec<Event>> = cuts.values().map(read).collect();
    let maxima_us: Vec<Option<i64>> = read.iter().map(|events| events.iter().filter_map(|e| Some(e.2? * MINUTE_US)).max()).collect();
    let bounds = bounds(&maxima_us, DELAY_MINUTES * MINUTE_US);
    let window_us = WINDOW_MINUTES * MINUTE_US;
    Modelled {
        by_time: parted(&read, &bounds, |time_us| time_us),
        by_window: parted(&read, &bounds, |time_us| (time_us.div_euclid(window_us) + 1) * window_us),
        bounds,
    }
}

async fn check(epochs: Vec<Epoch>, parallelism: usize) -> std::result::Result<bool, TestCaseError> {
    let story = stream(&epochs, parallelism).await;
    let mut batches: Vec<Vec<Event>> = epochs.into_iter().map(|(events, _)| events).collect();
    batches.push(vec![closing()]);
    let cuts = Checkpoint::cuts(&story.records()).expect("the log can be read");
    prop_assert!(cuts.keys().copied().eq(0..cuts.len() as u64), "all records are there: {:?}", cuts.keys());
    // Each epoch begins where the one before it ended, and the last one ends with the last batch.
    let mut at = 0;
    for source in cuts.values().flat_map(|cut| &cut.sources) {
        prop_assert_eq!(batches_read(&source.from), at, "{:?}", cuts);
        at = batches_read(&source.to);
    }
    prop_assert_eq!(at, batches.len(), "every batch is read");
    prop_assert_eq!(rows_as_text(&story.rows("read")), rows_as_text(&[batch_of(&batches.concat())]), "every event is read once");
    let Modelled { by_time, by_window, bounds } = modelled(&batches, &cuts);
    for (cut, bounds) in cuts.values().zip(&bounds) {
        prop_assert!(bounds.agree_with(&cut.watermarks), "epoch {} ran by {:?}, the model by {:?}", cut.epoch, cut.watermarks, bounds);
    }
    let ended_us = |epoch: usize| bounds[epoch].final_us;
    prop_assert_eq!(ended_us(cuts.len() - 1), ended_us(cuts.len()), "the last epoch ends all that there is to end");
    prop_assert_eq!(rows_as_text(&story.rows("late")), by_time.late.clone(), "the late rows are those of the model");
    prop_assert_eq!(
        rows_as_text(&story.rows("late_for_windows")),
        by_window.late,
        "the rows late for their windows are those of the model"
    );
    let session = Session::builder().parallelism(1).build().expect("a session");
    let table = |events: &[Event]| session.create_dataframe(vec![batch_of(events)]).expect("the events are a table");
    let ended_by_minute = ended_us(cuts.len()).map(|us| us / MINUTE_US);
    let mut batch = outputs(&table(&by_time.on_time), ended_by_minute).expect("the program fits the table");
    let counted = counted(&table(&by_window.on_time));
    batch.push(("windows", windows(&counted, ended_by_minute)));
    for (name, frame) in batch {
        let expected = rows_as_text(&frame.collect().await.expect("the batch runs"));
        prop_assert_eq!(rows_as_text(&story.rows(name)), expected, "{}", name);
    }
    Ok(!by_time.late.is_empty() && !story.rows("late_for_windows").is_empty())
}

/// How many stories are told: `TIDEMILL_ORACLE_CASES`, or a few.
fn cases_wanted() -> u32 {
    std::env::var("TIDEMILL_ORACLE_CASES").map_or(30, |cases| cases.parse().expect("TIDEMILL_ORACLE_CASES is a number of cases"))
}

#[test]
fn a_stream_is_its_batch_however_it_is_cut_and_restarted() {
    // In a process of its own, with failpoints named in its environment, the oracle itself is put to the test.
    #[cfg(feature = "failpoints")]
    let _armed = fail::FailScenario::setup();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (cases, with_late) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let config = Config { cases: cases_wanted(), failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    TestRunner::new(config)
        .run(&(epochs(), 1..8_usize), |(epochs, parallelism)| {
            let had_late = runtime.block_on(check(epochs, parallelism))?;
            cases.set(cases.get() + 1);
            with_late.set(with_late.get() + u32::from(had_late));
            Ok(())
        })
        .unwrap();
    println!("{} stories, {} of them with late rows", cases.get(), with_late.get());
    assert!(with_late.get() * 4 > cases.get(), "too few cases have late rows to mean much: {} of {}", with_late.get(), cases.get());
}
