"""What DataFrames, columns and sessions give: the answers are PySpark's."""

import _thread
import datetime
import threading

import pytest

from tidemill import SparkConf, StorageLevel
from tidemill.errors import (
    AnalysisException,
    ArithmeticException,
    IllegalArgumentException,
    ParseException,
    PySparkAttributeError,
    PySparkTypeError,
    PySparkValueError,
    SparkNoSuchElementException,
    UnsupportedOperationException,
)
from tidemill.notebook import picture
from tidemill.sql import Row, SparkSession, Window
from tidemill.sql import functions as F


@pytest.fixture
def people(spark):
    return spark.createDataFrame([("ada", 36, "uk"), ("bob", 20, "de"), ("eve", None, "de")], ["name", "age", "land"])


def test_steps_and_rows(people):
    older = people.filter(people.age > 10).withColumn("next", F.col("age") + 1).select("name", "next").orderBy(F.desc("next"))
    assert older.collect() == [Row(name="ada", next=37), Row(name="bob", next=21)]
    assert older.columns == ["name", "next"]
    assert repr(people) == "DataFrame[name: string, age: bigint, land: string]"
    assert people.head()["name"] == "ada" and people.first().age == 36
    assert [row.name for row in people.tail(1)] == ["eve"]
    assert people.count() == 3 and not people.isEmpty()


def test_what_explain_prints(people, capsys):
    grouped = people.groupBy("land").count()
    for mode, first in (
        ({}, "== Physical Plan =="),
        ({"extended": True}, "== Analyzed Logical Plan =="),
        ({"mode": "formatted"}, "== Physical Plan =="),
        ({"mode": "cost"}, "== Optimized Logical Plan =="),
        ({"mode": "codegen"}, "Found 0 WholeStageCodegen subtrees: operators are compiled already."),
        ({"extended": "analyze"}, "== Physical Plan =="),
    ):
        assert grouped.explain(**mode) is None
        assert capsys.readouterr().out.splitlines()[0] == first
    with pytest.raises(AnalysisException, match="did you mean `analyze`"):
        grouped.explain(mode="analyse")


def test_figures_of_a_run(people, capsys):
    people.filter("age > 30").explain(mode="analyze")
    printed = capsys.readouterr().out
    # One of the three is older, and one has no age.
    assert "\nRows: 1\n" in printed and "output_rows=1," in printed and "output_rows=3," in printed
    run = picture(people.groupBy("land").count(), analyze=True)
    assert run.graph["rows"] == 2 and "\nRows: 2\n" in run and "<svg" in run._repr_html_()
    for stage in run.graph["stages"]:
        assert stage["attempts"] == stage["tasks"] and len(stage["metrics"]) == len(stage["operators"]) > 0
    (root,) = (stage for stage in run.graph["stages"] if stage["id"] in run.graph["roots"])
    assert root["rows_written"] == root["metrics"][0]["output_rows"] == 2
    # Nothing is run of what is only explained.
    failing = people.select(F.raise_error(F.col("name")).alias("e"))
    failing.explain()
    with pytest.raises(Exception, match=r"ada|bob|eve"):
        failing.explain(mode="analyze")


def test_show_and_print_schema(people, capsys):
    people.show(2)
    assert capsys.readouterr().out == (
        "+----+---+----+\n|name|age|land|\n+----+---+----+\n| ada| 36|  uk|\n| bob| 20|  de|\n+----+---+----+\nonly showing top 2 rows\n"
    )
    people.printSchema()
    assert capsys.readouterr().out == (
        "root\n |-- name: string (nullable = true)\n |-- age: long (nullable = true)\n |-- land: string (nullable = true)\n\n"
    )


