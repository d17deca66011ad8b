"""A series as data, and that as a table: what each engine took, ours by each peer's, and by name whatever was not measured or is wrong."""

from __future__ import annotations

from typing import Any

import figures
from engines import OURS
from verdict import Verdict

# What we are after: no query so many times behind the best peer.
BEHIND = 1.5
COMPARISON = "as DuckDB's: decimals exactly, doubles within 1e-9, a double and a decimal within its last place"


def summary(verdict: Verdict) -> dict[str, Any]:
    """A series' figures."""
    series = verdict.series
    seconds = {name: verdict.rounds(name) for name in series.passes}
    against = {name: figures.against(seconds[OURS], seconds[name]) for name in series.passes if OURS in seconds and name != OURS}
    medians = {name: figures.medians(rounds) for name, rounds in seconds.items()}
    peers = {name: times for name, times in medians.items() if name not in (OURS, "datafusion-linked")}
    return {
        "what": series.queries.name,
        "about": series.queries.what,
        "queries": list(dict.fromkeys(query for times in medians.values() for query in times)),
        "engines": {name: _engine(verdict, name) for name in series.passes},
        "not_measured": series.missing,
        "against": {name: _against(one) for name, one in against.items() if one is not None},
        "behind_best": {
            query: {"ratio": ratio, "peer": peer}
            for query, (ratio, peer) in figures.behind_best(medians.get(OURS, {}), peers, BEHIND).items()
        },
        "cost": _cost(verdict, medians),
        "compared": verdict.compared,
        "failed": verdict.failed,
        "wrong": verdict.wrong,
    }


def _engine(verdict: Verdict, name: str) -> dict[str, Any]:
    passes = verdict.series.passes[name]
    seconds, cpu = verdict.rounds(name), verdict.rounds(name, "cpu_seconds")
    head = next((one.head for one in passes if one.head), {})
    return {
        "version": head.get("version"),
        "settings": head.get("settings"),
        "rounds": len(passes),
        "best_s": figures.best(seconds),
        "median_s": figures.medians(seconds),
        "cpu_s": figures.medians(cpu),
        "peak_mib": verdict.peak_mib(name),
    }


def _against(one: figures.Against) -> dict[str, Any]:
    query, worst = one.worst
    return {"geomean": one.geomean, "least": one.least, "most": one.most, "worst": worst, "worst_query": query, "ratios": one.ratios}


def _cost(verdict: Verdict, medians: dict[str, dict[str, float]]) -> dict[str, float]:
    if verdict.series.queries.cost is None:
        return {}
    dear, cheap = verdict.series.queries.cost
    return {name: times[dear] / times[cheap] for name, times in medians.items() if dear in times and cheap in times}


def text(said: dict[str, Any]) -> str:
    """The table."""
    engines = said["engines"]
    names = {name: f"{name} {one['version'] or ''}".strip() for name, one in engines.items()}
    width = max([17, *(len(shown) for shown in names.values())])
    first = max([9, *(len(query) for query in said["queries"])])

    def line(head: str, cells: list[str]) -> str:
        return f"{head:<{first}} " + " ".join(f"{cell:>{width}}" for cell in cells)

    def times(one: dict[str, Any], query: str) -> str:
        return f"{_seconds(one['best_s'][query])} / {_seconds(one['median_s'][query])}" if query in one["median_s"] else "-"

    def total(one: dict[str, Any], figure: str) -> str:
        return _seconds(sum(one[figure].values())) + ("" if len(one[figure]) == len(said["queries"]) else f" of {len(one[figure])}")

    lines = [f"{said['what']}: {said['about']}; seconds, best / median", line("", list(names.values()))]
    lines += [line(query, [times(one, query) for one in engines.values()]) for query in said["queries"]]
    lines.append(line("total s", [total(one, "median_s") for one in engines.values()]))
    lines.append(line("CPU s", [total(one, "cpu_s") for one in engines.values()]))
    lines.append(line("peak MiB", [str(one["peak_mib"]) for one in engines.values()]))
    lines.append(line("rounds", [str(one["rounds"]) for one in engines.values()]))
    for peer, one in said["against"].items():
        lines.append(
            f"{OURS} ÷ {peer}: {one['geomean']:.2f} in the geometric mean ({one['least']:.2f} to {one['most']:.2f} over the rounds), "
            f"{one['worst']:.2f} at worst ({one['worst_query']})"
        )
    if said["against"]:
        behind = [f"{query} {one['ratio']:.2f}x {one['peer']}" for query, one in said["behind_best"].items()]
        lines.append(f"more than {BEHIND}x the best peer: {', '.join(behind) if behind else 'none'}")
    for name, ratio in said["cost"].items():
        lines.append(f"{name}: {ratio:.2f} times the other query")
    return "\n".join([*lines, *_remarks(said)])


def _seconds(seconds: float) -> str:
    """With three places, and more where there is less."""
    return f"{seconds:.3f}" if seconds >= 0.1 else f"{seconds:.5f}"


def _remarks(said: dict[str, Any]) -> list[str]:
    """What must not be overlooked."""
    lines = [f"{name} not measured: {why}" for name, why in said["not_measured"].items()]
    for verb in ("failed", "wrong"):
        lines += [f"{query} of {name} {verb}: {why}" for name, found in said[verb].items() for query, why in found.items()]
    if said["compared"] is None:
        return lines
    if not said["compared"]:
        lines.append("rows: NOT COMPARED, DuckDB has not answered")
    elif said["wrong"]:
        lines.append("rows: NOT ALL " + COMPARISON)
    else:
        lines.append("rows: all " + COMPARISON)
    return lines
