//! The tables that Spark's suite makes before it runs a file.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int32Array, RecordBatch, StringArray};
use tidemill::{DataFrame, Result, Session};

/// Whole numbers first, then text.
const WIDE: [&str; 16] = [
    "unique1",
    "unique2",
    "two",
    "four",
    "ten",
    "twenty",
    "hundred",
    "thousand",
    "twothousand",
    "fivethous",
    "tenthous",
    "odd",
    "even",
    "stringu1",
    "stringu2",
    "string4",
];

const FIRST_TEXT: usize = 13;

const NAMES: [&str; 6] = ["testdata", "arraydata", "mapdata", "aggtest", "onek", "tenk1"];

/// The names of the tables that the text may mean.
pub(super) fn meant_in(text: &str) -> Vec<&'static str> {
    NAMES.into_iter().filter(|name| has_word(text, name)).collect()
}

/// Whether the word stands in the text, in any case.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found.eq_ignore_ascii_case(word))
}

/// Makes one of the tables.
pub(super) async fn make(session: &Session, data: &Path, name: &str) -> Result<()> {
    let rows = match name {
        "testdata" => session.sql("SELECT CAST(id AS INT) AS key, CAST(id AS STRING) AS value FROM range(1, 101)").await?,
        "arraydata" => {
            let first = "(array(1, 2, 3), array(array(1, 2, 3)))";
            let second = "(array(2, 3, 4), array(array(2, 3, 4)))";
            session.sql(&format!("SELECT * FROM VALUES {first}, {second} AS t(arraycol, nestedarraycol)")).await?
        }
        "mapdata" => session.sql(&format!("SELECT * FROM VALUES {} AS t(mapcol)", maps().join(", "))).await?,
        "aggtest" => numbers(session, data)?,
        "onek" => wide(session, &data.join("onek.data"))?,
        _ => wide(session, &data.join("tenk.data"))?,
    };
    provide(session, name, &rows).await
}

/// As a table of the catalog where it takes one, else as a temporary view.
async fn provide(session: &Session, name: &str, rows: &DataFrame) -> Result<()> {
    let source = format!("{name}_rows");
    rows.create_or_replace_temp_view(&source)?;
    let made = session.sql(&format!("CREATE TABLE {name} USING parquet AS SELECT * FROM {source}")).await;
    session.drop_temp_view(&source);
    match made {
        Ok(_) => Ok(()),
        Err(_) => rows.create_or_replace_temp_view(name),
    }
}

/// Five maps, each with one entry fewer than the one before: `1 -> a1, …, 5 -> e1`, then `1 -> a2, …, 4 -> d2`, and so on.
fn maps() -> Vec<String> {
    let row = |row: usize| {
        let pairs = "abcde".chars().zip(1..).take(6 - row).map(|(letter, key)| format!("{key}, '{letter}{row}'"));
        format!("(map({}))", pairs.collect::<Vec<_>>().join(", "))
    };
    (1..=5).map(row).collect()
}

fn lines(file: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}; remove the folder to fetch it again", file.display()));
    text.lines().filter(|line| !line.is_empty()).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

fn numbers(session: &Session, data: &Path) -> Result<DataFrame> {
    let lines = lines(&data.join("agg.data"));
    let a: Int32Array = lines.iter().map(|line| line.first()?.parse::<i32>().ok()).collect();
    let b: Float32Array = lines.iter().map(|line| line.get(1)?.parse::<f32>().ok()).collect();
    let columns: [(&str, ArrayRef, bool); 2] = [("a", Arc::new(a), true), ("b", Arc::new(b), true)];
    session.create_dataframe(vec![RecordBatch::try_from_iter_with_nullable(columns)?])
}

fn wide(session: &Session, file: &Path) -> Result<DataFrame> {
    let lines = lines(file);
    let column = |(at, name): (usize, &&'static str)| -> (&'static str, ArrayRef, bool) {
        if at < FIRST_TEXT {
            let values: Int32Array = lines.iter().map(|line| line.get(at)?.parse::<i32>().ok()).collect();
            return (*name, Arc::new(values), true);
        }
        let values: StringArray = lines.iter().map(|line| line.get(at)).collect();
        (*name, Arc::new(values), true)
    };
    session.create_dataframe(vec![RecordBatch::try_from_iter_with_nullable(WIDE.iter().enumerate().map(column))?])
}

#[test]
fn maps_lose_an_entry_each() {
    assert_eq!(maps()[3..], ["(map(1, 'a4', 2, 'b4'))", "(map(1, 'a5'))"]);
}

#[test]
fn tables_are_found_by_whole_words() {
    let text = "SELECT * FROM TestData t JOIN tenk1 USING (k)";
    assert_eq!(meant_in(text), ["testdata", "tenk1"]);
    assert!(meant_in("SELECT testdata_2, my_onek FROM t").is_empty());
}
