"""What a plot is drawn of, made by the engine: a sample, the first rows, bins, quartiles, densities. Rows come to Python by the thousand
at most, whatever the DataFrame has."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tidemill.errors import PySparkTypeError, PySparkValueError
from tidemill.sql import functions as F
from tidemill.sql.column import Column
from tidemill.sql.types import DecimalType, NumericType

if TYPE_CHECKING:
    from tidemill.sql.dataframe import DataFrame

__all__ = [
    "MAX_ROWS",
    "Box",
    "Density",
    "Histogram",
    "Sample",
    "box",
    "by_name",
    "density",
    "first_rows",
    "histogram",
    "max_rows",
    "numeric_columns",
    "sample",
]

MAX_ROWS = "spark.sql.pyspark.plotting.max_rows"
# A sample is the same each time that a notebook runs.
_SEED = 17
# Values of a box plot beyond its whiskers, the outermost.
_MOST_FLIERS = 1_000
# Groups of values per width of a kernel: their means stand for them.
_GROUPS_PER_KERNEL = 20


class Sample(NamedTuple):
    """Rows for a plot, and what is to be said of them when they are not all."""

    table: Any
    note: str | None


class Histogram(NamedTuple):
    """Counts between edges, by column."""

    edges: list[float]
    counts: dict[str, list[int]]
    left_out: int


class Box(NamedTuple):
    """A column's box: its whiskers end at the farthest values within the fences."""

    mean: float
    q1: float
    median: float
    q3: float
    low: float
    high: float
    fliers: list[float]


class Density(NamedTuple):
    """A density at points, by column."""

    points: list[float]
    values: dict[str, list[float]]


def max_rows(frame: DataFrame) -> int:
    """How many rows a plot has at most."""
    said = frame.sparkSession.conf.get(MAX_ROWS, "1000")
    try:
        rows = int(str(said))
    except ValueError:
        rows = 0
    if rows < 1:
        raise PySparkValueError(f"{MAX_ROWS} is a number of rows, not {said!r}: set it to 1000, say", errorClass="VALUE_NOT_POSITIVE")
    return rows


def by_name(name: str) -> Column:
    """A column by its whole name, dots and all."""
    return F.col("`" + name.replace("`", "``") + "`")


def numeric_columns(frame: DataFrame, column: str | Sequence[str] | None) -> list[str]:
    """The columns that are named, which have to be numeric; all numeric ones when none is."""
    types = {field.name: field.dataType for field in frame.schema.fields}
    if column is None:
        found = [name for name, kind in types.items() if isinstance(kind, NumericType)]
    else:
        found = [column] if isinstance(column, str) else list(column)
        for name in found:
            if not isinstance(types.get(name), NumericType):
                what = f"is {types[name].simpleString()}" if name in types else "is not there"
                raise PySparkTypeError(
                    f"a plot of values needs numeric columns, and `{name}` {what} (columns: {', '.join(types)})",
                    errorClass="PLOT_INVALID_TYPE_COLUMN",
                    messageParameters={
                        "col_name": str(name),
                        "valid_types": "NumericType",
                        "col_type": type(types[name]).__name__ if name in types else "None",
                    },
                )
    if not found:
        raise PySparkTypeError("a plot of values needs a numeric column, and there is none", errorClass="PLOT_INVALID_TYPE_COLUMN")
    return found


def _drawable(frame: DataFrame, names: Sequence[str]) -> DataFrame:
    """The columns that a plot names, or all; decimals as doubles, which plotly can scale."""
    fields = [field for field in frame.schema.fields if not names or field.name in names]
    return frame.select(
        *[
            by_name(field.name).cast("double").alias(field.name) if isinstance(field.dataType, DecimalType) else by_name(field.name)
            for field in fields
        ]
    )


def first_rows(frame: DataFrame, names: Sequence[str]) -> Sample:
    """The first rows, up to the setting's number."""
    most = max_rows(frame)
    table = _drawable(frame, names).limit(most + 1).toArrow()
    if table.num_rows <= most:
        return Sample(table, None)
    return Sample(table.slice(0, most), f"the first {most:,} rows")


def sample(frame: DataFrame, names: Sequence[str]) -> Sample:
    """All rows, or so many of them by chance, in the order in which they come."""
    most = max_rows(frame)
    drawn = _drawable(frame, names)
    table = drawn.limit(most + 1).toArrow()
    if table.num_rows <= most:
        return Sample(table, None)
    rows = drawn.count()
    # A few more than are wanted (four standard deviations), so that they are not too few; the surplus goes by chance, too.
    taken = drawn.sample(min(1.0, (most + 4 * math.sqrt(most) + 10) / rows), _SEED).toArrow()
    if taken.num_rows > most:
        taken = taken.take(sorted(random.Random(_SEED).sample(range(taken.num_rows), most)))
    return Sample(taken, f"{taken.num_rows:,} of {rows:,} rows, by chance")


def _value(name: str) -> Column:
    """A column as doubles; null where it is no finite number."""
    value = by_name(name).cast("double")
    return F.when(value.between(-sys.float_info.max, sys.float_info.max), value)


def _values(frame: DataFrame, columns: Sequence[str]) -> DataFrame:
    """The columns as finite doubles `c0`, `c1`, …"""
    return frame.select(*[_value(name).alias(f"c{place}") for place, name in enumerate(columns)])


def _range(values: DataFrame, width: int) -> tuple[float, float]:
    """The least and the greatest of all values."""
    every = [F.col(f"c{place}") for place in range(width)]
    row = values.agg(*[F.min(each) for each in every], *[F.max(each) for each in every]).head()
    found = [value for value in row if value is not None]
    if not found:
        raise PySparkValueError("there is no finite value to draw", errorClass="CANNOT_BE_EMPTY")
    return min(found), max(found)


