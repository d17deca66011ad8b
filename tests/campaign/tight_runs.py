"""Many small queries at once in one engine that has too little memory, whose tasks, blocks and disk fail at random: rows, folder, no hang.

    python3 tests/campaign/tight_runs.py [--runs 500] [--threads 8] [--seed 1]

It needs the package built with the feature `failpoints`, and runs the queries in a process of its own, with the failpoints of `FAULTS`
armed. Every query has the rows that this file works out by itself, or fails with an error that is allowed: the disk was full. When the
last is over, nothing is left of what was spilled. A query that takes longer than --hang seconds ends it all, with the statement of each
thread, how far its stages are, and where every thread stands.
"""

import argparse
import faulthandler
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from pathlib import Path

FAULTS = {
    "executor::task": "1%panic(failpoint)->4%return(failpoint)->3%delay(3)->10%yield",
    "executor::spill.write": "0.2%return->1%return(io)",
    "executor::spill.read": "0.1%return",
}
SETTINGS = {
    "tidemill.threads": "2",
    "tidemill.parallelism": "4",
    "tidemill.batchSize": "512",
    "tidemill.memoryBytes": "64MB",
    "tidemill.shuffle.memoryBytes": "20KB",
    # As many as no chance brings about: what fails is the disk.
    "spark.task.maxFailures": "40",
}
FULL_DISK = "no space is left"


def grouped(dice):
    """Counts and sums by key."""
    rows, keys, parts = dice.randrange(1, 6000), dice.randrange(1, 400), dice.randrange(1, 9)
    sql = (
        f"SELECT id % {keys} AS k, count(*), sum(id) FROM (SELECT /*+ REPARTITION({parts}) */ id FROM range({rows})) GROUP BY 1 ORDER BY 1"
    )
    counts, sums = Counter(), Counter()
    for each in range(rows):
        counts[each % keys] += 1
        sums[each % keys] += each
    return sql, [(key, counts[key], sums[key]) for key in sorted(counts)]


