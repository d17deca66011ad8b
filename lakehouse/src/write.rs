//! Rows in hand become Parquet data files with statistics. Files are invisible until a commit names them; that is not done here. Rows that
//! are still being made are `attempt_files`'.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::{StreamExt, TryStreamExt};
use tidemill_planner::key::stable_hash;
use tidemill_planner::{Error, Result};
use uuid::Uuid;

use crate::encoder::{Encoded, Encoder};
use crate::io::blocking;
use crate::log::actions::Add;
use crate::log::dir::{sync_dir, write_file};
use crate::log::replay::{local_path, percent_encode};
use crate::partition::Layout;
use crate::schema::PartitionValues;

/// How data files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Codec {
    /// Fast, and what every reader has.
    #[default]
    Snappy,
    /// Smaller and slower.
    Zstd,
}

impl Codec {
    fn suffix(self) -> &'static str {
        match self {
            Self::Snappy => "snappy",
            Self::Zstd => "zstd",
        }
    }
}

/// What a data file is to be like.
#[derive(Debug, Clone)]
pub(crate) struct FileOptions {
    pub(crate) codec: Codec,
    /// Columns whose values hardly repeat: a dictionary of them would be built in vain.
    pub(crate) distinct: Vec<String>,
    pub(crate) durable: bool,
}

/// Encodes rows (in the columns of the data files) as one Parquet file: pure computation on the calling thread.
pub(crate) fn encode(batches: &[RecordBatch], file: &SchemaRef, options: &FileOptions) -> Result<Encoded> {
    let mut encoder = Encoder::try_new(file, options)?;
    batches.iter().try_for_each(|batch| encoder.add(batch))?;
    encoder.end()
}

/// How data files are named.
#[derive(Debug, Clone)]
pub(crate) enum Naming {
    /// Never the same twice.
    Unique,
    /// From what is written and when, so that writing it again after a power cut gives the same name.
    Derived(String),
}

impl Naming {
    /// The name of file `part`.
    pub(crate) fn file_name(&self, part: usize, codec: Codec) -> String {
        let id = match self {
            Self::Unique => Uuid::new_v4(),
            Self::Derived(seed) => {
                let half = |side: &str| u128::from(stable_hash(format!("{side}\0{seed}\0{part}").as_bytes()));
                uuid::Builder::from_random_bytes(((half("a") << 64) | half("b")).to_be_bytes()).into_uuid()
            }
        };
        format!("part-{part:05}-{id}-c000.{}.parquet", codec.suffix())
    }
}

/// The name of file `number` of an attempt at a task: no other attempt has it, and the files of a table in the order of their names are in
/// that of the tasks, and of their rows.
pub(crate) fn attempt_file_name(partition: usize, attempt: &Uuid, number: u32, codec: Codec) -> String {
    format!("part-{partition:05}-{attempt}-c{number:05}.{}.parquet", codec.suffix())
}

/// Rows that go into one data file.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) values: PartitionValues,
    /// In the columns of the data files.
    pub(crate) batches: Vec<RecordBatch>,
}

/// Splits rows (in the table's columns) into data files: by partition values, then by size.
pub(crate) fn plan_parts(layout: &Layout, batches: &[RecordBatch], target_bytes: u64) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    for (values, batches) in layout.split(batches)? {
        let mut current: Vec<RecordBatch> = Vec::new();
        let mut bytes = 0;
        for batch in batches.into_iter().filter(|b| b.num_rows() > 0) {
            // Parquet takes about half of what Arrow takes in memory.
            let batch_bytes = (batch.get_array_memory_size() as u64 / 2).max(1);
            let pieces = batch_bytes.div_ceil(target_bytes.max(1)).clamp(1, batch.num_rows() as u64) as usize;
            let rows_per_piece = batch.num_rows().div_ceil(pieces);
            for start in (0..batch.num_rows()).step_by(rows_per_piece) {
                let piece = batch.slice(start, rows_per_piece.min(batch.num_rows() - start));
                let piece_bytes = batch_bytes / pieces as u64;
                if bytes > 0 && bytes + piece_bytes > target_bytes {
                    parts.push(Part { values: values.clone(), batches: std::mem::take(&mut current) });
                    bytes = 0;
                }
                bytes += piece_bytes;
                current.push(piece);
            }
        }
        if !current.is_empty() {
            parts.push(Part { values, batches: current });
        }
    }
    Ok(parts)
}

/// A data file that lies on the disk, not yet in the table.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) add: Add,
    pub(crate) rows: u64,
}

