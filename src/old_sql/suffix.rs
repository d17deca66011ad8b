//! Spark's number suffixes, which the parser takes for aliases: `1.5D` and its like become typed literals before parsing.
//!
//! ```text
//! before  1L  1S  1Y  1.5D  1.5F  1.5BD
//! after   BIGINT '1'  SMALLINT '1'  TINYINT '1'  DOUBLE '1.5'  FLOAT '1.5'  DECIMAL(2, 1) '1.5'
//! ```

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

const TYPES: [(&str, &str); 6] = [("L", "BIGINT"), ("S", "SMALLINT"), ("Y", "TINYINT"), ("D", "DOUBLE"), ("F", "FLOAT"), ("BD", "DECIMAL")];

/// The tokens with typed literals for suffixed numbers.
pub(super) fn typed(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut typed = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let Token::Number(digits, long) = &token.token else {
            typed.push(token);
            continue;
        };
        let suffix = match tokens.peek().map(|next| &next.token) {
            _ if *long => Some("L".to_owned()),
            Some(Token::Word(word)) if word.quote_style.is_none() => Some(word.value.to_uppercase()),
            _ => None,
        };
        let Some((_, name)) = TYPES.iter().find(|(known, _)| suffix.as_deref() == Some(*known)) else {
            typed.push(token);
            continue;
        };
        if !long {
            tokens.next();
        }
        let mut add = |made: Token| typed.push(TokenWithSpan::new(made, token.span));
        add(Token::make_keyword(name));
        if *name == "DECIMAL" {
            let (precision, scale) = digits_of(digits);
            let number = |n: usize| Token::Number(n.to_string(), false);
            [Token::LParen, number(precision), Token::Comma, number(scale), Token::RParen].into_iter().for_each(&mut add);
        }
        add(Token::SingleQuotedString(digits.clone()));
    }
    typed
}

/// Digits in all and after the point.
fn digits_of(text: &str) -> (usize, usize) {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.trim_start_matches('0');
    ((whole.len() + fraction.len()).max(1), fraction.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::tokenizer::Tokenizer;

    #[test]
    fn suffixes() {
        for (sql, expected) in [
            ("1L", "BIGINT'1'"),
            ("1.5d+2Y", "DOUBLE'1.5'+TINYINT'2'"),
            ("0.5BD", "DECIMAL(1,1)'0.5'"),
            ("1 D", "1 D"),
            ("1e3F", "FLOAT'1e3'"),
            ("a1D", "a1D"),
        ] {
            let tokens = Tokenizer::new(&super::super::dialect::SparkDialect, sql).tokenize_with_location().unwrap();
            let shown: String = typed(tokens).iter().map(|t| t.token.to_string()).collect();
            assert_eq!(shown, expected);
        }
    }
}
