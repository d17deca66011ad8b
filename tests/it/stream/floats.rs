//! Floats as keys of state: −0.0 and 0.0 are one key, and so are all NaNs, inside structs and arrays too, in one epoch or in
//! several, before a restart and after it.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use tidemill::Value;
use tidemill::functions as F;
use tidemill::functions::col;
use tidemill::{DataFrame, GroupFn, GroupFunction, Result};

use super::story::{Event, Story, rows_as_text};

/// Gives how many rows a key has had so far.
fn counted() -> Arc<dyn GroupFunction> {
    let schema = || Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    GroupFn::new("counted", schema(), schema(), |_, rows, state, output| {
        let before = match state.get() {
            Some([Value::Long(n)]) => *n,
            _ => 0,
        };
        let n = Value::from(before + rows.len() as i64);
        output.push(vec![n.clone()]);
        state.update(vec![n]);
        Ok(())
    })
}

/// The id as a double, its sign turned where the value is below zero, by itself and in a struct of an array.
fn by_floats(events: &DataFrame) -> Result<Vec<(&'static str, DataFrame)>> {
    let float = F::expr("CASE WHEN v < 0 THEN -cast(id AS double) ELSE cast(id AS double) END");
    let keyed = events.with_column("d", float).with_column("s", F::expr("named_struct('x', array(d))"));
    let timed = keyed.with_watermark("t", "5 minutes");
    let sessions = |key: &str| -> DataFrame {
        let sessions = timed.group_by([F::session_window(col("t"), "10 minutes"), col(key)]).agg([F::count("*").alias("n")]);
        sessions.select([col("session_window.start"), col("n")])
    };
    Ok(vec![
        ("unique_floats", keyed.drop_duplicates(["d"]).select(["id", "v"])),
        ("unique_structs", keyed.drop_duplicates(["s"]).select(["id", "v"])),
        ("sessions_of_floats", sessions("d")),
        ("sessions_of_structs", sessions("s")),
        ("groups_of_floats", keyed.group_by(["d"]).flat_map_groups_with_state(counted())),
        ("groups_of_structs", keyed.group_by(["s"]).flat_map_groups_with_state(counted())),
    ])
}

fn event(id: &str, minute: i64, value: i64) -> Event {
    ("u".to_owned(), id.to_owned(), Some(minute), value)
}

#[tokio::test]
async fn equal_floats_are_one_key_of_state() {
    let mut story = Story::new(by_floats);
    story.start(2).await;
    story.append(&[event("0", 1, 1), event("0", 2, -1), event("NaN", 3, 1)]).await;
    story.stop().await;
    story.start(3).await;
    story.append(&[event("NaN", 4, -1), event("0", 5, 1), event("1", 6, 1)]).await;
    story.append(&[event("7", 100, 1)]).await;
    story.append(&[event("7", 200, -1)]).await;
    story.stop().await;
    for kind in ["floats", "structs"] {
        let told = |sink: &str| rows_as_text(&story.rows(&format!("{sink}_{kind}")));
        assert_eq!(told("unique"), ["0 1", "1 1", "7 -1", "7 1", "NaN 1"], "{kind}");
        assert_eq!(told("sessions_of"), ["00:01 3", "00:03 2", "00:06 1", "01:40 1"], "{kind}");
        assert_eq!(told("groups_of"), ["1", "1", "1", "1", "2", "2", "3"], "{kind}");
    }
}
