"""Delta tables: versions, history, merges, by delta-spark's names and by SQL."""

import pytest

from tidemill.delta import DeltaTable
from tidemill.errors import AnalysisException, PySparkNotImplementedError, UnsupportedOperationException


@pytest.fixture
def users(spark, tmp_path):
    """The path of a table of two users."""
    path = str(tmp_path / "users")
    spark.createDataFrame([(1, "ada", 10), (2, "bob", 20)], "id bigint, name string, at int").write.format("delta").save(path)
    return path


def rows(df):
    return sorted(tuple(row) for row in df.collect())


CHANGES = [(2, "bobby", 15), (3, "cleo", 30)]


def changes(spark):
    return spark.createDataFrame(CHANGES, "id bigint, name string, at int")


@pytest.mark.parametrize(
    ("clauses", "expected", "counts"),
    [
        (lambda m: m.whenMatchedUpdateAll().whenNotMatchedInsertAll(), [(1, "ada", 10), *CHANGES], (2, 1, 0, 1)),
        (
            lambda m: m.whenMatchedUpdateAll("changed.at > users.at").whenNotMatchedInsertAll(),
            [(1, "ada", 10), (2, "bob", 20), CHANGES[1]],
            (1, 0, 0, 1),
        ),
        (lambda m: m.whenNotMatchedInsertAll(), [(1, "ada", 10), (2, "bob", 20), CHANGES[1]], (1, 0, 0, 1)),
    ],
)
def test_merges(spark, users, clauses, expected, counts):
    table = DeltaTable.forPath(spark, users)
    merge = table.alias("users").merge(changes(spark).alias("changed"), "users.id = changed.id")
    assert tuple(clauses(merge).execute().first()) == counts
    assert rows(table.toDF()) == expected
    assert table.history(1).first()["operation"] == "MERGE"


def test_merges_in_sql(spark, users):
    changes(spark).createOrReplaceTempView("changed")
    into = f"MERGE INTO delta.`{users}` AS t USING changed AS c ON t.id = c.id"
    said = f"{into} WHEN MATCHED AND c.at > t.at THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    assert tuple(spark.sql(said).first()) == (1, 0, 0, 1)
    assert rows(spark.read.format("delta").load(users)) == [(1, "ada", 10), (2, "bob", 20), (3, "cleo", 30)]
    with pytest.raises(Exception, match="not there yet"):
        spark.sql(f"{into} WHEN MATCHED THEN DELETE").collect()
    with pytest.raises(UnsupportedOperationException, match="columns of one name are equal"):
        spark.sql(said.replace("t.id = c.id", "t.id = c.at")).collect()


def test_versions_and_history(spark, users):
    table = DeltaTable.forPath(spark, users)
    changes(spark).write.format("delta").mode("overwrite").save(users)
    assert [row["version"] for row in table.history().collect()] == [1, 0] and table.history(1).count() == 1
    before = spark.read.option("versionAsOf", 0).format("delta").load(users)
    assert rows(before) == [(1, "ada", 10), (2, "bob", 20)]
    assert rows(spark.sql(f"SELECT * FROM delta.`{users}` VERSION AS OF 0")) == rows(before)
    before.write.format("delta").mode("overwrite").save(users)
    assert rows(table.toDF()) == rows(before)
    assert table.detail().first()["location"].endswith("users")
    assert DeltaTable.isDeltaTable(spark, users) and not DeltaTable.isDeltaTable(spark, users + "x")


def test_tables_by_name(spark, tmp_path):
    made = (
        DeltaTable.create(spark)
        .tableName("visits")
        .addColumn("id", "bigint", nullable=False)
        .addColumn("day", "date", comment="of the visit")
        .partitionedBy("day")
        .property("team", "it's us")
        .execute()
    )
    assert made.toDF().columns == ["id", "day"]
    assert DeltaTable.forName(spark, "visits").toDF().count() == 0
    assert [column.name for column in spark.catalog.listColumns("visits") if column.isPartition] == ["day"]
    spark.sql("DROP TABLE visits").collect()


def test_what_is_not_there_is_said(spark, users):
    with pytest.raises(AnalysisException):
        DeltaTable.forPath(spark, users + "x")
    with pytest.raises(AnalysisException):
        DeltaTable.forName(spark, "nothing_of_that_name")
    table = DeltaTable.forPath(spark, users)
    with pytest.raises(PySparkNotImplementedError, match="versionAsOf"):
        table.restoreToVersion(0)
    with pytest.raises(PySparkNotImplementedError, match="overwrite"):
        table.delete("id = 1")
    with pytest.raises(UnsupportedOperationException, match="WHEN NOT MATCHED THEN INSERT"):
        table.merge(changes(spark), "target.id = source.id").whenMatchedUpdateAll().execute()


def test_the_files_of_a_table_are_told(spark, users, tmp_path):
    spark.range(10).repartition(2).write.parquet(str(tmp_path / "numbers"))
    numbers = spark.read.parquet(str(tmp_path / "numbers"))
    both = spark.read.format("delta").load(users).select("id").union(numbers.filter("id > 3"))
    found = [path.removeprefix("file://") for path in both.inputFiles()]
    expected = [str(path) for folder in (tmp_path / "users", tmp_path / "numbers") for path in folder.glob("*.parquet")]
    assert found == sorted(expected) and len(found) >= 2
    spark.range(3).write.json(str(tmp_path / "lines"))
    assert len(spark.read.json(str(tmp_path / "lines")).inputFiles()) == len(list((tmp_path / "lines").glob("*.json")))
    assert spark.range(3).inputFiles() == []
