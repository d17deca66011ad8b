//! The examples in the docs of Spark's functions: found in its sources, run, and compared with the answers printed there.
//!
//! Only functions are run whose name's MD5 has an even first byte; the other half is kept closed, so that it can judge later. The
//! docs print rows only: names and types of columns are not compared.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tokio::runtime::Handle;

use super::compare::{self, Class, Match, Verdict};
use super::report::{Judged, Report};
use super::run::{Outcome, Rows, Sitting, ZONE};
use super::{is_ours, material};

/// The folder with the sources of Spark's functions.
pub(super) fn material() -> Result<PathBuf, String> {
    material::unpacked("spark-catalyst-sources", "spark-catalyst_2.13", "sources", &["org/apache/spark/sql/catalyst"])
}

/// Examples that share a session.
pub(super) struct Set {
    /// Spark's group of the functions.
    pub(super) group: String,
    /// The examples, in the order of the docs.
    pub(super) examples: Vec<Example>,
}

/// A statement and what the docs say it gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Example {
    function: String,
    sql: String,
    output: String,
}

/// Classes whose examples give other values in every run, or need files, users, a JVM or formats that are not there. Spark's own test
/// of the examples leaves them out, too.
const NOT_RUN: [&str; 29] = [
    "AesEncrypt",
    "AssertTrue",
    "CallMethodViaReflection",
    "CurDateExpressionBuilder",
    "CurrentDate",
    "CurrentTime",
    "CurrentTimeZone",
    "CurrentTimestamp",
    "CurrentUser",
    "FromAvro",
    "FromProtobuf",
    "InputFileBlockLength",
    "InputFileBlockStart",
    "InputFileName",
    "LocalTimestamp",
    "MonotonicallyIncreasingID",
    "Now",
    "RaiseErrorExpressionBuilder",
    "Rand",
    "Randn",
    "SchemaOfAvro",
    "Shuffle",
    "SparkPartitionID",
    "SparkVersion",
    "ToAvro",
    "ToProtobuf",
    "TryReflect",
    "UnixTimestamp",
    "Uuid",
];

/// How many examples share a session at most, so that two threads can share the work.
const MOST_PER_SET: usize = 60;

/// The examples of our half of the functions. Those of a function that changes settings have a session of their own.
pub(super) fn sets(sources: &Path) -> Vec<Set> {
    let (mut docs, mut registry) = (BTreeMap::new(), String::new());
    let mut paths = Vec::new();
    source_files(sources, &mut paths);
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        docs.extend(descriptions(&text).into_iter().map(|found| (found.class.clone(), found)));
        if path.ends_with("analysis/FunctionRegistry.scala") {
            registry = text;
        }
    }
    let mut sets: BTreeMap<(String, String), Vec<Example>> = BTreeMap::new();
    let mut known = BTreeSet::new();
    for (function, class) in registered(&registry) {
        if NOT_RUN.contains(&class.as_str()) || !is_ours(&function) {
            continue;
        }
        let Some(found) = docs.get(&class) else { continue };
        let examples = examples(&function, &found.examples);
        let own = if examples.iter().any(|example| is_set(&example.sql)) { function.clone() } else { String::new() };
        // Aliases often have the same examples, once is enough.
        let examples = examples.into_iter().filter(|example| known.insert((own.clone(), example.sql.clone())));
        sets.entry((found.group.clone(), own.clone())).or_default().extend(examples);
    }
    let parts = |((group, _), examples): ((String, String), Vec<Example>)| {
        let parts = examples.chunks(MOST_PER_SET).map(|part| Set { group: group.clone(), examples: part.to_vec() });
        parts.collect::<Vec<_>>()
    };
    sets.into_iter().flat_map(parts).collect()
}

fn is_set(sql: &str) -> bool {
    sql.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("set "))
}

fn source_files(dir: &Path, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}; remove the folder to fetch it again", dir.display()));
    for entry in entries {
        let path = entry.expect("a folder lists").path();
        if path.is_dir() {
            source_files(&path, files);
        } else if path.extension().is_some_and(|e| e == "scala" || e == "java") {
            files.push(path);
        }
    }
}

/// The description of a function's class.
#[derive(Debug, PartialEq, Eq)]
struct Description {
    class: String,
    group: String,
    examples: String,
}

