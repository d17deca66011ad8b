"""Tests of the oracle itself: it accepts the tables of a right run and rejects every way in which a run can be wrong.

    pytest tests/oracle/oracle_selftest.py

The right run is fake_job.py's, which shares no code with the oracle. An oracle that cannot fail would judge nothing.
"""

import copy
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import fake_job  # noqa: E402
import hashes  # noqa: E402
from lines import Malformed, parse_event  # noqa: E402
from oracle import judge, watermark_us  # noqa: E402
from tables import by_deltalake, by_duckdb  # noqa: E402


def by_deltalake_again(paths):
    """Saves the second process where the test is not about the readers."""
    return {name: by_deltalake(path) for name, path in paths.items()}


@pytest.fixture(scope="session")
def right_run(tmp_path_factory):
    """The folder and result of a right run; tests work on copies."""
    root = tmp_path_factory.mktemp("right")
    fake_job.generate(root / "input", seed=7, users=15, files=4)
    return root, fake_job.run(root / "input", root / "tables")


@pytest.fixture
def run(right_run, tmp_path):
    """A copy of the right run to be spoilt."""
    root, result = right_run
    shutil.copytree(root, tmp_path / "run")
    result = copy.deepcopy(result)
    result["input"] = str(tmp_path / "run" / "input")
    result["epoch_files"] = str(tmp_path / "run" / "tables" / "epoch-files.json")
    result["tables"] = {name: str(tmp_path / "run" / "tables" / name) for name in result["tables"]}
    return result


def failed(result, second_reader=by_deltalake_again):
    """The names of the checks that fail."""
    checks, _ = judge(result, second_reader=second_reader)
    return [check.name for check in checks if not check.ok]


def rewrite(result, name, change):
    """Replaces a table's rows by what `change` makes of them (a list of dicts)."""
    path = result["tables"][name]
    rows = DeltaTable(path).to_pyarrow_table().to_pylist()
    changed = change(rows)
    table = pa.Table.from_pylist(rows if changed is None else changed, fake_job.SCHEMAS[name])
    write_deltalake(path, table, mode="overwrite")


def set_value(row, column, value):
    """A change that sets one value."""

    def change(rows):
        rows[row][column] = value(rows[row][column]) if callable(value) else value

    return change


@pytest.mark.parametrize("seed", range(3))
def test_a_right_run_is_accepted(tmp_path, seed):
    fake_job.generate(tmp_path / "input", seed, users=15, files=5)
    result = fake_job.run(tmp_path / "input", tmp_path / "tables")
    assert failed(result, by_duckdb) == []
    # The input holds what the job is about, else the test proves nothing.
    assert min(result[count] for count in ("duplicates", "malformed", "late", "alerts", "rows_updated")) > 0


