"""Answers that once were wrong, or refused: rows lost below a sort, constants under outer joins, null-safe joins beside others, NaN in
groups, orders of unions, windows by one double under two names, what may be null, subqueries without rows, counts of different texts, and
joins and sorts with little memory."""

import pytest

from tidemill.sql import SparkSession
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


ROWS = [(None if k % 10 == 3 else k, None if k % 7 == 1 else k % 7, float(k % 5), str(k % 11)) for k in range(200)]


@pytest.fixture
def in_files(spark, tmp_path):
    path = str(tmp_path / "t")
    spark.createDataFrame(ROWS, "k bigint, v bigint, f double, s string").repartition(3).write.parquet(path)
    spark.read.parquet(path).createOrReplaceTempView("t")
    spark.conf.set("spark.sql.shuffle.partitions", "3")
    return spark


def nulls_first(rows):
    return sorted(rows, key=lambda row: [(value is not None, value) for value in row])


def test_a_union_is_ordered_whatever_is_constant_or_equal_in_its_parts(in_files):
    every = [(k, v) for k, v, _, _ in ROWS]
    for first, second, expected in [
        ("SELECT v a, k b, v c FROM t WHERE v = k", "SELECT v, k, v FROM t", [(v, k, v) for k, v in every if v is not None and v == k]),
        ("SELECT v a, k b, v c FROM t WHERE v = 2", "SELECT v, k, v FROM t", [(v, k, v) for k, v in every if v == 2]),
        ("SELECT 1L a, k b, 2L c FROM t", "SELECT v, k, v FROM t", [(1, k, 2) for k, _ in every]),
    ]:
        rows = in_files.sql(f"{first} UNION ALL {second} ORDER BY a, b, c").collect()
        assert [tuple(row) for row in rows] == nulls_first([*expected, *((v, k, v) for k, v in every)]), first


def test_windows_by_one_double_under_two_names(in_files):
    rows = in_files.sql(
        "SELECT k, row_number() OVER (PARTITION BY a, b ORDER BY k) AS m, count(*) OVER (PARTITION BY b, k ORDER BY a) AS n,"
        " sum(k) OVER (PARTITION BY b, s ORDER BY k, a) AS o FROM (SELECT f AS a, f AS b, k, s FROM t WHERE k IS NOT NULL)"
    ).collect()
    known = [(k, f, s) for k, _, f, s in ROWS if k is not None]
    expected = [
        (k, sum(j <= k and g == f for j, g, _ in known), 1, sum(j for j, g, r in known if j <= k and (g, r) == (f, s))) for k, f, s in known
    ]
    assert sorted(map(tuple, rows)) == sorted(expected)


def test_groups_of_what_is_never_null_for_a_reason(in_files):
    for condition, holds in [
        ("k > 5 AND v < 3", lambda k, v: k is not None and v is not None and k > 5 and v < 3),
        ("k > 5 AND v IN (1, 2, 3, 4)", lambda k, v: k is not None and k > 5 and v in (1, 2, 3, 4)),
        ("k > 5 AND v < 3 OR v > 5 AND k < 17", lambda k, v: None not in (k, v) and ((k > 5 and v < 3) or (v > 5 and k < 17))),
    ]:
        value = f"CASE WHEN {condition} THEN k ELSE 0L END"
        expected = [k if holds(k, v) else 0 for k, v, _, _ in ROWS]
        rows = in_files.sql(f"SELECT c, count(*) FROM (SELECT {value} AS c FROM t) GROUP BY c").collect()
        assert dict(map(tuple, rows)) == {c: expected.count(c) for c in expected}
        assert {row[0] for row in in_files.sql(f"SELECT DISTINCT {value} FROM t").collect()} == set(expected)


def test_a_count_as_a_value_in_a_union(in_files):
    more = sum(s > "1" for _, _, _, s in ROWS)
    rows = in_files.sql(f"SELECT (SELECT count(*) FROM t WHERE s > '1') AS c FROM t UNION SELECT {more}L UNION SELECT 3L").collect()
    assert sorted(row.c for row in rows) == [3, more]
    rows = in_files.sql("SELECT 4L AS c FROM t UNION SELECT (SELECT count(*) FROM t x WHERE x.k = t.v) FROM t").collect()
    assert {row.c for row in rows} == {4} | {sum(v is not None and k == v for k, _, _, _ in ROWS) for _, v, _, _ in ROWS}


