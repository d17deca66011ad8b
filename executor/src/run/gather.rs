//! The keys that a stage's tasks have noted, put together when it is done.

use std::sync::Arc;

use tidemill_planner::stage::{Gathered, Keys, Stage};

use super::TaskRecord;

/// Of each column that the stage gathers the keys of all tasks, but for those of which a task had too many.
pub(super) fn keys(stage: &Stage, tasks: &mut [TaskRecord]) -> Gathered {
    let of_column = |(at, column): (usize, &usize)| {
        let noted = tasks.iter_mut().map(|task| task.keys.get_mut(at).and_then(Option::take));
        Keys::of_tasks(noted).map(|keys| (*column, Arc::new(keys)))
    };
    stage.gathers.iter().enumerate().filter_map(of_column).collect()
}
