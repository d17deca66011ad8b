"""What readers and writers are given, of files and of streams, as the engine takes it."""

from __future__ import annotations

from typing import Any

from tidemill.errors import PySparkTypeError
from tidemill.sql.conf import as_text
from tidemill.sql.types import StructType

__all__ = ["ddl_of", "given_options"]


def given_options(options: dict[str, Any]) -> dict[str, str]:
    """The options that have a value, as text."""
    return {name: as_text(value) for name, value in options.items() if value is not None}


def ddl_of(schema: StructType | str) -> str:
    """The columns of a StructType, or of DDL, as DDL."""
    if isinstance(schema, StructType):
        return schema.toDDL()
    if not isinstance(schema, str):
        raise PySparkTypeError(f"a schema is a StructType or DDL, not {schema!r}", errorClass="NOT_STR_OR_STRUCT")
    return schema
