//! Spark's SQL: text to statements, statements to plans. Passes over the syntax tree settle what DataFusion would read
//! differently or drop; each is a file here. Nothing runs in this module.
//!
//! ```text
//! text ─ split ─► parse (dialect) ─► refuse ─► relations ─► names ─► SqlToRel ─► literals ─► windows ─► DataFrame
//! ```

mod dialect;
mod provider;

use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::sql::planner::{ParserOptions, PlannerContext, SqlToRel};
use datafusion::sql::sqlparser::ast::{ExprWithAlias, Statement};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};

use self::dialect::SparkDialect;
use self::provider::{Provider, Tables};
use crate::column::bind::Binder;
use crate::{DataFrame, Error, Result, Session};

/// Carries out one statement: a query becomes a DataFrame, a command is done at once.
pub(crate) async fn run(session: &Session, text: &str) -> Result<DataFrame> {
    let statement = parse(text)?;
    let plan = plan(session, statement, Tables::default())?;
    Ok(session.dataframe(plan))
}

/// The bound expression that SQL text means over a DataFrame's columns.
pub(crate) fn expression(binder: &Binder<'_>, text: &str) -> Result<Expr> {
    let parsed = parser(text)?.parse_expr_with_alias().map_err(|e| syntax_error(text, &e))?;
    let tables = Tables::default();
    let provider = Provider { state: binder.state, tables: &tables };
    let planner = SqlToRel::new_with_options(&provider, parser_options(binder.state));
    let ExprWithAlias { expr, alias } = parsed;
    let expr = planner.sql_to_expr(expr, binder.schema, &mut PlannerContext::new())?;
    Ok(match alias {
        Some(alias) => expr.alias(alias.value),
        None => expr,
    })
}

fn plan(session: &Session, statement: Statement, tables: Tables) -> Result<LogicalPlan> {
    let provider = Provider { state: session.state(), tables: &tables };
    let planner = SqlToRel::new_with_options(&provider, parser_options(session.state()));
    let plan = planner.sql_statement_to_plan(statement)?;
    tidemill_planner::logical::rewrite_window_aggregates(plan)
}

fn parse(text: &str) -> Result<Statement> {
    let mut statements = parser(text)?.parse_statements().map_err(|e| syntax_error(text, &e))?;
    match (statements.pop(), statements.is_empty()) {
        (Some(statement), true) => Ok(statement),
        (None, _) => Err(Error::analysis("the SQL text holds no statement")),
        _ => Err(Error::analysis("the SQL text holds several statements: give them one at a time, or use `tidemill sql`")),
    }
}

fn parser(text: &str) -> Result<Parser<'static>> {
    Parser::new(&SparkDialect).try_with_sql(text).map_err(|e| syntax_error(text, &e))
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
