"""What else crosses a network with databases on it: HTTP, HTTPS, DNS, ARP, ICMP.

Source: RFC 9110 (HTTP), RFC 1035 (DNS), RFC 826 (ARP), RFC 792 (ICMP).
"""

import json
from random import Random

from traffic import sql
from traffic.tcp import ICMP, UDP, Frame, Host, Session, checksum, datagram
from traffic.tls import Tunnel


def http(session: Session, rng: Random) -> None:
    """One to six requests on one connection."""
    session.open()
    for _ in range(rng.randrange(1, 7)):
        request = (
            f"GET /api/v1/{rng.choice(sql.TABLES).name}/{rng.randrange(100_000)} HTTP/1.1\r\n"
            "Host: shop.example\r\nUser-Agent: shop-worker/2.1\r\nAccept: application/json\r\n"
            f"X-Request-Id: {rng.getrandbits(64):016x}\r\n\r\n"
        )
        rows = [
            {column.name: sql.value(rng, column) for column in sql.TABLES[1].columns}
            for _ in range(rng.randrange(1, 12))
        ]
        body = json.dumps(rows)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        session.say(session.client, request.encode(), rng.randrange(200, 20_000))
        session.say(session.server, (head + body).encode(), rng.randrange(500, 9000))
        session.acknowledge(session.client)
    if session.ends:
        session.close()


def https(session: Session, rng: Random, der: bytes) -> None:
    session.open()
    tunnel = Tunnel(session, rng, 0x0304 if rng.random() < 0.8 else 0x0303)
    tunnel.handshake(name="shop.example", alpn=True, der=der)
    for _ in range(rng.randrange(1, 9)):
        tunnel.say(session.client, rng.randrange(80, 500), rng.randrange(200, 20_000))
        tunnel.say(session.server, rng.randrange(100, 5000), rng.randrange(500, 9000))
        session.acknowledge(session.client)
    if session.ends:
        session.say(session.client, tunnel.closing(), 300)
        session.close()


def dns(rng: Random, client: Host, server: Host, port: int, start_us: int) -> list[Frame]:
    """A question and its answer: one A record."""
    labels = (f"{rng.choice(sql.WORDS)}-{rng.randrange(1000)}", "shop", "example")
    name = b"".join(bytes((len(label),)) + label.encode() for label in labels) + b"\0"
    number, question = rng.randbytes(2), name + b"\0\x01\0\x01"
    query = number + b"\x01\0\0\x01\0\0\0\0\0\0" + question
    answer = number + b"\x81\x80\0\x01\0\x01\0\0\0\0" + question
    answer += b"\xc0\x0c\0\x01\0\x01" + (300).to_bytes(4, "big") + b"\0\x04" + server.v4
    return [
        (start_us, datagram(client, server, UDP, rng.getrandbits(16), _udp(client, server, port, 53, query))),
        (start_us + rng.randrange(200, 9000),
         datagram(server, client, UDP, rng.getrandbits(16), _udp(server, client, 53, port, answer))),
    ]


def _udp(source: Host, target: Host, source_port: int, target_port: int, body: bytes) -> bytes:
    length = 8 + len(body)
    head = source_port.to_bytes(2, "big") + target_port.to_bytes(2, "big") + length.to_bytes(2, "big")
    pseudo = source.v4 + target.v4 + UDP.to_bytes(2, "big") + length.to_bytes(2, "big")
    return head + (checksum(pseudo + head + b"\0\0" + body) or 0xFFFF).to_bytes(2, "big") + body


def arp(asker: Host, asked: Host, start_us: int) -> list[Frame]:
    """A question alone: whoever was asked is away."""
    body = b"\0\x01\x08\0\x06\x04\0\x01" + asker.mac + asker.v4 + bytes(6) + asked.v4
    return [(start_us, b"\xff" * 6 + asker.mac + b"\x08\x06" + body + bytes(18))]  # padded to 60 bytes


def ping(rng: Random, client: Host, server: Host, start_us: int) -> list[Frame]:
    body = rng.randbytes(2) + b"\0\x01" + rng.randbytes(8) + bytes(range(16, 64))
    frames = []
    for kind, source, target in ((8, client, server), (0, server, client)):
        right = checksum(bytes((kind, 0, 0, 0)) + body).to_bytes(2, "big")
        packet = datagram(source, target, ICMP, rng.getrandbits(16), bytes((kind, 0)) + right + body)
        frames.append((start_us, packet))
        start_us += rng.randrange(200, 2000)
    return frames
