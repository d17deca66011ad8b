"""What the columns of a DataFrame's next step are called, where its input's names tell it for sure; None where only the engine knows.

Each step that is asked for a column would else have the engine resolve all steps before it, and a chain of n steps costs n². It is sure of
what holds whether upper and lower case count or not, and of names that are no paths.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tidemill.sql.column import Column

Names = list[str] | None


def _folded(name: str) -> str:
    # Some letters are alike in one of the two cases only.
    return name.upper().lower()


def alone(names: list[str], name: str) -> bool:
    """Whether a name means exactly one of these columns: it is written alike, no other is like it, and it is no path."""
    if name not in names or "." in name or "`" in name:
        return False
    folded = _folded(name)
    return sum(_folded(each) == folded for each in names) == 1


def _absent(names: list[str], name: str) -> bool:
    folded = _folded(name)
    return all(_folded(each) != folded for each in names)


def added(names: Names, new: Iterable[str]) -> Names:
    """After columns were added, or replaced where there is one of that name."""
    found = names
    for name in new:
        if found is None or not isinstance(name, str):
            return None
        if _absent(found, name):
            found = [*found, name]
        elif not alone(found, name):
            return None
    return found


def renamed(names: Names, pairs: dict[str, str]) -> Names:
    """After columns were renamed."""
    if names is None or not all(isinstance(name, str) for pair in pairs.items() for name in pair):
        return None
    # A name that one rename makes and another one reads is left to the engine.
    if any(_folded(new) == _folded(old) for new in pairs.values() for old in pairs):
        return None
    if not all(alone(names, old) or _absent(names, old) for old in pairs):
        return None
    return [pairs.get(name, name) for name in names]


def dropped(names: Names, cols: Iterable[Any]) -> Names:
    """After columns were left out by their names."""
    found = names
    for name in cols:
        if found is None or not isinstance(name, str):
            return None
        if alone(found, name):
            found = [each for each in found if each != name]
        elif not _absent(found, name):
            return None
    return found


def chosen(names: Names, cols: Iterable[Any]) -> Names:
    """After a selection, by names or of columns that have one."""
    found: list[str] = []
    for column in cols:
        if isinstance(column, Column):
            if column._label is None:
                return None
            found.append(column._label)
        elif names is None or not isinstance(column, str):
            return None
        elif column == "*":
            found += names
        elif alone(names, column):
            found.append(column)
        else:
            return None
    return found


def beside(left: Names, right: Names) -> Names:
    """Of all columns of both."""
    return None if left is None or right is None else left + right
