//! The session: settings, functions, views, and the door to reading and SQL. Running is the engine's business.

mod kept;
mod master;
mod planner;
mod progress;
mod run;
mod settings;
mod state;

pub(crate) use settings::{CHECKPOINT_LOCATION, RESULT_SETTINGS, documented};

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use datafusion::execution::SessionState;
use tidemill_executor::pool::Engine;

pub(crate) use kept::{Applied, KeptPlans, kept_frame, kept_now};
pub(crate) use progress::Telling;
pub use progress::{ProgressHandlerId, QueryProgress};
pub(crate) use run::{named, warn_of_malformed};

use crate::catalog::Catalog as Objects;
use crate::stores::{REDACTED, Stores, is_secret};
use tidemill_planner::Result;

/// One program's work: settings, temporary views, and the engine that runs its queries. Clones share everything.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    settings: settings::Settings,
    state: OnceLock<SessionState>,
    engine: OnceLock<Engine>,
    catalog: Objects,
    stores: Stores,
    kept: KeptPlans,
    plans_made: Arc<AtomicU64>,
    progress: Arc<progress::Handlers>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut settings = self.conf();
        for (name, value) in &mut settings {
            if is_secret(name) {
                REDACTED.clone_into(value);
            }
        }
        f.debug_struct("Session").field("settings", &settings).finish_non_exhaustive()
    }
}

/// Collects a session's settings.
#[derive(Debug, Clone, Default)]
pub struct SessionBuilder {
    given: BTreeMap<String, String>,
}

impl SessionBuilder {
    /// How many tasks a stage has at most; the number of cores unless it is set.
    #[must_use]
    pub fn parallelism(self, tasks: usize) -> Self {
        self.config("tidemill.parallelism", tasks.to_string())
    }

    /// Threads that compute, and tasks of a stage, as Spark writes them: `local[4]`, `local[*]` for one per core, `local[4,2]` where a task
    /// may fail twice; `local-cluster[2,1,1024]` for two executors of one thread and 1024 MB each, of which one may be lost
    /// ([`Engine::lose_executor`]). The engine is always in this process: [`SessionBuilder::build`] refuses other places.
    #[must_use]
    pub fn master(self, master: impl Into<String>) -> Self {
        self.config("spark.master", master)
    }

    /// A setting by name, as text.
    #[must_use]
    pub fn config(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.given.insert(name.into(), value.into());
        self
    }

    /// The session.
    ///
    /// # Errors
    /// `Analysis` for an unknown `tidemill.*` setting or a bad value; an unknown `spark.*` setting is logged and left out.
    pub fn build(self) -> Result<Session> {
        let settings = settings::Settings::check(&self.given)?;
        let warehouse = settings.get("spark.sql.warehouse.dir").unwrap_or_else(|| "spark-warehouse".to_owned());
        let catalog = Objects::new(&crate::scan::local_path(&warehouse).map_err(|e| e.context("spark.sql.warehouse.dir"))?);
        let inner = Inner {
            settings,
            state: OnceLock::new(),
            engine: OnceLock::new(),
            catalog,
            stores: Stores::default(),
            kept: KeptPlans::default(),
            plans_made: Arc::default(),
            progress: Arc::default(),
        };
        Ok(Session { inner: Arc::new(inner) })
    }
}

impl Session {
    /// Settings for a new session.
    pub fn builder() -> SessionBuilder {
        SessionBuilder::default()
    }

    /// How many tasks a stage has at most.
    pub fn parallelism(&self) -> usize {
        self.inner.settings.parallelism
    }

    /// What it was asked to keep.
    pub(crate) fn kept(&self) -> &KeptPlans {
        &self.inner.kept
    }

    /// A setting's value, its default included; `None` for a name that is not a setting.
    pub fn setting(&self, name: &str) -> Option<String> {
        self.inner.settings.get(name)
    }

    /// Gives a setting a value from here on: what `SET name = value` does.
    ///
    /// # Errors
    /// `Analysis` for a setting that holds from the start of the session to its end, an unknown `tidemill.*` one, or a bad value.
    pub fn set(&self, name: &str, value: &str) -> Result<()> {
        self.inner.settings.set(name, value)
    }

    /// Takes a setting back to what it was at the start: what `RESET name` does.
    ///
    /// # Errors
    /// As [`Session::set`].
    pub fn unset(&self, name: &str) -> Result<()> {
        self.inner.settings.unset(name)
    }

    /// Takes all settings back to what they were at the start: what `RESET` does.
    pub fn reset(&self) {
        self.inner.settings.reset();
    }

    /// All settings that were given so far.
    pub(crate) fn conf(&self) -> BTreeMap<String, String> {
        self.inner.settings.conf()
    }

    /// The settings that give a statement its meaning, as they are now.
    pub fn spark_settings(&self) -> Arc<tidemill_spark::Settings> {
        let conf = self.conf();
        // Values were checked when they were given.
        let mut settings = tidemill_spark::Settings::from_conf(conf.clone())
            .unwrap_or_else(|_| tidemill_spark::Settings { conf, ..tidemill_spark::Settings::default() });
        settings.current_catalog = crate::catalog::CATALOG.to_owned();
        settings.current_database = self.objects().current_database();
        settings.user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "tidemill".to_owned());
        Arc::new(settings)
    }

    /// Forgets a temporary view; whether there was one.
    pub fn drop_temp_view(&self, name: &str) -> bool {
        self.objects().drop_temp_view(&[name.to_owned()], &self.spark_settings())
    }

    /// How many physical plans the session has made so far: one for each action, and one for each sink when a streaming query
    /// starts. Its epochs make none.
    pub fn plans_made(&self) -> u64 {
        self.inner.plans_made.load(Ordering::Relaxed)
    }

    /// What has a name in the session, as the catalog keeps it.
    pub(crate) fn objects(&self) -> &Objects {
        &self.inner.catalog
    }

    /// The object stores that it has met.
    pub(crate) fn stores(&self) -> &Stores {
        &self.inner.stores
    }

    /// DataFusion's side of the session, made when it is first needed.
    pub(crate) fn state(&self) -> &SessionState {
        self.inner.state.get_or_init(|| state::build(&self.inner.settings, Arc::clone(&self.inner.plans_made)))
    }
}

