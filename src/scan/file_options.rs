//! The options of files, by format: those that are carried out, and those of Spark's that are refused by name. It reads no file.

use std::collections::BTreeMap;

use tidemill_planner::ident::did_you_mean;
use tidemill_planner::options::{OptionSpec, Options};

use super::format::Format;
use tidemill_planner::{Error, Result};
use tidemill_spark::Settings;

/// Options by name, as they were given.
pub(crate) type FileOptions = BTreeMap<String, String>;

const fn carried(name: &'static str, default: &'static str, doc: &'static str) -> OptionSpec {
    OptionSpec { name, default, doc }
}

const OVERWRITE_MODE: OptionSpec =
    carried("partitionOverwriteMode", "", "Which partitions an overwrite replaces: `static` all, `dynamic` those that it writes.");

/// How many rows a file has at most.
pub(crate) const MAX_RECORDS: &str = "maxRecordsPerFile";
/// The option that says so.
pub(crate) const ROWS_PER_FILE: OptionSpec = carried(MAX_RECORDS, "0", "How many rows a written file has at most; 0 for any number.");

/// How written files are compressed.
pub(crate) const COMPRESSION: &str = "compression";

const BASE_PATH: OptionSpec = carried("basePath", "", "The folder below which folders `a=1` stand for columns, if not each path itself.");

const MODE: OptionSpec = carried("mode", "PERMISSIVE", "What becomes of records that do not fit: PERMISSIVE, DROPMALFORMED, FAILFAST.");
const CORRUPT_COLUMN: OptionSpec =
    carried("columnNameOfCorruptRecord", "_corrupt_record", "The column, if there is one, that takes the text of records that do not fit.");

const CSV: &[OptionSpec] = &[
    BASE_PATH,
    OVERWRITE_MODE,
    ROWS_PER_FILE,
    carried("header", "false", "Whether the first line names the columns."),
    carried("sep", ",", "What stands between values."),
    carried("delimiter", ",", "The same as `sep`."),
    carried("quote", "\"", "The character around values that hold separators."),
    carried("escape", "\\", "The character before quotes within such values."),
    carried("charToEscapeQuoteEscaping", "", "The character before the escape character."),
    carried("quoteAll", "false", "Whether all values are written in quotes."),
    carried("escapeQuotes", "true", "Whether values with quotes are written in quotes."),
    carried("comment", "", "The character at the beginning of lines that are none."),
    carried("nullValue", "", "What stands for null."),
    carried("emptyValue", "", "What stands for the empty text."),
    carried("nanValue", "NaN", "What stands for not a number."),
    carried("positiveInf", "Inf", "What stands for infinity."),
    carried("negativeInf", "-Inf", "What stands for negative infinity."),
    carried("ignoreLeadingWhiteSpace", "", "Whether blanks before values are left out."),
    carried("ignoreTrailingWhiteSpace", "", "Whether blanks after values are left out."),
    carried("inferSchema", "false", "Whether columns that nobody declares get types by their values."),
    carried("preferDate", "true", "Whether dates are told from timestamps then."),
    MODE,
    CORRUPT_COLUMN,
    carried("dateFormat", "", "The pattern of dates."),
    carried("timestampFormat", "", "The pattern of timestamps."),
    carried("timestampNTZFormat", "", "The pattern of timestamps without time zone."),
    carried("timeFormat", "", "The pattern of times."),
    carried("timeZone", "", "The zone of timestamps that say none."),
    carried("maxColumns", "20480", "How many values a record may have."),
];

const JSON: &[OptionSpec] = &[
    carried("ignoreNullFields", "true", "Whether fields that are null are left out when rows are written."),
    MODE,
    CORRUPT_COLUMN,
    BASE_PATH,
    OVERWRITE_MODE,
    ROWS_PER_FILE,
];

