//! Text as bytes and back: character sets, base 64, hexadecimal, and whether bytes are UTF-8.

use arrow::array::ArrayRef;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{BinaryExpr, Case};
use datafusion::logical_expr::{Expr, Operator};

use super::column::{binaries, binary, bytes, constant_text, row, row_of, simple, simple_nullable, strings, text, truths, wanted};
use crate::error::error;
use crate::functions::{Call, Function, Group, KernelArgs, ScalarKernel, Want};
use crate::types::SparkType;
use crate::{Result, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "encode",
        "encode(str, charset) - The bytes of the text in a character set: US-ASCII, ISO-8859-1, UTF-8, UTF-16BE, UTF-16LE, UTF-16 or UTF-32.",
        &[("SELECT encode('abc', 'utf-8')", "abc")],
        |call| simple_nullable(call, &[Want::String, Want::String], encode, SparkType::Binary),
    ),
    row(
        "decode",
        "decode(bin, charset) - The text that bytes are in a character set. decode(expr, search, result[, search, result]...[, default]) - \
         The result beside the first `search` that `expr` equals (NULL equals NULL), else the default, else NULL.",
        &[
            ("SELECT decode(encode('abc', 'utf-8'), 'utf-8')", "abc"),
            ("SELECT decode(2, 1, 'Southlake', 2, 'San Francisco', 'Non domestic')", "San Francisco"),
            ("SELECT decode(null, 6, 'Spark', NULL, 'SQL', 4, 'rocks')", "SQL"),
        ],
        decode,
    ),
    row(
        "base64",
        "base64(bin) - Binary data in base 64; in lines of 76 characters unless `spark.sql.chunkBase64String.enabled` is off.",
        &[("SELECT base64('Spark SQL')", "U3BhcmsgU1FM")],
        base64,
    ),
    row("unbase64", "unbase64(str) - The bytes of a text in base 64.", &[("SELECT unbase64('U3BhcmsgU1FM')", "Spark SQL")], |call| {
        simple(
            call,
            &[Want::String],
            |args| {
                let input = text(args, 0)?;
                binaries(args, |row| from_base64(input.value(row)).map(Some).ok_or_else(|| malformed(input.value(row), "BASE64")))
            },
            SparkType::Binary,
        )
    }),
    row_of(
        Group::Math,
        "unhex",
        "unhex(expr) - The bytes of a text in hexadecimal; null where it is none.",
        &[("SELECT decode(unhex('537061726B2053514C'), 'UTF-8')", "Spark SQL")],
        |call| {
            simple_nullable(
                call,
                &[Want::String],
                |args| {
                    let input = text(args, 0)?;
                    binaries(args, |row| Ok(from_hex(input.value(row))))
                },
                SparkType::Binary,
            )
        },
    ),
    row(
        "to_binary",
        "to_binary(str[, fmt]) - The bytes of a text in the format 'hex' (if none is said), 'utf-8' or 'base64'.",
        &[("SELECT to_binary('abc', 'utf-8')", "abc")],
        |call| to_binary(call, false),
    ),
    row(
        "try_to_binary",
        "try_to_binary(str[, fmt]) - As `to_binary`, but null for a text or a format that is none.",
        &[("SELECT try_to_binary('abc', 'utf-8')", "abc"), ("SELECT try_to_binary('a!', 'base64')", "NULL")],
        |call| to_binary(call, true),
    ),
    row(
        "is_valid_utf8",
        "is_valid_utf8(str) - Whether the bytes of the text are UTF-8.",
        &[("SELECT is_valid_utf8('Spark')", "true"), ("SELECT is_valid_utf8(x'80')", "false")],
        |call| {
            utf8(
                call,
                |args| {
                    let input = bytes(args, 0)?;
                    truths(args, |row| Ok(Some(std::str::from_utf8(input.get(row)).is_ok())))
                },
                SparkType::Boolean,
            )
        },
    ),
    row(
        "make_valid_utf8",
        "make_valid_utf8(str) - The text with U+FFFD for bytes that are no UTF-8.",
        &[("SELECT make_valid_utf8('Spark')", "Spark"), ("SELECT make_valid_utf8(x'61C262')", "a\u{FFFD}b")],
        |call| {
            utf8(
                call,
                |args| {
                    let input = bytes(args, 0)?;
                    strings(args, |row| Ok(Some(String::from_utf8_lossy(input.get(row)))))
                },
                SparkType::String,
            )
        },
    ),
    row(
        "validate_utf8",
        "validate_utf8(str) - The text, or an error where its bytes are no UTF-8.",
        &[("SELECT validate_utf8(x'61')", "a")],
        |call| {
            utf8(
                call,
                |args| {
                    let input = bytes(args, 0)?;
                    strings(args, |row| match std::str::from_utf8(input.get(row)) {
                        Ok(valid) => Ok(Some(valid)),
                        Err(_) => {
                            let shown: String = input.get(row).iter().map(|b| format!("\\x{b:02X}")).collect();
                            let message = format!("the bytes {shown} are no UTF-8: take `make_valid_utf8` or `try_validate_utf8`");
                            Err(error("INVALID_UTF8_STRING", message))
                        }
                    })
                },
                SparkType::String,
            )
        },
    ),
    row(
        "try_validate_utf8",
        "try_validate_utf8(str) - The text, or null where its bytes are no UTF-8.",
        &[("SELECT try_validate_utf8(x'61')", "a"), ("SELECT try_validate_utf8(x'80')", "NULL")],
        |call| {
            utf8(
                call,
                |args| {
                    let input = bytes(args, 0)?;
                    strings(args, |row| Ok(std::str::from_utf8(input.get(row)).ok()))
                },
                SparkType::String,
            )
        },
    ),
];

