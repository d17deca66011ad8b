//! DataFrames as conditions and values in the steps of others.

use tidemill_spark::plan::ExpressionKind;

use super::DataFrame;
use crate::column::Column;

impl DataFrame {
    /// Whether it has rows, as a condition in another's step. [`Column::outer`] names that one's columns.
    pub fn exists(&self) -> Column {
        Column::holding(ExpressionKind::Exists(Box::new(self.input())), self.held.clone())
    }

    /// The value of its one column and row, in another's step; null when it has no row.
    pub fn scalar(&self) -> Column {
        Column::holding(ExpressionKind::ScalarSubquery(Box::new(self.input())), self.held.clone())
    }
}

impl Column {
    /// It is one of the values of a query of one column.
    #[must_use]
    pub fn isin_query(self, query: &DataFrame) -> Self {
        let held = self.held.and(&query.held);
        let kind = ExpressionKind::InSubquery { values: vec![self.expression], plan: Box::new(query.relation().clone()) };
        Self::holding(kind, held)
    }
}
