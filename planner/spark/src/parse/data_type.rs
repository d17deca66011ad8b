//! Types as text: `DECIMAL(10, 2)`, `ARRAY<STRUCT<a: INT NOT NULL>>`, and columns with them.

use super::interval::{day_time_field, from_to_error};
use super::keywords::Keyword as K;
use super::parser::Parser;
use crate::Result;
use crate::plan::Span;
use crate::types::{DayTimeField, SparkType, StructField, YearMonthField};

impl Parser<'_> {
    /// A type.
    pub(super) fn data_type(&mut self) -> Result<SparkType> {
        let level = self.enter()?;
        let start = self.index();
        let data_type = match self.peek().keyword() {
            Some(K::ARRAY | K::MAP | K::STRUCT) => self.complex_type(start),
            Some(keyword) if !self.is_quoted_name(self.peek()) => self.primitive_type(keyword, start),
            _ => self.named_type(start),
        }?;
        self.leave(level)?;
        Ok(data_type)
    }

    fn complex_type(&mut self, start: usize) -> Result<SparkType> {
        let keyword = self.advance().keyword();
        if keyword == Some(K::STRUCT) && self.take_symbol("<>") {
            return Ok(SparkType::Struct(Vec::new()));
        }
        if !self.take_symbol("<") {
            let (condition, example) = match keyword {
                Some(K::ARRAY) => ("INCOMPLETE_TYPE_DEFINITION.ARRAY", "ARRAY<INT>"),
                Some(K::MAP) => ("INCOMPLETE_TYPE_DEFINITION.MAP", "MAP<STRING, INT>"),
                _ => ("INCOMPLETE_TYPE_DEFINITION.STRUCT", "STRUCT<a: INT>"),
            };
            self.complain_from(start, condition, format!("the type does not say what is in it: write it as in {example}"));
            return Ok(SparkType::Null);
        }
        let data_type = match keyword {
            Some(K::ARRAY) => SparkType::array(self.data_type()?),
            Some(K::MAP) => {
                let key = self.data_type()?;
                self.expect_symbol(",")?;
                SparkType::map(key, self.data_type()?)
            }
            _ if self.at_symbol(">") || self.at_symbol(">>") || self.at_symbol(">>>") => SparkType::Struct(Vec::new()),
            _ => SparkType::Struct(self.list(Self::struct_field)?),
        };
        self.expect_type_end()?;
        Ok(data_type)
    }

    /// `name: type NOT NULL COMMENT 'text'`
    fn struct_field(&mut self) -> Result<StructField> {
        let name = self.checked_identifier()?;
        self.take_symbol(":");
        self.column_of(name)
    }

    /// `name type NOT NULL COMMENT 'text'`
    pub(super) fn column_type(&mut self) -> Result<StructField> {
        let name = self.checked_identifier()?;
        self.column_of(name)
    }

    fn column_of(&mut self, name: String) -> Result<StructField> {
        let data_type = self.data_type()?;
        let mut field = StructField::new(name, data_type);
        if self.at_not() && self.peek_at(1).keyword() == Some(K::NULL) {
            self.not_keyword();
            self.expect(K::NULL)?;
            field.nullable = false;
        }
        if self.take(K::COMMENT) {
            let comment = self.string()?;
            field.metadata.insert("comment".to_owned(), comment);
        }
        Ok(field)
    }

    /// Whether NOT, or `!` in its place, comes next.
    pub(super) fn at_not(&self) -> bool {
        self.at(K::NOT) || self.at_symbol("!")
    }

    /// Takes NOT; complains about a `!` in its place.
    pub(super) fn not_keyword(&mut self) {
        let start = self.index();
        let bang = self.at_symbol("!");
        self.advance();
        if bang && !self.options.bang_equals_not {
            let message = "`!` stands for NOT only before a condition: write NOT here";
            self.complain_from(start, "SYNTAX_DISCONTINUED.BANG_EQUALS_NOT", message);
        }
    }

    fn primitive_type(&mut self, keyword: K, start: usize) -> Result<SparkType> {
        let simple = match keyword {
            K::BOOLEAN => SparkType::Boolean,
            K::TINYINT | K::BYTE => SparkType::Byte,
            K::SMALLINT | K::SHORT => SparkType::Short,
            K::INT | K::INTEGER => SparkType::Integer,
            K::BIGINT | K::LONG => SparkType::Long,
            K::FLOAT | K::REAL => SparkType::Float,
            K::DOUBLE => SparkType::Double,
            K::DATE => SparkType::Date,
            K::BINARY => SparkType::Binary,
            K::VOID => SparkType::Null,
            K::VARIANT => SparkType::Unsupported("variant".to_owned()),
            K::TIMESTAMP_LTZ => SparkType::Timestamp,
            K::TIMESTAMP_NTZ => SparkType::TimestampNtz,
            K::STRING => {
                self.advance();
                return self.collated(SparkType::String);
            }
            K::CHAR | K::CHARACTER | K::VARCHAR => return self.sized_string(keyword, start),
            K::DECIMAL | K::DEC | K::NUMERIC => return self.decimal_type(start),
            K::INTERVAL => return self.interval_type(start),
            K::TIMESTAMP => {
                self.advance();
                return Ok(if self.take_all(&[K::WITH, K::LOCAL, K::TIME, K::ZONE]) {
                    SparkType::Timestamp
                } else if self.take_all(&[K::WITHOUT, K::TIME, K::ZONE]) || self.options.timestamp_is_ntz {
                    SparkType::TimestampNtz
                } else {
                    SparkType::Timestamp
                });
            }
            K::TIME => return self.time_type(start),
            K::GEOGRAPHY | K::GEOMETRY if self.peek_at(1).is("(") => return self.geo_type(start),
            _ => return self.named_type(start),
        };
        self.advance();
        Ok(simple)
    }

    /// A type that may have a collation behind it.
    fn collated(&mut self, data_type: SparkType) -> Result<SparkType> {
        if !self.take(K::COLLATE) {
            return Ok(data_type);
        }
        let name = self.multipart_identifier()?;
        let binary = name.last().is_some_and(|n| n.eq_ignore_ascii_case("UTF8_BINARY"));
        Ok(if binary { data_type } else { SparkType::Unsupported(format!("{data_type} collate {}", name.join("."))) })
    }

    fn sized_string(&mut self, keyword: K, start: usize) -> Result<SparkType> {
        self.advance();
        if !self.take_symbol("(") {
            self.collated(SparkType::String)?;
            let word = keyword.word();
            self.complain_from(start, "DATATYPE_MISSING_SIZE", format!("{word} needs a length: write it as in {word}(10)"));
            return Ok(SparkType::String);
        }
        let length = self.integer()?;
        self.expect_symbol(")")?;
        let length = u32::try_from(length).ok().filter(|l| *l > 0 && i32::try_from(*l).is_ok()).unwrap_or_else(|| {
            self.complain_from(start, "UNSUPPORTED_DATATYPE", format!("{}({length}) has no length: it must be 1 or more", keyword.word()));
            1
        });
        self.collated(if keyword == K::VARCHAR { SparkType::Varchar(length) } else { SparkType::Char(length) })
    }

    fn decimal_type(&mut self, start: usize) -> Result<SparkType> {
        self.advance();
        if !self.take_symbol("(") {
            return Ok(SparkType::DEFAULT_DECIMAL);
        }
        let precision = self.integer()?;
        let scale = if self.take_symbol(",") { self.integer()? } else { 0 };
        self.expect_symbol(")")?;
        if scale > precision {
            let message = format!("decimal({precision},{scale}) has more digits after the point than in all");
            self.complain_from(start, "_LEGACY_ERROR_TEMP_1228", message);
        } else if precision > 38 {
            let message = format!("decimal({precision},{scale}) has too many digits: 38 is the most");
            self.complain_from(start, "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION", message);
        }
        let digits = |n: i64| u8::try_from(n).ok().filter(|n| *n <= 38);
        Ok(match (digits(precision), digits(scale)) {
            (Some(precision), Some(scale)) if scale <= precision => SparkType::Decimal(precision, scale),
            _ => SparkType::DEFAULT_DECIMAL,
        })
    }

    fn time_type(&mut self, start: usize) -> Result<SparkType> {
        self.advance();
        let mut precision = 6;
        if self.take_symbol("(") {
            precision = self.integer()?;
            self.expect_symbol(")")?;
        }
        self.take_all(&[K::WITHOUT, K::TIME, K::ZONE]);
        Ok(SparkType::Time(u8::try_from(precision).ok().filter(|p| *p <= 6).unwrap_or_else(|| {
            self.complain_from(start, "UNSUPPORTED_TIME_PRECISION", format!("time({precision}) has too many digits: 6 is the most"));
            6
        })))
    }

    fn geo_type(&mut self, start: usize) -> Result<SparkType> {
        self.advance();
        self.expect_symbol("(")?;
        if !self.take(K::ANY) {
            self.integer()?;
        }
        self.expect_symbol(")")?;
        Ok(SparkType::Unsupported(self.span_from(start).of(self.text).to_lowercase()))
    }

    fn interval_type(&mut self, start: usize) -> Result<SparkType> {
        self.advance();
        let Some(from) = self.take_any(&[K::YEAR, K::MONTH, K::DAY, K::HOUR, K::MINUTE, K::SECOND]) else {
            return Ok(SparkType::CalendarInterval);
        };
        let to = match (self.at(K::TO), from) {
            (false, _) => None,
            (true, K::YEAR | K::MONTH) => {
                self.advance();
                Some(self.expect_any(&[K::MONTH])?)
            }
            (true, _) => {
                self.advance();
                Some(self.expect_any(&[K::HOUR, K::MINUTE, K::SECOND])?)
            }
        };
        let span = self.span_from(start);
        Ok(match (from, to) {
            (K::YEAR, None) => SparkType::YearMonthInterval(YearMonthField::Year, YearMonthField::Year),
            (K::YEAR, Some(_)) => SparkType::YEAR_MONTH,
            (K::MONTH, None) => SparkType::YearMonthInterval(YearMonthField::Month, YearMonthField::Month),
            (K::MONTH, Some(_)) => self.bad_interval(from, to, span),
            _ => {
                let first = day_time_field(from).unwrap_or(DayTimeField::Day);
                let last = to.and_then(day_time_field).unwrap_or(first);
                if to.is_some() && last <= first { self.bad_interval(from, to, span) } else { SparkType::DayTimeInterval(first, last) }
            }
        })
    }

    fn bad_interval(&mut self, from: K, to: Option<K>, span: Span) -> SparkType {
        let e = crate::error::at(from_to_error(Some(from), to), Some(span));
        self.complain(e);
        SparkType::CalendarInterval
    }

    /// A type that Spark does not know.
    fn named_type(&mut self, start: usize) -> Result<SparkType> {
        let name = self.identifier()?;
        if self.take_symbol("(") {
            self.list(Self::integer)?;
            self.expect_symbol(")")?;
        }
        let shown = self.span_from(start).of(self.text).to_uppercase();
        let e = self.refuse("UNSUPPORTED_DATATYPE", format!("there is no type {shown}"), Some(self.span_from(start)));
        self.complain(e.with_parameter("typeName", format!("\"{shown}\"")));
        Ok(SparkType::Unsupported(name))
    }
}
