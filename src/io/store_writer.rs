//! Plain files in an object store by a job commit without renames: the query's tasks upload objects under names that are this save's alone
//! (`uploads.rs`), and when all rows are there the uploads are completed, which makes the objects seen; then those go that they replace.
//!
//! ```text
//! tasks   part-00000-<save>.parquet … uploaded, seen by no reader
//! commit  uploads completed ─► replaced objects removed ─► _SUCCESS
//! ```
//! A store has no lock and completes one object after the other. Who reads meanwhile, or after a kill, may see some of the new objects, or
//! all of them beside those that they replace; never none of both. What a kill has not completed nobody sees, and the bucket's rule for
//! uploads that come to nothing removes.

use std::collections::HashSet;
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use object_store::{ObjectStoreExt, PutPayload};
use tidemill_executor::files::StoredObject;
use tidemill_spark::Settings;

use super::file_form::FileForm;
use super::file_place::FilesAt;
use super::file_sink::{FileNames, FileSink};
use super::file_writer::{columns, ordered, rows_per_file, same_folders, written};
use super::mode::{Mode, there_is_something};
use super::uploads::Uploads;
use crate::dataframe::DataFrame;
use crate::scan::{FileOptions, Format, PartitionValues, Place, TableFiles, file_options};
use crate::stores::{StoredPath, There, failed, objects_to_replace, there};
use tidemill_planner::{Error, Result};

/// What becomes of the rows when they are there.
struct Commit {
    at: StoredPath,
    mode: Mode,
    /// The folders' columns, where an overwrite replaces the partitions that are written alone.
    written_only: Option<(TableFiles, Arc<Settings>)>,
}

/// Runs the query; each task uploads an object, or one per folder if there are columns to cut the rows by.
pub(super) async fn save(
    frame: &DataFrame,
    at: StoredPath,
    format: Format,
    mode: Mode,
    options: FileOptions,
    partition_by: &[String],
) -> Result<()> {
    if !is_wanted(&at, mode).await? {
        return Ok(());
    }
    let settings = frame.session().spark_settings();
    let (data, partitions, schema) = columns(frame, format, partition_by, &settings)?;
    if mode == Mode::Append && there(&at).await? != There::Nothing {
        same_folders(Place::Stored(at.clone()), &partitions, &settings).await?;
    }
    let rows_per_file = rows_per_file(&options, frame)?;
    let form = FileForm { format, options: options.clone(), schema, settings: Arc::clone(&settings) };
    let frame = if partitions.is_empty() { frame.clone() } else { ordered(frame, &data, &partitions) };
    let folders = partitions.len();
    let written_only = (folders > 0 && file_options::replaces_written(&options, &settings)).then(|| {
        let table = TableFiles { folder: at.path(), format, options, data, partitions, absent: Vec::new() };
        (table, settings)
    });
    let (plan, shape) = frame.ready().await?;
    let io = frame.session().engine()?.io().clone();
    let uploads = Uploads::new(at.clone(), io.clone());
    let job = uuid::Uuid::new_v4().to_string();
    let sink = FileSink::new(form, shape, FilesAt::Store(Arc::clone(&uploads)), job, folders, rows_per_file);
    let names = match written(&frame, &plan, &sink, folders == 0).await {
        Ok(names) => names,
        Err(error) => {
            uploads.abort().await;
            return Err(error);
        }
    };
    // Once it has begun it goes to its end, whether the statement is stopped or not.
    let commit = Commit { at, mode, written_only };
    let shown = commit.at.shown();
    let committed = io.spawn(async move {
        let committed = commit.carried_out(&uploads, &names).await;
        // What attempts have left that were not accepted.
        uploads.abort().await;
        committed
    });
    committed.await.map_err(|e| Error::internal(format!("writing to {shown} ended early: {e}")))?
}

/// Whether the rows are to be written, by what is there.
///
/// # Errors
/// `PATH_ALREADY_EXISTS`; `Analysis` for a Delta table and for an object of just that name.
async fn is_wanted(at: &StoredPath, mode: Mode) -> Result<bool> {
    let shown = at.shown();
    match (there(at).await?, mode) {
        (There::Nothing, _) => Ok(true),
        (_, Mode::Error) => Err(there_is_something(&shown)),
        (_, Mode::Ignore) => Ok(false),
        (There::Objects, Mode::Append | Mode::Overwrite) => Ok(true),
        (There::Object, _) => Err(Error::analysis(format!("{shown} is an object, and no folder of them: choose another path"))),
        (There::DeltaTable, _) => {
            Err(Error::analysis(format!("{shown} is a Delta table, and those are not written in object stores yet: choose another path")))
        }
    }
}

