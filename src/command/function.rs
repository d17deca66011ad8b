//! CREATE FUNCTION … RETURN and DROP FUNCTION; functions of the program under a name.

use std::sync::Arc;

use tidemill_planner::logical::UserFunction;
use tidemill_spark::error::error;
use tidemill_spark::plan::{Command, FunctionBody, FunctionReturns, RelationKind, SqlFunction, Statement, TableName};

use super::{Context, rows};
use crate::catalog::{CatalogFunction, routine_not_found, shown};
use crate::dataframe::DataFrame;
use crate::session::Session;
use tidemill_planner::Result;

impl Session {
    /// Lets SQL call a function of the program by this name, in the place of one that had it.
    ///
    /// # Errors
    /// `Analysis` for the name of one of Spark's own.
    pub fn register_function(&self, name: &str, function: Arc<dyn UserFunction>) -> Result<()> {
        if name.is_empty() || name.contains(['.', '`']) {
            let message = format!("`{name}` is no name for a function of the program: take one without dots and backticks");
            return Err(error("INVALID_SQL_SYNTAX.CREATE_TEMP_FUNC_WITH_DATABASE", message));
        }
        if tidemill_spark::functions::lookup(&name.to_lowercase()).is_some() {
            let message = format!("`{name}` is one of Spark's own functions: register yours under another name");
            return Err(error("ROUTINE_ALREADY_EXISTS", message).with_parameter("routineName", format!("`{name}`")));
        }
        self.objects().put_temp_function(name, CatalogFunction::User(function), true, &self.spark_settings())
    }
}

/// CREATE FUNCTION … RETURN.
pub(super) async fn create(cx: &Context<'_>, function: &SqlFunction) -> Result<DataFrame> {
    if function.or_replace && function.if_not_exists {
        let message = "CREATE FUNCTION takes OR REPLACE or IF NOT EXISTS, not both";
        return Err(error("INVALID_SQL_SYNTAX.CREATE_ROUTINE_WITH_IF_NOT_EXISTS_AND_REPLACE", message));
    }
    let mut seen: Vec<String> = Vec::new();
    for parameter in &function.parameters {
        let name = parameter.name.to_lowercase();
        if seen.contains(&name) {
            let message = format!("the parameter `{name}` is there twice: give parameters names that differ");
            return Err(error("DUPLICATE_ROUTINE_PARAMETER_NAMES", message));
        }
        seen.push(name);
    }
    if let FunctionReturns::Table(columns) = &function.returns {
        let mut seen: Vec<String> = Vec::new();
        for (name, _) in columns {
            let name = name.to_lowercase();
            if seen.contains(&name) {
                return Err(error(
                    "DUPLICATE_ROUTINE_RETURNS_COLUMNS",
                    format!("the column `{name}` is there twice: give columns names that differ"),
                ));
            }
            seen.push(name);
        }
        if matches!(function.body, FunctionBody::Expression(_)) {
            return Err(error(
                "USER_DEFINED_FUNCTIONS.SQL_TABLE_UDF_BODY_MUST_BE_A_QUERY",
                "a function that RETURNS TABLE returns a query: say RETURN SELECT …",
            ));
        }
    }
    let parts = cx.parts(&function.name)?;
    // The body is looked at as far as it goes without arguments: what it names has to be there.
    if let FunctionBody::Query(query) = &function.body
        && function.parameters.is_empty()
    {
        crate::open::resolved(cx.session, query).await?;
    }
    if function.temporary {
        let [name] = parts.as_slice() else {
            let message = format!("{} cannot name a temporary function: give it a name without a database", shown(&parts));
            return Err(error("INVALID_SQL_SYNTAX.CREATE_TEMP_FUNC_WITH_DATABASE", message));
        };
        if function.if_not_exists {
            let message = "CREATE TEMPORARY FUNCTION takes no IF NOT EXISTS: say CREATE OR REPLACE TEMPORARY FUNCTION";
            return Err(error("INVALID_SQL_SYNTAX.CREATE_TEMP_FUNC_WITH_IF_NOT_EXISTS", message));
        }
        cx.catalog().put_temp_function(name, CatalogFunction::Sql(Arc::new(function.clone())), function.or_replace, &cx.settings)?;
        return rows::nothing(cx);
    }
    let id = cx.id(&parts)?;
    // What is kept is the statement: it has to say the same when it is read again.
    match tidemill_spark::parse::parse_statement(cx.text, &tidemill_spark::parse::ParseOptions::new(&cx.settings)?)? {
        Statement::Command(Command::CreateSqlFunction(_)) => {}
        _ => return Err(error("INTERNAL_ERROR", "the text of CREATE FUNCTION was lost: please report it")),
    }
    cx.catalog().create_function(&id, cx.text, function.or_replace, function.if_not_exists, &cx.settings.user).await?;
    rows::nothing(cx)
}

/// CREATE FUNCTION … AS 'class'.
pub(super) fn of_class(cx: &Context<'_>, name: &TableName, class_name: &str) -> Result<DataFrame> {
    let name = shown(&cx.parts(name)?);
    let message = format!(
        "{name} AS '{class_name}': there is no Java here; write the function in SQL, as in CREATE FUNCTION f(x INT) RETURNS INT RETURN x + 1"
    );
    Err(error("CANNOT_LOAD_FUNCTION_CLASS", message).with_parameter("className", class_name).with_parameter("functionName", name))
}

/// DROP FUNCTION.
pub(super) async fn drop(cx: &Context<'_>, name: &TableName, temporary: bool, if_exists: bool) -> Result<DataFrame> {
    let parts = cx.parts(name)?;
    if let [only] = parts.as_slice()
        && tidemill_spark::functions::lookup(only).is_some()
        && cx.catalog().function(&parts, &cx.settings).await?.is_none()
    {
        if if_exists && !temporary {
            return rows::nothing(cx);
        }
        if temporary {
            return Err(routine_not_found(&shown(&parts)));
        }
        let message = format!("`{only}` is one of Spark's own functions, and stays");
        return Err(error("FORBIDDEN_OPERATION", message));
    }
    cx.catalog().drop_function(&parts, temporary, if_exists, &cx.settings).await?;
    rows::nothing(cx)
}

/// Whether a body is a query, for DESCRIBE.
pub(super) fn is_table(function: &SqlFunction) -> bool {
    matches!(function.returns, FunctionReturns::Table(_))
        || matches!(&function.body, FunctionBody::Query(query) if matches!(query.kind.as_ref(), RelationKind::Values { .. }))
}