SPOILT = {
    "a session is missing": ("session_metrics", lambda rows: rows[1:], "session_metrics: missing"),
    "a session is there twice": ("session_metrics", lambda rows: [*rows, rows[3]], "session_metrics: keys twice"),
    "a session that nobody had": (
        "session_metrics",
        lambda rows: [*rows, {**rows[0], "userId": "nobody"}],
        "session_metrics: not expected",
    ),
    "an average is off by a little": (
        "session_metrics",
        set_value(0, "asdMs", lambda v: v * (1 + 1e-6) + 1e-6),
        "session_metrics: other values",
    ),
    "a rate is null": ("session_metrics", set_value(2, "completionRate", None), "session_metrics: other values"),
    "a click too many": ("session_metrics", set_value(4, "clicks", lambda v: v + 1), "session_metrics: other values"),
    "a session starts later": (
        "session_metrics",
        set_value(5, "sessionStart", lambda v: v.replace(microsecond=1)),
        "session_metrics: missing",
    ),
    "a baseline is stale": ("user_baselines", set_value(0, "emaAsdMs", lambda v: v + 1), "user_baselines: other values"),
    "a session counted twice": ("user_baselines", set_value(1, "seen", lambda v: v + 1), "user_baselines: other values"),
    "a user is there twice": ("user_baselines", lambda rows: [*rows, rows[0]], "user_baselines: keys twice"),
    "an alert is missing": ("alerts", lambda rows: rows[:-1], "alerts: missing"),
    "an alert is there twice": ("alerts", lambda rows: [*rows, rows[0]], "alerts: keys twice"),
    "an alert against the wrong baseline": ("alerts", set_value(0, "baselineAsdMs", lambda v: v + 1), "alerts: other values"),
    "a late row is missing": ("late_events", lambda rows: rows[1:], "late_events: late by the model, and not there"),
    "a late row is there twice": ("late_events", lambda rows: [*rows, rows[0]], "late_events: on time by the model"),
    "a late row that nobody sent": ("late_events", set_value(0, "dwellMs", 123_456_789), "late_events: on time by the model"),
    "a late row that was not late": (
        "late_events",
        set_value(0, "watermark", lambda v: v.replace(year=2025)),
        "late_events: on time by the model",
    ),
    "a watermark that no event made": (
        "late_events",
        set_value(0, "watermark", lambda v: v.replace(microsecond=17)),
        "late_events: on time by the model",
    ),
    "a dead letter is missing": ("dead_letters", lambda rows: rows[:-1], "dead_letters: missing"),
    "a dead letter is there twice": ("dead_letters", lambda rows: [*rows, rows[0]], "dead_letters: keys twice"),
    "a good line called dead": ("dead_letters", set_value(0, "line", lambda v: v + 1000), "dead_letters: not expected"),
    "a dead letter with another text": ("dead_letters", set_value(0, "text", "lost"), "dead_letters: other text"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_spoilt_table_is_rejected(run, what):
    name, change, check = SPOILT[what]
    rewrite(run, name, change)
    assert check in failed(run)


def test_an_event_on_time_cannot_be_called_late(run):
    """Hiding a good event among the late ones: the row is a raw event, its watermark is made up to be consistent."""
    late = DeltaTable(run["tables"]["late_events"]).to_pyarrow_table().to_pylist()
    first = json.loads(sorted(Path(run["input"]).glob("events-*"))[0].read_bytes().split(b"\n")[0])
    last = max(late, key=lambda row: row["epoch"])
    event = {column: first.get(column) for column, _ in fake_job.EVENT}
    hidden = {**last, **event, "eventTime": first["eventTimeMs"] * 1000}
    rewrite(run, "late_events", lambda rows: [*rows, hidden])
    run["late"] += 1
    assert {"late_events: on time by the model", "late_events: an earlier file made them late"} <= set(failed(run))


def test_a_run_that_calls_rows_late_an_epoch_too_soon_is_rejected(right_run, tmp_path):
    """Every table is right for the rows that such a run has kept: only a model of the watermark tells that they are too few."""
    root, right = right_run
    result = fake_job.run(root / "input", tmp_path / "tables", late_too_soon=True)
    assert result["late"] > right["late"], "the input has rows that would be late in the next epoch"
    assert "late_events: on time by the model" in failed(result)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (lambda epochs: epochs[1].clear(), "epochs: every file is read once"),
        (lambda epochs: epochs[3].append(epochs[1][0]), "epochs: every file is read once"),
        (lambda epochs: epochs[0].append("events-99999.json"), "epochs: every file is read once"),
        (lambda epochs: epochs.pop(), "epochs: the last one runs by that watermark"),
        # The files come in another order than they were read in: other rows would be late.
        (lambda epochs: epochs.insert(0, epochs.pop(2)), "late_events: on time by the model"),
        (lambda epochs: epochs.insert(1, []), "late_events: late by the model, and not there"),
    ],
)
def test_epochs_that_do_not_explain_the_tables_are_rejected(run, change, check):
    path = Path(run["epoch_files"])
    epochs = json.loads(path.read_text())
    change(epochs)
    path.write_text(json.dumps(epochs))
    assert check in failed(run)


@pytest.mark.parametrize("count", ["events", "duplicates", "malformed", "late", "sessions", "alerts", "baselines"])
def test_a_wrong_count_is_rejected(run, count):
    run[count] += 1
    assert failed(run) == [count]


def test_readers_that_differ_are_rejected(run):
    """A reader that sees another version of a table, as one would that misreads the log."""

    def stale(paths):
        return {**by_deltalake_again(paths), "alerts": DeltaTable(paths["alerts"], version=1).to_pyarrow_table()}

    assert failed(run, stale) == ["alerts: hash by deltalake, by DuckDB"]


def test_a_run_that_disagrees_with_itself_is_rejected(run):
    run["agree"] = False
    assert failed(run) == ["the run says that it agrees"]


def test_no_row_updated_is_rejected(run):
    run["rows_updated"] = 0
    assert failed(run) == ["rows updated by MERGE"]


def test_a_watermark_that_stopped_early_is_rejected(run):
    run["watermark"] -= 1
    assert "watermark is the last event's time - 2 min" in failed(run)


