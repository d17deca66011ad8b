//! What a file stream understands of Spark's options, and which it refuses. It does not act on them.

use tidemill_executor::files::NameFilter;
use tidemill_planner::options::{OptionSpec, Options};
use tidemill_planner::{Error, Result};

/// The options of a file stream.
pub const FILE_STREAM_OPTIONS: &[OptionSpec] = &[
    OptionSpec { name: "maxFilesPerTrigger", default: "", doc: "How many new files an epoch takes at most; all, when not given." },
    OptionSpec {
        name: "maxBytesPerTrigger",
        default: "",
        doc: "How many bytes of new files (`10m`, `1g`) an epoch takes at most; the first file is taken whatever its size.",
    },
    OptionSpec { name: "pathGlobFilter", default: "", doc: "Only files whose name matches this pattern (`*`, `?`, `[a-z]`) are read." },
    OptionSpec { name: "latestFirst", default: "false", doc: "Only `false`: files are read by time of change, the oldest first." },
    OptionSpec { name: "recursiveFileLookup", default: "false", doc: "Only `false`: sub-directories are not read." },
    OptionSpec { name: "cleanSource", default: "off", doc: "Only `off`: files that were read are left alone." },
    OptionSpec { name: "maxFileAge", default: "", doc: "Not there: files are read however old they are." },
];

/// The options of a file stream, read and checked.
#[derive(Debug, Clone, Default)]
pub struct FileStreamOptions {
    /// See `maxFilesPerTrigger`.
    pub max_files: Option<usize>,
    /// See `maxBytesPerTrigger`.
    pub max_bytes: Option<u64>,
    /// See `pathGlobFilter`.
    pub filter: NameFilter,
}

impl FileStreamOptions {
    /// Reads options as the user gave them.
    ///
    /// # Errors
    /// `Analysis` for an unknown option or a value that is not one; `Unsupported` for what file streams do not do.
    pub fn parse<'a>(given: impl IntoIterator<Item = (&'a String, &'a String)>) -> Result<Self> {
        let options = Options::check("file streams", FILE_STREAM_OPTIONS, given)?;
        for (name, only, instead) in [
            ("latestFirst", "false", "to skip a backlog, start on a directory with the new files only"),
            ("recursiveFileLookup", "false", "start one stream per directory and union them"),
            ("cleanSource", "off", "remove or move files yourself once the epoch that read them is published"),
            ("maxFileAge", "", "leave it out: the files that were read are remembered exactly, so none needs to be forgotten"),
        ] {
            if let Some(value) = options.get(name).filter(|value| !value.eq_ignore_ascii_case(only)) {
                return Err(Error::unsupported(format!("option `{name}` = `{value}` of file streams is not there yet; {instead}")));
            }
        }
        Ok(Self {
            max_files: options.get_positive("maxFilesPerTrigger")?,
            max_bytes: options.get("maxBytesPerTrigger").map(bytes).transpose()?,
            filter: options.get("pathGlobFilter").map(NameFilter::glob).transpose()?.unwrap_or_default(),
        })
    }
}

/// A number of bytes: digits, then `k`, `m`, `g` or `t` (times 1024 each), with or without a `b`.
fn bytes(text: &str) -> Result<u64> {
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = lower.split_at(digits);
    let shift = match unit.trim().trim_end_matches('b') {
        "" => Some(0),
        "k" => Some(10),
        "m" => Some(20),
        "g" => Some(30),
        "t" => Some(40),
        _ => None,
    };
    let bytes = number.parse::<u64>().ok().zip(shift).and_then(|(number, shift)| number.checked_mul(1 << shift));
    bytes.filter(|bytes| *bytes > 0).ok_or_else(|| {
        Error::analysis(format!("option `maxBytesPerTrigger` must be a size of at least one byte such as `10m` or `1g`, not `{text}`"))
    })
}

#[cfg(test)]
mod tests {
    use tidemill_planner::ErrorKind;

    use super::*;

    fn parse(given: &[(&str, &str)]) -> Result<FileStreamOptions> {
        let given: Vec<(String, String)> = given.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        FileStreamOptions::parse(given.iter().map(|(k, v)| (k, v)))
    }

    #[test]
    fn what_is_understood() {
        let options =
            parse(&[("maxfilespertrigger", "3"), ("maxBytesPerTrigger", "10m"), ("pathGlobFilter", "*.json"), ("cleanSource", "OFF")]);
        let options = options.unwrap();
        assert_eq!((options.max_files, options.max_bytes), (Some(3), Some(10 << 20)));
        assert!(options.filter.accepts("a.json") && !options.filter.accepts("a.txt") && !options.filter.accepts("_a.json"));
        for (text, expected) in
            [("1", Some(1)), ("2kb", Some(2048)), (" 1 G ", Some(1 << 30)), ("0", None), ("m", None), ("1.5m", None), ("99999999t", None)]
        {
            assert_eq!(bytes(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (name, value, kind, says) in [
            ("maxFilePerTrigger", "1", ErrorKind::Analysis, "did you mean `maxFilesPerTrigger`?"),
            ("maxFilesPerTrigger", "none", ErrorKind::Analysis, "whole number"),
            ("maxBytesPerTrigger", "much", ErrorKind::Analysis, "`10m`"),
            ("pathGlobFilter", "[", ErrorKind::Analysis, "glob pattern"),
            ("latestFirst", "true", ErrorKind::Unsupported, "backlog"),
            ("cleanSource", "delete", ErrorKind::Unsupported, "yourself"),
            ("maxFileAge", "7d", ErrorKind::Unsupported, "leave it out"),
            ("recursiveFileLookup", "true", ErrorKind::Unsupported, "one stream per directory"),
        ] {
            let error = parse(&[(name, value)]).unwrap_err();
            assert_eq!(error.kind(), kind, "{name}");
            assert!(error.message().contains(says), "{error}");
        }
    }
}
