"""Sessions, by PySpark's names: `SparkSession.builder.getOrCreate()`."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterable
from typing import Any, ClassVar

from tidemill import _tidemill
from tidemill.conf import SparkConf
from tidemill.errors import AnalysisException, PySparkTypeError, PySparkValueError
from tidemill.refused import Refusing
from tidemill.sql import inference
from tidemill.sql.catalog import Catalog
from tidemill.sql.column import Column
from tidemill.sql.conf import RuntimeConfig, as_text
from tidemill.sql.dataframe import DataFrame
from tidemill.sql.literal import literal
from tidemill.sql.progress import ProgressHandler, told_as_in_spark
from tidemill.sql.readwriter import DataFrameReader
from tidemill.sql.streaming.query import StreamingQueryManager
from tidemill.sql.streaming.readwriter import DataStreamReader
from tidemill.sql.streaming.sinks import StreamingQueryBuilder
from tidemill.sql.tvf import TableValuedFunction
from tidemill.sql.types import AtomicType, DataType, StructField, StructType, of_ddl
from tidemill.sql.udf import UDFRegistration

__all__ = ["SparkSession"]


class _ClassProperty:
    """A property of a class."""

    def __init__(self, get: Any) -> None:
        self._get = get

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self._get(owner)


class SparkSession(Refusing):
    """One program's work: settings, temporary views, and the engine in this process."""

    _lock: ClassVar[threading.RLock] = threading.RLock()
    _active: ClassVar[SparkSession | None] = None

    class Builder:
        """Collects settings for a session."""

        def __init__(self) -> None:
            self._settings: dict[str, str] = {}

        def config(
            self, key: str | None = None, value: Any = None, conf: SparkConf | None = None, *, map: dict[str, Any] | None = None
        ) -> SparkSession.Builder:
            """A setting, or several: of a SparkConf, or in `map`."""
            given = {**(dict(conf.getAll()) if conf is not None else {}), **(map or {}), **({key: value} if key is not None else {})}
            for name, each in given.items():
                self._settings[name] = as_text(each)
            return self

        def appName(self, name: str) -> SparkSession.Builder:
            """A name for the program."""
            return self.config("spark.app.name", name)

        def master(self, master: str) -> SparkSession.Builder:
            """Threads that compute and tasks of a stage: `local[n]`, `local[*]` for one per core, `local[n,f]` for f failures of a task;
            `local-cluster[e,n,m]` for e executors in this process, each with n threads and m MB."""
            return self.config("spark.master", master)

        def enableHiveSupport(self) -> SparkSession.Builder:
            """Nothing: the catalog is there always."""
            return self

        def remote(self, url: str) -> SparkSession.Builder:
            """Refused: the engine is in this process."""
            raise PySparkValueError(
                f"the engine runs in this process, and not at {url!r}: leave remote() out", errorClass="UNSUPPORTED_OPERATION"
            )

        def getOrCreate(self) -> SparkSession:
            """The session of this process, with these settings."""
            with SparkSession._lock:
                active = SparkSession._active
                if active is None:
                    return self.create()
                for name, value in self._settings.items():
                    if active._engine.setting(name) != value:
                        try:
                            active.conf.set(name, value)
                        except AnalysisException as error:
                            if error.getCondition() != "CANNOT_MODIFY_CONFIG":
                                raise
                            warnings.warn(f"the session is there already, and keeps its {name}: stop() it first", stacklevel=2)
                return active

        def create(self) -> SparkSession:
            """A new session with these settings."""
            with SparkSession._lock:
                SparkSession._active = SparkSession(_tidemill.Session(self._settings), self._settings)
                if self._settings.get("spark.ui.showConsoleProgress", "").lower() == "true":
                    from tidemill.notebook.progress import ProgressDisplay

                    _tidemill.set_progress(ProgressDisplay())
                return SparkSession._active

    builder: ClassVar[SparkSession.Builder] = _ClassProperty(lambda owner: owner.Builder())  # type: ignore[assignment]

    def __init__(self, engine: _tidemill.Session, settings: dict[str, str]) -> None:
        self._engine, self._settings = engine, dict(settings)
        self._progress_handlers: list[tuple[ProgressHandler, int]] = []
        self._streams = StreamingQueryManager()

    def _made(self, frame: _tidemill.DataFrame) -> DataFrame:
        return DataFrame(frame, self)

    @classmethod
    def active(cls) -> SparkSession:
        """The session of this process."""
        if cls._active is None:
            raise PySparkValueError("there is no session: SparkSession.builder.getOrCreate() makes one", errorClass="NO_ACTIVE_SESSION")
        return cls._active

    @classmethod
    def getActiveSession(cls) -> SparkSession | None:
        """The session of this process, or None."""
        return cls._active

    @property
    def conf(self) -> RuntimeConfig:
        """The settings."""
        return RuntimeConfig(self._engine)

    @property
    def read(self) -> DataFrameReader:
        """Reads files and tables."""
        return DataFrameReader(self)

    @property
    def readStream(self) -> DataStreamReader:
        """Reads streams."""
        return DataStreamReader(self)

    @property
    def streams(self) -> StreamingQueryManager:
        """The streaming queries."""
        return self._streams

    def streamingQuery(self, name: str) -> StreamingQueryBuilder:
        """Begins a streaming query of one or several sinks, which PySpark does not have."""
        return StreamingQueryBuilder(self, name)

    @property
    def catalog(self) -> Catalog:
        """What there is by name."""
        return Catalog(self)

    @property
    def udf(self) -> UDFRegistration:
        """Lets SQL call functions of the program."""
        return UDFRegistration(self)

    @property
    def tvf(self) -> TableValuedFunction:
        """Functions that give a table."""
        return TableValuedFunction(self)

    @property
    def version(self) -> str:
        """The release of Spark whose names and rules these are."""
        return "4.2.0"

    def newSession(self) -> SparkSession:
        """A session with the same catalog, begun with the same settings, and with temporary views of its own."""
        return SparkSession(_tidemill.Session(self._settings), self._settings)

    def stop(self) -> None:
        """Ends its streaming queries, and forgets the session of this process."""
        for query in self._streams.active:
            query.stop()
        with SparkSession._lock:
            if SparkSession._active is self:
                SparkSession._active = None

    def registerProgressHandler(self, handler: ProgressHandler) -> None:
        """Has `handler(stages=, inflight_tasks=, operation_id=, done=)` called with how far batch queries are that take longer than half a
        second, by whoever waits for them: `stages` are `StageInfo`s, and `done` is said once, when the query has ended."""
        if all(known != handler for known, _ in self._progress_handlers):
            self._progress_handlers.append((handler, self._engine.add_progress_handler(told_as_in_spark(handler))))

    def removeProgressHandler(self, handler: ProgressHandler) -> None:
        """Has it called no more."""
        for at, (known, number) in enumerate(self._progress_handlers):
            if known == handler:
                self._engine.remove_progress_handler(number)
                del self._progress_handlers[at]
                return
        raise PySparkValueError("the handler was not registered", errorClass="INVALID_HANDLER")

    def clearProgressHandlers(self) -> None:
        """Has none of them called any more."""
        while self._progress_handlers:
            self._engine.remove_progress_handler(self._progress_handlers.pop()[1])

    def __enter__(self) -> SparkSession:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def sql(self, sqlQuery: str, args: Any = None, **kwargs: Any) -> DataFrame:
        """A statement. `args` gives values to its parameters: a dict for `:name`, a list for `?`. `{name}` stands for what is given as
        `name=…`: a DataFrame, a Column, or a value."""
        views: list[str] = []
        if kwargs:
            sqlQuery = self._filled(sqlQuery, kwargs, views)
        if args is None:
            values = None
        elif isinstance(args, dict):
            values = [_value(value).alias(name) for name, value in args.items()]
        elif isinstance(args, (list, tuple)):
            values = [_value(value) for value in args]
        else:
            raise PySparkTypeError(f"args is a dict or a list, not {args!r}", errorClass="INVALID_TYPE")
        try:
            return self._made(self._engine.sql(sqlQuery, values))
        finally:
            for view in views:
                self._engine.drop_temp_view(view)

    def _filled(self, text: str, given: dict[str, Any], views: list[str]) -> str:
        import string
        import uuid

        class Filler(string.Formatter):
            def format_field(self, value: Any, spec: str) -> Any:
                if isinstance(value, DataFrame):
                    name = f"_tidemill_{uuid.uuid4().hex}"
                    value.createTempView(name)
                    views.append(name)
                    return name
                if isinstance(value, Column):
                    return _name_of(value)
                return super().format_field(_quoted(value) if isinstance(value, str) else value, spec)

            def get_value(self, key: Any, args: Any, kwargs: Any) -> Any:
                if key not in kwargs:
                    raise PySparkValueError(f"the statement has {{{key}}}, and nothing is given for it", errorClass="ARGUMENT_REQUIRED")
                return kwargs[key]

        return Filler().vformat(text, (), given)

    def table(self, tableName: str) -> DataFrame:
        """A table or view by its name."""
        if not isinstance(tableName, str):
            raise PySparkTypeError(f"the name of a table is a str, not {tableName!r}", errorClass="NOT_STR")
        made = self._made(self._engine.table(tableName))
        # A name that is none is told at this line.
        made._frame.dtypes()
        return made

    def range(self, start: int, end: int | None = None, step: int = 1, numPartitions: int | None = None) -> DataFrame:
        """Numbers from `start` up to `end`, in a column `id`; with one number, up to that one from 0."""
        first, last = (0, start) if end is None else (start, end)
        return self._made(self._engine.range(int(first), int(last), int(step), numPartitions))

    def emptyDataFrame(self, schema: StructType | str) -> DataFrame:
        """A DataFrame of these columns without a row."""
        return self.createDataFrame([], schema)

    def createDataFrame(self, data: Any, schema: Any = None, samplingRatio: float | None = None, verifySchema: bool = True) -> DataFrame:
        """A DataFrame of rows: of tuples, lists, dicts, Rows or plain values; of pandas, Polars or pyarrow; of anything that hands its
        rows over by Arrow. `schema` is a StructType, DDL, or a list of names."""
        if isinstance(data, DataFrame):
            raise PySparkTypeError("data is a DataFrame already", errorClass="INVALID_TYPE")
        if isinstance(schema, str):
            schema = of_ddl(schema)
        if schema is not None and not isinstance(schema, (DataType, list, tuple)):
            raise PySparkTypeError(
                f"a schema is a StructType, DDL or a list of names, not {schema!r}", errorClass="NOT_LIST_OR_NONE_OR_STRUCT"
            )
        names = list(schema) if isinstance(schema, (list, tuple)) else None
        if _is_pandas(data):
            data = _arrow_of_pandas(data, self.conf.get("spark.sql.session.timeZone") or "UTC")
        if hasattr(data, "__arrow_c_stream__"):
            return self._of_arrow(data, schema if isinstance(schema, StructType) else None, names)
        if type(data).__module__ == "numpy" and hasattr(data, "tolist"):
            rows = data.tolist()
            if data.ndim == 1:
                rows = [(value,) for value in rows]
        elif isinstance(data, Iterable) and not isinstance(data, (str, bytes)):
            rows = list(data)
        else:
            raise PySparkTypeError(f"rows are a list or a table, not {data!r}", errorClass="CANNOT_ACCEPT_OBJECT_IN_TYPE")
        struct, tuples = self._shaped(rows, schema, names, verifySchema)
        columns = [list(column) for column in zip(*tuples)] if tuples else [[] for _ in struct]
        return self._made(self._engine.of_columns(columns, struct.json(), len(tuples)))

    def _shaped(self, rows: list[Any], schema: Any, names: list[str] | None, verify: bool) -> tuple[StructType, list[Any]]:
        """The columns, and the rows in their inner form."""
        wrapped = False
        if isinstance(schema, StructType):
            struct = schema
        elif isinstance(schema, AtomicType) or (isinstance(schema, DataType) and not isinstance(schema, StructType)):
            struct, wrapped = StructType([StructField("value", schema)]), True
        else:
            struct = inference.schema_of(rows, names)
        if verify:
            check = inference.verifier(struct["value"].dataType if wrapped else struct, name=None)
            for number, row in enumerate(rows):
                try:
                    check(row)
                except (PySparkTypeError, PySparkValueError) as error:
                    error.args = (f"row {number + 1}: {error.getMessage()}",)
                    error._message = error.args[0]
                    raise
        if wrapped:
            rows = [(row,) for row in rows]
        plain = all(isinstance(row, (tuple, list, dict)) or hasattr(row, "__dict__") for row in rows)
        rows = rows if plain else [row if isinstance(row, (tuple, list, dict)) or hasattr(row, "__dict__") else (row,) for row in rows]
        return struct, [struct.toInternal(row) for row in rows]

    def _of_arrow(self, data: Any, struct: StructType | None, names: list[str] | None) -> DataFrame:
        made = self._made(self._engine.of_arrow(data))
        if names is not None:
            return made.toDF(*names)
        if struct is not None:
            if len(struct) != len(made.columns):
                message = f"the schema has {len(struct)} columns, and the rows have {len(made.columns)}"
                raise PySparkValueError(message, errorClass="AXIS_LENGTH_MISMATCH")
            renamed = made.toDF(*struct.names)
            return renamed.select(*[renamed[place].cast(field.dataType).alias(field.name) for place, field in enumerate(struct)])
        return made


def _value(value: Any) -> _tidemill.Column:
    return value._column if isinstance(value, Column) else literal(value)


def _name_of(column: Column) -> str:
    """A column's name as SQL.

    Raises `PySparkValueError` for what is no plain name: an expression's text is not always SQL of the same meaning.
    """
    parts = column._column.name_parts()
    if parts is None:
        message = f"{column} is no plain column: write the expression in the statement, and give its columns and values"
        raise PySparkValueError(message, errorClass="UNSUPPORTED_OPERATION")
    return ".".join(f"`{part.replace('`', '``')}`" for part in parts)


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _is_pandas(data: Any) -> bool:
    return any(base.__module__.split(".")[0] == "pandas" and base.__name__ == "DataFrame" for base in type(data).__mro__)


def _arrow_of_pandas(data: Any, zone: str) -> Any:
    import pyarrow

    # A time without a zone is a moment, in the session's zone.
    local = [name for name in data.columns if data[name].dtype.kind == "M" and getattr(data[name].dtype, "tz", None) is None]
    if local:
        data = data.assign(**{name: data[name].dt.tz_localize(zone, ambiguous=False) for name in local})
    return pyarrow.Table.from_pandas(data, preserve_index=False)
