//! A stream of files that arrive by rename in one directory: what is new, in which order, and which files make an epoch.
//! How rows come out of them is the executor's business.
//!
//! An offset is the epoch's own list of files, so a record needs nothing else to give the same rows again:
//! `{"epochFiles": [{"path", "bytes", "modified_ms", "tag"}, …], "seen": files read so far, these included}`.
//!
//! A file is known by its name: one that changes after it was read is not read again, and one that changes between being
//! chosen and being read fails by name. A file that can never be read, for its bytes or its name, is chosen, recorded and seen as
//! any other; it gives a dead letter in place of rows, once. A file that cannot be read now stops the query by name.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tidemill_executor::files::{FileEntry, FileFormat, FileSlice, list_names, malformed_schema};
use tidemill_planner::seam::{Offset, ReadLimit, Slice, StreamSource};
use tidemill_planner::{Error, Result, SourceId};
use xxhash_rust::xxh3::xxh3_64;

use super::file_options::FileStreamOptions;
use super::listed::{DirStamp, Listed};
use super::seen::Seen;

/// How often a choice is made anew because chosen files were replaced meanwhile.
const CHOICES: usize = 8;

/// The files that arrive in one directory, each once.
#[derive(Debug, Clone)]
pub struct FileStreamSource {
    id: SourceId,
    dir: PathBuf,
    format: FileFormat,
    schema: SchemaRef,
    options: FileStreamOptions,
    state: Arc<Mutex<Listing>>,
}

/// The offset of a file stream.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct FileOffset {
    #[serde(rename = "epochFiles")]
    epoch_files: Vec<FileEntry>,
    seen: u64,
}

/// What is known of the directory.
#[derive(Debug, Default)]
struct Listing {
    seen: Seen,
    /// Files that are there and not read, in the order in which they will be.
    unread: BTreeMap<(i64, String), FileEntry>,
    unread_names: HashMap<String, i64>,
    /// The last listing, unless it showed a link whose file was not there: that comes without a change of the directory.
    listed: Option<Listed>,
    frozen: bool,
    told_of_skipped: bool,
}

impl FileStreamSource {
    /// A stream of the files in `dir`. Its identity is `name`, or else `file-` and a hash of the directory's absolute path:
    /// that survives a moved checkpoint; to move the directory itself, give the stream a name.
    ///
    /// # Errors
    /// `NotFound` when there is no such directory; `Unsupported` when the format has no such column.
    pub fn new(
        name: Option<&str>,
        dir: impl AsRef<Path>,
        format: FileFormat,
        schema: SchemaRef,
        options: FileStreamOptions,
    ) -> Result<Self> {
        let given = dir.as_ref();
        let dir: PathBuf = std::path::absolute(given).map_err(|error| Error::io_at(given.display(), error))?.components().collect();
        if !dir.is_dir() {
            let hint = match dir.exists() {
                true => "it is a file; a stream reads a directory into which files arrive",
                false if given.to_string_lossy().contains(['*', '?']) => "give the directory, and the pattern as option `pathGlobFilter`",
                false => "create it, or check the path",
            };
            return Err(Error::not_found(format!("{}: there is no such directory to stream files from: {hint}", dir.display())));
        }
        FileSlice::new(&dir, [], format, Arc::clone(&schema))?;
        let id = name.map_or_else(|| format!("file-{:016x}", xxh3_64(dir.as_os_str().as_encoded_bytes())), str::to_owned);
        Ok(Self { id: SourceId::new(id), dir, format, schema, options, state: Arc::default() })
    }

