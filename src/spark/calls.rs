//! Function calls whose name means something else in the engine: respelled where the engine can do what Spark does, refused
//! where a wrong answer would come out without a word.

/// How a function is called in the engine, where that is not Spark's way.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Respelled {
    pub(crate) name: &'static str,
    /// An argument that comes before the user's.
    pub(crate) first_argument: Option<&'static str>,
    /// An argument that Spark has by default and the engine does not.
    pub(crate) last_argument: Option<&'static str>,
}

/// (Spark's name, number of arguments, the engine's name, first argument, last argument)
type Spelling = (&'static str, usize, &'static str, Option<&'static str>, Option<&'static str>);

const SPELLINGS: &[Spelling] = &[
    ("log", 1, "ln", None, None),
    ("substr", 2, "substring", None, None),
    ("substr", 3, "substring", None, None),
    ("first", 1, "first_value", None, None),
    ("last", 1, "last_value", None, None),
    ("any_value", 1, "first_value", None, None),
    ("mean", 1, "avg", None, None),
    ("variance", 1, "var_samp", None, None),
    ("approx_count_distinct", 1, "approx_distinct", None, None),
    ("rand", 0, "random", None, None),
    // Nulls are left out, which the engine's `array_agg` does not do.
    ("array_agg", 1, "collect_list", None, None),
    // Every match is replaced.
    ("regexp_replace", 3, "regexp_replace", None, Some("g")),
    ("year", 1, "date_part", Some("year"), None),
    ("quarter", 1, "date_part", Some("quarter"), None),
    ("month", 1, "date_part", Some("month"), None),
    ("day", 1, "date_part", Some("day"), None),
    ("dayofmonth", 1, "date_part", Some("day"), None),
    ("dayofyear", 1, "date_part", Some("doy"), None),
    ("dayofweek", 1, "date_part", Some("dayofweek"), None),
    ("weekofyear", 1, "date_part", Some("week"), None),
];

/// The engine's way of a call whose Spark name or defaults differ.
pub(crate) fn respelled(name: &str, args: usize) -> Option<Respelled> {
    let found = SPELLINGS.iter().find(|(known, count, ..)| *known == name && *count == args)?;
    Some(Respelled { name: found.2, first_argument: found.3, last_argument: found.4 })
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
