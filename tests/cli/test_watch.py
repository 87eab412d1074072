"""`aurora-wire watch` on the loopback: what it tells, how it ends, what it leaves."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import COMMAND, ENVIRONMENT, run
from tests.cli.watching import (
    SECONDS,
    Watching,
    of_type,
    owner_and_mode,
    read_until,
    with_full_disk,
    without_the_right_to_capture,
)
from tests.loopback import Server, ip, needs_root, pair_of_interfaces, until

INSERT = b"INSERT INTO cards VALUES ('4111 1111')"


@pytest.fixture(autouse=True)
def _root() -> None:
    needs_root()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def watching(server: Server, *more: str, **others: object) -> Watching:
    return Watching("-i", "lo", "--port", str(server.port), *more, **others)  # type: ignore[arg-type]


def test_a_leak_is_told_as_it_passes_and_the_end_is_the_summary_of_a_scan(server: Server) -> None:
    with watching(server) as watch:
        begun = watch.first
        server.query(INSERT)
        watch.until_told(b"LEAK")  # the verdict by the login comes before it, where the two are not captured at once
        told = watch.first.decode().splitlines(keepends=True)
        code, out, error = watch.end()
    # Where the server is late, bare ACKs come before its answers: three at most.
    assert re.fullmatch(
        rf"\d\d:\d\d:\d\d\.\d{{6}}Z  connection 1, app@127\.0\.0\.1:\d+ to 127\.0\.0\.1:{server.port}, "
        rf"frame (?:9|1[0-2]): LEAK COM_QUERY  {re.escape(INSERT.decode())}\n", told[-1],
    )  # fmt: skip
    assert begun.decode() == f"watching lo: tcp and (port {server.port})\n"
    assert "app@127.0.0.1" in out
    assert ": PLAINTEXT (proven)\n" in out
    assert "Read 1 capture: " in out
    assert out.splitlines()[-1].startswith("PLAINTEXT (proven): 1 of 1 MySQL connection in the clear")
    assert (code, error) == (1, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_cleanly_and_an_encrypted_session_is_proven(number: int) -> None:
    with Server(tls=True) as server, watching(server, "--format", "jsonl", "--window", "0.2") as watch:
        server.query(INSERT)
        watch.until_all_told(b'"verdict": "encrypted"', b'"type": "status"')
        code, lines = watch.end_with_lines(number)
    assert code == 0
    verdicts = [(line["verdict"], line["confidence"]) for line in of_type(lines, "verdict")]
    assert verdicts[-1] == ("encrypted", "proven")
    assert of_type(lines, "statement") == []
    assert of_type(lines, "connection")[0]["verdict"] == "encrypted"
    assert of_type(lines, "status")[-1]["dropped_packets"] == 0
    assert lines[0] == {"type": "started", "interface": "lo", "filter": f"tcp and (port {server.port})"}
    assert lines[-1]["type"] == "summary"
    assert (lines[-1]["verdict"], lines[-1]["confidence"]) == ("encrypted", "proven")


def test_a_verdict_is_told_again_where_it_changes(server: Server) -> None:
    with watching(server, "--format", "jsonl") as watch, server.connect() as asking:
        asking.sendall(b"\x0d\x00\x00\x00\x03SELECT 'one'"[: 4 + 13])
        watch.until_told(b'"verdict": "plaintext"')
        code, lines = watch.end_with_lines()
    told = of_type(lines, "verdict")
    assert told[-1]["verdict"] == "plaintext"
    assert not told[-1]["closed"] or len(told) > 1
    assert code == 1


def test_count_and_duration_end_it(server: Server) -> None:
    with watching(server, "--count", "12", "--format", "jsonl") as watch:
        server.query(*[INSERT] * 20)
        _, lines = watch.end_with_lines(None)
    assert of_type(lines, "capture")[0]["packets"] == 12
    with watching(server, "--duration", "0.3") as watch:
        code, out, _ = watch.end(None)
    assert code == 3
    assert "NO PACKETS: There are no packets to judge. Was it the right interface" in " ".join(out.split())


def test_the_file_holds_every_packet_and_wireshark_says_the_same(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "evidence.pcapng"
    with watching(server, "-w", str(path), "--format", "jsonl") as watch:
        server.query(INSERT, b"x" * 300_000)
        watch.until_told(b'"type": "statement"', 2)
        _, lines = watch.end_with_lines()
    capture = of_type(lines, "capture")[0]
    assert capture["dropped_packets"] == 0
    shown = subprocess.run(["capinfos", str(path)], capture_output=True, check=True, timeout=SECONDS).stdout.decode()
    assert f"Number of packets:   {capture['packets']}" in shown
    assert "Capture application: aurora_wire " in shown
    assert "Capture comment:     Recorded live by aurora_wire " in shown
    assert "Name = lo" in shown
    assert f"Filter string = tcp and (port {server.port})" in shown
    assert "Number of stat entries = 1" in shown
    queries = subprocess.run(
        ["tshark", "-r", str(path), "-d", f"tcp.port=={server.port},mysql", "-T", "fields", "-e", "frame.number",
         "-e", "mysql.query", "-Y", "mysql.query"],
        capture_output=True, check=True, timeout=SECONDS,
    ).stdout.decode().splitlines()  # fmt: skip
    told = of_type(lines, "statement")
    assert queries[0] == f"{told[0]['frame']}\t{INSERT.decode()}"
    assert len(queries) == len(told) == 2
    again = json.loads(run("scan", "--port", str(server.port), "--format", "json", str(path)).stdout)
    assert again["captures"][0]["dropped_packets"] == 0
    live = of_type(lines, "connection")
    assert [one.pop("type") for one in live] == ["connection"]
    assert [{**one, "statements": []} for one in again["connections"]] == [{**one, "statements": []} for one in live]


def test_a_file_that_is_there_is_never_overwritten(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "evidence.pcapng"
    path.write_bytes(b"old")
    (tmp_path / "link.pcapng").symlink_to(tmp_path / "elsewhere")
    for name in ("evidence.pcapng", "link.pcapng"):
        done = run("watch", "-i", "lo", "-w", str(tmp_path / name), "--duration", "1")
        assert done.returncode == 4
        said = f"{tmp_path / name}: is there already. Give another name, or --force to replace it."
        assert done.stderr.decode() == f"aurora-wire: {said}\n"
    assert path.read_bytes() == b"old"
    assert not (tmp_path / "elsewhere").exists()


def test_what_a_filter_leaves_out_is_not_told_and_takes_no_part_in_the_verdict(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "all.pcapng"
    with watching(server, "--user", "nobody", "--format", "jsonl", "-w", str(path)) as watch:
        server.query(INSERT)
        until(lambda: INSERT in path.read_bytes(), "the recording")
        code, lines = watch.end_with_lines()
    assert code == 3
    assert not [one for one in lines if one["type"] in ("statement", "connection", "verdict")]
    assert lines[-1]["filters"] == {"options": {"user": "nobody"}, "connections_left_out": 1}
    assert run("scan", "--quiet", str(path)).returncode == 1  # all was recorded


def test_what_was_recorded_is_told_with_its_hash(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "evidence.pcapng"
    path.write_bytes(b"old")
    with watching(server, "-w", str(path), "--force") as watch:
        server.query(INSERT)
        watch.until_told(b"LEAK")
        code, out, _ = watch.end()
    data = path.read_bytes()
    said = f"recorded in {path}: {len(data):,} bytes, sha256 {hashlib.sha256(data).hexdigest()}"
    assert (code, said in out.splitlines()) == (1, True)


def test_minus_is_a_capture_on_standard_output_and_words_on_standard_error(server: Server) -> None:
    process = subprocess.Popen(
        [*COMMAND, "watch", "-i", "lo", "--port", str(server.port), "-w", "-"], env=ENVIRONMENT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith(b"watching lo: ")
        server.query(INSERT)
        assert b"LEAK COM_QUERY" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        capture, words = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert f"recorded in standard output: {len(capture):,} bytes".encode() in words
    assert hashlib.sha256(capture).hexdigest().encode() in words
    done = subprocess.run([*COMMAND, "scan", "--quiet", "-"], input=capture, env=ENVIRONMENT, capture_output=True,
                          timeout=SECONDS, check=False)  # fmt: skip
    assert (done.returncode, done.stdout[:19]) == (1, b"PLAINTEXT (proven):")


def test_a_full_disk_is_told_at_once_and_the_verdicts_go_on(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "evidence.pcapng"
    with watching(server, "-w", str(path), prepare=with_full_disk) as watch:
        server.query(*[INSERT] * 300)
        assert watch.process.stderr is not None
        told = watch.process.stderr.readline().decode()
        server.query(b"SELECT 'still there'")
        watch.until_told(b"still there")
        code, out, error = watch.end()
    assert told.startswith(f"aurora-wire: {path}: file too large. It ends with its last whole packet, ")
    assert told.endswith("later ones are not in it. The capture goes on.\n")
    assert error == ""
    assert code == 4
    assert "SELECT 'still there'" in out
    assert "PLAINTEXT (proven): 2 of 2" in out
    assert 15_000 < path.stat().st_size <= 20_000
    scanned = run("scan", "--port", str(server.port), "--format", "json", str(path))
    assert json.loads(scanned.stdout)["captures"][0]["complete"]


def test_lost_packets_are_in_the_result(server: Server) -> None:
    with watching(server, "--format", "jsonl") as watch:
        watch.process.send_signal(signal.SIGSTOP)
        for _ in range(30):
            server.query(b"x" * 4_000_000)
        watch.process.send_signal(signal.SIGCONT)
        watch.until_told(b'"type": "statement"')
        _, lines = watch.end_with_lines()
    capture = of_type(lines, "capture")[0]
    assert capture["dropped_packets"] > 0
    assert "the interface dropped" in lines[-1]["closing"]
    assert [line for line in of_type(lines, "finding") if line["title"].lower().find("drop") >= 0]


def test_a_reader_that_waits_costs_no_packet_of_the_recording(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "evidence.pcapng"
    with watching(server, "-w", str(path), "--format", "jsonl") as watch:
        for _ in range(40):
            server.query(*[INSERT] * 50)  # more lines than a pipe holds, and nobody reads them
        size = 0
        until(lambda: path.stat().st_size > 40 * 50 * 2 * 100, "the recording")
        size = path.stat().st_size
        assert size > 0
        _, lines = watch.end_with_lines()
    assert len(of_type(lines, "statement")) == 2000
    assert of_type(lines, "capture")[0]["dropped_packets"] == 0


def test_a_reader_that_goes_ends_it_and_the_recording_is_whole(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "evidence.pcapng"
    with watching(server, "-w", str(path)) as watch:
        assert watch.process.stdout is not None
        watch.process.stdout.close()
        server.query(INSERT)
        assert watch.process.wait(SECONDS) == 1
        assert watch.process.stderr is not None
        assert watch.process.stderr.read() == b""
        watch.process.stderr.close()
        watch.process.stdout = watch.process.stderr = None
    assert run("scan", str(path)).returncode == 1


def test_rotation_makes_whole_files_in_a_folder_that_only_root_may_write_to(server: Server, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    path = tmp_path / "evidence.pcapng"
    with watching(server, "-w", str(path), "--rotate", "10K", "--format", "jsonl") as watch:
        for _ in range(5):
            server.query(*[INSERT] * 50)
            watch.until_told(b'"type": "statement"', 50)
        _, lines = watch.end_with_lines()
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files][:2] == ["evidence.00001.pcapng", "evidence.00002.pcapng"]
    assert len(files) > 3
    assert {owner_and_mode(file) for file in files} == {(65534, 65534, "0o600")}
    scanned = json.loads(run("scan", "--format", "json", *map(str, files)).stdout)
    assert sum(capture["packets"] for capture in scanned["captures"]) == of_type(lines, "capture")[0]["packets"]
    assert all(capture["dropped_packets"] == 0 for capture in scanned["captures"])
    assert scanned["by_verdict"] == {"plaintext": 5}


def test_a_ring_of_files_keeps_the_newest(server: Server, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    path = tmp_path / "evidence.pcapng"
    with watching(server, "-w", str(path), "--rotate", "10K", "--keep", "2", "--format", "jsonl") as watch:
        for number in range(5):
            server.query(*[INSERT] * 50)
            until((tmp_path / f"evidence.{number + 1:05d}.pcapng").exists, "the next file")
        watch.end_with_lines()
    files = sorted(file.name for file in tmp_path.iterdir())
    assert len(files) == 2
    assert files[0] > "evidence.00003.pcapng"
    assert run("scan", *(str(tmp_path / name) for name in files)).returncode == 1
    assert {owner_and_mode(file) for file in tmp_path.iterdir()} == {(65534, 65534, "0o600")}


def test_an_interface_that_goes_away_ends_it_with_one_line(tmp_path: Path) -> None:
    path = tmp_path / "evidence.pcapng"
    with pair_of_interfaces() as (ours, theirs), Watching("-i", theirs, "-w", str(path)) as watch:
        ip("link", "del", ours)
        code, _, error = watch.end(None)
    assert error == f"aurora-wire: {theirs}: the interface is gone.\n"
    assert code == 3
    assert run("scan", str(path)).returncode == 3


def test_without_the_right_to_capture_one_line_shows_three_ways_out() -> None:
    done = subprocess.run(
        [*COMMAND, "watch", "-i", "lo", "-w", "it's.pcapng"], capture_output=True, env=ENVIRONMENT,
        timeout=SECONDS, check=False, preexec_fn=without_the_right_to_capture,
    )  # fmt: skip
    [line] = done.stderr.decode().splitlines()
    assert done.returncode == 2
    assert line.startswith("aurora-wire: lo: no permission to capture. Either: sudo /")
    assert """ watch -i lo -w 'it'"'"'s.pcapng'. """ in line
    assert "sudo setcap cap_net_raw+ep /" in line
    assert line.endswith("aurora-wire relay --listen 127.0.0.1:3307 --to HOST:3306")
    assert not Path("it's.pcapng").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-i", "nosuch0"], "nosuch0: no interface has this name. Known: "),
        (["--filter", "tcp prt 1"], "--filter: "),
        (["--rotate", "1M"], "--rotate needs the name of a file, -w FILE."),
        (["--rotate", "much", "-w", "x"], "argument --rotate: 'much' is not a size, such as 100M."),
        (["--count", "0"], "argument --count: '0' is not a number of packets."),
        (["--duration", "nan"], "argument --duration: 'nan' is not a number of seconds, nor a time such as 5m."),
        (["--keep", "2", "-w", "x"], "--keep needs files that follow each other, --rotate SIZE."),
        (["--host", "nosuch.invalid"], "nosuch.invalid: "),
    ],
)
def test_wrong_use_is_told_in_one_line(arguments: list[str], said: str) -> None:
    done = run("watch", *arguments)
    [line] = done.stderr.decode().splitlines()
    assert line.startswith(f"aurora-wire: {said}")
    assert done.returncode == 2


def test_hosts_and_expressions_choose_what_is_captured(server: Server) -> None:
    with Watching("--host", "127.0.0.1", "--port", str(server.port), "--format", "jsonl") as watch:
        server.query(INSERT)
        watch.until_told(b'"type": "statement"')
        code, lines = watch.end_with_lines()
    assert lines[0]["interface"] == "lo"
    assert code == 1
    with Watching("--filter", f"host 127.0.0.1 and port {server.port}", "--format", "jsonl") as watch:
        server.query(INSERT)
        watch.until_told(b'"type": "statement"')
        code, lines = watch.end_with_lines()
    assert lines[0]["interface"] == "all interfaces"
    assert len(of_type(lines, "statement")) == 1
    assert code == 1


def test_quiet_prints_the_closing_sentence_only(server: Server) -> None:
    with Watching("-i", "lo", "--port", str(server.port), "--quiet", "--duration", "1.5") as watch:
        pass
    assert watch.first.startswith(b"NO PACKETS: ")


def test_redact_masks_what_is_told_and_what_is_summed_up(server: Server) -> None:
    for form in ("text", "jsonl"):
        with watching(server, "--redact", "--format", form) as watch:
            server.query(INSERT)
            watch.until_told(b"INSERT INTO cards")
            _, out, _ = watch.end()
        assert "INSERT INTO cards" in out
        assert "4111" not in out


def test_on_a_terminal_there_is_a_screen_and_nothing_from_the_wire_acts_on_it(server: Server) -> None:
    ours, theirs = pty.openpty()
    command = [*COMMAND, "watch", "-i", "lo", "--port", str(server.port), "--window", "5"]
    environment = {**ENVIRONMENT, "TERM": "xterm-256color", "COLUMNS": "150", "LINES": "40"}
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs, env=environment)
    os.close(theirs)
    try:
        shown = read_until(ours, b"no MySQL connection yet")
        server.query(b"SELECT '\x1b]0;title\x07 [red]not red[/red] \xe2\x80\xae'")
        shown += read_until(ours, b"[red]not red[/red]")
        assert b"1 statement in the clear" in shown
        assert b"PLAINTEXT (proven)" in shown
        assert b"\x1b]0;title" not in shown
        assert b"\\x1b]0;title\\x07" in shown
        assert "\u202e".encode() not in shown
        process.send_signal(signal.SIGINT)
        read_until(ours, b"1 of 1 MySQL connection in the clear")
        assert process.wait(SECONDS) == 1
    finally:
        process.kill()
        process.wait(SECONDS)
        os.close(ours)


def test_what_is_known_gives_no_1(server: Server, tmp_path: Path) -> None:
    rules = ("AW101", "AW102", "AW104", "AW109", "AW201", "AW202")
    known = [f"{rule}:127.0.0.1 2099-12-31 a test of ours" for rule in rules]
    with watching(server, *(word for one in known for word in ("--ignore", one))) as watch:
        server.query(INSERT)
        code, out, error = watch.end()
    assert (code, error) == (0, ""), out
    (tmp_path / "aurora-wire.toml").write_text(f"ignore = {known!r}\nfail-on = ['info']\n")
    with watching(server, cwd=tmp_path) as watch:
        server.query(INSERT)
        code, out, error = watch.end()
    assert (code, error) == (0, ""), out
    done = subprocess.run([*COMMAND, "watch", "--fail-on", "AW999"], capture_output=True, check=False, env=ENVIRONMENT)
    assert (done.returncode, b"'AW999' is neither a severity" in done.stderr) == (2, True)
