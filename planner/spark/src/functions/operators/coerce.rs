//! Which types the operands of a binary operator become: Spark's `AnsiTypeCoercion` and `TypeCoercion` for `BinaryOperator`.

use datafusion::common::ScalarValue;

use super::null_of;
use crate::functions::Call;
use crate::types::SparkType as T;
use crate::types::StructField;
use crate::{Result, Typed};

/// What an operator takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::functions) enum Takes {
    /// Numbers and intervals: `+ -`
    NumberOrInterval,
    /// Numbers: `* % pmod`
    Number,
    /// `/`
    Fraction,
    /// `div`
    Whole,
    /// `& | ^`
    Bits,
    /// `and or`
    Boolean,
    /// `= <=>`
    Equality,
    /// `< <= > >=`
    Order,
}

impl Takes {
    fn accepts(self, t: &T) -> bool {
        match self {
            Self::NumberOrInterval => t.is_numeric() || t.is_ansi_interval() || *t == T::CalendarInterval,
            Self::Number => t.is_numeric(),
            Self::Fraction => matches!(t, T::Double | T::Decimal(..)),
            Self::Whole => matches!(t, T::Long | T::Decimal(..)) || t.is_ansi_interval(),
            Self::Bits => t.is_integral(),
            Self::Boolean => *t == T::Boolean,
            Self::Equality | Self::Order => true,
        }
    }

    /// The type of a null where no operand says one.
    fn of_null(self) -> Option<T> {
        match self {
            Self::NumberOrInterval | Self::Number | Self::Fraction => Some(T::Double),
            Self::Whole => Some(T::Long),
            Self::Bits => Some(T::Integer),
            Self::Boolean => Some(T::Boolean),
            Self::Equality | Self::Order => None,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::NumberOrInterval => "numbers and intervals",
            Self::Number => "numbers",
            Self::Fraction => "doubles and decimals",
            Self::Whole => "bigints, decimals and intervals",
            Self::Bits => "whole numbers",
            Self::Boolean => "booleans",
            Self::Equality | Self::Order => "values of one type",
        }
    }

    fn compares(self) -> bool {
        matches!(self, Self::Equality | Self::Order)
    }
}

/// The operands in the types that the operator computes with. Two decimals keep their digits unless they are compared.
pub(in crate::functions) fn operands(call: &Call<'_>, symbol: &str, takes: Takes, left: Typed, right: Typed) -> Result<(Typed, Typed)> {
    let (left, right) = strings(call, takes, left, right)?;
    let (left, right) = decimals(call, takes, left, right)?;
    let (left, right) = division(call, takes, left, right)?;
    let (left, right) = tightest_of_both(call, takes, left, right)?;
    let both_decimals = matches!((&left.data_type, &right.data_type), (T::Decimal(..), T::Decimal(..)));
    if !(both_decimals || same_shape(&left.data_type, &right.data_type)) {
        let message = format!(
            "`{symbol}` takes two operands of one type, and \"{}\" is \"{}\" while \"{}\" is \"{}\"; cast one of them",
            left.sql,
            left.data_type.sql(),
            right.sql,
            right.data_type.sql()
        );
        return Err(call.refuse("DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES", message));
    }
    if !takes.accepts(&left.data_type) {
        let message = format!("`{symbol}` takes {}, and \"{}\" is \"{}\"; cast the operands", takes.text(), left.sql, left.data_type.sql());
        return Err(call.refuse("DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE", message));
    }
    Ok((left, right))
}

/// Text becomes what the other side is.
pub(super) fn strings(call: &Call<'_>, takes: Takes, left: Typed, right: Typed) -> Result<(Typed, Typed)> {
    let (l, r) = (&left.data_type, &right.data_type);
    if !l.is_string() && !r.is_string() {
        return Ok((left, right));
    }
    if call.settings.ansi {
        return match ansi_string_meets(l, r) {
            Some(common) => Ok((cast(call, left, &common)?, cast(call, right, &common)?)),
            None => Ok((left, right)),
        };
    }
    let interval = |t: &T| t.is_ansi_interval() || *t == T::CalendarInterval;
    match takes {
        Takes::Equality | Takes::Order => match legacy_string_compared(l, r) {
            Some(common) => Ok((cast(call, left, &common)?, cast(call, right, &common)?)),
            None => Ok((left, right)),
        },
        Takes::Boolean => Ok((left, right)),
        _ => {
            let (of_left, of_right) = (l.is_string() && !interval(r), r.is_string() && !interval(l));
            let left = if of_left { cast(call, left, &T::Double)? } else { left };
            let right = if of_right { cast(call, right, &T::Double)? } else { right };
            Ok((left, right))
        }
    }
}

