//! Decimal numbers as text: read to the last digit, printed to the last digit, and bounds that hold whoever printed them.

/// A number as it was written: digits before and after the point, and a power of ten.
#[derive(Debug, Clone, Copy)]
struct Written<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i32,
}

impl<'a> Written<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse().ok()?),
            None => (text, 0),
        };
        let (negative, number) = match number.strip_prefix('-') {
            Some(number) => (true, number),
            None => (false, number.strip_prefix('+').unwrap_or(number)),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let mut digits = whole.bytes().chain(fraction.bytes()).peekable();
        (digits.peek().is_some() && digits.all(|b| b.is_ascii_digit())).then_some(Self { negative, whole, fraction, exponent })
    }

    /// The number in units of ten to the minus `scale`, cut towards zero, and whether that lost anything.
    fn units(&self, scale: i8) -> Option<(i128, bool)> {
        let kept = self.whole.len() as i64 + i64::from(self.exponent) + i64::from(scale);
        let (mut units, mut lost) = (0_i128, false);
        for (place, digit) in (0_i64..).zip(self.whole.bytes().chain(self.fraction.bytes())) {
            let digit = i128::from(digit - b'0');
            if place < kept {
                units = units.checked_mul(10)?.checked_add(digit)?;
            } else {
                lost |= digit != 0;
            }
        }
        let zeros = kept - (self.whole.len() + self.fraction.len()) as i64;
        if zeros > 0 && units != 0 {
            units = units.checked_mul(10_i128.checked_pow(u32::try_from(zeros).ok()?)?)?;
        }
        Some((if self.negative { -units } else { units }, lost))
    }

    /// One unit of the last digit, in units of ten to the minus `scale`; 0 where the text has all the digits that the scale can hold.
    fn last_digit(&self, scale: i8) -> Option<i128> {
        match i64::from(scale) - (self.fraction.len() as i64 - i64::from(self.exponent)) {
            missing @ 1.. => 10_i128.checked_pow(u32::try_from(missing).ok()?),
            _ => Some(0),
        }
    }
}

/// The decimal that a text says, in units of ten to the minus `scale`; nothing where it has more digits than the scale.
pub(crate) fn parse(text: &str, scale: i8) -> Option<i128> {
    let (units, lost) = Written::parse(text)?.units(scale)?;
    (!lost).then_some(units)
}

/// All digits of a decimal; nothing for a negative scale.
pub(super) fn print(units: i128, scale: i8) -> Option<String> {
    let scale = usize::try_from(scale).ok()?;
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if units < 0 { "-" } else { "" };
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

/// The least and the greatest value of `DECIMAL(precision, scale)` that a writer may have printed as `text`, in units of ten to
/// the minus `scale`.
///
/// Nothing in the text says who wrote it, so the range holds for each kind of writer:
/// * one that prints all digits (Spark, and we): the number itself;
/// * one that goes through a double, such as deltalake, and prints it in whatever form. A double's rounding loses at most 2⁻⁵³ of a
///   number; turning a decimal into a double, dividing by a power of ten and printing do it a few times, and deltalake moves a
///   number that became too long by one place more: less than eight times together, twice that is allowed for. Up to 2⁴⁹ units
///   (14 digits) that is less than one unit, and the number is exact;
/// * one that prints fewer digits than the scale holds, zeros cut off or digits rounded: one unit of the last digit.
///
/// The text is no number of the type where `None`: unreadable, or beyond every value of the type. A 64-bit limit says no more than
/// that the number is no smaller (no greater): it is what deltalake puts for a decimal without a fraction that is beyond it.
pub(super) fn range(text: &str, precision: u8, scale: i8) -> Option<(Option<i128>, Option<i128>)> {
    let written = Written::parse(text)?;
    let (units, lost) = written.units(scale)?;
    let rounding = (units.unsigned_abs() >> 49) as i128;
    let room = written.last_digit(scale)?.saturating_add(rounding).saturating_add(i128::from(lost));
    let greatest = 10_i128.checked_pow(u32::from(precision))? - 1;
    let (low, high) = (units.saturating_sub(room), units.saturating_add(room));
    if low > greatest || high < -greatest {
        return None;
    }
    let stuck = |limit: i64| scale == 0 && units == i128::from(limit);
    Some(((!stuck(i64::MIN)).then_some(low.max(-greatest)), (!stuck(i64::MAX)).then_some(high.min(greatest))))
}
