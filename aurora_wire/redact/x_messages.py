"""Messages of X Protocol while they are masked: their fields stay as fields, what they say goes.

Tags, lengths and numbers of a message's own fields stay, and the few names that say what it is: a mechanism, a
capability, a namespace. SQL is masked as in the classic protocol; all other bytes are filled.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.redact.replacements import FILL, Words
from aurora_wire.wire.mysqlx.client import AUTHENTICATE_CONTINUE
from aurora_wire.wire.mysqlx.fields import BYTES, VARINT, Fields
from aurora_wire.wire.mysqlx.shape import AUTHENTICATE_START, CAPABILITIES, CAPABILITIES_SET, ERROR
from aurora_wire.wire.mysqlx.statements import STMT_EXECUTE

LARGEST_NUMBER: Final[i64] = 1 << 16  # of a field, that stays: flags, codes and ids of statements

MECHANISM: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
KNOWN: Final = frozenset((
    b"tls", b"compression", b"session_connect_attrs", b"authentication.mechanisms", b"doc.formats",
    b"client.pwd_expire_ok", b"client.interactive", b"node_type",
))  # fmt: skip
PLAIN_VALUES: Final = frozenset((b"tls", b"compression"))  # capabilities whose value names nobody and nothing
NAMESPACES: Final = frozenset((b"sql", b"mysqlx", b"xplugin"))


def masked_message(words: Words, from_client: bool, kind: i64, data: bytes) -> bytes:
    """Return what stands in place of a message's body, as many bytes. One that is no message is filled whole."""
    made = bytearray(FILL * len(data))
    if from_client and kind == CAPABILITIES_SET:
        whole = _wrapped(data, 0, len(data), made)
    elif kind == CAPABILITIES:
        whole = _capabilities(data, 0, len(data), made)
    else:
        whole = _message(words, from_client, kind, data, made)
    return bytes(made) if whole else FILL * len(data)


def _frame(fields: Fields, made: bytearray, begun: i64) -> None:
    """Let the current field's tag stay, and its length, or its value if that is a small number."""
    data = fields.data
    if fields.wire == BYTES:
        made[begun : fields.start] = data[begun : fields.start]
    elif fields.wire == VARINT and not fields.negative and fields.value < LARGEST_NUMBER:
        made[begun : fields.stop] = data[begun : fields.stop]
    else:
        made[begun : fields.start] = data[begun : fields.start]
        at = fields.start
        while at < fields.stop:
            last = fields.wire == VARINT and at == fields.stop - 1
            made[at] = 0x01 if last or fields.wire != VARINT else 0x81
            at += 1


def _message(words: Words, from_client: bool, kind: i64, data: bytes, made: bytearray) -> bool:
    fields = Fields(data, 0, len(data))
    begun: i64 = 0
    while fields.next():
        _frame(fields, made, begun)
        begun = fields.stop
        if fields.wire != BYTES:
            continue
        start = fields.start
        stop = fields.stop
        raw = data[start:stop]
        if _stays(from_client, kind, fields.number, raw):
            made[start:stop] = raw
        elif from_client and kind == STMT_EXECUTE and fields.number == 1:
            made[start:stop] = words.sql(raw)
        elif from_client and kind in (AUTHENTICATE_START, AUTHENTICATE_CONTINUE):
            at = start
            while at < stop:
                if data[at] == 0:
                    made[at] = 0  # between schema, user and password
                at += 1
    return not fields.broken


def _stays(from_client: bool, kind: i64, number: i64, raw: bytes) -> bool:
    """Return whether a field says what the message is, and nothing of anybody."""
    if not from_client:
        return kind == ERROR and number == 4 and len(raw) == 5  # SQLSTATE
    if kind == STMT_EXECUTE:
        return number == 3 and raw in NAMESPACES
    return kind == AUTHENTICATE_START and number == 1 and len(raw.strip(MECHANISM)) == 0


def _wrapped(data: bytes, at: i64, end: i64, made: bytearray) -> bool:
    fields = Fields(data, at, end)
    begun = at
    while fields.next():
        _frame(fields, made, begun)
        begun = fields.stop
        if fields.wire == BYTES and not _capabilities(data, fields.start, fields.stop, made):
            return False
    return not fields.broken


def _capabilities(data: bytes, at: i64, end: i64, made: bytearray) -> bool:
    """Mask a list of capabilities: names that are known stay, and whether TLS and what compression is asked for."""
    fields = Fields(data, at, end)
    begun = at
    while fields.next():
        _frame(fields, made, begun)
        begun = fields.stop
        if fields.wire != BYTES:
            continue
        name = b""
        inner = Fields(data, fields.start, fields.stop)
        place = fields.start
        while inner.next():
            _frame(inner, made, place)
            place = inner.stop
            if inner.wire != BYTES:
                continue
            raw = data[inner.start : inner.stop]
            if inner.number == 1:
                name = raw
                if name in KNOWN:
                    made[inner.start : inner.stop] = raw
                else:
                    made[inner.start : inner.stop] = b"x" * len(raw)
            elif name in PLAIN_VALUES:
                made[inner.start : inner.stop] = raw
        if inner.broken:
            return False
    return not fields.broken
