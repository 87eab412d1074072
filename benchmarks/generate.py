"""Makes a big capture to measure with: the same seed gives the same bytes, and the truth about them as JSON.

In the standard one nine of ten packets are MySQL on port 3306, half of these under TLS after greeting and SSLRequest;
the rest is HTTP, HTTPS, DNS, ARP and ICMP. Others (`traffic/habits.py`) have other shares and habits. All numbers and
checksums are right, some segments come late or twice, one connection of eight is IPv6, several hundred are open at any
time, and each is there from SYN to FIN: fair to any analyzer. Where habits say so, connections have no end, or the
checksums are those of a host whose card fills them in.
"""

import argparse
import heapq
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from traffic import mysql, other
from traffic.capture_file import Pcap, Pcapng
from traffic.capture_file import Tunnel as Vxlan
from traffic.habits import HABITS, PACKETS, Habits
from traffic.tcp import Frame, Host, Session
from traffic.tls import Tunnel, certificate

SEED = 20150923
START = 1_700_000_000               # seconds since 1970: when the capture begins
IPV6_SHARE = 0.125
COMPRESSED_SHARE = 0.06             # of the MySQL connections in the clear

_FRAMES_A_WRITE = 4096


class Network:
    """Who talks to whom: clients with their next free port, servers with their next thread id."""

    def __init__(self, rng: Random) -> None:
        self.clients = [_host(20, number) for number in range(60)]
        self.servers = [_host(30, number) for number in range(12)]
        self.next_port = [rng.randrange(32768, 40000) for _ in self.clients]
        self.next_thread = [rng.randrange(10, 5000) for _ in self.servers]

    def port(self, client: int) -> int:
        self.next_port[client] = port = 32768 + (self.next_port[client] - 32767) % 28232
        return port

    def thread_id(self, server: int) -> int:
        self.next_thread[server] += 1
        return self.next_thread[server]


def _host(net: int, number: int) -> Host:
    last = number + 10
    return Host(
        mac=bytes((2, 0, 0, 0, net, last)), v4=bytes((10, net, 0, last)),
        v6=b"\xfd\x00" + bytes(5) + bytes((net,)) + bytes(7) + bytes((last,)),
    )


