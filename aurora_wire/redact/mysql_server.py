"""What of a server's packets may be copied out, by what each is in its place: all else is masked or filled.

Sources: MySQL Server docs, "Text Resultset", "Binary Protocol Resultset", "ColumnDefinition41", "OK_Packet",
"ERR_Packet", "Session State Information", "Binlog Event". Names of columns and tables stay; that of an expression may
be a literal, and is masked.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u24, u32
from aurora_wire.redact.mysql_client import binary_value, is_zero
from aurora_wire.redact.packet_mask import PacketMask
from aurora_wire.redact.replacements import LONGEST_CACHED, LONGEST_RESULT, Cut, KnownResult
from aurora_wire.wire.decoding import roles
from aurora_wire.wire.mysql import capabilities as caps
from aurora_wire.wire.mysql.auth import CACHING_SHA2, NATIVE_PASSWORD, SHA256
from aurora_wire.wire.mysql.charsets import CHARACTER_SETS
from aurora_wire.wire.mysql.clone_shape import DESCRIPTOR_HEAD, is_descriptor_payload
from aurora_wire.wire.mysql.execute import Prepared
from aurora_wire.wire.mysql.framing import HEADER
from aurora_wire.wire.mysql.greeting import parse_greeting
from aurora_wire.wire.mysql.layout import AUTH_PLUGIN, FILLER, SERVER_VERSION, greeting_fields
from aurora_wire.wire.mysql.lenenc import NULL, find_nul, read_lenenc, read_lestr
from aurora_wire.wire.mysql.plausibility import EVENT_HEADER
from aurora_wire.wire.mysql.replies import (
    SESSION_STATE_CHANGED,
    is_column_definition,
    is_progress,
    parse_column_count,
    parse_ok,
    parse_prepare_ok,
)
from aurora_wire.wire.mysql.session_state import SCHEMA, SYSTEM_VARIABLE
from aurora_wire.wire.mysql.values import value_bounds

SEMI_SYNC: Final[i64] = 0xEF
MAX_KINDS: Final[i64] = 4096
LONG_STRING: Final[i64] = 251   # a first byte from here on is no length by itself
MAX_VERSION: Final[i64] = 60    # bytes of a server's version that are believed

# Words of the info that servers add to an OK: numbers stand between them.
INFO: Final = frozenset(
    (b"Rows", b"matched:", b"Changed:", b"Warnings:", b"Records:", b"Duplicates:", b"Deleted:", b"Skipped:", b"")
)
NUMBER: Final = b"0123456789"
# Variables of the session whose values say nothing of what is stored.
VARIABLES: Final = frozenset(
    (
        b"autocommit", b"character_set_client", b"character_set_connection", b"character_set_results",
        b"character_set_server", b"character_set_database", b"collation_connection", b"collation_database",
        b"collation_server", b"lc_messages", b"lc_time_names", b"sql_mode", b"time_zone", b"transaction_isolation",
        b"tx_isolation", b"transaction_read_only", b"tx_read_only", b"max_allowed_packet", b"net_buffer_length",
        b"wait_timeout", b"interactive_timeout", b"redirect_url_off",
    )
)  # fmt: skip
WORD: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_,-+:./"
LONGEST_NUMBER: Final[i64] = 10
CHARSETS: Final = frozenset([name.encode() for name, _, _ in CHARACTER_SETS] + [b"utf8"])
COLLATION_PARTS: Final = frozenset((b"general", b"unicode", b"uca1400", b"swedish"))
MAX_PARTS: Final[i64] = 5
LONGEST_PART: Final[i64] = 5
# What such values are made of; names of collations begin with one of a character set.
SETTINGS: Final = frozenset(
    (
        b"ON", b"OFF", b"", b"SYSTEM", b"READ-UNCOMMITTED", b"READ-COMMITTED", b"REPEATABLE-READ", b"SERIALIZABLE",
        b"ANSI", b"ANSI_QUOTES", b"TRADITIONAL", b"STRICT_TRANS_TABLES", b"STRICT_ALL_TABLES", b"ONLY_FULL_GROUP_BY",
        b"NO_ZERO_IN_DATE", b"NO_ZERO_DATE", b"ERROR_FOR_DIVISION_BY_ZERO", b"NO_ENGINE_SUBSTITUTION",
        b"NO_AUTO_CREATE_USER", b"NO_AUTO_VALUE_ON_ZERO", b"NO_BACKSLASH_ESCAPES", b"PIPES_AS_CONCAT",
        b"REAL_AS_FLOAT", b"IGNORE_SPACE", b"NO_UNSIGNED_SUBTRACTION", b"PAD_CHAR_TO_FULL_LENGTH",
        b"HIGH_NOT_PRECEDENCE", b"NO_DIR_IN_CREATE", b"ALLOW_INVALID_DATES", b"TIME_TRUNCATE_FRACTIONAL",
        b"SIMULTANEOUS_ASSIGNMENT", b"EMPTY_STRING_IS_NULL", b"en_US", b"en_GB", b"de_DE",
    )
)  # fmt: skip
STATE_CHANGE: Final[i64] = 2
TRANSACTION_STATE: Final[i64] = 5
PLUGIN: Final = b"abcdefghijklmnopqrstuvwxyz0123456789_"
PUBLIC_KEY: Final = b"-----BEGIN PUBLIC KEY-----"
# Messages without a word of the client's.
MESSAGES: Final = frozenset(
    (b"Too many connections", b"Bad handshake", b"Unknown command", b"Got packets out of order", b"Malformed packet")
)


class ServerMask(PacketMask):
    def mask(self, cut: Cut, role: i64, certain: bool, total: i64) -> None:
        data = cut.data
        at = cut.at
        end = cut.end
        if at == end:
            return
        whole = end - at == total
        if role == roles.DEFINITION and certain and whole and self._is_known(data, at, end):
            cut.keep(end)
        elif role == roles.TEXT_ROW:
            if certain and whole:
                self._text_row(cut)
        elif role == roles.BINARY_ROW:
            if certain and whole:
                self._binary_row(cut)
        elif role == roles.OK:
            self._ok(cut, certain, whole)
        elif role == roles.EOF:
            if whole and (total == 5 or total == 1):
                cut.keep(end)
            else:
                self._ok(cut, certain, whole)
        elif role in (roles.ERR, roles.EARLY_ERR):
            self._error(cut)
        elif role == roles.HEAD:
            if end - at == 1 or (certain and whole and end - at <= 4):
                if parse_column_count(data, at, end, self.talk.facts.capabilities).count > 0:
                    cut.keep(end)
            self.talk.kinds = []
        elif role == roles.DEFINITION:
            if whole and (certain or is_column_definition(data, at, end)):
                count = len(self.talk.kinds)
                self._definition(cut, certain)
                if certain and cut.at == end and not cut.changed and len(self.talk.kinds) > count:
                    self.talk.words.definition(data[at:end], self.talk.kinds[count])
            else:
                self.talk.kinds = []
        elif role == roles.PREPARE_OK:
            self._prepared(cut, certain)
        elif role == roles.GREETING:
            if whole:
                self._greeting(cut)
        elif role == roles.AUTH:
            self._auth(cut, certain, whole)
        elif role == roles.INFILE_REQUEST:
            cut.keep(at + 1)
            cut.value(end)
        elif role == roles.BINLOG:
            self._event(cut)
        elif role == roles.CLONE:
            # Which kind of packet it is; of a descriptor what tells it. Names of files come behind that.
            cut.keep(at + DESCRIPTOR_HEAD if is_descriptor_payload(data, at, end, total) else at + 1)

    def _greeting(self, cut: Cut) -> None:
        """Keep a greeting with a usual version: `8.0.36`, `5.5.5-10.11.19-MariaDB-0+deb12u1-log`; not what follows."""
        data = cut.data
        if parse_greeting(data, cut.at, cut.end) is None:
            return
        for field in greeting_fields(data, cut.at, cut.end):
            kind = field.kind
            if not field.whole:
                return
            if kind == SERVER_VERSION and not is_version(data, field.start, field.end):
                return
            if kind == AUTH_PLUGIN and not has_only(data, field.start, field.end, PLUGIN):
                return
            if kind == FILLER and not is_zero(data, field.at, field.stop):
                cut.fill(field.stop)
            cut.keep(field.stop)

    def _is_known(self, data: bytes, at: i64, end: i64) -> bool:
        """Return whether it is a definition as it was before, of which all stays: the same few come again and again."""
        if end - at > LONGEST_CACHED:
            return False
        kind = self.talk.words.definitions.get(data[at:end])
        if kind is None:
            return False
        if len(self.talk.kinds) < MAX_KINDS:
            self.talk.kinds.append(kind)
        return True

    def result(self, packets: bytes) -> KnownResult | None:
        """Return what stands in place of all definitions of a result, which `packets` are; None: see each of them.

        Only where they follow a head: then nothing but themselves decides.
        """
        talk = self.talk
        size: i64 = len(packets)
        if len(talk.kinds) > 0 or size > LONGEST_RESULT:
            return None
        known = talk.words.results.get(packets)
        if known is not None:
            talk.kinds.extend(known.kinds)
            return known
        count: i64 = 0
        at: i64 = 0
        parts: list[bytes] = []
        while at < size:
            begin = at + HEADER
            parts.append(packets[at:begin])
            at = begin + u24(packets, at)
            new = self.payload(roles.DEFINITION, True, packets, begin, at, at - begin)
            parts.append(new if len(new) > 0 else packets[begin:at])
            count += 1
        if len(talk.kinds) != count:
            talk.kinds = []
            return None
        masked = b"".join(parts)
        return talk.words.remember(packets, b"" if masked == packets else masked, talk.kinds[:])

    # Rows.

    def _text_row(self, cut: Cut) -> None:
        data = cut.data
        end = cut.end
        at = cut.at
        while at < end:  # does it fit to its end?
            length: i64 = data[at]
            if length < LONG_STRING:
                at += 1 + length
                if at > end:
                    return
                continue
            start, after = read_lestr(data, at, end)
            if start == NULL:
                after = at + 1
            elif start < 0:
                return
            at = after
        while cut.at < end:
            length = data[cut.at]
            if length < LONG_STRING:
                cut.keep(cut.at + 1)
                cut.value(cut.at + length)
                continue
            start, after = read_lestr(data, cut.at, end)
            if start == NULL:
                cut.keep(cut.at + 1)
                continue
            cut.keep(start)
            cut.value(after)

    def _binary_row(self, cut: Cut) -> None:
        data = cut.data
        end = cut.end
        kinds = self.talk.kinds
        first = cut.at
        cut.keep(first + 1)
        nulls = first + 1
        at = nulls + (len(kinds) + 9) // 8
        if len(kinds) == 0 or data[first] != 0 or at > end:
            return
        begin = at
        column: i64 = 2
        for kind in kinds:
            if data[nulls + column // 8] >> (column & 7) & 1 == 0:
                start, at = value_bounds(data, at, end, kind)
                if start < 0:
                    return
            column += 1
        if at != end:
            return
        cut.keep(begin)
        column = 2
        for kind in kinds:
            if data[nulls + column // 8] >> (column & 7) & 1 == 0:
                start, after = value_bounds(data, cut.at, end, kind)
                binary_value(cut, start, after, kind)
            column += 1

    def _definition(self, cut: Cut, certain: bool) -> None:
        """Mask a definition: catalog, schema, table, original table, name, original name; 0x0C, 12 bytes about the
        type.
        """
        data = cut.data
        end = cut.end
        ends: list[int] = []
        starts: list[int] = []
        at = cut.at
        for _ in range(6):
            start, at = read_lestr(data, at, end)
            if start < 0:
                self.talk.kinds = []
                return
            starts.append(start)
            ends.append(at)
        further = at
        if end - at > 13 and data[at] != 0x0C:  # MariaDB's further words about the type
            start, at = read_lestr(data, at, end)
            if start < 0:
                self.talk.kinds = []
                return
        if end - at < 13 or data[at] != 0x0C or (not certain and end - at != 13):
            self.talk.kinds = []
            return
        if len(self.talk.kinds) < MAX_KINDS:
            self.talk.kinds.append(data[at + 7])
        if not certain:
            cut.keep(cut.at + 4)
            cut.fill(at)
        elif starts[3] == ends[3] or data[starts[4] : ends[4]].lower() != data[starts[5] : ends[5]].lower():
            # Without an original table, or by another name than its own: of an expression, or as a statement says.
            cut.keep(starts[4])
            cut.value(ends[4])
            if starts[3] == ends[3]:
                cut.keep(starts[5])
                cut.value(ends[5])
            cut.keep(further)
        cut.keep(at + 13)  # behind it may come a default value, of COM_FIELD_LIST

    def _prepared(self, cut: Cut, certain: bool) -> None:
        reply = parse_prepare_ok(cut.data, cut.at, cut.end)
        if reply is None or not certain:
            cut.keep(cut.at + 1)
            return
        talk = self.talk
        prepared = talk.statement(reply.statement_id)
        if prepared.param_count != reply.params or len(prepared.types) > 0:
            talk.prepared[reply.statement_id] = Prepared(reply.statement_id, b"", reply.params)
        talk.kinds = []
        cut.keep(cut.end)

    # What a server says of itself.

    def _ok(self, cut: Cut, certain: bool, whole: bool) -> None:
        data = cut.data
        at = cut.at
        end = cut.end
        capabilities = self.talk.facts.capabilities if self.talk.facts.capabilities_known else caps.PROTOCOL_41
        ok = parse_ok(data, at, end, capabilities)
        if ok is None or not certain:
            # Nobody knows that it is one: the form of the usual one, and no more.
            if whole and end - at == 7 and data[at + 1] < 0xFB and data[at + 2] < 0xFB:
                cut.keep(end)
            else:
                cut.keep(at + 1)
            return
        cut.keep(ok.rest_at)
        if not whole or ok.rest_at >= end:
            return
        if not capabilities & caps.SESSION_TRACK:
            if is_info(data, ok.rest_at, end):
                cut.keep(end)
            return
        start, after = read_lestr(data, ok.rest_at, end)
        if start < 0:
            return
        cut.keep(start)
        if is_info(data, start, after):
            cut.keep(after)
        else:
            cut.fill(after)
        if not ok.status & SESSION_STATE_CHANGED or after >= end:
            return
        start, stop = read_lestr(data, after, end)
        if start < 0 or stop != end:
            return
        cut.keep(start)
        while cut.at < stop:
            kind: i64 = data[cut.at]
            begin, next_at = read_lestr(data, cut.at + 1, stop)
            if begin < 0:
                return
            cut.keep(begin)
            self._change(cut, kind, begin, next_at)
            cut.fill(next_at)

    def _change(self, cut: Cut, kind: i64, at: i64, end: i64) -> None:
        """Mask one change of the session's state."""
        data = cut.data
        if kind == SYSTEM_VARIABLE:
            while cut.at < end:
                name, value_at = read_lestr(data, cut.at, end)
                if name < 0:
                    return
                value, after = read_lestr(data, value_at, end)
                if value < 0:
                    return
                known = data[name:value_at] in VARIABLES
                if known:
                    cut.keep(value)
                else:
                    cut.keep(name)
                    cut.value(value_at)
                    cut.keep(value)
                if known and is_setting(data[value:after]):
                    cut.keep(after)
                else:
                    cut.value(after)
        elif kind == SCHEMA or (kind == STATE_CHANGE and end - at <= 2):
            cut.keep(end)
        elif kind == TRANSACTION_STATE:
            start, after = read_lestr(data, at, end)
            if start >= 0 and after == end and after - start == 8:
                cut.keep(end)

    def _error(self, cut: Cut) -> None:
        """Keep code and SQLSTATE; a message repeats what the client said, in quotes that do not nest."""
        data = cut.data
        at = cut.at
        end = cut.end
        cut.keep(at + 3)
        if is_progress(data, at, end):
            cut.keep(at + 9)  # how many strings, stage, of how many, progress in it
            length, after = read_lenenc(data, cut.at, end)
            if length >= 0:
                cut.keep(after)
            return
        if end - at >= 9 and data[at + 3] == 35 and has_only(data, at + 4, at + 9, SQLSTATE):
            cut.keep(at + 9)
        if data[cut.at : end] in MESSAGES:
            cut.keep(end)

    def _auth(self, cut: Cut, certain: bool, whole: bool) -> None:
        """Keep a plugin's name, the nonce of those whose nonce is random, a public key."""
        data = cut.data
        at = cut.at
        end = cut.end
        first: i64 = data[at]
        cut.keep(at + 1)
        if not certain or not whole:
            return
        if first == 1:
            rest = data[at + 1 : end]
            if len(rest) == 1 or (rest.startswith(PUBLIC_KEY) and len(rest) < 4096):
                cut.keep(end)
        elif first in (0xFE, 2):
            nul = find_nul(data, at + 1, end)
            if nul < 0 or not has_only(data, at + 1, nul, PLUGIN):
                return
            name = data[at + 1 : nul]
            cut.keep(nul + 1)
            if name in (NATIVE_PASSWORD, CACHING_SHA2, SHA256) and end - nul - 1 in (20, 21):
                cut.keep(end)

    def _event(self, cut: Cut) -> None:
        """Keep a binlog event's header, if the length in it is the packet's."""
        data = cut.data
        at = cut.at
        end = cut.end
        cut.keep(at + 1)
        begin = at + 1
        if end - at > 3 and data[begin] == SEMI_SYNC and data[begin + 1] < 2:
            begin += 2
        size: i64 = end - begin
        if data[at] == 0 and size >= EVENT_HEADER and u32(data, begin + 9) == size:
            cut.keep(begin + EVENT_HEADER)


