//! The settings that give a statement its meaning: a snapshot of the session's, which a resolved plan keeps.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use crate::types::TimeZone;
use crate::{Result, switches};

/// What a statement's meaning depends on besides its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `spark.sql.ansi.enabled`: errors instead of nulls and wrapped numbers.
    pub ansi: bool,
    /// `spark.sql.session.timeZone`
    pub time_zone: TimeZone,
    /// `spark.sql.caseSensitive`
    pub case_sensitive: bool,
    /// `spark.sql.timestampType = TIMESTAMP_NTZ`: what TIMESTAMP means
    pub timestamp_is_ntz: bool,
    /// The catalog that names without one are looked up in.
    pub current_catalog: String,
    /// The database that names without one are looked up in.
    pub current_database: String,
    /// `current_user()`
    pub user: String,
    /// All settings that were given, by name.
    pub conf: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ansi: true,
            time_zone: TimeZone::utc(),
            case_sensitive: false,
            timestamp_is_ntz: false,
            current_catalog: "spark_catalog".to_owned(),
            current_database: "default".to_owned(),
            user: String::new(),
            conf: BTreeMap::new(),
        }
    }
}

/// Plans with settings are compared far more often than settings differ.
impl Hash for Settings {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.ansi.hash(state);
        self.time_zone.hash(state);
    }
}

impl Settings {
    /// The defaults with `conf` on top.
    ///
    /// # Errors
    /// `INVALID_CONF_VALUE` for a value that a setting does not take.
    pub fn from_conf(conf: BTreeMap<String, String>) -> Result<Self> {
        let mut settings = Self { conf, ..Self::default() };
        settings.ansi = settings.flag("spark.sql.ansi.enabled", true)?;
        settings.case_sensitive = settings.flag("spark.sql.caseSensitive", false)?;
        settings.timestamp_is_ntz = settings.get("spark.sql.timestampType").is_some_and(|v| v.eq_ignore_ascii_case("TIMESTAMP_NTZ"));
        if let Some(zone) = settings.get("spark.sql.session.timeZone") {
            settings.time_zone = TimeZone::parse(zone)?;
        }
        Ok(settings)
    }

    /// A setting that was given; names are compared without regard to case.
    pub fn get(&self, name: &str) -> Option<&str> {
        let exact = self.conf.get(name);
        exact.or_else(|| self.conf.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)).map(String::as_str)
    }

    /// A setting that is on or off.
    ///
    /// # Errors
    /// `INVALID_CONF_VALUE` for anything but `true` and `false`.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool> {
        debug_assert!(
            switches::find(name).is_some_and(|s| s.default == default.to_string()),
            "{name} is no switch, or has another default"
        );
        match self.get(name) {
            None => Ok(default),
            Some(text) if text.trim().eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.trim().eq_ignore_ascii_case("false") => Ok(false),
            Some(text) => Err(crate::error::error(
                "INVALID_CONF_VALUE.TYPE_MISMATCH",
                format!("`{name}` is true or false, not `{text}`: set one of them"),
            )),
        }
    }

    /// A setting that is a whole number.
    ///
    /// # Errors
    /// `INVALID_CONF_VALUE` for anything else.
    pub fn whole(&self, name: &str, default: i64) -> Result<i64> {
        let Some(text) = self.get(name) else { return Ok(default) };
        text.trim().parse().map_err(|_| {
            let message = format!("`{name}` is a whole number, not `{text}`: set one");
            crate::error::error("INVALID_CONF_VALUE.TYPE_MISMATCH", message)
        })
    }

    /// Whether two names are one.
    pub fn same(&self, left: &str, right: &str) -> bool {
        if self.case_sensitive { left == right } else { tidemill_planner::ident::same(left, right) }
    }
}
