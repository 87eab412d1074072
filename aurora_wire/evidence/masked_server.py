"""What a server's packets hold that nobody else may read: rows, messages with values in them, binlog events.

Sources: MySQL Server docs, "Text Resultset", "Binary Protocol Resultset", "ColumnDefinition41", "ERR_Packet",
"Binlog Event". Names of columns and tables stay; that of an expression may be a literal, and is masked.
"""

from __future__ import annotations

from aurora_wire.evidence import patches
from aurora_wire.evidence.masking import Masker
from aurora_wire.evidence.patches import Patch
from aurora_wire.wire import labels
from aurora_wire.wire.mysql import capabilities as caps
from aurora_wire.wire.mysql.greeting import parse_greeting
from aurora_wire.wire.mysql.lenenc import NULL, read_lestr
from aurora_wire.wire.mysql.replies import (
    is_column_definition,
    parse_column_count,
    parse_eof,
    parse_ok,
    parse_prepare_ok,
)
from aurora_wire.wire.mysql.values import value_bounds

COUNT, DEFINITIONS, ROWS = range(3)
BINLOG_HEADER = 19
MAX_KEPT = 1024                 # bytes of an OK with all that a server tells of its session
AUTH_STARTS = frozenset({0x01, 0x02, 0xFE})
SEMI_SYNC = 0xEF
# Events without data of applications: rotate, stop, format, XID, heartbeat, GTIDs of MySQL and MariaDB.
PLAIN_EVENTS = frozenset({3, 4, 15, 16, 27, 33, 34, 35, 41, 42, 160, 161, 162, 163})


class ServerMask:
    """Of one connection, its packets in order. parameter_counts: filled with those of prepared statements."""

    def __init__(self, masker: Masker, agreed: int | None) -> None:
        self.masker = masker
        self.agreed = agreed
        self.parameter_counts: dict[int, int] = {}
        self.kinds: list[int] = []  # types of the columns of the last result
        self.phase = COUNT
        self.left = 0               # definitions to come
        self.rows = 0
        self.saw_eof = False        # the one between definitions and rows

    @property
    def deprecates_eof(self) -> bool:
        return bool((self.agreed or 0) & caps.DEPRECATE_EOF)

    def packet(self, label: int, data: bytes) -> list[Patch]:
        """data: the payload, as far as it is there."""
        if not data or label == labels.PROXY_HEADER:
            return []
        if label == labels.GREETING:
            return [] if parse_greeting(data, 0, len(data)) is not None else patches.fill(1, len(data))
        if label == labels.AUTH:  # a salt, a public key, what is asked for
            return [] if data[0] in AUTH_STARTS and len(data) <= MAX_KEPT * 8 else patches.fill(1, len(data))
        if label in (labels.ERR, labels.EARLY_ERROR):
            self.phase = COUNT
            return self._error(data)
        if label == labels.PREPARE_OK:
            reply = parse_prepare_ok(data, 0, len(data))
            if reply is not None:
                self.parameter_counts[int(reply.statement_id)] = int(reply.params)
                self.phase = COUNT
                return []
            return self._result(data)
        if label == labels.OK:
            self.phase = COUNT
            return self._kept(data)
        if label == labels.EOF:
            self._eof()
            return self._kept(data)
        if label == labels.RESULT_SET:
            return self._result(data)
        if label == labels.INFILE_REQUEST:
            return patches.value(self.masker, data, 1, len(data))
        if label == labels.BINLOG:
            return self._event(data)
        return patches.fill(1, len(data))

    def _kept(self, data: bytes) -> list[Patch]:
        """An OK or EOF, if it is one and not what was taken for it."""
        agreed = -1 if self.agreed is None else self.agreed
        is_short = len(data) <= MAX_KEPT
        if is_short and (parse_eof(data, 0, len(data)) or parse_ok(data, 0, len(data), agreed)) is not None:
            return []
        return patches.fill(1, len(data))

    def _error(self, data: bytes) -> list[Patch]:
        at = 9 if data[3:4] == b"#" else 3
        return patches.sql(self.masker, data, at, len(data))

    def _eof(self) -> None:
        between = self.phase == ROWS and not self.rows and not self.saw_eof
        if between and not self.deprecates_eof:
            self.saw_eof = True
        else:
            self.phase = COUNT

    def _result(self, data: bytes) -> list[Patch]:
        if self.phase == DEFINITIONS or (self.phase == COUNT and is_column_definition(data, 0, len(data))):
            return self._definition(data)
        if self.phase == COUNT:
            found = parse_column_count(data, 0, len(data), -1 if self.agreed is None else self.agreed)
            if found.count > 0:
                self.left = int(found.count)
                self.rows = 0
                self.saw_eof = False
                self.phase = DEFINITIONS if found.definitions_follow else ROWS
                if found.definitions_follow:
                    self.kinds = []
                return []
        self.rows += 1
        return self._row(data)

    def _definition(self, data: bytes) -> list[Patch]:
        if self.phase == DEFINITIONS:
            self.left -= 1
            if self.left <= 0:
                self.phase = ROWS
        texts: list[tuple[int, int]] = []
        at = 0
        for _ in range(6):  # catalog, schema, table, original table, name, original name
            start, at = read_lestr(data, at, len(data))
            if start < 0:
                return patches.fill(0, len(data))
            texts.append((start, at))
        if len(data) - at > 13 and data[at] != 0x0C:  # MariaDB's further words about the type
            start, at = read_lestr(data, at, len(data))
            if start < 0:
                return patches.fill(0, len(data))
        if len(data) - at < 8:
            return patches.fill(0, len(data))
        if self.phase != COUNT:
            self.kinds.append(data[at + 7])
        masked: list[Patch] = []
        name, original = texts[4], texts[5]
        if original[0] == original[1]:
            masked += patches.value(self.masker, data, *name)
        return masked + patches.fill(at + 14, len(data))  # a default value, of COM_FIELD_LIST

    def _row(self, data: bytes) -> list[Patch]:
        masked = self._binary_row(data) if data[0] == 0 and self.kinds else None
        if masked is None:
            masked = self._text_row(data)
        if masked is None:
            return patches.fill(1, len(data))
        return masked

    def _text_row(self, data: bytes) -> list[Patch] | None:
        masked: list[Patch] = []
        at = 0
        while at < len(data):
            start, after = read_lestr(data, at, len(data))
            if start == NULL:
                at += 1
                continue
            if start < 0:
                return None
            masked += patches.value(self.masker, data, start, after)
            at = after
        return masked

    def _binary_row(self, data: bytes) -> list[Patch] | None:
        size = (len(self.kinds) + 9) // 8
        at = 1 + size
        if at > len(data):
            return None
        nulls = int.from_bytes(data[1:at], "little")
        masked: list[Patch] = []
        for number, kind in enumerate(self.kinds):
            if nulls >> (number + 2) & 1:
                continue
            start, at = value_bounds(data, at, len(data), kind)
            if start < 0:
                return None
            masked += patches.binary_value(self.masker, data, start, at, kind)
        return masked if at == len(data) else None

    def _event(self, data: bytes) -> list[Patch]:
        at = 1 + (2 if data[1:2] == bytes([SEMI_SYNC]) else 0)
        kind = data[at + 4] if len(data) > at + 4 else -1
        if kind in PLAIN_EVENTS:
            return []
        return patches.fill(at + BINLOG_HEADER, len(data))
