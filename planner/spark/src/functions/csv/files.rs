//! Records of CSV files: read as `from_csv` reads text, written as `to_csv` writes structs, and the columns that they have.
//!
//! Source: Spark, `UnivocityParser.scala`, `CSVInferSchema.scala`, `CSVUtils.scala`.

use std::collections::BTreeMap;

use arrow::array::{ArrayRef, RecordBatch};

use super::convert::Parser;
use super::infer::infer;
use super::write::Style;
use crate::error::error;
use crate::functions::corrupt_records::{ParseMode, corrupt_record_column};
use crate::functions::json::options::Options;
use crate::functions::json::values::{Value, array_of};
use crate::types::{SparkType, StructField, from_field};
use crate::{Result, Settings};

/// Reads records of CSV files.
#[derive(Debug)]
pub struct CsvReader {
    parser: Parser,
    fields: Vec<StructField>,
    /// The place of the column that takes the text of records that do not fit; records have no value for it.
    corrupt: Option<usize>,
    mode: ParseMode,
}

impl CsvReader {
    /// Records of these columns, by the options of the files.
    ///
    /// # Errors
    /// For options that have no such value, and columns that CSV does not hold.
    pub fn new(options: &BTreeMap<String, String>, fields: Vec<StructField>, settings: &Settings) -> Result<Self> {
        if let Some(field) = fields.iter().find(|field| field.data_type.is_nested()) {
            let message =
                format!("csv files do not hold the column `{}` of type \"{}\": choose another type", field.name, field.data_type.sql());
            return Err(error("UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", message));
        }
        let mut given = options.clone();
        given.retain(|name, _| !name.eq_ignore_ascii_case("mode"));
        let (mode, corrupt) = (ParseMode::of(options)?, corrupt_record_column(options, &fields, settings)?);
        Ok(Self { parser: Parser::new(&Options::of_files(&given), settings)?, fields, corrupt, mode })
    }

    /// Whether a line holds a record, as the line of the names does.
    pub fn holds_record(&self, line: &str) -> bool {
        self.parser.format.holds_record(line)
    }

    /// The records in these lines, as columns.
    ///
    /// # Errors
    /// `MALFORMED_RECORD_IN_PARSING` in the mode FAILFAST.
    pub fn read<'l>(&self, lines: impl Iterator<Item = &'l str>) -> Result<(usize, Vec<ArrayRef>)> {
        let fields: Vec<&StructField> = self.fields.iter().collect();
        let mut in_records = fields.clone();
        if let Some(corrupt) = self.corrupt {
            in_records.remove(corrupt);
        }
        let mut columns: Vec<Vec<Value>> = vec![Vec::new(); fields.len()];
        let mut rows = 0;
        for line in lines.filter(|line| self.holds_record(line)) {
            let (mut values, good) = self.parser.record(line, &in_records);
            match self.mode {
                ParseMode::DropMalformed if !good => continue,
                ParseMode::FailFast if !good => {
                    let message =
                        format!("the record `{line}` does not fit the columns: correct it, or leave the option `mode` out for nulls");
                    return Err(error("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", message));
                }
                _ => {}
            }
            rows += 1;
            if let Some(corrupt) = self.corrupt {
                values.insert(corrupt, if good { Value::Null } else { Value::Text(line.to_owned()) });
            }
            for (column, value) in columns.iter_mut().zip(values) {
                column.push(value);
            }
        }
        let arrays = columns.into_iter().zip(fields).map(|(column, field)| array_of(column, &field.data_type));
        Ok((rows, arrays.collect::<Result<_>>()?))
    }
}

/// Finds the columns of CSV files, line after line: text, unless the option `inferSchema` asks for types.
#[derive(Debug)]
pub struct CsvColumns {
    parser: Parser,
    header: bool,
    inferred: bool,
    prefer_date: bool,
    settings: Settings,
    /// Those of the first record.
    names: Option<Vec<String>>,
    /// What the values until now have in common.
    types: Vec<Option<SparkType>>,
}

