"""Types and rows, by PySpark's names. Which Python values a type holds is here; which types two types have in common, and how values
are computed with, is the engine's business."""

from __future__ import annotations

import calendar
import datetime
import decimal
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, cast

from tidemill._tidemill import parse_data_type, parse_schema
from tidemill.errors import (
    PySparkAttributeError,
    PySparkIndexError,
    PySparkKeyError,
    PySparkRuntimeError,
    PySparkTypeError,
    PySparkValueError,
)

__all__ = [
    "ArrayType",
    "BinaryType",
    "BooleanType",
    "ByteType",
    "CalendarIntervalType",
    "CharType",
    "DataType",
    "DateType",
    "DayTimeIntervalType",
    "DecimalType",
    "DoubleType",
    "FloatType",
    "IntegerType",
    "LongType",
    "MapType",
    "NullType",
    "Row",
    "ShortType",
    "StringType",
    "StructField",
    "StructType",
    "TimeType",
    "TimestampNTZType",
    "TimestampType",
    "VarcharType",
    "YearMonthIntervalType",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        from tidemill.refused import of_module

        return of_module(__name__, name)


_EPOCH_ORDINAL = datetime.date(1970, 1, 1).toordinal()


class DataType:
    """A type. Two are equal when they hold the same values."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __hash__(self) -> int:
        return hash(str(self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.__dict__ == other.__dict__

    def __ne__(self, other: object) -> bool:
        return not self == other

    @classmethod
    def typeName(cls) -> str:
        """The type's name, without its parameters."""
        return cls.__name__.removesuffix("Type").lower()

    def simpleString(self) -> str:
        """The type as DDL has it."""
        return self.typeName()

    def jsonValue(self) -> str | dict[str, Any]:
        """The type as a JSON value."""
        return self.typeName()

    def json(self) -> str:
        """The type as JSON."""
        return json.dumps(self.jsonValue(), separators=(",", ":"), sort_keys=True)

    def needConversion(self) -> bool:
        """Whether values have another form inside the engine."""
        return False

    def toInternal(self, obj: Any) -> Any:
        """The form that a value has inside the engine."""
        return obj

    def fromInternal(self, obj: Any) -> Any:
        """The value of such a form."""
        return obj

    @classmethod
    def fromDDL(cls, ddl: str) -> DataType:
        """The type that a text of DDL describes: `"int"`, or `"a int, b string"` for a struct."""
        return of_ddl(ddl)


class NullType(DataType):
    """`void`: the type of None."""

    @classmethod
    def typeName(cls) -> str:
        return "void"


class AtomicType(DataType):
    """A type without parts."""


class NumericType(AtomicType):
    """Numbers."""


class IntegralType(NumericType):
    """Whole numbers."""


class FractionalType(NumericType):
    """Numbers with a fraction."""


class StringType(AtomicType):
    """`string`."""

    def __init__(self, collation: str = "UTF8_BINARY") -> None:
        if collation != "UTF8_BINARY":
            raise PySparkValueError(f"the collation {collation!r} is not supported: text is compared by bytes (UTF8_BINARY)")

    def needConversion(self) -> bool:
        return True

    def toInternal(self, obj: Any) -> str | None:
        """Other values stand in a column of texts as text."""
        if obj is None or isinstance(obj, str):
            return obj
        return str(obj).lower() if isinstance(obj, bool) else str(obj)


class CharType(AtomicType):
    """`char(length)`: text that is padded with blanks."""

    def __init__(self, length: int) -> None:
        self.length = length

    def simpleString(self) -> str:
        return f"char({self.length})"

    jsonValue = simpleString

    def __repr__(self) -> str:
        return f"CharType({self.length})"


class VarcharType(AtomicType):
    """`varchar(length)`: text of at most so many characters."""

    def __init__(self, length: int) -> None:
        self.length = length

    def simpleString(self) -> str:
        return f"varchar({self.length})"

    jsonValue = simpleString

    def __repr__(self) -> str:
        return f"VarcharType({self.length})"


class BinaryType(AtomicType):
    """`binary`: bytes."""


class BooleanType(AtomicType):
    """`boolean`."""


class DateType(AtomicType):
    """`date`: inside, days since 1970-01-01."""

    def needConversion(self) -> bool:
        return True

    def toInternal(self, obj: datetime.date | None) -> int | None:
        return None if obj is None else obj.toordinal() - _EPOCH_ORDINAL

    def fromInternal(self, obj: int | None) -> datetime.date | None:
        return None if obj is None else datetime.date.fromordinal(obj + _EPOCH_ORDINAL)


class TimeType(AtomicType):
    """`time(precision)`: inside, nanoseconds since midnight."""

    def __init__(self, precision: int = 6) -> None:
        self.precision = precision

    def simpleString(self) -> str:
        return f"time({self.precision})"

    jsonValue = simpleString

    def __repr__(self) -> str:
        return f"TimeType({self.precision})"

    def needConversion(self) -> bool:
        return True

    def toInternal(self, obj: datetime.time | None) -> int | None:
        if obj is None:
            return None
        return ((obj.hour * 60 + obj.minute) * 60 + obj.second) * 1_000_000_000 + obj.microsecond * 1000

    def fromInternal(self, obj: int | None) -> datetime.time | None:
        if obj is None:
            return None
        seconds, nanos = divmod(obj, 1_000_000_000)
        return datetime.time(seconds // 3600, seconds // 60 % 60, seconds % 60, nanos // 1000)


class TimestampType(AtomicType):
    """`timestamp`, a moment: inside, microseconds since 1970. A `datetime` without a zone is one of this machine's zone, as in PySpark."""

    def needConversion(self) -> bool:
        return True

    def toInternal(self, obj: datetime.datetime | None) -> int | None:
        if obj is None:
            return None
        seconds = calendar.timegm(obj.utctimetuple()) if obj.tzinfo else time.mktime(obj.timetuple())
        return int(seconds) * 1_000_000 + obj.microsecond

    def fromInternal(self, obj: int | None) -> datetime.datetime | None:
        if obj is None:
            return None
        seconds, micros = divmod(obj, 1_000_000)
        return datetime.datetime.fromtimestamp(seconds).replace(microsecond=micros)


class TimestampNTZType(AtomicType):
    """`timestamp_ntz`, local time: inside, microseconds since 1970."""

    @classmethod
    def typeName(cls) -> str:
        return "timestamp_ntz"

    def needConversion(self) -> bool:
        return True

    def toInternal(self, obj: datetime.datetime | None) -> int | None:
        return None if obj is None else calendar.timegm(obj.timetuple()) * 1_000_000 + obj.microsecond

    def fromInternal(self, obj: int | None) -> datetime.datetime | None:
        return None if obj is None else datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=obj)


class DecimalType(FractionalType):
    """`decimal(precision, scale)`: inside, the digits as a whole number."""

    def __init__(self, precision: int = 10, scale: int = 0) -> None:
        self.precision, self.scale = precision, scale
        self.hasPrecisionInfo = True

    def simpleString(self) -> str:
        return f"decimal({self.precision},{self.scale})"

    jsonValue = simpleString

    def __repr__(self) -> str:
        return f"DecimalType({self.precision},{self.scale})"

    def needConversion(self) -> bool:
        return True

    def toInternal(self, obj: decimal.Decimal | None) -> int | None:
        """Rounded half up to the scale; a number with more digits than the precision is an error."""
        if obj is None:
            return None
        with decimal.localcontext() as context:
            context.prec = 80
            digits = int(obj.scaleb(self.scale).quantize(decimal.Decimal(1), rounding=decimal.ROUND_HALF_UP))
        if abs(digits) >= 10**self.precision:
            message = f"{obj} does not fit {self.simpleString()}: give the column more digits"
            raise PySparkValueError(message, errorClass="NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION")
        return digits


class DoubleType(FractionalType):
    """`double`."""


class FloatType(FractionalType):
    """`float`."""


class ByteType(IntegralType):
    """`tinyint`."""

    def simpleString(self) -> str:
        return "tinyint"


class ShortType(IntegralType):
    """`smallint`."""

    def simpleString(self) -> str:
        return "smallint"


class IntegerType(IntegralType):
    """`int`."""

    def simpleString(self) -> str:
        return "int"


class LongType(IntegralType):
    """`bigint`."""

    def simpleString(self) -> str:
        return "bigint"


class AnsiIntervalType(AtomicType):
    """An interval from one field to another, as SQL has them: `interval day to second`."""

    _NAMES: ClassVar[tuple[str, ...]] = ()

    def __init__(self, startField: int | None = None, endField: int | None = None) -> None:
        first, last = 0, len(self._NAMES) - 1
        start = first if startField is None else startField
        end = endField if endField is not None else last if startField is None else start
        if not (first <= start <= last and first <= end <= last) or (startField is None and endField is not None):
            named = ", ".join(f"{place} ({name})" for place, name in enumerate(self._NAMES))
            raise PySparkRuntimeError(
                f"there is no interval from field {startField} to {endField}: the fields are {named}",
                errorClass="INVALID_INTERVAL_CASTING",
                messageParameters={"start_field": str(startField), "end_field": str(endField)},
            )
        self.startField, self.endField = start, end

    def simpleString(self) -> str:
        start, end = self._NAMES[self.startField], self._NAMES[self.endField]
        return f"interval {start}" if start == end else f"interval {start} to {end}"

    jsonValue = simpleString

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.startField}, {self.endField})"


