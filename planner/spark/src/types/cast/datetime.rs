//! Casts to dates, timestamps and times.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time64NanosecondType,
    TimestampMicrosecondType,
};

use super::numbers::Integral;
use super::{Cx, How, convert, convert_text, invalid, map, no_cast, typed};
use crate::error::error;
use crate::types::civil::MICROS_PER_SECOND;
use crate::types::datetime_text::{self, day_of, midnight_of};
use crate::types::number_text::POWERS_OF_TEN;
use crate::types::{SparkType, render};
use crate::{Error, Result};

impl Cx<'_> {
    /// To `date`, `timestamp`, `timestamp_ntz`, `time(n)`.
    pub(super) fn to_datetime(&self, array: &ArrayRef, from: &SparkType, to: &SparkType) -> Result<ArrayRef> {
        match to {
            SparkType::Date => self.to_date(array, from),
            SparkType::Time(digits) => self.to_time(array, from, *digits),
            SparkType::TimestampNtz => typed::<TimestampMicrosecondType>(self.to_timestamp_ntz(array, from)?, to),
            _ => typed::<TimestampMicrosecondType>(self.to_timestamp(array, from)?, to),
        }
    }

    /// What text gives, or the error for it.
    fn read<T>(&self, read: Option<T>, text: &str, to: &SparkType) -> Result<Option<T>> {
        match read {
            Some(value) => Ok(Some(value)),
            None => self.refuse(|| invalid(&render::quoted(text), &SparkType::String, to)),
        }
    }

    fn to_date(&self, array: &ArrayRef, from: &SparkType) -> Result<ArrayRef> {
        let zone = &self.settings.time_zone;
        match from {
            from if from.is_string() => {
                convert_text::<Date32Type>(array, |_, text| self.read(datetime_text::parse_date(text), text, &SparkType::Date))
            }
            SparkType::Timestamp => map::<TimestampMicrosecondType, Date32Type>(array, |v| day_of(zone.to_local(v).unwrap_or(v))),
            SparkType::TimestampNtz => map::<TimestampMicrosecondType, Date32Type>(array, day_of),
            _ => Err(no_cast(from, &SparkType::Date)),
        }
    }

    fn to_time(&self, array: &ArrayRef, from: &SparkType, digits: u8) -> Result<ArrayRef> {
        let to = SparkType::Time(digits);
        match from {
            from if from.is_string() => {
                convert_text::<Time64NanosecondType>(array, |_, text| self.read(datetime_text::parse_time(text), text, &to))
            }
            SparkType::Time(_) => {
                let unit = 10_i64.pow(u32::from(9 - digits.min(9)));
                map::<Time64NanosecondType, Time64NanosecondType>(array, |v| v / unit * unit)
            }
            _ => Err(no_cast(from, &to)),
        }
    }

    fn to_timestamp_ntz(&self, array: &ArrayRef, from: &SparkType) -> Result<ArrayRef> {
        let to = SparkType::TimestampNtz;
        let zone = &self.settings.time_zone;
        match from {
            from if from.is_string() => convert_text::<TimestampMicrosecondType>(array, |_, text| {
                self.read(datetime_text::parse_timestamp_ntz(text, true), text, &to)
            }),
            SparkType::Date => convert::<Date32Type, TimestampMicrosecondType>(array, |row, v| match midnight_of(v) {
                Some(micros) => Ok(Some(micros)),
                None => self.always(|| self.too_far(array, row, from, &to)),
            }),
            SparkType::Timestamp => convert::<TimestampMicrosecondType, TimestampMicrosecondType>(array, |row, v| match zone.to_local(v) {
                Some(micros) => Ok(Some(micros)),
                None => self.always(|| self.too_far(array, row, from, &to)),
            }),
            _ => Err(no_cast(from, &to)),
        }
    }

    #[allow(clippy::cast_possible_truncation)]
    fn to_timestamp(&self, array: &ArrayRef, from: &SparkType) -> Result<ArrayRef> {
        use SparkType as T;
        let to = T::Timestamp;
        let zone = &self.settings.time_zone;
        // Seconds beyond the range stop at its end, as Java's TimeUnit does.
        let seconds = |v: i64| v.saturating_mul(MICROS_PER_SECOND);
        let float = |row: usize, v: f64| {
            if !v.is_finite() {
                // A float is shown as the double that it is.
                return self.refuse(|| {
                    if *from == T::Double { self.invalid(array, row, from, &to) } else { invalid(&special(v), &T::Double, &to) }
                });
            }
            let micros = v * 1e6;
            if self.how != How::Legacy && !<i64 as Integral>::holds(micros) {
                return self.refuse(|| self.overflow(array, row, from, &to));
            }
            Ok(Some(micros as i64))
        };
        match from {
            T::String | T::Char(_) | T::Varchar(_) => {
                convert_text::<TimestampMicrosecondType>(array, |_, text| self.read(datetime_text::parse_timestamp(text, zone), text, &to))
            }
            T::Boolean => {
                let values = array.as_boolean_opt().ok_or_else(|| no_cast(from, &to))?;
                let made: arrow::array::PrimitiveArray<TimestampMicrosecondType> = values.iter().map(|v| v.map(i64::from)).collect();
                Ok(Arc::new(made))
            }
            T::Byte => map::<Int8Type, TimestampMicrosecondType>(array, |v| seconds(v.into())),
            T::Short => map::<Int16Type, TimestampMicrosecondType>(array, |v| seconds(v.into())),
            T::Integer => map::<Int32Type, TimestampMicrosecondType>(array, |v| seconds(v.into())),
            T::Long => map::<Int64Type, TimestampMicrosecondType>(array, seconds),
            T::Float => convert::<Float32Type, TimestampMicrosecondType>(array, |row, v| float(row, v.into())),
            T::Double => convert::<Float64Type, TimestampMicrosecondType>(array, float),
            T::Decimal(_, scale) => {
                let divisor = POWERS_OF_TEN.get(usize::from(*scale)).copied().unwrap_or(1);
                map::<Decimal128Type, TimestampMicrosecondType>(array, |v| {
                    // The low bits of seconds × 10^6, cut off.
                    let (whole, rest) = (v / divisor, v % divisor);
                    let part = if *scale > 32 { rest / (divisor / 1_000_000) } else { rest * 1_000_000 / divisor };
                    whole.wrapping_mul(1_000_000).wrapping_add(part) as i64
                })
            }
            T::Date => convert::<Date32Type, TimestampMicrosecondType>(array, |row, v| match midnight_of(v).and_then(|v| zone.to_utc(v)) {
                Some(micros) => Ok(Some(micros)),
                None => self.always(|| self.too_far(array, row, from, &to)),
            }),
            T::TimestampNtz => convert::<TimestampMicrosecondType, TimestampMicrosecondType>(array, |row, v| match zone.to_utc(v) {
                Some(micros) => Ok(Some(micros)),
                None => self.always(|| self.too_far(array, row, from, &to)),
            }),
            _ => Err(no_cast(from, &to)),
        }
    }

    /// Spark has Java's bare overflow here; its condition for times beyond their range says the same.
    fn too_far(&self, array: &ArrayRef, row: usize, from: &SparkType, to: &SparkType) -> Error {
        let value = render::literal_at(array, row, from, self.settings);
        error("DATETIME_OVERFLOW", format!("{value} is beyond the range of {to}: the years -290308 to 294247"))
    }
}

fn special(value: f64) -> String {
    crate::types::number_text::double_text(value)
}
