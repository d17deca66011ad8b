"""Rows between Arrow and the packages that functions of the program are written with: pandas, Polars, pyarrow. To pandas moments are local
times of the session's zone, and are read so again, as in Spark."""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
import zoneinfo
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tidemill.errors import PySparkImportError, PySparkTypeError, PySparkValueError
from tidemill.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    CharType,
    DataType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    NumericType,
    ShortType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
    VarcharType,
)

if TYPE_CHECKING:
    from tidemill.sql.session import SparkSession

__all__ = [
    "Kind",
    "all_rows_of",
    "array_of",
    "each",
    "in_zone_of",
    "needed",
    "pandas_of",
    "rows_of",
    "series_of",
    "session_zone",
    "table_of",
    "value_of",
]

Kind = str
"""`arrow`, `pandas` or `polars`."""


def needed(package: str) -> Any:
    """A package that only some methods need."""
    try:
        return importlib.import_module(package)
    except ImportError as missing:
        message = f"this needs the package {package}: pip install {package}"
        raise PySparkImportError(message, errorClass="PACKAGE_NOT_INSTALLED") from missing


_inside = threading.local()


@contextlib.contextmanager
def in_zone_of(session: SparkSession) -> Iterator[None]:
    """What a thread does for a DataFrame of this session is done in the session's zone."""
    before = getattr(_inside, "zone", None)
    _inside.zone = session.conf.get("spark.sql.session.timeZone") or "UTC"
    try:
        yield
    finally:
        _inside.zone = before


def session_zone() -> str:
    """The zone of the session that this thread works for, else of the process's active one."""
    from tidemill.sql.session import SparkSession

    if zone := getattr(_inside, "zone", None):
        return str(zone)

    session = SparkSession.getActiveSession()
    return "UTC" if session is None else session.conf.get("spark.sql.session.timeZone") or "UTC"


def _holds_moments(arrow: Any) -> bool:
    """Whether an Arrow type has moments inside."""
    types = needed("pyarrow").types
    if types.is_timestamp(arrow):
        return arrow.tz is not None
    return any(_holds_moments(arrow.field(place).type) for place in range(arrow.num_fields))


def _outward(value: Any, arrow: Any, zone: Any) -> Any:
    """A value of Python with its moments as local times, and maps as dicts."""
    types = needed("pyarrow").types
    if value is None:
        return None
    if types.is_timestamp(arrow) and arrow.tz is not None:
        return value.astimezone(zone).replace(tzinfo=None)
    if types.is_list(arrow) or types.is_large_list(arrow):
        return [_outward(item, arrow.value_type, zone) for item in value]
    if types.is_map(arrow):
        return {_outward(key, arrow.key_type, zone): _outward(item, arrow.item_type, zone) for key, item in value}
    if types.is_struct(arrow):
        return {field.name: _outward(value[field.name], field.type, zone) for field in arrow}
    return value


def _in_zone(column: Any, zone: str) -> Any:
    """A pyarrow column of moments as one of local times; any other as it is."""
    pyarrow = needed("pyarrow")
    if not pyarrow.types.is_timestamp(column.type) or column.type.tz is None:
        return column
    if zone == "UTC":
        return column.cast(pyarrow.timestamp(column.type.unit))
    return needed("pyarrow.compute").local_timestamp(column.cast(pyarrow.timestamp(column.type.unit, zone)))


def _with_moments_inside(column: Any, zone: str) -> Any:
    """A pyarrow column of lists, maps or structs as a Series of objects, the moments in it as local times; None of any other column."""
    if not column.type.num_fields or not _holds_moments(column.type):
        return None
    where = zoneinfo.ZoneInfo(zone)
    return needed("pandas").Series([_outward(value, column.type, where) for value in column.to_pylist()], dtype=object)


_AS_PANDAS: dict[str, Any] = {"date_as_object": True, "maps_as_pydicts": "lossy"}


def pandas_of(table: Any, zone: str) -> Any:
    """A pyarrow Table as a DataFrame of pandas."""
    # Columns of one name stay two.
    numbered = [str(place) for place in range(table.num_columns)]
    columns = [_in_zone(column, zone) for column in table.columns]
    frame = needed("pyarrow").Table.from_arrays(columns, names=numbered).to_pandas(**_AS_PANDAS)
    for name, column in zip(numbered, columns):
        made = _with_moments_inside(column, zone)
        if made is not None:
            frame[name] = made
    frame.columns = table.column_names
    return frame


def all_rows_of(kind: Kind, rows: Any) -> Any:
    """A batch of the engine's, or a pyarrow Table, for a function of a kind that takes all rows at once."""
    if kind == "polars":
        return needed("polars").DataFrame(rows)
    table = needed("pyarrow").table(rows)
    return table if kind == "arrow" else pandas_of(table, session_zone())


