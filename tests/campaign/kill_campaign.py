"""Runs the main job many times, each killed 1 to 4 times at random moments of its work; stream and batch must always agree.

    python3 tests/campaign/kill_campaign.py [--runs 200] [--events N] [--seed S] [--oracle-every 10] [--binary PATH]

Every second run stages its outputs as files, every third has a sink that cannot stage as well, and all but every fifth keep so
little that they clean up often. Prints a line per run and, at the end, the kills that hit in each phase of an epoch, a start or a
clean-up; fails if a run disagrees, prints no result, is not killed as often as asked, if a phase was hit fewer than --min-per-phase
times, or if no epoch was ever handed to the direct sink again. Every --oracle-every'th run is also judged by the oracle (0: none).
The same --seed gives the same inputs, and the same kills to aim at; the moments are the clock's. In a build with --features
failpoints the query lingers in the phases that last less than a millisecond; without, a kill aimed at them may hit the next one.

    python3 tests/campaign/kill_campaign.py --expect-failure --binary PATH     (a build with --features failpoints)

switches the txn check off in the child (FAILPOINTS) and succeeds as soon as a run shows a row lost or doubled: so a campaign
that passes is one that could have failed. Exit code 0: as it should be; 1: not.
"""

import argparse
import collections
import random
import shutil
import sys
import tempfile
from pathlib import Path

from demo import PHASES, default_binary, fail, oracle, oracle_python, run_demo

# Few enough for a run of some seconds to clean up more than once.
KEEP_EPOCHS = 2
TABLES = ("session_metrics", "user_baselines", "alerts", "late_events", "dead_letters")
TXN_CHECK_OFF = {"FAILPOINTS": "lakehouse::txn_check=return"}


def arguments():
    parser = argparse.ArgumentParser(description="Kill the main job at random moments, many times; stream and batch must agree.")
    parser.add_argument("--binary", default=default_binary(), help="the tidemill command (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--events", type=int, default=40_000, help="events per run: an input of some seconds (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--min-per-phase", type=int, default=5, help="kills that must hit in each phase, over all runs (default: %(default)s)"
    )
    parser.add_argument(
        "--oracle-every", type=int, default=10, help="judge every n-th run by the oracle, too; 0: none (default: %(default)s)"
    )
    parser.add_argument("--expect-failure", action="store_true", help="switch the txn check off and wait for the damage")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one run (default: %(default)s)")
    return parser.parse_args()


def main():
    args = arguments()
    python = oracle_python() if args.oracle_every else None
    rng = random.Random(args.seed)
    hits, staged = collections.Counter(), collections.Counter()
    judged = replays = 0
    root = Path(tempfile.mkdtemp(prefix="tidemill-campaign-"))
    env = TXN_CHECK_OFF if args.expect_failure else None
    for number in range(1, args.runs + 1):
        kills, seed = rng.randint(1, 4), rng.randrange(2**31)
        folder = root / f"run-{number:04}"
        run = run_demo(
            args.binary,
            folder,
            events=args.events,
            seed=seed,
            kills=kills,
            # As files, as large outputs are, in place of inside the record. Without the txn check a second publish would find its
            # files cleaned up and stop, before it can double a row.
            stage_files=number % 2 == 0 and not args.expect_failure,
            direct=number % 3 == 0,
            keep_epochs=KEEP_EPOCHS if number % 5 else None,
            env=env,
            timeout_seconds=args.timeout,
        )
        hits.update(run.phases)
        if number % 2 == 0:
            staged.update(run.phases)
        replays += run.replays
        phases = " ".join(f"{phase}:{run.phases[phase]}" for phase in sorted(run.phases) if run.phases[phase])
        said = "agrees" if run.agrees else f"DISAGREES (exit code {run.code})" if run.result else f"NO RESULT (exit code {run.code})"
        line = f"run {number:>4}/{args.runs}  seed {seed:>10}  kills {run.kills} of {kills}  {run.seconds:6.1f} s  {said}  {phases}"
        print(line, flush=True)

        if run.result is None:
            fail(f"the run printed no result; its folder is {folder}\n{run.tail()}")
        if run.kills < kills and not args.expect_failure:
            fail(f"{kills} kills were asked for, {run.kills} hit: more --events make the run longer; its folder is {folder}")
        # A run that breaks for another reason than its rows is a failure in both modes.
        # What shows that the check is needed is a table: something else that is wrong would be a fault of a judge.
        differs = set(run.result.get("differences", {}))
        damaged = bool(differs & set(TABLES)) if args.expect_failure else not run.agrees
        if args.oracle_every and (number % args.oracle_every == 0 or number == args.runs):
            judged += 1
            code, report = oracle(python, run)
            if code == 0:
                print(f"          {report.splitlines()[-1]}", flush=True)
            else:
                damaged = True
                print(report)
        if damaged and args.expect_failure:
            print(f"as expected: without the txn check, run {number} lost or doubled rows")
            shutil.rmtree(root)
            return 0
        if damaged:
            fail(f"stream and batch disagree; the folder is {folder}\n{run.tail()}")
        shutil.rmtree(folder)

    shutil.rmtree(root)
    if args.expect_failure:
        fail(
            f"{args.runs} runs without the txn check and no row lost or doubled: no failpoints in this build, or the campaign is blind"
        )
    print("\nkills by phase, and of these with all outputs staged as files")
    for phase in [*PHASES, *sorted(set(hits) - set(PHASES))]:
        print(f"  {phase:<10} {hits[phase]:>5} {staged[phase]:>5}")
    print(f"  {'all':<10} {sum(hits.values()):>5} {sum(staged.values()):>5}")
    rare = [phase for phase in PHASES if hits[phase] < args.min_per_phase]
    # With outputs inside the records there is nothing to discard.
    rare += ["discard with staged files"] if 2 * staged["discard"] < args.min_per_phase else []
    if rare:
        fail(f"fewer than {args.min_per_phase} kills in: {', '.join(rare)}")
    if args.min_per_phase and not replays:
        fail("no epoch was handed to the direct sink again, so nothing is known of a replay's rows")
    print(f"{replays} epochs were handed to the direct sink again")
    print(f"{args.runs} runs, all agree; {judged} judged by the oracle as well")
    return 0


if __name__ == "__main__":
    sys.exit(main())