def test_groups_joins_and_windows(spark, people):
    by_land = people.groupBy("land").agg(F.count("*").alias("n"), F.max("age")).orderBy("land")
    assert [tuple(row) for row in by_land.collect()] == [("de", 2, 20), ("uk", 1, 36)]
    lands = spark.createDataFrame([("de", "Germany")], "land string, long string")
    assert people.join(lands, "land", "left").filter("long is null").count() == 1
    assert people.join(lands, people.land == lands.land).count() == 2
    assert people.alias("a").join(people.alias("b"), F.col("a.land") == F.col("b.land")).count() == 5
    rank = F.row_number().over(Window.partitionBy("land").orderBy(F.desc_nulls_last("age")))
    assert [tuple(row) for row in people.select("name", rank.alias("r")).orderBy("name").collect()] == [("ada", 1), ("bob", 1), ("eve", 2)]
    pivoted = people.groupBy("name").pivot("land", ["de", "uk"]).count().orderBy("name")
    assert [tuple(row) for row in pivoted.collect()] == [("ada", None, 1), ("bob", 1, None), ("eve", 1, None)]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (F.col("age") + 1, "(age + 1)"),
        (1 - F.col("age"), "(1 - age)"),
        ((F.col("a") > 1) & ~F.col("b"), "((a > 1) AND (NOT b))"),
        (F.col("a").isin(1, 2), "(a IN (1, 2))"),
        (F.col("a").alias("b"), "a AS b"),
        (F.upper("name"), "upper(name)"),
    ],
)
def test_columns_as_text(column, text):
    assert repr(column) == f"Column<'{text}'>"


def test_functions_take_what_pyspark_takes(spark):
    one = spark.range(1)
    cells = {
        "round": (F.round(F.lit(2.5), 0), 3.0),
        "lag": (F.lag("id", 1, 7).over(Window.orderBy("id")), 7),
        "transform": (F.transform(F.array(F.lit(1), F.lit(2)), lambda x: x * 10), [10, 20]),
        "with_index": (F.transform(F.array(F.lit(1), F.lit(2)), lambda x, i: x + i), [1, 3]),
        "aggregate": (F.aggregate(F.array(F.lit(1), F.lit(2)), F.lit(0), lambda a, x: a + x, lambda a: a * 2), 6),
        "map": (F.create_map(F.lit("a"), F.lit(1)), {"a": 1}),
        "struct": (F.struct(F.lit(1).alias("x"), F.lit("y").alias("y")), Row(x=1, y="y")),
        "json": (F.from_json(F.lit('{"a": [1]}'), "a array<int>"), Row(a=[1])),
        "options": (F.to_json(F.struct(F.lit(datetime.date(2024, 2, 29)).alias("d")), {"dateFormat": "dd.MM.yyyy"}), '{"d":"29.02.2024"}'),
        "interval": (F.make_dt_interval(F.lit(1), None, None, F.lit(2)), datetime.timedelta(days=1, seconds=2)),
        "moment": (
            F.make_timestamp(date=F.lit(datetime.date(2024, 2, 29)), time=F.lit(datetime.time(1, 2, 3))),
            datetime.datetime(2024, 2, 29, 1, 2, 3),
        ),
        "trim": (F.trim(F.lit("xxaxx"), F.lit("x")), "a"),
        "when": (F.when(F.col("id") > 0, "a").otherwise("b"), "b"),
        "percentile": (F.percentile_approx("id", [0.5, 1.0]).over(Window.partitionBy()), [0, 0]),
        "concat_ws": (F.concat_ws("-", F.lit("a"), F.lit("b")), "a-b"),
        "format": (F.format_string("%d-%s", F.lit(1), F.lit("a")), "1-a"),
    }
    row = one.select(*[column.alias(name) for name, (column, _) in cells.items()]).head()
    assert row.asDict() == {name: value for name, (_, value) in cells.items()}
    with pytest.raises(NotImplementedError, match="aes_encrypt is not there yet"):
        F.aes_encrypt("a", "b")


def test_import_star_hides_nothing_of_pythons_that_pysparks_does_not():
    names: dict[str, object] = {}
    exec("from tidemill.sql.functions import *", names)
    assert "float" not in names and "Any" not in names and names["sum"] is F.sum
    assert repr(F.bigint("a")) == "Column<'bigint(a)'>"
    with pytest.raises(AttributeError, match="there is no function nope"):
        F.nope  # noqa: B018


