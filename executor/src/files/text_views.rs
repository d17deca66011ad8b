//! Texts that a filter compares are read from Parquet as views, and are texts again in the rows that the filter keeps: a view of a
//! dictionary's value is sixteen bytes, where the text would be copied out for every row. What else reads such a column sees a text.
//!
//! ```text
//! before  Filter: mode = 'AIR' ─ Scan: mode STRING, key BIGINT
//! after   Projection: CAST(mode AS STRING), key ─ Filter: mode = view 'AIR' ─ Scan: mode VIEW, key BIGINT
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{
    BinaryExpr, CastExpr, Column, InListExpr, IsNotNullExpr, IsNullExpr, LikeExpr, Literal, in_list, lit,
};
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};

/// The plan with the texts that filters over Parquet files do nothing with but compare them read as views.
///
/// # Errors
/// Those of nodes that cannot be put together anew.
pub(crate) fn texts_as_views(plan: Arc<dyn ExecutionPlan>) -> DfResult<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        let viewed = node.downcast_ref::<FilterExec>().map(over_views).transpose()?.flatten();
        Ok(viewed.map_or_else(|| Transformed::no(node), Transformed::yes))
    })
    .data()
}

/// A filter over a scan that reads views; none where it would read no column so.
fn over_views(filter: &FilterExec) -> DfResult<Option<Arc<dyn ExecutionPlan>>> {
    let Some(scan) = filter.input().downcast_ref::<DataSourceExec>() else { return Ok(None) };
    let Some((config, source)) = scan.downcast_to_file_source::<ParquetSource>() else { return Ok(None) };
    let Some(projection) = source.projection() else { return Ok(None) };
    let table = source.table_schema();
    let compared = only_compared(filter.predicate());
    let found: Vec<(usize, usize)> =
        compared.into_iter().filter_map(|output| Some((output, text_of(output, projection, table.file_schema())?))).collect();
    if found.is_empty() {
        return Ok(None);
    }
    let outputs = Texts(found.iter().map(|(output, _)| *output).collect());
    let columns = Texts(found.into_iter().map(|(_, column)| column).collect());
    let scan = DataSourceExec::from_data_source(reading_views(config, source, projection, &columns)?);
    let schema = scan.schema();
    let predicate = outputs.in_views(filter.predicate(), &schema)?;
    let viewed = FilterExecBuilder::from(filter).with_input(scan).with_predicate(predicate).build()?;
    let texts = as_texts(Arc::new(viewed), &filter.schema())?;
    // A schema that says anything else than before would be another plan's.
    Ok((texts.schema() == filter.schema()).then_some(texts))
}

/// The columns that the expression compares with literals or each other, or asks whether they are null, and does nothing else with.
fn only_compared(predicate: &Arc<dyn PhysicalExpr>) -> BTreeSet<usize> {
    fn walk(expr: &Arc<dyn PhysicalExpr>, compared: &mut BTreeSet<usize>, used: &mut BTreeSet<usize>) {
        if let Some(column) = expr.downcast_ref::<Column>() {
            used.insert(column.index());
        } else if let Some(comparison) = Comparison::of(expr) {
            compared.extend(comparison.columns());
        } else {
            expr.children().into_iter().for_each(|part| walk(part, compared, used));
        }
    }
    let (mut compared, mut used) = (BTreeSet::new(), BTreeSet::new());
    walk(predicate, &mut compared, &mut used);
    &compared - &used
}

/// The file's column that an output of a scan is, where it is a text that no other output is made of.
fn text_of(output: usize, projection: &ProjectionExprs, file: &Schema) -> Option<usize> {
    let exprs = projection.as_ref();
    let column = exprs.get(output)?.expr.downcast_ref::<Column>()?.index();
    let is_text = file.fields().get(column).is_some_and(|field| *field.data_type() == DataType::Utf8);
    let is_read_elsewhere = exprs.iter().enumerate().any(|(at, other)| at != output && reads(&other.expr, column));
    (is_text && !is_read_elsewhere).then_some(column)
}

