//! Reading and writing: files and Delta tables by path. Options are checked here; formats are read and written elsewhere.

mod files;
mod path_table;
mod reader;
mod table;

pub(crate) use path_table::{Format, PathTable, Version};
pub use reader::DataFrameReader;
pub use table::Table;
