//! Containers of Azure's storage: Hadoop's settings of `abfs` as those of the library, beside the environment's AZURE variables.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::client::SpawnedReqwestConnector;
use tokio::runtime::Handle;

use super::StoreSettings;
use super::url::Url;

/// Hadoop's names, without `fs.azure.` and the account at their end.
const SAME: [(&str, AzureConfigKey); 4] = [
    ("account.key", AzureConfigKey::AccessKey),
    ("sas.fixed.token", AzureConfigKey::SasKey),
    ("account.oauth2.client.id", AzureConfigKey::ClientId),
    ("account.oauth2.client.secret", AzureConfigKey::ClientSecret),
];

/// The store of a container.
pub(super) fn store(url: &Url, settings: &StoreSettings, io: &Handle) -> object_store::Result<Arc<dyn ObjectStore>> {
    // Of `container@account.host` the settings name the latter; without it the settings or the environment name the account.
    let host = url.bucket.split_once('@').map(|(_, host)| host);
    let get = |name: &str| {
        let of_account = host.and_then(|host| settings.get(&format!("fs.azure.{name}.{host}")));
        of_account.or_else(|| settings.get(&format!("fs.azure.{name}")))
    };
    let mut builder = MicrosoftAzureBuilder::from_env().with_http_connector(SpawnedReqwestConnector::new(io.clone()));
    if let Some(account) = get("abfs.account.name").and_then(|name| name.split('.').next()) {
        builder = builder.with_account(account);
    }
    builder = builder.with_url(url.root());
    for (name, key) in SAME {
        if let Some(value) = get(name) {
            builder = builder.with_config(key, value.trim_start_matches('?'));
        }
    }
    // `https://login.microsoftonline.com/<tenant>/oauth2/token`
    if let Some(tenant) = get("account.oauth2.client.endpoint").and_then(|endpoint| endpoint.split('/').nth(3)) {
        builder = builder.with_config(AzureConfigKey::AuthorityId, tenant);
    }
    builder.build().map(|store| Arc::new(store) as _)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_of_an_account() {
        let settings = StoreSettings::from([("fs.azure.account.key.a.dfs.core.windows.net".to_owned(), "a2V5".to_owned())]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for (path, expected) in [("abfss://c@a.dfs.core.windows.net/x", true), ("abfss://c@a.example.com/x", false)] {
            let made = store(&Url::parse(path).unwrap().unwrap(), &settings, runtime.handle());
            assert_eq!(made.is_ok_and(|store| store.to_string().contains('c')), expected, "{path}");
        }
    }
}
