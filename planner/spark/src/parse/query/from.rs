//! FROM: relations separated by commas, joins, lateral views.

use super::super::keywords::Keyword as K;
use super::super::lexer::TokenKind;
use super::super::parser::Parser;
use crate::Result;
use crate::plan::{Expression, FunctionCall, Join, JoinCriteria, JoinType, Relation, RelationKind};

impl Parser<'_> {
    /// `FROM a, b JOIN c ON … LATERAL VIEW … PIVOT …`
    pub(in super::super) fn read_from(&mut self) -> Result<Relation> {
        let start = self.index();
        self.expect(K::FROM)?;
        let mut left: Option<Relation> = None;
        loop {
            let at = self.index();
            let is_lateral = self.at(K::LATERAL) && self.take(K::LATERAL);
            let beside = self.begin_beside();
            let mut right = self.relation_primary()?;
            if is_lateral {
                self.check_lateral(&right, at);
            }
            if self.options.ansi_relation_precedence {
                right = self.relation_extensions(right, at)?;
            }
            self.end_beside(beside);
            let mut joined = match left {
                None => right,
                Some(left) => {
                    self.grow_relation(1)?;
                    let join = Join { left, right, join_type: JoinType::Inner, criteria: JoinCriteria::None, is_lateral };
                    Relation::from(RelationKind::Join(Box::new(join))).at(self.span_from(start + 1))
                }
            };
            if !self.options.ansi_relation_precedence {
                // Joins take all that stands before them, commas too.
                joined = self.relation_extensions(joined, start + 1)?;
            }
            left = Some(joined);
            if !self.take_symbol(",") {
                break;
            }
        }
        let mut relation = left.unwrap_or_else(|| RelationKind::OneRow.into());
        while self.at_all(&[K::LATERAL, K::VIEW]) {
            relation = self.lateral_view(relation)?;
            let after = self.index();
            if self.at(K::PIVOT) && self.at_clause() {
                relation = self.pivot(relation)?;
                self.complain_from(
                    after,
                    "NOT_ALLOWED_IN_FROM.LATERAL_WITH_PIVOT",
                    "PIVOT does not follow LATERAL VIEW: put one into a subquery",
                );
            } else if self.at(K::UNPIVOT) && self.at_clause() {
                relation = self.unpivot(relation)?;
                self.complain_from(
                    after,
                    "NOT_ALLOWED_IN_FROM.LATERAL_WITH_UNPIVOT",
                    "UNPIVOT does not follow LATERAL VIEW: put one into a subquery",
                );
            }
        }
        Ok(relation)
    }

    /// LATERAL stands before a subquery or a table function.
    fn check_lateral(&mut self, relation: &Relation, start: usize) {
        if !is_lateral_relation(relation) {
            let condition = "INVALID_SQL_SYNTAX.LATERAL_WITHOUT_SUBQUERY_OR_TABLE_VALUED_FUNC";
            self.complain_from(start, condition, "LATERAL stands before a subquery or a table function");
        }
    }

    /// A relation with its joins.
    pub(super) fn relation(&mut self) -> Result<Relation> {
        let start = self.index();
        if self.at(K::LATERAL) && self.peek_at(1).keyword() != Some(K::VIEW) {
            self.advance();
        }
        let relation = self.relation_primary()?;
        self.relation_extensions(relation, start)
    }

    fn relation_extensions(&mut self, mut relation: Relation, start: usize) -> Result<Relation> {
        loop {
            relation = if self.at_join() {
                self.join(relation, start)?
            } else if self.at(K::PIVOT) && self.at_clause() {
                self.pivot(relation)?
            } else if self.at(K::UNPIVOT) && self.at_clause() {
                self.unpivot(relation)?
            } else {
                return Ok(relation);
            };
            self.grow_relation(1)?;
        }
    }

    /// Whether a join stands here.
    pub(super) fn at_join(&self) -> bool {
        let next = self.peek_at(1).keyword();
        match self.peek().keyword() {
            Some(K::JOIN) => true,
            Some(K::INNER | K::CROSS) => next == Some(K::JOIN),
            Some(K::LEFT) => matches!(next, Some(K::JOIN | K::OUTER | K::SEMI | K::ANTI)),
            Some(K::RIGHT | K::FULL) => matches!(next, Some(K::JOIN | K::OUTER)),
            Some(K::SEMI | K::ANTI) => next == Some(K::JOIN),
            Some(K::NATURAL) => true,
            _ => false,
        }
    }

    /// `NATURAL LEFT OUTER JOIN LATERAL … ON …`
    pub(super) fn join(&mut self, left: Relation, start: usize) -> Result<Relation> {
        let at = self.index();
        let natural = self.take(K::NATURAL);
        let join_type = self.join_type();
        self.expect(K::JOIN)?;
        let is_lateral = self.at(K::LATERAL) && self.take(K::LATERAL);
        let right_start = self.index();
        let beside = self.begin_beside();
        let right = self.relation_primary()?;
        self.end_beside(beside);
        if is_lateral {
            self.check_lateral(&right, right_start);
        }
        let criteria = if natural {
            if is_lateral || join_type == JoinType::Cross {
                let (first, second) = if is_lateral { ("LATERAL", "NATURAL") } else { ("NATURAL", "CROSS") };
                let e =
                    self.refuse("INCOMPATIBLE_JOIN_TYPES", format!("a join is not both {first} and {second}"), Some(self.span_from(at)));
                self.complain(e.with_parameter("joinType1", first).with_parameter("joinType2", second));
            }
            JoinCriteria::Natural
        } else if self.take(K::ON) {
            JoinCriteria::On(self.expression()?)
        } else if self.at(K::USING) && self.peek_at(1).is("(") {
            self.advance();
            if is_lateral {
                self.complain_from(at, "UNSUPPORTED_FEATURE.LATERAL_JOIN_USING", "a lateral join has no USING: write ON");
            }
            JoinCriteria::Using(self.identifier_list()?)
        } else if self.at_any(&[K::APPROX, K::EXACT]) && self.peek_at(1).keyword() == Some(K::NEAREST) {
            self.nearest_by(join_type, is_lateral, at)?
        } else {
            JoinCriteria::None
        };
        if is_lateral && !matches!(join_type, JoinType::Inner | JoinType::Cross | JoinType::LeftOuter) {
            let message = "a lateral join is INNER, CROSS or LEFT OUTER";
            self.complain_from(at, "INVALID_LATERAL_JOIN_TYPE", message);
        }
        let join = Join { left, right, join_type, criteria, is_lateral };
        Ok(Relation::from(RelationKind::Join(Box::new(join))).at(self.span_from(start)))
    }

    fn join_type(&mut self) -> JoinType {
        match self.take_any(&[K::INNER, K::CROSS, K::LEFT, K::RIGHT, K::FULL, K::SEMI, K::ANTI]) {
            Some(K::CROSS) => JoinType::Cross,
            Some(K::SEMI) => JoinType::LeftSemi,
            Some(K::ANTI) => JoinType::LeftAnti,
            Some(K::LEFT) => match self.take_any(&[K::OUTER, K::SEMI, K::ANTI]) {
                Some(K::SEMI) => JoinType::LeftSemi,
                Some(K::ANTI) => JoinType::LeftAnti,
                _ => JoinType::LeftOuter,
            },
            Some(K::RIGHT) => {
                self.take(K::OUTER);
                JoinType::RightOuter
            }
            Some(K::FULL) => {
                self.take(K::OUTER);
                JoinType::FullOuter
            }
            _ => JoinType::Inner,
        }
    }

    /// `EXACT NEAREST 3 BY DISTANCE expr`: read, and refused.
    fn nearest_by(&mut self, join_type: JoinType, is_lateral: bool, start: usize) -> Result<JoinCriteria> {
        let at = self.index();
        self.go_to(at + 2);
        let count = if self.peek().kind == TokenKind::Integer { Some(self.integer()?) } else { None };
        self.expect(K::BY)?;
        self.expect_any(&[K::DISTANCE, K::SIMILARITY])?;
        self.expression()?;
        if is_lateral {
            self.complain_from(start, "UNSUPPORTED_FEATURE.LATERAL_JOIN_NEAREST_BY", "a lateral join has no NEAREST BY");
        } else if !matches!(join_type, JoinType::Inner | JoinType::LeftOuter) {
            self.complain_from(start, "NEAREST_BY_JOIN.UNSUPPORTED_JOIN_TYPE", "a join by nearest rows is INNER or LEFT OUTER");
        } else if count.is_some_and(|n| !(1..=100_000).contains(&n)) {
            self.complain_from(start, "NEAREST_BY_JOIN.NUM_RESULTS_OUT_OF_RANGE", "the number of nearest rows lies between 1 and 100000");
        } else {
            self.complain_from(at, "NOT_SUPPORTED_YET", "joins by nearest rows are not there yet: rank the pairs with a window function");
        }
        Ok(JoinCriteria::None)
    }

    /// `LATERAL VIEW [OUTER] f(…) t AS a, b`
    pub(super) fn lateral_view(&mut self, input: Relation) -> Result<Relation> {
        let start = self.index();
        self.expect_all(&[K::LATERAL, K::VIEW])?;
        let outer = self.at(K::OUTER) && !self.peek_at(1).is("(") && self.take(K::OUTER);
        let at = self.index();
        let name = self.qualified_name()?;
        if name.len() > 2 {
            let message = format!("`{}` is no name of a function: it has more than two parts", name.join("."));
            self.complain_from(at, "INVALID_SQL_SYNTAX.UNSUPPORTED_FUNC_NAME", message);
        }
        self.expect_symbol("(")?;
        let arguments = if self.at_symbol(")") { Vec::new() } else { self.expressions()? };
        self.expect_symbol(")")?;
        let call = FunctionCall { name, ..FunctionCall::new("", arguments) };
        let generator = Expression::from(crate::plan::ExpressionKind::UnresolvedFunction(Box::new(call))).at(self.span_from(at));
        let table_alias = Some(self.identifier()?);
        let columns = if self.take(K::AS) || (self.is_name(self.peek()) && !self.at_clause() && !self.at_join()) {
            self.list(Self::identifier)?
        } else {
            Vec::new()
        };
        self.grow_relation(1)?;
        let kind = RelationKind::LateralView { input, generator, outer, table_alias, columns };
        Ok(Relation::from(kind).at(self.span_from(start)))
    }
}

/// Whether LATERAL may stand before it.
fn is_lateral_relation(relation: &Relation) -> bool {
    match relation.kind.as_ref() {
        RelationKind::SubqueryAlias { input, .. } => {
            !matches!(input.kind.as_ref(), RelationKind::NamedTable(_) | RelationKind::Values { .. } | RelationKind::Join(_))
        }
        RelationKind::NamedTable(_) | RelationKind::Values { .. } | RelationKind::Join(_) => false,
        _ => true,
    }
}