/// The descriptions in a source file that have examples.
fn descriptions(text: &str) -> Vec<Description> {
    const MARK: &str = "@ExpressionDescription(";
    let (mut rest, mut found) = (text, Vec::new());
    while let Some((_, behind)) = rest.split_once(MARK) {
        let (mut arguments, end) = arguments(behind);
        rest = &behind[end..];
        let mut words = rest.split(|c: char| !is_word(c)).filter(|word| !word.is_empty());
        let class = words.find(|word| matches!(*word, "class" | "object")).and_then(|_| words.next());
        if let (Some(class), Some(examples)) = (class, arguments.remove("examples")) {
            let group = arguments.remove("group").unwrap_or_else(|| "none".to_owned());
            found.push(Description { class: class.to_owned(), group, examples });
        }
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The text arguments of an annotation by name, from behind its opening parenthesis, and where it ends.
fn arguments(text: &str) -> (BTreeMap<String, String>, usize) {
    const LONG: &str = "\"\"\"";
    let (mut found, mut name, mut word) = (BTreeMap::new(), String::new(), String::new());
    let (mut at, mut depth, mut is_in_word) = (0, 1, false);
    while let Some(c) = text[at..].chars().next() {
        let mut value = None;
        if let Some(rest) = text[at..].strip_prefix(LONG) {
            let close = rest.find(LONG).unwrap_or(rest.len());
            // Of more than three quotes the first ones belong to the text.
            let quotes = rest[close..].bytes().take_while(|b| *b == b'"').count();
            let end = close + quotes.saturating_sub(LONG.len());
            value = Some(&rest[..end]);
            at += LONG.len() + close + quotes;
        } else if c == '"' {
            let rest = &text[at + 1..];
            let end = end_of_quoted(rest);
            value = Some(&rest[..end]);
            at = (at + end + 2).min(text.len());
        } else {
            at += c.len_utf8();
        }
        match (value, c) {
            (Some(value), _) if !name.is_empty() => {
                found.insert(std::mem::take(&mut name), value.to_owned());
            }
            (Some(_), _) => {}
            (None, '(') => depth += 1,
            (None, ')') if depth == 1 => return (found, at),
            (None, ')') => depth -= 1,
            (None, '=') if depth == 1 => name = std::mem::take(&mut word),
            (None, c) if is_word(c) => {
                if !is_in_word {
                    word.clear();
                }
                word.push(c);
            }
            _ => {}
        }
        is_in_word = value.is_none() && is_word(c);
    }
    (found, text.len())
}

/// Where a text in single double quotes ends: at the first quote that no backslash stands before.
fn end_of_quoted(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at,
            _ => {}
        }
    }
    text.len()
}

/// The functions of Spark's registry and the classes that describe them, in its order.
fn registered(registry: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for head in ["expression[", "expressionGeneratorOuter[", "generator["] {
        for (at, rest) in heads(registry, head) {
            let Some((class, rest)) = rest.split_once("](") else { continue };
            if let Some((function, _)) = quoted(rest)
                && class.chars().all(is_word)
            {
                found.push((at, function.to_owned(), class.to_owned()));
            }
        }
    }
    for head in ["expressionBuilder(", "expressionGeneratorBuilderOuter(", "generatorBuilder("] {
        for (at, rest) in heads(registry, head) {
            let Some((function, rest)) = quoted(rest) else { continue };
            let Some(rest) = rest.strip_prefix(',') else { continue };
            let class: String = rest.trim_start().chars().take_while(|c| is_word(*c)).collect();
            found.push((at, function.to_owned(), class));
        }
    }
    found.sort();
    found.into_iter().map(|(_, function, class)| (function, class)).collect()
}

/// What stands behind each place where the text has `head` as a whole word.
fn heads<'a>(text: &'a str, head: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let places = text.match_indices(head).filter(move |(at, _)| !text[..*at].ends_with(is_word));
    places.map(move |(at, _)| (at, &text[at + head.len()..]))
}

/// The quoted text that the text begins with, and what follows.
fn quoted(text: &str) -> Option<(&str, &str)> {
    text.trim_start().strip_prefix('"')?.split_once('"')
}

/// The examples in a function's docs: `> statement;` and the lines of its answer.
fn examples(function: &str, text: &str) -> Vec<Example> {
    let text = text.replace("_FUNC_", function);
    let mut found = Vec::new();
    for part in text.split("  > ").skip(1) {
        let Some((sql, output)) = part.split_once('\n') else { continue };
        let Some(sql) = sql.strip_suffix(';') else { continue };
        let output: Vec<&str> = output.lines().map(str::trim_start).collect();
        let output = output.join("\n").trim().to_owned();
        found.push(Example { function: function.to_owned(), sql: sql.to_owned(), output });
    }
    found
}

