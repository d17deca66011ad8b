"""`df.plot`, in PySpark's shape, on plotly: what is drawn comes from `plot_data`, and how it looks is decided here."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tidemill.errors import PySparkImportError, PySparkTypeError, PySparkValueError
from tidemill.notebook import plot_data

if TYPE_CHECKING:
    from plotly.graph_objs import Figure

    from tidemill.sql.dataframe import DataFrame

__all__ = ["PlotAccessor"]


class PlotAccessor:
    """Draws a DataFrame: `df.plot(kind="line", x=…, y=…)`, or `df.plot.line(x, y)`. Further arguments go to plotly."""

    def __init__(self, data: DataFrame) -> None:
        self.data = data

    def __call__(self, kind: str = "line", backend: str | None = None, **kwargs: Any) -> Figure:
        """A plot of a kind: `area`, `bar`, `barh`, `box`, `density` or `kde`, `hist`, `line`, `pie`, `scatter`."""
        if backend not in (None, "plotly"):
            raise PySparkValueError(
                f"there is no backend {backend!r} for plots: plotly is the one",
                errorClass="UNSUPPORTED_PLOT_BACKEND",
                messageParameters={"backend": str(backend), "supported_backends": "plotly"},
            )
        if kind not in _KINDS:
            known = ", ".join(sorted(_KINDS))
            raise PySparkValueError(
                f"there is no plot of the kind {kind!r}: say one of {known}",
                errorClass="UNSUPPORTED_PLOT_KIND",
                messageParameters={"plot_type": str(kind), "supported_plot_types": known},
            )
        if self.data.isStreaming:
            raise PySparkTypeError(
                "a stream has no rows before a query runs: write it to a table, and plot that", errorClass="UNSUPPORTED_OPERATION"
            )
        return _KINDS[kind](self.data, kwargs)

    def line(self, x: str, y: str | list[str], **kwargs: Any) -> Figure:
        """Lines through the rows in their order; of many rows, through some of them by chance."""
        return self(kind="line", x=x, y=y, **kwargs)

    def bar(self, x: str, y: str | list[str], **kwargs: Any) -> Figure:
        """Upright bars, for the first rows: `x` names them, `y` is their height."""
        return self(kind="bar", x=x, y=y, **kwargs)

    def barh(self, x: str | list[str], y: str, **kwargs: Any) -> Figure:
        """Lying bars, for the first rows: `y` names them, `x` is their length."""
        return self(kind="barh", x=x, y=y, **kwargs)

    def scatter(self, x: str, y: str, **kwargs: Any) -> Figure:
        """A point for each row; of many rows, for some of them by chance."""
        return self(kind="scatter", x=x, y=y, **kwargs)

    def area(self, x: str, y: str | list[str], **kwargs: Any) -> Figure:
        """Areas one upon the other, through the rows in their order; of many rows, through some of them by chance."""
        return self(kind="area", x=x, y=y, **kwargs)

    def pie(self, x: str, y: str | None = None, **kwargs: Any) -> Figure:
        """A pie of the first rows: `x` names the pieces, `y` is their size. With `subplots=True`, a pie for each numeric column."""
        return self(kind="pie", x=x, y=y, **kwargs)

    def box(self, column: str | list[str] | None = None, **kwargs: Any) -> Figure:
        """A box for each numeric column, or for these: quartiles, whiskers, and the values beyond them. `precision` (0.01) is the share of
        the rows by which a quartile may be off, `whis` (1.5) how far whiskers reach."""
        return self(kind="box", column=column, **kwargs)

    def kde(
        self,
        bw_method: int | float,
        column: str | list[str] | None = None,
        ind: Sequence[float] | int | None = None,
        **kwargs: Any,
    ) -> Figure:
        """The density of each numeric column, or of these, by Gaussian kernels of a bandwidth; at the points `ind`, or at so many."""
        return self(kind="kde", column=column, bw_method=bw_method, ind=ind, **kwargs)

    def hist(self, column: str | list[str] | None = None, bins: int = 10, **kwargs: Any) -> Figure:
        """A histogram of each numeric column, or of these, in bins that they share."""
        return self(kind="hist", column=column, bins=bins, **kwargs)


def _plotly(module: str) -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as missing:
        raise PySparkImportError(
            "plots need the packages plotly, numpy and pyarrow: pip install plotly numpy pyarrow", errorClass="PACKAGE_NOT_INSTALLED"
        ) from missing


def _figure(traces: list[Any]) -> Figure:
    """A figure with the margin that plotly.express leaves."""
    return _plotly("plotly.graph_objects").Figure(traces, layout={"margin": {"t": 60}})


def _noted(figure: Figure, said: str | None, more: str = f"how many are drawn at most is the setting {plot_data.MAX_ROWS}") -> Figure:
    """The figure with what is to be said of its rows below it, at the right; `more` is shown when one points at that."""
    if said:
        place = {"xref": "paper", "yref": "paper", "x": 1, "y": 0, "xanchor": "right", "yanchor": "top", "yshift": -44}
        figure.add_annotation(text=said, hovertext=more, showarrow=False, font={"size": 11}, opacity=0.75, **place)
    return figure


def _named_columns(frame: DataFrame, kwargs: dict[str, Any]) -> list[str]:
    """The columns that arguments name, be it `x`, `y`, `color` or `hover_data`. All, when `x` and `y` are not given."""
    if kwargs.get("x") is None and kwargs.get("y") is None:
        return []
    columns = set(frame.columns)
    said: set[str] = set()
    for key, value in kwargs.items():
        listed = value if isinstance(value, (list, tuple, dict)) else [value]
        # A title or labels may be worded like a column.
        if key not in ("title", "labels", "template"):
            said.update(each for each in listed if isinstance(each, str) and each in columns)
    for axis in ("x", "y"):
        given = kwargs.get(axis)
        for name in given if isinstance(given, (list, tuple)) else [given]:
            if name is not None and name not in columns:
                # The engine says which names are near.
                frame.select(plot_data.by_name(str(name))).schema  # noqa: B018
    return [name for name in frame.columns if name in said]


def _express(
    kind: str, rows: Callable[[DataFrame, Sequence[str]], plot_data.Sample], **fixed: Any
) -> Callable[[DataFrame, dict[str, Any]], Figure]:
    """A kind that plotly draws of rows."""

    def draw(frame: DataFrame, kwargs: dict[str, Any]) -> Figure:
        express = _plotly("plotly.express")
        found = rows(frame, _named_columns(frame, kwargs))
        return _noted(getattr(express, kind)(found.table, **fixed, **kwargs), found.note)

    return draw


def _pie(frame: DataFrame, kwargs: dict[str, Any]) -> Figure:
    express = _plotly("plotly.express")
    x, y = kwargs.pop("x", None), kwargs.pop("y", None)
    subplots = kwargs.pop("subplots", False)
    if y is None and not subplots:
        raise PySparkValueError(
            "a pie needs `y`, the column of its sizes, or subplots=True", errorClass="UNSUPPORTED_PIE_PLOT_PARAM", messageParameters={}
        )
    sizes = plot_data.numeric_columns(frame, y)
    if not subplots:
        sizes = sizes[:1]
    # Colours and texts may be columns, too.
    named = _named_columns(frame, {"x": x, "y": sizes, **kwargs})
    found = plot_data.first_rows(frame, named)
    pies = [express.pie(found.table, values=size, names=x, **kwargs) for size in sizes]
    if len(pies) == 1:
        return _noted(pies[0], found.note)
    figure = _plotly("plotly.subplots").make_subplots(
        rows=1, cols=len(pies), specs=[[{"type": "domain"}] * len(pies)], subplot_titles=sizes
    )
    for place, pie in enumerate(pies):
        figure.add_trace(pie.data[0], row=1, col=place + 1)
    return _noted(figure, found.note)


def _hist(frame: DataFrame, kwargs: dict[str, Any]) -> Figure:
    graph = _plotly("plotly.graph_objects")
    columns = plot_data.numeric_columns(frame, kwargs.pop("column", None))
    found = plot_data.histogram(frame, columns, kwargs.pop("bins", 10))
    edges = found.edges
    spans = [f"[{low:.9g}, {high:.9g})" for low, high in itertools.pairwise(edges)]
    spans[-1] = spans[-1][:-1] + "]"
    middles = [(low + high) / 2 for low, high in itertools.pairwise(edges)]
    bars = [
        graph.Bar(x=middles, y=counts, name=name, customdata=spans, hovertemplate="value in %{customdata}<br>count %{y:,}")
        for name, counts in found.counts.items()
    ]
    figure = _figure(bars)
    figure.update_layout(barmode="stack", bargap=0.04, xaxis_title="value", yaxis_title="count", showlegend=len(bars) > 1)
    figure.update_layout(**kwargs)
    return _noted(figure, f"without {found.left_out:,} values" if found.left_out else None, "NaN and infinite values have no place in it")


def _box(frame: DataFrame, kwargs: dict[str, Any]) -> Figure:
    graph = _plotly("plotly.graph_objects")
    columns = plot_data.numeric_columns(frame, kwargs.pop("column", None))
    reach, precision = kwargs.pop("whis", 1.5), kwargs.pop("precision", 0.01)
    points, notched = kwargs.pop("boxpoints", "suspectedoutliers"), kwargs.pop("notched", False)
    for name, value, known in (("boxpoints", points, ("suspectedoutliers", False)), ("notched", notched, (False,))):
        if value not in known:
            raise PySparkValueError(
                f"{name} is {' or '.join(map(repr, known))} here, not {value!r}: the rows stay in the engine",
                errorClass="UNSUPPORTED_PLOT_BACKEND_PARAM",
                messageParameters={
                    "backend": "plotly",
                    "param": name,
                    "value": str(value),
                    "supported_values": ", ".join(map(str, known)),
                },
            )
    figure = _figure([])
    for name, each in plot_data.box(frame, columns, reach, precision, bool(points)).items():
        figure.add_trace(
            graph.Box(
                x=[name],
                name=name,
                q1=[each.q1],
                median=[each.median],
                q3=[each.q3],
                mean=[each.mean],
                lowerfence=[each.low],
                upperfence=[each.high],
                y=[each.fliers] if each.fliers else None,
                boxpoints=points,
                notched=notched,
                **kwargs,
            )
        )
    return figure.update_layout(yaxis_title="value", showlegend=False)


def _kde(frame: DataFrame, kwargs: dict[str, Any]) -> Figure:
    graph = _plotly("plotly.graph_objects")
    columns = plot_data.numeric_columns(frame, kwargs.pop("column", None))
    points = kwargs.pop("ind", None)
    if points is not None and not isinstance(points, int):
        points = [float(each) for each in points]
    found = plot_data.density(frame, columns, kwargs.pop("bw_method", None), points)
    figure = _figure([graph.Scatter(x=found.points, y=heights, name=name, mode="lines") for name, heights in found.values.items()])
    figure.update_layout(yaxis_title="Density", showlegend=True)
    return figure.update_layout(**kwargs)


_KINDS: dict[str, Callable[[DataFrame, dict[str, Any]], Figure]] = {
    "area": _express("area", plot_data.sample),
    "bar": _express("bar", plot_data.first_rows),
    "barh": _express("bar", plot_data.first_rows, orientation="h"),
    "box": _box,
    "density": _kde,
    "hist": _hist,
    "kde": _kde,
    "line": _express("line", plot_data.sample),
    "pie": _pie,
    "scatter": _express("scatter", plot_data.sample),
}
