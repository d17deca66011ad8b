//! What lies at a path in an object store: the object itself, or those below it that are data, as the local disk's folders are listed.

use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use tidemill_executor::files::{StoredObject, shown_location};
use tidemill_planner::{Error, Result};

use super::StoredPath;
use super::named::failed;
use crate::scan::is_hidden;

/// The data objects at a path, in the order of their names; `None` when nothing is there at all. Objects of no bytes have no rows in any
/// format, and may stand for a folder: they are left out below a path.
///
/// # Errors
/// Those of the store; `Analysis` for a Delta table.
pub(crate) async fn data_objects(at: &StoredPath) -> Result<Option<Vec<StoredObject>>> {
    if let Some(object) = object_at(at).await? {
        return Ok(Some(vec![object]));
    }
    let Some(below) = below(at).await? else { return Ok(None) };
    Ok(Some(below.into_iter().filter(|object| object.meta.size > 0).collect()))
}

/// The data objects below a path, those of no bytes among them: what an overwrite replaces.
///
/// # Errors
/// Those of [`data_objects`].
pub(crate) async fn objects_to_replace(at: &StoredPath) -> Result<Vec<StoredObject>> {
    Ok(below(at).await?.unwrap_or_default())
}

/// What a path has in a store before a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum There {
    Nothing,
    /// Objects below the path, data or not.
    Objects,
    /// An object of just that name.
    Object,
    DeltaTable,
}

/// What is at a path, without a look at all of it.
///
/// # Errors
/// Those of the store.
pub(crate) async fn there(at: &StoredPath) -> Result<There> {
    if object_at(at).await?.is_some() {
        return Ok(There::Object);
    }
    for (prefix, found) in [(at.below("_delta_log")?, There::DeltaTable), (at.location.clone(), There::Objects)] {
        if at.store.list(Some(&prefix)).try_next().await.map_err(|error| told(error, at))?.is_some() {
            return Ok(found);
        }
    }
    Ok(There::Nothing)
}

/// The object of just that name, unless it has no bytes: then it may stand for a folder.
async fn object_at(at: &StoredPath) -> Result<Option<StoredObject>> {
    // A bucket is no object.
    if at.location.parts_count() <= 2 {
        return Ok(None);
    }
    match at.store.head(&at.location).await {
        Ok(meta) if meta.size > 0 => Ok(Some(StoredObject { url: at.url.clone(), store: at.store.clone(), meta })),
        Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(told(error, at)),
    }
}

/// The data objects below; `None` when nothing is there at all.
async fn below(at: &StoredPath) -> Result<Option<Vec<StoredObject>>> {
    let mut listed = at.store.list(Some(&at.location));
    let (mut found, mut is_empty) = (Vec::new(), true);
    while let Some(meta) = listed.try_next().await.map_err(|error| told(error, at))? {
        is_empty = false;
        let parts: Vec<String> =
            meta.location.prefix_match(&at.location).into_iter().flatten().map(|part| part.as_ref().to_owned()).collect();
        // What stands for the folder itself is no file in it.
        let mut hidden = parts.is_empty();
        for part in &parts {
            if part == "_delta_log" && !hidden {
                return Err(Error::analysis(format!(
                    "{} is a Delta table, and those are not read from object stores yet: copy or mount it; its files would be read with \
                     those that were removed",
                    shown_location(&at.location)
                )));
            }
            hidden |= is_hidden(part);
        }
        if !hidden {
            found.push(StoredObject { url: at.url.clone(), store: at.store.clone(), meta });
        }
    }
    found.sort_by(|one, other| one.meta.location.cmp(&other.meta.location));
    Ok((!is_empty).then_some(found))
}

/// What a store said when it was asked what is there.
fn told(error: object_store::Error, at: &StoredPath) -> Error {
    let text = error.to_string();
    if ["NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist"].iter().any(|sign| text.contains(sign)) {
        let message = format!("{}: there is no such bucket: check its name, or make it", at.shown());
        return Error::not_found(message).with_source(error);
    }
    failed(error, at.shown())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use object_store::ObjectStore;
    use object_store::memory::InMemory;

    use super::*;
    use crate::session::Session;

    #[tokio::test]
    async fn what_is_there() {
        let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        for (key, text) in [
            ("t/b.json", "b"),
            ("t/a=1/a b ü.json", "a"),
            ("t/a=1/_SUCCESS", "x"),
            ("t/.hidden/x.json", "x"),
            ("t/_aside/x.json", "x"),
            ("t/_p=1/x.json", "x"),
            ("t/a=2", ""),
            ("tt/x.json", "x"),
            ("delta/_delta_log/0.json", "x"),
            ("done/_SUCCESS", "x"),
        ] {
            let location = object_store::path::Path::parse(key).unwrap();
            inner.put(&location, Bytes::from_static(text.as_bytes()).into()).await.unwrap();
        }
        let session = Session::builder().build().unwrap();
        session.stores().put("s3://bucket", inner);
        let found = async |path: &str| {
            let at = session.stored(path).unwrap().unwrap();
            let found = data_objects(&at).await.map_err(|e| e.message().to_owned());
            found.map(|found| found.map(|all| all.iter().map(|object| object.path().display().to_string()).collect::<Vec<_>>()))
        };
        let all = ["s3://bucket/t/_p=1/x.json", "s3://bucket/t/a=1/a b ü.json", "s3://bucket/t/b.json"].map(str::to_owned).to_vec();
        assert_eq!(found("s3://bucket/t").await, Ok(Some(all.clone())));
        assert_eq!(found("s3://bucket/t/").await, Ok(Some(all)));
        assert_eq!(found("s3://bucket/t/b.json").await, Ok(Some(vec!["s3://bucket/t/b.json".to_owned()])));
        assert_eq!(found("s3://bucket/no").await, Ok(None));
        assert_eq!(found("s3://bucket/done").await, Ok(Some(Vec::new())));
        assert!(found("s3://bucket/delta").await.unwrap_err().contains("is a Delta table"));
        assert!(found("s3://bucket").await.unwrap_err().contains("is a Delta table"));
        for (path, expected) in [
            ("t", There::Objects),
            ("t/b.json", There::Object),
            ("delta", There::DeltaTable),
            ("done", There::Objects),
            ("do", There::Nothing),
        ] {
            let at = session.stored(&format!("s3://bucket/{path}")).unwrap().unwrap();
            assert_eq!(there(&at).await.unwrap(), expected, "{path}");
        }
        let to_replace = objects_to_replace(&session.stored("s3://bucket/t").unwrap().unwrap()).await.unwrap();
        assert_eq!(to_replace.len(), 4, "the one of no bytes, too");
    }
}
