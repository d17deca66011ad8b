//! Physical operators of our logical nodes: one execution node for all of them, and a kernel each. Over a table a kernel
//! starts from empty state and everything is final at its end; in an epoch it reads the state it was lent and leaves its
//! changes in the task's report. Where state lives between epochs is the streaming crate's business.

mod accumulate;
mod dedup;
mod exec;
mod groups;
mod join_batches;
mod keys;
mod late;
mod map_batches;
mod measured;
mod once;
mod plan;
mod ranges;
mod row_step;
mod sessions;
mod sort_within;
mod turns;
mod watermark;
mod window;

pub(crate) use join_batches::{BATCH_BYTES, JoinBatchesExec};
pub(crate) use map_batches::MapBatchesExec;
pub(crate) use measured::MeasuredExec;
pub(crate) use once::OnceExec;
pub(crate) use turns::TurnsExec;

pub use exec::{Operator, OperatorExec, OperatorTask};
pub use plan::{StatefulOperator, StatefulPlanner, identity, stateful_operators};
