"""Rows in partitions that the program asks for."""

import itertools

import pytest

from tidemill.errors import PySparkValueError
from tidemill.sql import functions as F


def test_a_write_makes_a_file_of_each_partition(spark, tmp_path):
    numbers = spark.range(1000).withColumn("k", F.col("id") % 50).repartition(4)
    cases = [
        (lambda df: df, 4),
        (lambda df: df.repartition(3), 3),
        (lambda df: df.repartition(3, "k"), 3),
        (lambda df: df.repartition(3, ["k"]), 3),
        (lambda df: df.repartition("k"), 1),
        (lambda df: df.repartition(df["k"], "id"), 1),
        (lambda df: df.repartitionByRange(3, "k"), 3),
        (lambda df: df.repartitionByRange(3, F.desc("k")), 3),
        (lambda df: df.repartitionByRange("k"), 1),
        (lambda df: df.coalesce(1), 1),
        (lambda df: df.coalesce(9), 4),
        (lambda df: df.sortWithinPartitions("k"), 4),
        (lambda df: df.hint("repartition", 5), 5),
        (lambda df: df.hint("repartition", 5, "k"), 5),
        (lambda df: df.hint("coalesce", 2), 2),
    ]
    for place, (step, files) in enumerate(cases):
        path = tmp_path / str(place)
        step(numbers).write.parquet(str(path))
        assert len(list(path.glob("*.parquet"))) == files, place
        assert spark.read.parquet(str(path)).agg(F.count("*"), F.countDistinct("id")).first()[:] == (1000, 1000), place


def test_rows_of_a_partition(spark):
    pyarrow = pytest.importorskip("pyarrow")

    def places(df):
        """The keys of each partition, in their order there."""

        def listed(batches):
            rows = [row for batch in batches for row in batch.to_pylist()]
            if rows:
                yield pyarrow.RecordBatch.from_pydict({"keys": [",".join(str(row["k"]) for row in rows)]})

        return [[int(k) for k in row[0].split(",")] for row in df.mapInArrow(listed, "keys string").collect()]

    numbers = spark.range(60).withColumn("k", F.col("id") % 12)
    by_key = places(numbers.repartition(3, "k"))
    assert sum(len(set(keys)) for keys in by_key) == 12
    ranges = sorted(places(numbers.repartitionByRange(3, "k")))
    assert len(ranges) == 3 and all(max(one) < min(other) for one, other in itertools.pairwise(ranges))
    ordered = places(numbers.repartition(3, "k").sortWithinPartitions(F.desc("k")))
    assert all(keys == sorted(keys, reverse=True) for keys in ordered)


def test_wrong_numbers_of_partitions(spark):
    df = spark.range(5)
    for wrong in (
        lambda: df.repartition(0),
        lambda: df.repartition(-1, "id"),
        lambda: df.repartitionByRange(0, "id"),
        lambda: df.coalesce(0),
    ):
        with pytest.raises(PySparkValueError, match="must be positive"):
            wrong()
    with pytest.raises(PySparkValueError, match="at least one partition-by expression"):
        df.repartitionByRange(3)
