"""Rows between Arrow and the packages that functions of the program are written with: pandas, Polars, pyarrow. To pandas moments are local
times of the session's zone, and are read so again, as in Spark."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from tidemill.errors import PySparkImportError, PySparkTypeError, PySparkValueError
from tidemill.sql.types import StructType, TimestampType

__all__ = ["Kind", "array_of", "needed", "pandas_of", "rows_of", "series_of", "session_zone", "table_of"]

Kind = str
"""`arrow`, `pandas` or `polars`."""


def needed(package: str) -> Any:
    """A package that only some methods need."""
    try:
        return importlib.import_module(package)
    except ImportError as missing:
        message = f"this needs the package {package}: pip install {package}"
        raise PySparkImportError(message, errorClass="PACKAGE_NOT_INSTALLED") from missing


def session_zone() -> str:
    """The zone of the session of this process."""
    from tidemill.sql.session import SparkSession

    session = SparkSession.getActiveSession()
    return "UTC" if session is None else session.conf.get("spark.sql.session.timeZone") or "UTC"


def _local(series: Any, zone: str) -> Any:
    """A series of moments as one of local times."""
    return series.dt.tz_convert(zone).dt.tz_localize(None) if getattr(series.dtype, "tz", None) is not None else series


def pandas_of(table: Any, zone: str) -> Any:
    """A pyarrow Table as a DataFrame of pandas."""
    # Columns of one name stay two.
    names = table.column_names
    frame = table.rename_columns([str(place) for place in range(len(names))]).to_pandas(date_as_object=True)
    for column in frame.columns:
        if getattr(frame[column].dtype, "tz", None) is not None:
            frame[column] = _local(frame[column], zone)
    frame.columns = names
    return frame


def rows_of(kind: Kind, batch: Any) -> Any:
    """A batch of the engine's for a function of a kind."""
    if kind == "polars":
        return needed("polars").DataFrame(batch)
    pyarrow = needed("pyarrow")
    rows = pyarrow.record_batch(batch)
    return rows if kind == "arrow" else pandas_of(pyarrow.Table.from_batches([rows]), session_zone())


def series_of(kind: Kind, array: Any) -> Any:
    """A column of the engine's for a function of a kind; a struct is a DataFrame of pandas, as in PySpark."""
    pyarrow = needed("pyarrow")
    column = pyarrow.array(array)
    if kind == "arrow":
        return column
    if kind == "polars":
        return needed("polars").from_arrow(column)
    if pyarrow.types.is_struct(column.type):
        return pandas_of(pyarrow.Table.from_struct_array(column), session_zone())
    return _local(column.to_pandas(date_as_object=True), session_zone())


def _moments(series: Any, is_moment: bool) -> Any:
    """A series of local times as one of moments, where moments are promised."""
    is_local = getattr(series.dtype, "kind", "") == "M" and getattr(series.dtype, "tz", None) is None
    return series.dt.tz_localize(session_zone(), ambiguous=False) if is_moment and is_local else series


def array_of(kind: Kind, given: Any, rows: int, name: str, data_type: Any) -> Any:
    """What a function of a kind gave for a column, as an Arrow array of so many rows.

    Raises `PySparkTypeError` for what is no column, `PySparkValueError` for one of another length.
    """
    pyarrow = needed("pyarrow")
    if kind == "polars":
        polars = needed("polars")
        if not isinstance(given, polars.Series):
            raise PySparkTypeError(f"`{name}` gives a Series of Polars, not {type(given).__name__}", errorClass="UDF_RETURN_TYPE")
        made = given.to_arrow()
    elif kind == "pandas":
        pandas = needed("pandas")
        if isinstance(given, pandas.DataFrame):
            made = table_of(kind, given, data_type, name).to_struct_array()
        elif isinstance(given, pandas.Series):
            series = _moments(given, isinstance(data_type, TimestampType))
            made = pyarrow.Array.from_pandas(series)
        else:
            raise PySparkTypeError(f"`{name}` gives a Series of pandas, not {type(given).__name__}", errorClass="UDF_RETURN_TYPE")
    else:
        if not isinstance(given, (pyarrow.Array, pyarrow.ChunkedArray)):
            raise PySparkTypeError(f"`{name}` gives an array of pyarrow, not {type(given).__name__}", errorClass="UDF_RETURN_TYPE")
        made = given
    if isinstance(made, pyarrow.ChunkedArray):
        made = made.combine_chunks()
    if len(made) != rows:
        message = f"`{name}` was called with {rows} rows and gave {len(made)} values: a value per row is needed"
        raise PySparkValueError(message, errorClass="SCHEMA_MISMATCH_FOR_PANDAS_UDF")
    return made