def test_a_subquery_without_a_row_is_null(in_files):
    rare = sum(v is None or sum(w == v for _, w, _, _ in ROWS) <= 28 for _, v, _, _ in ROWS)
    for query, nulls in [
        ("SELECT count(*) FROM t x HAVING count(*) > 1000", 200),
        ("SELECT count(*) FROM t x HAVING count(*) > 100", 0),
        ("SELECT count(*) FROM t x LIMIT 0", 200),
        ("SELECT 1 FROM t x WHERE x.k < 0 LIMIT 1", 200),
        ("SELECT count(*) FROM t x WHERE x.v = t.v HAVING count(*) > 28", rare),
        ("SELECT count(*) FROM t x WHERE x.v = t.v", 0),
    ]:
        assert in_files.sql(f"SELECT 1 FROM t WHERE ({query}) IS NULL").count() == nulls, query
        row = in_files.sql(f"SELECT count(({query})) AS known, count(*) AS n FROM t").first()
        assert (row.known, row.n) == (200 - nulls, 200), query


def test_different_texts_are_counted_in_many_groups_with_little_memory(tmp_path):
    session = SparkSession.builder.config("tidemill.memoryBytes", "64MB").config("tidemill.spillDir", str(tmp_path)).create()
    try:
        session.range(30_000).selectExpr("id % 10000 AS g", "concat('text ', id % 7) AS s").createOrReplaceTempView("texts")
        groups = session.sql("SELECT g, count(DISTINCT s) AS n, count(*) AS rows FROM texts GROUP BY g").collect()
        assert len(groups) == 10_000
        assert all(row.n == len({i % 7 for i in range(row.g, 30_000, 10_000)}) and row.rows == 3 for row in groups)
        both = session.sql(
            "SELECT g % 3 AS h, count(DISTINCT s) AS n, count(DISTINCT s) FILTER (WHERE s > 'text 4') AS some,"
            " count(DISTINCT CAST(s AS BINARY)) AS bytes, count(DISTINCT g) AS groups FROM texts GROUP BY g % 3 ORDER BY h"
        ).collect()
        assert [tuple(row) for row in both] == [(0, 7, 2, 7, 3334), (1, 7, 2, 7, 3333), (2, 7, 2, 7, 3333)]
    finally:
        session.stop()


@pytest.mark.parametrize("memory", ["1g", "16MB", "6MB"])
def test_a_join_without_keys_is_right_or_refused_with_little_memory(tmp_path, memory):
    settings = {"tidemill.memoryBytes": memory, "tidemill.batchSize": "256", "tidemill.spillDir": str(tmp_path / "spill")}
    (tmp_path / "spill").mkdir()
    session = SparkSession.builder.config(map=settings).create()
    try:
        for name, rows, every in (("l", 4000, 1), ("r", 4100, 2)):
            frame = session.range(rows).selectExpr(f"id * {every} AS k", "repeat(CAST(id + 100000 AS STRING), 400) AS s")
            frame.repartition(4).write.parquet(str(tmp_path / name))
            session.read.parquet(str(tmp_path / name)).createOrReplaceTempView(name)
        near = "l.k > r.k - 1 AND l.k < r.k + 1"
        # Each needs all of the left side's texts; every second row of it has a partner.
        for query, expected in [
            (f"SELECT count(*), count(r.k), sum(length(l.s)) FROM l LEFT JOIN r ON {near}", (4000, 2000, 9_600_000)),
            (f"SELECT count(*), sum(length(l.s)) FROM l WHERE NOT EXISTS (SELECT 1 FROM r WHERE {near})", (2000, 4_800_000)),
            (f"SELECT count(*), sum(length(l.s)) FROM l WHERE EXISTS (SELECT 1 FROM r WHERE {near})", (2000, 4_800_000)),
        ]:
            try:
                answer = tuple(session.sql(query).first())
            except Exception as error:
                assert memory != "1g" and "tidemill.memoryBytes" in str(error), f"{query}: {error}"
            else:
                assert answer == expected, query
    finally:
        session.stop()


@pytest.mark.parametrize(("memory", "threads", "tasks"), [("16MB", "2", "1"), ("32MB", "8", "1"), ("16MB", "2", "8")])
def test_a_sort_of_more_than_there_is_memory(tmp_path, memory, threads, tasks):
    settings = {"tidemill.memoryBytes": memory, "tidemill.threads": threads, "tidemill.spillDir": str(tmp_path)}
    session = SparkSession.builder.config(map=settings).create()
    try:
        session.conf.set("spark.sql.shuffle.partitions", tasks)
        rows = session.range(300_000).selectExpr("id * 7919 % 300007 AS k", "CAST(id AS STRING) AS s")
        rows.repartition(4).createOrReplaceTempView("t")
        numbered = session.sql("SELECT k % 100 AS g, row_number() OVER (PARTITION BY k % 100 ORDER BY s) AS n FROM t")
        groups = numbered.groupBy("g").agg(F.max("n").alias("last"), F.sum("n").alias("total")).collect()
        sizes = [0] * 100
        for i in range(300_000):
            sizes[i * 7919 % 300_007 % 100] += 1
        assert sorted(map(tuple, groups)) == [(g, size, size * (size + 1) // 2) for g, size in enumerate(sizes)]
    finally:
        session.stop()
