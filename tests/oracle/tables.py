"""Reads the job's Delta tables with readers that are not ours (the deltalake package, DuckDB) and looks at their logs.

What the rows should be is recompute.py's business.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable

EXTENSIONS = Path(sys.prefix) / "duckdb_extensions"
LOG_ENTRY = re.compile(r"^(\d{20})\.json$")


def by_deltalake(path: str) -> pa.Table:
    """The table's newest version as the deltalake package reads it."""
    return DeltaTable(path).to_pyarrow_table()


def by_duckdb(tables: dict) -> dict:
    """All tables (name to path) as DuckDB's Delta extension reads them: its log reader is delta-kernel, ours is not."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, str(Path(__file__).with_name("delta_reader.py")), out]
        command += [f"{name}={path}" for name, path in tables.items()]
        done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(EXTENSIONS)}, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"DuckDB's Delta reader failed:\n{done.stderr}")
        return {name: pa.ipc.open_file(pa.memory_map(f"{out}/{name}.arrow")).read_all() for name in tables}


def in_microseconds(table: pa.Table) -> pa.Table:
    """The same rows with every timestamp as a count of microseconds, so that no reader's time zone matters."""
    columns = [
        column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.schema.names)


def log_faults(path: str):
    """What in the table's log shows a lost or doubled commit, and how many commits there are.

    Versions follow each other without a gap, and per application id the `txn` version only ever rises: an epoch that was
    committed twice shows here even if its rows happen to be the same.
    """
    versions, last_txn, faults = [], {}, []
    for entry in sorted(os.listdir(f"{path}/_delta_log")):
        match = LOG_ENTRY.match(entry)
        if not match:
            continue
        versions.append(int(match[1]))
        for line in Path(f"{path}/_delta_log/{entry}").read_text().splitlines():
            txn = json.loads(line).get("txn") if line.strip() else None
            if txn is None:
                continue
            before = last_txn.get(txn["appId"])
            if before is not None and txn["version"] <= before:
                faults.append(f"version {versions[-1]}: txn {txn['appId']} goes from {before} to {txn['version']}")
            last_txn[txn["appId"]] = txn["version"]
    for before, after in zip(versions, versions[1:]):
        if after != before + 1:
            faults.append(f"version {after} follows version {before}")
    if len(versions) > 1 and not last_txn:
        faults.append("no commit carries a txn")
    return faults, len(versions)
