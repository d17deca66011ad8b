//! A snapshot as a DataFusion table: files left out by statistics and partition values, the others dealt out over
//! partitions as one plain Parquet scan. Filtering rows is left to the plan above.
//!
//! ```text
//! snapshot files ─ prune by pushed filters ─► files ─ dealt by size ─► DataSourceExec(ParquetSource), one group a task
//! ```

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, UInt64Array};
use arrow::datatypes::{Fields, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{Column, ColumnStatistics, DFSchema, Result as DFResult, ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::datasource::{TableProvider, TableType};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use object_store::{ObjectMeta, ObjectStore};
use tidemill_executor::files::read_by_our_rules;
use tidemill_planner::Error;

use crate::log::replay::DataFile;
use crate::snapshot::Snapshot;

/// A snapshot that DataFusion scans.
#[derive(Debug)]
struct DeltaScan {
    snapshot: Arc<Snapshot>,
}

impl Snapshot {
    /// The snapshot as a table that DataFusion scans.
    pub fn table_provider(self: &Arc<Self>) -> Arc<dyn TableProvider> {
        Arc::new(DeltaScan { snapshot: Arc::clone(self) })
    }
}

/// The data files of a table that [`Snapshot::table_provider`] has made; `None` of any other.
///
/// # Errors
/// `Corrupt` for a file's path that is none.
pub fn files_of(provider: &dyn TableProvider) -> Option<Result<Vec<PathBuf>, Error>> {
    let scan = (provider as &dyn Any).downcast_ref::<DeltaScan>()?;
    Some(scan.snapshot.files().iter().map(|file| file.local_path(scan.snapshot.root())).collect())
}

impl DeltaScan {
    fn pruned(&self, state: &dyn Session, filters: &[Expr]) -> DFResult<Vec<Arc<DataFile>>> {
        let files = self.snapshot.files();
        let Some(predicate) = conjunction(filters.iter().cloned()) else { return Ok(files.to_vec()) };
        let schema = self.snapshot.schema();
        let df_schema = DFSchema::try_from(Arc::clone(schema))?;
        let predicate = PruningPredicateBuilder::new()
            .with_file_schema(Arc::clone(schema))
            .try_build(state.create_physical_expr(predicate, &df_schema)?)?;
        let statistics = FileListStatistics { snapshot: &self.snapshot, files };
        let keep = predicate.prune(&statistics)?;
        Ok(files.iter().zip(keep).filter(|(_, keep)| *keep).map(|(file, _)| Arc::clone(file)).collect())
    }
}

#[async_trait]
impl TableProvider for DeltaScan {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.snapshot.schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DFResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(statistics_of(&self.snapshot, self.snapshot.files()))
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DFResult<Arc<dyn ExecutionPlan>> {
        let files = self.pruned(state, filters)?;
        // A limit may only be counted out before the rows that a filter above takes away.
        let limit = limit.filter(|_| filters.is_empty());
        let store = state.runtime_env().object_store(ObjectStoreUrl::local_filesystem())?;
        scan_files(&self.snapshot, &files, store, projection, limit, state.config().target_partitions())
    }
}

/// The scan of these files of a snapshot, which are in `store`.
fn scan_files(
    snapshot: &Arc<Snapshot>,
    files: &[Arc<DataFile>],
    store: Arc<dyn ObjectStore>,
    projection: Option<&Vec<usize>>,
    limit: Option<usize>,
    partitions: usize,
) -> DFResult<Arc<dyn ExecutionPlan>> {
    let layout = snapshot.layout();
    let partition_fields: Fields = layout.partition.iter().map(|i| Arc::clone(&layout.table.fields()[*i])).collect();
    let table_schema = TableSchema::builder(Arc::clone(&layout.file)).with_table_partition_cols(partition_fields).build();
    // The scan has the partition columns last; the table has them where its schema says.
    let position = |i: &usize| {
        let name = layout.table.field(*i).name();
        table_schema.table_schema().index_of(name)
    };
    let all: Vec<usize> = (0..layout.table.fields().len()).collect();
    let indices = projection.unwrap_or(&all).iter().map(position).collect::<Result<Vec<_>, _>>()?;

    let mut statistics = statistics_of(snapshot, files);
    let columns = std::mem::take(&mut statistics.column_statistics);
    let by_name: HashMap<&String, ColumnStatistics> = layout.table.fields().iter().map(|f| f.name()).zip(columns).collect();
    statistics.column_statistics = table_schema.table_schema().fields().iter().map(|f| by_name[f.name()].clone()).collect();

    let groups = deal(files, partitions)
        .into_iter()
        .map(|group| {
            let files = group.iter().map(|file| partitioned_file(snapshot, file)).collect::<Result<Vec<_>, Error>>()?;
            Ok(FileGroup::new(files))
        })
        .collect::<DFResult<Vec<_>>>()?;
    let source = Arc::new(ParquetSource::new(table_schema));
    let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source)
        .with_file_groups(groups)
        .with_statistics(statistics)
        .with_limit(limit)
        .with_projection_indices(Some(indices))?
        .build();
    Ok(DataSourceExec::from_data_source(read_by_our_rules(config, store, Arc::default())))
}

fn partitioned_file(snapshot: &Snapshot, file: &DataFile) -> Result<PartitionedFile, Error> {
    let path = file.local_path(snapshot.root())?;
    let location = object_store::path::Path::from_absolute_path(&path)
        .map_err(|e| Error::corrupt(format!("data file {} has a path that cannot be opened: {e}", path.display())).with_source(e))?;
    let last_modified = chrono::DateTime::from_timestamp_millis(file.add().modification_time).unwrap_or_default();
    let meta = ObjectMeta { location, last_modified, size: file.bytes(), e_tag: None, version: None };
    Ok(PartitionedFile::new_from_meta(meta).with_partition_values(snapshot.layout().scalars(&file.add().partition_values)?))
}

/// Deals files out into at most `groups` groups of about equal bytes; within a group they keep their order.
fn deal(files: &[Arc<DataFile>], groups: usize) -> Vec<Vec<Arc<DataFile>>> {
    let groups = groups.clamp(1, files.len().max(1));
    let mut by_size: Vec<usize> = (0..files.len()).collect();
    by_size.sort_by_key(|i| std::cmp::Reverse(files[*i].bytes()));
    let mut dealt: Vec<(u64, Vec<usize>)> = vec![(0, Vec::new()); groups];
    for file in by_size {
        if let Some(smallest) = dealt.iter_mut().min_by_key(|(bytes, members)| (*bytes, members.len())) {
            smallest.0 += files[file].bytes();
            smallest.1.push(file);
        }
    }
    dealt.retain(|(_, members)| !members.is_empty());
    if dealt.is_empty() {
        dealt.push((0, Vec::new()));
    }
    dealt
        .into_iter()
        .map(|(_, mut members)| {
            members.sort_unstable();
            members.into_iter().map(|i| Arc::clone(&files[i])).collect()
        })
        .collect()
}

/// What is known of the rows of these files together; columns in the table's order.
fn statistics_of(snapshot: &Snapshot, files: &[Arc<DataFile>]) -> Statistics {
    let schema = snapshot.schema();
    let exact = |n: Option<u64>| n.map_or(Precision::Absent, |n| Precision::Exact(n as usize));
    let columns = schema
        .fields()
        .iter()
        .map(|field| {
            let of_file = |f: &Arc<DataFile>| f.stats(schema).columns.get(field.name()).cloned().unwrap_or_default();
            let bound = |pick: fn(crate::stats::ColumnStats) -> Option<ScalarValue>, greater: bool| {
                let mut best: Option<ScalarValue> = None;
                for file in files {
                    let stats = of_file(file);
                    // A file of nulls alone has no bounds and moves none.
                    if stats.null_count.is_some() && stats.null_count == file.stats(schema).num_records {
                        continue;
                    }
                    let Some(value) = pick(stats) else { return Precision::Absent };
                    let better = best.as_ref().is_none_or(|b| value.partial_cmp(b).is_some_and(|o| o.is_gt() == greater && o.is_ne()));
                    if better {
                        best = Some(value);
                    }
                }
                best.map_or(Precision::Absent, Precision::Inexact)
            };
            ColumnStatistics {
                null_count: exact(files.iter().map(|f| of_file(f).null_count).sum()),
                min_value: bound(|s| s.min, false),
                max_value: bound(|s| s.max, true),
                ..ColumnStatistics::new_unknown()
            }
        })
        .collect();
    Statistics {
        num_rows: exact(files.iter().map(|f| f.stats(schema).num_records).sum()),
        total_byte_size: Precision::Inexact(files.iter().map(|f| f.bytes() as usize).sum()),
        column_statistics: columns,
    }
}

/// File statistics as DataFusion's pruning asks for them: one container per file.
struct FileListStatistics<'a> {
    snapshot: &'a Snapshot,
    files: &'a [Arc<DataFile>],
}

