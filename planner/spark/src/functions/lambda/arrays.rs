//! Lambdas over the elements of arrays: transform, filter, exists, forall, zip_with.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array, UInt64Array};
use arrow::compute::take;
use datafusion::common::ScalarValue;

use super::higher_order::{LambdaArgs, call_with};
use crate::functions::nested::{Gather, Lists, NULL, element_of, list_field, list_of, pick, row, too_large};
use crate::functions::{Arg, Call, Function, Group, Lambda};
use crate::kernel::retype::wrong_layout;
use crate::plan::ExpressionKind;
use crate::types::SparkType;
use crate::{Result, Typed};

/// The rows of this file.
pub(super) const ROWS: &[Function] = &[
    row(
        "transform",
        Group::Lambda,
        "transform(expr, func) - An array of what `func` makes of each element, and of its place from 0 if it takes two parameters.",
        &[("SELECT transform(array(1, 2, 3), x -> x + 1)", "[2,3,4]"), ("SELECT transform(array(1, 2, 3), (x, i) -> x + i)", "[1,3,5]")],
        transform,
    ),
    row(
        "filter",
        Group::Lambda,
        "filter(expr, func) - The elements for which `func` is true; it may take the element's place from 0 too.",
        &[
            ("SELECT filter(array(1, 2, 3), x -> x % 2 == 1)", "[1,3]"),
            ("SELECT filter(array(0, 2, 3), (x, i) -> x > i)", "[2,3]"),
            ("SELECT filter(array(0, null, 2, 3, null), x -> x IS NOT NULL)", "[0,2,3]"),
        ],
        filter,
    ),
    row(
        "exists",
        Group::Lambda,
        "exists(expr, pred) - Whether `pred` is true for an element; null if it is for none, but null for one.",
        &[
            ("SELECT exists(array(1, 2, 3), x -> x % 2 == 0)", "true"),
            ("SELECT exists(array(1, 2, 3), x -> x % 2 == 10)", "false"),
            ("SELECT exists(array(1, null, 3), x -> x % 2 == 0)", "NULL"),
            ("SELECT exists(array(0, null, 2, 3, null), x -> x IS NULL)", "true"),
            ("SELECT exists(array(1, 2, 3), x -> x IS NULL)", "false"),
        ],
        exists,
    ),
    row(
        "forall",
        Group::Lambda,
        "forall(expr, pred) - Whether `pred` is true for all elements; null if it is false for none, but null for one.",
        &[
            ("SELECT forall(array(1, 2, 3), x -> x % 2 == 0)", "false"),
            ("SELECT forall(array(2, 4, 8), x -> x % 2 == 0)", "true"),
            ("SELECT forall(array(1, null, 3), x -> x % 2 == 0)", "false"),
            ("SELECT forall(array(2, null, 8), x -> x % 2 == 0)", "NULL"),
        ],
        forall,
    ),
    row(
        "zip_with",
        Group::Lambda,
        "zip_with(left, right, func) - An array of what `func` makes of the elements at the same place; null for an array that is shorter.",
        &[
            (
                "SELECT zip_with(array(1, 2, 3), array('a', 'b', 'c'), (x, y) -> (y, x))",
                "[{\"y\":\"a\",\"x\":1},{\"y\":\"b\",\"x\":2},{\"y\":\"c\",\"x\":3}]",
            ),
            ("SELECT zip_with(array(1, 2), array(3, 4), (x, y) -> x + y)", "[4,6]"),
            ("SELECT zip_with(array('a', 'b', 'c'), array('d', 'e', 'f'), (x, y) -> concat(x, y))", "[\"ad\",\"be\",\"cf\"]"),
        ],
        zip_with,
    ),
];

