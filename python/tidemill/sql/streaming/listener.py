"""Listeners: what is told of queries as they start, go on and end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from tidemill.sql.streaming.progress import StreamingQueryProgress

__all__ = ["QueryIdleEvent", "QueryProgressEvent", "QueryStartedEvent", "QueryTerminatedEvent", "StreamingQueryListener"]


@dataclass(frozen=True)
class QueryStartedEvent:
    """A query has started."""

    id: str
    runId: str
    name: str | None
    timestamp: str


@dataclass(frozen=True)
class QueryProgressEvent:
    """A query has ended an epoch."""

    progress: StreamingQueryProgress


@dataclass(frozen=True)
class QueryIdleEvent:
    """A query has found nothing to do for a while."""

    id: str
    runId: str
    timestamp: str


@dataclass(frozen=True)
class QueryTerminatedEvent:
    """A query has ended; `exception` says why it failed, if it did."""

    id: str
    runId: str
    exception: str | None
    errorClassOnException: str | None


class StreamingQueryListener(ABC):
    """What is told of a session's queries: derive from it, and give an instance to `spark.streams.addListener`.

    Its methods are called on a thread per query, in the order of the events. An exception in one of them stops that query, which then
    has failed with the traceback.
    """

    @abstractmethod
    def onQueryStarted(self, event: QueryStartedEvent) -> None:
        """A query has started."""

    @abstractmethod
    def onQueryProgress(self, event: QueryProgressEvent) -> None:
        """A query has ended an epoch."""

    def onQueryIdle(self, event: QueryIdleEvent) -> None:  # noqa: B027
        """A query has found nothing to do for a while: not told yet."""

    @abstractmethod
    def onQueryTerminated(self, event: QueryTerminatedEvent) -> None:
        """A query has ended."""
