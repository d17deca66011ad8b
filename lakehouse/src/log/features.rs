//! Which Delta protocols we read and write: one table of features, and an error that names what we do not know.

use tidemill_planner::{Error, Result};

use super::actions::Protocol;
use super::properties::is_on;
use super::replay::Index;
use crate::schema::column_marks;

/// When a table may be touched that has a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Support {
    /// Always.
    Yes,
    /// While the table does not make use of it; [`used_features`] says whether it does.
    Unused,
    /// Never.
    No,
}

struct Feature {
    name: &'static str,
    read: Support,
    write: Support,
    /// The first writer version that implies it, for protocols that do not name features.
    legacy_writer: Option<i32>,
}

const fn feature(name: &'static str, read: Support, write: Support, legacy_writer: Option<i32>) -> Feature {
    Feature { name, read, write, legacy_writer }
}

/// A feature that is not in this table is refused in both directions.
const FEATURES: &[Feature] = &[
    feature("appendOnly", Support::Yes, Support::Yes, Some(2)),
    feature("invariants", Support::Yes, Support::Unused, Some(2)),
    feature("checkConstraints", Support::Yes, Support::Unused, Some(3)),
    feature("changeDataFeed", Support::Yes, Support::Unused, Some(4)),
    feature("generatedColumns", Support::Yes, Support::Unused, Some(4)),
    feature("columnMapping", Support::Unused, Support::Unused, Some(5)),
    feature("identityColumns", Support::Yes, Support::Unused, Some(6)),
    feature("deletionVectors", Support::Unused, Support::Unused, None),
    feature("timestampNtz", Support::Yes, Support::Yes, None),
    feature("v2Checkpoint", Support::Unused, Support::Unused, None),
    feature("vacuumProtocolCheck", Support::Yes, Support::Yes, None),
    feature("domainMetadata", Support::Yes, Support::Yes, None),
    feature("allowColumnDefaults", Support::Yes, Support::Unused, None),
    feature("rowTracking", Support::Yes, Support::No, None),
    feature("clustering", Support::Yes, Support::No, None),
    feature("inCommitTimestamp", Support::Yes, Support::Unused, None),
    feature("icebergCompatV1", Support::Yes, Support::No, None),
    feature("icebergCompatV2", Support::Yes, Support::No, None),
    feature("icebergCompatV3", Support::Yes, Support::No, None),
    feature("icebergWriterCompatV1", Support::Yes, Support::No, None),
    feature("materializePartitionColumns", Support::Yes, Support::No, None),
    feature("checkpointProtection", Support::Yes, Support::No, None),
    feature("typeWidening", Support::No, Support::No, None),
    feature("typeWidening-preview", Support::No, Support::No, None),
    feature("variantType", Support::No, Support::No, None),
    feature("variantType-preview", Support::No, Support::No, None),
    feature("catalogManaged", Support::No, Support::No, None),
    feature("catalogOwned-preview", Support::No, Support::No, None),
];

fn known(name: &str) -> Option<&'static Feature> {
    FEATURES.iter().find(|f| f.name == name)
}

/// Refuses a protocol whose tables we cannot read whatever they hold.
///
/// # Errors
/// `Unsupported`, naming the features or the version.
pub(crate) fn check_readable(protocol: &Protocol) -> Result<()> {
    if !(1..=3).contains(&protocol.min_reader_version) {
        return Err(Error::unsupported(format!(
            "the table asks for Delta reader version {}, Tidemill knows 1 to 3; read it with a newer engine",
            protocol.min_reader_version
        )));
    }
    let unknown: Vec<&str> = protocol
        .reader_features
        .iter()
        .flatten()
        .map(String::as_str)
        .filter(|name| known(name).is_none_or(|f| f.read == Support::No))
        .collect();
    refuse("reading", &unknown)
}

/// Refuses a table that makes use of a feature that we do not read, or that is none.
///
/// # Errors
/// `Unsupported`, naming the features; `Corrupt` for a log without protocol or columns.
pub(crate) fn check_snapshot(index: &Index) -> Result<()> {
    index.check_whole()?;
    let used = used_features(index)?;
    let unknown: Vec<&str> = FEATURES.iter().filter(|f| f.read == Support::Unused && used.contains(&f.name)).map(|f| f.name).collect();
    refuse("reading", &unknown)
}

