"""DataFrames, by PySpark's names. A step makes another DataFrame and runs nothing; actions run, and give rows."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tidemill import _tidemill
from tidemill.errors import PySparkAttributeError, PySparkIndexError, PySparkTypeError, PySparkValueError
from tidemill.refused import refusal
from tidemill.sql import names as told
from tidemill.sql.column import Column, named, operand
from tidemill.sql.literal import kind_of
from tidemill.sql.native import each, needed, pandas_of
from tidemill.sql.types import Row, StructType
from tidemill.storagelevel import StorageLevel

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from tidemill.notebook.plot import PlotAccessor
    from tidemill.sql.group import GroupedData
    from tidemill.sql.readwriter import DataFrameWriter
    from tidemill.sql.session import SparkSession
    from tidemill.sql.streaming.readwriter import DataStreamWriter

__all__ = ["DataFrame", "DataFrameNaFunctions", "DataFrameStatFunctions"]


def _names(names: Any, what: str) -> list[str]:
    listed = list(names) if isinstance(names, (list, tuple)) else [names]
    for name in listed:
        if not isinstance(name, str):
            raise PySparkTypeError(f"{what} are names of columns, and {name!r} is none", errorClass="NOT_LIST_OR_STR_OR_TUPLE")
    return listed


def _rows(value: Any) -> int:
    """A number of rows, an int of Spark's; fewer than 0 are none."""
    rows = max(0, _whole(value, "a number of rows"))
    if rows >= 2**31:
        raise PySparkValueError(f"a number of rows is less than 2^31, and {rows} is not", errorClass="VALUE_OUT_OF_BOUNDS")
    return rows


def _partitions(value: Any) -> int:
    partitions = _whole(value, "a number of partitions")
    if partitions < 1:
        message = f"requirement failed: Number of partitions ({partitions}) must be positive."
        raise PySparkValueError(message, errorClass="VALUE_NOT_POSITIVE")
    if partitions >= 2**31:
        raise PySparkValueError(f"a number of partitions is less than 2^31, and {partitions} is not", errorClass="VALUE_OUT_OF_BOUNDS")
    return partitions


