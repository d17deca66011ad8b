"""Tests of the comparison in ordered_rows.py: it accepts what may differ between two engines and rejects what may not.

    pytest tests/oracle/tpch_selftest.py
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from ordered_rows import CUT_OFF, difference, order_of  # noqa: E402

ROWS = [["A", "10.25", 3, 0.125], ["B", "7.00", 1, 2.5], ["C", "7.00", 4, None]]
BY_AMOUNT = [1]


def changed(row, column, value):
    rows = [list(row) for row in ROWS]
    rows[row][column] = value
    return rows


@pytest.mark.parametrize(
    "actual",
    [
        ROWS,
        changed(0, 1, "10.250"),  # a decimal of more places
        changed(0, 3, 0.125 * (1 + 1e-10)),
        changed(1, 3, "2.500000"),  # a decimal where the other engine has a double
        changed(1, 3, "2.5000004"),
        changed(1, 3, "2.5e0"),
        [ROWS[0], ROWS[2], ROWS[1]],  # a tie in ORDER BY's column
    ],
)
def test_accepts(actual):
    expected = changed(1, 3, 2.5000004) if actual[1][3] == "2.5000004" else ROWS
    assert difference(BY_AMOUNT, expected, actual) is None


@pytest.mark.parametrize(
    "actual",
    [
        ROWS[:2],
        ROWS + [ROWS[0]],
        [ROWS[0], ROWS[1], ROWS[1]],
        [ROWS[1], ROWS[0], ROWS[2]],  # against ORDER BY
        changed(0, 0, "a"),
        changed(0, 1, "10.26"),
        changed(0, 2, 4),
        changed(0, 3, 0.125 * (1 + 1e-8)),
        changed(1, 3, "2.500001"),
        changed(1, 3, "3e0"),  # a double: what it prints is no last place
        changed(2, 3, 0.0),  # null is not 0
        changed(2, 2, None),
        [row[:3] for row in ROWS],
    ],
)
def test_rejects(actual):
    assert difference(BY_AMOUNT, ROWS, actual) is not None


def test_a_decimal_may_be_cut_off_where_that_is_said():
    cut_off = changed(1, 3, "2.499999")
    assert difference(BY_AMOUNT, ROWS, cut_off, CUT_OFF) is None and difference(BY_AMOUNT, ROWS, cut_off) is not None
    assert difference(BY_AMOUNT, ROWS, changed(1, 3, "2.499998"), CUT_OFF) is not None
    assert difference(BY_AMOUNT, ROWS, changed(0, 1, "10.249999"), CUT_OFF) is not None


def test_without_order_rows_are_a_bag():
    assert difference([], ROWS, ROWS[::-1]) is None
    assert difference([], ROWS, [ROWS[0], ROWS[0], ROWS[1]]) is not None


@pytest.mark.parametrize(
    ("sql", "places"),
    [
        ("SELECT a, b FROM t", []),
        ("SELECT a, b FROM t ORDER BY b DESC, a LIMIT 3;", [1, 0]),
        ("SELECT a FROM (SELECT a FROM t ORDER BY a LIMIT 1) s", []),
        ("SELECT a, b FROM t\norder by\n  a asc;", [0]),
    ],
)
def test_order(sql, places):
    assert order_of(sql, ["a", "b"]) == places
