//! Options of from_json, to_csv and their like, given as a map of text; schemas given as text; and the formats of times that
//! options say.

use std::collections::BTreeMap;

use datafusion::common::ScalarValue;

use crate::error::error;
use crate::functions::{Call, constant};
use crate::types::pattern::{Moment, Pattern, Use};
use crate::types::{SparkType, StructField, TimeZone, datetime_text, lattice};
use crate::{Error, Result, Settings, Typed};

/// Options by name, in lower case.
#[derive(Debug, Clone, Default)]
pub(in crate::functions) struct Options(Vec<(String, String)>);

impl Options {
    /// Those that a kernel's constants hold, see [`option_map`].
    pub(in crate::functions) fn of(constants: &[ScalarValue]) -> Self {
        let mut options = Vec::new();
        for pair in constants.chunks(2) {
            if let [ScalarValue::Utf8(Some(name)), ScalarValue::Utf8(Some(value))] = pair {
                options.push((name.clone(), value.clone()));
            }
        }
        Self(options)
    }

    /// Those of files, given by name.
    pub(in crate::functions) fn of_files(given: &BTreeMap<String, String>) -> Self {
        Self(given.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// An option that was given.
    pub(in crate::functions) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// An option that is on or off.
    ///
    /// # Errors
    /// `Analysis` for anything but true and false.
    pub(in crate::functions) fn flag(&self, name: &str, default: bool) -> Result<bool> {
        match self.get(name) {
            None => Ok(default),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(text) => Err(Error::analysis(format!("the option `{name}` is true or false, not `{text}`: set one of them"))),
        }
    }

    /// An option that is one character; `None` for the empty text.
    ///
    /// # Errors
    /// `OPTION_VALUE_EXCEEDS_ONE_CHARACTER`
    pub(in crate::functions) fn character(&self, name: &str, default: char) -> Result<Option<char>> {
        let Some(text) = self.get(name) else { return Ok(Some(default)) };
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (first, None) => Ok(first),
            _ => {
                let message = format!("the option `{name}` is one character, not `{text}`: give one");
                Err(error("OPTION_VALUE_EXCEEDS_ONE_CHARACTER", message))
            }
        }
    }

    /// What happens to records that are malformed: whether the first stops the query.
    ///
    /// # Errors
    /// `PARSE_MODE_UNSUPPORTED` for DROPMALFORMED.
    pub(in crate::functions) fn fails_fast(&self, function: &str) -> Result<bool> {
        match self.get("mode").map(str::to_uppercase).as_deref() {
            Some("FAILFAST") => Ok(true),
            Some("DROPMALFORMED") => Err(error(
                "PARSE_MODE_UNSUPPORTED",
                format!("`{function}` cannot drop records, as the mode DROPMALFORMED asks: use PERMISSIVE or FAILFAST"),
            )),
            _ => Ok(false),
        }
    }

    /// The column for records that are malformed.
    pub(in crate::functions) fn corrupt_record<'a>(&'a self, settings: &'a Settings) -> &'a str {
        let name = self.get("columnNameOfCorruptRecord").or_else(|| settings.get("spark.sql.columnNameOfCorruptRecord"));
        name.unwrap_or("_corrupt_record")
    }

    /// The zone of times without one.
    ///
    /// # Errors
    /// `INVALID_TIMEZONE`
    pub(in crate::functions) fn zone(&self, settings: &Settings) -> Result<TimeZone> {
        self.get("timeZone").map_or(Ok(settings.time_zone), TimeZone::parse)
    }
}

/// The options that an argument says, `map('name', 'value', …)`, as constants of a kernel: name and value in turn.
///
/// # Errors
/// `INVALID_OPTIONS.NON_MAP_FUNCTION`, `INVALID_OPTIONS.NON_STRING_TYPE`
pub(in crate::functions) fn option_map(call: &Call<'_>, at: usize) -> Result<Vec<ScalarValue>> {
    if at >= call.len() {
        return Ok(Vec::new());
    }
    let value = call.arg(at)?;
    let no_map = || {
        let message =
            format!("the options of `{}` are said with `map('name', 'value', …)` of constants, not with \"{}\"", call.name, value.sql);
        call.refuse("INVALID_OPTIONS.NON_MAP_FUNCTION", message)
    };
    let SparkType::Map(key, item, _) = &value.data_type else { return Err(no_map()) };
    if !key.is_string() || !item.is_string() {
        let message = format!("the options of `{}` are text, and \"{}\" is \"{}\": cast it", call.name, value.sql, value.data_type.sql());
        return Err(call.refuse("INVALID_OPTIONS.NON_STRING_TYPE", message));
    }
    let Some(ScalarValue::Map(map)) = constant(&value)? else { return Err(no_map()) };
    let text = |array, i| -> Result<String> {
        match ScalarValue::try_from_array(array, i)? {
            ScalarValue::Utf8(Some(text)) => Ok(text),
            _ => Ok("null".to_owned()),
        }
    };
    let mut options = Vec::new();
    for i in 0..map.keys().len() {
        options.push(ScalarValue::Utf8(Some(text(map.keys(), i)?)));
        options.push(ScalarValue::Utf8(Some(text(map.values(), i)?)));
    }
    Ok(options)
}

/// The type that an argument, constant text, says: of a value, or of the columns of a table, which is a struct's.
///
/// # Errors
/// `INVALID_SCHEMA.NON_STRING_LITERAL`, and what is wrong with the text.
pub(in crate::functions) fn schema_argument(call: &Call<'_>, at: usize) -> Result<SparkType> {
    let value = call.arg(at)?;
    let text = match constant(&value)? {
        Some(ScalarValue::Utf8(Some(text))) if value.data_type.is_string() => text,
        _ => {
            let message =
                format!("the schema of `{}` is constant text such as 'a INT, b STRING', and \"{}\" is none", call.name, value.sql);
            return Err(call.refuse("INVALID_SCHEMA.NON_STRING_LITERAL", message));
        }
    };
    let parsed = parse_schema(&text, call.settings).map_err(|error| crate::error::at(error, call.span))?;
    if parsed != lattice::without_char_varchar(&parsed) {
        let message = format!("the schema of `{}` has char(n) or varchar(n): write string", call.name);
        return Err(call.refuse("UNSUPPORTED_CHAR_OR_VARCHAR_AS_STRING", message));
    }
    Ok(crate::functions::nested::as_nullable(&parsed))
}

/// A type as DDL says it.
fn parse_schema(text: &str, settings: &Settings) -> Result<SparkType> {
    super::ddl::parse(text, settings)
}

/// Refuses a column for malformed records that cannot hold them.
///
/// # Errors
/// `INVALID_CORRUPT_RECORD_TYPE`
pub(in crate::functions) fn check_corrupt_record(fields: &[StructField], name: &str) -> Result<()> {
    match fields.iter().find(|field| field.name == name) {
        Some(field) if !field.data_type.is_string() => Err(error(
            "INVALID_CORRUPT_RECORD_TYPE",
            format!("the column `{name}` holds records that are malformed, as text, and is \"{}\": make it string", field.data_type.sql()),
        )),
        _ => Ok(()),
    }
}

/// How dates and times are read; without a pattern as casts read them.
#[derive(Debug)]
pub(in crate::functions) struct ReadFormats {
    zone: TimeZone,
    date: Option<Pattern>,
    timestamp: Option<Pattern>,
    ntz: Option<Pattern>,
    time: Option<Pattern>,
}

impl ReadFormats {
    /// As the options say.
    ///
    /// # Errors
    /// What is wrong with a pattern or the zone.
    pub(in crate::functions) fn new(options: &Options, settings: &Settings) -> Result<Self> {
        let pattern = |name: &str, purpose| options.get(name).map(|text| Pattern::compile_for(text, purpose, settings)).transpose();
        Ok(Self {
            zone: options.zone(settings)?,
            date: pattern("dateFormat", Use::Parse)?,
            timestamp: pattern("timestampFormat", Use::Parse)?,
            ntz: pattern("timestampNTZFormat", Use::ParseNew)?,
            time: pattern("timeFormat", Use::ParseNew)?,
        })
    }