impl CsvColumns {
    /// By the options of the files.
    ///
    /// # Errors
    /// For options that have no such value.
    pub fn new(options: &BTreeMap<String, String>, settings: &Settings) -> Result<Self> {
        let mut given = options.clone();
        given.retain(|name, _| !name.eq_ignore_ascii_case("mode"));
        let options = Options::of_files(&given);
        Ok(Self {
            parser: Parser::new(&options, settings)?,
            header: options.flag("header", false)?,
            inferred: options.flag("inferSchema", false)?,
            prefer_date: options.flag("preferDate", true)?,
            settings: settings.clone(),
            names: None,
            types: Vec::new(),
        })
    }

    /// Whether more lines would change what is found.
    pub fn wants_more(&self) -> bool {
        self.inferred || self.names.is_none()
    }

    /// Looks at the lines of one file, as far as they are needed.
    ///
    /// # Errors
    /// The first that reading a line gives.
    pub fn look_at<L: AsRef<str>>(&mut self, lines: impl IntoIterator<Item = Result<L>>) -> Result<()> {
        let mut is_first = true;
        for line in lines {
            let line = line?;
            let line = line.as_ref();
            if !self.parser.format.holds_record(line) {
                continue;
            }
            if self.names.is_none() {
                let tokens = self.parser.format.split(line).unwrap_or_default();
                self.types = vec![None; tokens.len()];
                self.names = Some(if self.header { safe_names(&tokens) } else { (0..tokens.len()).map(|i| format!("_c{i}")).collect() });
            }
            if !self.inferred {
                break;
            }
            if !(self.header && is_first) {
                self.note(line);
            }
            is_first = false;
        }
        Ok(())
    }

    fn note(&mut self, record: &str) {
        for (known, text) in self.types.iter_mut().zip(self.parser.format.split(record).unwrap_or_default()) {
            if !text.is_empty() && text != self.parser.format.null() {
                let found = infer(&text, &self.parser, self.prefer_date, &self.settings);
                *known = Some(known.take().map_or(found.clone(), |known| common(known, found)));
            }
        }
    }

    /// What was found; no column if no line held a record.
    pub fn finish(self) -> Vec<StructField> {
        let columns = self.names.unwrap_or_default().into_iter().zip(self.types);
        columns.map(|(name, data_type)| StructField::new(name, data_type.unwrap_or(SparkType::String))).collect()
    }
}

/// The names of a header: `_c1` where there is none, and those that are there twice with their place.
fn safe_names(tokens: &[String]) -> Vec<String> {
    let folded: Vec<String> = tokens.iter().map(|token| token.to_lowercase()).collect();
    let is_double = |name: &String| folded.iter().filter(|other| *other == name).count() > 1;
    tokens
        .iter()
        .zip(&folded)
        .enumerate()
        .map(|(i, (token, folded))| match token.as_str() {
            "" => format!("_c{i}"),
            token if is_double(folded) => format!("{token}{i}"),
            token => token.to_owned(),
        })
        .collect()
}

/// The type of values of two types.
fn common(left: SparkType, right: SparkType) -> SparkType {
    use SparkType::{Date, Decimal, Double, Integer, Long, String, Timestamp};
    match (left, right) {
        (left, right) if left == right => left,
        (Integer, Long) | (Long, Integer) => Long,
        (Integer | Long | Decimal(..), Double) | (Double, Integer | Long | Decimal(..)) => Double,
        (Decimal(p, s), Integer | Long) | (Integer | Long, Decimal(p, s)) => Decimal(p.max(20), s),
        (Decimal(p1, s), Decimal(p2, _)) => Decimal(p1.max(p2), s),
        (Date, Timestamp) | (Timestamp, Date) => Timestamp,
        _ => String,
    }
}

/// Writes records of CSV files.
pub struct CsvWriter<'a> {
    style: Style<'a>,
}

impl<'a> CsvWriter<'a> {
    /// By the options of the files.
    ///
    /// # Errors
    /// For options that have no such value.
    pub fn new(options: &BTreeMap<String, String>, settings: &'a Settings) -> Result<Self> {
        Ok(Self { style: Style::new(&Options::of_files(options), settings)? })
    }

