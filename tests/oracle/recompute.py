"""Recomputes the job's tables from the raw files in DuckDB SQL: dedup, sessions by `lag` and running sums, the moving average.

The one thing it takes from the stream is which files each epoch read. From those and the raw files it works out itself which rows
are late, and leaves them out.
"""

from collections import Counter
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from job import ALERT_DROP_RATIO, ASD_MS, CLICKS, COMPLETION_RATE, EMA_ALPHA, EVENT_FIELDS, RELATIVE_TOLERANCE, SESSION_GAP_US
from job import WATERMARK_DELAY_US

EVENT_COLUMNS = ", ".join(EVENT_FIELDS)

ALERT_SCHEMA = pa.schema(
    [
        ("userId", pa.string()),
        ("sessionStart", pa.int64()),
        ("sessionEnd", pa.int64()),
        ("asdMs", pa.float64()),
        ("baselineAsdMs", pa.float64()),
        ("dropRatio", pa.float64()),
    ]
)
BASELINE_SCHEMA = pa.schema([("userId", pa.string()), ("emaAsdMs", pa.float64()), ("seen", pa.int64())])


@dataclass
class Expected:
    """What the tables must hold. `borderline` alerts lie within rounding of the threshold and may be there or not."""

    tables: dict = field(default_factory=dict)
    borderline: set = field(default_factory=set)
    duplicates: int = 0
    conflicting: list = field(default_factory=list)
    open_sessions: int = 0


def connect(raw, late: pa.Table, epoch_files: list) -> duckdb.DuckDBPyConnection:
    """A database with the relations `events`, `late` (its watermark in microseconds) and `model` (what each epoch has to run by)."""
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    db.register("raw_events", raw.events)
    db.register("raw_late", late)
    db.execute("CREATE TABLE events AS SELECT * FROM raw_events")
    time_ms = "eventTimeMs" if "eventTimeMs" in late.schema.names else "eventTime // 1000"
    columns = ", ".join(f"{time_ms} AS eventTimeMs" if name == "eventTimeMs" else name for name in EVENT_FIELDS)
    event_time = "eventTime" if "eventTime" in late.schema.names else f"({time_ms}) * 1000"
    db.execute(
        f"CREATE TABLE late AS SELECT {columns}, {event_time} AS eventTimeUs, watermark AS watermarkUs, epoch::BIGINT AS epoch"
        " FROM raw_late"
    )
    _model(db, epoch_files)
    return db


def _model(db, epoch_files: list):
    """A watermark is the greatest event time so far less the delay. An epoch ends sessions by that of all epochs before it; its rows
    are late at or before that of all epochs before the previous one."""
    db.execute("CREATE TABLE cuts (epoch BIGINT, file VARCHAR)")
    rows = [(epoch, name) for epoch, names in enumerate(epoch_files) for name in names]
    if rows:
        db.executemany("INSERT INTO cuts VALUES (?, ?)", rows)
    db.execute(f"""
        CREATE TABLE model AS
        WITH tops AS (SELECT epoch, max(eventTimeMs) * 1000 AS top FROM cuts JOIN events USING (file) GROUP BY epoch)
        SELECT n.epoch,
            max(top) OVER (ORDER BY n.epoch ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) - {WATERMARK_DELAY_US} AS finalUs,
            max(top) OVER (ORDER BY n.epoch ROWS BETWEEN UNBOUNDED PRECEDING AND 2 PRECEDING) - {WATERMARK_DELAY_US} AS lateUs
        FROM range({len(epoch_files)}) AS n(epoch) LEFT JOIN tops USING (epoch)
    """)
    # An event of a file that no epoch read is expected all the same.
    db.execute("""
        CREATE TABLE read AS
        SELECT events.*, eventTimeMs * 1000 AS eventTimeUs, epoch, lateUs, coalesce(eventTimeMs * 1000 <= lateUs, false) AS isLate
        FROM events LEFT JOIN cuts USING (file) LEFT JOIN model USING (epoch)
    """)


def final_watermark_us(db) -> int | None:
    """What the last epoch has to end sessions by."""
    row = db.execute("SELECT finalUs FROM model ORDER BY epoch DESC LIMIT 1").fetchone()
    return row and row[0]


def file_faults(raw, epoch_files: list) -> list:
    """Files that the epochs did not read once each."""
    times = Counter(name for names in epoch_files for name in names)
    return [f"{name}: read {times[name]} times" for name in sorted({*raw.files, *times}) if times[name] != 1 or name not in raw.files]


