//! Whether a commit that was planned at one version may stand at a later one. A pure decision over what both sides did.
//!
//! | we | they did meanwhile | decision |
//! |---|---|---|
//! | anything | changed the table's columns or properties | refuse, or run again where we had read |
//! | remove a file | removed it too | run again |
//! | read keys | added a file that may hold one of them, or removed a file that held one | run again |
//! | replace everything | added or removed any file | run again |
//! | append | added, removed, compacted | commit: the same files, at the next version |

use arrow::datatypes::SchemaRef;
use datafusion::common::ScalarValue;

use crate::log::actions::{Add, Line, Metadata};
use crate::log::replay::DataFile;

/// What a commit's plan depends on.
#[derive(Debug, Clone)]
pub(crate) enum Reads {
    /// Nothing: a blind append.
    Nothing,
    /// Rows whose keys lie in these ranges, found in these files.
    Keys {
        ranges: Vec<KeyRange>,
        /// Files with a matching row, rewritten or not.
        files: Vec<String>,
    },
    /// The list of all files.
    Everything,
}

/// The range of one key column; `None` where the keys are all null and match nothing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeyRange {
    pub(crate) column: String,
    pub(crate) bounds: Option<(ScalarValue, ScalarValue)>,
}

impl KeyRange {
    /// Whether a file may hold a key of every one of the ranges.
    pub(crate) fn may_match(ranges: &[Self], file: &DataFile, schema: &SchemaRef) -> bool {
        let stats = file.stats(schema);
        ranges.iter().all(|range| {
            let Some((low, high)) = &range.bounds else { return false };
            let Some(column) = stats.columns.get(&range.column) else { return true };
            let below = column.max.as_ref().and_then(|max| max.partial_cmp(low)).is_some_and(|order| order.is_lt());
            let above = column.min.as_ref().and_then(|min| min.partial_cmp(high)).is_some_and(|order| order.is_gt());
            let only_nulls = column.null_count.is_some() && column.null_count == stats.num_records;
            !(below || above || only_nulls)
        })
    }
}

/// Our commit, as far as it can collide.
#[derive(Debug)]
pub(crate) struct Ours<'a> {
    pub(crate) removes: &'a [String],
    pub(crate) reads: &'a Reads,
    pub(crate) metadata: &'a Metadata,
}

/// A commit that came first, as far as it can collide.
#[derive(Debug, Default)]
pub(crate) struct Theirs {
    pub(crate) adds: Vec<DataFile>,
    pub(crate) removes: Vec<String>,
}

impl Theirs {
    pub(crate) fn of(lines: &[Line]) -> Self {
        let mut theirs = Self::default();
        for line in lines {
            theirs.adds.extend(line.add.clone().map(|add: Add| DataFile::new(add)));
            theirs.removes.extend(line.remove.as_ref().map(|remove| remove.key()));
        }
        theirs
    }
}

/// What to do with our commit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It may stand at the next version as it is.
    Commit,
    /// Plan it again on the new snapshot.
    RunAgain(String),
    /// It cannot stand, and planning it again is not ours to do.
    Refuse(String),
}

