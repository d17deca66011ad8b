//! Statements that nest deep or go on for long, on the small stack that workers have: each is answered or refused by an error that says so.

use std::sync::Arc;

use tidemill_spark::parse::{ParseOptions, parse_query};
use tidemill_spark::plan::{Expression, Relation, RelationKind};
use tidemill_spark::resolve::{Opened, OpenedFunction, OpenedRelation, Request, Resolved, requests, resolve};
use tidemill_spark::{Error, Result, Settings};

use crate::promises;

/// What becomes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Rows.
    Rows,
    /// A plan, which is not run: the engine takes its time.
    Meant,
    /// An error that says that it is too much.
    Refused,
}

use Outcome::{Meant, Refused, Rows};

fn nested(open: &str, middle: &str, close: &str, n: usize) -> String {
    format!("{}{middle}{}", open.repeat(n), close.repeat(n))
}

type Make = fn(usize) -> String;

/// What becomes of so many.
type Sizes = &'static [(usize, Outcome)];

/// (name, text, (size, what becomes of it), …)
const CASES: &[(&str, Make, Sizes)] = &[
    ("parentheses", |n| format!("SELECT {}", nested("(", "1", ")", n)), &[(100, Rows), (10_000, Refused)]),
    ("NOT", |n| format!("SELECT {}true", "NOT ".repeat(n)), &[(300, Rows), (10_000, Refused)]),
    ("signs", |n| format!("SELECT {}1", "- ".repeat(n)), &[(300, Rows), (10_000, Refused)]),
    ("signs of a column", |n| format!("SELECT {}a FROM VALUES (1) t(a)", "- ".repeat(n)), &[(60, Rows), (300, Meant), (10_000, Refused)]),
    (
        "CASE",
        |n| format!("SELECT {}", nested("CASE WHEN a = 1 THEN ", "1", " END", n)) + " FROM VALUES (1) t(a)",
        &[(100, Rows), (10_000, Refused)],
    ),
    ("calls", |n| format!("SELECT {} FROM VALUES (1) t(a)", nested("abs(", "a", ")", n)), &[(200, Rows), (10_000, Refused)]),
    ("coalesce", |n| format!("SELECT {} FROM VALUES (1) t(a)", nested("coalesce(", "a", ", 2)", n)), &[(200, Rows), (10_000, Refused)]),
    ("arrays", |n| format!("SELECT {}", nested("array(", "1", ")", n)), &[(50, Rows), (10_000, Refused)]),
    ("structs", |n| format!("SELECT {}", nested("struct(", "1", ")", n)), &[(50, Rows), (10_000, Refused)]),
    ("maps", |n| format!("SELECT {}", nested("map(1, ", "1", ")", n)), &[(50, Rows), (10_000, Refused)]),
    ("lambdas", |n| format!("SELECT {}", nested("transform(array(1), x -> ", "1", ")", n)), &[(20, Rows), (10_000, Refused)]),
    ("scalar queries", |n| format!("SELECT {}", nested("(SELECT ", "1", ")", n)), &[(6, Rows), (20, Refused), (10_000, Refused)]),
    (
        "derived tables",
        |n| format!("SELECT * FROM {}", nested("(SELECT * FROM ", "VALUES (1) t(a)", ")", n)),
        &[(40, Rows), (100, Meant), (10_000, Refused)],
    ),
    (
        "IN queries",
        |n| format!("SELECT 1 WHERE {}", nested("1 IN (SELECT 1 WHERE ", "true", ")", n)),
        &[(4, Rows), (20, Refused), (10_000, Refused)],
    ),
    (
        "EXISTS",
        |n| format!("SELECT 1 WHERE {}", nested("EXISTS (SELECT 1 WHERE ", "true", ")", n)),
        &[(6, Rows), (20, Refused), (10_000, Refused)],
    ),
    ("types", |n| format!("SELECT CAST(NULL AS {})", nested("array<", "int", ">", n)), &[(100, Rows), (10_000, Refused)]),
    ("structs of types", |n| format!("SELECT CAST(NULL AS {})", nested("struct<a:", "int", ">", n)), &[(100, Rows), (10_000, Refused)]),
    ("schemas in text", |n| format!("SELECT from_json('[]', '{}')", nested("array<", "int", ">", n)), &[(100, Rows), (10_000, Refused)]),
    ("JSON in a column", |n| format!("SELECT schema_of_json('{}')", nested("[", "1", "]", n)), &[(100, Rows), (10_000, Refused)]),
    ("JSON paths", |n| format!("SELECT get_json_object('{{}}', '${}')", ".a".repeat(n)), &[(100, Rows), (10_000, Rows)]),
    ("regular expressions", |n| format!("SELECT 'a' RLIKE '{}'", nested("(", "a", ")", n)), &[(20, Rows), (10_000, Refused)]),
    ("windows", |n| format!("SELECT {}", nested("sum(1) OVER (ORDER BY ", "1", ")", n)), &[(10_000, Refused)]),
    ("WITH inside", |n| nested("WITH a AS (", "SELECT 1", ") SELECT * FROM a", n), &[(10, Rows), (10_000, Refused)]),
    (
        "WITH after another",
        |n| {
            let later = (1..n).map(|i| format!(", c{i} AS (SELECT a + 1 AS a FROM c{})", i - 1)).collect::<String>();
            format!("WITH c0 AS (SELECT 1 AS a){later} SELECT * FROM c{}", n - 1)
        },
        &[(20, Rows), (90, Meant), (10_000, Refused)],
    ),
    ("sums", |n| format!("SELECT 1{}", " + 1".repeat(n)), &[(60, Rows), (300, Meant), (10_000, Refused)]),
    ("sums of a column", |n| format!("SELECT a{} FROM VALUES (1) t(a)", " + a".repeat(n)), &[(60, Rows), (300, Meant), (10_000, Refused)]),
    ("concatenations", |n| format!("SELECT 'a'{}", " || 'b'".repeat(n)), &[(300, Rows), (10_000, Refused)]),
    (
        "AND of columns",
        |n| format!("SELECT * FROM VALUES (1) t(a) WHERE a = 1{}", (0..n).map(|i| format!(" AND a != {}", i + 2)).collect::<String>()),
        &[(200, Rows), (900, Meant), (10_000, Refused)],
    ),
    (
        "OR of columns",
        |n| format!("SELECT * FROM VALUES (1) t(a) WHERE a = 1{}", (0..n).map(|i| format!(" OR a = {}", i + 2)).collect::<String>()),
        &[(100, Rows), (10_000, Meant)],
    ),
    ("AND and OR by turns", |n| format!("SELECT {}", nested("true AND (false OR ", "true", ")", n)), &[(100, Rows), (10_000, Refused)]),
    (
        "IN lists",
        |n| format!("SELECT * FROM VALUES (1) t(a) WHERE a IN (1{})", (0..n).map(|i| format!(", {i}")).collect::<String>()),
        &[(100, Rows), (100_000, Meant)],
    ),
    (
        "branches",
        |n| format!("SELECT CASE a{} END FROM VALUES (1) t(a)", (0..n).map(|i| format!(" WHEN {i} THEN {i}")).collect::<String>()),
        &[(100, Rows), (10_000, Meant)],
    ),
    ("arguments", |n| format!("SELECT greatest(a{}) FROM VALUES (1) t(a)", ", 1".repeat(n)), &[(50, Rows), (10_000, Meant)]),
    ("rows", |n| format!("SELECT * FROM VALUES (1){}", ", (2)".repeat(n)), &[(10_000, Meant)]),
    ("UNION ALL", |n| format!("SELECT 1 AS a{}", " UNION ALL SELECT 2".repeat(n)), &[(20, Rows), (1_000, Meant)]),
    ("UNION", |n| format!("SELECT 1 AS a{}", " UNION SELECT 2".repeat(n)), &[(10, Rows), (1_000, Meant)]),
    ("joins", |n| format!("SELECT 1 FROM VALUES (1) t(a){}", " JOIN VALUES (1) u(a) USING (a)".repeat(n)), &[(6, Rows), (10_000, Refused)]),
    ("cross joins", |n| format!("SELECT 1 FROM VALUES (1) t(a){}", ", VALUES (1) u(b)".repeat(n)), &[(6, Rows), (10_000, Refused)]),
    ("pipes", |n| format!("FROM VALUES (1) t(a){}", " |> WHERE a > 0".repeat(n)), &[(50, Rows), (10_000, Refused)]),
    ("pipes that extend", |n| format!("FROM VALUES (1) t(a){}", " |> SET a = a + 1".repeat(n)), &[(30, Rows), (10_000, Refused)]),
    (
        "aliases of the list",
        |n| format!("SELECT 1 AS a0{}", (1..n).map(|i| format!(", a{} + 1 AS a{i}", i - 1)).collect::<String>()),
        &[(100, Rows), (10_000, Refused)],
    ),
    ("columns", |n| format!("SELECT 1{}", ", 1".repeat(n)), &[(300, Rows), (10_000, Meant)]),
    ("grouping keys", |n| format!("SELECT count(*) FROM VALUES (1) t(a) GROUP BY a{}", ", a".repeat(n)), &[(1_000, Meant)]),
    (
        "ROLLUP",
        |n| format!("SELECT count(*) FROM VALUES (1) t(a) GROUP BY ROLLUP (a{})", (0..n).map(|i| format!(", a + {i}")).collect::<String>()),
        &[(30, Rows), (10_000, Refused)],
    ),
    (
        "CUBE",
        |n| format!("SELECT count(*) FROM VALUES (1) t(a) GROUP BY CUBE (a{})", (0..n).map(|i| format!(", a + {i}")).collect::<String>()),
        &[(5, Rows), (100, Refused)],
    ),
];

