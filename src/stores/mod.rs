//! Paths in object stores: which store a URL means under the session's settings, and where in it. A store is made once for a bucket and
//! the settings that concern it. What is read and written there is for `scan` and `io` to say.
//!
//! ```text
//! s3://bucket/a/b ─► Url ─┬─ the store of s3://bucket and its settings (made once) ─ NamedStore
//!                         └─ s3:/bucket/a/b, its location there
//! ```

#[cfg(feature = "azure")]
mod azure;
#[cfg(feature = "gcs")]
mod gcs;
mod list;
mod named;
#[cfg(feature = "s3")]
mod s3;
mod url;

pub(crate) use list::{There, data_objects, objects_to_replace, there};
pub(crate) use named::failed;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::execution::object_store::ObjectStoreUrl;
use object_store::ObjectStore;
use object_store::path::Path;
use tidemill_executor::files::shown_location;
use tidemill_planner::{Error, Result};
use tokio::runtime::Handle;

use self::named::NamedStore;
use self::url::{Kind, Url};
use crate::session::Session;

/// Hadoop's settings, by their names without `spark.hadoop.`, as far as they concern a store.
type StoreSettings = BTreeMap<String, String>;

/// A place in an object store.
#[derive(Debug, Clone)]
pub(crate) struct StoredPath {
    /// Where the engine's scans find the store.
    pub(crate) url: ObjectStoreUrl,
    pub(crate) store: Arc<dyn ObjectStore>,
    /// `s3:/bucket/key`.
    pub(crate) location: Path,
}

impl StoredPath {
    /// It as `s3://bucket/key`.
    pub(crate) fn path(&self) -> PathBuf {
        self.shown().into()
    }

    /// The same, for messages.
    pub(crate) fn shown(&self) -> String {
        shown_location(&self.location)
    }

    /// The location of a name below it; folders' names are kept as they are.
    ///
    /// # Errors
    /// `Analysis` for a name that no object has.
    pub(crate) fn below(&self, name: &str) -> Result<Path> {
        Path::parse(format!("{}/{name}", self.location))
            .map_err(|e| Error::analysis(format!("{}/{name}: no object can be called so: {e}", self.shown())).with_source(e))
    }
}

/// The stores that a session has made.
#[derive(Debug, Default)]
pub(crate) struct Stores(Mutex<HashMap<(String, StoreSettings), Made>>);

#[derive(Debug, Clone)]
struct Made {
    url: ObjectStoreUrl,
    store: Arc<NamedStore>,
}

impl Stores {
    fn made(&self, url: &Url, settings: StoreSettings, make: impl FnOnce(&StoreSettings) -> Result<Arc<dyn ObjectStore>>) -> Result<Made> {
        static MADE: AtomicU64 = AtomicU64::new(1);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let root = url.root();
        let key = (root.clone(), settings);
        if let Some(made) = known.get(&key) {
            return Ok(made.clone());
        }
        // What the engine keeps of a file it finds by the location alone: that of the same bucket under other settings is another.
        let scope = match known.keys().filter(|(other, _)| *other == root).count() {
            0 => url.scope(),
            others => format!("{} ({})", url.scope(), others + 1),
        };
        let scope = Path::parse(&scope).map_err(|e| Error::analysis(format!("{root}: no bucket can be called so: {e}")).with_source(e))?;
        let store = Arc::new(NamedStore::new(make(&key.1)?, scope, url.kind));
        let made = Made { url: ObjectStoreUrl::parse(format!("objects://{}", MADE.fetch_add(1, Ordering::Relaxed)))?, store };
        known.insert(key, made.clone());
        Ok(made)
    }

    /// A store for tests.
    #[cfg(test)]
    pub(crate) fn put(&self, root: &str, store: Arc<dyn ObjectStore>) {
        let url = Url::parse(root).unwrap().unwrap();
        self.made(&url, StoreSettings::new(), |_| Ok(store)).unwrap();
    }
}

impl Session {
    /// Where a path leads in an object store; nothing for a path on the local disk.
    ///
    /// # Errors
    /// `Analysis` for a URL that names no bucket and for settings that are none; `Unsupported` for a store that this build leaves out.
    pub(crate) fn stored(&self, path: &str) -> Result<Option<StoredPath>> {
        let Some(url) = Url::parse(path)? else { return Ok(None) };
        let settings = settings_of(url.kind, self.conf());
        let io = self.engine()?.io();
        let made = self.stores().made(&url, settings, |settings| store_of(&url, settings, io))?;
        let location = made.store.location_of(&url.key).map_err(|e| Error::analysis(format!("`{path}`: {e}")).with_source(e))?;
        Ok(Some(StoredPath { url: made.url, store: made.store, location }))
    }
}

