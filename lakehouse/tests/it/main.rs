//! Delta tables end to end, in one binary. A build with failpoints runs the fault tests alone, because an armed failpoint is
//! armed for the whole process.

mod helpers;

#[cfg(feature = "failpoints")]
mod faults;
#[cfg(feature = "failpoints")]
mod outcomes;

#[cfg(not(feature = "failpoints"))]
mod foreign;
#[cfg(not(feature = "failpoints"))]
#[path = "../../../tests/it/int96.rs"]
mod int96;
#[cfg(not(feature = "failpoints"))]
mod merge;
#[cfg(not(feature = "failpoints"))]
mod oracle;
#[cfg(not(feature = "failpoints"))]
mod races;
#[cfg(not(feature = "failpoints"))]
mod sinks;
#[cfg(not(feature = "failpoints"))]
mod stats;
#[cfg(not(feature = "failpoints"))]
mod table_writes;
#[cfg(not(feature = "failpoints"))]
mod tables;
#[cfg(not(feature = "failpoints"))]
mod writers;
