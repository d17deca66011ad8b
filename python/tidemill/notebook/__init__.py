"""What a notebook shows of DataFrames and streaming queries: `%load_ext tidemill.notebook` gives `%%sql` and `%%stream`, `display(query)`
a live card, `picture(df)` the stages of a query. DataFrames show and plot themselves without it."""

from __future__ import annotations

from typing import Any

__all__ = ["display", "load_ipython_extension", "picture"]


def load_ipython_extension(ipython: Any) -> None:
    """What `%load_ext tidemill.notebook` calls."""
    from tidemill import _tidemill
    from tidemill.notebook.magics import TidemillMagics
    from tidemill.notebook.progress import ProgressDisplay
    from tidemill.notebook.shell import Panel, is_notebook

    ipython.register_magics(TidemillMagics)
    _tidemill.set_progress(ProgressDisplay(Panel) if is_notebook() else ProgressDisplay())


def __getattr__(name: str) -> Any:
    # IPython is there when they are called, and is not asked for before.
    if name == "display":
        from tidemill.notebook.live import display

        return display
    if name == "picture":
        from tidemill.notebook.explained import picture

        return picture
    raise AttributeError(f"module {__name__!r} has no {name!r}")
