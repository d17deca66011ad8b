//! What the executor promises, checked on whole runs.

mod faults;
mod pool;
mod queries;
mod sharing;
mod spill;
mod support;
