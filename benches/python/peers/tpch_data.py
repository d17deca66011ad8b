"""TPC-H's tables and queries, made once: the tables by `tpchgen-cli`, the texts are DuckDB's. All engines read the same."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import venvs
from engines import HERE, NotMeasured
from worker import TABLES

DUCKDB_EXTENSIONS = HERE.parents[2] / "tests" / "oracle" / "requirements-duckdb-extensions.txt"

TEXTS = """
import glob, json, os, duckdb, duckdb_extension_tpch
(extension,) = glob.glob(os.path.dirname(duckdb_extension_tpch.__file__) + "/extensions/*/tpch.duckdb_extension")
connection = duckdb.connect()
connection.execute("LOAD '" + extension.replace("'", "''") + "'")
print(json.dumps([text for (text,) in connection.execute("SELECT query FROM tpch_queries() ORDER BY query_nr").fetchall()]))
"""


def tables(root: Path, scale: float) -> Path:
    """The folder with the tables of a scale."""
    folder = root / f"sf{scale:g}"
    if all((folder / f"{table}.parquet").exists() for table in TABLES):
        return folder
    program = venvs.made("data", [HERE / "requirements" / "data.txt"]).with_name("tpchgen-cli")
    # A folder of that name is whole: it is made under another.
    making = root / f"sf{scale:g}.making"
    making.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [str(program), "parquet", "-s", f"{scale:g}", "--output-dir", str(making)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise NotMeasured(f"no tables of scale {scale:g}: {venvs.last_line(done.stderr)}")
    try:
        making.rename(folder)
    except OSError as error:
        raise NotMeasured(f"{folder} is there and not whole: {error}") from error
    return folder


def texts(root: Path) -> list[str]:
    """The 22 queries."""
    file = root / "queries.json"
    if not file.exists():
        python = venvs.made("texts", [DUCKDB_EXTENSIONS])
        done = subprocess.run([str(python), "-c", TEXTS], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotMeasured(f"no texts of TPC-H's queries: {venvs.last_line(done.stderr)}")
        root.mkdir(parents=True, exist_ok=True)
        file.write_text(done.stdout, encoding="utf-8")
    found: list[str] = json.loads(file.read_text(encoding="utf-8"))
    return found
