"""Reads the raw event files line by line and says which lines are events and which are malformed.

The rule is strict: a line is an event if it is one JSON object (RFC 8259, UTF-8) whose fields have the JSON types that the
schema names. Python does this part because DuckDB's JSON reader forgives trailing commas, NaN and bytes that are not UTF-8.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from job import EVENT_FIELDS, MAX_DEPTH, NOT_NULL

LONG_MIN, LONG_MAX = -(2**63), 2**63 - 1
BY_LOWER_NAME = {name.lower(): name for name in EVENT_FIELDS}
ARROW_TYPES = {"string": pa.string(), "long": pa.int64(), "boolean": pa.bool_()}
EVENT_SCHEMA = pa.schema([(name, ARROW_TYPES[kind]) for name, kind in EVENT_FIELDS.items()] + [("file", pa.string()), ("line", pa.int64())])
MALFORMED_SCHEMA = pa.schema([("file", pa.string()), ("line", pa.int64()), ("text", pa.string()), ("why", pa.string())])


class Malformed(ValueError):
    """Why a line is not an event."""


@dataclass
class Raw:
    """Everything that the raw files hold; `files` are their names, in the order of names."""

    events: pa.Table
    malformed: pa.Table
    files: list
    mtimes_ns: dict


def raw_files(folder: Path):
    """The files that the job reads: names that start with `_` or `.` are not there for it."""
    return sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] not in "_.")


class Pairs(list):
    """An object's names and values as they stand, so that a name that stands twice is seen twice."""


def _no_constant(name):
    raise Malformed(f"{name} is not JSON")


def _depth(value) -> int:
    if isinstance(value, Pairs):
        return 1 + max((_depth(inner) for _, inner in value), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


def _check(name, kind, field, escapes):
    """That a field's value has the type that the schema names."""
    if field is None:
        if name in NOT_NULL:
            raise Malformed(f"{name} is null")
    elif kind == "string":
        if type(field) is not str:
            raise Malformed(f"{name} is no string")
        if escapes:
            try:
                field.encode("utf-8")
            except UnicodeEncodeError:
                raise Malformed(f"{name} holds half a surrogate pair") from None
    elif kind == "long":
        # `type` and not `isinstance`: True is an int to Python.
        if type(field) is not int or not LONG_MIN <= field <= LONG_MAX:
            raise Malformed(f"{name} is no long")
    elif type(field) is not bool:
        raise Malformed(f"{name} is no boolean")


def parse_event(line: bytes):
    """The seven values of an event line, in the schema's order; `Malformed` says why it is none."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8: {error}") from None
    try:
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=Pairs)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from None
    if not isinstance(value, Pairs):
        raise Malformed("not an object")
    if line.count(b"[") + line.count(b"{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise Malformed("nested too deep")
    escapes = "\\u" in text
    row = dict.fromkeys(EVENT_FIELDS)
    for key, field in value:
        name = key if key in EVENT_FIELDS else BY_LOWER_NAME.get(key.lower())
        if name is not None:
            _check(name, EVENT_FIELDS[name], field, escapes)
            row[name] = field
    for name in NOT_NULL:
        if row[name] is None:
            raise Malformed(f"{name} is missing")
    return list(row.values())


def read_raw(folder: Path) -> Raw:
    """Every line of every file in `folder`."""
    columns = [[] for _ in EVENT_SCHEMA]
    malformed = []
    files = raw_files(folder)
    for path in files:
        for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
            if not line.strip(b" \t\r"):
                continue
            try:
                row = parse_event(line)
            except Malformed as why:
                try:
                    text = line.decode("utf-8")
                except UnicodeDecodeError:
                    # What a reader shows for such bytes is its own choice.
                    text = None
                malformed.append({"file": path.name, "line": number, "text": text, "why": str(why)})
                continue
            row += (path.name, number)
            for column, value in zip(columns, row):
                column.append(value)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, EVENT_SCHEMA)]
    return Raw(
        events=pa.Table.from_arrays(arrays, schema=EVENT_SCHEMA),
        malformed=pa.Table.from_pylist(malformed, MALFORMED_SCHEMA),
        files=[path.name for path in files],
        mtimes_ns={path.name: path.stat().st_mtime_ns for path in files},
    )
