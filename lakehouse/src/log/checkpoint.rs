//! A table's state in one Parquet file, so that a reader need not replay the whole log. Actions go through their JSON
//! form, so that a checkpoint and the entries can never be read in two ways.
//!
//! ```text
//! write:  index ─► action lines ─ arrow-json ─► batches ─► N.checkpoint.parquet (synced) ─► _last_checkpoint
//! read:   N.checkpoint.parquet ─► batches ─ arrow-json ─► action lines ─► index
//! ```

use std::fs;
use std::io::ErrorKind as IoKind;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use arrow::json::writer::LineDelimited;
use arrow::json::{ReaderBuilder, WriterBuilder};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde_json::json;
use tidemill_planner::{Error, ErrorKind, Result};

use super::actions::{Line, parse_lines};
use super::dir::{LogDir, sync_dir, write_file};
use super::properties::{DELETED_FILE_RETENTION, deleted_file_retention_ms};
use super::replay::Index;

/// The fields of each action that we read; what else a writer put there (parsed statistics, say) is derived from these.
const READ_COLUMNS: &[(&str, &[&str])] = &[
    ("txn", &["appId", "version", "lastUpdated"]),
    ("add", &["path", "partitionValues", "size", "modificationTime", "dataChange", "stats", "tags", "deletionVector"]),
    ("remove", &["path", "deletionTimestamp", "dataChange", "extendedFileMetadata", "partitionValues", "size", "deletionVector"]),
    ("metaData", &["id", "name", "description", "format", "schemaString", "partitionColumns", "configuration", "createdTime"]),
    ("protocol", &["minReaderVersion", "minWriterVersion", "readerFeatures", "writerFeatures"]),
    ("domainMetadata", &["domain", "configuration", "removed"]),
    ("sidecar", &["path"]),
];

/// Reads one file of a checkpoint and hands on its actions, batch by batch.
///
/// # Errors
/// `NotFound` where there is no such file, `Corrupt` where it is no checkpoint.
pub(crate) fn read(path: &Path, mut take: impl FnMut(Vec<Line>) -> Result<()>) -> Result<()> {
    let file = fs::File::open(path).map_err(|e| Error::io_at(path.display(), e))?;
    let damaged = |e: String| {
        Error::corrupt(format!(
            "{}: not a readable checkpoint: {e}; remove it and _last_checkpoint if the log's entries from 0 on are there",
            path.display()
        ))
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| damaged(e.to_string()))?;
    let leaves = builder.parquet_schema().columns().iter().enumerate().filter_map(|(i, column)| {
        let parts = column.path().parts();
        let (_, fields) = READ_COLUMNS.iter().find(|(action, _)| parts.first().is_some_and(|p| p == action))?;
        parts.get(1).is_some_and(|field| fields.contains(&field.as_str())).then_some(i)
    });
    let mask = ProjectionMask::leaves(builder.parquet_schema(), leaves);
    let reader = builder.with_projection(mask).with_batch_size(4096).build().map_err(|e| damaged(e.to_string()))?;
    for batch in reader {
        let batch = batch.map_err(|e| damaged(e.to_string()))?;
        // Nulls are spelled out, because a partition value that is null is not one that is missing.
        let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
        writer.write(&batch).and_then(|()| writer.finish()).map_err(|e| damaged(e.to_string()))?;
        let text = writer.into_inner();
        take(parse_lines(&path.display().to_string(), &text)?)?;
    }
    Ok(())
}

