//! Functions with Java's regular expressions: what matches, where, how often, and what is put in its place.

use arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use arrow::datatypes::{DataType, Field, Int32Type};
use datafusion::common::ScalarValue;
use fancy_regex::Captures;
use std::borrow::Cow;
use std::sync::Arc;

use super::column::{char_offset, chars, defaults, int_literal, ints, nulls, row, simple, simple_nullable, strings, text, values, wanted};
use crate::error::error;
use crate::functions::regex::{Regex, compile, failed};
use crate::functions::{Call, Function, KernelArgs, Want};
use crate::types::SparkType;
use crate::{Result, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "regexp_extract",
        "regexp_extract(str, regexp[, idx]) - The group `idx` (1 if it is not said, 0 for all) of the first match of a Java regular \
         expression; empty without one.",
        &[(r"SELECT regexp_extract('100-200', r'(\d+)-(\d+)', 1)", "100")],
        |call| {
            defaults(call, 2, &[int_literal(1)])?;
            simple(call, &[Want::String, Want::String, Want::Type(SparkType::Integer)], extract, SparkType::String)
        },
    ),
    row(
        "regexp_extract_all",
        "regexp_extract_all(str, regexp[, idx]) - The group `idx` (1 if it is not said, 0 for all) of every match of a Java regular \
         expression.",
        &[(r"SELECT regexp_extract_all('100-200, 300-400', r'(\d+)-(\d+)', 1)", "[\"100\",\"300\"]")],
        |call| {
            defaults(call, 2, &[int_literal(1)])?;
            let wants = [Want::String, Want::String, Want::Type(SparkType::Integer)];
            simple(call, &wants, extract_all, SparkType::array(SparkType::String))
        },
    ),
    row(
        "regexp_replace",
        "regexp_replace(str, regexp, rep[, position]) - Puts `rep` for every match of a Java regular expression from the place `position` \
         on; `$1` in it is the first group.",
        &[(r"SELECT regexp_replace('100-200', r'(\d+)', 'num')", "num-num")],
        replace,
    ),
    row(
        "regexp_count",
        "regexp_count(str, regexp) - How often a Java regular expression matches.",
        &[("SELECT regexp_count('Steven Jones and Stephen Smith are the best players', 'Ste(v|ph)en')", "2")],
        |call| {
            simple(
                call,
                &[Want::String, Want::String],
                |args| {
                    let (input, pattern) = (text(args, 0)?, text(args, 1)?);
                    let mut patterns = Patterns::of("regexp_count", args);
                    values::<Int32Type>(args, |row| {
                        let mut count = 0;
                        each_match(&patterns.get(pattern.value(row))?, input.value(row), |_| {
                            count += 1;
                            Ok(true)
                        })?;
                        Ok(Some(count))
                    })
                },
                SparkType::Integer,
            )
        },
    ),
    row(
        "regexp_substr",
        "regexp_substr(str, regexp) - The first match of a Java regular expression; null without one.",
        &[
            ("SELECT regexp_substr('Steven Jones and Stephen Smith are the best players', 'Ste(v|ph)en')", "Steven"),
            ("SELECT regexp_substr('Steven Jones and Stephen Smith are the best players', 'Jeck')", "NULL"),
        ],
        |call| {
            simple_nullable(
                call,
                &[Want::String, Want::String],
                |args| {
                    let (input, pattern) = (text(args, 0)?, text(args, 1)?);
                    let mut patterns = Patterns::of("regexp_substr", args);
                    strings(args, |row| {
                        let regex = patterns.get(pattern.value(row))?;
                        let found = regex.find(input.value(row)).map_err(|_| failed(&regex))?;
                        // A match of nothing counts as none.
                        Ok(found.map(|found| found.as_str()).filter(|found| !found.is_empty()))
                    })
                },
                SparkType::String,
            )
        },
    ),
    row(
        "regexp_instr",
        "regexp_instr(str, regexp) - The place, from 1, at which a Java regular expression first matches; 0 if it does not.",
        &[("SELECT regexp_instr('user@spark.apache.org', '@[^.]*')", "5")],
        |call| {
            defaults(call, 2, &[int_literal(0)])?;
            simple(
                call,
                &[Want::String, Want::String, Want::Type(SparkType::Integer)],
                |args| {
                    let (input, pattern) = (text(args, 0)?, text(args, 1)?);
                    let mut patterns = Patterns::of("regexp_instr", args);
                    values::<Int32Type>(args, |row| {
                        let input = input.value(row);
                        let regex = patterns.get(pattern.value(row))?;
                        let found = regex.find(input).map_err(|_| failed(&regex))?;
                        // Java counts places in units of UTF-16.
                        Ok(Some(found.map_or(0, |found| {
                            let before = input.get(..found.start()).unwrap_or_default().encode_utf16().count();
                            i32::try_from(before + 1).unwrap_or(i32::MAX)
                        })))
                    })
                },
                SparkType::Integer,
            )
        },
    ),
    row(
        "split",
        "split(str, regex[, limit]) - The parts of the text between matches of a Java regular expression, at most `limit` of them where that \
         is positive.",
        &[
            ("SELECT split('oneAtwoBthreeC', '[ABC]')", "[\"one\",\"two\",\"three\",\"\"]"),
            ("SELECT split('oneAtwoBthreeC', '[ABC]', 2)", "[\"one\",\"twoBthreeC\"]"),
        ],
        |call| {
            defaults(call, 2, &[int_literal(-1)])?;
            let out = SparkType::Array(Box::new(SparkType::String), false);
            simple(call, &[Want::String, Want::String, Want::Type(SparkType::Integer)], split, out)
        },
    ),
];

