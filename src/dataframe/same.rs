//! Whether two DataFrames say the same: their trees, with the DataFrames in them numbered in the order in which they come.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;
use tidemill_spark::plan::Relation;

use super::DataFrame;
use tidemill_planner::{Error, Result};

impl DataFrame {
    /// Whether both are made by the same steps from the same rows, and so give the same. Two that are not may still do so.
    ///
    /// # Errors
    /// `Internal` for a tree that cannot be written down.
    pub fn same_semantics(&self, other: &Self) -> Result<bool> {
        Ok(canonical(&self.relation)? == canonical(&other.relation)?)
    }

    /// A number that is the same for DataFrames of [`DataFrame::same_semantics`].
    ///
    /// # Errors
    /// Those of [`DataFrame::same_semantics`].
    pub fn semantic_hash(&self) -> Result<u64> {
        let mut hasher = DefaultHasher::new();
        canonical(&self.relation)?.to_string().hash(&mut hasher);
        Ok(hasher.finish())
    }
}

/// A tree in the form in which trees are compared.
///
/// # Errors
/// `Internal` for a tree that cannot be written down.
fn canonical(relation: &Relation) -> Result<Value> {
    let tree = serde_json::to_value(relation).map_err(|e| Error::internal(format!("a tree has no JSON: {e}")))?;
    Ok(canonical_of(tree))
}

/// The same of a tree that has been written down.
pub(crate) fn canonical_of(mut tree: Value) -> Value {
    number(&mut tree, &mut Vec::new());
    tree
}

fn number(tree: &mut Value, seen: &mut Vec<Value>) {
    match tree {
        Value::Array(items) => items.iter_mut().for_each(|item| number(item, seen)),
        Value::Object(fields) => {
            fields.remove("span");
            for (name, value) in fields {
                if name == "plan_id" && !value.is_null() {
                    let at = seen.iter().position(|known| known == value).unwrap_or_else(|| {
                        seen.push(value.clone());
                        seen.len() - 1
                    });
                    *value = Value::from(at);
                } else {
                    number(value, seen);
                }
            }
        }
        _ => {}
    }
}
