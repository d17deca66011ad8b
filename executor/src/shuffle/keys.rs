//! The keys that a task notes while it writes, within the budget of memory: where there is no place for them, there are none.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use tidemill_planner::Result;
use tidemill_planner::stage::{KeyNotes, TaskKeys};

use crate::memory::Reservation;

/// Notes of some columns.
#[derive(Debug)]
pub(super) struct NotedKeys {
    columns: Vec<(usize, KeyNotes)>,
    /// Given back when the task has written its rows: a filter is much smaller than the notes.
    reservation: Reservation,
    reserved: u64,
}

impl NotedKeys {
    pub(super) fn new(columns: &[usize], schema: &Schema, tasks: usize, most_bits: u64, reservation: Reservation) -> Result<Self> {
        let notes = |column: &usize| Ok((*column, KeyNotes::new(schema.field(*column).data_type(), tasks, most_bits)?));
        Ok(Self { columns: columns.iter().map(notes).collect::<Result<_>>()?, reservation, reserved: 0 })
    }

    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        for (column, notes) in &mut self.columns {
            notes.add(batch.column(*column))?;
        }
        let bytes: u64 = self.columns.iter().map(|(_, notes)| notes.bytes()).sum();
        if bytes > self.reserved {
            if !self.reservation.try_grow(bytes - self.reserved) {
                self.columns.iter_mut().for_each(|(_, notes)| notes.give_up());
            }
            self.reserved = bytes;
        }
        Ok(())
    }

    /// What was noted, by column.
    pub(super) fn finish(self) -> Result<Vec<Option<TaskKeys>>> {
        self.columns.into_iter().map(|(_, notes)| notes.finish()).collect()
    }
}
