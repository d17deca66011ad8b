//! Deep and long texts, and texts of no sense: an answer or an error, and never a panic.

use proptest::prelude::*;

use super::*;

/// A text of that kind, `n` deep or long.
fn text_of(kind: &str, n: usize) -> String {
    let nested = |open: &str, middle: &str, close: &str| format!("{}{middle}{}", open.repeat(n), close.repeat(n));
    match kind {
        "parentheses" => nested("(", "1", ")"),
        "calls" => nested("f(", "1", ")"),
        "cases" => nested("case when a then ", "1", " end"),
        "subqueries" => nested("(select ", "1", ")"),
        "from" => format!("(select * from {})", nested("(select * from ", "t", ")")),
        "joins in parentheses" => format!("(select * from {})", nested("(", "t", " join u)")),
        "in" => nested("a in (select b from t where ", "1", ")"),
        "lambdas" => nested("x -> ", "1", ""),
        "windows" => nested("sum(a) over (order by ", "1", ")"),
        "grouping sets" => format!("(select 1 group by {})", nested("grouping sets (", "a", ")")),
        "types" => format!("cast(a as {})", nested("array<", "int", ">")),
        "with" => format!("({})", nested("with a as (", "select 1", ") select 2")),
        "sums" => format!("1{}", " + 1".repeat(n)),
        "intersections" => format!("(select 1{})", " intersect select 1".repeat(n)),
        "unions" => format!("(select 1{})", " union all select 1".repeat(n)),
        "fields" => format!("f(){}", ".a".repeat(n)),
        "casts" => format!("a{}", "::int".repeat(n)),
        "signs" => format!("{}a", "- ".repeat(n)),
        "nots" => format!("{}a", "not ".repeat(n)),
        "joins" => format!("(select * from t{})", " join u".repeat(n)),
        "commas" => format!("(select * from t{})", ", t".repeat(n)),
        "and" => format!("a{}", " and a or b".repeat(n)),
        "pipes" => format!("(from t{})", "|> where a".repeat(n)),
        "hints" => format!("(select {} 1)", "/*+ a */".repeat(n)),
        "strings" => "'a' ".repeat(n + 1),
        "open strings" => "'\\".repeat(n),
        "tags" => (0..n).map(|i| format!("$t{i}$")).collect(),
        "lists" => format!("f({}1)", "1, ".repeat(n)),
        "maps" => format!("f({}1)", "map a, ".repeat(n)),
        _ => String::new(),
    }
}

const KINDS: &[&str] = &[
    "parentheses",
    "calls",
    "cases",
    "subqueries",
    "from",
    "joins in parentheses",
    "in",
    "lambdas",
    "windows",
    "grouping sets",
    "types",
    "with",
    "sums",
    "intersections",
    "unions",
    "fields",
    "casts",
    "signs",
    "nots",
    "joins",
    "commas",
    "and",
    "pipes",
    "hints",
    "strings",
    "open strings",
    "tags",
    "lists",
    "maps",
];

/// Reads, copies and drops a text on a stack of 2 MiB: what it gives.
fn on_small_stack(text: String) -> String {
    let read = move || match parse_expression(&text, &ParseOptions::default()) {
        Ok(e) => {
            assert_eq!(e.clone(), e);
            "read".to_owned()
        }
        Err(e) => condition(&e),
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(read).expect("a thread");
    thread.join().expect("no panic")
}

#[test]
fn what_is_deep_or_long_is_read_or_refused() {
    for kind in KINDS {
        for n in [20, 60, 150, 400, 1000, 10_000] {
            let found = on_small_stack(text_of(kind, n));
            let endless = ["unions", "and", "strings", "lists"].contains(kind);
            let broken = ["open strings", "tags", "maps"].contains(kind);
            let expected: &[&str] = match n {
                _ if broken => &["PARSE_SYNTAX_ERROR"],
                ..=60 => &["read"],
                _ if endless => &["read"],
                10_000.. => &["FAILED_TO_PARSE_TOO_COMPLEX"],
                _ => &["read", "FAILED_TO_PARSE_TOO_COMPLEX"],
            };
            assert!(expected.contains(&found.as_str()), "{n} {kind}: {found}");
        }
    }
}

fn words() -> Vec<String> {
    let symbols = "( ) , . ; [ ] ! = == <=> <> != < <= > >= << >> >>> + - * / % ~ & | || |> ^ : :: -> => /*+ */ ? /* -- ' \" ` $a$ \\ @ é";
    let others = "a b t 1 2L 1.5 1e3 1bd 'x' \"y\" `z` r'w' 1a \u{1F600} history optimize";
    let words = keywords().map(|(word, _)| word.to_owned());
    let repeated = symbols.split(' ').chain(others.split(' ')).cycle().take(400).map(str::to_owned);
    words.chain(repeated).collect()
}

/// Beginnings that lead into the grammar.
const BEGINNINGS: &[&str] = &[
    "",
    "SELECT",
    "SELECT a FROM t",
    "SELECT a FROM t WHERE a",
    "SELECT a FROM t GROUP BY a",
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
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_words_make_it_panic(
        beginning in proptest::sample::select(BEGINNINGS),
        words in proptest::collection::vec(proptest::sample::select(words()), 0..25),
        double_quoted in any::<bool>(),
        reserved in any::<bool>(),
    ) {
        let text = format!("{beginning} {}", words.join(" "));
        let options = ParseOptions { double_quoted_identifiers: double_quoted, enforce_reserved_keywords: reserved, ..ParseOptions::default() };
        check_any(&text, &options)?;
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}") {
        check_any(&text, &ParseOptions::default())?;
    }
}

/// Reads a text in all ways; an error has a place in it.
fn check_any(text: &str, options: &ParseOptions) -> Result<(), TestCaseError> {
    let result = parse_statement(text, options);
    if let Err(e) = &result {
        let condition = e.condition();
        prop_assert!(condition.is_some(), "{text}: {e}");
        if let Some(place) = condition.and_then(|c| c.place.clone()) {
            prop_assert!(place.start <= place.end && text.get(place.clone()).is_some(), "{text}: {place:?}");
        }
    }
    let _ = parse_data_type(text, options);
    let _ = parse_table_schema(text, options);
    let _ = parse_interval_text(text);
    for statement in split_statements(text) {
        prop_assert_eq!(statement.span.of(text), statement.text);
    }
    Ok(())
}
