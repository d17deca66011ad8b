//! Where Spark's meaning differs from DataFusion's: operators, types and functions of our own. It holds no state.

mod aggregates;
pub(crate) mod analyze;
pub(crate) mod arithmetic;
mod calls;
mod cast;
mod decimal;
pub(crate) mod float_comparisons;
pub(crate) mod float_keys;
mod floats;
mod item;
mod nullif;
pub(crate) mod planner;
mod resolve;
mod running;
mod spans;
mod temporal;
pub(crate) mod time;
mod to_json;
mod types;
mod unary;
pub(crate) mod values;
mod wrapped;

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

pub(crate) use aggregates::functions as aggregate_functions;
pub(crate) use calls::{clock_in, refused_function, respelled};

/// Our scalar functions, registered after DataFusion's and datafusion-spark's so that ours win.
pub(crate) fn scalar_functions() -> Vec<Arc<ScalarUDF>> {
    let ours = arithmetic::functions().into_iter().chain(time::functions()).chain(temporal::functions()).chain(wrapped::functions());
    ours.chain(item::functions()).chain([to_json::function()]).collect()
}
