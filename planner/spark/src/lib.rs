//! Spark's language: the unresolved tree that SQL, DataFrames and Python build, the parser that makes it from text, Spark's
//! types and functions, and the resolver that turns the tree into DataFusion's logical plan.
//!
//! ```text
//! text ─ parse/ ─┐
//! DataFrame ─────┼─► plan/ (unresolved tree) ─ names ─► the session opens tables ─ resolve/ ─► LogicalPlan + output columns
//! Python ────────┘                                        (functions/, types/)
//! ```
//!
//! It does no I/O, is not async, and knows no session: what a tree needs from outside comes in as [`resolve::Opened`].

pub mod error;
pub mod functions;
pub mod kernel;
pub mod parse;
pub mod plan;
pub mod resolve;
pub mod settings;
pub mod switches;
pub mod typed;
pub mod types;

pub use settings::Settings;
pub use tidemill_planner::{Error, ErrorKind, Result};
pub use typed::{Sql, Typed};
