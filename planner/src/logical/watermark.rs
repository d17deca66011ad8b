//! `withWatermark`: rows pass unchanged, and the greatest event time seen moves the query's watermark. Over a table it does
//! nothing.
//!
//! Source: Spark, `EventTimeWatermarkExec.scala`, `WatermarkTracker.scala`.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion::common::{Column, DFSchema, DFSchemaRef};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use super::event_time::{WATERMARK_DELAY_KEY, event_time_column};
use super::operator_node;
use crate::{Error, OperatorId, Result};

/// Declares `column` as event time with a delay.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Watermark {
    /// What rows pass through.
    pub input: LogicalPlan,
    /// The event-time column, a timestamp in microseconds.
    pub column: Column,
    /// How far the watermark trails the greatest event time.
    pub delay_us: i64,
    /// What it does, in the user's words: names, functions and literals, never the engine's. Its id is made from it.
    pub definition: String,
    /// Given by [`crate::operator_id::name_operators`].
    pub id: Option<OperatorId>,
    schema: DFSchemaRef,
}

operator_node!(Watermark);

impl Watermark {
    /// A watermark on `column` of `input`, which the user calls `name`.
    ///
    /// # Errors
    /// `Analysis` when the column is not a timestamp, or another watermark is defined upstream.
    pub fn try_new(input: LogicalPlan, column: Column, name: &str, delay_us: i64) -> Result<Self> {
        let schema = Self::mark(&input, &column, delay_us)?;
        Ok(Self { input, column, delay_us, definition: format!("{name} {delay_us}"), id: None, schema })
    }

    fn mark(input: &LogicalPlan, column: &Column, delay_us: i64) -> Result<DFSchemaRef> {
        let schema = input.schema();
        if let Some(other) = event_time_column(schema.as_arrow()) {
            let name = schema.field(other).name();
            return Err(Error::analysis(format!(
                "column `{name}` has a watermark already, and a query branch can have one: remove one of the two `with_watermark` calls"
            )));
        }
        let index = schema.index_of_column(column).map_err(Error::from)?;
        let field = schema.field(index);
        if !matches!(field.data_type(), DataType::Timestamp(TimeUnit::Microsecond, _)) {
            return Err(Error::analysis(format!(
                "`with_watermark` needs a timestamp column, and `{}` is {}: convert it first, with `timestamp_millis` say",
                field.name(),
                field.data_type()
            )));
        }
        let fields = schema
            .iter()
            .enumerate()
            .map(|(i, (qualifier, field))| {
                let field = if i == index {
                    let mut metadata = field.metadata().clone();
                    metadata.insert(WATERMARK_DELAY_KEY.to_owned(), delay_us.to_string());
                    Arc::new(Field::clone(field).with_metadata(metadata))
                } else {
                    Arc::clone(field)
                };
                (qualifier.cloned(), field)
            })
            .collect();
        Ok(Arc::new(DFSchema::new_with_metadata(fields, HashMap::new()).map_err(Error::from)?))
    }
}

impl UserDefinedLogicalNodeCore for Watermark {
    fn name(&self) -> &str {
        "Watermark"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![Expr::Column(self.column.clone())]
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watermark: {} delay {} ms", self.column.name, self.delay_us / 1000)
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> DfResult<Self> {
        let (Some(Expr::Column(column)), Some(input)) = (exprs.into_iter().next(), inputs.into_iter().next()) else {
            return datafusion::common::internal_err!("a watermark has one column and one input");
        };
        let schema = Self::mark(&input, &column, self.delay_us)?;
        Ok(Self { input, column, schema, ..self.clone() })
    }
}
