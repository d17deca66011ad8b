//! Decimal digits of numbers, and how digits too many are rounded away.

use std::cmp::Ordering;

/// The digits of a number without its sign: `0.d₁d₂d₃… × 10^point`.
#[derive(Debug, Clone)]
pub(super) struct Digits {
    /// From the most significant on; no zeros at the begin.
    digits: Vec<u8>,
    /// How many of them stand before the point.
    point: i64,
}

/// How a digit too many is rounded away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    HalfUp,
    HalfEven,
}

impl Digits {
    /// The fewest digits that tell a double from its neighbours.
    pub(super) fn of_double(value: f64) -> Self {
        Self::of_scientific(&format!("{:e}", value.abs()))
    }

    /// The fewest digits that tell a float from its neighbours.
    pub(super) fn of_float(value: f32) -> Self {
        Self::of_scientific(&format!("{:e}", value.abs()))
    }

    /// All digits of a double: what it holds, not what it is shown as.
    pub(super) fn exact(value: f64) -> Self {
        // No double has more than 1074 digits behind the point, nor 767 in all.
        Self::of_scientific(&format!("{:.767e}", value.abs()))
    }

    /// A decimal number's.
    pub(super) fn of_decimal(unscaled: i128, scale: u8) -> Self {
        let text = unscaled.unsigned_abs().to_string();
        let point = text.len() as i64 - i64::from(scale);
        Self::new(text.bytes().map(|b| b - b'0').collect(), point)
    }

    fn of_scientific(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let digits = mantissa.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect();
        Self::new(digits, exponent.parse::<i64>().unwrap_or(0) + 1)
    }

    fn new(mut digits: Vec<u8>, mut point: i64) -> Self {
        let zeros = digits.iter().take_while(|d| **d == 0).count();
        digits.drain(..zeros);
        point -= i64::try_from(zeros).unwrap_or(0);
        while digits.last() == Some(&0) {
            digits.pop();
        }
        if digits.is_empty() {
            point = 0;
        }
        Self { digits, point }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// The power of ten of the first digit.
    pub(super) fn exponent(&self) -> i64 {
        self.point - 1
    }

    /// Times a power of ten.
    pub(super) fn shifted(mut self, by: i64) -> Self {
        if !self.is_zero() {
            self.point += by;
        }
        self
    }

    /// The same with so many digits at most.
    fn rounded(&self, count: i64, rounding: Rounding) -> Self {
        let Ok(keep) = usize::try_from(count) else { return Self::new(Vec::new(), 0) };
        let Some(next) = self.digits.get(keep) else { return self.clone() };
        let mut digits: Vec<u8> = self.digits.iter().take(keep).copied().collect();
        let up = match next.cmp(&5) {
            Ordering::Less => false,
            Ordering::Greater => true,
            // No zeros stand at the end, so anything behind the 5 makes it more than a half.
            Ordering::Equal => {
                rounding == Rounding::HalfUp || self.digits.len() > keep + 1 || digits.last().is_some_and(|last| last % 2 == 1)
            }
        };
        let mut point = self.point;
        if up {
            let mut carried = true;
            for digit in digits.iter_mut().rev() {
                if *digit == 9 {
                    *digit = 0;
                } else {
                    *digit += 1;
                    carried = false;
                    break;
                }
            }
            if carried {
                digits.insert(0, 1);
                point += 1;
            }
        }
        Self::new(digits, point)
    }

    /// Rounded half up to so many digits.
    pub(super) fn significant(&self, count: usize) -> Self {
        self.rounded(i64::try_from(count).unwrap_or(i64::MAX), Rounding::HalfUp)
    }

    /// Rounded to so many digits behind the point.
    pub(super) fn behind_point(&self, count: usize, rounding: Rounding) -> Self {
        self.rounded(self.point.saturating_add(i64::try_from(count).unwrap_or(i64::MAX)), rounding)
    }

    /// With so many digits behind the point, rounded half up; no point without any.
    pub(super) fn fixed(&self, count: usize) -> String {
        let (before, behind) = self.behind_point(count, Rounding::HalfUp).parts();
        let before = if before.is_empty() { "0" } else { &before };
        if count == 0 { before.to_owned() } else { format!("{before}.{}", super::fill::before(&behind, '0', count)) }
    }

    /// The digits before the point, without zeros at the begin, and those behind it, without zeros at the end.
    pub(super) fn parts(&self) -> (String, String) {
        let digit = |d: &u8| char::from(b'0' + d);
        let before = usize::try_from(self.point).unwrap_or(0);
        let mut left: String = self.digits.iter().take(before).map(digit).collect();
        while left.len() < before {
            left.push('0');
        }
        let zeros = usize::try_from(-self.point).unwrap_or(0);
        let mut right = "0".repeat(if self.is_zero() { 0 } else { zeros });
        right.extend(self.digits.iter().skip(before).map(digit));
        (left, right)
    }

    /// `d.ddd` with so many digits behind the point.
    pub(super) fn mantissa(&self, count: usize) -> String {
        let mut digits = self.digits.iter().copied().chain(std::iter::repeat(0)).map(|d| char::from(b'0' + d));
        let first = digits.next().unwrap_or('0');
        if count == 0 { first.to_string() } else { format!("{first}.{}", digits.take(count).collect::<String>()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding() {
        for (value, count, wanted) in [(1.005, 2, "1.01"), (0.5, 0, "1"), (0.05, 0, "0"), (999.96, 1, "1000.0"), (0.0, 2, "0.00")] {
            assert_eq!(Digits::of_double(value).fixed(count), wanted);
        }
        assert_eq!(Digits::of_decimal(125, 2).behind_point(1, Rounding::HalfEven).parts(), ("1".to_owned(), "2".to_owned()));
        assert_eq!(Digits::exact(0.1).behind_point(20, Rounding::HalfEven).parts().1, "10000000000000000555");
    }
}
