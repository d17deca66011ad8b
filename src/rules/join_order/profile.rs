//! How many rows a relation is likely to give, and how many values its columns have: from what files and tables say of themselves, and from
//! the conditions above them. What is not known is guessed; the guesses are the constants below.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, JoinType, ScalarValue};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, InListExpr, IsNotNullExpr, IsNullExpr, LikeExpr, Literal, NotExpr};
use datafusion::physical_expr::{PhysicalExpr, split_conjunction};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};

/// The share of rows in which a text equals a given one, where nothing else is known.
const EQUAL_TEXT: f64 = 0.1;
/// Tables of no more rows are taken for lists of things with names of their own.
const NAMES: f64 = 1000.0;
/// The share of rows in which a text is like a pattern.
const LIKE: f64 = 0.1;
/// The share of rows in which a value is null.
const NULL: f64 = 0.1;
/// The share of rows for which any other condition holds.
pub(super) const OTHER: f64 = 1.0 / 3.0;
/// The share of groups that a condition on what was counted of them keeps: whoever asks it looks for the few that stand out.
const HAVING: f64 = 0.1;
/// The share of rows that an anti join keeps at least, and a semi join with a condition of its own.
const LEAST_KEPT: f64 = 0.1;

/// What is known of a relation.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    pub(super) rows: f64,
    /// Its rows before its own conditions.
    pub(super) whole_rows: f64,
    pub(super) columns: Vec<ColumnProfile>,
}

/// What is known of a column.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ColumnProfile {
    /// How many values it has, where that is known.
    pub(super) distinct: Option<f64>,
    /// The least and the greatest, for numbers and times.
    range: Option<(f64, f64)>,
    /// Whether it was counted of groups.
    is_counted: bool,
}

impl Profile {
    /// How many values a column has at most.
    pub(super) fn distinct(&self, column: usize) -> f64 {
        self.columns.get(column).and_then(|column| column.distinct).unwrap_or(self.rows).clamp(1.0, self.rows.max(1.0))
    }

    /// The same before its own conditions.
    fn distinct_before(&self, column: usize) -> f64 {
        let known = self.columns.get(column).and_then(|column| column.distinct);
        known.unwrap_or(self.whole_rows).clamp(1.0, self.whole_rows.max(1.0))
    }

