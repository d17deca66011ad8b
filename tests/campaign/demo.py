"""Runs `tidemill demo` and gives back its result object: the one place that knows the command's flags and its JSON.

    demo --output json --dir DIR --events N --seed S --kills K [--users U] [--parallelism P0,P1,...] [--keep-epochs N]
         [--stage-files] [--direct] [--spare-starts]

`--users`, `--parallelism` and `--spare-starts` (kills in epochs alone) are for rescale.py: how many users the generator has, and
the parallelism of the first start and of each restart. `--keep-epochs` makes clean-ups frequent; `--stage-files` stages every
output as a file; `--direct` adds a sink that cannot stage. Of the result (the last line of the output) the campaigns read: agree;
kills (how many hit); kill_phases (how many hit in each phase); direct_replays (epochs that the direct sink was handed again); and
for rescale.py parallelism (of each start, in order) and state_keys_at_kills (the keys in state after the last epoch before each
kill). The oracle reads the rest. Exit code 3 says that the input was used up before all kills were made.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
PHASES = ("restore", "republish", "discard", "promise", "run", "stage", "record", "publish", "settle", "clean_up")


@dataclass
class Run:
    """One run of the command. `result` is None if it printed none."""

    code: int
    seconds: float
    result: dict | None
    output: Path
    errors: Path

    @property
    def agrees(self) -> bool:
        """Whether the run itself says that stream and batch agree, in words and by its exit code."""
        return self.code == 0 and self.result is not None and self.result["agree"] is True

    @property
    def kills(self) -> int:
        """How many kills hit."""
        kills = self.result.get("kills", 0) if self.result else 0
        return len(kills) if isinstance(kills, list) else kills

    @property
    def replays(self) -> int:
        """How many epochs the direct sink was handed again."""
        return (self.result.get("direct_replays") or 0) if self.result else 0

    @property
    def phases(self) -> dict:
        """How many kills hit in each phase."""
        return dict(self.result.get("kill_phases", {})) if self.result else {}

    def tail(self) -> str:
        """The end of what it printed, for a report of a failure."""
        parts = []
        for name, path in (("output", self.output), ("errors", self.errors)):
            lines = path.read_text(errors="replace").splitlines()[-15:]
            parts += [f"  {name}: {line[:400]}" for line in lines]
        return "\n".join(parts)


def default_binary() -> str:
    """The dev build of this work tree."""
    target = os.environ.get("CARGO_TARGET_DIR") or TESTS.parent / "target"
    return str(Path(target) / "debug" / "tidemill")


def run_demo(
    binary,
    folder: Path,
    *,
    events,
    seed,
    kills,
    users=None,
    parallelism=None,
    keep_epochs=None,
    stage_files=False,
    direct=False,
    spare_starts=False,
    env=None,
    timeout_seconds=600,
) -> Run:
    """Runs the job in `folder`/data; what it prints is kept in `folder`."""
    folder.mkdir(parents=True)
    output, errors = folder / "output.txt", folder / "errors.txt"
    command = [str(binary), "demo", "--output", "json", "--dir", str(folder / "data")]
    command += ["--events", str(events), "--seed", str(seed), "--kills", str(kills)]
    if users is not None:
        command += ["--users", str(users)]
    if parallelism is not None:
        command += ["--parallelism", ",".join(map(str, parallelism))]
    if keep_epochs is not None:
        command += ["--keep-epochs", str(keep_epochs)]
    command += [flag for flag, wanted in (("--stage-files", stage_files), ("--direct", direct), ("--spare-starts", spare_starts)) if wanted]
    started = time.monotonic()
    with open(output, "wb") as out, open(errors, "wb") as err:
        # A session of its own, so that a run that hangs is ended together with the child that it started.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env={**os.environ, **(env or {})}, start_new_session=True
        )
        try:
            code = process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            err.write(f"\ncampaign: no end after {timeout_seconds} s, killed\n".encode())
            code = -signal.SIGKILL
    return Run(code, time.monotonic() - started, last_object(output), output, errors)


def last_object(output: Path):
    """The object on the last line that is not blank, or None."""
    lines = [line for line in output.read_text(errors="replace").splitlines() if line.strip()]
    try:
        value = json.loads(lines[-1]) if lines else None
    except ValueError:
        return None
    return value if isinstance(value, dict) and "agree" in value else None


def oracle_python() -> str:
    """The python that has the oracle's packages; sets it up where needed."""
    return subprocess.run([TESTS / "setup.sh"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def oracle(python, run: Run):
    """The oracle's exit code and report on a run."""
    command = [python, str(TESTS / "oracle" / "oracle.py"), str(run.output)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def fail(message):
    """Ends the campaign as failed."""
    print(f"FAILED: {message}", flush=True)
    sys.exit(1)
