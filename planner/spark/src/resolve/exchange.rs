//! What a program says of partitions: `repartition`, `repartitionByRange`, `coalesce`, DISTRIBUTE BY, and the hints of those names. What is
//! said of a stream, or inside of a query in an expression, is read and left: rows stay where they are.

use datafusion::logical_expr::{LogicalPlan, SortExpr};
use tidemill_planner::legality::is_streaming;
use tidemill_planner::logical::{Dealing, Exchange};

use super::stream::extension;
use super::{Rel, Resolver};
use crate::error::error;
use crate::plan::{Expression, ExpressionKind, Literal, Relation, SortOrder, name_parts};
use crate::{Error, Result};

/// How rows are dealt, and into how many partitions if the program says that.
#[derive(Debug, Clone)]
pub(crate) struct Dealt {
    pub(crate) dealing: Dealing,
    pub(crate) partitions: Option<usize>,
}

/// How the program wants rows to be dealt, its keys as it says them.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) keys: Vec<SortOrder>,
    pub(super) by_range: bool,
    partitions: Option<usize>,
}

impl Wish {
    /// Keys that have an order are those of ranges.
    ///
    /// # Errors
    /// `Analysis` when some have one and others have not, or for less than one partition.
    pub(super) fn of(expressions: &[Expression], partitions: Option<i32>) -> Result<Self> {
        let partitions = partitions.map(checked_dealt).transpose()?;
        let is_ordered = |expression: &Expression| matches!(expression.kind, ExpressionKind::SortOrder(_));
        let by_range = expressions.first().is_some_and(is_ordered);
        if expressions.iter().any(|expression| is_ordered(expression) != by_range) {
            return Err(Error::analysis(
                "rows are dealt by a key or by ranges of a key: give each column of `repartition_by_range` an order, and none of `repartition`",
            ));
        }
        let key = |expression: &Expression| match &expression.kind {
            ExpressionKind::SortOrder(order) => order.as_ref().clone(),
            _ => SortOrder { child: expression.clone(), ascending: true, nulls_first: true },
        };
        Ok(Self { keys: expressions.iter().map(key).collect(), by_range, partitions })
    }

    /// With its keys resolved.
    pub(super) fn dealt(&self, keys: Vec<SortExpr>) -> Dealt {
        let dealing = match () {
            () if keys.is_empty() => Dealing::InTurn,
            () if self.by_range => Dealing::ByRange(keys),
            () => Dealing::ByKey(keys.into_iter().map(|key| key.expr.unalias()).collect()),
        };
        Dealt { dealing, partitions: self.partitions }
    }
}

impl Dealt {
    /// The rows of a plan so dealt. Of two exchanges of the same rows the last one counts.
    pub(super) fn over(self, plan: LogicalPlan) -> LogicalPlan {
        let before = match &plan {
            LogicalPlan::Extension(found) if self.dealing != Dealing::Merged => {
                found.node.as_any().downcast_ref::<Exchange>().map(|exchange| exchange.input.clone())
            }
            _ => None,
        };
        extension(Exchange { input: before.unwrap_or(plan), dealing: self.dealing, partitions: self.partitions })
    }
}

/// How many partitions rows are dealt to at most: every task that deals has a place for each.
const MOST_DEALT: usize = 100_000;

/// A number of partitions.
fn checked(partitions: i32) -> Result<usize> {
    match usize::try_from(partitions) {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(Error::analysis(format!("requirement failed: Number of partitions ({partitions}) must be positive."))),
    }
}

/// A number of partitions that rows are dealt to.
fn checked_dealt(partitions: i32) -> Result<usize> {
    match checked(partitions)? {
        number if number <= MOST_DEALT => Ok(number),
        number => {
            Err(Error::unsupported(format!("rows are dealt to at most {MOST_DEALT} partitions, and {number} are more: ask for fewer")))
        }
    }
}

