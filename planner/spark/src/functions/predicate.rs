//! `isnan`, and patterns: LIKE, ILIKE, RLIKE, and LIKE ANY and ALL.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{Float32Type, Float64Type};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, Like, Operator, binary_expr};

use super::operators::logic;
use super::operators::{kernel, row};
use super::regex;
use super::{Call, Function, Group, KernelArgs, Want, constant};
use crate::error::error;
use crate::types::SparkType as T;
use crate::{Result, Sql, Typed};

fn is_nan(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=1)?;
    let value = call.want(0, &Want::OneOf(vec![Want::Type(T::Double), Want::Type(T::Float)]))?;
    Ok(kernel(call, "isnan", nan_kernel, vec![value], Vec::new(), T::Boolean, false))
}

fn nan_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let made: BooleanArray = match (args.arrays, args.types) {
        ([array], [T::Float]) => array.as_primitive::<Float32Type>().iter().map(|v| Some(v.is_some_and(f32::is_nan))).collect(),
        ([array], _) => array.as_primitive::<Float64Type>().iter().map(|v| Some(v.is_some_and(f64::is_nan))).collect(),
        _ => BooleanArray::from(vec![false; args.rows]),
    };
    Ok(Arc::new(made))
}

/// A part of a LIKE pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Just this character.
    One(char),
    /// `_`
    Any,
    /// `%`
    Many,
}

/// A LIKE pattern, taken apart.
///
/// # Errors
/// `INVALID_FORMAT.ESC_IN_THE_MIDDLE`, `INVALID_FORMAT.ESC_AT_THE_END`
fn parts(pattern: &str, escape: char) -> Result<Vec<Part>> {
    let mut made = Vec::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        made.push(match c {
            c if c == escape => match chars.next() {
                Some(next) if next == '_' || next == '%' || next == escape => Part::One(next),
                Some(next) => {
                    let message = format!("in the pattern `{pattern}` the escape character stands before `{next}`, which it cannot escape");
                    return Err(error("INVALID_FORMAT.ESC_IN_THE_MIDDLE", message));
                }
                None => {
                    let message = format!("the pattern `{pattern}` ends in the escape character: double it");
                    return Err(error("INVALID_FORMAT.ESC_AT_THE_END", message));
                }
            },
            '_' => Part::Any,
            '%' if made.last() == Some(&Part::Many) => continue,
            '%' => Part::Many,
            c => Part::One(c),
        });
    }
    Ok(made)
}

/// Whether the whole text matches.
fn matches(parts: &[Part], text: &str) -> bool {
    let (mut part, mut rest) = (0, text);
    // Where to go on when what follows the last `%` does not match.
    let mut back: Option<(usize, &str)> = None;
    loop {
        let mut chars = rest.chars();
        match (parts.get(part), chars.next()) {
            (Some(Part::Many), _) => {
                part += 1;
                if part == parts.len() {
                    return true;
                }
                back = Some((part, rest));
                continue;
            }
            (Some(Part::Any), Some(_)) => {
                part += 1;
                rest = chars.as_str();
                continue;
            }
            (Some(Part::One(wanted)), Some(found)) if *wanted == found => {
                part += 1;
                rest = chars.as_str();
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        let Some((at, from)) = back else { return false };
        let mut chars = from.chars();
        if chars.next().is_none() {
            return false;
        }
        (part, rest) = (at, chars.as_str());
        back = Some((at, rest));
    }
}

/// The pattern as the engine spells it: with `\` as escape.
fn engine_pattern(parts: &[Part]) -> String {
    let mut made = String::new();
    for part in parts {
        match part {
            Part::Any => made.push('_'),
            Part::Many => made.push('%'),
            Part::One(c) => {
                if matches!(c, '%' | '_' | '\\') {
                    made.push('\\');
                }
                made.push(*c);
            }
        }
    }
    made
}

fn escape_of(call: &Call<'_>) -> Result<char> {
    if call.len() < 3 {
        return Ok('\\');
    }
    let value = call.arg(2)?;
    if let Some(ScalarValue::Utf8(Some(text))) = value.as_literal() {
        let mut chars = text.chars();
        if let (Some(c), None) = (chars.next(), chars.next()) {
            return Ok(c);
        }
    }
    let message = format!("the escape of a pattern is text of one character, and not {}", value.sql);
    Err(call.refuse("INVALID_ESCAPE_CHAR", message))
}

/// The value of a constant text: `None` for what depends on a row, `Some(None)` for null.
fn constant_text(value: &Typed) -> Result<Option<Option<String>>> {
    Ok(match constant(value)? {
        Some(ScalarValue::Utf8(text)) => Some(text),
        Some(_) => Some(None),
        None => None,
    })
}

fn like(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=3)?;
    let escape = escape_of(call)?;
    let (value, pattern) = (call.want_type(0, T::String)?, call.want_type(1, T::String)?);
    like_of(call, value, pattern, escape)
}

fn like_of(call: &Call<'_>, value: Typed, pattern: Typed, escape: char) -> Result<Typed> {
    let suffix = match escape {
        '\\' => String::new(),
        '\'' => " ESCAPE '\\''".to_owned(),
        c => format!(" ESCAPE '{c}'"),
    };
    let shown = Sql::concat(vec![value.sql.clone(), Sql::from(" LIKE "), pattern.sql.clone(), Sql::from(suffix)]);
    let nullable = value.nullable || pattern.nullable;
    let made = match constant_text(&pattern)? {
        Some(Some(text)) => {
            let parts = parts(&text, escape).map_err(|refused| crate::error::at(refused, call.span))?;
            let text = ScalarValue::Utf8(Some(engine_pattern(&parts)));
            let like = Like::new(false, Box::new(value.expr), Box::new(Expr::Literal(text, None)), None, false);
            Typed::new(Expr::Like(like), T::Boolean, nullable, call.sql())
        }
        Some(None) => Typed::literal(ScalarValue::Boolean(None), T::Boolean, call.sql()),
        None => {
            let constants = vec![ScalarValue::Utf8(Some(escape.to_string())), ScalarValue::Boolean(Some(false))];
            kernel(call, "like", like_kernel, vec![value, pattern], constants, T::Boolean, nullable)
        }
    };
    Ok(made.shown(shown))
}

fn ilike(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=3)?;
    let escape = escape_of(call)?;
    let (value, pattern) = (call.want_type(0, T::String)?, call.want_type(1, T::String)?);
    ilike_of(call, value, pattern, escape)
}

