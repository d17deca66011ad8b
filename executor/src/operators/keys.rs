//! State keys of a batch of rows, laid out as the state seam says: the key group, then the key's own bytes.

use std::collections::HashMap;

use arrow::array::ArrayRef;
use arrow::row::Rows;
use tidemill_planner::Result;
use tidemill_planner::key::{KeyEncoder, key_group, stable_hash};
use tidemill_planner::seam::state::GROUP_BYTES;

/// The key bytes of each row.
pub(super) struct RowKeys {
    rows: Rows,
    key_groups: u16,
}

impl RowKeys {
    pub(super) fn encode(encoder: &KeyEncoder, columns: &[ArrayRef], key_groups: u16) -> Result<Self> {
        Ok(Self { rows: encoder.encode(columns)?, key_groups })
    }

    /// Writes row `i`'s state key into `buffer`, in place of what was there.
    pub(super) fn write(&self, i: usize, buffer: &mut Vec<u8>) {
        let row = self.rows.row(i);
        let bytes = row.as_ref();
        buffer.clear();
        buffer.extend_from_slice(&key_group(stable_hash(bytes), self.key_groups).to_be_bytes());
        buffer.extend_from_slice(bytes);
    }

    /// Dense numbers for distinct keys, in order of first appearance: the number of each row, and the state keys by number.
    pub(super) fn number(&self, rows: usize) -> (Vec<u32>, Vec<Vec<u8>>) {
        let mut numbers: HashMap<&[u8], u32> = HashMap::with_capacity(rows.min(1024));
        let mut of_row = Vec::with_capacity(rows);
        let mut keys = Vec::new();
        let mut buffer = Vec::new();
        for i in 0..rows {
            let bytes: &[u8] = self.rows.row(i).data();
            let number = *numbers.entry(bytes).or_insert_with(|| {
                self.write(i, &mut buffer);
                keys.push(buffer.clone());
                (keys.len() - 1) as u32
            });
            of_row.push(number);
        }
        (of_row, keys)
    }
}

/// The operator's own key bytes in a state key.
pub(super) fn without_group(state_key: &[u8]) -> &[u8] {
    &state_key[GROUP_BYTES..]
}
