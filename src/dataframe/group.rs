//! Grouping and aggregates. A window among the grouping columns makes a windowed aggregation of it.

use datafusion::common::Column as DfColumn;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::utils::find_aggregate_exprs;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};

use super::DataFrame;
use crate::column::{Column, spark_name};
use crate::{Error, Result};

/// A DataFrame whose rows are to be aggregated by groups.
#[derive(Debug, Clone)]
pub struct GroupedData {
    frame: DataFrame,
    keys: Vec<Column>,
}

impl DataFrame {
    /// Groups rows that agree in these columns; of no column, all rows are one group.
    pub fn group_by<C: Into<Column>>(&self, columns: impl IntoIterator<Item = C>) -> GroupedData {
        GroupedData { frame: self.clone(), keys: columns.into_iter().map(Into::into).collect() }
    }

    /// Aggregates over all rows.
    pub fn agg(&self, aggregates: impl IntoIterator<Item = Column>) -> Result<DataFrame> {
        GroupedData { frame: self.clone(), keys: Vec::new() }.agg(aggregates)
    }
}

impl GroupedData {
    /// One row per group: the grouping columns, then the aggregates.
    pub fn agg(&self, aggregates: impl IntoIterator<Item = Column>) -> Result<DataFrame> {
        let binder = self.frame.binder();
        let keys = self.keys()?;
        let outputs: Result<Vec<Expr>> = aggregates.into_iter().map(|c| Ok(binder.named(binder.bind(&c)?))).collect();
        let outputs = outputs?;
        if outputs.is_empty() {
            return Err(Error::analysis("`agg` needs an aggregate, such as `count(\"*\")`"));
        }
        if outputs.iter().all(is_plain) {
            let plan = LogicalPlanBuilder::new(self.frame.plan.clone()).aggregate(keys, outputs)?.build()?;
            return self.finish(plan);
        }
        // Aggregates inside larger expressions are computed first, under names of their own.
        let inner: Vec<Expr> = find_aggregate_exprs(&outputs);
        let named: Vec<Expr> = inner.iter().enumerate().map(|(i, e)| e.clone().alias(inner_name(i))).collect();
        let key_names: Vec<Expr> = keys.iter().map(column_of).collect();
        let plan = LogicalPlanBuilder::new(self.frame.plan.clone()).aggregate(keys.clone(), named)?.build()?;
        let aggregated = self.finish(plan)?;
        let mut exprs = key_names.clone();
        for output in outputs {
            exprs.push(over_aggregates(output, &inner, &keys, &key_names)?);
        }
        aggregated.project(exprs)
    }

    fn finish(&self, plan: datafusion::logical_expr::LogicalPlan) -> Result<DataFrame> {
        // A window's node takes the types of its columns over from the aggregation.
        let plan = self.frame.session.analyzed(plan)?;
        self.frame.over(tidemill_planner::logical::rewrite_window_aggregates(plan)?)
    }

    fn keys(&self) -> Result<Vec<Expr>> {
        let binder = self.frame.binder();
        let keys = binder.bind_list(self.keys.iter().cloned())?;
        Ok(keys.into_iter().map(window_by_name).collect())
    }

    /// The key columns, which must be plain columns, for operators that keep state by key.
    pub(crate) fn key_columns(&self, what: &str) -> Result<Vec<DfColumn>> {
        let keys = self.keys()?.into_iter().map(|key| match key {
            Expr::Column(column) => Ok(column),
            other => Err(Error::analysis(format!(
                "{what} groups by plain columns, not by `{}`: add it as a column first, with `with_column`",
                spark_name(&other)
            ))),
        });
        keys.collect()
    }

    pub(crate) fn frame(&self) -> &DataFrame {
        &self.frame
    }

    /// The number of rows of each group, as `count`.
    pub fn count(&self) -> Result<DataFrame> {
        self.agg([crate::functions::count("*").alias("count")])
    }

    fn each(&self, columns: &[&str], function: fn(Column) -> Column) -> Result<DataFrame> {
        self.agg(columns.iter().map(|name| function(Column::from(*name))))
    }

    /// The sum of each of these columns.
    pub fn sum(&self, columns: &[&str]) -> Result<DataFrame> {
        self.each(columns, crate::functions::sum)
    }

    /// The average of each of these columns.
    pub fn avg(&self, columns: &[&str]) -> Result<DataFrame> {
        self.each(columns, crate::functions::avg)
    }

    /// The least value of each of these columns.
    pub fn min(&self, columns: &[&str]) -> Result<DataFrame> {
        self.each(columns, crate::functions::min)
    }

    /// The greatest value of each of these columns.
    pub fn max(&self, columns: &[&str]) -> Result<DataFrame> {
        self.each(columns, crate::functions::max)
    }
}

/// A window without an alias is called `window` or `session_window`, as in Spark.
fn window_by_name(key: Expr) -> Expr {
    let Expr::Alias(alias) = &key else { return key };
    match alias.expr.as_ref() {
        Expr::ScalarFunction(call) if matches!(call.name(), "window" | "session_window") && alias.name == spark_name(&alias.expr) => {
            alias.expr.as_ref().clone().alias(call.name())
        }
        _ => key,
    }
}

/// The name of an aggregate that stands inside a larger expression.
fn inner_name(at: usize) -> String {
    format!("__aggregate{at}")
}

fn is_plain(expr: &Expr) -> bool {
    match expr {
        Expr::Alias(alias) => is_plain(&alias.expr),
        other => matches!(other, Expr::AggregateFunction(_)),
    }
}

fn column_of(expr: &Expr) -> Expr {
    match expr {
        Expr::Column(column) => Expr::Column(column.clone()),
        other => Expr::Column(DfColumn::new_unqualified(other.schema_name().to_string())),
    }
}

/// `output` with its aggregates and grouping expressions replaced by the columns that hold them.
fn over_aggregates(output: Expr, aggregates: &[Expr], keys: &[Expr], key_names: &[Expr]) -> Result<Expr> {
    let replaced = output.transform_down(|expr| {
        if let Some(at) = aggregates.iter().position(|aggregate| *aggregate == expr) {
            let column = Expr::Column(DfColumn::new_unqualified(inner_name(at)));
            return Ok(Transformed::new(column, true, datafusion::common::tree_node::TreeNodeRecursion::Jump));
        }
        let bare = |key: &Expr| if let Expr::Alias(alias) = key { alias.expr.as_ref().clone() } else { key.clone() };
        match keys.iter().position(|key| bare(key) == expr) {
            Some(at) => Ok(Transformed::new(key_names[at].clone(), true, datafusion::common::tree_node::TreeNodeRecursion::Jump)),
            None => Ok(Transformed::no(expr)),
        }
    })?;
    Ok(replaced.data)
}
