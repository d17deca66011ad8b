"""What the kernel says that a session of processes has used: CPU time and memory, from /proc. A worker and all that it starts (a JVM, a
server) are one session, so that an engine is charged for all of its processes."""

from __future__ import annotations

import os
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")


def processes(session: int) -> list[int]:
    """The live processes of a session."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if os.getsid(int(entry)) == session:
                    found.append(int(entry))
            except OSError:
                # It has ended meanwhile.
                continue
    return found


def cpu_of(stat: str) -> float:
    """CPU seconds of a process and of its children that have ended, from the text of its `stat`."""
    # The second field, the name in parentheses, may hold blanks: count from behind it.
    fields = stat.rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) * TICK


def memory_of(status: str, field: str) -> float:
    """MiB that a field of `status` names; 0 where it is not there, as of a process that has ended."""
    for line in status.splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _read(pid: int, file: str) -> str:
    try:
        return Path("/proc", str(pid), file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def cpu_seconds(session: int) -> float:
    """CPU time of a session so far."""
    return sum(cpu_of(stat) for pid in processes(session) if (stat := _read(pid, "stat")))


def peak_mib(session: int) -> float:
    """The most that each process of a session has had resident, added up."""
    return sum(memory_of(_read(pid, "status"), "VmHWM") for pid in processes(session))


def resident_mib(session: int) -> float:
    """What the processes of a session have resident now."""
    return sum(memory_of(_read(pid, "status"), "VmRSS") for pid in processes(session))
