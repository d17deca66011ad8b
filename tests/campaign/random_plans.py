"""Runs random queries over random tables and holds Tidemill's answers to DuckDB's, and to its own under other settings.

    random_plans.py [--cases 10000] [--seed S] [--output json]          with the package `tidemill` on PYTHONPATH
    random_plans.py --seed S --case K                                   that case alone, with both answers

Each case is a query, run by DuckDB and twice by Tidemill: once with one task and once with several, adaptive once and once not, under
two of the budgets, broadcasts and filters of keys on or off, buckets of joins cut in pieces or not, joins built or merged. All answers must
be the same rows. Every ROUND cases there are new tables. What is made of a case depends on the seed and its number alone. Answers that DuckDB
refuses are held to each other.
A difference is printed with its SQL, settings and first rows, and how to run it again. At the end stands how often each operator and
join type was run, and how often over a case whose answer has rows. Exit code 0: no difference, and enough of everything; 1: not.

    random_plans.py --expect-failure        breaks a rule of adaptive execution, and succeeds as soon as a difference is found
    random_plans.py --colliding             all keys of an exchange have one of two hashes

arm failpoints in this process, and want a module that was built with --features failpoints.
"""

import argparse
import contextlib
import json
import math
import os
import queue
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import random_tables
import same_rows
from random_queries import Maker

ROUND = 200
BROKEN_RULE = "planner::adapt_loses_a_bucket=return"
COLLIDING = "executor::colliding_hashes=return"
# Budgets and batches: what a session is built with.
ENGINES = {
    "usual": {},
    "blocks on disk": {"tidemill.memoryBytes": "64MB", "tidemill.shuffle.memoryBytes": "1", "tidemill.batchSize": "64"},
    "small budget": {"tidemill.memoryBytes": "64MB", "tidemill.shuffle.memoryBytes": "100KB", "tidemill.threads": "4"},
    "small batches": {"tidemill.memoryBytes": "2g", "tidemill.batchSize": "16"},
}
BROADCAST = "spark.sql.autoBroadcastJoinThreshold"
ADVISORY = "spark.sql.adaptive.advisoryPartitionSizeInBytes"
LEAST = "spark.sql.adaptive.coalescePartitions.minPartitionSize"
FILTERS = "spark.sql.optimizer.runtime.bloomFilter.enabled"
FILTER_BITS = "spark.sql.optimizer.runtime.bloomFilter.maxNumBits"
# What a query is run with: of the defaults, small tables would be read by one task.
SIZES = ({}, {LEAST: "1", ADVISORY: "2KB"}, {LEAST: "500", ADVISORY: "64MB"})
BROADCASTS = ({}, {BROADCAST: "-1"}, {BROADCAST: "1KB"})
SKEW = "spark.sql.adaptive.skewJoin.enabled"
SKEW_FACTOR = "spark.sql.adaptive.skewJoin.skewedPartitionFactor"
SKEW_SIZE = "spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes"
SKEWS = ({}, {SKEW: "false"}, {SKEW_FACTOR: "1.5", SKEW_SIZE: "1"})
# Small tables fit in any memory: what a task may build has to be less than they have.
BUILD = "spark.sql.adaptive.maxShuffledHashJoinLocalMapThreshold"
BUILDS = ({}, {BUILD: "0"}, {BUILD: "3KB"})
EXCLUDED = "spark.sql.adaptive.optimizer.excludedRules"
EXCLUSIONS = ({}, {EXCLUDED: "org.apache.spark.sql.execution.adaptive.AQEPropagateEmptyRelation"})
# Whether the keys of one side of a join filter the other; a filter of few bits lets many rows through, or is none.
KEY_FILTERS = ({}, {FILTERS: "false"}, {FILTER_BITS: "4096"})


@dataclass(frozen=True)
class Way:
    """One way to run a query: a session by its name, and settings."""

    engine: str
    settings: tuple

    def __str__(self):
        return f"{self.engine} {ENGINES[self.engine]} with " + ", ".join(f"{name}={value}" for name, value in self.settings)


