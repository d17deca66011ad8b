"""The behavioural-pattern job, as a PySpark user writes it: events once, sessions, a moving average per user, alerts, late and dead rows.

    python behaviour.py --input DIR --output DIR [--files-per-epoch N] [--available-now]

It reads the JSON files that arrive in a folder, and keeps five Delta tables and its checkpoint in another. Killed at any moment and started
again, it goes on where it was, and every event counts once. It is the same job as the one that `tidemill demo` runs in Rust.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas

from tidemill.sql import DataFrame, SparkSession
from tidemill.sql import functions as F
from tidemill.sql.streaming import StreamingQuery, StreamingQueryListener, StreamSink
from tidemill.sql.streaming.listener import QueryProgressEvent, QueryStartedEvent, QueryTerminatedEvent

EVENT = (
    "eventId STRING NOT NULL, userId STRING NOT NULL, contentId STRING, eventType STRING NOT NULL, eventTimeMs BIGINT NOT NULL, "
    "dwellMs BIGINT, completed BOOLEAN"
)
CHANGE = (
    "kind STRING NOT NULL, userId STRING NOT NULL, emaAsdMs DOUBLE, seen BIGINT, sessionStart TIMESTAMP, sessionEnd TIMESTAMP, "
    "asdMs DOUBLE, baselineAsdMs DOUBLE, dropRatio DOUBLE, note STRING"
)
COLUMNS = [column.split()[0] for column in CHANGE.split(", ")]
WEIGHT = 0.3  # of the newest session in the moving average
DROP = 0.3  # so far below the average is an alert
FIRST_MS, LAST_MS = -62_135_596_800_000, 253_402_300_799_999  # the years 0001 to 9999, which a timestamp holds


def baseline(key: tuple[Any, ...], batches: Iterator[pandas.DataFrame], state: Any) -> Iterator[pandas.DataFrame]:
    """A user's moving average over sessions in order of their start, and an alert for each that is far below it."""
    average, seen = state.get if state.exists else (0.0, 0)
    changes: list[dict[str, Any]] = []
    for sessions in batches:
        for session in sessions.sort_values("sessionStart").itertuples():
            drop = 1.0 - session.asdMs / average if average > 0 else 0.0
            if seen > 0 and drop >= DROP:
                changes.append(
                    {
                        "kind": "alert",
                        "sessionStart": session.sessionStart,
                        "sessionEnd": session.sessionEnd,
                        "asdMs": session.asdMs,
                        "baselineAsdMs": average,
                        "dropRatio": drop,
                        "note": f"dwell fell {drop * 100:.0f} % below the average of {seen} sessions",
                    }
                )
            average = session.asdMs if seen == 0 else WEIGHT * session.asdMs + (1 - WEIGHT) * average
            seen += 1
    state.update((average, seen))
    changes.append({"kind": "baseline", "emaAsdMs": average, "seen": seen})
    yield pandas.DataFrame(changes, columns=COLUMNS).assign(userId=key[0])


def sessions_of(events: DataFrame) -> DataFrame:
    """Behaviour per session: half an hour without an event ends one."""
    ended = F.col("eventType") == "view_end"
    return (
        events.groupBy(F.session_window("eventTime", "30 minutes"), "userId")
        .agg(
            F.count("*").alias("events"),
            F.avg(F.when(ended & (F.col("dwellMs") > 0), F.col("dwellMs"))).alias("dwell"),
            F.sum(F.when(F.col("completed"), 1).otherwise(0)).alias("completedEvents"),
            F.sum(F.when(ended, 1).otherwise(0)).alias("views"),
            F.sum(F.when(F.col("eventType") == "click", 1).otherwise(0)).alias("clicks"),
        )
        .select(
            "userId",
            F.col("session_window.start").alias("sessionStart"),
            F.col("session_window.end").alias("sessionEnd"),
            F.coalesce("dwell", F.lit(0.0)).alias("asdMs"),
            (F.col("completedEvents").cast("double") / F.greatest("views", F.lit(1)).cast("double")).alias("completionRate"),
            "clicks",
            "events",
        )
    )


def start(spark: SparkSession, source: Path, target: Path, files_per_epoch: int, available_now: bool) -> StreamingQuery:
    """Starts the query."""
    raw = spark.readStream.name("events").schema(EVENT).option("maxFilesPerTrigger", files_per_epoch).json(str(source))
    possible = F.col("eventTimeMs").between(FIRST_MS, LAST_MS)
    impossible = raw.filter(~possible).select(
        F.lit(None).cast("string").alias("file"),
        F.lit(None).cast("bigint").alias("line"),
        F.to_json(F.struct(*[F.col(name) for name in raw.columns])).alias("text"),
        F.lit("eventTimeMs: no timestamp holds this time").alias("reason"),
    )
    events = (
        raw.filter(possible)
        .withColumn("eventTime", F.timestamp_millis("eventTimeMs"))
        .withWatermark("eventTime", "2 minutes")
        .dropDuplicates(["eventId", "eventTime"])
    )
    sessions = sessions_of(events)
    state = "emaAsdMs DOUBLE NOT NULL, seen BIGINT NOT NULL"
    changes = sessions.groupBy("userId").applyInPandasWithState(baseline, CHANGE, state, "append", "NoTimeout")
    alerts = changes.filter("kind = 'alert'").select("userId", "sessionStart", "sessionEnd", "asdMs", "baselineAsdMs", "dropRatio", "note")

    def table(name: str) -> str:
        return str(target / "tables" / name)

    query = (
        spark.streamingQuery("behaviour")
        .checkpointLocation(str(target / "checkpoint"))
        .add(raw.malformedRows().union(impossible), StreamSink.deltaAppend(table("dead_letters")).named("dead_letters"))
        .withLateRows(events, StreamSink.deltaAppend(table("late_events")).named("late_events"))
        .add(sessions, StreamSink.deltaMerge(table("session_metrics"), ["userId", "sessionStart"]).named("session_metrics"))
        .add(
            changes.filter("kind = 'baseline'").select("userId", "emaAsdMs", "seen"),
            StreamSink.deltaMerge(table("user_baselines"), "userId").named("user_baselines"),
        )
        .add(alerts, StreamSink.deltaAppend(table("alerts")).named("alerts"))
    )
    return (query.trigger(availableNow=True) if available_now else query).start()


class Teller(StreamingQueryListener):
    """Tells each epoch as a line of JSON."""

    def onQueryStarted(self, event: QueryStartedEvent) -> None:
        """Its run is new at each start."""
        print(json.dumps({"started": event.runId}), flush=True)

    def onQueryProgress(self, event: QueryProgressEvent) -> None:
        """An epoch has ended."""
        print(json.dumps({"epoch": event.progress.batchId, "rows": event.progress.numInputRows}), flush=True)

    def onQueryTerminated(self, event: QueryTerminatedEvent) -> None:
        """Why it failed is told by `awaitTermination`."""


def main() -> None:
    """Runs the query, and tells each epoch as a line of JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--input", type=Path, required=True, help="the folder in which files arrive")
    parser.add_argument("--output", type=Path, required=True, help="the folder of the tables and of the checkpoint")
    parser.add_argument("--files-per-epoch", type=int, default=1, help="files that an epoch reads at most (default: %(default)s)")
    parser.add_argument("--available-now", action="store_true", help="end when all is read that is there")
    args = parser.parse_args()
    spark = SparkSession.builder.appName("behaviour").getOrCreate()
    spark.streams.addListener(Teller())
    start(spark, args.input, args.output, args.files_per_epoch, args.available_now).awaitTermination()


if __name__ == "__main__":
    main()
