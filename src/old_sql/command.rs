//! The commands of SQL that are no queries: views, descriptions, history, plans. Each is carried out when it is read.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::sql::sqlparser::ast::{CreateView, ObjectName, ObjectType, Statement};
use tidemill_planner::catalog_string::catalog_string;

use super::{plan_query, refuse, relations};
use crate::io::Version;
use crate::{DataFrame, Error, Result, Session};

/// Carries out a statement.
pub(super) async fn run(session: &Session, statement: Statement) -> Result<DataFrame> {
    match statement {
        Statement::Query(query) => plan_query(session, *query).await,
        Statement::CreateView(view) => create_view(session, view).await,
        Statement::Drop { object_type: ObjectType::View | ObjectType::Table, if_exists, names, .. } => {
            drop_views(session, if_exists, &names)
        }
        Statement::Explain { statement, analyze: false, .. } => match *statement {
            Statement::Query(query) => {
                let text = plan_query(session, *query).await?.explain().await?;
                strings(session, &[("plan", vec![Some(text)])])
            }
            other => Err(refuse::statement(&other)),
        },
        Statement::Explain { .. } => Err(Error::unsupported("EXPLAIN ANALYZE is not supported: use EXPLAIN")),
        Statement::ExplainTable { table_name, .. } => describe(session, table_name).await,
        Statement::ShowTables { .. } | Statement::ShowViews { .. } => show_tables(session),
        other => Err(refuse::statement(&other)),
    }
}

/// `DESCRIBE HISTORY` of a table.
pub(super) async fn history(session: &Session, name: &ObjectName) -> Result<DataFrame> {
    let parts: Vec<String> = name.0.iter().filter_map(|p| p.as_ident()).map(|i| i.value.clone()).collect();
    match relations::path_table(&parts, Version::Latest) {
        Some(table) if table.format == crate::io::Format::Delta => session.table(table.path).history_frame().await,
        _ => Err(Error::analysis(format!(
            "`{name}` has no history: name a Delta table by path, as in DESCRIBE HISTORY delta.`/data/events`"
        ))),
    }
}

async fn create_view(session: &Session, view: CreateView) -> Result<DataFrame> {
    if !view.temporary || view.materialized {
        return Err(Error::unsupported("only temporary views are supported: CREATE OR REPLACE TEMP VIEW name AS …"));
    }
    let name = plain_name(&view.name)?;
    if session.view(&name).is_ok() && !view.or_replace {
        if view.if_not_exists {
            return nothing(session);
        }
        return Err(Error::analysis(format!("there is a view `{name}` already: use CREATE OR REPLACE TEMP VIEW")));
    }
    let mut frame = plan_query(session, *view.query).await?;
    if !view.columns.is_empty() {
        let names: Vec<String> = view.columns.iter().map(|c| c.name.value.clone()).collect();
        let columns = frame.columns();
        if names.len() != columns.len() {
            return Err(Error::analysis(format!("view `{name}` names {} columns and its query gives {}", names.len(), columns.len())));
        }
        let renamed = columns.iter().zip(&names).map(|(from, to)| crate::functions::col(&format!("`{from}`")).alias(to));
        frame = frame.select(renamed)?;
    }
    frame.create_or_replace_temp_view(&name)?;
    nothing(session)
}

fn drop_views(session: &Session, if_exists: bool, names: &[ObjectName]) -> Result<DataFrame> {
    for name in names {
        let plain = plain_name(name)?;
        if !session.drop_temp_view(&plain) && !if_exists {
            return Err(session.catalog().unknown(&plain));
        }
    }
    nothing(session)
}

async fn describe(session: &Session, name: ObjectName) -> Result<DataFrame> {
    let parts: Vec<String> = name.0.iter().filter_map(|p| p.as_ident()).map(|i| i.value.clone()).collect();
    let schema = match relations::path_table(&parts, Version::Latest) {
        Some(table) => table.open(session).await?.schema(),
        None => session.view(&parts.join("."))?.schema(),
    };
    let names = schema.fields().iter().map(|f| Some(f.name().clone())).collect();
    let types = schema.fields().iter().map(|f| Some(catalog_string(f.data_type()))).collect();
    strings(session, &[("col_name", names), ("data_type", types), ("comment", vec![None; schema.fields().len()])])
}

fn show_tables(session: &Session) -> Result<DataFrame> {
    let names = session.catalog().temp_names();
    let columns: [(&str, ArrayRef); 3] = [
        ("namespace", Arc::new(StringArray::from(vec![""; names.len()]))),
        ("isTemporary", Arc::new(BooleanArray::from(vec![true; names.len()]))),
        ("tableName", Arc::new(StringArray::from(names))),
    ];
    let [namespace, temporary, table] = columns;
    session.create_dataframe(vec![RecordBatch::try_from_iter([namespace, table, temporary])?])
}

fn plain_name(name: &ObjectName) -> Result<String> {
    match name.0.as_slice() {
        [part] => match part.as_ident() {
            Some(ident) => Ok(ident.value.clone()),
            None => Err(Error::analysis(format!("`{name}` cannot name a view"))),
        },
        _ => Err(Error::analysis(format!("`{name}` cannot name a view: there are no databases, give it a plain name"))),
    }
}

/// Columns of text as a DataFrame.
fn strings(session: &Session, columns: &[(&str, Vec<Option<String>>)]) -> Result<DataFrame> {
    let columns = columns.iter().map(|(name, values)| (*name, Arc::new(StringArray::from(values.clone())) as ArrayRef, true));
    session.create_dataframe(vec![RecordBatch::try_from_iter_with_nullable(columns)?])
}

/// The answer to a command that has none: no columns, no rows.
fn nothing(session: &Session) -> Result<DataFrame> {
    Ok(session.dataframe(LogicalPlanBuilder::empty(false).build()?))
}
