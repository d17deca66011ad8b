"""What a notebook shows: tables, plots, magics, cards of streams, progress and pictures of stages. `data/behaviour_progress.json` is what
the demo's streaming query said of itself (offsets cut)."""

import copy
import html.parser
import io
import json
import math
import re
import subprocess
import sys
import threading
import xml.etree.ElementTree
from pathlib import Path

import pytest

from tidemill.errors import AnalysisException, IllegalArgumentException, PySparkTypeError, PySparkValueError, StreamingQueryException
from tidemill.notebook import plot_data
from tidemill.notebook.explained import ExplainString, picture
from tidemill.notebook.interpolation import interpolated
from tidemill.notebook.live import Watch, follow, query_card
from tidemill.notebook.markup import as_bytes, as_count, as_duration, text
from tidemill.notebook.progress import ProgressDisplay, progress_html, progress_text
from tidemill.notebook.sparkline import line
from tidemill.notebook.stage_picture import layers, stage_picture
from tidemill.notebook.stream_card import stream_card
from tidemill.notebook.table import table
from tidemill.sql import DataFrame
from tidemill.sql import functions as F

SCRIPT = "<script>alert('x')</script>"


@pytest.fixture(scope="module")
def reports():
    return json.loads((Path(__file__).parent / "data" / "behaviour_progress.json").read_text())


