//! Steps that keep state over a stream and mean the same over a table: watermarks, dropping duplicates, groups in windows of time,
//! groups with a state of their own, and the rows that such a step sets aside.
//!
//! Each node gets its definition from here: what the program says, in its own names. Operator ids hash it.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, LogicalPlanBuilder, UserDefinedLogicalNode};
use tidemill_planner::interval::parse_interval_us;
use tidemill_planner::logical::{Dedup, EventTime, FlatMapGroups, SidePort, Watermark, WindowAggregate, WindowKind};
use tidemill_planner::seam::Port;

use super::nodes::project;
use super::nodes::under_id;
use super::scope::{Attribute, Found, Scope};
use super::{Rel, Resolver};
use crate::error::error;
use crate::functions::datetime::{WindowSpec, session_spec, window_at, window_spec};
use crate::plan::{Expression, ExpressionKind, FunctionCall, Relation};
use crate::types::{SparkType, StructField, from_field};
use crate::{Error, Result, Sql, Typed};

const DAY_US: i64 = 86_400_000_000;

/// In how many windows a row is written down at most.
const MAX_WINDOWS: i64 = 1000;

/// The window of time that a GROUP BY is over.
#[derive(Debug, Clone)]
pub(crate) struct TimeWindow {
    pub(crate) kind: WindowKind,
    /// The time of a row.
    pub(crate) time: Typed,
    /// The gap of a row's session and when that would end, where each row says it for itself.
    ends: Option<(Sql, Typed)>,
    /// The column that it becomes; no column of the rows has its id.
    pub(crate) attribute: Attribute,
    /// Whether the rows have that column already, once per window that they fall into: in GROUPING SETS.
    pub(crate) is_column: bool,
}

/// What a call of `window` or `session_window` says.
struct Said {
    kind: WindowKind,
    time: Typed,
    ends: Option<(Sql, Typed)>,
}

impl Said {
    fn same(&self, window: &TimeWindow) -> bool {
        let gap = |ends: &Option<(Sql, Typed)>| ends.as_ref().map(|(_, end)| end.expr.clone());
        self.kind == window.kind && self.time.expr == window.time.expr && gap(&self.ends) == gap(&window.ends)
    }
}

impl TimeWindow {
    /// When a row is, and its session would end.
    pub(crate) fn event_time(&self) -> EventTime {
        EventTime { time: self.time.expr.clone(), ends: self.ends.as_ref().map(|(_, end)| end.expr.clone()) }
    }

    /// What the node says about itself: never what an earlier release said, whose aggregates keep other state.
    pub(crate) fn definition(&self, keys: &[String], aggregates: &[String]) -> String {
        let gap = self.ends.as_ref().map_or_else(String::new, |(gap, _)| format!(" for {gap}"));
        format!("{} of {}{gap} by {}: {}", self.kind, self.time.sql, keys.join(", "), aggregates.join(", "))
    }
}

/// The call of `window` or `session_window` that an expression is, under an alias perhaps.
fn window_call(expression: &Expression) -> Option<(&FunctionCall, Option<&str>)> {
    match &expression.kind {
        ExpressionKind::Alias { expr, name } => match (window_call(expr), name.as_slice()) {
            (Some((call, _)), [name]) => Some((call, Some(name))),
            _ => None,
        },
        ExpressionKind::UnresolvedFunction(call) => {
            let name = crate::functions::builtin_name(&call.name)?;
            matches!(name.as_str(), "window" | "session_window").then_some((call.as_ref(), None))
        }
        _ => None,
    }
}

