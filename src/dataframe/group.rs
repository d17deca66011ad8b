//! Grouping and aggregates. A window of time among the grouping columns makes a windowed aggregation of it.

use tidemill_spark::plan::{Expression, GroupType, RelationKind};

use super::DataFrame;
use crate::column::{Column, Operand, taken};
use crate::held::Held;

/// A DataFrame whose rows are to be aggregated by groups.
#[derive(Debug, Clone)]
pub struct GroupedData {
    frame: DataFrame,
    keys: Vec<Expression>,
    group_type: GroupType,
    /// What the keys hold.
    held: Held,
    /// The column whose values become columns, and the values.
    pivot: Option<(Expression, Vec<Expression>)>,
}

impl DataFrame {
    /// Groups rows that agree in these columns; of no column, all rows are one group.
    pub fn group_by<C: Into<Column>>(&self, columns: impl IntoIterator<Item = C>) -> GroupedData {
        self.grouped(columns, GroupType::GroupBy)
    }

    /// Groups by all leading parts of these columns: subtotals, and the total.
    pub fn rollup<C: Into<Column>>(&self, columns: impl IntoIterator<Item = C>) -> GroupedData {
        self.grouped(columns, GroupType::Rollup)
    }

    /// Groups by all subsets of these columns.
    pub fn cube<C: Into<Column>>(&self, columns: impl IntoIterator<Item = C>) -> GroupedData {
        self.grouped(columns, GroupType::Cube)
    }

    /// Groups by each of these sets of columns; `columns` are all of them, in the order in which they come in the result.
    pub fn grouping_sets<S, C>(&self, sets: impl IntoIterator<Item = S>, columns: impl IntoIterator<Item = C>) -> GroupedData
    where
        S: IntoIterator<Item = C>,
        C: Into<Column>,
    {
        let sets = sets.into_iter().map(|set| taken(set).0).collect();
        self.grouped(columns, GroupType::GroupingSets(sets))
    }

    fn grouped<C: Into<Column>>(&self, columns: impl IntoIterator<Item = C>, group_type: GroupType) -> GroupedData {
        let (keys, held) = taken(columns);
        GroupedData { frame: self.clone(), keys, group_type, held, pivot: None }
    }

    /// Aggregates over all rows.
    pub fn agg(&self, aggregates: impl IntoIterator<Item = Column>) -> DataFrame {
        self.group_by([] as [Column; 0]).agg(aggregates)
    }
}

impl GroupedData {
    /// One row per group: the grouping columns, then the aggregates.
    pub fn agg(&self, aggregates: impl IntoIterator<Item = Column>) -> DataFrame {
        let (input, grouping_expressions) = (self.frame.input(), self.keys.clone());
        let (aggregate_expressions, held) = taken(aggregates);
        self.frame.step(
            &self.held.and(&held),
            match &self.pivot {
                None => RelationKind::Aggregate {
                    input,
                    group_type: self.group_type.clone(),
                    grouping_expressions,
                    aggregate_expressions,
                    keep_grouping: true,
                },
                Some((column, values)) => RelationKind::Pivot {
                    input,
                    grouping_expressions: Some(grouping_expressions),
                    aggregate_expressions,
                    column: column.clone(),
                    values: values.clone(),
                    alias: None,
                },
            },
        )
    }

    /// A column per value of `column`: the aggregates over the rows that have it.
    #[must_use]
    pub fn pivot<V: Operand>(mut self, column: impl Into<Column>, values: impl IntoIterator<Item = V>) -> Self {
        let values = values.into_iter().map(|value| value.into_operand().expression).collect();
        self.pivot = Some((column.into().expression, values));
        self
    }

    pub(crate) fn frame(&self) -> &DataFrame {
        &self.frame
    }

    pub(crate) fn keys(&self) -> &[Expression] {
        &self.keys
    }

    /// The number of rows of each group, as `count`.
    pub fn count(&self) -> DataFrame {
        self.agg([crate::functions::count(crate::functions::lit(1)).alias("count")])
    }

    fn each(&self, columns: &[&str], function: &str) -> DataFrame {
        self.agg(columns.iter().map(|name| Column::call(function, [Column::from(*name)])))
    }

    /// The sum of each of these columns.
    pub fn sum(&self, columns: &[&str]) -> DataFrame {
        self.each(columns, "sum")
    }

    /// The average of each of these columns.
    pub fn avg(&self, columns: &[&str]) -> DataFrame {
        self.each(columns, "avg")
    }

    /// The same as [`GroupedData::avg`].
    pub fn mean(&self, columns: &[&str]) -> DataFrame {
        self.avg(columns)
    }

    /// The least value of each of these columns.
    pub fn min(&self, columns: &[&str]) -> DataFrame {
        self.each(columns, "min")
    }

    /// The greatest value of each of these columns.
    pub fn max(&self, columns: &[&str]) -> DataFrame {
        self.each(columns, "max")
    }
}
