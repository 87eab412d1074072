"""The connection phase in words: greeting, SSLRequest, login, authentication.

Source: MySQL Server docs, "Protocol::HandshakeV10", "Protocol::SSLRequest", "Protocol::HandshakeResponse41"
and "320", "Protocol::AuthSwitchRequest", "Protocol::AuthMoreData"; MariaDB KB, "Connecting".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aurora_wire.binary import u16
from aurora_wire.report.escape import show_bytes
from aurora_wire.report.packets.explain.capabilities import capability_lines, missing_tls
from aurora_wire.report.packets.explain.rows import TEXT_LIMIT, FieldReader, plural
from aurora_wire.wire.mysql import capabilities, layout
from aurora_wire.wire.mysql.auth import MORE_DATA, NEXT_FACTOR, SWITCH
from aurora_wire.wire.mysql.charsets import charset_name
from aurora_wire.wire.mysql.greeting import MARIADB_PREFIX, parse_greeting

# What ends with a NUL: where a frame holds only the beginning of the message, the rest may be in the next.
TEXTS: Final = (layout.SERVER_VERSION, layout.USER, layout.DATABASE, layout.AUTH_PLUGIN, layout.AUTH_RESPONSE)
# What a passive reader gains from the reply to the challenge, by plugin.
AUTH_RESPONSES: Final = {
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
    data = fields.rows.data
    greeting = parse_greeting(data, fields.at, fields.end)
    is_mariadb = greeting is not None and greeting.is_mariadb
    flags = -1
    for field in layout.greeting_fields(data, fields.at, fields.end):
        kind = field.kind
        value = int.from_bytes(data[field.at : field.stop], "little")
        if kind == layout.CAPABILITIES:
            _show(fields, field, f"capability flags, lower half: 0x{value:04x}")
            flags = value
            if fields.left == 0:
                _show_flags(fields, flags, from_server=True, is_mariadb=False)
        elif kind == layout.CAPABILITIES_HIGH:
            _show(fields, field, f"capability flags, upper half: 0x{value:04x}")
            if not fields.cut:
                flags |= value << 16
                fields.rows.more("both halves together:")
                _show_flags(fields, flags, from_server=True, is_mariadb=is_mariadb)
        elif kind == layout.CAPABILITIES_EXTENDED:
            _show(fields, field, f"MariaDB's further capability flags: 0x{value:08x}")
            if is_mariadb and greeting is not None:
                further = greeting.capabilities >> 32 << 32
                for line in capability_lines(further, from_server=True, is_mariadb=True):
                    fields.rows.more(line.removeprefix("and "))
        elif kind == layout.FILLER:
            _show(fields, field, "filler" if field.stop - field.at == 1 else "reserved")
        elif kind == layout.SCRAMBLE:
            _show(fields, field, _scramble_words(field, flags))
        else:
            _show(fields, field, GREETING_WORDS[kind](data[field.start : field.end]))


def _scramble_words(field: layout.Field, flags: int) -> str:
    if flags >= 0:
        return "the challenge's other bytes"
    if field.stop > field.end:  # of a V9 greeting, as text
        return f"challenge for the password: {plural(field.end - field.start, 'byte')}"
    return "challenge for the password, first 8 bytes"


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


def _number(raw: bytes) -> int:
    return int.from_bytes(raw, "little")


def _charset_words(raw: bytes) -> str:
    return f"{charset_name(_number(raw))} (collation {_number(raw)})"


def _shown(raw: bytes) -> str:
    return show_bytes(raw, limit=TEXT_LIMIT) if raw else "(empty)"


# Words about a field's value, by its kind.
GREETING_WORDS: Final[dict[int, Callable[[bytes], str]]] = {
    layout.PROTOCOL_VERSION: lambda raw: f"protocol version {_number(raw)}",
    layout.SERVER_VERSION: _version_words,
    layout.THREAD_ID: lambda raw: f"connection id {_number(raw)}, as in SHOW PROCESSLIST",
    layout.CHARSET: lambda raw: f"default character set: {_charset_words(raw)}",
    layout.STATUS: lambda raw: status_words(_number(raw)),
    layout.SCRAMBLE_LEN: lambda raw: f"length of the challenge: {_number(raw)}, with its final zero",
    layout.AUTH_PLUGIN: lambda raw: f"authentication plugin: {show_bytes(raw, limit=TEXT_LIMIT)}",
}
CLIENT_WORDS: Final[dict[int, Callable[[bytes], str]]] = {
    layout.MAX_PACKET: lambda raw: f"longest packet it takes: {plural(_number(raw), 'byte')}",
    layout.CHARSET: lambda raw: f"character set: {_charset_words(raw)}",
    layout.FILLER: lambda _: "filler",
    layout.CAPABILITIES_EXTENDED: lambda raw: f"MariaDB's further capability flags: 0x{_number(raw):08x}",
    layout.USER: lambda raw: f"user: {_shown(raw)}",
    layout.DATABASE: lambda raw: f"database: {_shown(raw)}",
    layout.AUTH_PLUGIN: lambda raw: f"authentication plugin: {_shown(raw)}",
    layout.ZSTD_LEVEL: lambda raw: f"zstd compression level {_number(raw)}",
}


def explain_ssl_request(fields: FieldReader) -> None:
    """Explain the payload of an SSLRequest."""
    fields.rows.note("The client announces TLS: a login that stops before the user name. It proves nothing")
    fields.rows.note("yet; what the client sends next has to be a TLS record with a ClientHello.")
    is_320 = fields.whole and fields.left < layout.SSL_REQUEST_LEN
    _client_fields(fields, layout.ssl_request_fields(fields.rows.data, fields.at, fields.end), is_320=is_320)
    if not is_320:
        fields.rows.note(f"These are all {layout.SSL_REQUEST_LEN} bytes: no user, no password, no database.")


def explain_login(fields: FieldReader, agreed: int) -> None:
    """Explain the payload of a login. agreed: capabilities of both sides, or -1 if not known."""
    data = fields.rows.data
    fields.rows.note("The client logs in outside TLS: user, database and authentication data can be read.")
    is_320 = fields.left >= 2 and not u16(data, fields.at) & capabilities.PROTOCOL_41
    _client_fields(fields, layout.login_fields(data, fields.at, fields.end, agreed), is_320=is_320)
    fields.rest(lambda raw: f"{plural(len(raw), 'byte')} after the last known field")


def explain_change_user(fields: FieldReader, start: int, agreed: int) -> None:
    """Explain a COM_CHANGE_USER behind its command byte, which is at `start`."""
    found = layout.change_user_fields(fields.rows.data, start, fields.end, agreed)
    _client_fields(fields, found[1:], is_320=False)


def _client_fields(fields: FieldReader, found: list[layout.Field], *, is_320: bool) -> None:
    data = fields.rows.data
    plugin = next((data[one.start : one.end] for one in found if one.kind == layout.AUTH_PLUGIN), b"")
    name = b""
    for field in found:
        kind = field.kind
        value = data[field.start : field.end]
        if kind == layout.CAPABILITIES:
            _client_flags(fields, field, _number(value), is_320=is_320)
        elif kind == layout.AUTH_RESPONSE:
            _auth_response(fields, field, plugin)
        elif kind == layout.ATTRIBUTES:
            if field.stop > field.at:
                total = _number(value[1:]) if len(value) > 1 else _number(value)
                fields.take(field.stop - field.at, f"bytes of connection attributes: {total:,}")
        elif kind == layout.ATTRIBUTE_NAME and not field.whole:
            fields.rest(lambda raw: f"{plural(len(raw), 'byte')} of attributes, not whole")
        elif kind == layout.ATTRIBUTE_NAME:
            name = value
        elif kind == layout.ATTRIBUTE_VALUE:
            fields.take(field.stop - fields.at, f"{_shown(name)} = {_shown(value)}")
        else:
            _show(fields, field, CLIENT_WORDS[kind](value))


def _client_flags(fields: FieldReader, field: layout.Field, flags: int, *, is_320: bool) -> None:
    if is_320:
        _show(fields, field, f"capability flags of the client: 0x{flags:04x} (before 4.1)")
        return
    _show(fields, field, f"capability flags of the client: 0x{flags:08x}")
    if not fields.cut:
        _show_flags(fields, flags, from_server=False, is_mariadb=not flags & capabilities.LONG_PASSWORD)


def _auth_response(fields: FieldReader, field: layout.Field, plugin: bytes) -> None:
    why = AUTH_RESPONSES.get(plugin, "what it is depends on the plugin")
    size = field.end - field.start
    if field.start > field.at:
        prefix = fields.rows.data[field.at : field.start]
        told = prefix[0] if len(prefix) == 1 else _number(prefix[1:])
        fields.take(field.start - field.at, f"length of the authentication data: {told:,}")
        if size == 0 and field.whole:
            fields.rows.more("no authentication data: no password, or the plugin wants to ask first")
            return
        _show(fields, field, f"authentication data, {plural(size, 'byte')}: {why}")
    else:  # of clients so old that they know no plugins
        _show(fields, field, f"authentication data: {plural(size, 'byte')}")


def _show(fields: FieldReader, field: layout.Field, words: str) -> None:
    """Make a row of what is not shown yet of a field; where it is not all there, the row says that instead."""
    is_text = field.kind in TEXTS and field.start == field.at
    lacks_nul = is_text and field.stop == field.end == fields.end and not fields.whole
    if field.whole and not lacks_nul:
        fields.take(field.stop - fields.at, words)
    else:
        fields.stop()


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
