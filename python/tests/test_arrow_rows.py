"""Rows handed over by Arrow's C stream while they are computed: to pyarrow, Polars and DuckDB, with their errors, and no further than they
are read."""

import pytest

from tidemill.sql import SparkSession
from tidemill.sql import functions as F
from tidemill.sql.types import LongType

pa = pytest.importorskip("pyarrow")


def test_who_takes_the_rows(spark):
    polars, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    rows = spark.range(0, 100_000).select("id", (F.col("id") % 7).alias("k"), F.col("id").cast("string").alias("s"))
    expected = pa.table({"id": range(100_000), "k": [n % 7 for n in range(100_000)], "s": [str(n) for n in range(100_000)]})
    assert rows.toArrow().equals(expected)
    assert pa.RecordBatchReader.from_stream(rows).read_all().equals(expected)
    assert rows.to_polars().equals(polars.from_arrow(expected))
    assert polars.DataFrame(rows).equals(polars.from_arrow(expected))
    taken = duckdb.from_arrow(pa.RecordBatchReader.from_stream(rows))
    assert taken.aggregate("sum(id), count(DISTINCT k), max(length(s))").fetchall() == [(4_999_950_000, 7, 5)]
    assert rows.toPandas()["id"].sum() == 4_999_950_000
    none = rows.limit(0).toArrow()
    assert (none.num_rows, none.schema) == (0, expected.schema)


def test_a_reader_who_leaves_ends_the_query(spark):
    # Nobody could compute all of these rows.
    reader = pa.RecordBatchReader.from_stream(spark.range(0, 10**15).select((F.col("id") * 2).alias("n")))
    first = reader.read_next_batch()
    assert first.column(0).slice(0, 3).to_pylist() == [0, 2, 4]
    assert reader.read_next_batch().num_rows > 0
    del reader
    assert spark.range(10).count() == 10


@pytest.mark.parametrize("how", ["toArrow", "toPandas", "to_polars", "toLocalIterator"])
def test_an_error_in_the_middle_keeps_its_class(spark, how):
    pytest.importorskip({"toPandas": "pandas", "to_polars": "polars"}.get(how, "pyarrow"))
    rows = spark.range(0, 200_000).select(F.expr("10 div (id - 199999)").alias("n"))
    with pytest.raises(Exception) as plain:
        rows.collect()
    with pytest.raises(type(plain.value)) as raised:
        list(getattr(rows, how)())
    assert raised.value.getCondition() == plain.value.getCondition() == "DIVIDE_BY_ZERO"
    # Others get the text.
    with pytest.raises(pa.ArrowException, match="zero"):
        pa.RecordBatchReader.from_stream(rows).read_all()


def test_functions_of_python_run_while_a_package_waits(spark):
    polars = pytest.importorskip("polars")
    twice = F.udf(lambda n: 2 * n, LongType())
    rows = spark.range(0, 20_000).select(twice("id").alias("n"))
    assert polars.DataFrame(rows)["n"].sum() == sum(rows.toArrow().to_pydict()["n"]) == 20_000 * 19_999
    stopped = F.udf(lambda n: n // 0, LongType())
    with pytest.raises(Exception, match="ZeroDivisionError"):
        spark.range(10).select(stopped("id")).toArrow()


def test_rows_that_are_kept_have_a_limit():
    spark = SparkSession.builder.config("spark.driver.maxResultSize", "1m").create()
    rows = spark.range(0, 1_000_000)
    with pytest.raises(Exception, match=r"spark\.driver\.maxResultSize"):
        rows.toArrow()
    assert sum(batch.num_rows for batch in pa.RecordBatchReader.from_stream(rows)) == 1_000_000
    spark.stop()


def test_rows_are_given_once(spark):
    stream = spark.range(3)._frame.arrow_stream(False)
    assert pa.table(stream).num_rows == 3
    with pytest.raises(ValueError, match="taken already"):
        pa.table(stream)
