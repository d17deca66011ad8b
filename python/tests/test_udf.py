"""Functions of the program: over values, columns, batches and groups."""

import datetime
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tidemill.errors import AnalysisException, PySparkValueError, PythonException
from tidemill.sql import functions as F
from tidemill.sql.types import IntegerType

pandas = pytest.importorskip("pandas")
pyarrow = pytest.importorskip("pyarrow")
pytest.importorskip("pyarrow.compute")
polars = pytest.importorskip("polars")

VALUES = [
    ("int", 7),
    ("bigint", -(2**63)),
    ("double", 0.5),
    ("string", "ä"),
    ("boolean", True),
    ("binary", b"\x00"),
    ("decimal(10,2)", Decimal("12.30")),
    ("date", datetime.date(2026, 2, 28)),
    ("timestamp_ntz", datetime.datetime(2026, 2, 28, 1, 2, 3, 4)),
    ("array<int>", [1, 2]),
    ("map<string,int>", {"a": 1}),
    ("struct<x:int,y:string>", (1, "b")),
]


@pytest.mark.parametrize(("data_type", "value"), VALUES)
def test_values_go_in_and_out(spark, data_type, value):
    df = spark.createDataFrame([(value,), (None,)], f"v {data_type}")
    seen = []

    def same(v):
        seen.append(v)
        return v

    rows = df.select(F.udf(same, data_type)("v")).collect()
    assert [row[0] for row in rows] == [value, None] == seen


def test_a_udf_in_all_its_forms(spark):
    @F.udf("int")
    def plus(x, y=1):
        return None if x is None else x + y

    @F.udf
    def shown(x):
        return x

    spark.udf.register("plus_in_sql", plus)
    df = spark.createDataFrame([(1,), (None,)], "v int")
    rows = df.select(plus("v"), plus(F.col("v"), F.lit(10)), plus("v", y=F.lit(5)), shown("v"), F.expr("plus_in_sql(v)")).collect()
    assert [tuple(row) for row in rows] == [(2, 11, 6, "1", 2), (None, None, None, None, None)]
    assert [row[0] for row in spark.sql("SELECT plus_in_sql(id) FROM range(3) WHERE plus_in_sql(id) > 1").collect()] == [2, 3]
    assert df.filter(F.udf(lambda v: v == 1, "boolean")("v")).count() == 1
    assert plus.returnType == IntegerType() and plus.func(1) == 2
    assert spark.catalog.functionExists("plus_in_sql")
    assert df.select(plus("v")).columns == ["plus(v)"]


def test_a_function_that_draws_is_called_for_each_row(spark):
    numbers = iter(range(100))
    drawn = F.udf(lambda: next(numbers), "int").asNondeterministic()
    assert sorted(row[0] for row in spark.range(5).coalesce(1).select(drawn()).collect()) == [0, 1, 2, 3, 4]


def test_columns_at_once(spark):
    @F.pandas_udf("double")
    def mean_free(v: pandas.Series, by: pandas.Series) -> pandas.Series:
        return v - by

    @F.pandas_udf("bigint")
    def batches(parts: Iterator[pandas.Series]) -> Iterator[pandas.Series]:
        for part in parts:
            yield part * 2

    @F.arrow_udf("bigint")
    def arrow(v: pyarrow.Array) -> pyarrow.Array:
        return pyarrow.compute.add(v, 1)

    @F.polars_udf("string")
    def text(v: polars.Series) -> polars.Series:
        return v.cast(polars.String)

    @F.pandas_udf("double")
    def average(v: pandas.Series) -> float:
        return v.mean()

    df = spark.range(20_000)
    rows = df.select(mean_free("id", F.lit(1)), batches("id"), arrow("id"), text("id")).tail(1)
    assert tuple(rows[0]) == (19998.0, 39998, 20000, "19999")
    grouped = df.groupBy((F.col("id") % 2).alias("odd")).agg(average("id").alias("mean")).orderBy("odd").collect()
    assert [tuple(row) for row in grouped] == [(0, 9999.0), (1, 10000.0)]
    assert df.agg(average("id")).first()[0] == 9999.5


def test_a_function_gets_as_many_rows_as_the_setting_says(spark):
    rows = spark.range(20_000).coalesce(1)

    @F.pandas_udf("bigint")
    def called_with(v: pandas.Series) -> pandas.Series:
        return pandas.Series([len(v)] * len(v))

    sizes = lambda df: sorted({row[0] for row in df.collect()})
    assert sizes(rows.select(called_with("id"))) == [20_000]
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 3_000)
    assert sizes(rows.select(called_with("id"))) == [616, 2_192, 3_000]
    counted = rows.mapInArrow(lambda parts: (pyarrow.record_batch({"n": [part.num_rows]}) for part in parts), "n bigint")
    assert max(sizes(counted)) == 3_000 and sum(row.n for row in counted.collect()) == 20_000


