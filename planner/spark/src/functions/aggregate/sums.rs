//! `sum` and `avg`, and those that give null where a total does not fit.

use datafusion::common::ScalarValue;

use super::udaf::{How, make};
use super::{plain, row, shown_as, totals};
use crate::functions::{Call, Function, Want};
use crate::types::SparkType::{self, Decimal, Double, Long};
use crate::{Result, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "sum",
        "sum(expr) - The sum of numbers or intervals.",
        &[("SELECT sum(col) FROM VALUES (5), (10), (15) AS tab(col)", "30")],
        |call| sum(call, false),
    ),
    row(
        "try_sum",
        "try_sum(expr) - The sum of numbers or intervals; null where it does not fit its type.",
        &[
            ("SELECT try_sum(col) FROM VALUES (5), (10), (15) AS tab(col)", "30"),
            ("SELECT try_sum(col) FROM VALUES (9223372036854775807L), (1L) AS tab(col)", "NULL"),
        ],
        |call| sum(call, true),
    ),
    row("avg", AVG, &[("SELECT avg(col) FROM VALUES (1), (2), (3) AS tab(col)", "2.0")], |call| avg(call, false)),
    row("mean", AVG, &[("SELECT mean(col) FROM VALUES (1), (2), (NULL) AS tab(col)", "1.5")], |call| avg(call, false)),
    row(
        "try_avg",
        "try_avg(expr) - The mean of numbers or intervals; null where the sum does not fit its type.",
        &[("SELECT try_avg(col) FROM VALUES (1), (2), (3) AS tab(col)", "2.0")],
        |call| avg(call, true),
    ),
];

const AVG: &str = "avg(expr) - The mean of numbers or intervals.";

const TOTALS: How = How::Fold { one: totals::one, many: Some(totals::many), state: totals::state };

fn constants(call: &Call<'_>, mean: bool, tolerant: bool) -> Vec<ScalarValue> {
    let overflow = if tolerant {
        1
    } else if call.settings.ansi {
        0
    } else {
        2
    };
    vec![ScalarValue::Boolean(Some(mean)), ScalarValue::Int8(Some(overflow))]
}

fn sum(call: &mut Call<'_>, tolerant: bool) -> Result<Typed> {
    call.arity(1..=1)?;
    plain(call, false)?;
    let value = call.want(0, &Want::NumericOrInterval)?;
    let (of, out) = match &value.data_type {
        Decimal(p, s) => (Decimal(*p, *s), Decimal((p + 10).min(38), *s)),
        integral if integral.is_integral() => (Long, Long),
        interval if interval.is_ansi_interval() => (interval.clone(), interval.clone()),
        _ => (Double, Double),
    };
    let value = call.cast(value, &of)?;
    Ok(make(call, "sum", TOTALS, vec![value], constants(call, false, tolerant), out, true).shown(shown_as(call, call.name)?))
}

fn avg(call: &mut Call<'_>, tolerant: bool) -> Result<Typed> {
    call.arity(1..=1)?;
    plain(call, false)?;
    let value = call.want(0, &Want::NumericOrInterval)?;
    Ok(average(call, value, tolerant)?.shown(shown_as(call, call.name)?))
}

/// The mean of a value, which is a number or an interval.
pub(super) fn average(call: &Call<'_>, value: Typed, tolerant: bool) -> Result<Typed> {
    let (of, out) = match &value.data_type {
        Decimal(p, s) => (Decimal(*p, *s), bounded(p + 4, s + 4)),
        SparkType::YearMonthInterval(..) => (value.data_type.clone(), SparkType::YEAR_MONTH),
        SparkType::DayTimeInterval(..) => (value.data_type.clone(), SparkType::DAY_TIME),
        _ => (Double, Double),
    };
    let value = call.cast(value, &of)?;
    Ok(make(call, "avg", TOTALS, vec![value], constants(call, true, tolerant), out, true))
}

fn bounded(digits: u8, places: u8) -> SparkType {
    Decimal(digits.min(38), places.min(38))
}
