//! Which type two types have in common, and which type a value becomes without being asked: Spark's `AnsiTypeCoercion` and
//! `TypeCoercion`.

use super::Want;
use super::{SparkType, StructField};

/// The type that values of both become where they meet (UNION, CASE, coalesce, comparisons).
pub fn common_type(left: &SparkType, right: &SparkType, ansi: bool) -> Option<SparkType> {
    tightest_common_type(left, right, ansi)
        .or_else(|| wider_for_decimal(left, right))
        .or_else(|| if ansi { wider_for_string(left, right) } else { legacy_string_promotion(left, right) })
        .or_else(|| complex(left, right, &|l, r| common_type(l, r, ansi)))
}

/// The type that all of them become.
pub fn common_type_of<'a>(types: impl IntoIterator<Item = &'a SparkType>, ansi: bool) -> Option<SparkType> {
    let types: Vec<&SparkType> = types.into_iter().collect();
    if types.is_empty() {
        return None;
    }
    // In legacy mode the answer depends on the order once text is among them; Spark looks at text first.
    let ordered: Vec<&SparkType> = if ansi {
        types
    } else {
        let (text, rest): (Vec<_>, Vec<_>) = types.into_iter().partition(|t| has_string(t));
        text.into_iter().chain(rest).collect()
    };
    ordered.into_iter().try_fold(SparkType::Null, |common, next| common_type(&common, next, ansi))
}

/// The common type where nothing is lost and text stays text: no decimals of other digits, no text beside other types.
pub fn tightest_common_type(left: &SparkType, right: &SparkType, ansi: bool) -> Option<SparkType> {
    use SparkType as T;
    if left == right {
        return Some(left.clone());
    }
    match (left, right) {
        (T::Null, other) | (other, T::Null) => Some(other.clone()),
        (l, r) if l.is_string() && r.is_string() => Some(T::String),
        (l, d @ T::Decimal(..)) if l.is_integral() && is_wider_decimal(d, l) => Some(d.clone()),
        (d @ T::Decimal(..), r) if r.is_integral() && is_wider_decimal(d, r) => Some(d.clone()),
        (l, r) if rank(l).is_some() && rank(r).is_some() => {
            let wider = if rank(l) >= rank(r) { l } else { r };
            // A whole number beside a float loses digits as a float.
            Some(if ansi && *wider == T::Float { T::Double } else { wider.clone() })
        }
        (l, r) if l.is_datetime() && r.is_datetime() => match (l, r) {
            (T::Timestamp, _) | (_, T::Timestamp) => Some(T::Timestamp),
            _ => Some(T::TimestampNtz),
        },
        (T::DayTimeInterval(s1, e1), T::DayTimeInterval(s2, e2)) => Some(T::DayTimeInterval(*s1.min(s2), *e1.max(e2))),
        (T::YearMonthInterval(s1, e1), T::YearMonthInterval(s2, e2)) => Some(T::YearMonthInterval(*s1.min(s2), *e1.max(e2))),
        (T::Time(l), T::Time(r)) => Some(T::Time(*l.max(r))),
        (l, r) => complex(l, r, &|l, r| tightest_common_type(l, r, ansi)),
    }
}

/// The common type where text is not turned into anything else, nor anything into text (Spark's
/// `findWiderTypeWithoutStringPromotion`): greatest, least, map_zip_with and others.
pub fn common_type_without_strings<'a>(types: impl IntoIterator<Item = &'a SparkType>, ansi: bool) -> Option<SparkType> {
    fn of_two(l: &SparkType, r: &SparkType, ansi: bool) -> Option<SparkType> {
        tightest_common_type(l, r, ansi).or_else(|| wider_for_decimal(l, r)).or_else(|| complex(l, r, &|l, r| of_two(l, r, ansi)))
    }
    types.into_iter().try_fold(SparkType::Null, |common, next| of_two(&common, next, ansi))
}

/// The type in which an operator compares two values. (In legacy mode a boolean meets a number only in `=` and `<=>`.)
pub fn comparison_type(left: &SparkType, right: &SparkType, ansi: bool) -> Option<SparkType> {
    use SparkType as T;
    if left == right {
        return Some(left.clone());
    }
    let promoted = if ansi {
        wider_for_string(left, right)
    } else {
        match (left, right) {
            (T::Null, text) | (text, T::Null) if text.is_string() => Some(text.clone()),
            (T::Decimal(_, s), text) | (text, T::Decimal(_, s)) if text.is_string() && *s > 0 => Some(T::Double),
            (l, r) if l.is_string() && r.is_string() => Some(T::String),
            (text, other) | (other, text) if text.is_string() && is_atomic(other) && !other.is_ansi_interval() => Some(other.clone()),
            // Legacy mode compares a boolean with a number as numbers.
            (T::Boolean, number) | (number, T::Boolean) if number.is_numeric() => Some(number.clone()),
            _ => None,
        }
    };
    promoted.or_else(|| wider_for_decimal(left, right)).or_else(|| tightest_common_type(left, right, ansi))
}