/// The functions about UTF-8 look at bytes as they are: text that is no UTF-8 exists here only as binary data.
fn utf8(call: &mut Call<'_>, kernel: ScalarKernel, out: SparkType) -> Result<Typed> {
    call.arity(1..=1)?;
    let value = call.arg(0)?;
    let value = if value.data_type == SparkType::Binary { value } else { call.want(0, &Want::String)? };
    Ok(call.scalar(kernel, vec![value], out, true))
}

fn malformed(value: &str, format: &str) -> crate::Error {
    let message = format!("`{value}` is no text in {format}: correct it, or take `try_to_binary`, which gives NULL");
    error("CONVERSION_INVALID_INPUT", message)
}

/// A character set that Spark takes.
#[derive(Clone, Copy)]
enum Charset {
    Ascii,
    Latin1,
    Utf8,
    Utf16 { little: bool, mark: bool },
    Utf32,
}

fn charset(function: &str, name: &str) -> Result<Charset> {
    Ok(match name.to_lowercase().as_str() {
        "us-ascii" => Charset::Ascii,
        "iso-8859-1" => Charset::Latin1,
        "utf-8" => Charset::Utf8,
        "utf-16be" => Charset::Utf16 { little: false, mark: false },
        "utf-16le" => Charset::Utf16 { little: true, mark: false },
        "utf-16" => Charset::Utf16 { little: false, mark: true },
        "utf-32" => Charset::Utf32,
        _ => {
            let message = format!(
                "`{name}` is no character set that `{function}` takes: give one of iso-8859-1, us-ascii, utf-16, utf-16be, utf-16le, utf-32, utf-8"
            );
            return Err(error("INVALID_PARAMETER_VALUE.CHARSET", message));
        }
    })
}

fn bad_coding(function: &str, charset: &str) -> crate::Error {
    let message = format!("`{function}` found what {charset} cannot say: clean the value, or take another character set");
    error("MALFORMED_CHARACTER_CODING", message)
}

