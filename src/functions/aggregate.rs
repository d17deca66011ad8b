//! Aggregates: printed from the table of functions by `tests/it/api_names/functions.rs`; change the table.

use super::call;
use crate::column::{Column, Operand};

/// Whether at least one value is true, null not counted.
pub fn any(expr: impl Into<Column>) -> Column {
    call("any", [expr.into()])
}

/// The value of the first row, or the first one that is not null.
pub fn any_value(expr: impl Into<Column>) -> Column {
    call("any_value", [expr.into()])
}

/// The value of the first row, or the first one that is not null.
pub fn any_value_with(expr: impl Into<Column>, ignore_nulls: impl Into<Column>) -> Column {
    call("any_value", [expr.into(), ignore_nulls.into()])
}

/// About how many different values there are, null not counted.
pub fn approx_count_distinct(expr: impl Into<Column>) -> Column {
    call("approx_count_distinct", [expr.into()])
}

/// About how many different values there are, null not counted.
pub fn approx_count_distinct_with(expr: impl Into<Column>, deviation: impl Into<Column>) -> Column {
    call("approx_count_distinct", [expr.into(), deviation.into()])
}

/// The least value up to which about that share of all values lies; an array of shares gives an array.
pub fn approx_percentile(expr: impl Into<Column>, share: impl Into<Column>) -> Column {
    call("approx_percentile", [expr.into(), share.into()])
}

/// The least value up to which about that share of all values lies; an array of shares gives an array.
pub fn approx_percentile_with(expr: impl Into<Column>, share: impl Into<Column>, accuracy: impl Into<Column>) -> Column {
    call("approx_percentile", [expr.into(), share.into(), accuracy.into()])
}

/// An array of all values, without nulls.
pub fn array_agg(expr: impl Into<Column>) -> Column {
    call("array_agg", [expr.into()])
}

/// The mean of numbers or intervals.
pub fn avg(expr: impl Into<Column>) -> Column {
    call("avg", [expr.into()])
}

/// The bits that all values have.
pub fn bit_and(expr: impl Into<Column>) -> Column {
    call("bit_and", [expr.into()])
}

/// The bits that any value has.
pub fn bit_or(expr: impl Into<Column>) -> Column {
    call("bit_or", [expr.into()])
}

/// The bits that an odd number of values have.
pub fn bit_xor(expr: impl Into<Column>) -> Column {
    call("bit_xor", [expr.into()])
}

/// The bits that all of the bitmaps have.
pub fn bitmap_and_agg(bitmap: impl Into<Column>) -> Column {
    call("bitmap_and_agg", [bitmap.into()])
}

/// A bitmap of 4096 bytes in which the bits at these positions are set.
pub fn bitmap_construct_agg(position: impl Into<Column>) -> Column {
    call("bitmap_construct_agg", [position.into()])
}

/// The bits that any of the bitmaps has.
pub fn bitmap_or_agg(bitmap: impl Into<Column>) -> Column {
    call("bitmap_or_agg", [bitmap.into()])
}

/// Whether all values are true, null not counted.
pub fn bool_and(expr: impl Into<Column>) -> Column {
    call("bool_and", [expr.into()])
}

/// Whether at least one value is true, null not counted.
pub fn bool_or(expr: impl Into<Column>) -> Column {
    call("bool_or", [expr.into()])
}

/// An array of all values, without nulls.
pub fn collect_list(expr: impl Into<Column>) -> Column {
    call("collect_list", [expr.into()])
}

/// An array of the different values, without nulls.
pub fn collect_set(expr: impl Into<Column>) -> Column {
    call("collect_set", [expr.into()])
}

/// Pearson's coefficient of correlation.
pub fn corr(x: impl Into<Column>, y: impl Into<Column>) -> Column {
    call("corr", [x.into(), y.into()])
}

/// The number of rows where the condition is true.
pub fn count_if(condition: impl Into<Column>) -> Column {
    call("count_if", [condition.into()])
}

/// The covariance of all pairs.
pub fn covar_pop(x: impl Into<Column>, y: impl Into<Column>) -> Column {
    call("covar_pop", [x.into(), y.into()])
}

/// The covariance of pairs that are a sample.
pub fn covar_samp(x: impl Into<Column>, y: impl Into<Column>) -> Column {
    call("covar_samp", [x.into(), y.into()])
}

/// Whether all values are true, null not counted.
pub fn every(expr: impl Into<Column>) -> Column {
    call("every", [expr.into()])
}

/// The value of the first row, or the first one that is not null.
pub fn first(expr: impl Into<Column>) -> Column {
    call("first", [expr.into()])
}

