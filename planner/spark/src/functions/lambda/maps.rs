//! Lambdas over the entries of maps: map_filter, transform_keys, transform_values, map_zip_with.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::row::Row;

use super::arrays::{Flat, booleans, predicate};
use super::higher_order::{LambdaArgs, call_with};
use crate::functions::compare::keys;
use crate::functions::map::build::MapBuilder;
use crate::functions::nested::{Gather, Maps, NULL, map_of, merged, pick, row, too_large};
use crate::functions::{Call, Function, Group, Want};
use crate::types::{SparkType, lattice};
use crate::{Error, Result, Typed};

/// The rows of this file.
pub(super) const ROWS: &[Function] = &[
    row(
        "map_filter",
        Group::Lambda,
        "map_filter(expr, func) - The entries for which `func` of key and value is true.",
        &[("SELECT map_filter(map(1, 0, 2, 2, 3, -1), (k, v) -> k > v)", "{1:0,3:-1}")],
        map_filter,
    ),
    row(
        "transform_keys",
        Group::Lambda,
        "transform_keys(expr, func) - The map with the keys that `func` makes of key and value.",
        &[
            ("SELECT transform_keys(map_from_arrays(array(1, 2, 3), array(1, 2, 3)), (k, v) -> k + 1)", "{2:1,3:2,4:3}"),
            ("SELECT transform_keys(map_from_arrays(array(1, 2, 3), array(1, 2, 3)), (k, v) -> k + v)", "{2:1,4:2,6:3}"),
        ],
        transform_keys,
    ),
    row(
        "transform_values",
        Group::Lambda,
        "transform_values(expr, func) - The map with the values that `func` makes of key and value.",
        &[
            ("SELECT transform_values(map_from_arrays(array(1, 2, 3), array(1, 2, 3)), (k, v) -> v + 1)", "{1:2,2:3,3:4}"),
            ("SELECT transform_values(map_from_arrays(array(1, 2, 3), array(1, 2, 3)), (k, v) -> k + v)", "{1:2,2:4,3:6}"),
        ],
        transform_values,
    ),
    row(
        "map_zip_with",
        Group::Lambda,
        "map_zip_with(map1, map2, function) - A map of the keys of both, with the values that `function` makes of the key and both \
         maps' values, null for a map without the key.",
        &[
            ("SELECT map_zip_with(map(1, 'a', 2, 'b'), map(1, 'x', 2, 'y'), (k, v1, v2) -> concat(v1, v2))", "{1:\"ax\",2:\"by\"}"),
            (
                "SELECT map_zip_with(map('a', 1, 'b', 2), map('b', 3, 'c', 4), (k, v1, v2) -> coalesce(v1, 0) + coalesce(v2, 0))",
                "{\"a\":1,\"b\":5,\"c\":4}",
            ),
        ],
        map_zip_with,
    ),
];

/// The `at`-th argument, which is a map, with the types of its keys and values.
fn map_argument(call: &Call<'_>, at: usize) -> Result<(Typed, SparkType, SparkType, bool)> {
    let map = call.expect(at, &Want::Map)?;
    match map.data_type.clone() {
        SparkType::Map(key, value, nulls) => Ok((map, *key, *value, nulls)),
        _ => Err(call.unexpected_type(at, &map, "\"MAP\"")),
    }
}

/// The entries of all rows that are not null.
fn entries(args: &LambdaArgs<'_>) -> Result<(Flat, ArrayRef)> {
    let maps = Maps::new(args.array(0)?)?;
    let ranges = || (0..args.rows).map(|row| maps.range(row));
    let keys = Flat::new(maps.keys(), args.rows, ranges())?;
    let values = Flat::new(maps.values(), args.rows, ranges())?.elements;
    Ok((keys, values))
}

fn map_filter(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    let (map, key, value, nulls) = map_argument(call, 0)?;
    let parameters = vec![(key, false), (value, nulls)];
    let lambda = predicate(call, 1, &parameters)?;
    let (out, nullable) = (map.data_type.clone(), map.nullable);
    call_with(call, "map_filter", filter_kernel, vec![map], vec![(lambda, parameters)], Vec::new(), out, nullable)
}

fn filter_kernel(args: &LambdaArgs<'_>) -> Result<ArrayRef> {
    let (keys, values) = entries(args)?;
    let kept = args.evaluate(0, &[Arc::clone(&keys.elements), Arc::clone(&values)], &keys.rows)?;
    let kept = booleans(&kept)?;
    let mut gather = Gather::new(args.rows);
    for row in 0..args.rows {
        if !keys.valid.get(row).copied().unwrap_or(false) {
            gather.end_null();
            continue;
        }
        for i in keys.range(row) {
            if kept.is_valid(i) && kept.value(i) {
                gather.push(0, i);
            }
        }
        gather.end()?;
    }
    gather.map(&[&keys.elements], &[&values], args.out)
}

fn transform_keys(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    let (map, key, value, nulls) = map_argument(call, 0)?;
    let parameters = vec![(key, false), (value.clone(), nulls)];
    let lambda = call.lambda(1, &parameters)?;
    call.map_key(&lambda.body.data_type)?;
    let out = SparkType::Map(Box::new(lambda.body.data_type.clone()), Box::new(value), nulls);
    let nullable = map.nullable;
    call_with(call, "transform_keys", keys_kernel, vec![map], vec![(lambda, parameters)], Vec::new(), out, nullable)
}

