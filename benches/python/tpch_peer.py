"""TPC-H's queries over Parquet files by an engine from PyPI, a line of JSON per query, as the program `tpch` prints it for ours.

tpch_peer.py duckdb|datafusion --data FOLDER --queries QUERIES.json [--query N]... [--runs N] [--threads N] [--rows]
"""

import argparse
import json
import resource
import time
from pathlib import Path

TABLES = [
    "customer",
    "lineitem",
    "nation",
    "orders",
    "part",
    "partsupp",
    "region",
    "supplier",
]


def duckdb(folder, threads):
    """Something that answers SQL, with the tables as views."""
    import duckdb

    connection = duckdb.connect(config={"threads": threads})
    for table in TABLES:
        connection.execute(
            f"CREATE VIEW {table} AS SELECT * FROM parquet_scan('{folder / table}.parquet')"
        )
    return lambda sql: connection.execute(sql).to_arrow_table()


def datafusion(folder, threads):
    """The same; its wheel's defaults but for the threads."""
    from datafusion import SessionConfig, SessionContext

    session = SessionContext(SessionConfig().with_target_partitions(threads))
    for table in TABLES:
        session.register_parquet(table, str(folder / f"{table}.parquet"))
    return lambda sql: session.sql(sql).to_arrow_table()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=["duckdb", "datafusion"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--query", type=int, action="append", default=[])
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", action="store_true")
    args = parser.parse_args()
    answer = {"duckdb": duckdb, "datafusion": datafusion}[args.engine](
        args.data, args.threads
    )
    queries = json.loads(args.queries.read_text(encoding="utf-8"))
    for number in args.query or range(1, len(queries) + 1):
        for _ in range(args.runs):
            started, cpu = time.perf_counter(), time.process_time()
            table = answer(queries[number - 1])
            line = {
                "query": number,
                "seconds": time.perf_counter() - started,
                "cpu_seconds": time.process_time() - cpu,
                "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
            if args.rows:
                columns = [column.to_pylist() for column in table.columns]
                line["rows"] = [
                    [None if value is None else str(value) for value in row]
                    for row in zip(*columns, strict=True)
                ]
            print(json.dumps(line), flush=True)


main()
