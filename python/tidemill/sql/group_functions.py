"""Functions of the program over groups, by PySpark's names: `applyInPandas` over all rows of a group, `applyInPandasWithState` over its new
rows and its state; the same over Arrow and Polars."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from tidemill import _tidemill
from tidemill.errors import PySparkTypeError, PySparkValueError, UnsupportedOperationException
from tidemill.sql.native import Kind, all_rows_of, in_zone_of, needed, rows_of, table_of
from tidemill.sql.types import Row, StructType
from tidemill.sql.udf import name_of, type_of

if TYPE_CHECKING:
    from tidemill.sql.session import SparkSession

__all__ = ["GroupState", "GroupStateTimeout", "all_rows_function", "group_function", "state_function"]


class GroupStateTimeout:
    """When a group without rows is called: never; timeouts are not there yet."""

    NoTimeout: str = "NoTimeout"
    ProcessingTimeTimeout: str = "ProcessingTimeTimeout"
    EventTimeTimeout: str = "EventTimeTimeout"


class GroupState:
    """The state of a group in one call."""

    def __init__(self, value: Row | None, names: list[str]) -> None:
        self._before, self._value, self._names = value, None if value is None else tuple(value), names
        self._change: tuple[str, tuple[Any, ...] | None] | None = None

    @property
    def exists(self) -> bool:
        """Whether there is one."""
        return self._value is not None

    @property
    def get(self) -> tuple[Any, ...]:
        """It.

        Raises `PySparkValueError` when there is none.
        """
        if self._value is None:
            raise PySparkValueError("the group has no state: ask `exists` first, or use `getOption`", errorClass="STATE_NOT_EXISTS")
        return self._value

    @property
    def getOption(self) -> tuple[Any, ...] | None:
        """It, or None."""
        return self._value

    @property
    def hasTimedOut(self) -> bool:
        """Whether it was called for a timeout: never."""
        return False

    @property
    def oldValue(self) -> Row | None:
        """It as it was before the call."""
        return self._before

    def update(self, newValue: tuple[Any, ...]) -> None:
        """Sets it."""
        if newValue is None:
            raise PySparkTypeError("a state is a tuple of its fields, not None: remove() forgets it", errorClass="CANNOT_BE_NONE")
        if len(newValue) != len(self._names):
            message = f"the state has the fields {', '.join(self._names)}, and {len(newValue)} values were given"
            raise PySparkValueError(message, errorClass="LENGTH_SHOULD_BE_THE_SAME")
        self._value = tuple(newValue)
        self._change = ("update", self._value)

    def remove(self) -> None:
        """Forgets it."""
        self._value = None
        self._change = ("remove", None)

    def setTimeoutDuration(self, durationMs: int) -> None:
        """Not there yet."""
        raise UnsupportedOperationException("timeouts of groups are not there yet: use NoTimeout", errorClass="UNSUPPORTED_OPERATION")

    def setTimeoutTimestamp(self, timestampMs: int) -> None:
        """Not there yet."""
        self.setTimeoutDuration(0)

    def getCurrentWatermarkMs(self) -> int:
        """Not there yet."""
        raise UnsupportedOperationException("a group function does not see the watermark yet", errorClass="UNSUPPORTED_OPERATION")

    @property
    def json(self) -> str:
        """It as JSON."""
        return json.dumps(dict(zip(self._names, self._value)) if self._value is not None else None, default=str)


def _struct(schema: Any, what: str) -> StructType:
    struct = type_of(schema)
    if not isinstance(struct, StructType):
        raise PySparkTypeError(f"{what} is a StructType or DDL of columns, not {schema!r}", errorClass="NOT_STR_OR_STRUCT")
    return struct


def _key_of(kind: Kind, key: tuple[Any, ...]) -> tuple[Any, ...]:
    """The key of a group for a function of a kind: Python's values, or scalars of pyarrow."""
    return tuple(map(needed("pyarrow").scalar, key)) if kind == "arrow" else key


def group_function(kind: Kind, func: Callable[..., Any], schema: Any, session: SparkSession) -> _tidemill.GroupFunction:
    """A function over all rows of a group, of its rows alone or of its key and its rows."""
    if not callable(func):
        raise PySparkTypeError(f"a function is called, and {func!r} cannot be", errorClass="NOT_CALLABLE")
    struct, name = _struct(schema, "the schema of the rows"), name_of(func)
    takes_key = len(inspect.signature(func).parameters) > 1

    def call(key: tuple[Any, ...], batch: Any, state: Row | None) -> tuple[list[Any], None]:
        with in_zone_of(session):
            rows = all_rows_of(kind, batch)
            given = func(_key_of(kind, key), rows) if takes_key else func(rows)
            return [table_of(kind, given, struct, name)], None

    return _tidemill.GroupFunction(name, call, struct.json(), None)


def all_rows_function(kind: Kind, func: Callable[..., Any], schema: Any, session: SparkSession) -> _tidemill.BatchesFunction:
    """A function over all rows at once, as one group without a key."""
    if not callable(func):
        raise PySparkTypeError(f"a function is called, and {func!r} cannot be", errorClass="NOT_CALLABLE")
    struct, name = _struct(schema, "the schema of the rows"), name_of(func)
    takes_key = len(inspect.signature(func).parameters) > 1

    def call(batches: Iterable[Any]) -> Iterable[Any]:
        found = [needed("pyarrow").record_batch(batch) for batch in batches]
        if not sum(map(len, found)):
            return
        with in_zone_of(session):
            rows = all_rows_of(kind, needed("pyarrow").Table.from_batches(found))
            yield table_of(kind, func((), rows) if takes_key else func(rows), struct, name)

    return _tidemill.BatchesFunction(name, call, struct.json())


def state_function(
    kind: Kind, func: Callable[..., Any], schema: Any, state: Any, output_mode: str, timeout: str, session: SparkSession
) -> _tidemill.GroupFunction:
    """A function over a group's key, its new rows, and its state."""
    if not callable(func):
        raise PySparkTypeError(f"a function is called, and {func!r} cannot be", errorClass="NOT_CALLABLE")
    if timeout != GroupStateTimeout.NoTimeout:
        message = f"the timeout {timeout!r} of groups is not there yet: use GroupStateTimeout.NoTimeout"
        raise UnsupportedOperationException(message, errorClass="UNSUPPORTED_OPERATION")
    if output_mode.lower() != "append":
        message = f"the output mode {output_mode!r} of groups is not there yet: use append, which gives what the function yields"
        raise UnsupportedOperationException(message, errorClass="UNSUPPORTED_OPERATION")
    struct, fields, name = _struct(schema, "the schema of the rows"), _struct(state, "the schema of the state"), name_of(func)

    def call(key: tuple[Any, ...], batch: Any, before: Row | None) -> tuple[Iterable[Any], Any]:
        kept = GroupState(before, fields.names)
        with in_zone_of(session):
            made = func(_key_of(kind, key), iter([rows_of(kind, batch)]), kept)
            given = [table_of(kind, each, struct, name) for each in made]
        change = kept._change
        if change is not None and change[1] is not None:
            values = zip(change[1], fields)
            change = ("update", tuple(None if value is None else field.dataType.toInternal(value) for value, field in values))
        return given, change

    return _tidemill.GroupFunction(name, call, struct.json(), fields.json())
