//! What is in an array: array_contains, array_position, arrays_overlap, array_min, array_max, array_binary_search's kin.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array};
use arrow::row::Rows;

use crate::functions::compare::{is_null, keys, keys_of};
use crate::functions::nested::{Lists, NULL, argument, element_of, pick, row};
use crate::functions::{Call, Function, Group, KernelArgs, Want};
use crate::types::{SparkType, lattice, to_arrow};
use crate::{Result, Typed};

/// The rows of this file.
pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "array_contains",
        Group::Array,
        "array_contains(array, value) - Whether the array has the value; null if it has not but has nulls.",
        &[("SELECT array_contains(array(1, 2, 3), 2)", "true"), ("SELECT array_contains(array(1, NULL), 2)", "NULL")],
        array_contains,
    ),
    row(
        "array_position",
        Group::Array,
        "array_position(array, element) - The place, from 1, of the first such element; 0 if there is none.",
        &[("SELECT array_position(array(312, 773, 708, 708), 708)", "3"), ("SELECT array_position(array(312, 773, 708, 708), 414)", "0")],
        array_position,
    ),
    row(
        "arrays_overlap",
        Group::Array,
        "arrays_overlap(a1, a2) - Whether both arrays have an element in common; null if they have not, neither is empty, and one has nulls.",
        &[("SELECT arrays_overlap(array(1, 2, 3), array(3, 4, 5))", "true"), ("SELECT arrays_overlap(array(1, NULL), array(2))", "NULL")],
        arrays_overlap,
    ),
    row(
        "array_min",
        Group::Array,
        "array_min(array) - The smallest element; nulls are passed over, and NaN is the largest number.",
        &[("SELECT array_min(array(1, 20, null, 3))", "1")],
        |call| extreme(call, min_kernel),
    ),
    row(
        "array_max",
        Group::Array,
        "array_max(array) - The largest element; nulls are passed over, and NaN is the largest number.",
        &[("SELECT array_max(array(1, 20, null, 3))", "20")],
        |call| extreme(call, max_kernel),
    ),
];

impl Call<'_> {
    /// An array and a value, the first two arguments, with elements and value of one type as `common` finds it.
    ///
    /// # Errors
    /// `DATATYPE_MISMATCH.ARRAY_FUNCTION_DIFF_TYPES` where there is none.
    pub(in crate::functions) fn array_and_value(
        &self,
        common: impl Fn(&SparkType, &SparkType) -> Option<SparkType>,
        value_at: usize,
    ) -> Result<(Typed, Typed)> {
        let (array, value) = (self.arg(0)?, self.arg(value_at)?);
        let reason = format!(
            "`{}` takes an array and a value of its elements' type, not \"{}\" and \"{}\": cast one of them",
            self.name,
            array.data_type.sql(),
            value.data_type.sql()
        );
        let different = || self.mismatch("DATATYPE_MISMATCH.ARRAY_FUNCTION_DIFF_TYPES", &reason);
        let Some((element, nulls)) = element_of(&array.data_type) else { return Err(different()) };
        let common = common(element, &value.data_type).ok_or_else(different)?;
        let wanted = SparkType::Array(Box::new(common.clone()), nulls);
        Ok((self.coerce(array, &wanted)?, self.coerce(value, &common)?))
    }

    /// Refuses NULL for one of the first two arguments.
    ///
    /// # Errors
    /// `DATATYPE_MISMATCH.NULL_TYPE`
    pub(in crate::functions) fn no_null(&self, arguments: &[usize]) -> Result<()> {
        for at in arguments {
            if self.arg(*at)?.data_type == SparkType::Null {
                let reason = format!("`{}` takes no bare NULL: cast it to the type that is meant", self.name);
                return Err(self.mismatch("DATATYPE_MISMATCH.NULL_TYPE", reason));
            }
        }
        Ok(())
    }

    fn needs_array(&self, at: usize) -> Result<()> {
        let value = self.arg(at)?;
        match value.data_type {
            SparkType::Array(..) => Ok(()),
            _ => Err(self.unexpected_type(at, &value, "\"ARRAY\"")),
        }
    }
}

/// Where text stays text and numbers numbers.
fn wider(left: &SparkType, right: &SparkType, ansi: bool) -> Option<SparkType> {
    lattice::common_type_without_strings([left, right], ansi)
}

fn array_contains(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    call.no_null(&[1, 0])?;
    call.needs_array(0)?;
    let (array, value) = call.array_and_value(|l, r| wider(l, r, false), 1)?;
    call.orderable(&value.data_type)?;
    let nullable = array.nullable || value.nullable || element_of(&array.data_type).is_some_and(|(_, nulls)| nulls);
    Ok(call.scalar(contains_kernel, vec![array, value], SparkType::Boolean, nullable))
}

