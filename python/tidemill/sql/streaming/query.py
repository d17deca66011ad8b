"""A streaming query that runs, or has run."""

from __future__ import annotations

import json
from typing import Any

from tidemill import _tidemill
from tidemill.errors import PySparkTypeError, PySparkValueError, StreamingQueryException
from tidemill.sql.streaming.progress import StreamingQueryProgress

__all__ = ["StreamingQuery"]


def seconds(timeout: Any) -> float | None:
    """A timeout in seconds; None waits for ever."""
    if timeout is None:
        return None
    if not isinstance(timeout, (int, float)) or isinstance(timeout, bool) or timeout <= 0:
        message = f"a timeout is a number of seconds greater than 0, not {timeout!r}"
        raise PySparkValueError(message, errorClass="VALUE_NOT_POSITIVE")
    return float(timeout)


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
        """Waits until all that was there when it was called has been published."""
        self._query.process_all_available()
        self._raise_failure()

    def stop(self) -> None:
        """Ends it after the epoch that it is in, and waits for that."""
        self._query.stop()

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

    def __repr__(self) -> str:
        state = "active" if self.isActive else "failed" if self.exception() else "stopped"
        return f"<StreamingQuery {self.name or self.id}: {state}>"
