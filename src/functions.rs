//! Functions over columns, by Spark's names: `use tidemill::functions as F`. They build unbound expressions; which
//! function a name means is settled when a DataFrame takes the expression.

use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::Case;

use crate::column::unbound::Unbound;
use crate::column::{Column, Operand};

/// The column of this name; `relation.column` and `struct.field` too, with backticks around unusual parts; `*` is all.
pub fn col(name: &str) -> Column {
    if name == "*" {
        return Column::new(Unbound::Star(None).over(Vec::new()));
    }
    match name.strip_suffix(".*") {
        Some(relation) => Column::new(Unbound::Star(Some(relation.to_owned())).over(Vec::new())),
        None => Column::named(name),
    }
}

/// A plain value.
pub fn lit(value: impl Operand) -> Column {
    value.into_operand()
}

/// Null.
pub fn null() -> Column {
    Column::new(Expr::Literal(datafusion::scalar::ScalarValue::Null, None))
}

/// An expression written in SQL.
pub fn expr(sql: impl Into<String>) -> Column {
    Column::new(Unbound::Sql(sql.into()).over(Vec::new()))
}

/// The function of this name over the arguments; every function that SQL knows can be called so.
pub fn call_function<C: Into<Column>>(name: &str, args: impl IntoIterator<Item = C>) -> Column {
    let args = args.into_iter().map(|arg| arg.into().expr).collect();
    Column::new(Unbound::Call { name: name.to_owned(), distinct: false }.over(args))
}

/// `value` where the condition holds; continue with [`Column::when`] and [`Column::otherwise`].
pub fn when(condition: Column, value: impl Operand) -> Column {
    let branch = (Box::new(condition.expr), Box::new(value.into_operand().expr));
    Column::new(Expr::Case(Case::new(None, vec![branch], None)))
}

fn call(name: &str, args: Vec<Column>) -> Column {
    call_function(name, args)
}

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident($($arg:ident),*) $(=> $called:literal)?;)*) => {
        $(
            $(#[$doc])*
            pub fn $name($($arg: impl Into<Column>),*) -> Column {
                #[allow(unused_mut, unused_assignments)]
                let mut called = stringify!($name);
                $(called = $called;)?
                call(called, vec![$($arg.into()),*])
            }
        )*
    };
}

functions! {
    /// Average of the values that are not null.
    avg(column);
    /// Average; the same as [`avg`].
    mean(column);
    /// Sum of the values that are not null.
    sum(column);
    /// Least value.
    min(column);
    /// Greatest value.
    max(column);
    /// The value of some row of the group.
    first(column);
    /// Sample standard deviation.
    stddev(column);
    /// Sample variance.
    variance(column);
    /// Values that are not null, as an array, in no order.
    collect_list(column);
    /// Distinct values that are not null, as an array, in no order.
    collect_set(column);
    /// The instant that a number of milliseconds since the Unix epoch stands for.
    timestamp_millis(column);
    /// The instant that a number of microseconds since the Unix epoch stands for.
    timestamp_micros(column);
    /// The instant that a number of seconds since the Unix epoch stands for.
    timestamp_seconds(column);
    /// The instant that ISO 8601 text, a date or another timestamp stands for.
    to_timestamp(column);
    /// Milliseconds since the Unix epoch.
    unix_millis(column);
    /// Microseconds since the Unix epoch.
    unix_micros(column);
    /// Seconds since the Unix epoch.
    unix_seconds(column);
    /// The date of ISO 8601 text or of a timestamp.
    to_date(column);
    /// The date a number of days later.
    date_add(date, days);
    /// The date a number of days earlier.
    date_sub(date, days);
    /// Days from the second date to the first.
    datediff(end, start) => "date_diff";
    /// The date a number of months later.
    add_months(date, months);
    /// The last day of the date's month.
    last_day(date);
    /// The year of a date or timestamp.
    year(column);
    /// The month, from 1.
    month(column);
    /// The day of the month.
    dayofmonth(column);
    /// The day of the week, from 1, Sunday.
    dayofweek(column);
    /// The hour of a timestamp.
    hour(column);
    /// The minute of a timestamp.
    minute(column);
    /// The second of a timestamp.
    second(column);
    /// Lower case.
    lower(column);
    /// Upper case.
    upper(column);
    /// Text without leading and trailing blanks.
    trim(column);
    /// Characters of a text, bytes of a binary.
    length(column);
    /// Absolute value.
    abs(column);
    /// Least whole number that is not less.
    ceil(column);
    /// Greatest whole number that is not more.
    floor(column);
    /// Square root.
    sqrt(column);
    /// Power.
    pow(base, exponent);
    /// Natural exponential.
    exp(column);
    /// Natural logarithm.
    ln(column);
    /// It is not a number.
    isnan(column);
    /// Null where the two are equal, else the first.
    nullif(left, right);
    /// Items of an array or entries of a map.
    size(column);
    /// Whether an array holds the value.
    array_contains(array, value);
    /// MD5 digest, hexadecimal.
    md5(column);
}

