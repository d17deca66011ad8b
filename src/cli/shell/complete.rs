//! Tab: how the word before the cursor may go on, given what stands around it.

use super::keywords::KEYWORDS;
use super::names::Names;
use crate::cli::scan::{Kind, Piece, pieces};

/// After these a table is named.
const BEFORE_TABLE: [&str; 9] = ["FROM", "JOIN", "INTO", "UPDATE", "TABLE", "DESCRIBE", "DESC", "VIEW", "OVERWRITE"];

/// These name a table whose columns may be used.
const USES_TABLE: [&str; 5] = ["FROM", "JOIN", "INTO", "UPDATE", "TABLE"];

/// These stand where a table or its alias might, and are neither.
const NO_TABLE: [&str; 38] = [
    "ANTI",
    "AS",
    "CLUSTER",
    "CROSS",
    "DISTRIBUTE",
    "EXCEPT",
    "FOR",
    "FULL",
    "GROUP",
    "HAVING",
    "IF",
    "INNER",
    "INTERSECT",
    "INTO",
    "JOIN",
    "LATERAL",
    "LEFT",
    "LIMIT",
    "MINUS",
    "NATURAL",
    "OFFSET",
    "ON",
    "ORDER",
    "PIVOT",
    "QUALIFY",
    "RIGHT",
    "SELECT",
    "SEMI",
    "SET",
    "SORT",
    "TABLE",
    "TABLESAMPLE",
    "UNION",
    "UNPIVOT",
    "USING",
    "VALUES",
    "WHERE",
    "WINDOW",
];

/// Where the word begins that is to be replaced, and what may stand there.
pub(super) fn complete(line: &str, at: usize, names: &Names) -> (usize, Vec<String>) {
    let Some(before) = line.get(..at) else { return (at, Vec::new()) };
    let mut known = pieces(before);
    let (start, prefix, quoted) = match known.last() {
        Some(last) if last.kind == Kind::QuotedName && !last.closed => (last.range.start, before.get(last.range.start + 1..), true),
        Some(last) if !last.closed => return (at, Vec::new()),
        Some(last) if last.range.end == at && matches!(last.kind, Kind::Comment | Kind::Number | Kind::Text | Kind::QuotedName) => {
            return (at, Vec::new());
        }
        Some(last) if last.range.end == at && last.kind == Kind::Word => (last.range.start, before.get(last.range.clone()), false),
        _ => (at, Some(""), false),
    };
    if start < at {
        known.pop();
    }
    known.retain(|piece| piece.kind != Kind::Comment);
    let prefix = prefix.unwrap_or("");
    // The word itself says nothing, and a name whose quotes are open would take what follows along.
    let others = format!("{}{}{}", line.get(..start).unwrap_or(""), " ".repeat(at - start), line.get(at..).unwrap_or(""));
    let tables = used_tables(&others, at);
    let place = context(before, &known);
    let mut found: Vec<String> = match &place {
        Place::Part(qualifier) => parts(qualifier, &tables, names),
        Place::Table => names.tables(),
        // Nothing was said about what should stand here.
        Place::Any if prefix.is_empty() && !quoted => return (at, Vec::new()),
        Place::Any => {
            let mut found: Vec<String> = tables.iter().flat_map(|table| names.columns(&table.text)).collect();
            found.extend(tables.into_iter().filter_map(|table| table.alias));
            found.extend(names.tables());
            found
        }
    };
    found.retain(|name| begins(name, prefix));
    let mut found: Vec<String> = found.into_iter().map(|name| spelled(&name, quoted)).collect();
    // Where a table may stand, few keywords may, and a table is meant.
    let has_keywords = match place {
        Place::Part(_) => false,
        Place::Table => found.is_empty(),
        Place::Any => true,
    };
    if has_keywords && !quoted && !prefix.is_empty() {
        let is_lower = prefix.chars().next().is_some_and(char::is_lowercase);
        let keywords = KEYWORDS.iter().filter(|word| begins(word, prefix));
        found.extend(keywords.map(|word| if is_lower { word.to_lowercase() } else { (*word).to_owned() }));
        found.extend(names.functions().filter(|name| begins(name, prefix)).map(|name| format!("{name}(")));
    }
    found.sort();
    found.dedup();
    (start, found)
}

