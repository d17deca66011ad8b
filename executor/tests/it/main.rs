//! What the executor promises, checked on whole runs.

mod adapt;
mod cluster;
mod exchanges;
mod faults;
mod filters;
#[cfg(feature = "failpoints")]
mod log_faults;
mod pool;
mod profile;
mod queries;
mod sharing;
mod spill;
mod streams;
mod support;
