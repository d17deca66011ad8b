//! Statistics over columns: `df.stat()`, `describe` and `summary`.

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;
use tidemill_spark::plan::{Literal, RelationKind, StatAction, StatFunction};

use super::DataFrame;
use super::missing::{literal, names};
use crate::column::{Column, Operand};
use crate::functions::{regexp_replace, when};
use tidemill_planner::{Error, Result};

/// Statistics over columns.
#[derive(Debug, Clone)]
pub struct StatFunctions {
    frame: DataFrame,
}

impl DataFrame {
    /// Statistics over columns.
    pub fn stat(&self) -> StatFunctions {
        StatFunctions { frame: self.clone() }
    }

    /// `count`, `mean`, `stddev`, `min` and `max` of these columns; of none, of all numbers and texts.
    pub fn describe<'a>(&self, columns: impl IntoIterator<Item = &'a str>) -> Self {
        self.statistics(StatAction::Describe(names(columns)))
    }

    /// These statistics of all numbers and texts: `count`, `mean`, `stddev`, `min`, `max`, `count_distinct`, `approx_count_distinct` and
    /// percentiles as `25%`. Of none: the first five, and the quartiles.
    pub fn summary<'a>(&self, statistics: impl IntoIterator<Item = &'a str>) -> Self {
        self.statistics(StatAction::Summary(names(statistics)))
    }

    fn statistics(&self, action: StatAction) -> Self {
        self.then(RelationKind::StatFunction(Box::new(StatFunction { input: self.input(), action })))
    }

    /// The only number of the only row; NaN where there is none.
    async fn number(&self) -> Result<f64> {
        let batches = self.collect().await?;
        let value = batches.iter().find(|batch| batch.num_rows() > 0).map(|batch| batch.column(0).as_primitive::<Float64Type>());
        Ok(value.filter(|value| value.is_valid(0)).map_or(f64::NAN, |value| value.value(0)))
    }
}

impl StatFunctions {
    /// For each column the values that stand at these shares (0 to 1) of its rows in order, off by `relative_error` of all rows at
    /// most. Nulls and NaN are left out; a column without values has none.
    ///
    /// # Errors
    /// Those of the query, and `Analysis` for columns that are no numbers and for shares beyond 0 and 1.
    pub async fn approx_quantile<'a>(
        &self,
        columns: impl IntoIterator<Item = &'a str>,
        shares: impl IntoIterator<Item = f64>,
        relative_error: f64,
    ) -> Result<Vec<Vec<f64>>> {
        let (columns, shares) = (names(columns), shares.into_iter().collect());
        let batches = self.frame.statistics(StatAction::ApproxQuantile(columns, shares, relative_error)).collect().await?;
        let Some(row) = batches.iter().find(|batch| batch.num_rows() > 0) else { return Ok(Vec::new()) };
        let quantiles = row.columns().iter().map(|column| {
            let list = column.as_list_opt::<i32>().ok_or_else(|| Error::internal("quantiles are no list"))?;
            Ok(if list.is_valid(0) { list.value(0).as_primitive::<Float64Type>().values().to_vec() } else { Vec::new() })
        });
        quantiles.collect()
    }

    /// Pearson's correlation of two columns of numbers.
    ///
    /// # Errors
    /// Those of the query.
    pub async fn corr(&self, one: &str, other: &str) -> Result<f64> {
        self.frame.statistics(StatAction::Corr(one.to_owned(), other.to_owned())).number().await
    }

    /// The sample covariance of two columns of numbers.
    ///
    /// # Errors
    /// Those of the query.
    pub async fn cov(&self, one: &str, other: &str) -> Result<f64> {
        self.frame.statistics(StatAction::Cov(one.to_owned(), other.to_owned())).number().await
    }

    /// How often each pair of values comes: a row per value of `one`, a column per value of `other`. It looks the latter up first.
    ///
    /// # Errors
    /// Those of [`GroupedData::pivot_all`](super::GroupedData::pivot_all).
    pub async fn crosstab(&self, one: &str, other: &str) -> Result<DataFrame> {
        let text = |name: &str, text: Column| when(Column::from(name).is_null(), "null").otherwise(text);
        let key = text(one, Column::from(one).cast("string")).alias(format!("{one}_{other}"));
        let values = text(other, regexp_replace(Column::from(other).cast("string"), "`", ""));
        Ok(self.frame.group_by([key]).pivot_all(values).await?.count().na().fill(0_i64))
    }

    /// For each column an array of the values that come in a share of the rows or more.
    pub fn freq_items<'a>(&self, columns: impl IntoIterator<Item = &'a str>, support: f64) -> DataFrame {
        self.frame.statistics(StatAction::FreqItems(names(columns), support))
    }

    /// A share of the rows for each value of a column, taken by chance; rows of other values are left out.
    pub fn sample_by<V: Operand>(
        &self,
        column: impl Into<Column>,
        fractions: impl IntoIterator<Item = (V, f64)>,
        seed: Option<i64>,
    ) -> DataFrame {
        let fractions: Result<Vec<(Literal, f64)>, Column> =
            fractions.into_iter().map(|(value, share)| Ok((literal(value)?, share))).collect();
        let fractions = match fractions {
            Ok(fractions) => fractions,
            Err(fault) => return self.frame.filter(fault),
        };
        let seed = seed.unwrap_or_else(super::steps::any_seed);
        self.frame.statistics(StatAction::SampleBy(column.into().expression, fractions, seed))
    }
}
