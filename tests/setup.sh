#!/usr/bin/env bash
# Sets up what the Python parts of the tests need, or the notebooks: a venv with pinned packages. It does nothing when they are there.
#
#   tests/setup.sh            prints the venv's python, so that a script can say: python=$(tests/setup.sh)
#   tests/setup.sh notebooks  the same for the notebooks, which have a venv of their own
#   tests/setup.sh moto       the same for moto, which stands for S3 in tests/campaign/object_stores.py
#
# It wants a python3 (3.11 or newer) that has venv and pip, and PyPI. TIDEMILL_VENV moves the venv; the others stand beside it.
# Beside the venv's packages stands an older DuckDB in duckdb_extensions/: its extensions for Delta and TPC-H are not on PyPI for 2.0.0 yet.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=${TIDEMILL_VENV:-$HOME/.cache/tidemill/venv}
what=${1:-tests}
package=$here/../python/tests
notebooks=$here/../notebooks
case $what in
tests) wanted=$(cat "$here"/oracle/requirements{,-duckdb-extensions}.txt "$package"/requirements{,-pyspark}.txt | cksum) ;;
notebooks)
    venv=$venv-notebooks
    wanted=$(cksum <"$notebooks/requirements.txt")
    ;;
moto)
    venv=$venv-moto
    wanted=$(cksum <"$here/campaign/requirements-moto.txt")
    ;;
*)
    echo "setup: there is nothing to set up for \`$what\`: say tests, notebooks or moto" >&2
    exit 2
    ;;
esac
stamp=$venv/.tidemill-requirements

if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    echo "$venv/bin/python"
    exit 0
fi

python=
for candidate in ${TIDEMILL_PYTHON:+"$TIDEMILL_PYTHON"} python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "setup: no python3 of version 3.11 or newer with venv and pip (Debian: apt install python3 python3-venv); TIDEMILL_PYTHON names one" >&2
    exit 1
fi

echo "setup: making $venv" >&2
mkdir -p "$(dirname "$venv")"
# An older venv is made new: --clear takes away what a changed list no longer names.
"$python" -m venv --clear "$venv"
pip=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes)
if [ "$what" = notebooks ]; then
    "${pip[@]}" --requirement "$notebooks/requirements.txt" >&2
elif [ "$what" = moto ]; then
    "${pip[@]}" --requirement "$here/campaign/requirements-moto.txt" >&2
else
    "${pip[@]}" --requirement "$here/oracle/requirements.txt" >&2
    "${pip[@]}" --requirement "$package/requirements.txt" >&2
    "${pip[@]}" --no-deps --no-build-isolation --requirement "$package/requirements-pyspark.txt" >&2
    "${pip[@]}" --no-deps --target "$venv/duckdb_extensions" --requirement "$here/oracle/requirements-duckdb-extensions.txt" >&2
fi
echo "$wanted" >"$stamp"
echo "$venv/bin/python"
