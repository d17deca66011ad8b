//! Table properties: one table says what may stand in each, and which of their texts ask for what Tidemill does not do. `create` checks
//! what a user sets; what another engine set is read where it matters, and never guessed at.

use std::collections::BTreeMap;

use tidemill_planner::ident::did_you_mean;
use tidemill_planner::{Error, Result};

/// How long a checkpoint remembers removed files, so that a vacuum spares them.
pub(crate) const DELETED_FILE_RETENTION: &str = "delta.deletedFileRetentionDuration";

/// What a text must be.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// `true` or `false`.
    Flag,
    /// A whole number, not below this one.
    Whole(i64),
    /// `interval 7 days`.
    Interval,
    /// Any text.
    Word,
}

/// What any other text than the allowed ones asks for.
#[derive(Debug, Clone, Copy)]
enum Asks {
    /// A table feature that we do not write.
    Feature(&'static str),
    /// Something that nobody here does; the words say what is done.
    Undone(&'static str),
}

#[derive(Debug, Clone, Copy)]
struct Property {
    name: &'static str,
    form: Form,
    /// The texts that ask for nothing; all of the form where there is none.
    only: Option<(&'static [&'static str], Asks)>,
}

const fn any(name: &'static str, form: Form) -> Property {
    Property { name, form, only: None }
}

const fn feature(name: &'static str, form: Form, without: &'static [&'static str], feature: &'static str) -> Property {
    Property { name, form, only: Some((without, Asks::Feature(feature))) }
}

const fn undone(name: &'static str, form: Form, allowed: &'static [&'static str], instead: &'static str) -> Property {
    Property { name, form, only: Some((allowed, Asks::Undone(instead))) }
}

const OFF: &[&str] = &["false"];
const NONE: &[&str] = &[];

/// What asks for a protocol.
const PROTOCOL: &str = "the protocol follows from what the table holds";

/// A property of `delta.` that is not in this table, and does not begin as [`FAMILIES`] do, is refused.
const PROPERTIES: &[Property] = &[
    // Kept to.
    any("delta.appendOnly", Form::Flag),
    any(DELETED_FILE_RETENTION, Form::Interval),
    undone("delta.isolationLevel", Form::Word, &["Serializable", "WriteSerializable"], "commits are serializable"),
    undone("delta.checkpoint.writeStatsAsJson", Form::Flag, &["true"], "checkpoints hold statistics as JSON"),
    undone("delta.checkpoint.writeStatsAsStruct", Form::Flag, OFF, "checkpoints hold statistics as JSON"),
    undone("delta.parquet.format.version", Form::Word, &["1.0.0"], "data files are of version 1.0.0"),
    undone("delta.randomizeFilePrefixes", Form::Flag, OFF, "data files lie in the folders of their partition values"),
    // Advice on the size and number of files, and on what whoever cleans the log may take away, which Tidemill does not: all may stand.
    any("delta.autoOptimize", Form::Flag),
    any("delta.autoOptimize.autoCompact", Form::Flag),
    any("delta.autoOptimize.optimizeWrite", Form::Flag),
    any("delta.checkpointInterval", Form::Whole(1)),
    any("delta.checkpointRetentionDuration", Form::Interval),
    any("delta.dataSkippingNumIndexedCols", Form::Whole(-1)),
    any("delta.dropFeatureTruncateHistory.retentionDuration", Form::Interval),
    any("delta.enableExpiredLogCleanup", Form::Flag),
    any("delta.enableFullRetentionRollback", Form::Flag),
    any("delta.logRetentionDuration", Form::Interval),
    any("delta.randomPrefixLength", Form::Whole(1)),
    any("delta.sampleRetentionDuration", Form::Interval),
    any("delta.targetFileSize", Form::Whole(1)),
    any("delta.tuneFileSizesForRewrites", Form::Flag),
    // Known, and not done here.
    undone("delta.compatibility.symlinkFormatManifest.enabled", Form::Flag, OFF, "no manifest is written beside the log"),
    undone("delta.dataSkippingStatsColumns", Form::Word, NONE, "statistics are of the first 32 columns"),
    undone("delta.ignoreProtocolDefaults", Form::Word, NONE, PROTOCOL),
    undone("delta.minReaderVersion", Form::Word, NONE, PROTOCOL),
    undone("delta.minWriterVersion", Form::Word, NONE, PROTOCOL),
    undone("delta.parquet.compression.codec", Form::Word, NONE, "data files are compressed as TableOptions::codec says"),
    undone("delta.setTransactionRetentionDuration", Form::Word, NONE, "transaction ids are kept for good"),
    // Ask for table features.
    feature("delta.checkpointPolicy", Form::Word, &["classic"], "v2Checkpoint"),
    feature("delta.columnMapping.maxColumnId", Form::Word, NONE, "columnMapping"),
    feature("delta.columnMapping.mode", Form::Word, &["none"], "columnMapping"),
    feature("delta.enableChangeDataCapture", Form::Flag, OFF, "changeDataFeed"),
    feature("delta.enableChangeDataFeed", Form::Flag, OFF, "changeDataFeed"),
    feature("delta.enableDeletionVectors", Form::Flag, OFF, "deletionVectors"),
    feature("delta.enableIcebergCompatV1", Form::Flag, OFF, "icebergCompatV1"),
    feature("delta.enableIcebergCompatV2", Form::Flag, OFF, "icebergCompatV2"),
    feature("delta.enableIcebergCompatV3", Form::Flag, OFF, "icebergCompatV3"),
    feature("delta.enableIcebergWriterCompatV1", Form::Flag, OFF, "icebergWriterCompatV1"),
    feature("delta.enableInCommitTimestamps", Form::Flag, OFF, "inCommitTimestamp"),
    feature("delta.enableRowTracking", Form::Flag, OFF, "rowTracking"),
    feature("delta.enableTypeWidening", Form::Flag, OFF, "typeWidening"),
    feature("delta.enableVariantShredding", Form::Flag, OFF, "variantShredding"),
    feature("delta.inCommitTimestampEnablementTimestamp", Form::Word, NONE, "inCommitTimestamp"),
    feature("delta.inCommitTimestampEnablementVersion", Form::Word, NONE, "inCommitTimestamp"),
    feature("delta.requireCheckpointProtectionBeforeVersion", Form::Word, NONE, "checkpointProtection"),
    feature("delta.rowTracking.materializedRowCommitVersionColumnName", Form::Word, NONE, "rowTracking"),
    feature("delta.rowTracking.materializedRowIdColumnName", Form::Word, NONE, "rowTracking"),
    feature("delta.rowTrackingSuspended", Form::Flag, OFF, "rowTracking"),
    feature("delta.universalFormat.enabledFormats", Form::Word, &[""], "icebergCompatV2"),
];

/// Properties that go on with a name of the user's, and the features that they ask for; without one it is that name.
const FAMILIES: &[(&str, Option<&str>)] = &[
    ("delta.constraints.", Some("checkConstraints")),
    ("delta.coordinatedCommits.", Some("coordinatedCommits-preview")),
    ("delta.feature.", None),
    ("delta.universalFormat.config.", Some("icebergCompatV2")),
];

/// The properties that a user sets, as they go into the table: Delta's in Delta's spelling, the user's own as they are.
///
/// # Errors
/// `Analysis` for a property of `delta.` that is unknown, given twice, or whose text cannot be read; `Unsupported` for one that asks
/// for what we do not do, naming the feature.
pub(crate) fn checked(given: &BTreeMap<String, String>) -> Result<BTreeMap<String, Option<String>>> {
    let mut checked = BTreeMap::new();
    for (name, text) in given {
        let name = if after(name, "delta.").is_some() { known(name, text)? } else { name.as_str() };
        if checked.insert(name.to_owned(), Some(text.clone())).is_some() {
            return Err(Error::analysis(format!("table property `{name}` is given twice (case does not count); drop one")));
        }
    }
    Ok(checked)
}

/// The property's name in Delta's spelling.
fn known(name: &str, text: &str) -> Result<&'static str> {
    let asks_for = |feature: &str| {
        Err(Error::unsupported(format!(
            "table property `{name}` = `{text}` asks for the table feature {feature}, which Tidemill does not write; leave it out, or make \
             the table with an engine that does"
        )))
    };
    for (family, feature) in FAMILIES {
        if let Some(rest) = after(name, family).filter(|rest| !rest.is_empty()) {
            return asks_for(feature.unwrap_or(rest));
        }
    }
    let Some(property) = PROPERTIES.iter().find(|property| property.name.eq_ignore_ascii_case(name)) else {
        let hint = did_you_mean(name, PROPERTIES.iter().map(|property| property.name));
        return Err(Error::analysis(format!(
            "`{name}` is not a property of Delta tables that Tidemill knows{hint} (one of your own must not begin with `delta.`)"
        )));
    };
    if let Some(must) = property.form.misses(text) {
        return Err(Error::analysis(format!("table property `{name}` must be {must}, not `{text}`")));
    }
    match property.only {
        Some((allowed, asks)) if !allowed.iter().any(|a| a.eq_ignore_ascii_case(text)) => match asks {
            Asks::Feature(feature) => asks_for(feature),
            Asks::Undone(instead) => {
                Err(Error::unsupported(format!("table property `{name}` = `{text}` is not kept to by Tidemill ({instead}); leave it out")))
            }
        },
        _ => Ok(property.name),
    }
}

impl Form {
    /// What the text must be, where it is not.
    fn misses(self, text: &str) -> Option<String> {
        let (fits, must) = match self {
            Self::Flag => (["true", "false"].iter().any(|flag| flag.eq_ignore_ascii_case(text)), "true or false".to_owned()),
            Self::Whole(least) => (text.parse::<i64>().is_ok_and(|n| n >= least), format!("a whole number, {least} or more")),
            Self::Interval => (interval_ms(text).is_some(), "an interval such as `interval 7 days`, without months and years".to_owned()),
            Self::Word => (true, String::new()),
        };
        (!fits).then_some(must)
    }
}

/// What comes after the prefix, whatever its case.
fn after<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    name.get(..prefix.len()).filter(|head| head.eq_ignore_ascii_case(prefix))?;
    name.get(prefix.len()..)
}

/// How long removed files are spared, milliseconds: one week where the table says nothing.
///
/// # Errors
/// `Unsupported` where what it says cannot be read: files that are forgotten too soon are deleted under their readers.
pub(crate) fn deleted_file_retention_ms(text: Option<&str>) -> Result<i64> {
    let text = text.unwrap_or("interval 1 week");
    interval_ms(text).ok_or_else(|| {
        Error::unsupported(format!(
            "table property {DELETED_FILE_RETENTION} = `{text}` is no interval that Tidemill reads, so it cannot tell which removed files \
             to remember; set it to one such as `interval 7 days` with the table's own engine"
        ))
    })
}

/// Delta's interval, milliseconds: numbers with units, `interval` before them or not. Months and years have no fixed length.
fn interval_ms(text: &str) -> Option<i64> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let parts = match words.as_slice() {
        ["interval", parts @ ..] => parts,
        parts => parts,
    };
    if parts.is_empty() {
        return None;
    }
    let mut micros = 0_i64;
    for part in parts.chunks(2) {
        let [number, unit] = part else { return None };
        let unit_us = match *unit {
            "week" | "weeks" => 7 * 24 * 3_600_000_000,
            "day" | "days" => 24 * 3_600_000_000,
            "hour" | "hours" => 3_600_000_000,
            "minute" | "minutes" => 60_000_000,
            "second" | "seconds" => 1_000_000,
            "millisecond" | "milliseconds" => 1_000,
            "microsecond" | "microseconds" => 1,
            _ => return None,
        };
        let number: u32 = number.parse().ok()?;
        micros = micros.checked_add(i64::from(number).checked_mul(unit_us)?)?;
    }
    Some(micros / 1000)
}

