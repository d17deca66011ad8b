//! DataFrames: each step makes another one and cannot fail; actions wait for the engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use pyo3::prelude::*;
use pyo3::types::PyList;
use tidemill::plan::{Literal, RelationKind};
use tidemill::{DataFrame, GroupedData, JoinOn, KeepIn};
use tidemill_spark::types::{StructField, from_field};

use crate::arrow_rows::PyArrowStream;
use crate::column::{PyColumn, columns};
use crate::error::raised;
use crate::literal::literal;
use crate::row_lists::PyRowLists;
use crate::user_function::{PyBatchesFunction, PyGroupFunction};
use crate::wait::{Action, wait, wait_in};
use crate::{data_type, rows};

/// A DataFrame.
#[pyclass(frozen, name = "DataFrame", module = "tidemill._tidemill", from_py_object)]
#[derive(Clone)]
pub(crate) struct PyDataFrame(pub(crate) DataFrame);

impl PyDataFrame {
    fn fields(&self, py: Python<'_>) -> PyResult<Vec<StructField>> {
        self.open(py)?;
        Ok(self.0.schema().map_err(raised)?.fields().iter().map(|field| from_field(field)).collect())
    }

    /// Its columns may be those of tables that nobody has opened yet.
    fn open(&self, py: Python<'_>) -> PyResult<()> {
        wait(py, self.0.open())
    }

    fn listed<'py>(&self, py: Python<'py>, batches: Vec<RecordBatch>) -> PyResult<Bound<'py, PyList>> {
        rows::rows(py, batches, &self.fields(py)?)
    }

    fn literals(values: Vec<(String, Bound<'_, PyAny>)>) -> PyResult<Vec<Literal>> {
        values.into_iter().map(|(kind, value)| literal(&kind, &value)).collect()
    }
}

fn texts(texts: &[String]) -> impl Iterator<Item = &str> {
    texts.iter().map(String::as_str)
}

#[pymethods]
impl PyDataFrame {
    /// Its columns, as JSON of a struct.
    fn schema(&self, py: Python<'_>) -> PyResult<String> {
        Ok(data_type::json(self.fields(py)?))
    }

    fn schema_tree(&self, py: Python<'_>) -> PyResult<String> {
        self.open(py)?;
        self.0.schema_tree().map_err(raised)
    }

    fn dtypes(&self, py: Python<'_>) -> PyResult<Vec<(String, String)>> {
        self.open(py)?;
        self.0.dtypes().map_err(raised)
    }

    fn is_streaming(&self) -> bool {
        self.0.is_streaming()
    }

    fn col(&self, name: &str) -> PyColumn {
        PyColumn(self.0.col(name))
    }

    fn col_regex(&self, pattern: &str) -> PyColumn {
        PyColumn(self.0.col_regex(pattern))
    }

    fn select(&self, list: Vec<PyColumn>) -> Self {
        Self(self.0.select(columns(list)))
    }

    fn filter(&self, condition: PyColumn) -> Self {
        Self(self.0.filter(condition.0))
    }

    fn sort(&self, keys: Vec<PyColumn>, within_partitions: bool) -> Self {
        Self(if within_partitions { self.0.sort_within_partitions(columns(keys)) } else { self.0.sort(columns(keys)) })
    }

    fn limit(&self, rows: usize) -> Self {
        Self(self.0.limit(rows))
    }

    fn offset(&self, rows: usize) -> Self {
        Self(self.0.offset(rows))
    }

    fn alias(&self, name: &str) -> Self {
        Self(self.0.alias(name))
    }

    /// The name that `alias` has given it, which steps that only leave rows out keep.
    fn alias_name(&self) -> Option<String> {
        let mut relation = self.0.relation();
        loop {
            match relation.kind.as_ref() {
                RelationKind::SubqueryAlias { alias, .. } => return Some(alias.name.clone()),
                RelationKind::Filter { input, .. } | RelationKind::Sort { input, .. } | RelationKind::Limit { input, .. } => {
                    relation = input
                }
                _ => return None,
            }
        }
    }

    /// Both as one set of rows: `union`, `intersect`, `except`, each `_all` too, and `union_by_name`.
    fn set_operation(&self, other: &Self, name: &str) -> PyResult<Self> {
        let (one, other) = (&self.0, &other.0);
        Ok(Self(match name {
            "union" => one.union(other),
            "union_by_name" => one.union_by_name(other),
            "union_by_name_allow_missing" => one.union_by_name_allow_missing(other),
            "intersect" => one.intersect(other),
            "intersect_all" => one.intersect_all(other),
            "except" => one.except(other),
            "except_all" => one.except_all(other),
            name => return Err(raised(tidemill::Error::internal(format!("there is no set operation `{name}`")))),
        }))
    }

