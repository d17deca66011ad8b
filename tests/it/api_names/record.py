"""Prints PySpark's public names, one per line: class, name, parameters. `pip install pyspark==4.2.0`, then
`python3 tests/it/api_names/record.py > tests/it/api_names/pyspark.tsv`."""

import inspect

from pyspark.sql import functions
from pyspark.sql.catalog import Catalog
from pyspark.sql.column import Column
from pyspark.sql.dataframe import DataFrame, DataFrameNaFunctions, DataFrameStatFunctions
from pyspark.sql.group import GroupedData
from pyspark.sql.readwriter import DataFrameReader, DataFrameWriter, DataFrameWriterV2
from pyspark.sql.session import SparkSession
from pyspark.sql.streaming import DataStreamReader, DataStreamWriter, StreamingQuery
from pyspark.sql.window import Window, WindowSpec

CLASSES = [
    DataFrame, Column, GroupedData, DataFrameNaFunctions, DataFrameStatFunctions, Window, WindowSpec, SparkSession, SparkSession.Builder,
    Catalog, DataFrameReader, DataFrameWriter, DataFrameWriterV2, DataStreamReader, DataStreamWriter, StreamingQuery,
]


def parameters(value):
    """`a, b=, *c`: which there are and which may be left out."""
    if not callable(value):
        return "-"
    marks = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    try:
        found = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return ""
    return ", ".join(
        marks.get(p.kind, "") + p.name + ("" if p.default is inspect.Parameter.empty else "=") for p in found if p.name not in ("self", "cls")
    )


print("class\tname\tparameters")
for cls in CLASSES:
    for name in sorted(dir(cls), key=str.lower):
        if not name.startswith("_"):
            value = inspect.getattr_static(cls, name)
            value = value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
            print(cls.__qualname__.replace("SparkSession.", ""), name, parameters(value), sep="\t")
for name in sorted(dir(functions), key=str.lower):
    value = getattr(functions, name)
    if not name.startswith("_") and inspect.isfunction(value) and value.__module__ == functions.builtin.__name__:
        print("functions", name, parameters(value), sep="\t")
