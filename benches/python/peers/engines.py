"""Who is measured: of each engine where it comes from, and the command that runs one pass of it. It starts nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
OURS = "tidemill"
ORACLE = "duckdb"


@dataclass(frozen=True)
class Engine:
    """An engine."""

    name: str
    what: str
    # Whether it is in our binary `tpch`; the others are in an environment of their own.
    linked: bool = False
    # Whether it can be told how much memory to use.
    limits_memory: bool = True


ENGINES = {
    engine.name: engine
    for engine in (
        Engine(OURS, "this project", linked=True),
        Engine("datafusion-linked", "the DataFusion that it is built with, in the same binary", linked=True),
        Engine("datafusion", "DataFusion's wheel"),
        Engine(ORACLE, "DuckDB's wheel, whose rows are the others' measure"),
        Engine("polars", "Polars' wheel, its SQL over lazy scans", limits_memory=False),
        Engine("sail", "Sail's server and Spark's Connect client", limits_memory=False),
        Engine("spark", "PySpark, one JVM"),
    )
}


class NotMeasured(Exception):
    """Why an engine is not measured."""


@dataclass
class Setting:
    """What the passes of a series have in common."""

    # The folder of `tpch` and `tidemill`.
    binaries: Path
    data: Path
    threads: int = 2
    # Bytes; what an engine does by itself where there are none.
    memory: int | None = None
    # Settings of our session.
    conf: Sequence[str] = ()
    runs: int = 1
    # The Pythons of the peers that are there, by engine.
    pythons: Mapping[str, Path] = field(default_factory=dict)


def command(engine: Engine, setting: Setting, queries: Path, numbers: Sequence[int], spill: Path) -> list[str]:
    """One pass: the numbered queries of a file, one after the other, in a process of its own."""
    common = [
        "--data",
        str(setting.data),
        "--queries",
        str(queries),
        "--threads",
        str(setting.threads),
        "--runs",
        str(setting.runs),
        "--rows",
    ]
    common += [word for number in numbers for word in ("--query", str(number))]
    if not engine.linked:
        if engine.name not in setting.pythons:
            raise NotMeasured("it has no environment")
        memory = [] if setting.memory is None else ["--memory", str(setting.memory)]
        worker = [str(setting.pythons[engine.name]), str(HERE / "worker.py"), engine.name]
        return [*worker, *common, *memory, "--spill", str(spill)]
    binary = setting.binaries / "tpch"
    if not binary.exists():
        raise NotMeasured(f"there is no {binary}: cargo build --release --workspace --bins")
    if engine.name != OURS:
        memory = [] if setting.memory is None else ["--memory-bytes", str(setting.memory)]
        return [str(binary), "--engine", "datafusion", *common, *memory]
    conf = [f"tidemill.spillDir={spill}", f"spark.sql.warehouse.dir={spill}/warehouse", *setting.conf]
    conf += [] if setting.memory is None else [f"tidemill.memoryBytes={setting.memory}"]
    return [str(binary), "--engine", OURS, *common, *(word for one in conf for word in ("--conf", one))]


def environment(engine: Engine, setting: Setting) -> dict[str, str]:
    """What a pass finds in its environment beside what is there."""
    return {"POLARS_MAX_THREADS": str(setting.threads)} if engine.name == "polars" else {}
