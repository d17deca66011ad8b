//! The side rows of an operator or source as rows of their own: late rows, malformed input. Which rows are late is the
//! operator's decision; this node only names them.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::common::{DFSchema, DFSchemaRef};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use super::event_time::without_event_time;
use super::{operator_id_of, order_by_text};
use crate::scan::scan_table_of;
use crate::seam::Port;
use crate::{Error, Result};

/// The rows of one side port of the operator or source at the root of `input`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SidePort {
    /// The plan whose root owns the port.
    pub input: LogicalPlan,
    /// Which rows.
    pub port: Port,
    schema: DFSchemaRef,
}

impl Hash for SidePort {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.input.hash(state);
        self.port.hash(state);
    }
}

order_by_text!(SidePort);

/// The columns of late rows: the operator's input, then who dropped them, by which watermark, in which epoch.
pub fn late_schema(input: &Schema) -> SchemaRef {
    let mut fields: Vec<Arc<Field>> = without_event_time(input).fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new("operator", DataType::Utf8, false)));
    fields.push(Arc::new(Field::new("watermark", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false)));
    fields.push(Arc::new(Field::new("epoch", DataType::Int64, false)));
    Arc::new(Schema::new(fields))
}

impl SidePort {
    /// The `port` of the node at the root of `input`.
    ///
    /// # Errors
    /// `Analysis` when that node has no such port.
    pub fn try_new(input: LogicalPlan, port: Port) -> Result<Self> {
        let schema = match port {
            Port::Late => {
                let LogicalPlan::Extension(extension) = &input else {
                    return Err(Error::analysis(
                        "late rows come from a stateful operator: ask for them on the result of `drop_duplicates` or a windowed aggregation",
                    ));
                };
                let Some(source) = extension.node.inputs().first().map(|i| i.schema().as_arrow().clone()) else {
                    return Err(Error::internal("a stateful operator without an input"));
                };
                late_schema(&source)
            }
            Port::Malformed => scan_table_of(&input).and_then(|table| table.malformed_schema()).ok_or_else(|| {
                Error::analysis("malformed rows come from a source: ask for them on the result of `load`, before any other step")
            })?,
        };
        let schema = Arc::new(DFSchema::try_from(schema)?);
        Ok(Self { input, port, schema })
    }

    /// The name under which the owner reports its side rows.
    ///
    /// # Errors
    /// `Internal` when operators have not been named yet.
    pub fn owner(&self) -> Result<String> {
        match self.port {
            Port::Late => operator_id_of(&self.input).map(|id| id.as_str().to_owned()),
            Port::Malformed => scan_table_of(&self.input).map(|table| table.id().as_str().to_owned()),
        }
        .ok_or_else(|| Error::internal("a side port's owner has no name: name_operators has not run"))
    }
}

impl UserDefinedLogicalNodeCore for SidePort {
    fn name(&self) -> &str {
        "SidePort"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SidePort: {}", self.port)
    }

    fn with_exprs_and_inputs(&self, _exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> DfResult<Self> {
        match (inputs.pop(), inputs.is_empty()) {
            (Some(input), true) => Ok(Self { input, port: self.port, schema: Arc::clone(&self.schema) }),
            _ => datafusion::common::internal_err!("a side port has one input"),
        }
    }
}
