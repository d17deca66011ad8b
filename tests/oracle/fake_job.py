"""A slow stand-in for Tidemill, so that the oracle can be tested: a generator of event files, and the job as a plain Python loop.

The loop works epoch by epoch with a watermark, late rows, dedup and session state, and writes Delta tables with the deltalake
package. It shares no code with the oracle's SQL.
"""

import json
import os
import random
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

MINUTE_MS = 60_000
START_MS = 1_767_225_600_000
TIME = pa.timestamp("us", "UTC")
EVENT = [
    ("eventId", pa.string()),
    ("userId", pa.string()),
    ("contentId", pa.string()),
    ("eventType", pa.string()),
    ("eventTimeMs", pa.int64()),
    ("dwellMs", pa.int64()),
    ("completed", pa.bool_()),
]
SCHEMAS = {
    "session_metrics": pa.schema(
        [
            ("userId", pa.string()),
            ("sessionStart", TIME),
            ("sessionEnd", TIME),
            ("asdMs", pa.float64()),
            ("completionRate", pa.float64()),
            ("clicks", pa.int64()),
            ("events", pa.int64()),
        ]
    ),
    "user_baselines": pa.schema([("userId", pa.string()), ("emaAsdMs", pa.float64()), ("seen", pa.int64())]),
    "alerts": pa.schema(
        [
            ("userId", pa.string()),
            ("sessionStart", TIME),
            ("sessionEnd", TIME),
            ("asdMs", pa.float64()),
            ("baselineAsdMs", pa.float64()),
            ("dropRatio", pa.float64()),
            ("note", pa.string()),
        ]
    ),
    "late_events": pa.schema([*EVENT, ("eventTime", TIME), ("operator", pa.string()), ("watermark", TIME), ("epoch", pa.int64())]),
    "dead_letters": pa.schema([("file", pa.string()), ("line", pa.int64()), ("text", pa.string()), ("reason", pa.string())]),
}
MERGE_KEYS = {"session_metrics": ("userId", "sessionStart"), "user_baselines": ("userId",)}

MALFORMED = [
    b"not json at all",
    b'{"eventId": "x", "userId": "u", "eventType": "click", "eventTimeMs": "1767225600000"}',
    b'{"eventId": "x", "userId": "u", "eventType": "click", "eventTimeMs": 1767225600000.0}',
    b'{"eventId": "x", "userId": "u", "eventType": "click", "eventTimeMs": 9223372036854775808}',
    b'{"eventId": "x", "userId": "u", "eventType": "click", "eventTimeMs": 1767225600000, "completed": "true"}',
    b'{"eventId": "x", "userId": "u", "eventType": "click", "eventTimeMs": 1767225600000, "completed": 1}',
    b'{"eventId": "x", "userId": "u", "eventType": "click", "eventTimeMs": true}',
    b'{"eventId": null, "userId": "u", "eventType": "click", "eventTimeMs": 1767225600000}',
    b'{"eventId": "x", "eventType": "click", "eventTimeMs": 1767225600000}',
    b'{"eventId": "x", "userId": ["u"], "eventType": "click", "eventTimeMs": 1767225600000}',
    b'{"eventId": "x", "userId": "u", "eventType": "click", "eventTimeMs": 1767225600000,}',
    b'{"eventId": "x", "userId": "u", "eventType": "click", "eventTimeMs": 1767225600000} {}',
    b'{"eventId": "x", "userId": "u", "eventType": "click", "eventTimeMs": 1767225600000',
    b'{"eventId": "x", "userId": "u", "eventType": "click", "eventTimeMs": 1767225600000, "dwellMs": NaN}',
    b'{"eventId": "\xff\xfe", "userId": "u", "eventType": "click", "eventTimeMs": 1767225600000}',
    b'{"eventId": "\\ud800", "userId": "u", "eventType": "click", "eventTimeMs": 1767225600000}',
    b'[{"eventId": "x"}]',
    b"17",
    b"null",
]