/// Writes the index as a checkpoint, then points `_last_checkpoint` at it. Each is synced before the next can be seen.
///
/// # Errors
/// `Io` and its kin, naming the file; `Unsupported` where the table's retention cannot be read.
pub(crate) fn write(log: &LogDir, index: &Index, now_ms: i64) -> Result<()> {
    let lines = lines_of(index, now_ms)?;
    let rows = lines.len();
    let bytes = encode(&lines)?;
    let size = bytes.len();
    let path = log.checkpoint_paths(index.version, None).remove(0);
    let aside = |name: &str| log.path().join(format!(".tidemill-{name}-{}.tmp", uuid::Uuid::new_v4()));
    let place = |temporary: &Path, to: &Path| match fs::rename(temporary, to) {
        Ok(()) => sync_dir(log.path()),
        Err(e) => Err(Error::io_at(to.display(), e)),
    };
    let temporary = aside("checkpoint");
    write_file(&temporary, &bytes, true)?;
    place(&temporary, &path)?;
    // A slower writer of an older checkpoint must not move the hint back.
    let hint_path = log.path().join("_last_checkpoint");
    if last_version(log)?.is_some_and(|version| version > index.version) {
        return Ok(());
    }
    let hint = json!({"version": index.version, "size": rows, "sizeInBytes": size, "numOfAddFiles": index.files.len()});
    let temporary = aside("hint");
    write_file(&temporary, hint.to_string().as_bytes(), true)?;
    place(&temporary, &hint_path)
}

/// The version of the last checkpoint, by the hint.
pub(crate) fn last_version(log: &LogDir) -> Result<Option<u64>> {
    let path = log.path().join("_last_checkpoint");
    match fs::read(&path) {
        Ok(bytes) => Ok(serde_json::from_slice::<serde_json::Value>(&bytes).ok().and_then(|v| v["version"].as_u64())),
        Err(e) if e.kind() == IoKind::NotFound => Ok(None),
        Err(e) => Err(Error::io_at(path.display(), e)),
    }
}

/// The actions that stand for the index: tombstones as long as a vacuum must spare their files.
fn lines_of(index: &Index, now_ms: i64) -> Result<Vec<Line>> {
    let mut lines = vec![
        Line { protocol: Some((*index.protocol).clone()), ..Line::default() },
        Line { meta_data: Some((*index.metadata).clone()), ..Line::default() },
    ];
    lines.extend(index.txns.values().map(|txn| Line { txn: Some(txn.clone()), ..Line::default() }));
    lines.extend(index.domains.values().map(|d| Line { domain_metadata: Some(d.clone()), ..Line::default() }));
    let oldest = now_ms.saturating_sub(deleted_file_retention_ms(index.property(DELETED_FILE_RETENTION))?);
    let tombstones = index.tombstones.iter().flat_map(|t| t.values()).filter(|r| r.deletion_timestamp.unwrap_or(0) > oldest);
    lines.extend(tombstones.map(|remove| {
        let mut remove = remove.clone();
        remove.data_change = false;
        Line { remove: Some(remove), ..Line::default() }
    }));
    lines.extend(index.files.values().map(|file| {
        let mut add = file.add().clone();
        add.data_change = false;
        Line { add: Some(add), ..Line::default() }
    }));
    // Files in the order of their names make equal states equal bytes.
    lines.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
    Ok(lines)
}

fn sort_key(line: &Line) -> (u8, &str) {
    match line {
        Line { protocol: Some(_), .. } => (0, ""),
        Line { meta_data: Some(_), .. } => (1, ""),
        Line { txn: Some(txn), .. } => (2, &txn.app_id),
        Line { domain_metadata: Some(d), .. } => (3, &d.domain),
        Line { remove: Some(remove), .. } => (4, &remove.path),
        Line { add: Some(add), .. } => (5, &add.path),
        _ => (6, ""),
    }
}

fn encode(lines: &[Line]) -> Result<Vec<u8>> {
    let schema = checkpoint_schema();
    let broken = |e: String| Error::new(ErrorKind::Internal, format!("a checkpoint could not be encoded: {e}"));
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties)).map_err(|e| broken(e.to_string()))?;
    for chunk in lines.chunks(4096) {
        let batch = batch_of(&schema, chunk).map_err(|e| broken(e.to_string()))?;
        writer.write(&batch).map_err(|e| broken(e.to_string()))?;
    }
    writer.into_inner().map_err(|e| broken(e.to_string()))
}

