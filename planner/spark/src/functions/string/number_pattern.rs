//! The patterns of `to_number` and `to_char`: what they are made of, how text is read by them, and how numbers are written.

use super::fill;
use crate::error::error;
use crate::{Error, Result};

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// Digits in groups, parted by thousands separators.
    Digits(Vec<Part>),
    Point,
    Dollar,
    /// `S`
    PlusOrMinus,
    /// `MI`
    Minus,
    /// `PR`, before the number
    OpenBracket,
    /// `PR`, behind it
    CloseBracket,
    Unknown(char),
}

/// A piece of a run of digits.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    /// So many digits; `exact` where it begins with 0 before the point.
    Group {
        count: usize,
        exact: bool,
    },
    Separator,
}

/// A pattern that was read.
#[derive(Debug, Clone)]
pub(super) struct NumberPattern {
    text: String,
    tokens: Vec<Token>,
}

impl Token {
    fn name(&self) -> String {
        match self {
            Self::Digits(_) => "digit sequence".to_owned(),
            Self::Point => ". or D".to_owned(),
            Self::Dollar => "$".to_owned(),
            Self::PlusOrMinus => "S".to_owned(),
            Self::Minus => "MI".to_owned(),
            Self::OpenBracket | Self::CloseBracket => "PR".to_owned(),
            Self::Unknown(c) => format!("character `{c}`"),
        }
    }

    fn digits(&self) -> usize {
        match self {
            Self::Digits(parts) => parts.iter().map(|part| if let Part::Group { count, .. } = part { *count } else { 0 }).sum(),
            _ => 0,
        }
    }
}

impl NumberPattern {
    /// A pattern, without regard to case.
    ///
    /// # Errors
    /// `INVALID_FORMAT.*`
    pub(super) fn new(text: &str) -> Result<Self> {
        let text = text.to_uppercase();
        let tokens = tokens(&text);
        let pattern = Self { text, tokens };
        pattern.check()?;
        Ok(pattern)
    }

    /// How many digits it has, and how many of them behind the point.
    pub(super) fn digits(&self) -> (usize, usize) {
        let point = self.tokens.iter().position(|token| *token == Token::Point).unwrap_or(self.tokens.len());
        let behind = self.tokens.iter().skip(point).map(Token::digits).sum();
        (self.tokens.iter().map(Token::digits).sum(), behind)
    }

    fn refuse(&self, condition: &'static str, problem: &str) -> Error {
        error(condition, format!("the number format '{}' is invalid: {problem}", self.text))
    }

    fn check(&self) -> Result<()> {
        let place = |wanted: &dyn Fn(&Token) -> bool| self.tokens.iter().position(wanted);
        let is_digits = |token: &Token| matches!(token, Token::Digits(_));
        if self.text.is_empty() {
            return Err(self.refuse("INVALID_FORMAT.EMPTY", "it is empty; write digits such as 999"));
        }
        let Some(first_digit) = place(&is_digits) else {
            return Err(self.refuse("INVALID_FORMAT.WRONG_NUM_DIGIT", "it has no digits; write 0 or 9 for them"));
        };
        let dollar = place(&|token| *token == Token::Dollar);
        let point = place(&|token| *token == Token::Point);
        if dollar.is_some_and(|dollar| first_digit < dollar) {
            return Err(self.refuse("INVALID_FORMAT.CUR_MUST_BEFORE_DIGIT", "the $ stands behind digits; put it before them"));
        }
        if dollar.is_some_and(|dollar| point.is_some_and(|point| point < dollar)) {
            return Err(self.refuse("INVALID_FORMAT.CUR_MUST_BEFORE_DEC", "the $ stands behind the point; put it before"));
        }
        for (at, token) in self.tokens.iter().enumerate() {
            let Token::Digits(parts) = token else { continue };
            let behind = point.is_some_and(|point| at > point);
            let edge = [parts.first(), parts.last()].contains(&Some(&Part::Separator));
            let double = parts.windows(2).any(|pair| pair == [Part::Separator; 2]);
            if !behind && (edge || double) {
                let problem = "a thousands separator needs digits on both sides";
                return Err(self.refuse("INVALID_FORMAT.CONT_THOUSANDS_SEPS", problem));
            }
            if behind && parts.contains(&Part::Separator) {
                let problem = "thousands separators stand before the point only";
                return Err(self.refuse("INVALID_FORMAT.THOUSANDS_SEPS_MUST_BEFORE_DEC", problem));
            }
        }
        for once in [Token::Point, Token::PlusOrMinus, Token::Minus, Token::Dollar, Token::CloseBracket] {
            if self.tokens.iter().filter(|token| **token == once).count() > 1 {
                let problem = format!("it has more than one {}", once.name());
                return Err(self.refuse("INVALID_FORMAT.WRONG_NUM_TOKEN", &problem));
            }
        }
        self.check_order()
    }