/// The `at`-th argument, which is an array, with its element type and whether elements may be null.
pub(super) fn array_argument(call: &Call<'_>, at: usize) -> Result<(Typed, SparkType, bool)> {
    let array = call.arg(at)?;
    match element_of(&array.data_type) {
        Some((element, nulls)) => {
            let element = element.clone();
            Ok((array, element, nulls))
        }
        None => Err(call.unexpected_type(at, &array, "\"ARRAY\"")),
    }
}

/// How many parameters the `at`-th argument, a lambda, says that it has.
fn parameter_count(call: &Call<'_>, at: usize) -> usize {
    match call.args.get(at) {
        Some(Arg::Lambda(lambda)) => match &lambda.kind {
            ExpressionKind::LambdaFunction { arguments, .. } => arguments.len(),
            _ => 1,
        },
        _ => 1,
    }
}

/// A lambda whose result is true, false or null.
pub(super) fn predicate(call: &mut Call<'_>, at: usize, parameters: &[(SparkType, bool)]) -> Result<Lambda> {
    let mut lambda = call.lambda(at, parameters)?;
    if lambda.body.data_type == SparkType::Null {
        lambda.body = call.cast(lambda.body, &SparkType::Boolean)?;
    }
    if lambda.body.data_type != SparkType::Boolean {
        return Err(call.unexpected_type(at, &lambda.body, "\"BOOLEAN\""));
    }
    Ok(lambda)
}

/// The parameters of a lambda over elements, and over their places if it takes two.
fn element_parameters(call: &Call<'_>, element: SparkType, nulls: bool) -> Vec<(SparkType, bool)> {
    let mut parameters = vec![(element, nulls)];
    if parameter_count(call, 1) == 2 {
        parameters.push((SparkType::Integer, false));
    }
    parameters
}

fn transform(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    let (array, element, nulls) = array_argument(call, 0)?;
    let parameters = element_parameters(call, element, nulls);
    let lambda = call.lambda(1, &parameters)?;
    let out = SparkType::Array(Box::new(lambda.body.data_type.clone()), lambda.body.nullable);
    let nullable = array.nullable;
    call_with(call, "transform", transform_kernel, vec![array], vec![(lambda, parameters)], Vec::new(), out, nullable)
}

/// The elements of all rows that are not null, laid out one after the other.
pub(super) struct Flat {
    /// The elements.
    pub(super) elements: ArrayRef,
    /// The row of each.
    pub(super) rows: Vec<u64>,
    /// The place of each in its array.
    pub(super) places: Vec<i32>,
    /// Where each row's begin and end.
    pub(super) offsets: Vec<i32>,
    /// Which rows are not null.
    pub(super) valid: Vec<bool>,
}

impl Flat {
    /// The elements of these ranges of values.
    pub(super) fn new(values: &ArrayRef, count: usize, ranges: impl Iterator<Item = Option<std::ops::Range<usize>>>) -> Result<Self> {
        let (mut rows, mut places, mut origins) = (Vec::new(), Vec::new(), Vec::new());
        let (mut offsets, mut valid) = (vec![0], Vec::with_capacity(count));
        for (row, range) in ranges.enumerate() {
            valid.push(range.is_some());
            for (place, origin) in range.into_iter().flatten().enumerate() {
                rows.push(row as u64);
                places.push(i32::try_from(place).unwrap_or(i32::MAX));
                origins.push(origin);
            }
            offsets.push(i32::try_from(origins.len()).map_err(|_| too_large())?);
        }
        // Mostly the values stand in order, with nothing between them.
        let first = origins.first().copied().unwrap_or(0);
        let elements = if origins.iter().enumerate().all(|(i, origin)| *origin == first + i) {
            values.slice(first, origins.len())
        } else {
            take(values, &origins.iter().map(|i| *i as u64).collect::<UInt64Array>(), None)?
        };
        Ok(Self { elements, rows, places, offsets, valid })
    }

    /// Those of the arrays of a column.
    pub(super) fn of_lists(lists: &Lists<'_>, rows: usize) -> Result<Self> {
        Self::new(lists.values(), rows, (0..rows).map(|row| lists.range(row)))
    }