def test_a_function_may_use_its_array_again(spark):
    room = pandas.Series([0.0] * 4).to_numpy().copy()
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 4)

    @F.pandas_udf("double")
    def in_place(v: pandas.Series) -> pandas.Series:
        room[: len(v)] = v * 2
        return pandas.Series(room[: len(v)], copy=False)

    doubled = spark.range(40).coalesce(1).select(in_place("id")).collect()
    assert [row[0] for row in doubled] == [2.0 * n for n in range(40)]


def test_moments_are_local_times_of_the_session_for_pandas(spark):
    zone = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    try:
        df = spark.sql("SELECT timestamp'2026-01-01 09:00:00' AS t")
        hours = []

        @F.pandas_udf("timestamp")
        def same(t: pandas.Series) -> pandas.Series:
            hours.append((t.dt.hour[0], t.dt.tz))
            return t

        assert df.select(F.date_format(same("t"), "HH:mm")).first()[0] == "09:00"
        assert hours == [(9, None)]
        assert df.toPandas()["t"][0] == pandas.Timestamp("2026-01-01 09:00:00")
    finally:
        spark.conf.set("spark.sql.session.timeZone", zone)


def test_batches_through_a_function(spark):
    df = spark.range(10_000)

    def of_pandas(parts):
        for part in parts:
            yield part[part["id"] % 1000 == 0]

    def of_arrow(parts):
        for part in parts:
            yield part.slice(0, 1)
            yield pyarrow.record_batch({"id": pyarrow.array([-1], pyarrow.int64())})

    def of_polars(parts):
        yield from (part.filter(polars.col("id") < 3) for part in parts)

    def first_only(parts):
        yield next(iter(parts))

    assert sorted(row[0] for row in df.mapInPandas(of_pandas, "id bigint").collect()) == list(range(0, 10_000, 1000))
    assert {row[0] for row in df.mapInArrow(of_arrow, "id bigint").collect()} >= {-1, 0}
    assert sorted(row[0] for row in df.mapInPolars(of_polars, "id bigint").collect()) == [0, 1, 2]
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 1_000)
    assert 0 < df.mapInArrow(first_only, "id bigint").count() < 10_000
    assert df.mapInPandas(of_pandas, "id bigint").filter("id > 5000").count() == 4


def test_groups_through_a_function(spark):
    df = spark.createDataFrame([("a", 1.0), ("a", 3.0), ("b", 5.0)], "k string, v double")

    def centred(rows):
        return rows.assign(v=rows["v"] - rows["v"].mean())

    def with_key(key, rows):
        return pandas.DataFrame({"k": [key[0]], "n": [len(rows)]})

    def of_arrow(rows):
        return rows.slice(0, 1)

    def of_polars(key, rows):
        return rows.select("k", polars.col("v").sum()).head(1)

    def rows_of(made):
        return sorted(tuple(row) for row in made.collect())

    groups = df.groupBy("k")
    assert rows_of(groups.applyInPandas(centred, "k string, v double")) == [("a", -1.0), ("a", 1.0), ("b", 0.0)]
    assert rows_of(groups.applyInPandas(with_key, "k string, n bigint")) == [("a", 2), ("b", 1)]
    assert len(rows_of(groups.applyInArrow(of_arrow, "k string, v double"))) == 2
    assert rows_of(groups.applyInPolars(of_polars, "k string, v double")) == [("a", 4.0), ("b", 5.0)]


def fails(v):
    raise RuntimeError("no more of this")


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda df: df.select(F.udf(fails, "int")("id")), r"(?s)`fails` raised.*Traceback.*in fails.*no more of this"),
        (lambda df: df.select(F.udf(lambda v: "x", "int")("id")), "is no int"),
        (lambda df: df.select(F.udf(lambda v: 2**40, "int")("id")), "beyond int"),
        (lambda df: df.select(F.pandas_udf(lambda v: v[:1], "bigint")("id")), "gave 1 values"),
        (lambda df: df.select(F.pandas_udf(lambda v: 3, "bigint")("id")), "gives a Series of pandas, not int"),
        (
            lambda df: df.select(F.arrow_udf(lambda v: pyarrow.array(["x"] * len(v)), "bigint")("id")),
            r"`<lambda>` failed: it gave Utf8, and promised Int64",
        ),
        (
            lambda df: df.mapInPandas(lambda parts: (part.rename(columns={"id": "other"}) for part in parts), "id bigint"),
            "promised the columns id",
        ),
        (lambda df: df.mapInArrow(lambda parts: 3, "id bigint"), "yield"),
        (lambda df: df.groupBy("id").applyInPandas(fails, "id bigint"), "no more of this"),
    ],
)
def test_a_function_that_fails_ends_its_query_alone(spark, made, says):
    with pytest.raises(PythonException, match=says) as raised:
        made(spark.range(10)).collect()
    assert raised.value.getCondition() == "FAILED_EXECUTE_UDF"
    assert spark.range(10).count() == 10


