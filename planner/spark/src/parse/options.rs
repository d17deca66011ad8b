//! The settings that decide how text is read.

use crate::types::TimeZone;
use crate::{Result, Settings};

/// How text is read.
#[derive(Debug, Clone)]
pub struct ParseOptions {
    /// `spark.sql.ansi.enabled`
    pub ansi: bool,
    /// `spark.sql.ansi.enforceReservedKeywords`: reserved words are no names
    pub enforce_reserved_keywords: bool,
    /// `spark.sql.ansi.doubleQuotedIdentifiers`: `"a"` is a name
    pub double_quoted_identifiers: bool,
    /// `spark.sql.ansi.relationPrecedence`: JOIN binds tighter than the comma
    pub ansi_relation_precedence: bool,
    /// `spark.sql.parser.escapedStringLiterals`: a backslash in a string is just that
    pub escaped_string_literals: bool,
    /// `spark.sql.legacy.consecutiveStringLiterals.enabled`: a quote twice is nothing
    pub consecutive_string_literals: bool,
    /// `spark.sql.legacy.exponentLiteralAsDecimal.enabled`: `1e2` is a decimal
    pub exponent_literal_as_decimal: bool,
    /// `spark.sql.legacy.setopsPrecedence.enabled`: INTERSECT binds like UNION
    pub legacy_setops_precedence: bool,
    /// `spark.sql.parser.quotedRegexColumnNames`: a backquoted name may be a pattern
    pub quoted_regex_column_names: bool,
    /// `spark.sql.parser.singleCharacterPipeOperator.enabled`: `|` may stand for `|>`
    pub single_character_pipe: bool,
    /// `spark.sql.legacy.interval.enabled`: intervals are calendar intervals
    pub legacy_interval: bool,
    /// `spark.sql.legacy.bangEqualsNot`: `!` may stand for NOT everywhere
    pub bang_equals_not: bool,
    /// `spark.sql.legacy.charVarcharAsString`: `char(n)` and `varchar(n)` are `string`
    pub char_varchar_as_string: bool,
    /// `spark.sql.preserveCharVarcharTypeInfo`: casts keep `char(n)` and `varchar(n)`
    pub preserve_char_varchar: bool,
    /// `spark.sql.legacy.notReserveProperties`: no table property is reserved
    pub properties_not_reserved: bool,
    /// TIMESTAMP is TIMESTAMP_NTZ.
    pub timestamp_is_ntz: bool,
    /// The zone of timestamps that name none.
    pub time_zone: TimeZone,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self {
            ansi: true,
            enforce_reserved_keywords: false,
            double_quoted_identifiers: false,
            ansi_relation_precedence: false,
            escaped_string_literals: false,
            consecutive_string_literals: false,
            exponent_literal_as_decimal: false,
            legacy_setops_precedence: false,
            quoted_regex_column_names: false,
            single_character_pipe: true,
            legacy_interval: false,
            bang_equals_not: false,
            char_varchar_as_string: false,
            preserve_char_varchar: false,
            properties_not_reserved: false,
            timestamp_is_ntz: false,
            time_zone: TimeZone::utc(),
        }
    }
}

impl ParseOptions {
    /// What a session's settings say.
    ///
    /// # Errors
    /// `INVALID_CONF_VALUE` for a setting that is neither true nor false.
    pub fn new(settings: &Settings) -> Result<Self> {
        let ansi = settings.ansi;
        Ok(Self {
            ansi,
            enforce_reserved_keywords: ansi && settings.flag("spark.sql.ansi.enforceReservedKeywords", false)?,
            double_quoted_identifiers: ansi && settings.flag("spark.sql.ansi.doubleQuotedIdentifiers", false)?,
            ansi_relation_precedence: ansi && settings.flag("spark.sql.ansi.relationPrecedence", false)?,
            escaped_string_literals: settings.flag("spark.sql.parser.escapedStringLiterals", false)?,
            consecutive_string_literals: settings.flag("spark.sql.legacy.consecutiveStringLiterals.enabled", false)?,
            exponent_literal_as_decimal: settings.flag("spark.sql.legacy.exponentLiteralAsDecimal.enabled", false)?,
            legacy_setops_precedence: settings.flag("spark.sql.legacy.setopsPrecedence.enabled", false)?,
            quoted_regex_column_names: settings.flag("spark.sql.parser.quotedRegexColumnNames", false)?,
            single_character_pipe: settings.flag("spark.sql.parser.singleCharacterPipeOperator.enabled", true)?,
            legacy_interval: settings.flag("spark.sql.legacy.interval.enabled", false)?,
            bang_equals_not: settings.flag("spark.sql.legacy.bangEqualsNot", false)?,
            char_varchar_as_string: settings.flag("spark.sql.legacy.charVarcharAsString", false)?,
            preserve_char_varchar: settings.flag("spark.sql.preserveCharVarcharTypeInfo", false)?,
            properties_not_reserved: settings.flag("spark.sql.legacy.notReserveProperties", false)?,
            timestamp_is_ntz: settings.timestamp_is_ntz,
            time_zone: settings.time_zone,
        })
    }
}
