//! Numbers in other bases: `hex`, `bin`, `conv`.

use arrow::array::{Array, ArrayRef};

use super::column::{bytes, ints, longs, row_of, simple, simple_nullable, strings, text};
use crate::error::error;
use crate::functions::{Call, Function, Group, KernelArgs, Want};
use crate::types::SparkType;
use crate::{Result, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row_of(
        Group::Math,
        "hex",
        "hex(expr) - A number, text (in UTF-8) or binary data in hexadecimal.",
        &[("SELECT hex(17)", "11"), ("SELECT hex('Spark SQL')", "537061726B2053514C")],
        hex,
    ),
    row_of(
        Group::Math,
        "bin",
        "bin(expr) - A number in binary, negative ones as two's complement.",
        &[("SELECT bin(13)", "1101")],
        |call| {
            simple(
                call,
                &[Want::Type(SparkType::Long)],
                |args| {
                    let input = longs(args, 0)?;
                    strings(args, |row| Ok(Some(format!("{:b}", input.value(row)))))
                },
                SparkType::String,
            )
        },
    ),
    row_of(
        Group::Math,
        "conv",
        "conv(num, from_base, to_base) - A number, said in one base, in another; bases are 2 to 36, and a negative `to_base` gives a sign.",
        &[("SELECT conv('100', 2, 10)", "4"), ("SELECT conv(-10, 16, -10)", "-16")],
        |call| {
            let integer = Want::Type(SparkType::Integer);
            simple_nullable(call, &[Want::String, integer.clone(), integer], conv, SparkType::String)
        },
    ),
];

pub(super) fn hex(call: &mut Call<'_>) -> Result<Typed> {
    let wants = vec![Want::Type(SparkType::Long), Want::Type(SparkType::Binary), Want::String];
    simple(
        call,
        &[Want::OneOf(wants)],
        |args| {
            if args.arrays.first().is_some_and(|array| *array.data_type() == arrow::datatypes::DataType::Int64) {
                let input = longs(args, 0)?;
                return strings(args, |row| Ok(Some(format!("{:X}", input.value(row)))));
            }
            let input = bytes(args, 0)?;
            strings(args, |row| Ok(Some(hex::encode_upper(input.get(row)))))
        },
        SparkType::String,
    )
}

fn conv(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (input, from, to) = (text(args, 0)?, ints(args, 1)?, ints(args, 2)?);
    strings(args, |row| convert(input.value(row), from.value(row), to.value(row), args.settings.ansi))
}

/// The leading digits as 64 bits without a sign, in another base. Numbers beyond are an error, or all ones in legacy mode.
fn convert(text: &str, from: i32, to: i32, ansi: bool) -> Result<Option<String>> {
    let base = |base: i32| u32::try_from(base).ok().filter(|base| (2..=36).contains(base));
    let (Some(from), Some(radix)) = (base(from), base(to.checked_abs().unwrap_or(0))) else { return Ok(None) };
    if text.is_empty() {
        return Ok(None);
    }
    let (mut negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut value = 0u64;
    for digit in digits.chars().map_while(|c| if c.is_ascii() { c.to_digit(from) } else { None }) {
        match value.checked_mul(u64::from(from)).and_then(|value| value.checked_add(u64::from(digit))) {
            Some(next) => value = next,
            None if ansi => {
                let message = format!("`conv` cannot hold `{text}`: it takes numbers of up to 64 bits");
                return Err(error("ARITHMETIC_OVERFLOW", message));
            }
            None => {
                value = u64::MAX;
                break;
            }
        }
    }
    let mut signed = value.cast_signed();
    if negative && to > 0 {
        signed = if signed < 0 { -1 } else { -signed };
    }
    if to < 0 && signed < 0 {
        signed = signed.wrapping_neg();
        negative = true;
    }
    let mut value = signed.cast_unsigned();
    let mut out = Vec::new();
    loop {
        let digit = u32::try_from(value % u64::from(radix)).unwrap_or(0);
        out.push(char::from_digit(digit, radix).unwrap_or('0').to_ascii_uppercase());
        value /= u64::from(radix);
        if value == 0 {
            break;
        }
    }
    if negative && to < 0 {
        out.push('-');
    }
    Ok(Some(out.into_iter().rev().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases() {
        for (text, from, to, wanted) in [
            ("100", 2, 10, Some("4")),
            ("-10", 16, -10, Some("-16")),
            ("-1", 10, 16, Some("FFFFFFFFFFFFFFFF")),
            ("FFFFFFFFFFFFFFFF", 16, -10, Some("-1")),
            ("12x", 10, 10, Some("12")),
            ("x", 10, 10, Some("0")),
            ("", 10, 10, None),
            ("1", 1, 10, None),
            ("1", 10, 37, None),
            ("11abc", 10, 16, Some("B")),
        ] {
            assert_eq!(convert(text, from, to, true).ok().flatten().as_deref(), wanted, "{text} {from} {to}");
        }
        assert!(convert("99999999999999999999", 10, 10, true).is_err());
        assert_eq!(convert("99999999999999999999", 10, 10, false).ok().flatten().as_deref(), Some("18446744073709551615"));
    }
}
