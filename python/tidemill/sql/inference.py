"""Which type rows of Python values have, and whether values fit a type. The rules are PySpark's (`pyspark/sql/types.py`, `_infer_type`,
`_merge_type` and `_make_type_verifier`)."""

from __future__ import annotations

import datetime
import decimal
import functools
from collections.abc import Callable, Iterator
from typing import Any

from tidemill.errors import PySparkTypeError, PySparkValueError
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
    NullType,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
    TimeType,
    VarcharType,
)

_BY_CLASS: dict[type, Callable[[], DataType]] = {
    type(None): NullType,
    bool: BooleanType,
    int: LongType,
    float: DoubleType,
    str: StringType,
    bytes: BinaryType,
    bytearray: BinaryType,
    decimal.Decimal: lambda: DecimalType(38, 18),
    datetime.datetime: TimestampType,
    datetime.date: DateType,
    datetime.time: TimeType,
    datetime.timedelta: DayTimeIntervalType,
}


def type_of(value: Any) -> DataType:
    """The type of a value."""
    made = _BY_CLASS.get(type(value))
    if made is not None:
        return made()
    if isinstance(value, dict):
        key: DataType = NullType()
        value_type: DataType = NullType()
        for each, item in value.items():
            if each is not None:
                key, value_type = merged(key, type_of(each)), merged(value_type, type_of(item))
        return MapType(key, value_type, True)
    if isinstance(value, list):
        element: DataType = NullType()
        return ArrayType(functools.reduce(merged, map(type_of, value), element), True)
    if hasattr(value, "dtype") and hasattr(value, "item"):
        return type_of(value.item()) if not getattr(value, "shape", ()) else type_of(value.tolist())
    return _struct_of(value, None)


def _struct_of(row: Any, names: list[str] | None) -> StructType:
    if isinstance(row, dict):
        items = sorted(row.items())
    elif isinstance(row, (tuple, list)):
        if hasattr(row, "__fields__"):
            items = list(zip(row.__fields__, tuple(row)))
        elif hasattr(row, "_fields"):
            items = list(zip(row._fields, row))
        else:
            given = list(names or [])
            given += [f"_{place}" for place in range(len(given) + 1, len(row) + 1)]
            items = list(zip(given, row))
    elif hasattr(row, "__dict__"):
        items = sorted(row.__dict__.items())
    else:
        message = f"{row!r} of type {type(row).__name__} has no type that can be seen: give a schema"
        raise PySparkTypeError(message, errorClass="CANNOT_INFER_SCHEMA_FOR_TYPE")
    fields = []
    for name, value in items:
        try:
            fields.append(StructField(name, type_of(value), True))
        except PySparkTypeError as error:
            raise PySparkTypeError(f"field `{name}`: {error.getMessage()}", errorClass="CANNOT_INFER_TYPE_FOR_FIELD") from error
    return StructType(fields)


def merged(one: DataType, other: DataType, name: str | None = None) -> DataType:
    """The type that holds the values of both."""
    if isinstance(one, NullType):
        return other
    if isinstance(other, NullType) or one == other:
        return one
    where = f"field `{name}`: " if name else ""
    pair = {type(one), type(other)}
    if pair == {TimestampType, TimestampNTZType}:
        return TimestampType()
    if StringType in pair and not pair & {StructType, ArrayType, MapType}:
        return StringType()
    if type(one) is not type(other):
        message = f"{where}some values are {one.simpleString()} and others {other.simpleString()}: give a schema, or make them alike"
        raise PySparkTypeError(message, errorClass="CANNOT_MERGE_TYPE")
    if isinstance(one, StructType) and isinstance(other, StructType):
        known = {field.name: field.dataType for field in other}
        fields = [StructField(field.name, merged(field.dataType, known.get(field.name, NullType()), field.name)) for field in one]
        fields += [StructField(field.name, field.dataType) for field in other if field.name not in one.names]
        return StructType(fields)
    if isinstance(one, ArrayType) and isinstance(other, ArrayType):
        return ArrayType(merged(one.elementType, other.elementType, f"element of {name}"), True)
    if isinstance(one, MapType) and isinstance(other, MapType):
        return MapType(merged(one.keyType, other.keyType, name), merged(one.valueType, other.valueType, name), True)
    return one


def _settled(data_type: DataType) -> bool:
    """Whether no part of a type is unknown."""
    if isinstance(data_type, StructType):
        return all(_settled(field.dataType) for field in data_type)
    if isinstance(data_type, ArrayType):
        return _settled(data_type.elementType)
    if isinstance(data_type, MapType):
        return _settled(data_type.keyType) and _settled(data_type.valueType)
    return not isinstance(data_type, NullType)