def test_a_table_that_is_not_there_is_rejected(run):
    del run["tables"]["alerts"]
    assert failed(run) == ["tables"]


def test_a_column_that_is_not_there_is_rejected(run):
    for name, column in (("alerts", "note"), ("late_events", "contentId"), ("session_metrics", "clicks")):
        rows = DeltaTable(run["tables"][name]).to_pyarrow_table()
        write_deltalake(run["tables"][name], rows.drop_columns([column]), mode="overwrite", schema_mode="overwrite")
        assert f"{name}: columns that are not there" in failed(run)


def test_an_epoch_committed_twice_is_rejected(run):
    """The rows are right again after the second commit, but the log tells."""
    path = run["tables"]["alerts"]
    app, version = "sink-alerts", DeltaTable(path).transaction_version("sink-alerts")
    rows = DeltaTable(path).to_pyarrow_table()
    properties = CommitProperties(app_transactions=[Transaction(app, version)])
    write_deltalake(path, rows, mode="overwrite", commit_properties=properties)
    found = failed(run)
    assert len(found) == 1 and found[0].startswith("alerts: log of")


def test_a_gap_in_the_log_is_rejected(run):
    """A vanished commit, behind a checkpoint that hides it from readers."""
    path = run["tables"]["dead_letters"]
    DeltaTable(path).create_checkpoint()
    Path(path, "_delta_log", f"{2:020}.json").unlink()
    assert any(name.startswith("dead_letters: log of") for name in failed(run))


def test_the_command_says_what_differs(run, tmp_path):
    rewrite(run, "alerts", lambda rows: rows[1:])
    output = tmp_path / "output.txt"
    output.write_text("epoch 1 ...\n" + json.dumps(run) + "\n\n")
    done = subprocess.run([sys.executable, str(HERE / "oracle.py"), str(output)], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "alerts: missing" in done.stdout and "the first 1:" in done.stdout
    empty = subprocess.run([sys.executable, str(HERE / "oracle.py"), "-"], input="", capture_output=True, text=True)
    assert empty.returncode == 2


def test_what_a_line_is():
    def line(**fields):
        event = {"eventId": "e", "userId": "u", "eventType": "click", "eventTimeMs": 1}
        return json.dumps({**event, **fields}).encode()

    def with_more(more):
        return line()[:-1] + b", " + more + b"}"

    deep = b'"x": ' + b"[" * 127 + b"]" * 127
    good = [line(), line(other=[1, {}]), line(completed=None), line(dwellMs=-(2**63)), line(userId="é\\u00e9"), b" " + line() + b" \r"]
    good += [with_more(deep), with_more(b'"USERID": "v"'), with_more(b'"userId": "v"')]
    for text in good:
        assert len(parse_event(text)) == 7
    assert parse_event(good[-1])[1] == parse_event(good[-2])[1] == "v"
    bad = [*fake_job.MALFORMED, b"", line(dwellMs=1.0), line(dwellMs="1"), line(completed="x"), line(userId=7), line(eventId=None)]
    bad += [b"\xef\xbb\xbf" + line(), with_more(deep.replace(b"[]", b"[[]]")), with_more(b'"userid": 7'), b"[" * 5000]
    bad += [line()[:-1] + b', "userId": 7, "userId": "u"}']
    for text in bad:
        with pytest.raises(Malformed):
            parse_event(text)


def test_hashes_forget_order_and_nothing_else():
    table = pa.table({"a": [1, 2, None], "b": ["x", "y", "n"], "c": [0.1, -0.0, float("nan")], "d": [True, None, False]})
    value = hashes.table_hash(table)
    assert value == hashes.table_hash(table.take([2, 0, 1])) == hashes.table_hash(table.select(["d", "c", "b", "a"]))
    assert value == sum(hashes.table_hash(table.slice(row, 1)) for row in range(3)) % hashes.MODULUS
    for other in (
        table.slice(1),
        pa.concat_tables([table, table]),
        table.set_column(2, "c", pa.array([0.1, 0.0, float("nan")])),
        table.set_column(0, "a", pa.array([1, 2, 0])),
        table.set_column(1, "b", pc.replace_substring(table["b"], "x", "xx")),
    ):
        assert hashes.table_hash(other) != value


def test_watermarks_are_read_as_milliseconds_or_iso():
    assert (
        watermark_us(1_767_225_600_001)
        == watermark_us("2026-01-01T00:00:00.001Z")
        == watermark_us("2026-01-01 00:00:00.001")
        == 1_767_225_600_001_000
    )
