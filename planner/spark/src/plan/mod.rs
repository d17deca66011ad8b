//! What was said: the unresolved tree that SQL text, DataFrames and Python build alike. Building it cannot fail; what it
//! means is the resolver's business.
//!
//! Nodes and fields are named as in Spark Connect's messages where they exist there.

mod command;
pub(crate) mod deep;
mod display;
mod expression;
mod literal;
mod relation;
mod span;

pub use command::*;
pub use deep::on_far_stack;
pub use expression::*;
pub use literal::Literal;
pub use relation::*;
pub use span::Span;
