//! `df.merge_into(path, keys)`: rows that match a key of a Delta table replace it, the others are inserted. The merge
//! itself is the lakehouse's.

use tidemill_lakehouse::{DeltaTable, MergeMetrics, MergeRequest, Txn};

use super::Table;
use super::merge_condition::merge_condition;
use super::merge_on::{Sides, keys_of, with_our_names};
use crate::column::Column;
use crate::dataframe::DataFrame;
use tidemill_planner::{Error, Result};
use tidemill_spark::parse::ParseOptions;

/// A merge that is being described; [`MergeBuilder::merge`] runs it.
#[derive(Debug, Clone)]
pub struct MergeBuilder {
    source: DataFrame,
    path: String,
    keys: Vec<String>,
    update_condition: Option<Column>,
    txn: Option<Txn>,
}

impl DataFrame {
    /// An upsert of these rows into the Delta table at `path`, matched by the key columns: one row per key.
    pub fn merge_into<S: Into<String>>(&self, path: impl Into<String>, keys: impl IntoIterator<Item = S>) -> MergeBuilder {
        let keys = keys.into_iter().map(Into::into).collect();
        MergeBuilder { source: self.clone(), path: path.into(), keys, update_condition: None, txn: None }
    }
}

/// What a MERGE does with rows.
#[derive(Debug, Clone, Default)]
pub struct MergeClauses {
    /// WHEN MATCHED [AND condition] THEN UPDATE SET *
    pub update_all: Option<Option<Column>>,
    /// WHEN NOT MATCHED THEN INSERT *
    pub insert_all: bool,
}

impl Table {
    /// A MERGE of `source` into this table where `condition` holds, as in `t.id = s.id`; `aliases` are the names of the source and of the
    /// table in it and in the clauses' conditions.
    ///
    /// # Errors
    /// `Unsupported` for a condition that is more than equal columns, and for clauses that do not insert rows without a match.
    pub fn merge(&self, source: &DataFrame, condition: &Column, aliases: (&str, &str), clauses: MergeClauses) -> Result<MergeBuilder> {
        let options = ParseOptions::new(&source.session().spark_settings())?;
        let sides = Sides { source: aliases.0, target: aliases.1 };
        let keys = keys_of(condition.expression(), sides, &options)?;
        if !clauses.insert_all {
            return Err(Error::unsupported(
                "a merge that does not insert the rows without a match is not there yet: add WHEN NOT MATCHED THEN INSERT *, or join the \
                 source with the table first",
            ));
        }
        let merge = source.merge_into(self.path(), keys);
        match clauses.update_all {
            None => Ok(merge.insert_only()),
            Some(None) => Ok(merge),
            Some(Some(condition)) => {
                let renamed = with_our_names(condition.expression(), sides, &options)?;
                Ok(merge.when_matched_update(Column::holding(renamed, condition.held.clone())))
            }
        }
    }
}

impl MergeBuilder {
    /// Updates a matched row only where the condition holds, over `source.column` and `target.column`. It means what the same
    /// filter means over a join of the two.
    #[must_use]
    pub fn when_matched_update(mut self, condition: Column) -> Self {
        self.update_condition = Some(condition);
        self
    }

    /// Leaves matched rows as they are: only rows whose key is not there are inserted.
    #[must_use]
    pub fn insert_only(self) -> Self {
        self.when_matched_update(crate::functions::lit(false))
    }

    /// Makes the merge happen once, however often it is run: an application's name and its own growing number.
    #[must_use]
    pub fn txn(mut self, app_id: impl Into<String>, version: i64) -> Self {
        self.txn = Some(Txn::new(app_id, version));
        self
    }

    /// Runs the merge as one commit.
    ///
    /// # Errors
    /// `NotFound` when there is no table, `Data` for two rows with one key, `Analysis` for columns that do not fit.
    pub async fn merge(self) -> Result<MergeMetrics> {
        if self.keys.is_empty() {
            return Err(Error::analysis("`merge_into` needs a key column"));
        }
        let table = DeltaTable::open(&self.path).await?;
        let update_condition = self.update_condition.map(|condition| merge_condition(self.source.session(), condition));
        if let Some(condition) = &update_condition {
            condition.check(self.source.schema()?.as_ref(), table.snapshot().await?.schema())?;
        }
        let source = self.source.collect().await?;
        let merged = table.merge(MergeRequest { on: self.keys, source, update_condition, txn: self.txn }).await;
        self.source.session().kept().tables_have_changed();
        merged
    }
}
