//! The files of a table that the catalog knows: read with its columns, those of the partitions last.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::{Fields, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::ViewTable;
use datafusion::datasource::empty::EmptyTable;
use datafusion::scalar::ScalarValue;
use tidemill_executor::files::AbsentValues;
use tidemill_spark::Settings;
use tidemill_spark::types::{SparkType, StructField, field_of, render};

use super::file_options::FileOptions;
use super::file_table::{FileTable, Files, Reading};
use super::files::table_files;
use super::format::Format;
use super::partition::{self, typed_value};
use super::path_table::reading;
use super::strict_json;
use super::table_file::TableFile;
use crate::catalog::TableRecord;
use tidemill_planner::{Error, Result};

/// A table's folder and how its files are.
#[derive(Debug, Clone)]
pub(crate) struct TableFiles {
    pub(crate) folder: PathBuf,
    pub(crate) format: Format,
    pub(crate) options: FileOptions,
    pub(crate) data: Vec<StructField>,
    pub(crate) partitions: Vec<StructField>,
    /// (column, its value in files that lack it)
    pub(crate) absent: Vec<(String, String)>,
}

/// A partition: its values as text, in the order of the columns.
pub(crate) type PartitionValues = Vec<(String, Option<String>)>;

impl TableFiles {
    /// Those of a table that is no Delta table.
    pub(crate) fn of(table: &TableRecord) -> Result<Self> {
        let (mut data, mut partitions) = (Vec::new(), Vec::new());
        for field in table.fields()? {
            if table.partition_columns.contains(&field.name) { partitions.push(field) } else { data.push(field) }
        }
        let folder = PathBuf::from(&table.location);
        let format = Format::parse(&table.provider)?;
        let absent = table.columns.iter().filter_map(|column| Some((column.name.clone(), column.exists_default.clone()?))).collect();
        Ok(Self { folder, format, options: table.options.clone(), data, partitions, absent })
    }

