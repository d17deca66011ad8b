"""Reads the job's five tables with Spark and Delta, and compares an order-free hash of all values with the oracle's.

    tests/oracle/spark_setup.sh                                          (once)
    python tests/oracle/oracle.py RESULT --hashes HASHES                 (the oracle's venv: tests/setup.sh)
    ~/.cache/tidemill/venv-spark/bin/python tests/oracle/spark_read.py RESULT HASHES

RESULT is the output of `tidemill demo --output json`. Exit code 0 only if rows and hashes of all tables are the same.
By hand, not in CI: Spark wants Java 17, a gigabyte and ten seconds.
"""

import glob
import json
import os
import sys

from pyspark.sql import SparkSession

import hashes

JARS = os.environ.get("TIDEMILL_SPARK_JARS", os.path.expanduser("~/.cache/tidemill/spark-jars"))


def session() -> SparkSession:
    """A local Spark that knows Delta."""
    jars = sorted(glob.glob(f"{JARS}/*.jar"))
    if not jars:
        sys.exit(f"spark_read: no jars in {JARS}; run tests/oracle/spark_setup.sh")
    builder = SparkSession.builder.master("local[2]").appName("tidemill-oracle")
    for key, value in {
        "spark.jars": ",".join(jars),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def main() -> int:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1]) as file:
        result = json.loads([line for line in file if line.strip()][-1])
    with open(sys.argv[2]) as file:
        wanted = json.load(file)
    spark = session()
    print(f"Spark {spark.version}")
    wrong = 0
    for name, path in result["tables"].items():
        if name not in wanted:
            continue
        table = spark.read.format("delta").load(path).toArrow()
        found = {"rows": table.num_rows, "hash": hashes.shown(hashes.table_hash(table))}
        ok = found == wanted.pop(name)
        wrong += not ok
        print(f"{name:<16} {found['rows']:>9} rows  {found['hash']}  {'same' if ok else 'DIFFERENT'}")
    for name in wanted:
        print(f"{name:<16} is not among the result's tables")
    spark.stop()
    return 1 if wrong or wanted else 0


if __name__ == "__main__":
    sys.exit(main())
