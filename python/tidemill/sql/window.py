"""Windows of rows, by PySpark's names: `Window.partitionBy("user").orderBy("time").rowsBetween(-2, 0)`."""

from __future__ import annotations

import sys
from typing import Any

from tidemill import _tidemill
from tidemill.sql.column import named

__all__ = ["Window", "WindowSpec"]

_LEAST, _GREATEST = -(2**63), 2**63 - 1


def _listed(cols: tuple[Any, ...]) -> list[_tidemill.Column]:
    listed = cols[0] if len(cols) == 1 and isinstance(cols[0], (list, tuple)) else cols
    return [named(column) for column in listed]


def _end(rows: int) -> int:
    """An end of a frame; `-sys.maxsize` and `sys.maxsize` are without end, as in PySpark."""
    return _LEAST if rows <= -sys.maxsize else _GREATEST if rows >= sys.maxsize else rows


class WindowSpec:
    """Over which rows a function is computed for each row."""

    def __init__(self, window: _tidemill.Window) -> None:
        self._window = window

    def partitionBy(self, *cols: Any) -> WindowSpec:
        """Rows that agree in these columns."""
        return WindowSpec(self._window.partition_by(_listed(cols)))

    def orderBy(self, *cols: Any) -> WindowSpec:
        """The order of the rows."""
        return WindowSpec(self._window.order_by(_listed(cols)))

    def rowsBetween(self, start: int, end: int) -> WindowSpec:
        """From the row `start` to the row `end`, counted from the current one."""
        return WindowSpec(self._window.rows_between(_end(start), _end(end)))

    def rangeBetween(self, start: int, end: int) -> WindowSpec:
        """Rows whose sort key lies between the current one's plus `start` and plus `end`."""
        return WindowSpec(self._window.range_between(_end(start), _end(end)))


class Window:
    """Begins a `WindowSpec`."""

    unboundedPreceding: int = _LEAST
    unboundedFollowing: int = _GREATEST
    currentRow: int = 0

    @staticmethod
    def partitionBy(*cols: Any) -> WindowSpec:
        """Rows that agree in these columns."""
        return WindowSpec(_tidemill.Window()).partitionBy(*cols)

    @staticmethod
    def orderBy(*cols: Any) -> WindowSpec:
        """All rows, in this order."""
        return WindowSpec(_tidemill.Window()).orderBy(*cols)

    @staticmethod
    def rowsBetween(start: int, end: int) -> WindowSpec:
        """From the row `start` to the row `end`, counted from the current one."""
        return WindowSpec(_tidemill.Window()).rowsBetween(start, end)

    @staticmethod
    def rangeBetween(start: int, end: int) -> WindowSpec:
        """Rows whose sort key lies between the current one's plus `start` and plus `end`."""
        return WindowSpec(_tidemill.Window()).rangeBetween(start, end)