/// The value of the first row, or the first one that is not null.
pub fn first_with(expr: impl Into<Column>, ignore_nulls: impl Into<Column>) -> Column {
    call("first", [expr.into(), ignore_nulls.into()])
}

/// The value of the first row, or the first one that is not null.
pub fn first_value(expr: impl Into<Column>) -> Column {
    call("first_value", [expr.into()])
}

/// The value of the first row, or the first one that is not null.
pub fn first_value_with(expr: impl Into<Column>, ignore_nulls: impl Into<Column>) -> Column {
    call("first_value", [expr.into(), ignore_nulls.into()])
}

/// At most so many bins with centre `x` and height `y` that the values fall into.
pub fn histogram_numeric(expr: impl Into<Column>, bins: impl Into<Column>) -> Column {
    call("histogram_numeric", [expr.into(), bins.into()])
}

/// How heavy the tails of the values are, less 3.
pub fn kurtosis(expr: impl Into<Column>) -> Column {
    call("kurtosis", [expr.into()])
}

/// The value of the last row, or the last one that is not null.
pub fn last(expr: impl Into<Column>) -> Column {
    call("last", [expr.into()])
}

/// The value of the last row, or the last one that is not null.
pub fn last_with(expr: impl Into<Column>, ignore_nulls: impl Into<Column>) -> Column {
    call("last", [expr.into(), ignore_nulls.into()])
}

/// The value of the last row, or the last one that is not null.
pub fn last_value(expr: impl Into<Column>) -> Column {
    call("last_value", [expr.into()])
}

/// The value of the last row, or the last one that is not null.
pub fn last_value_with(expr: impl Into<Column>, ignore_nulls: impl Into<Column>) -> Column {
    call("last_value", [expr.into(), ignore_nulls.into()])
}

/// All texts, or all bytes, in one, nulls left out.
pub fn listagg(expr: impl Into<Column>) -> Column {
    call("listagg", [expr.into()])
}

/// All texts, or all bytes, in one, nulls left out.
pub fn listagg_with(expr: impl Into<Column>, delimiter: impl Operand) -> Column {
    call("listagg", [expr.into(), delimiter.into_operand()])
}

/// The greatest value.
pub fn max(expr: impl Into<Column>) -> Column {
    call("max", [expr.into()])
}

/// The value where `ord` is greatest; with `k` an array of the values with the k greatest.
pub fn max_by(value: impl Into<Column>, ord: impl Into<Column>) -> Column {
    call("max_by", [value.into(), ord.into()])
}

/// The value where `ord` is greatest; with `k` an array of the values with the k greatest.
pub fn max_by_with(value: impl Into<Column>, ord: impl Into<Column>, k: impl Into<Column>) -> Column {
    call("max_by", [value.into(), ord.into(), k.into()])
}

/// The mean of numbers or intervals.
pub fn mean(expr: impl Into<Column>) -> Column {
    call("mean", [expr.into()])
}

/// The value in the middle, or the mean of the two there.
pub fn median(expr: impl Into<Column>) -> Column {
    call("median", [expr.into()])
}

/// The least value.
pub fn min(expr: impl Into<Column>) -> Column {
    call("min", [expr.into()])
}

/// The value where `ord` is least; with `k` an array of the values with the k least.
pub fn min_by(value: impl Into<Column>, ord: impl Into<Column>) -> Column {
    call("min_by", [value.into(), ord.into()])
}

/// The value where `ord` is least; with `k` an array of the values with the k least.
pub fn min_by_with(value: impl Into<Column>, ord: impl Into<Column>, k: impl Into<Column>) -> Column {
    call("min_by", [value.into(), ord.into(), k.into()])
}

/// The value that is there most often; of several, the least if `deterministic`, or the first by the order.
pub fn mode(expr: impl Into<Column>) -> Column {
    call("mode", [expr.into()])
}

/// The value that is there most often; of several, the least if `deterministic`, or the first by the order.
pub fn mode_with(expr: impl Into<Column>, deterministic: impl Into<Column>) -> Column {
    call("mode", [expr.into(), deterministic.into()])
}

/// The value below which that share of all values lies, between two of them in proportion; an array of shares gives an array.
pub fn percentile(expr: impl Into<Column>, share: impl Into<Column>) -> Column {
    call("percentile", [expr.into(), share.into()])
}

/// The value below which that share of all values lies, between two of them in proportion; an array of shares gives an array.
pub fn percentile_with(expr: impl Into<Column>, share: impl Into<Column>, frequency: impl Into<Column>) -> Column {
    call("percentile", [expr.into(), share.into(), frequency.into()])
}