/// Calls `found` for every row with what is known of where the value is: the row, and the place in the array if it is there.
fn search(args: &KernelArgs<'_>, mut found: impl FnMut(Option<(Option<usize>, bool)>)) -> Result<()> {
    let (lists, values) = (Lists::of(args, 0)?, argument(args, 1)?);
    let elements = lists.values();
    let both = keys(&[elements, values])?;
    let [element_keys, value_keys] = both.as_slice() else { return Ok(()) };
    for row in 0..args.rows {
        let Some(range) = lists.range(row).filter(|_| !is_null(values, row)) else {
            found(None);
            continue;
        };
        let wanted = value_keys.row(row);
        let place = range.clone().find(|i| !is_null(elements, *i) && element_keys.row(*i) == wanted);
        let nulls = place.is_none() && range.clone().any(|i| is_null(elements, i));
        found(Some((place.map(|i| i - range.start), nulls)));
    }
    Ok(())
}

pub(in crate::functions) fn contains_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let mut out = Vec::with_capacity(args.rows);
    search(args, |answer| {
        out.push(match answer {
            None | Some((None, true)) => None,
            Some((place, _)) => Some(place.is_some()),
        });
    })?;
    Ok(Arc::new(BooleanArray::from(out)))
}

fn array_position(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    call.no_null(&[0])?;
    call.needs_array(0)?;
    let (array, value) = call.array_and_value(|l, r| lattice::tightest_common_type(l, r, false), 1)?;
    call.orderable(&value.data_type)?;
    let nullable = array.nullable || value.nullable;
    Ok(call.scalar(position_kernel, vec![array, value], SparkType::Long, nullable))
}

fn position_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let mut out = Vec::with_capacity(args.rows);
    search(args, |answer| out.push(answer.map(|(place, _)| place.map_or(0, |i| i64::try_from(i).unwrap_or(i64::MAX - 1) + 1))))?;
    Ok(Arc::new(Int64Array::from(out)))
}

fn arrays_overlap(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    let (left, right, element) = super::sets::two_arrays(call)?;
    call.orderable(&element)?;
    let nulls = |value: &Typed| element_of(&value.data_type).is_some_and(|(_, nulls)| nulls);
    let nullable = left.nullable || right.nullable || nulls(&left) || nulls(&right);
    Ok(call.scalar(overlap_kernel, vec![left, right], SparkType::Boolean, nullable))
}

fn overlap_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (left, right) = (Lists::of(args, 0)?, Lists::of(args, 1)?);
    let both = keys(&[left.values(), right.values()])?;
    let [left_keys, right_keys] = both.as_slice() else { return Ok(Arc::new(BooleanArray::from(Vec::<bool>::new()))) };
    let mut out = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        let (Some(ls), Some(rs)) = (left.range(row), right.range(row)) else {
            out.push(None);
            continue;
        };
        if ls.is_empty() || rs.is_empty() {
            out.push(Some(false));
            continue;
        }
        let mut nulls = false;
        let mut seen = std::collections::HashSet::new();
        for i in ls {
            if is_null(left.values(), i) {
                nulls = true;
            } else {
                seen.insert(left_keys.row(i));
            }
        }
        let mut found = false;
        for i in rs {
            if is_null(right.values(), i) {
                nulls = true;
            } else if seen.contains(&right_keys.row(i)) {
                found = true;
                break;
            }
        }
        out.push(if found { Some(true) } else { (!nulls).then_some(false) });
    }
    Ok(Arc::new(BooleanArray::from(out)))
}

fn extreme(call: &mut Call<'_>, kernel: crate::functions::ScalarKernel) -> Result<Typed> {
    call.arity(1..=1)?;
    let array = call.want(0, &Want::Array)?;
    let Some((element, _)) = element_of(&array.data_type) else { return Err(call.unexpected_type(0, &array, "\"ARRAY\"")) };
    let element = element.clone();
    call.orderable(&element)?;
    Ok(call.scalar(kernel, vec![array], element, true))
}

fn min_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    extreme_kernel(args, |keys, i, best| keys.row(i) < keys.row(best))
}

fn max_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    extreme_kernel(args, |keys, i, best| keys.row(i) > keys.row(best))
}

fn extreme_kernel(args: &KernelArgs<'_>, better: fn(&Rows, usize, usize) -> bool) -> Result<ArrayRef> {
    let lists = Lists::of(args, 0)?;
    let values = lists.values();
    let keys = keys_of(values)?;
    let picks: Vec<(usize, usize)> = (0..args.rows)
        .map(|row| {
            let items = lists.range(row).into_iter().flatten().filter(|i| !is_null(values, *i));
            let best = items.reduce(|best, i| if better(&keys, i, best) { i } else { best });
            best.map_or((NULL, 0), |i| (0, i))
        })
        .collect();
    pick(&[values], &picks, &to_arrow(args.out))
}
