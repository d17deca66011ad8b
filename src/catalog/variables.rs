//! Session variables.

use std::collections::HashMap;

use datafusion::scalar::ScalarValue;
use tidemill_spark::error::error;
use tidemill_spark::plan::Expression;
use tidemill_spark::types::SparkType;

use super::{Catalog, read, write};
use tidemill_planner::{Error, Result};

/// A session variable.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    pub(crate) data_type: SparkType,
    pub(crate) value: ScalarValue,
    /// What `SET VAR x = DEFAULT` gives it.
    pub(crate) default: Option<Expression>,
}

impl Catalog {
    /// The variable of that name: `x`, `session.x`, `system.session.x`.
    pub(crate) fn variable(&self, parts: &[String]) -> Result<(String, Option<Variable>)> {
        let key = variable_key(parts)?;
        let found = read(&self.variables).get(&key).cloned();
        Ok((key, found))
    }

    /// All of them, as the resolver takes them.
    pub(crate) fn variables(&self) -> HashMap<String, (SparkType, ScalarValue)> {
        read(&self.variables).iter().map(|(name, v)| (name.clone(), (v.data_type.clone(), v.value.clone()))).collect()
    }

    /// Keeps a variable.
    ///
    /// # Errors
    /// `VARIABLE_ALREADY_EXISTS` unless `or_replace`.
    pub(crate) fn put_variable(&self, key: String, variable: Variable, or_replace: bool) -> Result<()> {
        let mut variables = write(&self.variables);
        if !or_replace && variables.contains_key(&key) {
            let message = format!("there is a variable `{key}` already: choose another name, or say DECLARE OR REPLACE VARIABLE");
            return Err(error("VARIABLE_ALREADY_EXISTS", message).with_parameter("variableName", shown(&key)));
        }
        variables.insert(key, variable);
        Ok(())
    }

    /// Forgets a variable.
    ///
    /// # Errors
    /// `VARIABLE_NOT_FOUND` unless `if_exists`.
    pub(crate) fn drop_variable(&self, parts: &[String], if_exists: bool) -> Result<()> {
        let key = variable_key(parts)?;
        if write(&self.variables).remove(&key).is_some() || if_exists { Ok(()) } else { Err(no_variable(&key)) }
    }
}

fn shown(key: &str) -> String {
    format!("`system`.`session`.`{key}`")
}

/// The error for a name that is no variable.
pub(crate) fn no_variable(key: &str) -> Error {
    let message = format!("there is no variable {}: make it with DECLARE VARIABLE", shown(key));
    error("VARIABLE_NOT_FOUND", message).with_parameter("variableName", shown(key))
}

/// The name without what may stand before it.
fn variable_key(parts: &[String]) -> Result<String> {
    let last = match parts {
        [name] => Some(name),
        [session, name] if session.eq_ignore_ascii_case("session") => Some(name),
        [system, session, name] if system.eq_ignore_ascii_case("system") && session.eq_ignore_ascii_case("session") => Some(name),
        _ => None,
    };
    last.map(|name| name.to_lowercase()).ok_or_else(|| {
        error("UNRESOLVED_VARIABLE", format!("{} is no session variable: they are named `name` or `session.name`", super::shown(parts)))
    })
}
