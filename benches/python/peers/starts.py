"""From the start of a process to the first row of `select 1` (U1), and what it holds when it then idles; ours also to the first epoch of a
stream."""

from __future__ import annotations

import os
import pty
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import accounting
from engines import OURS
from series import rotated
from venvs import last_line

IDLE_S = 0.3
SHELL_S = 10

# Each prints the row, then waits for the end of its input.
WAIT = "\nimport sys; sys.stdin.read()"
PROGRAMS = {
    "duckdb": "import duckdb; print(duckdb.sql('select 1').fetchall(), flush=True)",
    "datafusion": "import datafusion; print(datafusion.SessionContext().sql('select 1').to_pydict(), flush=True)",
    "polars": "import polars; print(polars.SQLContext().execute('select 1').collect().rows(), flush=True)",
    "spark": "from pyspark.sql import SparkSession\n"
    "spark = SparkSession.builder.master('local[2]').config('spark.ui.enabled', 'false').config('spark.driver.host', '127.0.0.1')\n"
    "spark = spark.getOrCreate()\n"
    "print(spark.sql('select 1').collect(), flush=True)",
}
FLOOR = "python"


@dataclass(frozen=True)
class Start:
    """One start."""

    first_row_ms: float
    cpu_ms: float
    idle_mib: float
    peak_mib: float


def commands(binaries: Path, pythons: Mapping[str, Path]) -> dict[str, list[str]]:
    """By engine the command that prints a row; the peers' then wait."""
    found = {OURS: [str(binaries / "tidemill"), "sql", "--output", "json", "-e", "select 1"]} if (binaries / "tidemill").exists() else {}
    found |= {name: [str(pythons[name]), "-c", program + WAIT] for name, program in PROGRAMS.items() if name in pythons}
    # What the wheels' figures hold of the interpreter alone.
    found[FLOOR] = [sys.executable, "-c", "print(1, flush=True)" + WAIT]
    return found


def one(name: str, command: list[str], folder: str) -> Start:
    """Starts it, waits for the row, looks at it, and ends its input; whatever comes, it is gone then."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=folder
    )
    try:
        return looked_at(name, command[0], process, began, folder)
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()


def looked_at(name: str, program: str, process: subprocess.Popen[str], began: float, folder: str) -> Start:
    """A process that has been started: its row, and what it uses."""
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    row = process.stdout.readline()
    first_row_ms = (time.perf_counter() - began) * 1e3
    idle, peak, cpu_ms = shell(program, folder) if name == OURS else idling(process.pid)
    process.stdin.close()
    rest = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0 or "1" not in row:
        raise RuntimeError(f"it answered {row!r} and ended with {process.returncode}: {last_line(rest)}")
    # The kernel counts what the process waited for, and /proc what it did not.
    return Start(first_row_ms, max((usage.ru_utime + usage.ru_stime) * 1e3, cpu_ms), idle, peak)


def idling(session: int) -> tuple[float, float, float]:
    """MiB resident now and at most, and the CPU milliseconds, of what has had time to come to rest."""
    time.sleep(IDLE_S)
    return accounting.resident_mib(session), accounting.peak_mib(session), accounting.cpu_seconds(session) * 1e3


def shell(program: str, folder: str) -> tuple[float, float, float]:
    """The same of our shell, which waits for the next statement; its CPU time is not that of a start, and is left out."""
    ours, its = pty.openpty()
    environment = {**os.environ, "TERM": "dumb"}
    process = subprocess.Popen(
        [program, "sql", "--output", "json"], stdin=its, stdout=its, stderr=its, start_new_session=True, cwd=folder, env=environment
    )
    os.close(its)
    try:
        os.write(ours, b"select 1;\n")
        seen = b""
        until = time.monotonic() + SHELL_S
        while b"[[1]]" not in seen:
            if time.monotonic() > until or process.poll() is not None:
                raise RuntimeError(f"the shell answered {seen!r}")
            if select.select([ours], [], [], IDLE_S)[0]:
                seen += os.read(ours, 4096)
        idle, peak, _ = idling(process.pid)
        return idle, peak, 0.0
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def first_epoch_ms(binaries: Path) -> float:
    """From the start of a process to a stream's first epoch, its record synced, its rows in the sink: then `job runs` prints."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        command = [str(binaries / "job"), "--dir", folder, "runs", "--runs", "1"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        took = (time.perf_counter() - began) * 1e3
    if done.returncode != 0 or "after 1 runs" not in done.stdout:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {last_line(done.stderr)}")
    return took


def measure(binaries: Path, pythons: Mapping[str, Path], missing: Mapping[str, str], rounds: int) -> dict[str, Any]:
    """Starts in turns, after one of each that is not counted."""
    there = commands(binaries, pythons)
    why = dict(missing)
    if OURS not in there:
        why[OURS] = f"there is no {binaries / 'tidemill'}: cargo build --release --workspace --bins"
    starts: dict[str, list[Start]] = {name: [] for name in there}
    epochs: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds + 1):
            for name in rotated(list(starts), number):
                try:
                    start = one(name, there[name], folder)
                except (OSError, RuntimeError) as error:
                    why[name] = str(error)
                    del starts[name]
                    continue
                if number > 0:
                    starts[name].append(start)
    if (binaries / "job").exists():
        epochs = [first_epoch_ms(binaries) for _ in range(rounds + 1)][1:]
    else:
        why["first epoch"] = f"there is no {binaries / 'job'}: cargo build --release --workspace --bins"
    return {
        "what": "start",
        "rounds": rounds,
        "engines": {name: _summary(each) for name, each in starts.items() if each},
        "first_epoch_ms": {"median": statistics.median(epochs), "least": min(epochs), "most": max(epochs)} if epochs else None,
        "not_measured": why,
    }


def _summary(starts: list[Start]) -> dict[str, float]:
    rows = [start.first_row_ms for start in starts]
    return {
        "first_row_ms": statistics.median(rows),
        "least_ms": min(rows),
        "most_ms": max(rows),
        "cpu_ms": statistics.median(start.cpu_ms for start in starts),
        "idle_mib": statistics.median(start.idle_mib for start in starts),
        "peak_mib": max(start.peak_mib for start in starts),
    }


def text(said: dict[str, Any]) -> str:
    """The table."""
    lines = [
        f"{'process start to the first row':<32} {'median ms':>9} {'least':>8} {'most':>8} {'CPU ms':>8} {'idle MiB':>9} {'peak MiB':>9}"
    ]
    for name, one_engine in said["engines"].items():
        shown = f"{name} alone, `print(1)`" if name == FLOOR else name
        lines.append(
            f"{shown:<32} {one_engine['first_row_ms']:>9.1f} {one_engine['least_ms']:>8.1f} {one_engine['most_ms']:>8.1f} "
            f"{one_engine['cpu_ms']:>8.1f} {one_engine['idle_mib']:>9.1f} {one_engine['peak_mib']:>9.1f}"
        )
    if said["first_epoch_ms"]:
        epoch = said["first_epoch_ms"]
        lines.append(f"{OURS + ', to the first epoch visible':<32} {epoch['median']:>9.1f} {epoch['least']:>8.1f} {epoch['most']:>8.1f}")
    lines.append(
        f"{said['rounds']} starts each, in turns; CPU is the whole process's; our idle memory is the shell's after its first answer"
    )
    return "\n".join(lines + [f"{name} not measured: {why}" for name, why in said["not_measured"].items()])
