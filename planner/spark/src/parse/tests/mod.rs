//! Tests over the whole parser: tables of texts and the trees or conditions that they give.

mod limits;
mod queries;
mod show;
mod statements;

use super::*;
use crate::Error;

/// The condition of an error.
fn condition(e: &Error) -> String {
    e.condition().map_or_else(|| e.message().to_owned(), |c| c.name.clone())
}

/// What a text gives: its tree in short, or `!CONDITION`.
fn query(text: &str) -> String {
    match parse_query(text, &ParseOptions::default()) {
        Ok(relation) => show::relation(&relation),
        Err(e) => format!("!{}", condition(&e)),
    }
}

fn expression(text: &str) -> String {
    expression_with(text, &ParseOptions::default())
}

fn expression_with(text: &str, options: &ParseOptions) -> String {
    match parse_expression(text, options) {
        Ok(e) => show::expression(&e),
        Err(e) => format!("!{}", condition(&e)),
    }
}

/// Compares all cases, and shows all that differ at once.
fn check(cases: &[(&str, &str)], read: impl Fn(&str) -> String) {
    let mut wrong = String::new();
    for (text, expected) in cases {
        let found = read(text);
        if found != *expected {
            wrong.push_str(&format!("\n{text}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn statement(text: &str) -> String {
    match parse_statement(text, &ParseOptions::default()) {
        Ok(Statement::Query(relation)) => show::relation(&relation),
        Ok(Statement::Command(command)) => show::command(&command),
        Err(e) => format!("!{}", condition(&e)),
    }
}