impl Commit {
    /// Makes the new objects seen, and removes those that they replace.
    async fn carried_out(&self, uploads: &Uploads, names: &FileNames) -> Result<()> {
        // Another writer may have come first since the path was looked at.
        if matches!(self.mode, Mode::Error | Mode::Ignore) && !is_wanted(&self.at, self.mode).await? {
            return Ok(());
        }
        let replaced = self.replaced(names).await?;
        if names.is_empty() && replaced.is_empty() {
            return Ok(());
        }
        uploads.complete(names).await?;
        self.settled(replaced).await.map_err(|e| {
            Error::outcome_unknown(format!(
                "the rows are saved to {0}, but it is not settled what else is there: {e}; do not save these rows again, but remove what they \
                 were to replace",
                self.at.shown()
            ))
            .with_source(e)
        })
    }

    /// The objects that the new ones replace.
    async fn replaced(&self, names: &FileNames) -> Result<Vec<StoredObject>> {
        if self.mode != Mode::Overwrite {
            return Ok(Vec::new());
        }
        let objects = objects_to_replace(&self.at).await?;
        let Some((table, settings)) = &self.written_only else { return Ok(objects) };
        let folder = self.at.path();
        let written: HashSet<PartitionValues> =
            names.iter().map(|name| table.plain_values(&folder.join(name), settings)).collect::<Result<_>>()?;
        let mut chosen = Vec::new();
        for object in objects {
            if written.contains(&table.plain_values(&object.path(), settings)?) {
                chosen.push(object);
            }
        }
        Ok(chosen)
    }

