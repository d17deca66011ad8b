//! Where Spark's meaning differs from DataFusion's: operators, types and functions of our own. It holds no state.

pub(crate) mod arithmetic;
pub(crate) mod planner;
pub(crate) mod time;

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

/// Our scalar functions, registered after DataFusion's and datafusion-spark's so that ours win.
pub(crate) fn scalar_functions() -> Vec<Arc<ScalarUDF>> {
    arithmetic::functions().into_iter().chain(time::functions()).collect()
}

/// Why a function that DataFusion knows is refused: its meaning there is not Spark's, and a wrong answer is worse than none.
pub(crate) fn refused_function(name: &str, args: usize) -> Option<String> {
    let remedy = match (name, args) {
        ("date_format" | "to_char" | "to_number", _) => {
            "formats are not Spark's here; use `cast(… as string)`, `date_part` or `date_trunc`"
        }
        ("to_date" | "to_unixtime" | "unix_timestamp" | "from_unixtime", 2..) => "formats are not Spark's here; give ISO 8601 text",
        ("now", 1..) | ("current_timestamp", 1..) => "it takes no argument",
        _ => return None,
    };
    Some(format!("function `{name}` with {args} argument(s) is not supported: {remedy}"))
}

/// How a function is called in the engine, where that is not Spark's way.
pub(crate) struct Respelled {
    pub(crate) name: &'static str,
    /// An argument that Spark has by default and the engine does not.
    pub(crate) last_argument: Option<&'static str>,
}

/// The engine's way of a call whose Spark name or defaults differ.
pub(crate) fn respelled(name: &str, args: usize) -> Option<Respelled> {
    let (name, last_argument) = match (name, args) {
        ("log", 1) => ("ln", None),
        ("substr", 2 | 3) => ("substring", None),
        ("first", 1) => ("first_value", None),
        ("last", 1) => ("last_value", None),
        // Spark replaces every match.
        ("regexp_replace", 3) => ("regexp_replace", Some("g")),
        _ => return None,
    };
    Some(Respelled { name, last_argument })
}