/// The type that text becomes beside another type in ANSI mode.
pub fn wider_for_string(left: &SparkType, right: &SparkType) -> Option<SparkType> {
    use SparkType as T;
    let other = match (left.is_string(), right.is_string()) {
        (true, true) => return Some(if left == right { left.clone() } else { T::String }),
        (true, false) => right,
        (false, true) => left,
        (false, false) => return None,
    };
    match other {
        T::Null => Some(if left.is_string() { left.clone() } else { right.clone() }),
        other if other.is_integral() => Some(T::Long),
        other if other.is_numeric() => Some(T::Double),
        // Which fields of an interval the text has cannot be told.
        other if other.is_ansi_interval() => None,
        other if is_atomic(other) => Some(other.clone()),
        _ => None,
    }
}

/// Legacy mode: nearly everything beside text becomes text.
fn legacy_string_promotion(left: &SparkType, right: &SparkType) -> Option<SparkType> {
    let promotes = |other: &SparkType| is_atomic(other) && !matches!(other, SparkType::Binary | SparkType::Boolean);
    if left.is_string() && promotes(right) {
        return Some(left.clone());
    }
    (right.is_string() && promotes(left)).then(|| right.clone())
}

/// The type of decimals beside numbers: one that holds both, up to 38 digits; a double beside floats.
fn wider_for_decimal(left: &SparkType, right: &SparkType) -> Option<SparkType> {
    match (left, right) {
        (SparkType::Decimal(..), r) if r.is_fractional_binary() => Some(SparkType::Double),
        (l, SparkType::Decimal(..)) if l.is_fractional_binary() => Some(SparkType::Double),
        (SparkType::Decimal(..), _) | (_, SparkType::Decimal(..)) => {
            let ((p1, s1), (p2, s2)) = (decimal_digits(left)?, decimal_digits(right)?);
            Some(wider_decimal((p1, s1), (p2, s2)))
        }
        _ => None,
    }
}

/// The decimal that holds the values of both; beyond 38 digits it gives up digits after the point.
pub fn wider_decimal((p1, s1): (u8, u8), (p2, s2): (u8, u8)) -> SparkType {
    let scale = s1.max(s2);
    let range = p1.saturating_sub(s1).max(p2.saturating_sub(s2));
    bounded_decimal(u32::from(scale) + u32::from(range), u32::from(scale))
}

/// `decimal(precision,scale)`, cut to 38 digits at the cost of those after the point (`boundedPreferIntegralDigits`).
pub fn bounded_decimal(precision: u32, scale: u32) -> SparkType {
    let over = precision.saturating_sub(38);
    let scale = scale.saturating_sub(over).min(38);
    SparkType::Decimal(u8::try_from(precision.clamp(1, 38)).unwrap_or(38), u8::try_from(scale).unwrap_or(0))
}

/// `decimal(precision,scale)` of an operator's result: cut to 38 digits, but at least 6 digits (or all there are) stay after the
/// point (`adjustPrecisionScale`).
pub fn adjusted_decimal(precision: u32, scale: u32) -> SparkType {
    if precision <= 38 {
        return bounded_decimal(precision, scale);
    }
    let whole = precision.saturating_sub(scale);
    let scale = 38_u32.saturating_sub(whole).max(scale.min(6));
    SparkType::Decimal(38, u8::try_from(scale.min(38)).unwrap_or(0))
}

/// The decimal that holds every value of a whole number's type, and the one that Spark takes for floats.
pub fn decimal_for(data_type: &SparkType) -> Option<SparkType> {
    Some(match data_type {
        SparkType::Byte => SparkType::Decimal(3, 0),
        SparkType::Short => SparkType::Decimal(5, 0),
        SparkType::Integer => SparkType::Decimal(10, 0),
        SparkType::Long => SparkType::Decimal(20, 0),
        SparkType::Float => SparkType::Decimal(14, 7),
        SparkType::Double => SparkType::Decimal(30, 15),
        SparkType::Decimal(..) => data_type.clone(),
        _ => return None,
    })
}

/// The decimal that holds every value of a whole number's type.
pub fn decimal_for_integral(data_type: &SparkType) -> Option<SparkType> {
    if data_type.is_integral() { decimal_for(data_type) } else { None }
}

/// The decimal that just holds a whole number that is written down: Spark takes it for literals beside decimals.
pub fn decimal_for_literal(value: i64) -> SparkType {
    let digits = value.unsigned_abs().checked_ilog10().unwrap_or(0) + 1;
    SparkType::Decimal(u8::try_from(digits).unwrap_or(19), 0)
}

