"""How far an action is, stage by stage: events of the engine go in, a line of text or HTML comes out.

An event is a list of `(stage, tasks done, all tasks, rows so far)`, a stage each, in the order of their numbers; rows are those that the
stage has written. `ProgressDisplay` is what the engine calls with them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from tidemill.notebook.markup import as_count, in_box

__all__ = ["ProgressDisplay", "StageProgress", "progress_html", "progress_text"]

StageProgress = tuple[int, int, int, int]

_MOST_STAGES = 12

_STYLE = (
    ".tidemill.progress{display:grid;grid-template-columns:max-content minmax(80px,320px) max-content;gap:3px 12px;align-items:center;"
    "font-size:12px;font-variant-numeric:tabular-nums}"
    ".tidemill.progress p{margin:0;color:var(--soft);grid-column:1/-1}"
    ".tidemill.progress div{height:8px;border-radius:4px;background:var(--well);box-shadow:inset 0 0 0 1px var(--line);overflow:hidden}"
    ".tidemill.progress i{display:block;height:100%;background:var(--a)}.tidemill.progress i.done{background:var(--good)}"
    ".tidemill.progress small{color:var(--soft);font-size:12px}"
)


def _share(done: int, tasks: int) -> float:
    return min(1.0, max(0.0, done / tasks)) if tasks > 0 else 0.0


def _at_work(stages: Sequence[StageProgress]) -> tuple[list[StageProgress], int]:
    """The stages that are shown, and how many are not: of many, those that are done first go."""
    if len(stages) <= _MOST_STAGES:
        return list(stages), 0
    open_first = sorted(stages, key=lambda each: (each[1] >= each[2], each[0]))
    return sorted(open_first[:_MOST_STAGES]), len(stages) - _MOST_STAGES


def progress_text(stages: Sequence[StageProgress], width: int = 80) -> str:
    """A line: of each stage that is at work, its bar. Empty when none is."""
    working = [each for each in stages if each[1] < each[2]]
    if not working:
        return ""
    # What does not fit is at the right, where later stages wait for these.
    fitting = working[: max(1, width // 34)]
    room = width // len(fitting)
    line = ""
    for stage, done, tasks, rows in fitting:
        head, tail = f"[Stage {stage}:", f" {done}/{tasks} tasks, {as_count(rows)} rows]"
        bar = max(3, room - len(head) - len(tail) - 1)
        full = int(bar * _share(done, tasks))
        line += head + ("=" * full + ">" + " " * bar)[:bar] + tail + " "
    return line.rstrip(" ")[: max(width, 1)]


def progress_html(stages: Sequence[StageProgress]) -> str:
    """A bar for each stage."""
    shown, more = _at_work(stages)
    done = sum(each[1] for each in stages)
    tasks = sum(each[2] for each in stages)
    parts = [f"<p>{done:,} of {tasks:,} tasks</p>"]
    for stage, finished, of, rows in shown:
        share = _share(finished, of)
        colour = ' class="done"' if share >= 1 else ""
        parts.append(
            f'<span>Stage {stage}</span><div><i{colour} style="width:{share:.1%}"></i></div>'
            f"<small>{finished:,} / {of:,} tasks · {as_count(rows)} rows</small>"
        )
    if more:
        parts.append(f"<p>and {more} more stages</p>")
    return in_box("progress", _STYLE, "".join(parts))


class ProgressDisplay:
    """Shows how far actions are, and takes it away when they end. The engine calls it, on the thread that waits for the action:
    `display(action, stages)` while the action runs, `display(action, None)` when it has ended, however that was."""

    def __init__(self, show: Callable[[str], Any] | None = None, stream: TextIO | None = None) -> None:
        """`show` shows HTML and gives a handle with `update(html)`; without it, a line goes to `stream`."""
        self._show, self._stream = show, stream if stream is not None else sys.stderr
        self._handles: dict[int, Any] = {}
        self._length = 0

    def __call__(self, action: int, stages: Sequence[StageProgress] | None) -> None:
        """What the engine calls."""
        if self._show is None:
            self._write(progress_text(stages) if stages else "")
        elif stages is None:
            if handle := self._handles.pop(action, None):
                handle.update("")
        elif handle := self._handles.get(action):
            handle.update(progress_html(stages))
        else:
            self._handles[action] = self._show(progress_html(stages))

    def _write(self, line: str) -> None:
        """A line over the one before."""
        if line or self._length:
            self._stream.write("\r" + line.ljust(self._length) + ("" if line else "\r"))
            self._stream.flush()
        self._length = len(line)
