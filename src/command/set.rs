//! SET, RESET and SET TIME ZONE.

use tidemill_spark::error::error;

use super::{Context, rows};
use crate::dataframe::DataFrame;
use crate::session::documented;
use crate::stores::{REDACTED, is_secret};
use tidemill_planner::Result;

/// SET.
pub(super) fn set(cx: &Context<'_>, key: Option<&str>, value: Option<&str>, verbose: bool) -> Result<DataFrame> {
    match (key, value) {
        (Some(key), Some(value)) => {
            let variable = cx.catalog().variable(&[key.to_owned()]).ok().and_then(|(_, found)| found);
            if variable.is_some() {
                let message = format!("`{key}` is a session variable: say SET VARIABLE {key} = …");
                return Err(error("UNSUPPORTED_FEATURE.SET_VARIABLE_USING_SET", message));
            }
            cx.session.set(key, value)?;
            pair(cx, vec![(key.to_owned(), value.to_owned())])
        }
        (Some(key), None) => {
            let value = cx.session.setting(key).unwrap_or_else(|| "<undefined>".to_owned());
            pair(cx, vec![(key.to_owned(), value)])
        }
        (None, _) if verbose => {
            let mut found: Vec<[Option<String>; 4]> = documented()
                .map(|spec| {
                    let value = cx.session.setting(spec.name).unwrap_or_else(|| "<undefined>".to_owned());
                    [Some(spec.name.to_owned()), Some(value), Some(spec.doc.to_owned()), Some(String::new())]
                })
                .collect();
            found.sort();
            rows::text(cx, ["key", "value", "meaning", "Since version"], found)
        }
        (None, _) => pair(cx, cx.session.conf().into_iter().collect()),
    }
}

fn pair(cx: &Context<'_>, pairs: Vec<(String, String)>) -> Result<DataFrame> {
    rows::text(cx, ["key", "value"], pairs.into_iter().map(shown).collect())
}

fn shown((key, value): (String, String)) -> [Option<String>; 2] {
    let value = if is_secret(&key) { REDACTED.to_owned() } else { value };
    [Some(key), Some(value)]
}

/// RESET.
pub(super) fn reset(cx: &Context<'_>, key: Option<&str>) -> Result<DataFrame> {
    match key {
        Some(key) => cx.session.unset(key)?,
        None => cx.session.reset(),
    }
    rows::nothing(cx)
}

/// SET TIME ZONE.
pub(super) fn time_zone(cx: &Context<'_>, zone: Option<&str>) -> Result<DataFrame> {
    const ZONE: &str = "spark.sql.session.timeZone";
    match zone {
        Some(zone) => cx.session.set(ZONE, zone)?,
        None => cx.session.unset(ZONE)?,
    }
    pair(cx, vec![(ZONE.to_owned(), cx.session.setting(ZONE).unwrap_or_default())])
}
