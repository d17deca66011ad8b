//! UNION, INTERSECT and EXCEPT, with ALL, by position and by name.

use datafusion::common::{Column, JoinType};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

use super::joined::joined_on_nulls;
use super::nodes::project;
use super::nodes::under_id;
use super::scope::{Attribute, Scope};
use super::{Rel, Resolver};
use crate::error::{at, error};
use crate::plan::{CastMode, Relation, SetOperation, Span};
use crate::types::{SparkType, cast, lattice};
use crate::{Result, Typed};

/// How a set operation was said.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    pub(super) operation: SetOperation,
    pub(super) is_all: bool,
    pub(super) by_name: bool,
    pub(super) allow_missing: bool,
}

impl Resolver<'_> {
    pub(super) fn set_operation(&mut self, left: &Relation, right: &Relation, how: How, span: Option<Span>) -> Result<Rel> {
        if how.operation != SetOperation::Union {
            let left = self.relation(left)?;
            let right = self.relation(right)?;
            return self.set_rels(left, right, how, span);
        }
        // Sides of a union never meet in one row: what both are made from has the same ids in both, and is computed once.
        let before = self.uses.clone();
        let left = self.relation(left)?;
        let used = std::mem::replace(&mut self.uses, before);
        let right = self.relation(right)?;
        for (name, count) in used {
            let uses = self.uses.entry(name).or_insert(0);
            *uses = (*uses).max(count);
        }
        self.set_rels(left, right, how, span)
    }

    pub(super) fn set_rels(&mut self, left: Rel, right: Rel, how: How, span: Option<Span>) -> Result<Rel> {
        let word = match how.operation {
            SetOperation::Union => "UNION",
            SetOperation::Intersect => "INTERSECT",
            SetOperation::Except => "EXCEPT",
        };
        let mut firsts: Vec<Option<Typed>> = left.scope.columns.iter().map(|a| Some(a.typed(&a.name))).collect();
        let mut seconds: Vec<Option<Typed>>;
        let mut names: Vec<String> = left.scope.columns.iter().map(|a| a.name.clone()).collect();
        if how.by_name {
            seconds = Vec::new();
            let mut used = vec![false; right.scope.columns.len()];
            for name in &names {
                let at_right = right.scope.columns.iter().position(|b| self.settings.same(&b.name, name));
                seconds.push(at_right.map(|i| {
                    used[i] = true;
                    right.scope.columns[i].typed(name)
                }));
            }
            for (column, _) in right.scope.columns.iter().zip(&used).filter(|(_, used)| !**used) {
                names.push(column.name.clone());
                firsts.push(None);
                seconds.push(Some(column.typed(&column.name)));
            }
            if !how.allow_missing
                && let Some(i) = (0..names.len()).find(|i| firsts[*i].is_none() || seconds[*i].is_none())
            {
                let message = format!("{word} BY NAME: `{}` is on one side alone (columns of the other: {})", names[i], names.join(", "));
                return Err(at(error("UNRESOLVED_COLUMN.WITH_SUGGESTION", message), span));
            }
        } else {
            seconds = right.scope.columns.iter().map(|a| Some(a.typed(&a.name))).collect();
            if firsts.len() != seconds.len() {
                let message = format!("{word} needs as many columns on both sides, and they have {} and {}", firsts.len(), seconds.len());
                return Err(at(error("NUM_COLUMNS_MISMATCH", message), span));
            }
        }
        let mut attributes = Vec::with_capacity(names.len());
        let (mut left_exprs, mut right_exprs) = (Vec::new(), Vec::new());
        for (i, ((first, second), name)) in firsts.into_iter().zip(seconds).zip(&names).enumerate() {
            let null = || Typed::literal(datafusion::scalar::ScalarValue::Null, SparkType::Null, "NULL");
            let missing = first.is_none() || second.is_none();
            let (first, second) = (first.unwrap_or_else(null), second.unwrap_or_else(null));
            let Some(common) = lattice::common_type(&first.data_type, &second.data_type, self.settings.ansi) else {
                let message = format!(
                    "{word}: column {} is \"{}\" on one side and \"{}\" on the other, which have no type in common: cast one of them",
                    i + 1,
                    first.data_type.sql(),
                    second.data_type.sql()
                );
                return Err(at(error("INCOMPATIBLE_COLUMN_TYPE", message), span));
            };
            if !(how.operation == SetOperation::Union && how.is_all) && lattice::has_map(&common) {
                let message = format!("{word} compares rows, and the column `{name}` is \"{}\": leave it out", common.sql());
                return Err(at(error("UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE", message), span));
            }
            let nullable = missing
                || match how.operation {
                    SetOperation::Union => first.nullable || second.nullable,
                    SetOperation::Intersect => first.nullable && second.nullable,
                    SetOperation::Except => first.nullable,
                };
            let attribute = self.attribute(name, common.clone(), nullable);
            left_exprs.push(under_id(cast::cast(first, &common, CastMode::Session, &self.settings, span)?.expr, &attribute.id));
            right_exprs.push(under_id(cast::cast(second, &common, CastMode::Session, &self.settings, span)?.expr, &attribute.id));
            attributes.push(attribute);
        }
        let left = project(left.plan, left_exprs)?;
        let right = project(right.plan, right_exprs)?;
        let plan = match how.operation {
            SetOperation::Union => {
                let all = LogicalPlanBuilder::from(left).union(right)?.build()?;
                if how.is_all { all } else { LogicalPlanBuilder::from(all).distinct()?.build()? }
            }
            SetOperation::Intersect | SetOperation::Except => self.compared(left, right, &attributes, how)?,
        };
        let scope = Scope::new(attributes);
        // Columns must be there under their ids, whatever the union has made of them.
        let ids: Vec<String> = plan.schema().fields().iter().map(|f| f.name().clone()).collect();
        let plan = if ids.iter().zip(&scope.columns).all(|(id, a)| *id == a.id) && plan.schema().iter().all(|(q, _)| q.is_none()) {
            plan
        } else {
            let columns = plan.schema().columns();
            project(plan, columns.into_iter().zip(&scope.columns).map(|(c, a)| Expr::Column(c).alias(&a.id)).collect())?
        };
        Ok(Rel::new(plan, scope))
    }

    /// Rows that are, or are not, on the other side. With ALL the n-th of equal rows is compared with the n-th.
    fn compared(&mut self, left: LogicalPlan, right: LogicalPlan, columns: &[Attribute], how: How) -> Result<LogicalPlan> {
        let join_type = if how.operation == SetOperation::Intersect { JoinType::LeftSemi } else { JoinType::LeftAnti };
        let (left, right, number) = if how.is_all {
            let id = self.fresh("nth");
            (numbered(left, columns, &id)?, numbered(right, columns, &id)?, Some(id))
        } else {
            (LogicalPlanBuilder::from(left).distinct()?.build()?, right, None)
        };
        // The right side's columns have names of their own in the join.
        let ids: Vec<String> = columns.iter().map(|a| a.id.clone()).chain(number).collect();
        let renamed = ids.iter().map(|id| Expr::Column(Column::new_unqualified(id)).alias(format!("{id}_r"))).collect();
        let right = project(right, renamed)?;
        let pairs = ids
            .iter()
            .map(|id| (Expr::Column(Column::new_unqualified(id)), Expr::Column(Column::new_unqualified(format!("{id}_r")))))
            .collect();
        let plan = joined_on_nulls(left, right, pairs, join_type)?;
        project(plan, columns.iter().map(Attribute::expr).collect())
    }
}

/// The rows with the number of each among its equals.
fn numbered(plan: LogicalPlan, columns: &[Attribute], id: &str) -> Result<LogicalPlan> {
    use datafusion::logical_expr::{WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition};
    use datafusion::scalar::ScalarValue;
    let number = Expr::WindowFunction(Box::new(datafusion::logical_expr::expr::WindowFunction {
        fun: WindowFunctionDefinition::WindowUDF(datafusion::functions_window::row_number::row_number_udwf()),
        params: datafusion::logical_expr::expr::WindowFunctionParams {
            args: Vec::new(),
            partition_by: columns.iter().map(Attribute::expr).collect(),
            order_by: Vec::new(),
            window_frame: WindowFrame::new_bounds(
                WindowFrameUnits::Rows,
                WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
                WindowFrameBound::CurrentRow,
            ),
            filter: None,
            null_treatment: None,
            distinct: false,
        },
    }));
    let mut exprs: Vec<Expr> = columns.iter().map(Attribute::expr).collect();
    exprs.push(number.alias(id));
    super::nodes::project_windows(plan, exprs)
}