def rows_of(kind: Kind, batch: Any) -> Any:
    """A batch of the engine's for a function of a kind that takes one after the other."""
    return needed("pyarrow").record_batch(batch) if kind == "arrow" else all_rows_of(kind, batch)


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
    zone = session_zone()
    made = _with_moments_inside(column, zone)
    return _in_zone(column, zone).to_pandas(**_AS_PANDAS) if made is None else made


_PLAIN = {
    BooleanType: "bool_",
    ByteType: "int8",
    ShortType: "int16",
    IntegerType: "int32",
    LongType: "int64",
    FloatType: "float32",
    DoubleType: "float64",
    StringType: "string",
    CharType: "string",
    VarcharType: "string",
    BinaryType: "binary",
    DateType: "date32",
}


def _promised(data_type: DataType) -> Any:
    """The Arrow type of a type; None where pyarrow has none that the engine has."""
    pyarrow = needed("pyarrow")
    if name := _PLAIN.get(type(data_type)):
        return getattr(pyarrow, name)()
    if isinstance(data_type, DecimalType):
        return pyarrow.decimal128(data_type.precision, data_type.scale)
    if isinstance(data_type, TimestampType):
        return pyarrow.timestamp("us", "UTC")
    if isinstance(data_type, TimestampNTZType):
        return pyarrow.timestamp("us")
    if isinstance(data_type, DayTimeIntervalType):
        return pyarrow.duration("us")
    parts: list[Any]
    if isinstance(data_type, ArrayType):
        parts = [_promised(data_type.elementType)]
        return None if None in parts else pyarrow.list_(*parts)
    if isinstance(data_type, MapType):
        parts = [_promised(data_type.keyType), _promised(data_type.valueType)]
        return None if None in parts else pyarrow.map_(*parts)
    if isinstance(data_type, StructType):
        parts = [_promised(field.dataType) for field in data_type]
        return None if None in parts else pyarrow.struct(list(zip(data_type.names, parts)))
    return None


