//! Windowed aggregation: a GROUP BY over `window(time, size[, slide[, start]])` or `session_window(time, gap)`, as one node.
//!
//! ```text
//! GROUP BY session_window(eventTime, '30 minutes'), userId
//! WindowAggregate: session 1800000 ms on eventTime, keys=[userId], aggr=[avg(dwellMs)]
//! ```
//!
//! Source: Spark, `TimeWindow.scala`, `SessionWindow.scala`, `UpdatingSessionsIterator.scala` (touching sessions merge).

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use datafusion::common::{DFSchema, DFSchemaRef};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::utils::exprlist_to_fields;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, UserDefinedLogicalNodeCore};

use super::operator_node;
use crate::{Error, OperatorId, Result};

/// How events are grouped in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WindowKind {
    /// `[k·size, (k+1)·size)`, aligned to the Unix epoch.
    Tumbling {
        /// Length, microseconds.
        size_us: i64,
    },
    /// `[start + k·slide, start + k·slide + size)`: an event is in each of those that hold its time.
    Sliding {
        /// Length, microseconds.
        size_us: i64,
        /// How far the next window begins after one, microseconds; at most the length.
        slide_us: i64,
        /// Where windows begin, microseconds from the Unix epoch.
        start_us: i64,
    },
    /// From the first event to `gap` after the last; two events exactly `gap` apart are in one session.
    Session {
        /// The silence that ends a session, microseconds.
        gap_us: i64,
    },
    /// The same with a silence of its own for each event, as [`WindowAggregate::ends`] says.
    SessionByRow,
}

impl WindowKind {
    /// The kind's name, as operator ids begin with it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tumbling { .. } | Self::Sliding { .. } => "window",
            Self::Session { .. } | Self::SessionByRow => "session_window",
        }
    }
}

impl fmt::Display for WindowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tumbling { size_us } => write!(f, "tumbling {} ms", size_us / 1000),
            Self::Sliding { size_us, slide_us, start_us } => {
                write!(f, "sliding {} ms every {} ms from {} us", size_us / 1000, slide_us / 1000, start_us)
            }
            Self::Session { gap_us } => write!(f, "session {} ms", gap_us / 1000),
            Self::SessionByRow => f.write_str("session"),
        }
    }
}

/// `struct<start, end>` of a type of timestamps, the type of a window over them.
fn window_struct_type(time: &DataType) -> DataType {
    DataType::Struct(Fields::from(vec![Field::new("start", time.clone(), false), Field::new("end", time.clone(), false)]))
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
    /// When the session of a lone event would end, for [`WindowKind::SessionByRow`]: an event for which it is null or not after the
    /// event's time is in no session.
    pub ends: Option<Expr>,
    /// The other keys.
    pub keys: Vec<Expr>,
    /// The aggregates.
    pub aggregates: Vec<Expr>,
    /// Where among the output's grouping columns the window stands.
    pub window_position: usize,
    /// What it does, in the user's words: names, functions and literals, never the engine's. Its id is made from it.
    pub definition: String,
    /// Given by [`crate::operator_id::name_operators`].
    pub id: Option<OperatorId>,
    schema: DFSchemaRef,
}

operator_node!(WindowAggregate);

impl WindowAggregate {
    /// Groups of `input` by windows of `time`, then by `keys`, which begin at `window_position` behind the window: (window or keys, then
    /// aggregates) are the columns, the window's called `window`.
    ///
    /// # Errors
    /// `Analysis` when the time is no timestamp.
    pub fn try_new(
        input: LogicalPlan,
        kind: WindowKind,
        time: EventTime,
        window: &str,
        groups: Groups,
        definition: String,
    ) -> Result<Self> {
        let EventTime { time, ends } = time;
        let schema = input.schema();
        let time_type = time.get_type(schema.as_ref())?;
        if !matches!(time_type, DataType::Timestamp(TimeUnit::Microsecond, _)) {
            return Err(Error::analysis(format!(
                "a window needs a timestamp, and `{time}` is {time_type}: convert it first, with `timestamp_millis` say"
            )));
        }
        let Groups { keys, aggregates, window_position } = groups;
        let mut fields = exprlist_to_fields(keys.iter().chain(&aggregates), &input)?;
        let window = Field::new(window, window_struct_type(&time_type), false);
        fields.insert(window_position.min(keys.len()), (None, Arc::new(window)));
        let schema = Arc::new(DFSchema::new_with_metadata(fields, std::collections::HashMap::new())?);
        Ok(Self { input, kind, time, ends, keys, aggregates, window_position, definition, id: None, schema })
    }
}

/// When events are.
#[derive(Debug, Clone)]
pub struct EventTime {
    /// The event time.
    pub time: Expr,
    /// When the session of a lone event would end, if that is said for each.
    pub ends: Option<Expr>,
}

/// What a [`WindowAggregate`] computes beside its window.
#[derive(Debug, Clone)]
pub struct Groups {
    /// The other keys.
    pub keys: Vec<Expr>,
    /// The aggregates.
    pub aggregates: Vec<Expr>,
    /// Where among the grouping columns the window stands.
    pub window_position: usize,
}

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
        std::iter::once(&self.time).chain(&self.ends).chain(&self.keys).chain(&self.aggregates).cloned().collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |exprs: &[Expr]| exprs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        write!(f, "WindowAggregate: {} on {}, keys=[{}], aggr=[{}]", self.kind, self.time, list(&self.keys), list(&self.aggregates))
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> DfResult<Self> {
        let (Some(input), true) =
            (inputs.pop(), exprs.len() == 1 + usize::from(self.ends.is_some()) + self.keys.len() + self.aggregates.len())
        else {
            return datafusion::common::internal_err!("a windowed aggregation has one input, one time, its keys and its aggregates");
        };
        let mut exprs = exprs.into_iter();
        let time = exprs.next().unwrap_or_else(|| self.time.clone());
        let ends = self.ends.as_ref().and_then(|_| exprs.next());
        let keys = exprs.by_ref().take(self.keys.len()).collect();
        Ok(Self { input, time, ends, keys, aggregates: exprs.collect(), ..self.clone() })
    }
}
