//! WITH: named queries, recursive ones included.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::cte_worktable::CteWorkTable;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder};

use super::nodes::project;
use super::recursion::{Limits, bounded};
use super::scope::{Attribute, Scope};
use super::shared::made_once;
use super::{Rel, Resolver};
use crate::Result;
use crate::error::{at, error};
use crate::plan::{CastMode, Cte, Relation, RelationKind, SetOperation, TableAlias, With};
use crate::types::{StructField, cast, lattice};

/// A named query that is in sight.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    cte: Arc<Cte>,
    /// How many levels of WITH its query sees.
    level: usize,
    /// How many queries around it its query sees.
    outer: usize,
    /// Its place in its WITH: it sees those before.
    place: usize,
    /// Whether it has been resolved: where somebody names it, or because nobody does.
    is_resolved: Rc<Cell<bool>>,
    /// Inside its own recursion: the rows of the step before.
    step: Option<(String, Vec<StructField>)>,
    /// Its rows, where they are made once for all who name it.
    made: Option<Rel>,
}

/// The queries of one WITH.
#[derive(Debug)]
pub(crate) struct Frame {
    queries: HashMap<String, Named>,
    /// Those from this place on are out of sight.
    end: usize,
}

impl Resolver<'_> {
    pub(crate) fn with(&mut self, with: &With) -> Result<Rel> {
        let is_legacy = self.settings.get("spark.sql.legacy.ctePrecedencePolicy").is_some_and(|v| v.eq_ignore_ascii_case("legacy"));
        if with.recursive && is_legacy {
            let message = "WITH RECURSIVE needs spark.sql.legacy.ctePrecedencePolicy to be other than LEGACY";
            return Err(error("RECURSIVE_CTE_IN_LEGACY_MODE", message));
        }
        let level = self.ctes.len();
        let mut queries: HashMap<String, Named> = HashMap::new();
        for (place, cte) in with.ctes.iter().enumerate() {
            // Each query sees those before it, and itself where the WITH is recursive.
            let is_recursive = with.recursive && mentions(&cte.query, &cte.alias.name, &self.settings);
            let named = Named {
                cte: Arc::new(cte.clone()),
                level: level + 1,
                outer: self.outer.len(),
                place,
                is_resolved: Rc::default(),
                step: is_recursive.then(|| (String::new(), Vec::new())),
                made: None,
            };
            if queries.insert(cte.alias.name.to_lowercase(), named).is_some() {
                let message = format!("WITH names two queries `{}`: name them differently", cte.alias.name);
                return Err(at(error("DUPLICATED_CTE_NAMES", message), cte.span));
            }
        }
        self.ctes.push(Frame { queries, end: usize::MAX });
        let rel = self.relation(&with.input);
        let unused = self.resolve_unused(with, level);
        self.ctes.truncate(level);
        unused.and(rel)
    }

    /// Queries that nobody names are looked at, too.
    fn resolve_unused(&mut self, with: &With, level: usize) -> Result<()> {
        for cte in &with.ctes {
            let name = cte.alias.name.to_lowercase();
            let named = self.ctes.get(level).and_then(|frame| frame.queries.get(&name)).filter(|named| !named.is_resolved.get()).cloned();
            if let Some(named) = named {
                self.named_query(&named, &name, level)?;
            }
        }
        Ok(())
    }

    /// The query of that name, if one is in sight.
    pub(crate) fn cte(&mut self, name: &str) -> Result<Option<Rel>> {
        let lower = name.to_lowercase();
        for level in (0..self.ctes.len()).rev() {
            let frame = &self.ctes[level];
            let Some(named) = frame.queries.get(&lower).filter(|named| named.place < frame.end).cloned() else { continue };
            let rel = self.named_query(&named, &lower, level)?;
            if named.made.is_some() || named.step.is_some() {
                return Ok(Some(rel));
            }
            // Rows that would be others the next time are made once, for this place and all that follow.
            let Some(plan) = made_once(&rel.plan) else { return Ok(Some(rel)) };
            let made = Rel { plan, ..rel };
            let rel = self.shared_use(&made)?;
            if let Some(named) = self.ctes[level].queries.get_mut(&lower) {
                named.made = Some(made);
            }
            return Ok(Some(rel));
        }
        Ok(None)
    }

    fn named_query(&mut self, named: &Named, lower: &str, level: usize) -> Result<Rel> {
        named.is_resolved.set(true);
        if let Some(made) = &named.made {
            return self.shared_use(made);
        }
        match &named.step {
            Some((table, columns)) if !table.is_empty() => {
                let (table, columns) = (table.clone(), columns.clone());
                self.work_table(&table, &columns, &named.cte.alias.name)
            }
            inner => {
                // It sees what was in sight where it stands: those before it, and itself only in its recursion.
                let is_recursive = inner.is_some();
                let first_hidden = named.place + usize::from(is_recursive);
                let later: Vec<Frame> = self.ctes.split_off(named.level.min(self.ctes.len()));
                let end = self.ctes.last_mut().map(|frame| std::mem::replace(&mut frame.end, first_hidden));
                let outer = self.outer.split_off(named.outer.min(self.outer.len()));
                let rel = if is_recursive { self.recursive(named, lower, level) } else { self.relation(&named.cte.query) };
                self.outer.extend(outer);
                if let (Some(frame), Some(end)) = (self.ctes.last_mut(), end) {
                    frame.end = end;
                }
                self.ctes.extend(later);
                if is_recursive { rel } else { self.aliased(rel?, &named.cte.alias) }
            }
        }
    }

    /// `anchor UNION [ALL] step`
    fn recursive(&mut self, named: &Named, lower: &str, level: usize) -> Result<Rel> {
        let cte = Arc::clone(&named.cte);
        let refuse = |condition: &'static str, message: String| at(error(condition, message), cte.span);
        let (inner_with, body) = match cte.query.kind.as_ref() {
            RelationKind::With(with) => (Some(with), &with.input),
            _ => (None, &cte.query),
        };
        let (anchor, step, is_all, alias) = match peel(body) {
            Some(parts) => parts,
            None => {
                return Err(refuse(
                    "INVALID_RECURSIVE_CTE",
                    format!("the recursive query `{}` has to be `anchor UNION ALL step`", cte.alias.name),
                ));
            }
        };
        let in_inner = inner_with.is_some_and(|with| with.ctes.iter().any(|inner| mentions(&inner.query, &cte.alias.name, &self.settings)));
        if in_inner || mentions(anchor, &cte.alias.name, &self.settings) {
            let message =
                format!("`{}` names itself in its first part or in a WITH of its own: only the part after UNION ALL may", cte.alias.name);
            return Err(refuse("INVALID_RECURSIVE_CTE", message));
        }
        if !is_all {
            let message = format!("the parts of the recursive query `{}` are joined by UNION: write UNION ALL", cte.alias.name);
            return Err(refuse("UNION_NOT_SUPPORTED_IN_RECURSIVE_CTE", message));
        }
        // Both parts see the queries of a WITH around them.
        let wrapped = |part: &Relation| match inner_with {
            Some(with) => {
                let kind = RelationKind::With(Box::new(With { ctes: with.ctes.clone(), recursive: with.recursive, input: part.clone() }));
                Relation { kind: Arc::new(kind), span: cte.query.span, plan_id: cte.query.plan_id }
            }
            None => part.clone(),
        };
        let (anchor, step) = (&wrapped(anchor), &wrapped(step));
        // Away with the name while the anchor is resolved.
        let saved = self.ctes[level].queries.remove(lower);
        let first = self.relation(anchor);
        if let Some(saved) = saved.clone() {
            self.ctes[level].queries.insert(lower.to_owned(), saved);
        }
        let mut first = first?;
        if let Some(alias) = &alias {
            first = self.aliased(first, alias)?;
        }
        let first = self.aliased(first, &cte.alias)?;
        let columns: Vec<StructField> = first
            .scope
            .columns
            .iter()
            .map(|a| StructField { name: a.name.clone(), data_type: a.data_type.clone(), nullable: true, metadata: a.metadata.clone() })
            .collect();
        let table = self.fresh(&cte.alias.name);
        let step_rel = self.step(named, lower, level, &table, &columns, step)?;
        if step_rel.scope.columns.len() != columns.len() {
            let message = format!("`{}`: the parts have {} and {} columns", cte.alias.name, columns.len(), step_rel.scope.columns.len());
            return Err(refuse("NUM_COLUMNS_MISMATCH", message));
        }
        // The first part's types are kept: its rows were made before the step's.
        for (column, made) in columns.iter().zip(&step_rel.scope.columns) {
            let common = lattice::common_type(&column.data_type, &made.data_type, self.settings.ansi);
            if common.as_ref() != Some(&column.data_type) {
                let message = format!(
                    "`{}`: the column `{}` is \"{}\" in the first part and \"{}\" in the step: cast one to the other's type",
                    cte.alias.name,
                    column.name,
                    column.data_type.sql(),
                    made.data_type.sql()
                );
                return Err(refuse("CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE", message));
            }
        }
        if references(&step_rel.plan, &table)? > 1 {
            return Err(at(
                crate::Error::unsupported(format!(
                    "the step of the recursive query `{}` names it more than once, which is not there yet: name it once, and join",
                    cte.alias.name
                )),
                cte.span,
            ));
        }
        if !well_placed(&step_rel.plan, &table, true) {
            let message = format!(
                "the step of `{}` names it in a subquery, under an aggregate, a window or a sort, or on the side of an outer join that may be \
                 missing: join it plainly",
                cte.alias.name
            );
            return Err(refuse("INVALID_RECURSIVE_REFERENCE.PLACE", message));
        }
        let attributes: Vec<Attribute> = columns.iter().map(|c| self.attribute(&c.name, c.data_type.clone(), true)).collect();
        let shaped = |rel: &Rel| -> Result<Vec<Expr>> {
            rel.scope
                .columns
                .iter()
                .zip(&columns)
                .map(|(a, column)| {
                    let typed = cast::cast(a.typed(&a.name), &column.data_type, CastMode::Session, &self.settings, None)?;
                    Ok(typed.expr.alias(&column.name))
                })
                .collect()
        };
        let names_twice = (1..columns.len()).any(|i| columns[..i].iter().any(|c| c.name == columns[i].name));
        if names_twice {
            return Err(refuse("COLUMN_ALREADY_EXISTS", format!("`{}` has two columns of one name: rename one", cte.alias.name)));
        }
        let anchor_plan = project(first.plan.clone(), shaped(&first)?)?;
        let step_plan = project(step_rel.plan.clone(), shaped(&step_rel)?)?;
        let (anchor_plan, step_plan) = bounded(&table, anchor_plan, step_plan, Limits::of(&cte, &self.settings)?);
        let plan = LogicalPlanBuilder::from(anchor_plan).to_recursive_query(table, step_plan, !is_all)?.build()?;
        let found = plan.schema().columns();
        let plan = project(plan, found.into_iter().zip(&attributes).map(|(c, a)| Expr::Column(c).alias(&a.id)).collect())?;
        let mut rel = Rel::new(plan, Scope::new(attributes));
        for a in &mut rel.scope.columns {
            a.qualifier = vec![cte.alias.name.clone()];
        }
        Ok(rel)
    }

    fn step(&mut self, named: &Named, lower: &str, level: usize, table: &str, columns: &[StructField], step: &Relation) -> Result<Rel> {
        let inside = Named { step: Some((table.to_owned(), columns.to_vec())), ..named.clone() };
        let saved = self.ctes[level].queries.insert(lower.to_owned(), inside);
        let rel = self.relation(step);
        if let Some(saved) = saved {
            self.ctes[level].queries.insert(lower.to_owned(), saved);
        }
        rel
    }

    /// The rows of the step before.
    fn work_table(&mut self, table: &str, columns: &[StructField], name: &str) -> Result<Rel> {
        let fields: Vec<_> = columns.iter().map(crate::types::field_of).collect();
        let schema = Arc::new(arrow::datatypes::Schema::new(fields));
        let source = datafusion::datasource::provider_as_source(Arc::new(CteWorkTable::new(table, Arc::clone(&schema))));
        let plan = LogicalPlanBuilder::scan(table, source, None)?.build()?;
        let mut rel = self.columns_of(plan, columns)?;
        for a in &mut rel.scope.columns {
            a.qualifier = vec![name.to_owned()];
        }
        Ok(rel)
    }
}

