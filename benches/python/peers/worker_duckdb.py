"""DuckDB's wheel, for `worker`."""

from __future__ import annotations

import importlib
from typing import Any

from worker import TABLES, Opened, Options, arrow_rows


def opened(options: Options) -> Opened:
    """A connection with the tables as views."""
    duckdb: Any = importlib.import_module("duckdb")
    settings: dict[str, object] = {"threads": options.threads, "temp_directory": str(options.spill)}
    if options.memory is not None:
        settings["memory_limit"] = f"{options.memory}B"
    connection = duckdb.connect(config=settings)
    for table in TABLES:
        connection.execute(f"CREATE VIEW {table} AS SELECT * FROM parquet_scan('{options.table(table)}')")
    return Opened(
        duckdb.__version__,
        settings,
        lambda sql: connection.execute(sql).to_arrow_table(),
        arrow_rows,
        lambda table: list(table.column_names),
    )
