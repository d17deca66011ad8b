"""A streaming query as a card: how fast, what its epochs take, its watermark and state, and why it failed. Progress reports go in, HTML
comes out; `live` asks the query and shows the card anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.notebook.markup import as_bytes, as_count, as_duration, as_moment, in_box, moment_of, text
from tidemill.notebook.sparkline import bars, line

__all__ = ["stream_card"]

# The engine's phases of an epoch, in their order; without them, Spark's.
_OURS = (
    ("discover", "discoverMs"),
    ("promise", "promiseMs"),
    ("run", "runMs"),
    ("stage", "stageMs"),
    ("record", "recordMs"),
    ("publish", "publishMs"),
    ("settle", "settleMs"),
)
_SPARKS = (
    ("latest offset", "latestOffset"),
    ("get batch", "getBatch"),
    ("planning", "queryPlanning"),
    ("write ahead", "walCommit"),
    ("add batch", "addBatch"),
    ("commit", "commitOffsets"),
)
_MOST_LISTED = 5
_MOST_CHARACTERS = 2_000

_STYLE = (
    ".tidemill.stream{border:1px solid var(--line);border-radius:8px;background:var(--back);padding:10px 14px;max-width:760px;"
    "box-sizing:border-box}"
    ".tidemill.stream header{display:flex;flex-wrap:wrap;gap:4px 10px;align-items:baseline;margin-bottom:8px}"
    ".tidemill.stream b{font-weight:600;overflow-wrap:anywhere}"
    ".tidemill.stream :is(small,figcaption,.facts span){color:var(--soft);font-size:12px}"
    ".tidemill.stream .dot{width:9px;height:9px;border-radius:50%;display:inline-block;align-self:center;background:var(--soft)}"
    ".tidemill.stream .dot.running{background:var(--good)}.tidemill.stream .dot.failed{background:var(--bad)}"
    ".tidemill.stream .tiles{display:flex;flex-wrap:wrap;gap:12px 26px}"
    ".tidemill.stream figure{margin:0;max-width:160px}.tidemill.stream figure:last-child{max-width:100%}"
    ".tidemill.stream figure small{display:block;line-height:1.3;margin-top:2px}"
    ".tidemill.stream figure strong{display:block;font-size:18px;font-weight:600;line-height:1.3;font-variant-numeric:tabular-nums}"
    ".tidemill.stream svg{display:block;max-width:100%}"
    ".tidemill.stream .key{display:flex;flex-wrap:wrap;gap:0 12px;font-size:12px;margin-top:3px}"
    ".tidemill.stream .key i{display:inline-block;width:9px;height:9px;border-radius:2px;margin-right:5px}"
    ".tidemill.stream .facts{display:grid;grid-template-columns:max-content 1fr;gap:2px 12px;margin:10px 0 0;font-size:12px}"
    ".tidemill.stream .facts div{overflow-wrap:anywhere}"
    ".tidemill.stream pre{margin:0 0 10px;padding:8px 10px;border-left:3px solid var(--bad);background:var(--badwell);color:var(--fg);"
    "white-space:pre-wrap;overflow-wrap:anywhere;font-size:12px;max-height:16em;overflow-y:auto}"
)


def stream_card(
    progress: Sequence[Mapping[str, Any]],
    *,
    name: str | None = None,
    status: Mapping[str, Any] | None = None,
    active: bool = True,
    failure: str | None = None,
) -> str:
    """The card of a query: of `recentProgress` (oldest first), `status`, `isActive` and, if it failed, the message."""
    last: Mapping[str, Any] = progress[-1] if progress else {}
    failed = "" if failure is None else f"<pre>{text(failure, _MOST_CHARACTERS)}</pre>"
    parts = [_head(progress, last, name, status, active, failure), failed]
    if progress:
        parts += ['<div class="tiles">', _rates(progress), _state(progress), _watermark(progress), _phases(progress), "</div>"]
        parts.append(_facts(progress, last))
    return in_box("stream", _STYLE, "".join(parts))


def _head(
    progress: Sequence[Mapping[str, Any]],
    last: Mapping[str, Any],
    name: str | None,
    status: Mapping[str, Any] | None,
    active: bool,
    failure: str | None,
) -> str:
    state = "failed" if failure is not None else "running" if active else "stopped"
    title = name or last.get("name") or last.get("id") or "streaming query"
    said = [state]
    if active and failure is None and status and status.get("message"):
        said.append(text(status["message"]))
    if "batchId" in last:
        said.append(f"epoch {text(last['batchId'], 30)}")
    stamp = moment_of(last.get("timestamp"))
    if stamp:
        said.append(f"{as_moment(stamp)} UTC")
    elif not progress and failure is None:
        said.append("no epoch yet")
    return f'<header><span class="dot {state}"></span><b>{text(title, 80)}</b><small>{" · ".join(said)}</small></header>'


def _tile(title: str, value: str, picture: str, below: str = "") -> str:
    return f"<figure><figcaption>{title}</figcaption><strong>{value}</strong>{picture}{below}</figure>"


def _number(value: Any) -> float | None:
    """A figure of a report, or None for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if value - value == 0 else None


def _rates(progress: Sequence[Mapping[str, Any]]) -> str:
    drawn = ""
    for title, field, colour in (("rows in / s", "inputRowsPerSecond", "--a"), ("rows done / s", "processedRowsPerSecond", "--b")):
        rates = [_number(report.get(field)) for report in progress]
        known = [rate for rate in rates if rate is not None]
        said = f"{title}: most {as_count(max(known))}, least {as_count(min(known))}" if known else title
        # The first epoch has no rate, for there is no trigger before it.
        # An epoch without rows ends state, and is no news of the rate.
        busy = [rate for rate, report in zip(rates, progress) if report.get("numInputRows")]
        drawn += _tile(title, as_count((busy or rates)[-1]), line(busy or rates, said, colour))
    return drawn


