//! The session: settings, functions, views, and the door to reading and SQL. Running is the engine's business.

mod planner;
mod run;
mod settings;
mod state;

pub(crate) use settings::{RESULT_SETTINGS, documented};

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use tidemill_executor::pool::Engine;

pub(crate) use run::named;

use crate::catalog::Catalog;
use crate::dataframe::DataFrame;
use crate::io::{DataFrameReader, Table};
use crate::{Error, Result};

/// One program's work: settings, temporary views, and the engine that runs its queries. Clones share everything.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    settings: settings::Settings,
    state: OnceLock<SessionState>,
    engine: OnceLock<Engine>,
    catalog: Catalog,
    plans_made: Arc<AtomicU64>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("settings", &self.inner.settings).finish_non_exhaustive()
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
        let warehouse = warehouse.strip_prefix("file://").or_else(|| warehouse.strip_prefix("file:")).unwrap_or(&warehouse).to_owned();
        let catalog = Catalog::new(std::path::Path::new(&warehouse));
        let inner = Inner { settings, state: OnceLock::new(), engine: OnceLock::new(), catalog, plans_made: Arc::default() };
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
        settings.current_database = self.catalog().current_database();
        settings.user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "tidemill".to_owned());
        Arc::new(settings)
    }

    /// Reads files and tables as DataFrames.
    pub fn read(&self) -> DataFrameReader {
        DataFrameReader::new(self.clone())
    }

    /// The rows of a query in Spark's SQL. A command (`CREATE VIEW`) is carried out at once and gives no rows.
    ///
    /// # Errors
    /// `Analysis` when the text does not parse or names something unknown, `Unsupported` for what is not there yet.
    pub async fn sql(&self, text: &str) -> Result<DataFrame> {
        crate::sql::run(self, text).await
    }

    /// The temporary view of that name as a DataFrame.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub fn view(&self, name: &str) -> Result<DataFrame> {
        let view = self.catalog().temp_view(&[name.to_owned()], &self.spark_settings()).ok_or_else(|| self.catalog().unknown(name))?;
        Ok(DataFrame::opened(self.clone(), view.opened).alias(name))
    }

    /// The Delta table at a path: its rows, versions and history.
    pub fn table(&self, path: impl Into<String>) -> Table {
        Table::new(self.clone(), path.into())
    }

    /// Rows given as Arrow batches, all of one schema.
    ///
    /// # Errors
    /// `Analysis` when there is no batch to take the schema from, or schemas differ.
    pub fn create_dataframe(&self, batches: Vec<arrow::array::RecordBatch>) -> Result<DataFrame> {
        let schema = batches.first().map(|b| b.schema()).ok_or_else(|| {
            Error::analysis("`create_dataframe` needs a batch to take the columns from: give an empty batch with a schema for no rows")
        })?;
        if let Some(other) = batches.iter().find(|batch| batch.schema() != schema) {
            return Err(Error::analysis(format!("`create_dataframe` takes batches of one schema: {schema} and {}", other.schema())));
        }
        let spark = crate::rows::spark_schema(&schema);
        let batches = if spark == schema {
            batches
        } else {
            batches.iter().map(|batch| crate::rows::spark_batch(batch, &spark)).collect::<Result<_>>()?
        };
        let table = datafusion::datasource::MemTable::try_new(spark, vec![batches])?;
        self.scan("rows", Arc::new(table))
    }

    /// The numbers from `start` up to `end`, as a column `id`.
    pub async fn range(&self, start: i64, end: i64) -> Result<DataFrame> {
        let arguments = [start, end].map(tidemill_spark::plan::Expression::literal).to_vec();
        let kind = tidemill_spark::plan::RelationKind::TableFunction { name: vec!["range".to_owned()], arguments };
        Ok(DataFrame::new(self.clone(), kind, crate::dataframe::Held::default()))
    }

    /// Forgets a temporary view; whether there was one.
    pub fn drop_temp_view(&self, name: &str) -> bool {
        self.catalog().drop_temp_view(&[name.to_owned()], &self.spark_settings())
    }

    /// How many physical plans the session has made so far: one for each action, and one for each sink when a streaming query
    /// starts. Its epochs make none.
    pub fn plans_made(&self) -> u64 {
        self.inner.plans_made.load(Ordering::Relaxed)
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    /// DataFusion's side of the session, made when it is first needed.
    pub(crate) fn state(&self) -> &SessionState {
        self.inner.state.get_or_init(|| state::build(&self.inner.settings, Arc::clone(&self.inner.plans_made)))
    }

    /// A DataFrame of this session over any logical plan.
    pub(crate) fn dataframe(&self, plan: LogicalPlan) -> DataFrame {
        DataFrame::of_plan(self.clone(), plan)
    }

    /// The rows of a table of the engine's, under a name for its scans.
    pub(crate) fn scan(&self, name: &str, table: Arc<dyn datafusion::catalog::TableProvider>) -> Result<DataFrame> {
        let columns = table.schema().fields().iter().map(|field| tidemill_spark::types::from_field(field)).collect();
        let source = datafusion::datasource::provider_as_source(table);
        Ok(DataFrame::opened(self.clone(), tidemill_spark::resolve::OpenedRelation::Table { name: vec![name.to_owned()], source, columns }))
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
            ("spark.sql.ansi.enabled", "maybe", "INVALID_CONF_VALUE.TYPE_MISMATCH"),
            ("spark.sql.session.timeZone", "Nowhere", "INVALID_CONF_VALUE.TIME_ZONE"),
        ] {
            let error = session.set(name, value).unwrap_err();
            assert_eq!(error.condition().map(|c| c.name.as_str()), Some(condition), "{name}");
        }
    }
}