/// Refuses a table that we cannot write without breaking one of its rules.
///
/// # Errors
/// `Unsupported`, naming the features or the version.
pub(crate) fn check_writable(index: &Index) -> Result<()> {
    check_snapshot(index)?;
    let protocol = &index.protocol;
    if !(1..=7).contains(&protocol.min_writer_version) || protocol.min_writer_version == 7 && protocol.writer_features.is_none() {
        return Err(Error::unsupported(format!(
            "the table asks for Delta writer version {}, Tidemill knows 1 to 7; write it with a newer engine",
            protocol.min_writer_version
        )));
    }
    let named: Vec<&str> = match &protocol.writer_features {
        Some(names) if protocol.min_writer_version == 7 => names.iter().map(String::as_str).collect(),
        _ => FEATURES.iter().filter(|f| f.legacy_writer.is_some_and(|v| v <= protocol.min_writer_version)).map(|f| f.name).collect(),
    };
    let used = used_features(index)?;
    let refused: Vec<&str> = named
        .into_iter()
        .filter(|name| match known(name).map_or(Support::No, |f| f.write) {
            Support::Yes => false,
            Support::Unused => used.contains(name),
            Support::No => true,
        })
        .collect();
    refuse("writing", &refused)
}

/// Refuses to take files out of a table that is append-only.
///
/// # Errors
/// `Unsupported`, naming the property.
pub(crate) fn check_not_append_only(index: &Index) -> Result<()> {
    let text = index.property("delta.appendOnly");
    if is_on(text) {
        return Err(Error::unsupported(format!(
            "the table is append-only (delta.appendOnly = {}): MERGE and overwrite are not allowed; append to it",
            text.unwrap_or_default()
        )));
    }
    Ok(())
}

/// Refuses to write a classic checkpoint where the table asks for another form or for more than we put in.
///
/// # Errors
/// `Unsupported`, naming what the table asks for.
pub(crate) fn check_checkpointable(index: &Index) -> Result<()> {
    check_writable(index)?;
    if index.property("delta.checkpointPolicy").is_some_and(|policy| !policy.eq_ignore_ascii_case("classic")) {
        return refuse("writing checkpoints of", &["v2Checkpoint"]);
    }
    Ok(())
}

fn refuse(doing: &str, features: &[&str]) -> Result<()> {
    if features.is_empty() {
        return Ok(());
    }
    Err(Error::unsupported(format!(
        "{doing} Delta tables with {} is not supported; use the engine that made the table, or rewrite it without",
        features.join(", ")
    )))
}

/// The features that the table does make use of, by what stands in its properties, columns and files.
fn used_features(index: &Index) -> Result<Vec<&'static str>> {
    let on = |name: &str| is_on(index.property(name));
    let mut used = Vec::new();
    for (_, mark) in column_marks(&index.metadata.schema_string)? {
        match mark.as_str() {
            "delta.invariants" => used.push("invariants"),
            "delta.generationExpression" => used.push("generatedColumns"),
            "CURRENT_DEFAULT" => used.push("allowColumnDefaults"),
            identity if identity.starts_with("delta.identity.") => used.push("identityColumns"),
            _ => {}
        }
    }
    if index.metadata.configuration.keys().any(|key| key.starts_with("delta.constraints.")) {
        used.push("checkConstraints");
    }
    if on("delta.enableChangeDataFeed") {
        used.push("changeDataFeed");
    }
    if on("delta.enableInCommitTimestamps") {
        used.push("inCommitTimestamp");
    }
    if index.property("delta.columnMapping.mode").is_some_and(|mode| !mode.eq_ignore_ascii_case("none")) {
        used.push("columnMapping");
    }
    if index.vectors > 0 {
        used.push("deletionVectors");
    }
    used.sort_unstable();
    used.dedup();
    Ok(used)
}

#[cfg(test)]
mod tests {
    use super::super::actions::parse_lines;
    use super::*;

