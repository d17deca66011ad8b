//! Spark's functions of CSV.

mod convert;
pub(in crate::functions) mod files;
mod infer;
mod line;
mod write;

use super::Function;

/// The rows of this directory.
pub(super) const TABLES: [&[Function]; 3] = [convert::ROWS, infer::ROWS, write::ROWS];