def test_errors_are_pysparks_with_condition_and_place(spark, people):
    with pytest.raises(ParseException) as parse:
        spark.sql("SELEC 1")
    assert parse.value.getCondition() == "PARSE_SYNTAX_ERROR" and parse.value.getSqlState() == "42601"
    assert parse.value.getQueryContext()[0].fragment() == "SELEC"
    with pytest.raises(AnalysisException) as unknown:
        people.select("nam").collect()
    assert unknown.value.getCondition() == "UNRESOLVED_COLUMN.WITH_SUGGESTION" and "`name`" in str(unknown.value)
    with pytest.raises(ArithmeticException):
        spark.sql("SELECT 1 / 0").collect()
    with pytest.raises(AttributeError, match="no such column"):
        people.nam  # noqa: B018
    with pytest.raises(PySparkAttributeError):
        people.nam  # noqa: B018
    with pytest.raises(PySparkTypeError):
        people.select(object())
    with pytest.raises(PySparkValueError, match="write &"):
        people.filter((people.age > 1) and (people.age < 2))


def test_sql_takes_parameters_and_dataframes(spark, people):
    assert spark.sql("SELECT :a + 1 AS x, :list[1] AS y", {"a": 2, "list": [5, 6]}).head() == Row(x=3, y=6)
    assert spark.sql("SELECT ? AS x", [datetime.date(2024, 2, 29)]).head().x == datetime.date(2024, 2, 29)
    assert spark.sql("SELECT count(*) AS n FROM {people} WHERE land = {land}", people=people, land="de").head().n == 2
    people.createOrReplaceTempView("people")
    assert spark.sql("SELECT max(age) AS m FROM people").head().m == 36


def test_tables_files_and_time_travel(spark, people, tmp_path):
    path = str(tmp_path / "people")
    people.write.format("delta").save(path)
    people.limit(1).write.format("delta").mode("append").save(path)
    assert spark.read.format("delta").load(path).count() == 4
    assert spark.read.format("delta").option("versionAsOf", 0).load(path).count() == 3
    people.write.partitionBy("land").saveAsTable("kept")
    assert spark.table("kept").filter("land = 'de'").count() == 2
    people.coalesce(1).write.csv(str(tmp_path / "csv"), header=True)
    assert spark.read.csv(str(tmp_path / "csv"), header=True, inferSchema=True).dtypes[1] == ("age", "int")
    with pytest.raises(AnalysisException, match="PATH_ALREADY_EXISTS"):
        people.write.parquet(str(tmp_path / "csv"))


def test_missing_values_and_statistics(people):
    assert people.na.fill(0).agg(F.sum("age")).head()[0] == 56
    assert people.na.fill({"age": 1}).dropna().count() == 3
    assert people.dropna(subset=["age"]).count() == 2
    assert people.replace({"de": "DE"}, subset=["land"]).filter("land = 'DE'").count() == 2
    assert people.approxQuantile("age", [0.0, 1.0], 0.0) == [20.0, 36.0]
    assert people.sampleBy("land", {"de": 1.0}, 7).count() == 2
    assert people.filter(people.land.isin(people.filter("age > 30").select("land"))).count() == 1
    assert [row.summary for row in people.describe("age").collect()] == ["count", "mean", "stddev", "min", "max"]


def test_eight_threads_run_queries_at_once(spark):
    found = []

    def work(number):
        found.append(spark.range(1000).filter(F.col("id") % 8 == number).count())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [125] * 8


def test_one_session_per_process():
    first = SparkSession.builder.getOrCreate()
    second = SparkSession.builder.config("spark.sql.session.timeZone", "Europe/Berlin").getOrCreate()
    assert first is second and first.conf.get("spark.sql.session.timeZone") == "Europe/Berlin"
    # What holds from the start of a session to its end stays, and is said.
    with pytest.warns(UserWarning, match=r"keeps its spark\.app\.name"):
        assert SparkSession.builder.appName("other").getOrCreate() is first
    assert first.newSession().conf.get("spark.sql.session.timeZone") != "Europe/Berlin"
    with pytest.raises(AnalysisException, match=r"did you mean `tidemill\.parallelism`"):
        SparkSession.builder.config("tidemill.paralelism", 2).create()
    first.stop()
    assert SparkSession.getActiveSession() is None


