//! Runs a statement that needs no tables, and gives its rows as Spark's tests print them.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use datafusion::execution::session_state::SessionStateBuilder;
use tidemill_spark::plan::{Command, Statement};
use tidemill_spark::resolve::{Opened, OpenedFunction, OpenedRelation, Request, requests, resolve};
use tidemill_spark::types::render::hive_text_at;
use tidemill_spark::{Error, Result, Settings};

/// One statement after the other, as a session runs them: SET changes the settings of those that follow.
pub(crate) struct Runner {
    conf: BTreeMap<String, String>,
    context: SessionContext,
}

impl Runner {
    pub(crate) fn new() -> Self {
        let state = SessionStateBuilder::new().with_default_features().with_analyzer_rules(Vec::new()).build();
        let conf = BTreeMap::from([("spark.sql.session.timeZone".to_owned(), "America/Los_Angeles".to_owned())]);
        Self { conf, context: SessionContext::new_with_state(state) }
    }

    /// The rows, columns parted by tabs.
    pub(crate) async fn run(&mut self, text: &str) -> Result<Vec<String>> {
        let settings = Arc::new(Settings::from_conf(self.conf.clone())?);
        let relation = match tidemill_spark::parse::parse_statement(text, &tidemill_spark::parse::ParseOptions::new(&settings)?)? {
            Statement::Query(relation) => relation,
            Statement::Command(Command::Set { key: Some(key), value: Some(value), .. }) => {
                self.conf.insert(key, value);
                return Ok(Vec::new());
            }
            Statement::Command(other) => return Err(Error::unsupported(format!("{other:?} is no query"))),
        };
        let mut opened = Opened::default();
        loop {
            let missing = requests(&relation, &opened, &settings)?;
            if missing.is_empty() {
                break;
            }
            for request in missing {
                if let Request::Function { .. } = request {
                    opened.functions.insert(request, OpenedFunction::Missing);
                } else {
                    opened.relations.insert(request, OpenedRelation::Missing);
                }
            }
        }
        let resolved = resolve(&relation, &opened, &settings)?;
        let frame = self.context.execute_logical_plan(resolved.plan).await?;
        let mut rows = Vec::new();
        for batch in frame.collect().await? {
            for row in 0..batch.num_rows() {
                let cells = batch
                    .columns()
                    .iter()
                    .zip(&resolved.output)
                    .map(|(column, output)| hive_text_at(column, row, &output.field.data_type, &settings));
                rows.push(cells.collect::<Result<Vec<_>>>()?.join("\t"));
            }
        }
        Ok(rows)
    }
}