/// The expressions of a column: mostly one and the same.
struct Patterns<'a> {
    function: &'static str,
    settings: &'a crate::Settings,
    last: Option<(String, Regex)>,
}

impl<'a> Patterns<'a> {
    fn of(function: &'static str, args: &KernelArgs<'a>) -> Self {
        Self { function, settings: args.settings, last: None }
    }

    fn get(&mut self, pattern: &str) -> Result<Regex> {
        match &self.last {
            Some((last, regex)) if last == pattern => Ok(Arc::clone(regex)),
            _ => {
                let regex = compile(pattern, self.settings)?;
                self.last = Some((pattern.to_owned(), Arc::clone(&regex)));
                Ok(regex)
            }
        }
    }

    /// Refuses a group that the expression does not have.
    fn check_group(&self, regex: &Regex, group: i32) -> Result<usize> {
        let count = regex.captures_len().saturating_sub(1);
        match usize::try_from(group) {
            Ok(group) if group <= count => Ok(group),
            _ => Err(error(
                "INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX",
                format!("`idx` of `{}` is {group}: the regular expression has groups from 0 to {count}", self.function),
            )),
        }
    }
}

/// Calls `f` with every match, as Java finds them: behind an empty match the search goes on one character further, and a match
/// may be empty right behind another. `f` says whether to go on.
fn each_match<'t>(regex: &Regex, text: &'t str, mut f: impl FnMut(Captures<'t>) -> Result<bool>) -> Result<()> {
    let mut from = 0;
    while let Some(found) = regex.captures_from_pos(text, from).map_err(|_| failed(regex))? {
        let Some(whole) = found.get(0) else { return Ok(()) };
        let (start, end) = (whole.start(), whole.end());
        if !f(found)? {
            return Ok(());
        }
        from = end;
        if start == end {
            let Some(next) = text.get(end..).and_then(|rest| rest.chars().next()) else { return Ok(()) };
            from += next.len_utf8();
        }
    }
    Ok(())
}

fn extract(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (input, pattern, group) = (text(args, 0)?, text(args, 1)?, ints(args, 2)?);
    let mut patterns = Patterns::of("regexp_extract", args);
    strings(args, |row| {
        let regex = patterns.get(pattern.value(row))?;
        let Some(found) = regex.captures(input.value(row)).map_err(|_| failed(&regex))? else { return Ok(Some("")) };
        let group = patterns.check_group(&regex, group.value(row))?;
        Ok(Some(found.get(group).map_or("", |group| group.as_str())))
    })
}

fn extract_all(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (input, pattern, group) = (text(args, 0)?, text(args, 1)?, ints(args, 2)?);
    let nulls = nulls(args);
    let mut patterns = Patterns::of("regexp_extract_all", args);
    let mut out = ListBuilder::new(StringBuilder::new()).with_field(Arc::new(Field::new("element", DataType::Utf8, true)));
    for row in 0..args.rows {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            out.append_null();
            continue;
        }
        let regex = patterns.get(pattern.value(row))?;
        each_match(&regex, input.value(row), |found| {
            let group = patterns.check_group(&regex, group.value(row))?;
            out.values().append_value(found.get(group).map_or("", |group| group.as_str()));
            Ok(true)
        })?;
        out.append(true);
    }
    Ok(Arc::new(out.finish()))
}