    fn distinct(&self) -> Self {
        Self(self.0.distinct())
    }

    fn drop_duplicates(&self, names: Vec<String>, within_watermark: bool) -> Self {
        let names = texts(&names);
        Self(if within_watermark { self.0.drop_duplicates_within_watermark(names) } else { self.0.drop_duplicates(names) })
    }

    fn random_split(&self, weights: Vec<f64>, seed: Option<i64>) -> Vec<Self> {
        self.0.random_split(weights, seed).into_iter().map(Self).collect()
    }

    fn sample(&self, fraction: f64, seed: Option<i64>) -> Self {
        Self(self.0.sample(fraction, seed))
    }

    fn repartition(&self, partitions: i32) -> Self {
        Self(self.0.repartition(partitions))
    }

    fn repartition_by(&self, partitions: Option<i32>, by: Vec<PyColumn>, by_range: bool) -> Self {
        Self(match (partitions, by_range) {
            (None, false) => self.0.repartition_by(columns(by)),
            (None, true) => self.0.repartition_by_range(columns(by)),
            (Some(partitions), false) => self.0.repartition_into(partitions, columns(by)),
            (Some(partitions), true) => self.0.repartition_by_range_into(partitions, columns(by)),
        })
    }

    fn coalesce(&self, partitions: i32) -> Self {
        Self(self.0.coalesce(partitions))
    }

    fn hint(&self, name: &str, parameters: Vec<PyColumn>) -> Self {
        Self(self.0.hint_with(name, columns(parameters)))
    }

    fn with_columns(&self, named: Vec<(String, PyColumn)>) -> Self {
        Self(self.0.with_columns(named.iter().map(|(name, column)| (name.as_str(), column.0.clone()))))
    }

    fn with_columns_renamed(&self, renames: Vec<(String, String)>) -> Self {
        Self(self.0.with_columns_renamed(renames.iter().map(|(from, to)| (from.as_str(), to.as_str()))))
    }

    fn with_metadata(&self, column: &str, metadata: &str) -> PyResult<Self> {
        let metadata = serde_json::from_str(metadata).map_err(|e| raised(e.into()))?;
        Ok(Self(self.0.with_metadata(column, &metadata)))
    }

    fn to_df(&self, names: Vec<String>) -> Self {
        Self(self.0.to_df(names))
    }

    fn drop(&self, list: Vec<PyColumn>) -> Self {
        Self(self.0.drop(columns(list)))
    }

    fn unpivot(&self, ids: Vec<PyColumn>, values: Option<Vec<PyColumn>>, variable: &str, value: &str) -> Self {
        Self(self.0.unpivot(columns(ids), values.map(columns), variable, value))
    }

    /// Joined on columns of both, on a condition, or on nothing.
    fn join(&self, other: &Self, names: Option<Vec<String>>, condition: Option<PyColumn>, how: &str) -> Self {
        let on = condition.map_or_else(|| JoinOn::Names(names.unwrap_or_default()), |condition| JoinOn::Condition(condition.0));
        Self(self.0.join(&other.0, on, how))
    }

    fn lateral_join(&self, other: &Self, condition: Option<PyColumn>, how: &str) -> Self {
        Self(self.0.lateral_join(&other.0, condition.map(|condition| condition.0), how))
    }

    fn cross_join(&self, other: &Self) -> Self {
        Self(self.0.cross_join(&other.0))
    }

    fn group(&self, kind: &str, by: Vec<PyColumn>) -> PyGroups {
        let by = columns(by);
        PyGroups(match kind {
            "rollup" => self.0.rollup(by),
            "cube" => self.0.cube(by),
            _ => self.0.group_by(by),
        })
    }

    fn grouping_sets(&self, sets: Vec<Vec<PyColumn>>, by: Vec<PyColumn>) -> PyGroups {
        PyGroups(self.0.grouping_sets(sets.into_iter().map(columns), columns(by)))
    }

    fn fill(&self, kind: &str, value: &Bound<'_, PyAny>, names: Vec<String>) -> PyResult<Self> {
        Ok(Self(self.0.na().fill_columns(literal(kind, value)?, texts(&names))))
    }

