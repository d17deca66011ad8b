"""`picture(df)`: a query's stages, which print as text and show as a picture in a notebook."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tidemill.notebook.stage_picture import stage_picture

if TYPE_CHECKING:
    from tidemill.sql.dataframe import DataFrame

__all__ = ["ExplainString", "picture", "show_picture"]


class ExplainString(str):
    """What `explain` says of a query: a text, and a picture where pictures are shown."""

    graph: dict[str, Any]
    """The stages as data: `StageGraph::to_json` says how."""

    def __new__(cls, text: str = "", graph: dict[str, Any] | None = None) -> ExplainString:
        """A text with its picture."""
        made = super().__new__(cls, text)
        made.graph = graph or {"stages": [], "roots": []}
        return made

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return stage_picture(self.graph)


def picture(frame: DataFrame, analyze: bool = False) -> ExplainString:
    """The stages of a query. Nothing runs, unless it is to be analyzed: then it runs, its rows are dropped, and text and data say how its
    stages and operators did."""
    if analyze:
        text, graph = frame._frame.explain_analyze()
        return ExplainString(text, json.loads(graph))
    return ExplainString(frame._frame.explain("simple"), json.loads(frame._frame.stages()))


def show_picture(frame: DataFrame) -> None:
    """Shows the picture in a notebook, and prints the text elsewhere."""
    from tidemill.notebook.shell import is_notebook

    explained = picture(frame)
    if is_notebook():
        from IPython.display import display

        display(explained)
    else:
        print(explained)
