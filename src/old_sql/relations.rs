//! The tables of a statement: paths and versions are taken off the syntax tree and opened, so that each name that is left
//! stands for exactly one table at one version. DataFusion would drop a version without a word.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Statement, TableAlias, TableAliasColumnDef, TableFactor, TableVersion, TypedString, Value,
    VisitMut, VisitorMut,
};

use super::provider::Tables;
use crate::io::{Format, PathTable, Version};
use crate::{Error, Result, Session};

/// Opens every table and view that the statement names.
pub(super) async fn open(session: &Session, statement: &mut Statement) -> Result<Tables> {
    let mut found = Relations::default();
    if let ControlFlow::Break(error) = statement.visit(&mut found) {
        return Err(error);
    }
    let mut tables = Tables::of(session);
    for name in found.names {
        // What is no view may be a CTE; that is settled where scopes are known.
        if let Some(view) = session.catalog().temp_view(&[name.clone()], &session.spark_settings()) {
            let provider = ViewTable::new(view.plan, None);
            tables.by_name.insert(TableReference::bare(view.name), provider_as_source(Arc::new(provider)));
        }
    }
    for ((format, name), table) in found.paths {
        let provider = table.open(session).await?;
        tables.by_name.insert(TableReference::partial(format, name), provider_as_source(provider));
    }
    Ok(tables)
}

/// The reference that the parts of a name stand for; no name here has three.
pub(super) fn reference(parts: &[String]) -> Option<TableReference> {
    match parts {
        [table] => Some(TableReference::bare(table.clone())),
        [format, path] => Some(TableReference::partial(format.to_lowercase(), path.clone())),
        _ => None,
    }
}

/// The table that ``format.`path` `` names, if the first part is a format.
pub(super) fn path_table(parts: &[String], version: Version) -> Option<PathTable> {
    let [format, path] = parts else { return None };
    Some(PathTable { format: Format::parse(format).ok()?, path: path.clone(), version })
}

#[derive(Default)]
struct Relations {
    names: Vec<String>,
    paths: BTreeMap<(String, String), PathTable>,
}

impl VisitorMut for Relations {
    type Break = Error;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        match self.factor(factor) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl Relations {
    fn factor(&mut self, factor: &mut TableFactor) -> Result<()> {
        let TableFactor::Table { name, version, args, alias, .. } = factor else { return Ok(()) };
        if args.is_some() {
            range_column(name, alias);
            return Ok(());
        }
        let parts: Vec<String> = name.0.iter().filter_map(|p| p.as_ident()).map(|i| i.value.clone()).collect();
        let version = match version.take() {
            Some(version) => parse_version(&version)?,
            None => Version::Latest,
        };
        match parts.as_slice() {
            [name] => {
                if version != Version::Latest {
                    return Err(Error::analysis(format!(
                        "`{name}` is a view or a subquery and has no versions: name the table by its path, as in delta.`/data/{name}` VERSION AS OF 3"
                    )));
                }
                self.names.push(name.clone());
            }
            [format, path] => {
                let Some(table) = path_table(&parts, version.clone()) else {
                    return Err(Error::not_found(format!(
                        "there is no database `{format}`: tables are named by path, as in delta.`/data/{path}`"
                    )));
                };
                // The version is part of the name from here on, so that two versions are two tables.
                let format = table.format.name().to_owned();
                let shown = format!("{path}{version}");
                *name = ObjectName(vec![part(&format), part(&shown)]);
                self.paths.insert((format, shown), table);
            }
            _ => {
                return Err(Error::not_found(format!(
                    "there is no catalog for `{}`: tables are named by path, as in delta.`/data/events`",
                    parts.join(".")
                )));
            }
        }
        Ok(())
    }
}

fn part(text: &str) -> ObjectNamePart {
    ObjectNamePart::Identifier(Ident::with_quote('`', text))
}

/// Spark calls the column of `range` `id`.
fn range_column(name: &ObjectName, alias: &mut Option<TableAlias>) {
    if !name.to_string().eq_ignore_ascii_case("range") {
        return;
    }
    let alias = alias.get_or_insert_with(|| TableAlias { explicit: true, name: Ident::new("range"), columns: Vec::new(), at: None });
    if alias.columns.is_empty() {
        alias.columns.push(TableAliasColumnDef { name: Ident::new("id"), data_type: None });
    }
}

fn parse_version(version: &TableVersion) -> Result<Version> {
    match version {
        TableVersion::VersionAsOf(expr) => match number(expr) {
            Some(version) => Ok(Version::Number(version)),
            None => Err(Error::analysis(format!("`VERSION AS OF` takes a whole number, not `{expr}`"))),
        },
        TableVersion::TimestampAsOf(expr) | TableVersion::ForSystemTimeAsOf(expr) => match text(expr) {
            Some(text) => Version::at(text),
            None => Err(Error::unsupported(format!("`TIMESTAMP AS OF` takes a time as text, such as '2026-01-31 08:30:00', not `{expr}`"))),
        },
        other => Err(Error::unsupported(format!("`{other}` is not supported: use `VERSION AS OF n` or `TIMESTAMP AS OF 'time'`"))),
    }
}

fn number(expr: &Expr) -> Option<u64> {
    let Expr::Value(value) = expr else { return None };
    match &value.value {
        Value::Number(digits, _) => digits.to_string().parse().ok(),
        Value::SingleQuotedString(text) => text.parse().ok(),
        _ => None,
    }
}

fn text(expr: &Expr) -> Option<&str> {
    let value = match expr {
        Expr::Value(value) => value,
        Expr::TypedString(TypedString { value, .. }) => value,
        Expr::Cast { expr, .. } => return text(expr),
        _ => return None,
    };
    match &value.value {
        Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => Some(text),
        _ => None,
    }
}
