"""What the Python package costs: start, chains of steps, rows handed over, functions of the program, memory over many queries.

    python benches/python/package.py start|chain|handover|udf|queries [--output json]

Runs with the package on the path and with pyarrow, pandas and Polars. `udf --spark PYTHON` runs PySpark's `pandas_udf` beside it, with the
Python of an environment that has PySpark, pandas and pyarrow. A release build, unless the figures say otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

ROWS = 10_000_000
SPARK = '''
import os, sys, time
import pandas as pd
from pyspark.sql import SparkSession, functions as F
def peak(pid):
    """The most memory that a process of this program held, KiB: the driver, the JVM and the workers are a session of their own."""
    try:
        if os.getsid(int(pid)) != os.getsid(0):
            return 0
        with open(f"/proc/{pid}/status") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
    except OSError:
        return 0
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.driver.memory", "4g").getOrCreate()
spark.sparkContext.setLogLevel("OFF")
@F.pandas_udf("double")
def f(v: pd.Series) -> pd.Series:
    return v * 2.5 + 1.0
df = spark.range(int(sys.argv[1])).select(F.col("id").cast("double").alias("v"))
times = []
for _ in range(3):
    began = time.perf_counter()
    df.select(F.sum(f("v"))).collect()
    times.append(time.perf_counter() - began)
print(min(times), sum(peak(pid) for pid in os.listdir("/proc") if pid.isdigit()))
'''


def memory_mib() -> float:
    """What the process holds now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def best(work: Callable[[], Any], runs: int = 5) -> float:
    """The shortest of some runs, seconds."""
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def started(code: str, runs: int = 20) -> float:
    """How long a new interpreter takes for a program, seconds, in the median."""
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def start() -> dict[str, float]:
    """From nothing to the first row, beside the peers."""
    ours = "from tidemill.sql import SparkSession; print(SparkSession.builder.getOrCreate().sql('SELECT 1').collect())"
    return {
        "python alone, ms": 1e3 * started("pass"),
        "import tidemill.sql, ms": 1e3 * started("import tidemill.sql"),
        "Tidemill's first row, ms": 1e3 * started(ours),
        "Polars' first row, ms": 1e3 * started("import polars; print(polars.sql('SELECT 1').collect())"),
        "DuckDB's first row, ms": 1e3 * started("import duckdb; print(duckdb.sql('SELECT 1').fetchall())"),
    }


def chain() -> dict[str, float]:
    """Calls that make a DataFrame, each with a look at its columns."""
    from tidemill.sql import SparkSession
    from tidemill.sql import functions as F

    spark = SparkSession.builder.getOrCreate()

    def calls(number: int) -> Any:
        df = spark.range(10)
        for step in range(number):
            df = df.withColumn(f"c{step}", df.id + step).filter(df["id"] >= 0) if step % 2 else df.withColumn(f"c{step}", F.col("id") * 2)
        return df

    return {"100 calls, ms": 1e3 * best(lambda: calls(67)), "and their schema, ms": 1e3 * best(lambda: calls(67).schema)}


def handover() -> dict[str, float]:
    """Rows in memory to others and back."""
    import polars
    import pyarrow

    from tidemill.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    table = pyarrow.table({"v": pyarrow.array(range(ROWS), pyarrow.int64()), "w": pyarrow.array([0.5] * ROWS)})
    df = spark.createDataFrame(table)
    before = memory_mib()
    taken = pyarrow.table(df)
    held = memory_mib() - before
    return {
        "rows": ROWS,
        "pyarrow to Tidemill, ms": 1e3 * best(lambda: spark.createDataFrame(table)),
        "Tidemill to pyarrow, ms": 1e3 * best(lambda: pyarrow.table(df)),
        "Tidemill to Polars, ms": 1e3 * best(lambda: polars.DataFrame(df)),
        "and the memory that took, MiB": held,
        "chunks at the addresses of before": float(addresses(taken) <= addresses(table) or len(addresses(taken) & addresses(table))),
    }


def addresses(table: Any) -> set[int]:
    """Where the values of a table's chunks stand."""
    return {chunk.buffers()[1].address + chunk.offset * 8 for column in table.columns for chunk in column.chunks}


