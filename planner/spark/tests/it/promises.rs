//! What the resolver promises of a plan, checked: its types are final, and resolving again gives the same.

use std::sync::{Arc, LazyLock};

use datafusion::arrow::datatypes::{DataType, Field, Fields, Schema};
use datafusion::common::tree_node::TreeNode;
use datafusion::config::ConfigOptions;
use datafusion::execution::SessionState;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::{Expr, LogicalPlan, WindowFrameUnits};
use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercion;
use tidemill_spark::plan::Relation;
use tidemill_spark::resolve::{Opened, Resolved, resolve};
use tidemill_spark::types::render::hive_text_at;
use tidemill_spark::types::to_arrow;
use tidemill_spark::{Error, Result, Settings};

/// Why a plan gave no rows.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The engine changed what it was given.
    Promise(String),
    /// The query fails.
    Refused(Error),
}

impl<E: Into<Error>> From<E> for Broken {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

/// The engine without rules that change types.
static ENGINE: LazyLock<SessionState> =
    LazyLock::new(|| SessionStateBuilder::new().with_default_features().with_analyzer_rules(Vec::new()).build());

/// A type without what is said of nulls inside, and without remarks.
fn plain(data_type: &DataType) -> DataType {
    let field = |field: &Field| Arc::new(Field::new(field.name(), plain(field.data_type()), true));
    match data_type {
        DataType::List(item) => DataType::List(field(item)),
        DataType::Map(entries, sorted) => DataType::Map(field(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|f| field(f)).collect::<Fields>()),
        other => other.clone(),
    }
}

fn types(schema: &Schema) -> Vec<DataType> {
    schema.fields().iter().map(|field| plain(field.data_type())).collect()
}

fn same_types(what: &str, promised: &[DataType], schema: &Schema, shown: impl Fn() -> String) -> Result<(), String> {
    let found = types(schema);
    if found == promised { Ok(()) } else { Err(format!("{what} made {found:?} of {promised:?}\n{}", shown())) }
}

fn promised(resolved: &Resolved) -> Vec<DataType> {
    resolved.output.iter().map(|column| plain(&to_arrow(&column.field.data_type))).collect()
}

/// The user's columns are the plan's: names, order, types.
pub(crate) fn outputs_are_the_plans(resolved: &Resolved) -> Result<(), String> {
    let schema = resolved.plan.schema();
    let ids: Vec<&str> = resolved.output.iter().map(|column| column.id.as_str()).collect();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    if ids != names {
        return Err(format!("the columns {ids:?} are {names:?} in the plan"));
    }
    same_types("the plan", &promised(resolved), schema.as_arrow(), || resolved.plan.display_indent().to_string())
}

/// The engine's own coercion finds nothing to change in the types of the columns.
pub(crate) fn coercion_changes_no_type(plan: &LogicalPlan) -> Result<(), String> {
    let coerced = TypeCoercion::new().analyze(plan.clone(), &ConfigOptions::default());
    let coerced = match coerced {
        Ok(coerced) => coerced,
        // What it would refuse, it does not change: ranges of a window over lengths of time.
        Err(_) if has_range(plan) => return Ok(()),
        Err(cause) => return Err(format!("coercion refuses the plan: {cause}")),
    };
    same_types("coercion", &types(plan.schema().as_arrow()), coerced.schema().as_arrow(), || coerced.display_indent().to_string())
}

/// Whether a window of a plan has a frame by distance.
fn has_range(plan: &LogicalPlan) -> bool {
    let is_range = |expr: &Expr| matches!(expr, Expr::WindowFunction(w) if w.params.window_frame.units == WindowFrameUnits::Range);
    plan.exists(|node| Ok(node.expressions().iter().any(|expr| expr.exists(|part| Ok(is_range(part))).unwrap_or(false)))).unwrap_or(false)
}

/// A plan as text, without the names of rows that are made once: each resolution draws its own.
fn shown(plan: &LogicalPlan) -> String {
    let text = plan.display_indent_schema().to_string();
    let mut parts = text.split("Made once: ");
    let before = parts.next().unwrap_or_default().to_owned();
    parts.fold(before, |all, part| all + "Made once: " + part.trim_start_matches(|c: char| c.is_ascii_hexdigit()))
}

/// The same tree, and the same tree written and read again, give the same plan and the same columns.
pub(crate) fn resolving_is_idempotent(
    relation: &Relation,
    opened: &Opened,
    settings: &Arc<Settings>,
    resolved: &Resolved,
) -> Result<(), String> {
    let before = format!("{relation:?}");
    let written = serde_json::to_value(relation).map_err(|e| format!("the tree cannot be written: {e}"))?;
    let read: Relation = serde_json::from_value(written).map_err(|e| format!("the tree cannot be read again: {e}"))?;
    if read != *relation {
        return Err(format!("the tree is another when it is read again: {before} {read:?}"));
    }
    for tree in [relation, &read] {
        let again = resolve(tree, opened, settings).map_err(|e| format!("it is refused when it is resolved again: {e}"))?;
        if again.output != resolved.output {
            return Err(format!("its columns are others when it is resolved again: {:?} {:?}", resolved.output, again.output));
        }
        let (first, second) = (shown(&resolved.plan), shown(&again.plan));
        if first != second {
            return Err(format!("its plan is another when it is resolved again:\n{first}\n{second}"));
        }
    }
    if format!("{relation:?}") == before { Ok(()) } else { Err("resolving changed the tree".to_owned()) }
}

/// The rows as text, columns parted by tabs: every plan on the way, and every batch, has the types that were promised.
pub(crate) async fn run(resolved: &Resolved, settings: &Settings) -> Result<Vec<String>, Broken> {
    use datafusion::physical_plan::displayable;
    let promised = promised(resolved);
    let broken = |told: std::result::Result<(), String>| told.map_err(Broken::Promise);
    let mut engine = ENGINE.clone();
    engine.mark_start_execution();
    let optimized = engine.optimize(&resolved.plan)?;
    broken(same_types("the optimizer", &promised, optimized.schema().as_arrow(), || optimized.display_indent().to_string()))?;
    let physical = engine.query_planner().create_physical_plan(&optimized, &engine).await?;
    broken(same_types("the physical plan", &promised, &physical.schema(), || displayable(physical.as_ref()).indent(false).to_string()))?;
    let mut rows = Vec::new();
    for batch in datafusion::physical_plan::collect(Arc::clone(&physical), engine.task_ctx()).await? {
        broken(same_types("a batch", &promised, &batch.schema(), || displayable(physical.as_ref()).indent(false).to_string()))?;
        for row in 0..batch.num_rows() {
            let columns = batch.columns().iter().zip(&resolved.output);
            let cells = columns.map(|(values, output)| hive_text_at(values, row, &output.field.data_type, settings));
            rows.push(cells.collect::<Result<Vec<_>>>()?.join("\t"));
        }
    }
    Ok(rows)
}