fn ilike_of(call: &Call<'_>, value: Typed, pattern: Typed, escape: char) -> Result<Typed> {
    let shown = Sql::call("ilike", [&value.sql, &pattern.sql]);
    if let Some(Some(text)) = constant_text(&pattern)? {
        parts(&text.to_lowercase(), escape).map_err(|refused| crate::error::at(refused, call.span))?;
    }
    let nullable = value.nullable || pattern.nullable;
    let constants = vec![ScalarValue::Utf8(Some(escape.to_string())), ScalarValue::Boolean(Some(true))];
    Ok(kernel(call, "ilike", like_kernel, vec![value, pattern], constants, T::Boolean, nullable).shown(shown))
}

/// The text of a row of an array that may have one value for all.
fn text_at(array: &arrow::array::StringArray, row: usize) -> Option<&str> {
    let row = if array.len() == 1 { 0 } else { row };
    array.is_valid(row).then(|| array.value(row))
}

/// LIKE with a pattern per row; constants: the escape, and whether letters' case counts for nothing.
fn like_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let [values, patterns] = args.arrays else { return Ok(arrow::array::new_null_array(&arrow::datatypes::DataType::Boolean, args.rows)) };
    let (values, patterns) = (values.as_string::<i32>(), patterns.as_string::<i32>());
    let escape = match args.constants.first() {
        Some(ScalarValue::Utf8(Some(text))) => text.chars().next().unwrap_or('\\'),
        _ => '\\',
    };
    let lower = args.constants.get(1) == Some(&ScalarValue::Boolean(Some(true)));
    let mut last: Option<(&str, Vec<Part>)> = None;
    let mut made = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        let (Some(value), Some(pattern)) = (text_at(values, row), text_at(patterns, row)) else {
            made.push(None);
            continue;
        };
        if last.as_ref().is_none_or(|(text, _)| *text != pattern) {
            let parts = if lower { parts(&pattern.to_lowercase(), escape)? } else { parts(pattern, escape)? };
            last = Some((pattern, parts));
        }
        let parts = last.as_ref().map_or(&[][..], |(_, parts)| parts);
        made.push(Some(if lower { matches(parts, &value.to_lowercase()) } else { matches(parts, value) }));
    }
    Ok(Arc::new(BooleanArray::from(made)))
}

/// Which of the LIKE ANY family.
#[derive(Clone, Copy)]
struct Many {
    all: bool,
    negated: bool,
    lower: bool,
}

