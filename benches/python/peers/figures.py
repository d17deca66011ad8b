"""What is computed of times: medians, ratios between engines, slowdowns. Numbers in, numbers out."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

# The seconds of a round, by query.
Round = Mapping[str, float]


@dataclass(frozen=True)
class Against:
    """Our times by a peer's. Of each round the geometric mean over the queries; of these the median with its spread."""

    geomean: float
    least: float
    most: float
    # By query, the median over the rounds.
    ratios: dict[str, float]

    @property
    def worst(self) -> tuple[str, float]:
        """The query in which we are furthest behind."""
        return max(self.ratios.items(), key=lambda item: item[1])


def in_all(rounds: Iterable[Round]) -> list[str]:
    """The queries that every round has, in the order of the first."""
    each = list(rounds)
    return [query for query in each[0] if all(query in other for other in each)] if each else []


def against(ours: Sequence[Round], theirs: Sequence[Round]) -> Against | None:
    """Rounds are compared one by one, since what slows the machine down slows both; None where there is nothing to compare."""
    pairs = list(zip(ours, theirs))
    queries = in_all(one for pair in pairs for one in pair)
    if not queries:
        return None
    ratios = [{query: one[query] / other[query] for query in queries} for one, other in pairs]
    means = [statistics.geometric_mean(each.values()) for each in ratios]
    medians = {query: statistics.median(each[query] for each in ratios) for query in queries}
    return Against(statistics.median(means), min(means), max(means), medians)


def medians(rounds: Sequence[Round]) -> dict[str, float]:
    """By query, over the rounds that have it."""
    queries = dict.fromkeys(query for each in rounds for query in each)
    return {query: statistics.median(each[query] for each in rounds if query in each) for query in queries}


def best(rounds: Sequence[Round]) -> dict[str, float]:
    """By query, the shortest."""
    queries = dict.fromkeys(query for each in rounds for query in each)
    return {query: min(each[query] for each in rounds if query in each) for query in queries}


def behind_best(ours: Round, peers: Mapping[str, Round], factor: float) -> dict[str, tuple[float, str]]:
    """The queries in which we take more than so many times the best peer's time: how many, and whose."""
    behind = {}
    for query, seconds in ours.items():
        there = [(times[query], name) for name, times in peers.items() if query in times]
        if there and seconds > factor * min(there)[0]:
            behind[query] = (seconds / min(there)[0], min(there)[1])
    return behind


@dataclass(frozen=True)
class Slowdown:
    """A round beside the same queries with more memory."""

    geomean: float
    total: float
    worst_query: str
    worst: float


def slowdown(tight: Round, ample: Round) -> Slowdown | None:
    """Over the queries that both have."""
    ratios = {query: seconds / ample[query] for query, seconds in tight.items() if query in ample}
    if not ratios:
        return None
    worst = max(ratios, key=lambda query: ratios[query])
    total = sum(tight[query] for query in ratios) / sum(ample[query] for query in ratios)
    return Slowdown(statistics.geometric_mean(ratios.values()), total, worst, ratios[worst])
