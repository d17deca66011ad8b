//! PIVOT and UNPIVOT.

use super::super::keywords::Keyword as K;
use super::super::parser::Parser;
use crate::Result;
use crate::plan::{Expression, ExpressionKind, Relation, RelationKind, TableAlias, Unpivot, UnpivotGroup};

impl Parser<'_> {
    /// `PIVOT (aggregates FOR columns IN (values)) AS name`
    pub(super) fn pivot(&mut self, input: Relation) -> Result<Relation> {
        let start = self.index();
        self.expect(K::PIVOT)?;
        self.expect_symbol("(")?;
        let aggregate_expressions = self.named_expressions()?;
        self.expect(K::FOR)?;
        let column = self.pivot_column()?;
        self.expect(K::IN)?;
        let values = self.in_parens(Self::pivot_value)?;
        self.expect_symbol(")")?;
        let alias = self.relation_name()?;
        let kind = RelationKind::Pivot { input, grouping_expressions: None, aggregate_expressions, column, values, alias };
        Ok(Relation::from(kind).at(self.span_from(start)))
    }

    fn pivot_column(&mut self) -> Result<Expression> {
        let start = self.index();
        if !self.at_symbol("(") {
            let name = self.checked_identifier()?;
            return Ok(Expression::attribute([name]).at(self.span_from(start)));
        }
        let columns = self.in_parens(|p| {
            let at = p.index();
            let name = p.checked_identifier()?;
            Ok(Expression::attribute([name]).at(p.span_from(at)))
        })?;
        let span = self.span_from(start);
        let mut columns = columns;
        if columns.len() == 1
            && let Some(only) = columns.pop()
        {
            return Ok(only);
        }
        Ok(Expression::call("struct", columns).at(span))
    }

    fn pivot_value(&mut self) -> Result<Expression> {
        let start = self.index();
        let e = self.expression()?;
        if !self.take(K::AS) && !self.is_name(self.peek()) {
            return Ok(e);
        }
        let name = vec![self.checked_identifier()?];
        Ok(Expression::from(ExpressionKind::Alias { expr: Box::new(e), name }).at(self.span_from(start)))
    }

    /// `AS name` behind PIVOT and UNPIVOT
    fn relation_name(&mut self) -> Result<Option<TableAlias>> {
        let named = self.at_alias() && !self.at_join() && self.is_strict_name(self.peek());
        if !(self.take(K::AS) || named) {
            return Ok(None);
        }
        Ok(Some(TableAlias { name: self.checked_identifier()?, columns: Vec::new() }))
    }

    /// `UNPIVOT INCLUDE NULLS (values FOR name IN (columns)) AS name`
    pub(super) fn unpivot(&mut self, input: Relation) -> Result<Relation> {
        let start = self.index();
        self.expect(K::UNPIVOT)?;
        let mut include_nulls = false;
        if self.at_any(&[K::INCLUDE, K::EXCLUDE]) {
            include_nulls = self.advance().keyword() == Some(K::INCLUDE);
            self.expect(K::NULLS)?;
        }
        self.expect_symbol("(")?;
        let several = self.at_symbol("(");
        let value_columns = if several { self.in_parens(Self::identifier)? } else { vec![self.identifier()?] };
        self.expect(K::FOR)?;
        let variable_column = self.identifier()?;
        self.expect(K::IN)?;
        let values = self.in_parens(|p| p.unpivot_group(several))?;
        self.expect_symbol(")")?;
        let alias = self.relation_name()?;
        let unpivot = Unpivot { input, ids: None, values: Some(values), variable_column, value_columns, include_nulls, alias };
        Ok(Relation::from(RelationKind::Unpivot(Box::new(unpivot))).at(self.span_from(start)))
    }

    fn unpivot_group(&mut self, several: bool) -> Result<UnpivotGroup> {
        let column = |p: &mut Self| {
            let start = p.index();
            let name = p.multipart_identifier()?;
            Ok(Expression::attribute(name).at(p.span_from(start)))
        };
        let columns = if several { self.in_parens(column)? } else { vec![column(self)?] };
        let named = self.take(K::AS) || self.is_name(self.peek());
        let alias = if named { Some(self.checked_identifier()?) } else { None };
        Ok(UnpivotGroup { columns, alias })
    }
}
