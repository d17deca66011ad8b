//! Reader and writer options: each is one table entry with its name, default and meaning; an unknown one is refused with
//! the nearest known name. It does not act on any of them.

use std::collections::BTreeMap;

use crate::ident::did_you_mean;
use crate::{Error, Result};

/// One option that a reader or writer understands.
#[derive(Debug, Clone, Copy)]
pub struct OptionSpec {
    /// Spark's name for it; matched without regard to case.
    pub name: &'static str,
    /// What holds when it is not given, as text; empty when there is no default.
    pub default: &'static str,
    /// What it does, in a sentence.
    pub doc: &'static str,
}

/// Options as the user gave them, checked against a table.
#[derive(Debug, Clone, Default)]
pub struct Options {
    given: BTreeMap<&'static str, String>,
}

impl Options {
    /// Checks `given` against `table`.
    ///
    /// # Errors
    /// `Analysis` for a name that the table does not hold.
    pub fn check<'a>(what: &str, table: &[OptionSpec], given: impl IntoIterator<Item = (&'a String, &'a String)>) -> Result<Self> {
        let mut checked = BTreeMap::new();
        for (name, value) in given {
            let spec = table.iter().find(|spec| spec.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
                let hint = did_you_mean(name, table.iter().map(|s| s.name));
                let known: Vec<&str> = table.iter().map(|s| s.name).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                Error::analysis(format!("unknown option `{name}` for {what}{hint} (known options: {known})"))
            })?;
            checked.insert(spec.name, value.clone());
        }
        Ok(Self { given: checked })
    }

    /// The value given for `name`, if one was.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str)
    }

    /// The value given for `name` as a whole number of at least 1.
    ///
    /// # Errors
    /// `Analysis` when it is anything else.
    pub fn get_positive(&self, name: &str) -> Result<Option<usize>> {
        self.get(name)
            .map(|text| match text.trim().parse::<usize>() {
                Ok(n) if n > 0 => Ok(n),
                _ => Err(Error::analysis(format!("option `{name}` must be a whole number of at least 1, not `{text}`"))),
            })
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_option_names_the_nearest() {
        let table = [OptionSpec { name: "maxFilesPerTrigger", default: "", doc: "" }];
        let given = [("maxFilePerTrigger".to_owned(), "3".to_owned())];
        let error = Options::check("file streams", &table, given.iter().map(|(k, v)| (k, v))).unwrap_err();
        assert!(error.message().contains("did you mean `maxFilesPerTrigger`?"), "{error}");
        let given = [("MAXFILESPERTRIGGER".to_owned(), "0".to_owned())];
        let options = Options::check("file streams", &table, given.iter().map(|(k, v)| (k, v))).unwrap();
        assert!(options.get_positive("maxFilesPerTrigger").is_err());
    }
}