class Traffic:
    """Begins conversations, each whole, in shares as told. `packets` is what was promised so far."""

    def __init__(self, seed: int, packets: int, habits: Habits, kinds: Sequence[str] = ()) -> None:
        self.rng = Random(seed)
        self.habits = habits
        shares = dict(habits.shares)
        self.shares = {kind: shares[kind] for kind in kinds or shares}
        # A small capture keeps its shares only with shorter connections.
        self.pooled = max(habits.script_exchanges, habits.pooled_exchanges * packets // PACKETS)
        self.network = Network(self.rng)
        self.catalog = mysql.Catalog(self.rng, habits.row_counts)
        self.certificates = [certificate(self.rng, f"db{number}.shop.example") for number in range(4)]
        self.packets = 0
        self.full = False
        self.kind_packets: Counter[str] = Counter()
        self.kind_count: Counter[str] = Counter()
        self.tally: Counter[str] = Counter()

    def begin(self, start_us: int, room: int) -> list[Frame]:
        """The frames of the next conversation; one of ARP where no more than `room` packets may be added."""
        kind = max(self.shares, key=lambda kind: self.shares[kind] * (self.packets + 50) - self.kind_packets[kind])
        if self.full:
            kind = "arp"
        frames, tally = self._frames(kind, start_us)
        if len(frames) > room:
            self.full = self.habits.gives_up
            kind, tally = "arp", Counter()
            frames = other.arp(self.network.clients[0], self.network.servers[0], start_us)
        self.packets += len(frames)
        self.kind_packets[kind] += len(frames)
        self.kind_count[kind] += 1
        self.tally += tally
        return frames

    def _frames(self, kind: str, start_us: int) -> tuple[list[Frame], Counter[str]]:
        rng, network = self.rng, self.network
        client, server = rng.randrange(len(network.clients)), rng.randrange(len(network.servers))
        hosts = network.clients[client], network.servers[server]
        if kind == "dns":
            return other.dns(rng, *hosts, network.port(client), start_us), Counter()
        if kind == "icmp":
            return other.ping(rng, *hosts, start_us), Counter()
        if kind == "arp":
            return other.arp(*hosts, start_us), Counter()
        port = {"http": 80, "https": 443}.get(kind, 3306)
        v6 = rng.random() < IPV6_SHARE
        habits = self.habits
        session = Session(
            rng, *hosts, (network.port(client), port), start_us, v6, ends=habits.ends, offloaded=habits.offloaded
        )
        if kind == "http":
            other.http(session, rng)
        elif kind == "https":
            other.https(session, rng, rng.choice(self.certificates))
        elif kind == "mysql_tls":
            self._mysql_under_tls(session, server)
        else:
            compressed = rng.random() < COMPRESSED_SHARE
            session.tally["compressed_connections"] += compressed
            kind_of_server = mysql.SERVERS[server % len(mysql.SERVERS)]
            talk = mysql.Client(session, rng, self.catalog, compressed, results_only=self.habits.results_only)
            talk.run(kind_of_server, network.thread_id(server), self._exchanges())
        return session.frames, session.tally

    def _exchanges(self) -> int:
        """How many commands a MySQL connection lives for."""
        if self.rng.random() < self.habits.pooled_share:
            return self.rng.randrange(2, self.pooled)
        return self.rng.randrange(2, self.habits.script_exchanges)

    def _mysql_under_tls(self, session: Session, server: int) -> None:
        rng = self.rng
        kind_of_server = mysql.SERVERS[server % len(mysql.SERVERS)]
        tunnel = Tunnel(session, rng, 0x0303 if kind_of_server.version.startswith("5.7") else 0x0304)
        session.open()
        session.say(session.server, mysql.greeting(rng, kind_of_server, self.network.thread_id(server)), 150)
        session.acknowledge(session.client)
        session.say(session.client, mysql.ssl_request(mysql.CLIENT_BASE), 90)
        tunnel.handshake(name=None, alpn=False, der=rng.choice(self.certificates))
        tunnel.say(session.client, rng.randrange(120, 260), 100)  # login
        tunnel.say(session.server, 11, 300)
        for _ in range(self._exchanges()):
            query, result = rng.choice(self.habits.tls_queries), rng.choice(self.habits.tls_results)
            tunnel.say(session.client, query + rng.randrange(40), rng.randrange(100, 30_000))
            tunnel.say(session.server, result + rng.randrange(60), rng.randrange(80, 3000))
            if rng.random() < 0.6:
                session.now += session.round_trip_us >> 1
                session.acknowledge(session.client)
        if session.ends:
            session.say(session.client, tunnel.sealed(5) + tunnel.closing(), 400)
            session.close()

    def truth(self, seed: int, size: int, last_us: int) -> dict[str, object]:
        kinds = {
            kind: {"count": self.kind_count[kind], "packets": self.kind_packets[kind]}
            for kind in dict.fromkeys([*dict(self.habits.shares), *self.kind_count])
        }
        connections = sum(self.kind_count[kind] for kind in ("mysql_tls", "mysql_plaintext", "http", "https"))
        return {
            "seed": seed, "packets": self.packets, "bytes": size, "seconds": last_us / 1e6, "kinds": kinds,
            "tcp_connections": connections,
            "verdicts": {
                "plaintext": self.kind_count["mysql_plaintext"], "encrypted": self.kind_count["mysql_tls"],
                "not-mysql": self.kind_count["http"] + self.kind_count["https"],
            },
            **{name: self.tally[name] for name in _TALLIED},
        }


_TALLIED = (
    "com_query", "com_query_compressed", "stmt_prepare", "stmt_prepare_compressed", "stmt_execute",
    "compressed_connections", "ipv6_connections", "tls_1.2", "tls_1.3", "retransmissions", "out_of_order",
)


def in_time_order(traffic: Traffic, packets: int) -> Iterator[Frame]:
    """Exactly `packets` frames: as one conversation ends the next begins."""
    open_at_a_time = max(1, min(traffic.habits.open_at_a_time, packets // 200))
    waiting: list[tuple[int, int, int, list[Frame]]] = []  # time of the next frame, number, its index, all
    begun = 0

    def begin(now: int) -> None:
        nonlocal begun
        frames = traffic.begin(now + traffic.rng.randrange(20_000), packets - traffic.packets)
        heapq.heappush(waiting, (frames[0][0], begun, 0, frames))
        begun += 1

    while begun < open_at_a_time and traffic.packets < packets:
        begin(0)
    while waiting:
        now, number, at, frames = waiting[0]
        yield frames[at]
        if at + 1 < len(frames):
            heapq.heapreplace(waiting, (frames[at + 1][0], number, at + 1, frames))
            continue
        heapq.heappop(waiting)
        if traffic.packets < packets:
            begin(now)


def write(path: Path, packets: int, seed: int, habits: Habits, kinds: Sequence[str] = ()) -> dict[str, object]:
    """Write the capture; returns the truth about it."""
    traffic = Traffic(seed, packets, habits, kinds)
    form = Pcapng() if habits.tunnel else Pcap()
    tunnel = Vxlan((_host(40, 0), _host(50, 0)), network=5001) if habits.tunnel else None
    servers = {host.mac for host in traffic.network.servers}
    size = len(form.header)
    now = 0
    with path.open("wb") as file:
        file.write(form.header)
        held: list[bytes] = []
        for now, frame in in_time_order(traffic, packets):
            outer = frame if tunnel is None else tunnel.wrap(frame, back=frame[6:12] in servers)
            held.append(form.record(START * 1_000_000 + now, outer))
            size += len(held[-1])
            if len(held) >= _FRAMES_A_WRITE:
                file.write(b"".join(held))
                held.clear()
        file.write(b"".join(held))
    return traffic.truth(seed, size, now)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, metavar="OUT.pcap", help="Write the capture here.")
    parser.add_argument("--habits", choices=HABITS, default="standard", help="Of the network (default %(default)s).")
    parser.add_argument("--packets", type=int, default=PACKETS, help="How many (default %(default)s).")
    parser.add_argument("--seed", type=int, default=SEED, help="Of the generator (default %(default)s).")
    parser.add_argument("--kind", choices=tuple(dict(HABITS["standard"].shares)), action="append",
                        help="This kind of conversation only; may be given several times (default: all of them).")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="Write what is true of it, as JSON.")
    options = parser.parse_args()
    if options.packets < 1:
        parser.error("--packets: at least 1")
    habits = HABITS[options.habits]
    unknown = [kind for kind in options.kind or () if kind not in dict(habits.shares)]
    if unknown:
        parser.error(f"--kind: {unknown[0]} does not occur with these habits")
    truth = write(options.out, options.packets, options.seed, habits, options.kind or ())
    if options.truth:
        options.truth.write_text(json.dumps(truth, indent=2) + "\n")
    sys.stderr.write(
        f"{options.out}: {truth['packets']} packets, {truth['bytes']} bytes, seed {options.seed}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
