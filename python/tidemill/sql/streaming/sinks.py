"""Queries of several sinks, which PySpark does not have: one record per epoch for all of them, and what their plans share runs once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tidemill import _tidemill
from tidemill.errors import PySparkTypeError, PySparkValueError
from tidemill.sql.column import Column
from tidemill.sql.streaming.query import StreamingQuery
from tidemill.sql.streaming.readwriter import BatchFunction, trigger_of

if TYPE_CHECKING:
    from tidemill.sql.dataframe import DataFrame
    from tidemill.sql.session import SparkSession

__all__ = ["StreamSink", "StreamingQueryBuilder"]


class StreamSink:
    """Where rows of a query go."""

    def __init__(self, make: Callable[[DataFrame], _tidemill.StreamSink], functions: list[BatchFunction] | None = None) -> None:
        self._make, self._functions = make, [] if functions is None else functions

    @classmethod
    def deltaAppend(cls, path: str) -> StreamSink:
        """Appends to the Delta table at a path, exactly once; the table is made if it is not there."""
        return cls(lambda df: _tidemill.StreamSink.delta_append(path))

    @classmethod
    def deltaMerge(cls, path: str, on: str | list[str]) -> StreamSink:
        """Merges into the Delta table at a path, exactly once: a row whose key is there replaces it, others are inserted."""
        return cls(lambda df: _tidemill.StreamSink.delta_merge(path, [on] if isinstance(on, str) else list(on)))

    @classmethod
    def console(cls) -> StreamSink:
        """Prints rows; an epoch that runs again is printed again."""
        return cls(lambda df: _tidemill.StreamSink.console())

    @classmethod
    def foreachBatch(cls, name: str, func: Callable[[DataFrame, int], None]) -> StreamSink:
        """Calls a function with the rows of each epoch as a DataFrame, and the epoch's number: at least once."""
        functions: list[BatchFunction] = []

        def make(df: DataFrame) -> _tidemill.StreamSink:
            functions.append(BatchFunction(func, df))
            return _tidemill.StreamSink.foreach_batch(name, df._frame, functions[-1])

        return cls(make, functions)

    def named(self, name: str) -> StreamSink:
        """The same under a name: its identity across restarts. Without one, a table's is its own id."""
        return StreamSink(lambda df: self._make(df).named(name), self._functions)

    def whenMatched(self, condition: Column | str) -> StreamSink:
        """For a merge: a matched row is replaced only where a condition over `source.…` and `target.…` holds."""
        column = _tidemill.Column.expr(condition) if isinstance(condition, str) else condition._column
        return StreamSink(lambda df: self._make(df).when_matched(column), self._functions)


class StreamingQueryBuilder:
    """Collects the sinks of a query."""

    def __init__(self, spark: SparkSession, name: str) -> None:
        self._spark, self._name = spark, name
        self._checkpoint: str | None = None
        self._trigger: tuple[str, str] | None = None
        self._sinks: list[tuple[_tidemill.DataFrame, _tidemill.StreamSink]] = []
        self._functions: list[list[BatchFunction]] = []

    def checkpointLocation(self, path: str) -> StreamingQueryBuilder:
        """The folder in which the query keeps its log and state."""
        self._checkpoint = path
        return self

    def trigger(self, *, processingTime: str | None = None, availableNow: bool | None = None) -> StreamingQueryBuilder:
        """When epochs run: as `df.writeStream.trigger`."""
        self._trigger = trigger_of(processingTime, None, None, availableNow, None)
        return self

    def _add(self, df: DataFrame, sink: StreamSink) -> StreamingQueryBuilder:
        if not isinstance(sink, StreamSink):
            raise PySparkTypeError(f"a sink is made by StreamSink, and {sink!r} is none", errorClass="NOT_EXPECTED_TYPE")
        self._sinks.append((df._frame, sink._make(df)))
        self._functions.append(sink._functions)
        return self

    def add(self, df: DataFrame, sink: StreamSink) -> StreamingQueryBuilder:
        """Writes the rows of a DataFrame to a sink."""
        return self._add(df, sink)

    def withLateRows(self, df: DataFrame, sink: StreamSink) -> StreamingQueryBuilder:
        """Writes the rows that the watermark drops at the operator that a DataFrame ends in, with `operator`, `watermark` and `epoch`, to
        a sink: late rows are not lost."""
        return self._add(df.lateRows(), sink)

    def withDeadLetters(self, df: DataFrame, sink: StreamSink) -> StreamingQueryBuilder:
        """Writes the input that a source could not read (`file`, `line`, `text`, `reason`) to a sink."""
        return self._add(df.malformedRows(), sink)

    def start(self) -> StreamingQuery:
        """Plans the query once, recovers from its checkpoint, and runs it until it is stopped."""
        if not self._sinks:
            raise PySparkValueError("a query needs a sink: add(df, StreamSink.…)", errorClass="CANNOT_BE_EMPTY")
        self._spark.streams._refuse_name(self._name)
        made = self._spark.streams._started(self._spark._engine.start_query(self._name, self._checkpoint, self._trigger, self._sinks))
        for function in (function for functions in self._functions for function in functions):
            function.query = made
        return made
