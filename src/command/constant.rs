//! Constants of statements: what PARTITION gives a column, and a constant's value as text. Which column takes it is the statement's business.

use tidemill_spark::Typed;
use tidemill_spark::plan::{CastMode, Expression};
use tidemill_spark::types::cast::cast;
use tidemill_spark::types::lattice::without_char_varchar;
use tidemill_spark::types::{SparkType, StructField};

use super::Context;
use tidemill_planner::{Error, Result};

/// What PARTITION gives a column of a type: text is read as the type, and what else there is stays what it was said as.
pub(super) async fn of_partition(cx: &Context<'_>, value: &Expression, data_type: &SparkType) -> Result<Typed> {
    let typed = cx.typed(std::slice::from_ref(value)).await?.into_iter().next();
    let typed = typed.ok_or_else(|| Error::internal("a partition's value was lost"))?;
    if !typed.data_type.is_string() {
        return Ok(typed);
    }
    cast(typed, &without_char_varchar(data_type), CastMode::Session, &cx.settings, value.span)
}

/// A constant as text, as folders are named and defaults of earlier files kept; none for null.
pub(super) async fn text(cx: &Context<'_>, value: &Typed) -> Result<Option<String>> {
    let field = StructField::new("value", value.data_type.clone());
    let plan = datafusion::logical_expr::LogicalPlanBuilder::empty(true).build()?;
    let batches = cx.project(plan, vec![(value.clone(), field)])?.collect().await?;
    let row = batches.iter().find(|batch| batch.num_rows() > 0);
    let column = row.and_then(|batch| batch.columns().first()).ok_or_else(|| Error::internal("a constant gave no value"))?;
    if column.is_null(0) {
        return Ok(None);
    }
    tidemill_spark::types::render::text_at(column, 0, &value.data_type, &cx.settings).map(Some)
}
