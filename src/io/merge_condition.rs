//! The condition of a merge, with the meaning that it has as a filter over a join of `source` and `target`: a tree that is resolved over
//! the columns of both.
//!
//! ```text
//! source.s = target.n  ─ resolve over both ─► CAST(source.s AS BIGINT) = target.n ─ simplify ─► evaluated over pairs of rows
//! ```
//! A stream's record keeps the tree as JSON; those of earlier releases kept SQL text, which is read too.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column as DfColumn, DFSchema};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{EmptyRelation, Expr, Filter, LogicalPlan, LogicalPlanBuilder};
use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use tidemill_lakehouse::{ConditionLanguage, MergeCondition};
use tidemill_spark::error::error;
use tidemill_spark::plan::{Expression, ExpressionKind};
use tidemill_spark::resolve::{OpenedFunction, OutputColumn, Request, resolve_expression};
use tidemill_spark::types::{SparkType, from_field};

use crate::column::Column;
use crate::rules::clock_in;
use crate::rules::float_comparisons::FloatComparisons;
use crate::session::Session;
use tidemill_planner::{Error, Result};

/// Conditions as this session's filters.
#[derive(Debug)]
struct AsFilter {
    session: Session,
    /// Whether the merge is a stream's, which may be done again at another time.
    of_stream: bool,
}

/// The condition of a merge that runs once.
pub(crate) fn merge_condition(session: &Session, condition: Column) -> MergeCondition {
    condition_of(condition, Arc::new(AsFilter { session: session.clone(), of_stream: false }))
}

/// What the conditions of a stream's merges are said in, and kept in by their records.
pub(crate) fn stream_conditions(session: &Session) -> Arc<dyn ConditionLanguage> {
    Arc::new(AsFilter { session: session.clone(), of_stream: true })
}

/// A condition in a language of ours.
pub(crate) fn condition_of(condition: Column, language: Arc<dyn ConditionLanguage>) -> MergeCondition {
    // A tree of plain data has JSON.
    MergeCondition::new(serde_json::to_string(&condition.expression).unwrap_or_default(), language)
}

/// The tree that a text is.
fn read(text: &str) -> Result<Expression> {
    if text.starts_with('{') {
        return serde_json::from_str(text).map_err(|e| Error::corrupt(format!("the condition of a merge cannot be read: {e}")));
    }
    Ok(ExpressionKind::ExpressionString(text.to_owned()).into())
}

impl AsFilter {
    /// The predicate with its types, over columns named by their place.
    fn resolved(&self, condition: &Expression, both: &DFSchema) -> Result<Expr> {
        let columns: Vec<OutputColumn> = both
            .iter()
            .enumerate()
            .map(|(at, (side, field))| {
                let mut field = from_field(field);
                field.nullable = true;
                OutputColumn { id: at.to_string(), field, qualifier: side.map(|s| s.table().to_owned()).into_iter().collect() }
            })
            .collect();
        let settings = self.session.spark_settings();
        let mut opened = crate::open::at_first(&self.session);
        for request in tidemill_spark::resolve::requests_of(condition, &opened, &settings)? {
            match request {
                Request::Function { .. } => {
                    opened.functions.insert(request, OpenedFunction::Missing);
                }
                _ => {
                    return Err(refused("UNSUPPORTED_MERGE_CONDITION.SUBQUERY", "a subquery", "join the source with it first"));
                }
            }
        }
        let typed = resolve_expression(condition, &columns, &opened, &settings)?;
        let has = |wanted: fn(&Expr) -> bool| typed.expr.exists(|part| Ok(wanted(part))).unwrap_or(true);
        if has(|part| matches!(part, Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_))) {
            return Err(refused("UNSUPPORTED_MERGE_CONDITION.SUBQUERY", "a subquery", "join the source with it first"));
        }
        if has(|part| matches!(part, Expr::AggregateFunction(_))) {
            return Err(refused("UNSUPPORTED_MERGE_CONDITION.AGGREGATE", "an aggregate", "compute it in the source"));
        }
        if typed.expr.is_volatile() {
            return Err(refused(
                "UNSUPPORTED_MERGE_CONDITION.NON_DETERMINISTIC",
                "a value that is another one each time",
                "compute it in the source",
            ));
        }
        if typed.data_type != SparkType::Boolean {
            return Err(Error::analysis(format!("it is non-boolean: \"{}\" is \"{}\"", typed.sql, typed.data_type.sql())));
        }
        let named = typed.expr.transform(|part| match &part {
            Expr::Column(column) => match column.name.parse::<usize>().ok().filter(|at| *at < both.fields().len()) {
                Some(at) => {
                    let (side, field) = both.qualified_field(at);
                    Ok(Transformed::yes(Expr::Column(DfColumn::new(side.cloned(), field.name()))))
                }
                None => Ok(Transformed::no(part)),
            },
            _ => Ok(Transformed::no(part)),
        });
        Ok(named.data()?)
    }
}