def _phases(progress: Sequence[Mapping[str, Any]]) -> str:
    ours = any(report.get("tidemill") for report in progress)
    phases, home = (_OURS, "tidemill") if ours else (_SPARKS, "durationMs")
    columns, titles = [], []
    for report in progress:
        took = report.get(home) or {}
        columns.append([max(0.0, _number(took.get(field)) or 0.0) for _, field in phases])
        largest = ", ".join(f"{name} {as_duration(ms)}" for (name, _), ms in zip(phases, columns[-1]) if ms > 0)
        titles.append(f"epoch {report.get('batchId')}: {as_duration(sum(columns[-1]))} ({largest})")
    key = "".join(
        f'<span><i style="background:var(--p{place})"></i>{name}</span>'
        for place, (name, _) in enumerate(phases)
        if any(column[place] > 0 for column in columns)
    )
    took = _number(progress[-1].get("batchDuration"))
    spent = took if took is not None else sum(columns[-1])
    totals = sorted(sum(column) for column in columns)
    said = f"an epoch's time by phase: median {as_duration(totals[len(totals) // 2])}, most {as_duration(totals[-1])}"
    return _tile("epoch time by phase", as_duration(spent), bars(columns, titles, said, width=724), f'<div class="key">{key}</div>')


def _watermark(progress: Sequence[Mapping[str, Any]]) -> str:
    marks = [moment_of((report.get("eventTime") or {}).get("watermark")) for report in progress]
    if not any(marks):
        return ""
    # Before any event the watermark is the Unix epoch.
    at = [mark.timestamp() if mark and mark.timestamp() > 0 else None for mark in marks]
    known = [second for second in at if second is not None]
    if not known or at[-1] is None or not marks[-1]:
        return _tile("watermark", "none yet", "")
    newest = moment_of((progress[-1].get("eventTime") or {}).get("max"))
    behind = as_duration(max(0.0, newest.timestamp() - at[-1]) * 1000) if newest else ""
    below = f"<small>{marks[-1]:%Y-%m-%d}{f', {behind} behind the newest event' if behind else ''}</small>"
    picture = line([None if second is None else second - known[0] for second in at], "the watermark by epoch", "--good")
    return _tile("watermark", f"{marks[-1]:%H:%M:%S}", picture, below)


def _operators(report: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return report.get("stateOperators") or ()


def _sum(report: Mapping[str, Any], field: str) -> float:
    return sum(_number(operator.get(field)) or 0.0 for operator in _operators(report))


def _state(progress: Sequence[Mapping[str, Any]]) -> str:
    if not any(_operators(report) for report in progress):
        return ""
    rows = [_sum(report, "numRowsTotal") for report in progress]
    memory = _sum(progress[-1], "memoryUsedBytes")
    below = f"<small>{as_bytes(memory)} in memory</small>" if memory else ""
    return _tile("state rows", as_count(rows[-1]), line(rows, f"rows in state: most {as_count(max(rows))}", "--b"), below)


def _facts(progress: Sequence[Mapping[str, Any]], last: Mapping[str, Any]) -> str:
    facts: list[tuple[str, str]] = []
    total = sum(_number(report.get("numInputRows")) or 0.0 for report in progress)
    many = len(progress)
    facts.append(("rows read", f"{as_count(total)} in {'this epoch' if many == 1 else f'these {many} epochs'}"))
    dropped = sum(_sum(report, "numRowsDroppedByWatermark") for report in progress)
    if dropped:
        facts.append(("too late", f"{as_count(dropped)} rows dropped by the watermark"))
    side: dict[str, float] = {}
    for report in progress:
        for port, rows in ((report.get("tidemill") or {}).get("sideRows") or {}).items():
            side[port] = side.get(port, 0.0) + (_number(rows) or 0.0)
    if any(side.values()):
        listed = [f"{text(port, 60)} {as_count(rows)}" for port, rows in side.items() if rows]
        facts.append(("side rows", _listed(listed)))
    if len(_operators(last)) > 1:
        each = [f"{text(op.get('operatorName'), 60)} {as_count(_number(op.get('numRowsTotal')))}" for op in _operators(last)]
        facts.append(("state of", _listed(each)))
    facts += _ends(progress, last)
    # Not a list of definitions: notebooks have a style for that.
    return f'<div class="facts">{"".join(f"<span>{name}</span><div>{value}</div>" for name, value in facts)}</div>'


def _ends(progress: Sequence[Mapping[str, Any]], last: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Where the rows come from and go to."""
    facts = []
    if sources := [text(source.get("description"), 120) for source in last.get("sources") or ()]:
        facts.append(("from", _listed(sources, "<br>")))
    written: dict[str, float | None] = {}
    for report in progress:
        for sink in report.get("sinks") or ([report["sink"]] if report.get("sink") else []):
            rows = _number(sink.get("numOutputRows"))
            name = str(sink.get("description"))
            before = written.setdefault(name, None)
            # Spark says -1 where a sink does not count.
            if rows is not None and rows >= 0:
                written[name] = (before or 0.0) + rows
    if written:
        each = [text(name, 120) + ("" if rows is None else f": {as_count(rows)} rows") for name, rows in written.items()]
        facts.append(("into", _listed(each, "<br>")))
    return facts


def _listed(items: Sequence[str], between: str = ", ") -> str:
    rest = len(items) - _MOST_LISTED
    return between.join([*items[:_MOST_LISTED], *([f"and {rest:,} more"] if rest > 0 else [])])
