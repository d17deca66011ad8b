//! The cursor over the tokens: what comes next, errors with their place, and the limit on depth.

use super::ParseOptions;
use super::keywords::Keyword;
use super::lexer::{Token, TokenKind, lex};
use crate::error::{at, error, too_complex};
use crate::plan::deep::MAX_HEIGHT;
use crate::plan::{Expression, ExpressionKind, Span};
use crate::{Error, Result};

/// How deep constructs may nest on the caller's stack: in a debug build a level takes up to 30 KiB.
const NESTING: usize = 24;

/// How deep they may nest on a stack made for the purpose.
const FAR_NESTING: usize = 500;

/// That stack: a level takes up to 30 KiB in a debug build.
const FAR_STACK: usize = 64 << 20;

/// A place in a text, and what was seen up to it.
#[derive(Debug)]
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) options: &'a ParseOptions,
    tokens: Vec<Token>,
    /// For each `(` the index of its `)`.
    closing: Vec<u32>,
    pub(super) next: usize,
    /// How many nested constructs are open.
    depth: usize,
    /// How many may be.
    deepest: usize,
    /// Whether it was too many.
    too_deep: bool,
    /// How tall the tallest tree of the construct is that is being read.
    height: usize,
    /// How many `?` there were.
    parameters: usize,
    /// The first error that is none of syntax: those of syntax come first.
    complaint: Option<Error>,
    unclosed_comment: Option<Span>,
}

/// What [`Parser::enter`] found, for [`Parser::leave`].
pub(super) struct Level(usize);

impl<'a> Parser<'a> {
    fn new(text: &'a str, options: &'a ParseOptions) -> Self {
        let lexed = lex(text);
        let closing = closings(&lexed.tokens);
        Self {
            text,
            options,
            tokens: lexed.tokens,
            closing,
            next: 0,
            depth: 0,
            deepest: NESTING,
            too_deep: false,
            height: 0,
            parameters: 0,
            complaint: None,
            unclosed_comment: lexed.unclosed_comment,
        }
    }

    /// Reads all of a text: on the caller's stack, and where that is too small for it, on a larger one.
    ///
    /// # Errors
    /// Whatever `read` finds, and `PARSE_SYNTAX_ERROR` for what it leaves.
    pub(super) fn read<T: Send>(text: &'a str, options: &'a ParseOptions, read: fn(&mut Self) -> Result<T>) -> Result<T> {
        let mut parser = Self::new(text, options);
        let result = parser.all(read);
        if !parser.too_deep {
            return result;
        }
        std::thread::scope(|scope| {
            let far = move || {
                let mut parser = Parser::new(text, options);
                parser.deepest = FAR_NESTING;
                parser.all(read)
            };
            let thread = std::thread::Builder::new().name("parse".to_owned()).stack_size(FAR_STACK).spawn_scoped(scope, far);
            // Without a thread the first answer stands.
            thread.ok().and_then(|thread| thread.join().ok()).unwrap_or(result)
        })
    }

    fn all<T>(&mut self, read: fn(&mut Self) -> Result<T>) -> Result<T> {
        let blank = self.tokens.len() <= 1;
        let result = read(self).and_then(|value| {
            while self.take_symbol(";") {}
            if self.at_end() { Ok(value) } else { Err(self.extra_input()) }
        });
        match result {
            Err(_) if blank && self.unclosed_comment.is_none() => {
                Err(error("PARSE_EMPTY_STATEMENT", "there is no statement: the text is blank or only a comment").at(0..self.text.len()))
            }
            Err(e) => Err(e),
            Ok(value) => {
                self.check_comment()?;
                self.complaint.take().map_or(Ok(value), Err)
            }
        }
    }

    /// # Errors
    /// `UNCLOSED_BRACKETED_COMMENT`
    pub(super) fn check_comment(&self) -> Result<()> {
        match self.unclosed_comment {
            Some(_) => Err(self.refuse("UNCLOSED_BRACKETED_COMMENT", "a comment has no end: close it with `*/`", self.unclosed_comment)),
            None => Ok(()),
        }
    }

    /// The text may end in a comment without an end: SET takes anything.
    pub(super) fn forgive_comment(&mut self) {
        self.unclosed_comment = None;
    }

    // What comes next.

    /// The next token.
    pub(super) fn peek(&self) -> Token {
        self.peek_at(0)
    }

    /// The token `ahead` of the next.
    pub(super) fn peek_at(&self, ahead: usize) -> Token {
        self.token(self.next + ahead)
    }

    /// A token by its index; the end beyond the last.
    pub(super) fn token(&self, index: usize) -> Token {
        let end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        let last = || self.tokens.last().copied().unwrap_or(Token { kind: TokenKind::End, start: end, end });
        self.tokens.get(index).copied().unwrap_or_else(last)
    }

    /// The index of the next token.
    pub(super) fn index(&self) -> usize {
        self.next
    }