    /// Days since the epoch.
    pub(in crate::functions) fn date(&self, text: &str) -> Option<i64> {
        match &self.date {
            Some(pattern) => pattern.parse(text).and_then(|parsed| parsed.days()).ok(),
            None => datetime_text::parse_date(text).map(i64::from),
        }
    }

    /// Whether dates are read without a pattern.
    pub(in crate::functions) fn default_date(&self) -> bool {
        self.date.is_none()
    }

    /// Microseconds since the epoch.
    pub(in crate::functions) fn timestamp(&self, text: &str) -> Option<i64> {
        match &self.timestamp {
            Some(pattern) => pattern.parse(text).and_then(|parsed| parsed.micros(self.zone)).ok(),
            None => datetime_text::parse_timestamp(text, &self.zone),
        }
    }

    /// Microseconds of local time.
    pub(in crate::functions) fn ntz(&self, text: &str) -> Option<i64> {
        match &self.ntz {
            Some(pattern) => {
                let parsed = pattern.parse(text).ok().filter(|parsed| parsed.zone().is_none())?;
                parsed.local_micros().ok()
            }
            None => datetime_text::parse_timestamp_ntz(text, false),
        }
    }

    /// Nanoseconds since midnight.
    pub(in crate::functions) fn time(&self, text: &str) -> Option<i64> {
        match &self.time {
            Some(pattern) => pattern.parse(text).and_then(|parsed| parsed.nanos()).ok(),
            None => datetime_text::parse_time(text),
        }
    }
}

/// How dates and times are written.
#[derive(Debug)]
pub(in crate::functions) struct WriteFormats {
    zone: TimeZone,
    date: Pattern,
    timestamp: Pattern,
    ntz: Pattern,
    time: Option<Pattern>,
}

impl WriteFormats {
    /// As the options say, else ISO 8601 with milliseconds.
    ///
    /// # Errors
    /// What is wrong with a pattern or the zone.
    pub(in crate::functions) fn new(options: &Options, settings: &Settings) -> Result<Self> {
        let pattern = |name: &str, default: &str, purpose| Pattern::compile_for(options.get(name).unwrap_or(default), purpose, settings);
        Ok(Self {
            zone: options.zone(settings)?,
            date: pattern("dateFormat", "yyyy-MM-dd", Use::Format)?,
            timestamp: pattern("timestampFormat", "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]", Use::Format)?,
            ntz: pattern("timestampNTZFormat", "yyyy-MM-dd'T'HH:mm:ss[.SSS]", Use::FormatNew)?,
            time: options.get("timeFormat").map(|text| Pattern::compile_for(text, Use::FormatNew, settings)).transpose()?,
        })
    }