/// Precision and scale of a decimal, or of the one that holds a whole number.
pub fn decimal_digits(data_type: &SparkType) -> Option<(u8, u8)> {
    match data_type {
        SparkType::Decimal(p, s) => Some((*p, *s)),
        other => match decimal_for_integral(other)? {
            SparkType::Decimal(p, s) => Some((p, s)),
            _ => None,
        },
    }
}

/// Whether a decimal holds every value of a decimal or of a whole number's type.
fn is_wider_decimal(decimal: &SparkType, other: &SparkType) -> bool {
    let (SparkType::Decimal(p1, s1), Some((p2, s2))) = (decimal, decimal_digits(other)) else { return false };
    p1.saturating_sub(*s1) >= p2.saturating_sub(s2) && *s1 >= s2
}

/// Whether every value of a decimal fits a decimal or a whole number's type.
fn is_tighter_decimal(decimal: &SparkType, other: &SparkType) -> bool {
    match (decimal, other) {
        (SparkType::Decimal(p1, s1), SparkType::Decimal(p2, s2)) => p1.saturating_sub(*s1) <= p2.saturating_sub(*s2) && s1 <= s2,
        (SparkType::Decimal(p, s), other) => decimal_digits(other).is_some_and(|(digits, _)| *p < digits && *s == 0),
        _ => false,
    }
}

/// Where a number's type other than a decimal stands in the order of widening.
fn rank(data_type: &SparkType) -> Option<u8> {
    Some(match data_type {
        SparkType::Byte => 0,
        SparkType::Short => 1,
        SparkType::Integer => 2,
        SparkType::Long => 3,
        SparkType::Float => 4,
        SparkType::Double => 5,
        _ => return None,
    })
}

/// Spark's `AtomicType`: neither nested, nor NULL's, nor a calendar interval.
pub fn is_atomic(data_type: &SparkType) -> bool {
    !data_type.is_nested() && !matches!(data_type, SparkType::Null | SparkType::CalendarInterval | SparkType::Unsupported(_))
}

fn is_any_datetime(data_type: &SparkType) -> bool {
    data_type.is_datetime() || matches!(data_type, SparkType::Time(_))
}

fn has_string(data_type: &SparkType) -> bool {
    match data_type {
        SparkType::Array(element, _) => has_string(element),
        other => other.is_string(),
    }
}

type CommonOf<'a> = &'a dyn Fn(&SparkType, &SparkType) -> Option<SparkType>;

/// The common type of nested types, part by part.
fn complex(left: &SparkType, right: &SparkType, common: CommonOf<'_>) -> Option<SparkType> {
    use SparkType as T;
    match (left, right) {
        (T::Array(l, ln), T::Array(r, rn)) => {
            let element = common(l, r)?;
            let nulls = *ln || *rn || force_nullable(l, &element) || force_nullable(r, &element);
            Some(T::Array(Box::new(element), nulls))
        }
        (T::Map(lk, lv, ln), T::Map(rk, rv, rn)) => {
            let key = common(lk, rk)?;
            if force_nullable(lk, &key) || force_nullable(rk, &key) {
                return None;
            }
            let value = common(lv, rv)?;
            let nulls = *ln || *rn || force_nullable(lv, &value) || force_nullable(rv, &value);
            Some(T::Map(Box::new(key), Box::new(value), nulls))
        }
        (T::Struct(ls), T::Struct(rs)) if ls.len() == rs.len() => {
            let field = |(l, r): (&StructField, &StructField)| {
                if !tidemill_planner::ident::same(&l.name, &r.name) {
                    return None;
                }
                let data_type = common(&l.data_type, &r.data_type)?;
                let nullable =
                    l.nullable || r.nullable || force_nullable(&l.data_type, &data_type) || force_nullable(&r.data_type, &data_type);
                Some(StructField::new(l.name.clone(), data_type).with_nullable(nullable))
            };
            ls.iter().zip(rs).map(field).collect::<Option<Vec<_>>>().map(T::Struct)
        }
        _ => None,
    }
}

/// Whether two types are the same but for what may be null in them (and remarks on fields).
pub fn same_type(left: &SparkType, right: &SparkType) -> bool {
    use SparkType as T;
    match (left, right) {
        (T::Array(l, _), T::Array(r, _)) => same_type(l, r),
        (T::Map(lk, lv, _), T::Map(rk, rv, _)) => same_type(lk, rk) && same_type(lv, rv),
        (T::Struct(ls), T::Struct(rs)) => {
            ls.len() == rs.len()
                && ls.iter().zip(rs).all(|(l, r)| tidemill_planner::ident::same(&l.name, &r.name) && same_type(&l.data_type, &r.data_type))
        }
        _ => left == right,
    }
}

