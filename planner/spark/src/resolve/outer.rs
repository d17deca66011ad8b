//! Columns of the queries around a subquery: how they are named inside of it, and which of them it takes.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, Spans};
use datafusion::logical_expr::{Expr, LogicalPlan, Subquery};

use super::scope::{Attribute, Scope};
use crate::plan::Span;
use crate::types::{StructField, field_of};
use crate::{Result, Sql, Typed};

/// A place that names a column of a query around.
#[derive(Debug)]
pub(crate) struct OuterUse {
    /// Which query: how many there are around it.
    pub(super) depth: usize,
    pub(super) span: Option<Span>,
    pub(super) name: String,
}

/// The column of a query around.
pub(super) fn outer_reference(attribute: &Attribute, spelled: &str) -> Typed {
    let field = StructField::new(&attribute.id, attribute.data_type.clone()).with_nullable(attribute.nullable);
    let expr = Expr::OuterReferenceColumn(field_of(&field), attribute.column());
    let mut typed = Typed::new(expr, attribute.data_type.clone(), attribute.nullable, format!("outer({spelled})"));
    typed.sql = Sql::from(spelled);
    typed.name = Some(spelled.to_owned());
    typed
}

/// The columns of queries around that a plan uses.
pub(super) fn outer_references(plan: &LogicalPlan) -> Vec<Expr> {
    let mut found = plan.all_out_ref_exprs();
    found.dedup();
    found
}

/// An expression over `scope` as one inside a query in it.
pub(super) fn as_outer(expr: &Expr, scope: &Scope) -> Result<Expr> {
    Ok(expr
        .clone()
        .transform(|e| match &e {
            Expr::Column(column) => match scope.columns.iter().chain(&scope.hidden).find(|a| a.id == column.name) {
                Some(attribute) => Ok(Transformed::yes(outer_reference(attribute, &attribute.name).expr)),
                None => Ok(Transformed::no(e)),
            },
            _ => Ok(Transformed::no(e)),
        })
        .data()?)
}

/// An expression inside a query in `scope` as one over `scope` itself.
pub(super) fn from_inside(expr: Expr, scope: &Scope) -> Result<Expr> {
    Ok(expr
        .transform(|e| match e {
            Expr::OuterReferenceColumn(field, column) => {
                let is_here = scope.columns.iter().chain(&scope.hidden).any(|a| a.id == column.name);
                Ok(if is_here {
                    Transformed::yes(Expr::Column(column))
                } else {
                    Transformed::no(Expr::OuterReferenceColumn(field, column))
                })
            }
            other => Ok(Transformed::no(other)),
        })
        .data()?)
}

/// A subquery whose columns of the row around have other ids: (old, new).
pub(super) fn renamed_outer(plan: &LogicalPlan, names: &[(String, String)]) -> Result<LogicalPlan> {
    let renamed = |e: Expr| match e {
        Expr::OuterReferenceColumn(field, column) => match names.iter().find(|(old, _)| *old == column.name) {
            Some((_, new)) => Ok(Transformed::yes(Expr::OuterReferenceColumn(field, Column::new_unqualified(new)))),
            None => Ok(Transformed::no(Expr::OuterReferenceColumn(field, column))),
        },
        other => Ok(Transformed::no(other)),
    };
    Ok(plan.clone().transform_up_with_subqueries(|node| node.map_expressions(|e| e.transform(renamed))).data()?)
}

/// The plan as a subquery, with what it takes from outside.
pub(super) fn as_subquery(plan: LogicalPlan) -> Subquery {
    let outer_ref_columns = outer_references(&plan);
    Subquery { subquery: Arc::new(plan), outer_ref_columns, spans: Spans::new() }
}