impl Resolver<'_> {
    /// Whether rows of this plan can be put elsewhere: those of a stream go by the keys of its state, and nobody sees the partitions of a
    /// query inside of an expression.
    pub(super) fn deals(&self, plan: &LogicalPlan) -> bool {
        self.outer.is_empty() && !is_streaming(plan)
    }

    /// `repartition(n)`, `coalesce(n)`
    pub(super) fn repartition(&mut self, input: &Relation, partitions: i32, shuffle: bool) -> Result<Rel> {
        let partitions = Some(if shuffle { checked_dealt(partitions)? } else { checked(partitions)? });
        let mut rel = self.relation(input)?;
        if self.deals(&rel.plan) {
            let dealt = Dealt { dealing: if shuffle { Dealing::InTurn } else { Dealing::Merged }, partitions };
            if let Some(under) = &mut rel.under {
                under.deal(&dealt);
            }
            rel.plan = dealt.over(rel.plan);
        }
        Ok(rel)
    }

    /// A hint: those of partitions are steps, others are the optimizer's to know better.
    ///
    /// Source: Spark, `ResolveHints.scala` (`ResolveCoalesceHints`).
    pub(super) fn hint(&mut self, input: &Relation, name: &str, parameters: &[Expression]) -> Result<Rel> {
        let name = name.to_uppercase();
        let number = match parameters.first().map(|first| &first.kind) {
            Some(ExpressionKind::Literal(Literal::Integer(number))) => Some(*number),
            _ => None,
        };
        let columns = parameters.get(usize::from(number.is_some())..).unwrap_or_default();
        match (name.as_str(), number) {
            ("COALESCE", Some(number)) if columns.is_empty() => self.repartition(input, number, false),
            ("COALESCE", _) => {
                Err(error("_LEGACY_ERROR_TEMP_1046", format!("the hint {name} takes a number of partitions, as in {name}(4)")))
            }
            ("REPARTITION", Some(number)) if columns.is_empty() => self.repartition(input, number, true),
            ("REPARTITION", _) => self.dealt_by(input, &hinted(&name, columns, false)?, number),
            ("REPARTITION_BY_RANGE", _) => self.dealt_by(input, &hinted(&name, columns, true)?, number),
            // How large partitions are is looked at while the query runs; a number is where that begins.
            ("REBALANCE", _) => self.dealt_by(input, &hinted(&name, columns, false)?, None),
            _ => self.relation(input),
        }
    }

    /// `repartition(n, columns…)`, `repartitionByRange(n, columns…)`, DISTRIBUTE BY
    pub(super) fn dealt_by(&mut self, input: &Relation, expressions: &[Expression], partitions: Option<i32>) -> Result<Rel> {
        let wish = Wish::of(expressions, partitions)?;
        self.arranged(input, Some(wish), &[], false)
    }
}

/// The columns of a hint. Programs may name them by texts.
fn hinted(name: &str, columns: &[Expression], by_range: bool) -> Result<Vec<Expression>> {
    let column = |column: &Expression| {
        let child = match &column.kind {
            ExpressionKind::UnresolvedAttribute { .. } => column.clone(),
            ExpressionKind::Literal(Literal::String(text)) => Expression::attribute(name_parts(text)),
            _ => {
                let message = format!("the hint {name} takes a number of partitions and columns, as in {name}(4, a, b)");
                return Err(error("_LEGACY_ERROR_TEMP_1047", message));
            }
        };
        if !by_range {
            return Ok(child);
        }
        let order = SortOrder { child, ascending: true, nulls_first: true };
        Ok(ExpressionKind::SortOrder(Box::new(order)).into())
    };
    columns.iter().map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::{Wish, checked, checked_dealt};
    use crate::plan::{Expression, ExpressionKind, SortOrder};

    #[test]
    fn keys_have_an_order_all_or_none() {
        let plain = || Expression::attribute(["a"]);
        let falling = || -> Expression {
            ExpressionKind::SortOrder(Box::new(SortOrder { child: plain(), ascending: false, nulls_first: false })).into()
        };
        assert!(!Wish::of(&[], Some(3)).unwrap().by_range);
        assert!(!Wish::of(&[plain(), plain()], None).unwrap().by_range);
        let ranges = Wish::of(&[falling(), falling()], Some(2)).unwrap();
        assert!(ranges.by_range && !ranges.keys[0].ascending);
        assert!(Wish::of(&[plain(), falling()], None).unwrap_err().message().contains("by ranges of a key"));
    }

    #[test]
    fn there_is_at_least_one_partition() {
        assert_eq!(checked(1).unwrap(), 1);
        assert_eq!(checked(i32::MAX).unwrap(), i32::MAX as usize, "there are never more than before");
        assert!(checked_dealt(i32::MAX).unwrap_err().message().contains("at most 100000"));
        for none in [0, -3] {
            assert_eq!(
                checked(none).unwrap_err().message(),
                format!("requirement failed: Number of partitions ({none}) must be positive.")
            );
        }
    }
}