fn reads(expr: &Arc<dyn PhysicalExpr>, column: usize) -> bool {
    match expr.downcast_ref::<Column>() {
        Some(found) => found.index() == column,
        None => expr.children().into_iter().any(|part| reads(part, column)),
    }
}

/// The scan with the texts of its files read as views.
fn reading_views(
    config: &FileScanConfig,
    source: &ParquetSource,
    projection: &ProjectionExprs,
    columns: &Texts,
) -> DfResult<FileScanConfig> {
    let table = source.table_schema();
    let schema: SchemaRef = Arc::new(columns.viewed(table.file_schema()));
    let viewed = TableSchema::builder(schema)
        .with_table_partition_cols(table.table_partition_cols().clone())
        .with_virtual_columns(table.virtual_columns().clone())
        .build();
    let options = source.table_parquet_options().clone();
    let hint = options.global.metadata_size_hint;
    let mut read = ParquetSource::new(viewed.clone()).with_table_parquet_options(options);
    if let Some(hint) = hint {
        read = read.with_metadata_size_hint(hint);
    }
    if let Some(readers) = source.parquet_file_reader_factory() {
        read = read.with_parquet_file_reader_factory(Arc::clone(readers));
    }
    if let Some(predicate) = source.filter() {
        read = read.with_predicate(columns.in_views(&predicate, viewed.table_schema())?);
    }
    let read = read.try_pushdown_projection(projection)?.unwrap_or_else(|| Arc::new(read));
    let groups = config.file_groups.iter().map(|group| FileGroup::new(group.iter().map(|file| columns.known_of(file)).collect())).collect();
    Ok(FileScanConfigBuilder::from(config.clone())
        .with_source(read)
        .with_statistics(columns.known(config.statistics()))
        .with_file_groups(groups)
        .build())
}

/// A plan whose views are the texts that `schema` says.
fn as_texts(plan: Arc<dyn ExecutionPlan>, schema: &SchemaRef) -> DfResult<Arc<dyn ExecutionPlan>> {
    let viewed = plan.schema();
    if viewed == *schema {
        return Ok(plan);
    }
    let text = |(at, (field, view)): (usize, (&FieldRef, &FieldRef))| {
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(field.name(), at));
        let expr = match field.data_type() == view.data_type() {
            true => column,
            false => Arc::new(CastExpr::new_with_target_field(column, Arc::clone(field), None)),
        };
        ProjectionExpr { expr, alias: field.name().clone() }
    };
    let exprs: Vec<_> = schema.fields().iter().zip(viewed.fields()).enumerate().map(text).collect();
    Ok(Arc::new(ProjectionExec::try_new(exprs, plan)?))
}

/// Texts that are read as views, by their positions.
#[derive(Debug)]
struct Texts(BTreeSet<usize>);

impl Texts {
    fn is_one(&self, expr: &Arc<dyn PhysicalExpr>) -> bool {
        expr.downcast_ref::<Column>().is_some_and(|column| self.0.contains(&column.index()))
    }

    fn viewed(&self, schema: &Schema) -> Schema {
        let view = |(at, field): (usize, &FieldRef)| match self.0.contains(&at) {
            true => Arc::new(Field::clone(field).with_data_type(DataType::Utf8View)),
            false => Arc::clone(field),
        };
        Schema::new_with_metadata(schema.fields().iter().enumerate().map(view).collect::<Vec<_>>(), schema.metadata().clone())
    }

    /// An expression on texts as one of the same value on views. `schema` has the views.
    fn in_views(&self, expr: &Arc<dyn PhysicalExpr>, schema: &Schema) -> DfResult<Arc<dyn PhysicalExpr>> {
        if self.is_one(expr) {
            return Ok(Arc::new(CastExpr::new(Arc::clone(expr), DataType::Utf8, None)));
        }
        if let Some(comparison) = Comparison::of(expr) {
            let columns = comparison.columns();
            if columns.is_disjoint(&self.0) {
                return Ok(Arc::clone(expr));
            }
            if columns.is_subset(&self.0) {
                return comparison.in_views(schema);
            }
        }
        let parts = expr.children();
        if parts.is_empty() {
            return Ok(Arc::clone(expr));
        }
        let parts = parts.into_iter().map(|part| self.in_views(part, schema)).collect::<DfResult<Vec<_>>>()?;
        Arc::clone(expr).with_new_children(parts)
    }

