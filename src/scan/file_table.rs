//! Files as one table of the engine, with one scan: the values of a partition's columns are constants of its files, and files of partitions
//! that a filter leaves out are not opened.

use std::cmp::Reverse;
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::datatypes::{Fields, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session as EngineSession, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, DFSchema, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::file_format::FileFormat as _;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::Result as DfResult;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::scalar::ScalarValue;
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use tidemill_executor::files::{AbsentValues, read_by_our_rules};

use super::arrow_scan::{self, ArrowFiles};
use super::dictionary_texts::distinct_texts;
use super::discover::{Place, found_at};
use super::table_file::{TableFile, gone};
use super::text_files::{self, TextFormat};
use tidemill_planner::Result;
use tidemill_spark::Settings;
use tidemill_spark::error::error;

/// Which files.
#[derive(Debug, Clone)]
pub(crate) enum Files {
    /// Those that were there when they were listed; that one has gone since is an error.
    Listed(Vec<TableFile>),
    /// What is at these paths whenever the table is read.
    At {
        places: Vec<Place>,
        /// The folder below which folders stand for columns; each path itself, if there is none.
        base: Option<Place>,
        settings: Arc<Settings>,
    },
}

/// How the files are read.
#[derive(Debug, Clone)]
pub(crate) enum Reading {
    Parquet(Arc<AbsentValues>),
    Arrow,
    Text(TextFormat),
}

/// Files of one format as a table.
#[derive(Debug)]
pub(crate) struct FileTable {
    files: Files,
    data: SchemaRef,
    partitions: Fields,
    /// The columns in the files, then those of the partitions.
    schema: SchemaRef,
    reading: Reading,
}

impl FileTable {
    /// Files of the columns `data`, with `partitions` beside them.
    pub(crate) fn new(files: Files, data: SchemaRef, partitions: Fields, reading: Reading) -> Self {
        let schema = Arc::new(Schema::new(data.fields().iter().chain(&partitions).cloned().collect::<Vec<_>>()));
        Self { files, data, partitions, schema, reading }
    }

    /// The files that a scan without conditions reads.
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub(crate) async fn paths(&self) -> Result<Vec<PathBuf>> {
        Ok(self.listed().await?.into_iter().map(|file| file.path).collect())
    }

    async fn listed(&self) -> Result<Vec<TableFile>> {
        let (places, base, settings) = match &self.files {
            Files::Listed(files) => return Ok(files.clone()),
            Files::At { places, base, settings } => (places, base, settings),
        };
        let found = found_at(places, base.as_ref(), Some(&Schema::new(self.partitions.clone())), settings).await?;
        let same = found.partitions.len() == self.partitions.len()
            && found.partitions.iter().zip(&self.partitions).all(|(now, then)| settings.same(&now.name, then.name()));
        if !found.files.is_empty() && !same {
            let paths: Vec<String> = places.iter().map(Place::shown).collect();
            let message =
                format!("{}: the folders stand for other columns than when they were first read: read them anew", paths.join(", "));
            return Err(error("CONFLICTING_PARTITION_COLUMN_NAMES", message));
        }
        Ok(found.files)
    }

    /// The files whose partitions' values no filter rules out.
    async fn chosen(&self, state: &dyn EngineSession, filters: &[Expr]) -> DfResult<Vec<TableFile>> {
        let mut files = self.listed().await?;
        let is_of_partition = |filter: &&Expr| {
            let columns = filter.column_refs();
            !columns.is_empty() && columns.iter().all(|column| self.partitions.iter().any(|field| field.name() == &column.name))
        };
        let filters: Vec<&Expr> = filters.iter().filter(is_of_partition).collect();
        if filters.is_empty() || files.is_empty() {
            return Ok(files);
        }
        let columns = (0..self.partitions.len())
            .map(|at| ScalarValue::iter_to_array(files.iter().filter_map(|file| file.values.get(at).cloned())))
            .collect::<DfResult<Vec<_>>>()?;
        let schema = Arc::new(Schema::new(self.partitions.clone()));
        let values = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        let schema = DFSchema::try_from(schema)?;
        let mut keeps = vec![true; files.len()];
        for filter in filters {
            // What cannot be told now is told when the rows are filtered.
            let Ok(filter) = state.create_physical_expr(filter.clone(), &schema) else { continue };
            let Ok(kept) = filter.evaluate(&values).and_then(|kept| kept.into_array(values.num_rows())) else { continue };
            let Some(kept) = kept.as_any().downcast_ref::<BooleanArray>() else { continue };
            keeps.iter_mut().zip(kept).for_each(|(keep, kept)| *keep &= kept == Some(true));
        }
        let mut keeps = keeps.into_iter();
        files.retain(|_| keeps.next().unwrap_or(true));
        Ok(files)
    }

    async fn parquet(
        &self,
        state: &dyn EngineSession,
        files: Vec<TableFile>,
        absent: &Arc<AbsentValues>,
        projection: Option<&Vec<usize>>,
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let (url, store) = store_of(state, &files)?;
        let at_once = state.config_options().execution.meta_fetch_concurrency.get();
        let opened = stream::iter(files).map(|file| self.known(state, &store, file)).buffered(at_once.max(1));
        let mut files: Vec<PartitionedFile> = opened.try_filter_map(async |file| Ok(file)).try_collect().await?;
        // Largest first, dealt out in turns: no task is left with all the large ones. Source of the order: Spark, `FilePartition`.
        files.sort_by_key(|file| Reverse(file.object_meta.size));
        let statistics = Statistics::try_merge_iter(files.iter().filter_map(|file| file.statistics.as_deref()), &self.schema)?;
        let table = TableSchema::builder(Arc::clone(&self.data)).with_table_partition_cols(self.partitions.clone()).build();
        let groups = dealt(files, state.config().target_partitions());
        let format = ParquetFormat::default();
        let config = FileScanConfigBuilder::new(url, format.file_source(table))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_limit(limit)
            .with_projection_indices(projection.cloned())?
            .build();
        // The format's own plan keeps footers with their page indexes, which our rules change with the footers.
        let plan = format.create_physical_plan(state, config).await?;
        let scan = plan.downcast_ref::<DataSourceExec>().and_then(|scan| scan.downcast_to_file_source::<ParquetSource>());
        let Some((scan, _)) = scan else { return Ok(plan) };
        Ok(DataSourceExec::from_data_source(read_by_our_rules(scan.clone(), store, Arc::clone(absent))))
    }

    async fn arrow(
        &self,
        state: &dyn EngineSession,
        files: Vec<TableFile>,
        projection: Option<&Vec<usize>>,
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let (url, store) = store_of(state, &files)?;
        let tasks = state.config().target_partitions();
        let mut statistics = Statistics::new_unknown(&self.schema);
        let mut known = Vec::with_capacity(files.len());
        for file in files {
            let Some(meta) = meta_of(&store, &file).await? else { continue };
            known.push(PartitionedFile::new_from_meta(meta).with_partition_values(file.values));
        }
        let bytes: u64 = known.iter().map(|file| file.object_meta.size).sum();
        statistics.total_byte_size = Precision::Inexact(usize::try_from(bytes).unwrap_or(usize::MAX));
        known.sort_by_key(|file| Reverse(file.object_meta.size));
        let pieces = known.into_iter().flat_map(|file| arrow_scan::pieces(file, tasks)).collect();
        let table = TableSchema::builder(Arc::clone(&self.data)).with_table_partition_cols(self.partitions.clone()).build();
        let config = FileScanConfigBuilder::new(url, Arc::new(ArrowFiles::new(table)))
            .with_file_groups(dealt(pieces, tasks))
            .with_statistics(statistics)
            .with_limit(limit)
            .with_projection_indices(projection.cloned())?
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    /// A file with what its footer tells.
    async fn known(&self, state: &dyn EngineSession, store: &Arc<dyn ObjectStore>, file: TableFile) -> DfResult<Option<PartitionedFile>> {
        let Some(meta) = meta_of(store, &file).await? else { return Ok(None) };
        let footers = state.runtime_env().cache_manager.get_file_metadata_cache();
        let hint = state.config_options().execution.parquet.metadata_size_hint;
        let footer = DFParquetMetadata::new(store, &meta).with_metadata_size_hint(hint).with_file_metadata_cache(Some(footers));
        let footer = footer.fetch_metadata().await?;
        let mut known = DFParquetMetadata::statistics_from_parquet_metadata(&footer, &self.data)?;
        let texts = distinct_texts(&footer);
        for (column, field) in known.column_statistics.iter_mut().zip(self.data.fields()) {
            // A column of no value may be one that the file lacks, or has under a name in another case.
            let is_doubtful = column.null_count == known.num_rows && known.num_rows != Precision::Exact(0);
            if is_doubtful || field.data_type().is_temporal() && !field.data_type().is_primitive() {
                *column = ColumnStatistics::new_unknown();
            }
            if let Some(count) = texts.get(field.name().as_str()) {
                column.distinct_count = Precision::Inexact(*count);
            }
        }
        // What the library would say of folders' values: that none is null, and each one that of a row.
        let rows = known.num_rows;
        known.column_statistics.extend(file.values.iter().map(|value| of_every_row(value, rows)));
        let mut file = PartitionedFile::new_from_meta(meta).with_partition_values(file.values);
        file.statistics = Some(Arc::new(known));
        Ok(Some(file))
    }
}

/// Where the engine finds the files, and the store that they lie in.
fn store_of(state: &dyn EngineSession, files: &[TableFile]) -> DfResult<(ObjectStoreUrl, Arc<dyn ObjectStore>)> {
    match files.first().and_then(|file| file.object.as_ref()) {
        None => {
            let url = ObjectStoreUrl::local_filesystem();
            let store = state.runtime_env().object_store(&url)?;
            Ok((url, store))
        }
        Some(object) => {
            state.runtime_env().register_object_store(object.url.as_ref(), Arc::clone(&object.store));
            Ok((object.url.clone(), Arc::clone(&object.store)))
        }
    }
}

/// What the storage says of a file; none of a file of no bytes, which as in Spark has no rows.
async fn meta_of(store: &Arc<dyn ObjectStore>, file: &TableFile) -> DfResult<Option<ObjectMeta>> {
    if let Some(object) = &file.object {
        return Ok((object.meta.size > 0).then(|| object.meta.clone()));
    }
    let location = object_store::path::Path::from_absolute_path(&file.path)?;
    let meta = store.head(&location).await.map_err(|e| match e {
        object_store::Error::NotFound { .. } => gone(&file.path).into(),
        e => datafusion::error::DataFusionError::from(e),
    })?;
    Ok((meta.size > 0).then_some(meta))
}

/// What is known of a column that has one value in all rows of a file.
fn of_every_row(value: &ScalarValue, rows: Precision<usize>) -> ColumnStatistics {
    let one = if value.is_null() || !matches!(rows, Precision::Exact(1..)) { Precision::Absent } else { Precision::Exact(value.clone()) };
    let null_count = if value.is_null() { rows } else { Precision::Exact(0) };
    ColumnStatistics { null_count, max_value: one.clone(), min_value: one, ..ColumnStatistics::new_unknown() }
}

/// Files in so many groups at most, one after the other.
fn dealt(files: Vec<PartitionedFile>, groups: usize) -> Vec<FileGroup> {
    let mut dealt = vec![Vec::new(); groups.clamp(1, files.len().max(1))];
    let turns = dealt.len();
    for (at, file) in files.into_iter().enumerate() {
        dealt[at % turns].push(file);
    }
    dealt.into_iter().map(FileGroup::new).collect()
}

#[async_trait]
impl TableProvider for FileTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DfResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn EngineSession,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let files = self.chosen(state, filters).await?;
        if files.is_empty() {
            let schema = match projection {
                Some(projection) => Arc::new(self.schema.project(projection)?),
                None => Arc::clone(&self.schema),
            };
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let limit = limit.filter(|_| filters.is_empty());
        match &self.reading {
            Reading::Parquet(absent) => self.parquet(state, files, absent, projection, limit).await,
            Reading::Arrow => self.arrow(state, files, projection, limit).await,
            Reading::Text(format) => {
                let table = text_files::table(files, format, &self.data, &self.schema)?;
                table.scan(state, projection, &[], limit).await
            }
        }
    }
}
