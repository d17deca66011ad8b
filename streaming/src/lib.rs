//! Epochs, watermarks, state and recovery: the streaming engine, which runs a plan once per epoch and never names a table format.

pub mod chain;
pub mod checkpoint;
pub mod progress;
pub mod query;
pub mod record;
pub mod recover;
pub mod sink;
pub mod source;
pub mod state;
pub mod trigger;
pub mod watermark;
mod wire;
