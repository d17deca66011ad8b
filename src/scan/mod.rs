//! Files and Delta tables by path as tables of the engine: which files there are, their columns, partitions and formats.

mod csv_options;
mod files;
mod infer_json;
mod parquet_columns;
pub(crate) mod partition;
mod path_table;
pub(crate) mod save_record;
pub(crate) mod strict_json;
mod table_files;

pub(crate) use csv_options::CsvOptions;
pub(crate) use files::{existing_files, local_path, partition_files};
pub(crate) use partition::{HIVE_NULL, folder_of};
pub(crate) use path_table::{Format, PathTable, Version, delta, listing, parquet};
pub(crate) use table_files::TableFiles;
