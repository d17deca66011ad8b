//! Casts to intervals.

use arrow::array::ArrayRef;
use arrow::datatypes::{
    Decimal128Type, DurationMicrosecondType, Int8Type, Int16Type, Int32Type, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType,
    IntervalYearMonthType,
};

use super::{Cx, How, convert, convert_text, map, no_cast};
use crate::Result;
use crate::types::number_text::POWERS_OF_TEN;
use crate::types::{DayTimeField, SparkType, YearMonthField, interval_text};

impl Cx<'_> {
    /// To intervals of every kind.
    pub(super) fn to_interval(&self, array: &ArrayRef, from: &SparkType, to: &SparkType) -> Result<ArrayRef> {
        match to {
            SparkType::DayTimeInterval(start, end) => self.to_day_time(array, from, to, (*start, *end)),
            SparkType::YearMonthInterval(start, end) => self.to_year_month(array, from, to, (*start, *end)),
            _ if from.is_string() => convert_text::<IntervalMonthDayNanoType>(array, |_, text| {
                // Text of another form is null in every mode.
                let Ok((months, days, micros)) = interval_text::parse_calendar(text) else { return Ok(None) };
                Ok(micros.checked_mul(1000).map(|nanos| IntervalMonthDayNano::new(months, days, nanos)))
            }),
            _ => Err(no_cast(from, to)),
        }
    }

    fn to_day_time(&self, array: &ArrayRef, from: &SparkType, to: &SparkType, fields: (DayTimeField, DayTimeField)) -> Result<ArrayRef> {
        use SparkType as T;
        type Out = DurationMicrosecondType;
        let (start, end) = fields;
        let unit = end.micros();
        let count = |row: usize, value: i64| match value.checked_mul(unit) {
            Some(micros) => Ok(Some(micros)),
            None => self.always(|| self.overflow(array, row, from, to)),
        };
        match from {
            T::String | T::Char(_) | T::Varchar(_) => {
                convert_text::<Out>(array, |_, text| match interval_text::parse_day_time(text, start, end) {
                    Ok(micros) => Ok(Some(micros)),
                    Err(_) if self.how == How::Try => Ok(None),
                    Err(error) => Err(error),
                })
            }
            T::DayTimeInterval(..) if end == DayTimeField::Second => map::<Out, Out>(array, |v| v),
            T::DayTimeInterval(..) => map::<Out, Out>(array, |v| v - v % unit),
            T::Byte => convert::<Int8Type, Out>(array, |row, v| count(row, v.into())),
            T::Short => convert::<Int16Type, Out>(array, |row, v| count(row, v.into())),
            T::Integer => convert::<Int32Type, Out>(array, |row, v| count(row, v.into())),
            T::Long => convert::<Int64Type, Out>(array, count),
            T::Decimal(_, scale) => convert::<Decimal128Type, Out>(array, |row, v| {
                match times(v, *scale, i128::from(unit)).and_then(|micros| i64::try_from(micros).ok()) {
                    Some(micros) => Ok(Some(micros)),
                    None => self.always(|| self.overflow(array, row, from, to)),
                }
            }),
            _ => Err(no_cast(from, to)),
        }
    }

    fn to_year_month(
        &self,
        array: &ArrayRef,
        from: &SparkType,
        to: &SparkType,
        fields: (YearMonthField, YearMonthField),
    ) -> Result<ArrayRef> {
        use SparkType as T;
        type Out = IntervalYearMonthType;
        let (start, end) = fields;
        let unit = end.months();
        let count = |row: usize, value: i64| match value.checked_mul(i64::from(unit)).and_then(|months| i32::try_from(months).ok()) {
            Some(months) => Ok(Some(months)),
            None => self.always(|| self.overflow(array, row, from, to)),
        };
        match from {
            T::String | T::Char(_) | T::Varchar(_) => {
                convert_text::<Out>(array, |_, text| match interval_text::parse_year_month(text, start, end) {
                    Ok(months) => Ok(Some(months)),
                    Err(_) if self.how == How::Try => Ok(None),
                    Err(error) => Err(error),
                })
            }
            T::YearMonthInterval(..) => map::<Out, Out>(array, |v| v - v % unit),
            T::Byte => convert::<Int8Type, Out>(array, |row, v| count(row, v.into())),
            T::Short => convert::<Int16Type, Out>(array, |row, v| count(row, v.into())),
            T::Integer => convert::<Int32Type, Out>(array, |row, v| count(row, v.into())),
            T::Long => convert::<Int64Type, Out>(array, count),
            T::Decimal(_, scale) => convert::<Decimal128Type, Out>(array, |row, v| {
                match times(v, *scale, i128::from(unit)).and_then(|months| i32::try_from(months).ok()) {
                    Some(months) => Ok(Some(months)),
                    None => self.always(|| self.overflow(array, row, from, to)),
                }
            }),
            _ => Err(no_cast(from, to)),
        }
    }
}

/// A decimal times a whole number, rounded half up; `None` where it is beyond every interval.
fn times(value: i128, scale: u8, factor: i128) -> Option<i128> {
    let divisor = *POWERS_OF_TEN.get(usize::from(scale))?;
    let (whole, rest) = (value / divisor, value % divisor);
    let whole = whole.checked_mul(factor)?;
    // The rest has 38 digits at most: what it adds is computed in two steps where the product would be too large.
    let part = match rest.checked_mul(factor) {
        Some(product) => {
            let (quotient, rest) = (product / divisor, product % divisor);
            if rest.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2) { quotient + rest.signum() } else { quotient }
        }
        None => {
            let coarse = divisor / factor;
            let (quotient, rest) = (rest / coarse, rest % coarse);
            if rest.unsigned_abs() >= coarse.unsigned_abs().div_ceil(2) { quotient + rest.signum() } else { quotient }
        }
    };
    whole.checked_add(part)
}