def _is_missing(value: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return (
        value is None
        or (pandas is not None and (value is pandas.NA or value is pandas.NaT))
        or (isinstance(value, float) and value != value)
    )


def _inward(value: Any, data_type: DataType, zone: Any) -> Any:
    """A value that a function gave as pyarrow takes it for a type: times without a zone as moments, dicts as maps, tuples as structs."""
    if not isinstance(data_type, (TimestampType, ArrayType, MapType, StructType)):
        return value
    if _is_missing(value):
        return None
    if isinstance(data_type, TimestampType):
        if getattr(value, "tzinfo", zone) is not None:
            return value
        return value.tz_localize(zone, ambiguous=False) if hasattr(value, "tz_localize") else value.replace(tzinfo=zone)
    if isinstance(data_type, ArrayType):
        return [_inward(item, data_type.elementType, zone) for item in value]
    if isinstance(data_type, MapType):
        pairs = value.items() if isinstance(value, dict) else value
        return [(_inward(key, data_type.keyType, zone), _inward(item, data_type.valueType, zone)) for key, item in pairs]
    if isinstance(value, dict):
        return {field.name: _inward(value.get(field.name), field.dataType, zone) for field in data_type}
    if len(value) != len(data_type):
        message = f"a struct of {len(data_type)} fields has {len(value)} values"
        raise PySparkValueError(message, errorClass="LENGTH_SHOULD_BE_THE_SAME")
    return {field.name: _inward(item, field.dataType, zone) for item, field in zip(value, data_type)}


def value_of(kind: Kind, given: Any, name: str, data_type: DataType) -> Any:
    """The one value that an aggregate of a kind gave, as an Arrow array."""
    if hasattr(given, "as_py"):
        given = given.as_py()
    elif type(given).__module__ == "numpy" and not given.ndim:
        given = given.item()
    return _arrow(kind, [_inward(given, data_type, zoneinfo.ZoneInfo(session_zone()))], name, data_type)


def _arrow(kind: Kind, values: Any, name: str, data_type: DataType) -> Any:
    """What a function of a kind gave, as an Arrow array: to pandas NaN is a missing value at every depth, to the others it is a number."""
    pyarrow = needed("pyarrow")
    try:
        return pyarrow.array(values, type=_promised(data_type), from_pandas=kind == "pandas")
    except (pyarrow.ArrowException, TypeError, ValueError) as error:
        message = f"`{name}` promised {data_type.simpleString()}, and gave what is none: {error}"
        raise PySparkTypeError(message, errorClass="UDF_RETURN_TYPE") from None


def _of_numbers(series: Any, promised: Any) -> Any:
    """A Series of numpy's numbers of the very type that was promised as an Arrow array; None for any other. NaN is null, as in PySpark.
    The numbers are copied: the function may go on to change them."""
    numpy = needed("numpy")
    if not isinstance(series.dtype, numpy.dtype) or series.dtype.kind not in "if" or series.dtype != promised.to_pandas_dtype():
        return None
    values = series.to_numpy()
    missing = numpy.isnan(values) if series.dtype.kind == "f" else None
    return needed("pyarrow").array(values.copy(), type=promised, mask=missing if missing is not None and missing.any() else None)


def _of_series(series: Any, name: str, data_type: DataType) -> Any:
    """A Series of pandas as an Arrow array of a type."""
    promised = _promised(data_type)
    if isinstance(data_type, NumericType) and (numbers := _of_numbers(series, promised)) is not None:
        return numbers
    kind = getattr(series.dtype, "kind", "")
    is_time = isinstance(data_type, (TimestampType, TimestampNTZType, DateType))
    is_text = isinstance(series.dtype, needed("pandas").StringDtype)
    fits = kind == "O" or (kind == "M" and is_time)
    if is_text and isinstance(data_type, (StringType, CharType, VarcharType)):
        fits, is_text = True, False
    # Of nothing but nulls pandas makes a Series of numbers.
    if not fits and promised is not None and bool(series.isna().all()):
        return needed("pyarrow").nulls(len(series), promised)
    if is_text or (is_time and kind in "iufb") or (kind == "M" and not is_time):
        message = f"`{name}` promised {data_type.simpleString()}, and gave a Series of {series.dtype}"
        raise PySparkTypeError(message, errorClass="UDF_RETURN_TYPE")
    made: Any = series
    if kind == "M" and isinstance(data_type, TimestampType) and getattr(series.dtype, "tz", None) is None:
        # The hour that a clock repeats is the later one, as in Spark.
        local = _arrow("pandas", series, name, TimestampNTZType())
        return needed("pyarrow.compute").assume_timezone(local, session_zone(), ambiguous="latest").cast(promised)
    if kind == "O" and (is_time or isinstance(data_type, (ArrayType, MapType, StructType))):
        zone = zoneinfo.ZoneInfo(session_zone())
        made = [_inward(value, data_type, zone) for value in series]
    made = _arrow("pandas", made, name, data_type)
    return made.combine_chunks() if hasattr(made, "combine_chunks") else made


def array_of(kind: Kind, given: Any, rows: int, name: str, data_type: DataType) -> Any:
    """What a function of a kind gave for a column, as an Arrow array of so many rows.

    Raises `PySparkTypeError` for what is no column, or one of another type, `PySparkValueError` for one of another length.
    """
    pyarrow = needed("pyarrow")
    if kind == "polars":
        polars = needed("polars")
        if not isinstance(given, polars.Series):
            raise PySparkTypeError(f"`{name}` gives a Series of Polars, not {type(given).__name__}", errorClass="UDF_RETURN_TYPE")
        made = given.to_arrow()
    elif kind == "pandas":
        pandas = needed("pandas")
        if isinstance(given, pandas.DataFrame) and isinstance(data_type, StructType):
            made = table_of(kind, given, data_type, name).to_struct_array()
        elif isinstance(given, pandas.Series):
            made = _of_series(given, name, data_type)
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
        _ordered(list(given.columns), schema, name)
    elif len(given.columns) != len(schema):
        # A DataFrame without rows may have no columns either.
        if len(given) == 0 and len(given.columns) == 0:
            return pyarrow.table({field: pyarrow.nulls(0) for field in schema.names})
        message = f"`{name}` promised {len(schema)} columns and gave {len(given.columns)}"
        raise PySparkValueError(message, errorClass="RESULT_COLUMNS_MISMATCH")
    columns = dict(given.items()) if named else {field: given.iloc[:, place] for place, field in enumerate(schema.names)}
    arrays = [_of_series(columns[field.name], f"{name}, column {field.name}", field.dataType) for field in schema]
    return pyarrow.Table.from_arrays(arrays, names=schema.names)


def each(kind: Kind, function: Callable[[Any], Any], schema: StructType, name: str, session: SparkSession) -> Callable[[Any], Any]:
    """What calls a function of a kind over the batches of a task."""

    def call(batches: Any) -> Any:
        with in_zone_of(session):
            given = function(rows_of(kind, batch) for batch in batches)
            if not hasattr(given, "__iter__") or isinstance(given, (str, bytes)) or hasattr(given, "columns"):
                message = f"`{name}` gives an iterator of tables, not {type(given).__name__}: let it yield them"
                raise PySparkTypeError(message, errorClass="UDF_RETURN_TYPE")
            for rows in given:
                yield table_of(kind, rows, schema, name)

    return call
