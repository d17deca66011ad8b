//! What a name of files says beside the path: how the rows are kept, and which state of a table is meant.

use std::fmt;

use tidemill_planner::ident::did_you_mean;
use tidemill_planner::{Error, Result};

/// How the rows at a path are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Format {
    Delta,
    Parquet,
    Json,
    Csv,
    Text,
    /// Arrow's IPC, the file framing or the stream's. Spark has no such format; the name is that of the files' ending.
    Arrow,
}

const FORMATS: [(Format, &str); 6] = [
    (Format::Delta, "delta"),
    (Format::Parquet, "parquet"),
    (Format::Json, "json"),
    (Format::Csv, "csv"),
    (Format::Text, "text"),
    (Format::Arrow, "arrow"),
];

impl Format {
    pub(crate) fn parse(name: &str) -> Result<Self> {
        let found = FORMATS.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(format, _)| *format);
        found.ok_or_else(|| {
            let names = FORMATS.map(|(_, known)| known);
            Error::analysis(format!("unknown format `{name}`{} (known formats: {})", did_you_mean(name, names), names.join(", ")))
        })
    }

    pub(crate) fn name(self) -> &'static str {
        FORMATS[self as usize].1
    }
}

/// Which state of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Version {
    /// As it is when the query is planned.
    #[default]
    Latest,
    Number(u64),
    /// As it was then, milliseconds since the Unix epoch.
    Timestamp(i64),
}

impl Version {
    /// The state at a time, given as text; UTC unless it says otherwise.
    pub(crate) fn at(text: &str) -> Result<Self> {
        let nanos = arrow::compute::kernels::cast_utils::string_to_timestamp_nanos(text.trim())
            .map_err(|_| Error::analysis(format!("`{text}` is no time: write it like `2026-01-31 08:30:00` or `2026-01-31`")))?;
        Ok(Self::Timestamp(nanos.div_euclid(1_000_000)))
    }
}

/// What stands after a path in names: nothing, `@v3`, or `@` and the time.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => Ok(()),
            Self::Number(version) => write!(f, "@v{version}"),
            Self::Timestamp(ms) => write!(f, "@{ms}ms"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_and_times() {
        for (format, name) in FORMATS {
            assert_eq!(Format::parse(&name.to_uppercase()).unwrap(), format);
            assert_eq!(format.name(), name);
        }
        assert!(Format::parse("detla").unwrap_err().message().contains("did you mean `delta`?"));
        for (text, ms) in [
            ("1970-01-02", Some(86_400_000)),
            ("1970-01-01 00:00:01.5", Some(1_500)),
            ("1970-01-01T01:00:00+01:00", Some(0)),
            ("yesterday", None),
        ] {
            assert_eq!(Version::at(text).ok(), ms.map(Version::Timestamp), "{text}");
        }
    }
}