/// Decides about `ours` after all of `theirs`. `now` is the table's metadata after them, `active` says which files it holds.
pub(crate) fn conflicts(ours: &Ours<'_>, theirs: &[Theirs], now: &Metadata, schema: &SchemaRef, active: &dyn Fn(&str) -> bool) -> Decision {
    if now.id != ours.metadata.id {
        return Decision::Refuse(format!("the table was dropped and made anew: its id was {}, it is {} now", ours.metadata.id, now.id));
    }
    if now != ours.metadata {
        let why = "the table's columns or properties were changed meanwhile";
        return match ours.reads {
            Reads::Nothing => Decision::Refuse(format!("{why}; write the rows again")),
            _ => Decision::RunAgain(why.to_owned()),
        };
    }
    if let Some(gone) = ours.removes.iter().find(|key| !active(key)) {
        return Decision::RunAgain(format!("file {gone} is no longer in the table"));
    }
    match ours.reads {
        Reads::Nothing => Decision::Commit,
        Reads::Everything => match theirs.iter().any(|t| !t.adds.is_empty() || !t.removes.is_empty()) {
            true => Decision::RunAgain("files were added or removed meanwhile".to_owned()),
            false => Decision::Commit,
        },
        Reads::Keys { ranges, files } => {
            let removed = theirs.iter().flat_map(|t| &t.removes).find(|key| files.contains(key));
            if let Some(file) = removed {
                return Decision::RunAgain(format!("file {file}, which held matching rows, was removed meanwhile"));
            }
            let added = theirs.iter().flat_map(|t| &t.adds).find(|file| KeyRange::may_match(ranges, file, schema));
            match added {
                Some(file) => Decision::RunAgain(format!("file {}, added meanwhile, may hold matching rows", file.add().path)),
                None => Decision::Commit,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field, Schema};

    fn add(path: &str, min: i64, max: i64) -> DataFile {
        let stats = format!(r#"{{"numRecords":2,"minValues":{{"k":{min}}},"maxValues":{{"k":{max}}},"nullCount":{{"k":0}}}}"#);
        DataFile::new(Add { path: path.into(), stats: Some(stats), ..Add::default() })
    }

    fn keys(low: i64, high: i64, files: &[&str]) -> Reads {
        let bounds = Some((ScalarValue::Int64(Some(low)), ScalarValue::Int64(Some(high))));
        let ranges = vec![KeyRange { column: "k".into(), bounds }];
        Reads::Keys { ranges, files: files.iter().map(|f| (*f).to_owned()).collect() }
    }

    #[test]
    fn table_of_cases() {
        let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("k", DataType::Int64, true)]));
        let planned = Metadata { id: "t".into(), ..Metadata::default() };
        let renamed = Metadata { description: Some("x".into()), ..planned.clone() };
        let made_anew = Metadata { id: "u".into(), ..planned.clone() };
        let nothing = || Theirs::default();
        let appended = |min, max| Theirs { adds: vec![add("new", min, max)], removes: vec![] };
        let removed = |path: &str| Theirs { adds: vec![], removes: vec![path.to_owned()] };
        let compacted = || Theirs { adds: vec![add("whole", 0, 100)], removes: vec!["a".into(), "b".into()] };
        // Ours: what we read, what we remove; theirs; the metadata after them; the decision's first word.
        type Case<'a> = (&'a str, Reads, &'a [&'a str], Vec<Theirs>, &'a Metadata, &'a str);
        let cases: Vec<Case<'_>> = vec![
            ("append after append", Reads::Nothing, &[], vec![appended(0, 9)], &planned, "Commit"),
            ("append after compaction", Reads::Nothing, &[], vec![compacted()], &planned, "Commit"),
            ("append after delete", Reads::Nothing, &[], vec![removed("a")], &planned, "Commit"),
            ("append after a change of columns", Reads::Nothing, &[], vec![nothing()], &renamed, "Refuse"),
            ("append after drop and create", Reads::Nothing, &[], vec![nothing()], &made_anew, "Refuse"),
            ("merge after nothing", keys(1, 5, &["a"]), &["a"], vec![], &planned, "Commit"),
            ("merge after append elsewhere", keys(1, 5, &["a"]), &["a"], vec![appended(6, 9)], &planned, "Commit"),
            ("merge after append that may match", keys(1, 5, &["a"]), &["a"], vec![appended(5, 9)], &planned, "RunAgain"),
            ("insert-only merge after append of the key", keys(1, 5, &[]), &[], vec![appended(1, 1)], &planned, "RunAgain"),
            ("merge after its file was removed", keys(1, 5, &["a"]), &["a"], vec![removed("a")], &planned, "RunAgain"),
            ("merge after a file was removed whose match it left alone", keys(1, 5, &["b"]), &[], vec![removed("b")], &planned, "RunAgain"),
            ("merge after another file was removed", keys(1, 5, &["a"]), &["a"], vec![removed("z")], &planned, "Commit"),
            ("merge after compaction", keys(1, 5, &["a"]), &["a"], vec![compacted()], &planned, "RunAgain"),
            ("merge after a change of columns", keys(1, 5, &["a"]), &["a"], vec![], &renamed, "RunAgain"),
            ("overwrite after append", Reads::Everything, &["a", "b"], vec![appended(0, 9)], &planned, "RunAgain"),
            ("overwrite after overwrite", Reads::Everything, &["a", "b"], vec![compacted()], &planned, "RunAgain"),
            ("overwrite after a commit without files", Reads::Everything, &["a", "b"], vec![nothing()], &planned, "Commit"),
        ];
        for (name, reads, removes, theirs, now, wanted) in cases {
            let removes: Vec<String> = removes.iter().map(|r| (*r).to_owned()).collect();
            let active = |key: &str| !theirs.iter().any(|t| t.removes.iter().any(|r| r == key));
            let ours = Ours { removes: &removes, reads: &reads, metadata: &planned };
            let decision = conflicts(&ours, &theirs, now, &schema, &active);
            assert!(format!("{decision:?}").starts_with(wanted), "{name}: {decision:?}");
        }
    }
}
