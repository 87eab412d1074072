"""Times `aurora-wire probe`: one server, many hosts at once, and other programs on the same server. Prints Markdown.

    python benchmarks/probe.py [--hosts 500]

Everything is on the loopback. The many hosts are addresses of 127.0.0.0/8 behind one process, which answers MySQL's
greeting and the first flight of TLS from ready bytes after a millisecond, serves a bounded number of connections and
ends by itself. The other programs are asked about a real MariaDB, if the one of the tests is here.
"""

import argparse
import asyncio
import multiprocessing
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).resolve().parents[1]
DELAY = 0.001            # seconds before an answer: a LAN
MOST_SECONDS = 300.0     # that the server lives
AT_A_TIME = 64           # hosts, by aurora-wire itself
ONE_BAR, MANY_BAR = 3.0, 60.0    # seconds that a probe of one host, and of 500, may take
SUITES_13 = (0x1301, 0x1302, 0x1303)
SUITES_12 = (0xC02B, 0xC02C, 0xCCA9)
GROUPS = (0x001D, 0x0017)
GREETING = (
    b"\x0a8.4.3\0" + struct.pack("<I", 7) + b"abcdefgh\0\xff\xff\x2d\x02\0\xff\xdf\x15" + bytes(10)
    + b"ijklmnopqrst\0caching_sha2_password\0"
)


def certificate() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=300))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return made.public_bytes(serialization.Encoding.DER)


def record(kind: int, body: bytes) -> bytes:
    return struct.pack(">BHH", kind, 0x0303, len(body)) + body


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


class Answers:
    """What a server says to a ClientHello, from ready bytes: no key is ever used."""

    def __init__(self, der: bytes) -> None:
        entry = len(der).to_bytes(3, "big") + der
        self.certificate = message(11, len(entry).to_bytes(3, "big") + entry)

    def to(self, hello: bytes) -> bytes:
        at = 5 + 4 + 2 + 32
        at += 1 + hello[at]
        size = int.from_bytes(hello[at : at + 2], "big")
        suites = struct.unpack(f">{size // 2}H", hello[at + 2 : at + 2 + size])
        extensions = self.extensions(hello, at + 2 + size + 2)
        new = 43 in extensions
        version = 0x0304 if new else int.from_bytes(hello[9:11], "big")
        listed = extensions.get(10, b"\0\0")[2:]
        groups = struct.unpack(f">{len(listed) // 2}H", listed)
        suite = next((each for each in (SUITES_13 if new else SUITES_12) if each in suites), 0)
        group = next((each for each in GROUPS if each in groups), 0)
        if version < 0x0303:
            return record(21, b"\x02\x46")
        if not suite or not group:
            return record(21, b"\x02\x28")
        if new:
            retry = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
            more = struct.pack(">HHHHHH", 43, 2, 0x0304, 51, 2, group)
            body = b"\x03\x03" + retry + b"\0" + struct.pack(">HBH", suite, 0, len(more)) + more
            return record(22, message(2, body))
        hello_done = message(2, b"\x03\x03" + bytes(32) + b"\0" + struct.pack(">HB", suite, 0)) + self.certificate
        hello_done += message(12, b"\x03" + struct.pack(">H", group) + b"\x01\x04" + b"\x04\x03\0\0") + message(14, b"")
        return record(22, hello_done)

    @staticmethod
    def extensions(hello: bytes, at: int) -> dict[int, bytes]:
        found = {}
        at += 2
        while at + 4 <= len(hello):
            kind, size = struct.unpack(">HH", hello[at : at + 4])
            found[kind] = hello[at + 4 : at + 4 + size]
            at += 4 + size
        return found


