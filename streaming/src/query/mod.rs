//! A streaming query: a plan that is made once and run once per epoch, its start and recovery, its loop, and the handle by
//! which the user watches and stops it. How a plan is made is the session's business.

mod epoch;
mod handle;
mod phase;
mod plan;
mod report;
mod staging;
mod start;

pub use handle::StreamingQuery;
pub use phase::{Phase, PhaseObserver};
pub use plan::{QueryOptions, QueryPlan};
pub use start::start;
