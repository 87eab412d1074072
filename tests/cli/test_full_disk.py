"""On a full disk each command says which disk and which file, ends with 4, and leaves nothing half made.

The disk is a small tmpfs in a mount namespace of its own: it is gone with the process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import ENVIRONMENT

ROOMS = (0, 4, 8, 16, 40)      # kB left on it
COMMANDS: dict[str, list[str]] = {
    "create": ["evidence", "create", "CAPTURE", "-o", "OUT", "--no-progress"],
    "create-masked": ["evidence", "create", "CAPTURE", "-o", "OUT", "--redact-captures", "--no-progress"],
    "keygen": ["evidence", "keygen", "-o", "OUT"],
    "report": ["report", "CAPTURE", "-o", "OUT", "--no-progress"],
    "redact": ["redact", "CAPTURE", "OUT", "--no-progress"],
    "packets": ["packets", "-X", "CAPTURE", "-o", "OUT"],
    "packets-csv": ["packets", "--format", "csv", "CAPTURE", "-o", "OUT"],
    **{
        f"scan-{name}": ["scan", "CAPTURE", "-o", "OUT", "--format", name, "--no-progress"]
        for name in ("text", "json", "jsonl", "html", "markdown", "sarif", "junit", "csv", "csv:statements", "ocsf")
    },
    "scan-beside": ["scan", "CAPTURE", "--format", "json=OUT", "--no-progress"],
}  # fmt: skip

SCRIPT = """
import contextlib, io, json, os, subprocess, sys
from pathlib import Path
from aurora_wire.capture.files.pcapng_writer import PcapngWriter
from aurora_wire.cli.main import main
from aurora_wire.errors import OutputError

disk, capture, commands, rooms = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), json.loads(sys.argv[4])
if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], capture_output=True).returncode:
    sys.exit(77)
page = os.sysconf("SC_PAGESIZE")
told = []
for room in rooms:
    for name, words in commands.items():
        fill = disk / "fill"
        free = os.statvfs(disk)
        fill.write_bytes(bytes(free.f_bavail * free.f_frsize - room * 1024))
        out = disk / "out"
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
            if name == "watch":
                code = 0
                try:
                    with PcapngWriter(open(out, "wb", buffering=0), application="test", name=str(out)) as writer:
                        interface = writer.interface("lo", 1)
                        for _ in range(200):
                            writer.packet(interface, 0, bytes(1000), 1000)
                except OutputError as error:
                    code = error.exit_code
                    errors.write(str(error))
            else:
                code = main([word.replace("CAPTURE", capture).replace("OUT", str(out)) for word in words])
        left = sorted(one.name for one in disk.iterdir() if one != fill)
        told.append([name, room, code, errors.getvalue(), left])
        for one in disk.iterdir():
            one.unlink()
print(json.dumps(told), file=sys.__stdout__)
"""


def run_on_a_full_disk(shared: Path, tmp_path: Path, commands: dict[str, list[str]]) -> list[Any]:
    disk = tmp_path / "disk"
    disk.mkdir()
    capture = tmp_path / "night.pcap"
    capture.write_bytes((shared / "lab" / "mariadb-10.11" / "bare-cli-ssl.pcap").read_bytes())
    done = subprocess.run(
        ["unshare", "-m", sys.executable, "-B", "-c", SCRIPT, str(disk), str(capture), json.dumps(commands),
         json.dumps(ROOMS)],
        env=ENVIRONMENT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("a mount namespace of one's own is not allowed here")
    assert done.returncode == 0, done.stderr
    told: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_the_disk_and_the_file_are_named_and_nothing_is_left(shared: Path, tmp_path: Path) -> None:
    failed = set()
    disk = tmp_path / "disk"
    for name, room, code, said, left in run_on_a_full_disk(shared, tmp_path, COMMANDS):
        if code != 4:
            assert room > 0, (name, said)
            assert "out" in left, (name, room, said)
            continue
        failed.add(name)
        assert left == [], (name, room)
        last = said.splitlines()[-1]
        assert last.startswith(f"aurora-wire: {disk}/out: no space left on device: the disk at {disk} is full."), said
        assert "night.pcap: cannot" not in said
    assert failed == set(COMMANDS)


def test_a_recording_ends_with_a_whole_packet_and_names_the_disk(shared: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    for _, _, code, said, left in run_on_a_full_disk(shared, tmp_path, {"watch": []}):
        assert code == 4
        assert f"{disk}/out: no space left on device: the disk at {disk} is full. It ends with its last whole" in said
        assert left == ["out"]
