//! Text into trees: lexer, expressions, queries, statements, types, intervals and literals, with the place of everything.
