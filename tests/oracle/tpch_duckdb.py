"""Makes TPC-H's tables with DuckDB's extension, as Parquet files, and writes its queries with DuckDB's answers. tpch.py runs it in a
process of its own.

    tpch_duckdb.py OUT_FOLDER SCALE_FACTOR

The extension on PyPI is built for an older DuckDB than the one beside the oracle, and one process cannot hold both.
"""

import glob
import json
import os
import sys

import duckdb
import duckdb_extension_tpch


def main():
    out, scale = sys.argv[1], float(sys.argv[2])
    folder = os.path.dirname(duckdb_extension_tpch.__file__)
    (extension,) = glob.glob(f"{folder}/extensions/*/tpch.duckdb_extension")
    connection = duckdb.connect()
    connection.execute("LOAD '" + extension.replace("'", "''") + "'")
    connection.execute(f"CALL dbgen(sf={scale})")
    for (table,) in connection.execute("SHOW TABLES").fetchall():
        connection.execute(f"COPY {table} TO '{out}/{table}.parquet' (FORMAT parquet)")
    answers = []
    for number, sql in connection.execute("SELECT query_nr, query FROM tpch_queries() ORDER BY query_nr").fetchall():
        asked = connection.execute(sql)
        columns = [column[0] for column in asked.description]
        # Floats stay floats in JSON; decimals and dates become text.
        rows = [[value if isinstance(value, (int, float, type(None))) else str(value) for value in row] for row in asked.fetchall()]
        answers.append({"number": number, "sql": sql, "columns": columns, "rows": rows})
    with open(f"{out}/answers.json", "w", encoding="utf-8") as file:
        json.dump(answers, file)


main()
