//! Files of rows: what lies in a directory, which task reads which part, and JSON and Parquet as Arrow rows. When they are
//! read, and what becomes of malformed lines, is for others to say.
//!
//! ```text
//! list ─► FileEntry… ─► FileSlice ─► cut into runs per task ─┬─► line_chunks ─► json ─► batches, malformed lines
//!                                                           ├─► line_chunks ─► text, for CSV
//!                                                           └─► parquet ─► batches, files that cannot be read
//! ```
//! What the bytes of a file or its name say for ever makes a dead letter. What may be otherwise the next time is an error: a file
//! that changed, a permission, a read that failed.
//!
//! However Parquet is read (slices here, scans, MERGE), `int96` says in which types, and `columns` which column is which.

mod columns;
mod compressed;
mod cut;
mod data_file;
mod execute;
mod findings;
mod format;
mod input;
mod int96;
pub mod json;
mod line_chunks;
mod list;
mod name;
mod object;
mod parquet;
mod parquet_scan;
mod pieces;
mod read_json;
mod read_text;
mod slice;
mod text_views;

pub use columns::{FileColumns, Wanted};
pub use compressed::{open_stored_text, open_text};
pub use format::{FileFormat, MalformedLines, OnMalformed, malformed_schema};
pub use int96::in_micros;
pub use json::{JsonDecoder, MalformedLine};
pub use list::{FileEntry, NameFilter, Names, list_files, list_names};
pub use object::{ObjectReader, StoredObject, shown_location};
pub use parquet_scan::{AbsentValues, read_by_our_rules};
pub use read_text::TextChunk;
pub use slice::FileSlice;
pub(crate) use text_views::texts_as_views;
