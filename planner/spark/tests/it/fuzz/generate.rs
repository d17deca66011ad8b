//! Texts from seeds: tokens in no order, statements that were changed, calls over constants. The same seed gives the same text.

use std::sync::LazyLock;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tidemill_spark::functions;
use tidemill_spark::parse::keywords;

use super::Kind;
use super::corpus::{CORPUS, Seed};
use super::pieces::{Class, pieces, text};

/// The text of a seed, and the file whose views it may name.
pub(super) fn text_of(kind: Kind, seed: u64) -> (String, usize) {
    let mut random = StdRng::seed_from_u64(seed);
    match kind {
        Kind::Tokens => (tokens(&mut random), 0),
        Kind::Statements => statement(&mut random),
        Kind::Calls => (call(&mut random), 0),
    }
}

fn one<T: Copy>(random: &mut StdRng, of: &[T]) -> T {
    of[random.random_range(0..of.len())]
}

fn one_seed(random: &mut StdRng) -> &'static Seed {
    &CORPUS.seeds[random.random_range(0..CORPUS.seeds.len())]
}

static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| keywords().map(|(word, _)| word).collect());

static FUNCTIONS: LazyLock<Vec<&str>> = LazyLock::new(|| functions::all().into_iter().map(|function| function.name).collect());

const SYMBOLS: &[&str] = &[
    "(",
    ")",
    "(",
    ")",
    ",",
    ",",
    ".",
    ";",
    "[",
    "]",
    "!",
    "=",
    "==",
    "<=>",
    "<>",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "<<",
    ">>",
    ">>>",
    "+",
    "-",
    "*",
    "/",
    "%",
    "~",
    "&",
    "|",
    "||",
    "|>",
    "^",
    ":",
    "::",
    "->",
    "=>",
    "/*+",
    "*/",
    "?",
    "/*",
    "--",
    "\n",
    "'",
    "\"",
    "`",
    "$a$",
    "$$",
    "\\",
    "@",
    "{",
    "}",
    "\u{0}",
    "\u{e9}",
    "\u{1F600}",
    "\u{301}",
    "\u{feff}",
    "\u{a0}",
    "\u{2028}",
    "\u{202e}",
    "\r",
];

/// Literals of every kind, the extremes among them.
const LITERALS: &[&str] = &[
    "NULL",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "2",
    "3",
    "10",
    "2147483647",
    "-2147483648",
    "2147483648",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "99999999999999999999999999999999999999",
    "999999999999999999999999999999999999999",
    "127Y",
    "-128Y",
    "32767S",
    "-32768S",
    "0L",
    "-9223372036854775808L",
    "1.5",
    "0.1",
    "-0.0",
    "1e400",
    "1e-400",
    "1E308D",
    "-1.7976931348623157E308D",
    "4.9E-324D",
    "1.5F",
    "3.4028235E38F",
    "99999999999999999999999999999999999999BD",
    "0.00000000000000000000000000000000000001BD",
    "1E38BD",
    "-1E-38BD",
    "DOUBLE('NaN')",
    "DOUBLE('Infinity')",
    "FLOAT('-Infinity')",
    "''",
    "'a'",
    "'abc'",
    "' '",
    "'%'",
    "'_%\\\\'",
    "'\\u00e9\\0'",
    "'\u{1F600}'",
    "'e\u{301}'",
    "r'\\d+(a|b)*'",
    "'(a+)+$'",
    "'['",
    "'yyyy-MM-dd HH:mm:ss'",
    "'EEEE MMMM GGGG'",
    "'2024-02-29'",
    "'0000-00-00'",
    "'+294247-01-10 04:00:54.775807'",
    "'12:34:56.789'",
    "'UTC'",
    "'America/Los_Angeles'",
    "'+18:00'",
    "'{\"a\": [1, {\"b\": null}], \"c\": 1e999}'",
    "'a INT, b STRUCT<c: ARRAY<STRING>>'",
    "'$.a[*].b'",
    "'a,b,\"c\"'",
    "'999,999.99MI'",
    "'%s %d %10.3f %x'",
    "'http://user@host:80/path?a=b#c'",
    "'day'",
    "'1 day 2 hours'",
    "X''",
    "X'00FF80C0'",
    "DATE '2024-02-29'",
    "DATE '0001-01-01'",
    "DATE '9999-12-31'",
    "DATE '-290308-12-21'",
    "DATE '+5881580-07-11'",
    "TIMESTAMP '2024-03-10 02:30:00'",
    "TIMESTAMP '0001-01-01 00:00:00'",
    "TIMESTAMP '+294247-01-10 04:00:54.775807'",
    "TIMESTAMP '-290308-12-21 19:59:06'",
    "TIMESTAMP_NTZ '2024-03-10 02:30:00'",
    "TIMESTAMP_NTZ '-290308-12-22 00:00:00'",
    "TIME '23:59:59.999999'",
    "INTERVAL 1 DAY",
    "INTERVAL '1-2' YEAR TO MONTH",
    "INTERVAL '178956970-7' YEAR TO MONTH",
    "INTERVAL '-178956970-8' YEAR TO MONTH",
    "INTERVAL '106751991 04:00:54.775807' DAY TO SECOND",
    "INTERVAL '-106751991 04:00:54.775808' DAY TO SECOND",
    "INTERVAL 0 SECOND",
    "make_interval(1, 2, 3, 4, 5, 6, 7.5)",
    "make_interval(178956970, 7, 0, 2147483647)",
    "array()",
    "array(1, NULL, -1)",
    "array('b', 'a', NULL)",
    "array(array(1), NULL, array())",
    "array(named_struct('x', 1, 'y', 'a'))",
    "array(DATE '2024-01-01')",
    "array(1.5D, DOUBLE('NaN'))",
    "map()",
    "map('a', 1, 'b', NULL)",
    "map(1, array('x'))",
    "map(named_struct('x', 1), 'y')",
    "named_struct('x', 1, 'y', 'z')",
    "struct(NULL)",
    "x -> x",
    "(x, y) -> x + y",
    "x -> x > 0",
    "(x, y) -> NULL",
    "(acc, x) -> acc || x",
];

