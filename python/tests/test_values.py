"""Values between Python and the engine: rows in, rows out, types, and Arrow from elsewhere."""

import datetime
from decimal import Decimal

import pytest

from tidemill.errors import ArithmeticException, PySparkRuntimeError, PySparkTypeError, PySparkValueError
from tidemill.sql import Row
from tidemill.sql import functions as F
from tidemill.sql.types import (
    ArrayType,
    DataType,
    DayTimeIntervalType,
    DecimalType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    YearMonthIntervalType,
)

DDL = """t tinyint, s smallint, i int, l bigint, f float, d double, b boolean, x string, y binary, n decimal(10,2), day date, at timestamp,
    local timestamp_ntz, span interval day to second, list array<int>, map map<string,bigint>, row struct<a:int,b:array<string>>"""
ROWS = [
    (
        1,
        2,
        3,
        2**40,
        0.5,
        0.1,
        True,
        "ä",
        b"\x00\xff",
        Decimal("12.30"),
        datetime.date(2024, 2, 29),
        datetime.datetime(2024, 2, 29, 12, 30, 0, 1),
        datetime.datetime(1969, 12, 31, 23, 59, 59, 999999),
        datetime.timedelta(days=-1, microseconds=1),
        [1, None],
        {"a": None, "b": 2},
        Row(a=1, b=["x"]),
    ),
    (None,) * 17,
]


def test_all_types_come_back_as_they_went(spark):
    df = spark.createDataFrame(ROWS, DDL)
    assert [tuple(row) for row in df.collect()] == ROWS
    assert df.schema == DataType.fromDDL(DDL)


def test_types_as_text_and_json():
    for ddl in ("int", "decimal(10,2)", "array<map<string,int>>", "struct<a:int,b:timestamp_ntz>", "interval day to minute", "char(3)"):
        made = DataType.fromDDL(ddl)
        assert made.simpleString() == ddl
    assert DataType.fromDDL("a int, b string") == StructType([StructField("a", IntegerType()), StructField("b", StringType())])
    assert repr(ArrayType(LongType(), False)) == "ArrayType(LongType(), False)"
    assert MapType(StringType(), DecimalType(5, 2)).json() == (
        '{"keyType":"string","type":"map","valueContainsNull":true,"valueType":"decimal(5,2)"}'
    )
    assert TimestampNTZType().typeName() == "timestamp_ntz"


def test_intervals_types_as_ddl_and_with_nulls():
    assert (repr(DayTimeIntervalType()), DayTimeIntervalType(1).simpleString()) == ("DayTimeIntervalType(0, 3)", "interval hour")
    assert YearMonthIntervalType(0, 1).jsonValue() == "interval year to month" and YearMonthIntervalType(1) == YearMonthIntervalType(1, 1)
    assert DayTimeIntervalType(0, 1) != YearMonthIntervalType(0, 1)
    for wrong in (lambda: YearMonthIntervalType(0, 2), lambda: DayTimeIntervalType(4), lambda: DayTimeIntervalType(None, 1)):
        with pytest.raises(PySparkRuntimeError) as raised:
            wrong()
        assert raised.value.getCondition() == "INVALID_INTERVAL_CASTING"
    inner = StructType([StructField("x y", ArrayType(StringType(), False), False)])
    struct = StructType(
        [
            StructField("a b", IntegerType(), False, {"comment": "it's \\"}),
            StructField("m", MapType(StringType(), inner, False)),
            StructField("1", DayTimeIntervalType(0, 1)),
        ]
    )
    # As Spark writes it.
    assert struct.toDDL() == (
        "`a b` INT NOT NULL COMMENT 'it\\'s \\\\',m MAP<STRING, STRUCT<`x y`: ARRAY<STRING> NOT NULL>>,`1` INTERVAL DAY TO HOUR"
    )
    back = StructType.fromDDL(struct.toDDL())
    assert back.toNullable() == struct.toNullable() and back["a b"].metadata == {"comment": "it's \\"}
    assert repr(struct.toNullable()["m"]) == (
        "StructField('m', MapType(StringType(), StructType([StructField('x y', ArrayType(StringType(), True), True)]), True), True)"
    )


def test_schemas_are_found(spark):
    df = spark.createDataFrame([{"a": 1, "b": [1.5]}, {"a": None, "b": []}])
    assert df.dtypes == [("a", "bigint"), ("b", "array<double>")]
    assert spark.createDataFrame([Row(x=1, y=Row(z="q"))]).schema["y"].dataType.simpleString() == "struct<z:string>"
    assert spark.createDataFrame([1, 2], "int").collect() == [Row(value=1), Row(value=2)]
    with pytest.raises(PySparkValueError, match="columns without a value"):
        spark.createDataFrame([(None,)], ["a"])
    with pytest.raises(PySparkTypeError, match="some values are bigint and others array"):
        spark.createDataFrame([(1,), ([2],)], ["a"])


@pytest.mark.parametrize(
    ("rows", "schema", "message"),
    [
        ([(1,), ("x",)], "a int", r"row 2: field `a`: 'x' of type str is no int"),
        ([(300,)], "a tinyint", "300 is beyond tinyint"),
        ([(1, 2)], "a int", "a row of 1 columns has 2 values"),
        ([(None,)], StructType([StructField("a", IntegerType(), False)]), "None stands where no null may be"),
        ([([1, "x"],)], "a array<int>", "element in array a"),
        ([(Decimal("123456"),)], "a decimal(5,2)", "does not fit decimal"),
    ],
)
def test_values_that_do_not_fit(spark, rows, schema, message):
    with pytest.raises((PySparkTypeError, PySparkValueError), match=message):
        spark.createDataFrame(rows, schema)