/// What a thread gives that has this stack.
fn on_stack<T: Send + 'static>(name: &str, bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().name(name.to_owned()).stack_size(bytes).spawn(work).expect("a thread starts");
    thread.join().expect("no panic")
}

/// How many rows a tree gives: what it means is found on the small stack that workers have.
fn answered(name: &str, is_run: bool, tree: impl FnOnce() -> Result<Relation> + Send + 'static) -> Result<usize> {
    let settings = Arc::new(Settings::default());
    let meaning = {
        let settings = Arc::clone(&settings);
        move || -> Result<Resolved> {
            let tree = tree()?;
            let opened = opened(&tree, &settings)?;
            let resolved = resolve(&tree, &opened, &settings)?;
            assert_eq!(tree, tree.clone());
            Ok(resolved)
        }
    };
    let resolved = on_stack(name, 2 << 20, meaning)?;
    if !is_run {
        return Ok(0);
    }
    // The engine's own recursion is the session's business.
    on_stack(name, 256 << 20, move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        match runtime.block_on(promises::run(&resolved, &settings)) {
            Ok(rows) => Ok(rows.len()),
            Err(promises::Broken::Promise(why)) => panic!("{why}"),
            Err(promises::Broken::Refused(error)) => Err(error),
        }
    })
}

fn opened(tree: &Relation, settings: &Arc<Settings>) -> Result<Opened> {
    let mut opened = Opened::default();
    for request in requests(tree, &opened, settings)? {
        match request {
            Request::Function { .. } => drop(opened.functions.insert(request, OpenedFunction::Missing)),
            _ => drop(opened.relations.insert(request, OpenedRelation::Missing)),
        }
    }
    Ok(opened)
}

