"""A frame leads to its file in every format, each file has its own verdict, and json and jsonl say the same."""

from __future__ import annotations

import csv
import io
import json
import re
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import aurora_wire
from aurora_wire.capture.files.open import open_capture
from aurora_wire.cli.main import main
from aurora_wire.errors import AuroraWireError
from aurora_wire.report.formats import render
from aurora_wire.report.frame_names import FrameNames, choose_names
from aurora_wire.report.html import render as html
from aurora_wire.report.scan_jsonl import JSONLines
from aurora_wire.report.text import report as text
from aurora_wire.verdict.overall import Tally, compute_verdict
from aurora_wire.verdict.result import Scan
from tests.analysis.test_two_taps import two_taps

FORMATS = ("json", "markdown", "sarif", "junit", "csv", "csv:statements", "csv:captures", "ocsf")


def scan_twice(paths: list[str]) -> tuple[dict[str, Any], list[dict[str, Any]], Scan]:
    """The result as `json` and as `jsonl` have it."""
    written: list[str] = []
    lines = JSONLines(written.append)
    result = aurora_wire.scan(
        paths, on_begin=lines.begin, on_statement=lines.statement, on_connection=lines.connection
    )
    lines.finish(result)
    return json.loads("".join(render(result, "json"))), [
        json.loads(line) for line in written
    ], result


