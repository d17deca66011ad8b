"""Columns, by PySpark's names: expressions over the columns of a DataFrame, which mean nothing until its rows are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tidemill import _tidemill
from tidemill.errors import PySparkAttributeError, PySparkTypeError, PySparkValueError
from tidemill.refused import refusal
from tidemill.sql.literal import literal
from tidemill.sql.types import DataType

if TYPE_CHECKING:
    from tidemill.sql.window import WindowSpec

__all__ = ["Column"]


def operand(value: Any) -> _tidemill.Column:
    """A column as it is; any other value as the constant that it is."""
    return value._column if isinstance(value, Column) else literal(value)


def named(column: Any) -> _tidemill.Column:
    """A column as it is; a text as the column of that name.

    Raises `PySparkTypeError` for anything else.
    """
    if isinstance(column, Column):
        return column._column
    if isinstance(column, str):
        return _tidemill.Column.named(column)
    message = f"a column or its name is needed here, not {column!r} of type {type(column).__name__}"
    raise PySparkTypeError(message, errorClass="NOT_COLUMN_OR_STR", messageParameters={"arg_type": type(column).__name__})


def ddl(data_type: DataType | str) -> str:
    """A type as DDL."""
    if isinstance(data_type, str):
        return data_type
    if isinstance(data_type, DataType):
        return data_type.simpleString()
    message = f"a type is a DataType or its name, not {data_type!r}"
    raise PySparkTypeError(message, errorClass="NOT_DATATYPE_OR_STR", messageParameters={"arg_type": type(data_type).__name__})


def _operator(name: str, doc: str, reverse: bool = False) -> Callable[[Column, Any], Column]:
    def method(self: Column, other: Any) -> Column:
        sides = [self._column, operand(other)]
        return Column(_tidemill.Column.operator(name, sides[::-1] if reverse else sides))

    method.__doc__ = doc
    return method


def _call(name: str, doc: str) -> Callable[[Column, Any], Column]:
    def method(self: Column, other: Any) -> Column:
        return Column(_tidemill.call(name, [self._column, operand(other)]))

    method.__doc__ = doc
    return method


class Column:
    """An expression over the columns of a DataFrame: `df.age + 1`, `col("name").like("a%")`."""

    def __init__(self, column: _tidemill.Column, label: str | None = None) -> None:
        """`label` is the name that it gives to what is selected, where that is known."""
        self._column, self._label = column, label

    __add__ = _operator("+", "The sum.")
    __radd__ = _operator("+", "The sum.", reverse=True)
    __sub__ = _operator("-", "The difference.")
    __rsub__ = _operator("-", "The difference.", reverse=True)
    __mul__ = _operator("*", "The product.")
    __rmul__ = _operator("*", "The product.", reverse=True)
    __truediv__ = _operator("/", "The quotient.")
    __rtruediv__ = _operator("/", "The quotient.", reverse=True)
    __mod__ = _operator("%", "The remainder.")
    __rmod__ = _operator("%", "The remainder.", reverse=True)
    __pow__ = _call("power", "The power.")
    __lt__ = _operator("<", "Less than.")
    __le__ = _operator("<=", "Less than or equal.")
    __gt__ = _operator(">", "Greater than.")
    __ge__ = _operator(">=", "Greater than or equal.")
    __eq__ = _operator("=", "Equal; null when a side is null.")  # type: ignore[assignment]
    __ne__ = _operator("!=", "Not equal; null when a side is null.")  # type: ignore[assignment]
    __and__ = _operator("and", "Both hold.")
    __rand__ = _operator("and", "Both hold.", reverse=True)
    __or__ = _operator("or", "One of the two holds.")
    __ror__ = _operator("or", "One of the two holds.", reverse=True)
    __hash__ = None  # type: ignore[assignment]
    eqNullSafe = _operator("<=>", "Equal, where null equals null.")
    bitwiseOR = _operator("|", "The bits that one of the two has.")
    bitwiseAND = _operator("&", "The bits that both have.")
    bitwiseXOR = _operator("^", "The bits that just one of the two has.")
    like = _operator("like", "It matches a pattern in which `%` is any text and `_` a character.")
    ilike = _operator("ilike", "It matches such a pattern, upper and lower case alike.")
    rlike = _operator("rlike", "A Java regular expression matches somewhere in it.")
    contains = _call("contains", "It contains the text.")
    startswith = _call("startswith", "It starts with the text.")
    endswith = _call("endswith", "It ends with the text.")

    def __rpow__(self, other: Any) -> Column:
        """The power."""
        return Column(_tidemill.call("power", [operand(other), self._column]))

    def __neg__(self) -> Column:
        """The number with its sign turned."""
        return Column(_tidemill.Column.operator("negative", [self._column]))

    def __invert__(self) -> Column:
        """It does not hold."""
        return Column(_tidemill.Column.operator("not", [self._column]))

    def isNull(self) -> Column:
        """It is null."""
        return Column(_tidemill.Column.operator("isnull", [self._column]))

    def isNotNull(self) -> Column:
        """It is not null."""
        return Column(_tidemill.Column.operator("isnotnull", [self._column]))

    def isNaN(self) -> Column:
        """It is not a number."""
        return Column(_tidemill.call("isnan", [self._column]))

    def between(self, lowerBound: Any, upperBound: Any) -> Column:
        """It lies between the two, ends included."""
        begins: Column = self >= lowerBound
        ends: Column = self <= upperBound
        return begins & ends

    def isin(self, *cols: Any) -> Column:
        """It is one of the values, or of the rows of a DataFrame of one column."""
        from tidemill.sql.dataframe import DataFrame

        if len(cols) == 1 and isinstance(cols[0], DataFrame):
            return Column(cols[0]._frame.holds(self._column))
        values = cols[0] if len(cols) == 1 and isinstance(cols[0], (list, tuple, set, frozenset)) else cols
        return Column(self._column.isin([operand(value) for value in values]))

    def substr(self, startPos: int | Column, length: int | Column) -> Column:
        """So many characters from a place that counts from 1."""
        if isinstance(startPos, Column) != isinstance(length, Column):
            message = f"place and length are both numbers or both columns, not {startPos!r} and {length!r}"
            raise PySparkTypeError(message, errorClass="NOT_SAME_TYPE")
        return Column(_tidemill.call("substr", [self._column, operand(startPos), operand(length)]))

    def cast(self, dataType: DataType | str) -> Column:
        """As another type; in ANSI mode a value that does not fit is an error."""
        return Column(self._column.cast(ddl(dataType), False))

    astype = cast

    def try_cast(self, dataType: DataType | str) -> Column:
        """As another type; null for a value that does not fit."""
        return Column(self._column.cast(ddl(dataType), True))

    def alias(self, *alias: str, **kwargs: Any) -> Column:
        """Under another name; under several, for a function that gives several columns."""
        if kwargs:
            message = "alias takes names alone: put remarks on the column with df.withMetadata(name, metadata)"
            raise PySparkValueError(message, errorClass="UNSUPPORTED_OPERATION")
        return Column(self._column.alias(*alias), alias[0] if len(alias) == 1 else None)

    name = alias

    def asc(self) -> Column:
        """Rising, nulls first."""
        return Column(self._column.sort(True, None))

    def asc_nulls_first(self) -> Column:
        """Rising, nulls first."""
        return Column(self._column.sort(True, True))

    def asc_nulls_last(self) -> Column:
        """Rising, nulls last."""
        return Column(self._column.sort(True, False))

    def desc(self) -> Column:
        """Falling, nulls last."""
        return Column(self._column.sort(False, None))

    def desc_nulls_first(self) -> Column:
        """Falling, nulls first."""
        return Column(self._column.sort(False, True))

    def desc_nulls_last(self) -> Column:
        """Falling, nulls last."""
        return Column(self._column.sort(False, False))

    def getItem(self, key: Any) -> Column:
        """An element of an array by its place from 0, or of a map by its key."""
        return Column(self._column.get_item(operand(key)))

    def getField(self, name: Any) -> Column:
        """A field of a struct."""
        return Column(self._column.get_field(name)) if isinstance(name, str) else self.getItem(name)

    def __getitem__(self, k: Any) -> Column:
        """An element, a field, or with a slice so many characters: `col[start:length]`."""
        if isinstance(k, slice):
            if k.step is not None:
                raise PySparkValueError("a slice of a column has no step", errorClass="SLICE_WITH_STEP")
            return self.substr(k.start, k.stop)
        return self.getItem(k)

    def __getattr__(self, item: str) -> Column:
        if item.startswith("__") or item in ("_column", "_label"):
            raise PySparkAttributeError(f"a Column has no {item}", errorClass="CANNOT_ACCESS_TO_DUNDER")
        if refused := refusal("Column", item):
            raise refused
        return self.getField(item)

    def withField(self, fieldName: str, col: Column) -> Column:
        """The struct with a field added or replaced."""
        if not isinstance(fieldName, str):
            raise PySparkTypeError(f"the name of a field is a str, not {fieldName!r}", errorClass="NOT_STR")
        if not isinstance(col, Column):
            raise PySparkTypeError(f"the value of a field is a Column, not {col!r}: use lit()", errorClass="NOT_COLUMN")
        return Column(self._column.with_field(fieldName, col._column))

    def dropFields(self, *fieldNames: str) -> Column:
        """The struct without fields."""
        return Column(self._column.drop_fields(list(fieldNames)))

    def when(self, condition: Column, value: Any) -> Column:
        """The next branch of `functions.when`."""
        _need_condition(condition)
        if self._column.case() is not False:
            raise PySparkTypeError("when() goes on from functions.when(), before otherwise()", errorClass="INVALID_WHEN_USAGE")
        return Column(self._column.when(condition._column, operand(value)))

    def otherwise(self, value: Any) -> Column:
        """The value when no branch of `functions.when` holds."""
        if self._column.case() is not False:
            raise PySparkTypeError("otherwise() goes on from functions.when(), once", errorClass="INVALID_WHEN_USAGE")
        return Column(self._column.otherwise(operand(value)))

    def over(self, window: WindowSpec) -> Column:
        """Its value over a window of rows."""
        from tidemill.sql.window import WindowSpec

        if not isinstance(window, WindowSpec):
            raise PySparkTypeError(f"a window is made by Window, and {window!r} is none", errorClass="NOT_WINDOWSPEC")
        return Column(self._column.over(window._window))

    def outer(self) -> Column:
        """A column of the query around, in one that is a part of another."""
        return Column(self._column.outer())

    def transform(self, f: Callable[[Column], Column]) -> Column:
        """What a function makes of it."""
        made = f(self)
        if not isinstance(made, Column):
            raise PySparkTypeError(f"the function gives a Column, not {made!r}", errorClass="NOT_COLUMN")
        return made

    def __contains__(self, item: object) -> bool:
        raise PySparkValueError(
            "`in` has to be true or false at once: write col.contains(text) or col.isin(values)", errorClass="CANNOT_APPLY_IN_FOR_COLUMN"
        )

    def __iter__(self) -> Any:
        raise PySparkTypeError("a Column cannot be iterated: collect the rows, or use functions.explode", errorClass="NOT_ITERABLE")

    def __bool__(self) -> bool:
        message = "a Column is no truth value: write & for `and`, | for `or`, ~ for `not`, with parentheses around comparisons"
        raise PySparkValueError(message, errorClass="CANNOT_CONVERT_COLUMN_INTO_BOOL")

    __nonzero__ = __bool__

    def __repr__(self) -> str:
        return f"Column<'{self._column.text()}'>"


def _need_condition(condition: object) -> None:
    if not isinstance(condition, Column):
        raise PySparkTypeError(f"a condition is a Column, not {condition!r}", errorClass="NOT_COLUMN")