    /// `[MI|S] [$] [digits] [point] [digits] [$] [PR|MI|S]`
    fn check_order(&self) -> Result<()> {
        let allowed: [&dyn Fn(&Token) -> bool; 8] = [
            &|token| *token == Token::OpenBracket,
            &|token| matches!(token, Token::Minus | Token::PlusOrMinus),
            &|token| *token == Token::Dollar,
            &|token| matches!(token, Token::Digits(_)),
            &|token| *token == Token::Point,
            &|token| matches!(token, Token::Digits(_)),
            &|token| *token == Token::Dollar,
            &|token| matches!(token, Token::Minus | Token::PlusOrMinus | Token::CloseBracket),
        ];
        let mut tokens = self.tokens.iter().peekable();
        for fits in allowed {
            tokens.next_if(|token| fits(token));
        }
        match tokens.next() {
            None => Ok(()),
            Some(token) => {
                let problem =
                    format!("{} stands where it may not; the order is [MI|S] [$] [digits] [.|D] [digits] [$] [PR|MI|S]", token.name());
                Err(self.refuse("INVALID_FORMAT.UNEXPECTED_TOKEN", &problem))
            }
        }
    }

    /// The number that text says, as a whole number of units of the last digit; `None` where it does not match.
    pub(super) fn parse(&self, input: &str) -> Option<i128> {
        let input: Vec<char> = input.chars().collect();
        let mut reader = Reader { at: 0, input: &input, before: String::new(), behind: String::new(), point: false };
        let (mut negative, mut opened, mut closed) = (false, false, false);
        for token in &self.tokens {
            let next = input.get(reader.at).copied();
            let skip = match (token, next) {
                (Token::Digits(parts), _) => {
                    reader.digits(parts)?;
                    false
                }
                (Token::Point, Some('.')) => {
                    reader.point = true;
                    true
                }
                (Token::Dollar, Some('$')) | (Token::PlusOrMinus, Some('+')) => true,
                (Token::Dollar, Some(_)) => return None,
                (Token::PlusOrMinus | Token::Minus, Some('-')) => {
                    negative = !negative;
                    true
                }
                (Token::OpenBracket, Some('<')) => {
                    opened = true;
                    true
                }
                (Token::CloseBracket, Some('>')) => {
                    if !opened {
                        return None;
                    }
                    closed = true;
                    negative = !negative;
                    true
                }
                _ => false,
            };
            reader.at += usize::from(skip);
        }
        if reader.at < input.len() || opened != closed || (reader.before.is_empty() && reader.behind.is_empty()) {
            return None;
        }
        let (_, scale) = self.digits();
        let zeros = scale.checked_sub(reader.behind.len())?;
        let digits = format!("{}{}{}", reader.before, reader.behind, "0".repeat(zeros));
        let value: i128 = digits.parse().ok()?;
        Some(if negative { -value } else { value })
    }

    /// The error of text that does not match.
    pub(super) fn mismatch(&self, type_name: &str, input: &str) -> Error {
        let message = format!("the \"{type_name}\" `{input}` does not match the number format '{}': change one of them", self.text);
        error("INVALID_FORMAT.MISMATCH_INPUT", message)
    }

