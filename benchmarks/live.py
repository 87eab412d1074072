"""Captures load on loopback in several ways and counts what each one gets, what it loses and what it costs.

First the ways to read packets, one after another: the ring of `aurora-wire watch`, libpcap through ctypes, a plain
recv loop, scapy. Then `aurora-wire watch -w` beside `tcpdump -w`, at the same time, over the same load. Prints
Markdown. Needs root, tcpdump and, for the rows that use them, libpcap and scapy: `python benchmarks/live.py`.
"""

import argparse
import ctypes
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from traffic import mysql

from aurora_wire import compiled
from aurora_wire.capture.live.bpf import attach, build_program, port_filter
from aurora_wire.capture.live.ring import LiveCapture

HERE = Path(__file__).resolve()
PORT = 13306
GREETING = mysql.greeting(Random(1), mysql.SERVERS[1], 11)
LOGIN = mysql.login(Random(1), mysql.SERVERS[1], mysql.CLIENT_BASE, "app")
OK = mysql.packets([mysql.ok(1)], 1)
ROW = b"value of a column, "


def query(number: int) -> bytes:
    text = b"\x03INSERT INTO orders (id, customer, total) VALUES (%d, 'someone', 12.50)" % number
    return len(text).to_bytes(3, "little") + b"\0" + text


