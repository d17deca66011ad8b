"""Plain files in an object store beside the same on the local disk: every format, partitions, save modes, failures, wrong names and keys.

    python3 tests/campaign/object_stores.py --moto MOTO_SERVER

MOTO_SERVER is moto's program of that name (`tests/setup.sh moto`), which speaks S3 on a port of this machine. What the store holds, and
which uploads are open, is asked of it over HTTP, beside the package under test.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET
from contextlib import contextmanager
from pathlib import Path

NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
# Else urllib calls a body a form's, and the server takes it for one.
BYTES = {"Content-Type": "application/octet-stream"}
FORMATS = ("parquet", "csv", "json", "arrow", "text")
# How long a server may take to start, or to let go of an upload.
PATIENCE_S = 60


class Store:
    """What moto says of its buckets."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def ask(self, method, path, body=None):
        """The answer to a request."""
        request = urllib.request.Request(f"{self.endpoint}/{urllib.parse.quote(path, safe='/?=&')}", data=body, method=method, headers=BYTES)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.read()

    def keys(self, bucket, prefix=""):
        """The keys in a bucket, over all pages of the listing."""
        found, token = [], ""
        while True:
            more = "&continuation-token=" + urllib.parse.quote(token, safe="") if token else ""
            with urllib.request.urlopen(f"{self.endpoint}/{bucket}?list-type=2{more}", timeout=PATIENCE_S) as answer:
                page = ET.fromstring(answer.read())
            found += [key.text for key in page.iter(f"{NAMESPACE}Key")]
            token = page.findtext(f"{NAMESPACE}NextContinuationToken") or ""
            if not token:
                return sorted(key for key in found if key.startswith(prefix))

    def open_uploads(self, bucket):
        """The keys whose uploads are neither completed nor aborted."""
        return [key.text for key in ET.fromstring(self.ask("GET", f"{bucket}?uploads")).iter(f"{NAMESPACE}Key")]


def until(holds, what):
    """Waits until something holds; a wait ends by itself as soon as it does."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        nobody.listen()
        nobody.settimeout(0.05)
        for _ in range(PATIENCE_S * 20):
            if holds():
                return
            try:
                nobody.accept()
            except TimeoutError:
                pass
    raise AssertionError(what)


@contextmanager
def served(moto, **environment):
    """A server of moto's on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [moto, "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **environment})

    def answers():
        assert server.poll() is None, f"{' '.join(command)} has ended"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return False
        return True

    try:
        until(answers, "moto does not start")
        yield Store(f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE_S)


def session_at(endpoint, **more):
    """A session whose `s3:` paths lead there."""
    from tidemill.sql import SparkSession

    settings = {
        "spark.master": "local[4]",
        "spark.hadoop.fs.s3a.endpoint": endpoint,
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.access.key": "key",
        "spark.hadoop.fs.s3a.secret.key": "secret",
        "spark.hadoop.fs.s3a.retry.limit": "1",
        **more,
    }
    builder = SparkSession.builder
    for name, value in settings.items():
        if value is not None:
            builder = builder.config(name, value)
    return builder.create()


def fails_with(part, action):
    """Checks that something fails, and says so."""
    try:
        action()
    except Exception as error:  # noqa: BLE001 - whatever the package raises
        parts = (part,) if isinstance(part, str) else part
        assert all(each.lower() in str(error).lower() for each in parts), f"{error}: it does not say {parts}"
        return
    raise AssertionError(f"it should have failed with {part}")


def rows_at(session, form, path, **options):
    """The rows at a path, in an order of their own."""
    return sorted(map(repr, session.read.format(form).options(**options).load(path).collect()))