    fn fill_each(&self, values: Vec<(String, String, Bound<'_, PyAny>)>) -> PyResult<Self> {
        let (names, values): (Vec<_>, Vec<_>) = values.into_iter().map(|(name, kind, value)| (name, (kind, value))).unzip();
        Ok(Self(self.0.na().fill_each(texts(&names).zip(Self::literals(values)?))))
    }

    fn drop_missing(&self, min_non_nulls: Option<i32>, names: Vec<String>) -> Self {
        Self(self.0.na().drop_columns(texts(&names), min_non_nulls))
    }

    fn replace(&self, names: Vec<String>, old: Vec<(String, Bound<'_, PyAny>)>, new: Vec<(String, Bound<'_, PyAny>)>) -> PyResult<Self> {
        let pairs = Self::literals(old)?.into_iter().zip(Self::literals(new)?);
        Ok(Self(self.0.replace(texts(&names), pairs)))
    }

    fn describe(&self, names: Vec<String>) -> Self {
        Self(self.0.describe(texts(&names)))
    }

    fn summary(&self, statistics: Vec<String>) -> Self {
        Self(self.0.summary(texts(&statistics)))
    }

    fn approx_quantile(&self, py: Python<'_>, names: Vec<String>, shares: Vec<f64>, error: f64) -> PyResult<Vec<Vec<f64>>> {
        wait(py, async { self.0.stat().approx_quantile(texts(&names), shares, error).await })
    }

    fn corr(&self, py: Python<'_>, one: &str, other: &str) -> PyResult<f64> {
        wait(py, async { self.0.stat().corr(one, other).await })
    }

    fn cov(&self, py: Python<'_>, one: &str, other: &str) -> PyResult<f64> {
        wait(py, async { self.0.stat().cov(one, other).await })
    }

    fn crosstab(&self, py: Python<'_>, one: &str, other: &str) -> PyResult<Self> {
        wait(py, async { self.0.stat().crosstab(one, other).await }).map(Self)
    }

    fn freq_items(&self, names: Vec<String>, support: f64) -> Self {
        Self(self.0.stat().freq_items(texts(&names), support))
    }

    fn sample_by(&self, column: PyColumn, fractions: Vec<(String, Bound<'_, PyAny>, f64)>, seed: Option<i64>) -> PyResult<Self> {
        let (values, shares): (Vec<_>, Vec<_>) = fractions.into_iter().map(|(kind, value, share)| ((kind, value), share)).unzip();
        let fractions = Self::literals(values)?.into_iter().zip(shares);
        Ok(Self(self.0.stat().sample_by(column.0, fractions, seed)))
    }

    fn transpose(&self, py: Python<'_>, index: Option<&str>) -> PyResult<Self> {
        wait(py, async { self.0.transpose(index).await }).map(Self)
    }

    fn to_json(&self) -> Self {
        Self(self.0.to_json())
    }

    fn exists(&self) -> PyColumn {
        PyColumn(self.0.exists())
    }

    /// Whether a value is one of those of its one column.
    fn holds(&self, value: PyColumn) -> PyColumn {
        PyColumn(value.0.isin_query(&self.0))
    }

    fn scalar(&self) -> PyColumn {
        PyColumn(self.0.scalar())
    }

    fn with_watermark(&self, column: &str, delay: &str) -> Self {
        Self(self.0.with_watermark(column, delay))
    }

    /// The rows that its last operator drops as late.
    fn late_rows(&self) -> Self {
        Self(self.0.late_rows())
    }

    /// The input that its source could not read.
    fn malformed_rows(&self) -> Self {
        Self(self.0.malformed_rows())
    }

    /// What a function makes of the batches of each task.
    fn map_batches(&self, function: &PyBatchesFunction) -> Self {
        Self(self.0.map_batches(Arc::clone(&function.0)))
    }

    fn collect<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let batches = wait(py, self.0.collect())?;
        self.listed(py, batches)
    }

    /// The rows, a list at a time.
    fn collect_in_parts(&self, py: Python<'_>) -> PyResult<PyRowLists> {
        let action = Action::new();
        let batches = wait_in(py, &action, self.0.to_local_iterator())?;
        Ok(PyRowLists::new(batches, self.fields(py)?, action))
    }

    fn tail<'py>(&self, py: Python<'py>, rows: usize) -> PyResult<Bound<'py, PyList>> {
        let batches = wait(py, self.0.tail(rows))?;
        self.listed(py, batches)
    }

    fn count(&self, py: Python<'_>) -> PyResult<u64> {
        wait(py, self.0.count())
    }

    fn is_empty(&self, py: Python<'_>) -> PyResult<bool> {
        wait(py, self.0.is_empty())
    }

    /// The rows as Spark shows them.
    fn show_string(&self, py: Python<'_>, rows: usize, truncate: usize, vertical: bool) -> PyResult<String> {
        wait(py, async {
            if vertical { self.0.show_vertical_string(rows, truncate).await } else { self.0.show_string(rows, truncate).await }
        })
    }

    fn explain(&self, py: Python<'_>, mode: &str) -> PyResult<String> {
        wait(py, self.0.explain_as(mode))
    }

    /// How a run of it went, as text and as JSON.
    fn explain_analyze(&self, py: Python<'_>) -> PyResult<(String, String)> {
        wait(py, self.0.explain_analyze()).map(|profile| (profile.to_string(), profile.to_json().to_string()))
    }

    /// Keeps its rows.
    fn persist(&self, memory: bool, disk: bool) -> PyResult<()> {
        self.0.persist(KeepIn { memory, disk }).map(drop).map_err(raised)
    }

    fn unpersist(&self) -> PyResult<()> {
        self.0.unpersist().map(drop).map_err(raised)
    }

    /// Whether its rows are kept in memory, and on disk; None where they are not kept.
    fn kept_in(&self) -> PyResult<Option<(bool, bool)>> {
        Ok(self.0.storage_level().map_err(raised)?.map(|keep_in| (keep_in.memory, keep_in.disk)))
    }

    /// Its rows as they are now.
    fn local_checkpoint(&self, py: Python<'_>) -> PyResult<Self> {
        wait(py, self.0.local_checkpoint()).map(Self)
    }

    /// The files that it reads.
    fn input_files(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        wait(py, self.0.input_files())
    }

    /// The stages in which it would run, as JSON.
    fn stages(&self, py: Python<'_>) -> PyResult<String> {
        wait(py, self.0.stages()).map(|stages| stages.to_string())
    }

    /// The rows while they are made, for who takes Arrow's C stream: the query is a few batches ahead of him, or, if he keeps all rows, does
    /// not wait for him.
    fn arrow_stream(&self, py: Python<'_>, keeps_all: bool) -> PyResult<PyArrowStream> {
        let action = Action::new();
        let batches = wait_in(py, &action, self.0.to_local_iterator())?;
        let batches = if keeps_all { batches.holding_all() } else { batches };
        if tokio::runtime::Handle::try_current().is_ok() {
            return PyArrowStream::within_a_call(py, batches, action);
        }
        Ok(PyArrowStream::new(batches, action))
    }

    fn create_view(&self, name: &str, replace: bool, is_global: bool) -> PyResult<()> {
        match (is_global, replace) {
            (false, false) => self.0.create_temp_view(name),
            (false, true) => self.0.create_or_replace_temp_view(name),
            (true, false) => self.0.create_global_temp_view(name),
            (true, true) => self.0.create_or_replace_global_temp_view(name),
        }
        .map_err(raised)
    }

    fn same_semantics(&self, other: &Self) -> PyResult<bool> {
        self.0.same_semantics(&other.0).map_err(raised)
    }

    fn semantic_hash(&self) -> PyResult<u64> {
        self.0.semantic_hash().map_err(raised)
    }

    /// Saves the rows: at a path, or as a table of the catalog, or into one.
    #[allow(clippy::too_many_arguments)]
    fn save(
        &self,
        py: Python<'_>,
        to: &str,
        target: &str,
        format: Option<&str>,
        mode: Option<&str>,
        options: BTreeMap<String, String>,
        partition_by: Vec<String>,
    ) -> PyResult<()> {
        let mut writer = self.0.write();
        if let Some(format) = format {
            writer = writer.format(format);
        }
        if let Some(mode) = mode {
            writer = writer.mode(mode);
        }
        writer = writer.options(options.iter().map(|(name, value)| (name.as_str(), value.as_str()))).partition_by(partition_by);
        wait(py, async {
            match to {
                "table" => writer.save_as_table(target).await,
                "into" => writer.insert_into(target).await,
                _ => writer.save(target).await,
            }
        })
    }
}

/// A DataFrame's rows in groups.
#[pyclass(frozen, name = "Groups", module = "tidemill._tidemill")]
pub(crate) struct PyGroups(GroupedData);

#[pymethods]
impl PyGroups {
    fn agg(&self, aggregates: Vec<PyColumn>) -> PyDataFrame {
        PyDataFrame(self.0.agg(columns(aggregates)))
    }

    /// What a function makes of each group.
    fn map_groups(&self, function: &PyGroupFunction) -> PyDataFrame {
        PyDataFrame(self.0.flat_map_groups_with_state(Arc::clone(&function.0)))
    }

    /// A column per value; without values, per value that there is.
    fn pivot(&self, py: Python<'_>, column: PyColumn, values: Option<Vec<PyColumn>>) -> PyResult<Self> {
        let groups = self.0.clone();
        Ok(Self(match values {
            Some(values) => groups.pivot(column.0, columns(values)),
            None => wait(py, groups.pivot_all(column.0))?,
        }))
    }
}
