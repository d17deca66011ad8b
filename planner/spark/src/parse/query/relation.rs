//! One relation of FROM: a table with its history, options, sample and alias; a subquery; VALUES; a table function; a stream.

use super::super::expression::values_of;
use super::super::keywords::Keyword as K;
use super::super::lexer::TokenKind;
use super::super::parser::Parser;
use super::spanned;
use crate::Result;
use crate::plan::{
    Expression, ExpressionKind, Literal, Relation, RelationKind, SampleMethod, TableAlias, TableName, Temporal, WithColumnsMode,
};

/// The name that Spark gives a subquery without one: names inside cannot be seen from outside.
const UNNAMED: &str = "__auto_generated_subquery_name";

impl Parser<'_> {
    pub(super) fn relation_primary(&mut self) -> Result<Relation> {
        let start = self.index();
        if self.at_symbol("(") {
            return if self.is_query_in_parens(start) { self.aliased_query() } else { self.aliased_relation() };
        }
        if self.at(K::VALUES) && self.is_query(start) {
            return self.inline_table();
        }
        if self.at(K::STREAM) && (self.peek_at(1).is("(") || (self.is_name(self.peek_at(1)) && !self.is_clause_at(1))) {
            return self.stream();
        }
        match self.table_function_end() {
            Some(last) => self.table_function(last),
            None => self.table(false),
        }
    }

    fn aliased_query(&mut self) -> Result<Relation> {
        let start = self.index();
        self.expect_symbol("(")?;
        let mut relation = self.query()?;
        self.expect_symbol(")")?;
        if self.at(K::TABLESAMPLE) && self.at_clause() {
            relation = self.sample(relation)?;
        }
        let level = self.enter()?;
        let delay = self.watermark()?;
        let alias = self.table_alias()?.unwrap_or_else(|| TableAlias { name: UNNAMED.to_owned(), columns: Vec::new() });
        let span = self.span_from(start);
        let relation = Relation::from(RelationKind::SubqueryAlias { input: relation, alias }).at(span);
        self.grow_relation(1)?;
        self.leave(level)?;
        Ok(watermarked(relation, delay))
    }

    fn aliased_relation(&mut self) -> Result<Relation> {
        let start = self.index();
        let level = self.enter()?;
        self.expect_symbol("(")?;
        let mut relation = self.relation()?;
        self.expect_symbol(")")?;
        if self.at(K::TABLESAMPLE) && self.at_clause() {
            relation = self.sample(relation)?;
        }
        let delay = self.watermark()?;
        relation = watermarked(relation, delay);
        let alias = self.table_alias()?;
        self.grow_relation(1)?;
        self.leave(level)?;
        Ok(self.aliased(relation, alias, start))
    }

    fn aliased(&self, relation: Relation, alias: Option<TableAlias>, start: usize) -> Relation {
        let span = self.span_from(start);
        match alias {
            Some(alias) => Relation::from(RelationKind::SubqueryAlias { input: relation, alias }).at(span),
            None => spanned(relation, span),
        }
    }

    /// `AS name (columns)`
    pub(in super::super) fn table_alias(&mut self) -> Result<Option<TableAlias>> {
        if self.at(K::AS) && self.is_strict_name(self.peek_at(1)) {
            self.advance();
        } else if self.at(K::AS) && self.is_name(self.peek_at(1)) {
            self.advance();
            return Err(self.unexpected("this word is no name of a table"));
        } else if !self.is_strict_name(self.peek()) || self.at_clause() || self.at_join() {
            return Ok(None);
        }
        let name = self.identifier()?;
        let columns = if self.at_symbol("(") { self.identifier_list()? } else { Vec::new() };
        Ok(Some(TableAlias { name, columns }))
    }

    /// A table by name.
    fn table(&mut self, is_streaming: bool) -> Result<Relation> {
        let start = self.index();
        let name = self.identifier_reference()?;
        if self.at(K::CHANGES) && (self.at_clause() || is_streaming && self.peek_at(1).keyword() != Some(K::AS)) {
            self.changes(start)?;
        }
        let temporal = self.temporal()?;
        let mut relation = self.named_table(name, start);
        if let RelationKind::NamedTable(table) = std::sync::Arc::make_mut(&mut relation.kind) {
            table.temporal = temporal;
            table.is_streaming = is_streaming;
            if self.at(K::WITH) && self.peek_at(1).is("(") {
                self.advance();
                table.options = self.property_values()?;
            }
        }
        relation.span = Some(self.span_from(start));
        if is_streaming {
            self.identified_by(start, true)?;
        }
        let sample_start = self.index();
        if self.at(K::TABLESAMPLE) && self.at_clause() {
            // The alias stands behind the sample and below it.
            let (method, seed) = self.sample_spec()?;
            let delay = self.watermark()?;
            let alias = self.table_alias()?;
            let input = self.aliased(relation, alias, start);
            self.grow_relation(1)?;
            let span = self.span_from(sample_start);
            let sample = Relation::from(RelationKind::Sample { input, method, with_replacement: false, seed }).at(span);
            return Ok(watermarked(sample, delay));
        }
        let delay = self.watermark()?;
        let alias = self.table_alias()?;
        self.grow_relation(1)?;
        Ok(watermarked(self.aliased(relation, alias, start), delay))
    }

    /// `FOR VERSION AS OF 3`, `TIMESTAMP AS OF '…'`
    pub(in super::super) fn temporal(&mut self) -> Result<Option<Temporal>> {
        let ahead = usize::from(self.at(K::FOR));
        let is_version = match self.peek_at(ahead).keyword() {
            Some(K::VERSION | K::SYSTEM_VERSION) => true,
            Some(K::TIMESTAMP | K::SYSTEM_TIME) => false,
            _ => return Ok(None),
        };
        if self.peek_at(ahead + 1).keyword() != Some(K::AS) || self.peek_at(ahead + 2).keyword() != Some(K::OF) {
            return Ok(None);
        }
        self.go_to(self.index() + ahead + 3);
        if !is_version {
            let start = self.index();
            let moment = self.value(0)?;
            if matches!(moment.kind, ExpressionKind::UnresolvedAttribute { .. }) {
                self.complain_from(start, "_LEGACY_ERROR_TEMP_0056", "the moment of TIMESTAMP AS OF is a constant, no column");
            }
            return Ok(Some(Temporal::Timestamp(moment)));
        }
        if self.at_string() {
            return Ok(Some(Temporal::Version(self.string()?)));
        }
        let token = self.peek();
        self.integer()?;
        Ok(Some(Temporal::Version(self.text_of(token).to_owned())))
    }

    /// `CHANGES FROM VERSION 1 TO VERSION 2`: read, and refused.
    fn changes(&mut self, start: usize) -> Result<()> {
        self.expect(K::CHANGES)?;
        for word in [K::FROM, K::TO] {
            if !self.take(word) {
                break;
            }
            let versions = [K::VERSION, K::SYSTEM_VERSION, K::TIMESTAMP, K::SYSTEM_TIME];
            match self.expect_any(&versions)? {
                K::VERSION | K::SYSTEM_VERSION if self.at_string() => {
                    self.string()?;
                }
                K::VERSION | K::SYSTEM_VERSION => {
                    self.integer()?;
                }
                _ => {
                    self.value(0)?;
                }
            }
            self.take_any(&[K::INCLUSIVE, K::EXCLUSIVE]);
        }
        self.complain_from(start, "UNSUPPORTED_FEATURE.CHANGE_DATA_CAPTURE", "changes of a table are not done: read its versions");
        Ok(())
    }

    /// `WATERMARK column DELAY OF INTERVAL …`
    fn watermark(&mut self) -> Result<Option<(Expression, String)>> {
        if !(self.at(K::WATERMARK) && self.at_clause() && !self.peek_at(1).is("(")) {
            return Ok(None);
        }
        self.advance();
        let column = self.named_expression()?;
        self.expect_all(&[K::DELAY, K::OF])?;
        let start = self.index();
        let interval = self.interval()?;
        let (text, negative) = match interval.kind {
            ExpressionKind::Literal(Literal::DayTimeInterval { value, .. }) => (format!("{value} microseconds"), value < 0),
            ExpressionKind::Literal(Literal::YearMonthInterval { value, .. }) => (format!("{value} months"), value < 0),
            ExpressionKind::Literal(Literal::CalendarInterval { months, days, microseconds }) => {
                (format!("{months} months {days} days {microseconds} microseconds"), months < 0 || days < 0 || microseconds < 0)
            }
            _ => (String::new(), false),
        };
        if negative {
            self.complain_from(start, "_LEGACY_ERROR_TEMP_0064", "the delay of a watermark is not negative");
        }
        Ok(Some((column, text)))
    }

    /// `IDENTIFIED BY name`: the name of a stream's source, which nothing needs here.
    fn identified_by(&mut self, start: usize, of_stream: bool) -> Result<()> {
        if self.take_all(&[K::IDENTIFIED, K::BY]) {
            self.checked_identifier()?;
            if !of_stream {
                self.not_allowed(start, "IDENTIFIED BY stands behind a stream only");
            }
        }
        Ok(())
    }

    /// `STREAM name`, `STREAM(name)`, `STREAM f(…)`
    fn stream(&mut self) -> Result<Relation> {
        let start = self.index();
        self.advance();
        if !self.at_symbol("(") {
            return match self.table_function_end() {
                Some(last) => {
                    let relation = self.table_function(last)?;
                    self.complain_from(start, "NOT_SUPPORTED_YET", "a table function is no stream here: name a table");
                    Ok(relation)
                }
                None => self.table(true),
            };
        }
        self.advance();
        let at = self.index();
        if let Some(last) = self.table_function_end() {
            let relation = self.table_function(last)?;
            self.expect_symbol(")")?;
            self.complain_from(start, "NOT_SUPPORTED_YET", "a table function is no stream here: name a table");
            return Ok(relation);
        }
        let name = TableName::Parts(self.multipart_identifier()?);
        let mut relation = self.named_table(name, at);
        self.expect_symbol(")")?;
        if let RelationKind::NamedTable(table) = std::sync::Arc::make_mut(&mut relation.kind) {
            table.is_streaming = true;
            if self.at(K::WITH) && self.peek_at(1).is("(") {
                self.advance();
                table.options = self.property_values()?;
            }
        }
        self.identified_by(start, true)?;
        let delay = self.watermark()?;
        let alias = self.table_alias()?;
        Ok(watermarked(self.aliased(relation, alias, start), delay))
    }

    /// Where the name of a table function ends, if a call stands here: the index of its last token.
    fn table_function_end(&self) -> Option<usize> {
        let mut last = self.index();
        if self.token(last).keyword() == Some(K::IDENTIFIER) && self.token(last + 1).is("(") {
            let close = self.closing(last + 1)?;
            return self.token(close + 1).is("(").then_some(close);
        }
        let is_name = |at: usize| self.is_name(self.token(at));
        if !is_name(last) && !matches!(self.token(last).keyword(), Some(K::FILTER | K::LEFT | K::RIGHT)) {
            return None;
        }
        while self.token(last + 1).is(".") && is_name(last + 2) {
            last += 2;
        }
        self.token(last + 1).is("(").then_some(last)
    }

    /// `name(arguments) AS alias(columns)`
    fn table_function(&mut self, last: usize) -> Result<Relation> {
        let start = self.index();
        let name = if self.at(K::IDENTIFIER) && self.peek_at(1).is("(") {
            match self.identifier_reference()? {
                TableName::Parts(parts) => parts,
                TableName::Identifier(_) => {
                    self.complain_from(start, "NOT_SUPPORTED_YET", "the name of a table function is not computed here: write it out");
                    Vec::new()
                }
            }
        } else {
            self.dotted_name(last)?
        };
        let call = self.call(name, start, true)?;
        let span = self.span_from(start);
        let ExpressionKind::UnresolvedFunction(call) = call.into_kind() else {
            return Err(self.syntax_error());
        };
        let relation = Relation::from(RelationKind::TableFunction { name: call.name, arguments: call.arguments }).at(span);
        self.identified_by(start, false)?;
        let delay = self.watermark()?;
        let alias = self.table_alias()?;
        self.grow_relation(1)?;
        Ok(self.aliased(watermarked(relation, delay), alias, start))
    }

    /// `VALUES (1, 2), (3, 4) AS name(columns)`
    pub(super) fn inline_table(&mut self) -> Result<Relation> {
        let start = self.index();
        self.expect(K::VALUES)?;
        let rows = self.list(Self::expression)?;
        let text = self.text;
        let rows: Vec<Vec<Expression>> =
            rows.into_iter().map(|row| values_of(row).into_iter().map(|e| default_of(e, text)).collect()).collect();
        let span = self.span_from(start);
        let alias = self.table_alias()?;
        let wanted = match &alias {
            Some(alias) if !alias.columns.is_empty() => alias.columns.len(),
            _ => rows.first().map_or(0, Vec::len),
        };
        if let Some((index, row)) = rows.iter().enumerate().find(|(_, row)| row.len() != wanted) {
            let message = format!("row {} of VALUES has {} values, not {wanted}", index + 1, row.len());
            let e = self.refuse("INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH", message, Some(span));
            let e =
                e.with_parameter("expectedNumCols", wanted).with_parameter("actualNumCols", row.len()).with_parameter("rowIndex", index);
            self.complain(e);
        }
        self.grow_relation(1)?;
        let relation = Relation::from(RelationKind::Values { rows }).at(span);
        Ok(self.aliased(relation, alias, start))
    }

    /// `TABLESAMPLE (10 PERCENT) REPEATABLE (1)`
    pub(super) fn sample(&mut self, input: Relation) -> Result<Relation> {
        let start = self.index();
        let (method, seed) = self.sample_spec()?;
        self.grow_relation(1)?;
        Ok(Relation::from(RelationKind::Sample { input, method, with_replacement: false, seed }).at(self.span_from(start)))
    }

    fn sample_spec(&mut self) -> Result<(SampleMethod, Option<i64>)> {
        let start = self.index();
        self.expect(K::TABLESAMPLE)?;
        let system = self.take_any(&[K::BERNOULLI, K::SYSTEM]) == Some(K::SYSTEM);
        self.expect_symbol("(")?;
        let nothing = SampleMethod::Fraction { lower_bound: 0.0, upper_bound: 1.0 };
        let method = if self.at_symbol(")") {
            self.complain_from(
                start,
                "_LEGACY_ERROR_TEMP_0014",
                "TABLESAMPLE does not say how much: write it as in TABLESAMPLE (10 PERCENT)",
            );
            nothing
        } else {
            self.sample_method(start, system)?
        };
        self.expect_symbol(")")?;
        let mut seed = None;
        if self.take(K::REPEATABLE) {
            self.expect_symbol("(")?;
            seed = Some(self.integer()?);
            self.expect_symbol(")")?;
            if system {
                self.complain_from(start, "UNSUPPORTED_FEATURE.TABLESAMPLE_SYSTEM_REPEATABLE", "TABLESAMPLE SYSTEM has no REPEATABLE");
            }
        }
        if system {
            self.complain_from(start, "UNSUPPORTED_FEATURE.TABLESAMPLE_SYSTEM", "TABLESAMPLE SYSTEM is not done: leave out SYSTEM");
        }
        Ok((method, seed))
    }

    fn sample_method(&mut self, start: usize, system: bool) -> Result<SampleMethod> {
        let nothing = SampleMethod::Fraction { lower_bound: 0.0, upper_bound: 1.0 };
        let sign = usize::from(self.at_symbol("-"));
        let is_number = matches!(self.peek_at(sign).kind, TokenKind::Integer | TokenKind::Decimal);
        if is_number && self.peek_at(sign + 1).keyword() == Some(K::PERCENT) {
            let text = self.text_of(self.peek_at(sign));
            self.go_to(self.index() + sign + 2);
            let percent = text.parse::<f64>().unwrap_or(0.0) * if sign == 1 { -1.0 } else { 1.0 };
            let fraction = percent / 100.0;
            if !(-1e-6..=1.0 + 1e-6).contains(&fraction) {
                let message = format!("a sample of {percent} percent is not between 0 and 100");
                self.complain_from(start, "_LEGACY_ERROR_TEMP_0064", message);
            }
            return Ok(SampleMethod::Fraction { lower_bound: 0.0, upper_bound: fraction });
        }
        let refuse_system = |p: &mut Self, what: &str| {
            if system {
                let message = format!("TABLESAMPLE SYSTEM takes a percentage, not {what}");
                p.complain_from(start, "UNSUPPORTED_FEATURE.TABLESAMPLE_SYSTEM_SAMPLE_METHOD", message);
            }
        };
        if self.at(K::BUCKET) && self.peek_at(1).kind == TokenKind::Integer {
            self.advance();
            let numerator = self.integer()?;
            self.expect_all(&[K::OUT, K::OF])?;
            let denominator = self.integer()?;
            refuse_system(self, "BUCKET");
            if self.take(K::ON) {
                self.qualified_name()?;
                if self.take_symbol("(") {
                    self.expect_symbol(")")?;
                }
                self.complain_from(start, "_LEGACY_ERROR_TEMP_0015", "TABLESAMPLE (BUCKET x OUT OF y) has no ON");
            }
            if !(0..=denominator).contains(&numerator) || denominator == 0 {
                let message = format!("a sample of {numerator} out of {denominator} buckets is not between none and all of them");
                self.complain_from(start, "_LEGACY_ERROR_TEMP_0064", message);
            }
            return Ok(SampleMethod::Bucket { numerator, denominator });
        }
        let at = self.index();
        let e = self.expression()?;
        if self.take(K::ROWS) {
            refuse_system(self, "ROWS");
            return Ok(SampleMethod::Rows(e));
        }
        refuse_system(self, "BYTES");
        let text = self.span_from(at).of(self.text);
        let bytes = text.len() > 1 && text.ends_with(['b', 'B', 'k', 'K', 'm', 'M', 'g', 'G']);
        let bytes = bytes && text.bytes().rev().skip(1).all(|b| b.is_ascii_digit());
        let condition = if bytes { "_LEGACY_ERROR_TEMP_0015" } else { "_LEGACY_ERROR_TEMP_0016" };
        self.complain_from(start, condition, format!("a sample of `{text}` is not done: give PERCENT, ROWS or BUCKET x OUT OF y"));
        Ok(nothing)
    }
}