fn batch_of(schema: &SchemaRef, lines: &[Line]) -> Result<RecordBatch> {
    let mut decoder = ReaderBuilder::new(Arc::clone(schema)).with_batch_size(lines.len().max(1)).build_decoder()?;
    decoder.serialize(lines)?;
    decoder.flush()?.ok_or_else(|| Error::internal("a checkpoint without actions"))
}

fn checkpoint_schema() -> SchemaRef {
    let field = |name: &str, data_type: DataType| Field::new(name, data_type, true);
    let text = |name: &str| field(name, DataType::Utf8);
    let long = |name: &str| field(name, DataType::Int64);
    let int = |name: &str| field(name, DataType::Int32);
    let flag = |name: &str| field(name, DataType::Boolean);
    let record = |fields: Vec<Field>| DataType::Struct(Fields::from(fields));
    let texts = || DataType::List(Arc::new(field("element", DataType::Utf8)));
    let map = || {
        let entries = record(vec![Field::new("key", DataType::Utf8, false), text("value")]);
        DataType::Map(Arc::new(Field::new("key_value", entries, false)), false)
    };
    let vector = || record(vec![text("storageType"), text("pathOrInlineDv"), int("offset"), int("sizeInBytes"), long("cardinality")]);
    let action = |name: &str, fields: Vec<Field>| field(name, record(fields));
    Arc::new(Schema::new(vec![
        action("txn", vec![text("appId"), long("version"), long("lastUpdated")]),
        action(
            "add",
            vec![
                text("path"),
                field("partitionValues", map()),
                long("size"),
                long("modificationTime"),
                flag("dataChange"),
                text("stats"),
                field("tags", map()),
                field("deletionVector", vector()),
            ],
        ),
        action(
            "remove",
            vec![
                text("path"),
                long("deletionTimestamp"),
                flag("dataChange"),
                flag("extendedFileMetadata"),
                field("partitionValues", map()),
                long("size"),
                field("deletionVector", vector()),
            ],
        ),
        action(
            "metaData",
            vec![
                text("id"),
                text("name"),
                text("description"),
                field("format", record(vec![text("provider"), field("options", map())])),
                text("schemaString"),
                field("partitionColumns", texts()),
                field("configuration", map()),
                long("createdTime"),
            ],
        ),
        action(
            "protocol",
            vec![int("minReaderVersion"), int("minWriterVersion"), field("readerFeatures", texts()), field("writerFeatures", texts())],
        ),
        action("domainMetadata", vec![text("domain"), text("configuration"), flag("removed")]),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_reads_back_as_the_index_that_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let log = LogDir::of_table(dir.path());
        fs::create_dir(log.path()).unwrap();
        let entry = concat!(
            r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#,
            "\n",
            r#"{"metaData":{"id":"t","name":"n","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"n\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":["p"],"configuration":{"a":"b"},"createdTime":5}}"#,
            "\n",
            r#"{"txn":{"appId":"q","version":4,"lastUpdated":7}}"#,
            "\n",
            r#"{"remove":{"path":"gone","deletionTimestamp":900,"dataChange":true,"size":3}}"#,
            "\n",
            r#"{"remove":{"path":"long gone","deletionTimestamp":1,"dataChange":true}}"#,
            "\n",
            r#"{"add":{"path":"a","partitionValues":{"p":null},"size":1,"modificationTime":1,"dataChange":true,"stats":"{\"numRecords\":3}"}}"#,
        );
        let mut index = Index::empty(true);
        index.apply(3, parse_lines("test", entry.as_bytes()).unwrap()).unwrap();
        write(&log, &index, 604_800_500).unwrap();
        let (back, stamp) = super::super::load::load_latest(&log, true).unwrap();
        assert!(stamp.is_none());
        assert_eq!((back.version, &back.metadata, &back.protocol, &back.txns), (3, &index.metadata, &index.protocol, &index.txns));
        let add = back.files["a"].add();
        assert_eq!((add.partition_values["p"].clone(), add.stats.as_deref()), (None, Some("{\"numRecords\":3}")));
        assert_eq!(back.tombstones.unwrap().keys().collect::<Vec<_>>(), ["gone"], "only what a vacuum must spare");
    }
}
