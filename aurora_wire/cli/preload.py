"""All that a command may need once its rights are given up: the interpreter's folder may be closed to it by then.

One list for all commands that give them up (`watch`, `relay`, `prove`, `demo`, `clients`): what is loaded late, by
us or by libraries, is loaded here, and what loads more when it is used is used once.
"""

from __future__ import annotations

import encodings
import io
import pkgutil
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aurora_wire.analysis.watch import ConnectionStatus
    from aurora_wire.verdict.result import Scan

MODULES: Final = (
    "asyncio", "calendar", "concurrent.futures.thread", "getpass", "linecache", "multiprocessing.connection", "pwd",
    "random", "runpy", "selectors", "shutil", "ssl", "stringprep", "subprocess", "tempfile", "textwrap", "traceback",
    "ctypes", "dataclasses", "logging", "pathlib", "urllib.parse",
    "unicodedata", "zipfile", "zlib", "lzma", "bz2", "compression.zstd", "backports.zstd", "lz4.frame",
    "email.parser", "email.message", "importlib.metadata", "http.client", "_strptime",
    "aurora_wire.analysis.scan", "aurora_wire.analysis.watch", "aurora_wire.zstd",
    "aurora_wire.cli.demo", "aurora_wire.cli.exit_codes", "aurora_wire.cli.formats", "aurora_wire.cli.outbox",
    "aurora_wire.cli.prove", "aurora_wire.cli.relay_session", "aurora_wire.cli.scan", "aurora_wire.cli.terminal",
    "aurora_wire.cli.watch_session",
    "aurora_wire.rights.file_helper", "aurora_wire.capture.live.ring", "aurora_wire.capture.live.recording",
    "aurora_wire.rights.new_files", "aurora_wire.capture.files.open", "aurora_wire.capture.relay.recording",
    "aurora_wire.prove.observe", "aurora_wire.prove.demo_server.mariadb", "aurora_wire.prove.drivers.registry",
    "aurora_wire.prove.run",
    "aurora_wire.prove.drivers.clients.pymysql", "aurora_wire.prove.drivers.clients.mysql",
    "aurora_wire.prove.drivers.clients.mariadb",
    "aurora_wire.prove.drivers.clients.connector_j", "aurora_wire.prove.drivers.clients.django",
    "aurora_wire.prove.drivers.clients.mysql2",
    "aurora_wire.prove.drivers.clients.connector_python",
    "aurora_wire.report.scan_json", "aurora_wire.report.scan_jsonl", "aurora_wire.report.live.lines",
    "aurora_wire.report.live.screen", "aurora_wire.report.prove_json", "aurora_wire.report.text.prove",
    "aurora_wire.report.prove_markdown", "aurora_wire.report.html.matrix",
    "aurora_wire.report.text.report", "aurora_wire.verdict.describe", "aurora_wire.decrypt.record_ciphers",
    "aurora_wire.decrypt.decryptor",
    "rich.console", "rich.live", "rich.table",
    "cryptography.hazmat.primitives.ciphers.aead", "cryptography.hazmat.primitives.ciphers.algorithms",
    "cryptography.hazmat.primitives.ciphers.modes", "cryptography.hazmat.primitives.kdf.hkdf",
    "cryptography.hazmat.primitives.hmac", "cryptography.x509", "cryptography.x509.oid", "cryptography.utils",
    "cryptography.exceptions", "cryptography.hazmat.primitives.asymmetric.dsa",
    "cryptography.hazmat.primitives.asymmetric.ec", "cryptography.hazmat.primitives.asymmetric.rsa",
    "cryptography.hazmat.primitives.hashes", "aurora_wire.verdict.certificates",
    "aurora_wire.verdict.amazon_roots", "aurora_wire.verdict.servers", "aurora_wire.verdict.product",
    "aurora_wire.verdict.references", "aurora_wire.verdict.parties", "aurora_wire.verdict.sql_names",
    "aurora_wire.redact.secrets", "aurora_wire.capture.files.remote",
)  # fmt: skip

_done: list[bool] = []


