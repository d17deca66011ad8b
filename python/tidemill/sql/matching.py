"""A DataFrame's columns brought to a schema, for `df.to(schema)`: by name, as Spark assigns values on storing them. It decides which cast
each value gets; the engine casts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidemill.errors import AnalysisException
from tidemill.sql import functions as F
from tidemill.sql.column import Column
from tidemill.sql.types import (
    ArrayType,
    AtomicType,
    CalendarIntervalType,
    DataType,
    DateType,
    DayTimeIntervalType,
    MapType,
    NullType,
    NumericType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
    YearMonthIntervalType,
)

if TYPE_CHECKING:
    from tidemill.sql.dataframe import DataFrame

_TIMES = (DateType, TimestampType, TimestampNTZType)


def matched(df: DataFrame, schema: StructType) -> DataFrame:
    """The columns of a schema, in its order: null where one is missing and may be; without the others.

    Raises `AnalysisException` for a column that is missing or twice, of another type, or null where the schema has no null.
    """
    sensitive = str(df.sparkSession.conf.get("spark.sql.caseSensitive", "false")).lower() == "true"
    fields = [(field, df[place]) for place, field in enumerate(df.schema)]
    found = df.select(*[column.alias(field.name) for field, column in _fields(fields, schema, (), sensitive)])
    for field in schema:
        remarks = {**dict(_remarks(fields, field.name, sensitive)), **field.metadata}
        if remarks:
            found = found.withMetadata(field.name, remarks)
    return found


def _same(one: str, other: str, sensitive: bool) -> bool:
    return one == other or (not sensitive and one.lower() == other.lower())


def _remarks(fields: list[tuple[StructField, Column]], name: str, sensitive: bool) -> dict[str, Any]:
    return next((field.metadata for field, _ in fields if _same(field.name, name, sensitive)), {})


def _fields(
    fields: list[tuple[StructField, Column]], wanted: StructType, path: tuple[str, ...], sensitive: bool
) -> list[tuple[StructField, Column]]:
    made = []
    for field in wanted:
        here = [(known, column) for known, column in fields if _same(known.name, field.name, sensitive)]
        if len(here) > 1:
            raise _error("AMBIGUOUS_COLUMN_OR_FIELD", (*path, field.name), f"{len(here)} have that name: rename them")
        if not here:
            if not field.nullable:
                names = ", ".join(known.name for known, _ in fields)
                condition = "UNRESOLVED_FIELD.WITH_SUGGESTION" if path else "UNRESOLVED_COLUMN.WITH_SUGGESTION"
                raise _error(condition, (*path, field.name), f"it is not there, and may not be null (there are: {names})")
            made.append((field, F.lit(None).cast(field.dataType)))
            continue
        [(known, column)] = here
        made.append((field, _value(column, known.dataType, known.nullable, field.dataType, field.nullable, (*path, known.name), sensitive)))
    return made


def _value(
    column: Column, of: DataType, of_nullable: bool, to: DataType, to_nullable: bool, path: tuple[str, ...], sensitive: bool
) -> Column:
    if of_nullable and not to_nullable:
        raise _error("NULLABLE_COLUMN_OR_FIELD", path, "it may be null, and the schema has no null there: say nullable=True")
    if of == to:
        return column
    if isinstance(of, StructType) and isinstance(to, StructType):
        inner = [(field, column.getField(field.name)) for field in of]
        made = F.struct(*[value.alias(field.name) for field, value in _fields(inner, to, path, sensitive)])
        return F.when(column.isNotNull(), made) if of_nullable else made
    if isinstance(of, ArrayType) and isinstance(to, ArrayType):
        element = (*path, "element")
        return F.transform(
            column, lambda each: _value(each, of.elementType, of.containsNull, to.elementType, to.containsNull, element, sensitive)
        )
    if isinstance(of, MapType) and isinstance(to, MapType):
        keys = F.transform(F.map_keys(column), lambda key: _value(key, of.keyType, False, to.keyType, False, (*path, "key"), sensitive))
        values = F.transform(
            F.map_values(column),
            lambda each: _value(each, of.valueType, of.valueContainsNull, to.valueType, to.valueContainsNull, (*path, "value"), sensitive),
        )
        return F.map_from_arrays(keys, values)
    if not _storable(of, to):
        raise _error("INVALID_COLUMN_OR_FIELD_DATA_TYPE", path, f"it is {of.simpleString()}, and not {to.simpleString()}: cast it before")
    return column.cast(to)


def _storable(of: DataType, to: DataType) -> bool:
    """Whether ANSI SQL stores values of one type in a column of the other."""
    if isinstance(of, NullType):
        return True
    if isinstance(to, StringType):
        return isinstance(of, (AtomicType, CalendarIntervalType))
    if isinstance(of, _TIMES) and isinstance(to, _TIMES):
        return True
    kinds = (NumericType, DayTimeIntervalType, YearMonthIntervalType)
    return type(of) is type(to) or any(isinstance(of, kind) and isinstance(to, kind) for kind in kinds)


def _error(condition: str, path: tuple[str, ...], what: str) -> AnalysisException:
    name = ".".join(f"`{part}`" for part in path)
    return AnalysisException(f"[{condition}] {name}: {what}", errorClass=condition, messageParameters={"name": name})