def histogram(frame: DataFrame, columns: Sequence[str], bins: int = 10) -> Histogram:
    """How many values there are in each of so many bins of one width, which all columns share. A bin has its left edge, the last one its
    right edge too."""
    if not isinstance(bins, int) or isinstance(bins, bool) or bins < 1:
        raise PySparkValueError(f"bins is a number of at least 1, not {bins!r}", errorClass="VALUE_NOT_POSITIVE")
    values = _values(frame, columns)
    low, high = _range(values, len(columns))
    if low == high:
        low, high = low - 0.5, high + 0.5
    step = (high - low) / bins
    if not math.isfinite(step) or step == 0 or low + step == low:
        raise PySparkValueError(f"values from {low} to {high} cannot be cut into {bins} bins: scale them", errorClass="VALUE_OUT_OF_BOUNDS")
    edges = [low + place * step for place in range(bins)] + [high]

    counts = {name: [0] * bins for name in columns}
    for place, name in enumerate(columns):
        value, guess = F.col(f"c{place}"), F.col("guess")
        guessed = values.filter(value.isNotNull()).select(value, F.floor((value - low) / step).alias("guess"))
        # A quotient may fall on the other side of an edge than its value does.
        exact = F.when(value < guess * step + low, guess - 1).when(value >= (guess + 1) * step + low, guess + 1).otherwise(guess)
        placed = F.when(guess >= bins - 1, F.when(value < edges[-2], bins - 2).otherwise(bins - 1)).otherwise(exact)
        for number, many in guessed.groupBy(placed.alias("bin")).count().collect():
            counts[name][int(number)] = many
    infinite = [F.count(F.when(by_name(name).isNotNull() & _value(name).isNull(), 1)) for name in columns]
    return Histogram(edges, counts, sum(frame.agg(*infinite).head()))


def box(frame: DataFrame, columns: Sequence[str], reach: float, precision: float, with_fliers: bool) -> dict[str, Box]:
    """The boxes of columns. Quartiles are off by `precision` of the rows at most; whiskers reach `reach` times the box's height."""
    if not 0 < precision <= 1:
        raise PySparkValueError(f"precision is a share of the rows between 0 and 1, not {precision!r}", errorClass="VALUE_OUT_OF_BOUNDS")
    values = _values(frame, columns)
    accuracy = math.ceil(1 / precision)
    every = [F.col(f"c{place}") for place in range(len(columns))]
    quartiles = [F.percentile_approx(each, [0.25, 0.5, 0.75], accuracy) for each in every]
    row = values.agg(*quartiles, *[F.avg(each) for each in every]).head()
    known = {name: (row[at], row[at + len(columns)]) for at, name in enumerate(columns) if row[at] is not None}
    fences = {}
    for name, ((q1, _, q3), _) in known.items():
        fences[name] = (q1 - reach * (q3 - q1), q3 + reach * (q3 - q1))
    within = []
    for place, name in enumerate(columns):
        if name in known:
            inside = F.when(every[place].between(*fences[name]), every[place])
            within += [F.min(inside), F.max(inside)]
    ends = list(values.agg(*within).head()) if within else []
    boxes = {}
    for at, (name, ((q1, median, q3), mean)) in enumerate(known.items()):
        fliers = []
        if with_fliers:
            value = every[list(columns).index(name)]
            outside = values.filter(~value.between(*fences[name])).select(value)
            fliers = [row[0] for row in outside.orderBy(F.abs(value - median).desc()).limit(_MOST_FLIERS).collect()]
        boxes[name] = Box(mean, q1, median, q3, ends[2 * at], ends[2 * at + 1], fliers)
    return boxes


def density(frame: DataFrame, columns: Sequence[str], bandwidth: float, points: Sequence[float] | int | None) -> Density:
    """The density of values by Gaussian kernels: at these points, or at so many (1,000) from half the range before the least value to half
    of it behind the greatest. Values within a twentieth of the bandwidth count as their mean: the density is off by about a part in ten
    thousand."""
    if isinstance(bandwidth, bool) or not isinstance(bandwidth, (int, float)) or not 0 < bandwidth < math.inf:
        raise PySparkValueError(f"bw_method is a bandwidth greater than 0, not {bandwidth!r}", errorClass="VALUE_NOT_POSITIVE")
    values = _values(frame, columns)
    if points is None or isinstance(points, int):
        many = 1_000 if points is None else points
        low, high = _range(values, len(columns))
        half = (high - low) / 2
        step = 2 * (high - low) / (many - 1) if many > 1 else 0.0
        at = [low - half + place * step for place in range(many)]
    else:
        at = [float(point) for point in points]
    if not at:
        raise PySparkValueError("ind names no point at which the density is wanted", errorClass="CANNOT_BE_EMPTY")
    spark = frame.sparkSession
    asked = spark.createDataFrame(list(enumerate(at)), "number int, point double")
    found = {}
    for place, name in enumerate(columns):
        value = F.col(f"c{place}")
        # Doubles: a group's number may be beyond a long.
        near = F.rint(value * (_GROUPS_PER_KERNEL / bandwidth))
        groups = values.filter(value.isNotNull()).groupBy(near.alias("near")).agg(F.count(value).alias("many"), F.avg(value).alias("mean"))
        away = (F.col("point") - F.col("mean")) / float(bandwidth)
        sums = groups.crossJoin(asked).groupBy("number").agg(F.sum(F.col("many") * F.exp(away * away * -0.5)), F.sum("many"))
        share = 1 / (bandwidth * math.sqrt(2 * math.pi))
        heights = [0.0] * len(at)
        for number, sum_of, many in sums.collect():
            heights[number] = share * sum_of / many
        found[name] = heights
    return Density(at, found)
