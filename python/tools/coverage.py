"""Prints `docs/python-coverage.md`: which of PySpark's public names this package has, and which take the same.

    python tools/coverage.py           prints the file anew      (with pyspark-client 4.2 installed: its sources are read, not imported)
    python tools/coverage.py --check   fails if it is not what would be printed

Both are read from their sources, ours too, so that neither the compiled module is needed nor a name counted that is only there to raise.
A name is there when ours takes every call that PySpark's signature takes: names, places and plain defaults; types are not compared.
"""

import argparse
import ast
import importlib.util
import sys
from dataclasses import dataclass, field
from pathlib import Path

from signatures import Member, Module, Package, takes_all_of

OURS = Path(__file__).parent.parent / "tidemill"
PRINTED = Path(__file__).parent.parent.parent / "docs/python-coverage.md"

CLASSES = (
    ("sql.session", "SparkSession"),
    ("sql.session", "SparkSession.Builder"),
    ("sql.conf", "RuntimeConfig"),
    ("sql.catalog", "Catalog"),
    ("sql.dataframe", "DataFrame"),
    ("sql.dataframe", "DataFrameNaFunctions"),
    ("sql.dataframe", "DataFrameStatFunctions"),
    ("sql.column", "Column"),
    ("sql.types", "Row"),
    ("sql.group", "GroupedData"),
    ("sql.window", "Window"),
    ("sql.window", "WindowSpec"),
    ("sql.readwriter", "DataFrameReader"),
    ("sql.readwriter", "DataFrameWriter"),
    ("sql.readwriter", "DataFrameWriterV2"),
    ("sql.merge", "MergeIntoWriter"),
    ("sql.streaming", "DataStreamReader"),
    ("sql.streaming", "DataStreamWriter"),
    ("sql.streaming", "StreamingQuery"),
    ("sql.streaming", "StreamingQueryManager"),
    ("sql.streaming", "StreamingQueryListener"),
    ("sql.udf", "UDFRegistration"),
    ("sql.udf", "UserDefinedFunction"),
)
# Whole modules: what their __all__ lists.
MODULES = ("sql.functions", "sql.types", "errors")

HEAD = """# PySpark's names in Python

Printed by `python/tools/coverage.py` from the sources of PySpark {version} (`pyspark-client`) and from ours. A name is *there* when it
takes every call that PySpark's takes, by the same names, places and defaults; with *another signature* it is there and takes something
else. To use a *missing* name is an error. How much of what is there works as PySpark's examples show is in [python.md](python.md).

"""


@dataclass
class Row:
    """A line of the table: what is there, what takes something else (and what), and what is missing."""

    title: str
    there: list[str] = field(default_factory=list)
    other: list[tuple[str, Member, Member]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def add(self, name: str, theirs: Member, ours: Member | None) -> None:
        """Counts a name."""
        if ours is None or ours.raises:
            self.missing.append(name)
        elif takes_all_of(ours, theirs):
            self.there.append(name)
        else:
            self.other.append((name, theirs, ours))

    @property
    def all(self) -> int:
        """How many names there are."""
        return len(self.there) + len(self.other) + len(self.missing)


def of_class(title: str, theirs: dict[str, Member], ours: dict[str, Member]) -> Row:
    """A class, member by member. How an object is made is no part of it: sessions and DataFrames make them."""
    row = Row(title)
    for name in sorted(set(theirs) - {"__init__"}):
        row.add(name, theirs[name], ours.get(name))
    return row


def of_module(pyspark: Package, tidemill: Package, module: str) -> Row:
    """A module: its functions, and its classes with their constructors and own methods."""
    row = Row(module)
    source = pyspark.module(f"{pyspark.name}.{module}")
    assert source is not None
    for name in sorted(set(source.exported()) - {name for _, name in CLASSES}):
        found, ours = source.find(name), tidemill.find(module, name)
        if found is None:
            continue
        if not isinstance(found[1], ast.ClassDef):
            row.add(name, member(*found), member(*ours) if ours else None)
            continue
        whole = found[0].members(found[1])
        own = {each: whole[each] for each in found[0].members(found[1], inherited=False)} | {"__init__": whole.get("__init__", Member(()))}
        known = ours[0].members(ours[1]) if ours and isinstance(ours[1], ast.ClassDef) else None
        for each in sorted(own):
            there = None if known is None else known.get(each, Member(()) if each == "__init__" else None)
            row.add(name if each == "__init__" else f"{name}.{each}", own[each], there)
    return row


def member(module: Module, node: ast.stmt | ast.expr) -> Member:
    """A function or value of a module."""
    return module.member(node)


def rows(pyspark: Package, tidemill: Package) -> list[Row]:
    """All lines of the table."""
    made = []
    for module, name in CLASSES:
        found = pyspark.find(module, name)
        if found is None or not isinstance(found[1], ast.ClassDef):
            sys.exit(f"PySpark has no class {module}.{name}: mend the list in {Path(__file__).name}")
        theirs = found[0].members(found[1])
        ours = tidemill.find(module, name)
        made.append(of_class(name, theirs, ours[0].members(ours[1]) if ours and isinstance(ours[1], ast.ClassDef) else {}))
    return made + [of_module(pyspark, tidemill, module) for module in MODULES]


def text(version: str, made: list[Row]) -> str:
    """The whole file."""
    lines = ["| | names | there | another signature | missing |", "|---|--:|--:|--:|--:|"]
    for row in made:
        lines.append(f"| {row.title} | {row.all} | {len(row.there)} | {len(row.other)} | {len(row.missing)} |")
    counts = [sum(map(len, group)) for group in zip(*((row.there, row.other, row.missing) for row in made))]
    lines.append(f"| **all** | {sum(counts)} | {' | '.join(map(str, counts))} |")
    parts = []
    for row in made:
        if row.other or row.missing:
            parts.append(f"\n## {row.title}")
        if row.missing:
            # Of a class that is missing as a whole, its name says it.
            listed = [name for name in row.missing if name.partition(".")[0] == name or name.partition(".")[0] not in row.missing]
            parts.append(f"\nMissing: {', '.join(f'`{name}`' for name in listed)}.")
        if row.other:
            parts.append("\n| another signature | PySpark | here |\n|---|---|---|")
            parts += [f"| `{name}` | `{theirs}` | `{ours}` |" for name, theirs, ours in row.other]
    return HEAD.format(version=version) + "\n".join([*lines, *parts]) + "\n"


def main() -> None:
    """Prints or checks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail if the file is not current")
    check = parser.parse_args().check
    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:
        sys.exit("PySpark's sources are not there: pip install --no-deps pyspark-client==4.2.0")
    pyspark = Package(Path(found.origin).parent)
    version = pyspark.module("pyspark.version")
    assert version is not None
    named = version.names["__version__"]
    assert isinstance(named, ast.Constant)
    made = text(str(named.value), rows(pyspark, Package(OURS)))
    if not check:
        PRINTED.write_text(made)
    elif not PRINTED.exists() or PRINTED.read_text() != made:
        sys.exit(f"{PRINTED} is not what tools/coverage.py prints: print it anew")


if __name__ == "__main__":
    main()
