//! What a tree means: the engine's plan, and the columns as the user sees them.

use datafusion::logical_expr::LogicalPlan;

use crate::types::StructField;

/// A tree that has been resolved.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What the engine runs. Its columns are named by id.
    pub plan: LogicalPlan,
    /// The columns that the user sees, in order: one per column of `plan`.
    pub output: Vec<OutputColumn>,
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputColumn {
    /// Its name in the plan.
    pub id: String,
    /// Its name, type and nullability for the user.
    pub field: StructField,
    /// The names of the relation that it comes from, if it is a plain column of one.
    pub qualifier: Vec<String>,
}
