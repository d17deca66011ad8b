"""Sail, for `worker`: its server as a process beside this one, and Spark's Connect client here. Both are charged to it."""

from __future__ import annotations

import importlib
import importlib.metadata
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from worker import TABLES, Opened, Options, arrow_rows

SECONDS_TO_START = 60


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_port(port: int, server: subprocess.Popen[bytes]) -> None:
    """Waits until the server listens."""
    until = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < until:
        if server.poll() is not None:
            raise RuntimeError(f"Sail's server ended with {server.returncode} before it listened")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"Sail's server does not listen on port {port} after {SECONDS_TO_START} s")


def opened(options: Options) -> Opened:
    """A server, and a session of it with the tables as views."""
    port = free_port()
    program = str(Path(sys.executable).with_name("sail"))
    server = subprocess.Popen([program, "spark", "server", "--ip", "127.0.0.1", "--port", str(port)], stdout=subprocess.DEVNULL)
    await_port(port, server)
    sql: Any = importlib.import_module("pyspark.sql")
    spark = sql.SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
    for table in TABLES:
        spark.read.parquet(options.table(table)).createOrReplaceTempView(table)

    def close() -> None:
        spark.stop()
        server.terminate()
        server.wait()

    client = importlib.metadata.version("pyspark-client")
    return Opened(
        importlib.metadata.version("pysail"),
        {"client": f"pyspark-client {client}", "threads": "as many as the process may use"},
        lambda text: spark.sql(text.rstrip().rstrip(";")).toArrow(),
        arrow_rows,
        close=close,
    )
