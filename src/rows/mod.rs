//! Single values out of Arrow arrays, as text for people and as JSON for scripts. Which rows, and where they go, is the
//! caller's business.

mod instant;
mod json;
mod number;
mod text;

pub(crate) use instant::{spark_batch, spark_schema};
pub(crate) use json::{Json, json_rows};
pub(crate) use text::text_value;
