//! Reading and writing: files and Delta tables by path. Options are checked here; formats are read and written elsewhere.

mod csv_options;
mod file_writer;
mod files;
mod infer_json;
mod merge;
mod merge_condition;
mod parquet_columns;
mod partition;
mod path_table;
mod reader;
mod save_record;
mod strict_json;
mod table;
mod table_files;
mod table_writer;
mod writer;

pub(crate) use file_writer::Replace;
pub(crate) use files::local_path;
pub use merge::MergeBuilder;
pub(crate) use merge_condition::{condition_of, stream_conditions};
pub(crate) use partition::{HIVE_NULL, folder_of};
pub(crate) use path_table::{Format, PathTable, Version, delta};
pub use reader::DataFrameReader;
pub use table::Table;
pub(crate) use table_files::TableFiles;
pub use table_writer::DataFrameWriterV2;
pub use writer::DataFrameWriter;
pub(crate) use writer::Mode;
