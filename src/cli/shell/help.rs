//! What can be said to the shell besides SQL: `help`, and that one leaves.

use std::collections::BTreeMap;

use tidemill_spark::functions::{self, Function};

const HELP: &str = "\
A statement is Spark's SQL and ends with `;`. It may have several lines, and a line several statements.

  SELECT ..., WITH ..., VALUES ...      queries; their rows are shown
  SHOW TABLES; DESCRIBE t; EXPLAIN ...  what there is, and how a query would run
  EXPLAIN ANALYZE SELECT ...            runs it, and says how its stages and operators did
  SET name = value;                     a setting of the session; SET alone lists them
  SELECT * FROM delta.`/path/of/table`  a table by its path; csv, json and parquet go the same way

  help functions       the functions, by group
  help NAME            what a function does, with examples
  exit, quit, Ctrl-D   leave

  Tab        completes keywords, functions, tables and columns
  Ctrl-C     stops the running statement, or drops what is typed
  Ctrl-R     looks for a statement that was typed before
";

/// Columns that a list of names may have.
const WIDTH: usize = 100;

/// What is no SQL.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    /// About a topic; the empty one is all there is.
    Help(&'a str),
    Leave,
}

/// The command that a line is, if it is one. A semicolon does not matter.
pub(super) fn command(line: &str) -> Option<Command<'_>> {
    let line = line.trim().trim_end_matches(';').trim_end();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    if word.eq_ignore_ascii_case("help") && !rest.contains(char::is_whitespace) {
        return Some(Command::Help(rest));
    }
    let leaves = ["exit", "quit"].iter().any(|known| word.eq_ignore_ascii_case(known)) && rest.is_empty();
    leaves.then_some(Command::Leave)
}

/// What there is to say about a topic.
pub(super) fn help(topic: &str) -> String {
    help_with(topic, &functions::all())
}

fn help_with(topic: &str, known: &[&Function]) -> String {
    if topic.is_empty() {
        return HELP.to_owned();
    }
    if topic.eq_ignore_ascii_case("functions") {
        return by_group(known);
    }
    match known.iter().find(|function| function.name.eq_ignore_ascii_case(topic)) {
        Some(function) => about(function),
        None => unknown(topic, known),
    }
}

fn about(function: &Function) -> String {
    let mut text = format!("{}\n", function.usage);
    for (statement, rows) in function.examples {
        text.push_str(&format!("\n  {statement};\n"));
        for row in rows.lines() {
            text.push_str(&format!("  {row}\n"));
        }
    }
    text
}

fn by_group(known: &[&Function]) -> String {
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for function in known {
        groups.entry(function.group.name()).or_default().push(function.name);
    }
    let mut text = String::new();
    for (group, names) in groups {
        text.push_str(&format!("{}:\n", group.trim_end_matches("_funcs")));
        let mut line = String::from(" ");
        for name in names {
            if line.len() + 1 + name.len() > WIDTH {
                text.push_str(&format!("{line}\n"));
                line = String::from(" ");
            }
            line.push_str(&format!(" {name}"));
        }
        text.push_str(&format!("{line}\n"));
    }
    text
}

fn unknown(topic: &str, known: &[&Function]) -> String {
    let topic = topic.to_lowercase();
    let near = known.iter().map(|function| (strsim::damerau_levenshtein(function.name, &topic), function.name)).min();
    match near {
        Some((distance, name)) if distance <= 2 && distance < topic.len() => {
            format!("no function is named `{topic}`; did you mean `{name}`?\n")
        }
        _ => format!("no function is named `{topic}`; `help functions` lists them\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        for (line, expected) in [
            ("help", Some(Command::Help(""))),
            ("HELP;", Some(Command::Help(""))),
            ("help upper ;", Some(Command::Help("upper"))),
            ("help me out", None),
            (" exit ", Some(Command::Leave)),
            ("quit;", Some(Command::Leave)),
            ("exit now", None),
            ("SELECT 1;", None),
            ("", None),
        ] {
            assert_eq!(command(line), expected, "{line}");
        }
    }

    #[test]
    fn topics() {
        let all = functions::all();
        assert!(help("").contains("help functions"));
        let Some(one) = all.first() else { return };
        assert!(help(one.name).starts_with(one.usage));
        assert!(help("functions").contains(one.name));
        assert!(help("functions").lines().all(|line| line.len() <= WIDTH));
        assert!(help("no_such_function_at_all").contains("help functions"));
        let typo = format!("{}x", one.name);
        if !all.iter().any(|function| function.name == typo) {
            assert!(help(&typo).contains("did you mean"), "{typo}");
        }
    }
}
