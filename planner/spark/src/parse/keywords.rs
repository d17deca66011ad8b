//! The words that Spark's grammar knows, and which of them may be names.

use std::collections::HashMap;
use std::sync::LazyLock;

macro_rules! keywords {
    ($($class:ident: $($word:ident)*;)*) => {
        /// A word of Spark's grammar.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        pub(super) enum Keyword {
            $($($word,)*)*
        }

        const WORDS: &[(&str, Keyword, Class)] = &[$($((stringify!($word), Keyword::$word, Class::$class),)*)*];

        impl Keyword {
            /// Which names it may be.
            pub(super) fn class(self) -> Class {
                match self {
                    $($(Self::$word)|* => Class::$class,)*
                }
            }

            /// The word itself.
            pub(super) fn word(self) -> &'static str {
                match self {
                    $($(Self::$word => stringify!($word),)*)*
                }
            }
        }
    };
}

/// Which names a word may be. The first half says it for Spark's own rules, the second for `spark.sql.ansi.enforceReservedKeywords`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Any name; any name.
    Free,
    /// Any name; none.
    Reserved,
    /// Any name but a table's alias; any name.
    Join,
    /// Any name but a table's alias; none.
    ReservedJoin,
}

impl Class {
    /// Whether it may be a name.
    pub(super) fn is_name(self, enforce_reserved: bool) -> bool {
        !enforce_reserved || matches!(self, Self::Free | Self::Join)
    }

    /// Whether it may be a table's alias.
    pub(super) fn is_strict_name(self, enforce_reserved: bool) -> bool {
        if enforce_reserved { matches!(self, Self::Free | Self::Join) } else { matches!(self, Self::Free | Self::Reserved) }
    }
}

impl Keyword {
    /// The keyword that a word is, in whatever case.
    pub(super) fn of(word: &str) -> Option<Self> {
        static BY_WORD: LazyLock<HashMap<&'static str, Keyword>> = LazyLock::new(|| {
            let others = [("TEMP", Keyword::TEMPORARY), ("REGEXP", Keyword::RLIKE)];
            WORDS.iter().map(|(word, keyword, _)| (*word, *keyword)).chain(others).collect()
        });
        const LONGEST: usize = 20;
        if word.len() > LONGEST || !word.is_ascii() {
            return None;
        }
        BY_WORD.get(word.to_ascii_uppercase().as_str()).copied()
    }
}

/// All words of the grammar, and whether `spark.sql.ansi.enforceReservedKeywords` reserves them: for completion.
pub fn keywords() -> impl Iterator<Item = (&'static str, bool)> {
    let others = [("REGEXP", false), ("TEMP", false)];
    WORDS.iter().map(|(word, _, class)| (*word, !class.is_name(true))).chain(others)
}

