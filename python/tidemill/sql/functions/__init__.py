"""Functions over columns, by PySpark's names: `from tidemill.sql import functions as F`. Functions of SQL that PySpark has none for are
here too (`F.bigint`), but for `import *`."""

from typing import Any

from tidemill.sql.functions import builtin, by_hand
from tidemill.sql.functions.builtin import *  # noqa: F403
from tidemill.sql.functions.by_hand import *  # noqa: F403

__all__ = [*builtin.__all__, *by_hand.__all__]


def __getattr__(name: str) -> Any:
    found = None if name.startswith("_") else getattr(builtin, name, None)
    if found is None or getattr(found, "__module__", None) != builtin.__name__:
        raise AttributeError(f"there is no function {name}: docs/functions.md lists those that are")
    return found