    fn index(protocol: &str, configuration: &str, column_metadata: &str) -> Result<Index> {
        let schema = format!(
            r#"{{\"type\":\"struct\",\"fields\":[{{\"name\":\"n\",\"type\":\"long\",\"nullable\":true,\"metadata\":{column_metadata}}}]}}"#
        );
        let text = format!(
            "{{\"protocol\":{protocol}}}\n{{\"metaData\":{{\"id\":\"t\",\"format\":{{\"provider\":\"parquet\",\"options\":{{}}}},\"schemaString\":\"{schema}\",\"partitionColumns\":[],\"configuration\":{configuration}}}}}"
        );
        let mut index = Index::empty(false);
        index.apply(0, parse_lines("test", text.as_bytes())?)?;
        Ok(index)
    }

    #[test]
    fn features_are_refused_by_name() {
        let legacy = |writer: i32| format!(r#"{{"minReaderVersion":1,"minWriterVersion":{writer}}}"#);
        let named = |reader: &str, writer: &str| {
            format!(r#"{{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":[{reader}],"writerFeatures":[{writer}]}}"#)
        };
        // (protocol, properties, column's metadata, refused on reading, refused on writing)
        let cases: &[(String, &str, &str, &str, &str)] = &[
            (legacy(2), "{}", "{}", "", ""),
            (legacy(6), "{}", "{}", "", ""),
            (legacy(4), r#"{"delta.enableChangeDataFeed":"true"}"#, "{}", "", "changeDataFeed"),
            (legacy(3), r#"{"delta.constraints.c":"n > 0"}"#, "{}", "", "checkConstraints"),
            (legacy(2), "{}", r#"{\"delta.invariants\":\"x\"}"#, "", "invariants"),
            (legacy(4), "{}", r#"{\"delta.generationExpression\":\"1\"}"#, "", "generatedColumns"),
            (legacy(6), "{}", r#"{\"delta.identity.start\":1}"#, "", "identityColumns"),
            (legacy(5), r#"{"delta.columnMapping.mode":"name"}"#, "{}", "columnMapping", "columnMapping"),
            (legacy(9), "{}", "{}", "", "writer version 9"),
            (r#"{"minReaderVersion":4,"minWriterVersion":7}"#.into(), "{}", "{}", "reader version 4", ""),
            (named(r#""deletionVectors""#, r#""deletionVectors""#), "{}", "{}", "", ""),
            (named(r#""typeWidening""#, r#""typeWidening""#), "{}", "{}", "typeWidening", ""),
            (named(r#""somethingNew""#, r#""somethingNew""#), "{}", "{}", "somethingNew", ""),
            (named("", r#""clustering","domainMetadata""#), "{}", "{}", "", "clustering"),
            (named("", r#""rowTracking""#), "{}", "{}", "", "rowTracking"),
            (named("", r#""inCommitTimestamp""#), r#"{"delta.enableInCommitTimestamps":"true"}"#, "{}", "", "inCommitTimestamp"),
            (named("", r#""changeDataFeed","appendOnly""#), "{}", "{}", "", ""),
        ];
        for (protocol, properties, column, read, write) in cases {
            let index = index(protocol, properties, column);
            let reading =
                index.as_ref().map_err(|e| e.message().to_owned()).and_then(|i| check_snapshot(i).map_err(|e| e.message().to_owned()));
            match read {
                &"" => reading.unwrap(),
                name => {
                    assert!(reading.clone().is_err_and(|e| e.contains(name)), "{protocol} {properties}: {reading:?}");
                    continue;
                }
            }
            let writing = check_writable(&index.unwrap()).map_err(|e| e.message().to_owned());
            match write {
                &"" => writing.unwrap(),
                name => assert!(writing.clone().is_err_and(|e| e.contains(name)), "{protocol} {properties}: {writing:?}"),
            }
        }
    }

    #[test]
    fn append_only_is_kept() {
        let index = index(r#"{"minReaderVersion":1,"minWriterVersion":2}"#, r#"{"delta.appendOnly":"true"}"#, "{}").unwrap();
        check_writable(&index).unwrap();
        assert!(check_not_append_only(&index).unwrap_err().message().contains("append-only"));
    }
}
