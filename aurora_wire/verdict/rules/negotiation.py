"""AW2xx: how the two sides came to use TLS or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from aurora_wire.verdict.rules.controls import INTEGRITY, TRANSIT, against
from aurora_wire.verdict.rules.hit import Hit
from aurora_wire.verdict.rules.rule import Rule
from aurora_wire.wire.mysql.capabilities import SSL, SSL_VERIFY_SERVER_CERT
from aurora_wire.wire.mysqlx.facts import as_x

if TYPE_CHECKING:  # whoever lists the rules needs no decoder
    from aurora_wire.verdict.result import ConnectionResult
    from aurora_wire.wire.flows.facts import Facts

TLS_DECLINED: Final = "AW201"
TLS_NOT_OFFERED: Final = "AW202"
PLAINTEXT_AFTER_TLS: Final = "AW203"
BYTES_BEFORE_TLS: Final = "AW204"
TLS_NOT_COMPLETED: Final = "AW205"
TLS_OFFER_REMOVED: Final = "AW206"

STARTTLS: Final = 'Poddebniak et al., "Why TLS Is Better Without STARTTLS", USENIX Security 2021'

NEGOTIATION: Final = (
    Rule(
        TLS_DECLINED, "Client declined the TLS that was offered", "high",
        "The server's greeting offered TLS and the client logged in without it: the client's settings, or "
        "the defaults of its driver, are why this connection is readable.",
        "{client_tls}\n"
        "So that no client can decline:\n"
        "{account_tls}",
        ('MySQL 8.4 Reference Manual, "Command Options for Encrypted Connections"',
         'MySQL 8.4 Reference Manual, "CREATE USER Statement", SSL/TLS Options'),
        against("A session without the TLS that was offered", *TRANSIT),
    ),
    Rule(
        TLS_NOT_OFFERED, "Server offers no TLS", "high",
        "The greeting has no TLS flag: no client can encrypt its connection to this server, and clients that "
        "merely prefer TLS fall back without a word.",
        "{offer_tls}\n"
        "If this server should offer TLS, something on the way may have removed the flag: compare with a capture taken "
        "on the server's own host.",
        ('MySQL 8.4 Reference Manual, "Configuring MySQL to Use Encrypted Connections"',
         'CVE-2015-3152 (BACKRONYM)'),
        against("A server that offers no TLS", *TRANSIT),
    ),
    Rule(
        PLAINTEXT_AFTER_TLS, "Plaintext after TLS", "critical",
        "After TLS had begun, bytes that are no TLS records crossed. No sound client or server does that: a "
        "broken proxy, a failed handshake that went on in the clear, or an attack.",
        "Read the frame and find the program that sent it (a proxy between the two?):\n"
        "  aurora-wire packets --frame N --explain CAPTURE\n"
        "then update or replace that program.",
        ('RFC 8446, section 5.1, "Record Layer"', STARTTLS),
        against("Readable traffic after TLS had begun", *TRANSIT),
    ),
    Rule(
        BYTES_BEFORE_TLS, "Bytes between SSLRequest and ClientHello", "high",
        "Bytes that are no TLS records crossed after the client had announced TLS. Someone on the path can "
        "put them there, and clients and servers have taken such bytes for protected ones.",
        "Update client and server (MariaDB Connector/C: to one that has CONC-648 fixed), and find "
        "out who sent the bytes: compare captures from both ends.",
        (STARTTLS, 'MariaDB CONC-648', 'CVE-2021-23214, CVE-2021-23222 (the same in PostgreSQL)'),
        against("Foreign bytes taken in before TLS", *INTEGRITY),
        weakens=True,
    ),
    Rule(
        TLS_NOT_COMPLETED, "TLS asked for and not completed", "medium",
        "The client announced TLS and the handshake did not finish: refused certificate, no common version "
        "or cipher suite, or a connection that broke. Clients that merely prefer TLS come again in the "
        "clear.",
        "Look at the alert in the frame. unknown CA or bad certificate: give the client the right "
        "--ssl-ca; protocol version or handshake failure: set the same tls_version and ssl_cipher on both "
        "sides. Look for a login in the clear from the same client within the next seconds.",
        ('RFC 8446, section 6.2, "Error Alerts"',
         'MySQL 8.4 Reference Manual, "Encrypted Connection TLS Protocols and Ciphers"'),
    ),
    Rule(
        TLS_OFFER_REMOVED, "TLS offer removed on the way", "high",
        "The greeting says that the server can verify certificates (capability bit 30) but not that it "
        "speaks TLS (bit 11). Servers set both or none: something on the path removed the offer.",
        "Capture on the server's own host and compare the greetings. Set --ssl-mode=REQUIRED or stronger "
        "in the client: it then refuses to log in where the offer is missing.",
        ('CVE-2015-3152 (BACKRONYM)', 'CVE-2017-3305 (Riddle)',
         'MySQL Server source documentation, "Protocol::HandshakeV10"'),
        against("An offer of TLS that was removed on its way", *INTEGRITY),
        weakens=True,
    ),
)


def check(facts: Facts, result: ConnectionResult) -> Iterator[Hit]:
    """Yield what was wrong with how TLS was offered, asked for and begun."""
    greeting = facts.greeting
    if greeting is not None:
        offers = greeting.capabilities & SSL
        if not offers and greeting.capabilities & SSL_VERIFY_SERVER_CERT:
            yield Hit(TLS_OFFER_REMOVED, "bit 30 is set and bit 11 is not", facts.greeting_frame, 0)
        elif not offers:
            yield Hit(TLS_NOT_OFFERED, "CLIENT_SSL is not set in the greeting", facts.greeting_frame, 0)
        elif facts.login_frame >= 0 and facts.ssl_request_frame < 0:
            yield Hit(
                TLS_DECLINED, "the greeting offered TLS, the login came without it", facts.login_frame,
                facts.login_offset,
            )  # fmt: skip
    session = as_x(facts.decoded)
    if session is not None and facts.login_frame >= 0 and facts.ssl_request_frame < 0 and session.tls_offered >= 0:
        if session.tls_offered:
            words = "the capabilities offered TLS, the login came without it"
            yield Hit(TLS_DECLINED, words, facts.login_frame, facts.login_offset)
        else:
            yield Hit(TLS_NOT_OFFERED, "the capabilities do not name tls", facts.login_frame, facts.login_offset)
    ids = {reason.id: reason for reason in result.reasons}
    if "plaintext-after-tls" in ids:
        yield Hit(PLAINTEXT_AFTER_TLS, "MySQL packets outside TLS", facts.after_tls_frame)
    injected = ids.get("injected-before-tls")
    if injected is not None:
        frame = injected.frame if injected.frame is not None else -1
        yield Hit(BYTES_BEFORE_TLS, injected.text, frame, injected.offset or -1)
    inside = facts.tls is not None and facts.tls.client.data_records > 0  # of a suite that does not encrypt
    if facts.ssl_request_frame >= 0 and result.verdict in ("no-session", "plaintext") and not inside:
        yield Hit(
            TLS_NOT_COMPLETED, _failure(facts), facts.ssl_request_frame, facts.ssl_request_offset
        )


def _failure(facts: Facts) -> str:
    """Return how a TLS handshake that was asked for ended."""
    tls = facts.tls
    if tls is not None:
        for name, side in (("client", tls.client), ("server", tls.server)):
            if side.fatal_alert:
                return f"the {name} ended the handshake with alert {side.last_alert}"
        if tls.client.app_records:
            return "the client ended the connection before it logged in"
    if facts.early_error_code:
        return f"the server answered with error {facts.early_error_code}"
    return "no session in TLS followed the SSLRequest"