class DayTimeIntervalType(AnsiIntervalType):
    """`interval day to second`: inside, microseconds."""

    DAY, HOUR, MINUTE, SECOND = 0, 1, 2, 3
    _NAMES = ("day", "hour", "minute", "second")

    def needConversion(self) -> bool:
        return True

    def toInternal(self, obj: datetime.timedelta | None) -> int | None:
        return None if obj is None else (obj.days * 86400 + obj.seconds) * 1_000_000 + obj.microseconds

    def fromInternal(self, obj: int | None) -> datetime.timedelta | None:
        return None if obj is None else datetime.timedelta(microseconds=obj)


class YearMonthIntervalType(AnsiIntervalType):
    """`interval year to month`: months. Python has no value for it: cast it to a string."""

    YEAR, MONTH = 0, 1
    _NAMES = ("year", "month")


class CalendarIntervalType(DataType):
    """`interval`: months, days and microseconds. Python has no value for it: cast it to a string."""

    @classmethod
    def typeName(cls) -> str:
        return "interval"


class ArrayType(DataType):
    """`array<elementType>`."""

    def __init__(self, elementType: DataType, containsNull: bool = True) -> None:
        _need_type(elementType, "elementType")
        self.elementType, self.containsNull = elementType, containsNull

    def toNullable(self) -> ArrayType:
        """The same type where null may stand in each part."""
        return cast(ArrayType, _nullable(self))

    def simpleString(self) -> str:
        return f"array<{self.elementType.simpleString()}>"

    def __repr__(self) -> str:
        return f"ArrayType({self.elementType!r}, {self.containsNull})"

    def jsonValue(self) -> dict[str, Any]:
        return {"type": "array", "elementType": self.elementType.jsonValue(), "containsNull": self.containsNull}

    @classmethod
    def fromJson(cls, json: dict[str, Any]) -> ArrayType:
        return cls(of_json(json["elementType"]), json["containsNull"])

    def needConversion(self) -> bool:
        return self.elementType.needConversion()

    def toInternal(self, obj: Any) -> Any:
        return None if obj is None else [self.elementType.toInternal(item) for item in obj]

    def fromInternal(self, obj: Any) -> Any:
        return None if obj is None else [self.elementType.fromInternal(item) for item in obj]