fn refused(condition: &'static str, what: &str, remedy: &str) -> Error {
    error(condition, format!("the condition of a merge has {what}: {remedy}"))
}

impl ConditionLanguage for AsFilter {
    fn bind(&self, condition: &str, both: &DFSchema) -> Result<Arc<dyn PhysicalExpr>> {
        let state = self.session.state();
        let resolved = self.resolved(&read(condition)?, both)?;
        if let Some(clock) = clock_in(&resolved)?.filter(|_| self.of_stream) {
            return Err(Error::unsupported(format!(
                "`{clock}` in the condition of a stream's merge: an epoch that is published again would be merged otherwise; \
                 compare with a column of the source"
            )));
        }
        let schema = Arc::new(both.clone());
        let pairs = LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema: Arc::clone(&schema) });
        let filter = LogicalPlanBuilder::new(pairs).filter(resolved)?.build()?;
        // The plan of a filter has its floats compared by value as it is about to run; this is about to run.
        let LogicalPlan::Filter(Filter { predicate, .. }) = FloatComparisons.analyze(filter, state.config_options())? else {
            return Err(Error::internal("a filter was lost while it was analysed"));
        };
        let mut begun = state.execution_props().clone();
        begun.mark_start_execution(Arc::clone(state.config_options()));
        let context = SimplifyContext::builder()
            .with_schema(schema)
            .with_config_options(Arc::clone(state.config_options()))
            .with_query_execution_start_time(begun.query_execution_start_time);
        let predicate = ExprSimplifier::new(context.build()).simplify(predicate)?;
        Ok(create_physical_expr(&predicate, both, &begun, &PhysicalPlanningContext::default())?)
    }

    fn text(&self, condition: &str) -> String {
        read(condition).map_or_else(|_| condition.to_owned(), |tree| tree.to_string())
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;
    use crate::functions::{col, current_timestamp, expr, lit};
    use tidemill_planner::ErrorKind;

    fn schema() -> Schema {
        Schema::new(vec![Field::new("eventTime", DataType::Int64, true), Field::new("s", DataType::Utf8, true)])
    }

    #[test]
    fn names_are_of_a_side_and_in_any_case() {
        let session = Session::builder().build().unwrap();
        let told = |condition: Column| merge_condition(&session, condition).check(&schema(), &schema());
        for good in [col("source.EVENTTIME").gt(col("Target.eventTime")), expr("SOURCE.s = target.eventtime + 1"), lit(true)] {
            told(good).unwrap();
        }
        for (bad, named) in [
            (col("source.evntTime").gt(lit(1)), "did you mean one of [`eventTime`"),
            (col("eventTime").gt(lit(1)), "may be `source`.`eventTime` or `target`.`eventTime`"),
            (col("other.s").eq("x"), "there is no column `other`.`s`"),
            (col("source.eventTime") + lit(1), "non-boolean"),
            (expr("source.eventTime >"), "PARSE_SYNTAX_ERROR"),
            (expr("source.eventTime = (SELECT max(id) FROM range(3))"), "[UNSUPPORTED_MERGE_CONDITION.SUBQUERY]"),
            (expr("EXISTS (SELECT * FROM there)"), "[UNSUPPORTED_MERGE_CONDITION.SUBQUERY]"),
            (expr("source.eventTime > max(target.eventTime)"), "[UNSUPPORTED_MERGE_CONDITION.AGGREGATE]"),
            (expr("source.eventTime > rand()"), "[UNSUPPORTED_MERGE_CONDITION.NON_DETERMINISTIC]"),
        ] {
            let error = told(bad).unwrap_err();
            assert!(error.kind() == ErrorKind::Analysis && error.message().contains(named), "{error}");
        }
    }

    #[test]
    fn a_stream_reads_no_clock() {
        let session = Session::builder().build().unwrap();
        let late = || current_timestamp().gt(col("target.s").cast("timestamp"));
        merge_condition(&session, late()).check(&schema(), &schema()).unwrap();
        let error = condition_of(late(), stream_conditions(&session)).check(&schema(), &schema()).unwrap_err();
        assert!(error.kind() == ErrorKind::Unsupported && error.message().contains("column of the source"), "{error}");
    }

    #[test]
    fn history_shows_what_was_written() {
        let session = Session::builder().build().unwrap();
        for (condition, text) in [
            (expr("source.s > 'a' OR target.s IS NULL"), "source.s > 'a' OR target.s IS NULL"),
            (col("source.eventTime").gt(col("target.eventTime")), "(source.eventTime > target.eventTime)"),
        ] {
            assert_eq!(merge_condition(&session, condition).to_string(), text);
        }
    }
}