enum Place {
    /// After a point: a part of what is before it.
    Part(String),
    Table,
    Any,
}

/// What the pieces before the word ask for.
fn context(text: &str, before: &[Piece]) -> Place {
    match before.last() {
        Some(point) if point.kind == Kind::Symbol && text.get(point.range.clone()) == Some(".") => {
            let mut parts = Vec::new();
            let mut rest = before;
            while let [head @ .., name, point] = rest
                && text.get(point.range.clone()) == Some(".")
                && matches!(name.kind, Kind::Word | Kind::QuotedName)
            {
                parts.push(text.get(name.range.clone()).unwrap_or(""));
                rest = head;
            }
            parts.reverse();
            Place::Part(parts.join("."))
        }
        Some(word) if word.kind == Kind::Word && is_one_of(text, word, &BEFORE_TABLE) => Place::Table,
        _ => Place::Any,
    }
}

/// The columns of a table by its alias or its name, and the tables of a database.
fn parts(qualifier: &str, tables: &[Used], names: &Names) -> Vec<String> {
    let same = |name: &str| plain(name).eq_ignore_ascii_case(&plain(qualifier));
    let table = tables.iter().find(|table| match &table.alias {
        Some(alias) => same(alias),
        None => same(&table.text) || table.text.rsplit('.').next().is_some_and(same),
    });
    let mut found = table.map(|table| names.columns(&table.text)).unwrap_or_default();
    let inside = format!("{}.", plain(qualifier));
    found.extend(
        names.tables().into_iter().filter_map(|name| Some(name.get(inside.len()..)?.to_owned()).filter(|_| begins(&name, &inside))),
    );
    found
}

/// A table that the statement uses.
#[derive(Debug, PartialEq, Eq)]
struct Used {
    /// As it is written.
    text: String,
    alias: Option<String>,
}

/// The tables of the statement in which `at` is.
fn used_tables(line: &str, at: usize) -> Vec<Used> {
    let all: Vec<Piece> = pieces(line).into_iter().filter(|piece| piece.kind != Kind::Comment).collect();
    let begin = all.iter().rposition(|piece| piece.kind == Kind::Semicolon && piece.range.end <= at).map_or(0, |i| i + 1);
    let mine: Vec<Piece> = all.into_iter().skip(begin).take_while(|piece| piece.kind != Kind::Semicolon).collect();
    let mut used = Vec::new();
    let mut rest = mine.as_slice();
    while let [word, tail @ ..] = rest {
        rest = tail;
        if word.kind != Kind::Word || !is_one_of(line, word, &USES_TABLE) {
            continue;
        }
        while let Some((table, after)) = used_table(line, rest) {
            used.push(table);
            rest = after;
            match rest {
                [comma, tail @ ..] if line.get(comma.range.clone()) == Some(",") => rest = tail,
                _ => break,
            }
        }
    }
    used
}

/// A name, and the alias after it.
fn used_table<'a>(line: &str, pieces: &'a [Piece]) -> Option<(Used, &'a [Piece])> {
    let is_name = |piece: &Piece| match piece.kind {
        Kind::QuotedName => piece.closed,
        Kind::Word => !is_one_of(line, piece, &NO_TABLE),
        _ => false,
    };
    let (first, mut rest) = pieces.split_first()?;
    if !is_name(first) {
        return None;
    }
    let mut end = first.range.end;
    while let [point, name, tail @ ..] = rest
        && line.get(point.range.clone()) == Some(".")
        && matches!(name.kind, Kind::Word | Kind::QuotedName)
        && name.closed
    {
        end = name.range.end;
        rest = tail;
    }
    if let [word, tail @ ..] = rest
        && is_one_of(line, word, &["AS"])
    {
        rest = tail;
    }
    let mut alias = None;
    if let [name, tail @ ..] = rest
        && is_name(name)
    {
        alias = line.get(name.range.clone()).map(str::to_owned);
        rest = tail;
    }
    Some((Used { text: line.get(first.range.start..end)?.to_owned(), alias }, rest))
}

