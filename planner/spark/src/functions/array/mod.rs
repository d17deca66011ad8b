//! Spark's functions of arrays.

pub(super) mod change;
pub(super) mod create;
pub(super) mod join;
pub(super) mod search;
pub(super) mod sequence;
pub(super) mod sets;
pub(super) mod sort;
