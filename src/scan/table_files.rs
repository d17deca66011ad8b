//! The files of a table that the catalog knows: read with its columns, those of the partitions last.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::Column;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::file_format::csv::CsvFormat;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::reader::{FileReader, SerializedFileReader};
use datafusion::scalar::ScalarValue;
use tidemill_spark::plan::CastMode;
use tidemill_spark::types::{SparkType, StructField, cast, field_of};
use tidemill_spark::{Settings, error::error};

use super::csv_options::CsvOptions;
use super::files::partition_files;
use super::path_table::{Format, listing, parquet};
use super::{partition, strict_json};
use crate::catalog::TableRecord;
use crate::session::Session;
use tidemill_planner::{Error, Result};

/// A table's folder and how its files are.
#[derive(Debug, Clone)]
pub(crate) struct TableFiles {
    pub(crate) folder: PathBuf,
    pub(crate) format: Format,
    pub(crate) csv: CsvOptions,
    data: Vec<StructField>,
    pub(crate) partitions: Vec<StructField>,
    /// (column, its value in files that lack it)
    absent: Vec<(String, String)>,
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
        let csv = if format == Format::Csv { CsvOptions::of_table(&table.options)? } else { CsvOptions { header: false, separator: b',' } };
        let absent = table.columns.iter().filter_map(|column| Some((column.name.clone(), column.exists_default.clone()?))).collect();
        Ok(Self { folder, format, csv, data, partitions, absent })
    }

    /// The files that are the table's rows now.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        partition_files(&self.folder)
    }

    fn schema(fields: &[StructField]) -> SchemaRef {
        Arc::new(Schema::new(fields.iter().map(field_of).collect::<Vec<_>>()))
    }

    /// The rows: data columns, then those of the partitions.
    pub(crate) async fn open(&self, session: &Session, settings: &Settings) -> Result<Arc<dyn TableProvider>> {
        let files = self.files()?;
        let all: Vec<StructField> = self.data.iter().chain(&self.partitions).cloned().collect();
        if files.is_empty() {
            return Ok(Arc::new(EmptyTable::new(Self::schema(&all))));
        }
        if self.partitions.is_empty() && self.absent.is_empty() {
            return self.scan(session, &files, Self::schema(&self.data)).await;
        }
        // Files of one partition that lack the same columns.
        let mut groups: BTreeMap<(PartitionValues, Vec<&str>), Vec<PathBuf>> = BTreeMap::new();
        for file in files {
            groups.entry((self.values_of(&file)?, self.absent_of(&file)?)).or_default().push(file);
        }
        let mut plan: Option<LogicalPlan> = None;
        for ((values, absent), files) in &groups {
            let is_there = |field: &&StructField| !absent.contains(&field.name.as_str());
            let there: Vec<StructField> = self.data.iter().filter(is_there).cloned().collect();
            let rows = self.scan(session, files, Self::schema(&there)).await?;
            let mut columns: Vec<Expr> = Vec::with_capacity(all.len());
            for field in &self.data {
                let known = self.absent.iter().find(|(name, _)| *name == field.name && absent.contains(&name.as_str()));
                columns.push(match known {
                    None => Expr::Column(Column::from_name(&field.name)),
                    Some((_, text)) => Expr::Literal(typed_value(Some(text), &field.data_type, settings)?, None).alias(&field.name),
                });
            }
            for (field, (_, value)) in self.partitions.iter().zip(values) {
                let value = typed_value(value.as_deref(), &field.data_type, settings)?;
                columns.push(Expr::Literal(value, None).alias(&field.name));
            }
            let part = LogicalPlanBuilder::scan("files", provider_as_source(rows), None)?.project(columns)?;
            // All parts have the same unqualified columns.
            let part = part.build()?;
            let names: Vec<Expr> = part
                .schema()
                .iter()
                .map(|(qualifier, field)| Expr::Column(Column::new(qualifier.cloned(), field.name())).alias(field.name()))
                .collect();
            let part = LogicalPlanBuilder::from(part).project(names)?.build()?;
            plan = Some(match plan {
                None => part,
                Some(before) => LogicalPlanBuilder::from(before).union(part)?.build()?,
            });
        }
        let plan = plan.ok_or_else(|| Error::internal("a partitioned table has files and no partition"))?;
        Ok(Arc::new(ViewTable::new(plan, None)))
    }

    async fn scan(&self, session: &Session, files: &[PathBuf], schema: SchemaRef) -> Result<Arc<dyn TableProvider>> {
        let mut paths = Vec::new();
        for file in files {
            let path = file.to_str();
            paths.push(
                path.ok_or_else(|| Error::data(format!("{file:?}: the file's name is not UTF-8; rename it, or start its name with `_`")))?,
            );
        }
        match self.format {
            Format::Parquet => parquet(session, &paths, Some(schema)).await,
            Format::Csv => {
                let format = CsvFormat::default().with_has_header(self.csv.header).with_delimiter(self.csv.separator);
                listing(session, &paths, Arc::new(format), Some(schema)).await
            }
            Format::Json => {
                let rows = strict_json::scan(&paths, schema)?;
                Ok(Arc::new(ViewTable::new(rows, None)))
            }
            Format::Delta => Err(Error::internal("a Delta table is not read as plain files")),
        }
    }

    /// The columns with a value for files that lack them which this Parquet file lacks.
    fn absent_of(&self, file: &Path) -> Result<Vec<&str>> {
        if self.absent.is_empty() {
            return Ok(Vec::new());
        }
        let unreadable = |e: ParquetError| Error::data(format!("{}: {e}", file.display())).with_source(e);
        let reader = SerializedFileReader::try_from(file).map_err(unreadable)?;
        let columns = reader.metadata().file_metadata().schema_descr().root_schema().get_fields().to_vec();
        let is_there = |name: &str| columns.iter().any(|column| tidemill_planner::ident::same(column.name(), name));
        Ok(self.absent.iter().map(|(name, _)| name.as_str()).filter(|name| !is_there(name)).collect())
    }

    /// The partition that a file lies in.
    fn values_of(&self, file: &Path) -> Result<PartitionValues> {
        let below = file.strip_prefix(&self.folder).unwrap_or(file);
        let found: BTreeMap<String, Option<String>> = below
            .components()
            .filter_map(|part| partition::parse(part.as_os_str().to_str()?))
            .map(|(n, v)| (n.to_lowercase(), v))
            .collect();
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

    /// The table's partitions: folders, with files or without.
    pub(crate) fn partition_values(&self) -> Result<Vec<PartitionValues>> {
        let mut found = Vec::new();
        self.walk(&self.folder, &mut Vec::new(), &mut found)?;
        found.sort();
        Ok(found)
    }

    fn walk(&self, folder: &Path, values: &mut PartitionValues, found: &mut Vec<PartitionValues>) -> Result<()> {
        let Some(field) = self.partitions.get(values.len()) else {
            found.push(values.clone());
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
            let Some((name, value)) = named.filter(|(name, _)| name.eq_ignore_ascii_case(&field.name)) else { continue };
            if entry.path().is_dir() {
                values.push((name, value));
                self.walk(&entry.path(), values, found)?;
                values.pop();
            }
        }
        Ok(())
    }
}

/// The value that a folder's text is.
fn typed_value(text: Option<&str>, data_type: &SparkType, settings: &Settings) -> Result<ScalarValue> {
    let array: ArrayRef = Arc::new(StringArray::from(vec![text]));
    if matches!(data_type, SparkType::String | SparkType::Char(_) | SparkType::Varchar(_)) {
        return Ok(ScalarValue::try_from_array(&array, 0)?);
    }
    let cast = cast::cast_array(&array, &SparkType::String, data_type, CastMode::Session, settings).map_err(|e| {
        let message = format!("the partition value `{}` is no {data_type}: rename its folder ({e})", text.unwrap_or("null"));
        error("INVALID_PARTITION_VALUE", message)
    })?;
    Ok(ScalarValue::try_from_array(&cast, 0)?)
}
