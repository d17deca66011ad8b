//! Runs staged plans on rayon and owns the files beneath.

pub mod batch;
pub mod files;
pub mod kept;
pub mod log;
mod memory;
pub mod operators;
pub mod pool;
pub mod run;
mod shuffle;