def formats_and_modes(session, store, folder):
    """Every step is taken on the disk and in the store, and both have the same rows, with the columns of the same types, in as many files."""
    everything = session.sql(
        "SELECT id, CAST(id * 1.5 AS DOUBLE) AS x, concat('tide ', id) AS name, date_add(DATE'2026-01-01', CAST(id % 9 AS INT)) AS day,"
        " CASE WHEN id % 4 = 0 THEN NULL ELSE concat('a b/ü=', id % 4) END AS part FROM range(0, 2000, 1, 4)"
    )
    few = everything.where("id < 7")
    for form in FORMATS:
        for columns in ((), ("part",), ("part", "day")):
            options = {"header": "true", "inferSchema": "true"} if form == "csv" else {}
            local, stored = str(folder / form / "-".join(columns)), f"s3://bucket/out put/ü {form}/{'-'.join(columns)}"
            for frame, mode in ((few, "error"), (everything, "append"), (few, "ignore"), (everything, "overwrite"), (few, "overwrite")):
                if form == "text":
                    frame = frame.select("name", *columns)
                for path in (local, stored):
                    writer = frame.write.format(form).mode(mode).options(maxRecordsPerFile="300")
                    if form == "csv":
                        writer = writer.option("header", "true")
                    if columns:
                        writer = writer.partitionBy(*columns)
                    writer.save(path)
                ours, theirs = (session.read.format(form).options(**options).load(path) for path in (stored, local))
                assert ours.schema == theirs.schema, f"{form} {columns}: {ours.schema}, not {theirs.schema}"
                expected = sorted(map(repr, theirs.collect()))
                assert expected and sorted(map(repr, ours.collect())) == expected, f"{form} {columns} after {mode}"
                assert len(ours.inputFiles()) == len(theirs.inputFiles()), f"{form} {columns} after {mode}"
            fails_with("exists already", lambda form=form, stored=stored: few.select("name").write.format(form).save(stored))
            assert f"out put/ü {form}/" in store.keys("bucket", f"out put/ü {form}/")[0]
            sql = f"SELECT count(*) AS n FROM {form}.`{stored}`"
            assert session.sql(sql).collect()[0].n == session.sql(sql.replace(stored, local)).collect()[0].n, sql
    print("formats, partitions, modes: the same")


def one_partition_of_several(session, store, folder):
    """An overwrite of the partitions that are written leaves the others."""
    first = session.sql("SELECT id, id % 3 AS p FROM range(30)")
    second = session.sql("SELECT 100 + id AS id, 1L AS p FROM range(3)")
    for path in (str(folder / "dynamic"), "s3a://bucket/dynamic"):
        first.write.partitionBy("p").parquet(path)
        second.write.option("partitionOverwriteMode", "dynamic").mode("overwrite").partitionBy("p").parquet(path)
    assert rows_at(session, "parquet", "s3a://bucket/dynamic") == rows_at(session, "parquet", str(folder / "dynamic"))
    partition = "s3a://bucket/dynamic/p=1"
    assert rows_at(session, "parquet", partition) == ["Row(id=100)", "Row(id=101)", "Row(id=102)"]
    assert "p=1" in repr(session.read.option("basePath", "s3a://bucket/dynamic").parquet(partition).collect()[0])
    print("partitions overwritten one by one: the same")


def a_write_that_fails(session, store):
    """It leaves no object, and no open upload, whether there was something before or not."""
    failing = session.sql("SELECT id, repeat('tide', 50) AS s, 1 DIV (id - 199990) AS x FROM range(0, 200000, 1, 4)")
    for form in ("parquet", "csv"):
        writer = failing.write.format(form).option("maxRecordsPerFile", "9000")
        fails_with("zero", lambda writer=writer: writer.save("s3://bucket/failed"))
        assert store.keys("bucket", "failed") == []
        until(lambda: store.open_uploads("bucket") == [], "uploads of a write that failed stay open")
    session.range(5).write.csv("s3://bucket/failed")
    before = store.keys("bucket", "failed")
    fails_with("zero", lambda: failing.write.mode("overwrite").csv("s3://bucket/failed"))
    assert store.keys("bucket", "failed") == before
    until(lambda: store.open_uploads("bucket") == [], "uploads of an overwrite that failed stay open")
    print("a write that fails: nothing is left of it")


def files_of_several_parts(session, store, folder):
    """An object that is uploaded in several parts is the file."""
    wide = session.sql("SELECT id, sha2(CAST(id AS STRING), 512) AS s FROM range(0, 200000, 1, 1)")
    for path in (str(folder / "wide"), "s3://bucket/wide"):
        wide.coalesce(1).write.mode("overwrite").json(path)
    sizes = [part.text for part in ET.fromstring(store.ask("GET", "bucket?list-type=2&prefix=wide/part")).iter(f"{NAMESPACE}Size")]
    [local] = (folder / "wide").glob("part-*")
    assert sizes == [str(local.stat().st_size)] and local.stat().st_size > 2 * (8 << 20), sizes
    for path in (str(folder / "wide"), "s3://bucket/wide"):
        assert session.read.schema("id BIGINT, s STRING").json(path).agg({"id": "sum"}).collect()[0][0] == 199999 * 100000
    print("objects of several parts: the same")


