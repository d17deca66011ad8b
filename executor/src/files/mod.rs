//! Files of rows: what lies in a directory, which task reads which part, and JSON and Parquet as Arrow rows. When they are
//! read, and what becomes of malformed lines, is for others to say.
//!
//! ```text
//! list ─► FileEntry… ─► FileSlice ─► cut into runs per task ─┬─► line_chunks ─► json ─► batches, malformed lines
//!                                                           └─► parquet ─► batches
//! ```

mod cut;
mod execute;
mod format;
pub mod json;
mod line_chunks;
mod list;
mod parquet;
mod read_json;
mod slice;

pub use format::{FileFormat, malformed_schema};
pub use json::{JsonDecoder, MalformedLine};
pub use list::{FileEntry, NameFilter, Names, list_files, list_names};
pub use slice::FileSlice;