    /// The index of the `)` that belongs to the `(` at `index`.
    pub(super) fn closing(&self, index: usize) -> Option<usize> {
        self.closing.get(index).map(|at| *at as usize).filter(|at| *at > index)
    }

    /// The text of a token.
    pub(super) fn text_of(&self, token: Token) -> &'a str {
        self.text.get(token.start as usize..token.end as usize).unwrap_or("")
    }

    /// The place of what was read since the token at `start`.
    pub(super) fn span_from(&self, start: usize) -> Span {
        let first = self.token(start);
        let last = self.token(self.next.max(start + 1) - 1);
        Span { start: first.start, end: last.end.max(first.start) }
    }

    /// Takes the next token, whatever it is.
    pub(super) fn advance(&mut self) -> Token {
        let token = self.peek();
        if token.kind != TokenKind::End {
            self.next += 1;
        }
        token
    }

    /// Goes to the token at `index`.
    pub(super) fn go_to(&mut self, index: usize) {
        self.next = index.min(self.tokens.len().saturating_sub(1));
    }

    pub(super) fn at_end(&self) -> bool {
        self.peek().kind == TokenKind::End
    }

    /// Whether the statement may end here.
    pub(super) fn at_statement_end(&self) -> bool {
        self.at_end() || self.at_symbol(";")
    }

    pub(super) fn at(&self, keyword: Keyword) -> bool {
        self.peek().keyword() == Some(keyword)
    }

    pub(super) fn at_any(&self, keywords: &[Keyword]) -> bool {
        self.peek().keyword().is_some_and(|own| keywords.contains(&own))
    }

    /// Whether these keywords come next.
    pub(super) fn at_all(&self, keywords: &[Keyword]) -> bool {
        keywords.iter().enumerate().all(|(ahead, keyword)| self.peek_at(ahead).keyword() == Some(*keyword))
    }

    pub(super) fn at_symbol(&self, symbol: &str) -> bool {
        self.peek().is(symbol)
    }

    pub(super) fn take(&mut self, keyword: Keyword) -> bool {
        let found = self.at(keyword);
        if found {
            self.next += 1;
        }
        found
    }

    /// Takes one of the keywords.
    pub(super) fn take_any(&mut self, keywords: &[Keyword]) -> Option<Keyword> {
        let found = self.peek().keyword().filter(|own| keywords.contains(own));
        if found.is_some() {
            self.next += 1;
        }
        found
    }

    /// Takes the keywords if all of them come next.
    pub(super) fn take_all(&mut self, keywords: &[Keyword]) -> bool {
        let found = self.at_all(keywords);
        if found {
            self.next += keywords.len();
        }
        found
    }

    pub(super) fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.at_symbol(symbol);
        if found {
            self.next += 1;
        }
        found
    }

    pub(super) fn expect(&mut self, keyword: Keyword) -> Result<()> {
        if self.take(keyword) { Ok(()) } else { Err(self.unexpected(&format!("{} is missing", keyword.word()))) }
    }

    pub(super) fn expect_all(&mut self, keywords: &[Keyword]) -> Result<()> {
        keywords.iter().try_for_each(|keyword| self.expect(*keyword))
    }

    pub(super) fn expect_any(&mut self, keywords: &[Keyword]) -> Result<Keyword> {
        let words = || keywords.iter().map(|k| k.word()).collect::<Vec<_>>().join(" or ");
        self.take_any(keywords).ok_or_else(|| self.unexpected(&format!("{} is missing", words())))
    }

    pub(super) fn expect_symbol(&mut self, symbol: &str) -> Result<()> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.unexpected(&format!("`{symbol}` is missing"))) }
    }

    /// Takes the `>` of a type: the first half of a `>>` too.
    pub(super) fn expect_type_end(&mut self) -> Result<()> {
        let token = self.peek();
        let rest = match token.kind {
            TokenKind::Symbol(">>") => ">",
            TokenKind::Symbol(">>>") => ">>",
            _ => return self.expect_symbol(">"),
        };
        if let Some(slot) = self.tokens.get_mut(self.next) {
            *slot = Token { kind: TokenKind::Symbol(rest), start: token.start + 1, end: token.end };
        }
        Ok(())
    }

    // Errors.

    /// What stands here fits nothing.
    pub(super) fn syntax_error(&self) -> Error {
        self.unexpected("nothing that may stand here")
    }

    /// What stands here does not fit, and why.
    pub(super) fn unexpected(&self, why: &str) -> Error {
        self.syntax_error_at(self.next, "", why)
    }

    /// What stands behind the end of the statement.
    fn extra_input(&self) -> Error {
        let next = self.peek_at(1);
        let lone = next.kind == TokenKind::End || next.is(";");
        let shown = self.shown(self.next);
        let hint = if lone { format!(": extra input {shown}") } else { String::new() };
        self.syntax_error_at(self.next, &hint, "the statement ends before it")
    }

    fn shown(&self, index: usize) -> String {
        let token = self.token(index);
        if token.kind == TokenKind::End { "end of input".to_owned() } else { format!("'{}'", self.text_of(token)) }
    }

    fn syntax_error_at(&self, index: usize, hint: &str, why: &str) -> Error {
        let shown = self.shown(index);
        let message = format!("the statement cannot be read at {shown}: {why}");
        let span = self.token(index).span();
        let e = error("PARSE_SYNTAX_ERROR", message).with_parameter("error", shown).with_parameter("hint", hint);
        at(e, Some(span))
    }

    /// An error with its place.
    pub(super) fn refuse(&self, condition: &'static str, message: impl std::fmt::Display, span: Option<Span>) -> Error {
        at(error(condition, message), span)
    }

    /// Notes an error that is none of syntax; it is raised if there is none of syntax.
    pub(super) fn complain(&mut self, e: Error) {
        self.complaint.get_or_insert(e);
    }

    /// Notes an error about what was read since the token at `start`.
    pub(super) fn complain_from(&mut self, start: usize, condition: &'static str, message: impl std::fmt::Display) {
        if self.complaint.is_none() {
            let e = self.refuse(condition, message, Some(self.span_from(start)));
            self.complaint = Some(e);
        }
    }

    /// Something that Spark's grammar takes and Spark does not do.
    pub(super) fn not_allowed(&mut self, start: usize, message: impl std::fmt::Display) {
        self.complain_from(start, "_LEGACY_ERROR_TEMP_0035", message);
    }

    /// A statement or a clause that Spark's grammar takes and Spark does not do.
    pub(super) fn invalid_statement(&mut self, start: usize, what: &str) {
        self.complain_from(start, "INVALID_STATEMENT_OR_CLAUSE", format!("Spark does not do `{what}`: leave it out"));
    }

    // Depth.

    /// Goes one level deeper.
    ///
    /// # Errors
    /// `FAILED_TO_PARSE_TOO_COMPLEX` where that is too deep.
    pub(super) fn enter(&mut self) -> Result<Level> {
        if self.depth >= self.deepest {
            self.too_deep = true;
            return Err(self.too_complex());
        }
        self.depth += 1;
        Ok(Level(std::mem::take(&mut self.height)))
    }

    /// Comes back from a level.
    ///
    /// # Errors
    /// `FAILED_TO_PARSE_TOO_COMPLEX` where its tree is too tall.
    pub(super) fn leave(&mut self, level: Level) -> Result<()> {
        self.depth = self.depth.saturating_sub(1);
        self.grow(1)?;
        self.height = self.height.max(level.0);
        Ok(())
    }

    /// Begins a tree beside the one that was read: what it returns goes to [`Self::end_beside`].
    pub(super) fn begin_beside(&mut self) -> Level {
        Level(std::mem::take(&mut self.height))
    }

    /// Ends a tree beside another: the taller one counts.
    pub(super) fn end_beside(&mut self, level: Level) {
        self.height = self.height.max(level.0);
    }

    /// The tree grows by so many nodes on top.
    ///
    /// # Errors
    /// `FAILED_TO_PARSE_TOO_COMPLEX` where it becomes too tall.
    pub(super) fn grow(&mut self, by: usize) -> Result<()> {
        self.height += by;
        if self.height > MAX_HEIGHT { Err(self.too_complex()) } else { Ok(()) }
    }

    /// The same for relations, each of which stands for two nodes.
    ///
    /// # Errors
    /// As [`Self::grow`].
    pub(super) fn grow_relation(&mut self, by: usize) -> Result<()> {
        self.grow(2 * by)
    }

    fn too_complex(&self) -> Error {
        at(too_complex(), Some(self.peek().span()))
    }

    /// The number of the next `?`.
    pub(super) fn next_parameter(&mut self) -> usize {
        self.parameters += 1;
        self.parameters - 1
    }
}

/// Whether an expression is that one word.
pub(super) fn is_word(e: &Expression, word: &str) -> bool {
    match &e.kind {
        ExpressionKind::UnresolvedAttribute { name, .. } => matches!(name.as_slice(), [own] if own.eq_ignore_ascii_case(word)),
        _ => false,
    }
}

/// A text without so many bytes at its beginning, and without its last byte.
pub(super) fn inner(text: &str, prefix: usize) -> &str {
    text.get(prefix..text.len().saturating_sub(1)).unwrap_or("")
}

fn closings(tokens: &[Token]) -> Vec<u32> {
    let mut closing = vec![0; tokens.len()];
    let mut open = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if token.is("(") {
            open.push(index);
        } else if token.is(")")
            && let Some(from) = open.pop()
            && let Some(slot) = closing.get_mut(from)
        {
            *slot = u32::try_from(index).unwrap_or(0);
        }
    }
    closing
}
