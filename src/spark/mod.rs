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
        ("array_position" | "array_remove" | "array_sort" | "trunc" | "isnull", _) => return None,
        _ => return None,
    };
    Some(format!("function `{name}` with {args} argument(s) is not supported: {remedy}"))
}

/// Functions whose Spark name or defaults differ from those of the function that does their work.
pub(crate) fn respell_call(name: String, mut args: Vec<datafusion::logical_expr::Expr>) -> (String, Vec<datafusion::logical_expr::Expr>) {
    let respelled = match (name.as_str(), args.len()) {
        ("log", 1) => "ln",
        ("substr", 2 | 3) => "substring",
        ("first", 1) => "first_value",
        ("last", 1) => "last_value",
        ("regexp_replace", 3) => {
            args.push(datafusion::prelude::lit("g"));
            "regexp_replace"
        }
        _ => return (name, args),
    };
    (respelled.to_owned(), args)
}
