"""AW1xx: what needs protection and crossed without it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from aurora_wire.verdict.rules.controls import TRANSIT, against
from aurora_wire.verdict.rules.hit import Hit
from aurora_wire.verdict.rules.rule import Rule
from aurora_wire.verdict.shared_words import grouped

if TYPE_CHECKING:  # whoever lists the rules needs no decoder
    from aurora_wire.verdict.result import ConnectionResult
    from aurora_wire.wire.flows.facts import Facts

MOST_FILES: Final = 5     # named in one finding

SQL_IN_CLEAR: Final = "AW101"
LOGIN_IN_CLEAR: Final = "AW102"
PASSWORD_IN_CLEAR: Final = "AW103"  # noqa: S105 - a rule's id
RESULTS_IN_CLEAR: Final = "AW104"
INFILE_IN_CLEAR: Final = "AW105"
FILE_NOT_ASKED_FOR: Final = "AW106"

REQUIRE_TLS: Final = (
    "Let the server refuse what is not encrypted.\n"
    "{require_tls}\n"
    "{client_tls}"
)

LEAKS: Final = (
    Rule(
        SQL_IN_CLEAR, "SQL in the clear", "high",
        "Anyone on the path reads the statement with every value in it, and can change it on its way.",
        REQUIRE_TLS,
        ('MySQL 8.4 Reference Manual, "Configuring MySQL to Use Encrypted Connections"',
         'MariaDB documentation, "Securing Connections for Client and Server"'),
        against("A statement and its values that crossed readable", *TRANSIT),
    ),
    Rule(
        LOGIN_IN_CLEAR, "Login in the clear", "high",
        "User and database are readable, and the scrambled password can be guessed offline. A server that "
        "refuses the login because it was not encrypted has received it by then: the refusal undoes nothing.",
        REQUIRE_TLS + "\nThen change the password of the account that crossed.\n"
        "{account_password}",
        ('MySQL 8.4 Reference Manual, "Configuring MySQL to Use Encrypted Connections"',
         'MySQL Server source documentation, "Protocol::HandshakeResponse41"'),
        against("A login that crossed readable", *TRANSIT),
    ),
    Rule(
        PASSWORD_IN_CLEAR, "Password in clear text", "critical",
        "The password itself crossed, readable: whoever was on the path can log in with it.",
        "Change the password now, over TLS, and allow the account nothing else.\n"
        "{account_password_tls}\n"
        "Never enable mysql_clear_password (--enable-cleartext-plugin) without --ssl-mode=VERIFY_CA "
        "or stronger.",
        ('MySQL 8.4 Reference Manual, "Client-Side Cleartext Pluggable Authentication"',
         'MySQL 8.4 Reference Manual, "Caching SHA-2 Pluggable Authentication"'),
        against("A password that crossed in clear text", *TRANSIT),
    ),
    Rule(
        RESULTS_IN_CLEAR, "Results in the clear", "high",
        "The server's answers crossed readable: rows, column names, error texts.",
        REQUIRE_TLS + "\nResults without their statements often mean that the capture missed the "
        "client's side: look for AW505.",
        ('MySQL 8.4 Reference Manual, "Configuring MySQL to Use Encrypted Connections"',),
        against("Results that crossed readable", *TRANSIT),
    ),
    Rule(
        INFILE_IN_CLEAR, "File of the client in the clear (LOCAL INFILE)", "high",
        "The content of a file of the client crossed readable. Without TLS the request for it can be "
        "forged by anyone on the path, for any file that the client may read.",
        "Turn it off where it is not needed.\n"
        "{local_infile_off}\n"
        "And in the client (--local-infile=0, allowLoadLocalInfile=false in Connector/J); elsewhere "
        "use TLS with verification: --ssl-mode=VERIFY_IDENTITY.",
        ('MySQL 8.4 Reference Manual, "Security Considerations for LOAD DATA LOCAL"',),
        against("A file that crossed readable", *TRANSIT),
    ),
    Rule(
        FILE_NOT_ASKED_FOR, "A file was asked for that no statement named (LOCAL INFILE)", "critical",
        "A server asks for a file of the client only where the client sent LOAD DATA LOCAL. Here the request answered "
        "another command: the server, or somebody on the path between, tries to read files of the client.",
        "Treat the files named here as read, and the server and the path to it as not trustworthy until it is known "
        "who asked. In the client turn the feature off (--local-infile=0, allowLoadLocalInfile=false in Connector/J, "
        "allowAllFiles=false in Go) and use TLS with verification: --ssl-mode=VERIFY_IDENTITY.",
        ('MySQL 8.4 Reference Manual, "Security Considerations for LOAD DATA LOCAL"',),
        against("A file that no statement asked for", *TRANSIT),
    ),
)


def check(facts: Facts, result: ConnectionResult) -> Iterator[Hit]:
    """Yield what leaked."""
    if facts.statements_total:
        first = facts.statements[0] if facts.statements else None
        many = "statements" if facts.statements_total > 1 else "statement"
        yield Hit(
            SQL_IN_CLEAR, f"{grouped(facts.statements_total)} {many} readable",
            first.frame if first is not None else facts.command_frame,
            first.offset if first is not None else facts.command_offset,
        )  # fmt: skip
    elif facts.dropped_leak_frame >= 0:
        yield Hit(SQL_IN_CLEAR, "in a frame that a receiver would drop", facts.dropped_leak_frame)
    if facts.login_frame >= 0:
        words = "user name and authentication data"
        yield Hit(LOGIN_IN_CLEAR, words, facts.login_frame, facts.login_offset)
    if facts.responses and facts.response_frame >= 0 and (facts.commands or not facts.login_frame >= 0):
        yield Hit(
            RESULTS_IN_CLEAR, f"{grouped(result.server_coverage.plaintext)} bytes of responses",
            facts.response_frame, facts.response_offset,
        )  # fmt: skip
    yield from _files(facts, result)


def _files(facts: Facts, result: ConnectionResult) -> Iterator[Hit]:
    """Yield files of the client that the server asked for: those that crossed, and those that no statement named."""
    sent = [one for one in facts.infiles if one.size]
    if sent:
        named = ", ".join(f"{_display(one.name)} ({one.size:,} bytes)" for one in sent[:MOST_FILES])
        more = f", and {len(sent) - MOST_FILES} more" if len(sent) > MOST_FILES else ""
        yield Hit(INFILE_IN_CLEAR, named + more + " crossed", sent[0].frame, sent[0].offset)
    rogue = [one for one in facts.infiles if one.wanted == 0]
    if rogue:
        outcomes = {one.frame: one.outcome for one in result.files}
        named = ", ".join(
            f"{_display(one.name)} ({_outcome(one.size, outcomes.get(one.frame, ''))})" for one in rogue[:MOST_FILES]
        )
        more = f", and {len(rogue) - MOST_FILES} more" if len(rogue) > MOST_FILES else ""
        yield Hit(
            FILE_NOT_ASKED_FOR,
            f"the server, or who is on the path, asked for {named}{more} in answer to a statement that loads no file",
            rogue[0].frame, rogue[0].offset,
        )  # fmt: skip


def _outcome(size: int, outcome: str) -> str:
    if size:
        return f"{size:,} bytes of it crossed"
    return "the client refused, or it was empty" if outcome == "refused" else "nothing of it was seen to cross"


def _display(name: bytes) -> str:
    return repr(name.decode("utf-8", "backslashreplace"))
