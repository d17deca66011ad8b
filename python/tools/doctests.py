"""Runs PySpark's own doctests against this package, which stands there under PySpark's name, and says how many pass, by module.

    python tools/doctests.py [MODULE …] [--verbose]       (with pyspark-client 4.2 installed: its sources are read, and never imported)
    python tools/doctests.py --ratchet tests/doctests.tsv             fails if fewer pass than the file says, or if the docs say otherwise
    python tools/doctests.py --ratchet tests/doctests.tsv --write     writes the file, and the table in docs/python.md

A docstring passes when all of its examples do. The options are PySpark's: ellipses, blanks, and details of exceptions do not count.
"""

import argparse
import ast
import contextlib
import doctest
import importlib
import importlib.util
import io
import os
import sys
import tempfile
import types
from pathlib import Path

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
    "streaming.query": "sql/streaming/query.py",
    "streaming.readwriter": "sql/streaming/readwriter.py",
}
# They show the rows of several files in one order, and the names of files are drawn: counted as failed, so that the counts stay the same.
BY_CHANCE = {"DataFrameWriter.mode"}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
OURS = (
    "",
    ".errors",
    ".sql",
    ".sql.column",
    ".sql.dataframe",
    ".sql.functions",
    ".sql.session",
    ".sql.types",
    ".sql.window",
    ".sql.readwriter",
)


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
    for name in OURS:
        sys.modules[f"pyspark{name}"] = importlib.import_module(f"tidemill{name}")


def passes(module: str, name: str, text: str, verbose: bool) -> bool:
    """Whether all examples of a docstring do."""
    from tidemill.sql import SparkSession

    session = SparkSession.builder.config("spark.sql.warehouse.dir", tempfile.mkdtemp()).create()
    functions = sys.modules["pyspark.sql.functions"]
    names = vars(functions) if module == "functions" else vars(sys.modules["pyspark.sql"])
    globs = {**names, "spark": session, "sf": functions, "sys": sys, "__name__": "__main__"}
    test = doctest.DocTestParser().get_doctest(text, globs, name, None, 0)
    if not test.examples or all(example.options.get(doctest.SKIP) for example in test.examples):
        return True
    said = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
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
    assert isinstance(sys.modules["pyspark"], types.ModuleType)
    counts: ratchet.Counts = {}
    for module in args.modules:
        tests = docstrings(sources / MODULES[module])
        failed = [name for name, text in tests if name in BY_CHANCE or not passes(module, name, text, args.verbose)]
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