const PARQUET: &[OptionSpec] =
    &[carried("mergeSchema", "true", "Columns are those of all files."), BASE_PATH, OVERWRITE_MODE, ROWS_PER_FILE];

const ARROW: &[OptionSpec] = &[
    carried(COMPRESSION, "none", "How written rows are compressed: `none`, `lz4`, `zstd`."),
    carried("mergeSchema", "true", "Columns are those of all files."),
    BASE_PATH,
    OVERWRITE_MODE,
    ROWS_PER_FILE,
];

const TEXT: &[OptionSpec] = &[BASE_PATH, OVERWRITE_MODE, ROWS_PER_FILE];

/// Spark's options that are not carried out, with the value that asks for nothing, if there is one.
const REFUSED: &[(&str, Option<&str>)] = &[
    ("allowBackslashEscapingAnyCharacter", Some("false")),
    ("allowComments", Some("false")),
    ("allowNonNumericNumbers", Some("true")),
    ("allowNumericLeadingZeros", Some("false")),
    ("allowSingleQuotes", None),
    ("allowUnquotedControlChars", Some("false")),
    ("allowUnquotedFieldNames", Some("false")),
    ("charset", Some("UTF-8")),
    ("columnNameOfCorruptRecord", Some("_corrupt_record")),
    ("comment", None),
    ("codec", None),
    ("compression", None),
    ("dateFormat", None),
    ("datetimeRebaseMode", Some("CORRECTED")),
    ("delimiter", None),
    ("dropFieldIfAllNull", Some("false")),
    ("encoding", Some("UTF-8")),
    ("enforceSchema", Some("true")),
    ("escape", None),
    ("header", Some("false")),
    ("ignoreCorruptFiles", Some("false")),
    ("ignoreMissingFiles", Some("false")),
    ("inferSchema", None),
    ("int96RebaseMode", Some("CORRECTED")),
    ("lineSep", Some("\n")),
    ("locale", Some("en-US")),
    ("maxCharsPerColumn", Some("-1")),
    ("mode", Some("PERMISSIVE")),
    ("modifiedAfter", None),
    ("modifiedBefore", None),
    ("multiLine", Some("false")),
    ("nullValue", None),
    ("pathGlobFilter", None),
    ("prefersDecimal", Some("false")),
    ("primitivesAsString", Some("false")),
    ("quote", None),
    ("recursiveFileLookup", Some("false")),
    ("samplingRatio", Some("1.0")),
    ("sep", None),
    ("timestampFormat", None),
    ("timestampNTZFormat", None),
    ("timeZone", None),
    ("unescapedQuoteHandling", Some("STOP_AT_DELIMITER")),
    ("wholetext", Some("false")),
];

fn known(format: Format) -> &'static [OptionSpec] {
    match format {
        Format::Csv => CSV,
        Format::Json => JSON,
        Format::Parquet => PARQUET,
        Format::Text => TEXT,
        Format::Arrow => ARROW,
        Format::Delta => &[],
    }
}

/// Checks what a program gave a reader or writer: an option that is not carried out is refused.
///
/// # Errors
/// `Analysis`, naming the option.
pub(crate) fn check(format: Format, given: &FileOptions) -> Result<FileOptions> {
    let asked: FileOptions =
        given.iter().filter(|(name, value)| !asks_nothing(format, name, value)).map(|(n, v)| (n.clone(), v.clone())).collect();
    Options::check(&format!("{} files", format.name()), known(format), &asked)?;
    Ok(asked)
}

fn asks_nothing(format: Format, name: &str, value: &str) -> bool {
    if name.eq_ignore_ascii_case(COMPRESSION) {
        let is = |known: &[&str]| known.iter().any(|one| one.eq_ignore_ascii_case(value));
        return if format == Format::Parquet { is(&["snappy"]) } else { is(&["none", "uncompressed"]) };
    }
    let carried = known(format).iter().any(|spec| spec.name.eq_ignore_ascii_case(name));
    !carried
        && REFUSED
            .iter()
            .any(|(refused, nothing)| refused.eq_ignore_ascii_case(name) && nothing.is_some_and(|n| n.eq_ignore_ascii_case(value)))
}

