//! TABLESAMPLE and `df.sample`.

use datafusion::logical_expr::{Expr, lit};

use super::nodes::filtered;
use super::{Rel, Resolver};
use crate::Result;
use crate::error::error;
use crate::functions::{KernelArgs, SparkScalar};
use crate::plan::{Relation, SampleMethod};
use crate::types::SparkType;
use arrow::array::{ArrayRef, Float64Array};
use datafusion::scalar::ScalarValue;
use rand::{Rng, SeedableRng};
use std::sync::Arc;

impl Resolver<'_> {
    pub(crate) fn sample(&mut self, input: &Relation, method: &SampleMethod, with_replacement: bool, seed: Option<i64>) -> Result<Rel> {
        let (low, high) = match method {
            SampleMethod::Rows(rows) => return self.limit(input, Some(rows)),
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
        if low == 0.0 && high >= 1.0 {
            return Ok(rel);
        }
        let seed = seed.unwrap_or_else(|| rand::rng().random());
        let draw = SparkScalar::new("sample_draw", draws, Vec::new(), SparkType::Double, Arc::clone(&self.settings))
            .with_constants(vec![ScalarValue::Int64(Some(seed))])
            .with_nullable(false)
            .volatile()
            .call(Vec::new());
        let condition: Expr = if low > 0.0 { draw.clone().gt_eq(lit(low)).and(draw.lt(lit(high))) } else { draw.lt(lit(high)) };
        let plan = filtered(rel.plan, condition)?;
        Ok(Rel::new(plan, rel.scope))
    }
}

/// A number between 0 and 1 per row.
fn draws(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let seed = match args.constants.first() {
        Some(ScalarValue::Int64(Some(seed))) => *seed,
        _ => 0,
    };
    let mut random = rand::rngs::StdRng::seed_from_u64(seed.cast_unsigned());
    Ok(Arc::new((0..args.rows).map(|_| random.random::<f64>()).collect::<Float64Array>()))
}
