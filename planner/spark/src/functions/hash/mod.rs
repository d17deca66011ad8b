//! Hashes and checksums of values.

mod digest;
mod value;

use super::Function;

pub(super) const DIGESTS: &[Function] = digest::ROWS;
pub(super) const VALUES: &[Function] = value::ROWS;