def test_what_cannot_be_is_said_at_once(spark):
    with pytest.raises(PySparkValueError, match="takes no column"):
        F.pandas_udf(lambda: None, "int")
    with pytest.raises(AnalysisException, match="one of Spark's own"):
        spark.udf.register("upper", lambda v: v)
    df = spark.range(1).groupBy("id").applyInPandas(lambda rows: rows, "id bigint")
    assert df.columns == ["id"]


@pytest.fixture
def new_york(spark):
    """A session in a zone with summer time."""
    zone = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    yield spark
    spark.conf.set("spark.sql.session.timeZone", zone)


def test_moments_come_back_as_they_were_on_every_way(new_york):
    df = new_york.sql("SELECT timestamp'2024-07-01 09:00:00' AS t, array(timestamp'2024-01-01 09:00:00') AS a, 1 AS k")

    @F.pandas_udf("timestamp")
    def most(t: pandas.Series) -> datetime.datetime:
        return t.max()

    @F.pandas_udf("timestamp")
    def objects(t: pandas.Series) -> pandas.Series:
        return t.astype(object)

    @F.pandas_udf("array<timestamp>")
    def same(a: pandas.Series) -> pandas.Series:
        assert [value.hour for value in a[0]] == [9]
        return a

    expected = df.selectExpr("unix_timestamp(t)", "unix_timestamp(a[0])").first()
    seconds = df.select(F.unix_timestamp(objects("t")), F.unix_timestamp(same("a")[0])).first()
    assert tuple(seconds) == tuple(expected)
    assert df.agg(F.unix_timestamp(most("t"))).first()[0] == expected[0]
    grouped = df.groupBy("k").applyInPandas(lambda rows: rows, df.schema)
    assert tuple(grouped.selectExpr("unix_timestamp(t)", "unix_timestamp(a[0])").first()) == tuple(expected)
    again = new_york.createDataFrame(df.select("t").toPandas())
    assert again.dtypes == [("t", "timestamp")] and again.selectExpr("unix_timestamp(t)").first()[0] == expected[0]


def test_groups_get_the_key_that_they_have(spark):
    def of_key(key, rows):
        return pandas.DataFrame({"k": [repr(key)], "n": [len(rows)]})

    def keys(df, *by):
        return sorted(row[0] for row in df.groupBy(*by).applyInPandas(of_key, "k string, n bigint").collect())

    dotted = spark.createDataFrame([("right", "WRONG")], "`a.b` string, b string")
    assert keys(dotted, F.col("`a.b`")) == ["('right',)"]
    assert keys(spark.createDataFrame([("x",)], "name string"), "NAME") == ["('x',)"]
    assert keys(spark.createDataFrame([(0.0,), (-0.0,)], "z double"), "z") == ["(0.0,)"]
    assert keys(spark.range(5)) == ["()"]
    date = spark.sql("SELECT date'2026-01-02' AS d, CAST(1.50 AS decimal(9,2)) AS m, null AS n, array(1) AS a")
    assert keys(date, "d", "m", "a") == ["(datetime.date(2026, 1, 2), Decimal('1.50'), [1])"]


def test_all_rows_are_one_group_without_a_key(spark):
    groups = spark.range(10_000).groupBy()

    def counted(rows):
        return type(rows)({"n": [len(rows)]})

    def in_arrow(key, rows: pyarrow.Table):
        return pyarrow.table({"n": [rows.num_rows + len(key)]})

    made = [groups.applyInPandas(counted, "n bigint"), groups.applyInPolars(counted, "n bigint"), groups.applyInArrow(in_arrow, "n bigint")]
    assert [[tuple(row) for row in df.collect()] for df in made] == [[(10_000,)]] * 3


