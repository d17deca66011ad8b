//! The proleptic Gregorian calendar over days since 1970-01-01, in 64 bits: no date of Spark's is beyond it.

/// Microseconds of a day.
pub(crate) const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Microseconds of a second.
pub(crate) const MICROS_PER_SECOND: i64 = 1_000_000;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;
/// Days in 400 years.
const ERA: i64 = 146_097;

/// The year, month and day of a day.
pub(crate) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + EPOCH;
    let era = shifted.div_euclid(ERA);
    let of_era = shifted.rem_euclid(ERA);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The day of a year, month (1 to 12) and day, which are not checked.
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * ERA + of_era - EPOCH
}

/// Whether a year has a 29th of February.
pub(crate) fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

/// How many days a month (1 to 12) has.
pub(crate) fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The day of a date that exists.
pub(crate) fn day_of_date(year: i64, month: i64, day: i64) -> Option<i64> {
    let exists = (1..=12).contains(&month) && (1..=month_length(year, month)).contains(&day) && year.abs() <= 999_999_999;
    exists.then(|| days_from_civil(year, month, day))
}

/// The day of a date, or what is wrong with it.
pub(crate) fn date(year: i64, month: i64, day: i64) -> Result<i64, String> {
    within("year", year, -999_999_999, 999_999_999)?;
    within("month", month, 1, 12)?;
    within("day", day, 1, 31)?;
    if day > month_length(year, month) {
        return Err(format!("{year:04}-{month:02} has {} days, and not {day}", month_length(year, month)));
    }
    Ok(days_from_civil(year, month, day))
}

/// A value between limits, or what is wrong with it.
pub(crate) fn within(what: &str, value: i64, low: i64, high: i64) -> Result<i64, String> {
    if (low..=high).contains(&value) { Ok(value) } else { Err(format!("the {what} is from {low} to {high}, and not {value}")) }
}

/// The n-th day of its year, from 1.
pub(crate) fn day_of_year(days: i64) -> i64 {
    let (year, ..) = civil_from_days(days);
    days - days_from_civil(year, 1, 1) + 1
}

/// The day of the week: Monday is 0.
pub(crate) fn weekday(days: i64) -> i64 {
    (days + 3).rem_euclid(7)
}

/// The year and the number of the ISO week.
pub(crate) fn iso_week(days: i64) -> (i64, i64) {
    // The week belongs to the year of its Thursday.
    let thursday = days - weekday(days) + 3;
    let (year, ..) = civil_from_days(thursday);
    (year, (thursday - days_from_civil(year, 1, 1)) / 7 + 1)
}

/// The same day `months` later, or the last day of a month that is too short for it.
pub(crate) fn add_months(days: i64, months: i64) -> i64 {
    let (year, month, day) = civil_from_days(days);
    let total = year * 12 + month - 1 + months;
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
    days_from_civil(year, month, day.min(month_length(year, month)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_days() {
        for (year, month, day, days) in [
            (1970, 1, 1, 0),
            (1969, 12, 31, -1),
            (2000, 2, 29, 11_016),
            (0, 1, 1, -719_528),
            (9999, 12, 31, 2_932_896),
            (-1, 3, 1, -719_834),
        ] {
            assert_eq!(days_from_civil(year, month, day), days, "{year}-{month}-{day}");
            assert_eq!(civil_from_days(days), (year, month, day));
        }
        for days in (-2_000_000_000_i64..2_000_000_000).step_by(9_999_991) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }

    #[test]
    fn weeks_and_months() {
        assert_eq!(iso_week(days_from_civil(2005, 1, 2)), (2004, 53));
        assert_eq!(iso_week(days_from_civil(2012, 12, 31)), (2013, 1));
        assert_eq!(iso_week(days_from_civil(2008, 2, 20)), (2008, 8));
        assert_eq!(weekday(0), 3);
        assert_eq!(day_of_year(days_from_civil(2016, 4, 9)), 100);
        assert_eq!(add_months(days_from_civil(2016, 8, 31), 1), days_from_civil(2016, 9, 30));
        assert_eq!(add_months(days_from_civil(2016, 1, 31), -11), days_from_civil(2015, 2, 28));
        assert!(date(2021, 2, 29).is_err() && date(2020, 2, 29).is_ok());
    }
}
