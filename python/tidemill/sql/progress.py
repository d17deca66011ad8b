"""How far batch queries are, as handlers of a session are told it: the names are Spark Connect's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["ProgressHandler", "StageInfo", "told_as_in_spark"]


@dataclass(frozen=True)
class StageInfo:
    """How far a stage is. How many bytes it has read is not counted: the rows that it has written are, which Spark does not tell."""

    stage_id: int
    num_tasks: int
    num_completed_tasks: int
    num_bytes_read: int
    still_running: bool
    num_rows_written: int = 0


class ProgressHandler(Protocol):
    """What `registerProgressHandler` takes."""

    def __call__(self, *, stages: Iterable[StageInfo] | None, inflight_tasks: int, operation_id: str | None, done: bool) -> None: ...


def told_as_in_spark(handler: ProgressHandler) -> Callable[..., Any]:
    """A handler as the engine calls it: with `(number, all tasks, ended tasks, tasks that run, rows)` of each stage."""

    def told(stages: list[tuple[int, int, int, int, int]], inflight_tasks: int, operation_id: str, done: bool) -> None:
        infos = [StageInfo(number, tasks, ended, 0, running > 0 and not done, rows) for number, tasks, ended, running, rows in stages]
        handler(stages=infos, inflight_tasks=inflight_tasks, operation_id=operation_id, done=done)

    return told