/// Whether both are the same but for the names of fields and what may be null.
pub fn same_structure(left: &SparkType, right: &SparkType) -> bool {
    match (left, right) {
        (SparkType::Array(l, _), SparkType::Array(r, _)) => same_structure(l, r),
        (SparkType::Map(lk, lv, _), SparkType::Map(rk, rv, _)) => same_structure(lk, rk) && same_structure(lv, rv),
        (SparkType::Struct(l), SparkType::Struct(r)) => {
            l.len() == r.len() && l.iter().zip(r).all(|(l, r)| same_structure(&l.data_type, &r.data_type))
        }
        (l, r) => l == r,
    }
}

/// The type that a value becomes for a parameter; `None` where Spark refuses.
pub fn implicit_type(from: &SparkType, want: &Want, ansi: bool) -> Option<SparkType> {
    if accepts(want, from) {
        return Some(from.clone());
    }
    if let Want::OneOf(wants) = want {
        return wants.iter().find_map(|want| implicit_type(from, want, ansi));
    }
    if let Some(parts) = collection(want) {
        return parts.iter().find_map(|want| implicit_type(from, want, ansi));
    }
    if ansi { ansi_implicit(from, want) } else { legacy_implicit(from, want) }
}

fn ansi_implicit(from: &SparkType, want: &Want) -> Option<SparkType> {
    use SparkType as T;
    match (from, want) {
        (from, Want::AnyDecimal) if from.is_numeric() => decimal_for(from),
        (from, Want::Type(to)) if from.is_string() && to.is_string() => is_more_constrained(from, to).then(|| to.clone()),
        (from, Want::String) if from.is_string() => None,
        (T::Float | T::Double | T::Decimal(..), Want::Integral) => None,
        (from, Want::Type(to)) if from.is_string() && is_atomic(to) => Some(to.clone()),
        (from, Want::Numeric | Want::AnyDecimal) if from.is_string() => default_type(want),
        (from, want) => {
            let to = default_type(want)?;
            can_store_assign(from, &to).then_some(to)
        }
    }
}

fn legacy_implicit(from: &SparkType, want: &Want) -> Option<SparkType> {
    use SparkType as T;
    match (from, want) {
        (T::Null, want) => default_type(want),
        (from, Want::Type(to)) if from.is_string() && to.is_string() => is_more_constrained(from, to).then(|| to.clone()),
        (from, Want::Numeric) if from.is_string() => Some(T::Double),
        (from, Want::AnyDecimal) if from.is_numeric() => decimal_for(from),
        (from, Want::AnyDecimal) if from.is_string() => default_type(want),
        (from, Want::Type(to)) if from.is_numeric() && to.is_numeric() => Some(to.clone()),
        (from, Want::Type(to)) if is_any_datetime(from) && is_any_datetime(to) => Some(to.clone()),
        (from, Want::Type(to)) if from.is_string() && (to.is_numeric() || is_any_datetime(to) || *to == T::Binary) => Some(to.clone()),
        (from, Want::Type(to)) if to.is_string() && is_atomic(from) => Some(to.clone()),
        (from, Want::String) if is_atomic(from) => Some(T::String),
        (T::Array(from, nulls), Want::Type(T::Array(to, to_nulls))) => {
            if !to_nulls && (*nulls || force_nullable(from, to)) {
                return None;
            }
            let element = implicit_type(from, &Want::Type((**to).clone()), false)?;
            Some(T::Array(Box::new(element), *to_nulls))
        }
        (T::Map(from_key, from_value, nulls), Want::Type(T::Map(key, value, to_nulls))) => {
            if force_nullable(from_key, key) || (*nulls && !to_nulls) || (force_nullable(from_value, value) && !to_nulls) {
                return None;
            }
            let key = implicit_type(from_key, &Want::Type((**key).clone()), false)?;
            let value = implicit_type(from_value, &Want::Type((**value).clone()), false)?;
            Some(T::Map(Box::new(key), Box::new(value), *to_nulls))
        }
        _ => None,
    }
}

/// The parts of a parameter that takes any of several kinds.
fn collection(want: &Want) -> Option<Vec<Want>> {
    match want {
        Want::NumericOrInterval => Some(vec![Want::Numeric, Want::Type(SparkType::DAY_TIME), Want::Type(SparkType::YEAR_MONTH)]),
        Want::StringOrBinary => Some(vec![Want::String, Want::Type(SparkType::Binary)]),
        _ => None,
    }
}

/// Whether a parameter takes a type as it is.
pub fn accepts(want: &Want, from: &SparkType) -> bool {
    match want {
        Want::Any => true,
        Want::Type(to) => same_type(from, to),
        Want::Numeric => from.is_numeric(),
        Want::Integral => from.is_integral(),
        Want::AnyDecimal => matches!(from, SparkType::Decimal(..)),
        Want::NumericOrInterval => from.is_numeric() || from.is_ansi_interval(),
        Want::StringOrBinary => from.is_string() || *from == SparkType::Binary,
        Want::String => from.is_string(),
        Want::Array => matches!(from, SparkType::Array(..)),
        Want::Map => matches!(from, SparkType::Map(..)),
        Want::Struct => matches!(from, SparkType::Struct(_)),
        Want::OneOf(wants) => wants.iter().any(|want| accepts(want, from)),
    }
}