fn keys_kernel(args: &LambdaArgs<'_>) -> Result<ArrayRef> {
    let (keys, values) = entries(args)?;
    let made = args.evaluate(0, &[Arc::clone(&keys.elements), Arc::clone(&values)], &keys.rows)?;
    let mut maps = MapBuilder::new(&[&made], args.rows, args.settings)?;
    for row in 0..args.rows {
        if keys.valid.get(row).copied().unwrap_or(false) {
            maps.row(keys.range(row).map(|i| (0, i)))?;
        } else {
            maps.null();
        }
    }
    maps.finish(&[&values], args.out)
}

fn transform_values(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    let (map, key, value, nulls) = map_argument(call, 0)?;
    let parameters = vec![(key.clone(), false), (value, nulls)];
    let lambda = call.lambda(1, &parameters)?;
    let out = SparkType::Map(Box::new(key), Box::new(lambda.body.data_type.clone()), lambda.body.nullable);
    let nullable = map.nullable;
    call_with(call, "transform_values", values_kernel, vec![map], vec![(lambda, parameters)], Vec::new(), out, nullable)
}

fn values_kernel(args: &LambdaArgs<'_>) -> Result<ArrayRef> {
    let (keys, values) = entries(args)?;
    let made = args.evaluate(0, &[Arc::clone(&keys.elements), values], &keys.rows)?;
    map_of(args.out, keys.offsets, &keys.valid, keys.elements, made)
}

fn map_zip_with(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(3..=3)?;
    let (left, left_key, left_value, left_nulls) = map_argument(call, 0)?;
    let (right, right_key, right_value, right_nulls) = map_argument(call, 1)?;
    let key = if lattice::same_type(&left_key, &right_key) {
        Some(merged(&left_key, &right_key))
    } else {
        lattice::common_type(&left_key, &right_key, call.settings.ansi)
            .filter(|common| !lattice::force_nullable(&left_key, common) && !lattice::force_nullable(&right_key, common))
    };
    let Some(key) = key else {
        let reason = format!(
            "`map_zip_with` takes maps with keys of one type, and these are \"{}\" and \"{}\": cast one of them",
            left_key.sql(),
            right_key.sql()
        );
        return Err(call.mismatch("DATATYPE_MISMATCH.MAP_ZIP_WITH_DIFF_TYPES", reason));
    };
    call.orderable(&key)?;
    let with_key = |value: &SparkType, nulls| SparkType::Map(Box::new(key.clone()), Box::new(value.clone()), nulls);
    let left = call.coerce(left, &with_key(&left_value, left_nulls))?;
    let right = call.coerce(right, &with_key(&right_value, right_nulls))?;
    let parameters = vec![(key.clone(), false), (left_value, true), (right_value, true)];
    let lambda = call.lambda(2, &parameters)?;
    let out = SparkType::Map(Box::new(key), Box::new(lambda.body.data_type.clone()), lambda.body.nullable);
    let nullable = left.nullable || right.nullable;
    call_with(call, "map_zip_with", zip_kernel, vec![left, right], vec![(lambda, parameters)], Vec::new(), out, nullable)
}

/// A key of either map: where it stands, and the entries of the left and the right map.
type Entry = ((usize, usize), Option<usize>, Option<usize>);

fn zip_kernel(args: &LambdaArgs<'_>) -> Result<ArrayRef> {
    let (left, right) = (Maps::new(args.array(0)?)?, Maps::new(args.array(1)?)?);
    let both = keys(&[left.keys(), right.keys()])?;
    let [left_keys, right_keys] = both.as_slice() else { return Err(Error::internal("keys of two maps")) };
    let (mut key_picks, mut left_picks, mut right_picks, mut rows) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut offsets, mut valid) = (vec![0], Vec::with_capacity(args.rows));
    for row in 0..args.rows {
        let ranges = left.range(row).zip(right.range(row));
        valid.push(ranges.is_some());
        if let Some((ls, rs)) = ranges {
            // In the order in which keys are met.
            let mut entries: Vec<Entry> = Vec::new();
            let mut places: HashMap<Row<'_>, usize> = HashMap::new();
            for i in ls {
                places.entry(left_keys.row(i)).or_insert_with(|| {
                    entries.push(((0, i), Some(i), None));
                    entries.len() - 1
                });
            }
            for i in rs {
                let place = *places.entry(right_keys.row(i)).or_insert_with(|| {
                    entries.push(((1, i), None, None));
                    entries.len() - 1
                });
                if let Some((_, _, right @ None)) = entries.get_mut(place) {
                    *right = Some(i);
                }
            }
            let place = |entry: Option<usize>| entry.map_or((NULL, 0), |i| (0, i));
            for (key, l, r) in entries {
                key_picks.push(key);
                left_picks.push(place(l));
                right_picks.push(place(r));
                rows.push(row as u64);
            }
        }
        offsets.push(i32::try_from(rows.len()).map_err(|_| too_large())?);
    }
    let (key, _) = crate::functions::nested::map_fields(args.out)?;
    let keys = pick(&[left.keys(), right.keys()], &key_picks, key.data_type())?;
    let values = |maps: &Maps<'_>, picks: &[(usize, usize)]| pick(&[maps.values()], picks, maps.values().data_type());
    let made = args.evaluate(0, &[Arc::clone(&keys), values(&left, &left_picks)?, values(&right, &right_picks)?], &rows)?;
    map_of(args.out, offsets, &valid, keys, made)
}
