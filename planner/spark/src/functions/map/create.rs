//! Maps from values: map, map_from_arrays, map_from_entries, map_concat, str_to_map.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};

use super::build::MapBuilder;
use crate::functions::nested::{Lists, Maps, argument, element_of, merged, row};
use crate::functions::{Call, Function, Group, KernelArgs, Want};
use crate::kernel::retype::wrong_layout;
use crate::types::{SparkType, lattice};
use crate::{Error, Result, Sql, Typed};

/// The rows of this file.
pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "map",
        Group::Map,
        "map(key0, value0, key1, value1, ...) - A map with these entries.",
        &[("SELECT map(1.0, '2', 3.0, '4')", "{1.0:\"2\",3.0:\"4\"}")],
        map,
    ),
    row(
        "map_from_arrays",
        Group::Map,
        "map_from_arrays(keys, values) - A map from two arrays of the same length; no key is null.",
        &[("SELECT map_from_arrays(array(1.0, 3.0), array('2', '4'))", "{1.0:\"2\",3.0:\"4\"}")],
        map_from_arrays,
    ),
    row(
        "map_from_entries",
        Group::Map,
        "map_from_entries(arrayOfEntries) - A map from an array of structs of two fields, key and value.",
        &[("SELECT map_from_entries(array(struct(1, 'a'), struct(2, 'b')))", "{1:\"a\",2:\"b\"}")],
        map_from_entries,
    ),
    row(
        "map_concat",
        Group::Map,
        "map_concat(map, ...) - A map with the entries of all these maps.",
        &[("SELECT map_concat(map(1, 'a', 2, 'b'), map(3, 'c'))", "{1:\"a\",2:\"b\",3:\"c\"}")],
        map_concat,
    ),
    row(
        "str_to_map",
        Group::Map,
        "str_to_map(text[, pairDelim[, keyValueDelim]]) - A map from text such as `a:1,b:2`; both delimiters are regular expressions.",
        &[
            ("SELECT str_to_map('a:1,b:2,c:3', ',', ':')", "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}"),
            ("SELECT str_to_map('a')", "{\"a\":null}"),
        ],
        str_to_map,
    ),
];

fn map(call: &mut Call<'_>) -> Result<Typed> {
    let values = call.values()?;
    if values.len() % 2 != 0 {
        return Err(call.wrong_arity("an even number of"));
    }
    let (mut keys, mut items) = (Vec::new(), Vec::new());
    for pair in values.chunks(2) {
        if let [key, value] = pair {
            keys.push(key.clone());
            items.push(value.clone());
        }
    }
    let types = |values: &[Typed]| values.iter().map(|v| format!("\"{}\"", v.data_type.sql())).collect::<Vec<_>>().join(", ");
    let (key_types, item_types) = (types(&keys), types(&items));
    let Some((keys, key)) = call.unify(keys)? else {
        let reason = format!("the keys of a map have one type, and these are [{key_types}]: cast them");
        return Err(call.mismatch("DATATYPE_MISMATCH.CREATE_MAP_KEY_DIFF_TYPES", reason));
    };
    let Some((items, item)) = call.unify(items)? else {
        let reason = format!("the values of a map have one type, and these are [{item_types}]: cast them");
        return Err(call.mismatch("DATATYPE_MISMATCH.CREATE_MAP_VALUE_DIFF_TYPES", reason));
    };
    call.map_key(&key)?;
    let nulls = items.iter().any(|item| item.nullable);
    let out = SparkType::Map(Box::new(key), Box::new(item), nulls);
    let args = keys.into_iter().zip(items).flat_map(|(key, item)| [key, item]).collect();
    Ok(call.scalar(map_kernel, args, out, false))
}

fn map_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let keys: Vec<&ArrayRef> = args.arrays.iter().step_by(2).collect();
    let values: Vec<&ArrayRef> = args.arrays.iter().skip(1).step_by(2).collect();
    let mut maps = MapBuilder::new(&keys, args.rows, args.settings)?;
    for row in 0..args.rows {
        maps.row((0..keys.len()).map(|source| (source, row)))?;
    }
    maps.finish(&values, args.out)
}

fn map_from_arrays(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    let (keys, values) = (call.expect(0, &Want::Array)?, call.expect(1, &Want::Array)?);
    let (Some((key, _)), Some((value, nulls))) = (element_of(&keys.data_type), element_of(&values.data_type)) else {
        return Err(call.unexpected_type(0, &keys, "\"ARRAY\""));
    };
    call.map_key(key)?;
    let out = SparkType::Map(Box::new(key.clone()), Box::new(value.clone()), nulls);
    let nullable = keys.nullable || values.nullable;
    Ok(call.scalar(from_arrays_kernel, vec![keys, values], out, nullable))
}