def result(size: int) -> bytes:
    body = (ROW * (size // len(ROW) + 1))[:size]
    return len(body).to_bytes(3, "little") + b"\1" + body if size else OK


def load(port: int, seconds: float, connections: int, size: int) -> int:
    """Clients and servers in processes of their own, question and answer; returns the number of round trips."""
    answer = result(size)
    listener = socket.create_server(("127.0.0.1", port), backlog=connections)
    pipes, children = [], []
    for _ in range(connections):
        child = os.fork()
        if child == 0:
            served, _ = listener.accept()
            served.sendall(GREETING)
            served.recv(4096)
            served.sendall(OK)
            while served.recv(4096):
                served.sendall(answer)
            os._exit(0)
        children.append(child)
    for _ in range(connections):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            asking = socket.create_connection(("127.0.0.1", port))
            asking.recv(4096)
            asking.sendall(LOGIN)
            asking.recv(4096)
            count, end = 0, time.monotonic() + seconds
            while time.monotonic() < end:
                for _ in range(50):
                    asking.sendall(query(count))
                    left = len(answer)
                    while left > 0:
                        left -= len(asking.recv(1 << 20))
                    count += 1
            os.write(writing, str(count).encode())
            asking.close()
            os._exit(0)
        os.close(writing)
        pipes.append(reading)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    listener.close()
    return sum(int(os.read(pipe, 64)) for pipe in pipes)


# Ways to read. Each answers (packets, drops) and stops at `end` or when told.

Reader = Callable[[int, float], tuple[int, int | None]]


def ring(port: int, end: float) -> tuple[int, int | None]:
    with LiveCapture(["lo"], port_filter([port])) as capture:
        source = capture.source
        while time.monotonic() < end:
            while source.advance():
                pass
            capture.wait(0.1)
        return source.count, capture.statistics().dropped


def recv_loop(port: int, end: float) -> tuple[int, int | None]:
    reading = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    attach(reading, build_program(port_filter([port])))
    reading.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    reading.bind(("lo", 3))
    reading.settimeout(0.1)
    count = 0
    while time.monotonic() < end:
        try:
            reading.recv(65536)
            count += 1
        except TimeoutError:
            pass
    return count, int.from_bytes(reading.getsockopt(263, 6, 8)[4:], sys.byteorder)


def libpcap(port: int, end: float) -> tuple[int, int | None]:
    library = ctypes.CDLL("libpcap.so.0.8")
    error = ctypes.create_string_buffer(256)
    library.pcap_create.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(library.pcap_create(b"lo", error))
    library.pcap_set_snaplen(handle, 262144)
    library.pcap_set_timeout(handle, 60)
    library.pcap_set_buffer_size(handle, 64 << 20)
    assert library.pcap_activate(handle) >= 0
    program = (ctypes.c_uint64 * 2)()
    library.pcap_compile(handle, program, b"tcp port %d" % port, 1, 0xFFFFFFFF)
    library.pcap_setfilter(handle, program)
    library.pcap_setnonblock(handle, 1, error)  # else it waits for a packet beyond any end
    header, data = ctypes.POINTER(ctypes.c_uint32)(), ctypes.c_void_p()
    count = 0
    while time.monotonic() < end:
        if library.pcap_next_ex(handle, ctypes.byref(header), ctypes.byref(data)) == 1:
            ctypes.string_at(data, header[4])  # struct pcap_pkthdr: two longs, then caplen
            count += 1
        else:
            time.sleep(0.001)
    counted = (ctypes.c_uint * 3)()
    library.pcap_stats(handle, counted)
    return count, counted[1]


def scapy(port: int, end: float) -> tuple[int, int | None]:
    from scapy.sendrecv import AsyncSniffer  # noqa: PLC0415 - may be missing, and slows the others

    count = 0

    def seen(_: object) -> None:
        nonlocal count
        count += 1

    sniffer = AsyncSniffer(iface="lo", filter=f"tcp port {port}", store=False, prn=seen)
    sniffer.start()
    time.sleep(max(0, end - time.monotonic()))
    sniffer.stop()
    return count, None


READERS: dict[str, tuple[str, Reader]] = {
    "ring": ("memory-mapped ring (TPACKET_V3)", ring),
    "libpcap": ("libpcap, pcap_next_ex by ctypes", libpcap),
    "recv": ("recv loop on AF_PACKET", recv_loop),
    "scapy": ("scapy's sniff", scapy),
}


def read_with(name: str, port: int, seconds: float) -> None:
    """In a process of its own: prints JSON."""
    begun = time.process_time()
    packets, drops = READERS[name][1](port, time.monotonic() + seconds)
    print(json.dumps({"packets": packets, "drops": drops, "cpu": time.process_time() - begun}))


def compare_readers(seconds: float, connections: int) -> None:
    print("| way to read | packets | per CPU second | lost |\n|---|---:|---:|---:|")
    for name, (words, _) in READERS.items():
        child = subprocess.Popen(
            [sys.executable, str(HERE), "--reader", name, "--seconds", str(seconds + 3)], stdout=subprocess.PIPE
        )
        time.sleep(1.5)
        load(PORT, seconds, connections, 0)
        out, _ = child.communicate(timeout=seconds + 60)
        try:
            told = json.loads(out)
        except ValueError:
            print(f"| {words} | not available | | |")
            continue
        lost = "not told" if told["drops"] is None else f"{told['drops']:,}"
        print(f"| {words} | {told['packets']:,} | {told['packets'] / max(told['cpu'], 1e-3):,.0f} | {lost} |")


def slap(port: int, socket_path: str, seconds: float, connections: int) -> int:
    """mariadb-slap against a real server, over TCP and in the clear; returns the number of statements."""
    table = "shop.aw_slap"
    made = f"CREATE TABLE {table} (id INT PRIMARY KEY AUTO_INCREMENT, note VARCHAR(200)) ENGINE=MEMORY"
    as_root = ["mariadb", "--no-defaults", "-uroot", f"--socket={socket_path}", "-e"]
    queries = f"SELECT * FROM {table} WHERE id = 1; INSERT INTO {table} (note) VALUES ('a note of some length')"
    subprocess.run([*as_root, f"CREATE OR REPLACE {made[7:]}"], check=True, timeout=60)
    count, end = 0, time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            subprocess.run(
                ["mariadb-slap", "--no-defaults", "--protocol=tcp", "--host=127.0.0.1", f"--port={port}", "-uapp",
                 "--skip-ssl", "--create-schema=shop", f"--concurrency={connections}", "--delimiter=;",
                 "--number-of-queries=20000", f"--query={queries}", "--silent"],
                env={**os.environ, "MYSQL_PWD": os.environ.get("SLAP_PASSWORD", "")}, check=True, timeout=60,
            )  # fmt: skip
            count += 20000
    finally:
        subprocess.run([*as_root, f"DROP TABLE {table}"], check=True, timeout=60)
    return count


def beside_tcpdump(port: int, words: str, run: Callable[[], int]) -> None:
    """Both capture while `run` makes its load; prints a row."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        ours, theirs, told = (Path(folder) / name for name in ("watch.pcapng", "tcpdump.pcap", "told.jsonl"))
        with told.open("wb") as lines:
            dump = subprocess.Popen(
                ["tcpdump", "-i", "lo", "-B", "65536", "-s", "0", "-w", str(theirs), f"tcp port {port}"],
                stderr=subprocess.PIPE,
            )  # fmt: skip
            watch = subprocess.Popen(
                [sys.executable, "-m", "aurora_wire", "watch", "-i", "lo", "--port", str(port), "-w", str(ours),
                 "--format", "jsonl", "--window", "1"], stdout=lines,
            )  # fmt: skip
        try:
            time.sleep(3)
            begun = time.monotonic()
            trips = run()
            taken = time.monotonic() - begun
            time.sleep(1)
        finally:
            watch.send_signal(signal.SIGINT)
            dump.send_signal(signal.SIGINT)
            _, said = dump.communicate(timeout=60)
            _, status, usage = os.wait4(watch.pid, 0)
            watch.returncode = os.waitstatus_to_exitcode(status)
        with told.open("rb") as lines:
            [capture] = [json.loads(line) for line in lines if line.startswith(b'{"type": "capture"')]
        numbers = [int(n) for n in re.findall(rb"(\d+) packets (?:captured|received|dropped)", said)]
        print(
            f"| {words} | {trips / taken:,.0f}/s | {numbers[0]:,} | {numbers[-1]:,} | {capture['packets']:,} "
            f"| {capture['dropped_packets']:,} | {(usage.ru_utime + usage.ru_stime) / taken:.0%} "
            f"| {usage.ru_maxrss / 1024:,.0f} MiB |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=5.0, help="of load for each row (default 5)")
    parser.add_argument("--connections", type=int, default=4, help="at the same time (default 4)")
    parser.add_argument("--slap-port", type=int, help="of a MariaDB server for mariadb-slap (SLAP_PASSWORD: of app)")
    parser.add_argument("--slap-socket", help="its socket, to tidy up as root")
    parser.add_argument("--only", choices=("readers", "tcpdump"))
    arguments = parser.parse_args()
    if arguments.reader:
        read_with(arguments.reader, PORT, arguments.seconds)
        return
    if os.geteuid() != 0:
        sys.exit("needs root, to capture")
    print(f"{os.cpu_count()} cores for load, tcpdump and us; core {'compiled' if compiled() else 'interpreted'}\n")
    if arguments.only != "tcpdump":
        compare_readers(arguments.seconds, arguments.connections)
        print()
    if arguments.only != "readers":
        print(
            "| load | statements | tcpdump: packets | lost | watch: packets | lost | watch: CPU | memory |\n"
            "|---|---:|---:|---:|---:|---:|---:|---:|"
        )
        seconds, connections = arguments.seconds, arguments.connections
        if arguments.slap_socket:
            port, path = arguments.slap_port, arguments.slap_socket
            beside_tcpdump(port, "mariadb-slap", partial(slap, port, path, seconds, connections))
        for size in (0, 1400, 60_000):
            words = f"answers of {size:,} bytes" if size else "answered with OK"
            beside_tcpdump(PORT, words, partial(load, PORT, seconds, connections, size))
    print(f"\nLargest child: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:,.0f} MiB")


if __name__ == "__main__":
    main()