def test_an_interrupt_ends_a_query_and_not_the_session(spark):
    begun = threading.Event()

    def interrupt():
        begun.wait()
        _thread.interrupt_main()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        begun.set()
        # It would run for hours; the other thread gets the GIL meanwhile.
        spark.range(10**13).selectExpr("sum(hash(id))").collect()
    thread.join()
    assert spark.range(10).count() == 10


def test_checkpoints_and_caches_keep_rows(spark, tmp_path):
    path = str(tmp_path / "rows")
    spark.range(3).withColumn("s", F.struct(F.lit(1).alias("a"))).write.parquet(path)
    read = spark.read.parquet(path)
    for keep in (read.checkpoint, read.localCheckpoint, lambda: read.localCheckpoint(False, StorageLevel.DISK_ONLY)):
        kept = keep()
        assert kept.dtypes == read.dtypes and sorted(kept.collect()) == sorted(read.collect())
    spark.range(9).withColumn("s", F.struct(F.lit(2).alias("a"))).write.mode("overwrite").parquet(path)
    assert kept.count() == 3 and kept.filter(kept.s.a == 1).count() == 3
    twice = spark.sql("SELECT 1 AS k, 2 AS k, interval 1 month AS m, cast('x' AS varchar(3)) AS v, map('a', null) AS n")
    assert twice.localCheckpoint().dtypes == twice.dtypes
    assert twice.localCheckpoint().drop("m").collect() == twice.drop("m").collect()
    read = spark.read.parquet(path)
    for keep in (read.cache, read.persist, lambda: read.persist(StorageLevel.MEMORY_ONLY)):
        assert keep() is read and read.is_cached and read.storageLevel.useMemory
        assert read.filter("id > 3").count() == 5 and "KeptScanExec" in read._frame.explain("simple")
        assert read.unpersist(True) is read and read.storageLevel == StorageLevel.NONE and not read.is_cached
    read.createOrReplaceTempView("kept")
    spark.catalog.cacheTable("kept", StorageLevel.DISK_ONLY)
    assert spark.catalog.isCached("kept") and spark.table("kept").storageLevel == StorageLevel(True, False, False, False)
    assert spark.table("kept").count() == 9
    spark.catalog.uncacheTable("kept")
    assert not spark.catalog.isCached("kept")
    # As PySpark writes a level.
    assert repr(StorageLevel.DISK_ONLY_2) == "StorageLevel(True, False, False, False, 2)"
    assert str(StorageLevel.MEMORY_AND_DISK_DESER) == "Disk Memory Deserialized 1x Replicated"


def test_tables_are_open_when_they_are_named(spark):
    spark.range(2).write.saveAsTable("t")
    for table in (spark.table("t"), spark.read.table("default.`t`")):
        assert table.columns == ["id"] and table.filter(table.id > 0).select("t.id").columns == ["id"]
    for name, error in (("no.such", AnalysisException), ("a b", ParseException)):
        with pytest.raises(error) as raised:
            spark.table(name)
        assert "IDENTIFIER" not in str(raised.value) and raised.value.getQueryContext() == []
    with pytest.raises(PySparkValueError, match="versionAsOf"):
        spark.read.option("versionAsOf", 0).table("t")


def test_rows_that_are_alike_are_written_beside_each_other(spark, tmp_path):
    path = str(tmp_path / "rows")
    rows = spark.createDataFrame([(2, "b"), (1, "b"), (2, "a")], "n int, s string").coalesce(1)
    rows.write.clusterBy("n", "s").parquet(path)
    assert [tuple(row) for row in spark.read.parquet(path).collect()] == [(1, "b"), (2, "a"), (2, "b")]


