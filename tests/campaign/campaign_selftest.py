"""Tests of the campaigns themselves, on a stand-in for the command: they must fail when they should.

pytest tests/campaign/campaign_selftest.py
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

PHASES = ("restore", "republish", "discard", "promise", "run", "stage", "record", "publish", "settle", "clean_up")

# A command that prints what it is told to: the result object, completed by the flags that it was given, which it writes down.
STAND_IN = """#!{python}
import json, os, sys
with open(os.environ["STAND_IN_LOG"], "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
flags = dict(zip(sys.argv[2::2], sys.argv[3::2]))
plan = json.loads(os.environ["STAND_IN"])
kills = int(flags["--kills"])
result = {{"agree": True, "kills": kills, "kill_phases": dict.fromkeys({phases}, 1)}}
if "--direct" in sys.argv:
    result["direct_replays"] = 1
if "--parallelism" in flags:
    result |= {{"parallelism": [int(p) for p in flags["--parallelism"].split(",")], "state_keys_at_kills": [int(flags["--users"])] * 2}}
if plan.get("txn_matters") and os.environ.get("FAILPOINTS") == "lakehouse::txn_check=return":
    result |= {{"agree": False, "differences": {{"alerts": "one is there twice"}}}}
result |= plan.get("result", {{}})
print("epoch 1")
if not plan.get("silent"):
    print(json.dumps(result))
sys.exit(plan.get("code", 0 if result["agree"] else 1))
"""


@pytest.fixture
def stand_in(tmp_path):
    path = tmp_path / "tidemill"
    path.write_text(STAND_IN.format(python=sys.executable, phases=PHASES))
    path.chmod(0o755)

    def run(script, plan, *flags):
        command = [sys.executable, str(HERE / script), "--binary", str(path), *flags]
        environment = {**os.environ, "STAND_IN": json.dumps(plan), "STAND_IN_LOG": str(tmp_path / "log"), "TMPDIR": str(tmp_path)}
        environment.pop("FAILPOINTS", None)
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    return run


KILLS = ("kill_campaign.py", "--oracle-every", "0", "--runs", "6")


def campaign(stand_in, plan, *flags):
    return stand_in(KILLS[0], plan, *KILLS[1:], *flags)


def test_runs_that_agree_pass_and_phases_are_counted(stand_in):
    code, text = campaign(stand_in, {})
    assert code == 0, text
    assert all(f"{phase:<10}     6" in text for phase in PHASES), text
    assert "all           60" in text and "6 runs, all agree" in text and "2 epochs were handed to the direct sink again" in text


def test_runs_differ_in_how_they_stage_write_and_keep(stand_in, tmp_path):
    campaign(stand_in, {}, "--runs", "30")
    runs = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    ways = [tuple(flag in run for flag in ("--stage-files", "--direct", "--keep-epochs")) for run in runs]
    assert [sum(way) for way in zip(*ways)] == [15, 10, 24] and len(set(ways)) == 8, ways


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        ({"result": {"agree": False}}, "stream and batch disagree"),
        ({"code": 3}, "stream and batch disagree"),
        ({"silent": True}, "printed no result"),
        ({"result": {"kills": 0}}, "0 hit"),
        ({"code": 3, "result": {"kills": 0}}, "0 hit"),
        ({"result": {"kill_phases": dict.fromkeys(PHASES[:-2], 9)}}, "fewer than 5 kills in: settle, clean_up"),
        ({"result": {"direct_replays": 0}}, "no epoch was handed to the direct sink again"),
    ],
)
def test_runs_that_are_wrong_fail(stand_in, plan, why):
    code, text = campaign(stand_in, plan)
    assert code == 1 and why in text, text


def test_the_expected_failure_must_come(stand_in):
    code, text = campaign(stand_in, {"txn_matters": True}, "--expect-failure")
    assert code == 0 and "as expected" in text, text
    code, text = campaign(stand_in, {}, "--expect-failure")
    assert code == 1 and "campaign is blind" in text, text
    # A command that breaks for another reason is no proof.
    code, text = campaign(stand_in, {"silent": True, "code": 1}, "--expect-failure")
    assert code == 1 and "printed no result" in text, text


def test_the_oracle_is_asked(stand_in):
    """The stand-in writes no tables, so the oracle must refuse its result."""
    code, text = stand_in("kill_campaign.py", {"result": {"tables": {}}}, "--runs", "2", "--oracle-every", "2")
    assert code == 1 and "stream and batch disagree" in text and "tables" in text, text


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        ({"result": {"agree": False}}, "stream and batch disagree"),
        ({"code": 3, "result": {"kills": 1}}, "1 of 2 kills hit"),
        ({"result": {"parallelism": [2, 2, 2]}}, "it started at [2, 2, 2]"),
        ({"result": {"state_keys_at_kills": [120_000, 99_999]}}, "only 99999 keys"),
        ({"result": {"state_keys_at_kills": []}}, "only 0 keys"),
        ({"silent": True}, "printed no result"),
        ({"result": {"tables": {}}}, "the oracle disagrees"),
    ],
)
def test_a_rescale_that_is_wrong_fails(stand_in, plan, why):
    code, text = stand_in("rescale.py", plan)
    assert code == 1 and why in text, text


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        ({}, "the demo's judge has not found the row"),
        ({"result": {"agree": False, "differences": {"epochs": "one is missing"}}}, "the demo's judge has not found the row"),
        ({"result": {"agree": False, "differences": {"alerts": "one is missing"}}}, "the demo's judge has not found the row"),
        ({"silent": True}, "printed no result"),
        ({"result": {"agree": False, "differences": {"late_events": "one too many"}, "tables": {}}}, "the oracle has not found the row"),
    ],
)
def test_a_judge_that_misses_a_row_called_late_fails(stand_in, plan, why):
    code, text = stand_in("lateness.py", plan)
    assert code == 1 and why in text, text
