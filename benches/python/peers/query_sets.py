"""What is asked: sets of queries over TPC-H's tables, by name. It knows nothing of who answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class QuerySet:
    """Queries that are run one after the other in a pass."""

    name: str
    what: str
    names: Sequence[str]
    texts: Sequence[str]
    # How often a pass runs each.
    runs: int = 1
    # Settings that ours has for them.
    conf: Sequence[str] = ()
    # What is compared with DuckDB's answer: its rows, their number where it is open which they are, or nothing.
    compare: Literal["rows", "count", "nothing"] = "rows"
    # A query whose time is divided by another's: whatever the one costs more.
    cost: tuple[str, str] | None = None
    # Texts of engines that say it otherwise. An empty text is not asked.
    dialects: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def texts_of(self, engine: str) -> Sequence[str]:
        """The queries as an engine has them."""
        return self.dialects.get(engine, self.texts)


def tpch(texts: Sequence[str]) -> QuerySet:
    """TPC-H."""
    return QuerySet("tpch", "TPC-H's queries", [f"Q{number}" for number in range(1, len(texts) + 1)], texts)


# Every order has one key, and keys without orders are no one's: both joins give a row for each line item.
_JOINED = "SELECT count(*) AS n, sum(o_custkey) AS s FROM (SELECT {key} AS k, l_quantity FROM lineitem) AS l JOIN orders ON k = o_orderkey"
SKEWED = _JOINED.format(key="CASE WHEN l_orderkey % 2 = 0 THEN 1 ELSE l_orderkey END")
# The same work per row, and no row is moved.
EVEN = _JOINED.format(key="CASE WHEN l_orderkey % 2 = 2 THEN 1 ELSE l_orderkey END")

SKEW = QuerySet(
    "skew",
    "a join with every second row on one key, and an even one; ours exchanges both sides",
    ["even", "skewed"],
    [EVEN, SKEWED],
    # The first of them finds an engine cold.
    runs=3,
    conf=["spark.sql.autoBroadcastJoinThreshold=-1"],
    cost=("skewed", "even"),
)

SMALL = QuerySet(
    "small",
    "queries over the 1 000 rows of `supplier` at scale factor 0.1",
    ["filter", "aggregate", "join"],
    [
        "SELECT s_name, s_acctbal FROM supplier WHERE s_suppkey = 500",
        "SELECT s_nationkey, count(*) AS n, sum(s_acctbal) AS s FROM supplier GROUP BY s_nationkey ORDER BY s_nationkey",
        "SELECT n_name, count(*) AS n FROM supplier JOIN nation ON s_nationkey = n_nationkey GROUP BY n_name ORDER BY n DESC, n_name",
    ],
    runs=50,
)

CROSS = QuerySet(
    "cross",
    "ten rows of a product of two large tables",
    ["cross"],
    ["SELECT l_orderkey, o_orderkey FROM lineitem CROSS JOIN orders LIMIT 10"],
    compare="count",
)