def table_of(kind: Kind, given: Any, schema: StructType, name: str) -> Any:
    """What a function of a kind gave for rows, as what hands them over by Arrow, with the columns of a schema in their order: by name where
    names are the schema's, else by place, as in Spark.

    Raises `PySparkTypeError` for what is no table, `PySparkValueError` for other columns.
    """
    if kind == "polars":
        polars = needed("polars")
        if not isinstance(given, polars.DataFrame):
            raise PySparkTypeError(f"`{name}` gives DataFrames of Polars, not {type(given).__name__}", errorClass="UDF_RETURN_TYPE")
        return given.select(_ordered(given.columns, schema, name))
    if kind == "pandas":
        pandas = needed("pandas")
        if not isinstance(given, pandas.DataFrame):
            raise PySparkTypeError(f"`{name}` gives DataFrames of pandas, not {type(given).__name__}", errorClass="UDF_RETURN_TYPE")
        return _table_of_pandas(given, schema, name)
    pyarrow = needed("pyarrow")
    if not isinstance(given, (pyarrow.RecordBatch, pyarrow.Table)):
        raise PySparkTypeError(f"`{name}` gives batches or tables of pyarrow, not {type(given).__name__}", errorClass="UDF_RETURN_TYPE")
    return given.select(_ordered(given.schema.names, schema, name))


def _ordered(names: list[str], schema: StructType, name: str) -> list[str]:
    missing = [field for field in schema.names if field not in names]
    if missing or len(names) != len(schema.names):
        message = f"`{name}` promised the columns {', '.join(schema.names)} and gave {', '.join(map(str, names)) or 'none'}"
        raise PySparkValueError(message, errorClass="RESULT_COLUMNS_MISMATCH")
    return schema.names


def _table_of_pandas(given: Any, schema: StructType, name: str) -> Any:
    pyarrow = needed("pyarrow")
    named = any(isinstance(column, str) for column in given.columns)
    if named:
        given = given[_ordered(list(given.columns), schema, name)]
    elif len(given.columns) != len(schema):
        # A DataFrame without rows may have no columns either.
        if len(given) == 0 and len(given.columns) == 0:
            return pyarrow.table({field: pyarrow.nulls(0) for field in schema.names})
        message = f"`{name}` promised {len(schema)} columns and gave {len(given.columns)}"
        raise PySparkValueError(message, errorClass="RESULT_COLUMNS_MISMATCH")
    arrays = []
    for place, field in enumerate(schema):
        series = _moments(given.iloc[:, place], isinstance(field.dataType, TimestampType))
        arrays.append(pyarrow.Array.from_pandas(series))
    flat = [array.combine_chunks() if isinstance(array, pyarrow.ChunkedArray) else array for array in arrays]
    return pyarrow.Table.from_arrays(flat, names=schema.names)


def each(kind: Kind, function: Callable[[Any], Any], schema: StructType, name: str) -> Callable[[Any], Any]:
    """What calls a function of a kind over the batches of a task."""

    def call(batches: Any) -> Any:
        given = function(rows_of(kind, batch) for batch in batches)
        if not hasattr(given, "__iter__") or isinstance(given, (str, bytes)) or hasattr(given, "columns"):
            message = f"`{name}` gives an iterator of tables, not {type(given).__name__}: let it yield them"
            raise PySparkTypeError(message, errorClass="UDF_RETURN_TYPE")
        for rows in given:
            yield table_of(kind, rows, schema, name)

    return call
