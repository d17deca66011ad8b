//! `-a`, for numbers and intervals.

use datafusion::logical_expr::Expr;

use super::{Mode, coerce, kernel, numbers};
use crate::functions::Call;
use crate::types::SparkType as T;
use crate::{Result, Sql, Typed};

/// `-a`
pub(super) fn negated(call: &Call<'_>, value: Typed, ansi: bool) -> Result<Typed> {
    let value = signed(call, value)?;
    let shown = Sql::concat(vec![Sql::from("(- "), value.sql.clone(), Sql::from(")")]);
    let (out, nullable) = (value.data_type.clone(), value.nullable);
    let made = match &out {
        T::Float | T::Double => call.made(Expr::Negative(Box::new(value.expr)), out, nullable),
        _ => {
            let mode = if ansi { Mode::Ansi } else { Mode::Legacy };
            kernel(call, "negative", numbers::negative, vec![value], vec![mode.constant()], out, nullable)
        }
    };
    Ok(made.shown(shown))
}

/// The operand of a sign: a number or an interval; text becomes a double.
pub(super) fn signed(call: &Call<'_>, value: Typed) -> Result<Typed> {
    match &value.data_type {
        t if t.is_numeric() || t.is_ansi_interval() || *t == T::CalendarInterval => Ok(value),
        t if t.is_string() || *t == T::Null => coerce::cast(call, value, &T::Double),
        _ => Err(call.unexpected_type(0, &value, "(\"NUMERIC\" or \"INTERVAL\")")),
    }
}
