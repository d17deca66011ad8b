"""Tests of what the comparison with the peers computes and decides, and of one pass with a stand-in for an engine.

pytest benches/python/peers/peers_selftest.py
"""

from __future__ import annotations

import datetime
import json
import math
import sys
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[2] / "tests" / "oracle")]

import accounting  # noqa: E402
import adaptive  # noqa: E402
import budgets  # noqa: E402
import figures  # noqa: E402
import machine  # noqa: E402
import one_pass  # noqa: E402
import report  # noqa: E402
import sorted_files  # noqa: E402
import worker  # noqa: E402
from engines import ENGINES, NotMeasured, Setting, command  # noqa: E402
from one_pass import Answer, Bounds, Pass  # noqa: E402
from query_sets import QuerySet  # noqa: E402
from series import Series, rotated  # noqa: E402
from venvs import last_line  # noqa: E402
from verdict import Verdict  # noqa: E402


def test_ratios_are_of_rounds() -> None:
    # The machine is half as fast in the second round: the ratios are the same.
    ours: list[figures.Round] = [{"a": 1.0, "b": 8.0, "c": 3.0}, {"a": 2.0, "b": 16.0, "c": 1.0}]
    theirs: list[figures.Round] = [{"a": 2.0, "b": 1.0}, {"a": 4.0, "b": 2.0}]
    found = figures.against(ours, theirs)
    assert found is not None
    assert found.geomean == pytest.approx(2.0) and found.least == pytest.approx(2.0) and found.most == pytest.approx(2.0)
    assert found.ratios == {"a": 0.5, "b": 8.0}
    assert found.worst == ("b", 8.0)


def test_the_median_of_rounds_has_a_spread() -> None:
    ours: list[figures.Round] = [{"a": 3.0}, {"a": 1.0}, {"a": 2.0}]
    found = figures.against(ours, [{"a": 1.0}] * 3)
    assert found is not None and (found.least, found.geomean, found.most) == pytest.approx((1.0, 2.0, 3.0))


def test_nothing_in_common_is_no_ratio() -> None:
    assert figures.against([{"a": 1.0}], [{"b": 1.0}]) is None
    assert figures.against([], [{"b": 1.0}]) is None
    # A query that one round lacks is left out of all.
    found = figures.against([{"a": 1.0, "b": 1.0}, {"a": 1.0}], [{"a": 1.0, "b": 9.0}] * 2)
    assert found is not None and list(found.ratios) == ["a"]


def test_medians_and_best() -> None:
    rounds: list[figures.Round] = [{"a": 3.0}, {"a": 1.0, "b": 5.0}, {"a": 2.5}]
    assert figures.medians(rounds) == {"a": 2.5, "b": 5.0}
    assert figures.best(rounds) == {"a": 1.0, "b": 5.0}


def test_behind_the_best_peer() -> None:
    peers: dict[str, figures.Round] = {"x": {"a": 1.0, "b": 1.0}, "y": {"a": 0.5}}
    assert figures.behind_best({"a": 1.0, "b": 1.4, "c": 9.0}, peers, 1.5) == {"a": (2.0, "y")}


def test_slowdown() -> None:
    found = figures.slowdown({"a": 4.0, "b": 1.0, "c": 7.0}, {"a": 1.0, "b": 1.0})
    assert found is not None and found.geomean == pytest.approx(2.0)
    assert (found.total, found.worst_query, found.worst) == (2.5, "a", 4.0)
    assert figures.slowdown({"a": 1.0}, {}) is None


def test_turns_begin_with_another_engine() -> None:
    assert [rotated(["a", "b", "c"], by) for by in range(4)] == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]]
    assert rotated([], 3) == []


def series(**rows: list[Any]) -> Series:
    """One query, by engine the rows of its answers in turn."""
    queries = QuerySet("test", "", ["Q1"], ["SELECT a, b FROM t ORDER BY a"])
    passes = {name: [Pass({1: [Answer(2.0, 1.0, 7, each, ["a", "b"])]}) for each in answers] for name, answers in rows.items()}
    return Series(queries, passes, {})


def test_a_wrong_answer_has_no_speed() -> None:
    right, wrong = [["1.10", 0.1 + 0.2]], [["1.11", 0.3]]
    verdict = Verdict(series(tidemill=[right, [["1.1", "0.3000000000000001"]]], duckdb=[right], polars=[right, wrong]))
    assert verdict.wrong.keys() == {"polars"}
    assert verdict.rounds("tidemill") == [{"Q1": 2.0}] * 2 and verdict.rounds("polars") == [{}, {}]
    assert report.summary(verdict)["against"].keys() == {"duckdb"}
    assert "NOT ALL as DuckDB's" in report.text(report.summary(verdict))