def _whole(value: Any, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise PySparkTypeError(f"{what} is an int, not {value!r}", errorClass="NOT_INT")
    return value


def _constant(value: Any) -> tuple[str, Any]:
    kind = kind_of(value)
    if kind is None or kind[0] not in ("null", "boolean", "integer", "long", "double", "string", "decimal"):
        message = f"a bool, a number or a text stands here, not {value!r}"
        raise PySparkTypeError(message, errorClass="NOT_BOOL_OR_FLOAT_OR_INT_OR_STR")
    return kind


class DataFrame:
    """Rows that a query describes. It holds none of them."""

    def __init__(self, frame: _tidemill.DataFrame, session: SparkSession, names: list[str] | None = None) -> None:
        """`names` are those of its columns, where the step before told them."""
        self._frame, self._session, self._told = frame, session, names
        self._has_shown_html = False

    def _then(self, frame: _tidemill.DataFrame, names: list[str] | None = None) -> DataFrame:
        return DataFrame(frame, self._session, names)

    def _known(self) -> list[str]:
        """The names of its columns, for what is a column of it. The engine is asked only where no step before told them."""
        if self._told is None:
            self._told = self.columns
        return self._told

    def _same(self, frame: _tidemill.DataFrame) -> DataFrame:
        """A step that leaves the columns their names."""
        return DataFrame(frame, self._session, self._told)

    def _columns(self, cols: tuple[Any, ...]) -> list[_tidemill.Column]:
        """Columns, names and places from 1, in a list or not."""
        listed = cols[0] if len(cols) == 1 and isinstance(cols[0], (list, tuple)) else cols
        return [named(column) for column in listed]

    def _keys(self, cols: tuple[Any, ...]) -> list[Column]:
        """The same, where a number is a column by its place from 1, and falls when it is negative."""
        listed = cols[0] if len(cols) == 1 and isinstance(cols[0], (list, tuple)) else cols
        keys = []
        for column in listed:
            if isinstance(column, int) and not isinstance(column, bool):
                if column == 0 or abs(column) > len(self._known()):
                    raise PySparkIndexError(
                        f"columns are counted from 1 to {len(self._known())}, and {column} is none", errorClass="ZERO_INDEX"
                    )
                key = self[abs(column) - 1]
                keys.append(key if column > 0 else key.desc())
            else:
                keys.append(Column(named(column)))
        return keys

    @property
    def sparkSession(self) -> SparkSession:
        """The session that made it."""
        return self._session

    @property
    def schema(self) -> StructType:
        """Its columns with their types."""
        return StructType.fromJson(json.loads(self._frame.schema()))

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        return [name for name, _ in self._frame.dtypes()]

    @property
    def dtypes(self) -> list[tuple[str, str]]:
        """The names of its columns, and their types as DDL."""
        return self._frame.dtypes()

    @property
    def isStreaming(self) -> bool:
        """Whether it reads a stream."""
        return self._frame.is_streaming()

    @property
    def na(self) -> DataFrameNaFunctions:
        """What can be done about missing values."""
        return DataFrameNaFunctions(self)

    @property
    def stat(self) -> DataFrameStatFunctions:
        """Statistics over columns."""
        return DataFrameStatFunctions(self)

    @property
    def write(self) -> DataFrameWriter:
        """Saves it."""
        from tidemill.sql.readwriter import DataFrameWriter

        return DataFrameWriter(self)

    def inputFiles(self) -> list[str]:
        """The files that it reads, each once: all files of its tables, whatever a condition leaves out."""
        return self._frame.input_files()

    def lateRows(self) -> DataFrame:
        """The rows that the watermark drops at the operator that it ends in, with `operator`, `watermark` and `epoch`; of a table, none.
        PySpark does not have it."""
        return self._then(self._frame.late_rows())

    def malformedRows(self) -> DataFrame:
        """The input that its source could not read: `file`, `line`, `text`, `reason`. PySpark does not have it."""
        return self._then(self._frame.malformed_rows())

    @property
    def writeStream(self) -> DataStreamWriter:
        """Writes it as a stream."""
        from tidemill.sql.streaming.readwriter import DataStreamWriter

        return DataStreamWriter(self)

    @property
    def plot(self) -> PlotAccessor:
        """Draws it."""
        from tidemill.notebook.plot import PlotAccessor

        return PlotAccessor(self)

    def __repr__(self) -> str:
        # A notebook has asked for HTML before, and shows that.
        if not self._has_shown_html:
            from tidemill.notebook.table import eager_text

            if (shown := eager_text(self)) is not None:
                return shown
        return f"DataFrame[{', '.join(f'{name}: {data_type}' for name, data_type in self.dtypes)}]"

    def _repr_html_(self) -> str | None:
        """The first rows as a table, when `spark.sql.repl.eagerEval.enabled` is true."""
        from tidemill.notebook.table import repr_html

        self._has_shown_html = True
        return repr_html(self)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(name for name in self.columns if name.isidentifier())})

    def __getitem__(self, item: Any) -> Any:
        """A column by its name or place; with a Column the rows for which it holds; with a list, a selection."""
        if isinstance(item, str):
            return self._checked(item)
        if isinstance(item, Column):
            return self.filter(item)
        if isinstance(item, (list, tuple)):
            return self.select(*item)
        if isinstance(item, int):
            return Column(self._frame.col(_quoted(self._known()[item])))
        message = f"a DataFrame has columns by name or place, and no {item!r}"
        raise PySparkTypeError(message, errorClass="NOT_COLUMN_OR_FLOAT_OR_INT_OR_LIST_OR_STR")

    def _checked(self, name: str) -> Column:
        if told.alone(self._known(), name):
            return Column(self._frame.col(name), name)
        column = Column(self._frame.col(name))
        # An unknown name is told at the line that says it.
        self._frame.select([column._column]).schema()
        return column

    def __getattr__(self, name: str) -> Column:
        if name.startswith("__") or name in ("_frame", "_session", "_told", "_has_shown_html"):
            raise PySparkAttributeError(f"a DataFrame has no {name}", errorClass="ATTRIBUTE_NOT_SUPPORTED")
        if refused := refusal("DataFrame", name):
            raise refused
        if name not in self._known():
            raise PySparkAttributeError(
                f"a DataFrame has no attribute `{name}`, and this one no such column (columns: {', '.join(self.columns)})",
                errorClass="ATTRIBUTE_NOT_SUPPORTED",
                messageParameters={"attr_name": name},
            )
        return Column(self._frame.col(name), name if told.alone(self._known(), name) else None)

    def colRegex(self, colName: str) -> Column:
        """The columns whose names match a Java regular expression between backticks."""
        return Column(self._frame.col_regex(colName))

    # Steps

    def select(self, *cols: Any) -> DataFrame:
        """These columns."""
        listed = cols[0] if len(cols) == 1 and isinstance(cols[0], (list, tuple)) else cols
        return self._then(self._frame.select(self._columns(cols)), told.chosen(self._told, listed))

    def selectExpr(self, *expr: Any) -> DataFrame:
        """These expressions in SQL."""
        listed = expr[0] if len(expr) == 1 and isinstance(expr[0], list) else expr
        return self._then(self._frame.select([_tidemill.Column.expr(text) for text in listed]))

    def filter(self, condition: Column | str) -> DataFrame:
        """The rows for which a condition holds, which may be SQL."""
        if isinstance(condition, str):
            return self._same(self._frame.filter(_tidemill.Column.expr(condition)))
        if not isinstance(condition, Column):
            raise PySparkTypeError(f"a condition is a Column or SQL, not {condition!r}", errorClass="NOT_COLUMN_OR_STR")
        return self._same(self._frame.filter(condition._column))

    where = filter

    def _sorted(self, cols: tuple[Any, ...], ascending: Any, within_partitions: bool) -> DataFrame:
        keys = self._keys(cols)
        if not keys:
            raise PySparkValueError("sort needs a column", errorClass="CANNOT_BE_EMPTY")
        if isinstance(ascending, (bool, int)):
            rising = [bool(ascending)] * len(keys)
        elif isinstance(ascending, list):
            rising = [bool(each) for each in ascending]
        else:
            raise PySparkTypeError(f"ascending is a bool or a list of them, not {ascending!r}", errorClass="NOT_BOOL_OR_LIST")
        if len(rising) != len(keys):
            raise PySparkValueError(f"ascending has {len(rising)} values for {len(keys)} columns", errorClass="DIFFERENT_LENGTHS")
        made = [key if rises else key.desc() for key, rises in zip(keys, rising)]
        return self._same(self._frame.sort([key._column for key in made], within_partitions))

    def sort(self, *cols: Any, ascending: Any = True) -> DataFrame:
        """The rows in order."""
        return self._sorted(cols, ascending, False)

    orderBy = sort

    def sortWithinPartitions(self, *cols: Any, ascending: Any = True) -> DataFrame:
        """The rows of each partition in order; `repartition` by a column puts them there."""
        return self._sorted(cols, ascending, True)

    def limit(self, num: int) -> DataFrame:
        """The first rows, so many at most."""
        return self._same(self._frame.limit(_rows(num)))

    def offset(self, num: int) -> DataFrame:
        """The rows behind the first so many."""
        return self._same(self._frame.offset(_rows(num)))

    def alias(self, alias: str) -> DataFrame:
        """The same under a name: `col("name.column")`."""
        if not isinstance(alias, str):
            raise PySparkTypeError(f"an alias is a str, not {alias!r}", errorClass="NOT_STR")
        return self._same(self._frame.alias(alias))

    def _with(self, other: DataFrame, operation: str) -> DataFrame:
        if not isinstance(other, DataFrame):
            raise PySparkTypeError(f"{operation} takes a DataFrame, not {other!r}", errorClass="NOT_DATAFRAME")
        made = self._frame.set_operation(other._frame, operation)
        return self._then(made) if operation == "union_by_name_allow_missing" else self._same(made)

    def union(self, other: DataFrame) -> DataFrame:
        """The rows of both, columns by their places; rows that are twice stay twice."""
        return self._with(other, "union")

    unionAll = union

    def unionByName(self, other: DataFrame, allowMissingColumns: bool = False) -> DataFrame:
        """The rows of both, columns by their names; with `allowMissingColumns`, null where one has no such column."""
        return self._with(other, "union_by_name_allow_missing" if allowMissingColumns else "union_by_name")

    def intersect(self, other: DataFrame) -> DataFrame:
        """The rows that both have, each once."""
        return self._with(other, "intersect")

    def intersectAll(self, other: DataFrame) -> DataFrame:
        """The rows that both have."""
        return self._with(other, "intersect_all")

    def subtract(self, other: DataFrame) -> DataFrame:
        """The rows that the other has not, each once."""
        return self._with(other, "except")

    def exceptAll(self, other: DataFrame) -> DataFrame:
        """The rows that the other has not."""
        return self._with(other, "except_all")

    def distinct(self) -> DataFrame:
        """Each row once."""
        return self._same(self._frame.distinct())

    def dropDuplicates(self, subset: list[str] | None = None, *more: str) -> DataFrame:
        """One row of those that agree in all columns, or in these."""
        return self._deduplicated(subset, more, False)

    drop_duplicates = dropDuplicates

    def dropDuplicatesWithinWatermark(self, subset: list[str] | None = None, *more: str) -> DataFrame:
        """The same of a stream, for as long as its watermark's delay."""
        return self._deduplicated(subset, more, True)

    def _deduplicated(self, subset: Any, more: tuple[str, ...], within_watermark: bool) -> DataFrame:
        if isinstance(subset, str) and not more and not within_watermark:
            raise PySparkTypeError(f"a list of names, as [{subset!r}], stands here", errorClass="NOT_LIST_OR_TUPLE")
        names = [] if subset is None else _names(subset, "duplicates") + list(more)
        return self._same(self._frame.drop_duplicates(names, within_watermark))

    def withColumn(self, colName: str, col: Column) -> DataFrame:
        """The same with a column added, or replaced when there is one of that name."""
        if not isinstance(col, Column):
            raise PySparkTypeError(f"the new column is a Column, not {col!r}: use lit()", errorClass="NOT_COLUMN")
        return self._then(self._frame.with_columns([(colName, col._column)]), told.added(self._told, [colName]))

    def withColumns(self, *colsMap: dict[str, Column]) -> DataFrame:
        """The same with columns added or replaced."""
        if len(colsMap) != 1 or not isinstance(colsMap[0], dict):
            raise PySparkTypeError("withColumns takes one dict of names and Columns", errorClass="NOT_DICT")
        made = self._frame.with_columns([(name, named(column)) for name, column in colsMap[0].items()])
        return self._then(made, told.added(self._told, colsMap[0]))

    def withColumnRenamed(self, existing: str, new: str) -> DataFrame:
        """The same with a column renamed, if there is one of that name."""
        return self.withColumnsRenamed({existing: new})

    def withColumnsRenamed(self, colsMap: dict[str, str]) -> DataFrame:
        """The same with columns renamed."""
        if not isinstance(colsMap, dict):
            raise PySparkTypeError(f"names stand in a dict, not in {colsMap!r}", errorClass="NOT_DICT")
        return self._then(self._frame.with_columns_renamed(list(colsMap.items())), told.renamed(self._told, colsMap))

    def withMetadata(self, columnName: str, metadata: dict[str, Any]) -> DataFrame:
        """The same with other remarks at a column."""
        if not isinstance(metadata, dict):
            raise PySparkTypeError(f"remarks stand in a dict, not in {metadata!r}", errorClass="NOT_DICT")
        return self._same(self._frame.with_metadata(columnName, json.dumps(metadata)))

    def toDF(self, *cols: str) -> DataFrame:
        """The same with these names for its columns."""
        for name in cols:
            if not isinstance(name, str):
                raise PySparkTypeError(f"{name!r} is no name", errorClass="NOT_LIST_OF_STR")
        return self._then(self._frame.to_df(list(cols)), None if self._told is None or len(self._told) != len(cols) else list(cols))

    def drop(self, *cols: Any) -> DataFrame:
        """The same without these columns; names that are not there are left out."""
        made = self._frame.drop([named(_quoted(column) if isinstance(column, str) else column) for column in cols])
        return self._then(made, told.dropped(self._told, cols))

    def unpivot(self, ids: Any, values: Any, variableColumnName: str, valueColumnName: str) -> DataFrame:
        """A row per column of `values`: its name and its value, beside `ids`. Without `values`, all others."""

        def listed(cols: Any) -> list[_tidemill.Column]:
            return self._columns(tuple(cols) if isinstance(cols, (list, tuple)) else (cols,))

        found = None if values is None else listed(values)
        return self._then(self._frame.unpivot(listed(ids), found, variableColumnName, valueColumnName))

    melt = unpivot

    def transpose(self, indexColumn: Any = None) -> DataFrame:
        """Rows as columns; their names are the values of a column, the first one if none is named."""
        name = indexColumn._column.text() if isinstance(indexColumn, Column) else indexColumn
        return self._then(self._frame.transpose(name))

    def join(self, other: DataFrame, on: Any = None, how: str | None = None) -> DataFrame:
        """The rows of both that match, on names that both have or on a condition."""
        if not isinstance(other, DataFrame):
            raise PySparkTypeError(f"join takes a DataFrame, not {other!r}", errorClass="NOT_DATAFRAME")
        if how is not None and not isinstance(how, str):
            raise PySparkTypeError(f"how is a str, not {how!r}", errorClass="NOT_STR")
        listed = list(on) if isinstance(on, (list, tuple)) else [] if on is None else [on]
        names = condition = None
        if listed and all(isinstance(each, str) for each in listed):
            names = listed
        elif listed:
            joined = Column(named(listed[0]))
            for each in listed[1:]:
                joined = joined & Column(named(each))
            condition = joined._column
        if on is None and how is None:
            return self.crossJoin(other)
        return self._then(self._frame.join(other._frame, names, condition, how or "inner"))

    def crossJoin(self, other: DataFrame) -> DataFrame:
        """Every row with every row of the other."""
        return self._then(self._frame.cross_join(other._frame), told.beside(self._told, other._told))

    def lateralJoin(self, other: DataFrame, on: Column | None = None, how: str | None = None) -> DataFrame:
        """For each row the rows of the other, which names this one's columns by `col(…).outer()`."""
        return self._then(self._frame.lateral_join(other._frame, None if on is None else on._column, how or "inner"))

    def to(self, schema: StructType) -> DataFrame:
        """The columns of a schema, by their names and in its order, with values cast as a table stores them."""
        from tidemill.sql.matching import matched

        if not isinstance(schema, StructType):
            raise PySparkTypeError(f"a schema is a StructType, not {schema!r}", errorClass="NOT_STRUCT")
        return matched(self, schema)

    def groupBy(self, *cols: Any) -> GroupedData:
        """Rows that agree in these columns, to be aggregated."""
        return self._grouped("GroupBy", cols)

    groupby = groupBy

    def rollup(self, *cols: Any) -> GroupedData:
        """The same, with subtotals and the total."""
        return self._grouped("RollUp", cols)

    def cube(self, *cols: Any) -> GroupedData:
        """The same, by all subsets of the columns."""
        return self._grouped("Cube", cols)

    def groupingSets(self, groupingSets: Any, *cols: Any) -> GroupedData:
        """The same, by each of these sets of columns."""
        from tidemill.sql.group import GroupedData

        sets = [[named(column) for column in each] for each in groupingSets]
        return GroupedData(self._frame.grouping_sets(sets, [named(column) for column in cols]), self, "GroupingSets", cols)

    def _grouped(self, kind: str, cols: tuple[Any, ...]) -> GroupedData:
        from tidemill.sql.group import GroupedData

        keys = self._keys(cols)
        return GroupedData(self._frame.group(kind.lower(), [key._column for key in keys]), self, kind, keys)

    def agg(self, *exprs: Any) -> DataFrame:
        """Aggregates over all rows."""
        return self.groupBy().agg(*exprs)

    def sample(self, withReplacement: Any = None, fraction: Any = None, seed: int | None = None) -> DataFrame:
        """A share of the rows, each taken or not by chance."""
        if isinstance(withReplacement, float):
            withReplacement, fraction, seed = None, withReplacement, fraction if seed is None else seed
        if withReplacement:
            raise PySparkValueError("samples with replacement are not supported: use fraction alone", errorClass="UNSUPPORTED_OPERATION")
        if not isinstance(fraction, float):
            raise PySparkTypeError(f"a share of rows is a float, not {fraction!r}", errorClass="NOT_BOOL_OR_FLOAT_OR_INT")
        return self._same(self._frame.sample(fraction, seed))

    def randomSplit(self, weights: list[float], seed: int | None = None) -> list[DataFrame]:
        """The rows dealt out by chance, by weights."""
        if any(weight < 0 for weight in weights):
            raise PySparkValueError(f"weights are not negative: {weights}", errorClass="VALUE_NOT_POSITIVE")
        seed = random.randint(-(2**63), 2**63 - 1) if seed is None else seed
        return [self._same(frame) for frame in self._frame.random_split([float(weight) for weight in weights], seed)]

    def sampleBy(self, col: Any, fractions: dict[Any, float], seed: int | None = None) -> DataFrame:
        """A share of the rows for each value of a column."""
        shares = [(*_constant(value), float(fraction)) for value, fraction in fractions.items()]
        return self._same(self._frame.sample_by(named(col), shares, seed))

    def repartition(self, numPartitions: Any, *cols: Any) -> DataFrame:
        """The rows in so many partitions, dealt out one after the other, or by columns: then rows that agree in them are in one. Without a
        number there are `spark.sql.shuffle.partitions`, or fewer where there is little to read. A write makes a file of each partition. A
        stream's rows stay where they are."""
        return self._repartitioned(numPartitions, cols, False)

    def repartitionByRange(self, numPartitions: Any, *cols: Any) -> DataFrame:
        """The same by ranges of the columns: what is in a partition comes before what is in the next one."""
        return self._repartitioned(numPartitions, cols, True)

    def _repartitioned(self, first: Any, cols: tuple[Any, ...], by_range: bool) -> DataFrame:
        if not isinstance(first, int) or isinstance(first, bool):
            return self._same(self._frame.repartition_by(None, self._columns((first, *cols)), by_range))
        partitions = _partitions(first)
        columns = self._columns(cols)
        if columns:
            return self._same(self._frame.repartition_by(partitions, columns, by_range))
        if by_range:
            raise PySparkValueError("at least one partition-by expression must be specified", errorClass="CANNOT_BE_EMPTY")
        return self._same(self._frame.repartition(partitions))

    def coalesce(self, numPartitions: int) -> DataFrame:
        """The rows in so many partitions at most: neighbouring ones become one, and no row goes anywhere by itself."""
        return self._same(self._frame.coalesce(_partitions(numPartitions)))

    def hint(self, name: str, *parameters: Any) -> DataFrame:
        """A word to the optimizer; those of partitions (`repartition`, `coalesce`, …) are steps."""
        return self._same(self._frame.hint(name, [operand(parameter) for parameter in parameters]))

    def transform(self, func: Callable[..., DataFrame], *args: Any, **kwargs: Any) -> DataFrame:
        """What a function makes of it."""
        made = func(self, *args, **kwargs)
        if not isinstance(made, DataFrame):
            raise PySparkTypeError(f"the function gives a DataFrame, not {made!r}", errorClass="NOT_DATAFRAME")
        return made

    def withWatermark(self, eventTime: str, delayThreshold: str) -> DataFrame:
        """A stream whose rows come late by so much at most."""
        return self._same(self._frame.with_watermark(eventTime, delayThreshold))

    def toJSON(self) -> DataFrame:
        """Each row as JSON, in a column `value`."""
        return self._then(self._frame.to_json())

    def describe(self, *cols: Any) -> DataFrame:
        """`count`, `mean`, `stddev`, `min` and `max` of columns."""
        return self._then(self._frame.describe(_names(cols[0] if len(cols) == 1 else cols, "columns") if cols else []))

    def summary(self, *statistics: str) -> DataFrame:
        """These statistics of columns; of none, the usual ones and quartiles."""
        return self._then(
            self._frame.summary(_names(statistics[0] if len(statistics) == 1 else statistics, "statistics") if statistics else [])
        )

    def fillna(self, value: Any, subset: Any = None) -> DataFrame:
        """A value for nulls: one for all columns of its kind, or one for each column of a dict."""
        return self.na.fill(value, subset)

    def dropna(self, how: str = "any", thresh: int | None = None, subset: Any = None) -> DataFrame:
        """The rows without nulls."""
        return self.na.drop(how, thresh, subset)

    def exists(self) -> Column:
        """Whether it has rows, as a condition in another's step."""
        return Column(self._frame.exists())

    def scalar(self) -> Column:
        """The value of its one column and row, in another's step."""
        return Column(self._frame.scalar())

    def corr(self, col1: str, col2: str, method: str | None = None) -> float:
        """Pearson's correlation."""
        return self.stat.corr(col1, col2, method)

    def cov(self, col1: str, col2: str) -> float:
        """The covariance of a sample."""
        return self.stat.cov(col1, col2)

    def crosstab(self, col1: str, col2: str) -> DataFrame:
        """How often each pair of values is there."""
        return self.stat.crosstab(col1, col2)

    def freqItems(self, cols: Any, support: float | None = None) -> DataFrame:
        """The values that stand in a share of the rows at least."""
        return self.stat.freqItems(cols, support)

    def approxQuantile(self, col: Any, probabilities: Any, relativeError: float) -> Any:
        """The values at these shares of the rows in order."""
        return self.stat.approxQuantile(col, probabilities, relativeError)

    def replace(self, to_replace: Any, value: Any = ..., subset: Any = None) -> DataFrame:
        """Other values for some."""
        return self.na.replace(to_replace, value, subset)

    # Actions

    def collect(self) -> list[Row]:
        """All rows."""
        return self._frame.collect()

    def take(self, num: int) -> list[Row]:
        """The first rows."""
        return self.limit(num).collect()

    def head(self, n: int | None = None) -> Any:
        """The first row or None; with a number, the first rows."""
        if n is None:
            rows = self.take(1)
            return rows[0] if rows else None
        return self.take(n)

    def first(self) -> Row | None:
        """The first row, or None."""
        row: Row | None = self.head()
        return row

    def tail(self, num: int) -> list[Row]:
        """The last rows."""
        return self._frame.tail(_rows(num))

    def count(self) -> int:
        """The number of rows."""
        return self._frame.count()

    def isEmpty(self) -> bool:
        """Whether there is no row."""
        return self._frame.is_empty()

    def toLocalIterator(self, prefetchPartitions: bool = False) -> Iterator[Row]:
        """The rows, one after the other, while they are computed: the query is a few batches ahead of the reader, and ends with him."""
        return itertools.chain.from_iterable(self._frame.collect_in_parts())

    def _mapped(self, kind: str, func: Callable[..., Any], schema: StructType | str) -> DataFrame:
        from tidemill.sql.udf import name_of, type_of

        struct = type_of(schema)
        if not isinstance(struct, StructType):
            raise PySparkTypeError(f"the columns of the rows are a StructType or DDL, not {schema!r}", errorClass="NOT_STR_OR_STRUCT")
        name = name_of(func)
        return self._then(
            self._frame.map_batches(_tidemill.BatchesFunction(name, each(kind, func, struct, name, self._session), struct.json()))
        )

    def mapInArrow(self, func: Callable[..., Any], schema: StructType | str, barrier: bool = False, profile: Any = None) -> DataFrame:
        """What a function makes of an iterator of pyarrow's RecordBatches, a task's: it yields others, of these columns."""
        return self._mapped("arrow", func, schema)

    def mapInPandas(self, func: Callable[..., Any], schema: StructType | str, barrier: bool = False, profile: Any = None) -> DataFrame:
        """The same over DataFrames of pandas."""
        return self._mapped("pandas", func, schema)

    def mapInPolars(self, func: Callable[..., Any], schema: StructType | str) -> DataFrame:
        """The same over DataFrames of Polars, which PySpark does not have."""
        return self._mapped("polars", func, schema)

    def foreach(self, f: Callable[[Row], None]) -> None:
        """Calls a function with each row, in this process."""
        for row in self.collect():
            f(row)

    def foreachPartition(self, f: Callable[[Iterator[Row]], None]) -> None:
        """Calls a function with the rows, in this process."""
        f(iter(self.collect()))

    def checkpoint(self, eager: bool = True) -> DataFrame:
        """The same as `localCheckpoint`: there is no other machine that could lose the rows."""
        return self.localCheckpoint(eager)

    def localCheckpoint(self, eager: bool = True, storageLevel: StorageLevel | None = None) -> DataFrame:
        """A DataFrame of the rows as they are now, which are kept in memory, and on disk where they do not fit: nothing is computed or read
        again. They are made at once, `eager` or not, and live as long as the DataFrames that are made of them."""
        return self._then(self._frame.local_checkpoint(), self.columns)

    def cache(self) -> DataFrame:
        """The same: `persist` in memory and on disk."""
        return self.persist()

    def persist(self, storageLevel: StorageLevel = StorageLevel.MEMORY_AND_DISK_DESER) -> DataFrame:
        """The same. Its rows are kept from the next action on that needs them, and read by every DataFrame whose steps begin with its own;
        what does not fit into memory goes to disk, if the level says so. What the session writes to tables or files is seen."""
        if storageLevel.useMemory or storageLevel.useDisk:
            self._frame.persist(storageLevel.useMemory, storageLevel.useDisk)
        return self

    def unpersist(self, blocking: bool = False) -> DataFrame:
        """The same. Its rows are kept no more."""
        self._frame.unpersist()
        return self

    @property
    def is_cached(self) -> bool:
        """Whether its rows are kept, or will be by the next action that needs them."""
        return self._frame.kept_in() is not None

    @property
    def storageLevel(self) -> StorageLevel:
        """Where its rows are kept."""
        kept_in = self._frame.kept_in()
        if kept_in is None:
            return StorageLevel.NONE
        memory, disk = kept_in
        return StorageLevel(disk, memory, False, memory)

    def show(self, n: int = 20, truncate: bool | int = True, vertical: bool = False) -> None:
        """Prints the first rows as a grid; cells are cut at 20 characters, or at `truncate`."""
        print(self._shown(n, truncate, vertical))

    def _shown(self, n: int, truncate: bool | int, vertical: bool) -> str:
        if not isinstance(n, int) or isinstance(n, bool):
            raise PySparkTypeError(f"n is a number of rows, not {n!r}", errorClass="NOT_INT")
        if not isinstance(vertical, bool):
            raise PySparkTypeError(f"vertical is a bool, not {vertical!r}", errorClass="NOT_BOOL")
        try:
            width = (20 if truncate else 0) if isinstance(truncate, bool) else int(truncate)
        except (TypeError, ValueError):
            raise PySparkTypeError(f"truncate is a bool or a number, not {truncate!r}", errorClass="NOT_BOOL") from None
        return self._frame.show_string(max(0, n), max(0, width), vertical)

    def isLocal(self) -> bool:
        """Whether collect needs no other machine: always."""
        return True

    def _ipython_key_completions_(self) -> list[str]:
        """What completes `df["`."""
        return self.columns

    def printSchema(self, level: int | None = None) -> None:
        """Prints the columns as a tree."""
        print(self._frame.schema_tree() if level is None else self.schema.treeString(level))

    def explain(self, extended: bool | str | None = None, mode: str | None = None) -> None:
        """Prints what will run, by mode: `simple`, `extended` (all plans), `formatted`, `cost`, `codegen` (there is none). `analyze` runs
        the query, drops its rows, and prints how its stages and operators did; `picture` shows the stages as a picture in a notebook.
        """
        if isinstance(extended, str):
            extended, mode = None, extended
        if mode == "picture":
            from tidemill.notebook.explained import show_picture

            return show_picture(self)
        print(self._frame.explain(mode or ("extended" if extended else "simple")))

    def createTempView(self, name: str) -> None:
        """Gives it a name for SQL; an error if there is one."""
        self._frame.create_view(name, False, False)

    def createOrReplaceTempView(self, name: str) -> None:
        """Gives it a name for SQL."""
        self._frame.create_view(name, True, False)

    def createGlobalTempView(self, name: str) -> None:
        """The same in `global_temp`; an error if there is one."""
        self._frame.create_view(name, False, True)

    def createOrReplaceGlobalTempView(self, name: str) -> None:
        """The same in `global_temp`."""
        self._frame.create_view(name, True, True)

    registerTempTable = createOrReplaceTempView

    def sameSemantics(self, other: DataFrame) -> bool:
        """Whether both mean the same."""
        if not isinstance(other, DataFrame):
            raise PySparkTypeError(f"a DataFrame stands here, not {other!r}", errorClass="NOT_DATAFRAME")
        return self._frame.same_semantics(other._frame)

    def semanticHash(self) -> int:
        """A number that DataFrames of the same meaning have in common."""
        return self._frame.semantic_hash()

    # To others

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The rows as a capsule of Arrow's C stream, which pyarrow, Polars and DuckDB take, while they are computed: the query is a few
        batches ahead of the reader, and ends with him. Of an error the stream gives the text."""
        return self._frame.arrow_stream(False).__arrow_c_stream__(requested_schema)

    def _taken(self, take: Callable[[Any], Any]) -> Any:
        """What a package makes of all rows, which come to it while they are computed."""
        rows = self._frame.arrow_stream(True)
        try:
            return take(rows)
        except BaseException:
            # What came through the C stream is the text of the error alone.
            error = rows.error()
            if error is None:
                raise
        raise error

    def toArrow(self) -> pyarrow.Table:
        """All rows as a table of pyarrow."""
        return self._taken(needed("pyarrow").table)

    def toPandas(self) -> pandas.DataFrame:
        """All rows as a DataFrame of pandas."""
        needed("pandas")
        return pandas_of(self.toArrow(), self._session.conf.get("spark.sql.session.timeZone") or "UTC")

    def to_polars(self) -> polars.DataFrame:
        """All rows as a DataFrame of Polars."""
        made: polars.DataFrame = self._taken(needed("polars").DataFrame)
        return made


def _quoted(name: str) -> str:
    """A column's whole name, dots and all."""
    return "`" + name.replace("`", "``") + "`"


