//! Streaming queries as wholes: stories told by scripts, a random story held to the batch, and processes that are killed.

mod ended;
mod errors;
mod files;
mod floats;
mod large_epochs;
mod operators;
mod oracle;
mod places;
mod programs;
mod rescale;
mod sinks;
mod sources;
mod starts;
mod story;
mod two_queries;
mod upgrade;
mod windows;

#[cfg(feature = "failpoints")]
mod kills;
#[cfg(feature = "failpoints")]
mod lateness;
#[cfg(feature = "failpoints")]
mod process;
#[cfg(feature = "failpoints")]
mod zombie;
