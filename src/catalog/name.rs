//! Names of tables: which parts they have, and how they are shown.

use tidemill_spark::Settings;
use tidemill_spark::error::error;

use super::CATALOG;
use tidemill_planner::Result;

/// The database of the views that are temporary and still have a database.
pub(crate) const GLOBAL_TEMP: &str = "global_temp";

/// A table, view or function of a database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TableId {
    pub(crate) database: String,
    pub(crate) name: String,
}

impl TableId {
    /// What `parts` names in the catalog.
    ///
    /// # Errors
    /// `REQUIRES_SINGLE_PART_NAMESPACE` for a name of more parts than catalog, database and table.
    pub(crate) fn of(parts: &[String], settings: &Settings) -> Result<Self> {
        let parts = match parts {
            [first, rest @ ..] if rest.len() >= 2 && first.eq_ignore_ascii_case(CATALOG) => rest,
            all => all,
        };
        let folded = |name: &str| folded(name, settings);
        match parts {
            [name] => Ok(Self { database: folded(&settings.current_database), name: folded(name) }),
            [database, name] => Ok(Self { database: folded(database), name: folded(name) }),
            _ => Err(error(
                "REQUIRES_SINGLE_PART_NAMESPACE",
                format!("{} has too many parts: a name is `table`, `database`.`table` or `{CATALOG}`.`database`.`table`", shown(parts)),
            )),
        }
    }

    /// `catalog`.`database`.`table`, for messages.
    pub(crate) fn shown(&self) -> String {
        shown(&[CATALOG.to_owned(), self.database.clone(), self.name.clone()])
    }
}

/// The name of a database.
///
/// # Errors
/// `REQUIRES_SINGLE_PART_NAMESPACE` for more parts than catalog and database.
pub(crate) fn database_of(parts: &[String], settings: &Settings) -> Result<String> {
    match parts {
        [name] => Ok(folded(name, settings)),
        [catalog, name] if catalog.eq_ignore_ascii_case(CATALOG) => Ok(folded(name, settings)),
        _ => Err(error(
            "REQUIRES_SINGLE_PART_NAMESPACE",
            format!("{} names no database: `{CATALOG}` has databases of one name", shown(parts)),
        )),
    }
}

/// A name as the catalog keeps it.
pub(crate) fn folded(name: &str, settings: &Settings) -> String {
    if settings.case_sensitive { name.to_owned() } else { name.to_lowercase() }
}

/// The parts between backquotes.
pub(crate) fn shown(parts: &[String]) -> String {
    parts.iter().map(|part| format!("`{}`", part.replace('`', "``"))).collect::<Vec<_>>().join(".")
}

/// Refuses a name that cannot be a table's or database's.
///
/// # Errors
/// `INVALID_SCHEMA_OR_RELATION_NAME`
pub(super) fn check(name: &str) -> Result<()> {
    if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(());
    }
    Err(error("INVALID_SCHEMA_OR_RELATION_NAME", format!("`{name}` cannot name it: use letters, digits and `_` only")))
}

/// Whether `name` is like one of the patterns `a*|b`; without a pattern everything is.
pub(crate) fn is_like(name: &str, pattern: Option<&str>) -> bool {
    let Some(pattern) = pattern else { return true };
    let name: Vec<char> = name.to_lowercase().chars().collect();
    pattern.split('|').any(|one| like(&name, &one.trim().to_lowercase().chars().collect::<Vec<_>>()))
}

/// `*` is any text, and so is `.*`; `.` is any character. It takes the pattern step by step, with all places of the name that the steps
/// before lead to.
fn like(name: &[char], mut pattern: &[char]) -> bool {
    let mut places = vec![false; name.len() + 1];
    places.first_mut().into_iter().for_each(|start| *start = true);
    loop {
        pattern = match pattern {
            [] => return places.last().copied().unwrap_or(false),
            ['.', '*', rest @ ..] | ['*', rest @ ..] => {
                let mut reached = false;
                places.iter_mut().for_each(|place| {
                    reached |= *place;
                    *place = reached;
                });
                rest
            }
            [one, rest @ ..] => {
                let next = places.iter().zip(name).map(|(place, c)| *place && (one == c || *one == '.'));
                places = std::iter::once(false).chain(next).collect();
                rest
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (name, pattern, expected) in [
            ("events", None, true),
            ("events", Some("e*"), true),
            ("events", Some("E*S"), true),
            ("events", Some("x*|*nts"), true),
            ("events", Some("event"), false),
            ("events", Some("e.*s"), true),
            ("events", Some(""), false),
            ("events", Some("e*v*t."), true),
            ("events", Some(".*......."), false),
            (&"a".repeat(60), Some("*a*a*a*a*a*a*a*a*a*a*a*a*b"), false),
        ] {
            assert_eq!(is_like(name, pattern), expected, "{name} {pattern:?}");
        }
    }

    #[test]
    fn parts() {
        let settings = Settings::default();
        let id = |parts: &[&str]| TableId::of(&parts.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>(), &settings).ok();
        let made = |database: &str, name: &str| Some(TableId { database: database.to_owned(), name: name.to_owned() });
        assert_eq!(id(&["T"]), made("default", "t"));
        assert_eq!(id(&["D", "T"]), made("d", "t"));
        assert_eq!(id(&["spark_catalog", "d", "t"]), made("d", "t"));
        assert_eq!(id(&["c", "d", "t"]), None);
    }
}