class DataFrameNaFunctions:
    """What can be done about missing values."""

    def __init__(self, df: DataFrame) -> None:
        self.df = df

    def drop(self, how: str = "any", thresh: int | None = None, subset: Any = None) -> DataFrame:
        """The rows without nulls: without any, or (`all`) with a value at least; or with `thresh` values at least."""
        if how not in ("any", "all"):
            raise PySparkValueError(f"how is 'any' or 'all', not {how!r}", errorClass="UNSUPPORTED_PARAMETER")
        names = [] if subset is None else _names(subset, "subset")
        least = thresh if thresh is not None else 1 if how == "all" else None
        return self.df._same(self.df._frame.drop_missing(least, names))

    def fill(self, value: Any, subset: Any = None) -> DataFrame:
        """A value for nulls: one for all columns of its kind, or one for each column of a dict."""
        if isinstance(value, dict):
            each = [(name, *_constant(constant)) for name, constant in value.items()]
            return self.df._same(self.df._frame.fill_each(each))
        return self.df._same(self.df._frame.fill(*_constant(value), [] if subset is None else _names(subset, "subset")))

    def replace(self, to_replace: Any, value: Any = ..., subset: Any = None) -> DataFrame:
        """Other values for some: of a dict, of two lists, or one for one or several."""
        if isinstance(to_replace, dict):
            old, new = list(to_replace), list(to_replace.values())
        elif value is ...:
            raise PySparkTypeError("replace needs a value, unless it is given a dict", errorClass="ARGUMENT_REQUIRED")
        else:
            old = list(to_replace) if isinstance(to_replace, (list, tuple)) else [to_replace]
            new = list(value) if isinstance(value, (list, tuple)) else [value] * len(old)
        if len(old) != len(new):
            raise PySparkValueError(f"{len(old)} values are to be replaced by {len(new)}", errorClass="LENGTH_SHOULD_BE_THE_SAME")
        names = [] if subset is None else _names(subset, "subset")
        return self.df._same(self.df._frame.replace(names, list(map(_constant, old)), list(map(_constant, new))))