def recompute(db: duckdb.DuckDBPyConnection, watermark_us: int | None) -> Expected:
    """The tables of every session that ends at or before the final watermark."""
    expected = Expected()
    db.execute(f"CREATE TABLE kept AS SELECT {EVENT_COLUMNS} FROM read WHERE NOT isLate")
    # Which copy of an event is the first is up to the stream; equal copies make the question moot.
    expected.conflicting = db.execute(
        f"SELECT eventId, eventTimeMs, count(*) FROM (SELECT DISTINCT {EVENT_COLUMNS} FROM kept) GROUP BY ALL HAVING count(*) > 1"
    ).fetchall()
    db.execute("CREATE TABLE once AS SELECT DISTINCT ON (eventId, eventTimeMs) *, eventTimeMs * 1000 AS t FROM kept")
    (expected.duplicates,) = db.execute("SELECT (SELECT count(*) FROM kept) - (SELECT count(*) FROM once)").fetchone()
    db.execute(f"""
        CREATE TABLE sessions AS
        WITH gaps AS (
            SELECT *, lag(t) OVER (PARTITION BY userId ORDER BY t) AS before FROM once
        ), numbered AS (
            -- Two events exactly one gap apart are one session: windows that touch merge.
            SELECT *, sum((before IS NULL OR t - before > {SESSION_GAP_US})::INT)
                OVER (PARTITION BY userId ORDER BY t ROWS UNBOUNDED PRECEDING) AS session
            FROM gaps
        )
        SELECT userId, min(t) AS sessionStart, max(t) + {SESSION_GAP_US} AS sessionEnd,
            {ASD_MS} AS asdMs, {COMPLETION_RATE} AS completionRate, {CLICKS} AS clicks, count(*) AS events
        FROM numbered GROUP BY userId, session
    """)
    closed = db.sql("SELECT * FROM sessions WHERE sessionEnd <= ? ORDER BY userId, sessionStart", params=[watermark_us]).to_arrow_table()
    (total,) = db.execute("SELECT count(*) FROM sessions").fetchone()
    expected.open_sessions = total - len(closed)
    expected.tables["session_metrics"] = closed
    _baselines(closed, expected)
    return expected


def _baselines(sessions: pa.Table, expected: Expected):
    """The moving average and the alerts; `sessions` come in the order of user and start."""
    baselines, alerts = {}, []
    for session in sessions.to_pylist():
        user, asd = session["userId"], session["asdMs"]
        if user not in baselines:
            baselines[user] = (asd, 1)
            continue
        ema, seen = baselines[user]
        if ema > 0:
            drop = 1 - asd / ema
            if abs(drop - ALERT_DROP_RATIO) <= RELATIVE_TOLERANCE:
                expected.borderline.add((user, session["sessionStart"]))
            if drop >= ALERT_DROP_RATIO - RELATIVE_TOLERANCE:
                alert = {name: session[name] for name in ("userId", "sessionStart", "sessionEnd", "asdMs")}
                alerts.append({**alert, "baselineAsdMs": ema, "dropRatio": drop})
        baselines[user] = (EMA_ALPHA * asd + (1 - EMA_ALPHA) * ema, seen + 1)
    rows = [{"userId": user, "emaAsdMs": ema, "seen": seen} for user, (ema, seen) in baselines.items()]
    expected.tables["user_baselines"] = pa.Table.from_pylist(rows, BASELINE_SCHEMA)
    expected.tables["alerts"] = pa.Table.from_pylist(alerts, ALERT_SCHEMA)


def late_faults(db: duckdb.DuckDBPyConnection, raw) -> dict:
    """By check, the rows of `late` that the model has on time, those that it lacks, and those that no order of the files explains."""
    by_name = {name: rank for rank, name in enumerate(raw.files)}
    arrival = sorted(raw.files, key=lambda name: (raw.mtimes_ns[name], name))
    by_time = {name: rank for rank, name in enumerate(arrival)}
    db.execute("CREATE TABLE ranks (file VARCHAR, byName INT, byTime INT)")
    if raw.files:
        db.executemany("INSERT INTO ranks VALUES (?, ?, ?)", [(name, by_name[name], by_time[name]) for name in raw.files])
    # The greatest event time in all files before each file, in either order: nothing else can have moved the watermark.
    for order in ("byName", "byTime"):
        db.execute(f"""
            CREATE TABLE {order}_seen AS
            WITH maxima AS (SELECT file, {order} AS rank, max(eventTimeMs) * 1000 AS top FROM ranks JOIN events USING (file) GROUP BY ALL)
            SELECT file, max(top) OVER (ORDER BY rank ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) - {WATERMARK_DELAY_US} AS wm
            FROM maxima
        """)
    found = f"SELECT {EVENT_COLUMNS}, eventTimeUs, watermarkUs, epoch FROM late"
    wanted = f"SELECT {EVENT_COLUMNS}, eventTimeUs, lateUs, epoch FROM read WHERE isLate"
    queries = {
        "on time by the model": f"{found} EXCEPT ALL {wanted}",
        "late by the model, and not there": f"{wanted} EXCEPT ALL {found}",
        "an earlier file made them late": f"""
            SELECT * FROM late WHERE NOT EXISTS (
                SELECT 1 FROM events e LEFT JOIN byName_seen n ON n.file = e.file LEFT JOIN byTime_seen t ON t.file = e.file
                WHERE e.eventId = late.eventId AND e.eventTimeMs = late.eventTimeMs
                    AND late.eventTimeUs <= greatest(coalesce(n.wm, {-(2**62)}), coalesce(t.wm, {-(2**62)}))
            )
        """,
    }
    return {name: db.execute(query).fetchall() for name, query in queries.items()}
