"""Whether this program is a notebook: whether IPython runs it, and shows HTML."""

from __future__ import annotations

import sys

__all__ = ["is_notebook"]


def is_notebook() -> bool:
    """Whether a kernel runs this program. IPython is not imported for that: who uses it has done so."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and getattr(shell, "kernel", None) is not None