const TYPES: &[&str] = &[
    "TINYINT",
    "SMALLINT",
    "INT",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL(38,18)",
    "DECIMAL(1,1)",
    "DECIMAL(10)",
    "STRING",
    "CHAR(3)",
    "VARCHAR(2)",
    "BINARY",
    "BOOLEAN",
    "DATE",
    "TIMESTAMP",
    "TIMESTAMP_NTZ",
    "TIME(3)",
    "INTERVAL DAY TO SECOND",
    "INTERVAL YEAR TO MONTH",
    "INTERVAL HOUR",
    "INTERVAL",
    "ARRAY<INT>",
    "ARRAY<STRING>",
    "MAP<STRING,INT>",
    "STRUCT<x:INT,y:STRING>",
    "VOID",
    "ARRAY<ARRAY<DOUBLE>>",
];

const NAMES: &[&str] = &[
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "s", "u", "v", "w", "y", "z", "x", "t", "s.x", "t.a", "t1", "*",
    "t.*", "`a b`", "``", "id", "m['k']", "u[0]", "v.x", "nobody",
];

/// Beginnings that lead into the grammar.
const BEGINNINGS: &[&str] = &[
    "",
    "",
    "SELECT",
    "SELECT a FROM t",
    "SELECT a FROM t WHERE a",
    "SELECT a FROM t GROUP BY",
    "FROM t |>",
    "SELECT * FROM t JOIN u",
    "SELECT sum(a) OVER (",
    "SELECT CASE WHEN",
    "CREATE TABLE t (a INT",
    "CREATE TABLE t USING x",
    "CREATE VIEW v",
    "CREATE FUNCTION f(a INT)",
    "ALTER TABLE t",
    "INSERT INTO t",
    "MERGE INTO t USING s ON a WHEN",
    "SHOW",
    "DESCRIBE",
    "SET",
    "WITH a AS (",
    "SELECT INTERVAL",
    "SELECT CAST(a AS",
    "DECLARE a",
    "SELECT * FROM VALUES (",
    "SELECT * FROM t PIVOT (",
    "SELECT * FROM t UNPIVOT (",
    "EXECUTE IMMEDIATE",
    "DELETE FROM t",
    "UPDATE t SET",
    "CACHE",
    "ANALYZE TABLE t",
    "EXPLAIN",
    "EXPLAIN ANALYZE",
    "USE",
    "TRUNCATE",
];

fn token(random: &mut StdRng) -> &'static str {
    match random.random_range(0..10) {
        0..=2 => one(random, &WORDS),
        3..=5 => one(random, SYMBOLS),
        6 => one(random, LITERALS),
        7 => one(random, TYPES),
        8 => one(random, &FUNCTIONS),
        _ => one(random, NAMES),
    }
}

fn tokens(random: &mut StdRng) -> String {
    let mut text = one(random, BEGINNINGS).to_owned();
    let glued = random.random_range(0..8) == 0;
    for _ in 0..random.random_range(0..40) {
        if !glued {
            text.push(' ');
        }
        text.push_str(token(random));
    }
    if random.random_range(0..20) == 0 {
        let open = one(random, &["(", "[", "CASE WHEN ", "array<", "- ", "NOT ", "(SELECT ", "f(", "/*", "x -> "]);
        text.push_str(&open.repeat(random.random_range(1..3_000)));
    }
    text
}

