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
_MOST_BOXES = 400
_MOST_OPERATORS = 14
# Characters of a line: their width is that of the font, about.
_LINE = 46
_WIDTH = 344
_GAP = 12
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
    ".tidemill.stages :is(.edge,.way){fill:none;stroke:var(--soft);stroke-width:1.3}.tidemill.stages .tip{fill:var(--soft)}"
    ".tidemill.stages p{margin:4px 0 0;color:var(--soft);font-size:12px}"
)


@dataclass
class _Box:
    """What stands in a layer: a stage, or a gap for a line on its way to a lower layer."""

    key: Any
    layer: int
    # None of a gap.
    stage: Mapping[str, Any] | None = None
    lines: list[tuple[int, str]] = field(default_factory=list)
    # What its lines come from, in the layer above.
    above: list[Any] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0
    width: float = _GAP
    height: float = 0.0


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


def _of_stage(stage: Mapping[str, Any], layer: int) -> _Box:
    lines = _flow(stage.get("operators") or ())
    many = min(len(lines), _MOST_OPERATORS + 1) + (1 if stage.get("output") else 0)
    return _Box(stage["id"], layer, stage, lines, width=_WIDTH, height=_HEAD + 8 + _ROW * many)


def _placed(graph: Mapping[str, Any]) -> dict[Any, _Box]:
    stages = graph["stages"][:_MOST_STAGES]
    layer = layers(stages)
    boxes = {stage["id"]: _of_stage(stage, layer[stage["id"]]) for stage in stages}
    for stage in stages:
        box = boxes[stage["id"]]
        for each in stage.get("inputs") or ():
            if each in layer and layer[each] < box.layer:
                # A line passes the layers between by gaps, not behind their boxes.
                before = each
                # Beyond a picture that anyone reads, they may pass behind.
                for between in range(layer[each] + 1, box.layer if len(boxes) < _MOST_BOXES else 0):
                    gap = _Box((each, box.key, between), between, above=[before])
                    before = boxes.setdefault(gap.key, gap).key
                box.above.append(before)
    rows: list[list[_Box]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for box in boxes.values():
        rows[box.layer].append(box)
    _ordered(rows, boxes)
    wide = [sum(box.width + _BESIDE for box in row) - _BESIDE for row in rows]
    y = 2.0
    for row, width in zip(rows, wide):
        x = 2 + (max(wide) - width) / 2
        tall = max(box.height for box in row)
        for box in row:
            box.x, box.y = x, y
            if box.stage is None:
                box.height = tall
            x += box.width + _BESIDE
            # The leftmost input comes in leftmost.
            box.above.sort(key=lambda each: boxes[each].x)
        y += tall + _BELOW
    return boxes


def _ordered(rows: list[list[_Box]], boxes: Mapping[Any, _Box]) -> None:
    """Puts the boxes of a layer into an order in which few lines cross: each below the middle of what is above it, then each above the
    middle of what is below it, a few times."""
    above = {key: box.above for key, box in boxes.items()}
    below: dict[Any, list[Any]] = {}
    for key, upper in above.items():
        for each in upper:
            below.setdefault(each, []).append(key)
    place = {box.key: (at + 0.5) / len(row) for row in rows for at, box in enumerate(row)}

    def settle(row: list[_Box], beside: Mapping[Any, Sequence[Any]]) -> None:
        def middle(box: _Box) -> float:
            near = beside.get(box.key)
            return sum(place[each] for each in near) / len(near) if near else place[box.key]

        row.sort(key=middle)
        place.update((box.key, (at + 0.5) / len(row)) for at, box in enumerate(row))

    for _ in range(4):
        for row in rows:
            settle(row, above)
        for row in reversed(rows):
            settle(row, below)


def stage_picture(graph: Mapping[str, Any]) -> str:
    """The picture of `{"stages": [{"id", "tasks", "inputs", "output", "operators"}, …], "roots": […]}` as HTML."""
    boxes = _placed(graph)
    roots = set(graph.get("roots") or ())
    stages = [box for box in boxes.values() if box.stage is not None]
    width = max((box.x + box.width for box in boxes.values()), default=0) + 2
    height = max((box.y + box.height for box in boxes.values()), default=0) + 2
    lines = "".join(_line(boxes[each], box) for box in boxes.values() for each in box.above)
    drawn = lines + "".join(_box(box, box.stage, box.key in roots) for box in stages if box.stage is not None)
    left_out = len(graph["stages"]) - len(stages)
    note = f"<p>the first {len(stages)} of {len(graph['stages']):,} stages</p>" if left_out else ""
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" style="max-width:{width:.0f}px;min-width:{width * 0.65:.0f}px"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>{len(stages)} stages</title>{drawn}</svg>'
    return in_box("stages", _STYLE, svg + note)


def _line(upper: _Box, box: _Box) -> str:
    """The line from a box into one of the layer below; through a gap it goes on to the gap's end."""
    x, y = upper.x + upper.width / 2, upper.y + upper.height
    # Lines into a box come in side by side.
    to_x = box.x + box.width * (box.above.index(upper.key) + 1) / (len(box.above) + 1)
    bend = max(24.0, (box.y - y) / 2)
    end = box.y if box.stage is None else box.y - 6
    path = f"M{x:.0f} {y:.0f}C{x:.0f} {y + bend:.0f} {to_x:.0f} {box.y - bend:.0f} {to_x:.0f} {end:.0f}"
    if box.stage is None:
        return f'<path class="way" d="{path}V{box.y + box.height:.0f}"/>'
    return f'<path class="edge" d="{path}"/><path class="tip" d="M{to_x - 4:.0f} {box.y - 7:.0f}h8l-4 7z"/>'


def _box(box: _Box, stage: Mapping[str, Any], is_root: bool) -> str:
    tasks = stage.get("tasks")
    count = "" if tasks is None else f" · {text(tasks, 12)} task{'' if tasks == 1 else 's'}"
    x, y = box.x, box.y
    lines = box.lines
    if len(lines) > _MOST_OPERATORS + 1:
        # The ends say what is read and what comes out.
        half = _MOST_OPERATORS // 2
        lines = [*lines[:half], (0, f"… {len(lines) - 2 * half} more"), *lines[-half:]]
    shown = "".join(_operator(depth, line, x, y + _HEAD + 17 + at * _ROW) for at, (depth, line) in enumerate(lines))
    if output := stage.get("output"):
        whole = f"<title>{text(output, 2000)}</title>"
        shown += f'<text x="{x + 10:.0f}" y="{y + _HEAD + 17 + len(lines) * _ROW:.0f}">→ {text(_plain(output), _LINE - 3)}{whole}</text>'
    return (
        f'<g><rect class="box{" root" if is_root else ""}" x="{x:.0f}" y="{y:.0f}" width="{_WIDTH}" height="{box.height:.0f}" rx="6"/>'
        f'<path class="head" d="M{x + 1:.0f} {y + _HEAD:.0f}v-{_HEAD - 6}q0 -5 5 -5h{_WIDTH - 12}q5 0 5 5v{_HEAD - 6}z"/>'
        f'<text class="stage" x="{x + 10:.0f}" y="{y + 17:.0f}"><tspan class="name">Stage {text(stage["id"], 12)}</tspan>'
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
