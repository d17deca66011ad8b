//! Prints the programs' functions from the table of functions, so that adding a function is a change of one file: its row.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use tidemill_spark::functions::{Build, Function, Group, all};

/// Written by hand, in `varied.rs` and `lambda.rs`: their parameters are no list of columns and values.
const BY_HAND: [&str; 25] = [
    "aggregate",
    "array_sort",
    "concat_ws",
    "count",
    "exists",
    "extract",
    "filter",
    "forall",
    "grouping",
    "grouping_id",
    "ltrim",
    "map_filter",
    "map_zip_with",
    "percentile_cont",
    "percentile_disc",
    "range",
    "reduce",
    "rtrim",
    "struct",
    "transform",
    "transform_keys",
    "transform_values",
    "trim",
    "window",
    "zip_with",
];

/// How many arguments a program always gives, where the table says that some may be left out.
const ALWAYS: [(&str, usize); 6] = [("lag", 2), ("lead", 2), ("ntile", 1), ("round", 2), ("substr", 3), ("substring", 3)];

/// Parameters whose text stands for itself (a pattern, a unit, an element to look for); the text of others names a column.
const VALUES: [&str; 42] = [
    "charset",
    "collationName",
    "country",
    "day_of_week",
    "default",
    "delim",
    "delimiter",
    "digitChar",
    "element",
    "escape",
    "field",
    "fmt",
    "format",
    "from",
    "gap",
    "key",
    "keyValueDelim",
    "lang",
    "lowerChar",
    "message",
    "nullReplacement",
    "options",
    "otherChar",
    "p",
    "pad",
    "pairDelim",
    "partToExtract",
    "path",
    "pattern",
    "regex",
    "regexp",
    "rep",
    "replace",
    "schema",
    "search",
    "str_array",
    "strfmt",
    "substr",
    "timezone",
    "to",
    "trimStr",
    "upperChar",
];

/// The same for elements and values that come behind a column, and for options that come before it.
const VALUES_BEHIND: [&str; 2] = ["val", "value"];
const VALUES_BEFORE: [&str; 7] = ["field", "fmt", "message", "pattern", "strfmt", "substr", "unit"];

const KEYWORDS: [&str; 7] = ["if", "in", "mod", "struct", "try", "type", "typeof"];

/// A parameter, as the usage has it.
#[derive(Debug, Clone, PartialEq)]
struct Parameter {
    name: String,
    optional: bool,
    list: bool,
    value: bool,
}

/// The parameters of `name(a, b[, c])`; `a, ...` is a list.
fn parameters(usage: &str) -> Option<Vec<Parameter>> {
    let (_, rest) = usage.split_once('(')?;
    let mut depth = 0;
    let mut found: Vec<(String, bool)> = Vec::new();
    let mut word = String::new();
    let mut optional = false;
    for c in rest.chars() {
        match c {
            ')' | ',' | '[' | ']' => {
                if !word.trim().is_empty() {
                    found.push((word.trim().to_owned(), optional));
                }
                word.clear();
                match c {
                    '[' => depth += 1,
                    ']' => depth -= 1,
                    ')' => break,
                    _ => {}
                }
            }
            c => {
                if word.trim().is_empty() {
                    optional = depth > 0;
                }
                word.push(c);
            }
        }
    }
    let stem = |name: &str| name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    let dots = found.iter().position(|(name, _)| name == "..." || name == "…");
    let mut made: Vec<Parameter> = Vec::new();
    for (at, (name, optional)) in found.iter().enumerate() {
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && Some(at) != dots {
            return None;
        }
        let of_list = dots.is_some_and(|dots| at + 1 >= dots || stem(name) != *name);
        let first = at == 0;
        let value = if first { VALUES_BEFORE.contains(&name.as_str()) } else { is_value(name) || is_value(&stem(name)) };
        match made.last_mut() {
            Some(last) if of_list && last.list => {}
            _ => made.push(Parameter {
                name: if of_list { "columns".to_owned() } else { snake(name) },
                optional: *optional,
                list: of_list,
                value,
            }),
        }
    }
    Some(made)
}

