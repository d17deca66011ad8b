//! The entries of a query's log: what a run, a promise and an epoch leave behind, as values and as bytes. Which entry may follow
//! which is [`crate::chain`]'s and [`crate::recover`]'s business.
//!
//! ```text
//! frame `TMRECORD`
//!   header    {"start": {…}} | {"promise": {…}} | {"epoch": {…}} | {"stop": {…}}            JSON, for people and scripts too
//!   sections  of an epoch: state changelogs, then small sink outputs; the header says which is which
//! ```

mod entry;
#[cfg(test)]
pub(crate) mod testing;
mod wire;

pub use entry::{Cut, Entry, EpochRecord, OperatorInfo, Promise, SinkInfo, SinkManifest, SourceCut, SourceInfo, Start, Stop};
