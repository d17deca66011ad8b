//! Steps that add, rename, drop and turn columns.

use tidemill_spark::plan::{Expression, RelationKind, Unpivot, UnpivotGroup, WithColumnsMode};

use super::DataFrame;
use crate::column::{Column, taken};

impl DataFrame {
    /// The same with one column added, or replaced when there is one of that name.
    pub fn with_column(&self, name: &str, column: impl Into<Column>) -> Self {
        self.with_columns([(name, column.into())])
    }

    /// The same with columns added or replaced.
    pub fn with_columns<'a>(&self, columns: impl IntoIterator<Item = (&'a str, Column)>) -> Self {
        let (aliases, held) = taken(columns.into_iter().map(|(name, column)| column.alias(name)));
        self.step(&held, RelationKind::WithColumns { input: self.input(), aliases, mode: WithColumnsMode::Upsert })
    }

    /// The same with a column renamed; without effect when there is none of that name, as in Spark.
    pub fn with_column_renamed(&self, from: &str, to: &str) -> Self {
        self.with_columns_renamed([(from, to)])
    }

    /// The same with columns renamed.
    pub fn with_columns_renamed<'a>(&self, renames: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let renames = renames.into_iter().map(|(from, to)| (from.to_owned(), to.to_owned())).collect();
        self.then(RelationKind::WithColumnsRenamed { input: self.input(), renames })
    }

    /// The same with other remarks (a comment, say) at a column, as a JSON object has them: they go with the column, and into tables.
    pub fn with_metadata(&self, column: &str, metadata: &serde_json::Map<String, serde_json::Value>) -> Self {
        let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let metadata = metadata.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        self.then(RelationKind::WithMetadata { input: self.input(), column: column.to_owned(), metadata })
    }

    /// The same with these names for all of its columns.
    pub fn to_df<S: Into<String>>(&self, names: impl IntoIterator<Item = S>) -> Self {
        let column_names = names.into_iter().map(Into::into).collect();
        self.then(RelationKind::ToDf { input: self.input(), column_names })
    }

    /// The same without these columns; names that are not there are left out, as in Spark.
    pub fn drop<C: Into<Column>>(&self, columns: impl IntoIterator<Item = C>) -> Self {
        self.then(RelationKind::Drop { input: self.input(), columns: taken(columns).0, must_exist: false })
    }

    /// A row per column: `ids` stay, the name of each of `values` goes into `variable` and its value into `value`. Without `values`, all
    /// columns that are not ids.
    pub fn unpivot<I: Into<Column>, V: Into<Column>>(
        &self,
        ids: impl IntoIterator<Item = I>,
        values: Option<Vec<V>>,
        variable: &str,
        value: &str,
    ) -> Self {
        let group = |column: Expression| UnpivotGroup { columns: vec![column], alias: None };
        let unpivot = Unpivot {
            input: self.input(),
            ids: Some(taken(ids).0),
            values: values.map(|values| taken(values).0.into_iter().map(group).collect()),
            variable_column: variable.to_owned(),
            value_columns: vec![value.to_owned()],
            include_nulls: true,
            alias: None,
        };
        self.then(RelationKind::Unpivot(Box::new(unpivot)))
    }

    /// The same as [`DataFrame::unpivot`].
    pub fn melt<I: Into<Column>, V: Into<Column>>(
        &self,
        ids: impl IntoIterator<Item = I>,
        values: Option<Vec<V>>,
        variable: &str,
        value: &str,
    ) -> Self {
        self.unpivot(ids, values, variable, value)
    }
}
