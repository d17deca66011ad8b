"""Threads, garbage, forks and failures, for as long as it is told: no crash, no deadlock, no wrong answer.

    python benches/python/stress.py [--minutes 10]

Eight threads run queries at once; others raise exceptions in functions of the program, in `foreachBatch` and in listeners; garbage is
collected all the time; daemon threads are left behind; children are forked and spawned; and the interpreter ends while streams run.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import multiprocessing
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from typing import Any

from tidemill.errors import PythonException, StreamingQueryException
from tidemill.sql import SparkSession
from tidemill.sql import functions as F
from tidemill.sql.streaming import StreamingQueryListener

DONE: Counter[str] = Counter()
FAILED: list[str] = []


def answers(spark: SparkSession, draw: random.Random) -> None:
    """A query whose answer is known."""
    rows = draw.randint(1, 20_000)
    plus = F.udf(lambda v: v + 1, "bigint") if draw.random() < 0.3 else (lambda name: F.col(name) + 1)
    found = spark.range(rows).select(plus("id").alias("v")).agg(F.sum("v").alias("s"), F.count("*").alias("n")).first()
    assert tuple(found) == (rows * (rows + 1) // 2, rows), (found, rows)


def raises(spark: SparkSession, draw: random.Random) -> None:
    """A function that fails ends its query with its traceback."""

    def fails(v: int) -> int:
        if v == 77:
            raise ValueError("seventy-seven")
        return v

    try:
        spark.range(100).select(F.udf(fails, "bigint")("id")).collect()
    except PythonException as error:
        assert "seventy-seven" in str(error)
    else:
        raise AssertionError("nothing was raised")


def batches(spark: SparkSession, draw: random.Random) -> None:
    """Functions over batches, read to their end or not."""

    def twice(parts: Any) -> Any:
        for part in parts:
            yield part
            yield part

    rows = draw.randint(1, 50_000)
    doubled = spark.range(rows).mapInArrow(twice, "id bigint")
    if draw.random() < 0.5:
        assert doubled.count() == 2 * rows
    else:
        assert len(doubled.limit(3).collect()) == min(3, 2 * rows)


def streams(spark: SparkSession, draw: random.Random) -> None:
    """A stream into a function that may fail."""
    fails = draw.random() < 0.5
    seen = threading.Event()

    def each(df: Any, epoch: int) -> None:
        df.count()
        seen.set()
        if fails:
            raise RuntimeError("enough")

    rate = spark.readStream.format("rate").option("rowsPerSecond", 1000).load()
    query = rate.writeStream.foreachBatch(each).start()
    assert seen.wait(60)
    if fails:
        try:
            query.awaitTermination(60)
        except StreamingQueryException as error:
            assert "enough" in str(error)
    query.stop()
    assert not query.isActive and (query.exception() is not None) == fails, (fails, query.exception())


def collects(spark: SparkSession, draw: random.Random) -> None:
    """Garbage with frames and columns in circles."""
    circle: list[Any] = [spark.range(10).withColumn("x", F.col("id"))]
    circle.append(circle)
    del circle
    gc.collect()


WORK = [answers, raises, batches, streams, collects]


def worker(spark: SparkSession, seed: int, until: float) -> None:
    """Does this and that until it is time."""
    draw = random.Random(seed)
    while time.monotonic() < until and not FAILED:
        work = draw.choices(WORK, [10, 3, 3, 1, 2])[0]
        try:
            work(spark, draw)
        except BaseException as error:
            FAILED.append(f"{work.__name__}: {error!r}")
            raise
        DONE[work.__name__] += 1


class Tired(StreamingQueryListener):
    """Fails."""

    def onQueryStarted(self, event: Any) -> None:
        """Nothing."""

    def onQueryProgress(self, event: Any) -> None:
        """Nothing."""

    def onQueryTerminated(self, event: Any) -> None:
        """Fails, when nothing can be stopped any more."""
        raise ValueError("the listener is tired")


def forked(results: Any) -> None:
    """What a forked child can do: be refused."""
    try:
        SparkSession.active().range(3).count()
        results.put("answered")
    except RuntimeError as error:
        results.put("refused" if "fork" in str(error) else repr(error))


def forks() -> None:
    """A fork of a process that has used the engine is told so, and ends."""
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(target=forked, args=(results,))
    child.start()
    said = results.get(timeout=60)
    child.join(60)
    if said != "refused" or child.exitcode != 0:
        FAILED.append(f"a fork said {said!r} and ended with {child.exitcode}")
    DONE["forks"] += 1


def main() -> None:
    """Runs, and ends while streams run and daemon threads wait."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    args = parser.parse_args()
    faulthandler.enable()
    gc.set_threshold(50, 2, 2)
    spark = SparkSession.builder.config("spark.sql.warehouse.dir", tempfile.mkdtemp()).getOrCreate()
    spark.streams.addListener(Tired())
    until = time.monotonic() + args.minutes * 60
    threads = [threading.Thread(target=worker, args=(spark, seed, until)) for seed in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        threading.Event().wait(5)
        if not FAILED and time.monotonic() < until:
            forks()
        if time.monotonic() > until + 120:
            faulthandler.dump_traceback()
            sys.exit("threads do not end: a deadlock")
    print(", ".join(f"{name} {count}" for name, count in sorted(DONE.items())))
    if FAILED:
        sys.exit("\n".join(FAILED))
    # The interpreter ends under a stream, and with a daemon thread in a query.
    rate = spark.readStream.format("rate").option("rowsPerSecond", 100_000).load()
    rate.writeStream.foreachBatch(lambda df, epoch: df.count()).start()
    plus = F.udf(lambda v: v + 1, "bigint")
    for aggregate in (F.sum("id"), F.sum(plus("id"))):
        threading.Thread(target=lambda made: spark.range(10**12).agg(made).collect(), args=(aggregate,), daemon=True).start()
    rate.writeStream.foreachBatch(lambda df, epoch: df.count()).start().awaitTermination(1)
    print("the interpreter ends now")


main()
