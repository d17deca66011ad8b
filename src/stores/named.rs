//! A store under its own name: locations begin with scheme and bucket, so that those of two stores are never one, and what goes wrong is
//! told with the whole path and what to look at. The store beneath does the work.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::error::DataFusionError;
use futures::stream::{BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, Result,
};
use tidemill_executor::files::shown_location;

use super::url::Kind;

/// A store whose locations are `s3:/bucket/key`.
#[derive(Debug, Clone)]
pub(super) struct NamedStore {
    store: Arc<dyn ObjectStore>,
    /// `s3:/bucket`.
    scope: Path,
    kind: Kind,
}

impl NamedStore {
    pub(super) fn new(store: Arc<dyn ObjectStore>, scope: Path, kind: Kind) -> Self {
        Self { store, scope, kind }
    }

    /// The location of a key.
    pub(super) fn location_of(&self, key: &str) -> Result<Path> {
        if key.is_empty() { Ok(self.scope.clone()) } else { Ok(Path::parse(format!("{}/{key}", self.scope))?) }
    }

    /// The key of a location, as the store beneath has it.
    fn key(&self, location: &Path) -> Result<Path> {
        let scope: &str = self.scope.as_ref();
        let key = location.as_ref().strip_prefix(scope).filter(|key| key.is_empty() || key.starts_with('/'));
        match key {
            Some(key) => Ok(Path::parse(key)?),
            None => Err(Error::NotSupported { source: format!("{location} is no location in {}", self.scope).into() }),
        }
    }

    fn named_meta(&self, meta: ObjectMeta) -> Result<ObjectMeta> {
        Ok(ObjectMeta { location: self.location_of(meta.location.as_ref())?, ..meta })
    }

    fn named(&self, error: Error, location: &Path) -> Error {
        named(error, location, self.kind)
    }
}

impl fmt::Display for NamedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown_location(&self.scope))
    }
}

/// What a store said, with what to do about it.
#[derive(Debug)]
struct Advised {
    what: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl fmt::Display for Advised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.what, self.source)
    }
}

impl std::error::Error for Advised {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.source.as_ref())
    }
}

fn named(error: Error, location: &Path, kind: Kind) -> Error {
    let path = shown_location(location);
    let advised = |what: String, source| Box::new(Advised { what, source });
    match error {
        Error::NotFound { source, .. } => Error::NotFound { path, source },
        Error::Precondition { source, .. } => Error::Precondition { path, source },
        Error::PermissionDenied { source, .. } => Error::PermissionDenied { path, source: advised(kind.advice().to_owned(), source) },
        Error::Unauthenticated { source, .. } => Error::Unauthenticated { path, source: advised(kind.advice().to_owned(), source) },
        Error::Generic { store, source } => Error::Generic { store, source: advised(format!("{path}: {}", kind.advice()), source) },
        other => other,
    }
}

/// An error of ours for what a store said of a place; its own words name it where they come from a [`NamedStore`].
pub(crate) fn failed(error: Error, shown: impl fmt::Display) -> tidemill_planner::Error {
    let made = match error {
        Error::NotFound { .. } => tidemill_planner::Error::not_found(error.to_string()).with_source(error),
        error => tidemill_planner::Error::from(DataFusionError::from(error)),
    };
    made.context(shown)
}

#[async_trait]
impl ObjectStore for NamedStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.store.put_opts(&self.key(location)?, payload, options).await.map_err(|e| self.named(e, location))
    }

    async fn put_multipart_opts(&self, location: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.store.put_multipart_opts(&self.key(location)?, options).await.map_err(|e| self.named(e, location))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let result = self.store.get_opts(&self.key(location)?, options).await.map_err(|e| self.named(e, location))?;
        Ok(GetResult { meta: ObjectMeta { location: location.clone(), ..result.meta }, ..result })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.store.get_ranges(&self.key(location)?, ranges).await.map_err(|e| self.named(e, location))
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let (inward, outward) = (self.clone(), self.clone());
        let keys = locations.map(move |location| inward.key(&location?)).boxed();
        self.store
            .delete_stream(keys)
            .map(move |deleted| match deleted {
                Ok(key) => outward.location_of(key.as_ref()),
                Err(error) => Err(outward.named(error, &outward.scope)),
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (this, at) = (self.clone(), prefix.unwrap_or(&self.scope).clone());
        let key = match self.key(&at) {
            Ok(key) => key,
            Err(error) => return futures::stream::once(std::future::ready(Err(error))).boxed(),
        };
        let listed = self.store.list(Some(&key).filter(|key| !key.as_ref().is_empty()));
        listed.map(move |meta| this.named_meta(meta.map_err(|e| this.named(e, &at))?)).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let at = prefix.unwrap_or(&self.scope);
        let key = self.key(at)?;
        let listed = self.store.list_with_delimiter(Some(&key).filter(|key| !key.as_ref().is_empty())).await;
        let ListResult { common_prefixes, objects } = listed.map_err(|e| self.named(e, at))?;
        let common_prefixes = common_prefixes.iter().map(|folder| self.location_of(folder.as_ref())).collect::<Result<_>>()?;
        let objects = objects.into_iter().map(|meta| self.named_meta(meta)).collect::<Result<_>>()?;
        Ok(ListResult { common_prefixes, objects })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store.copy_opts(&self.key(from)?, &self.key(to)?, options).await.map_err(|e| self.named(e, from))
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;
    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;

    use super::*;

    #[tokio::test]
    async fn locations_are_those_of_the_bucket() {
        let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let store = NamedStore::new(Arc::clone(&inner), Path::parse("s3:/b").unwrap(), Kind::S3);
        let at = store.location_of("a b/%20/ü=1").unwrap();
        store.put(&at, Bytes::from_static(b"text").into()).await.unwrap();
        assert_eq!(inner.head(&Path::parse("a b/%20/ü=1").unwrap()).await.unwrap().size, 4);
        assert_eq!(store.get_range(&at, 1..3).await.unwrap(), "ex");
        let listed = async |prefix: Option<Path>| {
            let found: Vec<ObjectMeta> = store.list(prefix.as_ref()).try_collect().await.unwrap();
            found.into_iter().map(|meta| meta.location.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(listed(None).await, ["s3:/b/a b/%20/ü=1"]);
        assert_eq!(listed(Some(store.location_of("a b").unwrap())).await, ["s3:/b/a b/%20/ü=1"]);
        let gone = store.get_range(&store.location_of("x").unwrap(), 0..1).await.unwrap_err();
        assert!(gone.to_string().contains("s3://b/x"), "{gone}");
        assert!(store.head(&Path::parse("s3:/bb/a").unwrap()).await.unwrap_err().to_string().contains("no location in"));
        store.delete(&at).await.unwrap();
        assert_eq!(listed(None).await, Vec::<String>::new());
    }

    #[test]
    fn errors_say_what_to_look_at() {
        let at = Path::parse("s3:/b/k").unwrap();
        let said = || "403 Forbidden".into();
        for error in [
            Error::PermissionDenied { path: "k".to_owned(), source: said() },
            Error::Unauthenticated { path: "k".to_owned(), source: said() },
            Error::Generic { store: "S3", source: said() },
        ] {
            let text = named(error, &at, Kind::S3).to_string();
            assert!(["s3://b/k", "fs.s3a.access.key", "403 Forbidden"].iter().all(|part| text.contains(part)), "{text}");
        }
    }
}
