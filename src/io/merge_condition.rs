//! The condition of a merge with the meaning that it has as a filter over a join of `source` and `target`: the session settles
//! its names, functions and types as it does for a DataFrame.
//!
//! ```text
//! source.s = target.n  ─ bind ─► analyse, as Filter over the columns of both ─► simplify ─► CAST(source.s AS BIGINT) = target.n
//! ```

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column as DfColumn, DFSchema};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{EmptyRelation, Expr, Filter, LogicalPlan, LogicalPlanBuilder};
use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use tidemill_lakehouse::{ConditionLanguage, MergeCondition};

use crate::column::Column;
use crate::column::bind::Binder;
use crate::column::sql_text::sql_text;
use crate::column::unbound::Unbound;
use crate::spark::clock_in;
use crate::spark::float_comparisons::FloatComparisons;
use crate::{Error, Result, Session};

/// Conditions as this session's filters.
#[derive(Debug)]
struct AsFilter {
    session: Session,
    /// Whether the merge is a stream's, which may be done again at another time.
    of_stream: bool,
}

/// The condition of a merge that runs once.
pub(crate) fn merge_condition(session: &Session, condition: Column) -> MergeCondition {
    MergeCondition::new(condition.expr, Arc::new(AsFilter { session: session.clone(), of_stream: false }))
}

/// What the conditions of a stream's merges are said in, and kept in by their records.
pub(crate) fn stream_conditions(session: &Session) -> Arc<dyn ConditionLanguage> {
    Arc::new(AsFilter { session: session.clone(), of_stream: true })
}

impl ConditionLanguage for AsFilter {
    fn bind(&self, condition: &Expr, both: &DFSchema) -> Result<Arc<dyn PhysicalExpr>> {
        let state = self.session.state();
        let bound = Binder { state, schema: both }.bind(&Column::new(named(condition)?))?;
        if let Some(clock) = clock_in(&bound)?.filter(|_| self.of_stream) {
            return Err(Error::unsupported(format!(
                "`{clock}` in the condition of a stream's merge: an epoch that is published again would be merged otherwise; \
                 compare with a column of the source"
            )));
        }
        let schema = Arc::new(both.clone());
        let pairs = LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema: Arc::clone(&schema) });
        let analyzed = self.session.analyzed(LogicalPlanBuilder::new(pairs).filter(bound)?.build()?)?;
        // The plan of a filter has its floats compared by value as it is about to run; this is about to run.
        let analyzed = FloatComparisons.analyze(analyzed, state.config_options())?;
        let LogicalPlan::Filter(Filter { predicate, .. }) = analyzed else {
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

    fn write(&self, condition: &Expr) -> Option<String> {
        sql_text(condition)
    }

    fn read(&self, text: &str) -> Result<Expr> {
        Ok(crate::functions::expr(text).expr)
    }

    fn text(&self, condition: &Expr) -> String {
        match condition {
            Expr::ScalarFunction(call) => match Unbound::of(call) {
                Some(Unbound::Sql(text)) => text.clone(),
                _ => condition.to_string(),
            },
            other => other.to_string(),
        }
    }
}

/// The condition with each qualified column as a name, which is resolved without regard to case.
fn named(condition: &Expr) -> Result<Expr> {
    let named = condition.clone().transform(|node| match &node {
        Expr::Column(DfColumn { relation: Some(side), name, .. }) => {
            let name = DfColumn::new_unqualified(format!("{}.{}", quoted(side.table()), quoted(name)));
            Ok(Transformed::yes(Expr::Column(name)))
        }
        _ => Ok(Transformed::no(node)),
    })?;
    Ok(named.data)
}

fn quoted(part: &str) -> String {
    if part.contains('.') { format!("`{part}`") } else { part.to_owned() }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::prelude::{col as df_col, lit as df_lit};

    use super::*;
    use crate::ErrorKind;
    use crate::functions::{col, current_timestamp, expr, lit};

    fn schema() -> Schema {
        Schema::new(vec![Field::new("eventTime", DataType::Int64, true), Field::new("s", DataType::Utf8, true)])
    }

    #[test]
    fn names_are_of_a_side_and_in_any_case() {
        let session = Session::builder().build().unwrap();
        let told = |condition: Column| merge_condition(&session, condition).check(&schema(), &schema());
        for good in [
            col("source.EVENTTIME").gt(col("Target.eventTime")),
            expr("SOURCE.s = target.eventtime + 1"),
            Column::from(Expr::Column(DfColumn::new(Some("source"), "EVENTTIME")).gt(df_lit(1))),
            lit(true),
        ] {
            told(good).unwrap();
        }
        for (bad, named) in [
            (col("source.evntTime").gt(lit(1)), "did you mean `eventTime`"),
            (col("eventTime").gt(lit(1)), "it may be `source.eventTime` or `target.eventTime`"),
            (Column::from(df_col("other.s").eq(df_lit("x"))), "unknown column `other.s`"),
            (col("source.eventTime") + lit(1), "non-boolean"),
            (expr("source.eventTime >"), "syntax error"),
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
        let error = MergeCondition::new(late().expr, stream_conditions(&session)).check(&schema(), &schema()).unwrap_err();
        assert!(error.kind() == ErrorKind::Unsupported && error.message().contains("column of the source"), "{error}");
    }

    #[test]
    fn history_shows_what_was_written() {
        let session = Session::builder().build().unwrap();
        for (condition, text) in [
            (expr("source.s > 'a' OR target.s IS NULL"), "source.s > 'a' OR target.s IS NULL"),
            (col("source.eventTime").gt(col("target.eventTime")), "source.eventTime > target.eventTime"),
        ] {
            assert_eq!(merge_condition(&session, condition).to_string(), text);
        }
    }
}
