//! Joins, by column names or by a condition. On names the result holds each key once, as in Spark.

use datafusion::common::{Column as DfColumn, JoinType, TableReference};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use tidemill_planner::ident::did_you_mean;

use super::DataFrame;
use crate::column::Column;
use tidemill_planner::ident::same;

use crate::column::bind::Binder;
use crate::{Error, Result};

/// What the two sides are matched by.
#[derive(Debug, Clone)]
pub enum JoinOn {
    /// Columns that both sides have.
    Names(Vec<String>),
    /// A condition over the columns of both.
    Condition(Column),
}

impl From<&str> for JoinOn {
    fn from(name: &str) -> Self {
        Self::Names(vec![name.to_owned()])
    }
}

impl<const N: usize> From<[&str; N]> for JoinOn {
    fn from(names: [&str; N]) -> Self {
        Self::Names(names.into_iter().map(str::to_owned).collect())
    }
}

impl From<Vec<String>> for JoinOn {
    fn from(names: Vec<String>) -> Self {
        Self::Names(names)
    }
}

impl From<Column> for JoinOn {
    fn from(condition: Column) -> Self {
        Self::Condition(condition)
    }
}

const KINDS: [(&str, JoinType); 16] = [
    ("inner", JoinType::Inner),
    ("left", JoinType::Left),
    ("leftouter", JoinType::Left),
    ("right", JoinType::Right),
    ("rightouter", JoinType::Right),
    ("full", JoinType::Full),
    ("outer", JoinType::Full),
    ("fullouter", JoinType::Full),
    ("semi", JoinType::LeftSemi),
    ("leftsemi", JoinType::LeftSemi),
    ("anti", JoinType::LeftAnti),
    ("leftanti", JoinType::LeftAnti),
    ("left_outer", JoinType::Left),
    ("full_outer", JoinType::Full),
    ("left_semi", JoinType::LeftSemi),
    ("left_anti", JoinType::LeftAnti),
];

impl DataFrame {
    /// The rows of both that match. `how` is one of Spark's names: `inner`, `left`, `right`, `full`, `left_semi`, `left_anti`.
    pub fn join(&self, other: &Self, on: impl Into<JoinOn>, how: &str) -> Result<Self> {
        let kind = kind(how)?;
        let right = apart(&self.plan, other.plan.clone())?;
        match on.into() {
            JoinOn::Names(names) if names.is_empty() => {
                Err(Error::analysis("`join` needs a column or a condition; `cross_join` pairs all rows"))
            }
            JoinOn::Names(names) => self.join_on_names(right, &names, kind),
            JoinOn::Condition(condition) => {
                let both = self.plan.schema().join(right.schema())?;
                let condition = Binder { state: self.session.state(), schema: &both }.bind(&condition)?;
                self.over(self.builder().join_on(right, kind, [condition])?.build()?)
            }
        }
    }

    /// Every row of this with every row of the other.
    pub fn cross_join(&self, other: &Self) -> Result<Self> {
        let right = apart(&self.plan, other.plan.clone())?;
        self.over(self.builder().cross_join(right)?.build()?)
    }

    fn join_on_names(&self, right: LogicalPlan, names: &[String], kind: JoinType) -> Result<Self> {
        let state = self.session.state();
        let column = |plan: &LogicalPlan, name: &str, side: &str| match (Binder { state, schema: plan.schema() }).name(name) {
            Ok(Expr::Column(column)) => Ok(column),
            Ok(_) => Err(Error::analysis(format!("`join` on names takes columns, not the struct field `{name}`"))),
            Err(error) => Err(error.context(format!("`join`, {side} side"))),
        };
        let mut keys = (Vec::new(), Vec::new());
        for name in names {
            keys.0.push(column(&self.plan, name, "left")?);
            keys.1.push(column(&right, name, "right")?);
        }
        let rest = |plan: &LogicalPlan, keys: &[DfColumn]| -> Vec<Expr> {
            let columns = plan.schema().iter().map(|(q, f)| DfColumn::new(q.cloned(), f.name()));
            columns.filter(|c| !keys.contains(c)).map(Expr::Column).collect()
        };
        let mut output: Vec<Expr> = Vec::new();
        for (left, right) in keys.0.iter().zip(&keys.1) {
            output.push(match kind {
                JoinType::Right => Expr::Column(right.clone()).alias(&left.name),
                JoinType::Full => {
                    let either = vec![Expr::Column(left.clone()), Expr::Column(right.clone())];
                    Expr::ScalarFunction(ScalarFunction::new_udf(datafusion::functions::core::coalesce(), either)).alias(&left.name)
                }
                _ => Expr::Column(left.clone()),
            });
        }
        output.extend(rest(&self.plan, &keys.0));
        if !matches!(kind, JoinType::LeftSemi | JoinType::LeftAnti) {
            output.extend(rest(&right, &keys.1));
        }
        let joined = self.builder().join(right, kind, keys, None)?.build()?;
        self.over(LogicalPlanBuilder::new(joined).project(output)?.build()?)
    }
}

fn kind(how: &str) -> Result<JoinType> {
    let found = KINDS.iter().find(|(name, _)| same(name, how)).map(|(_, kind)| *kind);
    found.ok_or_else(|| {
        let hint = did_you_mean(how, KINDS.iter().map(|(name, _)| *name));
        Error::analysis(format!("unknown kind of join `{how}`{hint} (inner, left, right, full, left_semi, left_anti; `cross_join`)"))
    })
}

/// `right` under a name of its own when it shares a qualified column with `left`, as the two sides of a self-join do.
fn apart(left: &LogicalPlan, right: LogicalPlan) -> Result<LogicalPlan> {
    let clash = right.schema().iter().any(|(qualifier, field)| left.schema().has_column(&DfColumn::new(qualifier.cloned(), field.name())));
    if !clash {
        return Ok(right);
    }
    let taken = |name: &str| left.schema().iter().any(|(qualifier, _)| qualifier.is_some_and(|q| q.table() == name));
    let name = (1..).map(|n| format!("__right{n}")).find(|name| !taken(name)).expect("there are more numbers than relations");
    Ok(LogicalPlanBuilder::new(right).alias(TableReference::bare(name))?.build()?)
}
