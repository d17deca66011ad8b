//! Windowed aggregation: tumbling `window(time, size)` and `session_window(time, gap)` in a GROUP BY become one node. The
//! markers are functions that have no value of their own; an aggregate that groups by one is rewritten, any other use is
//! refused when it is run.
//!
//! ```text
//! before  Aggregate: groupBy=[session_window(eventTime, '30 minutes'), userId], aggr=[avg(dwellMs)]
//! after   WindowAggregate: session 1800000 ms on eventTime, keys=[userId], aggr=[avg(dwellMs)]
//! ```
//!
//! Source: Spark, `TimeWindow.scala`, `SessionWindow.scala`, `UpdatingSessionsIterator.scala` (touching sessions merge).

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchemaRef, ScalarValue};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{
    Aggregate, ColumnarValue, Expr, Extension, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    UserDefinedLogicalNodeCore, Volatility,
};

use super::operator_node;
use crate::interval::parse_interval_us;
use crate::{Error, OperatorId, Result};

/// How events are grouped in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WindowKind {
    /// `[k·size, (k+1)·size)`, aligned to the Unix epoch.
    Tumbling {
        /// Length, microseconds.
        size_us: i64,
    },
    /// From the first event to `gap` after the last; two events exactly `gap` apart are in one session.
    Session {
        /// The silence that ends a session, microseconds.
        gap_us: i64,
    },
}

impl WindowKind {
    /// The kind's name, as operator ids begin with it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tumbling { .. } => "window",
            Self::Session { .. } => "session_window",
        }
    }
}

impl fmt::Display for WindowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tumbling { size_us } => write!(f, "tumbling {} ms", size_us / 1000),
            Self::Session { gap_us } => write!(f, "session {} ms", gap_us / 1000),
        }
    }
}

/// `struct<start: timestamp, end: timestamp>`, the type of a window.
pub fn window_struct_type() -> DataType {
    let timestamp = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    DataType::Struct(Fields::from(vec![Field::new("start", timestamp.clone(), false), Field::new("end", timestamp, false)]))
}

/// The marker function of a window: an argument for the time, one for the length.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Marker {
    name: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for Marker {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> DfResult<DataType> {
        Ok(window_struct_type())
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        Err(Error::analysis(format!(
            "`{}` stands only in a GROUP BY (`group_by`): group by it, then select its `start` and `end`",
            self.name
        ))
        .into())
    }
}

/// `window(time, '10 minutes')`, to group by.
pub fn window_udf() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(Marker { name: "window", signature: Signature::any(2, Volatility::Stable) }))
}

/// `session_window(time, '30 minutes')`, to group by.
pub fn session_window_udf() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(Marker { name: "session_window", signature: Signature::any(2, Volatility::Stable) }))
}

/// An aggregation over windows of event time, and further keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WindowAggregate {
    /// The rows.
    pub input: LogicalPlan,
    /// How events are grouped in time.
    pub kind: WindowKind,
    /// The event time.
    pub time: Expr,
    /// The other keys.
    pub keys: Vec<Expr>,
    /// The aggregates.
    pub aggregates: Vec<Expr>,
    /// Where among the output's grouping columns the window stands.
    pub window_position: usize,
    /// Given by [`crate::operator_id::name_operators`].
    pub id: Option<OperatorId>,
    schema: DFSchemaRef,
}

operator_node!(WindowAggregate);