/// The type that text and another type meet in, in ANSI mode.
fn ansi_string_meets(l: &T, r: &T) -> Option<T> {
    match (l, r) {
        (l, r) if l.is_string() && r.is_string() => Some(T::String),
        (l, r) if l.is_string() => match r {
            r if r.is_integral() => Some(T::Long),
            T::Float | T::Double | T::Decimal(..) => Some(T::Double),
            T::Null => Some(T::String),
            T::Boolean | T::Binary | T::Date | T::Time(_) | T::Timestamp | T::TimestampNtz => Some(r.clone()),
            _ => None,
        },
        (l, r) if r.is_string() => ansi_string_meets(r, l),
        _ => None,
    }
}

fn legacy_string_compared(l: &T, r: &T) -> Option<T> {
    match (l, r) {
        (l, r) if l.is_string() && r.is_string() => Some(T::String),
        (l, r) if l.is_string() => match r {
            T::Null => Some(T::String),
            T::Decimal(_, scale) if *scale > 0 => Some(T::Double),
            T::Boolean | T::Binary | T::Date | T::Time(_) | T::Timestamp | T::TimestampNtz => Some(r.clone()),
            r if r.is_numeric() => Some(r.clone()),
            _ => None,
        },
        (l, r) if r.is_string() => legacy_string_compared(r, l),
        _ => None,
    }
}

/// Whole numbers beside decimals become decimals, decimals beside floats doubles; compared decimals get the same digits.
fn decimals(call: &Call<'_>, takes: Takes, left: Typed, right: Typed) -> Result<(Typed, Typed)> {
    let (l, r) = (left.data_type.clone(), right.data_type.clone());
    match (&l, &r) {
        (T::Decimal(p1, s1), T::Decimal(p2, s2)) if takes.compares() && l != r => {
            let wider = wider_decimal((*p1, *s1), (*p2, *s2));
            Ok((cast(call, left, &wider)?, cast(call, right, &wider)?))
        }
        (T::Decimal(..), other) if other.is_integral() => {
            let right = exact(call, right)?;
            compared(call, takes, left, right)
        }
        (other, T::Decimal(..)) if other.is_integral() => {
            let left = exact(call, left)?;
            compared(call, takes, left, right)
        }
        (T::Decimal(..), T::Float | T::Double) => Ok((cast(call, left, &T::Double)?, right)),
        (T::Float | T::Double, T::Decimal(..)) => Ok((left, cast(call, right, &T::Double)?)),
        _ => Ok((left, right)),
    }
}

fn compared(call: &Call<'_>, takes: Takes, left: Typed, right: Typed) -> Result<(Typed, Typed)> {
    if takes.compares() && left.data_type != right.data_type { decimals(call, takes, left, right) } else { Ok((left, right)) }
}

/// The decimal type that holds both.
pub(super) fn wider_decimal((p1, s1): (u8, u8), (p2, s2): (u8, u8)) -> T {
    let scale = s1.max(s2);
    let precision = scale + p1.saturating_sub(s1).max(p2.saturating_sub(s2));
    match precision.checked_sub(38) {
        None | Some(0) => T::Decimal(precision, scale),
        Some(over) => T::Decimal(38, scale.saturating_sub(over)),
    }
}

/// A whole number as a decimal: a literal of just its digits.
fn exact(call: &Call<'_>, value: Typed) -> Result<Typed> {
    let literal = match value.as_literal() {
        Some(ScalarValue::Int16(Some(v))) => Some(i64::from(*v)),
        Some(ScalarValue::Int32(Some(v))) => Some(i64::from(*v)),
        Some(ScalarValue::Int64(Some(v))) => Some(*v),
        _ => None,
    };
    let picks = call.settings.flag("spark.sql.legacy.literal.pickMinimumPrecision", true)?;
    let Some(literal) = literal.filter(|_| picks) else {
        let digits = digits_of(&value.data_type).unwrap_or((10, 0));
        return cast(call, value, &T::Decimal(digits.0, digits.1));
    };
    let digits = literal.unsigned_abs().checked_ilog10().map_or(1, |log| log + 1);
    let digits = u8::try_from(digits).unwrap_or(20);
    let mut made = Typed::literal(ScalarValue::Decimal128(Some(i128::from(literal)), digits, 0), T::Decimal(digits, 0), value.sql.clone());
    made.name = value.name;
    Ok(made)
}

/// The digits that hold every value of a number type.
pub(super) fn digits_of(t: &T) -> Option<(u8, u8)> {
    Some(match t {
        T::Byte => (3, 0),
        T::Short => (5, 0),
        T::Integer => (10, 0),
        T::Long => (20, 0),
        T::Float => (14, 7),
        T::Double => (30, 15),
        T::Decimal(p, s) => (*p, *s),
        _ => return None,
    })
}

