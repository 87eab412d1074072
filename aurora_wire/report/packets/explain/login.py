"""The connection phase in words: greeting, SSLRequest, login, authentication.

Source: MySQL Server docs, "Protocol::HandshakeV10", "Protocol::SSLRequest", "Protocol::HandshakeResponse41"
and "320", "Protocol::AuthSwitchRequest", "Protocol::AuthMoreData"; MariaDB KB, "Connecting".
"""

from __future__ import annotations

from typing import Final

from aurora_wire.binary import u16
from aurora_wire.report.escape import show_bytes
from aurora_wire.report.packets.explain.capabilities import capability_lines, missing_tls
from aurora_wire.report.packets.explain.rows import TEXT_LIMIT, FieldReader, plural
from aurora_wire.wire.mysql import capabilities
from aurora_wire.wire.mysql.auth import MORE_DATA, NEXT_FACTOR, SWITCH
from aurora_wire.wire.mysql.charsets import charset_name
from aurora_wire.wire.mysql.greeting import MARIADB_PREFIX, parse_greeting

SSL_REQUEST_LEN: Final = 32
# What a passive reader gains from the reply to the challenge, by plugin.
AUTH_REPLIES: Final = {
    b"mysql_native_password": "a hash of password and challenge: a guessed password can be tried on it",
    b"caching_sha2_password": "a hash of password and challenge: a guessed password can be tried on it",
    b"mysql_clear_password": "the password itself, in the clear",
    b"mysql_old_password": "an old hash, broken in seconds",
    b"sha256_password": "a request for the server's key, or the encrypted password",
    b"dialog": "an answer to a question, in the clear",
    b"client_ed25519": "a signature made with the password: a guessed one can be tried on it",
    b"parsec": "a signature made with the password: a guessed one can be tried on it, slowly",
}


def status_words(status: int) -> str:
    flags = [word for bit, word in (
        (0x0001, "in a transaction"), (0x0002, "autocommit"), (0x0008, "another result follows"),
        (0x0040, "a cursor is open"), (0x0080, "the last row was sent"), (0x0200, "no backslash escapes"),
        (0x0800, "slow query"), (0x2000, "read-only transaction"), (0x4000, "session state changed"),
    ) if status & bit]
    return f"status 0x{status:04x}" + (f": {', '.join(flags)}" if flags else "")


def explain_greeting(fields: FieldReader) -> None:
    """Explain the payload of a greeting."""
    greeting = parse_greeting(fields.rows.data, fields.at, fields.end)
    version = fields.number(1, lambda number: f"protocol version {number}")
    fields.until_nul(_version_words)
    fields.number(4, lambda number: f"connection id {number}, as in SHOW PROCESSLIST")
    if version != 10:
        fields.until_nul(lambda raw: f"challenge for the password: {plural(len(raw), 'byte')}")
        return
    fields.take(8, "challenge for the password, first 8 bytes")
    fields.take(1, "filler")
    if fields.left == 0:
        return
    low = fields.number(2, lambda number: f"capability flags, lower half: 0x{number:04x}")
    if fields.left == 0:
        _show_flags(fields, low or 0, from_server=True, is_mariadb=False)
        return
    fields.number(1, lambda number: f"default character set: {charset_name(number)} (collation {number})")
    fields.number(2, status_words)
    high = fields.number(2, lambda number: f"capability flags, upper half: 0x{number:04x}")
    if low is None or high is None:
        return
    flags = low | high << 16
    is_mariadb = greeting is not None and greeting.is_mariadb
    fields.rows.more("both halves together:")
    _show_flags(fields, flags, from_server=True, is_mariadb=is_mariadb)
    length = fields.number(1, lambda number: f"length of the challenge: {number}, with its final zero")
    if flags & capabilities.LONG_PASSWORD:
        fields.take(10, "reserved")
    else:
        fields.take(6, "reserved")
        fields.number(4, lambda number: f"MariaDB's further capability flags: 0x{number:08x}")
        if is_mariadb and greeting is not None:
            further = greeting.capabilities >> 32 << 32
            for line in capability_lines(further, from_server=True, is_mariadb=True):
                fields.rows.more(line.removeprefix("and "))
    rest = max(13, (length or 0) - 8)
    if fields.left >= 1:
        fields.take(min(rest, fields.left) if fields.whole else rest, "the challenge's other bytes")
    if flags & capabilities.PLUGIN_AUTH and fields.left > 0:
        fields.until_nul(lambda raw: f"authentication plugin: {show_bytes(raw, limit=TEXT_LIMIT)}")