/// The type that a NULL becomes for a parameter.
fn default_type(want: &Want) -> Option<SparkType> {
    Some(match want {
        Want::Any => return None,
        Want::Type(data_type) => data_type.clone(),
        Want::Numeric | Want::NumericOrInterval => SparkType::Double,
        Want::Integral => SparkType::Integer,
        Want::AnyDecimal => SparkType::Decimal(38, 18),
        Want::StringOrBinary | Want::String => SparkType::String,
        Want::Array => SparkType::array(SparkType::Null),
        Want::Map => SparkType::map(SparkType::Null, SparkType::Null),
        Want::Struct => SparkType::Struct(Vec::new()),
        Want::OneOf(wants) => return wants.iter().find_map(default_type),
    })
}

/// What a parameter takes, in Spark's words: `"NUMERIC"`, `("STRING" or "BINARY")`.
pub fn want_text(want: &Want) -> String {
    let several = |wants: &[Want]| format!("({})", wants.iter().map(want_text).collect::<Vec<_>>().join(" or "));
    match want {
        Want::Any => "\"ANY\"".to_owned(),
        Want::Type(data_type) => format!("\"{}\"", data_type.sql()),
        Want::Numeric => "\"NUMERIC\"".to_owned(),
        Want::Integral => "\"INTEGRAL\"".to_owned(),
        Want::AnyDecimal => "\"DECIMAL\"".to_owned(),
        Want::String => "\"STRING\"".to_owned(),
        Want::Array => "\"ARRAY\"".to_owned(),
        Want::Map => "\"MAP\"".to_owned(),
        Want::Struct => "\"STRUCT\"".to_owned(),
        Want::OneOf(wants) => several(wants),
        Want::NumericOrInterval | Want::StringOrBinary => several(&collection(want).unwrap_or_default()),
    }
}

/// Whether a string type says at least as much about its values' lengths as another.
fn is_more_constrained(from: &SparkType, to: &SparkType) -> bool {
    match (from, to) {
        (_, SparkType::String) => true,
        (SparkType::Char(n), SparkType::Char(m) | SparkType::Varchar(m)) | (SparkType::Varchar(n), SparkType::Varchar(m)) => n <= m,
        _ => false,
    }
}

/// Whether there is such a cast: by ANSI's rules, by legacy ones, or for `try_cast`.
pub fn can_cast(from: &SparkType, to: &SparkType, ansi: bool, is_try: bool) -> bool {
    match (is_try, ansi) {
        (true, _) => can_try_cast(from, to),
        (false, true) => can_ansi_cast(from, to),
        (false, false) => can_legacy_cast(from, to),
    }
}

fn can_ansi_cast(from: &SparkType, to: &SparkType) -> bool {
    use SparkType as T;
    if from == to {
        return true;
    }
    match (from, to) {
        (T::Unsupported(_), _) | (_, T::Unsupported(_)) => false,
        (T::Null, _) => true,
        (_, to) if to.is_string() => true,
        (from, to) if from.is_string() => is_atomic(to) || *to == T::CalendarInterval,
        (from, T::Boolean | T::Timestamp) if from.is_numeric() => true,
        (T::Date | T::TimestampNtz, T::Timestamp) | (T::Date | T::Timestamp, T::TimestampNtz) => true,
        (T::Timestamp | T::TimestampNtz, T::Date) => true,
        (from, to) if from.is_ansi_interval() && (to.is_integral() || matches!(to, T::Decimal(..))) => true,
        (from, to) if to.is_ansi_interval() && (from.is_integral() || matches!(from, T::Decimal(..))) => true,
        (T::DayTimeInterval(..), T::DayTimeInterval(..)) | (T::YearMonthInterval(..), T::YearMonthInterval(..)) => true,
        (T::Boolean | T::Timestamp, to) if to.is_numeric() => true,
        (from, to) if from.is_numeric() && to.is_numeric() => true,
        (T::Time(_), T::Time(_) | T::Decimal(..)) => true,
        (T::Time(_), to) if to.is_integral() => true,
        (T::Array(f, fnull), T::Array(t, tnull)) => can_ansi_cast(f, t) && (!fnull || *tnull),
        (T::Map(fk, fv, fnull), T::Map(tk, tv, tnull)) => can_ansi_cast(fk, tk) && can_ansi_cast(fv, tv) && (!fnull || *tnull),
        (T::Struct(fs), T::Struct(ts)) => {
            fs.len() == ts.len() && fs.iter().zip(ts).all(|(f, t)| can_ansi_cast(&f.data_type, &t.data_type) && (!f.nullable || t.nullable))
        }
        _ => false,
    }
}