/// Checks the options of a table: what Spark carries out for these files and we do not is refused. Spark keeps options that it does not
/// know with the table, and so do we, unless the name is near that of one that means something.
///
/// # Errors
/// `Analysis`, naming the option.
pub(crate) fn check_of_table(format: Format, given: &FileOptions) -> Result<()> {
    let known = known(format);
    for (name, value) in given {
        if name.eq_ignore_ascii_case(BASE_PATH.name) {
            return Err(Error::analysis("a table has its folder, and `basePath` is for reading by path: leave it out"));
        }
        if known.iter().any(|spec| spec.name.eq_ignore_ascii_case(name)) || asks_nothing(format, name, value) {
            continue;
        }
        let names = || known.iter().map(|spec| spec.name);
        let list = names().collect::<Vec<_>>().join(", ");
        if REFUSED.iter().any(|(refused, _)| refused.eq_ignore_ascii_case(name)) {
            return Err(Error::analysis(format!(
                "the option `{name}` with the value `{value}` is not carried out for {} files: leave it out (options: {list})",
                format.name()
            )));
        }
        let hint = did_you_mean(name, names());
        if name.len() > 2 && !hint.is_empty() {
            return Err(Error::analysis(format!("unknown option `{name}` for {} files{hint} (options: {list})", format.name())));
        }
    }
    Ok(())
}

/// An option's value.
pub(crate) fn get<'a>(options: &'a FileOptions, name: &str) -> Option<&'a str> {
    options.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// Whether an overwrite replaces those partitions alone that it writes: the option says so, or without it the setting, as in Spark.
pub(crate) fn replaces_written(options: &FileOptions, settings: &Settings) -> bool {
    let setting = settings.get("spark.sql.sources.partitionOverwriteMode");
    get(options, OVERWRITE_MODE.name).or(setting).is_some_and(|mode| mode.eq_ignore_ascii_case("dynamic"))
}

/// An option that is on or off.
pub(crate) fn is_on(options: &FileOptions, name: &str) -> bool {
    get(options, name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        for (format, name, value, for_programs, for_tables) in [
            (Format::Csv, "HEADER", "True", true, true),
            (Format::Csv, "sep", ";;", true, true),
            (Format::Csv, "seperator", ";", false, true),
            (Format::Csv, "headr", "true", false, false),
            (Format::Csv, "multiLine", "true", false, false),
            (Format::Csv, "multiLine", "false", true, true),
            (Format::Json, "dateFormat", "yyyy", false, false),
            (Format::Json, "mode", "FAILFAST", true, true),
            (Format::Json, "columnNameOfCorruptRecord", "bad", true, true),
            (Format::Csv, "columnNameOfCorruptRecord", "bad", true, true),
            (Format::Csv, "columnNameOfCorruptRecrd", "bad", false, false),
            (Format::Text, "mode", "FAILFAST", false, false),
            (Format::Text, "mode", "permissive", true, true),
            (Format::Parquet, "compression", "zstd", false, false),
            (Format::Parquet, "compression", "Snappy", true, true),
            (Format::Csv, "compression", "snappy", false, false),
            (Format::Json, "compression", "none", true, true),
            (Format::Arrow, "compression", "zstd", true, true),
            (Format::Arrow, "compresion", "zstd", false, false),
            (Format::Arrow, "header", "true", false, false),
            (Format::Parquet, "password", "x", false, true),
            (Format::Parquet, "basePath", "/x", true, false),
        ] {
            let given = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            assert_eq!(
                (check(format, &given).is_ok(), check_of_table(format, &given).is_ok()),
                (for_programs, for_tables),
                "{name}={value}"
            );
        }
    }
}
