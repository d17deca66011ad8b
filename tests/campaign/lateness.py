"""Has the query call one row late that is on time; the demo's judge and the oracle must both find it.

    python3 tests/campaign/lateness.py --binary PATH     (a build with --features failpoints)

Such a run is right for the rows that it has kept, so only a judge with a model of the watermark can tell. Exit code 0: both judges
have named the late rows; 1: one has not, and its "stream and batch agree" means nothing.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from demo import default_binary, fail, oracle, oracle_python, run_demo

ONE_ROW_TOO_MANY = {"FAILPOINTS": "executor::call_one_on_time_row_late=1*return"}
ORACLE_CHECK = "late_events: on time by the model"


def main():
    parser = argparse.ArgumentParser(description="Call one row late that is on time; both judges must find it.")
    parser.add_argument("--binary", default=default_binary(), help="the tidemill command (default: %(default)s)")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tidemill-lateness-")) / "run"
    run = run_demo(args.binary, folder, events=args.events, seed=args.seed, kills=0, env=ONE_ROW_TOO_MANY)
    if run.result is None:
        fail(f"the run printed no result (exit code {run.code}); its folder is {folder}\n{run.tail()}")
    found = run.result.get("differences", {}).get("late_events")
    if run.agrees or found is None:
        fail(f"the demo's judge has not found the row: no failpoints in this build, or the judge is blind; the folder is {folder}")
    print(f"as expected, the demo's judge says of late_events: {found}")
    code, report = oracle(oracle_python(), run)
    said = [line for line in report.splitlines() if line.startswith(ORACLE_CHECK) and line.rstrip().endswith("FAILED")]
    if code != 1 or not said:
        fail(f"the oracle has not found the row (exit code {code}); the folder is {folder}\n{report}")
    print(f"as expected, the oracle says: {' '.join(said[0].split())}")
    shutil.rmtree(folder.parent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
