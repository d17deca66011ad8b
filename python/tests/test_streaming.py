"""Streams: files to tables, functions of epochs, several sinks, listeners, failures."""

import json
import threading

import pytest

from tidemill.errors import PySparkValueError, StreamingQueryException, UnsupportedOperationException
from tidemill.sql import functions as F
from tidemill.sql.streaming import StreamingQueryListener, StreamSink


def arrive(folder, number, rows):
    """Lets a file arrive whole."""
    folder.mkdir(exist_ok=True)
    part = folder / f".{number}.part"
    part.write_text("".join(json.dumps(row) + "\n" for row in rows))
    part.rename(folder / f"{number:05}.json")


@pytest.fixture
def events(spark, tmp_path):
    """A stream of two files."""
    arrive(tmp_path / "in", 0, [{"id": 1, "user": "ada"}, {"id": 2, "user": "bob"}])
    arrive(tmp_path / "in", 1, [{"id": 3, "user": "ada"}])
    return spark.readStream.schema("id bigint, user string").json(str(tmp_path / "in"))


def test_a_table_gets_every_row_once_over_two_runs(spark, events, tmp_path):
    def run():
        writer = events.withColumn("twice", F.col("id") * 2).writeStream.option("checkpointLocation", str(tmp_path / "cp"))
        query = writer.trigger(availableNow=True).toTable(str(tmp_path / "out"))
        assert query.awaitTermination(60) is True
        return query

    first = run()
    assert first.lastProgress["sink"]["numOutputRows"] == 3 and first.lastProgress.numInputRows == 3
    assert not first.isActive and first.exception() is None
    arrive(tmp_path / "in", 2, [{"id": 4, "user": "eve"}])
    second = run()
    assert (second.id, second.runId != first.runId) == (first.id, True)
    rows = spark.read.format("delta").load(str(tmp_path / "out")).orderBy("id").collect()
    assert [tuple(row) for row in rows] == [(1, "ada", 2), (2, "bob", 4), (3, "ada", 6), (4, "eve", 8)]


def test_a_name_is_a_table_of_the_catalog(spark, events, tmp_path):
    query = events.writeStream.partitionBy("user").option("checkpointLocation", str(tmp_path / "cp")).trigger(once=True).toTable("heard")
    query.awaitTermination(60)
    assert spark.table("heard").count() == 3
    assert [column.name for column in spark.catalog.listColumns("heard") if column.isPartition] == ["user"]
    spark.sql("DROP TABLE heard").collect()


def test_memory_is_a_view_of_the_query_s_name(spark, events):
    query = events.writeStream.format("memory").queryName("seen").trigger(availableNow=True).start()
    query.awaitTermination(60)
    assert [row["n"] for row in spark.sql("SELECT count(*) AS n FROM seen").collect()] == [3]


def test_a_function_gets_each_epoch_as_a_dataframe(spark, events, tmp_path):
    seen, threads = [], set()

    def each(df, epoch):
        threads.add(threading.current_thread())
        seen.append((epoch, sorted(row["id"] for row in df.filter("id > 1").collect())))

    events.writeStream.foreachBatch(each).trigger(availableNow=True).start().awaitTermination(60)
    assert seen == [(0, [2, 3])] and threading.main_thread() not in threads


def test_a_function_of_each_epoch_takes_its_rows_through_arrow(spark, events):
    # pyarrow lets the GIL go while it takes them, on a thread that the engine has called Python from.
    seen = []
    events.writeStream.foreachBatch(lambda df, epoch: seen.append(df.toArrow().num_rows)).trigger(
        availableNow=True
    ).start().awaitTermination(60)
    assert seen == [3]


def test_foreach_opens_and_closes(spark, events):
    said = []

    class Each:
        def open(self, partition, epoch):
            said.append(("open", partition, epoch))
            return True

        def process(self, row):
            said.append(row["id"])

        def close(self, error):
            said.append(("close", error))

    events.writeStream.foreach(Each()).trigger(availableNow=True).start().awaitTermination(60)
    assert said[0] == ("open", 0, 0) and said[-1] == ("close", None) and sorted(said[1:-1]) == [1, 2, 3]


def test_an_exception_ends_the_query_with_its_traceback(spark, events, tmp_path):
    def fails(df, epoch):
        raise KeyError("nothing of that kind")

    query = events.writeStream.queryName("fails").foreachBatch(fails).start()
    with pytest.raises(StreamingQueryException, match=r"nothing of that kind") as raised:
        query.awaitTermination()
    message = str(raised.value)
    assert "Traceback" in message and "in fails" in message and query.id in message
    assert raised.value.getCondition() == "STREAM_FAILED" and not query.isActive
    assert spark.range(3).count() == 3


