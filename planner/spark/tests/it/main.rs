//! Statements of Spark's language from text to rows, run by the engine's own context: no session, no files.

mod deep;
mod examples;
mod fuzz;
mod promises;
mod queries;
mod run;