    /// Of a plan; none where the number of its rows cannot be told.
    pub(super) fn of(plan: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        if let Some(filter) = plan.downcast_ref::<FilterExec>() {
            let input = Self::of(filter.input())?.where_holds(filter.predicate());
            return Some(match filter.projection() {
                Some(kept) => Self { columns: kept.iter().map(|at| input.columns[*at]).collect(), ..input },
                None => input,
            });
        }
        if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
            let input = Self::of(projection.input())?;
            let column = |expr: &Arc<dyn PhysicalExpr>| expr.downcast_ref::<Column>().map(|column| input.columns[column.index()]);
            let columns = projection.expr().iter().map(|expr| column(&expr.expr).unwrap_or_default()).collect();
            return Some(Self { columns, ..input });
        }
        if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
            let input = Self::of(aggregate.input())?;
            let keys = aggregate.group_expr().expr();
            let of = |expr: &Arc<dyn PhysicalExpr>| expr.downcast_ref::<Column>().map(|column| column.index());
            let groups: f64 = keys.iter().map(|(key, _)| of(key).map_or(input.rows, |at| input.distinct(at))).product();
            let rows = groups.min(input.rows).max(1.0);
            let column = |at: usize| match keys.get(at) {
                Some((key, _)) => of(key).map(|at| input.columns[at]).unwrap_or_default(),
                None => ColumnProfile { is_counted: true, ..ColumnProfile::default() },
            };
            let columns = (0..plan.schema().fields().len()).map(column).collect();
            return Some(Self { rows, whole_rows: rows, columns });
        }
        if let Some(join) = plan.downcast_ref::<HashJoinExec>()
            && let Some(kept) = Self::of_semi_join(join)
        {
            return Some(kept);
        }
        if let Some(exchange) = plan.downcast_ref::<RepartitionExec>() {
            return Self::of(exchange.input());
        }
        Self::stated(plan)
    }

    /// Of a semi or anti join.
    fn of_semi_join(join: &HashJoinExec) -> Option<Self> {
        let (kept_side, other, is_left) = match join.join_type() {
            JoinType::LeftSemi | JoinType::LeftAnti => (join.left(), join.right(), true),
            JoinType::RightSemi | JoinType::RightAnti => (join.right(), join.left(), false),
            _ => return None,
        };
        let (input, other) = (Self::of(kept_side)?, Self::of(other)?);
        let of = |expr: &Arc<dyn PhysicalExpr>| expr.downcast_ref::<Column>().map(|column| column.index());
        let pair = |one, another| if is_left { (one, another) } else { (another, one) };
        let on: Option<Vec<_>> = join.on().iter().map(|(left, right)| Some(pair(of(left)?, of(right)?))).collect();
        let is_anti = matches!(join.join_type(), JoinType::LeftAnti | JoinType::RightAnti);
        let share = kept(&input, &other, &on?, is_anti, join.filter().is_some());
        let columns = match &join.projection {
            Some(wanted) => wanted.iter().map(|at| input.columns[*at]).collect(),
            None => input.columns.clone(),
        };
        Some(Self { columns, ..input }.of_share(share))
    }

    /// By what a plan says of itself.
    fn stated(plan: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        let stated = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new()).ok()?;
        let rows = *stated.num_rows.get_value()? as f64;
        let columns = stated.column_statistics.iter().map(|column| ColumnProfile::of(column, rows)).collect();
        Some(Self { rows, whole_rows: rows, columns })
    }

    /// With a share of its rows.
    fn of_share(mut self, share: f64) -> Self {
        self.rows = (self.rows * share).max(1.0);
        self
    }

    /// With the rows for which a condition holds.
    fn where_holds(mut self, predicate: &Arc<dyn PhysicalExpr>) -> Self {
        let mut ranges: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        let mut share = 1.0;
        for part in split_conjunction(predicate) {
            match self.bound(part) {
                // Bounds of one column are taken together: two of them leave what lies between.
                Some((column, (low, high))) => {
                    let range = ranges.entry(column).or_insert((f64::NEG_INFINITY, f64::INFINITY));
                    *range = (range.0.max(low), range.1.min(high));
                }
                None => share *= self.share(part),
            }
        }
        for (at, (low, high)) in ranges {
            let column = &mut self.columns[at];
            let Some((least, greatest)) = column.range else { continue };
            let (low, high) = (low.max(least), high.min(greatest));
            let part = if high < low { 0.0 } else { ((high - low) / (greatest - least).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0) };
            let part = column.distinct.map_or(part, |distinct| part.max(1.0 / distinct.max(1.0)));
            share *= part;
            column.distinct = column.distinct.map(|distinct| (distinct * part).max(1.0));
            column.range = (low <= high).then_some((low, high));
        }
        self.of_share(share)
    }

    /// What a comparison of a column that has a range with a constant leaves of the range.
    fn bound(&self, expr: &Arc<dyn PhysicalExpr>) -> Option<(usize, (f64, f64))> {
        let comparison = expr.downcast_ref::<BinaryExpr>()?;
        let (column, value, op) = match (comparison.left().downcast_ref::<Column>(), comparison.right().downcast_ref::<Column>()) {
            (Some(column), None) => (column, comparison.right(), *comparison.op()),
            (None, Some(column)) => (column, comparison.left(), comparison.op().swap()?),
            _ => return None,
        };
        let value = number(value.downcast_ref::<Literal>()?.value())?;
        self.columns.get(column.index())?.range?;
        let range = match op {
            Operator::Lt | Operator::LtEq => (f64::NEG_INFINITY, value),
            Operator::Gt | Operator::GtEq => (value, f64::INFINITY),
            Operator::Eq => (value, value),
            _ => return None,
        };
        Some((column.index(), range))
    }

    /// The share of rows for which a condition is likely to hold.
    pub(super) fn share(&self, expr: &Arc<dyn PhysicalExpr>) -> f64 {
        if let Some((column, (low, high))) = self.bound(expr)
            && let Some((least, greatest)) = self.columns[column].range
        {
            if low == high {
                return 1.0 / self.distinct(column);
            }
            return ((high.min(greatest) - low.max(least)) / (greatest - least).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        }
        if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
            return match binary.op() {
                Operator::And => self.share(binary.left()) * self.share(binary.right()),
                Operator::Or => 1.0 - (1.0 - self.share(binary.left())) * (1.0 - self.share(binary.right())),
                Operator::Eq => self.equal(binary.left()).min(self.equal(binary.right())),
                Operator::NotEq => 1.0 - self.equal(binary.left()).min(self.equal(binary.right())),
                _ if self.is_counted(binary.left()) || self.is_counted(binary.right()) => HAVING,
                _ => OTHER,
            };
        }
        if let Some(list) = expr.downcast_ref::<InListExpr>() {
            let share = (self.equal(list.expr()) * list.len() as f64).min(1.0);
            return if list.negated() { 1.0 - share } else { share };
        }
        if let Some(not) = expr.downcast_ref::<NotExpr>() {
            return 1.0 - self.share(not.arg());
        }
        if let Some(like) = expr.downcast_ref::<LikeExpr>() {
            return if like.negated() { 1.0 - LIKE } else { LIKE };
        }
        if expr.is::<IsNotNullExpr>() {
            return 1.0;
        }
        if expr.is::<IsNullExpr>() { NULL } else { OTHER }
    }

    fn is_counted(&self, expr: &Arc<dyn PhysicalExpr>) -> bool {
        match expr.downcast_ref::<Column>() {
            Some(column) => self.columns.get(column.index()).is_some_and(|column| column.is_counted),
            None => expr.children().into_iter().any(|part| self.is_counted(part)),
        }
    }

    /// The share of rows in which an expression has one given value.
    fn equal(&self, expr: &Arc<dyn PhysicalExpr>) -> f64 {
        let Some(column) = expr.downcast_ref::<Column>() else { return EQUAL_TEXT };
        match self.columns.get(column.index()).and_then(|column| column.distinct) {
            Some(distinct) => 1.0 / distinct.max(1.0),
            None if self.whole_rows <= NAMES => 1.0 / self.whole_rows.max(1.0),
            None => EQUAL_TEXT,
        }
    }
}

