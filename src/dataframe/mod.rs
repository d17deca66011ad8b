//! The lazy DataFrame: each method gives a new one over a longer plan; only the actions (in `action.rs`) run anything.

mod action;
mod group;
mod join;
pub(crate) mod show;
mod stateful;
mod tree;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::{Column as DfColumn, TableReference};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

pub use group::GroupedData;

use tidemill_planner::ident::same;
use tidemill_spark::resolve::OutputColumn;
use tidemill_spark::types::field_of;

use crate::column::bind::Binder;
use crate::column::{Column, unbound::Unbound};
use crate::{Error, Result, Session};

/// A table of rows that a plan describes, over a batch or a stream alike. It holds no rows, and its plan is analysed: its
/// columns have the types of the rows.
#[derive(Clone)]
pub struct DataFrame {
    pub(crate) session: Session,
    pub(crate) plan: LogicalPlan,
    /// The columns as SQL has resolved them: then every type of the plan is final.
    output: Option<Arc<Vec<OutputColumn>>>,
}

impl std::fmt::Debug for DataFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DataFrame[{}]", tree::summary(&self.schema()))
    }
}

impl DataFrame {
    pub(crate) fn new(session: Session, plan: LogicalPlan) -> Self {
        Self { session, plan, output: None }
    }

    /// A DataFrame over a plan whose types are final.
    pub(crate) fn resolved(session: Session, plan: LogicalPlan, output: Arc<Vec<OutputColumn>>) -> Self {
        Self { session, plan, output: Some(output) }
    }

    /// Whether every type of the plan is final.
    pub(crate) fn is_resolved(&self) -> bool {
        self.output.is_some()
    }

    /// A DataFrame over a longer plan, whose types are those that it has when it runs.
    fn over(&self, plan: LogicalPlan) -> Result<Self> {
        Ok(Self::new(self.session.clone(), self.session.analyzed(plan)?))
    }

    fn builder(&self) -> LogicalPlanBuilder {
        LogicalPlanBuilder::new(self.plan.clone())
    }

