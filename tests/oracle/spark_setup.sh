#!/usr/bin/env bash
# Sets up Spark 4.2 with Delta 4.4 for spark_read.py: a venv, and Delta's jars by Maven. Done once by hand, never in CI.
#
#   tests/oracle/spark_setup.sh
#
# It wants Java 17, mvn and a python3 with venv. TIDEMILL_SPARK_VENV and TIDEMILL_SPARK_JARS move the two folders.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=${TIDEMILL_SPARK_VENV:-$HOME/.cache/tidemill/venv-spark}
jars=${TIDEMILL_SPARK_JARS:-$HOME/.cache/tidemill/spark-jars}

command -v java >/dev/null || { echo "spark_setup: no java; install a Java 17 runtime (Debian: openjdk-17-jre-headless)" >&2; exit 1; }
command -v mvn >/dev/null || { echo "spark_setup: no mvn; install Maven (Debian: maven)" >&2; exit 1; }

[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements-spark.txt"

if ! compgen -G "$jars/delta-spark_4.2_2.13-4.4.0.jar" >/dev/null; then
    mkdir -p "$jars"
    mvn --quiet --batch-mode --file "$here/spark-jars.pom.xml" dependency:copy-dependencies "-DoutputDirectory=$jars"
fi
echo "spark: $venv/bin/python, $(find "$jars" -name '*.jar' | wc -l) jars in $jars"
