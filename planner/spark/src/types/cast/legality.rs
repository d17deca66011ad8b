//! Which casts there are, and what Spark advises where there is none.

use crate::error::{at, error};
use crate::plan::{CastMode, Span};
use crate::types::{SparkType, lattice};
use crate::{Result, Settings, Sql};

/// Refuses a cast that Spark does not have.
pub(super) fn check(shown: &Sql, from: &SparkType, to: &SparkType, mode: CastMode, settings: &Settings, span: Option<Span>) -> Result<()> {
    if let Some(name) = unsupported(to).or_else(|| unsupported(from)) {
        let message = format!("there is no type `{name}` here: use another one");
        return Err(at(error("UNSUPPORTED_DATATYPE", message), span));
    }
    let is_try = mode == CastMode::Try;
    if lattice::can_cast(from, to, settings.ansi, is_try) {
        return Ok(());
    }
    let what = format!("cannot resolve \"{shown}\": there is no cast from \"{}\" to \"{}\"", from.sql(), to.sql());
    let functions = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        error("DATATYPE_MISMATCH.CAST_WITH_FUNC_SUGGESTION", format!("{what}; use {} instead", names.join("/")))
    };
    let plain = || error("DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION", format!("{what}; cast over another type, such as STRING"));
    if !is_try && !settings.ansi {
        return Err(at(plain(), span));
    }
    let refused = match (from, to) {
        (from, SparkType::Timestamp) if from.is_numeric() => functions(&["TIMESTAMP_SECONDS", "TIMESTAMP_MILLIS", "TIMESTAMP_MICROS"]),
        (SparkType::Timestamp, to) if to.is_numeric() => functions(&["UNIX_SECONDS", "UNIX_MILLIS", "UNIX_MICROS"]),
        (from, SparkType::Date) if from.is_numeric() => functions(&["DATE_FROM_UNIX_DATE"]),
        (SparkType::Date, to) if to.is_numeric() => functions(&["UNIX_DATE"]),
        _ if lattice::can_cast(from, to, true, true) => functions(&["try_cast"]),
        _ if !is_try && lattice::can_cast(from, to, false, false) => error(
            "DATATYPE_MISMATCH.CAST_WITH_CONF_SUGGESTION",
            format!("{what} in ANSI mode; set \"spark.sql.ansi.enabled\" to 'false' for the legacy cast"),
        ),
        _ => plain(),
    };
    Err(at(refused, span))
}

/// A type that we do not have, in the type or in its parts.
fn unsupported(data_type: &SparkType) -> Option<&str> {
    match data_type {
        SparkType::Unsupported(name) => Some(name),
        SparkType::Array(element, _) => unsupported(element),
        SparkType::Map(key, value, _) => unsupported(key).or_else(|| unsupported(value)),
        SparkType::Struct(fields) => fields.iter().find_map(|field| unsupported(&field.data_type)),
        _ => None,
    }
}