def test_rows_are_tuples_with_names():
    row = Row(name="ada", age=36)
    assert row.name == row["name"] == row[0] == "ada" and "age" in row and row.asDict() == {"name": "ada", "age": 36}
    assert Row("a", "b")(1, 2) == Row(a=1, b=2) and repr(Row(1, "x")) == "<Row(1, 'x')>"
    with pytest.raises(AttributeError):
        row.missing  # noqa: B018


def test_arrow_both_ways(spark):
    pyarrow = pytest.importorskip("pyarrow")
    df = spark.createDataFrame(ROWS, DDL)
    table = pyarrow.table(df)
    assert table.num_rows == 2 and table.schema.field("list").type == pyarrow.list_(pyarrow.field("element", pyarrow.int32()))
    assert [tuple(row) for row in spark.createDataFrame(table).collect()] == ROWS
    assert pyarrow.table(df.filter(F.lit(False))).num_rows == 0


def test_arrow_types_of_others(spark):
    pyarrow = pytest.importorskip("pyarrow")
    columns = {
        "large": (pyarrow.array(["a", None], pyarrow.large_string()), "string", "a"),
        "view": (pyarrow.array(["a", None], pyarrow.string_view()), "string", "a"),
        "words": (pyarrow.array(["a", None]).dictionary_encode(), "string", "a"),
        "u8": (pyarrow.array([255, None], pyarrow.uint8()), "smallint", 255),
        "u64": (pyarrow.array([2**64 - 1, None], pyarrow.uint64()), "decimal(20,0)", Decimal(2**64 - 1)),
        "nanos": (pyarrow.array([1_000, None], pyarrow.timestamp("ns")), "timestamp_ntz", datetime.datetime(1970, 1, 1, 0, 0, 0, 1)),
        "fixed": (pyarrow.array([b"ab", None], pyarrow.binary(2)), "binary", b"ab"),
        "sized": (pyarrow.array([[1, 2], None], pyarrow.list_(pyarrow.int64(), 2)), "array<bigint>", [1, 2]),
        "half": (pyarrow.array([1.5, None], pyarrow.float16()), "float", 1.5),
        "none": (pyarrow.nulls(2), "void", None),
    }
    table = pyarrow.table({name: array for name, (array, _, _) in columns.items()})
    # Slices begin in the middle of their buffers.
    for rows, first in ((table, 0), (pyarrow.concat_tables([table.slice(1), table]).slice(1), 0)):
        df = spark.createDataFrame(rows)
        assert dict(df.dtypes) == {name: kind for name, (_, kind, _) in columns.items()}
        assert df.collect()[first].asDict() == {name: value for name, (_, _, value) in columns.items()}
    fails = pyarrow.RecordBatchReader.from_batches(pyarrow.schema([("a", pyarrow.int64())]), broken(pyarrow))
    with pytest.raises(Exception, match="the source broke"):
        spark.createDataFrame(fails)


def broken(pyarrow):
    """Batches that end in an error."""
    yield pyarrow.record_batch({"a": pyarrow.array([1])})
    raise ValueError("the source broke")


def _places(column, buffer, width):
    """Where the chunks of a column stand, and how many values each has."""
    return [(chunk.buffers()[buffer].address + chunk.offset * width, len(chunk)) for chunk in column.chunks]


def test_rows_are_handed_over_where_they_are(spark):
    pyarrow = pytest.importorskip("pyarrow")
    polars = pytest.importorskip("polars")
    rows = 100_000
    table = pyarrow.table({"n": pyarrow.array(range(rows), pyarrow.int64()), "s": pyarrow.array([str(n) for n in range(rows)])})
    [(start, _)] = _places(table["n"], 1, 8)
    df = spark.createDataFrame(table)
    for taken in (pyarrow.table(df), pyarrow.table(df.select("n")), polars.DataFrame(df).to_arrow()):
        at = 0
        for address, length in _places(taken["n"], 1, 8):
            assert address == start + 8 * at
            at += length
        assert at == rows
    text = table["s"].chunk(0).buffers()[2].address
    assert {chunk.buffers()[2].address for chunk in pyarrow.table(df)["s"].chunks} == {text}
    frame = polars.DataFrame({"n": range(1000)})
    came = polars.DataFrame(spark.createDataFrame(frame))
    assert came["n"].to_arrow().buffers()[1].address == frame["n"].to_arrow().buffers()[1].address


def test_rows_one_after_the_other(spark):
    df = spark.range(10_000).withColumn("t", F.lit("x"))
    rows = df.toLocalIterator()
    assert next(rows) == Row(id=0, t="x")
    assert [row.id for row in rows] == list(range(1, 10_000))
    assert list(spark.range(0).toLocalIterator()) == []
    # The query runs when rows are asked for, and no further: those before the fault have been given.
    rows = spark.range(1).select(F.col("id") / F.lit(0)).toLocalIterator()
    with pytest.raises(ArithmeticException, match="DIVIDE_BY_ZERO"):
        next(rows)
    rows = spark.range(10_000_000, numPartitions=1).select((F.lit(1) / (F.col("id") - 9_999_999)).alias("x")).toLocalIterator()
    assert next(rows).x is not None
