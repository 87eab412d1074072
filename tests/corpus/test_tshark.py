"""tshark's `mysql.query` against the statements, on every capture of lab and corpus that has a handshake.

Where all is in TLS there is no query to find (the lab's own test says that none is found): tshark takes time.
"""

from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import SHARED
from tests.conversations.judge import explain
from tests.conversations.tcp import Conversation, pcap
from tests.corpus import logs
from tests.lab import truth
from tests.tshark import printed, tshark_path

PORTS = {"deepflow": (20130, 30130, 2883, 6033)}
LAB = [
    f"lab/{one.file}"
    for one in truth.TRUTH
    if one.is_mysql and not one.is_x_protocol and not one.is_midstream and one.verdict in {"plaintext", "mixed"}
]
CORPUS = [f"corpus/{name}" for pattern in ("zeek/*.pcap", "ndpi/*", "arkime/*") for name in logs.files(pattern)] + [
    f"corpus/deepflow/{name}.pcap"
    for name in (
        "mysql",
        "mysql-error",
        "mysql-login-error",
        "mysql-table-create",
        "mysql-table-insert",
        "mysql-table-select",
    )
]

# Where tshark 4.0 finds less than was there, or something else: what is wrong with it. The lab's own test
# holds these captures against the server's log.
EXPLAINED = {
    "proxy-v1": "tshark takes the PROXY header for MySQL and finds no query behind it",
    "proxy-v2": "tshark takes the PROXY header for MySQL and finds no query behind it",
    "zstd": "tshark does not open zstd",
    "compress": "tshark loses a compressed packet whose inner packet shares it, or that was inflated in part",
    "zlib-long": "tshark loses the query that was really compressed",
    "snaplen": "tshark leaves out a query that the snaplen cut",
    "connpy-query-attributes": "tshark takes the attributes for the beginning of the text",
    "many-query-attrs": "tshark takes the attributes for the beginning of the text",
    "mysql-cli-query-attributes": "tshark takes the attributes for the beginning of the text",
}


def port_of(name: str) -> tuple[int, ...]:
    if name.startswith("lab/"):
        return (next(one for one in truth.TRUTH if one.file == name.removeprefix("lab/")).port,)
    return PORTS.get(name.split("/")[1], (3306,))


def ask(name: str) -> list[str]:
    arguments = ["-Y", "mysql.query && mysql.request", "-T", "fields"]
    for port in port_of(name):
        arguments += ["-d", f"tcp.port=={port},mysql"]
    arguments += ["-E", "aggregator=\x1f", "-e", "mysql.query"]
    lines = printed(SHARED / name, *arguments).decode("utf-8", "replace").splitlines()
    return [text for line in lines for text in line.split("\x1f")]


@functools.cache
def asked() -> dict[str, list[str]]:
    """All captures at once: tshark takes its time to start."""
    names = LAB + CORPUS
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        return dict(zip(names, pool.map(ask, names), strict=True))


def escaped(sql: bytes) -> str:
    r"""As tshark prints a field: a line feed is `\n`."""
    text = sql.decode("utf-8", "replace").replace("\\", "\\\\")
    for plain, shown in (("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        text = text.replace(plain, shown)
    return text


@pytest.mark.parametrize("name", LAB + CORPUS)
def test_every_query_that_tshark_finds_is_found(name: str, shared: Path) -> None:
    tshark_path()
    if name.startswith("lab/"):
        result = truth.scanned(name.removeprefix("lab/"))
    else:
        result = logs.scanned(name.removeprefix("corpus/"))
    ours = [escaped(one.sql) for one in logs.statements(result, *logs.TEXTS)]
    theirs = asked()[name]
    if ours != theirs:
        why = next((reason for part, reason in EXPLAINED.items() if part in name), None)
        assert why is not None, (ours, theirs, explain(result))


def test_of_another_capture_tshark_is_asked_again(tmp_path: Path) -> None:
    capture = tmp_path / "one.pcap"
    conversation = Conversation()
    conversation.syn()
    for count in (2, 3):
        capture.write_bytes(pcap(conversation.packets[:count]))
        for _ in ("asked", "kept"):
            told = printed(capture, "-T", "fields", "-e", "frame.number", cache=tmp_path)
            assert told.split() == [b"%d" % number for number in range(1, count + 1)]
        assert len(list((tmp_path / "tshark").iterdir())) == count - 1
