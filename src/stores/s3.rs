//! Buckets of S3, and of what speaks like it: Hadoop's settings of `s3a` as those of the library, beside the environment's AWS variables.

use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::client::SpawnedReqwestConnector;
use object_store::{ObjectStore, RetryConfig};
use tidemill_planner::{Error, Result};
use tokio::runtime::Handle;

use super::StoreSettings;
use super::url::Url;

/// Hadoop's names, without `fs.s3a.`, that mean the same as one of the library's.
const SAME: [(&str, AmazonS3ConfigKey); 4] = [
    ("access.key", AmazonS3ConfigKey::AccessKeyId),
    ("secret.key", AmazonS3ConfigKey::SecretAccessKey),
    ("session.token", AmazonS3ConfigKey::Token),
    ("requester.pays.enabled", AmazonS3ConfigKey::RequestPayer),
];

/// How often a request is tried again. Hadoop's is 7, and each of its tries has tries of its own beneath.
const RETRIES: usize = 5;

/// The store of a bucket.
///
/// # Errors
/// `Analysis` for a setting that is no value of its kind, and where nothing says who asks.
pub(super) fn store(url: &Url, settings: &StoreSettings, io: &Handle) -> Result<object_store::Result<Arc<dyn ObjectStore>>> {
    let said = Said { bucket: &url.bucket, settings };
    let mut builder = AmazonS3Builder::from_env().with_url(url.root()).with_http_connector(SpawnedReqwestConnector::new(io.clone()));
    for (name, key) in SAME {
        if let Some(value) = said.get(name) {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(endpoint) = said.endpoint()? {
        if let Some(region) = region_of(&endpoint) {
            builder = builder.with_region(region);
        }
        let is_plain = endpoint.starts_with("http://");
        let endpoint = match said.flag("path.style.access")? {
            // The library wants the bucket where the setting puts it: before the host.
            Some(false) => endpoint.replacen("://", &format!("://{}.", url.bucket), 1),
            _ => endpoint,
        };
        // The second name is the environment's AWS_ENDPOINT_URL_S3, which would go first.
        builder = builder.with_allow_http(is_plain).with_endpoint(&endpoint).with_config(AmazonS3ConfigKey::S3Endpoint, endpoint);
    }
    if let Some(in_path) = said.flag("path.style.access")? {
        builder = builder.with_virtual_hosted_style_request(!in_path);
    }
    if let Some(region) = said.get("endpoint.region") {
        builder = builder.with_region(region);
    }
    if said.get("aws.credentials.provider").is_some_and(|provider| provider.contains("AnonymousAWSCredentialsProvider")) {
        builder = builder.with_skip_signature(true);
    }
    let max_retries = match said.get("retry.limit") {
        None => RETRIES,
        Some(text) => text.trim().parse().map_err(|_| Said::no_value("retry.limit", text, "a whole number"))?,
    };
    builder = builder.with_retry(RetryConfig { max_retries, ..RetryConfig::default() });
    // Elsewhere than at Amazon's no machine gives out credentials of its own, and to ask for them is to wait for nothing.
    let given = |key: AmazonS3ConfigKey| builder.get_config_value(&key).filter(|value| !value.is_empty() && value != "false");
    let is_elsewhere = given(AmazonS3ConfigKey::Endpoint).is_some_and(|endpoint| !endpoint.contains("amazonaws.com"));
    let who = [
        AmazonS3ConfigKey::AccessKeyId,
        AmazonS3ConfigKey::SecretAccessKey,
        AmazonS3ConfigKey::SkipSignature,
        AmazonS3ConfigKey::WebIdentityTokenFile,
        AmazonS3ConfigKey::ContainerCredentialsRelativeUri,
        AmazonS3ConfigKey::ContainerCredentialsFullUri,
    ];
    if is_elsewhere && !who.into_iter().any(|key| given(key).is_some()) {
        return Err(Error::analysis(format!("{}: nothing says who asks: {}", url.root(), url.kind.advice())));
    }
    Ok(builder.build().map(|store| Arc::new(store) as _))
}

/// What is set for a bucket.
struct Said<'a> {
    bucket: &'a str,
    settings: &'a StoreSettings,
}

impl<'a> Said<'a> {
    /// A setting's value: that of the bucket, else that of all.
    fn get(&self, name: &str) -> Option<&'a str> {
        let of_bucket = self.settings.get(&format!("fs.s3a.bucket.{}.{name}", self.bucket));
        of_bucket.or_else(|| self.settings.get(&format!("fs.s3a.{name}"))).map(String::as_str)
    }

    fn no_value(name: &str, text: &str, wanted: &str) -> Error {
        Error::analysis(format!("`fs.s3a.{name}` is {wanted}, not `{text}`: set one"))
    }

    fn flag(&self, name: &str) -> Result<Option<bool>> {
        match self.get(name).map(|text| (text, text.trim().to_ascii_lowercase())) {
            None => Ok(None),
            Some((_, flag)) if flag == "true" => Ok(Some(true)),
            Some((_, flag)) if flag == "false" => Ok(Some(false)),
            Some((text, _)) => Err(Self::no_value(name, text, "`true` or `false`")),
        }
    }

    /// The endpoint with its scheme, which Hadoop's may lack.
    fn endpoint(&self) -> Result<Option<String>> {
        let Some(endpoint) = self.get("endpoint").map(|text| text.trim().trim_end_matches('/')).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        if endpoint.contains("://") {
            return Ok(Some(endpoint.to_owned()));
        }
        let scheme = if self.flag("connection.ssl.enabled")? == Some(false) { "http" } else { "https" };
        Ok(Some(format!("{scheme}://{endpoint}")))
    }
}