/// The position is constant, and at least 1.
fn replace(call: &mut Call<'_>) -> Result<Typed> {
    defaults(call, 3, &[int_literal(1)])?;
    let args = wanted(call, &[Want::String, Want::String, Want::String, Want::Type(SparkType::Integer)])?;
    if let ScalarValue::Int32(Some(position)) = call.constant(3, &SparkType::Integer)?
        && position < 1
    {
        let message = format!("cannot resolve \"{}\": `position` counts from 1, and is {position}", call.sql());
        return Err(call.refuse("DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", message));
    }
    let nullable = args.iter().any(|arg| arg.nullable);
    Ok(call.scalar(replace_kernel, args, SparkType::String, nullable))
}

fn replace_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (input, pattern, put, position) = (text(args, 0)?, text(args, 1)?, text(args, 2)?, ints(args, 3)?);
    let mut patterns = Patterns::of("regexp_replace", args);
    strings(args, |row| {
        let (input, put) = (input.value(row), put.value(row));
        let regex = patterns.get(pattern.value(row))?;
        let skip = usize::try_from(position.value(row).saturating_sub(1)).unwrap_or(0);
        let from = utf16_offset(input, skip);
        if from >= input.len() && skip > 0 {
            return Ok(Some(Cow::Borrowed(input)));
        }
        // What lies before the position is not seen by the expression: `^` matches there.
        let (before, subject) = input.split_at_checked(from).unwrap_or(("", input));
        let mut out = String::new();
        let mut done = 0;
        let mut any = false;
        each_match(&regex, subject, |found| {
            let Some(whole) = found.get(0) else { return Ok(false) };
            any = true;
            out.push_str(subject.get(done..whole.start()).unwrap_or_default());
            fill_in(put, &regex, &found, &mut out).map_err(|problem| {
                let message = format!(
                    "`regexp_replace` cannot put `{put}` for matches of `{}`: {problem}; write `\\$` for a dollar sign",
                    pattern.value(row)
                );
                error("INVALID_REGEXP_REPLACE", message)
            })?;
            done = whole.end();
            Ok(true)
        })?;
        if !any {
            return Ok(Some(Cow::Borrowed(input)));
        }
        out.push_str(subject.get(done..).unwrap_or_default());
        Ok(Some(Cow::Owned([before, &out].concat())))
    })
}

/// The place in bytes of the `n`-th unit of UTF-16.
fn utf16_offset(text: &str, n: usize) -> usize {
    if text.is_ascii() {
        return char_offset(text, n);
    }
    let mut units = 0;
    for (at, c) in text.char_indices() {
        if units >= n {
            return at;
        }
        units += c.len_utf16();
    }
    text.len()
}

/// Java's replacement text: `$1` and `${name}` are groups, a backslash quotes what follows.
fn fill_in(put: &str, regex: &Regex, found: &Captures<'_>, out: &mut String) -> Result<(), String> {
    let mut rest = put.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => out.push(rest.next().ok_or("a backslash at the end quotes nothing")?),
            '$' => match rest.next() {
                None => return Err("a dollar sign at the end names no group".to_owned()),
                Some('{') => {
                    let mut name = String::new();
                    loop {
                        match rest.next() {
                            Some('}') => break,
                            Some(c) if c.is_ascii_alphanumeric() => name.push(c),
                            _ => return Err("a group's name ends in `}`".to_owned()),
                        }
                    }
                    if !regex.capture_names().flatten().any(|known| known == name) {
                        return Err(format!("there is no group `{name}`"));
                    }
                    out.push_str(found.name(&name).map_or("", |group| group.as_str()));
                }
                Some(digit) => {
                    let mut group = digit.to_digit(10).ok_or("a dollar sign is followed by a group's number")? as usize;
                    if group >= found.len() {
                        return Err(format!("there is no group {group}"));
                    }
                    // More digits belong to the number as long as there is such a group.
                    while let Some(digit) = rest.peek().and_then(|c| c.to_digit(10)) {
                        let longer = group * 10 + digit as usize;
                        if longer >= found.len() {
                            break;
                        }
                        group = longer;
                        rest.next();
                    }
                    out.push_str(found.get(group).map_or("", |group| group.as_str()));
                }
            },
            _ => out.push(c),
        }
    }
    Ok(())
}