def generate(folder: Path, seed: int, users: int = 40, days: int = 3, files: int = 12):
    """Writes event files with sessions, disorder, duplicates, far too late events and one of every kind of malformed line."""
    rng = random.Random(seed)
    events = []
    for user in range(users):
        base = rng.randint(500, 60_000)
        for day in range(days):
            for _ in range(rng.randint(1, 3)):
                at = START_MS + (day * 24 * 60 + rng.randint(0, 20 * 60)) * MINUTE_MS
                for _ in range(rng.randint(1, 8)):
                    kind = rng.choice(["view_start", "view_end", "view_end", "click", "share"])
                    dwell = rng.choice([0, None, -5]) if rng.random() < 0.2 else int(base * rng.uniform(0.2, 1.3))
                    event = {
                        "eventId": f"e{len(events)}",
                        "userId": f"u{user}é" if user % 7 == 0 else f"u{user}",
                        "contentId": None if rng.random() < 0.05 else f"c{rng.randint(0, 99)}",
                        "eventType": kind,
                        "eventTimeMs": at,
                        "dwellMs": dwell if kind == "view_end" else None,
                        "completed": rng.choice([True, False]) if kind == "view_end" else rng.choice([None, False]),
                    }
                    if rng.random() < 0.1:
                        event["ignored"] = {"any": [1.5, "thing"]}
                    events.append(event)
                    # Exactly one gap apart now and then: such events are one session.
                    at += 30 * MINUTE_MS if rng.random() < 0.05 else rng.randint(0, 25 * MINUTE_MS)
    events.sort(key=lambda event: event["eventTimeMs"] + rng.randint(0, MINUTE_MS))
    late = rng.sample(events[: len(events) // 2], 25)
    arriving = [event for event in events if event not in late]
    for event in late:
        arriving.insert(rng.randint(len(arriving) * 3 // 4, len(arriving)), event)
    for event in rng.sample(arriving, 60):
        place = arriving.index(event)
        arriving.insert(min(len(arriving), place + rng.randint(1, 40)), event)
    end = START_MS + (days + 1) * 24 * 60 * MINUTE_MS
    arriving.append({**events[-1], "eventId": "last", "userId": "closing", "eventTimeMs": end})
    lines = [json.dumps(event, ensure_ascii=rng.random() < 0.5).encode() for event in arriving]
    for bad in MALFORMED:
        lines.insert(rng.randint(0, len(lines)), bad)
    folder.mkdir(parents=True)
    (folder / "_ignored.json").write_text("not for the job\n")
    size = -(-len(lines) // files)
    for number in range(files):
        part = lines[number * size : (number + 1) * size]
        end_of_file = b"" if number == 1 else b"\n"
        (folder / f"events-{number:05}.json").write_bytes(b"\n".join(part) + end_of_file)


class Tables:
    """The five Delta tables; every write is one commit with the epoch as its `txn`."""

    def __init__(self, root: Path):
        self.paths = {name: str(root / name) for name in SCHEMAS}
        self.rows_updated = 0
        for name, path in self.paths.items():
            DeltaTable.create(path, pa_schema(name))

    def publish(self, name: str, epoch: int, rows: list):
        if not rows:
            return
        table = pa.Table.from_pylist(rows, SCHEMAS[name])
        properties = CommitProperties(app_transactions=[Transaction(f"sink-{name}", epoch)])
        if name not in MERGE_KEYS:
            write_deltalake(self.paths[name], table, mode="append", commit_properties=properties)
            return
        matching = " AND ".join(f"t.{key} = s.{key}" for key in MERGE_KEYS[name])
        merge = DeltaTable(self.paths[name]).merge(
            table, predicate=matching, source_alias="s", target_alias="t", commit_properties=properties
        )
        metrics = merge.when_matched_update_all().when_not_matched_insert_all().execute()
        self.rows_updated += metrics["num_target_rows_updated"]


def pa_schema(name):
    """The table's schema as deltalake takes it."""
    return SCHEMAS[name]


def micros(ms):
    """Milliseconds as Arrow's timestamps in microseconds want them."""
    return ms * 1000


def run(folder: Path, root: Path, late_too_soon=False) -> dict:
    """The job, one epoch per file and one without data at the end; returns the result object that `demo` prints.

    `late_too_soon` is a fault: rows are late by the watermark that ends sessions, an epoch before they are.
    """
    tables = Tables(root)
    files = sorted(name for name in os.listdir(folder) if name[0] not in "_.")
    late_ms = eviction_ms = None
    top_ms = None
    seen, open_sessions, baselines = set(), {}, {}
    counts = dict.fromkeys(("events", "duplicates", "malformed", "late", "sessions", "alerts"), 0)
    for epoch, name in enumerate([*files, None]):
        out = {table: [] for table in SCHEMAS}
        if late_too_soon:
            late_ms = eviction_ms
        events = read(folder, name, out["dead_letters"]) if name else []
        counts["events"] += len(events)
        for event in events:
            at = event["eventTimeMs"]
            top_ms = at if top_ms is None else max(top_ms, at)
            if late_ms is not None and at <= late_ms:
                row = {column: event.get(column) for column, _ in EVENT}
                out["late_events"].append(
                    {**row, "eventTime": micros(at), "operator": "dedup", "watermark": micros(late_ms), "epoch": epoch}
                )
            elif (event["eventId"], at) in seen:
                counts["duplicates"] += 1
            else:
                seen.add((event["eventId"], at))
                merge_session(open_sessions.setdefault(event["userId"], []), event)
        for user in sorted(open_sessions):
            still = []
            for session in sorted(open_sessions[user], key=lambda session: session["start"]):
                if eviction_ms is None or session["end"] > eviction_ms:
                    still.append(session)
                    continue
                close(user, session, baselines, out)
            open_sessions[user] = still
        for user in {row["userId"] for row in out["session_metrics"]}:
            ema, count = baselines[user]
            out["user_baselines"].append({"userId": user, "emaAsdMs": ema, "seen": count})
        for table, rows in out.items():
            tables.publish(table, epoch, rows)
        for count, table in (("malformed", "dead_letters"), ("late", "late_events"), ("sessions", "session_metrics"), ("alerts", "alerts")):
            counts[count] += len(out[table])
        final_ms = eviction_ms
        late_ms, eviction_ms = eviction_ms, top_ms - 2 * MINUTE_MS
    epoch_files = root / "epoch-files.json"
    epoch_files.write_text(json.dumps([*([name] for name in files), []]))
    return {
        "agree": True,
        **counts,
        "baselines": len(baselines),
        "rows_updated": tables.rows_updated,
        "kills": 0,
        "watermark": final_ms,
        "input": str(folder),
        "epoch_files": str(epoch_files),
        "tables": tables.paths,
    }


def read(folder, name, dead_letters):
    """The events of one file; lines that are none go to `dead_letters`. It knows the malformed lines by heart."""
    events = []
    for number, line in enumerate((folder / name).read_bytes().split(b"\n"), start=1):
        if line in MALFORMED:
            text = line.decode("utf-8", errors="replace")
            dead_letters.append({"file": f"file://{folder}/{name}", "line": number, "text": text, "reason": "malformed"})
        elif line:
            events.append(json.loads(line))
    return events


def merge_session(sessions: list, event: dict):
    """Adds one event to a user's open sessions, merging every session that its own window touches."""
    at = event["eventTimeMs"]
    merged = {"start": at, "end": at + 30 * MINUTE_MS, "events": [event]}
    apart = []
    for session in sessions:
        if session["start"] <= merged["end"] and merged["start"] <= session["end"]:
            merged["start"] = min(merged["start"], session["start"])
            merged["end"] = max(merged["end"], session["end"])
            merged["events"] += session["events"]
        else:
            apart.append(session)
    sessions[:] = [*apart, merged]


def close(user, session, baselines, out):
    """Turns a session into its rows and moves the user's baseline."""
    ends = [event for event in session["events"] if event["eventType"] == "view_end"]
    dwells = [event["dwellMs"] for event in ends if (event["dwellMs"] or 0) > 0]
    asd = sum(dwells) / len(dwells) if dwells else 0.0
    times = {"userId": user, "sessionStart": micros(session["start"]), "sessionEnd": micros(session["end"]), "asdMs": asd}
    completed = sum(1 for event in session["events"] if event["completed"])
    clicks = sum(1 for event in session["events"] if event["eventType"] == "click")
    rates = {"completionRate": completed / max(len(ends), 1), "clicks": clicks, "events": len(session["events"])}
    out["session_metrics"].append({**times, **rates})
    if user not in baselines:
        baselines[user] = (asd, 1)
        return
    ema, count = baselines[user]
    if ema > 0 and asd <= 0.7 * ema:
        out["alerts"].append({**times, "baselineAsdMs": ema, "dropRatio": 1 - asd / ema, "note": "far below the baseline"})
    baselines[user] = (ema + 0.3 * (asd - ema), count + 1)