/// Refuses a path in an object store for what lies on local disks alone.
///
/// # Errors
/// `Unsupported`, naming the path and `what`.
pub(crate) fn refuse(path: &str, what: &str) -> Result<()> {
    match Url::parse(path)? {
        None => Ok(()),
        Some(url) => Err(Error::unsupported(format!(
            "`{path}`: {what} in an object store ({}:) is not there yet: name a local path; plain files there are read and written by \
             batch queries (`read`, `write`)",
            url.scheme
        ))),
    }
}

/// Whether a setting is one of a store's, by Hadoop's name or behind `spark.hadoop.`.
pub(crate) fn is_setting(name: &str) -> bool {
    let name = name.strip_prefix(HADOOP).unwrap_or(name);
    [Kind::S3, Kind::Azure, Kind::Gcs].iter().any(|kind| kind.prefixes().iter().any(|prefix| name.starts_with(prefix)))
}

/// Whether a setting's value is nobody's to see. Source: Spark, `spark.redaction.regex`, and Azure's keys.
pub(crate) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["secret", "password", "token", "access.key", "account.key", "private.key", ".sas."].iter().any(|part| name.contains(part))
}

/// What stands for such a value.
pub(crate) const REDACTED: &str = "*********(redacted)";

/// What Spark puts before Hadoop's names.
const HADOOP: &str = "spark.hadoop.";

/// The settings of such stores; what is set by Hadoop's own name goes before what is set behind Spark's prefix.
fn settings_of(kind: Kind, conf: BTreeMap<String, String>) -> StoreSettings {
    let concerns = |name: &str| kind.prefixes().iter().any(|prefix| name.starts_with(prefix));
    let (plain, prefixed): (Vec<_>, Vec<_>) = conf.into_iter().partition(|(name, _)| !name.starts_with(HADOOP));
    let prefixed = prefixed.into_iter().map(|(name, value)| (name.trim_start_matches(HADOOP).to_owned(), value));
    prefixed.chain(plain).filter(|(name, _)| concerns(name)).collect()
}

/// The store of a URL's bucket. What it asks for is sent and received on `io`'s threads, whoever waits for it.
fn store_of(url: &Url, settings: &StoreSettings, io: &Handle) -> Result<Arc<dyn ObjectStore>> {
    let made: object_store::Result<Arc<dyn ObjectStore>> = match url.kind {
        #[cfg(feature = "s3")]
        Kind::S3 => s3::store(url, settings, io)?,
        #[cfg(feature = "azure")]
        Kind::Azure => azure::store(url, settings, io),
        #[cfg(feature = "gcs")]
        Kind::Gcs => gcs::store(url, settings, io),
        #[cfg(not(all(feature = "s3", feature = "azure", feature = "gcs")))]
        kind => {
            let _ = (settings, io);
            return Err(Error::unsupported(format!(
                "{}: this build reads and writes no `{}:` paths: build it with the feature `{}`, or copy or mount the files",
                url.root(),
                url.scheme,
                kind.feature()
            )));
        }
    };
    made.map_err(|e| {
        Error::analysis(format!("{}: the store's settings do not go together: {e}: {}", url.root(), url.kind.advice())).with_source(e)
    })
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    #[test]
    fn settings_that_concern_a_store() {
        let conf = [
            ("spark.hadoop.fs.s3a.endpoint", "http://a"),
            ("spark.hadoop.fs.s3a.access.key", "k"),
            ("fs.s3a.endpoint", "http://b"),
            ("fs.azure.account.key.x", "z"),
            ("spark.sql.ansi.enabled", "true"),
        ];
        let conf: BTreeMap<_, _> = conf.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let expected = [("fs.s3a.access.key", "k"), ("fs.s3a.endpoint", "http://b")];
        let expected: StoreSettings = expected.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(settings_of(Kind::S3, conf), expected);
        for (name, is) in
            [("fs.s3a.endpoint", true), ("spark.hadoop.fs.gs.project.id", true), ("spark.hadoop.yarn.x", false), ("fs.x", false)]
        {
            assert_eq!(is_setting(name), is, "{name}");
        }
    }

    #[test]
    fn a_store_is_made_once_for_a_bucket_and_its_settings() {
        let stores = Stores::default();
        let made = |path: &str, settings: &[(&str, &str)]| {
            let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let url = Url::parse(path).unwrap().unwrap();
            let made = stores.made(&url, settings, |_| Ok(Arc::new(InMemory::new()))).unwrap();
            (made.url.as_str().to_owned(), shown_location(&made.store.location_of("k").unwrap()))
        };
        let first = made("s3://b/x", &[]);
        assert_eq!(first.1, "s3://b/k");
        assert_eq!(made("s3://b/y", &[]), first);
        let other = made("s3://b/y", &[("fs.s3a.endpoint", "http://e")]);
        assert_eq!(other.1, "s3://b (2)/k");
        assert_ne!(other.0, first.0);
        assert_ne!(made("s3://c/y", &[]).0, first.0);
    }
}