    fn known_of(&self, file: &PartitionedFile) -> PartitionedFile {
        let statistics = file.statistics.as_ref().map(|known| Arc::new(self.known(Statistics::clone(known))));
        PartitionedFile { statistics, ..file.clone() }
    }

    fn known(&self, mut statistics: Statistics) -> Statistics {
        for (_, known) in statistics.column_statistics.iter_mut().enumerate().filter(|(at, _)| self.0.contains(at)) {
            known.min_value = as_view(std::mem::take(&mut known.min_value));
            known.max_value = as_view(std::mem::take(&mut known.max_value));
        }
        statistics
    }
}

fn as_view(known: Precision<ScalarValue>) -> Precision<ScalarValue> {
    known.map(|value| match value {
        ScalarValue::Utf8(text) => ScalarValue::Utf8View(text),
        value => value,
    })
}

/// A comparison of columns with literal texts or each other, which views answer as texts do.
enum Comparison<'a> {
    Of(&'a BinaryExpr),
    In(&'a InListExpr),
    Like(&'a LikeExpr),
    Null(&'a Arc<dyn PhysicalExpr>, &'a Arc<dyn PhysicalExpr>),
}

impl<'a> Comparison<'a> {
    fn of(expr: &'a Arc<dyn PhysicalExpr>) -> Option<Self> {
        if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
            use Operator as O;
            let compares =
                matches!(binary.op(), O::Eq | O::NotEq | O::Lt | O::LtEq | O::Gt | O::GtEq | O::IsDistinctFrom | O::IsNotDistinctFrom);
            let sides = [binary.left(), binary.right()];
            let known = sides.iter().all(|side| is_column(side) || is_text(side)) && sides.iter().any(|side| is_column(side));
            return (compares && known).then_some(Self::Of(binary));
        }
        if let Some(list) = expr.downcast_ref::<InListExpr>() {
            return (is_column(list.expr()) && list.list().iter().all(is_text)).then_some(Self::In(list));
        }
        if let Some(like) = expr.downcast_ref::<LikeExpr>() {
            return (is_column(like.expr()) && is_text(like.pattern())).then_some(Self::Like(like));
        }
        let asked = expr.downcast_ref::<IsNullExpr>().map(IsNullExpr::arg);
        let asked = asked.or_else(|| expr.downcast_ref::<IsNotNullExpr>().map(IsNotNullExpr::arg))?;
        is_column(asked).then_some(Self::Null(expr, asked))
    }

    fn columns(&self) -> BTreeSet<usize> {
        let parts = match self {
            Self::Of(binary) => vec![binary.left(), binary.right()],
            Self::In(list) => vec![list.expr()],
            Self::Like(like) => vec![like.expr()],
            Self::Null(_, asked) => vec![*asked],
        };
        parts.into_iter().filter_map(|part| part.downcast_ref::<Column>()).map(Column::index).collect()
    }

    fn in_views(&self, schema: &Schema) -> DfResult<Arc<dyn PhysicalExpr>> {
        Ok(match self {
            Self::Of(binary) => Arc::new(BinaryExpr::new(view(binary.left()), *binary.op(), view(binary.right()))),
            Self::In(list) => in_list(Arc::clone(list.expr()), list.list().iter().map(view).collect(), &list.negated(), schema)?,
            Self::Like(like) => {
                Arc::new(LikeExpr::new(like.negated(), like.case_insensitive(), Arc::clone(like.expr()), view(like.pattern())))
            }
            Self::Null(expr, _) => Arc::clone(expr),
        })
    }
}

fn is_column(expr: &Arc<dyn PhysicalExpr>) -> bool {
    expr.is::<Column>()
}

fn is_text(expr: &Arc<dyn PhysicalExpr>) -> bool {
    expr.downcast_ref::<Literal>().is_some_and(|literal| matches!(literal.value(), ScalarValue::Utf8(_)))
}

/// A literal text as a view; a column as it is.
fn view(expr: &Arc<dyn PhysicalExpr>) -> Arc<dyn PhysicalExpr> {
    match expr.downcast_ref::<Literal>().map(Literal::value) {
        Some(ScalarValue::Utf8(text)) => lit(ScalarValue::Utf8View(text.clone())),
        _ => Arc::clone(expr),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use arrow::util::pretty::pretty_format_batches;
    use datafusion::parquet::arrow::ArrowWriter;
    use datafusion::physical_plan::{collect, displayable};
    use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};

    use super::texts_as_views;

    const NONE: &str = "mode = 'ROAD'";

    /// A condition, and whether some text is read as a view for it.
    const CASES: [(&str, bool); 14] = [
        ("mode = 'AIR'", true),
        ("'AIR' < mode", true),
        ("mode IN ('AIR', 'RAIL')", true),
        ("mode NOT IN ('AIR', 'RAIL', 'a text of more than twelve bytes')", true),
        ("mode LIKE '%more%'", true),
        ("mode IS NULL OR note = 'x'", true),
        ("mode IS NOT DISTINCT FROM note", true),
        ("mode >= note AND key > 10", true),
        ("mode = 'AIR' AND NOT (note = 'x' OR key = 3)", true),
        (NONE, true),
        ("upper(mode) = 'AIR'", false),
        ("mode = 'AIR' AND upper(mode) = 'AIR'", false),
        ("mode < upper(note)", false),
        ("key = 3", false),
    ];

    #[tokio::test]
    async fn a_filter_over_views_keeps_the_same_rows() {
        let folder = tempfile::tempdir().unwrap();
        let modes = [Some("AIR"), Some("RAIL"), None, Some("a text of more than twelve bytes"), Some("")];
        let notes = [Some("x"), None, Some("AIR"), Some("RAIL")];
        let columns: [(&str, ArrayRef); 3] = [
            ("key", Arc::new(Int64Array::from_iter_values(0..1000))),
            ("mode", Arc::new((0..1000).map(|at| modes[at % modes.len()]).collect::<StringArray>())),
            ("note", Arc::new((0..1000).map(|at| notes[at % notes.len()]).collect::<StringArray>())),
        ];
        let rows = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap();
        let path = folder.path().join("rows.parquet");
        let mut writer = ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), rows.schema(), None).unwrap();
        writer.write(&rows).unwrap();
        writer.close().unwrap();

        let config = SessionConfig::new().with_target_partitions(1).set_bool("datafusion.execution.parquet.schema_force_view_types", false);
        let session = SessionContext::new_with_config(config);
        session.register_parquet("rows", path.to_str().unwrap(), ParquetReadOptions::default()).await.unwrap();
        for (condition, reads_views) in CASES {
            for wanted in ["*", "key", "note, mode", "count(*)"] {
                let sql = format!("SELECT {wanted} FROM rows WHERE {condition}");
                let planned = async || session.sql(&sql).await.unwrap().create_physical_plan().await.unwrap();
                // A scan is read once: its tasks take files from one queue.
                let (plan, expected) = (planned().await, planned().await);
                let viewed = texts_as_views(Arc::clone(&plan)).unwrap();
                assert_eq!(viewed.schema(), plan.schema(), "{sql}");
                let shown = displayable(viewed.as_ref()).indent(false).to_string();
                assert_eq!(!Arc::ptr_eq(&viewed, &plan), reads_views, "{sql}\n{shown}");
                let expected = collect(expected, session.task_ctx()).await.unwrap();
                let found = collect(viewed, session.task_ctx()).await.unwrap();
                let text = |rows| pretty_format_batches(rows).unwrap().to_string();
                assert_eq!(text(&found), text(&expected), "{sql}");
                let rows: usize = found.iter().map(RecordBatch::num_rows).sum();
                assert_eq!(rows == 0, condition == NONE && wanted != "count(*)", "{sql}");
            }
        }
    }
}