def _version_words(raw: bytes) -> str:
    text = f"server version: {show_bytes(raw, limit=TEXT_LIMIT)}"
    if raw.startswith(MARIADB_PREFIX):
        text += " (MariaDB puts 5.5.5- in front for old clients)"
    return text


def _show_flags(fields: FieldReader, flags: int, *, from_server: bool, is_mariadb: bool) -> None:
    for line in missing_tls(flags, from_server=from_server):
        fields.rows.more(line)
    for line in capability_lines(flags, from_server=from_server, is_mariadb=is_mariadb):
        fields.rows.more(line)


def _client_start(fields: FieldReader) -> int | None:
    """Explain the 32 bytes that SSLRequest and login share. Return the flags."""
    flags = fields.number(4, lambda number: f"capability flags of the client: 0x{number:08x}")
    if flags is None:
        return None
    _show_flags(fields, flags, from_server=False, is_mariadb=not flags & capabilities.LONG_PASSWORD)
    fields.number(4, lambda number: f"longest packet it takes: {plural(number, 'byte')}")
    fields.number(1, lambda number: f"character set: {charset_name(number)} (collation {number})")
    if flags & capabilities.LONG_PASSWORD:
        fields.take(23, "filler")
    else:
        fields.take(19, "filler")
        fields.number(4, lambda number: f"MariaDB's further capability flags: 0x{number:08x}")
    return flags


def explain_ssl_request(fields: FieldReader) -> None:
    """Explain the payload of an SSLRequest."""
    fields.rows.note("The client announces TLS: a login that stops before the user name. It proves nothing")
    fields.rows.note("yet; what the client sends next has to be a TLS record with a ClientHello.")
    if fields.whole and fields.left < SSL_REQUEST_LEN:
        fields.number(2, lambda number: f"capability flags of the client: 0x{number:04x}, with CLIENT_SSL")
        fields.number(3, lambda number: f"longest packet it takes: {plural(number, 'byte')}")
    else:
        _client_start(fields)
        fields.rows.note(f"These are all {SSL_REQUEST_LEN} bytes: no user, no password, no database.")


def explain_login(fields: FieldReader, agreed: int) -> None:
    """Explain the payload of a login. agreed: capabilities of both sides, or -1 if not known."""
    data = fields.rows.data
    fields.rows.note("The client logs in outside TLS: user, database and authentication data can be read.")
    if fields.left >= 2 and not u16(data, fields.at) & capabilities.PROTOCOL_41:
        _explain_login_320(fields)
        return
    flags = _client_start(fields)
    if flags is None:
        return
    both = flags & agreed
    fields.until_nul(lambda raw: f"user: {_shown(raw)}")
    plugin = _plugin_ahead(fields, both)
    _auth_reply(fields, both, plugin)
    if both & capabilities.CONNECT_WITH_DB:
        fields.until_nul(lambda raw: f"database: {_shown(raw)}")
    if both & capabilities.PLUGIN_AUTH and fields.left > 0:
        fields.until_nul(lambda raw: f"authentication plugin: {_shown(raw)}")
    if both & capabilities.CONNECT_ATTRS and fields.left > 0:
        explain_attributes(fields)
    if both & capabilities.ZSTD_COMPRESSION_ALGORITHM and fields.left > 0:
        fields.number(1, lambda number: f"zstd compression level {number}")
    fields.rest(lambda raw: f"{plural(len(raw), 'byte')} after the last known field")


def _explain_login_320(fields: FieldReader) -> None:
    flags = fields.number(2, lambda number: f"capability flags of the client: 0x{number:04x} (before 4.1)")
    fields.number(3, lambda number: f"longest packet it takes: {plural(number, 'byte')}")
    fields.until_nul(lambda raw: f"user: {_shown(raw)}")
    if flags is not None and flags & capabilities.CONNECT_WITH_DB:
        fields.until_nul(lambda raw: f"authentication data: {plural(len(raw), 'byte')}")
        fields.until_nul(lambda raw: f"database: {_shown(raw)}")
    else:
        fields.rest(lambda raw: f"authentication data: {plural(len(raw), 'byte')}")


def _shown(raw: bytes) -> str:
    return show_bytes(raw, limit=TEXT_LIMIT) if raw else "(empty)"


def _plugin_ahead(fields: FieldReader, both: int) -> bytes:
    """Return the plugin's name, which stands behind the reply that it explains."""
    if fields.left < 1 or not both & capabilities.PLUGIN_AUTH:
        return b""
    data, at, end = fields.rows.data, fields.at, fields.end
    at += 1 + data[at]              # lengths of 251 and more hold no plugin that is known here
    for _ in range(1 if both & capabilities.CONNECT_WITH_DB else 0):
        at = data.find(b"\0", at, end) + 1
    nul = data.find(b"\0", at, end)
    return data[at:nul] if 0 < at <= nul else b""


