//! Function calls whose name means something else in the engine: respelled where the engine can do what Spark does, refused
//! where a wrong answer would come out without a word.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::Expr;

/// How a function is called in the engine, where that is not Spark's way.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Respelled {
    pub(crate) name: &'static str,
    /// An argument that comes before the user's.
    pub(crate) first_argument: Option<&'static str>,
    /// Arguments that Spark has by default and the engine does not.
    pub(crate) last_arguments: &'static [&'static str],
}

/// (Spark's name, number of arguments, the engine's name, first argument, last arguments)
type Spelling = (&'static str, usize, &'static str, Option<&'static str>, &'static [&'static str]);

const SPELLINGS: &[Spelling] = &[
    ("log", 1, "ln", None, &[]),
    ("mod", 2, "remainder", None, &[]),
    ("nvl", 2, "coalesce", None, &[]),
    ("ifnull", 2, "coalesce", None, &[]),
    ("substr", 2, "substring", None, &[]),
    ("substr", 3, "substring", None, &[]),
    ("first", 1, "first_value", None, &[]),
    ("last", 1, "last_value", None, &[]),
    ("any_value", 1, "first_value", None, &[]),
    ("mean", 1, "avg", None, &[]),
    ("variance", 1, "var_samp", None, &[]),
    ("approx_count_distinct", 1, "approx_distinct", None, &[]),
    ("rand", 0, "random", None, &[]),
    // Nulls are left out, which the engine's `array_agg` does not do.
    ("array_agg", 1, "collect_list", None, &[]),
    // Nulls come last.
    ("array_sort", 1, "array_sort", None, &["ASC", "NULLS LAST"]),
    // Every match is replaced.
    ("regexp_replace", 3, "regexp_replace", None, &["g"]),
    ("year", 1, "date_part", Some("year"), &[]),
    ("quarter", 1, "date_part", Some("quarter"), &[]),
    ("month", 1, "date_part", Some("month"), &[]),
    ("day", 1, "date_part", Some("day"), &[]),
    ("dayofmonth", 1, "date_part", Some("day"), &[]),
    ("dayofyear", 1, "date_part", Some("doy"), &[]),
    ("dayofweek", 1, "date_part", Some("dayofweek"), &[]),
    ("weekofyear", 1, "date_part", Some("week"), &[]),
];

/// The engine's way of a call whose Spark name or defaults differ.
pub(crate) fn respelled(name: &str, args: usize) -> Option<Respelled> {
    let found = SPELLINGS.iter().find(|(known, count, ..)| *known == name && *count == args)?;
    Some(Respelled { name: found.2, first_argument: found.3, last_arguments: found.4 })
}

/// (name, arguments from, what to do instead)
const REFUSED: &[(&str, usize, &str)] = &[
    ("date_format", 0, "formats are not Spark's here; use `cast(… as string)`, `date_part` or `date_trunc`"),
    ("to_char", 0, "formats are not Spark's here; use `cast(… as string)`"),
    ("to_number", 0, "formats are not Spark's here; use `cast(… as decimal(p,s))`"),
    ("to_date", 2, "formats are not Spark's here; give ISO 8601 text"),
    ("from_unixtime", 0, "it would give no text; use `cast(timestamp_seconds(…) as string)`"),
    ("unix_timestamp", 0, "formats are not Spark's here; use `unix_seconds(timestamp)`"),
    ("to_unixtime", 0, "it is not Spark's; use `unix_seconds(timestamp)`"),
    ("element_at", 0, "use `array[index]`, which counts from 0, or `map[key]`"),
    ("array_element", 0, "it is not Spark's; use `array[index]`, which counts from 0"),
    ("array_sort", 2, "an order of one's own is not there; use `array_sort(array)`"),
    ("encode", 0, "use `base64` or `hex`"),
    ("decode", 0, "use `unbase64` or `unhex`"),
    ("log", 2, "use `ln(x) / ln(base)`"),
    ("explode", 0, "use `unnest(array)` in a SELECT list, over arrays that are not null"),
    ("posexplode", 0, "use `unnest(array)` in a SELECT list, over arrays that are not null"),
];

/// Why a function that the engine knows under another meaning, or not at all, is refused.
pub(crate) fn refused_function(name: &str, args: usize) -> Option<String> {
    let (_, _, instead) = REFUSED.iter().find(|(known, from, _)| *known == name && args >= *from)?;
    Some(format!("function `{name}` with {args} argument(s) is not supported: {instead}"))
}

/// A function in `expr` that reads the clock, which the engine folds into the time of planning.
pub(crate) fn clock_in(expr: &Expr) -> Result<Option<String>> {
    let mut found = None;
    expr.apply(|part| {
        if let Expr::ScalarFunction(call) = part
            && matches!(call.func.name(), "now" | "current_timestamp" | "current_date" | "current_time" | "today")
        {
            found = Some(call.func.name().to_owned());
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_is_both_respelled_and_refused() {
        for (name, args, ..) in SPELLINGS {
            assert_eq!(refused_function(name, *args), None, "{name}/{args}");
        }
        assert!(respelled("log", 1).is_some() && refused_function("log", 2).is_some());
    }
}
