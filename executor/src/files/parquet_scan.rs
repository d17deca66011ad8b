//! What makes DataFusion's Parquet scan read files as the other readers do: footers with INT96 as microseconds, and columns
//! found by name at every depth.
//!
//! ```text
//! footer ─ Footers ─► the file's schema, its path ─ ColumnsByName ─► an expression for each column of the table
//! ```

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use bytes::Bytes;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::DefaultParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder, ParquetFileReaderFactory, ParquetSource};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::ColumnarValue;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::arrow::{ARROW_SCHEMA_META_KEY, encode_arrow_schema, parquet_to_arrow_schema};
use datafusion::parquet::errors::Result as ParquetResult;
use datafusion::parquet::file::metadata::{
    FileMetaData, KeyValue, ParquetColumnIndex, ParquetMetaData, ParquetMetaDataBuilder, RowGroupMetaData, RowGroupMetaDataBuilder,
};
use datafusion::parquet::file::page_index::column_index::ColumnIndexMetaData;
use datafusion::parquet::file::statistics::Statistics as ColumnChunkStatistics;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column, lit};
use datafusion::physical_expr_adapter::{PhysicalExprAdapter, PhysicalExprAdapterFactory};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::ObjectStore;

use super::columns::{Wanted, column_as, holds_all, root_of};
use super::int96;
use super::object::shown_location;

/// By a column's name the value that it has in files that lack it; columns without one are null there.
pub type AbsentValues = HashMap<String, ScalarValue>;

/// The scan of Parquet files in `store`, reading them as the other readers do. A scan of other files stays as it is.
pub fn read_by_our_rules(scan: FileScanConfig, store: Arc<dyn ObjectStore>, absent: Arc<AbsentValues>) -> FileScanConfig {
    let Some(source) = scan.file_source().downcast_ref::<ParquetSource>().cloned() else { return scan };
    let readers = source.parquet_file_reader_factory().cloned();
    let readers = readers.unwrap_or_else(|| Arc::new(DefaultParquetFileReaderFactory::new(store)) as _);
    let source = source.with_parquet_file_reader_factory(Arc::new(Footers { readers }));
    let columns = Arc::clone(scan.file_schema());
    let statistics = without_float_bounds(scan.statistics(), &columns);
    let groups = scan.file_groups.iter().map(|group| FileGroup::new(group.iter().map(|file| known_of(file, &columns)).collect())).collect();
    FileScanConfigBuilder::from(scan)
        .with_source(Arc::new(source))
        .with_expr_adapter(Some(Arc::new(ColumnsByName { absent })))
        .with_file_groups(groups)
        .with_statistics(statistics)
        .build()
}

/// A file with what is known of it, less what is no bound.
fn known_of(file: &PartitionedFile, columns: &Schema) -> PartitionedFile {
    let statistics = file.statistics.as_ref().map(|known| Arc::new(without_float_bounds(Statistics::clone(known), columns)));
    PartitionedFile { statistics, ..file.clone() }
}

/// See [`without_float_maxima`].
fn without_float_bounds(mut known: Statistics, columns: &Schema) -> Statistics {
    for (known, column) in known.column_statistics.iter_mut().zip(columns.fields()) {
        if column.data_type().is_floating() {
            known.max_value = Precision::Absent;
        }
    }
    known
}

/// The key under which a file's path stands in its schema.
const PATH: &str = "tidemill.path";

/// Readers whose footers ask for microseconds and know their file's path.
#[derive(Debug)]
struct Footers {
    readers: Arc<dyn ParquetFileReaderFactory>,
}

impl ParquetFileReaderFactory for Footers {
    fn create_reader(
        &self,
        partition_index: usize,
        file: PartitionedFile,
        metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> DfResult<Box<dyn AsyncFileReader + Send>> {
        let path = shown_location(&file.object_meta.location);
        let reader = self.readers.create_reader(partition_index, file, metadata_size_hint, metrics)?;
        Ok(Box::new(Reader { reader, path }))
    }
}

struct Reader {
    reader: Box<dyn AsyncFileReader + Send>,
    path: String,
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        self.reader.get_bytes(range)
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        self.reader.get_byte_ranges(ranges)
    }