    /// The directory, as an absolute path.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn state(&self) -> MutexGuard<'_, Listing> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn parse(&self, offset: &Offset) -> Result<FileOffset> {
        FileOffset::deserialize(&offset.0)
            .map_err(|error| Error::corrupt(format!("source `{}`: not an offset of a file stream: {error}", self.id)).with_source(error))
    }

    /// Looks for new files; nothing is looked at when the directory has not changed.
    fn refresh(&self, listing: &mut Listing) -> Result<()> {
        let named = |error| Error::io_at(self.dir.display(), error).context("cannot list the directory of a file stream");
        // The times are read before the names: a change in between is seen the next time.
        let stamp = DirStamp::of(&std::fs::metadata(&self.dir).map_err(named)?);
        // Compared with the file system's clock, not the query's: it only tells whether the times are settled.
        #[allow(clippy::disallowed_methods)]
        let now = SystemTime::now();
        if listing.listed.is_some_and(|listed| listed.holds(stamp, now)) {
            return Ok(());
        }
        let names = list_names(&self.dir, &self.options.filter)?;
        if let Some(folder) = names.skipped.as_deref().filter(|name| name.contains('=') && self.dir.join(name).is_dir()) {
            return Err(Error::unsupported(format!(
                "{}: the folder `{folder}` stands for a column, and a stream reads only the files that lie directly in its folder: stream one \
                 such folder, or read all of them in batch",
                self.dir.display()
            )));
        }
        let mut all_are_there = true;
        for name in names.files {
            if listing.seen.contains(&name) || listing.unread_names.contains_key(&name) {
                continue;
            }
            match FileEntry::of(&self.dir, &name)? {
                Some(entry) => listing.add(entry),
                None => all_are_there = false,
            }
        }
        if let Some(skipped) = names.skipped.filter(|_| !std::mem::replace(&mut listing.told_of_skipped, true)) {
            tracing::warn!(
                "{}: `{skipped}` is no file, and is not read: only the files that lie directly in the folder are",
                self.dir.display()
            );
        }
        listing.listed = all_are_there.then_some(Listed { stamp, at: now });
        Ok(())
    }

    /// The next files, the oldest first, as they are now.
    fn choose(&self, listing: &mut Listing, except: &HashSet<&str>, limit: ReadLimit) -> Result<Vec<FileEntry>> {
        let (max_files, max_bytes) = match limit {
            ReadLimit::All => (None, None),
            ReadLimit::SourceDefault => (self.options.max_files, self.options.max_bytes),
        };
        let mut chosen = Vec::new();
        for _ in 0..CHOICES {
            chosen.clear();
            let mut bytes = 0u64;
            for entry in listing.unread.values().filter(|entry| !except.contains(entry.path.as_str())) {
                bytes = bytes.saturating_add(entry.bytes);
                let is_full = max_files.is_some_and(|max| chosen.len() >= max) || max_bytes.is_some_and(|max| bytes > max);
                if is_full && !chosen.is_empty() {
                    break;
                }
                chosen.push(entry.clone());
            }
            let mut is_as_listed = true;
            for entry in &chosen {
                let now = FileEntry::of(&self.dir, &entry.path)?;
                if now.as_ref() != Some(entry) {
                    is_as_listed = false;
                    listing.forget(&entry.path);
                    now.into_iter().for_each(|now| listing.add(now));
                }
            }
            if is_as_listed {
                break;
            }
        }
        Ok(chosen)
    }

    fn next(&self, from: Option<&Offset>, limit: ReadLimit) -> Result<Option<Offset>> {
        let from = from.map(|from| self.parse(from)).transpose()?.unwrap_or_default();
        let except: HashSet<&str> = from.epoch_files.iter().map(|entry| entry.path.as_str()).collect();
        let mut listing = self.state();
        if !listing.frozen {
            self.refresh(&mut listing)?;
        }
        let epoch_files = self.choose(&mut listing, &except, limit)?;
        if epoch_files.is_empty() {
            return Ok(None);
        }
        let seen = from.seen + epoch_files.len() as u64;
        let offset = serde_json::to_value(FileOffset { epoch_files, seen })
            .map_err(|error| Error::internal(format!("an offset does not turn into JSON: {error}")))?;
        Ok(Some(Offset(offset)))
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Self) -> Result<T> + Send + 'static) -> Result<T> {
        let this = self.clone();
        match tokio::task::spawn_blocking(move || work(&this)).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(Error::cancelled("the runtime shut down while a directory was listed")),
        }
    }
}

impl Listing {
    fn add(&mut self, entry: FileEntry) {
        self.unread_names.insert(entry.path.clone(), entry.modified_ms);
        self.unread.insert((entry.modified_ms, entry.path.clone()), entry);
    }

    fn forget(&mut self, path: &str) {
        if let Some(modified_ms) = self.unread_names.remove(path) {
            self.unread.remove(&(modified_ms, path.to_owned()));
        }
    }

    fn mark_seen(&mut self, offset: &FileOffset) {
        for entry in &offset.epoch_files {
            self.forget(&entry.path);
            self.seen.insert(&entry.path);
        }
    }
}

#[async_trait]
impl StreamSource for FileStreamSource {
    fn id(&self) -> &SourceId {
        &self.id
    }

