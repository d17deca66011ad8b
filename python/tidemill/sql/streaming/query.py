"""Streaming queries, by PySpark's names: the handle on one, and `spark.streams`, which keeps a session's, tells listeners of them, and
stops them when Python ends."""

from __future__ import annotations

import atexit
import datetime
import json
import os
import sys
import threading
import traceback
import weakref
from collections.abc import Callable
from typing import Any

from tidemill import _tidemill
from tidemill.errors import IllegalArgumentException, PySparkRuntimeError, PySparkTypeError, PySparkValueError, StreamingQueryException
from tidemill.sql.streaming.listener import (
    QueryProgressEvent,
    QueryStartedEvent,
    QueryTerminatedEvent,
    StreamingQueryListener,
)
from tidemill.sql.streaming.progress import StreamingQueryProgress

__all__ = ["StreamingQuery", "StreamingQueryManager"]


def seconds(timeout: Any) -> float | None:
    """A timeout in seconds; None waits for ever."""
    if timeout is None:
        return None
    if not isinstance(timeout, (int, float)) or isinstance(timeout, bool) or timeout <= 0:
        message = f"a timeout is a number of seconds greater than 0, not {timeout!r}"
        raise PySparkValueError(message, errorClass="VALUE_NOT_POSITIVE")
    return float(timeout)


# The queries whose functions the thread runs.
inside = threading.local()


class StreamingQuery:
    """The handle on a query. Forgetting it leaves the query running; `stop()` ends it."""

    def __init__(self, query: _tidemill.StreamingQuery) -> None:
        self._query = query
        self._listener_failed: str | None = None

    @property
    def id(self) -> str:
        """Its id, the same for the life of its checkpoint."""
        return self._query.id()

    @property
    def runId(self) -> str:
        """The id of this run, new at each start."""
        return self._query.run_id()

    @property
    def name(self) -> str | None:
        """Its name, if it was given one."""
        return self._query.name()

    @property
    def isActive(self) -> bool:
        """Whether it has not ended."""
        return self._query.is_active()

    @property
    def status(self) -> dict[str, Any]:
        """What it is doing now."""
        status: dict[str, Any] = json.loads(self._query.status())
        return status

    @property
    def recentProgress(self) -> list[StreamingQueryProgress]:
        """What it did in its last hundred epochs."""
        return [StreamingQueryProgress.of(text) for text in self._query.recent_progress()]

    @property
    def lastProgress(self) -> StreamingQueryProgress | None:
        """What it did in its last epoch."""
        text = self._query.last_progress()
        return None if text is None else StreamingQueryProgress.of(text)

    def awaitTermination(self, timeout: float | None = None) -> bool | None:
        """Waits until it ends; with a timeout in seconds for so long at most, and says whether it has ended.

        Raises `StreamingQueryException` when it has failed.
        """
        ended = self._query.await_termination(seconds(timeout))
        self._raise_failure()
        return None if timeout is None else ended

    def processAllAvailable(self) -> None:
        """Waits until all that was there when it was called has been published.

        Raises `PySparkRuntimeError` in a function of its own epoch, which would wait for itself.
        """
        if self._is_inside():
            message = "a function of an epoch cannot wait for the end of that epoch: call processAllAvailable() outside of foreachBatch"
            raise PySparkRuntimeError(message, errorClass="UNSUPPORTED_OPERATION")
        self._query.process_all_available()
        self._raise_failure()

    def stop(self) -> None:
        """Ends it after the epoch that it is in, and waits for that; in a function of that very epoch it does not wait."""
        if self._is_inside():
            self._query.request_stop()
        else:
            self._query.stop()

    def _is_inside(self) -> bool:
        """Whether this is called by a function of its epoch."""
        return any(known is None or known.id == self.id for known in getattr(inside, "queries", ()))

    def explain(self, extended: bool = False) -> None:
        """Prints the stages in which it runs."""
        if not isinstance(extended, bool):
            raise PySparkTypeError(f"extended is a bool, not {extended!r}", errorClass="NOT_BOOL")
        print(self._query.explain())

    def exception(self) -> StreamingQueryException | None:
        """Why it failed, or None."""
        cause = self._listener_failed or self._query.exception()
        if cause is None:
            return None
        name = f" ({self.name})" if self.name else ""
        message = f"[STREAM_FAILED] Query [id = {self.id}, runId = {self.runId}]{name} terminated with exception: {cause}"
        return StreamingQueryException(message, errorClass="STREAM_FAILED", sqlState="XXKST")

    def _raise_failure(self) -> None:
        failure = self.exception()
        if failure is not None:
            raise failure

    def _repr_html_(self) -> str:
        """What it does, as a card."""
        from tidemill.notebook.live import query_card

        return query_card(self)

    def __repr__(self) -> str:
        state = "active" if self.isActive else "failed" if self.exception() else "stopped"
        return f"<StreamingQuery {self.name or self.id}: {state}>"


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _progress_of(text: str) -> Callable[[StreamingQueryListener], None]:
    event = QueryProgressEvent(StreamingQueryProgress.of(text))
    return lambda listener: listener.onQueryProgress(event)


