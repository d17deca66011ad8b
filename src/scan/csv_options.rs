//! The options of CSV files, the same for reading and writing. It reads and writes none.

use std::collections::BTreeMap;

use tidemill_planner::options::{OptionSpec, Options};

use tidemill_planner::{Error, Result};

const CSV: &[OptionSpec] = &[
    OptionSpec { name: "header", default: "false", doc: "Whether the first line names the columns." },
    OptionSpec { name: "sep", default: ",", doc: "The character between values." },
];

/// How CSV files are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CsvOptions {
    pub(crate) header: bool,
    pub(crate) separator: u8,
}

impl CsvOptions {
    /// Those of a table's options that are about CSV; others are left to who understands them.
    pub(crate) fn of_table(given: &BTreeMap<String, String>) -> Result<Self> {
        let mut known = BTreeMap::new();
        for (name, value) in given {
            match name.to_lowercase().as_str() {
                "header" => known.insert("header".to_owned(), value.clone()),
                "sep" | "delimiter" => known.insert("sep".to_owned(), value.replace("\\t", "\t")),
                _ => None,
            };
        }
        Self::check(&known)
    }

    /// Checks what the user gave.
    pub(crate) fn check(given: &BTreeMap<String, String>) -> Result<Self> {
        let options = Options::check("csv files", CSV, given)?;
        let header = match options.get("header").map(str::to_lowercase).as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => return Err(Error::analysis(format!("option `header` must be `true` or `false`, not `{other}`"))),
        };
        let separator = options.get("sep").unwrap_or(",");
        match separator.as_bytes() {
            [separator] => Ok(Self { header, separator: *separator }),
            _ => Err(Error::analysis(format!("option `sep` must be one character, not `{separator}`"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        for (name, value, expected) in [
            ("HEADER", "True", Some(CsvOptions { header: true, separator: b',' })),
            ("sep", ";", Some(CsvOptions { header: false, separator: b';' })),
            ("sep", ";;", None),
            ("header", "yes", None),
            ("separator", ";", None),
        ] {
            let given = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            assert_eq!(CsvOptions::check(&given).ok(), expected, "{name}={value}");
        }
    }
}
