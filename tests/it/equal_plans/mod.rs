//! The same query in SQL and in DataFrames: both resolve to one plan, and their columns have the same names and types.
//!
//! Each file holds pairs of one theme. A plan's text shows its columns by their ids, which are names with numbers behind where a name comes
//! twice; which of two columns of one name has the number depends on who was resolved first, so numbers are dealt anew before plans
//! are compared.

mod aggregates;
mod arrays;
mod casts;
mod conditions;
mod dates;
mod generators;
mod joins;
mod maps;
mod math;
mod nulls;
mod projections;
mod rows;
mod sets;
mod streams;
mod strings;
mod windows;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use tidemill::{DataFrame, Session};
use tidemill_streaming::source::MemoryStream;

/// A query, written twice.
struct Pair {
    sql: &'static str,
    frame: fn(&Tables) -> DataFrame,
}

/// `pairs! { t: "SQL" => frame over t, … }` is the list of a file.
macro_rules! pairs {
    ($tables:ident: $($sql:literal => $frame:expr),* $(,)?) => {
        pub(super) fn pairs() -> Vec<super::Pair> {
            vec![$(super::Pair { sql: $sql, frame: |$tables| $frame }),*]
        }
    };
}
use pairs;

/// The tables that all pairs are about: DataFrames here, temporary views of the same names in SQL.
struct Tables {
    session: Session,
    people: DataFrame,
    orders: DataFrame,
    docs: DataFrame,
    events: DataFrame,
}

const PEOPLE: &str = "id bigint, name string, age int, city string, born date, score double, active boolean";
const ORDERS: &str = "order_id bigint, id bigint, item string, amount decimal(10,2), qty int, placed timestamp";
const DOCS: &str = "key int, tags array<string>, nums array<int>, props map<string,int>, place struct<street:string,zip:int>, \
                    lines array<struct<sku:string,price:double>>, body string";
const EVENTS: &str = "time timestamp, user string, clicks bigint";

impl Tables {
    fn new() -> Self {
        let session = Session::builder().parallelism(2).build().expect("a plain session builds");
        let schema = |ddl| tidemill::parse_schema(ddl).expect("the columns are well-formed");
        let table = |name: &str, ddl| {
            let rows = session.create_dataframe(vec![RecordBatch::new_empty(schema(ddl))]).expect("a batch becomes a DataFrame");
            named(&session, name, &rows)
        };
        let (people, orders, docs) = (table("people", PEOPLE), table("orders", ORDERS), table("docs", DOCS));
        let stream = session.stream(Arc::new(MemoryStream::new("events", schema(EVENTS)))).expect("a stream becomes a DataFrame");
        let events = named(&session, "events", &stream.with_watermark("time", "10 minutes"));
        Self { people, orders, docs, events, session }
    }
}

/// The view that a DataFrame has become.
fn named(session: &Session, name: &str, frame: &DataFrame) -> DataFrame {
    frame.create_or_replace_temp_view(name).expect("a DataFrame becomes a view");
    session.view(name).expect("a view is a DataFrame")
}

#[tokio::test]
async fn sql_and_dataframes_resolve_to_equal_plans() {
    let all = [
        aggregates::pairs(),
        arrays::pairs(),
        casts::pairs(),
        conditions::pairs(),
        dates::pairs(),
        generators::pairs(),
        joins::pairs(),
        maps::pairs(),
        math::pairs(),
        nulls::pairs(),
        projections::pairs(),
        rows::pairs(),
        sets::pairs(),
        strings::pairs(),
        streams::pairs(),
        windows::pairs(),
    ];
    let pairs: Vec<Pair> = all.into_iter().flatten().collect();
    let mut texts: Vec<&str> = pairs.iter().map(|pair| pair.sql).collect();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), pairs.len(), "a query stands there twice");
    assert!(texts.len() >= 300, "only {} queries", texts.len());
    let tables = Tables::new();
    let mut wrong = Vec::new();
    for pair in &pairs {
        let from_sql = match tables.session.sql(pair.sql).await {
            Ok(frame) => told(&frame).await,
            Err(error) => format!("{error}"),
        };
        let from_frame = told(&(pair.frame)(&tables)).await;
        if from_sql != from_frame || !from_sql.starts_with(PLAN) {
            wrong.push(format!("{}\n--- SQL\n{from_sql}\n--- DataFrame\n{from_frame}\n", pair.sql));
        }
    }
    assert!(wrong.is_empty(), "{} of {} pairs differ:\n{}", wrong.len(), pairs.len(), wrong.join("\n"));
}

/// How the text of a plan begins here, so that no error is taken for one.
const PLAN: &str = "plan of ";

/// A DataFrame's columns and its plan, or the error.
async fn told(frame: &DataFrame) -> String {
    let plan = match frame.analyzed_plan().await {
        Ok(plan) => plan,
        Err(error) => return error.to_string(),
    };
    match frame.schema_tree() {
        Ok(columns) => format!("{PLAN}{columns}{}", numbered_anew(&format!("{plan:#}"))),
        Err(error) => error.to_string(),
    }
}

/// The text with the numbers behind names dealt in the order in which they come: of `b#3 … b … b#3` the first is `b`, the other `b#2`.
fn numbered_anew(plan: &str) -> String {
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '#';
    let mut seen: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut text = String::new();
    let mut rest = plan;
    while !rest.is_empty() {
        let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(length);
        if !word.is_empty() {
            let base = word.split('#').next().unwrap_or(word);
            let alike = seen.entry(base).or_default();
            let at = alike.iter().position(|other| *other == word).unwrap_or_else(|| {
                alike.push(word);
                alike.len() - 1
            });
            text.push_str(base);
            if at > 0 {
                text.push_str(&format!("#{}", at + 1));
            }
        }
        let mark = after.chars().next();
        text.extend(mark);
        rest = &after[mark.map_or(0, char::len_utf8)..];
    }
    text
}

#[test]
fn numbers_are_dealt_in_the_order_of_the_text() {
    assert_eq!(numbered_anew("b#3 + b = c#2, b#3"), "b + b#2 = c, b");
    assert_ne!(numbered_anew("a#2 + a"), numbered_anew("a + a"), "what differs stays different");
    assert_eq!(numbered_anew("a#2 + a"), numbered_anew("a + a#2"));
}

/// A judge that calls everything equal would prove nothing.
#[tokio::test]
async fn queries_that_differ_have_plans_that_differ() {
    let tables = Tables::new();
    for (one, other) in [
        ("SELECT id FROM people", "SELECT id FROM orders"),
        ("SELECT age + 1 AS a FROM people", "SELECT age + 2 AS a FROM people"),
        ("SELECT age + 1 AS a FROM people", "SELECT age + 1L AS a FROM people"),
        ("SELECT id FROM people WHERE age > 1", "SELECT id FROM people WHERE age >= 1"),
        ("SELECT a.id FROM people a JOIN people b ON a.id = b.id", "SELECT b.id FROM people a JOIN people b ON a.id = b.id"),
        ("SELECT name FROM people ORDER BY age", "SELECT name FROM people ORDER BY age DESC"),
        ("SELECT sum(age) AS n FROM people", "SELECT sum(DISTINCT age) AS n FROM people"),
    ] {
        let (one_told, other_told) =
            (told(&tables.session.sql(one).await.unwrap()).await, told(&tables.session.sql(other).await.unwrap()).await);
        assert!(one_told.starts_with(PLAN) && other_told.starts_with(PLAN), "{one}: {one_told}\n{other}: {other_told}");
        assert_ne!(one_told, other_told, "{one}\n{other}");
    }
}