def test_what_has_no_measure_is_said_not_to_be_compared() -> None:
    verdict = Verdict(series(tidemill=[[["1", 2]]]))
    assert verdict.compared is False and "NOT COMPARED" in report.text(report.summary(verdict))


def test_what_failed_is_named_with_why() -> None:
    found = series(tidemill=[[["1", 2]]], duckdb=[[["1", 2]]])
    found.passes["tidemill"][0].answers[1] = [Answer(error="out of memory")]
    found.missing["spark"] = "no Java"
    text = report.text(report.summary(Verdict(found)))
    assert "Q1 of tidemill failed: out of memory" in text and "spark not measured: no Java" in text


def test_budgets_are_beside_the_largest() -> None:
    seconds = {8 * budgets.GIB: 1.0, 2 * budgets.GIB: 3.0}

    def one(memory: int) -> Series:
        found = series(tidemill=[[["1", 2]]], duckdb=[[["1", 2]]])
        found.passes["tidemill"][0].answers[1][0].seconds = seconds[memory]
        return found

    said = budgets.measure([2, 8], one)
    assert [(each["gib"], each["engines"]["tidemill"]["slowdown"]["total"]) for each in said["budgets"]] == [(8, 1.0), (2, 3.0)]
    assert [each["against"]["geomean"] for each in said["budgets"]] == pytest.approx([0.5, 1.5])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("0E-8"), "0.00000000"),
        (Decimal("12.340"), "12.340"),
        (datetime.date(1995, 1, 2), "1995-01-02"),
        (0.1, 0.1),
        (7, 7),
        (None, None),
        ("7", "7"),
    ],
)
def test_cells(value: Any, expected: Any) -> None:
    assert worker.cell(value) == expected and type(worker.cell(value)) is type(expected)


def test_lines_of_a_worker() -> None:
    assert one_pass.parsed('{"query": 3, "seconds": 1.5}') == (3, {"seconds": 1.5})
    assert one_pass.parsed('{"engine": "x", "version": "1"}') == (None, {"engine": "x", "version": "1"})
    assert one_pass.parsed("WARN: something") is None and one_pass.parsed("3") is None and one_pass.parsed("{}") is None


# An engine that answers each query with its number, dies at the second, and never answers the third.
STAND_IN = """
import json, os, sys
print(json.dumps({"engine": "stand-in", "version": "1"}), flush=True)
for number in map(int, sys.argv[1:]):
    if number == 2:
        sys.exit("error: too much")
    if number == 3:
        sys.stdin = open(os.pipe()[0])
        sys.stdin.read()
    print(json.dumps({"query": number, "seconds": 0.5, "rows": [[number]]}), flush=True)
"""


def passed(numbers: Sequence[int], script: str = STAND_IN, **most: float) -> Pass:
    bounds = Bounds(**{"query_s": math.inf, "memory_mib": math.inf, "until": math.inf, **most})
    return one_pass.run(lambda left: [sys.executable, "-c", script, *map(str, left)], numbers, bounds, {})


def test_a_query_that_ends_the_process_does_not_end_the_pass() -> None:
    found = passed([1, 2, 4])
    assert found.head["version"] == "1" and found.why is None
    assert [found.answers[number][0].rows for number in (1, 4)] == [[[1]], [[4]]]
    assert found.answers[2][0].error == "the process ended with 1: error: too much"


def test_a_process_that_never_begins_is_not_measured() -> None:
    nowhere = one_pass.run(lambda _: ["/nowhere/python"], [1], Bounds(1, 1, math.inf), {})
    assert nowhere.why is not None and "/nowhere/python" in nowhere.why
    assert passed([1, 2], "raise SystemExit('error: no Java')").why == "the process ended with 1: error: no Java"


def test_time_and_memory_are_bounded() -> None:
    assert passed([1, 3], until=time.monotonic()).answers == {number: [Answer(error="the budget was used up")] for number in (1, 3)}
    assert passed([3], query_s=0.1).answers[3][0].error == "stopped after 0.1 s"
    error = passed([3], memory_mib=1).answers[3][0].error
    assert error is not None and "MiB resident" in error