    fn binder(&self) -> Binder<'_> {
        Binder { state: self.session.state(), schema: self.plan.schema() }
    }

    /// The session that made it.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The plan that describes it.
    pub fn logical_plan(&self) -> &LogicalPlan {
        &self.plan
    }

    /// Whether it reads a stream.
    pub fn is_streaming(&self) -> bool {
        tidemill_planner::legality::is_streaming(&self.plan)
    }

    /// Its columns.
    pub fn schema(&self) -> SchemaRef {
        match &self.output {
            Some(output) => Arc::new(arrow::datatypes::Schema::new(output.iter().map(|c| field_of(&c.field)).collect::<Vec<_>>())),
            None => Arc::clone(self.plan.schema().inner()),
        }
    }

    /// The names of its columns.
    pub fn columns(&self) -> Vec<String> {
        self.schema().fields().iter().map(|f| f.name().clone()).collect()
    }

    /// These columns, in this order.
    pub fn select<C: Into<Column>>(&self, columns: impl IntoIterator<Item = C>) -> Result<Self> {
        let columns = columns.into_iter().map(|c| star_or(c.into()));
        let exprs = self.binder().bind_list(columns)?;
        self.project(exprs)
    }

    /// Columns written in SQL, as in `"dwellMs / 1000 AS dwellS"`.
    pub fn select_expr<'a>(&self, columns: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        self.select(columns.into_iter().map(crate::functions::expr))
    }

    fn project(&self, exprs: Vec<Expr>) -> Result<Self> {
        if exprs.iter().any(|e| !datafusion::logical_expr::utils::find_aggregate_exprs([e]).is_empty()) {
            return Err(Error::analysis("an aggregate stands outside `agg`: write `group_by([…])` (of nothing, for all rows) `.agg([…])`"));
        }
        // Window functions are computed by a node of their own, below the projection.
        let windows = datafusion::logical_expr::utils::find_window_exprs(&exprs);
        let input = if windows.is_empty() {
            self.builder()
        } else {
            LogicalPlanBuilder::from(LogicalPlanBuilder::window_plan(self.plan.clone(), windows)?)
        };
        self.over(input.project(exprs)?.build()?)
    }

    /// The rows for which the condition holds.
    pub fn filter(&self, condition: impl Into<Column>) -> Result<Self> {
        let condition = self.binder().bind(&condition.into())?;
        self.over(self.builder().filter(condition)?.build()?)
    }

    /// The same as [`DataFrame::filter`].
    pub fn where_(&self, condition: impl Into<Column>) -> Result<Self> {
        self.filter(condition)
    }

    /// The same with one column added, or replaced when there is one of that name.
    pub fn with_column(&self, name: &str, column: impl Into<Column>) -> Result<Self> {
        self.with_columns([(name, column.into())])
    }

    /// The same with columns added or replaced; each is computed from the columns as they were.
    pub fn with_columns<'a>(&self, columns: impl IntoIterator<Item = (&'a str, Column)>) -> Result<Self> {
        let binder = self.binder();
        let mut added = Vec::new();
        for (name, column) in columns {
            if added.iter().any(|(other, _): &(&str, Expr)| same(other, name)) {
                return Err(Error::analysis(format!("`with_columns` names `{name}` twice")));
            }
            added.push((name, binder.bind(&column)?));
        }
        let mut exprs: Vec<Expr> = Vec::new();
        for (qualifier, field) in self.plan.schema().iter() {
            match added.iter().position(|(name, _)| same(name, field.name())) {
                // A replaced column keeps its place and takes the new spelling.
                Some(at) => {
                    let (name, expr) = &added[at];
                    exprs.push(expr.clone().alias(*name));
                }
                None => exprs.push(Expr::Column(DfColumn::new(qualifier.cloned(), field.name()))),
            }
        }
        for (name, expr) in &added {
            if !self.plan.schema().fields().iter().any(|f| same(f.name(), name)) {
                exprs.push(expr.clone().alias(*name));
            }
        }
        self.project(exprs)
    }

    /// The same with a column renamed; without effect when there is none of that name, as in Spark.
    pub fn with_column_renamed(&self, from: &str, to: &str) -> Result<Self> {
        let exprs = self.plan.schema().iter().map(|(qualifier, field)| {
            let column = Expr::Column(DfColumn::new(qualifier.cloned(), field.name()));
            if same(field.name(), from) { column.alias(to) } else { column }
        });
        self.project(exprs.collect())
    }

    /// The same without these columns; names that are not there are left out, as in Spark.
    pub fn drop<'a>(&self, columns: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let dropped: Vec<&str> = columns.into_iter().collect();
        let kept = self.plan.schema().iter().filter(|(_, field)| !dropped.iter().any(|name| same(name, field.name())));
        self.project(kept.map(|(qualifier, field)| Expr::Column(DfColumn::new(qualifier.cloned(), field.name()))).collect())
    }

    /// The rows in the order of these columns: rising with nulls first unless a column says `desc()`.
    pub fn order_by<C: Into<Column>>(&self, columns: impl IntoIterator<Item = C>) -> Result<Self> {
        let binder = self.binder();
        let keys: Result<Vec<_>> = columns
            .into_iter()
            .map(|column| {
                let column = column.into();
                Ok(column.sort_key(binder.bind(&column)?))
            })
            .collect();
        self.over(self.builder().sort(keys?)?.build()?)
    }

    /// The same as [`DataFrame::order_by`].
    pub fn sort<C: Into<Column>>(&self, columns: impl IntoIterator<Item = C>) -> Result<Self> {
        self.order_by(columns)
    }

    /// The first rows, `rows` of them at most.
    pub fn limit(&self, rows: usize) -> Result<Self> {
        self.over(self.builder().limit(0, Some(rows))?.build()?)
    }

    /// The same under a name, for `name.column` in joins.
    pub fn alias(&self, name: &str) -> Result<Self> {
        self.over(self.builder().alias(TableReference::bare(name.to_owned()))?.build()?)
    }

    /// The rows of both, columns matched by place; duplicates stay.
    pub fn union(&self, other: &Self) -> Result<Self> {
        let (left, right) = (self.columns().len(), other.columns().len());
        if left != right {
            return Err(Error::analysis(format!(
                "`union` needs the same number of columns on both sides: {left} and {right}; `union_by_name` matches them by name"
            )));
        }
        self.over(self.builder().union(other.plan.clone())?.build()?)
    }

    /// The rows of both, columns matched by name; duplicates stay.
    pub fn union_by_name(&self, other: &Self) -> Result<Self> {
        let mut order = Vec::new();
        for name in self.columns() {
            order.push(other.binder().name(&name).map_err(|e| e.context("`union_by_name`, right side"))?.alias(name));
        }
        if other.columns().len() != order.len() {
            let (ours, theirs) = (self.columns().join(", "), other.columns().join(", "));
            return Err(Error::analysis(format!("`union_by_name` needs the same columns on both sides: {ours} and {theirs}")));
        }
        self.union(&other.project(order)?)
    }

    /// Makes it known under a name to this session's SQL.
    pub fn create_or_replace_temp_view(&self, name: &str) -> Result<()> {
        if name.is_empty() || name.contains(['.', '`']) {
            return Err(Error::analysis(format!("`{name}` cannot name a view: give it a plain name without dots")));
        }
        let view = crate::catalog::open::plan_view(name, self, false);
        self.session.catalog().put_temp_view(view, true, &self.session.spark_settings())
    }

    /// Keeping results in memory is not there yet.
    ///
    /// # Errors
    /// `Unsupported`, always.
    pub fn cache(&self) -> Result<Self> {
        Err(Error::unsupported("`cache` is not supported: write the rows to a table and read it, or `collect` and `create_dataframe`"))
    }
}

/// `"*"` in a list of names means all columns.
fn star_or(column: Column) -> Column {
    let relation = match &column.expr {
        Expr::Column(c) if c.relation.is_none() && c.name == "*" => None,
        Expr::Column(c) if c.relation.is_none() && c.name.ends_with(".*") => c.name.strip_suffix(".*").map(str::to_owned),
        _ => return column,
    };
    Column::new(Unbound::Star(relation).over(Vec::new()))
}
