//! Files of rows: what lies in a directory, which task reads which part, and JSON and Parquet as Arrow rows. When they are
//! read, and what becomes of malformed lines, is for others to say.
//!
//! ```text
//! list ─► FileEntry… ─► FileSlice ─► cut into runs per task ─┬─► line_chunks ─► json ─► batches, malformed lines
//!                                                           └─► parquet ─► batches, files that cannot be read
//! ```
//! What the bytes of a file or its name say for ever makes a dead letter. What may be otherwise the next time is an error: a file
//! that changed, a permission, a read that failed.

mod cut;
mod execute;
mod findings;
mod format;
mod input;
pub mod json;
mod line_chunks;
mod list;
mod name;
mod parquet;
mod read_json;
mod slice;

pub use format::{FileFormat, malformed_schema};
pub use json::{JsonDecoder, MalformedLine};
pub use list::{FileEntry, NameFilter, Names, list_files, list_names};
pub use slice::FileSlice;
