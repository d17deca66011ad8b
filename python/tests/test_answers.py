"""Answers that once were wrong: rows lost below a sort, constants under outer joins, null-safe joins beside others, NaN in groups."""

import pytest

from tidemill.sql import functions as F


@pytest.fixture
def tables(spark, tmp_path):
    for name in ("x", "y"):
        path = str(tmp_path / name)
        spark.range(20_000).select(F.col("id").alias("k"), (F.col("id") * 7 % 1000).alias("v")).repartition(3).write.parquet(path)
        spark.read.parquet(path).createOrReplaceTempView(name)
    return spark


@pytest.mark.parametrize("tasks", [1, 2, 3, 7])
@pytest.mark.parametrize("adaptive", ["true", "false"])
def test_a_sort_below_a_join_loses_no_row(tables, tasks, adaptive):
    settings = {
        "spark.sql.shuffle.partitions": str(tasks),
        "spark.sql.adaptive.enabled": adaptive,
        "spark.sql.autoBroadcastJoinThreshold": "-1",
    }
    for name, value in settings.items():
        tables.conf.set(name, value)
    try:
        rows = tables.sql("SELECT x.v FROM x JOIN y ON x.k = y.k ORDER BY x.v").collect()
        assert len(rows) == 20_000 and [row.v for row in rows] == sorted(row.v for row in rows)
        windows = tables.sql("SELECT x.k, max(y.v) OVER (PARTITION BY x.k) AS m FROM x LEFT JOIN y ON x.k = y.k").collect()
        assert len(windows) == 20_000
    finally:
        for name in settings:
            tables.conf.unset(name)


def test_what_is_constant_below_an_outer_join_is_not_above_it(spark):
    spark.range(30).selectExpr("id % 10 AS k").createOrReplaceTempView("a")
    spark.createDataFrame([(1,), (3,), (5,)], "k bigint").createOrReplaceTempView("b")
    joined = "FROM a LEFT JOIN (SELECT k, 1 AS c FROM b) b ON a.k = b.k"
    groups = spark.sql(f"SELECT b.c, count(*) AS n {joined} GROUP BY b.c").collect()
    assert sorted((row.c or 0, row.n) for row in groups) == [(0, 21), (1, 9)]
    assert [row.c for row in spark.sql(f"SELECT b.c {joined} ORDER BY b.c NULLS LAST").collect()] == [1] * 9 + [None] * 21
    assert spark.sql(f"SELECT DISTINCT b.c {joined}").count() == 2
    exists = spark.sql("SELECT EXISTS (SELECT 1 FROM b WHERE b.k = a.k) AS e FROM a ORDER BY e").collect()
    assert [row.e for row in exists] == [False] * 21 + [True] * 9


def test_null_safe_joins_keep_their_meaning_beside_others(spark):
    spark.createDataFrame([(1, None), (2, "s"), (3, None)], "id int, s string").createOrReplaceTempView("l")
    spark.createDataFrame([(None,), ("s",)], "s string").createOrReplaceTempView("m")
    spark.createDataFrame([(1,), (2,), (None,)], "id int").createOrReplaceTempView("r")
    assert spark.sql("SELECT 1 FROM l JOIN m ON l.s <=> m.s JOIN r ON l.id = r.id").count() == 2
    assert spark.sql("SELECT 1 FROM l JOIN m ON l.s = m.s JOIN r ON l.id <=> r.id").count() == 1


def test_nan_is_the_greatest_in_groups_in_any_order(spark):
    values = "(1, 'NaN'), (1, '1'), (2, '1'), (2, 'NaN'), (3, '-Infinity'), (4, 'Infinity'), (5, '-0.0'), (6, null)"
    rows = spark.sql(
        f"SELECT k, min(f) AS low, max(f) AS high FROM (SELECT k, CAST(t AS DOUBLE) AS f FROM VALUES {values} AS v(k, t)) GROUP BY k"
    )
    found = {row.k: (str(row.low), str(row.high)) for row in rows.collect()}
    assert found[1] == found[2] == ("1.0", "nan")
    assert found[3] == ("-inf", "-inf") and found[4] == ("inf", "inf") and found[6] == ("None", "None")
