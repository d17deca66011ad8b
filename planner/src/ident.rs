//! Names: of operators and sources, when two of a user's are one, and the nearest-name hint that unknown ones get.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether two identifiers are one.
pub fn same(left: &str, right: &str) -> bool {
    left == right || left.to_lowercase() == right.to_lowercase()
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The name as given or derived.
            pub fn new(name: impl Into<String>) -> Self {
                Self(name.into())
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_type! {
    /// A stateful operator's identity across restarts: the user's name for it, else a hash of its definition
    /// (see [`crate::operator_id`]).
    OperatorId
}

name_type! {
    /// A stream source's identity across restarts: the user's name for it, else derived from what it reads.
    SourceId
}

/// `"; did you mean X?"` for the known name nearest to `unknown`, or nothing when none is near.
pub fn did_you_mean<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let lower = unknown.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 2.max(name.len() / 3))
        .min()
        .map(|(_, name)| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn nearest_name() {
        let known = ["maxFilesPerTrigger", "pathGlobFilter"];
        for (unknown, hint) in [("maxfilespertriger", "; did you mean `maxFilesPerTrigger`?"), ("pathGlob", ""), ("colour", "")] {
            assert_eq!(did_you_mean(unknown, known), hint, "{unknown}");
        }
    }
}
