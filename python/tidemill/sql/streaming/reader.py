"""Reading streams, by PySpark's names: `spark.readStream`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidemill.errors import PySparkTypeError, PySparkValueError
from tidemill.sql.conf import as_text
from tidemill.sql.dataframe import DataFrame
from tidemill.sql.types import StructType

if TYPE_CHECKING:
    from tidemill.sql.session import SparkSession

__all__ = ["DataStreamReader"]


class DataStreamReader:
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
        if isinstance(schema, StructType):
            schema = schema.toDDL()
        if not isinstance(schema, str):
            raise PySparkTypeError(f"a schema is a StructType or DDL, not {schema!r}", errorClass="NOT_STR_OR_STRUCT")
        self._schema = schema
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
        self._options.update({name: as_text(value) for name, value in options.items() if value is not None})
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

    def csv(self, path: str, schema: Any = None, **options: Any) -> DataFrame:
        """Not there: the engine says what to do instead."""
        return self.load(path, "csv", schema, **options)

    def orc(self, path: str, **options: Any) -> DataFrame:
        """Not there: the engine says what to do instead."""
        return self.load(path, "orc", **options)

    def text(self, path: str, **options: Any) -> DataFrame:
        """Not there: the engine says what to do instead."""
        return self.load(path, "text", **options)

    def table(self, tableName: str) -> DataFrame:
        """Not there: the engine says what to do instead."""
        return self.load(tableName, "delta")
