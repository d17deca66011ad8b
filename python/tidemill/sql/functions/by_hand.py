"""The functions that are no plain call of one of the engine's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tidemill import _tidemill
from tidemill.errors import PySparkTypeError, PySparkValueError
from tidemill.sql.column import Column, ddl, named, operand
from tidemill.sql.functions.call import called, constant, lambda_of, listed, name_or_column, need_column, options_of
from tidemill.sql.types import DataType
from tidemill.sql.udf import arrow_udf, pandas_udf, polars_udf, udf

if TYPE_CHECKING:
    from tidemill.sql.dataframe import DataFrame

__all__ = [
    "aggregate",
    "arrow_udf",
    "asc",
    "asc_nulls_first",
    "asc_nulls_last",
    "broadcast",
    "call_function",
    "call_udf",
    "col",
    "column",
    "concat_ws",
    "convert_timezone",
    "countDistinct",
    "count_distinct",
    "desc",
    "desc_nulls_first",
    "desc_nulls_last",
    "expr",
    "extract",
    "first",
    "format_string",
    "from_csv",
    "from_json",
    "json_tuple",
    "last",
    "levenshtein",
    "listagg_distinct",
    "lit",
    "log",
    "ltrim",
    "make_timestamp",
    "make_timestamp_ntz",
    "mode",
    "monotonically_increasing_id",
    "nth_value",
    "pandas_udf",
    "polars_udf",
    "reduce",
    "rtrim",
    "string_agg_distinct",
    "sumDistinct",
    "sum_distinct",
    "timestamp_add",
    "timestamp_diff",
    "trim",
    "try_make_timestamp",
    "try_make_timestamp_ntz",
    "udf",
    "unix_timestamp",
    "when",
    "window",
]


def col(col: str) -> Column:
    """The column of that name: `col("t.a")`, `col("struct.field")`, `col("*")`."""
    if not isinstance(col, str):
        raise PySparkTypeError(f"the name of a column is a str, not {col!r}", errorClass="NOT_STR")
    return Column(_tidemill.Column.named(col))


column = col


def lit(col: Any) -> Column:
    """A plain value; a Column as it is."""
    return col if isinstance(col, Column) else Column(operand(col))


def expr(str: str) -> Column:
    """An expression in SQL."""
    return Column(_tidemill.Column.expr(str))


def when(condition: Column, value: Any) -> Column:
    """`value` where the condition holds; goes on with `.when(…)` and `.otherwise(…)`."""
    return Column(_tidemill.Column.first_when(need_column(condition, "a condition")._column, operand(value)))


def broadcast(df: DataFrame) -> DataFrame:
    """A word to the optimizer that the rows are few."""
    return df.hint("broadcast")


def call_function(funcName: str, *cols: Any) -> Column:
    """A function by its name."""
    return called(funcName, *listed(cols))


def call_udf(udfName: str, *cols: Any) -> Column:
    """A function of the catalog by its name."""
    return called(udfName, *listed(cols))


def asc(col: Column | str) -> Column:
    """Rising, nulls first."""
    return Column(named(col)).asc()


def asc_nulls_first(col: Column | str) -> Column:
    """Rising, nulls first."""
    return Column(named(col)).asc_nulls_first()


def asc_nulls_last(col: Column | str) -> Column:
    """Rising, nulls last."""
    return Column(named(col)).asc_nulls_last()


def desc(col: Column | str) -> Column:
    """Falling, nulls last."""
    return Column(named(col)).desc()


def desc_nulls_first(col: Column | str) -> Column:
    """Falling, nulls first."""
    return Column(named(col)).desc_nulls_first()


def desc_nulls_last(col: Column | str) -> Column:
    """Falling, nulls last."""
    return Column(named(col)).desc_nulls_last()


def count_distinct(col: Column | str, *cols: Column | str) -> Column:
    """How many rows differ in these columns; rows with a null are left out."""
    return Column(_tidemill.call("count", [named(col), *map(named, cols)], True))


countDistinct = count_distinct


def sum_distinct(col: Column | str) -> Column:
    """The sum of the values, each once."""
    return Column(_tidemill.call("sum", [named(col)], True))


sumDistinct = sum_distinct


def listagg_distinct(col: Column | str, delimiter: Any = None) -> Column:
    """The values, each once, as one text."""
    return Column(_tidemill.call("listagg", [named(col), *([] if delimiter is None else [operand(delimiter)])], True))


string_agg_distinct = listagg_distinct


def concat_ws(sep: str, *cols: Any) -> Column:
    """The texts as one, with a separator between them; nulls are left out."""
    return called("concat_ws", operand(sep), *map(named, cols))


def format_string(format: str, *cols: Any) -> Column:
    """The values in a text, by the format of printf."""
    return called("format_string", operand(format), *map(named, cols))


def json_tuple(col: Column | str, *fields: str) -> Column:
    """Fields of a JSON object, as columns."""
    return called("json_tuple", named(col), *map(operand, fields))


def trim(col: Column | str, trim: Column | str | None = None) -> Column:
    """The text without blanks, or without these characters, at both ends."""
    return called("trim", named(col)) if trim is None else called("trim", named(trim), named(col))


def ltrim(col: Column | str, trim: Column | str | None = None) -> Column:
    """The text without blanks, or without these characters, at its beginning."""
    return called("ltrim", named(col)) if trim is None else called("ltrim", named(trim), named(col))


def rtrim(col: Column | str, trim: Column | str | None = None) -> Column:
    """The text without blanks, or without these characters, at its end."""
    return called("rtrim", named(col)) if trim is None else called("rtrim", named(trim), named(col))


def log(arg1: Column | str | float, arg2: Column | str | None = None) -> Column:
    """The natural logarithm; with two arguments, the logarithm of the second to the base that the first is."""
    first = operand(arg1) if isinstance(arg1, (int, float)) else named(arg1)
    return called("ln", first) if arg2 is None else called("log", first, named(arg2))


def first(col: Column | str, ignorenulls: bool = False) -> Column:
    """The first value of a group; with `ignorenulls`, the first that is not null."""
    return called("first", named(col), operand(ignorenulls))


def last(col: Column | str, ignorenulls: bool = False) -> Column:
    """The last value of a group; with `ignorenulls`, the last that is not null."""
    return called("last", named(col), operand(ignorenulls))


def nth_value(col: Column | str, offset: int, ignoreNulls: bool | None = False) -> Column:
    """The value of the row at a place of the window's frame, counted from 1."""
    arguments = [named(col), operand(offset)]
    return called("nth_value", *arguments, operand(True)) if ignoreNulls else called("nth_value", *arguments)


