"""What somebody who reads an exchange of authentication has: the secret itself, a token, something to guess with.

Sources: the plugins' own sources for what their replies hold; RFC 5802 (SCRAM), RFC 4120 and 4121 (Kerberos),
MS-NLMP (NTLM), RFC 7519 (JWT); hashcat's and John the Ripper's documentation for the lines that they take.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Final

from aurora_wire.verdict.kerberos import service_ticket
from aurora_wire.verdict.lazy_sequence import LazySequence
from aurora_wire.verdict.result import CredentialPlace, CredentialResult, Grade
from aurora_wire.verdict.rules.credentials import usual_words
from aurora_wire.wire.flows.facts import Facts
from aurora_wire.wire.mysql import auth
from aurora_wire.wire.mysql import exchange as kinds
from aurora_wire.wire.mysql import sql_secrets as secrets
from aurora_wire.wire.mysql.exchange import Exchange, Secret

EXCHANGES: Final[dict[int, CredentialPlace]] = {
    kinds.LOGIN: "login", kinds.SWITCH: "switch", kinds.NEXT_FACTOR: "next factor", kinds.CHANGE_USER: "change user",
    kinds.REGISTER_REPLICA: "register replica", kinds.X_AUTHENTICATION: "X login",
}  # fmt: skip

OPENID: Final = b"authentication_openid_connect_client"
ED25519: Final = b"client_ed25519"
PARSEC: Final = b"parsec"
# A signature over the server's challenge, of no use to who reads it.
SIGNATURES: Final = (b"authentication_webauthn_client", b"authentication_fido_client", b"authentication_oci_client")
X_PLAIN: Final = b"PLAIN"
X_NATIVE: Final = b"MYSQL41"
X_SHA256: Final = b"SHA256_MEMORY"

CRAM_SHA1: Final = (11200, "MySQL CRAM (SHA1)")
STORED_SHA1: Final = (300, "MySQL4.1/MySQL5")
STORED_SHA256: Final = (7401, "MySQL $A$ (sha256crypt)")
STORED_OLD: Final = (200, "MySQL323")
NTLM: Final = (5500, "NetNTLMv1 / NetNTLMv1+ESS")
NTLM_2: Final = (5600, "NetNTLMv2")

ITSELF: Final = "the password itself"
BY_SHA1: Final = "the password's SHA-1 hash over a nonce: as many guesses as wanted, offline"
# No format of hashcat or John takes this one: what they know by the plugin's name is the stored hash.
BY_SHA2: Final = "the password's SHA-256 hash over a nonce: as many guesses as wanted, offline"
SECRET_WORDS: Final[dict[int, tuple[Grade, str]]] = {
    secrets.PASSWORD: ("secret", "the password of an account"),
    secrets.HASH: ("hash", "the password hash of an account"),
    secrets.REPLICATION: ("secret", "the password of replication"),
    secrets.SERVER: ("secret", "the password of an account of another server"),
    secrets.DONOR: ("secret", "the password of the account that clones"),
    secrets.KEY: ("key", "the key of an encryption function"),
    secrets.FUNCTION: ("secret", "the argument of PASSWORD()"),
    secrets.RANDOM: ("secret", "a password that the server made, in its answer"),
}


class Credentials(LazySequence[CredentialResult]):
    """Credentials in the order of their frames, graded when they are asked for: most reports show few."""

    def __init__(self, facts: Facts) -> None:
        self._exchanges = facts.exchanges[:]
        self._secrets = facts.secrets[:]
        self._graded: list[CredentialResult] | None = None

    def _all(self) -> list[CredentialResult]:
        if self._graded is None:
            found: list[CredentialResult] = []
            for exchange in self._exchanges:
                found.extend(graded(exchange))
            found.extend(of_text(secret) for secret in self._secrets)
            found.sort(key=attrgetter("frame"))
            self._graded = found
        return self._graded

    def __len__(self) -> int:
        return 1 if usual_words(self._exchanges, self._secrets) else len(self._all())


def graded(exchange: Exchange) -> Iterator[CredentialResult]:
    """Yield what crossed in one exchange: several things where several packets gave something away."""
    replies = [(number, reply) for number, reply in enumerate(exchange.replies) if reply and reply != b"\0"]
    if not replies:
        if exchange.replies and exchange.accepted == kinds.ACCEPTED and exchange.kind != kinds.NEXT_FACTOR:
            yield _made(exchange, 0, "none", "logged in without a password")
        return
    for number, reply in replies:
        yield from _of_reply(exchange, number, reply)


def _of_reply(exchange: Exchange, number: int, reply: bytes) -> Iterator[CredentialResult]:
    plugin, size = exchange.plugin, len(reply)
    if exchange.kind == kinds.REGISTER_REPLICA:
        words = "the password that a replica reports (report_password)"
        yield _made(exchange, number, "secret", words, value=reply)
    elif plugin in (auth.CACHING_SHA2, auth.SHA256):
        yield from _sha2(exchange, number, reply)
    elif plugin == auth.NATIVE_PASSWORD and size == 20:
        yield _cram_sha1(exchange, number, reply)
    elif plugin in (X_NATIVE, X_SHA256):
        yield from _x_scramble(exchange, number, reply)
    elif plugin == X_PLAIN:
        yield _made(exchange, number, "secret", ITSELF, value=reply.rpartition(b"\0")[2])
    elif plugin == auth.OLD_PASSWORD and 8 <= size <= 9:
        words = "a scramble of before 4.1, as good as the password, broken in seconds"
        line = _pair(exchange.nonce[:8], reply[:8])
        yield _made(exchange, number, "crackable", words, line=line, value=reply[:8])
    elif plugin == ED25519 and size == 64:
        words = "an Ed25519 signature with a key made of the password: guesses, offline"
        yield _made(exchange, number, "crackable", words, line=_pair(exchange.nonce, reply), value=reply)
    elif plugin == PARSEC and size == 96:
        words = "a signature with a key made of the password by PBKDF2: slow guesses, offline"
        line = _pair(b"".join([exchange.nonce, *exchange.prompts]), reply)
        yield _made(exchange, number, "crackable", words, line=line, value=reply)
    else:
        yield from _by_content(exchange, number, reply)


def _sha2(exchange: Exchange, number: int, reply: bytes) -> Iterator[CredentialResult]:
    """Yield what caching_sha2_password or sha256_password sent: a hash, the password, or one under an RSA key."""
    is_full = exchange.plugin == auth.SHA256 or (exchange.asks_full and number >= exchange.full_at)
    if len(reply) == 1:
        return  # asks for the server's key
    if not is_full and len(reply) == 32:
        yield _made(exchange, number, "crackable", BY_SHA2, line=_pair(exchange.nonce[:20], reply), value=reply)
    elif is_full and reply.endswith(b"\0") and is_text(reply[:-1]):
        yield _made(exchange, number, "secret", ITSELF, value=reply[:-1])
    elif is_full and len(reply) >= 128:
        shown = any(b"PUBLIC KEY" in prompt for prompt in exchange.prompts)
        words = (
            "encrypted with an RSA key that came over the same wire: who had put another there would read it"
            if shown else "encrypted with an RSA key that the client had, or whose coming was not captured"
        )
        yield _made(exchange, number, "sealed", f"the password {words}", value=reply)
    else:
        words = f"{len(reply):,} bytes that are no reply of this plugin"
        yield _made(exchange, number, "unknown", words, value=reply)


def _cram_sha1(exchange: Exchange, number: int, reply: bytes) -> CredentialResult:
    nonce = exchange.nonce[:20]
    line = f"$mysqlna${nonce.hex()}*{reply.hex()}" if len(nonce) == 20 else None
    words = BY_SHA1 if line else f"{BY_SHA1} (the nonce was not captured)"
    return _made(
        exchange, number, "crackable", words, hashcat=CRAM_SHA1, john="mysqlna", line=line, value=reply,
    )  # fmt: skip


def _x_scramble(exchange: Exchange, number: int, reply: bytes) -> Iterator[CredentialResult]:
    """Yield X Protocol's reply `schema NUL user NUL hex`, of MYSQL41 with `*` before the digits."""
    try:
        scramble = binascii.unhexlify(reply.rpartition(b"\0")[2].removeprefix(b"*"))
    except ValueError:
        scramble = b""
    if exchange.plugin == X_NATIVE and len(scramble) == 20:
        yield _cram_sha1(exchange, number, scramble)
    elif exchange.plugin == X_SHA256 and len(scramble) == 32:
        yield _made(exchange, number, "crackable", BY_SHA2, line=_pair(exchange.nonce[:20], scramble), value=scramble)
    elif not reply.endswith(b"\0"):
        yield _made(exchange, number, "unknown", "a reply that is none of this mechanism", value=reply)


