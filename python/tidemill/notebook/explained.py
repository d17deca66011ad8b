"""`picture(df)`: a query's stages, which print as text and show as a picture in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidemill.notebook.stage_graph import graph_of_text
from tidemill.notebook.stage_picture import stage_picture

if TYPE_CHECKING:
    from tidemill.sql.dataframe import DataFrame

__all__ = ["ExplainString", "picture", "show_picture"]


class ExplainString(str):
    """What `explain` says of a query: a text, and a picture where pictures are shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return stage_picture(graph_of_text(self))


def picture(frame: DataFrame) -> ExplainString:
    """The stages of a query. Nothing runs."""
    return ExplainString(frame._frame.explain("simple"))


def show_picture(frame: DataFrame) -> None:
    """Shows the picture in a notebook, and prints the text elsewhere."""
    from tidemill.notebook.shell import is_notebook

    explained = picture(frame)
    if is_notebook():
        from IPython.display import display

        display(explained)
    else:
        print(explained)