/// The region that one of Amazon's endpoints names.
fn region_of(endpoint: &str) -> Option<&str> {
    let host = endpoint.split_once("://").map_or(endpoint, |(_, host)| host);
    let region = host.strip_prefix("s3.").or_else(|| host.strip_prefix("s3-"))?.split_once(".amazonaws.com")?.0;
    Some(region).filter(|region| !region.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(settings: &[(&str, &str)]) -> Result<String> {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let url = Url::parse("s3://b/x").unwrap().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let store = store(&url, &settings, runtime.handle())?.map_err(|e| Error::analysis(e.to_string()))?;
        Ok(store.to_string())
    }

    #[test]
    fn settings() {
        let keys = [("fs.s3a.access.key", "k"), ("fs.s3a.secret.key", "s")];
        let with = |more: &[(&'static str, &'static str)]| built(&[&keys[..], more].concat());
        assert!(with(&[("fs.s3a.endpoint", "http://127.0.0.1:9"), ("fs.s3a.path.style.access", "true")]).is_ok());
        for (more, expected) in
            [(&[("fs.s3a.path.style.access", "yes")][..], "`true` or `false`"), (&[("fs.s3a.retry.limit", "few")], "a whole number")]
        {
            let error = with(more).unwrap_err();
            assert!(error.message().contains(expected), "{error}");
        }
    }

    #[test]
    fn a_buckets_own_settings_go_first() {
        let settings: StoreSettings =
            [("fs.s3a.endpoint", "a:1"), ("fs.s3a.bucket.b.endpoint", "b:2/"), ("fs.s3a.connection.ssl.enabled", "FALSE")]
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
        for (bucket, expected) in [("b", "http://b:2"), ("c", "http://a:1")] {
            assert_eq!(Said { bucket, settings: &settings }.endpoint().unwrap().as_deref(), Some(expected));
        }
    }

    #[test]
    fn regions_of_endpoints() {
        for (endpoint, expected) in [
            ("https://s3.eu-west-1.amazonaws.com", Some("eu-west-1")),
            ("s3-us-west-2.amazonaws.com", Some("us-west-2")),
            ("https://s3.amazonaws.com", None),
            ("http://localhost:9000", None),
            ("https://s3.dualstack.eu-west-1.amazonaws.com", None),
        ] {
            assert_eq!(region_of(endpoint), expected, "{endpoint}");
        }
    }
}