fn statement(random: &mut StdRng) -> (String, usize) {
    let seed = one_seed(random);
    let mut changed = pieces(&seed.text);
    for _ in 0..random.random_range(1..5) {
        change(random, &mut changed);
    }
    (text(&changed), seed.file)
}

/// Changes one thing.
fn change(random: &mut StdRng, of: &mut Vec<(Class, String)>) {
    if of.is_empty() {
        of.push((Class::Word, "SELECT ".to_owned()));
    }
    let at = random.random_range(0..of.len());
    let upto = (at + random.random_range(1..8)).min(of.len());
    match random.random_range(0..14) {
        0 => drop(of.drain(at..upto)),
        1 => {
            let copy = of[at..upto].to_vec();
            of.splice(at..at, copy);
        }
        2 => {
            let other = random.random_range(0..of.len());
            of.swap(at, other);
        }
        3 => {
            let other = pieces(&one_seed(random).text);
            if !other.is_empty() {
                let from = random.random_range(0..other.len());
                let to = (from + random.random_range(1..20)).min(other.len());
                of.splice(at..upto, other[from..to].iter().cloned());
            }
        }
        // A constant becomes another.
        4..=6 => {
            let literals: Vec<usize> = (0..of.len()).filter(|at| of[*at].0 == Class::Number || of[*at].1.starts_with('\'')).collect();
            let at = if literals.is_empty() { at } else { one(random, &literals) };
            of[at] = (Class::Word, one(random, LITERALS).to_owned());
        }
        // A word becomes a column, a keyword, a function.
        7..=9 => {
            let words: Vec<usize> = (0..of.len()).filter(|at| of[*at].0 == Class::Word).collect();
            let at = if words.is_empty() { at } else { one(random, &words) };
            let word: &str = match random.random_range(0..4) {
                0 => one(random, &WORDS),
                1 => one(random, &FUNCTIONS),
                2 => one(random, TYPES),
                _ => one(random, NAMES),
            };
            of[at].1 = word.to_owned();
        }
        10 => of.insert(at, (Class::Symbol, format!(" {} ", one(random, SYMBOLS)))),
        11 => of[at].1 = token(random).to_owned(),
        12 => {
            let (open, close) =
                one(random, &[("(", ")"), ("array(", ")"), ("CAST(", " AS STRING)"), ("(SELECT ", ")"), ("NOT (", ")"), ("-(", ")")]);
            let depth = if random.random_range(0..20) == 0 { random.random_range(1..300) } else { 1 };
            of.insert(upto, (Class::Symbol, close.repeat(depth)));
            of.insert(at, (Class::Symbol, open.repeat(depth)));
        }
        _ => {
            let mut chars: Vec<char> = of[at].1.chars().collect();
            let place = random.random_range(0..=chars.len());
            chars.insert(place, one(random, SYMBOLS).chars().next().unwrap_or(' '));
            of[at].1 = chars.into_iter().collect();
        }
    }
}

fn call(random: &mut StdRng) -> String {
    let text = expression(random, 2);
    match random.random_range(0..6) {
        // Not a constant: the kernel sees a column.
        0 | 1 => format!("SELECT {text} FROM t"),
        2 => format!("SELECT {text} OVER (ORDER BY k) FROM t"),
        _ => format!("SELECT {text}"),
    }
}

fn expression(random: &mut StdRng, depth: usize) -> String {
    let roll = random.random_range(0..10);
    if depth == 0 || (depth < 2 && roll < 6) {
        return match random.random_range(0..4) {
            0 => one(random, NAMES).to_owned(),
            _ => one(random, LITERALS).to_owned(),
        };
    }
    match roll {
        9 if depth < 2 => format!("CAST({} AS {})", expression(random, depth - 1), one(random, TYPES)),
        8 => {
            let operator =
                one(random, &["+", "-", "*", "/", "%", "div", "||", "&", "|", "^", "<<", ">>", "=", "<", "<=>", "LIKE", "RLIKE", "AND"]);
            format!("({} {operator} {})", expression(random, depth - 1), expression(random, depth - 1))
        }
        _ => {
            let function = one(random, &FUNCTIONS);
            let count = one(random, &[0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 7]);
            let arguments: Vec<String> = (0..count).map(|_| expression(random, depth - 1)).collect();
            format!("{function}({})", arguments.join(", "))
        }
    }
}

#[test]
fn a_seed_gives_one_text() {
    for kind in [Kind::Tokens, Kind::Statements, Kind::Calls] {
        assert_eq!(text_of(kind, 7), text_of(kind, 7));
        assert_ne!(text_of(kind, 7).0, text_of(kind, 8).0);
    }
}
