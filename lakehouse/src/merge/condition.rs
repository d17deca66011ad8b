//! The condition of a MERGE over `source.*` and `target.*`: given its meaning by the language that it is written in, evaluated
//! over matched pairs of rows.
//!
//! A condition sees the source's columns in the source's own types, as a filter over a join would, although the rows are
//! merged in the table's.

use std::fmt::{self, Debug, Display};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::physical_expr::PhysicalExpr;
use tidemill_planner::ident::same;
use tidemill_planner::{Error, Result};

/// What a condition means, said by whoever offers conditions to users: lakehouse knows no functions and no common types.
pub trait ConditionLanguage: Debug + Send + Sync {
    /// `condition` over rows of `both` sides, whose columns are qualified by `source` and `target`.
    ///
    /// # Errors
    /// `Analysis` for a column that neither side has and for types that do not go together.
    fn bind(&self, condition: &str, both: &DFSchema) -> Result<Arc<dyn PhysicalExpr>>;

    /// The condition as people read it.
    fn text(&self, condition: &str) -> String {
        condition.to_owned()
    }
}

/// Where a MERGE updates a matched row.
#[derive(Debug, Clone)]
pub struct MergeCondition {
    /// In the language's own writing, by which records keep it.
    written: String,
    language: Arc<dyn ConditionLanguage>,
    /// What it was bound to last: a stream merges the same columns over and over.
    bound: Arc<Mutex<Option<Bound>>>,
}

/// The columns of both sides, and the condition over them.
type Bound = (SchemaRef, SchemaRef, Arc<Condition>);

impl MergeCondition {
    /// The condition that is `written` so in `language`.
    pub fn new(written: impl Into<String>, language: Arc<dyn ConditionLanguage>) -> Self {
        Self { written: written.into(), language, bound: Arc::default() }
    }

    /// Refuses a condition that has no meaning over rows of these columns.
    ///
    /// # Errors
    /// `Analysis`, naming what does not fit.
    pub fn check(&self, source: &Schema, target: &Schema) -> Result<()> {
        Condition::bind(self, source, target).map(drop)
    }

    /// The condition as it stands in a record, checked over these columns.
    ///
    /// # Errors
    /// Those of [`MergeCondition::check`].
    pub(crate) fn recorded(&self, source: &Schema, target: &Schema) -> Result<String> {
        self.check(source, target)?;
        Ok(self.written.clone())
    }

    /// The condition over rows of these columns, ready to be evaluated.
    ///
    /// # Errors
    /// Those of [`MergeCondition::check`].
    pub(crate) fn bound(&self, source: &SchemaRef, target: &SchemaRef) -> Result<Arc<Condition>> {
        let mut bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((before_source, before_target, condition)) = &*bound
            && (before_source, before_target) == (source, target)
        {
            return Ok(Arc::clone(condition));
        }
        let condition = Arc::new(Condition::bind(self, source, target)?);
        *bound = Some((Arc::clone(source), Arc::clone(target), Arc::clone(&condition)));
        Ok(condition)
    }

    /// The condition that a record holds.
    pub(crate) fn read(text: &str, language: Arc<dyn ConditionLanguage>) -> Result<Self> {
        Ok(Self::new(text, language))
    }
}

impl Display for MergeCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.language.text(&self.written))
    }
}

/// A condition, ready to be evaluated.
#[derive(Debug)]
pub(crate) struct Condition {
    predicate: Arc<dyn PhysicalExpr>,
    /// The source's columns in its own types, with the place of each in the table, then the table's.
    both: SchemaRef,
    places: Vec<usize>,
    text: String,
}

impl Condition {
    /// Binds a condition to source rows that had the columns `source` before they were brought into the table's, `target`.
    ///
    /// # Errors
    /// `Analysis` for a column that neither side has, or an expression that is no truth value.
    pub(crate) fn bind(condition: &MergeCondition, source: &Schema, target: &Schema) -> Result<Self> {
        let here = |error: Error| error.context(format!("the MERGE condition `{condition}`"));
        let place = |field: &FieldRef| target.fields().iter().position(|t| same(t.name(), field.name()));
        let placed: Vec<(&FieldRef, usize)> = source.fields().iter().filter_map(|field| Some((field, place(field)?))).collect();
        let source = Schema::new(placed.iter().map(|(field, _)| plain(field)).collect::<Vec<_>>());
        let target = Schema::new(target.fields().iter().map(plain).collect::<Vec<_>>());
        let side = |name: &str, schema: &Schema| DFSchema::try_from_qualified_schema(name, schema);
        let both = side("source", &source)?.join(&side("target", &target)?)?;
        let predicate = condition.language.bind(&condition.written, &both).map_err(here)?;
        let data_type = predicate.data_type(both.as_arrow())?;
        if data_type != DataType::Boolean {
            return Err(here(Error::analysis(format!("it is a {data_type}, not a truth value"))));
        }
        let places = placed.into_iter().map(|(_, place)| place).collect();
        Ok(Self { predicate, both: Arc::clone(both.inner()), places, text: condition.to_string() })
    }

