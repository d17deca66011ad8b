"""Tests of the random plans themselves: the same seed makes the same cases, and whatever is wrong with an answer is found.

pytest tests/campaign/random_plans_selftest.py
"""

import math
import sys
from decimal import Decimal
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import random_plans
import random_tables
import same_rows
from random_plans import Answer

SEED, CASES = 5, 400


@pytest.fixture(scope="module")
def tables():
    return [table for table, _ in random_tables.of_round(SEED, 0)]


@pytest.fixture(scope="module")
def cases(tables):
    return [random_plans.case_of(SEED, number, tables) for number in range(CASES)]


def test_a_seed_makes_the_same_tables_and_queries(tables, cases):
    one, other = ([repr(contents.to_pydict()) for _, contents in random_tables.of_round(SEED, 0)] for _ in range(2))
    assert one == other
    assert [random_plans.case_of(SEED, number, tables) for number in range(CASES)] == cases
    assert len({query.sql for query, _ in cases}) == CASES
    assert random_plans.case_of(SEED + 1, 0, tables)[0] != cases[0][0]


def test_every_join_type_and_operator_is_made(cases):
    used = set().union(*(query.features for query, _ in cases))
    joins = {f"join: {kind}" for kind in ("inner", "left", "right", "full", "left semi", "left anti", "cross", "null-safe", "several keys")}
    others = {"UNION ALL", "UNION", "INTERSECT", "EXCEPT", "DISTINCT", "HAVING", "LIMIT", "OFFSET", "CTE read twice", "window: rank"}
    assert joins | others <= used, (joins | others) - used


def test_a_case_is_run_in_two_ways_that_differ_in_tasks_adaptivity_and_budget(cases):
    for _, (one, other) in cases:
        one_settings, other_settings = dict(one.settings), dict(other.settings)
        assert one.engine != other.engine
        assert one_settings["spark.sql.shuffle.partitions"] == "1" != other_settings["spark.sql.shuffle.partitions"]
        assert one_settings["spark.sql.adaptive.enabled"] != other_settings["spark.sql.adaptive.enabled"]


def test_keys_filter_joins_whose_sides_are_both_exchanged(cases):
    adaptive = [dict(way.settings) for _, ways in cases for way in ways if dict(way.settings)["spark.sql.adaptive.enabled"] == "true"]
    exchanged = [settings for settings in adaptive if settings.get(random_plans.BROADCAST) == "-1"]
    assert {settings.get(random_plans.FILTERS, "true") for settings in exchanged} == {"true", "false"}


def test_tables_are_cut_into_files_that_hold_all_rows(tmp_path):
    made = random_tables.of_round(SEED, 0)
    paths = random_tables.write_round(SEED, 0, made, tmp_path)
    for table, contents in made:
        files = sorted(paths[table.name].glob("*.parquet"))
        rows = [row for file in files for row in random_tables.pq.read_table(file).to_pylist()]
        assert files and table.rows == contents.num_rows
        assert sorted(row["id"] for row in rows) == list(range(1, table.rows + 1))


ROWS = [(1, "a", 0.5), (1, "a", 0.5), (2, None, math.nan), (None, "b", -0.0)]


@pytest.mark.parametrize(
    ("found", "differs", "differs_in_order"),
    [
        (ROWS, False, False),
        (ROWS[::-1], False, True),
        (ROWS[1:], True, True),
        ([*ROWS, ROWS[0]], True, True),
        ([ROWS[0], ROWS[2], ROWS[2], ROWS[3]], True, True),
        ([*ROWS[:3], (None, "b", 0.0)], False, False),
        ([*ROWS[:3], (None, "b", 1e-12)], True, True),
        ([*ROWS[:3], (0, "b", 0.0)], True, True),
        ([(1, "a", 0.5 + 1e-12), *ROWS[1:]], False, False),
        ([(1, "a", 0.5 + 1e-6), *ROWS[1:]], True, True),
        ([(1, "a", Decimal("0.50")), *ROWS[1:]], False, False),
        ([(1.0, "a", 0.5), *ROWS[1:]], False, False),
        ([(True, "a", 0.5), *ROWS[1:]], True, True),
        ([], True, True),
    ],
)
def test_a_row_that_is_lost_doubled_changed_or_moved_is_found(found, differs, differs_in_order):
    assert bool(same_rows.difference(ROWS, found, ordered=False)) == differs
    assert bool(same_rows.difference(ROWS, found, ordered=True)) == differs_in_order


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ((Answer(ROWS), Answer(ROWS), Answer(ROWS)), None),
        ((Answer(ROWS), Answer(ROWS[1:]), Answer(ROWS)), "the first way differs from DuckDB"),
        ((Answer(ROWS), Answer(ROWS), Answer(ROWS[1:])), "the second way differs from DuckDB"),
        ((Answer(None, "no"), Answer(ROWS), Answer(ROWS[1:])), "the second way differs from the first way"),
        ((Answer(None, "no"), Answer(ROWS), Answer(ROWS)), None),
        ((Answer(ROWS), Answer(None, "no"), Answer(ROWS)), "only the first way is refused"),
        ((Answer(ROWS), Answer(None, "no"), Answer(None, "no")), "Tidemill refuses"),
        ((Answer(None, "no"), Answer(None, "no"), Answer(None, "no")), None),
    ],
)
def test_three_answers_are_held_to_each_other(answers, says):
    said = random_plans.verdict(*answers, ordered=True)
    assert said is None if says is None else says in said


@pytest.mark.parametrize(
    ("given", "figures", "code"),
    [
        ([], {}, 0),
        ([], {"differences": [{"what": "the first way differs from DuckDB: 1 rows, not 2"}]}, 1),
        ([], {"with_rows": 59}, 1),
        ([], {"features": {"join: full": {"cases": 1, "with_rows": 1}}}, 1),
        ([], {"refused_by_duckdb": {"no": 2}}, 1),
        (["--expect-failure"], {}, 1),
        (["--expect-failure"], {"differences": [{"what": "the first way differs from DuckDB: 1 rows, not 2"}]}, 0),
        # A query that is refused is no proof.
        (["--expect-failure"], {"differences": [{"what": "only the first way is refused: no answer"}]}, 1),
    ],
)
def test_figures_that_are_wrong_fail(given, figures, code):
    args = random_plans.arguments(["--cases", "100", *given])
    good = {
        "cases": 100,
        "with_rows": 60,
        "differences": [],
        "refused_by_duckdb": {},
        "features": {"join: full": {"cases": 2, "with_rows": 2}},
    }
    assert random_plans.exit_code(args, good | figures) == code
