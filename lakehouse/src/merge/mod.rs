//! MERGE: upsert by key.
pub(crate) mod cache;
