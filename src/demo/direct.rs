//! The demo's sink that cannot stage: each epoch's alerts as a file of their own. Such a sink is handed an epoch again after a
//! kill, with the same rows; the judge here holds every copy to the others, and all epochs together to the table of alerts.
//!
//! ```text
//! <demo>/direct/epoch-000012-<unique>.json      one per call: an epoch that was handed over twice has two
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use futures::FutureExt;
use serde_json::Value;
use tidemill_spark::Settings;
use tidemill_streaming::checkpoint::Checkpoint;
use uuid::Uuid;

use super::Layout;
use crate::rows::{Json, columns, json_rows};
use crate::{Error, Result, Session, StreamSink};

/// The sink's name, and its name in a verdict.
pub(super) const NAME: &str = "alerts_by_epoch";

/// The table that holds the same rows.
const TABLE: &str = "alerts";

/// What the judge found in the files of the direct sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectVerdict {
    /// Epochs that were handed over more than once.
    pub replayed: u64,
    /// What is wrong, in words; nothing when the files are as they should be.
    pub difference: Option<String>,
}

/// The sink that writes into `dir`.
pub(super) fn sink(dir: PathBuf) -> StreamSink {
    StreamSink::for_each_batch(NAME, move |batches: Vec<RecordBatch>, epoch: u64| {
        let dir = dir.clone();
        async move {
            let written = tokio::task::spawn_blocking(move || write(&dir, epoch, &batches)).await;
            written.map_err(|e| Error::internal(format!("writing epoch {epoch} of sink `{NAME}` ended early: {e}")))?
        }
        .boxed()
    })
}

/// Writes an epoch's rows; the file appears under its name whole or not at all, and takes no other's place.
fn write(dir: &Path, epoch: u64, batches: &[RecordBatch]) -> Result<()> {
    std::fs::create_dir_all(dir).map_err(|e| Error::io_at(dir.display(), e))?;
    let name = format!("epoch-{epoch:06}-{}", Uuid::new_v4().simple());
    let (path, hidden) = (dir.join(format!("{name}.json")), dir.join(format!(".{name}.tmp")));
    let text: String = lines(batches)?.into_iter().map(|line| line + "\n").collect();
    let written = || -> std::io::Result<()> {
        let mut file = File::create(&hidden)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&hidden, &path)?;
        File::open(dir)?.sync_all()
    };
    written().map_err(|e| Error::io_at(path.display(), e))
}

/// Rows as lines of JSON in one order: tasks give them in any.
fn lines(batches: &[RecordBatch]) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for batch in batches {
        let schema = batch.schema();
        for row in json_rows(batch, &columns(&schema), &Settings::default())? {
            let names = schema.fields().iter().map(|field| field.name().clone());
            let line = serde_json::to_string(&Json::Object(names.zip(row).collect()));
            lines.push(line.map_err(|e| Error::internal(format!("a row has no JSON: {e}")))?);
        }
    }
    lines.sort_unstable();
    Ok(lines)
}

/// By epoch, the lines of each copy.
type Copies = BTreeMap<u64, Vec<Vec<String>>>;

/// Judges the files of the direct sink in `layout`.
///
/// # Errors
/// When the files, the table or the checkpoint cannot be read.
pub async fn judge_direct(session: &Session, layout: &Layout) -> Result<DirectVerdict> {
    let copies = read(&layout.direct())?;
    let table = session.read().delta(&layout.table(TABLE)).await?.collect().await?;
    let checkpoint = Checkpoint::inspect(&layout.checkpoint())?;
    let last_epoch = checkpoint.pointer("/last_epoch/epoch").and_then(Value::as_u64);
    Ok(DirectVerdict {
        replayed: copies.values().filter(|copies| copies.len() > 1).count() as u64,
        difference: difference(&copies, last_epoch, &lines(&table)?),
    })
}