    /// A number as text: `#` for every digit where it has more of them than the pattern.
    pub(super) fn format(&self, unscaled: i128, scale: u8) -> Option<String> {
        let negative = unscaled < 0;
        let (before, behind) = self.split(unscaled, scale);
        let mut writer = Writer { out: Vec::new(), before: before.into_iter(), behind: behind.into_iter(), point: false };
        for token in &self.tokens {
            match token {
                Token::Digits(parts) => writer.digits(parts)?,
                Token::Point => {
                    // A number below 1 has a 0 before the point.
                    if let Some(last) = writer.out.last_mut().filter(|last| **last == ' ') {
                        *last = '0';
                    }
                    writer.out.push('.');
                    writer.point = true;
                }
                Token::Dollar => writer.out.push('$'),
                Token::PlusOrMinus => {
                    writer.drop_lone_point();
                    writer.sign(if negative { '-' } else { '+' });
                }
                Token::Minus if negative => {
                    writer.drop_lone_point();
                    writer.sign('-');
                }
                Token::Minus => writer.out.push(' '),
                Token::OpenBracket if negative => writer.out.push('<'),
                Token::OpenBracket => {}
                Token::CloseBracket => {
                    writer.drop_lone_point();
                    if negative { writer.sign('>') } else { writer.out.extend([' ', ' ']) }
                }
                Token::Unknown(_) => return None,
            }
        }
        if writer.before.next().is_some() || writer.behind.next().is_some() {
            return None;
        }
        writer.drop_lone_point();
        let text: String = writer.out.into_iter().collect();
        Some(if matches!(text.as_str(), "" | "+" | "-") { "0".to_owned() } else { text })
    }

    /// The number's digits before and behind the point, as many as the pattern has.
    fn split(&self, unscaled: i128, scale: u8) -> (Vec<char>, Vec<char>) {
        let scale = usize::from(scale);
        let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
        let (before, behind) = digits.split_at_checked(digits.len() - scale).unwrap_or((&digits, ""));
        let (before, behind) = (before.trim_start_matches('0'), behind.trim_end_matches('0'));
        let (all, right) = self.digits();
        let left = all - right;
        if before.len() > left || behind.len() > right {
            return (vec!['#'; left], vec!['#'; right]);
        }
        (fill::behind(before, ' ', left).chars().collect(), fill::before(behind, '0', right).chars().collect())
    }
}

/// Text that is being read.
struct Reader<'a> {
    at: usize,
    input: &'a [char],
    before: String,
    behind: String,
    point: bool,
}

impl Reader<'_> {
    /// Reads a run of digits, commas and white space, and compares the sizes of its groups from the right.
    fn digits(&mut self, parts: &[Part]) -> Option<()> {
        let mut sizes = vec![0usize];
        while let Some(c) = self.input.get(self.at) {
            match c {
                c if c.is_whitespace() => {}
                '0'..='9' => {
                    if self.point {
                        self.behind.push(*c)
                    } else {
                        self.before.push(*c)
                    }
                    *sizes.last_mut()? += 1;
                }
                ',' => sizes.push(0),
                _ => break,
            }
            self.at += 1;
        }
        let wanted: Vec<(usize, bool)> = parts
            .iter()
            .rev()
            .filter_map(|part| if let Part::Group { count, exact } = part { Some((*count, *exact)) } else { None })
            .collect();
        if sizes.len() > wanted.len() {
            return None;
        }
        let mut found = sizes.iter().rev();
        for (count, exact) in wanted {
            let size = found.next().copied().unwrap_or(0);
            if size > count || (exact && size != count) {
                return None;
            }
        }
        Some(())
    }
}

/// Text that is being written.
struct Writer {
    out: Vec<char>,
    before: std::vec::IntoIter<char>,
    behind: std::vec::IntoIter<char>,
    point: bool,
}

impl Writer {
    fn digits(&mut self, parts: &[Part]) -> Option<()> {
        for part in parts {
            match part {
                Part::Group { count, .. } if self.point => {
                    for _ in 0..*count {
                        self.out.push(self.behind.next()?);
                    }
                }
                Part::Group { count, exact } => {
                    for _ in 0..*count {
                        match self.before.next()? {
                            ' ' if *exact => self.out.push('0'),
                            ' ' => self.blank(),
                            c => self.out.push(c),
                        }
                    }
                }
                Part::Separator if self.out.last().is_some_and(char::is_ascii_digit) => self.out.push(','),
                Part::Separator => self.blank(),
            }
        }
        Some(())
    }

    /// A blank, before signs that stand at the end.
    fn blank(&mut self) {
        let at = self.out.iter().rposition(|c| !matches!(c, '+' | '-' | '<')).map_or(0, |at| at + 1);
        self.out.insert(at, ' ');
    }

    /// A sign, before blanks that stand at the end.
    fn sign(&mut self, sign: char) {
        let at = self.out.iter().rposition(|c| *c != ' ').map_or(0, |at| at + 1);
        self.out.insert(at, sign);
    }

