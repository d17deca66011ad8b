//! Files and Delta tables by path as tables of the engine: which files there are, their columns, partitions and formats.

mod arrow_layout;
mod arrow_lengths;
mod arrow_scan;
mod dictionary_texts;
mod discover;
pub(crate) mod file_options;
mod file_table;
mod files;
mod format;
mod infer_json;
mod parquet_columns;
pub(crate) mod partition;
mod path_table;
pub(crate) mod save_record;
mod strict_json;
mod table_file;
mod table_files;
mod text_files;

pub(crate) use discover::{Place, found_at};
pub(crate) use file_options::FileOptions;
pub(crate) use file_table::FileTable;
pub(crate) use files::{existing_files, is_hidden, local_path, table_files};
pub(crate) use format::{Format, Version};
pub(crate) use parquet_columns::SPARK_SCHEMA_KEY;
pub(crate) use partition::{HIVE_NULL, folder_of};
pub(crate) use path_table::{PathTable, check_text, columns_at, delta, files_at, json_at};
pub(crate) use table_files::{PartitionValues, TableFiles, is_of};
