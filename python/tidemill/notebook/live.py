"""Streaming queries while they run: `display(query)` keeps a card up to date, and `follow` does so for the rows of `%%stream`, too."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from tidemill.errors import StreamingQueryException
from tidemill.notebook.shell import Panel
from tidemill.notebook.stream_card import stream_card

__all__ = ["Watch", "display", "follow", "query_card"]


def query_card(query: Any) -> str:
    """The card of a query as it is now."""
    failure = query.exception()
    return stream_card(
        list(query.recentProgress),
        name=query.name or str(query.id),
        status=query.status,
        active=bool(query.isActive),
        failure=None if failure is None else str(failure),
    )


def follow(
    query: Any, show: Callable[[], object], every: float, seconds: float | None, clock: Callable[[], float] = time.monotonic
) -> bool:
    """Calls `show` every so many seconds until the query ends, or that many have passed; and once more then. Whether it has ended."""
    until = None if seconds is None else clock() + seconds
    ended = False
    while not ended and (until is None or clock() < until):
        show()
        wait = every if until is None else max(0.001, min(every, until - clock()))
        try:
            ended = bool(query.awaitTermination(wait))
        except StreamingQueryException:
            # The card says why.
            ended = True
    show()
    return ended


class Watch:
    """A card that a thread keeps up to date until its query ends, or until `stop()`."""

    def __init__(self, query: Any, every: float = 1.0, panel: Callable[[str], Any] = Panel) -> None:
        self._query, self._every, self._stopped = query, every, threading.Event()
        self._panel = panel(query_card(query))
        self._thread = threading.Thread(target=self._run, name="tidemill-watch", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        follow(_Stoppable(self._query, self._stopped), self._show, self._every, None)

    def _show(self) -> None:
        self._panel.update(query_card(self._query))

    def stop(self) -> None:
        """Leaves the card as it is. The query goes on."""
        self._stopped.set()

    def _ipython_display_(self) -> None:
        """Nothing: the card is there already."""

    def join(self, timeout: float | None = None) -> None:
        """Waits until the query has ended and the card says so."""
        self._thread.join(timeout)


class _Stoppable:
    """A query that seems to end when nobody watches it any longer."""

    def __init__(self, query: Any, stopped: threading.Event) -> None:
        self._query, self._stopped = query, stopped

    def awaitTermination(self, timeout: float) -> bool:
        return self._stopped.is_set() or bool(self._query.awaitTermination(timeout)) or self._stopped.is_set()


def display(*things: Any) -> Watch | None:
    """Shows things in a notebook: a streaming query as a card that is kept up to date while it runs, the rows of a DataFrame as a table,
    all else as IPython's `display` does. Of a single query it gives the `Watch`, which a cell can `join()`."""
    import IPython.display

    from tidemill.notebook.table import eager_rows, table
    from tidemill.sql.dataframe import DataFrame

    watch = None
    for thing in things:
        if hasattr(thing, "recentProgress") and hasattr(thing, "awaitTermination"):
            watch = Watch(thing)
        elif isinstance(thing, DataFrame) and not thing.isStreaming:
            Panel(table(thing, *eager_rows(thing.sparkSession.conf)), repr(thing))
        else:
            IPython.display.display(thing)
    return watch if len(things) == 1 else None
