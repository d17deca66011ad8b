//! Buckets of Google's storage: the settings of Hadoop's connector as those of the library, beside the environment's GOOGLE variables.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::client::SpawnedReqwestConnector;
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use tokio::runtime::Handle;

use super::StoreSettings;
use super::url::Url;

const SAME: [(&str, GoogleConfigKey); 3] = [
    ("fs.gs.auth.service.account.json.keyfile", GoogleConfigKey::ServiceAccount),
    ("google.cloud.auth.service.account.json.keyfile", GoogleConfigKey::ServiceAccount),
    ("fs.gs.storage.root.url", GoogleConfigKey::BaseUrl),
];

/// The store of a bucket.
pub(super) fn store(url: &Url, settings: &StoreSettings, io: &Handle) -> object_store::Result<Arc<dyn ObjectStore>> {
    let connector = SpawnedReqwestConnector::new(io.clone());
    let mut builder = GoogleCloudStorageBuilder::from_env().with_url(url.root()).with_http_connector(connector);
    for (name, key) in SAME {
        if let Some(value) = settings.get(name) {
            builder = builder.with_config(key, value);
        }
    }
    builder.build().map(|store| Arc::new(store) as _)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_that_is_not_there_is_told() {
        let settings = StoreSettings::from([("fs.gs.auth.service.account.json.keyfile".to_owned(), "/no/such/key.json".to_owned())]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = store(&Url::parse("gs://b/x").unwrap().unwrap(), &settings, runtime.handle()).unwrap_err();
        assert!(error.to_string().contains("/no/such/key.json"), "{error}");
    }
}