def schema_of(rows: list[Any], names: list[str] | None) -> StructType:
    """The columns of rows."""
    if not rows:
        raise PySparkValueError("rows without one have no schema: give one", errorClass="CANNOT_INFER_EMPTY_SCHEMA")
    shaped = (row if isinstance(row, (dict, tuple, list)) or hasattr(row, "__dict__") else (row,) for row in rows)
    if type(rows[0]) in _BY_CLASS and names is None:
        message = f"{rows[0]!r} of type {type(rows[0]).__name__} is no row: make it a tuple, or give a type as the schema"
        raise PySparkTypeError(message, errorClass="CANNOT_INFER_SCHEMA_FOR_TYPE")
    structs: Iterator[DataType] = (_struct_of(row, names) for row in shaped)
    found = functools.reduce(merged, structs)
    if not isinstance(found, StructType) or not _settled(found):
        unknown = [field.name for field in found if not _settled(field.dataType)] if isinstance(found, StructType) else []
        message = f"columns without a value have no type: give a schema ({', '.join(unknown)})"
        raise PySparkValueError(message, errorClass="CANNOT_DETERMINE_TYPE")
    if names:
        found = StructType([StructField(name, field.dataType) for name, field in zip([*names, *found.names[len(names) :]], found)])
    return found


_ACCEPTED: dict[type, tuple[type, ...]] = {
    BooleanType: (bool,),
    ByteType: (int,),
    ShortType: (int,),
    IntegerType: (int,),
    LongType: (int,),
    FloatType: (float,),
    DoubleType: (float,),
    DecimalType: (decimal.Decimal,),
    StringType: (),
    CharType: (str,),
    VarcharType: (str,),
    BinaryType: (bytes, bytearray),
    DateType: (datetime.date, datetime.datetime),
    TimeType: (datetime.time,),
    TimestampType: (datetime.datetime,),
    TimestampNTZType: (datetime.datetime,),
    DayTimeIntervalType: (datetime.timedelta,),
    ArrayType: (list, tuple),
    MapType: (dict,),
    StructType: (tuple, list, dict),
}
_BITS: dict[type[DataType], int] = {ByteType: 8, ShortType: 16, IntegerType: 32, LongType: 64}


def verifier(data_type: DataType, nullable: bool = True, name: str | None = None) -> Callable[[Any], None]:
    """What raises an error for a value that does not fit a type."""
    where = f"field `{name}`: " if name else ""
    accepted = _ACCEPTED.get(type(data_type), ())

    def wrong(value: Any) -> PySparkTypeError:
        message = f"{where}{value!r} of type {type(value).__name__} is no {data_type.simpleString()}"
        return PySparkTypeError(message, errorClass="CANNOT_ACCEPT_OBJECT_IN_TYPE")

    if isinstance(data_type, ArrayType):
        element = verifier(data_type.elementType, data_type.containsNull, f"element in array {name}")

        def parts(value: Any) -> None:
            for item in value:
                element(item)
    elif isinstance(data_type, MapType):
        key = verifier(data_type.keyType, False, f"key of map {name}")
        item_of = verifier(data_type.valueType, data_type.valueContainsNull, f"value of map {name}")

        def parts(value: Any) -> None:
            for each, item in value.items():
                key(each)
                item_of(item)
    elif isinstance(data_type, StructType):
        fields = [
            (field.name, verifier(field.dataType, field.nullable, f"{field.name} in {name}" if name else field.name)) for field in data_type
        ]

        def parts(value: Any) -> None:
            if isinstance(value, dict):
                for each, check in fields:
                    check(value.get(each))
            elif isinstance(value, (tuple, list)):
                if len(value) != len(fields):
                    message = f"{where}a row of {len(fields)} columns has {len(value)} values"
                    raise PySparkValueError(message, errorClass="LENGTH_SHOULD_BE_THE_SAME")
                for item, (_, check) in zip(value, fields):
                    check(item)
            elif hasattr(value, "__dict__"):
                for each, check in fields:
                    check(value.__dict__.get(each))
            else:
                raise wrong(value)
    else:

        def parts(value: Any) -> None:
            bits = _BITS.get(type(data_type))
            if bits is not None and not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
                message = f"{where}{value} is beyond {data_type.simpleString()}, which has {bits} bits"
                raise PySparkValueError(message, errorClass="VALUE_OUT_OF_BOUNDS")

    def check(value: Any) -> None:
        if value is None:
            if not nullable:
                raise PySparkValueError(f"{where}None stands where no null may be", errorClass="FIELD_NOT_NULLABLE")
            return
        is_object = isinstance(data_type, StructType) and hasattr(value, "__dict__")
        if isinstance(data_type, NullType) or (accepted and not isinstance(value, accepted) and not is_object):
            raise wrong(value)
        if isinstance(value, bool) and bool not in accepted and accepted:
            raise wrong(value)
        parts(value)

    return check