/// Runs the examples of a set in a session of their own.
pub(super) fn run(runtime: &Handle, set: &Set) -> Report {
    let settings = vec![format!("SET spark.sql.session.timeZone={ZONE}"), "SET spark.sql.timeType.enabled=true".to_owned()];
    let nothing = |_: &Handle, _: &tidemill::Session| Vec::new();
    let mut sitting = Sitting::new(runtime, settings, &nothing);
    let mut judged = Vec::new();
    for example in &set.examples {
        let outcome = sitting.run(&example.sql);
        let verdict = judge(example, outcome);
        judged.push(Judged { label: example.function.clone(), sql: example.sql.clone(), class: Class::Query, verdict });
    }
    Report { name: set.group.clone(), judged, troubles: sitting.troubles }
}

fn judge(example: &Example, outcome: Outcome) -> Verdict {
    match outcome {
        Outcome::Panicked(message) => Verdict::Panicked(message),
        Outcome::Unanswered => Verdict::Unanswered,
        Outcome::Failed { condition, message } => Verdict::Failed(condition.unwrap_or_else(|| "no condition".to_owned()), message),
        Outcome::Rows(rows) => {
            let flat = Rows { rows: rows.rows.iter().map(|row| flat(row)).collect(), is_ordered: false, ..rows };
            if compare::compare(&self::flat(&example.output), &flat) == Match::Same {
                return Verdict::Good;
            }
            Verdict::Rows(format!("want {:?}, got {:?}", example.output, flat.rows.join("\n")))
        }
    }
}

/// The text with one blank where the docs or rows have several, or tabs.
fn flat(text: &str) -> String {
    let line = |line: &str| line.split([' ', '\t']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Reports of one group as one.
pub(super) fn by_group(reports: Vec<Report>) -> Vec<Report> {
    let mut groups: BTreeMap<String, Report> = BTreeMap::new();
    for report in reports {
        match groups.get_mut(&report.name) {
            Some(group) => {
                group.judged.extend(report.judged);
                group.troubles.extend(report.troubles);
            }
            None => {
                groups.insert(report.name.clone(), report);
            }
        }
    }
    groups.into_values().collect()
}

#[test]
fn descriptions_are_read() {
    let source = r#"
// nothing
@ExpressionDescription(
  // about it: a remark
  usage = "_FUNC_(x) - a \"quoted\" ) text",
  arguments = """ x - a number (whole) """,
  examples = """
    Examples:
      > SELECT _FUNC_(1);
       2
      > SELECT _FUNC_('a"b', "c");
       x	y
        z
  """,
  since = "1.0.0",
  group = "math_funcs")
// style
case class PlusOne(child: Expression) extends Unary

@ExpressionDescription(usage = "no examples")
object Nothing

@ExpressionDescription(examples = """
      > SELECT 'it is "_FUNC_"""", usage = "odd")
class Odd
"#;
    let found = descriptions(source);
    let names: Vec<(&str, &str)> = found.iter().map(|d| (d.class.as_str(), d.group.as_str())).collect();
    assert_eq!(names, [("PlusOne", "math_funcs"), ("Odd", "none")]);
    assert!(found[1].examples.ends_with("\"_FUNC_\""), "{:?}", found[1].examples);
    let example = |sql: &str, output: &str| Example { function: "f".to_owned(), sql: sql.to_owned(), output: output.to_owned() };
    assert_eq!(examples("f", &found[0].examples), [example("SELECT f(1)", "2"), example("SELECT f('a\"b', \"c\")", "x\ty\nz")]);
    assert!(examples("f", &found[1].examples).is_empty());
}

#[test]
fn the_registry_is_read() {
    let registry = r#"
    expression[PlusOne]("plus_one"),
    expressionBuilder("twice", TwiceBuilder, setAlias = true),
    expression[PlusOne](
      "inc", true),
    generatorBuilder("burst", BurstBuilder),
    expressionGeneratorOuter[Burst]("burst_outer"),
    private def expression[T <: Expression : ClassTag](name: String)
    "#;
    let expected =
        [("plus_one", "PlusOne"), ("twice", "TwiceBuilder"), ("inc", "PlusOne"), ("burst", "BurstBuilder"), ("burst_outer", "Burst")];
    let expected: Vec<(String, String)> = expected.iter().map(|(f, c)| ((*f).to_owned(), (*c).to_owned())).collect();
    assert_eq!(registered(registry), expected);
}

#[test]
fn answers_are_compared_without_regard_to_blanks() {
    let example = Example { function: "f".to_owned(), sql: String::new(), output: "a  1\nb 2".to_owned() };
    let rows = |texts: [&str; 2]| Outcome::Rows(Rows { rows: texts.map(str::to_owned).to_vec(), ..Rows::default() });
    assert_eq!(judge(&example, rows(["b\t2", "a\t1"])), Verdict::Good);
    assert_eq!(judge(&example, rows(["b\t2", "a\t3"])).kind(), "other rows");
}
