"""The Python objects of the engine's values: what `rows.rs` calls for each value of a type that Rust has no object for."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal as decimal
from typing import Any

from tidemill.errors import PySparkValueError
from tidemill.sql.types import DateType, DayTimeIntervalType, Row, TimestampNTZType, TimestampType, TimeType

__all__ = ["date", "day_time", "decimal", "row_maker", "time", "timestamp", "timestamp_ntz", "year_month"]

_DATE, _TIME, _TIMESTAMP, _NTZ, _DAY_TIME = DateType(), TimeType(), TimestampType(), TimestampNTZType(), DayTimeIntervalType()


def row_maker(names: list[str]) -> Callable[[tuple[Any, ...]], Row]:
    """Makes rows of these names."""

    def make(values: tuple[Any, ...]) -> Row:
        row = tuple.__new__(Row, values)
        row.__dict__["__fields__"] = names
        return row

    return make


def _within(make: Callable[[int], Any], what: str) -> Callable[[int], Any]:
    def checked(value: int) -> Any:
        try:
            return make(value)
        except (OverflowError, ValueError, OSError):
            message = f"Python has no {what} so far from now ({value}): cast the column to a string, or take it by toArrow()"
            raise PySparkValueError(message, errorClass="DATETIME_OVERFLOW") from None

    return checked


date: Callable[[int], datetime.date] = _within(_DATE.fromInternal, "date")
time: Callable[[int], datetime.time] = _within(_TIME.fromInternal, "time")
timestamp: Callable[[int], datetime.datetime] = _within(_TIMESTAMP.fromInternal, "datetime")
timestamp_ntz: Callable[[int], datetime.datetime] = _within(_NTZ.fromInternal, "datetime")
day_time: Callable[[int], datetime.timedelta] = _within(_DAY_TIME.fromInternal, "timedelta")


def year_month(months: int) -> Any:
    """Python has no value for years and months."""
    message = "Python has no value for an interval of years and months: cast the column to a string, or take it by toArrow()"
    raise PySparkValueError(message, errorClass="NOT_IMPLEMENTED")