class DataFrameStatFunctions:
    """Statistics over columns."""

    def __init__(self, df: DataFrame) -> None:
        self.df = df

    def approxQuantile(self, col: Any, probabilities: Any, relativeError: float) -> Any:
        """The values at these shares (0 to 1) of the rows in order, off by `relativeError` of the rows at most."""
        found = self.df._frame.approx_quantile(_names(col, "col"), [float(share) for share in probabilities], float(relativeError))
        return found[0] if isinstance(col, str) else found

    def corr(self, col1: str, col2: str, method: str | None = None) -> float:
        """Pearson's correlation."""
        if method not in (None, "pearson"):
            raise PySparkValueError(f"the correlation {method!r} is not supported: pearson is", errorClass="VALUE_NOT_PEARSON")
        return self.df._frame.corr(col1, col2)

    def cov(self, col1: str, col2: str) -> float:
        """The covariance of a sample."""
        return self.df._frame.cov(col1, col2)

    def crosstab(self, col1: str, col2: str) -> DataFrame:
        """How often each pair of values is there."""
        return self.df._then(self.df._frame.crosstab(col1, col2))

    def freqItems(self, cols: Any, support: float | None = None) -> DataFrame:
        """The values that stand in a share of the rows at least, and perhaps others."""
        return self.df._then(self.df._frame.freq_items(_names(cols, "cols"), 0.01 if support is None else support))

    def sampleBy(self, col: Any, fractions: dict[Any, float], seed: int | None = None) -> DataFrame:
        """A share of the rows for each value of a column."""
        return self.df.sampleBy(col, fractions, seed)
