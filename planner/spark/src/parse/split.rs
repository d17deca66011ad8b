//! A text of several statements into its statements: at each `;` that stands in no string, comment or script.

use super::keywords::Keyword as K;
use super::lexer::{Token, TokenKind, lex};
use crate::plan::Span;

/// A statement of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementText {
    /// The statement, without the `;`, and without blanks and comments around it.
    pub text: String,
    /// Its bytes in the whole text.
    pub span: Span,
}

/// The statements of a text. What is only blank or a comment is none; a comment without an end is left to whoever reads the statement.
pub fn split_statements(text: &str) -> Vec<StatementText> {
    let lexed = lex(text);
    let mut statements = Vec::new();
    let mut start = 0;
    let mut depth = 0_usize;
    let keyword = |at: usize| lexed.tokens.get(at).and_then(|t| t.keyword());
    for (at, token) in lexed.tokens.iter().enumerate() {
        let ends = token.kind == TokenKind::End || (token.is(";") && depth == 0);
        if !ends {
            // Only a text that begins with BEGIN is a script, in which blocks nest.
            if keyword(start) == Some(K::BEGIN) {
                depth = nesting(depth, &lexed.tokens, at);
            }
            continue;
        }
        if let (Some(first), Some(last)) = (lexed.tokens.get(start), at.checked_sub(1).and_then(|last| lexed.tokens.get(last)))
            && start < at
        {
            // A comment that has no end belongs to the last statement, so that its error is found.
            let unclosed = lexed.unclosed_comment.filter(|_| token.kind == TokenKind::End);
            let end = unclosed.map_or(last.end, |comment| comment.end);
            let span = Span { start: first.start, end };
            statements.push(StatementText { text: span.of(text).to_owned(), span });
        }
        start = at + 1;
    }
    if statements.is_empty()
        && let Some(comment) = lexed.unclosed_comment
    {
        statements.push(StatementText { text: comment.of(text).to_owned(), span: comment });
    }
    statements
}

/// How many blocks are open behind the token at `at`.
fn nesting(depth: usize, tokens: &[Token], at: usize) -> usize {
    let keyword = |at: Option<usize>| at.and_then(|at| tokens.get(at)).and_then(|t| t.keyword());
    let before = keyword(at.checked_sub(1));
    let after = keyword(at.checked_add(1));
    let starts = at == 0
        || tokens.get(at - 1).is_some_and(|t| t.is(";") || t.is(":"))
        || matches!(before, Some(K::BEGIN | K::THEN | K::ELSE | K::DO | K::LOOP | K::REPEAT | K::ATOMIC));
    match tokens.get(at).and_then(|t| t.keyword()) {
        Some(K::BEGIN) => depth + 1,
        Some(K::CASE) if before != Some(K::END) => depth + 1,
        Some(K::IF) if starts => depth + 1,
        Some(K::WHILE | K::LOOP | K::REPEAT | K::FOR) if starts && before != Some(K::END) => depth + 1,
        Some(K::END) if after != Some(K::AS) => depth.saturating_sub(1),
        _ => depth,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements() {
        let cases: &[(&str, &[&str])] = &[
            ("SELECT 1; SELECT 2", &["SELECT 1", "SELECT 2"]),
            (" ; -- nothing\n ;; SELECT ';' /* ; /* ; */ ; */ ; ", &["SELECT ';'"]),
            ("SELECT `a;b`, \"c;d\", r';\\'; x", &["SELECT `a;b`, \"c;d\", r';\\'", "x"]),
            (
                "BEGIN SELECT 1; SELECT CASE WHEN a THEN b END; END; SELECT 2",
                &["BEGIN SELECT 1; SELECT CASE WHEN a THEN b END; END", "SELECT 2"],
            ),
            (
                "BEGIN IF a THEN SELECT 1; END IF; WHILE b DO SELECT 2; END WHILE; END; x",
                &["BEGIN IF a THEN SELECT 1; END IF; WHILE b DO SELECT 2; END WHILE; END", "x"],
            ),
            ("", &[]),
            ("SELECT 1 /* open", &["SELECT 1 /* open"]),
            ("/* open", &["/* open"]),
        ];
        for (text, expected) in cases {
            let found = split_statements(text);
            assert_eq!(found.iter().map(|s| s.text.as_str()).collect::<Vec<_>>(), *expected, "{text}");
            assert!(found.iter().all(|s| s.span.of(text) == s.text));
        }
    }
}
