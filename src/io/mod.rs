//! Reading and writing: files and Delta tables by path. Options are checked here; formats are read and written elsewhere.

mod csv_options;
mod file_writer;
mod files;
mod infer_json;
mod merge;
mod merge_condition;
mod parquet_columns;
mod path_table;
mod reader;
mod save_record;
mod strict_json;
mod table;
mod writer;

pub use merge::MergeBuilder;
pub(crate) use merge_condition::{condition_of, stream_conditions};
pub(crate) use path_table::{Format, PathTable, Version};

pub use reader::DataFrameReader;
pub use table::Table;
pub use writer::DataFrameWriter;
