"""Handlers of a session, which are told how far long queries are."""

import time

import pytest

from tidemill.sql import functions as F
from tidemill.sql.progress import StageInfo, told_as_in_spark
from tidemill.sql.types import LongType


def test_what_a_handler_gets():
    heard = []
    told = told_as_in_spark(lambda **given: heard.append(given))
    told([(0, 4, 4, 0, 100), (1, 2, 0, 2, 0)], 2, "q", False)
    told([(0, 4, 4, 0, 100), (1, 2, 2, 0, 7)], 0, "q", True)
    assert heard[0] == {
        "stages": [StageInfo(0, 4, 4, 0, False, 100), StageInfo(1, 2, 0, 0, True, 0)],
        "inflight_tasks": 2,
        "operation_id": "q",
        "done": False,
    }
    assert (heard[1]["done"], heard[1]["stages"][1].still_running) == (True, False)


def test_a_long_query_is_told_of(spark):
    heard, others = [], []

    def handler(*, stages, inflight_tasks, operation_id, done):
        heard.append((operation_id, inflight_tasks, done, list(stages)))

    def other(**given):
        others.append(given)
        raise ValueError("whoever listens is no part of the query")

    # A function that ends when the handlers have heard of it: nobody waits for a clock.
    def until_heard(n):
        ends = time.monotonic() + 60
        while not (heard and others) and time.monotonic() < ends:
            time.sleep(0.01)
        return n

    spark.registerProgressHandler(handler)
    spark.registerProgressHandler(handler)
    spark.registerProgressHandler(other)
    assert spark.range(1).select(F.udf(until_heard, LongType())("id").alias("n")).collect()[0].n == 0
    names = {operation for operation, *_ in heard}
    assert len(names) == 1 and [done for _, _, done, _ in heard].count(True) == 1 and heard[-1][2]
    assert heard[0][1] >= 1 and any(stage.still_running for stage in heard[0][3])
    assert [given["done"] for given in others].count(True) == 1
    spark.removeProgressHandler(handler)
    with pytest.raises(ValueError, match="not registered"):
        spark.removeProgressHandler(handler)
    spark.clearProgressHandlers()
    count = len(heard) + len(others)
    assert spark.range(1).count() == 1 and len(heard) + len(others) == count
