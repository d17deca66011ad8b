"""An order-free hash of all values of a table, the same whoever read it: deltalake, DuckDB or Spark.

A row becomes a text that is exact for every type (a double is its 64 bits, a timestamp its microseconds), columns in the
order of their names; the hash is the sum of the first eight bytes of each row's SHA-256, modulo 2^64. This file uses
nothing but pyarrow, because it also runs in Spark's venv.
"""

import hashlib
import struct

import pyarrow as pa

MODULUS = 2**64


def _cells(column: pa.ChunkedArray):
    """The column as texts that no two different values share."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        column, tag = column.cast(pa.timestamp("us", kind.tz)).cast(pa.int64()), "t"
    elif pa.types.is_boolean(kind):
        tag = "b"
    elif pa.types.is_integer(kind):
        tag = "i"
    elif pa.types.is_floating(kind):
        column, tag = column.cast(pa.float64()), "f"
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        tag = "s"
    else:
        raise TypeError(f"hashes: no text for values of type {kind}")
    for value in column.to_pylist():
        if value is None:
            yield "n"
        elif tag == "f":
            yield "f" + struct.pack(">d", value).hex()
        elif tag == "s":
            yield f"s{len(value)}:{value}"
        else:
            yield f"{tag}{int(value)}"


def table_hash(table) -> int:
    """The hash of an Arrow table or record batch; hashes of parts add up (modulo 2^64) to the hash of the whole."""
    names = sorted(table.schema.names)
    total = 0
    for cells in zip(*(_cells(table.column(name)) for name in names)):
        digest = hashlib.sha256("\x1f".join(cells).encode("utf-8")).digest()
        total += int.from_bytes(digest[:8], "big")
    return total % MODULUS


def shown(value: int) -> str:
    """The hash as printed and stored."""
    return f"{value:016x}"
