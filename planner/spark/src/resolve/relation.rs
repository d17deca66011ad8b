//! Relations: what each kind means.

use datafusion::logical_expr::LogicalPlanBuilder;

use super::nodes::project;
use super::opened::OpenedRelation;
use super::scope::Scope;
use super::set_operation::How;
use super::{Rel, Request, Resolver, request};
use crate::error::{at, error};
use crate::plan::{CastMode, NamedTable, Relation, RelationKind, Span, TableName};
use crate::types::{SparkType, StructField, cast};
use crate::{Error, Result, Typed};

/// How an error begins that comes from a view's query.
const IN_VIEW: &str = "in the view `";

impl Resolver<'_> {
    pub(crate) fn relation(&mut self, relation: &Relation) -> Result<Rel> {
        let made = self.one_level(|resolver| resolver.relation_here(relation));
        let mut rel = made.map_err(|e| at(e, relation.span))?;
        if let Some(id) = relation.plan_id {
            for attribute in rel.scope.columns.iter_mut().chain(&mut rel.scope.hidden) {
                attribute.plan_ids.push(id);
            }
            if let Some(under) = &mut rel.under {
                under.mark(id);
            }
        }
        Ok(rel)
    }

    fn relation_here(&mut self, relation: &Relation) -> Result<Rel> {
        let span = relation.span;
        match relation.kind.as_ref() {
            RelationKind::NamedTable(table) => self.named_table(table, span),
            RelationKind::DataSource { format, paths, options, schema, is_streaming } => self.opened_relation(
                &Request::Files {
                    format: format.clone(),
                    paths: paths.clone(),
                    options: options.clone(),
                    schema: schema.clone(),
                    is_streaming: *is_streaming,
                },
                span,
            ),
            RelationKind::LocalRelation { handle } => match self.opened.handles.get(handle) {
                Some(opened) => {
                    let opened = opened.clone();
                    self.relation_of(&opened, span)
                }
                None => Err(error("INTERNAL_ERROR", format!("the session has no rows under {handle}"))),
            },
            RelationKind::Values { rows } => self.values(rows, span),
            RelationKind::OneRow => self.one_row(),
            RelationKind::TableFunction { name, arguments } => self.table_function(name, arguments, span),
            RelationKind::LateralView { input, generator, outer, table_alias, columns } => {
                self.lateral_view(input, generator, *outer, table_alias.as_deref(), columns, span)
            }
            RelationKind::Project { input, expressions } => self.project(input, expressions),
            RelationKind::Filter { input, condition } => self.filter(input, condition),
            RelationKind::Aggregate { input, group_type, grouping_expressions, aggregate_expressions, keep_grouping } => {
                self.aggregate(input, group_type, grouping_expressions, aggregate_expressions, *keep_grouping)
            }
            RelationKind::Having { input, condition } => self.having(input, condition),
            RelationKind::Qualify { input, condition } => self.qualify(input, condition),
            RelationKind::Pivot { input, grouping_expressions, aggregate_expressions, column, values, alias } => {
                let rel = self.pivot(input, grouping_expressions.as_deref(), aggregate_expressions, column, values)?;
                match alias {
                    Some(alias) => self.aliased(rel, alias),
                    None => Ok(rel),
                }
            }
            RelationKind::Unpivot(unpivot) => self.unpivot(unpivot),
            RelationKind::Join(join) => self.join(join, span),
            RelationKind::SetOperation { left, right, operation, is_all, by_name, allow_missing_columns } => {
                let how = How { operation: *operation, is_all: *is_all, by_name: *by_name, allow_missing: *allow_missing_columns };
                self.set_operation(left, right, how, span)
            }
            RelationKind::Deduplicate { input, column_names, within_watermark } => self.deduplicate(input, column_names, *within_watermark),
            RelationKind::Sort { input, order, is_global } => self.sort(input, order, *is_global),
            RelationKind::Limit { input, limit } => self.limit(input, limit.as_ref()),
            RelationKind::Offset { input, offset } => self.offset(input, offset),
            RelationKind::Tail { .. } => Err(not_here("tail", "order the other way round and use `limit`")),
            RelationKind::Sample { input, method, with_replacement, seed } => self.sample(input, method, *with_replacement, *seed),
            RelationKind::RepartitionByExpression { input, partition_expressions, num_partitions } => {
                self.dealt_by(input, partition_expressions, *num_partitions)
            }
            RelationKind::Repartition { input, num_partitions, shuffle } => self.repartition(input, *num_partitions, *shuffle),
            RelationKind::Hint { input, name, parameters } => self.hint(input, name, parameters),
            RelationKind::SubqueryAlias { input, alias } => {
                let rel = self.relation(input)?;
                self.aliased(rel, alias)
            }
            RelationKind::With(with) => self.with(with),
            RelationKind::WithWindows { input, windows } => {
                let frame = windows.iter().map(|(name, spec)| (name.to_lowercase(), spec.clone())).collect();
                self.windows.push(frame);
                let rel = self.relation(input);
                self.windows.pop();
                rel
            }
            RelationKind::WithColumns { input, aliases, mode } => self.with_columns(input, aliases, *mode),
            RelationKind::WithColumnsRenamed { input, renames } => self.renamed(input, renames),
            RelationKind::WithMetadata { input, column, metadata } => self.with_metadata(input, column, metadata),
            RelationKind::ToDf { input, column_names } => self.named_anew(input, column_names),
            RelationKind::Drop { input, columns, must_exist } => self.drop(input, columns, *must_exist),
            RelationKind::PipeStep { input, operator } => self.pipe_step(input, operator, span),
            RelationKind::NaFunction(function) => self.na_function(function),
            RelationKind::StatFunction(stat) => self.statistics(stat),
            RelationKind::WithWatermark { input, event_time, delay_threshold } => self.with_watermark(input, event_time, delay_threshold),
            RelationKind::GroupState { input, grouping_expressions, handle } => self.group_state(input, grouping_expressions, *handle),
            RelationKind::SideOutput { input, port } => self.side_output(input, port),
            RelationKind::MapBatches { input, handle } => self.map_batches(input, *handle),
            RelationKind::CommandOutput(_) => Err(error("INTERNAL_ERROR", "a command stands where a query is needed")),
        }
    }

    fn named_table(&mut self, table: &NamedTable, span: Option<Span>) -> Result<Rel> {
        let parts = match &table.name {
            TableName::Parts(parts) => parts.clone(),
            TableName::Identifier(expression) => self.identifier(expression)?,
        };
        if let [name] = parts.as_slice()
            && table.temporal.is_none()
            && let Some(rel) = self.cte(name)?
        {
            return Ok(rel);
        }
        let settings = std::sync::Arc::clone(&self.settings);
        let request = request::of_table(table, self.opened, &settings)?;
        self.opened_relation(&request, span)
    }

    fn opened_relation(&mut self, request: &Request, span: Option<Span>) -> Result<Rel> {
        let opened = self.opened.relations.get(request).cloned();
        match opened {
            Some(OpenedRelation::Missing) | None => Err(at(self.unknown_table(request), span)),
            Some(opened) => {
                let mut rel = self.relation_of(&opened, span)?;
                // A view of a DataFrame has its own name, and not those of what the DataFrame was made from.
                if let (Request::Table { name, .. }, OpenedRelation::Resolved(_)) = (request, &opened) {
                    rel.scope.columns.iter_mut().for_each(|attribute| attribute.qualifier.clone_from(name));
                }
                Ok(rel)
            }
        }
    }

    fn unknown_table(&self, request: &Request) -> crate::Error {
        let Request::Table { name, .. } = request else {
            return error("PATH_NOT_FOUND", "the files are not there: check the path");
        };
        let shown = name.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join(".");
        let last = name.last().map_or("", String::as_str);
        let hint = tidemill_planner::ident::did_you_mean(last, self.opened.known_tables.iter().map(String::as_str));
        error("TABLE_OR_VIEW_NOT_FOUND", format!("there is no table or view {shown}{hint}")).with_parameter("relationName", shown)
    }

    fn relation_of(&mut self, opened: &OpenedRelation, span: Option<Span>) -> Result<Rel> {
        match opened {
            OpenedRelation::Table { name, source, columns } => {
                let id = self.fresh(name.last().map_or("files", String::as_str));
                let plan = LogicalPlanBuilder::scan(id, std::sync::Arc::clone(source), None)?.build()?;
                let mut rel = self.columns_of(plan, columns)?;
                for attribute in &mut rel.scope.columns {
                    attribute.qualifier.clone_from(name);
                }
                self.padded(rel)
            }
            OpenedRelation::Plan { plan, columns } => self.columns_of(plan.clone(), columns),
            OpenedRelation::Resolved(resolved) => {
                let columns: Vec<StructField> = resolved.output.iter().map(|column| column.field.clone()).collect();
                let mut rel = self.columns_of(resolved.plan.clone(), &columns)?;
                for (attribute, column) in rel.scope.columns.iter_mut().zip(&resolved.output) {
                    attribute.qualifier.clone_from(&column.qualifier);
                }
                Ok(rel)
            }
            OpenedRelation::View { name, relation, columns, query_columns, settings } => {
                self.view(name, relation, (columns, query_columns), settings.as_ref(), span)
            }
            OpenedRelation::Missing => Err(error("TABLE_OR_VIEW_NOT_FOUND", "there is no such table or view")),
        }
    }

    fn view(
        &mut self,
        name: &[String],
        relation: &Relation,
        (columns, query_columns): (&[StructField], &[String]),
        settings: Option<&std::sync::Arc<crate::Settings>>,
        span: Option<Span>,
    ) -> Result<Rel> {
        let key = format!("view {}", name.join(".")).to_lowercase();
        if self.inside.contains(&key) {
            return Err(at(error("RECURSIVE_VIEW", format!("the view `{}` names itself: change its query", name.join("."))), span));
        }
        self.inside.push(key);
        // A view sees nothing of the statement that uses it.
        let mut inner = Resolver {
            uses: std::mem::take(&mut self.uses),
            inside: std::mem::take(&mut self.inside),
            height: self.height,
            ..Resolver::new(self.opened, settings.unwrap_or(&self.settings))
        };
        let rel = inner.relation(relation);
        self.uses = std::mem::take(&mut inner.uses);
        self.inside = std::mem::take(&mut inner.inside);
        self.height = inner.height;
        self.inside.pop();
        // Of views in one another the innermost says where.
        let mut rel =
            rel.map_err(|e| if e.message().contains(IN_VIEW) { e } else { e.context(format!("{IN_VIEW}{}`", name.join("."))) })?;
        rel.under = None;
        rel.scope.hidden.clear();
        if !columns.is_empty() {
            rel = self.as_it_was(rel, columns, query_columns).map_err(|gone| {
                let message = format!(
                    "the view `{}` was made of a column `{gone}`, which its query does not give any more: make the view again with CREATE OR \
                     REPLACE VIEW",
                    name.join(".")
                );
                at(error("INCOMPATIBLE_VIEW_SCHEMA_CHANGE", message), span)
            })?;
            let mut exprs = Vec::with_capacity(columns.len());
            for (attribute, column) in rel.scope.columns.iter_mut().zip(columns) {
                let typed = attribute.typed(&attribute.name);
                let then = match &column.data_type {
                    SparkType::Char(_) | SparkType::Varchar(_) => SparkType::String,
                    other => other.clone(),
                };
                let now = cast::cast(typed, &then, CastMode::Session, &self.settings, span)?;
                if now.expr != attribute.expr() {
                    attribute.id = self.fresh(&column.name);
                    attribute.data_type = then;
                    attribute.nullable = now.nullable;
                }
                exprs.push(super::nodes::under_id(now.expr, &attribute.id));
                attribute.name.clone_from(&column.name);
                attribute.metadata.extend(column.metadata.clone());
            }
            if exprs.iter().zip(&rel.scope.columns).any(|(expr, attribute)| *expr != attribute.expr()) {
                rel.plan = project(rel.plan, exprs)?;
            }
        }
        for attribute in &mut rel.scope.columns {
            attribute.qualifier = name.to_vec();
            attribute.plan_ids.clear();
        }
        Ok(rel)
    }

    /// A view's columns as they were when it was made: found by the names that they had in its query. The name of one that is gone.
    fn as_it_was(&self, mut rel: Rel, columns: &[StructField], query_columns: &[String]) -> std::result::Result<Rel, String> {
        let mut now = rel.scope.columns;
        let found: std::result::Result<Vec<_>, String> = columns
            .iter()
            .enumerate()
            .map(|(place, column)| {
                let name = query_columns.get(place).unwrap_or(&column.name);
                let at = now.iter().position(|attribute| self.settings.same(&attribute.name, name));
                at.map(|at| now.remove(at)).ok_or_else(|| name.clone())
            })
            .collect();
        rel.scope.columns = found?;
        Ok(rel)
    }

    /// Text of a char column is read with its blanks.
    fn padded(&mut self, rel: Rel) -> Result<Rel> {
        if !rel.scope.columns.iter().any(|a| matches!(a.data_type, SparkType::Char(_) | SparkType::Varchar(_))) {
            return Ok(rel);
        }
        let mut exprs = Vec::new();
        let mut scope = rel.scope;
        for attribute in &mut scope.columns {
            let declared = attribute.data_type.clone();
            let typed = Typed { data_type: SparkType::String, ..attribute.typed(&attribute.name) };
            attribute.data_type = SparkType::String;
            if let SparkType::Char(_) | SparkType::Varchar(_) = declared {
                attribute.metadata.insert("__CHAR_VARCHAR_TYPE_STRING".to_owned(), declared.to_string());
            } else {
                attribute.data_type = declared.clone();
            }
            exprs.push(match declared {
                SparkType::Char(length) => {
                    let length = i32::try_from(length).unwrap_or(i32::MAX);
                    let length = self.literal(&crate::plan::Literal::Integer(length))?;
                    self.apply("rpad", vec![typed, length])?.expr
                }
                _ => attribute.expr(),
            });
        }
        let plan = project(rel.plan, exprs.into_iter().zip(&scope.columns).map(|(e, a)| super::nodes::under_id(e, &a.id)).collect())?;
        Ok(Rel::new(plan, scope))
    }

    fn deduplicate(&mut self, input: &Relation, column_names: &[String], within_watermark: bool) -> Result<Rel> {
        let rel = self.relation(input)?;
        let streams = tidemill_planner::legality::is_streaming(&rel.plan);
        if within_watermark && !streams {
            return Err(Error::analysis("`drop_duplicates_within_watermark` is for streams: over a table, use `drop_duplicates`"));
        }
        if column_names.is_empty() && streams {
            let keys = rel.scope.columns.clone();
            return Ok(self.dedup(rel, &keys, within_watermark));
        }
        if column_names.is_empty() {
            if let Some(column) = rel.scope.columns.iter().find(|a| crate::types::lattice::has_map(&a.data_type)) {
                let message =
                    format!("DISTINCT compares rows, and the column `{}` is \"{}\": leave it out", column.name, column.data_type.sql());
                return Err(error("UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE", message));
            }
            // Only what is seen is compared.
            let resolved = rel.finish()?;
            let plan = LogicalPlanBuilder::from(resolved.plan).distinct()?.build()?;
            let scope = Scope::new(
                resolved
                    .output
                    .into_iter()
                    .map(|c| {
                        let mut a = super::scope::Attribute::new(c.id, c.field.name, c.field.data_type, c.field.nullable);
                        a.metadata = c.field.metadata;
                        a.qualifier = c.qualifier;
                        a
                    })
                    .collect(),
            );
            return Ok(Rel::new(plan, scope));
        }
        self.deduplicate_by(rel, column_names, within_watermark)
    }

    /// Steps of pipe syntax are the relations that they are made of.
    fn pipe_step(&mut self, input: &Relation, operator: &str, span: Option<Span>) -> Result<Rel> {
        use super::holds::has_aggregate;
        let rel = self.relation(input)?;
        let lower = operator.to_lowercase();
        if matches!(lower.as_str(), "extend" | "set")
            && let Some(under) = &rel.under
            && let Some(output) = under.outputs().iter().find(|o| has_aggregate(&o.definition.expr))
        {
            let message = format!("|> {operator} holds the aggregate \"{}\": use |> AGGREGATE", output.definition.sql);
            return Err(at(error("PIPE_OPERATOR_CONTAINS_AGGREGATE_FUNCTION", message), span));
        }
        // What comes behind a pipe sees its columns alone.
        Ok(Rel { under: None, ..rel })
    }
}

/// The error for a step that is resolved elsewhere.
fn not_here(what: &str, instead: &str) -> crate::Error {
    crate::Error::unsupported(format!("{what} does not stand here: use {instead}"))
}
