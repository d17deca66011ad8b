//! The types of a plan, from the leaves up: each expression gets Spark's operators and common types when its operands' types
//! are final, then DataFusion's coercion does the rest. It replaces DataFusion's own `type_coercion`.
//!
//! ```text
//! before  Projection: multiply(CASE WHEN t.a = Int32(1) THEN Int32(0) ELSE Decimal128(0.5) END, Int32(100))
//! after   Projection: multiply(CASE … THEN CAST(Int32(0) AS Decimal128(11, 1)) … END, Decimal128(100))
//! ```
//!
//! What it has made it leaves as it is, so that a plan can be analysed whenever it grows.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRewriter};
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::expr_rewriter::{NamePreserver, coerce_plan_expr_for_schema};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, Union};
use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercionRewriter;

use super::arithmetic::is_ours;
use super::resolve::resolve;
use super::types::{Meeting, common_of};
use super::{float_comparisons, spans, values};

/// The rule.
#[derive(Debug)]
pub(crate) struct SparkTypeCoercion;

/// `plan` with the types that it has when it runs.
pub(crate) fn analyzed(plan: LogicalPlan, state: &SessionState) -> crate::Result<LogicalPlan> {
    let mut analyzer = state.analyzer().clone();
    analyzer.rules.retain(|rule| rule.name() != float_comparisons::NAME);
    let plan = analyzer.execute_and_check(plan, state.config_options(), |_, _| {});
    // Which rule refuses a plan is of no use to who wrote it.
    Ok(plan.map_err(|error| match error {
        DataFusionError::Context(_, cause) => *cause,
        other => other,
    })?)
}

impl AnalyzerRule for SparkTypeCoercion {
    fn name(&self) -> &str {
        "type_coercion"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(node).data()
    }
}

/// One node, whose inputs and subqueries are done.
fn node(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let plan = match plan {
        LogicalPlan::Union(union) => LogicalPlan::Union(meet(union)?),
        LogicalPlan::Values(marked) if values::are_marked(&marked) => {
            let nothing = DFSchema::empty();
            let mut expressions = Expressions { schema: &nothing, engine: TypeCoercionRewriter::new(&nothing) };
            values::meet(marked, |value| value.rewrite(&mut expressions).data())?
        }
        other => other,
    };
    let mut schema = merge_schema(&plan.inputs());
    if let LogicalPlan::TableScan(scan) = &plan {
        schema.merge(&DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?);
    }
    spans::refuse_rows(&plan, &schema)?;
    let plan = match plan {
        LogicalPlan::Filter(mut filter) => {
            filter.predicate = filter.predicate.cast_to(&DataType::Boolean, &schema)?;
            LogicalPlan::Filter(filter)
        }
        LogicalPlan::Join(mut join) => {
            let (left, right) = (Arc::clone(join.left.schema()), Arc::clone(join.right.schema()));
            join.on = join.on.into_iter().map(|(l, r)| keys(l, &left, r, &right)).collect::<Result<_>>()?;
            LogicalPlan::Join(join)
        }
        other => other,
    };
    let names = NamePreserver::new(&plan);
    let mut expressions = Expressions { schema: &schema, engine: TypeCoercionRewriter::new(&schema) };
    plan.map_expressions(|expr| {
        let name = names.save(&expr);
        Ok(expr.rewrite(&mut expressions)?.update_data(|expr| name.restore(expr)))
    })?
    .map_data(|plan| TypeCoercionRewriter::new(&schema).coerce_plan(plan))?
    .map_data(LogicalPlan::recompute_schema)
}

struct Expressions<'a> {
    schema: &'a DFSchema,
    engine: TypeCoercionRewriter<'a>,
}

impl TreeNodeRewriter for Expressions<'_> {
    type Node = Expr;

    fn f_up(&mut self, expr: Expr) -> Result<Transformed<Expr>> {
        let resolved = resolve(expr, self.schema)?;
        if is_ours(&resolved) {
            return Ok(Transformed::yes(resolved));
        }
        let coerced = self.engine.f_up(resolved)?.data;
        // Casts that the engine has put in are Spark's too.
        let settled = match coerced {
            Expr::Cast(_) | Expr::TryCast(_) => coerced,
            parent => {
                parent
                    .map_children(|child| match child {
                        Expr::Cast(_) => Ok(Transformed::yes(super::cast::resolve(child, self.schema)?)),
                        other => Ok(Transformed::no(other)),
                    })?
                    .data
            }
        };
        Ok(Transformed::yes(settled))
    }
}

/// Columns of a UNION that meet in Spark's common type rather than the engine's.
fn meet(mut union: Union) -> Result<Union> {
    let Some(first) = union.inputs.first() else { return Ok(union) };
    let width = first.schema().fields().len();
    if union.inputs.iter().any(|input| input.schema().fields().len() != width) {
        return Ok(union);
    }
    let met: Vec<_> = (0..width)
        .map(|i| {
            let types: Vec<_> = union.inputs.iter().map(|input| input.schema().field(i).data_type().clone()).collect();
            common_of(&types, Meeting::Unified)
        })
        .collect();
    for input in union.inputs.iter_mut().filter(|_| met.iter().any(Option::is_some)) {
        let fields = input.schema().iter().zip(&met).map(|((qualifier, field), met)| {
            let field = match met {
                Some(data_type) => Arc::new(field.as_ref().clone().with_data_type(data_type.clone())),
                None => Arc::clone(field),
            };
            (qualifier.cloned(), field)
        });
        let schema = DFSchema::new_with_metadata(fields.collect(), input.schema().metadata().clone())?;
        let cast = coerce_plan_expr_for_schema(LogicalPlan::clone(input), &schema)?;
        // The casts themselves are Spark's.
        *input = Arc::new(node(cast)?.data);
    }
    // The union's own types were promised before the inputs had theirs, and the engine would count them in.
    let first = Arc::clone(union.inputs[0].schema());
    let named = union.schema.iter().zip(first.fields());
    let fields = named.map(|((qualifier, named), typed)| (qualifier.cloned(), Arc::new(typed.as_ref().clone().with_name(named.name()))));
    union.schema = Arc::new(DFSchema::new_with_metadata(fields.collect(), union.schema.metadata().clone())?);
    Ok(union)
}

/// The two sides of one equality of a join.
fn keys(left: Expr, left_schema: &DFSchema, right: Expr, right_schema: &DFSchema) -> Result<(Expr, Expr)> {
    let types = [left.get_type(left_schema)?, right.get_type(right_schema)?];
    spans::refuse_inside(&types)?;
    match common_of(&types, Meeting::Compared) {
        Some(met) => Ok((super::cast::to(left, &met, left_schema)?, super::cast::to(right, &met, right_schema)?)),
        None => Ok((left, right)),
    }
}
