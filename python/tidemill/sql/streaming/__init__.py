"""Structured Streaming, by PySpark's names: readers, writers, running queries and their listeners."""

from tidemill.sql.streaming.listener import StreamingQueryListener
from tidemill.sql.streaming.query import StreamingQuery, StreamingQueryManager
from tidemill.sql.streaming.readwriter import DataStreamReader, DataStreamWriter
from tidemill.sql.streaming.sinks import StreamingQueryBuilder, StreamSink

__all__ = [
    "DataStreamReader",
    "DataStreamWriter",
    "StreamSink",
    "StreamingQuery",
    "StreamingQueryBuilder",
    "StreamingQueryListener",
    "StreamingQueryManager",
]
