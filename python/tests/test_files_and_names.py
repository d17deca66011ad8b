"""Files by path, in folders of their partitions, and what the catalog does with names."""

import pytest

from tidemill.errors import AnalysisException, ParseException
from tidemill.sql import functions as F


def test_rows_in_folders_of_their_values(spark, tmp_path):
    path = str(tmp_path / "rows")
    rows = spark.createDataFrame([("ada", 1, "2026-01-31"), ("bob", 2, None)], "name string, n int, day string")
    rows.withColumn("day", F.col("day").cast("date")).write.partitionBy("day", "name").json(path)
    assert sorted(each.name for each in (tmp_path / "rows").iterdir() if "=" in each.name) == [
        "day=2026-01-31",
        "day=__HIVE_DEFAULT_PARTITION__",
    ]
    back = spark.read.json(path)
    assert back.dtypes == [("n", "bigint"), ("day", "date"), ("name", "string")]
    assert back.filter("day IS NULL").collect()[0].asDict() == {"n": 2, "day": None, "name": "bob"}
    one = spark.read.option("basePath", path).json(f"{path}/day=2026-01-31")
    assert [tuple(row) for row in one.select("name", "n").collect()] == [("ada", 1)]
    (tmp_path / "rows" / "other=1").mkdir()
    (tmp_path / "rows" / "other=1" / "x.json").write_text('{"n": 3}\n')
    with pytest.raises(AnalysisException, match="in folders of") as raised:
        spark.read.json(path)
    assert raised.value.getCondition() == "CONFLICTING_PARTITION_COLUMN_NAMES"


@pytest.mark.parametrize(
    ("options", "columns", "rows"),
    [
        ({}, ["_corrupt_record", "a"], [("GARBAGE", None), (None, 1)]),
        ({"columnNameOfCorruptRecord": "bad"}, ["a", "bad"], [(None, "GARBAGE"), (1, None)]),
        ({"schema": "a bigint, _corrupt_record string"}, ["a", "_corrupt_record"], [(None, "GARBAGE"), (1, None)]),
        ({"mode": "DROPMALFORMED"}, ["a"], [(1,)]),
    ],
)
def test_lines_of_json_that_do_not_fit(spark, tmp_path, options, columns, rows):
    (tmp_path / "l.json").write_text('{"a":1}\nGARBAGE\n')
    path = str(tmp_path / "l.json")
    read = spark.read.json(path, **options)
    assert read.columns == columns
    assert [tuple(row) for row in read.sort("a").collect()] == rows
    with pytest.raises(Exception, match=r"l\.json, line 2: ") as raised:
        spark.read.json(path, schema="a bigint", mode="FAILFAST").collect()
    assert raised.value.getCondition() == "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION"
    with pytest.raises(AnalysisException, match="PERMISSIVE, DROPMALFORMED or FAILFAST"):
        spark.read.json(path, mode="FAILFST")


def test_lines_of_text(spark, tmp_path):
    path = str(tmp_path / "lines")
    spark.createDataFrame([("a",), ("ü b",)], "line string").coalesce(1).write.text(path)
    assert [row.value for row in spark.read.text(path).collect()] == ["a", "ü b"]
    assert spark.read.schema("line string").format("text").load(path).columns == ["line"]
    for call, says in [
        (lambda: spark.range(2).write.text(str(tmp_path / "no")), "hold no bigint"),
        (lambda: spark.read.text(path, wholetext=True), "wholetext"),
        (lambda: spark.read.text(path, lineSep=";"), "lineSep"),
    ]:
        with pytest.raises(AnalysisException, match=says):
            call()
    assert not (tmp_path / "no").exists()


def test_a_name_is_a_name(spark):
    catalog = spark.catalog
    catalog.createDatabase("shop")
    catalog.createDatabase("shop", True)
    spark.range(3).write.saveAsTable("shop.things")
    spark.sql("CREATE VIEW shop.seen AS SELECT * FROM shop.things")
    spark.sql("ALTER TABLE shop.things SET TBLPROPERTIES ('team' = 'me')")
    assert catalog.getTableProperties("shop.things")["team"] == "me"
    assert catalog.getCreateTableString("shop.things").startswith("CREATE TABLE")
    # What is no name is no statement, either.
    for call in (catalog.dropTable, catalog.dropView, catalog.dropDatabase, catalog.truncateTable):
        with pytest.raises((AnalysisException, ParseException)):
            call("IF EXISTS nothing")
    catalog.truncateTable("shop.things")
    assert spark.table("shop.things").count() == 0
    catalog.dropView("shop.seen")
    catalog.dropTable("shop.things")
    catalog.dropTable("shop.things", ifExists=True)
    with pytest.raises(AnalysisException):
        catalog.dropTable("shop.things")
    catalog.dropDatabase("shop", cascade=True)
    assert not catalog.databaseExists("shop")


@pytest.mark.parametrize("streams", [False, True])
def test_files_of_arrow(spark, tmp_path, streams):
    pa = pytest.importorskip("pyarrow")
    given = pa.table({"n": pa.array([1, None], pa.int64()), "s": pa.array(["x", "ü"], pa.string_view()), "l": [[1.5], None]})
    path = str(tmp_path / "given.arrow")
    with (pa.ipc.new_stream if streams else pa.ipc.new_file)(path, given.schema) as writer:
        writer.write_table(given)
    read = spark.read.format("arrow").load(path)
    assert read.dtypes == [("n", "bigint"), ("s", "string"), ("l", "array<double>")]
    assert [tuple(row) for row in read.collect()] == [(1, "x", [1.5]), (None, "ü", None)]
    assert [tuple(row) for row in spark.sql(f"SELECT s FROM arrow.`{path}`").collect()] == [("x",), ("ü",)]
    out = tmp_path / "out"
    read.coalesce(1).write.format("arrow").option("compression", "zstd").save(str(out))
    (written,) = out.glob("*.arrow")
    with pa.memory_map(str(written)) as source:
        assert pa.ipc.open_file(source).read_all().to_pylist() == given.to_pylist()
