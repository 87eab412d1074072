"""TLS records in words: what the handshake says in the clear, and what cannot be read.

Source: RFC 8446 (TLS 1.3), RFC 5246 (TLS 1.2), RFC 6066 (SNI), RFC 7301 (ALPN).
"""

from __future__ import annotations

from typing import Final

from aurora_wire.binary import u16_be, u24_be
from aurora_wire.report.escape import show_bytes
from aurora_wire.report.packets.explain.rows import TEXT_LIMIT, FieldReader, Rows, plural
from aurora_wire.wire.tls import names
from aurora_wire.wire.tls.hello import (
    ClientHello,
    ServerHello,
    certificate_slices,
    parse_client_hello,
    parse_server_hello,
)
from aurora_wire.wire.tls.record_shape import MAX_RECORD, RECORD_HEADER
from aurora_wire.wire.tls.suite_strength import encrypts, suite_name, weakness

MESSAGE_HEADER: Final = 4
MAX_SUITES: Final = 60              # shown of one ClientHello
SESSION_ID_WORDS: Final = "session id: only for show in TLS 1.3; before, a session to go on with"


def record_fits(data: bytes, at: int, end: int) -> bool:
    """Return whether a record's header is at `at`."""
    if end - at < RECORD_HEADER or not names.CHANGE_CIPHER_SPEC <= data[at] <= names.HEARTBEAT:
        return False
    return data[at + 1] == 3 and data[at + 2] <= 4 and u16_be(data, at + 3) <= MAX_RECORD


def explain_record(rows: Rows, at: int, end: int, who: str) -> int:
    """Explain the record at `at`, as far as it is there. Return the offset after it."""
    kind, length = rows.data[at], u16_be(rows.data, at + 3)
    stop = at + RECORD_HEADER + length
    size = plural(RECORD_HEADER + length, "byte")
    rows.title(f"TLS record: {names.content_type_name(kind)} ({who}), {size}")
    rows.field(at, at + 1, f"content type {kind}: {names.content_type_name(kind)}")
    version = u16_be(rows.data, at + 1)
    rows.field(at + 1, at + 3, f"version {names.version_name(version)}{_record_version_words(version)}")
    rows.field(at + 3, at + 5, f"length: {plural(length, 'byte')}")
    fields = FieldReader(rows, at + RECORD_HEADER, min(stop, end), whole=stop <= end)
    if kind == names.HANDSHAKE:
        _explain_handshake(fields)
    elif kind == names.CHANGE_CIPHER_SPEC:
        fields.rest("from here on this side encrypts; in TLS 1.3 only for show, it encrypts anyway")
    elif kind == names.ALERT:
        _explain_alert(fields, length)
    elif kind == names.APPLICATION_DATA:
        fields.rest(f"application data: {plural(length, 'encrypted byte')};")
        rows.more("what is inside cannot be read without the keys")
    else:
        fields.rest("heartbeat")
    if stop > end:
        rows.note(f"{plural(stop - end, 'byte')} of this record are not in this frame.")
    return min(stop, end)


def _record_version_words(version: int) -> str:
    if version == 0x0303:
        return ", which TLS 1.3 writes here as well"
    return ", which a first ClientHello often writes, whatever it offers" if version == 0x0301 else ""


def _explain_alert(fields: FieldReader, length: int) -> None:
    if length != 2:
        fields.rest("an encrypted alert; most often close_notify, the end of the connection")
        return
    fields.big_endian(1, lambda number: f"level: {names.alert_level_name(number)}")
    fields.big_endian(1, lambda number: f"alert: {names.alert_name(number)}")


def _explain_handshake(fields: FieldReader) -> None:
    """Explain the messages of a handshake record; after ChangeCipherSpec they are encrypted."""
    while fields.left >= MESSAGE_HEADER:
        kind, length = fields.rows.data[fields.at], u24_be(fields.rows.data, fields.at + 1)
        fits = length <= fields.left - MESSAGE_HEADER
        if kind not in names.HANDSHAKE_TYPES or (not fits and length > 0xFFFF):
            break
        fields.take(1, f"handshake message {kind}: {names.handshake_name(kind)}")
        fields.take(3, f"length: {plural(length, 'byte')}")
        stop = min(fields.end, fields.at + length)
        _explain_message(FieldReader(fields.rows, fields.at, stop, whole=fits), kind)
        if not fits:
            missing = plural(fields.at + length - fields.end, "byte")
            fields.rows.note(f"The message goes on in another record or frame: {missing} more.")
        fields.at = stop
    if fields.left > 0:
        fields.rest(lambda raw: f"{plural(len(raw), 'byte')}: encrypted, or the middle of a message")


def _explain_message(fields: FieldReader, kind: int) -> None:
    data, at, end = fields.rows.data, fields.at, fields.end
    if kind == names.CLIENT_HELLO:
        hello = parse_client_hello(data, at, end) if fields.whole else None
        _explain_client_hello(fields, hello)
    elif kind == names.SERVER_HELLO:
        answer = parse_server_hello(data, at, end) if fields.whole else None
        _explain_server_hello(fields, answer)
    elif kind == names.CERTIFICATE and fields.whole:
        certificates = certificate_slices(data, at, end)
        if certificates is None:
            fields.rest("certificates of this side, in a form not known here")
        else:
            fields.rest(f"{plural(len(certificates), 'certificate')} of this side")
    else:
        fields.rest(lambda raw: plural(len(raw), "byte"))