def _by_content(exchange: Exchange, number: int, reply: bytes) -> Iterator[CredentialResult]:
    """Yield what a reply shows of itself: tokens of any plugin, then what the plugin says."""
    plugin = exchange.plugin
    text = reply.rstrip(b"\0")
    if b"X-Amz-Signature=" in text and is_text(text):
        words = "an AWS IAM token, to log in with until it expires"
        yield _made(exchange, number, "token", words, expires=_iam_expiry(text), value=text)
    elif jwt := find_jwt(reply):
        words = "a JSON Web Token, to log in with until it expires"
        yield _made(exchange, number, "token", words, expires=_jwt_expiry(jwt), value=jwt)
    elif plugin in (auth.CLEAR_PASSWORD, auth.DIALOG):
        words = ITSELF if plugin == auth.CLEAR_PASSWORD else "the answer to what the server asked, as it is"
        yield _made(exchange, number, "secret", words, value=text)
    elif plugin == OPENID:
        yield _made(exchange, number, "token", "an OpenID token, to log in with until it expires", value=reply)
    elif reply.startswith(b"NTLMSSP\0"):
        yield from _ntlm(exchange, number, reply)
    elif plugin in SIGNATURES:
        words = "a signature over the server's challenge, of no use a second time"
        yield _made(exchange, number, "proof", words, value=reply)
    elif b",p=" in text and text.startswith(b"c="):
        yield _scram(exchange, number, text)
    elif text.startswith((b"n,", b"y,", b"p=")) and b"r=" in text:
        return  # SCRAM's first message: a name and a nonce
    elif reply[:1] in (b"\x60", b"\xa1") and not is_text(text):
        yield _kerberos(exchange, number, reply)
    elif is_text(text) and len(text) >= 4:
        name = plugin.decode("utf-8", "backslashreplace") or "a plugin that was not captured"
        words = f"text, which may be a secret: {name} is not known here"
        yield _made(exchange, number, "maybe", words, value=text)
    elif number == 0:
        yield _made(exchange, number, "unknown", f"{len(reply):,} bytes whose meaning is not known here", value=reply)


