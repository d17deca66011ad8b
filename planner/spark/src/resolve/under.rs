//! What a SELECT list was made from, kept for the clauses above it: HAVING, QUALIFY, ORDER BY, and steps of a DataFrame.

use datafusion::logical_expr::{Expr, LogicalPlan};

use super::Resolver;
use super::exchange::Dealt;
use super::grouped::Grouped;
use super::holds::has_window;
use super::nodes::{project_windows, under_id};
use super::scope::{Attribute, Scope};
use crate::plan::PlanId;
use crate::{Result, Typed};

/// What a SELECT list was made from, so that what comes after it may name more than it gives.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // There is one per list.
pub(crate) enum Under {
    /// Rows.
    Project {
        /// The rows.
        input: LogicalPlan,
        /// Their columns.
        scope: Scope,
        /// The list.
        outputs: Vec<Output>,
        /// How the list's rows are dealt, if the program says so.
        dealt: Option<Dealt>,
    },
    /// Groups.
    Aggregate {
        /// The groups.
        grouped: Grouped,
        /// The list; its expressions are over the groups' columns.
        outputs: Vec<Output>,
        /// How the list's rows are dealt, if the program says so.
        dealt: Option<Dealt>,
    },
}

/// A column of a SELECT list.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    /// The column that it becomes.
    pub(crate) attribute: Attribute,
    /// What it is, as the list says it: over the rows, aggregates and window functions inside.
    pub(crate) definition: Typed,
    /// What is computed: over the rows, or over the groups' columns.
    pub(crate) expr: Expr,
}

/// Names that mean columns of a list before they mean columns of what it was made from.
#[derive(Debug, Clone)]
pub(crate) struct Definitions {
    pub(crate) scope: Scope,
    pub(crate) typed: Vec<(String, Typed)>,
}

impl Under {
    pub(crate) fn outputs(&self) -> &[Output] {
        match self {
            Self::Project { outputs, .. } | Self::Aggregate { outputs, .. } => outputs,
        }
    }

    /// The scope of what the list was made from.
    pub(crate) fn scope(&self) -> &Scope {
        match self {
            Self::Project { scope, .. } => scope,
            Self::Aggregate { grouped, .. } => &grouped.scope,
        }
    }

    /// An expression over what the list was made from, as something to compute beside the list.
    pub(crate) fn rewritten(&mut self, resolver: &mut Resolver<'_>, typed: &Typed) -> Result<Expr> {
        match self {
            Self::Project { .. } => Ok(typed.expr.clone()),
            Self::Aggregate { grouped, .. } => grouped.rewrite(resolver, typed),
        }
    }

    /// The plan of the list, with further columns behind it.
    pub(crate) fn plan(&self, resolver: &mut Resolver<'_>, extra: &[(Expr, String)]) -> Result<LogicalPlan> {
        let (input, outputs, dealt) = match self {
            Self::Project { input, outputs, dealt, .. } => (input.clone(), outputs, dealt),
            Self::Aggregate { grouped, outputs, dealt } => (grouped.plan(resolver)?, outputs, dealt),
        };
        let exprs = outputs.iter().map(|output| output.expr.clone()).chain(extra.iter().map(|(expr, _)| expr.clone())).collect();
        let ids = outputs.iter().map(|output| &output.attribute.id).chain(extra.iter().map(|(_, id)| id));
        let (input, exprs) = resolver.with_subqueries(input, exprs, false)?;
        let plan = project_windows(input, exprs.into_iter().zip(ids).map(|(expr, id)| under_id(expr, id)).collect())?;
        Ok(match dealt {
            Some(dealt) => dealt.clone().over(plan),
            None => plan,
        })
    }

    /// Notes how the list's rows are dealt, by keys over the list's columns.
    pub(crate) fn deal(&mut self, how: &Dealt) {
        let (Self::Project { dealt, .. } | Self::Aggregate { dealt, .. }) = self;
        *dealt = Some(how.clone());
    }

    /// The groups' keys, where window functions of the list stand between the groups and what comes after them.
    pub(crate) fn keys_below_windows(&self) -> Option<Scope> {
        match self {
            Self::Aggregate { grouped, outputs, .. } if outputs.iter().any(|o| has_window(&o.expr)) => Some(grouped.key_columns()),
            _ => None,
        }
    }

    /// Notes that the list is the DataFrame of that id.
    pub(crate) fn mark(&mut self, id: PlanId) {
        let (Self::Project { outputs, .. } | Self::Aggregate { outputs, .. }) = self;
        for output in outputs {
            output.attribute.plan_ids.push(id);
        }
    }

    pub(crate) fn definitions(&self) -> Definitions {
        Definitions {
            scope: Scope::new(self.outputs().iter().map(|o| o.attribute.clone()).collect()),
            typed: self.outputs().iter().map(|o| (o.attribute.id.clone(), o.definition.clone())).collect(),
        }
    }
}