def mode(col: Column | str, deterministic: bool = False) -> Column:
    """The value that is there most often; with `deterministic`, the least of those."""
    return called("mode", named(col), *([operand(True)] if deterministic else []))


def convert_timezone(sourceTz: Column | None, targetTz: Column, sourceTs: Column | str) -> Column:
    """A local time of a zone as that of another; of the session's zone without `sourceTz`."""
    return called("convert_timezone", *([] if sourceTz is None else [operand(sourceTz)]), operand(targetTz), named(sourceTs))


def window(timeColumn: Column | str, windowDuration: str, slideDuration: str | None = None, startTime: str | None = None) -> Column:
    """Windows of time, as a column to group by."""
    if startTime is not None and slideDuration is None:
        slideDuration = windowDuration
    return called("window", named(timeColumn), operand(windowDuration), constant(slideDuration), constant(startTime))


def unix_timestamp(timestamp: Column | str | None = None, format: str = "yyyy-MM-dd HH:mm:ss") -> Column:
    """The seconds since 1970 of a time in a pattern; of now, without one."""
    return called("unix_timestamp") if timestamp is None else called("unix_timestamp", named(timestamp), operand(format))


def _moment(name: str, parts: list[Any], zone: Any, date: Any, time: Any) -> Column:
    """A time of its six parts, or of a date and a time of day; of a zone, where one is given."""
    by_parts, whole = any(part is not None for part in parts), date is not None or time is not None
    given = parts if by_parts else [date, time]
    if by_parts == whole or any(part is None for part in given):
        message = f"{name} takes years, months, days, hours, mins and secs, or date and time"
        raise PySparkValueError(message, errorClass="CANNOT_SET_TOGETHER" if by_parts and whole else "WRONG_NUM_ARGS")
    return called(name, *(named(part) for part in given), name_or_column(zone))