    fn get_metadata<'a>(&'a mut self, options: Option<&'a ArrowReaderOptions>) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            let footer = self.reader.get_metadata(options).await?;
            rewritten(footer, &self.path)
        }
        .boxed()
    }
}

/// The footer with the file's path and, where there is INT96 or a view, the Arrow schema to read it by; without what is no bound.
fn rewritten(footer: Arc<ParquetMetaData>, path: &str) -> ParquetResult<Arc<ParquetMetaData>> {
    let file = footer.file_metadata();
    let mut keys = file.key_value_metadata().cloned().unwrap_or_default();
    let hinted = keys.iter().any(|pair| pair.key == ARROW_SCHEMA_META_KEY);
    if hinted || int96::is_there(file.schema_descr()) {
        let said = parquet_to_arrow_schema(file.schema_descr(), Some(&keys))?;
        let in_micros = int96::schema_in_micros(file.schema_descr(), &said);
        // A table has no views: texts are read as what they become, not copied into it afterwards.
        let plain = without_views(in_micros.as_deref().unwrap_or(&said).fields());
        if in_micros.is_some() || plain != *said.fields() {
            keys.retain(|pair| pair.key != ARROW_SCHEMA_META_KEY);
            keys.push(KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), encode_arrow_schema(&Schema::new(plain))));
        }
    }
    keys.retain(|pair| pair.key != PATH);
    keys.push(KeyValue::new(PATH.to_owned(), path.to_owned()));
    let head = FileMetaData::new(
        file.version(),
        file.num_rows(),
        file.created_by().map(str::to_owned),
        Some(keys),
        file.schema_descr_ptr(),
        file.column_orders().cloned(),
    );
    let mut rest = Arc::unwrap_or_clone(footer).into_builder();
    let row_groups =
        rest.take_row_groups().into_iter().map(|group| without_float_maxima(group.into_builder())).collect::<ParquetResult<_>>()?;
    let column_index = rest.take_column_index().map(without_float_pages);
    let footer = ParquetMetaDataBuilder::new(head)
        .set_row_groups(row_groups)
        .set_column_index(column_index)
        .set_offset_index(rest.take_offset_index());
    Ok(Arc::new(footer.build()))
}

/// The fields with plain texts and bytes in place of views, at every depth.
fn without_views(fields: &Fields) -> Fields {
    use DataType as T;
    fn plain(field: &FieldRef) -> FieldRef {
        let data_type = match field.data_type() {
            T::Utf8View => T::Utf8,
            T::BinaryView => T::Binary,
            T::Struct(parts) => T::Struct(without_views(parts)),
            T::List(item) => T::List(plain(item)),
            T::LargeList(item) => T::LargeList(plain(item)),
            T::FixedSizeList(item, size) => T::FixedSizeList(plain(item), *size),
            T::Map(entries, sorted) => T::Map(plain(entries), *sorted),
            _ => return Arc::clone(field),
        };
        Arc::new(Field::clone(field).with_data_type(data_type))
    }
    fields.iter().map(plain).collect()
}

/// NaN is greater than every number, and Parquet's writers leave it out of their statistics: what is told as the greatest value of a
/// column of floats need not be that.
fn without_float_maxima(mut group: RowGroupMetaDataBuilder) -> ParquetResult<RowGroupMetaData> {
    let columns = group.take_columns().into_iter().map(|column| {
        let known = match column.statistics() {
            Some(ColumnChunkStatistics::Float(s)) => {
                ColumnChunkStatistics::float(s.min_opt().copied(), None, None, s.null_count_opt(), false)
            }
            Some(ColumnChunkStatistics::Double(s)) => {
                ColumnChunkStatistics::double(s.min_opt().copied(), None, None, s.null_count_opt(), false)
            }
            _ => return Ok(column),
        };
        column.into_builder().set_statistics(known).build()
    });
    let columns = columns.collect::<ParquetResult<_>>()?;
    group.set_column_metadata(columns).build()
}

