"""How things end: the interpreter under functions and streams, interrupted queries, functions that stop their own query."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from tidemill.errors import IllegalArgumentException, PySparkRuntimeError
from tidemill.sql import functions as F
from tidemill.sql.streaming import StreamingQueryListener

HEAD = """
import os, signal, sys, threading, time
from tidemill.sql import SparkSession, functions as F
spark = SparkSession.builder.config("spark.sql.warehouse.dir", sys.argv[1]).getOrCreate()
begun = threading.Event()
def slow(v):
    begun.set()
    time.sleep(0.001)
    return v
def each(parts):
    for part in parts:
        begun.set()
        for _ in range(10_000):
            time.sleep(0.001)
        yield part
long = spark.range(10_000_000)
"""
UNDER = {
    "a function over values": "lambda: long.agg(F.sum(F.udf(slow, 'bigint')('id'))).collect()",
    "a function over batches": "lambda: long.mapInArrow(each, 'id bigint').count()",
    "a function over groups": "lambda: spark.range(9).groupBy('id').applyInArrow(held, 'id bigint').count()",
    "a stream": "lambda: streamed().awaitTermination()",
}
HELD = """
def streamed():
    rate = spark.readStream.format("rate").load()
    return rate.writeStream.foreachBatch(lambda df, epoch: slow(epoch)).start()
def held(rows):
    begun.set()
    for _ in range(100_000):
        time.sleep(0.001)
    return rows
"""


def run(code, folder):
    """A program of its own: its exit code, and what it said."""
    done = subprocess.run([sys.executable, "-c", HEAD + HELD + code, str(folder)], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("work", UNDER.values(), ids=UNDER.keys())
def test_the_interpreter_ends_under(work, tmp_path):
    code, said, errors = run(f"threading.Thread(target={work}, daemon=True).start()\nbegun.wait()\nprint('end')\n", tmp_path)
    assert (code, said) == (0, "end\n"), errors


def test_an_interrupted_function_lets_go_of_its_threads(tmp_path):
    program = """
def interrupted():
    begun.clear()
    threading.Thread(target=lambda: (begun.wait(), os.kill(os.getpid(), signal.SIGINT)), daemon=True).start()
    try:
        long.select(F.udf(slow, "bigint")("id")).collect()
    except KeyboardInterrupt:
        return True
print(interrupted(), interrupted(), interrupted(), spark.range(9).groupBy((F.col("id") % 3).alias("k")).count().count())
"""
    code, said, errors = run(program, tmp_path)
    assert (code, said) == (0, "True True True 3\n"), errors


@pytest.fixture
def rate(spark):
    """A stream that goes on."""
    return spark.readStream.format("rate").option("rowsPerSecond", 1000).load()


def test_a_function_stops_its_own_query(rate):
    said = []

    def each(df, epoch):
        [query] = df.sparkSession.streams.active
        with pytest.raises(PySparkRuntimeError, match="outside of foreachBatch"):
            query.processAllAvailable()
        query.stop()
        said.append(epoch)

    query = rate.writeStream.queryName("own").foreachBatch(each).start()
    assert query.awaitTermination(60) is True and said == [0] and query.exception() is None


def test_names_of_active_queries_are_their_own(rate):
    query = rate.writeStream.format("memory").queryName("one").start()
    with pytest.raises(IllegalArgumentException, match="is active"):
        rate.writeStream.format("memory").queryName("one").start()
    query.stop()
    rate.writeStream.format("memory").queryName("one").start().stop()


def test_a_listener_that_ends_its_thread_stops_the_query(spark, rate):
    class Ends(StreamingQueryListener):
        def onQueryStarted(self, event):
            pass

        def onQueryProgress(self, event):
            raise SystemExit(3)

        def onQueryTerminated(self, event):
            pass

    listener = Ends()
    spark.streams.addListener(listener)
    try:
        query = rate.writeStream.format("memory").queryName("ends").start()
        assert query.awaitTermination(60) is True if query.exception() is None else True
    except Exception as error:
        assert "SystemExit" in str(error)
    finally:
        spark.streams.removeListener(listener)
    assert "SystemExit" in str(query.exception())


def test_ctrl_c_leaves_other_threads_alone(spark):
    def slow(v):
        begun.set()
        return v

    begun, answers = threading.Event(), []
    other = threading.Thread(target=lambda: answers.append(spark.range(20_000).agg(F.count(F.udf(slow, "bigint")("id"))).first()[0]))
    other.start()
    begun.wait()
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        while True:
            spark.range(10**7).agg(F.sum("id")).collect()
    other.join(60)
    assert answers == [20_000]