impl Resolver<'_> {
    pub(crate) fn with_watermark(&mut self, input: &Relation, event_time: &str, delay: &str) -> Result<Rel> {
        let rel = self.relation(input)?;
        let column = self.plain_column(&rel.scope, &split(event_time), "withWatermark")?;
        let node = Watermark::try_new(rel.plan, column.column(), &column.name, parse_interval_us(delay)?)?;
        Ok(Rel::new(extension(node), rel.scope))
    }

    /// The first row of each key; on a stream, of all that ever come.
    pub(crate) fn dedup(&mut self, rel: Rel, keys: &[Attribute], within_watermark: bool) -> Rel {
        self.remember(&rel.scope);
        let names = keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join(",");
        let definition = if within_watermark { format!("{names} within watermark") } else { names };
        let keys = keys.iter().map(Attribute::column).collect();
        let node = Dedup { input: rel.plan, keys, within_watermark, definition, id: None };
        Rel::new(extension(node), rel.scope)
    }

    pub(crate) fn group_state(&mut self, input: &Relation, grouping: &[Expression], handle: u64) -> Result<Rel> {
        let Some(function) = self.opened.group_functions.get(&handle).cloned() else {
            return Err(error("INTERNAL_ERROR", format!("the session has no function under {handle}")));
        };
        if grouping.is_empty() {
            return Err(error(
                "UNSUPPORTED_EXPR_FOR_OPERATOR",
                format!("`{}` is called for groups: name a column to group by", function.name()),
            ));
        }
        let rel = self.relation(input)?;
        let mut keys = Vec::with_capacity(grouping.len());
        for expression in grouping {
            let typed = self.expression(expression, &rel.scope)?;
            let attribute = typed.expr.try_as_col().and_then(|column| rel.scope.columns.iter().find(|a| a.id == column.name));
            let Some(attribute) = attribute else {
                return Err(error(
                    "UNSUPPORTED_EXPR_FOR_OPERATOR",
                    format!(
                        "`flat_map_groups_with_state` groups by plain columns, not by \"{}\": add it as a column first, with `with_column`",
                        typed.sql
                    ),
                ));
            };
            keys.push(Column::new_unqualified(&attribute.name));
        }
        // The function asks for columns by the user's names.
        let named = rel.scope.columns.iter().map(|a| under_id(a.expr(), &a.name)).collect();
        let plan = project(rel.plan, named)?;
        let node = FlatMapGroups::try_new(plan, keys, Arc::clone(&function))?;
        let columns: Vec<StructField> = function.output_schema().fields().iter().map(|field| from_field(field)).collect();
        self.remember(&rel.scope);
        self.columns_of(extension(node), &columns)
    }

    pub(crate) fn side_output(&mut self, input: &Relation, port: &str) -> Result<Rel> {
        let rel = self.relation(input)?;
        let port = match port {
            "late" => Port::Late,
            "malformed" => Port::Malformed,
            other => return Err(error("INTERNAL_ERROR", format!("there is no side output `{other}`"))),
        };
        let mut owner = &rel.plan;
        // What only names or reshapes rows has no port of its own.
        while let LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) | LogicalPlan::Filter(_) = owner {
            match owner.inputs().first() {
                Some(input) => owner = input,
                None => break,
            }
        }
        let node = SidePort::try_new(owner.clone(), port)?;
        let plan = extension(node);
        let columns: Vec<StructField> = plan
            .schema()
            .fields()
            .iter()
            .map(|field| match self.known.get(field.name()) {
                Some((name, data_type)) => StructField::new(name, data_type.clone()).with_nullable(field.is_nullable()),
                None => from_field(field),
            })
            .collect();
        self.columns_of(plan, &columns)
    }

    fn plain_column(&self, scope: &Scope, name: &[String], what: &str) -> Result<Attribute> {
        match scope.find(name, &self.settings) {
            Found::One(attribute, fields) if fields.is_empty() => Ok(attribute.clone()),
            Found::One(..) => Err(error(
                "UNSUPPORTED_EXPR_FOR_OPERATOR",
                format!("`{what}` takes a column, not the struct field `{}`: add it with `with_column` first", name.join(".")),
            )),
            Found::Several(_) => {
                Err(error("AMBIGUOUS_REFERENCE", format!("`{}` may be several columns: name one with `alias`", name.join("."))))
            }
            Found::Nothing => {
                let hints = scope.suggestions(name);
                let message = format!("there is no column `{}` here; did you mean one of [{}]?", name.join("."), hints.join(", "));
                Err(error("UNRESOLVED_COLUMN.WITH_SUGGESTION", message))
            }
        }
    }

    /// Keeps what the user calls the columns of a scope, for the rows that an operator above sets aside.
    pub(crate) fn remember(&mut self, scope: &Scope) {
        for a in &scope.columns {
            self.known.insert(a.id.clone(), (a.name.clone(), a.data_type.clone()));
        }
    }

    /// The window of time that is a key of GROUP BY, if one is.
    pub(crate) fn time_window(&mut self, grouping: &[&Expression], scope: &Scope) -> Result<Option<TimeWindow>> {
        let mut found: Option<TimeWindow> = None;
        for expression in grouping {
            let Some((call, alias)) = window_call(expression) else { continue };
            let said = self.window_of(call, scope)?;
            if let Some(first) = &found {
                if said.same(first) {
                    continue;
                }
                return Err(two_windows());
            }
            let moment = |name: &str| StructField::new(name, said.time.data_type.clone()).with_nullable(false);
            let data_type = SparkType::Struct(vec![moment("start"), moment("end")]);
            let attribute = self.attribute(alias.unwrap_or(said.kind.name()), data_type, false);
            found = Some(TimeWindow { kind: said.kind, time: said.time, ends: said.ends, attribute, is_column: false });
        }
        Ok(found)
    }

    /// The column of the window that a call stands for, inside an aggregation over that window.
    pub(crate) fn window_column(&mut self, name: &str, call: &FunctionCall, scope: &Scope) -> Result<Option<Typed>> {
        if !matches!(name, "window" | "session_window") {
            return Ok(None);
        }
        let Some(window) = self.window.clone() else { return Ok(None) };
        let outer = self.window.take();
        let said = self.window_of(call, scope);
        self.window = outer;
        if !said?.same(&window) {
            return Err(two_windows());
        }
        Ok(Some(window.attribute.typed(&window.attribute.name)))
    }

    fn window_of(&mut self, call: &FunctionCall, scope: &Scope) -> Result<Said> {
        let name = crate::functions::builtin_name(&call.name).unwrap_or_default();
        let arguments = self.expressions(&call.arguments, scope)?;
        if name == "window" {
            let spec = self.with_call("window", arguments, |call| window_spec(call))?;
            let kind = if spec.slide_us == spec.size_us && spec.start_us == 0 {
                WindowKind::Tumbling { size_us: spec.size_us }
            } else {
                WindowKind::Sliding { size_us: spec.size_us, slide_us: spec.slide_us, start_us: spec.start_us }
            };
            return Ok(Said { kind, time: spec.time, ends: None });
        }
        let spec = self.with_call("session_window", arguments, |call| session_spec(call))?;
        if let Some((0, days, micros)) = spec.constant_gap {
            let gap_us = i64::from(days).saturating_mul(DAY_US).saturating_add(micros);
            if gap_us <= 0 {
                let message = format!("the gap of `session_window` must be positive, not {}", spec.gap.sql);
                return Err(error("DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", message));
            }
            return Ok(Said { kind: WindowKind::Session { gap_us }, time: spec.time, ends: None });
        }
        let gap = spec.gap.sql.clone();
        let session = self.apply("session_window", vec![spec.time.clone(), spec.gap])?;
        let end = crate::functions::get_field(&session, "end", &self.settings)?;
        Ok(Said { kind: WindowKind::SessionByRow, time: spec.time, ends: Some((gap, end)) })
    }

    /// The rows once per window that they fall into, which becomes a column of theirs: Spark's rule `TimeWindowing`. A window that is a
    /// plain column can stand in GROUPING SETS.
    pub(crate) fn with_window_column(&mut self, plan: LogicalPlan, window: &mut TimeWindow) -> Result<LogicalPlan> {
        let (size_us, slide_us, start_us) = match window.kind {
            WindowKind::Tumbling { size_us } => (size_us, size_us, 0),
            WindowKind::Sliding { size_us, slide_us, start_us } => (size_us, slide_us, start_us),
            WindowKind::Session { .. } | WindowKind::SessionByRow => {
                return Err(Error::unsupported("a session in GROUPING SETS is not there yet: group by it, then once more"));
            }
        };
        if tidemill_planner::legality::is_streaming(&plan) {
            return Err(Error::unsupported("a window in GROUPING SETS of a stream is not there yet: a query for each of the sets"));
        }
        let spec = WindowSpec { time: window.time.clone(), size_us, slide_us, start_us };
        let count = size_us.div_euclid(slide_us) + i64::from(size_us % slide_us != 0);
        if count > MAX_WINDOWS {
            return Err(Error::unsupported(format!(
                "each row is in {count} windows, and in GROUPING SETS it is written down for each ({MAX_WINDOWS} at most): group by the window first"
            )));
        }
        let windows =
            self.with_call("window", vec![], |call| Ok((0..count).map(|back| window_at(call, &spec, back)).collect::<Vec<_>>()))?;
        let list = self.apply("array", windows)?;
        let id = window.attribute.id.clone();
        let mut columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
        columns.push(list.expr.alias(&id));
        let plan = LogicalPlanBuilder::from(project(plan, columns)?).unnest_column(Column::new_unqualified(&id))?.build()?;
        let end = crate::functions::get_field(&window.attribute.typed("window"), "end", &self.settings)?;
        let inside = window.time.expr.clone().lt(end.expr);
        window.is_column = true;
        Ok(LogicalPlanBuilder::from(plan).filter(inside)?.build()?)
    }

    /// Notes what the program calls the aggregates of a call, for the definition of the operator that computes them.
    pub(crate) fn note_aggregates(&mut self, typed: &Typed) {
        let mut inner = Vec::new();
        let _ = typed.expr.apply(|e| {
            if let Expr::AggregateFunction(_) = e {
                inner.push(e.clone());
                return Ok(TreeNodeRecursion::Jump);
            }
            Ok(TreeNodeRecursion::Continue)
        });
        let several = inner.len() > 1;
        for (i, expr) in inner.into_iter().enumerate() {
            let text = match typed.sql.to_string() {
                text if several => format!("{text}#{i}"),
                text => text,
            };
            self.aggregate_texts.push((expr, text));
        }
    }

    /// What the program calls an aggregate.
    pub(crate) fn aggregate_text(&self, expr: &Expr) -> String {
        let known = self.aggregate_texts.iter().find(|(known, _)| known == expr);
        known.map_or_else(|| expr.to_string(), |(_, text)| text.clone())
    }
}

fn two_windows() -> Error {
    error("_LEGACY_ERROR_TEMP_1039", "a GROUP BY can have one window: group by the second one in a further step")
}

/// A node of ours as a plan.
pub(crate) fn extension(node: impl UserDefinedLogicalNode + 'static) -> LogicalPlan {
    LogicalPlan::Extension(Extension { node: Arc::new(node) })
}

/// A windowed aggregation as a plan.
pub(crate) fn windowed(node: WindowAggregate) -> LogicalPlan {
    extension(node)
}

/// The parts of a dotted name; backticks quote a part.
fn split(name: &str) -> Vec<String> {
    crate::plan::name_parts(name)
}