fn read(dir: &Path) -> Result<Copies> {
    let mut copies = Copies::new();
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(copies),
        Err(e) => return Err(Error::io_at(dir.display(), e)),
    };
    for entry in entries {
        let path = entry.map_err(|e| Error::io_at(dir.display(), e))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // What a writer that was killed has left.
        if name.starts_with('.') {
            continue;
        }
        let epoch = name.strip_prefix("epoch-").and_then(|rest| rest.split('-').next()).and_then(|digits| digits.parse().ok());
        let epoch: u64 = epoch.ok_or_else(|| Error::data(format!("{}: is no file of an epoch: remove it", path.display())))?;
        let text = std::fs::read_to_string(&path).map_err(|e| Error::io_at(path.display(), e))?;
        copies.entry(epoch).or_default().push(text.lines().map(str::to_owned).collect());
    }
    // A folder lists in any order, and a verdict reads the same each time.
    copies.values_mut().for_each(|copies| copies.sort_unstable());
    Ok(copies)
}

/// What is wrong with the copies, when the epochs up to `last_epoch` are recorded and `table` holds their rows.
fn difference(copies: &Copies, last_epoch: Option<u64>, table: &[String]) -> Option<String> {
    let epochs = last_epoch.map_or(0, |last| last + 1);
    if let Some(missing) = (0..epochs).find(|epoch| !copies.contains_key(epoch)) {
        return Some(format!("epoch {missing} is recorded and was never handed over"));
    }
    if let Some(early) = copies.keys().find(|epoch| **epoch >= epochs) {
        return Some(format!("epoch {early} was handed over and is not recorded"));
    }
    let other = |copies: &[Vec<String>]| Some(first_difference(copies.first()?, copies.iter().find(|copy| **copy != copies[0])?));
    if let Some((epoch, said)) = copies.iter().find_map(|(epoch, copies)| Some((epoch, other(copies)?))) {
        return Some(format!("epoch {epoch} was handed over again with other rows: {said}"));
    }
    let mut rows: Vec<String> = copies.values().filter_map(|copies| copies.first()).flatten().cloned().collect();
    rows.sort_unstable();
    (rows != table).then(|| format!("the files and the table `{TABLE}` hold other rows: {}", first_difference(&rows, table)))
}

/// The first lines in which two sorted lists differ, in words.
fn first_difference(one: &[String], other: &[String]) -> String {
    let at = one.iter().zip(other).position(|(a, b)| a != b).unwrap_or_else(|| one.len().min(other.len()));
    let shown = |lines: &[String]| lines.get(at).cloned().unwrap_or_else(|| "no row".to_owned());
    format!("{} rows and {} rows; the first that differs: {} and {}", one.len(), other.len(), shown(one), shown(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    /// `0:a,b 1: 0:b`: epoch 0 with the rows a and b, epoch 1 without rows, epoch 0 again with the row b.
    fn check(files: &str, last_epoch: Option<u64>, table: &str, expected: Expect) {
        let dir = tempfile::tempdir().unwrap();
        let rows = |text: &str| text.split(',').filter(|row| !row.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        for (at, file) in files.split_whitespace().enumerate() {
            let (epoch, lines) = file.split_once(':').unwrap();
            let text: String = rows(lines).into_iter().map(|line| line + "\n").collect();
            std::fs::write(dir.path().join(format!("epoch-{epoch:0>6}-{at}.json")), text).unwrap();
        }
        std::fs::write(dir.path().join(".epoch-000009-x.tmp"), "half").unwrap();
        let said = difference(&read(dir.path()).unwrap(), last_epoch, &rows(table));
        expected.assert_eq(&said.unwrap_or_default());
    }

    #[test]
    fn every_epoch_comes_with_the_rows_of_the_table_each_time() {
        check("", None, "", expect![""]);
        check("0:a,b 1: 2:b", Some(2), "a,b,b", expect![""]);
        check("0:a 1:b 1:b 1:b", Some(1), "a,b", expect![""]);
        check("0:a 2:b", Some(2), "a,b", expect!["epoch 1 is recorded and was never handed over"]);
        check("0:a 1:b", Some(0), "a", expect!["epoch 1 was handed over and is not recorded"]);
        check("0:a", None, "a", expect!["epoch 0 was handed over and is not recorded"]);
        check(
            "0:a 0:a,b",
            Some(0),
            "a",
            expect!["epoch 0 was handed over again with other rows: 1 rows and 2 rows; the first that differs: no row and b"],
        );
        check(
            "0:a 1:b",
            Some(1),
            "a,a,b",
            expect!["the files and the table `alerts` hold other rows: 2 rows and 3 rows; the first that differs: b and a"],
        );
    }
}