fn encode(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (input, name) = (text(args, 0)?, text(args, 1)?);
    let replace = args.settings.flag("spark.sql.legacy.codingErrorAction", false)?;
    binaries(args, |row| {
        let (input, name) = (input.value(row), name.value(row));
        let narrow = |limit: u32| {
            input.chars().map(|c| u8::try_from(u32::from(c)).ok().filter(|b| u32::from(*b) < limit).or(replace.then_some(b'?'))).collect()
        };
        let made: Option<Vec<u8>> = match charset("encode", name)? {
            _ if input.is_empty() => Some(Vec::new()),
            Charset::Ascii => narrow(128),
            Charset::Latin1 => narrow(256),
            Charset::Utf8 => Some(input.as_bytes().to_vec()),
            Charset::Utf16 { little, mark } => {
                let units = mark.then_some(0xFEFF).into_iter().chain(input.encode_utf16());
                Some(units.flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect())
            }
            Charset::Utf32 => Some(input.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect()),
        };
        made.map(Some).ok_or_else(|| bad_coding("encode", name))
    })
}

/// With two arguments a character set's, with more a comparison of values.
fn decode(call: &mut Call<'_>) -> Result<Typed> {
    match call.len() {
        0 | 1 => Err(call.wrong_arity("2 or more")),
        2 => simple_nullable(call, &[Want::Type(SparkType::Binary), Want::String], decode_bytes, SparkType::String),
        _ => decode_cases(call),
    }
}

fn decode_cases(call: &mut Call<'_>) -> Result<Typed> {
    let mut values = call.values()?;
    let subject = values.remove(0);
    let default = if values.len() % 2 == 1 { values.pop() } else { None };
    let default = default.unwrap_or_else(|| Typed::literal(ScalarValue::Utf8(None), SparkType::String, "NULL"));
    let (mut searches, mut results) = (Vec::new(), Vec::new());
    let mut rest = values.into_iter();
    while let (Some(search), Some(result)) = (rest.next(), rest.next()) {
        searches.push(search);
        results.push(result);
    }
    results.push(default);
    let mut results = call.same_type(results)?;
    let nullable = results.iter().any(|result| result.nullable);
    let Some(default) = results.pop() else { return Err(call.wrong_arity("2 or more")) };
    let out = default.data_type.clone();
    let mut branches = Vec::with_capacity(searches.len());
    for (search, result) in searches.into_iter().zip(results) {
        let mut pair = call.same_type(vec![subject.clone(), search])?.into_iter();
        let (Some(left), Some(right)) = (pair.next(), pair.next()) else { continue };
        let same = Expr::BinaryExpr(BinaryExpr::new(Box::new(left.expr), Operator::IsNotDistinctFrom, Box::new(right.expr)));
        branches.push((Box::new(same), Box::new(result.expr)));
    }
    let case = Expr::Case(Case::new(None, branches, Some(Box::new(default.expr))));
    Ok(call.made(case, out, nullable))
}

fn decode_bytes(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (input, name) = (binary(args, 0)?, text(args, 1)?);
    let replace = args.settings.flag("spark.sql.legacy.codingErrorAction", false)?;
    strings(args, |row| decode_one(input.value(row), name.value(row), replace).map(Some))
}

