"""Has the query call one row late that is on time, then lose one without a word; the demo's judge and the oracle must find both.

    python3 tests/campaign/lateness.py --binary PATH     (a build with --features failpoints)

Such a run is right for the rows that it has kept, so only a judge with a model of what it had to keep can tell. Exit code 0: both
judges have named the table each time; 1: one has not, and its "stream and batch agree" means nothing.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from demo import default_binary, fail, oracle, oracle_python, run_demo

# What is done to one row, the table that shows it, and how the oracle's check begins that must fail.
FAULTS = (
    ("executor::call_one_on_time_row_late=1*return", "late_events", "late_events: on time by the model"),
    ("executor::drop_one_row=1*return", "session_metrics", "session_metrics: "),
)


def main():
    parser = argparse.ArgumentParser(description="Call one row late, and lose one; both judges must find it.")
    parser.add_argument("--binary", default=default_binary(), help="the tidemill command (default: %(default)s)")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    for fault, table, check in FAULTS:
        judge(args, fault, table, check)
    return 0


def judge(args, fault, table, check):
    folder = Path(tempfile.mkdtemp(prefix="tidemill-lateness-")) / "run"
    run = run_demo(args.binary, folder, events=args.events, seed=args.seed, kills=0, env={"FAILPOINTS": fault})
    if run.result is None:
        fail(f"the run printed no result (exit code {run.code}); its folder is {folder}\n{run.tail()}")
    found = run.result.get("differences", {}).get(table)
    if run.agrees or found is None:
        fail(f"{fault}: the demo's judge has not found the row: no failpoints in this build, or the judge is blind; the folder is {folder}")
    print(f"as expected, the demo's judge says of {table}: {found}")
    code, report = oracle(oracle_python(), run)
    said = [line for line in report.splitlines() if line.startswith(check) and line.rstrip().endswith("FAILED")]
    if code != 1 or not said:
        fail(f"{fault}: the oracle has not found the row (exit code {code}); the folder is {folder}\n{report}")
    print(f"as expected, the oracle says: {' '.join(said[0].split())}")
    shutil.rmtree(folder.parent)


if __name__ == "__main__":
    sys.exit(main())
