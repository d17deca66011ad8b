//! `percentile_approx`: one of the values, by Greenwald and Khanna's summaries.
//!
//! Source: Spark, `ApproximatePercentile.scala`, `QuantileSummaries.scala`.

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::compute::{filter, sort_to_indices, take};
use datafusion::common::ScalarValue;
use tidemill_planner::float::{Normal, normalize};

use super::percentiles::shares;
use super::udaf::{How, Spec, list_of, make, valid, value_at};
use super::{plain, row, shown_as};
use crate::functions::{Call, Function, Want};
use crate::types::SparkType::{self, Date, Long, Timestamp, TimestampNtz};
use crate::{Result, Sql, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "percentile_approx",
        USAGE,
        &[
            ("SELECT percentile_approx(col, array(0.5, 0.4, 0.1), 100) FROM VALUES (0), (1), (2), (10) AS tab(col)", "[1,1,0]"),
            ("SELECT percentile_approx(col, 0.5, 100) FROM VALUES (0), (6), (7), (9), (10) AS tab(col)", "7"),
        ],
        build,
    ),
    row(
        "approx_percentile",
        USAGE,
        &[("SELECT approx_percentile(col, 0.5, 100) FROM VALUES (0), (6), (7), (9), (10) AS tab(col)", "7")],
        build,
    ),
];

const USAGE: &str = "percentile_approx(expr, share[, accuracy]) - The least value up to which about that share of all values lies; an array \
                     of shares gives an array.";

fn build(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=3)?;
    plain(call, false)?;
    let given = call.arg(0)?;
    let value = match &given.data_type {
        Date | Timestamp | TimestampNtz => given,
        _ => call.want(0, &Want::NumericOrInterval)?,
    };
    let accuracy = if call.len() == 3 {
        call.want(2, &Want::Integral)?;
        call.constant(2, &Long)?
    } else {
        ScalarValue::Int64(Some(10_000))
    };
    let ScalarValue::Int64(Some(accuracy)) = accuracy else {
        let message = format!("cannot resolve \"{}\": the accuracy is null; give a positive number", call.sql());
        return Err(call.refuse("DATATYPE_MISMATCH.UNEXPECTED_NULL", message));
    };
    if accuracy <= 0 || accuracy > i32::MAX.into() {
        let message = format!("cannot resolve \"{}\": the accuracy is from 1 to {}, and not {accuracy}", call.sql(), i32::MAX);
        return Err(call.refuse("DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", message));
    }
    let (shares, many) = shares(call, 1)?;
    let shown = if call.len() == 3 {
        shown_as(call, call.name)?
    } else {
        let values = call.values()?;
        let accuracy = Sql::from("10000");
        let name = if call.distinct { format!("{}(DISTINCT ", call.name) } else { format!("{}(", call.name) };
        let mut parts = vec![Sql::from(name)];
        for value in &values {
            parts.push(value.sql.clone());
            parts.push(Sql::from(", "));
        }
        parts.push(accuracy);
        parts.push(Sql::from(")"));
        Sql::concat(parts)
    };
    let item = value.data_type.clone();
    let out = if many { SparkType::Array(Box::new(item), false) } else { item };
    let mut constants = vec![ScalarValue::Int64(Some(accuracy))];
    constants.extend(shares.into_iter().map(|share| ScalarValue::Float64(Some(share))));
    Ok(make(call, "percentile_approx", How::Whole(evaluate), vec![value], constants, out, true).shown(shown))
}

/// As many values as Spark puts in at once.
const HEAD: usize = 50_000;

/// As many samples as Spark keeps without thinning them out.
const THRESHOLD: usize = 10_000;

fn evaluate(spec: &Spec, columns: &[ArrayRef]) -> Result<ScalarValue> {
    let Some(values) = columns.first() else { return spec.null() };
    let values = normalize(&filter(values, &valid(values))?, Normal::Key)?;
    if values.is_empty() {
        return spec.null();
    }
    let accuracy = if let Some(ScalarValue::Int64(Some(accuracy))) = spec.constants.first() { *accuracy } else { 10_000 };
    let shares: Vec<f64> = spec.constants.iter().filter_map(|c| if let ScalarValue::Float64(share) = c { *share } else { None }).collect();
    if shares.is_empty() {
        return spec.null();
    }
    // Samples are places in the order of all values, so that a value comes back as it is.
    let order = sort_to_indices(&values, None, None)?;
    let mut rank = vec![0_u32; values.len()];
    for (place, row) in (0_u32..).zip(order.values()) {
        if let Some(slot) = rank.get_mut(*row as usize) {
            *slot = place;
        }
    }
    let places = Summary::of(&rank, 1.0 / accuracy as f64).query(&shares);
    let rows: UInt32Array = places.into_iter().map(|place| order.values().get(place as usize).copied()).collect();
    let items = take(&values, &rows, None)?;
    if matches!(spec.out, SparkType::Array(..)) { list_of(spec, items) } else { value_at(&items, 0) }
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    value: u32,
    /// How many ranks it is above the sample before it, at least.
    gap: i64,
    /// How many more it may be.
    more: i64,
}

