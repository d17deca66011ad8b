//! Steps that choose, order and combine rows.

use tidemill_spark::plan::{Expression, ExpressionKind, RelationKind, SampleMethod, SetOperation, TableAlias};

use super::DataFrame;
use crate::column::{Column, Operand, taken};
use crate::held::Held;

impl DataFrame {
    /// These columns, in this order.
    pub fn select<C: Into<Column>>(&self, columns: impl IntoIterator<Item = C>) -> Self {
        let (expressions, held) = taken(columns);
        self.step(&held, RelationKind::Project { input: self.input(), expressions })
    }

    /// Columns written in SQL, as in `"dwellMs / 1000 AS dwellS"`.
    pub fn select_expr<'a>(&self, columns: impl IntoIterator<Item = &'a str>) -> Self {
        self.select(columns.into_iter().map(|text| if text.trim() == "*" { Column::from("*") } else { crate::functions::expr(text) }))
    }

    /// The rows for which the condition holds.
    pub fn filter(&self, condition: impl Into<Column>) -> Self {
        let condition = condition.into();
        self.step(&condition.held, RelationKind::Filter { input: self.input(), condition: condition.expression })
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

    /// The rows of each partition in the order of these columns, the partitions as they are: `repartition_by` puts rows into them.
    pub fn sort_within_partitions<C: Into<Column>>(&self, columns: impl IntoIterator<Item = C>) -> Self {
        self.sorted(columns, false)
    }

    fn sorted<C: Into<Column>>(&self, columns: impl IntoIterator<Item = C>, is_global: bool) -> Self {
        let mut held = Held::default();
        let order = columns.into_iter().map(|column| {
            let column: Column = column.into();
            held = held.and(&column.held);
            column.into_sort_order()
        });
        let order = order.collect();
        self.step(&held, RelationKind::Sort { input: self.input(), order, is_global })
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

    /// One row of each set of rows that agree in all columns, or in `columns`, of a stream with a watermark: the first, as long as no
    /// event can come any more that is less than the watermark's delay later. A row that comes after that is another first one.
    pub fn drop_duplicates_within_watermark<'a>(&self, columns: impl IntoIterator<Item = &'a str>) -> Self {
        let column_names = columns.into_iter().map(str::to_owned).collect();
        self.then(RelationKind::Deduplicate { input: self.input(), column_names, within_watermark: true })
    }

    /// The rows dealt out by chance into DataFrames, by weights: each row is in one of them. The same `seed` deals out the same way.
    pub fn random_split(&self, weights: impl IntoIterator<Item = f64>, seed: Option<i64>) -> Vec<Self> {
        let weights: Vec<f64> = weights.into_iter().collect();
        let sum: f64 = weights.iter().sum();
        // The parts have one seed, or they would not be parts of one whole.
        let seed = seed.unwrap_or_else(any_seed);
        let mut lower_bound = 0.0;
        let part = |weight: f64| {
            if !(weights.iter().all(|weight| *weight >= 0.0) && sum > 0.0) {
                let message = format!("`random_split` takes weights from 0 up, and some above it: not {weights:?}");
                return self.filter(Column::new(ExpressionKind::Fault(message)));
            }
            let upper_bound = lower_bound + weight / sum;
            let method = SampleMethod::Part { lower_bound, upper_bound };
            lower_bound = upper_bound;
            self.then(RelationKind::Sample { input: self.input(), method, with_replacement: false, seed: Some(seed) })
        };
        weights.clone().into_iter().map(part).collect()
    }

    /// A share of the rows, each taken or not by chance.
    pub fn sample(&self, fraction: f64, seed: Option<i64>) -> Self {
        let method = SampleMethod::Fraction { lower_bound: 0.0, upper_bound: fraction };
        self.then(RelationKind::Sample { input: self.input(), method, with_replacement: false, seed })
    }

    /// The rows in so many partitions, dealt out one after the other: a write makes as many files, as even as the rows. A stream's rows stay
    /// where they are, which goes by the keys of its state; the same holds for the other steps of this kind.
    ///
    /// ```
    /// # async fn run() -> tidemill::Result<()> {
    /// # let session = tidemill::Session::builder().build()?;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("numbers").display().to_string();
    /// session.range(0, 1000).await?.repartition(3).write().parquet(&path).await?;
    /// # let files = std::fs::read_dir(&path).unwrap().filter(|f| f.as_ref().unwrap().path().extension().is_some_and(|e| e == "parquet"));
    /// # assert_eq!(files.count(), 3);
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Runtime::new().unwrap().block_on(run()).unwrap();
    /// ```
    pub fn repartition(&self, partitions: i32) -> Self {
        self.then(RelationKind::Repartition { input: self.input(), num_partitions: partitions, shuffle: true })
    }

    /// The rows dealt out by these columns: rows that agree in them are in one partition. There are `spark.sql.shuffle.partitions`
    /// partitions, or fewer where there is little to read.
    pub fn repartition_by<C: Into<Column>>(&self, columns: impl IntoIterator<Item = C>) -> Self {
        self.dealt_by(None, columns)
    }

    /// The rows dealt out by these columns into so many partitions: rows that agree in them are in one. Without columns it is
    /// [`DataFrame::repartition`].
    pub fn repartition_into<C: Into<Column>>(&self, partitions: i32, columns: impl IntoIterator<Item = C>) -> Self {
        self.dealt_by(Some(partitions), columns)
    }

    fn dealt_by<C: Into<Column>>(&self, num_partitions: Option<i32>, columns: impl IntoIterator<Item = C>) -> Self {
        let (partition_expressions, held) = taken(columns);
        let is_ordered = |key: &Expression| matches!(key.kind, ExpressionKind::SortOrder(_));
        if partition_expressions.iter().any(is_ordered) {
            let message = "`repartition` deals rows out by columns without an order: `repartition_by_range` deals by ranges";
            return self.filter(Column::new(ExpressionKind::Fault(message.to_owned())));
        }
        self.step(&held, RelationKind::RepartitionByExpression { input: self.input(), partition_expressions, num_partitions })
    }

    /// The rows dealt out by ranges of these columns, rising with nulls first unless a column says `desc()`: what is in a partition comes
    /// before what is in the next one, and rows that agree in the columns are in one. The bounds are found in a sample, so that partitions
    /// are about as large. How many there are goes as for [`DataFrame::repartition_by`].
    pub fn repartition_by_range<C: Into<Column>>(&self, columns: impl IntoIterator<Item = C>) -> Self {
        self.dealt_by_range(None, columns)
    }

    /// The same into so many partitions; those of few values may be empty.
    pub fn repartition_by_range_into<C: Into<Column>>(&self, partitions: i32, columns: impl IntoIterator<Item = C>) -> Self {
        self.dealt_by_range(Some(partitions), columns)
    }

    fn dealt_by_range<C: Into<Column>>(&self, num_partitions: Option<i32>, columns: impl IntoIterator<Item = C>) -> Self {
        let mut held = Held::default();
        let keys = columns.into_iter().map(|column| {
            let column: Column = column.into();
            held = held.and(&column.held);
            Expression::from(ExpressionKind::SortOrder(Box::new(column.into_sort_order())))
        });
        let partition_expressions: Vec<Expression> = keys.collect();
        if partition_expressions.is_empty() {
            let message = "`repartition_by_range` needs a column: at least one partition-by expression must be specified";
            return self.filter(Column::new(ExpressionKind::Fault(message.to_owned())));
        }
        self.step(&held, RelationKind::RepartitionByExpression { input: self.input(), partition_expressions, num_partitions })
    }

    /// The rows in so many partitions at most: neighbouring ones become one, and no row goes anywhere by itself. What comes before runs in as
    /// many tasks as it would without.
    pub fn coalesce(&self, partitions: i32) -> Self {
        self.then(RelationKind::Repartition { input: self.input(), num_partitions: partitions, shuffle: false })
    }

    /// A word to the optimizer, as `broadcast`: it decides by itself so far. Those of partitions (`repartition`, `coalesce`,
    /// `repartition_by_range`, `rebalance`) are steps, as in SQL.
    pub fn hint(&self, name: &str) -> Self {
        self.hint_with(name, [] as [i32; 0])
    }

    /// A word to the optimizer with parameters, as `repartition` of 4.
    pub fn hint_with<O: Operand>(&self, name: &str, parameters: impl IntoIterator<Item = O>) -> Self {
        let parameters = parameters.into_iter().map(|parameter| parameter.into_operand().expression).collect();
        self.then(RelationKind::Hint { input: self.input(), name: name.to_owned(), parameters })
    }

    /// What a function makes of it, so that steps of one's own read from left to right.
    pub fn transform(&self, function: impl FnOnce(&Self) -> Self) -> Self {
        function(self)
    }
}

/// A seed for who gives none.
pub(super) fn any_seed() -> i64 {
    i64::from_ne_bytes(*uuid::Uuid::new_v4().as_bytes().last_chunk().unwrap_or(&[0; 8]))
}

/// A number of rows as SQL writes it.
fn number(rows: usize) -> Expression {
    match i32::try_from(rows) {
        Ok(small) => Expression::literal(small),
        Err(_) => Expression::literal(i64::try_from(rows).unwrap_or(i64::MAX)),
    }
}