def _scram(exchange: Exchange, number: int, last: bytes) -> CredentialResult:
    """Return SCRAM's proof: with the messages before it, all that a guess is checked with."""
    parts = [exchange.replies[number - 1] if number else b"", *exchange.prompts[:1], last]
    words = "a SCRAM proof: guesses, offline, each as slow as the server's iterations make it"
    line = " ".join(part.decode("ascii", "backslashreplace") for part in parts)
    return _made(exchange, number, "crackable", words, line=line, value=last)


def _kerberos(exchange: Exchange, number: int, reply: bytes) -> CredentialResult:
    words = "a Kerberos ticket: the password of the service's account can be guessed offline"
    ticket = service_ticket(reply)
    if ticket is None:
        return _made(exchange, number, "crackable", words, value=reply)
    return _made(
        exchange, number, "crackable", words, hashcat=ticket.hashcat, john=ticket.john, line=ticket.line, value=reply,
    )  # fmt: skip


def _ntlm(exchange: Exchange, number: int, reply: bytes) -> Iterator[CredentialResult]:
    """Yield NTLM's third message: user, domain and responses at the places that its fields name."""
    if reply[8:12] != b"\x03\0\0\0":
        return
    lm, nt, domain, user = [_ntlm_field(reply, at) for at in (12, 20, 28, 36)]
    challenge = b""
    for prompt in exchange.prompts:
        at = prompt.find(b"NTLMSSP\0\x02\0\0\0")
        if at >= 0:
            challenge = prompt[at + 24 : at + 32]
    name, realm = user.decode("utf-16-le", "replace"), domain.decode("utf-16-le", "replace")
    newer = len(nt) > 24
    line = None
    if len(challenge) == 8 and newer:
        line = f"{name}::{realm}:{challenge.hex()}:{nt[:16].hex()}:{nt[16:].hex()}"
    elif len(challenge) == 8:
        line = f"{name}::{realm}:{lm.hex()}:{nt.hex()}:{challenge.hex()}"
    yield _made(
        exchange, number, "crackable", "an NTLM response: as many guesses as wanted, offline",
        hashcat=NTLM_2 if newer else NTLM, john="netntlmv2" if newer else "netntlm", line=line, value=reply,
    )  # fmt: skip


def _ntlm_field(message: bytes, at: int) -> bytes:
    size = int.from_bytes(message[at : at + 2], "little")
    begin = int.from_bytes(message[at + 4 : at + 8], "little")
    return message[begin : begin + size]


