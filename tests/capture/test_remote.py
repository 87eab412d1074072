"""Captures at addresses: as from a file, streamed, and each thing that goes wrong is one line. Loopback only."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest
from backports import zstd  # type: ignore[import-untyped,unused-ignore]
from moto.server import ThreadedMotoServer

import aurora_wire
from aurora_wire.capture.files import remote
from aurora_wire.cli import main
from aurora_wire.errors import CaptureError, UsageError
from tests.conversations import sessions
from tests.conversations.tcp import Conversation, pcap

Capsys = pytest.CaptureFixture[str]
PLAIN = pcap(sessions.play(sessions.plaintext()).packets)
LATER = pcap(sessions.play(sessions.tls13(), Conversation(client=("10.0.0.6", 41_000))).packets)


class Pages(BaseHTTPRequestHandler):
    """Serves `pages` by path; `cut` says after how many bytes the connection ends, `status` what else is answered."""

    pages: ClassVar[dict[str, bytes]] = {}
    cut: ClassVar[dict[str, int]] = {}
    status: ClassVar[dict[str, int]] = {}
    asked: ClassVar[list[str]] = []
    chunked = False

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        type(self).asked.append(self.path)
        data = self.pages.get(path)
        if path in self.status or data is None:
            self.send_error(self.status.get(path, 404))
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        if path.endswith(".gz"):
            self.send_header("Content-Encoding", "gzip")   # as some servers say of what is stored so
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[: self.cut.get(path, len(data))])
            self.close_connection = True

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Yield the address of a server on the loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def web() -> Iterator[str]:
    for table in (Pages.pages, Pages.cut, Pages.status):
        table.clear()
    Pages.asked.clear()
    with serving(Pages) as address:
        yield address


@pytest.fixture(scope="module")
def store() -> Iterator[tuple[str, Any]]:
    """Yield the address of a store, and a client of it."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b",
    )  # fmt: skip
    try:
        yield endpoint, client
    finally:
        server.stop()