impl FileListStatistics<'_> {
    fn values(&self, column: &Column, pick: impl Fn(&crate::stats::ColumnStats) -> Option<ScalarValue>) -> Option<ArrayRef> {
        let schema = self.snapshot.schema();
        let position = schema.index_of(&column.name).ok()?;
        let null = ScalarValue::try_from(schema.field(position).data_type()).ok()?;
        let layout = self.snapshot.layout();
        let partition = layout.partition.iter().position(|p| *p == position);
        let values = self.files.iter().map(|file| {
            let value = match partition {
                Some(p) => layout.scalars(&file.add().partition_values).ok().map(|mut values| values.swap_remove(p)),
                None => file.stats(schema).columns.get(&column.name).and_then(&pick),
            };
            value.unwrap_or_else(|| null.clone())
        });
        ScalarValue::iter_to_array(values).ok()
    }
}

impl PruningStatistics for FileListStatistics<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, |stats| stats.min.clone())
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, |stats| stats.max.clone())
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let schema = self.snapshot.schema();
        let position = schema.index_of(&column.name).ok()?;
        let layout = self.snapshot.layout();
        let partition = layout.partition.iter().position(|p| *p == position);
        let counts = self.files.iter().map(|file| match partition {
            Some(p) => {
                let value = layout.scalars(&file.add().partition_values).ok().map(|mut values| values.swap_remove(p))?;
                if value.is_null() { file.stats(schema).num_records } else { Some(0) }
            }
            None => file.stats(schema).columns.get(&column.name).and_then(|stats| stats.null_count),
        });
        Some(Arc::new(counts.collect::<UInt64Array>()))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        let schema = self.snapshot.schema();
        Some(Arc::new(self.files.iter().map(|file| file.stats(schema).num_records).collect::<UInt64Array>()))
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::actions::Add;

    #[test]
    fn files_are_dealt_by_size() {
        let file = |path: &str, size: i64| Arc::new(DataFile::new(Add { path: path.into(), size, ..Add::default() }));
        let files = [file("a", 10), file("b", 90), file("c", 40), file("d", 45)];
        let names = |groups: usize| {
            let dealt = deal(&files, groups);
            dealt.iter().map(|g| g.iter().map(|f| f.add().path.as_str()).collect::<String>()).collect::<Vec<_>>()
        };
        assert_eq!(names(1), ["abcd"]);
        assert_eq!(names(2), ["b", "acd"]);
        assert_eq!(names(9), ["b", "d", "c", "a"]);
        assert_eq!(deal(&[], 4).len(), 1, "an empty table is one empty partition");
    }
}
