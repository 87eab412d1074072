"""AW2xx: how the two sides came to use TLS or not."""

from typing import Final

from aurora_wire.verdict.rules.rule import Rule

STARTTLS: Final = 'Poddebniak et al., "Why TLS Is Better Without STARTTLS", USENIX Security 2021'

NEGOTIATION: Final = (
    Rule(
        "AW201", "Client declined the TLS that was offered", "high",
        "The server's greeting offered TLS and the client logged in without it: the client's settings, or "
        "the defaults of its driver, are why this connection is readable.",
        "Let the client insist on TLS: --ssl-mode=VERIFY_IDENTITY (MySQL), --ssl (MariaDB before 11.4), "
        "sslMode=VERIFY_IDENTITY (Connector/J), tls=true (Go), ssl={...} (Node.js, PyMySQL), "
        "MYSQLI_CLIENT_SSL (PHP). So that no client can decline:\n"
        "{account_tls}",
        ('MySQL 8.4 Reference Manual, "Command Options for Encrypted Connections"',
         'MySQL 8.4 Reference Manual, "CREATE USER Statement", SSL/TLS Options'),
    ),
    Rule(
        "AW202", "Server offers no TLS", "high",
        "The greeting has no TLS flag: no client can encrypt its connection to this server, and clients that "
        "merely prefer TLS fall back without a word.",
        "{offer_tls}\n"
        "If this server should offer TLS, something on the way may have removed the flag: compare with a capture taken "
        "on the server's own host.",
        ('MySQL 8.4 Reference Manual, "Configuring MySQL to Use Encrypted Connections"',
         'CVE-2015-3152 (BACKRONYM)'),
    ),
    Rule(
        "AW203", "Plaintext after TLS", "critical",
        "After TLS had begun, bytes that are no TLS records crossed. No sound client or server does that: a "
        "broken proxy, a failed handshake that went on in the clear, or an attack.",
        "Read the frame and find the program that sent it (a proxy between the two?):\n"
        "  aurora-wire packets --frame N --explain CAPTURE\n"
        "then update or replace that program.",
        ('RFC 8446, section 5.1, "Record Layer"', STARTTLS),
    ),
    Rule(
        "AW204", "Bytes between SSLRequest and ClientHello", "high",
        "Bytes that are no TLS records crossed after the client had announced TLS. Someone on the path can "
        "put them there, and clients and servers have taken such bytes for protected ones.",
        "Update client and server (MariaDB Connector/C: to one that has CONC-648 fixed), and find "
        "out who sent the bytes: compare captures from both ends.",
        (STARTTLS, 'MariaDB CONC-648', 'CVE-2021-23214, CVE-2021-23222 (the same in PostgreSQL)'),
    ),
    Rule(
        "AW205", "TLS asked for and not completed", "medium",
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
        "AW206", "TLS offer removed on the way", "high",
        "The greeting says that the server can verify certificates (capability bit 30) but not that it "
        "speaks TLS (bit 11). Servers set both or none: something on the path removed the offer.",
        "Capture on the server's own host and compare the greetings. Set --ssl-mode=REQUIRED or stronger "
        "in the client: it then refuses to log in where the offer is missing.",
        ('CVE-2015-3152 (BACKRONYM)', 'CVE-2017-3305 (Riddle)',
         'MySQL Server source documentation, "Protocol::HandshakeV10"'),
    ),
)
