"""Runs PySpark's own doctests against this package, which stands there under PySpark's name, and says how many pass, by module.

    python tools/doctests.py [MODULE …] [--verbose]       (with pyspark-client 4.2 installed: its sources are read, and never imported)
    python tools/doctests.py --ratchet tests/doctests.tsv             fails if fewer pass than the file says, or if the docs say otherwise
    python tools/doctests.py --ratchet tests/doctests.tsv --write     writes the file, and the table in docs/python.md

A docstring passes when all of its examples do. The options are PySpark's: ellipses, blanks, and details of exceptions do not count; the
name of the package is ours, and an exception of a subclass is one that PySpark's `except` catches. The examples see the names that their
module in PySpark has: those that it imports and makes, taken from here where they are here.
"""

import argparse
import ast
import contextlib
import doctest
import importlib
import importlib.util
import io
import os
import pkgutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import ratchet

MODULES = {
    "functions": "sql/functions/builtin.py",
    "column": "sql/column.py",
    "dataframe": "sql/dataframe.py",
    "group": "sql/group.py",
    "window": "sql/window.py",
    "types": "sql/types.py",
    "readwriter": "sql/readwriter.py",
    "session": "sql/session.py",
    "conf": "sql/conf.py",
    "catalog": "sql/catalog.py",
    "tvf": "sql/tvf.py",
    "streaming.query": "sql/streaming/query.py",
    "streaming.readwriter": "sql/streaming/readwriter.py",
}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
# What PySpark's examples call by names of its own that are private there: the same thing under our name.
PRIVATE = {
    "_parse_datatype_string": "tidemill.sql.types:of_ddl",
    "_make_type_verifier": "tidemill.sql.inference:verifier",
    "classproperty": "tidemill.sql.session:_ClassProperty",
}


class Checker(doctest.OutputChecker):
    """Compares as doctest does, and knows that the package has another name, and which exceptions are kinds of others."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        """Whether an answer is the expected one."""
        if super().check_output(want, got, optionflags):
            return True
        if "<pyspark" in want:
            return super().check_output(want.replace("<pyspark", "<tidemill"), got, optionflags)
        expected, raised = (getattr(sys.modules["pyspark.errors"], text.strip(), None) for text in (want, got))
        return isinstance(expected, type) and isinstance(raised, type) and issubclass(raised, expected)


def docstrings(path: Path) -> list[tuple[str, str]]:
    """The docstrings that have examples, by the names of what they are about."""
    found = []

    def visit(node: ast.AST, name: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                inner = f"{name}.{child.name}".lstrip(".")
                text = ast.get_docstring(child)
                if text and ">>>" in text:
                    found.append((inner, text))
                visit(child, inner)

    visit(ast.parse(path.read_text()), "")
    return found


def pretend() -> None:
    """Lets our modules stand where PySpark's do."""
    for found in pkgutil.walk_packages(importlib.import_module("tidemill").__path__, "tidemill."):
        if not found.name.endswith("._tidemill"):
            sys.modules[f"pyspark{found.name.removeprefix('tidemill')}"] = importlib.import_module(found.name)
    sys.modules["pyspark"] = importlib.import_module("tidemill")


def held(module: str, name: str) -> Any:
    """A name of a module: what it holds, or the module inside it; KeyError where it is not here."""
    try:
        inner = importlib.import_module(f"{module}.{name}")
    except ImportError:
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            raise KeyError(name) from None
    return getattr(importlib.import_module(module), name, inner)


def names_of(source: Path, module: str) -> dict[str, Any]:
    """The names that a module of PySpark's has, for what of them is here."""
    names: dict[str, Any] = {}
    for node in ast.parse(source.read_text()).body:
        if isinstance(node, ast.Import):
            wanted = [(each.asname or each.name.split(".")[0], None, each.name.split(".")[0]) for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.module != "__future__":
            wanted = [(each.asname or each.name, node.module, each.name) for each in node.names]
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Assign)):
            targets = [each.id for each in node.targets if isinstance(each, ast.Name)] if isinstance(node, ast.Assign) else [node.name]
            # What a module of PySpark's makes may be made in another one here, of the same package.
            wanted = [(target, room, target) for target in targets for room in (module, module.rpartition(".")[0])]
        else:
            continue
        for name, room, inner in wanted:
            with contextlib.suppress(KeyError, ImportError):
                if name in PRIVATE:
                    names[name] = held(*PRIVATE[name].split(":"))
                else:
                    names[name] = importlib.import_module(inner) if room is None else held(room, inner)
    return names


def passes(names: dict[str, Any], name: str, text: str, verbose: bool) -> bool:
    """Whether all examples of a docstring do."""
    from tidemill.sql import SparkSession

    session = SparkSession.builder.config("spark.sql.warehouse.dir", tempfile.mkdtemp()).create()
    globs = {**names, "spark": session, "__name__": "__main__"}
    test = doctest.DocTestParser().get_doctest(text, globs, name, None, 0)
    if not test.examples or all(example.options.get(doctest.SKIP) for example in test.examples):
        return True
    said = io.StringIO()
    runner = doctest.DocTestRunner(Checker(), optionflags=FLAGS, verbose=False)
    with contextlib.redirect_stdout(io.StringIO()):
        outcome = runner.run(test, out=said.write, clear_globs=False)
    if verbose and outcome.failed:
        print(said.getvalue()[:3000])
    session.stop()
    return outcome.failed == 0


def main() -> None:
    """Prints a line per module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", default=list(MODULES), help="which modules (default: all)")
    parser.add_argument("--verbose", action="store_true", help="print what fails, and how")
    parser.add_argument("--ratchet", metavar="FILE", type=Path, help="hold the counts of all modules to those of a file")
    parser.add_argument("--write", action="store_true", help="write the counts to that file, and into the docs")
    args = parser.parse_args()
    if (args.write and not args.ratchet) or (args.ratchet and len(args.modules) != len(MODULES)):
        parser.error("--ratchet FILE takes all modules, and --write goes with it")
    record = args.ratchet and args.ratchet.resolve()
    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:
        sys.exit("PySpark's sources are not there: pip install pyspark-client==4.2.0")
    sources = Path(found.origin).parent
    pretend()
    os.chdir(tempfile.mkdtemp())
    warnings.simplefilter("ignore")
    counts: ratchet.Counts = {}
    for module in args.modules:
        tests = docstrings(sources / MODULES[module])
        names = names_of(sources / MODULES[module], "pyspark." + MODULES[module].removesuffix(".py").replace("/", "."))
        failed = [name for name, text in tests if not passes(names, name, text, args.verbose)]
        counts[module] = (len(tests), len(tests) - len(failed))
        print(
            f"{module:22} {len(tests) - len(failed):4} of {len(tests):4}  {100 * (len(tests) - len(failed)) / max(1, len(tests)):5.1f} %",
            flush=True,
        )
        if args.verbose:
            print("  failed: " + ", ".join(failed))
    if args.write:
        ratchet.write(record, counts)
    elif record:
        ratchet.hold(record, counts)


main()
