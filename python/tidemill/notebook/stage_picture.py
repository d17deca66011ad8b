"""A graph of stages as a picture: boxes in layers, rows flowing down, as inline SVG.

```text
   ┌ Stage 0 · 4 tasks ┐  ┌ Stage 1 · 4 tasks ┐     a layer: stages whose inputs are all above
   │ → hash(k) into 4  │  │ → hash(k) into 4  │
   └────────┬──────────┘  └─────────┬─────────┘
            └──────────┬────────────┘
            ┌ Stage 2 · 4 tasks ┐
```
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tidemill.notebook.markup import cut, in_box, text

__all__ = ["layers", "stage_picture"]

_MOST_STAGES = 60
_MOST_OPERATORS = 14
# Characters of a line: their width is that of the font, about.
_LINE = 46
_WIDTH = 344
_ROW = 17
_HEAD = 26
_BESIDE, _BELOW = 28, 46

_STYLE = (
    ".tidemill.stages{overflow-x:auto}"
    # A little smaller than drawn is still read; what is wider yet is scrolled.
    ".tidemill.stages svg{display:block;width:100%;height:auto}"
    ".tidemill.stages text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:var(--soft)}"
    ".tidemill.stages .name{fill:var(--fg);font-weight:600}.tidemill.stages .stage{font-family:system-ui,sans-serif}"
    ".tidemill.stages .read{fill:var(--a)}"
    ".tidemill.stages .box{fill:var(--back);stroke:var(--line)}.tidemill.stages .head{fill:var(--well)}"
    ".tidemill.stages .root{stroke:var(--good);stroke-width:1.5}"
    ".tidemill.stages .edge{fill:none;stroke:var(--soft);stroke-width:1.3}.tidemill.stages .tip{fill:var(--soft)}"
    ".tidemill.stages p{margin:4px 0 0;color:var(--soft);font-size:12px}"
)


@dataclass
class _Box:
    """A stage, and where it stands."""

    stage: Mapping[str, Any]
    lines: list[tuple[int, str]]
    layer: int = 0
    x: float = 0.0
    y: float = 0.0
    inputs: list[int] = field(default_factory=list)

    @property
    def height(self) -> float:
        lines = min(len(self.lines), _MOST_OPERATORS + 1) + (1 if self.stage.get("output") else 0)
        return _HEAD + 8 + _ROW * lines


def layers(stages: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """The layer of each stage: 0 for one that reads no other, else below the lowest of its inputs. Inputs that are not there, or that
    come after their reader, count for nothing."""
    found: dict[int, int] = {}
    for stage in stages:
        found[stage["id"]] = max((found[each] + 1 for each in stage.get("inputs") or () if each in found), default=0)
    return found


def _flow(operators: Sequence[str]) -> list[tuple[int, str]]:
    """The operators in the order in which rows pass them: what an operator reads above it, with the depth of each."""
    found: list[tuple[int, str]] = []
    # The operators whose inputs may still follow, outermost first.
    above: list[tuple[int, str]] = []
    for line in operators:
        depth = (len(line) - len(line.lstrip(" "))) // 2
        while above and above[-1][0] >= depth:
            found.append(above.pop())
        above.append((depth, line.strip()))
    return found + above[::-1]


def _placed(graph: Mapping[str, Any]) -> list[_Box]:
    stages = graph["stages"][:_MOST_STAGES]
    layer = layers(stages)
    boxes = {stage["id"]: _Box(stage, _flow(stage.get("operators") or ()), layer[stage["id"]]) for stage in stages}
    for box in boxes.values():
        box.inputs = [each for each in box.stage.get("inputs") or () if each in boxes and boxes[each].layer < box.layer]
    rows: list[list[_Box]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for box in boxes.values():
        rows[box.layer].append(box)
    _ordered(rows, boxes)
    widest = max((len(row) for row in rows), default=0) * (_WIDTH + _BESIDE) - _BESIDE
    y = 2.0
    for row in rows:
        x = 2 + (widest - (len(row) * (_WIDTH + _BESIDE) - _BESIDE)) / 2
        for box in row:
            box.x, box.y = x, y
            x += _WIDTH + _BESIDE
            # The leftmost input comes in leftmost.
            box.inputs.sort(key=lambda each: boxes[each].x)
        y += max(box.height for box in row) + _BELOW
    return list(boxes.values())


def _ordered(rows: list[list[_Box]], boxes: Mapping[int, _Box]) -> None:
    """Puts the stages of a layer into an order in which few lines cross: each below the middle of its inputs, then each above the middle
    of its readers, a few times."""
    readers: dict[int, list[int]] = {}
    for box in boxes.values():
        for each in box.inputs:
            readers.setdefault(each, []).append(box.stage["id"])
    place = {box.stage["id"]: at / max(1, len(row)) for row in rows for at, box in enumerate(row)}

    def settle(row: list[_Box], beside: Mapping[int, Sequence[int]]) -> None:
        middle = lambda box: (
            sum(place[each] for each in near) / len(near) if (near := beside.get(box.stage["id"])) else place[box.stage["id"]]
        )
        row.sort(key=middle)
        place.update((box.stage["id"], (at + 0.5) / len(row)) for at, box in enumerate(row))

    inputs = {number: box.inputs for number, box in boxes.items()}
    for _ in range(4):
        for row in rows:
            settle(row, inputs)
        for row in reversed(rows):
            settle(row, readers)


def stage_picture(graph: Mapping[str, Any]) -> str:
    """The picture of `{"stages": [{"id", "tasks", "inputs", "output", "operators"}, …], "roots": […]}` as HTML."""
    boxes = _placed(graph)
    roots = set(graph.get("roots") or ())
    by_id = {box.stage["id"]: box for box in boxes}
    width = max((box.x + _WIDTH for box in boxes), default=0) + 2
    height = max((box.y + box.height for box in boxes), default=0) + 2
    edges = "".join(_edge(by_id[each], box) for box in boxes for each in box.inputs)
    drawn = edges + "".join(_box(box, box.stage["id"] in roots) for box in boxes)
    left_out = len(graph["stages"]) - len(boxes)
    note = f"<p>the first {len(boxes)} of {len(graph['stages']):,} stages</p>" if left_out else ""
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" style="max-width:{width:.0f}px;min-width:{width * 0.65:.0f}px"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>{len(boxes)} stages</title>{drawn}</svg>'
    return in_box("stages", _STYLE, svg + note)


def _ends(above: _Box, below: _Box) -> tuple[float, float, float, float]:
    """Where a line begins and ends; the lines into a box come in side by side."""
    at = (below.inputs.index(above.stage["id"]) + 1) / (len(below.inputs) + 1)
    # The leftmost input comes in leftmost.
    return above.x + _WIDTH / 2, above.y + above.height, below.x + _WIDTH * at, below.y


def _edge(above: _Box, below: _Box) -> str:
    x, y, to_x, to_y = _ends(above, below)
    bend = max(24.0, (to_y - y) / 2)
    path = f"M{x:.0f} {y:.0f}C{x:.0f} {y + bend:.0f} {to_x:.0f} {to_y - bend:.0f} {to_x:.0f} {to_y - 6:.0f}"
    tip = f"M{to_x - 4:.0f} {to_y - 7:.0f}h8l-4 7z"
    return f'<path class="edge" d="{path}"/><path class="tip" d="{tip}"/>'


def _box(box: _Box, is_root: bool) -> str:
    tasks = box.stage.get("tasks")
    count = "" if tasks is None else f" · {text(tasks, 12)} task{'' if tasks == 1 else 's'}"
    x, y = box.x, box.y
    lines = box.lines
    if len(lines) > _MOST_OPERATORS + 1:
        # The ends say what is read and what comes out.
        half = _MOST_OPERATORS // 2
        lines = [*lines[:half], (0, f"… {len(lines) - 2 * half} more"), *lines[-half:]]
    shown = "".join(_operator(depth, line, x, y + _HEAD + 17 + at * _ROW) for at, (depth, line) in enumerate(lines))
    if output := box.stage.get("output"):
        whole = f"<title>{text(output, 2000)}</title>"
        shown += f'<text x="{x + 10:.0f}" y="{y + _HEAD + 17 + len(lines) * _ROW:.0f}">→ {text(_plain(output), _LINE - 3)}{whole}</text>'
    return (
        f'<g><rect class="box{" root" if is_root else ""}" x="{x:.0f}" y="{y:.0f}" width="{_WIDTH}" height="{box.height:.0f}" rx="6"/>'
        f'<path class="head" d="M{x + 1:.0f} {y + _HEAD:.0f}v-{_HEAD - 6}q0 -5 5 -5h{_WIDTH - 12}q5 0 5 5v{_HEAD - 6}z"/>'
        f'<text class="stage" x="{x + 10:.0f}" y="{y + 17:.0f}"><tspan class="name">Stage {text(box.stage["id"], 12)}</tspan>'
        f"{count}{' · result' if is_root else ''}</text>{shown}</g>"
    )


def _plain(detail: str) -> str:
    """Without the columns' places, which the tooltip has."""
    return re.sub(r"@\d+", "", detail)


def _operator(depth: int, line: str, x: float, y: float) -> str:
    name, _, detail = line.partition(": ")
    name = name.removesuffix("Exec")
    kind = "name"
    if name == "StageRead":
        number = detail.removeprefix("stage=").partition(",")[0]
        name, detail, kind = f"← stage {number}", "", "name read"
    left = 10 + 7 * min(depth, 8)
    room = _LINE - (left - 10) // 7 - 1
    name = cut(name, room)
    rest = cut(_plain(detail), room - len(name) - 1) if detail and room - len(name) > 4 else ""
    whole = f"<title>{text(line, 2000)}</title>"
    return f'<text x="{x + left:.0f}" y="{y:.0f}"><tspan class="{kind}">{text(name)}</tspan> {text(rest)}{whole}</text>'
