"""Ours beside its peers, in one run: TPC-H (B1), TPC-H with less and less memory (B4), the start of a process (U1), and some more.

    python benches/python/peers tpch --scale 1              # five rounds in turns; --scale 10: one
    python benches/python/peers memory                      # scale factor 10 with 8, 4, 2 and 1 GiB
    python benches/python/peers start
    python benches/python/peers adaptive                    # what adaptive execution did, and what went to disk, with 256 MiB
    python benches/python/peers sorted|skew|small|cross

It makes its environments and data once, in the cache folder: the peers come from PyPI (`requirements/`), Spark wants a Java 17 on the path.
A peer that cannot be had is named with the reason, and the others go on. Ours are the release binaries:
cargo build --release --workspace --bins.

Every engine has a process of its own per round, as many cores, and the same files, which the system has in its cache after the first
round. Its start is not in the times of queries; planning is. Exit codes: 0 all rows are DuckDB's and nothing of ours failed; 1 not so;
2 the command line is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# The judge of TPC-H's answers in the tests judges here too.
sys.path.insert(0, str(HERE.parents[2] / "tests" / "oracle"))

import adaptive  # noqa: E402
import budgets  # noqa: E402
import machine  # noqa: E402
import query_sets  # noqa: E402
import report  # noqa: E402
import series  # noqa: E402
import sorted_files  # noqa: E402
import starts  # noqa: E402
import tpch_data  # noqa: E402
import venvs  # noqa: E402
from engines import ENGINES, ORACLE, OURS, NotMeasured, Setting  # noqa: E402
from one_pass import Bounds  # noqa: E402
from query_sets import QuerySet  # noqa: E402
from verdict import Verdict  # noqa: E402

# By sub-command: what it says of itself, its engines, scale and rounds where none are named.
COMMANDS: dict[str, tuple[str, list[str], float, int]] = {
    "tpch": ("TPC-H's 22 queries (B1)", list(ENGINES), 1, 5),
    "memory": ("TPC-H with less and less memory (B4)", [OURS, ORACLE], 10, 1),
    "start": ("from process start to the first row, and to a stream's first epoch (U1)", [OURS, ORACLE, "datafusion", "polars"], 1, 20),
    "adaptive": ("counts of adaptive execution's rules and of spills with little memory", [OURS], 1, 1),
    "sorted": ("a sort into Parquet and Delta files with 1 GiB", [OURS, "datafusion-linked", ORACLE], 10, 1),
    "skew": ("a join with half its rows on one key, and an even one", [OURS, "datafusion-linked", ORACLE], 1, 5),
    "small": ("queries over 1 000 rows", [OURS, "datafusion-linked", ORACLE], 0.1, 5),
    "cross": ("ten rows of a product of two large tables", [OURS, "datafusion-linked", ORACLE], 10, 3),
}
# With more data than this, a round is long enough.
LARGE = 5
GIB = 2**30
BUSY = 0.1


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (what, engines, scale, rounds) in COMMANDS.items():
        one = commands.add_parser(name, help=what, description=what)
        one.add_argument("--engines", default=",".join(engines), help=f"of {', '.join(ENGINES)} (default: %(default)s)")
        one.add_argument("--scale", type=float, default=scale, help="TPC-H's scale factor (default: %(default)s)")
        fewer = f", and 1 from scale factor {LARGE} on" if name == "tpch" else ""
        one.add_argument("--pairs", type=int, help=f"rounds in turns (default: {rounds}{fewer})")
        one.add_argument("--query", type=int, action="append", help="just this one; may be given several times")
        one.add_argument(
            "--budget", type=float, default=float("inf"), metavar="SECONDS", help="what is not done by then is left out, by name"
        )
        one.add_argument("--limit", type=float, default=600, metavar="SECONDS", help="a query that takes longer is stopped (default: 600)")
        one.add_argument("--threads", type=int, default=2, help="cores for everybody (default: 2)")
        one.add_argument("--conf", action="append", default=[], metavar="NAME=VALUE", help="a setting of our session")
        if name == "memory":
            one.add_argument("--gib", default="8,4,2,1", help="the budgets (default: %(default)s)")
        if name == "adaptive":
            one.add_argument("--mib", type=int, default=256, help="the memory (default: %(default)s)")
        release = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parents[2] / "target")) / "release"
        one.add_argument("--binaries", type=Path, default=release, help="the folder of our release binaries (default: %(default)s)")
        cache = venvs.BESIDE.parent / "tpch"
        one.add_argument("--data", type=Path, default=cache, help="the folder of sf1, sf10, … and queries.json (default: %(default)s)")
        one.add_argument("--python", action="append", default=[], metavar="ENGINE=PYTHON", help="an environment that is there already")
        one.add_argument("--busy", action="store_true", help="measures although the machine is at work with something else")
        one.add_argument("--output", choices=["table", "json"], default="table", help="json: one object, and the table on standard error")
    args = parser.parse_args()
    args.engines = args.engines.split(",")
    if unknown := [name for name in args.engines if name not in ENGINES]:
        parser.error(f"there is no engine {', '.join(unknown)}; there are {', '.join(ENGINES)}")
    args.pairs = args.pairs or (1 if args.scale >= LARGE and args.command == "tpch" else COMMANDS[args.command][3])
    args.python = {name: Path(path) for name, _, path in (one.partition("=") for one in args.python)}
    return args


def main() -> None:
    """Measures, prints, and ends with 1 where something is wrong."""
    args = parsed()
    # What is asked to end ends in order: its processes with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    machine.keep_to(args.threads)
    busy = machine.busy_now()
    if busy > BUSY and not args.busy:
        sys.exit(f"peers: {busy:.0%} of the machine is at work with something else; wait for it, or say --busy")
    try:
        said, shown = measured(args)
    except NotMeasured as why:
        sys.exit(f"peers: {why}")
    said |= {"scale": args.scale, "threads": args.threads, "machine": {**machine.described(), "busy_before": round(busy, 3)}}
    about = said["machine"]
    head = (
        f"scale factor {args.scale:g}; {args.threads} of {about['cores']} cores ({about['cpu']}), {about['memory_gib']} GiB, "
        f"Linux {about['kernel']}; {busy:.0%} busy before"
    )
    print(f"{head}\n\n{shown}", file=sys.stdout if args.output == "table" else sys.stderr)
    if args.output == "json":
        print(json.dumps(said))
    sys.exit(1 if faults(said) else 0)


def measured(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """What a sub-command found, as data and as a table."""
    pythons, missing = venvs.pythons(args.engines, args.python)
    if args.command == "start":
        said = starts.measure(args.binaries, pythons, missing, args.pairs)
        return said, starts.text(said)
    setting = Setting(args.binaries, tpch_data.tables(args.data, args.scale), args.threads, None, args.conf, 1, pythons)
    # A tenth of the memory stays the system's.
    bounds = Bounds(args.limit, 0.9 * machine.memory_bytes() / 2**20, time.monotonic() + args.budget)

    def one(queries: QuerySet, memory: float | None = None, look: series.Look | None = None) -> series.Series:
        setting.memory = None if memory is None else int(memory)
        numbers = args.query or range(1, len(queries.names) + 1)
        return series.measure(args.engines, setting, queries, numbers, args.pairs, bounds, missing, look)

    def alone(found: series.Series) -> tuple[dict[str, Any], str]:
        said = report.summary(Verdict(found))
        return said, report.text(said)

    def by_memory() -> tuple[dict[str, Any], str]:
        queries = query_sets.tpch(tpch_data.texts(args.data))
        said = budgets.measure([float(gib) for gib in args.gib.split(",")], lambda memory: one(queries, memory))
        return said, budgets.text(said)

    def counted() -> tuple[dict[str, Any], str]:
        setting.memory = args.mib * 2**20
        said = adaptive.measure(setting, tpch_data.texts(args.data), bounds, args.query)
        return said, adaptive.text(said)

    commands: dict[str, Callable[[], tuple[dict[str, Any], str]]] = {
        "tpch": lambda: alone(one(query_sets.tpch(tpch_data.texts(args.data)))),
        "memory": by_memory,
        "adaptive": counted,
        "sorted": lambda: alone(one(sorted_files.SORTED, GIB, sorted_files.reader(setting, bounds))),
        "skew": lambda: alone(one(query_sets.SKEW)),
        "small": lambda: alone(one(query_sets.SMALL)),
        "cross": lambda: alone(one(query_sets.CROSS)),
    }
    return commands[args.command]()


def faults(said: dict[str, Any]) -> bool:
    """Whether some rows are not DuckDB's, or something of ours failed."""
    if said["what"] == "memory":
        return any(faults({"what": "one of them", **budget}) for budget in said["budgets"])
    if said["what"] == "adaptive":
        return bool(said["failed"] or adaptive.none_of(said))
    return bool(said.get("wrong") or OURS in said.get("failed", {}) or OURS in said["not_measured"] or said.get("compared") is False)


if __name__ == "__main__":
    main()
