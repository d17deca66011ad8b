"""TPC-H's answers beside DuckDB's: DuckDB makes the tables, both answer the 22 queries, and the rows are compared.

    tpch.py --binary PATH [--scale 0.01]

Exit codes: 0 all 22 agree, 1 some do not.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ordered_rows import difference, order_of

EXTENSIONS = Path(sys.prefix) / "duckdb_extensions"
QUERIES = 22


def by_duckdb(folder, scale):
    """The queries with DuckDB's answers; their tables are in the folder as Parquet files."""
    command = [sys.executable, str(Path(__file__).with_name("tpch_duckdb.py")), folder, str(scale)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(EXTENSIONS)}, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"DuckDB's TPC-H failed:\n{done.stderr}")
    return json.loads(Path(folder, "answers.json").read_text(encoding="utf-8"))


def by_tidemill(binary, folder, queries):
    """The rows of each query."""
    views = [f"CREATE TEMPORARY VIEW {file.stem} AS SELECT * FROM parquet.`{file}`;" for file in sorted(Path(folder).glob("*.parquet"))]
    script = Path(folder, "queries.sql")
    script.write_text("\n".join(views + [query.rstrip().rstrip(";") + ";" for query in queries]), encoding="utf-8")
    done = subprocess.run([binary, "sql", "--output", "json", "-f", str(script)], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{binary} failed:\n{done.stdout[-2000:]}\n{done.stderr}")
    results = [json.loads(line) for line in done.stdout.splitlines()]
    return [result["rows"] for result in results[-len(queries):]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", required=True, help="the tidemill to be judged")
    parser.add_argument("--scale", type=float, default=0.01, help="TPC-H's scale factor")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        answers = by_duckdb(folder, args.scale)
        if len(answers) != QUERIES or not all(answer["rows"] for answer in answers):
            raise RuntimeError(f"{len(answers)} queries, some without rows: there is nothing to compare")
        rows = by_tidemill(os.path.abspath(args.binary), folder, [answer["sql"] for answer in answers])
    wrong = 0
    for answer, actual in zip(answers, rows, strict=True):
        found = difference(order_of(answer["sql"], answer["columns"]), answer["rows"], actual)
        wrong += found is not None
        if found:
            print(f"q{answer['number']}: {found}")
    print(f"TPC-H at scale {args.scale}: {QUERIES - wrong} of {QUERIES} answers equal DuckDB's")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