def test_several_sinks_share_an_epoch(spark, events, tmp_path):
    def path(name):
        return str(tmp_path / name)

    query = (
        spark.streamingQuery("both")
        .checkpointLocation(path("cp"))
        .trigger(availableNow=True)
        .add(events, StreamSink.deltaMerge(path("users"), "user").whenMatched("source.id > target.id"))
        .add(events.filter("id < 3"), StreamSink.deltaAppend(path("low")).named("low"))
        .withDeadLetters(events, StreamSink.deltaAppend(path("bad")))
    )
    arrive(tmp_path / "in", 2, [{"id": 9, "user": "cleo"}])
    with open(tmp_path / "in" / "00002.json", "a") as file:
        file.write("no json\n")
    # One row per key and epoch: the rows of a key come in files of their own.
    (tmp_path / "in" / "00001.json").unlink()
    query = query.start()
    query.awaitTermination(60)

    def rows(name):
        return sorted(tuple(row) for row in spark.read.format("delta").load(path(name)).collect())

    assert rows("users") == [(1, "ada"), (2, "bob"), (9, "cleo")] and rows("low") == [(1, "ada"), (2, "bob")]
    assert [row[2] for row in rows("bad")] == ["no json"]
    assert len(query.lastProgress["sinks"]) == 3


class Told(StreamingQueryListener):
    """Remembers what it was told."""

    def __init__(self, fails_at=None):
        self.events, self.fails_at, self.ended = [], fails_at, threading.Event()

    def tell(self, what, value):
        self.events.append((what, value))
        if what == self.fails_at:
            raise ValueError("the listener is tired")

    def onQueryStarted(self, event):
        self.tell("started", event.name)

    def onQueryProgress(self, event):
        self.tell("progress", event.progress.batchId)

    def onQueryTerminated(self, event):
        self.tell("terminated", event.exception)
        self.ended.set()


def test_a_listener_is_told_everything_in_order(spark, events):
    listener = Told()
    spark.streams.addListener(listener)
    try:
        query = events.writeStream.format("memory").queryName("told").trigger(availableNow=True).start()
        assert listener.ended.wait(60)
    finally:
        spark.streams.removeListener(listener)
    assert listener.events == [("started", "told"), ("progress", 0), ("terminated", None)] and query.exception() is None


def test_an_exception_in_a_listener_stops_the_query(spark, tmp_path):
    listener = Told(fails_at="progress")
    spark.streams.addListener(listener)
    try:
        rate = spark.readStream.format("rate").option("rowsPerSecond", 100).load()
        query = rate.writeStream.format("memory").queryName("tired").start()
        assert listener.ended.wait(60)
    finally:
        spark.streams.removeListener(listener)
    assert "the listener is tired" in str(query.exception()) and not query.isActive
    assert spark.range(2).count() == 2


def test_the_manager_knows_its_queries(spark, tmp_path):
    spark.streams.resetTerminated()
    rate = spark.readStream.format("rate").load()
    assert rate.isStreaming and rate.dtypes == [("timestamp", "timestamp"), ("value", "bigint")]
    query = rate.writeStream.format("memory").queryName("mine").start()
    assert query in spark.streams.active and spark.streams.get(query.id) is query
    assert query.awaitTermination(0.01) is False and spark.streams.awaitAnyTermination(0.01) is False
    query.stop()
    assert spark.streams.active == [] and spark.streams.get(query.id) is None
    assert spark.streams.awaitAnyTermination(30) is True
    assert query.status["message"] == "Stopped"


def test_groups_keep_their_state_over_restarts(spark, events, tmp_path):
    pandas = pytest.importorskip("pandas")

    def running(key, batches, state):
        count = state.get[0] if state.exists else 0
        count += sum(len(rows) for rows in batches)
        state.update((count,))
        yield pandas.DataFrame({"user": [key[0]], "n": [count]})

    def run():
        counted = events.groupBy("user").applyInPandasWithState(running, "user string, n bigint", "n bigint", "append", "NoTimeout")
        query = (
            counted.writeStream.option("checkpointLocation", str(tmp_path / "cp")).trigger(availableNow=True).toTable(str(tmp_path / "n"))
        )
        query.awaitTermination(60)

    run()
    arrive(tmp_path / "in", 2, [{"id": 4, "user": "ada"}])
    run()
    rows = sorted(tuple(row) for row in spark.read.format("delta").load(str(tmp_path / "n")).collect())
    assert rows == [("ada", 2), ("ada", 3), ("bob", 1)]


@pytest.mark.parametrize(
    ("made", "raised", "says"),
    [
        (lambda w: w.trigger(), PySparkValueError, "one trigger"),
        (lambda w: w.trigger(once=True, availableNow=True), PySparkValueError, "one trigger"),
        (lambda w: w.trigger(continuous="1 second").format("console").start(), UnsupportedOperationException, "not there"),
        (lambda w: w.outputMode("complete").format("console").start(), UnsupportedOperationException, "not there yet"),
        (lambda w: w.format("memory").start(), Exception, "query_name"),
        (lambda w: w.format("orc").option("checkpointLocation", "/nowhere").start("x"), Exception, "orc"),
        (lambda w: w.start("/tmp/x"), Exception, "checkpointLocation"),
    ],
)
def test_what_cannot_be_is_refused(events, made, raised, says):
    with pytest.raises(raised, match=says):
        made(events.writeStream)
