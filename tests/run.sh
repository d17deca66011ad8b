#!/usr/bin/env bash
# All tests: Rust's (doctests included), the Python package's, the oracle's and the campaigns' own, TPC-H and random plans beside DuckDB,
# then the job itself, killed, and judged by the oracle.
#
#   tests/run.sh
#
# It wants cargo and a python3 (3.11 or newer) with venv; tests/setup.sh fetches the pinned Python packages once.
# The conformance test fetches Spark's published jars once, with mvn: docs/conformance.md.
# TIDEMILL_CAMPAIGN_RUNS (default 5) sets how often the job is killed at random; the full campaign of 200 runs is
# tests/campaign/kill_campaign.py, that of 10 000 random plans tests/campaign/random_plans.py, that of 500 queries with random faults
# tests/campaign/tight_runs.py. The campaigns' build has the feature `failpoints`: inert unless a test switches a point on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=tests/sections.sh
. tests/sections.sh
unset FAILPOINTS
work=$(mktemp -d "${TMPDIR:-/tmp}/tidemill-tests-XXXXXX")
trap 'report_end tests/run.sh $?; rm -rf "$work"' EXIT

section "cargo test"
cargo test --workspace --locked

# The fault tests arm failpoints, which are armed for a whole process: a build of their own, with just the integration tests.
section "cargo test, faults"
cargo test --workspace --locked --features failpoints --test it
binary=${CARGO_TARGET_DIR:-target}/debug/tidemill
cargo build --workspace --locked --features failpoints --bin tidemill

section "python setup"
python=$(tests/setup.sh)
"$python" --version

section "the Python package"
cargo build --workspace --locked --features failpoints --lib
site=$work/site
mkdir "$site"
cp -r python/tidemill "$site/"
for built in "${CARGO_TARGET_DIR:-target}"/debug/lib_tidemill.{so,dylib}; do
    [ ! -f "$built" ] || cp "$built" "$site/tidemill/_tidemill.abi3.so"
done
with_package() {
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$site MYPYPATH=$site "$python" "$@"
}
# What is printed is current: functions, the stub, the list of PySpark's names.
for printed in print_functions print_stubs coverage; do
    with_package "python/tools/$printed.py" --check
done
with_package -m ruff check --no-cache python
with_package -m ruff format --check --no-cache python
with_package -m mypy --config-file python/pyproject.toml --cache-dir "$work/mypy"
with_package -m ruff check --no-cache --config python/pyproject.toml benches/python/peers tests/oracle/ordered_rows.py
with_package -m ruff format --check --no-cache --config python/pyproject.toml benches/python/peers tests/oracle/ordered_rows.py
MYPYPATH=tests/oracle "$python" -m mypy --config-file python/pyproject.toml --cache-dir "$work/mypy" benches/python/peers/*.py
# The stub beside the module itself.
with_package -m mypy.stubtest tidemill._tidemill
with_package -m pytest -q -p no:cacheprovider python/tests
# A time without a zone is one of this machine's zone, and some docstrings show it.
TZ=UTC with_package python/tools/doctests.py --ratchet python/tests/doctests.tsv

section "the notebooks, headless"
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$site "$(tests/setup.sh notebooks)" notebooks/run.py

section "self-tests of the oracle, the campaigns and the benchmark"
"$python" -m pytest -q -p no:cacheprovider tests/oracle/oracle_selftest.py tests/oracle/tpch_selftest.py tests/campaign/campaign_selftest.py \
    tests/campaign/random_plans_selftest.py benches/python/peers/peers_selftest.py

section "TPC-H's answers beside DuckDB's"
"$python" tests/oracle/tpch.py --binary "$binary"

section "random plans beside DuckDB's answers and under other settings"
with_package tests/campaign/random_plans.py --cases 100 --seed 1 --min-per-feature 0
with_package tests/campaign/random_plans.py --cases 30 --seed 1 --colliding --min-per-feature 0 --min-with-rows 0

section "random plans find a rule of adaptive execution that is broken"
with_package tests/campaign/random_plans.py --cases 100 --seed 1 --expect-failure

section "small queries in eight threads and little memory, while tasks, blocks and the disk fail"
with_package tests/campaign/tight_runs.py --runs 150

section "plain files in an object store beside the same on the local disk"
with_package tests/campaign/object_stores.py --moto "$(dirname "$(tests/setup.sh moto)")/moto_server"

section "the job on a small input, killed once, and the oracle on it"
"$binary" demo --output json --dir "$work/demo" --events 20000 --seed 7 --kills 1 --max-files 1 </dev/null >"$work/result.txt"
"$python" tests/oracle/oracle.py "$work/result.txt"

section "the job in Python on the same input, killed three times, beside the tables of Rust"
with_package tests/campaign/python_job.py "$work/result.txt"

section "a short kill campaign"
"$python" tests/campaign/kill_campaign.py --binary "$binary" --runs "${TIDEMILL_CAMPAIGN_RUNS:-5}" --events 20000 \
    --min-per-phase 0 --oracle-every 5

section "100 000 keys in state, killed at parallelism 2, restarted at 7, then at 1"
"$python" tests/campaign/rescale.py --binary "$binary"

section "the campaign fails when the txn check is off"
"$python" tests/campaign/kill_campaign.py --binary "$binary" --expect-failure --runs 40 --events 20000 --oracle-every 0

section "the judges fail when one on-time row is called late"
"$python" tests/campaign/lateness.py --binary "$binary"