def serve(port: int, most: int, ready: Event, der: bytes) -> None:
    """Answer at most this many connections, and no longer than MOST_SECONDS."""
    answers = Answers(der)

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal most
        most -= 1
        with suppress(OSError, asyncio.IncompleteReadError):
            if most >= 0:
                await asyncio.sleep(DELAY)
                writer.write(len(GREETING).to_bytes(3, "little") + b"\0" + GREETING)
                await reader.readexactly(36)
                head = await reader.readexactly(5)
                hello = head + await reader.readexactly(int.from_bytes(head[3:], "big"))
                await asyncio.sleep(DELAY)
                writer.write(answers.to(hello))
                await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(one, "0.0.0.0", port, backlog=4096)
        async with server:
            ready.set()
            await asyncio.sleep(MOST_SECONDS)

    asyncio.run(run())


@contextmanager
def many_hosts(count: int) -> Iterator[list[str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ready = multiprocessing.Event()
    process = multiprocessing.Process(target=serve, args=(port, count * 60, ready, certificate()), daemon=True)
    process.start()
    try:
        ready.wait(30)
        yield [f"127.1.{number // 250}.{number % 250 + 1}:{port}" for number in range(count)]
    finally:
        process.kill()
        process.join()


def timed(command: list[str], **more: str) -> tuple[float, int, str]:
    """Seconds, peak memory in bytes, and standard output of a whole process."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as out, subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL, cwd=ROOT, env={**os.environ, **more}
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return time.perf_counter() - began, usage.ru_maxrss * 1024, out.read().decode(errors="replace")


def probe(hosts: list[str]) -> tuple[float, int, str]:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("\n".join(hosts))
        listed.flush()
        return timed([sys.executable, "-m", "aurora_wire", "probe", "--format", "jsonl", "--hosts", listed.name])


def peers() -> None:
    sys.path.insert(0, str(ROOT))
    from tests.real.certificates import Certificates  # noqa: PLC0415 - of the project's tests
    from tests.real.servers import MariaDB, NotThereError  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        try:
            server = MariaDB(Certificates(Path(folder)))
        except NotThereError as missing:
            print(f"\n{missing}")
            return
        try:
            server.start()
            port = str(server.port)
            commands = {
                "aurora-wire probe": [sys.executable, "-m", "aurora_wire", "probe", f"127.0.0.1:{port}"],
                "sslscan --starttls-mysql": ["sslscan", "--starttls-mysql", "--no-colour", f"127.0.0.1:{port}"],
                "nmap --script ssl-enum-ciphers": [
                    "nmap", "-Pn", "-sV", "--version-intensity", "0", "--script", "ssl-enum-ciphers", "-p", port,
                    "127.0.0.1",
                ],
                "testssl --starttls mysql (protocols, suites, certificate)": [
                    "testssl", "--starttls", "mysql", "--quiet", "--warnings", "off", "--protocols",
                    "--cipher-per-proto", "--server-defaults", f"127.0.0.1:{port}",
                ],
            }  # fmt: skip
            print(f"\n| on MariaDB {server.version} | seconds |\n|---|---|")
            for name, command in commands.items():
                if shutil.which(command[0]):
                    print(f"| `{name}` | {timed(command)[0]:.1f} |", flush=True)
        finally:
            server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=500, choices=range(1, 5001), metavar="N")
    parser.add_argument("--no-peers", action="store_true")
    arguments = parser.parse_args()
    print("| | seconds | bar | peak memory |\n|---|---|---|---|")
    with many_hosts(1) as hosts:
        seconds, memory, told = probe(hosts)
        asked = told.count('"status": "offered"') + told.count('"status":"offered"')
        assert asked == 2, told[:2000]
        name = f"one server, answers after {DELAY * 1000:g} ms"
        print(f"| {name} | {seconds:.2f} | {ONE_BAR:g} | {memory / 1e6:.0f} MB |", flush=True)
    with many_hosts(arguments.hosts) as hosts:
        seconds, memory, told = probe(hosts)
        assert len(told.splitlines()) == arguments.hosts
        assert told.count('"grade"') == arguments.hosts
        name = f"{arguments.hosts} hosts, {AT_A_TIME} at a time"
        print(f"| {name} | {seconds:.1f} | {MANY_BAR:g} | {memory / 1e6:.0f} MB |", flush=True)
    if not arguments.no_peers:
        peers()


if __name__ == "__main__":
    main()
