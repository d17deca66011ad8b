"""Judges a run of Tidemill's main job without any of Tidemill's code.

    tidemill demo --output json | python tests/oracle/oracle.py -
    python tests/oracle/oracle.py RESULT [--hashes OUT] [--min-updates N]

RESULT is the output of `demo --output json`; its last line counts. The raw files are recomputed in DuckDB, the tables are
read by the deltalake package and by DuckDB's Delta extension, and all are compared row for row. A table of checks is
printed. Exit code 0: everything agrees; 1: something differs, with the first rows that do; 2: there is nothing to judge.

From the result it reads: agree, events, duplicates, malformed, late, sessions, alerts, baselines, rows_updated, kills,
watermark (milliseconds or ISO 8601), input (the folder of raw files), epoch_files (a JSON file: per epoch the names of the files
that it read), tables (name to path).
"""

import argparse
import datetime
import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

import hashes
import tables as delta
from compare import Check, compare_rows, empty, equal, print_checks
from job import EVENT_FIELDS, TABLES, WATERMARK_DELAY_US
from lines import read_raw
from recompute import connect, file_faults, final_watermark_us, late_faults, recompute


def watermark_us(value) -> int:
    """The result's watermark in microseconds."""
    if isinstance(value, str):
        moment = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)
        return (moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1)
    return int(value) * 1000


def file_name(value: str) -> str:
    """The name alone: the job may write a path or a URL."""
    return value.rsplit("/", 1)[-1]


def judge(result: dict, min_updates: int = 1, second_reader=delta.by_duckdb):
    """All checks of one result, and the hashes of its tables: `{name: {"rows", "hash"}}`."""
    checks = [equal("the run says that it agrees", True, result["agree"])]
    lacking = sorted(set(TABLES) - set(result["tables"]))
    if lacking:
        return [*checks, Check("tables", ", ".join(TABLES), f"without {', '.join(lacking)}", False)], {}
    paths = {name: result["tables"][name] for name in TABLES}

    # Two readers that are not ours must read the same rows; what they read is then compared with the truth.
    found = {name: delta.by_deltalake(path) for name, path in paths.items()}
    again = second_reader(paths)
    summary = {}
    for name in TABLES:
        ours, theirs = (hashes.shown(hashes.table_hash(side[name])) for side in (found, again))
        summary[name] = {"rows": len(found[name]), "hash": ours}
        checks.append(equal(f"{name}: hash by deltalake, by DuckDB", ours, theirs))
        faults, commits = delta.log_faults(paths[name])
        checks.append(Check(f"{name}: log of {commits} commits", 0, len(faults), not faults, faults))

    for name, spec in TABLES.items():
        wanted = [*spec.get("key", ()), *spec.get("values", ()), *spec.get("free", ())]
        names = set(found[name].schema.names)
        if name == "late_events":
            # The time may stand there as the timestamp alone.
            wanted += [column for column in EVENT_FIELDS if column != "eventTimeMs" or "eventTime" not in names]
        checks.append(empty(f"{name}: columns that are not there", [column for column in wanted if column not in names]))
    # Whatever the run says of itself is looked into.
    if not all(check.ok for check in checks[1:]):
        return checks, summary

    found = {name: delta.in_microseconds(table) for name, table in found.items()}
    raw = read_raw(Path(result["input"]))
    epoch_files = json.loads(Path(result["epoch_files"]).read_text())
    checks.append(empty("epochs: every file is read once", file_faults(raw, epoch_files)))
    db = connect(raw, found["late_events"], epoch_files)
    top_ms = pc.max(raw.events.column("eventTimeMs")).as_py()
    final_us = final_watermark_us(db)
    if top_ms is not None:
        last_us = top_ms * 1000 - WATERMARK_DELAY_US
        checks.append(equal("watermark is the last event's time - 2 min", last_us, watermark_us(result["watermark"])))
        checks.append(equal("epochs: the last one runs by that watermark", last_us, final_us))
    for rule, faults in late_faults(db, raw).items():
        checks.append(empty(f"late_events: {rule}", faults))
    expected = recompute(db, final_us)
    checks.append(empty("copies of one event that differ", expected.conflicting))

    checks += compare_dead_letters(raw, found["dead_letters"])
    found_alerts = {(row["userId"], row["sessionStart"]) for row in found["alerts"].select(["userId", "sessionStart"]).to_pylist()}
    optional = expected.borderline - found_alerts
    expected.tables["alerts"] = pa.Table.from_pylist(
        [row for row in expected.tables["alerts"].to_pylist() if (row["userId"], row["sessionStart"]) not in optional],
        expected.tables["alerts"].schema,
    )
    for name in ("session_metrics", "user_baselines", "alerts"):
        checks += compare_rows(name, expected.tables[name], found[name], TABLES[name]["key"], TABLES[name]["values"])

    checks += [
        equal("events", len(raw.events), result["events"]),
        equal("duplicates", expected.duplicates, result["duplicates"]),
        equal("malformed", len(raw.malformed), result["malformed"]),
        equal("late", len(found["late_events"]), result["late"]),
        equal("sessions", len(expected.tables["session_metrics"]), result["sessions"]),
        equal("alerts", len(expected.tables["alerts"]), result["alerts"]),
        equal("baselines", len(expected.tables["user_baselines"]), result["baselines"]),
    ]
    # A user's row is inserted once, and each later session updates it at most once: fewer if an epoch brings several.
    most = pc.sum(expected.tables["user_baselines"].column("seen")).as_py() or 0
    most -= len(expected.tables["user_baselines"])
    updated = result["rows_updated"]
    checks.append(Check("rows updated by MERGE", f"{min_updates}..{most}", updated, min_updates <= updated <= most))
    return checks, summary