/// The word DEFAULT without quotes as such.
pub(in super::super) fn default_of(e: Expression, text: &str) -> Expression {
    let is_default =
        super::super::parser::is_word(&e, "default") && e.span.is_some_and(|span| span.of(text).eq_ignore_ascii_case("default"));
    if is_default { Expression { kind: ExpressionKind::Default, span: e.span } } else { e }
}

/// The relation with a watermark on a column; a named expression is added as a column first.
fn watermarked(relation: Relation, delay: Option<(Expression, String)>) -> Relation {
    let Some((column, delay_threshold)) = delay else { return relation };
    let span = relation.span;
    let (input, event_time) = match &column.kind {
        ExpressionKind::UnresolvedAttribute { name, .. } => (relation, name.last().cloned().unwrap_or_default()),
        ExpressionKind::Alias { name, .. } => {
            let event_time = name.first().cloned().unwrap_or_default();
            let kind = RelationKind::WithColumns { input: relation, aliases: vec![column], mode: WithColumnsMode::Upsert };
            (Relation::new(kind, span), event_time)
        }
        _ => {
            let name = "watermark".to_owned();
            let aliases = vec![column.alias(name.clone())];
            let kind = RelationKind::WithColumns { input: relation, aliases, mode: WithColumnsMode::Upsert };
            (Relation::new(kind, span), name)
        }
    };
    Relation::new(RelationKind::WithWatermark { input, event_time, delay_threshold }, span)
}