/// Bytes as text; `replace` puts U+FFFD for what is wrong, where an error would be.
pub(super) fn decode_one(input: &[u8], name: &str, replace: bool) -> Result<String> {
    const BAD: char = char::REPLACEMENT_CHARACTER;
    let made: Option<String> = match charset("decode", name)? {
        Charset::Ascii => input.iter().map(|b| if b.is_ascii() { Some(char::from(*b)) } else { replace.then_some(BAD) }).collect(),
        Charset::Latin1 => Some(input.iter().map(|b| char::from(*b)).collect()),
        Charset::Utf8 => match std::str::from_utf8(input) {
            Ok(valid) => Some(valid.to_owned()),
            Err(_) => replace.then(|| String::from_utf8_lossy(input).into_owned()),
        },
        Charset::Utf16 { little, mark } => {
            let (little, input) = match input {
                [0xFE, 0xFF, rest @ ..] if mark => (false, rest),
                [0xFF, 0xFE, rest @ ..] if mark => (true, rest),
                _ => (little, input),
            };
            let odd = input.len() % 2 == 1;
            let units = input.chunks_exact(2).map(|pair| match pair {
                [a, b] if little => u16::from_le_bytes([*a, *b]),
                [a, b] => u16::from_be_bytes([*a, *b]),
                _ => 0,
            });
            let text: Option<String> = char::decode_utf16(units).map(|c| c.ok().or(replace.then_some(BAD))).collect();
            match (odd, replace) {
                (true, false) => None,
                (true, true) => text.map(|text| text + "\u{FFFD}"),
                _ => text,
            }
        }
        Charset::Utf32 => {
            let (little, input) = match input {
                [0, 0, 0xFE, 0xFF, rest @ ..] => (false, rest),
                [0xFF, 0xFE, 0, 0, rest @ ..] => (true, rest),
                _ => (false, input),
            };
            let code = |unit: &[u8]| match unit {
                [a, b, c, d] if little => Some(u32::from_le_bytes([*a, *b, *c, *d])),
                [a, b, c, d] => Some(u32::from_be_bytes([*a, *b, *c, *d])),
                _ => None,
            };
            input.chunks(4).map(|unit| code(unit).and_then(char::from_u32).or(replace.then_some(BAD))).collect()
        }
    };
    made.ok_or_else(|| bad_coding("decode", name))
}

pub(super) fn base64(call: &mut Call<'_>) -> Result<Typed> {
    let kernel: ScalarKernel = |args| {
        let input = binary(args, 0)?;
        let lines = args.settings.flag("spark.sql.chunkBase64String.enabled", true)?;
        strings(args, |row| {
            let whole = STANDARD.encode(input.value(row));
            Ok(Some(if lines { in_lines(&whole) } else { whole }))
        })
    };
    simple(call, &[Want::Type(SparkType::Binary)], kernel, SparkType::String)
}

/// MIME's lines: 76 characters, parted by `\r\n`.
fn in_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 38);
    for (at, c) in text.chars().enumerate() {
        if at > 0 && at % 76 == 0 {
            out.push_str("\r\n");
        }
        out.push(c);
    }
    out
}

/// MIME's base 64: characters of no alphabet are passed over. `None` where the end is wrong.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| match b {
        b'A'..=b'Z' => Some(u32::from(b - b'A')),
        b'a'..=b'z' => Some(u32::from(b - b'a') + 26),
        b'0'..=b'9' => Some(u32::from(b - b'0') + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0u32, 0u32);
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        if b == b'=' {
            // Two digits want two signs, three want one; none fits elsewhere.
            let fits = match count {
                2 => rest.next() == Some(b'='),
                3 => true,
                _ => false,
            };
            if !fits || rest.any(|b| digit(b).is_some()) {
                return None;
            }
            break;
        }
        let Some(value) = digit(b) else { continue };
        bits = bits << 6 | value;
        count += 1;
        if count == 4 {
            out.extend(bits.to_be_bytes().into_iter().skip(1));
            (bits, count) = (0, 0);
        }
    }
    match count {
        1 => return None,
        2 => out.extend((bits << 12).to_be_bytes().get(1..2)?),
        3 => out.extend((bits << 6).to_be_bytes().get(1..3)?),
        _ => {}
    }
    Some(out)
}

/// What `to_binary` takes for base 64: nothing but its alphabet, white space before the end, and right padding.
fn is_strict_base64(text: &str) -> bool {
    let (mut position, mut padding) = (0usize, 0usize);
    for c in text.chars() {
        match c {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '+' | '/' if padding == 0 => position += 1,
            '=' => {
                padding += 1;
                if padding > 2 || position % 4 < 2 {
                    return false;
                }
            }
            c if c.is_whitespace() && padding == 0 => {}
            _ => return false,
        }
    }
    if padding > 0 { (position + padding) % 4 == 0 } else { position % 4 != 1 }
}

/// Digits of an odd number have a 0 before them.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let padded = if text.len() % 2 == 1 { format!("0{text}") } else { text.to_owned() };
    hex::decode(padded).ok()
}

