//! Functions of the program over columns: Spark's UDFs. What language they are written in is the caller's business.

use std::fmt::Debug;

use arrow::array::ArrayRef;
use arrow::datatypes::FieldRef;

use crate::Result;

/// A function of the program over columns.
pub trait UserFunction: Debug + Send + Sync {
    /// Its name, as plans show it.
    fn name(&self) -> &str;

    /// The type of what it gives; `nullable` says whether it may give null.
    fn output(&self) -> &FieldRef;

    /// Whether the same values give the same result. One of which that is not said is called once for each row that is asked for.
    fn is_deterministic(&self) -> bool {
        true
    }

    /// Whether it is called once per group, with all of the group's rows, and gives one value.
    fn is_aggregate(&self) -> bool {
        false
    }

    /// Its values for `rows` rows, whose arguments are these; of an aggregate, one value.
    ///
    /// # Errors
    /// Whatever it raises: the query ends with it.
    fn call(&self, arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef>;
}
