//! Temporary views: of the session, and those of the database `global_temp`.

use std::collections::BTreeMap;

use tidemill_planner::ident::did_you_mean;
use tidemill_spark::Settings;
use tidemill_spark::error::error;
use tidemill_spark::resolve::OpenedRelation;
use tidemill_spark::types::StructField;

use super::name::{folded, is_like};
use super::{Catalog, GLOBAL_TEMP, read, write};
use tidemill_planner::{Error, Result};

/// A temporary view.
#[derive(Debug, Clone)]
pub(crate) struct TempView {
    /// Its name as it was given.
    pub(crate) name: String,
    /// Whether it stands in `global_temp`.
    pub(crate) global: bool,
    /// What the resolver gets for it.
    pub(crate) opened: OpenedRelation,
    /// Its columns.
    pub(crate) columns: Vec<StructField>,
    pub(crate) comment: Option<String>,
    pub(crate) properties: BTreeMap<String, String>,
}

impl Catalog {
    /// The temporary view that a name stands for.
    pub(crate) fn temp_view(&self, parts: &[String], settings: &Settings) -> Option<TempView> {
        match parts {
            [name] => read(&self.views).get(&folded(name, settings)).cloned(),
            [database, name] if database.eq_ignore_ascii_case(GLOBAL_TEMP) => {
                read(&self.global_views).get(&folded(name, settings)).cloned()
            }
            _ => None,
        }
    }

    /// Keeps a temporary view.
    ///
    /// # Errors
    /// `TEMP_TABLE_OR_VIEW_ALREADY_EXISTS` unless `or_replace`.
    pub(crate) fn put_temp_view(&self, view: TempView, or_replace: bool, settings: &Settings) -> Result<()> {
        let mut views = write(if view.global { &self.global_views } else { &self.views });
        let key = folded(&view.name, settings);
        if !or_replace && views.contains_key(&key) {
            let name = if view.global { format!("`{GLOBAL_TEMP}`.`{key}`") } else { format!("`{key}`") };
            let message = format!("there is a temporary view {name} already: choose another name, or say CREATE OR REPLACE");
            return Err(error("TEMP_TABLE_OR_VIEW_ALREADY_EXISTS", message).with_parameter("relationName", name));
        }
        views.insert(key, view);
        Ok(())
    }

    /// Forgets a temporary view; whether there was one.
    pub(crate) fn drop_temp_view(&self, parts: &[String], settings: &Settings) -> bool {
        match parts {
            [name] => write(&self.views).remove(&folded(name, settings)).is_some(),
            [database, name] if database.eq_ignore_ascii_case(GLOBAL_TEMP) => {
                write(&self.global_views).remove(&folded(name, settings)).is_some()
            }
            _ => false,
        }
    }

    /// The temporary views that a pattern is like: those of the session, before them those of `global_temp` if that is asked for.
    pub(crate) fn temp_views(&self, global: bool, pattern: Option<&str>) -> Vec<(String, TempView)> {
        let mut found: Vec<(String, TempView)> = Vec::new();
        if global {
            found.extend(read(&self.global_views).iter().map(|(key, view)| (key.clone(), view.clone())));
        }
        found.extend(read(&self.views).iter().map(|(key, view)| (key.clone(), view.clone())));
        found.retain(|(key, _)| is_like(key, pattern));
        found
    }

    /// The names of the session's temporary views.
    pub(crate) fn temp_names(&self) -> Vec<String> {
        read(&self.views).values().map(|view| view.name.clone()).collect()
    }

    /// Gives a temporary view another name.
    pub(crate) fn rename_temp_view(&self, from: &str, to: &str, settings: &Settings) -> Result<()> {
        let mut views = write(&self.views);
        if views.contains_key(&folded(to, settings)) {
            return Err(error(
                "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS",
                format!("there is a temporary view `{to}` already: choose another name"),
            ));
        }
        if let Some(mut view) = views.remove(&folded(from, settings)) {
            to.clone_into(&mut view.name);
            views.insert(folded(to, settings), view);
        }
        Ok(())
    }

    /// The error for a name that is no temporary view.
    pub(crate) fn unknown(&self, name: &str) -> Error {
        let names = self.temp_names();
        let hint = did_you_mean(name, names.iter().map(String::as_str));
        Error::not_found(format!(
            "there is no table or view `{name}`{hint}; tables are named by path, as in delta.`/data/{name}`, or made known with \
             `create_or_replace_temp_view`"
        ))
    }
}
