"""Spark, for `worker`: a local session in a JVM of this process's session. Tuned for one small machine: no user interface, as many shuffle
partitions as threads, adaptive execution on."""

from __future__ import annotations

import importlib
from typing import Any

from worker import TABLES, Opened, Options

GIB = 2**30


def configured(options: Options) -> dict[str, str]:
    """Its settings."""
    return {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": str(options.threads),
        "spark.sql.adaptive.enabled": "true",
        "spark.driver.memory": f"{(8 * GIB if options.memory is None else options.memory) // 2**20}m",
        "spark.driver.host": "127.0.0.1",
        "spark.local.dir": str(options.spill),
        "spark.sql.warehouse.dir": str(options.spill / "warehouse"),
    }


def opened(options: Options) -> Opened:
    """A session with the tables as views."""
    sql: Any = importlib.import_module("pyspark.sql")
    settings = configured(options)
    builder = sql.SparkSession.builder.master(f"local[{options.threads}]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    for table in TABLES:
        spark.read.parquet(options.table(table)).createOrReplaceTempView(table)
    return Opened(
        spark.version,
        {"master": f"local[{options.threads}]", **settings},
        lambda text: spark.sql(text.rstrip().rstrip(";")).collect(),
        lambda rows: rows,
        close=spark.stop,
    )
