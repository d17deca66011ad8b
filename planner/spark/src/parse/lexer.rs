//! Text into tokens: words, names, numbers, strings and symbols, each with its place; blanks and comments fall away.

use super::keywords::Keyword;
use crate::plan::Span;

/// A token and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: TokenKind,
    /// Its first byte.
    pub(super) start: u32,
    /// One past its last byte.
    pub(super) end: u32,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A word of the grammar.
    Keyword(Keyword),
    /// Any other word, one of letters that no name may have, or a path as in `s3://a/b`.
    Word,
    /// `` `name` ``
    BackQuoted,
    /// `'text'`, `r'text'`, `r"text"`
    String,
    /// `"text"`: a string or a name
    DoubleQuoted,
    /// `1`
    Integer,
    /// `1L`
    Long,
    /// `1S`
    Short,
    /// `1Y`
    Byte,
    /// `1e2`
    Exponent,
    /// `1.5`
    Decimal,
    /// `1F`
    Float,
    /// `1D`
    Double,
    /// `1BD`
    BigDecimal,
    /// `$tag$ text $tag$`
    Dollar,
    /// An operator or a mark; `==` is `=`, `!>` is `<=`, `!<` is `>=`.
    Symbol(&'static str),
    /// Anything else.
    Unknown,
    /// The end of the text.
    End,
}

/// All tokens of a text.
#[derive(Debug)]
pub(super) struct Tokens {
    /// The tokens; the last one is [`TokenKind::End`].
    pub(super) tokens: Vec<Token>,
    /// Where a comment begins that has no end.
    pub(super) unclosed_comment: Option<Span>,
}

impl Token {
    /// Its place.
    pub(super) fn span(self) -> Span {
        Span { start: self.start, end: self.end }
    }

    /// Whether it is that mark.
    pub(super) fn is(self, symbol: &str) -> bool {
        matches!(self.kind, TokenKind::Symbol(own) if own == symbol)
    }

    /// The keyword that it is.
    pub(super) fn keyword(self) -> Option<Keyword> {
        match self.kind {
            TokenKind::Keyword(keyword) => Some(keyword),
            _ => None,
        }
    }

    /// Whether it is a number.
    pub(super) fn is_number(self) -> bool {
        use TokenKind as T;
        matches!(self.kind, T::Integer | T::Long | T::Short | T::Byte | T::Exponent | T::Decimal | T::Float | T::Double | T::BigDecimal)
    }
}

/// The marks, longest first; the second is the name that the parser knows.
const SYMBOLS: &[(&str, &str)] = &[
    ("/*+", "/*+"),
    ("<=>", "<=>"),
    (">>>", ">>>"),
    ("==", "="),
    ("<>", "<>"),
    ("!=", "!="),
    ("<=", "<="),
    ("!>", "<="),
    (">=", ">="),
    ("!<", ">="),
    ("<<", "<<"),
    (">>", ">>"),
    ("||", "||"),
    ("|>", "|>"),
    ("::", "::"),
    ("->", "->"),
    ("=>", "=>"),
    ("*/", "*/"),
    (";", ";"),
    ("(", "("),
    (")", ")"),
    (",", ","),
    (".", "."),
    ("[", "["),
    ("]", "]"),
    ("!", "!"),
    ("=", "="),
    ("<", "<"),
    (">", ">"),
    ("+", "+"),
    ("-", "-"),
    ("*", "*"),
    ("/", "/"),
    ("%", "%"),
    ("~", "~"),
    ("&", "&"),
    ("|", "|"),
    ("^", "^"),
    (":", ":"),
    ("?", "?"),
];