/// Rows for which the column is not null; `"*"` counts all rows.
pub fn count(column: impl Into<Column>) -> Column {
    let column = column.into();
    match &column.expr {
        Expr::Column(name) if name.name == "*" => call("count", vec![lit(1)]),
        _ => call("count", vec![column]),
    }
}

/// Distinct values that are not null.
pub fn count_distinct(column: impl Into<Column>) -> Column {
    Column::new(Unbound::Call { name: "count".to_owned(), distinct: true }.over(vec![column.into().expr]))
}

/// The sum of the distinct values.
pub fn sum_distinct(column: impl Into<Column>) -> Column {
    Column::new(Unbound::Call { name: "sum".to_owned(), distinct: true }.over(vec![column.into().expr]))
}

macro_rules! variadic {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $(
            $(#[$doc])*
            pub fn $name<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Column {
                call_function(stringify!($name), columns)
            }
        )*
    };
}

variadic! {
    /// The first value that is not null.
    coalesce;
    /// The greatest value, nulls skipped.
    greatest;
    /// The least value, nulls skipped.
    least;
    /// The texts joined; null when one is.
    concat;
    /// The values as an array.
    array;
}

/// The columns as one struct, under their own names.
pub fn struct_<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Column {
    let mut args = Vec::new();
    for column in columns {
        let column = column.into();
        let name = crate::column::spark_name(&column.expr);
        let name = crate::column::bind::split_name(&name).pop().unwrap_or(name);
        args.extend([lit(name), column]);
    }
    call("named_struct", args)
}

/// The texts joined by a separator, nulls skipped.
pub fn concat_ws<C: Into<Column>>(separator: &str, columns: impl IntoIterator<Item = C>) -> Column {
    call_function("concat_ws", std::iter::once(lit(separator)).chain(columns.into_iter().map(Into::into)))
}

/// Rounded half up to a number of decimal places.
pub fn round(column: impl Into<Column>, places: i32) -> Column {
    call("round", vec![column.into(), lit(places)])
}

/// A part of a text, from a place that counts from 1 and of a length.
pub fn substring(column: impl Into<Column>, position: i32, length: i32) -> Column {
    call("substring", vec![column.into(), lit(position), lit(length)])
}

/// A timestamp cut to a unit such as `"hour"`.
pub fn date_trunc(unit: &str, column: impl Into<Column>) -> Column {
    call("date_trunc", vec![lit(unit), column.into()])
}

/// The time at which the query, or the epoch of a stream, began.
pub fn current_timestamp() -> Column {
    call("current_timestamp", Vec::new())
}

/// Tumbling windows of event time of a length such as `"10 minutes"`, to group by: a struct of `start` and `end`.
pub fn window(time: impl Into<Column>, length: &str) -> Column {
    call("window", vec![time.into(), lit(length)])
}

/// Sessions of event time that end after a silence such as `"30 minutes"`, to group by: a struct of `start` and `end`.
pub fn session_window(time: impl Into<Column>, gap: &str) -> Column {
    call("session_window", vec![time.into(), lit(gap)])
}