/// `/` is of doubles unless it is of decimals, `div` of bigints.
fn division(call: &Call<'_>, takes: Takes, left: Typed, right: Typed) -> Result<(Typed, Typed)> {
    let number = |t: &T| t.is_numeric() || *t == T::Null;
    let small = |t: &T| matches!(t, T::Byte | T::Short | T::Integer);
    match takes {
        Takes::Fraction => {
            let keeps = matches!(left.data_type, T::Double | T::Decimal(..));
            if keeps || !number(&left.data_type) || !number(&right.data_type) {
                return Ok((left, right));
            }
            Ok((cast(call, left, &T::Double)?, cast(call, right, &T::Double)?))
        }
        Takes::Whole => {
            let left = if small(&left.data_type) { cast(call, left, &T::Long)? } else { left };
            let right = if small(&right.data_type) { cast(call, right, &T::Long)? } else { right };
            Ok((left, right))
        }
        _ => Ok((left, right)),
    }
}

fn tightest_of_both(call: &Call<'_>, takes: Takes, left: Typed, right: Typed) -> Result<(Typed, Typed)> {
    let (l, r) = (&left.data_type, &right.data_type);
    if *l == T::Null && *r == T::Null {
        return match takes.of_null() {
            Some(t) => Ok((null_of(&t, &left)?, null_of(&t, &right)?)),
            None => Ok((left, right)),
        };
    }
    let decimal = |t: &T| matches!(t, T::Decimal(..));
    if l == r || ((decimal(l) || decimal(r)) && *l != T::Null && *r != T::Null) {
        return Ok((left, right));
    }
    match tightest(l, r, call.settings.ansi) {
        Some(common) if takes.accepts(&common) => Ok((cast(call, left, &common)?, cast(call, right, &common)?)),
        _ => Ok((left, right)),
    }
}

/// Spark's `findTightestCommonType`.
pub(super) fn tightest(l: &T, r: &T, ansi: bool) -> Option<T> {
    let rank = |t: &T| match t {
        T::Byte => Some(0),
        T::Short => Some(1),
        T::Integer => Some(2),
        T::Long => Some(3),
        T::Float => Some(4),
        T::Double => Some(5),
        _ => None,
    };
    let holds = |p: u8, s: u8, whole: &T| digits_of(whole).is_some_and(|(digits, _)| p.saturating_sub(s) >= digits);
    match (l, r) {
        (l, r) if l == r => Some(l.clone()),
        (T::Null, other) | (other, T::Null) => Some(other.clone()),
        (l, r) if l.is_string() && r.is_string() => Some(T::String),
        (T::Decimal(p, s), whole) | (whole, T::Decimal(p, s)) if whole.is_integral() && holds(*p, *s, whole) => Some(T::Decimal(*p, *s)),
        (T::Timestamp, T::Date | T::TimestampNtz) | (T::Date | T::TimestampNtz, T::Timestamp) => Some(T::Timestamp),
        (T::TimestampNtz, T::Date) | (T::Date, T::TimestampNtz) => Some(T::TimestampNtz),
        (T::DayTimeInterval(a, b), T::DayTimeInterval(c, d)) => Some(T::DayTimeInterval(*a.min(c), *b.max(d))),
        (T::YearMonthInterval(a, b), T::YearMonthInterval(c, d)) => Some(T::YearMonthInterval(*a.min(c), *b.max(d))),
        (T::Array(a, n), T::Array(b, m)) => Some(T::Array(Box::new(tightest(a, b, ansi)?), *n || *m || forces_null(a, b))),
        (T::Struct(a), T::Struct(b)) if a.len() == b.len() => {
            let field = |(a, b): (&StructField, &StructField)| {
                if !a.name.eq_ignore_ascii_case(&b.name) {
                    return None;
                }
                let common = tightest(&a.data_type, &b.data_type, ansi)?;
                Some(StructField::new(&a.name, common).with_nullable(a.nullable || b.nullable))
            };
            a.iter().zip(b).map(field).collect::<Option<Vec<_>>>().map(T::Struct)
        }
        (l, r) => {
            let (a, b) = (rank(l)?, rank(r)?);
            let wider = if a > b { l } else { r };
            // A float does not hold every whole number.
            Some(if ansi && *wider == T::Float { T::Double } else { wider.clone() })
        }
    }
}

fn forces_null(l: &T, r: &T) -> bool {
    *l == T::Null || *r == T::Null
}

/// Whether two types are one but for names of fields and whether values may be null.
pub(super) fn same_shape(l: &T, r: &T) -> bool {
    match (l, r) {
        (T::Array(a, _), T::Array(b, _)) => same_shape(a, b),
        (T::Map(a, b, _), T::Map(c, d, _)) => same_shape(a, c) && same_shape(b, d),
        (T::Struct(a), T::Struct(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_shape(&a.data_type, &b.data_type)),
        (l, r) if l.is_string() && r.is_string() => true,
        (l, r) => l == r,
    }
}

/// A cast; a null literal just takes the type.
pub(super) fn cast(call: &Call<'_>, value: Typed, to: &T) -> Result<Typed> {
    if value.data_type == T::Null && value.as_literal().is_some() {
        return null_of(to, &value);
    }
    if value.data_type.is_string() && to.is_string() {
        return Ok(Typed { data_type: to.clone(), ..value });
    }
    call.cast(value, to)
}
