"""How often ours changed a query while it ran, by which rule, and what went to disk: TPC-H and a few queries more with little memory,
counted in what EXPLAIN ANALYZE says. Nothing that should happen may be missing."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Sequence
from typing import Any

import query_sets
from engines import OURS, NotMeasured, Setting
from one_pass import Bounds
from venvs import last_line
from worker import TABLES

RULES = ("broadcast", "coalesce", "swap sides", "skew", "sort merge", "empty branch", "filter")
SPILLS = ("exchange", "sort", "aggregate", "join build")

# What TPC-H does not bring about by itself with so little data: the settings it takes, and the query.
MORE: dict[str, tuple[Sequence[str], str]] = {
    "skewed": (["spark.sql.autoBroadcastJoinThreshold=-1"], query_sets.SKEWED),
    "sorted": ([], "SELECT * FROM lineitem ORDER BY l_extendedprice"),
    "groups": ([], "SELECT l_orderkey, l_partkey, l_suppkey, sum(l_quantity) AS s FROM lineitem GROUP BY l_orderkey, l_partkey, l_suppkey"),
    "empty": (
        [],
        "SELECT count(*) AS n FROM lineitem JOIN orders ON l_orderkey = o_orderkey JOIN customer ON o_custkey = c_custkey "
        "WHERE o_orderdate > DATE '2050-01-01'",
    ),
    # Estimates take a fifth of the line items for what passes the filter, and all of them do: the other side is smaller.
    "sides": (
        ["spark.sql.autoBroadcastJoinThreshold=-1"],
        "SELECT count(*) AS n, max(o_custkey) AS c, max(l_suppkey) AS s FROM lineitem JOIN orders ON l_orderkey = o_orderkey "
        "WHERE length(l_comment) >= 0",
    ),
    # Neither side of this one can be built.
    "merged": (
        ["spark.sql.autoBroadcastJoinThreshold=-1"],
        "SELECT count(*) AS n, max(o_clerk) AS c FROM lineitem JOIN orders ON l_orderkey = o_orderkey WHERE length(l_comment) >= 0",
    ),
}

# `  * broadcast: stage 0 has …` below a stage.
_CHANGE = re.compile(r"^ +\* (" + "|".join(RULES) + r"): ", re.MULTILINE)
_BLOCKS = re.compile(r"; (\d+) blocks? of .* went to disk$", re.MULTILINE)
# An operator's line: how deep it stands, its name, and where it spilled how many files.
_OPERATOR = re.compile(r"^( +)(\w+Exec)\b(.*)$", re.MULTILINE)
_FILES = re.compile(r"spill_count=(\d+)")


def counts(profile: str) -> tuple[Counter[str], Counter[str]]:
    """Of what EXPLAIN ANALYZE says: how often each rule changed a stage, and of each kind of spill the blocks or files."""
    rules = Counter(match[1] for match in _CHANGE.finditer(profile))
    spills = Counter({"exchange": sum(int(match[1]) for match in _BLOCKS.finditer(profile))})
    above: list[tuple[int, str]] = []
    for match in _OPERATOR.finditer(profile):
        depth, name = len(match[1]), match[2]
        above = [(other, reader) for other, reader in above if other < depth]
        files = _FILES.search(match[3])
        if files is not None:
            spills[_kind(name, above[-1][1] if above else "")] += int(files[1])
        above.append((depth, name))
    return rules, +spills


def _kind(name: str, reader: str) -> str:
    """A spill's kind: a sort right below a join is how rows are joined that cannot be built."""
    if "Join" in name or (name == "SortExec" and "Join" in reader):
        return "join build"
    return {"SortExec": "sort", "AggregateExec": "aggregate"}.get(name, name)


def measure(setting: Setting, texts: Sequence[str], bounds: Bounds, numbers: Sequence[int] | None) -> dict[str, Any]:
    """A process per query: each begins with all of its memory. Of TPC-H just some where numbers are given."""
    asked: dict[str, tuple[Sequence[str], str]] = {
        f"Q{number}": ((), text) for number, text in enumerate(texts, 1) if not numbers or number in numbers
    }
    asked |= MORE
    queries: dict[str, Any] = {}
    failed: dict[str, str] = {}
    for name, (conf, sql) in asked.items():
        try:
            rules, spills = counts(_profile(setting, conf, sql, bounds))
            queries[name] = {"rules": dict(rules), "spills": dict(spills)}
        except RuntimeError as error:
            failed[name] = str(error)
    rules_fired = sum((Counter(one["rules"]) for one in queries.values()), Counter())
    spilled = sum((Counter(one["spills"]) for one in queries.values()), Counter())
    return {
        "what": "adaptive",
        "queries": queries,
        "failed": failed,
        "rules": {rule: rules_fired[rule] for rule in RULES},
        "spills": {kind: spilled[kind] for kind in dict.fromkeys([*SPILLS, *spilled])},
    }


def none_of(said: dict[str, Any]) -> list[str]:
    """What never happened."""
    return [name for part in ("rules", "spills") for name, count in said[part].items() if count == 0]


def _profile(setting: Setting, conf: Sequence[str], sql: str, bounds: Bounds) -> str:
    binary = setting.binaries / OURS
    if not binary.exists():
        raise NotMeasured(f"there is no {binary}: cargo build --release --workspace --bins")
    views = "".join(f"CREATE TEMPORARY VIEW {table} AS SELECT * FROM parquet.`{setting.data / table}.parquet`;\n" for table in TABLES)
    settings = [f"spark.master=local[{setting.threads}]", f"tidemill.memoryBytes={setting.memory}", *conf, *setting.conf]
    command = [str(binary), "sql", "--output", "json", *(word for one in settings for word in ("--conf", one))]
    statements = f"{views}EXPLAIN ANALYZE {sql.rstrip().rstrip(';')};\n"
    try:
        done = subprocess.run(command, input=statements, capture_output=True, text=True, check=False, timeout=bounds.query_s)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"stopped after {bounds.query_s:g} s") from error
    last = json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else {}
    if "rows" not in last or done.returncode != 0:
        raise RuntimeError(last.get("error", {}).get("message") or last_line(done.stderr))
    return "\n".join(str(value) for row in last["rows"] for value in row)


def text(said: dict[str, Any]) -> str:
    """The table: a line per query, and one for all."""
    heads = [*said["rules"], *(f"spilled: {kind}" for kind in said["spills"])]

    def line(name: str, rules: dict[str, int], spills: dict[str, int]) -> str:
        cells = [rules.get(rule, 0) for rule in said["rules"]] + [spills.get(kind, 0) for kind in said["spills"]]
        return f"{name:<8}" + "".join(f"{cell or '-':>{len(head) + 2}}" for cell, head in zip(cells, heads, strict=True))

    lines = [f"{'':<8}" + "".join(f"  {head}" for head in heads)]
    lines += [line(name, one["rules"], one["spills"]) for name, one in said["queries"].items()]
    lines.append(line("all", said["rules"], said["spills"]))
    lines += [f"{name} failed: {why}" for name, why in said["failed"].items()]
    return "\n".join([*lines, f"never: {', '.join(none_of(said)) or 'none'}"])
