"""Bundles for the tests: made by the command, taken apart and put together again as somebody with other aims would."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from aurora_wire.cli import main
from aurora_wire.evidence.zip_writer import write_archive
from tests.conversations import sessions
from tests.conversations.tcp import Conversation, pcap

Change = Callable[[dict[str, bytes]], None]

PLAIN = pcap(sessions.play(sessions.plaintext()).packets)
ENCRYPTED = pcap(sessions.play(sessions.tls13(), Conversation(client=("10.0.0.6", 41_000))).packets)
CAPTURE = "captures/001-plain.pcap"


def write_captures(folder: Path) -> None:
    (folder / "plain.pcap").write_bytes(PLAIN)
    (folder / "tls.pcap").write_bytes(ENCRYPTED)


def make(*options: str, beside: Sequence[str] = ()) -> dict[str, bytes]:
    """The files of a bundle of plain.pcap and tls.pcap of the current folder, written to case.zip. beside: results."""
    assert main(["evidence", "create", "plain.pcap", "tls.pcap", *beside, "-o", "case.zip", "--force", *options]) == 0
    return unpack(Path("case.zip"))


def unpack(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(files: Mapping[str, bytes], path: Path) -> None:
    """As bundles are packed."""
    created = datetime.fromisoformat(json.loads(files["manifest.json"])["created"])
    buffer = io.BytesIO()
    write_archive(buffer, files, created)
    path.write_bytes(buffer.getvalue())


def cover_up(files: dict[str, bytes]) -> None:
    """Manifest and sums made to fit, as far as anybody can who has no key."""
    manifest = json.loads(files["manifest.json"])
    listed = {one["name"] for one in manifest["files"]}
    skipped = ("signature/", "attestation", "SHA256SUMS", "manifest.json")
    for name, data in files.items():
        if not name.startswith(skipped):
            entry = {"name": name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            if name in listed:
                manifest["files"] = [entry if one["name"] == name else one for one in manifest["files"]]
            else:
                manifest["files"].append(entry)
    manifest["files"] = [one for one in manifest["files"] if one["name"] in files]
    files["manifest.json"] = json.dumps(manifest, indent=1, sort_keys=True).encode() + b"\n"
    files["SHA256SUMS"] = "".join(
        f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n"
        for name in sorted(files) if not name.startswith("SHA256SUMS")
    ).encode()
