//! Spark's functions that take lambdas.

mod aggregate;
mod arrays;
mod higher_order;
mod maps;
mod sort;

use super::Function;

/// The rows of this directory.
pub(super) const TABLES: [&[Function]; 4] = [aggregate::ROWS, arrays::ROWS, maps::ROWS, sort::ROWS];