fn can_legacy_cast(from: &SparkType, to: &SparkType) -> bool {
    use SparkType as T;
    if from == to {
        return true;
    }
    match (from, to) {
        (T::Unsupported(_), _) | (_, T::Unsupported(_)) => false,
        (T::Array(..), T::Array(..)) | (T::Map(..), T::Map(..)) | (T::Struct(_), T::Struct(_)) => nested_cast(from, to),
        (from, T::Binary) if from.is_integral() => true,
        (T::Date | T::Timestamp, T::Boolean) | (T::Boolean, T::Timestamp) => true,
        (T::Date, to) if to.is_numeric() => true,
        _ => can_ansi_cast(from, to),
    }
}

fn can_try_cast(from: &SparkType, to: &SparkType) -> bool {
    use SparkType as T;
    match (from, to) {
        (T::Array(..), T::Array(..)) | (T::Map(..), T::Map(..)) | (T::Struct(_), T::Struct(_)) => nested_cast(from, to),
        _ => can_ansi_cast(from, to),
    }
}

/// Nested casts where a part that does not fit becomes null.
fn nested_cast(from: &SparkType, to: &SparkType) -> bool {
    use SparkType as T;
    match (from, to) {
        (T::Array(f, fnull), T::Array(t, tnull)) => can_legacy_cast(f, t) && (!(*fnull || force_nullable(f, t)) || *tnull),
        (T::Map(fk, fv, fnull), T::Map(tk, tv, tnull)) => {
            can_legacy_cast(fk, tk) && !force_nullable(fk, tk) && can_legacy_cast(fv, tv) && (!(*fnull || force_nullable(fv, tv)) || *tnull)
        }
        (T::Struct(fs), T::Struct(ts)) => {
            fs.len() == ts.len()
                && fs.iter().zip(ts).all(|(f, t)| {
                    can_legacy_cast(&f.data_type, &t.data_type)
                        && (!(f.nullable || force_nullable(&f.data_type, &t.data_type)) || t.nullable)
                })
        }
        _ => false,
    }
}

/// Whether a cast of a value that is not null may give null.
pub fn force_nullable(from: &SparkType, to: &SparkType) -> bool {
    use SparkType as T;
    if from == to {
        return false;
    }
    match (from, to) {
        (T::Null, _) => false,
        (from, to) if from.is_string() => !(to.is_string() || *to == T::Binary),
        (_, to) if to.is_string() => false,
        (T::Timestamp, T::Byte | T::Short | T::Integer) => true,
        (T::Time(_), T::Byte | T::Short) => true,
        (T::Float | T::Double, T::Timestamp) => true,
        (T::Timestamp, T::Date) => false,
        (_, T::Date) => true,
        (T::Date, T::Timestamp) => false,
        (T::Date, _) => true,
        (_, T::CalendarInterval) => true,
        (from, T::Decimal(p, s)) => match from {
            T::Boolean => p.saturating_sub(*s) < 1,
            T::Decimal(fp, fs) => !(is_wider_decimal(to, from) || p.saturating_sub(*s) > fp.saturating_sub(*fs)),
            other => !is_wider_decimal(to, other),
        },
        (T::Float | T::Double | T::Decimal(..), to) => to.is_integral(),
        _ => false,
    }
}

/// Whether a cast loses nothing and cannot fail.
pub fn can_up_cast(from: &SparkType, to: &SparkType) -> bool {
    use SparkType as T;
    if from == to {
        return true;
    }
    match (from, to) {
        (T::Unsupported(_), _) | (_, T::Unsupported(_)) => false,
        (T::Null, _) => true,
        (from, T::Decimal(..)) if is_wider_decimal(to, from) => true,
        (T::Decimal(..), to) if is_tighter_decimal(from, to) => true,
        (from, to) if rank(from).is_some() && rank(to).is_some() => rank(from) < rank(to),
        (T::Date, T::Timestamp | T::TimestampNtz) | (T::TimestampNtz, T::Timestamp) | (T::Timestamp, T::TimestampNtz) => true,
        (from, to) if from.is_string() && to.is_string() => is_more_constrained(from, to),
        (from, T::String) if is_atomic(from) || *from == T::CalendarInterval => true,
        (T::Timestamp, T::Long) | (T::Long, T::Timestamp) => true,
        (T::DayTimeInterval(..), T::DayTimeInterval(..)) | (T::YearMonthInterval(..), T::YearMonthInterval(..)) => true,
        (T::Array(..), T::Array(..)) | (T::Map(..), T::Map(..)) | (T::Struct(_), T::Struct(_)) => by_part(from, to, can_up_cast),
        _ => false,
    }
}

