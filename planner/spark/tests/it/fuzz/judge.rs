//! What is done with a text, and what may come of it: an answer, or an error that is nobody's fault but the text's.

use std::sync::Arc;

use datafusion::logical_expr::{InvariantLevel, LogicalPlan};
use tidemill_spark::parse::{
    ParseOptions, parse_data_type, parse_expression, parse_interval_text, parse_multipart_identifier, parse_sort_order, parse_statement,
    parse_table_schema, split_statements,
};
use tidemill_spark::plan::{Relation, Statement, on_far_stack};
use tidemill_spark::resolve::{Opened, Resolved, resolve};
use tidemill_spark::{Error, ErrorKind, Settings};

use super::Kind;
use super::corpus::Tables;
use crate::promises;

/// Runs cases.
pub(super) struct Judge {
    tables: Tables,
    runtime: tokio::runtime::Runtime,
    settings: [Arc<Settings>; 2],
}

impl Judge {
    pub(super) fn new() -> Self {
        let settings = |ansi: &str| {
            let conf = [("spark.sql.ansi.enabled", ansi), ("spark.sql.session.timeZone", "America/Los_Angeles")];
            let conf = conf.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            Arc::new(Settings::from_conf(conf).expect("the settings are good"))
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        Self { tables: Tables::new(), runtime, settings: [settings("true"), settings("false")] }
    }

    /// Panics unless all is well.
    pub(super) fn check(&mut self, kind: Kind, seed: u64, text: &str, file: usize) {
        let settings = Arc::clone(&self.settings[usize::from(seed % 4 == 3)]);
        let options = ParseOptions {
            double_quoted_identifiers: seed % 16 == 5,
            enforce_reserved_keywords: seed % 16 == 6,
            ..ParseOptions::new(&settings).expect("the settings are good")
        };
        let statement = parse_statement(text, &options);
        check_error(text, statement.as_ref().err());
        if seed.is_multiple_of(8) {
            read_in_other_ways(text, &options);
        }
        let Ok(statement) = statement else { return };
        assert_eq!(statement, statement.clone());
        let _ = format!("{statement:?}");
        if let Statement::Query(relation) = statement
            && kind != Kind::Tokens
        {
            self.check_query(&relation, file, &settings, seed);
        }
    }

    fn check_query(&mut self, relation: &Relation, file: usize, settings: &Arc<Settings>, seed: u64) {
        let opened = match self.tables.opened(relation, file, settings) {
            Ok(opened) => opened,
            Err(error) => return check_meaning(&error),
        };
        let resolved = match resolve(relation, &opened, settings) {
            Ok(resolved) => resolved,
            Err(error) => return check_meaning(&error),
        };
        // The engine's own walks are run as the session runs them.
        on_far_stack(|| self.check_plan(relation, &opened, settings, &resolved, seed));
    }

    fn check_plan(&self, relation: &Relation, opened: &Opened, settings: &Arc<Settings>, resolved: &Resolved, seed: u64) {
        if let Err(error) = resolved.plan.check_invariants(InvariantLevel::Executable) {
            panic!("the plan is broken: {error}\n{}", resolved.plan.display_indent());
        }
        let kept = promises::outputs_are_the_plans(resolved).and_then(|()| promises::coercion_changes_no_type(&resolved.plan));
        kept.unwrap_or_else(|why| panic!("{why}"));
        if seed % 4 == 1 {
            promises::resolving_is_idempotent(relation, opened, settings, resolved).unwrap_or_else(|why| panic!("{why}"));
        }
        if seed % 4 != 2 && is_small(&resolved.plan) {
            match self.runtime.block_on(promises::run(resolved, settings)) {
                Ok(_) => {}
                Err(promises::Broken::Promise(why)) => panic!("{why}"),
                Err(promises::Broken::Refused(error)) => check_meaning(&error),
            }
        }
    }
}

/// Whether a plan reads no more than rows written down in it: `range` counts as far as one says.
fn is_small(plan: &LogicalPlan) -> bool {
    use datafusion::common::tree_node::TreeNodeRecursion;
    let mut small = true;
    let _ = plan.apply_with_subqueries(|node| {
        small &= !matches!(node, LogicalPlan::TableScan(_) | LogicalPlan::RecursiveQuery(_));
        Ok(if small { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    small
}

/// An error has a place in the text, and a condition unless it is about what is not there yet.
fn check_error(text: &str, error: Option<&Error>) {
    let Some(error) = error.filter(|error| error.kind() != ErrorKind::Unsupported) else { return };
    let condition = error.condition().unwrap_or_else(|| panic!("an error of the parser without a condition: {error}"));
    if let Some(place) = condition.place.clone() {
        assert!(place.start <= place.end && text.get(place.clone()).is_some(), "{place:?} is no place in the text: {error}");
    }
    check_meaning(error);
}

/// No text is to blame for an internal error.
fn check_meaning(error: &Error) {
    let internal = error.kind() == ErrorKind::Internal || error.condition().is_some_and(|c| c.name.starts_with("INTERNAL_ERROR"));
    assert!(!internal, "an internal error: {error}");
}

fn read_in_other_ways(text: &str, options: &ParseOptions) {
    for error in [
        parse_expression(text, options).map(|e| drop(e.to_string())).err(),
        parse_sort_order(text, options).err(),
        parse_data_type(text, options).map(|t| drop((t.sql(), t.to_string()))).err(),
        parse_table_schema(text, options).err(),
        parse_multipart_identifier(text, options).err(),
    ] {
        check_error(text, error.as_ref());
    }
    let _ = parse_interval_text(text);
    for statement in split_statements(text) {
        assert_eq!(statement.span.of(text), statement.text);
    }
}