@dataclass(frozen=True)
class Answer:
    """Rows, or why there are none."""

    rows: list | None
    error: str = ""

    def __str__(self):
        if self.rows is None:
            return f"refused: {self.error}"
        return f"{len(self.rows)} rows: {same_rows.some(self.rows)}"


@dataclass(frozen=True)
class Found:
    """A case in which two answers differ."""

    case: int
    what: str
    sql: str
    duckdb: str
    ways: tuple
    answers: tuple


def ways_of(rng):
    """Two ways that differ in what matters most: one task or several, adaptive or not."""
    first, second = rng.sample(sorted(ENGINES), 2)
    adaptive = rng.random() < 0.5
    return [
        Way(
            engine,
            tuple(
                {
                    "spark.sql.shuffle.partitions": str(tasks),
                    "spark.sql.adaptive.enabled": str(adapts).lower(),
                    **rng.choice(BROADCASTS),
                    **rng.choice(SIZES),
                    **rng.choice(SKEWS),
                    **rng.choice(BUILDS),
                    **rng.choice(EXCLUSIONS),
                    **rng.choice(KEY_FILTERS),
                }.items()
            ),
        )
        for engine, tasks, adapts in ((first, 1, not adaptive), (second, rng.choice((2, 7)), adaptive))
    ]


def case_of(seed, number, tables):
    """A case's query and its two ways."""
    rng = random.Random(f"case {seed} {number}")
    return Maker(rng, tables).query(), ways_of(rng)


def verdict(expected, first, second, ordered):
    """What is wrong with three answers, or None; without DuckDB's, Tidemill's two are held to each other."""
    names = ("DuckDB", "the first way", "the second way")
    if first.rows is None and second.rows is None:
        return None if expected.rows is None else f"Tidemill refuses: {first.error}"
    for name, answer in zip(names[1:], (first, second)):
        if answer.rows is None:
            return f"only {name} is refused: {answer.error}"
    for name, base, answer in (
        (names[0], expected, first),
        (names[0], expected, second),
        (names[1], first, second),
    ):
        if base.rows is None:
            continue
        difference = same_rows.difference(base.rows, answer.rows, ordered)
        if difference:
            return f"{names[2] if answer is second else names[1]} differs from {name}: {difference}"
    return None


def by_duckdb(database, sql, seconds):
    """DuckDB's answer."""
    timer = threading.Timer(seconds, database.interrupt)
    timer.start()
    try:
        return Answer(database.execute(sql).fetchall())
    except Exception as error:
        return Answer(None, f"{type(error).__name__}: {error}".split("\n")[0])
    finally:
        timer.cancel()


class Tidemill:
    """A session for each of the engines, in a thread that is left behind when a query does not end."""

    def __init__(self, spill):
        self.spill, self.views = spill, {}
        self.begin()

    def begin(self):
        """New sessions and a new thread."""
        from tidemill.sql import SparkSession

        self.sessions = {}
        for name, settings in ENGINES.items():
            builder = SparkSession.builder.config("tidemill.spillDir", self.spill)
            for setting, value in settings.items():
                builder = builder.config(setting, value)
            self.sessions[name] = builder.create()
        self.set_settings = {name: {} for name in ENGINES}
        self.asked, self.told = queue.SimpleQueue(), queue.SimpleQueue()
        threading.Thread(target=work, args=(self.asked, self.told), daemon=True).start()
        self.show(self.views)

    def show(self, views):
        """Gives every session views of these folders."""
        self.views = views
        for session in self.sessions.values():
            for name, folder in views.items():
                session.read.parquet(str(folder)).createOrReplaceTempView(name)

    def answer(self, way, sql, seconds):
        """The answer by one way."""
        session, now, wanted = self.sessions[way.engine], self.set_settings[way.engine], dict(way.settings)
        for name in now.keys() - wanted.keys():
            session.conf.unset(name)
        for name, value in wanted.items():
            if now.get(name) != value:
                session.conf.set(name, value)
        self.set_settings[way.engine] = wanted
        self.asked.put((session, sql))
        try:
            return self.told.get(timeout=seconds)
        except queue.Empty:
            self.begin()
            return Answer(None, f"no answer in {seconds:g} s")