fn is_value(name: &str) -> bool {
    VALUES.contains(&name) || VALUES_BEHIND.contains(&name) || VALUES_BEFORE.contains(&name)
}

/// `nullReplacement` as Rust spells it.
pub(super) fn snake(name: &str) -> String {
    let mut made = String::new();
    let mut before = '_';
    for c in name.chars() {
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            made.push('_');
        }
        made.push(c.to_ascii_lowercase());
        before = c;
    }
    made
}

/// A name that Rust has not taken.
pub(super) fn free(name: &str) -> String {
    if KEYWORDS.contains(&name) { format!("{name}_") } else { name.to_owned() }
}

fn function(row: &Function, name: &str, parameters: &[Parameter], text: &mut String) {
    let usage = row.usage.split_once(" - ").map_or(row.usage, |(_, what)| what);
    for line in wrapped(usage) {
        let _ = writeln!(text, "/// {line}");
    }
    let list = parameters.iter().find(|p| p.list);
    let generics = match list {
        None => "",
        Some(list) if list.value => "<O: Operand>",
        Some(_) => "<C: Into<Column>>",
    };
    let said: Vec<String> = parameters
        .iter()
        .map(|p| {
            let kind = match (p.list, p.value) {
                (true, true) => "impl IntoIterator<Item = O>",
                (true, false) => "impl IntoIterator<Item = C>",
                (false, true) => "impl Operand",
                (false, false) => "impl Into<Column>",
            };
            format!("{}: {kind}", free(&p.name))
        })
        .collect();
    let one = |p: &Parameter| if p.value { format!("{}.into_operand()", free(&p.name)) } else { format!("{}.into()", free(&p.name)) };
    let plain: Vec<String> = parameters.iter().filter(|p| !p.list).map(one).collect();
    let body = match list {
        None => format!("call(\"{}\", [{}])", row.name, plain.join(", ")),
        Some(list) if plain.is_empty() && !list.value => format!("call_function(\"{}\", columns)", row.name),
        Some(list) => {
            let into = if list.value { "Operand::into_operand" } else { "Into::into" };
            format!("Column::call(\"{}\", [{}].into_iter().chain(columns.into_iter().map({into})))", row.name, plain.join(", "))
        }
    };
    let _ = writeln!(text, "pub fn {name}{generics}({}) -> Column {{\n    {body}\n}}\n", said.join(", "));
}

