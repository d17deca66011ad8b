//! Whole-system tests of the `tidemill` crate; each file is one subject.

mod api_names;
mod arrow_files;
mod catalog;
#[cfg(feature = "failpoints")]
mod catalog_faults;
mod cli;
// Armed faults do not change what a statement means: one of the two builds is enough.
#[cfg(not(feature = "failpoints"))]
mod conformance;
#[cfg(feature = "failpoints")]
mod creators;
mod dataframe;
mod delta_writes;
mod equal_plans;
mod explain;
mod int96;
mod kept;
#[cfg(not(feature = "failpoints"))]
mod merge_conditions;
mod names;
mod overwrite;
mod partition_folders;
mod partitions;
mod sql;
mod stateful;
mod steps;
mod stream;
mod support;
mod table_files;
#[cfg(feature = "failpoints")]
mod task_faults;
mod tidy;
mod user_functions;
mod write;
