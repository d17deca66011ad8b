//! Spark's switches on which the meaning of a statement depends: one table entry each, with what it takes and what holds without it.

/// A switch.
#[derive(Debug, Clone, Copy)]
pub struct Switch {
    /// Spark's name for it.
    pub name: &'static str,
    /// What holds when it is not given.
    pub default: &'static str,
    /// Which values there are.
    pub takes: Takes,
    /// What it does, in a sentence.
    pub doc: &'static str,
}

/// The values of a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// `true` or `false`
    Flag,
    /// A whole number.
    Whole,
    /// One of these words, in any case.
    OneOf(&'static [&'static str]),
    /// Any text.
    Text,
}

/// The switch of that name, in whatever case it is written.
pub fn find(name: &str) -> Option<&'static Switch> {
    SWITCHES.iter().find(|switch| switch.name.eq_ignore_ascii_case(name))
}

const fn flag(name: &'static str, default: bool, doc: &'static str) -> Switch {
    Switch { name, default: if default { "true" } else { "false" }, takes: Takes::Flag, doc }
}

/// Every switch that the parser, the resolver or a function honours.
pub const SWITCHES: &[Switch] = &[
    // What decides over whole statements.
    flag("spark.sql.ansi.enabled", true, "Errors instead of nulls and wrapped numbers."),
    flag("spark.sql.caseSensitive", false, "Whether names that differ in case differ."),
    Switch {
        name: "spark.sql.timestampType",
        default: "TIMESTAMP_LTZ",
        takes: Takes::OneOf(&["TIMESTAMP_LTZ", "TIMESTAMP_NTZ"]),
        doc: "What TIMESTAMP means: TIMESTAMP_LTZ or TIMESTAMP_NTZ.",
    },
    flag("spark.sql.variable.substitute", true, "Whether `${name}` in a statement is the value of that setting."),
    // Grammar.
    flag("spark.sql.ansi.enforceReservedKeywords", false, "In ANSI mode, whether the standard's reserved words are no names."),
    flag("spark.sql.ansi.doubleQuotedIdentifiers", false, "In ANSI mode, whether \"text\" is a name."),
    flag("spark.sql.ansi.relationPrecedence", false, "In ANSI mode, whether JOIN binds closer than the comma."),
    flag("spark.sql.parser.escapedStringLiterals", false, "Whether backslashes in text stay as they are."),
    flag("spark.sql.parser.quotedRegexColumnNames", false, "Whether names in backquotes are patterns in a SELECT list."),
    flag("spark.sql.parser.singleCharacterPipeOperator.enabled", true, "Whether `|` is a pipe as `|>` is."),
    flag("spark.sql.legacy.allowStarWithSingleTableIdentifierInCount", false, "Whether `count(t.*)` counts rows."),
    flag("spark.sql.legacy.bangEqualsNot", false, "Whether `!` may stand for NOT in `! IN` and its like."),
    flag("spark.sql.legacy.charVarcharAsString", false, "Whether CHAR(n) and VARCHAR(n) are STRING."),
    flag("spark.sql.legacy.consecutiveStringLiterals.enabled", false, "How two quotes within a text are read."),
    flag("spark.sql.legacy.exponentLiteralAsDecimal.enabled", false, "Whether 1E3 is a decimal."),
    flag("spark.sql.legacy.interval.enabled", false, "Whether INTERVAL literals and differences of moments are calendar intervals."),
    flag("spark.sql.legacy.notReserveProperties", false, "Whether reserved properties may be given."),
    flag("spark.sql.legacy.setopsPrecedence.enabled", false, "Whether INTERSECT binds no closer than UNION."),
    flag("spark.sql.preserveCharVarcharTypeInfo", false, "Whether CHAR(n) and VARCHAR(n) are types of queries, too."),
    // Queries.
    flag("spark.sql.groupByOrdinal", true, "Whether a number in GROUP BY is a position of the list."),
    flag("spark.sql.groupByAliases", true, "Whether a name in GROUP BY may be an alias of the list."),
    flag("spark.sql.orderByOrdinal", true, "Whether a number in ORDER BY is a position of the list."),
    flag("spark.sql.prioritizeOrdinalResolutionInSort.enabled", true, "Whether positions in ORDER BY are of the list alone."),
    Switch {
        name: "spark.sql.cteRecursionLevelLimit",
        default: "100",
        takes: Takes::Whole,
        doc: "How many levels a recursive query has at most; -1 for any number.",
    },
    Switch {
        name: "spark.sql.cteRecursionRowLimit",
        default: "1000000",
        takes: Takes::Whole,
        doc: "How many rows a recursive query gives at most without a LIMIT; -1 for any number.",
    },
    Switch {
        name: "spark.sql.legacy.ctePrecedencePolicy",
        default: "CORRECTED",
        takes: Takes::OneOf(&["EXCEPTION", "CORRECTED", "LEGACY"]),
        doc: "Which of two named queries of one name is meant; under LEGACY there is no WITH RECURSIVE.",
    },
    Switch {
        name: "spark.sql.execution.arrow.maxRecordsPerBatch",
        default: "262144",
        takes: Takes::Whole,
        doc: "How many rows a function of the program over columns or batches is given at once, at most; 0 for any number.",
    },
    flag("spark.sql.sources.partitionColumnTypeInference.enabled", true, "Whether folders `a=1` have types by their values, or text."),
    // Types and functions.
    Switch {
        name: "spark.sql.mapKeyDedupPolicy",
        default: "EXCEPTION",
        takes: Takes::OneOf(&["EXCEPTION", "LAST_WIN"]),
        doc: "What becomes of a map's key that comes twice.",
    },
    Switch {
        name: "spark.sql.legacy.timeParserPolicy",
        default: "CORRECTED",
        takes: Takes::OneOf(&["EXCEPTION", "CORRECTED", "LEGACY"]),
        doc: "How patterns of dates and times are understood.",
    },
    Switch {
        name: "spark.sql.columnNameOfCorruptRecord",
        default: "_corrupt_record",
        takes: Takes::Text,
        doc: "The column that takes text which `from_json` and readers of files cannot read.",
    },
    flag("spark.sql.chunkBase64String.enabled", true, "Whether `base64` breaks its lines."),
    flag("spark.sql.decimalOperations.allowPrecisionLoss", true, "Whether arithmetic on decimals gives up digits of the fraction."),
    flag("spark.sql.function.concatBinaryAsString", false, "Whether `concat` of binaries is text."),
    flag("spark.sql.function.eltOutputAsString", false, "Whether `elt` of binaries is text."),
    flag("spark.sql.json.enablePartialResults", true, "Whether `from_json` keeps the fields that it could read."),
    flag("spark.sql.jsonGenerator.ignoreNullFields", true, "Whether `to_json` leaves out fields that are null."),
    flag("spark.sql.legacy.allowHashOnMapType", false, "Whether `hash` takes maps."),
    flag("spark.sql.legacy.allowNullComparisonResultInArraySort", false, "Whether the comparison of `array_sort` may give null."),
    flag("spark.sql.legacy.allowParameterlessCount", false, "Whether `count()` counts nothing."),
    flag("spark.sql.legacy.allowZeroIndexInFormatString", false, "Whether `%0$s` is the first argument of `format_string`."),
    flag("spark.sql.legacy.castComplexTypesToString.enabled", false, "How nested values are written as text."),
    flag("spark.sql.legacy.codingErrorAction", false, "Whether `encode` and `decode` put a mark in the place of what they cannot code."),
    flag("spark.sql.legacy.createEmptyCollectionUsingStringType", false, "Whether `array()` is an array of text."),
    flag("spark.sql.legacy.followThreeValuedLogicInArrayExists", true, "Whether `exists` over an array may be null."),
    flag("spark.sql.legacy.histogramNumericPropagateInputType", true, "Whether the bins of `histogram_numeric` have the column's type."),
    flag("spark.sql.legacy.json.allowEmptyString.enabled", false, "Whether `from_json` reads empty text as null for every type."),
    flag("spark.sql.legacy.literal.pickMinimumPrecision", true, "Whether a literal beside a decimal has only the digits that it needs."),
    flag("spark.sql.legacy.lpadRpadAlwaysReturnString", false, "Whether `lpad` and `rpad` of binaries are text."),
    flag("spark.sql.legacy.negativeIndexInArrayInsert", false, "Whether `array_insert` counts from the end with one more."),
    flag("spark.sql.legacy.percentileDiscCalculation", false, "How `percentile_disc` counts rows."),
    flag("spark.sql.legacy.sizeOfNull", true, "Outside ANSI mode, whether `size(null)` is -1."),
    flag("spark.sql.legacy.statisticalAggregate", false, "Whether the variance of one row is NaN."),
    flag("spark.sql.legacy.truncateForEmptyRegexSplit", false, "Whether `split` by an empty pattern leaves out what is behind its limit."),
];

#[cfg(test)]
mod tests {
    use super::{SWITCHES, Takes};

    #[test]
    fn every_switch_is_there_once_and_takes_its_default() {
        for (at, switch) in SWITCHES.iter().enumerate() {
            assert!(SWITCHES[..at].iter().all(|other| !other.name.eq_ignore_ascii_case(switch.name)), "{} twice", switch.name);
            assert!(switch.doc.ends_with('.'), "{}", switch.name);
            let fits = match switch.takes {
                Takes::Flag => matches!(switch.default, "true" | "false"),
                Takes::Whole => switch.default.parse::<i64>().is_ok(),
                Takes::OneOf(words) => words.contains(&switch.default),
                Takes::Text => true,
            };
            assert!(fits, "{}", switch.name);
        }
    }
}