/// Whether INSERT puts values of one type into a column of another (`spark.sql.storeAssignmentPolicy = ANSI`).
pub fn can_store_assign(from: &SparkType, to: &SparkType) -> bool {
    use SparkType as T;
    if from == to {
        return true;
    }
    match (from, to) {
        (T::Unsupported(_), _) | (_, T::Unsupported(_)) => false,
        (T::Null, _) => true,
        (from, to) if from.is_numeric() && to.is_numeric() => true,
        (from, to) if to.is_string() && (is_atomic(from) || *from == T::CalendarInterval) => true,
        (from, to) if is_any_datetime(from) && is_any_datetime(to) => true,
        (T::Array(..), T::Array(..)) | (T::Map(..), T::Map(..)) | (T::Struct(_), T::Struct(_)) => by_part(from, to, can_store_assign),
        _ => false,
    }
}

fn by_part(from: &SparkType, to: &SparkType, can: fn(&SparkType, &SparkType) -> bool) -> bool {
    use SparkType as T;
    match (from, to) {
        (T::Array(f, fnull), T::Array(t, tnull)) => (!fnull || *tnull) && can(f, t),
        (T::Map(fk, fv, fnull), T::Map(tk, tv, tnull)) => (!fnull || *tnull) && can(fk, tk) && can(fv, tv),
        (T::Struct(fs), T::Struct(ts)) => {
            fs.len() == ts.len() && fs.iter().zip(ts).all(|(f, t)| (!f.nullable || t.nullable) && can(&f.data_type, &t.data_type))
        }
        _ => false,
    }
}

/// Whether values have an order: ORDER BY, all comparisons, IN, min, max. Maps and calendar intervals have none.
pub fn is_orderable(data_type: &SparkType) -> bool {
    match data_type {
        SparkType::Null => true,
        SparkType::Array(element, _) => is_orderable(element),
        SparkType::Struct(fields) => fields.iter().all(|field| is_orderable(&field.data_type)),
        other => is_atomic(other),
    }
}

/// Whether values are keys of joins and set operations: Spark asks for no map in them. `=`, `<=>`, `<` and IN ask for more, an order:
/// see [`is_orderable`].
pub fn is_equatable(data_type: &SparkType) -> bool {
    match data_type {
        SparkType::Map(..) | SparkType::Unsupported(_) => false,
        SparkType::Array(element, _) => is_equatable(element),
        SparkType::Struct(fields) => fields.iter().all(|field| is_equatable(&field.data_type)),
        _ => true,
    }
}

/// Whether a type is or holds a map: such values are no keys of maps, and are not compared.
pub fn has_map(data_type: &SparkType) -> bool {
    match data_type {
        SparkType::Map(..) => true,
        SparkType::Array(element, _) => has_map(element),
        SparkType::Struct(fields) => fields.iter().any(|field| has_map(&field.data_type)),
        _ => false,
    }
}