    async fn settled(&self, replaced: Vec<StoredObject>) -> Result<()> {
        if !replaced.is_empty() {
            let locations = stream::iter(replaced.into_iter().map(|object| Ok(object.meta.location))).boxed();
            let mut removed = self.at.store.delete_stream(locations);
            while let Some(removed) = removed.next().await {
                match removed {
                    // Somebody else may have removed it.
                    Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(failed(error, self.at.shown())),
                }
            }
        }
        let success = self.at.below("_SUCCESS")?;
        self.at.store.put(&success, PutPayload::default()).await.map_err(|e| failed(e, self.at.shown()))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;
    use object_store::ObjectStore;
    use object_store::memory::InMemory;

    use super::*;
    use crate::session::Session;

    /// A session with a bucket in memory.
    fn session() -> (Session, Arc<dyn ObjectStore>) {
        let (session, store): (_, Arc<dyn ObjectStore>) = (Session::builder().parallelism(2).build().unwrap(), Arc::new(InMemory::new()));
        session.stores().put("s3://bucket", Arc::clone(&store));
        (session, store)
    }

    async fn keys(store: &Arc<dyn ObjectStore>) -> Vec<String> {
        let found: Vec<_> = store.list(None).try_collect().await.unwrap();
        found.into_iter().map(|meta| meta.location.to_string()).collect()
    }

    async fn rows(session: &Session, format: &str, path: &str) -> Result<Vec<String>> {
        let frame = session.read().format(format).load(path).await?;
        let mut rows: Vec<String> = frame.to_json_rows().await?.iter().map(ToString::to_string).collect();
        rows.sort();
        Ok(rows)
    }

    #[tokio::test]
    async fn rows_are_those_of_a_local_path_in_every_format_and_mode() {
        let (session, store) = session();
        let query = "SELECT CAST(id AS STRING) AS s, id % 3 AS p FROM range(0, 1000, 1, 4)";
        let all = session.sql(query).await.unwrap();
        let few = session.sql("SELECT CAST(id AS STRING) AS s, id % 3 AS p FROM range(10) WHERE id % 3 = 1").await.unwrap();
        for format in ["parquet", "csv", "json", "arrow", "text"] {
            for partitioned in [false, true] {
                let dir = tempfile::tempdir().unwrap();
                let places = [dir.path().join("t").display().to_string(), format!("s3://bucket/a b/ü {format} {partitioned}")];
                for (frame, mode, fails) in [
                    (&all, "error", false),
                    (&all, "error", true),
                    (&few, "ignore", false),
                    (&few, "append", false),
                    (&all, "overwrite", false),
                ] {
                    let mut found = Vec::new();
                    for place in &places {
                        let frame = if partitioned || format != "text" { frame.clone() } else { frame.select(["s"]) };
                        let writer = frame.write().format(format).mode(mode).option("maxRecordsPerFile", 100);
                        let writer = if partitioned { writer.partition_by(["p"]) } else { writer };
                        assert_eq!(writer.save(place).await.is_err(), fails, "{format} {mode} {place}");
                        found.push(rows(&session, format, place).await.unwrap());
                    }
                    assert!(!found[0].is_empty() && found[0] == found[1], "{format} {mode}, in folders: {partitioned}");
                }
                let in_store = keys(&store).await;
                let names = in_store.iter().filter(|key| key.starts_with(&format!("a b/ü {format} {partitioned}/")));
                assert!(names.clone().any(|key| key.ends_with("/_SUCCESS")));
                assert_eq!(names.clone().filter(|key| key.contains("/p=")).count() > 0, partitioned);
                assert!(names.filter(|key| key.contains("-c00")).count() > 0 || partitioned, "files of 100 rows at most");
            }
        }
    }

    #[tokio::test]
    async fn an_overwrite_of_the_written_partitions_leaves_the_others() {
        let (session, _) = session();
        let path = "s3://bucket/t";
        let frame = |query: &'static str| session.sql(query);
        frame("SELECT id, id % 3 AS p FROM range(9)")
            .await
            .unwrap()
            .write()
            .format("parquet")
            .partition_by(["p"])
            .save(path)
            .await
            .unwrap();
        let writer = frame("SELECT 100L AS id, 1L AS p").await.unwrap().write().format("parquet").mode("overwrite");
        writer.option("partitionOverwriteMode", "dynamic").partition_by(["p"]).save(path).await.unwrap();
        let found = rows(&session, "parquet", path).await.unwrap();
        let expected: Vec<String> =
            [(0, 0), (100, 1), (2, 2), (3, 0), (5, 2), (6, 0), (8, 2)].map(|(id, p)| format!("{{\"id\":{id},\"p\":{p}}}")).to_vec();
        assert_eq!(found, expected);
        let other = frame("SELECT 1 AS id, 2 AS q").await.unwrap().write().format("parquet").mode("append").partition_by(["q"]);
        assert!(other.save(path).await.unwrap_err().message().contains("in folders of (p)"));
    }

    #[tokio::test]
    async fn a_query_that_fails_leaves_nothing() {
        let (session, store) = session();
        let failing = session.sql("SELECT id, 1 DIV (id - 990) AS x FROM range(0, 1000, 1, 4)").await.unwrap();
        for format in ["parquet", "csv"] {
            failing.write().format(format).option("maxRecordsPerFile", 10).save("s3://bucket/t").await.unwrap_err();
            assert_eq!(keys(&store).await, Vec::<String>::new(), "{format}");
        }
        let there = session.sql("SELECT 1 AS x").await.unwrap();
        there.write().format("csv").save("s3://bucket/t").await.unwrap();
        let before = keys(&store).await;
        failing.write().format("csv").mode("overwrite").save("s3://bucket/t").await.unwrap_err();
        assert_eq!(keys(&store).await, before);
        let error = there.write().format("csv").mode("overwrite").save(&format!("s3://bucket/{}", before[1])).await.unwrap_err();
        assert!(error.message().contains("is an object"), "{error}");
    }

    #[tokio::test]
    async fn files_are_named_by_their_bucket() {
        let (session, store) = session();
        session.sql("SELECT 1 AS x").await.unwrap().write().format("parquet").save("s3://bucket/t").await.unwrap();
        let frame = session.read().parquet("s3://bucket/t").await.unwrap();
        let [file]: [String; 1] = frame.input_files().await.unwrap().try_into().unwrap();
        assert!(file.starts_with("s3://bucket/t/part-00000-"), "{file}");
        let key = object_store::path::Path::parse(file.trim_start_matches("s3://bucket/")).unwrap();
        store.delete(&key).await.unwrap();
        assert!(frame.collect().await.unwrap_err().message().contains(&file));
        let error = rows(&session, "parquet", "s3://bucket/none").await.unwrap_err();
        assert!(error.message().contains("s3://bucket/none is not there"), "{error}");
    }
}