    /// The files that are the table's rows now.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        table_files(&self.folder)
    }

    fn schema(fields: &[StructField]) -> SchemaRef {
        Arc::new(Schema::new(fields.iter().map(field_of).collect::<Vec<_>>()))
    }

    /// The rows: data columns, then those of the partitions.
    pub(crate) fn open(&self, settings: &Settings) -> Result<Arc<dyn TableProvider>> {
        let data = Self::schema(&self.data);
        let found = self.files()?;
        if found.is_empty() {
            let all: Vec<StructField> = self.data.iter().chain(&self.partitions).cloned().collect();
            return Ok(Arc::new(EmptyTable::new(Self::schema(&all))));
        }
        if let Some(file) = found.iter().find(|file| file.to_str().is_none()) {
            return Err(Error::data(format!("{file:?}: the file's name is not UTF-8; rename it, or start its name with `_`")));
        }
        if self.format == Format::Json && self.partitions.is_empty() {
            let paths: Vec<&str> = found.iter().filter_map(|file| file.to_str()).collect();
            let malformed = strict_json::malformed_lines(&self.options, &data, settings)?;
            return Ok(Arc::new(ViewTable::new(strict_json::scan(&paths, data, malformed)?, None)));
        }
        let mut known: HashMap<(usize, Option<String>), ScalarValue> = HashMap::new();
        let mut files = Vec::with_capacity(found.len());
        for path in found {
            let mut values = Vec::with_capacity(self.partitions.len());
            for (at, (field, (_, text))) in self.partitions.iter().zip(self.values_of(&path)?).enumerate() {
                let value = match known.entry((at, text.clone())) {
                    Entry::Occupied(known) => known.get().clone(),
                    Entry::Vacant(new) => new.insert(typed_value(text.as_deref(), &field.data_type, settings)?).clone(),
                };
                values.push(value);
            }
            files.push(TableFile { path, object: None, values });
        }
        let reading = match self.format {
            Format::Parquet => Reading::Parquet(Arc::new(self.absent_values(settings)?)),
            format => reading(format, &self.options, &data, settings)?,
        };
        let partitions: Fields = self.partitions.iter().map(field_of).collect();
        Ok(Arc::new(FileTable::new(Files::Listed(files), data, partitions, reading)))
    }

    /// What columns have in files that lack them.
    fn absent_values(&self, settings: &Settings) -> Result<AbsentValues> {
        let known = self.absent.iter().filter_map(|(name, text)| Some((self.data.iter().find(|field| field.name == *name)?, text)));
        known.map(|(field, text)| Ok((field.name.clone(), typed_value(Some(text), &field.data_type, settings)?))).collect()
    }

    /// The partition that a file lies in.
    fn values_of(&self, file: &Path) -> Result<PartitionValues> {
        let found: BTreeMap<String, Option<String>> =
            partition::values_of(file, &self.folder).into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
        self.partitions
            .iter()
            .map(|field| match found.get(&field.name.to_lowercase()) {
                Some(value) => Ok((field.name.clone(), value.clone())),
                None => Err(Error::data(format!(
                    "{}: the file lies in no folder `{}=…`, by which the table is partitioned: move it into one, or remove it",
                    file.display(),
                    field.name
                ))),
            })
            .collect()
    }

    /// The values of a file's partition as their type writes them, whatever its folder is called.
    pub(crate) fn plain_values(&self, file: &Path, settings: &Settings) -> Result<PartitionValues> {
        let values = self.values_of(file)?;
        Ok(self.partitions.iter().zip(values).map(|(field, (name, text))| (name, plain(text, &field.data_type, settings))).collect())
    }

    /// The table's partitions, with files or without, and their folders: one partition may have several, of different spellings.
    pub(crate) fn partition_folders(&self, settings: &Settings) -> Result<Vec<(PartitionValues, PathBuf)>> {
        let mut found = Vec::new();
        self.walk(&self.folder, &mut Vec::new(), &mut found, settings)?;
        found.sort();
        Ok(found)
    }

    /// The folders of the partitions with these values, which may leave columns out.
    pub(crate) fn folders_with(&self, values: &[(String, Option<String>)], settings: &Settings) -> Result<Vec<PathBuf>> {
        let found = self.partition_folders(settings)?.into_iter();
        Ok(found.filter(|(partition, _)| is_of(partition, values)).map(|(_, folder)| folder).collect())
    }

    fn walk(
        &self,
        folder: &Path,
        values: &mut PartitionValues,
        found: &mut Vec<(PartitionValues, PathBuf)>,
        settings: &Settings,
    ) -> Result<()> {
        let Some(field) = self.partitions.get(values.len()) else {
            found.push((values.clone(), folder.to_owned()));
            return Ok(());
        };
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(Error::io_at(folder.display(), e)),
        };
        for entry in entries {
            let entry = entry.map_err(|e| Error::io_at(folder.display(), e))?;
            let named = entry.file_name().to_str().and_then(partition::parse);
            let Some((_, value)) = named.filter(|(name, _)| name.eq_ignore_ascii_case(&field.name)) else { continue };
            if entry.path().is_dir() {
                values.push((field.name.clone(), plain(value, &field.data_type, settings)));
                self.walk(&entry.path(), values, found, settings)?;
                values.pop();
            }
        }
        Ok(())
    }
}

/// Whether a partition has these values.
pub(crate) fn is_of(partition: &PartitionValues, values: &[(String, Option<String>)]) -> bool {
    // Null and the empty text are one folder.
    let same = |a: &Option<String>, b: &Option<String>| a.as_deref().filter(|v| !v.is_empty()) == b.as_deref().filter(|v| !v.is_empty());
    values.iter().all(|(name, value)| partition.iter().any(|(known, is)| known.eq_ignore_ascii_case(name) && same(is, value)))
}

/// A folder's text as its type writes the value; as it is if it is none of the type.
fn plain(text: Option<String>, data_type: &SparkType, settings: &Settings) -> Option<String> {
    let value = typed_value(text.as_deref(), data_type, settings).and_then(|value| Ok(value.to_array()?));
    match value {
        Ok(array) if array.is_null(0) => None,
        Ok(array) => render::text_at(&array, 0, data_type, settings).ok().or(text),
        Err(_) => text,
    }
}