def make_timestamp(
    years: Any = None,
    months: Any = None,
    days: Any = None,
    hours: Any = None,
    mins: Any = None,
    secs: Any = None,
    timezone: Any = None,
    date: Any = None,
    time: Any = None,
) -> Column:
    """A time of its parts, or of a date and a time of day."""
    return _moment("make_timestamp", [years, months, days, hours, mins, secs], timezone, date, time)


def try_make_timestamp(
    years: Any = None,
    months: Any = None,
    days: Any = None,
    hours: Any = None,
    mins: Any = None,
    secs: Any = None,
    timezone: Any = None,
    date: Any = None,
    time: Any = None,
) -> Column:
    """The same; null for one that cannot be."""
    return _moment("try_make_timestamp", [years, months, days, hours, mins, secs], timezone, date, time)


def make_timestamp_ntz(
    years: Any = None,
    months: Any = None,
    days: Any = None,
    hours: Any = None,
    mins: Any = None,
    secs: Any = None,
    date: Any = None,
    time: Any = None,
) -> Column:
    """A local time of its parts, or of a date and a time of day."""
    return _moment("make_timestamp_ntz", [years, months, days, hours, mins, secs], None, date, time)


def try_make_timestamp_ntz(
    years: Any = None,
    months: Any = None,
    days: Any = None,
    hours: Any = None,
    mins: Any = None,
    secs: Any = None,
    date: Any = None,
    time: Any = None,
) -> Column:
    """The same; null for one that cannot be."""
    return _moment("try_make_timestamp_ntz", [years, months, days, hours, mins, secs], None, date, time)


def _schema(schema: Any) -> _tidemill.Column:
    """A schema as the functions of JSON and CSV take it: a type as DDL in a constant."""
    if isinstance(schema, Column):
        return schema._column
    return operand(ddl(schema) if isinstance(schema, DataType) else schema)


def from_json(col: Column | str, schema: Any, options: dict[str, str] | None = None) -> Column:
    """The value that a JSON text is, of a type; null for what is no JSON."""
    return called("from_json", named(col), _schema(schema), options_of(options))


def from_csv(col: Column | str, schema: Any, options: dict[str, str] | None = None) -> Column:
    """The struct that a line of CSV is."""
    return called("from_csv", named(col), _schema(schema), options_of(options))


def aggregate(
    col: Column | str,
    initialValue: Column | str,
    merge: Callable[[Column, Column], Column],
    finish: Callable[[Column], Column] | None = None,
) -> Column:
    """What a function makes of a start and the elements, one after the other."""
    return called("aggregate", named(col), named(initialValue), lambda_of(merge), lambda_of(finish))


reduce = aggregate


def monotonically_increasing_id() -> Column:
    """A number for each row, rising and unlike any other's."""
    return called("monotonically_increasing_id")


def levenshtein(left: Column | str, right: Column | str, threshold: int | None = None) -> Column:
    """How many characters have to change to make one of the other; with a threshold, -1 for more than that."""
    return called("levenshtein", named(left), named(right), constant(threshold))


def timestamp_add(unit: str, quantity: Column | str, ts: Column | str) -> Column:
    """A time so many units later."""
    return called("timestampadd", constant(unit), name_or_column(quantity), name_or_column(ts))


def timestamp_diff(unit: str, start: Column | str, end: Column | str) -> Column:
    """How many whole units it is from one time to another."""
    return called("timestampdiff", constant(unit), name_or_column(start), name_or_column(end))


def extract(field: Column, source: Column | str) -> Column:
    """A part of a time."""
    return called("extract", constant(field), name_or_column(source))