    /// A date, by its days.
    ///
    /// # Errors
    /// What the pattern asks for and a date has not.
    pub(in crate::functions) fn date(&self, days: i32) -> Result<String> {
        written(&self.date, &Moment::of_date(days))
    }

    /// A moment, by its microseconds.
    ///
    /// # Errors
    /// What the pattern asks for and it has not.
    pub(in crate::functions) fn timestamp(&self, micros: i64) -> Result<String> {
        written(&self.timestamp, &Moment::of_timestamp(micros, self.zone))
    }

    /// Local time, by its microseconds.
    ///
    /// # Errors
    /// What the pattern asks for and it has not.
    pub(in crate::functions) fn ntz(&self, micros: i64) -> Result<String> {
        written(&self.ntz, &Moment::of_local(micros))
    }

    /// A time of day, by its nanoseconds.
    ///
    /// # Errors
    /// What the pattern asks for and it has not.
    pub(in crate::functions) fn time(&self, nanos: i64) -> Result<String> {
        match &self.time {
            Some(pattern) => written(pattern, &Moment::of_time(nanos)),
            None => Ok(datetime_text::time_text(nanos)),
        }
    }
}

fn written(pattern: &Pattern, moment: &Moment) -> Result<String> {
    pattern.format(moment).map_err(|why| Error::data(format!("a value cannot be written by its format: {why}; give another format")))
}

/// The only thing shown of calls with a schema or options: the text or value that is read or written.
pub(in crate::functions) fn shown(call: &Call<'_>, made: Typed, value: &Typed) -> Typed {
    made.shown(crate::Sql::call(call.name, [&value.sql]))
}
