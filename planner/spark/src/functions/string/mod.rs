//! Functions over text, and over binary data where it is treated alike.

pub(super) mod case;
pub(super) mod charset;
pub(super) mod collation;
pub(super) mod column;
pub(super) mod cut;
mod digits;
mod fill;
pub(super) mod format_number;
pub(super) mod join;
pub(super) mod measure;
pub(super) mod number_format;
mod number_pattern;
pub(super) mod printf;
pub(super) mod radix;
pub(super) mod random;
pub(super) mod regexp;
pub(super) mod search;
pub(super) mod split;

#[cfg(test)]
mod tests;