/// The same for pages.
fn without_float_pages(mut index: ParquetColumnIndex) -> ParquetColumnIndex {
    for column in index.iter_mut().flatten() {
        if matches!(column, ColumnIndexMetaData::FLOAT(_) | ColumnIndexMetaData::DOUBLE(_)) {
            *column = ColumnIndexMetaData::NONE;
        }
    }
    index
}

/// Makes a [`Finder`] for each file.
#[derive(Debug)]
struct ColumnsByName {
    absent: Arc<AbsentValues>,
}

impl PhysicalExprAdapterFactory for ColumnsByName {
    fn create(&self, table: SchemaRef, file: SchemaRef) -> DfResult<Arc<dyn PhysicalExprAdapter>> {
        let path = file.metadata().get(PATH).map_or("a data file", String::as_str).into();
        Ok(Arc::new(Finder { table, file, path, absent: Arc::clone(&self.absent) }))
    }
}

/// Puts a file's columns in the place of the table's.
#[derive(Debug)]
struct Finder {
    table: SchemaRef,
    file: SchemaRef,
    path: Arc<str>,
    absent: Arc<AbsentValues>,
}

impl PhysicalExprAdapter for Finder {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> DfResult<Arc<dyn PhysicalExpr>> {
        expr.transform_up(|expr| match expr.downcast_ref::<Column>() {
            Some(column) => Ok(Transformed::yes(self.find(column)?)),
            None => Ok(Transformed::no(expr)),
        })
        .data()
    }
}

impl Finder {
    fn find(&self, column: &Column) -> DfResult<Arc<dyn PhysicalExpr>> {
        let field = &self.table.fields()[self.table.index_of(column.name())?];
        let Some(root) = root_of(field, &self.file, &self.path, Wanted::Table)? else {
            // The scan may read the column in another form than the table's: a text as a view.
            let known = self.absent.get(field.name()).map(|known| known.cast_to(field.data_type()));
            return Ok(lit(known.unwrap_or_else(|| ScalarValue::try_from(field.data_type()))?));
        };
        let found = self.file.field(root);
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(found.name(), root));
        let (from, to) = (found.data_type(), field.data_type());
        Ok(if from == to {
            column
        } else if holds_all(from, to) {
            // The engine sees through its own casts when it leaves out row groups.
            Arc::new(CastExpr::new_with_target_field(column, Arc::clone(field), None))
        } else {
            Arc::new(ColumnAs { column, field: Arc::clone(field), path: Arc::clone(&self.path) })
        })
    }
}

/// A file's column as a table's.
#[derive(Debug, Eq)]
struct ColumnAs {
    column: Arc<dyn PhysicalExpr>,
    field: FieldRef,
    path: Arc<str>,
}

// Written out: what is derived would move the column out of its `Arc`.
impl PartialEq for ColumnAs {
    fn eq(&self, other: &Self) -> bool {
        self.column.eq(&other.column) && self.field == other.field && self.path == other.path
    }
}

impl Hash for ColumnAs {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.column.hash(state);
        self.field.hash(state);
        self.path.hash(state);
    }
}

impl fmt::Display for ColumnAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} AS {}", self.column, self.field.data_type())
    }
}

impl PhysicalExpr for ColumnAs {
    fn evaluate(&self, batch: &RecordBatch) -> DfResult<ColumnarValue> {
        let array = self.column.evaluate(batch)?.into_array(batch.num_rows())?;
        Ok(ColumnarValue::Array(column_as(&array, &self.field, &self.path)?))
    }

    fn return_field(&self, _: &Schema) -> DfResult<FieldRef> {
        Ok(Arc::clone(&self.field))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.column]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> DfResult<Arc<dyn PhysicalExpr>> {
        let column = children.into_iter().next().unwrap_or_else(|| Arc::clone(&self.column));
        Ok(Arc::new(Self { column, field: Arc::clone(&self.field), path: Arc::clone(&self.path) }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.column.fmt_sql(f)
    }
}
