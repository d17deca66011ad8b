"""TPC-H's answers beside DuckDB's: DuckDB makes the tables, both answer the 22 queries, and the rows are compared.

    tpch.py --binary PATH [--scale 0.01]

Exit codes: 0 all 22 agree, 1 some do not.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from decimal import Decimal, InvalidOperation
from itertools import groupby
from pathlib import Path

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


def order_of(sql, columns):
    """The places of the columns that the outermost ORDER BY names."""
    clause = re.split(r"\border\s+by\b", sql, flags=re.IGNORECASE)
    # What follows a closing bracket is not inside it: a subquery's ORDER BY is none of ours.
    if len(clause) == 1 or clause[-1].count(")") > clause[-1].count("("):
        return []
    keys = re.split(r"\blimit\b|;", clause[-1], flags=re.IGNORECASE)[0].split(",")
    names = [re.sub(r"\s+(asc|desc)\s*$", "", key.strip(), flags=re.IGNORECASE) for key in keys]
    return [columns.index(name) for name in names]


def same(expected, actual):
    """Whether two values are one. A double may be off by a billionth; where the other engine has a decimal, by half of its last place."""
    if expected is None or actual is None:
        return expected is actual
    if isinstance(expected, float) or isinstance(actual, float):
        places = [-Decimal(value).as_tuple().exponent for value in (expected, actual) if isinstance(value, str)]
        rounding = max((0.5 * 10.0**-place for place in places), default=0.0)
        one, other = float(expected), float(actual)
        return abs(one - other) <= rounding * 1.000001 + 1e-9 * abs(one)
    try:
        return Decimal(expected) == Decimal(actual)
    except InvalidOperation:
        return expected == actual


def same_row(expected, actual):
    return len(expected) == len(actual) and all(map(same, expected, actual))


def difference(order, expected, actual):
    """The first difference between two answers, or None. Rows that agree in the columns of ORDER BY may come in any order."""
    if len(expected) != len(actual):
        return f"{len(actual)} rows, not {len(expected)}"
    at = 0
    for _, group in groupby(expected, key=lambda row: [row[place] for place in order]):
        group = list(group)
        left = actual[at : at + len(group)]
        for row in group:
            match = next((other for other in left if same_row(row, other)), None)
            if match is None:
                return f"from row {at + 1} on: {row} is missing in {left[:3]}"
            left.remove(match)
        at += len(group)
    return None


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
