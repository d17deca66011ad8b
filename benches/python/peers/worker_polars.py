"""Polars, for `worker`: its SQL over lazy scans. It has as many threads as `POLARS_MAX_THREADS` says, which `engines` sets."""

from __future__ import annotations

import importlib
import os
from typing import Any

from worker import TABLES, Opened, Options


def opened(options: Options) -> Opened:
    """A context of SQL with the tables registered."""
    polars: Any = importlib.import_module("polars")
    context = polars.SQLContext({table: polars.scan_parquet(options.table(table)) for table in TABLES})
    settings: dict[str, object] = {"POLARS_MAX_THREADS": os.environ.get("POLARS_MAX_THREADS"), "engine": "auto"}
    # Its SQL takes no semicolon at the end.
    return Opened(
        polars.__version__,
        settings,
        lambda sql: context.execute(sql.rstrip().rstrip(";")).collect(),
        lambda frame: frame.rows(),
    )
