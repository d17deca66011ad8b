"""`%%sql` and `%%stream`: cells of SQL, and cells whose rows are shown while they come."""

from __future__ import annotations

import argparse
import ast
import shlex
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_cell_magic, magics_class, no_var_expand

from tidemill.notebook.interpolation import run
from tidemill.notebook.live import follow, query_card
from tidemill.notebook.shell import Panel, is_notebook
from tidemill.notebook.table import eager_rows, table
from tidemill.sql.dataframe import DataFrame
from tidemill.sql.session import SparkSession

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TidemillMagics", "show_stream"]


class _Arguments(argparse.ArgumentParser):
    """Arguments of a magic: what is wrong with them is an error of its cell."""

    def error(self, message: str) -> Any:
        raise UsageError(f"{self.prog}: {message}\n{self.format_usage().strip()}")

    def read(self, line: str) -> argparse.Namespace:
        try:
            words = shlex.split(line)
        except ValueError as error:
            self.error(str(error))
        return self.parse_args(words)


def _identifier(said: str) -> str:
    if not said.isidentifier():
        raise argparse.ArgumentTypeError(f"{said!r} is no name for a variable")
    return said


def _whole(said: str) -> int:
    number = int(said)
    if number < 0:
        raise argparse.ArgumentTypeError("a number of rows is not negative")
    return number


def _seconds(said: str) -> float:
    number = float(said)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("seconds are a number greater than 0")
    return number


_SQL = _Arguments(prog="%%sql", add_help=False)
_SQL.add_argument("name", nargs="?", type=_identifier)
_SQL.add_argument("--limit", type=_whole)

_STREAM = _Arguments(prog="%%stream", add_help=False)
_STREAM.add_argument("name", nargs="?", type=_identifier)
_STREAM.add_argument("--for", dest="seconds", type=_seconds, default=30.0)
_STREAM.add_argument("--every", type=_seconds, default=1.0)
_STREAM.add_argument("--limit", type=_whole)
_STREAM.add_argument("--mode", choices=("append", "update", "complete"), default="append")


@magics_class
class TidemillMagics(Magics):
    """The magics of this package."""

    def _session(self) -> SparkSession:
        """The notebook's `spark`, or the session of this process."""
        mine = self.shell.user_ns.get("spark")
        return mine if isinstance(mine, SparkSession) else SparkSession.builder.getOrCreate()

    @no_var_expand
    @line_cell_magic
    def sql(self, line: str, cell: str | None = None) -> None:
        """Runs a statement and shows its first rows.

        %%sql [name] [--limit N]

        `name` is a variable for the DataFrame; with it, rows are shown only when --limit says how many. `_sqldf` is the DataFrame in any
        case. {name} in the statement stands for a variable of the notebook: a DataFrame (of pandas or Polars, too), a Column, a text or a
        number; for the text {name} itself write {{name}}. `%sql SELECT …` is the same on a line, without arguments.
        """
        given = _SQL.read("" if cell is None else line)
        frame = run(self._session(), line if cell is None else cell, self.shell.user_ns)
        self.shell.user_ns["_sqldf"] = frame
        if given.name is not None:
            self.shell.user_ns[given.name] = frame
        if not frame.columns:
            return
        if frame.isStreaming or (given.name is not None and given.limit is None):
            print(repr(frame))
        elif given.limit != 0:
            _show_rows(frame, given.limit)

    @no_var_expand
    @cell_magic
    def stream(self, line: str, cell: str) -> None:
        """Runs a stream and shows its newest rows while they come, and how the query does.

        %%stream [name] [--for SECONDS] [--every SECONDS] [--limit N] [--mode append|update|complete]

        The cell is a statement, with {name} as in %%sql, or an expression that gives a DataFrame. It runs for 30 seconds if --for says
        nothing else, or until the kernel is interrupted; the rows stay in the temporary view `name`, if there is one.
        """
        given = _STREAM.read(line)
        spark = self._session()
        frame = self._frame(spark, cell)
        if not frame.isStreaming:
            raise UsageError("%%stream: the rows are of no stream (spark.readStream): show them by %%sql or display(df)")
        name = given.name or "_tidemill_stream"
        query = frame.writeStream.format("memory").queryName(name).outputMode(given.mode).start()
        shown = eager_rows(spark.conf)
        try:
            show_stream(
                query,
                lambda: spark.table(name),
                seconds=given.seconds,
                every=given.every,
                rows=shown.rows if given.limit is None else given.limit,
                truncate=shown.truncate,
            )
        finally:
            if given.name is None:
                spark._engine.drop_temp_view(name)

    def _frame(self, spark: SparkSession, cell: str) -> DataFrame:
        try:
            tree = ast.parse(cell.strip(), mode="eval")
        except SyntaxError:
            return run(spark, cell, self.shell.user_ns)
        found = eval(compile(tree, "<%%stream>", "eval"), self.shell.user_ns)
        if not isinstance(found, DataFrame):
            raise UsageError(f"%%stream: the cell gives a {type(found).__name__}, and no DataFrame")
        return found


def _show_rows(frame: DataFrame, limit: int | None) -> None:
    """The first rows, as a table and as text. The query runs once: both are of the rows that it gave."""
    rows, truncate = eager_rows(frame.sparkSession.conf)
    rows = rows if limit is None else limit
    held = frame.limit(rows + 1).localCheckpoint()
    Panel(table(held, rows, truncate), held._shown(rows, truncate, False))


def show_stream(
    query: Any,
    sink: Callable[[], DataFrame],
    *,
    seconds: float,
    every: float,
    rows: int,
    truncate: int,
    panel: Callable[[str, str], Any] = Panel,
) -> None:
    """Shows a query's newest rows and its card for so long, or until an interrupt, and stops it. What it failed with is raised."""
    place: Any = None

    def now() -> tuple[str, str]:
        found = sink()
        newest = found.offset(max(0, found.count() - rows)).limit(rows)
        return table(newest, rows, truncate) + '<div style="height:8px"></div>' + query_card(query), newest._shown(rows, truncate, False)

    def show() -> None:
        nonlocal place
        # A terminal has no place that changes: it gets what there is at the end.
        if place is not None:
            place.update(*now())
        elif panel is not Panel or is_notebook():
            place = panel(*now())

    try:
        follow(query, show, every, seconds)
    except KeyboardInterrupt:
        # That is how one ends it.
        pass
    finally:
        query.stop()
    if place is not None:
        place.update(*now())
    else:
        panel(*now())
    if (failure := query.exception()) is not None:
        raise failure
