//! Spark's functions of arrays and maps alike, and how `a[i]`, `m[k]` and `s.f` are read.

pub mod access;
pub(super) mod size;