/// Whether a flag is set. One that cannot be read counts as set: what it forbids is not done.
pub(crate) fn is_on(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.eq_ignore_ascii_case("false"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_as_delta_reads_them() {
        let hour = 3_600_000;
        for (text, ms) in [
            ("interval 1 week", Some(7 * 24 * hour)),
            ("7 days", Some(7 * 24 * hour)),
            (" INTERVAL  1 Day 12 hours ", Some(36 * hour)),
            ("interval 0 hours", Some(0)),
            ("interval 90 minutes 30 seconds", Some(5_430_000)),
            ("interval 1500 microseconds", Some(1)),
            ("interval 2500 milliseconds", Some(2_500)),
            ("", None),
            ("interval", None),
            ("a week", None),
            ("1 week 2", None),
            ("week 1", None),
            ("interval 1 month", None),
            ("interval 1 year", None),
            ("interval -1 day", None),
            ("interval 1.5 days", None),
            ("interval 1 dayss", None),
            ("interval1 day", None),
            ("interval 99999999999999999999 days", None),
            ("interval 4000000000 weeks", None),
        ] {
            assert_eq!(interval_ms(text), ms, "{text:?}");
        }
        assert_eq!(deleted_file_retention_ms(None).unwrap(), 7 * 24 * hour);
        assert!(deleted_file_retention_ms(Some("forever")).unwrap_err().message().contains("`forever`"));
    }

    #[test]
    fn every_property_stands_once_and_in_a_form_of_its_own() {
        for (i, property) in PROPERTIES.iter().enumerate() {
            assert!(after(property.name, "delta.").is_some_and(|rest| !rest.is_empty()), "{}", property.name);
            assert!(FAMILIES.iter().all(|(family, _)| after(property.name, family).is_none()), "{} is of a family", property.name);
            assert!(PROPERTIES[..i].iter().all(|p| !p.name.eq_ignore_ascii_case(property.name)), "{} stands twice", property.name);
            for text in property.only.iter().flat_map(|(allowed, _)| *allowed) {
                assert_eq!(property.form.misses(text), None, "{} may be {text}, which is not of its form", property.name);
            }
        }
    }
}
