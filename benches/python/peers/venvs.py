"""The peers' environments: a venv for each in the cache folder, with what `requirements/` pins. One that cannot be made does not stop the
others."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from collections.abc import Iterable, Mapping
from pathlib import Path

from engines import ENGINES, HERE, NotMeasured

# Beside the tests' venv, as theirs and the notebooks' are: tests/setup.sh.
BESIDE = Path(os.environ.get("TIDEMILL_VENV", Path.home() / ".cache" / "tidemill" / "venv"))


def made(name: str, lists: Iterable[Path]) -> Path:
    """The Python of an environment with the packages of some lists, which is made where it is not there or the lists have changed."""
    folder = BESIDE.with_name(f"{BESIDE.name}-peer-{name}")
    python = folder / "bin" / "python"
    stamp = folder / ".tidemill-requirements"
    wanted = hashlib.sha256(b"".join(one.read_bytes() for one in lists)).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    print(f"peers: making {folder}", file=sys.stderr)
    try:
        venv.create(folder, clear=True, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotMeasured(f"{folder} cannot be made: {error}") from error
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes"]
    for one in lists:
        done = subprocess.run([*pip, "--requirement", str(one)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotMeasured(f"{one.name} cannot be installed: {last_line(done.stderr)}")
    stamp.write_text(wanted, encoding="utf-8")
    return python


def last_line(text: str) -> str:
    """What a program said last, of its errors where it names any."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error:")]
    return (errors or lines or ["it said nothing"])[-1]


def pythons(names: Iterable[str], given: Mapping[str, Path]) -> tuple[dict[str, Path], dict[str, str]]:
    """The Pythons of the named peers, and of those that have none why. What is given is taken as it is."""
    found: dict[str, Path] = {}
    missing: dict[str, str] = {}
    for name in names:
        if ENGINES[name].linked:
            continue
        try:
            found[name] = given[name] if name in given else made(name, [HERE / "requirements" / f"{name}.txt"])
        except NotMeasured as why:
            missing[name] = str(why)
    return found, missing
