//! Folders `a=1` that nobody declared: which columns they stand for, of which types, and each file's values. It opens no file.
//! Source: Spark's "Partition Discovery", and `PartitioningUtils` for the types.

use std::collections::BTreeSet;
use std::path::PathBuf;

use arrow::datatypes::Schema;
use tidemill_spark::Settings;
use tidemill_spark::error::error;
use tidemill_spark::types::{SparkType, StructField, from_field};

use super::files::{data_files, local_path, not_there};
use super::partition::{typed_value, values_of};
use super::table_file::{FileAt, TableFile};
use crate::session::Session;
use crate::stores::{StoredPath, data_objects};
use tidemill_planner::{Error, Result};

/// Files, and the columns that their folders stand for.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) files: Vec<TableFile>,
    pub(crate) partitions: Vec<StructField>,
}

/// Where a path that a program names leads.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Local(String),
    Stored(StoredPath),
}

impl Place {
    /// The place of a path.
    ///
    /// # Errors
    /// Those of [`Session::stored`].
    pub(crate) fn of(session: &Session, path: &str) -> Result<Self> {
        Ok(session.stored(path)?.map_or_else(|| Self::Local(path.to_owned()), Self::Stored))
    }

    /// Those of several paths.
    ///
    /// # Errors
    /// As [`Place::of`].
    pub(crate) fn of_all(session: &Session, paths: &[&str]) -> Result<Vec<Self>> {
        paths.iter().map(|path| Self::of(session, path)).collect()
    }

    /// For messages.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Local(path) => path.clone(),
            Self::Stored(at) => at.shown(),
        }
    }

    fn path(&self) -> Result<PathBuf> {
        match self {
            Self::Local(path) => local_path(path),
            Self::Stored(at) => Ok(at.path()),
        }
    }

    /// The data files there.
    async fn files(&self) -> Result<Vec<FileAt>> {
        match self {
            Self::Local(path) => Ok(data_files(path)?.into_iter().map(|path| FileAt { path, object: None }).collect()),
            Self::Stored(at) => {
                let objects = data_objects(at).await?.ok_or_else(|| not_there(&at.path()))?;
                Ok(objects.into_iter().map(|object| FileAt { path: object.path(), object: Some(object) }).collect())
            }
        }
    }
}

/// A file and what its folders say: names of columns with values as text.
type Placed = (FileAt, Vec<(String, Option<String>)>);

/// The data files at `paths`. A folder `a=1` below one of them, or below `base` if that is given, stands for a column `a`, of the type that
/// `declared` says, else of one that all its values have.
///
/// # Errors
/// `PATH_NOT_FOUND`; `CONFLICTING_PARTITION_COLUMN_NAMES` when files lie in folders of different columns; `INVALID_PARTITION_VALUE` for a
/// folder whose value is none of the declared type.
pub(crate) async fn found_at(places: &[Place], base: Option<&Place>, declared: Option<&Schema>, settings: &Settings) -> Result<Found> {
    let base = base.map(Place::path).transpose()?;
    let mut placed: Vec<Placed> = Vec::new();
    for place in places {
        let at = place.path()?;
        let base = base.as_deref().unwrap_or(&at);
        if !at.starts_with(base) {
            return Err(Error::analysis(format!("`basePath` {} is no folder around {}: name one that is", base.display(), at.display())));
        }
        for file in place.files().await? {
            let values = values_of(&file.path, base);
            if values.iter().any(|(name, _)| name.is_empty()) {
                return Err(Error::data(format!("{file}: a folder `=…` stands for a column without a name: rename it")));
            }
            placed.push((file, values));
        }
    }
    in_one_store(&placed)?;
    let names = column_names(&placed, settings)?;
    let infers = settings.flag("spark.sql.sources.partitionColumnTypeInference.enabled", true)?;
    let mut partitions = Vec::with_capacity(names.len());
    for (at, name) in names.iter().enumerate() {
        let declared = declared.and_then(|schema| schema.fields().iter().find(|field| settings.same(field.name(), name)));
        partitions.push(match declared {
            Some(field) => from_field(field).with_nullable(true),
            None => {
                let texts: BTreeSet<Option<&str>> =
                    placed.iter().map(|(_, values)| values.get(at).and_then(|(_, v)| v.as_deref())).collect();
                StructField::new(name.clone(), if infers { common_type(texts.into_iter().flatten(), settings) } else { SparkType::String })
            }
        });
    }
    let mut files = Vec::with_capacity(placed.len());
    for (FileAt { path, object }, texts) in placed {
        let values = partitions.iter().zip(&texts).map(|(field, (_, text))| typed_value(text.as_deref(), &field.data_type, settings));
        let values = values.collect::<Result<_>>()?;
        files.push(TableFile { path, object, values });
    }
    Ok(Found { files, partitions })
}

/// Refuses files of several stores: one scan reads from one.
fn in_one_store(placed: &[Placed]) -> Result<()> {
    let url = |file: &FileAt| file.object.as_ref().map(|object| object.url.as_str().to_owned());
    let Some((first, _)) = placed.first() else { return Ok(()) };
    match placed.iter().find(|(file, _)| url(file) != url(first)) {
        None => Ok(()),
        Some((other, _)) => {
            Err(Error::unsupported(format!("{first} and {other} lie in two stores: read them apart, and combine them with `union`")))
        }
    }
}