@pytest.mark.parametrize(
    ("data_type", "values", "expected"),
    [
        ("map<string,int>", [{"a": 1}], {"a": 1}),
        ("struct<x:int,y:string>", [(1, "b")], (1, "b")),
        ("struct<x:int,y:string>", [{"x": 1}], (1, None)),
        ("double", [float("nan")], None),
        ("timestamp", [None], None),
        ("string", [float("nan")], None),
        ("int", [1.5], "promised int"),
        ("int", ["7"], "promised int"),
        ("string", [7], "promised string"),
        ("timestamp", [7], "promised timestamp"),
        ("bigint", pandas.to_datetime(["2026-01-01"]), "promised bigint"),
    ],
)
def test_what_pandas_gives_has_the_type_that_was_promised(spark, data_type, values, expected):
    made = F.pandas_udf(lambda v: pandas.Series(values), data_type)
    df = spark.range(1).coalesce(1).select(made("id"))
    if isinstance(expected, str):
        with pytest.raises(PythonException, match=expected):
            df.collect()
    else:
        found = df.first()[0]
        assert (tuple(found) if isinstance(found, tuple) else found) == expected


NAN = float("nan")


@pytest.mark.parametrize(
    ("data_type", "given", "of_pandas", "of_others"),
    [
        ("double", NAN, "None", "nan"),
        ("array<double>", [1.0, NAN], "[1.0, None]", "[1.0, nan]"),
        ("array<array<double>>", [[NAN]], "[[None]]", "[[nan]]"),
        ("struct<x:double>", {"x": NAN}, "Row(x=None)", "Row(x=nan)"),
        ("map<string,double>", {"a": NAN}, "{'a': None}", "{'a': nan}"),
        ("array<int>", [1, NAN], "[1, None]", None),
        ("array<string>", ["a", pandas.NA], "['a', None]", None),
        ("array<timestamp>", [pandas.NaT], "[None]", None),
    ],
)
def test_nan_is_a_missing_value_to_pandas_alone(spark, data_type, given, of_pandas, of_others):
    # What PySpark 4.2 makes of them: `PandasToArrowConversion.convert` for pandas, `pyarrow.array([given])` for aggregates of Arrow.
    def one(v: pandas.Series) -> object:
        return given

    df = spark.range(1).coalesce(1)
    assert repr(df.select(F.pandas_udf(lambda v: pandas.Series([given]), data_type)("id")).first()[0]) == of_pandas
    assert repr(df.agg(F.pandas_udf(one, data_type)("id")).first()[0]) == of_pandas
    for made in (F.arrow_udf, F.polars_udf) if of_others else ():
        assert repr(df.agg(made(one, data_type)("id")).first()[0]) == of_others


def test_nulls_within_a_column_come_back_from_pandas(spark):
    df = spark.sql("SELECT array(1.5D, null) AS v")
    assert df.select(F.pandas_udf(lambda v: v, "array<double>")("v")).first()[0] == [1.5, None]


def test_an_aggregate_of_pandas_may_give_an_array_of_numpy(spark):
    def distinct(v: pandas.Series) -> list:
        return v.unique()

    assert sorted(spark.range(3).agg(F.pandas_udf(distinct, "array<bigint>")("id")).first()[0]) == [0, 1, 2]


def hours_seen(session):
    """What functions of the program, and `toPandas`, see of noon in UTC; and the moments that they give back."""
    df = session.sql("SELECT timestamp'2024-01-05 12:00:00Z' AS t, 1 AS k")
    hours = {df.toPandas()["t"][0].hour}

    def same(rows):
        hours.add(int(rows["t"].dt.hour[0]))
        return rows

    made = df.mapInPandas(lambda parts: map(same, parts), df.schema).union(df.groupBy("k").applyInPandas(same, df.schema))
    # Not a generator: it has read its batches before the first of its results is asked for.
    made = made.union(df.mapInPandas(lambda parts: [same(pandas.concat(parts))], df.schema))
    return hours, {row[0] for row in made.selectExpr("unix_timestamp(t)").collect()}


def test_each_session_has_its_zone(new_york):
    tokyo = new_york.newSession()
    tokyo.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    assert hours_seen(tokyo) == ({21}, {1704456000})
    assert hours_seen(new_york) == ({7}, {1704456000})


def test_hints_that_are_texts_say_the_same(spark):
    def twice(v: "pd.Series") -> "pd.Series":  # noqa: F821
        return v * 2

    def parts(parts: "Iterator[pd.Series]") -> "Iterator[pd.Series]":  # noqa: F821
        yield from (part * 3 for part in parts)

    rows = spark.range(2).select(F.pandas_udf(twice, "bigint")("id"), F.pandas_udf(parts, "bigint")("id")).orderBy("twice(id)").collect()
    assert [tuple(row) for row in rows] == [(0, 0), (2, 3)]
