//! URLs of object stores: the scheme, the bucket or container, and the key. It opens nothing.

use tidemill_planner::{Error, Result};

/// Whose store it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    S3,
    Azure,
    Gcs,
}

const SCHEMES: [(&str, Kind); 7] = [
    ("s3", Kind::S3),
    ("s3a", Kind::S3),
    ("abfs", Kind::Azure),
    ("abfss", Kind::Azure),
    ("az", Kind::Azure),
    ("azure", Kind::Azure),
    ("gs", Kind::Gcs),
];

impl Kind {
    /// What the names of its settings begin with.
    pub(super) fn prefixes(self) -> &'static [&'static str] {
        match self {
            Self::S3 => &["fs.s3a."],
            Self::Azure => &["fs.azure."],
            Self::Gcs => &["fs.gs.", "google.cloud.auth."],
        }
    }

    /// The feature of the build that brings it.
    #[cfg(not(all(feature = "s3", feature = "azure", feature = "gcs")))]
    pub(super) fn feature(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Azure => "azure",
            Self::Gcs => "gcs",
        }
    }

    /// What to look at when a store does not do what it is asked.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::S3 => {
                "check the bucket's name, the endpoint (`fs.s3a.endpoint`), the region (`fs.s3a.endpoint.region`) and the credentials \
                 (`fs.s3a.access.key` and `fs.s3a.secret.key`, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"
            }
            Self::Azure => {
                "check the names of container and account, and the credentials (`fs.azure.account.key.<account>.dfs.core.windows.net`, or \
                 AZURE_STORAGE_ACCOUNT_KEY)"
            }
            Self::Gcs => {
                "check the bucket's name and the credentials (`fs.gs.auth.service.account.json.keyfile`, or GOOGLE_APPLICATION_CREDENTIALS)"
            }
        }
    }
}

/// A URL of an object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) kind: Kind,
    pub(super) scheme: &'static str,
    /// The bucket, or `container@account.dfs.core.windows.net`.
    pub(super) bucket: String,
    /// The key, without slashes at its ends and none twice; empty for the bucket itself.
    pub(super) key: String,
}

impl Url {
    /// The URL that a path is; nothing for another path. As in Spark it is taken as it is: `%20` stands for itself.
    ///
    /// # Errors
    /// `Analysis` for one that names no bucket.
    pub(super) fn parse(path: &str) -> Result<Option<Self>> {
        let Some((scheme, rest)) = path.split_once(":/") else { return Ok(None) };
        let Some((scheme, kind)) = SCHEMES.iter().copied().find(|(known, _)| known.eq_ignore_ascii_case(scheme)) else { return Ok(None) };
        let Some(rest) = rest.strip_prefix('/').filter(|rest| !rest.is_empty() && !rest.starts_with('/')) else {
            return Err(Error::analysis(format!("`{path}` names no bucket: write `{scheme}://bucket/path`")));
        };
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if matches!(scheme, "abfs" | "abfss") && !bucket.contains('@') {
            let wanted = format!("{scheme}://container@account.dfs.core.windows.net/path");
            return Err(Error::analysis(format!("`{path}` names no account: write `{wanted}`")));
        }
        let key = key.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
        Ok(Some(Self { kind, scheme, bucket: bucket.to_owned(), key }))
    }

    /// The store, as `s3://bucket`.
    pub(super) fn root(&self) -> String {
        format!("{}://{}", self.scheme, self.bucket)
    }

    /// What locations in the store begin with, `s3:/bucket`.
    pub(super) fn scope(&self) -> String {
        format!("{}:/{}", self.scheme, self.bucket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (path, expected) in [
            ("s3://b/a b/%20/ü", Ok(Some(("s3", "b", "a b/%20/ü")))),
            ("S3A://b//x//y/", Ok(Some(("s3a", "b", "x/y")))),
            ("s3://b", Ok(Some(("s3", "b", "")))),
            ("gs://b/x", Ok(Some(("gs", "b", "x")))),
            ("abfss://c@a.dfs.core.windows.net/x", Ok(Some(("abfss", "c@a.dfs.core.windows.net", "x")))),
            ("az://c/x", Ok(Some(("az", "c", "x")))),
            ("abfss://c/x", Err("names no account")),
            ("s3:/b/x", Err("names no bucket")),
            ("s3:///x", Err("names no bucket")),
            ("s3://", Err("names no bucket")),
            ("hdfs://b/x", Ok(None)),
            ("file:///s3://b", Ok(None)),
            ("/data/s3://b", Ok(None)),
            ("data/x", Ok(None)),
        ] {
            match (Url::parse(path), expected) {
                (Ok(found), Ok(expected)) => {
                    assert_eq!(found.as_ref().map(|url| (url.scheme, url.bucket.as_str(), url.key.as_str())), expected, "{path}");
                }
                (Err(error), Err(expected)) => assert!(error.message().contains(expected), "{error}"),
                (found, expected) => panic!("{path}: {found:?}, not {expected:?}"),
            }
        }
    }
}
