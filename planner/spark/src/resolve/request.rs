//! What a tree needs from outside that has not been opened yet.

use crate::error::{error, too_complex};
use crate::plan::deep;
use crate::plan::{
    Cte, Expression, ExpressionKind, FrameBound, GroupType, JoinCriteria, NamedTable, Relation, RelationKind, SampleMethod, SortOrder,
    StatAction, TableName, Temporal, WindowSpec,
};
use crate::types::SparkType;
use crate::{Result, Settings};
use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Opened, OpenedFunction, OpenedRelation, Request, Resolver, Travel};
use crate::functions;
use crate::plan::FunctionBody;

/// What has to be opened before `relation` can be resolved: empty when all is there. Views and functions that were opened are
/// looked into, so ask again when they are.
///
/// # Errors
/// For a name or a moment that is computed and does not compute.
pub fn requests(relation: &Relation, opened: &Opened, settings: &Arc<Settings>) -> Result<Vec<Request>> {
    let mut found =
        Finder { opened, settings, names: Vec::new(), requests: Vec::new(), inside: Vec::new(), seen: BTreeSet::new(), levels: 0 };
    found.relation(relation)?;
    found.requests.sort();
    found.requests.dedup();
    Ok(found.requests)
}

/// The same for an expression without a plan.
///
/// # Errors
/// Those of [`requests`].
pub fn requests_of(expression: &Expression, opened: &Opened, settings: &Arc<Settings>) -> Result<Vec<Request>> {
    let mut found =
        Finder { opened, settings, names: Vec::new(), requests: Vec::new(), inside: Vec::new(), seen: BTreeSet::new(), levels: 0 };
    found.expression(expression)?;
    found.requests.sort();
    found.requests.dedup();
    Ok(found.requests)
}

/// The request that a table's name makes.
pub(super) fn of_table(table: &NamedTable, opened: &Opened, settings: &Arc<Settings>) -> Result<Request> {
    let mut resolver = Resolver::new(opened, settings);
    let name = resolver.table_name(&table.name)?;
    let travel = match &table.temporal {
        None => None,
        Some(Temporal::Version(version)) => Some(Travel::Version(version.clone())),
        Some(Temporal::Timestamp(expression)) => Some(Travel::Timestamp(resolver.moment(expression)?)),
    };
    Ok(Request::Table { name, travel, options: table.options.clone(), is_streaming: table.is_streaming })
}

struct Finder<'a> {
    opened: &'a Opened,
    settings: &'a Arc<Settings>,
    /// Names that WITH defines, innermost last.
    names: Vec<Vec<String>>,
    requests: Vec<Request>,
    /// The views and functions that are being looked into.
    inside: Vec<Request>,
    /// Those that were looked into before.
    seen: BTreeSet<Request>,
    /// How many levels of the tree.
    levels: usize,
}

/// How deep views may stand in one another: Spark's `spark.sql.view.maxNestedViewDepth`.
const MOST_VIEWS: usize = 100;