fn from_arrays_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (keys, values) = (Lists::of(args, 0)?, Lists::of(args, 1)?);
    // Values are brought to the keys' places, so that both can be picked alike.
    let mut places = vec![(crate::functions::nested::NULL, 0); keys.values().len()];
    let mut maps = MapBuilder::new(&[keys.values()], args.rows, args.settings)?;
    for row in 0..args.rows {
        let (Some(ks), Some(vs)) = (keys.range(row), values.range(row)) else {
            maps.null();
            continue;
        };
        if ks.len() != vs.len() {
            return Err(Error::data(format!(
                "`map_from_arrays` takes as many keys as values, and there are {} keys and {} values",
                ks.len(),
                vs.len()
            )));
        }
        for (k, v) in ks.clone().zip(vs) {
            if let Some(place) = places.get_mut(k) {
                *place = (0, v);
            }
        }
        maps.row(ks.map(|k| (0, k)))?;
    }
    let values = crate::functions::nested::pick(&[values.values()], &places, values.values().data_type())?;
    maps.finish(&[&values], args.out)
}

fn map_from_entries(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=1)?;
    let entries = call.arg(0)?;
    let SparkType::Array(element, nulls) = &entries.data_type else {
        return Err(call.unexpected_type(0, &entries, "\"ARRAY\" of pair \"STRUCT\""));
    };
    let SparkType::Struct(fields) = element.as_ref() else {
        return Err(call.unexpected_type(0, &entries, "\"ARRAY\" of pair \"STRUCT\""));
    };
    let [key, value] = fields.as_slice() else { return Err(call.unexpected_type(0, &entries, "\"ARRAY\" of pair \"STRUCT\"")) };
    call.map_key(&key.data_type)?;
    let out = SparkType::Map(Box::new(key.data_type.clone()), Box::new(value.data_type.clone()), value.nullable);
    let nullable = entries.nullable || *nulls;
    Ok(call.scalar(from_entries_kernel, vec![entries], out, nullable))
}

fn from_entries_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let lists = Lists::of(args, 0)?;
    let entries = lists.values().as_struct_opt().ok_or_else(|| wrong_layout("a struct", lists.values().data_type()))?;
    let [keys, values] = entries.columns() else { return Err(wrong_layout("a struct of two fields", lists.values().data_type())) };
    let mut maps = MapBuilder::new(&[keys], args.rows, args.settings)?;
    for row in 0..args.rows {
        match lists.range(row) {
            Some(range) if range.clone().all(|i| entries.is_valid(i)) => maps.row(range.map(|i| (0, i)))?,
            _ => maps.null(),
        }
    }
    maps.finish(&[values], args.out)
}

fn map_concat(call: &mut Call<'_>) -> Result<Typed> {
    let values = call.values()?;
    if values.iter().any(|value| !matches!(value.data_type, SparkType::Map(..))) {
        let types: Vec<String> = values.iter().map(|v| format!("\"{}\"", v.data_type.sql())).collect();
        let reason = format!("`map_concat` takes maps of one type, and these are [{}]: cast them", types.join(", "));
        return Err(call.mismatch("DATATYPE_MISMATCH.MAP_CONCAT_DIFF_TYPES", reason));
    }
    if values.is_empty() {
        let out = SparkType::Map(Box::new(SparkType::String), Box::new(SparkType::String), true);
        return Ok(call.scalar(concat_kernel, values, out, false));
    }
    let types: Vec<SparkType> = values.iter().map(|v| v.data_type.clone()).collect();
    let alike = types.windows(2).all(|pair| matches!(pair, [l, r] if lattice::same_type(l, r)));
    let (values, out) = if alike {
        let out = types.iter().skip(1).fold(types[0].clone(), |out, next| merged(&out, next));
        (values, out)
    } else {
        call.unify(values)?.ok_or_else(|| call.different(types.into_iter()))?
    };
    if let SparkType::Map(key, ..) = &out {
        call.map_key(key)?;
    }
    let nullable = values.iter().any(|value| value.nullable);
    Ok(call.scalar(concat_kernel, values, out, nullable))
}

fn concat_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let inputs = args.arrays.iter().map(Maps::new).collect::<Result<Vec<_>>>()?;
    let keys: Vec<&ArrayRef> = inputs.iter().map(Maps::keys).collect();
    let values: Vec<&ArrayRef> = inputs.iter().map(Maps::values).collect();
    if inputs.is_empty() {
        let empty = arrow::array::new_empty_array(&arrow::datatypes::DataType::Utf8);
        let mut maps = MapBuilder::new(&[&empty], args.rows, args.settings)?;
        for _ in 0..args.rows {
            maps.row(std::iter::empty())?;
        }
        return maps.finish(&[&empty], args.out);
    }
    let mut maps = MapBuilder::new(&keys, args.rows, args.settings)?;
    for row in 0..args.rows {
        let ranges: Option<Vec<_>> = inputs.iter().map(|input| input.range(row)).collect();
        match ranges {
            Some(ranges) => {
                maps.row(ranges.into_iter().enumerate().flat_map(|(source, range)| range.map(move |i| (source, i))))?;
            }
            None => maps.null(),
        }
    }
    maps.finish(&values, args.out)
}