/// The tokens of `text`.
pub(super) fn lex(text: &str) -> Tokens {
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0, unclosed_comment: None, open: [false; 2], lost_tags: 0 };
    let mut tokens = Vec::with_capacity(text.len() / 4 + 1);
    loop {
        lexer.skip_blanks();
        let start = lexer.at;
        let kind = lexer.next();
        let span = Span::new(start, lexer.at);
        tokens.push(Token { kind, start: span.start, end: span.end });
        if kind == TokenKind::End {
            return Tokens { tokens, unclosed_comment: lexer.unclosed_comment };
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    unclosed_comment: Option<Span>,
    /// Whether a `'` and a `"` was found that has no end: then no later one has.
    open: [bool; 2],
    /// How many `$tag$` had no end.
    lost_tags: usize,
}

/// How many `$tag$` without an end are looked for: each costs a walk to the end of the text.
const MOST_LOST_TAGS: usize = 16;

impl Lexer<'_> {
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    fn rest(&self, at: usize) -> &str {
        self.text.get(at..).unwrap_or("")
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.byte(self.at) {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => self.at += 1,
                b'-' if self.byte(self.at + 1) == b'-' => self.skip_line(),
                b'/' if self.byte(self.at + 1) == b'*' && self.byte(self.at + 2) != b'+' => self.skip_comment(),
                0x80.. => match self.rest(self.at).chars().next() {
                    Some(c) if is_blank(c) => self.at += c.len_utf8(),
                    _ => return,
                },
                _ => return,
            }
        }
    }

    /// `-- …`, which a backslash before the line's end carries on to the next line.
    fn skip_line(&mut self) {
        while self.at < self.bytes.len() {
            match self.byte(self.at) {
                b'\n' => {
                    self.at += 1;
                    return;
                }
                b'\\' if self.byte(self.at + 1) == b'\n' => self.at += 2,
                _ => self.at += 1,
            }
        }
    }

    /// `/* … /* … */ … */`
    fn skip_comment(&mut self) {
        let start = self.at;
        let mut depth = 1_usize;
        self.at += 2;
        while self.at < self.bytes.len() {
            if self.byte(self.at) == b'*' && self.byte(self.at + 1) == b'/' {
                self.at += 2;
                depth -= 1;
                if depth == 0 {
                    return;
                }
            } else if self.byte(self.at) == b'/' && self.byte(self.at + 1) == b'*' && self.byte(self.at + 2) != b'+' {
                self.at += 2;
                depth += 1;
            } else {
                self.at += 1;
            }
        }
        self.at = self.bytes.len();
        self.unclosed_comment = Some(Span::new(start, self.at));
    }

    fn next(&mut self) -> TokenKind {
        let first = self.byte(self.at);
        match first {
            _ if self.at >= self.bytes.len() => TokenKind::End,
            b'\'' | b'"' => self.string(first),
            b'`' => self.back_quoted(),
            b'r' | b'R' if matches!(self.byte(self.at + 1), b'\'' | b'"') => self.raw(),
            b'0'..=b'9' => self.number_or_word(),
            b'.' if self.byte(self.at + 1).is_ascii_digit() => self.number_or_word(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(),
            b'$' => self.dollar(),
            0x80.. => match self.rest(self.at).chars().next() {
                Some(c) if c.is_alphabetic() => self.word(),
                _ => self.unknown(),
            },
            _ => {
                for (symbol, name) in SYMBOLS {
                    if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(symbol.as_bytes())) {
                        self.at += symbol.len();
                        return TokenKind::Symbol(name);
                    }
                }
                self.unknown()
            }
        }
    }

    fn unknown(&mut self) -> TokenKind {
        self.at += self.rest(self.at).chars().next().map_or(1, char::len_utf8);
        TokenKind::Unknown
    }

    fn string(&mut self, quote: u8) -> TokenKind {
        let which = usize::from(quote == b'"');
        let found = if self.open.get(which) == Some(&true) { None } else { self.quoted(self.at, quote) };
        found.unwrap_or_else(|| {
            if let Some(open) = self.open.get_mut(which) {
                *open = true;
            }
            self.unknown()
        })
    }

    /// A string from `at`; a backslash takes the next character along, and a quote twice is one.
    fn quoted(&mut self, from: usize, quote: u8) -> Option<TokenKind> {
        let mut at = from + 1;
        loop {
            let found = memchr::memchr2(quote, b'\\', self.bytes.get(at..)?)?;
            at += found;
            if self.byte(at) == b'\\' {
                at += 1 + self.rest(at + 1).chars().next()?.len_utf8();
            } else if self.byte(at + 1) == quote {
                at += 2;
            } else {
                self.at = at + 1;
                return Some(if quote == b'"' { TokenKind::DoubleQuoted } else { TokenKind::String });
            }
        }
    }

    fn raw(&mut self) -> TokenKind {
        let quote = self.byte(self.at + 1);
        match memchr::memchr(quote, self.bytes.get(self.at + 2..).unwrap_or(&[])) {
            Some(length) => {
                self.at += length + 3;
                TokenKind::String
            }
            None => self.word(),
        }
    }

    fn back_quoted(&mut self) -> TokenKind {
        let mut at = self.at + 1;
        while let Some(found) = memchr::memchr(b'`', self.bytes.get(at..).unwrap_or(&[])) {
            at += found + 1;
            if self.byte(at) != b'`' {
                self.at = at;
                return TokenKind::BackQuoted;
            }
            at += 1;
        }
        self.unknown()
    }

    fn dollar(&mut self) -> TokenKind {
        let rest = self.rest(self.at);
        let tag_end = rest.get(1..).and_then(|r| r.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')).map_or(0, |end| end + 1);
        if tag_end == 0 || self.byte(self.at + tag_end) != b'$' || self.lost_tags >= MOST_LOST_TAGS {
            return self.unknown();
        }
        let tag = &rest[..=tag_end];
        match rest[tag.len()..].find(tag) {
            Some(body) => {
                self.at += 2 * tag.len() + body;
                TokenKind::Dollar
            }
            None => {
                self.lost_tags += 1;
                self.unknown()
            }
        }
    }

    /// The end of the letters, digits and underscores from `from`.
    fn word_end(&self, from: usize) -> usize {
        let ascii = self.bytes[from.min(self.bytes.len())..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        let end = from + ascii;
        if self.byte(end) < 0x80 {
            return end;
        }
        let rest = self.rest(end);
        end + rest.find(|c: char| !(c.is_alphabetic() || c.is_ascii_digit() || c == '_')).unwrap_or(rest.len())
    }

    fn word(&mut self) -> TokenKind {
        let start = self.at;
        self.at = self.word_end(start);
        let word = self.text.get(start..self.at).unwrap_or("");
        if self.rest(self.at).starts_with("://") && word.chars().all(char::is_alphabetic) {
            let tail = self.rest(self.at + 3);
            let is_path = |c: char| c.is_alphabetic() || c.is_ascii_digit() || "_/-.?=&#%".contains(c);
            let length = tail.find(|c: char| !is_path(c)).unwrap_or(tail.len());
            if length > 0 {
                self.at += 3 + length;
                return TokenKind::Word;
            }
        }
        Keyword::of(word).map_or(TokenKind::Word, TokenKind::Keyword)
    }

    /// The longest number or word from here.
    fn number_or_word(&mut self) -> TokenKind {
        let start = self.at;
        let digits = |from: usize| from + self.bytes[from.min(self.bytes.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
        let whole_end = digits(start);
        let mut best: Option<(usize, TokenKind)> = None;
        let mut offer = |end: usize, kind: TokenKind| {
            if best.is_none_or(|(longest, _)| end > longest) {
                best = Some((end, kind));
            }
        };
        if whole_end > start {
            offer(whole_end, TokenKind::Integer);
            self.suffixes(whole_end, false, &mut offer);
            match self.byte(whole_end).to_ascii_uppercase() {
                b'L' => offer(whole_end + 1, TokenKind::Long),
                b'S' => offer(whole_end + 1, TokenKind::Short),
                b'Y' => offer(whole_end + 1, TokenKind::Byte),
                _ => (),
            }
        }
        if self.byte(whole_end) == b'.' {
            let fraction_end = digits(whole_end + 1);
            if whole_end > start || fraction_end > whole_end + 1 {
                if self.ends_number(fraction_end) {
                    offer(fraction_end, TokenKind::Decimal);
                }
                self.suffixes(fraction_end, true, &mut offer);
            }
        }
        let word_end = self.word_end(start);
        match best {
            Some((end, kind)) if end >= word_end => {
                self.at = end;
                kind
            }
            _ if word_end > start => {
                self.at = word_end;
                TokenKind::Word
            }
            _ => {
                self.at += 1;
                TokenKind::Symbol(".")
            }
        }
    }

    /// What may follow the digits: an exponent, and the letters of a type.
    fn suffixes(&self, from: usize, has_point: bool, offer: &mut impl FnMut(usize, TokenKind)) {
        let allowed = |end: usize| !has_point || self.ends_number(end);
        let exponent_end = self.exponent_end(from);
        if let Some(end) = exponent_end
            && allowed(end)
        {
            offer(end, TokenKind::Exponent);
        }
        for end in [Some(from), exponent_end].into_iter().flatten() {
            let (kind, length) = match (self.byte(end).to_ascii_uppercase(), self.byte(end + 1).to_ascii_uppercase()) {
                (b'B', b'D') => (TokenKind::BigDecimal, 2),
                (b'D', _) => (TokenKind::Double, 1),
                (b'F', _) => (TokenKind::Float, 1),
                _ => continue,
            };
            if allowed(end + length) {
                offer(end + length, kind);
            }
        }
    }

    fn exponent_end(&self, from: usize) -> Option<usize> {
        if !self.byte(from).eq_ignore_ascii_case(&b'e') {
            return None;
        }
        let digits = if matches!(self.byte(from + 1), b'+' | b'-') { from + 2 } else { from + 1 };
        let length = self.bytes.get(digits..)?.iter().take_while(|b| b.is_ascii_digit()).count();
        (length > 0).then_some(digits + length)
    }

    /// Whether a number with a point may end here: not before a letter, a digit or an underscore.
    fn ends_number(&self, at: usize) -> bool {
        let next = self.byte(at);
        !(next.is_ascii_alphanumeric() || next == b'_')
    }
}

/// Blanks beyond ASCII.
fn is_blank(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let tokens = lex(text).tokens;
        let kind = |token: &Token| match token.kind {
            TokenKind::Keyword(keyword) => keyword.word().to_owned(),
            TokenKind::Symbol(symbol) => symbol.to_owned(),
            other => format!("{other:?}<{}>", token.span().of(text)),
        };
        tokens.iter().take(tokens.len() - 1).map(kind).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn tokens() {
        let cases = [
            ("select a1", "SELECT Word<a1>"),
            ("1 1L 1s 1Y 1e5 1e+5 1.5 .5 1. 1f 1D 1bd 1.5e3bd", {
                "Integer<1> Long<1L> Short<1s> Byte<1Y> Exponent<1e5> Exponent<1e+5> Decimal<1.5> Decimal<.5> Decimal<1.> \
                 Float<1f> Double<1D> BigDecimal<1bd> BigDecimal<1.5e3bd>"
            }),
            ("1a 1e 2.3W 2.3_ t.1a", "Word<1a> Word<1e> Integer<2> . Word<3W> Integer<2> . Word<3_> Word<t> . Word<1a>"),
            ("34.E2+0.12", "Exponent<34.E2> + Decimal<0.12>"),
            ("'a''b' 'a\\'b' r'a\\' \"x\" `a``b`", "String<'a''b'> String<'a\\'b'> String<r'a\\'> DoubleQuoted<\"x\"> BackQuoted<`a``b`>"),
            ("'none", "Unknown<'> NONE"),
            ("a -- x\nb /* c /* d */ e */ f", "Word<a> Word<b> Word<f>"),
            ("/*+ a */", "/*+ Word<a> */"),
            ("a<=>b == c !> d >>> e |> f || g", "Word<a> <=> Word<b> = Word<c> <= Word<d> >>> Word<e> |> Word<f> || Word<g>"),
            ("s3://a/b.c x:y", "Word<s3> : / / Word<a> / Word<b> . Word<c> X : Word<y>"),
            ("gs://a/b.c", "Word<gs://a/b.c>"),
            ("größe €", "Word<größe> Unknown<€>"),
            ("$$ a $$ $t$ b $t$ $x", "Dollar<$$ a $$> Dollar<$t$ b $t$> Unknown<$> X"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
        assert_eq!(lex("a /* b /* c */").unclosed_comment, Some(Span { start: 2, end: 14 }));
    }
}