class MapType(DataType):
    """`map<keyType,valueType>`: inside, pairs."""

    def __init__(self, keyType: DataType, valueType: DataType, valueContainsNull: bool = True) -> None:
        _need_type(keyType, "keyType")
        _need_type(valueType, "valueType")
        self.keyType, self.valueType, self.valueContainsNull = keyType, valueType, valueContainsNull

    def toNullable(self) -> MapType:
        """The same type where null may stand in each part."""
        return cast(MapType, _nullable(self))

    def simpleString(self) -> str:
        return f"map<{self.keyType.simpleString()},{self.valueType.simpleString()}>"

    def __repr__(self) -> str:
        return f"MapType({self.keyType!r}, {self.valueType!r}, {self.valueContainsNull})"

    def jsonValue(self) -> dict[str, Any]:
        return {
            "type": "map",
            "keyType": self.keyType.jsonValue(),
            "valueType": self.valueType.jsonValue(),
            "valueContainsNull": self.valueContainsNull,
        }

    @classmethod
    def fromJson(cls, json: dict[str, Any]) -> MapType:
        return cls(of_json(json["keyType"]), of_json(json["valueType"]), json["valueContainsNull"])

    def needConversion(self) -> bool:
        return True

    def toInternal(self, obj: Any) -> Any:
        if obj is None:
            return None
        return [(self.keyType.toInternal(key), self.valueType.toInternal(value)) for key, value in obj.items()]


