"""Small pictures of a few numbers, as inline SVG: a line, and bars of stacked parts. Colours are the variables of `markup`."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.notebook.markup import text

__all__ = ["bars", "line"]

# As many as a query remembers epochs.
_MOST_POINTS = 100
# A single bar is not as wide as the picture.
_FEW_BARS = 25


def line(values: Sequence[float | None], said: str, colour: str = "--a", width: int = 150, height: int = 34) -> str:
    """A line from left to right with a dot at the newest value; a value that is not there leaves a gap. `said` is its tooltip."""
    values = values[-_MOST_POINTS:]
    known = [value for value in values if value is not None]
    if not known:
        return _svg(width, height, said, "")
    low, high = min(*known, 0.0), max(known)
    step = (width - 6) / max(1, len(values) - 1)

    def across(at: int) -> float:
        return 3 + at * step

    def down(value: float) -> float:
        return height - 3 - (value - low) / ((high - low) or 1) * (height - 7)

    pieces: list[list[tuple[float, float]]] = [[]]
    for at, value in enumerate(values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append((across(at), down(value)))
    drawn = ""
    for piece in filter(None, pieces):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in piece)
        ground = f"{piece[0][0]:.1f},{height - 3} {path} {piece[-1][0]:.1f},{height - 3}"
        drawn += f'<polygon points="{ground}" fill="var({colour})" opacity=".14"/>'
        drawn += f'<polyline points="{path}" fill="none" stroke="var({colour})" stroke-width="1.5" stroke-linejoin="round"/>'
    if values[-1] is not None:
        drawn += f'<circle cx="{across(len(values) - 1):.1f}" cy="{down(values[-1]):.1f}" r="2.2" fill="var({colour})"/>'
    return _svg(width, height, said, drawn)


def bars(columns: Sequence[Sequence[float]], titles: Sequence[str], said: str, width: int = 320, height: int = 64) -> str:
    """A bar per column, of parts one upon the other, coloured by their places (`--p0`, `--p1`, …)."""
    columns, titles = columns[-_MOST_POINTS:], titles[-_MOST_POINTS:]
    most = max((sum(column) for column in columns), default=0.0) or 1.0
    step = width / max(_FEW_BARS, len(columns))
    gap = 0.15 * step
    drawn = ""
    for at, (column, title) in enumerate(zip(columns, titles)):
        top, x, parts = float(height), at * step + gap / 2, ""
        for place, part in enumerate(column):
            tall = part / most * (height - 2)
            if tall >= 0.05:
                top -= tall
                parts += f'<rect x="{x:.1f}" y="{top:.1f}" width="{step - gap:.1f}" height="{tall:.1f}" fill="var(--p{place})"/>'
        drawn += f"<g><title>{text(title)}</title>{parts}</g>"
    return _svg(width, height, said, drawn + f'<path d="M0 {height - 0.5}H{width}" stroke="var(--line)"/>')


def _svg(width: int, height: int, said: str, drawn: str) -> str:
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>{text(said)}</title>{drawn}</svg>'
