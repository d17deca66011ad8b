//! Arrays in the order that a lambda says: array_sort.

use arrow::array::{Array, ArrayRef, AsArray, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::Int32Type;
use datafusion::common::ScalarValue;

use super::arrays::{Flat, array_argument};
use super::higher_order::{LambdaArgs, call_with};
use crate::error::error;
use crate::functions::array::sort::rising_nulls_last;
use crate::functions::nested::{Gather, Lists, row};
use crate::functions::{Call, Function, Group};
use crate::kernel::retype::wrong_layout;
use crate::types::SparkType;
use crate::{Result, Sql, Typed};

/// The rows of this file.
pub(super) const ROWS: &[Function] = &[row(
    "array_sort",
    Group::Lambda,
    "array_sort(expr, func) - The array in rising order, nulls last; or in the order in which `func` of two elements is negative, 0 or positive.",
    &[
        (
            "SELECT array_sort(array(5, 6, 1), (left, right) -> case when left < right then -1 when left > right then 1 else 0 end)",
            "[1,5,6]",
        ),
        ("SELECT array_sort(array('b', 'd', null, 'c', 'a'))", "[\"a\",\"b\",\"c\",\"d\",null]"),
    ],
    array_sort,
)];

fn array_sort(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(1..=2)?;
    let (array, element, nulls) = array_argument(call, 0)?;
    let (out, nullable) = (array.data_type.clone(), array.nullable);
    if call.len() == 1 {
        call.orderable(&element)?;
        let shown = Sql::call("array_sort", [&array.sql, &default_comparator()]);
        return Ok(call.scalar(rising_nulls_last, vec![array], out, nullable).shown(shown));
    }
    let parameters = vec![(element.clone(), nulls), (element, nulls)];
    let lambda = call.lambda(1, &parameters)?;
    if lambda.body.data_type != SparkType::Integer {
        let reason = format!(
            "the comparator of `array_sort` gives an \"INT\" (negative, 0 or positive), and this one gives \"{}\": cast it",
            lambda.body.data_type.sql()
        );
        return Err(call.mismatch("DATATYPE_MISMATCH.UNEXPECTED_RETURN_TYPE", reason));
    }
    let null_is_equal = call.settings.flag("spark.sql.legacy.allowNullComparisonResultInArraySort", false)?;
    let constants = vec![ScalarValue::Boolean(Some(null_is_equal))];
    call_with(call, "array_sort", sort_kernel, vec![array], vec![(lambda, parameters)], constants, out, nullable)
}

/// How Spark shows the comparator that stands for none.
fn default_comparator() -> Sql {
    let v = "namedlambdavariable()";
    let either = format!("(IF(({v} < {v}), -1, (IF(({v} > {v}), 1, 0))))");
    let nulls = format!("(IF(({v} IS NULL), 1, (IF(({v} IS NULL), -1, {either}))))");
    Sql::from(format!("lambdafunction((IF((({v} IS NULL) AND ({v} IS NULL)), 0, {nulls})), {v}, {v})"))
}

/// A row that is being sorted: its elements go one by one to their places among those before, found by halving.
struct Sorting {
    row: usize,
    /// Elements in order, by their places among all rows' elements.
    sorted: Vec<usize>,
    /// The element whose place is sought, and the end of the row's elements.
    next: usize,
    end: usize,
    /// It belongs somewhere from `low` up to `high`.
    low: usize,
    high: usize,
}

impl Sorting {
    fn middle(&self) -> usize {
        self.low.midpoint(self.high)
    }

    /// Takes in how the sought element stands to the middle one.
    fn learn(&mut self, comparison: i32) {
        if comparison < 0 {
            self.high = self.middle();
        } else {
            self.low = self.middle() + 1;
        }
        if self.low >= self.high {
            self.sorted.insert(self.low.min(self.sorted.len()), self.next);
            self.next += 1;
            (self.low, self.high) = (0, self.sorted.len());
        }
    }
}

fn sort_kernel(args: &LambdaArgs<'_>) -> Result<ArrayRef> {
    let null_is_equal = matches!(args.constants.first(), Some(ScalarValue::Boolean(Some(true))));
    let flat = Flat::of_lists(&Lists::new(args.array(0)?)?, args.rows)?;
    let mut rows: Vec<Sorting> = (0..args.rows)
        .map(|row| {
            let range = flat.range(row);
            let sorted: Vec<usize> = range.clone().take(1).collect();
            let high = sorted.len();
            Sorting { row, sorted, next: range.start + 1, end: range.end, low: 0, high }
        })
        .collect();
    let places = |places: Vec<usize>| take(&flat.elements, &places.into_iter().map(|i| i as u64).collect::<UInt64Array>(), None);
    loop {
        // One comparison of every row that is not done, all at once.
        let mut active: Vec<&mut Sorting> = rows.iter_mut().filter(|row| row.next < row.end).collect();
        if active.is_empty() {
            break;
        }
        let left = places(active.iter().map(|row| row.next).collect())?;
        let right = places(active.iter().map(|row| row.sorted.get(row.middle()).copied().unwrap_or(0)).collect())?;
        let of: Vec<u64> = active.iter().map(|row| row.row as u64).collect();
        let made = args.evaluate(0, &[left, right], &of)?;
        let made = made.as_primitive_opt::<Int32Type>().ok_or_else(|| wrong_layout("an integer", made.data_type()))?;
        for (i, row) in active.iter_mut().enumerate() {
            if made.is_null(i) && !null_is_equal {
                return Err(error(
                    "COMPARATOR_RETURNS_NULL",
                    "the comparator of `array_sort` gave null: let it give a negative number, 0 or a positive number for every two elements",
                ));
            }
            row.learn(if made.is_null(i) { 0 } else { made.value(i) });
        }
    }
    let mut gather = Gather::new(args.rows);
    for row in rows {
        if flat.valid.get(row.row).copied().unwrap_or(false) {
            for place in row.sorted {
                gather.push(0, place);
            }
            gather.end()?;
        } else {
            gather.end_null();
        }
    }
    gather.list(&[&flat.elements], args.out)
}
