"""Structured Streaming, by PySpark's names: readers, writers, running queries and their listeners."""

from tidemill.sql.streaming.listener import StreamingQueryListener
from tidemill.sql.streaming.manager import StreamingQueryManager
from tidemill.sql.streaming.query import StreamingQuery
from tidemill.sql.streaming.reader import DataStreamReader
from tidemill.sql.streaming.sinks import StreamingQueryBuilder, StreamSink
from tidemill.sql.streaming.writer import DataStreamWriter

__all__ = [
    "DataStreamReader",
    "DataStreamWriter",
    "StreamSink",
    "StreamingQuery",
    "StreamingQueryBuilder",
    "StreamingQueryListener",
    "StreamingQueryManager",
]