keywords! {
    Free:
        ADD AFTER AGGREGATE ALTER ALWAYS ANALYZE ANY_VALUE APPROX ARCHIVE ARRAY ASC ASENSITIVE AT ATOMIC BEGIN BERNOULLI BETWEEN BIGINT
        BINARY BINDING BOOLEAN BUCKET BUCKETS BY BYTE CACHE CALLED CASCADE CATALOG CATALOGS CHANGE CHANGES CHAR CHARACTER CLEAR CLOSE
        CLUSTER CLUSTERED CODEGEN COLLECTION COLUMNS COMMENT COMMIT COMPACT COMPACTIONS COMPENSATION COMPUTE CONCATENATE CONDITION
        CONTAINS CONTINUE COST CUBE CURRENT CURRENT_DATABASE CURSOR DATA DATABASE DATABASES DATE DATEADD DATEDIFF DATE_ADD DATE_DIFF DAY
        DAYOFYEAR DAYS DBPROPERTIES DEC DECIMAL DECLARE DEFAULT DEFAULT_PATH DEFINED DEFINER DELAY DELETE DELIMITED DESC DESCRIBE
        DETERMINISTIC DFS DIRECTORIES DIRECTORY DISTANCE DISTRIBUTE DIV DO DOUBLE DROP ELSEIF ENFORCED ESCAPED EVOLUTION EXACT EXCHANGE
        EXCLUDE EXCLUSIVE EXISTS EXIT EXPLAIN EXPORT EXTEND EXTENDED EXTERNAL EXTRACT FIELDS FILEFORMAT FIRST FLOAT FLOW FOLLOWING FORMAT
        FORMATTED FOUND FUNCTION FUNCTIONS GENERATED GEOGRAPHY GEOMETRY GLOBAL GROUPING HANDLER HOUR HOURS IDENTIFIED IDENTIFIER IDENTITY
        IF IGNORE ILIKE IMMEDIATE IMPORT INCLUDE INCLUSIVE INCREMENT INDEX INDEXES INPATH INPUT INPUTFORMAT INSENSITIVE INSERT INT INTEGER
        INTERVAL INVOKER ITEMS ITERATE JSON KEY KEYS LANGUAGE LAST LAZY LEAVE LEVEL LIKE LIMIT LINES LIST LOAD LOCAL LOCATION LOCK LOCKS
        LOGICAL LONG LOOP MACRO MAP MATCHED MATERIALIZED MAX MEASURE MERGE METRICS MICROSECOND MICROSECONDS MILLISECOND MILLISECONDS
        MINUTE MINUTES MODIFIES MONTH MONTHS MSCK NAME NAMESPACE NAMESPACES NANOSECOND NANOSECONDS NEAREST NEXT NO NONE NORELY NULLS
        NUMERIC OF OPEN OPTION OPTIONS OUT OUTPUTFORMAT OVER OVERLAY OVERWRITE PARTITION PARTITIONED PARTITIONS PATH PERCENT PIVOT PLACING
        POSITION PRECEDING PRINCIPALS PROCEDURE PROCEDURES PROPERTIES PURGE QUALIFY QUARTER QUERY RANGE READ READS REAL RECORDREADER
        RECORDWRITER RECOVER RECURSION REDUCE REFRESH RELY RENAME REPAIR REPEAT REPEATABLE REPLACE RESET RESPECT RESTRICT RETURN RETURNS
        REVOKE RLIKE ROLE ROLES ROLLBACK ROLLUP ROW ROWS SCHEMA SCHEMAS SECOND SECONDS SECURITY SEPARATED SERDE SERDEPROPERTIES SET SETS
        SHORT SHOW SIMILARITY SINGLE SKEWED SMALLINT SORT SORTED SOURCE SPECIFIC SQLEXCEPTION SQLSTATE START STATISTICS STORED STRATIFY
        STREAM STREAMING STRING STRUCT SUBSTR SUBSTRING SYNC SYSTEM SYSTEM_PATH SYSTEM_TIME SYSTEM_VERSION TABLES TABLESAMPLE TARGET
        TBLPROPERTIES TEMPORARY TERMINATED TIMEDIFF TIMESTAMP TIMESTAMPADD TIMESTAMPDIFF TIMESTAMP_LTZ TIMESTAMP_NTZ TINYINT TOUCH
        TRANSACTION TRANSACTIONS TRANSFORM TRIM TRUE TRUNCATE TRY_CAST TYPE UNARCHIVE UNBOUNDED UNCACHE UNLOCK UNPIVOT UNSET UNTIL UPDATE
        USE VALUE VALUES VAR VARCHAR VARIABLE VARIANT VERSION VIEW VIEWS VOID WATERMARK WEEK WEEKS WHILE WINDOW WITHOUT X YEAR YEARS ZONE;
    Reserved:
        ALL AND ANY AS AUTHORIZATION BOTH CALL CASE CAST CHECK COLLATE COLLATION COLLATIONS COLUMN CONSTRAINT CREATE CURRENT_DATE
        CURRENT_PATH CURRENT_SCHEMA CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DISTINCT ELSE END ESCAPE EXECUTE FALSE FETCH FILTER FOR
        FOREIGN FROM GRANT GROUP HAVING IN INTO IS LEADING NOT NULL OFFSET ONLY OR ORDER OUTER OVERLAPS PRIMARY RECURSIVE REFERENCES
        SELECT SESSION_USER SOME SQL TABLE THEN TIME TO TRAILING UNIQUE UNKNOWN USER WHEN WHERE WITH WITHIN;
    Join:
        ANTI MINUS SEMI;
    ReservedJoin:
        CROSS EXCEPT FULL INNER INTERSECT JOIN LATERAL LEFT NATURAL ON RIGHT UNION USING;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_case() {
        assert_eq!(Keyword::of("sElEcT"), Some(Keyword::SELECT));
        assert_eq!(Keyword::of("temp"), Some(Keyword::TEMPORARY));
        assert_eq!(Keyword::of("regexp"), Some(Keyword::RLIKE));
        assert_eq!(Keyword::of("selects"), None);
        assert!(WORDS.iter().all(|(word, _, _)| word.len() <= 20));
        assert!(keywords().any(|(word, reserved)| word == "SELECT" && reserved));
        assert!(keywords().any(|(word, reserved)| word == "DATE" && !reserved));
    }
}