/// The columns that all files' folders stand for.
fn column_names(placed: &[Placed], settings: &Settings) -> Result<Vec<String>> {
    let names = |values: &[(String, Option<String>)]| values.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let Some((first, values)) = placed.first() else { return Ok(Vec::new()) };
    let of_first = names(values);
    for (file, values) in placed {
        let same = values.len() == of_first.len() && values.iter().zip(&of_first).all(|((name, _), first)| settings.same(name, first));
        if !same {
            let shown = |names: Vec<String>| if names.is_empty() { "no column".to_owned() } else { names.join(", ") };
            return Err(error(
                "CONFLICTING_PARTITION_COLUMN_NAMES",
                format!(
                    "{} lies in folders of {}, and {} in folders of {}: read them one by one, or move them",
                    first,
                    shown(of_first),
                    file,
                    shown(names(values))
                ),
            ));
        }
    }
    for (at, name) in of_first.iter().enumerate() {
        if of_first.iter().take(at).any(|other| settings.same(other, name)) {
            let message = format!("{first} lies in two folders of the column `{name}`: rename one");
            return Err(error("CONFLICTING_PARTITION_COLUMN_NAMES", message));
        }
    }
    Ok(of_first)
}

/// The narrowest type that holds what all texts say; text if there is none, or nothing to tell it by.
fn common_type<'a>(texts: impl Iterator<Item = &'a str>, settings: &Settings) -> SparkType {
    let types: Option<Vec<SparkType>> = texts.map(|text| type_of(text, settings)).collect();
    types.unwrap_or_default().into_iter().reduce(wider).unwrap_or(SparkType::String)
}

fn wider(one: SparkType, other: SparkType) -> SparkType {
    use SparkType as S;
    let digits = |of: &SparkType| match of {
        S::Integer => Some(10),
        S::Long => Some(20),
        S::Decimal(precision, 0) => Some(*precision),
        _ => None,
    };
    match (&one, &other) {
        _ if one == other => one,
        (S::Integer, S::Long) | (S::Long, S::Integer) => S::Long,
        (S::Integer, S::Double) | (S::Double, S::Integer) => S::Double,
        (S::Date, S::Timestamp | S::TimestampNtz) => other,
        (S::Timestamp | S::TimestampNtz, S::Date) => one,
        // Doubles do not hold every long number and decimal.
        _ => match (digits(&one), digits(&other)) {
            (Some(one), Some(other)) => S::Decimal(one.max(other), 0),
            _ => S::String,
        },
    }
}

/// What a text alone would be; None for text. Unlike Spark, which asks Java, `1d` and `1f` are no numbers: their letter would be lost.
fn type_of(text: &str, settings: &Settings) -> Option<SparkType> {
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    if number.bytes().all(|b| b.is_ascii_digit()) && !number.is_empty() {
        if text.parse::<i32>().is_ok() {
            return Some(SparkType::Integer);
        }
        if text.parse::<i64>().is_ok() {
            return Some(SparkType::Long);
        }
        let digits = number.trim_start_matches('0').len();
        return Some(if digits <= 38 { SparkType::Decimal(u8::try_from(digits).unwrap_or(38), 0) } else { SparkType::Double });
    }
    let is_fraction = number.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && number.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b))
        && number.parse::<f64>().is_ok();
    if is_fraction || matches!(number, "NaN" | "Infinity") {
        return Some(SparkType::Double);
    }
    let is_of = |data_type: &SparkType| typed_value(Some(text), data_type, settings).is_ok();
    let has_form = |form: &str| {
        text.len() == form.len() && text.bytes().zip(form.bytes()).all(|(b, f)| if f == b'0' { b.is_ascii_digit() } else { b == f })
    };
    if has_form("0000-00-00") {
        return Some(SparkType::Date).filter(is_of);
    }
    let (second, fraction) = text.split_once('.').map_or((text, "0"), |(second, fraction)| (second, fraction));
    let has_time =
        text.len() >= 19 && second.len() == 19 && (1..=9).contains(&fraction.len()) && fraction.bytes().all(|b| b.is_ascii_digit());
    let time = if settings.timestamp_is_ntz { SparkType::TimestampNtz } else { SparkType::Timestamp };
    let form = "0000-00-00 00:00:00";
    let fits = second.bytes().zip(form.bytes()).all(|(b, f)| if f == b'0' { b.is_ascii_digit() } else { b == f });
    (has_time && fits).then_some(time).filter(is_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types() {
        let settings = Settings::default();
        let long = "9".repeat(25);
        for (texts, expected) in [
            (vec!["1", "-7", "+3", "007"], "int"),
            (vec!["1", "2147483648"], "bigint"),
            (vec!["1", &long], "decimal(25,0)"),
            (vec!["9223372036854775807", &long], "decimal(25,0)"),
            (vec!["1", "1.5"], "double"),
            (vec!["1e3", "NaN", "-Infinity"], "double"),
            (vec!["1.5", "2147483648"], "string"),
            (vec!["2147483648", "1", "1.5"], "string"),
            (vec!["2024-01-31"], "date"),
            (vec!["2024-01-31", "2024-01-31 10:00:00.25"], "timestamp"),
            (vec!["2024-02-30"], "string"),
            (vec!["2024-1-31"], "string"),
            (vec!["2024-01-31", "1"], "string"),
            (vec!["1", "x"], "string"),
            (vec!["1d", "2f"], "string"),
            (vec!["inf"], "string"),
            (vec!["--1"], "string"),
            (vec!["+-1"], "string"),
            (vec!["-.5", "+1."], "double"),
            (vec!["true"], "string"),
            (vec![], "string"),
        ] {
            assert_eq!(common_type(texts.iter().copied(), &settings).to_string(), expected, "{texts:?}");
        }
    }
}
