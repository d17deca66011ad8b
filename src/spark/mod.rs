//! Where Spark's meaning differs from DataFusion's: operators, types and functions of our own. It holds no state.

pub(crate) mod arithmetic;
mod calls;
pub(crate) mod planner;
pub(crate) mod time;
mod to_json;

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

pub(crate) use calls::{refused_function, respelled};

/// Our scalar functions, registered after DataFusion's and datafusion-spark's so that ours win.
pub(crate) fn scalar_functions() -> Vec<Arc<ScalarUDF>> {
    arithmetic::functions().into_iter().chain(time::functions()).chain([to_json::function()]).collect()
}