/// Encodes and writes one data file into the table's folder; blocking.
pub(crate) fn write_part(root: &Path, layout: &Layout, part: &Part, name: &str, options: &FileOptions, now_ms: i64) -> Result<Written> {
    let encoded = encode(&part.batches, &layout.file, options)?;
    let path = percent_encode(&format!("{}{name}", layout.folder(&part.values)));
    let local = local_path(root, &path)?;
    let folder = local.parent().unwrap_or(root).to_path_buf();
    if folder != root {
        create_folders(root, &folder, options.durable)?;
    }
    place_file(&local, &encoded.bytes, options.durable)?;
    let rows = part.batches.iter().map(|b| b.num_rows() as u64).sum();
    Ok(Written {
        add: Add {
            path,
            partition_values: part.values.clone(),
            size: encoded.bytes.len() as i64,
            modification_time: now_ms,
            data_change: true,
            stats: Some(encoded.stats),
            ..Add::default()
        },
        rows,
    })
}

/// Writes a whole file or none: aside first, then by rename over what an earlier attempt may have left.
pub(crate) fn place_file(path: &Path, bytes: &[u8], durable: bool) -> Result<()> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let aside = path.with_file_name(format!(".{name}.{}.tmp", Uuid::new_v4()));
    write_file(&aside, bytes, durable)?;
    fs::rename(&aside, path).map_err(|e| {
        let _ = fs::remove_file(&aside);
        Error::io_at(path.display(), e)
    })
}

/// Makes `folder` and those above it up to `root`.
pub(crate) fn create_folders(root: &Path, folder: &Path, durable: bool) -> Result<()> {
    fs::create_dir_all(folder).map_err(|e| Error::io_at(folder.display(), e))?;
    if durable {
        let mut at = folder.parent();
        while let Some(above) = at.filter(|above| above.starts_with(root)) {
            sync_dir(above)?;
            at = above.parent();
        }
    }
    Ok(())
}

/// The folders whose names must be synced for these files to survive a power cut.
pub(crate) fn folders_of(root: &Path, adds: &[Add]) -> Result<Vec<PathBuf>> {
    let mut folders =
        adds.iter().map(|add| Ok(local_path(root, &add.path)?.parent().unwrap_or(root).to_path_buf())).collect::<Result<Vec<_>>>()?;
    folders.sort();
    folders.dedup();
    Ok(folders)
}

/// Removes data files that no commit names. One that cannot be removed is left for a vacuum, and is no reason to fail.
pub(crate) fn remove_unnamed<'a>(root: &Path, adds: impl IntoIterator<Item = &'a Add>) {
    for path in adds.into_iter().filter_map(|add| local_path(root, &add.path).ok()) {
        let _ = fs::remove_file(path);
    }
}

/// Encodes and writes data files side by side.
pub(crate) async fn write_parts(
    root: &Path,
    layout: &Arc<Layout>,
    parts: Vec<Part>,
    naming: &Naming,
    options: &FileOptions,
    now_ms: i64,
) -> Result<Vec<Written>> {
    let at_once = std::thread::available_parallelism().map_or(2, usize::from);
    let jobs: Vec<_> = parts
        .into_iter()
        .enumerate()
        .map(|(number, part)| {
            let (root, layout, options) = (root.to_path_buf(), Arc::clone(layout), options.clone());
            let name = naming.file_name(number, options.codec);
            blocking(move || write_part(&root, &layout, &part, &name, &options, now_ms))
        })
        .collect();
    futures::stream::iter(jobs).buffered(at_once).try_collect().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int64Array;
    use arrow::datatypes::{DataType, Field, Schema};

    #[test]
    fn derived_names_are_the_same_again() {
        let naming = Naming::Derived("sink\u{0}7".into());
        assert_eq!(naming.file_name(3, Codec::Snappy), naming.file_name(3, Codec::Snappy));
        assert_ne!(naming.file_name(3, Codec::Snappy), naming.file_name(4, Codec::Snappy));
        assert_ne!(naming.file_name(3, Codec::Snappy), Naming::Derived("sink\u{0}8".into()).file_name(3, Codec::Snappy));
        assert_ne!(Naming::Unique.file_name(0, Codec::Zstd), Naming::Unique.file_name(0, Codec::Zstd));
        assert!(
            naming.file_name(3, Codec::Snappy).starts_with("part-00003-")
                && naming.file_name(3, Codec::Snappy).ends_with("-c000.snappy.parquet")
        );
    }

    #[test]
    fn parts_hold_about_the_target_and_lose_no_row() {
        let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
        let layout = Layout::try_new(&schema, &[]).unwrap();
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(Int64Array::from_iter_values(0..10_000))]).unwrap();
        for (target, files) in [(u64::MAX, 1), (20_000, 9), (1, 30_000)] {
            let parts = plan_parts(&layout, &vec![batch.clone(); 3], target).unwrap();
            assert_eq!(parts.len(), files, "target {target}");
            let rows: usize = parts.iter().flat_map(|p| &p.batches).map(RecordBatch::num_rows).sum();
            assert_eq!(rows, 30_000);
        }
        assert!(plan_parts(&layout, &[batch.slice(0, 0)], 10).unwrap().is_empty());
    }
}
