"""Runs the case files of tests/it/sql/cases through Spark and records what it answers, in the form of Spark's own golden files.

    tests/oracle/spark_setup.sh                                                              (once)
    ~/.cache/tidemill/venv-spark/bin/python tests/oracle/spark_answers.py [NAME.sql ...]     (all files, or these)

For each NAME.sql it writes NAME.sql.out: every statement with the schema and the rows, or the condition and SQLSTATE of the error.
A statement ends with a semicolon at the end of a line. Each file is one session of its own, in UTC, with an empty catalog.
By hand, not in CI: Spark wants Java 17, a gigabyte and ten seconds. The answers are in the repository.
"""

import json
import logging
import pathlib
import sys
import tempfile

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

CASES = pathlib.Path(__file__).resolve().parent.parent / "it" / "sql" / "cases"

# Whose rows come in no order that the statement asks for, whatever stands below them.
UNORDERED = {"Join", "Aggregate", "Generate", "Sample", "Distinct"}


def session(folder: str) -> SparkSession:
    """A local Spark with its warehouse in `folder`."""
    builder = SparkSession.builder.master("local[1]").appName("tidemill-answers")
    for key, value in {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "1",
        # The statements are many and small: what takes time is compiling, Spark's and the JVM's own.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.session.timeZone": "UTC",
        # As in Spark's own tests: dates of every year print as they are, and TIME is a type.
        "spark.sql.datetime.java8API.enabled": "true",
        "spark.sql.timeType.enabled": "true",
        "spark.sql.warehouse.dir": f"{folder}/warehouse",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    logging.getLogger("SQLQueryContextLogger").disabled = True
    return spark


def statements(text: str) -> list[str]:
    """The statements of a case file: comments of whole lines between them are left out."""
    found, lines = [], []
    for line in text.splitlines():
        if not lines and (not line.strip() or line.startswith("--")):
            continue
        lines.append(line)
        if line.rstrip().endswith(";"):
            found.append("\n".join(lines).rstrip().removesuffix(";").rstrip())
            lines = []
    if lines:
        sys.exit(f"spark_answers: no semicolon ends {lines[0]}")
    return found


def is_sorted(plan) -> bool:
    """Whether the statement itself orders its rows."""
    name = plan.nodeName()
    if name == "Sort":
        return plan.getClass().getSimpleName() == "Sort" and plan.__getattr__("global")()
    if name in UNORDERED:
        return False
    children = plan.children()
    return any(is_sorted(children.apply(at)) for at in range(children.size()))


def answer(spark: SparkSession, sql: str) -> tuple[str, str]:
    """Schema and rows; or no schema, and the error."""
    hive = spark._jvm.org.apache.spark.sql.execution.HiveResult
    try:
        frame = spark.sql(sql)._jdf
        if frame.queryExecution().commandExecuted().nodeName() == "CommandResult":
            # Taken as plain rows: as a command's answer, tables would lose their namespace and descriptions gain blanks.
            frame = spark._jsparkSession.createDataFrame(frame.collectAsList(), frame.schema())
        execution = frame.queryExecution()
        texts = hive.hiveResultString(execution.executedPlan())
        rows = [texts.apply(at) for at in range(texts.size())]
        if not is_sorted(execution.analyzed()):
            rows.sort()
        return frame.schema().catalogString(), "\n".join(rows)
    except PySparkException as error:
        said = {"condition": error.getCondition(), "sqlState": error.getSqlState()}
        if said["condition"] is None:
            said = {"message": str(error).strip().splitlines()[0]}
        return "struct<>", f"org.apache.spark.{type(error).__name__.removeprefix('PySpark')}\n{json.dumps(said, indent=2)}"
    except Py4JJavaError as error:
        # One of Java's own, which has no condition.
        return "struct<>", f"{error.java_exception.getClass().getName()}\n{json.dumps({'message': error.java_exception.getMessage()}, indent=2)}"


def clear(spark: SparkSession) -> None:
    """Leaves the catalog, which sessions share, as empty as it was."""
    spark.sql("USE spark_catalog.default")
    for view in spark.sql("SHOW VIEWS IN global_temp").collect():
        spark.catalog.dropGlobalTempView(view.viewName)
    for table in spark.sql("SHOW TABLES IN default").collect():
        if not table.isTemporary:
            kind = "VIEW" if spark.catalog.getTable(f"default.{table.tableName}").tableType == "VIEW" else "TABLE"
            spark.sql(f"DROP {kind} default.`{table.tableName}`")
    for function in spark.sql("SHOW USER FUNCTIONS IN default").collect():
        spark.sql(f"DROP FUNCTION IF EXISTS {function.function}")
    for database in spark.sql("SHOW DATABASES").collect():
        if database.namespace != "default":
            spark.sql(f"DROP DATABASE `{database.namespace}` CASCADE")


def main() -> None:
    files = [CASES / name for name in sys.argv[1:]] or sorted(CASES.glob("*.sql"))
    with tempfile.TemporaryDirectory() as folder:
        spark = session(folder)
        for path in files:
            sitting = spark.newSession()
            # Rows become text under the settings of the active session.
            spark._jvm.org.apache.spark.sql.classic.SparkSession.setActiveSession(sitting._jsparkSession)
            parts = [f"-- Answers of Spark {spark.version} to {path.name}, recorded by tests/oracle/spark_answers.py.\n"]
            for sql in statements(path.read_text(encoding="utf-8")):
                schema, output = answer(sitting, sql)
                parts.append(f"\n-- !query\n{sql}\n-- !query schema\n{schema}\n-- !query output\n{output}\n")
            clear(sitting)
            path.with_name(path.name + ".out").write_text("".join(parts), encoding="utf-8")
            print(f"{path.name}: {len(parts) - 1} statements", flush=True)
        spark.stop()


if __name__ == "__main__":
    main()
