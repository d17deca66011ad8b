"""What visitors of a site do, as files of JSON lines: the same bytes for the same seed.
Notebook 02 reads them as a stream."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

COLUMNS = (
    "eventId STRING NOT NULL, userId STRING NOT NULL, contentId STRING, eventType STRING NOT NULL, "
    "eventTimeMs BIGINT NOT NULL, dwellMs BIGINT, completed BOOLEAN"
)
CLOSING_USER = "user-closing"

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def files(users: int = 800, sessions: int = 10, parts: int = 48, seed: int = 7) -> list[str]:
    """The content of each file, in the order of arrival.

    Visitors come back in sessions that lie more than 30 minutes apart. Each has a usual dwell time, and in
    one session of nine it drops by 30 to 60 %. A sixth of the events arrive up to 90 seconds late. A few
    lines come twice, a few come hours late, and a few are no events. The last events, of one more visitor,
    lie six hours ahead: they end every session before them.
    """
    draw = random.Random(seed)
    arrivals: list[tuple[int, str]] = []
    last_ms = 0
    for user in range(users):
        for time_ms, fields in _visits(draw, f"user-{user:05}", sessions):
            last_ms = max(last_ms, time_ms)
            line = json.dumps({"eventId": f"e-{len(arrivals):07}", **fields, "eventTimeMs": time_ms})
            arrivals.append((time_ms + _delay_ms(draw), line))
            if draw.random() < 1 / 70:
                arrivals.append((time_ms + draw.randrange(90 * SECOND_MS), line))
            if draw.random() < 1 / 1_000:
                arrivals.append((time_ms, line[: len(line) // 2]))
    # Nobody waits for what would arrive after the end.
    arrivals = sorted((at, line) for at, line in arrivals if at <= last_ms + 2 * MINUTE_MS)
    for number in range(5):
        at = last_ms + 6 * HOUR_MS + number * SECOND_MS
        fields = {
            "eventId": f"e-closing-{number}",
            "userId": CLOSING_USER,
            "eventType": "click",
            "eventTimeMs": at,
        }
        arrivals.append((at, json.dumps(fields)))
    cuts = [len(arrivals) * part // parts for part in range(parts + 1)]
    return ["".join(line + "\n" for _, line in arrivals[begin:end]) for begin, end in pairwise(cuts)]


def _delay_ms(draw: random.Random) -> int:
    if draw.random() < 1 / 200:
        return draw.randrange(2 * HOUR_MS, 5 * HOUR_MS)
    return draw.randrange(90 * SECOND_MS) if draw.random() < 1 / 6 else 0


def _visits(draw: random.Random, user: str, sessions: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """A visitor's events: times and fields."""
    usual_ms = draw.randrange(4_000, 60_000)
    time_ms = START_MS + draw.randrange(75 * MINUTE_MS)
    for session in range(sessions):
        share = draw.uniform(0.4, 0.7) if session and draw.random() < 1 / 9 else 1.0
        for _ in range(draw.randrange(1, 6)):
            content = f"c-{draw.randrange(500)}"

            def event(
                kind: str, dwell_ms: int | None = None, completed: bool = False, content: str = content
            ):
                return {
                    "userId": user,
                    "contentId": content,
                    "eventType": kind,
                    "dwellMs": dwell_ms,
                    "completed": completed,
                }

            yield time_ms, event("view_start")
            for _ in range(draw.randrange(4)):
                time_ms += draw.randrange(500, 30 * SECOND_MS)
                yield time_ms, event(draw.choice(["click", "scroll", "pause"]))
            time_ms += draw.randrange(SECOND_MS, 20 * SECOND_MS)
            yield (
                time_ms,
                event("view_end", int(usual_ms * share * draw.uniform(0.85, 1.15)), draw.random() < 0.6),
            )
            time_ms += draw.randrange(2 * SECOND_MS, 90 * SECOND_MS)
        time_ms += draw.randrange(31 * MINUTE_MS, 95 * MINUTE_MS)


def put(folder: Path, number: int, text: str) -> None:
    """Puts a file before the query: it appears whole or not at all."""
    hidden = folder / f".events-{number:05}.part"
    hidden.write_text(text)
    hidden.rename(folder / f"events-{number:05}.json")


class Arrival:
    """Lets files arrive one by one, so many each second, on a thread."""

    def __init__(self, folder: Path, contents: Sequence[str], per_second: float) -> None:
        self._folder, self._contents, self._pause = folder, contents, 1 / per_second
        self._stopped = threading.Event()
        self.arrived = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for number, text in enumerate(self._contents):
            put(self._folder, number, text)
            self.arrived = number + 1
            if self._stopped.wait(self._pause):
                return

    def wait(self) -> None:
        """Waits until the last file is there."""
        self._thread.join()

    def stop(self) -> None:
        """Lets no more arrive."""
        self._stopped.set()
        self._thread.join()
