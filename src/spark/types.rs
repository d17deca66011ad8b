//! Which type two values meet in, where Spark's answer is not the engine's. Types in, a type out; it changes no plan.
//!
//! | two types | Spark | the engine |
//! |---|---|---|
//! | decimal, double or float | double | a decimal that small and large doubles do not fit |
//! | whole number, float | double | float |
//! | text, decimal | double | the decimal, rounded |
//! | text, whole number | bigint | the number's type, or text |
//! | text, date or timestamp | the date or timestamp | nanoseconds, or text |
//! | timestamps of two units | microseconds | the finer one |
//!
//! Source: Spark, `AnsiTypeCoercion.scala`.

use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use datafusion::logical_expr::type_coercion::binary::type_union_coercion;

use crate::ddl::timestamp;

/// What the two values meet for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meeting {
    /// They are compared.
    Compared,
    /// They are values of one column: CASE, `coalesce`, UNION.
    Unified,
}

/// The common type, or `None` where the engine's own choice is Spark's.
pub(super) fn common(left: &DataType, right: &DataType, why: Meeting) -> Option<DataType> {
    ordered(left, right, why).or_else(|| ordered(right, left, why))
}

fn ordered(left: &DataType, right: &DataType, why: Meeting) -> Option<DataType> {
    use DataType::{Boolean, Date32, Float32, Float64, Int64, Timestamp};
    match (left, right) {
        (l, r) if l.is_decimal() && r.is_floating() => Some(Float64),
        (l, Float32) if l.is_integer() => Some(Float64),
        (l, r) if l.is_string() && (r.is_decimal() || r.is_floating()) => Some(Float64),
        (l, r) if l.is_string() && r.is_integer() => Some(Int64),
        (l, Timestamp(_, zone)) if l.is_string() => Some(Timestamp(TimeUnit::Microsecond, zone.clone())),
        (l, Date32) if l.is_string() && why == Meeting::Unified => Some(Date32),
        (l, Boolean) if l.is_string() => Some(Boolean),
        (Date32, Timestamp(_, zone)) => Some(Timestamp(TimeUnit::Microsecond, zone.clone())),
        (Timestamp(a, zone), Timestamp(b, other)) if a != b || zone != other => {
            if zone.is_some() || other.is_some() {
                Some(timestamp())
            } else {
                Some(Timestamp(TimeUnit::Microsecond, None))
            }
        }
        (l, r) if is_span(l) && is_span(r) && why == Meeting::Compared => Some(DataType::Duration(TimeUnit::Microsecond)),
        _ => None,
    }
}

/// The type that all of them meet in, where Spark's answer is not the engine's.
pub(super) fn common_of(types: &[DataType], why: Meeting) -> Option<DataType> {
    let known: Vec<&DataType> = types.iter().filter(|t| !t.is_null()).collect();
    let (first, rest) = known.split_first()?;
    let mut met = (*first).clone();
    let mut ours = false;
    for other in rest {
        match common(&met, other, why) {
            Some(wider) => {
                met = wider;
                ours = true;
            }
            // Two whole numbers or decimals may still meet a float further on.
            None => met = type_union_coercion(&met, other)?,
        }
    }
    ours.then_some(met)
}

/// A length of time.
fn is_span(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Duration(_) | DataType::Interval(IntervalUnit::MonthDayNano | IntervalUnit::DayTime))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_spark_differs() {
        use DataType::{Boolean, Date32, Decimal128, Duration, Float32, Float64, Int32, Int64, Interval, Null, Timestamp, Utf8};
        let micros = Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let nanos = Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
        let span = Duration(TimeUnit::Microsecond);
        for (types, compared, unified) in [
            (vec![Float64, Decimal128(1, 1)], Some(Float64), Some(Float64)),
            (vec![Decimal128(1, 1), Int32, Float32], Some(Float64), Some(Float64)),
            (vec![Int32, Decimal128(2, 1)], None, None),
            (vec![Int64, Float32], Some(Float64), Some(Float64)),
            (vec![Int64, Float64], None, None),
            (vec![Int32, Utf8], Some(Int64), Some(Int64)),
            (vec![Utf8, Decimal128(3, 2)], Some(Float64), Some(Float64)),
            (vec![Utf8, Boolean], Some(Boolean), Some(Boolean)),
            (vec![Utf8, Date32], None, Some(Date32)),
            (vec![Utf8, micros.clone()], Some(micros.clone()), Some(micros.clone())),
            (vec![micros.clone(), nanos], Some(micros.clone()), Some(micros)),
            (vec![Null, Int32], None, None),
            (vec![span.clone(), Interval(IntervalUnit::MonthDayNano)], Some(span), None),
        ] {
            assert_eq!(common_of(&types, Meeting::Compared), compared, "{types:?}");
            if !matches!(types[0], Duration(_)) {
                assert_eq!(common_of(&types, Meeting::Unified), unified, "{types:?}");
            }
        }
    }
}