/// Words in lines of a doc comment.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let width = lines.last().map_or(0, |line| line.chars().count());
        if width > 0 && width + 1 + word.chars().count() > 130 {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// The file of a group.
fn file(group: Group) -> (&'static str, &'static str) {
    match group {
        Group::Aggregate => ("aggregate", "Aggregates"),
        Group::Array | Group::Collection | Group::Generator | Group::Lambda | Group::Map | Group::Struct => {
            ("collection", "Arrays, maps, structs, and rows from them")
        }
        Group::Datetime => ("datetime", "Dates, times, timestamps and intervals"),
        Group::Bitwise | Group::Math => ("math", "Numbers and bits"),
        Group::String | Group::Hash | Group::Url | Group::Json | Group::Csv => ("string", "Text, digests, URLs, JSON and CSV"),
        Group::Conditional | Group::Conversion | Group::Misc | Group::Predicate | Group::Table | Group::Window => {
            ("other", "Conditions, null, conversions, ranks, and the session")
        }
    }
}

/// All files, by name.
fn files() -> (BTreeMap<&'static str, String>, Vec<String>) {
    let mut bodies: BTreeMap<&'static str, (String, String)> = BTreeMap::new();
    let mut left = Vec::new();
    for row in all() {
        let plain = row.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        // What SQL writes as an operator, programs write as a method of a column.
        let operator = row.usage.split_once(" - ").is_some_and(|(call, _)| !call.contains('('));
        if !plain || operator || BY_HAND.contains(&row.name) || matches!(row.build, Build::Table) {
            continue;
        }
        let Some(parameters) = parameters(row.usage) else {
            left.push(format!("{}: {}", row.name, row.usage));
            continue;
        };
        let (name, what) = file(row.group);
        let (_, text) = bodies.entry(name).or_insert_with(|| (what.to_owned(), String::new()));
        let always = ALWAYS.iter().find(|(known, _)| *known == row.name).map_or(0, |(_, count)| *count);
        let needed: Vec<Parameter> =
            parameters.iter().enumerate().filter(|(at, p)| !p.optional || *at < always).map(|(_, p)| p.clone()).collect();
        function(row, &free(row.name), &needed, text);
        if needed.len() < parameters.len() {
            function(row, &format!("{}_with", row.name), &parameters, text);
        }
    }
    let made = bodies
        .into_iter()
        .map(|(name, (what, body))| {
            let mut uses = Vec::new();
            if body.contains("    call(") {
                uses.push("call");
            }
            if body.contains("    call_function(") {
                uses.push("call_function");
            }
            let operand = if body.contains("Operand") { "use crate::column::{Column, Operand};" } else { "use crate::column::Column;" };
            let uses = if uses.len() == 1 { uses[0].to_owned() } else { format!("{{{}}}", uses.join(", ")) };
            let head = format!("//! {what}: printed from the table of functions by `tests/it/api_names/functions.rs`; change the table.\n");
            (name, format!("{head}\nuse super::{uses};\n{operand}\n\n{}\n", body.trim_end()))
        })
        .collect();
    (made, left)
}

/// Without what a formatter changes.
fn squeezed(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    plain.replace(",)", ")").replace("///", "")
}

#[test]
fn programs_have_every_function_of_the_table() {
    let (files, left) = files();
    assert!(
        left.is_empty(),
        "usages that no parameters can be read from; write them as `name(a, b[, c])`, or the function by hand: {left:#?}"
    );
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/functions");
    let mut stale = Vec::new();
    for (name, text) in &files {
        let path = folder.join(format!("{name}.rs"));
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        if squeezed(&there) == squeezed(text) {
            continue;
        }
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, text).expect("the folder can be written");
        } else {
            stale.push(path);
        }
    }
    assert!(stale.is_empty(), "these differ from the table; run with UPDATE_EXPECT=1, then `cargo fmt`: {stale:#?}");
    let by_hand: String =
        ["varied.rs", "lambda.rs"].iter().map(|name| std::fs::read_to_string(folder.join(name)).expect("it is there")).collect();
    for name in BY_HAND.iter().filter(|name| **name != "range") {
        let there = [free(name), format!("{name}_")]
            .iter()
            .any(|name| by_hand.contains(&format!("pub fn {name}(")) || by_hand.contains(&format!("pub fn {name}<")));
        assert!(there, "`{name}` is said to be written by hand, and is not");
    }
}

#[test]
fn usages_are_read() {
    for (usage, expected) in [
        ("f(a, b[, c[, d]]) - x", "a b [c] [d]"),
        ("f() - x", ""),
        ("f([source, ]target, ts) - x", "[source] target ts"),
        ("f(expr1, expr2, ...) - x", "columns*"),
        ("f(n, input1, input2, ...) - x", "n columns*"),
        ("f(key0, value0, key1, value1, ...) - x", "columns*"),
        ("f(jsonStr, p1, p2, ..., pn) - x", "json_str 'columns*"),
        ("f(str, pattern) - x", "str 'pattern"),
    ] {
        let shown: Vec<String> = parameters(usage)
            .unwrap_or_else(|| panic!("{usage}"))
            .iter()
            .map(|p| {
                let name = format!("{}{}{}", if p.value { "'" } else { "" }, p.name, if p.list { "*" } else { "" });
                if p.optional { format!("[{name}]") } else { name }
            })
            .collect();
        assert_eq!(shown.join(" "), expected, "{usage}");
    }
}
