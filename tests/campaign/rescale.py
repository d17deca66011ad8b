"""Kills the main job with at least 100 000 keys in state and restarts it at another parallelism, twice; it must still agree.

    python3 tests/campaign/rescale.py [--parallelism 2,7,1] [--users N] [--events N] [--binary PATH]

The first start has the first parallelism, the restart after each kill the next; a kill that finds the query between two epochs
restarts it as it was, and is made again. The oracle judges the tables at the end.
"""

import argparse
import itertools
import shutil
import sys
import tempfile
from pathlib import Path

from demo import default_binary, fail, oracle, oracle_python, run_demo


def main():
    parser = argparse.ArgumentParser(description="Rescale the main job over kills.")
    parser.add_argument("--binary", default=default_binary(), help="the tidemill command (default: %(default)s)")
    parser.add_argument("--parallelism", default="2,7,1", help="at first and after each kill (default: %(default)s)")
    parser.add_argument("--users", type=int, default=280_000)
    parser.add_argument("--events", type=int, default=900_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--min-keys", type=int, default=100_000, help="keys that must be in state at each kill (default: %(default)s)")
    parser.add_argument("--timeout", type=float, default=3600, help="seconds (default: %(default)s)")
    args = parser.parse_args()
    wanted = [int(value) for value in args.parallelism.split(",")]
    folder = Path(tempfile.mkdtemp(prefix="tidemill-rescale-")) / "run"
    run = run_demo(
        args.binary,
        folder,
        events=args.events,
        seed=args.seed,
        kills=len(wanted) - 1,
        users=args.users,
        parallelism=wanted,
        # A start that is killed on its way runs nothing at its parallelism.
        spare_starts=True,
        timeout_seconds=args.timeout,
    )
    if run.result is None:
        fail(f"the run printed no result (exit code {run.code}); its folder is {folder}\n{run.tail()}")
    keys, ran_at = run.result["state_keys_at_kills"], run.result["parallelism"]
    at_kills = ", ".join(map(str, keys))
    print(f"{run.seconds:.1f} s, started at parallelism {', '.join(map(str, ran_at))}, {run.kills} kills with {at_kills} keys in state")
    if run.kills < len(wanted) - 1:
        fail(f"{run.kills} of {len(wanted) - 1} kills hit: more --events make the run longer")
    if not run.agrees:
        fail(f"stream and batch disagree; the folder is {folder}\n{run.tail()}")
    changes = [parallelism for parallelism, _ in itertools.groupby(ran_at)]
    if changes != wanted:
        fail(f"it was to start at {wanted}, and it started at {ran_at}")
    if min(keys, default=0) < args.min_keys:
        fail(f"only {min(keys, default=0)} keys in state at a kill, {args.min_keys} were wanted: more --users or --events")
    code, report = oracle(oracle_python(), run)
    print(report)
    if code != 0:
        fail(f"the oracle disagrees; the folder is {folder}")
    shutil.rmtree(folder.parent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