def work(asked, told):
    """Answers what is asked, one by one."""
    while True:
        session, sql = asked.get()
        try:
            table = session.sql(sql).toArrow()
            told.put(Answer(list(zip(*(column.to_pylist() for column in table.columns)))))
        except BaseException as error:
            told.put(Answer(None, f"{type(error).__name__}: {error}"))


@contextlib.contextmanager
def database_of(paths):
    """A DuckDB with these folders as tables."""
    import duckdb

    with duckdb.connect(config={"threads": 1, "memory_limit": "2GB"}) as database:
        for name, folder in paths.items():
            database.execute(f"CREATE TABLE {name} AS SELECT * FROM read_parquet('{folder}/*.parquet')")
        yield database


class Campaign:
    """The cases that were run, and what came of them."""

    def __init__(self, args, folder):
        self.args, self.folder = args, Path(folder)
        self.engine = Tidemill(str(self.folder / "spill"))
        self.ran = self.with_rows = 0
        self.features, self.features_with_rows = Counter(), Counter()
        self.refused, self.found = Counter(), []
        self.started = time.monotonic()

    def run(self, numbers):
        """Runs the cases; stops when there are differences enough."""
        for start in range(numbers.start - numbers.start % ROUND, numbers.stop, ROUND):
            made = random_tables.of_round(self.args.seed, start // ROUND)
            folder = self.folder / f"round-{start // ROUND}"
            paths = random_tables.write_round(self.args.seed, start // ROUND, made, folder)
            self.engine.show(paths)
            with database_of(paths) as database:
                for number in range(max(start, numbers.start), min(start + ROUND, numbers.stop)):
                    self.case(number, [table for table, _ in made], database)
                    self.progress(numbers)
                    if len(self.found) >= self.args.differences:
                        return
            shutil.rmtree(folder)

    def case(self, number, tables, database):
        """Runs one case."""
        query, ways = case_of(self.args.seed, number, tables)
        expected = by_duckdb(database, query.duckdb, self.args.timeout)
        first, second = (self.engine.answer(way, query.sql, self.args.timeout) for way in ways)
        what = verdict(expected, first, second, query.ordered)
        self.ran += 1
        if expected.rows is None:
            self.refused[expected.error[:100] if first.rows is not None else f"by both: {expected.error[:100]}"] += 1
        self.features.update(query.features)
        if first.rows:
            self.with_rows += 1
            self.features_with_rows.update(query.features)
        if what or self.args.case is not None:
            found = Found(number, what or "all answers are the same", query.sql, query.duckdb, tuple(ways), (expected, first, second))
            print_case(self.args.seed, found, sys.stdout if self.args.output == "human" else sys.stderr)
            if what:
                self.found.append(found)

    def progress(self, numbers):
        """A line on standard error, for people."""
        if sys.stderr.isatty() and self.ran % 20 == 0:
            rate = self.ran / (time.monotonic() - self.started)
            print(
                f"\r{self.ran} of {len(numbers)} cases, {rate:.1f} a second, {len(self.found)} differ ", end="", file=sys.stderr, flush=True
            )

    def summary(self):
        """All figures."""
        seconds = time.monotonic() - self.started
        return {
            "seed": self.args.seed,
            "cases": self.ran,
            "with_rows": self.with_rows,
            "seconds": round(seconds, 1),
            "queries_per_second": round(3 * self.ran / seconds, 1),
            "differences": [
                {"case": found.case, "what": found.what, "sql": found.sql, "ways": [asdict(way) for way in found.ways]}
                for found in self.found
            ],
            "refused_by_duckdb": dict(self.refused),
            "features": {
                name: {"cases": self.features[name], "with_rows": self.features_with_rows[name]} for name in sorted(self.features)
            },
        }


def too_few(summary, least):
    """Which operators and join types were run less often than they should."""
    return [name for name, counts in summary["features"].items() if counts["cases"] < least]


def print_case(seed, found, out):
    """A case for people: what is wrong, the query, the ways and the answers."""
    print(f"\ncase {found.case}: {found.what}", file=out)
    print(f"  sql: {found.sql}", file=out)
    if found.duckdb != found.sql:
        print(f"  for DuckDB: {found.duckdb}", file=out)
    for name, text in zip(("DuckDB", "first", "second"), ("", *map(str, found.ways))):
        print(f"  {name}{': ' if text else ''}{text}", file=out)
        print(f"    {found.answers[('DuckDB', 'first', 'second').index(name)]}", file=out)
    print(f"  again: tests/campaign/random_plans.py --seed {seed} --case {found.case}", file=out, flush=True)


def print_summary(summary):
    """The figures for people."""
    print(f"\n{'run':>7} {'with rows':>9}")
    for name, counts in summary["features"].items():
        print(f"{counts['cases']:>7} {counts['with_rows']:>9}  {name}")
    for name, count in summary["refused_by_duckdb"].items():
        print(f"{count:>7} refused by DuckDB: {name}")
    share = summary["with_rows"] / max(1, summary["cases"])
    print(
        f"seed {summary['seed']}: {summary['cases']} cases, {share:.0%} with rows, {len(summary['differences'])} differ; "
        f"{summary['seconds']:.0f} s, {summary['queries_per_second']:.0f} queries a second"
    )


def arguments(given=None):
    parser = argparse.ArgumentParser(description="Random queries: Tidemill beside DuckDB and itself under other settings.")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int, help="run this one alone")
    parser.add_argument("--output", choices=("human", "json"), default="human")
    parser.add_argument("--differences", type=int, default=1, help="stop after so many (default: %(default)s)")
    parser.add_argument("--timeout", type=float, default=20, help="seconds for one query (default: %(default)s)")
    parser.add_argument("--min-per-feature", type=int, help="cases that each operator and join type must be in (default: one in 50)")
    parser.add_argument("--min-with-rows", type=float, default=0.6, help="share of answers that must have rows (default: %(default)s)")
    parser.add_argument("--colliding", action="store_true", help="all keys of an exchange have one of two hashes")
    parser.add_argument("--expect-failure", action="store_true", help="break a rule of adaptive execution and wait for a difference")
    args = parser.parse_args(given)
    if args.min_per_feature is None:
        args.min_per_feature = math.floor(args.cases * 0.02)
    return args


def main():
    args = arguments()
    armed = [BROKEN_RULE] * args.expect_failure + [COLLIDING] * args.colliding
    if armed:
        # Read when the module is loaded.
        os.environ["FAILPOINTS"] = ";".join(armed)
    numbers = range(args.cases) if args.case is None else range(args.case, args.case + 1)
    with tempfile.TemporaryDirectory(prefix="tidemill-plans-") as folder:
        campaign = Campaign(args, folder)
        # Who has seen enough gets the figures so far.
        with contextlib.suppress(KeyboardInterrupt):
            campaign.run(numbers)
        summary = campaign.summary()
    if args.output == "json":
        print(json.dumps(summary))
    elif args.case is None:
        print_summary(summary)
    code = exit_code(args, summary)
    sys.stdout.flush()
    # A query that never ended may still be at it.
    os._exit(code) if threading.active_count() > 2 else sys.exit(code)


def exit_code(args, summary):
    """What the figures say, with a word on standard error where it is not good."""
    if args.expect_failure:
        good = any(" differs from " in found["what"] for found in summary["differences"])
        print("as expected: the broken rule was found" if good else f"not found: {BROKEN_RULE}: no failpoints, or the campaign is blind")
        return 0 if good else 1
    if summary["differences"]:
        return 1
    if args.case is None:
        rare = too_few(summary, args.min_per_feature)
        share = summary["with_rows"] / max(1, summary["cases"])
        faults = [f"in fewer than {args.min_per_feature} cases: {', '.join(rare)}"] if rare else []
        faults += [f"only {share:.0%} of the answers have rows"] if share < args.min_with_rows else []
        faults += ["DuckDB refused more than a hundredth"] if sum(summary["refused_by_duckdb"].values()) * 100 > summary["cases"] else []
        for fault in faults:
            print(fault, file=sys.stderr)
        return 1 if faults else 0
    return 0


if __name__ == "__main__":
    main()
