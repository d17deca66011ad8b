"""Runs the notebooks headless: `python notebooks/run.py [NAME …] [--html DIR]`. It fails when a cell fails.

Each notebook runs in a temporary folder, with a kernel of the Python that runs this program."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def chosen(names: list[str]) -> list[Path]:
    """The notebooks that names begin or equal; all without a name."""
    every = sorted(HERE.glob("[0-9]*.ipynb"))
    found = [
        path for path in every if not names or any(path.stem.startswith(Path(name).stem) for name in names)
    ]
    for name in names:
        if not any(path.stem.startswith(Path(name).stem) for path in every):
            sys.exit(f"there is no notebook {name!r}: {', '.join(path.stem for path in every)}")
    return found


def run(path: Path, folder: Path, seconds: int, html: Path | None) -> str | None:
    """Runs a notebook in a folder, beside copies of the modules that it imports. Says what it failed with."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    for module in HERE.glob("*.py"):
        shutil.copy(module, folder)
    notebook = nbformat.read(path, as_version=4)
    failed = None
    try:
        resources = {"metadata": {"path": str(folder)}}
        client = NotebookClient(notebook, timeout=seconds, kernel_name="python3", resources=resources)
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        failed = str(error)
    if html is not None:
        from nbconvert import HTMLExporter

        # A notebook that failed is rendered too: it shows where.
        text, _ = HTMLExporter().from_notebook_node(notebook)
        html.mkdir(parents=True, exist_ok=True)
        (html / f"{path.stem}.html").write_text(text, encoding="utf-8")
    return failed


def main() -> int:
    """Runs what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="a notebook, or how its name begins: 02; all without one"
    )
    parser.add_argument("--html", type=Path, metavar="DIR", help="renders each notebook into this folder")
    parser.add_argument(
        "--timeout", type=int, default=600, metavar="SECONDS", help="how long one cell may take (600)"
    )
    given = parser.parse_args()
    html = given.html.resolve() if given.html else None
    # Figures carry plotly with them, so that a rendered notebook needs no network.
    os.environ.setdefault("PLOTLY_RENDERER", "notebook")
    failures = 0
    for path in chosen(given.names):
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="tidemill-notebook-", ignore_cleanup_errors=True) as folder:
            # Whatever a notebook leaves goes with the folder.
            os.environ["TMPDIR"] = folder
            failed = run(path, Path(folder), given.timeout, html)
            del os.environ["TMPDIR"]
        print(f"{path.stem}: {'failed' if failed else 'ok'}, {time.monotonic() - began:.0f} s", flush=True)
        if failed:
            print(failed, file=sys.stderr)
            failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
