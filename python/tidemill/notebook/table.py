"""The first rows of a DataFrame as an HTML table, cells as `show` has them. `df._repr_html_` is here, by PySpark's settings
`spark.sql.repl.eagerEval.*`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidemill.notebook.markup import in_box, text
from tidemill.sql.types import NumericType

if TYPE_CHECKING:
    from tidemill.sql.conf import RuntimeConfig
    from tidemill.sql.dataframe import DataFrame

__all__ = ["eager_rows", "eager_text", "repr_html", "table"]

# What a page bears, whatever the settings say.
_MOST_COLUMNS = 200
_MOST_CELLS = 50_000
_MOST_CHARACTERS = 5_000
_MOST_NAME = 100

_STYLE = (
    ".tidemill.rows{overflow-x:auto}"
    ".tidemill.rows table{border-collapse:collapse;margin:0;color:inherit;font-size:12px;table-layout:auto}"
    ".tidemill.rows :is(th,td){border:1px solid var(--line);padding:3px 8px;text-align:left;white-space:pre-wrap;"
    "max-width:60ch;overflow-wrap:anywhere;vertical-align:top;unicode-bidi:isolate}"
    ".tidemill.rows th{background:var(--well);font-weight:600;white-space:pre;overflow-wrap:normal}"
    ".tidemill.rows td{background:var(--back)}"
    ".tidemill.rows .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".tidemill.rows p{margin:4px 0 0;color:var(--soft);font-size:12px}"
)


class Eager(NamedTuple):
    """How many rows a DataFrame shows of itself, and where it cuts their cells."""

    rows: int
    truncate: int


def eager_rows(conf: RuntimeConfig) -> Eager:
    """The settings, with PySpark's defaults."""

    def whole(name: str) -> int:
        said = conf.get(f"spark.sql.repl.eagerEval.{name}", "20")
        return int(said if said is not None else 20)

    return Eager(max(0, whole("maxNumRows")), max(0, whole("truncate")))


def _is_eager(frame: DataFrame) -> bool:
    said = frame.sparkSession.conf.get("spark.sql.repl.eagerEval.enabled", "false")
    # A stream has no first rows before a query runs.
    return str(said).strip().lower() == "true" and not frame.isStreaming


def eager_text(frame: DataFrame) -> str | None:
    """What `repr` shows when `spark.sql.repl.eagerEval.enabled` is true: the grid of `show`."""
    if not _is_eager(frame):
        return None
    rows, truncate = eager_rows(frame.sparkSession.conf)
    return frame._shown(rows, truncate, False)


def repr_html(frame: DataFrame) -> str | None:
    """The table when `spark.sql.repl.eagerEval.enabled` is true; else None, and a notebook shows the line of the schema."""
    return table(frame, *eager_rows(frame.sparkSession.conf)) if _is_eager(frame) else None


def table(frame: DataFrame, rows: int = 20, truncate: int = 20) -> str:
    """The first rows as HTML. Cells are cut at `truncate` characters, 0 for as many as a page bears."""
    fields = frame.schema.fields
    shown = fields[:_MOST_COLUMNS]
    rows = min(rows, _MOST_CELLS // max(1, len(shown)))
    cells, more = _cells(frame, len(fields), len(shown), rows, min(truncate or _MOST_CHARACTERS, _MOST_CHARACTERS))
    side = [' class="n"' if isinstance(field.dataType, NumericType) else "" for field in shown]
    head = "".join(f"<th{at}>{text(field.name, _MOST_NAME)}</th>" for at, field in zip(side, shown))
    body = "".join(
        "<tr>" + "".join(f"<td{at}>{text(cell, _MOST_CHARACTERS)}</td>" for at, cell in zip(side, row)) + "</tr>" for row in cells
    )
    notes = []
    if more:
        notes.append(f"only showing top {len(cells)} row{'' if len(cells) == 1 else 's'}")
    if len(shown) < len(fields):
        notes.append(f"{len(shown)} of {len(fields):,} columns")
    note = f"<p>{'; '.join(notes)}</p>" if notes else ""
    return in_box("rows", _STYLE, f'<table border="1"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}')


def _cells(frame: DataFrame, width: int, columns: int, rows: int, truncate: int) -> tuple[list[list[str]], bool]:
    """The cells as the engine shows them, and whether there are more rows. Its vertical form has a cell per line, below a line per row;
    with names of one length the cell begins at the same place in each."""
    if not columns:
        return [], False
    names = [f"c{place:07d}" for place in range(width)]
    lines = frame.toDF(*names).select(*names[:columns])._shown(rows, truncate, True).split("\n")
    begin = len(f" {names[0]} | ")
    found = [[line[begin:].rstrip(" ") for line in lines[at + 1 : at + 1 + columns]] for at in _records(lines, columns)]
    return found, any(line.startswith("only showing top") for line in lines[len(found) * (columns + 1) :])


def _records(lines: list[str], columns: int) -> list[int]:
    """Where each row begins."""
    places, at = [], 0
    while at < len(lines) and lines[at].startswith("-RECORD "):
        places.append(at)
        at += columns + 1
    return places
