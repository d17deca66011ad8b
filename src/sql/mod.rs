//! SQL statements: their variables replaced, parsed; a query becomes a DataFrame, a command is carried out at once.

mod substitute;

use std::borrow::Cow;

use tidemill_planner::Result;
use tidemill_spark::parse::{ParseOptions, parse_statement};
use tidemill_spark::plan::{Expression, Statement};

use crate::column::Column;
use crate::command;
use crate::dataframe::{self, DataFrame};
use crate::session::Session;

impl Session {
    /// The rows of a query in Spark's SQL. A command (`CREATE VIEW`) is carried out at once and gives no rows.
    ///
    /// # Errors
    /// `Analysis` when the text does not parse or names something unknown, `Unsupported` for what is not there yet.
    pub async fn sql(&self, text: &str) -> Result<DataFrame> {
        let text = self.substituted(text)?;
        match parse_statement(&text, &ParseOptions::new(&self.spark_settings())?)? {
            Statement::Query(relation) => dataframe::query(self, &relation).await,
            Statement::Command(command) => command::run(self, &command, &text).await,
        }
    }

    /// The same with values for the parameters of the text: for `?` in order, for `:name` by their names (`lit(5).alias("name")`).
    ///
    /// # Errors
    /// `UNBOUND_SQL_PARAMETER` for a parameter without a value, `INVALID_QUERY_MIXED_QUERY_PARAMETERS` for parameters of both kinds,
    /// and those of [`Session::sql`].
    pub async fn sql_with(&self, text: &str, values: impl IntoIterator<Item = Column>) -> Result<DataFrame> {
        let values: Vec<Expression> = values.into_iter().map(|value| value.expression).collect();
        self.sql(&command::bound(self, text, &values).await?).await
    }

    /// The text with `${name}` replaced, unless `spark.sql.variable.substitute` is off.
    fn substituted<'t>(&self, text: &'t str) -> Result<Cow<'t, str>> {
        if !text.contains("${") || !self.spark_settings().flag("spark.sql.variable.substitute", true)? {
            return Ok(Cow::Borrowed(text));
        }
        let replaced = substitute::substitute(text, &|prefix, name| match prefix {
            None | Some("spark" | "sparkconf" | "hivevar" | "hiveconf") => Some(self.setting(name).unwrap_or_default()),
            Some("env") => std::env::var(name).ok(),
            Some(_) => None,
        })?;
        Ok(Cow::Owned(replaced))
    }
}
