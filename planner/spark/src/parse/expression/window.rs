//! Windows: what stands behind OVER and in the WINDOW clause.

use super::super::keywords::Keyword as K;
use super::super::parser::Parser;
use crate::Result;
use crate::plan::{Expression, ExpressionKind, FrameBound, FrameUnit, SortOrder, WindowFrame, WindowSpec};

impl Parser<'_> {
    /// `name`, `(name)`, `(PARTITION BY … ORDER BY … frame)`
    pub(in super::super) fn window_spec(&mut self) -> Result<WindowSpec> {
        if !self.at_symbol("(") {
            return Ok(WindowSpec { reference: Some(self.checked_identifier()?), ..WindowSpec::default() });
        }
        self.advance();
        if self.is_name(self.peek()) && self.peek_at(1).is(")") {
            let reference = Some(self.identifier()?);
            self.expect_symbol(")")?;
            return Ok(WindowSpec { reference, ..WindowSpec::default() });
        }
        let level = self.enter()?;
        let mut spec = WindowSpec::default();
        if self.take_all(&[K::CLUSTER, K::BY]) {
            spec.partition_by = self.expressions()?;
        } else {
            if self.take_any(&[K::PARTITION, K::DISTRIBUTE]).is_some() {
                self.expect(K::BY)?;
                spec.partition_by = self.expressions()?;
            }
            if self.take_any(&[K::ORDER, K::SORT]).is_some() {
                self.expect(K::BY)?;
                spec.order_by = self.list(Self::window_sort_item)?;
            }
        }
        if let Some(unit) = self.take_any(&[K::ROWS, K::RANGE]) {
            spec.frame = Some(self.frame(if unit == K::ROWS { FrameUnit::Rows } else { FrameUnit::Range })?);
        }
        self.expect_symbol(")")?;
        self.leave(level)?;
        Ok(spec)
    }

    fn window_sort_item(&mut self) -> Result<SortOrder> {
        self.sort_item()
    }

    fn frame(&mut self, unit: FrameUnit) -> Result<WindowFrame> {
        if self.take(K::BETWEEN) {
            let lower = self.frame_bound()?;
            self.expect(K::AND)?;
            return Ok(WindowFrame { unit, lower, upper: self.frame_bound()? });
        }
        Ok(WindowFrame { unit, lower: self.frame_bound()?, upper: FrameBound::CurrentRow })
    }

    fn frame_bound(&mut self) -> Result<FrameBound> {
        if self.take_all(&[K::CURRENT, K::ROW]) {
            return Ok(FrameBound::CurrentRow);
        }
        if self.at(K::UNBOUNDED) && matches!(self.peek_at(1).keyword(), Some(K::PRECEDING | K::FOLLOWING)) {
            self.advance();
            let preceding = self.advance().keyword() == Some(K::PRECEDING);
            return Ok(if preceding { FrameBound::UnboundedPreceding } else { FrameBound::UnboundedFollowing });
        }
        let start = self.index();
        // An expression would take the AND behind it for its own.
        let value = self.value(0)?;
        if !is_constant(&value) {
            self.complain_from(start, "_LEGACY_ERROR_TEMP_0064", "the bound of a frame is a constant, as in `ROWS 5 PRECEDING`");
        }
        match self.expect_any(&[K::PRECEDING, K::FOLLOWING])? {
            K::PRECEDING => Ok(FrameBound::Preceding(value)),
            _ => Ok(FrameBound::Following(value)),
        }
    }
}

/// Whether an expression is made of constants and operators. Its depth is limited by the parser.
fn is_constant(e: &Expression) -> bool {
    match &e.kind {
        ExpressionKind::Literal(_) | ExpressionKind::Parameter(_) => true,
        ExpressionKind::Cast { expr, .. } => is_constant(expr),
        ExpressionKind::UnresolvedFunction(call) => call.is_operator && call.arguments.iter().all(is_constant),
        _ => false,
    }
}
