//! Arrays in another order: sort_array, shuffle; and array_sort without a comparator, which is told in `lambda/`.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::row::Rows;
use datafusion::common::ScalarValue;
use rand::SeedableRng;
use rand::seq::SliceRandom;

use crate::functions::compare::{is_null, keys_of, nulls_last};
use crate::functions::nested::{Gather, Lists, row};
use crate::functions::{Call, Function, Group, KernelArgs, SparkScalar, Want, constant};
use crate::types::SparkType;
use crate::{Result, Sql, Typed};

/// The rows of this file.
pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "sort_array",
        Group::Array,
        "sort_array(array[, ascendingOrder]) - The array in rising order, nulls first; or in falling order, nulls last.",
        &[
            ("SELECT sort_array(array('b', 'd', null, 'c', 'a'), true)", "[null,\"a\",\"b\",\"c\",\"d\"]"),
            ("SELECT sort_array(array('b', 'd', null, 'c', 'a'), false)", "[\"d\",\"c\",\"b\",\"a\",null]"),
        ],
        sort_array,
    ),
    row(
        "shuffle",
        Group::Array,
        "shuffle(array[, seed]) - The array's elements in an order that chance gives.",
        &[("SELECT size(shuffle(array(1, 20, 3, 5)))", "4")],
        shuffle,
    ),
];

fn sort_array(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=2)?;
    let array = call.expect(0, &Want::Array)?;
    if let SparkType::Array(element, _) = &array.data_type
        && !crate::types::lattice::is_orderable(element)
    {
        call.orderable(&array.data_type)?;
    }
    let (ascending, shown) = if call.len() == 2 {
        let order = call.arg(1)?;
        let Some(value) = constant(&order)? else {
            let reason = format!("parameter 2 of `sort_array` has to be a constant, and \"{}\" is none", order.sql);
            return Err(call.mismatch("DATATYPE_MISMATCH.NON_FOLDABLE_INPUT", reason));
        };
        let order = call.expect(1, &Want::Type(SparkType::Boolean))?;
        let value = match value {
            ScalarValue::Boolean(value) => value,
            _ => None,
        };
        (value, order.sql)
    } else {
        (Some(true), Sql::from("true"))
    };
    let (out, nullable) = (array.data_type.clone(), array.nullable || ascending.is_none());
    let sql = Sql::call("sort_array", [&array.sql, &shown]);
    Ok(call.scalar_with(sort_kernel, vec![array], vec![ScalarValue::Boolean(ascending)], out, nullable).shown(sql))
}

fn sort_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    match args.constants.first() {
        Some(ScalarValue::Boolean(Some(true))) => sorted(args, |keys, _, a, b| keys.row(a).cmp(&keys.row(b))),
        Some(ScalarValue::Boolean(Some(false))) => sorted(args, |keys, _, a, b| keys.row(b).cmp(&keys.row(a))),
        _ => Ok(arrow::array::new_null_array(&crate::types::to_arrow(args.out), args.rows)),
    }
}

/// Rising, nulls last: array_sort without a comparator.
pub(in crate::functions) fn rising_nulls_last(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    sorted(args, |keys, values, a, b| nulls_last((is_null(values, a), keys.row(a)), (is_null(values, b), keys.row(b))))
}

fn sorted(args: &KernelArgs<'_>, order: fn(&Rows, &ArrayRef, usize, usize) -> Ordering) -> Result<ArrayRef> {
    let lists = Lists::of(args, 0)?;
    let keys = keys_of(lists.values())?;
    let mut gather = Gather::new(args.rows);
    for row in 0..args.rows {
        let Some(range) = lists.range(row) else {
            gather.end_null();
            continue;
        };
        let mut places: Vec<usize> = range.collect();
        places.sort_by(|a, b| order(&keys, lists.values(), *a, *b));
        for place in places {
            gather.push(0, place);
        }
        gather.end()?;
    }
    gather.list(&[lists.values()], args.out)
}

fn shuffle(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=2)?;
    let array = call.expect(0, &Want::Array)?;
    let seed = if call.len() == 2 { call.constant(1, &SparkType::Long)? } else { ScalarValue::Int64(None) };
    let (out, nullable) = (array.data_type.clone(), array.nullable);
    let sql = Sql::call("shuffle", [&array.sql]);
    let function = SparkScalar::new("shuffle", shuffle_kernel, vec![array.data_type], out.clone(), Arc::clone(call.settings))
        .with_constants(vec![seed])
        .with_nullable(nullable)
        .volatile()
        .at(call.span);
    Ok(Typed::new(function.call(vec![array.expr]), out, nullable, sql))
}

fn shuffle_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let lists = Lists::of(args, 0)?;
    let mut random = match args.constants.first() {
        Some(ScalarValue::Int64(Some(seed))) => rand::rngs::StdRng::seed_from_u64(seed.cast_unsigned()),
        _ => rand::rngs::StdRng::from_os_rng(),
    };
    let mut gather = Gather::new(args.rows);
    for row in 0..args.rows {
        let Some(range) = lists.range(row) else {
            gather.end_null();
            continue;
        };
        let mut places: Vec<usize> = range.collect();
        places.shuffle(&mut random);
        for place in places {
            gather.push(0, place);
        }
        gather.end()?;
    }
    gather.list(&[lists.values()], args.out)
}
