"""AW1xx: what needs protection and crossed without it."""

from typing import Final

from aurora_wire.verdict.rules.rule import Rule

REQUIRE_TLS: Final = (
    "Let the server refuse what is not encrypted.\n"
    "{require_tls}\n"
    "Let the client insist on TLS: --ssl-mode=VERIFY_IDENTITY --ssl-ca=CA.pem (MySQL), --ssl --ssl-ca=CA.pem "
    "--ssl-verify-server-cert (MariaDB), sslMode=VERIFY_IDENTITY (Connector/J)."
)

LEAKS: Final = (
    Rule(
        "AW101", "SQL in the clear", "high",
        "Anyone on the path reads the statement with every value in it, and can change it on its way.",
        REQUIRE_TLS,
        ('MySQL 8.4 Reference Manual, "Configuring MySQL to Use Encrypted Connections"',
         'MariaDB documentation, "Securing Connections for Client and Server"'),
    ),
    Rule(
        "AW102", "Login in the clear", "high",
        "User and database are readable, and the scrambled password can be guessed offline. A server that "
        "refuses the login because it was not encrypted has received it by then: the refusal undoes nothing.",
        REQUIRE_TLS + "\nThen change the password of the account that crossed.\n"
        "{account_password}",
        ('MySQL 8.4 Reference Manual, "Configuring MySQL to Use Encrypted Connections"',
         'MySQL Server source documentation, "Protocol::HandshakeResponse41"'),
    ),
    Rule(
        "AW103", "Password in clear text", "critical",
        "The password itself crossed, readable: whoever was on the path can log in with it.",
        "Change the password now, over TLS, and allow the account nothing else.\n"
        "{account_password_tls}\n"
        "Never enable mysql_clear_password (--enable-cleartext-plugin) without --ssl-mode=VERIFY_CA "
        "or stronger.",
        ('MySQL 8.4 Reference Manual, "Client-Side Cleartext Pluggable Authentication"',
         'MySQL 8.4 Reference Manual, "Caching SHA-2 Pluggable Authentication"'),
    ),
    Rule(
        "AW104", "Results in the clear", "high",
        "The server's answers crossed readable: rows, column names, error texts.",
        REQUIRE_TLS + "\nResults without their statements often mean that the capture missed the "
        "client's side: look for AW505.",
        ('MySQL 8.4 Reference Manual, "Configuring MySQL to Use Encrypted Connections"',),
    ),
    Rule(
        "AW105", "File of the client in the clear (LOCAL INFILE)", "high",
        "The content of a file of the client crossed readable. Without TLS the request for it can be "
        "forged by anyone on the path, for any file that the client may read.",
        "Turn it off where it is not needed.\n"
        "{local_infile_off}\n"
        "And in the client (--local-infile=0, allowLoadLocalInfile=false in Connector/J); elsewhere "
        "use TLS with verification: --ssl-mode=VERIFY_IDENTITY.",
        ('MySQL 8.4 Reference Manual, "Security Considerations for LOAD DATA LOCAL"',),
    ),
    Rule(
        "AW106", "A file was asked for that no statement named (LOCAL INFILE)", "critical",
        "A server asks for a file of the client only where the client sent LOAD DATA LOCAL. Here the request answered "
        "another command: the server, or somebody on the path between, tries to read files of the client.",
        "Treat the files named here as read, and the server and the path to it as not trustworthy until it is known "
        "who asked. In the client turn the feature off (--local-infile=0, allowLoadLocalInfile=false in Connector/J, "
        "allowAllFiles=false in Go) and use TLS with verification: --ssl-mode=VERIFY_IDENTITY.",
        ('MySQL 8.4 Reference Manual, "Security Considerations for LOAD DATA LOCAL"',),
    ),
)
