//! Runs a statement that needs no tables, and gives its rows as Spark's tests print them. On the way it checks what the resolver promises.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidemill_spark::plan::{Command, Statement};
use tidemill_spark::resolve::{Opened, OpenedFunction, OpenedRelation, Request, requests, resolve};
use tidemill_spark::{Error, Result, Settings};

use crate::promises::{self, Broken};

/// One statement after the other, as a session runs them: SET changes the settings of those that follow.
pub(crate) struct Runner {
    conf: BTreeMap<String, String>,
}

impl Runner {
    pub(crate) fn new() -> Self {
        let conf = BTreeMap::from([("spark.sql.session.timeZone".to_owned(), "America/Los_Angeles".to_owned())]);
        Self { conf }
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
        let kept = promises::outputs_are_the_plans(&resolved)
            .and_then(|()| promises::coercion_changes_no_type(&resolved.plan))
            .and_then(|()| promises::resolving_is_idempotent(&relation, &opened, &settings, &resolved));
        kept.unwrap_or_else(|why| panic!("{text}: {why}"));
        promises::run(&resolved, &settings).await.map_err(|broken| match broken {
            Broken::Promise(why) => panic!("{text}: {why}"),
            Broken::Refused(error) => error,
        })
    }
}