def of_text(secret: Secret) -> CredentialResult:
    """Return a secret in the text of a statement, or of a replicated one."""
    grade, what = SECRET_WORDS[secret.kind]
    value = secrets.read_content(secret.value, 0, len(secret.value))
    hashcat, john, line = None, None, None
    if grade == "hash":
        hashcat, john, line = _stored(unescaped(value))
    return CredentialResult(
        exchange="binlog" if secret.from_binlog else "statement", user=None, plugin=None, grade=grade, what=what,
        frame=secret.frame, offset=secret.offset, hashcat=hashcat, john=john, line=line, value=value,
    )  # fmt: skip


def _stored(value: bytes) -> tuple[tuple[int, str] | None, str | None, str | None]:
    """Return hashcat's mode, John's format and the line for a hash as servers store it."""
    if len(value) == 41 and value.startswith(b"*"):
        return STORED_SHA1, "mysql-sha1", value.decode("ascii", "backslashreplace")
    if len(value) == 16:
        return STORED_OLD, "mysql", value.decode("ascii", "backslashreplace")
    if value.startswith(b"$A$") and len(value) == 70:
        rounds, salt, digest = value[3:6].decode("ascii", "replace"), value[7:27], value[27:]
        return STORED_SHA256, None, f"$mysql$A${rounds}*{salt.hex().upper()}*{digest.hex().upper()}"
    return None, None, None


ESCAPES: Final = {ord("0"): 0, ord("n"): 10, ord("r"): 13, ord("t"): 9, ord("b"): 8, ord("Z"): 26}


def unescaped(value: bytes) -> bytes:
    """Return a literal's content with backslashes and doubled quotes undone."""
    if b"\\" not in value and b"''" not in value:
        return value
    made = bytearray()
    at = 0
    while at < len(value):
        byte = value[at]
        if byte == 0x5C and at + 1 < len(value):
            at += 1
            byte = ESCAPES.get(value[at], value[at])
        elif byte == 0x27 and value[at + 1 : at + 2] == b"'":
            at += 1
        made.append(byte)
        at += 1
    return bytes(made)


def is_text(data: bytes) -> bool:
    """Return whether it is printable, in UTF-8 or ASCII, and not empty."""
    try:
        return bool(data) and data.decode("utf-8").isprintable()
    except UnicodeDecodeError:
        return False


def find_jwt(data: bytes) -> bytes:
    """Return the JSON Web Token in a reply, empty if there is none: three parts in base64, the first a JSON object."""
    at = data.find(b"eyJ")
    if at < 0 or at > 16:
        return b""
    token = data[at:].rstrip(b"\0")
    parts = token.split(b".")
    return token if len(parts) == 3 and is_text(token) and _parse_json(parts[0]) is not None else b""


def _parse_json(part: bytes) -> dict[str, object] | None:
    import base64  # noqa: PLC0415 - few captures hold a token
    import json  # noqa: PLC0415

    try:
        found = json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _jwt_expiry(token: bytes) -> str | None:
    claims = _parse_json(token.split(b".")[1])
    expires = claims.get("exp") if claims is not None else None
    if not isinstance(expires, int) or not 0 <= expires < 1 << 35:
        return None
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=expires)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _iam_expiry(token: bytes) -> str | None:
    fields = dict(part.partition("=")[::2] for part in token.decode("utf-8", "replace").split("&"))
    try:
        begin = datetime.strptime(fields["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
        end = begin + timedelta(seconds=int(fields["X-Amz-Expires"][:7]))
    except (KeyError, ValueError, OverflowError):
        return None
    return end.strftime("%Y-%m-%dT%H:%M:%SZ")


def _pair(nonce: bytes, reply: bytes) -> str | None:
    return f"{nonce.hex()}*{reply.hex()}" if nonce else None


def _made(
    exchange: Exchange,
    number: int,
    grade: Grade,
    what: str,
    *,
    hashcat: tuple[int, str] | None = None,
    john: str | None = None,
    expires: str | None = None,
    line: str | None = None,
    value: bytes | None = None,
) -> CredentialResult:
    """Make the result of what the reply of this number gives away."""
    frame, offset = exchange.places[number] if number < len(exchange.places) else (exchange.frame, exchange.offset)
    return CredentialResult(
        exchange=EXCHANGES[exchange.kind],
        user=exchange.user.decode("utf-8", "backslashreplace") if exchange.user else None,
        plugin=exchange.plugin.decode("utf-8", "backslashreplace") if exchange.plugin else None,
        grade=grade,
        what=what,
        frame=frame,
        offset=offset,
        accepted=bool(exchange.accepted) if exchange.accepted >= 0 else None,
        hashcat=hashcat,
        john=john,
        expires=expires,
        line=line,
        value=value,
    )