    fn drop_lone_point(&mut self) {
        if let Some(at) = self.out.iter().position(|c| *c == '.')
            && self.out.get(at + 1).is_none_or(|c| *c == ' ')
            && let Some(point) = self.out.get_mut(at)
        {
            *point = ' ';
        }
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut chars = text.chars().peekable();
    let mut point = false;
    let mut brackets = false;
    let part = |tokens: &mut Vec<Token>, part: Part| {
        if let Some(Token::Digits(parts)) = tokens.last_mut() { parts.push(part) } else { tokens.push(Token::Digits(vec![part])) }
    };
    while let Some(c) = chars.next() {
        match c {
            '0' | '9' => {
                let mut count = 1;
                while chars.next_if(|c| matches!(c, '0' | '9')).is_some() {
                    count += 1;
                }
                part(&mut tokens, Part::Group { count, exact: c == '0' && !point });
            }
            ',' | 'G' => part(&mut tokens, Part::Separator),
            '.' | 'D' => {
                tokens.push(Token::Point);
                point = true;
            }
            '$' => tokens.push(Token::Dollar),
            'S' => tokens.push(Token::PlusOrMinus),
            'M' if chars.next_if_eq(&'I').is_some() => tokens.push(Token::Minus),
            'P' if chars.next_if_eq(&'R').is_some() => {
                brackets = true;
                tokens.push(Token::CloseBracket);
            }
            _ => tokens.push(Token::Unknown(c)),
        }
    }
    if brackets {
        tokens.insert(0, Token::OpenBracket);
    }
    // A run of separators alone has no digits.
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(pattern: &str) -> String {
        let message = NumberPattern::new(pattern).err().map(|e| e.to_string()).unwrap_or_default();
        message.split(']').next().unwrap_or_default().trim_start_matches('[').to_owned()
    }

    #[test]
    fn patterns_are_checked() {
        for (pattern, wanted) in [
            ("999", ""),
            ("$99.99", ""),
            ("S$99,999.99", ""),
            ("99pr", ""),
            ("", "INVALID_FORMAT.EMPTY"),
            ("$", "INVALID_FORMAT.WRONG_NUM_DIGIT"),
            ("9$", "INVALID_FORMAT.CUR_MUST_BEFORE_DIGIT"),
            (",99", "INVALID_FORMAT.CONT_THOUSANDS_SEPS"),
            ("9,,9", "INVALID_FORMAT.CONT_THOUSANDS_SEPS"),
            ("9.9,9", "INVALID_FORMAT.THOUSANDS_SEPS_MUST_BEFORE_DEC"),
            ("9.9.9", "INVALID_FORMAT.WRONG_NUM_TOKEN"),
            ("9x9", "INVALID_FORMAT.UNEXPECTED_TOKEN"),
        ] {
            assert!(condition(pattern).contains(wanted) && (wanted.is_empty() == condition(pattern).is_empty()), "{pattern}");
        }
    }

    #[test]
    fn numbers_are_read() {
        for (input, pattern, wanted) in [
            ("454", "999", Some(454)),
            ("454.00", "000.00", Some(45400)),
            ("12,454", "99,999", Some(12454)),
            ("$78.12", "$99.99", Some(7812)),
            ("12,454.8-", "99,999.9S", Some(-124_548)),
            ("<12>", "99PR", Some(-12)),
            ("12", "99PR", Some(12)),
            ("45", "000", None),
            ("4545", "999", None),
            ("", "999", None),
            ("4.5", "9", None),
        ] {
            let read = NumberPattern::new(pattern).ok().and_then(|pattern| pattern.parse(input));
            assert_eq!(read, wanted, "{input} {pattern}");
        }
    }

    #[test]
    fn numbers_are_written() {
        for (unscaled, scale, pattern, wanted) in [
            (454, 0, "999", "454"),
            (45400, 2, "000D00", "454.00"),
            (12454, 0, "99G999", "12,454"),
            (7812, 2, "$99.99", "$78.12"),
            (-124_548, 1, "99G999D9S", "12,454.8-"),
            (5, 0, "999", "  5"),
            (5, 0, "009", "005"),
            (1234, 0, "99", "##"),
            (-5, 0, "S999", "  -5"),
            (-5, 0, "99PR", "<5> "),
        ] {
            let written = NumberPattern::new(pattern).ok().and_then(|pattern| pattern.format(unscaled, scale));
            if pattern == "99PR" {
                assert_eq!(written.map(|text| text.trim().to_owned()).as_deref(), Some("<5>"));
            } else {
                assert_eq!(written.as_deref(), Some(wanted), "{unscaled} {pattern}");
            }
        }
    }
}
