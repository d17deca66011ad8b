"""Functions that give a table, by PySpark's names: `spark.tvf.explode(column)`. In SQL they stand behind FROM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidemill import _tidemill
from tidemill.errors import PySparkTypeError
from tidemill.refused import Refusing
from tidemill.sql.column import Column

if TYPE_CHECKING:
    from tidemill.sql.dataframe import DataFrame
    from tidemill.sql.session import SparkSession

__all__ = ["TableValuedFunction"]


class TableValuedFunction(Refusing):
    """The functions of a session that give a table. Their columns may be those of a row around: `lateralJoin` and `outer()`."""

    def __init__(self, session: SparkSession) -> None:
        self._session = session

    def _made(self, name: str, *arguments: Column) -> DataFrame:
        for argument in arguments:
            if not isinstance(argument, Column):
                raise PySparkTypeError(f"{name} takes Columns, not {argument!r}: use lit()", errorClass="NOT_COLUMN")
        call = Column(_tidemill.call(name, [argument._column for argument in arguments]))
        return self._session.range(1).select(call)

    def range(self, start: int, end: int | None = None, step: int = 1, numPartitions: int | None = None) -> DataFrame:
        """Numbers from `start` up to `end`; with one number, up to that one from 0."""
        return self._session.range(start, end, step, numPartitions)

    def explode(self, collection: Column) -> DataFrame:
        """A row per element of an array, or per entry of a map."""
        return self._made("explode", collection)

    def explode_outer(self, collection: Column) -> DataFrame:
        """The same, and a row of nulls where there is none."""
        return self._made("explode_outer", collection)

    def posexplode(self, collection: Column) -> DataFrame:
        """A row per element or entry, with its place from 0."""
        return self._made("posexplode", collection)

    def posexplode_outer(self, collection: Column) -> DataFrame:
        """The same, and a row of nulls where there is none."""
        return self._made("posexplode_outer", collection)

    def inline(self, input: Column) -> DataFrame:
        """A row per struct of an array, its fields as columns."""
        return self._made("inline", input)

    def inline_outer(self, input: Column) -> DataFrame:
        """The same, and a row of nulls where there is none."""
        return self._made("inline_outer", input)

    def json_tuple(self, input: Column, *fields: Column) -> DataFrame:
        """Fields of a JSON object as texts."""
        return self._made("json_tuple", input, *fields)

    def stack(self, n: Column, *fields: Column) -> DataFrame:
        """The values in so many rows."""
        return self._made("stack", n, *fields)

    def collations(self) -> DataFrame:
        """The collations of texts."""
        return self._session.sql("SELECT * FROM collations()")
