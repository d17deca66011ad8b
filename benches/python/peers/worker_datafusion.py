"""DataFusion's wheel, for `worker`: its defaults but for the threads, and for the memory where that is limited."""

from __future__ import annotations

import importlib
from typing import Any

from worker import TABLES, Opened, Options, arrow_rows


def opened(options: Options) -> Opened:
    """A session with the tables registered."""
    datafusion: Any = importlib.import_module("datafusion")
    settings: dict[str, object] = {"target_partitions": options.threads}
    runtime = datafusion.RuntimeEnvBuilder()
    if options.memory is not None:
        settings["fair_spill_pool"] = options.memory
        runtime = runtime.with_fair_spill_pool(options.memory).with_disk_manager_specified(str(options.spill))
    session = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(options.threads), runtime)
    for table in TABLES:
        session.register_parquet(table, options.table(table))
    return Opened(datafusion.__version__, settings, lambda sql: session.sql(sql).to_arrow_table(), arrow_rows)