impl ColumnProfile {
    fn of(stated: &ColumnStatistics, rows: f64) -> Self {
        let value = |value: &Precision<ScalarValue>| value.get_value().and_then(number);
        let range = value(&stated.min_value).zip(value(&stated.max_value)).filter(|(least, greatest)| least <= greatest);
        let is_whole = stated.min_value.get_value().is_some_and(|value| value.data_type().is_integer() || is_date(value));
        let counted = stated.distinct_count.get_value().map(|count| *count as f64);
        let distinct = counted.or_else(|| range.filter(|_| is_whole).map(|(least, greatest)| (greatest - least + 1.0).min(rows)));
        Self { distinct, range, is_counted: false }
    }
}

fn is_date(value: &ScalarValue) -> bool {
    matches!(value, ScalarValue::Date32(_) | ScalarValue::Date64(_))
}

/// The share of its rows that a semi or anti join with another relation leaves.
///
/// Source: Selinger et al. (1979), whose estimates take it that the smaller set of values lies within the larger: of a larger set on the
/// right, conditions keep as large a part of what the left has as of the rest.
pub(super) fn kept(left: &Profile, right: &Profile, on: &[(usize, usize)], anti: bool, has_condition: bool) -> f64 {
    let values = |of: &dyn Fn(&(usize, usize)) -> f64, rows: f64| on.iter().map(of).product::<f64>().min(rows).max(1.0);
    let wanted = values(&|key| left.distinct(key.0), left.rows);
    let there = values(&|key| right.distinct(key.1), right.rows);
    let before = values(&|key| right.distinct_before(key.1), right.whole_rows);
    let share = (there / wanted.max(before)).min(1.0);
    let share = if has_condition { share / 2.0 } else { share };
    if anti { (1.0 - share).max(LEAST_KEPT) } else { share }
}

/// A value's place among others of its type.
fn number(value: &ScalarValue) -> Option<f64> {
    let number = match value {
        ScalarValue::Int8(Some(v)) => f64::from(*v),
        ScalarValue::Int16(Some(v)) => f64::from(*v),
        ScalarValue::Int32(Some(v)) | ScalarValue::Date32(Some(v)) => f64::from(*v),
        ScalarValue::Int64(Some(v))
        | ScalarValue::Date64(Some(v))
        | ScalarValue::TimestampSecond(Some(v), _)
        | ScalarValue::TimestampMillisecond(Some(v), _)
        | ScalarValue::TimestampMicrosecond(Some(v), _)
        | ScalarValue::TimestampNanosecond(Some(v), _) => *v as f64,
        ScalarValue::UInt8(Some(v)) => f64::from(*v),
        ScalarValue::UInt16(Some(v)) => f64::from(*v),
        ScalarValue::UInt32(Some(v)) => f64::from(*v),
        ScalarValue::UInt64(Some(v)) => *v as f64,
        ScalarValue::Float32(Some(v)) => f64::from(*v),
        ScalarValue::Float64(Some(v)) => *v,
        ScalarValue::Decimal128(Some(v), _, scale) => *v as f64 / 10f64.powi(i32::from(*scale)),
        _ => return None,
    };
    number.is_finite().then_some(number)
}
