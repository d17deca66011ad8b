"""Groups of rows, by PySpark's names: `df.groupBy("user").agg(…)`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tidemill import _tidemill
from tidemill.errors import PySparkTypeError, PySparkValueError
from tidemill.sql.column import Column, named, operand
from tidemill.sql.dataframe import DataFrame
from tidemill.sql.group_functions import GroupStateTimeout, all_rows_function, group_function, state_function
from tidemill.sql.types import StructType

__all__ = ["GroupedData"]


class GroupedData:
    """Rows in groups, to be aggregated."""

    def __init__(self, groups: _tidemill.Groups, df: DataFrame, kind: str, keys: Sequence[Column | str]) -> None:
        self._groups, self._df, self._kind, self._keys = groups, df, kind, keys

    def __repr__(self) -> str:
        keys = ", ".join(key._column.text() if isinstance(key, Column) else key for key in self._keys)
        values = ", ".join(f"{name}: {data_type}" for name, data_type in self._df.dtypes)
        return f"GroupedData[grouping expressions: [{keys}], value: [{values}], type: {self._kind}]"

    def agg(self, *exprs: Any) -> DataFrame:
        """A row per group: aggregates, or a dict of a function's name for each column's."""
        if not exprs:
            raise PySparkValueError("agg needs an aggregate", errorClass="CANNOT_BE_EMPTY")
        if len(exprs) == 1 and isinstance(exprs[0], dict):
            made = [_tidemill.call(function, [_argument(name, function)]) for name, function in exprs[0].items()]
        else:
            for aggregate in exprs:
                if not isinstance(aggregate, Column):
                    raise PySparkTypeError(f"an aggregate is a Column, not {aggregate!r}", errorClass="NOT_LIST_OF_COLUMN")
            made = [aggregate._column for aggregate in exprs]
        return self._df._then(self._groups.agg(made))

    def count(self) -> DataFrame:
        """The number of rows of each group."""
        one = _tidemill.Column.literal("integer", 1)
        return self._df._then(self._groups.agg([_tidemill.call("count", [one]).alias("count")]))

    def _each(self, function: str, cols: tuple[str, ...]) -> DataFrame:
        names = list(cols) or [
            f"`{name.replace('`', '``')}`"
            for name, data_type in self._df.dtypes
            if data_type in ("tinyint", "smallint", "int", "bigint", "float", "double") or data_type.startswith("decimal")
        ]
        return self._df._then(self._groups.agg([_tidemill.call(function, [named(name)]) for name in names]))

    def sum(self, *cols: str) -> DataFrame:
        """The sum of each of these columns; of none, of all numbers."""
        return self._each("sum", cols)

    def avg(self, *cols: str) -> DataFrame:
        """The average of each of these columns; of none, of all numbers."""
        return self._each("avg", cols)

    mean = avg

    def min(self, *cols: str) -> DataFrame:
        """The least value of each of these columns; of none, of all numbers."""
        return self._each("min", cols)

    def max(self, *cols: str) -> DataFrame:
        """The greatest value of each of these columns; of none, of all numbers."""
        return self._each("max", cols)

    def pivot(self, pivot_col: str, values: list[Any] | None = None) -> GroupedData:
        """A column per value of a column."""
        listed = None if values is None else [operand(value) for value in values]
        return GroupedData(self._groups.pivot(named(pivot_col), listed), self._df, "Pivot", self._keys)

    def _applied(self, kind: str, func: Callable[..., Any], schema: StructType | str) -> DataFrame:
        if not self._keys:
            return self._df._then(self._df.repartition(1)._frame.map_batches(all_rows_function(kind, func, schema, self._df.sparkSession)))
        return self._df._then(self._groups.map_groups(group_function(kind, func, schema, self._df.sparkSession)))

    def applyInPandas(self, func: Callable[..., Any], schema: StructType | str) -> DataFrame:
        """What a function makes of each group: of its rows as a DataFrame of pandas, or of its key (a tuple) and its rows."""
        return self._applied("pandas", func, schema)

    def applyInArrow(self, func: Callable[..., Any], schema: StructType | str) -> DataFrame:
        """The same over Tables of pyarrow."""
        return self._applied("arrow", func, schema)

    def applyInPolars(self, func: Callable[..., Any], schema: StructType | str) -> DataFrame:
        """The same over DataFrames of Polars, which PySpark does not have."""
        return self._applied("polars", func, schema)

    def _with_state(self, kind: str, func: Any, schema: Any, state: Any, output_mode: str, timeout: str) -> DataFrame:
        made = state_function(kind, func, schema, state, output_mode, timeout, self._df.sparkSession)
        return self._df._then(self._groups.map_groups(made))

    def applyInPandasWithState(
        self,
        func: Callable[..., Any],
        outputStructType: StructType | str,
        stateStructType: StructType | str,
        outputMode: str,
        timeoutConf: str,
    ) -> DataFrame:
        """What a function makes of a group's key, an iterator of its new rows, and its `GroupState`: it yields DataFrames of pandas. The
        state is kept exactly once over restarts, so that the same rows and state have to give the same."""
        return self._with_state("pandas", func, outputStructType, stateStructType, outputMode, timeoutConf)

    def applyInArrowWithState(
        self,
        func: Callable[..., Any],
        outputStructType: StructType | str,
        stateStructType: StructType | str,
        outputMode: str = "append",
        timeoutConf: str = GroupStateTimeout.NoTimeout,
    ) -> DataFrame:
        """The same over RecordBatches of pyarrow, which PySpark does not have."""
        return self._with_state("arrow", func, outputStructType, stateStructType, outputMode, timeoutConf)

    def applyInPolarsWithState(
        self,
        func: Callable[..., Any],
        outputStructType: StructType | str,
        stateStructType: StructType | str,
        outputMode: str = "append",
        timeoutConf: str = GroupStateTimeout.NoTimeout,
    ) -> DataFrame:
        """The same over DataFrames of Polars, which PySpark does not have."""
        return self._with_state("polars", func, outputStructType, stateStructType, outputMode, timeoutConf)


def _argument(name: str, function: str) -> _tidemill.Column:
    return _tidemill.Column.literal("integer", 1) if name == "*" and function.lower() == "count" else named(name)
