//! Delta tables end to end, in one binary.

mod helpers;

mod merge;
mod oracle;
mod races;
mod sinks;
mod tables;
mod writers;
