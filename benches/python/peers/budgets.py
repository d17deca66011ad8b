"""TPC-H with less and less memory (B4): what each engine still finishes, how much slower, with how much memory resident."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import figures
from engines import ORACLE, OURS
from series import Series
from verdict import Verdict

GIB = 2**30


def measure(gib: Sequence[float], one: Callable[[int], Series]) -> dict[str, Any]:
    """A series per budget, the largest first: the others' slowdown is by it."""
    budgets = []
    ample: dict[str, figures.Round] = {}
    for size in sorted(gib, reverse=True):
        verdict = Verdict(one(int(size * GIB)))
        times = {name: figures.medians(verdict.rounds(name)) for name in verdict.series.passes}
        ample = ample or dict(times)
        budgets.append({"gib": size, **summary(verdict, times, ample)})
    return {"what": "memory", "budgets": budgets}


def summary(verdict: Verdict, times: dict[str, dict[str, float]], ample: dict[str, figures.Round]) -> dict[str, Any]:
    """What one budget came to."""
    asked = {query for each in times.values() for query in each} | {query for each in verdict.failed.values() for query in each}
    engines = {}
    for name, each in times.items():
        slower = figures.slowdown(each, ample.get(name, {}))
        engines[name] = {
            "finished": len(each),
            "of": len(asked),
            "seconds": sum(each.values()),
            "slowdown": None if slower is None else vars(slower),
            "peak_mib": verdict.peak_mib(name),
        }
    against = figures.against([times[OURS]], [times[ORACLE]]) if OURS in times and ORACLE in times else None
    return {
        "engines": engines,
        "against": None if against is None else {"geomean": against.geomean, "worst": against.worst[1], "worst_query": against.worst[0]},
        "not_measured": verdict.series.missing,
        "failed": verdict.failed,
        "wrong": verdict.wrong,
        "compared": verdict.compared,
    }


def text(said: dict[str, Any]) -> str:
    """The table: a line per budget and engine."""
    lines = [f"{'GiB':>5} {'engine':<18} {'finished':>8} {'seconds':>9} {'slowdown':>9} {'geomean':>8} {'worst':>14} {'peak MiB':>9}"]
    for budget in said["budgets"]:
        for name, one in budget["engines"].items():
            slower = one["slowdown"] or {}
            cells = [f"{budget['gib']:>5g} {name:<18} {one['finished']:>5}/{one['of']:<2} {one['seconds']:>9.2f}"]
            cells += [f"{slower.get('total', 0):>8.2f}x {slower.get('geomean', 0):>7.2f}x {slower.get('worst', 0):>8.2f}x"]
            cells += [f"{slower.get('worst_query', ''):<4} {one['peak_mib']:>9}"]
            lines.append(" ".join(cells))
        if budget["against"]:
            one = budget["against"]
            lines.append(
                f"{'':>5} {OURS} ÷ {ORACLE}: {one['geomean']:.2f} in the geometric mean, {one['worst']:.2f} at worst ({one['worst_query']})"
            )
        lines += [f"{'':>5} {name} not measured: {why}" for name, why in budget["not_measured"].items()]
        for verb in ("failed", "wrong"):
            lines += [f"{'':>5} {query} of {name} {verb}: {why}" for name, found in budget[verb].items() for query, why in found.items()]
        lines += [] if budget["compared"] else [f"{'':>5} rows: NOT COMPARED, DuckDB has not answered"]
    return "\n".join(lines)
