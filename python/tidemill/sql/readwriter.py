"""Files and tables into DataFrames, and back, by PySpark's names: `spark.read`, `df.write`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidemill.errors import PySparkTypeError, PySparkValueError
from tidemill.refused import Refusing
from tidemill.sql.dataframe import DataFrame
from tidemill.sql.options import ddl_of, given_options
from tidemill.sql.types import StructType

if TYPE_CHECKING:
    from tidemill.sql.session import SparkSession

__all__ = ["DataFrameReader", "DataFrameWriter"]


def _paths(path: Any) -> list[str]:
    listed = list(path) if isinstance(path, (list, tuple)) else [path]
    for each in listed:
        if not isinstance(each, str):
            raise PySparkTypeError(f"a path is a str, not {each!r}", errorClass="NOT_STR_OR_LIST_OF_STR")
    return listed


class DataFrameReader(Refusing):
    """Collects what to read."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self._format: str | None = None
        self._schema: str | None = None
        self._options: dict[str, str] = {}

    def format(self, source: str) -> DataFrameReader:
        """`delta` (the default), `parquet`, `json`, `csv`, `text` or `arrow`."""
        self._format = source
        return self

    def schema(self, schema: StructType | str) -> DataFrameReader:
        """The columns, as a StructType or as DDL."""
        self._schema = ddl_of(schema)
        return self

    def option(self, key: str, value: Any) -> DataFrameReader:
        """An option by Spark's name."""
        return self.options(**{key: value})

    def options(self, **options: Any) -> DataFrameReader:
        """Options by Spark's names."""
        self._options.update(given_options(options))
        return self

    def load(self, path: Any = None, format: str | None = None, schema: StructType | str | None = None, **options: Any) -> DataFrame:
        """What is at a path, or at several."""
        if format is not None:
            self.format(format)
        if schema is not None:
            self.schema(schema)
        self.options(**options)
        if path is None:
            path = next((self._options[name] for name in self._options if name.lower() == "path"), None)
        if path is None:
            raise PySparkValueError("load needs a path", errorClass="ARGUMENT_REQUIRED")
        rest = {name: value for name, value in self._options.items() if name.lower() != "path"}
        return self._spark._made(self._spark._engine.load(self._format, self._schema, rest, _paths(path)))

    def table(self, tableName: str) -> DataFrame:
        """A table or view by its name, with the rows that it has now."""
        given = sorted(self._options) + (["schema"] if self._schema is not None else [])
        if given:
            said = ", ".join(given)
            message = f"a table by its name takes no options ({said}): select() chooses columns, and VERSION AS OF in SQL a version"
            raise PySparkValueError(message, errorClass="UNSUPPORTED_OPERATION")
        return self._spark.table(tableName)

    def parquet(self, *paths: str, **options: Any) -> DataFrame:
        """Parquet files."""
        return self.load(list(paths), "parquet", **options)

    def json(self, path: Any, schema: StructType | str | None = None, **options: Any) -> DataFrame:
        """JSON, a value per line."""
        return self.load(path, "json", schema, **options)

    def csv(self, path: Any, schema: StructType | str | None = None, **options: Any) -> DataFrame:
        """Values with separators."""
        return self.load(path, "csv", schema, **options)

    def text(self, paths: Any, wholetext: bool = False, lineSep: str | None = None, **options: Any) -> DataFrame:
        """Lines of text, as a column `value` unless a schema names it."""
        return self.load(paths, "text", wholetext=wholetext, lineSep=lineSep, **options)


class DataFrameWriter(Refusing):
    """Collects how to save."""

    def __init__(self, df: DataFrame) -> None:
        self._df = df
        self._format: str | None = None
        self._mode: str | None = None
        self._options: dict[str, str] = {}
        self._partition_by: list[str] = []
        self._cluster_by: list[str] = []

    def format(self, source: str) -> DataFrameWriter:
        """`delta` (the default of paths), `parquet` (that of tables), `json`, `csv`, `text` or `arrow`."""
        self._format = source
        return self

    def mode(self, saveMode: str | None) -> DataFrameWriter:
        """`error` (the default), `append`, `overwrite` or `ignore`."""
        self._mode = saveMode or self._mode
        return self

    def option(self, key: str, value: Any) -> DataFrameWriter:
        """An option by Spark's name."""
        return self.options(**{key: value})

    def options(self, **options: Any) -> DataFrameWriter:
        """Options by Spark's names."""
        self._options.update(given_options(options))
        return self

    def partitionBy(self, *cols: Any) -> DataFrameWriter:
        """The columns whose values are folders."""
        self._partition_by = list(cols[0]) if len(cols) == 1 and isinstance(cols[0], (list, tuple)) else list(cols)
        return self

    def clusterBy(self, *cols: Any) -> DataFrameWriter:
        """The columns by which rows that are alike are written beside each other: each file is sorted by them. A table does not remember
        it for the next rows."""
        self._cluster_by = list(cols[0]) if len(cols) == 1 and isinstance(cols[0], (list, tuple)) else list(cols)
        return self

    def _save(self, to: str, target: str) -> None:
        rows = self._df.sortWithinPartitions(*self._cluster_by) if self._cluster_by else self._df
        rows._frame.save(to, target, self._format, self._mode, self._options, self._partition_by)

    def _with(self, format: str | None, mode: str | None, partition_by: Any, options: dict[str, Any]) -> DataFrameWriter:
        if format is not None:
            self.format(format)
        if partition_by is not None:
            self.partitionBy(*([partition_by] if isinstance(partition_by, str) else partition_by))
        return self.mode(mode).options(**options)

    def save(
        self, path: str | None = None, format: str | None = None, mode: str | None = None, partitionBy: Any = None, **options: Any
    ) -> None:
        """Saves the rows at a path."""
        self._with(format, mode, partitionBy, options)
        if path is None:
            path = next((self._options.pop(name) for name in list(self._options) if name.lower() == "path"), None)
        if path is None:
            raise PySparkValueError("save needs a path: saveAsTable saves under a name", errorClass="ARGUMENT_REQUIRED")
        self._save("path", path)

    def saveAsTable(self, name: str, format: str | None = None, mode: str | None = None, partitionBy: Any = None, **options: Any) -> None:
        """Saves the rows as a table of the catalog."""
        self._with(format, mode, partitionBy, options)._save("table", name)

    def insertInto(self, tableName: str, overwrite: bool | None = None) -> None:
        """Adds the rows to a table, columns by their places; or puts them in the place of its rows."""
        self.mode(None if overwrite is None else "overwrite" if overwrite else "append")._save("into", tableName)

    def parquet(self, path: str, mode: str | None = None, partitionBy: Any = None, compression: str | None = None) -> None:
        """Saves the rows as Parquet files."""
        self.save(path, "parquet", mode, partitionBy, compression=compression)

    def json(self, path: str, mode: str | None = None, **options: Any) -> None:
        """Saves the rows as JSON, one per line."""
        self.save(path, "json", mode, **options)

    def csv(self, path: str, mode: str | None = None, **options: Any) -> None:
        """Saves the rows as values with separators."""
        self.save(path, "csv", mode, **options)

    def text(self, path: str, compression: str | None = None, lineSep: str | None = None) -> None:
        """Saves the rows as lines: there is one column, of text."""
        self.save(path, "text", compression=compression, lineSep=lineSep)
