//! The lazy DataFrame: each method gives a new one over a longer tree, and cannot fail; what the tree means is settled when its
//! columns or its rows are asked for. Only the actions (in `action.rs`) run anything.

mod action;
mod batches;
mod columns;
mod group;
mod input_files;
mod join;
mod keep;
mod missing;
mod pivot;
mod plans;
#[cfg(feature = "polars")]
mod polars_frames;
mod profile;
mod resolved;
mod same;
pub(crate) mod show;
mod source;
mod stateful;
mod statistics;
mod steps;
mod subquery;
mod transpose;
mod tree;
mod view;

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::logical_expr::LogicalPlan;
use tidemill_spark::plan::{ExpressionKind, Relation, RelationKind};
use tidemill_spark::resolve::{OpenedRelation, Resolved};
use tidemill_spark::types::{StructField, field_of, from_field};

pub(crate) use action::Shape;
pub use batches::BatchStream;
pub use group::GroupedData;
pub use join::JoinOn;
pub use keep::KeepIn;
pub use missing::NaFunctions;
pub use plans::Plan;
pub use profile::RunProfile;
pub(crate) use same::canonical_of;
pub use statistics::StatFunctions;

use resolved::Meaning;
pub(crate) use source::query;

use crate::column::Column;
use crate::held::{Handle, Held, Queried, new_plan_id};
use crate::session::{Applied, Session};
use tidemill_planner::Result;

/// A table of rows that a tree describes, over a batch or a stream alike. It holds no rows.
#[derive(Clone)]
pub struct DataFrame {
    session: Session,
    relation: Relation,
    pub(crate) held: Held,
    meaning: Meaning,
}

impl std::fmt::Debug for DataFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.schema() {
            Ok(schema) => write!(f, "DataFrame[{}]", tree::summary(&schema)),
            Err(error) => write!(f, "DataFrame[{error}]"),
        }
    }
}

impl DataFrame {
    /// The rows that a tree describes.
    pub(crate) fn new(session: Session, kind: impl Into<Arc<RelationKind>>, held: Held) -> Self {
        let relation = Relation { kind: kind.into(), span: None, plan_id: Some(new_plan_id()) };
        Self { session, relation, held, meaning: Meaning::default() }
    }

    /// The rows of something that is open.
    pub(crate) fn opened(session: Session, opened: OpenedRelation) -> Self {
        let (handle, held) = Held::of(Handle::Relation(Arc::new(opened)));
        Self::new(session, RelationKind::LocalRelation { handle }, held)
    }

    /// The rows of a tree that was made before.
    pub(crate) fn of_tree(session: Session, relation: Relation, held: Held) -> Self {
        Self { session, relation, held, meaning: Meaning::default() }
    }

    /// The rows of a tree that has been resolved.
    pub(crate) fn resolved(session: Session, resolved: Resolved) -> Self {
        let mut frame = Self::opened(session, OpenedRelation::Resolved(Arc::new(resolved.clone())));
        frame.meaning = Meaning::of(resolved);
        frame
    }

    /// The rows of a query in SQL, which means from now on what it means now.
    pub(crate) fn queried(session: Session, relation: Relation, resolved: Resolved, changes: u64) -> Self {
        let query = Queried { resolved: Arc::new(resolved.clone()), relation, changes };
        let (handle, held) = Held::of(Handle::Query(Arc::new(query)));
        let mut frame = Self::new(session, RelationKind::LocalRelation { handle }, held);
        frame.meaning = Meaning::of(resolved);
        frame
    }

    /// The rows of an engine's plan.
    pub(crate) fn of_plan(session: Session, plan: LogicalPlan) -> Self {
        let columns: Vec<StructField> = plan.schema().fields().iter().map(|field| from_field(field)).collect();
        Self::opened(session, OpenedRelation::Plan { plan, columns })
    }

    /// The next step.
    fn then(&self, kind: RelationKind) -> Self {
        Self::new(self.session.clone(), kind, self.held.clone())
    }

    /// The next step, of columns that hold something.
    fn step(&self, held: &Held, kind: RelationKind) -> Self {
        Self::new(self.session.clone(), kind, self.held.and(held))
    }

    /// The next step over this and another.
    fn with(&self, other: &Self, kind: RelationKind) -> Self {
        Self::new(self.session.clone(), kind, self.held.and(&other.held))
    }

