"""Queries by one peer: a line of JSON that says which version answers under which settings, then a line per query, as the program `tpch`
prints them for our engine. It runs in the peer's own environment and leaves it to `one_pass` to start it and to stop it.

    worker.py ENGINE --data FOLDER --queries QUERIES.json --query N… [--runs N] [--threads N] [--memory BYTES] [--spill FOLDER] [--rows]
"""

from __future__ import annotations

import argparse
import datetime
import decimal
import importlib
import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import accounting

TABLES = ["customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier"]


@dataclass
class Options:
    """What a peer is opened with."""

    data: Path
    threads: int
    memory: int | None
    spill: Path

    def table(self, name: str) -> str:
        """Where a table's rows lie."""
        return str(self.data / f"{name}.parquet")


@dataclass
class Opened:
    """A peer with the tables registered."""

    version: str
    settings: dict[str, object]
    # Runs a query to its end, and has all of its rows.
    answer: Callable[[str], Any]
    # The rows of what `answer` gave.
    rows: Callable[[Any], Iterable[Sequence[Any]]]
    # The names of its columns, of the engine that the others are compared with.
    columns: Callable[[Any], list[str]] = field(default=lambda _: [])
    close: Callable[[], object] = field(default=lambda: None)


def cell(value: Any) -> Any:
    """A value in JSON: numbers are numbers, decimals and dates are text, so that decimals stay exact and nothing else looks like one."""
    match value:
        case decimal.Decimal():
            return format(value, "f")
        case datetime.date() | datetime.datetime():
            return value.isoformat()
        case None | bool() | int() | float() | str():
            return value
        case _:
            return str(value)


def arrow_rows(table: Any) -> Iterable[Sequence[Any]]:
    """The rows of an Arrow table."""
    return zip(*(column.to_pylist() for column in table.columns), strict=True)


def main() -> None:
    """Opens the peer and runs the queries; one that fails is a line that says so."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--query", type=int, action="append", required=True)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", type=int)
    parser.add_argument("--spill", type=Path, default=Path("."))
    parser.add_argument("--rows", action="store_true")
    args = parser.parse_args()
    queries = json.loads(args.queries.read_text(encoding="utf-8"))
    session = os.getsid(0)
    peer: Opened = importlib.import_module(f"worker_{args.engine}").opened(Options(args.data, args.threads, args.memory, args.spill))
    print(json.dumps({"engine": args.engine, "version": peer.version, "settings": peer.settings}), flush=True)
    for number in args.query:
        for _ in range(args.runs):
            line: dict[str, Any] = {"query": number}
            cpu, began = accounting.cpu_seconds(session), time.perf_counter()
            try:
                answer = peer.answer(queries[number - 1])
            except Exception as error:
                line["error"] = f"{type(error).__name__}: {error}"
            else:
                line["seconds"] = time.perf_counter() - began
                line["cpu_seconds"] = accounting.cpu_seconds(session) - cpu
                line["peak_mib"] = round(accounting.peak_mib(session))
                if args.rows:
                    line["columns"] = peer.columns(answer)
                    line["rows"] = [[cell(value) for value in row] for row in peer.rows(answer)]
            print(json.dumps(line), flush=True)
    peer.close()


if __name__ == "__main__":
    # The peers' files import this one by its name: there must not be two of it.
    importlib.import_module("worker").main()