/// Whether an error says that a statement is too large, and not that the engine failed.
fn says_too_much(error: &Error) -> bool {
    const CONDITIONS: &[&str] = &["FAILED_TO_PARSE_TOO_COMPLEX", "GROUPING_SIZE_LIMIT_EXCEEDED"];
    let condition = error.condition().map_or("", |condition| condition.name.as_str());
    // What a kernel was given is refused by the kernel's own conditions.
    CONDITIONS.contains(&condition)
        || error.message().contains("deep")
        || condition == "INVALID_PARAMETER_VALUE.PATTERN"
        || condition.starts_with("INVALID_SCHEMA")
}

/// What was found, if it is not what was expected.
fn misfit(found: &Result<usize>, expected: Outcome) -> Option<String> {
    match (found, expected) {
        (Ok(_), Rows | Meant) => None,
        (Err(error), Refused) if says_too_much(error) => None,
        (Ok(rows), Refused) => Some(format!("{rows} rows")),
        (Err(error), _) => Some(error.to_string().chars().take(300).collect()),
    }
}

#[test]
fn what_is_deep_or_long_is_answered_or_refused() {
    let only = std::env::var("TIDEMILL_ONLY").unwrap_or_default();
    let mut wrong = Vec::new();
    for (name, make, sizes) in CASES.iter().filter(|(name, ..)| name.contains(&only)) {
        for (size, expected) in *sizes {
            let text = make(*size);
            let found = answered(&format!("{size} {name}"), *expected != Meant, move || parse_query(&text, &ParseOptions::default()));
            wrong.extend(misfit(&found, *expected).map(|found| format!("{size} {name}: {expected:?}, and it gave {found}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A tree of a program, so many steps high: no parser has counted them.
type Grow = fn(usize) -> Relation;

fn one_row() -> Relation {
    RelationKind::SubqueryAlias {
        input: RelationKind::Values { rows: vec![vec![Expression::literal(1)]] }.into(),
        alias: tidemill_spark::plan::TableAlias { name: "t".to_owned(), columns: vec!["a".to_owned()] },
    }
    .into()
}

fn column() -> Expression {
    Expression::attribute(["a"])
}

fn selected(expression: Expression) -> Relation {
    RelationKind::Project { input: one_row(), expressions: vec![expression] }.into()
}

/// (name, tree, (size, what becomes of it), …)
const TREES: &[(&str, Grow, Sizes)] = &[
    (
        "filters",
        |n| (0..n).fold(one_row(), |input, _| RelationKind::Filter { input, condition: Expression::literal(true) }.into()),
        &[(40, Rows), (500, Meant), (10_000, Refused)],
    ),
    (
        "projections",
        |n| {
            let step = |input, _| {
                let next = Expression::operator("+", vec![column(), Expression::literal(1)]).alias("a");
                RelationKind::Project { input, expressions: vec![next] }.into()
            };
            (0..n).fold(one_row(), step)
        },
        &[(20, Rows), (500, Meant), (10_000, Refused)],
    ),
    (
        "sums",
        |n| selected((0..n).fold(column(), |sum, _| Expression::operator("+", vec![sum, Expression::literal(1)]))),
        &[(40, Rows), (500, Meant), (10_000, Refused)],
    ),
    (
        "negations",
        |n| selected((0..n).fold(column(), |e, _| Expression::operator("negative", vec![e]))),
        &[(40, Rows), (500, Meant), (10_000, Refused)],
    ),
    ("names", |n| selected((0..n).fold(column(), |e, _| e.alias("b"))), &[(40, Rows), (500, Meant), (10_000, Refused)]),
    (
        "queries",
        |n| {
            (0..n).fold(one_row(), |inner, _| {
                RelationKind::Filter { input: one_row(), condition: tidemill_spark::plan::ExpressionKind::Exists(Box::new(inner)).into() }
                    .into()
            })
        },
        &[(6, Rows), (20, Refused), (10_000, Refused)],
    ),
];

#[test]
fn trees_of_programs_are_answered_or_refused() {
    let only = std::env::var("TIDEMILL_ONLY").unwrap_or_default();
    let mut wrong = Vec::new();
    for (name, grow, sizes) in TREES.iter().filter(|(name, ..)| name.contains(&only)) {
        for (size, expected) in *sizes {
            let (grow, size) = (*grow, *size);
            let found = answered(&format!("{size} {name}"), *expected != Meant, move || Ok(grow(size)));
            wrong.extend(misfit(&found, *expected).map(|found| format!("{size} {name}: {expected:?}, and it gave {found}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
