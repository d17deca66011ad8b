//! TABLESAMPLE and `df.sample`: each row is taken or left by Spark's own numbers, one sequence per partition.
//!
//! Source: Spark, `SampleExec` and `BernoulliCellSampler`.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use rand::Rng;
use tidemill_planner::logical::{Pass, RowPass, RowStep};
use tidemill_planner::seam::TaskScope;

use super::stream::extension;
use super::{Rel, Resolver};
use crate::Result;
use crate::error::error;
use crate::functions::XorShift;
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
        let rel = self.relation(input)?;
        if with_replacement {
            return Err(error(
                "UNSUPPORTED_FEATURE.TABLE_OPERATION",
                "a sample with replacement is not supported: join with `sequence` and sample that",
            ));
        }
        if low <= 0.0 && high >= 1.0 {
            return Ok(rel);
        }
        let pass = Sample { low, high, seed: seed.unwrap_or_else(|| rand::rng().random()) };
        let plan = extension(RowStep { input: rel.plan, pass: Arc::new(pass) });
        Ok(Rel::new(plan, rel.scope))
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

/// Whether a step leaves out rows by their numbers.
pub(super) fn is_sample(pass: &dyn RowPass) -> bool {
    let pass: &dyn Any = pass;
    pass.is::<Sample>()
}

/// Takes the rows whose numbers are from `low` to `high`.
#[derive(Debug)]
struct Sample {
    low: f64,
    high: f64,
    seed: i64,
}

impl RowPass for Sample {
    fn describe(&self) -> String {
        format!("Sample: {} to {}, seed {}", self.low, self.high, self.seed)
    }

    fn begin(&self, partition: usize, _: &TaskScope) -> Result<Pass> {
        let offset = i64::try_from(partition).unwrap_or(i64::MAX);
        let mut numbers = XorShift::new(self.seed.wrapping_add(offset));
        let taken = self.low..self.high;
        Ok(Box::new(move |batch: RecordBatch| {
            let picked: BooleanArray = (0..batch.num_rows()).map(|_| Some(taken.contains(&numbers.double()))).collect();
            Ok(filter_record_batch(&batch, &picked)?)
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int64Array, RecordBatch};
    use arrow::datatypes::Int64Type;
    use tidemill_planner::logical::RowPass;
    use tidemill_planner::seam::TaskScope;

    use super::Sample;

    /// Which of the numbers from the first cut to the last are taken, in batches from cut to cut.
    fn taken(sample: &Sample, partition: usize, cuts: &[i64]) -> Vec<i64> {
        let mut pass = sample.begin(partition, &TaskScope::new(None)).unwrap();
        let mut rows = Vec::new();
        for batch in cuts.windows(2) {
            let numbers = Arc::new(Int64Array::from_iter_values(batch[0]..batch[1]));
            let batch = pass(RecordBatch::try_from_iter([("n", numbers as _)]).unwrap()).unwrap();
            rows.extend(batch.column(0).as_primitive::<Int64Type>().values());
        }
        rows
    }

    #[test]
    fn batches_do_not_matter_and_partitions_do() {
        let sample = Sample { low: 0.0, high: 0.4, seed: 7 };
        let whole = taken(&sample, 0, &[0, 1000]);
        assert_eq!(taken(&sample, 0, &[0, 10, 11, 1000]), whole);
        assert_ne!(taken(&sample, 1, &[0, 1000]), whole);
        assert_eq!(taken(&Sample { seed: 8, ..sample }, 0, &[0, 1000]), taken(&Sample { low: 0.0, high: 0.4, seed: 7 }, 1, &[0, 1000]));
        assert!((350..450).contains(&whole.len()), "{} of 1000 rows", whole.len());
    }

    /// The parts that `randomSplit` makes of one sequence have each row once.
    #[test]
    fn neighbours_share_no_row_and_lose_none() {
        let part = |low, high| taken(&Sample { low, high, seed: 42 }, 0, &[0, 1000]);
        let mut both = [part(0.0, 0.25), part(0.25, 1.0)].concat();
        both.sort_unstable();
        assert_eq!(both, (0..1000).collect::<Vec<i64>>());
    }
}