    /// What a lambda makes of the elements and their places.
    fn evaluate(&self, args: &LambdaArgs<'_>) -> Result<ArrayRef> {
        let places: ArrayRef = Arc::new(Int32Array::from(self.places.clone()));
        args.evaluate(0, &[Arc::clone(&self.elements), places], &self.rows)
    }

    /// The elements of one row, by their places among all.
    pub(super) fn range(&self, row: usize) -> std::ops::Range<usize> {
        let offset = |at: usize| self.offsets.get(at).and_then(|offset| usize::try_from(*offset).ok()).unwrap_or(0);
        offset(row)..offset(row + 1)
    }
}

/// An array of booleans.
pub(super) fn booleans(array: &ArrayRef) -> Result<&BooleanArray> {
    array.as_boolean_opt().ok_or_else(|| wrong_layout("booleans", array.data_type()))
}

fn transform_kernel(args: &LambdaArgs<'_>) -> Result<ArrayRef> {
    let flat = Flat::of_lists(&Lists::new(args.array(0)?)?, args.rows)?;
    let values = flat.evaluate(args)?;
    list_of(&list_field(args.out)?, flat.offsets, &flat.valid, values)
}

fn filter(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    let (array, element, nulls) = array_argument(call, 0)?;
    let parameters = element_parameters(call, element, nulls);
    let lambda = predicate(call, 1, &parameters)?;
    let (out, nullable) = (array.data_type.clone(), array.nullable);
    call_with(call, "filter", filter_kernel, vec![array], vec![(lambda, parameters)], Vec::new(), out, nullable)
}

fn filter_kernel(args: &LambdaArgs<'_>) -> Result<ArrayRef> {
    let lists = Lists::new(args.array(0)?)?;
    let flat = Flat::of_lists(&lists, args.rows)?;
    let kept = flat.evaluate(args)?;
    let kept = booleans(&kept)?;
    let mut gather = Gather::new(args.rows);
    for row in 0..args.rows {
        if !flat.valid.get(row).copied().unwrap_or(false) {
            gather.end_null();
            continue;
        }
        for i in flat.range(row) {
            if kept.is_valid(i) && kept.value(i) {
                gather.push(0, i);
            }
        }
        gather.end()?;
    }
    gather.list(&[&flat.elements], args.out)
}

fn exists(call: &mut Call<'_>) -> Result<Typed> {
    let three_valued = call.settings.flag("spark.sql.legacy.followThreeValuedLogicInArrayExists", true)?;
    quantifier(call, "exists", true, three_valued)
}

fn forall(call: &mut Call<'_>) -> Result<Typed> {
    quantifier(call, "forall", false, true)
}

/// `decides` is the answer of one element that settles the row's.
fn quantifier(call: &mut Call<'_>, name: &'static str, decides: bool, three_valued: bool) -> Result<Typed> {
    call.arity(2..=2)?;
    let (array, element, nulls) = array_argument(call, 0)?;
    let parameters = vec![(element, nulls)];
    let lambda = predicate(call, 1, &parameters)?;
    let nullable = array.nullable || (three_valued && lambda.body.nullable);
    let constants = vec![ScalarValue::Boolean(Some(decides)), ScalarValue::Boolean(Some(three_valued))];
    call_with(call, name, quantifier_kernel, vec![array], vec![(lambda, parameters)], constants, SparkType::Boolean, nullable)
}

