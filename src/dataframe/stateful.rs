//! Operators that keep state over a stream and mean the same over a table: watermarks, dropping duplicates, groups with
//! state, late rows. Their meaning is the planner's; this builds their nodes.

use std::sync::Arc;

use datafusion::common::Column as DfColumn;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan};
use tidemill_planner::interval::parse_interval_us;
use tidemill_planner::logical::{Dedup, FlatMapGroups, GroupFunction, SidePort, Watermark};
use tidemill_planner::seam::Port;

use super::{DataFrame, GroupedData};
use crate::column::Column;
use crate::{Error, Result};

impl DataFrame {
    /// Declares a timestamp column as event time, and how late events may be, as in `"2 minutes"`. Over a table it does nothing.
    pub fn with_watermark(&self, column: &str, delay: &str) -> Result<Self> {
        let column = self.plain_column(column, "`with_watermark`")?;
        let node = Watermark::try_new(self.plan.clone(), column, parse_interval_us(delay)?)?;
        self.over(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
    }

    /// One row of each set of rows that agree in all columns.
    pub fn distinct(&self) -> Result<Self> {
        let all: Vec<DfColumn> = self.plan.schema().iter().map(|(q, f)| DfColumn::new(q.cloned(), f.name())).collect();
        if self.is_streaming() { self.dedup(all) } else { self.over(self.builder().distinct()?.build()?) }
    }

    /// One row of each set of rows that agree in these columns: the first of a stream.
    pub fn drop_duplicates<'a>(&self, columns: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let keys: Result<Vec<DfColumn>> = columns.into_iter().map(|name| self.plain_column(name, "`drop_duplicates`")).collect();
        let keys = keys?;
        if keys.is_empty() {
            return Err(Error::analysis("`drop_duplicates` needs a column; `distinct` compares all of them"));
        }
        self.dedup(keys)
    }

    fn dedup(&self, keys: Vec<DfColumn>) -> Result<Self> {
        let node = Dedup { input: self.plan.clone(), keys, id: None };
        self.over(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
    }

    fn plain_column(&self, name: &str, what: &str) -> Result<DfColumn> {
        match self.binder().bind(&Column::from(name))? {
            Expr::Column(column) => Ok(column),
            _ => Err(Error::analysis(format!("{what} takes a column, not the struct field `{name}`: add it with `with_column` first"))),
        }
    }

    /// The rows that the watermark drops in the nearest stateful operator of this plan: its input columns, then `operator`,
    /// `watermark` and `epoch`. Over a table no row is late.
    pub fn late_rows(&self) -> Result<Self> {
        self.side_rows(Port::Late)
    }

    /// The input that the source could not read: `file`, `line`, `text`, `reason`.
    pub fn malformed_rows(&self) -> Result<Self> {
        self.side_rows(Port::Malformed)
    }

    fn side_rows(&self, port: Port) -> Result<Self> {
        let mut owner = &self.plan;
        // What only names or reshapes rows has no port of its own.
        while let LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) | LogicalPlan::Filter(_) = owner {
            match owner.inputs().first() {
                Some(input) => owner = input,
                None => break,
            }
        }
        let node = SidePort::try_new(owner.clone(), port)?;
        self.over(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
    }
}

impl GroupedData {
    /// Any function of a group's new rows and its state, as in Spark's `flatMapGroupsWithState`.
    pub fn flat_map_groups_with_state(&self, function: Arc<dyn GroupFunction>) -> Result<DataFrame> {
        let keys = self.key_columns("`flat_map_groups_with_state`")?;
        let node = FlatMapGroups::try_new(self.frame().plan.clone(), keys, function)?;
        self.frame().over(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
    }
}