def what_others_have_put_there(session, store):
    """Hidden names, empty objects that stand for folders, keys of every kind, and more objects than one page of a listing has."""
    for key, body in (
        ("in/a b/ü=1/x%20y.json", b'{"n":1}\n'),
        ("in/a b/ü=2/x+y&z.json", b'{"n":2}\n'),
        ("in/a b/_temporary/x.json", b'{"n":9}\n'),
        ("in/a b/.x.json", b'{"n":9}\n'),
        ("in/a b/ü=3/", b""),
        ("in/a bc/x.json", b'{"n":9}\n'),
        ("delta/_delta_log/00000000000000000000.json", b"{}"),
    ):
        request = urllib.request.Request(f"{store.endpoint}/bucket/{urllib.parse.quote(key)}", data=body, method="PUT", headers=BYTES)
        urllib.request.urlopen(request, timeout=PATIENCE_S).close()
    assert rows_at(session, "json", "s3://bucket/in/a b") == ["Row(n=1, ü=1)", "Row(n=2, ü=2)"]
    assert rows_at(session, "json", "s3://bucket/in/a b/ü=1/x%20y.json") == ["Row(n=1)"]
    for number in range(1500):
        store.ask("PUT", f"bucket/many/{number:04}.txt", f"{number}\n".encode())
    frame = session.read.text("s3://bucket/many")
    assert sorted(int(row.value) for row in frame.collect()) == list(range(1500))
    assert frame.inputFiles() == [f"s3://bucket/many/{number:04}.txt" for number in range(1500)]
    fails_with("is a Delta table", lambda: session.read.parquet("s3://bucket/delta").collect())
    fails_with("is a Delta table", lambda: session.range(1).write.mode("append").parquet("s3://bucket/delta"))
    print("objects of others, 1500 of them: as on a disk")


def what_is_refused(session):
    """Wrong places are told by name."""
    fails_with(("s3://bucket/none", "is not there"), lambda: session.read.parquet("s3://bucket/none").collect())
    fails_with(("s3://no-such-bucket/x", "no such bucket"), lambda: session.read.parquet("s3://no-such-bucket/x").collect())
    fails_with(("s3://no-such-bucket/x", "no such bucket"), lambda: session.range(1).write.parquet("s3://no-such-bucket/x"))
    fails_with("s3://bucket/t", lambda: session.range(1).write.format("delta").save("s3://bucket/t"))
    fails_with("s3://bucket/in", lambda: session.readStream.schema("n BIGINT").json("s3://bucket/in"))
    fails_with("s3:", lambda: session.sql("CREATE TABLE t (n BIGINT) USING parquet LOCATION 's3://bucket/t'"))
    fails_with("`true` or `false`", lambda: session_at("http://127.0.0.1:1", **{"fs.s3a.path.style.access": "x"}).read.text("s3://b/x"))
    nobody = {"spark.hadoop.fs.s3a.access.key": None, "spark.hadoop.fs.s3a.secret.key": None}
    fails_with(("s3://b", "fs.s3a.access.key"), lambda: session_at("http://127.0.0.1:1", **nobody).read.text("s3://b/x"))
    away = session_at("http://127.0.0.1:1", **{"spark.hadoop.fs.s3a.retry.limit": "0"})
    fails_with(("s3://bucket/x", "fs.s3a.endpoint"), lambda: away.read.text("s3://bucket/x"))
    shown = session.sql("SET").collect()
    assert not any("secret" in row.value for row in shown), "SET shows a secret"
    print("wrong places, settings and buckets: told by name")


def main():
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moto", required=True, help="the program moto_server")
    moto = parser.parse_args().moto
    # What the machine says of Amazon is not what is tested.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    with tempfile.TemporaryDirectory() as folder, served(moto) as store:
        store.ask("PUT", "bucket")
        session = session_at(store.endpoint)
        formats_and_modes(session, store, Path(folder))
        one_partition_of_several(session, store, Path(folder))
        a_write_that_fails(session, store)
        files_of_several_parts(session, store, Path(folder))
        what_others_have_put_there(session, store)
        what_is_refused(session)
        until(lambda: store.open_uploads("bucket") == [], "uploads stay open")
    # This one knows no key.
    with served(moto, INITIAL_NO_AUTH_ACTION_COUNT="0") as store:
        session = session_at(store.endpoint)
        fails_with(("s3://bucket/x", "fs.s3a.secret.key"), lambda: session.read.text("s3://bucket/x").collect())
        fails_with(("s3://bucket/x", "fs.s3a.secret.key"), lambda: session.range(1).write.csv("s3://bucket/x"))
        print("a wrong key: told, with what to set")
    return 0


if __name__ == "__main__":
    sys.exit(main())