def test_functions_that_give_tables(spark):
    tvf = spark.tvf
    assert [tuple(row) for row in tvf.posexplode(F.array(F.lit("a"), F.lit("b"))).collect()] == [(0, "a"), (1, "b")]
    assert tvf.stack(F.lit(2), F.lit(1), F.lit(2), F.lit(3)).collect() == [Row(col0=1, col1=2), Row(col0=3, col1=None)]
    assert tvf.explode(F.array().cast("array<int>")).count() == 0 and tvf.explode_outer(F.array().cast("array<int>")).count() == 1
    assert tvf.range(3).collect() == spark.range(3).collect()
    lists = spark.createDataFrame([(1, [1, 2]), (2, [])], "id int, list array<int>")
    assert [tuple(row) for row in lists.lateralJoin(tvf.explode(F.col("list").outer())).select("id", "col").collect()] == [(1, 1), (1, 2)]
    with pytest.raises(PySparkTypeError):
        tvf.explode("list")


def test_settings(spark):
    conf = SparkConf().setAppName("job").setMaster("local[2]").setIfMissing("spark.my.key", True).setIfMissing("spark.my.key", 1)
    assert sorted(conf.getAll()) == [("spark.app.name", "job"), ("spark.master", "local[2]"), ("spark.my.key", "true")]
    assert conf.get("nope") is None and conf.get("nope", "x") == "x" and conf.contains("spark.my.key")
    session = SparkSession.builder.config(conf=conf).config(map={"spark.a": 1}).create()
    names = ("spark.my.key", "tidemill.parallelism", "spark.a")
    assert [session.conf.get(name) for name in names] == ["true", "2", "1"]
    elsewhere = SparkSession.builder.config("spark.master", "spark://elsewhere:7077")
    with pytest.raises(UnsupportedOperationException, match="spark://elsewhere:7077"):
        elsewhere.create()
    with pytest.raises(IllegalArgumentException, match="local\\[four]"):
        SparkSession.builder.master("local[four]").create()
    cluster = SparkSession.builder.master("local-cluster[2,2,256]").create()
    assert [cluster.conf.get(name) for name in ("tidemill.threads", "tidemill.parallelism")] == ["2", "4"]
    halves = cluster.range(1000).groupBy((F.col("id") % 2).alias("k")).count().orderBy("k")
    assert halves.collect() == [Row(k=0, count=500), Row(k=1, count=500)]
    # A default that is given stands before the setting's own, as in PySpark.
    mode = "spark.sql.sources.partitionOverwriteMode"
    assert spark.conf.get(mode) == "STATIC" and spark.conf.get(mode, "DYNAMIC") == "DYNAMIC"
    spark.sql(f"SET {mode} = DYNAMIC")
    assert spark.conf.get(mode, "STATIC") == "DYNAMIC" and spark.conf.getAll[mode] == "DYNAMIC"
    with pytest.raises(SparkNoSuchElementException):
        spark.conf.get("no.such.key")
    assert spark.conf.get("no.such.key", None) is None


def test_frames_without_rows(spark):
    for schema in ("a int, b string", spark.createDataFrame([], "a int, b string").schema):
        empty = spark.emptyDataFrame(schema)
        assert empty.dtypes == [("a", "int"), ("b", "string")] and empty.collect() == []


def test_columns_in_a_statement_are_names(spark):
    df = spark.createDataFrame([(1, "' or 'a'='a")], "`a b` int, s string")
    assert spark.sql("SELECT {c} FROM {df} WHERE {s} = {text}", c=F.col("`a b`"), s=df.s, df=df, text="' or 'a'='a").collect()[0][0] == 1
    for expression in (F.col("s") == F.lit("' or 'a'='a"), F.lit(0.1), F.upper("s")):
        with pytest.raises(PySparkValueError, match="no plain column"):
            spark.sql("SELECT {c} FROM {df}", c=expression, df=df)


def test_sums_of_columns_with_dots(spark):
    df = spark.createDataFrame([("x", 1, 2)], "k string, `a.b` int, c int")
    assert tuple(df.groupBy("k").sum().first()) == ("x", 1, 2)


def test_numbers_of_rows_and_tasks(spark):
    df = spark.range(5)
    assert df.limit(2**31 - 1).count() == 5 and df.limit(-1).count() == 0 and df.tail(-1) == [] and df.coalesce(1).count() == 5
    for wrong in (lambda: df.coalesce("x"), lambda: df.coalesce(0), lambda: df.limit(2**31), lambda: df.tail(None)):
        with pytest.raises((PySparkTypeError, PySparkValueError)):
            wrong()
