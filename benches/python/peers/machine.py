"""The machine that is measured on: what it is, whether it is quiet, and as many of its cores as everybody may use."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any


def described() -> dict[str, Any]:
    """What a report says of it."""
    model = next((line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    return {"cpu": model, "cores": os.cpu_count(), "memory_gib": round(memory_bytes() / 2**30, 1), "kernel": platform.release()}


def memory_bytes() -> int:
    """All of its memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def busy(before: str, after: str) -> float:
    """The share of all cores that was at work between two readings of the first line of /proc/stat."""
    one, other = ([int(ticks) for ticks in line.split()[1:9]] for line in (before, after))
    passed = [b - a for a, b in zip(one, other, strict=True)]
    # The fourth and fifth are idle and waiting for the disk.
    return 1 - (passed[3] + passed[4]) / max(1, sum(passed))


def busy_now(seconds: float = 2.0) -> float:
    """How busy it is with others' work."""
    before = _lines("/proc/stat")[0]
    time.sleep(seconds)
    return busy(before, _lines("/proc/stat")[0])


def keep_to(threads: int) -> None:
    """This process and all that it starts use so many cores, whatever an engine would take."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def _lines(file: str) -> list[str]:
    return Path(file).read_text(encoding="utf-8").splitlines()
