//! What trees name by number, because text cannot say it: rows, sources and functions of the program.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::logical_expr::LogicalPlan;
use tidemill_planner::logical::{BatchesFunction, GroupFunction, UserFunction};
use tidemill_spark::plan::{PlanId, Relation};
use tidemill_spark::resolve::{Opened, OpenedRelation, Resolved};

/// What a tree names by number: rows, sources and functions of the program. They live as long as a DataFrame that uses them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held(Arc<BTreeMap<u64, Handle>>);

/// What stands behind a number.
#[derive(Debug, Clone)]
pub(crate) enum Handle {
    /// Rows, or a source.
    Relation(Arc<OpenedRelation>),
    /// A query in SQL: what it means, and its tree while that still means the same.
    Query(Arc<Queried>),
    /// A function over groups.
    Groups(Arc<dyn GroupFunction>),
    /// A function over columns.
    Columns(Arc<dyn UserFunction>),
    /// A function over batches.
    Batches(Arc<dyn BatchesFunction>),
}

/// A query in SQL, which means what it meant when it was said.
#[derive(Debug)]
pub(crate) struct Queried {
    pub(crate) resolved: Arc<Resolved>,
    pub(crate) relation: Relation,
    /// How often the session's names and tables had changed then.
    pub(crate) changes: u64,
}

impl Held {
    /// The query that a number stands for.
    pub(crate) fn query(&self, number: u64) -> Option<&Queried> {
        match self.0.get(&number) {
            Some(Handle::Query(query)) => Some(query),
            _ => None,
        }
    }

    /// Just this, and its number.
    pub(crate) fn of(handle: Handle) -> (u64, Self) {
        let number = next();
        (number, Self(Arc::new(BTreeMap::from([(number, handle)]))))
    }

    /// Just this, under a number that was drawn before.
    pub(crate) fn numbered(number: u64, handle: Handle) -> Self {
        Self(Arc::new(BTreeMap::from([(number, handle)])))
    }

    /// A number that nothing has yet.
    pub(crate) fn next_number() -> u64 {
        next()
    }

    /// What either holds.
    pub(crate) fn and(&self, other: &Self) -> Self {
        if Arc::ptr_eq(&self.0, &other.0) || other.0.keys().all(|number| self.0.contains_key(number)) {
            return self.clone();
        }
        if self.0.keys().all(|number| other.0.contains_key(number)) {
            return other.clone();
        }
        let mut all = self.0.as_ref().clone();
        all.extend(other.0.iter().map(|(number, handle)| (*number, handle.clone())));
        Self(Arc::new(all))
    }

    /// Whether one of the sources is a stream.
    pub(crate) fn is_streaming(&self) -> bool {
        let streams = |plan: &LogicalPlan| tidemill_planner::legality::is_streaming(plan);
        self.0.values().any(|handle| match handle {
            Handle::Relation(opened) => match opened.as_ref() {
                OpenedRelation::Plan { plan, .. } => streams(plan),
                OpenedRelation::Resolved(resolved) => streams(&resolved.plan),
                _ => false,
            },
            Handle::Query(query) => streams(&query.resolved.plan),
            Handle::Groups(_) | Handle::Columns(_) | Handle::Batches(_) => false,
        })
    }

    /// Puts them where the resolver looks for them.
    pub(crate) fn open(&self, opened: &mut Opened) {
        for (number, handle) in self.0.iter() {
            match handle {
                Handle::Relation(relation) => {
                    opened.handles.insert(*number, relation.as_ref().clone());
                }
                Handle::Query(query) => {
                    opened.handles.insert(*number, OpenedRelation::Resolved(Arc::clone(&query.resolved)));
                }
                Handle::Groups(function) => {
                    opened.group_functions.insert(*number, Arc::clone(function));
                }
                Handle::Columns(function) => {
                    opened.user_functions.insert(*number, Arc::clone(function));
                }
                Handle::Batches(function) => {
                    opened.batches_functions.insert(*number, Arc::clone(function));
                }
            }
        }
    }
}

/// A number that nothing else of the process has.
fn next() -> u64 {
    static MADE: AtomicU64 = AtomicU64::new(1);
    MADE.fetch_add(1, Ordering::Relaxed)
}

/// An id for a new DataFrame.
pub(crate) fn new_plan_id() -> PlanId {
    PlanId(next())
}