impl UserDefinedLogicalNodeCore for WindowAggregate {
    fn name(&self) -> &str {
        "WindowAggregate"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        std::iter::once(&self.time).chain(&self.keys).chain(&self.aggregates).cloned().collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |exprs: &[Expr]| exprs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        write!(f, "WindowAggregate: {} on {}, keys=[{}], aggr=[{}]", self.kind, self.time, list(&self.keys), list(&self.aggregates))
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> DfResult<Self> {
        let (Some(input), true) = (inputs.pop(), exprs.len() == 1 + self.keys.len() + self.aggregates.len()) else {
            return datafusion::common::internal_err!("a windowed aggregation has one input, one time, its keys and its aggregates");
        };
        let mut exprs = exprs.into_iter();
        let time = exprs.next().unwrap_or_else(|| self.time.clone());
        let keys = exprs.by_ref().take(self.keys.len()).collect();
        Ok(Self { input, time, keys, aggregates: exprs.collect(), id: self.id.clone(), schema: Arc::clone(&self.schema), ..*self })
    }
}

/// The kind and the time of a window marker, looking through aliases.
fn marker_of(expr: &Expr) -> Option<Result<(WindowKind, Expr)>> {
    match expr {
        Expr::Alias(alias) => marker_of(&alias.expr),
        Expr::ScalarFunction(call) if matches!(call.func.name(), "window" | "session_window") && call.func.inner().as_any_marker() => {
            Some(parse_marker(call.func.name(), &call.args))
        }
        _ => None,
    }
}

fn parse_marker(name: &str, args: &[Expr]) -> Result<(WindowKind, Expr)> {
    let [time, length] = args else {
        return Err(Error::analysis(format!("`{name}` takes the time and a length, as in `{name}(eventTime, '30 minutes')`")));
    };
    let Expr::Literal(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)), _) = length else {
        return Err(Error::unsupported(format!(
            "`{name}` takes a fixed length such as '30 minutes', not `{length}`; sliding windows and gaps per row are not there yet"
        )));
    };
    let length_us = parse_interval_us(text)?;
    if length_us <= 0 {
        return Err(Error::analysis(format!("the length of `{name}` must be positive, not `{text}`")));
    }
    let kind = if name == "window" { WindowKind::Tumbling { size_us: length_us } } else { WindowKind::Session { gap_us: length_us } };
    Ok((kind, time.clone()))
}

/// Whether a function is one of our markers (and not another function of the same name).
trait AsMarker {
    fn as_any_marker(&self) -> bool;
}

impl AsMarker for Arc<dyn ScalarUDFImpl> {
    fn as_any_marker(&self) -> bool {
        let any: &dyn std::any::Any = self.as_ref();
        any.is::<Marker>()
    }
}

/// Replaces every aggregate that groups by a window marker.
///
/// # Errors
/// `Analysis` for two windows in one GROUP BY or a bad length; `Unsupported` for lengths that are not constants.
pub fn rewrite_window_aggregates(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up(|node| match node {
        LogicalPlan::Aggregate(aggregate) => Ok(rewrite(aggregate)?),
        other => Ok(Transformed::no(other)),
    })
    .data()
    .map_err(Error::from)
}

fn rewrite(aggregate: Aggregate) -> Result<Transformed<LogicalPlan>> {
    let mut found = None;
    let mut keys = Vec::with_capacity(aggregate.group_expr.len());
    for (position, expr) in aggregate.group_expr.iter().enumerate() {
        match marker_of(expr) {
            None => keys.push(expr.clone()),
            Some(_) if found.is_some() => {
                return Err(Error::analysis("a GROUP BY can have one window: group by the second one in a further step"));
            }
            Some(marker) => found = Some((position, marker?)),
        }
    }
    let Some((window_position, (kind, time))) = found else { return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate))) };
    let schema = aggregate.input.schema();
    let time_type = datafusion::logical_expr::ExprSchemable::get_type(&time, schema.as_ref())?;
    if !matches!(time_type, DataType::Timestamp(TimeUnit::Microsecond, _)) {
        return Err(Error::analysis(format!(
            "a window needs a timestamp, and `{time}` is {time_type}: convert it first, with `timestamp_millis` say"
        )));
    }
    let node = WindowAggregate {
        input: Arc::unwrap_or_clone(aggregate.input),
        kind,
        time,
        keys,
        aggregates: aggregate.aggr_expr,
        window_position,
        id: None,
        schema: aggregate.schema,
    };
    Ok(Transformed::yes(LogicalPlan::Extension(Extension { node: Arc::new(node) })))
}