/// What is known of a column.
#[derive(Debug)]
struct Summary {
    samples: Vec<Sample>,
    count: i64,
    error: f64,
}

impl Summary {
    fn of(values: &[u32], error: f64) -> Self {
        let mut summary = Self { samples: Vec::new(), count: 0, error };
        for head in values.chunks(HEAD) {
            summary.insert(head);
            if head.len() == HEAD && summary.samples.len() >= THRESHOLD {
                summary.compress();
            }
        }
        summary.compress();
        summary
    }

    fn insert(&mut self, head: &[u32]) {
        let mut sorted = head.to_vec();
        sorted.sort_unstable();
        let mut merged: Vec<Sample> = Vec::with_capacity(self.samples.len() + sorted.len());
        let mut before = self.samples.iter().copied().peekable();
        for (i, &value) in sorted.iter().enumerate() {
            while let Some(sample) = before.next_if(|sample| sample.value <= value) {
                merged.push(sample);
            }
            self.count += 1;
            let end = merged.is_empty() || (before.peek().is_none() && i + 1 == sorted.len());
            let more = if end { 0 } else { (2.0 * self.error * self.count as f64).floor() as i64 };
            merged.push(Sample { value, gap: 1, more });
        }
        merged.extend(before);
        self.samples = merged;
    }

    fn compress(&mut self) {
        let limit = 2.0 * self.error * self.count as f64;
        let (Some(&first), Some(&last)) = (self.samples.first(), self.samples.last()) else { return };
        let mut head = last;
        let mut kept = Vec::new();
        let inner = self.samples.get(1..self.samples.len().saturating_sub(1)).unwrap_or_default();
        for &sample in inner.iter().rev() {
            if ((sample.gap + head.gap + head.more) as f64) < limit {
                head.gap += sample.gap;
            } else {
                kept.push(head);
                head = sample;
            }
        }
        kept.push(head);
        if first.value <= head.value && self.samples.len() > 1 {
            kept.push(first);
        }
        kept.reverse();
        self.samples = kept;
    }

    fn query(&self, shares: &[f64]) -> Vec<u32> {
        let mut found = vec![0; shares.len()];
        let (Some(first), Some(last)) = (self.samples.first(), self.samples.last()) else { return found };
        let target = (self.samples.iter().map(|sample| sample.gap + sample.more).max().unwrap_or(0) / 2) as f64;
        let mut order: Vec<usize> = (0..shares.len()).collect();
        order.sort_by(|&a, &b| shares[a].total_cmp(&shares[b]));
        let (mut index, mut least) = (0, first.gap);
        for at in order {
            let share = shares[at];
            found[at] = if share <= self.error {
                first.value
            } else if share >= 1.0 - self.error {
                last.value
            } else {
                self.find(&mut index, &mut least, target, share)
            };
        }
        found
    }

    fn find(&self, index: &mut usize, least: &mut i64, target: f64, share: f64) -> u32 {
        let rank = (share * self.count as f64).ceil();
        let end = self.samples.len().saturating_sub(1);
        while let Some(sample) = self.samples.get(*index).filter(|_| *index < end) {
            let most = *least + sample.more;
            if most as f64 - target <= rank && rank <= *least as f64 + target {
                return sample.value;
            }
            *index += 1;
            *least += self.samples.get(*index).map_or(0, |next| next.gap);
        }
        *least = 0;
        self.samples.last().map_or(0, |sample| sample.value)
    }
}

#[cfg(test)]
mod tests {
    use super::Summary;

    #[test]
    fn of_few_and_of_many() {
        let few = Summary::of(&[0, 1, 2, 3], 0.01);
        assert_eq!(few.query(&[0.5, 0.4, 0.1]), [1, 1, 0]);
        let five = Summary::of(&[0, 1, 2, 3, 4], 0.01);
        assert_eq!(five.query(&[0.5]), [2]);
        let many: Vec<u32> = (0..200_000_u32).map(|i| i.wrapping_mul(7919) % 200_000).collect();
        for (share, found) in [0.1, 0.5, 0.9].into_iter().zip(Summary::of(&many, 0.001).query(&[0.1, 0.5, 0.9])) {
            assert!((f64::from(found) / 200_000.0 - share).abs() < 0.001, "{share} {found}");
        }
    }
}
