//! Casts: which there are, and what they do, in ANSI mode, in legacy mode, and with `try_cast`.

use std::sync::Arc;

use arrow::array::ArrayRef;

use super::SparkType;
use crate::error::error;
use crate::plan::{CastMode, Span};
use crate::{Result, Settings, Typed};

/// `value` as another type, shown as `CAST(value AS TYPE)`.
///
/// # Errors
/// `DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION` where there is no such cast.
pub fn cast(value: Typed, to: &SparkType, mode: CastMode, settings: &Arc<Settings>, span: Option<Span>) -> Result<Typed> {
    let _ = (value, to, mode, settings, span);
    Err(error("NOT_SUPPORTED_YET", "casts"))
}

/// Values as another type; `mode` and the settings decide about those that do not fit.
///
/// # Errors
/// `CAST_INVALID_INPUT`, `CAST_OVERFLOW` and others in ANSI mode.
pub fn cast_array(array: &ArrayRef, from: &SparkType, to: &SparkType, mode: CastMode, settings: &Settings) -> Result<ArrayRef> {
    let _ = (array, from, to, mode, settings);
    Err(error("NOT_SUPPORTED_YET", "casts"))
}