    /// For each pair of rows, both in the table's columns, whether the condition holds; unknown is no.
    ///
    /// # Errors
    /// `Data` where it has no value, as a sum that is too large.
    pub(crate) fn holds(&self, source: &RecordBatch, target: &RecordBatch) -> Result<BooleanArray> {
        let own = self.places.iter().zip(self.both.fields()).map(|(place, field)| back(source.column(*place), field.data_type()));
        let columns = own.chain(target.columns().iter().map(|column| Ok(Arc::clone(column)))).collect::<Result<Vec<_>>>()?;
        let pairs = RecordBatch::try_new(Arc::clone(&self.both), columns)?;
        let value = self.predicate.evaluate(&pairs).and_then(|value| value.into_array(pairs.num_rows()));
        let value = value.map_err(|error| Error::from(error).context(format!("the MERGE condition `{}`", self.text)))?;
        let value = value.as_boolean();
        Ok(match value.nulls() {
            None => value.clone(),
            Some(known) => BooleanArray::new(value.values() & known.inner(), None),
        })
    }
}

/// The column alone, without what is noted beside it.
fn plain(field: &FieldRef) -> Field {
    Field::new(field.name(), field.data_type().clone(), true)
}

/// Values of the source in its own type again. The table's holds them all, so they come back as they were.
fn back(column: &ArrayRef, own: &DataType) -> Result<ArrayRef> {
    match own {
        own if column.data_type() == own => Ok(Arc::clone(column)),
        DataType::Null => Ok(new_null_array(own, column.len())),
        own => Ok(cast_with_options(column, own, &CastOptions { safe: false, ..CastOptions::default() })?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int32Array, Int64Array};
    use datafusion::common::Column;
    use datafusion::execution::context::ExecutionProps;
    use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
    use datafusion::physical_expr::create_physical_expr;
    use datafusion::prelude::{Expr, lit};

    /// A language of one condition, an expression of the engine's, with no types brought together.
    #[derive(Debug)]
    struct Plain(Expr);

    impl ConditionLanguage for Plain {
        fn bind(&self, _: &str, both: &DFSchema) -> Result<Arc<dyn PhysicalExpr>> {
            Ok(create_physical_expr(&self.0, both, &ExecutionProps::new(), &PhysicalPlanningContext::default())?)
        }
    }

    fn schema(data_type: DataType) -> Schema {
        Schema::new(vec![Field::new("n", data_type, true)])
    }

    fn side(side: &str) -> Expr {
        Expr::Column(Column::new(Some(side), "n"))
    }

    fn bind(expr: Expr, source: DataType) -> Result<Condition> {
        let source = Schema::new(vec![Field::new("N", source, true)]);
        Condition::bind(&MergeCondition::new(expr.to_string(), Arc::new(Plain(expr))), &source, &schema(DataType::Int64))
    }

    fn rows(values: Vec<Option<i64>>) -> RecordBatch {
        RecordBatch::try_new(Arc::new(schema(DataType::Int64)), vec![Arc::new(Int64Array::from(values))]).unwrap()
    }

    #[test]
    fn conditions_hold_or_not_and_unknown_is_no() {
        let newer = Expr::Column(Column::new(Some("source"), "N")).gt(side("target"));
        let condition = bind(newer, DataType::Int64).unwrap();
        let holds = condition.holds(&rows(vec![Some(2), Some(1), None]), &rows(vec![Some(1), Some(1), Some(1)])).unwrap();
        assert_eq!(holds, BooleanArray::from(vec![true, false, false]));
        let error = bind(side("target"), DataType::Int64).unwrap_err();
        assert!(error.message().contains("truth value") && error.message().contains("target.n"), "{error}");
        assert!(bind(side("elsewhere").gt(lit(1_i64)), DataType::Int64).is_err());
    }

    #[test]
    fn the_source_is_seen_in_its_own_type() {
        let least = Expr::Column(Column::new(Some("source"), "N")).eq(lit(i32::MIN));
        let condition = bind(least, DataType::Int32).unwrap();
        let source = rows(vec![Some(i64::from(i32::MIN)), Some(0)]);
        assert_eq!(condition.holds(&source, &source).unwrap(), BooleanArray::from(vec![true, false]));
        assert_eq!(back(source.column(0), &DataType::Int32).unwrap().as_ref(), &Int32Array::from(vec![i32::MIN, 0]) as &dyn Array);
    }
}