@pytest.fixture
def bucket(store: tuple[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what puts an object into the bucket `night`."""
    endpoint, client = store
    for name, value in (
        ("AWS_ENDPOINT_URL", endpoint), ("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_REGION", "us-east-1"), ("AWS_EC2_METADATA_DISABLED", "true"),
    ):
        monkeypatch.setenv(name, value)
    client.create_bucket(Bucket="night")
    for found in client.list_objects_v2(Bucket="night").get("Contents", ()):
        client.delete_object(Bucket="night", Key=found["Key"])
    return lambda key, data: client.put_object(Bucket="night", Key=key, Body=data)


def told(capsys: Capsys) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    return shown


def fields(result: dict[str, Any]) -> dict[str, Any]:
    """Return all of a result but the names of its captures."""
    for capture in result["captures"]:
        capture["path"] = ""
    for name in ("connections", "findings"):
        for one in result[name]:
            one.pop("capture", None)
    return result


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstd.compress], ids=["plain", "gzip", "zstd"])
@pytest.mark.parametrize("where", ["web", "store"])
def test_a_capture_at_an_address_is_judged_as_the_file(
    tmp_path: Path, web: str, bucket: Any, capsys: Capsys, compress: Any, where: str
) -> None:
    data = compress(PLAIN)
    name = "a.pcap.gz" if compress is gzip.compress else "a.pcap"
    (tmp_path / name).write_bytes(data)
    Pages.pages[f"/{name}"] = data
    bucket(f"a folder/{name}", data)
    address = f"{web}/{name}" if where == "web" else f"s3://night/a folder/{name}"
    assert main(["scan", str(tmp_path / name), "--format=json"]) == 1
    expected = told(capsys)
    assert main(["scan", address, "--format=json"]) == 1
    found = told(capsys)
    assert found["captures"][0]["path"] == address
    assert fields(found) == fields(expected)


def test_folders_and_patterns_of_a_bucket_name_the_captures_in_it(bucket: Any) -> None:
    bucket("week/mon/a.pcap", PLAIN)
    bucket("week/tue/b.pcap.gz", gzip.compress(LATER))
    bucket("week/notes.txt", b"what we did\n")
    for address, captures in (("s3://night/week/", 2), ("s3://night/week", 2), ("s3://night", 2),
                              ("s3://night/week/*/*.pcap*", 2), ("s3://night/week/m*/[ab].pcap", 1)):
        result = aurora_wire.scan([address])
        assert len(result.captures) == captures, address
        assert all(one.complete and one.path.startswith("s3://night/week/") for one in result.captures)
    assert aurora_wire.scan(["s3://night/week/"]).ignored == ["s3://night/week/notes.txt"]
    with pytest.raises(UsageError, match="no object matches"):
        aurora_wire.scan(["s3://night/week/*.pcapng"])


def test_each_command_reads_addresses(tmp_path: Path, web: str, bucket: Any, capsys: Capsys) -> None:
    bucket("a.pcap", PLAIN)
    Pages.pages["/a.pcap"] = PLAIN
    for address in ("s3://night/a.pcap", f"{web}/a.pcap"):
        assert main(["packets", address, "-X"]) == 0
        assert "COM_QUERY" in capsys.readouterr().out
        assert main(["redact", address, str(tmp_path / "masked.pcap"), "--force"]) == 0
        assert aurora_wire.scan([tmp_path / "masked.pcap"]).verdict == "plaintext"
        assert main(["impact", address]) == 1
        assert main(["compare", address, address]) == 1
        assert main(["report", address, "-o", str(tmp_path / "report.html"), "--force"]) == 1
        assert "could not be looked at again" not in (tmp_path / "report.html").read_text()
        assert main(["evidence", "create", address, "-o", str(tmp_path / "case.zip"), "--force"]) == 0
        assert main(["evidence", "verify", "--allow-unsigned", str(tmp_path / "case.zip")]) == 0
        capsys.readouterr()


def test_a_connection_that_is_cut_leaves_what_was_read_marked(web: str, capsys: Capsys) -> None:
    Pages.pages["/cut.pcap"] = LATER
    Pages.cut["/cut.pcap"] = len(LATER) - 200
    assert main(["scan", f"{web}/cut.pcap", "--format=json"]) == 3
    shown = capsys.readouterr()
    result = json.loads(shown.out)
    assert result["captures"][0]["complete"] is False
    assert result["captures"][0]["packets"] > 5
    assert "the connection was cut" in result["captures"][0]["error"]
    assert result["connections"][0]["confidence"] != "proven"
    assert shown.err.count("\n") == 1


def test_what_is_there_is_decoded_before_the_rest_has_come() -> None:
    """The server sends the second half once the first one was seen."""
    seen = threading.Event()

    class Slow(Pages):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(PLAIN[:-60])
            self.wfile.flush()
            assert seen.wait(60)
            self.wfile.write(PLAIN[-60:])
            self.close_connection = True

    with serving(Slow) as address, remote.RemoteFile(f"{address}/a.pcap") as file:
        first = file.read(1 << 20)
        assert first
        assert PLAIN.startswith(first)
        seen.set()
        assert first + b"".join(iter(lambda: file.read(1 << 20), b"")) == PLAIN


def test_a_password_in_an_address_is_sent_to_its_server_alone() -> None:
    sent = []

    class Asking(Pages):
        def do_GET(self) -> None:
            sent.append(self.headers.get("Authorization"))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(PLAIN)

    with serving(Asking) as address:
        result = aurora_wire.scan([address.replace("http://", "http://me:p%40ss@") + "/a.pcap"])
    assert sent == ["Basic bWU6cEBzcw=="]
    assert result.captures[0].path == f"{address}/a.pcap"


def test_a_compressed_capture_cut_in_the_middle_is_marked_too(web: str) -> None:
    data = gzip.compress(LATER)
    Pages.pages["/cut.pcap.gz"] = data
    Pages.cut["/cut.pcap.gz"] = len(data) // 2
    result = aurora_wire.scan([f"{web}/cut.pcap.gz"])
    assert not result.captures[0].complete
    assert "cut" in (result.captures[0].error or "")


@pytest.mark.parametrize(
    ("status", "words"),
    [(404, "no such object"), (403, "no permission"), (401, "no permission"), (500, "the server answered 500")],
)
def test_what_a_server_refuses_is_one_line(web: str, capsys: Capsys, status: int, words: str) -> None:
    Pages.status["/a.pcap"] = status
    assert main(["scan", f"{web}/a.pcap"]) == 2
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert words in shown


def test_a_server_that_is_not_there_is_one_line(capsys: Capsys) -> None:
    assert main(["scan", "http://127.0.0.1:1/a.pcap"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("s3://night/nothing.pcap", "no such object"),
        ("s3://no-such-bucket/a.pcap", "no such object"),
        ("s3://no-such-bucket/", "no such object, folder or bucket"),
        ("ftp://127.0.0.1/a.pcap", "ftp:// is not read"),
    ],
)
def test_what_is_not_there_is_one_line(bucket: Any, capsys: Capsys, address: str, words: str) -> None:
    assert main(["scan", address]) == 2
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert words in shown


def test_one_capture_beside_others_that_is_gone_takes_the_zero(tmp_path: Path, bucket: Any, capsys: Capsys) -> None:
    (tmp_path / "tls.pcap").write_bytes(LATER)
    assert main(["scan", str(tmp_path / "tls.pcap"), "s3://night/gone.pcap", "--format=json"]) == 3
    result = told(capsys)
    assert [one["format"] for one in result["captures"]] == ["pcap", "unreadable"]


class Refusing(BaseHTTPRequestHandler):
    """A store that permits nothing."""

    def do_GET(self) -> None:
        body = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *args: object) -> None:
        pass


def test_a_bucket_without_permission_is_one_line(bucket: Any, capsys: Capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Refusing) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        assert main(["scan", "s3://night/a.pcap"]) == 2
        shown = capsys.readouterr().err
        assert shown.count("\n") == 1
        assert "no permission" in shown
        assert main(["scan", "s3://night/week/"]) == 2
        assert "no permission" in capsys.readouterr().err


def test_an_object_that_is_replaced_while_it_is_read_is_marked(bucket: Any) -> None:
    big = PLAIN + b"".join([PLAIN[24:]] * 200)
    bucket("a.pcap", big)
    with remote.RemoteFile("s3://night/a.pcap") as file:
        assert len(file.read(1000)) == 1000
        bucket("a.pcap", LATER * (len(big) // len(LATER) + 1))
        with pytest.raises(CaptureError, match=r"replaced while it was read|cannot be read|cut"):
            list(iter(lambda: file.read(1 << 20), b""))


def test_a_stream_is_not_read_ahead_of_what_is_decoded(bucket: Any) -> None:
    bucket("large", bytes(20 << 20))
    with remote.RemoteFile("s3://night/large") as file:
        assert file.size == 20 << 20
        assert len(file.read(1 << 20)) == 1 << 20
        assert file.tell() == 1 << 20


def test_secrets_of_an_address_are_in_no_result(tmp_path: Path, web: str, capsys: Capsys) -> None:
    Pages.pages["/a.pcap"] = PLAIN
    address = f"{web}/a.pcap?X-Amz-Signature=hush"
    assert main(["scan", address, "--format=json"]) == 1
    assert told(capsys)["captures"][0]["path"] == f"{web}/a.pcap"
    assert any("X-Amz-Signature=hush" in one for one in Pages.asked)
    assert main(["evidence", "create", address, "-o", str(tmp_path / "case.zip")]) == 0
    assert main(["report", address, "-o", str(tmp_path / "report.html")]) == 1
    capsys.readouterr()
    assert "hush" not in (tmp_path / "report.html").read_text()
    from zipfile import ZipFile

    with ZipFile(tmp_path / "case.zip") as bundle:
        assert all(b"hush" not in bundle.read(name) for name in bundle.namelist())
    Pages.status["/a.pcap"] = 500
    assert main(["scan", address]) == 2
    assert "hush" not in capsys.readouterr().err


def test_tables_of_an_address_are_masked_with_stars(tmp_path: Path, web: str, capsys: Capsys) -> None:
    Pages.pages["/a.pcap"] = PLAIN
    assert main(["scan", f"{web}/a.pcap", "--format=csv"]) == 1
    assert '"***' in capsys.readouterr().out


@pytest.mark.parametrize("scheme", ["s3", "gs", "abfs"])
def test_a_missing_library_is_named_with_the_command_that_installs_it(
    capsys: Capsys, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["scan", f"{scheme}://somewhere/a.pcap"]) == 2
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert "pip install 'aurora_wire[remote]'" in shown


def test_addresses_of_each_cloud_are_split_as_the_cloud_has_them() -> None:
    assert remote.shown("s3://key:secret@bucket/a#b?c.pcap") == "s3://bucket/a#b?c.pcap"
    assert remote.shown("https://u:p@host:1/a.pcap?token=1#x") == "https://host:1/a.pcap"
    assert remote.shown("abfs://box@account.dfs.core.windows.net/a") == "abfs://box@account.dfs.core.windows.net/a"
    assert remote.shown("gs://bucket/a.pcap") == "gs://bucket/a.pcap"
    assert remote.shown("/tmp/a?b") == "/tmp/a?b"
    assert not remote.is_remote("a.pcap")
    assert not remote.is_remote("./s3:/a")


class Google(BaseHTTPRequestHandler):
    """As much of Google's JSON API as reading takes: buckets, objects, their content."""

    objects: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        from urllib.parse import parse_qs, unquote, urlsplit

        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        name = unquote(parts.path.rpartition("/o/")[2]) if "/o/" in parts.path else ""
        if name and "media" in query.get("alt", ()):
            self.answer(self.objects.get(name), "application/octet-stream")
        elif name:
            self.answer(self.described(name), "application/json")
        elif parts.path.endswith("/o"):
            prefix = query.get("prefix", [""])[0]
            found = [json.loads(self.described(one) or b"{}") for one in self.objects if one.startswith(prefix)]
            self.answer(json.dumps({"kind": "storage#objects", "items": found}).encode(), "application/json")
        else:
            self.answer(b'{"kind": "storage#bucket", "name": "night", "id": "night"}', "application/json")

    def described(self, name: str) -> bytes | None:
        data = self.objects.get(name)
        return None if data is None else json.dumps({
            "kind": "storage#object", "name": name, "bucket": "night", "size": str(len(data)), "generation": "1",
            "updated": "2026-01-02T03:04:05Z", "timeCreated": "2026-01-02T03:04:05Z",
        }).encode()  # fmt: skip

    def answer(self, data: bytes | None, kind: str) -> None:
        status = 404 if data is None else 200
        asked = self.headers.get("Range", "")
        if data is not None and asked.startswith("bytes="):
            first, _, last = asked.removeprefix("bytes=").partition("-")
            total, end = len(data), int(last) + 1 if last else len(data)
            data = data[int(first) : end]
            status = 206
        body = b'{"error": {"code": 404, "message": "Not Found"}}' if data is None else data
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{int(first) + len(body) - 1}/{total}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def test_a_bucket_of_googles_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    Google.objects["week/a.pcap"] = PLAIN
    with serving(Google) as address:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        result = aurora_wire.scan(["gs://anonymous@night/week/a.pcap"])
        assert (result.verdict, result.captures[0].path) == ("plaintext", "gs://night/week/a.pcap")
        assert result.captures[0].bytes == len(PLAIN)
        with pytest.raises(CaptureError, match="no such object"):
            aurora_wire.scan(["gs://anonymous@night/week/b.pcap"])