def udf(spark_python: str | None) -> dict[str, float]:
    """A function over 10 million numbers: on the whole column, and as a UDF of each engine."""
    import pandas
    import polars
    import pyarrow
    import pyarrow.compute

    from tidemill.sql import SparkSession
    from tidemill.sql import functions as F

    session = SparkSession.builder.getOrCreate()
    column = pyarrow.array(range(ROWS), pyarrow.int64()).cast("double")
    series, frame = column.to_pandas(), polars.DataFrame({"v": polars.from_arrow(column)})
    df = session.createDataFrame(pyarrow.table({"v": column}))
    double = lambda v: pyarrow.compute.add(pyarrow.compute.multiply(v, 2.5), 1.0)

    @F.arrow_udf("double")
    def arrow(v: pyarrow.Array) -> pyarrow.Array:
        return double(v)

    @F.pandas_udf("double")
    def of_pandas(v: pandas.Series) -> pandas.Series:
        return v * 2.5 + 1.0

    @F.polars_udf("double")
    def of_polars(v: polars.Series) -> polars.Series:
        return v * 2.5 + 1.0

    figures = {
        "rows": ROWS,
        "pyarrow on the whole column, ms": 1e3 * best(lambda: double(column)),
        "as arrow_udf, ms": 1e3 * best(lambda: df.select(arrow("v").alias("v")).toArrow()),
        "pandas on the whole column, ms": 1e3 * best(lambda: series * 2.5 + 1.0),
        "as pandas_udf, ms": 1e3 * best(lambda: df.select(of_pandas("v").alias("v")).toArrow()),
        "Polars map_batches, ms": 1e3 * best(lambda: frame.select(polars.col("v").map_batches(lambda v: v * 2.5 + 1.0))),
        "as polars_udf, ms": 1e3 * best(lambda: df.select(of_polars("v").alias("v")).toArrow()),
        "peak memory of this process, MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    if spark_python is not None:
        workers = {**os.environ, "PYSPARK_PYTHON": spark_python}
        done = subprocess.run([spark_python, "-c", SPARK, str(ROWS)], capture_output=True, text=True, check=True, env=workers, start_new_session=True)
        seconds, kib = map(float, done.stdout.split()[-2:])
        figures["pandas_udf summed by Tidemill, ms"] = 1e3 * best(lambda: df.agg(F.sum(of_pandas("v"))).collect())
        figures["pandas_udf summed by PySpark, ms"] = 1e3 * seconds
        figures["peak memory of PySpark's processes, MiB"] = kib / 1024
    return figures


def queries() -> dict[str, float]:
    """Memory over many small queries."""
    from tidemill.sql import SparkSession
    from tidemill.sql import functions as F

    spark = SparkSession.builder.getOrCreate()
    plus = F.udf(lambda v: v + 1, "bigint")

    def some(number: int) -> None:
        for turn in range(number):
            df = spark.createDataFrame([(turn, "x")], "a bigint, b string").withColumn("c", plus("a"))
            assert df.groupBy("b").agg(F.sum("c").alias("s")).collect()[0]["s"] == turn + 1

    some(500)
    after_500 = memory_mib()
    began = time.perf_counter()
    some(5_000)
    after_5500 = memory_mib()
    some(5_000)
    return {
        "after 500 queries, MiB": after_500,
        "after 5 500, MiB": after_5500,
        "after 10 500, MiB": memory_mib(),
        "a query, ms": 1e3 * (time.perf_counter() - began) / 10_000,
    }


def main() -> None:
    """Prints a line per figure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["start", "chain", "handover", "udf", "queries"])
    parser.add_argument("--spark", help="the Python of an environment with PySpark")
    parser.add_argument("--output", choices=["text", "json"], default="text")
    args = parser.parse_args()
    measures = {"start": start, "chain": chain, "handover": handover, "queries": queries}
    figures = udf(args.spark) if args.what == "udf" else measures[args.what]()
    if args.output == "json":
        print(json.dumps(figures))
    else:
        for name, figure in figures.items():
            print(f"{name:48} {figure:12,.1f}")


if __name__ == "__main__":
    main()