class StructField(DataType):
    """A field of a struct, or a column."""

    def __init__(self, name: str, dataType: DataType, nullable: bool = True, metadata: dict[str, Any] | None = None) -> None:
        _need_type(dataType, "dataType")
        if not isinstance(name, str):
            raise PySparkTypeError(f"the name of a field is a str, not {type(name).__name__}", errorClass="NOT_STR")
        self.name, self.dataType, self.nullable, self.metadata = name, dataType, nullable, metadata or {}

    def simpleString(self) -> str:
        return f"{self.name}:{self.dataType.simpleString()}"

    def __repr__(self) -> str:
        return f"StructField('{self.name}', {self.dataType!r}, {self.nullable})"

    def jsonValue(self) -> dict[str, Any]:
        return {"name": self.name, "type": self.dataType.jsonValue(), "nullable": self.nullable, "metadata": self.metadata}

    @classmethod
    def fromJson(cls, json: dict[str, Any]) -> StructField:
        return cls(json["name"], of_json(json["type"]), json.get("nullable", True), json.get("metadata"))

    def needConversion(self) -> bool:
        return self.dataType.needConversion()

    def toInternal(self, obj: Any) -> Any:
        return self.dataType.toInternal(obj)

    def fromInternal(self, obj: Any) -> Any:
        return self.dataType.fromInternal(obj)

    def typeName(self) -> str:  # type: ignore[override]
        raise PySparkTypeError("a field has no type name of its own: ask field.dataType.typeName()")


class StructType(DataType):
    """`struct<…>`, or the columns of a DataFrame: inside, a tuple of the fields' values in order."""

    def __init__(self, fields: list[StructField] | None = None) -> None:
        self.fields = list(fields or [])
        for field in self.fields:
            if not isinstance(field, StructField):
                raise PySparkTypeError(
                    f"a struct is made of StructFields, not {type(field).__name__}", errorClass="NOT_LIST_OF_STRUCT_FIELD"
                )
        self.names = [field.name for field in self.fields]

    def add(
        self,
        field: str | StructField,
        data_type: str | DataType | None = None,
        nullable: bool = True,
        metadata: dict[str, Any] | None = None,
    ) -> StructType:
        """Adds a field, and gives the struct back."""
        if not isinstance(field, StructField):
            if data_type is None:
                raise PySparkValueError("a field that is given by its name needs a type", errorClass="ARGUMENT_REQUIRED")
            field = StructField(field, of_ddl(data_type) if isinstance(data_type, str) else data_type, nullable, metadata)
        self.fields.append(field)
        self.names.append(field.name)
        return self

    def __iter__(self) -> Iterator[StructField]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __getitem__(self, key: str | int | slice) -> Any:
        if isinstance(key, str):
            for field in self:
                if field.name == key:
                    return field
            raise PySparkKeyError(f"there is no field {key!r} (fields: {', '.join(self.names)})", errorClass="KEY_NOT_EXISTS")
        if isinstance(key, slice):
            return StructType(self.fields[key])
        try:
            return self.fields[key]
        except IndexError:
            raise PySparkIndexError(f"there are {len(self)} fields, and no number {key}", errorClass="INDEX_OUT_OF_RANGE") from None

    def toNullable(self) -> StructType:
        """The same type where null may stand in each part."""
        return cast(StructType, _nullable(self))

    def simpleString(self) -> str:
        return f"struct<{','.join(field.simpleString() for field in self)}>"

    def __repr__(self) -> str:
        return f"StructType([{', '.join(map(repr, self))}])"

    def jsonValue(self) -> dict[str, Any]:
        return {"type": "struct", "fields": [field.jsonValue() for field in self]}

    @classmethod
    def fromJson(cls, json: dict[str, Any]) -> StructType:
        return cls([StructField.fromJson(field) for field in json["fields"]])

    def fieldNames(self) -> list[str]:
        """The names of the fields."""
        return list(self.names)

    def toDDL(self) -> str:
        """The fields as DDL: `a INT NOT NULL,b STRING`."""
        return ",".join(_field_ddl(field, " ") for field in self)

    def treeString(self, maxDepth: int = 2**31) -> str:
        """The fields as a tree."""
        lines = ["root"]

        def add(name: str, data_type: DataType, remark: str, depth: int) -> None:
            if depth > maxDepth:
                return
            lines.append(f"{' |   ' * (depth - 1)} |-- {name}: {_tree_name(data_type)}{remark}")
            if isinstance(data_type, StructType):
                for field in data_type:
                    add(field.name, field.dataType, f" (nullable = {str(field.nullable).lower()})", depth + 1)
            elif isinstance(data_type, ArrayType):
                add("element", data_type.elementType, f" (containsNull = {str(data_type.containsNull).lower()})", depth + 1)
            elif isinstance(data_type, MapType):
                add("key", data_type.keyType, "", depth + 1)
                add("value", data_type.valueType, f" (valueContainsNull = {str(data_type.valueContainsNull).lower()})", depth + 1)

        for field in self:
            add(field.name, field.dataType, f" (nullable = {str(field.nullable).lower()})", 1)
        return "\n".join(lines) + "\n"

    def needConversion(self) -> bool:
        return True

    def toInternal(self, obj: Any) -> Any:
        if obj is None:
            return None
        if isinstance(obj, dict):
            values: Any = [obj.get(name) for name in self.names]
        elif isinstance(obj, (list, tuple)):
            values = obj
        elif hasattr(obj, "__dict__"):
            values = [obj.__dict__.get(name) for name in self.names]
        else:
            raise PySparkValueError(
                f"{obj!r} is no struct: give a Row, a tuple, a list or a dict", errorClass="UNEXPECTED_TUPLE_WITH_STRUCT"
            )
        return tuple(field.toInternal(value) for field, value in zip(self.fields, values, strict=True))