    fn reads(&self) -> String {
        format!("{} files in {}, {:?}, as {}", self.format.as_str(), self.dir.display(), self.options, self.schema)
    }

    fn for_query(&self) -> Arc<dyn StreamSource> {
        Arc::new(Self { state: Arc::default(), ..self.clone() })
    }

    fn description(&self) -> String {
        format!("FileStreamSource[file:{}]", self.dir.display())
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn malformed_schema(&self) -> Option<SchemaRef> {
        Some(malformed_schema())
    }

    async fn latest(&self, from: Option<&Offset>, limit: ReadLimit) -> Result<Option<Offset>> {
        let from = from.cloned();
        self.blocking(move |this| this.next(from.as_ref(), limit)).await
    }

    async fn freeze(&self) -> Result<()> {
        self.blocking(|this| {
            let mut listing = this.state();
            this.refresh(&mut listing)?;
            listing.frozen = true;
            Ok(())
        })
        .await
    }

    fn slice(&self, _from: Option<&Offset>, to: &Offset) -> Result<Arc<dyn Slice>> {
        let files = self.parse(to)?.epoch_files;
        Ok(Arc::new(FileSlice::new(&self.dir, files, self.format, Arc::clone(&self.schema))?))
    }

    fn restore(&self, image: Option<&[u8]>, offsets: &[Offset]) -> Result<()> {
        let mut seen = Listing {
            seen: image.map(Seen::decode).transpose().map_err(|error| error.context(format!("source `{}`", self.id)))?.unwrap_or_default(),
            ..Listing::default()
        };
        for offset in offsets {
            seen.mark_seen(&self.parse(offset)?);
        }
        *self.state() = seen;
        Ok(())
    }

    fn recorded(&self, to: &Offset) -> Result<()> {
        let offset = self.parse(to)?;
        self.state().mark_seen(&offset);
        Ok(())
    }

    fn image(&self) -> Result<Option<Vec<u8>>> {
        Ok(Some(self.state().seen.encode()))
    }

    async fn settled(&self, _to: &Offset) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use arrow::datatypes::{DataType, Field, Schema};
    use serde_json::json;
    use tidemill_planner::ErrorKind;

    use super::super::contract::{Fixture, ids, source_contract};
    use super::*;

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]))
    }

    fn source(dir: &Path, options: FileStreamOptions) -> FileStreamSource {
        FileStreamSource::new(Some("events"), dir, FileFormat::Json, schema(), options).unwrap()
    }

    /// Writes a file by rename; `second` is its time of change.
    fn write(dir: &Path, name: &str, ids: std::ops::Range<i64>, second: u64) {
        let hidden = dir.join(format!(".{name}"));
        let text: String = ids.map(|id| format!("{{\"id\":{id}}}\n")).collect();
        std::fs::write(&hidden, text).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + second);
        std::fs::File::options().write(true).open(&hidden).unwrap().set_modified(time).unwrap();
        std::fs::rename(hidden, dir.join(name)).unwrap();
    }

    fn names(offset: &Option<Offset>) -> Vec<String> {
        let offset = offset.as_ref().map(|offset| FileOffset::deserialize(&offset.0).unwrap()).unwrap_or_default();
        offset.epoch_files.into_iter().map(|entry| entry.path).collect()
    }

    #[tokio::test]
    async fn it_keeps_the_contract() {
        let dir = tempfile::tempdir().unwrap();
        let (there, anew) = (dir.path().to_owned(), dir.path().to_owned());
        source_contract(Fixture {
            column: 0,
            fresh: Box::new(move || Arc::new(source(&anew, FileStreamOptions::default()))),
            add: Box::new(move |ids| write(&there, &format!("f{:05}.json", ids.start), ids.clone(), ids.start as u64)),
        })
        .await;
    }

    #[tokio::test]
    async fn files_come_oldest_first_within_the_limits_and_once() {
        let dir = tempfile::tempdir().unwrap();
        for (name, second) in [("c", 1), ("a", 2), ("b", 2), ("_x", 0), ("d", 3)] {
            write(dir.path(), name, 0..10, second);
        }
        let options = |files, bytes| FileStreamOptions { max_files: files, max_bytes: bytes, ..FileStreamOptions::default() };
        for (files, bytes, limit, expected) in [
            (None, None, ReadLimit::SourceDefault, &["c", "a", "b", "d"][..]),
            (Some(3), None, ReadLimit::SourceDefault, &["c", "a", "b"]),
            (Some(3), Some(1), ReadLimit::SourceDefault, &["c"]),
            (None, Some(200), ReadLimit::SourceDefault, &["c", "a"]),
            (Some(1), Some(1), ReadLimit::All, &["c", "a", "b", "d"]),
        ] {
            let source = source(dir.path(), options(files, bytes));
            assert_eq!(names(&source.latest(None, limit).await.unwrap()), expected, "{files:?} {bytes:?}");
        }
        let source = source(dir.path(), options(Some(2), None));
        let first = source.latest(None, ReadLimit::SourceDefault).await.unwrap();
        // Not recorded yet: what is after it does not hold its files again.
        assert_eq!(names(&source.latest(first.as_ref(), ReadLimit::SourceDefault).await.unwrap()), ["b", "d"]);
        source.recorded(first.as_ref().unwrap()).unwrap();
        write(dir.path(), "old", 0..1, 0);
        let second = source.latest(first.as_ref(), ReadLimit::SourceDefault).await.unwrap();
        assert_eq!(names(&second), ["old", "b"], "a file that arrives late with an old time is read too");
        assert_eq!(second.unwrap().0["seen"], json!(4));
    }

    #[tokio::test]
    async fn a_file_replaced_before_it_is_chosen_is_taken_as_it_is_and_a_removed_one_is_left() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a", 0..10, 1);
        write(dir.path(), "b", 10..20, 2);
        write(dir.path(), "c", 20..21, 3);
        let source = source(dir.path(), FileStreamOptions { max_files: Some(1), ..FileStreamOptions::default() });
        let offset = source.latest(None, ReadLimit::SourceDefault).await.unwrap();
        assert_eq!(names(&offset), ["a"]);
        source.recorded(offset.as_ref().unwrap()).unwrap();
        write(dir.path(), "b", 30..32, 2);
        std::fs::remove_file(dir.path().join("c")).unwrap();
        let offset = source.latest(offset.as_ref(), ReadLimit::SourceDefault).await.unwrap().unwrap();
        assert_eq!(ids(&*source.slice(None, &offset).unwrap(), 0, 1).await.unwrap(), [30, 31]);
        source.recorded(&offset).unwrap();
        assert_eq!(source.latest(Some(&offset), ReadLimit::SourceDefault).await.unwrap(), None);
        // Replaced after it was chosen: the rows that were promised are gone.
        write(dir.path(), "b", 40..49, 2);
        let error = ids(&*source.slice(None, &offset).unwrap(), 0, 1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.message().contains("/b:"), "{error}");
        assert_eq!(source.latest(Some(&offset), ReadLimit::SourceDefault).await.unwrap(), None, "its name was read");
    }

    #[tokio::test]
    async fn a_directory_whose_time_was_set_back_hides_nothing() {
        /// What is done to the directory, which lies in another one.
        type Step = fn(&Path);
        let nothing: Step = |_| ();
        let cases: [(&str, Step, Step); 3] = [
            ("a file that arrives", nothing, |dir| write(dir, "b", 1..2, 2)),
            ("another directory in its place", nothing, |dir| {
                let other = dir.with_file_name("other");
                std::fs::create_dir(&other).unwrap();
                write(&other, "b", 1..2, 2);
                std::fs::rename(dir, dir.with_file_name("before")).unwrap();
                std::fs::rename(other, dir).unwrap();
            }),
            (
                "a link whose file comes later",
                |dir| std::os::unix::fs::symlink(dir.with_file_name("later"), dir.join("b")).unwrap(),
                |dir| write(dir.parent().unwrap(), "later", 1..2, 2),
            ),
        ];
        for (what, before, arrives) in cases {
            let root = tempfile::tempdir().unwrap();
            let dir = root.path().join("in");
            std::fs::create_dir(&dir).unwrap();
            write(&dir, "a", 0..1, 1);
            before(&dir);
            let set_back = || {
                let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
                std::fs::File::open(&dir).unwrap().set_modified(old).unwrap();
            };
            set_back();
            let source = source(&dir, FileStreamOptions::default());
            let offset = source.latest(None, ReadLimit::SourceDefault).await.unwrap();
            assert_eq!(names(&offset), ["a"], "{what}");
            source.recorded(offset.as_ref().unwrap()).unwrap();
            arrives(&dir);
            set_back();
            assert_eq!(names(&source.latest(offset.as_ref(), ReadLimit::SourceDefault).await.unwrap()), ["b"], "{what}");
        }
    }

    #[tokio::test]
    async fn a_link_that_leads_nowhere_is_no_file_yet() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a", 0..1, 1);
        for (name, target) in [("gone", "nowhere"), ("circle", "circle"), ("through", "a/file")] {
            std::os::unix::fs::symlink(dir.path().join(target), dir.path().join(name)).unwrap();
        }
        let source = source(dir.path(), FileStreamOptions::default());
        let offset = source.latest(None, ReadLimit::SourceDefault).await.unwrap();
        assert_eq!(names(&offset), ["a"]);
        source.recorded(offset.as_ref().unwrap()).unwrap();
        std::fs::remove_file(dir.path().join("circle")).unwrap();
        write(dir.path(), "circle", 1..2, 2);
        assert_eq!(names(&source.latest(offset.as_ref(), ReadLimit::SourceDefault).await.unwrap()), ["circle"]);
    }

    #[tokio::test]
    async fn a_name_that_is_not_utf8_is_taken_once() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a", 0..1, 1);
        let first = dir.path().join(std::ffi::OsStr::from_bytes(b"caf\xe8"));
        let second = dir.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
        std::fs::write(&first, "{\"id\":7}\n").unwrap();
        let one = source(dir.path(), FileStreamOptions::default());
        let offset = one.latest(None, ReadLimit::SourceDefault).await.unwrap().unwrap();
        assert_eq!(names(&Some(offset.clone())).len(), 2, "{offset:?}");
        one.recorded(&offset).unwrap();
        assert_eq!(one.latest(Some(&offset), ReadLimit::SourceDefault).await.unwrap(), None);
        // Another process, from the image or from the record.
        let text = serde_json::to_string(&offset).unwrap();
        let recorded: Offset = serde_json::from_str(&text).unwrap();
        assert_eq!(recorded, offset);
        for (image, offsets) in [(one.image().unwrap(), vec![]), (None, vec![recorded.clone()])] {
            let other = source(dir.path(), FileStreamOptions::default());
            other.restore(image.as_deref(), &offsets).unwrap();
            assert_eq!(other.latest(Some(&recorded), ReadLimit::SourceDefault).await.unwrap(), None, "it is known");
            assert_eq!(ids(&*other.slice(None, &recorded).unwrap(), 0, 2).await.unwrap(), [0], "its rows are not read");
        }
        // Names that differ in such bytes alone are two names; renamed, the file is read.
        std::fs::write(&second, "{\"id\":8}\n").unwrap();
        std::fs::rename(&first, dir.path().join("cafe")).unwrap();
        let next = one.latest(Some(&offset), ReadLimit::SourceDefault).await.unwrap().unwrap();
        assert_eq!(names(&Some(next.clone())).len(), 2, "{next:?}");
        assert_eq!(ids(&*one.slice(Some(&offset), &next).unwrap(), 0, 1).await.unwrap(), [7]);
    }

    #[test]
    fn identity_is_the_name_or_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let id = |name: Option<&str>, path: &Path| {
            FileStreamSource::new(name, path, FileFormat::Json, schema(), FileStreamOptions::default()).unwrap().id().to_string()
        };
        let plain = id(None, dir.path());
        assert!(plain.starts_with("file-") && plain.len() == 21, "{plain}");
        assert_eq!(id(None, &dir.path().join("./")), plain);
        assert_ne!(id(None, dir.path().parent().unwrap()), plain);
        assert_eq!(id(Some("events"), dir.path()), "events");
    }

    #[test]
    fn errors_name_the_path_or_the_source() {
        let dir = tempfile::tempdir().unwrap();
        let open = |path: &Path| FileStreamSource::new(None, path, FileFormat::Json, schema(), FileStreamOptions::default()).unwrap_err();
        for (path, says) in [("gone", "check the path"), ("*.json", "pathGlobFilter")] {
            let error = open(&dir.path().join(path));
            assert!(error.message().contains(path) && error.message().contains(says), "{error}");
        }
        let source = source(dir.path(), FileStreamOptions::default());
        let error = source.slice(None, &Offset(json!({"files": 3}))).unwrap_err();
        assert!(error.message().contains("`events`"), "{error}");
        assert_eq!(source.restore(Some(b"junk"), &[]).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}
