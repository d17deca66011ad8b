//! The job as a user writes it: one program over events, streamed or in batch.

use std::sync::Arc;

use crate::Value;
use arrow::array::AsArray;
use arrow::datatypes::{DataType, Field, Float64Type, Schema, TimeUnit, TimestampMicrosecondType};

use crate::functions as F;
use crate::functions::{col, lit, null, when};
use crate::{DataFrame, GroupFn, GroupFunction, Result};

/// Weight of the newest session in the moving average.
const ALPHA: f64 = 0.3;

/// A drop of this much below the baseline is an alert.
const DROP: f64 = 0.3;

/// What the job makes of events: a DataFrame per table.
#[derive(Debug, Clone)]
pub struct Outputs {
    /// Lines that are no events.
    pub dead_letters: DataFrame,
    /// Each event once.
    pub events: DataFrame,
    /// Behaviour per session.
    pub session_metrics: DataFrame,
    /// The moving average per user.
    pub user_baselines: DataFrame,
    /// Sessions far below the user's average.
    pub alerts: DataFrame,
}

/// The job over `events`, with the lines of their files that are none. Of a batch only sessions that end at or before
/// `final_watermark_us` count, as a stream has not seen the end of the others.
///
/// # Errors
/// `Analysis` when the events have other columns.
pub fn job(events: &DataFrame, malformed: Option<DataFrame>, final_watermark_us: Option<i64>) -> Result<Outputs> {
    let (events, impossible) = split_by_range(events)?;
    let dead_letters = match malformed {
        Some(malformed) => malformed.union(&impossible),
        None => impossible,
    };
    let events = events
        .with_column("eventTime", F::timestamp_millis(col("eventTimeMs")))
        .with_watermark("eventTime", "2 minutes")
        .drop_duplicates(["eventId", "eventTime"]);
    let ended = || col("eventType").eq("view_end");
    let sessions = events
        .group_by([F::session_window(col("eventTime"), "30 minutes"), col("userId")])
        .agg([
            F::count("*").alias("events"),
            F::avg(when(ended().and(col("dwellMs").gt(0)), col("dwellMs"))).alias("dwell"),
            F::sum(when(col("completed"), lit(1)).otherwise(lit(0))).alias("completedEvents"),
            F::sum(when(ended(), lit(1)).otherwise(lit(0))).alias("views"),
            F::sum(when(col("eventType").eq("click"), lit(1)).otherwise(lit(0))).alias("clicks"),
        ])
        .select([
            col("userId"),
            col("session_window").get_field("start").alias("sessionStart"),
            col("session_window").get_field("end").alias("sessionEnd"),
            F::coalesce([col("dwell"), lit(0.0)]).alias("asdMs"),
            (col("completedEvents").cast("double") / F::greatest([col("views"), lit(1)]).cast("double")).alias("completionRate"),
            col("clicks"),
            // Every event that was kept counts in some table: one that vanished would be missed here.
            col("events"),
        ]);
    let sessions = match final_watermark_us {
        None => sessions,
        Some(us) => sessions.filter(col("sessionEnd").leq(F::timestamp_micros(lit(us)))),
    };
    let changes = sessions.group_by([col("userId")]).flat_map_groups_with_state(baseline());
    Ok(Outputs {
        dead_letters,
        user_baselines: changes.filter(col("kind").eq("baseline")).select(["userId", "emaAsdMs", "seen"]),
        alerts: changes.filter(col("kind").eq("alert")).select([
            "userId",
            "sessionStart",
            "sessionEnd",
            "asdMs",
            "baselineAsdMs",
            "dropRatio",
            "note",
        ]),
        session_metrics: sessions,
        events,
    })
}

/// The years that a Spark timestamp can have, 0001 to 9999, in milliseconds since the Unix epoch.
const TIMES_MS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// Events that can have happened; and those whose time no timestamp holds, which would stop the query for good, as dead letters.
pub(super) fn split_by_range(events: &DataFrame) -> Result<(DataFrame, DataFrame)> {
    let possible = || col("eventTimeMs").geq(*TIMES_MS.start()).and(col("eventTimeMs").leq(*TIMES_MS.end()));
    let columns = events.columns()?;
    let impossible = events.filter(possible().not()).select([
        null().cast("string").alias("file"),
        null().cast("bigint").alias("line"),
        F::call_function("to_json", [F::struct_(columns.iter().map(|c| col(c)))]).alias("text"),
        lit("eventTimeMs: no timestamp holds this time").alias("reason"),
    ]);
    Ok((events.filter(possible()), impossible))
}

/// Keeps each user's moving average; gives a row `baseline` per call and a row `alert` per session far below the average.
fn baseline() -> Arc<dyn GroupFunction> {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let nullable = |name: &str, data_type: &DataType| Field::new(name, data_type.clone(), true);
    let output = Schema::new(vec![
        Field::new("kind", DataType::Utf8, false),
        Field::new("userId", DataType::Utf8, false),
        nullable("emaAsdMs", &DataType::Float64),
        nullable("seen", &DataType::Int64),
        nullable("sessionStart", &time),
        nullable("sessionEnd", &time),
        nullable("asdMs", &DataType::Float64),
        nullable("baselineAsdMs", &DataType::Float64),
        nullable("dropRatio", &DataType::Float64),
        nullable("note", &DataType::Utf8),
    ]);
    let state = Schema::new(vec![Field::new("emaAsdMs", DataType::Float64, false), Field::new("seen", DataType::Int64, false)]);
    GroupFn::new("baseline", Arc::new(output), Arc::new(state), |key, rows, state, output| {
        let starts = rows.column("sessionStart")?.as_primitive::<TimestampMicrosecondType>();
        let ends = rows.column("sessionEnd")?.as_primitive::<TimestampMicrosecondType>();
        let dwells = rows.column("asdMs")?.as_primitive::<Float64Type>();
        let (mut average, mut seen) = match state.get() {
            Some([Value::Double(average), Value::Long(seen)]) => (*average, *seen),
            _ => (0.0, 0),
        };
        // A group's rows come in no order; the average is over sessions in order of their start.
        let mut sessions: Vec<usize> = rows.positions().collect();
        sessions.sort_unstable_by_key(|&i| starts.value(i));
        for i in sessions {
            let dwell = dwells.value(i);
            let drop = 1.0 - dwell / average;
            if seen > 0 && average > 0.0 && drop >= DROP {
                output.push(vec![
                    Value::from("alert"),
                    key[0].clone(),
                    Value::Null,
                    Value::Null,
                    Value::Timestamp(starts.value(i)),
                    Value::Timestamp(ends.value(i)),
                    Value::from(dwell),
                    Value::from(average),
                    Value::from(drop),
                    Value::from(format!("dwell fell {:.0} % below the average of {seen} sessions", drop * 100.0)),
                ]);
            }
            average = if seen == 0 { dwell } else { ALPHA * dwell + (1.0 - ALPHA) * average };
            seen += 1;
        }
        state.update(vec![Value::from(average), Value::from(seen)]);
        let mut row = vec![Value::from("baseline"), key[0].clone(), Value::from(average), Value::from(seen)];
        let time = Value::Null;
        row.extend([time.clone(), time, Value::Null, Value::Null, Value::Null]);
        row.push(Value::Null);
        output.push(row);
        Ok(())
    })
}
