//! Spark's SQL: text to statements, statements to plans. Passes over the syntax tree settle what DataFusion would read
//! differently or drop; each is a file here. Nothing runs in this module.
//!
//! ```text
//! text ─ split ─► parse (dialect, suffix) ─► refuse ─► relations ─► names ─► respell ─► SqlToRel ─► literals ─► types ─► windows ─► DataFrame
//! ```

mod access;
mod command;
mod dialect;
mod literals;
mod merged;
mod names;
mod pretty;
mod provider;
mod refuse;
mod relations;
mod respell;
mod scope;
mod split;
mod suffix;

use datafusion::logical_expr::Expr;
use datafusion::sql::planner::{ParserOptions, PlannerContext, SqlToRel};
use datafusion::sql::sqlparser::ast::{ExprWithAlias, ObjectName, Query, Statement};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use self::dialect::SparkDialect;
use self::provider::{Provider, Tables};
use crate::column::bind::Binder;
use crate::{DataFrame, Error, Result, Session};

pub(crate) use split::split;

enum Parsed {
    Statement(Box<Statement>),
    /// `DESCRIBE HISTORY table`, which the parser does not know.
    History(ObjectName),
}

/// Carries out one statement: a query becomes a DataFrame, a command is done at once.
pub(crate) async fn run(session: &Session, text: &str) -> Result<DataFrame> {
    match parse(text)? {
        Parsed::Statement(statement) => command::run(session, *statement).await,
        Parsed::History(table) => command::history(session, &table).await,
    }
}

/// The bound expression that SQL text means over a DataFrame's columns.
pub(crate) fn expression(binder: &Binder<'_>, text: &str) -> Result<Expr> {
    let mut parser = parser(text)?;
    let parsed = parser.parse_expr_with_alias().and_then(|expr| parser.expect_token(&Token::EOF).map(|_| expr));
    let ExprWithAlias { mut expr, alias } = parsed.map_err(|e| syntax_error(text, &e))?;
    refuse::check(&mut expr)?;
    let tables = Tables::default();
    names::resolve_expression(&mut expr, binder.schema, &tables)?;
    respell::respell(&mut expr);
    let provider = Provider { state: binder.state, tables: &tables };
    let planner = SqlToRel::new_with_options(&provider, parser_options(binder.state));
    let expr = planner.sql_to_expr(expr, binder.schema, &mut PlannerContext::new())?;
    let expr = literals::expression(expr)?.data;
    Ok(match alias {
        Some(alias) => expr.alias(alias.value),
        None => expr,
    })
}

async fn plan_query(session: &Session, query: Query) -> Result<DataFrame> {
    let mut statement = Statement::Query(Box::new(query));
    refuse::check(&mut statement)?;
    let tables = relations::open(session, &mut statement).await?;
    if let Statement::Query(query) = &mut statement {
        names::resolve(query, &tables)?;
    }
    respell::respell(&mut statement);
    let provider = Provider { state: session.state(), tables: &tables };
    let planner = SqlToRel::new_with_options(&provider, parser_options(session.state()));
    let plan = session.analyzed(literals::narrow(planner.sql_statement_to_plan(statement)?)?)?;
    Ok(session.dataframe(tidemill_planner::logical::rewrite_window_aggregates(plan)?))
}

fn parse(text: &str) -> Result<Parsed> {
    let mut parser = parser(text)?;
    let words: Vec<String> = parser.peek_tokens::<2>().iter().map(|token| token.to_string().to_uppercase()).collect();
    let statement = if matches!(words[0].as_str(), "DESCRIBE" | "DESC") && words[1] == "HISTORY" {
        parser.next_token();
        parser.next_token();
        parser.parse_object_name(false).map(Parsed::History)
    } else if words[0] == "EOF" {
        return Err(Error::analysis("the SQL text holds no statement"));
    } else {
        parser.parse_statement().map(|statement| Parsed::Statement(Box::new(statement)))
    };
    let statement = statement.map_err(|e| syntax_error(text, &e))?;
    while parser.consume_token(&Token::SemiColon) {}
    match parser.peek_token().token {
        Token::EOF => Ok(statement),
        rest => {
            let next = parser.expected::<()>("end of statement", parser.peek_token());
            let why = next.err().map_or_else(|| format!("unexpected `{rest}`"), |e| syntax_error(text, &e).message().to_owned());
            Err(Error::analysis(format!("{why}; statements are given one at a time")))
        }
    }
}

fn parser(text: &str) -> Result<Parser<'static>> {
    let tokens = Tokenizer::new(&SparkDialect, text).tokenize_with_location().map_err(|e| syntax_error(text, &e.into()))?;
    Ok(Parser::new(&SparkDialect).with_tokens_with_locations(suffix::typed(tokens)))
}

fn syntax_error(text: &str, error: &ParserError) -> Error {
    let why = match error {
        ParserError::ParserError(why) | ParserError::TokenizerError(why) => why.as_str(),
        ParserError::RecursionLimitExceeded => "it is nested too deeply",
    };
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: String = if line.chars().count() > 120 { line.chars().take(117).collect::<String>() + "..." } else { line };
    Error::analysis(format!("syntax error: {why}, in `{shown}`"))
}

fn parser_options(state: &datafusion::execution::SessionState) -> ParserOptions {
    let options = &state.config_options().sql_parser;
    ParserOptions {
        parse_float_as_decimal: options.parse_float_as_decimal,
        enable_ident_normalization: options.enable_ident_normalization,
        support_varchar_with_length: true,
        enable_options_value_normalization: false,
        collect_spans: false,
        map_string_types_to_utf8view: options.map_string_types_to_utf8view,
        default_null_ordering: options.default_null_ordering.as_str().into(),
    }
}
