//! Rows as lines of JSON files, written as `to_json` writes structs.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StructArray};

use super::options::Options;
use super::write::JsonStyle;
use super::writer::Writer;
use crate::types::{SparkType, from_field};
use crate::{Result, Settings};

/// How lines of JSON files are written.
pub struct JsonWriter<'a> {
    style: JsonStyle<'a>,
}

impl<'a> JsonWriter<'a> {
    /// By the options of the files.
    ///
    /// # Errors
    /// For options that have no such value.
    pub fn new(options: &BTreeMap<String, String>, settings: &'a Settings) -> Result<Self> {
        let mut options = options.clone();
        // A line is one object.
        options.retain(|name, _| !name.eq_ignore_ascii_case("pretty"));
        Ok(Self { style: JsonStyle::new(&Options::of_files(&options), settings)? })
    }

    /// The rows of a batch, a line each.
    ///
    /// # Errors
    /// For values that a format of dates or times cannot say.
    pub fn lines(&self, batch: &RecordBatch) -> Result<String> {
        let data_type = SparkType::Struct(batch.schema().fields().iter().map(|field| from_field(field)).collect());
        let rows: ArrayRef = Arc::new(StructArray::from(batch.clone()));
        let mut lines = String::new();
        for row in 0..rows.len() {
            let mut writer = Writer::new(false, self.style.ascii);
            self.style.value(&mut writer, &rows, row, &data_type)?;
            lines.push_str(&writer.out);
            lines.push('\n');
        }
        Ok(lines)
    }
}