def test_counts_of_a_profile() -> None:
    profile = """== Physical Plan ==
AdaptivePlan isFinalPlan=true
Stage 0: 2 tasks, writes hash(k@0) into 64
  * ran in 1.77 s, 2 attempts; wrote 1500000 rows, 184.4 MiB; 168 blocks of 14.7 MiB went to disk
  AggregateExec: mode=Partial, gby=[], metrics=[output_rows=2, elapsed_compute=0.0 ms, spill_count=3, spilled_bytes=1.0 KiB]
    DataSourceExec: file_groups={1 group: [[broadcast: x.parquet]]}, metrics=[output_rows=2, elapsed_compute=0.0 ms]
Stage 1 became part of stage 2
  * empty branch: nothing reads it any more: it is not run
Stage 2: 1 task, reads 0
  * ran in 3 s, 1 attempt; wrote 1 row, 8 B; 1 block of 1 B went to disk
  * sort merge: a task would hold 3 MiB of stage 0
  * coalesce: 274.7 MiB in 64 buckets are read by 5 tasks, not 2
  SortExec: expr=[k@0 ASC], metrics=[output_rows=1, elapsed_compute=0.0 ms, spill_count=5, spilled_bytes=1.0 KiB]
    SortMergeJoinExec: join_type=Inner, metrics=[output_rows=1, elapsed_compute=0.0 ms, spill_count=1, spilled_bytes=1.0 KiB]
      SortExec: expr=[k@0 ASC], metrics=[output_rows=1, elapsed_compute=0.0 ms, spill_count=7, spilled_bytes=1.0 KiB]
        StageReadExec: stage=0, metrics=[output_rows=1, elapsed_compute=0.0 ms]
      SortExec: expr=[k@0 ASC], metrics=[output_rows=1, elapsed_compute=0.0 ms, spill_count=11, spilled_bytes=1.0 KiB]
Spilled: 24 files, Sorting
Rows: 1
"""
    rules, spills = adaptive.counts(profile)
    assert rules == {"empty branch": 1, "sort merge": 1, "coalesce": 1}
    assert spills == {"exchange": 169, "aggregate": 3, "sort": 5, "join build": 19}


def test_what_never_happened_is_named() -> None:
    said: dict[str, Any] = {"rules": {"skew": 0, "coalesce": 2}, "spills": {"exchange": 1, "sort": 0}}
    assert adaptive.none_of(said) == ["skew", "sort"]


def test_files_are_all_rows_in_order() -> None:
    expected = [[10, 77, 0]]
    assert sorted_files.misread(expected, [[10, 77, 0]]) is None
    for found in ([9, 77, 0], [10, 78, 0], [10, 77, 1]):
        assert sorted_files.misread(expected, [found]) is not None


def test_accounting_reads_what_the_kernel_writes() -> None:
    # Ticks of the process, then of its children that have ended, behind a name that holds blanks and brackets.
    stat = "7 (a b) c) S 1 7 7 0 -1 0 0 0 0 0 100 50 30 20 20 0 1 0 0"
    assert accounting.cpu_of(stat) == pytest.approx(200 * accounting.TICK)
    assert accounting.memory_of("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t 1024 kB\n", "VmHWM") == 2
    assert accounting.memory_of("", "VmHWM") == 0


def test_a_machine_at_work() -> None:
    assert machine.busy("cpu 0 0 0 0 0 0 0 0 0 0", "cpu 10 0 10 70 10 0 0 0 0 0") == pytest.approx(0.2)


def test_commands(tmp_path: Path) -> None:
    setting = Setting(tmp_path, tmp_path, memory=5, pythons={"duckdb": Path("python")})
    with pytest.raises(NotMeasured, match="cargo build"):
        command(ENGINES["tidemill"], setting, tmp_path / "q", [1], tmp_path)
    with pytest.raises(NotMeasured, match="environment"):
        command(ENGINES["polars"], setting, tmp_path / "q", [1], tmp_path)
    (tmp_path / "tpch").touch()
    assert "tidemill.memoryBytes=5" in command(ENGINES["tidemill"], setting, tmp_path / "q", [1], tmp_path)
    for name, flag in (("datafusion-linked", "--memory-bytes"), ("duckdb", "--memory")):
        words = command(ENGINES[name], setting, tmp_path / "q", [1, 4], tmp_path)
        assert words[words.index(flag) + 1] == "5" and [words[at + 1] for at, word in enumerate(words) if word == "--query"] == ["1", "4"]


def test_what_is_pinned_is_what_is_compared_with() -> None:
    for name, wanted in [("duckdb", "duckdb==2.0.0"), ("polars", "polars==2.1.0"), ("datafusion", "datafusion==55.0.0")]:
        assert wanted in (HERE / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    assert {path.stem for path in (HERE / "requirements").iterdir()} == {name for name, one in ENGINES.items() if not one.linked} | {"data"}


def test_the_last_error_is_what_is_told() -> None:
    assert last_line("error: unexpected argument\n\nFor more information, try '--help'.\n") == "error: unexpected argument"
    assert last_line("Traceback\nValueError: no\n\n") == "ValueError: no" and last_line("") == "it said nothing"


def test_answers_go_through_json() -> None:
    line = json.dumps({"query": 1, "seconds": 1.0, "cpu_seconds": 0.5, "peak_mib": 3, "columns": ["a"], "rows": [[1]]})
    said = one_pass.parsed(line)
    assert said is not None and Answer(**said[1]) == Answer(1.0, 0.5, 3, [[1]], ["a"])
