"""Whole sessions as lists of named steps, so that a test can leave one out, change it, or lose it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from tests.conversations import mysql, tls
from tests.conversations.tcp import Conversation, Sender

SECRET = b"INSERT INTO notes (body) VALUES ('Canary-0001-7f3a')"


class Step(NamedTuple):
    name: str
    sender: Sender
    payload: bytes


def plaintext(*, ssl: bool = True, sql: bytes = SECRET) -> list[Step]:
    return [
        Step("greeting", "server", mysql.greeting(ssl=ssl)),
        Step("login", "client", mysql.login()),
        Step("login-ok", "server", mysql.ok(2)),
        Step("query", "client", mysql.query(sql)),
        Step("query-ok", "server", mysql.ok(1, affected=1)),
        Step("select", "client", mysql.query(b"SELECT id, body FROM notes")),
        Step("rows", "server", mysql.result_set([b"id", b"body"], [[b"1", b"Canary-0001-7f3a"], [b"2", None]])),
        Step("quit", "client", mysql.leave()),
    ]


def compressed(sql: bytes = SECRET + b" -- " + b"long enough to shrink " * 8) -> list[Step]:
    caps = mysql.BASE | mysql.CONNECT_WITH_DB | mysql.COMPRESS
    return [
        Step("greeting", "server", mysql.greeting(caps=mysql.COMPRESS)),
        Step("login", "client", mysql.login(caps=caps)),
        Step("login-ok", "server", mysql.ok(2)),
        Step("query", "client", mysql.compressed(0, mysql.query(sql))),
        Step("query-ok", "server", mysql.compressed(1, mysql.ok(1, affected=1))),
        Step("quit", "client", mysql.compressed(0, mysql.leave())),
    ]


def opening() -> list[Step]:
    return [Step("greeting", "server", mysql.greeting()), Step("ssl-request", "client", mysql.ssl_request())]


def conversation_inside(version: int = tls.TLS12) -> list[Step]:
    """Login, statements and results as TLS shows them: records of noise."""
    return [
        Step("client-data-1", "client", tls.data("login", 180, version)),
        Step("server-data-1", "server", tls.data("ok", 35, version)),
        Step("client-data-2", "client", tls.data("insert", 90, version)),
        Step("server-data-2", "server", tls.data("ok 2", 36, version)),
        Step("client-data-3", "client", tls.data("select", 55, version)),
        Step("server-data-3", "server", tls.data("rows", 4200, version)),
        Step("client-data-4", "client", tls.data("quit", 29, version)),
    ]


def tls13(*, retry: bool = False, resumed: bool = False, suite: int = tls.AES_256_GCM_1_3) -> list[Step]:
    hello = {"resume_13": resumed}
    flight = tls.change_cipher_spec() if not retry else b""
    flight += tls.data("encrypted extensions", 32)
    if not resumed:
        flight += tls.data("certificate", 820) + tls.data("certificate verify", 281)
    flight += tls.data("server finished", 69)
    steps = opening()
    steps.append(Step("client-hello", "client", tls.client_hello(**hello)))  # type: ignore[arg-type]
    if retry:
        steps.append(Step("retry", "server", tls.hello_retry_request(suite) + tls.change_cipher_spec()))
        steps.append(
            Step(
                "client-hello-2",
                "client",
                tls.change_cipher_spec() + tls.client_hello(record_version=tls.TLS12, **hello),
            )
        )  # type: ignore[arg-type]
    steps += [
        Step("server-hello", "server", tls.server_hello(suite=suite, resume_13=resumed)),
        Step("server-flight", "server", flight),
        Step(
            "client-finished",
            "client",
            (b"" if retry else tls.change_cipher_spec()) + tls.data("finished", 69),
        ),
        Step("tickets", "server", tls.data("ticket 1", 234) + tls.data("ticket 2", 234)),
    ]
    return steps + conversation_inside() + [Step("client-close", "client", tls.data("close notify", 19))]


def tls12(
    *,
    version: int = tls.TLS12,
    suite: int = tls.ECDHE_RSA_AES_256_GCM,
    resumed: bool = False,
    offered: Sequence[int] | None = None,
) -> list[Step]:
    """TLS 1.2, or 1.0 and 1.1 with `version`."""
    session_id = tls.noise("session", 32) if resumed else b""
    hello = tls.client_hello(
        versions=(),
        session_id=session_id,
        legacy_version=version,
        suites=offered if offered is not None else (suite, 0x002F),
    )
    own = tls.change_cipher_spec(version) + tls.finished("server", version)
    steps = [*opening(), Step("client-hello", "client", hello)]
    if resumed:
        steps.append(
            Step(
                "server-hello",
                "server",
                tls.record(
                    tls.HANDSHAKE,
                    tls.server_hello_message(version=version, suite=suite, session_id=session_id),
                    version,
                ),
            )
        )
        steps.append(Step("server-finished", "server", own))
        steps.append(
            Step("client-finished", "client", tls.change_cipher_spec(version) + tls.finished("client", version))
        )
    else:
        steps.append(Step("server-hello", "server", tls.server_flight(version, suite)))
        steps.append(
            Step(
                "client-finished",
                "client",
                b"".join(
                    (
                        tls.client_key_exchange(version),
                        tls.change_cipher_spec(version),
                        tls.finished("client", version),
                    )
                ),
            )
        )
        steps.append(Step("server-finished", "server", own))
    return (
        steps + conversation_inside(version) + [Step("client-close", "client", tls.encrypted_alert("close", version))]
    )


# -- changing a list of steps


def without(steps: Sequence[Step], *names: str) -> list[Step]:
    check(steps, names)
    return [step for step in steps if step.name not in names]


def changed(steps: Sequence[Step], **payloads: bytes) -> list[Step]:
    """Other payloads for some steps; `_` in a keyword stands for `-`."""
    new = {name.replace("_", "-"): payload for name, payload in payloads.items()}
    check(steps, new)
    return [step._replace(payload=new.get(step.name, step.payload)) for step in steps]


def until(steps: Sequence[Step], name: str) -> list[Step]:
    """The steps up to and with this one."""
    check(steps, [name])
    return list(steps[: index(steps, name) + 1])


def since(steps: Sequence[Step], name: str) -> list[Step]:
    """The steps from this one on."""
    check(steps, [name])
    return list(steps[index(steps, name) :])


def inserted(steps: Sequence[Step], after: str, *new: Step) -> list[Step]:
    at = index(steps, after) + 1
    return [*steps[:at], *new, *steps[at:]]


def after(steps: Sequence[Step], name: str, payload: bytes) -> list[Step]:
    """One more step, `odd`, of the same sender behind the named one."""
    return inserted(steps, name, Step("odd", steps[index(steps, name)].sender, payload))


def odd_at(steps: Sequence[Step]) -> int:
    return offset_of(steps, "odd")


def joined(steps: Sequence[Step], first: str, second: str) -> list[Step]:
    """Two steps of one sender that follow each other, in one segment."""
    at = index(steps, first)
    one, two = steps[at], steps[at + 1]
    assert two.name == second
    assert one.sender == two.sender
    return [*steps[:at], one._replace(payload=one.payload + two.payload), *steps[at + 2 :]]


def index(steps: Sequence[Step], name: str) -> int:
    return [step.name for step in steps].index(name)


def check(steps: Sequence[Step], names: Collection[str]) -> None:
    missing = set(names) - {step.name for step in steps}
    assert not missing, f"no such step: {missing}"


def payload_of(steps: Sequence[Step], name: str) -> bytes:
    return steps[index(steps, name)].payload


def play(
    steps: Sequence[Step],
    talk: Conversation | None = None,
    *,
    syn: bool = True,
    close: bool = True,
    lost: Collection[str] = (),
    keep: Mapping[str, int] | None = None,
    bad_checksum: Collection[str] = (),
    sizes: int | None = None,
    acks: bool = True,
) -> Conversation:
    """Play the steps; returns the conversation.

    lost: steps sent but not captured; keep: payload bytes that the snaplen leaves of each segment of a step;
    acks: each step is acknowledged by a packet of its own.
    """
    talk = talk or Conversation()
    check(steps, [*lost, *(keep or {}), *bad_checksum])
    if syn:
        talk.syn()
    for step in steps:
        talk.say(
            step.sender,
            step.payload,
            lost=step.name in lost,
            keep=(keep or {}).get(step.name),
            sizes=sizes,
            bad_checksum=step.name in bad_checksum,
        )
        if acks:
            talk.ack("client" if step.sender == "server" else "server")
    if close:
        talk.fin()
    return talk


def offset_of(steps: Sequence[Step], name: str) -> int:
    """The stream offset where a step begins, in its direction."""
    at = index(steps, name)
    return sum(len(step.payload) for step in steps[:at] if step.sender == steps[at].sender)