fn like_many(call: &mut Call<'_>, many: Many) -> Result<Typed> {
    if call.len() < 2 {
        return Err(call.wrong_arity("2 or more"));
    }
    let patterns = (1..call.len()).map(|at| call.arg(at)).collect::<Result<Vec<_>>>()?;
    let texts = patterns
        .iter()
        .map(|pattern| if pattern.data_type.is_string() { constant_text(pattern) } else { Ok(None) })
        .collect::<Result<Option<Vec<Option<String>>>>>()?;
    let value = call.want_type(0, T::String)?;
    if let Some(texts) = texts {
        let name = match (many.negated, many.all) {
            (false, true) => "likeall",
            (false, false) => "likeany",
            (true, true) => "notlikeall",
            (true, false) => "notlikeany",
        };
        let subject = if many.lower { Sql::call("lower", [&value.sql]) } else { value.sql.clone() };
        let shown = Sql::call(name, [&subject]);
        let mut constants: Vec<_> = [many.all, many.negated, many.lower].into_iter().map(|flag| ScalarValue::Boolean(Some(flag))).collect();
        for text in texts {
            let text = text.map(|text| if many.lower { text.to_lowercase() } else { text });
            if let Some(text) = &text {
                parts(text, '\\').map_err(|refused| crate::error::at(refused, call.span))?;
            }
            constants.push(ScalarValue::Utf8(text));
        }
        return Ok(kernel(call, name, many_kernel, vec![value], constants, T::Boolean, true).shown(shown));
    }
    let mut joined: Option<Typed> = None;
    for at in 1..call.len() {
        let pattern = call.want_type(at, T::String)?;
        let one = if many.lower { ilike_of(call, value.clone(), pattern, '\\')? } else { like_of(call, value.clone(), pattern, '\\')? };
        let one = if many.negated { logic::negated(one) } else { one };
        joined = Some(match joined {
            None => one,
            Some(before) if many.all => logic::both(before, one),
            Some(before) => {
                let shown = Sql::infix(&before.sql, "OR", &one.sql);
                let nullable = before.nullable || one.nullable;
                Typed::new(binary_expr(before.expr, Operator::Or, one.expr), T::Boolean, nullable, shown)
            }
        });
    }
    joined.ok_or_else(|| call.wrong_arity("2 or more"))
}

fn many_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let flag = |at: usize| args.constants.get(at) == Some(&ScalarValue::Boolean(Some(true)));
    let many = Many { all: flag(0), negated: flag(1), lower: flag(2) };
    let mut patterns = Vec::new();
    let mut null = false;
    for constant in args.constants.iter().skip(3) {
        match constant {
            ScalarValue::Utf8(Some(text)) => patterns.push(parts(text, '\\')?),
            _ => null = true,
        }
    }
    let [values] = args.arrays else { return Ok(arrow::array::new_null_array(&arrow::datatypes::DataType::Boolean, args.rows)) };
    let values = values.as_string::<i32>();
    let one = |text: &str| {
        let mut each = patterns.iter().map(|parts| matches(parts, text) != many.negated);
        let settled = if many.all { !each.all(|m| m) } else { each.any(|m| m) };
        // ALL is settled by one that does not match, ANY by one that does.
        if settled {
            Some(!many.all)
        } else if null {
            None
        } else {
            Some(many.all)
        }
    };
    let made =
        (0..args.rows).map(|row| text_at(values, row).and_then(|text| if many.lower { one(&text.to_lowercase()) } else { one(text) }));
    Ok(Arc::new(made.collect::<BooleanArray>()))
}

fn rlike(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    let (value, pattern) = (call.want_type(0, T::String)?, call.want_type(1, T::String)?);
    let shown = Sql::call(&call.name.to_uppercase(), [&value.sql, &pattern.sql]);
    if let Some(Some(text)) = constant_text(&pattern)? {
        regex::compile(&text, call.settings).map_err(|refused| crate::error::at(refused, call.span))?;
    }
    let nullable = value.nullable || pattern.nullable;
    Ok(kernel(call, "rlike", rlike_kernel, vec![value, pattern], Vec::new(), T::Boolean, nullable).shown(shown))
}

fn rlike_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let [values, patterns] = args.arrays else { return Ok(arrow::array::new_null_array(&arrow::datatypes::DataType::Boolean, args.rows)) };
    let (values, patterns) = (values.as_string::<i32>(), patterns.as_string::<i32>());
    let mut last: Option<(&str, regex::Regex)> = None;
    let mut made = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        let (Some(value), Some(pattern)) = (text_at(values, row), text_at(patterns, row)) else {
            made.push(None);
            continue;
        };
        let compiled = match &last {
            Some((text, compiled)) if *text == pattern => compiled,
            _ => &last.insert((pattern, regex::compile(pattern, args.settings)?)).1,
        };
        made.push(Some(regex::is_match(compiled, value)?));
    }
    Ok(Arc::new(BooleanArray::from(made)))
}