/// Whether a plan is the rows of the step before. A table of the catalog may have the same name.
fn is_work_table(plan: &LogicalPlan, table: &str) -> bool {
    let LogicalPlan::TableScan(scan) = plan else { return false };
    let source = datafusion::datasource::source_as_provider(&scan.source).ok();
    source.is_some_and(|source| source.downcast_ref::<CteWorkTable>().is_some_and(|work| work.name() == table))
}

/// How often the rows of the step before are read, in subqueries as well.
fn references(plan: &LogicalPlan, table: &str) -> Result<usize> {
    let mut found = 0;
    plan.apply_with_subqueries(|node| {
        found += usize::from(is_work_table(node, table));
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// Whether the rows of the step before are only named where Spark allows it.
fn well_placed(plan: &LogicalPlan, table: &str, allowed: bool) -> bool {
    let inputs: Vec<bool> = match plan {
        LogicalPlan::TableScan(_) => return allowed || !is_work_table(plan, table),
        LogicalPlan::Join(join) => match join.join_type {
            JoinType::Inner => vec![allowed, allowed],
            JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => vec![allowed, false],
            JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => vec![false, allowed],
            JoinType::Full => vec![false, false],
        },
        LogicalPlan::Aggregate(_) | LogicalPlan::Window(_) | LogicalPlan::Sort(_) => vec![false],
        other => vec![allowed; other.inputs().len()],
    };
    plan.inputs().into_iter().zip(inputs).all(|(input, allowed)| well_placed(input, table, allowed))
}

/// (anchor, step, ALL, alias) of `anchor UNION [ALL] step`, looking through names.
fn peel(relation: &Relation) -> Option<(&Relation, &Relation, bool, Option<TableAlias>)> {
    match relation.kind.as_ref() {
        RelationKind::SetOperation { left, right, operation: SetOperation::Union, is_all, .. } => Some((left, right, *is_all, None)),
        RelationKind::Deduplicate { input, column_names, .. } if column_names.is_empty() => {
            let (anchor, step, _, alias) = peel(input)?;
            Some((anchor, step, false, alias))
        }
        RelationKind::SubqueryAlias { input, alias } => {
            let (anchor, step, is_all, _) = peel(input)?;
            Some((anchor, step, is_all, Some(alias.clone())))
        }
        _ => None,
    }
}

/// Whether a query names a table so.
fn mentions(relation: &Relation, name: &str, settings: &Arc<crate::Settings>) -> bool {
    let found = super::requests(relation, &super::Opened::default(), settings).unwrap_or_default();
    found.iter().any(|request| matches!(request, super::Request::Table { name: parts, .. } if matches!(parts.as_slice(), [only] if settings.same(only, name))))
}