def joined(dice):
    """A join of two tables that are both exchanged."""
    left, right, step = dice.randrange(1, 5000), dice.randrange(1, 3000), dice.randrange(1, 6)
    kind, parts = dice.choice(["JOIN", "LEFT JOIN"]), dice.randrange(1, 7)
    sql = (
        f"SELECT count(*), count(b.w), sum(a.id + b.w) FROM (SELECT /*+ REPARTITION({parts}) */ id FROM range({left})) a {kind} "
        f"(SELECT /*+ REPARTITION(3) */ id * {step} AS k, id AS w FROM range({right})) b ON a.id = b.k"
    )
    pairs = [(key, key // step) for key in range(0, min(left, right * step), step)]
    return sql, [(left if kind == "LEFT JOIN" else len(pairs), len(pairs), sum(map(sum, pairs)) if pairs else None)]


def in_order(dice):
    """The first rows in an order."""
    rows, factor, wanted = dice.randrange(1, 6000), dice.randrange(1, 5000), dice.randrange(1, 300)
    sql = (
        f"SELECT id, id * {factor} % 997 AS r FROM (SELECT /*+ REPARTITION(5) */ id FROM range({rows})) ORDER BY r DESC, id LIMIT {wanted}"
    )
    every = sorted(((each, each * factor % 997) for each in range(rows)), key=lambda row: (-row[1], row[0]))
    return sql, every[:wanted]


def numbered(dice):
    """Sums over windows, and a sort of all rows."""
    rows, keys = dice.randrange(1, 4000), dice.randrange(1, 50)
    sql = (
        f"SELECT max(s), sum(n) FROM (SELECT sum(id) OVER (PARTITION BY id % {keys}) AS s, row_number() OVER (ORDER BY id DESC) AS n "
        f"FROM (SELECT /*+ REPARTITION(4) */ id FROM range({rows})))"
    )
    sums = Counter()
    for each in range(rows):
        sums[each % keys] += each
    return sql, [(max(sums.values()), rows * (rows + 1) // 2)]


def read_twice(dice):
    """One aggregate that is read by two: its blocks are lost for both."""
    rows, keys = dice.randrange(1, 5000), dice.randrange(2, 300)
    sql = (
        f"WITH c AS (SELECT id % {keys} AS k, count(*) AS n FROM (SELECT /*+ REPARTITION(4) */ id FROM range({rows})) GROUP BY 1) "
        "SELECT count(*), sum(x.n - y.n) FROM c x JOIN c y ON x.k = y.k + 1"
    )
    counts = Counter(each % keys for each in range(rows))
    pairs = [(counts[key], counts[key - 1]) for key in counts if key - 1 in counts]
    return sql, [(len(pairs), sum(one - other for one, other in pairs) if pairs else None)]


def distinct(dice):
    """Distinct values of a union."""
    rows, keys = dice.randrange(1, 4000), dice.randrange(1, 900)
    sql = (
        f"SELECT count(DISTINCT v), count(*) FROM (SELECT id % {keys} AS v FROM range({rows}) "
        f"UNION ALL SELECT /*+ REPARTITION(6) */ id AS v FROM range({rows}))"
    )
    return sql, [(rows, 2 * rows)]


KINDS = [grouped, joined, in_order, numbered, read_twice, distinct]


class Watch:
    """What each thread is at."""

    def __init__(self):
        self.at = {}
        self.stages = {}

    def begin(self, sql):
        """This thread begins with a query."""
        self.stages.pop(threading.get_ident(), None)
        self.at[threading.get_ident()] = (time.monotonic(), sql)

    def end(self):
        """This thread is between two queries."""
        self.at.pop(threading.get_ident(), None)

    def __call__(self, _action, stages):
        """How far a query is: the engine tells the thread that waits for it."""
        if stages is not None:
            self.stages[threading.get_ident()] = list(stages)

    def longest(self):
        """For how many seconds the slowest query has run."""
        return max((time.monotonic() - began for began, _ in list(self.at.values())), default=0.0)

    def told(self):
        """A line for each query that runs: since when, stages as (number, tasks done, tasks, rows), and the statement."""
        lines = [
            f"{time.monotonic() - began:6.1f} s, stages {self.stages.get(thread, 'none known')}: {sql}"
            for thread, (began, sql) in sorted(self.at.items(), key=lambda each: each[1][0])
        ]
        return "\n".join(lines)


def run_queries(session, dice, runs, watch, outcomes, wrong):
    """One thread's queries, one after the other."""
    for _ in range(runs):
        sql, expected = dice.choice(KINDS)(dice)
        gone = dice.random() < 0.1
        watch.begin(sql)
        try:
            frame = session.sql(sql)
            if gone:
                # Whoever goes before he has all rows ends the query.
                first = next(frame.toLocalIterator(), None)
                right, outcome = first is None or tuple(first) == expected[0], "left early"
            else:
                found = [tuple(row) for row in frame.collect()]
                right, outcome = found == expected, "right"
            if not right:
                wrong.append(f"{sql}\n  expected {expected[:5]}… of {len(expected)}")
        except Exception as error:
            outcome = "the disk was full"
            if FULL_DISK not in str(error) or SETTINGS["tidemill.spillDir"] not in str(error):
                wrong.append(f"{sql}\n{''.join(traceback.format_exception(error))}")
        finally:
            watch.end()
        outcomes[outcome] += 1


def child(args):
    """All threads, in the process whose failpoints are armed."""
    from tidemill import _tidemill
    from tidemill.sql import SparkSession

    SETTINGS["tidemill.spillDir"] = args.spill
    builder = SparkSession.builder
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    session = builder.create()
    watch, wrong = Watch(), []
    _tidemill.set_progress(watch)
    outcomes = [Counter() for _ in range(args.threads)]
    shares = [args.runs // args.threads + (each < args.runs % args.threads) for each in range(args.threads)]
    threads = [
        threading.Thread(
            target=run_queries,
            args=(session, random.Random(f"{args.seed}/{each}"), shares[each], watch, outcomes[each], wrong),
            daemon=True,
        )
        for each in range(args.threads)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for thread in threads:
            thread.join(0.2)
        if watch.longest() > args.hang:
            print(f"a query hangs (seed {args.seed}); what runs:\n{watch.told()}", file=sys.stderr, flush=True)
            faulthandler.dump_traceback(all_threads=True)
            os._exit(3)
    total = sum(outcomes, Counter())
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(total.items())))
    for each in wrong[:5]:
        print(f"WRONG (seed {args.seed}): {each}")
    left = sorted(str(path) for path in Path(args.spill).rglob("*"))
    if left:
        print(f"left in the spill folder: {left[:10]}")
    enough = total["right"] >= args.runs // 2
    if not enough:
        print(f"of {args.runs} queries, too few gave rows: the faults prove little")
    return 1 if wrong or left or not enough or sum(total.values()) < args.runs else 0


def main():
    parser = argparse.ArgumentParser(description="Many small queries at once, with random faults.")
    parser.add_argument("--runs", type=int, default=500, help="how many queries (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hang", type=float, default=120, help="after so many seconds a query hangs (default: %(default)s)")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--spill", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        sys.exit(child(args))
    with tempfile.TemporaryDirectory(prefix="tidemill-tight-") as spill:
        faults = ";".join(f"{point}={actions}" for point, actions in FAULTS.items())
        own = [sys.executable, __file__, "--child", "--spill", spill]
        given = [f"--{name}={getattr(args, name)}" for name in ("runs", "threads", "seed", "hang")]
        # Panics of tasks are meant, and told on standard error by the dozen: it is shown when something is wrong.
        env = {**os.environ, "FAILPOINTS": faults, "RUST_BACKTRACE": "0"}
        done = subprocess.run([*own, *given], env=env, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            print(done.stderr[-20_000:], file=sys.stderr)
            print(f"the runs failed with exit code {done.returncode}: seed {args.seed}")
    sys.exit(1 if done.returncode else 0)


if __name__ == "__main__":
    main()
