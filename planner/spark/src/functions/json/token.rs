//! JSON token by token, with the liberties that Jackson allows: single quotes, comments, NaN and others, each by option.

/// What stands at a place of JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    StartObject,
    EndObject,
    StartArray,
    EndArray,
    /// A field's name; its value is the next token.
    Name,
    Text,
    /// A whole number.
    Int,
    /// A number with a fraction or an exponent, and NaN and infinities.
    Float,
    True,
    False,
    Null,
}

/// Why text is no JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) String);

/// What is allowed besides JSON.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Liberties {
    /// `'text'`
    pub(super) single_quotes: bool,
    /// Control characters in text.
    pub(super) control_characters: bool,
    /// `{a: 1}`
    pub(super) unquoted_names: bool,
    /// `007`
    pub(super) leading_zeros: bool,
    /// `NaN`, `Infinity`, `-INF`
    pub(super) non_numeric: bool,
    /// `/* */`, `//`
    pub(super) comments: bool,
    /// `\x`
    pub(super) any_escape: bool,
}

impl Liberties {
    /// Those of functions without options.
    pub(super) const SHARED: Self = Self {
        single_quotes: true,
        control_characters: true,
        unquoted_names: false,
        leading_zeros: false,
        non_numeric: false,
        comments: false,
        any_escape: false,
    };
}

/// How deep objects and arrays may stand in one another.
const MAX_DEPTH: usize = 1000;
/// How long a number may be.
const MAX_NUMBER: usize = 1000;

#[derive(Debug)]
struct Level {
    object: bool,
    /// Whether something stands in it already.
    begun: bool,
    /// The field that is being read.
    name: Option<String>,
}

/// Reads tokens.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    liberties: Liberties,
    levels: Vec<Level>,
    current: Option<Token>,
    /// The text of the current name, text or number.
    value: String,
}

type Read<T> = std::result::Result<T, Malformed>;

impl<'a> Reader<'a> {
    /// At the beginning of the text.
    pub(super) fn new(text: &'a str, liberties: Liberties) -> Self {
        Self { text, at: 0, liberties, levels: Vec::new(), current: None, value: String::new() }
    }

    /// The current token.
    pub(super) fn current(&self) -> Option<Token> {
        self.current
    }

    /// The text of the current name, text or number.
    pub(super) fn value(&self) -> &str {
        &self.value
    }

    /// The name of the field that the current token is the name or the value of.
    pub(super) fn name(&self) -> Option<&str> {
        let level = match self.current {
            Some(Token::StartObject | Token::StartArray) => self.levels.len().checked_sub(2).and_then(|at| self.levels.get(at)),
            _ => self.levels.last(),
        };
        level.and_then(|level| level.name.as_deref())
    }

    /// Goes to the next token; `None` at the end of the text.
    pub(super) fn next(&mut self) -> Read<Option<Token>> {
        self.current = self.advance()?;
        Ok(self.current)
    }

    /// Goes to the next token, and says whether it is another one than `end`; the end of the text is `end` too.
    pub(super) fn next_until(&mut self, end: Token) -> Read<bool> {
        Ok(self.next()?.is_some_and(|token| token != end))
    }

