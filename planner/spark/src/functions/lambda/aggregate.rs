//! Arrays folded into one value by lambdas: aggregate, reduce. All rows go through the same place of their arrays at once.

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt64Array, new_empty_array};
use arrow::compute::{concat, take};

use super::arrays::array_argument;
use super::higher_order::{LambdaArgs, call_with};
use crate::functions::nested::{Lists, NULL, pick, row};
use crate::functions::{Call, Function, Group, Lambda};
use crate::kernel::retype::retype;
use crate::types::{SparkType, lattice, to_arrow};
use crate::{Result, Typed};

/// The rows of this file.
pub(super) const ROWS: &[Function] = &[
    row(
        "aggregate",
        Group::Lambda,
        "aggregate(expr, start, merge, finish) - What `merge` makes of `start` and the elements one after the other, and `finish` of that.",
        &[
            ("SELECT aggregate(array(1, 2, 3), 0, (acc, x) -> acc + x)", "6"),
            ("SELECT aggregate(array(1, 2, 3), 0, (acc, x) -> acc + x, acc -> acc * 10)", "60"),
        ],
        aggregate,
    ),
    row(
        "reduce",
        Group::Lambda,
        "reduce(expr, start, merge, finish) - What `merge` makes of `start` and the elements one after the other, and `finish` of that.",
        &[
            ("SELECT reduce(array(1, 2, 3), 0, (acc, x) -> acc + x)", "6"),
            ("SELECT reduce(array(1, 2, 3), 0, (acc, x) -> acc + x, acc -> acc * 10)", "60"),
        ],
        aggregate,
    ),
];

fn aggregate(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(3..=4)?;
    let (array, element, nulls) = array_argument(call, 0)?;
    let start = call.arg(1)?;
    let state = (start.data_type.clone(), true);
    let merge_parameters = vec![state.clone(), (element, nulls)];
    let mut merge = call.lambda(2, &merge_parameters)?;
    if merge.body.data_type == SparkType::Null && state.0 != SparkType::Null {
        merge.body = call.cast(merge.body, &state.0)?;
    }
    // The names of fields may differ.
    if !lattice::same_structure(&merge.body.data_type, &state.0) {
        return Err(call.unexpected_type(2, &merge.body, &format!("\"{}\"", state.0.sql())));
    }
    if !lattice::same_type(&merge.body.data_type, &state.0) {
        merge.body = call.cast(merge.body, &state.0)?;
    }
    let finish_parameters = vec![state.clone()];
    let finish = if call.len() == 4 {
        call.lambda(3, &finish_parameters)?
    } else {
        let name = "parameter".to_owned();
        let column = datafusion::logical_expr::Expr::Column(datafusion::common::Column::new_unqualified(name.clone()));
        Lambda { parameters: vec![name], body: Typed::new(column, state.0.clone(), true, "namedlambdavariable()") }
    };
    let (out, nullable) = (finish.body.data_type.clone(), array.nullable || finish.body.nullable);
    let lambdas = vec![(merge, merge_parameters), (finish, finish_parameters)];
    call_with(call, "aggregate", aggregate_kernel, vec![array, start], lambdas, Vec::new(), out, nullable)
}

fn indices(values: impl Iterator<Item = usize>) -> UInt64Array {
    values.map(|i| i as u64).collect()
}

fn aggregate_kernel(args: &LambdaArgs<'_>) -> Result<ArrayRef> {
    let lists = Lists::new(args.array(0)?)?;
    let ranges: Vec<_> = (0..args.rows).map(|row| lists.range(row)).collect();
    let length = |row: usize| ranges.get(row).and_then(Option::as_ref).map_or(0, ExactSizeIterator::len);
    // Rows with long arrays first: at every place, those that have an element there stand at the front.
    let mut order: Vec<usize> = (0..args.rows).filter(|row| ranges.get(*row).is_some_and(Option::is_some)).collect();
    order.sort_by_key(|row| std::cmp::Reverse(length(*row)));
    let merged = args.body_type(0);
    let mut state = retype(&take(args.array(1)?, &indices(order.iter().copied()), None)?, &merged)?;
    let mut done: Vec<ArrayRef> = Vec::new();
    let mut place = 0;
    loop {
        let active = order.partition_point(|row| length(*row) > place);
        if active < state.len() {
            done.push(state.slice(active, state.len() - active));
            state = state.slice(0, active);
        }
        if active == 0 {
            break;
        }
        let rows = order.get(..active).unwrap_or_default();
        let start = |row: &usize| ranges.get(*row).and_then(Option::as_ref).map_or(0, |range| range.start);
        let elements = take(lists.values(), &indices(rows.iter().map(|row| start(row) + place)), None)?;
        let rows: Vec<u64> = rows.iter().map(|row| *row as u64).collect();
        state = args.evaluate(0, &[state, elements], &rows)?;
        place += 1;
    }
    // The shortest were done first, and stand at the end.
    done.reverse();
    let states = match done.as_slice() {
        [] => new_empty_array(&merged),
        [one] => Arc::clone(one),
        several => concat(&several.iter().map(|array| array.as_ref()).collect::<Vec<_>>())?,
    };
    let rows: Vec<u64> = order.iter().map(|row| *row as u64).collect();
    let finished = args.evaluate(1, &[states], &rows)?;
    let mut picks = vec![(NULL, 0); args.rows];
    for (i, row) in order.iter().enumerate() {
        if let Some(pick) = picks.get_mut(*row) {
            *pick = (0, i);
        }
    }
    pick(&[&finished], &picks, &to_arrow(args.out))
}