const fn many(
    name: &'static str,
    usage: &'static str,
    examples: &'static [(&'static str, &'static str)],
    build: fn(&mut Call<'_>) -> Result<Typed>,
) -> Function {
    row(name, Group::Predicate, usage, examples, build)
}

const fn kind(all: bool, negated: bool, lower: bool) -> Many {
    Many { all, negated, lower }
}

/// The rows of this file.
pub(super) const ROWS: &[Function] = &[
    row(
        "isnan",
        Group::Predicate,
        "isnan(expr) - Whether `expr` is NaN; false for null.",
        &[("SELECT isnan(cast('NaN' as double))", "true")],
        is_nan,
    ),
    row(
        "like",
        Group::Predicate,
        "str like pattern[ ESCAPE escape] - Whether all of `str` matches, where `_` is any character and `%` any number of them.",
        &[("SELECT like('Spark', '_park')", "true")],
        like,
    ),
    row(
        "ilike",
        Group::Predicate,
        "str ilike pattern[ ESCAPE escape] - As `like`, whatever the letters' case.",
        &[("SELECT ilike('Spark', '_Park')", "true")],
        ilike,
    ),
    row("rlike", Group::Predicate, RLIKE, &[("SELECT rlike('abc', 'b+')", "true")], rlike),
    row("regexp", Group::Predicate, RLIKE, &[("SELECT regexp('abc', '^b')", "false")], rlike),
    row("regexp_like", Group::Predicate, RLIKE, &[("SELECT regexp_like('abc', 'C')", "false")], rlike),
    many("like_any", "str LIKE ANY (pattern, ...) - Whether one matches.", &[("SELECT 'ab' LIKE ANY ('a%', 'x')", "true")], |c| {
        like_many(c, kind(false, false, false))
    }),
    many("like_all", "str LIKE ALL (pattern, ...) - Whether all match.", &[("SELECT 'ab' LIKE ALL ('a%', 'x')", "false")], |c| {
        like_many(c, kind(true, false, false))
    }),
    many(
        "not_like_any",
        "str NOT LIKE ANY (pattern, ...) - Whether one does not match.",
        &[("SELECT 'ab' NOT LIKE ANY ('a%', 'x')", "true")],
        |c| like_many(c, kind(false, true, false)),
    ),
    many(
        "not_like_all",
        "str NOT LIKE ALL (pattern, ...) - Whether none matches.",
        &[("SELECT 'ab' NOT LIKE ALL ('a%', 'x')", "false")],
        |c| like_many(c, kind(true, true, false)),
    ),
    many(
        "ilike_any",
        "str ILIKE ANY (pattern, ...) - Whether one matches, whatever the letters' case.",
        &[("SELECT 'AB' ILIKE ANY ('a%', 'x')", "true")],
        |c| like_many(c, kind(false, false, true)),
    ),
    many(
        "ilike_all",
        "str ILIKE ALL (pattern, ...) - Whether all match, whatever the letters' case.",
        &[("SELECT 'AB' ILIKE ALL ('a%', '%b')", "true")],
        |c| like_many(c, kind(true, false, true)),
    ),
    many(
        "not_ilike_any",
        "str NOT ILIKE ANY (pattern, ...) - Whether one does not match, whatever the letters' case.",
        &[("SELECT 'AB' NOT ILIKE ANY ('a%', 'x')", "true")],
        |c| like_many(c, kind(false, true, true)),
    ),
    many(
        "not_ilike_all",
        "str NOT ILIKE ALL (pattern, ...) - Whether none matches, whatever the letters' case.",
        &[("SELECT 'AB' NOT ILIKE ALL ('a%', 'x')", "false")],
        |c| like_many(c, kind(true, true, true)),
    ),
];

const RLIKE: &str = "(str, regexp) - Whether the Java regular expression is found anywhere in `str`.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_patterns() {
        for (text, pattern, escape, expected) in [
            ("Spark", "_park", '\\', Some(true)),
            ("Spark", "S%k", '\\', Some(true)),
            ("Spark", "%", '\\', Some(true)),
            ("", "", '\\', Some(true)),
            ("", "_", '\\', Some(false)),
            ("a%b", r"a\%b", '\\', Some(true)),
            ("axb", r"a\%b", '\\', Some(false)),
            ("a\nb", "a_b", '\\', Some(true)),
            ("äöü", "_ö_", '\\', Some(true)),
            ("aab", "%ab", '\\', Some(true)),
            ("abcabd", "%ab_%d", '\\', Some(true)),
            ("abc", "a%b", '\\', Some(false)),
            ("a/b", "a//b", '/', Some(true)),
            ("a", r"\a", '\\', None),
            ("a", r"a\", '\\', None),
        ] {
            assert_eq!(parts(pattern, escape).ok().map(|parts| matches(&parts, text)), expected, "{text} {pattern}");
        }
        assert_eq!(engine_pattern(&parts("a/%\\_%", '/').unwrap()), r"a\%\\_%");
    }
}