/// The least value up to which about that share of all values lies; an array of shares gives an array.
pub fn percentile_approx(expr: impl Into<Column>, share: impl Into<Column>) -> Column {
    call("percentile_approx", [expr.into(), share.into()])
}

/// The least value up to which about that share of all values lies; an array of shares gives an array.
pub fn percentile_approx_with(expr: impl Into<Column>, share: impl Into<Column>, accuracy: impl Into<Column>) -> Column {
    call("percentile_approx", [expr.into(), share.into(), accuracy.into()])
}

/// The mean of `x` over pairs without nulls.
pub fn regr_avgx(y: impl Into<Column>, x: impl Into<Column>) -> Column {
    call("regr_avgx", [y.into(), x.into()])
}

/// The mean of `y` over pairs without nulls.
pub fn regr_avgy(y: impl Into<Column>, x: impl Into<Column>) -> Column {
    call("regr_avgy", [y.into(), x.into()])
}

/// The number of rows where neither is null.
pub fn regr_count(y: impl Into<Column>, x: impl Into<Column>) -> Column {
    call("regr_count", [y.into(), x.into()])
}

/// Where the line that fits best meets the y axis.
pub fn regr_intercept(y: impl Into<Column>, x: impl Into<Column>) -> Column {
    call("regr_intercept", [y.into(), x.into()])
}

/// How much of `y` a line over `x` explains.
pub fn regr_r2(y: impl Into<Column>, x: impl Into<Column>) -> Column {
    call("regr_r2", [y.into(), x.into()])
}

/// The slope of the line that fits best.
pub fn regr_slope(y: impl Into<Column>, x: impl Into<Column>) -> Column {
    call("regr_slope", [y.into(), x.into()])
}

/// The sum of squares of `x` about its mean, over pairs without nulls.
pub fn regr_sxx(y: impl Into<Column>, x: impl Into<Column>) -> Column {
    call("regr_sxx", [y.into(), x.into()])
}

/// The sum of products of `x` and `y` about their means.
pub fn regr_sxy(y: impl Into<Column>, x: impl Into<Column>) -> Column {
    call("regr_sxy", [y.into(), x.into()])
}

/// The sum of squares of `y` about its mean, over pairs without nulls.
pub fn regr_syy(y: impl Into<Column>, x: impl Into<Column>) -> Column {
    call("regr_syy", [y.into(), x.into()])
}

/// How far the values lean to one side.
pub fn skewness(expr: impl Into<Column>) -> Column {
    call("skewness", [expr.into()])
}

/// Whether at least one value is true, null not counted.
pub fn some(expr: impl Into<Column>) -> Column {
    call("some", [expr.into()])
}

/// The standard deviation of values that are a sample.
pub fn std(expr: impl Into<Column>) -> Column {
    call("std", [expr.into()])
}

/// The standard deviation of values that are a sample.
pub fn stddev(expr: impl Into<Column>) -> Column {
    call("stddev", [expr.into()])
}

/// The standard deviation of all values.
pub fn stddev_pop(expr: impl Into<Column>) -> Column {
    call("stddev_pop", [expr.into()])
}

/// The standard deviation of values that are a sample.
pub fn stddev_samp(expr: impl Into<Column>) -> Column {
    call("stddev_samp", [expr.into()])
}

/// All texts, or all bytes, in one, nulls left out.
pub fn string_agg(expr: impl Into<Column>) -> Column {
    call("string_agg", [expr.into()])
}

/// All texts, or all bytes, in one, nulls left out.
pub fn string_agg_with(expr: impl Into<Column>, delimiter: impl Operand) -> Column {
    call("string_agg", [expr.into(), delimiter.into_operand()])
}

/// The sum of numbers or intervals.
pub fn sum(expr: impl Into<Column>) -> Column {
    call("sum", [expr.into()])
}

/// The mean of numbers or intervals; null where the sum does not fit its type.
pub fn try_avg(expr: impl Into<Column>) -> Column {
    call("try_avg", [expr.into()])
}

/// The sum of numbers or intervals; null where it does not fit its type.
pub fn try_sum(expr: impl Into<Column>) -> Column {
    call("try_sum", [expr.into()])
}

/// The variance of all values.
pub fn var_pop(expr: impl Into<Column>) -> Column {
    call("var_pop", [expr.into()])
}

/// The variance of values that are a sample.
pub fn var_samp(expr: impl Into<Column>) -> Column {
    call("var_samp", [expr.into()])
}

/// The variance of values that are a sample.
pub fn variance(expr: impl Into<Column>) -> Column {
    call("variance", [expr.into()])
}