def _nullable(data_type: DataType) -> DataType:
    if isinstance(data_type, ArrayType):
        return ArrayType(_nullable(data_type.elementType), True)
    if isinstance(data_type, MapType):
        return MapType(_nullable(data_type.keyType), _nullable(data_type.valueType), True)
    if isinstance(data_type, StructType):
        return StructType([StructField(field.name, _nullable(field.dataType), True, field.metadata) for field in data_type])
    return data_type


def _field_ddl(field: StructField, between: str) -> str:
    plain = re.fullmatch(r"\w+", field.name, re.ASCII) and not field.name.isdigit()
    name = field.name if plain else "`" + field.name.replace("`", "``") + "`"
    comment = field.metadata.get("comment")
    said = "" if comment is None else " COMMENT '" + str(comment).replace("\\", "\\\\").replace("'", "\\'") + "'"
    return f"{name}{between}{_sql(field.dataType)}{'' if field.nullable else ' NOT NULL'}{said}"


def _sql(data_type: DataType) -> str:
    """The type as SQL has it: names of fields are quoted where they have to be."""
    if isinstance(data_type, ArrayType):
        return f"ARRAY<{_sql(data_type.elementType)}>"
    if isinstance(data_type, MapType):
        return f"MAP<{_sql(data_type.keyType)}, {_sql(data_type.valueType)}>"
    if isinstance(data_type, StructType):
        return f"STRUCT<{', '.join(_field_ddl(field, ': ') for field in data_type)}>"
    return data_type.simpleString().upper()


def _tree_name(data_type: DataType) -> str:
    if isinstance(data_type, (CharType, VarcharType, DecimalType, AnsiIntervalType, TimeType)):
        return data_type.simpleString()
    return data_type.typeName()


def _need_type(data_type: object, name: str) -> None:
    if not isinstance(data_type, DataType):
        raise PySparkTypeError(f"{name} is a DataType, as IntegerType(), not {data_type!r}", errorClass="NOT_DATATYPE")


