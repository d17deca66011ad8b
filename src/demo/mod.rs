//! The main job, end to end: events arrive as files, one query turns them into five tables, is killed and restarted, and a
//! batch over the same files judges what it wrote.
//!
//! ```text
//! parent                                     child (the query; killed and started again)
//!   generate ─► input/events-000000.json ─►  read_stream ─► job ─► five sinks (and one that cannot stage)
//!   kill at a random moment of an epoch or a start  ─►  ✗
//!   at the end: what each epoch read ─► a model of what is late ─► job over the other rows in batch ─► compare with the tables
//! ```

mod child;
mod direct;
mod epochs;
pub mod generate;
mod job;
mod judge;
mod kill;
pub mod lateness;
mod layout;
mod query;
mod run;

pub use child::{ChildConfig, run_child};
pub use direct::{DirectVerdict, judge_direct};
pub use job::{Outputs, job};
pub use judge::{Verdict, judge};
pub use layout::{Layout, TABLES};
pub use query::{QueryConfig, behaviour};
pub use run::{DemoConfig, DemoResult, run_demo};
