//! SQL statements: their variables replaced, parsed; a query becomes a DataFrame, a command is carried out at once.

mod substitute;

use tidemill_planner::Result;
use tidemill_spark::parse::{ParseOptions, parse_statement};
use tidemill_spark::plan::Statement;

use crate::command;
use crate::dataframe::{self, DataFrame};
use crate::session::Session;

impl Session {
    /// The rows of a query in Spark's SQL. A command (`CREATE VIEW`) is carried out at once and gives no rows.
    ///
    /// # Errors
    /// `Analysis` when the text does not parse or names something unknown, `Unsupported` for what is not there yet.
    pub async fn sql(&self, text: &str) -> Result<DataFrame> {
        let text = substitute::substituted(self, text);
        match parse_statement(&text, &ParseOptions::new(&self.spark_settings())?)? {
            Statement::Query(relation) => dataframe::query(self, &relation).await,
            Statement::Command(command) => command::run(self, &command, &text).await,
        }
    }
}