/// The format is a constant.
fn to_binary(call: &mut Call<'_>, lenient: bool) -> Result<Typed> {
    call.arity(1..=2)?;
    let format = if call.len() == 1 {
        Some("hex".to_owned())
    } else {
        let given = call.arg(1)?;
        if crate::functions::constant(&given)?.is_some() && !given.data_type.is_string() && given.data_type != SparkType::Null {
            return Err(bad_format(call, &given.sql.to_string()));
        }
        constant_text(call, 1)?
    };
    let args = wanted(call, &[Want::String])?;
    let kernel: ScalarKernel = match format.as_deref().map(str::to_lowercase).as_deref() {
        Some("hex") if lenient => |args| {
            let input = text(args, 0)?;
            binaries(args, |row| Ok(from_hex(input.value(row))))
        },
        Some("hex") => |args| {
            let input = text(args, 0)?;
            binaries(args, |row| from_hex(input.value(row)).map(Some).ok_or_else(|| malformed(input.value(row), "HEX")))
        },
        Some("utf-8" | "utf8") => |args| {
            let input = text(args, 0)?;
            binaries(args, |row| Ok(Some(input.value(row).as_bytes())))
        },
        Some("base64") if lenient => |args| {
            let input = text(args, 0)?;
            binaries(args, |row| Ok(Some(input.value(row)).filter(|input| is_strict_base64(input)).and_then(from_base64)))
        },
        Some("base64") => |args| {
            let input = text(args, 0)?;
            binaries(args, |row| {
                let input =
                    Some(input.value(row)).filter(|input| is_strict_base64(input)).ok_or_else(|| malformed(input.value(row), "BASE64"))?;
                from_base64(input).map(Some).ok_or_else(|| malformed(input, "BASE64"))
            })
        },
        Some(other) if !lenient => return Err(bad_format(call, other)),
        _ => {
            let null = Expr::Literal(ScalarValue::Binary(None), None);
            return Ok(call.made(null, SparkType::Binary, true));
        }
    };
    let format = ScalarValue::Utf8(format.map(|format| format.to_lowercase()));
    Ok(call.scalar_with(kernel, args, vec![format], SparkType::Binary, true))
}

fn bad_format(call: &Call<'_>, format: &str) -> crate::Error {
    let message = format!("cannot resolve \"{}\": `fmt` is 'hex', 'utf-8', 'utf8' or 'base64', and not `{format}`", call.sql());
    call.refuse("DATATYPE_MISMATCH.INVALID_ARG_VALUE", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_64() {
        for (text, wanted) in [
            ("U3BhcmsgU1FM", Some(&b"Spark SQL"[..])),
            ("YQ==", Some(b"a")),
            ("YQ", Some(b"a")),
            ("Y W\r\nI=", Some(b"ab")),
            ("Y", None),
            ("YQ=", None),
            ("", Some(b"")),
        ] {
            assert_eq!(from_base64(text).as_deref(), wanted, "{text}");
        }
        for (text, wanted) in [("YQ==", true), ("YQ=", false), ("a!", false), ("YQ", true), ("Y", false), ("", true)] {
            assert_eq!(is_strict_base64(text), wanted, "{text}");
        }
        assert_eq!(in_lines(&"a".repeat(77)), format!("{}\r\na", "a".repeat(76)));
    }

    #[test]
    fn character_sets() {
        assert_eq!(decode_one(&[0xFF, 0xFE, 0x61, 0], "utf-16", false).ok().as_deref(), Some("a"));
        assert_eq!(decode_one(&[0, 0, 0, 0x61], "UTF-32", false).ok().as_deref(), Some("a"));
        assert_eq!(decode_one(&[0xE4], "iso-8859-1", false).ok().as_deref(), Some("ä"));
        assert!(decode_one(&[0xE4], "utf-8", false).is_err());
        assert!(decode_one(&[0xE4], "windows-1252", false).is_err());
    }
}
