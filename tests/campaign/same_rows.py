"""Whether two answers are one: the same rows as often, in the same order where there is one.

Numbers are equal by value, whatever their type; a double may be off by a billionth; where one engine has a decimal and the other a
double, by one of the decimal's last place. -0.0 is 0.0, and NaN is NaN.
"""

import math
from collections import defaultdict
from decimal import Decimal

TOLERANCE = 1e-9
ROWS_SHOWN = 3


def same_value(one, other):
    """Whether two values are one."""
    if one is None or other is None:
        return one is other
    if isinstance(one, float) or isinstance(other, float):
        if isinstance(one, str | bool) or isinstance(other, str | bool):
            return False
        if math.isnan(one) or math.isnan(other):
            return math.isnan(one) and math.isnan(other)
        place = max((10.0 ** v.as_tuple().exponent for v in (one, other) if isinstance(v, Decimal)), default=0.0)
        return one == other or abs(float(one) - float(other)) <= 1.000001 * place + TOLERANCE * abs(float(one))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def same_row(one, other):
    """Whether two rows are one."""
    return len(one) == len(other) and all(map(same_value, one, other))


def looked_up(row):
    """A row as it can be found among others: what is equal to the last bit is equal in it."""
    return tuple((isinstance(v, bool), "NaN" if isinstance(v, float) and math.isnan(v) else v) for v in row)


def difference(expected, found, ordered):
    """The first difference between two lists of rows as text, or None."""
    if ordered:
        for number, (one, other) in enumerate(zip(expected, found), 1):
            if not same_row(one, other):
                return f"row {number} is {shown(other)}, not {shown(one)}"
        return f"{len(found)} rows, not {len(expected)}" if len(expected) != len(found) else None
    left = defaultdict(list)
    for row in found:
        left[looked_up(row)].append(row)
    missing = [row for row in expected if not taken(row, left[looked_up(row)])]
    extra = [row for rows in left.values() for row in rows]
    # What is left may still be the same but for a double's last bits.
    missing = [row for row in missing if not taken(row, extra)]
    if not missing and not extra:
        return None
    said = [f"{len(found)} rows, not {len(expected)}"] if len(expected) != len(found) else []
    said += [f"missing: {some(missing)}"] if missing else []
    said += [f"not expected: {some(extra)}"] if extra else []
    return "; ".join(said)


def taken(row, candidates):
    """Takes the row away from the candidates, if one of them is the same."""
    at = next((at for at, other in enumerate(candidates) if same_row(row, other)), None)
    if at is not None:
        candidates.pop(at)
    return at is not None


def shown(row):
    """A row as text."""
    return "(" + ", ".join("NULL" if v is None else str(v) if isinstance(v, Decimal) else repr(v) for v in row) + ")"


def some(rows):
    """The first of some rows as text, and how many there are."""
    return ", ".join(map(shown, rows[:ROWS_SHOWN])) + (f" and {len(rows) - ROWS_SHOWN} more" if len(rows) > ROWS_SHOWN else "")
