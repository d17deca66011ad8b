"""Passes in turns: each round every engine once, beginning with another one each time, so that no engine always comes after the same."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import one_pass
from engines import ENGINES, NotMeasured, Setting, command, environment
from one_pass import Bounds, Pass
from query_sets import QuerySet

# Looks at what an engine's pass has left in its folder, before that is gone.
Look = Callable[[str, Path, Pass], None]


@dataclass
class Series:
    """What was measured: by engine its passes, and of who has none why."""

    queries: QuerySet
    passes: dict[str, list[Pass]]
    missing: dict[str, str]


def rotated(names: Sequence[str], by: int) -> list[str]:
    """The same names, beginning later."""
    at = by % len(names) if names else 0
    return [*names[at:], *names[:at]]


def measure(
    names: Sequence[str],
    setting: Setting,
    queries: QuerySet,
    numbers: Sequence[int],
    rounds: int,
    bounds: Bounds,
    missing: Mapping[str, str],
    look: Look | None = None,
) -> Series:
    """Measures the engines that are not missing; one that cannot begin is left out of later rounds."""
    series = Series(queries, {name: [] for name in names if name not in missing}, dict(missing))
    for number in range(rounds):
        for name in rotated(list(series.passes), number):
            if time.monotonic() >= bounds.until:
                print(f"round {number + 1}: {name} is left out, the budget is used up", file=sys.stderr)
                continue
            began = time.monotonic()
            done = _one(name, setting, queries, numbers, bounds, look)
            if done.why is not None:
                print(f"round {number + 1}: {name} is not measured: {done.why}", file=sys.stderr)
                if not series.passes[name]:
                    series.missing[name] = done.why
                    del series.passes[name]
                continue
            series.passes[name].append(done)
            print(f"round {number + 1}: {name} took {time.monotonic() - began:.1f} s", file=sys.stderr)
    for name in [name for name, passes in series.passes.items() if not passes]:
        series.missing[name] = one_pass.OVER
        del series.passes[name]
    return series


def _one(name: str, setting: Setting, queries: QuerySet, numbers: Sequence[int], bounds: Bounds, look: Look | None) -> Pass:
    """One pass, in a folder that is gone after it."""
    engine = ENGINES[name]
    setting = replace(setting, conf=[*queries.conf, *setting.conf], runs=queries.runs)
    if setting.memory is not None and not engine.limits_memory:
        return Pass(why="its memory cannot be limited")
    # Beside the tables: what is spilled goes to their disk, not to one in memory.
    with tempfile.TemporaryDirectory(prefix=".peers-", dir=setting.data) as made:
        folder = Path(made)
        texts = [text.replace("{out}", made) for text in queries.texts_of(name)]
        asked = [number for number in numbers if texts[number - 1]]
        if not asked:
            return Pass(why=f"it has no words for `{queries.name}`")
        file = folder / "queries.json"
        file.write_text(json.dumps(texts), encoding="utf-8")
        for place in ("spill", *queries.names):
            (folder / place).mkdir()
        try:
            done = one_pass.run(
                lambda left: command(engine, setting, file, left, folder / "spill"), asked, bounds, environment(engine, setting)
            )
            if look is not None and done.why is None:
                look(name, folder, done)
        except (NotMeasured, RuntimeError) as why:
            return Pass(why=str(why))
        return done
