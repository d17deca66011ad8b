"""Whether two engines gave one answer to a query with ORDER BY: the same rows, in any order among those that agree in its columns. It runs
nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Any


def order_of(sql: str, columns: Sequence[str]) -> list[int]:
    """The places of the columns that the outermost ORDER BY names."""
    clause = re.split(r"\border\s+by\b", sql, flags=re.IGNORECASE)
    # What follows a closing bracket is not inside it: a subquery's ORDER BY is none of ours.
    if len(clause) == 1 or clause[-1].count(")") > clause[-1].count("("):
        return []
    keys = re.split(r"\blimit\b|;", clause[-1], flags=re.IGNORECASE)[0].split(",")
    names = [re.sub(r"\s+(asc|desc)\s*$", "", key.strip(), flags=re.IGNORECASE) for key in keys]
    return [columns.index(name) for name in names]


def last_place(text: str) -> float:
    """The last place of a decimal that was printed; a double with an exponent is no decimal."""
    return 0.0 if "e" in text.lower() else 10.0 ** int(Decimal(text).as_tuple().exponent)


# How far a double may be from a decimal that was rounded to its last place, and from one that was cut off there.
ROUNDED, CUT_OFF = 0.5, 1.0


def same(expected: Any, actual: Any, places: float = ROUNDED) -> bool:
    """Whether two values are one. A double may be off by a billionth, or from another engine's decimal by so much of its last place."""
    if expected is None or actual is None:
        return expected is actual
    try:
        if isinstance(expected, float) or isinstance(actual, float):
            rounding = max((places * last_place(value) for value in (expected, actual) if isinstance(value, str)), default=0.0)
            one, other = float(expected), float(actual)
            return one == other or abs(one - other) <= rounding * 1.000001 + 1e-9 * abs(one)
        return Decimal(expected) == Decimal(actual)
    except (InvalidOperation, ValueError):
        return bool(expected == actual)


def same_row(expected: Sequence[Any], actual: Sequence[Any], places: float = ROUNDED) -> bool:
    """Whether two rows are one."""
    return len(expected) == len(actual) and all(same(one, other, places) for one, other in zip(expected, actual))


def difference(
    order: Sequence[int], expected: Sequence[Sequence[Any]], actual: Sequence[Sequence[Any]], places: float = ROUNDED
) -> str | None:
    """The first difference between two answers, or None. Rows that agree in the columns of ORDER BY may come in any order."""
    if len(expected) != len(actual):
        return f"{len(actual)} rows, not {len(expected)}"
    at = 0
    for _, rows in groupby(expected, key=lambda row: [row[place] for place in order]):
        group = list(rows)
        left = list(actual[at : at + len(group)])
        for row in group:
            match = next((other for other in left if same_row(row, other, places)), None)
            if match is None:
                return f"from row {at + 1} on: {list(row)} is missing in {[list(other) for other in left[:3]]}"
            left.remove(match)
        at += len(group)
    return None
