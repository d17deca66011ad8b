//! Sinks that need no table format: memory (tests), the console, and a function per epoch. Delta's are the lakehouse crate's.

mod console;
mod for_each_batch;
mod memory;

pub use console::ConsoleSink;
pub use for_each_batch::{BatchFunction, ForEachBatchSink};
pub use memory::{MemorySink, MemoryTable};
