//! The seams between the house's siblings: small traits and the plain data that crosses them. Each trait's `# Contract`
//! is checked by a suite that its implementers' tests call. Nothing here does I/O.

mod clock;
mod epoch;
mod log;
mod sink;
mod source;
pub mod state;

pub use clock::{Clock, ManualClock, SystemClock};
pub use epoch::{EpochContext, OperatorMetrics, Port, TaskReport, TaskScope, Watermarks};
pub use log::{DurableLog, MemoryLog, PutOutcome, log_contract};
pub use sink::{Capability, Intake, PartitionStage, Publish, PublishedEpochs, Receipt, Sink, SinkQuery, SinkRun, SinkTarget};
pub use source::{Offset, ReadLimit, Slice, StreamSource};