fn str_to_map(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=3)?;
    let mut args = vec![call.expect(0, &Want::String)?];
    for (at, default) in [(1, ","), (2, ":")] {
        args.push(if at < call.len() {
            call.expect(at, &Want::String)?
        } else {
            Typed::literal(datafusion::common::ScalarValue::Utf8(Some(default.to_owned())), SparkType::String, default)
        });
    }
    let sql = Sql::call("str_to_map", args.iter().map(|arg| &arg.sql));
    let nullable = args.iter().any(|arg| arg.nullable);
    let out = SparkType::map(SparkType::String, SparkType::String);
    Ok(call.scalar(str_to_map_kernel, args, out, nullable).shown(sql))
}

/// A delimiter, which is a regular expression; plain text is searched for as it is.
enum Delimiter {
    Plain(String),
    Pattern(fancy_regex::Regex),
}

impl Delimiter {
    fn new(text: &str) -> Result<Self> {
        if !text.contains(['\\', '^', '$', '.', '|', '?', '*', '+', '(', ')', '[', ']', '{', '}']) {
            return Ok(Self::Plain(text.to_owned()));
        }
        fancy_regex::Regex::new(text).map(Self::Pattern).map_err(|e| {
            crate::error::error(
                "INVALID_PARAMETER_VALUE.PATTERN",
                format!("`str_to_map` takes delimiters that are regular expressions, and `{text}` is none: {e}"),
            )
        })
    }

    /// The parts of the text, at most so many; no limit for 0.
    fn split<'t>(&self, text: &'t str, limit: usize) -> Result<Vec<&'t str>> {
        if text.is_empty() {
            return Ok(vec![text]);
        }
        let mut parts = Vec::new();
        let (mut from, mut search) = (0, 0);
        while limit == 0 || parts.len() + 1 < limit {
            let Some((start, end)) = self.find(text, search)? else { break };
            if start == end {
                // An empty match parts characters; before the first it parts nothing.
                let Some(next) = text.get(start..).and_then(|rest| rest.chars().next()) else { break };
                search = start + next.len_utf8();
                if start > 0 && start > from {
                    parts.push(text.get(from..start).unwrap_or_default());
                    from = start;
                }
                continue;
            }
            parts.push(text.get(from..start).unwrap_or_default());
            (from, search) = (end, end);
        }
        parts.push(text.get(from..).unwrap_or_default());
        Ok(parts)
    }

    fn find(&self, text: &str, from: usize) -> Result<Option<(usize, usize)>> {
        match self {
            Self::Plain(plain) => Ok(text.get(from..).and_then(|rest| rest.find(plain)).map(|at| (from + at, from + at + plain.len()))),
            Self::Pattern(pattern) => {
                let found = pattern.find_from_pos(text, from).map_err(|e| Error::data(format!("`str_to_map`: {e}")))?;
                Ok(found.map(|found| (found.start(), found.end())))
            }
        }
    }
}

fn str_to_map_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let text = |at| argument(args, at).map(|array| array.as_string::<i32>());
    let (texts, pairs, entries) = (text(0)?, text(1)?, text(2)?);
    let (mut keys, mut values) = (StringBuilder::new(), StringBuilder::new());
    let mut ranges = Vec::with_capacity(args.rows);
    let mut total = 0;
    let mut known: std::collections::HashMap<String, Delimiter> = std::collections::HashMap::new();
    for row in 0..args.rows {
        if texts.is_null(row) || pairs.is_null(row) || entries.is_null(row) {
            ranges.push(None);
            continue;
        }
        for delimiter in [pairs.value(row), entries.value(row)] {
            if !known.contains_key(delimiter) {
                known.insert(delimiter.to_owned(), Delimiter::new(delimiter)?);
            }
        }
        let (Some(pair), Some(entry)) = (known.get(pairs.value(row)), known.get(entries.value(row))) else { continue };
        let from = total;
        for part in pair.split(texts.value(row), 0)? {
            let halves = entry.split(part, 2)?;
            keys.append_value(halves.first().copied().unwrap_or_default());
            values.append_option(halves.get(1).copied());
            total += 1;
        }
        ranges.push(Some(from..total));
    }
    let (keys, values): (ArrayRef, ArrayRef) = (Arc::new(keys.finish()), Arc::new(values.finish()));
    let mut maps = MapBuilder::new(&[&keys], args.rows, args.settings)?;
    for range in ranges {
        match range {
            Some(range) => maps.row(range.map(|i| (0, i)))?,
            None => maps.null(),
        }
    }
    maps.finish(&[&values], args.out)
}