    fn input(&self) -> Relation {
        self.relation.clone()
    }

    /// The session that made it.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The unresolved tree that describes it.
    pub fn relation(&self) -> &Relation {
        &self.relation
    }

    /// What the tree means, if all that it names is open already or is a temporary view.
    pub(crate) fn meaning(&self) -> Result<Arc<Resolved>> {
        if let Some(known) = self.meaning.known() {
            return known;
        }
        let opened = crate::open::opened_now(&self.session, &self.relation)?;
        self.meaning.settle(&self.session, &self.relation, &self.held, opened)
    }

    /// What the tree means; opens what it names.
    pub(crate) async fn meaning_opened(&self) -> Result<Arc<Resolved>> {
        if let Some(known) = self.meaning.known() {
            return known;
        }
        let opened = crate::open::opened_for(&self.session, &self.relation).await?;
        self.meaning.settle(&self.session, &self.relation, &self.held, opened)
    }

    /// What the tree means that reads kept rows, if there is one.
    pub(crate) async fn meaning_with(&self, kept: Option<&Applied>) -> Result<Arc<Resolved>> {
        let Some(kept) = kept else { return self.meaning_opened().await };
        let mut opened = crate::open::opened_for(&self.session, &kept.relation).await?;
        kept.open(&mut opened);
        match Meaning::default().settle(&self.session, &kept.relation, &kept.held, opened) {
            Ok(resolved) => Ok(resolved),
            // A step may name a column of a DataFrame below the rows that are kept.
            Err(error) => {
                tracing::debug!("kept rows are not read: {error}");
                self.meaning_opened().await
            }
        }
    }

    /// Opens what its tree names, such as tables of the catalog: from then on its columns are known without waiting.
    ///
    /// # Errors
    /// Those of [`DataFrame::schema`], and for what cannot be opened.
    pub async fn open(&self) -> Result<()> {
        self.meaning_opened().await.map(drop)
    }

    /// The engine's plan, its columns by the user's names where no two are alike.
    pub(crate) async fn plan(&self) -> Result<LogicalPlan> {
        let kept = self.session.kept().applied(&self.session, self, false).await?;
        let resolved = self.meaning_with(kept.as_ref()).await?;
        crate::open::named(resolved.plan.clone(), &resolved.output)
    }

    /// Whether it reads a stream.
    pub fn is_streaming(&self) -> bool {
        self.held.is_streaming()
    }

    /// Its columns.
    ///
    /// # Errors
    /// `Analysis` when a step has no meaning: an unknown column, types that do not go together.
    pub fn schema(&self) -> Result<SchemaRef> {
        Ok(schema_of(self.meaning()?.as_ref()))
    }

    /// The names of its columns.
    ///
    /// # Errors
    /// Those of [`DataFrame::schema`].
    pub fn columns(&self) -> Result<Vec<String>> {
        Ok(self.meaning()?.output.iter().map(|column| column.field.name.clone()).collect())
    }

    /// The names of its columns, and their types as Spark's DDL has them.
    ///
    /// # Errors
    /// Those of [`DataFrame::schema`].
    pub fn dtypes(&self) -> Result<Vec<(String, String)>> {
        Ok(self.meaning()?.output.iter().map(|column| (column.field.name.clone(), column.field.data_type.to_string())).collect())
    }

    /// Its column of this name: that very one, wherever it is used, as in a join with another DataFrame.
    pub fn col(&self, name: &str) -> Column {
        let mut column = Column::from(name);
        if let ExpressionKind::UnresolvedAttribute { plan_id, .. } = &mut column.expression.kind {
            *plan_id = self.relation.plan_id;
        }
        column
    }

    /// The columns whose names match a Java regular expression.
    pub fn col_regex(&self, pattern: &str) -> Column {
        let pattern = pattern.trim_matches('`').to_owned();
        Column::new(ExpressionKind::UnresolvedRegex { pattern, target: Vec::new(), plan_id: self.relation.plan_id })
    }
}

/// The user's columns.
pub(crate) fn schema_of(resolved: &Resolved) -> SchemaRef {
    Arc::new(Schema::new(resolved.output.iter().map(|column| field_of(&column.field)).collect::<Vec<_>>()))
}
