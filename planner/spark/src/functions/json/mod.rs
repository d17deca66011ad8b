//! Spark's functions of JSON. Text is read token by token as Jackson does, so that what comes before a mistake counts where it
//! counts in Spark.

mod convert;
mod ddl;
pub(in crate::functions) mod files;
mod infer;
pub(in crate::functions) mod options;
mod path;
mod read;
mod token;
mod tuple;
pub(in crate::functions) mod values;
pub(in crate::functions) mod write;
mod writer;

use super::Function;

pub(super) use tuple::json_tuple;

/// The rows of this directory.
pub(super) const TABLES: [&[Function]; 4] = [convert::ROWS, infer::ROWS, path::ROWS, write::ROWS];
