"""Delta tables, by delta-spark's names: `DeltaTable.forPath(spark, path)`: rows, history, merges."""

from __future__ import annotations

from typing import Any

from tidemill import _tidemill
from tidemill.errors import AnalysisException, PySparkNotImplementedError, PySparkTypeError, PySparkValueError
from tidemill.refused import Refusing
from tidemill.sql.column import Column, ddl
from tidemill.sql.dataframe import DataFrame
from tidemill.sql.session import SparkSession
from tidemill.sql.types import DataType, StructType

__all__ = ["DeltaMergeBuilder", "DeltaTable", "DeltaTableBuilder"]


def _named(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


class DeltaTable(Refusing):
    """A Delta table."""

    def __init__(self, spark: SparkSession, table: _tidemill.DeltaTable, alias: str | None = None) -> None:
        self._spark, self._table, self._alias = spark, table, alias

    @classmethod
    def forPath(cls, sparkSession: SparkSession, path: str, hadoopConf: Any = None) -> DeltaTable:
        """The table at a path.

        Raises `AnalysisException` when there is none.
        """
        made = cls(sparkSession, sparkSession._engine.delta_table(path, None))
        made._table.rows()
        return made

    @classmethod
    def forName(cls, sparkSession: SparkSession, tableOrViewName: str) -> DeltaTable:
        """The table of a name in the catalog."""
        return cls(sparkSession, sparkSession._engine.delta_table(None, tableOrViewName))

    @classmethod
    def isDeltaTable(cls, sparkSession: SparkSession, identifier: str) -> bool:
        """Whether there is a Delta table at a path."""
        try:
            sparkSession._engine.delta_table(identifier, None).rows()
        except AnalysisException:
            return False
        return True

    @classmethod
    def create(cls, sparkSession: SparkSession | None = None) -> DeltaTableBuilder:
        """Begins a table that is not there yet."""
        return DeltaTableBuilder(sparkSession or SparkSession.active(), "CREATE TABLE")

    @classmethod
    def createIfNotExists(cls, sparkSession: SparkSession | None = None) -> DeltaTableBuilder:
        """Begins a table, or takes the one that is there."""
        return DeltaTableBuilder(sparkSession or SparkSession.active(), "CREATE TABLE IF NOT EXISTS")

    @classmethod
    def createOrReplace(cls, sparkSession: SparkSession | None = None) -> DeltaTableBuilder:
        """Begins a table that takes the place of the one that is there."""
        return DeltaTableBuilder(sparkSession or SparkSession.active(), "CREATE OR REPLACE TABLE")

    def toDF(self) -> DataFrame:
        """Its rows as they are now."""
        made = self._spark._made(self._table.rows())
        return made if self._alias is None else made.alias(self._alias)

    def alias(self, aliasName: str) -> DeltaTable:
        """The same under a name for the conditions of a merge."""
        return DeltaTable(self._spark, self._table, aliasName)

    def history(self, limit: int | None = None) -> DataFrame:
        """Its commits, newest first."""
        made = self._spark._made(self._table.history())
        return made if limit is None else made.limit(limit)

    def detail(self) -> DataFrame:
        """What it is and where."""
        return self._spark.sql(f"DESCRIBE DETAIL delta.{_named(self._table.path())}")

    def delete(self, condition: Any = None) -> None:
        """Removes all rows; those of a condition not yet."""
        if condition is not None:
            raise PySparkNotImplementedError(
                "rows of a condition are not removed yet: write the rows that stay in their place, with mode('overwrite')",
                errorClass="NOT_IMPLEMENTED",
            )
        self._spark.sql(f"DELETE FROM delta.{_named(self._table.path())}").collect()

    def merge(self, source: DataFrame, condition: str | Column) -> DeltaMergeBuilder:
        """Begins a merge of rows into the table where a condition holds, as in `target.id = source.id`: columns of one name that are
        equal. The sides are called by their aliases; without them, `source` and `target`."""
        if not isinstance(source, DataFrame):
            raise PySparkTypeError(f"rows are merged out of a DataFrame, not {source!r}", errorClass="NOT_DATAFRAME")
        return DeltaMergeBuilder(self, source, _condition(condition))


def _condition(condition: str | Column) -> _tidemill.Column:
    if isinstance(condition, str):
        return _tidemill.Column.expr(condition)
    if isinstance(condition, Column):
        return condition._column
    raise PySparkTypeError(f"a condition is a Column or SQL, not {condition!r}", errorClass="NOT_COLUMN_OR_STR")


class DeltaMergeBuilder(Refusing):
    """Collects what a merge does; `execute()` does it as one commit."""

    def __init__(self, table: DeltaTable, source: DataFrame, condition: _tidemill.Column) -> None:
        self._table, self._source, self._condition = table, source, condition
        self._updates, self._inserts = False, False
        self._update_condition: _tidemill.Column | None = None

    def whenMatchedUpdateAll(self, condition: str | Column | None = None) -> DeltaMergeBuilder:
        """A row whose key is there takes its place, where a condition over both holds."""
        if self._updates:
            raise PySparkValueError("a merge has one whenMatchedUpdateAll: make one condition of both", errorClass="UNSUPPORTED_OPERATION")
        self._updates = True
        self._update_condition = None if condition is None else _condition(condition)
        return self

    def whenNotMatchedInsertAll(self, condition: str | Column | None = None) -> DeltaMergeBuilder:
        """A row whose key is not there is inserted."""
        if condition is not None:
            message = "whenNotMatchedInsertAll takes no condition yet: filter the source before"
            raise PySparkNotImplementedError(message, errorClass="NOT_IMPLEMENTED")
        self._inserts = True
        return self

    def execute(self) -> DataFrame:
        """Merges, as one commit; gives how many rows it changed.

        Raises an exception when two rows of the source have one key.
        """
        aliases = (self._source._frame.alias_name() or "source", self._table._alias or "target")
        updated, inserted = self._table._table.merge(
            self._source._frame, self._condition, aliases, self._updates, self._update_condition, self._inserts
        )
        columns = "num_affected_rows bigint, num_updated_rows bigint, num_deleted_rows bigint, num_inserted_rows bigint"
        return self._table._spark.createDataFrame([(updated + inserted, updated, 0, inserted)], columns)


class DeltaTableBuilder:
    """Collects what a new table is; `execute()` makes it."""

    def __init__(self, spark: SparkSession, statement: str) -> None:
        self._spark, self._statement = spark, statement
        self._name: str | None = None
        self._location: str | None = None
        self._comment: str | None = None
        self._columns: list[str] = []
        self._partitioned_by: list[str] = []
        self._properties: dict[str, str] = {}

    def tableName(self, identifier: str) -> DeltaTableBuilder:
        """Its name in the catalog."""
        self._name = identifier
        return self

    def location(self, location: str) -> DeltaTableBuilder:
        """Its path."""
        self._location = location
        return self

    def comment(self, comment: str) -> DeltaTableBuilder:
        """What it is for."""
        self._comment = comment
        return self

    def addColumn(self, colName: str, dataType: str | DataType, nullable: bool = True, comment: str | None = None) -> DeltaTableBuilder:
        """A column."""
        said = f"{_named(colName)} {ddl(dataType)}"
        self._columns.append(said + ("" if nullable else " NOT NULL") + ("" if comment is None else f" COMMENT {_text(comment)}"))
        return self

    def addColumns(self, cols: StructType) -> DeltaTableBuilder:
        """Columns."""
        for field in cols:
            self.addColumn(field.name, field.dataType, field.nullable)
        return self

    def partitionedBy(self, *cols: Any) -> DeltaTableBuilder:
        """The columns whose values are folders."""
        self._partitioned_by = list(cols[0]) if len(cols) == 1 and isinstance(cols[0], (list, tuple)) else list(cols)
        return self

    def property(self, key: str, value: str) -> DeltaTableBuilder:
        """A property of the table."""
        self._properties[key] = value
        return self

    def execute(self) -> DeltaTable:
        """Makes the table.

        Raises `PySparkValueError` when it has no name: a table at a path alone is made by `df.write.format("delta").save(path)`.
        """
        if self._name is None:
            message = "a table needs a name: tableName(…); one at a path alone is made by df.write.format('delta').save(path)"
            raise PySparkValueError(message, errorClass="ARGUMENT_REQUIRED")
        said = [self._statement, self._name, f"({', '.join(self._columns)})", "USING delta"]
        if self._partitioned_by:
            said.append("PARTITIONED BY (" + ", ".join(map(_named, self._partitioned_by)) + ")")
        if self._location is not None:
            said.append(f"LOCATION {_text(self._location)}")
        if self._comment is not None:
            said.append(f"COMMENT {_text(self._comment)}")
        if self._properties:
            said.append("TBLPROPERTIES (" + ", ".join(f"{_text(key)} = {_text(value)}" for key, value in self._properties.items()) + ")")
        self._spark.sql(" ".join(said)).collect()
        return DeltaTable.forName(self._spark, self._name)