def everything() -> None:
    """Load it, where it is installed; extras that are not are told of where they are needed."""
    if _done:
        return
    _done.append(True)
    for name in MODULES:
        with suppress(ImportError):
            import_module(name)
    for module in pkgutil.iter_modules(encodings.__path__):  # texts of the wire name their encoding
        with suppress(ImportError):
            import_module(f"encodings.{module.name}")
    for name in ("big5", "cp932", "euc_jp", "euc_kr", "gb18030", "idna", "latin_1", "utf_16_be"):
        with suppress(LookupError, UnicodeError):
            "\xe9".encode(name, "replace").decode(name, "replace")
    _open_tls()
    _show_live()


def _open_tls() -> None:
    from aurora_wire.errors import UsageError  # noqa: PLC0415 - not before it is asked for
    from aurora_wire.prove.observation import to_json  # noqa: PLC0415
    from aurora_wire.prove.observe import observe  # noqa: PLC0415
    from aurora_wire.prove.reassemble import Frame  # noqa: PLC0415

    keys = b"CLIENT_RANDOM " + b"00" * 32 + b" " + b"00" * 48
    with suppress(UsageError):
        to_json(observe([Frame(0, bytes(60), 60, 1)], "canary", keys, port=3306, how=""))


def _nowhere(_: str) -> None:
    pass


def _show_live() -> None:
    """Show all that can be shown once, to nobody: rich loads more as it goes."""
    from rich.console import Console  # noqa: PLC0415 - not before it is asked for

    from aurora_wire.analysis.watch import Status  # noqa: PLC0415
    from aurora_wire.report.live.lines import LiveJSONLines, TextLines, View  # noqa: PLC0415
    from aurora_wire.report.live.screen import LiveScreen  # noqa: PLC0415
    from aurora_wire.report.text import report as text  # noqa: PLC0415
    scan, standing = _example()
    lines = LiveJSONLines(_nowhere, redact=True)
    screen = LiveScreen(Console(file=io.StringIO(), force_terminal=True, width=100, height=40))
    screen.problem = screen.recording = "\xe9\u6f22"
    screen.start()
    views: list[View] = [lines, TextLines(_nowhere, redact=True), screen]
    connection = scan.connections[0]
    for view in views:
        view.started("lo", "tcp")
        view.statement(1, connection.statements[0])
        view.connection(connection, scan.findings)
        view.standing(standing, changed=True)
        view.status(Status(1, 1, 1, 1, 1, 1, 1))
    screen.refresh()
    screen.stop()
    lines.finish(scan)
    for _ in text.render(scan, color=True, redact=True):
        pass


def _example() -> tuple[Scan, ConnectionStatus]:
    """Return one of everything that a report shows."""
    from aurora_wire.analysis.watch import ConnectionStatus  # noqa: PLC0415
    from aurora_wire.verdict.result import (  # noqa: PLC0415 - not before it is asked for
        CaptureResult,
        ConnectionResult,
        Endpoint,
        Finding,
        Parameter,
        Reason,
        Scan,
        StatementResult,
        TLSResult,
        Undecoded,
    )

    here, there = Endpoint("::1", 1), Endpoint("127.0.0.1", 3306)
    statement = StatementResult("COM_QUERY", "SELECT 'é漢\x1b'".encode() + b"\xff", 1, 0, 0, 9, [Parameter("", b"1")])
    connection = ConnectionResult(
        1, here, there, "mixed", "likely", None, "MySQL", 1, 1, 0, 0, 1, [Reason("gap", "", 1, "client", 0)],
        user="é漢", attributes={"_a": "b", "c": "d"}, tls=TLSResult("TLSv1.3", "a"), statements=[statement],
        statements_total=2, commands={"COM_QUERY": 1},
    )  # fmt: skip
    finding = Finding("AW101", "high", "", 1, 1, 1, "")
    capture = CaptureResult(
        "lo", "live", None, None, 1, 1, 1, 0, 1, complete=False, error="", truncated_packets=1, dropped_packets=1,
        skipped={"ARP": 1},
    )  # fmt: skip
    scan = Scan(
        "mixed", "likely", [capture], [connection], 1, {"mixed": 1}, {"HTTP": 1}, [finding], {"AW101": 1},
        [Undecoded("", 1, "packets", 1, "")], "", [3306], "", 1,
    )  # fmt: skip
    standing = ConnectionStatus(1, here, there, "é漢", "mixed", "likely", "TLSv1.3", 1, 1, 1, 1, 1, 0, closed=True)
    return scan, standing