SQLSTATE: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def has_only(data: bytes, at: i64, end: i64, allowed: bytes) -> bool:
    """Return whether all bytes of data[at:end] are among these."""
    return len(data[at:end].translate(None, allowed)) == 0


def is_info(data: bytes, at: i64, end: i64) -> bool:
    """Return whether it is counts, in the words of the server: `Rows matched: 1  Changed: 1  Warnings: 0`."""
    if end - at > 120:
        return False
    for word in data[at:end].split(b" "):
        if word not in INFO and (len(word) > 10 or len(word.translate(None, NUMBER)) > 0):
            return False
    return True


def is_setting(value: bytes) -> bool:
    """Return whether such variables have this value: words of the server, a number, an offset, a character set."""
    for word in value.split(b","):
        if word in SETTINGS or (len(word) <= LONGEST_NUMBER and len(word.translate(None, NUMBER + b"+-:")) == 0):
            continue
        parts = word.split(b"_")
        if parts[0] not in CHARSETS or len(parts) > MAX_PARTS:
            return False
        for part in parts[1:]:
            if len(part) > LONGEST_PART and part not in COLLATION_PARTS:
                return False
    return True


def is_version(data: bytes, at: i64, end: i64) -> bool:
    return at < end <= at + MAX_VERSION and 48 <= data[at] <= 57 and has_only(data, at, end, WORD + b"~() ")
