"""Runs the main job as Python writes it (python/examples/behaviour.py) over the files of a demo, kills it, and holds its tables to the demo's.

    PYTHONPATH=… python3 tests/campaign/python_job.py RESULT [--kills 3] [--seed 7]

RESULT is what `tidemill demo --output json --max-files 1` printed. Both read a file per epoch, so that both see the same epochs: every table
has to be the same, row for row, but for the numbers of epochs. `kill -9` comes at a random moment between two epochs that the job tells of.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from deltalake import DeltaTable

# In which epoch a late row was seen: epochs without data, which end state, run between others when there is time for them.
BY_EPOCH = ("epoch", "watermark")
JOB = Path(__file__).parents[2] / "python/examples/behaviour.py"


def run(source, target, epochs_until_kill, delay):
    """Runs the job to its end, or kills it so many seconds after so many epochs; whether it was killed, and its epochs."""
    command = [sys.executable, JOB, "--input", source, "--output", target, "--available-now"]
    job = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    epochs = []
    for line in job.stdout:
        told = json.loads(line)
        if "epoch" in told:
            epochs.append(told)
            if epochs_until_kill is not None and len(epochs) == epochs_until_kill:
                time.sleep(delay)
                job.kill()
    code = job.wait()
    if code not in (0, -9):
        sys.exit(f"the job ended with code {code}")
    return code == -9, epochs


def rows(path):
    """A table's rows, in an order of their own."""
    if not (Path(path) / "_delta_log").is_dir():
        return []
    found = DeltaTable(path).to_pyarrow_table().to_pylist()
    told = ({name: value for name, value in row.items() if name not in BY_EPOCH} for row in found)
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in told)


def main():
    """Kills, and compares."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("result", type=Path)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    demo = json.loads(args.result.read_text().splitlines()[-1])
    target = Path(tempfile.mkdtemp(prefix="tidemill-python-job-"))
    draw = random.Random(args.seed)
    began, killed, worked = time.monotonic(), 0, 0
    while True:
        strike = draw.randint(1, 4) if killed < args.kills else None
        was_killed, epochs = run(demo["input"], target, strike, draw.uniform(0, 0.05))
        killed += was_killed
        worked += sum(epoch["rows"] for epoch in epochs)
        if not was_killed:
            break
    seconds = time.monotonic() - began
    if killed < args.kills:
        sys.exit(f"only {killed} of {args.kills} kills hit: the input has too few files")
    different = []
    for name, path in demo["tables"].items():
        expected, found = rows(path), rows(str(target / "tables" / name))
        print(f"{name:16} {len(found):7} rows, {'as in Rust' if found == expected else f'{len(expected)} in Rust'}")
        if found != expected:
            only = [row for row in found if row not in set(expected)][:3], [row for row in expected if row not in set(found)][:3]
            different.append(f"{name}: only in Python {only[0]}; only in Rust {only[1]}")
    print(f"{killed} kills, {worked} rows told, {seconds:.1f} s with all starts")
    if different:
        sys.exit("\n".join(["the tables differ; they are in " + str(target), *different]))
    shutil.rmtree(target)


main()
