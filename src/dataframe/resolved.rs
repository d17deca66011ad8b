//! What a DataFrame means: its tree resolved when that is first asked for, and kept.

use std::sync::{Arc, OnceLock};

use tidemill_spark::plan::Relation;
use tidemill_spark::resolve::{Opened, Resolved};

use crate::held::Held;
use crate::session::Session;
use tidemill_planner::{Error, Result};

/// What a tree was found to mean.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meaning(Arc<OnceLock<Found>>);

type Found = std::result::Result<Arc<Resolved>, Arc<Error>>;

impl Meaning {
    /// What was found before.
    pub(crate) fn known(&self) -> Option<Result<Arc<Resolved>>> {
        self.0.get().map(repeated)
    }

    /// The meaning of a tree that was resolved elsewhere.
    pub(crate) fn of(resolved: Resolved) -> Self {
        let meaning = Self::default();
        let _ = meaning.0.set(Ok(Arc::new(resolved)));
        meaning
    }

    /// Resolves with what has been opened.
    pub(crate) fn settle(&self, session: &Session, relation: &Relation, held: &Held, mut opened: Opened) -> Result<Arc<Resolved>> {
        held.open(&mut opened);
        let found = tidemill_spark::resolve::resolve(relation, &opened, &session.spark_settings());
        let found = self.0.get_or_init(|| found.map(Arc::new).map_err(Arc::new));
        repeated(found)
    }
}

/// The same answer once more.
fn repeated(found: &Found) -> Result<Arc<Resolved>> {
    match found {
        Ok(resolved) => Ok(Arc::clone(resolved)),
        Err(error) => {
            let mut again = Error::new(error.kind(), error.message());
            if let Some(condition) = error.condition() {
                again = again.with_condition(condition.clone());
            }
            Err(again.with_source(Arc::clone(error)))
        }
    }
}
