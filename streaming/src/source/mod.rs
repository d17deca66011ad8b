//! Sources of streams: files in a directory, batches in memory, rows by the clock. When an epoch is cut is not theirs to say.

#[cfg(test)]
mod contract;
mod file;
mod file_options;
mod listed;
mod memory;
mod rate;
mod seen;

pub use file::FileStreamSource;
pub use file_options::{FILE_STREAM_OPTIONS, FileStreamOptions};
pub use memory::MemoryStream;
pub use rate::RateStream;
