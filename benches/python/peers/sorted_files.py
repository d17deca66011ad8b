"""`lineitem` sorted into files with little memory: ours into Parquet and into Delta, the peers into Parquet. DuckDB then reads what was
written: it must be all rows, in order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import one_pass
from engines import ENGINES, ORACLE, OURS, Setting, command
from one_pass import Answer, Bounds, Pass
from query_sets import QuerySet
from series import Look

_SORTED = "SELECT * FROM lineitem ORDER BY l_shipdate, l_extendedprice"
_COPIED = f"COPY ({_SORTED}) TO '{{out}}/parquet/part.parquet'"

# An engine writes below {out}; one that has no text is not asked.
SORTED = QuerySet(
    "sorted",
    "lineitem by l_shipdate, l_extendedprice into files",
    ["parquet", "delta"],
    ["", ""],
    compare="nothing",
    dialects={
        OURS: [
            f"INSERT OVERWRITE DIRECTORY '{{out}}/parquet' USING parquet {_SORTED}",
            f"CREATE TABLE sorted_lines USING delta LOCATION '{{out}}/delta' AS {_SORTED}",
        ],
        ORACLE: [f"{_COPIED} (FORMAT parquet)", ""],
        "datafusion": [f"{_COPIED} STORED AS PARQUET", ""],
        "datafusion-linked": [f"{_COPIED} STORED AS PARQUET", ""],
    },
)

# How many rows, a figure of what is in them whatever their order, and how many stand behind a greater one.
_READ = """
SELECT count(*) AS n, bit_xor(hash(l_orderkey, l_linenumber, l_shipdate, l_extendedprice, l_comment)) AS h,
       count(*) FILTER (l_shipdate < date_before OR (l_shipdate = date_before AND l_extendedprice < price_before)) AS misplaced
FROM (SELECT *, lag(l_shipdate) OVER () AS date_before, lag(l_extendedprice) OVER () AS price_before FROM {rows})
"""


def reader(setting: Setting, bounds: Bounds) -> Look:
    """What reads a pass's files by DuckDB, and takes the answers back whose files are not right."""
    expected: list[list[Any]] = []

    def look(_: str, folder: Path, done: Pass) -> None:
        if not expected:
            expected.extend(_rows("lineitem", setting, bounds, folder))
        for number, answers in done.answers.items():
            if any(answer.error is not None for answer in answers):
                continue
            files = f"read_parquet('{folder / SORTED.names[number - 1]}/*.parquet')"
            fault = misread(expected, _rows(files, setting, bounds, folder))
            if fault is not None:
                done.answers[number] = [Answer(error=fault)]

    return look


def misread(expected: list[list[Any]], found: list[list[Any]]) -> str | None:
    """What is wrong with files, by what was read of them and of the input."""
    (rows, content, _), (rows_found, content_found, misplaced) = expected[0], found[0]
    if rows_found != rows:
        return f"{rows_found} rows were written, not {rows}"
    if content_found != content:
        return "other rows were written than there are"
    return f"{misplaced} rows were written behind a greater one" if misplaced else None


def _rows(source: str, setting: Setting, bounds: Bounds, folder: Path) -> list[list[Any]]:
    file = folder / "read.json"
    file.write_text(json.dumps([_READ.format(rows=source)]), encoding="utf-8")
    reading = Setting(setting.binaries, setting.data, setting.threads, pythons=_only_oracle(setting.pythons))
    done = one_pass.run(lambda left: command(ENGINES[ORACLE], reading, file, left, folder), [1], bounds, {})
    answer = done.answers.get(1, [Answer(error=done.why)])[0]
    if answer.error is not None:
        raise RuntimeError(f"DuckDB cannot read {source}: {answer.error}")
    return answer.rows


def _only_oracle(pythons: Mapping[str, Path]) -> dict[str, Path]:
    return {name: python for name, python in pythons.items() if name == ORACLE}