#[cfg(test)]
mod tests {
    use super::Session;

    #[test]
    fn settings_are_checked() {
        let error = Session::builder().config("tidemill.paralelism", "2").build().unwrap_err();
        assert!(error.message().contains("did you mean `tidemill.parallelism`?"), "{error}");
        let session = Session::builder().parallelism(3).config("spark.executor.memory", "4g").build().unwrap();
        assert_eq!(session.parallelism(), 3);
        assert!(Session::builder().config("tidemill.parallelism", "0").build().is_err());
        for (name, value) in [
            ("spark.master", "yarn"),
            ("spark.task.maxFailures", "0"),
            ("spark.scheduler.mode", "ROUND"),
            ("spark.scheduler.allocation.file", "pools.xml"),
        ] {
            assert!(Session::builder().config(name, value).build().is_err(), "{name}");
        }
        assert!(Session::builder().config("spark.sql.session.timeZone", "Europe/Nowhere").build().is_err());
        session.set("spark.sql.ansi.enabled", "FALSE").unwrap();
        session.set("spark.sql.session.timezone", "Europe/Berlin").unwrap();
        let settings = session.spark_settings();
        assert!(!settings.ansi && settings.time_zone.name() == "Europe/Berlin");
        session.reset();
        assert!(session.spark_settings().ansi);
        for (name, value, condition) in [
            ("spark.sql.warehouse.dir", "x", "CANNOT_MODIFY_STATIC_CONFIG"),
            ("tidemill.threads", "2", "CANNOT_MODIFY_CONFIG"),
            ("spark.master", "local[2]", "CANNOT_MODIFY_CONFIG"),
            ("spark.task.maxFailures", "2", "CANNOT_MODIFY_CONFIG"),
            ("spark.scheduler.mode", "FIFO", "CANNOT_MODIFY_CONFIG"),
            ("spark.sql.ansi.enabled", "maybe", "INVALID_CONF_VALUE.TYPE_MISMATCH"),
            ("spark.sql.session.timeZone", "Nowhere", "INVALID_CONF_VALUE.TIME_ZONE"),
        ] {
            let error = session.set(name, value).unwrap_err();
            assert_eq!(error.condition().map(|c| c.name.as_str()), Some(condition), "{name}");
        }
    }

    #[test]
    fn a_master_says_how_many_threads_and_failures_there_are() {
        let made = |settings: &[(&str, &str)]| {
            let session = settings.iter().fold(Session::builder(), |builder, (name, value)| builder.config(*name, *value)).build().unwrap();
            let settings = &session.inner.settings;
            (settings.threads, settings.parallelism, settings.max_failures)
        };
        type Given = &'static [(&'static str, &'static str)];
        let cases: [(Given, (usize, usize, u32)); 8] = [
            (&[("spark.master", "local[3]")], (3, 3, 0)),
            (&[("spark.master", "local")], (1, 1, 0)),
            (&[("spark.master", "local[3,2]"), ("spark.task.maxFailures", "9")], (3, 3, 2)),
            (&[("spark.master", "local[3]"), ("spark.task.maxFailures", "9")], (3, 3, 9)),
            (&[("spark.master", "local[3]"), ("spark.sql.shuffle.partitions", "7")], (3, 7, 0)),
            (&[("spark.master", "local[3]"), ("tidemill.threads", "1"), ("tidemill.parallelism", "2")], (1, 2, 0)),
            (&[("spark.master", "local-cluster[3,2,512]")], (2, 6, 0)),
            (&[("spark.master", "local-cluster[3,2,512]"), ("spark.task.maxFailures", "9"), ("tidemill.parallelism", "4")], (2, 4, 9)),
        ];
        for (given, expected) in cases {
            assert_eq!(made(given), expected, "{given:?}");
        }
        let session = Session::builder().master("local[2]").build().unwrap();
        assert_eq!(session.engine().unwrap().threads(), 2);
        assert_eq!(session.engine().unwrap().executors(), [0]);
        assert_eq!(session.setting("spark.master").as_deref(), Some("local[2]"));
        let session = Session::builder().master("local-cluster[3,2,512]").build().unwrap();
        assert_eq!((session.engine().unwrap().threads(), session.engine().unwrap().executors()), (6, vec![0, 1, 2]));
        let twice = Session::builder().master("local-cluster[3,2,512]").config("tidemill.memoryBytes", "1g").build().unwrap_err();
        assert!(twice.message().contains("tidemill.memoryBytes"), "{twice}");
        let session = Session::builder().master("local[2]").build().unwrap();
        assert_eq!(Session::builder().build().unwrap().setting("spark.master").as_deref(), Some("local[*]"));
        session.set("spark.scheduler.pool", "nightly").unwrap();
        assert_eq!(session.inner.settings.scheduler_pool().as_deref(), Some("nightly"));
        session.unset("spark.scheduler.pool").unwrap();
        assert_eq!(session.inner.settings.scheduler_pool(), None);
    }
}