    /// The line of the columns' names.
    pub fn header<'n>(&self, names: impl Iterator<Item = &'n str>) -> String {
        let names: Vec<Option<String>> = names.map(|name| Some(name.to_owned())).collect();
        format!("{}\n", self.style.format.join(&names))
    }

    /// The rows of a batch, a line each.
    ///
    /// # Errors
    /// For values that a format of dates or times cannot say.
    pub fn lines(&self, batch: &RecordBatch) -> Result<String> {
        let types: Vec<SparkType> = batch.schema().fields().iter().map(|field| from_field(field).data_type).collect();
        let mut lines = String::new();
        for row in 0..batch.num_rows() {
            let values = batch.columns().iter().zip(&types).map(|(column, data_type)| self.style.value(column, row, data_type));
            lines.push_str(&self.style.format.join(&values.collect::<Result<Vec<_>>>()?));
            lines.push('\n');
        }
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;

    use super::*;

    #[test]
    fn columns_of_files() {
        let options = |text: &str| -> BTreeMap<String, String> {
            text.split_whitespace().filter_map(|pair| pair.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
        };
        for (given, files, expected) in [
            ("", &["1,x\n2,y\n"][..], "_c0 STRING, _c1 STRING"),
            ("header=true", &["a,b,\n1,2,3\n"], "a STRING, b STRING, _c2 STRING"),
            ("header=true inferSchema=true", &["\na,A\n1,2.5\n", "a,b\n30000000000,\n"], "a0 BIGINT, A1 DOUBLE"),
            ("inferSchema=true", &["1,2020-01-01\n,2020-01-01 10:00:00\n"], "_c0 INT, _c1 TIMESTAMP"),
            ("inferSchema=true sep=;", &["1;true\nx;false"], "_c0 STRING, _c1 BOOLEAN"),
            ("", &["", "\n"], ""),
        ] {
            let mut columns = CsvColumns::new(&options(given), &Settings::default()).unwrap();
            files.iter().for_each(|file| columns.look_at(file.lines().map(Ok)).unwrap());
            let columns = columns.finish();
            let shown: Vec<String> = columns.iter().map(|f| format!("{} {}", f.name, f.data_type.sql())).collect();
            assert_eq!(shown.join(", "), expected, "{given} {files:?}");
        }
    }

    #[test]
    fn the_text_of_records_that_do_not_fit() {
        let text = |name: &str| StructField::new(name, SparkType::String);
        let fields = |name: &str| vec![StructField::new("a", SparkType::Integer), text(name), text("b")];
        for (option, mode, expected) in [
            ("_corrupt_record", "PERMISSIVE", vec![None, Some("2"), Some("zz,y"), Some("3,z,9")]),
            ("bad", "PERMISSIVE", vec![None, Some("2"), Some("zz,y"), Some("3,z,9")]),
            ("bad", "DROPMALFORMED", vec![None]),
        ] {
            let options = [("columnNameOfCorruptRecord", option), ("mode", mode)].map(|(n, v)| (n.to_owned(), v.to_owned()));
            let reader = CsvReader::new(&BTreeMap::from(options), fields(option), &Settings::default()).unwrap();
            let (_, columns) = reader.read("1,x\n2\nzz,y\n3,z,9\n".lines()).unwrap();
            let found: Vec<Option<&str>> = columns[1].as_string::<i32>().iter().collect();
            assert_eq!(found, expected, "{option} {mode}");
        }
    }

    #[test]
    fn records_that_do_not_fit() {
        let fields = vec![StructField::new("a", SparkType::Integer), StructField::new("b", SparkType::String)];
        for (mode, lines, rows) in [
            ("PERMISSIVE", "1,x,9\n2\n\nzz,y\n", Some(3)),
            ("DropMalformed", "1,x,9\n2\n3,y\nzz,y\n", Some(1)),
            ("FAILFAST", "1,x\n2\n", None),
            ("nonsense", "", None),
        ] {
            let options = BTreeMap::from([("mode".to_owned(), mode.to_owned())]);
            let read = CsvReader::new(&options, fields.clone(), &Settings::default()).and_then(|reader| reader.read(lines.lines()));
            assert_eq!(read.ok().map(|(rows, _)| rows), rows, "{mode}");
        }
    }
}