def _explain_client_hello(fields: FieldReader, hello: ClientHello | None) -> None:
    if hello is not None:
        versions = ", ".join(names.version_name(version) for version in hello.versions)
        fields.rows.more(f"offers {versions}")
        name = "not given" if hello.sni is None else show_bytes(hello.sni)
        fields.rows.more(f"name of the server that it wants: {name}")
        if hello.has_psk or hello.session_ticket:
            fields.rows.more("asks to go on with an earlier session (resumption)")
    _hello_version(fields)
    fields.take(32, "random bytes of the client")
    _session_id(fields)
    length = fields.big_endian(2, lambda number: f"cipher suites offered: {number // 2}")
    if length is None:
        return
    suites = fields.take(length, "in the client's order of preference:")
    if suites is None:
        return
    for place in range(0, min(len(suites) // 2, MAX_SUITES) * 2, 2):
        fields.rows.more(_suite_words(u16_be(suites, place)))
    if len(suites) // 2 > MAX_SUITES:
        fields.rows.more(f"and {len(suites) // 2 - MAX_SUITES} more")
    length = fields.big_endian(1, lambda number: f"compression methods: {number}")
    if length:
        fields.take(length, lambda raw: "none" if raw == b"\0" else f"numbers {raw.hex(' ')}")
    _explain_extensions(fields, from_server=False)


def _explain_server_hello(fields: FieldReader, hello: ServerHello | None) -> None:
    if hello is not None:
        fields.rows.more(f"agrees to {names.version_name(hello.version)}")
        if hello.is_retry_request:
            fields.rows.more("a HelloRetryRequest: the client is to send another ClientHello")
        if hello.resumed_by_psk:
            fields.rows.more("goes on with an earlier session: no certificate crosses")
        if hello.downgrade_marker:
            fields.rows.more("marked as a downgrade: the server knows a newer version than this")
    _hello_version(fields)
    fields.take(32, "random bytes of the server")
    _session_id(fields)
    fields.big_endian(2, lambda number: f"cipher suite: {_suite_words(number)}")
    fields.big_endian(1, lambda number: "no compression" if number == 0 else f"compression method {number}")
    _explain_extensions(fields, from_server=True)


def _hello_version(fields: FieldReader) -> None:
    def words(number: int) -> str:
        further = " (TLS 1.3 is announced by the extension supported_versions)" if number == 0x0303 else ""
        return f"version {names.version_name(number)}{further}"

    fields.big_endian(2, words)


def _session_id(fields: FieldReader) -> None:
    length = fields.big_endian(1, lambda number: f"length of the session id: {number}")
    if length:
        fields.take(length, SESSION_ID_WORDS)


def _suite_words(code: int) -> str:
    if names.is_grease(code):
        return f"0x{code:04X} GREASE, means nothing"
    name = suite_name(code)
    if code in (0x00FF, 0x5600):
        return f"{name} (a signal, not a cipher)"
    weak = weakness(code)
    if not encrypts(code):
        return f"{name}: DOES NOT ENCRYPT"
    return f"{name}: {weak}" if weak else name


def _explain_extensions(fields: FieldReader, *, from_server: bool) -> None:
    if fields.left < 2:
        return
    fields.big_endian(2, lambda number: f"extensions: {plural(number, 'byte')}")
    while fields.left >= 4:
        kind, length = u16_be(fields.rows.data, fields.at), u16_be(fields.rows.data, fields.at + 2)
        if length > fields.left - 4:
            break
        body = fields.rows.data[fields.at + 4 : fields.at + 4 + length]
        fields.take(4 + length, _extension_words(kind, body, from_server=from_server))
    fields.rest(lambda raw: f"{plural(len(raw), 'byte')} of extensions that are not whole")


def _extension_words(kind: int, body: bytes, *, from_server: bool) -> str:
    text = f"extension {names.extension_name(kind)}"
    if kind == names.SUPPORTED_VERSIONS:
        numbers = body if from_server else body[1:]
        versions = [u16_be(numbers, place) for place in range(0, len(numbers) - 1, 2)]
        known = [names.version_name(version) for version in versions if not names.is_grease(version)]
        return f"{text}: {', '.join(known)}"
    if kind == names.SERVER_NAME and len(body) > 5:
        return f"{text}: {show_bytes(body[5:], limit=TEXT_LIMIT)}"
    if kind == names.ALPN and len(body) > 2:
        return f"{text}: {', '.join(show_bytes(name) for name in _short_texts(body[2:]))}"
    if kind in (names.SUPPORTED_GROUPS, names.SIGNATURE_ALGORITHMS) and len(body) > 2:
        return f"{text}: {u16_be(body, 0) // 2} in the list"
    return f"{text}, {plural(len(body), 'byte')}"


def _short_texts(data: bytes) -> list[bytes]:
    """Return strings with a length byte each."""
    found = []
    at = 0
    while at < len(data):
        found.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return found
