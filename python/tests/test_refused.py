"""Names that PySpark has and this package has not: each says so, and what to write instead."""

import ast
import importlib
import importlib.util
from pathlib import Path

import pytest

import tidemill.sql.readwriter
import tidemill.sql.streaming.readwriter
import tidemill.sql.tvf
from tidemill.errors import PySparkAttributeError, PySparkImportError, PySparkNotImplementedError
from tidemill.refused import REFUSED
from tidemill.sql import DataFrame, GroupedData, RuntimeConfig, SparkSession

CLASSES = {
    "DataFrame": ("sql/dataframe.py", DataFrame),
    "SparkSession": ("sql/session.py", SparkSession),
    "DataFrameReader": ("sql/readwriter.py", tidemill.sql.readwriter.DataFrameReader),
    "DataFrameWriter": ("sql/readwriter.py", tidemill.sql.readwriter.DataFrameWriter),
    "DataStreamReader": ("sql/streaming/readwriter.py", tidemill.sql.streaming.readwriter.DataStreamReader),
    "DataStreamWriter": ("sql/streaming/readwriter.py", tidemill.sql.streaming.readwriter.DataStreamWriter),
    "RuntimeConfig": ("sql/conf.py", RuntimeConfig),
    "TableValuedFunction": ("sql/tvf.py", tidemill.sql.tvf.TableValuedFunction),
}
# Streams, the catalog, functions in Python and plots: not there yet, and not refused for good.
LATER = {"DataFrame": {"mapInArrow", "mapInPandas", "plot", "writeStream"}, "SparkSession": {"catalog", "readStream", "streams", "udf"}}


def some(spark, owner):
    df = spark.range(1)
    return {
        "DataFrame": df,
        "SparkSession": spark,
        "DataFrameReader": spark.read,
        "DataFrameWriter": df.write,
        "DataStreamReader": spark.readStream,
        "DataStreamWriter": df.writeStream,
        "RuntimeConfig": spark.conf,
        "TableValuedFunction": spark.tvf,
    }[owner]


@pytest.mark.parametrize(("owner", "name"), [(owner, name) for owner in CLASSES for name in REFUSED[owner]])
def test_a_refused_name_says_what_to_do_instead(spark, owner, name):
    assert name not in dir(CLASSES[owner][1]), "it is there: take it out of the table"
    one = some(spark, owner)
    with pytest.raises(PySparkNotImplementedError) as raised:
        getattr(one, name)
    assert REFUSED[owner][name] in str(raised.value) and f"{owner}.{name}" in str(raised.value)
    # Programs that look before they call see that it is not there.
    assert not hasattr(one, name) and isinstance(raised.value, PySparkAttributeError)


def test_what_is_the_jvms_has_pysparks_condition(spark):
    for one, name in (
        (spark.range(1), "rdd"),
        (spark, "sparkContext"),
        (spark, "_jvm"),
        (spark.range(1), "_jdf"),
        (spark.range(1).id, "_jc"),
    ):
        with pytest.raises(PySparkAttributeError) as raised:
            getattr(one, name)
        assert raised.value.getCondition() == "JVM_ATTRIBUTE_NOT_SUPPORTED"


def test_a_refused_name_is_not_a_column_and_a_wrong_one_is_not_refused(spark):
    with pytest.raises(PySparkNotImplementedError):
        _ = spark.range(1).withColumnRenamed("id", "rdd").rdd
    for one in (spark, spark.read, spark.conf, spark.range(1)):
        with pytest.raises(AttributeError) as raised:
            _ = one.no_such_name
        assert not isinstance(raised.value, PySparkNotImplementedError)


@pytest.mark.parametrize("module", ["tidemill", "tidemill.sql", "tidemill.sql.types"])
def test_an_import_of_a_refused_name_says_why(module):
    here = importlib.import_module(module)
    for name, why in REFUSED[module].items():
        assert name not in vars(here), f"{name} is there: take it out of the table"
        with pytest.raises(PySparkImportError) as raised:
            exec(f"from {module} import {name}")
        assert why in str(raised.value)
    with pytest.raises(ImportError) as raised:
        exec(f"from {module} import NoSuchName")
    assert not isinstance(raised.value, PySparkImportError)


@pytest.mark.skipif(importlib.util.find_spec("pyspark") is None, reason="pyspark-client is not installed")
@pytest.mark.parametrize("owner", CLASSES)
def test_pysparks_names_are_there_or_refused(owner):
    file, ours = CLASSES[owner]
    source = Path(importlib.util.find_spec("pyspark").origin).parent / file
    [found] = [node for node in ast.parse(source.read_text()).body if isinstance(node, ast.ClassDef) and node.name == owner]
    body = [node for each in found.body for node in (each.body if isinstance(each, ast.If) else [each])]
    names = {node.name for node in body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")}
    assert len(names) > 4 and names - set(dir(ours)) - set(REFUSED[owner]) <= LATER.get(owner, set())


def test_groups_say_what_they_group(spark):
    groups = spark.range(3).withColumnRenamed("id", "n").groupBy("n")
    assert isinstance(groups, GroupedData)
    assert repr(groups) == "GroupedData[grouping expressions: [n], value: [n: bigint], type: GroupBy]"
    assert repr(spark.range(3).cube("id").pivot("id", [1])).endswith("type: Pivot]")