/// The type with `string` for `char(n)` and `varchar(n)`: what queries see of columns of these types.
pub fn without_char_varchar(data_type: &SparkType) -> SparkType {
    match data_type {
        SparkType::Char(_) | SparkType::Varchar(_) => SparkType::String,
        SparkType::Array(element, nulls) => SparkType::Array(Box::new(without_char_varchar(element)), *nulls),
        SparkType::Map(key, value, nulls) => {
            SparkType::Map(Box::new(without_char_varchar(key)), Box::new(without_char_varchar(value)), *nulls)
        }
        SparkType::Struct(fields) => SparkType::Struct(
            fields.iter().map(|field| StructField { data_type: without_char_varchar(&field.data_type), ..field.clone() }).collect(),
        ),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SparkType as T;

    #[test]
    fn common_types() {
        let strukt = |name: &str, data_type: T| T::Struct(vec![StructField::new(name, data_type)]);
        for (left, right, ansi, legacy) in [
            (T::Byte, T::Long, Some(T::Long), Some(T::Long)),
            (T::Long, T::Float, Some(T::Double), Some(T::Float)),
            (T::Float, T::Float, Some(T::Float), Some(T::Float)),
            (T::Null, T::Date, Some(T::Date), Some(T::Date)),
            (T::Integer, T::Decimal(10, 0), Some(T::Decimal(10, 0)), Some(T::Decimal(10, 0))),
            (T::Integer, T::Decimal(5, 2), Some(T::Decimal(12, 2)), Some(T::Decimal(12, 2))),
            (T::Decimal(38, 18), T::Decimal(38, 0), Some(T::Decimal(38, 0)), Some(T::Decimal(38, 0))),
            (T::Decimal(5, 2), T::Double, Some(T::Double), Some(T::Double)),
            (T::String, T::Integer, Some(T::Long), Some(T::String)),
            (T::Decimal(5, 2), T::String, Some(T::Double), Some(T::String)),
            (T::String, T::Date, Some(T::Date), Some(T::String)),
            (T::String, T::Boolean, Some(T::Boolean), None),
            (T::String, T::Binary, Some(T::Binary), None),
            (T::String, T::DAY_TIME, None, Some(T::String)),
            (T::Char(3), T::Varchar(4), Some(T::String), Some(T::String)),
            (T::Date, T::TimestampNtz, Some(T::TimestampNtz), Some(T::TimestampNtz)),
            (T::TimestampNtz, T::Timestamp, Some(T::Timestamp), Some(T::Timestamp)),
            (T::Time(6), T::Date, None, None),
            (T::Boolean, T::Integer, None, None),
            (T::DAY_TIME, T::YEAR_MONTH, None, None),
            (T::array(T::Integer), T::array(T::String), Some(T::array(T::Long)), Some(T::array(T::String))),
            (strukt("a", T::Byte), strukt("A", T::Short), Some(strukt("a", T::Short)), Some(strukt("a", T::Short))),
            (strukt("a", T::Byte), strukt("b", T::Byte), None, None),
            (T::map(T::Byte, T::Byte), T::map(T::Long, T::Double), Some(T::map(T::Long, T::Double)), Some(T::map(T::Long, T::Double))),
        ] {
            assert_eq!(common_type(&left, &right, true), ansi, "{left} and {right}");
            assert_eq!(common_type(&left, &right, false), legacy, "{left} and {right}, legacy");
            if !matches!(left, T::Struct(_)) {
                assert_eq!(common_type(&right, &left, true), ansi, "{right} and {left}");
            }
        }
        let mixed = [T::Timestamp, T::Integer, T::String];
        assert_eq!(common_type_of(&mixed, false), Some(T::String));
        assert_eq!(common_type_of(&mixed, true), None);
    }

    #[test]
    fn implicit_types() {
        let one_of = Want::OneOf(vec![Want::Type(T::Timestamp), Want::Type(T::TimestampNtz)]);
        for (from, want, ansi, legacy) in [
            (T::Integer, Want::Type(T::Long), Some(T::Long), Some(T::Long)),
            (T::Double, Want::Type(T::Integer), Some(T::Integer), Some(T::Integer)),
            (T::Double, Want::Integral, None, None),
            (T::String, Want::Numeric, Some(T::Double), Some(T::Double)),
            (T::String, Want::Type(T::Integer), Some(T::Integer), Some(T::Integer)),
            (T::String, Want::Type(T::Boolean), Some(T::Boolean), None),
            (T::Integer, Want::String, Some(T::String), Some(T::String)),
            (T::array(T::Integer), Want::String, None, None),
            (T::Integer, Want::AnyDecimal, Some(T::Decimal(10, 0)), Some(T::Decimal(10, 0))),
            (T::String, Want::AnyDecimal, Some(T::Decimal(38, 18)), Some(T::Decimal(38, 18))),
            (T::Null, Want::Integral, Some(T::Integer), Some(T::Integer)),
            (T::Null, Want::StringOrBinary, Some(T::String), Some(T::String)),
            (T::Binary, Want::StringOrBinary, Some(T::Binary), Some(T::Binary)),
            (T::Timestamp, Want::Type(T::Date), Some(T::Date), Some(T::Date)),
            (T::Date, one_of.clone(), Some(T::Timestamp), Some(T::Timestamp)),
            (T::TimestampNtz, one_of, Some(T::TimestampNtz), Some(T::TimestampNtz)),
            (T::array(T::Integer), Want::Type(T::array(T::String)), Some(T::array(T::String)), Some(T::array(T::String))),
            (T::Boolean, Want::Numeric, None, None),
            (T::Integer, Want::Array, None, None),
        ] {
            assert_eq!(implicit_type(&from, &want, true), ansi, "{from} for {want:?}");
            assert_eq!(implicit_type(&from, &want, false), legacy, "{from} for {want:?}, legacy");
        }
        assert_eq!(want_text(&Want::StringOrBinary), r#"("STRING" or "BINARY")"#);
        assert_eq!(want_text(&Want::Type(T::DAY_TIME)), r#""INTERVAL DAY TO SECOND""#);
    }

    #[test]
    fn decimals_of_operators() {
        assert_eq!(adjusted_decimal(77, 36), T::Decimal(38, 6));
        assert_eq!(adjusted_decimal(40, 20), T::Decimal(38, 18));
        assert_eq!(bounded_decimal(40, 4), T::Decimal(38, 2));
        assert_eq!(decimal_for_literal(-100), T::Decimal(3, 0));
        assert_eq!(decimal_for_literal(0), T::Decimal(1, 0));
    }

    #[test]
    fn what_can_be_assigned() {
        assert!(can_store_assign(&T::Long, &T::Byte));
        assert!(can_store_assign(&T::Date, &T::Varchar(3)));
        assert!(!can_store_assign(&T::String, &T::Integer));
        assert!(can_up_cast(&T::Decimal(9, 0), &T::Integer));
        assert!(!can_up_cast(&T::Decimal(10, 0), &T::Integer));
        assert!(!can_up_cast(&T::Double, &T::Float));
        assert!(!is_orderable(&T::array(T::map(T::Integer, T::Integer))));
        assert!(!is_orderable(&T::CalendarInterval));
    }
}
