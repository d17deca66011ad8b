"""IPython, as far as this package needs it: whether a notebook runs, and places in its output whose content changes."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["Panel", "is_notebook"]


def is_notebook() -> bool:
    """Whether a kernel runs this program. IPython is not imported for that: who uses it has done so."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and getattr(shell, "kernel", None) is not None


class Panel:
    """A place in a notebook's output."""

    def __init__(self, html: str, plain: str = "") -> None:
        from IPython.display import DisplayHandle

        self._handle = DisplayHandle()
        self._handle.display(_bundle(html, plain), raw=True)

    def update(self, html: str, plain: str = "") -> None:
        """Shows this in place of what was there."""
        self._handle.update(_bundle(html, plain), raw=True)


def _bundle(html: str, plain: str) -> dict[str, Any]:
    return {"text/html": html, "text/plain": plain}
