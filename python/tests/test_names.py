"""What Python knows of columns' names without asking the engine is what the engine says."""

import time

import pytest

from tidemill.errors import AnalysisException, PySparkAttributeError
from tidemill.sql import functions as F

STEPS = {
    "filter": lambda df: df.filter("a > 0"),
    "sort": lambda df: df.sort("a"),
    "limit": lambda df: df.limit(1).offset(0),
    "alias": lambda df: df.alias("a"),
    "distinct": lambda df: df.distinct().dropDuplicates(["a"]),
    "union": lambda df: df.union(df.toDF("x", "y", "z")),
    "union by name": lambda df: df.unionByName(df.select("z z", "B", "a")),
    "union by name, with others": lambda df: df.unionByName(df.withColumn("more", F.lit(1)), allowMissingColumns=True),
    "intersect": lambda df: df.intersect(df.toDF("x", "y", "z")).exceptAll(df),
    "sample": lambda df: df.sample(0.5, 1).repartition(2).coalesce(1).hint("broadcast"),
    "missing": lambda df: df.na.fill(1).na.drop().na.replace(1, 2),
    "fill by name": lambda df: df.na.fill({"b": 1, "A": 2}),
    "metadata": lambda df: df.withMetadata("a", {"x": 1}),
    "a column added": lambda df: df.withColumn("new", F.lit(1)),
    "a column replaced": lambda df: df.withColumn("a", F.lit(1)),
    "a column replaced, in other letters": lambda df: df.withColumn("b", F.lit(1)),
    "columns, one twice": lambda df: df.withColumns({"x": F.lit(1), "a": F.lit(2), "y.z": F.lit(3)}),
    "columns that are alike": lambda df: df.withColumns({"x": F.lit(1)}).withColumn("X", F.lit(2)),
    "a name in backticks": lambda df: df.withColumn("`a`", F.lit(1)),
    "renamed": lambda df: df.withColumnRenamed("a", "new"),
    "renamed, in other letters": lambda df: df.withColumnRenamed("A", "new"),
    "renamed what is not there": lambda df: df.withColumnRenamed("nope", "new"),
    "renamed to a name that is there": lambda df: df.withColumnRenamed("a", "B"),
    "renamed in a circle": lambda df: df.withColumnsRenamed({"a": "B", "B": "a"}),
    "renamed one after the other": lambda df: df.withColumnsRenamed({"a": "c", "c": "d"}),
    "all named": lambda df: df.toDF("x", "y", "x"),
    "dropped": lambda df: df.drop("a", "nope"),
    "dropped, in other letters": lambda df: df.drop("A", "b"),
    "dropped by a column": lambda df: df.drop(df.a, "B"),
    "selected": lambda df: df.select("B", "a", "a"),
    "selected, in other letters": lambda df: df.select("b", "A"),
    "selected in a list": lambda df: df.select(["a", "B"]),
    "selected all and more": lambda df: df.select("*", df.a, (df["B"] + 1).alias("a.b"), F.explode(F.array("a")).alias("x")),
    "selected several of one": lambda df: df.select(F.posexplode(F.array("a")).alias("x", "y")),
    "selected all": lambda df: df.select("*"),
    "selected a column": lambda df: df.select("a", F.col("a") + 1),
    "crossed": lambda df: df.crossJoin(df.select("a")),
    "joined": lambda df: df.join(df.select("a"), "a"),
    "grouped": lambda df: df.groupBy("a").count(),
    "checkpoint": lambda df: df.localCheckpoint(),
}
LEFT_TO_THE_ENGINE = {
    "union by name, with others",
    "a column replaced, in other letters",
    "columns that are alike",
    "renamed, in other letters",
    "renamed in a circle",
    "renamed one after the other",
    "dropped, in other letters",
    "dropped by a column",
    "selected, in other letters",
    "selected several of one",
    "selected a column",
    "joined",
    "grouped",
}


@pytest.mark.parametrize("sensitive", ["false", "true"])
@pytest.mark.parametrize("step", STEPS)
def test_the_names_after_a_step_are_the_engines(spark, step, sensitive):
    spark.conf.set("spark.sql.caseSensitive", sensitive)
    start = spark.createDataFrame([(1, 2, 3)], ["a", "B", "z z"])
    assert start._known() == ["a", "B", "z z"]
    try:
        after = STEPS[step](start)
        said = [name for name, _ in after._frame.dtypes()]
    except AnalysisException:
        # A step that the engine refuses says nothing of names.
        assert sensitive == "true" or step in ("fill by name",)
        return
    assert after._told == (None if step in LEFT_TO_THE_ENGINE else said)
    for name in set(said):
        try:
            expected = after._frame.select([after._frame.col(name)]).schema()
        except AnalysisException as refused:
            with pytest.raises(AnalysisException) as raised:
                _ = after[name]
            assert raised.value.getCondition() == refused.getCondition()
        else:
            assert after.select(after[name])._frame.schema() == expected


def test_an_unknown_column_is_told_at_its_line(spark):
    df = spark.range(1).select("id")
    df = df.withColumn("a.b", F.lit(1)).withColumn("x", df.id)
    assert df._known() == ["id", "a.b", "x"]
    for name, condition in (("nope", "UNRESOLVED_COLUMN"), ("a.b", "CANNOT_RESOLVE_DATAFRAME_COLUMN")):
        with pytest.raises(AnalysisException) as raised:
            _ = df[name]
        assert raised.value.getCondition().startswith((condition, "CANNOT_RESOLVE"))
    assert df.select(df["`a.b`"], df["ID"]).columns == ["a.b", "ID"]
    with pytest.raises(PySparkAttributeError):
        _ = df.nope
    twice = df.select("x", (df.x + 1).alias("X"))
    with pytest.raises(AnalysisException) as raised:
        _ = twice["x"]
    assert raised.value.getCondition() == "AMBIGUOUS_COLUMN_REFERENCE"
    broken = df.withColumn("y", F.col("nope"))
    for ask in (lambda: broken.columns, lambda: broken.schema, lambda: broken["nothing"]):
        with pytest.raises(AnalysisException, match=r"nope|nothing"):
            ask()


def test_lookups_along_a_chain_are_linear(spark):
    def seconds(steps):
        df = spark.range(1)
        _ = df.id
        start = time.process_time()
        for step in range(steps):
            df = df.withColumn(f"c{step % 5}", df.id + df["id"]).filter(df.id >= 0)
        return time.process_time() - start

    def least(steps):
        return min(seconds(steps) for _ in range(3))

    seconds(10)
    # Twice as many steps take twice as long, and four times as long where each looks at all before it.
    assert least(400) < 3 * least(200)
