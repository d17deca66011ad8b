//! The session's temporary views, found without regard to case. Tables live at paths; there is no catalog server.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use tidemill_planner::ident::did_you_mean;
use tidemill_spark::resolve::OpenedRelation;

use crate::Error;

/// A view: its name as it was given, and what it stands for.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) name: String,
    pub(crate) opened: OpenedRelation,
}

#[derive(Debug, Default)]
pub(crate) struct Catalog {
    views: RwLock<BTreeMap<String, View>>,
}

impl Catalog {
    pub(crate) fn get(&self, name: &str) -> Option<View> {
        self.views.read().unwrap_or_else(PoisonError::into_inner).get(&name.to_lowercase()).cloned()
    }

    pub(crate) fn put(&self, name: &str, opened: OpenedRelation) {
        let view = View { name: name.to_owned(), opened };
        self.views.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_lowercase(), view);
    }

    pub(crate) fn remove(&self, name: &str) -> bool {
        self.views.write().unwrap_or_else(PoisonError::into_inner).remove(&name.to_lowercase()).is_some()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.views.read().unwrap_or_else(PoisonError::into_inner).values().map(|view| view.name.clone()).collect()
    }

    /// The error for a name that is no view.
    pub(crate) fn unknown(&self, name: &str) -> Error {
        let names = self.names();
        let hint = did_you_mean(name, names.iter().map(String::as_str));
        Error::not_found(format!(
            "there is no table or view `{name}`{hint}; tables are named by path, as in delta.`/data/{name}`, or made known with \
             `create_or_replace_temp_view`"
        ))
    }
}
