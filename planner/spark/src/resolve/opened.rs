//! What a tree needs from outside, and what the session has opened for it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use datafusion::logical_expr::{LogicalPlan, TableSource};
use datafusion::scalar::ScalarValue;
use tidemill_planner::logical::{BatchesFunction, GroupFunction, UserFunction};

use crate::Settings;
use crate::plan::{FunctionParameter, Relation, SqlFunction};
use crate::types::{SparkType, StructField};

/// Something that has to be opened before a tree can be resolved.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Request {
    /// A table or view by name, as the tree says it.
    Table {
        /// The name's parts.
        name: Vec<String>,
        /// At which moment.
        travel: Option<Travel>,
        /// Options said with the name.
        options: BTreeMap<String, String>,
        /// Whether its changes are wanted.
        is_streaming: bool,
    },
    /// Files by format and path.
    Files {
        /// `parquet`, `delta`, …
        format: String,
        /// Where.
        paths: Vec<String>,
        /// How.
        options: BTreeMap<String, String>,
        /// The columns, if the program says them.
        schema: Option<Vec<StructField>>,
        /// Whether they go on coming.
        is_streaming: bool,
    },
    /// A function by name that is not Spark's.
    Function {
        /// The name's parts.
        name: Vec<String>,
    },
}

/// A moment of a table's history, its expression computed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Travel {
    /// A version.
    Version(String),
    /// Microseconds since the epoch.
    Timestamp(i64),
}

/// What a name stands for.
#[derive(Clone)]
pub enum OpenedRelation {
    /// A table: columns of files.
    Table {
        /// Its full name (catalog, database, table), or none for files by path.
        name: Vec<String>,
        /// The engine's side of it; its fields are those of `columns`, in this order.
        source: Arc<dyn TableSource>,
        /// Its columns.
        columns: Vec<StructField>,
    },
    /// A view: a tree to be resolved with the settings under which it was made.
    View {
        /// Its full name; one part for a temporary one.
        name: Vec<String>,
        /// The query.
        relation: Relation,
        /// The names of its columns (and their types when it was made), or none for those of the query.
        columns: Vec<StructField>,
        /// The names that the query's own columns had then: by these they are found again, whatever has come to stand beside them.
        query_columns: Vec<String>,
        /// The settings under which its query is resolved.
        settings: Option<Arc<Settings>>,
    },
    /// A plan that was made before: rows of a program, a node of a stream.
    Plan {
        /// The plan.
        plan: LogicalPlan,
        /// Its columns, in the plan's order.
        columns: Vec<StructField>,
    },
    /// A tree that was resolved before.
    Resolved(Arc<super::resolved::Resolved>),
    /// There is none of that name.
    Missing,
}

impl std::fmt::Debug for OpenedRelation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Table { name, columns, .. } => {
                f.debug_struct("Table").field("name", name).field("columns", columns).finish_non_exhaustive()
            }
            Self::View { name, relation, .. } => {
                f.debug_struct("View").field("name", name).field("relation", relation).finish_non_exhaustive()
            }
            Self::Plan { plan, columns } => f.debug_struct("Plan").field("plan", plan).field("columns", columns).finish(),
            Self::Resolved(resolved) => f.debug_tuple("Resolved").field(resolved).finish(),
            Self::Missing => f.write_str("Missing"),
        }
    }
}

/// A function of a program or of the catalog.
#[derive(Debug, Clone)]
pub enum OpenedFunction {
    /// One written in SQL.
    Sql(Arc<SqlFunction>),
    /// One of the program's.
    User(Arc<dyn UserFunction>),
    /// There is none of that name.
    Missing,
}

/// What the session has opened.
#[derive(Debug, Clone, Default)]
pub struct Opened {
    /// Tables, views and files.
    pub relations: HashMap<Request, OpenedRelation>,
    /// Functions.
    pub functions: HashMap<Request, OpenedFunction>,
    /// What programs hold, by handle.
    pub handles: HashMap<u64, OpenedRelation>,
    /// What programs call for groups with a state, by handle.
    pub group_functions: HashMap<u64, Arc<dyn GroupFunction>>,
    /// Functions of programs, by handle.
    pub user_functions: HashMap<u64, Arc<dyn UserFunction>>,
    /// What programs call for batches, by handle.
    pub batches_functions: HashMap<u64, Arc<dyn BatchesFunction>>,
    /// Session variables, by lower-case name: type and value.
    pub variables: HashMap<String, (SparkType, ScalarValue)>,
    /// Microseconds since the epoch at which the statement began: what `DATE 'today'` means.
    pub now_us: i64,
    /// Names of tables that exist, for hints.
    pub known_tables: Vec<String>,
}

impl Opened {
    /// Whether a request was answered.
    pub fn has(&self, request: &Request) -> bool {
        match request {
            Request::Function { .. } => self.functions.contains_key(request),
            _ => self.relations.contains_key(request),
        }
    }
}

/// The type of each of a function's parameters.
pub(super) fn parameter_types(parameters: &[FunctionParameter]) -> Vec<SparkType> {
    parameters.iter().map(|parameter| parameter.data_type.clone()).collect()
}
