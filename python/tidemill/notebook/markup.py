"""Text and numbers as HTML: escaped, bounded, and in the colours of the notebook's theme."""

from __future__ import annotations

import html
import re
from datetime import datetime, timezone

__all__ = ["as_bytes", "as_count", "as_duration", "as_moment", "cut", "in_box", "moment_of", "text"]

# What a browser would not show, or would show as something else: controls, marks that turn the direction of text, half pairs.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_LIGHT = (
    "--fg:#1f2328;--soft:#59636e;--line:#d1d9e0;--back:#ffffff;--well:#f6f8fa;--good:#1a7f37;--bad:#cf222e;--badwell:#ffebe9;"
    "--a:#0969da;--b:#8250df;--p0:#8c959f;--p1:#bf8700;--p2:#0969da;--p3:#8250df;--p4:#bc4c00;--p5:#1a7f37;--p6:#bf3989"
)
_DARK = (
    "--fg:#e6edf3;--soft:#9198a1;--line:#3d444d;--back:#151b23;--well:#1f262e;--good:#3fb950;--bad:#f85149;--badwell:#3c1618;"
    "--a:#4493f8;--b:#ab7df8;--p0:#7d8590;--p1:#d29922;--p2:#4493f8;--p3:#ab7df8;--p4:#db6d28;--p5:#3fb950;--p6:#db61a2"
)

# JupyterLab and VS Code have a theme of their own, which goes before that of the system.
_STYLE = (
    "<style>"
    f".tidemill{{{_LIGHT};color:var(--fg);font:13px/1.45 system-ui,-apple-system,'Segoe UI',sans-serif;text-align:left}}"
    f"@media(prefers-color-scheme:dark){{.tidemill{{{_DARK}}}}}"
    f"body[data-jp-theme-light=true] .tidemill,body.vscode-light .tidemill{{{_LIGHT}}}"
    f"body[data-jp-theme-light=false] .tidemill,body.vscode-dark .tidemill,body.vscode-high-contrast .tidemill{{{_DARK}}}"
    "%s</style>"
)


def in_box(kind: str, style: str, content: str) -> str:
    """A piece of HTML with its style, which names its parts below `.tidemill.<kind>`."""
    return f'{_STYLE % style}<div class="tidemill {kind}">{content}</div>'


def cut(value: object, most: int) -> str:
    """A text of so many characters at most; what is cut ends in …."""
    said = str(value)
    return said if len(said) <= most else said[: most - 1] + "…"


def text(value: object, most: int = 200) -> str:
    """A text for HTML, escaped, of so many characters at most before that."""
    return html.escape(_UNSEEN.sub("\ufffd", cut(value, most)))


def as_count(number: float | None) -> str:
    """A count or a rate: `12,345`, `1.2 M`."""
    if number is None:
        return "—"
    for unit, name in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if abs(number) >= unit:
            return f"{number / unit:.3g} {name}" if abs(number) < 1000 * unit else f"{number / unit:,.0f} {name}"
    return f"{number:,.0f}" if abs(number) >= 100 or number == int(number) else f"{number:.3g}"


def as_bytes(number: float) -> str:
    """A size: `3.4 MiB`."""
    for name in ("B", "KiB", "MiB", "GiB"):
        if abs(number) < 1024:
            return f"{number:.3g} {name}" if number < 1000 else f"{number:.0f} {name}"
        number /= 1024
    return f"{number:,.1f} TiB"


def as_duration(ms: float) -> str:
    """A time: `850 ms`, `12.3 s`, `3 min 4 s`, `2 h 5 min`, `3 d 4 h`."""
    if ms < 10:
        return f"{ms:.2g} ms"
    if ms < 999.5:
        return f"{ms:.0f} ms"
    if ms < 59_950:
        return f"{ms / 1000:.1f} s"
    seconds = round(ms / 1000)
    for large, one, small, other in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= large:
            return f"{seconds // large:,} {one} {seconds % large // small} {other}"
    return f"{seconds} s"


def moment_of(stamp: object) -> datetime | None:
    """A time of a progress report (ISO 8601, UTC), or None when it is none."""
    try:
        found = datetime.fromisoformat(str(stamp).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def as_moment(moment: datetime) -> str:
    """A time of day with its date: `2026-11-20 08:15:30`."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"
