//! Reading and writing: files and Delta tables by path. Options are checked here; formats are read and written elsewhere.

mod files;
mod reader;

pub use reader::DataFrameReader;
