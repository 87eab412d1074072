"""TLS as OpenSSL speaks it with its key log, and scans that are given both."""

from __future__ import annotations

import importlib.util
import os
import ssl
from pathlib import Path

import pytest

import aurora_wire
from aurora_wire.decrypt.key_log import KeyLog
from aurora_wire.verdict.result import ConnectionResult, DecryptionResult, Scan
from tests.conversations import Conversation, Packet
from tests.conversations.judge import PORTS, explain, write
from tests.conversations.real_tls import Endpoint, Session


def need_cryptography() -> None:
    if importlib.util.find_spec("cryptography") is None:
        if os.environ.get("CI"):
            pytest.fail("cryptography is not installed, and in CI it has to be")
        pytest.skip("cryptography is not installed", allow_module_level=True)


class LoggedSession(Session):
    """Its client writes a key log, into `folder`."""

    def __init__(
        self,
        folder: Path,
        version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
        *,
        ciphers: str | None = None,
        options: int = 0,
        contexts_of: Session | None = None,
    ) -> None:
        super().__init__(version, ciphers=ciphers, contexts_of=contexts_of)
        self.path = folder / f"{len(list(folder.iterdir()))}.keys"
        self.path.touch()
        client, server = self.contexts
        client.keylog_filename = str(self.path)
        for context in (client, server):
            context.options |= options
        self.ends = {
            "client": Endpoint(client, server=False, session=self.ends["client"].tls.session),
            "server": Endpoint(server, server=True),
        }

    @property
    def keys(self) -> bytes:
        return self.path.read_bytes()


def scan_with(
    folder: Path,
    made: Conversation | list[Packet] | bytes,
    keys: bytes | None,
    *,
    ports: tuple[int, ...] = PORTS,
    name: str = "capture.pcap",
) -> Scan:
    """keys: None for none."""
    path = write(folder / name, made)
    log = KeyLog()
    if keys is not None:
        log.add(keys, "keys")
    return aurora_wire.scan([path], aurora_wire.ScanOptions(ports, keylogs=[] if keys is None else [log]))


def only(result: Scan) -> ConnectionResult:
    assert len(result.connections) == 1, explain(result)
    return result.connections[0]


def inside(result: Scan) -> DecryptionResult:
    connection = only(result)
    assert connection.tls is not None, explain(result)
    assert connection.tls.decrypted is not None, explain(result)
    return connection.tls.decrypted


def texts(decrypted: DecryptionResult) -> list[bytes]:
    return [statement.sql for statement in decrypted.statements]


def reasons(result: Scan) -> set[str]:
    return {reason.id for reason in only(result).reasons}
