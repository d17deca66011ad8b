//! Whether two DataFrames say the same: their trees, with the DataFrames in them numbered in the order in which they come.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use super::DataFrame;
use tidemill_planner::{Error, Result};

impl DataFrame {
    /// Whether both are made by the same steps from the same rows, and so give the same. Two that are not may still do so.
    ///
    /// # Errors
    /// `Internal` for a tree that cannot be written down.
    pub fn same_semantics(&self, other: &Self) -> Result<bool> {
        Ok(self.canonical()? == other.canonical()?)
    }

    /// A number that is the same for DataFrames of [`DataFrame::same_semantics`].
    ///
    /// # Errors
    /// Those of [`DataFrame::same_semantics`].
    pub fn semantic_hash(&self) -> Result<u64> {
        let mut hasher = DefaultHasher::new();
        self.canonical()?.to_string().hash(&mut hasher);
        Ok(hasher.finish())
    }

    fn canonical(&self) -> Result<Value> {
        let mut tree = serde_json::to_value(&self.relation).map_err(|e| Error::internal(format!("a tree has no JSON: {e}")))?;
        number(&mut tree, &mut Vec::new());
        Ok(tree)
    }
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
