//! `width_bucket`: which of equally wide buckets a value falls into.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{Float64Type, Int64Type};

use super::row;
use super::whole::interval_as_double;
use crate::functions::{Call, Function, KernelArgs};
use crate::types::SparkType::{self, Double, Long};
use crate::{Result, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[row(
    "width_bucket",
    "width_bucket(value, low, high, buckets) - The number of the bucket that `value` falls into, of so many equally wide ones between \
     `low` and `high`: 0 below them, one more than there are above.",
    &[
        ("SELECT width_bucket(5.3, 0.2, 10.6, 5)", "3"),
        ("SELECT width_bucket(-2.1, 1.3, 3.4, 3)", "0"),
        ("SELECT width_bucket(8.1, 0.0, 5.7, 4)", "5"),
        ("SELECT width_bucket(-0.9, 5.2, 0.5, 2)", "3"),
    ],
    build,
)];

fn build(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(4..=4)?;
    let first = call.arg(0)?.data_type;
    let mut args = Vec::with_capacity(4);
    for at in 0..3 {
        let value = call.arg(at)?;
        let alike = match first {
            SparkType::YearMonthInterval(..) => matches!(value.data_type, SparkType::YearMonthInterval(..)),
            SparkType::DayTimeInterval(..) => matches!(value.data_type, SparkType::DayTimeInterval(..)),
            _ => !value.data_type.is_ansi_interval(),
        };
        if !alike {
            let message = format!(
                "cannot resolve \"{}\": the first three parameters of `width_bucket` are of one type; cast \"{}\"",
                call.sql(),
                value.sql
            );
            return Err(call.refuse("DATATYPE_MISMATCH.DATA_DIFF_TYPES", message));
        }
        args.push(if value.data_type.is_ansi_interval() { interval_as_double(call, value) } else { call.want_type(at, Double)? });
    }
    args.push(call.want_type(3, Long)?);
    Ok(call.scalar(kernel, args, Long, true))
}

fn kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let double = |at: usize| args.arrays[at].as_primitive::<Float64Type>();
    let (values, lows, highs, counts) = (double(0), double(1), double(2), args.arrays[3].as_primitive::<Int64Type>());
    let made: Int64Array = (0..args.rows)
        .map(|row| {
            let known = args.arrays.iter().all(|array| array.is_valid(row));
            known.then(|| bucket(values.value(row), lows.value(row), highs.value(row), counts.value(row))).flatten()
        })
        .collect();
    Ok(Arc::new(made))
}

fn bucket(value: f64, low: f64, high: f64, count: i64) -> Option<i64> {
    if count <= 0 || count == i64::MAX || value.is_nan() || low == high || !low.is_finite() || !high.is_finite() {
        return None;
    }
    let width = (high - low).abs();
    let (below, above, way) =
        if low < high { (value < low, value >= high, value - low) } else { (value > low, value <= high, low - value) };
    Some(match (below, above) {
        (true, _) => 0,
        (_, true) => count + 1,
        _ => ((count as f64 * way / width) as i64).saturating_add(1),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn buckets() {
        for (value, low, high, count, expected) in [
            (5.3, 0.2, 10.6, 5, Some(3)),
            (-2.1, 1.3, 3.4, 3, Some(0)),
            (8.1, 0.0, 5.7, 4, Some(5)),
            (-0.9, 5.2, 0.5, 2, Some(3)),
            (1.0, 1.0, 1.0, 2, None),
            (1.0, 0.0, 2.0, 0, None),
            (f64::NAN, 0.0, 2.0, 2, None),
        ] {
            assert_eq!(super::bucket(value, low, high, count), expected, "{value} {low} {high} {count}");
        }
    }
}