class StreamingQueryManager:
    """The streaming queries of a session."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._queries: list[StreamingQuery] = []
        self._ended: list[StreamingQuery] = []
        self._listeners: list[StreamingQueryListener] = []
        self._threads: list[threading.Thread] = []
        _managers.add(self)

    def _started(self, query: _tidemill.StreamingQuery) -> StreamingQuery:
        made = StreamingQuery(query)
        with self._lock:
            self._queries = [known for known in self._queries if known.isActive] + [made]
            self._threads = [known for known in self._threads if known.is_alive()]
            thread = threading.Thread(target=self._watch, args=(made,), name=f"tidemill-{made.name or made.id}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return made

    def _refuse_name(self, name: str | None) -> None:
        """Two active queries of a session have two names."""
        if name is not None and any(query.name == name for query in self.active):
            message = f"a query of the name {name!r} is active: stop it first, or choose another name"
            raise IllegalArgumentException(message, errorClass="STREAMING_QUERY_NAME_IN_USE")

    def _watch(self, query: StreamingQuery) -> None:
        """Tells listeners of a query until it ends."""
        try:
            self._follow(query)
        finally:
            with self._lock:
                self._ended.append(query)
                self._lock.notify_all()

    def _follow(self, query: StreamingQuery) -> None:
        progress = query._query.progress()
        self._tell(query, lambda listener: listener.onQueryStarted(QueryStartedEvent(query.id, query.runId, query.name, _now())))
        while (text := progress.next()) is not None:
            self._tell(query, _progress_of(text))
        query._query.await_termination(None)
        failure = query.exception()
        ended = QueryTerminatedEvent(
            query.id, query.runId, None if failure is None else str(failure), None if failure is None else failure.getCondition()
        )
        self._tell(query, lambda listener: listener.onQueryTerminated(ended))

    def _tell(self, query: StreamingQuery, event: Callable[[StreamingQueryListener], None]) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            try:
                event(listener)
            except BaseException:
                if not query.isActive:
                    # There is nothing left to stop.
                    traceback.print_exc()
                elif query._listener_failed is None:
                    query._listener_failed = f"the listener {type(listener).__name__} raised an exception:\n{traceback.format_exc()}"
                    query.stop()

    @property
    def active(self) -> list[StreamingQuery]:
        """The queries that run."""
        with self._lock:
            return [query for query in self._queries if query.isActive]

    def get(self, id: str) -> StreamingQuery | None:
        """The running query of an id, or None."""
        if not isinstance(id, str):
            raise PySparkTypeError(f"an id is a str, not {id!r}", errorClass="NOT_STR")
        return next((query for query in self.active if query.id == id), None)

    def awaitAnyTermination(self, timeout: float | None = None) -> bool | None:
        """Waits until a query has ended since the session began or `resetTerminated` was called; with a timeout in seconds for so long
        at most, and says whether one has.

        Raises `StreamingQueryException` when one has failed.
        """
        limit = seconds(timeout)
        with self._lock:
            ended = self._lock.wait_for(lambda: self._ended, limit)
            failed = next((failure for query in self._ended if (failure := query.exception()) is not None), None)
        if failed is not None:
            raise failed
        return None if timeout is None else bool(ended)

    def resetTerminated(self) -> None:
        """Forgets the queries that have ended."""
        with self._lock:
            self._ended.clear()

    def addListener(self, listener: StreamingQueryListener) -> None:
        """Tells a listener of all queries from now on."""
        if not isinstance(listener, StreamingQueryListener):
            raise PySparkTypeError(f"a listener derives from StreamingQueryListener, not {listener!r}", errorClass="NOT_STR_OR_LISTENER")
        with self._lock:
            self._listeners.append(listener)

    def removeListener(self, listener: StreamingQueryListener) -> None:
        """Tells a listener no more."""
        with self._lock:
            self._listeners = [known for known in self._listeners if known is not listener]


_MADE_IN = os.getpid()
_managers: weakref.WeakSet[StreamingQueryManager] = weakref.WeakSet()


# How long the end of Python waits for the epochs of its queries, and for functions of the program, seconds.
_PATIENCE = 10.0


def _end() -> None:
    """Queries end after their epochs, and functions of the program are told to end, while Python still can call them: a thread that comes
    back to an interpreter that is gone takes the process with it."""
    # A fork has not their threads.
    if os.getpid() != _MADE_IN:
        return
    active = [(manager, query) for manager in list(_managers) for query in manager.active]
    for _, query in active:
        query._query.request_stop()
    for _, query in active:
        if not query._query.await_termination(_PATIENCE):
            print(f"tidemill: {query!r} is still in its epoch, and Python ends: the epoch is broken off", file=sys.stderr)
    left = _tidemill.end_functions(_PATIENCE)
    for manager in list(_managers):
        for thread in manager._threads:
            thread.join(1.0)
    if left:
        print(f"tidemill: {', '.join(left)} cannot be interrupted, and Python ends: the process ends now", file=sys.stderr)
        sys.stdout.flush()
        os._exit(1)


atexit.register(_end)
