//! Pipe syntax: what stands behind `|>`.

use super::super::keywords::Keyword as K;
use super::super::parser::Parser;
use super::select::is_call;
use super::{Organized, set_operation};
use crate::Result;
use crate::plan::{Expression, ExpressionKind, GroupType, Relation, RelationKind, SetOperation, TableAlias, WithColumnsMode};

impl Parser<'_> {
    /// One step of pipe syntax over the rows of `input`, which begin at the token `start`.
    pub(super) fn pipe_step(&mut self, input: Relation, start: usize) -> Result<Relation> {
        let at = self.index();
        self.advance();
        let word = self.peek();
        let operator = self.text_of(word).to_uppercase();
        let step = match word.keyword() {
            Some(K::SELECT) => self.pipe_select(input)?,
            Some(K::EXTEND) => {
                self.advance();
                let aliases = self.named_expressions()?;
                RelationKind::WithColumns { input, aliases, mode: WithColumnsMode::Extend }.into()
            }
            Some(K::SET) => self.pipe_set(input)?,
            Some(K::DROP) => {
                self.advance();
                let columns = self.list(|p| {
                    let start = p.index();
                    let name = p.multipart_identifier()?;
                    Ok(Expression::attribute(name).at(p.span_from(start)))
                })?;
                RelationKind::Drop { input, columns, must_exist: true }.into()
            }
            Some(K::AS) => {
                self.advance();
                let alias = TableAlias { name: self.checked_identifier()?, columns: Vec::new() };
                RelationKind::SubqueryAlias { input, alias }.into()
            }
            Some(K::WHERE) => {
                let filter = self.where_clause(input)?;
                if self.at(K::WINDOW) && self.at_clause() {
                    self.window_clause()?;
                    self.complain_from(at, "NOT_ALLOWED_IN_PIPE_OPERATOR_WHERE.WINDOW_CLAUSE", "`|> WHERE` has no WINDOW clause");
                }
                filter
            }
            Some(K::PIVOT) => {
                let pivot = self.pivot(input)?;
                self.one_pivot(at)?;
                pivot
            }
            Some(K::UNPIVOT) => {
                let unpivot = self.unpivot(input)?;
                self.one_pivot(at)?;
                unpivot
            }
            Some(K::TABLESAMPLE) => self.sample(input)?,
            Some(K::AGGREGATE) => self.pipe_aggregate(input)?,
            Some(K::UNION | K::EXCEPT | K::MINUS | K::INTERSECT) => self.pipe_set_operation(input)?,
            _ if self.at_join() => self.join(input, start)?,
            Some(K::ORDER | K::CLUSTER | K::DISTRIBUTE | K::SORT | K::WINDOW | K::LIMIT | K::OFFSET) => self.pipe_organized(input, at)?,
            _ => return Err(self.unexpected("no operator of pipe syntax")),
        };
        let span = self.span_from(start);
        let step = if step.span.is_none() { step.at(span) } else { step };
        Ok(Relation::from(RelationKind::PipeStep { input: step, operator }).at(span))
    }

    fn one_pivot(&mut self, at: usize) -> Result<()> {
        if self.at_any(&[K::PIVOT, K::UNPIVOT]) && self.at_clause() {
            let empty = Relation::from(RelationKind::OneRow);
            let _ = if self.at(K::PIVOT) { self.pivot(empty)? } else { self.unpivot(empty)? };
            let message = "PIVOT and UNPIVOT do not go together: put each behind a `|>` of its own";
            self.complain_from(at, "NOT_ALLOWED_IN_FROM.UNPIVOT_WITH_PIVOT", message);
        }
        Ok(())
    }

    /// `SET a = expr, b = expr`: one after the other, so that each sees those before it.
    fn pipe_set(&mut self, input: Relation) -> Result<Relation> {
        let start = self.index();
        self.advance();
        let mut relation = input;
        loop {
            let at = self.index();
            let mut name = self.multipart_identifier()?;
            if name.len() > 1 {
                self.not_allowed(start, "`|> SET` assigns to columns, not to fields of them: their names have one part");
            }
            self.expect_symbol("=")?;
            let value = self.expression()?;
            let alias = Expression::from(ExpressionKind::Alias { expr: Box::new(value), name: vec![name.pop().unwrap_or_default()] });
            let aliases = vec![alias.at(self.span_from(at))];
            self.grow_relation(1)?;
            relation = RelationKind::WithColumns { input: relation, aliases, mode: WithColumnsMode::Set }.into();
            relation = relation.at(self.span_from(start));
            if !self.take_symbol(",") {
                return Ok(relation);
            }
        }
    }

    fn pipe_set_operation(&mut self, left: Relation) -> Result<Relation> {
        let operation = match self.advance().keyword() {
            Some(K::UNION) => SetOperation::Union,
            Some(K::INTERSECT) => SetOperation::Intersect,
            _ => SetOperation::Except,
        };
        let is_all = self.take_any(&[K::ALL, K::DISTINCT]) == Some(K::ALL);
        let right = self.query_primary()?;
        Ok(set_operation(left, right, operation, is_all))
    }

    fn pipe_organized(&mut self, input: Relation, at: usize) -> Result<Relation> {
        let start = self.index();
        let Organized { relation, clauses } = self.organized(input, start, true)?;
        if clauses.contains(&"WINDOW") {
            let message = "WINDOW does not stand behind `|>`: define the window in OVER";
            self.complain_from(at, "UNSUPPORTED_FEATURE.CLAUSE_WITH_PIPE_OPERATORS", message);
        } else if let [first, second, ..] = clauses.as_slice()
            && (*first, *second) != ("OFFSET", "LIMIT")
        {
            let message = format!("{first} and {second} stand behind one `|>`: give each its own");
            let e = self.refuse("MULTIPLE_QUERY_RESULT_CLAUSES_WITH_PIPE_OPERATORS", message, Some(self.span_from(at)));
            let e = e.with_parameter("clause1", *first).with_parameter("clause2", *second);
            self.complain(e);
        }
        Ok(relation)
    }

    /// `AGGREGATE aggregates GROUP BY keys`
    fn pipe_aggregate(&mut self, input: Relation) -> Result<Relation> {
        let start = self.index();
        self.advance();
        let ends = self.at_all(&[K::GROUP, K::BY]) || !self.expression_may_start(0);
        let aggregate_expressions = if ends { Vec::new() } else { self.named_expressions()? };
        let at = self.index();
        let grouping = if self.at_all(&[K::GROUP, K::BY]) { Some(self.group_by(true)?) } else { None };
        if aggregate_expressions.is_empty() && grouping.is_none() {
            self.not_allowed(start, "`|> AGGREGATE` needs aggregates, GROUP BY, or both");
        }
        let (group_type, grouping_expressions) = match grouping {
            Some(grouping) => (grouping.group_type, grouping.expressions),
            None => (GroupType::GroupBy, Vec::new()),
        };
        let bad = match &group_type {
            GroupType::All => Some("GROUP BY ALL"),
            GroupType::Cube => Some("GROUP BY CUBE"),
            GroupType::Rollup => Some("GROUP BY ROLLUP"),
            GroupType::GroupingSets(_) => Some("GROUPING SETS"),
            GroupType::GroupBy => grouping_expressions.iter().chain(&aggregate_expressions).find_map(unsupported_in_aggregate),
        };
        if let Some(what) = bad {
            let message = format!("{what} does not go with `|> AGGREGATE`: write a SELECT");
            let e = self.refuse(
                "UNSUPPORTED_FEATURE.PIPE_OPERATOR_AGGREGATE_UNSUPPORTED_CASE",
                message,
                Some(self.span_from(at.min(self.index() - 1))),
            );
            self.complain(e.with_parameter("case", what));
        }
        Ok(RelationKind::Aggregate { input, group_type, grouping_expressions, aggregate_expressions, keep_grouping: true }.into())
    }
}

/// What `|> AGGREGATE` does not take, at the top of an expression.
fn unsupported_in_aggregate(e: &Expression) -> Option<&'static str> {
    match &e.kind {
        ExpressionKind::Alias { expr, .. } => unsupported_in_aggregate(expr),
        ExpressionKind::Window { .. } => Some("OVER"),
        _ if is_call(e, &["rollup"]) => Some("GROUP BY ROLLUP"),
        _ if is_call(e, &["cube"]) => Some("GROUP BY CUBE"),
        _ if is_call(e, &["grouping_sets"]) => Some("GROUPING SETS"),
        _ if is_call(e, &["grouping"]) => Some("GROUPING"),
        _ if is_call(e, &["grouping_id"]) => Some("GROUPING_ID"),
        _ => None,
    }
}
