"""Which answers count: those that are DuckDB's. A wrong answer has no speed."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from engines import ORACLE
from figures import Round
from one_pass import Answer
from ordered_rows import CUT_OFF, difference, order_of
from series import Series


class Verdict:
    """What is wrong with a series, and the figures of what is right."""

    def __init__(self, series: Series) -> None:
        self.series = series
        self.expected = self._expected()
        # By engine and query: how an answer differs from DuckDB's, and why there is none.
        self.wrong: dict[str, dict[str, str]] = {}
        self.failed: dict[str, dict[str, str]] = {}
        for engine, number, answer in self._answers():
            query = series.queries.names[number - 1]
            if answer.error is not None:
                self.failed.setdefault(engine, {}).setdefault(query, answer.error)
            elif number in self.expected:
                how = self._difference(number, answer)
                if how is not None:
                    self.wrong.setdefault(engine, {}).setdefault(query, how)

    @property
    def compared(self) -> bool | None:
        """Whether there was anything to compare with; None where rows are not what is compared."""
        return None if self.series.queries.compare == "nothing" else bool(self.expected)

    def rounds(self, engine: str, figure: str = "seconds") -> list[Round]:
        """By round and query, a figure of the answers that count; where a pass has several, their median."""
        names = self.series.queries.names
        bad = {*self.wrong.get(engine, {}), *self.failed.get(engine, {})}
        return [
            {
                names[number - 1]: statistics.median(getattr(answer, figure) for answer in answers)
                for number, answers in sorted(one.answers.items())
                if names[number - 1] not in bad
            }
            for one in self.series.passes.get(engine, [])
        ]

    def peak_mib(self, engine: str) -> int:
        """The most memory that a pass had."""
        return max((answer.peak_mib for name, _, answer in self._answers() if name == engine), default=0)

    def _answers(self) -> Iterator[tuple[str, int, Answer]]:
        for engine, passes in self.series.passes.items():
            for one in passes:
                for number, answers in one.answers.items():
                    for answer in answers:
                        yield engine, number, answer

    def _expected(self) -> dict[int, Answer]:
        """DuckDB's answers, of its first pass that has them."""
        if self.series.queries.compare == "nothing":
            return {}
        found: dict[int, Answer] = {}
        for engine, number, answer in self._answers():
            if engine == ORACLE and answer.error is None:
                found.setdefault(number, answer)
        return found

    def _difference(self, number: int, answer: Answer) -> str | None:
        """Equal are decimals exactly, doubles within a billionth. A mean is a double to DuckDB, and to others a decimal that is cut off."""
        right = self.expected[number]
        if self.series.queries.compare == "count":
            return None if len(right.rows) == len(answer.rows) else f"{len(answer.rows)} rows, not {len(right.rows)}"
        order = order_of(self.series.queries.texts[number - 1], right.columns) if right.columns else []
        return difference(order, right.rows, answer.rows, CUT_OFF)