    /// Goes to the end of the object or array that begins here.
    pub(super) fn skip_children(&mut self) -> Read<()> {
        if !matches!(self.current, Some(Token::StartObject | Token::StartArray)) {
            return Ok(());
        }
        let depth = self.levels.len();
        while self.levels.len() >= depth {
            if self.next()?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn advance(&mut self) -> Read<Option<Token>> {
        self.skip_blanks()?;
        let Some(next) = self.peek() else {
            return if self.levels.is_empty() { Ok(None) } else { Err(self.wrong("the text ends in the middle of a value")) };
        };
        if self.current == Some(Token::Name) {
            return self.token(next).map(Some);
        }
        let Some(level) = self.levels.last_mut() else { return self.token(next).map(Some) };
        let (object, begun) = (level.object, level.begun);
        let close = if object { '}' } else { ']' };
        if next == close {
            self.at += 1;
            self.levels.pop();
            return Ok(Some(if object { Token::EndObject } else { Token::EndArray }));
        }
        let mut next = next;
        if begun {
            if next != ',' {
                return Err(self.wrong(&format!("a comma or `{close}` is missing")));
            }
            self.at += 1;
            self.skip_blanks()?;
            next = self.peek().ok_or_else(|| self.wrong("the text ends in the middle of a value"))?;
        }
        if let Some(level) = self.levels.last_mut() {
            level.begun = true;
        }
        if !object {
            return self.token(next).map(Some);
        }
        self.field_name(next)?;
        self.skip_blanks()?;
        if self.peek() != Some(':') {
            return Err(self.wrong("a colon is missing after a field's name"));
        }
        self.at += 1;
        if let Some(level) = self.levels.last_mut() {
            level.name = Some(self.value.clone());
        }
        Ok(Some(Token::Name))
    }

    fn token(&mut self, next: char) -> Read<Token> {
        match next {
            '{' | '[' => {
                self.at += 1;
                if self.levels.len() >= MAX_DEPTH {
                    return Err(self.wrong(&format!("values stand in one another more than {MAX_DEPTH} deep")));
                }
                self.levels.push(Level { object: next == '{', begun: false, name: None });
                Ok(if next == '{' { Token::StartObject } else { Token::StartArray })
            }
            '"' => self.quoted('"'),
            '\'' if self.liberties.single_quotes => self.quoted('\''),
            't' => self.word("true", Token::True),
            'f' => self.word("false", Token::False),
            'n' => self.word("null", Token::Null),
            'N' if self.liberties.non_numeric => self.word("NaN", Token::Float),
            'I' if self.liberties.non_numeric => self.word("Infinity", Token::Float),
            '-' | '0'..='9' => self.number(),
            '+' if self.liberties.non_numeric => self.number(),
            _ => Err(self.wrong("no value begins here")),
        }
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..).and_then(|rest| rest.chars().next())
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn wrong(&self, why: &str) -> Malformed {
        Malformed(format!("{why} (at byte {})", self.at))
    }

    fn skip_blanks(&mut self) -> Read<()> {
        loop {
            let rest = self.rest();
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
            self.at += blanks;
            let rest = self.rest();
            if !self.liberties.comments || !rest.starts_with('/') {
                return Ok(());
            }
            if let Some(comment) = rest.strip_prefix("/*") {
                let end = comment.find("*/").ok_or_else(|| self.wrong("a comment does not end"))?;
                self.at += end + 4;
            } else if rest.starts_with("//") {
                self.at += rest.find(['\n', '\r']).unwrap_or(rest.len());
            } else {
                return Err(self.wrong("a comment begins with `/*` or `//`"));
            }
        }
    }

    fn field_name(&mut self, next: char) -> Read<()> {
        match next {
            '"' => self.quoted('"').map(|_| ()),
            '\'' if self.liberties.single_quotes => self.quoted('\'').map(|_| ()),
            c if self.liberties.unquoted_names && (c.is_alphabetic() || c == '_' || c == '$' || c == '@' || c == '-') => {
                let rest = self.rest();
                let end = rest.find(|c: char| !(c.is_alphanumeric() || "_$@-#*+".contains(c))).unwrap_or(rest.len());
                rest.get(..end).unwrap_or_default().clone_into(&mut self.value);
                self.at += end;
                Ok(())
            }
            _ => Err(self.wrong("a field's name stands between double quotes")),
        }
    }

    fn word(&mut self, word: &str, token: Token) -> Read<Token> {
        let rest = self.rest();
        let whole = rest.strip_prefix(word).is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$'));
        if !whole {
            return Err(self.wrong(&format!("`{word}` is misspelt")));
        }
        self.at += word.len();
        word.clone_into(&mut self.value);
        Ok(token)
    }

    fn number(&mut self) -> Read<Token> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let negative = bytes.first() == Some(&b'-');
        let signed = negative || bytes.first() == Some(&b'+');
        let begin = usize::from(signed);
        if signed && self.liberties.non_numeric {
            for word in ["Infinity", "INF"] {
                if rest.get(begin..).is_some_and(|rest| rest.starts_with(word)) {
                    self.at += begin + word.len();
                    self.value = format!("{}Infinity", if negative { "-" } else { "" });
                    return Ok(Token::Float);
                }
            }
        }
        let digits = |from: usize| bytes.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
        let whole = digits(begin);
        if whole == 0 || bytes.first() == Some(&b'+') {
            return Err(self.wrong("a number has a digit after its sign"));
        }
        if whole > 1 && bytes.get(begin) == Some(&b'0') && !self.liberties.leading_zeros {
            return Err(self.wrong("a number does not begin with 0"));
        }
        let mut end = begin + whole;
        let mut token = Token::Int;
        if bytes.get(end) == Some(&b'.') {
            let fraction = digits(end + 1);
            if fraction == 0 {
                return Err(self.wrong("a digit is missing after the point"));
            }
            end += 1 + fraction;
            token = Token::Float;
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end + 1 + sign);
            if exponent == 0 {
                return Err(self.wrong("a digit is missing in the exponent"));
            }
            end += 1 + sign + exponent;
            token = Token::Float;
        }
        if end > MAX_NUMBER {
            return Err(self.wrong(&format!("a number has more than {MAX_NUMBER} characters")));
        }
        // Elsewhere the next token sees to what follows.
        let alone = self.levels.is_empty();
        if alone && bytes.get(end).is_some_and(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {
            return Err(self.wrong("a number is followed by something else"));
        }
        rest.get(..end).unwrap_or_default().clone_into(&mut self.value);
        self.at += end;
        Ok(token)
    }

    fn quoted(&mut self, quote: char) -> Read<Token> {
        self.at += 1;
        self.value.clear();
        loop {
            let rest = self.rest();
            let plain = rest.find(|c: char| c == quote || c == '\\' || c < ' ').unwrap_or(rest.len());
            self.value.push_str(rest.get(..plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                None => return Err(self.wrong("text does not end")),
                Some(c) if c == quote => {
                    self.at += 1;
                    return Ok(Token::Text);
                }
                Some('\\') => {
                    self.at += 1;
                    self.escape()?;
                }
                Some(c) if self.liberties.control_characters => {
                    self.value.push(c);
                    self.at += c.len_utf8();
                }
                Some(_) => return Err(self.wrong("text has a control character: write it as an escape")),
            }
        }
    }

    fn escape(&mut self) -> Read<()> {
        let c = self.peek().ok_or_else(|| self.wrong("text does not end"))?;
        self.at += c.len_utf8();
        let plain = match c {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '"' | '/' | '\\' => c,
            '\'' if self.liberties.single_quotes => c,
            'u' => {
                let unit = self.hex()?;
                return self.unit(unit);
            }
            c if self.liberties.any_escape => c,
            _ => return Err(self.wrong("no such escape")),
        };
        self.value.push(plain);
        Ok(())
    }

    fn hex(&mut self) -> Read<u32> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let value = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or_else(|| self.wrong("`\\u` has four digits"))?;
        self.at += 4;
        Ok(value)
    }

    /// A unit of UTF-16; half of a pair alone is shown as a question mark.
    fn unit(&mut self, unit: u32) -> Read<()> {
        if (0xd800..0xdc00).contains(&unit) && self.rest().starts_with("\\u") {
            let before = self.at;
            self.at += 2;
            let low = self.hex()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                self.value.push(char::from_u32(code).unwrap_or('?'));
                return Ok(());
            }
            self.at = before;
        }
        self.value.push(char::from_u32(unit).unwrap_or('?'));
        Ok(())
    }
}
