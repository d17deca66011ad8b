//! Spark's interval strings (`"2 minutes"`, `"1 hour 30 minutes"`) as microseconds. Calendar units are refused where a
//! fixed length is needed, except that a month counts 31 days for a watermark, as in Spark.

use crate::{Error, Result};

const UNITS: [(&str, i64); 10] = [
    ("microsecond", 1),
    ("millisecond", 1_000),
    ("second", 1_000_000),
    ("minute", 60_000_000),
    ("hour", 3_600_000_000),
    ("day", 86_400_000_000),
    ("week", 604_800_000_000),
    ("month", 31 * 86_400_000_000),
    ("us", 1),
    ("ms", 1_000),
];

/// The length of `text` in microseconds.
///
/// # Errors
/// `Analysis` when the text is not a sequence of `<whole number> <unit>`, or is negative, or overflows.
pub fn parse_interval_us(text: &str) -> Result<i64> {
    let refuse = |why: &str| Error::analysis(format!("invalid interval `{text}`: {why}; write it like `2 minutes` or `1 hour 30 minutes`"));
    let lower = text.trim().to_lowercase();
    let body = lower.strip_prefix("interval ").unwrap_or(&lower);
    let words: Vec<&str> = body.split_whitespace().collect();
    if words.is_empty() || !words.len().is_multiple_of(2) {
        return Err(refuse("expected pairs of a number and a unit"));
    }
    let mut total: i64 = 0;
    for pair in words.chunks(2) {
        let count: i64 = pair[0].parse().map_err(|_| refuse(&format!("`{}` is not a whole number", pair[0])))?;
        if count < 0 {
            return Err(refuse("it must not be negative"));
        }
        let unit = pair[1];
        let singular = if unit.len() > 2 { unit.strip_suffix('s').unwrap_or(unit) } else { unit };
        let (_, scale) = UNITS
            .iter()
            .find(|(name, _)| *name == singular)
            .ok_or_else(|| refuse(&format!("unknown unit `{unit}`{}", crate::ident::did_you_mean(unit, UNITS.map(|(n, _)| n)))))?;
        total = count.checked_mul(*scale).and_then(|us| total.checked_add(us)).ok_or_else(|| refuse("it is too long"))?;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::parse_interval_us;

    #[test]
    fn table() {
        for (text, expected) in [
            ("2 minutes", Some(120_000_000)),
            ("1 hour 30 minutes", Some(5_400_000_000)),
            ("INTERVAL 10 Seconds", Some(10_000_000)),
            ("0 seconds", Some(0)),
            ("250 ms", Some(250_000)),
            ("1 month", Some(31 * 86_400_000_000)),
            ("", None),
            ("minutes", None),
            ("-1 second", None),
            ("1 fortnight", None),
            ("99999999999999 days", None),
        ] {
            assert_eq!(parse_interval_us(text).ok(), expected, "{text}");
        }
    }
}