impl Finder<'_> {
    fn ask(&mut self, request: Request) -> Result<()> {
        if !self.opened.has(&request) {
            self.requests.push(request);
            return Ok(());
        }
        // Resolving tells of a circle.
        if self.inside.contains(&request) || !self.seen.insert(request.clone()) {
            return Ok(());
        }
        if self.inside.len() > MOST_VIEWS {
            let message = format!("views and functions stand in one another more than {MOST_VIEWS} deep: store the rows of one in a table");
            return Err(error("VIEW_EXCEED_MAX_NESTED_DEPTH", message));
        }
        self.inside.push(request.clone());
        // A view does not see the names around it.
        let names = std::mem::take(&mut self.names);
        match &request {
            Request::Function { .. } => {
                if let Some(OpenedFunction::Sql(function)) = self.opened.functions.get(&request) {
                    let function = Arc::clone(function);
                    match &function.body {
                        FunctionBody::Expression(expression) => self.expression(expression)?,
                        FunctionBody::Query(relation) => self.relation(relation)?,
                    }
                }
            }
            _ => {
                if let Some(OpenedRelation::View { relation, settings, .. }) = self.opened.relations.get(&request) {
                    match settings {
                        Some(settings) => {
                            let mut inner = Finder {
                                opened: self.opened,
                                settings,
                                names: Vec::new(),
                                requests: Vec::new(),
                                inside: std::mem::take(&mut self.inside),
                                seen: std::mem::take(&mut self.seen),
                                levels: self.levels,
                            };
                            inner.relation(relation)?;
                            self.requests.append(&mut inner.requests);
                            self.inside = inner.inside;
                            self.seen = inner.seen;
                        }
                        None => self.relation(relation)?,
                    }
                }
            }
        }
        self.names = names;
        self.inside.pop();
        Ok(())
    }

    fn expressions<'e>(&mut self, expressions: impl IntoIterator<Item = &'e Expression>) -> Result<()> {
        expressions.into_iter().try_for_each(|e| self.expression(e))
    }

    fn orders(&mut self, orders: &[SortOrder]) -> Result<()> {
        self.expressions(orders.iter().map(|o| &o.child))
    }

    fn spec(&mut self, spec: &WindowSpec) -> Result<()> {
        self.expressions(&spec.partition_by)?;
        self.orders(&spec.order_by)?;
        for bound in spec.frame.iter().flat_map(|frame| [&frame.lower, &frame.upper]) {
            if let FrameBound::Preceding(e) | FrameBound::Following(e) = bound {
                self.expression(e)?;
            }
        }
        Ok(())
    }

    fn one_level(&mut self, find: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if self.levels >= deep::MAX_HEIGHT {
            return Err(too_complex());
        }
        self.levels += 1;
        let found = deep::deeper(|| find(self));
        self.levels -= 1;
        found
    }

    fn expression(&mut self, expression: &Expression) -> Result<()> {
        self.one_level(|finder| finder.expression_here(expression))
    }

    fn expression_here(&mut self, expression: &Expression) -> Result<()> {
        match &expression.kind {
            ExpressionKind::UnresolvedFunction(call) => {
                self.function(&call.name)?;
                self.expressions(&call.arguments)?;
                self.expressions(&call.filter)?;
                self.orders(&call.order_by)
            }
            ExpressionKind::NamedArgument { value, .. } => self.expression(value),
            ExpressionKind::Alias { expr, .. }
            | ExpressionKind::Cast { expr, .. }
            | ExpressionKind::UnresolvedCast { expr, .. }
            | ExpressionKind::Collate { expr, .. } => self.expression(expr),
            ExpressionKind::UnresolvedExtractValue { child, extraction, .. } => {
                self.expression(child)?;
                self.expression(extraction)
            }
            ExpressionKind::UpdateFields { child, value, .. } => {
                self.expression(child)?;
                self.expressions(value.as_deref())
            }
            ExpressionKind::Outer(child) => self.expression(child),
            ExpressionKind::UserFunction { arguments, .. } => self.expressions(arguments),
            ExpressionKind::Case { operand, branches, otherwise } => {
                self.expressions(operand.as_deref())?;
                self.expressions(branches.iter().flat_map(|(when, then)| [when, then]))?;
                self.expressions(otherwise.as_deref())
            }
            ExpressionKind::LambdaFunction { function, .. } => self.expression(function),
            ExpressionKind::Window { window_function, spec } => {
                self.expression(window_function)?;
                self.spec(spec)
            }
            ExpressionKind::SortOrder(order) => self.expression(&order.child),
            ExpressionKind::ScalarSubquery(plan) | ExpressionKind::Exists(plan) | ExpressionKind::TableArgument(plan) => {
                self.relation(plan)
            }
            ExpressionKind::InSubquery { values, plan } => {
                self.expressions(values)?;
                self.relation(plan)
            }
            ExpressionKind::ExpressionString(text) => {
                let parsed = crate::parse::parse_expression(text, &crate::parse::ParseOptions::new(self.settings)?)?;
                self.expression(&parsed)
            }
            _ => Ok(()),
        }
    }

    fn function(&mut self, name: &[String]) -> Result<()> {
        let single = matches!(name, [only] if functions::lookup(only).is_some());
        let operator = matches!(name, [only] if crate::plan::operator::ALL.contains(&only.as_str()));
        if single || operator {
            return Ok(());
        }
        self.ask(Request::Function { name: name.to_vec() })
    }

    fn relation(&mut self, relation: &Relation) -> Result<()> {
        self.one_level(|finder| finder.relation_here(relation))
    }

    fn relation_here(&mut self, relation: &Relation) -> Result<()> {
        match relation.kind.as_ref() {
            RelationKind::NamedTable(table) => {
                if let TableName::Parts(parts) = &table.name
                    && let [name] = parts.as_slice()
                    && self.names.iter().flatten().any(|known| self.settings.same(known, name))
                {
                    return Ok(());
                }
                let request = of_table(table, self.opened, self.settings)?;
                self.ask(request)
            }
            RelationKind::DataSource { format, paths, options, schema, is_streaming } => self.ask(Request::Files {
                format: format.clone(),
                paths: paths.clone(),
                options: options.clone(),
                schema: schema.clone(),
                is_streaming: *is_streaming,
            }),
            RelationKind::LocalRelation { .. } | RelationKind::OneRow | RelationKind::CommandOutput(_) => Ok(()),
            RelationKind::Values { rows } => self.expressions(rows.iter().flatten()),
            RelationKind::TableFunction { name, arguments } => {
                self.function(name)?;
                self.expressions(arguments)
            }
            RelationKind::LateralView { input, generator, .. } => {
                self.relation(input)?;
                self.expression(generator)
            }
            RelationKind::Project { input, expressions } => {
                self.relation(input)?;
                self.expressions(expressions)
            }
            RelationKind::Filter { input, condition }
            | RelationKind::Having { input, condition }
            | RelationKind::Qualify { input, condition } => {
                self.relation(input)?;
                self.expression(condition)
            }
            RelationKind::Aggregate { input, group_type, grouping_expressions, aggregate_expressions, .. } => {
                self.relation(input)?;
                if let GroupType::GroupingSets(sets) = group_type {
                    self.expressions(sets.iter().flatten())?;
                }
                self.expressions(grouping_expressions)?;
                self.expressions(aggregate_expressions)
            }
            RelationKind::Pivot { input, grouping_expressions, aggregate_expressions, column, values, .. } => {
                self.relation(input)?;
                self.expressions(grouping_expressions.iter().flatten())?;
                self.expressions(aggregate_expressions)?;
                self.expression(column)?;
                self.expressions(values)
            }
            RelationKind::Unpivot(unpivot) => {
                self.relation(&unpivot.input)?;
                self.expressions(unpivot.ids.iter().flatten())?;
                self.expressions(unpivot.values.iter().flatten().flat_map(|group| &group.columns))
            }
            RelationKind::Join(join) => {
                self.relation(&join.left)?;
                self.relation(&join.right)?;
                match &join.criteria {
                    JoinCriteria::On(condition) => self.expression(condition),
                    _ => Ok(()),
                }
            }
            RelationKind::SetOperation { left, right, .. } => {
                self.relation(left)?;
                self.relation(right)
            }
            RelationKind::Sort { input, order, .. } => {
                self.relation(input)?;
                self.orders(order)
            }
            RelationKind::Limit { input, limit } => {
                self.relation(input)?;
                self.expressions(limit)
            }
            RelationKind::Offset { input, offset: expression } | RelationKind::Tail { input, limit: expression } => {
                self.relation(input)?;
                self.expression(expression)
            }
            RelationKind::Sample { input, method, .. } => {
                self.relation(input)?;
                match method {
                    SampleMethod::Rows(rows) => self.expression(rows),
                    _ => Ok(()),
                }
            }
            RelationKind::RepartitionByExpression { input, partition_expressions: expressions, .. }
            | RelationKind::Hint { input, parameters: expressions, .. }
            | RelationKind::WithColumns { input, aliases: expressions, .. }
            | RelationKind::Drop { input, columns: expressions, .. }
            | RelationKind::GroupState { input, grouping_expressions: expressions, .. } => {
                self.relation(input)?;
                // Hints name tables and strategies, not columns.
                if matches!(relation.kind.as_ref(), RelationKind::Hint { .. }) { Ok(()) } else { self.expressions(expressions) }
            }
            RelationKind::With(with) => {
                let names = |ctes: &[Cte]| ctes.iter().map(|cte| cte.alias.name.clone()).collect::<Vec<_>>();
                self.names.push(if with.recursive { names(&with.ctes) } else { Vec::new() });
                for cte in &with.ctes {
                    self.relation(&cte.query)?;
                    if let Some(last) = self.names.last_mut() {
                        last.push(cte.alias.name.clone());
                    }
                }
                let done = self.relation(&with.input);
                self.names.pop();
                done
            }
            RelationKind::WithWindows { input, windows } => {
                self.relation(input)?;
                windows.iter().try_for_each(|(_, spec)| self.spec(spec))
            }
            RelationKind::StatFunction(stat) => {
                self.relation(&stat.input)?;
                match &stat.action {
                    StatAction::SampleBy(expression, ..) => self.expression(expression),
                    _ => Ok(()),
                }
            }
            RelationKind::NaFunction(na) => self.relation(&na.input),
            RelationKind::Deduplicate { input, .. }
            | RelationKind::Repartition { input, .. }
            | RelationKind::SubqueryAlias { input, .. }
            | RelationKind::WithColumnsRenamed { input, .. }
            | RelationKind::WithMetadata { input, .. }
            | RelationKind::ToDf { input, .. }
            | RelationKind::PipeStep { input, .. }
            | RelationKind::WithWatermark { input, .. }
            | RelationKind::SideOutput { input, .. }
            | RelationKind::MapBatches { input, .. } => self.relation(input),
        }
    }
}

impl Resolver<'_> {
    /// The parts of a name, computed if need be.
    pub(crate) fn table_name(&mut self, name: &TableName) -> Result<Vec<String>> {
        match name {
            TableName::Parts(parts) => Ok(parts.clone()),
            TableName::Identifier(expression) => self.identifier(expression),
        }
    }

    /// A moment in microseconds since the epoch: a constant.
    pub(crate) fn moment(&mut self, expression: &Expression) -> Result<i64> {
        use crate::error::{at, error};
        let refuse = |message: String| at(error("INVALID_TIME_TRAVEL_TIMESTAMP_EXPR.INPUT", message), expression.span);
        let value = self.expression(expression, &super::Scope::default())?;
        let cast = crate::types::cast::cast(value, &SparkType::Timestamp, crate::plan::CastMode::Session, &self.settings, expression.span)?;
        match functions::constant(&cast)? {
            Some(datafusion::scalar::ScalarValue::TimestampMicrosecond(Some(micros), _)) => Ok(micros),
            Some(_) => Err(refuse("the timestamp to travel to is null or no timestamp: give one such as '2024-01-01'".to_owned())),
            None => Err(refuse("the timestamp to travel to has to be a constant".to_owned())),
        }
    }
}