def assert_the_same(paths: list[str]) -> None:
    whole, lines, _ = scan_twice(paths)
    kinds: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        kinds.setdefault(line.pop("type"), []).append(line)
    expected = [
        {"connection": connection["id"], **statement}
        for connection in whole["connections"] for statement in connection["statements"]
    ]
    places = ("connection", "frame", "time", "offset", "capture", "capture_frame")

    def place(one: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(one.get(name) for name in places)

    assert sorted(map(str, map(place, kinds.get("statement", [])))) == sorted(map(str, map(place, expected)))
    connections = [{k: v for k, v in one.items() if k != "statements"} for one in whole["connections"]]
    assert sorted(kinds.get("connection", []), key=lambda one: one["id"]) == connections
    assert sorted(map(json.dumps, kinds.get("finding", []))) == sorted(map(json.dumps, whole["findings"]))
    assert kinds.get("capture", []) == whole["captures"]


def captures_below(folder: Path) -> Iterator[list[str]]:
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        try:
            with open_capture(str(path), hash_input=False) as capture:
                if capture.source.advance():
                    yield [str(path)]
        except AuroraWireError:
            continue


@pytest.mark.parametrize("folder", ["lab", "corpus", "field"])
def test_json_and_jsonl_say_the_same_of_every_capture(folder: str, shared: Path) -> None:
    found = list(captures_below(shared / folder))
    assert len(found) > 20
    for paths in found:
        assert_the_same(paths)
    assert_the_same([paths[0] for paths in found])


DUMP = """\
{first} IP 10.0.0.5.50152 > 10.0.0.9.3306: Flags [P.], seq 1:14, ack 1, win 64, length 13
\t0x0000:  4500 0035 0001 4000 4006 0000 0a00 0005
\t0x0010:  0a00 0009 c3e8 0cea 0000 0001 0000 0001
\t0x0020:  5018 0040 0000 0000 0900 0000 0353 454c
\t0x0030:  4543 5420 31
{second} IP 10.0.0.5.50152 > 10.0.0.9.3306: Flags [P.], seq 14:27, ack 1, win 64, length 13
\t0x0000:  4500 0035 0001 4000 4006 0000 0a00 0005
\t0x0010:  0a00 0009 c3e8 0cea 0000 000e 0000 0001
\t0x0020:  5018 0040 0000 0000 0900 0000 0353 454c
\t0x0030:  4543 5420 32
"""


@pytest.mark.parametrize(
    ("first", "second", "times"),
    [
        ("09:00:01.000000", "09:00:02.000000", ["09:00:01.000000000", "09:00:02.000000000"]),
        ("23:59:59.000000", "00:00:01.000000", ["23:59:59.000000000", "00:00:01.000000000"]),
        ("2021-03-17 09:00:01.000000", "2021-03-17 09:00:02.000000",
         ["2021-03-17T09:00:01.000000000Z", "2021-03-17T09:00:02.000000000Z"]),
        ("2021-03-17 09:00:01.000000", "09:00:02.000000", ["2021-03-17T09:00:01.000000000Z", "09:00:02.000000000"]),
        ("09:00:01.000000", "2021-03-17 09:00:02.000000", ["09:00:01.000000000", "2021-03-17T09:00:02.000000000Z"]),
        ("1970-01-01 09:00:01.000000", "1970-01-01 09:00:02.000000",
         ["1970-01-01T09:00:01.000000000Z", "1970-01-01T09:00:02.000000000Z"]),
    ],
)
@pytest.mark.parametrize("beside", [False, True])
def test_a_dump_has_the_same_times_in_json_and_jsonl(
    first: str, second: str, times: list[str], beside: bool, shared: Path, tmp_path: Path
) -> None:
    path = tmp_path / "dump.txt"
    path.write_text(DUMP.format(first=first, second=second))
    paths = [str(path)] + ([str(shared / "field" / "14-rows-one-packet-lost.pcap")] if beside else [])
    whole, lines, _ = scan_twice(paths)
    (connection,) = [one for one in whole["connections"] if one["client"]["port"] == 50152 and one["packets"] == 2]
    assert [one["time"] for one in connection["statements"]] == times
    told = [one["time"] for one in lines if one["type"] == "statement" and one["connection"] == connection["id"]]
    assert told == times
    assert_the_same(paths)


def split(capture: bytes, folder: Path, cuts: list[int]) -> list[str]:
    """A pcap (little-endian) cut into files before these frames."""
    ends = [24]
    while ends[-1] < len(capture):
        ends.append(ends[-1] + 16 + struct.unpack_from("<I", capture, ends[-1] + 8)[0])
    paths = []
    for number, (first, last) in enumerate(pairwise([0, *cuts, len(ends) - 1])):
        path = folder / f"night-{number}.pcap"
        path.write_bytes(capture[:24] + capture[ends[first] : ends[last]])
        paths.append(str(path))
    return paths


def frames_of(path: str) -> list[tuple[int, bytes]]:
    found = []
    with open_capture(path, hash_input=False) as capture:
        while capture.source.advance():
            source = capture.source
            data = source.buffer[source.at : source.at + source.captured_len]
            found.append((int(source.time_ns), bytes(data)))
    return found


@pytest.mark.parametrize("skew_us", [0, 500, -2000])
def test_each_statement_is_in_the_frame_that_is_named(skew_us: int, shared: Path, tmp_path: Path) -> None:
    client, server = two_taps(shared, tmp_path, skew_us * 1000)
    paths = [*split(Path(client).read_bytes(), tmp_path, [20, 50, 51]), server]
    frames = {path: frames_of(path) for path in paths}
    whole, _, result = scan_twice(paths)
    statements = [one for connection in whole["connections"] for one in connection["statements"]]
    assert len(statements) == 100
    for one in statements:
        _, data = frames[one["capture"]][one["capture_frame"] - 1]
        assert one["sql"].encode() in data
    assert_the_same(paths)
    assert [one.captures for one in result.connections] == [[0, 1, 2, 3, 4]]
    rows = list(csv.DictReader(io.StringIO("".join(render(result, "csv:statements")))))
    assert [(row["capture"], int(row["capture_frame"])) for row in rows] == [
        (one["capture"], one["capture_frame"]) for one in statements
    ]


def test_every_format_names_capture_and_frame(shared: Path, tmp_path: Path) -> None:
    client, server = two_taps(shared, tmp_path, 0)
    result = aurora_wire.scan([server, client])
    names = FrameNames(result.captures, result.frame_places)
    first = result.connections[0].statements[0].frame
    named = names.name(first)
    assert re.fullmatch(r"client\.pcap:\d+", named)
    shown = {name: "".join(render(result, name)) for name in FORMATS}
    shown["text"] = "".join(text.render(result))
    shown["html"] = "".join(html.render(result, redact=False))
    for name in ("text", "html", "markdown", "junit"):
        assert named in shown[name], name
        assert f"frame {first}" not in shown[name], name
    number = named.partition(":")[2]
    for name in ("json", "ocsf"):
        assert f'"capture": "{client}", "capture_frame": {number}' in shown[name], name
    assert f'"frame {number}"' in shown["sarif"]
    for name in ("csv", "csv:statements"):
        assert f'"{client}",' in shown[name], name


def test_with_one_capture_frames_are_numbers(shared: Path) -> None:
    result = aurora_wire.scan([str(shared / "field" / "16-tap-merged-2ms-skew.pcap")])
    for name in (*FORMATS, "text", "html"):
        if name == "text":
            shown = "".join(text.render(result))
        elif name == "html":
            shown = "".join(html.render(result, redact=False))
        else:
            shown = "".join(render(result, name))
        assert not re.search(r"skew\.pcap:\d", shown), name
        assert name.startswith("csv") or "capture_frame" not in shown, name


def test_each_file_has_the_verdict_of_the_connections_in_it(shared: Path, tmp_path: Path) -> None:
    clear = str(shared / "field" / "16-tap-merged-2ms-skew.pcap")
    sealed = str(shared / "field" / "hostile-M0-pq-baseline.pcap")
    web = tmp_path / "web.pcap"
    web.write_bytes(Path(clear).read_bytes()[:24])
    none = tmp_path / "none.pcap"
    none.write_bytes(b"no capture at all" * 4)
    paths = [clear, sealed, str(web), str(none)]
    result = aurora_wire.scan(paths)
    by_path = {capture.path: (capture.verdict, capture.confidence) for capture in result.captures}
    assert by_path == {
        clear: ("plaintext", "proven"), sealed: ("encrypted", "proven"), str(web): ("not-mysql", None),
        str(none): (None, None),
    }
    assert result.verdict == "mixed"
    for name in ("json", "csv:captures", "markdown"):
        shown = "".join(render(result, name)).lower()
        assert "plaintext" in shown
    shown = "".join(text.render(result))
    assert "    PLAINTEXT (proven)\n" in shown
    assert "    encrypted (proven)\n" in shown


def test_a_connection_over_two_files_counts_in_both(shared: Path, tmp_path: Path) -> None:
    whole = (shared / "field" / "hostile-M0-pq-baseline.pcap").read_bytes()
    paths = split(whole, tmp_path, [10, 14])
    result = aurora_wire.scan(paths)
    (connection,) = result.connections
    assert (connection.verdict, connection.confidence) == ("encrypted", "proven")
    assert connection.captures == [0, 1, 2]
    assert [(one.verdict, one.confidence) for one in result.captures] == [("encrypted", "proven")] * 3


def test_the_verdicts_of_files_are_those_of_their_connections_in_all_of_the_lab(shared: Path) -> None:
    paths = [paths[0] for paths in captures_below(shared / "field")]
    result = aurora_wire.scan(paths)
    for index, capture in enumerate(result.captures):
        tally = Tally()
        for connection in result.connections:
            if index in connection.captures:
                tally.add(connection)
        if capture.format != "unreadable":
            assert (capture.verdict, capture.confidence) == compute_verdict(tally, [capture]), capture.path


def test_packets_names_frames_as_scan_does(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = two_taps(shared, tmp_path, 0)
    result = aurora_wire.scan(paths)
    names = FrameNames(result.captures, result.frame_places)
    statement = result.connections[0].statements[7]
    named = names.name(statement.frame)
    assert main(["packets", "--frame", named, *paths]) == 0
    by_name = capsys.readouterr().out
    assert f"[frame {named}, connection 1: COM_QUERY" in by_name
    assert main(["packets", "--frame", str(statement.frame), *paths]) == 0
    assert capsys.readouterr().out == by_name
    path, _, number = named.rpartition(":")
    assert main(["packets", "--frame", number, str(tmp_path / path)]) == 0
    assert f"[frame {number}, connection 1: COM_QUERY" in capsys.readouterr().out
    assert main(["packets", "--frame", "other.pcap:1", *paths]) == 2
    assert "There are: " in capsys.readouterr().err


def test_captures_are_told_apart_by_as_little_of_their_path_as_needed() -> None:
    assert choose_names(["/a/x.pcap", "/b/y.pcap"]) == ["x.pcap", "y.pcap"]
    assert choose_names(["/a/x.pcap", "/b/x.pcap"]) == ["a/x.pcap", "b/x.pcap"]
    assert choose_names(["x.pcap", "b/x.pcap", "y"]) == ["x.pcap", "b/x.pcap", "y"]
    assert choose_names(["/a/x.pcap", "/a/x.pcap"]) == ["/a/x.pcap", "/a/x.pcap"]
    assert choose_names(["a\n\x1b[2J.pcap"]) == ["a\\n\\x1b[2J.pcap"]


def test_names_are_cut_where_a_terminal_is_narrow_and_still_differ() -> None:
    rotated = [f"a-rather-long-name-of-a-capture.pcap.{number:05d}" for number in range(3)]
    assert choose_names(rotated, 20) == [f"..capture.pcap.{number:05d}" for number in range(3)]
    assert choose_names(["a-rather-long-name.pcap", "short"], 12) == ["a-rather-l..", "short"]
