//! What becomes of records of files that do not fit their columns: the option `mode`, and the column that takes their text.
//!
//! Source: Spark, `ParseMode.scala`, `FailureSafeParser.scala`, `ExprUtils.verifyColumnNameOfCorruptRecord`.

use std::collections::BTreeMap;

use super::json::options::Options;
use crate::error::error;
use crate::types::StructField;
use crate::{Error, Result, Settings};

/// What happens to records that do not fit the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ParseMode {
    /// They are rows; what does not fit is null.
    #[default]
    Permissive,
    /// They are left out.
    DropMalformed,
    /// The first ends the query.
    FailFast,
}

impl ParseMode {
    /// What the option `mode` of files says.
    ///
    /// # Errors
    /// `Analysis` for a mode that there is not; Spark takes it for PERMISSIVE with a warning.
    pub fn of(options: &BTreeMap<String, String>) -> Result<Self> {
        let mode = options.iter().find(|(name, _)| name.eq_ignore_ascii_case("mode")).map(|(_, mode)| mode.to_uppercase());
        match mode.as_deref() {
            None | Some("PERMISSIVE") => Ok(Self::Permissive),
            Some("DROPMALFORMED") => Ok(Self::DropMalformed),
            Some("FAILFAST") => Ok(Self::FailFast),
            Some(other) => {
                Err(Error::analysis(format!("the option `mode` is PERMISSIVE, DROPMALFORMED or FAILFAST, not `{other}`: set one")))
            }
        }
    }
}

/// The name of the column that takes the text of such records: the option's, else the setting's.
pub fn corrupt_record_name(options: &BTreeMap<String, String>, settings: &Settings) -> String {
    Options::of_files(options).corrupt_record(settings).to_owned()
}

/// That column's place among the columns, if it is one of them. Its name is matched with regard to case, as in Spark.
///
/// # Errors
/// `INVALID_CORRUPT_RECORD_TYPE` when it is not text that may be null.
pub fn corrupt_record_column(options: &BTreeMap<String, String>, fields: &[StructField], settings: &Settings) -> Result<Option<usize>> {
    let name = corrupt_record_name(options, settings);
    let Some(at) = fields.iter().position(|field| field.name == name) else { return Ok(None) };
    let field = &fields[at];
    if field.data_type.is_string() && field.nullable {
        return Ok(Some(at));
    }
    let not_null = if field.nullable { "" } else { " NOT NULL" };
    let message = format!(
        "the column `{name}` takes the text of records that do not fit, and is \"{}\"{not_null}: make it a string that may be null, or name \
         another column with the option `columnNameOfCorruptRecord`",
        field.data_type.sql()
    );
    Err(error("INVALID_CORRUPT_RECORD_TYPE", message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::SparkType;

    #[test]
    fn the_column_for_records_that_do_not_fit() {
        let text = |name: &str| StructField::new(name, SparkType::String);
        let not_null = StructField { nullable: false, ..text("_corrupt_record") };
        for (option, setting, fields, expected) in [
            (None, None, vec![text("a"), text("_corrupt_record")], Some(Some(1))),
            (None, None, vec![text("a")], Some(None)),
            (None, None, vec![text("_CORRUPT_RECORD")], Some(None)),
            (Some("bad"), None, vec![text("bad"), text("_corrupt_record")], Some(Some(0))),
            (None, Some("bad"), vec![text("_corrupt_record"), text("bad")], Some(Some(1))),
            (Some("worse"), Some("bad"), vec![text("bad"), text("worse")], Some(Some(1))),
            (None, None, vec![StructField::new("_corrupt_record", SparkType::Integer)], None),
            (None, None, vec![not_null], None),
        ] {
            let options: BTreeMap<_, _> =
                option.map(|name: &str| ("COLUMNNAMEOFCORRUPTRECORD".to_owned(), name.to_owned())).into_iter().collect();
            let conf = setting.map(|name: &str| ("spark.sql.columnNameOfCorruptRecord".to_owned(), name.to_owned()));
            let settings = Settings::from_conf(conf.into_iter().collect()).unwrap();
            let found = corrupt_record_column(&options, &fields, &settings);
            assert_eq!(found.ok(), expected, "{option:?} {setting:?} {fields:?}");
        }
    }

    #[test]
    fn modes() {
        for (given, expected) in [
            (None, Some(ParseMode::Permissive)),
            (Some("permissive"), Some(ParseMode::Permissive)),
            (Some("DropMalformed"), Some(ParseMode::DropMalformed)),
            (Some("FAILFAST"), Some(ParseMode::FailFast)),
            (Some("FAILFST"), None),
        ] {
            let options: BTreeMap<_, _> = given.map(|mode: &str| ("Mode".to_owned(), mode.to_owned())).into_iter().collect();
            assert_eq!(ParseMode::of(&options).ok(), expected, "{given:?}");
        }
    }
}
