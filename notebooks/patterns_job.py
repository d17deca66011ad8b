"""The query of notebook 02: events to sessions, moving averages and alerts. As a program,
`python patterns_job.py FOLDER`, it runs until someone ends it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from tidemill.sql import DataFrame, SparkSession
from tidemill.sql import functions as F
from tidemill.sql.streaming import StreamingQuery, StreamSink

import clickstream

ALPHA = 0.3
"""The weight of the newest session in the moving average."""
DROP = 0.3
"""A session this far below the average is an alert."""

CHANGES = (
    "kind STRING, userId STRING, sessionStart TIMESTAMP, dwellMs DOUBLE, "
    "baselineMs DOUBLE, drop DOUBLE, averageMs DOUBLE, seen BIGINT"
)
CHANGES_IN_POLARS = {
    "kind": pl.String,
    "userId": pl.String,
    "sessionStart": pl.Datetime("us", "UTC"),
    "dwellMs": pl.Float64,
    "baselineMs": pl.Float64,
    "drop": pl.Float64,
    "averageMs": pl.Float64,
    "seen": pl.Int64,
}


def sessions_of(events: DataFrame) -> DataFrame:
    """Each visitor's sessions: they end after 30 minutes without an event."""
    ended = (F.col("eventType") == "view_end") & (F.col("dwellMs") > 0)
    return (
        events.groupBy(F.session_window("eventTime", "30 minutes"), "userId")
        .agg(
            F.count("*").alias("events"),
            F.avg(F.when(ended, F.col("dwellMs"))).alias("dwellMs"),
            F.sum(F.when(F.col("eventType") == "click", 1).otherwise(0)).alias("clicks"),
        )
        .select(
            "userId",
            F.col("session_window.start").alias("start"),
            F.col("session_window.end").alias("end"),
            "events",
            "dwellMs",
            "clicks",
        )
    )


def baseline(key: tuple[Any, ...], batches: Iterator[pl.DataFrame], state: Any) -> Iterator[pl.DataFrame]:
    """Compares a visitor's new sessions with the moving average of those before."""
    average, seen = state.get if state.exists else (0.0, 0)
    rows = []
    for session in pl.concat(batches).sort("start").iter_rows(named=True):
        drop = 1 - session["dwellMs"] / average if seen else 0.0
        if drop >= DROP:
            rows.append(("alert", key[0], session["start"], session["dwellMs"], average, drop, None, None))
        average = session["dwellMs"] if seen == 0 else ALPHA * session["dwellMs"] + (1 - ALPHA) * average
        seen += 1
    state.update((average, seen))
    rows.append(("baseline", key[0], None, None, None, None, average, seen))
    yield pl.DataFrame(rows, schema=CHANGES_IN_POLARS, orient="row")


def start(spark: SparkSession, root: Path) -> StreamingQuery:
    """Starts the query, or goes on where its checkpoint says."""

    def table(name: str) -> str:
        return str(root / "tables" / name)

    raw = (
        spark.readStream.schema(clickstream.COLUMNS)
        .option("maxFilesPerTrigger", 1)
        .json(str(root / "events"))
    )
    events = (
        raw.withColumn("eventTime", F.timestamp_millis("eventTimeMs"))
        .withWatermark("eventTime", "2 minutes")
        .dropDuplicates(["eventId", "eventTime"])
    )
    sessions = sessions_of(events)
    changes = (
        sessions.filter("dwellMs IS NOT NULL")
        .groupBy("userId")
        .applyInPolarsWithState(baseline, CHANGES, "averageMs DOUBLE, seen BIGINT")
    )
    return (
        spark.streamingQuery("patterns")
        .checkpointLocation(str(root / "checkpoint"))
        .add(sessions, StreamSink.deltaMerge(table("sessions"), ["userId", "start"]))
        .add(
            changes.filter("kind = 'baseline'").select("userId", "averageMs", "seen"),
            StreamSink.deltaMerge(table("baselines"), "userId"),
        )
        .add(
            changes.filter("kind = 'alert'").select(
                "userId", "sessionStart", "dwellMs", "baselineMs", "drop"
            ),
            StreamSink.deltaAppend(table("alerts")),
        )
        .withLateRows(events, StreamSink.deltaAppend(table("late")))
        .withDeadLetters(raw, StreamSink.deltaAppend(table("dead_letters")))
        .start()
    )


if __name__ == "__main__":
    start(SparkSession.builder.getOrCreate(), Path(sys.argv[1])).awaitTermination()
