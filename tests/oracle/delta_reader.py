"""Reads Delta tables with DuckDB's own Delta extension and writes each as an Arrow file. tables.py runs it in a process of its own.

    delta_reader.py OUT_FOLDER NAME=PATH...

The extension on PyPI is built for an older DuckDB than the one that judges, and one process cannot hold both.
"""

import glob
import os
import sys

import duckdb
import duckdb_extension_delta
import pyarrow as pa


def main():
    out, *tables = sys.argv[1:]
    folder = os.path.dirname(duckdb_extension_delta.__file__)
    (extension,) = glob.glob(f"{folder}/extensions/*/delta.duckdb_extension")
    connection = duckdb.connect()
    connection.execute("LOAD '" + extension.replace("'", "''") + "'")
    connection.execute("SET TimeZone = 'UTC'")
    for table in tables:
        name, path = table.split("=", 1)
        rows = connection.sql("SELECT * FROM delta_scan(?)", params=[path]).to_arrow_table()
        with pa.ipc.new_file(f"{out}/{name}.arrow", rows.schema) as writer:
            writer.write_table(rows)


main()
