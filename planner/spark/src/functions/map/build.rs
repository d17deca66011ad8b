//! Maps from keys and values: no key is null, and none comes twice.

use std::collections::HashMap;

use arrow::array::ArrayRef;
use arrow::datatypes::{Float32Type, Float64Type};
use arrow::row::{Row, Rows};
use tidemill_planner::float::{Normal, normalize};

use crate::error::error;
use crate::functions::compare::{is_null, keys};
use crate::functions::nested::Gather;
use crate::types::SparkType;
use crate::{Error, Result, Settings};

/// What happens to a key that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::functions) enum Dedup {
    /// `DUPLICATED_MAP_KEY`
    Refuse,
    /// The later value stands, in the earlier one's place.
    LastWins,
}

impl Dedup {
    /// What the session says: `spark.sql.mapKeyDedupPolicy`.
    ///
    /// # Errors
    /// `INVALID_CONF_VALUE`
    pub(in crate::functions) fn of(settings: &Settings) -> Result<Self> {
        match settings.get("spark.sql.mapKeyDedupPolicy").map(str::to_uppercase).as_deref() {
            None | Some("EXCEPTION") => Ok(Self::Refuse),
            Some("LAST_WIN") => Ok(Self::LastWins),
            Some(other) => Err(error(
                "INVALID_CONF_VALUE.OUT_OF_RANGE_OF_OPTIONS",
                format!("`spark.sql.mapKeyDedupPolicy` is EXCEPTION or LAST_WIN, not {other}: set one of them"),
            )),
        }
    }
}

/// Builds maps row by row; keys and values come from parallel sources.
#[derive(Debug)]
pub(in crate::functions) struct MapBuilder {
    sources: Vec<ArrayRef>,
    rows: Vec<Rows>,
    dedup: Dedup,
    gather: Gather,
}

impl MapBuilder {
    /// For so many rows of keys out of these arrays.
    ///
    /// # Errors
    /// As [`keys`].
    pub(in crate::functions) fn new(sources: &[&ArrayRef], rows: usize, settings: &Settings) -> Result<Self> {
        // A key of −0.0 becomes 0.0; floats inside of structs stay as they are, and are compared alike.
        let sources = sources
            .iter()
            .map(|source| match source.data_type() {
                arrow::datatypes::DataType::Float32 | arrow::datatypes::DataType::Float64 => Ok(normalize(source, Normal::Key)?),
                _ => Ok(ArrayRef::clone(source)),
            })
            .collect::<Result<Vec<_>>>()?;
        let keys = keys(&sources.iter().collect::<Vec<_>>())?;
        Ok(Self { sources, rows: keys, dedup: Dedup::of(settings)?, gather: Gather::new(rows) })
    }

    /// The row's map, of these entries: the source and the place of each.
    ///
    /// # Errors
    /// `NULL_MAP_KEY`, `DUPLICATED_MAP_KEY`
    pub(in crate::functions) fn row(&mut self, entries: impl Iterator<Item = (usize, usize)>) -> Result<()> {
        let mut kept: Vec<(usize, usize)> = Vec::new();
        let mut places: HashMap<Row<'_>, usize> = HashMap::new();
        for (source, at) in entries {
            let (Some(array), Some(rows)) = (self.sources.get(source), self.rows.get(source)) else {
                return Err(Error::internal("an entry of no source"));
            };
            if is_null(array, at) {
                return Err(null_key());
            }
            if let Some(place) = places.get(&rows.row(at)) {
                match self.dedup {
                    Dedup::Refuse => return Err(duplicated(&text_of(array, at))),
                    // The value is overwritten; the key stays where it is.
                    Dedup::LastWins => {
                        if let Some(entry) = kept.get_mut(*place) {
                            *entry = (source, at);
                        }
                    }
                }
            } else {
                places.insert(rows.row(at), kept.len());
                kept.push((source, at));
            }
        }
        for (source, at) in kept {
            self.gather.push(source, at);
        }
        self.gather.end()
    }

    /// A row that is null.
    pub(in crate::functions) fn null(&mut self) {
        self.gather.end_null();
    }

    /// The maps, with values out of arrays parallel to the keys'.
    ///
    /// # Errors
    /// What Arrow finds wrong.
    pub(in crate::functions) fn finish(self, values: &[&ArrayRef], out: &SparkType) -> Result<ArrayRef> {
        self.gather.map(&self.sources.iter().collect::<Vec<_>>(), values, out)
    }
}

/// The error for a key that is null.
pub(in crate::functions) fn null_key() -> Error {
    error("NULL_MAP_KEY", "the key of a map is not null: leave such entries out, or give them another key")
}

/// The error for a key that comes twice.
pub(in crate::functions) fn duplicated(key: &str) -> Error {
    error(
        "DUPLICATED_MAP_KEY",
        format!("the key {key} comes twice: keep one of its entries, or set `spark.sql.mapKeyDedupPolicy` to LAST_WIN to keep the last"),
    )
}

/// A key as a message has it.
fn text_of(array: &ArrayRef, at: usize) -> String {
    use arrow::array::AsArray;
    if let Some(floats) = array.as_primitive_opt::<Float64Type>() {
        return format!("{:?}", floats.value(at));
    }
    if let Some(floats) = array.as_primitive_opt::<Float32Type>() {
        return format!("{:?}", floats.value(at));
    }
    arrow::util::display::array_value_to_string(array, at).unwrap_or_default()
}