fn split(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (input, pattern, limit) = (text(args, 0)?, text(args, 1)?, ints(args, 2)?);
    let cut_off = args.settings.flag("spark.sql.legacy.truncateForEmptyRegexSplit", false)?;
    let nulls = nulls(args);
    let mut patterns = Patterns::of("split", args);
    let mut out = ListBuilder::new(StringBuilder::new()).with_field(Arc::new(Field::new("element", DataType::Utf8, false)));
    for row in 0..args.rows {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            out.append_null();
            continue;
        }
        let (input, pattern, limit) = (input.value(row), pattern.value(row), limit.value(row));
        if pattern.is_empty() && !input.is_empty() {
            split_characters(input, limit, cut_off, out.values());
        } else {
            split_matches(&patterns.get(pattern)?, input, limit, out.values())?;
        }
        out.append(true);
    }
    Ok(Arc::new(out.finish()))
}

/// The empty expression parts the characters.
fn split_characters(input: &str, limit: i32, cut_off: bool, out: &mut StringBuilder) {
    let count = chars(input);
    let parts = if limit > count || limit <= 0 { count } else { limit };
    let mut rest = input;
    for part in 1..=parts {
        let next = rest.chars().next().map_or(0, char::len_utf8);
        let (first, behind) = rest.split_at_checked(next).unwrap_or((rest, ""));
        out.append_value(if part == parts && !cut_off { rest } else { first });
        rest = behind;
    }
}

/// As `java.lang.String.split`, with empty parts kept at the end.
fn split_matches(regex: &Regex, input: &str, limit: i32, out: &mut StringBuilder) -> Result<()> {
    let mut parts = 0;
    let mut done = 0;
    each_match(regex, input, |found| {
        let Some(whole) = found.get(0) else { return Ok(false) };
        if limit > 0 && parts == limit - 1 {
            return Ok(false);
        }
        // Nothing at the very begin makes no part.
        if whole.end() > 0 {
            out.append_value(input.get(done..whole.start()).unwrap_or_default());
            parts += 1;
            done = whole.end();
        }
        Ok(true)
    })?;
    out.append_value(input.get(done..).unwrap_or_default());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(pattern: &str, input: &str, put: &str) -> Result<String, String> {
        let regex = compile(pattern, &crate::Settings::default()).map_err(|e| e.to_string())?;
        let (mut out, mut done) = (String::new(), 0);
        each_match(&regex, input, |found| {
            let whole = found.get(0).map(|m| (m.start(), m.end())).unwrap_or_default();
            out.push_str(&input[done..whole.0]);
            done = whole.1;
            fill_in(put, &regex, &found, &mut out).map_err(|m| error("INVALID_REGEXP_REPLACE", m))?;
            Ok(true)
        })
        .map_err(|e| e.to_string())?;
        Ok(out + &input[done..])
    }

    #[test]
    fn matches_are_replaced_as_java_does() {
        for (pattern, input, put, wanted) in [
            ("b*", "abc", "X", "XaXXcX"),
            (r"(\d+)-(\d+)", "100-200", "$2-$1", "200-100"),
            ("a", "abc", r"\$1", "$1bc"),
            ("(a)", "abc", "$12", "a2bc"),
            ("(?<x>a)", "abc", "${x}${x}", "aabc"),
        ] {
            assert_eq!(filled(pattern, input, put).as_deref(), Ok(wanted), "{pattern}");
        }
        assert!(filled("a", "abc", "$1").is_err());
        assert!(filled("a", "abc", "x\\").is_err());
    }

    #[test]
    fn text_is_split_as_java_does() {
        for (pattern, input, limit, wanted) in [
            ("[ABC]", "oneAtwoBthreeC", -1, vec!["one", "two", "three", ""]),
            ("[ABC]", "oneAtwoBthreeC", 2, vec!["one", "twoBthreeC"]),
            ("x*", "axb", -1, vec!["a", "", "b", ""]),
            ("x", "", -1, vec![""]),
            ("(?=b)", "bab", -1, vec!["ba", "b"]),
        ] {
            let regex = compile(pattern, &crate::Settings::default()).map_err(|e| e.to_string());
            let mut out = StringBuilder::new();
            assert!(split_matches(&regex.expect("a pattern"), input, limit, &mut out).is_ok());
            let made = out.finish();
            let made: Vec<&str> = made.iter().flatten().collect();
            assert_eq!(made, wanted, "{pattern}");
        }
    }
}
