//! Words that are names or begin a clause: which of both, told by what follows them.

use super::super::keywords::Keyword as K;
use super::super::lexer::{Token, TokenKind};
use super::super::parser::Parser;

impl Parser<'_> {
    /// Whether the parentheses at the token `open` hold a query.
    pub(in super::super) fn is_query_in_parens(&self, open: usize) -> bool {
        self.token(open).is("(") && self.is_query(open + 1)
    }

    /// Whether a query begins at the token `at`. Parentheses hold one if what follows each of them goes on a query.
    pub(in super::super) fn is_query(&self, at: usize) -> bool {
        let mut inner = at;
        while self.token(inner).is("(") {
            inner += 1;
        }
        if !self.is_query_word(inner) {
            return false;
        }
        // From the innermost parentheses outwards.
        (at..inner).rev().all(|open| match self.closing(open) {
            Some(close) => self.goes_on_query(close + 1),
            None => true,
        })
    }

    /// Whether the token at `at` begins a query.
    fn is_query_word(&self, at: usize) -> bool {
        let next = self.token(at + 1);
        let starts_name = self.is_name(next) || next.is("(");
        match self.token(at).keyword() {
            Some(K::SELECT) => !(next.is(")") || next.is(",") || next.is(".")),
            Some(K::WITH) => self.is_name(next) && (next.keyword() == Some(K::RECURSIVE) || self.is_cte(at + 1)),
            Some(K::FROM) => starts_name && !matches!(next.keyword(), Some(K::FROM | K::WHERE)),
            Some(K::VALUES) => {
                starts_name || self.is_string(next) || next.is_number() || next.is("-") || next.is("+") || next.is("?") || next.is(":")
            }
            Some(K::TABLE) => self.is_name(next) && !self.is_clause_token(at + 1),
            Some(K::MAP | K::REDUCE) => self.is_transform(at),
            _ => false,
        }
    }

    /// `name AS (`, `name (columns) AS (`, `name MAX RECURSION`
    fn is_cte(&self, at: usize) -> bool {
        let next = self.token(at + 1);
        next.is("(") || matches!(next.keyword(), Some(K::AS | K::MAX))
    }

    /// `MAP a, b USING 'script'`
    fn is_transform(&self, at: usize) -> bool {
        if self.token(at + 1).is("(") || !self.is_name(self.token(at + 1)) && !self.is_string(self.token(at + 1)) {
            return false;
        }
        let mut at = at + 1;
        loop {
            let token = self.token(at);
            match token.keyword() {
                Some(K::USING) => return self.is_string(self.token(at + 1)),
                Some(K::FROM | K::SELECT | K::WHERE) => return false,
                _ if token.kind == TokenKind::End || token.is(")") || token.is(";") => return false,
                _ => at = self.closing(at).unwrap_or(at) + 1,
            }
        }
    }

    /// Whether what stands at `at`, behind a query in parentheses, goes on or ends the query around it.
    fn goes_on_query(&self, at: usize) -> bool {
        let token = self.token(at);
        if matches!(token.kind, TokenKind::End) || token.is(")") || token.is(";") || token.is("|>") {
            return true;
        }
        if token.is("|") {
            return self.is_pipe_at(at);
        }
        let next = self.token(at + 1);
        match token.keyword() {
            Some(K::UNION | K::EXCEPT | K::INTERSECT | K::MINUS) => self.is_set_operation(at),
            Some(K::ORDER | K::SORT | K::CLUSTER | K::DISTRIBUTE) => next.keyword() == Some(K::BY),
            Some(K::LIMIT | K::OFFSET) => !next.is(")") && !next.is(","),
            Some(K::WINDOW) => self.token(at + 2).keyword() == Some(K::AS),
            _ => false,
        }
    }

    /// `UNION ALL SELECT`, `EXCEPT (…)`
    pub(super) fn is_set_operation(&self, at: usize) -> bool {
        let next = self.token(at + 1);
        next.is("(")
            || matches!(
                next.keyword(),
                Some(K::ALL | K::DISTINCT | K::SELECT | K::VALUES | K::TABLE | K::FROM | K::WITH | K::MAP | K::REDUCE)
            )
    }

    /// Whether `|` stands for `|>` here.
    pub(in super::super) fn is_pipe(&self, ahead: usize) -> bool {
        self.is_pipe_at(self.index() + ahead)
    }

    fn is_pipe_at(&self, at: usize) -> bool {
        const OPERATORS: &[K] = &[
            K::SELECT,
            K::EXTEND,
            K::SET,
            K::DROP,
            K::AS,
            K::WHERE,
            K::PIVOT,
            K::UNPIVOT,
            K::TABLESAMPLE,
            K::INNER,
            K::CROSS,
            K::LEFT,
            K::RIGHT,
            K::FULL,
            K::NATURAL,
            K::SEMI,
            K::ANTI,
            K::JOIN,
            K::UNION,
            K::EXCEPT,
            K::MINUS,
            K::INTERSECT,
            K::ORDER,
            K::CLUSTER,
            K::DISTRIBUTE,
            K::SORT,
            K::LIMIT,
            K::OFFSET,
            K::AGGREGATE,
            K::WINDOW,
            K::LATERAL,
        ];
        self.options.single_character_pipe
            && self.token(at).is("|")
            && self.token(at + 1).keyword().is_some_and(|keyword| OPERATORS.contains(&keyword))
    }

    /// Whether a clause begins here, and no name stands here.
    pub(in super::super) fn at_clause(&self) -> bool {
        self.is_clause_at(0)
    }

    /// Whether a clause begins `ahead` of here.
    pub(in super::super) fn is_clause_at(&self, ahead: usize) -> bool {
        self.is_clause_token(self.index() + ahead)
    }

    fn is_clause_token(&self, at: usize) -> bool {
        let Some(keyword) = self.token(at).keyword() else { return false };
        let next = self.token(at + 1);
        let word = next.keyword();
        // What ends an expression or a relation cannot follow the first word of a clause.
        let ends = next.kind == TokenKind::End || next.is(")") || next.is(",") || next.is(";") || next.is(".") || next.is("]");
        match keyword {
            K::FROM => {
                !ends && (next.is("(") || self.is_name(next) || next.kind == TokenKind::DoubleQuoted || next.kind == TokenKind::String)
            }
            K::WHERE | K::HAVING | K::QUALIFY => !ends && !is_comparison(next),
            K::GROUP | K::ORDER | K::SORT | K::CLUSTER | K::DISTRIBUTE | K::PARTITION => word == Some(K::BY),
            K::LIMIT | K::OFFSET => !ends && !is_comparison(next) && !self.is_clause_word(next),
            K::WINDOW => self.is_name(next) && self.token(at + 2).keyword() == Some(K::AS),
            K::LATERAL => word == Some(K::VIEW),
            K::PIVOT => next.is("("),
            K::UNPIVOT => next.is("(") || matches!(word, Some(K::INCLUDE | K::EXCLUDE)),
            K::TABLESAMPLE => next.is("(") || matches!(word, Some(K::BERNOULLI | K::SYSTEM)),
            K::UNION | K::EXCEPT | K::INTERSECT | K::MINUS => self.is_set_operation(at),
            K::SELECT => !ends,
            K::INSERT => matches!(word, Some(K::INTO | K::OVERWRITE | K::WITH)),
            K::MAP | K::REDUCE => self.is_transform(at),
            K::SET => self.is_assignment(at + 1),
            K::FOR => match word {
                Some(K::VERSION | K::TIMESTAMP | K::SYSTEM_VERSION | K::SYSTEM_TIME) => self.token(at + 2).keyword() == Some(K::AS),
                _ => next.is("(") || (self.is_name(next) && self.token(at + 2).keyword() == Some(K::IN)),
            },
            K::VERSION | K::TIMESTAMP | K::SYSTEM_VERSION | K::SYSTEM_TIME => {
                word == Some(K::AS) && self.token(at + 2).keyword() == Some(K::OF)
            }
            K::CHANGES => matches!(word, Some(K::FROM)),
            K::WITH => next.is("(") || matches!(word, Some(K::ROLLUP | K::CUBE | K::SCHEMA)),
            K::WATERMARK => !ends && !self.is_clause_word(next),
            K::IDENTIFIED => word == Some(K::BY),
            K::DELAY => word == Some(K::OF),
            K::USING => self.is_string(next),
            K::WHEN => matches!(word, Some(K::MATCHED | K::NOT)),
            K::REPLACE => matches!(word, Some(K::WHERE | K::ON | K::USING)),
            K::BY => word == Some(K::NAME),
            K::VALUES => next.is("("),
            K::ON => !ends && !self.is_clause_word(next),
            K::JOIN => !ends && !self.is_clause_word(next),
            K::INNER | K::CROSS | K::LEFT | K::RIGHT | K::FULL | K::NATURAL | K::SEMI | K::ANTI => {
                matches!(word, Some(K::JOIN | K::OUTER | K::SEMI | K::ANTI | K::INNER | K::LEFT | K::RIGHT | K::FULL | K::CROSS))
            }
            K::APPROX | K::EXACT => word == Some(K::NEAREST),
            _ => false,
        }
    }

    fn is_clause_word(&self, token: Token) -> bool {
        matches!(token.keyword(), Some(K::FROM | K::WHERE | K::GROUP | K::HAVING | K::ORDER | K::UNION | K::AS))
    }

    /// `a.b =`
    pub(in super::super) fn is_assignment(&self, at: usize) -> bool {
        let mut at = at;
        while self.is_name(self.token(at)) && self.token(at + 1).is(".") {
            at += 2;
        }
        self.is_name(self.token(at)) && (self.token(at + 1).is("=") || self.token(at + 1).is("-"))
    }
}

fn is_comparison(token: Token) -> bool {
    ["=", "<", ">", "<=", ">=", "<>", "!=", "<=>", "::", "=>", "|>"].iter().any(|symbol| token.is(symbol))
}