_PLAIN: dict[str, type[DataType]] = {
    **{
        made.typeName(): made
        for made in (
            NullType,
            BooleanType,
            ByteType,
            ShortType,
            IntegerType,
            LongType,
            FloatType,
            DoubleType,
            StringType,
            BinaryType,
            DateType,
            TimestampType,
            TimestampNTZType,
            CalendarIntervalType,
        )
    },
}
_SIZED = re.compile(r"(decimal|char|varchar|time)\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
_INTERVAL = re.compile(r"interval (\w+)(?: to (\w+))?")


def of_json(value: str | dict[str, Any]) -> DataType:
    """The type that a JSON value is."""
    if isinstance(value, str):
        if plain := _PLAIN.get(value):
            return plain()
        if sized := _SIZED.fullmatch(value):
            sizes = [int(size) for size in sized.groups()[1:] if size is not None]
            made: dict[str, Callable[..., DataType]] = {"decimal": DecimalType, "char": CharType, "varchar": VarcharType, "time": TimeType}
            return made[sized[1]](*sizes)
        if interval := _INTERVAL.fullmatch(value):
            is_day_time = interval[1] in DayTimeIntervalType._NAMES
            kind: type[DayTimeIntervalType | YearMonthIntervalType] = DayTimeIntervalType if is_day_time else YearMonthIntervalType
            return kind(*(kind._NAMES.index(name) for name in interval.groups() if name))
        raise PySparkValueError(f"there is no type {value!r}", errorClass="CANNOT_PARSE_DATATYPE")
    nested: dict[str, type[ArrayType | MapType | StructType]] = {"array": ArrayType, "map": MapType, "struct": StructType}
    if value.get("type") not in nested:
        raise PySparkValueError(f"there is no type {value.get('type')!r}", errorClass="UNSUPPORTED_DATA_TYPE")
    return nested[value["type"]].fromJson(value)


def of_ddl(text: str) -> DataType:
    """The type that a text of DDL names; columns, where it names none."""
    try:
        return of_json(json.loads(parse_schema(text)))
    except Exception as no_columns:
        try:
            return of_json(json.loads(parse_data_type(text)))
        except Exception:
            try:
                return of_json(json.loads(parse_data_type(f"struct<{text}>")))
            except Exception:
                raise no_columns from None


class Row(tuple[Any, ...]):
    """A row: a tuple whose values have names, as `row.name`, `row["name"]` or `row[0]`. `Row("a", "b")` makes rows of those names."""

    __fields__: list[str]

    def __new__(cls, *args: Any, **kwargs: Any) -> Row:
        if args and kwargs:
            raise PySparkValueError("a Row takes values, or values by their names, and not both", errorClass="CANNOT_SET_TOGETHER")
        if kwargs:
            row = tuple.__new__(cls, kwargs.values())
            row.__fields__ = list(kwargs)
            return row
        return tuple.__new__(cls, args)

    def asDict(self, recursive: bool = False) -> dict[str, Any]:
        """The values by their names; with `recursive`, those of rows inside too."""
        if not hasattr(self, "__fields__"):
            raise PySparkTypeError("a Row without names is no dict", errorClass="CANNOT_CONVERT_TYPE")

        def plain(value: Any) -> Any:
            if isinstance(value, Row):
                return value.asDict(True)
            if isinstance(value, list):
                return [plain(item) for item in value]
            if isinstance(value, dict):
                return {key: plain(item) for key, item in value.items()}
            return value

        return {name: plain(value) if recursive else value for name, value in zip(self.__fields__, self)}

    def __contains__(self, item: object) -> bool:
        return item in self.__fields__ if hasattr(self, "__fields__") else super().__contains__(item)

    def __call__(self, *args: Any) -> Row:
        if len(args) > len(self):
            message = f"the row has the names {list(self)}, and {len(args)} values were given"
            raise PySparkValueError(message, errorClass="TOO_MANY_VALUES")
        return made_row(list(self), args)

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, (int, slice)):
            return super().__getitem__(item)
        try:
            return super().__getitem__(self.__fields__.index(item))
        except IndexError:
            raise PySparkKeyError(f"the row has no value for {item!r}", errorClass="KEY_NOT_EXISTS") from None
        except ValueError:
            raise PySparkValueError(f"the row has no {item!r} (names: {', '.join(self.__fields__)})") from None

    def __getattr__(self, item: str) -> Any:
        if item.startswith("__"):
            raise PySparkAttributeError(f"a Row has no {item}", errorClass="ATTRIBUTE_NOT_SUPPORTED")
        try:
            return self[self.__fields__.index(item)]
        except (IndexError, ValueError):
            raise PySparkAttributeError(f"the row has no {item!r}", errorClass="ATTRIBUTE_NOT_SUPPORTED") from None

    def __setattr__(self, key: str, value: Any) -> None:
        if key != "__fields__":
            raise PySparkRuntimeError("a Row is read only", errorClass="READ_ONLY")
        self.__dict__[key] = value

    def __reduce__(self) -> Any:
        return (made_row, (self.__fields__, tuple(self))) if hasattr(self, "__fields__") else tuple.__reduce__(self)

    def __repr__(self) -> str:
        if hasattr(self, "__fields__"):
            return f"Row({', '.join(f'{name}={value!r}' for name, value in zip(self.__fields__, tuple(self)))})"
        return f"<Row({', '.join(repr(value) for value in self)})>"


def made_row(fields: list[str], values: Any) -> Row:
    """A row of values with these names, in order."""
    row = Row(*values)
    row.__fields__ = fields
    return row
