//! Joins, by column names or by a condition. On names the result holds each key once, as in Spark.

use tidemill_planner::ident::did_you_mean;
use tidemill_spark::plan::{Expression, ExpressionKind, Join, JoinCriteria, JoinType, RelationKind};

use super::DataFrame;
use crate::column::Column;
use crate::held::Held;

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

impl From<Vec<&str>> for JoinOn {
    fn from(names: Vec<&str>) -> Self {
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

/// Spark's names, without case and underscores.
const KINDS: [(&str, JoinType); 13] = [
    ("inner", JoinType::Inner),
    ("cross", JoinType::Cross),
    ("left", JoinType::LeftOuter),
    ("leftouter", JoinType::LeftOuter),
    ("right", JoinType::RightOuter),
    ("rightouter", JoinType::RightOuter),
    ("full", JoinType::FullOuter),
    ("outer", JoinType::FullOuter),
    ("fullouter", JoinType::FullOuter),
    ("semi", JoinType::LeftSemi),
    ("leftsemi", JoinType::LeftSemi),
    ("anti", JoinType::LeftAnti),
    ("leftanti", JoinType::LeftAnti),
];

impl DataFrame {
    /// The rows of both that match; of no names, all pairs. `how` is one of Spark's names: `inner`, `cross`, `left`, `right`, `full`, `left_semi`, `left_anti`.
    pub fn join(&self, other: &Self, on: impl Into<JoinOn>, how: &str) -> Self {
        self.matched(other, on.into(), how, false)
    }

    /// For each row of this, the rows of the other, which may name this one's columns by [`Column::outer`]. Without `on`, all of them.
    pub fn lateral_join(&self, other: &Self, on: Option<Column>, how: &str) -> Self {
        let on = on.map_or_else(|| JoinOn::Names(Vec::new()), JoinOn::Condition);
        self.matched(other, on, how, true)
    }

    fn matched(&self, other: &Self, on: JoinOn, how: &str, is_lateral: bool) -> Self {
        let (criteria, held) = match on {
            JoinOn::Names(names) if names.is_empty() => (JoinCriteria::None, Held::default()),
            JoinOn::Names(names) => (JoinCriteria::Using(names), Held::default()),
            JoinOn::Condition(condition) => (JoinCriteria::On(condition.expression), condition.held),
        };
        let plain = how.to_lowercase().replace('_', "");
        match KINDS.iter().find(|(name, _)| *name == plain) {
            Some((_, join_type)) => self.joined(other, criteria, *join_type, &held, is_lateral),
            None => {
                // Told when the rows are asked for, as everything that is wrong with a step.
                let hint = did_you_mean(how, KINDS.iter().map(|(name, _)| *name));
                let message = format!("unknown kind of join `{how}`{hint} (inner, cross, left, right, full, left_semi, left_anti)");
                let fault = Expression::from(ExpressionKind::Fault(message));
                self.joined(other, JoinCriteria::On(fault), JoinType::Inner, &held, false)
            }
        }
    }

    /// Every row of this with every row of the other.
    pub fn cross_join(&self, other: &Self) -> Self {
        self.joined(other, JoinCriteria::None, JoinType::Cross, &Held::default(), false)
    }

    fn joined(&self, other: &Self, criteria: JoinCriteria, join_type: JoinType, held: &Held, is_lateral: bool) -> Self {
        let join = Join { left: self.input(), right: other.input(), join_type, criteria, is_lateral };
        self.step(&other.held.and(held), RelationKind::Join(Box::new(join)))
    }
}
