"""The record of how many of PySpark's docstrings pass, by module: a file of tabs, and the table in docs/python.md that is printed from it.
The counts may grow and never fall. What runs the docstrings is `doctests.py`."""

import re
import sys
from pathlib import Path

DOCS = Path(__file__).parent.parent.parent / "docs/python.md"
HEAD = "module\tof\tpassed"
# The table, from its head to its last line.
TABLE = re.compile(r"^\| module \| pass \| of \| \|\n(?:\|.*\n)*", re.MULTILINE)

# Of each module: how many docstrings have examples, and of how many all examples pass.
Counts = dict[str, tuple[int, int]]


def read(file: Path) -> Counts:
    """The counts of a file."""
    head, *lines = file.read_text().splitlines()
    if head != HEAD:
        sys.exit(f"{file}: the first line is not `{HEAD}`: print it anew with --write")
    parts = [line.split("\t") for line in lines]
    return {module: (int(of), int(passed)) for module, of, passed in parts}


def table(counts: Counts) -> str:
    """The table for the docs."""
    lines = [f"| {module} | {passed} | {of} | {100 * passed / max(1, of):.0f} % |\n" for module, (of, passed) in counts.items()]
    return "| module | pass | of | |\n|---|---|---|---|\n" + "".join(lines)


def write(file: Path, counts: Counts) -> None:
    """Writes the file, and the table in the docs."""
    file.write_text("\n".join([HEAD, *(f"{module}\t{of}\t{passed}" for module, (of, passed) in counts.items())]) + "\n")
    docs = DOCS.read_text()
    if not TABLE.search(docs):
        sys.exit(f"{DOCS} has no table that begins with `| module | pass | of | |`: put its head where the table belongs")
    DOCS.write_text(TABLE.sub(lambda _: table(counts), docs, count=1))


def faults(recorded: Counts, counts: Counts) -> list[str]:
    """What keeps counts from being as good as the recorded ones."""
    found = [f"{module} is not in the record" for module in counts if module not in recorded]
    for module, (of, passed) in recorded.items():
        now_of, now_passed = counts.get(module, (0, 0))
        if now_of != of:
            found.append(f"{module} has {now_of} docstrings, and {of} in the record: another release of PySpark?")
        elif now_passed < passed:
            found.append(
                f"{module}: {now_passed} docstrings pass, and {passed} did: python tools/doctests.py {module} --verbose says which fail"
            )
    return found


def hold(file: Path, counts: Counts) -> None:
    """Ends the program with an error when a count fell, or when the docs say something else than the file."""
    recorded = read(file)
    found = faults(recorded, counts)
    if table(recorded) not in DOCS.read_text():
        found.append(f"the table in {DOCS.name} is not that of {file.name}: print it anew with --write")
    if found:
        sys.exit("\n".join(found))
    grown = [module for module, (_, passed) in counts.items() if passed > recorded[module][1]]
    if grown:
        print(f"more pass than {file} says ({', '.join(grown)}): print it anew with --write")
