//! What the catalog keeps of each object: plain data, as it stands in the records on disk.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tidemill_spark::types::{SparkType, StructField};

use super::text;
use tidemill_planner::Result;

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ColumnRecord {
    pub(crate) name: String,
    /// The type in Spark's words, `char(n)` included.
    pub(crate) data_type: String,
    pub(crate) nullable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<String>,
    /// The text of DEFAULT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<String>,
    /// The value, as text, in files that were there before the column was: what its DEFAULT was when it was added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exists_default: Option<String>,
}

impl ColumnRecord {
    pub(crate) fn new(name: impl Into<String>, data_type: &SparkType, nullable: bool) -> Self {
        Self { name: name.into(), data_type: data_type.sql(), nullable, comment: None, default: None, exists_default: None }
    }

    /// The column of a query's result.
    pub(crate) fn of(field: &StructField) -> Self {
        let remark = field.metadata.get("__CHAR_VARCHAR_TYPE_STRING").cloned();
        Self {
            name: field.name.clone(),
            data_type: remark.unwrap_or_else(|| field.data_type.sql()),
            nullable: field.nullable,
            comment: field.metadata.get("comment").cloned(),
            default: None,
            exists_default: None,
        }
    }

    /// The type.
    pub(crate) fn spark_type(&self) -> Result<SparkType> {
        text::data_type(&self.data_type)
    }

    /// The column as the resolver sees it.
    pub(crate) fn field(&self) -> Result<StructField> {
        let mut field = StructField::new(&self.name, self.spark_type()?).with_nullable(self.nullable);
        field.metadata.extend(self.comment.clone().map(|comment| ("comment".to_owned(), comment)));
        Ok(field)
    }
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableRecord {
    pub(crate) database: String,
    pub(crate) name: String,
    /// `parquet`, `csv`, `json`, `delta`
    pub(crate) provider: String,
    /// The columns, those of the partitions last; for Delta empty: its log knows them.
    pub(crate) columns: Vec<ColumnRecord>,
    pub(crate) partition_columns: Vec<String>,
    /// The folder of its data.
    pub(crate) location: String,
    /// Whether the data is not the catalog's to remove.
    pub(crate) external: bool,
    #[serde(default)]
    pub(crate) options: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) properties: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<String>,
    pub(crate) created_ms: i64,
    #[serde(default)]
    pub(crate) owner: String,
    /// Where the data stands while a rename has not moved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) moved_from: Option<String>,
    /// The folder that the catalog made for it, while SET LOCATION has led to another one, which is not the catalog's to remove.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) made_folder: Option<String>,
}

impl TableRecord {
    /// The columns as the resolver sees them.
    pub(crate) fn fields(&self) -> Result<Vec<StructField>> {
        self.columns.iter().map(ColumnRecord::field).collect()
    }

    /// The table with the folder in which its data is now: a move that is under way, or was cut short, has left it where it was.
    pub(super) fn settled(mut self) -> Self {
        if let Some(before) = &self.moved_from
            && self.is_before(Path::new(before))
        {
            self.location.clone_from(before);
        }
        self
    }

    /// Whether the data is still in the folder where it was before.
    pub(super) fn is_before(&self, before: &Path) -> bool {
        let is_new = before.file_name().is_some_and(|name| name.to_string_lossy().starts_with(super::ASIDE));
        before.exists() && (is_new || !Path::new(&self.location).exists())
    }

    /// The folders that hold its data, or did.
    pub(super) fn folders(&self) -> impl Iterator<Item = &String> {
        [Some(&self.location), self.moved_from.as_ref(), self.made_folder.as_ref()].into_iter().flatten()
    }

    /// The folders that go with it when it is dropped.
    pub(crate) fn own_folders(&self) -> Vec<String> {
        let managed = (!self.external).then(|| self.location.clone());
        managed.into_iter().chain(self.made_folder.clone()).collect()
    }

    /// `catalog`.`database`.`table`
    pub(crate) fn full_name(&self) -> Vec<String> {
        vec![super::CATALOG.to_owned(), self.database.clone(), self.name.clone()]
    }

    /// Whether it is a Delta table.
    pub(crate) fn is_delta(&self) -> bool {
        self.provider == "delta"
    }
}

/// A persistent view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ViewRecord {
    pub(crate) database: String,
    pub(crate) name: String,
    /// The query.
    pub(crate) text: String,
    /// The columns as they were when it was made.
    pub(crate) columns: Vec<ColumnRecord>,
    /// The names of the query's own columns then.
    pub(crate) query_columns: Vec<String>,
    /// What names without a database were looked up in.
    pub(crate) current_database: String,
    /// The settings that give the text its meaning.
    pub(crate) conf: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<String>,
    #[serde(default)]
    pub(crate) properties: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) schema_binding: Option<String>,
    pub(crate) created_ms: i64,
    #[serde(default)]
    pub(crate) owner: String,
}

impl ViewRecord {
    /// `catalog`.`database`.`view`
    pub(crate) fn full_name(&self) -> Vec<String> {
        vec![super::CATALOG.to_owned(), self.database.clone(), self.name.clone()]
    }
}

/// What a name of a database stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Entry {
    /// A table.
    Table(TableRecord),
    /// A view.
    View(ViewRecord),
}

impl Entry {
    /// The same, a table with the folder in which its data is now.
    pub(super) fn settled(self) -> Self {
        match self {
            Self::Table(table) => Self::Table(table.settled()),
            view @ Self::View(_) => view,
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Table(table) => &table.name,
            Self::View(view) => &view.name,
        }
    }

    /// What was made known about it besides.
    pub(crate) fn properties_mut(&mut self) -> &mut BTreeMap<String, String> {
        match self {
            Self::Table(table) => &mut table.properties,
            Self::View(view) => &mut view.properties,
        }
    }

    /// What was made known about it besides.
    pub(crate) fn properties(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Table(table) => &table.properties,
            Self::View(view) => &view.properties,
        }
    }
}

/// A database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DatabaseRecord {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<String>,
    /// The folder in which its tables are made.
    pub(crate) location: String,
    #[serde(default)]
    pub(crate) properties: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) owner: String,
}

/// A function written in SQL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FunctionRecord {
    pub(crate) database: String,
    pub(crate) name: String,
    /// The statement that makes it.
    pub(crate) text: String,
    pub(crate) created_ms: i64,
    #[serde(default)]
    pub(crate) owner: String,
}
