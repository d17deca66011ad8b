//! Whole-system tests of the `tidemill` crate; each file is one subject.

mod dataframe;
mod sql;
mod support;
