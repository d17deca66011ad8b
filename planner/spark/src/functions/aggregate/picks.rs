//! `first`, `last` and `any_value`: one of the values that there are.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result as DfResult;
use datafusion::functions_window::nth_value::{first_value_udwf, last_value_udwf};
use datafusion::logical_expr::Accumulator;

use super::udaf::{How, make, valid};
use super::{flag, plain, row, shown_as};
use crate::functions::{Call, Function, constant};
use crate::types::SparkType::Boolean;
use crate::{Result, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row("first", FIRST, &[("SELECT first(col) FROM VALUES (10), (5), (20) AS tab(col)", "10")], |call| pick(call, false)),
    row("first_value", FIRST, &[("SELECT first_value(col, true) FROM VALUES (NULL), (5), (20) AS tab(col)", "5")], |call| {
        pick(call, false)
    }),
    row("any_value", FIRST, &[("SELECT any_value(col) FROM VALUES (10), (5), (20) AS tab(col)", "10")], |call| pick(call, false)),
    row("last", LAST, &[("SELECT last(col) FROM VALUES (10), (5), (20) AS tab(col)", "20")], |call| pick(call, true)),
    row("last_value", LAST, &[("SELECT last_value(col, true) FROM VALUES (10), (5), (NULL) AS tab(col)", "5")], |call| pick(call, true)),
];

const FIRST: &str = "first(expr[, ignoreNulls]) - The value of the first row, or the first one that is not null.";
const LAST: &str = "last(expr[, ignoreNulls]) - The value of the last row, or the last one that is not null.";

fn pick(call: &mut Call<'_>, last: bool) -> Result<Typed> {
    call.arity(1..=2)?;
    plain(call, true)?;
    let value = call.arg(0)?;
    let name = if last { "last" } else { "first" };
    let mut skip = call.ignore_nulls == Some(true);
    let shown = match call.len() {
        2 => {
            let flag = call.arg(1)?;
            match if flag.data_type == Boolean { constant(&flag)? } else { None } {
                // What is said behind the call counts more.
                Some(ScalarValue::Boolean(Some(said))) => skip = call.ignore_nulls.unwrap_or(said),
                _ => return Err(call.unexpected_type(1, &flag, "\"BOOLEAN\"")),
            }
            // The flag is no part of the text.
            crate::Sql::call(call.name, [&value.sql])
        }
        // IGNORE NULLS behind the call is another function to Spark, which has no alias.
        _ if call.ignore_nulls == Some(true) => shown_as(call, name)?,
        _ => shown_as(call, call.name)?,
    };
    let out = value.data_type.clone();
    if call.window.is_some() && !call.distinct && call.filter.is_none() {
        call.ignore_nulls = Some(skip);
        let function = if last { last_value_udwf() } else { first_value_udwf() };
        return Ok(call.window_function(&function, vec![value.expr], out, true)?.shown(shown));
    }
    let constants = vec![ScalarValue::Boolean(Some(last)), ScalarValue::Boolean(Some(skip))];
    Ok(make(call, name, PICK, vec![value], constants, out, true).shown(shown))
}

const PICK: How = How::Fold {
    one: |spec| Ok(Box::new(Pick { last: flag(&spec.constants, 0), skip: flag(&spec.constants, 1), value: spec.null()?, set: false })),
    many: None,
    state: |spec| vec![spec.arrow(), DataType::Boolean],
};

#[derive(Debug)]
struct Pick {
    last: bool,
    skip: bool,
    value: ScalarValue,
    set: bool,
}

impl Accumulator for Pick {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        let Some(values) = values.first() else { return Ok(()) };
        if self.set && !self.last {
            return Ok(());
        }
        let known = valid(values);
        let mut rows = (0..values.len()).filter(|&row| !self.skip || known.value(row));
        if let Some(row) = if self.last { rows.next_back() } else { rows.next() } {
            self.value = ScalarValue::try_from_array(values, row)?;
            self.set = true;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.value.size()
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        Ok(vec![self.value.clone(), ScalarValue::Boolean(Some(self.set))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        let [values, set] = states else { return Ok(()) };
        let set = set.as_boolean();
        for row in 0..values.len() {
            if set.value(row) && (self.last || !self.set) {
                self.value = ScalarValue::try_from_array(values, row)?;
                self.set = true;
            }
        }
        Ok(())
    }
}
