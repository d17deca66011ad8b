"""One pass: an engine answers queries in a process of its own, which is watched for time and memory. A query that ends the process is
reported, and the others go on in another one."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

import accounting
from venvs import last_line

LOOKS_S = 0.2
SECONDS_TO_END = 60
OVER = "the budget was used up"


@dataclass
class Answer:
    """What an engine said of one query: how it went, or why it did not."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mib: int = 0
    rows: list[list[Any]] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    error: str | None = None


@dataclass
class Pass:
    """What an engine said in one pass; by query, of each as many as it was run."""

    answers: dict[int, list[Answer]] = field(default_factory=dict)
    # Its version and settings.
    head: dict[str, Any] = field(default_factory=dict)
    # Why nothing was measured.
    why: str | None = None


@dataclass
class Bounds:
    """How much a pass may take."""

    # Seconds of one query.
    query_s: float
    # MiB resident, of all its processes.
    memory_mib: float
    # On the monotonic clock, for the whole series.
    until: float
    # Seconds until an engine is there.
    start_s: float = 300


def parsed(line: str) -> tuple[int | None, dict[str, Any]] | None:
    """A worker's line: a query's number and its answer, or no number and its head; None for what else a library prints."""
    try:
        said = json.loads(line)
    except json.JSONDecodeError:
        return None
    if not isinstance(said, dict):
        return None
    if isinstance(said.get("query"), int):
        return said.pop("query"), said
    return (None, said) if "engine" in said else None


def run(command: Callable[[Sequence[int]], list[str]], numbers: Sequence[int], bounds: Bounds, environment: Mapping[str, str]) -> Pass:
    """The queries of these numbers, by as many processes as it takes."""
    result, left = Pass(), list(numbers)
    while left:
        if time.monotonic() >= bounds.until:
            result.answers |= {number: [Answer(error=OVER)] for number in left}
            return result
        began, why = _process(command(left), result, bounds, environment)
        left = [number for number in left if number not in result.answers]
        if not began:
            result.why = why
            return result
        if left:
            result.answers[left.pop(0)] = [Answer(error=why)]
    return result


def _process(command: list[str], result: Pass, bounds: Bounds, environment: Mapping[str, str]) -> tuple[bool, str]:
    """One process; whether it said anything, and why it ended."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, **environment},
        )
    except OSError as error:
        return False, str(error)
    try:
        return _watched(process, result, bounds)
    finally:
        # What is still there of it, such as a server, ends with it; so does all of it with this program.
        _end(process.pid)
        process.wait()


def _watched(process: subprocess.Popen[str], result: Pass, bounds: Bounds) -> tuple[bool, str]:
    """Reads what a process says until it ends, or has to."""
    assert process.stdout is not None and process.stderr is not None
    lines: queue.Queue[str | None] = queue.Queue()
    complaints: list[str] = []
    readers = [
        threading.Thread(target=_read, args=(process.stdout, lines.put, lambda: lines.put(None)), daemon=True),
        threading.Thread(target=_read, args=(process.stderr, complaints.append, lambda: None), daemon=True),
    ]
    for reader in readers:
        reader.start()
    began, stopped, last = False, None, time.monotonic()
    while True:
        try:
            line = lines.get(timeout=LOOKS_S)
        except queue.Empty:
            stopped = stopped or _too_much(process.pid, began, last, bounds)
            # What it started may outlive it, and hold its output.
            if stopped or process.poll() is not None:
                _end(process.pid)
            continue
        if line is None:
            break
        said = parsed(line)
        if said is None:
            continue
        began, last = True, time.monotonic()
        if said[0] is None:
            result.head = said[1]
        else:
            result.answers.setdefault(said[0], []).append(Answer(**said[1]))
    try:
        process.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        stopped = stopped or f"it did not end {SECONDS_TO_END} s after its last word"
    _end(process.pid)
    code = process.wait()
    for reader in readers:
        reader.join()
    return began, stopped or f"the process ended with {code}: {last_line(''.join(complaints))}"


def _read(stream: IO[str], each: Callable[[str], None], end: Callable[[], None]) -> None:
    for line in stream:
        each(line)
    end()


def _too_much(session: int, began: bool, last: float, bounds: Bounds) -> str | None:
    """Why a pass must be stopped now."""
    now = time.monotonic()
    if now >= bounds.until:
        return OVER
    most = bounds.query_s if began else bounds.start_s
    if now - last > most:
        return f"stopped after {most:g} s" if began else f"it has not begun after {most:g} s"
    resident = accounting.resident_mib(session)
    return f"stopped with {resident:.0f} MiB resident" if resident > bounds.memory_mib else None


def _end(session: int) -> None:
    """Ends what is left of a session that this program started."""
    for pid in accounting.processes(session):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
