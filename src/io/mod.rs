//! Reading and writing at the DataFrame: readers, writers, MERGE and tables by path. Options are checked here; what lies in files is `scan`'s.

mod delta_writer;
mod file_form;
mod file_place;
mod file_sink;
mod file_writer;
mod merge;
mod merge_condition;
mod merge_on;
mod mode;
mod parquet_form;
mod reader;
mod store_writer;
mod table;
mod uploads;
mod writer;

pub(crate) use delta_writer::DeltaRows;
pub(crate) use file_writer::{Replace, save_table};
pub use merge::{MergeBuilder, MergeClauses};
pub(crate) use merge_condition::{condition_of, stream_conditions};
pub(crate) use mode::Mode;
pub use reader::DataFrameReader;
pub use table::Table;
pub use writer::DataFrameWriter;
