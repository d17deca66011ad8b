//! Statements of Spark's language from text to rows, run by the engine's own context: no session, no files.

mod examples;
mod run;
