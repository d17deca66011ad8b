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

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef, TimeUnit};
use datafusion::logical_expr::type_coercion::binary::type_union_coercion;

use super::spans::is_span;
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
    ordered(left, right, why).or_else(|| ordered(right, left, why)).or_else(|| nested(left, right, why))
}

/// Arrays, maps and structs meet where their parts do.
fn nested(left: &DataType, right: &DataType, why: Meeting) -> Option<DataType> {
    use DataType::{List, Map, Struct};
    match (left, right) {
        (List(l), List(r)) => Some(List(part(l, r, common(l.data_type(), r.data_type(), why)?))),
        (Map(l, sorted), Map(r, _)) => Some(Map(part(l, r, common(l.data_type(), r.data_type(), why)?), *sorted)),
        (Struct(l), Struct(r)) if l.len() == r.len() && l.iter().zip(r).all(|(l, r)| l.name() == r.name()) => {
            let each: Vec<_> = l.iter().zip(r).map(|(l, r)| common(l.data_type(), r.data_type(), why)).collect();
            if each.iter().all(Option::is_none) {
                return None;
            }
            let fields = l.iter().zip(r).zip(each).map(|((l, r), met)| {
                let met = met.or_else(|| type_union_coercion(l.data_type(), r.data_type()))?;
                Some(part(l, r, met))
            });
            Some(Struct(fields.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

fn part(left: &FieldRef, right: &FieldRef, met: DataType) -> FieldRef {
    let nullable = left.is_nullable() || right.is_nullable();
    Arc::new(left.as_ref().clone().with_data_type(met).with_nullable(nullable))
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

#[cfg(test)]
mod tests {
    use super::*;

    use arrow::datatypes::{Field, IntervalUnit};

    #[test]
    fn where_spark_differs() {
        use DataType::{Boolean, Date32, Decimal128, Duration, Float32, Float64, Int32, Int64, Interval, Null, Timestamp, Utf8};
        let micros = Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let nanos = Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
        let span = Duration(TimeUnit::Microsecond);
        let array = |item: DataType| DataType::List(Arc::new(Field::new_list_field(item, true)));
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
            (vec![array(Decimal128(1, 1)), array(Float64)], Some(array(Float64)), Some(array(Float64))),
            (vec![array(Int32), array(Int64)], None, None),
            (vec![span.clone(), Interval(IntervalUnit::MonthDayNano)], Some(span), None),
        ] {
            assert_eq!(common_of(&types, Meeting::Compared), compared, "{types:?}");
            if !matches!(types[0], Duration(_)) {
                assert_eq!(common_of(&types, Meeting::Unified), unified, "{types:?}");
            }
        }
    }
}
