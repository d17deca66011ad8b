"""Plain Python values as constants of the tree: which kind a value is, and its form inside the engine."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

from tidemill import _tidemill
from tidemill.errors import PySparkTypeError, PySparkValueError
from tidemill.sql.types import DateType, DayTimeIntervalType, TimestampNTZType, TimestampType, TimeType


def kind_of(value: Any) -> tuple[str, Any] | None:
    """The kind of a constant and its inner form, as `literal.rs` takes them; None for what is no constant."""
    if value is None:
        return "null", None
    if isinstance(value, bool):
        return "boolean", value
    if isinstance(value, int):
        if -(2**31) <= value < 2**31:
            return "integer", value
        if -(2**63) <= value < 2**63:
            return "long", value
        return kind_of(decimal.Decimal(value))
    if isinstance(value, float):
        return "double", value
    if isinstance(value, str):
        return "string", value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "binary", bytes(value)
    if isinstance(value, decimal.Decimal):
        return "decimal", _decimal(value)
    if isinstance(value, datetime.datetime):
        return "timestamp", TimestampType().toInternal(value)
    if isinstance(value, datetime.date):
        return "date", DateType().toInternal(value)
    if isinstance(value, datetime.time):
        return "time", TimeType().toInternal(value)
    if isinstance(value, datetime.timedelta):
        return "day_time", DayTimeIntervalType().toInternal(value)
    # numpy and pandas have scalars of their own, which know the Python value that they are.
    if type(value).__module__ in ("numpy", "pandas", "pandas._libs.tslibs.timestamps", "pandas._libs.tslibs.timedeltas"):
        return _foreign(value)
    return None


_NUMPY = {
    "int8": "byte",
    "int16": "short",
    "int32": "integer",
    "int64": "long",
    "uint8": "short",
    "uint16": "integer",
    "uint32": "long",
    "float32": "float",
}


def _foreign(value: Any) -> tuple[str, Any] | None:
    name = type(value).__name__
    if name in _NUMPY:
        return _NUMPY[name], value.item()
    if name == "datetime64":
        micros = value.astype("datetime64[us]").item()
        return None if micros is None else ("timestamp_ntz", TimestampNTZType().toInternal(micros))
    if name == "timedelta64":
        return kind_of(value.astype("timedelta64[us]").item())
    if hasattr(value, "to_pydatetime"):
        return kind_of(value.to_pydatetime())
    return kind_of(value.item()) if hasattr(value, "item") and not hasattr(value, "__len__") else None


def _decimal(value: decimal.Decimal) -> tuple[int, int, int]:
    if not value.is_finite():
        raise PySparkValueError(f"a decimal is a number, and {value} is none: use a float", errorClass="VALUE_NOT_ALLOWED")
    sign, digits, exponent = value.as_tuple()
    scale = max(0, -int(exponent))
    unscaled = int("".join(map(str, digits)) or "0") * 10 ** max(0, int(exponent))
    precision = max(len(str(unscaled)), scale, 1)
    if precision > 38:
        raise PySparkValueError(f"{value} has more than the 38 digits of a decimal", errorClass="NUMERIC_VALUE_OUT_OF_RANGE")
    return (-unscaled if sign else unscaled), precision, scale


def literal(value: Any) -> _tidemill.Column:
    """The constant that a value is; an array of constants for a list."""
    if isinstance(value, (list, tuple)):
        return _tidemill.call("array", [literal(item) for item in value])
    if hasattr(value, "tolist") and hasattr(value, "dtype") and hasattr(value, "__len__"):
        return literal(list(value))
    kind = kind_of(value)
    if kind is None:
        message = f"{value!r} of type {type(value).__name__} is no constant: give None, a number, a text, bytes, a time, or a list of those"
        raise PySparkTypeError(message, errorClass="UNSUPPORTED_LITERAL")
    return _tidemill.Column.literal(*kind)
