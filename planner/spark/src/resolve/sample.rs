//! TABLESAMPLE and `df.sample`.

use rand::Rng;

use super::{Rel, Resolver};
use crate::Result;
use crate::error::error;
use crate::plan::{CastMode, Expression, ExpressionKind, Relation, RelationKind, SampleMethod, SortOrder, WindowSpec, WithColumnsMode};
use crate::types::SparkType;

impl Resolver<'_> {
    pub(crate) fn sample(&mut self, input: &Relation, method: &SampleMethod, with_replacement: bool, seed: Option<i64>) -> Result<Rel> {
        let (low, high) = match method {
            SampleMethod::Rows(rows) => return self.limit(input, Some(rows)),
            SampleMethod::Part { lower_bound, upper_bound } => return self.part(input, *lower_bound, *upper_bound, seed.unwrap_or(0)),
            SampleMethod::Fraction { lower_bound, upper_bound } => (*lower_bound, *upper_bound),
            SampleMethod::Bucket { numerator, denominator } => (0.0, *numerator as f64 / *denominator as f64),
        };
        if with_replacement {
            return Err(error(
                "UNSUPPORTED_FEATURE.TABLE_OPERATION",
                "a sample with replacement is not supported: join with `sequence` and sample that",
            ));
        }
        if low == 0.0 && high >= 1.0 {
            return self.relation(input);
        }
        let seed = seed.unwrap_or_else(|| rand::rng().random());
        // One number a row, Spark's for rows in the same order in one task.
        let draw = Expression::call("rand", vec![Expression::literal(seed)]);
        let condition = if low > 0.0 {
            let above = Expression::operator("-", vec![draw, Expression::literal(low)]);
            let cell = Expression::call("floor", vec![Expression::operator("/", vec![above, Expression::literal(high - low)])]);
            Expression::operator("=", vec![cell, Expression::literal(0_i64)])
        } else {
            Expression::operator("<", vec![draw, Expression::literal(high)])
        };
        self.relation(&RelationKind::Filter { input: input.clone(), condition }.into())
    }
}

impl Resolver<'_> {
    /// The rows whose number, of all rows in the order of all columns, is dealt into the part: a hash of the seed and the number. What
    /// the rows came from may give them in another order each time, and still deals them out alike.
    fn part(&mut self, input: &Relation, low: f64, high: f64, seed: i64) -> Result<Rel> {
        let columns = self.relation(input)?.scope.columns;
        let order = columns.iter().map(|column| {
            let name = Expression::attribute([column.name.clone()]);
            let child = if crate::types::lattice::is_orderable(&column.data_type) { name } else { text(name) };
            SortOrder { child, ascending: true, nulls_first: true }
        });
        let spec = Box::new(WindowSpec { order_by: order.collect(), ..WindowSpec::default() });
        let number = Expression::call("row_number", Vec::new());
        let number: Expression = ExpressionKind::Window { window_function: Box::new(number), spec }.into();
        let name = self.fresh("dealt");
        let hash = Expression::call("xxhash64", vec![Expression::attribute([name.clone()]), Expression::literal(seed)]);
        let share = Expression::call("pmod", vec![hash, Expression::literal(DEALT)]);
        let bound = |share: f64| Expression::literal((share * DEALT as f64).round() as i64);
        let above = Expression::operator(">=", vec![share.clone(), bound(low)]);
        let below = Expression::operator("<", vec![share, bound(high)]);
        let numbered =
            RelationKind::WithColumns { input: input.clone(), aliases: vec![number.alias(&name)], mode: WithColumnsMode::Upsert };
        let kept = RelationKind::Filter { input: numbered.into(), condition: Expression::operator("and", vec![above, below]) };
        let columns = vec![Expression::attribute([name])];
        self.relation(&RelationKind::Drop { input: kept.into(), columns, must_exist: true }.into())
    }
}

/// How finely rows are dealt out.
const DEALT: i64 = 1 << 40;

fn text(child: Expression) -> Expression {
    ExpressionKind::Cast { expr: Box::new(child), to_type: SparkType::String, mode: CastMode::Session }.into()
}
