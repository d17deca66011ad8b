//! `+ - * / div` on decimals with Spark's types and rounding: results that need more than 38 digits lose places after the
//! point, half up, and a result that then does not fit is an error.
//!
//! Source: Spark, `arithmetic.scala`, `DecimalType.adjustPrecisionScale`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Datum, Int64Array, PrimitiveArray};
use arrow::compute::kernels::numeric;
use arrow::datatypes::{DataType, Decimal128Type, i256};
use datafusion::common::{exec_datafusion_err, internal_datafusion_err, internal_err};
use datafusion::error::Result;

use super::arithmetic::{Op, divided_by_zero};

/// Digits in all, and digits after the point.
pub(super) type Digits = (u8, i8);

const MAX: i32 = 38;

/// Places after the point that a result keeps at least.
const KEPT: i32 = 6;

/// The digits of a result.
pub(super) fn result(op: Op, (p1, s1): Digits, (p2, s2): Digits) -> Digits {
    let (p1, s1, p2, s2) = (i32::from(p1), i32::from(s1), i32::from(p2), i32::from(s2));
    let (digits, places) = exact(op, p1, s1, p2, s2);
    if digits <= MAX {
        return (digits as u8, places as i8);
    }
    let places = (MAX - (digits - places)).max(places.min(KEPT));
    (MAX as u8, places as i8)
}

fn exact(op: Op, p1: i32, s1: i32, p2: i32, s2: i32) -> (i32, i32) {
    match op {
        Op::Add | Op::Subtract => {
            let places = s1.max(s2);
            ((p1 - s1).max(p2 - s2) + places + 1, places)
        }
        Op::Multiply => (p1 + p2 + 1, s1 + s2),
        Op::Remainder | Op::PositiveRemainder => {
            let places = s1.max(s2);
            ((p1 - s1).min(p2 - s2) + places, places)
        }
        Op::Divide | Op::IntegerDivide => {
            let places = (s1 + p2 + 1).max(KEPT);
            (p1 - s1 + s2 + places, places)
        }
    }
}

/// The digits that a whole-number type needs.
pub(super) fn digits_of(data_type: &DataType) -> Option<Digits> {
    Some(match data_type {
        DataType::Decimal128(p, s) => (*p, *s),
        DataType::Int8 | DataType::UInt8 => (3, 0),
        DataType::Int16 | DataType::UInt16 => (5, 0),
        DataType::Int32 | DataType::UInt32 => (10, 0),
        DataType::Int64 | DataType::UInt64 => (20, 0),
        _ => return None,
    })
}

/// `left op right`, value by value; `div` gives whole numbers.
pub(super) fn compute(op: Op, left: &dyn Datum, right: &dyn Datum) -> Result<ArrayRef> {
    let (a, a_scalar) = left.get();
    let (b, b_scalar) = right.get();
    let (Some(da), Some(db)) = (digits_of(a.data_type()), digits_of(b.data_type())) else {
        return internal_err!("decimal arithmetic over {} and {}", a.data_type(), b.data_type());
    };
    let digits = result(op, da, db);
    let fits = exact(op, da.0.into(), da.1.into(), db.0.into(), db.1.into()).0 <= MAX;
    // Where every result fits exactly, the engine's kernel is as good and faster.
    match op {
        Op::Add if fits => return Ok(numeric::add(left, right)?),
        Op::Subtract if fits => return Ok(numeric::sub(left, right)?),
        Op::Multiply if fits => return Ok(numeric::mul(left, right)?),
        _ => {}
    }
    let (a, b) = (a.as_primitive::<Decimal128Type>(), b.as_primitive::<Decimal128Type>());
    let rows = match (a_scalar, b_scalar) {
        (false, _) => a.len(),
        (true, false) => b.len(),
        (true, true) => 1,
    };
    let get = |array: &PrimitiveArray<Decimal128Type>, scalar: bool, row: usize| {
        let row = if scalar { 0 } else { row };
        array.is_valid(row).then(|| i256::from_i128(array.value(row)))
    };
    let pairs = (0..rows).map(|row| get(a, a_scalar, row).zip(get(b, b_scalar, row)));
    if op == Op::IntegerDivide {
        let values: Result<Int64Array> = pairs.map(|pair| pair.map(|(x, y)| whole_quotient(x, da.1, y, db.1)).transpose()).collect();
        return Ok(Arc::new(values?));
    }
    let values: Result<PrimitiveArray<Decimal128Type>> =
        pairs.map(|pair| pair.map(|(x, y)| one(op, (x, da.1), (y, db.1), digits)).transpose()).collect();
    Ok(Arc::new(values?.with_precision_and_scale(digits.0, digits.1)?))
}

