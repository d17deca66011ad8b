//! Operators that keep state over a stream and mean the same over a table (watermarks, groups with state, late rows), and functions of
//! the program over batches. Their meaning is the planner's; this names them.

use std::sync::Arc;

use tidemill_planner::logical::{BatchesFunction, GroupFunction};
use tidemill_spark::plan::RelationKind;

use super::{DataFrame, GroupedData};
use crate::held::{Handle, Held};

impl DataFrame {
    /// Declares a timestamp column as event time, and how late events may be, as in `"2 minutes"`. Over a table it does nothing.
    pub fn with_watermark(&self, column: &str, delay: &str) -> Self {
        self.then(RelationKind::WithWatermark { input: self.input(), event_time: column.to_owned(), delay_threshold: delay.to_owned() })
    }

    /// The rows that the watermark drops in the nearest stateful operator of this plan: its input columns, then `operator`,
    /// `watermark` and `epoch`. Over a table no row is late.
    pub fn late_rows(&self) -> Self {
        self.then(RelationKind::SideOutput { input: self.input(), port: "late".to_owned() })
    }

    /// The input that the source could not read: `file`, `line`, `text`, `reason`.
    pub fn malformed_rows(&self) -> Self {
        self.then(RelationKind::SideOutput { input: self.input(), port: "malformed".to_owned() })
    }

    /// What a function of the program makes of the batches of each task, as in Spark's `mapInArrow`.
    pub fn map_batches(&self, function: Arc<dyn BatchesFunction>) -> Self {
        let (handle, held) = Held::of(Handle::Batches(function));
        let kind = RelationKind::MapBatches { input: self.input(), handle };
        Self::new(self.session.clone(), kind, self.held.and(&held))
    }
}

impl GroupedData {
    /// Any function of a group's new rows and its state, as in Spark's `flatMapGroupsWithState`.
    pub fn flat_map_groups_with_state(&self, function: Arc<dyn GroupFunction>) -> DataFrame {
        let (handle, held) = Held::of(Handle::Groups(function));
        let frame = self.frame();
        let kind = RelationKind::GroupState { input: frame.input(), grouping_expressions: self.keys().to_vec(), handle };
        DataFrame::new(frame.session.clone(), kind, frame.held.and(&held))
    }
}
