//! `listagg` and `string_agg`: values joined to one text.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array, make_comparator};
use arrow::compute::SortOptions;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use tidemill_planner::float::{Normal, normalize};

use super::udaf::{How, Spec, make};
use super::{row, within_group};
use crate::functions::{Call, Function, Want, constant};
use crate::types::SparkType::{self, Binary};
use crate::{Result, Sql, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "listagg",
        USAGE,
        &[
            ("SELECT listagg(col) FROM VALUES ('a'), ('b'), ('c') AS tab(col)", "abc"),
            ("SELECT listagg(col) WITHIN GROUP (ORDER BY col DESC) FROM VALUES ('a'), ('b'), ('c') AS tab(col)", "cba"),
            ("SELECT listagg(DISTINCT col) FROM VALUES ('a'), ('a'), ('b') AS tab(col)", "ab"),
            ("SELECT listagg(col) FROM VALUES (NULL), (NULL) AS tab(col)", "NULL"),
        ],
        build,
    ),
    row("string_agg", USAGE, &[("SELECT string_agg(col, ', ') FROM VALUES ('a'), ('b'), ('c') AS tab(col)", "a, b, c")], build),
];

const USAGE: &str = "listagg(expr[, delimiter]) [WITHIN GROUP (ORDER BY …)] - All texts, or all bytes, in one, nulls left out.";

fn build(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=2)?;
    if call.ignore_nulls == Some(true) {
        let message = format!("`{}` takes no IGNORE NULLS: nulls are left out anyway", call.name);
        return Err(call.refuse("INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX", message));
    }
    let original = call.arg(0)?;
    let value = call.want(0, &Want::StringOrBinary)?;
    let (delimiter, delimiter_sql) = delimiter(call, &value)?;
    let keys = std::mem::take(&mut call.order_by);
    let same = keys.len() == 1 && keys.first().is_some_and(|key| key.key.expr == original.expr);
    if call.distinct && !keys.is_empty() && !same {
        let message = format!("`{}(DISTINCT …)` is ordered by what it joins, and by nothing else", call.name);
        return Err(call.refuse("INVALID_WITHIN_GROUP_EXPRESSION.MISMATCH_WITH_DISTINCT_INPUT", message));
    }
    let distinct = if call.distinct { "DISTINCT " } else { "" };
    // Spark forgets the alias once it has looked at the order.
    let name = if keys.is_empty() { call.name } else { "listagg" };
    let mut shown =
        Sql::concat(vec![Sql::from(format!("{name}({distinct}")), value.sql.clone(), Sql::from(", "), delimiter_sql, Sql::from(")")]);
    if !keys.is_empty() {
        shown = within_group(shown, &keys, true);
    }
    let mut constants = vec![delimiter];
    let mut args = vec![value];
    for key in keys {
        constants.push(ScalarValue::Boolean(Some(!key.ascending)));
        constants.push(ScalarValue::Boolean(Some(key.nulls_first)));
        // DISTINCT looks at all columns, so that a key that was cast must not be one of them; the order is the same but for casts.
        if !(call.distinct && original.data_type == args[0].data_type) {
            args.push(key.key);
        }
    }
    let out = if args[0].data_type == Binary { Binary } else { SparkType::String };
    Ok(make(call, "listagg", How::Whole(join), args, constants, out, true).shown(shown))
}

fn delimiter(call: &Call<'_>, value: &Typed) -> Result<(ScalarValue, Sql)> {
    if call.len() == 1 {
        return Ok((ScalarValue::Null, Sql::from("NULL")));
    }
    let given = call.arg(1)?;
    let constant = constant(&given)?.ok_or_else(|| {
        let message = format!("cannot resolve \"{}\": the delimiter is a constant, and \"{}\" is none", call.sql(), given.sql);
        call.refuse("DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", message)
    })?;
    if given.data_type == SparkType::Null {
        return Ok((ScalarValue::Null, given.sql));
    }
    let delimiter = call.want(1, &Want::StringOrBinary)?;
    if delimiter.data_type.is_string() != value.data_type.is_string() {
        let message = format!(
            "cannot resolve \"{}\": values and delimiter are both text or both bytes, and they are \"{}\" and \"{}\"",
            call.sql(),
            value.data_type.sql(),
            delimiter.data_type.sql()
        );
        return Err(call.refuse("DATATYPE_MISMATCH.DATA_DIFF_TYPES", message));
    }
    let constant = if given.data_type == delimiter.data_type { constant } else { call.constant(1, &delimiter.data_type)? };
    Ok((constant, given.sql))
}

fn join(spec: &Spec, columns: &[ArrayRef]) -> Result<ScalarValue> {
    let Some((values, keys)) = columns.split_first() else { return spec.null() };
    let order = order(spec, values, keys)?;
    let values = arrow::compute::take(values, &order, None)?;
    let bytes = arrow::compute::cast(&values, &DataType::Binary)?;
    let delimiter: &[u8] = match spec.constants.first() {
        Some(ScalarValue::Utf8(Some(text))) => text.as_bytes(),
        Some(ScalarValue::Binary(Some(bytes))) => bytes,
        _ => &[],
    };
    let parts: Vec<&[u8]> = bytes.as_binary::<i32>().iter().flatten().collect();
    if parts.is_empty() {
        return spec.null();
    }
    let joined = parts.join(delimiter);
    Ok(match spec.arrow() {
        DataType::Binary => ScalarValue::Binary(Some(joined)),
        _ => ScalarValue::Utf8(Some(String::from_utf8_lossy(&joined).into_owned())),
    })
}

/// The rows as the keys order them, rows with the same keys as they came.
fn order(spec: &Spec, values: &ArrayRef, keys: &[ArrayRef]) -> Result<UInt32Array> {
    let flags = spec.constants.get(1..).unwrap_or_default();
    let own = [Arc::clone(values)];
    let keys = if keys.is_empty() { &own } else { keys };
    let mut comparators = Vec::with_capacity(keys.len());
    for (key, flags) in keys.iter().zip(flags.chunks(2)) {
        let key = normalize(key, Normal::Key)?;
        if matches!(key.data_type(), DataType::Null) {
            continue;
        }
        let options = SortOptions::new(super::flag(flags, 0), super::flag(flags, 1));
        comparators.push(make_comparator(&key, &key, options)?);
    }
    let mut rows: Vec<usize> = (0..values.len()).collect();
    rows.sort_by(|&a, &b| comparators.iter().map(|compare| compare(a, b)).find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal));
    Ok(rows.into_iter().map(|row| u32::try_from(row).ok()).collect())
}
