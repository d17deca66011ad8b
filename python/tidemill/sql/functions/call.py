"""How the functions' arguments become columns."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable
from typing import Any

from tidemill import _tidemill
from tidemill.errors import PySparkNotImplementedError, PySparkTypeError, PySparkValueError
from tidemill.sql.column import Column, named, operand

_numbers = itertools.count()


def called(name: str, *arguments: _tidemill.Column | None) -> Column:
    """A call. Arguments that are None and stand at the end are left out; before others they are null."""
    given = list(arguments)
    while given and given[-1] is None:
        given.pop()
    null = _tidemill.Column.literal("null", None)
    return Column(_tidemill.call(name, [null if argument is None else argument for argument in given]))


def called_with_zeros(name: str, *arguments: _tidemill.Column | None) -> Column:
    """A call where 0 stands for arguments that are None."""
    return called(name, *(operand(0) if argument is None else argument for argument in arguments))


def name_or_column(value: Any) -> _tidemill.Column | None:
    """A Column, or the column of a name."""
    return None if value is None else named(value)


def either(value: Any) -> _tidemill.Column | None:
    """A Column, the column of a name, or a number."""
    return None if value is None else operand(value) if isinstance(value, (int, float)) else named(value)


def constant(value: Any) -> _tidemill.Column | None:
    """A Column, or a plain value as the constant that it is."""
    return None if value is None else operand(value)


def listed(values: tuple[Any, ...]) -> list[_tidemill.Column]:
    """Columns and names, in a list or not."""
    items = values[0] if len(values) == 1 and isinstance(values[0], (list, tuple, set)) else values
    return [named(item) for item in items]


def options_of(options: dict[str, Any] | None) -> _tidemill.Column | None:
    """Options as a map of texts."""
    if options is None:
        return None
    texts = [str(part).lower() if isinstance(part, bool) else str(part) for pair in options.items() for part in pair]
    return _tidemill.call("map", [operand(text) for text in texts])


def lambda_of(function: Callable[..., Any] | None) -> _tidemill.Column | None:
    """A lambda: the function is called once, with Columns that stand for its arguments."""
    if function is None:
        return None
    parameters = inspect.signature(function).parameters
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if not 1 <= len(parameters) <= 3 or any(parameter.kind not in plain for parameter in parameters.values()):
        message = f"{function!r} takes one to three Columns by their places, and no others"
        raise PySparkValueError(message, errorClass="WRONG_NUM_ARGS_FOR_HIGHER_ORDER_FUNCTION")
    number = next(_numbers)
    names = [f"{name}_{number}" for name in ("x", "y", "z")[: len(parameters)]]
    body = function(*(Column(_tidemill.lambda_variable(name)) for name in names))
    if not isinstance(body, Column):
        raise PySparkValueError(f"{function!r} gives a Column, not {body!r}", errorClass="HIGHER_ORDER_FUNCTION_SHOULD_RETURN_COLUMN")
    return _tidemill.lambda_(names, body._column)


def absent(name: str) -> Column:
    """The error that a function of PySpark's is not there."""
    message = f"the function {name} is not there yet: docs/functions.md lists those that are"
    raise PySparkNotImplementedError(message, errorClass="NOT_IMPLEMENTED", messageParameters={"feature": name})


def need_column(value: Any, what: str) -> Column:
    """The value, if it is a Column."""
    if not isinstance(value, Column):
        raise PySparkTypeError(f"{what} is a Column, not {value!r}", errorClass="NOT_COLUMN")
    return value