def _auth_reply(fields: FieldReader, both: int, plugin: bytes) -> None:
    why = AUTH_REPLIES.get(plugin, "what it is depends on the plugin")

    def words(raw: bytes) -> str:
        return f"authentication data, {plural(len(raw), 'byte')}: {why}"

    if both & (capabilities.PLUGIN_AUTH_LENENC_CLIENT_DATA | capabilities.SECURE_CONNECTION):
        length = _length(fields, "length of the authentication data", both)
        if length:
            fields.take(length, words)
        elif length == 0:
            fields.rows.more("no authentication data: no password, or the plugin wants to ask first")
    else:
        fields.until_nul(words)


def _length(fields: FieldReader, what: str, both: int = -1) -> int | None:
    """Return a length-encoded number, or one byte where that was not agreed."""
    if fields.left < 1:
        return None
    first = fields.rows.data[fields.at]
    is_lenenc = both & capabilities.PLUGIN_AUTH_LENENC_CLIENT_DATA
    size = {0xFC: 3, 0xFD: 4, 0xFE: 9}.get(first, 1) if is_lenenc else 1

    def value(raw: bytes) -> int:
        return raw[0] if size == 1 else int.from_bytes(raw[1:], "little")

    raw = fields.take(size, lambda raw: f"{what}: {value(raw):,}")
    return None if raw is None else value(raw)


def explain_attributes(fields: FieldReader) -> None:
    """Explain connection attributes: pairs of strings with their lengths."""
    total = _length(fields, "bytes of connection attributes")
    if total is None:
        return
    stop = min(fields.at + total, fields.end)
    data = fields.rows.data
    while fields.at < stop and not fields.cut:
        start = fields.at
        key_end = start + 1 + data[start]
        value_end = key_end + 1 + data[key_end] if key_end < stop else stop + 1
        if max(data[start], data[min(key_end, stop - 1)]) > 250 or value_end > stop:
            fields.take(stop - start, lambda raw: f"{plural(len(raw), 'byte')} of attributes, not whole")
            return
        words = f"{_shown(data[start + 1 : key_end])} = {_shown(data[key_end + 1 : value_end])}"
        fields.take(value_end - start, words)


def explain_authentication(fields: FieldReader, *, from_client: bool | None) -> None:
    """Explain a packet between login and OK. A client's has no type byte."""
    if fields.left == 0:
        fields.rows.note("An empty packet: no password, or the plugin has nothing to say.")
        return
    first = fields.rows.data[fields.at]
    if from_client or (from_client is None and first not in (MORE_DATA, NEXT_FACTOR, SWITCH)):
        fields.rows.note("The client's part of the authentication, outside TLS.")
        fields.rest(_client_authentication)
    elif first == SWITCH:
        fields.number(1, lambda _: "the server wants another authentication plugin")
        fields.until_nul(lambda raw: f"plugin: {_shown(raw)}")
        fields.rest(lambda raw: f"its challenge: {plural(len(raw), 'byte')}")
    elif first == NEXT_FACTOR:
        fields.number(1, lambda _: "one factor is done, the server asks for the next")
        fields.until_nul(lambda raw: f"plugin: {_shown(raw)}")
        fields.rest(lambda raw: f"its data: {plural(len(raw), 'byte')}")
    elif first == MORE_DATA:
        fields.number(1, lambda _: "data of the authentication plugin")
        fields.rest(_server_authentication)
    else:
        fields.rest(lambda raw: f"authentication data, {plural(len(raw), 'byte')}")


def _client_authentication(raw: bytes) -> str:
    if raw == b"\x02":
        return "asks for the server's public key, to encrypt the password with"
    if len(raw) > 1 and raw.endswith(b"\0") and raw[:-1].isascii() and raw[:-1].decode("ascii").isprintable():
        return f"reads like a password in the clear: {show_bytes(raw[:-1], limit=TEXT_LIMIT)}"
    return f"{plural(len(raw), 'byte')}: a hash, a signature or an encrypted password"


def _server_authentication(raw: bytes) -> str:
    if raw == b"\x03":
        return "the hash was right (caching_sha2_password, from the server's cache)"
    if raw == b"\x04":
        return "the hash is not enough, the password itself is wanted (caching_sha2_password)"
    if raw.startswith(b"-----BEGIN"):
        return "the server's public key, to encrypt the password with; nothing proves that it is the server's"
    return plural(len(raw), "byte")
