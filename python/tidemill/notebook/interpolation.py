"""The notebook's variables in a statement: `{orders}` stands for the variable `orders`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tidemill.errors import PySparkTypeError, PySparkValueError
from tidemill.sql.column import Column
from tidemill.sql.dataframe import DataFrame

if TYPE_CHECKING:
    from tidemill.sql.session import SparkSession

__all__ = ["interpolated", "run"]

# `{{name}}` is the text `{name}`; other braces, as JSON has them, stay as they are.
_FIELD = re.compile(r"\{\{([A-Za-z_]\w*)\}\}|\{([A-Za-z_]\w*)\}|([{}])")


def interpolated(statement: str, variables: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The statement as `SparkSession.sql` takes it, and the variables that it names."""
    named: dict[str, Any] = {}

    def braces(found: re.Match[str]) -> str:
        literal, name, brace = found.groups()
        if name is None:
            return f"{{{{{literal}}}}}" if literal else brace * 2
        if name not in variables:
            near = difflib.get_close_matches(name, [each for each in variables if not each.startswith("_")], 1)
            hint = f"did you mean {{{near[0]}}}?" if near else f"for the text itself write {{{{{name}}}}}"
            raise PySparkValueError(f"the notebook has no variable for {{{name}}}: {hint}", errorClass="ARGUMENT_REQUIRED")
        named[name] = variables[name]
        return found[0]

    said = _FIELD.sub(braces, statement)
    # Without a variable the statement is taken as it stands.
    return (said, named) if named else (said.replace("{{", "{").replace("}}", "}"), {})


def run(spark: SparkSession, statement: str, variables: Mapping[str, Any]) -> DataFrame:
    """What a statement gives."""
    said, named = interpolated(statement, variables)
    return spark.sql(said, **{name: _given(spark, name, value) for name, value in named.items()})


def _given(spark: SparkSession, name: str, value: Any) -> Any:
    if isinstance(value, (DataFrame, Column, str, bool, int, float, Decimal)):
        return value
    # pandas, Polars, pyarrow.
    if hasattr(value, "__arrow_c_stream__"):
        return spark.createDataFrame(value)
    what = f"{type(value).__module__}.{type(value).__qualname__}"
    raise PySparkTypeError(f"{{{name}}} is a {what}: a statement takes tables, Columns, texts and numbers", errorClass="INVALID_TYPE")
