//! The names of the programming interface beside PySpark's: the tables of docs/dataframe.md are printed from the sources, from the
//! names that PySpark has (`pyspark.tsv`, which `record.py` prints) and from `remarks.tsv`.

mod functions;
mod sources;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use functions::{free, snake};

/// PySpark's classes, and the types of ours that stand for them.
const CLASSES: [(&str, &str); 17] = [
    ("DataFrame", "DataFrame"),
    ("Column", "Column"),
    ("GroupedData", "GroupedData"),
    ("DataFrameNaFunctions", "NaFunctions"),
    ("DataFrameStatFunctions", "StatFunctions"),
    ("Window", "Window"),
    ("WindowSpec", "WindowSpec"),
    ("Catalog", "Catalog"),
    ("DataFrameReader", "DataFrameReader"),
    ("DataFrameWriter", "DataFrameWriter"),
    ("DataFrameWriterV2", "DataFrameWriterV2"),
    ("DataStreamReader", "DataStreamReader"),
    ("DataStreamWriter", "DataStreamWriter"),
    ("StreamingQuery", "StreamingQuery"),
    ("SparkSession", "Session"),
    ("Builder", "SessionBuilder"),
    ("functions", "functions"),
];

const MARK: &str = "<!-- What follows is printed by tests/it/api_names; UPDATE_EXPECT=1 prints it anew. -->\n";

/// Lines of tab-separated texts, without the first.
fn lines(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// (the tables, what is wrong)
fn printed() -> (String, Vec<String>) {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/api_names");
    let mut spark: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines(&here.join("pyspark.tsv")) {
        let [class, name, ..] = line.as_slice() else { panic!("a name is `class<tab>name<tab>parameters`: {line:?}") };
        spark.entry(class.clone()).or_default().push(name.clone());
    }
    let mut remarks: BTreeMap<(String, String), (String, String)> = BTreeMap::new();
    for line in lines(&here.join("remarks.tsv")) {
        let [class, name, ours, remark] = line.as_slice() else { panic!("a remark is `class<tab>name<tab>ours<tab>remark`: {line:?}") };
        for name in name.split(' ') {
            remarks.insert((class.clone(), name.to_owned()), (ours.clone(), remark.clone()));
        }
    }
    let ours = sources::names();
    let has = |rust: &str, name: &str| ours.get(rust).is_some_and(|names| names.contains(name));
    let (mut text, mut wrong) = (String::new(), Vec::new());
    for (class, rust) in CLASSES {
        let names = spark.get(class).unwrap_or_else(|| panic!("PySpark's names of {class} are not recorded"));
        let (mut table, mut there) = (String::new(), 0);
        for name in names {
            let by_rule = [snake(name), free(&snake(name)), format!("{}_", snake(name))].into_iter().find(|name| has(rust, name));
            let (said, remark) = remarks.remove(&(class.to_owned(), name.clone())).unwrap_or_default();
            let mut shown = by_rule;
            if !said.is_empty() {
                let (of, plain) = said.split_once("::").unwrap_or((rust, said.as_str()));
                if !has(of, plain) {
                    wrong.push(format!("remarks.tsv: {class}.{name} is said to be `{said}`, which is not there"));
                }
                shown = Some(said);
            }
            if shown.is_none() && remark.is_empty() {
                wrong.push(format!("{class}.{name} is neither there nor in remarks.tsv"));
            }
            there += usize::from(shown.is_some());
            let shown = shown.map_or_else(|| "–".to_owned(), |name| format!("`{name}`"));
            let remark = if remark.is_empty() { String::new() } else { format!(" {remark}") };
            let _ = writeln!(table, "| `{name}` | {shown} |{remark} |");
        }
        let of = if class == "functions" { "`functions`".to_owned() } else { format!("`{class}`: `{rust}`") };
        let _ = write!(text, "\n## {of}\n\n{there} of {} names.\n\n| PySpark | Tidemill | |\n|---|---|---|\n{table}", names.len());
    }
    wrong.extend(remarks.keys().map(|(class, name)| format!("remarks.tsv: PySpark has no {class}.{name}")));
    (text, wrong)
}

#[test]
fn every_name_of_pyspark_is_there_or_has_a_reason() {
    let (tables, wrong) = printed();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/dataframe.md");
    let there = std::fs::read_to_string(&path).expect("docs/dataframe.md is there");
    let (head, _) = there.split_once(MARK).expect("docs/dataframe.md has the mark under which names are printed");
    let expected = format!("{head}{MARK}{tables}");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &expected).expect("docs can be written");
    } else {
        assert!(there == expected, "docs/dataframe.md differs from the sources: run this test with UPDATE_EXPECT=1");
    }
}
