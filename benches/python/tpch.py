"""TPC-H side by side: Tidemill, the DataFusion that it is built with, and DataFusion's and DuckDB's wheels, each in a process of its own, in
turns. Rows are compared with DuckDB's; times are medians, memory is the most that a process had.

    tpch.py --binary PATH/tpch --data FOLDER --queries QUERIES.json [--engines A,B,…] [--pairs N] [--query N]… [--conf NAME=VALUE]…

FOLDER is what `tpchgen-cli parquet -s SCALE --output-dir FOLDER` makes. Exit codes: 0 all rows agree, 1 some do not.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ENGINES = ["tidemill", "datafusion-linked", "datafusion", "duckdb"]


def command(engine, args):
    """The process that answers for an engine."""
    common = [
        "--data",
        str(args.data),
        "--queries",
        str(args.queries),
        "--threads",
        str(args.threads),
    ]
    common += [word for number in args.query for word in ("--query", str(number))]
    match engine:
        case "tidemill":
            return [
                str(args.binary),
                "--engine",
                "tidemill",
                *common,
                *[word for conf in args.conf for word in ("--conf", conf)],
            ]
        case "datafusion-linked":
            return [str(args.binary), "--engine", "datafusion", *common]
        case _:
            return [sys.executable, str(HERE / "tpch_peer.py"), engine, *common]


def measured(engine, args, rows):
    """What one process says, by query; an error ends what it says."""
    process = subprocess.run(
        command(engine, args) + (["--rows"] if rows else []),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [json.loads(line) for line in process.stdout.splitlines()]
    if process.returncode != 0:
        print(
            f"{engine} ended with {process.returncode}: {process.stderr.strip()[-500:]}",
            file=sys.stderr,
        )
    return {line["query"]: line for line in lines}


def value(text):
    """A cell as something to put in order and compare: numbers as such, everything else as it stands."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return text


def last_place(text):
    """Half of a decimal's last place: engines keep different numbers of them in a mean."""
    _, point, places = text.partition(".")
    return 0.5 * 10.0 ** -len(places) if point and "e" not in places.lower() else 0.0


def same(left, right):
    """Whether two cells are one: numbers within a billionth, or half of the last place that both have."""
    a, b = value(left), value(right)
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(
            a,
            b,
            rel_tol=1e-9,
            abs_tol=max(1e-9, 1.001 * max(last_place(left), last_place(right))),
        )
    return a == b


def differ(found, expected):
    """Whether two answers are not the same rows, in any order."""
    if len(found) != len(expected):
        return True
    order = lambda row: [
        (
            cell is None,
            f"{value(cell):.6g}" if isinstance(value(cell), float) else cell or "",
        )
        for cell in row
    ]
    pairs = zip(sorted(found, key=order), sorted(expected, key=order), strict=True)
    return not all(len(a) == len(b) and all(map(same, a, b)) for a, b in pairs)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--query", type=int, action="append", default=[])
    parser.add_argument("--conf", action="append", default=[])
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    engines = args.engines.split(",")
    if unknown := set(engines) - set(ENGINES):
        parser.error(
            f"no such engine: {', '.join(sorted(unknown))}; there are {', '.join(ENGINES)}"
        )

    runs = {engine: [] for engine in engines}
    for pair in range(args.pairs):
        for engine in engines:
            runs[engine].append(measured(engine, args, rows=pair == 0))
    median = {
        engine: {
            number: statistics.median(
                run[number]["seconds"] for run in passes if number in run
            )
            for number in passes[0]
        }
        for engine, passes in runs.items()
    }
    numbers = sorted(set().union(*(set(found) for found in median.values())))
    print("query " + " ".join(f"{engine:>18}" for engine in engines))
    for number in numbers:
        print(
            f"{number:>5} "
            + " ".join(
                f"{median[engine].get(number, math.nan):>17.3f}s" for engine in engines
            )
        )
    print(
        "total "
        + " ".join(f"{sum(median[engine].values()):>17.2f}s" for engine in engines)
    )
    cpu = {
        engine: statistics.median(
            sum(line["cpu_seconds"] for line in run.values()) for run in passes
        )
        for engine, passes in runs.items()
    }
    print("  cpu " + " ".join(f"{cpu[engine]:>17.2f}s" for engine in engines))
    peak = {
        engine: max(
            (line["peak_mib"] for run in passes for line in run.values()), default=0
        )
        for engine, passes in runs.items()
    }
    print(" peak " + " ".join(f"{peak[engine]:>14} MiB" for engine in engines))

    first = engines[0]
    for peer in engines[1:]:
        ratios = {
            number: median[first][number] / median[peer][number]
            for number in numbers
            if number in median[first] and number in median[peer]
        }
        worst = max(ratios, key=ratios.get)
        print(
            f"{first} ÷ {peer}: {statistics.geometric_mean(ratios.values()):.2f} in the geometric mean, {ratios[worst]:.2f} at worst (Q{worst})"
        )

    wrong = [
        f"Q{number} of {engine}"
        for engine in engines
        for number in numbers
        if "duckdb" in engines
        and (
            number not in runs[engine][0]
            or differ(
                runs[engine][0][number]["rows"], runs["duckdb"][0][number]["rows"]
            )
        )
    ]
    print(
        "rows: "
        + (
            f"DIFFERENT FROM DUCKDB'S: {', '.join(wrong)}"
            if wrong
            else "all as DuckDB's"
            if "duckdb" in engines
            else "not compared"
        )
    )
    sys.exit(bool(wrong))


main()
