//! Spark's functions of maps.

pub(in crate::functions) mod build;
pub(super) mod create;
pub(super) mod read;