fn one(op: Op, (x, sx): (i256, i8), (y, sy): (i256, i8), (precision, scale): Digits) -> Result<i128> {
    let lost = || overflow(op);
    let wide = match op {
        Op::Add | Op::Subtract => {
            let places = sx.max(sy);
            let x = x.checked_mul(power(places - sx)).ok_or_else(lost)?;
            let y = y.checked_mul(power(places - sy)).ok_or_else(lost)?;
            let sum = if op == Op::Add { x.checked_add(y) } else { x.checked_sub(y) };
            rounded(sum.ok_or_else(lost)?, power(places - scale))
        }
        Op::Multiply => rounded(x.checked_mul(y).ok_or_else(lost)?, power(sx + sy - scale)),
        Op::Divide => {
            if y == i256::ZERO {
                return Err(divided_by_zero());
            }
            let up = i32::from(scale) - i32::from(sx) + i32::from(sy);
            // A product beyond 256 bits has a quotient beyond 38 digits.
            if up >= 0 {
                rounded(x.checked_mul(power(up as i8)).ok_or_else(lost)?, y)
            } else {
                rounded(x, y.checked_mul(power(-up as i8)).ok_or_else(lost)?)
            }
        }
        Op::IntegerDivide | Op::Remainder | Op::PositiveRemainder => return internal_err!("decimals have no such operator here"),
    };
    let value = wide.to_i128().filter(|v| v.unsigned_abs() < 10_u128.pow(precision.into()));
    value.ok_or_else(lost)
}

fn whole_quotient(x: i256, sx: i8, y: i256, sy: i8) -> Result<i64> {
    if y == i256::ZERO {
        return Err(divided_by_zero());
    }
    let places = sx.max(sy);
    let x = x.checked_mul(power(places - sx)).ok_or_else(|| overflow(Op::IntegerDivide))?;
    let y = y.checked_mul(power(places - sy)).ok_or_else(|| overflow(Op::IntegerDivide))?;
    let quotient = x.checked_div(y).and_then(i256::to_i128).and_then(|q| i64::try_from(q).ok());
    quotient.ok_or_else(|| overflow(Op::IntegerDivide))
}

fn power(places: i8) -> i256 {
    i256::from_i128(10).wrapping_pow(places.max(0) as u32)
}

/// `value / unit`, half away from zero.
pub(super) fn rounded(value: i256, unit: i256) -> i256 {
    let (quotient, rest) = (value.wrapping_div(unit), value.wrapping_rem(unit));
    let twice = rest.wrapping_abs().wrapping_mul(i256::from_i128(2));
    if twice < unit.wrapping_abs() {
        return quotient;
    }
    let away = if (value < i256::ZERO) == (unit < i256::ZERO) { i256::ONE } else { i256::MINUS_ONE };
    quotient.wrapping_add(away)
}

fn overflow(op: Op) -> datafusion::error::DataFusionError {
    exec_datafusion_err!("decimal overflow in `{}`: the result has more than 38 digits; cast an operand to double", op.symbol())
}

/// A whole number as a decimal of just its digits, as Spark reads literals.
pub(super) fn literal(value: i64) -> Result<datafusion::scalar::ScalarValue> {
    let digits = value.unsigned_abs().checked_ilog10().map_or(1, |log| log + 1);
    let digits = u8::try_from(digits).map_err(|_| internal_datafusion_err!("a bigint has at most 19 digits"))?;
    Ok(datafusion::scalar::ScalarValue::Decimal128(Some(value.into()), digits, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Decimal128Array;

    #[test]
    fn types_of_results() {
        for (op, left, right, expected) in [
            (Op::Add, (2, 1), (2, 1), (3, 1)),
            (Op::Multiply, (10, 2), (10, 2), (21, 4)),
            (Op::Divide, (2, 1), (2, 1), (8, 6)),
            (Op::Divide, (38, 18), (38, 18), (38, 6)),
            (Op::Multiply, (38, 10), (38, 10), (38, 6)),
            (Op::Add, (38, 0), (38, 0), (38, 0)),
            (Op::Add, (38, 10), (38, 2), (38, 6)),
        ] {
            assert_eq!(result(op, left, right), expected, "{op:?} {left:?} {right:?}");
        }
    }

    #[test]
    fn values() {
        let nines = 10_i128.pow(38) - 1;
        for (op, left, right, expected) in [
            (Op::Divide, (20, 2, 1), (30, 2, 1), Some(666_667)),
            (Op::Divide, (-20, 2, 1), (30, 2, 1), Some(-666_667)),
            (Op::Divide, (20, 2, 1), (0, 2, 1), None),
            (Op::Add, (nines, 38, 0), (1, 38, 0), None),
            (Op::Subtract, (nines, 38, 0), (1, 38, 0), Some(nines - 1)),
            (Op::Multiply, (15, 38, 10), (10_i128.pow(10), 38, 10), Some(0)),
            (Op::IntegerDivide, (75, 2, 1), (5, 1, 1), Some(15)),
        ] {
            let array = |(v, p, s): (i128, u8, i8)| Decimal128Array::from(vec![v]).with_precision_and_scale(p, s).unwrap();
            let found = compute(op, &array(left), &array(right)).ok();
            let found = found.map(|values| match op {
                Op::IntegerDivide => i128::from(values.as_primitive::<arrow::datatypes::Int64Type>().value(0)),
                _ => values.as_primitive::<Decimal128Type>().value(0),
            });
            assert_eq!(found, expected, "{op:?} {left:?} {right:?}");
        }
        assert_eq!(literal(0).unwrap().data_type(), DataType::Decimal128(1, 0));
        assert_eq!(literal(-120).unwrap().data_type(), DataType::Decimal128(3, 0));
    }
}
