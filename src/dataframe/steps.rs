//! Steps that choose, order and combine rows.

use tidemill_spark::plan::{Expression, RelationKind, SampleMethod, SetOperation, TableAlias};

use super::{DataFrame, expressions};
use crate::column::Column;

impl DataFrame {
    /// These columns, in this order.
    pub fn select<C: Into<Column>>(&self, columns: impl IntoIterator<Item = C>) -> Self {
        self.then(RelationKind::Project { input: self.input(), expressions: expressions(columns) })
    }

    /// Columns written in SQL, as in `"dwellMs / 1000 AS dwellS"`.
    pub fn select_expr<'a>(&self, columns: impl IntoIterator<Item = &'a str>) -> Self {
        self.select(columns.into_iter().map(|text| if text.trim() == "*" { Column::from("*") } else { crate::functions::expr(text) }))
    }

    /// The rows for which the condition holds.
    pub fn filter(&self, condition: impl Into<Column>) -> Self {
        self.then(RelationKind::Filter { input: self.input(), condition: condition.into().expression })
    }

    /// The same as [`DataFrame::filter`].
    pub fn where_(&self, condition: impl Into<Column>) -> Self {
        self.filter(condition)
    }

    /// The rows in the order of these columns: rising with nulls first unless a column says `desc()`.
    pub fn order_by<C: Into<Column>>(&self, columns: impl IntoIterator<Item = C>) -> Self {
        self.sorted(columns, true)
    }

    /// The same as [`DataFrame::order_by`].
    pub fn sort<C: Into<Column>>(&self, columns: impl IntoIterator<Item = C>) -> Self {
        self.sorted(columns, true)
    }

    /// The rows of each partition in the order of these columns.
    pub fn sort_within_partitions<C: Into<Column>>(&self, columns: impl IntoIterator<Item = C>) -> Self {
        self.sorted(columns, false)
    }

    fn sorted<C: Into<Column>>(&self, columns: impl IntoIterator<Item = C>, is_global: bool) -> Self {
        let order = columns.into_iter().map(|column| column.into().into_sort_order()).collect();
        self.then(RelationKind::Sort { input: self.input(), order, is_global })
    }

    /// The first rows, `rows` of them at most.
    pub fn limit(&self, rows: usize) -> Self {
        self.then(RelationKind::Limit { input: self.input(), limit: Some(number(rows)) })
    }

    /// The rows but the first, `rows` of them.
    pub fn offset(&self, rows: usize) -> Self {
        self.then(RelationKind::Offset { input: self.input(), offset: number(rows) })
    }

    /// The same under a name, for `name.column` in joins.
    pub fn alias(&self, name: &str) -> Self {
        let alias = TableAlias { name: name.to_owned(), columns: Vec::new() };
        self.then(RelationKind::SubqueryAlias { input: self.input(), alias })
    }

    /// The rows of both, columns matched by place; duplicates stay.
    pub fn union(&self, other: &Self) -> Self {
        self.combined(other, SetOperation::Union, true)
    }

    /// The same as [`DataFrame::union`].
    pub fn union_all(&self, other: &Self) -> Self {
        self.union(other)
    }

    /// The rows of both, columns matched by name; duplicates stay.
    pub fn union_by_name(&self, other: &Self) -> Self {
        self.by_name(other, false)
    }

    /// The rows of both, columns matched by name, null where a side has no such column.
    pub fn union_by_name_allow_missing(&self, other: &Self) -> Self {
        self.by_name(other, true)
    }

    fn by_name(&self, other: &Self, allow_missing_columns: bool) -> Self {
        let (left, right, operation) = (self.input(), other.input(), SetOperation::Union);
        self.with(other, RelationKind::SetOperation { left, right, operation, is_all: true, by_name: true, allow_missing_columns })
    }

    /// The rows that are in both, each once.
    pub fn intersect(&self, other: &Self) -> Self {
        self.combined(other, SetOperation::Intersect, false)
    }

    /// The rows that are in both, as often as in the one that has fewer.
    pub fn intersect_all(&self, other: &Self) -> Self {
        self.combined(other, SetOperation::Intersect, true)
    }

    /// The rows that are not in the other, each once.
    pub fn except(&self, other: &Self) -> Self {
        self.combined(other, SetOperation::Except, false)
    }

    /// The rows that are not in the other, each of the other's taking away one.
    pub fn except_all(&self, other: &Self) -> Self {
        self.combined(other, SetOperation::Except, true)
    }

    /// The same as [`DataFrame::except`].
    pub fn subtract(&self, other: &Self) -> Self {
        self.except(other)
    }

    fn combined(&self, other: &Self, operation: SetOperation, is_all: bool) -> Self {
        let (left, right) = (self.input(), other.input());
        self.with(other, RelationKind::SetOperation { left, right, operation, is_all, by_name: false, allow_missing_columns: false })
    }

    /// One row of each set of rows that agree in all columns.
    pub fn distinct(&self) -> Self {
        self.then(RelationKind::Deduplicate { input: self.input(), column_names: Vec::new(), within_watermark: false })
    }

    /// One row of each set of rows that agree in these columns: the first of a stream. Of no columns, all are compared.
    pub fn drop_duplicates<'a>(&self, columns: impl IntoIterator<Item = &'a str>) -> Self {
        let column_names = columns.into_iter().map(str::to_owned).collect();
        self.then(RelationKind::Deduplicate { input: self.input(), column_names, within_watermark: false })
    }

    /// A share of the rows, each taken or not by chance.
    pub fn sample(&self, fraction: f64, seed: Option<i64>) -> Self {
        let method = SampleMethod::Fraction { lower_bound: 0.0, upper_bound: fraction };
        self.then(RelationKind::Sample { input: self.input(), method, with_replacement: false, seed })
    }

    /// The rows dealt out anew to so many tasks. How many there are is the engine's choice in the end.
    pub fn repartition(&self, tasks: i32) -> Self {
        self.then(RelationKind::Repartition { input: self.input(), num_partitions: tasks, shuffle: true })
    }

    /// The rows dealt out by these columns.
    pub fn repartition_by<C: Into<Column>>(&self, columns: impl IntoIterator<Item = C>) -> Self {
        let partition_expressions = expressions(columns);
        self.then(RelationKind::RepartitionByExpression { input: self.input(), partition_expressions, num_partitions: None })
    }

    /// The rows of fewer tasks. How many there are is the engine's choice in the end.
    pub fn coalesce(&self, tasks: i32) -> Self {
        self.then(RelationKind::Repartition { input: self.input(), num_partitions: tasks, shuffle: false })
    }

    /// A word to the optimizer, as `broadcast`.
    pub fn hint(&self, name: &str) -> Self {
        self.then(RelationKind::Hint { input: self.input(), name: name.to_owned(), parameters: Vec::new() })
    }
}

/// A number of rows as SQL writes it.
fn number(rows: usize) -> Expression {
    match i32::try_from(rows) {
        Ok(small) => Expression::literal(small),
        Err(_) => Expression::literal(i64::try_from(rows).unwrap_or(i64::MAX)),
    }
}
