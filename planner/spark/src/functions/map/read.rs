//! What is in a map: map_keys, map_values, map_entries, map_contains_key.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray};

use crate::functions::compare::{is_null, keys};
use crate::functions::nested::{Maps, argument, list_field, list_of, row};
use crate::functions::{Call, Function, Group, KernelArgs, Want};
use crate::types::{SparkType, StructField, lattice};
use crate::{Error, Result, Typed};

/// The rows of this file.
pub(in crate::functions) const ROWS: &[Function] = &[
    row("map_keys", Group::Map, "map_keys(map) - The map's keys.", &[("SELECT map_keys(map(1, 'a', 2, 'b'))", "[1,2]")], map_keys),
    row(
        "map_values",
        Group::Map,
        "map_values(map) - The map's values.",
        &[("SELECT map_values(map(1, 'a', 2, 'b'))", "[\"a\",\"b\"]")],
        map_values,
    ),
    row(
        "map_entries",
        Group::Map,
        "map_entries(map) - The map's entries, an array of structs of key and value.",
        &[("SELECT map_entries(map(1, 'a', 2, 'b'))", "[{\"key\":1,\"value\":\"a\"},{\"key\":2,\"value\":\"b\"}]")],
        map_entries,
    ),
    row(
        "map_contains_key",
        Group::Map,
        "map_contains_key(map, key) - Whether the map has the key.",
        &[("SELECT map_contains_key(map(1, 'a', 2, 'b'), 1)", "true"), ("SELECT map_contains_key(map(1, 'a', 2, 'b'), 3)", "false")],
        map_contains_key,
    ),
];

/// The only argument, a map, and its types.
fn the_map(call: &Call<'_>) -> Result<(Typed, SparkType, SparkType, bool)> {
    call.arity(1..=1)?;
    let map = call.expect(0, &Want::Map)?;
    match map.data_type.clone() {
        SparkType::Map(key, value, nulls) => Ok((map, *key, *value, nulls)),
        _ => Err(call.unexpected_type(0, &map, "\"MAP\"")),
    }
}

fn map_keys(call: &mut Call<'_>) -> Result<Typed> {
    let (map, key, ..) = the_map(call)?;
    let nullable = map.nullable;
    Ok(call.scalar(keys_kernel, vec![map], SparkType::array(key), nullable))
}

fn map_values(call: &mut Call<'_>) -> Result<Typed> {
    let (map, _, value, _) = the_map(call)?;
    let nullable = map.nullable;
    Ok(call.scalar(values_kernel, vec![map], SparkType::array(value), nullable))
}

fn map_entries(call: &mut Call<'_>) -> Result<Typed> {
    let (map, key, value, nulls) = the_map(call)?;
    let fields = vec![StructField::new("key", key).with_nullable(false), StructField::new("value", value).with_nullable(nulls)];
    let nullable = map.nullable;
    Ok(call.scalar(entries_kernel, vec![map], SparkType::Array(Box::new(SparkType::Struct(fields)), false), nullable))
}

fn keys_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let maps = Maps::of(args, 0)?;
    as_list(args, &maps, Arc::clone(maps.keys()))
}

fn values_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let maps = Maps::of(args, 0)?;
    as_list(args, &maps, Arc::clone(maps.values()))
}

fn entries_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let maps = Maps::of(args, 0)?;
    as_list(args, &maps, Arc::new(maps.array().entries().clone()))
}

fn as_list(args: &KernelArgs<'_>, maps: &Maps<'_>, values: ArrayRef) -> Result<ArrayRef> {
    let valid: Vec<bool> = (0..args.rows).map(|row| maps.array().is_valid(row)).collect();
    list_of(&list_field(args.out)?, maps.array().offsets().to_vec(), &valid, values)
}

fn map_contains_key(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    call.no_null(&[1])?;
    let (map, key) = (call.arg(0)?, call.arg(1)?);
    let common = match &map.data_type {
        SparkType::Map(map_key, value, nulls) => lattice::common_type_without_strings([map_key.as_ref(), &key.data_type], false)
            .map(|common| (SparkType::Map(Box::new(common.clone()), value.clone(), *nulls), common)),
        _ => None,
    };
    let Some((map_type, key_type)) = common else {
        return Err(crate::functions::collection::access::map_types(call, &map, &key));
    };
    call.orderable(&key_type)?;
    let (map, key) = (call.coerce(map, &map_type)?, call.coerce(key, &key_type)?);
    let nullable = map.nullable || key.nullable;
    Ok(call.scalar(contains_kernel, vec![map, key], SparkType::Boolean, nullable))
}

fn contains_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (maps, wanted) = (Maps::of(args, 0)?, argument(args, 1)?);
    let both = keys(&[maps.keys(), wanted])?;
    let [map_keys, wanted_keys] = both.as_slice() else { return Err(Error::internal("keys of two arrays")) };
    let answers: BooleanArray = (0..args.rows)
        .map(|row| {
            let mut range = maps.range(row).filter(|_| !is_null(wanted, row))?;
            Some(range.any(|i| map_keys.row(i) == wanted_keys.row(row)))
        })
        .collect();
    Ok(Arc::new(answers))
}