def compare_dead_letters(raw, found: pa.Table) -> list:
    """Every malformed line is there once, with its text wherever the text is UTF-8."""
    names = pa.array([file_name(value) for value in found.column("file").to_pylist()], pa.string())
    found = found.set_column(found.schema.get_field_index("file"), "file", names)
    found = found.set_column(found.schema.get_field_index("line"), "line", found.column("line").cast(pa.int64()))
    checks = compare_rows("dead_letters", raw.malformed, found, ("file", "line"), ())
    readable = raw.malformed.filter(pc.is_valid(raw.malformed.column("text")))
    texts = {(row["file"], row["line"]): row["text"].rstrip("\r") for row in readable.to_pylist()}
    wrong = [
        f"{row['file']}:{row['line']}: {row['text']!r}"
        for row in found.to_pylist()
        if (key := (row["file"], row["line"])) in texts and (row["text"] or "").rstrip("\r") != texts[key]
    ]
    return [*checks, empty("dead_letters: other text", wrong)]


def last_line(text: str) -> dict:
    """The result object: the last line that is not blank."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise ValueError("no output to judge")
    return json.loads(lines[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description="Judge a run of the main job with DuckDB and deltalake.")
    parser.add_argument("result", help="output of `tidemill demo --output json`, or - for standard input")
    parser.add_argument("--hashes", help="write the hash of every table to this file, for spark_read.py")
    parser.add_argument("--min-updates", type=int, default=1, help="rows that MERGE must have updated (default 1)")
    args = parser.parse_args()
    try:
        result = last_line(sys.stdin.read() if args.result == "-" else Path(args.result).read_text())
    except (OSError, ValueError) as error:
        print(f"oracle: {args.result}: {error}", file=sys.stderr)
        return 2
    checks, summary = judge(result, args.min_updates)
    print_checks(checks, sys.stdout)
    if args.hashes:
        Path(args.hashes).write_text(json.dumps(summary, indent=1) + "\n")
    failed = [check.name for check in checks if not check.ok]
    if failed:
        print(f"\noracle: {len(failed)} of {len(checks)} checks FAILED: {'; '.join(failed)}")
        return 1
    print(f"\noracle: all {len(checks)} checks passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
