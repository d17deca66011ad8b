"""`df.to(schema)`: Spark's rules for storing values, which are those of ANSI SQL."""

import datetime

import pytest

from tidemill.errors import AnalysisException
from tidemill.sql import Row
from tidemill.sql.types import (
    ArrayType,
    DateType,
    DoubleType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)


def test_columns_by_name_in_order_with_casts(spark):
    df = spark.createDataFrame([(1, "x", datetime.date(2026, 1, 2))], "i int, extra string, d date").withMetadata("i", {"a": "1", "b": "2"})
    schema = StructType(
        [
            StructField("D", StringType()),
            StructField("I", DoubleType(), metadata={"b": "3"}),
            StructField("new", LongType()),
        ]
    )
    found = df.to(schema)
    assert found.collect() == [Row(D="2026-01-02", I=1.0, new=None)]
    assert [(field.name, field.dataType, field.metadata) for field in found.schema] == [
        ("D", StringType(), {}),
        ("I", DoubleType(), {"a": "1", "b": "3"}),
        ("new", LongType(), {}),
    ]


def test_parts_are_reordered_and_cast_too(spark):
    df = spark.sql(
        "SELECT named_struct('a', 1, 'b', 'x') AS s, array(named_struct('a', 1, 'b', 2), null) AS l, map('k', 1) AS m "
        "UNION ALL SELECT null, null, null"
    )
    schema = StructType(
        [
            StructField("s", StructType([StructField("b", StringType()), StructField("a", StringType())])),
            StructField("l", ArrayType(StructType([StructField("b", LongType())]))),
            StructField("m", MapType(StringType(), DoubleType())),
        ]
    )
    found = df.to(schema)
    assert found.collect() == [
        Row(s=Row(b="x", a="1"), l=[Row(b=2), None], m={"k": 1.0}),
        Row(s=None, l=None, m=None),
    ]
    types = [field.dataType.simpleString() for field in found.schema]
    assert types == ["struct<b:string,a:string>", "array<struct<b:bigint>>", "map<string,double>"]


@pytest.mark.parametrize(
    ("field", "condition"),
    [
        (StructField("s", IntegerType()), "INVALID_COLUMN_OR_FIELD_DATA_TYPE"),
        (StructField("i", DateType()), "INVALID_COLUMN_OR_FIELD_DATA_TYPE"),
        (StructField("t", IntegerType()), "INVALID_COLUMN_OR_FIELD_DATA_TYPE"),
        (StructField("i", LongType(), False), "NULLABLE_COLUMN_OR_FIELD"),
        (StructField("nope", LongType(), False), "UNRESOLVED_COLUMN.WITH_SUGGESTION"),
        (StructField("r", StructType([StructField("nope", LongType(), False)])), "UNRESOLVED_FIELD.WITH_SUGGESTION"),
        (StructField("r", StructType([StructField("a", TimestampType())])), "INVALID_COLUMN_OR_FIELD_DATA_TYPE"),
    ],
)
def test_what_is_not_stored(spark, field, condition):
    df = spark.createDataFrame([], "i int, s string, t timestamp, r struct<a: int>")
    with pytest.raises(AnalysisException) as raised:
        df.to(StructType([field]))
    assert raised.value.getCondition() == condition and field.name in str(raised.value)


def test_upper_and_lower_case(spark):
    df = spark.sql("SELECT 1 AS a, 2 AS A")
    with pytest.raises(AnalysisException) as raised:
        df.to(StructType([StructField("a", IntegerType())]))
    assert raised.value.getCondition() == "AMBIGUOUS_COLUMN_OR_FIELD"
    spark.conf.set("spark.sql.caseSensitive", "true")
    assert df.select("a", "A").to(StructType([StructField("A", IntegerType())])).collect() == [Row(A=2)]
