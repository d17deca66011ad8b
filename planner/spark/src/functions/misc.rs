//! x
pub(super) const ROWS: &[super::Function] = &[];
