"""Streams into DataFrames, and back, by PySpark's names: `spark.readStream`, `df.writeStream`. Queries of several sinks are in
`sinks.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tidemill.errors import PySparkAttributeError, PySparkTypeError, PySparkValueError, UnsupportedOperationException
from tidemill.refused import Refusing
from tidemill.sql.dataframe import DataFrame
from tidemill.sql.options import ddl_of, given_options
from tidemill.sql.streaming.query import StreamingQuery, inside
from tidemill.sql.types import StructType

if TYPE_CHECKING:
    from tidemill.sql.session import SparkSession

__all__ = ["BatchFunction", "DataStreamReader", "DataStreamWriter", "trigger_of"]


class DataStreamReader(Refusing):
    """Collects what to read as a stream."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self._format: str | None = None
        self._schema: str | None = None
        self._name: str | None = None
        self._options: dict[str, str] = {}

    def format(self, source: str) -> DataStreamReader:
        """`json` (the default) or `parquet` for files that arrive in a folder; `rate` for rows by the clock."""
        self._format = source
        return self

    def schema(self, schema: StructType | str) -> DataStreamReader:
        """The columns, as a StructType or as DDL."""
        self._schema = ddl_of(schema)
        return self

    def name(self, source_name: str) -> DataStreamReader:
        """The source's name: its identity across restarts. Without one it comes from the folder's path."""
        if not isinstance(source_name, str) or not source_name:
            raise PySparkTypeError(f"a source's name is a str, not {source_name!r}", errorClass="NOT_STR")
        self._name = source_name
        return self

    def option(self, key: str, value: Any) -> DataStreamReader:
        """An option by Spark's name, such as `maxFilesPerTrigger`."""
        return self.options(**{key: value})

    def options(self, **options: Any) -> DataStreamReader:
        """Options by Spark's names."""
        self._options.update(given_options(options))
        return self

    def load(self, path: str | None = None, format: str | None = None, schema: Any = None, **options: Any) -> DataFrame:
        """The stream of the files that arrive in a folder, or of a format that needs none."""
        if format is not None:
            self.format(format)
        if schema is not None:
            self.schema(schema)
        self.options(**options)
        if path is None:
            path = next((self._options.pop(name) for name in list(self._options) if name.lower() == "path"), None)
        elif not isinstance(path, str) or not path.strip():
            raise PySparkValueError(f"a path is a str that is not empty, not {path!r}", errorClass="VALUE_NOT_NON_EMPTY_STR")
        engine = self._spark._engine
        return self._spark._made(engine.read_stream(self._format, self._name, self._schema, self._options, path or ""))

    def json(self, path: str, schema: Any = None, **options: Any) -> DataFrame:
        """The stream of the JSON files, a row per line, that arrive in a folder."""
        return self.load(path, "json", schema, **options)

    def parquet(self, path: str, **options: Any) -> DataFrame:
        """The stream of the Parquet files that arrive in a folder."""
        return self.load(path, "parquet", **options)


def trigger_of(
    processingTime: str | None = None,
    once: bool | None = None,
    continuous: str | None = None,
    availableNow: bool | None = None,
    realTime: str | None = None,
) -> tuple[str, str]:
    """The kind of a trigger and its interval."""
    given = {"processingTime": processingTime, "once": once, "continuous": continuous, "availableNow": availableNow, "realTime": realTime}
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        message = f"one trigger is given, not {len(named)}: processingTime='5 seconds' or availableNow=True"
        raise PySparkValueError(message, errorClass="ONLY_ALLOW_SINGLE_TRIGGER")
    name, value = named[0], given[named[0]]
    if name in ("once", "availableNow"):
        if value is not True:
            raise PySparkValueError(f"{name} is True or left out, not {value!r}", errorClass="VALUE_NOT_TRUE")
        # One batch or several: what is there at the start is read, and the query ends.
        return "availableNow", ""
    if not isinstance(value, str) or not value.strip():
        raise PySparkValueError(f"{name} is an interval such as '5 seconds', not {value!r}", errorClass="VALUE_NOT_NON_EMPTY_STR")
    return name, value.strip()


class BatchFunction:
    """What calls a function with the rows of an epoch as a DataFrame of its session. `query` is the one whose epochs they are, once it has
    started."""

    def __init__(self, func: Callable[[DataFrame, int], None], df: DataFrame) -> None:
        self._func, self._df = func, df
        self.query: StreamingQuery | None = None
        self.__name__ = getattr(func, "__name__", type(func).__name__)

    def __call__(self, frame: Any, epoch: int) -> None:
        queries = [*getattr(inside, "queries", ()), self.query]
        inside.queries = queries
        try:
            self._func(self._df._then(frame), epoch)
        finally:
            inside.queries = queries[:-1]


def row_function(f: Any) -> Callable[[DataFrame, int], None]:
    """What hands the rows of an epoch to a function or to an object with `process`, one after the other."""
    if not hasattr(f, "process"):
        if not callable(f):
            raise PySparkTypeError(f"foreach takes a function or an object with `process`, not {f!r}", errorClass="ATTRIBUTE_NOT_CALLABLE")

        def each(df: DataFrame, epoch: int) -> None:
            for row in df.toLocalIterator():
                f(row)

        return each
    for name in ("open", "process", "close"):
        if hasattr(f, name) and not callable(getattr(f, name)):
            message = f"`{name}` of {f!r} is called for each epoch, and is no function"
            raise PySparkAttributeError(message, errorClass="ATTRIBUTE_NOT_CALLABLE")

    def all_rows(df: DataFrame, epoch: int) -> None:
        failed: BaseException | None = None
        try:
            if not hasattr(f, "open") or f.open(0, epoch):
                for row in df.toLocalIterator():
                    f.process(row)
        except BaseException as error:
            failed = error
            raise
        finally:
            if hasattr(f, "close"):
                f.close(failed)

    return all_rows


