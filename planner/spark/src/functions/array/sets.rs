//! Arrays as sets: array_distinct, array_union, array_intersect, array_except. NaN is one value, and so is zero of either sign.

use std::collections::HashSet;

use arrow::array::ArrayRef;
use arrow::row::Row;

use crate::functions::compare::keys;
use crate::functions::nested::{Gather, Lists, element_of, merged, row};
use crate::functions::{Call, Function, Group, KernelArgs, Want};
use crate::types::{SparkType, lattice};
use crate::{Result, Typed};

/// The rows of this file.
pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "array_distinct",
        Group::Array,
        "array_distinct(array) - The array without elements that came before.",
        &[("SELECT array_distinct(array(1, 2, 3, null, 3))", "[1,2,3,null]")],
        array_distinct,
    ),
    row(
        "array_union",
        Group::Array,
        "array_union(array1, array2) - The elements of both arrays, each once.",
        &[("SELECT array_union(array(1, 2, 3), array(1, 3, 5))", "[1,2,3,5]")],
        array_union,
    ),
    row(
        "array_intersect",
        Group::Array,
        "array_intersect(array1, array2) - The elements of the first array that the second has too, each once.",
        &[("SELECT array_intersect(array(1, 2, 3), array(1, 3, 5))", "[1,3]")],
        array_intersect,
    ),
    row(
        "array_except",
        Group::Array,
        "array_except(array1, array2) - The elements of the first array that the second has not, each once.",
        &[("SELECT array_except(array(1, 2, 3), array(1, 3, 5))", "[2]")],
        array_except,
    ),
];

fn array_distinct(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=1)?;
    let array = call.expect(0, &Want::Array)?;
    if let Some((element, _)) = element_of(&array.data_type) {
        call.orderable(element)?;
    }
    let (out, nullable) = (array.data_type.clone(), array.nullable);
    Ok(call.scalar(distinct_kernel, vec![array], out, nullable))
}

/// Both arguments as arrays of one element type, and that type.
pub(super) fn two_arrays(call: &Call<'_>) -> Result<(Typed, Typed, SparkType)> {
    let (left, right) = (call.arg(0)?, call.arg(1)?);
    let common = match (element_of(&left.data_type), element_of(&right.data_type)) {
        (Some((l, left_nulls)), Some((r, right_nulls))) => {
            lattice::tightest_common_type(l, r, false).map(|common| (common, left_nulls, right_nulls))
        }
        _ => None,
    };
    let Some((common, left_nulls, right_nulls)) = common else {
        let reason = format!(
            "`{}` takes two arrays of one element type, not \"{}\" and \"{}\": cast one of them",
            call.name,
            left.data_type.sql(),
            right.data_type.sql()
        );
        return Err(call.mismatch("DATATYPE_MISMATCH.BINARY_ARRAY_DIFF_TYPES", reason));
    };
    let left = call.coerce(left, &SparkType::Array(Box::new(common.clone()), left_nulls))?;
    let right = call.coerce(right, &SparkType::Array(Box::new(common.clone()), right_nulls))?;
    Ok((left, right, common))
}

fn of_two(call: &mut Call<'_>, kernel: crate::functions::ScalarKernel, out: fn(&SparkType, &SparkType) -> SparkType) -> Result<Typed> {
    call.arity(2..=2)?;
    let (left, right, element) = two_arrays(call)?;
    call.orderable(&element)?;
    let (out, nullable) = (out(&left.data_type, &right.data_type), left.nullable || right.nullable);
    Ok(call.scalar(kernel, vec![left, right], out, nullable))
}

fn array_union(call: &mut Call<'_>) -> Result<Typed> {
    of_two(call, union_kernel, merged)
}

fn array_intersect(call: &mut Call<'_>) -> Result<Typed> {
    of_two(call, intersect_kernel, |left, right| match (left, right) {
        (SparkType::Array(l, ln), SparkType::Array(r, rn)) => SparkType::Array(Box::new(merged(l, r)), *ln && *rn),
        _ => left.clone(),
    })
}

fn array_except(call: &mut Call<'_>) -> Result<Typed> {
    of_two(call, except_kernel, |left, _| left.clone())
}

fn distinct_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    set_kernel(args, |_, seen, key| seen.insert(key))
}

fn union_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    set_kernel(args, |_, seen, key| seen.insert(key))
}

fn intersect_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    first_kernel(args, |second, seen, key| second.contains(&key) && seen.insert(key))
}

fn except_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    first_kernel(args, |second, seen, key| !second.contains(&key) && seen.insert(key))
}

type Keep = for<'a> fn(&HashSet<Row<'a>>, &mut HashSet<Row<'a>>, Row<'a>) -> bool;

/// The elements of all arrays one after the other that `keep` keeps.
fn set_kernel(args: &KernelArgs<'_>, keep: Keep) -> Result<ArrayRef> {
    let lists = args.arrays.iter().map(Lists::new).collect::<Result<Vec<_>>>()?;
    let sources: Vec<&ArrayRef> = lists.iter().map(Lists::values).collect();
    let keys = keys(&sources)?;
    let mut gather = Gather::new(args.rows);
    let nothing = HashSet::new();
    for row in 0..args.rows {
        let ranges: Option<Vec<_>> = lists.iter().map(|list| list.range(row)).collect();
        let Some(ranges) = ranges else {
            gather.end_null();
            continue;
        };
        let mut seen = HashSet::new();
        for (source, (range, keys)) in ranges.into_iter().zip(&keys).enumerate() {
            for i in range {
                if keep(&nothing, &mut seen, keys.row(i)) {
                    gather.push(source, i);
                }
            }
        }
        gather.end()?;
    }
    gather.list(&sources, args.out)
}

/// The elements of the first array that `keep` keeps, given those of the second.
fn first_kernel(args: &KernelArgs<'_>, keep: Keep) -> Result<ArrayRef> {
    let (left, right) = (Lists::of(args, 0)?, Lists::of(args, 1)?);
    let both = keys(&[left.values(), right.values()])?;
    let [left_keys, right_keys] = both.as_slice() else { return Err(crate::Error::internal("keys of two arrays")) };
    let mut gather = Gather::new(args.rows);
    for row in 0..args.rows {
        let (Some(ls), Some(rs)) = (left.range(row), right.range(row)) else {
            gather.end_null();
            continue;
        };
        let second: HashSet<Row<'_>> = rs.map(|i| right_keys.row(i)).collect();
        let mut seen = HashSet::new();
        for i in ls {
            if keep(&second, &mut seen, left_keys.row(i)) {
                gather.push(0, i);
            }
        }
        gather.end()?;
    }
    gather.list(&[left.values()], args.out)
}
