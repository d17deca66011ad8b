"""Prints `tidemill/sql/functions/builtin.py` from the engine's table of functions and from what PySpark's functions take.

    python tools/print_functions.py           prints the file anew
    python tools/print_functions.py --check   fails if it is not what would be printed

A function of PySpark's that the engine has not raises an error that says so. What is no plain call stands in `by_hand.py`.
"""

import argparse
import ast
import keyword
import sys
from pathlib import Path

from tidemill import _tidemill

HERE = Path(__file__).parent
PRINTED = HERE.parent / "tidemill/sql/functions/builtin.py"
BY_HAND = HERE.parent / "tidemill/sql/functions/by_hand.py"

# Where the engine's name is another.
ENGINE = {"bitwise_not": "~", "create_map": "map"}
# Parts of an interval that are left out are 0.
ZEROS = {"make_dt_interval", "make_interval", "make_ym_interval", "try_make_interval"}

HEAD = '''"""Functions over columns, by PySpark's names: printed from the engine's table of functions by `tools/print_functions.py`."""

from __future__ import annotations

import builtins
from typing import Any

from tidemill.sql.column import Column, operand
from tidemill.sql.functions.call import absent, called, called_with_zeros, constant, either, lambda_of, listed, name_or_column, options_of

'''

KINDS = {"column": "name_or_column", "either": "either", "value": "constant", "plain": "constant", "options": "options_of"}
# The functions include `float`.
HINTS = {"column": "Column | str", "either": "Column | str | builtins.float", "value": "Any", "plain": "Any", "options": "dict[str, str]"}


def usages() -> dict[str, str]:
    """What each function of the engine does."""
    return {name: usage.partition(" - ")[2] for name, _, usage in _tidemill.functions()}


def hand_written() -> set[str]:
    """The functions of `by_hand.py`."""
    for node in ast.parse(BY_HAND.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    sys.exit(f"{BY_HAND} says nothing of what is in it")


def printed(name: str, parameters: list[list[str]], usage: str | None) -> str:
    """A function."""
    signature, arguments = [], []
    for parameter, kind, default in parameters:
        default = "None" if "(" in default else default.replace("\N{NO-BREAK SPACE}", " ")
        bare = parameter.lstrip("*")
        hint = "Any" if kind.startswith("function") else HINTS.get(kind, "Any")
        if parameter.startswith("*"):
            signature.append(f"*{bare}: Any")
            arguments.append(f"*listed({bare})")
            continue
        optional = f" | None = {default}" if default == "None" and hint != "Any" else f" = {default}" if default != "-" else ""
        signature.append(f"{bare}: {hint}{optional}")
        if kind.startswith("function"):
            arguments.append(f"lambda_of({bare})")
        else:
            # None is a value where one has to be given.
            taken = "operand" if kind in ("value", "plain") and default == "-" else KINDS.get(kind, "constant")
            arguments.append(f"{taken}({bare})")
    head = f"def {name}({', '.join(signature)}) -> Column:\n"
    if usage is None:
        return head + f'    """Not there."""\n    return absent("{name}")\n'
    usage = usage.replace("\\", "\\\\").replace('"""', '"')
    doc = f'    """{usage[:1].upper()}{usage[1:]}"""\n'
    if usage.endswith('"'):
        doc = f"    '''{usage}'''\n"
    call = "called_with_zeros" if name in ZEROS else "called"
    return head + doc + f"    return {call}({', '.join([repr(ENGINE.get(name, name)).replace(chr(39), chr(34)), *arguments])})\n"


def text() -> str:
    """The whole file."""
    known, by_hand = usages(), hand_written()
    names, parts = [], []
    for line in (HERE / "pyspark_functions.tsv").read_text().splitlines():
        name, *parameters = line.split("\t")
        if name in by_hand:
            continue
        names.append(name)
        parts.append(printed(name, [parameter.split(" ") for parameter in parameters], known.get(ENGINE.get(name, name))))
    pysparks = sorted(names)
    # What SQL has and PySpark has no function for takes columns by their names. `import *` leaves it out: it would hide Python's `float`.
    for name in sorted(set(known) - set(names) - by_hand - set(ENGINE.values())):
        if name.isidentifier() and not keyword.iskeyword(name):
            names.append(name)
            parts.append(printed(name, [["*cols", "column", "-"]], known[name]))
    listed = "".join(f'    "{name}",\n' for name in pysparks)
    return HEAD + f"__all__ = [\n{listed}]\n\n\n" + "\n\n".join(parts)


def main() -> None:
    """Prints or checks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail if the file is not current")
    if not parser.parse_args().check:
        PRINTED.write_text(text())
    elif PRINTED.read_text() != text():
        sys.exit(f"{PRINTED} is not what tools/print_functions.py prints: print it anew")


main()