fn quantifier_kernel(args: &LambdaArgs<'_>) -> Result<ArrayRef> {
    let flag = |at: usize| matches!(args.constants.get(at), Some(ScalarValue::Boolean(Some(true))));
    let (decides, three_valued) = (flag(0), flag(1));
    let flat = Flat::of_lists(&Lists::new(args.array(0)?)?, args.rows)?;
    let answers = match args.evaluate(0, &[Arc::clone(&flat.elements)], &flat.rows) {
        Ok(answers) => answers,
        // An element may fail behind one that settles its row, and is then not looked at.
        Err(_) => one_by_one(args, &flat, decides)?,
    };
    let answers = booleans(&answers)?;
    let out: BooleanArray = (0..args.rows)
        .map(|row| {
            if !flat.valid.get(row).copied().unwrap_or(false) {
                return None;
            }
            let mut null = false;
            for i in flat.range(row) {
                if answers.is_null(i) {
                    null = true;
                } else if answers.value(i) == decides {
                    return Some(decides);
                }
            }
            if null && three_valued { None } else { Some(!decides) }
        })
        .collect();
    Ok(Arc::new(out))
}

/// The answers of the elements up to the one that settles the row; null for the others.
fn one_by_one(args: &LambdaArgs<'_>, flat: &Flat, decides: bool) -> Result<ArrayRef> {
    let mut answers = vec![None; flat.rows.len()];
    let mut active: Vec<usize> = (0..args.rows).filter(|row| !flat.range(*row).is_empty()).collect();
    let mut place = 0;
    while !active.is_empty() {
        let at: Vec<usize> = active.iter().map(|row| flat.range(*row).start + place).collect();
        let elements = take(&flat.elements, &at.iter().map(|i| *i as u64).collect::<UInt64Array>(), None)?;
        let rows: Vec<u64> = active.iter().map(|row| *row as u64).collect();
        let made = args.evaluate(0, &[elements], &rows)?;
        let made = booleans(&made)?;
        for (i, at) in at.iter().enumerate() {
            if let Some(answer) = answers.get_mut(*at) {
                *answer = made.is_valid(i).then(|| made.value(i));
            }
        }
        place += 1;
        active = active
            .into_iter()
            .enumerate()
            .filter(|(i, row)| !(made.is_valid(*i) && made.value(*i) == decides) && flat.range(*row).len() > place)
            .map(|(_, row)| row)
            .collect();
    }
    Ok(Arc::new(BooleanArray::from(answers)))
}

fn zip_with(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(3..=3)?;
    let (left, left_element, _) = array_argument(call, 0)?;
    let (right, right_element, _) = array_argument(call, 1)?;
    let parameters = vec![(left_element, true), (right_element, true)];
    let lambda = call.lambda(2, &parameters)?;
    let out = SparkType::Array(Box::new(lambda.body.data_type.clone()), lambda.body.nullable);
    let nullable = left.nullable || right.nullable;
    call_with(call, "zip_with", zip_with_kernel, vec![left, right], vec![(lambda, parameters)], Vec::new(), out, nullable)
}

fn zip_with_kernel(args: &LambdaArgs<'_>) -> Result<ArrayRef> {
    let (left, right) = (Lists::new(args.array(0)?)?, Lists::new(args.array(1)?)?);
    let (mut lefts, mut rights, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    let (mut offsets, mut valid) = (vec![0], Vec::with_capacity(args.rows));
    for row in 0..args.rows {
        let ranges = left.range(row).zip(right.range(row));
        valid.push(ranges.is_some());
        if let Some((ls, rs)) = ranges {
            for i in 0..ls.len().max(rs.len()) {
                let place = |range: &std::ops::Range<usize>| if i < range.len() { (0, range.start + i) } else { (NULL, 0) };
                lefts.push(place(&ls));
                rights.push(place(&rs));
                rows.push(row as u64);
            }
        }
        offsets.push(i32::try_from(rows.len()).map_err(|_| too_large())?);
    }
    let picked = |lists: &Lists<'_>, picks: &[(usize, usize)]| pick(&[lists.values()], picks, lists.values().data_type());
    let values = args.evaluate(0, &[picked(&left, &lefts)?, picked(&right, &rights)?], &rows)?;
    list_of(&list_field(args.out)?, offsets, &valid, values)
}
