"""On Spark itself: the source, files and ranges side by side, flows sorted by it, and what comes out. One session."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer
from pyspark.sql import SparkSession

import aurora_wire.spark
from aurora_wire.errors import UsageError
from aurora_wire.redact.masker import Masker
from aurora_wire.report.tables import TABLES
from tests.capture.files import interface, section
from tests.conftest import ROOT
from tests.conversations import sessions
from tests.conversations.tcp import Conversation, pcap
from tests.scale.local import differences, expected
from tests.scale.test_flows import many
from tests.scale.test_lead_in import in_fragments
from tests.scale.test_ranges import blocks_of, talks

CAPTURES = sorted(path for path in (ROOT / "captures").rglob("*.pcap*") if path.is_file())
# Spark's own: sockets and files of its Java process, and what pandas is told of its future.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::FutureWarning", "ignore::DeprecationWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)
STORE = {
    "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}  # fmt: skip


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """Yield the address of an object store on the loopback; it is there before Spark, whose workers are told of it."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture(scope="module")
def spark(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("spark")
    before = dict(os.environ)
    os.environ.update(
        PYSPARK_PYTHON=sys.executable, PYSPARK_DRIVER_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1",
        SPARK_LOCAL_HOSTNAME="localhost", AWS_ENDPOINT_URL=store, **STORE,
    )
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    session = (
        SparkSession.builder.master("local[2]").appName("aurora_wire tests")
        .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC").config("spark.driver.memory", "1g")
        .config("spark.local.dir", str(folder)).config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .config("spark.ui.showConsoleProgress", "false").config("spark.log.level", "ERROR")
        # It lives for a minute: its second compiler would take more time than its code saves.
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto")
        .getOrCreate()
    )  # fmt: skip
    aurora_wire.spark.register(session)
    try:
        yield session
    finally:
        session.stop()
        os.environ.clear()
        os.environ.update(before)


def loaded(spark: Any, paths: list[Any], **options: str) -> Any:
    reader = spark.read.format("aurora_wire").options(**options)
    return reader.load([str(path) for path in paths]) if len(paths) > 1 else reader.load(str(paths[0]))


def tables_of(found: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the tables of an analysis, but for what is said of captures themselves."""
    made = {}
    for name in ("connections", "statements", "findings"):
        rows = getattr(found, name).toArrow().to_pylist(maps_as_pydicts="strict")
        made[name] = [row for row in rows if name != "findings" or row["connection"] is not None]
    return made


def test_shipped_captures_are_judged_as_by_scan(spark: Any) -> None:
    paths = [path for path in CAPTURES if "secrets" not in path.name][::10]
    found = aurora_wire.spark.analyze(loaded(spark, paths), reveal=True)
    assert differences(tables_of(found), expected(paths))[:10] == []
    captures = found.captures.toArrow().to_pylist(maps_as_pydicts="strict")
    scan = aurora_wire.scan([str(path) for path in paths])
    assert [(row["capture"], row["packets"], row["sha256"], row["skipped"]) for row in captures] == [
        (one.path, one.packets, one.sha256, one.skipped) for one in scan.captures
    ]
    for name, columns in TABLES.items():
        assert getattr(found, name).columns == [column.name for column in columns]
    found.unpersist()


def test_ranges_of_a_file_are_read_side_by_side(spark: Any, tmp_path: Path) -> None:
    path = tmp_path / "many.pcap"
    path.write_bytes(many(120, 60))
    size = path.stat().st_size
    assert size > 1_200_000
    segments = loaded(spark, [path], rangeBytes="200000")
    assert segments.rdd.getNumPartitions() > 1
    found = aurora_wire.spark.analyze(segments, reveal=True)
    assert differences(tables_of(found), expected([path]))[:10] == []
    assert found.captures.collect()[0]["bytes"] == size
    found.unpersist()


@pytest.mark.parametrize("sections", [1, 2])
def test_ranges_of_a_pcapng_are_read_side_by_side(spark: Any, sections: int, tmp_path: Path) -> None:
    """Of two sections, too: the rows of the ranges behind the task that read on do not count."""
    path = tmp_path / "many.pcapng"
    path.write_bytes(many_blocks(sections))
    segments = loaded(spark, [path], rangeBytes="200000")
    assert segments.rdd.getNumPartitions() > 1
    rows = segments.where("kind = 'capture'").orderBy("range").collect()
    assert [row["to_end"] for row in rows][:2] == [sections > 1, False]
    found = aurora_wire.spark.analyze(segments, reveal=True)
    assert differences(tables_of(found), expected([path]))[:10] == []
    (capture,) = found.captures.collect()
    (told,) = aurora_wire.scan([path]).captures
    assert (capture["bytes"], capture["packets"]) == (told.bytes, told.packets)
    found.unpersist()


def many_blocks(sections: int = 1) -> bytes:
    """Return a pcapng that is cut. The second section begins behind the first packets."""
    blocks = blocks_of(talks(60, 60))
    head = section() + interface()
    return b"".join([head, *blocks[:50], *[head] * (sections - 1), *blocks[50:]])


def test_each_direction_at_another_tap_and_broken_files_beside_it(spark: Any, tmp_path: Path) -> None:
    talk = Conversation()
    sessions.play(sessions.plaintext(), talk)
    sent = [packet for packet in talk.packets if packet.data[26:30] == bytes((10, 0, 0, 5))]
    received = [packet for packet in talk.packets if packet.data[26:30] != bytes((10, 0, 0, 5))]
    assert sent
    assert received
    paths = [tmp_path / name for name in ("client.pcap", "server.pcap", "both.pcap", "cut.pcap", "none.pcap")]
    order = {id(packet): number for number, packet in enumerate(talk.packets)}
    paths[0].write_bytes(b"".join([pcap([])] + [pcap([one], first=order[id(one)])[24:] for one in sent]))
    paths[1].write_bytes(b"".join([pcap([])] + [pcap([one], first=order[id(one)])[24:] for one in received]))
    paths[2].write_bytes(pcap(talk.packets))
    other = Conversation(client=("10.0.0.7", 44_000))
    sessions.play(sessions.tls13(), other)
    paths[3].write_bytes(pcap(other.packets)[:-400])
    paths[4].write_bytes(b"\x00nothing")
    found = aurora_wire.spark.analyze(loaded(spark, list(paths)))
    rows = {row["client_port"]: row for row in found.connections.collect()}
    assert len(rows) == 2
    one = rows[50_152]
    assert (one["verdict"], one["confidence"], one["client_missing"], one["server_missing"]) == (
        "plaintext", "proven", 0, 0,
    )  # fmt: skip
    assert sorted(Path(path).name for path in one["captures"]) == ["both.pcap", "client.pcap", "server.pcap"]
    assert (rows[44_000]["verdict"], rows[44_000]["confidence"]) == ("encrypted", "likely")
    captures = {Path(row["capture"]).name: row for row in found.captures.collect()}
    assert [name for name, row in sorted(captures.items()) if not row["complete"]] == ["cut.pcap", "none.pcap"]
    assert sorted(row["rule"] for row in found.findings.where("connection is null").collect()) == ["AW506", "AW506"]
    found.unpersist()


def test_values_are_masked_unless_they_are_to_be_revealed(spark: Any, tmp_path: Path) -> None:
    path = tmp_path / "plain.pcap"
    path.write_bytes(pcap(sessions.play(sessions.plaintext()).packets))
    segments = loaded(spark, [path]).persist()
    shown = {}
    for name, options in {"stars": {}, "tokens": {"key": b"k"}, "all": {"reveal": True}}.items():
        found = aurora_wire.spark.analyze(segments, **options)
        shown[name] = [row["sql"] for row in found.statements.orderBy("frame").collect()]
        found.unpersist()
    segments.unpersist()
    assert sessions.SECRET.decode() in shown["all"][0]
    assert all("Canary" not in sql for name in ("stars", "tokens") for sql in shown[name])
    masked = [Masker(b"k").sql(sql.encode()).decode() for sql in shown["all"]]
    assert shown["tokens"] == masked != shown["stars"]
    assert {len(shown[name][0]) for name in shown} == {len(shown["all"][0])}
    with pytest.raises(UsageError, match="1 to 64"):
        aurora_wire.spark.analyze(segments, key=b"")


def test_segments_that_were_stored_are_analysed_later(spark: Any, tmp_path: Path) -> None:
    path = tmp_path / "many.pcap"
    path.write_bytes(many(5, 5))
    loaded(spark, [path]).write.parquet(str(tmp_path / "segments"))
    stored = spark.read.parquet(str(tmp_path / "segments"))
    found = aurora_wire.spark.analyze(stored, reveal=True, partitions=3)
    assert differences(tables_of(found), expected([path]))[:10] == []
    found.connections.write.parquet(str(tmp_path / "connections"))
    found.unpersist()
    assert pq.read_table(tmp_path / "connections").num_rows == len(expected([path])["connections"])
    for part in (tmp_path / "segments").glob("*.parquet"):
        assert set(pq.read_table(part).column("kind").to_pylist()) <= {"segment", "capture"}


def test_a_bucket_is_loaded_by_tasks(spark: Any, store: str) -> None:
    client = boto3.client(
        "s3", endpoint_url=store, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    client.create_bucket(Bucket="night")
    paths = [f"s3://night/week/{number}.pcap" for number in range(3)]
    for number in range(3):
        talk = Conversation(client=("10.0.0.6", 41_000 + number))
        data = pcap(sessions.play(sessions.plaintext(), talk).packets) if number else many(60, 60)
        data = many_blocks() if number == 2 else data
        client.put_object(Bucket="night", Key=f"week/{number}.pcap", Body=data)
    segments = loaded(spark, ["s3://night/week/*.pcap"], rangeBytes="200000")
    rows = segments.where("kind = 'capture'").select("file", "range", "error", "packets").collect()
    assert {row["file"] for row in rows} == set(paths)
    assert [row["error"] for row in rows] == [None] * len(rows)
    assert {row["file"] for row in rows if row["range"]} == {paths[0], paths[2]}
    assert sum(row["packets"] for row in rows) == sum(one.packets for one in aurora_wire.scan(paths).captures)


def test_fragments_of_an_object_are_put_together_over_ranges(spark: Any, store: str, tmp_path: Path) -> None:
    client = boto3.client(
        "s3", endpoint_url=store, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    path = tmp_path / "pieces.pcap"
    path.write_bytes(pcap(in_fragments(talks(60, 60), Random(1), spread=4, lost=0.01)))
    client.create_bucket(Bucket="pieces")
    client.upload_file(str(path), "pieces", "pieces.pcap")
    segments = loaded(spark, ["s3://pieces/pieces.pcap"], rangeBytes="200000")
    assert segments.where("exists(earlier, one -> one.frame < 1)").count() > 1
    found = aurora_wire.spark.analyze(segments, reveal=True)
    told = aurora_wire.scan(["s3://pieces/pieces.pcap"])
    assert differences(tables_of(found), expected(["s3://pieces/pieces.pcap"]))[:10] == []
    assert dict(found.captures.collect()[0]["skipped"]) == told.captures[0].skipped
    found.unpersist()


@pytest.mark.parametrize(
    ("path", "options", "words"),
    [("-", {}, "standard input"), ("a.pcap", {"rangeBytes": "many"}, "rangeBytes")],
)
def test_what_cannot_be_loaded_is_said(spark: Any, path: str, options: dict[str, str], words: str) -> None:
    with pytest.raises(Exception, match=words):
        loaded(spark, [path], **options).collect()


def test_without_spark_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'aurora_wire\[spark\]'"):
        aurora_wire.spark.register(None)
