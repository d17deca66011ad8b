"""The names that PySpark has and this package has not, each with the way out; and the errors that say so.

A class takes part by inheriting `Refusing`, a module by a `__getattr__` that calls `of_module`. What is there is never looked up here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidemill.errors import PySparkAttributeError, PySparkImportError, PySparkNotImplementedError

_NO_JVM = "there is no JVM in this process"
_ONE_PROCESS = "the engine runs in this process, and there are no other machines to send things to"
_INTERRUPT = "an interrupt (Ctrl-C) ends the running query, and the session goes on"
_FORMATS = "delta, parquet, json, csv, text and arrow are the formats; pandas, Polars or pyarrow may read it for createDataFrame"
_STREAMS = "json and parquet are the formats of files that arrive: write them as one of these"
_DELTA_STREAM = "a Delta table is no stream yet: stream the files it is made from, or read its versions in batch"
_VARIANT = "keep such values as text: from_json and get_json_object take them apart"
_SPATIAL = "places have no types of their own: keep the coordinates as numbers, or the WKB as binary"
_RDD = "there are no RDDs: rows are computed with by DataFrames, and createDataFrame takes a list"
_MERGE = "merge() of a DeltaTable"
_PROTOCOL = "tables are made with what they need: properties that begin with delta. say it"
_RESTORE = "read that version (versionAsOf), and write it with mode('overwrite')"
_NO_OTHERS = "tasks are threads of this process, and share what Python holds"

REFUSED: dict[str, dict[str, str]] = {
    "DataFrame": {
        "asTable": "there are no table functions in Python: CREATE FUNCTION … RETURNS TABLE writes them in SQL",
        "executionInfo": 'figures are kept only of a run that asks for them: explain(mode="analyze")',
        "mergeInto": _MERGE,
        "metadataColumn": "tables have no columns of metadata",
        "nearestByJoin": "join, and keep the best pairs by row_number() over a window",
        "observe": "aggregate the same rows in a query of its own",
        "pandas_api": "toPandas() gives a DataFrame of pandas, and to_polars() one of Polars",
        "rdd": _RDD + "; toLocalIterator() gives the rows",
        "repartitionById": "partitions have no numbers that rows could name: repartition() by the column keeps equal ones together",
        "writeTo": "write.saveAsTable() makes a table, and write.insertInto() adds rows to one",
        "zipWithIndex": "rows have no order of their own: row_number().over(Window.orderBy(…)) - 1 counts them in one",
    },
    "SparkSession": {
        "addArtifact": _ONE_PROCESS,
        "addArtifacts": _ONE_PROCESS,
        "addTag": _INTERRUPT,
        "clearTags": _INTERRUPT,
        "client": "there is no server: the engine runs in this process",
        "copyFromLocalToFs": _ONE_PROCESS,
        "dataSource": "sources are written in Rust; createDataFrame takes all that Python can read",
        "getTags": _INTERRUPT,
        "interruptAll": _INTERRUPT,
        "interruptOperation": _INTERRUPT,
        "interruptTag": _INTERRUPT,
        "profile": "cProfile and its like see this process as it is",
        "removeTag": _INTERRUPT,
        "sparkContext": _NO_JVM + ": spark.conf has the settings, and createDataFrame takes what parallelize() took",
        "udtf": "there are no table functions in Python: CREATE FUNCTION … RETURNS TABLE writes them in SQL",
    },
    "DeltaTable": {
        "addFeatureSupport": _PROTOCOL,
        "clone": "write the rows to another table",
        "cloneAtTimestamp": "write the rows of that time to another table",
        "cloneAtVersion": "write the rows of that version to another table",
        "convertToDelta": "read the Parquet files, and write them as delta",
        "dropFeatureSupport": _PROTOCOL,
        "generate": "there are no manifests: other engines read the table by its log",
        "optimize": "small files are folded by merges and by the sinks of streams",
        "replace": "createOrReplace() does",
        "restoreToTimestamp": _RESTORE,
        "restoreToVersion": _RESTORE,
        "update": "merge() the changed rows",
        "updateExpr": "merge() the changed rows",
        "upgradeTableProtocol": _PROTOCOL,
        "vacuum": "old files stay: versions of before can be read",
    },
    "DeltaMergeBuilder": {
        "whenMatchedDelete": "write the rows that stay in the place of the table's, with mode('overwrite')",
        "whenMatchedUpdate": "compute the columns in the source, and say whenMatchedUpdateAll()",
        "whenNotMatchedBySourceDelete": "write the rows that stay in the place of the table's, with mode('overwrite')",
        "whenNotMatchedBySourceUpdate": "join the source with the table, and merge what comes of it",
        "whenNotMatchedInsert": "compute the columns in the source, and say whenNotMatchedInsertAll()",
        "withSchemaEvolution": "ALTER TABLE … ADD COLUMNS before",
    },
    "DataFrameReader": {
        "changes": "read two versions of the Delta table (versionAsOf), and subtract one from the other",
        "jdbc": _FORMATS,
        "orc": _FORMATS,
        "xml": _FORMATS,
    },
    "DataFrameWriter": {
        "bucketBy": "tables have no buckets: partitionBy() cuts a table into folders, and clusterBy() sorts files",
        "jdbc": _FORMATS,
        "orc": _FORMATS,
        "sortBy": "tables have no buckets to sort in: sort the rows before they are written",
        "xml": _FORMATS,
    },
    "DataStreamReader": {
        "changes": _DELTA_STREAM,
        "csv": _STREAMS,
        "orc": _STREAMS,
        "table": _DELTA_STREAM,
        "text": _STREAMS,
        "xml": _STREAMS,
    },
    "DataStreamWriter": {
        "clusterBy": "partitionBy() cuts a table into folders; in foreachBatch, write.clusterBy() sorts the files of an epoch"
    },
    "RuntimeConfig": {"isModifiable": "set() says so by an error"},
    "TableValuedFunction": {
        "python_worker_logs": "there are no other processes of Python: logging sees what functions log",
        "sql_keywords": "the words of SQL are in docs/sql.md",
        "variant_explode": _VARIANT,
        "variant_explode_outer": _VARIANT,
    },
    "tidemill.sql": {
        "DataFrameWriterV2": "df.write.saveAsTable() makes a table, and df.write.insertInto() adds rows to one",
        "Geography": _SPATIAL,
        "Geometry": _SPATIAL,
        "HiveContext": "SparkSession.builder.getOrCreate() makes the session",
        "MergeIntoWriter": _MERGE,
        "Observation": "aggregate the same rows in a query of its own",
        "SQLContext": "SparkSession.builder.getOrCreate() makes the session",
        "UDTFRegistration": "there are no table functions in Python: CREATE FUNCTION … RETURNS TABLE writes them in SQL",
        "VariantVal": _VARIANT,
        "is_remote": "it is never remote: the engine runs in this process",
    },
    "tidemill.sql.types": {
        "Geography": _SPATIAL,
        "GeographyType": _SPATIAL,
        "Geometry": _SPATIAL,
        "GeometryType": _SPATIAL,
        "SpatialType": _SPATIAL,
        "UserDefinedType": "types are SQL's: a StructType holds the parts of an object",
        "VariantType": _VARIANT,
        "VariantVal": _VARIANT,
    },
    "tidemill": {
        "Accumulator": "aggregate with a query",
        "AccumulatorParam": "aggregate with a query",
        "BarrierTaskContext": _NO_OTHERS,
        "BarrierTaskInfo": _NO_OTHERS,
        "BasicProfiler": "cProfile and its like see this process as it is",
        "Broadcast": "functions.broadcast() is a word to the optimizer, and functions in Python see the values around them",
        "CPickleSerializer": "rows go to Python by Arrow",
        "InheritableThread": "threading.Thread does",
        "MarshalSerializer": "rows go to Python by Arrow",
        "Profiler": "cProfile and its like see this process as it is",
        "RDD": _RDD,
        "RDDBarrier": _RDD,
        "SparkContext": _NO_JVM + ": SparkSession.builder.getOrCreate() makes the session",
        "SparkExecutorInfo": _NO_OTHERS,
        "SparkFiles": _ONE_PROCESS,
        "SparkJobInfo": "explain() shows the stages of a query",
        "SparkStageInfo": "explain() shows the stages of a query",
        "StatusTracker": "explain() shows the stages of a query",
        "TaskContext": _NO_OTHERS,
        "inheritable_thread_target": "threading.Thread does",
    },
}
# What PySpark's own client refuses by this condition, as it is the JVM's.
_JVM = ("_jc", "_jdf", "_jmap", "_jseq", "_jsparkSession", "_jvm", "rdd", "sparkContext")


class RefusedNameError(PySparkAttributeError, PySparkNotImplementedError):
    """A name that PySpark has and this package has not. `hasattr` is false for it, as for any that is not there."""


def reason(owner: str, name: str) -> str | None:
    """Why PySpark's name is not there, and what to write instead; None for a name that is none of PySpark's."""
    return _NO_JVM if name.startswith("_j") and name in _JVM else REFUSED.get(owner, {}).get(name)


def refusal(owner: str, name: str) -> RefusedNameError | None:
    """The error for a name of PySpark's that is not there; None for any other."""
    why = reason(owner, name)
    if why is None:
        return None
    return RefusedNameError(
        f"`{owner}.{name}` is not supported: {why}",
        errorClass="JVM_ATTRIBUTE_NOT_SUPPORTED" if name in _JVM else "NOT_IMPLEMENTED",
        messageParameters={"attr_name": name} if name in _JVM else {"feature": f"{owner}.{name}"},
    )


def of_module(module: str, name: str) -> Any:
    """What a module's `__getattr__` does: an import of a name of PySpark's fails, and says why."""
    why = REFUSED[module].get(name)
    if why is None:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    # No AttributeError: `from module import name` would put a message of its own in the place of this one.
    raise PySparkImportError(
        f"`{module}.{name}` is not supported: {why}", errorClass="NOT_IMPLEMENTED", messageParameters={"feature": f"{module}.{name}"}
    )


class Refusing:
    """A class of PySpark's that has not all of its names."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            owner = type(self).__name__
            raise refusal(owner, name) or AttributeError(f"{owner!r} object has no attribute {name!r}")
