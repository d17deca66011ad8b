"""Random tables for random_plans.py: few values, so that keys meet; nulls, NaN and -0.0, keys that half of the rows have, empty tables.

No number leaves an int however a query adds it up, and every double is a multiple of a quarter: sums are exact in any order.
"""

import datetime
import random
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

TYPES = {
    "int": pa.int32(),
    "long": pa.int64(),
    "text": pa.string(),
    "dec": pa.decimal128(9, 2),
    "date": pa.date32(),
    "dbl": pa.float64(),
    "bool": pa.bool_(),
}
# Every table has these columns, and `id`, which no two rows share.
COLUMNS = {
    "i1": "int",
    "i2": "int",
    "l1": "long",
    "s1": "text",
    "s2": "text",
    "d1": "dec",
    "t1": "date",
    "f1": "dbl",
    "b1": "bool",
}
ROWS = (1, 8, 20, 40, 60, 120)
TABLES = 6
WORDS = ("", "a", "b", "ab", "Ab", "abc", "x", "xy", "ä", "zz top", "a%", "0", "10")


@dataclass(frozen=True)
class Table:
    """A table: its name, how many rows it has, its kinds by column."""

    name: str
    rows: int
    columns: dict


def value(rng, kind, wide):
    """A value of a kind, out of few; out of more where the column is wide."""
    if kind in ("int", "long"):
        return rng.randint(-20, 60) if wide else rng.randint(-2, 7)
    if kind == "text":
        return rng.choice(WORDS) + (str(rng.randint(0, 5)) if wide else "")
    if kind == "dec":
        return Decimal(rng.randint(-3000, 3000) if wide else rng.choice((-150, 0, 1, 100, 200, 225, 700))).scaleb(-2)
    if kind == "date":
        return datetime.date(2024, 1, 1) + datetime.timedelta(days=rng.randint(0, 60 if wide else 6))
    if kind == "dbl":
        return rng.randint(-80, 200) / 4 if wide else rng.choice((float("nan"), -0.0, 0.0, 0.25, 1.0, 2.0, -1.5, 7.0))
    return rng.random() < 0.5


def column(rng, kind, rows):
    """A column's values: evenly dealt, or half of them one and the same; no nulls, some, or many."""
    wide = rng.random() < 0.3
    nulls = rng.choice((0.0, 0.1, 0.1, 0.5))
    hot = value(rng, kind, wide) if rng.random() < 0.4 else None
    return [
        None if rng.random() < nulls else hot if hot is not None and rng.random() < 0.5 else value(rng, kind, wide) for _ in range(rows)
    ]


def make(rng):
    """The tables of one round with their contents; one in twelve is empty, and the first is the largest."""
    made, largest = [], rng.choice((400, 400, 1000, 2500))
    for number in range(TABLES):
        rows = 0 if number and rng.random() < 0.08 else largest if number == 0 else rng.choice(ROWS)
        ids = list(range(1, rows + 1))
        rng.shuffle(ids)
        arrays = {"id": pa.array(ids, pa.int64())}
        arrays |= {name: pa.array(column(rng, kind, rows), TYPES[kind]) for name, kind in COLUMNS.items()}
        made.append((Table(f"t{number}", rows, {"id": "long", **COLUMNS}), pa.table(arrays)))
    return made


def cuts(rng, rows):
    """Where a table is cut into files: an empty file now and then, and for an empty table nothing else."""
    inner = sorted(rng.randint(0, rows) for _ in range(rng.choice((0, 1, 3))))
    return list(zip([0, *inner], [*inner, rows]))


def write(rng, contents, folder):
    """Writes a table as Parquet files into a folder of its own."""
    folder = Path(folder)
    folder.mkdir(parents=True)
    for number, (start, end) in enumerate(cuts(rng, contents.num_rows)):
        pq.write_table(contents.slice(start, end - start), folder / f"part-{number}.parquet", row_group_size=rng.choice((16, 1024)))


def of_round(seed, number):
    """The tables of a round, from the seed alone."""
    return make(random.Random(f"tables {seed} {number}"))


def write_round(seed, number, made, folder):
    """Writes a round's tables; gives the folder of each by name."""
    rng = random.Random(f"files {seed} {number}")
    paths = {table.name: Path(folder) / table.name for table, _ in made}
    for table, contents in made:
        write(rng, contents, paths[table.name])
    return paths