class DataStreamWriter(Refusing):
    """Collects how a stream is written."""

    def __init__(self, df: DataFrame) -> None:
        self._df = df
        self._format = "delta"
        self._name: str | None = None
        self._output_mode = "append"
        self._trigger: tuple[str, str] | None = None
        self._options: dict[str, str] = {}
        self._partition_by: list[str] = []
        self._merge_on: list[str] | None = None
        self._function: Callable[[DataFrame, int], None] | None = None

    def format(self, source: str) -> DataStreamWriter:
        """`delta` (the default), `console`, or `memory`, whose rows are a temporary view of the query's name."""
        self._format = source
        return self

    def outputMode(self, outputMode: str) -> DataStreamWriter:
        """`append`; others are not there yet."""
        if not isinstance(outputMode, str) or not outputMode.strip():
            raise PySparkValueError(f"an output mode is a str, not {outputMode!r}", errorClass="VALUE_NOT_NON_EMPTY_STR")
        self._output_mode = outputMode
        return self

    def queryName(self, queryName: str) -> DataStreamWriter:
        """The query's name."""
        if not isinstance(queryName, str) or not queryName.strip():
            raise PySparkValueError(f"a query's name is a str, not {queryName!r}", errorClass="VALUE_NOT_NON_EMPTY_STR")
        self._name = queryName
        return self

    def option(self, key: str, value: Any) -> DataStreamWriter:
        """An option by Spark's name, such as `checkpointLocation`."""
        return self.options(**{key: value})

    def options(self, **options: Any) -> DataStreamWriter:
        """Options by Spark's names."""
        self._options.update(given_options(options))
        return self

    def partitionBy(self, *cols: Any) -> DataStreamWriter:
        """The columns whose values are folders of a table that is made."""
        self._partition_by = list(cols[0]) if len(cols) == 1 and isinstance(cols[0], (list, tuple)) else list(cols)
        return self

    def mergeOn(self, *cols: str) -> DataStreamWriter:
        """Merges into the Delta table by these columns, in place of appending: a row whose key is there replaces it."""
        self._merge_on = list(cols)
        return self

    def trigger(
        self,
        *,
        processingTime: str | None = None,
        once: bool | None = None,
        continuous: str | None = None,
        availableNow: bool | None = None,
        realTime: str | None = None,
    ) -> DataStreamWriter:
        """When epochs run: each `processingTime`, as soon as there is something to do (without one), or until all is read that is there
        (`availableNow`; `once` is the same)."""
        self._trigger = trigger_of(processingTime, once, continuous, availableNow, realTime)
        return self

    def foreachBatch(self, func: Callable[[DataFrame, int], None]) -> DataStreamWriter:
        """Calls a function with the rows of each epoch as a DataFrame, and the epoch's number: at least once, the same rows with the same
        number."""
        if not callable(func):
            raise PySparkTypeError(f"foreachBatch takes a function, not {func!r}", errorClass="NOT_CALLABLE")
        self._function = func
        return self

    def foreach(self, f: Any) -> DataStreamWriter:
        """Calls a function with each row; or an object's `open(partition, epoch)`, `process(row)` and `close(error)`."""
        self._function = row_function(f)
        return self

    def _start(self, table: str | None) -> StreamingQuery:
        if self._trigger is not None and self._trigger[0] in ("continuous", "realTime"):
            message = (
                f"the trigger {self._trigger[0]} is not there: leave the trigger out, and epochs run as soon as there is something to do"
            )
            raise UnsupportedOperationException(message, errorClass="UNSUPPORTED_OPERATION")
        self._df.sparkSession.streams._refuse_name(self._name)
        function = None if self._function is None else BatchFunction(self._function, self._df)
        how = {
            "format": self._format,
            "name": self._name,
            "output_mode": self._output_mode,
            "trigger": self._trigger,
            "options": self._options,
            "partition_by": self._partition_by,
            "merge_on": self._merge_on,
            "table": table,
            "function": function,
        }
        made = self._df.sparkSession.streams._started(self._df.sparkSession._engine.write_stream(self._df._frame, how))
        if function is not None:
            function.query = made
        return made

    def _with(self, format: str | None, outputMode: str | None, partitionBy: Any, queryName: str | None, options: dict[str, Any]) -> None:
        if format is not None:
            self.format(format)
        if outputMode is not None:
            self.outputMode(outputMode)
        if partitionBy is not None:
            self.partitionBy(*([partitionBy] if isinstance(partitionBy, str) else partitionBy))
        if queryName is not None:
            self.queryName(queryName)
        self.options(**options)

    def start(
        self,
        path: str | None = None,
        format: str | None = None,
        outputMode: str | None = None,
        partitionBy: Any = None,
        queryName: str | None = None,
        **options: Any,
    ) -> StreamingQuery:
        """Starts the query."""
        self._with(format, outputMode, partitionBy, queryName, options)
        if path is not None:
            self.option("path", path)
        return self._start(None)

    def toTable(
        self,
        tableName: str,
        format: str | None = None,
        outputMode: str | None = None,
        partitionBy: Any = None,
        queryName: str | None = None,
        **options: Any,
    ) -> StreamingQuery:
        """Starts the query into a Delta table: the catalog's of this name, which is made if it is not there, or the one at a path, which
        has a `/`."""
        self._with(format, outputMode, partitionBy, queryName, options)
        return self._start(tableName)
