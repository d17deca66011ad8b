//! What intervals cannot do yet. An interval of one length can be written in many ways, which the engine keeps apart: two are
//! compared by their length, but rows are neither sorted nor grouped by them, and nothing that holds them is compared.

use arrow::datatypes::{DataType, IntervalUnit};
use datafusion::common::{DFSchema, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction, Sort, WindowFunction};
use datafusion::logical_expr::{Distinct, Expr, ExprSchemable, LogicalPlan};
use tidemill_planner::catalog_string::catalog_string;

/// A length of time.
pub(super) fn is_span(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Duration(_) | DataType::Interval(IntervalUnit::MonthDayNano | IntervalUnit::DayTime))
}

/// Whether there are intervals in it, or it is one. Durations have one spelling.
fn holds(data_type: &DataType) -> bool {
    match data_type {
        DataType::Interval(_) => true,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => holds(item.data_type()),
        DataType::Map(entries, _) => holds(entries.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| holds(field.data_type())),
        _ => false,
    }
}

/// Rows that are sorted or grouped by intervals.
pub(super) fn refuse_rows(plan: &LogicalPlan, schema: &DFSchema) -> Result<()> {
    match plan {
        LogicalPlan::Sort(sort) => refuse_keys(sort.expr.iter().map(|key| &key.expr), schema),
        LogicalPlan::Aggregate(aggregate) => refuse_keys(aggregate.group_expr.iter(), schema),
        LogicalPlan::Distinct(Distinct::On(on)) => refuse_keys(on.on_expr.iter(), schema),
        LogicalPlan::Distinct(Distinct::All(input)) => {
            let found = input.schema().fields().iter().find(|field| holds(field.data_type()));
            found.map_or(Ok(()), |field| refuse_key(field.name()))
        }
        _ => Ok(()),
    }
}

fn refuse_keys<'e>(mut keys: impl Iterator<Item = &'e Expr>, schema: &DFSchema) -> Result<()> {
    keys.find(|key| is_held(key, schema)).map_or(Ok(()), |key| refuse_key(&key.to_string()))
}

fn is_held(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema).is_ok_and(|data_type| holds(&data_type))
}

fn refuse_key(what: &str) -> Result<()> {
    plan_err!(
        "`{what}` is an interval, by which rows are neither sorted nor grouped: use a number, such as the difference of two `unix_micros`"
    )
}

/// Arrays, maps and structs of intervals that are compared.
pub(super) fn refuse_inside(types: &[DataType]) -> Result<()> {
    match types.iter().find(|t| t.is_nested() && holds(t)) {
        Some(found) => plan_err!("{} has intervals, with which it is not compared: compare their parts one by one", catalog_string(found)),
        None => Ok(()),
    }
}

pub(super) fn refuse_aggregate(call: &AggregateFunction, schema: &DFSchema) -> Result<()> {
    let params = &call.params;
    refuse_sorted(&params.order_by, schema)?;
    of_values(call.func.name(), params.distinct, &params.args, schema)
}

pub(super) fn refuse_window(call: &WindowFunction, schema: &DFSchema) -> Result<()> {
    let params = &call.params;
    refuse_keys(params.partition_by.iter(), schema)?;
    refuse_sorted(&params.order_by, schema)?;
    of_values(call.fun.name(), params.distinct, &params.args, schema)
}

fn refuse_sorted(keys: &[Sort], schema: &DFSchema) -> Result<()> {
    refuse_keys(keys.iter().map(|key| &key.expr), schema)
}

/// Aggregates that compare values.
const COMPARING: [&str; 8] = ["min", "max", "min_by", "max_by", "collect_set", "mode", "median", "approx_distinct"];

fn of_values(name: &str, distinct: bool, args: &[Expr], schema: &DFSchema) -> Result<()> {
    if !(distinct || COMPARING.contains(&name)) || !args.iter().any(|arg| is_held(arg, schema)) {
        return Ok(());
    }
    let distinct = if distinct { " distinct" } else { "" };
    plan_err!("`{name}` of{distinct} intervals is not supported: take it of a number, such as the difference of two `unix_micros`")
}

/// Functions that compare what they are given, or the items of it.
const COMPARED: [&str; 24] = [
    "greatest",
    "least",
    "map",
    "make_map",
    "array_has",
    "array_has_all",
    "array_has_any",
    "arrays_overlap",
    "array_contains",
    "array_position",
    "array_positions",
    "array_distinct",
    "array_union",
    "array_intersect",
    "array_except",
    "array_remove",
    "array_remove_n",
    "array_remove_all",
    "array_replace",
    "array_replace_n",
    "array_replace_all",
    "array_sort",
    "array_max",
    "array_min",
];

pub(super) fn refuse_function(call: &ScalarFunction, schema: &DFSchema) -> Result<()> {
    // Only the keys of a map are compared.
    let compared = if matches!(call.name(), "map" | "make_map") { call.args.get(..1).unwrap_or_default() } else { &call.args };
    if COMPARED.contains(&call.name()) && compared.iter().any(|arg| is_held(arg, schema)) {
        return plan_err!(
            "`{}` of intervals is not supported: take it of numbers, such as the difference of two `unix_micros`",
            call.name()
        );
    }
    Ok(())
}
