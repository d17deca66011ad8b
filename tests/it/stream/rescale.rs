//! Thousands of keys in state, taken over by other numbers of tasks.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use tidemill::{DataFrame, Result};

use super::operators::running;
use super::story::{Event, Story};

const USERS: i64 = 3_000;

/// Events `first..last`, one per user in turn, all within the watermark's delay.
fn events(first: i64, last: i64) -> Vec<Event> {
    (first..last).map(|n| (format!("user-{}", n % USERS), format!("id-{n}"), Some(n % 50), n)).collect()
}

fn program(events: &DataFrame) -> Result<Vec<(&'static str, DataFrame)>> {
    let unique = events.with_watermark("t", "10 hours").drop_duplicates(["id", "t"]);
    Ok(vec![("totals", unique.group_by(["user"]).flat_map_groups_with_state(running("running")))])
}

/// Entries in state, per operator; all of them, and the greatest number of tasks that hold them.
fn state(story: &Story) -> (Vec<u64>, u64) {
    let progress = story.query().last_progress().expect("an epoch has run");
    let tasks = progress.state_operators.iter().map(|o| o.num_shuffle_partitions).max().unwrap_or(0);
    (progress.state_operators.iter().map(|o| o.num_rows_total).collect(), tasks)
}

#[tokio::test]
async fn state_moves_from_two_tasks_to_seven_to_one() {
    let mut story = Story::new(program).with_image_every(2);
    let steps: [(usize, i64); 3] = [(2, 4_000), (7, 8_000), (1, 9_500)];
    let mut read = 0;
    for (parallelism, last) in steps {
        story.start(parallelism).await;
        // The first half again, all copies, then new events.
        story.append(&events(0, read)).await;
        for part in 0..4 {
            let (from, to) = (read + (last - read) * part / 4, read + (last - read) * (part + 1) / 4);
            story.append(&events(from, to)).await;
        }
        read = last;
        let (mut rows, tasks) = state(&story);
        rows.sort_unstable();
        assert_eq!((rows, tasks), (vec![USERS.min(read) as u64, read as u64], parallelism as u64));
        story.stop().await;
        let images = std::fs::read_dir(story.checkpoint().join("images")).unwrap().count();
        assert!(images > 0, "the next start reads an image");
    }
    let mut last_of_user: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for batch in story.rows("totals") {
        let (users, ns, totals) = (batch.column(0).as_string::<i32>(), batch.column(1), batch.column(2));
        for row in 0..batch.num_rows() {
            let now = (ns.as_primitive::<Int64Type>().value(row), totals.as_primitive::<Int64Type>().value(row));
            let before = last_of_user.insert(users.value(row).to_owned(), now);
            assert!(before.is_none_or(|(n, _)| n < now.0), "{} went from {before:?} to {now:?}", users.value(row));
        }
    }
    let mut expected: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for (user, _, _, value) in events(0, read) {
        let (n, total) = expected.entry(user).or_default();
        *n += 1;
        *total += value;
    }
    assert_eq!(last_of_user, expected);
}