class Page(html.parser.HTMLParser):
    """The cells and the other texts of a page, read as a browser reads them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.rows, self.texts, self._cell = [], [], [], None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self._cell = ""

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.rows[-1].append(self._cell)
            self._cell = None

    def handle_data(self, data):
        if self._cell is not None:
            self._cell += data
        elif self.tags[-1:] != ["style"]:
            self.texts.append(data)


def svgs(page):
    """The pictures of a page; a picture that is no XML is an error."""
    return [xml.etree.ElementTree.fromstring(found) for found in re.findall(r"<svg.*?</svg>", page, re.S)]


# Tables


def test_nothing_is_imported_before_it_is_used():
    code = (
        "import sys, tidemill.sql, tidemill.notebook; from tidemill.sql import SparkSession;"
        "df = SparkSession.builder.getOrCreate().range(3); repr(df); df._repr_html_();"
        "print([each for each in ('IPython', 'plotly', 'pandas', 'numpy', 'pyarrow') if each in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"


def test_a_dataframe_shows_its_schema_or_its_rows_as_the_settings_say(spark):
    df = spark.createDataFrame([(1, SCRIPT, None), (2, "a|b\nc", 2.5), (3, "z", -1.0)], f"id int, `{SCRIPT}` string, x double")
    assert df._repr_html_() is None
    assert repr(df) == f"DataFrame[id: int, {SCRIPT}: string, x: double]"
    spark.conf.set("spark.sql.repl.eagerEval.enabled", True)
    # As in PySpark, `repr` shows the rows until a frontend asks for HTML.
    assert repr(spark.range(1)) == "+---+\n| id|\n+---+\n|  0|\n+---+\n"
    page = df._repr_html_()
    assert repr(df).startswith("DataFrame[id: int")
    assert "<script" not in page
    assert Page(page).rows == [["id", SCRIPT, "x"], ["1", "<script>alert('x'...", "NULL"], ["2", "a|b\\nc", "2.5"], ["3", "z", "-1.0"]]
    spark.conf.set("spark.sql.repl.eagerEval.maxNumRows", 1)
    spark.conf.set("spark.sql.repl.eagerEval.truncate", 5)
    page = Page(df._repr_html_())
    assert page.rows[1:] == [["1", "<s...", "NULL"]]
    assert page.texts == ["only showing top 1 row"]


def test_a_table_is_bounded(spark):
    wide = Page(table(spark.range(2).select(*[F.lit(place).alias(f"c{place}") for place in range(1000)])))
    assert [len(row) for row in wide.rows] == [200] * 3 and wide.texts == ["200 of 1,000 columns"]
    long = table(spark.createDataFrame([("x" * 1_000_000,)], ["n" * 1_000]), truncate=0)
    assert len(long) < 10_000 and Page(long).rows[1][0].endswith("...")
    many = Page(table(spark.range(60_000), rows=10**9))
    assert len(many.rows) == 50_001 and many.texts == ["only showing top 50000 rows"]


def test_a_table_of_odd_columns(spark):
    twice = spark.sql("SELECT 1 AS a, 2 AS a, 'b ' AS `c.d`, X'0102' AS e, array(1, NULL) AS f")
    assert Page(table(twice)).rows == [["a", "a", "c.d", "e", "f"], ["1", "2", "b", "[01 02]", "[1, NULL]"]]
    assert Page(table(twice.filter("f IS NULL"))).rows == [["a", "a", "c.d", "e", "f"]]
    assert text("a\x00\x1b[31m\u202eb\ud800") == "a\ufffd\ufffd[31m\ufffdb\ufffd"


# Plots


@pytest.fixture
def numbers(spark):
    """Numbers with values upon edges, and with all that is no number."""
    numpy = pytest.importorskip("numpy")
    pyarrow = pytest.importorskip("pyarrow")
    chance = numpy.random.default_rng(7)
    rounded = numpy.round(chance.normal(size=20_000), 1)
    rounded[:3] = [math.nan, math.inf, -math.inf]
    skewed = chance.exponential(3.0, size=20_000)
    made = pyarrow.table({"a": pyarrow.array(rounded, mask=numpy.arange(20_000) == 3), "b.c": skewed, "name": ["x"] * 20_000})
    return spark.createDataFrame(made), rounded[4:], skewed


@pytest.mark.parametrize("bins", [1, 2, 7, 10, 77])
def test_a_histogram_is_numpys(numbers, bins):
    import numpy

    df, a, b = numbers
    found = plot_data.histogram(df, ["a", "b.c"], bins)
    edges = numpy.linspace(min(a.min(), b.min()), max(a.max(), b.max()), bins + 1)
    assert found.edges == pytest.approx(edges, rel=0, abs=0)
    assert found.counts == {"a": numpy.histogram(a, edges)[0].tolist(), "b.c": numpy.histogram(b, edges)[0].tolist()}
    assert found.left_out == 3
    alone = plot_data.histogram(df, ["a"], bins)
    assert alone.counts["a"] == numpy.histogram(a, bins)[0].tolist()


@pytest.mark.parametrize(("low", "high", "bins"), [(0.0, 1.0, 11), (0.0, 1.0, 49), (-1.3, 2.9, 2), (0.1, 0.7, 6), (0.1, 0.7, 34)])
def test_values_beside_an_edge_are_in_their_bins(spark, low, high, bins):
    numpy = pytest.importorskip("numpy")
    edges = numpy.linspace(low, high, bins + 1)
    beside = [edges, numpy.nextafter(edges[1:], -9), numpy.nextafter(edges[:-1], 9)]
    values = numpy.concatenate(beside)
    df = spark.createDataFrame([(float(each),) for each in values], "v double")
    assert plot_data.histogram(df, ["v"], bins).counts["v"] == numpy.histogram(values, edges)[0].tolist()


def test_a_histogram_of_one_value_and_of_none(spark):
    assert plot_data.histogram(spark.sql("SELECT 5 AS v FROM range(3)"), ["v"], 2)[:2] == ([4.5, 5.0, 5.5], {"v": [0, 3]})
    with pytest.raises(PySparkValueError, match="no finite value"):
        plot_data.histogram(spark.sql("SELECT CAST(NULL AS INT) AS v"), ["v"], 2)
    with pytest.raises(PySparkValueError, match="bins is a number of at least 1"):
        plot_data.histogram(spark.range(3), ["id"], 0)


def test_a_box_has_duckdbs_quartiles(numbers):
    duckdb = pytest.importorskip("duckdb")
    df, _, skewed = numbers
    found = plot_data.box(df, ["a", "b.c"], 1.5, 0.0001, True)["b.c"]
    quartiles = "SELECT quantile_disc(v, [0.25, 0.5, 0.75]) FROM (SELECT unnest($1) AS v)"
    q1, median, q3 = duckdb.sql(quartiles, params=[skewed.tolist()]).fetchall()[0][0]
    assert (found.q1, found.median, found.q3) == pytest.approx((q1, median, q3), rel=0.001)
    assert found.mean == pytest.approx(skewed.mean())
    fence = found.q3 + 1.5 * (found.q3 - found.q1)
    assert (found.low, found.high) == (skewed.min(), skewed[skewed <= fence].max())
    outside = sorted(skewed[skewed > fence], reverse=True)
    assert len(outside) > 900 and found.fliers == outside[:1000]
    assert plot_data.box(df, ["b.c"], 1.5, 0.01, False)["b.c"].fliers == []


def test_a_density_is_that_of_gaussian_kernels(numbers):
    import numpy

    df, a, b = numbers
    found = plot_data.density(df, ["a", "b.c"], 0.3, 50)
    half = (max(a.max(), b.max()) - min(a.min(), b.min())) / 2
    points = numpy.linspace(min(a.min(), b.min()) - half, max(a.max(), b.max()) + half, 50)
    assert found.points == pytest.approx(points)
    for name, values in (("a", a), ("b.c", b)):
        kernels = numpy.exp(-0.5 * ((points[:, None] - values[None, :]) / 0.3) ** 2)
        exact = kernels.mean(axis=1) / (0.3 * math.sqrt(2 * math.pi))
        assert numpy.abs(numpy.array(found.values[name]) - exact).max() < 2e-4 * exact.max()
    assert plot_data.density(df, ["a"], 0.3, [0.0]).points == [0.0]
    with pytest.raises(PySparkValueError, match="bandwidth"):
        plot_data.density(df, ["a"], 0, None)


def test_few_rows_come_to_python_whatever_there_are(spark, monkeypatch):
    plotly = pytest.importorskip("plotly")
    pytest.importorskip("pyarrow")
    came = []
    to_arrow, collect = DataFrame.toArrow, DataFrame.collect
    monkeypatch.setattr(DataFrame, "toArrow", lambda self: came.append((table := to_arrow(self)).num_rows) or table)
    monkeypatch.setattr(DataFrame, "collect", lambda self: came.append(len(rows := collect(self))) or rows)
    spark.conf.set("spark.sql.pyspark.plotting.max_rows", 100)
    df = spark.range(300_000).select("id", (F.col("id") % 1000).alias("v"), F.lit(1).alias("unused"))
    drawn = df.plot.scatter("id", "v")
    assert isinstance(drawn, plotly.graph_objs.Figure)
    xs = list(drawn.data[0].x)
    assert len(xs) == 100 and xs == sorted(xs) and xs[0] < 30_000 and xs[-1] > 270_000
    assert drawn.layout.annotations[0].text == "100 of 300,000 rows, by chance"
    assert list(df.plot.scatter("id", "v").data[0].x) == xs
    bars = df.plot.bar("id", "v")
    assert list(bars.data[0].x) == list(range(100)) and bars.layout.annotations[0].text == "the first 100 rows"
    assert sum(df.plot.hist("v", bins=20).data[0].y) == 300_000
    df.plot.box(["v"])
    df.plot.kde(50, "v", ind=200)
    assert max(came) <= 300
    with pytest.raises(IllegalArgumentException, match="whole number"):
        spark.conf.set("spark.sql.pyspark.plotting.max_rows", "many")


def test_each_kind_draws_its_rows(spark):
    pytest.importorskip("plotly")
    pytest.importorskip("pyarrow")
    df = spark.createDataFrame([("A", 10, 1.5), ("B", 30, 2.5), ("C", 20, 3.5)], "category string, i int, `f.g` double")
    for kind in ("line", "bar", "area"):
        drawn = getattr(df.plot, kind)("category", ["i", "f.g"])
        assert [(each.name, list(each.x), list(each.y)) for each in drawn.data] == [
            ("i", ["A", "B", "C"], [10, 30, 20]),
            ("f.g", ["A", "B", "C"], [1.5, 2.5, 3.5]),
        ]
        assert not drawn.layout.annotations
    assert list(df.plot(kind="line", x="category", y="i").data[0].y) == [10, 30, 20]
    lying = df.plot.barh(x="i", y="category").data[0]
    assert (lying.orientation, list(lying.x), list(lying.y)) == ("h", [10, 30, 20], ["A", "B", "C"])
    assert [each.name for each in df.plot.scatter("i", "`f.g`".strip("`"), color="category", title="i").data] == ["A", "B", "C"]
    pie = df.plot.pie("category", "i").data[0]
    assert (list(pie.labels), list(pie.values)) == (["A", "B", "C"], [10, 30, 20])
    assert [list(each.values) for each in df.plot.pie("category", subplots=True).data] == [[10, 30, 20], [1.5, 2.5, 3.5]]
    assert [each.name for each in df.plot.box().data] == ["i", "f.g"]
    assert [each.name for each in df.plot(kind="density", bw_method=1).data] == ["i", "f.g"]
    decimals = spark.sql("SELECT CAST(1.25 AS DECIMAL(10, 2)) AS d, 'x' AS name").plot.bar("name", "d").data[0]
    assert list(decimals.y) == [1.25]


def test_what_cannot_be_drawn_is_pysparks_error(spark):
    pytest.importorskip("plotly")
    df = spark.createDataFrame([("A", 10)], "category string, number int")
    for wrong, condition in (
        (lambda: df.plot(kind="spiral"), "UNSUPPORTED_PLOT_KIND"),
        (lambda: df.plot(backend="matplotlib"), "UNSUPPORTED_PLOT_BACKEND"),
        (lambda: df.plot.pie("category", None), "UNSUPPORTED_PIE_PLOT_PARAM"),
        (lambda: df.plot.box(notched=True), "UNSUPPORTED_PLOT_BACKEND_PARAM"),
        (lambda: df.plot.line("category", "numbr"), "UNRESOLVED_COLUMN.WITH_SUGGESTION"),
    ):
        with pytest.raises((PySparkValueError, AnalysisException)) as raised:
            wrong()
        assert raised.value.getCondition() == condition
    with pytest.raises(PySparkTypeError, match=r"`category` is string \(columns: category, number\)") as raised:
        df.plot.hist("category")
    assert raised.value.getCondition() == "PLOT_INVALID_TYPE_COLUMN"


# Magics


@pytest.mark.parametrize(
    ("statement", "said", "named"),
    [
        ("SELECT 1", "SELECT 1", {}),
        ("SELECT '{\"a\": {\"b\": 1}}', '{{df}}'", "SELECT '{\"a\": {\"b\": 1}}', '{df}'", {}),
        ("FROM {df} WHERE x RLIKE 'a{3}'", "FROM {df} WHERE x RLIKE 'a{{3}}'", {"df": 7}),
        ("FROM {df}, '{{df}}', '{}'", "FROM {df}, '{{df}}', '{{}}'", {"df": 7}),
    ],
)
def test_variables_stand_in_braces_and_other_braces_stay(statement, said, named):
    assert interpolated(statement, {"df": 7, "other": 8}) == (said, named)


def test_an_unknown_variable_is_told_with_the_nearest():
    with pytest.raises(PySparkValueError, match=r"no variable for \{orderz\}: did you mean \{orders\}\?"):
        interpolated("FROM {orderz}", {"orders": 1})


@pytest.fixture
def shell(spark):
    """An IPython whose cells have the session as `spark`."""
    pytest.importorskip("IPython")
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.reset(new_session=False)
    shell.run_cell("%load_ext tidemill.notebook").raise_error()
    shell.run_cell("%reload_ext tidemill.notebook").raise_error()
    shell.user_ns["spark"] = spark
    yield shell
    InteractiveShell.clear_instance()


def shown_by(shell, cell):
    """What a cell shows: its tables, and its text."""
    from IPython.utils.capture import capture_output

    with capture_output() as captured:
        shell.run_cell(cell).raise_error()
    return [Page(each.data["text/html"]).rows for each in captured.outputs if "text/html" in each.data], captured


def test_sql_cells(shell, spark):
    shell.user_ns["orders"] = spark.createDataFrame([("ada", 9.5), ("bob", 20.0)], "customer string, amount double")
    shell.user_ns["least"] = 10
    tables, captured = shown_by(shell, "%%sql\nSELECT customer, '{\"a\": 1}' AS j FROM {orders} WHERE amount > {least}")
    assert tables == [[["customer", "j"], ["bob", '{"a": 1}']]]
    assert captured.outputs[0].data["text/plain"].startswith("+--------+--------+")
    assert shell.user_ns["_sqldf"].columns == ["customer", "j"]
    tables, captured = shown_by(shell, "%%sql big\nSELECT * FROM {orders}")
    assert tables == [] and captured.stdout == "DataFrame[customer: string, amount: double]\n"
    assert shell.user_ns["big"].count() == 2
    assert shown_by(shell, "%%sql big --limit 1\nSELECT customer FROM {orders}")[0] == [[["customer"], ["ada"]]]
    assert shown_by(shell, "%%sql --limit 0\nSELECT 1")[0] == []
    assert shown_by(shell, "%sql SELECT 1 + 1 AS two")[0] == [[["two"], ["2"]]]
    assert shown_by(shell, "%%sql\nCREATE TEMP VIEW v AS SELECT 1")[0] == []
    assert shown_by(shell, "%sql SELECT 1 AS id, 2 AS id")[0] == [[["id", "id"], ["1", "2"]]]
    polars = pytest.importorskip("polars")
    shell.user_ns["frame"] = polars.DataFrame({"p": [1, 2]})
    assert shown_by(shell, "%sql SELECT sum(p) AS s FROM {frame}")[0] == [[["s"], ["3"]]]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%%sql 1x\nSELECT 1", "'1x' is no name for a variable"),
        ("%%sql --limit -1\nSELECT 1", "a number of rows is not negative|expected one argument"),
        ("%%sql\nSELECT {shell}", "no variable for {shell}"),
        ("%%sql\nSELECT {spark}", "{spark} is a tidemill.sql.session.SparkSession"),
        ("%%sql\nSELEC 1", "SELEC"),
        ("%%stream --for 0\nSELECT 1", "seconds are a number greater than 0"),
        ("%%stream\nSELECT 1", "of no stream"),
        ("%%stream\nspark.range(3)", "of no stream"),
        ("%%stream\n1 + 1", "gives a int"),
    ],
)
def test_wrong_cells(shell, cell, message):
    with pytest.raises(Exception, match=message.replace("{", r"\{")):
        shown_by(shell, cell)


class Query:
    """A streaming query whose epochs are told beforehand: each wait is the next one."""

    def __init__(self, reports, failure=None, interrupt_at=None):
        self._reports, self._failure, self._interrupt_at = reports, failure, interrupt_at
        self.epoch, self.stopped, self.waits = 0, False, []
        self.name, self.id = "told", "0"

    @property
    def recentProgress(self):
        return self._reports[: self.epoch]

    @property
    def status(self):
        return {"message": "Processing new data", "isDataAvailable": True, "isTriggerActive": True}

    @property
    def isActive(self):
        return not self.stopped and self.epoch < len(self._reports)

    def exception(self):
        return self._failure if self.epoch >= len(self._reports) else None

    def awaitTermination(self, timeout=None):
        self.waits.append(timeout)
        self.epoch += 1
        if self.epoch == self._interrupt_at:
            raise KeyboardInterrupt
        if self.exception() is not None:
            raise self.exception()
        return not self.isActive

    def stop(self):
        self.stopped = True


def test_a_query_is_followed_until_it_ends_or_the_time_is_over(reports):
    query, epochs = Query(reports[:3]), []
    assert follow(query, lambda: epochs.append(query.epoch), 2.0, None)
    assert epochs == [0, 1, 2, 3] and query.waits == [2.0] * 3
    query, clock = Query(reports), iter([0.0, 0.0, 0.0, 2.0, 2.0, 4.5, 4.5, 5.0])
    assert not follow(query, lambda: None, 2.0, 5.0, clock=lambda: next(clock))
    assert query.waits == [2.0, 2.0, 0.5]
    query = Query(reports[:2], failure=StreamingQueryException("it broke"))
    assert follow(query, lambda: None, 1.0, None)
    assert "it broke" in query_card(query) and 'class="dot failed"' in query_card(query)


def test_a_watched_query_ends_with_its_last_card(reports):
    cards = []

    class Panel:
        def __init__(self, page):
            cards.append(page)

        def update(self, page):
            cards.append(page)

    watch = Watch(Query(reports), panel=Panel)
    watch.join(60)
    assert "no epoch yet" in cards[0] and "epoch 24" in cards[-1] and "stopped" in cards[-1]
    assert len(cards) == len(reports) + 2

    class Endless(Query):
        """Waits until it is no longer watched."""

        waited = threading.Event()

        def awaitTermination(self, timeout=None):
            self.waited.set()
            watch.stopped_in_wait.wait(60)
            return False

    query = Endless(reports)
    watch = Watch.__new__(Watch)
    watch.stopped_in_wait = threading.Event()
    watch.__init__(query, panel=Panel)
    assert query.waited.wait(60)
    watch.stop()
    watch.stopped_in_wait.set()
    watch.join(60)
    assert not watch._thread.is_alive() and not query.stopped


@pytest.mark.parametrize("interrupt_at", [None, 2])
def test_a_stream_shows_its_newest_rows_and_stops(spark, reports, interrupt_at):
    pytest.importorskip("IPython")
    from tidemill.notebook.magics import show_stream

    pages = []

    class Panel:
        def __init__(self, *page):
            pages.append(page)

        def update(self, *page):
            pages.append(page)

    query = Query(reports[:3], interrupt_at=interrupt_at)
    show_stream(query, lambda: spark.range(query.epoch * 10), seconds=60, every=1, rows=3, truncate=20, panel=Panel)
    assert query.stopped
    last = 30 if interrupt_at is None else 20
    assert Page(pages[-1][0]).rows == [["id"], *[[str(each)] for each in range(last - 3, last)]]
    assert Page(pages[0][0]).rows == [["id"]]
    assert f"| {last - 1}|" in pages[-1][1] and "stopped" in pages[-1][0]
    query = Query(reports[:3], failure=StreamingQueryException("it broke"))
    with pytest.raises(StreamingQueryException, match="it broke"):
        show_stream(query, lambda: spark.range(1), seconds=60, every=1, rows=3, truncate=20, panel=Panel)
    assert query.stopped and "it broke" in pages[-1][0]


class Writer:
    """A `writeStream` that notes what it is told, and whose sink is a view of ten rows."""

    def __init__(self, spark, reports):
        self._spark, self._reports, self.told = spark, reports, {}

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda value: self.told.update({name: value}) or self

    def start(self):
        self._spark.range(10).createOrReplaceTempView(self.told["queryName"])
        self.query = Query(self._reports[:2])
        return self.query


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("%%stream newest --for 60 --limit 2 --mode complete\ndf", {"queryName": "newest", "outputMode": "complete"}),
        ("%%stream --limit 2\nSELECT * FROM {df}", {"queryName": "_tidemill_stream", "outputMode": "append"}),
        ("%%stream --limit 2\n(df\n .filter('id > 1'))", {"queryName": "_tidemill_stream", "outputMode": "append"}),
    ],
)
def test_stream_cells(shell, spark, reports, monkeypatch, cell, told):
    writer = Writer(spark, reports)
    monkeypatch.setattr(DataFrame, "isStreaming", True)
    monkeypatch.setattr(DataFrame, "writeStream", writer, raising=False)
    shell.user_ns["df"] = spark.range(5)
    tables, captured = shown_by(shell, cell)
    assert writer.told == {"format": "memory", **told}
    # In a terminal what there is at the end is shown.
    assert tables == [[["id"], ["8"], ["9"]]] and "epoch 1" in captured.outputs[0].data["text/html"]
    assert writer.query.stopped
    # The rows stay where they were given a name.
    assert spark._engine.drop_temp_view(told["queryName"]) == (told["queryName"] == "newest")


# Cards of streams


def test_a_card_of_what_a_query_said(reports):
    card = stream_card(reports[:24], status={"message": "Waiting for data to arrive"})
    said = " ".join(Page(card).texts)
    last = reports[23]
    assert f"{last['inputRowsPerSecond']:,.0f}" in said and f"{last['processedRowsPerSecond']:,.0f}" in said
    assert "epoch 23" in said and "Waiting for data to arrive" in said
    # The demo's event files have 60,893 lines, of which 60 are malformed and 311 late.
    assert "60,893 in these 24 epochs" in said and "events.malformed 60" in said and "311 rows dropped by the watermark" in said
    assert "15:08:19" in said and "6 h 18 min behind the newest event" in said
    assert f"{sum(operator['numRowsTotal'] for operator in last['stateOperators']):,}" in said
    assert "DeltaSink[append to /data/tables/dead_letters]: 60 rows" in said
    pictures = svgs(card)
    assert len(pictures) == 5
    assert len([each for each in pictures[-1].iter() if each.tag.endswith("}g")]) == 24


def test_bars_are_as_tall_as_the_phases_took(reports):
    epoch = reports[6]
    bars = svgs(stream_card([epoch]))[-1]
    heights = {each.get("fill"): float(each.get("height")) for each in bars.iter() if each.tag.endswith("rect")}
    ours = epoch["tidemill"]
    assert heights["var(--p2)"] / heights["var(--p5)"] == pytest.approx(ours["runMs"] / ours["publishMs"], rel=0.02)
    assert sum(heights.values()) == pytest.approx(62, abs=0.5)
    sparks = svgs(stream_card([{**epoch, "tidemill": None}]))[-1]
    assert "add batch" in "".join(sparks.itertext()) and "run" not in "".join(sparks.itertext())


def test_a_card_is_escaped_and_bounded(reports):
    operator = reports[0]["stateOperators"][0]
    hostile = {
        **reports[0],
        "name": SCRIPT,
        "batchId": SCRIPT,
        "timestamp": SCRIPT,
        "inputRowsPerSecond": SCRIPT,
        "eventTime": {"watermark": SCRIPT, "max": SCRIPT},
        "stateOperators": [{**operator, "operatorName": SCRIPT}, {**operator, "numRowsTotal": math.nan}],
        "sources": [{"description": SCRIPT}] * 1000,
        "sinks": [{"description": f"{SCRIPT}{place}", "numOutputRows": -1} for place in range(1000)],
        "tidemill": {"runMs": SCRIPT, "sideRows": {f"{SCRIPT}{place}": 1 for place in range(1000)}},
    }
    card = stream_card([hostile] * 5000, status={"message": SCRIPT}, failure=None)
    assert "script" not in Page(card).tags and len(card) < 60_000 and "and 995 more" in card
    assert svgs(card)
    failed = stream_card([hostile], failure=SCRIPT + "x" * 10**6)
    assert "script" not in Page(failed).tags and len(failed) < 30_000 and 'class="dot failed"' in failed
    assert "no epoch yet" in stream_card([]) and "stopped" in stream_card([], active=False)
    assert "none yet" in stream_card([{"eventTime": {"watermark": "1970-01-01T00:00:00.000Z"}}])


def test_a_missing_value_leaves_a_gap_in_a_line():
    (drawn,) = svgs(line([1.0, 2.0, None, 4.0], "said"))
    pieces = [each.get("points").split() for each in drawn.iter() if each.tag.endswith("polyline")]
    assert [len(piece) for piece in pieces] == [2, 1]
    heights = [float(point.split(",")[1]) for piece in pieces for point in piece]
    # The greatest value is at the top; the others as far from the ground as they are large.
    ground = 34 - 3
    assert [(ground - each) / (ground - heights[-1]) for each in heights] == pytest.approx([0.25, 0.5, 1.0], abs=0.01)
    assert svgs(line([None], "said"))[0].find("{*}polyline") is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (as_count(12_345), "12,345"),
        (as_count(0.5), "0.5"),
        (as_count(1_234_567), "1.23 M"),
        (as_count(None), "\N{EM DASH}"),
        (as_duration(0.25), "0.25 ms"),
        (as_duration(999.9), "1.0 s"),
        (as_duration(59_990), "1 min 0 s"),
        (as_duration(7_500_000), "2 h 5 min"),
        (as_bytes(750_000), "732 KiB"),
    ],
)
def test_numbers_are_short(said, expected):
    assert said == expected


# Progress


def test_progress_as_text_and_html():
    stages = [(0, 4, 4, 1_200_000), (1, 2, 8, 40_321), (2, 0, 4, 0)]
    assert progress_text(stages, 100) == (
        "[Stage 1:====>            2/8 tasks, 40,321 rows] [Stage 2:>                     0/4 tasks, 0 rows]"
    )
    assert progress_text([(0, 4, 4, 7)]) == "" and progress_text([]) == ""
    assert all(len(progress_text([(stage, 0, 9, 0) for stage in range(50)], width)) <= width for width in (20, 80, 200))
    page = progress_html(stages)
    assert [float(each) for each in re.findall(r"width:([\d.]+)%\"", page)] == [100.0, 25.0, 0.0]
    assert "6 of 16 tasks" in page and "2 / 8 tasks · 40,321 rows" in page
    # Of many stages, those that are done are left out first.
    many = progress_html([(stage, int(stage < 40), 1, 0) for stage in range(50)])
    assert "Stage 49" in many and "Stage 0<" in many and "Stage 39" not in many and "and 38 more stages" in many


def test_a_display_of_progress_goes_away_with_its_action():
    stream = io.StringIO()
    display = ProgressDisplay(stream=stream)
    display(1, [(0, 1, 2, 5)])
    display(1, None)
    first, second, rest = stream.getvalue().split("\r")[1:]
    assert first.startswith("[Stage 0:") and second == " " * len(first) and rest == ""
    display(2, None)
    assert stream.getvalue().count("\r") == 3

    pages = []

    class Panel:
        def __init__(self, page):
            pages.append(page)

        update = pages.append

    display = ProgressDisplay(Panel)
    display(1, [(0, 1, 2, 5)])
    display(1, [(0, 2, 2, 9)])
    display(1, None)
    display(2, None)
    assert len(pages) == 3 and "1 / 2 tasks" in pages[0] and "2 / 2 tasks" in pages[1] and pages[2] == ""


# Pictures of stages


@pytest.fixture
def joined(spark, tmp_path):
    """A query of several stages, whose text has lines like those of an explanation."""
    spark.conf.set("spark.sql.shuffle.partitions", 3)
    for name, rows in (("a", 100_000), ("b", 1_000)):
        spark.range(rows).withColumn("k", F.col("id") % 7).write.parquet(str(tmp_path / name))
    a, b = (spark.read.parquet(str(tmp_path / name)) for name in ("a", "b"))
    return a.join(b, "k").groupBy("k").count().withColumn("t", F.lit(f"x\nStage 9: 4 tasks\nRoots: 9\n{SCRIPT}")).orderBy("k")


def test_the_stages_of_an_explanation(joined):
    graph = picture(joined).graph
    stages = graph["stages"]
    assert [each["id"] for each in stages] == list(range(len(stages))) and len(stages) > 3
    assert graph["roots"] == [len(stages) - 1]
    # What a stage reads is what its operators say that they read.
    for stage in stages:
        reads = sorted({int(each) for line in stage["operators"] for each in re.findall(r"StageReadExec: stage=(\d+)", line)})
        assert stage["inputs"] == reads
    assert stages[0]["tasks"] == 1 and stages[0]["output"].endswith("into 64") and stages[-2]["tasks"] == 3
    assert sum("Stage 9: 4 tasks" in line for stage in stages for line in stage["operators"]) == 1


def test_a_picture_of_stages(joined, capsys):
    explained = picture(joined)
    assert isinstance(explained, ExplainString) and repr(explained) == str(explained) == explained
    assert copy.deepcopy(explained).graph == explained.graph
    page = explained._repr_html_()
    (drawn,) = svgs(page)
    assert "script" not in Page(page).tags
    texts = ["".join(each.itertext()) for each in drawn.iter() if each.tag.endswith("}text")]
    stages = explained.graph["stages"]
    assert all(any(each.startswith(f"Stage {stage['id']} ·") for each in texts) for stage in stages)
    edges = [each for each in drawn.iter() if each.get("class") == "edge"]
    assert len(edges) == sum(len(stage["inputs"]) for stage in stages)
    # Explaining prints and returns nothing, as ever; without a notebook the picture is the text.
    assert joined.explain() is None
    plain = capsys.readouterr().out
    assert joined.explain(mode="picture") is None and capsys.readouterr().out == plain
    assert plain.startswith("== Physical Plan ==\nAdaptivePlan isFinalPlan=false: ") and "\nStage 0: " in plain


def boxes_of(page):
    """The place of each box: left, top, width, height."""
    (drawn,) = svgs(page)
    found = [each for each in drawn.iter() if (each.get("class") or "").startswith("box")]
    return [tuple(float(each.get(side)) for side in ("x", "y", "width", "height")) for each in found]


def test_stages_stand_below_their_inputs_and_upon_no_other():
    # Eight readers, joined in pairs, and one that is read by two.
    stages = [{"id": number, "tasks": 2, "inputs": [], "operators": ["Scan"] * (1 + number % 3)} for number in range(8)]
    stages += [{"id": 8 + place, "tasks": 2, "inputs": [2 * place, 7 - 2 * place], "operators": ["Join"]} for place in range(4)]
    stages += [{"id": 12, "tasks": 1, "inputs": [8, 9, 10, 11, 0], "operators": []}]
    assert layers(stages) == {**dict.fromkeys(range(8), 0), **dict.fromkeys(range(8, 12), 1), 12: 2}
    boxes = boxes_of(stage_picture({"stages": stages, "roots": [12]}))
    for stage in stages:
        for each in stage["inputs"]:
            assert boxes[each][1] + boxes[each][3] < boxes[stage["id"]][1]
    for one, (x, y, width, height) in enumerate(boxes):
        assert not any(x < ox + ow and ox < x + width and y < oy + oh and oy < y + height for ox, oy, ow, oh in boxes[one + 1 :])


def test_a_line_passes_beside_the_boxes_between():
    stages = [{"id": number, "tasks": 1, "inputs": inputs, "operators": ["x"] * 5} for number, inputs in enumerate([[], [0], [1], [0, 2]])]
    page = stage_picture({"stages": stages})
    (drawn,) = svgs(page)
    ways = [each.get("d") for each in drawn.iter() if each.get("class") == "way"]
    assert len(ways) == 2
    boxes = boxes_of(page)
    for path, (left, top, width, height) in zip(ways, boxes[1:3]):
        x, above, below = map(float, re.search(r"([\d.]+) ([\d.]+)V([\d.]+)$", path).groups())
        assert (above, below) == (top, top + height) and not left <= x <= left + width


def test_lines_cross_only_where_they_must():
    stages = [{"id": number, "tasks": 1, "inputs": [], "operators": []} for number in range(4)]
    stages += [{"id": 4 + number, "tasks": 1, "inputs": [3 - number], "operators": []} for number in range(4)]
    left = [x for x, _, _, _ in boxes_of(stage_picture({"stages": stages}))]
    assert [left[4 + number] for number in range(4)] == [left[3 - number] for number in range(4)]


def test_a_picture_is_bounded_and_bears_what_is_odd():
    many = stage_picture({"stages": [{"id": number, "inputs": [number - 1], "operators": ["x" * 10_000] * 500} for number in range(500)]})
    assert "the first 60 of 500 stages" in many and len(many) < 4_000_000 and "… 486 more" in many
    dense = stage_picture({"stages": [{"id": number, "inputs": list(range(number))} for number in range(60)]})
    assert len(dense) < 1_000_000 and len(boxes_of(dense)) == 60
    odd = {"stages": [{"id": 0, "tasks": 1, "inputs": [0, 5], "operators": [SCRIPT], "output": SCRIPT}, {"id": 5, "inputs": [0]}]}
    page = stage_picture(odd)
    assert "script" not in Page(page).tags and len(boxes_of(page)) == 2
    assert svgs(stage_picture({"stages": []}))