fn is_one_of(text: &str, piece: &Piece, words: &[&str]) -> bool {
    text.get(piece.range.clone()).is_some_and(|word| words.iter().any(|known| known.eq_ignore_ascii_case(word)))
}

fn begins(name: &str, prefix: &str) -> bool {
    let mut name = name.chars().flat_map(char::to_lowercase);
    prefix.chars().flat_map(char::to_lowercase).all(|c| name.next() == Some(c))
}

fn plain(name: &str) -> String {
    name.replace('`', "")
}

/// The name as it may stand in a statement. One that has its marks already is left alone.
fn spelled(name: &str, quoted: bool) -> String {
    let is_plain = name.split('.').all(|part| {
        let mut chars = part.chars();
        chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_') && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
    });
    if name.contains('`') || is_plain && !quoted { name.to_owned() } else { format!("`{name}`") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names::new(
            ["sum", "substring", "to_date"].map(str::to_owned),
            || ["sales", "users", "two words", "db.other"].map(str::to_owned).to_vec(),
            |table| match table {
                "users" => ["user_id", "name", "Straße"].map(str::to_owned).to_vec(),
                "delta.`/t/x`" => vec!["seen".to_owned()],
                _ => Vec::new(),
            },
        )
    }

    #[test]
    fn words_go_on() {
        // The bar is the cursor.
        for (typed, start, expected) in [
            ("sel|", 0, &["select"][..]),
            ("SEL|", 0, &["SELECT"]),
            ("|", 0, &[]),
            ("SELECT |", 7, &[]),
            ("SELECT su|", 7, &["substr", "substring", "substring(", "sum("]),
            ("SELECT us| FROM users u", 7, &["use", "user", "user_id", "users", "using"]),
            ("SELECT u.| FROM users u", 9, &["`Straße`", "name", "user_id"]),
            ("SELECT users.n| FROM users", 13, &["name"]),
            ("SELECT `us| FROM users", 7, &["`user_id`", "`users`"]),
            ("SELECT * FROM |", 14, &["`two words`", "db.other", "sales", "users"]),
            ("SELECT * FROM us|", 14, &["users"]),
            ("SELECT * FROM lat|", 14, &["lateral"]),
            ("SELECT * FROM rang|", 14, &["range"]),
            ("SELECT * FROM db.o|", 17, &["other"]),
            ("SELECT nam| FROM users WHERE nam", 7, &["name", "namespace", "namespaces"]),
            ("SELECT nam FROM users|", 16, &["users"]),
            ("SELECT 'us|", 10, &[]),
            ("SELECT 1 -- us|", 14, &[]),
            ("SELECT 12|", 9, &[]),
            ("SELECT x.se| FROM delta.`/t/x` AS x;", 9, &["seen"]),
            ("SELECT user_| FROM users", 7, &["user_id"]),
            ("SELECT user_| FROM sales; SELECT 1 FROM users", 7, &[]),
            ("SELECT 1 FROM users; SELECT user_|", 28, &[]),
        ] {
            let at = typed.find('|').unwrap();
            let found = complete(&typed.replace('|', ""), at, &names());
            assert_eq!(found, (if expected.is_empty() { found.0 } else { start }, strings(expected)), "{typed}");
        }
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn tables_of_a_statement() {
        let used =
            |line: &str| used_tables(line, line.len()).into_iter().map(|t| (t.text, t.alias.unwrap_or_default())).collect::<Vec<_>>();
        for (line, expected) in [
            ("SELECT 1 FROM a ", vec![("a", "")]),
            ("SELECT 1 FROM a, b AS c JOIN d.`e` f ON x ", vec![("a", ""), ("b", "c"), ("d.`e`", "f")]),
            ("SELECT 1 FROM (SELECT 2 FROM x) y ", vec![("x", "")]),
            ("SELECT 1 FROM a WHERE b ", vec![("a", "")]),
            ("SELECT 1 FROM z; INSERT INTO t ", vec![("t", "")]),
        ] {
            let expected: Vec<(String, String)> = expected.into_iter().map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
            assert_eq!(used(line), expected, "{line}");
        }
    }
}
