"""Compares a table with what it should be, row for row, and prints a table of checks. It knows nothing of the job."""

from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from job import RELATIVE_TOLERANCE

ROWS_SHOWN = 5


@dataclass
class Check:
    """One line of the verdict; `rows` are the first that differ."""

    name: str
    expected: object
    found: object
    ok: bool
    rows: list = field(default_factory=list)


def equal(name, expected, found) -> Check:
    """Two values that must be the same."""
    return Check(name, expected, found, expected == found)


def empty(name, faults) -> Check:
    """A list of faults that must be empty."""
    return Check(name, 0, len(faults), not faults, [str(fault) for fault in faults[:ROWS_SHOWN]])


def compare_rows(name: str, expected: pa.Table, found: pa.Table, key, values) -> list:
    """Checks that both hold the same rows: none missing, none extra, no key twice, every value equal (floats nearly)."""
    db = duckdb.connect()
    db.register("expected", expected)
    db.register("found", found)
    same_key = " AND ".join(f"e.{column} IS NOT DISTINCT FROM f.{column}" for column in key)
    keys = ", ".join(key)

    def rows(query):
        relation = db.execute(f"{query} ORDER BY ALL")
        names = [column[0] for column in relation.description]
        return [", ".join(f"{n}={v!r}" for n, v in zip(names, row)) for row in relation.fetchall()]

    checks = [
        equal(f"{name}: rows", len(expected), len(found)),
        empty(f"{name}: missing", rows(f"SELECT * FROM expected e WHERE NOT EXISTS (SELECT 1 FROM found f WHERE {same_key})")),
        empty(f"{name}: not expected", rows(f"SELECT * FROM found f WHERE NOT EXISTS (SELECT 1 FROM expected e WHERE {same_key})")),
        empty(f"{name}: keys twice", rows(f"SELECT {keys}, count(*) AS rows FROM found GROUP BY {keys} HAVING count(*) > 1")),
    ]
    if values:
        alike = " AND ".join(_alike(column, expected.schema.field(column).type) for column in values)
        shown = [f"e.{column}" for column in key] + [f"e.{column} AS {column}, f.{column} AS found_{column}" for column in values]
        differing = f"SELECT {', '.join(shown)} FROM expected e JOIN found f ON {same_key} WHERE NOT ({alike})"
        checks.append(empty(f"{name}: other values", rows(differing)))
    return checks


def _alike(column: str, kind: pa.DataType) -> str:
    e, f = f"e.{column}", f"f.{column}"
    if not pa.types.is_floating(kind):
        return f"({e} IS NOT DISTINCT FROM {f})"
    near = f"abs({e} - {f}) <= {RELATIVE_TOLERANCE} * greatest(abs({e}), abs({f}))"
    return f"({e} IS NOT DISTINCT FROM {f} OR coalesce({near}, false))"


def print_checks(checks, out):
    """The verdict as a table, then the first rows of everything that failed."""
    width = max(len(check.name) for check in checks)
    print(f"{'check':<{width}}  {'expected':>20}  {'found':>20}", file=out)
    for check in checks:
        print(f"{check.name:<{width}}  {check.expected!s:>20}  {check.found!s:>20}  {'ok' if check.ok else 'FAILED'}", file=out)
    for check in checks:
        if not check.ok and check.rows:
            print(f"\n{check.name}, the first {len(check.rows[:ROWS_SHOWN])}:", file=out)
            for row in check.rows[:ROWS_SHOWN]:
                print(f"  {row}", file=out)
